/* Multimodal runs in order of offset, without memory for a sorted copy. Private to hashing.
 *
 * Runs that are in order are walked where they are. Others are picked in batches: each batch is one pass over all runs that
 * keeps the next RUN_WALK_BATCH of them. Equal offsets keep the given order. */
#ifndef HASHING_RUN_WALK_H
#define HASHING_RUN_WALK_H

#include <stdbool.h>
#include <stddef.h>

#include <kvhash/multimodal.h>

#define RUN_WALK_BATCH 128

typedef struct run_walk {
    const kvhash_mm_run *current; /* the run the walk stands at; == limit: no more */
    const kvhash_mm_run *limit;
    const kvhash_mm_run *runs; /* as given */
    size_t count;
    bool in_order;
    size_t left;                         /* not in order: runs that no batch has had yet */
    kvhash_mm_run batch[RUN_WALK_BATCH]; /* not in order: copies */
    size_t batch_index[RUN_WALK_BATCH];  /* and which run each of them is */
} run_walk;

/* Stand at the run with the smallest offset. The runs stay borrowed. */
void kvhash__run_walk_start(run_walk *walk, const kvhash_mm_run *runs, size_t count);

/* The same for runs that are known to be in order. */
static inline void run_walk_start_in_order(run_walk *walk, const kvhash_mm_run *runs, size_t count) {
    walk->current = walk->runs = runs;
    walk->limit = count == 0 ? runs : runs + count;
    walk->count = count;
    walk->in_order = true;
}

void kvhash__run_walk_next_batch(run_walk *walk);

static inline bool run_walk_done(const run_walk *walk) { return walk->current == walk->limit; }

static inline void run_walk_next(run_walk *walk) {
    if (++walk->current == walk->limit && !walk->in_order) kvhash__run_walk_next_batch(walk);
}

/* Which of the given runs the walk stands at. */
static inline size_t run_walk_index(const run_walk *walk) {
    return walk->in_order ? (size_t)(walk->current - walk->runs) : walk->batch_index[walk->current - walk->batch];
}

/* Sort runs whose mm_hash holds their index by (offset, index). In place, nothing allocated, O(count · log count). */
void kvhash__run_walk_sort_indexed(kvhash_mm_run *runs, size_t count);

bool kvhash__run_walk_is_in_order(const kvhash_mm_run *runs, size_t count);

#endif
