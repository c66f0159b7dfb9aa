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
#ifndef KVWOMBAT_REUSE_STORE_H
#define KVWOMBAT_REUSE_STORE_H

#include <stddef.h>

#include <kvcore/allocator.h>
#include <kvcore/status.h>
#include <kvwombat/block_key.h>
#include <kvwombat/export.h>
#include <kvwombat/prefix.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Opaque. Made by kvwombat_reuse_store_create(). */
typedef struct kvwombat_reuse_store kvwombat_reuse_store;

/** allocator may be NULL (libc); it is copied. Errors: KVCORE_EINVAL when store is NULL; KVCORE_ENOMEM. */
KVWOMBAT_API KVCORE_NODISCARD kvcore_status kvwombat_reuse_store_create(const kvcore_allocator *allocator,
                                                                        kvwombat_reuse_store **store);
/** NULL is ignored. */
KVWOMBAT_API void kvwombat_reuse_store_destroy(kvwombat_reuse_store *store);

/** Payloads that the store holds; a NULL store reads as 0. */
KVWOMBAT_API size_t kvwombat_reuse_store_count(const kvwombat_reuse_store *store);

/**
 * Insert, or replace the payload of an equal key. An empty payload is a payload.
 *
 * Errors: KVCORE_EINVAL for NULL; KVCORE_ENOMEM. Cost: O(key + payload).
 */
KVWOMBAT_API KVCORE_NODISCARD kvcore_status kvwombat_reuse_store_put(kvwombat_reuse_store *store,
                                                                     const kvwombat_block_key *key,
                                                                     kvcore_bytes payload);

/** A prefix of a tenant's prompt, block by block; block i is stored with index i under its hash of kvwombat_prefix_hashes(). */
typedef struct kvwombat_reuse_prefix {
    kvcore_bytes tenant_id;            /**< Whose blocks. */
    kvwombat_fingerprint fingerprint;  /**< Of which model and settings. */
    const kvwombat_token_span *blocks; /**< The chain. */
    size_t block_count;                /**< Blocks of the chain. */
    const kvcore_bytes *payloads;      /**< One a block. */
    size_t payload_count;              /**< How many payloads. */
} kvwombat_reuse_prefix;

/**
 * Put every block of a prefix: all of them or none.
 *
 * Errors: KVCORE_EINVAL when the two counts differ, before anything is stored; KVCORE_EOVERFLOW for more than 2^32 blocks;
 *         KVCORE_ENOMEM.
 * Cost:   O(tokens + payloads).
 */
KVWOMBAT_API KVCORE_NODISCARD kvcore_status kvwombat_reuse_store_publish(kvwombat_reuse_store *store,
                                                                         const kvwombat_reuse_prefix *prefix);

/**
 * The payloads of the leading keys that are present.
 *
 * Gives:  how many; payloads[0 … result−1] when `payloads` is not NULL. Every key from there on counts as missing, present
 *         or not: a block behind a gap is of no use.
 * Valid:  until the next put or publish on the store.
 * Cost:   O(result).
 */
KVWOMBAT_API size_t kvwombat_reuse_store_lookup(const kvwombat_reuse_store *store, const kvwombat_block_key *keys,
                                                size_t count, kvcore_bytes *payloads);

#ifdef __cplusplus
}
#endif

#endif
