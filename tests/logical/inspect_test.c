/* What operators ask: withdrawing, listing, explaining; and a manager in memory of the caller's. */
#include "kvtest.h"

#include <kvlogical/inspect.h>
#include <kvlogical/metrics.h>

#define BLOCKS 8

static kvlogical_manager *make(uint32_t eviction) {
    kvlogical_config config = KVLOGICAL_CONFIG_INIT;
    config.block_count = BLOCKS;
    config.eviction = eviction;
    config.history = 64;
    kvlogical_manager *manager = NULL;
    kvtest_assert_ok(kvlogical_manager_create(&config, &manager, NULL));
    return manager;
}

static void chain(uint64_t id, kvhash_plh *names, size_t count) {
    names[0] = kvhash_plh_root(id * UINT64_C(0x9E3779B97F4A7C15) + 1);
    for (size_t i = 1; i < count; i++) kvtest_assert_ok(kvhash_plh_extend(names[i - 1], id + i, &names[i]));
}

static void stage(kvlogical_manager *manager, const kvhash_plh *names, size_t count, kvlogical_complete *staged) {
    kvlogical_mutable blocks[BLOCKS];
    kvtest_assert_ok(kvlogical_allocate(manager, count, blocks, NULL));
    kvtest_assert_ok(kvlogical_stage(manager, blocks, names, count, staged));
}

static void fill(kvlogical_manager *manager, const kvhash_plh *names, size_t count, kvlogical_immutable *held) {
    kvlogical_complete staged[BLOCKS];
    stage(manager, names, count, staged);
    kvtest_assert_ok(kvlogical_register(manager, staged, count, held));
}

static void assert_sound(const kvlogical_manager *manager) {
    kvcore_error error;
    if (kvlogical_manager_validate(manager, &error) != KVCORE_OK) fail_msg("%s", error.text);
}

static size_t matches(kvlogical_manager *manager, const kvhash_plh *names, size_t count) {
    kvlogical_immutable found[BLOCKS];
    size_t hits;
    kvtest_assert_ok(kvlogical_match_prefix(manager, names, count, found, &hits));
    kvtest_assert_ok(kvlogical_release_tail_first(manager, found, hits));
    return hits;
}

static kvlogical_explanation explain(const kvlogical_manager *manager, kvhash_plh name) {
    kvlogical_explanation explanation;
    memset(&explanation, 0xAA, sizeof explanation);
    kvtest_assert_ok(kvlogical_explain(manager, &name, 1, &explanation));
    return explanation;
}

static const uint32_t policies[] = {KVLOGICAL_EVICT_LRU, KVLOGICAL_EVICT_MULTI_LRU, KVLOGICAL_EVICT_FIFO,
                                    KVLOGICAL_EVICT_LINEAGE_TICK, KVLOGICAL_EVICT_LINEAGE_FIFO};

static void a_withdrawn_name_is_found_no_more_and_its_guards_stay_good(void **state) {
    (void)state;
    for (size_t p = 0; p < sizeof policies / sizeof *policies; p++) {
        kvlogical_manager *manager = make(policies[p]);
        kvhash_plh names[3];
        kvlogical_immutable held[3], copy;
        size_t withdrawn = 99;
        chain(1, names, 3);
        fill(manager, names, 3, held);
        kvtest_assert_ok(kvlogical_release(manager, &held[2], 1)); /* inactive; its parents are held */
        kvtest_assert_ok(kvlogical_withdraw(manager, &names[1], 2, &withdrawn));
        assert_int_equal(withdrawn, 2);
        assert_sound(manager);
        assert_int_equal(matches(manager, names, 3), 1);
        kvlogical_counts counts = kvlogical_manager_counts(manager);
        assert_int_equal(counts.withdrawn, 1);
        assert_int_equal(counts.inactive, 0);
        assert_int_equal(counts.free, BLOCKS - 2);
        kvtest_assert_ok(kvlogical_clone(manager, &held[1], 1, &copy));
        kvtest_assert_ok(kvlogical_release(manager, &held[1], 1));
        assert_int_equal(kvlogical_manager_counts(manager).withdrawn, 1);
        kvtest_assert_ok(kvlogical_release(manager, &copy, 1));
        assert_int_equal(kvlogical_manager_counts(manager).free, BLOCKS - 1);
        assert_int_equal(explain(manager, names[1]).reason, KVLOGICAL_REASON_WITHDRAWN);

        kvlogical_immutable again[1]; /* the next of the name is an ordinary one */
        fill(manager, &names[1], 1, again);
        assert_int_equal(matches(manager, names, 3), 2);
        kvtest_assert_ok(kvlogical_release(manager, again, 1));
        kvtest_assert_ok(kvlogical_release(manager, held, 1));
        assert_int_equal(kvlogical_manager_metrics(manager).withdrawals, 2);
        assert_sound(manager);
        kvtest_assert_ok(kvlogical_manager_destroy(manager));
    }
}

