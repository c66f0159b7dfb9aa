#include "curve.h"

#include <kvcore/config.h>

#include "memory.h"

kvanswers_curve_config kvanswers_curve_config_init(void) { return (kvanswers_curve_config)KVANSWERS_CURVE_CONFIG_INIT; }

kvcore_status kvanswers_curve_create(const kvanswers_curve_config *given, kvanswers_curve **curve,
                                     kvcore_error *error) {
    kvanswers_curve_config config;
    if (curve == NULL) return kvcore_fail(error, &(kvcore_error){.code = KVCORE_EINVAL}, "curve is NULL");
    *curve = NULL;
    kvcore_status status = kvcore_config_read(&config, sizeof config, given, error);
    if (status == KVCORE_OK) status = allocator_check(&config.allocator, error);
    if (status != KVCORE_OK) return status;
    kvcore_allocator allocator = allocator_or_libc(&config.allocator);
    kvanswers_curve *made = array_new(&allocator, 1, sizeof *made);
    if (made == NULL) return kvcore_fail(error, &(kvcore_error){.code = KVCORE_ENOMEM}, "out of memory");
    made->allocator = allocator;
    made->block_tokens = config.block_tokens != 0 ? config.block_tokens : 1;
    made->no_optimum = config.no_optimum;
    kvanswers__recency_init(&made->recency, &allocator);
    *curve = made;
    return KVCORE_OK;
}

void kvanswers_curve_destroy(kvanswers_curve *c) {
    if (c == NULL) return;
    kvcore_allocator allocator = c->allocator;
    kvanswers__recency_clear(&c->recency);
    for (size_t i = 0; i < c->distance_chunks; i++) array_delete(&allocator, c->distances[i], 1, sizeof **c->distances);
    for (size_t i = 0; i < c->segment_chunks; i++) array_delete(&allocator, c->segments[i], 1, sizeof **c->segments);
    array_free(&allocator, c->distances, c->distance_capacity, sizeof *c->distances);
    array_free(&allocator, c->segments, c->segment_capacity, sizeof *c->segments);
    array_free(&allocator, c->lengths, c->length_capacity, sizeof *c->lengths);
    array_delete(&allocator, c, 1, sizeof *c);
}

/* ---- counting ---- */

static kvcore_status reserve_distances(kvanswers_curve *c, uint64_t blocks) {
    size_t chunks = (size_t)(blocks + 1) / CHUNK_DISTANCES + 1; /* a run ends one behind its last distance */
    kvcore_status status =
        array_reserve(&c->allocator, &c->distances, &c->distance_capacity, chunks, sizeof *c->distances);
    while (status == KVCORE_OK && c->distance_chunks < chunks) {
        distance_chunk *chunk = array_new(&c->allocator, 1, sizeof *chunk);
        if (chunk == NULL) return KVCORE_ENOMEM;
        c->distances[c->distance_chunks++] = chunk;
    }
    return status;
}

static kvcore_status reserve_segments(kvanswers_curve *c, size_t more) {
    size_t chunks = (c->segment_count + more) / CHUNK_SEGMENTS + 1;
    if (c->no_optimum) return KVCORE_OK;
    kvcore_status status =
        array_reserve(&c->allocator, &c->segments, &c->segment_capacity, chunks, sizeof *c->segments);
    while (status == KVCORE_OK && c->segment_chunks < chunks) {
        segment_chunk *chunk = array_new(&c->allocator, 1, sizeof *chunk);
        if (chunk == NULL) return KVCORE_ENOMEM;
        c->segments[c->segment_chunks++] = chunk;
    }
    return status;
}

static void count_run_hits(kvanswers_curve *c, uint32_t distance, uint32_t count) {
    uint32_t end = distance + count;
    c->distances[distance / CHUNK_DISTANCES]->runs[distance % CHUNK_DISTANCES]++;
    c->distances[end / CHUNK_DISTANCES]->runs[end % CHUNK_DISTANCES]--;
}

/* Of capacities from this distance to the one before, the reference is the first hit of a stay. */
static inline void count_first_hit(kvanswers_curve *c, uint32_t distance, uint32_t before) {
    if (distance >= before) return;
    c->distances[distance / CHUNK_DISTANCES]->reused[distance % CHUNK_DISTANCES]++;
    if (before != RECENCY_NEVER) c->distances[before / CHUNK_DISTANCES]->reused[before % CHUNK_DISTANCES]--;
}

