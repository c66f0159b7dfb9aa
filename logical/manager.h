/* The manager's record and its single-slot transitions, all under the lock. Private to logical. */
#ifndef LOGICAL_MANAGER_H
#define LOGICAL_MANAGER_H

#include <string.h>

#include <kvlogical/manager.h>

#include "eviction.h"
#include "list.h"
#include "lock.h"
#include "name_table.h"
#include "slot.h"

struct kvlogical_manager {
    uint64_t id;
    lock *lock;
    slot *slots;
    uint32_t slot_count;
    uint32_t block_tokens;
    bool reject_duplicates;

    list free;
    name_table names;
    const eviction *eviction;
    union {
        list lru;
    } order;

    uint32_t in_state[SLOT_INACTIVE + 1]; /* how many slots are in each state */
    uint64_t holds;                       /* of all slots */

    lock own_lock;
    kvcore_allocator allocator;
    size_t memory_bytes; /* of this record and everything behind it, one allocation */
};

typedef struct kvlogical_manager manager;

/* Any guard. The public types are alike and distinct, so they are read and written as bytes. */
typedef struct guard {
    uint64_t manager;
    uint32_t block;
    uint32_t generation;
} guard;

_Static_assert(sizeof(guard) == sizeof(kvlogical_mutable) && sizeof(guard) == sizeof(kvlogical_complete) &&
                   sizeof(guard) == sizeof(kvlogical_immutable),
               "guards look alike");

static inline guard guard_at(const void *guards, size_t i) {
    guard g;
    memcpy(&g, (const char *)guards + i * sizeof g, sizeof g);
    return g;
}

static inline void guard_put(void *guards, size_t i, guard g) { memcpy((char *)guards + i * sizeof g, &g, sizeof g); }

static inline guard guard_of(const manager *m, uint32_t index) {
    return (guard){m->id, index, m->slots[index].generation};
}

/* Is this the present stay of a slot of this manager? The generation implies the kind of guard. */
static inline bool guard_valid(const manager *m, guard g) {
    return g.manager == m->id && g.block < m->slot_count && m->slots[g.block].generation == g.generation;
}

/* A new stay. The counts of states are the caller's: a batch settles them once, by slots_moved(). */
static inline void slot_enter(manager *m, uint32_t index, enum slot_state state) {
    slot *s = &m->slots[index];
    s->state = (uint8_t)state;
    s->generation++;
}

static inline void slots_moved(manager *m, enum slot_state from, enum slot_state to, size_t count) {
    m->in_state[from] -= (uint32_t)count;
    m->in_state[to] += (uint32_t)count;
}

static inline void slot_free(manager *m, uint32_t index) {
    slot_enter(m, index, SLOT_FREE);
    list_push(&m->free, m->slots, index);
}

#endif
