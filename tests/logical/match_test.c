/* Which names match, how often is the tracker touched, and what do the counters say? */
#include "support.h"

static void an_unknown_name_is_a_miss_and_no_error(void **state) {
    (void)state;
    kvlogical_manager *manager = make_lru(4);
    kvhash_plh name = kvhash_plh_root(1), nameless = {UINT64_MAX, 0};
    size_t hits = 9;
    kvlogical_immutable held;
    kvtest_assert_ok(kvlogical_match_prefix(manager, &name, 1, &held, &hits));
    assert_int_equal(hits, 0);
    kvtest_assert_ok(kvlogical_match_prefix(manager, &nameless, 1, &held, &hits));
    assert_int_equal(hits, 0);
    kvtest_assert_ok(kvlogical_match_prefix(manager, NULL, 0, NULL, &hits));
    assert_int_equal(hits, 0);
    kvlogical_metrics metrics = kvlogical_manager_metrics(manager);
    assert_int_equal(metrics.match_hashes_requested, 2);
    assert_int_equal(metrics.match_blocks_returned, 0);
    destroy_manager(manager);
}

static void inactive_blocks_match_in_order(void **state) {
    (void)state;
    kvlogical_manager *manager = make_lru(8);
    kvhash_plh names[4];
    kvlogical_immutable held[4];
    size_t hits;
    name_chain(1, names, 4);
    cache_names(manager, names, 4);
    kvtest_assert_ok(kvlogical_match_prefix(manager, names, 4, held, &hits));
    assert_int_equal(hits, 4);
    for (uint32_t i = 0; i < 4; i++) assert_int_equal(held[i].block, i);
    assert_gauges(manager, 0, 4, 0, 4);
    kvlogical_metrics metrics = kvlogical_manager_metrics(manager);
    assert_int_equal(metrics.match_hashes_requested, 4);
    assert_int_equal(metrics.match_blocks_returned, 4);
    kvtest_assert_ok(kvlogical_release(manager, held, 4));
    destroy_manager(manager);
}

/* A: held, I: inactive, -: not there. */
static void expect_hits(const char *pattern, size_t expected) {
    kvlogical_manager *manager = make_lru(16);
    size_t length = strlen(pattern), hits, holders = 0;
    kvhash_plh names[16];
    kvlogical_immutable keep[16], held[16];
    name_chain(5, names, length);
    for (size_t i = 0; i < length; i++) {
        if (pattern[i] == 'A') hold_names(manager, &names[i], 1, &keep[holders++]);
        if (pattern[i] == 'I') cache_names(manager, &names[i], 1);
    }
    kvtest_assert_ok(kvlogical_match_prefix(manager, names, length, held, &hits));
    assert_int_equal(hits, expected);
    for (size_t i = 0; i < hits; i++) {
        kvhash_plh name;
        kvtest_assert_ok(kvlogical_name(manager, &held[i], &name));
        assert_same_name(name, names[i]);
    }
    kvtest_assert_ok(kvlogical_release(manager, held, hits));
    kvtest_assert_ok(kvlogical_release(manager, keep, holders));
    destroy_manager(manager);
}

static void held_and_inactive_blocks_mix_up_to_the_first_miss(void **state) {
    (void)state;
    expect_hits("AAIIAA", 6);
    expect_hits("IA", 2);
    expect_hits("AIA", 3);
    expect_hits("AA-A", 2);
    expect_hits("II-", 2);
    expect_hits("-AI", 0);
}

static void each_hit_is_touched_once_and_a_miss_never(void **state) {
    (void)state;
    static const uint32_t evictions[] = {KVLOGICAL_EVICT_LRU, KVLOGICAL_EVICT_MULTI_LRU, KVLOGICAL_EVICT_LINEAGE_TICK};
    for (size_t e = 0; e < 3; e++) {
        metered_tracker meter = {0};
        kvlogical_registry *registry = make_metered_registry(&meter);
        kvlogical_config config = config_of(16);
        config.registry = registry;
        config.eviction = evictions[e];
        kvlogical_manager *manager = make_manager(&config);
        kvhash_plh names[6];
        kvlogical_immutable keep[2];
        name_chain(1, names, 6);
        hold_names(manager, names, 2, keep);
        cache_names(manager, names + 2, 3);
        assert_int_equal(meter.touches, 5); /* each name was new once */
        for (int i = 0; i < 5; i++) assert_same_name(meter.touched[i], names[i]);
        meter.touches = 0;
        assert_int_equal(match_names(manager, names, 6), 5);
        assert_int_equal(meter.touches, 5);
        for (int i = 0; i < 5; i++) assert_same_name(meter.touched[i], names[i]);
        meter.touches = 0;
        assert_int_equal(match_names(manager, &names[5], 1), 0);
        assert_int_equal(meter.touches, 0);
        assert_int_equal(match_names(manager, &names[0], 1), 1); /* held */
        assert_int_equal(meter.touches, 1);
        assert_int_equal(match_names(manager, &names[3], 1), 1); /* inactive */
        assert_int_equal(meter.touches, 2);
        kvtest_assert_ok(kvlogical_release(manager, keep, 2));
        destroy_manager(manager);
        kvtest_assert_ok(kvlogical_registry_destroy(registry));
    }
}

