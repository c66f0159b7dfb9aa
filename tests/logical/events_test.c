/* Who hears of which names, in which order, and what does one that falls behind learn? */
#include "support.h"

#include <kvlogical/events.h>

#define MOST 4096

/* What a listener or subscriber got. */
typedef struct feed {
    kvhash_event events[MOST];
    size_t count;
} feed;

static void take(void *ctx, const kvhash_event *event) {
    feed *f = ctx;
    assert_true(f->count < MOST);
    f->events[f->count++] = *event;
}

static kvlogical_registry *make_with_queue(size_t event_capacity) {
    kvlogical_registry_config config = KVLOGICAL_REGISTRY_CONFIG_INIT;
    kvlogical_registry *registry = NULL;
    config.event_capacity = event_capacity;
    kvtest_assert_ok(kvlogical_registry_create(&config, &registry, NULL));
    return registry;
}

static kvlogical_manager *manager_on(kvlogical_registry *registry, size_t blocks, uint64_t tier) {
    kvlogical_config config = config_of(blocks);
    config.registry = registry;
    config.tier = tier;
    return make_manager(&config);
}

static kvlogical_subscription *subscribe(kvlogical_registry *registry) {
    kvlogical_subscription *subscription = NULL;
    kvtest_assert_ok(kvlogical_subscription_create(registry, &subscription));
    return subscription;
}

static void poll_all(kvlogical_subscription *subscription, feed *f) {
    size_t count;
    f->count = 0;
    do {
        kvtest_assert_ok(kvlogical_subscription_poll(subscription, f->events + f->count, MOST - f->count, &count));
        f->count += count;
    } while (count > 0);
}

static void expect(const feed *f, size_t i, uint32_t kind, kvhash_plh name, uint64_t sequence) {
    assert_true(i < f->count);
    assert_int_equal(f->events[i].kind, kind);
    assert_same_name(f->events[i].name, name);
    assert_int_equal(f->events[i].sequence, sequence);
}

static feed heard; /* too large for the stack */

static const kvhash_plh no_name = {0, 0};

static void a_name_is_announced_once_and_taken_back_once(void **state) {
    (void)state;
    kvlogical_registry *registry = make_registry(0);
    kvlogical_subscription *subscription = subscribe(registry);
    kvlogical_manager *device = manager_on(registry, 2, 1), *host = manager_on(registry, 2, 2);
    kvhash_plh name = kvhash_plh_root(1);
    kvlogical_immutable held[2], duplicate;
    kvlogical_handle handle;
    kvtest_assert_ok(kvlogical_registry_register(registry, &name, 1, &handle)); /* no block yet */
    hold_names(device, &name, 1, &held[0]);
    hold_names(device, &name, 1, &duplicate);
    hold_names(host, &name, 1, &held[1]);
    kvtest_assert_ok(kvlogical_release(device, &duplicate, 1));
    kvtest_assert_ok(kvlogical_release(device, &held[0], 1)); /* inactive: no event */
    kvtest_assert_ok(kvlogical_release(host, &held[1], 1));
    kvtest_assert_ok(kvlogical_handle_release(registry, &handle, 1));
    kvtest_assert_ok(kvlogical_reset_inactive(device, NULL));
    poll_all(subscription, &heard);
    assert_int_equal(heard.count, 1);
    expect(&heard, 0, KVHASH_EVENT_CREATE, name, 1);
    kvtest_assert_ok(kvlogical_reset_inactive(host, NULL));
    poll_all(subscription, &heard);
    assert_int_equal(heard.count, 1);
    expect(&heard, 0, KVHASH_EVENT_REMOVE, name, 2);
    destroy_manager(device);
    destroy_manager(host);
    kvtest_assert_status(kvlogical_registry_destroy(registry), KVCORE_EBUSY);
    kvlogical_subscription_destroy(subscription);
    kvtest_assert_ok(kvlogical_registry_destroy(registry));
}

static void weak_guards_and_handles_delay_the_removal(void **state) {
    (void)state;
    kvlogical_manager *manager = make_lru(1);
    kvlogical_registry *registry = kvlogical_manager_registry(manager);
    kvlogical_subscription *subscription = subscribe(registry);
    kvhash_plh names[2];
    kvlogical_immutable held;
    kvlogical_weak weak;
    name_roots(1, names, 2);
    hold_names(manager, &names[0], 1, &held);
    kvtest_assert_ok(kvlogical_downgrade(manager, &held, 1, &weak));
    kvtest_assert_ok(kvlogical_release(manager, &held, 1));
    cache_names(manager, &names[1], 1); /* evicts */
    poll_all(subscription, &heard);
    assert_int_equal(heard.count, 2);
    expect(&heard, 1, KVHASH_EVENT_CREATE, names[1], 2);
    kvtest_assert_ok(kvlogical_release_weak(manager, &weak, 1));
    poll_all(subscription, &heard);
    assert_int_equal(heard.count, 1);
    expect(&heard, 0, KVHASH_EVENT_REMOVE, names[0], 3);
    kvlogical_subscription_destroy(subscription);
    destroy_manager(manager);
}

