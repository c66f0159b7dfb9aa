/**
 * @file
 * The block manager: a fixed set of numbered blocks, who holds them, and which goes when memory runs out.
 *
 * Not here: what a block holds (the engine's memory, never touched), what it is called (kvhash), bytes (kvformat).
 *
 * A block is in one of these states:
 *
 *     free      nobody holds it and it has no name; handed out in the order in which blocks became free
 *     mutable   one kvlogical_mutable guard: being filled
 *     staged    one kvlogical_complete guard: filled and named
 *     primary   one or more kvlogical_immutable guards: found by its name
 *     duplicate one or more guards on a second block of a name whose primary stays alive as long (duplicates allowed)
 *     inactive  nobody holds it, still found by its name; the first to be evicted when free blocks run out
 *     withdrawn taken out of circulation (kvlogical/inspect.h) while held: no longer found; free after its last holder
 *     pending   its name is announced, its content on its way (kvlogical/promise.h)
 *
 * Owns:    the manager owns its records, one allocation made at creation; the caller owns guards and arrays.
 * Threads: safe: any function from any thread; each call is one critical section. Create and destroy apart.
 * Forks:   a child may use a manager only if no other thread was inside it, or inside another manager of its registry, when
 *          fork() was called: otherwise its lock stays taken for ever. Parent and child have a pool each from then on, which
 *          know nothing of each other.
 * Errors:  a failed call changes nothing and every guard stays the caller's.
 * Units:   counts are blocks.
 * Cost:    nothing allocates after creation. A call takes one lock and O(1) a block, whatever the pool holds.
 * Source:  kvbm-logical 1.5.0; pinned by the lifecycle vectors.
 */
#ifndef KVLOGICAL_MANAGER_H
#define KVLOGICAL_MANAGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <kvcore/allocator.h>
#include <kvcore/status.h>
#include <kvhash/plh.h>
#include <kvlogical/attributes.h>
#include <kvlogical/export.h>
#include <kvlogical/guard.h>
#include <kvlogical/registry.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Opaque. Made by kvlogical_manager_create() and kvlogical_manager_create_in(). */
typedef struct kvlogical_manager kvlogical_manager;

/** Which inactive block goes first. */
enum {
    KVLOGICAL_EVICT_DEFAULT = 0,      /**< lineage by tick */
    KVLOGICAL_EVICT_LRU = 1,          /**< least recently released */
    KVLOGICAL_EVICT_MULTI_LRU = 2,    /**< four LRU lists by how often a name was used */
    KVLOGICAL_EVICT_FIFO = 3,         /**< first become inactive */
    KVLOGICAL_EVICT_LINEAGE_TICK = 4, /**< leaves of the prefix forest only, oldest first */
    KVLOGICAL_EVICT_LINEAGE_FIFO = 5, /**< leaves only, in the order in which they became leaves */
    KVLOGICAL_EVICT_SIEVE = 6,        /**< first registered that no look-up met since the hand came by */
    KVLOGICAL_EVICT_S3_FIFO = 7,      /**< a small queue of new names, a main queue of those looked up, ghosts */
    KVLOGICAL_EVICT_SURVIVAL = 8,     /**< of lists by use count, the one whose old end is worth least, as learned */
};

/** What registering a name that is there already does. */
enum {
    KVLOGICAL_DUPLICATES_ALLOW = 0,  /**< the block stays as a duplicate beside the primary */
    KVLOGICAL_DUPLICATES_REJECT = 1, /**< the caller gets the primary, the block becomes free */
    KVLOGICAL_DUPLICATES_KEEP = 2,   /**< the block has the name, too: idle by itself, at its own place in the order. A
                                          look-up answers the block that has had the name longest; the name is gone with
                                          the last of them. Not with lineage or survival */
};

/** Where blocks that become free go. */
enum {
    KVLOGICAL_FREE_BACK = 0,  /**< behind those that are free already */
    KVLOGICAL_FREE_FRONT = 1, /**< they are the next ones handed out, the first of a call first */
};

/** Tokens a block when the config says 0. */
#define KVLOGICAL_BLOCK_TOKENS_DEFAULT 16
/** The most tokens a block may have. */
#define KVLOGICAL_BLOCK_TOKENS_MAX 1024
/** Block indices are 32 bits and one of them means none. */
#define KVLOGICAL_BLOCK_COUNT_MAX UINT32_C(0x7FFFFFFF)
/** Where a block index stands for no block. */
#define KVLOGICAL_NO_BLOCK UINT32_MAX

