/**
 * @file
 * Tenants: what each finds in the common cache, what it would find in a cache of its own, and which quotas are best.
 *
 * Owns:    a curve a tenant. Threads: not safe; readers may share one that nobody writes to.
 * Errors:  a failed call changes nothing.
 * Source:  quotas by concave hulls: Beckmann and Sanchez 2015.
 */
#ifndef KVANSWERS_TENANTS_H
#define KVANSWERS_TENANTS_H

#include <stddef.h>
#include <stdint.h>

#include <kvanswers/curve.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Opaque. Made by kvanswers_tenants_create(). */
typedef struct kvanswers_tenants kvanswers_tenants;

/** block_tokens: of a full block, 0: 1. allocator: NULL means the C library's. Errors: KVCORE_EINVAL for NULL, KVCORE_ENOMEM. */
KVANSWERS_API KVCORE_NODISCARD kvcore_status kvanswers_tenants_create(uint32_t block_tokens,
                                                                      const kvcore_allocator *allocator,
                                                                      kvanswers_tenants **tenants);

/** NULL is ignored. */
KVANSWERS_API void kvanswers_tenants_destroy(kvanswers_tenants *tenants);

/**
 * Count the request that `curve`, of all tenants, observed last, for one tenant: a number from 0; the caller numbers them one
 * after the other.
 *
 * Errors: KVCORE_EINVAL for NULLs and a tenant beyond the next new one; as kvanswers_curve_observe().
 */
KVANSWERS_API KVCORE_NODISCARD kvcore_status kvanswers_tenants_observe(kvanswers_tenants *tenants, size_t tenant,
                                                                       const kvanswers_curve *curve,
                                                                       const kvanswers_request *request);

/** How many there are; 0 for NULL. */
KVANSWERS_API size_t kvanswers_tenants_count(const kvanswers_tenants *tenants);

/** The curve of a tenant's requests alone: what a part of the cache of that size gives it. NULL for no such tenant. */
KVANSWERS_API const kvanswers_curve *kvanswers_tenants_alone(const kvanswers_tenants *tenants, size_t tenant);

/** Hits of a tenant in the common cache of `capacity` blocks; 0 for no such tenant. Cost: O(unique blocks). */
KVANSWERS_API uint64_t kvanswers_tenants_shared(const kvanswers_tenants *tenants, size_t tenant, uint64_t capacity);

/**
 * The best parts of `blocks` in steps of `step`: each step goes to the tenant whose concave hull of hits, alone, is steepest
 * there. What no tenant gains from stays with nobody.
 *
 * Gives:  quotas[tenants], multiples of step; hits[tenants] on the real curves, 0 below a tenant's longest request.
 * Errors: KVCORE_EINVAL for NULLs and step 0; KVCORE_ENOMEM.
 * Cost:   O(tenants · blocks / step + unique blocks).
 */
KVANSWERS_API KVCORE_NODISCARD kvcore_status kvanswers_tenants_quotas(const kvanswers_tenants *tenants, uint64_t blocks,
                                                                      uint64_t step, uint64_t *quotas, uint64_t *hits);

#ifdef __cplusplus
}
#endif

#endif
