/* Which events share a batch, in which order, and when is a batch published? */
#include "support.h"

#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <kvlogical/events.h>

#define MOST 64

typedef struct outlet {
    size_t batches;
    size_t counts[MOST];
    kvhash_event events[MOST][MOST];
} outlet;

static void publish(void *ctx, const kvlogical_event_batch *batch) {
    outlet *out = ctx;
    assert_true(out->batches < MOST && batch->count <= MOST);
    memcpy(out->events[out->batches], batch->events, batch->count * sizeof *batch->events);
    out->counts[out->batches++] = batch->count;
}

static outlet out;

/* Window 10 in a clock that the test moves. */
static kvlogical_publisher *start(kvlogical_registry *registry, size_t max_events) {
    kvlogical_publisher_config config = KVLOGICAL_PUBLISHER_CONFIG_INIT;
    kvlogical_publisher *publisher = NULL;
    memset(&out, 0, sizeof out);
    config.publish = publish;
    config.ctx = &out;
    config.window_ns = 10;
    config.max_events = max_events;
    kvtest_assert_ok(kvlogical_publisher_create(registry, &config, &publisher, NULL));
    kvtest_assert_ok(kvlogical_publisher_poll(publisher, 1000));
    return publisher;
}

static void expect_batch(size_t batch, uint32_t kind, const kvhash_plh *names, size_t count) {
    assert_true(batch < out.batches);
    assert_int_equal(out.counts[batch], count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(out.events[batch][i].kind, kind);
        assert_int_equal(out.events[batch][i].holder.reserved, 0);
        assert_same_name(out.events[batch][i].name, names[i]);
    }
}

static void creates_ascend_and_removes_descend(void **state) {
    (void)state;
    kvlogical_registry *registry = make_registry(0);
    kvlogical_publisher *publisher = start(registry, 0);
    kvhash_plh chain[5];
    kvlogical_handle handles[5];
    name_chain(1, chain, 5);
    kvhash_plh mixed[5] = {chain[3], chain[1], chain[4], chain[0], chain[2]};
    kvtest_assert_ok(kvlogical_registry_register(registry, mixed, 5, handles));
    kvtest_assert_ok(kvlogical_publisher_poll(publisher, 1009));
    assert_int_equal(out.batches, 0); /* the window is open */
    kvtest_assert_ok(kvlogical_publisher_poll(publisher, 1010));
    assert_int_equal(out.batches, 1);
    expect_batch(0, KVHASH_EVENT_CREATE, chain, 5);
    kvtest_assert_ok(kvlogical_handle_release(registry, handles, 5));
    kvtest_assert_ok(kvlogical_publisher_poll(publisher, 1020));
    kvhash_plh reversed[5] = {chain[4], chain[3], chain[2], chain[1], chain[0]};
    assert_int_equal(out.batches, 2);
    expect_batch(1, KVHASH_EVENT_REMOVE, reversed, 5);
    kvlogical_publisher_destroy(publisher);
    assert_int_equal(out.batches, 2);
    kvtest_assert_ok(kvlogical_registry_destroy(registry));
}

static void equal_positions_keep_the_order_of_arrival(void **state) {
    (void)state;
    kvlogical_registry *registry = make_registry(0);
    kvlogical_publisher *publisher = start(registry, 0);
    kvhash_plh names[20];
    kvlogical_handle handles[20];
    name_roots(1, names, 20); /* all at position 0 */
    kvtest_assert_ok(kvlogical_registry_register(registry, names, 20, handles));
    kvtest_assert_ok(kvlogical_handle_release(registry, handles, 20));
    kvlogical_publisher_destroy(publisher); /* publishes what is pending */
    assert_int_equal(out.batches, 2);
    expect_batch(0, KVHASH_EVENT_CREATE, names, 20);
    expect_batch(1, KVHASH_EVENT_REMOVE, names, 20);
    kvtest_assert_ok(kvlogical_registry_destroy(registry));
}

