#include "kvtest.h"

#include <kvhash/sequence.h>

static const uint32_t tokens[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};

static kvhash_sequence *make(size_t count, uint32_t block_tokens) {
    kvhash_sequence_config config = KVHASH_SEQUENCE_CONFIG_INIT;
    config.tokens = tokens;
    config.token_count = count;
    config.block_tokens = block_tokens;
    kvhash_sequence *sequence;
    kvtest_assert_ok(kvhash_sequence_create(&config, &sequence, NULL));
    return sequence;
}

static kvhash_partial partial_of(const kvhash_sequence *sequence) {
    kvhash_partial partial;
    kvtest_assert_ok(kvhash_sequence_partial(sequence, &partial));
    return partial;
}

static void a_block_is_reported_when_its_last_token_comes(void **state) {
    (void)state;
    kvhash_sequence *sequence = make(0, 4);
    for (size_t i = 0; i < 10; i++) {
        kvhash_block_range completed = {99, 99};
        kvtest_assert_ok(kvhash_sequence_append(sequence, tokens[i], &completed));
        assert_int_equal(completed.count, i % 4 == 3);
        assert_int_equal(completed.first, i / 4);
    }
    assert_int_equal(kvhash_sequence_block_count(sequence), 2);
    kvhash_sequence *whole = make(10, 4);
    assert_true(kvhash_sequence_equal(sequence, whole));
    kvhash_sequence_destroy(sequence);
    kvhash_sequence_destroy(whole);
}

static void extending_fills_and_never_leaves_a_full_partial_block(void **state) {
    (void)state;
    kvhash_block_range completed;
    kvhash_sequence *sequence = make(1, 4);
    kvtest_assert_ok(kvhash_sequence_extend(sequence, NULL, 0, &completed));
    assert_int_equal(completed.count, 0);
    kvtest_assert_ok(kvhash_sequence_extend(sequence, tokens, 2, &completed));
    assert_int_equal(completed.count, 0);
    kvtest_assert_ok(kvhash_sequence_extend(sequence, tokens, 1, &completed));
    assert_true(completed.first == 0 && completed.count == 1);
    assert_int_equal(partial_of(sequence).token_count, 0);
    kvtest_assert_ok(kvhash_sequence_extend(sequence, tokens, 10, &completed));
    assert_true(completed.first == 1 && completed.count == 2);
    assert_int_equal(partial_of(sequence).token_count, 2);
    kvhash_sequence_destroy(sequence);
}

static void a_sequence_may_be_extended_by_its_own_tokens(void **state) {
    (void)state;
    kvhash_sequence *sequence = make(10, 4);
    for (size_t round = 0; round < 8; round++) { /* its memory moves several times */
        size_t total = kvhash_sequence_token_count(sequence), count;
        const uint32_t *own = kvhash_sequence_tokens(sequence, 0, total, &count);
        kvtest_assert_ok(kvhash_sequence_extend(sequence, own, count, NULL));
    }
    size_t count;
    const uint32_t *all = kvhash_sequence_tokens(sequence, 0, kvhash_sequence_token_count(sequence), &count);
    assert_int_equal(count, 2560);
    for (size_t i = 0; i < count; i++) assert_int_equal(all[i], i % 10);
    kvhash_sequence_destroy(sequence);
}

