/* Does each call keep the words of its header? */
#include "kvtest.h"

#include <kvlogical/manager.h>

static kvlogical_manager *make(size_t blocks, uint32_t duplicates) {
    kvlogical_config config = KVLOGICAL_CONFIG_INIT;
    config.block_count = blocks;
    config.eviction = KVLOGICAL_EVICT_LRU;
    config.duplicates = duplicates;
    kvlogical_manager *manager = NULL;
    kvtest_assert_ok(kvlogical_manager_create(&config, &manager, NULL));
    return manager;
}

/* A chain of names, a different one for each id. */
static void chain(uint64_t id, kvhash_plh *names, size_t count) {
    names[0] = kvhash_plh_root(id * UINT64_C(0x9E3779B97F4A7C15) + 1);
    for (size_t i = 1; i < count; i++) kvtest_assert_ok(kvhash_plh_extend(names[i - 1], id + i, &names[i]));
}

/* Allocate, stage and register a chain. */
static void fill(kvlogical_manager *manager, uint64_t id, size_t count, kvlogical_immutable *held) {
    kvhash_plh names[64];
    kvlogical_mutable blocks[64];
    kvlogical_complete staged[64];
    chain(id, names, count);
    kvtest_assert_ok(kvlogical_allocate(manager, count, blocks, NULL));
    kvtest_assert_ok(kvlogical_stage(manager, blocks, names, count, staged));
    kvtest_assert_ok(kvlogical_register(manager, staged, count, held));
}

static void assert_sound(const kvlogical_manager *manager) {
    kvcore_error error;
    if (kvlogical_manager_validate(manager, &error) != KVCORE_OK) fail_msg("%s", error.text);
}

static void free_blocks_come_in_the_order_in_which_they_became_free(void **state) {
    (void)state;
    kvlogical_manager *manager = make(4, 0);
    kvlogical_mutable b[4];
    kvtest_assert_ok(kvlogical_allocate(manager, 3, b, NULL));
    for (uint32_t i = 0; i < 3; i++) assert_int_equal(b[i].block, i);
    kvtest_assert_ok(kvlogical_release_mutable(manager, &b[1], 1));
    kvtest_assert_ok(kvlogical_release_mutable(manager, &b[0], 1));
    kvtest_assert_ok(kvlogical_release_mutable(manager, &b[2], 1));
    kvtest_assert_ok(kvlogical_allocate(manager, 4, b, NULL));
    static const uint32_t expected[] = {3, 1, 0, 2};
    for (int i = 0; i < 4; i++) assert_int_equal(b[i].block, expected[i]);
    kvtest_assert_status(kvlogical_manager_destroy(manager), KVCORE_EBUSY);
    kvtest_assert_ok(kvlogical_release_mutable(manager, b, 4));
    kvtest_assert_ok(kvlogical_manager_destroy(manager));
}

static void allocation_is_all_or_nothing(void **state) {
    (void)state;
    kvlogical_manager *manager = make(5, 0);
    kvlogical_mutable b[10];
    memset(b, 0, sizeof b);
    kvtest_assert_status(kvlogical_allocate(manager, 6, b, NULL), KVCORE_EOVERFLOW);
    kvtest_assert_status(kvlogical_allocate(manager, SIZE_MAX, b, NULL), KVCORE_EOVERFLOW);
    assert_int_equal(b[0].manager, 0);
    kvtest_assert_ok(kvlogical_allocate(manager, 0, NULL, NULL));
    kvtest_assert_ok(kvlogical_allocate(manager, 5, b, NULL));
    kvtest_assert_status(kvlogical_allocate(manager, 1, b + 5, NULL), KVCORE_ENOSPACE);
    kvtest_assert_ok(kvlogical_release_mutable(manager, b, 5));
    kvtest_assert_ok(kvlogical_manager_destroy(manager));
}

