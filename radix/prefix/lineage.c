#include "prefix/lineage.h"

#include <string.h>

kvcore_status kvradix__lineage_init(lineage *l, const kvradix_config *config) {
    memset(l, 0, sizeof *l);
    kvcore_status status = kvradix__columns_init(&l->columns, config->holder_capacity, &config->allocator);
    if (status != KVCORE_OK) return status;
    size_t record_bytes = sizeof(name_record) + l->columns.row_words * sizeof(uint64_t);
    status = kvradix__table_init(&l->table, config, record_bytes, kvradix__lineage_hash_of);
    if (status != KVCORE_OK) kvradix__columns_destroy(&l->columns, &config->allocator);
    return status;
}

void kvradix__lineage_destroy(lineage *l) {
    kvradix__columns_destroy(&l->columns, &l->table.allocator);
    kvradix__table_destroy(&l->table);
}

size_t kvradix__lineage_memory_bytes(const lineage *l) {
    return kvradix__table_memory_bytes(&l->table) + kvradix__columns_memory_bytes(&l->columns);
}

/* ---- what names say of one another ---- */

static unsigned fragment_bits(kvhash_plh name) { return 62 - 8 * (kvhash_plh_mode(name) + 1); }

/* Mode 3, the parent's position and how many bits of its sequence hash the child knows; then those bits. */
kvhash_plh kvradix__lineage_stand_in(kvhash_plh child) {
    uint64_t position = kvhash_plh_position(child) - 1;
    return (kvhash_plh){UINT64_C(3) << 62 | position << 8 | fragment_bits(child), kvhash_plh_parent_fragment(child)};
}

static uint32_t stand_in_position(kvhash_plh stand_in) { return (uint32_t)(stand_in.high >> 8) & 0xFFFFFF; }
static unsigned stand_in_bits(kvhash_plh stand_in) { return stand_in.high & 0xFF; }

bool kvradix__lineage_is_stand_in(const name_record *record) { return !kvhash_plh_valid(record->name); }

bool kvradix__lineage_is_parent(const name_record *record, kvhash_plh child) {
    kvhash_plh stand_in = kvradix__lineage_stand_in(child);
    if (kvradix__lineage_is_stand_in(record)) return kvhash_plh_equal(record->name, stand_in);
    return kvhash_plh_position(record->name) == stand_in_position(stand_in) &&
           low_bits(kvhash_plh_sequence_hash(record->name), stand_in_bits(stand_in)) == stand_in.low;
}

uint64_t kvradix__lineage_hash_of(mix_key key, const void *slot) {
    kvhash_plh name = ((const name_record *)slot)->name;
    return kvhash_plh_valid(name) ? name_hash(key, name) : lineage_hash(key, stand_in_position(name), name.low);
}

static bool parent_of(const void *slot, const void *child) {
    return kvradix__lineage_is_parent(slot, *(const kvhash_plh *)child);
}

/* A stand-in for this very name. */
static bool stands_for(const void *slot, const void *name) {
    const name_record *record = slot;
    kvhash_plh meant = *(const kvhash_plh *)name;
    return kvradix__lineage_is_stand_in(record) && stand_in_position(record->name) == kvhash_plh_position(meant) &&
           low_bits(kvhash_plh_sequence_hash(meant), stand_in_bits(record->name)) == record->name.low;
}

static uint32_t find_parent(const lineage *l, kvhash_plh child) {
    kvhash_plh stand_in = kvradix__lineage_stand_in(child);
    uint64_t hash = lineage_hash(l->table.key, stand_in_position(stand_in), stand_in.low);
    return table_find(&l->table, table_rows_now(&l->table), hash, parent_of, &child);
}

uint32_t kvradix__lineage_find(const lineage *l, kvhash_plh name) {
    return table_find(&l->table, table_rows_now(&l->table), name_hash(l->table.key, name), same_name, &name);
}

void kvradix__lineage_fetch(const lineage *l, const uint64_t *hashes, size_t count) {
    const table *t = &l->table;
    const table_rows *rows = table_rows_now(t);
    for (size_t i = 0; i < count; i++) table_prefetch(rows, hashes[i]);
    for (size_t i = 0; i < count; i++) table_guess(t, rows, hashes[i]);
}

/* ---- links ---- */

static void link_child(lineage *l, uint32_t parent, uint32_t child) {
    name_record *p = name_at(l, parent), *c = name_at(l, child);
    c->parent = parent;
    c->previous_sibling = TABLE_NONE;
    c->next_sibling = p->first_child;
    if (p->first_child != TABLE_NONE) name_at(l, p->first_child)->previous_sibling = child;
    p->first_child = child;
}

static void unlink_child(lineage *l, uint32_t child) {
    name_record *c = name_at(l, child);
    if (c->previous_sibling != TABLE_NONE)
        name_at(l, c->previous_sibling)->next_sibling = c->next_sibling;
    else
        name_at(l, c->parent)->first_child = c->next_sibling;
    if (c->next_sibling != TABLE_NONE) name_at(l, c->next_sibling)->previous_sibling = c->previous_sibling;
    c->parent = TABLE_NONE;
}

