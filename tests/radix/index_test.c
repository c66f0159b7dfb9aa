#include "kvtest.h"

#include <kvradix/index.h>

#define LENGTH 400

static kvhash_holder worker(uint64_t number) { return (kvhash_holder){number, 0, 0}; }

static void make_chain(uint64_t seed, kvhash_plh *names, size_t count) {
    names[0] = kvhash_plh_root(seed);
    for (size_t i = 1; i < count; i++) kvtest_assert_ok(kvhash_plh_extend(names[i - 1], seed + i, &names[i]));
}

static kvradix_index *make(size_t holders) {
    kvradix_config config = KVRADIX_CONFIG_INIT;
    config.holder_capacity = holders;
    kvradix_index *index = NULL;
    kvtest_assert_ok(kvradix_index_create(&config, &index, NULL));
    return index;
}

static void end(kvradix_index *index) {
    kvcore_error error;
    kvcore_status status = kvradix_index_validate(index, &error);
    if (status != KVCORE_OK) fail_msg("%s", error.text);
    kvradix_index_destroy(index);
}

static uint32_t blocks_of(const kvradix_index *index, kvhash_holder holder, const kvhash_plh *names, size_t count) {
    kvradix_match matches[64];
    size_t found;
    kvtest_assert_ok(kvradix_index_match(index, names, count, matches, 64, &found));
    for (size_t i = 0; i < found; i++)
        if (matches[i].holder.worker == holder.worker && matches[i].holder.rank == holder.rank)
            return matches[i].blocks;
    return 0;
}

static void the_longest_prefix_comes_first_and_ties_by_holder(void **state) {
    (void)state;
    kvradix_index *index = make(0);
    kvhash_plh names[LENGTH];
    make_chain(1, names, LENGTH);
    kvtest_assert_ok(kvradix_index_store(index, worker(5), names, 10));
    kvtest_assert_ok(kvradix_index_store(index, worker(9), names, 300));
    kvtest_assert_ok(kvradix_index_store(index, (kvhash_holder){2, 7, 0}, names, 10));
    kvtest_assert_ok(kvradix_index_store(index, (kvhash_holder){2, 3, 0}, names, 10));
    kvradix_match matches[4];
    size_t found;
    kvtest_assert_ok(kvradix_index_match(index, names, LENGTH, matches, 4, &found));
    assert_int_equal(found, 4);
    static const uint32_t expected[][3] = {{9, 0, 300}, {2, 3, 10}, {2, 7, 10}, {5, 0, 10}};
    for (int i = 0; i < 4; i++) {
        assert_int_equal(matches[i].holder.worker, expected[i][0]);
        assert_int_equal(matches[i].holder.rank, expected[i][1]);
        assert_int_equal(matches[i].blocks, expected[i][2]);
        assert_false(matches[i].stale);
    }
    kvtest_assert_ok(kvradix_index_match(index, names, LENGTH, matches, 2, &found));
    assert_int_equal(found, 2);
    assert_int_equal(matches[1].holder.rank, 3);
    kvtest_assert_ok(kvradix_index_match(index, names, 0, matches, 4, &found));
    assert_int_equal(found, 0);
    end(index);
}

static void as_many_holders_as_there_may_be_end_in_different_places(void **state) {
    (void)state;
    enum { NAMES = 1500 };
    static kvhash_plh names[NAMES];
    static kvradix_match matches[KVRADIX_HOLDERS_MAX];
    kvradix_index *index = make(KVRADIX_HOLDERS_MAX);
    make_chain(1, names, NAMES);
    size_t with[NAMES + 1] = {0}; /* holders that have so many blocks */
    for (size_t h = 0; h < KVRADIX_HOLDERS_MAX; h++) {
        size_t blocks = 1 + h * 997 % NAMES;
        with[blocks]++;
        kvtest_assert_ok(kvradix_index_store(index, worker(blocks), names, blocks));
    }
    for (size_t capacity = 1; capacity <= KVRADIX_HOLDERS_MAX; capacity = 4 * capacity) {
        size_t found, i = 0;
        kvtest_assert_ok(kvradix_index_match(index, names, NAMES, matches, capacity, &found));
        assert_int_equal(found, capacity);
        for (size_t blocks = NAMES; blocks > 0 && i < found; blocks--)
            if (with[blocks] != 0) {
                assert_int_equal(matches[i].blocks, blocks);
                assert_int_equal(matches[i++].holder.worker, blocks);
            }
        assert_int_equal(i, found);
    }
    end(index);
}