static void evictions_are_told_in_victim_order_before_the_call_returns(void **state) {
    (void)state;
    kvlogical_manager *manager = make_lru(4);
    kvlogical_registry *registry = kvlogical_manager_registry(manager);
    kvhash_plh names[4];
    kvlogical_mutable all[4];
    name_roots(1, names, 4);
    cache_names(manager, names, 4);
    heard.count = 0;
    kvtest_assert_ok(kvlogical_registry_on_event(registry, take, &heard));
    assert_int_equal(heard.count, 5); /* CLEAR and four that are there */
    expect(&heard, 0, KVHASH_EVENT_CLEAR, no_name, 1);
    for (size_t i = 0; i < 4; i++) expect(&heard, 1 + i, KVHASH_EVENT_PRESENT, names[i], 1);
    heard.count = 0;
    kvtest_assert_ok(kvlogical_allocate(manager, 4, all, NULL));
    assert_int_equal(heard.count, 4);
    for (size_t i = 0; i < 4; i++) expect(&heard, i, KVHASH_EVENT_REMOVE, names[i], 1 + i);
    kvtest_assert_ok(kvlogical_release_mutable(manager, all, 4));
    kvtest_assert_ok(kvlogical_registry_on_event(registry, NULL, NULL));
    cache_names(manager, names, 1);
    assert_int_equal(heard.count, 4); /* nobody listens any more */
    destroy_manager(manager);
}

static void a_batch_is_told_in_input_order_and_known_names_are_not(void **state) {
    (void)state;
    kvlogical_registry *registry = make_registry(0);
    kvlogical_subscription *subscription = subscribe(registry);
    kvhash_plh chain[3];
    kvlogical_handle existing, handles[4];
    name_chain(1, chain, 3);
    kvtest_assert_ok(kvlogical_registry_register(registry, &chain[0], 1, &existing));
    kvhash_plh batch[4] = {chain[2], chain[0], chain[1], chain[2]};
    kvtest_assert_ok(kvlogical_registry_register(registry, batch, 4, handles));
    poll_all(subscription, &heard);
    assert_int_equal(heard.count, 3);
    expect(&heard, 1, KVHASH_EVENT_CREATE, chain[2], 2);
    expect(&heard, 2, KVHASH_EVENT_CREATE, chain[1], 3);
    kvtest_assert_ok(kvlogical_handle_release(registry, handles, 4));
    kvtest_assert_ok(kvlogical_handle_release(registry, &existing, 1));
    kvlogical_subscription_destroy(subscription);
    kvtest_assert_ok(kvlogical_registry_destroy(registry));
}

static void a_transferred_name_comes_and_goes_in_silence(void **state) {
    (void)state;
    kvlogical_registry *registry = make_registry(0);
    kvlogical_subscription *subscription = subscribe(registry);
    kvlogical_manager *manager = manager_on(registry, 2, 1);
    kvhash_plh name = kvhash_plh_root(1);
    kvlogical_handle handle;
    kvtest_assert_ok(kvlogical_registry_transfer(registry, &name, 1, &handle));
    cache_names(manager, &name, 1);
    kvtest_assert_ok(kvlogical_handle_release(registry, &handle, 1));
    kvtest_assert_ok(kvlogical_subscription_resync(subscription));
    poll_all(subscription, &heard);
    assert_int_equal(heard.count, 1); /* only CLEAR */
    kvtest_assert_ok(kvlogical_reset_inactive(manager, NULL));
    poll_all(subscription, &heard);
    assert_int_equal(heard.count, 0);
    assert_false(kvlogical_registry_is_registered(registry, name));
    cache_names(manager, &name, 1); /* the next life is an ordinary one */
    poll_all(subscription, &heard);
    assert_int_equal(heard.count, 1);
    kvlogical_subscription_destroy(subscription);
    destroy_manager(manager);
    kvtest_assert_ok(kvlogical_registry_destroy(registry));
}

static kvhash_plh at_position(uint64_t position) {
    kvhash_plh name;
    kvtest_assert_ok(kvhash_plh_make(position + 1, 7, position, &name));
    return name;
}

