/* Which blocks become free with their last release, instead of inactive? */
#include "support.h"

static kvlogical_manager *make_resetting(size_t blocks) {
    kvlogical_config config = config_of(blocks);
    config.reset_on_release = true;
    return make_manager(&config);
}

static void reset_on_release(kvlogical_manager *manager, const kvlogical_immutable *held, bool reset) {
    kvtest_assert_ok(kvlogical_set_reset_on_release(manager, held, reset));
}

static void release(kvlogical_manager *manager, kvlogical_immutable *held) {
    kvtest_assert_ok(kvlogical_release(manager, held, 1));
}

static kvlogical_immutable match(kvlogical_manager *manager, kvhash_plh name) {
    kvlogical_immutable held;
    size_t hits;
    kvtest_assert_ok(kvlogical_match_prefix(manager, &name, 1, &held, &hits));
    assert_int_equal(hits, 1);
    return held;
}

static void a_flagged_block_is_forgotten_with_its_last_release(void **state) {
    (void)state;
    kvlogical_manager *manager = make_lru(4);
    kvhash_plh name = kvhash_plh_root(1);
    kvlogical_immutable held;
    assert_gauges(manager, 0, 0, 0, 4);
    hold_names(manager, &name, 1, &held);
    assert_gauges(manager, 0, 1, 0, 3);
    reset_on_release(manager, &held, true);
    assert_gauges(manager, 0, 1, 0, 3);
    release(manager, &held);
    assert_gauges(manager, 0, 0, 0, 4);
    assert_int_equal(match_names(manager, &name, 1), 0);
    assert_false(kvlogical_registry_is_registered(kvlogical_manager_registry(manager), name));
    assert_int_equal(kvlogical_manager_metrics(manager).evictions, 0);
    destroy_manager(manager);
}

static void only_the_last_of_several_holders_resets(void **state) {
    (void)state;
    kvlogical_manager *manager = make_lru(4);
    kvhash_plh name = kvhash_plh_root(1);
    kvlogical_immutable held[3];
    hold_names(manager, &name, 1, held);
    kvtest_assert_ok(kvlogical_clone(manager, held, 1, &held[1]));
    kvtest_assert_ok(kvlogical_clone(manager, held, 1, &held[2]));
    reset_on_release(manager, &held[0], true);
    release(manager, &held[0]);
    release(manager, &held[1]);
    assert_gauges(manager, 0, 1, 0, 3);
    assert_int_equal(match_names(manager, &name, 1), 1);
    release(manager, &held[2]);
    assert_gauges(manager, 0, 0, 0, 4);
    destroy_manager(manager);
}

static void the_last_word_of_any_holder_counts(void **state) {
    (void)state;
    kvlogical_manager *manager = make_lru(4);
    kvhash_plh name = kvhash_plh_root(1);
    kvlogical_immutable held[2];
    hold_names(manager, &name, 1, held);
    kvtest_assert_ok(kvlogical_clone(manager, held, 1, &held[1]));
    reset_on_release(manager, &held[0], true);
    reset_on_release(manager, &held[1], false);
    release(manager, &held[0]);
    release(manager, &held[1]);
    assert_gauges(manager, 0, 0, 1, 3);
    destroy_manager(manager);
}

static void the_next_tenant_starts_with_the_default(void **state) {
    (void)state;
    kvlogical_manager *manager = make_lru(1);
    kvhash_plh names[2];
    kvlogical_immutable held;
    name_roots(1, names, 2);
    hold_names(manager, &names[0], 1, &held);
    reset_on_release(manager, &held, true);
    release(manager, &held);
    hold_names(manager, &names[1], 1, &held);
    release(manager, &held);
    assert_gauges(manager, 0, 0, 1, 0);
    destroy_manager(manager);
}

static void a_holder_opts_out_of_the_managers_default(void **state) {
    (void)state;
    kvlogical_manager *manager = make_resetting(4);
    kvhash_plh names[2];
    kvlogical_immutable held[2];
    name_roots(1, names, 2);
    hold_names(manager, names, 2, held);
    reset_on_release(manager, &held[1], false);
    kvtest_assert_ok(kvlogical_release(manager, held, 2));
    assert_gauges(manager, 0, 0, 1, 3);
    assert_int_equal(match_names(manager, &names[1], 1), 1);
    destroy_manager(manager);
}

static void an_opt_out_survives_resurrections(void **state) {
    (void)state;
    kvlogical_manager *manager = make_resetting(4);
    kvhash_plh name = kvhash_plh_root(1);
    kvlogical_immutable held;
    hold_names(manager, &name, 1, &held);
    reset_on_release(manager, &held, false);
    release(manager, &held);
    for (int i = 0; i < 2; i++) {
        held = match(manager, name);
        release(manager, &held);
        assert_gauges(manager, 0, 0, 1, 3);
    }
    destroy_manager(manager);
}

static void a_resurrected_block_can_be_flagged(void **state) {
    (void)state;
    kvlogical_manager *manager = make_lru(4);
    kvhash_plh name = kvhash_plh_root(1);
    cache_names(manager, &name, 1);
    kvlogical_immutable held = match(manager, name);
    reset_on_release(manager, &held, true);
    release(manager, &held);
    assert_gauges(manager, 0, 0, 0, 4);
    destroy_manager(manager);
}

