/* A request that is driven directly. */
#include "request_support.h"

#include <kvhash/hash.h>

static void a_new_request_touches_no_manager(void **state) {
    (void)state;
    kvlogical_manager *pool = make_pool(8, KVLOGICAL_EVICT_LRU, 0);
    kvlogical_request *request = make_request(pool, 0, 8, 5);
    assert_int_equal(available(pool), 8);
    kvlogical_request_counts counts = kvlogical_request_count(request);
    assert_int_equal(counts.input_tokens, 8);
    assert_int_equal(counts.total_tokens, 8);
    assert_int_equal(counts.remaining_tokens, 5);
    assert_int_equal(counts.max_output_tokens, 5);
    assert_int_equal(counts.generated_tokens, 0);
    assert_int_equal(counts.complete_blocks, 2);
    assert_int_equal(counts.prefill_tokens, 8);
    expect_counts(request, 0, 0, 0, 8);
    assert_ptr_equal(kvlogical_request_manager(request), pool);
    assert_int_equal(kvhash_sequence_token_count(kvlogical_request_sequence(request)), 8);
    kvlogical_request_destroy(request);
    end_pool(pool);
}

static void computed_blocks_are_registered_and_the_rest_is_not(void **state) {
    (void)state;
    static const struct {
        size_t tokens, blocks, computed, assigned, unassigned;
    } rows[] = {{8, 3, 8, 2, 1}, {6, 2, 6, 1, 1}, {6, 2, 3, 0, 2}, {8, 2, 7, 1, 1}, {0, 1, 0, 0, 1}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        kvlogical_manager *pool = make_pool(8, KVLOGICAL_EVICT_LRU, 0);
        kvlogical_request *request = make_request(pool, 0, rows[i].tokens, 4);
        kvtest_assert_ok(kvlogical_request_allocate(request, rows[i].blocks));
        kvtest_assert_ok(kvlogical_request_register_computed(request, rows[i].computed, NULL));
        expect_counts(request, rows[i].assigned, rows[i].unassigned, rows[i].computed,
                      rows[i].tokens - rows[i].computed);
        assert_int_equal(kvlogical_manager_counts(pool).primary, rows[i].assigned);
        kvlogical_request_destroy(request);
        end_pool(pool);
    }
}

/* A stranger may find a block only once all its KV is there. */
static void a_block_is_never_shared_before_the_kv_of_its_last_token_exists(void **state) {
    (void)state;
    kvlogical_manager *pool = make_pool(8, KVLOGICAL_EVICT_LRU, 0);
    kvlogical_request *request = make_request(pool, 0, 8, 4);
    size_t name_count;
    const kvhash_plh *names = kvhash_sequence_names(kvlogical_request_sequence(request), &name_count);
    kvtest_assert_ok(kvlogical_request_allocate(request, 3));
    for (size_t computed = 0; computed <= 8; computed++) {
        kvlogical_immutable held[2];
        size_t hits;
        kvtest_assert_ok(kvlogical_request_register_computed(request, computed, NULL));
        kvtest_assert_ok(kvlogical_match_prefix(pool, names, 2, held, &hits));
        assert_int_equal(hits, computed / BLOCK_TOKENS);
        kvlogical_release(pool, held, hits);
    }
    for (uint32_t i = 0; i < 4; i++) { /* the token that completes a block has no KV yet */
        kvhash_block_range completed;
        kvtest_assert_ok(kvlogical_request_append(request, 100 + i, &completed));
        assert_int_equal(completed.count, i == 3);
        assert_int_equal(kvlogical_manager_counts(pool).primary, 2);
        if (i < 3) kvtest_assert_ok(kvlogical_request_register_computed(request, 9 + i, NULL));
    }
    kvtest_assert_ok(kvlogical_request_register_computed(request, 12, NULL));
    assert_int_equal(kvlogical_manager_counts(pool).primary, 3);
    kvlogical_request_destroy(request);
    end_pool(pool);
}