static void another_kind_ends_a_batch(void **state) {
    (void)state;
    kvlogical_registry *registry = make_registry(0);
    kvlogical_publisher *publisher = start(registry, 0);
    kvhash_plh names[3];
    kvlogical_handle handles[3];
    name_chain(1, names, 3);
    kvtest_assert_ok(kvlogical_registry_register(registry, names, 2, handles));
    kvtest_assert_ok(kvlogical_handle_release(registry, handles, 1));
    kvtest_assert_ok(kvlogical_registry_register(registry, &names[2], 1, &handles[2]));
    kvtest_assert_ok(kvlogical_publisher_poll(publisher, 1001));
    assert_int_equal(out.batches, 2); /* the third may still grow */
    expect_batch(0, KVHASH_EVENT_CREATE, names, 2);
    expect_batch(1, KVHASH_EVENT_REMOVE, names, 1);
    kvtest_assert_ok(kvlogical_publisher_poll(publisher, 1010));
    assert_int_equal(out.batches, 2); /* its window began with the last flush, at 1001 */
    kvtest_assert_ok(kvlogical_publisher_poll(publisher, 1011));
    expect_batch(2, KVHASH_EVENT_CREATE, &names[2], 1);
    kvtest_assert_ok(kvlogical_handle_release(registry, handles, 3));
    kvlogical_publisher_destroy(publisher);
    kvtest_assert_ok(kvlogical_registry_destroy(registry));
}

static void a_full_batch_goes_at_once(void **state) {
    (void)state;
    kvlogical_registry *registry = make_registry(0);
    kvlogical_publisher *publisher = start(registry, 3);
    kvhash_plh names[5];
    kvlogical_handle handles[5];
    name_chain(1, names, 5);
    kvtest_assert_ok(kvlogical_registry_register(registry, names, 5, handles));
    kvtest_assert_ok(kvlogical_publisher_poll(publisher, 1001));
    assert_int_equal(out.batches, 1);
    expect_batch(0, KVHASH_EVENT_CREATE, names, 3);
    kvtest_assert_ok(kvlogical_publisher_poll(publisher, 1011));
    expect_batch(1, KVHASH_EVENT_CREATE, names + 3, 2);
    kvtest_assert_ok(kvlogical_handle_release(registry, handles, 5));
    kvlogical_publisher_destroy(publisher);
    kvtest_assert_ok(kvlogical_registry_destroy(registry));
}

static void a_window_without_end_waits_for_the_end(void **state) {
    (void)state;
    kvlogical_registry *registry = make_registry(0);
    kvlogical_publisher_config config = KVLOGICAL_PUBLISHER_CONFIG_INIT;
    kvlogical_publisher *publisher = NULL;
    kvhash_plh name = kvhash_plh_root(1);
    kvlogical_handle handle;
    memset(&out, 0, sizeof out);
    config.publish = publish;
    config.ctx = &out;
    config.window_ns = UINT64_MAX;
    kvtest_assert_ok(kvlogical_publisher_create(registry, &config, &publisher, NULL));
    kvtest_assert_ok(kvlogical_publisher_poll(publisher, 1000));
    kvtest_assert_ok(kvlogical_registry_register(registry, &name, 1, &handle));
    kvtest_assert_ok(kvlogical_publisher_poll(publisher, 2000));
    assert_int_equal(out.batches, 0);
    kvlogical_publisher_destroy(publisher);
    assert_int_equal(out.batches, 1);
    kvtest_assert_ok(kvlogical_handle_release(registry, &handle, 1));
    kvtest_assert_ok(kvlogical_registry_destroy(registry));
}

static void gaps_stand_alone_and_a_resync_heals_them(void **state) {
    (void)state;
    kvlogical_registry_config config = KVLOGICAL_REGISTRY_CONFIG_INIT;
    kvlogical_registry *registry = NULL;
    config.event_capacity = 2;
    kvtest_assert_ok(kvlogical_registry_create(&config, &registry, NULL));
    kvlogical_publisher *publisher = start(registry, 0);
    kvhash_plh names[5];
    kvlogical_handle handles[5];
    name_chain(1, names, 5);
    kvtest_assert_ok(kvlogical_registry_register(registry, names, 5, handles));
    kvtest_assert_ok(kvlogical_publisher_poll(publisher, 1001));
    assert_int_equal(out.batches, 1);
    assert_int_equal(out.counts[0], 1);
    assert_int_equal(out.events[0][0].kind, KVHASH_EVENT_GAP);
    assert_int_equal(out.events[0][0].lost, 3);
    kvtest_assert_ok(kvlogical_publisher_resync(publisher));
    kvtest_assert_ok(kvlogical_publisher_poll(publisher, 1020));
    kvtest_assert_ok(kvlogical_publisher_poll(publisher, 1030));
    assert_int_equal(out.batches, 4);
    expect_batch(1, KVHASH_EVENT_CREATE, names + 3, 2);
    assert_int_equal(out.events[2][0].kind, KVHASH_EVENT_CLEAR);
    expect_batch(3, KVHASH_EVENT_PRESENT, names, 5);
    kvtest_assert_ok(kvlogical_handle_release(registry, handles, 5));
    kvlogical_publisher_destroy(publisher);
    kvtest_assert_ok(kvlogical_registry_destroy(registry));
}

