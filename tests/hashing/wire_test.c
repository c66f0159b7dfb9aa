#include "kvtest.h"

#include <kvhash/wire.h>

static kvcore_bytes bytes_of(const char *text, size_t size) { return (kvcore_bytes){text, size}; }
#define BYTES(literal) bytes_of(literal, sizeof(literal) - 1)

static const kvhash_plh sample = {UINT64_C(0x0102030405060708), UINT64_C(0x090A0B0C0D0E0FFF)};

static void values_have_the_stated_bytes(void **state) {
    (void)state;
    char bytes[KVHASH_WIRE_MAX_BYTES + 1] = "";
    size_t size;
    kvtest_assert_ok(kvhash_wire_write_plh(KVHASH_WIRE_JSON, sample, bytes, sizeof bytes, &size));
    bytes[size] = '\0';
    assert_string_equal(bytes, "[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,255]");
    kvhash_mm_run run = {UINT64_MAX, 0, 300};
    kvtest_assert_ok(kvhash_wire_write_run(KVHASH_WIRE_JSON, run, bytes, sizeof bytes, &size));
    bytes[size] = '\0';
    assert_string_equal(bytes, "{\"mm_hash\":18446744073709551615,\"offset\":0,\"length\":300}");
    kvtest_assert_ok(kvhash_wire_write_run(KVHASH_WIRE_MSGPACK, run, bytes, sizeof bytes, &size));
    assert_int_equal(size, 14);
    assert_memory_equal(bytes, "\x93\xcf\xff\xff\xff\xff\xff\xff\xff\xff\x00\xcd\x01\x2c", 14);
    kvtest_assert_ok(kvhash_wire_write_run(KVHASH_WIRE_MSGPACK_NAMED, run, bytes, sizeof bytes, &size));
    assert_memory_equal(bytes, "\x83\xa7mm_hash\xcf", 10);
    kvtest_assert_ok(kvhash_wire_write_names(KVHASH_WIRE_JSON, NULL, 0, bytes, sizeof bytes, &size));
    assert_memory_equal(bytes, "[]", 2);
}

static void integers_take_the_shortest_form(void **state) {
    (void)state;
    static const struct {
        uint64_t value;
        size_t size;
    } cases[] = {{0, 1},     {127, 1},        {128, 2},
                 {255, 2},   {256, 3},        {65535, 3},
                 {65536, 5}, {UINT32_MAX, 5}, {UINT64_C(4294967296), 9}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t bytes[KVHASH_WIRE_MAX_BYTES];
        size_t size;
        kvhash_mm_run run = {cases[i].value, 0, 0}, back;
        kvtest_assert_ok(kvhash_wire_write_run(KVHASH_WIRE_MSGPACK, run, bytes, sizeof bytes, &size));
        assert_int_equal(size, 1 + cases[i].size + 2);
        kvtest_assert_ok(kvhash_wire_read_run(KVHASH_WIRE_MSGPACK, (kvcore_bytes){bytes, size}, &back, NULL));
        assert_true(back.mm_hash == cases[i].value);
    }
}