static void the_filter_passes_powers_of_two_in_its_range(void **state) {
    (void)state;
    static const uint64_t yes[] = {16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768, 65536};
    static const uint64_t no[] = {0, 1, 2, 4, 8, 15, 17, 31, 33, 63, 65, 100, 1000, 10000, 65535, 131072};
    kvlogical_position_range range = KVLOGICAL_POSITION_RANGE_DEFAULT, narrow = {32, 128}, all = {0, UINT32_MAX};
    for (size_t i = 0; i < sizeof yes / sizeof *yes; i++)
        assert_true(kvlogical_filter_power_of_two(&range, at_position(yes[i])));
    for (size_t i = 0; i < sizeof no / sizeof *no; i++)
        assert_false(kvlogical_filter_power_of_two(&range, at_position(no[i])));
    assert_false(kvlogical_filter_power_of_two(&narrow, at_position(16)));
    assert_true(kvlogical_filter_power_of_two(&narrow, at_position(32)));
    assert_true(kvlogical_filter_power_of_two(&narrow, at_position(128)));
    assert_false(kvlogical_filter_power_of_two(&narrow, at_position(256)));
    assert_false(kvlogical_filter_power_of_two(&all, at_position(0)));
    assert_true(kvlogical_filter_power_of_two(&all, at_position(1)));
}

static void a_policy_decides_what_is_announced_to_every_subscriber(void **state) {
    (void)state;
    kvlogical_registry *registry = make_registry(0);
    kvlogical_position_range range = KVLOGICAL_POSITION_RANGE_DEFAULT;
    kvlogical_event_policy policy = KVLOGICAL_EVENT_POLICY_INIT;
    policy.filter = kvlogical_filter_power_of_two;
    policy.ctx = &range;
    kvtest_assert_ok(kvlogical_registry_set_event_policy(registry, &policy));
    kvlogical_subscription *two[2] = {subscribe(registry), subscribe(registry)};
    kvtest_assert_status(kvlogical_registry_set_event_policy(registry, NULL), KVCORE_EBUSY);
    kvhash_plh names[2] = {at_position(16), at_position(17)};
    kvlogical_handle handles[2], copy;
    kvtest_assert_ok(kvlogical_registry_register(registry, names, 2, handles));
    kvtest_assert_ok(kvlogical_handle_clone(registry, &handles[0], &copy));
    kvtest_assert_ok(kvlogical_handle_release(registry, handles, 2));
    for (int s = 0; s < 2; s++) {
        poll_all(two[s], &heard);
        assert_int_equal(heard.count, 1);
        expect(&heard, 0, KVHASH_EVENT_CREATE, names[0], 1);
        kvtest_assert_ok(kvlogical_subscription_resync(two[s])); /* the present state follows the policy, too */
        poll_all(two[s], &heard);
        assert_int_equal(heard.count, 2);
        expect(&heard, 0, KVHASH_EVENT_CLEAR, no_name, 2);
        expect(&heard, 1, KVHASH_EVENT_PRESENT, names[0], 2);
    }
    kvtest_assert_ok(kvlogical_handle_release(registry, &copy, 1));
    for (int s = 0; s < 2; s++) {
        poll_all(two[s], &heard);
        assert_int_equal(heard.count, 1);
        expect(&heard, 0, KVHASH_EVENT_REMOVE, names[0], 2);
        kvlogical_subscription_destroy(two[s]);
    }
    kvtest_assert_ok(kvlogical_registry_set_event_policy(registry, NULL));
    kvtest_assert_ok(kvlogical_registry_destroy(registry));
}

static void one_that_falls_behind_learns_how_much_it_lost(void **state) {
    (void)state;
    kvlogical_registry *registry = make_with_queue(1);
    kvlogical_subscription *subscription = subscribe(registry);
    kvhash_plh names[2];
    kvlogical_handle handles[2];
    name_roots(1, names, 2);
    kvtest_assert_ok(kvlogical_registry_register(registry, names, 2, handles));
    poll_all(subscription, &heard);
    assert_int_equal(heard.count, 2);
    expect(&heard, 0, KVHASH_EVENT_GAP, no_name, 2);
    assert_int_equal(heard.events[0].lost, 1);
    expect(&heard, 1, KVHASH_EVENT_CREATE, names[1], 2);
    kvtest_assert_ok(kvlogical_handle_release(registry, handles, 2));
    kvlogical_subscription_destroy(subscription);
    kvtest_assert_ok(kvlogical_registry_destroy(registry));
}