static void a_batch_keeps_each_blocks_own_flag(void **state) {
    (void)state;
    kvlogical_manager *manager = make_lru(3);
    kvlogical_registry *registry = kvlogical_manager_registry(manager);
    kvhash_plh names[3];
    kvlogical_immutable held[3];
    name_roots(1, names, 3);
    hold_names(manager, names, 3, held);
    reset_on_release(manager, &held[0], true);
    reset_on_release(manager, &held[2], true);
    kvtest_assert_ok(kvlogical_release(manager, held, 3));
    assert_gauges(manager, 0, 0, 1, 2);
    assert_false(kvlogical_registry_is_registered(registry, names[0]));
    assert_true(kvlogical_registry_is_registered(registry, names[1]));
    assert_false(kvlogical_registry_is_registered(registry, names[2]));
    destroy_manager(manager);
}

static void eviction_discards_an_opt_out(void **state) {
    (void)state;
    kvlogical_manager *manager = make_resetting(1);
    kvhash_plh names[2];
    kvlogical_immutable held;
    name_roots(1, names, 2);
    hold_names(manager, &names[0], 1, &held);
    reset_on_release(manager, &held, false);
    release(manager, &held);
    hold_names(manager, &names[1], 1, &held); /* evicts */
    release(manager, &held);
    assert_gauges(manager, 0, 0, 0, 1);
    destroy_manager(manager);
}

static void resetting_the_inactive_pool_discards_it_too(void **state) {
    (void)state;
    kvlogical_manager *manager = make_resetting(1);
    kvhash_plh name = kvhash_plh_root(1);
    kvlogical_immutable held;
    hold_names(manager, &name, 1, &held);
    reset_on_release(manager, &held, false);
    release(manager, &held);
    kvtest_assert_ok(kvlogical_reset_inactive(manager, NULL));
    hold_names(manager, &name, 1, &held);
    release(manager, &held);
    assert_gauges(manager, 0, 0, 0, 1);
    destroy_manager(manager);
}

static void a_duplicate_becomes_free_whatever_its_flag(void **state) {
    (void)state;
    for (int flag = 0; flag < 2; flag++) {
        kvlogical_manager *manager = make_lru(4);
        kvhash_plh name = kvhash_plh_root(1);
        kvlogical_immutable primary, duplicate;
        hold_names(manager, &name, 1, &primary);
        hold_names(manager, &name, 1, &duplicate);
        reset_on_release(manager, &duplicate, flag);
        release(manager, &duplicate);
        assert_gauges(manager, 0, 1, 0, 3);
        release(manager, &primary);
        assert_gauges(manager, 0, 0, 1, 3);
        destroy_manager(manager);
    }
}

static void a_flagged_primary_waits_for_its_duplicates(void **state) {
    (void)state;
    kvlogical_manager *manager = make_lru(4);
    kvhash_plh name = kvhash_plh_root(1);
    kvlogical_immutable primary, duplicate;
    hold_names(manager, &name, 1, &primary);
    reset_on_release(manager, &primary, true);
    hold_names(manager, &name, 1, &duplicate); /* changes nothing of that */
    release(manager, &primary);
    assert_gauges(manager, 0, 1, 0, 2);
    release(manager, &duplicate);
    assert_gauges(manager, 0, 0, 0, 4);
    kvlogical_mutable blocks[4]; /* the duplicate went first, then the primary */
    kvtest_assert_ok(kvlogical_allocate(manager, 4, blocks, NULL));
    assert_int_equal(blocks[2].block, 1);
    assert_int_equal(blocks[3].block, 0);
    kvtest_assert_ok(kvlogical_release_mutable(manager, blocks, 4));
    destroy_manager(manager);
}

/* X3: the flag of a block that is brought back stays, and works at its next last release. */
static void a_flag_survives_resurrection(void **state) {
    (void)state;
    kvlogical_manager *manager = make_lru(2);
    kvhash_plh name = kvhash_plh_root(1);
    kvlogical_immutable held, again;
    kvlogical_pin pin;
    hold_names(manager, &name, 1, &held);
    reset_on_release(manager, &held, true);
    kvtest_assert_ok(kvlogical_pin_blocks(manager, &held, 1, &pin));
    release(manager, &held);
    again = match(manager, name);
    kvtest_assert_ok(kvlogical_release_pins(manager, &pin, 1));
    release(manager, &again);
    assert_gauges(manager, 0, 0, 0, 2);
    assert_false(kvlogical_registry_is_registered(kvlogical_manager_registry(manager), name));
    destroy_manager(manager);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_flagged_block_is_forgotten_with_its_last_release),
        cmocka_unit_test(only_the_last_of_several_holders_resets),
        cmocka_unit_test(the_last_word_of_any_holder_counts),
        cmocka_unit_test(the_next_tenant_starts_with_the_default),
        cmocka_unit_test(a_holder_opts_out_of_the_managers_default),
        cmocka_unit_test(an_opt_out_survives_resurrections),
        cmocka_unit_test(a_resurrected_block_can_be_flagged),
        cmocka_unit_test(a_batch_keeps_each_blocks_own_flag),
        cmocka_unit_test(eviction_discards_an_opt_out),
        cmocka_unit_test(resetting_the_inactive_pool_discards_it_too),
        cmocka_unit_test(a_duplicate_becomes_free_whatever_its_flag),
        cmocka_unit_test(a_flagged_primary_waits_for_its_duplicates),
        cmocka_unit_test(a_flag_survives_resurrection),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
