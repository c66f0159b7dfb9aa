/* The curve against real block managers, and the optimum against exhaustive search. */
#include "forest.h"

#include <kvanswers/curve.h>
#include <kvanswers/trace.h>
#include <kvhash/request.h>
#include <kvlogical/manager.h>

enum { BLOCK_TOKENS = 16 };

static kvanswers_curve *curve_of(const forest_request *list, size_t count) {
    kvanswers_curve_config config = KVANSWERS_CURVE_CONFIG_INIT;
    config.block_tokens = BLOCK_TOKENS;
    kvanswers_curve *curve;
    kvtest_assert_ok(kvanswers_curve_create(&config, &curve, NULL));
    for (size_t i = 0; i < count; i++) {
        kvanswers_request request = forest_view(&list[i]);
        kvtest_assert_ok(kvanswers_curve_observe(curve, &request));
    }
    return curve;
}

static kvanswers_trace *trace_of(const forest_request *list, size_t count) {
    kvanswers_trace *trace;
    kvtest_assert_ok(kvanswers_trace_create(NULL, &trace));
    for (size_t i = 0; i < count; i++) {
        kvanswers_request request = forest_view(&list[i]);
        kvtest_assert_ok(kvanswers_trace_add(trace, &request));
    }
    return trace;
}

/* ---- real managers ---- */

typedef struct manager_counts {
    uint64_t hits, evictions;
} manager_counts;

static void serve(kvlogical_manager *manager, const forest_request *r, manager_counts *counts) {
    kvlogical_immutable held[FOREST_LENGTH];
    kvlogical_mutable fresh[FOREST_LENGTH];
    kvlogical_complete staged[FOREST_LENGTH];
    kvhash_plh names[FOREST_LENGTH], victims[FOREST_LENGTH];
    uint32_t tokens[FOREST_LENGTH];
    size_t hits, named = 0;
    if (r->count == 0) return;
    for (size_t i = 0; i < r->count; i++) tokens[i] = (uint32_t)r->ids[i];
    kvhash_request request = KVHASH_REQUEST_INIT;
    request.tokens = tokens;
    request.token_count = r->count;
    request.block_tokens = 1;
    kvtest_assert_ok(kvhash_request_names(&request, names, FOREST_LENGTH, &named, NULL));
    kvtest_assert_ok(kvlogical_match_prefix(manager, names, r->count, held, &hits));
    counts->hits += hits;
    kvlogical_evicted evicted = {victims, 0};
    size_t missing = r->count - hits;
    if (kvlogical_allocate(manager, missing, fresh, &evicted) == KVCORE_OK) {
        counts->evictions += evicted.count;
        kvtest_assert_ok(kvlogical_stage(manager, fresh, names + hits, missing, staged));
        kvtest_assert_ok(kvlogical_register(manager, staged, missing, held + hits));
    } else {
        missing = 0;
    }
    kvtest_assert_ok(kvlogical_release_tail_first(manager, held, hits + missing));
}

static manager_counts replay(const forest_request *list, size_t count, uint64_t capacity, uint32_t eviction) {
    kvlogical_config config = KVLOGICAL_CONFIG_INIT;
    config.block_count = (size_t)capacity;
    config.block_tokens = 1;
    config.eviction = eviction;
    config.duplicates = KVLOGICAL_DUPLICATES_REJECT;
    kvlogical_manager *manager;
    manager_counts counts = {0, 0};
    kvtest_assert_ok(kvlogical_manager_create(&config, &manager, NULL));
    for (size_t i = 0; i < count; i++) serve(manager, &list[i], &counts);
    kvtest_assert_ok(kvlogical_manager_validate(manager, NULL));
    kvtest_assert_ok(kvlogical_manager_destroy(manager));
    return counts;
}