static void a_released_prefix_is_found_again_and_evicted_oldest_first(void **state) {
    (void)state;
    kvlogical_manager *manager = make(8, 0);
    kvlogical_immutable a[4], b[4], found[4];
    kvhash_plh names[4], evicted_names[8];
    size_t hits;
    fill(manager, 1, 4, a);
    fill(manager, 2, 4, b);
    kvtest_assert_ok(kvlogical_release_tail_first(manager, a, 4));
    assert_int_equal(a[0].manager, 0);
    kvtest_assert_ok(kvlogical_release(manager, b, 4));
    chain(1, names, 4);
    kvtest_assert_ok(kvlogical_match_prefix(manager, names, 4, found, &hits));
    assert_int_equal(hits, 4);
    for (uint32_t i = 0; i < 4; i++) assert_int_equal(found[i].block, i);
    kvtest_assert_ok(kvlogical_release_tail_first(manager, found, 4));

    kvlogical_mutable fresh[6];
    kvlogical_evicted evicted = {evicted_names, 0};
    kvtest_assert_ok(kvlogical_allocate(manager, 6, fresh, &evicted));
    static const uint32_t expected[] = {4, 5, 6, 7, 3, 2};
    assert_int_equal(evicted.count, 6);
    for (int i = 0; i < 6; i++) assert_int_equal(fresh[i].block, expected[i]);
    assert_true(kvhash_plh_equal(evicted_names[4], names[3]));
    kvtest_assert_ok(kvlogical_match_prefix(manager, names, 4, found, &hits));
    assert_int_equal(hits, 2);
    kvtest_assert_ok(kvlogical_release(manager, found, 2));
    kvtest_assert_ok(kvlogical_release_mutable(manager, fresh, 6));
    kvtest_assert_ok(kvlogical_manager_destroy(manager));
}

static void a_duplicate_keeps_its_primary_and_goes_first(void **state) {
    (void)state;
    kvlogical_manager *manager = make(4, KVLOGICAL_DUPLICATES_ALLOW);
    kvlogical_immutable primary[1], duplicate[1];
    fill(manager, 1, 1, primary);
    fill(manager, 1, 1, duplicate);
    assert_int_equal(primary[0].block, 0);
    assert_int_equal(duplicate[0].block, 1);
    kvtest_assert_ok(kvlogical_release(manager, primary, 1));
    kvlogical_counts counts = kvlogical_manager_counts(manager);
    assert_int_equal(counts.primary, 1); /* kept alive */
    assert_int_equal(counts.duplicate, 1);
    kvtest_assert_ok(kvlogical_release(manager, duplicate, 1));
    counts = kvlogical_manager_counts(manager);
    assert_int_equal(counts.inactive, 1);
    assert_int_equal(counts.free, 3);
    kvtest_assert_ok(kvlogical_manager_destroy(manager));
}

static void a_rejected_block_becomes_free_and_the_primary_is_given(void **state) {
    (void)state;
    kvlogical_manager *manager = make(2, KVLOGICAL_DUPLICATES_REJECT);
    kvlogical_immutable first[1], second[1];
    fill(manager, 1, 1, first);
    kvtest_assert_ok(kvlogical_release(manager, first, 1)); /* inactive: comes back to life */
    fill(manager, 1, 1, second);
    assert_int_equal(second[0].block, 0);
    kvlogical_counts counts = kvlogical_manager_counts(manager);
    assert_int_equal(counts.free, 1);
    assert_int_equal(counts.primary, 1);
    kvtest_assert_ok(kvlogical_release(manager, second, 1));
    kvtest_assert_ok(kvlogical_manager_destroy(manager));
}

static void one_name_twice_in_a_batch_is_primary_then_duplicate(void **state) {
    (void)state;
    kvlogical_manager *manager = make(2, KVLOGICAL_DUPLICATES_ALLOW);
    kvhash_plh names[2] = {kvhash_plh_root(5), kvhash_plh_root(5)};
    kvlogical_mutable b[2];
    kvlogical_complete staged[2];
    kvlogical_immutable held[2];
    kvtest_assert_ok(kvlogical_allocate(manager, 2, b, NULL));
    kvtest_assert_ok(kvlogical_stage(manager, b, names, 2, staged));
    kvtest_assert_ok(kvlogical_register(manager, staged, 2, held));
    assert_int_not_equal(held[0].block, held[1].block);
    assert_int_equal(kvlogical_manager_counts(manager).duplicate, 1);
    kvtest_assert_ok(kvlogical_release(manager, held, 2));
    kvtest_assert_ok(kvlogical_manager_destroy(manager));
}

