/* One step of the sequence hash chain. Private to hashing. */
#ifndef HASHING_CHAIN_H
#define HASHING_CHAIN_H

#include <stdint.h>

#include <kvcore/bytes.h>
#include <kvhash/hash.h>

#include "xxh3.h"

#define CHAIN_SEED KVHASH_CHAIN_SEED

/* XXH3(parent LE ‖ block hash LE, 1337). */
static inline uint64_t chain_next(uint64_t parent_sequence_hash, uint64_t block_hash) {
    uint8_t bytes[16];
    kvcore_store_le64(bytes, parent_sequence_hash);
    kvcore_store_le64(bytes + 8, block_hash);
    return XXH3_64bits_withSeed(bytes, sizeof bytes, CHAIN_SEED);
}

#endif
