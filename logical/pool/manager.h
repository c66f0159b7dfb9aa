/* The manager's record and its single-slot steps, all under the lock. Private to logical. */
#ifndef LOGICAL_MANAGER_H
#define LOGICAL_MANAGER_H

#include <string.h>
#include <time.h>

#include <kvlogical/inspect.h>
#include <kvlogical/manager.h>
#include <kvlogical/metrics.h>
#include <kvlogical/promise.h>

#include "eviction/eviction.h"
#include "pool/list.h"
#include "pool/lock.h"
#include "pool/name_table.h"
#include "pool/slot.h"
#include "pool/tier.h"
#include "registry/frequency.h"
#include "registry/registry.h"

/* A name that left, for kvlogical_explain(): a table of one place a name, where the later one wins. */
typedef struct departure {
    kvhash_plh name;
    uint64_t evictions : 61; /* how many there had been */
    uint64_t reason : 3;     /* KVLOGICAL_REASON_…; 0: the place is empty */
    uint32_t when;           /* tick */
    uint32_t block;
} departure;

struct kvlogical_manager {
    tier tier;
    registry *registry;
    uint32_t block_tokens;
    bool reject_duplicates, keep_duplicates;
    bool has_groups;
    bool free_to_front;    /* blocks that become free are the next ones handed out */
    bool reset_on_release; /* what new tenants of a slot start with */

    list free;
    name_table promises; /* of pending slots; no capacity: the manager has none */
    kvlogical_ready_callback on_ready;
    void *on_ready_ctx;
    order order;

    uint32_t in_state[SLOT_STATES]; /* how many slots are in each state */
    uint64_t holds;                 /* of all slots */
    uint64_t weak_guards;           /* that are out */
    kvlogical_metrics metrics;      /* counters, and immutable guards in flight; the rest is derived */
    departure *history;
    uint32_t history_mask; /* places − 1; UINT32_MAX: no history */
    uint32_t last_scan;
    uint64_t start_ns;
    uint32_t now; /* tick of the last allocate, look-up or release: near enough for what happens in between */
    bool counters_in_slots;

    const kvhash_prover *prover; /* the request API proves with it; NULL: nothing is verified */
    kvhash_prover *own_prover;   /* the same, when it goes with the manager */

    kvcore_allocator allocator;
    size_t memory_bytes; /* of this record and everything behind it, one block */
};

typedef struct kvlogical_manager manager;

/* ---- of a tier that shares keys (keys.c) ---- */

/* The slot, alone with its key, is in the table now: is its name new to the tier? */
bool kvlogical__key_begin(manager *m, uint32_t index);
/* The slot gets the key that this first one of it has. */
void kvlogical__key_join(manager *m, uint32_t index, uint32_t first);
/* The slot loses its key. */
void kvlogical__key_leave(manager *m, uint32_t index, uint32_t tag);

static inline void manager_take(const manager *m) { lock_take(&m->registry->lock); }
/* After something that may unregister names. */
static inline void manager_give(const manager *m) { registry_give(m->registry); }

/* Any guard. The public types are alike and distinct, so they are read and written as bytes. */
typedef struct guard {
    uint64_t manager;
    uint32_t block;
    uint32_t generation;
} guard;

_Static_assert(sizeof(guard) == sizeof(kvlogical_mutable) && sizeof(guard) == sizeof(kvlogical_complete) &&
                   sizeof(guard) == sizeof(kvlogical_immutable) && sizeof(guard) == sizeof(kvlogical_pin),
               "guards look alike");

static inline guard guard_at(const void *guards, size_t i) {
    guard g;
    memcpy(&g, (const char *)guards + i * sizeof g, sizeof g);
    return g;
}

static inline void guard_put(void *guards, size_t i, guard g) { memcpy((char *)guards + i * sizeof g, &g, sizeof g); }

static inline guard guard_of(const manager *m, uint32_t index) {
    return (guard){m->tier.id, index, m->tier.slots[index].generation};
}

/* Which states a kind of guard stands for, a bit each. */
enum guard_kind {
    OF_MUTABLE = 1 << SLOT_MUTABLE,
    OF_STAGED = 1 << SLOT_STAGED,
    OF_SHARED = 1 << SLOT_PRIMARY | 1 << SLOT_DUPLICATE | 1 << SLOT_WITHDRAWN | 1 << SLOT_PENDING, /* joined */
    OF_PENDING = 1 << SLOT_PENDING,
    OF_FOUND = 1 << SLOT_PRIMARY | 1 << SLOT_DUPLICATE
};

/* Is this the present stay of a slot of this manager, in a state of that kind? Bytes that are no guard at all can pass only
 * as one that somebody has, so they never bring a slot where no guard could. */
static inline bool guard_valid(const manager *m, guard g, enum guard_kind kind) {
    if (g.manager != m->tier.id || g.block >= m->tier.slot_count) return false;
    const slot *s = &m->tier.slots[g.block];
    return s->generation == g.generation && ((unsigned)kind >> s->state & 1) != 0;
}

