/* What the tests of stores share: a folder of one's own, a space, blocks that can be told apart. */
#ifndef STORE_SUPPORT_H
#define STORE_SUPPORT_H

#include "kvtest.h"

#include <kvstore/store.h>

enum { STORE_BLOCK = 6000 };

/* A new empty folder below the build's; removed with everything in it by store_remove_folder(). */
char *store_new_folder(void);
void store_remove_folder(char *path);

kvstore_space_config store_whose(void);
kvstore_space *store_space(kvstore *store);
kvstore *store_open(const char *root, const kvstore_options *options);

/* Chains of names: of one seed, block after block. */
void store_names(uint64_t seed, kvhash_plh *names, size_t count);
void store_fill(kvhash_plh name, uint8_t *bytes, size_t size_bytes);

/* Put or get `count` blocks of STORE_BLOCK bytes, three spans each; the results go to `results`. */
size_t store_put_blocks(kvstore_space *space, const kvhash_plh *names, size_t count, kvstore_result *results);
/* Checks that every hit has its bytes. Gives the hits. */
size_t store_get_blocks(kvstore_space *space, const kvhash_plh *names, size_t count, kvstore_result *results);

/* "<root>/v1/…" of a block. */
void store_path(const char *root, kvhash_plh name, char *path, size_t capacity);

kvstore_stats store_stats(const kvstore *store);

#endif
