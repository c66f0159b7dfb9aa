/* Two managers, one registry, several threads, and listeners in between: is everything sound in the end, and does each
 * listener know the truth? */
#include "support.h"

#include <pthread.h>
#include <stdatomic.h>

#include <kvlogical/events.h>
#include <kvlogical/inspect.h>

#define WORKERS 4
#define NAMES 96
#define STEPS 3000

typedef struct world {
    kvlogical_registry *registry;
    kvlogical_manager *pools[2];
    kvhash_plh names[NAMES];
    atomic_bool done;
    atomic_int destroyed, attached;
} world;

typedef struct worker {
    world *world;
    kvtest_random random;
    kvcore_status failure; /* what came that should not; the main thread asserts */
    int step;
} worker;

static bool expected(worker *w, kvcore_status status) {
    if (status == KVCORE_OK || status == KVCORE_ENOSPACE) return status == KVCORE_OK;
    if (w->failure == KVCORE_OK) w->failure = status;
    return false;
}

/* Match what is there, register the rest. */
static void use(worker *w, kvlogical_manager *pool) {
    const kvhash_plh *names = w->world->names + kvtest_below(&w->random, NAMES - 8);
    size_t count = 1 + kvtest_below(&w->random, 8), hits = 0;
    kvlogical_mutable blocks[8];
    kvlogical_complete staged[8];
    kvlogical_immutable held[8];
    kvlogical_weak weak;
    if (!expected(w, kvlogical_match_prefix(pool, names, count, held, &hits))) return;
    if (expected(w, kvlogical_allocate(pool, count - hits, blocks, NULL)) &&
        expected(w, kvlogical_stage(pool, blocks, names + hits, count - hits, staged)) &&
        expected(w, kvlogical_register(pool, staged, count - hits, held + hits)))
        hits = count;
    kvcore_status status = hits > 0 ? kvlogical_downgrade(pool, held, 1, &weak) : KVCORE_ENOSPACE;
    if (status != KVLOGICAL_ESTATE /* withdrawn meanwhile */ && expected(w, status)) {
        kvlogical_immutable upgraded;
        expected(w, kvlogical_release(pool, held, 1));
        if (expected(w, kvlogical_upgrade(pool, &weak, &upgraded))) expected(w, kvlogical_release(pool, &upgraded, 1));
        expected(w, kvlogical_release_weak(pool, &weak, 1));
    }
    expected(w, kvlogical_release(pool, held, hits));
}

static void destroy_value(void *value) { atomic_fetch_add((atomic_int *)value, 1); }
static void ignore_touch(void *ctx, kvhash_plh name) { (void)ctx, (void)name; }

static void hold_handle(worker *w) {
    world *all = w->world;
    kvlogical_handle handles[4];
    const kvhash_plh *names = all->names + kvtest_below(&w->random, NAMES - 4);
    void *value = &all->destroyed, *values[4];
    size_t count;
    if (!expected(w, kvlogical_registry_register(all->registry, names, 4, handles))) return;
    if (expected(w, kvlogical_handle_attach(all->registry, &handles[0], 1, value, destroy_value, NULL)))
        atomic_fetch_add(&all->attached, 1);
    if (expected(w, kvlogical_handle_attach_unique(all->registry, &handles[1], 2, value, destroy_value, NULL)))
        atomic_fetch_add(&all->attached, 1);
    expected(w, kvlogical_handle_attachments(all->registry, &handles[0], 1, values, 4, &count));
    expected(w, kvlogical_handle_on_touch(all->registry, &handles[2], ignore_touch, NULL));
    expected(w, kvlogical_handle_touch(all->registry, &handles[2]));
    expected(w, kvlogical_handle_release(all->registry, handles, 4));
}