static void claims_about_computed_tokens_are_checked(void **state) {
    (void)state;
    kvlogical_manager *pool = make_pool(8, KVLOGICAL_EVICT_LRU, 0);
    kvlogical_request *request = make_request(pool, 0, 8, 4);
    kvcore_error error;
    kvtest_assert_status(kvlogical_request_register_computed(request, 9, &error), KVCORE_EINVAL);
    assert_int_equal(error.expected, 8);
    assert_int_equal(error.actual, 9);
    kvtest_assert_ok(kvlogical_request_allocate(request, 1));
    kvtest_assert_status(kvlogical_request_register_computed(request, 5, &error), KVCORE_EINVAL);
    assert_int_equal(error.expected, 4);
    kvtest_assert_ok(kvlogical_request_register_computed(request, 4, NULL));
    kvtest_assert_status(kvlogical_request_register_computed(request, 3, &error), KVCORE_EINVAL);
    assert_int_equal(error.expected, 4);
    assert_int_equal(error.actual, 3);
    expect_counts(request, 1, 0, 4, 4);
    kvlogical_request_destroy(request);
    end_pool(pool);
}

static void staging_and_sharing_can_be_two_steps(void **state) {
    (void)state;
    kvlogical_manager *pool = make_pool(8, KVLOGICAL_EVICT_LRU, 0);
    kvlogical_request *request = make_request(pool, 0, 8, 4);
    kvtest_assert_ok(kvlogical_request_allocate(request, 2));
    kvtest_assert_ok(kvlogical_request_stage_computed(request, 5, NULL));
    assert_int_equal(kvlogical_request_count(request).staged_blocks, 1);
    assert_int_equal(kvlogical_manager_counts(pool).primary, 0);
    kvtest_assert_ok(kvlogical_request_register_staged(request));
    expect_counts(request, 1, 1, 5, 3);
    kvtest_assert_ok(kvlogical_request_stage_computed(request, 8, NULL));
    kvlogical_request_destroy(request); /* with a staged block */
    end_pool(pool);
}

static void a_shortage_leaves_nothing_held(void **state) {
    (void)state;
    kvlogical_manager *pool = make_pool(2, KVLOGICAL_EVICT_LRU, 0);
    kvlogical_request *request = make_request(pool, 0, 12, 4);
    kvtest_assert_status(kvlogical_request_allocate(request, 3), KVCORE_EOVERFLOW);
    kvtest_assert_status(kvlogical_request_allocate(request, SIZE_MAX), KVCORE_EOVERFLOW);
    assert_int_equal(available(pool), 2);
    kvtest_assert_ok(kvlogical_request_allocate(request, 0));
    expect_counts(request, 0, 0, 0, 12);
    kvtest_assert_status(kvlogical_request_reacquire(request, NULL), KVCORE_EOVERFLOW);
    assert_int_equal(available(pool), 2);
    kvlogical_request_destroy(request);
    end_pool(pool);
}

/* Fill the cache with count_up(first, tokens). */
static void cache(kvlogical_manager *pool, uint32_t first, size_t tokens) {
    kvlogical_request *request = make_request(pool, first, tokens, 0);
    kvtest_assert_ok(kvlogical_request_allocate(request, tokens / BLOCK_TOKENS));
    kvtest_assert_ok(kvlogical_request_register_computed(request, tokens / BLOCK_TOKENS * BLOCK_TOKENS, NULL));
    kvlogical_request_destroy(request);
}

static void a_cached_prefix_counts_as_computed(void **state) {
    (void)state;
    kvlogical_manager *pool = make_pool(8, KVLOGICAL_EVICT_LRU, 0);
    cache(pool, 0, 8);
    kvlogical_request *request = make_request(pool, 0, 12, 4);
    size_t blocks = 99;
    kvtest_assert_ok(kvlogical_request_match_prefix(request, &blocks));
    assert_int_equal(blocks, 2);
    expect_counts(request, 2, 0, 8, 4);
    assert_int_equal(kvlogical_request_count(request).matched_blocks, 2);
    assert_int_equal(kvlogical_request_count(request).prefill_tokens, 4);
    kvtest_assert_status(kvlogical_request_match_prefix(request, &blocks), KVLOGICAL_ESTATE);
    kvtest_assert_status(kvlogical_request_reacquire(request, NULL), KVLOGICAL_ESTATE);
    kvlogical_request_destroy(request);
    request = make_request(pool, 500, 12, 4);
    kvtest_assert_ok(kvlogical_request_match_prefix(request, &blocks));
    assert_int_equal(blocks, 0);
    kvlogical_request_destroy(request);
    end_pool(pool);
}

