#include "kvtest.h"

#include <kvhash/hash.h>
#include <kvhash/plh.h>

static void modes_change_at_256_and_65536(void **state) {
    (void)state;
    static const struct {
        uint64_t position, high, low;
        const char *text;
    } cases[] = {
        {255, UINT64_C(0x3fc48d159e242af3), UINT64_C(0x7bdcba9876543210), "255:43c9JGZmRvE:1269NgQm8hM"},
        {256, UINT64_C(0x4040048d159e242a), UINT64_C(0xf37bfa9876543210), "256:43c9JGZmRvE:11WBNjiWpo"},
        {65535, UINT64_C(0x7fffc48d159e242a), UINT64_C(0xf37bfa9876543210), "65535:43c9JGZmRvE:11WBNjiWpo"},
        {65536, UINT64_C(0x804000048d159e24), UINT64_C(0x2af37bd876543210), "65536:43c9JGZmRvE:1113m5BjwV"},
        {16777215, UINT64_C(0xbfffffc48d159e24), UINT64_C(0x2af37bd876543210), "16777215:43c9JGZmRvE:1113m5BjwV"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        kvhash_plh name, back;
        char text[KVHASH_PLH_TEXT_BYTES];
        kvtest_assert_ok(
            kvhash_plh_make(UINT64_C(0x1234567890ABCDEF), UINT64_C(0xFEDCBA9876543210), cases[i].position, &name));
        assert_true(name.high == cases[i].high && name.low == cases[i].low);
        assert_int_equal(kvhash_plh_position(name), cases[i].position);
        assert_true(kvhash_plh_sequence_hash(name) == UINT64_C(0x1234567890ABCDEF));
        assert_int_equal(kvhash_plh_format(name, text), strlen(cases[i].text));
        assert_string_equal(text, cases[i].text);
        kvtest_assert_ok(kvhash_plh_parse(text, strlen(text), &back));
        assert_true(kvhash_plh_equal(name, back));
    }
    kvhash_plh name = {1, 2};
    kvtest_assert_status(kvhash_plh_make(1, 2, KVHASH_PLH_MAX_POSITION + 1, &name), KVHASH_EPOSITION);
    kvtest_assert_status(kvhash_plh_make(1, 2, UINT64_MAX, &name), KVHASH_EPOSITION);
    assert_true(name.high == 1 && name.low == 2);
}

static void a_child_carries_the_fragment_of_its_own_width(void **state) {
    (void)state;
    static const uint64_t parents[] = {0, 254, 255, 256, 65534, 65535, 65536, 16777214};
    for (size_t i = 0; i < sizeof parents / sizeof *parents; i++) {
        kvhash_plh parent, child;
        kvtest_assert_ok(kvhash_plh_make(UINT64_MAX - i, 7, parents[i], &parent));
        kvtest_assert_ok(kvhash_plh_extend(parent, 42, &child));
        assert_int_equal(kvhash_plh_position(child), parents[i] + 1);
        assert_true(kvhash_plh_parent_fragment(child) == kvhash_plh_fragment_for_child(parent, parents[i] + 1));
        assert_true(kvhash_plh_sequence_hash(child) == kvhash_next_sequence_hash(UINT64_MAX - i, 42));
    }
    kvhash_plh last, child = {1, 1};
    kvtest_assert_ok(kvhash_plh_make(1, 1, KVHASH_PLH_MAX_POSITION, &last));
    kvtest_assert_status(kvhash_plh_extend(last, 42, &child), KVHASH_EPOSITION);
    kvtest_assert_status(kvhash_plh_extend((kvhash_plh){UINT64_MAX, 0}, 42, &child), KVHASH_EMODE);
    assert_true(child.high == 1 && child.low == 1);
}

static void the_order_is_total_and_goes_by_position_first(void **state) {
    (void)state;
    kvtest_random random = kvtest_seed(3);
    kvhash_plh names[60];
    for (size_t i = 0; i < 60; i++)
        kvtest_assert_ok(kvhash_plh_make(kvtest_below(&random, 3), kvtest_below(&random, 3),
                                         255 + kvtest_below(&random, 3), &names[i]));
    for (size_t i = 0; i < 60; i++)
        for (size_t j = 0; j < 60; j++) {
            int order = kvhash_plh_compare(names[i], names[j]);
            assert_int_equal(order, -kvhash_plh_compare(names[j], names[i]));
            assert_true((order == 0) == kvhash_plh_equal(names[i], names[j]));
            if (kvhash_plh_position(names[i]) < kvhash_plh_position(names[j])) assert_int_equal(order, -1);
            for (size_t k = 0; k < 60; k++)
                if (order < 0 && kvhash_plh_compare(names[j], names[k]) < 0)
                    assert_int_equal(kvhash_plh_compare(names[i], names[k]), -1);
        }
}

static void the_wire_form_refuses_mode_3_only(void **state) {
    (void)state;
    uint8_t bytes[KVHASH_PLH_BYTES] = {0xC0};
    kvhash_plh name = {5, 6};
    kvtest_assert_status(kvhash_plh_decode(bytes, &name), KVHASH_EMODE);
    assert_true(name.high == 5 && name.low == 6);
    bytes[0] = 0xBF, bytes[15] = 1;
    kvtest_assert_ok(kvhash_plh_decode(bytes, &name));
    assert_true(name.high == UINT64_C(0xBF00000000000000) && name.low == 1);
    uint8_t back[KVHASH_PLH_BYTES];
    kvhash_plh_encode(name, back);
    assert_memory_equal(back, bytes, sizeof bytes);
}

static void text_that_is_not_a_name_s_is_refused(void **state) {
    (void)state;
    static const char *const bad[] = {
        "",
        ":",
        "0",
        "0:",
        "0:azWbh91idkf:11111111",
        "1:azWbh91idkf",
        "1:azWbh91idkf:",
        "00:azWbh91idkf",
        "+1:azWbh91idkf:11111111",
        " 0:azWbh91idkf",
        "0:azWbh91idkf ",
        "0:azWbh91idk0",
        "01:CUrLYDFnmBa:13A3sGnbCSf",
        "1:CUrLYDFnmBa:13A3sGnbCSf:1",
        "0:111111111",
        "0:1111111",
        "0:zzzzzzzzzzz",
        "256:43c9JGZmRvE:1269NgQm8hM",
        "123456789:1111:1111",
    };
    kvhash_plh name = {5, 6};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        kvtest_assert_status(kvhash_plh_parse(bad[i], strlen(bad[i]), &name), KVCORE_EFORMAT);
    kvtest_assert_status(kvhash_plh_parse("16777216:azWbh91idkf:11111111", 29, &name), KVHASH_EPOSITION);
    kvtest_assert_status(kvhash_plh_parse("0:azWbh91id\0f", 13, &name), KVCORE_EFORMAT);
    assert_true(name.high == 5 && name.low == 6);
    kvtest_assert_ok(kvhash_plh_parse("0:11111111", 10, &name));
    assert_true(name.high == 0 && name.low == 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(modes_change_at_256_and_65536),
        cmocka_unit_test(a_child_carries_the_fragment_of_its_own_width),
        cmocka_unit_test(the_order_is_total_and_goes_by_position_first),
        cmocka_unit_test(the_wire_form_refuses_mode_3_only),
        cmocka_unit_test(text_that_is_not_a_name_s_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
