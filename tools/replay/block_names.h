/* The names of a request of a trace, along the real path: ids → tokens → names.
 *
 * A block of B tokens stands for id i: token j is the low 32 bits of f(i·B + j), with f the output step of splitmix64.
 * No salt, no LoRA name. */
#ifndef TOOLS_BLOCK_NAMES_H
#define TOOLS_BLOCK_NAMES_H

#include <stddef.h>
#include <stdint.h>

#include <kvcore/status.h>
#include <kvhash/plh.h>

/* All zero but block_tokens is an empty one. */
typedef struct block_names {
    uint32_t block_tokens;
    uint32_t *tokens;       /* of one piece of a request */
    uint64_t *block_hashes; /* likewise */
    kvhash_plh *names;      /* of the last request */
    size_t capacity;        /* blocks */
    uint64_t hashing_ns;
} block_names;

/* Name count blocks into names->names.
 *
 * Errors: KVHASH_EPOSITION for more than 2^24 blocks; KVCORE_ENOMEM. */
KVCORE_NODISCARD kvcore_status block_names_make(block_names *names, const uint64_t *ids, size_t count,
                                                kvcore_error *error);

void block_names_clear(block_names *names);

#endif
