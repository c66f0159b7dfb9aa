/* Which settings make a manager, and what do the refused ones say? */
#include "support.h"

static void refused(kvlogical_config config, const char *word) {
    kvlogical_manager *manager = NULL;
    kvcore_error error;
    kvtest_assert_status(kvlogical_manager_create(&config, &manager, &error), KVCORE_ECONFIG);
    assert_null(manager);
    assert_int_equal(error.code, KVCORE_ECONFIG);
    if (strstr(error.text, word) == NULL) fail_msg("\"%s\" does not say \"%s\"", error.text, word);
}

static void works(kvlogical_config config) {
    kvlogical_manager *manager = make_manager(&config);
    kvlogical_mutable blocks[5];
    kvtest_assert_ok(kvlogical_allocate(manager, 5, blocks, NULL));
    assert_int_equal(available(manager), config.block_count - 5);
    kvtest_assert_ok(kvlogical_release_mutable(manager, blocks, 5));
    destroy_manager(manager);
}

static void a_new_manager_has_all_blocks_free(void **state) {
    (void)state;
    kvlogical_config config = KVLOGICAL_CONFIG_INIT;
    config.block_count = 100;
    kvlogical_manager *manager = make_manager(&config);
    assert_gauges(manager, 0, 0, 0, 100);
    assert_int_equal(kvlogical_manager_block_tokens(manager), 16);
    destroy_manager(manager);
    works(config);
}

static void every_policy_makes_a_manager_that_hands_out_blocks(void **state) {
    (void)state;
    for (uint32_t eviction = KVLOGICAL_EVICT_DEFAULT; eviction <= KVLOGICAL_EVICT_LINEAGE_FIFO; eviction++) {
        kvlogical_config config = config_of(20);
        config.eviction = eviction;
        works(config);
        config.duplicates = KVLOGICAL_DUPLICATES_REJECT;
        works(config);
    }
    kvlogical_config config = config_of(20);
    config.eviction = KVLOGICAL_EVICT_MULTI_LRU;
    config.frequency_thresholds[0] = 2;
    config.frequency_thresholds[1] = 6;
    config.frequency_thresholds[2] = 12;
    works(config);
}

static void a_manager_needs_blocks(void **state) {
    (void)state;
    kvlogical_config config = config_of(0);
    refused(config, "block_count must be greater than 0");
}

static void thresholds_ascend_within_1_to_15(void **state) {
    (void)state;
    static const struct {
        uint32_t thresholds[3];
        const char *word;
    } cases[] = {
        {{2, 6, 20}, "must be <= 15"},
        {{6, 2, 10}, "must be in ascending order"},
        {{5, 5, 6}, "ascending"},
        {{5, 7, 7}, "ascending"},
        {{0, 1, 2}, "must be >= 1"},
        {{0, 5, 16}, "<= 15"},
        {{1, 2, UINT32_MAX}, "must be <= 15"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        kvlogical_config config = config_of(8);
        config.eviction = KVLOGICAL_EVICT_MULTI_LRU;
        memcpy(config.frequency_thresholds, cases[i].thresholds, sizeof cases[i].thresholds);
        refused(config, cases[i].word);
    }
}

static void multi_lru_needs_a_registry_that_counts(void **state) {
    (void)state;
    kvlogical_registry *registry = make_registry(0);
    assert_false(kvlogical_registry_has_tracker(registry));
    kvlogical_config config = config_of(8);
    config.eviction = KVLOGICAL_EVICT_MULTI_LRU;
    config.registry = registry;
    refused(config, "frequency tracking");
    kvtest_assert_ok(kvlogical_registry_destroy(registry));
}

static void a_private_registry_counts_for_multi_lru_only(void **state) {
    (void)state;
    kvlogical_config config = config_of(8);
    kvlogical_manager *lru = make_manager(&config);
    config.eviction = KVLOGICAL_EVICT_MULTI_LRU;
    kvlogical_manager *multi_lru = make_manager(&config);
    assert_false(kvlogical_registry_has_tracker(kvlogical_manager_registry(lru)));
    assert_true(kvlogical_registry_has_tracker(kvlogical_manager_registry(multi_lru)));
    destroy_manager(lru);
    destroy_manager(multi_lru);
}

static void block_tokens_are_a_power_of_two_up_to_1024(void **state) {
    (void)state;
    for (uint32_t tokens = 1; tokens <= 1024; tokens *= 2) {
        kvlogical_config config = config_of(8);
        config.block_tokens = tokens;
        kvlogical_manager *manager = make_manager(&config);
        assert_int_equal(kvlogical_manager_block_tokens(manager), tokens);
        destroy_manager(manager);
    }
    static const uint32_t wrong[] = {3, 7, 15, 1023, 1025, 2048, UINT32_MAX};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        kvlogical_config config = config_of(8);
        config.block_tokens = wrong[i];
        refused(config, "block_tokens must be a power of 2 between 1 and 1024");
    }
}

static void a_sketch_belongs_to_the_registry_it_is_made_with(void **state) {
    (void)state;
    kvlogical_registry *registry = make_registry(64);
    kvlogical_config config = config_of(8);
    config.registry = registry;
    config.frequency_capacity = 64;
    refused(config, "private registry");
    kvtest_assert_ok(kvlogical_registry_destroy(registry));
}

static void the_private_registry_of_a_manager_is_not_shared(void **state) {
    (void)state;
    kvlogical_manager *owner = make_lru(8);
    kvlogical_config config = config_of(8);
    config.registry = kvlogical_manager_registry(owner);
    refused(config, "registry");
    destroy_manager(owner);
}

