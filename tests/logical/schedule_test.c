/* A request in two phases: states, checks in their order, numbers, events. */
#include "request_support.h"

static void expect_error(const kvcore_error *error, kvcore_status code, uint64_t expected, uint64_t actual,
                         const char *text) {
    assert_int_equal(error->code, code);
    assert_true(error->expected == expected);
    assert_true(error->actual == actual);
    assert_string_equal(error->text, text);
}

/* ---- states ---- */

static void nothing_else_is_possible_while_scheduled(void **state) {
    (void)state;
    kvlogical_manager *pool = make_pool(20, KVLOGICAL_EVICT_LRU, 0);
    for (uint32_t phase = KVLOGICAL_SCHEDULED_PREFILL; phase <= KVLOGICAL_SCHEDULED_SPECULATIVE; phase++) {
        kvlogical_request *request = make_request(pool, 0, 4, 8);
        if (phase == KVLOGICAL_SCHEDULED_PREFILL) {
            kvtest_assert_ok(kvlogical_request_schedule_prefill(request, 4, NULL));
        } else {
            prefill_all(request, 50);
            if (phase == KVLOGICAL_SCHEDULED_DECODE)
                kvtest_assert_ok(kvlogical_request_schedule_decode(request, NULL));
            else
                kvtest_assert_ok(kvlogical_request_schedule_speculative(request, 3, NULL, NULL));
        }
        static const char *const idle[] = {
            0, "expected Idle state, got PrefillScheduled { num_tokens: 4, blocks_allocated: 1 }",
            "expected Idle state, got DecodeScheduled { blocks_allocated: 1 }",
            "expected Idle state, got SpeculativeScheduled { num_tokens: 3, blocks_allocated: 1 }"};
        kvcore_error error;
        size_t held = kvlogical_request_count(request).unassigned_blocks;
        uint32_t token = 1;
        kvtest_assert_status(kvlogical_request_schedule_prefill(request, 1, &error), KVLOGICAL_ESTATE);
        expect_error(&error, KVLOGICAL_ESTATE, KVLOGICAL_SCHEDULED_NONE, phase, idle[phase]);
        kvtest_assert_status(kvlogical_request_schedule_decode(request, &error), KVLOGICAL_ESTATE);
        expect_error(&error, KVLOGICAL_ESTATE, KVLOGICAL_SCHEDULED_NONE, phase, idle[phase]);
        kvtest_assert_status(kvlogical_request_schedule_speculative(request, 1, NULL, &error), KVLOGICAL_ESTATE);
        expect_error(&error, KVLOGICAL_ESTATE, KVLOGICAL_SCHEDULED_NONE, phase, idle[phase]);
        kvtest_assert_status(kvlogical_request_append_tokens(request, &token, 1, &error), KVLOGICAL_ESTATE);
        kvtest_assert_status(kvlogical_request_match_prefix(request, NULL), KVLOGICAL_ESTATE);
        kvtest_assert_status(kvlogical_request_allocate(request, 1), KVLOGICAL_ESTATE);
        kvtest_assert_status(kvlogical_request_register_computed(request, 4, &error), KVLOGICAL_ESTATE);
        kvtest_assert_status(kvlogical_request_append(request, 1, NULL), KVLOGICAL_ESTATE);
        kvtest_assert_status(kvlogical_request_release(request), KVLOGICAL_ESTATE);
        kvtest_assert_status(kvlogical_request_reacquire(request, NULL), KVLOGICAL_ESTATE);
        kvtest_assert_status(kvlogical_request_drop_unassigned(request, 1, NULL), KVLOGICAL_ESTATE);
        if (phase != KVLOGICAL_SCHEDULED_PREFILL)
            kvtest_assert_status(kvlogical_request_apply_prefill(request, NULL, NULL, &error), KVLOGICAL_ESTATE);
        if (phase != KVLOGICAL_SCHEDULED_DECODE)
            kvtest_assert_status(kvlogical_request_apply_decode(request, 1, NULL, &error), KVLOGICAL_ESTATE);
        if (phase != KVLOGICAL_SCHEDULED_SPECULATIVE)
            kvtest_assert_status(kvlogical_request_apply_speculative(request, &token, 1, NULL, &error),
                                 KVLOGICAL_ESTATE);
        assert_int_equal(kvlogical_request_count(request).unassigned_blocks, held);
        assert_int_equal(kvlogical_request_count(request).state, phase);
        kvlogical_request_destroy(request);
    }
    end_pool(pool);
}