static void a_queue_is_as_long_as_the_next_power_of_two(void **state) {
    (void)state;
    kvlogical_registry *registry = make_with_queue(5); /* 8 */
    kvlogical_subscription *subscription = subscribe(registry);
    kvhash_plh names[9];
    kvlogical_handle handles[9];
    name_roots(1, names, 9);
    kvtest_assert_ok(kvlogical_registry_register(registry, names, 8, handles));
    size_t count;
    for (size_t i = 0; i < 8; i++) { /* one at a time */
        kvtest_assert_ok(kvlogical_subscription_poll(subscription, heard.events, 1, &count));
        assert_int_equal(count, 1);
        heard.count = 1;
        expect(&heard, 0, KVHASH_EVENT_CREATE, names[i], i + 1);
    }
    kvtest_assert_ok(kvlogical_handle_release(registry, handles, 8));
    kvtest_assert_ok(kvlogical_registry_register(registry, &names[8], 1, &handles[8]));
    poll_all(subscription, &heard);
    assert_int_equal(heard.count, 9);
    expect(&heard, 0, KVHASH_EVENT_GAP, no_name, 10);
    assert_int_equal(heard.events[0].lost, 1);
    kvtest_assert_ok(kvlogical_handle_release(registry, &handles[8], 1));
    kvlogical_subscription_destroy(subscription);
    kvtest_assert_ok(kvlogical_registry_destroy(registry));
}

static void only_one_listener_at_a_time(void **state) {
    (void)state;
    kvlogical_registry *registry = make_registry(0);
    heard.count = 0;
    kvlogical_registry_announce(registry); /* nobody listens: nothing happens */
    kvtest_assert_ok(kvlogical_registry_on_event(registry, take, &heard));
    kvtest_assert_status(kvlogical_registry_on_event(registry, take, &heard), KVCORE_EBUSY);
    assert_int_equal(heard.count, 1);
    kvhash_plh name = kvhash_plh_root(1);
    kvlogical_handle handle;
    kvtest_assert_ok(kvlogical_registry_register(registry, &name, 1, &handle));
    expect(&heard, 1, KVHASH_EVENT_CREATE, name, 1);
    kvlogical_registry_announce(registry);
    assert_int_equal(heard.count, 4);
    expect(&heard, 2, KVHASH_EVENT_CLEAR, no_name, 2);
    expect(&heard, 3, KVHASH_EVENT_PRESENT, name, 2);
    kvtest_assert_ok(kvlogical_handle_release(registry, &handle, 1));
    kvtest_assert_ok(kvlogical_registry_on_event(registry, NULL, NULL));
    kvtest_assert_ok(kvlogical_registry_destroy(registry));
}

/* ---- a receiver's picture ---- */

#define NAMES 64

typedef struct picture {
    bool has[NAMES];
    bool told_of_gap;
    uint64_t next; /* number of the next CREATE or REMOVE */
} picture;

static void see(picture *p, const kvhash_plh *names, const kvhash_event *event) {
    size_t i = 0;
    while (i < NAMES && !kvhash_plh_equal(names[i], event->name)) i++;
    bool numbered = event->kind == KVHASH_EVENT_CREATE || event->kind == KVHASH_EVENT_REMOVE;
    if (event->kind == KVHASH_EVENT_GAP) {
        assert_int_equal(event->sequence, p->next + event->lost);
        assert_true(event->lost > 0);
        p->next = event->sequence;
        p->told_of_gap = true;
    }
    assert_int_equal(event->sequence, p->next); /* none is missing in silence */
    if (numbered) p->next++;
    if (event->kind == KVHASH_EVENT_CLEAR) memset(p->has, 0, sizeof p->has);
    if (event->kind == KVHASH_EVENT_CREATE || event->kind == KVHASH_EVENT_PRESENT) p->has[i] = true;
    if (event->kind == KVHASH_EVENT_REMOVE) p->has[i] = false;
}

static void poll_some(kvlogical_subscription *subscription, picture *p, const kvhash_plh *names, size_t capacity) {
    kvhash_event events[32];
    size_t count;
    kvtest_assert_ok(kvlogical_subscription_poll(subscription, events, capacity, &count));
    for (size_t i = 0; i < count; i++) see(p, names, &events[i]);
}

static void poll_rest(kvlogical_subscription *subscription, picture *p, const kvhash_plh *names) {
    kvhash_event events[32];
    size_t count;
    do {
        kvtest_assert_ok(kvlogical_subscription_poll(subscription, events, 32, &count));
        for (size_t i = 0; i < count; i++) see(p, names, &events[i]);
    } while (count > 0);
}

