/* Who is known, what is expected of them, and which column they have. Private to radix/prefix. */
#ifndef RADIX_HOLDERS_H
#define RADIX_HOLDERS_H

#include "prefix/columns.h"
#include "table/table.h"

/* Sorted by worker, then rank. */
typedef struct holder_state {
    kvhash_holder holder;
    uint32_t column; /* or COLUMN_NONE */
    bool stale;
    bool heard; /* since the last kvradix_index_expire() */
    bool fresh; /* added by a call that may still fail */
    uint64_t expected;
    uint64_t lost;
    uint64_t heard_ns;
} holder_state;

typedef struct holder_list {
    holder_state *states;
    size_t capacity;
    column_set *columns; /* of the names; there are as many as holders, at least */
    _Atomic size_t count, stale_count;
    _Atomic uint64_t lost;
} holder_list;

static inline int holder_compare(kvhash_holder a, kvhash_holder b) {
    if (a.worker != b.worker) return a.worker < b.worker ? -1 : 1;
    return a.rank == b.rank ? 0 : a.rank < b.rank ? -1 : 1;
}

/* ---- holders.c: the writer's ---- */

/* Nobody is known. Errors: KVCORE_ENOMEM. */
kvcore_status kvradix__holders_init(holder_list *h, size_t capacity, column_set *columns,
                                    const kvcore_allocator *allocator);
void kvradix__holders_destroy(holder_list *h, const kvcore_allocator *allocator);
size_t kvradix__holders_memory_bytes(const holder_list *h);

/* The holder's state, or NULL. Valid until a holder is added or forgotten. */
holder_state *kvradix__holders_find(const holder_list *h, kvhash_holder holder);
bool kvradix__holders_full(const holder_list *h);
/* The same, made if need be, fresh then; NULL when there is no room. */
holder_state *kvradix__holders_add(holder_list *h, kvhash_holder holder);
/* The holder's column, found one if it has none: may wait for readers of the table that were inside when another died. */
uint32_t kvradix__holders_column(holder_list *h, holder_state *state, table *t);
void kvradix__holders_mark_stale(holder_list *h, holder_state *state, uint64_t lost);
/* Take a holder's column from it and note it in `dead`, a row; not stale any more. */
void kvradix__holders_clear(holder_list *h, holder_state *state, uint64_t epoch, uint64_t *dead);
/* Take it out of the sorted holders; it must be cleared. */
void kvradix__holders_erase(holder_list *h, holder_state *state);

#endif