static void clones_hold_for_themselves(void **state) {
    (void)state;
    kvlogical_manager *manager = make(2, 0);
    kvlogical_immutable held[1], copies[2];
    kvhash_plh name, expected = kvhash_plh_root(UINT64_C(0x9E3779B97F4A7C15) + 1);
    fill(manager, 1, 1, held);
    kvtest_assert_ok(kvlogical_clone(manager, held, 1, &copies[0]));
    kvtest_assert_ok(kvlogical_clone(manager, held, 1, &copies[1]));
    kvtest_assert_ok(kvlogical_release(manager, held, 1));
    kvtest_assert_ok(kvlogical_release(manager, &copies[0], 1));
    assert_int_equal(kvlogical_manager_counts(manager).primary, 1);
    kvtest_assert_ok(kvlogical_name(manager, &copies[1], &name));
    assert_true(kvhash_plh_equal(name, expected));
    kvtest_assert_ok(kvlogical_release(manager, copies, 2)); /* the first is empty by now */
    assert_int_equal(kvlogical_manager_counts(manager).inactive, 1);
    kvtest_assert_ok(kvlogical_manager_destroy(manager));
}

static void guards_that_are_none_are_refused_and_change_nothing(void **state) {
    (void)state;
    kvlogical_manager *manager = make(4, 0), *other = make(4, 0);
    kvhash_plh names[2] = {kvhash_plh_root(1), kvhash_plh_root(2)};
    kvlogical_mutable b[2], copy;
    kvlogical_complete staged[2], staged_copy;
    kvlogical_immutable held[2], held_copy, nothing = {0, 0, 0}, out[2];
    kvtest_assert_ok(kvlogical_allocate(manager, 2, b, NULL));
    copy = b[0];

    kvtest_assert_status(kvlogical_stage(other, b, names, 2, staged), KVLOGICAL_EGUARD);
    kvlogical_mutable twice[2] = {b[0], b[0]};
    kvtest_assert_status(kvlogical_stage(manager, twice, names, 2, staged), KVLOGICAL_EGUARD);
    kvlogical_mutable beyond[1] = {{b[0].manager, 4, b[0].generation}};
    kvtest_assert_status(kvlogical_stage(manager, beyond, names, 1, staged), KVLOGICAL_EGUARD);
    kvhash_plh nameless[2] = {names[0], {UINT64_MAX, 0}};
    kvtest_assert_status(kvlogical_stage(manager, b, nameless, 2, staged), KVHASH_EMODE);
    kvtest_assert_ok(kvlogical_stage(manager, b, names, 2, staged)); /* all of them still good */
    kvtest_assert_status(kvlogical_stage(manager, &copy, names, 1, staged), KVLOGICAL_EGUARD);
    kvtest_assert_status(kvlogical_release_mutable(manager, &copy, 1), KVLOGICAL_EGUARD);

    staged_copy = staged[1];
    kvtest_assert_status(kvlogical_register(other, staged, 2, held), KVLOGICAL_EGUARD);
    kvtest_assert_ok(kvlogical_register(manager, staged, 2, held));
    kvtest_assert_status(kvlogical_register(manager, &staged_copy, 1, out), KVLOGICAL_EGUARD);
    kvtest_assert_status(kvlogical_register(manager, staged, 1, out), KVLOGICAL_EGUARD); /* empty */

    kvtest_assert_status(kvlogical_clone(manager, &nothing, 1, out), KVLOGICAL_EGUARD);
    kvtest_assert_status(kvlogical_clone(other, held, 1, out), KVLOGICAL_EGUARD);
    held_copy = held[0];
    kvlogical_immutable mixed[2] = {held[0], {manager ? kvlogical_manager_id(other) : 0, 0, 1}};
    kvtest_assert_status(kvlogical_release(manager, mixed, 2), KVLOGICAL_EGUARD);
    assert_int_not_equal(mixed[0].manager, 0);
    assert_int_equal(kvlogical_manager_counts(manager).primary, 2);
    kvtest_assert_ok(kvlogical_release(manager, held, 2));
    kvtest_assert_status(kvlogical_release(manager, &held_copy, 1), KVLOGICAL_EGUARD);
    kvhash_plh name;
    kvtest_assert_status(kvlogical_name(manager, &held_copy, &name), KVLOGICAL_EGUARD);
    assert_sound(manager);
    kvtest_assert_ok(kvlogical_manager_destroy(manager));
    kvtest_assert_ok(kvlogical_manager_destroy(other));
    kvtest_assert_ok(kvlogical_manager_destroy(NULL));
}

static void more_copies_of_a_guard_than_holds_are_caught(void **state) {
    (void)state;
    kvlogical_manager *manager = make(1, 0);
    kvlogical_immutable held[1];
    fill(manager, 1, 1, held);
    kvlogical_immutable copies[3] = {held[0], held[0], held[0]};
    kvtest_assert_status(kvlogical_release(manager, copies, 3), KVCORE_EINVAL);
    assert_int_equal(kvlogical_manager_counts(manager).inactive, 1);
    assert_sound(manager);
    kvlogical_mutable b[2];
    kvtest_assert_ok(kvlogical_allocate(manager, 1, b, NULL));
    b[1] = b[0];
    kvtest_assert_status(kvlogical_release_mutable(manager, b, 2), KVCORE_EINVAL);
    assert_int_equal(kvlogical_manager_counts(manager).free, 1);
    assert_sound(manager);
    kvtest_assert_ok(kvlogical_manager_destroy(manager));
}

