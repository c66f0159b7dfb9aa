/**
 * @file
 * Blocks in flight: a name is announced before its content is there, so that others wait for it instead of computing it twice.
 *
 *     mutable ── promise ──► pending ── fulfil ──► primary (announced now)
 *                               │
 *                               └───── break ────► mutable; free with the last joined guard when others joined
 *
 * A pending block is not found by ordinary look-ups. kvlogical_match_joining() may hold it: the guard is an immutable one whose
 * block is not ready. kvlogical_ready() tells, and a callback when it changes; nothing sleeps. The manager must be made with
 * `promises` (KVCORE_ENOTSUP otherwise). Pending blocks are never evicted.
 *
 * Owns:    a promised guard is the one hold of the owner; fulfil, break or release it once. Joined guards are released as any.
 * Threads: safe, as the manager.
 * Errors:  a failed call changes nothing; KVLOGICAL_EGUARD for a promise that was fulfilled, broken or given twice.
 * Cost:    O(1) a block. Nothing allocates.
 */
#ifndef KVLOGICAL_PROMISE_H
#define KVLOGICAL_PROMISE_H

#include <kvlogical/manager.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The owner's guard of a pending block. */
typedef struct kvlogical_promised {
    KVLOGICAL_GUARD_FIELDS
} kvlogical_promised;

/** What became of each name that was to be promised. */
enum {
    KVLOGICAL_PROMISE_MADE = 0,    /**< the block is pending */
    KVLOGICAL_PROMISE_HERE = 1,    /**< the name is found already; the block stays mutable */
    KVLOGICAL_PROMISE_PENDING = 2, /**< another block has the name promised; the block stays mutable */
};

/**
 * Announce names whose content is on its way into these blocks.
 *
 * With a step from 1 on the promise is ordered: look-ups of a later step see the block as ready, since the engine's steps run in
 * order. 0: it is not.
 *
 * Takes:  the blocks whose promise is made; the others stay the caller's.
 * Gives:  answers[i], KVLOGICAL_PROMISE_…; promised[i], empty unless it is made.
 * Errors: KVLOGICAL_EGUARD, KVHASH_EMODE, KVCORE_ENOTSUP, KVCORE_EINVAL for NULLs, KVCORE_EOVERFLOW.
 */
KVLOGICAL_API KVCORE_NODISCARD kvcore_status kvlogical_promise(kvlogical_manager *manager, kvlogical_mutable *blocks,
                                                               const kvhash_plh *names, size_t count, uint32_t step,
                                                               kvlogical_promised *promised, uint32_t *answers);

/**
 * The content is there: the blocks are registered, joined guards are usable. A name that somebody registered meanwhile is handled
 * as any duplicate; where duplicates are rejected, a block with joined guards stays as a duplicate all the same. A block that was
 * withdrawn meanwhile is a withdrawn one.
 *
 * Takes:  promised, consumed on success. Gives: held, which must be other memory.
 * Errors: KVLOGICAL_EGUARD, KVCORE_EINVAL for NULLs, KVCORE_EOVERFLOW.
 */
KVLOGICAL_API KVCORE_NODISCARD kvcore_status kvlogical_fulfil(kvlogical_manager *manager, kvlogical_promised *promised,
                                                              size_t count, kvlogical_immutable *held);

/**
 * The content will not come. Joined guards are broken: they may only be released, and the block is free with the last of them.
 *
 * Takes:  promised, consumed on success. Gives: blocks[i], mutable again, or empty when others joined; other memory.
 * Errors: KVLOGICAL_EGUARD, KVCORE_EINVAL for NULLs.
 */
KVLOGICAL_API KVCORE_NODISCARD kvcore_status kvlogical_break(kvlogical_manager *manager, kvlogical_promised *promised,
                                                             size_t count, kvlogical_mutable *blocks);

/** Break and let go. Empty guards are skipped. Errors: KVLOGICAL_EGUARD, KVCORE_EINVAL for NULLs; nothing was released then. */
KVLOGICAL_API kvcore_status kvlogical_release_promised(kvlogical_manager *manager, kvlogical_promised *promised,
                                                       size_t count);

/** What a look-up does with a pending name. */
enum {
    KVLOGICAL_PENDING_SKIP = 0, /**< a miss */
    KVLOGICAL_PENDING_JOIN = 1, /**< a hit that may not be ready */
    KVLOGICAL_PENDING_STOP = 2, /**< the run ends; the result says who makes it */
};

/** What a joining look-up found. Start from KVLOGICAL_JOINED_INIT. */
typedef struct kvlogical_joined {
    size_t struct_size; /**< set by the _INIT macro */
    size_t hits;        /**< leading names that are held now */
    size_t ready;       /**< leading hits that are ready */
    kvlogical_immutable
        ticket; /**< STOP: the pending block; it holds nothing and is for kvlogical_ready() alone. Else empty */
} kvlogical_joined;

/** The values to start from. */
#define KVLOGICAL_JOINED_INIT                       \
    {                                               \
        sizeof(kvlogical_joined), 0, 0, { 0, 0, 0 } \
    }

/** KVLOGICAL_JOINED_INIT as a function, for other languages. */
KVLOGICAL_API kvlogical_joined kvlogical_joined_init(void);

/**
 * kvlogical_match_prefix() that sees pending names as `pending` says. step: that of the caller, 0 for none.
 *
 * Gives:  held[0 … hits−1] (room for count), *joined.
 * Errors: KVCORE_EINVAL for NULLs and an unknown `pending`, KVCORE_ENOTSUP, KVCORE_EOVERFLOW.
 */
KVLOGICAL_API KVCORE_NODISCARD kvcore_status kvlogical_match_joining(kvlogical_manager *manager,
                                                                     const kvhash_plh *names, size_t count,
                                                                     uint32_t pending, uint32_t step,
                                                                     kvlogical_immutable *held,
                                                                     kvlogical_joined *joined);

/** The content of a guard's block. */
enum {
    KVLOGICAL_READY = 0,         /**< is there */
    KVLOGICAL_READY_PENDING = 1, /**< is on its way */
    KVLOGICAL_READY_BROKEN = 2,  /**< will not come: release the guard */
    KVLOGICAL_READY_GONE = 3,    /**< of a ticket: the block has moved on */
};

/** What is with each guard: states[i], KVLOGICAL_READY…. Errors: KVCORE_EINVAL for NULLs, KVLOGICAL_EGUARD for a foreign guard. */
KVLOGICAL_API KVCORE_NODISCARD kvcore_status kvlogical_ready(const kvlogical_manager *manager,
                                                             const kvlogical_immutable *held, size_t count,
                                                             uint32_t *states);

/** These promises were fulfilled, or broken; guards[i].block says which blocks. Borrowed for the call. */
typedef void (*kvlogical_ready_callback)(void *ctx, const kvlogical_promised *promised, size_t count, bool broken);

/**
 * Hear of each fulfil, break and release call, after the manager's lock is given, from the thread that made it: the callback may call
 * the manager. One callback a manager; NULL: none. Errors: KVCORE_ENOTSUP, KVCORE_EINVAL for NULL.
 */
KVLOGICAL_API KVCORE_NODISCARD kvcore_status kvlogical_manager_on_ready(kvlogical_manager *manager,
                                                                        kvlogical_ready_callback callback, void *ctx);

#ifdef __cplusplus
}
#endif

#endif
