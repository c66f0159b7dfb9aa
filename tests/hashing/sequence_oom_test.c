#include "kvtest.h"

#include <kvhash/sequence.h>

/* What a failed call must leave as it was. */
typedef struct picture {
    size_t tokens, blocks, runs;
    kvhash_plh last;
} picture;

static picture picture_of(const kvhash_sequence *sequence) {
    picture now = {.tokens = kvhash_sequence_token_count(sequence)};
    const kvhash_plh *names = kvhash_sequence_names(sequence, &now.blocks);
    kvhash_sequence_runs(sequence, &now.runs);
    if (now.blocks != 0) now.last = names[now.blocks - 1];
    return now;
}

/* Grow in every way; a step that finds no memory changes nothing and works when it is tried again. */
static kvcore_status grow(kvhash_sequence *sequence, size_t step, const uint32_t *tokens) {
    static const kvhash_mm_run runs[] = {{1, 90, 5}, {2, 3, 50}};
    switch (step % 4) {
    case 0: return kvhash_sequence_append(sequence, 7, NULL);
    case 1: return kvhash_sequence_extend(sequence, tokens, 100, NULL);
    case 2: return kvhash_sequence_push_run(sequence, step, 33, NULL);
    default: return kvhash_sequence_extend_with_runs(sequence, tokens, 100, runs, 2, NULL, NULL);
    }
}

static size_t failures;

static kvcore_status scenario(kvtest_memory *memory, const uint32_t *tokens) {
    static const kvhash_mm_run runs[] = {{1, 0, 20}};
    kvhash_sequence_config config = KVHASH_SEQUENCE_CONFIG_INIT;
    config.block_tokens = 16;
    config.tokens = tokens, config.token_count = 100;
    config.runs = runs, config.run_count = 1;
    config.allocator = kvtest_allocator(memory);
    kvhash_sequence *sequence = NULL;
    kvcore_error error;
    kvcore_status result = kvhash_sequence_create(&config, &sequence, &error);
    if (result != KVCORE_OK) {
        assert_null(sequence);
        assert_int_equal(error.code, KVCORE_ENOMEM);
        return result;
    }
    for (size_t step = 0; step < 40; step++) {
        picture before = picture_of(sequence);
        kvcore_status status = grow(sequence, step, tokens);
        if (status == KVCORE_OK) continue;
        result = status;
        failures++;
        picture after = picture_of(sequence);
        assert_memory_equal(&before, &after, sizeof before);
        kvtest_assert_ok(grow(sequence, step, tokens));
    }
    /* whatever failed on the way, it is the sequence that never failed */
    kvhash_sequence *whole;
    config.allocator = (kvcore_allocator){NULL, NULL, NULL};
    kvtest_assert_ok(kvhash_sequence_create(&config, &whole, NULL));
    for (size_t step = 0; step < 40; step++) kvtest_assert_ok(grow(whole, step, tokens));
    assert_true(kvhash_sequence_equal(sequence, whole));
    size_t count, same;
    const kvhash_plh *names = kvhash_sequence_names(sequence, &count), *other = kvhash_sequence_names(whole, &same);
    assert_int_equal(count, same);
    assert_memory_equal(names, other, count * sizeof *names);
    kvhash_sequence_destroy(whole);
    kvhash_sequence_destroy(sequence);
    return result;
}

static void every_allocation_may_fail_once(void **state) {
    (void)state;
    uint32_t tokens[100];
    for (uint32_t i = 0; i < 100; i++) tokens[i] = i;
    for (size_t k = 1;; k++) {
        kvtest_memory memory = {.fail_at = k};
        kvcore_status status = scenario(&memory, tokens);
        assert_int_equal(memory.live_bytes, 0);
        if (status == KVCORE_OK) {
            printf("%zu allocations failed in turn, %zu of them while growing\n", k - 1, failures);
            assert_true(k > 3 && failures > 3);
            break;
        }
        kvtest_assert_status(status, KVCORE_ENOMEM);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_allocation_may_fail_once)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
