/* What does a scan find, in which order, and what does it count? */
#include "support.h"

static void each_name_is_found_once(void **state) {
    (void)state;
    kvlogical_manager *manager = make_lru(8);
    kvhash_plh names[3];
    kvlogical_immutable keep, held[3];
    size_t indices[3], found;
    name_roots(1, names, 2);
    hold_names(manager, names, 1, &keep);
    names[2] = names[1];
    names[1] = names[0];
    kvtest_assert_ok(kvlogical_scan(manager, names, 3, false, held, indices, &found));
    assert_int_equal(found, 1);
    assert_int_equal(indices[0], 0);
    assert_int_equal(held[0].block, keep.block);
    kvlogical_metrics metrics = kvlogical_manager_metrics(manager);
    assert_int_equal(metrics.scan_hashes_requested, 3);
    assert_int_equal(metrics.scan_blocks_returned, 1);
    assert_int_equal(metrics.match_hashes_requested, 0);
    assert_int_equal(metrics.match_blocks_returned, 0);
    kvtest_assert_ok(kvlogical_release(manager, held, 1));
    kvtest_assert_ok(kvlogical_release(manager, &keep, 1));
    destroy_manager(manager);
}

static void inactive_blocks_come_back_past_a_miss(void **state) {
    (void)state;
    kvlogical_manager *manager = make_lru(8);
    kvhash_plh names[4];
    kvlogical_immutable held[4];
    size_t indices[4], found;
    name_roots(1, names, 4);
    cache_names(manager, names, 3);
    assert_gauges(manager, 0, 0, 3, 5);
    kvhash_plh asked[3] = {names[2], names[3], names[0]};
    kvtest_assert_ok(kvlogical_scan(manager, asked, 3, false, held, indices, &found));
    assert_int_equal(found, 2);
    assert_int_equal(indices[0], 0);
    assert_int_equal(indices[1], 2);
    assert_int_equal(held[0].block, 2);
    assert_int_equal(held[1].block, 0);
    assert_gauges(manager, 0, 2, 1, 5);
    kvtest_assert_ok(kvlogical_release(manager, held, 2));
    assert_gauges(manager, 0, 0, 3, 5);
    destroy_manager(manager);
}

static void touch_counts_every_occurrence_of_a_registered_name(void **state) {
    (void)state;
    metered_tracker meter = {0};
    kvlogical_registry *registry = make_metered_registry(&meter);
    kvlogical_config config = config_of(8);
    config.registry = registry;
    config.tier = 1;
    kvlogical_manager *device = make_manager(&config);
    config.tier = 2;
    kvlogical_manager *host = make_manager(&config);
    kvhash_plh names[4];
    kvlogical_immutable held[5];
    kvlogical_handle handle;
    size_t indices[5], found;
    name_roots(1, names, 4);
    cache_names(device, &names[0], 1);
    cache_names(host, &names[1], 1);
    kvtest_assert_ok(kvlogical_registry_register(registry, &names[2], 1, &handle));
    meter.touches = 0;
    kvtest_assert_ok(kvlogical_scan(device, &names[0], 1, false, held, indices, &found));
    assert_int_equal(meter.touches, 0);
    kvtest_assert_ok(kvlogical_release(device, held, found));
    kvtest_assert_ok(kvlogical_scan(device, &names[0], 1, true, held, indices, &found)); /* inactive: one touch */
    assert_int_equal(meter.touches, 1);
    kvtest_assert_ok(kvlogical_release(device, held, found));
    kvhash_plh asked[5] = {names[0], names[1], names[2], names[3], names[0]};
    meter.touches = 0;
    kvtest_assert_ok(kvlogical_scan(device, asked, 5, true, held, indices, &found));
    assert_int_equal(found, 1);
    assert_int_equal(meter.touches, 4); /* of another tier, only a handle, and the repeat; not the unknown one */
    kvtest_assert_ok(kvlogical_release(device, held, found));
    kvtest_assert_ok(kvlogical_handle_release(registry, &handle, 1));
    destroy_manager(device);
    destroy_manager(host);
    kvtest_assert_ok(kvlogical_registry_destroy(registry));
}

static void scans_do_not_disturb_each_other(void **state) {
    (void)state;
    kvlogical_manager *manager = make_lru(4);
    kvhash_plh name = kvhash_plh_root(1);
    kvlogical_immutable held[40];
    size_t index, found;
    cache_names(manager, &name, 1);
    for (int i = 0; i < 40; i++) { /* found anew by each scan, though it carries the mark of the one before */
        kvtest_assert_ok(kvlogical_scan(manager, &name, 1, false, &held[i], &index, &found));
        assert_int_equal(found, 1);
    }
    kvtest_assert_ok(kvlogical_release(manager, held, 40));
    destroy_manager(manager);
}

static void an_empty_scan_finds_nothing(void **state) {
    (void)state;
    kvlogical_manager *manager = make_lru(4);
    size_t found = 5;
    kvtest_assert_ok(kvlogical_scan(manager, NULL, 0, true, NULL, NULL, &found));
    assert_int_equal(found, 0);
    kvhash_plh name = kvhash_plh_root(1);
    kvlogical_immutable held;
    kvtest_assert_status(kvlogical_scan(manager, &name, 1, true, &held, NULL, &found), KVCORE_EINVAL);
    kvtest_assert_status(kvlogical_scan(NULL, &name, 1, true, &held, &found, &found), KVCORE_EINVAL);
    destroy_manager(manager);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_name_is_found_once),
        cmocka_unit_test(inactive_blocks_come_back_past_a_miss),
        cmocka_unit_test(touch_counts_every_occurrence_of_a_registered_name),
        cmocka_unit_test(scans_do_not_disturb_each_other),
        cmocka_unit_test(an_empty_scan_finds_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
