#include "run_walk.h"

#include <inttypes.h>
#include <stdlib.h>

/* ---- sorting: while it lasts, the mm_hash of a run is its index in the given array ---- */

static int by_offset(const void *a, const void *b) {
    const kvhash_mm_run *left = a, *right = b;
    if (left->offset != right->offset) return left->offset < right->offset ? -1 : 1;
    return left->mm_hash < right->mm_hash ? -1 : 1;
}

static bool is_in_order(const kvhash_mm_run *runs, size_t count) {
    for (size_t i = 1; i < count; i++)
        if (runs[i].offset < runs[i - 1].offset) return false;
    return true;
}

/* Insertion: qsort() may allocate, and few runs are few. */
static void sort_few(kvhash_mm_run *runs, size_t count) {
    for (size_t i = 1; i < count; i++) {
        kvhash_mm_run run = runs[i];
        size_t at = i;
        for (; at > 0 && by_offset(&run, &runs[at - 1]) < 0; at--) runs[at] = runs[at - 1];
        runs[at] = run;
    }
}

static void sift_down(kvhash_mm_run *runs, size_t count, size_t at, kvhash_mm_run run) {
    for (size_t child; (child = 2 * at + 1) < count; at = child) {
        if (child + 1 < count && by_offset(&runs[child], &runs[child + 1]) < 0) child++;
        if (by_offset(&run, &runs[child]) >= 0) break;
        runs[at] = runs[child];
    }
    runs[at] = run;
}

/* A heap: the C library's qsort() may be quadratic for whoever chooses the order. */
static void sort_many(kvhash_mm_run *runs, size_t count) {
    for (size_t at = count / 2; at-- > 0;) sift_down(runs, count, at, runs[at]);
    for (; count > 1; count--) {
        kvhash_mm_run last = runs[count - 1];
        runs[count - 1] = runs[0];
        sift_down(runs, count - 1, 0, last);
    }
}

/* ---- checking ---- */

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

static kvcore_status run_fault(const kvhash_mm_run *run, uint64_t token_count, uint64_t *previous_end) {
    uint64_t end;
    if (run->length == 0) return KVHASH_EEMPTY_RUN;
    if (kvhash_mm_run_end(*run, &end) != KVCORE_OK) return KVHASH_EOFFSET_OVERFLOW;
    if (end > token_count) return KVHASH_EOUT_OF_BOUNDS;
    if (run->offset < *previous_end) return KVHASH_EOVERLAP;
    *previous_end = end;
    return KVCORE_OK;
}

/* Runs in order; the index of each is its place, or its mm_hash when they are sorted copies. */
static kvcore_status check(const kvhash_mm_run *runs, size_t count, bool copies, uint64_t token_count,
                           kvcore_error *error) {
    uint64_t previous_end = 0;
    for (size_t i = 0; i < count; i++) {
        kvcore_status fault = run_fault(&runs[i], token_count, &previous_end);
        if (fault != KVCORE_OK)
            return run_fail(error, fault, &runs[i], copies ? (size_t)runs[i].mm_hash : i, token_count);
    }
    return KVCORE_OK;
}

/* ---- the walk ---- */

static kvhash_mm_run *sorted_copies(run_walk *walk, const kvhash_mm_run *runs, size_t count) {
    kvhash_mm_run *copies = walk->few;
    if (count > RUN_WALK_FEW) copies = walk->many = calloc(count, sizeof *copies);
    if (copies == NULL) return NULL;
    for (size_t i = 0; i < count; i++) copies[i] = (kvhash_mm_run){i, runs[i].offset, runs[i].length};
    if (count > RUN_WALK_FEW)
        sort_many(copies, count);
    else
        sort_few(copies, count);
    return copies;
}

kvcore_status kvhash__run_walk_begin(run_walk *walk, const kvhash_mm_run *runs, size_t count, uint64_t token_count,
                                     kvcore_error *error) {
    run_walk_start_in_order(walk, runs, count);
    if (is_in_order(runs, count)) return check(runs, count, false, token_count, error);
    kvhash_mm_run *copies = sorted_copies(walk, runs, count);
    if (copies == NULL)
        return kvcore_fail(error, &(kvcore_error){.code = KVCORE_ENOMEM, .index = KVCORE_NO_INDEX},
                           "no memory to sort %zu runs", count);
    kvcore_status status = check(copies, count, true, token_count, error);
    if (status != KVCORE_OK) {
        kvhash__run_walk_end(walk);
        return status;
    }
    for (size_t i = 0; i < count; i++) copies[i].mm_hash = runs[copies[i].mm_hash].mm_hash;
    walk->current = copies;
    walk->limit = copies + count;
    return KVCORE_OK;
}

void kvhash__run_walk_end(run_walk *walk) {
    free(walk->many);
    walk->many = NULL;
}