static void names_that_share_position_and_hash_both_live(void **state) {
    (void)state;
    kvlogical_manager *manager = make(4, 0);
    kvhash_plh names[2];
    kvtest_assert_ok(kvhash_plh_make(77, 1, 5, &names[0]));
    kvtest_assert_ok(kvhash_plh_make(77, 2, 5, &names[1]));
    kvlogical_mutable b[2];
    kvlogical_complete staged[2];
    kvlogical_immutable held[2], found[1];
    kvtest_assert_ok(kvlogical_allocate(manager, 2, b, NULL));
    kvtest_assert_ok(kvlogical_stage(manager, b, names, 2, staged));
    kvtest_assert_ok(kvlogical_register(manager, staged, 2, held));
    kvtest_assert_ok(kvlogical_release(manager, held, 2));
    size_t hits;
    kvtest_assert_ok(kvlogical_match_prefix(manager, &names[1], 1, found, &hits));
    assert_int_equal(hits, 1);
    assert_int_equal(found[0].block, 1);
    kvtest_assert_ok(kvlogical_release(manager, found, 1));
    kvtest_assert_ok(kvlogical_manager_destroy(manager));
}

static void refused(kvlogical_config config, kvcore_status status, const char *word) {
    kvlogical_manager *manager = (kvlogical_manager *)&manager;
    kvcore_error error;
    kvtest_assert_status(kvlogical_manager_create(&config, &manager, &error), status);
    assert_null(manager);
    assert_int_equal(error.code, status);
    if (strstr(error.text, word) == NULL) fail_msg("'%s' lacks '%s'", error.text, word);
}

static void configurations_that_cannot_work_are_refused(void **state) {
    (void)state;
    kvlogical_config good = KVLOGICAL_CONFIG_INIT;
    good.block_count = 4;
    good.eviction = KVLOGICAL_EVICT_LRU;
    kvlogical_config bad = good;
    bad.block_count = 0;
    refused(bad, KVCORE_ECONFIG, "block_count");
    bad.block_count = (size_t)KVLOGICAL_BLOCK_COUNT_MAX + 1;
    refused(bad, KVCORE_ECONFIG, "block_count");
    static const uint32_t sizes[] = {3, 7, 15, 48, 2048, UINT32_MAX};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        bad = good;
        bad.block_tokens = sizes[i];
        refused(bad, KVCORE_ECONFIG, "block_tokens must be a power of 2 between 1 and 1024");
    }
    bad = good;
    bad.duplicates = 3;
    refused(bad, KVCORE_ECONFIG, "duplicates");
    bad = good;
    bad.eviction = 99;
    refused(bad, KVCORE_ECONFIG, "eviction");
    bad = good;
    bad.struct_size = 0;
    refused(bad, KVCORE_EINVAL, "_INIT");
    bad = good;
    bad.allocator.alloc = kvcore_allocator_libc().alloc;
    refused(bad, KVCORE_ECONFIG, "allocator");
    kvtest_assert_status(kvlogical_manager_create(&good, NULL, NULL), KVCORE_EINVAL);
    kvlogical_manager *manager;
    kvtest_assert_status(kvlogical_manager_create(NULL, &manager, NULL), KVCORE_EINVAL);
    for (uint32_t size = 1; size <= 1024; size *= 2) {
        good.block_tokens = size;
        kvtest_assert_ok(kvlogical_manager_create(&good, &manager, NULL));
        kvtest_assert_ok(kvlogical_manager_destroy(manager));
    }
}

