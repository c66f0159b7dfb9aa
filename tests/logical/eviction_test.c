/* Which inactive block goes first? One small story a rule; the model test has the random ones. */
#include "support.h"

#include <kvlogical/inspect.h>

static kvlogical_manager *make_with(uint32_t eviction, size_t blocks) {
    kvlogical_config config = config_of(blocks);
    config.eviction = eviction;
    return make_manager(&config);
}

/* A pool just large enough, all names held, then released one after the other in the given order. */
static kvlogical_manager *release_in_order(uint32_t eviction, const kvhash_plh *names, size_t count,
                                           const size_t *order) {
    kvlogical_manager *manager = make_with(eviction, count);
    kvlogical_immutable held[BATCH_MOST];
    hold_names(manager, names, count, held);
    for (size_t i = 0; i < count; i++) kvtest_assert_ok(kvlogical_release(manager, &held[order[i]], 1));
    assert_sound(manager);
    return manager;
}

static kvlogical_immutable match_one(kvlogical_manager *manager, kvhash_plh name) {
    kvlogical_immutable held;
    size_t hits;
    kvtest_assert_ok(kvlogical_match_prefix(manager, &name, 1, &held, &hits));
    assert_int_equal(hits, 1);
    return held;
}

static uint64_t ghosts(const kvlogical_manager *manager) { return kvlogical_manager_metrics(manager).lineage_ghosts; }

#define ORDER(...) ((const size_t[]){__VA_ARGS__})

/* ---- LRU and FIFO ---- */

static void the_least_recently_released_goes_first(void **state) {
    (void)state;
    static const uint32_t kinds[] = {KVLOGICAL_EVICT_LRU, KVLOGICAL_EVICT_FIFO};
    for (int k = 0; k < 2; k++) {
        kvhash_plh names[4];
        name_roots(1, names, 4);
        kvlogical_manager *manager = release_in_order(kinds[k], names, 4, ORDER(2, 0, 3, 1));
        assert_true(is_present(kvlogical_manager_registry(manager), names[2], 0)); /* asking does not reorder */
        expect_victims(manager, names, 4, ORDER(2, 0, 3, 1), 4);
        destroy_manager(manager);
    }
}

static void a_match_takes_out_and_a_release_puts_last(void **state) {
    (void)state;
    static const uint32_t kinds[] = {KVLOGICAL_EVICT_LRU, KVLOGICAL_EVICT_FIFO};
    for (int k = 0; k < 2; k++) {
        kvhash_plh names[4];
        name_roots(1, names, 4);
        kvlogical_manager *manager = release_in_order(kinds[k], names, 4, ORDER(0, 1, 2, 3));
        kvlogical_immutable middle = match_one(manager, names[2]);
        assert_int_equal(match_names(manager, &names[0], 1), 1);
        expect_victims(manager, names, 4, ORDER(1, 3, 0), 3);
        kvtest_assert_ok(kvlogical_release(manager, &middle, 1));
        destroy_manager(manager);
    }
}

static void lru_and_fifo_evict_alike_in_any_life(void **state) {
    (void)state;
    kvtest_random random = kvtest_seed(0x5EED);
    kvlogical_manager *pools[2] = {make_with(KVLOGICAL_EVICT_LRU, 16), make_with(KVLOGICAL_EVICT_FIFO, 16)};
    kvhash_plh names[64];
    name_roots(1, names, 64);
    for (int step = 0; step < 2000; step++) {
        size_t first = kvtest_below(&random, 60), count = 1 + kvtest_below(&random, 4);
        kvhash_plh gone[2][4];
        kvlogical_evicted evicted[2] = {{gone[0], 0}, {gone[1], 0}};
        for (int p = 0; p < 2; p++) {
            kvlogical_mutable blocks[4];
            kvlogical_complete staged[4];
            kvlogical_immutable held[4];
            size_t hits = match_names(pools[p], names + first, count), missing = count - hits;
            kvtest_assert_ok(kvlogical_allocate(pools[p], missing, blocks, &evicted[p]));
            kvtest_assert_ok(kvlogical_stage(pools[p], blocks, names + first + hits, missing, staged));
            kvtest_assert_ok(kvlogical_register(pools[p], staged, missing, held));
            kvtest_assert_ok(kvlogical_release(pools[p], held, missing));
        }
        assert_int_equal(evicted[0].count, evicted[1].count);
        for (size_t i = 0; i < evicted[0].count; i++) assert_same_name(gone[0][i], gone[1][i]);
    }
    destroy_manager(pools[0]);
    destroy_manager(pools[1]);
}

