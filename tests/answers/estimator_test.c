/* How far is the estimate from the curve, and do its error bars hold? */
#include "kvtest.h"

#include <math.h>

#include <kvanswers/curve.h>
#include <kvanswers/estimator.h>

/* A workload of sessions that grow by turns behind prompts of uneven popularity. */
enum { SESSIONS = 900, TURNS = 12, PROMPTS = 40, PROMPT_BLOCKS = 12, LONGEST = PROMPT_BLOCKS + 4 * TURNS };

typedef struct workload {
    kvtest_random random;
    uint32_t length[SESSIONS];
    uint32_t prompt[SESSIONS];
    uint64_t born[SESSIONS];
} workload;

static workload begin(uint64_t seed) {
    workload w = {.random = {seed}};
    for (size_t i = 0; i < SESSIONS; i++) w.born[i] = i + 1;
    for (size_t i = 0; i < SESSIONS; i++)
        w.prompt[i] = (uint32_t)(kvtest_below(&w.random, PROMPTS) * kvtest_below(&w.random, PROMPTS) / PROMPTS);
    return w;
}

/* The names of the next request; a session that is long enough makes room for another. */
static size_t next_request(workload *w, uint64_t seed, uint64_t *names) {
    size_t at = kvtest_below(&w->random, SESSIONS);
    at = at * kvtest_below(&w->random, SESSIONS) / SESSIONS; /* the first ones more often */
    size_t own = w->length[at] += 1 + (uint32_t)kvtest_below(&w->random, 4);
    for (size_t i = 0; i < PROMPT_BLOCKS; i++) names[i] = seed << 32 | w->prompt[at] << 8 | i;
    for (size_t i = 0; i < own; i++) names[PROMPT_BLOCKS + i] = seed << 32 | (w->born[at] + 1000) << 8 | i;
    if (own + 4 > LONGEST - PROMPT_BLOCKS) {
        w->length[at] = 0;
        w->born[at] = SESSIONS + 1 + kvtest_below(&w->random, 1 << 20);
    }
    kvtest_assert_ok(kvanswers_names(names, PROMPT_BLOCKS + own, names));
    return PROMPT_BLOCKS + own;
}

typedef struct trial {
    kvanswers_curve *curve;
    kvanswers_estimator *estimator;
} trial;

static size_t hits_within(const kvanswers_curve *curve, uint64_t capacity) {
    size_t count, hits = 0;
    const kvanswers_run *runs = kvanswers_curve_runs(curve, &count);
    for (size_t i = 0; i < count; i++)
        for (uint32_t k = 0; k < runs[i].count; k++) hits += runs[i].distance + k <= capacity;
    return hits;
}

static trial run(uint64_t seed, uint64_t capacity, uint32_t one_in, uint32_t sample_blocks, size_t requests) {
    trial t;
    workload w = begin(seed);
    kvanswers_estimator_config config = KVANSWERS_ESTIMATOR_CONFIG_INIT;
    config.capacity = capacity;
    config.one_in = one_in;
    config.sample_blocks = sample_blocks;
    config.window = UINT64_C(1) << 40;
    kvtest_assert_ok(kvanswers_curve_create(&(kvanswers_curve_config)KVANSWERS_CURVE_CONFIG_INIT, &t.curve, NULL));
    kvtest_assert_ok(kvanswers_estimator_create(&config, &t.estimator, NULL));
    for (size_t i = 0; i < requests; i++) {
        uint64_t names[LONGEST + 8];
        kvhash_plh full[LONGEST + 8];
        size_t count = next_request(&w, seed, names);
        for (size_t k = 0; k < count; k++) full[k] = (kvhash_plh){k, names[k]};
        kvtest_assert_ok(kvanswers_curve_observe(t.curve, &(kvanswers_request){.names = names, .count = count}));
        kvtest_assert_ok(kvanswers_estimator_observe(t.estimator, full, count, hits_within(t.curve, capacity)));
    }
    return t;
}

static void end(trial *t) {
    kvanswers_curve_destroy(t->curve);
    kvanswers_estimator_destroy(t->estimator);
}

enum { POINTS = 40 };