static void duplicates_and_staged_blocks_are_withdrawn_too(void **state) {
    (void)state;
    kvlogical_manager *manager = make(KVLOGICAL_EVICT_LRU);
    kvhash_plh name = kvhash_plh_root(7);
    kvlogical_immutable primary, duplicate, late;
    kvlogical_complete staged;
    size_t withdrawn;
    fill(manager, &name, 1, &primary);
    fill(manager, &name, 1, &duplicate);
    stage(manager, &name, 1, &staged);
    kvtest_assert_ok(kvlogical_release(manager, &primary, 1)); /* only the duplicate keeps it */
    kvtest_assert_ok(kvlogical_withdraw(manager, &name, 1, &withdrawn));
    assert_int_equal(withdrawn, 3);
    kvlogical_counts counts = kvlogical_manager_counts(manager);
    assert_int_equal(counts.withdrawn, 1);
    assert_int_equal(counts.primary, 0);
    kvtest_assert_ok(kvlogical_register(manager, &staged, 1, &late));
    assert_sound(manager);
    assert_int_equal(matches(manager, &name, 1), 0);
    assert_int_equal(kvlogical_manager_counts(manager).withdrawn, 2);
    kvtest_assert_ok(kvlogical_release(manager, &duplicate, 1));
    kvtest_assert_ok(kvlogical_release(manager, &late, 1));
    assert_int_equal(kvlogical_manager_counts(manager).free, BLOCKS);
    kvtest_assert_ok(kvlogical_manager_destroy(manager));
}

static void everything_is_withdrawn_at_once(void **state) {
    (void)state;
    for (size_t p = 0; p < sizeof policies / sizeof *policies; p++) {
        kvlogical_manager *manager = make(policies[p]);
        kvhash_plh names[7];
        kvlogical_immutable held[4];
        kvlogical_complete staged[2];
        kvlogical_mutable spare;
        size_t withdrawn;
        chain(1, names, 7);
        fill(manager, names, 4, held);
        kvtest_assert_ok(kvlogical_release(manager, &held[0], 1));
        kvtest_assert_ok(kvlogical_release(manager, &held[3], 1));
        stage(manager, &names[4], 2, staged);
        kvtest_assert_ok(kvlogical_allocate(manager, 1, &spare, NULL));
        kvtest_assert_ok(kvlogical_withdraw_all(manager, &withdrawn));
        assert_int_equal(withdrawn, 6);
        assert_sound(manager);
        assert_int_equal(matches(manager, names, 7), 0);
        assert_int_equal(kvlogical_registry_count(kvlogical_manager_registry(manager)), 0);
        kvlogical_immutable late[2];
        kvtest_assert_ok(kvlogical_register(manager, staged, 2, late));
        assert_int_equal(matches(manager, &names[4], 1), 0);
        kvtest_assert_ok(kvlogical_release(manager, late, 2));
        kvtest_assert_ok(kvlogical_release(manager, held, 4));
        kvtest_assert_ok(kvlogical_release_mutable(manager, &spare, 1));
        assert_int_equal(kvlogical_manager_counts(manager).free, BLOCKS);
        assert_sound(manager);
        kvtest_assert_ok(kvlogical_manager_destroy(manager));
    }
}

