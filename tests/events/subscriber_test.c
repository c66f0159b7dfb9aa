/* Publishers and a subscriber of one process, over the sockets of the machine: what was lost, a restart, replays. */
#include "kvtest.h"

#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

#include <kvevents/publisher.h>
#include <kvevents/subscriber.h>

#define B 4
#define BLOCKS 64

typedef struct fixture {
    kvevents_subscriber *subscriber;
    kvevents_publisher *publisher;
    char events[64], replays[64];
    uint64_t id;
    atomic_int names[KVEVENTS_TIERS];
} fixture;

static void count_names(void *ctx, const kvevents_change *change) {
    fixture *f = ctx;
    if (change->kind == KVEVENTS_CLEARED) {
        for (size_t i = 0; i < KVEVENTS_TIERS; i++) atomic_store(&f->names[i], 0);
        return;
    }
    int count = (int)change->count;
    atomic_fetch_add(&f->names[change->tier], change->kind == KVEVENTS_STORED ? count : -count);
}

static void publish(fixture *f) {
    kvevents_publisher_config config = KVEVENTS_PUBLISHER_CONFIG_INIT;
    config.endpoint = f->events;
    config.replay_endpoint = f->replays;
    config.block_tokens = B;
    kvcore_error error = {0};
    if (kvevents_publisher_create(&config, &f->publisher, &error) != KVCORE_OK) fail_msg("%s", error.text);
}

static void start(fixture *f, bool thread, bool replay) {
    static int count;
    memset(f, 0, sizeof *f);
    snprintf(f->events, sizeof f->events, "ipc://@kvevents-%ld-%d", (long)getpid(), ++count);
    snprintf(f->replays, sizeof f->replays, "ipc://@kvevents-%ld-%d-replay", (long)getpid(), count);
    kvevents_subscriber_config config = KVEVENTS_SUBSCRIBER_CONFIG_INIT;
    config.thread = thread;
    config.reply_timeout_ns = 500000000;
    kvtest_assert_ok(kvevents_subscriber_create(&config, &f->subscriber, NULL));
    kvevents_source_config source = KVEVENTS_SOURCE_CONFIG_INIT;
    source.block_tokens = B;
    source.change = count_names;
    source.ctx = f;
    const kvevents_address address = {.endpoint = f->events, .replay_endpoint = replay ? f->replays : NULL};
    kvtest_assert_ok(kvevents_subscriber_add(f->subscriber, &address, &source, &f->id, NULL));
    publish(f);
}

static void end(fixture *f) {
    kvevents_publisher_destroy(f->publisher);
    kvevents_subscriber_destroy(f->subscriber);
}

static void store(fixture *f, size_t first, size_t count) {
    uint32_t tokens[BLOCKS * B];
    kvevents_block blocks[BLOCKS];
    for (uint32_t i = 0; i < BLOCKS * B; i++) tokens[i] = i;
    for (size_t i = first; i < first + count; i++)
        blocks[i] = (kvevents_block){.hash = i + 1, .parent = i, .has_parent = i > 0, .tokens = tokens + i * B};
    kvtest_assert_ok(kvevents_publisher_stored(f->publisher, KVEVENTS_DEVICE, blocks + first, count));
    kvtest_assert_ok(kvevents_publisher_flush(f->publisher));
}

static kvevents_source_state look(fixture *f, kvevents_source_counts *counts) {
    kvevents_source_state state;
    kvtest_assert_ok(kvevents_subscriber_look(f->subscriber, f->id, counts, &state));
    return state;
}

/* Until the source holds so many blocks and expects the number that comes next; half a minute at most. */
static bool settles(fixture *f, bool thread, size_t blocks) {
    for (size_t i = 0; i < 3000; i++) {
        if (!thread) kvtest_assert_ok(kvevents_subscriber_poll(f->subscriber, 10, NULL));
        kvevents_source_state state = look(f, NULL);
        if (state.hashes == blocks && state.next == kvevents_publisher_count(f->publisher).next_number) return true;
        if (thread) nanosleep(&(struct timespec){0, 10000000}, NULL);
        /* who has come late hears the next message */
        if (state.next == 0 && i % 10 == 9) kvtest_assert_ok(kvevents_publisher_resync(f->publisher));
    }
    return false;
}

