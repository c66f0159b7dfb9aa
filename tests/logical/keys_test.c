/* Several blocks of one name that are found, and free blocks that go to the front: does the order keep its words? */
#include "support.h"

#include <kvlogical/events.h>
#include <kvlogical/inspect.h>

static kvlogical_manager *make(uint32_t free_order, uint32_t duplicates) {
    kvlogical_config config = config_of(6);
    config.free_order = free_order;
    config.duplicates = duplicates;
    return make_manager(&config);
}

/* Allocate: these blocks, in this order. */
static void take(kvlogical_manager *manager, kvlogical_mutable *blocks, const uint32_t *expected, size_t count) {
    kvtest_assert_ok(kvlogical_allocate(manager, count, blocks, NULL));
    for (size_t i = 0; i < count; i++) assert_int_equal(blocks[i].block, expected[i]);
}

static uint32_t block_of(kvlogical_manager *manager, const kvhash_plh *name) {
    kvlogical_immutable held;
    size_t hits;
    kvtest_assert_ok(kvlogical_match_prefix(manager, name, 1, &held, &hits));
    if (hits == 0) return UINT32_MAX;
    uint32_t block = held.block;
    kvtest_assert_ok(kvlogical_release(manager, &held, 1));
    return block;
}

static void blocks_freed_to_the_front_come_next_in_the_order_of_the_release(void **state) {
    (void)state;
    kvlogical_manager *manager = make(KVLOGICAL_FREE_FRONT, KVLOGICAL_DUPLICATES_ALLOW);
    kvlogical_mutable blocks[6];
    take(manager, blocks, (const uint32_t[]){0, 1, 2, 3}, 4);
    kvtest_assert_ok(kvlogical_release_mutable(manager, blocks, 2));
    kvtest_assert_ok(kvlogical_release_mutable(manager, blocks + 2, 2));
    assert_sound(manager);
    take(manager, blocks, (const uint32_t[]){2, 3, 0, 1, 4, 5}, 6);
    kvtest_assert_ok(kvlogical_release_mutable(manager, blocks, 6));
    destroy_manager(manager);
}

static void a_withdrawn_idle_block_goes_to_the_front(void **state) {
    (void)state;
    kvlogical_manager *manager = make(KVLOGICAL_FREE_FRONT, KVLOGICAL_DUPLICATES_ALLOW);
    kvhash_plh names[3];
    name_chain(1, names, 3);
    cache_names(manager, names, 3);
    kvtest_assert_ok(kvlogical_withdraw(manager, &names[1], 1, NULL));
    kvlogical_mutable blocks[6];
    take(manager, blocks, (const uint32_t[]){1, 3, 4, 5, 0, 2}, 6);
    kvtest_assert_ok(kvlogical_release_mutable(manager, blocks, 6));
    destroy_manager(manager);
}

static void a_reset_keeps_the_order_wherever_free_blocks_go(void **state) {
    (void)state;
    kvlogical_manager *manager = make(KVLOGICAL_FREE_FRONT, KVLOGICAL_DUPLICATES_KEEP);
    kvhash_plh names[3];
    name_chain(1, names, 3);
    cache_names(manager, names, 3);
    kvtest_assert_ok(kvlogical_reset_inactive(manager, NULL));
    kvlogical_mutable blocks[6];
    take(manager, blocks, (const uint32_t[]){3, 4, 5, 0, 1, 2}, 6);
    kvtest_assert_ok(kvlogical_release_mutable(manager, blocks, 6));
    destroy_manager(manager);
}

