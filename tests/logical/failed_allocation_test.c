/* Each allocation of everything that allocates fails once: is it told, is nothing lost, and is nothing destroyed twice? */
#include "support.h"

#include <kvlogical/events.h>

#define NAMES 100 /* more than the first records of a registry hold */

static int destroyed;

static void count_destroyed(void *value) {
    (void)value;
    destroyed++;
}

static void ignore_touch(void *ctx, kvhash_plh name) { (void)ctx, (void)name; }
static void ignore_batch(void *ctx, const kvlogical_event_batch *batch) { (void)ctx, (void)batch; }

/* Everything that a story makes, to be given back as far as it came. */
typedef struct world {
    kvcore_allocator allocator;
    kvlogical_registry *registry;
    kvlogical_manager *manager;
    kvlogical_handle handles[NAMES], of_block;
    kvlogical_immutable held;
    kvlogical_weak weak;
    kvlogical_subscription *subscription;
    kvlogical_publisher *publisher;
    int attached;
} world;

static kvcore_status make_pools(world *w) {
    kvlogical_registry_config registry = KVLOGICAL_REGISTRY_CONFIG_INIT;
    registry.frequency_capacity = 64;
    registry.event_capacity = 8;
    registry.allocator = w->allocator;
    kvcore_error error;
    kvcore_status status = kvlogical_registry_create(&registry, &w->registry, &error);
    if (status != KVCORE_OK) {
        assert_null(w->registry);
        return status;
    }
    kvlogical_config config = config_of(4);
    config.registry = w->registry;
    config.eviction = KVLOGICAL_EVICT_LINEAGE_TICK;
    config.allocator = w->allocator;
    status = kvlogical_manager_create(&config, &w->manager, &error);
    if (status != KVCORE_OK) assert_null(w->manager);
    return status;
}

/* Names with handles, also past the room that there is at first. */
static kvcore_status make_handles(world *w) {
    kvhash_plh names[NAMES];
    name_roots(1, names, NAMES);
    for (size_t i = 0; i < NAMES; i += 10) {
        size_t before = kvlogical_registry_count(w->registry);
        kvcore_status status = kvlogical_registry_register(w->registry, names + i, 10, w->handles + i);
        if (status == KVCORE_OK) continue;
        assert_int_equal(kvlogical_registry_count(w->registry), before); /* all or none */
        assert_int_equal(w->handles[i].registry, 0);
        return status;
    }
    return KVCORE_OK;
}

static kvcore_status attach(world *w) {
    for (int i = 0; i < 3; i++) {
        kvcore_error error;
        kvcore_status status =
            i == 0 ? kvlogical_handle_attach(w->registry, w->handles, 1, w, count_destroyed, &error)
                   : kvlogical_handle_attach_unique(w->registry, w->handles, 2, w, count_destroyed, &error);
        if (status != KVCORE_OK) return status;
        w->attached++;
    }
    return kvlogical_handle_on_touch(w->registry, w->handles, ignore_touch, NULL);
}

static kvcore_status make_guards(world *w) {
    kvhash_plh name = kvhash_plh_root(5);
    hold_names(w->manager, &name, 1, &w->held); /* never allocates */
    kvcore_status status = kvlogical_downgrade(w->manager, &w->held, 1, &w->weak);
    if (status != KVCORE_OK) return status;
    return kvlogical_registration(w->manager, &w->held, &w->of_block);
}

static kvcore_status listen(world *w) {
    kvcore_status status = kvlogical_subscription_create(w->registry, &w->subscription);
    if (status != KVCORE_OK) {
        assert_null(w->subscription);
        return status;
    }
    kvlogical_publisher_config config = KVLOGICAL_PUBLISHER_CONFIG_INIT;
    config.publish = ignore_batch;
    config.allocator = w->allocator;
    status = kvlogical_publisher_create(w->registry, &config, &w->publisher, NULL);
    if (status != KVCORE_OK) assert_null(w->publisher);
    return status;
}

static void give_back(world *w) {
    kvlogical_publisher_destroy(w->publisher);
    kvlogical_subscription_destroy(w->subscription);
    if (w->manager != NULL) {
        kvtest_assert_ok(kvlogical_release_weak(w->manager, &w->weak, 1));
        kvtest_assert_ok(kvlogical_release(w->manager, &w->held, 1));
        assert_sound(w->manager);
    }
    if (w->registry != NULL) {
        kvtest_assert_ok(kvlogical_handle_release(w->registry, w->handles, NAMES));
        kvtest_assert_ok(kvlogical_handle_release(w->registry, &w->of_block, 1));
    }
    kvtest_assert_ok(kvlogical_manager_destroy(w->manager));
    kvtest_assert_ok(kvlogical_registry_destroy(w->registry));
}

/* The order in which things are made: each of them is once the first that needs room. */
static kvcore_status story(kvcore_allocator allocator, bool guards_first) {
    world w = {.allocator = allocator};
    destroyed = 0;
    kvcore_status status = make_pools(&w);
    if (status == KVCORE_OK && guards_first) status = make_guards(&w);
    if (status == KVCORE_OK) status = listen(&w);
    if (status == KVCORE_OK) status = make_handles(&w);
    if (status == KVCORE_OK) status = attach(&w);
    if (status == KVCORE_OK && !guards_first) status = make_guards(&w);
    give_back(&w);
    assert_int_equal(destroyed, w.attached);
    return status;
}

static void each_allocation_can_fail(void **state) {
    (void)state;
    for (int order = 0; order < 2; order++) {
        for (size_t k = 1;; k++) {
            kvtest_memory memory = {.fail_at = k};
            kvcore_status status = story(kvtest_allocator(&memory), order);
            assert_int_equal(memory.live_bytes, 0);
            assert_int_equal(memory.live_count, 0);
            if (status == KVCORE_OK) {
                assert_true(k > 10); /* there is something to fail */
                break;
            }
            kvtest_assert_status(status, KVCORE_ENOMEM);
        }
    }
}

static void a_sketch_gives_its_memory_back(void **state) {
    (void)state;
    kvtest_memory memory = {.fail_at = 1};
    kvcore_allocator allocator = kvtest_allocator(&memory);
    kvlogical_frequency *sketch = NULL;
    kvtest_assert_status(kvlogical_frequency_create(1000, 0, &allocator, &sketch), KVCORE_ENOMEM);
    assert_null(sketch);
    kvtest_assert_ok(kvlogical_frequency_create(1000, 0, &allocator, &sketch));
    assert_true(memory.live_bytes >= 2000);
    kvlogical_frequency_destroy(sketch);
    assert_int_equal(memory.live_bytes, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_allocation_can_fail),
        cmocka_unit_test(a_sketch_gives_its_memory_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
