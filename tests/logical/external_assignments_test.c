/* Block ids and names of a sequence. What the vectors of the original system do not reach, and a naive twin. */
#include "kvtest.h"

#include <kvhash/sequence.h>
#include <kvlogical/external_assignments.h>

typedef kvlogical_external_assignments tracker;

#define NAMES 64

/* Names of positions 0 … 63 of one sequence. */
static const kvhash_plh *names(void) {
    static kvhash_plh list[NAMES];
    if (kvhash_plh_position(list[1]) == 1) return list;
    list[0] = kvhash_plh_root(7);
    for (size_t i = 1; i < NAMES; i++) kvtest_assert_ok(kvhash_plh_extend(list[i - 1], i, &list[i]));
    return list;
}

static tracker *make(size_t offset) {
    tracker *t;
    kvtest_assert_ok(kvlogical_external_assignments_create(offset, NULL, &t));
    return t;
}

static void expect(const tracker *t, size_t assigned, size_t staged, size_t unassigned) {
    kvlogical_external_assignments_view view = kvlogical_external_assignments_view_of(t);
    assert_int_equal(view.assigned, assigned);
    assert_int_equal(view.staged, staged);
    assert_int_equal(view.unassigned, unassigned);
}

static void ids_and_names_pair_up_and_leftovers_wait(void **state) {
    (void)state;
    static const size_t rows[][2] = {{0, 0}, {1, 0}, {1, 1}, {1, 2}, {3, 3}, {3, 1}, {3, 5}};
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
        size_t blocks = rows[r][0], ids = rows[r][1], fit = blocks < ids ? blocks : ids;
        tracker *t = make(0);
        uint64_t list[8];
        for (size_t i = 0; i < ids; i++) list[i] = 900 - i;
        kvlogical_range range;
        kvtest_assert_ok(kvlogical_external_assignments_extend(t, list, ids, NULL));
        kvtest_assert_ok(kvlogical_external_assignments_assign(t, names(), blocks, &range, NULL));
        assert_int_equal(range.start, 0);
        assert_int_equal(range.end, fit);
        expect(t, fit, 0, ids - fit);
        kvlogical_external_assignments_view view = kvlogical_external_assignments_view_of(t);
        for (size_t i = 0; i < ids; i++) assert_int_equal(view.block_ids[i], 900 - i);
        for (size_t i = 0; i < fit; i++) assert_true(kvhash_plh_equal(view.names[i], names()[i]));
        kvlogical_external_assignments_destroy(t);
    }
}

static void blocks_go_on_board_at_the_positions_where_both_meet(void **state) {
    (void)state;
    tracker *g1 = make(0), *g2 = make(2);
    const uint64_t first[] = {1000, 1001, 1002, 1003, 1004}, second[] = {2002, 2003, 2004};
    kvtest_assert_ok(kvlogical_external_assignments_extend(g1, first, 2, NULL));
    kvtest_assert_ok(kvlogical_external_assignments_assign(g1, names(), 5, NULL, NULL));
    kvtest_assert_ok(kvlogical_external_assignments_extend(g2, second, 3, NULL));
    kvtest_assert_ok(kvlogical_external_assignments_assign(g2, names(), 5, NULL, NULL));
    kvtest_assert_ok(kvlogical_external_assignments_extend(g1, first, 5, NULL));
    kvlogical_external_assignments_view view = kvlogical_external_assignments_view_of(g1);
    assert_int_equal(kvlogical_external_assignments_pending_positions(&view).start, 2);
    assert_int_equal(kvlogical_external_assignments_pending_positions(&view).end, 5);
    for (int pending = 1; pending >= 0; pending--) {
        kvlogical_zipped zipped[3];
        size_t count;
        if (!pending) kvtest_assert_ok(kvlogical_external_assignments_assign(g1, names(), 5, NULL, NULL));
        kvtest_assert_status(pending ? kvlogical_external_assignments_zip_pending(g2, g1, zipped, 2, &count)
                                     : kvlogical_external_assignments_zip_assigned(g2, g1, zipped, 2, &count),
                             KVCORE_EBUFFER);
        assert_int_equal(count, 3);
        kvtest_assert_ok(pending ? kvlogical_external_assignments_zip_pending(g2, g1, zipped, 3, &count)
                                 : kvlogical_external_assignments_zip_assigned(g2, g1, zipped, 3, &count));
        for (size_t i = 0; i < 3; i++) {
            assert_int_equal(zipped[i].position, 2 + i);
            assert_int_equal(zipped[i].first, 2002 + i);
            assert_int_equal(zipped[i].second, 1002 + i);
        }
    }
    kvlogical_external_assignments_destroy(g1);
    kvlogical_external_assignments_destroy(g2);
}