/* ---- multi-LRU ---- */

static void expect_level(kvlogical_manager *manager, size_t block, uint32_t level) {
    kvlogical_slot slot;
    size_t count;
    kvtest_assert_ok(kvlogical_list_slots(manager, block, &slot, 1, &count));
    assert_int_equal(count, 1);
    assert_int_equal(slot.state, KVLOGICAL_STATE_INACTIVE);
    assert_int_equal(slot.level, level);
}

static kvlogical_manager *make_multi_lru(size_t blocks) {
    kvlogical_config config = config_of(blocks);
    config.eviction = KVLOGICAL_EVICT_MULTI_LRU;
    config.frequency_thresholds[0] = 2;
    config.frequency_thresholds[1] = 6;
    config.frequency_thresholds[2] = 15;
    return make_manager(&config);
}

static void touch(kvlogical_manager *manager, kvhash_plh name, unsigned until) {
    kvlogical_registry *registry = kvlogical_manager_registry(manager);
    for (unsigned i = 0; i < 40 && kvlogical_registry_frequency(registry, name) < until; i++)
        kvlogical_registry_touch(registry, name);
    assert_int_equal(kvlogical_registry_frequency(registry, name), until);
}

static void the_level_is_how_often_a_name_was_used_when_it_was_released(void **state) {
    (void)state;
    static const unsigned uses[] = {1, 2, 5, 6, 14, 15};
    static const uint32_t levels[] = {0, 1, 1, 2, 2, 3};
    kvlogical_manager *manager = make_multi_lru(6);
    kvhash_plh names[6];
    kvlogical_immutable held[6];
    name_roots(1, names, 6);
    hold_names(manager, names, 6, held); /* one use each */
    for (int i = 0; i < 6; i++) touch(manager, names[i], uses[i]);
    kvtest_assert_ok(kvlogical_release(manager, held, 6));
    for (size_t i = 0; i < 6; i++) expect_level(manager, i, levels[i]);
    touch(manager, names[0], 15); /* no promotion while inactive */
    expect_level(manager, 0, 0);
    held[0] = match_one(manager, names[0]);
    kvtest_assert_ok(kvlogical_release(manager, held, 1));
    expect_level(manager, 0, 3);
    destroy_manager(manager);
}

static void cold_levels_go_before_warm_ones(void **state) {
    (void)state;
    kvlogical_manager *manager = make_multi_lru(3);
    kvhash_plh names[3];
    kvlogical_immutable held[3];
    name_roots(1, names, 3);
    hold_names(manager, names, 3, held);
    touch(manager, names[1], 2);
    touch(manager, names[2], 6);
    static const int order[] = {2, 0, 1};
    for (int i = 0; i < 3; i++) kvtest_assert_ok(kvlogical_release(manager, &held[order[i]], 1));
    expect_victims(manager, names, 3, ORDER(0, 1, 2), 3);
    destroy_manager(manager);
}

static void all_levels_are_searched_and_drained(void **state) {
    (void)state;
    kvlogical_manager *manager = make_multi_lru(4);
    kvhash_plh names[4];
    kvlogical_immutable held[4];
    name_roots(1, names, 4);
    hold_names(manager, names, 4, held);
    touch(manager, names[0], 15);
    touch(manager, names[1], 6);
    touch(manager, names[2], 2);
    kvtest_assert_ok(kvlogical_release(manager, held, 4));
    assert_int_equal(match_names(manager, names, 4), 4); /* one use more for each: levels 3, 2, 1, 1 */
    expect_victims(manager, names, 4, ORDER(2, 3, 1, 0), 4);
    destroy_manager(manager);
}

/* ---- lineage ---- */

static void two_chains_of_two(kvhash_plh *names) {
    name_chain(1, names, 2);
    name_chain(2, names + 2, 2);
}

