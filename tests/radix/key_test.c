#include "kvtest.h"

#include <kvcore/text.h>
#include <kvradix/key.h>

static void assert_key(kvcore_hash256 key, const char *expected) {
    char text[65] = {0};
    kvcore_hex_encode(key.bytes, sizeof key.bytes, text);
    assert_string_equal(text, expected);
}

static void a_key_holds_its_parts_and_eight_mixed_bytes(void **state) {
    (void)state;
    uint8_t fingerprint[KVRADIX_FINGERPRINT_BYTES];
    for (int i = 0; i < KVRADIX_FINGERPRINT_BYTES; i++) fingerprint[i] = (uint8_t)i;
    /* fingerprint, 0x81828384 and 0x01020304 little-endian, then 0 ^ rotl(84) = 09, 1 ^ rotl(83) = 06, … */
    assert_key(kvradix_key_encode(fingerprint, 0x81828384, 0x01020304),
               "000102030405060708090a0b0c0d0e0f8483828104030201090607000c030205");
}

static void a_chain_has_its_depth_for_block_index(void **state) {
    (void)state;
    const uint8_t fingerprint[KVRADIX_FINGERPRINT_BYTES] = {7, 7, 7};
    const uint32_t depths[] = {1, 9, UINT32_MAX};
    kvcore_hash256 keys[3];
    kvradix_key_encode_chain(fingerprint, depths, 3, keys);
    for (int i = 0; i < 3; i++) {
        kvcore_hash256 one = kvradix_key_encode(fingerprint, depths[i], depths[i]);
        assert_memory_equal(&keys[i], &one, sizeof one);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_holds_its_parts_and_eight_mixed_bytes),
        cmocka_unit_test(a_chain_has_its_depth_for_block_index),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
