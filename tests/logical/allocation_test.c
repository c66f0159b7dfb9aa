/* Who gets how many blocks, and where do they come from? */
#include "support.h"

static void taking_blocks_moves_the_gauges_and_giving_back_restores_them(void **state) {
    (void)state;
    kvlogical_manager *manager = make_lru(20);
    kvlogical_mutable blocks[5];
    kvtest_assert_ok(kvlogical_allocate(manager, 1, blocks, NULL));
    assert_gauges(manager, 1, 0, 0, 19);
    assert_int_equal(available(manager), 19);
    assert_int_equal(kvlogical_manager_metrics(manager).allocations, 1);
    kvtest_assert_ok(kvlogical_release_mutable(manager, blocks, 1));
    assert_gauges(manager, 0, 0, 0, 20);
    kvtest_assert_ok(kvlogical_allocate(manager, 5, blocks, NULL));
    for (int i = 0; i < 5; i++)
        for (int k = 0; k < i; k++) assert_int_not_equal(blocks[i].block, blocks[k].block);
    assert_gauges(manager, 5, 0, 0, 15);
    assert_int_equal(kvlogical_manager_counts(manager).total, 20);
    kvtest_assert_ok(kvlogical_release_mutable(manager, blocks, 5));
    kvlogical_metrics metrics = kvlogical_manager_metrics(manager);
    assert_int_equal(metrics.allocations, 6);
    assert_int_equal(metrics.allocations_from_reset, 6);
    assert_int_equal(metrics.evictions, 0);
    assert_gauges(manager, 0, 0, 0, 20);
    destroy_manager(manager);
}

static void all_at_once_or_none(void **state) {
    (void)state;
    kvlogical_manager *manager = make_lru(10);
    kvlogical_mutable blocks[11];
    kvtest_assert_status(kvlogical_allocate(manager, 11, blocks, NULL), KVCORE_EOVERFLOW);
    kvtest_assert_ok(kvlogical_allocate(manager, 0, blocks, NULL));
    assert_int_equal(kvlogical_manager_metrics(manager).allocations, 0);
    kvtest_assert_ok(kvlogical_allocate(manager, 10, blocks, NULL));
    assert_int_equal(available(manager), 0);
    kvtest_assert_ok(kvlogical_release_mutable(manager, blocks, 10));
    destroy_manager(manager);
}

static void a_pool_is_used_up_and_given_back_piece_by_piece(void **state) {
    (void)state;
    kvlogical_manager *manager = make_lru(10);
    kvlogical_mutable a[3], b[4], c[3], more;
    kvtest_assert_ok(kvlogical_allocate(manager, 3, a, NULL));
    kvtest_assert_ok(kvlogical_allocate(manager, 4, b, NULL));
    kvtest_assert_ok(kvlogical_allocate(manager, 3, c, NULL));
    kvtest_assert_status(kvlogical_allocate(manager, 1, &more, NULL), KVCORE_ENOSPACE);
    kvtest_assert_ok(kvlogical_release_mutable(manager, c, 3));
    assert_int_equal(available(manager), 3);
    kvtest_assert_ok(kvlogical_release_mutable(manager, b, 4));
    assert_int_equal(available(manager), 7);
    kvtest_assert_ok(kvlogical_release_mutable(manager, a, 3));
    assert_int_equal(available(manager), 10);
    assert_int_equal(kvlogical_manager_metrics(manager).allocations, 10);
    kvtest_assert_ok(kvlogical_allocate(manager, 1, &more, NULL));
    kvtest_assert_ok(kvlogical_release_mutable(manager, &more, 1));
    destroy_manager(manager);
}

static void victims_come_last_and_their_names_are_told(void **state) {
    (void)state;
    kvlogical_manager *manager = make_lru(6);
    kvlogical_registry *registry = kvlogical_manager_registry(manager);
    kvhash_plh names[4], gone[6];
    kvlogical_mutable blocks[6];
    name_roots(1, names, 4);
    cache_names(manager, names, 4);
    assert_int_equal(kvlogical_registry_count(registry), 4);
    kvlogical_evicted evicted = {gone, 99};
    kvtest_assert_status(kvlogical_allocate(manager, 7, blocks, &evicted), KVCORE_EOVERFLOW);
    assert_int_equal(evicted.count, 99);
    kvtest_assert_ok(kvlogical_allocate(manager, 5, blocks, &evicted));
    static const uint32_t expected[] = {4, 5, 0, 1, 2};
    for (int i = 0; i < 5; i++) assert_int_equal(blocks[i].block, expected[i]);
    assert_int_equal(evicted.count, 3);
    for (int i = 0; i < 3; i++) assert_same_name(gone[i], names[i]);
    assert_int_equal(kvlogical_registry_count(registry), 1); /* before the call returned */
    kvlogical_metrics metrics = kvlogical_manager_metrics(manager);
    assert_int_equal(metrics.allocations, 9);
    assert_int_equal(metrics.allocations_from_reset, 6);
    assert_int_equal(metrics.evictions, 3);
    kvtest_assert_ok(kvlogical_release_mutable(manager, blocks, 5));
    kvtest_assert_ok(kvlogical_allocate(manager, 0, NULL, &evicted));
    destroy_manager(manager);
}

static void rollback_is_never_needed(void **state) {
    (void)state;
    kvlogical_manager *manager = make_lru(4);
    kvlogical_mutable blocks[5];
    kvhash_plh names[2];
    name_roots(2, names, 2);
    cache_names(manager, names, 2);
    kvtest_assert_status(kvlogical_allocate(manager, 5, blocks, NULL), KVCORE_EOVERFLOW);
    assert_gauges(manager, 0, 0, 2, 2);
    assert_int_equal(match_names(manager, names, 2), 1 + 1);
    destroy_manager(manager);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(taking_blocks_moves_the_gauges_and_giving_back_restores_them),
        cmocka_unit_test(all_at_once_or_none),
        cmocka_unit_test(a_pool_is_used_up_and_given_back_piece_by_piece),
        cmocka_unit_test(victims_come_last_and_their_names_are_told),
        cmocka_unit_test(rollback_is_never_needed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