static void ask(worker *w, kvlogical_manager *pool) {
    world *all = w->world;
    kvhash_plh *name = &all->names[kvtest_below(&w->random, NAMES)];
    const uint64_t tiers[2] = {1, 2};
    bool present;
    kvlogical_explanation why;
    kvlogical_slot slots[8];
    size_t count;
    kvlogical_immutable held;
    expected(w, kvlogical_registry_presence(all->registry, name, 1, tiers, 2, &present));
    expected(w, kvlogical_explain(pool, name, 1, &why));
    expected(w, kvlogical_list_slots(pool, 0, slots, 8, &count));
    kvlogical_registry_touch(all->registry, *name);
    if (kvtest_below(&w->random, 16) == 0) expected(w, kvlogical_withdraw(pool, name, 1, NULL));
    if (kvtest_below(&w->random, 64) == 0) {
        kvcore_status status = kvlogical_reset_inactive(pool, NULL);
        if (status != KVCORE_EBUSY) expected(w, status);
    }
    if (expected(w, kvlogical_scan(pool, name, 1, true, &held, &count, &count)))
        expected(w, kvlogical_release(pool, &held, count));
}

static void *work(void *argument) {
    worker *w = argument;
    for (w->step = 0; w->step < STEPS && w->failure == KVCORE_OK; w->step++) {
        kvlogical_manager *pool = w->world->pools[kvtest_below(&w->random, 2)];
        switch (kvtest_below(&w->random, 6)) {
        case 0: hold_handle(w); break;
        case 1: ask(w, pool); break;
        default: use(w, pool);
        }
    }
    return NULL;
}

/* ---- listeners ---- */

/* What one knows, by name; and whether its numbers were complete. */
typedef struct picture {
    const kvhash_plh *names;
    bool has[NAMES];
    bool gap, incomplete;
    uint64_t next; /* 0: not known yet */
    size_t gaps, events;
} picture;

static void see(picture *p, const kvhash_event *event) {
    size_t i = 0;
    while (i < NAMES && !kvhash_plh_equal(p->names[i], event->name)) i++;
    if (event->kind == KVHASH_EVENT_GAP) {
        p->gap = true;
        p->gaps++;
    } else if (p->next != 0 && event->sequence != p->next) {
        p->incomplete = true;
    }
    bool numbered = event->kind == KVHASH_EVENT_CREATE || event->kind == KVHASH_EVENT_REMOVE;
    p->next = event->sequence + (numbered ? 1 : 0);
    if (event->kind == KVHASH_EVENT_CLEAR) memset(p->has, 0, sizeof p->has);
    if (i < NAMES && event->kind != KVHASH_EVENT_CLEAR && event->kind != KVHASH_EVENT_GAP)
        p->has[i] = event->kind != KVHASH_EVENT_REMOVE;
    p->events++;
}

static void expect_truth(const picture *p, const kvlogical_registry *registry) {
    assert_false(p->incomplete);
    for (size_t i = 0; i < NAMES; i++)
        if (p->has[i] != kvlogical_registry_is_registered(registry, p->names[i]))
            fail_msg("name %zu: the picture says %d after %zu events", i, p->has[i], p->events);
}

typedef struct reader {
    world *world;
    kvlogical_subscription *subscription;
    picture picture;
} reader;

static bool read_some(reader *r) {
    kvhash_event events[16];
    size_t count;
    if (kvlogical_subscription_poll(r->subscription, events, 16, &count) != KVCORE_OK) return false;
    for (size_t i = 0; i < count; i++) see(&r->picture, &events[i]);
    if (r->picture.gap && kvlogical_subscription_resync(r->subscription) != KVCORE_OK) return false;
    bool more = count > 0 || r->picture.gap;
    r->picture.gap = false;
    return more;
}

static void *read_events(void *argument) {
    reader *r = argument;
    while (!atomic_load(&r->world->done)) read_some(r);
    while (read_some(r)) {}
    return NULL;
}

static void publish(void *ctx, const kvlogical_event_batch *batch) {
    picture *p = ctx; /* one batch after the other, from one thread at a time; sorted, so numbers say nothing */
    for (size_t i = 0; i < batch->count; i++) {
        p->next = 0;
        see(p, &batch->events[i]);
    }
}

static void listen_in(void *ctx, const kvhash_event *event) { see(ctx, event); }

/* ---- all together ---- */

