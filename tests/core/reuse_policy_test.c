#include "kvtest.h"

#include <kvcore/reuse_policy.h>

static void a_block_serves_only_what_it_was_made_for(void **state) {
    (void)state;
    kvcore_block_meta block = {.model_digest = {{1}}, .layout_tag = {"x"}, .parent_hash = {{3}}, .block_seq = 4};
    const kvcore_reuse_request request = {
        .model_digest = {{1}}, .layout_tag = {"x"}, .parent_hash = {{3}}, .block_seq = 4, .block_tokens = 16};
    assert_int_equal(kvcore_reuse_may_serve(&block, 16, &request), KVCORE_REUSE_SAME_MODEL);
    assert_int_equal(kvcore_reuse_may_serve(&block, 32, &request), KVCORE_REUSE_OTHER_BLOCK_SIZE);
    kvcore_block_meta other = block;
    other.block_seq = 5;
    assert_int_equal(kvcore_reuse_may_serve(&other, 16, &request), KVCORE_REUSE_OTHER_LINEAGE);
    other.block_seq = 4, other.parent_hash.bytes[9] = 1;
    assert_int_equal(kvcore_reuse_may_serve(&other, 16, &request), KVCORE_REUSE_OTHER_LINEAGE);
    assert_int_equal(kvcore_reuse_may_serve(&other, 32, &request), KVCORE_REUSE_OTHER_BLOCK_SIZE);
    other.layout_tag.bytes[0] = 'y';
    assert_int_equal(kvcore_reuse_may_serve(&other, 32, &request), KVCORE_REUSE_OTHER_LAYOUT);
    other.model_digest.bytes[23] = 1;
    assert_int_equal(kvcore_reuse_may_serve(&other, 32, &request), KVCORE_REUSE_OTHER_MODEL);
}

static void declared_models_are_equivalent_both_ways_and_no_further(void **state) {
    (void)state;
    const kvcore_model_digest a = {{1}}, b = {{2}}, c = {{3}};
    const kvcore_model_equivalence pairs[] = {{a, b}, {c, b}};
    kvcore_reuse_request request = {.equivalences = pairs, .equivalence_count = 2, .block_tokens = 16};
    const struct {
        const kvcore_model_digest *block, *request;
        kvcore_reuse_reason reason;
    } cases[] = {{&a, &b, KVCORE_REUSE_EQUIVALENT_MODEL},
                 {&b, &a, KVCORE_REUSE_EQUIVALENT_MODEL},
                 {&b, &c, KVCORE_REUSE_EQUIVALENT_MODEL},
                 {&a, &c, KVCORE_REUSE_OTHER_MODEL},
                 {&a, &a, KVCORE_REUSE_SAME_MODEL}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        kvcore_block_meta block = {.model_digest = *cases[i].block};
        request.model_digest = *cases[i].request;
        assert_int_equal(kvcore_reuse_may_serve(&block, 16, &request), cases[i].reason);
    }
}

/* Against the definition: the most whole blocks that leave at least one token and are all resident. */
static void a_boundary_is_the_largest_that_leaves_a_token(void **state) {
    (void)state;
    for (uint32_t size = 1; size <= 5; size++)
        for (uint64_t prompt = 0; prompt <= 23; prompt++)
            for (uint64_t resident = 0; resident <= 8; resident++) {
                uint64_t blocks = 0;
                while (blocks < resident && (blocks + 1) * size < prompt) blocks++;
                kvcore_reuse_boundary boundary = kvcore_reuse_boundary_of(prompt, resident, size);
                assert_int_equal(boundary.blocks, blocks);
                assert_int_equal(boundary.tokens, blocks * size);
                if (blocks == resident)
                    assert_int_equal(boundary.bound, KVCORE_REUSE_BOUND_RESIDENT);
                else if (prompt > 0 && prompt % size == 0)
                    assert_int_equal(boundary.bound, KVCORE_REUSE_BOUND_LAST_TOKEN);
                else
                    assert_int_equal(boundary.bound, KVCORE_REUSE_BOUND_PROMPT);
            }
    assert_int_equal(kvcore_reuse_boundary_of(100, 9, 0).bound, KVCORE_REUSE_BOUND_BLOCK_SIZE);
    kvcore_reuse_boundary most = kvcore_reuse_boundary_of(UINT64_MAX, UINT64_MAX, 1);
    assert_true(most.tokens == UINT64_MAX - 1);
}

static void every_answer_has_a_text(void **state) {
    (void)state;
    for (int i = KVCORE_REUSE_SAME_MODEL; i <= KVCORE_REUSE_OTHER_LINEAGE; i++)
        assert_string_not_equal(kvcore_reuse_reason_text((kvcore_reuse_reason)i), "unknown reason");
    for (int i = KVCORE_REUSE_BOUND_RESIDENT; i <= KVCORE_REUSE_BOUND_BLOCK_SIZE; i++)
        assert_string_not_equal(kvcore_reuse_bound_text((kvcore_reuse_bound)i), "unknown bound");
    assert_string_equal(kvcore_reuse_reason_text((kvcore_reuse_reason)6), "unknown reason");
    assert_string_equal(kvcore_reuse_bound_text((kvcore_reuse_bound)4), "unknown bound");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_block_serves_only_what_it_was_made_for),
        cmocka_unit_test(declared_models_are_equivalent_both_ways_and_no_further),
        cmocka_unit_test(a_boundary_is_the_largest_that_leaves_a_token),
        cmocka_unit_test(every_answer_has_a_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
