/**
 * @file
 * Multimodal runs: stretches of slots that stand for an image, a sound, a video instead of for tokens.
 *
 * A run covers the slots offset … offset + length − 1 of a token list; mm_hash is the engine's hash of the media. A block that
 * no run touches is hashed as its tokens, 4 bytes a slot, u32 LE. As soon as one run touches it, every slot takes 13 bytes:
 *
 *     a token          00 | token u32 LE               | 8 zero bytes
 *     a placeholder    01 | slot − run.offset, u32 LE  | mm_hash u64 LE      (the token id at that slot is ignored)
 *
 * Equal media at equal places therefore share blocks, and the blocks inside one long run differ from each other.
 *
 * Owns:    nothing. Threads: any. Nothing allocates, but see kvhash_mm_sort(). Units: offsets and lengths count slots; a slot is a token or a placeholder.
 * Source:  dynamo-tokens 1.5.0, TokenBlockMmInfo; pinned by block_bytes, mm_errors and requests_mm of the hashing vectors.
 */
#ifndef KVHASH_MULTIMODAL_H
#define KVHASH_MULTIMODAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <kvcore/status.h>
#include <kvhash/export.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A stretch of token slots that stand for one image, sound or video. */
typedef struct kvhash_mm_run {
    uint64_t mm_hash; /**< what stands there */
    uint64_t offset;  /**< first slot, counted from 0 */
    uint64_t length;  /**< slots */
} kvhash_mm_run;

/** One past the last slot. Errors: KVCORE_EINVAL for NULL; KVHASH_EOFFSET_OVERFLOW when offset + length does not fit; *end is
 * then untouched. */
KVHASH_INLINE KVCORE_NODISCARD kvcore_status kvhash_mm_run_end(kvhash_mm_run run, uint64_t *end) {
    if (end == NULL) return KVCORE_EINVAL;
    if (run.offset > UINT64_MAX - run.length) return KVHASH_EOFFSET_OVERFLOW;
    *end = run.offset + run.length;
    return KVCORE_OK;
}

/** Is slot `at` inside? Never, for a run whose end does not fit. */
KVHASH_INLINE bool kvhash_mm_run_covers(kvhash_mm_run run, uint64_t at) {
    return run.offset <= UINT64_MAX - run.length && at >= run.offset && at - run.offset < run.length;
}

/**
 * Check runs, in whatever order they are given, against a list of token_count slots, and copy them in order of offset.
 *
 * The runs are looked at in order of offset, equal offsets in the given order; the first fault is reported. Of each run, in
 * this order: KVHASH_EEMPTY_RUN; KVHASH_EOFFSET_OVERFLOW; KVHASH_EOUT_OF_BOUNDS; KVHASH_EOVERLAP. Touching runs are fine.
 *
 * Gives:  sorted[0 … count−1], unless `sorted` is NULL (check only). It may not overlap `runs`.
 * Errors: those, with error->index = the run's index as given, error->offset and error->length its fields, for
 *         KVHASH_EOUT_OF_BOUNDS error->expected = token_count; KVCORE_EINVAL for NULL runs with a count.
 *         `sorted` is untouched then.
 *         KVCORE_ENOMEM for more than 128 that are not in order.
 * Cost:   O(count) when they are in order; else O(count · log count), and more than 128 take memory of the C library for the
 *         call.
 */
KVHASH_API KVCORE_NODISCARD kvcore_status kvhash_mm_sort(const kvhash_mm_run *runs, size_t count, uint64_t token_count,
                                                         kvhash_mm_run *sorted, kvcore_error *error);

/** Some slots of a longer list, and the runs of that list. */
typedef struct kvhash_slots {
    const uint32_t *tokens; /**< of the first slot and those after it */
    size_t token_count;     /**< how many slots */
    uint64_t offset; /**< of the first slot in the list: what the runs' offsets count from is slot 0 of the list */
    const kvhash_mm_run *runs; /**< in order of offset; those that touch none of the slots do no harm */
    size_t run_count;          /**< how many runs */
} kvhash_slots;

/**
 * The bytes of one block that its block hash is taken of: block hash = kvhash_xxh3(bytes, salt hash).
 *
 * Gives:  *size_bytes (4 or 13 times the slots) and the bytes.
 * Errors: KVCORE_EBUFFER when they are more than `capacity`, with *size_bytes what is needed and nothing else written (so a
 *         NULL buffer of capacity 0 asks for the size); KVHASH_EEMPTY_RUN, KVHASH_EOFFSET_OVERFLOW, KVHASH_EOVERLAP for runs
 *         that are faulty or not in order; KVCORE_EOVERFLOW when the slots end past 2^64 − 1; KVCORE_EINVAL for NULLs.
 * Cost:   O(slots + runs).
 */
KVHASH_API KVCORE_NODISCARD kvcore_status kvhash_block_bytes(const kvhash_slots *block, void *bytes, size_t capacity,
                                                             size_t *size_bytes);

#ifdef __cplusplus
}
#endif

#endif