static void a_hole_ends_the_prefix_until_it_is_filled(void **state) {
    (void)state;
    kvradix_index *index = make(0);
    kvhash_plh names[LENGTH];
    make_chain(1, names, LENGTH);
    kvtest_assert_ok(kvradix_index_store(index, worker(1), names, LENGTH));
    assert_int_equal(blocks_of(index, worker(1), names, LENGTH), LENGTH);
    for (size_t hole = 0; hole < LENGTH; hole += 57) {
        kvtest_assert_ok(kvradix_index_remove(index, worker(1), &names[hole], 1));
        assert_int_equal(blocks_of(index, worker(1), names, LENGTH), hole);
        kvtest_assert_ok(kvradix_index_store(index, worker(1), &names[hole], 1));
        assert_int_equal(blocks_of(index, worker(1), names, LENGTH), LENGTH);
    }
    end(index);
}

static void names_may_come_in_any_order(void **state) {
    (void)state;
    kvradix_index *index = make(0);
    kvhash_plh names[LENGTH];
    make_chain(1, names, LENGTH);
    for (size_t i = LENGTH; i-- > 1;) {
        kvtest_assert_ok(kvradix_index_store(index, worker(1), &names[i], 1));
        assert_int_equal(blocks_of(index, worker(1), names, LENGTH), 0);
        assert_int_equal(blocks_of(index, worker(1), names + i, LENGTH - i), LENGTH - i);
    }
    kvtest_assert_ok(kvradix_index_store(index, worker(1), names, 1));
    assert_int_equal(blocks_of(index, worker(1), names, LENGTH), LENGTH);
    assert_int_equal(kvradix_index_count(index).names, LENGTH);
    end(index);
}

static void a_name_that_nobody_has_any_more_is_gone(void **state) {
    (void)state;
    kvtest_memory memory = {0};
    kvradix_config config = KVRADIX_CONFIG_INIT;
    config.capacity = 2 * LENGTH;
    config.allocator = kvtest_allocator(&memory);
    kvradix_index *index;
    kvtest_assert_ok(kvradix_index_create(&config, &index, NULL));
    size_t bytes = memory.live_bytes, calls = memory.calls;
    assert_int_equal(kvradix_index_memory_bytes(index), bytes);
    for (uint64_t round = 0; round < 200; round++) { /* front first, so that names stay idle behind what follows them */
        kvhash_plh names[LENGTH];
        make_chain(round * 1000, names, LENGTH);
        kvtest_assert_ok(kvradix_index_store(index, worker(1), names, LENGTH));
        for (size_t i = 0; i < LENGTH; i++) kvradix_index_remove(index, worker(1), &names[i], 1);
        assert_int_equal(kvradix_index_count(index).names, 0);
    }
    assert_int_equal(memory.calls, calls);
    end(index);
    assert_int_equal(memory.live_bytes, 0);
}

