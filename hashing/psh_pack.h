/* A PSH from its parts, for the loops that name many blocks. Private to hashing. */
#ifndef HASHING_PSH_PACK_H
#define HASHING_PSH_PACK_H

#include <kvhash/psh.h>

/* position ≤ KVHASH_PSH_MAX_POSITION is the caller's to check. */
static inline kvhash_psh psh_pack(uint64_t sequence_hash, uint32_t position, uint64_t block_hash) {
    uint64_t mode = (position >= 256) + (position >= 65536) + (position >= 16777216);
    unsigned bits = 62 - kvhash_psh_position_bits((unsigned)mode); /* of the block hash */
    return (kvhash_psh){mode << 62 | (uint64_t)position << bits | (block_hash & (UINT64_MAX >> (64 - bits))),
                        sequence_hash};
}

#endif
