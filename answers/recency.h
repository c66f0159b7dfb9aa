/* The list of all blocks by last use, as a tree over requests. Private to answers.
 *
 * Each block has the number of the request that touched it last. The blocks that a request touched last stand side by side
 * in the list, younger requests before older ones, and within a request in the order of its chain: later requests take
 * leading parts of it. So the place of a run of blocks is what the younger requests have left, and one look into a Fenwick
 * tree of what each request has left answers for the run.
 *
 * The table is in parts that grow one after the other, so that growing never needs the memory of two tables. */
#ifndef ANSWERS_RECENCY_H
#define ANSWERS_RECENCY_H

#include <kvanswers/curve.h>

#define RECENCY_PARTS 64
#define RECENCY_NEVER UINT32_MAX /* of a distance: a first reference */

typedef struct recency_block {
    uint64_t key;
    uint32_t last;     /* the request that touched it last, from 1; 0: an empty place */
    uint32_t distance; /* of its last reference */
} recency_block;

typedef struct recency_part {
    recency_block *places;
    uint32_t capacity, count;
} recency_part;

typedef struct recency {
    kvcore_allocator allocator;
    recency_part parts[RECENCY_PARTS];
    uint32_t spare; /* blocks that every part has room for */
    uint32_t *left; /* Fenwick tree: blocks that the requests have in the list */
    size_t left_capacity;
    uint32_t requests, blocks;
    /* of the request that is served */
    kvanswers_run *runs;
    size_t run_capacity, run_count;
    recency_block **found; /* one a block of the request */
    uint64_t *keys;
    size_t found_capacity, key_capacity;
} recency;

void kvanswers__recency_init(recency *r, const kvcore_allocator *allocator);
void kvanswers__recency_clear(recency *r);

/* Make room for a request of so many blocks with these names. KVCORE_ENOMEM, KVCORE_EOVERFLOW. */
KVCORE_NODISCARD kvcore_status kvanswers__recency_reserve(recency *r, const uint64_t *names, size_t count);

/* Serve the request that there was made room for: runs, found, requests, blocks. The distances of the blocks in `found` are
 * still those before the request; those of new blocks are RECENCY_NEVER. The caller sets them. */
void kvanswers__recency_serve(recency *r, size_t count);

/* Blocks in the list that the requests up to this one touched last. */
uint32_t kvanswers__recency_left(const recency *r, uint32_t request);

size_t kvanswers__recency_bytes(const recency *r);

#endif
