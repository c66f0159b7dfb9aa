/* Multimodal runs in order of offset. Private to hashing.
 *
 * Runs that are in order are walked where they are. Few others are sorted in the walk itself, many in memory of the C library.
 * Equal offsets keep the given order. */
#ifndef HASHING_RUN_WALK_H
#define HASHING_RUN_WALK_H

#include <stdbool.h>
#include <stddef.h>

#include <kvhash/multimodal.h>

#define RUN_WALK_FEW 128

typedef struct run_walk {
    const kvhash_mm_run *current; /* the run the walk stands at; == limit: no more */
    const kvhash_mm_run *limit;
    kvhash_mm_run few[RUN_WALK_FEW]; /* sorted copies */
    kvhash_mm_run *many;             /* the same, when there are more; else NULL */
} run_walk;

/* Stand at the first of runs that are known to be in order. They stay borrowed; there is nothing to end. */
static inline void run_walk_start_in_order(run_walk *walk, const kvhash_mm_run *runs, size_t count) {
    walk->current = runs;
    walk->limit = count == 0 ? runs : runs + count;
    walk->many = NULL;
}

static inline bool run_walk_done(const run_walk *walk) { return walk->current == walk->limit; }
static inline void run_walk_next(run_walk *walk) { walk->current++; }

/* Check runs as kvhash_mm_sort() says; the first fault is reported. On success the walk stands at the first in order of offset,
 * and is to be ended; on failure there is nothing to end. Runs in order stay borrowed. */
KVCORE_NODISCARD kvcore_status kvhash__run_walk_begin(run_walk *walk, const kvhash_mm_run *runs, size_t count,
                                                      uint64_t token_count, kvcore_error *error);
void kvhash__run_walk_end(run_walk *walk);

#endif
