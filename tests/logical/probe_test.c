/* Does looking touch nothing, and does evicting ahead tell its victims? */
#include "support.h"

#include <kvlogical/inspect.h>
#include <kvlogical/policy.h>

static void order_of(const kvlogical_manager *manager, uint32_t order[8]) {
    size_t count;
    kvtest_assert_ok(kvlogical_list_order(manager, KVLOGICAL_NO_BLOCK, order, 8, &count));
    assert_int_equal(count, available(manager));
}

static void a_probe_sees_what_a_match_would_hold(void **state) {
    (void)state;
    kvlogical_manager *manager = make_lru(8);
    kvhash_plh names[6];
    kvlogical_immutable held[2];
    name_chain(3, names, 6);
    cache_names(manager, names, 4);
    size_t hits;
    kvtest_assert_ok(kvlogical_match_prefix(manager, names, 2, held, &hits));
    uint32_t before[8], after[8], blocks[6];
    kvlogical_metrics counted = kvlogical_manager_metrics(manager), now;
    order_of(manager, before);
    kvlogical_probe probe = KVLOGICAL_PROBE_INIT;
    kvtest_assert_ok(kvlogical_probe_prefix(manager, names, NULL, 6, blocks, &probe));
    assert_int_equal(probe.hits, 4);
    assert_int_equal(probe.idle, 2);
    for (uint32_t i = 0; i < 4; i++) assert_int_equal(blocks[i], i);
    order_of(manager, after);
    assert_memory_equal(before, after, available(manager) * sizeof *before);
    now = kvlogical_manager_metrics(manager);
    assert_memory_equal(&counted, &now, sizeof now);
    kvtest_assert_ok(kvlogical_probe_prefix(manager, names + 4, NULL, 2, NULL, &probe));
    assert_int_equal(probe.hits, 0);
    kvtest_assert_ok(kvlogical_release(manager, held, 2));
    destroy_manager(manager);
}

static void a_probe_verifies_proofs(void **state) {
    (void)state;
    kvlogical_config config = config_of(4);
    config.proof_bits = 64;
    kvlogical_manager *manager = make_manager(&config);
    kvhash_plh name;
    kvhash_proof mine = {.low = 1}, other = {.low = 2};
    kvlogical_complete staged;
    kvlogical_immutable held;
    kvlogical_attributes attributes = KVLOGICAL_ATTRIBUTES_INIT;
    kvlogical_probe probe = KVLOGICAL_PROBE_INIT;
    name_chain(3, &name, 1);
    stage_names(manager, &name, 1, &staged);
    attributes.proofs = &mine;
    attributes.proof_count = 1;
    kvtest_assert_ok(kvlogical_register_with(manager, &staged, 1, &attributes, &held, NULL));
    kvtest_assert_ok(kvlogical_probe_prefix(manager, &name, &mine, 1, NULL, &probe));
    assert_int_equal(probe.hits, 1);
    kvtest_assert_ok(kvlogical_probe_prefix(manager, &name, &other, 1, NULL, &probe));
    assert_int_equal(probe.hits, 0);
    kvtest_assert_ok(kvlogical_release(manager, &held, 1));
    destroy_manager(manager);
    config.proof_bits = KVLOGICAL_PROOFS_NONE;
    manager = make_manager(&config);
    kvtest_assert_status(kvlogical_probe_prefix(manager, &name, &mine, 1, NULL, &probe), KVCORE_ENOTSUP);
    destroy_manager(manager);
}

static void each_name_is_found_for_itself(void **state) {
    (void)state;
    kvlogical_manager *manager = make_lru(8);
    kvhash_plh names[3];
    kvlogical_immutable held;
    uint32_t blocks[3];
    bool idle[3];
    name_roots(3, names, 3);
    cache_names(manager, &names[0], 1);
    hold_names(manager, &names[2], 1, &held);
    kvtest_assert_ok(kvlogical_find(manager, names, 3, blocks, idle));
    assert_int_equal(blocks[0], 0);
    assert_true(idle[0]);
    assert_int_equal(blocks[1], KVLOGICAL_NO_BLOCK);
    assert_false(idle[1]);
    assert_int_equal(blocks[2], 1);
    assert_false(idle[2]);
    kvtest_assert_ok(kvlogical_release(manager, &held, 1));
    destroy_manager(manager);
}

