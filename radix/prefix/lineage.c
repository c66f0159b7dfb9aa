#include "prefix/index.h"

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

static uint32_t find_parent(const kvradix_index *index, kvhash_plh child) {
    kvhash_plh stand_in = kvradix__lineage_stand_in(child);
    uint64_t hash = lineage_hash(index->table.key, stand_in_position(stand_in), stand_in.low);
    return table_find(&index->table, table_rows_now(&index->table), hash, parent_of, &child);
}

uint32_t kvradix__lineage_find(const kvradix_index *index, kvhash_plh name) {
    return table_find(&index->table, table_rows_now(&index->table), name_hash(index->table.key, name), same_name,
                      &name);
}

void kvradix__lineage_fetch(const kvradix_index *index, const uint64_t *hashes, size_t count) {
    const table *t = &index->table;
    const table_rows *rows = table_rows_now(t);
    for (size_t i = 0; i < count; i++) table_prefetch(rows, hashes[i]);
    for (size_t i = 0; i < count; i++) table_guess(t, rows, hashes[i]);
}

/* ---- links ---- */

static void link_child(kvradix_index *index, uint32_t parent, uint32_t child) {
    name_record *p = name_at(index, parent), *c = name_at(index, child);
    c->parent = parent;
    c->previous_sibling = TABLE_NONE;
    c->next_sibling = p->first_child;
    if (p->first_child != TABLE_NONE) name_at(index, p->first_child)->previous_sibling = child;
    p->first_child = child;
}

static void unlink_child(kvradix_index *index, uint32_t child) {
    name_record *c = name_at(index, child);
    if (c->previous_sibling != TABLE_NONE)
        name_at(index, c->previous_sibling)->next_sibling = c->next_sibling;
    else
        name_at(index, c->parent)->first_child = c->next_sibling;
    if (c->next_sibling != TABLE_NONE) name_at(index, c->next_sibling)->previous_sibling = c->previous_sibling;
    c->parent = TABLE_NONE;
}

static uint32_t make(kvradix_index *index, kvhash_plh name) {
    uint32_t slot = kvradix__table_take(&index->table);
    name_record *record = name_at(index, slot);
    record->name = name;
    record->parent = record->first_child = record->previous_sibling = record->next_sibling = TABLE_NONE;
    for (size_t w = 0; w < index->row_words; w++) atomic_store_explicit(&record->row[w], 0, memory_order_relaxed);
    kvradix__table_publish(&index->table, kvradix__lineage_hash_of(index->table.key, record), slot);
    return slot;
}

/* The children of a stand-in turn to the name it stood for. */
static void adopt(kvradix_index *index, uint32_t slot, uint32_t stand_in) {
    for (uint32_t child; (child = name_at(index, stand_in)->first_child) != TABLE_NONE;) {
        unlink_child(index, child);
        link_child(index, slot, child);
    }
    kvradix__table_remove(&index->table, kvradix__lineage_hash_of(index->table.key, name_at(index, stand_in)),
                          stand_in);
}

uint32_t kvradix__lineage_add(kvradix_index *index, kvhash_plh name) {
    uint32_t slot = kvradix__lineage_find(index, name);
    if (slot != TABLE_NONE) return slot;
    slot = make(index, name);
    if (kvhash_plh_position(name) > 0) {
        uint32_t parent = find_parent(index, name);
        link_child(index, parent == TABLE_NONE ? make(index, kvradix__lineage_stand_in(name)) : parent, slot);
    }
    /* names in a wider mode than their position needs mean the same parent with fewer bits: more than one stand-in */
    uint64_t hash = name_hash(index->table.key, name);
    for (uint32_t stand_in;
         (stand_in = table_find(&index->table, table_rows_now(&index->table), hash, stands_for, &name)) != TABLE_NONE;)
        adopt(index, slot, stand_in);
    return slot;
}

