/* A map from a name to a row of an array: slots by name, and the few other things that have one. Private to logical.
 *
 * Open addressing with linear probing over entries of 8 bytes: the row and a tag of 32 hash bits. The tag also says where
 * the entry's home is, so a deletion shifts later entries back without touching any row, and no tombstones pile up. Two
 * thirds of the entries stay empty: probes end soon. Entries with one home keep the order of their insertion.
 *
 * The hash is keyed: whoever chooses names cannot know which of them share a home. No result depends on it.
 *
 * A row begins with its name; `rows` and `row_bytes` say where the rows are. */
#ifndef LOGICAL_NAME_TABLE_H
#define LOGICAL_NAME_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <kvhash/plh.h>

#include "pool/prefetch.h"

#define NO_ROW UINT32_MAX

typedef struct name_entry {
    uint32_t row; /* NO_ROW: empty */
    uint32_t tag;
} name_entry;

typedef struct name_key {
    uint64_t a, b;
} name_key;

typedef struct name_table {
    name_entry *entries;
    uint64_t capacity;
    name_key key;
    bool by_lineage; /* names of one position and sequence hash share a home, whatever their parent: lineage.h */
} name_table;

static inline uint64_t name_table_capacity(size_t rows) { return 3 * (uint64_t)rows + 2; }

static inline void name_table_clear(name_table *table) {
    for (uint64_t i = 0; i < table->capacity; i++) table->entries[i] = (name_entry){NO_ROW, 0};
}

__extension__ typedef unsigned __int128 name_wide;

static inline uint32_t name_mix(name_key key, uint64_t a, uint64_t b) {
    name_wide product = (name_wide)(a ^ key.a) * (b ^ key.b);
    return (uint32_t)(((uint64_t)product ^ (uint64_t)(product >> 64)) >> 32);
}

static inline uint32_t name_tag(const name_table *table, kvhash_plh name) {
    if (!table->by_lineage) return name_mix(table->key, name.high, name.low);
    uint64_t position = kvhash_plh_position(name);
    return name_mix(table->key, position, kvhash_plh_fragment_for_child(name, position + 1));
}

/* A key is a name and a group. The group turns the tag: one name has another tag in each group, so whoever compares tag and
 * name has compared the whole key. Group 0 leaves it as it is. */
static inline uint32_t name_tag_in(const name_table *table, kvhash_plh name, uint32_t group) {
    return name_tag(table, name) ^ group * UINT32_C(0x9E3779B9);
}

static inline uint64_t name_home(const name_table *table, uint32_t tag) { return tag * table->capacity >> 32; }

static inline uint64_t name_after(const name_table *table, uint64_t at) {
    return at + 1 == table->capacity ? 0 : at + 1;
}

PREFETCHER void name_prefetch(const name_table *table, uint32_t tag) {
    __builtin_prefetch(&table->entries[name_home(table, tag)], 1);
}

/* The first row with this tag, or NO_ROW: it most likely answers, so prefetch it and pass it to name_find_at(). */
static inline uint32_t name_candidate(const name_table *table, uint32_t tag) {
    for (uint64_t at = name_home(table, tag);; at = name_after(table, at)) {
        name_entry entry = table->entries[at];
        if (entry.row == NO_ROW || entry.tag == tag) return entry.row;
    }
}

static inline kvhash_plh row_name(const void *rows, size_t row_bytes, uint32_t row) {
    kvhash_plh name;
    memcpy(&name, (const char *)rows + row * row_bytes, sizeof name);
    return name;
}

/* Where a name's entry is, or else the empty place where it would go. */
static inline name_entry *name_place(const name_table *table, const void *rows, size_t row_bytes, kvhash_plh name,
                                     uint32_t tag) {
    for (uint64_t at = name_home(table, tag);; at = name_after(table, at)) {
        name_entry *entry = &table->entries[at];
        if (entry->row == NO_ROW) return entry;
        if (entry->tag == tag && kvhash_plh_equal(row_name(rows, row_bytes, entry->row), name)) return entry;
    }
}

/* The row of a name, or NO_ROW. */
static inline uint32_t name_find(const name_table *table, const void *rows, size_t row_bytes, kvhash_plh name) {
    return name_place(table, rows, row_bytes, name, name_tag(table, name))->row;
}

/* The same, given the candidate of a table that has not changed since. */
static inline uint32_t name_find_at(const name_table *table, const void *rows, size_t row_bytes, kvhash_plh name,
                                    uint32_t tag, uint32_t candidate) {
    if (candidate == NO_ROW || kvhash_plh_equal(row_name(rows, row_bytes, candidate), name)) return candidate;
    return name_place(table, rows, row_bytes, name, tag)->row;
}

/* The name must not be there. */
static inline void name_insert(name_table *table, uint32_t tag, uint32_t row) {
    uint64_t at = name_home(table, tag);
    while (table->entries[at].row != NO_ROW) at = name_after(table, at);
    table->entries[at] = (name_entry){row, tag};
}

/* The entry of this very row, which must be there, leads to another one of the same key. */
static inline void name_replace(name_table *table, uint32_t tag, uint32_t row, uint32_t heir) {
    uint64_t at = name_home(table, tag);
    while (table->entries[at].row != row) at = name_after(table, at);
    table->entries[at].row = heir;
}

/* The entry of this very row must be there. */
static inline void name_erase(name_table *table, uint32_t tag, uint32_t row) {
    uint64_t hole = name_home(table, tag);
    while (table->entries[hole].row != row) hole = name_after(table, hole);
    for (uint64_t at = name_after(table, hole); table->entries[at].row != NO_ROW; at = name_after(table, at)) {
        /* an entry may move back to the hole unless its home lies behind the hole */
        uint64_t home = name_home(table, table->entries[at].tag);
        uint64_t from_home = at >= home ? at - home : at + table->capacity - home;
        uint64_t from_hole = at >= hole ? at - hole : at + table->capacity - hole;
        if (from_home >= from_hole) {
            table->entries[hole] = table->entries[at];
            hole = at;
        }
    }
    table->entries[hole].row = NO_ROW;
}

#endif
