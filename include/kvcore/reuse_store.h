/**
 * @file
 * A store of blocks in memory, by block key: for tests, small tools, and as the meaning of "put" and "look up".
 *
 * Not here: eviction (kvlogical), who holds what (kvradix).
 * Owns:    copies of keys and payloads, in the allocator given at creation.
 * Threads: compatible: different stores at once; calls on one store need the caller's lock. Lookups alone may run together.
 * Errors:  a failed call leaves the store as it was.
 * Source:  WombatKV, in-memory reuse store.
 */
#ifndef KVCORE_REUSE_STORE_H
#define KVCORE_REUSE_STORE_H

#include <stddef.h>

#include <kvcore/allocator.h>
#include <kvcore/block_key.h>
#include <kvcore/export.h>
#include <kvcore/prefix.h>
#include <kvcore/status.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct kvcore_reuse_store kvcore_reuse_store;

/** allocator may be NULL (libc); it is copied. Errors: KVCORE_EINVAL when store is NULL; KVCORE_ENOMEM. */
KVCORE_API KVCORE_NODISCARD kvcore_status kvcore_reuse_store_create(const kvcore_allocator *allocator,
                                                                    kvcore_reuse_store **store);
/** NULL is ignored. */
KVCORE_API void kvcore_reuse_store_destroy(kvcore_reuse_store *store);

KVCORE_API size_t kvcore_reuse_store_count(const kvcore_reuse_store *store);

/**
 * Insert, or replace the payload of an equal key. An empty payload is a payload.
 *
 * Errors: KVCORE_EINVAL for NULL; KVCORE_ENOMEM. Cost: O(key + payload).
 */
KVCORE_API KVCORE_NODISCARD kvcore_status kvcore_reuse_store_put(kvcore_reuse_store *store, const kvcore_block_key *key,
                                                                 kvcore_bytes payload);

/** A prefix of a tenant's prompt, block by block; block i is stored with index i under its hash of kvcore_prefix_hashes(). */
typedef struct kvcore_reuse_prefix {
    kvcore_bytes tenant_id;
    kvcore_fingerprint fingerprint;
    const kvcore_token_span *blocks;
    size_t block_count;
    const kvcore_bytes *payloads;
    size_t payload_count;
} kvcore_reuse_prefix;

/**
 * Put every block of a prefix: all of them or none.
 *
 * Errors: KVCORE_EINVAL when the two counts differ, before anything is stored; KVCORE_EOVERFLOW for more than 2^32 blocks;
 *         KVCORE_ENOMEM.
 * Cost:   O(tokens + payloads).
 */
KVCORE_API KVCORE_NODISCARD kvcore_status kvcore_reuse_store_publish(kvcore_reuse_store *store,
                                                                     const kvcore_reuse_prefix *prefix);

/**
 * The payloads of the leading keys that are present.
 *
 * Gives:  how many; payloads[0 … result−1] when `payloads` is not NULL. Every key from there on counts as missing, present
 *         or not: a block behind a gap is of no use.
 * Valid:  until the next put or publish on the store.
 * Cost:   O(result).
 */
KVCORE_API size_t kvcore_reuse_store_lookup(const kvcore_reuse_store *store, const kvcore_block_key *keys, size_t count,
                                            kvcore_bytes *payloads);

#ifdef __cplusplus
}
#endif

#endif
