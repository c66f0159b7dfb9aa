/* Naming many blocks in one pass: block hash, chain step, name, store. Private to hashing.
 *
 * The same source (naming_kernel.h) is compiled once for each instruction set; naming.c chooses when it is called. */
#ifndef HASHING_NAMING_H
#define HASHING_NAMING_H

#include <stddef.h>
#include <stdint.h>

#include <kvhash/block.h>
#include <kvhash/hash.h>

#include "run_walk.h"

/* What is wanted of each block, and what naming_job.out is an array of; one loop is compiled for each. */
typedef enum naming_output {
    NAMING_NAMES,                  /* kvhash_plh */
    NAMING_BLOCK_HASHES,           /* uint64_t */
    NAMING_SEQUENCE_HASHES,        /* uint64_t */
    NAMING_BLOCKS,                 /* kvhash_block */
    NAMING_NAMES_AND_BLOCK_HASHES, /* kvhash_plh, and naming_job.block_hashes */
} naming_output;

/* Consecutive blocks of one chain. Everything in it has been checked: runs are valid, positions within the limit. */
typedef struct naming_job {
    const uint32_t *tokens; /* of the first block to name */
    size_t block_tokens;
    uint64_t first_block; /* its position */
    size_t block_count;
    uint64_t salt_hash;
    uint64_t parent;       /* sequence hash of block first_block − 1; 0 when first_block is 0 */
    const uint8_t *secret; /* the XXH3 secret of salt_hash; NULL: made when it is needed */
    run_walk *runs;        /* NULL without; stands at the first run that ends after the first slot, and moves on */
    naming_output output;
    void *out;              /* room for block_count */
    uint64_t *block_hashes; /* NAMING_NAMES_AND_BLOCK_HASHES: as much room */
} naming_job;

typedef struct naming_kernels {
    void (*name)(const naming_job *job);
    /* One block without runs; `secret` is that of the seed. */
    uint64_t (*hash_block)(const uint32_t *tokens, size_t token_count, uint64_t seed, const uint8_t *secret);
    uint64_t (*hash_bytes)(const void *bytes, size_t size_bytes, uint64_t seed);
    uint64_t (*hash_tokens)(const uint32_t *tokens, size_t token_count, uint64_t seed);
} naming_kernels;

/* Never NULL. A few instructions: the CPU's features are in memory. */
const naming_kernels *kvhash__naming_kernels_for_this_cpu(void);

extern const naming_kernels kvhash__naming_baseline;
extern const naming_kernels kvhash__naming_avx2;   /* x86-64 only */
extern const naming_kernels kvhash__naming_avx512; /* x86-64 only */

#endif
