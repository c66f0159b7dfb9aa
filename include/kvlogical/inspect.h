/**
 * @file
 * What operators ask of a running pool: take bad blocks out, see what each slot holds, learn why a match stopped.
 *
 * Owns: nothing. Threads: safe, as the manager. None of these is on the hot path.
 */
#ifndef KVLOGICAL_INSPECT_H
#define KVLOGICAL_INSPECT_H

#include <kvlogical/manager.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Take names out of circulation at once, whatever holds them: bad KV, a wrong checksum.
 *
 * From now on nothing finds these blocks. An inactive one becomes free. A held one, and its duplicates, become withdrawn:
 * their guards stay good and the block becomes free with the last of them. A staged one becomes withdrawn when it is
 * registered. The next block of such a name is an ordinary new one.
 *
 * Gives:  *withdrawn (may be NULL): blocks concerned. Names that are not here are skipped.
 * Errors: KVCORE_EINVAL. Cost: O(names), plus O(block_count) once while any block is staged or duplicate, and for each name a
 *         look at a 1024th of those.
 */
KVLOGICAL_API KVCORE_NODISCARD kvcore_status kvlogical_withdraw(kvlogical_manager *manager, const kvhash_plh *names,
                                                                size_t count, size_t *withdrawn);

/**
 * The same for every name of the manager: the weights were reloaded. Mutable blocks stay as they are.
 *
 * Errors: KVCORE_EINVAL for NULL.
 */
KVLOGICAL_API KVCORE_NODISCARD kvcore_status kvlogical_withdraw_all(kvlogical_manager *manager, size_t *withdrawn);

enum {
    KVLOGICAL_STATE_FREE = 0,
    KVLOGICAL_STATE_MUTABLE = 1,
    KVLOGICAL_STATE_STAGED = 2,
    KVLOGICAL_STATE_PRIMARY = 3,
    KVLOGICAL_STATE_DUPLICATE = 4,
    KVLOGICAL_STATE_INACTIVE = 5,
    KVLOGICAL_STATE_WITHDRAWN = 6,
    KVLOGICAL_STATE_PENDING = 7,
};

/** What a slot holds. */
typedef struct kvlogical_slot {
    kvhash_plh name; /**< zero while free or mutable */
    uint32_t block;  /**< index of the slot, which is that of the block */
    uint32_t state;  /**< KVLOGICAL_STATE_… */
    uint32_t holds;  /**< guards, pins, and duplicates that keep it */
    uint32_t level;  /**< multi-LRU: which list an inactive block is in */
    uint64_t age_ns; /**< how long in this state, to within about 70 ms */
} kvlogical_slot;

/**
 * kvlogical_list_slots() for an array whose elements are slot_bytes apart: the caller's sizeof(kvlogical_slot).
 *
 * Errors: KVCORE_EINVAL for NULLs, and for slot_bytes that cannot hold a name.
 */
KVLOGICAL_API KVCORE_NODISCARD kvcore_status kvlogical_manager_read_slots(const kvlogical_manager *manager,
                                                                          size_t first, size_t slot_bytes, void *slots,
                                                                          size_t capacity, size_t *count);

/** Slots first … first + *count − 1, as far as there are any, all at one moment. Errors: KVCORE_EINVAL for NULLs. */
static inline KVCORE_NODISCARD kvcore_status kvlogical_list_slots(const kvlogical_manager *manager, size_t first,
                                                                  kvlogical_slot *slots, size_t capacity,
                                                                  size_t *count) {
    return kvlogical_manager_read_slots(manager, first, sizeof(kvlogical_slot), slots, capacity, count);
}

/**
 * Which blocks are handed out next, in order: the free ones, then the victims; as far as there is room.
 *
 * Takes:  after, a block of the order to go on behind, or KVLOGICAL_NO_BLOCK for its front.
 * Gives:  blocks[0 … *count−1]; fewer than capacity at the end of the order.
 * Errors: KVLOGICAL_ESTATE when `after` is in the order no more; KVCORE_ENOTSUP for a policy that does not know its victims
 *         beforehand (all but LRU, FIFO and multi-LRU); KVCORE_EINVAL.
 * Cost:   O(1) a block.
 */
KVLOGICAL_API KVCORE_NODISCARD kvcore_status kvlogical_list_order(const kvlogical_manager *manager, uint32_t after,
                                                                  uint32_t *blocks, size_t capacity, size_t *count);

enum {
    KVLOGICAL_REASON_HELD = 0,       /**< it is here, held */
    KVLOGICAL_REASON_INACTIVE = 1,   /**< it is here, held by nobody */
    KVLOGICAL_REASON_EVICTED = 2,    /**< it was here and had to make room */
    KVLOGICAL_REASON_RESET = 3,      /**< it was here and was reset: on release, or with the whole inactive pool */
    KVLOGICAL_REASON_WITHDRAWN = 4,  /**< it was here and was taken out of circulation */
    KVLOGICAL_REASON_OTHER_TIER = 5, /**< not here, but a manager of another tier of the registry has it */
    KVLOGICAL_REASON_REGISTERED = 6, /**< no manager has it; a handle or weak guard keeps the name registered */
    KVLOGICAL_REASON_NEVER_SEEN = 7, /**< never here, or so long ago that its record is gone */
    KVLOGICAL_REASON_PROOF = 8,      /**< the name is here, with another proof: the block holds another text */
};

/** Why a name is, or is not, found. What does not apply is 0. */
typedef struct kvlogical_explanation {
    uint32_t reason;          /**< KVLOGICAL_REASON_… */
    uint32_t block;           /**< where it is or was */
    uint64_t ago_ns;          /**< when it left, to within about 70 ms */
    uint64_t evictions_since; /**< evictions after it left: how much larger a pool would have kept it */
    kvhash_plh successor;     /**< the name that has its block now, if that has one */
    uint64_t tier;            /**< of OTHER_TIER */
} kvlogical_explanation;

/**
 * kvlogical_explain_proven() for an array whose elements are explanation_bytes apart: the caller's
 * sizeof(kvlogical_explanation).
 *
 * Errors: KVCORE_EINVAL for NULLs, and for explanation_bytes that cannot hold a reason; KVCORE_ENOTSUP for proofs when the
 *         manager verifies nothing.
 */
KVLOGICAL_API KVCORE_NODISCARD kvcore_status kvlogical_manager_read_explanations(const kvlogical_manager *manager,
                                                                                 const kvhash_plh *names,
                                                                                 const kvhash_proof *proofs,
                                                                                 size_t count, size_t explanation_bytes,
                                                                                 void *explanations);

/** For each name why a match would find it or not. Errors: KVCORE_EINVAL. Cost: O(names · managers of the registry). */
static inline KVCORE_NODISCARD kvcore_status kvlogical_explain(const kvlogical_manager *manager,
                                                               const kvhash_plh *names, size_t count,
                                                               kvlogical_explanation *explanations) {
    return kvlogical_manager_read_explanations(manager, names, NULL, count, sizeof *explanations, explanations);
}

/** The same of names with proofs (one a name; NULL: none). Errors: as above, and KVCORE_ENOTSUP. */
static inline KVCORE_NODISCARD kvcore_status kvlogical_explain_proven(const kvlogical_manager *manager,
                                                                      const kvhash_plh *names,
                                                                      const kvhash_proof *proofs, size_t count,
                                                                      kvlogical_explanation *explanations) {
    return kvlogical_manager_read_explanations(manager, names, proofs, count, sizeof *explanations, explanations);
}

#ifdef __cplusplus
}
#endif

#endif
