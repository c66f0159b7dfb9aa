#include "run_walk.h"

/* Here the mm_hash of a run in the heap holds its index in the given array, so that no two compare equal. */
static bool before(kvhash_mm_run a, kvhash_mm_run b) {
    return a.offset != b.offset ? a.offset < b.offset : a.mm_hash < b.mm_hash;
}

/* Put `run` into the max-heap runs[0 … count−1] at the hole `at` or below. */
static void sift_down(kvhash_mm_run *runs, size_t count, size_t at, kvhash_mm_run run) {
    for (size_t child; (child = 2 * at + 1) < count; at = child) {
        if (child + 1 < count && before(runs[child], runs[child + 1])) child++;
        if (!before(run, runs[child])) break;
        runs[at] = runs[child];
    }
    runs[at] = run;
}

static void make_heap(kvhash_mm_run *runs, size_t count) {
    for (size_t at = count / 2; at-- > 0;) sift_down(runs, count, at, runs[at]);
}

static void sort_heap(kvhash_mm_run *runs, size_t count) {
    for (; count > 1; count--) {
        kvhash_mm_run last = runs[count - 1];
        runs[count - 1] = runs[0];
        sift_down(runs, count - 1, 0, last);
    }
}

void kvhash__run_walk_sort_indexed(kvhash_mm_run *runs, size_t count) {
    make_heap(runs, count);
    sort_heap(runs, count);
}

bool kvhash__run_walk_is_in_order(const kvhash_mm_run *runs, size_t count) {
    for (size_t i = 1; i < count; i++)
        if (runs[i].offset < runs[i - 1].offset) return false;
    return true;
}

/* One pass: the smallest runs of those after `last`, or of all of them when `last` is NULL. */
static size_t pick(run_walk *walk, const kvhash_mm_run *last) {
    size_t wanted = walk->left < RUN_WALK_BATCH ? walk->left : RUN_WALK_BATCH, kept = 0;
    for (size_t i = 0; i < walk->count; i++) {
        kvhash_mm_run run = {.mm_hash = i, .offset = walk->runs[i].offset, .length = walk->runs[i].length};
        if (last != NULL && !before(*last, run)) continue;
        if (kept < wanted) {
            walk->batch[kept++] = run;
            if (kept == wanted) make_heap(walk->batch, kept);
        } else if (before(run, walk->batch[0])) {
            sift_down(walk->batch, kept, 0, run);
        }
    }
    sort_heap(walk->batch, kept);
    return kept;
}

static void take_batch(run_walk *walk, const kvhash_mm_run *last) {
    size_t kept = pick(walk, last);
    for (size_t i = 0; i < kept; i++) {
        walk->batch_index[i] = (size_t)walk->batch[i].mm_hash;
        walk->batch[i].mm_hash = walk->runs[walk->batch_index[i]].mm_hash;
    }
    walk->left -= kept;
    walk->current = walk->batch;
    walk->limit = walk->batch + kept;
}

void kvhash__run_walk_start(run_walk *walk, const kvhash_mm_run *runs, size_t count) {
    run_walk_start_in_order(walk, runs, count);
    if (kvhash__run_walk_is_in_order(runs, count)) return;
    walk->in_order = false;
    walk->left = count;
    take_batch(walk, NULL);
}

void kvhash__run_walk_next_batch(run_walk *walk) {
    if (walk->left == 0) return;
    size_t at = (size_t)(walk->limit - walk->batch) - 1;
    kvhash_mm_run last = {.mm_hash = walk->batch_index[at], .offset = walk->batch[at].offset};
    take_batch(walk, &last);
}
