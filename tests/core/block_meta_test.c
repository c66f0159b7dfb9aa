#include "kvtest.h"

#include <kvcore/block_meta.h>

static uint64_t counting(void *ctx) { return ++*(uint64_t *)ctx; }

static void a_root_has_no_parent_and_the_clocks_stamp(void **state) {
    (void)state;
    uint64_t time = 41;
    kvcore_clock clock = {&time, counting};
    kvcore_model_digest digest = {{1, 2, 3}};
    kvcore_layout_tag tag = {"test-v1"};
    kvcore_block_meta meta = kvcore_block_meta_root(77, &digest, &tag, &clock);
    kvcore_hash256 none = {{0}};
    assert_int_equal(kvcore_hash256_compare(&meta.parent_hash, &none), 0);
    assert_int_equal(meta.block_seq, 0);
    assert_int_equal(meta.ext_flags, 0);
    assert_int_equal(meta.payload_bytes, 77);
    assert_int_equal(meta.last_access_ns, 42);
    assert_true(kvcore_model_digest_equal(&meta.model_digest, &digest));
    assert_true(kvcore_layout_tag_equal(&meta.layout_tag, &tag));
    kvcore_block_meta_touch(&meta, &clock);
    assert_int_equal(meta.last_access_ns, 43);
}

static void a_successor_is_as_given_and_the_wall_clock_is_the_default(void **state) {
    (void)state;
    kvcore_hash256 parent = {{9}};
    kvcore_block_meta meta = kvcore_block_meta_successor(&parent, 0, 5, NULL, NULL, NULL);
    assert_int_equal(kvcore_hash256_compare(&meta.parent_hash, &parent), 0); /* sequence 0 with a parent: accepted */
    assert_int_equal(meta.block_seq, 0);
    assert_true(meta.last_access_ns > UINT64_C(1700000000) * 1000000000);
    kvcore_model_digest none = {{0}};
    assert_true(kvcore_model_digest_equal(&meta.model_digest, &none));
}

static void the_serialised_form_is_fixed(void **state) {
    (void)state;
    kvcore_block_meta meta = {.block_seq = 0x01020304,
                              .payload_bytes = UINT64_C(0x1112131415161718),
                              .last_access_ns = UINT64_C(0x2122232425262728),
                              .ext_flags = 0x31323334};
    memset(meta.parent_hash.bytes, 0xAA, 32);
    memset(meta.model_digest.bytes, 0xBB, 24);
    memset(meta.layout_tag.bytes, 0xCC, 16);
    uint8_t bytes[KVCORE_BLOCK_META_BYTES], expected[KVCORE_BLOCK_META_BYTES];
    memset(expected, 0xAA, 32);
    memcpy(expected + 32, "\4\3\2\1\x18\x17\x16\x15\x14\x13\x12\x11\x28\x27\x26\x25\x24\x23\x22\x21", 20);
    memset(expected + 52, 0xBB, 24);
    memset(expected + 76, 0xCC, 16);
    memcpy(expected + 92, "\x34\x33\x32\x31", 4);
    kvcore_block_meta_encode(&meta, bytes);
    assert_memory_equal(bytes, expected, sizeof bytes);
    kvcore_block_meta back;
    kvcore_block_meta_decode(bytes, &back);
    assert_memory_equal(&back, &meta, sizeof meta);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_root_has_no_parent_and_the_clocks_stamp),
        cmocka_unit_test(a_successor_is_as_given_and_the_wall_clock_is_the_default),
        cmocka_unit_test(the_serialised_form_is_fixed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