static uint32_t make(lineage *l, kvhash_plh name) {
    uint32_t slot = kvradix__table_take(&l->table);
    name_record *record = name_at(l, slot);
    record->name = name;
    record->parent = record->first_child = record->previous_sibling = record->next_sibling = TABLE_NONE;
    for (size_t w = 0; w < l->columns.row_words; w++) atomic_store_explicit(&record->row[w], 0, memory_order_relaxed);
    kvradix__table_publish(&l->table, kvradix__lineage_hash_of(l->table.key, record), slot);
    return slot;
}

/* The children of a stand-in turn to the name it stood for. */
static void adopt(lineage *l, uint32_t slot, uint32_t stand_in) {
    for (uint32_t child; (child = name_at(l, stand_in)->first_child) != TABLE_NONE;) {
        unlink_child(l, child);
        link_child(l, slot, child);
    }
    kvradix__table_remove(&l->table, kvradix__lineage_hash_of(l->table.key, name_at(l, stand_in)), stand_in);
}

uint32_t kvradix__lineage_add(lineage *l, kvhash_plh name) {
    uint32_t slot = kvradix__lineage_find(l, name);
    if (slot != TABLE_NONE) return slot;
    slot = make(l, name);
    if (kvhash_plh_position(name) > 0) {
        uint32_t parent = find_parent(l, name);
        link_child(l, parent == TABLE_NONE ? make(l, kvradix__lineage_stand_in(name)) : parent, slot);
    }
    /* A name stored in a wider mode than needed keeps fewer bits of its parent, so one parent can have several
     * stand-ins. */
    uint64_t hash = name_hash(l->table.key, name);
    for (uint32_t stand_in;
         (stand_in = table_find(&l->table, table_rows_now(&l->table), hash, stands_for, &name)) != TABLE_NONE;)
        adopt(l, slot, stand_in);
    return slot;
}

bool kvradix__lineage_is_idle(const lineage *l, const name_record *record) {
    uint64_t any = 0;
    for (size_t w = 0; w < l->columns.row_words; w++)
        any |= atomic_load_explicit(&record->row[w], memory_order_relaxed);
    return any == 0;
}

/* A name without holders and without children goes, and so may its parent. */
static void drop_idle(lineage *l, uint32_t slot) {
    while (slot != TABLE_NONE) {
        name_record *record = name_at(l, slot);
        if (record->first_child != TABLE_NONE || !kvradix__lineage_is_idle(l, record)) return;
        uint32_t parent = record->parent;
        if (parent != TABLE_NONE) unlink_child(l, slot);
        kvradix__table_remove(&l->table, kvradix__lineage_hash_of(l->table.key, record), slot);
        slot = parent;
    }
}

/* ---- rows and orphans ---- */

static bool is_orphan(const lineage *l, const name_record *record, uint32_t col) {
    return record->parent != TABLE_NONE && !bit_get(name_at(l, record->parent)->row, col);
}

static size_t count_children(const lineage *l, const name_record *record, uint32_t col) {
    size_t count = 0;
    for (uint32_t child = record->first_child; child != TABLE_NONE;) {
        const name_record *c = name_at(l, child);
        count += bit_get(c->row, col);
        child = c->next_sibling;
    }
    return count;
}

void kvradix__lineage_hold(lineage *l, uint32_t slot, uint32_t col) {
    name_record *record = name_at(l, slot);
    if (bit_get(record->row, col)) return;
    size_t orphans = l->columns.of[col].orphans;
    if (orphans > 0) orphans -= count_children(l, record, col); /* its children here were orphans, if there are any */
    orphans += is_orphan(l, record, col);
    kvradix__columns_expect_orphans(&l->columns, col, orphans);
    if (kvradix__lineage_is_idle(l, record)) count_add(&l->names, 1);
    bit_set(record->row, col);
    l->columns.of[col].names++;
    kvradix__columns_have_orphans(&l->columns, col, orphans);
}

void kvradix__lineage_release(lineage *l, uint32_t slot, uint32_t col) {
    name_record *record = name_at(l, slot);
    if (!bit_get(record->row, col)) return;
    size_t orphans = l->columns.of[col].orphans + count_children(l, record, col) - is_orphan(l, record, col);
    kvradix__columns_expect_orphans(&l->columns, col, orphans);
    bit_clear(record->row, col);
    l->columns.of[col].names--;
    kvradix__columns_have_orphans(&l->columns, col, orphans);
    if (kvradix__lineage_is_idle(l, record)) count_add(&l->names, -1);
    drop_idle(l, slot);
}

void kvradix__lineage_scrub(lineage *l, const uint64_t *dead) {
    size_t cursor = 0;
    for (uint32_t slot; (slot = kvradix__table_next(&l->table, &cursor)) != TABLE_NONE;) {
        name_record *record = name_at(l, slot);
        uint64_t hit = 0;
        for (size_t w = 0; w < l->columns.row_words; w++) {
            uint64_t old = atomic_load_explicit(&record->row[w], memory_order_relaxed);
            hit |= old & dead[w];
            if ((old & dead[w]) != 0) word_set(&record->row[w], old & ~dead[w]);
        }
        if (hit == 0 || !kvradix__lineage_is_idle(l, record)) continue;
        count_add(&l->names, -1);
        drop_idle(l, slot);
    }
}