static void everything_comes_back_in_every_format(void **state) {
    (void)state;
    kvtest_random random = kvtest_seed(6);
    static uint8_t bytes[70000 * 19];
    static kvhash_plh names[70000], back[70000];
    for (kvhash_wire_format format = KVHASH_WIRE_JSON; format <= KVHASH_WIRE_MSGPACK_NAMED; format++) {
        for (size_t i = 0; i < 300; i++) {
            size_t size;
            kvhash_plh name = {kvtest_next(&random) & (UINT64_MAX >> 1), kvtest_next(&random)}, name_back;
            kvhash_psh psh = {kvtest_next(&random), kvtest_next(&random)}, psh_back;
            kvhash_mm_run run = {kvtest_next(&random) >> kvtest_below(&random, 64), kvtest_next(&random), 5}, run_back;
            kvhash_block block = {.block_hash = kvtest_next(&random), .plh = name}, block_back;
            block.sequence_hash = kvhash_plh_sequence_hash(name);
            kvtest_assert_ok(
                kvhash_psh_make(block.sequence_hash, kvhash_plh_position(name), block.block_hash, &block.psh));
            kvtest_assert_ok(kvhash_wire_write_plh(format, name, bytes, KVHASH_WIRE_MAX_BYTES, &size));
            kvtest_assert_ok(kvhash_wire_read_plh(format, (kvcore_bytes){bytes, size}, &name_back, NULL));
            assert_true(kvhash_plh_equal(name, name_back));
            kvtest_assert_ok(kvhash_wire_write_psh(format, psh, bytes, KVHASH_WIRE_MAX_BYTES, &size));
            kvtest_assert_ok(kvhash_wire_read_psh(format, (kvcore_bytes){bytes, size}, &psh_back, NULL));
            assert_true(kvhash_psh_equal(psh, psh_back));
            kvtest_assert_ok(kvhash_wire_write_run(format, run, bytes, KVHASH_WIRE_MAX_BYTES, &size));
            kvtest_assert_ok(kvhash_wire_read_run(format, (kvcore_bytes){bytes, size}, &run_back, NULL));
            assert_memory_equal(&run, &run_back, sizeof run);
            kvtest_assert_ok(kvhash_wire_write_block(format, &block, bytes, KVHASH_WIRE_MAX_BYTES, &size));
            kvtest_assert_ok(kvhash_wire_read_block(format, (kvcore_bytes){bytes, size}, &block_back, NULL));
            assert_memory_equal(&block, &block_back, sizeof block);
        }
        static const size_t counts[] = {0, 1, 15, 16, 1000, 70000};
        for (size_t c = 0; c < 6 - (format == KVHASH_WIRE_JSON); c++) {
            size_t size, count;
            for (size_t i = 0; i < counts[c]; i++) names[i] = (kvhash_plh){i, kvtest_next(&random)};
            kvtest_assert_ok(kvhash_wire_write_names(format, names, counts[c], bytes, sizeof bytes, &size));
            kvtest_assert_ok(kvhash_wire_read_names(format, (kvcore_bytes){bytes, size}, back, 70000, &count, NULL));
            assert_int_equal(count, counts[c]);
            if (count != 0) assert_memory_equal(names, back, count * sizeof *names);
        }
    }
}

static void a_hash_is_16_bytes_or_16_numbers(void **state) {
    (void)state;
    kvhash_plh name;
    kvcore_error error;
    kvcore_bytes numbers = BYTES("\xdc\x00\x10\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\xcc\xff");
    kvtest_assert_ok(kvhash_wire_read_plh(KVHASH_WIRE_MSGPACK, numbers, &name, &error));
    assert_true(kvhash_plh_equal(name, sample));
    kvcore_bytes wide = BYTES("\xc6\x00\x00\x00\x10\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\xff");
    kvtest_assert_ok(kvhash_wire_read_plh(KVHASH_WIRE_MSGPACK, wide, &name, &error));
    assert_true(kvhash_plh_equal(name, sample));
    kvtest_assert_status(kvhash_wire_read_plh(KVHASH_WIRE_MSGPACK, BYTES("\xc4\x03\x01\x02\x03"), &name, &error),
                         KVCORE_EFORMAT);
    assert_string_equal(error.text, "invalid length 3, expected 16 bytes");
    assert_true(error.expected == 16 && error.actual == 3);
    kvtest_assert_status(kvhash_wire_read_plh(KVHASH_WIRE_JSON, BYTES("[1,2]"), &name, &error), KVCORE_EFORMAT);
    assert_string_equal(error.text, "invalid length 2, expected 16 u8 elements");
    kvtest_assert_status(
        kvhash_wire_read_plh(KVHASH_WIRE_JSON, BYTES("[0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0]"), &name, &error),
        KVCORE_EFORMAT);
    kvtest_assert_status(
        kvhash_wire_read_plh(KVHASH_WIRE_JSON, BYTES("[192,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0]"), &name, &error),
        KVHASH_EMODE);
    kvtest_assert_ok(kvhash_wire_read_plh(KVHASH_WIRE_JSON, BYTES(" [ 1,2,3,4 ,\n5,6,7,8,9,10,11,12,13,14,15,255 ]\t"),
                                          &name, NULL));
    assert_true(kvhash_plh_equal(name, sample));
}

