/* Does a block go through its states as it should, with every gauge right on the way? */
#include "support.h"

static void a_whole_life_step_by_step(void **state) {
    (void)state;
    kvlogical_manager *manager = make_lru(10);
    kvhash_plh name = kvhash_plh_root(7), found;
    kvlogical_mutable block;
    kvlogical_complete staged;
    kvlogical_immutable held, matched;
    size_t hits;
    kvtest_assert_ok(kvlogical_allocate(manager, 1, &block, NULL));
    assert_gauges(manager, 1, 0, 0, 9);
    kvtest_assert_ok(kvlogical_stage(manager, &block, &name, 1, &staged));
    assert_gauges(manager, 0, 0, 0, 9);
    assert_int_equal(kvlogical_manager_metrics(manager).stagings, 1);
    kvtest_assert_ok(kvlogical_register(manager, &staged, 1, &held));
    assert_gauges(manager, 0, 1, 0, 9);
    assert_int_equal(kvlogical_manager_metrics(manager).registrations, 1);
    kvtest_assert_ok(kvlogical_match_prefix(manager, &name, 1, &matched, &hits));
    assert_int_equal(hits, 1);
    assert_gauges(manager, 0, 2, 0, 9);
    kvtest_assert_ok(kvlogical_name(manager, &matched, &found));
    assert_same_name(found, name);
    kvtest_assert_ok(kvlogical_release(manager, &held, 1));
    assert_gauges(manager, 0, 1, 0, 9);
    kvtest_assert_ok(kvlogical_release(manager, &matched, 1));
    assert_gauges(manager, 0, 0, 1, 9);
    assert_int_equal(available(manager), 10);
    kvtest_assert_ok(kvlogical_match_prefix(manager, &name, 1, &matched, &hits));
    assert_gauges(manager, 0, 1, 0, 9);
    assert_int_equal(matched.block, 0);
    kvtest_assert_ok(kvlogical_release(manager, &matched, 1));
    assert_gauges(manager, 0, 0, 1, 9);
    kvlogical_metrics metrics = kvlogical_manager_metrics(manager);
    assert_int_equal(metrics.match_hashes_requested, 2);
    assert_int_equal(metrics.match_blocks_returned, 2);
    destroy_manager(manager);
}

static void a_block_of_the_wrong_size_stays_mutable(void **state) {
    (void)state;
    kvlogical_manager *manager = make_lru(10);
    kvlogical_mutable blocks[2];
    kvlogical_complete staged[2];
    kvhash_plh names[2];
    const uint32_t sizes[2] = {3, 4};
    kvcore_error error;
    size_t done = 9;
    name_roots(1, names, 2);
    kvtest_assert_ok(kvlogical_allocate(manager, 2, blocks, NULL));
    for (int i = 0; i < 2; i++) {
        kvtest_assert_status(kvlogical_stage_sized(manager, &blocks[i], &names[i], sizes, 1, &staged[i], &done, &error),
                             KVLOGICAL_EBLOCK_SIZE);
        assert_int_equal(done, 0);
        assert_int_equal(error.expected, 4);
        assert_int_equal(error.actual, 3);
        assert_int_equal(blocks[i].block, i); /* the same guard, still good */
    }
    assert_gauges(manager, 2, 0, 0, 8);
    assert_int_equal(kvlogical_manager_metrics(manager).stagings, 0);
    kvtest_assert_ok(kvlogical_release_mutable(manager, blocks, 2));
    assert_gauges(manager, 0, 0, 0, 10);
    destroy_manager(manager);
}

