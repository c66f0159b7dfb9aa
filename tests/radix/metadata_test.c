#include "kvtest.h"

#include <kvradix/metadata.h>

static kvcore_hash256 hash(uint8_t byte) {
    kvcore_hash256 made;
    memset(made.bytes, byte, sizeof made.bytes);
    return made;
}

static kvradix_block block(uint8_t byte, uint64_t payload_bytes, uint64_t last_access_ns) {
    kvradix_block made = {hash(byte), {.payload_bytes = payload_bytes, .last_access_ns = last_access_ns}};
    made.meta.parent_hash = hash((uint8_t)~byte);
    made.meta.block_seq = byte;
    made.meta.ext_flags = 0x80000000U + byte;
    memset(made.meta.model_digest.bytes, byte + 1, sizeof made.meta.model_digest.bytes);
    memset(made.meta.layout_tag.bytes, byte + 2, sizeof made.meta.layout_tag.bytes);
    return made;
}

static kvradix_metadata *make(void) {
    kvradix_config config = KVRADIX_CONFIG_INIT;
    kvradix_metadata *index = NULL;
    kvtest_assert_ok(kvradix_metadata_create(&config, &index, NULL));
    return index;
}

static void storing_stamps_and_replaces(void **state) {
    (void)state;
    kvradix_metadata *index = make();
    kvradix_block first = block(1, 10, 999), second = block(1, 20, 999);
    second.meta.block_seq = 77;
    kvtest_assert_ok(kvradix_metadata_store(index, &first, 1, 5));
    kvcore_block_meta meta;
    assert_true(kvradix_metadata_find(index, &first.hash, &meta));
    first.meta.last_access_ns = 5;
    assert_memory_equal(&meta, &first.meta, sizeof meta);
    kvtest_assert_ok(kvradix_metadata_store(index, &second, 1, 6));
    assert_true(kvradix_metadata_find(index, &first.hash, &meta));
    second.meta.last_access_ns = 6;
    assert_memory_equal(&meta, &second.meta, sizeof meta);
    assert_int_equal(kvradix_metadata_count(index), 1);
    kvradix_metadata_destroy(index);
}

static void only_a_touch_touches(void **state) {
    (void)state;
    kvradix_metadata *index = make();
    kvradix_block one = block(1, 10, 0);
    kvcore_hash256 unknown = hash(9);
    kvtest_assert_ok(kvradix_metadata_store(index, &one, 1, 5));
    kvcore_block_meta meta;
    assert_int_equal(kvradix_metadata_match(index, &one.hash, 1), 1);
    assert_true(kvradix_metadata_find(index, &one.hash, &meta));
    assert_int_equal(meta.last_access_ns, 5);
    assert_true(kvradix_metadata_touch(index, &one.hash, 8, &meta));
    assert_int_equal(meta.last_access_ns, 8);
    assert_true(kvradix_metadata_touch(index, &one.hash, 7, NULL)); /* the caller's clock is taken as it is */
    assert_true(kvradix_metadata_find(index, &one.hash, &meta));
    assert_int_equal(meta.last_access_ns, 7);
    assert_false(kvradix_metadata_touch(index, &unknown, 7, &meta));
    kvradix_metadata_destroy(index);
}

static void a_prefix_ends_at_the_first_unknown_hash(void **state) {
    (void)state;
    kvradix_metadata *index = make();
    kvradix_block blocks[] = {block(1, 0, 0), block(2, 0, 0), block(4, 0, 0)};
    kvtest_assert_ok(kvradix_metadata_store(index, blocks, 3, 1));
    kvcore_hash256 chain[] = {hash(1), hash(2), hash(3), hash(4)};
    assert_int_equal(kvradix_metadata_match(index, chain, 4), 2);
    assert_int_equal(kvradix_metadata_match(index, chain, 1), 1);
    assert_int_equal(kvradix_metadata_match(index, chain + 2, 2), 0);
    assert_int_equal(kvradix_metadata_match(index, NULL, 4), 0);
    kvradix_metadata_destroy(index);
}

static void a_bulk_load_keeps_what_is_there(void **state) {
    (void)state;
    kvradix_metadata *index = make();
    kvradix_block there = block(1, 10, 0);
    kvtest_assert_ok(kvradix_metadata_store(index, &there, 1, 50));
    kvradix_block loaded[] = {block(1, 11, 3), block(2, 20, 4), block(2, 21, 5)};
    size_t added;
    kvtest_assert_ok(kvradix_metadata_load(index, loaded, 3, &added));
    assert_int_equal(added, 1);
    kvradix_block blocks[2];
    size_t count;
    kvtest_assert_ok(kvradix_metadata_entries(index, blocks, 2, &count));
    assert_int_equal(count, 2);
    assert_int_equal(blocks[0].meta.payload_bytes, 10);
    assert_int_equal(blocks[0].meta.last_access_ns, 50);
    assert_memory_equal(&blocks[1], &loaded[1], sizeof *blocks); /* the first of two, its stamp as it was */
    kvradix_metadata_destroy(index);
}

