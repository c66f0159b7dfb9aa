/* What the batch operations share: groups, prefetching, and checking guards before the first change. Private to logical. */
#ifndef LOGICAL_BATCH_H
#define LOGICAL_BATCH_H

#include "pool/manager.h"

/* Names are looked up in groups: hash and prefetch the table for all, then prefetch the slots, then do the work. */
#define GROUP 64

static inline size_t group_size(size_t done, size_t count) { return count - done < GROUP ? count - done : GROUP; }

/* The loops over guards prefetch nothing: slot addresses do not depend on each other, so out-of-order execution hides the
 * misses. */

/* Every guard of a shared block is good, and none is empty. */
static inline kvcore_status check_guards(const manager *m, const void *guards, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (!guard_valid(m, guard_at(guards, i), OF_SHARED)) return KVLOGICAL_EGUARD;
    return KVCORE_OK;
}

/* Every guard is good, and its slot, in the one state of its kind, is claimed for a transition, so that a second copy in the
 * same batch is seen. All or none. The transition gives each slot its new state. */
static inline kvcore_status claim_guards(manager *m, const void *guards, size_t count, enum slot_state state) {
    for (size_t i = 0; i < count; i++) {
        guard g = guard_at(guards, i);
        if (!guard_valid(m, g, (enum guard_kind)(1 << state))) {
            while (i-- > 0) m->tier.slots[guard_at(guards, i).block].state = (uint8_t)state;
            return KVLOGICAL_EGUARD;
        }
        m->tier.slots[g.block].state = SLOT_CLAIMED;
    }
    return KVCORE_OK;
}

/* Every guard that is not empty is good. */
static inline kvcore_status check_release(const manager *m, const void *guards, size_t count, enum guard_kind kind) {
    for (size_t i = 0; i < count; i++) {
        guard g = guard_at(guards, i);
        if (g.manager != 0 && !guard_valid(m, g, kind)) return KVLOGICAL_EGUARD;
    }
    return KVCORE_OK;
}

/* The primary that a duplicate holds, or NO_SLOT when copies of that one's guard have released it too often. */
static inline uint32_t held_primary(const manager *m, uint32_t duplicate) {
    uint32_t index = m->tier.slots[duplicate].companion;
    const slot *primary = &m->tier.slots[index];
    bool held = primary->state == SLOT_PRIMARY && primary->generation == m->tier.slots[duplicate].previous;
    return held ? index : NO_SLOT;
}

/* Holds are counted in 32 bits a slot; as long as all slots together stay below, none can overflow. */
static inline bool holds_fit(const manager *m, size_t more) {
    return more <= UINT32_MAX / 2 && m->holds + 2 * more <= UINT32_MAX;
}

/* Candidates for a group of names: first the table lines of all are fetched, then the slots. */
static inline void look_up(const manager *m, const kvhash_plh *names, size_t count, uint32_t *tags,
                           uint32_t *candidates) {
    for (size_t i = 0; i < count; i++) {
        tags[i] = name_tag(&m->tier.names, names[i]);
        name_prefetch(&m->tier.names, tags[i]);
    }
    for (size_t i = 0; i < count; i++) {
        candidates[i] = name_candidate(&m->tier.names, tags[i]);
        if (candidates[i] != NO_SLOT) __builtin_prefetch(&m->tier.slots[candidates[i]], 1);
    }
}

#endif
