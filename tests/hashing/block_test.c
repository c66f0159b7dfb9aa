#include "kvtest.h"

#include <kvhash/block.h>
#include <kvhash/hash.h>

static const uint32_t tokens[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};

static void commits_make_the_chain_of_the_specification(void **state) {
    (void)state;
    static const uint64_t block_hashes[] = {UINT64_C(14643705804678351452), UINT64_C(16777012769546811212),
                                            UINT64_C(483935686894639516)};
    static const uint64_t sequence_hashes[] = {UINT64_C(14643705804678351452), UINT64_C(4945711292740353085),
                                               UINT64_C(12583592247330656132)};
    kvhash_partial next = {.tokens = tokens, .block_tokens = 4, .salt_hash = 1337};
    for (size_t i = 0; i < 3; i++) {
        kvhash_block block;
        next.token_count = 4;
        kvtest_assert_ok(kvhash_partial_commit(&next, &block, &next));
        assert_true(block.block_hash == block_hashes[i]);
        assert_true(block.sequence_hash == sequence_hashes[i]);
        assert_int_equal(kvhash_plh_position(block.plh), i);
        assert_int_equal(kvhash_psh_position(block.psh), i);
        assert_int_equal(next.token_count, 0);
        assert_int_equal(next.position, i + 1);
        assert_true(next.has_parent && next.parent_sequence_hash == sequence_hashes[i]);
        assert_ptr_equal(next.tokens, tokens + 4 * (i + 1));
    }
}

static void having_a_parent_decides_the_step_not_the_position(void **state) {
    (void)state;
    kvhash_partial partial = {.tokens = tokens, .token_count = 4, .block_tokens = 4, .salt_hash = 1337, .position = 1};
    kvhash_block alone, child;
    kvtest_assert_ok(kvhash_partial_commit(&partial, &alone, NULL));
    assert_true(alone.sequence_hash == alone.block_hash);
    partial.has_parent = true;
    kvtest_assert_ok(kvhash_partial_commit(&partial, &child, NULL));
    assert_true(child.sequence_hash == kvhash_next_sequence_hash(0, child.block_hash));
    assert_true(child.block_hash == alone.block_hash);
}

static void what_cannot_be_committed_is_refused_and_stays(void **state) {
    (void)state;
    kvhash_block block;
    memset(&block, 0xAA, sizeof block);
    const kvhash_block before = block;
    kvhash_partial partial = {.tokens = tokens, .token_count = 3, .block_tokens = 4};
    kvtest_assert_status(kvhash_partial_commit(&partial, &block, &partial), KVHASH_EINCOMPLETE);
    assert_int_equal(partial.token_count, 3);
    partial.token_count = 5;
    kvtest_assert_status(kvhash_partial_commit(&partial, &block, NULL), KVHASH_EINCOMPLETE);
    partial.block_tokens = 0;
    kvtest_assert_status(kvhash_partial_commit(&partial, &block, NULL), KVHASH_EBLOCK_SIZE);
    partial = (kvhash_partial){
        .tokens = tokens, .token_count = 4, .block_tokens = 4, .position = KVHASH_PLH_MAX_POSITION + 1};
    kvtest_assert_status(kvhash_partial_commit(&partial, &block, NULL), KVHASH_EPOSITION);
    partial.tokens = NULL;
    kvtest_assert_status(kvhash_partial_commit(&partial, &block, NULL), KVCORE_EINVAL);
    kvtest_assert_status(kvhash_partial_commit(NULL, &block, NULL), KVCORE_EINVAL);
    assert_memory_equal(&block, &before, sizeof block);
    partial =
        (kvhash_partial){.tokens = tokens, .token_count = 4, .block_tokens = 4, .position = KVHASH_PLH_MAX_POSITION};
    kvtest_assert_ok(kvhash_partial_commit(&partial, &block, NULL));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commits_make_the_chain_of_the_specification),
        cmocka_unit_test(having_a_parent_decides_the_step_not_the_position),
        cmocka_unit_test(what_cannot_be_committed_is_refused_and_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