/** Start from KVLOGICAL_CONFIG_INIT; all other zeros mean the default. */
typedef struct kvlogical_config {
    size_t struct_size;
    size_t block_count;    /**< 1 … KVLOGICAL_BLOCK_COUNT_MAX; required */
    uint32_t block_tokens; /**< a power of two, 1 … 1024; 0 means 16 */
    uint32_t eviction;     /**< KVLOGICAL_EVICT_… */
    uint32_t duplicates;   /**< KVLOGICAL_DUPLICATES_… */
    uint32_t history;      /**< names that left and why, for kvlogical_explain(): how many are remembered; 0 means
                                block_count / 8, at most 65536; KVLOGICAL_HISTORY_NONE means none */
    uint32_t
        frequency_thresholds[3]; /**< multi-LRU: least uses of levels 1, 2, 3, ascending in 1 … 15; 0, 0, 0: 3, 8, 15 */
    bool reset_on_release;       /**< blocks become free with their last release, not inactive */
    uint64_t tier;               /**< which kind of memory: any number; presence is asked by it */
    const char *tier_label;      /**< its name in metrics; NULL means the number; borrowed for the manager's life */
    kvlogical_registry *registry; /**< shared with other managers, and not the private one of another; NULL: a private
                                           one, with a medium sketch for multi-LRU and none otherwise */
    size_t frequency_capacity;    /**< of a private registry's sketch; 0 as above */
    size_t handle_capacity;     /**< names with handles or weak guards at a time, when memory is the caller's; 0: 64 */
    kvcore_allocator allocator; /**< all NULL means the C library's */
    uint32_t
        proof_bits; /**< 64 or 128: blocks can be verified (kvhash/proof.h), at 8 or 16 bytes a block, or none with policies that leave
                              room in the slots. 0: the bits of
                              `prover`, or 64; KVLOGICAL_PROOFS_NONE: nothing is verified. In the caller's memory 0 without a
                              prover means none */
    uint32_t reserved;           /**< 0 */
    const kvhash_prover *prover; /**< what requests prove with; borrowed for the manager's life. NULL: one with a random
                                      secret, which goes with the manager */
    uint32_t free_order;         /**< KVLOGICAL_FREE_… */
    uint32_t
        groups; /**< how many groups share the pool (kvlogical/groups.h), at most 16; not with lineage or survival. 0: the manager is
                          for no set of groups */
    bool
        promises; /**< names may be announced before their content is there (kvlogical/promise.h), at 24 bytes a block */
} kvlogical_config;

/** For kvlogical_config.proof_bits: verify nothing. */
#define KVLOGICAL_PROOFS_NONE UINT32_MAX
/** For kvlogical_config.history: remember nothing. */
#define KVLOGICAL_HISTORY_NONE UINT32_MAX

/** The values to start from. */
#define KVLOGICAL_CONFIG_INIT                                                                                     \
    {                                                                                                             \
        sizeof(kvlogical_config), 0, 0, 0, 0, 0, {0, 0, 0}, false, 0, NULL, NULL, 0, 0, {NULL, NULL, NULL}, 0, 0, \
            NULL, 0, 0, false                                                                                     \
    }

/** KVLOGICAL_CONFIG_INIT as a function, for other languages. */
KVLOGICAL_API kvlogical_config kvlogical_config_init(void);

/**
 * Make a manager; all its blocks are free.
 *
 * Gives:  *manager, to be destroyed by kvlogical_manager_destroy().
 * Errors: KVCORE_ECONFIG with the field's value in the error record (block_count 0 or too large, block_tokens not a power
 *         of two up to 1024, an unknown eviction or duplicates value, thresholds not ascending in 1 … 15, multi-LRU with a
 *         registry that counts nothing, …); KVCORE_EINVAL when config is NULL or its struct_size wrong; KVCORE_ENOMEM;
 *         KVCORE_EIO when the system gives no random bytes (for the key of the table of names).
 * Cost:   O(block_count).
 */
KVLOGICAL_API KVCORE_NODISCARD kvcore_status kvlogical_manager_create(const kvlogical_config *config,
                                                                      kvlogical_manager **manager, kvcore_error *error);