static void expect_truth(const picture *p, const kvlogical_registry *registry, const kvhash_plh *names) {
    for (size_t i = 0; i < NAMES; i++)
        if (p->has[i] != kvlogical_registry_is_registered(registry, names[i]))
            fail_msg("name %zu: the picture says %d", i, p->has[i]);
}

static void a_late_listener_learns_the_present_state(void **state) {
    (void)state;
    kvlogical_registry *registry = make_registry(0);
    kvlogical_manager *device = manager_on(registry, 20, 1), *host = manager_on(registry, 20, 2);
    kvhash_plh names[NAMES];
    kvlogical_handle handles[4];
    name_roots(1, names, NAMES);
    cache_names(device, names, 20);
    cache_names(host, names + 10, 20);
    kvtest_assert_ok(kvlogical_registry_register(registry, names + 28, 4, handles));
    kvlogical_subscription *subscription = subscribe(registry);
    picture p = {.next = 1};
    poll_rest(subscription, &p, names);
    assert_false(p.has[0]); /* from the next event on */
    kvtest_assert_ok(kvlogical_subscription_resync(subscription));
    for (int i = 0; i < 40; i++) poll_some(subscription, &p, names, 1);
    expect_truth(&p, registry, names);
    kvtest_assert_ok(kvlogical_handle_release(registry, handles, 4));
    poll_rest(subscription, &p, names);
    expect_truth(&p, registry, names);
    kvlogical_subscription_destroy(subscription);
    destroy_manager(device);
    destroy_manager(host);
    kvtest_assert_ok(kvlogical_registry_destroy(registry));
}

/* The resync is past the first manager when a name of the second comes there, too, and leaves the second. */
static void a_name_that_changes_managers_meanwhile_is_not_missed(void **state) {
    (void)state;
    kvlogical_registry *registry = make_registry(0);
    kvlogical_manager *device = manager_on(registry, 2, 1), *host = manager_on(registry, 2, 2);
    kvhash_plh names[NAMES];
    name_roots(1, names, NAMES);
    cache_names(device, &names[0], 1);
    cache_names(device, &names[1], 1);
    cache_names(host, &names[2], 1);
    cache_names(host, &names[3], 1);
    kvlogical_subscription *subscription = subscribe(registry);
    picture p = {.next = 1};
    kvtest_assert_ok(kvlogical_subscription_resync(subscription));
    for (int i = 0; i < 4; i++) poll_some(subscription, &p, names, 1); /* CLEAR, names 0 and 1, name 2 */
    assert_true(p.has[2]);
    assert_false(p.has[3]);
    cache_names(device, &names[3], 1); /* evicts name 0; known, so no CREATE */
    kvtest_assert_ok(kvlogical_reset_inactive(host, NULL));
    poll_rest(subscription, &p, names);
    expect_truth(&p, registry, names);
    kvlogical_subscription_destroy(subscription);
    destroy_manager(device);
    destroy_manager(host);
    kvtest_assert_ok(kvlogical_registry_destroy(registry));
}

/* Names come, go and change places; a receiver that asks for the present state after each gap ends with the truth. */
static void a_receiver_that_heals_its_gaps_ends_with_the_truth(void **state) {
    (void)state;
    for (int round = 0; round < 30; round++) {
        kvtest_random random = kvtest_seed((uint64_t)round);
        kvlogical_registry *registry = make_with_queue(4);
        kvlogical_manager *pools[2] = {manager_on(registry, 12, 1), manager_on(registry, 9, 2)};
        kvlogical_subscription *subscription = subscribe(registry);
        kvhash_plh names[NAMES];
        kvlogical_handle handles[8] = {{0, 0, 0}};
        picture p = {.next = 1};
        name_roots(1, names, NAMES);
        for (int step = 0; step < 400; step++) {
            kvhash_plh *name = &names[kvtest_below(&random, NAMES)];
            kvlogical_handle *handle = &handles[kvtest_below(&random, 8)];
            kvlogical_manager *pool = pools[kvtest_below(&random, 2)];
            switch (kvtest_below(&random, 8)) {
            case 0: kvtest_assert_ok(kvlogical_handle_release(registry, handle, 1)); break;
            case 1:
                if (handle->registry == 0) kvtest_assert_ok(kvlogical_registry_register(registry, name, 1, handle));
                break;
            case 2:
                if (kvtest_below(&random, 8) == 0) kvtest_assert_ok(kvlogical_reset_inactive(pool, NULL));
                break;
            case 3:
            case 4: cache_names(pool, name, 1); break;
            default: poll_some(subscription, &p, names, 1 + kvtest_below(&random, 3));
            }
            if (p.told_of_gap) kvtest_assert_ok(kvlogical_subscription_resync(subscription));
            p.told_of_gap = false;
        }
        poll_rest(subscription, &p, names);
        while (p.told_of_gap) {
            p.told_of_gap = false;
            kvtest_assert_ok(kvlogical_subscription_resync(subscription));
            poll_rest(subscription, &p, names);
        }
        expect_truth(&p, registry, names);
        kvtest_assert_ok(kvlogical_handle_release(registry, handles, 8));
        poll_rest(subscription, &p, names);
        if (!p.told_of_gap) expect_truth(&p, registry, names);
        kvlogical_subscription_destroy(subscription);
        destroy_manager(pools[0]);
        destroy_manager(pools[1]);
        kvtest_assert_ok(kvlogical_registry_destroy(registry));
    }
}