static void a_single_block_leaves_nothing_behind(void **state) {
    (void)state;
    kvhash_plh name;
    name_chain(1, &name, 1);
    kvlogical_manager *manager = release_in_order(KVLOGICAL_EVICT_LINEAGE_TICK, &name, 1, ORDER(0));
    expect_victims(manager, &name, 1, ORDER(0), 1);
    assert_int_equal(ghosts(manager), 0);
    destroy_manager(manager);
}

static void a_child_goes_before_its_parent_whichever_came_first(void **state) {
    (void)state;
    for (uint32_t kind = KVLOGICAL_EVICT_LINEAGE_TICK; kind <= KVLOGICAL_EVICT_LINEAGE_FIFO; kind++) {
        kvhash_plh names[3];
        name_chain(1, names, 3);
        const size_t *orders[] = {ORDER(0, 1, 2), ORDER(2, 1, 0), ORDER(1, 0, 2), ORDER(1, 2, 0)};
        for (int i = 0; i < 4; i++) {
            kvlogical_manager *manager = release_in_order(kind, names, 3, orders[i]);
            expect_victims(manager, names, 3, ORDER(2, 1, 0), 3);
            assert_int_equal(ghosts(manager), 0);
            destroy_manager(manager);
        }
    }
}

static void by_tick_a_chain_goes_as_a_whole(void **state) {
    (void)state;
    kvhash_plh names[4];
    two_chains_of_two(names);
    kvlogical_manager *manager = release_in_order(KVLOGICAL_EVICT_LINEAGE_TICK, names, 4, ORDER(0, 1, 2, 3));
    expect_victims(manager, names, 4, ORDER(1, 0, 3, 2), 4);
    destroy_manager(manager);
}

static void by_fifo_a_new_leaf_waits_behind_the_others(void **state) {
    (void)state;
    kvhash_plh names[4];
    two_chains_of_two(names);
    kvlogical_manager *manager = release_in_order(KVLOGICAL_EVICT_LINEAGE_FIFO, names, 4, ORDER(0, 1, 2, 3));
    expect_victims(manager, names, 4, ORDER(1, 3, 0, 2), 4);
    destroy_manager(manager);

    manager = release_in_order(KVLOGICAL_EVICT_LINEAGE_FIFO, names, 4, ORDER(0, 1, 2, 3));
    kvlogical_immutable held = match_one(manager, names[1]); /* A0 is a leaf again: behind B1 */
    expect_victims(manager, names, 4, ORDER(3, 0, 2), 3);
    kvtest_assert_ok(kvlogical_release(manager, &held, 1));
    destroy_manager(manager);
}

static void a_chain_released_again_goes_after_the_other(void **state) {
    (void)state;
    kvhash_plh names[5]; /* C0 C1 C2 B0 B1 */
    name_chain(1, names, 3);
    name_chain(2, names + 3, 2);
    kvlogical_manager *manager = release_in_order(KVLOGICAL_EVICT_LINEAGE_TICK, names, 5, ORDER(0, 1, 2, 3, 4));
    assert_int_equal(match_names(manager, names, 3), 3);
    expect_victims(manager, names, 5, ORDER(4, 3, 2, 1, 0), 5);
    destroy_manager(manager);
}

static void siblings_go_by_age_and_the_root_last(void **state) {
    (void)state;
    for (uint32_t kind = KVLOGICAL_EVICT_LINEAGE_TICK; kind <= KVLOGICAL_EVICT_LINEAGE_FIFO; kind++) {
        kvhash_plh names[3];
        name_chain(1, names, 1);
        kvtest_assert_ok(kvhash_plh_extend(names[0], 71, &names[1]));
        kvtest_assert_ok(kvhash_plh_extend(names[0], 72, &names[2]));
        kvlogical_manager *manager = release_in_order(kind, names, 3, ORDER(0, 1, 2));
        expect_victims(manager, names, 3, ORDER(1, 2, 0), 3);
        destroy_manager(manager);
    }
}

