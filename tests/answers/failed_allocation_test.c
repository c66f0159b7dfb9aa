/* Whatever allocation fails, nothing is lost and nothing is half done. */
#include "forest.h"

#include <kvanswers/curve.h>
#include <kvanswers/tenants.h>
#include <kvanswers/trace.h>
#include <kvanswers/ttl.h>

enum { REQUESTS = 40 };

static forest_request *requests;

static kvcore_status use_tenants(kvanswers_curve *curve, kvanswers_tenants *tenants) {
    uint64_t quotas[3], hits[3];
    kvcore_status status = KVCORE_OK;
    for (size_t i = 0; i < REQUESTS && status == KVCORE_OK; i++) {
        kvanswers_request request = forest_view(&requests[i]);
        size_t known = kvanswers_tenants_count(tenants), tenant = requests[i].tenant;
        status = kvanswers_curve_observe(curve, &request);
        if (status == KVCORE_OK)
            status = kvanswers_tenants_observe(tenants, tenant < known ? tenant : known, curve, &request);
    }
    return status == KVCORE_OK ? kvanswers_tenants_quotas(tenants, 40, 2, quotas, hits) : status;
}

static kvcore_status tenants_scenario(kvcore_allocator allocator) {
    kvanswers_curve *curve = NULL;
    kvanswers_tenants *tenants = NULL;
    kvanswers_curve_config config = KVANSWERS_CURVE_CONFIG_INIT;
    config.allocator = allocator;
    kvcore_status status = kvanswers_curve_create(&config, &curve, NULL);
    if (status == KVCORE_OK) status = kvanswers_tenants_create(16, &allocator, &tenants);
    if (status == KVCORE_OK) status = use_tenants(curve, tenants);
    kvanswers_tenants_destroy(tenants);
    kvanswers_curve_destroy(curve);
    return status;
}

static kvcore_status curve_scenario(kvcore_allocator allocator) {
    kvanswers_curve *curve = NULL;
    kvanswers_ttl *ttl = NULL;
    static const uint64_t limits[] = {5, 100}, capacities[] = {30, 40};
    static const uint32_t percent = 50;
    uint64_t hits[11], reach;
    kvanswers_curve_config config = KVANSWERS_CURVE_CONFIG_INIT;
    config.allocator = allocator;
    kvcore_status status = kvanswers_curve_create(&config, &curve, NULL);
    if (status == KVCORE_OK) status = kvanswers_ttl_create(limits, 2, &allocator, &ttl);
    for (size_t i = 0; i < REQUESTS && status == KVCORE_OK; i++) {
        kvanswers_request request = forest_view(&requests[i]);
        status = kvanswers_curve_observe(curve, &request);
        if (status != KVCORE_OK) assert_int_equal(kvanswers_curve_totals(curve).requests, i);
        if (status == KVCORE_OK) status = kvanswers_ttl_observe(ttl, curve, &request);
    }
    if (status == KVCORE_OK) status = kvanswers_curve_optimum(curve, capacities, 2, hits, NULL);
    if (status == KVCORE_OK) status = kvanswers_curve_optimum_range(curve, 30, 40, hits, NULL);
    if (status == KVCORE_OK) status = kvanswers_curve_optimum_reach(curve, &percent, 1, &reach, NULL);
    kvanswers_ttl_destroy(ttl);
    kvanswers_curve_destroy(curve);
    return status;
}

static kvcore_status trace_scenario(kvcore_allocator allocator) {
    kvanswers_trace *trace = NULL;
    static const uint64_t hosts[] = {5, 100};
    uint64_t device, found[2];
    kvanswers_replay_config config = KVANSWERS_REPLAY_CONFIG_INIT;
    kvanswers_replay_counts counts;
    config.capacity = 20;
    kvcore_status status = kvanswers_trace_create(&allocator, &trace);
    for (size_t i = 0; i < REQUESTS && status == KVCORE_OK; i++) {
        kvanswers_request request = forest_view(&requests[i]);
        status = kvanswers_trace_add(trace, &request);
        if (status != KVCORE_OK) assert_int_equal(kvanswers_trace_count(trace).requests, i);
    }
    if (status == KVCORE_OK) status = kvanswers_trace_replay(trace, &config, &counts, NULL);
    config.known_requests = 5;
    if (status == KVCORE_OK) status = kvanswers_trace_replay(trace, &config, &counts, NULL);
    if (status == KVCORE_OK) status = kvanswers_trace_inclusive(trace, 30, hosts, 2, &device, found, NULL);
    kvanswers_trace_destroy(trace);
    return status;
}

static void a_curve_gives_everything_back(void **state) {
    (void)state;
    kvtest_fail_each_allocation(curve_scenario, 30);
}

static void tenants_give_everything_back(void **state) {
    (void)state;
    kvtest_fail_each_allocation(tenants_scenario, 30);
}

static void a_trace_gives_everything_back(void **state) {
    (void)state;
    kvtest_fail_each_allocation(trace_scenario, 20);
}

static int grow(void **state) {
    (void)state;
    kvtest_random random = kvtest_seed(3);
    requests = forest_grow(&random, REQUESTS, FOREST_LENGTH, 10);
    return 0;
}

static int fell(void **state) {
    (void)state;
    free(requests);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_curve_gives_everything_back),
        cmocka_unit_test(tenants_give_everything_back),
        cmocka_unit_test(a_trace_gives_everything_back),
    };
    return cmocka_run_group_tests(tests, grow, fell);
}
