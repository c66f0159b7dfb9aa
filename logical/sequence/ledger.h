/* The blocks of one sequence in order: ids and what each stands for. Private to logical.
 *
 *     ids    | assigned …      | staged …      | unassigned … |
 *     values | names or guards, 16 bytes each                 |
 *
 * Blocks enter at the right end of a part and leave it at the left end into the part before, so the three parts are one
 * array with two bounds: staging and assigning move a bound, nothing else. A table of indices finds an id. */
#ifndef LOGICAL_LEDGER_H
#define LOGICAL_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <kvcore/allocator.h>
#include <kvcore/status.h>

#define LEDGER_VALUE_BYTES 16
#define LEDGER_NONE SIZE_MAX

typedef struct ledger {
    bool plain;                          /* values only: no ids, no table */
    size_t assigned, staged, unassigned; /* how many in each part */
    size_t capacity;
    uint64_t *ids;
    unsigned char *values;
    uint32_t *table; /* index + 1, or 0: linear probing, at least two entries an id */
    size_t table_mask;
    kvcore_allocator allocator;
} ledger;

static inline size_t ledger_count(const ledger *l) { return l->assigned + l->staged + l->unassigned; }
static inline size_t ledger_next(const ledger *l) { return l->assigned + l->staged; }
static inline void *ledger_value(const ledger *l, size_t index) { return l->values + index * LEDGER_VALUE_BYTES; }

/* Room for so many blocks in all; KVCORE_ENOMEM, KVCORE_EOVERFLOW. Nothing else allocates. */
kvcore_status kvlogical__ledger_reserve(ledger *l, size_t count);
void kvlogical__ledger_destroy(ledger *l);
/* Empty it; memory stays. */
void kvlogical__ledger_clear(ledger *l);

/* Its index, or LEDGER_NONE. */
size_t kvlogical__ledger_find(const ledger *l, uint64_t id);

/* One more unassigned block; there must be room. False, and nothing happens, when the id is there. */
bool kvlogical__ledger_push(ledger *l, uint64_t id, const void *value);
/* Take away the last `count` unassigned ones. */
void kvlogical__ledger_pop(ledger *l, size_t count);
/* Make the last `count` unassigned ones the last assigned ones. */
void kvlogical__ledger_assign_last(ledger *l, size_t count);
/* Take away a stretch that lies within one part. */
void kvlogical__ledger_cut(ledger *l, size_t first, size_t count);

#endif
