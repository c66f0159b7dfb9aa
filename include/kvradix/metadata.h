/**
 * @file
 * The metadata index: what is known of each stored block, by its 32-byte hash; which to evict, which to fetch ahead.
 *
 * Not here: where a block lies (kvradix/residency.h); its bytes (kvformat); deleting and fetching, which are the caller's.
 *
 * Owns:    the entries. Arrays are the caller's.
 * Threads: safe. kvradix_metadata_find(), _match(), _count(): any number of threads, never a lock, never a wait, while others
 *          write; an entry is seen as it was before a write or after it. All others are writers, or look at all entries at
 *          one moment: any thread, one at a time, one lock a call. Memory of entries that are gone is reused or freed by
 *          later writers, once no reader can be looking at it; kvradix_metadata_destroy() frees the rest and must be the
 *          last call of all.
 * Errors:  a failed call changes nothing.
 * Units:   times are ns since the Unix epoch, given by the caller; sizes are bytes.
 * Cost:    O(1) a hash unless said. Nothing allocates but growing past the capacity, which costs O(entries) and halts
 *          writers only.
 * Source:  WombatKV, MetadataIndex (memory version), LRU eviction and prefetch scoring; pinned by prefetch_score and
 *          evict_target of the radix vectors. There the index asks the wall clock itself.
 */
#ifndef KVRADIX_METADATA_H
#define KVRADIX_METADATA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <kvcore/block_meta.h>
#include <kvcore/hash256.h>
#include <kvcore/status.h>
#include <kvradix/config.h>
#include <kvradix/export.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Opaque. Made by kvradix_metadata_create(). */
typedef struct kvradix_metadata kvradix_metadata;

/** A hash and what is known of its block. */
typedef struct kvradix_block {
    kvcore_hash256 hash;    /**< the block's hash */
    kvcore_block_meta meta; /**< what is known of it */
} kvradix_block;

/** Errors: KVCORE_EINVAL (NULL, struct_size), KVCORE_ECONFIG for a capacity beyond 2^31, KVCORE_ENOMEM. */
KVRADIX_API KVCORE_NODISCARD kvcore_status kvradix_metadata_create(const kvradix_config *config,
                                                                   kvradix_metadata **index, kvcore_error *error);

/** NULL is ignored. Threads: no other call on this index may be running. */
KVRADIX_API void kvradix_metadata_destroy(kvradix_metadata *index);

/**
 * Set some entries, new or known, in order; each is stamped now_ns, whatever stamp it came with.
 *
 * Errors: KVCORE_EINVAL for NULLs; KVCORE_ENOMEM; KVCORE_EOVERFLOW beyond 2^32 entries.
 */
KVRADIX_API KVCORE_NODISCARD kvcore_status kvradix_metadata_store(kvradix_metadata *index, const kvradix_block *blocks,
                                                                  size_t count, uint64_t now_ns);

/**
 * Add some entries with their stamps as they are; what is known already stays, and of several with one hash the first wins.
 *
 * Gives:  *added, how many were new; may be NULL.
 * Errors: KVCORE_EINVAL for NULL; as kvradix_metadata_store().
 */
KVRADIX_API KVCORE_NODISCARD kvcore_status kvradix_metadata_load(kvradix_metadata *index, const kvradix_block *blocks,
                                                                 size_t count, size_t *added);

/** Whether a hash is known, and its entry if so (may be NULL). Touches nothing. */
KVRADIX_API bool kvradix_metadata_find(const kvradix_metadata *index, const kvcore_hash256 *hash,
                                       kvcore_block_meta *meta);

/** The same for a writer, who stamps the entry now_ns; *meta has the new stamp. */
KVRADIX_API bool kvradix_metadata_touch(kvradix_metadata *index, const kvcore_hash256 *hash, uint64_t now_ns,
                                        kvcore_block_meta *meta);

/**
 * Forget some hashes; unknown ones are skipped.
 *
 * Gives:  *removed, how many were known; may be NULL.
 * Errors: KVCORE_EINVAL for NULLs.
 */
KVRADIX_API kvcore_status kvradix_metadata_remove(kvradix_metadata *index, const kvcore_hash256 *hashes, size_t count,
                                                  size_t *removed);

