#include "support.h"

kvlogical_config config_of(size_t blocks) {
    kvlogical_config config = KVLOGICAL_CONFIG_INIT;
    config.block_count = blocks;
    config.block_tokens = 4;
    config.eviction = KVLOGICAL_EVICT_LRU;
    return config;
}

kvlogical_manager *make_manager(const kvlogical_config *config) {
    kvlogical_manager *manager = NULL;
    kvcore_error error;
    if (kvlogical_manager_create(config, &manager, &error) != KVCORE_OK) fail_msg("%s", error.text);
    return manager;
}

kvlogical_manager *make_lru(size_t blocks) {
    kvlogical_config config = config_of(blocks);
    return make_manager(&config);
}

kvlogical_registry *make_registry(size_t frequency_capacity) {
    kvlogical_registry_config config = KVLOGICAL_REGISTRY_CONFIG_INIT;
    kvlogical_registry *registry = NULL;
    config.frequency_capacity = frequency_capacity;
    kvtest_assert_ok(kvlogical_registry_create(&config, &registry, NULL));
    return registry;
}

void destroy_manager(kvlogical_manager *manager) {
    assert_sound(manager);
    kvtest_assert_ok(kvlogical_manager_destroy(manager));
}

void name_chain(uint64_t id, kvhash_plh *names, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (i == 0)
            names[0] = kvhash_plh_root(id * UINT64_C(0x9E3779B97F4A7C15) + 1);
        else
            kvtest_assert_ok(kvhash_plh_extend(names[i - 1], id + i, &names[i]));
    }
}

void name_roots(uint64_t id, kvhash_plh *names, size_t count) {
    for (size_t i = 0; i < count; i++) names[i] = kvhash_plh_root((id << 32 | i) * UINT64_C(0x9E3779B97F4A7C15) + 3);
}

void stage_names(kvlogical_manager *manager, const kvhash_plh *names, size_t count, kvlogical_complete *staged) {
    kvlogical_mutable blocks[BATCH_MOST];
    assert_true(count <= BATCH_MOST);
    kvtest_assert_ok(kvlogical_allocate(manager, count, blocks, NULL));
    kvtest_assert_ok(kvlogical_stage(manager, blocks, names, count, staged));
}

void hold_names(kvlogical_manager *manager, const kvhash_plh *names, size_t count, kvlogical_immutable *held) {
    kvlogical_complete staged[BATCH_MOST];
    stage_names(manager, names, count, staged);
    kvtest_assert_ok(kvlogical_register(manager, staged, count, held));
}

void cache_names(kvlogical_manager *manager, const kvhash_plh *names, size_t count) {
    kvlogical_immutable held[BATCH_MOST];
    hold_names(manager, names, count, held);
    kvtest_assert_ok(kvlogical_release(manager, held, count));
}

size_t match_names(kvlogical_manager *manager, const kvhash_plh *names, size_t count) {
    kvlogical_immutable held[BATCH_MOST];
    size_t hits;
    assert_true(count <= BATCH_MOST);
    kvtest_assert_ok(kvlogical_match_prefix(manager, names, count, held, &hits));
    kvtest_assert_ok(kvlogical_release(manager, held, hits));
    return hits;
}

void expect_victims(kvlogical_manager *manager, const kvhash_plh *names, size_t name_count, const size_t *expected,
                    size_t count) {
    kvlogical_mutable blocks[BATCH_MOST];
    assert_int_equal(kvlogical_manager_counts(manager).free, 0);
    for (size_t i = 0; i < count; i++) {
        kvhash_plh name;
        kvlogical_evicted evicted = {&name, 0};
        kvtest_assert_ok(kvlogical_allocate(manager, 1, &blocks[i], &evicted));
        assert_int_equal(evicted.count, 1);
        size_t k = 0;
        while (k < name_count && !kvhash_plh_equal(names[k], name)) k++;
        if (k != expected[i]) fail_msg("victim %zu: got name %zu, expected %zu", i, k, expected[i]);
        assert_sound(manager);
    }
    kvtest_assert_ok(kvlogical_release_mutable(manager, blocks, count));
}

void assert_sound(const kvlogical_manager *manager) {
    kvcore_error error;
    if (kvlogical_manager_validate(manager, &error) != KVCORE_OK) fail_msg("%s", error.text);
}

void assert_same_name(kvhash_plh actual, kvhash_plh expected) {
    assert_int_equal(actual.high, expected.high);
    assert_int_equal(actual.low, expected.low);
}

void assert_gauges(const kvlogical_manager *manager, int64_t mutable_blocks, int64_t immutable_guards, int64_t inactive,
                   int64_t free_blocks) {
    kvlogical_metrics metrics = kvlogical_manager_metrics(manager);
    assert_int_equal(metrics.inflight_mutable, mutable_blocks);
    assert_int_equal(metrics.inflight_immutable, immutable_guards);
    assert_int_equal(metrics.inactive_pool_size, inactive);
    assert_int_equal(metrics.reset_pool_size, free_blocks);
}

bool is_present(const kvlogical_registry *registry, kvhash_plh name, uint64_t tier) {
    bool present;
    kvtest_assert_ok(kvlogical_registry_presence(registry, &name, 1, &tier, 1, &present));
    return present;
}

size_t available(const kvlogical_manager *manager) { return kvlogical_manager_counts(manager).available; }

static void meter_touch(void *ctx, kvhash_plh name) {
    metered_tracker *meter = ctx;
    if (meter->touches < BATCH_MOST) meter->touched[meter->touches] = name;
    meter->touches++;
}

static unsigned meter_count(void *ctx, kvhash_plh name) {
    metered_tracker *meter = ctx;
    (void)name;
    meter->counts++;
    return meter->frequency;
}

kvlogical_tracker tracker_of(metered_tracker *meter) { return (kvlogical_tracker){meter, meter_touch, meter_count}; }

kvlogical_registry *make_metered_registry(metered_tracker *meter) {
    kvlogical_registry_config config = KVLOGICAL_REGISTRY_CONFIG_INIT;
    kvlogical_registry *registry = NULL;
    config.tracker = tracker_of(meter);
    kvtest_assert_ok(kvlogical_registry_create(&config, &registry, NULL));
    return registry;
}
