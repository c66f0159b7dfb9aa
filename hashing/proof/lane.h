/* One keyed hash of 64 bits over a growing message: NH over pieces of 64 bytes, a polynomial over 2^127 − 1 over the results, a
 * multilinear hash of its value. Private to hashing. See kvhash/proof.h for the sources and the bound. */
#ifndef HASHING_PROOF_LANE_H
#define HASHING_PROOF_LANE_H

#include <stddef.h>
#include <stdint.h>

__extension__ typedef unsigned __int128 lane_wide;

#define LANE_WORDS 8 /* 64-bit words of a piece */
#define LANE_TOKENS ((size_t)2 * LANE_WORDS)

typedef struct lane_key {
    uint64_t nh[LANE_WORDS];
    uint64_t point_high, point_low; /* of the polynomial; each below 2^60 */
    lane_wide mix_high, mix_low, mix_plus;
} lane_key;

/* The value of the polynomial so far, at most 2^127. 0 and 1 have two forms each; one message always gives the same. */
typedef struct lane_value {
    uint64_t high, low;
} lane_value;

/* value · point + coefficient, for a value of at most 2^127, both halves of the point below 2^60 and a coefficient below
 * 2^126 + 2^64: no sum passes 2^128. 2^127 is 1. */
static inline lane_value lane_step(const lane_key *key, lane_value value, lane_wide coefficient) {
    const uint64_t low_63 = UINT64_MAX >> 1;
    lane_wide top = (lane_wide)value.high * key->point_high;
    lane_wide middle = (lane_wide)value.high * key->point_low + (lane_wide)value.low * key->point_high;
    lane_wide bottom = (lane_wide)value.low * key->point_low;
    lane_wide sum = coefficient + 2 * top + bottom;
    /* in halves: as one number compilers keep it in memory, on the way from block to block */
    uint64_t low = (uint64_t)sum, high = (uint64_t)(sum >> 64) + ((uint64_t)middle & low_63);
    high += __builtin_add_overflow(low, (uint64_t)(middle >> 63), &low);
    uint64_t over = high >> 63;
    high &= low_63;
    high += __builtin_add_overflow(low, over, &low);
    return (lane_value){high, low};
}

static inline uint64_t lane_word(const uint32_t *tokens) { return tokens[0] | (uint64_t)tokens[1] << 32; }

/* NH of LANE_TOKENS tokens. */
static inline lane_wide lane_nh(const lane_key *key, const uint32_t *tokens) {
    lane_wide sum = 0;
#pragma GCC unroll 4
    for (size_t i = 0; i < LANE_WORDS; i += 2)
        sum += (lane_wide)(lane_word(tokens + 2 * i) + key->nh[i]) * (lane_word(tokens + 2 * i + 2) + key->nh[i + 1]);
    /* below 2^126: what marks a header stays apart */
    return sum & (((lane_wide)1 << 126) - 1);
}

/* A coefficient that no piece has: the size of what comes next. */
static inline lane_wide lane_header(uint64_t size) { return (lane_wide)1 << 126 | size; }

static inline uint64_t lane_finish(const lane_key *key, lane_value value) {
    return (uint64_t)((key->mix_high * value.high + key->mix_low * value.low + key->mix_plus) >> 64);
}

#endif
