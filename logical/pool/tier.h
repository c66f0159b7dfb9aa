/* A tier: names over the slots of one kind of memory. It is all that the registry and its subscriptions see of a manager.
 * Private to logical. */
#ifndef LOGICAL_TIER_H
#define LOGICAL_TIER_H

#include "pool/name_table.h"
#include "pool/slot.h"

typedef struct tier {
    uint64_t id;       /* of its manager, from 1: guards carry it */
    uint64_t number;   /* which kind of memory, as configured */
    const char *label; /* of that number, or NULL; borrowed */
    slot *slots;
    uint32_t slot_count;
    name_table names;  /* of primaries and inactive slots */
    struct tier *next; /* in the registry, by ascending id */
} tier;

/* The slot that a name leads to, or NO_SLOT. */
static inline uint32_t tier_find(const tier *t, kvhash_plh name) {
    return name_find(&t->names, t->slots, sizeof(slot), name);
}

static inline bool tier_has(const tier *t, kvhash_plh name) { return tier_find(t, name) != NO_SLOT; }

/* Is this slot found by its name? */
static inline bool slot_found(const slot *s) { return s->state == SLOT_PRIMARY || s->state == SLOT_INACTIVE; }

#endif