static void records_are_read_by_place_or_by_name(void **state) {
    (void)state;
    kvhash_mm_run run;
    static const kvhash_mm_run expected = {1, 2, 3};
    const kvcore_bytes good[] = {BYTES("{\"length\":3,\"mm_hash\":1,\"offset\":2}"), BYTES(" [1 , 2,3 ] ")};
    for (size_t i = 0; i < 2; i++) {
        kvtest_assert_ok(kvhash_wire_read_run(KVHASH_WIRE_JSON, good[i], &run, NULL));
        assert_memory_equal(&run, &expected, sizeof run);
    }
    const kvcore_bytes packed[] = {BYTES("\x93\x01\x02\x03"),
                                   BYTES("\xdc\x00\x03\xd0\x01\xcd\x00\x02\xd3\x00\x00\x00\x00\x00\x00\x00\x03"),
                                   BYTES("\x83\xa6length\x03\xa7mm_hash\x01\xa6offset\x02"),
                                   BYTES("\xde\x00\x03\xd9\x06offset\x02\xa6length\x03\xa7mm_hash\x01")};
    for (size_t i = 0; i < 4; i++) {
        kvtest_assert_ok(kvhash_wire_read_run(KVHASH_WIRE_MSGPACK, packed[i], &run, NULL));
        assert_memory_equal(&run, &expected, sizeof run);
    }
}

static void malformed_bytes_are_refused_with_their_place(void **state) {
    (void)state;
    static const struct {
        const char *bytes;
        size_t size;
        uint64_t offset;
        kvhash_wire_format format;
        kvcore_status status;
    } cases[] = {
#define JSON(text, status, at) {text, sizeof(text) - 1, at, KVHASH_WIRE_JSON, status}
#define PACK(text, status, at) \
    { text, sizeof(text) - 1, at, KVHASH_WIRE_MSGPACK, status }
        JSON("", KVCORE_ETRUNCATED, 0),
        JSON("{", KVCORE_ETRUNCATED, 1),
        JSON("{\"mm_hash\"", KVCORE_ETRUNCATED, 10),
        JSON("{\"mm_ha", KVCORE_ETRUNCATED, 7),
        JSON("[1,2", KVCORE_ETRUNCATED, 4),
        JSON("[1,2]", KVCORE_EFORMAT, 5),
        JSON("[1,2,3,4]", KVCORE_EFORMAT, 7),
        JSON("[1,2,3]x", KVCORE_EFORMAT, 7),
        JSON("[1,2,3][", KVCORE_EFORMAT, 7),
        JSON("[01,2,3]", KVCORE_EFORMAT, 1),
        JSON("[-1,2,3]", KVCORE_EFORMAT, 1),
        JSON("[1.0,2,3]", KVCORE_EFORMAT, 2),
        JSON("[1e3,2,3]", KVCORE_EFORMAT, 2),
        JSON("[18446744073709551616,2,3]", KVCORE_EOVERFLOW, 20),
        JSON("{\"mm_hash\":1,\"mm_hash\":1,\"offset\":2}", KVCORE_EFORMAT, 14),
        JSON("{\"mm_hash\":1,\"other\":1,\"offset\":2}", KVCORE_EFORMAT, 14),
        JSON("{\"mm_hash\":1,\"offset\":2}", KVCORE_EFORMAT, 24),
        JSON("{\"mm_hash\" 1}", KVCORE_EFORMAT, 11),
        PACK("", KVCORE_ETRUNCATED, 0),
        PACK("\x93\x01\x02", KVCORE_ETRUNCATED, 3),
        PACK("\x93\x01\x02\xcf\x00", KVCORE_ETRUNCATED, 5),
        PACK("\x92\x01\x02", KVCORE_EFORMAT, 1),
        PACK("\x93\x01\x02\x03\x04", KVCORE_EFORMAT, 4),
        PACK("\x93\xff\x02\x03", KVCORE_EFORMAT, 1),
        PACK("\x93\xd0\x80\x02\x03", KVCORE_EFORMAT, 1),
        PACK("\x93\xd3\xff\x00\x00\x00\x00\x00\x00\x00\x02\x03", KVCORE_EFORMAT, 1),
        PACK("\xdd\xff\xff\xff\xff\x02", KVCORE_EFORMAT, 5),
        PACK("\x83\xa7mm_hash\x01\xdb\xff\xff\xff\xffx", KVCORE_ETRUNCATED, 16),
        PACK("\x83\xc0", KVCORE_EFORMAT, 1),
        PACK("\xc0", KVCORE_EFORMAT, 0),
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        kvhash_mm_run run = {7, 7, 7};
        kvcore_error error;
        kvcore_status status =
            kvhash_wire_read_run(cases[i].format, (kvcore_bytes){cases[i].bytes, cases[i].size}, &run, &error);
        if (status != cases[i].status || error.offset != cases[i].offset)
            fail_msg("case %zu: status %d at %llu (%s)", i, status, (unsigned long long)error.offset, error.text);
        assert_true(run.mm_hash == 7 && run.offset == 7 && run.length == 7);
    }
}