static void a_block_matched_away_holds_its_place_between_parent_and_child(void **state) {
    (void)state;
    kvhash_plh names[3];
    name_chain(1, names, 3);
    kvlogical_manager *manager = release_in_order(KVLOGICAL_EVICT_LINEAGE_TICK, names, 3, ORDER(0, 1, 2));
    kvlogical_immutable held = match_one(manager, names[1]);
    expect_victims(manager, names, 3, ORDER(2, 0), 2); /* C0 was no leaf as long as C2 was there */
    assert_int_equal(ghosts(manager), 0);
    kvtest_assert_ok(kvlogical_release(manager, &held, 1));
    destroy_manager(manager);

    manager = release_in_order(KVLOGICAL_EVICT_LINEAGE_TICK, names, 3, ORDER(0, 1, 2));
    assert_int_equal(match_names(manager, &names[1], 1), 1);
    assert_int_equal(ghosts(manager), 0);
    expect_victims(manager, names, 3, ORDER(2, 1, 0), 3);
    destroy_manager(manager);
}

static void the_last_of_a_chain_takes_all_ghosts_with_it(void **state) {
    (void)state;
    kvhash_plh names[4];
    kvlogical_immutable held[3];
    size_t hits;
    name_chain(1, names, 4);
    kvlogical_manager *manager = release_in_order(KVLOGICAL_EVICT_LINEAGE_FIFO, names, 4, ORDER(0, 1, 2, 3));
    kvtest_assert_ok(kvlogical_match_prefix(manager, names, 3, held, &hits));
    assert_int_equal(hits, 3);
    expect_victims(manager, names, 4, ORDER(3), 1);
    assert_int_equal(ghosts(manager), 0);
    kvtest_assert_ok(kvlogical_release(manager, held, 3));
    destroy_manager(manager);
}

static void a_lone_block_deep_in_a_chain_has_one_ghost(void **state) {
    (void)state;
    kvhash_plh names[101];
    name_chain(1, names, 101);
    kvlogical_manager *manager = release_in_order(KVLOGICAL_EVICT_LINEAGE_TICK, &names[100], 1, ORDER(0));
    assert_int_equal(ghosts(manager), 1);
    expect_victims(manager, names, 101, ORDER(100), 1);
    assert_int_equal(ghosts(manager), 0);
    destroy_manager(manager);
}

static void long_chains_stay_one_across_the_widths_of_fragments(void **state) {
    (void)state;
    static const uint64_t firsts[] = {0, 65400};
    for (int f = 0; f < 2; f++) {
        kvhash_plh names[300];
        size_t order[300], victims[300];
        kvtest_assert_ok(kvhash_plh_make(77, f == 0 ? 0 : 99, firsts[f], &names[0]));
        for (size_t i = 1; i < 300; i++) kvtest_assert_ok(kvhash_plh_extend(names[i - 1], i, &names[i]));
        for (size_t i = 0; i < 300; i++) order[i] = i, victims[i] = 299 - i;
        kvlogical_manager *manager = release_in_order(KVLOGICAL_EVICT_LINEAGE_TICK, names, 300, order);
        assert_int_equal(ghosts(manager), f); /* the parent of the first, unless it is a root */
        expect_victims(manager, names, 300, victims, 300);
        assert_int_equal(ghosts(manager), 0);
        destroy_manager(manager);
    }
}

static void a_thousand_blocks_deep(void **state) {
    (void)state;
    kvlogical_manager *manager = make_with(KVLOGICAL_EVICT_LINEAGE_TICK, 1000);
    kvhash_plh names[1000];
    name_chain(1, names, 1000);
    cache_names(manager, names, 500);
    cache_names(manager, names + 500, 500);
    kvlogical_immutable tail = match_one(manager, names[999]);
    assert_int_equal(kvlogical_manager_counts(manager).inactive, 999);
    assert_int_equal(ghosts(manager), 0);
    expect_victims(manager, names, 1000, ORDER(998, 997), 2);
    kvtest_assert_ok(kvlogical_release(manager, &tail, 1));
    destroy_manager(manager);
}

