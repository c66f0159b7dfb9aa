/* Guards of a sequence's blocks: what the vectors of the original system do not reach. */
#include "request_support.h"

#include <kvlogical/assignments.h>

typedef kvlogical_assignments tracker;

static const kvhash_plh *names(void) {
    static kvhash_plh list[16];
    if (kvhash_plh_position(list[1]) == 1) return list;
    list[0] = kvhash_plh_root(7);
    for (size_t i = 1; i < 16; i++) kvtest_assert_ok(kvhash_plh_extend(list[i - 1], i, &list[i]));
    return list;
}

static tracker *make(kvlogical_manager *pool, size_t blocks) {
    tracker *t;
    kvlogical_mutable fresh[16];
    kvtest_assert_ok(kvlogical_assignments_create(pool, NULL, &t));
    kvtest_assert_ok(kvlogical_allocate(pool, blocks, fresh, NULL));
    kvtest_assert_ok(kvlogical_assignments_extend(t, fresh, blocks, NULL));
    for (size_t i = 0; i < blocks; i++) assert_int_equal(fresh[i].manager, 0);
    return t;
}

static void expect(const tracker *t, size_t assigned, size_t staged, size_t unassigned) {
    kvlogical_assignments_view view = kvlogical_assignments_view_of(t);
    assert_int_equal(view.assigned_count, assigned);
    assert_int_equal(view.staged_count, staged);
    assert_int_equal(view.unassigned_count, unassigned);
}

static void blocks_pass_through_the_three_phases_in_order(void **state) {
    (void)state;
    kvlogical_manager *pool = make_pool(8, KVLOGICAL_EVICT_LRU, 0);
    tracker *t = make(pool, 5);
    size_t staged, registered;
    kvtest_assert_ok(kvlogical_assignments_stage(t, names(), NULL, 3, &staged, NULL, NULL));
    assert_int_equal(staged, 3);
    expect(t, 0, 3, 2);
    kvtest_assert_ok(kvlogical_assignments_register(t, &registered));
    assert_int_equal(registered, 3);
    expect(t, 3, 0, 2);
    kvtest_assert_ok(kvlogical_assignments_stage(t, names() + 3, NULL, 9, &staged, NULL, NULL));
    assert_int_equal(staged, 2);
    kvlogical_assignments_view view = kvlogical_assignments_view_of(t);
    for (size_t i = 0; i < 5; i++) assert_int_equal(view.keys[i], i);
    assert_int_equal(view.assigned[2].block, 2);
    assert_int_equal(view.staged[1].block, 4);
    kvlogical_immutable held[3];
    uint64_t keys[3];
    size_t count;
    kvtest_assert_status(kvlogical_assignments_take_assigned(t, keys, held, 2, &count), KVCORE_EBUFFER);
    assert_int_equal(count, 3);
    kvtest_assert_ok(kvlogical_assignments_take_assigned(t, keys, held, 3, &count));
    expect(t, 0, 2, 0);
    assert_false(kvlogical_assignments_contains(t, 1));
    assert_true(kvlogical_assignments_contains(t, 4));
    kvtest_assert_ok(kvlogical_assignments_extend_assigned(t, held, 3, NULL));
    view = kvlogical_assignments_view_of(t);
    static const uint64_t order[] = {0, 1, 2, 3, 4};
    assert_memory_equal(view.keys, order, sizeof order);
    kvlogical_assignments_destroy(t);
    end_pool(pool);
}

static void a_block_of_the_wrong_size_leaves_the_tracker(void **state) {
    (void)state;
    static const struct {
        uint32_t sizes[4];
        size_t staged, unassigned;
    } rows[] = {{{8, 4, 4, 4}, 0, 2}, {{4, 4, 8, 4}, 2, 0}};
    for (size_t r = 0; r < 2; r++) {
        kvlogical_manager *pool = make_pool(8, KVLOGICAL_EVICT_LRU, 0);
        tracker *t = make(pool, 3);
        kvlogical_mutable failed = {0};
        kvcore_error error;
        size_t staged;
        kvtest_assert_status(kvlogical_assignments_stage(t, names(), rows[r].sizes, 4, &staged, &failed, &error),
                             KVLOGICAL_EBLOCK_SIZE);
        assert_int_equal(staged, rows[r].staged);
        assert_int_equal(error.expected, 4);
        assert_int_equal(error.actual, 8);
        assert_int_equal(failed.block, rows[r].staged);
        expect(t, 0, rows[r].staged, rows[r].unassigned);
        assert_false(kvlogical_assignments_contains(t, failed.block));
        kvtest_assert_ok(kvlogical_assignments_extend(t, &failed, 1, NULL)); /* it may come again */
        kvlogical_assignments_destroy(t);
        end_pool(pool);
    }
}

