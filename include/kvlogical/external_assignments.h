/**
 * @file
 * Which block of somebody else's pool stands at which position of a sequence: ids and names, no guards.
 *
 * For parts that learn of blocks by id, such as a connector beside an engine that allocates for itself. A block id enters
 * unassigned, gets the name of the next free position when it is staged, and is assigned when that is committed:
 *
 *     positions   offset …            …               next …
 *     blocks      | assigned …        | staged …      | unassigned (pending) … |
 *
 * Owns:    the tracker owns its arrays; names and ids that go in are copied.
 * Threads: compatible: different trackers at once; calls on one tracker need the caller's lock.
 * Errors:  a failed call changes nothing.
 * Units:   positions count blocks of the sequence from 0; ranges are half open.
 * Cost:    O(1) a block unless said; memory doubles when it must grow, and nothing else allocates.
 * Source:  kvbm-logical 1.5.0, ExternalBlockAssignments; pinned by assign_external of the lifecycle vectors.
 */
#ifndef KVLOGICAL_EXTERNAL_ASSIGNMENTS_H
#define KVLOGICAL_EXTERNAL_ASSIGNMENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <kvcore/allocator.h>
#include <kvcore/status.h>
#include <kvhash/plh.h>
#include <kvlogical/export.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Opaque. Made by kvlogical_external_assignments_create(). */
typedef struct kvlogical_external_assignments kvlogical_external_assignments;

/** A block and its name. */
typedef struct kvlogical_assignment {
    kvhash_plh name;   /**< the block's name */
    uint64_t block_id; /**< the caller's number for it */
} kvlogical_assignment;

/** start … end − 1: indices or positions. */
typedef struct kvlogical_range {
    size_t start, end; /**< first, and one past the last */
} kvlogical_range;

/**
 * A tracker whose first block stands at position `offset` of the sequence.
 *
 * Takes:  allocator, copied; NULL means the C library's.
 * Errors: KVCORE_EINVAL for a NULL assignments; KVCORE_EOVERFLOW for an offset past KVHASH_PLH_MAX_POSITION; KVCORE_ENOMEM.
 */
KVLOGICAL_API KVCORE_NODISCARD kvcore_status kvlogical_external_assignments_create(
    size_t offset, const kvcore_allocator *allocator, kvlogical_external_assignments **assignments);

/** NULL is ignored. */
KVLOGICAL_API void kvlogical_external_assignments_destroy(kvlogical_external_assignments *assignments);

/** Take memory for so many blocks in all: up to there, nothing allocates. Errors: KVCORE_ENOMEM, KVCORE_EOVERFLOW. */
KVLOGICAL_API KVCORE_NODISCARD kvcore_status
kvlogical_external_assignments_reserve(kvlogical_external_assignments *assignments, size_t blocks);

/**
 * The full list of ids allocated so far, in order: those not known yet become unassigned.
 *
 * Known ids are skipped, in any number and order, but each must stand before every new one.
 * Errors: KVLOGICAL_EORDERING when a known id follows a new one: actual = the known id, index = where it stands, expected =
 *         the first new id, offset = where that stands. KVLOGICAL_EDUPLICATE for a new id that occurs twice: actual = the id,
 *         index = where again. Whichever comes first in the list. KVCORE_EINVAL for NULLs, KVCORE_ENOMEM.
 * Cost:   O(count).
 */
KVLOGICAL_API KVCORE_NODISCARD kvcore_status kvlogical_external_assignments_extend(
    kvlogical_external_assignments *assignments, const uint64_t *block_ids, size_t count, kvcore_error *error);

/**
 * Blocks that have their names already, behind the assigned ones.
 *
 * Positions of the names are not checked. With staged blocks present these move back by `count` positions and their names no
 * longer match; commit them first.
 * Errors: KVLOGICAL_EDUPLICATE for an id that is known or occurs twice: actual = the id, index = where; KVCORE_EINVAL for
 *         NULLs, KVCORE_ENOMEM.
 * Cost:   O(count), plus O(all) when blocks are staged or unassigned.
 */
KVLOGICAL_API KVCORE_NODISCARD kvcore_status kvlogical_external_assignments_extend_assigned(
    kvlogical_external_assignments *assignments, const kvlogical_assignment *blocks, size_t count, kvcore_error *error);

/**
 * Give pending blocks the names of their positions, as far as there are blocks and names.
 *
 * Takes:  names: those of the whole sequence, names[p] at position p (kvhash_sequence_names()); a shorter list than before
 *         is fine and stages nothing.
 * Gives:  *staged (may be NULL): which indices among the staged ones are new.
 * Errors: KVLOGICAL_EPOSITION for a name of another position: index = expected = the position, actual = the name's, offset =
 *         the block id; KVCORE_EINVAL for NULLs.
 */
KVLOGICAL_API KVCORE_NODISCARD kvcore_status
kvlogical_external_assignments_stage(kvlogical_external_assignments *assignments, const kvhash_plh *names, size_t count,
                                     kvlogical_range *staged, kvcore_error *error);

