/* What a group's kind means: arithmetic on tokens, blocks and bits, without a pool. Private to logical. */
#ifndef LOGICAL_RULES_H
#define LOGICAL_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <kvlogical/groups.h>

#define BOUNDARIES_MOST 4

/* One group among others. */
typedef struct rule {
    uint32_t kind, span;
    uint32_t b;     /* tokens a block */
    uint32_t align; /* A */
    uint32_t retention;
    bool eagle;
} rule;

/* What a look-up of one kind gives: the table is null below `first` and has blocks from there to the hit. */
typedef struct reach {
    size_t hit_tokens;
    size_t first;
} reach;

/* Where later requests may resume, in tokens. */
typedef struct boundaries {
    size_t at[BOUNDARIES_MOST];
    size_t count;
} boundaries;

static inline size_t blocks_of(size_t tokens, uint32_t b) { return tokens / b + (tokens % b != 0); }
static inline size_t round_down(size_t tokens, uint32_t to) { return tokens - tokens % to; }

/* How far a look-up of at most `limit` tokens reaches; bit i: is block i there? With drop, the last block is left out. */
reach kvlogical__rule_find(const rule *r, const uint64_t *bits, size_t bit_count, size_t limit, bool drop);
/* How many tokens nobody looks at any more when `computed` are there. */
size_t kvlogical__rule_past(const rule *r, size_t computed);
/* Does the hit at the end of a table need this many of its last blocks, less the dropped one? WINDOW only. */
size_t kvlogical__rule_need(const rule *r, bool drop);
/* Where a request with this prompt may be resumed; reached: the boundary of its look-up, or 0. */
boundaries kvlogical__rule_boundaries(const rule *r, size_t prompt, size_t reached);
/* Could a look-up ever answer with this block? */
bool kvlogical__rule_names(const rule *r, size_t block, const boundaries *at);

#endif
