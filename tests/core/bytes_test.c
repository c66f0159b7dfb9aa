#include "kvtest.h"

#include <kvcore/bytes.h>

static void the_order_is_the_stated_one(void **state) {
    (void)state;
    unsigned char bytes[11] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
    assert_int_equal(kvcore_load_le16(bytes + 1), 0x0201);
    assert_int_equal(kvcore_load_be16(bytes + 1), 0x0102);
    assert_int_equal(kvcore_load_le32(bytes + 1), 0x04030201);
    assert_int_equal(kvcore_load_be32(bytes + 1), 0x01020304);
    assert_true(kvcore_load_le64(bytes + 1) == UINT64_C(0x0807060504030201));
    assert_true(kvcore_load_be64(bytes + 1) == UINT64_C(0x0102030405060708));
    kvcore_store_le64(bytes + 3, UINT64_C(0x1122334455667788));
    static const unsigned char le[] = {0, 1, 2, 0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11};
    assert_memory_equal(bytes, le, sizeof le);
    kvcore_store_be32(bytes, 0xA1B2C3D4);
    kvcore_store_be16(bytes + 4, 0xE5F6);
    static const unsigned char be[] = {0xA1, 0xB2, 0xC3, 0xD4, 0xE5, 0xF6};
    assert_memory_equal(bytes, be, sizeof be);
}

static void text_is_borrowed_without_its_nul(void **state) {
    (void)state;
    kvcore_bytes text = kvcore_text("abc");
    assert_int_equal(text.size_bytes, 3);
    assert_memory_equal(text.data, "abc", 3);
    assert_int_equal(kvcore_text(NULL).size_bytes, 0);
    assert_null(kvcore_text(NULL).data);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_order_is_the_stated_one),
        cmocka_unit_test(text_is_borrowed_without_its_nul),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