/**
 * How many bytes kvlogical_manager_create_in() needs for this config: slots, names, eviction order, sketch, handles and
 * history of the manager and its private registry.
 *
 * Errors: KVCORE_EINVAL for NULLs or a wrong struct_size; KVCORE_ECONFIG as kvlogical_manager_create();
 *         KVCORE_EOVERFLOW when the bytes do not fit in a size_t.
 */
KVLOGICAL_API KVCORE_NODISCARD kvcore_status kvlogical_manager_bytes(const kvlogical_config *config, size_t *bytes,
                                                                     kvcore_error *error);

/**
 * Make a manager inside memory of the caller's: it lives there, and nothing is allocated, ever.
 *
 * Takes:  memory (at a multiple of 64), borrowed until the manager is destroyed. config->registry must be NULL and
 *         config->allocator unset (KVCORE_ECONFIG). Handles beyond handle_capacity are refused with KVCORE_ENOSPACE;
 *         attachments and subscriptions with KVCORE_ENOTSUP.
 * Errors: KVCORE_EBUFFER with the needed size in error->expected; otherwise as kvlogical_manager_create().
 */
KVLOGICAL_API KVCORE_NODISCARD kvcore_status kvlogical_manager_create_in(const kvlogical_config *config, void *memory,
                                                                         size_t bytes, kvlogical_manager **manager,
                                                                         kvcore_error *error);

/**
 * Give everything back. NULL is ignored.
 *
 * Errors: KVCORE_EBUSY while any guard is out; nothing has happened then.
 * Threads: no other call on this manager may be running.
 */
KVLOGICAL_API kvcore_status kvlogical_manager_destroy(kvlogical_manager *manager);

/** A number no other manager of this process has, from 1, below 2^53; guards carry it. Copies of the library in one process
 * number apart, to one in a million. Any thread, never fails. */
KVLOGICAL_API uint64_t kvlogical_manager_id(const kvlogical_manager *manager);

/** The registry it was given, or its private one, which goes with it. Borrowed. */
KVLOGICAL_API kvlogical_registry *kvlogical_manager_registry(const kvlogical_manager *manager);

/** What requests of this manager prove with, to prove by hand; NULL when it verifies nothing. Borrowed. */
KVLOGICAL_API const kvhash_prover *kvlogical_manager_prover(const kvlogical_manager *manager);

/** Bytes of memory the manager took at creation. */
KVLOGICAL_API size_t kvlogical_manager_memory_bytes(const kvlogical_manager *manager);

/** Where the names of evicted blocks go. */
typedef struct kvlogical_evicted {
    kvhash_plh *names; /**< the caller's, with room for as many as are asked for */
    size_t count;      /**< written by the call */
} kvlogical_evicted;

/**
 * Take `count` blocks, all or none: free ones first, oldest free first, then victims of the eviction policy.
 *
 * Gives:  blocks[0 … count−1]; the free ones come first, the evicted ones last, in victim order. When evicted is not NULL,
 *         the victims' names in that order: evicted->names[i] belonged to blocks[count − evicted->count + i]. On failure
 *         evicted is untouched.
 * Errors: KVCORE_ENOSPACE when fewer than count are free or inactive: ordinary back-pressure; KVCORE_EOVERFLOW when the pool
 *         has fewer in all, so that it will never fit; KVCORE_EINVAL for NULLs
 *         (count 0 is fine and does nothing).
 */
KVLOGICAL_API KVCORE_NODISCARD kvcore_status kvlogical_allocate(kvlogical_manager *manager, size_t count,
                                                                kvlogical_mutable *blocks, kvlogical_evicted *evicted);

/**
 * The same with attributes (NULL: none; kvlogical/attributes.h). Takes no facts.
 *
 * Errors: as kvlogical_allocate(), with numbers: of ENOSPACE expected = count, actual = blocks available; of EOVERFLOW
 *         expected = blocks of the pool, actual = count. KVCORE_EINVAL with the value for an attribute that is not supported.
 */
KVLOGICAL_API KVCORE_NODISCARD kvcore_status kvlogical_allocate_with(kvlogical_manager *manager, size_t count,
                                                                     const kvlogical_attributes *attributes,
                                                                     kvlogical_mutable *blocks,
                                                                     kvlogical_evicted *evicted, kvcore_error *error);

