#include "kvtest.h"

#include <kvwombat/block_key.h>
#include <kvwombat/object_key.h>

static void hash_keys_fill_their_buffers_exactly(void **state) {
    (void)state;
    kvcore_hash256 hash;
    memset(hash.bytes, 0xAB, sizeof hash.bytes);
    char block[KVWOMBAT_BLOCK_OBJECT_KEY_BYTES], sidecar[KVWOMBAT_SIDECAR_OBJECT_KEY_BYTES];
    kvwombat_block_object_key(&hash, block);
    kvwombat_sidecar_object_key(&hash, sidecar);
    assert_int_equal(strlen(block) + 1, sizeof block);
    assert_int_equal(strlen(sidecar) + 1, sizeof sidecar);
    assert_memory_equal(block, "wombatkv/v1/block/b3=abab", 25);
    assert_memory_equal(sidecar, "wombatkv/v1/sidecar/raw_tail/b3=abab", 36);
}

static void a_name_that_does_not_fit_says_how_long_it_is(void **state) {
    (void)state;
    kvwombat_wal_chunk chunk = {kvcore_text("t1"), kvcore_text("f1"), kvcore_text("node-a"), 1000, 7};
    const char *expected = "wal/t1/f1/1000/chunk-node-a-7.bin";
    char text[64];
    for (size_t capacity = 0; capacity <= strlen(expected) + 1; capacity++) {
        memset(text, '#', sizeof text);
        size_t length = 0;
        bool fits = capacity == strlen(expected) + 1;
        kvtest_assert_status(kvwombat_wal_chunk_key(&chunk, capacity > 0 ? text : NULL, capacity, &length),
                             fits ? KVCORE_OK : KVCORE_EBUFFER);
        assert_int_equal(length, strlen(expected));
        assert_int_equal(text[capacity], '#');
    }
    assert_string_equal(text, expected);
}

static void log_keys_come_back_as_they_went(void **state) {
    (void)state;
    kvtest_random random = kvtest_seed(61);
    kvcore_bytes space = kvcore_text("wal/t/f");
    static const char *nodes[] = {"n", "node-a", "a-1-2", "7"};
    for (int i = 0; i < 2000; i++) {
        kvwombat_wal_object object = {.node = kvcore_text(nodes[kvtest_below(&random, 4)]),
                                      .epoch_ms = kvtest_next(&random),
                                      .start_seq = kvtest_next(&random) >> kvtest_below(&random, 64),
                                      .batch = kvtest_below(&random, 2) == 0};
        object.end_seq = object.batch ? kvtest_next(&random) : object.start_seq;
        char text[200];
        size_t length;
        kvtest_assert_ok(kvwombat_wal_key(space, &object, text, sizeof text, &length));
        kvwombat_wal_object back;
        assert_true(kvwombat_wal_key_parse(space, (kvcore_bytes){text, length}, &back));
        assert_int_equal(kvcore_bytes_compare(back.node, object.node), 0);
        assert_true(back.epoch_ms == object.epoch_ms && back.start_seq == object.start_seq);
        assert_true(back.end_seq == object.end_seq && back.batch == object.batch && !back.legacy);
        /* a text cut anywhere is no key, or another one, but never read past its end */
        for (size_t cut = 0; cut < length; cut++) {
            char *copy = malloc(cut + 1);
            memcpy(copy, text, cut);
            assert_false(kvwombat_wal_key_parse(space, (kvcore_bytes){copy, cut}, &back));
            free(copy);
        }
    }
}

static void replay_order_is_by_sequence_then_text_then_the_unknown(void **state) {
    (void)state;
    kvcore_bytes space = kvcore_text("n");
    const char *expected[] = {"n/5/chunk-b-1.bin",   "n/chunk-a-1.bin",
                              "n/1/batch-a-2-9.bin", "n/chunk-a-2.bin",
                              "n/0/chunk-a-10.bin",  "a",
                              "n/chunk-a-.bin",      "zz"};
    enum { COUNT = sizeof expected / sizeof *expected };
    kvtest_random random = kvtest_seed(62);
    for (int round = 0; round < 200; round++) {
        kvcore_bytes keys[COUNT];
        for (size_t i = 0; i < COUNT; i++) keys[i] = kvcore_text(expected[i]);
        for (size_t i = COUNT; i-- > 1;) {
            size_t j = (size_t)kvtest_below(&random, i + 1);
            kvcore_bytes moved = keys[i];
            keys[i] = keys[j];
            keys[j] = moved;
        }
        kvwombat_wal_keys_sort(space, keys, COUNT);
        for (size_t i = 0; i < COUNT; i++) assert_ptr_equal(keys[i].data, expected[i]);
    }
    kvwombat_wal_keys_sort(space, NULL, 0);
}

static void odd_characters_of_a_node_id_become_one_hyphen_each(void **state) {
    (void)state;
    static const char *cases[][2] = {
        {"", "node-local"}, {"N9-z", "N9-z"}, {"a/b c_", "a-b-c-"}, {"\xe2\x82\xac\xc3\xa9", "--"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[32];
        size_t length;
        kvtest_assert_ok(kvwombat_wal_node_id(kvcore_text(cases[i][0]), text, sizeof text, &length));
        assert_string_equal(text, cases[i][1]);
        assert_int_equal(length, strlen(text));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hash_keys_fill_their_buffers_exactly),
        cmocka_unit_test(a_name_that_does_not_fit_says_how_long_it_is),
        cmocka_unit_test(log_keys_come_back_as_they_went),
        cmocka_unit_test(replay_order_is_by_sequence_then_text_then_the_unknown),
        cmocka_unit_test(odd_characters_of_a_node_id_become_one_hyphen_each),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
