/* A request, checked: what all calls that take one begin with. Private to hashing. */
#ifndef HASHING_REQUEST_READ_H
#define HASHING_REQUEST_READ_H

#include <kvhash/request.h>

#include "run_walk.h"

typedef struct request_reading {
    const kvhash_request *request; /* the caller's, or `own` when its shape is another version's */
    kvhash_request own;
    run_walk walk; /* stands at the first run */
    size_t block_count;
} request_reading;

/* Check the request and an array `out` for `capacity` results. Gives *count blocks, and a walk to be ended; not on failure.
 * Errors: as kvhash_request_names(). */
KVCORE_NODISCARD kvcore_status kvhash__request_read(request_reading *reading, const kvhash_request *given,
                                                    const void *out, size_t capacity, size_t *count,
                                                    kvcore_error *error);

#endif
