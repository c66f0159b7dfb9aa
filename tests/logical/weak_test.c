/* Weak guards: what do they keep, and what can be upgraded? */
#include "support.h"

static void upgrading_while_the_block_is_held_gives_the_block(void **state) {
    (void)state;
    kvlogical_manager *manager = make_lru(4);
    kvhash_plh name = kvhash_plh_root(1), found;
    kvlogical_immutable held, upgraded;
    kvlogical_weak weak;
    uint32_t holds;
    hold_names(manager, &name, 1, &held);
    kvtest_assert_ok(kvlogical_downgrade(manager, &held, 1, &weak));
    assert_gauges(manager, 0, 1, 0, 3);
    kvtest_assert_ok(kvlogical_upgrade(manager, &weak, &upgraded));
    assert_int_equal(upgraded.block, held.block);
    kvtest_assert_ok(kvlogical_name(manager, &upgraded, &found));
    assert_same_name(found, name);
    kvtest_assert_ok(kvlogical_use_count(manager, &upgraded, &holds));
    assert_int_equal(holds, 2);
    assert_gauges(manager, 0, 2, 0, 3);
    kvtest_assert_ok(kvlogical_release(manager, &held, 1));
    kvtest_assert_ok(kvlogical_release(manager, &upgraded, 1));
    kvtest_assert_ok(kvlogical_release_weak(manager, &weak, 1));
    destroy_manager(manager);
}

static void upgrading_after_release_brings_the_block_back_without_touch(void **state) {
    (void)state;
    metered_tracker meter = {0};
    kvlogical_registry *registry = make_metered_registry(&meter);
    kvlogical_config config = config_of(4);
    config.registry = registry;
    kvlogical_manager *manager = make_manager(&config);
    kvhash_plh name = kvhash_plh_root(1);
    kvlogical_immutable held, upgraded;
    kvlogical_weak weak;
    hold_names(manager, &name, 1, &held);
    kvtest_assert_ok(kvlogical_downgrade(manager, &held, 1, &weak));
    kvtest_assert_ok(kvlogical_release(manager, &held, 1));
    assert_int_equal(available(manager), 4);
    meter.touches = 0;
    kvtest_assert_ok(kvlogical_upgrade(manager, &weak, &upgraded));
    assert_int_equal(upgraded.block, 0);
    assert_gauges(manager, 0, 1, 0, 3);
    assert_int_equal(meter.touches, 0);
    assert_int_equal(kvlogical_manager_metrics(manager).match_hashes_requested, 0);
    assert_int_equal(kvlogical_manager_metrics(manager).scan_hashes_requested, 0);
    kvtest_assert_ok(kvlogical_release(manager, &upgraded, 1));
    kvtest_assert_ok(kvlogical_release_weak(manager, &weak, 1));
    destroy_manager(manager);
    kvtest_assert_ok(kvlogical_registry_destroy(registry));
}

static void an_evicted_block_cannot_be_upgraded_but_its_name_stays_registered(void **state) {
    (void)state;
    kvlogical_manager *manager = make_lru(10);
    kvlogical_registry *registry = kvlogical_manager_registry(manager);
    kvhash_plh name = kvhash_plh_root(1), others[10];
    kvlogical_immutable held, upgraded = {9, 9, 9};
    kvlogical_weak weak;
    hold_names(manager, &name, 1, &held);
    kvtest_assert_ok(kvlogical_downgrade(manager, &held, 1, &weak));
    kvtest_assert_ok(kvlogical_release(manager, &held, 1));
    name_roots(2, others, 10);
    cache_names(manager, others, 10);
    kvtest_assert_ok(kvlogical_upgrade(manager, &weak, &upgraded));
    assert_int_equal(upgraded.manager, 0);
    assert_true(kvlogical_registry_is_registered(registry, name));
    assert_false(is_present(registry, name, 0));
    assert_int_equal(kvlogical_registry_count(registry), 11);
    kvtest_assert_ok(kvlogical_release_weak(manager, &weak, 1));
    assert_int_equal(weak.manager, 0);
    assert_false(kvlogical_registry_is_registered(registry, name));
    assert_int_equal(kvlogical_registry_count(registry), 10);
    destroy_manager(manager);
}

