#include "kvtest.h"

#include <kvcore/text.h>

static void hex_goes_both_ways(void **state) {
    (void)state;
    unsigned char bytes[256], back[256];
    char text[512];
    for (int i = 0; i < 256; i++) bytes[i] = (unsigned char)i;
    kvcore_hex_encode(bytes, sizeof bytes, text);
    assert_memory_equal(text, "000102030405060708090a0b0c0d0e0f10", 34);
    kvtest_assert_ok(kvcore_hex_decode(text, sizeof text, back));
    assert_memory_equal(bytes, back, sizeof bytes);
    kvtest_assert_ok(kvcore_hex_decode("aBCd", 4, back));
    assert_int_equal(back[0] << 8 | back[1], 0xABCD);
}

static void hex_that_is_none_leaves_the_output_alone(void **state) {
    (void)state;
    unsigned char back[4] = {9, 9, 9, 9};
    kvtest_assert_status(kvcore_hex_decode("abc", 3, back), KVCORE_EFORMAT);
    static const char bad[] = "/:@G`g \0";
    for (size_t i = 0; i + 1 < sizeof bad; i++) {
        char text[4] = {'1', '2', '3', bad[i]};
        kvtest_assert_status(kvcore_hex_decode(text, 4, back), KVCORE_EFORMAT);
    }
    assert_int_equal(back[0], 9);
}

static void assert_base58(const void *bytes, size_t size, const char *expected) {
    char text[KVCORE_BASE58_MAX_CHARACTERS];
    size_t length = 0;
    kvtest_assert_ok(kvcore_base58_encode(bytes, size, text, sizeof text, &length));
    assert_int_equal(length, strlen(expected));
    assert_memory_equal(text, expected, length);
    unsigned char back[KVCORE_BASE58_MAX_BYTES];
    kvtest_assert_ok(kvcore_base58_decode(text, length, back, size));
    assert_memory_equal(back, bytes, size);
}

static void base58_is_the_bitcoin_one(void **state) {
    (void)state;
    assert_base58("\0\0\0\0\0\0\0\0", 8, "11111111");
    assert_base58("\xcb\x38\xe4\xd7\xfb\x2d\xca\x5c", 8, "azWbh91idkf");
    assert_base58("Hello World!", 12, "2NEpo7TZRRrLZSi2U");
    assert_base58("\0\0\x28\x7f\xb4\xcd", 6, "11233QC4");
    assert_base58("", 0, "");
    unsigned char most[KVCORE_BASE58_MAX_BYTES];
    memset(most, 0xFF, sizeof most);
    char text[KVCORE_BASE58_MAX_CHARACTERS];
    size_t length;
    kvtest_assert_ok(kvcore_base58_encode(most, sizeof most, text, sizeof text, &length));
    assert_int_equal(length, KVCORE_BASE58_MAX_CHARACTERS);
}

static void base58_refuses_what_it_does_not_write(void **state) {
    (void)state;
    unsigned char bytes[8] = {9};
    char text[4];
    size_t length = 0;
    kvtest_assert_status(kvcore_base58_encode("\xff\xff\xff\xff", 4, text, 3, &length), KVCORE_EBUFFER);
    assert_int_equal(length, 6);
    kvtest_assert_status(kvcore_base58_encode(bytes, 65, text, 4, &length), KVCORE_EOVERFLOW);
    kvtest_assert_status(kvcore_base58_decode("0", 1, bytes, 8), KVCORE_EFORMAT);
    kvtest_assert_status(kvcore_base58_decode("I", 1, bytes, 8), KVCORE_EFORMAT);
    kvtest_assert_status(kvcore_base58_decode("a\0b", 3, bytes, 8), KVCORE_EFORMAT);
    kvtest_assert_status(kvcore_base58_decode("zzzzzzzzzzz", 11, bytes, 8), KVCORE_EFORMAT); /* ≥ 2^64 */
    kvtest_assert_status(kvcore_base58_decode("1azWbh91idkf", 12, bytes, 8), KVCORE_EFORMAT);
    kvtest_assert_status(kvcore_base58_decode("2", 1, bytes, 8), KVCORE_EFORMAT); /* needs seven leading 1s */
    kvtest_assert_status(kvcore_base58_decode("111111111", 9, bytes, 8), KVCORE_EFORMAT);
    kvtest_assert_status(kvcore_base58_decode("", 0, bytes, 8), KVCORE_EFORMAT);
    assert_int_equal(bytes[0], 9);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hex_goes_both_ways),
        cmocka_unit_test(hex_that_is_none_leaves_the_output_alone),
        cmocka_unit_test(base58_is_the_bitcoin_one),
        cmocka_unit_test(base58_refuses_what_it_does_not_write),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
