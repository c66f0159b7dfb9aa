#include <sched.h>
#include <string.h>

#include "prefix/index.h"

kvcore_status kvradix__holders_init(kvradix_index *index, size_t capacity) {
    const kvcore_allocator *allocator = &index->table.allocator;
    size_t columns = 64 * index->row_words;
    index->holder_capacity = capacity;
    index->holders = kvcore_alloc(allocator, capacity, sizeof *index->holders, _Alignof(holder_state));
    index->columns = kvcore_alloc(allocator, columns, sizeof *index->columns, _Alignof(column));
    if (index->holders == NULL || index->columns == NULL) {
        kvradix__holders_destroy(index);
        return KVCORE_ENOMEM;
    }
    memset(index->columns, 0, columns * sizeof *index->columns);
    return KVCORE_OK;
}

void kvradix__holders_destroy(kvradix_index *index) {
    const kvcore_allocator *allocator = &index->table.allocator;
    kvcore_free(allocator, index->holders, index->holder_capacity, sizeof *index->holders, _Alignof(holder_state));
    kvcore_free(allocator, index->columns, 64 * index->row_words, sizeof *index->columns, _Alignof(column));
}

size_t kvradix__holders_memory_bytes(const kvradix_index *index) {
    return index->holder_capacity * sizeof *index->holders + 64 * index->row_words * sizeof *index->columns;
}

static size_t holder_count(const kvradix_index *index) {
    return atomic_load_explicit(&index->holder_count, memory_order_relaxed);
}

/* Where it is, or would be. */
static size_t rank_of(const kvradix_index *index, kvhash_holder holder) {
    size_t low = 0, high = holder_count(index);
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (holder_compare(index->holders[middle].holder, holder) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

holder_state *kvradix__holders_find(const kvradix_index *index, kvhash_holder holder) {
    size_t at = rank_of(index, holder);
    bool there = at < holder_count(index) && holder_compare(index->holders[at].holder, holder) == 0;
    return there ? &index->holders[at] : NULL;
}

bool kvradix__holders_full(const kvradix_index *index) { return holder_count(index) == index->holder_capacity; }

holder_state *kvradix__holders_add(kvradix_index *index, kvhash_holder holder) {
    holder_state *state = kvradix__holders_find(index, holder);
    if (state != NULL || kvradix__holders_full(index)) return state;
    size_t at = rank_of(index, holder);
    state = &index->holders[at];
    memmove(state + 1, state, (holder_count(index) - at) * sizeof *state);
    *state = (holder_state){
        .holder = {holder.worker, holder.rank, 0}, .column = COLUMN_NONE, .expected = 1, .heard = true, .fresh = true};
    count_add(&index->holder_count, 1);
    return state;
}

/* A column that no reader can have seen alive under another holder. There are as many columns as holders, so one that is
 * not used can always be had, if not at once: readers are inside for the length of one search. */
static uint32_t idle_column(kvradix_index *index) {
    for (;; kvradix__table_reclaim(&index->table), sched_yield())
        for (uint32_t col = 0; col < 64 * index->row_words; col++) {
            const column *c = &index->columns[col];
            if (!c->used && (c->dead_since == 0 || c->dead_since + 2 <= epoch_now(&index->table.epochs))) return col;
        }
}

uint32_t kvradix__holders_column(kvradix_index *index, holder_state *state) {
    if (state->column != COLUMN_NONE) return state->column;
    uint32_t col = idle_column(index);
    index->columns[col] = (column){.holder = state->holder, .used = true};
    if (state->stale) bit_set(index->stale, col);
    bit_set(index->closed, col);
    bit_set(index->live, col);
    state->column = col;
    return col;
}

bool kvradix__holders_allow(const kvradix_index *index, const holder_state *state, kvhash_plh name) {
    size_t names = atomic_load_explicit(&index->names, memory_order_relaxed);
    size_t own = state->column == COLUMN_NONE ? 0 : index->columns[state->column].names;
    if (names < index->name_limit && own < index->holder_name_limit) return true;
    uint32_t slot = kvradix__lineage_find(index, name);
    if (slot == TABLE_NONE) return false;
    const name_record *record = name_at(index, slot);
    if (state->column != COLUMN_NONE && bit_get(record->row, state->column)) return true;
    return own < index->holder_name_limit && !kvradix__lineage_is_idle(index, record);
}

void kvradix__holders_mark_stale(kvradix_index *index, holder_state *state, uint64_t lost) {
    state->lost += lost;
    atomic_fetch_add_explicit(&index->lost, lost, memory_order_relaxed);
    if (state->stale) return;
    state->stale = true;
    count_add(&index->stale_count, 1);
    if (state->column != COLUMN_NONE) bit_set(index->stale, state->column);
}

void kvradix__holders_clear(kvradix_index *index, holder_state *state, uint64_t *dead) {
    if (state->stale) count_add(&index->stale_count, -1);
    state->stale = false;
    uint32_t col = state->column;
    if (col == COLUMN_NONE) return;
    bit_clear(index->live, col); /* before anything else: from here on readers take no notice of the column */
    bit_clear(index->closed, col);
    bit_clear(index->stale, col);
    state->column = COLUMN_NONE;
    index->columns[col].used = false;
    index->columns[col].dead_since = epoch_now(&index->table.epochs);
    dead[col / 64] |= UINT64_C(1) << (col % 64);
}

void kvradix__holders_erase(kvradix_index *index, holder_state *state) {
    size_t after = holder_count(index) - (size_t)(state - index->holders) - 1;
    memmove(state, state + 1, after * sizeof *state);
    count_add(&index->holder_count, -1);
}
