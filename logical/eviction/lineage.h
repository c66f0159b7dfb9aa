/* The prefix forest: only leaves are evicted, so a prefix outlives its extensions. Private to logical.
 *
 * A node is known by its key: its position and the low bits of its sequence hash, as many as a child at the next position
 * carries as its parent fragment. A child finds its parent by that key. A node is
 *
 *     real         an inactive slot
 *     a ghost      no block to evict, but it has children: it holds their place below its own parent.
 *                  Either hosted by the slot of that name (which is held now), or, where no slot has the name, a row of its
 *                  own in `ghosts`
 *
 * A node does not know its children, only how many they are; it has a serial, which stays with it when it moves between
 * ghost row and slot. A child knows its parent's serial and where it saw it last; if it is there no more it is looked up by
 * key. So nothing here costs more with more children.
 *
 * Where names collide (one key, several names), each name keeps a node of its own, and a child counts for one of them: its
 * neighbour in the batch, or else the node that has the key the longest, of slots first, then of ghosts.
 *
 * Rows of ghosts are bounded. One too many drops the oldest, and the ghosts above that only it kept: its children are
 * roots from then on. */
#ifndef LOGICAL_LINEAGE_H
#define LOGICAL_LINEAGE_H

#include "eviction/ring.h"
#include "pool/list.h"
#include "pool/name_table.h"
#include "pool/slot.h"

/* slot.level of an inactive slot in the order */
#define LINEAGE_REAL 1
/* Where a node is: a slot, or a ghost row with this bit. */
#define LINEAGE_GHOST UINT32_C(0x80000000)
#define LINEAGE_NOWHERE UINT32_MAX

typedef struct ghost {
    kvhash_plh key;                                   /* {position, fragment}, not a name */
    uint64_t parent_fragment;                         /* of its name, if it counts for a parent */
    uint32_t serial, parent_serial, parent, children; /* as in slot.lineage */
    uint32_t older, younger;                          /* by age; unused rows are linked by `older` */
    uint32_t scratch;                                 /* of validate() */
    uint32_t reserved;
} ghost;

typedef struct lineage {
    uint32_t last_serial;
    list leaves; /* fifo */
    ring ring;   /* tick */

    ghost *ghosts;
    name_table ghost_names;
    uint32_t ghost_limit, ghost_count; /* one more than the limit for a moment */
    uint32_t ghost_rows;               /* ever used */
    uint32_t unused_ghost;
    uint32_t oldest_ghost, youngest_ghost;
    uint64_t ghosts_dropped;
} lineage;

#endif
