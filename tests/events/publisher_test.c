#include "kvtest.h"

#include <zmq.h>

#include <kvevents/publisher.h>
#include <kvevents/source.h>

#define B 4

typedef struct fixture {
    kvevents_publisher *publisher;
    void *context, *sub;
    kvevents_source *source;
    uint32_t tokens[16 * B];
} fixture;

static fixture f;

static void start(kvevents_publisher_config config) {
    memset(&f, 0, sizeof f);
    config.struct_size = sizeof config;
    config.endpoint = "tcp://127.0.0.1:0";
    config.replay_endpoint = "tcp://127.0.0.1:0";
    config.block_tokens = B;
    kvcore_error error = {0};
    if (kvevents_publisher_create(&config, &f.publisher, &error) != KVCORE_OK) fail_msg("%s", error.text);
    f.context = zmq_ctx_new();
    f.sub = zmq_socket(f.context, ZMQ_SUB);
    const int wait = 2000;
    zmq_setsockopt(f.sub, ZMQ_SUBSCRIBE, "", 0);
    zmq_setsockopt(f.sub, ZMQ_RCVTIMEO, &wait, sizeof wait);
    assert_int_equal(zmq_connect(f.sub, kvevents_publisher_endpoint(f.publisher)), 0);
    kvevents_source_config own = KVEVENTS_SOURCE_CONFIG_INIT;
    own.has_replay = true;
    own.block_tokens = B;
    kvtest_assert_ok(kvevents_source_create(&own, &f.source, NULL));
    for (uint32_t i = 0; i < 16 * B; i++) f.tokens[i] = i;
}

static int tear_down(void **state) {
    (void)state;
    kvevents_publisher_destroy(f.publisher);
    kvevents_source_destroy(f.source);
    zmq_close(f.sub);
    zmq_ctx_term(f.context);
    return 0;
}

static size_t receive(void *socket, zmq_msg_t *messages, kvcore_bytes *frames) {
    size_t count = 0;
    do {
        zmq_msg_init(&messages[count]);
        if (zmq_msg_recv(&messages[count], socket, 0) < 0) return 0;
        frames[count] = (kvcore_bytes){zmq_msg_data(&messages[count]), zmq_msg_size(&messages[count])};
    } while (zmq_msg_more(&messages[count++]));
    return count;
}

static void replay(void) {
    void *dealer = zmq_socket(f.context, ZMQ_DEALER);
    const int wait = 2000;
    uint8_t number[8];
    zmq_setsockopt(dealer, ZMQ_RCVTIMEO, &wait, sizeof wait);
    assert_int_equal(zmq_connect(dealer, kvevents_publisher_replay_endpoint(f.publisher)), 0);
    kvcore_store_be64(number, kvevents_source_replay_from(f.source));
    zmq_send(dealer, "", 0, ZMQ_SNDMORE);
    zmq_send(dealer, number, 8, 0);
    kvevents_step step = KVEVENTS_ASK;
    while (step != KVEVENTS_NEXT) {
        zmq_msg_t messages[8];
        kvcore_bytes frames[8];
        size_t count = receive(dealer, messages, frames);
        assert_true(count > 0);
        step = kvevents_source_reply(f.source, frames, count, 0);
        for (size_t i = 0; i < count; i++) zmq_msg_close(&messages[i]);
    }
    const int none = 0;
    zmq_setsockopt(dealer, ZMQ_LINGER, &none, sizeof none);
    zmq_close(dealer);
}

/* The next message; false when none comes. */
static bool take(void) {
    zmq_msg_t messages[8];
    kvcore_bytes frames[8];
    size_t count = receive(f.sub, messages, frames);
    if (count == 0) return false;
    kvevents_step step = kvevents_source_take(f.source, frames, count, 0);
    for (size_t i = 0; i < count; i++) zmq_msg_close(&messages[i]);
    if (step == KVEVENTS_ASK) replay();
    return true;
}

static void store(size_t first, size_t count, kvevents_tier tier) {
    kvevents_block blocks[16];
    for (size_t i = 0; i < count; i++)
        blocks[i] = (kvevents_block){.hash = first + i + 1,
                                     .parent = first + i,
                                     .has_parent = first + i > 0,
                                     .tokens = f.tokens + (first + i) * B};
    kvtest_assert_ok(kvevents_publisher_stored(f.publisher, tier, blocks, count));
}