/**
 * Give filled blocks their names: blocks[i] becomes names[i], not shared yet.
 *
 * Takes:  blocks, consumed on success (empty afterwards).
 * Gives:  staged[0 … count−1], which may be the very memory of blocks.
 * Errors: KVLOGICAL_EGUARD, KVHASH_EMODE for a name that is not one, KVCORE_EINVAL for NULLs.
 */
KVLOGICAL_API KVCORE_NODISCARD kvcore_status kvlogical_stage(kvlogical_manager *manager, kvlogical_mutable *blocks,
                                                             const kvhash_plh *names, size_t count,
                                                             kvlogical_complete *staged);

/**
 * The same for blocks whose number of tokens is not certain: token_counts[i] must be the manager's block_tokens.
 *
 * Stops at the first that is not: the blocks before it are staged and consumed, it and those after it stay the caller's.
 * Gives:  *done, how many are staged.
 * Errors: KVLOGICAL_EBLOCK_SIZE with index, expected and actual; otherwise as kvlogical_stage(), with *done = 0.
 */
KVLOGICAL_API KVCORE_NODISCARD kvcore_status kvlogical_stage_sized(kvlogical_manager *manager,
                                                                   kvlogical_mutable *blocks, const kvhash_plh *names,
                                                                   const uint32_t *token_counts, size_t count,
                                                                   kvlogical_complete *staged, size_t *done,
                                                                   kvcore_error *error);

/** Staged blocks back to mutable, to be filled again. Takes staged on success; blocks may be the very memory of it. Errors: KVLOGICAL_EGUARD, KVCORE_EINVAL. */
KVLOGICAL_API KVCORE_NODISCARD kvcore_status kvlogical_unstage(kvlogical_manager *manager, kvlogical_complete *staged,
                                                               size_t count, kvlogical_mutable *blocks);

/**
 * Share staged blocks under their names, in input order.
 *
 * A name that is there already (held or inactive; an inactive one comes back to life) is handled as config.duplicates
 * says: allowed, the block becomes a duplicate that keeps the primary alive; rejected, held[i] is the primary and the
 * block becomes free. held[i].block == staged[i].block tells which.
 *
 * Takes:  staged, consumed on success.
 * Gives:  held[0 … count−1], which may be the very memory of staged.
 * Errors: KVLOGICAL_EGUARD, KVCORE_EINVAL for NULLs, KVCORE_EOVERFLOW past about 2^32 holds on all blocks of the manager.
 */
KVLOGICAL_API KVCORE_NODISCARD kvcore_status kvlogical_register(kvlogical_manager *manager, kvlogical_complete *staged,
                                                                size_t count, kvlogical_immutable *held);

/**
 * The same with attributes (NULL: none; kvlogical/attributes.h): facts for the events of these blocks.
 *
 * Errors: as kvlogical_register(), and KVCORE_EINVAL with the value in the error record for an attribute that is not supported
 *         and for facts that are not as many as the blocks.
 */
KVLOGICAL_API KVCORE_NODISCARD kvcore_status kvlogical_register_with(kvlogical_manager *manager,
                                                                     kvlogical_complete *staged, size_t count,
                                                                     const kvlogical_attributes *attributes,
                                                                     kvlogical_immutable *held, kvcore_error *error);

/**
 * How many leading names are here, held or inactive; each hit is held for the caller.
 *
 * Gives:  *hits, and held[0 … *hits−1] (room for count).
 * Errors: KVCORE_EINVAL for NULLs; KVCORE_EOVERFLOW as above. A miss is no error. Values that are not names never hit.
 */
KVLOGICAL_API KVCORE_NODISCARD kvcore_status kvlogical_match_prefix(kvlogical_manager *manager, const kvhash_plh *names,
                                                                    size_t count, kvlogical_immutable *held,
                                                                    size_t *hits);

/**
 * The same with attributes (NULL: none; kvlogical/attributes.h). Takes no facts.
 *
 * Errors: as kvlogical_match_prefix(), and KVCORE_EINVAL with the value in the error record for an attribute that is not
 *         supported.
 */
