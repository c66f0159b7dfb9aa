/* Checksums, log records and batches, segments. The vectors say what the bytes are; here: bounds, corners, round trips. */
#include "kvtest.h"

#include <kvformat/checksum.h>
#include <kvwombat/segment.h>
#include <kvwombat/wal.h>

/* A copy that ends where its memory ends, so that a sanitizer sees the first byte read past it. */
static kvcore_bytes tight(const void *bytes, size_t size) {
    void *copy = malloc(size > 0 ? size : 1);
    if (size > 0) memcpy(copy, bytes, size);
    return (kvcore_bytes){copy, size};
}

static void drop(kvcore_bytes bytes) { free((void *)(uintptr_t)bytes.data); }

static void crc32c_is_castagnolis_and_streams(void **state) {
    (void)state;
    assert_int_equal(kvformat_crc32c(0, kvcore_text("123456789")), 0xE3069283);
    assert_int_equal(kvformat_crc32c(0, (kvcore_bytes){0}), 0);
    kvtest_random random = kvtest_seed(71);
    uint8_t bytes[700];
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t)kvtest_next(&random);
    for (size_t size = 0; size < sizeof bytes; size++) {
        uint32_t slow = UINT32_MAX; /* bit by bit, as the definition has it */
        for (size_t i = 0; i < size; i++) {
            slow ^= bytes[i];
            for (int k = 0; k < 8; k++) slow = slow >> 1 ^ (slow & 1 ? UINT32_C(0x82F63B78) : 0);
        }
        assert_int_equal(kvformat_crc32c(0, (kvcore_bytes){bytes, size}), ~slow);
        size_t cut = (size_t)kvtest_below(&random, size + 1);
        uint32_t first = kvformat_crc32c(0, (kvcore_bytes){bytes, cut});
        assert_int_equal(kvformat_crc32c(first, (kvcore_bytes){bytes + cut, size - cut}), ~slow);
    }
}

static kvcore_bytes make_record(const kvwombat_wal_record *record, uint8_t *bytes, size_t capacity) {
    size_t size;
    kvtest_assert_ok(kvwombat_wal_record_encode(record, bytes, capacity, &size));
    return (kvcore_bytes){bytes, size};
}

static void a_record_cut_or_changed_anywhere_is_refused_or_whole(void **state) {
    (void)state;
    uint8_t bytes[128];
    kvwombat_wal_record record = {kvcore_text("key"), kvcore_text("meta"), kvcore_text("payload")}, back;
    kvcore_bytes whole = make_record(&record, bytes, sizeof bytes);
    size_t size = 0;
    kvcore_error error;
    kvtest_assert_ok(kvwombat_wal_record_decode((kvcore_bytes){bytes, whole.size_bytes + 9}, &back, &size, NULL));
    assert_int_equal(size, whole.size_bytes); /* what follows is the caller's */
    for (size_t cut = 0; cut < whole.size_bytes; cut++) {
        kvcore_bytes part = tight(bytes, cut);
        kvtest_assert_status(kvwombat_wal_record_decode(part, &back, NULL, &error), KVCORE_ETRUNCATED);
        drop(part);
    }
    for (size_t at = 0; at < whole.size_bytes; at++)
        for (int bit = 0; bit < 8; bit++) {
            kvcore_bytes changed = tight(bytes, whole.size_bytes);
            ((uint8_t *)(uintptr_t)changed.data)[at] ^= (uint8_t)(1 << bit);
            kvcore_status status = kvwombat_wal_record_decode(changed, &back, NULL, &error);
            kvcore_status expected = at < 12 ? KVFORMAT_EMAGIC : status;
            kvtest_assert_status(status, expected);
            assert_true(status == KVFORMAT_EMAGIC || status == KVCORE_ETRUNCATED || status == KVCORE_ECHECKSUM);
            drop(changed);
        }
}

static void a_batch_gives_its_records_in_turn(void **state) {
    (void)state;
    uint8_t one[64], two[64], bytes[256];
    kvwombat_wal_record records[] = {{kvcore_text("a"), {0}, kvcore_text("first")}, {kvcore_text("b"), {0}, {0}}}, back;
    kvwombat_wal_item items[] = {{7, make_record(&records[0], one, sizeof one)},
                                 {8, make_record(&records[1], two, sizeof two)}};
    size_t size = 0;
    kvtest_assert_ok(kvwombat_wal_batch_encode(items, 2, bytes, sizeof bytes, &size));
    kvwombat_wal_reader reader;
    bool more = false;
    kvtest_assert_ok(kvwombat_wal_open((kvcore_bytes){bytes, size}, &reader, NULL));
    assert_true(reader.batch && reader.start_seq == 7 && reader.end_seq == 8);
    for (size_t i = 0; i < 2; i++) {
        kvtest_assert_ok(kvwombat_wal_next(&reader, &back, &more, NULL));
        assert_true(more);
        assert_int_equal(back.payload.size_bytes, records[i].payload.size_bytes);
    }
    for (int i = 0; i < 2; i++) {
        kvtest_assert_ok(kvwombat_wal_next(&reader, &back, &more, NULL));
        assert_false(more);
    }
    for (size_t cut = 0; cut < size; cut++) {
        kvcore_bytes part = tight(bytes, cut);
        kvcore_status status = kvwombat_wal_open(part, &reader, NULL);
        while (status == KVCORE_OK) {
            status = kvwombat_wal_next(&reader, &back, &more, NULL);
            assert_false(status == KVCORE_OK && !more);
        }
        drop(part);
    }
    /* the whole span of 64 bits is no count of one */
    kvcore_store_le64(bytes + 12, 0);
    kvcore_store_le64(bytes + 20, UINT64_MAX);
    kvtest_assert_status(kvwombat_wal_open((kvcore_bytes){bytes, size}, &reader, NULL), KVFORMAT_ETOO_LARGE);
    kvcore_store_le32(bytes + 28, 0);
    kvtest_assert_status(kvwombat_wal_open((kvcore_bytes){bytes, size}, &reader, NULL), KVFORMAT_ETOO_LARGE);
}

