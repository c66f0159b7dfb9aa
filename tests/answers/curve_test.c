/* Does the curve keep its header's words? The figures themselves: conformance_answers and the model tests. */
#include "kvtest.h"

#include <kvanswers/curve.h>
#include <kvanswers/tenants.h>
#include <kvanswers/trace.h>
#include <kvanswers/ttl.h>

static kvanswers_curve *make_curve(void) {
    kvanswers_curve *curve = NULL;
    kvanswers_curve_config config = KVANSWERS_CURVE_CONFIG_INIT;
    kvtest_assert_ok(kvanswers_curve_create(&config, &curve, NULL));
    return curve;
}

static void observe(kvanswers_curve *curve, const uint64_t *names, size_t count) {
    kvtest_assert_ok(kvanswers_curve_observe(curve, &(kvanswers_request){.names = names, .count = count}));
}

static void names_say_the_whole_chain(void **state) {
    (void)state;
    uint64_t a[] = {1, 2, 7, 7}, b[] = {3, 2, 7, 7};
    kvtest_assert_ok(kvanswers_names(a, 4, a));
    kvtest_assert_ok(kvanswers_names(b, 4, b));
    for (size_t i = 0; i < 4; i++)
        for (size_t k = 0; k < 4; k++) assert_true(a[i] != b[k]);
    assert_true(a[2] != a[3]);
    uint64_t groups[2];
    assert_int_equal(kvanswers_group_names(a, 3, 2, groups), 1);
    assert_true(groups[0] == a[1]);
    assert_int_equal(kvanswers_group_names(a, 3, 0, groups), 0);
    assert_int_equal(kvanswers_full_blocks(1000, 512, 2), 1);
    assert_int_equal(kvanswers_full_blocks(5000, 512, 2), 2);
}

static void a_capacity_below_the_longest_request_is_refused(void **state) {
    (void)state;
    kvanswers_curve *curve = make_curve();
    const uint64_t names[] = {1, 2, 3};
    observe(curve, names, 3);
    kvanswers_point point;
    kvcore_error error;
    uint64_t capacity = 2, hits;
    kvtest_assert_status(kvanswers_curve_read(curve, &capacity, 1, &point, &error), KVCORE_EINVAL);
    assert_int_equal(error.expected, 3);
    assert_int_equal(error.actual, 2);
    kvtest_assert_status(kvanswers_curve_optimum(curve, &capacity, 1, &hits, &error), KVCORE_EINVAL);
    const uint64_t falling[] = {5, 4};
    kvanswers_point points[2];
    kvtest_assert_status(kvanswers_curve_read(curve, falling, 2, points, &error), KVCORE_EINVAL);
    assert_int_equal(error.index, 1);
    kvanswers_curve_destroy(curve);
}

static void a_curve_without_optimum_says_so(void **state) {
    (void)state;
    kvanswers_curve_config config = KVANSWERS_CURVE_CONFIG_INIT;
    config.no_optimum = true;
    kvanswers_curve *curve;
    kvtest_assert_ok(kvanswers_curve_create(&config, &curve, NULL));
    uint64_t capacity = 2, hits;
    kvtest_assert_status(kvanswers_curve_optimum(curve, &capacity, 1, &hits, NULL), KVCORE_ENOTSUP);
    kvanswers_curve_destroy(curve);
}

static void a_config_of_half_an_allocator_is_refused(void **state) {
    (void)state;
    kvanswers_curve_config config = KVANSWERS_CURVE_CONFIG_INIT;
    config.allocator.alloc = kvcore_allocator_libc().alloc;
    kvanswers_curve *curve;
    kvtest_assert_status(kvanswers_curve_create(&config, &curve, NULL), KVCORE_ECONFIG);
    config.struct_size = 1;
    kvtest_assert_status(kvanswers_curve_create(&config, &curve, NULL), KVCORE_EINVAL);
}

/* Names that are no chain: figures without meaning, but every call comes back, and references are counted. */
static void names_that_are_no_chain_do_no_harm(void **state) {
    (void)state;
    kvtest_random random = kvtest_seed(5);
    kvanswers_curve *curve = make_curve();
    uint64_t references = 0;
    for (size_t i = 0; i < 3000; i++) {
        uint64_t names[12];
        size_t count = kvtest_below(&random, 13);
        for (size_t k = 0; k < count; k++) names[k] = kvtest_below(&random, 40);
        observe(curve, names, count);
        references += count;
    }
    kvanswers_totals totals = kvanswers_curve_totals(curve);
    assert_int_equal(totals.references, references);
    assert_int_equal(totals.unique_blocks, 40);
    uint64_t capacity = 20, hits;
    kvanswers_point point;
    kvtest_assert_ok(kvanswers_curve_read(curve, &capacity, 1, &point, NULL));
    kvtest_assert_ok(kvanswers_curve_optimum(curve, &capacity, 1, &hits, NULL));
    kvanswers_curve_destroy(curve);
}