static void a_prompt_that_is_cached_to_its_end_keeps_a_token_to_compute(void **state) {
    (void)state;
    kvlogical_manager *pool = make_pool(8, KVLOGICAL_EVICT_LRU, KVLOGICAL_DUPLICATES_REJECT);
    cache(pool, 0, 8);
    kvlogical_request *request = make_request(pool, 0, 8, 4);
    size_t blocks;
    kvtest_assert_ok(kvlogical_request_match_prefix(request, &blocks));
    assert_int_equal(blocks, 1);
    prefill_all(request, 77); /* so it can be scheduled as any other */
    expect_counts(request, 2, 0, 8, 1);
    decode(request, 78);
    kvlogical_request_destroy(request);
    end_pool(pool);
}

static void after_a_release_nothing_counts_as_computed(void **state) {
    (void)state;
    kvlogical_manager *pool = make_pool(8, KVLOGICAL_EVICT_LRU, 0);
    kvlogical_request *request = make_request(pool, 0, 12, 4);
    cache(pool, 0, 8);
    kvtest_assert_ok(kvlogical_request_match_prefix(request, NULL));
    kvtest_assert_ok(kvlogical_request_release(request));
    expect_counts(request, 0, 0, 0, 12);
    assert_int_equal(kvlogical_request_count(request).matched_blocks, 0);
    kvtest_assert_ok(kvlogical_request_release(request)); /* again: nothing happens */
    kvtest_assert_ok(kvlogical_request_match_prefix(request, NULL));
    expect_counts(request, 2, 0, 8, 4); /* not 16 */
    assert_int_equal(kvlogical_request_count(request).matched_blocks, 2);
    kvlogical_request_destroy(request);
    end_pool(pool);
}

static void matched_blocks_must_be_those_of_the_sequence(void **state) {
    (void)state;
    kvlogical_manager *pool = make_pool(16, KVLOGICAL_EVICT_LRU, 0);
    cache(pool, 0, 12);
    cache(pool, 100, 8);
    kvlogical_request *mine = make_request(pool, 0, 10, 4), *other = make_request(pool, 100, 8, 4);
    kvlogical_immutable held[3];
    kvcore_error error;
    size_t hits, count;
    const kvhash_plh *names = kvhash_sequence_names(kvlogical_request_sequence(other), &count);
    kvtest_assert_ok(kvlogical_match_prefix(pool, names, 1, held, &hits));
    kvtest_assert_status(kvlogical_request_add_matched(mine, held, 1, &error), KVLOGICAL_EHASH_MISMATCH);
    assert_int_equal(error.index, 0);
    assert_non_null(strstr(error.text, "sequence hash mismatch at position 0: expected 0:"));
    assert_int_not_equal(held[0].manager, 0);
    kvlogical_release(pool, held, 1);
    kvtest_assert_status(kvlogical_request_add_matched(mine, held, 1, &error), KVLOGICAL_EGUARD);

    kvlogical_request *longer = make_request(pool, 0, 12, 4);
    names = kvhash_sequence_names(kvlogical_request_sequence(longer), &count);
    kvtest_assert_ok(kvlogical_match_prefix(pool, names, 3, held, &hits));
    assert_int_equal(hits, 3);
    kvtest_assert_status(kvlogical_request_add_matched(mine, held, 3, &error), KVCORE_EOVERFLOW);
    assert_int_equal(error.expected, 2);
    assert_int_equal(error.actual, 3);
    kvtest_assert_ok(kvlogical_request_allocate(mine, 1)); /* an empty block in hand does no harm */
    kvtest_assert_ok(kvlogical_request_add_matched(mine, held, 1, NULL));
    kvtest_assert_ok(kvlogical_request_add_matched(mine, held + 1, 1, NULL));
    assert_int_equal(held[0].manager, 0);
    expect_counts(mine, 2, 1, 8, 2);
    uint32_t blocks[3];
    kvtest_assert_ok(kvlogical_request_blocks(mine, 0, blocks, 3, &count));
    assert_int_equal(blocks[0], 0);
    assert_int_equal(blocks[1], 1);
    kvtest_assert_ok(kvlogical_request_register_computed(mine, 9, NULL));
    kvtest_assert_status(kvlogical_request_add_matched(mine, held + 2, 1, &error), KVLOGICAL_ESTATE);
    kvlogical_release(pool, held, 3);
    kvlogical_request_destroy(mine);
    kvlogical_request_destroy(other);
    kvlogical_request_destroy(longer);
    end_pool(pool);
}

