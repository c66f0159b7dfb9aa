/* A set of numbers 0 … bits−1 with O(log₆₄ bits) search: each level has one bit for a non-empty word of the level below.
 * Private to logical. */
#ifndef LOGICAL_BITMAP_H
#define LOGICAL_BITMAP_H

#include <stddef.h>
#include <stdint.h>

#define BITMAP_LEVELS 6 /* 64^6 > 2^32 */
#define BITMAP_NONE UINT64_MAX

typedef struct bitmap {
    uint64_t *levels[BITMAP_LEVELS];
    unsigned depth;
} bitmap;

/* How many words a bitmap of so many bits takes. */
static inline uint64_t bitmap_words(uint64_t bits) {
    uint64_t words = 0;
    do {
        bits = (bits + 63) / 64;
        words += bits;
    } while (bits > 1);
    return words;
}

/* Over zeroed words. */
static inline void bitmap_init(bitmap *b, uint64_t *words, uint64_t bits) {
    b->depth = 0;
    do {
        bits = (bits + 63) / 64;
        b->levels[b->depth++] = words;
        words += bits;
    } while (bits > 1);
}

static inline int bitmap_has(const bitmap *b, uint64_t i) { return (b->levels[0][i / 64] >> i % 64 & 1) != 0; }

static inline void bitmap_set(bitmap *b, uint64_t i) {
    for (unsigned level = 0; level < b->depth; level++, i /= 64) {
        uint64_t *word = &b->levels[level][i / 64], before = *word;
        *word = before | UINT64_C(1) << i % 64;
        if (before != 0) return;
    }
}

static inline void bitmap_clear(bitmap *b, uint64_t i) {
    for (unsigned level = 0; level < b->depth; level++, i /= 64) {
        uint64_t *word = &b->levels[level][i / 64];
        *word &= ~(UINT64_C(1) << i % 64);
        if (*word != 0) return;
    }
}

/* The least member ≥ i, or BITMAP_NONE. `bits` as given to bitmap_init(). */
static inline uint64_t bitmap_next(const bitmap *b, uint64_t bits, uint64_t i) {
    if (i >= bits) return BITMAP_NONE;
    for (unsigned level = 0; level < b->depth; level++) {
        uint64_t word = b->levels[level][i / 64] & ~UINT64_C(0) << i % 64;
        if (word != 0) {
            i = i / 64 * 64 + (unsigned)__builtin_ctzll(word);
            while (level-- > 0) i = i * 64 + (unsigned)__builtin_ctzll(b->levels[level][i]);
            return i;
        }
        i = i / 64 + 1; /* go on behind this word, one level up */
        bits = (bits + 63) / 64;
        if (i >= bits) return BITMAP_NONE;
    }
    return BITMAP_NONE;
}

/* The greatest member ≤ i, or BITMAP_NONE. */
static inline uint64_t bitmap_previous(const bitmap *b, uint64_t i) {
    for (unsigned level = 0; level < b->depth; level++) {
        uint64_t word = b->levels[level][i / 64] & ~UINT64_C(0) >> (63 - i % 64);
        if (word != 0) {
            i = i / 64 * 64 + 63 - (unsigned)__builtin_clzll(word);
            while (level-- > 0) i = i * 64 + 63 - (unsigned)__builtin_clzll(b->levels[level][i]);
            return i;
        }
        if (i < 64) return BITMAP_NONE;
        i = i / 64 - 1;
    }
    return BITMAP_NONE;
}

#endif