static void a_trace_refuses_names_that_are_no_chain(void **state) {
    (void)state;
    kvanswers_trace *trace;
    kvtest_assert_ok(kvanswers_trace_create(NULL, &trace));
    const uint64_t chain[] = {1, 2}, other[] = {3, 2}, twice[] = {1, 9, 8, 9};
    kvtest_assert_ok(kvanswers_trace_add(trace, &(kvanswers_request){.names = chain, .count = 2}));
    kvtest_assert_status(kvanswers_trace_add(trace, &(kvanswers_request){.names = other, .count = 2}), KVCORE_EINVAL);
    kvtest_assert_status(kvanswers_trace_add(trace, &(kvanswers_request){.names = twice, .count = 4}), KVCORE_EINVAL);
    kvanswers_trace_size size = kvanswers_trace_count(trace);
    assert_int_equal(size.requests, 1);
    assert_int_equal(size.unique_blocks, 2);
    const uint64_t after[] = {1, 9, 8};
    kvtest_assert_ok(kvanswers_trace_add(trace, &(kvanswers_request){.names = after, .count = 3}));
    kvanswers_replay_config config = KVANSWERS_REPLAY_CONFIG_INIT;
    kvanswers_replay_counts counts;
    kvtest_assert_status(kvanswers_trace_replay(trace, &config, &counts, NULL), KVCORE_ECONFIG);
    kvanswers_trace_destroy(trace);
}

static void a_block_takes_at_most_64_bytes(void **state) {
    (void)state;
    enum { LENGTH = 64, REQUESTS = 6000 };
    kvanswers_curve *curve = make_curve();
    uint64_t most = 0;
    for (uint64_t i = 0; i < REQUESTS; i++) {
        uint64_t ids[LENGTH], names[LENGTH];
        for (uint64_t k = 0; k < LENGTH; k++) ids[k] = i * LENGTH + k;
        kvtest_assert_ok(kvanswers_names(ids, LENGTH, names));
        observe(curve, names, LENGTH);
        if (i < 1000) continue;
        uint64_t blocks = (i + 1) * LENGTH, bytes = kvanswers_curve_memory_bytes(curve) - 20 * (i + 1);
        if (100 * bytes / blocks > most) most = 100 * bytes / blocks;
    }
    if (most > 6400)
        fail_msg("a block takes %llu.%02llu bytes", (unsigned long long)most / 100, (unsigned long long)most % 100);
    kvanswers_curve_destroy(curve);
}

static void a_limit_follows_its_curve_step_by_step(void **state) {
    (void)state;
    kvanswers_curve *curve = make_curve();
    kvanswers_ttl *ttl;
    const uint64_t limit = 10, names[] = {1};
    kvanswers_request request = {.names = names, .count = 1};
    kvtest_assert_ok(kvanswers_ttl_create(&limit, 1, NULL, &ttl));
    kvtest_assert_status(kvanswers_ttl_observe(ttl, curve, &request), KVCORE_EINVAL);
    kvtest_assert_ok(kvanswers_curve_observe(curve, &request));
    kvtest_assert_ok(kvanswers_ttl_observe(ttl, curve, &request));
    kvtest_assert_status(kvanswers_ttl_observe(ttl, curve, &request), KVCORE_EINVAL);
    kvanswers_ttl_point point;
    kvtest_assert_status(kvanswers_ttl_read(ttl, 1, 5, &point), KVCORE_EINVAL);
    kvanswers_ttl_destroy(ttl);
    kvanswers_curve_destroy(curve);
}

static void quotas_go_where_they_find_most(void **state) {
    (void)state;
    kvanswers_curve *curve = make_curve();
    kvanswers_tenants *tenants;
    kvtest_assert_ok(kvanswers_tenants_create(1, NULL, &tenants));
    const uint64_t x[] = {1, 2}, y[] = {11, 12, 13};
    for (uint64_t i = 0; i < 6; i++) {
        const uint64_t once[] = {100 + 3 * i, 101 + 3 * i, 102 + 3 * i};
        kvanswers_request request = {.names = i % 2 == 0 ? x : i == 1 ? y : once, .count = i % 2 == 0 ? 2 : 3};
        kvtest_assert_ok(kvanswers_curve_observe(curve, &request));
        kvtest_assert_ok(kvanswers_tenants_observe(tenants, i % 2, curve, &request));
    }
    uint64_t quotas[2], hits[2];
    kvtest_assert_ok(kvanswers_tenants_quotas(tenants, 5, 1, quotas, hits));
    assert_int_equal(quotas[0], 2);
    assert_int_equal(hits[0], 4);
    assert_int_equal(quotas[1], 0); /* it repeats nothing, so it gains nothing */
    kvtest_assert_status(kvanswers_tenants_observe(tenants, 3, curve, &(kvanswers_request){.count = 0}), KVCORE_EINVAL);
    kvanswers_tenants_destroy(tenants);
    kvanswers_curve_destroy(curve);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_say_the_whole_chain),
        cmocka_unit_test(a_capacity_below_the_longest_request_is_refused),
        cmocka_unit_test(a_curve_without_optimum_says_so),
        cmocka_unit_test(a_config_of_half_an_allocator_is_refused),
        cmocka_unit_test(names_that_are_no_chain_do_no_harm),
        cmocka_unit_test(a_trace_refuses_names_that_are_no_chain),
        cmocka_unit_test(a_block_takes_at_most_64_bytes),
        cmocka_unit_test(a_limit_follows_its_curve_step_by_step),
        cmocka_unit_test(quotas_go_where_they_find_most),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