static void a_kept_duplicate_is_idle_by_itself_and_found_after_the_first(void **state) {
    (void)state;
    kvlogical_manager *manager = make(KVLOGICAL_FREE_FRONT, KVLOGICAL_DUPLICATES_KEEP);
    kvhash_plh name, evicted_name;
    name_chain(1, &name, 1);
    kvlogical_immutable first, second;
    hold_names(manager, &name, 1, &first);
    hold_names(manager, &name, 1, &second);
    assert_int_equal(second.block, 1);
    assert_int_equal(kvlogical_manager_counts(manager).primary, 2);
    assert_int_equal(kvlogical_registry_count(kvlogical_manager_registry(manager)), 1);
    kvtest_assert_ok(kvlogical_release(manager, &second, 1));
    kvtest_assert_ok(kvlogical_release(manager, &first, 1));
    assert_int_equal(kvlogical_manager_counts(manager).inactive, 2);
    assert_int_equal(block_of(manager, &name), 0); /* the one that has it longest; and it goes to the end again */
    assert_sound(manager);

    kvlogical_mutable blocks[6];
    kvlogical_evicted evicted = {&evicted_name, 0};
    kvtest_assert_ok(kvlogical_allocate(manager, 5, blocks, &evicted));
    assert_int_equal(evicted.count, 1);
    assert_same_name(evicted_name, name);
    assert_int_equal(blocks[4].block, 1);
    assert_int_equal(block_of(manager, &name), 0);
    kvtest_assert_ok(kvlogical_allocate(manager, 1, blocks + 5, &evicted));
    assert_int_equal(evicted.count, 1);
    assert_int_equal(block_of(manager, &name), UINT32_MAX);
    assert_int_equal(kvlogical_registry_count(kvlogical_manager_registry(manager)), 0);
    kvtest_assert_ok(kvlogical_release_mutable(manager, blocks, 6));
    destroy_manager(manager);
}

static void the_next_copy_is_found_when_the_first_is_evicted(void **state) {
    (void)state;
    kvlogical_manager *manager = make(KVLOGICAL_FREE_BACK, KVLOGICAL_DUPLICATES_KEEP);
    kvhash_plh name;
    name_chain(1, &name, 1);
    kvlogical_immutable held[3];
    for (int i = 0; i < 3; i++) hold_names(manager, &name, 1, &held[i]);
    kvtest_assert_ok(kvlogical_release(manager, held, 1));
    kvlogical_mutable blocks[4];
    take(manager, blocks, (const uint32_t[]){3, 4, 5, 0}, 4);
    assert_int_equal(block_of(manager, &name), 1);
    assert_sound(manager);
    kvtest_assert_ok(kvlogical_release(manager, held, 3));
    kvtest_assert_ok(kvlogical_release_mutable(manager, blocks, 4));
    destroy_manager(manager);
}

static void withdrawing_a_name_takes_all_its_copies(void **state) {
    (void)state;
    kvlogical_manager *manager = make(KVLOGICAL_FREE_BACK, KVLOGICAL_DUPLICATES_KEEP);
    kvhash_plh name;
    name_chain(1, &name, 1);
    kvlogical_immutable held[3];
    for (int i = 0; i < 3; i++) hold_names(manager, &name, 1, &held[i]);
    kvtest_assert_ok(kvlogical_release(manager, &held[1], 1));
    size_t withdrawn;
    kvtest_assert_ok(kvlogical_withdraw(manager, &name, 1, &withdrawn));
    assert_int_equal(withdrawn, 3);
    assert_int_equal(block_of(manager, &name), UINT32_MAX);
    assert_sound(manager);
    kvtest_assert_ok(kvlogical_release(manager, held, 3));
    assert_int_equal(kvlogical_manager_counts(manager).free, 6);
    destroy_manager(manager);
}

static void lineage_keeps_no_duplicates_and_has_no_groups(void **state) {
    (void)state;
    kvlogical_manager *manager;
    kvlogical_config config = config_of(4);
    config.eviction = KVLOGICAL_EVICT_LINEAGE_TICK;
    config.duplicates = KVLOGICAL_DUPLICATES_KEEP;
    kvtest_assert_status(kvlogical_manager_create(&config, &manager, NULL), KVCORE_ECONFIG);
    config.duplicates = KVLOGICAL_DUPLICATES_ALLOW;
    config.groups = 2;
    kvtest_assert_status(kvlogical_manager_create(&config, &manager, NULL), KVCORE_ECONFIG);
    config.eviction = KVLOGICAL_EVICT_LRU;
    config.groups = 17;
    kvtest_assert_status(kvlogical_manager_create(&config, &manager, NULL), KVCORE_ECONFIG);
    config.groups = 16;
    config.free_order = 2;
    kvtest_assert_status(kvlogical_manager_create(&config, &manager, NULL), KVCORE_ECONFIG);
}