static void truncation_keeps_the_head_as_the_specification_s_table_says(void **state) {
    (void)state;
    static const struct {
        size_t keep, blocks, partial;
    } cases[] = {{9, 2, 1}, {8, 2, 0}, {7, 1, 3}, {4, 1, 0}, {3, 0, 3}, {0, 0, 0}, {10, 2, 2}, {11, 2, 2}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        kvhash_sequence *sequence = make(10, 4), *whole = make(cases[i].keep < 10 ? cases[i].keep : 10, 4);
        kvtest_assert_ok(kvhash_sequence_truncate(sequence, cases[i].keep));
        kvhash_partial partial = partial_of(sequence);
        assert_int_equal(kvhash_sequence_block_count(sequence), cases[i].blocks);
        assert_int_equal(partial.token_count, cases[i].partial);
        assert_int_equal(partial.position, cases[i].blocks);
        assert_true(partial.has_parent == (cases[i].blocks != 0));
        if (partial.has_parent) {
            kvhash_block last;
            kvtest_assert_ok(kvhash_sequence_block(sequence, cases[i].blocks - 1, &last));
            assert_true(partial.parent_sequence_hash == last.sequence_hash);
        }
        assert_true(kvhash_sequence_equal(sequence, whole));
        /* and it grows on from there */
        kvtest_assert_ok(kvhash_sequence_extend(sequence, tokens, 10, NULL));
        kvtest_assert_ok(kvhash_sequence_extend(whole, tokens, 10, NULL));
        size_t count, same;
        const kvhash_plh *names = kvhash_sequence_names(sequence, &count), *other = kvhash_sequence_names(whole, &same);
        assert_int_equal(count, same);
        assert_memory_equal(names, other, count * sizeof *names);
        kvhash_sequence_destroy(sequence);
        kvhash_sequence_destroy(whole);
    }
}

static void unwind_and_pop_go_back_to_nothing(void **state) {
    (void)state;
    kvhash_sequence *sequence = make(10, 4);
    kvtest_assert_status(kvhash_sequence_unwind(sequence, 11), KVHASH_EINSUFFICIENT_TOKENS);
    kvtest_assert_ok(kvhash_sequence_unwind(sequence, 0));
    kvtest_assert_ok(kvhash_sequence_unwind(sequence, 3));
    for (size_t left = 7; left-- > 0;) {
        uint32_t token = 99;
        bool popped = false;
        kvtest_assert_ok(kvhash_sequence_pop(sequence, &token, &popped));
        assert_true(popped && token == left);
        assert_int_equal(kvhash_sequence_token_count(sequence), left);
        assert_int_equal(kvhash_sequence_block_count(sequence), left / 4);
    }
    bool popped = true;
    kvtest_assert_ok(kvhash_sequence_pop(sequence, NULL, &popped));
    assert_false(popped);
    kvtest_assert_status(kvhash_sequence_unwind(sequence, 1), KVHASH_EINSUFFICIENT_TOKENS);
    kvhash_sequence_destroy(sequence);
}

static void with_runs_it_only_grows_or_is_reset(void **state) {
    (void)state;
    kvhash_sequence *sequence = make(10, 4);
    kvtest_assert_status(kvhash_sequence_push_run(sequence, 7, 0, NULL), KVHASH_EEMPTY_RUN);
    kvhash_block_range completed;
    kvtest_assert_ok(kvhash_sequence_push_run(sequence, 7, 6, &completed));
    assert_true(completed.first == 2 && completed.count == 2);
    bool popped;
    kvtest_assert_status(kvhash_sequence_truncate(sequence, 99), KVHASH_EMM_RUNS_PRESENT);
    kvtest_assert_status(kvhash_sequence_unwind(sequence, 0), KVHASH_EMM_RUNS_PRESENT);
    kvtest_assert_status(kvhash_sequence_unwind(sequence, 99), KVHASH_EINSUFFICIENT_TOKENS);
    kvtest_assert_status(kvhash_sequence_pop(sequence, NULL, &popped), KVHASH_EMM_RUNS_PRESENT);
    size_t count;
    const kvhash_mm_run *runs = kvhash_sequence_runs(sequence, &count);
    assert_true(count == 1 && runs[0].offset == 10 && runs[0].length == 6 && runs[0].mm_hash == 7);
    const uint32_t *placeholders = kvhash_sequence_tokens(sequence, 9, 12, &count);
    assert_true(count == 3 && placeholders[0] == 9 && placeholders[1] == 0 && placeholders[2] == 0);
    kvhash_sequence_reset(sequence);
    kvhash_sequence *empty = make(0, 4);
    assert_true(kvhash_sequence_equal(sequence, empty));
    kvtest_assert_ok(kvhash_sequence_truncate(sequence, 0));
    kvhash_sequence_destroy(sequence);
    kvhash_sequence_destroy(empty);
}