static void what_is_none_is_refused(void **state) {
    (void)state;
    kvlogical_registry *registry = make_registry(0);
    kvlogical_subscription *subscription = NULL;
    kvhash_event event;
    size_t count;
    kvtest_assert_status(kvlogical_subscription_create(NULL, &subscription), KVCORE_EINVAL);
    kvtest_assert_status(kvlogical_subscription_create(registry, NULL), KVCORE_EINVAL);
    kvtest_assert_status(kvlogical_subscription_poll(NULL, &event, 1, &count), KVCORE_EINVAL);
    kvtest_assert_status(kvlogical_subscription_resync(NULL), KVCORE_EINVAL);
    subscription = subscribe(registry);
    kvtest_assert_status(kvlogical_subscription_poll(subscription, NULL, 1, &count), KVCORE_EINVAL);
    kvtest_assert_ok(kvlogical_subscription_poll(subscription, NULL, 0, &count));
    assert_int_equal(count, 0);
    kvlogical_subscription_destroy(subscription);
    kvlogical_subscription_destroy(NULL);
    kvtest_assert_ok(kvlogical_registry_destroy(registry));
}

/* ---- where ---- */

static void expect_at(const feed *f, size_t i, uint32_t kind, kvhash_plh name, uint64_t tier, uint32_t block) {
    assert_true(i < f->count);
    assert_int_equal(f->events[i].kind, kind);
    assert_same_name(f->events[i].name, name);
    assert_int_equal(f->events[i].tier, tier);
    assert_int_equal(f->events[i].block, block);
}

static kvlogical_registry *make_telling(uint32_t scope) {
    kvlogical_registry *registry = make_registry(0);
    kvlogical_event_policy policy = KVLOGICAL_EVENT_POLICY_INIT;
    policy.scope = scope;
    kvtest_assert_ok(kvlogical_registry_set_event_policy(registry, &policy));
    return registry;
}

/* Two tiers get a name and lose it again, one after the other; what does one listener hear? */
static void two_tiers_in_turn(uint32_t scope, uint32_t *device_block, uint32_t *host_block) {
    kvlogical_registry *registry = make_telling(scope);
    kvlogical_manager *device = manager_on(registry, 4, 7), *host = manager_on(registry, 4, 9);
    kvhash_plh name = kvhash_plh_root(1), other = kvhash_plh_root(2);
    kvlogical_immutable first, held[2];
    heard.count = 0;
    kvtest_assert_ok(kvlogical_registry_on_event(registry, take, &heard));
    hold_names(host, &other, 1, &first); /* so that the blocks have different numbers */
    hold_names(device, &name, 1, &held[0]);
    hold_names(host, &name, 1, &held[1]);
    *device_block = held[0].block;
    *host_block = held[1].block;
    kvtest_assert_ok(kvlogical_release(device, &held[0], 1));
    kvtest_assert_ok(kvlogical_reset_inactive(device, NULL));
    kvtest_assert_ok(kvlogical_release(host, &held[1], 1));
    kvtest_assert_status(kvlogical_reset_inactive(host, NULL), KVCORE_EBUSY);
    kvtest_assert_ok(kvlogical_release(host, &first, 1));
    destroy_manager(device);
    destroy_manager(host); /* takes its last name with it */
    kvtest_assert_ok(kvlogical_registry_on_event(registry, NULL, NULL));
    kvtest_assert_ok(kvlogical_registry_destroy(registry));
}

static void once_a_name_the_first_and_the_last_block_are_told(void **state) {
    (void)state;
    uint32_t device, host;
    two_tiers_in_turn(KVLOGICAL_EVENTS_ONCE_A_NAME, &device, &host);
    kvhash_plh name = kvhash_plh_root(1), other = kvhash_plh_root(2);
    assert_int_equal(heard.count, 5);
    expect_at(&heard, 0, KVHASH_EVENT_CLEAR, no_name, 0, KVHASH_NO_BLOCK);
    expect_at(&heard, 1, KVHASH_EVENT_CREATE, other, 9, 0);
    expect_at(&heard, 2, KVHASH_EVENT_CREATE, name, 7, device);
    expect_at(&heard, 3, KVHASH_EVENT_REMOVE, name, 9, host);
    expect_at(&heard, 4, KVHASH_EVENT_REMOVE, other, 9, 0);
    assert_int_not_equal(device, host);
}