/* A scan by blocks that has passed the second copy must still tell the name when the first one goes. */
static void a_resync_tells_a_name_whose_first_copy_goes_meanwhile(void **state) {
    (void)state;
    kvlogical_manager *manager = make(KVLOGICAL_FREE_BACK, KVLOGICAL_DUPLICATES_KEEP);
    kvlogical_registry *registry = kvlogical_manager_registry(manager);
    kvhash_plh names[3];
    name_roots(7, names, 3);
    kvlogical_immutable held[3], copies[2];
    kvlogical_mutable blocks[3], last;
    kvlogical_complete staged;
    hold_names(manager, names, 3, held); /* blocks 0, 1, 2 */
    kvtest_assert_ok(kvlogical_allocate(manager, 3, blocks, NULL));
    kvtest_assert_ok(kvlogical_withdraw(manager, &names[1], 1, NULL));
    kvtest_assert_ok(kvlogical_stage(manager, &blocks[2], &names[1], 1, &staged));
    kvtest_assert_ok(kvlogical_register(manager, &staged, 1, &copies[0])); /* block 5 is the first copy */
    kvtest_assert_ok(kvlogical_release(manager, &held[1], 1));
    kvtest_assert_ok(kvlogical_allocate(manager, 1, &blocks[2], NULL));
    kvtest_assert_ok(kvlogical_stage(manager, &blocks[2], &names[1], 1, &staged));
    kvtest_assert_ok(kvlogical_register(manager, &staged, 1, &copies[1])); /* block 1 is the second */
    assert_int_equal(copies[1].block, 1);

    kvlogical_subscription *subscription;
    kvhash_event event;
    size_t count;
    kvtest_assert_ok(kvlogical_subscription_create(registry, &subscription));
    kvtest_assert_ok(kvlogical_subscription_resync(subscription));
    for (int i = 0; i < 3; i++) { /* CLEAR, then blocks 0 and 2 */
        kvtest_assert_ok(kvlogical_subscription_poll(subscription, &event, 1, &count));
        assert_int_equal(count, 1);
    }
    assert_same_name(event.name, names[2]);
    kvtest_assert_ok(kvlogical_release(manager, &copies[0], 1));
    kvtest_assert_ok(kvlogical_allocate(manager, 1, &last, NULL));
    assert_int_equal(last.block, 5);
    bool told = false;
    do {
        kvtest_assert_ok(kvlogical_subscription_poll(subscription, &event, 1, &count));
        told = told || (count == 1 && kvhash_plh_equal(event.name, names[1]));
    } while (count > 0);
    assert_true(told);

    kvlogical_subscription_destroy(subscription);
    kvtest_assert_ok(kvlogical_release(manager, &copies[1], 1));
    kvtest_assert_ok(kvlogical_release(manager, held, 3));
    kvtest_assert_ok(kvlogical_release_mutable(manager, blocks, 2));
    kvtest_assert_ok(kvlogical_release_mutable(manager, &last, 1));
    destroy_manager(manager);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_freed_to_the_front_come_next_in_the_order_of_the_release),
        cmocka_unit_test(a_withdrawn_idle_block_goes_to_the_front),
        cmocka_unit_test(a_reset_keeps_the_order_wherever_free_blocks_go),
        cmocka_unit_test(a_kept_duplicate_is_idle_by_itself_and_found_after_the_first),
        cmocka_unit_test(the_next_copy_is_found_when_the_first_is_evicted),
        cmocka_unit_test(withdrawing_a_name_takes_all_its_copies),
        cmocka_unit_test(lineage_keeps_no_duplicates_and_has_no_groups),
        cmocka_unit_test(a_resync_tells_a_name_whose_first_copy_goes_meanwhile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
