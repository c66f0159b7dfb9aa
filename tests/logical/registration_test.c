/* What becomes of blocks that are registered, of duplicates, and of the presence of their names? */
#include "support.h"

static kvlogical_manager *make_rejecting(size_t blocks) {
    kvlogical_config config = config_of(blocks);
    config.duplicates = KVLOGICAL_DUPLICATES_REJECT;
    return make_manager(&config);
}

static void blocks_are_registered_in_order(void **state) {
    (void)state;
    kvlogical_manager *manager = make_lru(8);
    kvlogical_immutable held[3];
    kvhash_plh names[3], found;
    name_roots(1, names, 3);
    hold_names(manager, names, 3, held);
    for (int i = 0; i < 3; i++) {
        kvtest_assert_ok(kvlogical_name(manager, &held[i], &found));
        assert_same_name(found, names[i]);
    }
    assert_int_equal(kvlogical_manager_metrics(manager).registrations, 3);
    assert_int_equal(kvlogical_manager_metrics(manager).stagings, 3);
    kvtest_assert_ok(kvlogical_register(manager, NULL, 0, NULL));
    assert_int_equal(kvlogical_manager_metrics(manager).registrations, 3);
    kvtest_assert_ok(kvlogical_release(manager, held, 3));
    destroy_manager(manager);
}

static void a_rejecting_batch_gives_primaries_for_duplicates(void **state) {
    (void)state;
    kvlogical_manager *manager = make_rejecting(6);
    kvlogical_registry *registry = kvlogical_manager_registry(manager);
    kvhash_plh a_b_c[3], batch[4];
    kvlogical_complete staged[4];
    kvlogical_immutable a, held[4];
    name_roots(1, a_b_c, 3);
    hold_names(manager, a_b_c, 1, &a);
    batch[0] = batch[2] = a_b_c[1];
    batch[1] = a_b_c[0];
    batch[3] = a_b_c[2];
    stage_names(manager, batch, 4, staged);
    uint32_t candidates[4];
    for (int i = 0; i < 4; i++) candidates[i] = staged[i].block;
    kvtest_assert_ok(kvlogical_register(manager, staged, 4, held));
    assert_int_equal(held[0].block, candidates[0]);
    assert_int_equal(held[1].block, a.block);
    assert_int_equal(held[2].block, candidates[0]);
    assert_int_equal(held[3].block, candidates[3]);
    for (int i = 0; i < 3; i++) assert_true(is_present(registry, a_b_c[i], 0));
    assert_int_equal(kvlogical_manager_metrics(manager).registration_dedup, 2);
    assert_int_equal(kvlogical_manager_metrics(manager).registrations, 5);
    kvlogical_mutable freed[3]; /* the one never used, then the rejected ones in input order */
    assert_int_equal(available(manager), 3);
    kvtest_assert_ok(kvlogical_allocate(manager, 3, freed, NULL));
    assert_int_equal(freed[1].block, candidates[1]);
    assert_int_equal(freed[2].block, candidates[2]);
    kvtest_assert_ok(kvlogical_release_mutable(manager, freed, 3));
    kvtest_assert_ok(kvlogical_release(manager, &a, 1));
    kvtest_assert_ok(kvlogical_release(manager, held, 4));
    destroy_manager(manager);
}

static void an_allowed_duplicate_in_one_batch_keeps_presence_when_it_goes(void **state) {
    (void)state;
    kvlogical_manager *manager = make_lru(2);
    kvlogical_registry *registry = kvlogical_manager_registry(manager);
    kvhash_plh names[2] = {kvhash_plh_root(3), kvhash_plh_root(3)};
    kvlogical_immutable held[2];
    hold_names(manager, names, 2, held);
    assert_int_not_equal(held[0].block, held[1].block);
    assert_int_equal(kvlogical_manager_metrics(manager).duplicate_blocks, 1);
    assert_int_equal(kvlogical_registry_count(registry), 1);
    kvtest_assert_ok(kvlogical_release(manager, &held[1], 1));
    assert_true(is_present(registry, names[0], 0));
    assert_int_equal(kvlogical_manager_counts(manager).free, 1);
    kvtest_assert_ok(kvlogical_release(manager, &held[0], 1));
    assert_true(is_present(registry, names[0], 0)); /* inactive */
    destroy_manager(manager);
}

