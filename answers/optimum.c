/* The optimum by runs. What is cached and wanted next by one request is one run of that request's chain, so the state is a
 * length per future request, and the blocks that nobody wants. A run loses its end first: its deepest blocks. */
#include "bits.h"
#include "curve.h"

typedef struct wanted {
    uint32_t count, next;
} wanted;

typedef struct optimum {
    const kvanswers_curve *curve;
    wanted *wanted;   /* by request */
    uint32_t *cached; /* blocks that are cached for each future request */
    size_t *first;    /* of each request, where its part of `wanted` begins */
    size_t wanted_count, requests;
    bit_set waiting; /* requests for which something is cached */
} optimum;

static void optimum_close(optimum *o) {
    const kvcore_allocator *allocator = &o->curve->allocator;
    array_delete(allocator, o->wanted, o->wanted_count, sizeof *o->wanted);
    array_delete(allocator, o->cached, o->requests + 2, sizeof *o->cached);
    array_delete(allocator, o->first, o->requests + 2, sizeof *o->first);
    bits_close(&o->waiting, allocator);
}

static const curve_segment *segment_at(const kvanswers_curve *c, size_t i) {
    return &c->segments[i / CHUNK_SEGMENTS]->segments[i % CHUNK_SEGMENTS];
}

/* Counting sort by request; those of one request keep their order, which is that of their next uses. */
static void sort_segments(optimum *o) {
    const kvanswers_curve *c = o->curve;
    for (size_t i = 0; i < o->wanted_count; i++) o->first[segment_at(c, i)->request + 1]++;
    for (size_t i = 1; i <= o->requests + 1; i++) o->first[i] += o->first[i - 1];
    for (size_t i = 0; i < o->wanted_count; i++) {
        const curve_segment *segment = segment_at(c, i);
        o->wanted[o->first[segment->request]++] = (wanted){segment->count, segment->next};
    }
    for (size_t i = o->requests + 1; i > 0; i--) o->first[i] = o->first[i - 1];
    o->first[0] = 0;
}

static kvcore_status optimum_open(optimum *o, const kvanswers_curve *c) {
    const kvcore_allocator *allocator = &c->allocator;
    *o = (optimum){.curve = c, .wanted_count = c->segment_count, .requests = c->recency.requests};
    o->wanted = array_new(allocator, o->wanted_count, sizeof *o->wanted);
    o->cached = array_new(allocator, o->requests + 2, sizeof *o->cached);
    o->first = array_new(allocator, o->requests + 2, sizeof *o->first);
    kvcore_status status = bits_open(&o->waiting, allocator, o->requests + 1);
    if (o->wanted == NULL || o->cached == NULL || o->first == NULL) status = KVCORE_ENOMEM;
    if (status != KVCORE_OK)
        optimum_close(o);
    else
        sort_segments(o);
    return status;
}

/* Let go of `excess` blocks that are wanted last. */
static void evict_wanted(optimum *o, uint64_t excess) {
    while (excess > 0) {
        size_t last = bits_last(&o->waiting);
        uint32_t count = o->cached[last];
        if (count > excess) {
            o->cached[last] = count - (uint32_t)excess;
            return;
        }
        o->cached[last] = 0;
        bits_clear(&o->waiting, last);
        excess -= count;
    }
}

static uint64_t keep_chain(optimum *o, size_t request) {
    uint64_t kept = 0;
    for (size_t i = o->first[request]; i < o->first[request + 1]; i++) {
        const wanted *w = &o->wanted[i];
        if (o->cached[w->next] == 0) bits_set(&o->waiting, w->next);
        o->cached[w->next] += w->count;
        kept += w->count;
    }
    return kept;
}

static uint64_t optimum_at(optimum *o, uint64_t capacity) {
    uint64_t hits = 0, live = 0, dead = 0; /* live: cached and wanted again */
    memset(o->cached, 0, (o->requests + 2) * sizeof *o->cached);
    bits_empty(&o->waiting);
    for (size_t request = 1; request <= o->requests; request++) {
        uint64_t length = o->curve->lengths[request], room = capacity - length;
        uint32_t found = o->cached[request];
        if (found != 0) bits_clear(&o->waiting, request);
        o->cached[request] = 0;
        hits += found;
        live -= found;
        if (live > room) {
            evict_wanted(o, live - room);
            live = room;
        }
        if (dead > room - live) dead = room - live;
        uint64_t kept = keep_chain(o, request);
        live += kept;
        dead += length - kept;
    }
    return hits;
}

