/* Does a pool that is filled and emptied, in any policy, keep its counts? */
#include "support.h"

#define BLOCKS 32

static const uint32_t policies[] = {KVLOGICAL_EVICT_LRU, KVLOGICAL_EVICT_MULTI_LRU, KVLOGICAL_EVICT_FIFO,
                                    KVLOGICAL_EVICT_LINEAGE_TICK, KVLOGICAL_EVICT_LINEAGE_FIFO};

/* The same story in each policy. */
static void in_each_policy(size_t blocks, void (*story)(kvlogical_manager *manager)) {
    for (size_t i = 0; i < sizeof policies / sizeof *policies; i++) {
        kvlogical_config config = config_of(blocks);
        config.eviction = policies[i];
        kvlogical_manager *manager = make_manager(&config);
        story(manager);
        destroy_manager(manager);
    }
}

static void hold_all_then_release(kvlogical_manager *manager) {
    kvhash_plh names[BLOCKS];
    kvlogical_immutable held[BLOCKS];
    name_chain(1, names, BLOCKS);
    hold_names(manager, names, BLOCKS, held);
    assert_gauges(manager, 0, BLOCKS, 0, 0);
    kvtest_assert_ok(kvlogical_release(manager, held, BLOCKS));
    assert_gauges(manager, 0, 0, BLOCKS, 0);
    assert_int_equal(available(manager), BLOCKS);
    kvlogical_metrics metrics = kvlogical_manager_metrics(manager);
    assert_int_equal(metrics.allocations, BLOCKS);
    assert_int_equal(metrics.registrations, BLOCKS);
    assert_int_equal(metrics.evictions, 0);
}

static void a_full_pool_becomes_inactive_as_a_whole(void **state) {
    (void)state;
    in_each_policy(BLOCKS, hold_all_then_release);
}

static void evict_all(kvlogical_manager *manager) {
    kvhash_plh names[16];
    kvlogical_mutable blocks[16];
    name_chain(1, names, 16);
    cache_names(manager, names, 16);
    kvtest_assert_ok(kvlogical_allocate(manager, 16, blocks, NULL));
    assert_int_equal(kvlogical_manager_metrics(manager).evictions, 16);
    assert_int_equal(kvlogical_manager_metrics(manager).allocations, 32);
    kvtest_assert_ok(kvlogical_release_mutable(manager, blocks, 16));
    assert_gauges(manager, 0, 0, 0, 16);
    assert_int_equal(match_names(manager, names, 16), 0);
}

static void an_inactive_pool_is_evicted_as_a_whole(void **state) {
    (void)state;
    in_each_policy(16, evict_all);
}

static void give_back_unregistered(kvlogical_manager *manager) {
    kvhash_plh names[16];
    kvlogical_mutable blocks[16];
    kvlogical_complete staged[16];
    name_chain(1, names, 16);
    kvtest_assert_ok(kvlogical_allocate(manager, 16, blocks, NULL));
    kvtest_assert_ok(kvlogical_release_mutable(manager, blocks, 16));
    assert_gauges(manager, 0, 0, 0, 16);
    stage_names(manager, names, 16, staged);
    kvtest_assert_ok(kvlogical_release_complete(manager, staged, 16));
    assert_gauges(manager, 0, 0, 0, 16);
    assert_int_equal(kvlogical_manager_metrics(manager).registrations, 0);
    assert_int_equal(kvlogical_manager_metrics(manager).stagings, 16);
}

static void blocks_never_registered_become_free(void **state) {
    (void)state;
    in_each_policy(16, give_back_unregistered);
}

static void thirds(kvlogical_manager *manager) {
    kvhash_plh names[16];
    kvlogical_mutable blocks[24];
    kvlogical_complete staged[16];
    kvlogical_immutable held[8];
    name_chain(1, names, 16);
    kvtest_assert_ok(kvlogical_allocate(manager, 24, blocks, NULL));
    kvtest_assert_ok(kvlogical_release_mutable(manager, blocks, 8));
    assert_gauges(manager, 16, 0, 0, 8);
    kvtest_assert_ok(kvlogical_stage(manager, blocks + 8, names, 16, staged));
    kvtest_assert_ok(kvlogical_register(manager, staged, 8, held));
    kvtest_assert_ok(kvlogical_release_complete(manager, staged + 8, 8));
    assert_gauges(manager, 0, 8, 0, 16);
    kvtest_assert_ok(kvlogical_release(manager, held, 8));
    assert_gauges(manager, 0, 0, 8, 16);
    assert_int_equal(kvlogical_manager_metrics(manager).stagings, 16);
}

static void thirds_of_a_pool_end_where_they_should(void **state) {
    (void)state;
    in_each_policy(24, thirds);
}

