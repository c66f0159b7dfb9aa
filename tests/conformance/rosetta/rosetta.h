/* What the checks of the rosetta driver share. */
#ifndef ROSETTA_H
#define ROSETTA_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <kvhash/scheme.h>

#include "vectors.h"

/* A request of the line: its tokens, 32 bits wide or wider. */
kvhash_scheme_request request_of(kvtest_vector *v);
kvhash_scheme_config config_of(kvtest_vector *v, kvhash_scheme_kind kind, const char *size_key);
/* A text: not given when it is null or missing. */
kvcore_bytes text_of(json_object *value);
kvcore_bytes optional(json_object *object, const char *key);
uint64_t number_of(json_object *value);
uint64_t generate(uint64_t *state);

typedef struct name_chain {
    kvhash_scheme *scheme;
    uint8_t *names;
    size_t count;
    size_t name_bytes;
} name_chain;

/* The names of a request; and that they are the same from every block on. */
name_chain chain_of(kvtest_vector *v, const kvhash_scheme_config *config, const kvhash_scheme_request *request);
void chain_free(name_chain *chain);
/* Names against the fields <prefix>blocks, or n, first, last, digest. `numbers`: decimal, of 8 bytes; `is_signed`. */
typedef struct name_form {
    const char *list, *first, *last, *digest;
    bool numbers, is_signed, text_digest;
} name_form;
void expect_names(kvtest_vector *v, json_object *expect, const name_chain *names, const name_form *form);
void expect_name(kvtest_vector *v, const char *what, const uint8_t *name, size_t size, json_object *expected,
                 const name_form *form);
void expect_images(kvtest_vector *v, const name_chain *chain, const kvhash_scheme_request *request, json_object *images,
                   bool root_first);
void expect_root(kvtest_vector *v, name_chain *chain, const kvhash_scheme_request *request, json_object *expected,
                 const name_form *form);

void check_vllm(kvtest_vector *v);
void check_vllm_untagged(kvtest_vector *v);
void check_vllm_bare(kvtest_vector *v);
void check_vllm_misc(kvtest_vector *v);
void check_sglang(kvtest_vector *v);
void check_sglang_misc(kvtest_vector *v);
void check_sglang_mm(kvtest_vector *v);
void check_llmd(kvtest_vector *v);
void check_lmcache(kvtest_vector *v);
void check_lmcache_keys(kvtest_vector *v);
void check_trtllm(kvtest_vector *v);
void check_flexkv(kvtest_vector *v);
void check_aibrix(kvtest_vector *v);

#endif