static void a_rejected_block_is_handed_out_next(void **state) {
    (void)state;
    kvlogical_manager *manager = make_rejecting(2);
    kvhash_plh name = kvhash_plh_root(3);
    kvlogical_immutable first, second;
    hold_names(manager, &name, 1, &first);
    assert_int_equal(kvlogical_manager_counts(manager).free, 1);
    hold_names(manager, &name, 1, &second);
    assert_int_equal(second.block, first.block);
    kvlogical_metrics metrics = kvlogical_manager_metrics(manager);
    assert_int_equal(metrics.registrations, 2);
    assert_int_equal(metrics.registration_dedup, 1);
    assert_int_equal(metrics.duplicate_blocks, 0);
    kvlogical_mutable next;
    kvtest_assert_ok(kvlogical_allocate(manager, 1, &next, NULL));
    assert_int_not_equal(next.block, first.block);
    kvtest_assert_ok(kvlogical_release_mutable(manager, &next, 1));
    kvtest_assert_ok(kvlogical_release(manager, &first, 1));
    kvtest_assert_ok(kvlogical_release(manager, &second, 1));
    destroy_manager(manager);
}

static void rejecting_brings_an_inactive_primary_back(void **state) {
    (void)state;
    kvlogical_manager *manager = make_rejecting(4);
    kvhash_plh name = kvhash_plh_root(3);
    kvlogical_immutable first, second, upgraded;
    kvlogical_weak weak;
    hold_names(manager, &name, 1, &first);
    uint32_t block = first.block;
    kvtest_assert_ok(kvlogical_downgrade(manager, &first, 1, &weak));
    kvtest_assert_ok(kvlogical_release(manager, &first, 1));
    assert_int_equal(kvlogical_manager_counts(manager).inactive, 1);
    hold_names(manager, &name, 1, &second);
    assert_int_equal(second.block, block);
    kvtest_assert_ok(kvlogical_upgrade(manager, &weak, &upgraded));
    assert_int_equal(upgraded.block, block);
    kvtest_assert_ok(kvlogical_release(manager, &second, 1));
    kvtest_assert_ok(kvlogical_release(manager, &upgraded, 1));
    kvtest_assert_ok(kvlogical_release_weak(manager, &weak, 1));
    destroy_manager(manager);
}

static void presence_lasts_until_eviction(void **state) {
    (void)state;
    kvlogical_manager *manager = make_lru(2);
    kvlogical_registry *registry = kvlogical_manager_registry(manager);
    kvhash_plh name = kvhash_plh_root(3);
    kvlogical_complete staged;
    kvlogical_immutable held;
    kvlogical_mutable all[2];
    stage_names(manager, &name, 1, &staged);
    assert_false(is_present(registry, name, 0));
    kvtest_assert_ok(kvlogical_register(manager, &staged, 1, &held));
    assert_true(is_present(registry, name, 0));
    kvtest_assert_ok(kvlogical_release(manager, &held, 1));
    assert_true(is_present(registry, name, 0));
    kvtest_assert_ok(kvlogical_allocate(manager, 2, all, NULL));
    assert_false(is_present(registry, name, 0));
    assert_false(kvlogical_registry_is_registered(registry, name));
    kvtest_assert_ok(kvlogical_release_mutable(manager, all, 2));
    destroy_manager(manager);
}

