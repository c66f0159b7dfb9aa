#include "sequence/ledger.h"

#include <string.h>

#define ALIGN _Alignof(max_align_t)

static size_t place(const ledger *l, uint64_t id) {
    id ^= id >> 32;
    id *= UINT64_C(0x9E3779B97F4A7C15);
    return (size_t)(id >> 32) & l->table_mask;
}

/* Where the id is in the table, or the empty entry where it would be. */
static size_t probe(const ledger *l, uint64_t id) {
    size_t at = place(l, id);
    while (l->table[at] != 0 && l->ids[l->table[at] - 1] != id) at = (at + 1) & l->table_mask;
    return at;
}

static void index_all(ledger *l) {
    if (l->table == NULL) return; /* plain, or empty */
    memset(l->table, 0, (l->table_mask + 1) * sizeof *l->table);
    for (size_t i = 0; i < ledger_count(l); i++) l->table[probe(l, l->ids[i])] = (uint32_t)(i + 1);
}

static void free_arrays(ledger *l) {
    kvcore_free(&l->allocator, l->ids, l->capacity, sizeof *l->ids, ALIGN);
    kvcore_free(&l->allocator, l->values, l->capacity, LEDGER_VALUE_BYTES, ALIGN);
    kvcore_free(&l->allocator, l->table, l->table_mask + 1, sizeof *l->table, ALIGN);
}

kvcore_status kvlogical__ledger_reserve(ledger *l, size_t count) {
    if (count <= l->capacity) return KVCORE_OK;
    if (count >= UINT32_MAX / 4) return KVCORE_EOVERFLOW;
    ledger wider = *l;
    wider.capacity = l->capacity * 2 > count ? l->capacity * 2 : count < 8 ? 8 : count;
    size_t entries = 16;
    while (entries < wider.capacity * 2) entries *= 2;
    wider.table_mask = entries - 1;
    wider.values = kvcore_alloc(&l->allocator, wider.capacity, LEDGER_VALUE_BYTES, ALIGN);
    if (!l->plain) {
        wider.ids = kvcore_alloc(&l->allocator, wider.capacity, sizeof *wider.ids, ALIGN);
        wider.table = kvcore_alloc(&l->allocator, entries, sizeof *wider.table, ALIGN);
    }
    if (wider.values == NULL || (!l->plain && (wider.ids == NULL || wider.table == NULL))) {
        free_arrays(&wider);
        return KVCORE_ENOMEM;
    }
    size_t present = ledger_count(l);
    if (present > 0) {
        memcpy(wider.values, l->values, present * LEDGER_VALUE_BYTES);
        if (!l->plain) memcpy(wider.ids, l->ids, present * sizeof *l->ids);
    }
    index_all(&wider);
    if (l->capacity > 0) free_arrays(l);
    *l = wider;
    return KVCORE_OK;
}

void kvlogical__ledger_destroy(ledger *l) {
    if (l->capacity > 0) free_arrays(l);
    *l = (ledger){.allocator = l->allocator};
}

void kvlogical__ledger_clear(ledger *l) {
    l->assigned = l->staged = l->unassigned = 0;
    index_all(l);
}

size_t kvlogical__ledger_find(const ledger *l, uint64_t id) {
    if (l->table == NULL) return LEDGER_NONE;
    uint32_t entry = l->table[probe(l, id)];
    return entry == 0 ? LEDGER_NONE : entry - 1;
}

bool kvlogical__ledger_push(ledger *l, uint64_t id, const void *value) {
    size_t at = probe(l, id), index = ledger_count(l);
    if (l->table[at] != 0) return false;
    l->ids[index] = id;
    memcpy(ledger_value(l, index), value, LEDGER_VALUE_BYTES);
    l->table[at] = (uint32_t)(index + 1);
    l->unassigned++;
    return true;
}

void kvlogical__ledger_pop(ledger *l, size_t count) {
    if (l->plain) {
        l->unassigned -= count;
        return;
    }
    /* the last block came into the table last, so no probe for another goes past its entry */
    for (; count > 0; count--) {
        l->table[probe(l, l->ids[ledger_count(l) - 1])] = 0;
        l->unassigned--;
    }
}

static void reverse_ids(uint64_t *ids, size_t count) {
    for (size_t i = 0; i < count / 2; i++) {
        uint64_t id = ids[i];
        ids[i] = ids[count - 1 - i];
        ids[count - 1 - i] = id;
    }
}

static void reverse_values(unsigned char *values, size_t count) {
    for (size_t i = 0; i < count / 2; i++) {
        unsigned char value[LEDGER_VALUE_BYTES];
        unsigned char *low = values + i * LEDGER_VALUE_BYTES, *high = values + (count - 1 - i) * LEDGER_VALUE_BYTES;
        memcpy(value, low, sizeof value);
        memcpy(low, high, sizeof value);
        memcpy(high, value, sizeof value);
    }
}

/* Rotate by three reversals, so that it needs no memory. */
void kvlogical__ledger_assign_last(ledger *l, size_t count) {
    size_t first = l->assigned, between = l->staged + l->unassigned - count;
    l->assigned += count;
    l->unassigned -= count;
    if (count == 0 || between == 0) return;
    reverse_values(ledger_value(l, first), between + count);
    reverse_values(ledger_value(l, first), count);
    reverse_values(ledger_value(l, first + count), between);
    if (l->plain) return;
    reverse_ids(l->ids + first, between + count);
    reverse_ids(l->ids + first, count);
    reverse_ids(l->ids + first + count, between);
    index_all(l);
}

void kvlogical__ledger_cut(ledger *l, size_t first, size_t count) {
    if (count == 0) return;
    size_t behind = ledger_count(l) - first - count;
    if (!l->plain) memmove(l->ids + first, l->ids + first + count, behind * sizeof *l->ids);
    memmove(ledger_value(l, first), ledger_value(l, first + count), behind * LEDGER_VALUE_BYTES);
    if (first < l->assigned)
        l->assigned -= count;
    else if (first < ledger_next(l))
        l->staged -= count;
    else
        l->unassigned -= count;
    index_all(l);
}