KVLOGICAL_API KVCORE_NODISCARD kvcore_status kvlogical_match_prefix_with(kvlogical_manager *manager,
                                                                         const kvhash_plh *names, size_t count,
                                                                         const kvlogical_attributes *attributes,
                                                                         kvlogical_immutable *held, size_t *hits,
                                                                         kvcore_error *error);

/**
 * Each name for itself: held[i] is a hold on names[i], or empty where it is not here. A name may repeat.
 *
 * Gives:  *hits, and held[0 … count−1]. Errors: as kvlogical_match_prefix().
 */
KVLOGICAL_API KVCORE_NODISCARD kvcore_status kvlogical_match_scattered(kvlogical_manager *manager,
                                                                       const kvhash_plh *names, size_t count,
                                                                       kvlogical_immutable *held, size_t *hits);

/**
 * The distinct names among names[0 … count−1] that are here, in the order of their first occurrence.
 *
 * With touch, the tracker counts each occurrence of a registered name, also of one that only other tiers have.
 * Gives:  *found; held[k] is a hold on names[indices[k]] for k < *found (room for count in both). Errors: as kvlogical_match_prefix().
 */
KVLOGICAL_API KVCORE_NODISCARD kvcore_status kvlogical_scan(kvlogical_manager *manager, const kvhash_plh *names,
                                                            size_t count, bool touch, kvlogical_immutable *held,
                                                            size_t *indices, size_t *found);

/** One more hold on each of held[0 … count−1], into copies. Errors: KVLOGICAL_EGUARD, KVCORE_EINVAL, KVCORE_EOVERFLOW. */
KVLOGICAL_API KVCORE_NODISCARD kvcore_status kvlogical_clone(kvlogical_manager *manager,
                                                             const kvlogical_immutable *held, size_t count,
                                                             kvlogical_immutable *copies);

/**
 * Let go of held blocks, index 0 first. The last holder of a primary makes it inactive; of a duplicate, free.
 *
 * Takes:  all non-empty guards; empty ones are skipped, so an array may be released twice.
 * Errors: KVLOGICAL_EGUARD for a foreign or outlived guard: then nothing was released. KVCORE_EINVAL when the array holds more
 *         copies of one guard than there are holds: the holds were released, the other copies ignored. May be called as a
 *         statement.
 */
KVLOGICAL_API kvcore_status kvlogical_release(kvlogical_manager *manager, kvlogical_immutable *held, size_t count);

/**
 * The same, last index first: the front of a prefix, which most requests share, becomes inactive last and stays
 * longest.
 *
 * Errors: as kvlogical_release().
 */
KVLOGICAL_API kvcore_status kvlogical_release_tail_first(kvlogical_manager *manager, kvlogical_immutable *held,
                                                         size_t count);

/** Give blocks back unfilled; they become free, index 0 first. Errors: as kvlogical_release(). */
KVLOGICAL_API kvcore_status kvlogical_release_mutable(kvlogical_manager *manager, kvlogical_mutable *blocks,
                                                      size_t count);

/** Give staged blocks back unshared; they become free, index 0 first. Errors: as kvlogical_release(). */
KVLOGICAL_API kvcore_status kvlogical_release_complete(kvlogical_manager *manager, kvlogical_complete *staged,
                                                       size_t count);

/* ---- looking without touching ---- */

/** What a probe saw. Start from KVLOGICAL_PROBE_INIT. */
typedef struct kvlogical_probe {
    size_t struct_size; /**< set by the _INIT macro */
    size_t hits;        /**< leading names that are here */
    size_t idle;        /**< of these, blocks that nobody holds: to hold them takes them from what is available */
    size_t pending;     /**< names right behind the hits that are promised: the next one is nobody's */
} kvlogical_probe;

/** The values to start from. */
#define KVLOGICAL_PROBE_INIT \
    { sizeof(kvlogical_probe), 0, 0, 0 }

/** KVLOGICAL_PROBE_INIT as a function, for other languages. */
KVLOGICAL_API kvlogical_probe kvlogical_probe_init(void);

/**
 * How many leading names a match would find now. Holds nothing, moves nothing, counts nothing: for admission, which asks at
 * every step for every request that waits.
 *
 * Takes:  proofs, one a name, to be verified as a match with proofs does; NULL: names alone.
 * Gives:  *probe, and blocks[0 … hits−1] unless blocks is NULL (room for count). Both may be out of date by the next call.
 * Errors: KVCORE_EINVAL for NULLs; KVCORE_ENOTSUP for proofs when the manager verifies nothing.
 * Cost:   O(hits) under the lock.
 */