static void presence_is_of_each_tier(void **state) {
    (void)state;
    kvlogical_registry *registry = make_registry(64);
    kvlogical_config config = config_of(4);
    config.registry = registry;
    config.tier = 1;
    kvlogical_manager *device = make_manager(&config);
    config.tier = 2;
    config.eviction = KVLOGICAL_EVICT_LINEAGE_FIFO;
    config.duplicates = KVLOGICAL_DUPLICATES_REJECT;
    kvlogical_manager *host = make_manager(&config);
    kvhash_plh names[3];
    kvlogical_immutable on_device[2], on_host[2];
    name_roots(1, names, 3);
    hold_names(device, names, 2, on_device);
    hold_names(host, names + 1, 2, on_host);
    assert_int_equal(kvlogical_registry_count(registry), 3);
    static const struct {
        size_t count;
        uint64_t tiers[2];
        bool expected[3];
    } cases[] = {
        {1, {1}, {true, true, false}},    {1, {2}, {false, true, true}},   {2, {1, 2}, {true, true, true}},
        {2, {2, 3}, {false, true, true}}, {1, {3}, {false, false, false}}, {0, {0}, {false, false, false}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bool present[3] = {true, true, true};
        kvtest_assert_ok(kvlogical_registry_presence(registry, names, 3, cases[i].tiers, cases[i].count, present));
        for (int k = 0; k < 3; k++) assert_int_equal(present[k], cases[i].expected[k]);
    }
    kvtest_assert_status(kvlogical_registry_presence(registry, NULL, 3, cases[0].tiers, 1, NULL), KVCORE_EINVAL);
    kvtest_assert_status(kvlogical_registry_destroy(registry), KVCORE_EBUSY);
    kvtest_assert_ok(kvlogical_release(device, on_device, 2));
    kvtest_assert_ok(kvlogical_release(host, on_host, 2));
    destroy_manager(device);
    assert_int_equal(kvlogical_registry_count(registry), 2); /* what only the device had is gone with it */
    assert_false(is_present(registry, names[1], 1));
    assert_true(is_present(registry, names[1], 2));
    destroy_manager(host);
    assert_int_equal(kvlogical_registry_count(registry), 0);
    kvtest_assert_ok(kvlogical_registry_destroy(registry));
}

static void one_block_serves_a_hundred_names_in_turn(void **state) {
    (void)state;
    kvlogical_manager *manager = make_lru(1);
    kvlogical_registry *registry = kvlogical_manager_registry(manager);
    kvhash_plh names[101];
    name_roots(1, names, 101);
    cache_names(manager, names, 1);
    for (int i = 1; i <= 100; i++) {
        cache_names(manager, &names[i], 1);
        assert_false(is_present(registry, names[i - 1], 0));
        assert_true(is_present(registry, names[i], 0));
        assert_int_equal(kvlogical_registry_count(registry), 1);
    }
    destroy_manager(manager);
}

static void duplicates_refer_to_the_primary_and_lookups_never_give_one(void **state) {
    (void)state;
    kvlogical_manager *manager = make_lru(4);
    kvhash_plh name = kvhash_plh_root(3);
    kvlogical_immutable held[3], matched;
    uint32_t holds;
    size_t hits;
    for (int i = 0; i < 3; i++) hold_names(manager, &name, 1, &held[i]);
    kvtest_assert_ok(kvlogical_use_count(manager, &held[0], &holds));
    assert_int_equal(holds, 3); /* its guard and one for each duplicate */
    kvtest_assert_ok(kvlogical_use_count(manager, &held[1], &holds));
    assert_int_equal(holds, 1);
    kvtest_assert_ok(kvlogical_match_prefix(manager, &name, 1, &matched, &hits));
    assert_int_equal(matched.block, held[0].block);
    kvtest_assert_ok(kvlogical_release(manager, &matched, 1));
    uint32_t primary = held[0].block, second = held[1].block;
    kvtest_assert_ok(kvlogical_release(manager, &held[0], 1));
    assert_int_equal(kvlogical_manager_counts(manager).primary, 1);
    kvtest_assert_ok(kvlogical_match_prefix(manager, &name, 1, &matched, &hits));
    assert_int_equal(matched.block, primary);
    kvtest_assert_ok(kvlogical_release(manager, &matched, 1));
    kvtest_assert_ok(kvlogical_release(manager, &held[1], 1));
    assert_gauges(manager, 0, 1, 0, 2); /* one never used, and the duplicate that went */
    kvtest_assert_ok(kvlogical_release(manager, &held[2], 1));
    assert_gauges(manager, 0, 0, 1, 3);
    kvlogical_mutable blocks[2]; /* free: 3, then the duplicates as they went */
    kvtest_assert_ok(kvlogical_allocate(manager, 2, blocks, NULL));
    assert_int_equal(blocks[0].block, 3);
    assert_int_equal(blocks[1].block, second);
    kvtest_assert_ok(kvlogical_release_mutable(manager, blocks, 2));
    destroy_manager(manager);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_are_registered_in_order),
        cmocka_unit_test(a_rejecting_batch_gives_primaries_for_duplicates),
        cmocka_unit_test(an_allowed_duplicate_in_one_batch_keeps_presence_when_it_goes),
        cmocka_unit_test(a_rejected_block_is_handed_out_next),
        cmocka_unit_test(rejecting_brings_an_inactive_primary_back),
        cmocka_unit_test(presence_lasts_until_eviction),
        cmocka_unit_test(presence_is_of_each_tier),
        cmocka_unit_test(one_block_serves_a_hundred_names_in_turn),
        cmocka_unit_test(duplicates_refer_to_the_primary_and_lookups_never_give_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
