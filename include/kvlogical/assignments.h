/**
 * @file
 * The blocks of one sequence, held by their guards: unassigned while they are filled, staged once they are named, assigned
 * once they are registered.
 *
 *     key     | id of the block when it entered, for all three parts              |
 *     guards  | assigned: immutable … | staged: complete … | unassigned: mutable … |
 *
 * The *key* is the block id that a guard had when it entered, and keeps its place in the order. Where duplicates are
 * rejected (KVLOGICAL_DUPLICATES_REJECT) registering may answer with another block: the guard then says where the data is,
 * the key does not, and the block of the key may be handed out again, to be refused here as a duplicate. A
 * kvlogical_request (kvlogical/request.h) has no keys and knows no such trouble.
 *
 * Owns:    the guards that went in, until they are taken out or the tracker is cleared or destroyed.
 * Threads: compatible: different trackers at once; calls on one tracker need the caller's lock. The manager is safe anyway.
 * Errors:  a failed call changes nothing and every guard is the caller's again, but for the one exception at
 *          kvlogical_assignments_stage().
 * Cost:    O(1) a block unless said; memory doubles when it must grow, and nothing else allocates.
 * Source:  kvbm-logical 1.5.0, LogicalBlockAssignments; pinned by assign_logical of the lifecycle vectors.
 */
#ifndef KVLOGICAL_ASSIGNMENTS_H
#define KVLOGICAL_ASSIGNMENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <kvlogical/manager.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Opaque. Made by kvlogical_assignments_create(). */
typedef struct kvlogical_assignments kvlogical_assignments;

/**
 * A tracker of blocks of one manager, which must outlive it.
 *
 * Takes:  allocator, copied; NULL means the C library's.
 * Errors: KVCORE_EINVAL for NULLs, KVCORE_ENOMEM.
 */
KVLOGICAL_API KVCORE_NODISCARD kvcore_status kvlogical_assignments_create(kvlogical_manager *manager,
                                                                          const kvcore_allocator *allocator,
                                                                          kvlogical_assignments **assignments);

/** Releases every guard, as kvlogical_assignments_clear(). NULL is ignored. */
KVLOGICAL_API void kvlogical_assignments_destroy(kvlogical_assignments *assignments);

/** Take memory for so many blocks in all: up to there, nothing allocates. Errors: KVCORE_ENOMEM, KVCORE_EOVERFLOW. */
KVLOGICAL_API KVCORE_NODISCARD kvcore_status kvlogical_assignments_reserve(kvlogical_assignments *assignments,
                                                                           size_t blocks);

/**
 * Blocks to be filled, behind all others.
 *
 * Takes:  blocks, consumed on success (empty afterwards).
 * Errors: KVLOGICAL_EDUPLICATE for an id that is a key already or occurs twice: actual = the id, index = where;
 *         KVLOGICAL_EGUARD for an empty guard or one of another manager; KVCORE_EINVAL for NULLs, KVCORE_ENOMEM.
 */
KVLOGICAL_API KVCORE_NODISCARD kvcore_status kvlogical_assignments_extend(kvlogical_assignments *assignments,
                                                                          kvlogical_mutable *blocks, size_t count,
                                                                          kvcore_error *error);

/** Blocks that are registered already (matched ones), behind the assigned ones. Errors: as kvlogical_assignments_extend().
 * Cost: O(all) when blocks are staged or unassigned. */
KVLOGICAL_API KVCORE_NODISCARD kvcore_status kvlogical_assignments_extend_assigned(kvlogical_assignments *assignments,
                                                                                   kvlogical_immutable *held,
                                                                                   size_t count, kvcore_error *error);