static void an_order_that_cannot_be_is_refused_with_all_its_numbers(void **state) {
    (void)state;
    tracker *t = make(0);
    const uint64_t start[] = {100}, bad[] = {200, 100}, twice[] = {100, 300, 300};
    kvcore_error error;
    kvtest_assert_ok(kvlogical_external_assignments_extend(t, start, 1, NULL));
    kvtest_assert_status(kvlogical_external_assignments_extend(t, bad, 2, &error), KVLOGICAL_EORDERING);
    assert_int_equal(error.actual, 100);
    assert_int_equal(error.expected, 200);
    assert_int_equal(error.index, 1);
    assert_int_equal(error.offset, 0);
    assert_string_equal(error.text, "ordering violation: known block_id 100 at index 1 appeared after new block_id 200 "
                                    "at index 0");
    expect(t, 0, 0, 1);
    assert_false(kvlogical_external_assignments_contains(t, 200));
    kvtest_assert_status(kvlogical_external_assignments_extend(t, twice, 3, &error), KVLOGICAL_EDUPLICATE);
    assert_int_equal(error.actual, 300);
    assert_int_equal(error.index, 2);
    assert_string_equal(error.text, "duplicate block_id 300 already present");
    assert_false(kvlogical_external_assignments_contains(t, 300));
    kvtest_assert_status(kvlogical_external_assignments_stage(t, names() + 1, 1, NULL, &error), KVLOGICAL_EPOSITION);
    assert_int_equal(error.expected, 0);
    assert_int_equal(error.actual, 1);
    assert_int_equal(error.offset, 100);
    assert_string_equal(error.text, "position mismatch for block_id 100: expected 0, actual 1");
    expect(t, 0, 0, 1);
    kvlogical_external_assignments_destroy(t);
}

static void nothing_a_caller_passes_crashes(void **state) {
    (void)state;
    tracker *t;
    size_t count;
    kvtest_assert_status(kvlogical_external_assignments_create(0, NULL, NULL), KVCORE_EINVAL);
    kvtest_assert_status(kvlogical_external_assignments_create(SIZE_MAX, NULL, &t), KVCORE_EOVERFLOW);
    assert_null(t);
    t = make(KVHASH_PLH_MAX_POSITION);
    const uint64_t ids[] = {UINT64_MAX, 0};
    kvhash_plh nonsense = {UINT64_MAX, UINT64_MAX};
    kvtest_assert_ok(kvlogical_external_assignments_extend(t, ids, 2, NULL));
    kvtest_assert_ok(
        kvlogical_external_assignments_stage(t, names(), NAMES, NULL, NULL)); /* too short a list stages nothing */
    expect(t, 0, 0, 2);
    assert_false(kvlogical_external_assignments_at_position(t, SIZE_MAX, &(kvlogical_assignment){0}));
    assert_false(kvlogical_external_assignments_pending_at_position(t, SIZE_MAX, &(uint64_t){0}));
    kvlogical_external_assignments_destroy(t);
    t = make(0);
    kvtest_assert_ok(kvlogical_external_assignments_extend(t, ids, 2, NULL));
    kvtest_assert_status(kvlogical_external_assignments_stage(t, &nonsense, 1, NULL, NULL), KVLOGICAL_EPOSITION);
    kvtest_assert_status(kvlogical_external_assignments_extend(t, NULL, 1, NULL), KVCORE_EINVAL);
    kvtest_assert_status(kvlogical_external_assignments_extend(NULL, ids, 1, NULL), KVCORE_EINVAL);
    kvtest_assert_status(kvlogical_external_assignments_extend_assigned(t, NULL, 1, NULL), KVCORE_EINVAL);
    kvtest_assert_status(kvlogical_external_assignments_stage(t, NULL, 1, NULL, NULL), KVCORE_EINVAL);
    kvtest_assert_status(kvlogical_external_assignments_take_staged(t, NULL, 1, &count), KVCORE_EINVAL);
    kvtest_assert_status(kvlogical_external_assignments_take_staged(t, NULL, 0, NULL), KVCORE_EINVAL);
    kvtest_assert_status(kvlogical_external_assignments_zip_assigned(t, NULL, NULL, 0, &count), KVCORE_EINVAL);
    kvtest_assert_status(kvlogical_external_assignments_reserve(NULL, 1), KVCORE_EINVAL);
    kvtest_assert_status(kvlogical_external_assignments_reserve(t, SIZE_MAX), KVCORE_EOVERFLOW);
    assert_int_equal(kvlogical_external_assignments_commit(NULL).end, 0);
    assert_false(kvlogical_external_assignments_contains(NULL, 1));
    assert_int_equal(kvlogical_external_assignments_view_of(NULL).assigned, 0);
    kvlogical_external_assignments_clear(NULL);
    kvlogical_external_assignments_destroy(NULL);
    kvlogical_external_assignments_destroy(t);
}

