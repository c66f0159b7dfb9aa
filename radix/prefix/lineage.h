/* The names of an index and which follow which; who has them is bits of their rows. Private to radix/prefix.
 *
 *   name      a record in the table, found by its position and the low bits of its sequence hash
 *   parent    the name that a name says it follows: one position before, and the low bits of whose sequence hash are its
 *             fragment. A parent that nobody has is a stand-in, known by position and fragment only
 *   idle      a name without holders; it stays while names that follow it have some */
#ifndef RADIX_LINEAGE_H
#define RADIX_LINEAGE_H

#include <kvhash/plh.h>

#include "prefix/columns.h"
#include "table/table.h"

/* The name never changes once published; the row does, bit by bit; the links are the writer's alone. */
typedef struct name_record {
    kvhash_plh name; /* of a stand-in: kvradix__lineage_stand_in(), in mode 3, which is no name */
    uint32_t parent, first_child, previous_sibling, next_sibling;
    _Atomic uint64_t row[]; /* columns.row_words */
} name_record;

typedef struct lineage {
    table table;
    column_set columns;
    _Atomic size_t names; /* that somebody has */
} lineage;

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

static inline name_record *name_at(const lineage *l, uint32_t slot) { return table_slot(&l->table, slot); }

/* ---- lineage.c: the writer's ---- */

/* Without names. The config is one that kvradix__config_read() gave. Errors: those of kvradix__table_init(). */
kvcore_status kvradix__lineage_init(lineage *l, const kvradix_config *config);
void kvradix__lineage_destroy(lineage *l);
size_t kvradix__lineage_memory_bytes(const lineage *l);

uint64_t kvradix__lineage_hash_of(mix_key key, const void *slot);

/* What stands for a parent that is known by its child only. */
kvhash_plh kvradix__lineage_stand_in(kvhash_plh child);
bool kvradix__lineage_is_stand_in(const name_record *record);
/* Whether nobody has it. */
bool kvradix__lineage_is_idle(const lineage *l, const name_record *record);
/* Whether `record` may be the parent that `child` means. */
bool kvradix__lineage_is_parent(const name_record *record, kvhash_plh child);

/* The slot of a name, or TABLE_NONE. */
uint32_t kvradix__lineage_find(const lineage *l, kvhash_plh name);
/* Bring the records of names with these hashes, at most TABLE_AHEAD, into the cache. */
void kvradix__lineage_fetch(const lineage *l, const uint64_t *hashes, size_t count);

/* How many slots a new name may take: its own and a stand-in's. */
#define LINEAGE_SLOTS 2
/* The slot of a name, made if need be; LINEAGE_SLOTS must be reserved. An idle name must get a holder at once. */
uint32_t kvradix__lineage_add(lineage *l, kvhash_plh name);

/* A column has a name, or has it no more. What was so already stays so. The name may be gone after kvradix__lineage_release(). */
void kvradix__lineage_hold(lineage *l, uint32_t slot, uint32_t col);
void kvradix__lineage_release(lineage *l, uint32_t slot, uint32_t col);
/* No name is any dead column's any more. `dead` is a row. */
void kvradix__lineage_scrub(lineage *l, const uint64_t *dead);

#endif