static void names_in_a_wider_mode_than_needed_find_their_parent(void **state) {
    (void)state;
    kvradix_index *index = make(0);
    kvhash_plh root = kvhash_plh_root(UINT64_C(0x123456789ABCDEF0));
    uint64_t parent = kvhash_plh_sequence_hash(root);
    /* position 1 in modes 1 and 2: 46 and 38 bits of the parent */
    kvhash_plh wide = {UINT64_C(1) << 62 | UINT64_C(1) << 46 | 5,
                       UINT64_C(6) << 46 | (parent & ((UINT64_C(1) << 46) - 1))};
    kvhash_plh widest = {UINT64_C(2) << 62 | UINT64_C(1) << 38 | 7,
                         UINT64_C(8) << 38 | (parent & ((UINT64_C(1) << 38) - 1))};
    assert_int_equal(kvhash_plh_position(wide), 1);
    assert_int_equal(kvhash_plh_position(widest), 1);
    kvhash_plh children[] = {wide, widest};
    kvtest_assert_ok(kvradix_index_store(index, worker(1), children, 2));
    kvtest_assert_ok(kvradix_index_store(index, worker(1), &root, 1));
    kvhash_plh chain[] = {root, widest};
    assert_int_equal(blocks_of(index, worker(1), chain, 2), 2);
    kvtest_assert_ok(kvradix_index_validate(index, NULL));
    kvtest_assert_ok(kvradix_index_remove(index, worker(1), &root, 1));
    assert_int_equal(blocks_of(index, worker(1), chain, 2), 0);
    end(index);
}

static void clearing_one_holder_leaves_the_others(void **state) {
    (void)state;
    kvradix_index *index = make(0);
    kvhash_plh names[LENGTH];
    make_chain(1, names, LENGTH);
    for (uint64_t w = 0; w < 64; w++) kvtest_assert_ok(kvradix_index_store(index, worker(w), names, LENGTH));
    for (int round = 0; round < 20; round++) { /* all columns are in use: each clear and store waits for its own */
        kvtest_assert_ok(kvradix_index_clear(index, worker(7)));
        assert_int_equal(blocks_of(index, worker(7), names, LENGTH), 0);
        assert_int_equal(blocks_of(index, worker(8), names, LENGTH), LENGTH);
        kvtest_assert_ok(kvradix_index_store(index, worker(7), names, 9));
        assert_int_equal(blocks_of(index, worker(7), names, LENGTH), 9);
    }
    kvtest_assert_ok(kvradix_index_clear(index, worker(1000)));
    assert_int_equal(kvradix_index_count(index).holders, 64);
    end(index);
}

static void one_holder_too_many_is_refused_and_a_forgotten_one_makes_room(void **state) {
    (void)state;
    kvradix_index *index = make(2);
    kvhash_plh name = kvhash_plh_root(1);
    kvtest_assert_ok(kvradix_index_store(index, worker(1), &name, 1));
    kvtest_assert_ok(kvradix_index_store(index, worker(2), &name, 1));
    kvtest_assert_status(kvradix_index_store(index, worker(3), &name, 1), KVRADIX_EHOLDERS);
    kvhash_event events[] = {{.name = name, .holder = {1, 0, 0}, .sequence = 1, .kind = KVHASH_EVENT_CREATE},
                             {.name = name, .holder = {3, 0, 0}, .sequence = 1, .kind = KVHASH_EVENT_CREATE}};
    kvcore_error error;
    kvtest_assert_status(kvradix_index_apply(index, events, 2, &error), KVRADIX_EHOLDERS);
    assert_int_equal(error.index, 1);
    assert_int_equal(kvradix_index_expected(index, worker(1)), 1); /* nothing of the batch was applied */
    kvtest_assert_ok(kvradix_index_forget(index, worker(1)));
    kvtest_assert_ok(kvradix_index_store(index, worker(3), &name, 1));
    assert_int_equal(kvradix_index_count(index).holders, 2);
    end(index);
}