static void what_is_refused_stays_the_callers(void **state) {
    (void)state;
    kvlogical_manager *pool = make_pool(8, KVLOGICAL_EVICT_LRU, 0), *other = make_pool(8, KVLOGICAL_EVICT_LRU, 0);
    tracker *t = make(pool, 2);
    kvlogical_mutable mine[2], foreign[8];
    kvcore_error error;
    kvtest_assert_ok(kvlogical_allocate(pool, 2, mine, NULL));
    kvtest_assert_ok(kvlogical_allocate(other, 8, foreign, NULL));
    kvlogical_mutable mixed[2] = {mine[0], foreign[7]};
    kvtest_assert_status(kvlogical_assignments_extend(t, mixed, 2, &error), KVLOGICAL_EGUARD);
    assert_int_equal(error.index, 1);
    assert_int_equal(mixed[0].manager, mine[0].manager);
    expect(t, 0, 0, 2);
    kvtest_assert_status(kvlogical_assignments_extend(t, foreign, 1, &error), KVLOGICAL_EDUPLICATE);
    assert_int_equal(error.actual, 0);
    assert_string_equal(error.text, "duplicate block_id 0 already present");
    kvlogical_mutable empty = {0};
    kvtest_assert_status(kvlogical_assignments_extend(t, &empty, 1, &error), KVLOGICAL_EDUPLICATE);
    kvlogical_mutable twice[2] = {mine[0], mine[0]};
    kvtest_assert_status(kvlogical_assignments_extend(t, twice, 2, &error), KVLOGICAL_EDUPLICATE);
    assert_int_equal(error.index, 1);
    kvhash_plh nonsense = {UINT64_MAX, 0};
    size_t count;
    kvtest_assert_status(kvlogical_assignments_stage(t, &nonsense, NULL, 1, &count, NULL, &error), KVHASH_EMODE);
    kvtest_assert_status(kvlogical_assignments_stage(t, names(), (uint32_t[]){4}, 1, &count, NULL, &error),
                         KVCORE_EINVAL);
    kvtest_assert_status(kvlogical_assignments_stage(NULL, names(), NULL, 1, &count, NULL, &error), KVCORE_EINVAL);
    kvtest_assert_status(kvlogical_assignments_extend(t, NULL, 1, &error), KVCORE_EINVAL);
    kvtest_assert_status(kvlogical_assignments_register(NULL, NULL), KVCORE_EINVAL);
    tracker *none;
    kvtest_assert_status(kvlogical_assignments_create(NULL, NULL, &none), KVCORE_EINVAL);
    assert_null(none);
    expect(NULL, 0, 0, 0);
    kvlogical_assignments_destroy(NULL);
    kvlogical_release_mutable(pool, mine, 2);
    kvlogical_release_mutable(other, foreign, 8);
    kvlogical_assignments_destroy(t);
    end_pool(other);
    end_pool(pool);
}

/* A caller that copied a guard and used it may not make the others leak. */
static void clear_lets_everything_go_though_a_copied_guard_was_used(void **state) {
    (void)state;
    kvlogical_manager *pool = make_pool(8, KVLOGICAL_EVICT_LRU, 0);
    tracker *t = make(pool, 4);
    kvlogical_mutable copy = kvlogical_assignments_view_of(t).unassigned[1];
    kvtest_assert_ok(kvlogical_release_mutable(pool, &copy, 1));
    kvlogical_assignments_clear(t);
    expect(t, 0, 0, 0);
    assert_int_equal(available(pool), 8);
    kvlogical_assignments_destroy(t);
    end_pool(pool);
}

static void popping_and_clearing_return_blocks_in_order(void **state) {
    (void)state;
    kvlogical_manager *pool = make_pool(4, KVLOGICAL_EVICT_LRU, 0);
    tracker *t = make(pool, 4);
    uint64_t key;
    kvlogical_mutable block;
    assert_true(kvlogical_assignments_pop(t, &key, &block));
    assert_int_equal(key, 3);
    kvlogical_release_mutable(pool, &block, 1);
    size_t staged;
    kvtest_assert_ok(kvlogical_assignments_stage(t, names(), NULL, 2, &staged, NULL, NULL));
    kvlogical_assignments_clear(t); /* the staged 0 and 1, then the unassigned 2 */
    assert_false(kvlogical_assignments_pop(t, &key, &block));
    kvlogical_mutable again[4];
    kvtest_assert_ok(kvlogical_allocate(pool, 4, again, NULL));
    static const uint32_t order[] = {3, 0, 1, 2};
    for (size_t i = 0; i < 4; i++) assert_int_equal(again[i].block, order[i]);
    kvlogical_release_mutable(pool, again, 4);
    kvlogical_assignments_destroy(t);
    end_pool(pool);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_pass_through_the_three_phases_in_order),
        cmocka_unit_test(a_block_of_the_wrong_size_leaves_the_tracker),
        cmocka_unit_test(what_is_refused_stays_the_callers),
        cmocka_unit_test(clear_lets_everything_go_though_a_copied_guard_was_used),
        cmocka_unit_test(popping_and_clearing_return_blocks_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
