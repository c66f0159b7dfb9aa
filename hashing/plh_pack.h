/* A PLH from its parts, for the loops that name many blocks. Private to hashing. */
#ifndef HASHING_PLH_PACK_H
#define HASHING_PLH_PACK_H

#include <kvhash/plh.h>

/* position ≤ KVHASH_PLH_MAX_POSITION is the caller's to check. */
static inline kvhash_plh plh_pack(uint64_t sequence_hash, uint64_t parent_sequence_hash, uint32_t position) {
    unsigned bits = kvhash_plh_fragment_bits(position);
    uint64_t mode = (54 - bits) / 8;
    kvhash_plh name;
    name.high = mode << 62 | (uint64_t)position << bits | sequence_hash >> (64 - bits);
    name.low = sequence_hash << bits | (parent_sequence_hash & ((UINT64_C(1) << bits) - 1));
    return name;
}

#endif