static void a_silent_holder_expires(void **state) {
    (void)state;
    kvradix_index *index = make(0);
    kvhash_plh name = kvhash_plh_root(1);
    size_t expired;
    kvtest_assert_ok(kvradix_index_store(index, worker(1), &name, 1));
    kvtest_assert_ok(kvradix_index_store(index, worker(2), &name, 1));
    kvtest_assert_ok(kvradix_index_expire(index, 1000, 50, &expired)); /* both heard before this: at 1000 */
    assert_int_equal(expired, 0);
    kvtest_assert_ok(kvradix_index_remove(index, worker(2), &name, 1));
    kvtest_assert_ok(kvradix_index_expire(index, 1050, 50, &expired));
    assert_int_equal(expired, 0);
    kvtest_assert_ok(kvradix_index_expire(index, 1051, 50, &expired));
    assert_int_equal(expired, 1);
    assert_int_equal(blocks_of(index, worker(1), &name, 1), 0);
    assert_int_equal(kvradix_index_count(index).holders, 1);
    kvtest_assert_ok(kvradix_index_expire(index, 1000, 0, &expired)); /* a clock that went back expires nobody */
    assert_int_equal(expired, 0);
    end(index);
}

static void who_has_one_block_is_told(void **state) {
    (void)state;
    kvradix_index *index = make(100);
    kvhash_plh name = kvhash_plh_root(1), other = kvhash_plh_root(2), none = {UINT64_MAX, UINT64_MAX};
    for (uint64_t w = 0; w < 90; w++) kvtest_assert_ok(kvradix_index_store(index, worker(w), &name, 1));
    kvhash_holder holders[100];
    size_t count;
    kvtest_assert_ok(kvradix_index_holders(index, name, holders, 100, &count));
    assert_int_equal(count, 90);
    bool seen[90] = {false};
    for (size_t i = 0; i < count; i++) seen[holders[i].worker] = true;
    for (size_t i = 0; i < 90; i++) assert_true(seen[i]);
    kvtest_assert_ok(kvradix_index_holders(index, name, holders, 3, &count));
    assert_int_equal(count, 90);
    kvtest_assert_ok(kvradix_index_holders(index, other, holders, 3, &count));
    assert_int_equal(count, 0);
    kvtest_assert_ok(kvradix_index_holders(index, none, holders, 3, &count));
    assert_int_equal(count, 0);
    end(index);
}

static void what_no_caller_should_pass_is_refused(void **state) {
    (void)state;
    kvradix_index *index = make(0);
    kvhash_plh names[] = {kvhash_plh_root(1), {UINT64_MAX, 0}};
    kvradix_match match;
    size_t found;
    kvradix_config config = KVRADIX_CONFIG_INIT;
    kvtest_assert_status(kvradix_index_create(&config, NULL, NULL), KVCORE_EINVAL);
    kvtest_assert_status(kvradix_index_store(index, worker(1), names, 2), KVHASH_EMODE);
    assert_int_equal(kvradix_index_count(index).holders, 0);
    kvtest_assert_status(kvradix_index_store(index, worker(1), NULL, 1), KVCORE_EINVAL);
    kvtest_assert_status(kvradix_index_remove(NULL, worker(1), names, 1), KVCORE_EINVAL);
    kvtest_assert_ok(kvradix_index_remove(index, worker(1), names, 2));
    kvtest_assert_status(kvradix_index_match(index, NULL, 1, &match, 1, &found), KVCORE_EINVAL);
    kvtest_assert_status(kvradix_index_match(index, names, (size_t)1 << 25, &match, 1, &found), KVCORE_EOVERFLOW);
    kvtest_assert_ok(kvradix_index_store(index, worker(1), names, 1));
    kvtest_assert_ok(kvradix_index_match(index, names, 2, &match, 1, &found)); /* no chain, but no harm */
    assert_int_equal(match.blocks, 1);
    kvtest_assert_status(kvradix_index_validate(NULL, NULL), KVCORE_EINVAL);
    end(index);
    kvradix_index_destroy(NULL);
}

