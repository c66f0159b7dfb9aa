#include "prefix/columns.h"

#include <string.h>

static size_t count_of(const column_set *c) { return 64 * c->row_words; }

kvcore_status kvradix__columns_init(column_set *c, size_t holder_capacity, const kvcore_allocator *allocator) {
    memset(c, 0, sizeof *c);
    c->row_words = (holder_capacity + 63) / 64;
    c->of = kvcore_alloc(allocator, count_of(c), sizeof *c->of, _Alignof(column));
    if (c->of == NULL) return KVCORE_ENOMEM;
    memset(c->of, 0, count_of(c) * sizeof *c->of);
    return KVCORE_OK;
}

void kvradix__columns_destroy(column_set *c, const kvcore_allocator *allocator) {
    kvcore_free(allocator, c->of, count_of(c), sizeof *c->of, _Alignof(column));
}

size_t kvradix__columns_memory_bytes(const column_set *c) { return count_of(c) * sizeof *c->of; }

uint32_t kvradix__columns_idle(const column_set *c, uint64_t epoch) {
    for (uint32_t col = 0; col < count_of(c); col++)
        if (!c->of[col].used && (c->of[col].dead_since == 0 || c->of[col].dead_since + 2 <= epoch)) return col;
    return COLUMN_NONE;
}

void kvradix__columns_open(column_set *c, uint32_t col, kvhash_holder holder, bool stale) {
    c->of[col] = (column){.holder = holder, .used = true};
    if (stale) bit_set(c->stale, col);
    bit_set(c->closed, col);
    bit_set(c->live, col);
}

void kvradix__columns_close(column_set *c, uint32_t col, uint64_t epoch) {
    bit_clear(c->live, col); /* before anything else: from here on readers take no notice of the column */
    bit_clear(c->closed, col);
    bit_clear(c->stale, col);
    c->of[col].used = false;
    c->of[col].dead_since = epoch;
}

void kvradix__columns_expect_orphans(column_set *c, uint32_t col, size_t orphans) {
    if (orphans == 0 || !bit_get(c->closed, col)) return;
    bit_clear(c->closed, col);
    atomic_fetch_add_explicit(&c->openings, 1, memory_order_release);
}

void kvradix__columns_have_orphans(column_set *c, uint32_t col, size_t orphans) {
    c->of[col].orphans = orphans;
    if (orphans == 0 && !bit_get(c->closed, col)) bit_set(c->closed, col);
}