static void flush_and_take(void) {
    uint64_t wanted = kvevents_publisher_count(f.publisher).next_number;
    kvtest_assert_ok(kvevents_publisher_flush(f.publisher));
    wanted = kvevents_publisher_count(f.publisher).next_number > wanted ? wanted + 1 : wanted;
    while (kvevents_source_state_of(f.source).next < wanted) assert_true(take());
}

/* A subscriber that has come late hears nothing of what was sent: send until it hears. */
static void connect_it(void) {
    const int brief = 20, wait = 2000;
    zmq_setsockopt(f.sub, ZMQ_RCVTIMEO, &brief, sizeof brief);
    for (size_t i = 0; i < 200; i++) {
        kvtest_assert_ok(kvevents_publisher_resync(f.publisher));
        if (take()) break;
    }
    zmq_setsockopt(f.sub, ZMQ_RCVTIMEO, &wait, sizeof wait);
    flush_and_take();
    assert_false(kvevents_source_state_of(f.source).stale);
}

static void what_is_stored_and_removed_arrives(void **state) {
    (void)state;
    for (kvevents_dialect dialect = KVEVENTS_VLLM_MAP; dialect <= KVEVENTS_SGLANG; dialect++) {
        start((kvevents_publisher_config){.dialect = dialect, .topic = "kv@pod@model"});
        connect_it();
        store(0, 4, KVEVENTS_DEVICE);
        store(0, 2, KVEVENTS_HOST);
        store(0, 4, KVEVENTS_DEVICE); /* said twice, told once */
        flush_and_take();
        kvevents_source_state of = kvevents_source_state_of(f.source);
        assert_int_equal(of.blocks[KVEVENTS_DEVICE], 4);
        assert_int_equal(of.blocks[KVEVENTS_HOST], 2);
        assert_int_equal(of.names, 4);
        assert_int_equal(of.copies, 6);
        const uint64_t gone[] = {4, 3, 99};
        kvtest_assert_ok(kvevents_publisher_removed(f.publisher, KVEVENTS_DEVICE, gone, 3));
        flush_and_take();
        assert_int_equal(kvevents_source_state_of(f.source).blocks[KVEVENTS_DEVICE], 2);
        kvtest_assert_ok(kvevents_publisher_cleared(f.publisher));
        flush_and_take();
        assert_int_equal(kvevents_source_state_of(f.source).hashes, 0);
        assert_int_equal(kvevents_source_count(f.source).orphans, 0);
        assert_int_equal(kvevents_publisher_count(f.publisher).blocks, 0);
        tear_down(NULL);
    }
    start((kvevents_publisher_config){0});
}

static void a_resync_tells_everything_parents_first(void **state) {
    (void)state;
    start((kvevents_publisher_config){0});
    store(0, 8, KVEVENTS_DEVICE);
    const uint64_t gone[] = {1};
    kvtest_assert_ok(kvevents_publisher_removed(f.publisher, KVEVENTS_DEVICE, gone, 1));
    store(0, 1, KVEVENTS_DEVICE); /* now its place is behind that of its child */
    kvevents_block unknown = {.hash = 77};
    kvtest_assert_ok(kvevents_publisher_stored(f.publisher, KVEVENTS_DISK, &unknown, 1));
    connect_it();
    kvevents_source_state of = kvevents_source_state_of(f.source);
    assert_int_equal(of.blocks[KVEVENTS_DEVICE], 8);
    assert_int_equal(of.blocks[KVEVENTS_DISK], 1);
    assert_int_equal(of.names, 8);
    assert_int_equal(kvevents_source_count(f.source).orphans, 0);
    assert_true(kvevents_publisher_count(f.publisher).placeholders > 0);
}

static void a_full_queue_is_healed_by_the_present_state(void **state) {
    (void)state;
    start((kvevents_publisher_config){.queue_bytes = 300});
    connect_it();
    store(0, 16, KVEVENTS_DEVICE); /* more than the queue takes */
    kvtest_assert_ok(kvevents_publisher_flush(f.publisher));
    assert_int_equal(kvevents_publisher_count(f.publisher).dropped, 1);
    uint64_t gone[16];
    for (uint64_t i = 0; i < 16; i++) gone[i] = i + 1;
    kvtest_assert_ok(kvevents_publisher_removed(f.publisher, KVEVENTS_DEVICE, gone + 2, 14));
    flush_and_take();
    assert_int_equal(kvevents_source_state_of(f.source).blocks[KVEVENTS_DEVICE], 2);
    assert_int_equal(kvevents_source_count(f.source).orphans, 0);
    assert_false(kvevents_source_state_of(f.source).stale);
}