static void a_name_with_another_parent_is_a_miss_and_removes_nothing(void **state) {
    (void)state;
    for (uint32_t kind = KVLOGICAL_EVICT_LRU; kind <= KVLOGICAL_EVICT_LINEAGE_FIFO; kind++) {
        kvhash_plh stored, other;
        kvlogical_immutable held;
        size_t index, found;
        kvtest_assert_ok(kvhash_plh_make(0x1111, 1, 5, &stored));
        kvtest_assert_ok(kvhash_plh_make(0x1111, 2, 5, &other));
        kvlogical_manager *manager = release_in_order(kind, &stored, 1, ORDER(0));
        assert_int_equal(match_names(manager, &other, 1), 0);
        kvtest_assert_ok(kvlogical_scan(manager, &other, 1, false, &held, &index, &found));
        assert_int_equal(found, 0);
        assert_false(is_present(kvlogical_manager_registry(manager), other, 0));
        assert_int_equal(match_names(manager, &stored, 1), 1);
        expect_victims(manager, &stored, 1, ORDER(0), 1);
        destroy_manager(manager);
    }
}

/* A random forest: no victim has a child that is inactive. */
static void no_parent_goes_before_its_child(void **state) {
    (void)state;
    enum { NAMES = 200, BLOCKS = 48 };
    for (uint32_t kind = KVLOGICAL_EVICT_LINEAGE_TICK; kind <= KVLOGICAL_EVICT_LINEAGE_FIFO; kind++) {
        kvtest_random random = kvtest_seed(kind);
        kvlogical_manager *manager = make_with(kind, BLOCKS);
        kvhash_plh names[NAMES];
        int parents[NAMES];
        bool inactive[NAMES] = {false};
        for (int i = 0; i < NAMES; i++) {
            parents[i] = i < 4 ? -1 : (int)kvtest_below(&random, (uint64_t)i);
            if (i < 4)
                names[i] = kvhash_plh_root((uint64_t)i + 1);
            else
                kvtest_assert_ok(kvhash_plh_extend(names[parents[i]], (uint64_t)i, &names[i]));
        }
        for (int step = 0; step < 3000; step++) {
            int i = (int)kvtest_below(&random, NAMES);
            kvhash_plh gone;
            kvlogical_mutable block;
            kvlogical_complete staged;
            kvlogical_immutable held;
            kvlogical_evicted evicted = {&gone, 0};
            if (match_names(manager, &names[i], 1) == 1) continue;
            kvtest_assert_ok(kvlogical_allocate(manager, 1, &block, &evicted));
            kvtest_assert_ok(kvlogical_stage(manager, &block, &names[i], 1, &staged));
            kvtest_assert_ok(kvlogical_register(manager, &staged, 1, &held));
            for (int k = 0; evicted.count == 1 && k < NAMES; k++) {
                if (kvhash_plh_equal(names[k], gone)) inactive[k] = false;
                assert_false(inactive[k] && parents[k] >= 0 && kvhash_plh_equal(names[parents[k]], gone));
            }
            kvtest_assert_ok(kvlogical_release(manager, &held, 1));
            inactive[i] = true;
        }
        destroy_manager(manager);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_least_recently_released_goes_first),
        cmocka_unit_test(a_match_takes_out_and_a_release_puts_last),
        cmocka_unit_test(lru_and_fifo_evict_alike_in_any_life),
        cmocka_unit_test(the_level_is_how_often_a_name_was_used_when_it_was_released),
        cmocka_unit_test(cold_levels_go_before_warm_ones),
        cmocka_unit_test(all_levels_are_searched_and_drained),
        cmocka_unit_test(a_single_block_leaves_nothing_behind),
        cmocka_unit_test(a_child_goes_before_its_parent_whichever_came_first),
        cmocka_unit_test(by_tick_a_chain_goes_as_a_whole),
        cmocka_unit_test(by_fifo_a_new_leaf_waits_behind_the_others),
        cmocka_unit_test(a_chain_released_again_goes_after_the_other),
        cmocka_unit_test(siblings_go_by_age_and_the_root_last),
        cmocka_unit_test(a_block_matched_away_holds_its_place_between_parent_and_child),
        cmocka_unit_test(the_last_of_a_chain_takes_all_ghosts_with_it),
        cmocka_unit_test(a_lone_block_deep_in_a_chain_has_one_ghost),
        cmocka_unit_test(long_chains_stay_one_across_the_widths_of_fragments),
        cmocka_unit_test(a_thousand_blocks_deep),
        cmocka_unit_test(a_name_with_another_parent_is_a_miss_and_removes_nothing),
        cmocka_unit_test(no_parent_goes_before_its_child),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