static void slots_are_listed_with_what_they_hold(void **state) {
    (void)state;
    kvlogical_manager *manager = make(KVLOGICAL_EVICT_LRU);
    kvhash_plh names[3];
    kvlogical_immutable held[2], copy;
    kvlogical_complete staged;
    kvlogical_mutable spare;
    kvlogical_slot slots[BLOCKS];
    size_t count;
    chain(1, names, 3);
    fill(manager, names, 2, held);
    stage(manager, &names[2], 1, &staged);
    kvtest_assert_ok(kvlogical_allocate(manager, 1, &spare, NULL));
    kvtest_assert_ok(kvlogical_clone(manager, &held[0], 1, &copy));
    kvtest_assert_ok(kvlogical_release(manager, &held[1], 1));
    kvtest_assert_ok(kvlogical_list_slots(manager, 0, slots, BLOCKS, &count));
    assert_int_equal(count, BLOCKS);
    static const uint32_t states[] = {KVLOGICAL_STATE_PRIMARY, KVLOGICAL_STATE_INACTIVE, KVLOGICAL_STATE_STAGED,
                                      KVLOGICAL_STATE_MUTABLE, KVLOGICAL_STATE_FREE};
    static const uint32_t holds[] = {2, 0, 0, 0, 0};
    for (uint32_t i = 0; i < 5; i++) {
        assert_int_equal(slots[i].block, i);
        assert_int_equal(slots[i].state, states[i]);
        assert_int_equal(slots[i].holds, holds[i]);
        assert_true(kvhash_plh_equal(slots[i].name, i < 3 ? names[i] : (kvhash_plh){0, 0}));
        assert_true(slots[i].age_ns < UINT64_C(3600) * 1000000000);
    }
    kvtest_assert_ok(kvlogical_list_slots(manager, 6, slots, BLOCKS, &count));
    assert_int_equal(count, 2);
    assert_int_equal(slots[0].block, 6);
    kvtest_assert_ok(kvlogical_list_slots(manager, BLOCKS, slots, BLOCKS, &count));
    assert_int_equal(count, 0);
    kvtest_assert_status(kvlogical_list_slots(manager, 0, NULL, 1, &count), KVCORE_EINVAL);
    kvtest_assert_ok(kvlogical_release(manager, held, 2));
    kvtest_assert_ok(kvlogical_release(manager, &copy, 1));
    kvtest_assert_ok(kvlogical_release_complete(manager, &staged, 1));
    kvtest_assert_ok(kvlogical_release_mutable(manager, &spare, 1));
    kvtest_assert_ok(kvlogical_manager_destroy(manager));
}

static void a_miss_is_explained(void **state) {
    (void)state;
    kvlogical_registry_config registry_config = KVLOGICAL_REGISTRY_CONFIG_INIT;
    kvlogical_registry *registry;
    kvtest_assert_ok(kvlogical_registry_create(&registry_config, &registry, NULL));
    kvlogical_config config = KVLOGICAL_CONFIG_INIT;
    config.block_count = 2;
    config.eviction = KVLOGICAL_EVICT_LRU;
    config.registry = registry;
    config.tier = 1;
    kvlogical_manager *device, *host;
    kvtest_assert_ok(kvlogical_manager_create(&config, &device, NULL));
    config.tier = 2;
    kvtest_assert_ok(kvlogical_manager_create(&config, &host, NULL));
    kvhash_plh a = kvhash_plh_root(1), b = kvhash_plh_root(2), c = kvhash_plh_root(3), d = kvhash_plh_root(4);
    kvlogical_immutable held[3];
    fill(device, &a, 1, &held[0]);
    assert_int_equal(explain(device, a).reason, KVLOGICAL_REASON_HELD);
    kvtest_assert_ok(kvlogical_release(device, &held[0], 1));
    assert_int_equal(explain(device, a).reason, KVLOGICAL_REASON_INACTIVE);
    assert_int_equal(explain(device, a).block, 0);
    fill(device, &b, 1, &held[1]);
    fill(device, &c, 1, &held[2]); /* evicts a */
    kvlogical_explanation e = explain(device, a);
    assert_int_equal(e.reason, KVLOGICAL_REASON_EVICTED);
    assert_int_equal(e.block, 0);
    assert_int_equal(e.evictions_since, 0);
    assert_true(kvhash_plh_equal(e.successor, c));
    kvtest_assert_ok(kvlogical_release(device, &held[1], 1));
    fill(device, &d, 1, &held[0]); /* evicts b */
    assert_int_equal(explain(device, a).evictions_since, 1);
    assert_int_equal(explain(device, kvhash_plh_root(99)).reason, KVLOGICAL_REASON_NEVER_SEEN);

    kvlogical_immutable other;
    fill(host, &b, 1, &other);
    e = explain(device, b);
    assert_int_equal(e.reason, KVLOGICAL_REASON_OTHER_TIER);
    assert_int_equal(e.tier, 2);
    kvlogical_handle handle;
    kvhash_plh alone = kvhash_plh_root(5);
    kvtest_assert_ok(kvlogical_registry_register(registry, &alone, 1, &handle));
    assert_int_equal(explain(device, alone).reason, KVLOGICAL_REASON_REGISTERED);
    kvtest_assert_ok(kvlogical_handle_release(registry, &handle, 1));

    kvtest_assert_ok(kvlogical_set_reset_on_release(device, &held[2], true));
    kvtest_assert_ok(kvlogical_release(device, held, 3));
    assert_int_equal(explain(device, c).reason, KVLOGICAL_REASON_RESET);
    kvtest_assert_ok(kvlogical_reset_inactive(device, NULL));
    assert_int_equal(explain(device, d).reason, KVLOGICAL_REASON_RESET);
    kvtest_assert_ok(kvlogical_release(host, &other, 1));
    kvtest_assert_ok(kvlogical_manager_destroy(device));
    kvtest_assert_ok(kvlogical_manager_destroy(host));
    kvtest_assert_ok(kvlogical_registry_destroy(registry));
}

