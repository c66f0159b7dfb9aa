/* Which inactive slot goes first: the one interface behind which the policies stand. Private to logical.
 *
 * The manager calls these under its lock. The slot's name and state are set before insert() and still set in remove(). A
 * policy owns the fields `previous`, `next`, `ahead`, `level` and `lineage` of inactive slots; `lineage` it keeps through
 * the other states, too. */
#ifndef LOGICAL_EVICTION_H
#define LOGICAL_EVICTION_H

#include <stddef.h>
#include <stdint.h>

#include <kvcore/status.h>

struct kvlogical_manager;

typedef struct eviction {
    /* The slot has become inactive. O(1). */
    void (*insert)(struct kvlogical_manager *manager, uint32_t index);
    /* The slot is looked up again. O(1). */
    void (*remove)(struct kvlogical_manager *manager, uint32_t index);
    /* Take the next `count` victims in order; so many are inactive. O(1) or O(log n) each. */
    void (*evict)(struct kvlogical_manager *manager, uint32_t *victims, size_t count);
    /* Does the order hold exactly the inactive slots? */
    kvcore_status (*validate)(const struct kvlogical_manager *manager, kvcore_error *error);
} eviction;

extern const eviction kvlogical__lru;

#endif
