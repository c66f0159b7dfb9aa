#include "kvtest.h"

#include <kvradix/residency.h>

static kvcore_hash256 key(uint8_t byte) {
    kvcore_hash256 made;
    memset(made.bytes, byte, sizeof made.bytes);
    return made;
}

static kvradix_handle handle(uint8_t byte, uint32_t block_index, uint32_t residency) {
    return (kvradix_handle){key(byte), {block_index, residency}};
}

static kvradix_residency *make(size_t capacity) {
    kvradix_config config = KVRADIX_CONFIG_INIT;
    config.capacity = capacity;
    kvradix_residency *index = NULL;
    kvtest_assert_ok(kvradix_residency_create(&config, &index, NULL));
    return index;
}

static void a_lookup_stops_at_the_first_unknown_key(void **state) {
    (void)state;
    kvradix_residency *index = make(0);
    kvradix_handle handles[] = {handle(1, 10, KVRADIX_RAM), handle(2, 20, KVRADIX_NVME), handle(4, 40, KVRADIX_RAM)};
    kvtest_assert_ok(kvradix_residency_store(index, handles, 3));
    kvcore_hash256 chain[] = {key(1), key(2), key(3), key(4)};
    kvradix_lookup lookup = KVRADIX_LOOKUP_INIT;
    kvtest_assert_ok(kvradix_lookup_reserve(&lookup, NULL, 4));
    kvtest_assert_ok(kvradix_residency_match(index, chain, 4, &lookup));
    assert_int_equal(lookup.matched, 2);
    assert_int_equal(lookup.resident_count, 2);
    assert_memory_equal(lookup.resident, handles, 2 * sizeof *handles);
    assert_int_equal(lookup.prefetch_count, 0);
    kvtest_assert_ok(kvradix_residency_match(index, chain + 2, 2, &lookup));
    assert_int_equal(lookup.matched, 0);
    kvradix_lookup_free(&lookup, NULL);
    kvradix_residency_destroy(index);
}

static void from_the_first_remote_block_on_all_is_prefetched(void **state) {
    (void)state;
    kvradix_residency *index = make(0);
    kvradix_handle handles[] = {handle(1, 1, KVRADIX_RAM), handle(2, 2, KVRADIX_REMOTE_ONLY),
                                handle(3, 3, KVRADIX_RAM)};
    kvtest_assert_ok(kvradix_residency_store(index, handles, 3));
    kvcore_hash256 chain[] = {key(1), key(2), key(3)};
    kvradix_lookup lookup = KVRADIX_LOOKUP_INIT;
    kvtest_assert_ok(kvradix_lookup_reserve(&lookup, NULL, 3));
    kvtest_assert_ok(kvradix_residency_match(index, chain, 3, &lookup));
    assert_int_equal(lookup.matched, 3);
    assert_int_equal(lookup.resident_count, 1);
    assert_int_equal(lookup.prefetch_count, 2);
    assert_memory_equal(lookup.prefetch, chain + 1, 2 * sizeof *chain);
    kvradix_lookup_free(&lookup, NULL);
    kvradix_residency_destroy(index);
}

static void storing_a_known_key_replaces_both_fields(void **state) {
    (void)state;
    kvradix_residency *index = make(0);
    kvradix_handle twice[] = {handle(1, 1, KVRADIX_RAM), handle(1, UINT32_MAX, KVRADIX_REMOTE_ONLY)};
    kvtest_assert_ok(kvradix_residency_store(index, twice, 2));
    assert_int_equal(kvradix_residency_count(index), 1);
    kvradix_entry entry;
    kvcore_hash256 known = key(1), unknown = key(2);
    assert_true(kvradix_residency_find(index, &known, &entry));
    assert_int_equal(entry.block_index, UINT32_MAX);
    assert_int_equal(entry.residency, KVRADIX_REMOTE_ONLY);
    assert_false(kvradix_residency_find(index, &unknown, &entry));
    kvradix_residency_destroy(index);
}

static void the_guardrail_refuses_what_goes_beyond_the_budget(void **state) {
    (void)state;
    kvradix_residency *index = make(0);
    kvradix_guardrail five = {1040, 0, 64, 50}; /* 520 bytes, 104 an entry */
    kvcore_error error;
    for (uint8_t i = 0; i < 5; i++) {
        kvradix_handle one = handle(i, i, KVRADIX_RAM);
        kvtest_assert_ok(kvradix_residency_store_guarded(index, &five, &one, &error));
    }
    kvradix_handle known = handle(3, 30, KVRADIX_NVME), sixth = handle(9, 9, KVRADIX_RAM);
    kvtest_assert_ok(kvradix_residency_store_guarded(index, &five, &known, &error));
    kvtest_assert_status(kvradix_residency_store_guarded(index, &five, &sixth, &error), KVRADIX_EBUDGET);
    assert_int_equal(error.expected, 520);
    assert_int_equal(error.actual, 624);
    assert_int_equal(kvradix_residency_count(index), 5);
    assert_false(kvradix_residency_find(index, &sixth.key, NULL));

    /* over the budget already: a known key is refused too */
    kvtest_assert_ok(kvradix_residency_store(index, &sixth, 1));
    kvtest_assert_status(kvradix_residency_store_guarded(index, &five, &known, NULL), KVRADIX_EBUDGET);
    kvradix_residency_destroy(index);
}