static void evicting_ahead_tells_names_and_blocks_in_order(void **state) {
    (void)state;
    for (uint32_t order = KVLOGICAL_FREE_BACK; order <= KVLOGICAL_FREE_FRONT; order++) {
        kvlogical_config config = config_of(6);
        config.free_order = order;
        kvlogical_manager *manager = make_manager(&config);
        kvhash_plh names[4];
        kvlogical_key victims[8];
        size_t evicted;
        name_roots(3, names, 4);
        cache_names(manager, names, 4);
        kvtest_assert_ok(kvlogical_evict(manager, 3, victims, &evicted));
        assert_int_equal(evicted, 3);
        for (uint32_t i = 0; i < 3; i++) {
            assert_int_equal(victims[i].block, i);
            assert_int_equal(victims[i].group, 0);
            assert_same_name(victims[i].name, names[i]);
        }
        assert_sound(manager);
        assert_int_equal(kvlogical_manager_counts(manager).free, 5);
        uint32_t listed[8];
        order_of(manager, listed);
        assert_int_equal(listed[0], order == KVLOGICAL_FREE_FRONT ? 0 : 4);
        assert_int_equal(listed[5], 3);
        kvtest_assert_ok(kvlogical_evict(manager, SIZE_MAX, NULL, &evicted));
        assert_int_equal(evicted, 1);
        assert_int_equal(kvlogical_manager_metrics(manager).evictions, 4);
        destroy_manager(manager);
    }
}

static void every_policy_evicts_ahead_what_it_would_evict(void **state) {
    (void)state;
    for (size_t at = 0; at < kvlogical_policy_count(); at++) {
        kvlogical_policy policy = KVLOGICAL_POLICY_INIT;
        kvtest_assert_ok(kvlogical_policy_at(at, &policy));
        kvlogical_config config = config_of(100);
        config.eviction = policy.policy;
        kvlogical_manager *one = make_manager(&config), *two = make_manager(&config);
        kvhash_plh names[100], allocated[70];
        kvlogical_key victims[70];
        kvlogical_mutable blocks[70];
        kvlogical_evicted told = {allocated, 0};
        size_t evicted;
        name_chain(5, names, 100);
        cache_names(one, names, 100);
        cache_names(two, names, 100);
        kvtest_assert_ok(kvlogical_evict(one, 70, victims, &evicted));
        kvtest_assert_ok(kvlogical_allocate(two, 70, blocks, &told));
        for (size_t i = 0; i < 70; i++) assert_same_name(victims[i].name, allocated[i]);
        kvtest_assert_ok(kvlogical_release_mutable(two, blocks, 70));
        destroy_manager(one);
        destroy_manager(two);
    }
}

static void the_order_goes_on_behind_a_block(void **state) {
    (void)state;
    kvlogical_config config = config_of(6);
    config.eviction = KVLOGICAL_EVICT_MULTI_LRU;
    kvlogical_manager *manager = make_manager(&config);
    kvhash_plh names[4];
    name_roots(3, names, 4);
    cache_names(manager, names, 4);
    for (int i = 0; i < 20; i++) assert_int_equal(match_names(manager, &names[1], 1), 1); /* to a higher level */
    static const uint32_t expected[] = {4, 5, 0, 2, 3, 1};
    uint32_t after = KVLOGICAL_NO_BLOCK;
    size_t count;
    for (size_t i = 0; i < 6; i++) {
        kvtest_assert_ok(kvlogical_list_order(manager, after, &after, 1, &count));
        assert_int_equal(count, 1);
        assert_int_equal(after, expected[i]);
    }
    kvtest_assert_ok(kvlogical_list_order(manager, after, &after, 1, &count));
    assert_int_equal(count, 0);
    kvlogical_immutable held;
    kvtest_assert_ok(kvlogical_match_prefix(manager, names, 1, &held, &count));
    kvtest_assert_status(kvlogical_list_order(manager, 0, &after, 1, &count), KVLOGICAL_ESTATE);
    kvtest_assert_status(kvlogical_list_order(manager, 6, &after, 1, &count), KVCORE_EINVAL);
    kvtest_assert_ok(kvlogical_release(manager, &held, 1));
    destroy_manager(manager);
    config.eviction = KVLOGICAL_EVICT_SIEVE;
    manager = make_manager(&config);
    kvtest_assert_status(kvlogical_list_order(manager, KVLOGICAL_NO_BLOCK, &after, 1, &count), KVCORE_ENOTSUP);
    destroy_manager(manager);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_probe_sees_what_a_match_would_hold),
        cmocka_unit_test(a_probe_verifies_proofs),
        cmocka_unit_test(each_name_is_found_for_itself),
        cmocka_unit_test(evicting_ahead_tells_names_and_blocks_in_order),
        cmocka_unit_test(every_policy_evicts_ahead_what_it_would_evict),
        cmocka_unit_test(the_order_goes_on_behind_a_block),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