static void tokens_of_a_range_are_none_when_the_range_is_none(void **state) {
    (void)state;
    kvhash_sequence *sequence = make(10, 4);
    static const size_t ranges[][3] = {{0, 10, 10}, {2, 6, 4},  {8, 10, 2}, {3, 3, 0},
                                       {5, 2, 0},   {8, 11, 0}, {10, 10, 0}};
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
        size_t count = 99;
        const uint32_t *at = kvhash_sequence_tokens(sequence, ranges[i][0], ranges[i][1], &count);
        assert_int_equal(count, ranges[i][2]);
        if (count != 0) assert_int_equal(at[0], ranges[i][0]);
    }
    kvhash_sequence_destroy(sequence);
}

static void a_split_gives_what_a_sequence_would(void **state) {
    (void)state;
    const kvhash_mm_run run = {9, 5, 4};
    kvhash_sequence_config config = KVHASH_SEQUENCE_CONFIG_INIT;
    config.tokens = tokens, config.token_count = 10, config.block_tokens = 4, config.salt_hash = 5;
    config.runs = &run, config.run_count = 1;
    kvhash_sequence *sequence;
    kvtest_assert_ok(kvhash_sequence_create(&config, &sequence, NULL));
    kvhash_block blocks[2], block;
    kvhash_partial partial, expected = partial_of(sequence);
    size_t count;
    kvtest_assert_status(kvhash_split(&config, blocks, 1, &count, &partial, NULL), KVCORE_EBUFFER);
    assert_int_equal(count, 2);
    kvtest_assert_ok(kvhash_split(&config, blocks, 2, &count, &partial, NULL));
    for (size_t i = 0; i < 2; i++) {
        kvtest_assert_ok(kvhash_sequence_block(sequence, i, &block));
        assert_memory_equal(&block, &blocks[i], sizeof block);
    }
    assert_ptr_equal(partial.tokens, tokens + 8);
    assert_true(partial.token_count == 2 && partial.position == 2 && partial.has_parent && partial.block_tokens == 4);
    assert_true(partial.parent_sequence_hash == expected.parent_sequence_hash && partial.salt_hash == 5);
    kvtest_assert_status(kvhash_sequence_block(sequence, 2, &block), KVCORE_EINVAL);
    kvhash_sequence_destroy(sequence);
}

static void faults_of_a_config_come_in_the_stated_order(void **state) {
    (void)state;
    const kvhash_mm_run empty = {1, 0, 0}, far = {1, 8, 1};
    kvhash_sequence_config config = KVHASH_SEQUENCE_CONFIG_INIT;
    kvhash_sequence *sequence = NULL;
    kvcore_error error;
    config.tokens = tokens, config.token_count = 4;
    config.runs = &empty, config.run_count = 1;
    kvtest_assert_status(kvhash_sequence_create(&config, &sequence, &error), KVHASH_EBLOCK_SIZE);
    assert_string_equal(error.text, "block_size must be greater than 0");
    config.block_tokens = 1;
    kvtest_assert_status(kvhash_sequence_create(&config, &sequence, &error), KVHASH_EEMPTY_RUN);
    config.runs = &far;
    kvtest_assert_status(kvhash_sequence_create(&config, &sequence, &error), KVHASH_EOUT_OF_BOUNDS);
    assert_true(error.offset == 8 && error.length == 1 && error.expected == 4);
    config.run_count = 0;
    config.token_count = (size_t)KVHASH_PLH_MAX_POSITION + 2; /* never read */
    kvtest_assert_status(kvhash_sequence_create(&config, &sequence, &error), KVHASH_EPOSITION);
    config.token_count = 4;
    config.allocator = kvcore_allocator_libc();
    config.allocator.free = NULL;
    kvtest_assert_status(kvhash_sequence_create(&config, &sequence, &error), KVCORE_EINVAL);
    kvtest_assert_status(kvhash_sequence_create(NULL, &sequence, &error), KVCORE_EINVAL);
    assert_null(sequence);
}