static void apply_and_revert_need_a_schedule(void **state) {
    (void)state;
    kvlogical_manager *pool = make_pool(8, KVLOGICAL_EVICT_LRU, 0);
    kvlogical_request *request = make_request(pool, 0, 4, 8);
    kvcore_error error;
    kvtest_assert_status(kvlogical_request_apply_prefill(request, NULL, NULL, &error), KVLOGICAL_ESTATE);
    expect_error(&error, KVLOGICAL_ESTATE, KVLOGICAL_SCHEDULED_PREFILL, 0, "expected PrefillScheduled, got Idle");
    kvtest_assert_status(kvlogical_request_apply_decode(request, 1, NULL, &error), KVLOGICAL_ESTATE);
    expect_error(&error, KVLOGICAL_ESTATE, KVLOGICAL_SCHEDULED_DECODE, 0, "expected DecodeScheduled, got Idle");
    kvtest_assert_status(kvlogical_request_apply_speculative(request, NULL, 0, NULL, &error), KVLOGICAL_ESTATE);
    expect_error(&error, KVLOGICAL_ESTATE, KVLOGICAL_SCHEDULED_SPECULATIVE, 0,
                 "expected SpeculativeScheduled, got Idle");
    kvtest_assert_status(kvlogical_request_revert_schedule(request, &error), KVLOGICAL_ESTATE);
    assert_string_equal(error.text, "expected any Scheduled state, got Idle");
    kvtest_assert_status(kvlogical_request_schedule_decode(request, &error), KVLOGICAL_EPREFILL);
    expect_error(&error, KVLOGICAL_EPREFILL, 4, 0, "prefill not yet complete (position 0 < 4)");
    kvtest_assert_status(kvlogical_request_schedule_speculative(request, 1, NULL, &error), KVLOGICAL_EPREFILL);
    kvtest_assert_status(kvlogical_request_schedule_prefill(NULL, 1, &error), KVCORE_EINVAL);
    kvtest_assert_status(kvlogical_request_apply_prefill(NULL, NULL, NULL, &error), KVCORE_EINVAL);
    kvtest_assert_status(kvlogical_request_schedule_decode(NULL, &error), KVCORE_EINVAL);
    kvtest_assert_status(kvlogical_request_revert_schedule(NULL, &error), KVCORE_EINVAL);
    kvtest_assert_status(kvlogical_request_append_tokens(NULL, NULL, 0, &error), KVCORE_EINVAL);
    kvlogical_request_destroy(request);
    end_pool(pool);
}

/* ---- prefill ---- */

static void pages_that_are_replaced_are_told(void **state) {
    (void)state;
    for (uint32_t rejects = 0; rejects < 2; rejects++) {
        kvlogical_manager *pool =
            make_pool(8, KVLOGICAL_EVICT_LRU, rejects ? KVLOGICAL_DUPLICATES_REJECT : KVLOGICAL_DUPLICATES_ALLOW);
        kvlogical_request *first = make_request(pool, 0, 12, 4), *second = make_request(pool, 0, 12, 4);
        kvlogical_replaced_block replaced[3];
        uint32_t outcome, token = 50, before[3], after[4];
        size_t count;
        kvtest_assert_ok(kvlogical_request_schedule_prefill(second, 12, NULL)); /* before the first is done */
        kvtest_assert_ok(kvlogical_request_blocks(second, 0, before, 3, &count));
        kvtest_assert_ok(kvlogical_request_schedule_prefill(first, 12, NULL));
        kvtest_assert_ok(kvlogical_request_apply_prefill(first, &token, &outcome, NULL));
        assert_int_equal(outcome & KVLOGICAL_OUTCOME_BLOCKS_REPLACED, 0);
        kvtest_assert_ok(kvlogical_request_replaced(first, NULL, 0, &count));
        assert_int_equal(count, 0);
        kvtest_assert_ok(kvlogical_request_apply_prefill(second, &token, &outcome, NULL));
        assert_int_equal((outcome & KVLOGICAL_OUTCOME_BLOCKS_REPLACED) != 0, rejects);
        kvtest_assert_status(kvlogical_request_replaced(second, replaced, 2, &count),
                             rejects ? KVCORE_EBUFFER : KVCORE_OK);
        kvtest_assert_ok(kvlogical_request_replaced(second, replaced, 3, &count));
        assert_int_equal(count, rejects ? 3 : 0);
        kvtest_assert_ok(kvlogical_request_blocks(second, 0, after, 4, &count));
        for (size_t i = 0; i < 3; i++) {
            assert_int_equal(after[i] != before[i], rejects);
            if (!rejects) continue;
            assert_int_equal(replaced[i].index, i);
            assert_int_equal(replaced[i].from, before[i]);
            assert_int_equal(replaced[i].to, after[i]);
        }
        kvtest_assert_ok(kvlogical_request_schedule_decode(second, NULL));
        kvtest_assert_ok(kvlogical_request_apply_decode(second, 51, &outcome, NULL));
        assert_int_equal(outcome & KVLOGICAL_OUTCOME_BLOCKS_REPLACED, 0); /* of the last call only */
        kvtest_assert_ok(kvlogical_request_replaced(second, NULL, 0, &count));
        assert_int_equal(count, 0);
        kvlogical_request_destroy(first);
        kvlogical_request_destroy(second);
        end_pool(pool);
    }
}

