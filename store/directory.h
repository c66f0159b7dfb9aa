/* The directory backend. Private to store. */
#ifndef KVSTORE_DIRECTORY_H
#define KVSTORE_DIRECTORY_H

#include "files.h"
#include "internal.h"

typedef struct kvstore__directory {
    kvcore_allocator allocator;
    kvstore__files files;
    kvstore_durability durability;
    int root, keeper_lock, use_lock;
    bool never_keeper, no_unnamed, is_keeper;
    uint64_t reopened_ns;
    char *path; /* of the root */
    size_t path_room;
} kvstore__directory;

/* directory_put.c */
void kvstore__directory_put(kvstore__directory *self, kvstore_transfer *transfer);
/* directory_list.c */
kvcore_status kvstore__directory_list(void *ctx, const char *prefix, void **cursor, kvstore_backend_visit visit,
                                      void *visit_ctx, kvcore_error *error);
void kvstore__directory_list_end(void *ctx, void *cursor);

/* What an errno means for a transfer. */
void kvstore__directory_fail(kvstore_transfer *transfer, int code);
bool kvstore__directory_reopen(kvstore__directory *self);

#endif