static void generation_ends_with_its_budget(void **state) {
    (void)state;
    kvlogical_manager *pool = make_pool(8, KVLOGICAL_EVICT_LRU, 0);
    kvlogical_request *request = make_request(pool, 0, 6, 2);
    kvhash_block_range completed;
    assert_false(kvlogical_request_is_complete(request));
    kvtest_assert_ok(kvlogical_request_append(request, 1, &completed));
    assert_int_equal(completed.count, 0);
    assert_false(kvlogical_request_is_complete(request));
    kvtest_assert_ok(kvlogical_request_append(request, 2, &completed));
    assert_int_equal(completed.count, 1);
    assert_int_equal(completed.first, 1);
    assert_true(kvlogical_request_is_complete(request));
    kvtest_assert_status(kvlogical_request_append(request, 3, &completed), KVLOGICAL_EBUDGET);
    assert_int_equal(kvlogical_request_count(request).total_tokens, 8);
    kvlogical_request_destroy(request);
    request = make_request(pool, 0, 6, 0);
    assert_true(kvlogical_request_is_complete(request));
    kvtest_assert_status(kvlogical_request_append(request, 1, NULL), KVLOGICAL_EBUDGET);
    kvlogical_request_destroy(request);
    end_pool(pool);
}

static void a_decode_loop_gives_every_block_back(void **state) {
    (void)state;
    kvlogical_manager *pool = make_pool(20, KVLOGICAL_EVICT_LRU, 0);
    kvlogical_request *request = make_request(pool, 0, 7, 6);
    size_t computed = 7;
    kvtest_assert_ok(kvlogical_request_allocate(request, kvlogical_request_blocks_missing(request)));
    kvtest_assert_ok(kvlogical_request_register_computed(request, computed, NULL));
    kvtest_assert_ok(kvlogical_request_append(request, 70, NULL));
    for (uint32_t i = 1; !kvlogical_request_is_complete(request); i++) {
        kvtest_assert_ok(kvlogical_request_allocate(request, kvlogical_request_blocks_missing(request)));
        kvtest_assert_ok(kvlogical_request_register_computed(request, ++computed, NULL));
        kvtest_assert_ok(kvlogical_request_append(request, 70 + i, NULL));
    }
    expect_counts(request, 3, 0, 12, 1);
    assert_int_equal(available(pool), 17);
    kvtest_assert_ok(kvlogical_request_release(request));
    assert_int_equal(available(pool), 20);
    kvtest_assert_ok(kvlogical_request_release(request));
    assert_int_equal(kvlogical_request_count(request).generated_tokens, 6);
    kvlogical_request_destroy(request);
    end_pool(pool);
}

static void blocks_that_hold_kv_are_not_dropped_as_excess(void **state) {
    (void)state;
    kvlogical_manager *pool = make_pool(8, KVLOGICAL_EVICT_LRU, 0);
    kvlogical_request *request = make_request(pool, 0, 10, 2);
    size_t dropped;
    kvtest_assert_ok(kvlogical_request_allocate(request, 6));
    kvtest_assert_ok(kvlogical_request_register_computed(request, 5, NULL)); /* one block and a quarter */
    kvtest_assert_ok(kvlogical_request_drop_unassigned(request, 1, &dropped));
    assert_int_equal(dropped, 1);
    kvtest_assert_ok(kvlogical_request_drop_unassigned(request, 5, &dropped));
    assert_int_equal(dropped, 3);
    kvtest_assert_ok(kvlogical_request_drop_unassigned(request, 5, &dropped));
    assert_int_equal(dropped, 0);
    expect_counts(request, 1, 1, 5, 5);
    kvlogical_request_destroy(request);
    end_pool(pool);
}

static void reacquire_keeps_what_was_generated(void **state) {
    (void)state;
    kvlogical_manager *pool = make_pool(8, KVLOGICAL_EVICT_LRU, 0);
    kvlogical_request *request = make_request(pool, 0, 8, 8);
    prefill_all(request, 50);
    decode(request, 51);
    decode(request, 52);
    expect_counts(request, 2, 1, 10, 1);
    kvtest_assert_ok(kvlogical_request_release(request));
    size_t matched;
    kvtest_assert_ok(kvlogical_request_reacquire(request, &matched));
    assert_int_equal(matched, 2);
    expect_counts(request, 2, 0, 8, 3); /* no block for generation, and no KV that is not there */
    assert_int_equal(kvlogical_request_count(request).generated_tokens, 3);
    assert_int_equal(kvlogical_request_count(request).prefill_tokens, 3);
    kvlogical_request_destroy(request);
    end_pool(pool);
}

