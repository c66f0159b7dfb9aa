/* Hashes for the tables, and equality of 32 bytes. Private to radix.
 *
 * The hashes are keyed: whoever chooses names or keys cannot know which of them meet in a bucket. They never leave the
 * index. */
#ifndef RADIX_MIX_H
#define RADIX_MIX_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

__extension__ typedef unsigned __int128 mix_wide;

typedef struct mix_key {
    uint64_t a, b;
} mix_key;

static inline uint64_t mix2(mix_key key, uint64_t a, uint64_t b) {
    mix_wide product = (mix_wide)(a ^ key.a) * (b ^ key.b);
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* Of 32 bytes, which need not be a hash already. */
static inline uint64_t mix32(mix_key key, const void *bytes) {
    uint64_t word[4];
    memcpy(word, bytes, sizeof word);
    return mix2(key, mix2(key, word[0], word[1]) + word[2],
                mix2(key, word[2] ^ UINT64_C(0xA0761D6478BD642F), word[3]) ^ word[0]);
}

static inline bool same32(const void *a, const void *b) {
    uint64_t x[4], y[4];
    memcpy(x, a, sizeof x);
    memcpy(y, b, sizeof y);
    return ((x[0] ^ y[0]) | (x[1] ^ y[1]) | (x[2] ^ y[2]) | (x[3] ^ y[3])) == 0;
}

#endif