static void count_run(kvanswers_curve *c, const kvanswers_run *run) {
    count_run_hits(c, run->distance, run->count);
    for (uint32_t i = 0; i < run->count; i++) {
        recency_block *block = c->recency.found[run->first + i];
        count_first_hit(c, run->distance + i, block->distance);
        block->distance = run->distance + i;
    }
    if (c->no_optimum) return;
    c->segments[c->segment_count / CHUNK_SEGMENTS]->segments[c->segment_count % CHUNK_SEGMENTS] =
        (curve_segment){run->before, run->count, c->recency.requests};
    c->segment_count++;
}

static uint32_t missing_tokens(const kvanswers_curve *c, const kvanswers_request *request) {
    uint32_t last = request->last_block_tokens;
    return last == 0 || last > c->block_tokens ? 0 : c->block_tokens - last;
}

/* The last block came back: what it is short of a whole one. */
static void count_last(kvanswers_curve *c, const kvanswers_request *request) {
    const recency *r = &c->recency;
    uint32_t missing = missing_tokens(c, request);
    const kvanswers_run *run = r->run_count == 0 ? NULL : &r->runs[r->run_count - 1];
    if (missing == 0 || run == NULL || run->first + (size_t)run->count != request->count) return;
    uint32_t distance = run->distance + run->count - 1;
    c->distances[distance / CHUNK_DISTANCES]->missing[distance % CHUNK_DISTANCES] += missing;
    c->missing += missing;
}

static kvcore_status reserve(kvanswers_curve *c, const kvanswers_request *request) {
    kvcore_status status = kvanswers__recency_reserve(&c->recency, request->names, request->count);
    if (status == KVCORE_OK) status = reserve_distances(c, (uint64_t)c->recency.blocks + request->count);
    if (status == KVCORE_OK) status = reserve_segments(c, request->count);
    if (status == KVCORE_OK)
        status = array_reserve(&c->allocator, &c->lengths, &c->length_capacity, (size_t)c->recency.requests + 2,
                               sizeof *c->lengths);
    return status;
}

kvcore_status kvanswers_curve_observe(kvanswers_curve *c, const kvanswers_request *request) {
    if (c == NULL || request == NULL || (request->names == NULL && request->count != 0)) return KVCORE_EINVAL;
    kvcore_status status = reserve(c, request);
    if (status != KVCORE_OK) return status;
    kvanswers__recency_serve(&c->recency, request->count);
    for (size_t i = 0; i < c->recency.run_count; i++) count_run(c, &c->recency.runs[i]);
    count_last(c, request);
    c->lengths[c->recency.requests] = (uint32_t)request->count;
    if (request->count > c->longest) c->longest = (uint32_t)request->count;
    c->references += request->count;
    if (request->count != 0) c->tokens += (uint64_t)request->count * c->block_tokens - missing_tokens(c, request);
    return KVCORE_OK;
}

const kvanswers_run *kvanswers_curve_runs(const kvanswers_curve *c, size_t *count) {
    if (count != NULL) *count = c != NULL ? c->recency.run_count : 0;
    return c != NULL ? c->recency.runs : NULL;
}

/* ---- reading ---- */

kvanswers_totals kvanswers_curve_totals(const kvanswers_curve *c) {
    if (c == NULL) return (kvanswers_totals){0};
    uint64_t hits = c->references - c->recency.blocks;
    return (kvanswers_totals){.requests = c->recency.requests,
                              .references = c->references,
                              .unique_blocks = c->recency.blocks,
                              .tokens = c->tokens,
                              .longest_request = c->longest,
                              .exact_from = c->longest > 1 ? c->longest : 1,
                              .ceiling_hits = hits,
                              .ceiling_hit_tokens = hits * c->block_tokens - c->missing};
}

kvcore_status kvanswers__capacity_check(const kvanswers_curve *c, size_t index, uint64_t capacity,
                                        kvcore_error *error) {
    uint64_t exact_from = c->longest > 1 ? c->longest : 1;
    if (capacity >= exact_from) return KVCORE_OK;
    return kvcore_fail(
        error, &(kvcore_error){.code = KVCORE_EINVAL, .index = index, .expected = exact_from, .actual = capacity},
        "a capacity of %llu blocks is less than the longest request, of %llu", (unsigned long long)capacity,
        (unsigned long long)exact_from);
}