static void reacquire_registers_nothing_that_is_not_computed_again(void **state) {
    (void)state;
    kvlogical_manager *pool = make_pool(8, KVLOGICAL_EVICT_LRU, 0);
    kvlogical_request *request = make_request(pool, 0, 12, 8);
    prefill_all(request, 50);
    kvtest_assert_ok(kvlogical_request_release(request));
    kvtest_assert_ok(kvlogical_reset_inactive(pool, NULL)); /* the cache is gone */
    size_t matched;
    kvtest_assert_ok(kvlogical_request_reacquire(request, &matched));
    assert_int_equal(matched, 0);
    expect_counts(request, 0, 3, 0, 13);
    assert_int_equal(kvlogical_manager_counts(pool).primary, 0);
    kvcore_error error;
    kvtest_assert_status(kvlogical_request_schedule_decode(request, &error), KVLOGICAL_EPREFILL);
    prefill_all(request, 51);
    expect_counts(request, 3, 1, 13, 1);
    kvlogical_request_destroy(request);
    end_pool(pool);
}

/* Where duplicates are rejected a registered block may be another than the one that was filled. */
static void the_page_table_names_the_blocks_that_are_held(void **state) {
    (void)state;
    kvlogical_manager *pool = make_pool(8, KVLOGICAL_EVICT_LRU, KVLOGICAL_DUPLICATES_REJECT);
    kvlogical_request *a = make_request(pool, 0, 8, 4), *b = make_request(pool, 0, 8, 4);
    kvtest_assert_ok(kvlogical_request_allocate(a, 3)); /* 0 1 2 */
    kvtest_assert_ok(kvlogical_request_allocate(b, 3)); /* 3 4 5 */
    kvtest_assert_ok(kvlogical_request_register_computed(a, 8, NULL));
    kvtest_assert_ok(kvlogical_request_register_computed(b, 8, NULL));
    uint32_t blocks[8];
    size_t count;
    kvtest_assert_ok(kvlogical_request_blocks(b, 0, blocks, 8, &count));
    assert_int_equal(count, 3);
    assert_int_equal(blocks[0], 0);
    assert_int_equal(blocks[1], 1);
    assert_int_equal(blocks[2], 5);
    kvtest_assert_ok(kvlogical_request_blocks(b, 2, blocks, 8, &count));
    assert_int_equal(count, 1);
    assert_int_equal(blocks[0], 5);
    kvtest_assert_ok(kvlogical_request_blocks(b, 9, NULL, 0, &count));
    assert_int_equal(count, 0);
    kvtest_assert_status(kvlogical_request_blocks(b, 0, blocks, 2, &count), KVCORE_EBUFFER);
    assert_int_equal(count, 3);
    kvtest_assert_ok(kvlogical_request_allocate(b, 4)); /* 6 7 3 4: the freed ids again, which is no trouble */
    kvtest_assert_ok(kvlogical_request_blocks(b, 0, blocks, 8, &count));
    assert_int_equal(blocks[5], 3);
    kvlogical_request_destroy(a);
    kvlogical_request_destroy(b);
    end_pool(pool);
}

static void the_names_are_those_of_a_request_with_the_same_salt(void **state) {
    (void)state;
    kvlogical_manager *pool = make_pool(4, KVLOGICAL_EVICT_LRU, 0);
    kvlogical_request_config config = KVLOGICAL_REQUEST_CONFIG_INIT;
    config.tokens = count_up(0, 8);
    config.token_count = 8;
    kvlogical_request *plain, *salted;
    kvtest_assert_ok(kvlogical_request_create(pool, &config, &plain, NULL));
    config.salt = kvcore_text("tenant-7");
    kvtest_assert_ok(kvlogical_request_create(pool, &config, &salted, NULL));
    size_t count;
    const kvhash_plh *a = kvhash_sequence_names(kvlogical_request_sequence(plain), &count);
    const kvhash_plh *b = kvhash_sequence_names(kvlogical_request_sequence(salted), &count);
    assert_int_equal(count, 2);
    assert_false(kvhash_plh_equal(a[0], b[0]));
    assert_true(kvhash_plh_sequence_hash(b[0]) ==
                kvhash_block_hash(config.tokens, 4, kvhash_salt_hash(config.salt, config.lora_name)));
    assert_true(kvhash_plh_sequence_hash(a[0]) == kvhash_block_hash(config.tokens, 4, 1337));
    kvlogical_request_destroy(plain);
    kvlogical_request_destroy(salted);
    end_pool(pool);
}

