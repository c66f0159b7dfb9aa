/**
 * @file
 * The residency index: of 32-byte block keys, which are known, and where each block lies.
 *
 * Not here: what keys mean or how they chain (kvcore, kvradix/key.h; an index takes any), metadata of blocks
 * (kvradix/metadata.h), who holds which prefix in a fleet (kvradix/index.h).
 *
 * Owns:    the entries. Keys and lookups are the caller's.
 * Threads: safe. kvradix_residency_find(), _match(), _count(): any number of threads, never a lock, never a wait, while
 *          others write. An entry is seen as it was before a write or after it; a chain is not frozen while it is looked
 *          up. _store(), _store_guarded(), _remove(): any thread; writers take turns, one lock a call. Memory of removed
 *          entries and of outgrown tables is reused or freed by later writers, once no reader can be looking at it;
 *          kvradix_residency_destroy() frees the rest and must be the last call of all.
 * Errors:  a failed call changes nothing.
 * Units:   counts are entries; sizes are bytes.
 * Cost:    O(1) a key. Nothing allocates but growing past the capacity, which costs O(entries) and halts writers only.
 * Source:  WombatKV, RadixIndex (an ordered map there); pinned by lookup and upsert_guarded_sequence of the radix vectors.
 *          Removal is ours.
 */
#ifndef KVRADIX_RESIDENCY_H
#define KVRADIX_RESIDENCY_H

#include <stdbool.h>
#include <stddef.h>

#include <kvcore/hash256.h>
#include <kvcore/status.h>
#include <kvradix/config.h>
#include <kvradix/export.h>
#include <kvradix/guardrail.h>
#include <kvradix/lookup.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Opaque. Made by kvradix_residency_create(). */
typedef struct kvradix_residency kvradix_residency;

/** Errors: KVCORE_EINVAL (NULL, struct_size), KVCORE_ECONFIG for a capacity beyond 2^31, KVCORE_ENOMEM. */
KVRADIX_API KVCORE_NODISCARD kvcore_status kvradix_residency_create(const kvradix_config *config,
                                                                    kvradix_residency **index, kvcore_error *error);

/** NULL is ignored. Threads: no other call on this index may be running. */
KVRADIX_API void kvradix_residency_destroy(kvradix_residency *index);

/**
 * Set the entries of some keys, new or known, in order.
 *
 * Errors: KVCORE_EINVAL for NULLs or a residency that is none; KVCORE_ENOMEM; KVCORE_EOVERFLOW beyond 2^32 entries.
 */
KVRADIX_API KVCORE_NODISCARD kvcore_status kvradix_residency_store(kvradix_residency *index,
                                                                   const kvradix_handle *handles, size_t count);

/**
 * Set one entry if the index is within its budget afterwards, by the guardrail's estimate; exactly the budget is within.
 * The rule looks at the number of entries after the call: in an index that is over its budget already, a known key is
 * refused too.
 *
 * Errors: KVCORE_EINVAL for NULL; KVRADIX_EBUDGET with the budget in error->expected and the estimate in error->actual,
 *         in bytes; otherwise as kvradix_residency_store().
 */
KVRADIX_API KVCORE_NODISCARD kvcore_status kvradix_residency_store_guarded(kvradix_residency *index,
                                                                           const kvradix_guardrail *guardrail,
                                                                           const kvradix_handle *handle,
                                                                           kvcore_error *error);

/**
 * Forget some keys; unknown ones are skipped.
 *
 * Gives:  *removed, how many were known; may be NULL.
 * Errors: KVCORE_EINVAL for NULLs.
 */
KVRADIX_API kvcore_status kvradix_residency_remove(kvradix_residency *index, const kvcore_hash256 *keys, size_t count,
                                                   size_t *removed);

/** Whether a key is known, and its entry if so (may be NULL). */
KVRADIX_API bool kvradix_residency_find(const kvradix_residency *index, const kvcore_hash256 *key,
                                        kvradix_entry *entry);

/**
 * How many leading keys of a chain are known, and what to do with each: those before the first remote block can be used at
 * once, it and all after it are to be prefetched.
 *
 * Gives:  *lookup, all counts written.
 * Errors: KVCORE_EINVAL for NULLs; KVCORE_EBUFFER when lookup->capacity is below count. A miss is no error.
 * Cost:   O(1) a key up to the first unknown one; never allocates.
 */
KVRADIX_API KVCORE_NODISCARD kvcore_status kvradix_residency_match(const kvradix_residency *index,
                                                                   const kvcore_hash256 *keys, size_t count,
                                                                   kvradix_lookup *lookup);

/** Entries now. */
KVRADIX_API size_t kvradix_residency_count(const kvradix_residency *index);

/** Bytes the index takes. Takes the writers' lock. */
KVRADIX_API size_t kvradix_residency_memory_bytes(const kvradix_residency *index);

#ifdef __cplusplus
}
#endif

#endif