KVLOGICAL_API KVCORE_NODISCARD kvcore_status kvlogical_probe_prefix(const kvlogical_manager *manager,
                                                                    const kvhash_plh *names, const kvhash_proof *proofs,
                                                                    size_t count, uint32_t *blocks,
                                                                    kvlogical_probe *probe);

/**
 * Where each name is: blocks[i] is the block that names[i] leads to, or KVLOGICAL_NO_BLOCK. Holds nothing. A name may repeat.
 *
 * Gives:  blocks, and idle[i]: does nobody hold it? (idle may be NULL.)
 * Errors: KVCORE_EINVAL for NULLs.
 */
KVLOGICAL_API KVCORE_NODISCARD kvcore_status kvlogical_find(const kvlogical_manager *manager, const kvhash_plh *names,
                                                            size_t count, uint32_t *blocks, bool *idle);

/* ---- victims ---- */

/** A block and the key that it got or lost. */
typedef struct kvlogical_key {
    kvhash_plh name; /**< of the key */
    uint32_t block;  /**< that has or had it */
    uint32_t group;  /**< of the key */
} kvlogical_key;

/**
 * Evict up to `count` inactive blocks now, in the order of the policy, so that they are free before somebody needs them.
 *
 * Gives:  *evicted, how many there were; victims[0 … *evicted−1] unless victims is NULL (room for count).
 * Errors: KVCORE_EINVAL for NULLs. Fewer inactive blocks than count are no error.
 */
KVLOGICAL_API KVCORE_NODISCARD kvcore_status kvlogical_evict(kvlogical_manager *manager, size_t count,
                                                             kvlogical_key *victims, size_t *evicted);

/* ---- weak guards and pins ---- */

/**
 * A weak guard beside each immutable one (which stays the caller's).
 *
 * It keeps the name registered, but neither the block nor its content.
 * Errors: KVLOGICAL_EGUARD, KVCORE_EINVAL, KVCORE_ENOMEM or KVCORE_ENOSPACE for the record of a name; KVLOGICAL_ESTATE for a
 *         withdrawn block whose name nothing else keeps registered.
 */
KVLOGICAL_API KVCORE_NODISCARD kvcore_status kvlogical_downgrade(kvlogical_manager *manager,
                                                                 const kvlogical_immutable *held, size_t count,
                                                                 kvlogical_weak *weak);

/**
 * An immutable guard again, if the very block is still held by others, or else if any block of the name is held or inactive
 * (perhaps another block). Otherwise *held is empty; that is no error. The weak guard stays the caller's.
 *
 * Errors: KVLOGICAL_EGUARD, KVCORE_EINVAL, KVCORE_EOVERFLOW.
 */
KVLOGICAL_API KVCORE_NODISCARD kvcore_status kvlogical_upgrade(kvlogical_manager *manager, const kvlogical_weak *weak,
                                                               kvlogical_immutable *held);

/**
 * One more weak guard like this one; both are to be released.
 *
 * Errors: KVLOGICAL_EGUARD, KVCORE_EINVAL for NULLs, KVCORE_EOVERFLOW past 2^32 − 1 holds on one name.
 */
KVLOGICAL_API KVCORE_NODISCARD kvcore_status kvlogical_clone_weak(kvlogical_manager *manager,
                                                                  const kvlogical_weak *weak, kvlogical_weak *copy);

/**
 * Let go of weak guards; empty ones are skipped.
 *
 * Errors: KVLOGICAL_EGUARD for a foreign or outlived guard: then nothing was released; KVCORE_EINVAL for NULLs.
 */
KVLOGICAL_API kvcore_status kvlogical_release_weak(kvlogical_manager *manager, kvlogical_weak *weak, size_t count);

/**
 * A pin beside each immutable guard: one more hold, not counted among the immutable guards in flight.
 *
 * Errors: KVLOGICAL_EGUARD, KVCORE_EINVAL, KVCORE_EOVERFLOW.
 */
KVLOGICAL_API KVCORE_NODISCARD kvcore_status kvlogical_pin_blocks(kvlogical_manager *manager,
                                                                  const kvlogical_immutable *held, size_t count,
                                                                  kvlogical_pin *pins);