/* Time since the manager was made, in ticks of 67 ms: good enough for ages, and cheap. */
static inline uint64_t coarse_ns(void) {
    struct timespec now;
#ifdef CLOCK_MONOTONIC_COARSE
    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
#else
    clock_gettime(CLOCK_MONOTONIC, &now);
#endif
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

#define TICK_SHIFT 26
#define TICK_NS (UINT64_C(1) << TICK_SHIFT)

static inline uint32_t tick_now(manager *m) { return m->now = (uint32_t)((coarse_ns() - m->start_ns) >> TICK_SHIFT); }

/* The counts of states are the caller's: a batch settles them once, by slots_moved(). */
static inline void slot_enter(manager *m, uint32_t index, enum slot_state state, uint32_t now) {
    slot *s = &m->tier.slots[index];
    s->state = (uint8_t)state;
    s->generation += state == SLOT_FREE || state == SLOT_INACTIVE;
    s->since = now;
}

static inline void slots_moved(manager *m, enum slot_state from, enum slot_state to, size_t count) {
    m->in_state[from] -= (uint32_t)count;
    m->in_state[to] += (uint32_t)count;
}

/* `front` begins as NO_SLOT with each call: what one call frees to the front keeps its order there. */
static inline void slot_free(manager *m, uint32_t index, uint32_t *front, uint32_t now) {
    slot_enter(m, index, SLOT_FREE, now);
    if (!m->free_to_front) {
        list_push(&m->free, m->tier.slots, index);
        return;
    }
    list_insert(&m->free, m->tier.slots, *front, index);
    *front = index;
}

static inline uint32_t find_slot(const manager *m, kvhash_plh name) { return tier_find(&m->tier, name); }

/* The tracker counts a use of the slot's name. */
static inline void slot_touch(const manager *m, uint32_t index) {
    if (m->counters_in_slots)
        kvlogical__frequency_touch_at(m->registry->frequency, m->tier.slots[index].counters);
    else
        registry_touch(m->registry, m->tier.slots[index].name);
}

/* Where the departure of a name stands. Without a key: what is remembered is the same in every run. */
static inline departure *departure_of(const manager *m, kvhash_plh name) {
    uint64_t mixed = name.high * UINT64_C(0x9E3779B97F4A7C15) + name.low * UINT64_C(0xD6E8FEB86659FD93);
    mixed = (mixed ^ mixed >> 32) * UINT64_C(0xD6E8FEB86659FD93);
    return &m->history[mixed >> 32 & m->history_mask];
}

/* A name is gone from the table: remember why. */
static inline void remember(manager *m, uint32_t index, unsigned reason, uint32_t now) {
    if (m->history_mask == UINT32_MAX) return;
    *departure_of(m, m->tier.slots[index].name) =
        (departure){m->tier.slots[index].name, m->metrics.evictions, reason & 7, now, index};
}

/* A slot is out of the name table: the registry loses the name with its last life. */
static inline void life_lost(manager *m, uint32_t index) {
    if (__builtin_expect(m->tier.seconds > 0, 0)) {
        slot *s = &m->tier.slots[index];
        bool lives = tier_has(&m->tier, s->name);
        m->tier.seconds -= s->second;
        s->second = 0;
        if (lives) return;
    }
    registry_lose(m->registry, &m->tier, index);
}

static inline uint32_t slot_tag(const manager *m, uint32_t index) {
    return name_tag_in(&m->tier.names, m->tier.slots[index].name, m->tier.slots[index].group);
}

/* The key leaves the table, and its name the registry when nothing else has it. */
static inline void lose_key(manager *m, uint32_t index, uint32_t tag) {
    if (__builtin_expect(m->tier.shares_keys, 0)) {
        kvlogical__key_leave(m, index, tag);
        return;
    }
    name_erase(&m->tier.names, tag, index);
    life_lost(m, index);
}

/* The same for a slot that is in no order. */
static inline void lose_name(manager *m, uint32_t index, unsigned reason, uint32_t now) {
    uint32_t tag = slot_tag(m, index);
    remember(m, index, reason, now);
    lose_key(m, index, tag);
}

/* The same for a primary, or an inactive slot that was revived for it: the policy did not choose it. */
static inline void drop_name(manager *m, uint32_t index, unsigned reason, uint32_t now) {
    if (m->order.policy->removed != NULL) m->order.policy->removed(&m->order, index);
    lose_name(m, index, reason, now);
}

/* A hold on a slot that a name led to: an inactive one comes back to life. */
static inline void hold_found(manager *m, uint32_t index, uint32_t now) {
    slot *s = &m->tier.slots[index];
    if (s->state == SLOT_INACTIVE) {
        m->order.policy->revived(&m->order, &index, 1);
        slot_enter(m, index, SLOT_PRIMARY, now);
        s->companion = 0;
        slots_moved(m, SLOT_INACTIVE, SLOT_PRIMARY, 1);
    }
    s->holds++;
    m->holds++;
}

/* The same for a look-up, which policies may count. */
static inline void hold_hit(manager *m, uint32_t index, uint32_t now) {
    hold_found(m, index, now);
    if (m->order.policy->hit != NULL) m->order.policy->hit(&m->order, &index, 1);
}

#endif
