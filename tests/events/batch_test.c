#include "kvtest.h"

#include <kvevents/batch.h>

static uint8_t memory[1 << 16];

static kvcore_status read_bytes(const void *bytes, size_t size, kvevents_batch *batch) {
    kvevents_arena arena = {memory, sizeof memory, 0};
    return kvevents_batch_read((kvcore_bytes){bytes, size}, NULL, &arena, batch, NULL);
}

/* A string literal as a payload. */
#define READ(text, batch) read_bytes(text, sizeof(text) - 1, batch)

static size_t write_sample(uint8_t *bytes, size_t capacity, kvevents_dialect dialect) {
    static const uint64_t hashes[] = {1, UINT64_MAX};
    static const uint32_t tokens[] = {0, 127, 128, 65536, 5, 6, 7, UINT32_MAX};
    const kvevents_event events[] = {
        {.kind = KVEVENTS_CLEARED},
        {.kind = KVEVENTS_STORED,
         .has = KVEVENTS_HAS_GROUP,
         .hashes = hashes,
         .hash_count = 2,
         .tokens = tokens,
         .token_count = 8,
         .block_size = 4,
         .medium = kvcore_text("GPU"),
         .lora_name = kvcore_text("a"),
         .salt = kvcore_text("s")},
        {.kind = KVEVENTS_REMOVED, .hashes = hashes, .hash_count = 1, .medium = kvcore_text("CPU")},
    };
    const kvevents_batch batch = {.ts = 12.5, .has_rank = true, .rank = 3, .events = events, .event_count = 3};
    size_t size = 0;
    kvtest_assert_ok(kvevents_batch_write(&batch, dialect, bytes, capacity, &size));
    return size;
}

static void what_is_written_is_read(void **state) {
    (void)state;
    for (kvevents_dialect dialect = KVEVENTS_VLLM_MAP; dialect <= KVEVENTS_SGLANG; dialect++) {
        uint8_t bytes[512];
        kvevents_batch batch;
        kvtest_assert_ok(read_bytes(bytes, write_sample(bytes, sizeof bytes, dialect), &batch));
        assert_int_equal(batch.event_count, 3);
        assert_true(batch.has_rank && batch.rank == 3 && batch.ts > 12.4);
        const kvevents_event *stored = &batch.events[1];
        assert_int_equal(batch.events[0].kind, KVEVENTS_CLEARED);
        assert_int_equal(stored->hash_count, 2);
        assert_true(stored->hashes[1] == UINT64_MAX);
        assert_int_equal(stored->token_count, 8);
        assert_int_equal(stored->tokens[3], 65536);
        assert_int_equal(stored->has, KVEVENTS_HAS_GROUP);
        assert_memory_equal(kvevents_event_salt(stored).data, "s", 1);
        assert_memory_equal(batch.events[2].medium.data, "CPU", 3);
    }
}

static void every_cut_is_truncated(void **state) {
    (void)state;
    for (kvevents_dialect dialect = KVEVENTS_VLLM_MAP; dialect <= KVEVENTS_SGLANG; dialect++) {
        uint8_t bytes[512];
        size_t size = write_sample(bytes, sizeof bytes, dialect);
        for (size_t cut = 0; cut < size; cut++) {
            kvevents_batch batch = {.ts = -1};
            uint8_t *copy = malloc(cut + 1); /* so that a sanitizer sees a byte too far */
            memcpy(copy, bytes, cut);
            kvtest_assert_status(read_bytes(copy, cut, &batch), KVCORE_ETRUNCATED);
            assert_true(batch.ts < 0);
            free(copy);
        }
    }
}

static void an_arena_that_is_too_small_says_what_to_try(void **state) {
    (void)state;
    uint8_t bytes[512];
    kvcore_bytes payload = {bytes, write_sample(bytes, sizeof bytes, KVEVENTS_VLLM_MAP)};
    kvevents_batch batch;
    kvcore_error error;
    size_t capacity = 0, tries = 0;
    kvcore_status status = KVCORE_EBUFFER;
    for (; status == KVCORE_EBUFFER; tries++) {
        kvevents_arena arena = {memory, capacity, 0};
        status = kvevents_batch_read(payload, NULL, &arena, &batch, &error);
        if (status != KVCORE_EBUFFER) break;
        assert_int_equal(arena.used_bytes, 0);
        assert_true(error.expected > capacity && error.expected <= sizeof memory);
        capacity = (size_t)error.expected;
    }
    kvtest_assert_ok(status);
    assert_true(tries > 0 && tries < 8);
}

static void bytes_in_disorder_ask_for_no_memory(void **state) {
    (void)state;
    kvevents_arena arena = {NULL, 0, 0};
    kvevents_batch batch;
    kvcore_bytes payload = {"\x92\x01\x92\x80\xC1", 5};
    kvtest_assert_status(kvevents_batch_read(payload, NULL, &arena, &batch, NULL), KVEVENTS_EINVALID);
}

static void the_last_of_equal_keys_counts_whatever_the_first_was(void **state) {
    (void)state;
    kvevents_batch batch;
    kvtest_assert_ok(READ("\x92\x01\x91\x83\xA4type\xAC"
                          "BlockRemoved\xAC"
                          "block_hashes\x05\xAC"
                          "block_hashes\x91\x07",
                          &batch));
    assert_true(batch.events[0].hash_count == 1 && batch.events[0].hashes[0] == 7);
    kvtest_assert_status(READ("\x92\x01\x91\x83\xA4type\xAC"
                              "BlockRemoved\xAC"
                              "block_hashes\x91\x07\xAC"
                              "block_hashes\x05",
                              &batch),
                         KVEVENTS_EFIELD);
}

