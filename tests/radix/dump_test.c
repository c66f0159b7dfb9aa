#include "kvtest.h"

#include <kvcore/bytes.h>
#include <kvcore/hash256.h>
#include <kvcore/text.h>
#include <kvradix/index.h>

static kvradix_index *make(size_t holders) {
    kvradix_config config = KVRADIX_CONFIG_INIT;
    config.holder_capacity = holders;
    kvradix_index *index = NULL;
    kvtest_assert_ok(kvradix_index_create(&config, &index, NULL));
    return index;
}

/* Two holders, three names: 24 + 2 · 32 + 3 · 17 + 32 bytes. */
#define SAMPLE_BYTES 171

static kvradix_index *sample(void) {
    kvradix_index *index = make(0);
    kvhash_plh names[] = {{0, 1}, {0, 2}, {0, 3}};
    kvtest_assert_ok(kvhash_plh_make(5, 0, 0, &names[0]));
    kvtest_assert_ok(kvhash_plh_make(6, 5, 1, &names[1]));
    kvtest_assert_ok(kvhash_plh_make(7, 6, 2, &names[2]));
    kvtest_assert_ok(kvradix_index_store(index, (kvhash_holder){2, 0, 0}, names, 3));
    kvtest_assert_ok(kvradix_index_store(index, (kvhash_holder){1, 9, 0}, names, 1));
    kvhash_event gap = {.holder = {1, 9, 0}, .sequence = 4, .lost = 3, .kind = KVHASH_EVENT_GAP};
    kvtest_assert_ok(kvradix_index_apply(index, &gap, 1, NULL));
    return index;
}

static void a_dump_has_the_bytes_it_should(void **state) {
    (void)state;
    kvradix_index *index = sample();
    uint8_t bytes[SAMPLE_BYTES + 1];
    char text[2 * SAMPLE_BYTES + 1] = {0};
    size_t size;
    kvtest_assert_ok(kvradix_index_dump(index, bytes, sizeof bytes, &size));
    assert_int_equal(size, SAMPLE_BYTES);
    kvcore_hex_encode(bytes, SAMPLE_BYTES - 32, text);
    assert_string_equal(text, "6b7672616469780001000000020000000300000000000000"
                              "0100000000000000090000000100000004000000000000000300000000000000"
                              "0200000000000000000000000000000001000000000000000000000000000000"
                              "00000000000000000140000000000000"
                              "03"
                              "00400000000000000180000000000005"
                              "02"
                              "008000000000000001c0000000000006"
                              "02");
    kvcore_hash256 checksum = kvcore_blake3((kvcore_bytes){bytes, SAMPLE_BYTES - 32});
    assert_memory_equal(bytes + SAMPLE_BYTES - 32, checksum.bytes, 32);
    kvradix_index_destroy(index);
}

static void events_go_on_where_the_dump_ended(void **state) {
    (void)state;
    kvradix_index *index = sample(), *loaded = make(0);
    uint8_t bytes[SAMPLE_BYTES];
    size_t size;
    kvtest_assert_ok(kvradix_index_dump(index, bytes, sizeof bytes, &size));
    kvtest_assert_ok(kvradix_index_load(loaded, bytes, size, NULL));
    kvtest_assert_ok(kvradix_index_validate(loaded, NULL));
    kvradix_index_counts counts = kvradix_index_count(loaded);
    assert_int_equal(counts.names, 3);
    assert_int_equal(counts.holders, 2);
    assert_int_equal(counts.stale, 1);
    assert_int_equal(counts.lost, 3);
    assert_int_equal(kvradix_index_expected(loaded, (kvhash_holder){1, 9, 0}), 4);
    kvtest_assert_status(kvradix_index_load(loaded, bytes, size, NULL), KVRADIX_ENOTEMPTY);
    kvradix_index_destroy(index);
    kvradix_index_destroy(loaded);
}

static void the_size_can_be_asked_for(void **state) {
    (void)state;
    kvradix_index *index = sample(), *empty = make(0);
    uint8_t bytes[SAMPLE_BYTES];
    size_t size;
    kvtest_assert_status(kvradix_index_dump(index, NULL, 0, &size), KVCORE_EBUFFER);
    assert_int_equal(size, SAMPLE_BYTES);
    kvtest_assert_status(kvradix_index_dump(index, bytes, SAMPLE_BYTES - 1, &size), KVCORE_EBUFFER);
    kvtest_assert_status(kvradix_index_dump(index, NULL, 1, &size), KVCORE_EINVAL);
    kvtest_assert_ok(kvradix_index_dump(empty, bytes, sizeof bytes, &size));
    assert_int_equal(size, 24 + 32);
    kvtest_assert_ok(kvradix_index_load(empty, bytes, size, NULL));
    kvradix_index_destroy(index);
    kvradix_index_destroy(empty);
}