static void a_shortage_says_what_is_available(void **state) {
    (void)state;
    kvlogical_manager *pool = make_pool(4, KVLOGICAL_EVICT_LRU, 0);
    kvlogical_request *other = make_request(pool, 100, 8, 0), *request = make_request(pool, 0, 12, 0);
    kvcore_error error;
    kvtest_assert_ok(kvlogical_request_allocate(other, 2));
    kvtest_assert_status(kvlogical_request_schedule_prefill(request, 12, &error), KVCORE_ENOSPACE);
    expect_error(&error, KVCORE_ENOSPACE, 3, 2, "allocation failed: needed 3 blocks");
    kvtest_assert_ok(kvlogical_request_allocate(request, 2));
    kvtest_assert_status(kvlogical_request_allocate(request, 2), KVCORE_ENOSPACE); /* when the other one goes */
    kvtest_assert_status(kvlogical_request_allocate(request, 3), KVCORE_EOVERFLOW);
    kvlogical_request_destroy(request);
    kvlogical_request_destroy(other);
    end_pool(pool);
}

static void prefill_refuses_what_it_cannot_do(void **state) {
    (void)state;
    kvlogical_manager *pool = make_pool(2, KVLOGICAL_EVICT_LRU, 0);
    kvlogical_request *request = make_request(pool, 0, 8, 8);
    kvcore_error error;
    uint32_t token = 50;
    kvtest_assert_status(kvlogical_request_schedule_prefill(request, 9, &error), KVLOGICAL_EPREFILL);
    expect_error(&error, KVLOGICAL_EPREFILL, 8, 9, "prefill overrun: position 0 + 9 > 8");
    kvtest_assert_status(kvlogical_request_schedule_prefill(request, SIZE_MAX, &error), KVLOGICAL_EPREFILL);
    kvtest_assert_ok(kvlogical_request_schedule_prefill(request, 0, &error));
    kvtest_assert_ok(kvlogical_request_apply_prefill(request, NULL, NULL, &error));
    kvtest_assert_ok(kvlogical_request_schedule_prefill(request, 4, &error));
    kvtest_assert_status(kvlogical_request_apply_prefill(request, &token, NULL, &error), KVLOGICAL_ETOKEN);
    assert_string_equal(error.text, "token provided but prefill not completing this chunk");
    kvtest_assert_ok(kvlogical_request_apply_prefill(request, NULL, NULL, &error));
    expect_counts(request, 1, 0, 4, 4);
    kvtest_assert_ok(kvlogical_request_schedule_prefill(request, 4, &error));
    kvtest_assert_status(kvlogical_request_apply_prefill(request, NULL, NULL, &error), KVLOGICAL_ETOKEN);
    assert_string_equal(error.text, "final prefill chunk requires a generated token");
    assert_int_equal(kvlogical_request_count(request).state, KVLOGICAL_SCHEDULED_PREFILL);
    uint32_t outcome;
    kvtest_assert_ok(kvlogical_request_apply_prefill(request, &token, &outcome, &error));
    assert_int_equal(outcome, KVLOGICAL_OUTCOME_CONTINUE);
    expect_counts(request, 2, 0, 8, 1);
    kvtest_assert_status(kvlogical_request_schedule_prefill(request, 1, &error), KVLOGICAL_EPREFILL);
    expect_error(&error, KVLOGICAL_EPREFILL, 8, 8, "prefill already complete");
    kvtest_assert_status(kvlogical_request_schedule_decode(request, &error), KVCORE_EOVERFLOW);
    expect_error(&error, KVCORE_EOVERFLOW, 2, 3, "allocation failed: needed 1 blocks");
    assert_int_equal(kvlogical_request_count(request).state, KVLOGICAL_SCHEDULED_NONE);
    kvlogical_request_destroy(request);
    request = make_request(pool, 100, 12, 8);
    kvtest_assert_status(kvlogical_request_schedule_prefill(request, 12, &error), KVCORE_EOVERFLOW);
    expect_error(&error, KVCORE_EOVERFLOW, 2, 3, "allocation failed: needed 3 blocks");
    assert_int_equal(available(pool), 2);
    kvlogical_request_destroy(request);
    end_pool(pool);
}

