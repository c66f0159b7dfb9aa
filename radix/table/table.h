/* Records found by a hash: one writer at a time, readers without locks. Private to radix; all three indexes stand on it.
 *
 * Glossary:
 *   slot      a record of slot_bytes bytes; its number never changes and its address never moves
 *   bucket    64 bytes that name up to twelve slots, with a tag each: 8 bits of its hash, 0 for none
 *   rows      all the buckets, one allocation, replaced as a whole when the table grows
 *   retired   unlinked, but a reader may still be looking at it
 *   idle      free to be taken
 *
 *     rows    ┌ tags 12 · 8 bits ┬ spilled 32 ┬ slots 12 · 32 bits ┐     slots, in chunks that double
 *             │                  │     0      │                    │   ┌────────┬────────────────┬───────────…
 *             ├──────────────────┼────────────┼────────────────────┤   │ chunk 0│    chunk 1     │  chunk 2
 *             │                  │     2      │                    │   └────────┴────────────────┴───────────…
 *
 * A record is written while nobody can see it; then its slot's number is stored, and one store of its tag publishes it. One
 * store of 0 over the tag unlinks it; one store of another slot's number replaces it. So a reader finds it whole, before or
 * after, never in between. What changes in a published record is atomic on its own (a residency, a stamp, a row of holders).
 *
 * A record whose own bucket is full stands in the next one with room; every bucket passed on the way counts it as spilled,
 * and a search goes on while that count is not 0. Nothing ever moves within rows, so a search cannot miss a record that is
 * there all along.
 *
 * Retired slots and rows are reused two epochs later (epoch.h), by the writer, in kvradix__table_reserve() and kvradix__table_settle().
 */
#ifndef RADIX_TABLE_H
#define RADIX_TABLE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <kvcore/allocator.h>
#include <kvcore/status.h>
#include <kvradix/config.h>

#include "table/epoch.h"
#include "table/mix.h"

#define TABLE_NONE UINT32_MAX
#define TABLE_BUCKET_SLOTS 12
/* Slots a bucket has on average when the table grows. */
#define TABLE_BUCKET_FILL 8
#define TABLE_CHUNKS 32
#define TABLE_SLOTS_MAX UINT32_C(0xFFFFFFF0)
/* How many records a batch looks up side by side. */
#define TABLE_AHEAD 32

typedef struct table_bucket {
    _Alignas(64) _Atomic uint64_t tags[2]; /* of slots 0 … 7; of slots 8 … 11 and, above them, spilled */
    _Atomic uint32_t slots[TABLE_BUCKET_SLOTS];
} table_bucket;

#define TABLE_SPILLED_ONE (UINT64_C(1) << 32)

typedef struct table_rows {
    struct table_rows *next; /* of the retired */
    uint64_t retired_in;
    size_t bucket_count; /* below 2^32 */
    table_bucket buckets[];
} table_rows;

/* Slots joined by their links. */
typedef struct table_list {
    uint32_t head, tail;
    size_t count;
} table_list;

typedef struct table {
    kvcore_allocator allocator;
    size_t slot_bytes;
    uint64_t (*hash_of)(mix_key key, const void *slot);
    mix_key key;
    _Atomic(table_rows *) rows;
    char *chunks[TABLE_CHUNKS];
    uint32_t *links[TABLE_CHUNKS]; /* beside each chunk: the next slot of the list a slot is in */
    uint32_t chunk_slots;          /* of chunk 0; chunk k has chunk_slots << (k − 1) */
    size_t slot_count;             /* in all chunks */
    size_t fresh;                  /* slots from here on were never taken */
    table_list free;
    table_list retired[3]; /* by epoch mod 3 */
    table_rows *retired_rows;
    _Atomic size_t count; /* records published */
    epochs epochs;
} table;

typedef bool table_same(const void *slot, const void *key);

/* Room for config->capacity records; more come as they are needed, and go when the table is empty. The config is one that
 * kvradix__config_read() gave. Errors: KVCORE_ENOMEM, KVCORE_EOVERFLOW, KVCORE_EIO. */
kvcore_status kvradix__table_init(table *t, const kvradix_config *config, size_t slot_bytes,
                                  uint64_t (*hash_of)(mix_key key, const void *slot));
void kvradix__table_destroy(table *t);
size_t kvradix__table_memory_bytes(const table *t);

/* ---- readers, between epoch_enter() and epoch_leave(), and the writer ---- */

static inline table_rows *table_rows_now(const table *t) {
    return atomic_load_explicit(&t->rows, memory_order_acquire);
}

static inline size_t table_count(const table *t) { return atomic_load_explicit(&t->count, memory_order_relaxed); }

/* Which chunk a slot is in, and where in it. */
static inline unsigned table_chunk(const table *t, uint32_t slot, uint32_t *within) {
    *within = slot;
    if (slot < t->chunk_slots) return 0;
    unsigned doublings = 31U - (unsigned)__builtin_clz(slot / t->chunk_slots);
    *within = slot - (t->chunk_slots << doublings);
    return doublings + 1;
}

static inline void *table_slot(const table *t, uint32_t slot) {
    uint32_t within;
    unsigned chunk = table_chunk(t, slot, &within);
    return t->chunks[chunk] + within * t->slot_bytes;
}

static inline size_t table_home(const table_rows *rows, uint64_t hash) {
    return (size_t)((hash >> 32) * rows->bucket_count >> 32);
}

