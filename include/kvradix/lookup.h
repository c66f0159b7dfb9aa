/**
 * @file
 * Where a residency index writes what it found: reusable buffers, and a pool of them.
 *
 * Owns:    a lookup owns its two arrays from kvradix_lookup_reserve() to kvradix_lookup_free(), with the allocator of both
 *          calls; a pool owns those that lie in it.
 * Threads: compatible: a lookup, and a pool, are used by one thread at a time.
 * Cost:    only kvradix_lookup_reserve() and kvradix_lookup_acquire() allocate, and only to make buffers larger.
 * Source:  WombatKV, LookupBuffers and LookupBufferPool; the pool's rule is that system's.
 */
#ifndef KVRADIX_LOOKUP_H
#define KVRADIX_LOOKUP_H

#include <stddef.h>
#include <stdint.h>

#include <kvcore/allocator.h>
#include <kvcore/hash256.h>
#include <kvcore/status.h>
#include <kvradix/export.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Where a block lies. */
enum {
    KVRADIX_RAM = 0,
    KVRADIX_NVME = 1,
    KVRADIX_REMOTE_ONLY = 2, /**< known, but to be fetched before it can be used */
};

/** What a residency index knows of a key. */
typedef struct kvradix_entry {
    uint32_t block_index; /**< the caller's number for the block */
    uint32_t residency;   /**< KVRADIX_RAM … KVRADIX_REMOTE_ONLY */
} kvradix_entry;

/** A key and its entry. */
typedef struct kvradix_handle {
    kvcore_hash256 key;  /**< the block's key */
    kvradix_entry entry; /**< what is known of it */
} kvradix_handle;

/** What a lookup found. Start from KVRADIX_LOOKUP_INIT. */
typedef struct kvradix_lookup {
    kvradix_handle *resident; /**< what can be used at once: in order, up to the first remote block */
    kvcore_hash256 *prefetch; /**< from the first remote block on, whatever their residency */
    size_t resident_count;    /**< handles in resident */
    size_t prefetch_count;    /**< keys in prefetch */
    size_t matched;           /**< leading keys that are known: resident_count + prefetch_count */
    size_t capacity;          /**< each array has room for this many: the longest chain that can be looked up */
} kvradix_lookup;

/** An empty lookup. */
#define KVRADIX_LOOKUP_INIT \
    { NULL, NULL, 0, 0, 0, 0 }
/** KVRADIX_LOOKUP_INIT as a function, for other languages. */
KVRADIX_API kvradix_lookup kvradix_lookup_init(void);

/**
 * Make room for chains of `capacity` keys and forget what was found. NULL allocator: the C library's.
 *
 * Errors: KVCORE_ENOMEM, KVCORE_EINVAL for a NULL lookup.
 * Cost:   nothing when there is room already.
 */
KVRADIX_API KVCORE_NODISCARD kvcore_status kvradix_lookup_reserve(kvradix_lookup *lookup,
                                                                  const kvcore_allocator *allocator, size_t capacity);

/** Give the arrays back; the lookup is empty afterwards. NULL is ignored. */
KVRADIX_API void kvradix_lookup_free(kvradix_lookup *lookup, const kvcore_allocator *allocator);

/** Opaque. Made by kvradix_lookup_pool_create(). */
typedef struct kvradix_lookup_pool kvradix_lookup_pool;

/** Lookups that a pool keeps when its maker says 0. */
#define KVRADIX_LOOKUP_POOL_DEFAULT 32

/**
 * A pool that keeps at most `maximum` lookups (0: KVRADIX_LOOKUP_POOL_DEFAULT), empty at first.
 *
 * Errors: KVCORE_ENOMEM, KVCORE_EINVAL for a NULL pool.
 */
KVRADIX_API KVCORE_NODISCARD kvcore_status kvradix_lookup_pool_create(size_t maximum, const kvcore_allocator *allocator,
                                                                      kvradix_lookup_pool **pool);

/** Give back the pool and the lookups in it; those that are out are their users' to free. NULL is ignored. */
KVRADIX_API void kvradix_lookup_pool_destroy(kvradix_lookup_pool *pool);

/**
 * Take the lookup that was released last, or an empty one, with room for `capacity` keys.
 *
 * Gives:  *lookup, to be given back by kvradix_lookup_release() or kvradix_lookup_free().
 * Errors: KVCORE_ENOMEM: the pool is as before; KVCORE_EINVAL for NULLs.
 */
KVRADIX_API KVCORE_NODISCARD kvcore_status kvradix_lookup_acquire(kvradix_lookup_pool *pool, size_t capacity,
                                                                  kvradix_lookup *lookup);

/** Put a lookup into the pool, or free it when the pool is full. It is empty afterwards. */
KVRADIX_API void kvradix_lookup_release(kvradix_lookup_pool *pool, kvradix_lookup *lookup);

/** How many lie in the pool. */
KVRADIX_API size_t kvradix_lookup_pool_count(const kvradix_lookup_pool *pool);

/** The most that ever lay in it. */
KVRADIX_API size_t kvradix_lookup_pool_high_watermark(const kvradix_lookup_pool *pool);

#ifdef __cplusplus
}
#endif

#endif