static void what_cannot_work_is_refused(void **state) {
    (void)state;
    kvlogical_registry *registry = make_registry(0);
    kvlogical_publisher_config config = KVLOGICAL_PUBLISHER_CONFIG_INIT;
    kvlogical_publisher *publisher = NULL;
    kvcore_error error;
    kvtest_assert_status(kvlogical_publisher_create(registry, &config, &publisher, &error), KVCORE_ECONFIG);
    assert_non_null(strstr(error.text, "publish"));
    config.publish = publish;
    kvtest_assert_status(kvlogical_publisher_create(NULL, &config, &publisher, &error), KVCORE_EINVAL);
    kvtest_assert_status(kvlogical_publisher_create(registry, NULL, &publisher, &error), KVCORE_EINVAL);
    assert_null(publisher);
    kvtest_assert_status(kvlogical_publisher_poll(NULL, 0), KVCORE_EINVAL);
    kvtest_assert_status(kvlogical_publisher_resync(NULL), KVCORE_EINVAL);
    kvlogical_publisher_destroy(NULL);
    kvtest_assert_ok(kvlogical_registry_destroy(registry));
}

/* ---- with a thread ---- */

typedef struct counter {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    size_t there, gone;
} counter;

static void count_events(void *ctx, const kvlogical_event_batch *batch) {
    counter *c = ctx;
    pthread_mutex_lock(&c->mutex);
    for (size_t i = 0; i < batch->count; i++) {
        c->there += batch->events[i].kind == KVHASH_EVENT_CREATE;
        c->gone += batch->events[i].kind == KVHASH_EVENT_REMOVE;
    }
    pthread_cond_signal(&c->changed);
    pthread_mutex_unlock(&c->mutex);
}

