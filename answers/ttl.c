#include <kvanswers/ttl.h>

#include "histogram.h"

typedef struct ttl_limit {
    uint64_t limit_ms;
    histogram hits;
    size_t oldest;  /* request whose blocks have not expired; from 1 */
    uint64_t alive; /* blocks */
    uint64_t peak;
    wide held_block_ms; /* of touches that were followed by another of the same block */
} ttl_limit;

struct kvanswers_ttl {
    kvcore_allocator allocator;
    ttl_limit *limits;
    size_t limit_count;
    uint64_t *times; /* of each request, from 1 */
    uint32_t *left;  /* blocks that each request touched last */
    size_t time_capacity, left_capacity, requests;
};

void kvanswers_ttl_destroy(kvanswers_ttl *t) {
    if (t == NULL) return;
    kvcore_allocator allocator = t->allocator;
    for (size_t i = 0; t->limits != NULL && i < t->limit_count; i++) histogram_free(&t->limits[i].hits, &allocator);
    array_delete(&allocator, t->limits, t->limit_count, sizeof *t->limits);
    array_free(&allocator, t->times, t->time_capacity, sizeof *t->times);
    array_free(&allocator, t->left, t->left_capacity, sizeof *t->left);
    array_delete(&allocator, t, 1, sizeof *t);
}

kvcore_status kvanswers_ttl_create(const uint64_t *limits_ms, size_t count, const kvcore_allocator *given,
                                   kvanswers_ttl **ttl) {
    if (ttl == NULL || (limits_ms == NULL && count != 0)) return KVCORE_EINVAL;
    kvcore_allocator allocator = allocator_or_libc(given);
    *ttl = NULL;
    kvanswers_ttl *made = array_new(&allocator, 1, sizeof *made);
    if (made == NULL) return KVCORE_ENOMEM;
    made->allocator = allocator;
    made->limit_count = count;
    made->limits = array_new(&allocator, count, sizeof *made->limits);
    if (made->limits == NULL) {
        kvanswers_ttl_destroy(made);
        return KVCORE_ENOMEM;
    }
    for (size_t i = 0; i < count; i++) made->limits[i] = (ttl_limit){.limit_ms = limits_ms[i], .oldest = 1};
    *ttl = made;
    return KVCORE_OK;
}

static uint64_t least_of(uint64_t a, uint64_t b) { return a < b ? a : b; }

static kvcore_status reserve(kvanswers_ttl *t, const kvanswers_run *runs, size_t run_count) {
    size_t requests = t->requests + 2;
    uint64_t reach = runs_reach(runs, run_count);
    kvcore_status status = array_reserve(&t->allocator, &t->times, &t->time_capacity, requests, sizeof *t->times);
    if (status == KVCORE_OK)
        status = array_reserve(&t->allocator, &t->left, &t->left_capacity, requests, sizeof *t->left);
    for (size_t i = 0; i < t->limit_count && status == KVCORE_OK; i++)
        status = histogram_reserve(&t->limits[i].hits, &t->allocator, reach);
    return status;
}

static void count_runs(kvanswers_ttl *t, ttl_limit *limit, const kvanswers_run *runs, size_t run_count) {
    for (size_t i = 0; i < run_count; i++) {
        uint64_t idle = t->times[t->requests] - t->times[runs[i].before];
        if (idle <= limit->limit_ms) histogram_count(&limit->hits, &runs[i]);
        if (runs[i].before >= limit->oldest) limit->alive -= runs[i].count;
        limit->held_block_ms += (wide)least_of(idle, limit->limit_ms) * runs[i].count;
    }
}

/* The request is the last of t, and its blocks are no longer among those of the requests before. */
static void expire(kvanswers_ttl *t, ttl_limit *limit) {
    limit->alive += t->left[t->requests];
    while (t->times[t->requests] - t->times[limit->oldest] > limit->limit_ms) limit->alive -= t->left[limit->oldest++];
    if (limit->alive > limit->peak) limit->peak = limit->alive;
}

kvcore_status kvanswers_ttl_observe(kvanswers_ttl *t, const kvanswers_curve *curve, const kvanswers_request *request) {
    if (t == NULL || curve == NULL || request == NULL || kvanswers_curve_totals(curve).requests != t->requests + 1)
        return KVCORE_EINVAL;
    size_t run_count = 0;
    const kvanswers_run *runs = kvanswers_curve_runs(curve, &run_count);
    kvcore_status status = reserve(t, runs, run_count);
    if (status != KVCORE_OK) return status;
    uint64_t before = t->times[t->requests];
    t->requests++;
    t->times[t->requests] = request->time_ms > before ? request->time_ms : before;
    for (size_t i = 0; i < t->limit_count; i++) count_runs(t, &t->limits[i], runs, run_count);
    for (size_t i = 0; i < run_count; i++) t->left[runs[i].before] -= runs[i].count;
    t->left[t->requests] = (uint32_t)request->count;
    for (size_t i = 0; i < t->limit_count; i++) expire(t, &t->limits[i]);
    return KVCORE_OK;
}

static double mean_blocks(const kvanswers_ttl *t, const ttl_limit *limit) {
    if (t->requests == 0 || t->times[t->requests] == t->times[1]) return 0;
    wide held = limit->held_block_ms;
    for (size_t i = 1; i <= t->requests; i++)
        held += (wide)least_of(t->times[t->requests] - t->times[i], limit->limit_ms) * t->left[i];
    return (double)held / (double)(t->times[t->requests] - t->times[1]);
}

kvcore_status kvanswers_ttl_read(const kvanswers_ttl *t, size_t limit, uint64_t capacity, kvanswers_ttl_point *point) {
    if (t == NULL || point == NULL || limit >= t->limit_count) return KVCORE_EINVAL;
    const ttl_limit *l = &t->limits[limit];
    *point = (kvanswers_ttl_point){histogram_sum(&l->hits, capacity), least_of(l->peak, capacity), mean_blocks(t, l)};
    return KVCORE_OK;
}
