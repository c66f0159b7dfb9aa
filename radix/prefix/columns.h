/* Columns: a bit in every name for each holder that has names. Private to radix/prefix.
 *
 *   column    one holder has it. A holder that is cleared gives up its column, which is dead at once, for readers too, and is
 *             used again when no reader can have seen it alive
 *   row       the bits of one name, or of a set of columns
 *   orphan    of a column: a name that it has and whose parent it has not. Position 0 has no parent, so no orphans
 *   closed    a column without orphans: with every name it has the one before */
#ifndef RADIX_COLUMNS_H
#define RADIX_COLUMNS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <kvcore/allocator.h>
#include <kvhash/event.h>
#include <kvradix/config.h>

#define COLUMN_NONE UINT32_MAX
#define ROW_WORDS_MAX (KVRADIX_HOLDERS_MAX / 64)

typedef struct column {
    kvhash_holder holder; /* readers: written before the column lives */
    size_t orphans, names;
    bool used;
    uint64_t dead_since; /* epoch; 0 if never used */
} column;

typedef struct column_set {
    size_t row_words;
    column *of; /* 64 · row_words */
    /* rows over the columns, for readers */
    _Atomic uint64_t live[ROW_WORDS_MAX];
    _Atomic uint64_t closed[ROW_WORDS_MAX];
    _Atomic uint64_t stale[ROW_WORDS_MAX];
    _Atomic uint64_t openings; /* how often a column ceased to be closed */
} column_set;

/* ---- bits and counts: there is one writer, so a load and a store change a word ---- */

static inline bool bit_get(const _Atomic uint64_t *row, uint32_t bit) {
    return atomic_load_explicit(&row[bit / 64], memory_order_acquire) >> (bit % 64) & 1;
}

static inline void word_set(_Atomic uint64_t *word, uint64_t value) {
    atomic_store_explicit(word, value, memory_order_release);
}

static inline void bit_set(_Atomic uint64_t *row, uint32_t bit) {
    uint64_t old = atomic_load_explicit(&row[bit / 64], memory_order_relaxed);
    word_set(&row[bit / 64], old | UINT64_C(1) << (bit % 64));
}

static inline void bit_clear(_Atomic uint64_t *row, uint32_t bit) {
    uint64_t old = atomic_load_explicit(&row[bit / 64], memory_order_relaxed);
    word_set(&row[bit / 64], old & ~(UINT64_C(1) << (bit % 64)));
}

/* A count that readers may ask for and only the writer changes. */
static inline void count_add(_Atomic size_t *count, ptrdiff_t change) {
    size_t old = atomic_load_explicit(count, memory_order_relaxed);
    atomic_store_explicit(count, old + (size_t)change, memory_order_relaxed);
}

/* ---- columns.c: the writer's ---- */

/* Memory for so many holders, all columns dead. Errors: KVCORE_ENOMEM. */
kvcore_status kvradix__columns_init(column_set *c, size_t holder_capacity, const kvcore_allocator *allocator);
void kvradix__columns_destroy(column_set *c, const kvcore_allocator *allocator);
size_t kvradix__columns_memory_bytes(const column_set *c);

/* A column that no reader that entered before this epoch's last but one can have seen alive, or COLUMN_NONE. */
uint32_t kvradix__columns_idle(const column_set *c, uint64_t epoch);
/* An idle column lives, under this holder. */
void kvradix__columns_open(column_set *c, uint32_t col, kvhash_holder holder, bool stale);
/* A column dies; for readers, at once. */
void kvradix__columns_close(column_set *c, uint32_t col, uint64_t epoch);

/* Call before a change that leaves orphans: a reader that sees the change later also sees `openings` move, and searches
 * again. */
void kvradix__columns_expect_orphans(column_set *c, uint32_t col, size_t orphans);
/* After a change that left so many. */
void kvradix__columns_have_orphans(column_set *c, uint32_t col, size_t orphans);

#endif