static void a_thread_publishes_by_itself_and_the_end_publishes_the_rest(void **state) {
    (void)state;
    kvlogical_registry *registry = make_registry(0);
    kvlogical_publisher_config config = KVLOGICAL_PUBLISHER_CONFIG_INIT;
    kvlogical_publisher *publisher = NULL;
    counter c = {.mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    config.publish = count_events;
    config.ctx = &c;
    config.window_ns = 1000000;
    config.thread = true;
    kvtest_assert_ok(kvlogical_publisher_create(registry, &config, &publisher, NULL));
    kvtest_assert_status(kvlogical_publisher_poll(publisher, 0), KVLOGICAL_ESTATE);
    kvhash_plh names[100];
    kvlogical_handle handles[100];
    name_chain(1, names, 100);
    kvtest_assert_ok(kvlogical_registry_register(registry, names, 100, handles));
    pthread_mutex_lock(&c.mutex);
    while (c.there < 100) pthread_cond_wait(&c.changed, &c.mutex);
    pthread_mutex_unlock(&c.mutex);
    kvtest_assert_ok(kvlogical_handle_release(registry, handles, 100));
    kvlogical_publisher_destroy(publisher);
    assert_int_equal(c.there, 100);
    assert_int_equal(c.gone, 100);
    kvtest_assert_ok(kvlogical_registry_destroy(registry));
}

static void a_publisher_with_a_long_window_ends_at_once(void **state) {
    (void)state;
    kvlogical_registry *registry = make_registry(0);
    kvlogical_publisher_config config = KVLOGICAL_PUBLISHER_CONFIG_INIT;
    kvlogical_publisher *publisher = NULL;
    counter c = {.mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    config.publish = count_events;
    config.ctx = &c;
    config.window_ns = UINT64_C(3600000000000); /* an hour: the test's own timeout would notice */
    config.thread = true;
    kvtest_assert_ok(kvlogical_publisher_create(registry, &config, &publisher, NULL));
    kvhash_plh name = kvhash_plh_root(1);
    kvlogical_handle handle;
    kvtest_assert_ok(kvlogical_registry_register(registry, &name, 1, &handle));
    kvlogical_publisher_destroy(publisher);
    assert_int_equal(c.there, 1);
    kvtest_assert_ok(kvlogical_handle_release(registry, &handle, 1));
    kvtest_assert_ok(kvlogical_registry_destroy(registry));
}

/* ---- names that come and go faster than they are published ---- */

#define HOPELESS 100000

/* Each event that is published makes two more. */
typedef struct spring {
    kvlogical_registry *registry;
    size_t published;
} spring;

static void publish_and_feed(void *ctx, const kvlogical_event_batch *batch) {
    spring *s = ctx;
    s->published += batch->count;
    if (s->published > HOPELESS) return;
    for (size_t i = 0; i < batch->count; i++) {
        kvhash_plh name = kvhash_plh_root(s->published + i);
        kvlogical_handle handle;
        kvtest_assert_ok(kvlogical_registry_register(s->registry, &name, 1, &handle));
        kvtest_assert_ok(kvlogical_handle_release(s->registry, &handle, 1));
    }
}

static kvlogical_publisher *start_feeding(spring *s, bool thread, uint64_t window_ns) {
    kvlogical_publisher_config config = KVLOGICAL_PUBLISHER_CONFIG_INIT;
    kvlogical_publisher *publisher = NULL;
    *s = (spring){.registry = make_registry(0)};
    config.publish = publish_and_feed;
    config.ctx = s;
    config.max_events = 1;
    config.window_ns = window_ns;
    config.thread = thread;
    kvtest_assert_ok(kvlogical_publisher_create(s->registry, &config, &publisher, NULL));
    kvhash_plh name = kvhash_plh_root(0);
    kvlogical_handle handle;
    kvtest_assert_ok(kvlogical_registry_register(s->registry, &name, 1, &handle));
    kvtest_assert_ok(kvlogical_handle_release(s->registry, &handle, 1));
    return publisher;
}

static void a_poll_ends_with_what_had_happened_when_it_began(void **state) {
    (void)state;
    spring s;
    kvlogical_publisher *publisher = start_feeding(&s, false, 10);
    kvtest_assert_ok(kvlogical_publisher_poll(publisher, 1000));
    assert_int_equal(s.published, 2);
    kvtest_assert_ok(kvlogical_publisher_poll(publisher, 2000));
    assert_int_equal(s.published, 6);
    kvtest_assert_ok(kvlogical_publisher_resync(publisher));
    kvtest_assert_ok(kvlogical_publisher_poll(publisher, 3000));
    assert_in_range(s.published, 7, 20);
    size_t before = s.published;
    kvlogical_publisher_destroy(publisher);
    assert_in_range(s.published, before, before + 100);
    kvtest_assert_ok(kvlogical_registry_destroy(s.registry));
}

static void a_thread_ends_although_names_keep_coming(void **state) {
    (void)state;
    spring s;
    kvlogical_publisher *publisher = start_feeding(&s, true, UINT64_C(3600000000000));
    kvlogical_publisher_destroy(publisher);
    assert_in_range(s.published, 2, 100);
    kvtest_assert_ok(kvlogical_registry_destroy(s.registry));
}

typedef struct masked {
    counter counter;
    bool usr1, interrupt;
} masked;

static void note_signals(void *ctx, const kvlogical_event_batch *batch) {
    masked *noted = ctx;
    sigset_t mask;
    pthread_sigmask(SIG_BLOCK, NULL, &mask);
    noted->usr1 = sigismember(&mask, SIGUSR1) == 1;
    noted->interrupt = sigismember(&mask, SIGINT) == 1;
    count_events(&noted->counter, batch);
}

static void the_thread_takes_none_of_the_programs_signals(void **state) {
    (void)state;
    kvlogical_registry *registry = make_registry(0);
    kvlogical_publisher_config config = KVLOGICAL_PUBLISHER_CONFIG_INIT;
    kvlogical_publisher *publisher = NULL;
    masked noted = {.counter = {.mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER}};
    config.publish = note_signals;
    config.ctx = &noted;
    config.window_ns = 1000000;
    config.thread = true;
    kvtest_assert_ok(kvlogical_publisher_create(registry, &config, &publisher, NULL));
    sigset_t own;
    pthread_sigmask(SIG_BLOCK, NULL, &own);
    assert_int_equal(sigismember(&own, SIGUSR1), 0);
    kvhash_plh name = kvhash_plh_root(1);
    kvlogical_handle handle;
    kvtest_assert_ok(kvlogical_registry_register(registry, &name, 1, &handle));
    pthread_mutex_lock(&noted.counter.mutex);
    while (noted.counter.there < 1) pthread_cond_wait(&noted.counter.changed, &noted.counter.mutex);
    assert_true(noted.usr1 && noted.interrupt); /* in the thread: nobody else publishes yet */
    pthread_mutex_unlock(&noted.counter.mutex);
    kvtest_assert_ok(kvlogical_handle_release(registry, &handle, 1));
    kvlogical_publisher_destroy(publisher);
    kvtest_assert_ok(kvlogical_registry_destroy(registry));
}

/* ---- forks ---- */

/* Holds the thread that publishes, where it has no lock. */
typedef struct gate {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool inside, open;
} gate;

static void publish_at_gate(void *ctx, const kvlogical_event_batch *batch) {
    gate *g = ctx;
    (void)batch;
    pthread_mutex_lock(&g->mutex);
    g->inside = true;
    pthread_cond_signal(&g->changed);
    while (!g->open) pthread_cond_wait(&g->changed, &g->mutex);
    pthread_mutex_unlock(&g->mutex);
}

static void move_gate(gate *g, bool open) {
    pthread_mutex_lock(&g->mutex);
    g->open = open;
    pthread_cond_signal(&g->changed);
    while (!open && !g->inside) pthread_cond_wait(&g->changed, &g->mutex);
    pthread_mutex_unlock(&g->mutex);
}

static void in_fork(kvlogical_publisher *publisher, kvlogical_registry *registry, kvlogical_handle *handle) {
    alarm(20); /* instead of waiting for a thread that is not here */
    kvlogical_publisher_destroy(publisher);
    if (kvlogical_handle_release(registry, handle, 1) != KVCORE_OK) _exit(2);
    _exit(kvlogical_registry_destroy(registry) == KVCORE_OK ? 0 : 3);
}

static void a_fork_gives_a_publisher_back_without_its_thread(void **state) {
    (void)state;
    gate g = {.mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    kvlogical_registry *registry = make_registry(0);
    kvlogical_publisher_config config = KVLOGICAL_PUBLISHER_CONFIG_INIT;
    kvlogical_publisher *publisher = NULL;
    kvhash_plh name = kvhash_plh_root(1);
    kvlogical_handle handle;
    config.publish = publish_at_gate;
    config.ctx = &g;
    config.max_events = 1;
    config.window_ns = 1000000;
    config.thread = true;
    kvtest_assert_ok(kvlogical_publisher_create(registry, &config, &publisher, NULL));
    kvtest_assert_ok(kvlogical_registry_register(registry, &name, 1, &handle));
    move_gate(&g, false);
    pid_t child = fork();
    if (child == 0) in_fork(publisher, registry, &handle);
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    move_gate(&g, true);
    kvlogical_publisher_destroy(publisher);
    kvtest_assert_ok(kvlogical_handle_release(registry, &handle, 1));
    kvtest_assert_ok(kvlogical_registry_destroy(registry));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(creates_ascend_and_removes_descend),
        cmocka_unit_test(equal_positions_keep_the_order_of_arrival),
        cmocka_unit_test(another_kind_ends_a_batch),
        cmocka_unit_test(a_full_batch_goes_at_once),
        cmocka_unit_test(a_window_without_end_waits_for_the_end),
        cmocka_unit_test(gaps_stand_alone_and_a_resync_heals_them),
        cmocka_unit_test(what_cannot_work_is_refused),
        cmocka_unit_test(a_thread_publishes_by_itself_and_the_end_publishes_the_rest),
        cmocka_unit_test(a_publisher_with_a_long_window_ends_at_once),
        cmocka_unit_test(a_poll_ends_with_what_had_happened_when_it_began),
        cmocka_unit_test(a_thread_ends_although_names_keep_coming),
        cmocka_unit_test(the_thread_takes_none_of_the_programs_signals),
        cmocka_unit_test(a_fork_gives_a_publisher_back_without_its_thread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
