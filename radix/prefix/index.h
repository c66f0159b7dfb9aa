/* The positional index from inside. Private to radix.
 *
 * Glossary:
 *   name      a record in the table, found by its position and the low bits of its sequence hash
 *   column    a bit in every name: one holder has it. A holder that is cleared gives up its column, which is dead at once,
 *             for readers too, and is used again when no reader can have seen it alive
 *   row       the bits of one name
 *   parent    the name that a name says it follows: one position before, and the low bits of whose sequence hash are its
 *             fragment. A parent that nobody has is a stand-in, known by position and fragment only
 *   idle      a name without holders; it stays while names that follow it have some
 *   orphan    of a column: a name that it has and whose parent it has not. Position 0 has no parent, so no orphans
 *   closed    a column without orphans: with every name it has the one before
 *
 * Files: holders.c (holders and columns), lineage.c (names, rows, orphans), index.c (what callers tell), feed.c (what events
 * tell), match.c (readers), dump.c, validate.c.
 */
#ifndef RADIX_INDEX_H
#define RADIX_INDEX_H

#include <pthread.h>

#include <kvradix/index.h>

#include "table/mix.h"
#include "table/table.h"

#define COLUMN_NONE UINT32_MAX
#define ROW_WORDS_MAX (KVRADIX_HOLDERS_MAX / 64)

/* The name never changes once published; the row does, bit by bit; the links are the writer's alone. */
typedef struct name_record {
    kvhash_plh name; /* of a stand-in: kvradix__lineage_stand_in(), in mode 3, which is no name */
    uint32_t parent, first_child, previous_sibling, next_sibling;
    _Atomic uint64_t row[]; /* index->row_words */
} name_record;

typedef struct column {
    kvhash_holder holder; /* readers: written before the column lives */
    size_t orphans, names;
    bool used;
    uint64_t dead_since; /* epoch; 0 if never used */
} column;

/* Sorted by worker, then rank. */
typedef struct holder_state {
    kvhash_holder holder;
    uint32_t column; /* or COLUMN_NONE */
    bool stale;
    bool heard; /* since the last kvradix_index_expire() */
    bool fresh; /* added by a call that may still fail */
    uint64_t expected;
    uint64_t lost;
    uint64_t heard_ns;
} holder_state;

struct kvradix_index {
    table table;
    pthread_mutex_t writers;
    size_t row_words;
    size_t holder_capacity;
    size_t name_limit, holder_name_limit; /* SIZE_MAX: none */
    holder_state *holders;
    column *columns; /* 64 · row_words */
    _Atomic size_t names, holder_count, stale_count;
    _Atomic uint64_t lost;
    /* rows over the columns, for readers */
    _Atomic uint64_t live[ROW_WORDS_MAX];
    _Atomic uint64_t closed[ROW_WORDS_MAX];
    _Atomic uint64_t stale[ROW_WORDS_MAX];
    _Atomic uint64_t openings; /* how often a column ceased to be closed */
};

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

/* ---- names ---- */

/* What every child of a name knows of its sequence hash: the narrowest fragment there is. */
#define FRAGMENT_BITS_LEAST 38

static inline uint64_t low_bits(uint64_t value, unsigned bits) { return value & ((UINT64_C(1) << bits) - 1); }

static inline uint64_t lineage_hash(mix_key key, uint32_t position, uint64_t hash_or_fragment) {
    return mix2(key, (uint64_t)position << FRAGMENT_BITS_LEAST | low_bits(hash_or_fragment, FRAGMENT_BITS_LEAST),
                UINT64_C(0x8CB92BA72F3D8DD7));
}

static inline uint64_t name_hash(mix_key key, kvhash_plh name) {
    return lineage_hash(key, kvhash_plh_position(name), kvhash_plh_sequence_hash(name));
}

static inline bool same_name(const void *slot, const void *name) {
    return kvhash_plh_equal(((const name_record *)slot)->name, *(const kvhash_plh *)name);
}