static void a_chunk_that_ends_inside_a_block_does_not_share_it(void **state) {
    (void)state;
    kvlogical_manager *pool = make_pool(8, KVLOGICAL_EVICT_LRU, 0);
    kvlogical_request *request = make_request(pool, 0, 8, 8);
    kvtest_assert_ok(kvlogical_request_schedule_prefill(request, 3, NULL));
    kvtest_assert_ok(kvlogical_request_apply_prefill(request, NULL, NULL, NULL));
    expect_counts(request, 0, 1, 3, 5);
    kvtest_assert_ok(kvlogical_request_schedule_prefill(request, 3, NULL));
    assert_int_equal(kvlogical_request_count(request).scheduled_blocks, 1);
    kvtest_assert_ok(kvlogical_request_apply_prefill(request, NULL, NULL, NULL));
    expect_counts(request, 1, 1, 6, 2);
    prefill_all(request, 50);
    expect_counts(request, 2, 0, 8, 1);
    kvlogical_request_destroy(request);
    end_pool(pool);
}

static void a_token_without_budget_is_refused_before_anything_changes(void **state) {
    (void)state;
    kvlogical_manager *pool = make_pool(8, KVLOGICAL_EVICT_LRU, 0);
    kvlogical_request *request = make_request(pool, 0, 8, 0);
    kvcore_error error;
    uint32_t token = 50, outcome;
    kvtest_assert_ok(kvlogical_request_schedule_prefill(request, 8, NULL));
    kvtest_assert_status(kvlogical_request_apply_prefill(request, &token, NULL, &error), KVLOGICAL_EBUDGET);
    expect_counts(request, 0, 2, 0, 8);
    assert_int_equal(kvlogical_manager_counts(pool).primary, 0);
    kvtest_assert_ok(kvlogical_request_apply_prefill(request, NULL, &outcome, &error));
    assert_int_equal(outcome, KVLOGICAL_OUTCOME_MAX_LENGTH);
    expect_counts(request, 2, 0, 8, 0);
    kvtest_assert_status(kvlogical_request_schedule_decode(request, &error), KVLOGICAL_EBUDGET);
    expect_error(&error, KVLOGICAL_EBUDGET, 0, 0, "generation complete: 0 >= 0");
    kvlogical_request_destroy(request);
    end_pool(pool);
}

static void a_cached_prefix_moves_the_prefill_position(void **state) {
    (void)state;
    kvlogical_manager *pool = make_pool(8, KVLOGICAL_EVICT_LRU, 0);
    kvlogical_request *request = make_request(pool, 0, 4, 8);
    prefill_all(request, 50);
    kvlogical_request_destroy(request);
    request = make_request(pool, 0, 8, 8);
    kvtest_assert_ok(kvlogical_request_match_prefix(request, NULL));
    expect_counts(request, 1, 0, 4, 4);
    kvtest_assert_status(kvlogical_request_schedule_prefill(request, 5, NULL), KVLOGICAL_EPREFILL);
    kvtest_assert_ok(kvlogical_request_schedule_prefill(request, 4, NULL));
    assert_int_equal(kvlogical_request_count(request).scheduled_blocks, 1);
    kvlogical_request_destroy(request);
    end_pool(pool);
}

/* ---- decode ---- */