/** Forget a hash if its stamp is still last_access_ns: false when it is unknown, or was stored or touched since. */
KVRADIX_API bool kvradix_metadata_remove_unchanged(kvradix_metadata *index, const kvcore_hash256 *hash,
                                                   uint64_t last_access_ns);

/** How many leading hashes are known: presence only, touches nothing, looks at no parent. NULL or 0 gives 0. */
KVRADIX_API size_t kvradix_metadata_match(const kvradix_metadata *index, const kvcore_hash256 *hashes, size_t count);

/** Entries now. */
KVRADIX_API size_t kvradix_metadata_count(const kvradix_metadata *index);

/** Bytes the index takes. */
KVRADIX_API size_t kvradix_metadata_memory_bytes(const kvradix_metadata *index);

/**
 * All entries at one moment, by ascending hash.
 *
 * Gives:  *count of them in blocks[capacity].
 * Errors: KVCORE_EINVAL for NULLs; KVCORE_EBUFFER when there are more than `capacity`, the number in *count.
 * Cost:   O(n log n), the copying under the lock.
 */
KVRADIX_API KVCORE_NODISCARD kvcore_status kvradix_metadata_entries(const kvradix_metadata *index,
                                                                    kvradix_block *blocks, size_t capacity,
                                                                    size_t *count);

/* ---- what to evict ---- */

/** Where an eviction stops: nine tenths of the budget, computed in double and cut. */
KVRADIX_API uint64_t kvradix_eviction_target_bytes(uint64_t budget_bytes);

/** A block that may be evicted. */
typedef struct kvradix_eviction_candidate {
    kvcore_hash256 hash;     /**< the block's hash */
    uint64_t last_access_ns; /**< what kvradix_metadata_remove_unchanged() wants to see again */
    uint64_t payload_bytes;  /**< what its eviction frees */
} kvradix_eviction_candidate;

/** How much is to be evicted. */
typedef struct kvradix_eviction_plan {
    uint64_t total_bytes;  /**< payloads of all entries, saturating */
    uint64_t target_bytes; /**< kvradix_eviction_target_bytes() */
    uint64_t need_bytes;   /**< total − target; 0 when there is nothing to do: no budget (0), or within it */
} kvradix_eviction_plan;

/**
 * Which blocks to evict, least recently used first, those of one stamp by ascending hash.
 *
 * The caller walks them: kvradix_metadata_remove_unchanged(), then delete the object, until need_bytes are freed; one that
 * has changed is skipped, so more candidates come than would do.
 *
 * Gives:  *plan, and the first *count candidates (at most `capacity`; 0 when need_bytes is 0).
 * Errors: KVCORE_EINVAL for NULLs.
 * Cost:   O(n log capacity) under the lock; never allocates.
 */
KVRADIX_API KVCORE_NODISCARD kvcore_status kvradix_metadata_eviction_candidates(const kvradix_metadata *index,
                                                                                uint64_t budget_bytes,
                                                                                kvradix_eviction_candidate *candidates,
                                                                                size_t capacity, size_t *count,
                                                                                kvradix_eviction_plan *plan);

/* ---- what to fetch ahead ---- */

/** A recency of 600 s half-life, + 0.3 for a root, + 0.2 for the active model. A stamp in the future counts as now. */
KVRADIX_API double kvradix_prefetch_score(const kvcore_block_meta *meta, uint64_t now_ns,
                                          const kvcore_model_digest *active);

/** A block that may be fetched ahead. */
typedef struct kvradix_prefetch_candidate {
    kvcore_hash256 hash; /**< the block's hash */
    double score;        /**< kvradix_prefetch_score() */
} kvradix_prefetch_candidate;

/**
 * The best `capacity` blocks by score, best first, those of one score by ascending hash.
 *
 * Errors: KVCORE_EINVAL for NULLs.
 * Cost:   O(n log capacity) under the lock; never allocates.
 */
KVRADIX_API KVCORE_NODISCARD kvcore_status kvradix_metadata_prefetch_candidates(const kvradix_metadata *index,
                                                                                uint64_t now_ns,
                                                                                const kvcore_model_digest *active,
                                                                                kvradix_prefetch_candidate *candidates,
                                                                                size_t capacity, size_t *count);

#ifdef __cplusplus
}
#endif

#endif
