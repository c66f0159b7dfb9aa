/**
 * @file
 * Guards: values that stand for a block being in some state, one C type a state.
 *
 *     allocate → mutable → stage → complete → register → immutable ⇄ weak
 *                                                           └→ pin
 *
 * A transition takes guards by pointer, consumes them (they read as empty afterwards) and yields the next kind. A call
 * that fails leaves every guard as it was and the caller's. A guard that is empty, belongs to another manager, is of another
 * kind than the call takes, or has outlived its state is refused with KVLOGICAL_EGUARD and changes nothing. Immutable guards
 * and pins are one kind. So bytes that are no guard never make a manager read or write out of bounds, nor break its records; at
 * worst they release what somebody else holds.
 *
 * Copying a guard bit by bit makes no second hold: use the clone functions. The second use of such a copy is caught as soon
 * as its block has moved on. Stays are numbered in 32 bits: an old copy is taken for a new guard only when it is used exactly
 * 2^32 stays of its block later (a block that is allocated and given back a thousand times a second gets there in 50 days). The
 * same holds for handles and the registrations of weak guards.
 *
 * Owns:    each non-empty guard is one hold; give it to a transition or release it.
 * Threads: a guard may move between threads; one guard object is used by one thread at a time. Distinct guards of one
 *          block may be used at the same time.
 */
#ifndef KVLOGICAL_GUARD_H
#define KVLOGICAL_GUARD_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** All guards begin alike, and all zero is an empty one:
 *
 *     | manager id (8) | block (4) | generation (4) |
 *
 * `block` is what the engine needs: the index of the block in the engine's own memory, 0 … block_count − 1. The
 * generation tells this stay of the block from earlier ones; the manager knows the state that goes with it. */
#define KVLOGICAL_GUARD_FIELDS                                                  \
    uint64_t manager;    /* id of the manager, from 1; 0: the guard is empty */ \
    uint32_t block;      /* index into the engine's own memory */               \
    uint32_t generation; /* private */

/** The sole holder of a block being filled: it has no name yet. */
typedef struct kvlogical_mutable {
    KVLOGICAL_GUARD_FIELDS
} kvlogical_mutable;

/** The sole holder of a filled block that has its name but is not shared yet. */
typedef struct kvlogical_complete {
    KVLOGICAL_GUARD_FIELDS
} kvlogical_complete;

/** One of the holders of a registered block, which others find by its name. */
typedef struct kvlogical_immutable {
    KVLOGICAL_GUARD_FIELDS
} kvlogical_immutable;

/** Keeps a block as an immutable guard does, for parts that only need it to stay (a transfer in flight). */
typedef struct kvlogical_pin {
    KVLOGICAL_GUARD_FIELDS
} kvlogical_pin;

/** Does not keep the block, only the registration of its name; can be upgraded while the block, or another of the name, is
 * there. */
typedef struct kvlogical_weak {
    KVLOGICAL_GUARD_FIELDS
    uint32_t record;            /**< private */
    uint32_t record_generation; /**< private */
} kvlogical_weak;

/** One of the holders of a name's registration, whatever blocks of it there are. All zero is an empty one. */
typedef struct kvlogical_handle {
    uint64_t registry;   /**< id of the registry, from 1; 0: empty */
    uint32_t record;     /**< private */
    uint32_t generation; /**< private */
} kvlogical_handle;

#ifdef __cplusplus
}
#endif

#endif