static inline uint8_t table_tag(uint64_t hash) { return (uint8_t)hash == 0 ? 1 : (uint8_t)hash; }

/* Bit i: byte i of `bytes` is 0. */
static inline unsigned table_zero_bytes(uint64_t bytes) {
    const uint64_t low = UINT64_C(0x7F7F7F7F7F7F7F7F);
    uint64_t tops = ~(((bytes & low) + low) | bytes | low); /* 0x80 where a byte is 0 */
    return (unsigned)((tops >> 7) * UINT64_C(0x0102040810204080) >> 56);
}

/* Which slots of a bucket have a tag, a bit each, and whether a search goes on behind it. No branches: where in its bucket a
 * record stands cannot be predicted. */
static inline unsigned table_tagged(const table_bucket *bucket, uint8_t tag, bool *goes_on) {
    uint64_t all = tag * UINT64_C(0x0101010101010101);
    uint64_t first = atomic_load_explicit(&bucket->tags[0], memory_order_acquire);
    uint64_t second = atomic_load_explicit(&bucket->tags[1], memory_order_acquire);
    *goes_on = second >= TABLE_SPILLED_ONE;
    return table_zero_bytes(first ^ all) | (table_zero_bytes(second ^ all) & 0xF) << 8;
}

static inline uint32_t table_slot_in(const table_bucket *bucket, unsigned i) {
    return atomic_load_explicit(&bucket->slots[i], memory_order_acquire);
}

/* Always inlined, as all that prefetches: GCC takes a function that does nothing else for one without effect, and drops it. */
__attribute__((always_inline)) static inline void table_prefetch(const table_rows *rows, uint64_t hash) {
    __builtin_prefetch(&rows->buckets[table_home(rows, hash)]);
}

/* The first record in its own bucket that may be the one, on its way into the cache; or TABLE_NONE. */
__attribute__((always_inline)) static inline uint32_t table_guess(const table *t, const table_rows *rows,
                                                                  uint64_t hash) {
    const table_bucket *bucket = &rows->buckets[table_home(rows, hash)];
    bool goes_on;
    unsigned tagged = table_tagged(bucket, table_tag(hash), &goes_on);
    if (tagged == 0) return TABLE_NONE;
    uint32_t guess = table_slot_in(bucket, (unsigned)__builtin_ctz(tagged));
    const char *slot = table_slot(t, guess);
    __builtin_prefetch(slot);
    __builtin_prefetch(slot + t->slot_bytes - 1);
    return guess;
}

/* The slot whose record `same` finds equal to `key`, or TABLE_NONE. Cost: O(1) expected. */
__attribute__((always_inline)) static inline uint32_t table_find(const table *t, const table_rows *rows, uint64_t hash,
                                                                 table_same *same, const void *key) {
    size_t at = table_home(rows, hash);
    for (size_t passed = 0; passed < rows->bucket_count; passed++) {
        const table_bucket *bucket = &rows->buckets[at];
        bool goes_on;
        for (unsigned tagged = table_tagged(bucket, table_tag(hash), &goes_on); tagged != 0; tagged &= tagged - 1) {
            uint32_t slot = table_slot_in(bucket, (unsigned)__builtin_ctz(tagged));
            if (same(table_slot(t, slot), key)) return slot;
        }
        if (!goes_on) break;
        if (++at == rows->bucket_count) at = 0;
    }
    return TABLE_NONE;
}

/* The same, trying what table_guess() gave first. */
__attribute__((always_inline)) static inline uint32_t table_find_guessed(const table *t, const table_rows *rows,
                                                                         uint64_t hash, uint32_t guess,
                                                                         table_same *same, const void *key) {
    if (guess != TABLE_NONE && same(table_slot(t, guess), key)) return guess;
    return table_find(t, rows, hash, same, key);
}

/* ---- the writer ---- */

/* Make room for so many records besides those there are, and for taking so many slots (as many, or more where records are
 * replaced): what follows then cannot fail. A failure leaves all as it was. Errors: KVCORE_ENOMEM, KVCORE_EOVERFLOW. */
kvcore_status kvradix__table_reserve(table *t, size_t records, size_t slots);

/* Whether kvradix__table_reserve() for as many would change nothing. */
bool kvradix__table_has_room(const table *t, size_t records, size_t slots);

/* A slot for a new record; there must be a reserved one. Its bytes are whatever the last owner left. */
uint32_t kvradix__table_take(table *t);

/* Publish a record that kvradix__table_take() gave. */
void kvradix__table_publish(table *t, uint64_t hash, uint32_t slot);

/* Unlink and retire a published record. */
void kvradix__table_remove(table *t, uint64_t hash, uint32_t slot);

/* In one step, `slot` is unlinked and retired, and `successor` (of the same hash) stands in its place. */
void kvradix__table_replace(table *t, uint64_t hash, uint32_t slot, uint32_t successor);

/* Take back what nobody looks at any more, if there is enough of it to be worth a look: after each batch of writes. */
void kvradix__table_settle(table *t);

/* Take back what nobody looks at any more; up to two steps of the epoch. */
void kvradix__table_reclaim(table *t);

/* The next published slot at or after *cursor (from 0), or TABLE_NONE. Records may be removed meanwhile, none added. */
uint32_t kvradix__table_next(const table *t, size_t *cursor);

#endif