static void decode_shares_a_block_one_step_after_its_last_token_came(void **state) {
    (void)state;
    kvlogical_manager *pool = make_pool(8, KVLOGICAL_EVICT_LRU, 0);
    kvlogical_request *request = make_request(pool, 0, 8, 9);
    prefill_all(request, 50);
    expect_counts(request, 2, 0, 8, 1);
    static const struct {
        size_t allocated, assigned, unassigned;
        uint32_t outcome;
    } steps[] = {{1, 2, 1, 0},
                 {0, 2, 1, 0},
                 {0, 2, 1, KVLOGICAL_OUTCOME_BLOCK_COMPLETED},
                 {1, 3, 1, 0},
                 {0, 3, 1, 0},
                 {0, 3, 1, 0},
                 {0, 3, 1, KVLOGICAL_OUTCOME_BLOCK_COMPLETED},
                 {1, 4, 1, KVLOGICAL_OUTCOME_MAX_LENGTH}};
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        uint32_t outcome;
        kvtest_assert_ok(kvlogical_request_schedule_decode(request, NULL));
        assert_int_equal(kvlogical_request_count(request).scheduled_blocks, steps[i].allocated);
        kvtest_assert_ok(kvlogical_request_apply_decode(request, 60 + (uint32_t)i, &outcome, NULL));
        assert_int_equal(outcome, steps[i].outcome);
        expect_counts(request, steps[i].assigned, steps[i].unassigned, 9 + i, 1);
    }
    kvcore_error error;
    kvtest_assert_status(kvlogical_request_schedule_decode(request, &error), KVLOGICAL_EBUDGET);
    expect_error(&error, KVLOGICAL_EBUDGET, 9, 9, "generation complete: 9 >= 9");
    assert_int_equal(kvlogical_request_count(request).total_tokens, 17);
    kvlogical_request_destroy(request);
    request = make_request(pool, 100, 6, 2);
    prefill_all(request, 50);
    assert_int_equal(decode(request, 51), KVLOGICAL_OUTCOME_BLOCK_COMPLETED | KVLOGICAL_OUTCOME_MAX_LENGTH);
    kvlogical_request_destroy(request);
    end_pool(pool);
}

static void the_worked_numbers_of_the_specification_hold(void **state) {
    (void)state;
    kvlogical_manager *pool = make_pool(16, KVLOGICAL_EVICT_LRU, 0);
    kvlogical_request *request = make_request(pool, 0, 7, 9);
    prefill_all(request, 50);
    expect_counts(request, 1, 1, 7, 1); /* the token completed block 1, which is not shared yet */
    kvtest_assert_ok(kvlogical_request_schedule_decode(request, NULL));
    assert_int_equal(kvlogical_request_count(request).scheduled_blocks, 1);
    uint32_t outcome;
    kvtest_assert_ok(kvlogical_request_apply_decode(request, 51, &outcome, NULL));
    assert_int_equal(outcome, KVLOGICAL_OUTCOME_CONTINUE);
    expect_counts(request, 2, 1, 8, 1);
    kvlogical_request_destroy(request);
    end_pool(pool);
}

static void a_tail_of_other_than_one_token_is_no_decode(void **state) {
    (void)state;
    kvlogical_manager *pool = make_pool(8, KVLOGICAL_EVICT_LRU, 0);
    kvlogical_request *request = make_request(pool, 0, 0, 8);
    kvcore_error error;
    uint32_t tokens[2] = {7, 8};
    kvtest_assert_status(kvlogical_request_schedule_prefill(request, 0, &error), KVLOGICAL_EPREFILL);
    kvtest_assert_status(kvlogical_request_schedule_decode(request, &error), KVLOGICAL_EDANGLING);
    expect_error(&error, KVLOGICAL_EDANGLING, 1, 0, "expected 1 dangling token(s), got 0");
    kvtest_assert_ok(kvlogical_request_append_tokens(request, tokens, 1, &error));
    decode(request, 9);
    kvtest_assert_ok(kvlogical_request_append_tokens(request, tokens, 1, &error));
    kvtest_assert_status(kvlogical_request_schedule_decode(request, &error), KVLOGICAL_EDANGLING);
    expect_error(&error, KVLOGICAL_EDANGLING, 1, 2, "expected 1 dangling token(s), got 2");
    /* the reference ends here; ours prefills them */
    assert_int_equal(kvlogical_request_count(request).prefill_tokens, 2);
    prefill_all(request, 10);
    expect_counts(request, 0, 1, 3, 1);
    decode(request, 11);
    kvlogical_request_destroy(request);
    end_pool(pool);
}

