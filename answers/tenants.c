#include <kvanswers/tenants.h>

#include "histogram.h"

typedef struct tenant {
    kvanswers_curve *alone;
    histogram shared;
} tenant;

struct kvanswers_tenants {
    kvcore_allocator allocator;
    uint32_t block_tokens;
    tenant *list;
    size_t count, capacity;
};

kvcore_status kvanswers_tenants_create(uint32_t block_tokens, const kvcore_allocator *given,
                                       kvanswers_tenants **tenants) {
    if (tenants == NULL) return KVCORE_EINVAL;
    kvcore_allocator allocator = allocator_or_libc(given);
    *tenants = array_new(&allocator, 1, sizeof **tenants);
    if (*tenants == NULL) return KVCORE_ENOMEM;
    (*tenants)->allocator = allocator;
    (*tenants)->block_tokens = block_tokens;
    return KVCORE_OK;
}

void kvanswers_tenants_destroy(kvanswers_tenants *t) {
    if (t == NULL) return;
    kvcore_allocator allocator = t->allocator;
    for (size_t i = 0; i < t->count; i++) {
        kvanswers_curve_destroy(t->list[i].alone);
        histogram_free(&t->list[i].shared, &allocator);
    }
    array_free(&allocator, t->list, t->capacity, sizeof *t->list);
    array_delete(&allocator, t, 1, sizeof *t);
}

static kvcore_status add_tenant(kvanswers_tenants *t) {
    kvanswers_curve_config config = KVANSWERS_CURVE_CONFIG_INIT;
    config.block_tokens = t->block_tokens;
    config.no_optimum = true;
    config.allocator = t->allocator;
    kvcore_status status = array_reserve(&t->allocator, &t->list, &t->capacity, t->count + 1, sizeof *t->list);
    if (status == KVCORE_OK) status = kvanswers_curve_create(&config, &t->list[t->count].alone, NULL);
    if (status == KVCORE_OK) t->count++;
    return status;
}

kvcore_status kvanswers_tenants_observe(kvanswers_tenants *t, size_t number, const kvanswers_curve *curve,
                                        const kvanswers_request *request) {
    if (t == NULL || curve == NULL || request == NULL || number > t->count) return KVCORE_EINVAL;
    kvcore_status status = number == t->count ? add_tenant(t) : KVCORE_OK;
    if (status != KVCORE_OK) return status;
    size_t run_count = 0;
    const kvanswers_run *runs = kvanswers_curve_runs(curve, &run_count);
    tenant *of = &t->list[number];
    status = histogram_reserve(&of->shared, &t->allocator, runs_reach(runs, run_count));
    if (status == KVCORE_OK) status = kvanswers_curve_observe(of->alone, request);
    for (size_t i = 0; i < run_count && status == KVCORE_OK; i++) histogram_count(&of->shared, &runs[i]);
    return status;
}

size_t kvanswers_tenants_count(const kvanswers_tenants *t) { return t != NULL ? t->count : 0; }

const kvanswers_curve *kvanswers_tenants_alone(const kvanswers_tenants *t, size_t number) {
    return t != NULL && number < t->count ? t->list[number].alone : NULL;
}

uint64_t kvanswers_tenants_shared(const kvanswers_tenants *t, size_t number, uint64_t capacity) {
    return t != NULL && number < t->count ? histogram_sum(&t->list[number].shared, capacity) : 0;
}

/* ---- quotas ---- */

/* A tenant's hits at 0, step, 2 · step, …, and the corners of the concave hull over them. */
typedef struct hull {
    uint64_t *hits;
    size_t *corners;
    size_t points, corner_count, at; /* at: the corner that the quota has reached or passed */
    size_t steps;                    /* of the quota */
} hull;

/* Does the middle of three points lie below the line from the first to the last, or on it? */
static bool below(const hull *h, size_t first, size_t middle, size_t last) {
    wide left = (wide)(h->hits[middle] - h->hits[first]) * (last - first);
    return left <= (wide)(h->hits[last] - h->hits[first]) * (middle - first);
}