static inline name_record *name_at(const kvradix_index *index, uint32_t slot) {
    return table_slot(&index->table, slot);
}

/* ---- lineage.c: the writer's ---- */

uint64_t kvradix__lineage_hash_of(mix_key key, const void *slot);

/* What stands for a parent that is known by its child only. */
kvhash_plh kvradix__lineage_stand_in(kvhash_plh child);
bool kvradix__lineage_is_stand_in(const name_record *record);
/* Whether nobody has it. */
bool kvradix__lineage_is_idle(const kvradix_index *index, const name_record *record);
/* Whether `record` may be the parent that `child` means. */
bool kvradix__lineage_is_parent(const name_record *record, kvhash_plh child);

/* The slot of a name, or TABLE_NONE. */
uint32_t kvradix__lineage_find(const kvradix_index *index, kvhash_plh name);
/* Bring the records of names with these hashes, at most TABLE_AHEAD, into the cache. */
void kvradix__lineage_fetch(const kvradix_index *index, const uint64_t *hashes, size_t count);

/* How many slots a new name may take: its own and a stand-in's. */
#define LINEAGE_SLOTS 2
/* The slot of a name, made if need be; LINEAGE_SLOTS must be reserved. An idle name must get a holder at once. */
uint32_t kvradix__lineage_add(kvradix_index *index, kvhash_plh name);

/* A column has a name, or has it no more. What was so already stays so. The name may be gone after kvradix__lineage_release(). */
void kvradix__lineage_hold(kvradix_index *index, uint32_t slot, uint32_t col);
void kvradix__lineage_release(kvradix_index *index, uint32_t slot, uint32_t col);
/* No name is any dead column's any more. `dead` is a row. */
void kvradix__lineage_scrub(kvradix_index *index, const uint64_t *dead);

/* ---- holders.c: the writer's ---- */

/* Memory for holders and columns. Errors: KVCORE_ENOMEM. */
kvcore_status kvradix__holders_init(kvradix_index *index, size_t capacity);
void kvradix__holders_destroy(kvradix_index *index);
size_t kvradix__holders_memory_bytes(const kvradix_index *index);

/* The holder's state, or NULL. Valid until a holder is added or forgotten. */
holder_state *kvradix__holders_find(const kvradix_index *index, kvhash_holder holder);
bool kvradix__holders_full(const kvradix_index *index);
/* The same, made if need be, fresh then; NULL when there is no room. */
holder_state *kvradix__holders_add(kvradix_index *index, kvhash_holder holder);
/* The holder's column, found one if it has none: may wait for readers that were inside when another died. */
uint32_t kvradix__holders_column(kvradix_index *index, holder_state *state);
void kvradix__holders_mark_stale(kvradix_index *index, holder_state *state, uint64_t lost);
/* Whether the holder may have this name without passing a limit. */
bool kvradix__holders_allow(const kvradix_index *index, const holder_state *state, kvhash_plh name);
/* Take a holder's column from it and note it in `dead`, a row; not stale any more. */
void kvradix__holders_clear(kvradix_index *index, holder_state *state, uint64_t *dead);
/* Take it out of the sorted holders; it must be cleared. */
void kvradix__holders_erase(kvradix_index *index, holder_state *state);

static inline int holder_compare(kvhash_holder a, kvhash_holder b) {
    if (a.worker != b.worker) return a.worker < b.worker ? -1 : 1;
    return a.rank == b.rank ? 0 : a.rank < b.rank ? -1 : 1;
}

/* The writers' lock of an index that the caller promised not to change: locking changes nothing of what it knows. */
static inline pthread_mutex_t *index_lock(const kvradix_index *index) {
    pthread_mutex_t *writers = (pthread_mutex_t *)&index->writers;
    pthread_mutex_lock(writers);
    return writers;
}

#endif