static void tokens_appended_before_the_prefill_ends_are_part_of_it(void **state) {
    (void)state;
    kvlogical_manager *pool = make_pool(8, KVLOGICAL_EVICT_LRU, 0);
    kvlogical_request *request = make_request(pool, 0, 6, 8);
    uint32_t tokens[3] = {70, 71, 72};
    kvtest_assert_ok(kvlogical_request_append_tokens(request, tokens, 2, NULL));
    assert_int_equal(kvlogical_request_count(request).prefill_tokens, 8);
    prefill_all(request, 73);
    expect_counts(request, 2, 0, 8, 1);
    kvcore_error error;
    kvtest_assert_status(kvlogical_request_append_tokens(request, count_up(0, 6), 6, &error), KVLOGICAL_EBUDGET);
    expect_error(&error, KVLOGICAL_EBUDGET, 5, 6, "append requested 6 tokens but only 5 remain");
    assert_int_equal(kvlogical_request_count(request).total_tokens, 9);
    kvlogical_request_destroy(request);
    end_pool(pool);
}

/* ---- speculation ---- */

static void speculation_takes_and_gives_back_blocks(void **state) {
    (void)state;
    static const struct {
        size_t input, max_output, drafts, scheduled, allocated, accepted;
        uint32_t outcome;
        size_t assigned, unassigned, computed;
    } rows[] = {
        {7, 9, 5, 5, 2, 5, KVLOGICAL_OUTCOME_BLOCK_COMPLETED, 3, 1, 12},
        {4, 9, 4, 4, 2, 2, KVLOGICAL_OUTCOME_CONTINUE, 1, 1, 6},
        {6, 3, 9, 2, 1, 2, KVLOGICAL_OUTCOME_BLOCK_COMPLETED | KVLOGICAL_OUTCOME_MAX_LENGTH, 2, 0, 8},
        {4, 9, 4, 4, 2, 0, KVLOGICAL_OUTCOME_CONTINUE, 1, 1, 4},
        {4, 9, 0, 0, 1, 0, KVLOGICAL_OUTCOME_CONTINUE, 1, 1, 4},
        /* no token came: the block that the tail completed is not shared (the reference shares it) */
        {7, 9, 3, 3, 1, 0, KVLOGICAL_OUTCOME_CONTINUE, 1, 2, 7},
        /* the budget is spent within a block: the block keeps its KV (the reference drops it) */
        {4, 3, 2, 2, 1, 2, KVLOGICAL_OUTCOME_MAX_LENGTH, 1, 1, 6},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        kvlogical_manager *pool = make_pool(16, KVLOGICAL_EVICT_LRU, 0);
        kvlogical_request *request = make_request(pool, 0, rows[i].input, rows[i].max_output);
        prefill_all(request, 50);
        size_t scheduled;
        uint32_t outcome;
        kvcore_error error;
        kvtest_assert_ok(kvlogical_request_schedule_speculative(request, rows[i].drafts, &scheduled, NULL));
        assert_int_equal(scheduled, rows[i].scheduled);
        assert_int_equal(kvlogical_request_count(request).scheduled_blocks, rows[i].allocated);
        kvtest_assert_status(
            kvlogical_request_apply_speculative(request, count_up(60, 20), scheduled + 1, NULL, &error),
            KVLOGICAL_EBUDGET);
        assert_int_equal(error.expected, scheduled);
        assert_int_equal(error.actual, scheduled + 1);
        kvtest_assert_ok(
            kvlogical_request_apply_speculative(request, count_up(60, 20), rows[i].accepted, &outcome, NULL));
        assert_int_equal(outcome, rows[i].outcome);
        expect_counts(request, rows[i].assigned, rows[i].unassigned, rows[i].computed, 1);
        size_t count, hits; /* and they are shared by the names that they have */
        const kvhash_plh *names = kvhash_sequence_names(kvlogical_request_sequence(request), &count);
        kvlogical_immutable held[8];
        kvtest_assert_ok(kvlogical_match_prefix(pool, names, count, held, &hits));
        assert_int_equal(hits, rows[i].assigned);
        kvlogical_release(pool, held, hits);
        kvlogical_request_destroy(request);
        end_pool(pool);
    }
}

static void a_revert_gives_back_what_the_schedule_took(void **state) {
    (void)state;
    kvlogical_manager *pool = make_pool(16, KVLOGICAL_EVICT_LRU, 0);
    kvlogical_request *request = make_request(pool, 0, 8, 9);
    kvtest_assert_ok(kvlogical_request_schedule_prefill(request, 8, NULL));
    assert_int_equal(available(pool), 14);
    kvtest_assert_ok(kvlogical_request_revert_schedule(request, NULL));
    assert_int_equal(available(pool), 16);
    prefill_all(request, 50);
    kvtest_assert_ok(kvlogical_request_schedule_decode(request, NULL));
    assert_int_equal(available(pool), 13);
    kvtest_assert_ok(kvlogical_request_revert_schedule(request, NULL));
    assert_int_equal(available(pool), 14);
    kvtest_assert_ok(kvlogical_request_schedule_speculative(request, 8, NULL, NULL));
    assert_int_equal(available(pool), 11);
    kvtest_assert_ok(kvlogical_request_revert_schedule(request, NULL));
    assert_int_equal(available(pool), 14);
    expect_counts(request, 2, 0, 8, 1);
    kvlogical_request_destroy(request);
    end_pool(pool);
}