/** Staged blocks become assigned. Gives: which indices among the assigned ones are new. Never fails. O(1). */
KVLOGICAL_API kvlogical_range kvlogical_external_assignments_commit(kvlogical_external_assignments *assignments);

/**
 * kvlogical_external_assignments_stage(), then _commit(): *assigned (may be NULL) includes what was staged before.
 *
 * Errors: as kvlogical_external_assignments_stage().
 */
KVLOGICAL_API KVCORE_NODISCARD kvcore_status
kvlogical_external_assignments_assign(kvlogical_external_assignments *assignments, const kvhash_plh *names,
                                      size_t count, kvlogical_range *assigned, kvcore_error *error);

/**
 * Hand the staged blocks over; the tracker has none staged afterwards.
 *
 * Gives:  *count of them in `blocks`, which may be NULL with a capacity of 0 to learn the count.
 * Errors: KVCORE_EBUFFER when capacity is smaller, with *count; KVCORE_EINVAL for NULLs.
 * Cost:   O(all).
 */
KVLOGICAL_API KVCORE_NODISCARD kvcore_status kvlogical_external_assignments_take_staged(
    kvlogical_external_assignments *assignments, kvlogical_assignment *blocks, size_t capacity, size_t *count);

/** Forget every block; offset and memory stay. NULL is ignored. */
KVLOGICAL_API void kvlogical_external_assignments_clear(kvlogical_external_assignments *assignments);

/** Is the id assigned, staged or unassigned? */
KVLOGICAL_API bool kvlogical_external_assignments_contains(const kvlogical_external_assignments *assignments,
                                                           uint64_t block_id);

/** What a tracker holds, in order: first the assigned blocks, then the staged, then the unassigned ones. */
typedef struct kvlogical_external_assignments_view {
    const uint64_t *block_ids;           /**< of all three parts, one after the other */
    const kvhash_plh *names;             /**< of the first two */
    size_t assigned, staged, unassigned; /**< how many blocks of each kind */
    size_t offset;                       /**< position of the first one */
} kvlogical_external_assignments_view;

/** Valid: until the next call that changes the tracker. A NULL tracker reads as an empty one. */
KVLOGICAL_API kvlogical_external_assignments_view
kvlogical_external_assignments_view_of(const kvlogical_external_assignments *assignments);

/** @name Positions, from a view; a NULL view reads as an empty one. @{ */
/** The position that the next unassigned block will have. */
KVLOGICAL_API size_t kvlogical_external_assignments_next_position(const kvlogical_external_assignments_view *view);
/** The positions of the assigned blocks. */
KVLOGICAL_API kvlogical_range
kvlogical_external_assignments_assigned_positions(const kvlogical_external_assignments_view *view);
/** The positions of the staged blocks. */
KVLOGICAL_API kvlogical_range
kvlogical_external_assignments_staged_positions(const kvlogical_external_assignments_view *view);
/** The positions that the unassigned blocks will have. */
KVLOGICAL_API kvlogical_range
kvlogical_external_assignments_pending_positions(const kvlogical_external_assignments_view *view);
/** @} */

/** The assigned block at a position of the sequence, if there is one. */
KVLOGICAL_API bool kvlogical_external_assignments_at_position(const kvlogical_external_assignments *assignments,
                                                              size_t position, kvlogical_assignment *block);
/** The unassigned block that will stand there, if there is one. */
KVLOGICAL_API bool kvlogical_external_assignments_pending_at_position(const kvlogical_external_assignments *assignments,
                                                                      size_t position, uint64_t *block_id);

/** Two blocks at one position: where data is and where it goes. */
typedef struct kvlogical_zipped {
    size_t position;        /**< in the sequence */
    uint64_t first, second; /**< the two block ids */
} kvlogical_zipped;

/**
 * The positions at which both trackers have assigned blocks, ascending. Their offsets may differ.
 *
 * Gives:  *count, and as many of `zipped`, which may be NULL with a capacity of 0 to learn the count.
 * Errors: KVCORE_EBUFFER when capacity is smaller, with *count; KVCORE_EINVAL for NULLs.
 */
KVLOGICAL_API KVCORE_NODISCARD kvcore_status kvlogical_external_assignments_zip_assigned(
    const kvlogical_external_assignments *first, const kvlogical_external_assignments *second, kvlogical_zipped *zipped,
    size_t capacity, size_t *count);

/**
 * The same for the assigned blocks of `source` and the unassigned ones of `target`: what to copy where.
 *
 * Errors: as kvlogical_external_assignments_zip_assigned().
 */
KVLOGICAL_API KVCORE_NODISCARD kvcore_status kvlogical_external_assignments_zip_pending(
    const kvlogical_external_assignments *source, const kvlogical_external_assignments *target,
    kvlogical_zipped *zipped, size_t capacity, size_t *count);

#ifdef __cplusplus
}
#endif

#endif
