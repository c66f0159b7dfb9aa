#include "prefix/holders.h"

#include <sched.h>
#include <string.h>

kvcore_status kvradix__holders_init(holder_list *h, size_t capacity, column_set *columns,
                                    const kvcore_allocator *allocator) {
    memset(h, 0, sizeof *h);
    h->capacity = capacity;
    h->columns = columns;
    h->states = kvcore_alloc(allocator, capacity, sizeof *h->states, _Alignof(holder_state));
    return h->states != NULL ? KVCORE_OK : KVCORE_ENOMEM;
}

void kvradix__holders_destroy(holder_list *h, const kvcore_allocator *allocator) {
    kvcore_free(allocator, h->states, h->capacity, sizeof *h->states, _Alignof(holder_state));
}

size_t kvradix__holders_memory_bytes(const holder_list *h) { return h->capacity * sizeof *h->states; }

static size_t holder_count(const holder_list *h) { return atomic_load_explicit(&h->count, memory_order_relaxed); }

/* Where it is, or would be. */
static size_t rank_of(const holder_list *h, kvhash_holder holder) {
    size_t low = 0, high = holder_count(h);
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (holder_compare(h->states[middle].holder, holder) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

holder_state *kvradix__holders_find(const holder_list *h, kvhash_holder holder) {
    size_t at = rank_of(h, holder);
    bool there = at < holder_count(h) && holder_compare(h->states[at].holder, holder) == 0;
    return there ? &h->states[at] : NULL;
}

bool kvradix__holders_full(const holder_list *h) { return holder_count(h) == h->capacity; }

holder_state *kvradix__holders_add(holder_list *h, kvhash_holder holder) {
    holder_state *state = kvradix__holders_find(h, holder);
    if (state != NULL || kvradix__holders_full(h)) return state;
    size_t at = rank_of(h, holder);
    state = &h->states[at];
    memmove(state + 1, state, (holder_count(h) - at) * sizeof *state);
    *state = (holder_state){
        .holder = {holder.worker, holder.rank, 0}, .column = COLUMN_NONE, .expected = 1, .heard = true, .fresh = true};
    count_add(&h->count, 1);
    return state;
}

/* There are at least as many columns as holders, so a free column exists. It may have to wait until readers of its previous owner
 * leave, at most one search. */
uint32_t kvradix__holders_column(holder_list *h, holder_state *state, table *t) {
    if (state->column != COLUMN_NONE) return state->column;
    uint32_t col;
    while ((col = kvradix__columns_idle(h->columns, epoch_now(&t->epochs))) == COLUMN_NONE) {
        kvradix__table_reclaim(t);
        sched_yield();
    }
    kvradix__columns_open(h->columns, col, state->holder, state->stale);
    state->column = col;
    return col;
}

void kvradix__holders_mark_stale(holder_list *h, holder_state *state, uint64_t lost) {
    state->lost += lost;
    atomic_fetch_add_explicit(&h->lost, lost, memory_order_relaxed);
    if (state->stale) return;
    state->stale = true;
    count_add(&h->stale_count, 1);
    if (state->column != COLUMN_NONE) bit_set(h->columns->stale, state->column);
}

void kvradix__holders_clear(holder_list *h, holder_state *state, uint64_t epoch, uint64_t *dead) {
    if (state->stale) count_add(&h->stale_count, -1);
    state->stale = false;
    uint32_t col = state->column;
    if (col == COLUMN_NONE) return;
    kvradix__columns_close(h->columns, col, epoch);
    state->column = COLUMN_NONE;
    dead[col / 64] |= UINT64_C(1) << (col % 64);
}

void kvradix__holders_erase(holder_list *h, holder_state *state) {
    size_t after = holder_count(h) - (size_t)(state - h->states) - 1;
    memmove(state, state + 1, after * sizeof *state);
    count_add(&h->count, -1);
}
