/* Checking runs in the order of the reference. Private to hashing. */
#ifndef HASHING_RUN_CHECK_H
#define HASHING_RUN_CHECK_H

#include "run_walk.h"

/* Walk to the end; the first fault is reported as kvhash_mm_sort() says. */
kvcore_status run_check(run_walk *walk, uint64_t token_count, kvcore_error *error);

#endif