static void an_old_start_is_answered_with_what_is_kept(void **state) {
    (void)state;
    start((kvevents_publisher_config){.buffer_batches = 3, .replay_without_topic = true});
    for (size_t i = 0; i < 8; i++) {
        store(i, 1, KVEVENTS_DEVICE);
        kvtest_assert_ok(kvevents_publisher_flush(f.publisher));
    }
    const int brief = 20;
    zmq_setsockopt(f.sub, ZMQ_RCVTIMEO, &brief, sizeof brief);
    for (size_t i = 8; i < 200 && !take(); i++) {
        kvevents_block block = {.hash = i + 1, .tokens = f.tokens};
        kvtest_assert_ok(kvevents_publisher_stored(f.publisher, KVEVENTS_DEVICE, &block, 1));
        kvtest_assert_ok(kvevents_publisher_flush(f.publisher));
    }
    kvevents_source_counts counts = kvevents_source_count(f.source);
    assert_true(counts.replayed >= 2 && counts.replayed <= 3);
    assert_true(counts.lost > 0);
    assert_true(kvevents_source_state_of(f.source).stale);
}

static void monotonic_numbers_make_a_restart_a_gap(void **state) {
    (void)state;
    start((kvevents_publisher_config){.monotonic = true});
    assert_true(kvevents_publisher_count(f.publisher).next_number > UINT64_C(1) << 50);
}

static void what_cannot_be_bound_is_said(void **state) {
    (void)state;
    start((kvevents_publisher_config){0});
    kvevents_publisher_config config = KVEVENTS_PUBLISHER_CONFIG_INIT;
    kvevents_publisher *second = NULL;
    kvcore_error error;
    kvtest_assert_status(kvevents_publisher_create(&config, &second, &error), KVCORE_ECONFIG);
    config.endpoint = kvevents_publisher_endpoint(f.publisher);
    kvtest_assert_status(kvevents_publisher_create(&config, &second, &error), KVCORE_ECONFIG);
    config.block_tokens = B;
    kvtest_assert_status(kvevents_publisher_create(&config, &second, &error), KVCORE_EIO);
    assert_non_null(strstr(error.text, "in use"));
    assert_null(second);
}

static void endpoints_of_ranks(void **state) {
    (void)state;
    char text[64];
    kvtest_assert_ok(kvevents_endpoint_of_rank("tcp://*:5557", 3, text, sizeof text));
    assert_string_equal(text, "tcp://*:5560");
    kvtest_assert_ok(kvevents_endpoint_of_rank("tcp://[::1]:0", 3, text, sizeof text));
    assert_string_equal(text, "tcp://[::1]:0");
    kvtest_assert_ok(kvevents_endpoint_of_rank("inproc://x", 2, text, sizeof text));
    assert_string_equal(text, "inproc://x_dp2");
    kvtest_assert_status(kvevents_endpoint_of_rank("tcp://host", 0, text, sizeof text), KVCORE_EFORMAT);
    kvtest_assert_status(kvevents_endpoint_of_rank("tcp://h:65535", 1, text, sizeof text), KVCORE_EOVERFLOW);
    kvtest_assert_status(kvevents_endpoint_of_rank("inproc://x", 2, text, 5), KVCORE_EBUFFER);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(what_is_stored_and_removed_arrives, tear_down),
        cmocka_unit_test_teardown(a_resync_tells_everything_parents_first, tear_down),
        cmocka_unit_test_teardown(a_full_queue_is_healed_by_the_present_state, tear_down),
        cmocka_unit_test_teardown(an_old_start_is_answered_with_what_is_kept, tear_down),
        cmocka_unit_test_teardown(monotonic_numbers_make_a_restart_a_gap, tear_down),
        cmocka_unit_test_teardown(what_cannot_be_bound_is_said, tear_down),
        cmocka_unit_test(endpoints_of_ranks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
