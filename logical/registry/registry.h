/* The registry's record and what managers call of it, all under its lock. Private to logical.
 *
 * A registry is a lock, tiers, records and an event log. Which names are registered is not kept beside the tiers: a name is
 * registered when a tier has it, or when it has a record that is held. So a registration that only blocks hold costs nothing
 * here. A record is made for a name with handles, weak guards or attachments, and for one that was transferred in silence. */
#ifndef LOGICAL_REGISTRY_H
#define LOGICAL_REGISTRY_H

#include <kvlogical/events.h>
#include <kvlogical/registry.h>

#include "pool/lock.h"
#include "pool/tier.h"
#include "registry/event_log.h"
#include "registry/records.h"

struct kvlogical_registry {
    lock lock;
    uint64_t id;
    tier *tiers; /* by ascending id */
    uint32_t tier_count;
    bool own_by_manager;
    bool fixed; /* lives in the caller's memory: nothing can grow */

    uint64_t registered; /* names */
    kvlogical_tracker tracker;
    kvlogical_frequency *frequency; /* its own, or NULL */

    records records;
    event_log events;
    kvcore_allocator allocator;
};

typedef struct kvlogical_registry registry;

/* The one number that managers and registries of a process share. */
uint64_t kvlogical__next_id(void);

/* An empty registry; tracker and records are the caller's to add. The key is of its table of names. event_capacity 0: 1024. */
void kvlogical__registry_init(registry *r, uint64_t id, name_key key, const kvcore_allocator *allocator,
                              size_t event_capacity);
/* Give back everything it allocated but itself. */
void kvlogical__registry_clear(registry *r);

/* A tier comes, with no name yet; it takes the lock. */
void kvlogical__registry_join(registry *r, tier *t);
/* A tier goes, with all its names, which are inactive; under the lock. */
void kvlogical__registry_leave(registry *r, tier *t);

/* Give the lock, then destroy what is doomed. */
void kvlogical__registry_bury(registry *r);

static inline void registry_give(registry *r) {
    if (__builtin_expect(r->records.doomed.attachments.first != NULL || r->records.doomed.callbacks.first != NULL, 0))
        kvlogical__registry_bury(r);
    else
        lock_give(&r->lock);
}

/* The lock is no part of what a const registry promises. */
static inline registry *registry_unlocked(const registry *r) { return (registry *)(uintptr_t)r; }

bool kvlogical__registered_elsewhere(const registry *r, const tier *except, kvhash_plh name);

/* Does anything but the blocks of this tier (NULL: of any) keep the name registered? */
static inline bool registered_elsewhere(const registry *r, const tier *except, kvhash_plh name) {
    if (except != NULL && r->tier_count == 1 && r->records.count == 0) return false;
    return kvlogical__registered_elsewhere(r, except, name);
}

/* Was the name transferred in silence? */
static inline bool registry_silent(const registry *r, kvhash_plh name) {
    uint32_t row = records_find(&r->records, name);
    return row != NO_ROW && r->records.rows[row].silent;
}

/* Does the registry tell of each tier, or once a name? */
static inline bool registry_every_tier(const registry *r) {
    return r->events.policy.scope == KVLOGICAL_EVENTS_EVERY_TIER;
}

void kvlogical__registry_gained(registry *r, const tier *by, uint32_t block, bool new_name,
                                const kvhash_block_facts *facts);
void kvlogical__registry_lost(registry *r, const tier *by, uint32_t block);
/* A tier that has a name has it in this block now. */
void kvlogical__registry_moved(registry *r, const tier *by, uint32_t block);

/* A tier got a block of a name that it did not have; facts may be NULL. Returns whether the name is newly registered: to be
 * touched. */
static inline bool registry_gain(registry *r, const tier *by, uint32_t block, const kvhash_block_facts *facts) {
    bool new_name = !registered_elsewhere(r, by, by->slots[block].name);
    r->registered += new_name;
    if (r->events.wanted) kvlogical__registry_gained(r, by, block, new_name, facts);
    return new_name;
}

/* A tier lost its last block of a name (it is out of its name table by now, and the slot still has the name). */
static inline void registry_lose(registry *r, const tier *by, uint32_t block) {
    if (r->records.count == 0 && !r->events.wanted)
        r->registered -= !registered_elsewhere(r, by, by->slots[block].name);
    else
        kvlogical__registry_lost(r, by, block);
}

static inline void registry_touch(const registry *r, kvhash_plh name) {
    if (r->tracker.touch != NULL) r->tracker.touch(r->tracker.ctx, name);
}

/* At most so many events are what a subscription has to tell at this moment. */
uint64_t kvlogical__subscription_backlog(kvlogical_subscription *s);

/* One hold on a record less; with the last one the name may be unregistered. */
void kvlogical__registry_let_go(registry *r, uint32_t row);

#endif