static void run(bool thread) {
    fixture f;
    start(&f, thread, true);
    store(&f, 0, 10);
    assert_true(settles(&f, thread, 10));
    assert_int_equal(atomic_load(&f.names[KVEVENTS_DEVICE]), 10);
    const uint64_t gone[] = {10, 9};
    kvtest_assert_ok(kvevents_publisher_removed(f.publisher, KVEVENTS_DEVICE, gone, 2));
    kvtest_assert_ok(kvevents_publisher_flush(f.publisher));
    assert_true(settles(&f, thread, 8));
    /* a long life, so that the numbers of the next one are smaller when it is heard; it holds something else */
    for (size_t i = 0; i < 2000; i++) kvtest_assert_ok(kvevents_publisher_resync(f.publisher));
    assert_true(settles(&f, thread, 8));
    kvevents_publisher_destroy(f.publisher);
    nanosleep(&(struct timespec){0, 50000000}, NULL);
    publish(&f);
    for (size_t i = 0; i < 3000; i++) { /* until the subscriber has found it again */
        kvtest_assert_ok(kvevents_publisher_resync(f.publisher));
        if (!thread) kvtest_assert_ok(kvevents_subscriber_poll(f.subscriber, 10, NULL));
        kvevents_source_counts counts;
        look(&f, &counts);
        if (counts.restarts > 0) break;
        if (thread) nanosleep(&(struct timespec){0, 10000000}, NULL);
    }
    store(&f, 0, 3);
    assert_true(settles(&f, thread, 3));
    kvevents_source_counts counts;
    kvevents_source_state state = look(&f, &counts);
    assert_false(state.stale);
    assert_int_equal(counts.restarts, 1);
    assert_int_equal(counts.lost, 0);
    assert_int_equal(counts.refused, 0);
    assert_int_equal(atomic_load(&f.names[KVEVENTS_DEVICE]), 3);
    end(&f);
}

static void a_polled_subscriber_follows_a_publisher_through_its_lives(void **state) {
    (void)state;
    run(false);
}

static void a_subscriber_with_a_thread_does_the_same(void **state) {
    (void)state;
    run(true);
}

static void without_replay_what_was_missed_is_lost_until_it_is_told_anew(void **state) {
    (void)state;
    fixture f;
    start(&f, false, false);
    store(&f, 0, 5);
    nanosleep(&(struct timespec){0, 20000000}, NULL); /* sent to nobody, most likely; either way the end is the same */
    assert_true(settles(&f, false, 5));
    assert_false(look(&f, NULL).stale);
    end(&f);
}

static void sources_come_and_go_and_have_limits(void **state) {
    (void)state;
    kvevents_subscriber_config config = KVEVENTS_SUBSCRIBER_CONFIG_INIT;
    config.sources = 2;
    config.thread = true;
    kvevents_subscriber *subscriber = NULL;
    kvtest_assert_ok(kvevents_subscriber_create(&config, &subscriber, NULL));
    kvevents_source_config source = KVEVENTS_SOURCE_CONFIG_INIT;
    kvevents_address address = {.endpoint = "tcp://127.0.0.1:9"};
    uint64_t first, second, third;
    kvcore_error error;
    kvtest_assert_ok(kvevents_subscriber_add(subscriber, &address, &source, &first, NULL));
    kvtest_assert_ok(kvevents_subscriber_add(subscriber, &address, &source, &second, NULL));
    kvtest_assert_status(kvevents_subscriber_add(subscriber, &address, &source, &third, &error), KVCORE_ENOSPACE);
    kvtest_assert_ok(kvevents_subscriber_remove(subscriber, first));
    kvtest_assert_status(kvevents_subscriber_remove(subscriber, first), KVCORE_ENOTFOUND);
    address.endpoint = "nonsense";
    kvtest_assert_status(kvevents_subscriber_add(subscriber, &address, &source, &third, &error), KVCORE_EIO);
    address.endpoint = "tcp://127.0.0.1:10";
    kvtest_assert_ok(kvevents_subscriber_add(subscriber, &address, &source, &third, NULL));
    assert_true(third > second);
    kvtest_assert_status(kvevents_subscriber_poll(subscriber, 0, NULL), KVCORE_EBUSY);
    kvevents_subscriber_destroy(subscriber);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_polled_subscriber_follows_a_publisher_through_its_lives),
        cmocka_unit_test(a_subscriber_with_a_thread_does_the_same),
        cmocka_unit_test(without_replay_what_was_missed_is_lost_until_it_is_told_anew),
        cmocka_unit_test(sources_come_and_go_and_have_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