/* Mean distance from the truth over capacities from the longest request to all blocks, and how many bars cover it. */
static double compare(const trial *t, size_t *covered) {
    kvanswers_totals totals = kvanswers_curve_totals(t->curve);
    double factor = log((double)totals.unique_blocks / (double)totals.exact_from), sum = 0;
    for (int i = 0; i < POINTS; i++) {
        uint64_t capacity = (uint64_t)((double)totals.exact_from * exp(factor * i / (POINTS - 1)) + 0.5);
        kvanswers_point point;
        kvanswers_estimate estimate;
        kvtest_assert_ok(kvanswers_curve_read(t->curve, &capacity, 1, &point, NULL));
        kvtest_assert_ok(kvanswers_estimator_read(t->estimator, &capacity, 1, &estimate));
        double off = fabs(estimate.hit_ratio - (double)point.hits / (double)totals.references);
        sum += off;
        *covered += off <= estimate.error + 1e-9;
    }
    return 100 * sum / POINTS;
}

static void the_estimate_is_near_the_curve_and_its_bars_hold(void **state) {
    (void)state;
    uint64_t seed = kvtest_seed(100).state;
    enum { SEEDS = 20 };
    size_t covered = 0;
    double sum = 0, worst = 0;
    for (uint64_t s = 0; s < SEEDS; s++) {
        trial t = run(seed + s, 3000, 16, 0, 6000);
        assert_true(kvanswers_estimator_count(t.estimator).sampled_references > 1000);
        double off = compare(&t, &covered);
        sum += off;
        if (off > worst) worst = off;
        end(&t);
    }
    printf("1/16: %.2f points off in the mean, %.2f at worst; %.0f %% of the bars hold\n", sum / SEEDS, worst,
           100.0 * (double)covered / (SEEDS * POINTS));
    assert_true(sum / SEEDS < 4.5);
    assert_true(worst < 9);
    assert_true(covered >= SEEDS * POINTS * 75 / 100);
}

static void at_the_real_capacity_it_is_the_truth(void **state) {
    (void)state;
    trial t = run(7, 2000, 64, 0, 1500);
    uint64_t capacity = 2000;
    kvanswers_estimate estimate;
    kvtest_assert_ok(kvanswers_estimator_read(t.estimator, &capacity, 1, &estimate));
    kvanswers_estimator_state truth = kvanswers_estimator_count(t.estimator);
    assert_true(fabs(estimate.hit_ratio - truth.hits / truth.references) < 1e-12);
    assert_true(estimate.error < 1e-12);
    end(&t);
}

static void it_never_falls_with_capacity(void **state) {
    (void)state;
    trial t = run(8, 2000, 16, 0, 1500);
    double before = 0;
    for (uint64_t capacity = 1; capacity < 100000; capacity += 1 + capacity / 8) {
        kvanswers_estimate estimate;
        kvtest_assert_ok(kvanswers_estimator_read(t.estimator, &capacity, 1, &estimate));
        assert_true(estimate.hit_ratio >= before - 1e-12 && estimate.hit_ratio <= 1 + 1e-12);
        before = estimate.hit_ratio;
    }
    end(&t);
}

/* With everything in the sample the distances are the true ones, up to the width of a bin. */
static void a_sample_of_everything_is_the_curve(void **state) {
    (void)state;
    trial t = run(9, 2000, 1, 1 << 17, 1500);
    size_t covered = 0;
    assert_true(compare(&t, &covered) < 0.1);
    end(&t);
}

static void a_full_sample_halves_its_rate_and_stays_near(void **state) {
    (void)state;
    trial t = run(10, 3000, 1, 2048, 6000);
    kvanswers_estimator_state s = kvanswers_estimator_count(t.estimator);
    if (s.rate > 0.3 || s.sampled_blocks > 2048)
        fail_msg("rate %g, %llu blocks", s.rate, (unsigned long long)s.sampled_blocks);
    size_t covered = 0;
    double off = compare(&t, &covered);
    if (off > 5) fail_msg("%.2f points off", off);
    end(&t);
}

static void little_is_not_enough(void **state) {
    (void)state;
    trial t = run(11, 2000, 1024, 0, 100);
    uint64_t capacity = 100;
    kvanswers_estimate estimate;
    kvtest_assert_ok(kvanswers_estimator_read(t.estimator, &capacity, 1, &estimate));
    assert_false(estimate.enough);
    end(&t);
}