static void a_failed_store_changes_nothing(void **state) {
    (void)state;
    kvradix_residency *index = make(0);
    kvradix_handle handles[] = {handle(1, 1, KVRADIX_RAM), handle(2, 2, KVRADIX_REMOTE_ONLY + 1)};
    kvtest_assert_status(kvradix_residency_store(index, handles, 2), KVCORE_EINVAL);
    assert_int_equal(kvradix_residency_count(index), 0);
    kvradix_lookup lookup = KVRADIX_LOOKUP_INIT;
    kvcore_hash256 chain[1] = {key(1)};
    kvtest_assert_status(kvradix_residency_match(index, chain, 1, &lookup), KVCORE_EBUFFER);
    kvtest_assert_ok(kvradix_residency_match(index, NULL, 0, &lookup));
    kvtest_assert_status(kvradix_residency_match(index, NULL, 1, &lookup), KVCORE_EINVAL);
    kvtest_assert_status(kvradix_residency_store(NULL, handles, 1), KVCORE_EINVAL);
    kvtest_assert_status(kvradix_residency_remove(index, NULL, 1, NULL), KVCORE_EINVAL);
    kvradix_residency_destroy(index);
    kvradix_residency_destroy(NULL);
}

static void a_config_that_cannot_work_is_refused(void **state) {
    (void)state;
    kvradix_config config = KVRADIX_CONFIG_INIT;
    kvradix_residency *index = NULL;
    kvcore_error error;
    config.capacity = SIZE_MAX;
    kvtest_assert_status(kvradix_residency_create(&config, &index, &error), KVCORE_ECONFIG);
    assert_int_equal(error.actual, SIZE_MAX);
    config = (kvradix_config)KVRADIX_CONFIG_INIT;
    config.holder_capacity = KVRADIX_HOLDERS_MAX + 1;
    kvtest_assert_status(kvradix_residency_create(&config, &index, &error), KVCORE_ECONFIG);
    config = (kvradix_config)KVRADIX_CONFIG_INIT;
    config.allocator.alloc = kvcore_allocator_libc().alloc;
    kvtest_assert_status(kvradix_residency_create(&config, &index, &error), KVCORE_ECONFIG);
    kvtest_assert_status(kvradix_residency_create(NULL, &index, &error), KVCORE_EINVAL);
    config = (kvradix_config)KVRADIX_CONFIG_INIT;
    kvtest_assert_status(kvradix_residency_create(&config, NULL, &error), KVCORE_EINVAL);
    assert_null(index);
}

static void lookups_and_changes_within_the_capacity_allocate_nothing(void **state) {
    (void)state;
    kvtest_memory memory = {0};
    kvradix_config config = KVRADIX_CONFIG_INIT;
    config.capacity = 1050;
    config.allocator = kvtest_allocator(&memory);
    kvradix_residency *index;
    kvtest_assert_ok(kvradix_residency_create(&config, &index, NULL));
    size_t calls = memory.calls;
    assert_int_equal(kvradix_residency_memory_bytes(index), memory.live_bytes);
    for (uint32_t round = 0; round < 100; round++)
        for (uint32_t i = 0; i < 1000; i += 50) {
            kvradix_handle handles[50];
            kvcore_hash256 keys[50];
            for (uint32_t j = 0; j < 50; j++) {
                handles[j] = handle(0, i + j, KVRADIX_RAM);
                memcpy(handles[j].key.bytes, &(uint32_t){round * 1000 + i + j}, 4);
                keys[j] = handles[j].key;
            }
            kvtest_assert_ok(kvradix_residency_store(index, handles, 50));
            if (round == 0) continue; /* from then on each round takes the place of the one before */
            for (uint32_t j = 0; j < 50; j++) memcpy(keys[j].bytes, &(uint32_t){(round - 1) * 1000 + i + j}, 4);
            size_t removed = 0;
            kvtest_assert_ok(kvradix_residency_remove(index, keys, 50, &removed));
            assert_int_equal(removed, 50);
        }
    assert_int_equal(memory.calls, calls);
    kvradix_residency_destroy(index);
    assert_int_equal(memory.live_bytes, 0);
}

/* Grows from nothing to 5,000 entries, whose keys collide in all but four bytes. */
static kvcore_status scenario(kvcore_allocator allocator) {
    kvradix_config config = KVRADIX_CONFIG_INIT;
    config.capacity = 1;
    config.allocator = allocator;
    kvradix_residency *index;
    kvcore_status status = kvradix_residency_create(&config, &index, NULL);
    if (status != KVCORE_OK) return status;
    for (uint32_t i = 0; status == KVCORE_OK && i < 5000; i++) {
        kvradix_handle one = handle(7, i, KVRADIX_RAM);
        memcpy(one.key.bytes + 28, &i, 4);
        status = kvradix_residency_store(index, &one, 1);
        assert_int_equal(kvradix_residency_count(index), status == KVCORE_OK ? i + 1 : i);
        assert_int_equal(kvradix_residency_find(index, &one.key, NULL), status == KVCORE_OK);
    }
    kvradix_residency_destroy(index);
    return status;
}

static void every_allocation_may_fail(void **state) {
    (void)state;
    kvtest_fail_each_allocation(scenario, 10);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lookup_stops_at_the_first_unknown_key),
        cmocka_unit_test(from_the_first_remote_block_on_all_is_prefetched),
        cmocka_unit_test(storing_a_known_key_replaces_both_fields),
        cmocka_unit_test(the_guardrail_refuses_what_goes_beyond_the_budget),
        cmocka_unit_test(a_failed_store_changes_nothing),
        cmocka_unit_test(a_config_that_cannot_work_is_refused),
        cmocka_unit_test(lookups_and_changes_within_the_capacity_allocate_nothing),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
