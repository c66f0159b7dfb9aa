#include <kvhash/multimodal.h>

#include <inttypes.h>
#include <string.h>

#include "frames.h"
#include "run_check.h"

static kvcore_status run_fail(kvcore_error *error, kvcore_status code, const kvhash_mm_run *run, size_t index,
                              uint64_t token_count) {
    kvcore_error details = {.code = code, .index = index, .offset = run->offset, .length = run->length};
    switch (code) {
    case KVHASH_EOFFSET_OVERFLOW:
        return kvcore_fail(error, &details,
                           "mm_info range starting at %" PRIu64 " (length %" PRIu64 ") overflows usize", run->offset,
                           run->length);
    case KVHASH_EOUT_OF_BOUNDS:
        details.expected = token_count;
        return kvcore_fail(error, &details,
                           "mm_info range starting at %" PRIu64 " (length %" PRIu64 ") exceeds tokens length %" PRIu64,
                           run->offset, run->length, token_count);
    case KVHASH_EOVERLAP:
        return kvcore_fail(error, &details, "mm_info ranges overlap at position %" PRIu64, run->offset);
    default: return kvcore_fail(error, &details, "mm_info length must be greater than zero");
    }
}

kvcore_status kvhash__run_check(run_walk *walk, const kvhash_mm_run *runs, size_t count, uint64_t token_count,
                                kvcore_error *error) {
    uint64_t previous_end = 0;
    kvhash__run_walk_start(walk, runs, count);
    for (; !run_walk_done(walk); run_walk_next(walk)) {
        const kvhash_mm_run *run = walk->current;
        uint64_t end;
        kvcore_status fault = KVCORE_OK;
        if (run->length == 0)
            fault = KVHASH_EEMPTY_RUN;
        else if (kvhash_mm_run_end(*run, &end) != KVCORE_OK)
            fault = KVHASH_EOFFSET_OVERFLOW;
        else if (end > token_count)
            fault = KVHASH_EOUT_OF_BOUNDS;
        else if (run->offset < previous_end)
            fault = KVHASH_EOVERLAP;
        else
            previous_end = end;
        if (fault != KVCORE_OK) return run_fail(error, fault, run, run_walk_index(walk), token_count);
    }
    if (walk->in_order)
        run_walk_start_in_order(walk, runs, count);
    else
        kvhash__run_walk_start(walk, runs, count);
    return KVCORE_OK;
}

/* Copy valid runs in order. The index of each stands in its mm_hash while they are sorted. */
static void copy_sorted(const kvhash_mm_run *runs, size_t count, kvhash_mm_run *sorted) {
    if (count == 0) return;
    memcpy(sorted, runs, count * sizeof *runs);
    if (kvhash__run_walk_is_in_order(runs, count)) return;
    for (size_t i = 0; i < count; i++) sorted[i].mm_hash = i;
    kvhash__run_walk_sort_indexed(sorted, count);
    for (size_t i = 0; i < count; i++) sorted[i].mm_hash = runs[sorted[i].mm_hash].mm_hash;
}

kvcore_status kvhash_mm_sort(const kvhash_mm_run *runs, size_t count, uint64_t token_count, kvhash_mm_run *sorted,
                             kvcore_error *error) {
    if (runs == NULL && count != 0)
        return kvcore_fail(error, &(kvcore_error){.code = KVCORE_EINVAL, .index = KVCORE_NO_INDEX},
                           "runs is NULL with a count of %zu", count);
    run_walk walk;
    kvcore_status status = kvhash__run_check(&walk, runs, count, token_count, error);
    if (status == KVCORE_OK && sorted != NULL) copy_sorted(runs, count, sorted);
    return status;
}

/* In order and without fault; token lists have no end here. */
static kvcore_status check_ordered(const kvhash_mm_run *runs, size_t count) {
    uint64_t previous_end = 0;
    for (size_t i = 0; i < count; i++) {
        if (runs[i].length == 0) return KVHASH_EEMPTY_RUN;
        if (runs[i].offset < previous_end) return KVHASH_EOVERLAP;
        kvcore_status status = kvhash_mm_run_end(runs[i], &previous_end);
        if (status != KVCORE_OK) return status;
    }
    return KVCORE_OK;
}

kvcore_status kvhash_block_bytes(const kvhash_slots *block, void *bytes, size_t capacity, size_t *size_bytes) {
    if (block == NULL || size_bytes == NULL || (bytes == NULL && capacity != 0)) return KVCORE_EINVAL;
    if ((block->tokens == NULL && block->token_count != 0) || (block->runs == NULL && block->run_count != 0))
        return KVCORE_EINVAL;
    uint64_t end;
    if (__builtin_add_overflow(block->offset, block->token_count, &end)) return KVCORE_EOVERFLOW;
    kvcore_status status = check_ordered(block->runs, block->run_count);
    if (status != KVCORE_OK) return status;

    run_walk walk;
    run_walk_start_in_order(&walk, block->runs, block->run_count);
    while (!run_walk_done(&walk) && walk.current->offset + walk.current->length <= block->offset) run_walk_next(&walk);
    bool framed = !run_walk_done(&walk) && walk.current->offset < end;
    size_t needed;
    if (__builtin_mul_overflow(block->token_count, framed ? FRAME_BYTES : PLAIN_BYTES, &needed))
        return KVCORE_EOVERFLOW;
    *size_bytes = needed;
    if (needed > capacity) return KVCORE_EBUFFER;
    if (framed)
        frames_write(bytes, block->tokens, block->offset, end, &walk);
    else
        plain_write(bytes, block->tokens, block->token_count);
    return KVCORE_OK;
}