bool kvradix__lineage_is_idle(const kvradix_index *index, const name_record *record) {
    uint64_t any = 0;
    for (size_t w = 0; w < index->row_words; w++) any |= atomic_load_explicit(&record->row[w], memory_order_relaxed);
    return any == 0;
}

/* A name without holders and without children goes, and so may its parent. */
static void drop_idle(kvradix_index *index, uint32_t slot) {
    while (slot != TABLE_NONE) {
        name_record *record = name_at(index, slot);
        if (record->first_child != TABLE_NONE || !kvradix__lineage_is_idle(index, record)) return;
        uint32_t parent = record->parent;
        if (parent != TABLE_NONE) unlink_child(index, slot);
        kvradix__table_remove(&index->table, kvradix__lineage_hash_of(index->table.key, record), slot);
        slot = parent;
    }
}

/* ---- rows and orphans ---- */

static bool is_orphan(const kvradix_index *index, const name_record *record, uint32_t col) {
    return record->parent != TABLE_NONE && !bit_get(name_at(index, record->parent)->row, col);
}

static size_t count_children(const kvradix_index *index, const name_record *record, uint32_t col) {
    size_t count = 0;
    for (uint32_t child = record->first_child; child != TABLE_NONE;) {
        const name_record *c = name_at(index, child);
        count += bit_get(c->row, col);
        child = c->next_sibling;
    }
    return count;
}

/* Before a change that leaves orphans: readers who see the change will see, afterwards, that they relied on too much. */
static void expect_orphans(kvradix_index *index, uint32_t col, size_t orphans) {
    if (orphans == 0 || !bit_get(index->closed, col)) return;
    bit_clear(index->closed, col);
    atomic_fetch_add_explicit(&index->openings, 1, memory_order_release);
}

/* After a change that left so many. */
static void have_orphans(kvradix_index *index, uint32_t col, size_t orphans) {
    index->columns[col].orphans = orphans;
    if (orphans == 0 && !bit_get(index->closed, col)) bit_set(index->closed, col);
}

void kvradix__lineage_hold(kvradix_index *index, uint32_t slot, uint32_t col) {
    name_record *record = name_at(index, slot);
    if (bit_get(record->row, col)) return;
    size_t orphans = index->columns[col].orphans;
    if (orphans > 0)
        orphans -= count_children(index, record, col); /* its children here were orphans, if there are any */
    orphans += is_orphan(index, record, col);
    expect_orphans(index, col, orphans);
    if (kvradix__lineage_is_idle(index, record)) count_add(&index->names, 1);
    bit_set(record->row, col);
    index->columns[col].names++;
    have_orphans(index, col, orphans);
}

void kvradix__lineage_release(kvradix_index *index, uint32_t slot, uint32_t col) {
    name_record *record = name_at(index, slot);
    if (!bit_get(record->row, col)) return;
    size_t orphans = index->columns[col].orphans + count_children(index, record, col) - is_orphan(index, record, col);
    expect_orphans(index, col, orphans);
    bit_clear(record->row, col);
    index->columns[col].names--;
    have_orphans(index, col, orphans);
    if (kvradix__lineage_is_idle(index, record)) count_add(&index->names, -1);
    drop_idle(index, slot);
}

void kvradix__lineage_scrub(kvradix_index *index, const uint64_t *dead) {
    size_t cursor = 0;
    for (uint32_t slot; (slot = kvradix__table_next(&index->table, &cursor)) != TABLE_NONE;) {
        name_record *record = name_at(index, slot);
        uint64_t hit = 0;
        for (size_t w = 0; w < index->row_words; w++) {
            uint64_t old = atomic_load_explicit(&record->row[w], memory_order_relaxed);
            hit |= old & dead[w];
            if ((old & dead[w]) != 0) word_set(&record->row[w], old & ~dead[w]);
        }
        if (hit == 0 || !kvradix__lineage_is_idle(index, record)) continue;
        count_add(&index->names, -1);
        drop_idle(index, slot);
    }
}
