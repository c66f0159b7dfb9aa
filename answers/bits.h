/* A set of numbers 0 … bits−1 whose greatest member is found in O(log₆₄ bits): each level has one bit for a non-empty word of
 * the level below. Private to answers. */
#ifndef ANSWERS_BITS_H
#define ANSWERS_BITS_H

#include "memory.h"

#define BITS_LEVELS 6 /* 64^6 > 2^32 */

typedef struct bit_set {
    uint64_t *words, *levels[BITS_LEVELS];
    size_t word_count;
    unsigned depth;
} bit_set;

static inline kvcore_status bits_open(bit_set *b, const kvcore_allocator *allocator, size_t bits) {
    size_t starts[BITS_LEVELS];
    *b = (bit_set){.depth = 0};
    do {
        bits = (bits + 63) / 64;
        starts[b->depth++] = b->word_count;
        b->word_count += bits;
    } while (bits > 1);
    b->words = array_new(allocator, b->word_count, sizeof *b->words);
    if (b->words == NULL) return KVCORE_ENOMEM;
    for (unsigned level = 0; level < b->depth; level++) b->levels[level] = b->words + starts[level];
    return KVCORE_OK;
}

static inline void bits_close(bit_set *b, const kvcore_allocator *allocator) {
    array_delete(allocator, b->words, b->word_count, sizeof *b->words);
}

static inline void bits_empty(bit_set *b) { memset(b->words, 0, b->word_count * sizeof *b->words); }

static inline void bits_set(bit_set *b, size_t i) {
    for (unsigned level = 0; level < b->depth; level++, i /= 64) {
        uint64_t *word = &b->levels[level][i / 64], before = *word;
        *word = before | UINT64_C(1) << i % 64;
        if (before != 0) return;
    }
}

static inline void bits_clear(bit_set *b, size_t i) {
    for (unsigned level = 0; level < b->depth; level++, i /= 64) {
        uint64_t *word = &b->levels[level][i / 64];
        *word &= ~(UINT64_C(1) << i % 64);
        if (*word != 0) return;
    }
}

/* The greatest member; the set is not empty. */
static inline size_t bits_last(const bit_set *b) {
    size_t i = 0;
    for (unsigned level = b->depth; level-- > 0;) i = i * 64 + 63 - (unsigned)__builtin_clzll(b->levels[level][i]);
    return i;
}

#endif