static void a_registry_refuses_what_cannot_work(void **state) {
    (void)state;
    metered_tracker meter = {0};
    kvlogical_registry *registry = NULL;
    kvcore_error error;
    kvlogical_registry_config both = KVLOGICAL_REGISTRY_CONFIG_INIT;
    both.frequency_capacity = 8;
    both.tracker = tracker_of(&meter);
    kvtest_assert_status(kvlogical_registry_create(&both, &registry, &error), KVCORE_ECONFIG);
    kvlogical_registry_config half = KVLOGICAL_REGISTRY_CONFIG_INIT;
    half.tracker = tracker_of(&meter);
    half.tracker.count = NULL;
    kvtest_assert_status(kvlogical_registry_create(&half, &registry, &error), KVCORE_ECONFIG);
    kvlogical_registry_config allocator = KVLOGICAL_REGISTRY_CONFIG_INIT;
    allocator.allocator = kvcore_allocator_libc();
    allocator.allocator.free = NULL;
    kvtest_assert_status(kvlogical_registry_create(&allocator, &registry, &error), KVCORE_ECONFIG);
    kvtest_assert_status(kvlogical_registry_create(NULL, &registry, &error), KVCORE_EINVAL);
    kvtest_assert_status(kvlogical_registry_create(&both, NULL, &error), KVCORE_EINVAL);
    assert_null(registry);
}

static void a_manager_lives_in_memory_of_the_callers(void **state) {
    (void)state;
    for (uint32_t eviction = KVLOGICAL_EVICT_LRU; eviction <= KVLOGICAL_EVICT_LINEAGE_FIFO; eviction++) {
        kvlogical_config config = config_of(32);
        kvcore_error error;
        size_t bytes;
        config.eviction = eviction;
        config.frequency_capacity = 64;
        config.handle_capacity = 4;
        kvtest_assert_ok(kvlogical_manager_bytes(&config, &bytes, NULL));
        void *memory = aligned_alloc(64, (bytes + 63) / 64 * 64);
        assert_non_null(memory);
        kvlogical_manager *manager = NULL;
        kvtest_assert_status(kvlogical_manager_create_in(&config, memory, bytes - 1, &manager, &error), KVCORE_EBUFFER);
        assert_int_equal(error.expected, bytes);
        kvtest_assert_status(kvlogical_manager_create_in(&config, (char *)memory + 8, bytes, &manager, NULL),
                             KVCORE_EINVAL);
        kvtest_assert_ok(kvlogical_manager_create_in(&config, memory, bytes, &manager, NULL));
        kvhash_plh names[40];
        name_chain(eviction, names, 40);
        cache_names(manager, names, 32);
        cache_names(manager, names + 32, 8);
        assert_int_equal(kvlogical_manager_metrics(manager).evictions, 8);
        destroy_manager(manager);
        free(memory);
    }
}

static void in_memory_of_the_callers_names_with_handles_are_bounded(void **state) {
    (void)state;
    kvlogical_config config = config_of(8);
    size_t bytes;
    config.handle_capacity = 2;
    kvtest_assert_ok(kvlogical_manager_bytes(&config, &bytes, NULL));
    void *memory = aligned_alloc(64, (bytes + 63) / 64 * 64);
    kvlogical_manager *manager = NULL;
    kvtest_assert_ok(kvlogical_manager_create_in(&config, memory, bytes, &manager, NULL));
    kvlogical_registry *registry = kvlogical_manager_registry(manager);
    kvhash_plh names[3], twice[3];
    kvlogical_handle handles[3];
    name_roots(1, names, 3);
    kvtest_assert_status(kvlogical_registry_register(registry, names, 3, handles), KVCORE_ENOSPACE);
    assert_int_equal(kvlogical_registry_count(registry), 0);
    twice[0] = twice[1] = names[0]; /* two names in three places fit */
    twice[2] = names[1];
    kvtest_assert_ok(kvlogical_registry_register(registry, twice, 3, handles));
    kvlogical_handle more;
    kvtest_assert_status(kvlogical_registry_register(registry, &names[2], 1, &more), KVCORE_ENOSPACE);
    kvtest_assert_status(kvlogical_handle_attach(registry, &handles[0], 1, &more, NULL, NULL), KVCORE_ENOTSUP);
    kvlogical_immutable held;
    kvlogical_weak weak;
    hold_names(manager, &names[2], 1, &held);
    kvtest_assert_status(kvlogical_downgrade(manager, &held, 1, &weak), KVCORE_ENOSPACE);
    kvtest_assert_ok(kvlogical_handle_release(registry, handles, 3));
    kvtest_assert_ok(kvlogical_downgrade(manager, &held, 1, &weak));
    kvtest_assert_ok(kvlogical_release_weak(manager, &weak, 1));
    kvtest_assert_ok(kvlogical_release(manager, &held, 1));
    destroy_manager(manager);
    free(memory);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_manager_has_all_blocks_free),
        cmocka_unit_test(every_policy_makes_a_manager_that_hands_out_blocks),
        cmocka_unit_test(a_manager_needs_blocks),
        cmocka_unit_test(thresholds_ascend_within_1_to_15),
        cmocka_unit_test(multi_lru_needs_a_registry_that_counts),
        cmocka_unit_test(a_private_registry_counts_for_multi_lru_only),
        cmocka_unit_test(block_tokens_are_a_power_of_two_up_to_1024),
        cmocka_unit_test(a_sketch_belongs_to_the_registry_it_is_made_with),
        cmocka_unit_test(the_private_registry_of_a_manager_is_not_shared),
        cmocka_unit_test(a_registry_refuses_what_cannot_work),
        cmocka_unit_test(a_manager_lives_in_memory_of_the_callers),
        cmocka_unit_test(in_memory_of_the_callers_names_with_handles_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
