/* After creation nothing allocates on the hot paths, under any policy, with a sketch and a listener, too. */
#include "kvtest.h"

#include <kvlogical/events.h>
#include <kvlogical/inspect.h>
#include <kvlogical/metrics.h>

#include "malloc_count.h"

#define BLOCKS 96
#define CHAIN 32

static uint64_t heard;

static void listen(void *ctx, const kvhash_event *event) {
    (void)ctx;
    heard += event->kind;
}

static void live(kvlogical_manager *manager, const kvhash_plh *names) {
    kvlogical_mutable blocks[CHAIN];
    kvlogical_complete staged[CHAIN];
    kvlogical_immutable held[CHAIN], copies[CHAIN];
    kvlogical_pin pins[CHAIN];
    kvhash_plh evicted_names[CHAIN];
    kvlogical_evicted evicted = {evicted_names, 0};
    size_t indices[CHAIN], hits;
    kvtest_assert_ok(kvlogical_match_prefix(manager, names, CHAIN, held, &hits));
    kvtest_assert_ok(kvlogical_allocate(manager, CHAIN - hits, blocks, &evicted));
    kvtest_assert_ok(kvlogical_stage(manager, blocks, names + hits, CHAIN - hits, staged));
    kvtest_assert_ok(kvlogical_register(manager, staged, CHAIN - hits, held + hits));
    kvtest_assert_ok(kvlogical_clone(manager, held, CHAIN, copies));
    kvtest_assert_ok(kvlogical_pin_blocks(manager, held, CHAIN, pins));
    kvtest_assert_ok(kvlogical_release(manager, held, CHAIN));
    kvtest_assert_ok(kvlogical_release_pins(manager, pins, CHAIN));
    kvtest_assert_ok(kvlogical_release_tail_first(manager, copies, CHAIN));
    kvtest_assert_ok(kvlogical_match_scattered(manager, names, CHAIN, held, &hits));
    kvtest_assert_ok(kvlogical_release(manager, held, CHAIN));
    kvtest_assert_ok(kvlogical_scan(manager, names, CHAIN, true, held, indices, &hits));
    kvtest_assert_ok(kvlogical_withdraw(manager, names + CHAIN - 1, 1, NULL));
    kvtest_assert_ok(kvlogical_release(manager, held, hits));
    kvlogical_metrics metrics = kvlogical_manager_metrics(manager);
    heard += metrics.evictions;
}

static void the_hot_paths_allocate_nothing(void **state) {
    (void)state;
    static kvhash_plh names[12][CHAIN];
    kvtest_random random = kvtest_seed(11);
    for (int chain = 0; chain < 12; chain++)
        for (int i = 0; i < CHAIN; i++)
            if (i == 0)
                names[chain][i] = kvhash_plh_root(kvtest_next(&random));
            else
                kvtest_assert_ok(kvhash_plh_extend(names[chain][i - 1], kvtest_next(&random), &names[chain][i]));
    size_t before_all = kvtest_malloc_calls();
    for (uint32_t eviction = KVLOGICAL_EVICT_LRU; eviction <= KVLOGICAL_EVICT_LINEAGE_FIFO; eviction++) {
        kvlogical_config config = KVLOGICAL_CONFIG_INIT;
        config.block_count = BLOCKS;
        config.eviction = eviction;
        config.frequency_capacity = 1000;
        kvlogical_manager *manager;
        kvtest_assert_ok(kvlogical_manager_create(&config, &manager, NULL));
        kvtest_assert_ok(kvlogical_registry_on_event(kvlogical_manager_registry(manager), listen, NULL));
        size_t before = kvtest_malloc_calls();
        for (int round = 0; round < 2000; round++) live(manager, names[kvtest_below(&random, 12)]);
        assert_int_equal(kvtest_malloc_calls() - before, 0);
        kvtest_assert_ok(kvlogical_registry_on_event(kvlogical_manager_registry(manager), NULL, NULL));
        kvtest_assert_ok(kvlogical_manager_destroy(manager));
    }
    assert_true(kvtest_malloc_calls() > before_all); /* the counter counts */
    assert_true(heard > 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_hot_paths_allocate_nothing)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