/**
 * Name the first unassigned blocks, as far as there are blocks and names: names[0] is for the first unassigned one.
 *
 * Positions are not checked. token_counts says how many tokens each block was filled with; NULL: the right number.
 * Gives:  *staged, how many.
 * Errors: KVLOGICAL_EBLOCK_SIZE at the first block with another number of tokens than the manager's: index, expected, actual.
 *         The blocks before it stay staged, it leaves the tracker and is *failed, the caller's; the rest stays unassigned.
 *         KVHASH_EMODE for what is not a name, KVLOGICAL_EGUARD for a guard that was used elsewhere meanwhile, KVCORE_EINVAL
 *         for NULLs (failed may be NULL without token_counts): nothing changed.
 */
KVLOGICAL_API KVCORE_NODISCARD kvcore_status kvlogical_assignments_stage(kvlogical_assignments *assignments,
                                                                         const kvhash_plh *names,
                                                                         const uint32_t *token_counts, size_t count,
                                                                         size_t *staged, kvlogical_mutable *failed,
                                                                         kvcore_error *error);

/**
 * Register the staged blocks, in order, as kvlogical_register().
 *
 * Gives:  *registered (may be NULL), how many. Errors: those of kvlogical_register().
 */
KVLOGICAL_API KVCORE_NODISCARD kvcore_status kvlogical_assignments_register(kvlogical_assignments *assignments,
                                                                            size_t *registered);

/** Take out the last unassigned block, if there is one. */
KVLOGICAL_API bool kvlogical_assignments_pop(kvlogical_assignments *assignments, uint64_t *key,
                                             kvlogical_mutable *block);

/**
 * Take out all guards of one part, in order, and their keys (keys may be NULL).
 *
 * Gives:  *count of them in the array, which may be NULL with a capacity of 0 to learn the count.
 * Errors: KVCORE_EBUFFER when capacity is smaller, with *count: nothing was taken; KVCORE_EINVAL for NULLs.
 * Cost:   O(all).
 */
KVLOGICAL_API KVCORE_NODISCARD kvcore_status kvlogical_assignments_take_assigned(kvlogical_assignments *assignments,
                                                                                 uint64_t *keys,
                                                                                 kvlogical_immutable *held,
                                                                                 size_t capacity, size_t *count);

/** The same for the staged blocks. Errors: as kvlogical_assignments_take_assigned(). */
KVLOGICAL_API KVCORE_NODISCARD kvcore_status kvlogical_assignments_take_staged(kvlogical_assignments *assignments,
                                                                               uint64_t *keys,
                                                                               kvlogical_complete *staged,
                                                                               size_t capacity, size_t *count);

/** The same for the unassigned blocks. Errors: as kvlogical_assignments_take_assigned(). */
KVLOGICAL_API KVCORE_NODISCARD kvcore_status kvlogical_assignments_take_unassigned(kvlogical_assignments *assignments,
                                                                                   uint64_t *keys,
                                                                                   kvlogical_mutable *blocks,
                                                                                   size_t capacity, size_t *count);

/** Release every guard: the assigned, then the staged, then the unassigned ones, each in order. NULL is ignored. */
KVLOGICAL_API void kvlogical_assignments_clear(kvlogical_assignments *assignments);

/** Is it the key of an assigned, staged or unassigned block? */
KVLOGICAL_API bool kvlogical_assignments_contains(const kvlogical_assignments *assignments, uint64_t key);

/** What a tracker holds. The guards are only to be looked at: they remain the tracker's. */
typedef struct kvlogical_assignments_view {
    const uint64_t *keys;                /**< of the assigned, then the staged, then the unassigned blocks */
    const kvlogical_immutable *assigned; /**< borrowed */
    const kvlogical_complete *staged;    /**< borrowed */
    const kvlogical_mutable *unassigned; /**< borrowed */
    size_t assigned_count, staged_count, unassigned_count; /**< how many guards of each kind */
} kvlogical_assignments_view;

/** Valid: until the next call that changes the tracker. A NULL tracker reads as an empty one. */
KVLOGICAL_API kvlogical_assignments_view kvlogical_assignments_view_of(const kvlogical_assignments *assignments);

#ifdef __cplusplus
}
#endif

#endif
