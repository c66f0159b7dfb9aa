#include "kvtest.h"

#include <kvformat/checksum.h>
#include <kvstore/object.h>

static kvstore_object sample(void) {
    kvstore_object object = {
        .stored_bytes = 5, .payload_bytes = 5, .block_tokens = 128, .rank = 1, .ranks = 2, .group = 3};
    object.name = kvhash_plh_root(42);
    object.stored_crc32c = kvformat_crc32c(0, kvcore_text("hello"));
    memset(object.proof, 7, sizeof object.proof);
    kvtest_assert_ok(kvstore_tenant_check(kvcore_text("acme"), object.tenant_check));
    return object;
}

static void seal(uint8_t *trailer) {
    kvcore_store_le32(trailer + 124, kvformat_crc32c(0, (kvcore_bytes){trailer, 124}));
}

static void a_trailer_reads_back_as_it_was_written(void **state) {
    (void)state;
    kvstore_object object = sample(), found;
    uint8_t bytes[KVSTORE_TRAILER_BYTES], again[KVSTORE_TRAILER_BYTES];
    kvstore_trailer_encode(&object, bytes);
    assert_memory_equal(bytes, "KVSO\1\0\0\0", 8);
    kvtest_assert_ok(kvstore_trailer_decode(bytes, &found, NULL));
    kvstore_trailer_encode(&found, again);
    assert_memory_equal(bytes, again, sizeof bytes);
    assert_int_equal(found.rank, 1);
    assert_int_equal(found.group, 3);
    assert_int_equal(found.block_tokens, 128);
}

static void every_bit_of_a_stored_block_counts(void **state) {
    (void)state;
    kvstore_object object = sample(), found;
    uint8_t bytes[5 + KVSTORE_TRAILER_BYTES];
    kvcore_bytes payload;
    memcpy(bytes, "hello", 5);
    kvstore_trailer_encode(&object, bytes + 5);
    kvtest_assert_ok(kvstore_object_check((kvcore_bytes){bytes, sizeof bytes}, &found, &payload, NULL));
    for (size_t bit = 0; bit < 8 * sizeof bytes; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_int_not_equal(kvstore_object_check((kvcore_bytes){bytes, sizeof bytes}, &found, &payload, NULL),
                             KVCORE_OK);
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    for (size_t cut = 0; cut < sizeof bytes; cut++)
        assert_int_not_equal(kvstore_object_check((kvcore_bytes){bytes, cut}, &found, &payload, NULL), KVCORE_OK);
}

static void a_sealed_trailer_that_lies_is_refused(void **state) {
    (void)state;
    static const struct {
        size_t at;
        uint8_t value;
        kvcore_status status;
    } lies[] = {{0, 'X', KVFORMAT_EMAGIC}, {4, 2, KVFORMAT_EVERSION}, {8, 0xC0, KVCORE_EFORMAT},
                {72, 9, KVCORE_EFORMAT},   {88, 2, KVCORE_EFORMAT},   {92, 2, KVCORE_EFORMAT},
                {94, 0, KVCORE_EFORMAT},   {122, 1, KVCORE_EFORMAT}};
    kvstore_object object = sample(), found;
    for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
        uint8_t bytes[KVSTORE_TRAILER_BYTES];
        kvcore_error error;
        kvstore_trailer_encode(&object, bytes);
        bytes[lies[i].at] = lies[i].value;
        seal(bytes);
        kvtest_assert_status(kvstore_trailer_decode(bytes, &found, &error), lies[i].status);
        assert_int_equal(error.code, lies[i].status);
    }
}

static void tenants_are_told_apart_and_the_empty_one_is_zero(void **state) {
    (void)state;
    uint8_t a[8], b[8], zero[8] = {0};
    kvtest_assert_ok(kvstore_tenant_check(kvcore_text("a"), a));
    kvtest_assert_ok(kvstore_tenant_check(kvcore_text("b"), b));
    assert_memory_not_equal(a, b, 8);
    kvtest_assert_ok(kvstore_tenant_check((kvcore_bytes){NULL, 0}, a));
    assert_memory_equal(a, zero, 8);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_trailer_reads_back_as_it_was_written),
        cmocka_unit_test(every_bit_of_a_stored_block_counts),
        cmocka_unit_test(a_sealed_trailer_that_lies_is_refused),
        cmocka_unit_test(tenants_are_told_apart_and_the_empty_one_is_zero),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