/* ---- preemption ---- */

static void a_preempted_request_ends_with_the_same_tokens(void **state) {
    (void)state;
    kvlogical_manager *pool = make_pool(16, KVLOGICAL_EVICT_LRU, 0);
    kvlogical_request *steady = make_request(pool, 0, 6, 7), *preempted = make_request(pool, 0, 6, 7);
    for (uint32_t i = 0; i < 7; i++) {
        if (kvlogical_request_count(steady).prefill_tokens > 0)
            prefill_all(steady, 50 + i);
        else
            decode(steady, 50 + i);
        if (kvlogical_request_count(preempted).prefill_tokens > 0)
            prefill_all(preempted, 50 + i);
        else
            decode(preempted, 50 + i);
        if (i % 2 == 1) {
            if (i == 3) kvtest_assert_ok(kvlogical_request_release(steady));
            kvtest_assert_ok(kvlogical_request_release(preempted));
            assert_int_equal(kvlogical_request_count(preempted).computed_tokens, 0);
            kvtest_assert_ok(kvlogical_request_reacquire(preempted, NULL));
            if (i == 3) kvtest_assert_ok(kvlogical_request_reacquire(steady, NULL));
        }
    }
    assert_true(kvlogical_request_is_complete(preempted));
    assert_int_equal(kvlogical_request_count(preempted).total_tokens, 13);
    assert_true(kvhash_sequence_equal(kvlogical_request_sequence(steady), kvlogical_request_sequence(preempted)));
    kvlogical_request_destroy(steady);
    kvlogical_request_destroy(preempted);
    end_pool(pool);
}

/* ---- events ---- */

typedef struct journal {
    size_t count;
    kvlogical_request_event events[32];
} journal;

static void record(void *ctx, const kvlogical_request *request, const kvlogical_request_event *event) {
    journal *j = ctx;
    (void)request;
    if (j->count < 32) j->events[j->count++] = *event;
}

static void every_change_is_told_in_order(void **state) {
    (void)state;
    kvlogical_manager *pool = make_pool(8, KVLOGICAL_EVICT_LRU, 0);
    journal j = {0};
    kvlogical_request_config config = KVLOGICAL_REQUEST_CONFIG_INIT;
    config.tokens = count_up(0, 8);
    config.token_count = 8;
    config.max_output_tokens = 6;
    config.on_event = record;
    config.ctx = &j;
    kvlogical_request *request;
    kvtest_assert_ok(kvlogical_request_create(pool, &config, &request, NULL));
    kvtest_assert_ok(kvlogical_request_match_prefix(request, NULL));
    prefill_all(request, 50);
    kvtest_assert_status(kvlogical_request_schedule_prefill(request, 1, NULL), KVLOGICAL_EPREFILL); /* is not told */
    decode(request, 51);
    kvtest_assert_ok(kvlogical_request_schedule_speculative(request, 4, NULL, NULL));
    kvtest_assert_ok(kvlogical_request_apply_speculative(request, count_up(60, 2), 2, NULL, NULL));
    kvtest_assert_ok(kvlogical_request_schedule_decode(request, NULL));
    kvtest_assert_ok(kvlogical_request_revert_schedule(request, NULL));
    kvtest_assert_ok(kvlogical_request_drop_unassigned(request, 9, NULL));
    kvtest_assert_ok(kvlogical_request_release(request));
    kvtest_assert_ok(kvlogical_request_reacquire(request, NULL));
    const kvlogical_request_event expected[] = {
        {.kind = KVLOGICAL_REQUEST_CREATED, .tokens = 8, .max_output_tokens = 6, .block_tokens = 4},
        {.kind = KVLOGICAL_REQUEST_PREFIX_MATCHED},
        {.kind = KVLOGICAL_REQUEST_PREFILL_SCHEDULED, .tokens = 8, .blocks = 2},
        {.kind = KVLOGICAL_REQUEST_PREFILL_APPLIED, .tokens = 8, .blocks = 2, .token = 50, .flag = true},
        {.kind = KVLOGICAL_REQUEST_DECODE_SCHEDULED, .blocks = 1},
        {.kind = KVLOGICAL_REQUEST_DECODE_APPLIED, .token = 51},
        {.kind = KVLOGICAL_REQUEST_SPECULATIVE_SCHEDULED, .tokens = 4, .blocks = 1},
        {.kind = KVLOGICAL_REQUEST_SPECULATIVE_APPLIED, .tokens = 4, .accepted = 2, .blocks = 0},
        {.kind = KVLOGICAL_REQUEST_DECODE_SCHEDULED},
        {.kind = KVLOGICAL_REQUEST_SCHEDULE_REVERTED},
        {.kind = KVLOGICAL_REQUEST_UNASSIGNED_DROPPED, .blocks = 1},
        {.kind = KVLOGICAL_REQUEST_RELEASED},
        {.kind = KVLOGICAL_REQUEST_REACQUIRED, .blocks = 2, .flag = true},
    };
    assert_int_equal(j.count, sizeof expected / sizeof *expected);
    for (size_t i = 0; i < j.count; i++) {
        const kvlogical_request_event *a = &j.events[i], *b = &expected[i];
        assert_int_equal(a->kind, b->kind);
        assert_int_equal(a->tokens, b->tokens);
        assert_int_equal(a->blocks, b->blocks);
        assert_int_equal(a->token, b->token);
        assert_int_equal(a->accepted, b->accepted);
        assert_int_equal(a->flag, b->flag);
        assert_int_equal(a->max_output_tokens, b->max_output_tokens);
        assert_int_equal(a->block_tokens, b->block_tokens);
    }
    kvlogical_request_destroy(request);
    end_pool(pool);
}