/* The figures at a capacity that moves up. */
typedef struct curve_walk {
    const kvanswers_curve *curve;
    uint64_t capacity;
    int64_t at_distance; /* hits at exactly this distance */
    int64_t hits, reused;
    uint64_t missing;
} curve_walk;

static void walk_to(curve_walk *walk, uint64_t capacity) {
    uint64_t blocks = walk->curve->recency.blocks;
    while (walk->capacity < capacity && walk->capacity < blocks) {
        walk->capacity++;
        const distance_chunk *chunk = walk->curve->distances[walk->capacity / CHUNK_DISTANCES];
        size_t at = walk->capacity % CHUNK_DISTANCES;
        walk->at_distance += chunk->runs[at];
        walk->hits += walk->at_distance;
        walk->reused += chunk->reused[at];
        walk->missing += chunk->missing[at];
    }
}

static kvanswers_point point_at(curve_walk *walk, uint64_t capacity) {
    const kvanswers_curve *c = walk->curve;
    walk_to(walk, capacity);
    uint64_t hits = (uint64_t)walk->hits, resident = capacity < c->recency.blocks ? capacity : c->recency.blocks;
    return (kvanswers_point){.capacity = capacity,
                             .hits = hits,
                             .hit_tokens = hits * c->block_tokens - walk->missing,
                             .evictions = c->references - hits - resident,
                             .never_reused = c->references - hits - (uint64_t)walk->reused,
                             .resident = resident};
}

static kvcore_status check_order(const kvanswers_curve *c, const uint64_t *capacities, size_t count,
                                 kvcore_error *error) {
    for (size_t i = 0; i < count; i++) {
        kvcore_status status = kvanswers__capacity_check(c, i, capacities[i], error);
        if (status != KVCORE_OK) return status;
        if (i > 0 && capacities[i] < capacities[i - 1])
            return kvcore_fail(
                error,
                &(kvcore_error){
                    .code = KVCORE_EINVAL, .index = i, .expected = capacities[i - 1], .actual = capacities[i]},
                "capacities must be in ascending order");
    }
    return KVCORE_OK;
}

kvcore_status kvanswers_curve_read(const kvanswers_curve *c, const uint64_t *capacities, size_t count,
                                   kvanswers_point *points, kvcore_error *error) {
    if (c == NULL || (count != 0 && (capacities == NULL || points == NULL)))
        return kvcore_fail(error, &(kvcore_error){.code = KVCORE_EINVAL}, "NULL");
    kvcore_status status = check_order(c, capacities, count, error);
    if (status != KVCORE_OK) return status;
    curve_walk walk = {.curve = c};
    for (size_t i = 0; i < count; i++) points[i] = point_at(&walk, capacities[i]);
    return KVCORE_OK;
}

bool kvanswers__reaches(uint64_t hits, uint64_t ceiling, uint32_t percent) {
    return (wide)hits * 100 >= (wide)ceiling * percent;
}

kvcore_status kvanswers_curve_reach(const kvanswers_curve *c, const uint32_t *percents, size_t count,
                                    uint64_t *capacities) {
    if (c == NULL || (count != 0 && (percents == NULL || capacities == NULL))) return KVCORE_EINVAL;
    for (size_t i = 0; i < count; i++)
        if (percents[i] > 100 || (i > 0 && percents[i] < percents[i - 1])) return KVCORE_EINVAL;
    kvanswers_totals totals = kvanswers_curve_totals(c);
    curve_walk walk = {.curve = c};
    uint64_t capacity = totals.exact_from;
    for (size_t i = 0; i < count; i++) {
        for (walk_to(&walk, capacity); !kvanswers__reaches((uint64_t)walk.hits, totals.ceiling_hits, percents[i]);)
            walk_to(&walk, ++capacity);
        capacities[i] = capacity;
    }
    return KVCORE_OK;
}

size_t kvanswers_curve_memory_bytes(const kvanswers_curve *c) {
    if (c == NULL) return 0;
    return sizeof *c + kvanswers__recency_bytes(&c->recency) + c->distance_chunks * sizeof(distance_chunk) +
           c->segment_chunks * sizeof(segment_chunk) + (c->distance_capacity + c->segment_capacity) * sizeof(void *) +
           c->length_capacity * sizeof *c->lengths;
}