/* Grows from nothing, by stores, events and a load; out of order, so that stand-ins are needed. */
static kvcore_status scenario(kvcore_allocator allocator) {
    static kvhash_plh names[3 * LENGTH];
    static uint8_t bytes[64 * 1024];
    for (size_t c = 0; c < 3; c++) make_chain(c * 5000, names + c * LENGTH, LENGTH);
    kvradix_config config = KVRADIX_CONFIG_INIT;
    config.capacity = 1;
    config.allocator = allocator;
    kvradix_index *index, *second = NULL;
    kvcore_status status = kvradix_index_create(&config, &index, NULL);
    if (status != KVCORE_OK) return status;
    for (size_t i = 0; status == KVCORE_OK && i < 3 * LENGTH; i += 50) {
        size_t before = kvradix_index_count(index).names, from = 3 * LENGTH - 50 - i;
        kvhash_event events[50];
        for (size_t j = 0; j < 50; j++)
            events[j] = (kvhash_event){
                .name = names[from + j], .holder = {2, 0, 0}, .sequence = i / 2 + j + 1, .kind = KVHASH_EVENT_CREATE};
        if (i % 100 == 0)
            status = kvradix_index_store(index, worker(1), names + from, 50);
        else
            status = kvradix_index_apply(index, events, 50, NULL);
        if (status != KVCORE_OK) assert_int_equal(kvradix_index_count(index).names, before);
    }
    kvcore_status valid = kvradix_index_validate(index, NULL); /* allocates, and so may fail too */
    if (status == KVCORE_OK)
        status = valid;
    else
        kvtest_assert_ok(valid);
    size_t size;
    if (status == KVCORE_OK) status = kvradix_index_create(&config, &second, NULL);
    if (status == KVCORE_OK) {
        kvtest_assert_ok(kvradix_index_dump(index, bytes, sizeof bytes, &size));
        status = kvradix_index_load(second, bytes, size, NULL);
        if (status != KVCORE_OK) {
            assert_int_equal(kvradix_index_count(second).holders, 0);
            assert_int_equal(kvradix_index_count(second).names, 0);
            kvtest_assert_ok(kvradix_index_validate(second, NULL));
        }
    }
    kvradix_index_destroy(index);
    kvradix_index_destroy(second);
    return status;
}

static void every_allocation_may_fail(void **state) {
    (void)state;
    kvtest_fail_each_allocation(scenario, 15);
}

/* ---- who is not trusted ---- */

static kvradix_index *make_limited(size_t names, size_t holder_names) {
    kvradix_config config = KVRADIX_CONFIG_INIT;
    config.name_limit = names;
    config.holder_name_limit = holder_names;
    kvradix_index *index = NULL;
    kvtest_assert_ok(kvradix_index_create(&config, &index, NULL));
    return index;
}

static void names_beyond_a_limit_are_refused(void **state) {
    (void)state;
    kvhash_plh names[LENGTH], others[LENGTH];
    make_chain(1, names, LENGTH);
    make_chain(2, others, LENGTH);
    kvradix_index *index = make_limited(100, 60);
    kvtest_assert_status(kvradix_index_store(index, worker(1), names, 61), KVRADIX_EBUDGET);
    assert_int_equal(kvradix_index_count(index).names, 0);
    kvtest_assert_ok(kvradix_index_store(index, worker(1), names, 60));
    kvtest_assert_ok(kvradix_index_store(index, worker(1), names, 60)); /* known ones are not counted again */
    kvtest_assert_status(kvradix_index_store(index, worker(1), others, 1), KVRADIX_EBUDGET);
    kvtest_assert_status(kvradix_index_store(index, worker(2), others, 41), KVRADIX_EBUDGET);
    kvtest_assert_ok(kvradix_index_store(index, worker(2), others, 40));
    kvtest_assert_ok(kvradix_index_store(index, worker(2), names, 20)); /* somebody has them */
    kvtest_assert_ok(kvradix_index_remove(index, worker(1), names + 30, 30));
    kvtest_assert_ok(kvradix_index_store(index, worker(1), others + 40, 30));
    assert_int_equal(kvradix_index_count(index).names, 100);
    end(index);
}