static void what_changed_since_is_not_removed(void **state) {
    (void)state;
    kvradix_metadata *index = make();
    kvradix_block one = block(1, 10, 0);
    kvtest_assert_ok(kvradix_metadata_store(index, &one, 1, 5));
    assert_true(kvradix_metadata_touch(index, &one.hash, 6, NULL));
    assert_false(kvradix_metadata_remove_unchanged(index, &one.hash, 5));
    assert_true(kvradix_metadata_remove_unchanged(index, &one.hash, 6));
    assert_false(kvradix_metadata_remove_unchanged(index, &one.hash, 6));
    size_t removed = 7;
    kvtest_assert_ok(kvradix_metadata_store(index, &one, 1, 5));
    kvcore_hash256 twice[] = {one.hash, one.hash};
    kvtest_assert_ok(kvradix_metadata_remove(index, twice, 2, &removed));
    assert_int_equal(removed, 1);
    kvradix_metadata_destroy(index);
}

static void entries_come_by_ascending_hash_or_not_at_all(void **state) {
    (void)state;
    kvradix_metadata *index = make();
    kvradix_block blocks[200], sorted[200];
    for (int i = 0; i < 200; i++) blocks[i] = block((uint8_t)(i * 77), 0, 0);
    kvtest_assert_ok(kvradix_metadata_store(index, blocks, 200, 1));
    size_t count;
    kvtest_assert_status(kvradix_metadata_entries(index, sorted, 199, &count), KVCORE_EBUFFER);
    assert_int_equal(count, 200);
    kvtest_assert_ok(kvradix_metadata_entries(index, sorted, 200, &count));
    for (int i = 1; i < 200; i++) assert_true(kvcore_hash256_compare(&sorted[i - 1].hash, &sorted[i].hash) < 0);
    kvradix_metadata_destroy(index);
}

static void eviction_takes_the_least_recent_until_nine_tenths(void **state) {
    (void)state;
    kvradix_metadata *index = make();
    for (int i = 0; i < 100; i++) { /* 100 blocks of 1,024 bytes; pairs share a stamp */
        kvradix_block one = block((uint8_t)(i * 37), 1024, 0);
        kvtest_assert_ok(kvradix_metadata_store(index, &one, 1, 1000 - (uint64_t)i / 2));
    }
    kvradix_eviction_candidate all[100], few[7];
    kvradix_eviction_plan plan;
    size_t count, freed = 0, evicted = 0;
    kvtest_assert_ok(kvradix_metadata_eviction_candidates(index, 51200, all, 100, &count, &plan));
    assert_int_equal(plan.total_bytes, 102400);
    assert_int_equal(plan.target_bytes, 46080);
    assert_int_equal(plan.need_bytes, 56320);
    assert_int_equal(count, 100);
    for (int i = 1; i < 100; i++) {
        assert_true(all[i - 1].last_access_ns <= all[i].last_access_ns);
        if (all[i - 1].last_access_ns == all[i].last_access_ns)
            assert_true(kvcore_hash256_compare(&all[i - 1].hash, &all[i].hash) < 0);
    }
    kvtest_assert_ok(kvradix_metadata_eviction_candidates(index, 51200, few, 7, &count, &plan));
    assert_int_equal(count, 7);
    assert_memory_equal(few, all, sizeof few);
    for (; freed < plan.need_bytes; evicted++) {
        assert_true(kvradix_metadata_remove_unchanged(index, &all[evicted].hash, all[evicted].last_access_ns));
        freed += all[evicted].payload_bytes;
    }
    assert_int_equal(evicted, 55);
    kvtest_assert_ok(kvradix_metadata_eviction_candidates(index, 51200, all, 100, &count, &plan));
    assert_int_equal(count, 0);
    assert_int_equal(plan.need_bytes, 0);
    kvtest_assert_ok(kvradix_metadata_eviction_candidates(index, 0, all, 100, &count, &plan));
    assert_int_equal(count, 0);
    kvradix_metadata_destroy(index);
}

static void a_total_beyond_64_bits_saturates(void **state) {
    (void)state;
    kvradix_metadata *index = make();
    kvradix_block blocks[] = {block(1, UINT64_MAX, 0), block(2, UINT64_MAX, 0)};
    kvtest_assert_ok(kvradix_metadata_store(index, blocks, 2, 1));
    kvradix_eviction_plan plan;
    size_t count;
    kvtest_assert_ok(kvradix_metadata_eviction_candidates(index, 100, NULL, 0, &count, &plan));
    assert_int_equal(plan.total_bytes, UINT64_MAX);
    assert_int_equal(plan.need_bytes, UINT64_MAX - 90);
    kvradix_metadata_destroy(index);
}