static size_t make_segment(uint8_t *bytes, size_t capacity) {
    const kvwombat_segment_block blocks[] = {
        {kvcore_text("a"), kvcore_text("payload-a")}, {kvcore_text(""), {0}}, {kvcore_text("ccc"), kvcore_text("x")}};
    size_t size;
    kvtest_assert_ok(kvwombat_segment_encode(blocks, 3, bytes, capacity, &size));
    return size;
}

static void the_closer_look_sees_every_flip_outside_payloads(void **state) {
    (void)state;
    uint8_t bytes[256];
    size_t size = make_segment(bytes, sizeof bytes), unseen = 0;
    kvtest_assert_ok(kvwombat_segment_check((kvcore_bytes){bytes, size}, NULL));
    for (size_t at = 0; at < size; at++) {
        bytes[at] ^= 1;
        kvcore_bytes file = tight(bytes, size);
        kvcore_error error;
        unseen += kvwombat_segment_check(file, &error) == KVCORE_OK;
        drop(file);
        bytes[at] ^= 1;
    }
    assert_int_equal(unseen, 9 + 0 + 1); /* payloads have no checksum */
    for (size_t cut = 0; cut < size; cut++) {
        kvcore_bytes file = tight(bytes, cut);
        assert_int_not_equal(kvwombat_segment_check(file, NULL), KVCORE_OK);
        drop(file);
    }
}

static void a_lying_entry_gives_no_payload(void **state) {
    (void)state;
    uint8_t bytes[64] = {0};
    kvcore_bytes file = {bytes, sizeof bytes}, payload = {NULL, 77};
    kvwombat_segment_entry entry = {.payload_offset = 60, .payload_bytes = 4};
    kvtest_assert_ok(kvwombat_segment_payload(file, &entry, &payload, NULL));
    assert_ptr_equal(payload.data, bytes + 60);
    entry.payload_bytes = 5;
    kvtest_assert_status(kvwombat_segment_payload(file, &entry, &payload, NULL), KVCORE_ETRUNCATED);
    entry.payload_offset = entry.payload_bytes = UINT32_MAX;
    kvtest_assert_status(kvwombat_segment_payload(file, &entry, &payload, NULL), KVCORE_ETRUNCATED);
    assert_int_equal(payload.size_bytes, 4);
}

static void sizes_beyond_the_format_are_refused_before_anything_is_read(void **state) {
    (void)state;
    /* the bytes are never touched, so any pointer serves */
    kvcore_bytes huge = {(void *)(uintptr_t)1, (size_t)UINT32_MAX + 1}, key = {(void *)(uintptr_t)1, 65536};
    kvwombat_wal_record record = {{0}, {0}, huge};
    kvwombat_segment_block blocks[] = {{{0}, {(void *)(uintptr_t)1, UINT32_MAX}}, {{0}, {0}}};
    kvwombat_wal_item item = {1, huge};
    size_t size = 0;
    kvtest_assert_status(kvwombat_wal_record_encode(&record, NULL, 0, &size), KVFORMAT_ETOO_LARGE);
    kvtest_assert_status(kvwombat_wal_batch_encode(&item, 1, NULL, 0, &size), KVFORMAT_ETOO_LARGE);
    kvtest_assert_status(kvwombat_segment_encode(blocks, 1, NULL, 0, &size), KVCORE_EBUFFER);
    kvtest_assert_status(kvwombat_segment_encode(blocks, 2, NULL, 0, &size), KVFORMAT_ETOO_LARGE); /* past 4 GiB */
    blocks[0] = (kvwombat_segment_block){key, {0}};
    kvtest_assert_status(kvwombat_segment_encode(blocks, 1, NULL, 0, &size), KVFORMAT_ETOO_LARGE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(crc32c_is_castagnolis_and_streams),
        cmocka_unit_test(a_record_cut_or_changed_anywhere_is_refused_or_whole),
        cmocka_unit_test(a_batch_gives_its_records_in_turn),
        cmocka_unit_test(the_closer_look_sees_every_flip_outside_payloads),
        cmocka_unit_test(a_lying_entry_gives_no_payload),
        cmocka_unit_test(sizes_beyond_the_format_are_refused_before_anything_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
