/**
 * @file
 * A block manager and a store, joined: what memory evicts goes to the store, and what memory lacks comes back from it.
 *
 *     kvstore_offload_match(offload, names, count, held, &hits, &loaded, &error);    in place of kvlogical_match_prefix()
 *     kvstore_offload_allocate(offload, need, blocks, &error);                       in place of kvlogical_allocate()
 *     kvstore_offload_save(offload, held, count);                                    what must outlive the process now
 *
 * A victim is offered to the store before the caller may write its memory: its bytes are read inside the call. A block that the
 * store refuses (full, down, too slow) is lost as it would have been without a store; no call fails for that.
 *
 * Owns:    the caller owns the manager, the space and its store, which outlive the offload. An offload allocates at creation
 *          alone.
 * Threads: one thread at a time, which is the one that polls the store. Completions of other batches are left alone.
 */
#ifndef KVSTORE_OFFLOAD_OFFLOAD_H
#define KVSTORE_OFFLOAD_OFFLOAD_H

#include <kvlogical/manager.h>
#include <kvstore/store.h>
#include <kvstore_offload/export.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Opaque. Made by kvstore_offload_create(). */
typedef struct kvstore_offload kvstore_offload;

/** Where the bytes of a block of the manager are: spans_per_block spans, in the order in which they are stored. */
typedef void (*kvstore_offload_memory)(void *ctx, uint32_t block, kvstore_span *spans);

/** Start from KVSTORE_OFFLOAD_CONFIG_INIT. */
typedef struct kvstore_offload_config {
    size_t struct_size;                /**< KVSTORE_OFFLOAD_CONFIG_INIT */
    const kvcore_allocator *allocator; /**< NULL: the C library's */
    kvlogical_manager *manager;        /**< borrowed */
    kvstore_space *space;              /**< borrowed */
    kvstore_offload_memory memory;     /**< required */
    void *ctx;                         /**< given back to memory */
    uint32_t spans_per_block;          /**< 0: 1 */
    uint32_t batch_blocks;             /**< moved at once; 0: 64 */
    uint32_t put_deadline_ms;          /**< what an eviction may cost; 0: 200 */
    uint32_t get_deadline_ms;          /**< what a look-up may cost; 0: 2,000 */
} kvstore_offload_config;

#ifdef __cplusplus
/** The values to start from. */
#define KVSTORE_OFFLOAD_CONFIG_INIT kvstore_offload_config_init()
#else
/** The values to start from. */
#define KVSTORE_OFFLOAD_CONFIG_INIT \
    { .struct_size = sizeof(kvstore_offload_config) }
#endif
/** KVSTORE_OFFLOAD_CONFIG_INIT as a function, for other languages. */
KVSTORE_OFFLOAD_API kvstore_offload_config kvstore_offload_config_init(void);

/** Errors: KVCORE_EINVAL for NULLs or a wrong struct_size; KVCORE_ENOMEM. */
KVSTORE_OFFLOAD_API KVCORE_NODISCARD kvcore_status kvstore_offload_create(const kvstore_offload_config *config,
                                                                          kvstore_offload **offload,
                                                                          kvcore_error *error);
/** NULL is ignored. */
KVSTORE_OFFLOAD_API void kvstore_offload_destroy(kvstore_offload *offload);

/** As kvlogical_allocate(); victims are offered to the store first. Errors: those of kvlogical_allocate(); then
 * nothing was evicted. */
KVSTORE_OFFLOAD_API KVCORE_NODISCARD kvcore_status kvstore_offload_allocate(kvstore_offload *offload, size_t count,
                                                                            kvlogical_mutable *blocks);

/**
 * As kvlogical_match_prefix(); behind what memory has, blocks are loaded from the store, registered and held as well.
 *
 * Gives:  *hits in memory and loaded together; *loaded (may be NULL) how many of them came from the store; held[0 … *hits−1].
 * Errors: those of kvlogical_match_prefix(). Without room in memory, or when the store fails, there are fewer hits.
 */
KVSTORE_OFFLOAD_API KVCORE_NODISCARD kvcore_status kvstore_offload_match(kvstore_offload *offload,
                                                                         const kvhash_plh *names, size_t count,
                                                                         kvlogical_immutable *held, size_t *hits,
                                                                         size_t *loaded);

/** Store held blocks now. *stored (may be NULL): how many are there. Errors: KVCORE_EINVAL; KVLOGICAL_EGUARD. */
KVSTORE_OFFLOAD_API KVCORE_NODISCARD kvcore_status kvstore_offload_save(kvstore_offload *offload,
                                                                        const kvlogical_immutable *held, size_t count,
                                                                        size_t *stored);

/** What it did since it was made. */
typedef struct kvstore_offload_counts {
    uint64_t offered; /**< victims */
    uint64_t stored;  /**< of them, now in the store or there before */
    uint64_t lost;    /**< of them, not */
    uint64_t loaded;  /**< blocks that came from the store */
} kvstore_offload_counts;

/** All zero for NULL. */
KVSTORE_OFFLOAD_API kvstore_offload_counts kvstore_offload_count(const kvstore_offload *offload);

#ifdef __cplusplus
}
#endif

#endif