static kvcore_status check(const kvanswers_curve *c, const void *in, const void *out, kvcore_error *error) {
    if (c == NULL || in == NULL || out == NULL) {
        kvcore_fail(error, &(kvcore_error){.code = KVCORE_EINVAL}, "NULL");
        return KVCORE_EINVAL;
    }
    if (!c->no_optimum) return KVCORE_OK;
    return kvcore_fail(error, &(kvcore_error){.code = KVCORE_ENOTSUP}, "the curve was made with no_optimum");
}

static kvcore_status out_of_memory(kvcore_error *error) {
    return kvcore_fail(error, &(kvcore_error){.code = KVCORE_ENOMEM}, "out of memory");
}

kvcore_status kvanswers_curve_optimum(const kvanswers_curve *c, const uint64_t *capacities, size_t count,
                                      uint64_t *hits, kvcore_error *error) {
    if (count == 0 && c != NULL) return KVCORE_OK;
    kvcore_status status = check(c, capacities, hits, error);
    for (size_t i = 0; i < count && status == KVCORE_OK; i++)
        status = kvanswers__capacity_check(c, i, capacities[i], error);
    if (status != KVCORE_OK) return status;
    optimum o;
    if (optimum_open(&o, c) != KVCORE_OK) return out_of_memory(error);
    for (size_t i = 0; i < count; i++) hits[i] = optimum_at(&o, capacities[i]);
    optimum_close(&o);
    return KVCORE_OK;
}

/* ---- all capacities ---- */

/* Where both ends are known. Concave: if the middle lies on the chord, everything does. */
static void fill_between(optimum *o, uint64_t from, uint64_t *hits, size_t low, size_t high) {
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        hits[middle] = optimum_at(o, from + middle);
        wide chord = (wide)(hits[high] - hits[low]) * (middle - low);
        if (chord == (wide)(hits[middle] - hits[low]) * (high - low)) {
            for (size_t i = low + 1; i < high; i++)
                hits[i] = hits[low] + (hits[high] - hits[low]) / (high - low) * (i - low) +
                          (hits[high] - hits[low]) % (high - low) * (i - low) / (high - low);
            return;
        }
        fill_between(o, from, hits, low, middle); /* as deep as the logarithm of the range */
        low = middle;
    }
}

kvcore_status kvanswers_curve_optimum_range(const kvanswers_curve *c, uint64_t from, uint64_t to, uint64_t *hits,
                                            kvcore_error *error) {
    kvcore_status status = check(c, c, hits, error);
    if (status == KVCORE_OK) status = kvanswers__capacity_check(c, 0, from, error);
    if (status == KVCORE_OK && to < from)
        status = kvcore_fail(error, &(kvcore_error){.code = KVCORE_EINVAL, .expected = from, .actual = to},
                             "the range ends before it begins");
    if (status != KVCORE_OK) return status;
    optimum o;
    if (optimum_open(&o, c) != KVCORE_OK) return out_of_memory(error);
    size_t last = (size_t)(to - from);
    hits[0] = optimum_at(&o, from);
    hits[last] = optimum_at(&o, to);
    fill_between(&o, from, hits, 0, last);
    optimum_close(&o);
    return KVCORE_OK;
}

/* The least capacity in [low, high] that reaches it; high does. */
static uint64_t least(optimum *o, uint64_t low, uint64_t high, uint64_t ceiling, uint32_t percent) {
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if (kvanswers__reaches(optimum_at(o, middle), ceiling, percent))
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

kvcore_status kvanswers_curve_optimum_reach(const kvanswers_curve *c, const uint32_t *percents, size_t count,
                                            uint64_t *capacities, kvcore_error *error) {
    if (count == 0 && c != NULL) return KVCORE_OK;
    kvcore_status status = check(c, percents, capacities, error);
    if (status != KVCORE_OK) return status;
    for (size_t i = 0; i < count; i++)
        if (percents[i] > 100 || (i > 0 && percents[i] < percents[i - 1]))
            return kvcore_fail(error, &(kvcore_error){.code = KVCORE_EINVAL, .index = i, .actual = percents[i]},
                               "percentages must ascend to 100 at most");
    optimum o;
    if (optimum_open(&o, c) != KVCORE_OK) return out_of_memory(error);
    kvanswers_totals totals = kvanswers_curve_totals(c);
    uint64_t low = totals.exact_from, high = totals.unique_blocks > low ? totals.unique_blocks : low;
    for (size_t i = 0; i < count; i++) {
        low = least(&o, low, high, totals.ceiling_hits, percents[i]);
        capacities[i] = low;
    }
    optimum_close(&o);
    return KVCORE_OK;
}