/* ---- a naive twin ---- */

typedef struct twin {
    uint64_t ids[4096];
    size_t assigned, staged, count;
} twin;

static bool twin_knows(const twin *w, uint64_t id) {
    for (size_t i = 0; i < w->count; i++)
        if (w->ids[i] == id) return true;
    return false;
}

/* Few ids, so that they meet. Lists are often the known ones and some more, as a connector sends them. */
static kvcore_status twin_extend(kvtest_random *random, twin *w, uint64_t *ids, size_t *count) {
    *count = 0;
    if (kvtest_below(random, 3) > 0)
        for (size_t i = 0; i < w->count && i < 40; i++) ids[(*count)++] = w->ids[i];
    for (size_t more = kvtest_below(random, 6); more > 0; more--) ids[(*count)++] = kvtest_below(random, 200) << 32;
    twin before = *w;
    bool any_new = false;
    for (size_t i = 0; i < *count; i++) {
        kvcore_status status = KVCORE_OK;
        if (twin_knows(&before, ids[i]))
            status = any_new ? KVLOGICAL_EORDERING : KVCORE_OK;
        else if (twin_knows(w, ids[i]))
            status = KVLOGICAL_EDUPLICATE;
        else
            w->ids[w->count++] = ids[i], any_new = true;
        if (status != KVCORE_OK) {
            *w = before;
            return status;
        }
    }
    return KVCORE_OK;
}

static void twin_step(kvtest_random *random, tracker *t, twin *w) {
    uint64_t ids[64];
    size_t count, fit;
    kvlogical_assignment blocks[64];
    switch (kvtest_below(random, 8)) {
    case 0:
    case 1:
    case 2: {
        kvcore_status expected = twin_extend(random, w, ids, &count);
        kvtest_assert_status(kvlogical_external_assignments_extend(t, ids, count, NULL), expected);
        break;
    }
    case 3:
        count = kvtest_below(random, NAMES + 1);
        fit = count > w->assigned + w->staged ? count - w->assigned - w->staged : 0;
        if (fit > w->count - w->assigned - w->staged) fit = w->count - w->assigned - w->staged;
        kvtest_assert_ok(kvlogical_external_assignments_stage(t, names(), count, NULL, NULL));
        w->staged += fit;
        break;
    case 4:
        kvlogical_external_assignments_commit(t);
        w->assigned += w->staged, w->staged = 0;
        break;
    case 5: /* two assigned blocks between the assigned and the others */
        blocks[0] = (kvlogical_assignment){names()[0], kvtest_below(random, 200) << 32};
        blocks[1] = (kvlogical_assignment){names()[1], kvtest_below(random, 200) << 32};
        if (twin_knows(w, blocks[0].block_id) || twin_knows(w, blocks[1].block_id) ||
            blocks[0].block_id == blocks[1].block_id) {
            kvtest_assert_status(kvlogical_external_assignments_extend_assigned(t, blocks, 2, NULL),
                                 KVLOGICAL_EDUPLICATE);
            break;
        }
        kvtest_assert_ok(kvlogical_external_assignments_extend_assigned(t, blocks, 2, NULL));
        memmove(w->ids + w->assigned + 2, w->ids + w->assigned, (w->count - w->assigned) * sizeof *w->ids);
        w->ids[w->assigned++] = blocks[0].block_id;
        w->ids[w->assigned++] = blocks[1].block_id;
        w->count += 2;
        break;
    case 6:
        if (kvtest_below(random, 3) > 0) break;
        kvtest_assert_ok(kvlogical_external_assignments_take_staged(t, blocks, 64, &count));
        assert_int_equal(count, w->staged);
        for (size_t i = 0; i < count; i++) assert_int_equal(blocks[i].block_id, w->ids[w->assigned + i]);
        memmove(w->ids + w->assigned, w->ids + w->assigned + count, (w->count - w->assigned - count) * sizeof *w->ids);
        w->count -= count, w->staged = 0;
        break;
    default:
        if (w->count < 40 && kvtest_below(random, 20) > 0) break;
        kvlogical_external_assignments_clear(t);
        *w = (twin){.count = 0};
    }
}