static void upgrading_finds_another_block_of_the_name(void **state) {
    (void)state;
    kvlogical_manager *manager = make_lru(3);
    kvhash_plh name = kvhash_plh_root(1), others[3];
    kvlogical_immutable held, upgraded;
    kvlogical_weak weak;
    hold_names(manager, &name, 1, &held);
    kvtest_assert_ok(kvlogical_downgrade(manager, &held, 1, &weak));
    kvtest_assert_ok(kvlogical_release(manager, &held, 1));
    name_roots(2, others, 3);
    cache_names(manager, others, 3); /* evicts it from block 0 */
    kvlogical_mutable away;
    kvtest_assert_ok(kvlogical_allocate(manager, 1, &away, NULL)); /* so that the name gets another block */
    hold_names(manager, &name, 1, &held);
    assert_int_not_equal(held.block, 0);
    kvtest_assert_ok(kvlogical_upgrade(manager, &weak, &upgraded));
    assert_int_equal(upgraded.block, held.block);
    kvtest_assert_ok(kvlogical_release(manager, &held, 1));
    kvtest_assert_ok(kvlogical_release(manager, &upgraded, 1));
    kvtest_assert_ok(kvlogical_release_mutable(manager, &away, 1));
    kvtest_assert_ok(kvlogical_release_weak(manager, &weak, 1));
    destroy_manager(manager);
}

static void a_weak_guard_of_a_duplicate_upgrades_to_the_duplicate_while_it_lives(void **state) {
    (void)state;
    kvlogical_manager *manager = make_lru(4);
    kvhash_plh name = kvhash_plh_root(1);
    kvlogical_immutable primary, duplicate, upgraded;
    kvlogical_weak weak;
    hold_names(manager, &name, 1, &primary);
    hold_names(manager, &name, 1, &duplicate);
    kvtest_assert_ok(kvlogical_downgrade(manager, &duplicate, 1, &weak));
    kvtest_assert_ok(kvlogical_upgrade(manager, &weak, &upgraded));
    assert_int_equal(upgraded.block, duplicate.block);
    kvtest_assert_ok(kvlogical_release(manager, &upgraded, 1));
    kvtest_assert_ok(kvlogical_release(manager, &duplicate, 1));
    kvtest_assert_ok(kvlogical_upgrade(manager, &weak, &upgraded));
    assert_int_equal(upgraded.block, primary.block);
    kvtest_assert_ok(kvlogical_release(manager, &upgraded, 1));
    kvtest_assert_ok(kvlogical_release(manager, &primary, 1));
    kvtest_assert_ok(kvlogical_release_weak(manager, &weak, 1));
    destroy_manager(manager);
}

static void weak_copies_each_upgrade(void **state) {
    (void)state;
    kvlogical_manager *manager = make_lru(4);
    kvhash_plh name = kvhash_plh_root(1);
    kvlogical_immutable held, upgraded[3];
    kvlogical_weak weak[3];
    hold_names(manager, &name, 1, &held);
    kvtest_assert_ok(kvlogical_downgrade(manager, &held, 1, &weak[0]));
    kvtest_assert_ok(kvlogical_clone_weak(manager, &weak[0], &weak[1]));
    kvtest_assert_ok(kvlogical_clone_weak(manager, &weak[1], &weak[2]));
    kvtest_assert_ok(kvlogical_release(manager, &held, 1));
    for (int i = 0; i < 3; i++) kvtest_assert_ok(kvlogical_upgrade(manager, &weak[i], &upgraded[i]));
    kvtest_assert_ok(kvlogical_release(manager, upgraded, 3));
    kvtest_assert_ok(kvlogical_release_weak(manager, weak, 3));
    kvtest_assert_ok(kvlogical_release_weak(manager, weak, 3)); /* empty by now */
    destroy_manager(manager);
}

static void a_cached_block_survives_what_a_larger_pool_does_meanwhile(void **state) {
    (void)state;
    kvlogical_manager *manager = make_lru(20);
    kvhash_plh name = kvhash_plh_root(1), others[10];
    kvlogical_immutable held, upgraded;
    kvlogical_weak weak;
    hold_names(manager, &name, 1, &held);
    kvtest_assert_ok(kvlogical_downgrade(manager, &held, 1, &weak));
    kvtest_assert_ok(kvlogical_release(manager, &held, 1));
    name_roots(2, others, 10);
    cache_names(manager, others, 10);
    assert_int_equal(match_names(manager, &name, 1), 1);
    kvtest_assert_ok(kvlogical_upgrade(manager, &weak, &upgraded));
    assert_int_equal(upgraded.block, 0);
    kvtest_assert_ok(kvlogical_release(manager, &upgraded, 1));
    kvtest_assert_ok(kvlogical_release_weak(manager, &weak, 1));
    destroy_manager(manager);
}