static void begin(world *all, uint32_t first_policy, uint32_t second_policy) {
    kvlogical_registry_config registry = KVLOGICAL_REGISTRY_CONFIG_INIT;
    registry.frequency_capacity = 256;
    registry.event_capacity = 64; /* readers do fall behind */
    kvtest_assert_ok(kvlogical_registry_create(&registry, &all->registry, NULL));
    kvlogical_config config = config_of(40);
    config.registry = all->registry;
    config.tier = 1;
    config.eviction = first_policy;
    all->pools[0] = make_manager(&config);
    config.tier = 2;
    config.block_count = 56;
    config.eviction = second_policy;
    config.duplicates = KVLOGICAL_DUPLICATES_REJECT;
    config.reset_on_release = second_policy == KVLOGICAL_EVICT_FIFO;
    all->pools[1] = make_manager(&config);
    for (int i = 0; i < NAMES; i += 12) name_chain((uint64_t)i, all->names + i, 12);
}

static void run(uint32_t first_policy, uint32_t second_policy, uint64_t seed) {
    static world all;
    static worker workers[WORKERS];
    static reader r;
    static picture heard, published;
    memset(&all, 0, sizeof all);
    memset(workers, 0, sizeof workers);
    begin(&all, first_policy, second_policy);
    kvtest_random random = kvtest_seed(seed);
    pthread_t threads[WORKERS], reading;
    r = (reader){.world = &all, .picture.names = all.names};
    heard = (picture){.names = all.names};
    published = (picture){.names = all.names};
    kvlogical_publisher_config config = KVLOGICAL_PUBLISHER_CONFIG_INIT;
    kvlogical_publisher *publisher = NULL;
    config.publish = publish;
    config.ctx = &published;
    config.window_ns = 200000;
    config.thread = true;
    kvtest_assert_ok(kvlogical_registry_on_event(all.registry, listen_in, &heard));
    kvtest_assert_ok(kvlogical_subscription_create(all.registry, &r.subscription));
    kvtest_assert_ok(kvlogical_publisher_create(all.registry, &config, &publisher, NULL));
    assert_int_equal(pthread_create(&reading, NULL, read_events, &r), 0);
    for (int i = 0; i < WORKERS; i++) {
        workers[i].world = &all;
        workers[i].random.state = kvtest_next(&random);
        assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
    }
    for (int i = 0; i < WORKERS; i++) pthread_join(threads[i], NULL);
    atomic_store(&all.done, true);
    pthread_join(reading, NULL);
    for (int i = 0; i < WORKERS; i++) {
        kvtest_assert_ok(workers[i].failure);
        assert_int_equal(workers[i].step, STEPS);
    }
    kvtest_assert_ok(kvlogical_publisher_resync(publisher));
    kvlogical_publisher_destroy(publisher); /* publishes the present state first */
    for (int p = 0; p < 2; p++) {
        assert_sound(all.pools[p]);
        assert_int_equal(available(all.pools[p]), kvlogical_manager_counts(all.pools[p]).total);
        assert_int_equal(kvlogical_manager_metrics(all.pools[p]).inflight_immutable, 0);
    }
    expect_truth(&heard, all.registry);
    assert_int_equal(heard.gaps, 0);
    assert_true(heard.events > 1000); /* names did come and go */
    expect_truth(&r.picture, all.registry);
    expect_truth(&published, all.registry);
    kvlogical_subscription_destroy(r.subscription);
    kvtest_assert_ok(kvlogical_manager_destroy(all.pools[0]));
    kvtest_assert_ok(kvlogical_manager_destroy(all.pools[1]));
    assert_int_equal(kvlogical_registry_count(all.registry), 0);
    expect_truth(&heard, all.registry);
    assert_int_equal(atomic_load(&all.destroyed), atomic_load(&all.attached));
    kvtest_assert_ok(kvlogical_registry_destroy(all.registry));
}

static void lru_and_lineage_under_one_registry(void **state) {
    (void)state;
    run(KVLOGICAL_EVICT_LRU, KVLOGICAL_EVICT_LINEAGE_TICK, 1);
}

static void multi_lru_and_fifo_under_one_registry(void **state) {
    (void)state;
    run(KVLOGICAL_EVICT_MULTI_LRU, KVLOGICAL_EVICT_FIFO, 2);
}

static void two_lineages_under_one_registry(void **state) {
    (void)state;
    run(KVLOGICAL_EVICT_LINEAGE_FIFO, KVLOGICAL_EVICT_LINEAGE_TICK, 3);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lru_and_lineage_under_one_registry),
        cmocka_unit_test(multi_lru_and_fifo_under_one_registry),
        cmocka_unit_test(two_lineages_under_one_registry),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
