/* One block: everything the manager knows of it, in one cache line. Private to logical.
 *
 * Glossary
 *   slot      the record of one block; its index is the block id that the engine sees
 *   hold      one reason for a block to stay shared: a guard, a pin, or a duplicate that keeps its primary alive
 *   stay      the time for which guards of a slot are good: it ends when the slot becomes free, inactive, or mutable again. The
 *             generation numbers it
 *   inactive  held by nobody, found by name, ordered by the eviction policy
 *   withdrawn held but no longer found, until its last hold goes
 *   tick      2^26 ns of the manager's clock
 *   life      a block of a name with its proof. Two blocks of one name with different proofs are two lives of the name: each is
 *             found by its own proof alone
 */
#ifndef LOGICAL_SLOT_H
#define LOGICAL_SLOT_H

#include <stdbool.h>
#include <stdint.h>

#include <kvhash/plh.h>

#define NO_SLOT UINT32_MAX

enum slot_state {
    SLOT_FREE,
    SLOT_MUTABLE,
    SLOT_STAGED,
    SLOT_PRIMARY,
    SLOT_DUPLICATE,
    SLOT_INACTIVE,
    SLOT_WITHDRAWN,
    SLOT_PENDING
};

#define SLOT_STATES (SLOT_PENDING + 1)
#define SLOT_CLAIMED SLOT_STATES /* while a call changes it: no guard of it is good */

/*   0 |        name (16)        | generation (4) | holds (4)  | previous (4) | next (4)  |
 *  32 | ahead (4) | state, flags (4) | since (4) | companion (4) | lineage (16)        |  64 */
typedef struct slot {
    kvhash_plh name;     /* from staged on */
    uint32_t generation; /* of its stay */
    uint32_t holds;      /* primary, duplicate, withdrawn */

    uint32_t previous; /* free list, or the order of the eviction policy. duplicate: generation of its primary */
    uint32_t next;
    uint32_t ahead; /* a slot some places later in that list: where to prefetch, nothing else */

    uint8_t state;             /* enum slot_state */
    bool reset_on_release : 1; /* a primary becomes free, not inactive, with its last hold */
    bool withdrawn : 1;        /* staged: becomes withdrawn when it is registered */
    bool behind : 1;           /* found: others have had its key longer, and the names lead to the first of them */
    bool proven : 1;           /* found, duplicate: it was registered with a proof, which stands in tier.proofs */
    bool broken : 1;           /* withdrawn: its content was promised and will not come */
    bool claimed : 1;          /* pending: named by the call that runs */
    bool second : 1;           /* found: another life of its name was here first */
    uint8_t level;             /* multi-LRU: which list. lineage: is it in the order (LINEAGE_REAL)? survival: class */
    uint8_t group;             /* the key is (name, group) */

    uint32_t since; /* tick at which the slot came into this state */
    uint32_t
        companion; /* duplicate: the primary it keeps alive. primary: the last scan that met it. pending: the step of
                           the promise, or 0 */

    union {
        struct {
            uint32_t serial;        /* of its node in the forest; 0: no node */
            uint32_t parent_serial; /* of the node it counts as a child of; 0: of none */
            uint32_t parent;        /* where that node was last seen; a hint, checked by serial */
            uint32_t children;      /* how many nodes count this one as their parent */
        } lineage;
        struct {
            uint64_t stamp; /* when it was released, in touches */
            uint32_t uses;
            uint32_t trial; /* that its last release began; SURVIVAL_NONE: none */
        } survival;
        uint32_t counters[4]; /* other policies with a sketch: where it counts this name, so that it is hashed once */
        uint64_t proof[2];    /* other policies without: what the block was registered with */
        struct {
            uint32_t after, before; /* the ring of the slots of this key, the one that has it longest first */
            uint32_t step;          /* of the first: the last step in which the key was given */
        } copies;                   /* of a tier that shares keys, which has none of the above */
    };
} slot;

_Static_assert(sizeof(slot) == 64, "a slot is one cache line");

#endif