static void missing_arrays_are_refused(void **state) {
    (void)state;
    kvlogical_manager *m = make(2, 0);
    kvhash_plh name = kvhash_plh_root(1);
    kvlogical_mutable b;
    kvlogical_complete s;
    kvlogical_immutable h;
    kvlogical_evicted nowhere = {NULL, 0};
    size_t hits;
    kvtest_assert_status(kvlogical_allocate(NULL, 1, &b, NULL), KVCORE_EINVAL);
    kvtest_assert_status(kvlogical_allocate(m, 1, NULL, NULL), KVCORE_EINVAL);
    kvtest_assert_status(kvlogical_allocate(m, 1, &b, &nowhere), KVCORE_EINVAL);
    kvtest_assert_status(kvlogical_stage(m, NULL, &name, 1, &s), KVCORE_EINVAL);
    kvtest_assert_status(kvlogical_stage(m, &b, NULL, 1, &s), KVCORE_EINVAL);
    kvtest_assert_status(kvlogical_stage(m, &b, &name, 1, NULL), KVCORE_EINVAL);
    kvtest_assert_status(kvlogical_register(m, NULL, 1, &h), KVCORE_EINVAL);
    kvtest_assert_status(kvlogical_register(m, &s, 1, NULL), KVCORE_EINVAL);
    kvtest_assert_status(kvlogical_match_prefix(m, NULL, 1, &h, &hits), KVCORE_EINVAL);
    kvtest_assert_status(kvlogical_match_prefix(m, &name, 1, NULL, &hits), KVCORE_EINVAL);
    kvtest_assert_status(kvlogical_match_prefix(m, &name, 1, &h, NULL), KVCORE_EINVAL);
    kvtest_assert_status(kvlogical_clone(m, NULL, 1, &h), KVCORE_EINVAL);
    kvtest_assert_status(kvlogical_clone(m, &h, 1, NULL), KVCORE_EINVAL);
    kvtest_assert_status(kvlogical_release(m, NULL, 1), KVCORE_EINVAL);
    kvtest_assert_status(kvlogical_release_mutable(NULL, &b, 1), KVCORE_EINVAL);
    kvtest_assert_status(kvlogical_release_complete(m, NULL, 1), KVCORE_EINVAL);
    kvtest_assert_status(kvlogical_name(m, NULL, &name), KVCORE_EINVAL);
    kvtest_assert_status(kvlogical_manager_validate(NULL, NULL), KVCORE_EINVAL);
    kvtest_assert_ok(kvlogical_release(m, NULL, 0));
    kvtest_assert_ok(kvlogical_match_prefix(m, NULL, 0, NULL, &hits));
    assert_int_equal(hits, 0);
    kvtest_assert_ok(kvlogical_manager_destroy(m));
}

static void each_allocation_can_fail(void **state) {
    (void)state;
    for (size_t k = 1;; k++) {
        kvtest_memory memory = {.fail_at = k};
        kvlogical_config config = KVLOGICAL_CONFIG_INIT;
        config.block_count = 100;
        config.eviction = KVLOGICAL_EVICT_LRU;
        config.allocator = kvtest_allocator(&memory);
        kvlogical_manager *manager;
        kvcore_status status = kvlogical_manager_create(&config, &manager, NULL);
        if (status == KVCORE_OK) {
            assert_int_equal(memory.live_bytes, kvlogical_manager_memory_bytes(manager));
            kvtest_assert_ok(kvlogical_manager_destroy(manager));
        }
        assert_int_equal(memory.live_bytes, 0);
        if (status == KVCORE_OK) {
            assert_true(k > 1);
            break;
        }
        kvtest_assert_status(status, KVCORE_ENOMEM);
    }
}

static void a_block_costs_at_most_96_bytes(void **state) {
    (void)state;
    kvlogical_manager *manager = make(100000, 0);
    assert_in_range(kvlogical_manager_memory_bytes(manager), 64 * 100000, 96 * 100000);
    kvtest_assert_ok(kvlogical_manager_destroy(manager));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(free_blocks_come_in_the_order_in_which_they_became_free),
        cmocka_unit_test(allocation_is_all_or_nothing),
        cmocka_unit_test(a_released_prefix_is_found_again_and_evicted_oldest_first),
        cmocka_unit_test(a_duplicate_keeps_its_primary_and_goes_first),
        cmocka_unit_test(a_rejected_block_becomes_free_and_the_primary_is_given),
        cmocka_unit_test(one_name_twice_in_a_batch_is_primary_then_duplicate),
        cmocka_unit_test(clones_hold_for_themselves),
        cmocka_unit_test(guards_that_are_none_are_refused_and_change_nothing),
        cmocka_unit_test(more_copies_of_a_guard_than_holds_are_caught),
        cmocka_unit_test(names_that_share_position_and_hash_both_live),
        cmocka_unit_test(configurations_that_cannot_work_are_refused),
        cmocka_unit_test(missing_arrays_are_refused),
        cmocka_unit_test(each_allocation_can_fail),
        cmocka_unit_test(a_block_costs_at_most_96_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
