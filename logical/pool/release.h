/* What releasing is made of: for the calls that let go of many blocks at once. Private to logical. */
#ifndef LOGICAL_RELEASE_H
#define LOGICAL_RELEASE_H

#include "pool/batch.h"

/* One release. Primaries that lost their last hold wait here until they are given to the eviction policy together. */
typedef struct leaving {
    uint32_t now;
    uint32_t front; /* as slot_free() takes it */
    size_t count;
    uint32_t slots[GROUP];
} leaving;

static inline void leaving_begin(leaving *gone, uint32_t now) {
    gone->now = now;
    gone->front = NO_SLOT;
    gone->count = 0;
}

/* The slot has no hold left, or was held by its sole holder. */
void kvlogical__last_hold(kvlogical_manager *m, uint32_t index, leaving *gone);
/* The release is complete, or something else looks at the order now. */
void kvlogical__settle(kvlogical_manager *m, leaving *gone);

#endif
