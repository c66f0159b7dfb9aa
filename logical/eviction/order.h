/* An order: all that an eviction policy sees. It has the slots, the names over them, and memory of its own. Private to logical. */
#ifndef LOGICAL_ORDER_H
#define LOGICAL_ORDER_H

#include <kvlogical/frequency.h>

#include "pool/name_table.h"
#include "pool/slot.h"

struct eviction;

typedef struct order {
    const struct eviction *policy;
    slot *slots;
    uint32_t slot_count;
    const name_table *names;
    void *memory; /* the policy's own, at a multiple of a cache line */

    const kvlogical_tracker *tracker;     /* of the registry: how often a name was used; its functions may be NULL */
    const kvlogical_frequency *frequency; /* its sketch, when slots say where their names are counted; else NULL */
} order;

#endif
