/* Checking runs in the order of the reference. Private to hashing. */
#ifndef HASHING_RUN_CHECK_H
#define HASHING_RUN_CHECK_H

#include "run_walk.h"

/* Check runs as kvhash_mm_sort() says; the first fault is reported. On success the walk stands at their first. */
kvcore_status kvhash__run_check(run_walk *walk, const kvhash_mm_run *runs, size_t count, uint64_t token_count,
                                kvcore_error *error);

#endif