static void the_best_scores_come_first_and_ties_by_hash(void **state) {
    (void)state;
    kvradix_metadata *index = make();
    const uint64_t half_life = UINT64_C(600000000000), now = 100 * half_life;
    kvradix_block blocks[] = {block(1, 0, now), block(9, 0, now), block(5, 0, now - half_life), block(0, 0, now + 1)};
    size_t count;
    kvtest_assert_ok(kvradix_metadata_load(index, blocks, 4, &count));
    kvradix_prefetch_candidate best[4];
    kvcore_model_digest active = blocks[2].meta.model_digest;
    kvtest_assert_ok(kvradix_metadata_prefetch_candidates(index, now, &active, best, 4, &count));
    assert_int_equal(count, 4);
    static const uint8_t expected[] = {0, 1, 9, 5}; /* root 1.3; 1 and 9 tie at 1.0; 0.5 and the model's 0.2 */
    for (int i = 0; i < 4; i++) assert_int_equal(best[i].hash.bytes[0], expected[i]);
    assert_true(best[0].score == 1.3 && best[1].score == 1.0 && best[2].score == 1.0);
    assert_true(best[3].score > 0.7 - 1e-9 && best[3].score < 0.7 + 1e-9);
    kvtest_assert_ok(kvradix_metadata_prefetch_candidates(index, now, &active, best, 2, &count));
    assert_int_equal(count, 2);
    assert_int_equal(best[1].hash.bytes[0], 1);
    kvradix_metadata_destroy(index);
}

static void what_no_caller_should_pass_is_refused(void **state) {
    (void)state;
    kvradix_metadata *index = make();
    kvradix_config config = KVRADIX_CONFIG_INIT;
    size_t count;
    kvradix_eviction_plan plan;
    kvtest_assert_status(kvradix_metadata_create(NULL, &index, NULL), KVCORE_EINVAL);
    kvtest_assert_status(kvradix_metadata_create(&config, NULL, NULL), KVCORE_EINVAL);
    kvtest_assert_status(kvradix_metadata_store(index, NULL, 1, 0), KVCORE_EINVAL);
    kvtest_assert_status(kvradix_metadata_load(NULL, NULL, 0, NULL), KVCORE_EINVAL);
    kvtest_assert_status(kvradix_metadata_remove(index, NULL, 1, NULL), KVCORE_EINVAL);
    kvtest_assert_status(kvradix_metadata_entries(index, NULL, 1, &count), KVCORE_EINVAL);
    kvtest_assert_status(kvradix_metadata_eviction_candidates(index, 1, NULL, 1, &count, &plan), KVCORE_EINVAL);
    kvtest_assert_status(kvradix_metadata_prefetch_candidates(index, 1, NULL, NULL, 0, &count), KVCORE_EINVAL);
    assert_false(kvradix_metadata_find(index, NULL, NULL));
    kvradix_metadata_destroy(index);
    kvradix_metadata_destroy(NULL);
}

/* Grows from nothing, replaces and removes. */
static kvcore_status scenario(kvcore_allocator allocator) {
    kvradix_config config = KVRADIX_CONFIG_INIT;
    config.capacity = 1;
    config.allocator = allocator;
    kvradix_metadata *index;
    kvcore_status status = kvradix_metadata_create(&config, &index, NULL);
    if (status != KVCORE_OK) return status;
    for (uint32_t i = 0; status == KVCORE_OK && i < 2000; i++) {
        kvradix_block one = block(7, i, 0);
        uint32_t number = i % 3 == 2 ? i - 1 : i; /* every third replaces */
        memcpy(one.hash.bytes + 28, &number, 4);
        size_t before = kvradix_metadata_count(index);
        status = i % 2 == 0 ? kvradix_metadata_store(index, &one, 1, i) : kvradix_metadata_load(index, &one, 1, NULL);
        if (status != KVCORE_OK) assert_int_equal(kvradix_metadata_count(index), before);
    }
    assert_int_equal(kvradix_metadata_memory_bytes(index), ((kvtest_memory *)allocator.ctx)->live_bytes);
    kvradix_metadata_destroy(index);
    return status;
}

static void every_allocation_may_fail(void **state) {
    (void)state;
    kvtest_fail_each_allocation(scenario, 10);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(storing_stamps_and_replaces),
        cmocka_unit_test(only_a_touch_touches),
        cmocka_unit_test(a_prefix_ends_at_the_first_unknown_hash),
        cmocka_unit_test(a_bulk_load_keeps_what_is_there),
        cmocka_unit_test(what_changed_since_is_not_removed),
        cmocka_unit_test(entries_come_by_ascending_hash_or_not_at_all),
        cmocka_unit_test(eviction_takes_the_least_recent_until_nine_tenths),
        cmocka_unit_test(a_total_beyond_64_bits_saturates),
        cmocka_unit_test(the_best_scores_come_first_and_ties_by_hash),
        cmocka_unit_test(what_no_caller_should_pass_is_refused),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