static void every_tier_tells_what_it_gains_and_loses(void **state) {
    (void)state;
    uint32_t device, host;
    two_tiers_in_turn(KVLOGICAL_EVENTS_EVERY_TIER, &device, &host);
    kvhash_plh name = kvhash_plh_root(1), other = kvhash_plh_root(2);
    assert_int_equal(heard.count, 7);
    expect_at(&heard, 0, KVHASH_EVENT_CLEAR, no_name, 0, KVHASH_NO_BLOCK);
    expect_at(&heard, 1, KVHASH_EVENT_CREATE, other, 9, 0);
    expect_at(&heard, 2, KVHASH_EVENT_CREATE, name, 7, device);
    expect_at(&heard, 3, KVHASH_EVENT_CREATE, name, 9, host);
    expect_at(&heard, 4, KVHASH_EVENT_REMOVE, name, 7, device); /* one of two tiers lost it */
    expect_at(&heard, 5, KVHASH_EVENT_REMOVE, name, 9, host);
    expect_at(&heard, 6, KVHASH_EVENT_REMOVE, other, 9, 0);
    for (size_t i = 1; i < 7; i++) assert_int_equal(heard.events[i].sequence, i);
}

static void two_managers_with_one_number_are_one_tier(void **state) {
    (void)state;
    kvlogical_registry *registry = make_telling(KVLOGICAL_EVENTS_EVERY_TIER);
    kvlogical_manager *one = manager_on(registry, 2, 7), *two = manager_on(registry, 2, 7);
    kvlogical_subscription *subscription = subscribe(registry);
    kvhash_plh name = kvhash_plh_root(1);
    cache_names(one, &name, 1);
    cache_names(two, &name, 1);
    kvtest_assert_ok(kvlogical_reset_inactive(one, NULL));
    poll_all(subscription, &heard);
    assert_int_equal(heard.count, 1);
    expect_at(&heard, 0, KVHASH_EVENT_CREATE, name, 7, 0);
    kvtest_assert_ok(kvlogical_reset_inactive(two, NULL));
    poll_all(subscription, &heard);
    assert_int_equal(heard.count, 1);
    expect_at(&heard, 0, KVHASH_EVENT_REMOVE, name, 7, 0);
    kvlogical_subscription_destroy(subscription);
    destroy_manager(one);
    destroy_manager(two);
    kvtest_assert_ok(kvlogical_registry_destroy(registry));
}

static void one_that_subscribes_in_between_learns_each_tier(void **state) {
    (void)state;
    kvlogical_registry *registry = make_telling(KVLOGICAL_EVENTS_EVERY_TIER);
    kvlogical_manager *device = manager_on(registry, 2, 7), *host = manager_on(registry, 2, 9);
    kvhash_plh name = kvhash_plh_root(1), alone = kvhash_plh_root(3);
    kvlogical_handle handle;
    cache_names(device, &name, 1);
    cache_names(host, &name, 1);
    kvtest_assert_ok(kvlogical_registry_register(registry, &alone, 1, &handle)); /* in no tier: nothing to tell */
    kvlogical_subscription *late = subscribe(registry);
    kvtest_assert_ok(kvlogical_subscription_resync(late));
    poll_all(late, &heard);
    assert_int_equal(heard.count, 3);
    expect_at(&heard, 0, KVHASH_EVENT_CLEAR, no_name, 0, KVHASH_NO_BLOCK);
    expect_at(&heard, 1, KVHASH_EVENT_PRESENT, name, 7, 0);
    expect_at(&heard, 2, KVHASH_EVENT_PRESENT, name, 9, 0);
    kvtest_assert_ok(kvlogical_reset_inactive(device, NULL));
    kvtest_assert_ok(kvlogical_handle_release(registry, &handle, 1));
    poll_all(late, &heard);
    assert_int_equal(heard.count, 1);
    expect_at(&heard, 0, KVHASH_EVENT_REMOVE, name, 7, 0);
    heard.count = 0;
    kvtest_assert_ok(kvlogical_registry_on_event(registry, take, &heard)); /* a listener is told at once */
    assert_int_equal(heard.count, 2);
    expect_at(&heard, 1, KVHASH_EVENT_PRESENT, name, 9, 0);
    kvtest_assert_ok(kvlogical_registry_on_event(registry, NULL, NULL));
    kvlogical_subscription_destroy(late);
    destroy_manager(device);
    destroy_manager(host);
    kvtest_assert_ok(kvlogical_registry_destroy(registry));
}

