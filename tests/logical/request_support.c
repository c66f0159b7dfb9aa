#include "request_support.h"

kvlogical_manager *make_pool(size_t blocks, uint32_t eviction, uint32_t duplicates) {
    kvlogical_config config = KVLOGICAL_CONFIG_INIT;
    config.block_count = blocks;
    config.block_tokens = BLOCK_TOKENS;
    config.eviction = eviction;
    config.duplicates = duplicates;
    kvlogical_manager *pool;
    kvtest_assert_ok(kvlogical_manager_create(&config, &pool, NULL));
    return pool;
}

const uint32_t *count_up(uint32_t first, size_t count) {
    static uint32_t tokens[4096];
    assert_true(count <= sizeof tokens / sizeof *tokens);
    for (size_t i = 0; i < count; i++) tokens[i] = first + (uint32_t)i;
    return tokens;
}

kvlogical_request *make_request(kvlogical_manager *pool, uint32_t first, size_t count, size_t max_output) {
    kvlogical_request_config config = KVLOGICAL_REQUEST_CONFIG_INIT;
    config.tokens = count_up(first, count);
    config.token_count = count;
    config.max_output_tokens = max_output;
    kvlogical_request *request;
    kvtest_assert_ok(kvlogical_request_create(pool, &config, &request, NULL));
    return request;
}

void prefill_all(kvlogical_request *request, uint32_t token) {
    kvlogical_request_counts counts = kvlogical_request_count(request);
    kvtest_assert_ok(kvlogical_request_schedule_prefill(request, counts.prefill_tokens, NULL));
    kvtest_assert_ok(kvlogical_request_apply_prefill(request, counts.remaining_tokens > 0 ? &token : NULL, NULL, NULL));
}

uint32_t decode(kvlogical_request *request, uint32_t token) {
    uint32_t outcome;
    kvtest_assert_ok(kvlogical_request_schedule_decode(request, NULL));
    kvtest_assert_ok(kvlogical_request_apply_decode(request, token, &outcome, NULL));
    return outcome;
}

void expect_counts(const kvlogical_request *request, size_t assigned, size_t unassigned, size_t computed, size_t tail) {
    kvlogical_request_counts counts = kvlogical_request_count(request);
    assert_int_equal(counts.assigned_blocks, assigned);
    assert_int_equal(counts.unassigned_blocks, unassigned);
    assert_int_equal(counts.computed_tokens, computed);
    assert_int_equal(counts.tail_tokens, tail);
    assert_int_equal(counts.staged_blocks, 0);
}

size_t available(const kvlogical_manager *pool) { return kvlogical_manager_counts(pool).available; }

void end_pool(kvlogical_manager *pool) {
    kvlogical_counts counts = kvlogical_manager_counts(pool);
    assert_int_equal(counts.available, counts.total);
    kvtest_assert_ok(kvlogical_manager_validate(pool, NULL));
    kvtest_assert_ok(kvlogical_manager_destroy(pool));
}