static void without_history_a_miss_is_just_one(void **state) {
    (void)state;
    kvlogical_config config = KVLOGICAL_CONFIG_INIT;
    config.block_count = 1;
    config.history = KVLOGICAL_HISTORY_NONE;
    kvlogical_manager *manager;
    kvtest_assert_ok(kvlogical_manager_create(&config, &manager, NULL));
    kvhash_plh name = kvhash_plh_root(1), next = kvhash_plh_root(2);
    kvlogical_immutable held;
    fill(manager, &name, 1, &held);
    kvtest_assert_ok(kvlogical_release(manager, &held, 1));
    fill(manager, &next, 1, &held);
    assert_int_equal(explain(manager, name).reason, KVLOGICAL_REASON_NEVER_SEEN);
    kvtest_assert_ok(kvlogical_release(manager, &held, 1));
    kvtest_assert_ok(kvlogical_manager_destroy(manager));
}

static void a_manager_lives_in_the_callers_memory(void **state) {
    (void)state;
    for (size_t p = 0; p < sizeof policies / sizeof *policies; p++) {
        kvlogical_config config = KVLOGICAL_CONFIG_INIT;
        config.block_count = BLOCKS;
        config.eviction = policies[p];
        config.handle_capacity = 2;
        size_t bytes;
        kvcore_error error;
        kvlogical_manager *manager;
        kvtest_assert_ok(kvlogical_manager_bytes(&config, &bytes, NULL));
        char *memory = aligned_alloc(64, (bytes + 127) / 64 * 64);
        assert_non_null(memory);
        memset(memory, 0xAA, bytes + 1);
        kvtest_assert_status(kvlogical_manager_create_in(&config, memory, bytes - 1, &manager, &error), KVCORE_EBUFFER);
        assert_int_equal(error.expected, bytes);
        kvtest_assert_status(kvlogical_manager_create_in(&config, memory + 8, bytes, &manager, &error), KVCORE_EINVAL);
        kvtest_assert_ok(kvlogical_manager_create_in(&config, memory, bytes, &manager, NULL));
        assert_int_equal(kvlogical_manager_memory_bytes(manager), bytes);

        kvhash_plh names[BLOCKS];
        kvlogical_immutable held[BLOCKS];
        kvlogical_weak weak[3];
        chain(1, names, BLOCKS);
        for (int round = 0; round < 3; round++) {
            chain((uint64_t)round, names, BLOCKS);
            fill(manager, names, BLOCKS, held);
            kvtest_assert_status(kvlogical_downgrade(manager, held, 3, weak), KVCORE_ENOSPACE);
            kvtest_assert_ok(kvlogical_downgrade(manager, held, 2, weak));
            assert_sound(manager);
            kvtest_assert_ok(kvlogical_release_weak(manager, weak, 2));
            kvtest_assert_ok(kvlogical_release(manager, held, BLOCKS));
        }
        kvlogical_handle handle;
        kvtest_assert_ok(kvlogical_registry_register(kvlogical_manager_registry(manager), names, 1, &handle));
        kvtest_assert_status(kvlogical_handle_attach(kvlogical_manager_registry(manager), &handle, 1, NULL, NULL, NULL),
                             KVCORE_ENOTSUP);
        kvtest_assert_status(kvlogical_manager_destroy(manager), KVCORE_EBUSY);
        kvtest_assert_ok(kvlogical_handle_release(kvlogical_manager_registry(manager), &handle, 1));
        kvtest_assert_ok(kvlogical_manager_destroy(manager));
        assert_int_equal((unsigned char)memory[bytes], 0xAA);
        free(memory);
    }
}