static void scattered_names_match_each_for_itself(void **state) {
    (void)state;
    static const uint32_t evictions[] = {KVLOGICAL_EVICT_LRU, KVLOGICAL_EVICT_MULTI_LRU, KVLOGICAL_EVICT_LINEAGE_TICK};
    for (size_t e = 0; e < 3; e++) {
        kvlogical_config config = config_of(16);
        config.eviction = evictions[e];
        kvlogical_manager *manager = make_manager(&config);
        kvhash_plh names[4], asked[5];
        kvlogical_immutable keep, held[5];
        size_t hits;
        name_chain(1, names, 4);
        hold_names(manager, names, 1, &keep);
        cache_names(manager, names + 1, 2);
        asked[0] = names[0];
        asked[1] = names[3];
        asked[2] = asked[3] = names[1];
        asked[4] = names[2];
        kvlogical_metrics before = kvlogical_manager_metrics(manager);
        kvtest_assert_ok(kvlogical_match_scattered(manager, asked, 5, held, &hits));
        kvlogical_metrics after = kvlogical_manager_metrics(manager);
        assert_int_equal(hits, 4);
        assert_int_equal(held[0].block, keep.block);
        assert_int_equal(held[1].manager, 0);
        assert_int_equal(held[2].block, held[3].block);
        assert_int_equal(held[4].block, 2);
        assert_int_equal(after.match_hashes_requested - before.match_hashes_requested, 5);
        assert_int_equal(after.match_blocks_returned - before.match_blocks_returned, 4);
        assert_int_equal(after.scan_hashes_requested, 0);
        assert_int_equal(after.scan_blocks_returned, 0);
        kvtest_assert_ok(kvlogical_release(manager, held, 5));
        kvtest_assert_ok(kvlogical_release(manager, &keep, 1));
        destroy_manager(manager);
    }
}

static void a_scattered_match_touches_each_hit(void **state) {
    (void)state;
    metered_tracker meter = {0};
    kvlogical_registry *registry = make_metered_registry(&meter);
    kvlogical_config config = config_of(8);
    config.registry = registry;
    kvlogical_manager *manager = make_manager(&config);
    kvhash_plh names[4];
    kvlogical_immutable held[4];
    size_t hits;
    name_roots(1, names, 4);
    cache_names(manager, names, 3);
    meter.touches = 0;
    kvtest_assert_ok(kvlogical_match_scattered(manager, NULL, 0, NULL, &hits));
    assert_int_equal(hits, 0);
    assert_int_equal(kvlogical_manager_metrics(manager).match_hashes_requested, 0);
    kvtest_assert_ok(kvlogical_match_scattered(manager, names, 4, held, &hits));
    assert_int_equal(hits, 3);
    assert_int_equal(meter.touches, 3);
    kvtest_assert_ok(kvlogical_release(manager, held, 4));
    destroy_manager(manager);
    kvtest_assert_ok(kvlogical_registry_destroy(registry));
}

static void long_batches_match_as_short_ones(void **state) {
    (void)state;
    kvlogical_config config = config_of(300);
    config.eviction = KVLOGICAL_EVICT_LINEAGE_TICK;
    kvlogical_manager *manager = make_manager(&config);
    kvhash_plh names[300];
    name_chain(1, names, 300);
    cache_names(manager, names, 299);
    assert_int_equal(match_names(manager, names, 300), 299);
    assert_int_equal(match_names(manager, names, 65), 65);
    assert_int_equal(match_names(manager, names, 64), 64);
    destroy_manager(manager);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_unknown_name_is_a_miss_and_no_error),
        cmocka_unit_test(inactive_blocks_match_in_order),
        cmocka_unit_test(held_and_inactive_blocks_mix_up_to_the_first_miss),
        cmocka_unit_test(each_hit_is_touched_once_and_a_miss_never),
        cmocka_unit_test(scattered_names_match_each_for_itself),
        cmocka_unit_test(a_scattered_match_touches_each_hit),
        cmocka_unit_test(long_batches_match_as_short_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
