#include <string.h>

#include "prefix/index.h"

/* What the names say of one column. */
typedef struct tally {
    size_t names, orphans;
} tally;

static kvcore_status broken(kvcore_error *error, uint64_t i, const char *what) {
    return kvcore_fail(error, &(kvcore_error){.code = KVCORE_EINVARIANT, .index = i}, "%s", what);
}

static bool in_use(const kvradix_index *index, uint32_t slot) {
    const name_record *record = name_at(&index->lineage, slot);
    return table_find(&index->lineage.table, table_rows_now(&index->lineage.table),
                      kvradix__lineage_hash_of(index->lineage.table.key, record), same_name, &record->name) == slot;
}

static bool row_is_empty(const kvradix_index *index, const name_record *record) {
    for (size_t w = 0; w < index->lineage.columns.row_words; w++)
        if (atomic_load_explicit(&record->row[w], memory_order_relaxed) != 0) return false;
    return true;
}

static kvcore_status check_children(const kvradix_index *index, uint32_t slot, kvcore_error *error) {
    const name_record *record = name_at(&index->lineage, slot);
    uint32_t previous = TABLE_NONE;
    for (uint32_t child = record->first_child; child != TABLE_NONE;) {
        const name_record *c = name_at(&index->lineage, child);
        if (c->parent != slot) return broken(error, child, "a child's parent is another name");
        if (c->previous_sibling != previous) return broken(error, child, "siblings disagree");
        if (!in_use(index, child)) return broken(error, child, "a child is not in the table");
        if (!kvradix__lineage_is_parent(record, c->name)) return broken(error, child, "a child means another parent");
        previous = child;
        child = c->next_sibling;
    }
    return KVCORE_OK;
}

static kvcore_status check_name(const kvradix_index *index, uint32_t slot, tally *tallies, size_t *names,
                                kvcore_error *error) {
    const name_record *record = name_at(&index->lineage, slot);
    bool stand_in = kvradix__lineage_is_stand_in(record), empty = row_is_empty(index, record);
    if (!in_use(index, slot)) return broken(error, slot, "a name cannot be found");
    if (empty && record->first_child == TABLE_NONE) return broken(error, slot, "an idle name has no children");
    if (stand_in && !empty) return broken(error, slot, "a stand-in has holders");
    bool has_parent = record->parent != TABLE_NONE;
    if (has_parent != (!stand_in && kvhash_plh_position(record->name) > 0))
        return broken(error, slot, "a parent is missing or too many");
    *names += !empty;
    for (uint32_t col = 0; col < 64 * index->lineage.columns.row_words; col++) {
        if (!bit_get(record->row, col)) continue;
        if (!index->lineage.columns.of[col].used) return broken(error, slot, "a name has a dead column");
        tallies[col].names++;
        tallies[col].orphans += has_parent && !bit_get(name_at(&index->lineage, record->parent)->row, col);
    }
    return check_children(index, slot, error);
}

static kvcore_status check_column(const kvradix_index *index, uint32_t col, const tally *tallies, kvcore_error *error) {
    const column *c = &index->lineage.columns.of[col];
    if (bit_get(index->lineage.columns.live, col) != c->used)
        return broken(error, col, "a column lives and is not used, or the reverse");
    if (bit_get(index->lineage.columns.closed, col) != (c->used && tallies[col].orphans == 0))
        return broken(error, col, "a column is thought closed and is not, or the reverse");
    if (!c->used) return KVCORE_OK;
    if (c->names != tallies[col].names) return broken(error, col, "names of a column are miscounted");
    if (c->orphans != tallies[col].orphans) return broken(error, col, "orphans of a column are miscounted");
    const holder_state *state = kvradix__holders_find(&index->holders, c->holder);
    if (state == NULL || state->column != col) return broken(error, col, "a column's holder does not know it");
    if (bit_get(index->lineage.columns.stale, col) != state->stale)
        return broken(error, col, "a column is stale and its holder is not");
    return KVCORE_OK;
}

static kvcore_status check_holders(const kvradix_index *index, kvcore_error *error) {
    size_t count = atomic_load_explicit(&index->holders.count, memory_order_relaxed), stale = 0, used = 0, columns = 0;
    for (size_t i = 0; i < count; i++) {
        const holder_state *state = &index->holders.states[i];
        if (i > 0 && holder_compare(state[-1].holder, state->holder) >= 0)
            return broken(error, i, "holders are out of order");
        stale += state->stale;
        columns += state->column != COLUMN_NONE;
    }
    for (uint32_t col = 0; col < 64 * index->lineage.columns.row_words; col++)
        used += index->lineage.columns.of[col].used;
    if (columns != used) return broken(error, KVCORE_NO_INDEX, "a used column has no holder");
    if (stale != atomic_load_explicit(&index->holders.stale_count, memory_order_relaxed))
        return broken(error, KVCORE_NO_INDEX, "stale holders are miscounted");
    return KVCORE_OK;
}

static kvcore_status check_all(const kvradix_index *index, tally *tallies, kvcore_error *error) {
    size_t names = 0, records = 0, cursor = 0;
    kvcore_status status = check_holders(index, error);
    for (uint32_t slot;
         status == KVCORE_OK && (slot = kvradix__table_next(&index->lineage.table, &cursor)) != TABLE_NONE; records++)
        status = check_name(index, slot, tallies, &names, error);
    for (uint32_t col = 0; status == KVCORE_OK && col < 64 * index->lineage.columns.row_words; col++)
        status = check_column(index, col, tallies, error);
    if (status != KVCORE_OK) return status;
    if (names != atomic_load_explicit(&index->lineage.names, memory_order_relaxed))
        return broken(error, KVCORE_NO_INDEX, "names are miscounted");
    if (records != table_count(&index->lineage.table)) return broken(error, KVCORE_NO_INDEX, "records are miscounted");
    return KVCORE_OK;
}

kvcore_status kvradix_index_validate(const kvradix_index *index, kvcore_error *error) {
    if (index == NULL)
        return kvcore_fail(error, &(kvcore_error){.code = KVCORE_EINVAL, .index = KVCORE_NO_INDEX}, "index is NULL");
    const kvcore_allocator *allocator = &index->lineage.table.allocator;
    size_t columns = 64 * index->lineage.columns.row_words;
    tally *tallies = kvcore_alloc(allocator, columns, sizeof *tallies, _Alignof(tally));
    if (tallies == NULL) return KVCORE_ENOMEM;
    memset(tallies, 0, columns * sizeof *tallies);
    pthread_mutex_t *writers = index_lock(index);
    kvcore_status status = check_all(index, tallies, error);
    pthread_mutex_unlock(writers);
    kvcore_free(allocator, tallies, columns, sizeof *tallies, _Alignof(tally));
    return status;
}