/* One token a block, to the last position there is. */
static void the_last_position_is_reached_and_not_passed(void **state) {
    (void)state;
    static uint32_t zeros[1 << 16];
    kvhash_sequence_config config = KVHASH_SEQUENCE_CONFIG_INIT;
    config.block_tokens = 1;
    kvhash_sequence *sequence;
    kvtest_assert_ok(kvhash_sequence_create(&config, &sequence, NULL));
    const size_t most = (size_t)KVHASH_PLH_MAX_POSITION + 1;
    kvtest_assert_status(kvhash_sequence_push_run(sequence, 1, most + 1, NULL), KVHASH_EPOSITION);
    kvtest_assert_status(kvhash_sequence_push_run(sequence, 1, UINT64_MAX, NULL), KVHASH_EPOSITION);
    for (size_t i = 0; i < most; i += 1 << 16) kvtest_assert_ok(kvhash_sequence_extend(sequence, zeros, 1 << 16, NULL));
    kvtest_assert_status(kvhash_sequence_append(sequence, 1, NULL), KVHASH_EPOSITION);
    kvtest_assert_status(kvhash_sequence_extend(sequence, tokens, 1, NULL), KVHASH_EPOSITION);
    kvtest_assert_status(kvhash_sequence_push_run(sequence, 1, 1, NULL), KVHASH_EPOSITION);
    assert_int_equal(kvhash_sequence_token_count(sequence), most);
    size_t count;
    assert_int_equal(kvhash_plh_position(kvhash_sequence_names(sequence, &count)[most - 1]), KVHASH_PLH_MAX_POSITION);
    kvtest_assert_ok(kvhash_sequence_unwind(sequence, 1));
    kvtest_assert_ok(kvhash_sequence_append(sequence, 0, NULL));
    kvhash_sequence_destroy(sequence);
    /* a partial block beyond it is fine until it would be complete */
    config.block_tokens = 1 << 20;
    kvtest_assert_ok(kvhash_sequence_create(&config, &sequence, NULL));
    const uint64_t full = (uint64_t)config.block_tokens * (KVHASH_PLH_MAX_POSITION + 2);
    kvtest_assert_status(kvhash_sequence_push_run(sequence, 1, full, NULL), KVHASH_EPOSITION);
    kvhash_sequence_destroy(sequence);
}

static void nothing_is_an_empty_sequence(void **state) {
    (void)state;
    size_t count = 9;
    kvhash_block_range range;
    bool popped;
    assert_null(kvhash_sequence_names(NULL, &count));
    assert_int_equal(count, 0);
    assert_int_equal(kvhash_sequence_token_count(NULL), 0);
    assert_int_equal(kvhash_sequence_block_tokens(NULL), 0);
    assert_true(kvhash_sequence_salt_hash(NULL) == 0);
    assert_null(kvhash_sequence_tokens(NULL, 0, 0, &count));
    kvtest_assert_status(kvhash_sequence_append(NULL, 1, &range), KVCORE_EINVAL);
    kvtest_assert_status(kvhash_sequence_extend(NULL, tokens, 1, &range), KVCORE_EINVAL);
    kvtest_assert_status(kvhash_sequence_push_run(NULL, 1, 1, &range), KVCORE_EINVAL);
    kvtest_assert_status(kvhash_sequence_pop(NULL, NULL, &popped), KVCORE_EINVAL);
    kvhash_sequence_reset(NULL);
    kvhash_sequence_destroy(NULL);
    kvhash_sequence *sequence = make(0, 4);
    kvtest_assert_status(kvhash_sequence_extend(sequence, NULL, 1, &range), KVCORE_EINVAL);
    assert_false(kvhash_sequence_equal(sequence, NULL));
    kvhash_sequence_destroy(sequence);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_block_is_reported_when_its_last_token_comes),
        cmocka_unit_test(extending_fills_and_never_leaves_a_full_partial_block),
        cmocka_unit_test(a_sequence_may_be_extended_by_its_own_tokens),
        cmocka_unit_test(truncation_keeps_the_head_as_the_specification_s_table_says),
        cmocka_unit_test(unwind_and_pop_go_back_to_nothing),
        cmocka_unit_test(with_runs_it_only_grows_or_is_reset),
        cmocka_unit_test(tokens_of_a_range_are_none_when_the_range_is_none),
        cmocka_unit_test(a_split_gives_what_a_sequence_would),
        cmocka_unit_test(faults_of_a_config_come_in_the_stated_order),
        cmocka_unit_test(the_last_position_is_reached_and_not_passed),
        cmocka_unit_test(nothing_is_an_empty_sequence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
