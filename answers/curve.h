/* What curve.c (counting) and optimum.c share. Private to answers. */
#ifndef ANSWERS_CURVE_H
#define ANSWERS_CURVE_H

#include <kvanswers/curve.h>

#include "recency.h"

#define CHUNK_DISTANCES 1024
#define CHUNK_SEGMENTS 1024

/* Counts at distances: all are differences, so that their sums up to C are the figures at capacity C. */
typedef struct distance_chunk {
    int64_t runs[CHUNK_DISTANCES];     /* the difference of the number of hits at a distance: summed twice */
    int64_t reused[CHUNK_DISTANCES];   /* stays that have a first hit */
    uint64_t missing[CHUNK_DISTANCES]; /* tokens that the last blocks of requests are short of a whole block */
} distance_chunk;

/* Blocks of `request` that `next` touches next: one after the other they are the chain of the request, from its front. */
typedef struct curve_segment {
    uint32_t request, count, next;
} curve_segment;

typedef struct segment_chunk {
    curve_segment segments[CHUNK_SEGMENTS];
} segment_chunk;

struct kvanswers_curve {
    kvcore_allocator allocator;
    uint32_t block_tokens;
    bool no_optimum;
    recency recency;
    distance_chunk **distances; /* of distances from 0 */
    size_t distance_chunks, distance_capacity;
    segment_chunk **segments;
    size_t segment_chunks, segment_capacity, segment_count;
    uint32_t *lengths; /* of each request, in blocks; from 1 */
    size_t length_capacity;
    uint64_t references, tokens, missing; /* missing: of last blocks that came back, whatever their distance */
    uint32_t longest;
};

/* KVCORE_EINVAL for a capacity that is less than exact_from. */
kvcore_status kvanswers__capacity_check(const kvanswers_curve *curve, size_t index, uint64_t capacity,
                                        kvcore_error *error);

/* hits of ceiling hits are at least so many percent. */
bool kvanswers__reaches(uint64_t hits, uint64_t ceiling, uint32_t percent);

#endif