static void a_tracker_does_what_a_naive_one_does(void **state) {
    (void)state;
    kvtest_random random = kvtest_seed(5);
    tracker *t = make(0);
    static twin w;
    for (size_t step = 0; step < 20000; step++) {
        twin_step(&random, t, &w);
        expect(t, w.assigned, w.staged, w.count - w.assigned - w.staged);
        kvlogical_external_assignments_view view = kvlogical_external_assignments_view_of(t);
        for (size_t i = 0; i < w.count; i++) assert_true(view.block_ids[i] == w.ids[i]);
        for (size_t i = 0; i < 8; i++) {
            uint64_t id = kvtest_below(&random, 200) << 32;
            assert_int_equal(kvlogical_external_assignments_contains(t, id), twin_knows(&w, id));
        }
    }
    kvlogical_external_assignments_destroy(t);
}

/* ---- no memory ---- */

static kvcore_status scenario(kvcore_allocator allocator) {
    tracker *t;
    kvcore_status status = kvlogical_external_assignments_create(0, &allocator, &t);
    if (status != KVCORE_OK) return status;
    uint64_t ids[40];
    for (uint64_t i = 0; i < 40; i++) ids[i] = i;
    for (size_t n = 4; status == KVCORE_OK && n <= 40; n += 12) {
        size_t before = kvlogical_external_assignments_view_of(t).unassigned;
        status = kvlogical_external_assignments_extend(t, ids, n, NULL);
        expect(t, 0, 0, status == KVCORE_OK ? n : before);
        for (size_t i = 0; i < before; i++) assert_true(kvlogical_external_assignments_contains(t, i));
    }
    kvlogical_assignment more[60];
    for (uint64_t i = 0; i < 60; i++) more[i] = (kvlogical_assignment){names()[0], 1000 + i};
    if (status == KVCORE_OK) {
        status = kvlogical_external_assignments_extend_assigned(t, more, 60, NULL);
        expect(t, status == KVCORE_OK ? 60 : 0, 0, 40);
    }
    kvlogical_external_assignments_destroy(t);
    return status;
}

static void without_memory_nothing_changes(void **state) {
    (void)state;
    kvtest_fail_each_allocation(scenario, 4);
}

static void with_memory_reserved_nothing_allocates(void **state) {
    (void)state;
    kvtest_memory memory = {.fail_at = 0};
    kvcore_allocator allocator = kvtest_allocator(&memory);
    tracker *t;
    kvtest_assert_ok(kvlogical_external_assignments_create(0, &allocator, &t));
    kvtest_assert_ok(kvlogical_external_assignments_reserve(t, 40));
    size_t calls = memory.calls;
    for (int round = 0; round < 3; round++) {
        uint64_t ids[40];
        for (uint64_t i = 0; i < 40; i++) ids[i] = i * 3;
        kvtest_assert_ok(kvlogical_external_assignments_extend(t, ids, 40, NULL));
        kvtest_assert_ok(kvlogical_external_assignments_assign(t, names(), 40, NULL, NULL));
        kvlogical_external_assignments_clear(t);
    }
    assert_int_equal(memory.calls, calls);
    kvlogical_external_assignments_destroy(t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_and_names_pair_up_and_leftovers_wait),
        cmocka_unit_test(blocks_go_on_board_at_the_positions_where_both_meet),
        cmocka_unit_test(an_order_that_cannot_be_is_refused_with_all_its_numbers),
        cmocka_unit_test(nothing_a_caller_passes_crashes),
        cmocka_unit_test(a_tracker_does_what_a_naive_one_does),
        cmocka_unit_test(without_memory_nothing_changes),
        cmocka_unit_test(with_memory_reserved_nothing_allocates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