static void every_cut_of_a_value_is_refused(void **state) {
    (void)state;
    kvhash_block block = {.block_hash = UINT64_MAX, .plh = sample}, back;
    for (kvhash_wire_format format = KVHASH_WIRE_JSON; format <= KVHASH_WIRE_MSGPACK_NAMED; format++) {
        uint8_t bytes[KVHASH_WIRE_MAX_BYTES];
        size_t size;
        kvtest_assert_ok(kvhash_wire_write_block(format, &block, bytes, sizeof bytes, &size));
        for (size_t cut = 0; cut < size; cut++) {
            uint8_t *exact = malloc(cut + 1); /* so that a sanitizer sees the first byte past it */
            assert_non_null(exact);
            uint8_t *begin = exact + 1;
            memcpy(begin, bytes, cut);
            kvtest_assert_status(kvhash_wire_read_block(format, (kvcore_bytes){begin, cut}, &back, NULL),
                                 KVCORE_ETRUNCATED);
            free(exact);
        }
    }
}

static void a_buffer_that_is_too_small_is_told_and_left_alone(void **state) {
    (void)state;
    uint8_t bytes[100];
    memset(bytes, 0xAA, sizeof bytes);
    size_t size = 0, count = 0;
    kvhash_plh names[2] = {{5, 5}, {5, 5}};
    kvtest_assert_status(kvhash_wire_write_plh(KVHASH_WIRE_JSON, sample, bytes, 40, &size), KVCORE_EBUFFER);
    assert_int_equal(size, 41);
    assert_int_equal(bytes[0], 0xAA);
    kvtest_assert_status(kvhash_wire_write_plh(KVHASH_WIRE_MSGPACK, sample, NULL, 0, &size), KVCORE_EBUFFER);
    assert_int_equal(size, 18);
    const kvhash_plh three[] = {sample, sample, sample};
    kvtest_assert_ok(kvhash_wire_write_names(KVHASH_WIRE_MSGPACK, three, 3, bytes, sizeof bytes, &size));
    kvtest_assert_status(
        kvhash_wire_read_names(KVHASH_WIRE_MSGPACK, (kvcore_bytes){bytes, size}, names, 2, &count, NULL),
        KVCORE_EBUFFER);
    assert_int_equal(count, 3);
    assert_true(names[0].high == 5 && names[1].low == 5);
    count = 77;
    kvtest_assert_status(
        kvhash_wire_read_names(KVHASH_WIRE_MSGPACK, BYTES("\xdd\xff\xff\xff\xff"), names, 2, &count, NULL),
        KVCORE_ETRUNCATED);
    assert_int_equal(count, 77);
}

static void misuse_is_refused(void **state) {
    (void)state;
    uint8_t bytes[50];
    size_t size;
    kvhash_plh name;
    kvtest_assert_status(kvhash_wire_write_plh((kvhash_wire_format)9, sample, bytes, 50, &size), KVCORE_EINVAL);
    kvtest_assert_status(kvhash_wire_write_plh(KVHASH_WIRE_JSON, sample, NULL, 50, &size), KVCORE_EINVAL);
    kvtest_assert_status(kvhash_wire_write_plh(KVHASH_WIRE_JSON, sample, bytes, 50, NULL), KVCORE_EINVAL);
    kvtest_assert_status(kvhash_wire_read_plh((kvhash_wire_format)0, BYTES("[]"), &name, NULL), KVCORE_EINVAL);
    kvtest_assert_status(kvhash_wire_read_plh(KVHASH_WIRE_JSON, BYTES("[]"), NULL, NULL), KVCORE_EINVAL);
    kvtest_assert_status(kvhash_wire_read_plh(KVHASH_WIRE_JSON, (kvcore_bytes){NULL, 4}, &name, NULL), KVCORE_EINVAL);
    kvtest_assert_status(kvhash_wire_write_block(KVHASH_WIRE_JSON, NULL, bytes, 50, &size), KVCORE_EINVAL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_have_the_stated_bytes),
        cmocka_unit_test(integers_take_the_shortest_form),
        cmocka_unit_test(everything_comes_back_in_every_format),
        cmocka_unit_test(a_hash_is_16_bytes_or_16_numbers),
        cmocka_unit_test(records_are_read_by_place_or_by_name),
        cmocka_unit_test(malformed_bytes_are_refused_with_their_place),
        cmocka_unit_test(every_cut_of_a_value_is_refused),
        cmocka_unit_test(a_buffer_that_is_too_small_is_told_and_left_alone),
        cmocka_unit_test(misuse_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