static void weak_guards_that_are_none_are_refused(void **state) {
    (void)state;
    kvlogical_manager *manager = make_lru(4), *other = make_lru(4);
    kvhash_plh name = kvhash_plh_root(1);
    kvlogical_immutable held, upgraded = {7, 7, 7}, nothing = {0, 0, 0};
    kvlogical_weak weak, copy, empty = {0, 0, 0, 0, 0}, target = empty;
    hold_names(manager, &name, 1, &held);
    kvtest_assert_status(kvlogical_downgrade(manager, &nothing, 1, &weak), KVLOGICAL_EGUARD);
    kvtest_assert_status(kvlogical_downgrade(other, &held, 1, &weak), KVLOGICAL_EGUARD);
    kvtest_assert_ok(kvlogical_downgrade(manager, &held, 1, &weak));
    copy = weak;
    kvtest_assert_status(kvlogical_upgrade(manager, &empty, &upgraded), KVLOGICAL_EGUARD);
    kvtest_assert_status(kvlogical_upgrade(other, &weak, &upgraded), KVLOGICAL_EGUARD);
    kvtest_assert_status(kvlogical_clone_weak(other, &weak, &target), KVLOGICAL_EGUARD);
    kvtest_assert_status(kvlogical_release_weak(other, &weak, 1), KVLOGICAL_EGUARD);
    kvtest_assert_ok(kvlogical_release_weak(manager, &weak, 1));
    kvtest_assert_status(kvlogical_upgrade(manager, &copy, &upgraded), KVLOGICAL_EGUARD);
    kvtest_assert_status(kvlogical_release_weak(manager, &copy, 1), KVLOGICAL_EGUARD);
    copy.record = UINT32_MAX;
    kvtest_assert_status(kvlogical_upgrade(manager, &copy, &upgraded), KVLOGICAL_EGUARD);
    assert_int_equal(upgraded.manager, 7);
    kvtest_assert_ok(kvlogical_release(manager, &held, 1));
    destroy_manager(manager);
    destroy_manager(other);
}

/* The record lives on for a handle, so that a copy looks good still. */
static void a_copy_given_back_too_does_not_keep_the_manager_busy(void **state) {
    (void)state;
    kvlogical_manager *manager = make_lru(4);
    kvlogical_registry *registry = kvlogical_manager_registry(manager);
    kvhash_plh name = kvhash_plh_root(1);
    kvlogical_immutable held;
    kvlogical_weak weak, copy;
    kvlogical_handle handle;
    hold_names(manager, &name, 1, &held);
    kvtest_assert_ok(kvlogical_downgrade(manager, &held, 1, &weak));
    kvtest_assert_ok(kvlogical_registration(manager, &held, &handle));
    copy = weak;
    kvtest_assert_ok(kvlogical_release_weak(manager, &weak, 1));
    kvtest_assert_status(kvlogical_release_weak(manager, &copy, 1), KVCORE_EINVAL);
    kvtest_assert_ok(kvlogical_handle_release(registry, &handle, 1));
    kvtest_assert_ok(kvlogical_release(manager, &held, 1));
    destroy_manager(manager);
}

static void a_manager_with_a_weak_guard_out_is_busy(void **state) {
    (void)state;
    kvlogical_registry *registry = make_registry(0);
    kvlogical_config config = config_of(4);
    for (int shared = 0; shared < 2; shared++) {
        config.registry = shared ? registry : NULL;
        kvlogical_manager *manager = make_manager(&config);
        kvhash_plh name = kvhash_plh_root(1);
        kvlogical_immutable held;
        kvlogical_weak weak[2];
        hold_names(manager, &name, 1, &held);
        kvtest_assert_ok(kvlogical_downgrade(manager, &held, 1, weak));
        kvtest_assert_ok(kvlogical_clone_weak(manager, &weak[0], &weak[1]));
        kvtest_assert_ok(kvlogical_release(manager, &held, 1));
        kvtest_assert_status(kvlogical_manager_destroy(manager), KVCORE_EBUSY);
        kvtest_assert_ok(kvlogical_release_weak(manager, &weak[0], 1));
        kvtest_assert_status(kvlogical_manager_destroy(manager), KVCORE_EBUSY);
        kvtest_assert_ok(kvlogical_release_weak(manager, &weak[1], 1));
        destroy_manager(manager);
    }
    kvtest_assert_ok(kvlogical_registry_destroy(registry));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(upgrading_while_the_block_is_held_gives_the_block),
        cmocka_unit_test(upgrading_after_release_brings_the_block_back_without_touch),
        cmocka_unit_test(an_evicted_block_cannot_be_upgraded_but_its_name_stays_registered),
        cmocka_unit_test(upgrading_finds_another_block_of_the_name),
        cmocka_unit_test(a_weak_guard_of_a_duplicate_upgrades_to_the_duplicate_while_it_lives),
        cmocka_unit_test(weak_copies_each_upgrade),
        cmocka_unit_test(a_cached_block_survives_what_a_larger_pool_does_meanwhile),
        cmocka_unit_test(weak_guards_that_are_none_are_refused),
        cmocka_unit_test(a_copy_given_back_too_does_not_keep_the_manager_busy),
        cmocka_unit_test(a_manager_with_a_weak_guard_out_is_busy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