static void the_tag_may_come_last_or_twice(void **state) {
    (void)state;
    kvevents_batch batch;
    kvtest_assert_ok(READ("\x92\x01\x91\x82\xAC"
                          "block_hashes\x91\x07\xA4type\xAC"
                          "BlockRemoved",
                          &batch));
    assert_true(batch.events[0].kind == KVEVENTS_REMOVED && batch.events[0].hashes[0] == 7);
    kvtest_assert_ok(READ("\x92\x01\x91\x83\xA4type\xABNobodyKnows\xAC"
                          "block_hashes\x91\x07\xA4type\xAC"
                          "BlockRemoved",
                          &batch));
    assert_true(batch.events[0].kind == KVEVENTS_REMOVED && batch.events[0].hashes[0] == 7);
    kvtest_assert_ok(READ("\x92\x01\x91\x83\xA4type\xAC"
                          "BlockRemoved\xAC"
                          "block_hashes\x91\x07\xA4type\xABNobodyKnows",
                          &batch));
    assert_true(batch.events[0].kind == KVEVENTS_UNKNOWN && batch.events[0].hash_count == 0);
    assert_memory_equal(batch.events[0].tag.data, "NobodyKnows", 11);
}

static void a_fault_is_the_first_in_reading_order(void **state) {
    (void)state;
    kvevents_batch batch;
    kvcore_error error;
    kvevents_arena arena = {memory, sizeof memory, 0};
    /* the medium is no text before the hashes are no array */
    static const char text[] = "\x92\x01\x91\x83\xA4type\xAC"
                               "BlockRemoved\xA6medium\xA2\xFF\xFE\xAC"
                               "block_hashes\x05";
    kvtest_assert_status(kvevents_batch_read((kvcore_bytes){text, sizeof text - 1}, NULL, &arena, &batch, &error),
                         KVEVENTS_EINVALID);
    assert_int_equal(error.offset, 29);
    assert_int_equal(error.index, 0);
}

static void limits_are_kept(void **state) {
    (void)state;
    uint8_t bytes[512];
    kvcore_bytes payload = {bytes, write_sample(bytes, sizeof bytes, KVEVENTS_VLLM_MAP)};
    kvevents_batch batch;
    const kvevents_limits fitting = {sizeof(kvevents_limits), payload.size_bytes, 3, 3, 8};
    for (size_t i = 0; i < 5; i++) {
        kvevents_limits limits = fitting;
        if (i == 1) limits.payload_bytes--;
        if (i == 2) limits.events--;
        if (i == 3) limits.hashes--;
        if (i == 4) limits.tokens--;
        kvevents_arena arena = {memory, sizeof memory, 0};
        kvtest_assert_status(kvevents_batch_read(payload, &limits, &arena, &batch, NULL),
                             i == 0 ? KVCORE_OK : KVEVENTS_ESIZE);
    }
}

static void nesting_is_read_to_the_limit(void **state) {
    (void)state;
    /* batch, events, event, and what an unknown event holds: 29 more are 32 */
    for (size_t deep = 28; deep <= 31; deep++) {
        uint8_t bytes[64] = {0x92, 0x01, 0x91, 0x92, 0xA1, 'x'};
        memset(bytes + 6, 0x91, deep);
        bytes[6 + deep] = 0xC0;
        kvevents_batch batch;
        kvtest_assert_status(read_bytes(bytes, 7 + deep, &batch), deep <= 29 ? KVCORE_OK : KVEVENTS_EDEPTH);
    }
}

static void a_long_array_of_heads_costs_no_memory(void **state) {
    (void)state;
    size_t size = 1 << 20;
    uint8_t *bytes = malloc(size);
    memset(bytes, 0x91, size);
    kvevents_batch batch;
    kvtest_assert_status(read_bytes(bytes, size, &batch), KVEVENTS_EDEPTH);
    free(bytes);
}

static void wrong_arguments_are_refused(void **state) {
    (void)state;
    kvevents_batch batch = {0};
    size_t size;
    kvevents_limits unset = {0};
    kvevents_arena arena = {memory, sizeof memory, 0};
    kvcore_bytes payload = {"\x92\x01\x90", 3};
    kvtest_assert_status(kvevents_batch_read(payload, &unset, &arena, &batch, NULL), KVCORE_EINVAL);
    kvtest_assert_status(kvevents_batch_read((kvcore_bytes){NULL, 1}, NULL, &arena, &batch, NULL), KVCORE_EINVAL);
    kvtest_assert_status(kvevents_batch_write(&batch, (kvevents_dialect)9, NULL, 0, &size), KVCORE_EINVAL);
    const kvevents_event loose = {.kind = KVEVENTS_STORED, .extra_keys = {"\x92\x01", 2}};
    batch.events = &loose;
    batch.event_count = 1;
    kvtest_assert_status(kvevents_batch_write(&batch, KVEVENTS_VLLM_MAP, NULL, 0, &size), KVCORE_EINVAL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(every_cut_is_truncated),
        cmocka_unit_test(an_arena_that_is_too_small_says_what_to_try),
        cmocka_unit_test(bytes_in_disorder_ask_for_no_memory),
        cmocka_unit_test(the_last_of_equal_keys_counts_whatever_the_first_was),
        cmocka_unit_test(the_tag_may_come_last_or_twice),
        cmocka_unit_test(a_fault_is_the_first_in_reading_order),
        cmocka_unit_test(limits_are_kept),
        cmocka_unit_test(nesting_is_read_to_the_limit),
        cmocka_unit_test(a_long_array_of_heads_costs_no_memory),
        cmocka_unit_test(wrong_arguments_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