static void a_fork_shares_what_is_registered_and_says_what_to_copy(void **state) {
    (void)state;
    kvlogical_manager *pool = make_pool(8, KVLOGICAL_EVICT_LRU, 0);
    kvlogical_request *parent = make_request(pool, 0, 10, 8), *fork;
    kvlogical_block_copy copy;
    prefill_all(parent, 50); /* blocks 0, 1 shared, 2 holds two tokens */
    size_t before = available(pool), count;
    kvtest_assert_ok(kvlogical_request_fork(parent, &fork, &copy));
    assert_int_equal(available(pool), before - 1);
    assert_int_equal(copy.tokens, 2);
    uint32_t mine[4], its[4];
    kvtest_assert_ok(kvlogical_request_blocks(parent, 0, mine, 4, &count));
    kvtest_assert_ok(kvlogical_request_blocks(fork, 0, its, 4, &count));
    assert_int_equal(count, 3);
    assert_memory_equal(mine, its, 2 * sizeof *mine);
    assert_int_equal(copy.from, mine[2]);
    assert_int_equal(copy.to, its[2]);
    expect_counts(fork, 2, 1, 10, 1);
    decode(parent, 60); /* 10, 50, 60 and then the block is another */
    decode(parent, 61);
    decode(fork, 60);
    decode(fork, 62);
    const kvhash_plh *a = kvhash_sequence_names(kvlogical_request_sequence(parent), &count);
    const kvhash_plh *b = kvhash_sequence_names(kvlogical_request_sequence(fork), &count);
    assert_int_equal(count, 3);
    assert_true(kvhash_plh_equal(a[1], b[1]));
    assert_true(kvhash_plh_equal(a[2], b[2]));
    kvlogical_request_destroy(parent);
    decode(fork, 63); /* it lives on alone */
    kvlogical_request_destroy(fork);
    end_pool(pool);
}

static void a_fork_on_a_block_boundary_copies_nothing(void **state) {
    (void)state;
    kvlogical_manager *pool = make_pool(3, KVLOGICAL_EVICT_LRU, 0);
    kvlogical_request *parent = make_request(pool, 0, 8, 8), *fork;
    kvlogical_block_copy copy = {9, 9, 9};
    prefill_all(parent, 50);
    kvtest_assert_ok(kvlogical_request_fork(parent, &fork, &copy));
    assert_int_equal(copy.tokens, 0);
    assert_int_equal(available(pool), 1);
    kvlogical_request_destroy(fork);
    decode(parent, 51); /* takes the last block, with KV in it */
    kvtest_assert_status(kvlogical_request_fork(parent, &fork, &copy), KVCORE_ENOSPACE);
    assert_null(fork);
    kvtest_assert_ok(kvlogical_request_schedule_decode(parent, NULL));
    kvtest_assert_status(kvlogical_request_fork(parent, &fork, &copy), KVLOGICAL_ESTATE);
    kvlogical_request_destroy(parent);
    end_pool(pool);
}

static void the_tail_can_be_released_first(void **state) {
    (void)state;
    for (int tail_first = 0; tail_first < 2; tail_first++) {
        kvlogical_manager *pool = make_pool(3, KVLOGICAL_EVICT_LRU, 0);
        kvlogical_request_config config = KVLOGICAL_REQUEST_CONFIG_INIT;
        config.tokens = count_up(0, 12);
        config.token_count = 12;
        assert_true(config.release_tail_first); /* the default */
        config.release_tail_first = tail_first;
        kvlogical_request *request;
        kvtest_assert_ok(kvlogical_request_create(pool, &config, &request, NULL));
        kvtest_assert_ok(kvlogical_request_allocate(request, 3));
        kvtest_assert_ok(kvlogical_request_register_computed(request, 12, NULL));
        kvlogical_request_destroy(request);
        kvlogical_mutable victim;
        kvtest_assert_ok(kvlogical_allocate(pool, 1, &victim, NULL));
        assert_int_equal(victim.block, tail_first ? 2 : 0);
        kvlogical_release_mutable(pool, &victim, 1);
        end_pool(pool);
    }
}

