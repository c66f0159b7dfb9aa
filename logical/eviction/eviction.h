/* Which inactive slot goes first: the one interface behind which the policies stand. Private to logical.
 *
 * The manager calls these under its lock, a batch at a time, and applies them in input order. A slot's name is set
 * throughout. A policy owns the fields `previous`, `next`, `ahead` and `level` of inactive slots, and `lineage` of all. */
#ifndef LOGICAL_EVICTION_H
#define LOGICAL_EVICTION_H

#include <stddef.h>
#include <stdint.h>

#include <kvcore/status.h>

struct kvlogical_manager;

typedef struct eviction {
    /* These slots have become inactive. O(1) each. */
    void (*insert)(struct kvlogical_manager *manager, const uint32_t *slots, size_t count);
    /* These slots are inactive no more. O(1) each. */
    void (*remove)(struct kvlogical_manager *manager, const uint32_t *slots, size_t count);
    /* Take the next `count` victims in order; so many are inactive. O(1) or O(log n) each. */
    void (*evict)(struct kvlogical_manager *manager, uint32_t *victims, size_t count);
    /* The name of this slot, not inactive, is about to leave the names, other than by evict(). NULL: no matter. */
    void (*forget)(struct kvlogical_manager *manager, uint32_t slot);
    /* Does the order hold exactly the inactive slots? */
    kvcore_status (*validate)(const struct kvlogical_manager *manager, kvcore_error *error);
} eviction;

extern const eviction kvlogical__lru, kvlogical__multi_lru, kvlogical__lineage_tick, kvlogical__lineage_fifo;

#endif
