/**
 * @file
 * Limits of idle time: what LRU finds that drops each block that nobody asked for during so many milliseconds, and how many
 * blocks that takes. At every capacity, from the same pass as the curve. A block that was idle exactly as long as the limit
 * is still there.
 *
 * Owns:    its counts. Threads: not safe; readers may share one that nobody writes to.
 * Errors:  a failed call changes nothing.
 */
#ifndef KVANSWERS_TTL_H
#define KVANSWERS_TTL_H

#include <stddef.h>
#include <stdint.h>

#include <kvanswers/curve.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Opaque. Made by kvanswers_ttl_create(). */
typedef struct kvanswers_ttl kvanswers_ttl;

/** For `count` limits in milliseconds. allocator: NULL means the C library's. Errors: KVCORE_EINVAL for NULLs, KVCORE_ENOMEM. */
KVANSWERS_API KVCORE_NODISCARD kvcore_status kvanswers_ttl_create(const uint64_t *limits_ms, size_t count,
                                                                  const kvcore_allocator *allocator,
                                                                  kvanswers_ttl **ttl);

/** NULL is ignored. */
KVANSWERS_API void kvanswers_ttl_destroy(kvanswers_ttl *ttl);

/**
 * Count the request that `curve` observed last: call it once after each kvanswers_curve_observe(), from the first on. A time
 * that is less than the one before counts as that one.
 *
 * Errors: KVCORE_EINVAL for NULLs and for a curve that is not one request ahead; KVCORE_ENOMEM.
 * Cost:   O(runs) a limit.
 */
KVANSWERS_API KVCORE_NODISCARD kvcore_status kvanswers_ttl_observe(kvanswers_ttl *ttl, const kvanswers_curve *curve,
                                                                   const kvanswers_request *request);

/** The result at one time limit. */
typedef struct kvanswers_ttl_point {
    uint64_t hits;        /**< references found */
    uint64_t peak_blocks; /**< most that are cached after a request */
    double mean_blocks;   /**< cached over time, whatever the capacity; 0 when no time passed */
} kvanswers_ttl_point;

/**
 * Limit number `limit` at a capacity of at least the longest request; UINT64_MAX: without bound.
 *
 * Errors: KVCORE_EINVAL. Cost: O(unique blocks).
 */
KVANSWERS_API KVCORE_NODISCARD kvcore_status kvanswers_ttl_read(const kvanswers_ttl *ttl, size_t limit,
                                                                uint64_t capacity, kvanswers_ttl_point *point);

#ifdef __cplusplus
}
#endif

#endif