static void every_cut_and_every_flipped_byte_is_seen(void **state) {
    (void)state;
    kvradix_index *index = sample(), *loaded = make(0);
    uint8_t bytes[SAMPLE_BYTES + 1] = {0};
    size_t size;
    kvtest_assert_ok(kvradix_index_dump(index, bytes, sizeof bytes, &size));
    for (size_t length = 0; length < size; length++)
        kvtest_assert_status(kvradix_index_load(loaded, bytes, length, NULL), KVCORE_ETRUNCATED);
    kvtest_assert_status(kvradix_index_load(loaded, bytes, size + 1, NULL), KVCORE_EFORMAT);
    for (size_t i = 0; i < size; i++) {
        bytes[i] ^= 0x10;
        kvcore_status status = kvradix_index_load(loaded, bytes, size, NULL);
        if (i < 8)
            kvtest_assert_status(status, KVCORE_EFORMAT);
        else if (i < 12)
            kvtest_assert_status(status, KVCORE_ENOTSUP);
        else if (i >= 24)
            kvtest_assert_status(status, KVCORE_ECHECKSUM);
        else
            assert_true(status == KVCORE_ETRUNCATED || status == KVCORE_EFORMAT);
        bytes[i] ^= 0x10;
    }
    assert_int_equal(kvradix_index_count(loaded).holders, 0);
    kvtest_assert_ok(kvradix_index_load(loaded, bytes, size, NULL));
    kvradix_index_destroy(index);
    kvradix_index_destroy(loaded);
}

/* One byte of the sample changed, and the checksum made right again. */
static void assert_refused(size_t offset, uint8_t value, size_t expected_offset) {
    kvradix_index *index = sample(), *loaded = make(0);
    uint8_t bytes[SAMPLE_BYTES];
    size_t size;
    kvtest_assert_ok(kvradix_index_dump(index, bytes, sizeof bytes, &size));
    bytes[offset] = value;
    kvcore_hash256 checksum = kvcore_blake3((kvcore_bytes){bytes, SAMPLE_BYTES - 32});
    memcpy(bytes + SAMPLE_BYTES - 32, checksum.bytes, 32);
    kvcore_error error;
    kvtest_assert_status(kvradix_index_load(loaded, bytes, size, &error), KVCORE_EFORMAT);
    assert_int_equal(error.offset, expected_offset);
    assert_int_equal(kvradix_index_count(loaded).holders, 0);
    kvradix_index_destroy(index);
    kvradix_index_destroy(loaded);
}

static void content_that_no_index_has_is_refused(void **state) {
    (void)state;
    assert_refused(24, 2, 56);      /* worker 2 rank 9, then worker 2 rank 0 */
    assert_refused(24 + 12, 2, 36); /* neither stale nor not */
    assert_refused(24 + 16, 0, 40); /* number 0 expected */
    assert_refused(88, 0xC0, 88);   /* mode 3 */
    assert_refused(88, 0x3F, 105);  /* position 255, then position 1 */
    assert_refused(88 + 16, 0, 88); /* nobody has it */
    assert_refused(88 + 16, 4, 88); /* a third holder has it */
}

static void more_holders_than_there_is_room_for_are_refused(void **state) {
    (void)state;
    kvradix_index *index = sample(), *small = make(1);
    uint8_t bytes[SAMPLE_BYTES];
    size_t size;
    kvtest_assert_ok(kvradix_index_dump(index, bytes, sizeof bytes, &size));
    kvcore_error error;
    kvtest_assert_status(kvradix_index_load(small, bytes, size, &error), KVRADIX_EHOLDERS);
    assert_int_equal(error.expected, 1);
    assert_int_equal(error.actual, 2);
    kvtest_assert_status(kvradix_index_load(small, NULL, 0, &error), KVCORE_EINVAL);
    kvradix_index_destroy(index);
    kvradix_index_destroy(small);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_dump_has_the_bytes_it_should),
        cmocka_unit_test(events_go_on_where_the_dump_ended),
        cmocka_unit_test(the_size_can_be_asked_for),
        cmocka_unit_test(every_cut_and_every_flipped_byte_is_seen),
        cmocka_unit_test(content_that_no_index_has_is_refused),
        cmocka_unit_test(more_holders_than_there_is_room_for_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