static void a_block_costs_what_was_promised(void **state) {
    (void)state;
    for (size_t blocks = 10000; blocks <= 1000000; blocks *= 10)
        for (size_t p = 0; p < sizeof policies / sizeof *policies; p++) {
            if (policies[p] == KVLOGICAL_EVICT_MULTI_LRU) continue; /* its sketch does not grow with the blocks */
            kvlogical_config config = KVLOGICAL_CONFIG_INIT;
            config.block_count = blocks;
            config.eviction = policies[p];
            size_t bytes;
            kvtest_assert_ok(kvlogical_manager_bytes(&config, &bytes, NULL));
            bool lineage = policies[p] >= KVLOGICAL_EVICT_LINEAGE_TICK;
            size_t ghosts = lineage ? 2 * 56 : 0; /* rows that are not touched before they are used */
            assert_true(bytes <= blocks * ((lineage ? 128 : 96) + ghosts));
        }
}

/* So many names of so many blocks that looking at each block for each name would take an hour. */
static void many_names_are_withdrawn_while_blocks_are_staged(void **state) {
    (void)state;
    enum { BLOCK_COUNT = 400000, STAGED = 1000, NAMES = 4000000 };
    kvlogical_config config = KVLOGICAL_CONFIG_INIT;
    config.block_count = BLOCK_COUNT;
    config.eviction = KVLOGICAL_EVICT_LRU;
    kvlogical_manager *manager = NULL;
    kvtest_assert_ok(kvlogical_manager_create(&config, &manager, NULL));
    kvhash_plh *names = malloc(NAMES * sizeof *names);
    kvlogical_complete *staged = malloc(STAGED * sizeof *staged);
    kvlogical_mutable *blocks = malloc(STAGED * sizeof *blocks);
    assert_true(names != NULL && staged != NULL && blocks != NULL);
    for (size_t i = 0; i < NAMES; i++) names[i] = kvhash_plh_root(i * UINT64_C(0x9E3779B97F4A7C15));
    kvtest_assert_ok(kvlogical_allocate(manager, STAGED, blocks, NULL));
    kvtest_assert_ok(kvlogical_stage(manager, blocks, names, STAGED, staged));
    size_t withdrawn;
    kvtest_assert_ok(kvlogical_withdraw(manager, names, NAMES, &withdrawn));
    assert_int_equal(withdrawn, STAGED);
    kvtest_assert_ok(kvlogical_release_complete(manager, staged, STAGED));
    assert_sound(manager);
    kvtest_assert_ok(kvlogical_manager_destroy(manager));
    free(names), free(staged), free(blocks);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_withdrawn_name_is_found_no_more_and_its_guards_stay_good),
        cmocka_unit_test(duplicates_and_staged_blocks_are_withdrawn_too),
        cmocka_unit_test(everything_is_withdrawn_at_once),
        cmocka_unit_test(many_names_are_withdrawn_while_blocks_are_staged),
        cmocka_unit_test(slots_are_listed_with_what_they_hold),
        cmocka_unit_test(a_miss_is_explained),
        cmocka_unit_test(without_history_a_miss_is_just_one),
        cmocka_unit_test(a_manager_lives_in_the_callers_memory),
        cmocka_unit_test(a_block_costs_what_was_promised),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
