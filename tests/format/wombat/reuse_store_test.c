#include "kvtest.h"

#include <kvwombat/reuse_store.h>

static kvwombat_block_key key_number(uint64_t number) {
    static const char *tenants[] = {"", "a", "ab", "b"};
    kvwombat_block_key key = {.tenant_id = kvcore_text(tenants[number & 3]),
                              .block_index = (uint32_t)(number >> 2 & 1)};
    key.fingerprint.bytes[31] = (uint8_t)(number >> 3 & 1);
    key.prefix_hash.bytes[0] = (uint8_t)(number >> 4);
    return key;
}

/* 128 possible keys, so that most puts replace; the twin is one slot a key. */
static void random_puts_and_lookups_equal_a_plain_table(void **state) {
    (void)state;
    enum { KEYS = 128 };
    kvtest_random random = kvtest_seed(64);
    kvtest_memory memory = {0};
    kvcore_allocator allocator = kvtest_allocator(&memory);
    kvwombat_reuse_store *store;
    kvtest_assert_ok(kvwombat_reuse_store_create(&allocator, &store));
    uint64_t twin[KEYS] = {0};
    size_t present = 0;
    for (uint64_t step = 1; step <= 20000; step++) {
        uint64_t number = kvtest_below(&random, KEYS);
        if (kvtest_below(&random, 4) == 0) {
            kvwombat_block_key key = key_number(number);
            kvtest_assert_ok(kvwombat_reuse_store_put(store, &key, (kvcore_bytes){&step, step % 9}));
            present += twin[number] == 0;
            twin[number] = step;
        }
        kvwombat_block_key keys[4];
        kvcore_bytes payloads[4];
        size_t expected = 4;
        uint64_t asked[4];
        for (size_t i = 4; i-- > 0;) {
            asked[i] = kvtest_below(&random, KEYS);
            keys[i] = key_number(asked[i]);
            if (twin[asked[i]] == 0) expected = i;
        }
        assert_int_equal(kvwombat_reuse_store_lookup(store, keys, 4, payloads), expected);
        for (size_t i = 0; i < expected; i++) {
            assert_int_equal(payloads[i].size_bytes, twin[asked[i]] % 9);
            assert_memory_equal(payloads[i].data, &twin[asked[i]], payloads[i].size_bytes);
        }
        assert_int_equal(kvwombat_reuse_store_count(store), present);
    }
    kvwombat_reuse_store_destroy(store);
    assert_int_equal(memory.live_bytes, 0);
}

static const uint32_t tokens[] = {1, 2, 3, 4, 5, 6};
static const kvwombat_token_span blocks[] = {{tokens, 2}, {tokens + 2, 2}, {tokens + 4, 2}};

static kvcore_status publish_and_check(kvcore_allocator allocator) {
    kvwombat_reuse_store *store;
    kvcore_status status = kvwombat_reuse_store_create(&allocator, &store);
    if (status != KVCORE_OK) return status;
    const kvcore_bytes payloads[] = {kvcore_text("one"), kvcore_text(""), kvcore_text("three")};
    kvwombat_reuse_prefix prefix = {kvcore_text("t"), {{5}}, blocks, 3, payloads, 3};
    status = kvwombat_reuse_store_publish(store, &prefix);
    assert_int_equal(kvwombat_reuse_store_count(store), status == KVCORE_OK ? 3 : 0);
    if (status == KVCORE_OK) {
        kvcore_hash256 hashes[3];
        kvwombat_prefix_hashes(prefix.tenant_id, &prefix.fingerprint, blocks, 3, hashes);
        kvwombat_block_key keys[3];
        for (uint32_t i = 0; i < 3; i++)
            keys[i] = (kvwombat_block_key){prefix.tenant_id, prefix.fingerprint, hashes[i], i};
        kvcore_bytes found[3];
        assert_int_equal(kvwombat_reuse_store_lookup(store, keys, 3, found), 3);
        assert_int_equal(found[1].size_bytes, 0);
        assert_memory_equal(found[2].data, "three", 5);
        assert_int_equal(kvwombat_reuse_store_lookup(store, keys, 3, NULL), 3);
        keys[1].block_index = 7; /* absent: the third counts as missing too */
        assert_int_equal(kvwombat_reuse_store_lookup(store, keys, 3, found), 1);
    }
    kvwombat_reuse_store_destroy(store);
    return status;
}

static void a_published_prefix_is_found_by_its_hashes(void **state) {
    (void)state;
    kvtest_assert_ok(publish_and_check(kvcore_allocator_libc()));
}

static void a_prefix_with_other_counts_stores_nothing(void **state) {
    (void)state;
    kvwombat_reuse_store *store;
    kvtest_assert_ok(kvwombat_reuse_store_create(NULL, &store));
    const kvcore_bytes payloads[] = {kvcore_text("one"), kvcore_text("two")};
    kvwombat_reuse_prefix prefix = {kvcore_text("t"), {{5}}, blocks, 3, payloads, 2};
    kvtest_assert_status(kvwombat_reuse_store_publish(store, &prefix), KVCORE_EINVAL);
    assert_int_equal(kvwombat_reuse_store_count(store), 0);
    prefix.block_count = prefix.payload_count = 0;
    kvtest_assert_ok(kvwombat_reuse_store_publish(store, &prefix));
    kvwombat_reuse_store_destroy(store);
    kvwombat_reuse_store_destroy(NULL);
}

static void every_failed_allocation_leaves_the_store_as_it_was(void **state) {
    (void)state;
    kvtest_fail_each_allocation(publish_and_check, 5);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_puts_and_lookups_equal_a_plain_table),
        cmocka_unit_test(a_published_prefix_is_found_by_its_hashes),
        cmocka_unit_test(a_prefix_with_other_counts_stores_nothing),
        cmocka_unit_test(every_failed_allocation_leaves_the_store_as_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
