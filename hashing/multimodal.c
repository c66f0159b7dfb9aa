#include <kvhash/multimodal.h>

#include <string.h>

#include "frames.h"

/* What callers inline is compiled here once, to be exported. */
extern inline kvcore_status kvhash_mm_run_end(kvhash_mm_run run, uint64_t *end);
extern inline bool kvhash_mm_run_covers(kvhash_mm_run run, uint64_t at);

kvcore_status kvhash_mm_sort(const kvhash_mm_run *runs, size_t count, uint64_t token_count, kvhash_mm_run *sorted,
                             kvcore_error *error) {
    if (runs == NULL && count != 0)
        return kvcore_fail(error, &(kvcore_error){.code = KVCORE_EINVAL, .index = KVCORE_NO_INDEX},
                           "runs is NULL with a count of %zu", count);
    run_walk walk;
    kvcore_status status = kvhash__run_walk_begin(&walk, runs, count, token_count, error);
    if (status != KVCORE_OK) return status;
    if (sorted != NULL && count != 0) memcpy(sorted, walk.current, count * sizeof *sorted);
    kvhash__run_walk_end(&walk);
    return KVCORE_OK;
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
