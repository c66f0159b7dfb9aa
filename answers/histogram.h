/* Hits by distance, told run by run: a difference of a difference. Private to answers. */
#ifndef ANSWERS_HISTOGRAM_H
#define ANSWERS_HISTOGRAM_H

#include <kvanswers/curve.h>

#include "memory.h"

typedef struct histogram {
    int64_t *steps; /* by distance */
    size_t capacity;
} histogram;

/* Room for distances up to this one. */
static inline kvcore_status histogram_reserve(histogram *h, const kvcore_allocator *allocator, uint64_t distance) {
    return array_reserve(allocator, &h->steps, &h->capacity, (size_t)distance + 2, sizeof *h->steps);
}

static inline void histogram_count(histogram *h, const kvanswers_run *run) {
    h->steps[run->distance]++;
    h->steps[run->distance + run->count]--;
}

static inline uint64_t histogram_sum(const histogram *h, uint64_t capacity) {
    int64_t at = 0, sum = 0;
    for (size_t i = 0; i < h->capacity && i <= capacity; i++) {
        at += h->steps[i];
        sum += at;
    }
    return (uint64_t)sum;
}

static inline void histogram_free(histogram *h, const kvcore_allocator *allocator) {
    array_free(allocator, h->steps, h->capacity, sizeof *h->steps);
}

/* The largest distance of these runs. */
static inline uint64_t runs_reach(const kvanswers_run *runs, size_t count) {
    uint64_t most = 0;
    for (size_t i = 0; i < count; i++)
        if (runs[i].distance + (uint64_t)runs[i].count > most) most = runs[i].distance + (uint64_t)runs[i].count;
    return most;
}

#endif