/** Let go of pins, as kvlogical_release() of guards. Errors: those of kvlogical_release(). */
KVLOGICAL_API kvcore_status kvlogical_release_pins(kvlogical_manager *manager, kvlogical_pin *pins, size_t count);

/* ---- what a held block is ---- */

/** The name of a held block. Errors: KVLOGICAL_EGUARD, KVCORE_EINVAL. */
KVLOGICAL_API KVCORE_NODISCARD kvcore_status kvlogical_name(const kvlogical_manager *manager,
                                                            const kvlogical_immutable *held, kvhash_plh *name);

/** How many holds there are on it: guards, pins, and duplicates that keep it. Errors: KVLOGICAL_EGUARD, KVCORE_EINVAL. */
KVLOGICAL_API KVCORE_NODISCARD kvcore_status kvlogical_use_count(const kvlogical_manager *manager,
                                                                 const kvlogical_immutable *held, uint32_t *holds);

/**
 * Should this block become free, rather than inactive, with its last release? Lasts until the block is handed out anew. A
 * duplicate becomes free anyway. Errors: KVLOGICAL_EGUARD, KVCORE_EINVAL.
 */
KVLOGICAL_API KVCORE_NODISCARD kvcore_status kvlogical_set_reset_on_release(kvlogical_manager *manager,
                                                                            const kvlogical_immutable *held,
                                                                            bool reset);

/** A handle to the registration of its name. Errors: as kvlogical_downgrade(). */
KVLOGICAL_API KVCORE_NODISCARD kvcore_status kvlogical_registration(kvlogical_manager *manager,
                                                                    const kvlogical_immutable *held,
                                                                    kvlogical_handle *handle);

/* ---- the pool as a whole ---- */

/**
 * Make every inactive block free, in eviction order. They count as neither evicted nor allocated.
 *
 * Errors: KVCORE_EBUSY with expected (total) and actual (free) when blocks are still out; the inactive ones are free now all
 *         the same.
 */
KVLOGICAL_API KVCORE_NODISCARD kvcore_status kvlogical_reset_inactive(kvlogical_manager *manager, kvcore_error *error);

/** Tokens of a block. */
KVLOGICAL_API uint32_t kvlogical_manager_block_tokens(const kvlogical_manager *manager);

/** How many blocks are in each state; they sum up to total. available = free + inactive. */
typedef struct kvlogical_counts {
    size_t struct_size;                             /**< of the caller's struct */
    size_t total, available;                        /**< all blocks; those that allocate can give (free and inactive) */
    size_t free, mutable_blocks, staged;            /**< blocks in each of these states */
    size_t primary, duplicate, inactive, withdrawn; /**< and in these */
    size_t pending;                                 /**< promised; the sum of all is total */
} kvlogical_counts;

/** The values to start from. */
#define KVLOGICAL_COUNTS_INIT \
    { sizeof(kvlogical_counts), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }

/** KVLOGICAL_COUNTS_INIT as a function, for other languages. */
KVLOGICAL_API kvlogical_counts kvlogical_counts_init(void);

/**
 * All counts at one moment, as many as the caller's struct has room for by its struct_size.
 *
 * Errors: KVCORE_EINVAL for NULLs and a struct_size that cannot be right; counts is then as it was.
 */
KVLOGICAL_API kvcore_status kvlogical_manager_read_counts(const kvlogical_manager *manager, kvlogical_counts *counts);

/** The same by value; zeros for a NULL manager. */
static inline kvlogical_counts kvlogical_manager_counts(const kvlogical_manager *manager) {
    kvlogical_counts counts = KVLOGICAL_COUNTS_INIT;
    kvlogical_manager_read_counts(manager, &counts);
    return counts;
}

/**
 * Check every invariant of the records against each other: for tests and for an engine that suspects its memory.
 *
 * Errors: KVCORE_EINVARIANT, with the invariant's name in the error text and the block in error->index.
 * Cost:   O(block_count) under the lock.
 */
KVLOGICAL_API KVCORE_NODISCARD kvcore_status kvlogical_manager_validate(const kvlogical_manager *manager,
                                                                        kvcore_error *error);

#ifdef __cplusplus
}
#endif

#endif