static void staging_stops_at_the_first_wrong_size(void **state) {
    (void)state;
    kvlogical_manager *manager = make_lru(10);
    kvlogical_mutable blocks[4];
    kvlogical_complete staged[4];
    kvhash_plh names[4];
    const uint32_t sizes[4] = {4, 4, 8, 4};
    kvcore_error error;
    size_t done;
    name_roots(1, names, 4);
    kvtest_assert_ok(kvlogical_allocate(manager, 4, blocks, NULL));
    kvtest_assert_status(kvlogical_stage_sized(manager, blocks, names, sizes, 4, staged, &done, &error),
                         KVLOGICAL_EBLOCK_SIZE);
    assert_int_equal(done, 2);
    assert_int_equal(error.index, 2);
    assert_int_equal(error.expected, 4);
    assert_int_equal(error.actual, 8);
    assert_int_equal(blocks[0].manager, 0);
    assert_int_not_equal(blocks[2].manager, 0);
    assert_gauges(manager, 2, 0, 0, 6);
    kvtest_assert_ok(kvlogical_release_complete(manager, staged, 2));
    kvtest_assert_ok(kvlogical_release_mutable(manager, blocks, 4));
    assert_gauges(manager, 0, 0, 0, 10);
    destroy_manager(manager);
}

/* P1, P3: every block size against every wrong one. */
static void every_size_but_its_own_is_refused(void **state) {
    (void)state;
    static const uint32_t wrong[] = {0, 1, 2, 8, 16, 32, 2048, UINT32_MAX};
    for (uint32_t tokens = 1; tokens <= 1024; tokens *= 2) {
        kvlogical_config config = config_of(1);
        config.block_tokens = tokens;
        kvlogical_manager *manager = make_manager(&config);
        kvlogical_mutable block;
        kvlogical_complete staged;
        kvhash_plh name = kvhash_plh_root(tokens);
        kvcore_error error;
        size_t done;
        kvtest_assert_ok(kvlogical_allocate(manager, 1, &block, NULL));
        for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
            if (wrong[i] == tokens) continue;
            kvtest_assert_status(kvlogical_stage_sized(manager, &block, &name, &wrong[i], 1, &staged, &done, &error),
                                 KVLOGICAL_EBLOCK_SIZE);
            assert_int_equal(error.expected, tokens);
            assert_int_equal(error.actual, wrong[i]);
        }
        kvtest_assert_ok(kvlogical_stage_sized(manager, &block, &name, &tokens, 1, &staged, &done, NULL));
        assert_int_equal(done, 1);
        kvtest_assert_ok(kvlogical_release_complete(manager, &staged, 1));
        destroy_manager(manager);
    }
}

/* P2 */
static void a_staged_block_goes_back_and_forth_and_keeps_its_id(void **state) {
    (void)state;
    kvlogical_manager *manager = make_lru(4);
    kvlogical_mutable block;
    kvlogical_complete staged;
    kvlogical_immutable held;
    kvhash_plh name = kvhash_plh_root(5), found;
    kvtest_assert_ok(kvlogical_allocate(manager, 1, &block, NULL));
    uint32_t id = block.block;
    for (int i = 0; i < 3; i++) {
        kvtest_assert_ok(kvlogical_stage(manager, &block, &name, 1, &staged));
        assert_int_equal(staged.block, id);
        assert_gauges(manager, 0, 0, 0, 3);
        kvtest_assert_ok(kvlogical_unstage(manager, &staged, 1, &block));
        assert_int_equal(block.block, id);
        assert_int_equal(staged.manager, 0);
        assert_gauges(manager, 1, 0, 0, 3);
    }
    assert_int_equal(kvlogical_manager_metrics(manager).stagings, 3);
    kvtest_assert_ok(kvlogical_stage(manager, &block, &name, 1, &staged));
    kvtest_assert_ok(kvlogical_register(manager, &staged, 1, &held));
    assert_int_equal(held.block, id);
    kvtest_assert_ok(kvlogical_name(manager, &held, &found));
    assert_same_name(found, name);
    kvtest_assert_ok(kvlogical_release(manager, &held, 1));
    destroy_manager(manager);
}