static void a_transferred_name_is_told_by_the_tiers_that_have_it(void **state) {
    (void)state;
    kvlogical_registry *registry = make_telling(KVLOGICAL_EVENTS_EVERY_TIER);
    kvlogical_manager *device = manager_on(registry, 2, 7);
    kvlogical_subscription *subscription = subscribe(registry);
    kvhash_plh name = kvhash_plh_root(1);
    kvlogical_handle handle;
    kvtest_assert_ok(kvlogical_registry_transfer(registry, &name, 1, &handle));
    cache_names(device, &name, 1);
    kvtest_assert_ok(kvlogical_handle_release(registry, &handle, 1));
    kvtest_assert_ok(kvlogical_reset_inactive(device, NULL));
    poll_all(subscription, &heard);
    assert_int_equal(heard.count, 2);
    expect_at(&heard, 0, KVHASH_EVENT_CREATE, name, 7, 0);
    expect_at(&heard, 1, KVHASH_EVENT_REMOVE, name, 7, 0);
    kvlogical_subscription_destroy(subscription);
    destroy_manager(device);
    kvtest_assert_ok(kvlogical_registry_destroy(registry));
}

static void a_tier_has_a_label(void **state) {
    (void)state;
    kvlogical_registry *registry = make_registry(0);
    kvlogical_config config = config_of(2);
    config.registry = registry;
    config.tier = 7;
    config.tier_label = "device";
    kvlogical_manager *device = make_manager(&config), *host = manager_on(registry, 2, 9);
    assert_string_equal(kvlogical_registry_tier_label(registry, 7), "device");
    assert_null(kvlogical_registry_tier_label(registry, 9));
    assert_null(kvlogical_registry_tier_label(registry, 8));
    assert_null(kvlogical_registry_tier_label(NULL, 7));
    destroy_manager(device);
    destroy_manager(host);
    kvtest_assert_ok(kvlogical_registry_destroy(registry));
}

static void an_unknown_scope_is_refused(void **state) {
    (void)state;
    kvlogical_registry *registry = make_registry(0);
    kvlogical_event_policy policy = KVLOGICAL_EVENT_POLICY_INIT;
    policy.scope = 2;
    kvtest_assert_status(kvlogical_registry_set_event_policy(registry, &policy), KVCORE_EINVAL);
    policy.scope = 0;
    policy.struct_size = 0;
    kvtest_assert_status(kvlogical_registry_set_event_policy(registry, &policy), KVCORE_EINVAL);
    kvtest_assert_status(kvlogical_registry_set_event_policy(NULL, NULL), KVCORE_EINVAL);
    kvtest_assert_ok(kvlogical_registry_destroy(registry));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_is_announced_once_and_taken_back_once),
        cmocka_unit_test(weak_guards_and_handles_delay_the_removal),
        cmocka_unit_test(evictions_are_told_in_victim_order_before_the_call_returns),
        cmocka_unit_test(a_batch_is_told_in_input_order_and_known_names_are_not),
        cmocka_unit_test(a_transferred_name_comes_and_goes_in_silence),
        cmocka_unit_test(the_filter_passes_powers_of_two_in_its_range),
        cmocka_unit_test(a_policy_decides_what_is_announced_to_every_subscriber),
        cmocka_unit_test(one_that_falls_behind_learns_how_much_it_lost),
        cmocka_unit_test(a_queue_is_as_long_as_the_next_power_of_two),
        cmocka_unit_test(only_one_listener_at_a_time),
        cmocka_unit_test(a_late_listener_learns_the_present_state),
        cmocka_unit_test(a_name_that_changes_managers_meanwhile_is_not_missed),
        cmocka_unit_test(a_receiver_that_heals_its_gaps_ends_with_the_truth),
        cmocka_unit_test(what_is_none_is_refused),
        cmocka_unit_test(once_a_name_the_first_and_the_last_block_are_told),
        cmocka_unit_test(every_tier_tells_what_it_gains_and_loses),
        cmocka_unit_test(two_managers_with_one_number_are_one_tier),
        cmocka_unit_test(one_that_subscribes_in_between_learns_each_tier),
        cmocka_unit_test(a_transferred_name_is_told_by_the_tiers_that_have_it),
        cmocka_unit_test(a_tier_has_a_label),
        cmocka_unit_test(an_unknown_scope_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