static void compare_at(const forest_request *list, size_t count, const kvanswers_curve *curve,
                       const kvanswers_trace *trace, uint64_t capacity) {
    manager_counts lru = replay(list, count, capacity, KVLOGICAL_EVICT_LRU);
    manager_counts lineage = replay(list, count, capacity, KVLOGICAL_EVICT_LINEAGE_TICK);
    kvanswers_replay_config config = KVANSWERS_REPLAY_CONFIG_INIT;
    kvanswers_replay_counts counts;
    config.capacity = capacity;
    config.block_tokens = BLOCK_TOKENS;
    kvtest_assert_ok(kvanswers_trace_replay(trace, &config, &counts, NULL));
    assert_int_equal(counts.hits, lru.hits);
    assert_int_equal(counts.evictions, lru.evictions);
    assert_int_equal(counts.behind_a_gap, 0);
    assert_int_equal(counts.hits + counts.compulsory + counts.refused + counts.evicted, counts.references);
    if (capacity < kvanswers_curve_totals(curve).exact_from) return;
    kvanswers_point point;
    kvtest_assert_ok(kvanswers_curve_read(curve, &capacity, 1, &point, NULL));
    assert_int_equal(point.hits, lru.hits);
    assert_int_equal(point.hits, lineage.hits);
    assert_int_equal(point.evictions, lru.evictions);
    assert_int_equal(point.hit_tokens, counts.hit_tokens);
    assert_int_equal(point.never_reused, counts.never_reused);
}

static void the_curve_is_what_managers_find(void **state) {
    (void)state;
    kvtest_random random = kvtest_seed(11);
    for (int round = 0; round < 60; round++) {
        size_t count = 40 + kvtest_below(&random, 400), longest = 1 + kvtest_below(&random, FOREST_LENGTH);
        forest_request *list = forest_grow(&random, count, longest, 2 + kvtest_below(&random, 30));
        kvanswers_curve *curve = curve_of(list, count);
        kvanswers_trace *trace = trace_of(list, count);
        uint64_t blocks = kvanswers_curve_totals(curve).unique_blocks;
        for (int i = 0; i < 8; i++) compare_at(list, count, curve, trace, 1 + kvtest_below(&random, blocks + 2));
        kvanswers_trace_destroy(trace);
        kvanswers_curve_destroy(curve);
        free(list);
    }
}

/* ---- exhaustive search ---- */

#define TINY 10 /* different blocks, at most */

typedef struct tiny {
    unsigned chains[16]; /* of each request, as a set */
    size_t order[16][4], lengths[16], count, blocks;
} tiny;

static size_t number_of(uint64_t *names, size_t *count, uint64_t name) {
    size_t i = 0;
    while (i < *count && names[i] != name) i++;
    if (i == *count) names[(*count)++] = name;
    return i;
}

static bool shrink(const forest_request *list, size_t count, tiny *t) {
    uint64_t names[64];
    *t = (tiny){.count = count};
    for (size_t i = 0; i < count; i++) {
        t->lengths[i] = list[i].count;
        for (size_t k = 0; k < list[i].count; k++) {
            t->order[i][k] = number_of(names, &t->blocks, list[i].names[k]);
            if (t->blocks > TINY) return false;
            t->chains[i] |= 1u << t->order[i][k];
        }
    }
    return true;
}

static int leading_run(const tiny *t, size_t request, unsigned cached) {
    int hits = 0;
    for (size_t k = 0; k < t->lengths[request]; k++, hits++)
        if (!(cached >> t->order[request][k] & 1)) break;
    return hits;
}

/* The most hits over all contents that a cache of this capacity may have after each request. */
static int best_of_all(const tiny *t, unsigned capacity) {
    int now[1 << TINY], then[1 << TINY], best = 0;
    for (unsigned i = 0; i < 1u << TINY; i++) now[i] = i == 0 ? 0 : -1;
    for (size_t r = 0; r < t->count; r++) {
        for (unsigned i = 0; i < 1u << TINY; i++) then[i] = -1;
        for (unsigned cached = 0; cached < 1u << TINY; cached++) {
            if (now[cached] < 0) continue;
            int hits = now[cached] + leading_run(t, r, cached);
            unsigned others = cached & ~t->chains[r];
            for (unsigned kept = others;; kept = (kept - 1) & others) {
                unsigned after = kept | t->chains[r];
                if ((unsigned)__builtin_popcount(after) <= capacity && hits > then[after]) then[after] = hits;
                if (kept == 0) break;
            }
        }
        memcpy(now, then, sizeof now);
    }
    for (unsigned i = 0; i < 1u << TINY; i++)
        if (now[i] > best) best = now[i];
    return best;
}