static void a_failed_reacquire_is_told_and_holds_nothing(void **state) {
    (void)state;
    kvlogical_manager *pool = make_pool(2, KVLOGICAL_EVICT_LRU, 0);
    journal j = {0};
    kvlogical_request_config config = KVLOGICAL_REQUEST_CONFIG_INIT;
    config.tokens = count_up(0, 8);
    config.token_count = 8;
    config.on_event = record;
    config.ctx = &j;
    kvlogical_request *request;
    kvlogical_mutable block;
    kvtest_assert_ok(kvlogical_request_create(pool, &config, &request, NULL));
    prefill_all(request, 0);
    kvtest_assert_ok(kvlogical_request_release(request));
    kvtest_assert_ok(kvlogical_allocate(pool, 1, &block, NULL));
    kvtest_assert_status(kvlogical_request_reacquire(request, NULL), KVCORE_ENOSPACE);
    assert_int_equal(j.events[j.count - 1].kind, KVLOGICAL_REQUEST_REACQUIRED);
    assert_false(j.events[j.count - 1].flag);
    assert_int_equal(j.events[j.count - 1].blocks, 0);
    expect_counts(request, 0, 0, 0, 8);
    kvlogical_release_mutable(pool, &block, 1);
    kvlogical_request_destroy(request);
    end_pool(pool);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pages_that_are_replaced_are_told),
        cmocka_unit_test(a_shortage_says_what_is_available),
        cmocka_unit_test(nothing_else_is_possible_while_scheduled),
        cmocka_unit_test(apply_and_revert_need_a_schedule),
        cmocka_unit_test(prefill_refuses_what_it_cannot_do),
        cmocka_unit_test(a_chunk_that_ends_inside_a_block_does_not_share_it),
        cmocka_unit_test(a_token_without_budget_is_refused_before_anything_changes),
        cmocka_unit_test(a_cached_prefix_moves_the_prefill_position),
        cmocka_unit_test(decode_shares_a_block_one_step_after_its_last_token_came),
        cmocka_unit_test(the_worked_numbers_of_the_specification_hold),
        cmocka_unit_test(a_tail_of_other_than_one_token_is_no_decode),
        cmocka_unit_test(tokens_appended_before_the_prefill_ends_are_part_of_it),
        cmocka_unit_test(speculation_takes_and_gives_back_blocks),
        cmocka_unit_test(a_revert_gives_back_what_the_schedule_took),
        cmocka_unit_test(a_preempted_request_ends_with_the_same_tokens),
        cmocka_unit_test(every_change_is_told_in_order),
        cmocka_unit_test(a_failed_reacquire_is_told_and_holds_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
