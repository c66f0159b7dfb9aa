#include "kvtest.h"

#include <kvevents/dynamo.h>

static uint8_t memory[8192];

static kvcore_status read_router(const void *bytes, size_t size, kvevents_router_batch *batch) {
    kvevents_arena arena = {memory, sizeof memory, 0};
    return kvevents_router_read((kvcore_bytes){bytes, size}, NULL, &arena, batch, NULL);
}

#define READ(text, batch) read_router(text, sizeof(text) - 1, batch)

/* As Dynamo's types write it, worker_id and the event apart. */
#define EVENT          \
    "\xA5"             \
    "event\x83\xA8"    \
    "event_id\x07\xA4" \
    "data\xA7"         \
    "cleared\xA7"      \
    "dp_rank\x02"
#define WORKER "\xA9worker_id\x05"
#define TIER               \
    "\xACstorage_tier\xA6" \
    "device"

static void what_is_written_is_read(void **state) {
    (void)state;
    static const uint64_t hashes[] = {1, UINT64_MAX}, tokens[] = {UINT64_MAX - 1, 2};
    const kvevents_router_event events[] = {
        {.worker_id = 9,
         .tier = KVEVENTS_HOST,
         .kind = KVEVENTS_STORED,
         .event_id = 3,
         .has_parent = true,
         .parent_hash = UINT64_MAX,
         .has_start = true,
         .start_position = 12,
         .block_count = 2,
         .block_hashes = hashes,
         .tokens_hashes = tokens,
         .dp_rank = 1,
         .session_id = kvcore_text("s")},
        {.worker_id = 9, .tier = KVEVENTS_DISK, .kind = KVEVENTS_REMOVED, .block_count = 1, .block_hashes = hashes},
        {.worker_id = 9, .kind = KVEVENTS_CLEARED, .event_id = 5},
        {.worker_id = 9, .kind = KVEVENTS_STORED},
    };
    const kvevents_router_batch batch = {events, 4, 0};
    uint8_t bytes[1024];
    size_t size;
    kvevents_router_batch back;
    kvtest_assert_ok(kvevents_router_write(&batch, bytes, sizeof bytes, &size));
    kvtest_assert_ok(read_router(bytes, size, &back));
    assert_int_equal(back.event_count, 4);
    assert_int_equal(back.block_count, 3);
    const kvevents_router_event *stored = &back.events[0];
    assert_true(stored->counts && stored->has_parent && stored->has_start);
    assert_true(stored->parent_hash == UINT64_MAX && stored->block_hashes[1] == UINT64_MAX);
    assert_true(stored->tokens_hashes[0] == UINT64_MAX - 1);
    assert_int_equal(stored->tier, KVEVENTS_HOST);
    assert_int_equal(stored->start_position, 12);
    assert_memory_equal(stored->session_id.data, "s", 1);
    assert_int_equal(back.events[1].tier, KVEVENTS_DISK);
    assert_int_equal(back.events[2].kind, KVEVENTS_CLEARED);
    assert_int_equal(back.events[3].block_count, 0);
    for (size_t cut = 0; cut < size; cut++) kvtest_assert_status(read_router(bytes, cut, &back), KVCORE_ETRUNCATED);
}

static void another_domain_does_not_count(void **state) {
    (void)state;
    kvevents_router_batch batch;
    kvtest_assert_ok(READ("\x91\x83" WORKER TIER EVENT, &batch));
    assert_true(batch.events[0].counts);
    assert_int_equal(batch.events[0].dp_rank, 2);
    kvtest_assert_ok(READ("\x91\x84" WORKER TIER "\xB0residency_domain\xC0" EVENT, &batch));
    assert_false(batch.events[0].counts);
    kvtest_assert_ok(READ("\x91\x84" WORKER TIER "\xB0residency_domain\xA6shared" EVENT, &batch));
    assert_false(batch.events[0].counts);
    kvtest_assert_ok(READ("\x91\x84" WORKER TIER "\xB0residency_domain\xA6worker" EVENT, &batch));
    assert_true(batch.events[0].counts);
}

static void faults_have_their_reasons(void **state) {
    (void)state;
    kvevents_router_batch batch;
    kvtest_assert_status(READ("\x80", &batch), KVEVENTS_EBATCH);
    kvtest_assert_status(READ("\x91\x01", &batch), KVEVENTS_EEVENT);
    kvtest_assert_status(READ("\x91\x82" TIER EVENT, &batch), KVEVENTS_EFIELD); /* no worker */
    kvtest_assert_status(READ("\x90\x01", &batch), KVEVENTS_ETRAILING);
    kvtest_assert_status(READ("\x91\x81\x01\x01", &batch), KVEVENTS_EEVENT);
}

static void an_envelope_comes_back(void **state) {
    (void)state;
    const kvevents_envelope envelope = {7, 8, 9, kvcore_text("namespace.n"), kvcore_text("payload")};
    uint8_t bytes[256], id[8], number[8];
    size_t size;
    kvtest_assert_ok(kvevents_envelope_seal(&envelope, bytes, sizeof bytes, &size));
    kvcore_store_be64(id, 7);
    kvcore_store_be64(number, 8);
    kvcore_bytes frames[] = {kvcore_text("namespace.n"), {id, 8}, {number, 8}, {bytes, size}};
    kvevents_envelope back;
    kvtest_assert_ok(kvevents_envelope_open(frames, 4, &back, NULL));
    assert_int_equal(back.published_at_ms, 9);
    assert_memory_equal(back.payload.data, "payload", 7);
    number[7] = 9; /* not what the envelope says */
    kvtest_assert_status(kvevents_envelope_open(frames, 4, &back, NULL), KVCORE_EFORMAT);
    number[7] = 8;
    bytes[0] = 2;
    kvtest_assert_status(kvevents_envelope_open(frames, 4, &back, NULL), KVCORE_EFORMAT);
    bytes[0] = 1;
    frames[3].size_bytes--;
    kvtest_assert_status(kvevents_envelope_open(frames, 4, &back, NULL), KVCORE_EFORMAT);
    kvtest_assert_status(kvevents_envelope_open(frames, 3, &back, NULL), KVCORE_EFORMAT);
    for (size_t cut = 0; cut < size - 6; cut++)
        kvtest_assert_status(kvevents_envelope_read((kvcore_bytes){bytes + 5, cut}, &back, NULL), KVCORE_ETRUNCATED);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(another_domain_does_not_count),
        cmocka_unit_test(faults_have_their_reasons),
        cmocka_unit_test(an_envelope_comes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