static void two_cycles(kvlogical_manager *manager) {
    kvhash_plh names[32];
    kvlogical_mutable blocks[16];
    name_chain(1, names, 16);
    name_chain(2, names + 16, 16);
    cache_names(manager, names, 16);
    cache_names(manager, names + 16, 16);
    kvlogical_metrics metrics = kvlogical_manager_metrics(manager);
    assert_int_equal(metrics.registrations, 32);
    assert_int_equal(metrics.evictions, 16);
    kvtest_assert_ok(kvlogical_allocate(manager, 16, blocks, NULL));
    kvtest_assert_ok(kvlogical_release_mutable(manager, blocks, 16));
    metrics = kvlogical_manager_metrics(manager);
    assert_int_equal(metrics.allocations, 48);
    assert_int_equal(metrics.evictions, 32);
}

static void a_pool_is_used_again_with_other_names(void **state) {
    (void)state;
    in_each_policy(16, two_cycles);
}

static void reset_all(kvlogical_manager *manager) {
    kvlogical_registry *registry = kvlogical_manager_registry(manager);
    kvhash_plh names[4];
    kvlogical_immutable held;
    kvcore_error error;
    size_t hits;
    name_chain(1, names, 4);
    cache_names(manager, names, 4);
    kvtest_assert_ok(kvlogical_match_prefix(manager, names, 1, &held, &hits));
    kvtest_assert_status(kvlogical_reset_inactive(manager, &error), KVCORE_EBUSY);
    assert_int_equal(error.expected, 4);
    assert_int_equal(error.actual, 3);
    assert_gauges(manager, 0, 1, 0, 3);
    kvtest_assert_ok(kvlogical_release(manager, &held, 1));
    kvtest_assert_ok(kvlogical_reset_inactive(manager, &error));
    assert_gauges(manager, 0, 0, 0, 4);
    for (int i = 0; i < 4; i++) assert_false(is_present(registry, names[i], 0));
    assert_int_equal(kvlogical_registry_count(registry), 0);
    kvlogical_metrics metrics = kvlogical_manager_metrics(manager);
    assert_int_equal(metrics.evictions, 0);
    assert_int_equal(metrics.allocations, 4);
}

static void resetting_the_inactive_pool_counts_as_no_eviction(void **state) {
    (void)state;
    in_each_policy(4, reset_all);
}

static void cold_blocks_all_fit_into_one_level(void **state) {
    (void)state;
    kvlogical_config config = config_of(64);
    config.eviction = KVLOGICAL_EVICT_MULTI_LRU;
    kvlogical_manager *manager = make_manager(&config);
    kvhash_plh names[64];
    name_roots(1, names, 64);
    cache_names(manager, names, 64);
    assert_gauges(manager, 0, 0, 64, 0);
    assert_int_equal(kvlogical_manager_metrics(manager).evictions, 0);
    destroy_manager(manager);
}

static void blocks_of_every_level_can_be_evicted(void **state) {
    (void)state;
    static const int touches[] = {0, 3, 8, 15};
    kvlogical_config config = config_of(BLOCKS);
    config.eviction = KVLOGICAL_EVICT_MULTI_LRU;
    kvlogical_manager *manager = make_manager(&config);
    kvlogical_registry *registry = kvlogical_manager_registry(manager);
    kvhash_plh names[BLOCKS];
    kvlogical_immutable held[BLOCKS];
    kvlogical_mutable blocks[BLOCKS];
    name_roots(1, names, BLOCKS);
    hold_names(manager, names, BLOCKS, held);
    for (int i = 0; i < BLOCKS; i++)
        for (int k = 0; k < touches[i % 4]; k++) kvlogical_registry_touch(registry, names[i]);
    kvtest_assert_ok(kvlogical_release(manager, held, BLOCKS));
    assert_gauges(manager, 0, 0, BLOCKS, 0);
    kvtest_assert_ok(kvlogical_allocate(manager, BLOCKS, blocks, NULL));
    for (uint32_t i = 0; i < BLOCKS; i++) /* level after level, oldest first */
        assert_int_equal(blocks[i].block, i % (BLOCKS / 4) * 4 + i / (BLOCKS / 4));
    kvtest_assert_ok(kvlogical_release_mutable(manager, blocks, BLOCKS));
    destroy_manager(manager);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_pool_becomes_inactive_as_a_whole),
        cmocka_unit_test(an_inactive_pool_is_evicted_as_a_whole),
        cmocka_unit_test(blocks_never_registered_become_free),
        cmocka_unit_test(thirds_of_a_pool_end_where_they_should),
        cmocka_unit_test(a_pool_is_used_again_with_other_names),
        cmocka_unit_test(resetting_the_inactive_pool_counts_as_no_eviction),
        cmocka_unit_test(cold_blocks_all_fit_into_one_level),
        cmocka_unit_test(blocks_of_every_level_can_be_evicted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