static void the_optimum_is_the_best_of_all_contents(void **state) {
    (void)state;
    kvtest_random random = kvtest_seed(12);
    int compared = 0;
    for (int round = 0; round < 400; round++) {
        size_t count = 1 + kvtest_below(&random, 12);
        forest_request *list = forest_grow(&random, count, 1 + kvtest_below(&random, 4), 2 + kvtest_below(&random, 5));
        tiny t;
        kvanswers_curve *curve = curve_of(list, count);
        kvanswers_totals totals = kvanswers_curve_totals(curve);
        if (shrink(list, count, &t))
            for (uint64_t c = totals.exact_from; c <= totals.unique_blocks + 1; c++, compared++) {
                uint64_t hits;
                kvtest_assert_ok(kvanswers_curve_optimum(curve, &c, 1, &hits, NULL));
                assert_int_equal(hits, best_of_all(&t, (unsigned)c));
            }
        kvanswers_curve_destroy(curve);
        free(list);
    }
    assert_true(compared > 500);
}

static void the_optimum_at_a_range_is_the_optimum_at_each(void **state) {
    (void)state;
    kvtest_random random = kvtest_seed(13);
    for (int round = 0; round < 40; round++) {
        size_t count = 100 + kvtest_below(&random, 300);
        forest_request *list =
            forest_grow(&random, count, 1 + kvtest_below(&random, 12), 2 + kvtest_below(&random, 20));
        kvanswers_curve *curve = curve_of(list, count);
        kvanswers_totals totals = kvanswers_curve_totals(curve);
        size_t range = (size_t)(totals.unique_blocks - totals.exact_from + 3);
        uint64_t *hits = calloc(range, sizeof *hits), one;
        kvtest_assert_ok(
            kvanswers_curve_optimum_range(curve, totals.exact_from, totals.exact_from + range - 1, hits, NULL));
        for (size_t i = 0; i < range; i++) {
            uint64_t capacity = totals.exact_from + i;
            kvtest_assert_ok(kvanswers_curve_optimum(curve, &capacity, 1, &one, NULL));
            assert_int_equal(hits[i], one);
        }
        for (uint32_t percent = 10; percent <= 100; percent += 30) {
            uint64_t reach;
            kvtest_assert_ok(kvanswers_curve_optimum_reach(curve, &percent, 1, &reach, NULL));
            assert_true(hits[reach - totals.exact_from] * 100 >= totals.ceiling_hits * percent);
            if (reach > totals.exact_from)
                assert_true(hits[reach - totals.exact_from - 1] * 100 < totals.ceiling_hits * percent);
        }
        free(hits);
        kvanswers_curve_destroy(curve);
        free(list);
    }
}

/* A queue of all requests tends to the optimum, and none is LRU. */
static void a_longer_queue_stays_between_lru_and_the_optimum(void **state) {
    (void)state;
    kvtest_random random = kvtest_seed(14);
    for (int round = 0; round < 40; round++) {
        size_t count = 100 + kvtest_below(&random, 200);
        forest_request *list = forest_grow(&random, count, 1 + kvtest_below(&random, 8), 2 + kvtest_below(&random, 12));
        kvanswers_curve *curve = curve_of(list, count);
        kvanswers_trace *trace = trace_of(list, count);
        kvanswers_totals totals = kvanswers_curve_totals(curve);
        kvanswers_replay_config config = KVANSWERS_REPLAY_CONFIG_INIT;
        kvanswers_replay_counts counts;
        config.capacity = totals.exact_from + kvtest_below(&random, 20);
        uint64_t best;
        kvtest_assert_ok(kvanswers_curve_optimum(curve, &config.capacity, 1, &best, NULL));
        for (config.known_requests = 1; config.known_requests < 2 * count; config.known_requests *= 3) {
            kvtest_assert_ok(kvanswers_trace_replay(trace, &config, &counts, NULL));
            assert_true(counts.hits <= best);
        }
        config.known_requests = count - 1; /* which is all of them, from the first */
        kvtest_assert_ok(kvanswers_trace_replay(trace, &config, &counts, NULL));
        assert_int_equal(counts.hits, best);
        kvanswers_trace_destroy(trace);
        kvanswers_curve_destroy(curve);
        free(list);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_curve_is_what_managers_find),
        cmocka_unit_test(the_optimum_is_the_best_of_all_contents),
        cmocka_unit_test(the_optimum_at_a_range_is_the_optimum_at_each),
        cmocka_unit_test(a_longer_queue_stays_between_lru_and_the_optimum),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
