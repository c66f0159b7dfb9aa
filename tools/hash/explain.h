/* `kvstrata hash --explain`: the bytes that are hashed for one block, and where two blocks part. */
#ifndef TOOLS_EXPLAIN_H
#define TOOLS_EXPLAIN_H

#include <stdio.h>

#include "hash/scheme_names.h"

/* All zero is one that has explained nothing. */
typedef struct explainer {
    size_t block;
    uint8_t *bytes, *first; /* the bytes of a block; those of the first one, with which the others are compared */
    size_t first_bytes, first_parent_bytes;
    uint8_t first_parent[KVHASH_SCHEME_NAME_BYTES];
    char first_title[160];
} explainer;

/* Explain the block of a request that was named, scheme after scheme. `place` says where the request stands.
 *
 * Errors: KVCORE_EFORMAT when there is no such block; KVCORE_ENOTSUP for a scheme without bytes; KVCORE_EOVERFLOW;
 *         KVCORE_ENOMEM. */
KVCORE_NODISCARD kvcore_status explain(explainer *to, FILE *out, const scheme_set *set, const char *place,
                                       kvcore_error *error);

void explainer_clear(explainer *to);

#endif