static void a_staged_block_that_is_given_back_becomes_free(void **state) {
    (void)state;
    kvlogical_manager *manager = make_lru(4);
    kvlogical_complete staged[3];
    kvhash_plh names[3];
    name_roots(1, names, 3);
    stage_names(manager, names, 3, staged);
    assert_int_equal(kvlogical_manager_counts(manager).staged, 3);
    kvtest_assert_ok(kvlogical_release_complete(manager, staged, 3));
    assert_gauges(manager, 0, 0, 0, 4);
    assert_int_equal(match_names(manager, names, 3), 0); /* never registered */
    assert_int_equal(kvlogical_registry_count(kvlogical_manager_registry(manager)), 0);
    destroy_manager(manager);
}

static void blocks_in_all_states_at_once_all_come_back(void **state) {
    (void)state;
    kvlogical_manager *manager = make_lru(10);
    kvlogical_mutable blocks[5];
    kvlogical_complete staged[3];
    kvlogical_immutable held[3], matched;
    kvhash_plh names[3];
    size_t hits;
    name_roots(1, names, 3);
    kvtest_assert_ok(kvlogical_allocate(manager, 5, blocks, NULL));
    kvtest_assert_ok(kvlogical_release_mutable(manager, blocks, 2));
    kvtest_assert_ok(kvlogical_stage(manager, blocks + 2, names, 3, staged));
    kvtest_assert_ok(kvlogical_register(manager, staged, 3, held));
    kvtest_assert_ok(kvlogical_match_prefix(manager, &names[1], 1, &matched, &hits));
    kvtest_assert_ok(kvlogical_release(manager, held, 3));
    assert_int_equal(available(manager), 9);
    assert_gauges(manager, 0, 1, 2, 7);
    kvtest_assert_ok(kvlogical_release(manager, &matched, 1));
    assert_int_equal(available(manager), 10);
    destroy_manager(manager);
}

static void registering_in_pieces_makes_all_match(void **state) {
    (void)state;
    kvlogical_manager *manager = make_lru(32);
    kvlogical_complete staged[15];
    kvlogical_immutable held[15];
    kvhash_plh names[15];
    name_chain(1, names, 15);
    stage_names(manager, names, 10, staged);
    kvtest_assert_ok(kvlogical_register(manager, staged, 5, held));
    stage_names(manager, names + 10, 5, staged + 10);
    kvtest_assert_ok(kvlogical_register(manager, staged + 5, 10, held + 5));
    assert_int_equal(match_names(manager, names, 15), 15);
    kvtest_assert_ok(kvlogical_release(manager, held, 15));
    assert_int_equal(match_names(manager, names, 15), 15);
    destroy_manager(manager);
}

/* P4, P5: what identifies a block is its name alone, wherever it stands. */
static void a_name_is_the_same_in_any_block(void **state) {
    (void)state;
    kvlogical_manager *manager = make_lru(4);
    kvlogical_immutable first, second;
    kvhash_plh name = kvhash_plh_root(9), other = kvhash_plh_root(10), a, b;
    hold_names(manager, &name, 1, &first);
    hold_names(manager, &name, 1, &second);
    kvtest_assert_ok(kvlogical_name(manager, &first, &a));
    kvtest_assert_ok(kvlogical_name(manager, &second, &b));
    assert_int_not_equal(first.block, second.block);
    assert_same_name(a, b);
    assert_int_equal(match_names(manager, &other, 1), 0);
    kvtest_assert_ok(kvlogical_release(manager, &first, 1));
    kvtest_assert_ok(kvlogical_release(manager, &second, 1));
    destroy_manager(manager);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_life_step_by_step),
        cmocka_unit_test(a_block_of_the_wrong_size_stays_mutable),
        cmocka_unit_test(staging_stops_at_the_first_wrong_size),
        cmocka_unit_test(every_size_but_its_own_is_refused),
        cmocka_unit_test(a_staged_block_goes_back_and_forth_and_keeps_its_id),
        cmocka_unit_test(a_staged_block_that_is_given_back_becomes_free),
        cmocka_unit_test(blocks_in_all_states_at_once_all_come_back),
        cmocka_unit_test(registering_in_pieces_makes_all_match),
        cmocka_unit_test(a_name_is_the_same_in_any_block),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
