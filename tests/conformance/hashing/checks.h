/* What the hashing driver checks; one function a vector file. */
#ifndef CONFORMANCE_HASHING_CHECKS_H
#define CONFORMANCE_HASHING_CHECKS_H

#include "vectors.h"

#include <kvhash/block.h>
#include <kvhash/multimodal.h>

/* requests.c */
void check_request(kvtest_vector *v);       /* requests, requests_mm, mm_errors */
void check_large_request(kvtest_vector *v); /* requests_large */

/* primitives.c */
typedef struct xxh3_file {
    uint8_t *buffer;
    size_t size_bytes;
    uint64_t seeds[64];
    size_t seed_count;
} xxh3_file;
void check_xxh3(kvtest_vector *v);
void end_xxh3(void *context);
void check_salt(kvtest_vector *v);
void check_primitive(kvtest_vector *v);
void check_block_bytes(kvtest_vector *v);
void check_panic(kvtest_vector *v);

/* names.c */
void check_plh_new(kvtest_vector *v);
void check_plh_chain(kvtest_vector *v);
void check_plh_raw(kvtest_vector *v);
void check_plh_order(kvtest_vector *v);
void check_psh(kvtest_vector *v);
void check_serde(kvtest_vector *v);

/* sequences.c */
void check_sequence(kvtest_vector *v);

/* radix.c */
void check_radix_ops(kvtest_vector *v);

/* shared.c */
void expect_plh(kvtest_vector *v, const char *what, kvhash_plh actual, json_object *expected);
void expect_psh(kvtest_vector *v, const char *what, kvhash_psh actual, json_object *expected);
kvhash_mm_run *runs_of(kvtest_vector *v, json_object *object, const char *key, size_t *count);
void expect_runs(kvtest_vector *v, const char *what, const kvhash_mm_run *actual, size_t count, json_object *object,
                 const char *key);
/* The status of an error's `variant`; 0 and a difference for one that is not known. */
kvcore_status status_of_variant(kvtest_vector *v, const char *variant);
/* An error of faulty runs: status, message and the fields that its variant has. */
void expect_run_error(kvtest_vector *v, kvcore_status status, const kvcore_error *actual, json_object *expected);

#endif