static void an_event_beyond_a_limit_leaves_its_holder_stale(void **state) {
    (void)state;
    kvhash_plh names[LENGTH];
    make_chain(1, names, LENGTH);
    kvradix_index *index = make_limited(0, 10);
    for (size_t i = 0; i < 12; i++) {
        kvhash_event event = {.name = names[i], .holder = worker(1), .sequence = i + 1, .kind = KVHASH_EVENT_CREATE};
        kvtest_assert_ok(kvradix_index_apply(index, &event, 1, NULL));
        assert_int_equal(kvradix_index_count(index).stale, i >= 10);
    }
    kvtest_assert_ok(kvradix_index_store(index, worker(2), names, 5));
    assert_int_equal(kvradix_index_count(index).names, 10);
    assert_int_equal(kvradix_index_count(index).lost, 2);
    assert_int_equal(kvradix_index_expected(index, worker(1)), 13);
    assert_int_equal(blocks_of(index, worker(1), names, LENGTH), 10);
    end(index);
}

static void an_index_without_names_is_as_small_as_a_new_one(void **state) {
    (void)state;
    kvradix_index *index = make(0);
    size_t empty = kvradix_index_memory_bytes(index);
    for (uint64_t round = 0; round < 3; round++) {
        for (uint64_t chain = 0; chain < 100; chain++) {
            kvhash_plh names[LENGTH];
            make_chain(1000 * round + chain, names, LENGTH);
            kvtest_assert_ok(kvradix_index_store(index, worker(1), names, LENGTH));
        }
        assert_true(kvradix_index_memory_bytes(index) > 10 * empty);
        kvtest_assert_ok(kvradix_index_forget(index, worker(1)));
        kvtest_assert_ok(kvradix_index_forget(index, worker(1))); /* a later writer frees the rows */
        assert_int_equal(kvradix_index_memory_bytes(index), empty);
    }
    end(index);
}

static void the_last_number_cannot_end_the_dumps_of_a_fleet(void **state) {
    (void)state;
    kvradix_index *index = make(0), *other = make(0);
    kvhash_event event = {
        .name = kvhash_plh_root(1), .holder = worker(1), .sequence = UINT64_MAX, .kind = KVHASH_EVENT_CREATE};
    kvcore_error error;
    kvtest_assert_status(kvradix_index_apply(index, &event, 1, &error), KVCORE_EINVAL);
    assert_true(error.actual == UINT64_MAX);
    kvradix_feed feed = {index, worker(1)};
    kvradix_feed_event(&feed, &event);
    assert_int_equal(kvradix_index_expected(index, worker(1)), 1);
    assert_int_equal(kvradix_index_count(index).stale, 1);
    event.sequence--;
    kvtest_assert_ok(kvradix_index_apply(index, &event, 1, &error));
    uint8_t dump[1024];
    size_t size_bytes;
    kvtest_assert_ok(kvradix_index_dump(index, dump, sizeof dump, &size_bytes));
    kvtest_assert_ok(kvradix_index_load(other, dump, size_bytes, &error));
    end(index);
    end(other);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_longest_prefix_comes_first_and_ties_by_holder),
        cmocka_unit_test(as_many_holders_as_there_may_be_end_in_different_places),
        cmocka_unit_test(a_hole_ends_the_prefix_until_it_is_filled),
        cmocka_unit_test(names_may_come_in_any_order),
        cmocka_unit_test(a_name_that_nobody_has_any_more_is_gone),
        cmocka_unit_test(names_in_a_wider_mode_than_needed_find_their_parent),
        cmocka_unit_test(clearing_one_holder_leaves_the_others),
        cmocka_unit_test(one_holder_too_many_is_refused_and_a_forgotten_one_makes_room),
        cmocka_unit_test(a_silent_holder_expires),
        cmocka_unit_test(who_has_one_block_is_told),
        cmocka_unit_test(what_no_caller_should_pass_is_refused),
        cmocka_unit_test(every_allocation_may_fail),
        cmocka_unit_test(names_beyond_a_limit_are_refused),
        cmocka_unit_test(an_event_beyond_a_limit_leaves_its_holder_stale),
        cmocka_unit_test(an_index_without_names_is_as_small_as_a_new_one),
        cmocka_unit_test(the_last_number_cannot_end_the_dumps_of_a_fleet),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