static void find_corners(hull *h) {
    for (size_t i = 0; i < h->points; i++) {
        while (h->corner_count >= 2 && below(h, h->corners[h->corner_count - 2], h->corners[h->corner_count - 1], i))
            h->corner_count--;
        h->corners[h->corner_count++] = i;
    }
}

static kvcore_status read_hits(const kvcore_allocator *allocator, const kvanswers_curve *curve, uint64_t step,
                               hull *h) {
    uint64_t exact_from = kvanswers_curve_totals(curve).exact_from;
    size_t first = (size_t)((exact_from + step - 1) / step), count = h->points > first ? h->points - first : 0;
    if (count == 0) return KVCORE_OK;
    uint64_t *capacities = array_new(allocator, count, sizeof *capacities);
    kvanswers_point *points = array_new(allocator, count, sizeof *points);
    kvcore_status status = capacities == NULL || points == NULL ? KVCORE_ENOMEM : KVCORE_OK;
    for (size_t i = 0; i < count && status == KVCORE_OK; i++) capacities[i] = (first + i) * step;
    if (status == KVCORE_OK) status = kvanswers_curve_read(curve, capacities, count, points, NULL);
    for (size_t i = 0; i < count && status == KVCORE_OK; i++) h->hits[first + i] = points[i].hits;
    array_delete(allocator, capacities, count, sizeof *capacities);
    array_delete(allocator, points, count, sizeof *points);
    return status;
}

static kvcore_status hull_open(hull *h, const kvanswers_tenants *t, size_t number, uint64_t blocks, uint64_t step) {
    const kvanswers_curve *curve = t->list[number].alone;
    uint64_t unique = kvanswers_curve_totals(curve).unique_blocks, most = unique / step + 1;
    *h = (hull){.points = (size_t)(blocks / step < most ? blocks / step : most) + 1};
    h->hits = array_new(&t->allocator, h->points, sizeof *h->hits);
    h->corners = array_new(&t->allocator, h->points, sizeof *h->corners);
    if (h->hits == NULL || h->corners == NULL) return KVCORE_ENOMEM;
    kvcore_status status = read_hits(&t->allocator, curve, step, h);
    if (status == KVCORE_OK) find_corners(h);
    return status;
}

/* Hits of the present side of the hull, per step. */
static double slope(const hull *h) {
    if (h->at + 1 >= h->corner_count) return 0;
    size_t from = h->corners[h->at], to = h->corners[h->at + 1];
    return (double)(h->hits[to] - h->hits[from]) / (double)(to - from);
}

static void hand_out(hull *hulls, size_t count, uint64_t steps) {
    for (; steps > 0; steps--) {
        hull *best = &hulls[0];
        for (size_t i = 1; i < count; i++)
            if (slope(&hulls[i]) > slope(best)) best = &hulls[i];
        if (slope(best) <= 0) return;
        best->steps++;
        if (best->steps == best->corners[best->at + 1]) best->at++;
    }
}

kvcore_status kvanswers_tenants_quotas(const kvanswers_tenants *t, uint64_t blocks, uint64_t step, uint64_t *quotas,
                                       uint64_t *hits) {
    if (t == NULL || step == 0 || (t->count != 0 && (quotas == NULL || hits == NULL))) return KVCORE_EINVAL;
    if (t->count == 0) return KVCORE_OK;
    hull *hulls = array_new(&t->allocator, t->count, sizeof *hulls);
    kvcore_status status = hulls == NULL ? KVCORE_ENOMEM : KVCORE_OK;
    for (size_t i = 0; i < t->count && status == KVCORE_OK; i++) status = hull_open(&hulls[i], t, i, blocks, step);
    if (status == KVCORE_OK) hand_out(hulls, t->count, blocks / step);
    for (size_t i = 0; i < t->count && hulls != NULL; i++) {
        if (status == KVCORE_OK) quotas[i] = hulls[i].steps * step;
        if (status == KVCORE_OK) hits[i] = hulls[i].hits[hulls[i].steps];
        array_delete(&t->allocator, hulls[i].hits, hulls[i].points, sizeof *hulls[i].hits);
        array_delete(&t->allocator, hulls[i].corners, hulls[i].points, sizeof *hulls[i].corners);
    }
    array_delete(&t->allocator, hulls, t->count, sizeof *hulls);
    return status;
}