static void old_counts_fade(void **state) {
    (void)state;
    kvanswers_estimator_config config = KVANSWERS_ESTIMATOR_CONFIG_INIT;
    config.capacity = 10;
    config.one_in = 1;
    config.window = 100;
    kvanswers_estimator *e;
    kvtest_assert_ok(kvanswers_estimator_create(&config, &e, NULL));
    for (uint64_t i = 0; i < 1000; i++) {
        kvhash_plh name = {0, i % 5};
        kvtest_assert_ok(kvanswers_estimator_observe(e, &name, 1, i >= 5));
    }
    kvanswers_estimator_state s = kvanswers_estimator_count(e);
    assert_true(s.references <= 200 && s.references >= 99);
    assert_int_equal(s.sampled_blocks, 5);
    kvanswers_estimator_destroy(e);
}

static void names_that_repeat_in_a_request_do_no_harm(void **state) {
    (void)state;
    kvtest_random random = kvtest_seed(12);
    kvanswers_estimator_config config = KVANSWERS_ESTIMATOR_CONFIG_INIT;
    config.capacity = 10;
    config.one_in = 1;
    config.sample_blocks = 16;
    kvanswers_estimator *e;
    kvtest_assert_ok(kvanswers_estimator_create(&config, &e, NULL));
    for (int i = 0; i < 5000; i++) {
        kvhash_plh names[40];
        size_t count = kvtest_below(&random, 41);
        for (size_t k = 0; k < count; k++) names[k] = (kvhash_plh){0, kvtest_below(&random, 60)};
        kvtest_assert_ok(kvanswers_estimator_observe(e, names, count, 0));
        assert_true(kvanswers_estimator_count(e).sampled_blocks <= 16);
    }
    kvanswers_estimator_destroy(e);
}

static void what_makes_no_sense_is_refused(void **state) {
    (void)state;
    kvanswers_estimator_config config = KVANSWERS_ESTIMATOR_CONFIG_INIT;
    kvanswers_estimator *e;
    kvcore_error error;
    kvtest_assert_status(kvanswers_estimator_create(&config, &e, &error), KVCORE_ECONFIG);
    config.capacity = 5;
    config.one_in = 3;
    kvtest_assert_status(kvanswers_estimator_create(&config, &e, &error), KVCORE_ECONFIG);
    assert_int_equal(error.actual, 3);
    config.one_in = 2;
    config.sample_blocks = UINT32_MAX;
    kvtest_assert_status(kvanswers_estimator_create(&config, &e, &error), KVCORE_ECONFIG);
    config.sample_blocks = 4;
    kvtest_assert_ok(kvanswers_estimator_create(&config, &e, &error));
    kvhash_plh name = {0, 1};
    kvtest_assert_status(kvanswers_estimator_observe(e, &name, 1, 2), KVCORE_EINVAL);
    kvanswers_estimator_destroy(e);
}

static kvcore_status scenario(kvcore_allocator allocator) {
    kvanswers_estimator_config config = KVANSWERS_ESTIMATOR_CONFIG_INIT;
    kvanswers_estimator *e = NULL;
    config.capacity = 5;
    config.allocator = allocator;
    kvcore_status status = kvanswers_estimator_create(&config, &e, NULL);
    kvanswers_estimator_destroy(e);
    return status;
}

static void whatever_allocation_fails_nothing_is_lost(void **state) {
    (void)state;
    kvtest_fail_each_allocation(scenario, 5);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_estimate_is_near_the_curve_and_its_bars_hold),
        cmocka_unit_test(at_the_real_capacity_it_is_the_truth),
        cmocka_unit_test(it_never_falls_with_capacity),
        cmocka_unit_test(a_sample_of_everything_is_the_curve),
        cmocka_unit_test(a_full_sample_halves_its_rate_and_stays_near),
        cmocka_unit_test(little_is_not_enough),
        cmocka_unit_test(old_counts_fade),
        cmocka_unit_test(names_that_repeat_in_a_request_do_no_harm),
        cmocka_unit_test(what_makes_no_sense_is_refused),
        cmocka_unit_test(whatever_allocation_fails_nothing_is_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
