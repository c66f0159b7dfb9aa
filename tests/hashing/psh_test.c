#include "kvtest.h"

#include <kvhash/psh.h>

static void the_four_modes_are_those_of_the_specification(void **state) {
    (void)state;
    static const struct {
        uint64_t position, high;
        unsigned mode, kept_bits;
    } cases[] = {
        {100, UINT64_C(0x191cba9876543210), 0, 54},      {255, UINT64_C(0x3fdcba9876543210), 0, 54},
        {256, UINT64_C(0x40403a9876543210), 1, 46},      {65535, UINT64_C(0x7ffffa9876543210), 1, 46},
        {65536, UINT64_C(0x8040001876543210), 2, 38},    {16777215, UINT64_C(0xbfffffd876543210), 2, 38},
        {16777216, UINT64_C(0xc080000076543210), 3, 31}, {2147483647, UINT64_C(0xfffffffff6543210), 3, 31},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        kvhash_psh psh;
        kvtest_assert_ok(
            kvhash_psh_make(UINT64_C(0x1234567890ABCDEF), cases[i].position, UINT64_C(0xFEDCBA9876543210), &psh));
        assert_true(psh.high == cases[i].high && psh.low == UINT64_C(0x1234567890ABCDEF));
        assert_int_equal(kvhash_psh_mode(psh), cases[i].mode);
        assert_int_equal(kvhash_psh_position(psh), cases[i].position);
        assert_true(kvhash_psh_sequence_hash(psh) == UINT64_C(0x1234567890ABCDEF));
        assert_true(kvhash_psh_block_hash(psh) ==
                    (UINT64_C(0xFEDCBA9876543210) & ((UINT64_C(1) << cases[i].kept_bits) - 1)));
        uint8_t bytes[KVHASH_PSH_BYTES];
        kvhash_psh_encode(psh, bytes);
        assert_int_equal(bytes[0], cases[i].high >> 56);
        assert_int_equal(bytes[15], 0xEF);
        assert_true(kvhash_psh_equal(kvhash_psh_decode(bytes), psh));
    }
    kvhash_psh psh = {1, 2};
    kvtest_assert_status(kvhash_psh_make(1, KVHASH_PSH_MAX_POSITION + 1, 1, &psh), KVHASH_EPOSITION);
    kvtest_assert_status(kvhash_psh_make(1, UINT64_MAX, 1, &psh), KVHASH_EPOSITION);
    assert_true(psh.high == 1 && psh.low == 2);
}

static void the_longest_debug_text_fits(void **state) {
    (void)state;
    char text[KVHASH_PSH_TEXT_BYTES];
    size_t length = kvhash_psh_format((kvhash_psh){UINT64_MAX, UINT64_MAX}, text);
    assert_string_equal(text,
                        "PositionalSequenceHash { sequence_hash: 18446744073709551615, local_block_hash: 2147483647, "
                        "position: 2147483647 }");
    assert_int_equal(length, strlen(text));
    length = kvhash_psh_format((kvhash_psh){UINT64_C(0x3FFFFFFFFFFFFFFF), UINT64_MAX}, text);
    assert_int_equal(length, strlen(text));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_four_modes_are_those_of_the_specification),
        cmocka_unit_test(the_longest_debug_text_fits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