static void nothing_a_caller_passes_crashes(void **state) {
    (void)state;
    kvlogical_manager *pool = make_pool(3, KVLOGICAL_EVICT_LRU, 0);
    kvlogical_request_config config = KVLOGICAL_REQUEST_CONFIG_INIT;
    kvlogical_request *request;
    kvcore_error error;
    kvtest_assert_status(kvlogical_request_create(NULL, &config, &request, &error), KVCORE_EINVAL);
    kvtest_assert_status(kvlogical_request_create(pool, NULL, &request, &error), KVCORE_EINVAL);
    kvtest_assert_status(kvlogical_request_create(pool, &config, NULL, &error), KVCORE_EINVAL);
    config.token_count = 3;
    kvtest_assert_status(kvlogical_request_create(pool, &config, &request, &error), KVCORE_EINVAL);
    config.token_count = 0;
    config.max_output_tokens = SIZE_MAX;
    config.reserve_output_tokens = SIZE_MAX;
    assert_int_not_equal(kvlogical_request_create(pool, &config, &request, &error), KVCORE_OK);
    assert_null(request);
    config.reserve_output_tokens = 1;
    kvtest_assert_ok(kvlogical_request_create(pool, &config, &request, &error));
    size_t count;
    kvtest_assert_status(kvlogical_request_add_matched(request, NULL, 1, NULL), KVCORE_EINVAL);
    kvtest_assert_status(kvlogical_request_blocks(request, 0, NULL, 1, &count), KVCORE_EINVAL);
    kvtest_assert_status(kvlogical_request_match_prefix(NULL, NULL), KVCORE_EINVAL);
    kvtest_assert_status(kvlogical_request_allocate(NULL, 1), KVCORE_EINVAL);
    kvtest_assert_status(kvlogical_request_register_computed(NULL, 1, NULL), KVCORE_EINVAL);
    kvtest_assert_status(kvlogical_request_register_staged(NULL), KVCORE_EINVAL);
    kvtest_assert_status(kvlogical_request_append(NULL, 1, NULL), KVCORE_EINVAL);
    kvtest_assert_status(kvlogical_request_drop_unassigned(NULL, 1, NULL), KVCORE_EINVAL);
    kvtest_assert_status(kvlogical_request_release(NULL), KVCORE_EINVAL);
    kvtest_assert_status(kvlogical_request_reacquire(NULL, NULL), KVCORE_EINVAL);
    assert_false(kvlogical_request_is_complete(NULL));
    assert_int_equal(kvlogical_request_blocks_missing(NULL), 0);
    assert_int_equal(kvlogical_request_count(NULL).total_tokens, 0);
    assert_null(kvlogical_request_sequence(NULL));
    assert_null(kvlogical_request_manager(NULL));
    kvlogical_request_destroy(NULL);
    kvlogical_request_destroy(request);
    end_pool(pool);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_request_touches_no_manager),
        cmocka_unit_test(computed_blocks_are_registered_and_the_rest_is_not),
        cmocka_unit_test(a_block_is_never_shared_before_the_kv_of_its_last_token_exists),
        cmocka_unit_test(claims_about_computed_tokens_are_checked),
        cmocka_unit_test(staging_and_sharing_can_be_two_steps),
        cmocka_unit_test(a_shortage_leaves_nothing_held),
        cmocka_unit_test(a_cached_prefix_counts_as_computed),
        cmocka_unit_test(a_prompt_that_is_cached_to_its_end_keeps_a_token_to_compute),
        cmocka_unit_test(after_a_release_nothing_counts_as_computed),
        cmocka_unit_test(matched_blocks_must_be_those_of_the_sequence),
        cmocka_unit_test(generation_ends_with_its_budget),
        cmocka_unit_test(a_decode_loop_gives_every_block_back),
        cmocka_unit_test(blocks_that_hold_kv_are_not_dropped_as_excess),
        cmocka_unit_test(reacquire_keeps_what_was_generated),
        cmocka_unit_test(reacquire_registers_nothing_that_is_not_computed_again),
        cmocka_unit_test(the_page_table_names_the_blocks_that_are_held),
        cmocka_unit_test(the_names_are_those_of_a_request_with_the_same_salt),
        cmocka_unit_test(a_fork_shares_what_is_registered_and_says_what_to_copy),
        cmocka_unit_test(a_fork_on_a_block_boundary_copies_nothing),
        cmocka_unit_test(the_tail_can_be_released_first),
        cmocka_unit_test(nothing_a_caller_passes_crashes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
