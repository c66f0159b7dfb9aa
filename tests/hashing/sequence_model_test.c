/* A sequence fed in any way has the names of a request with the same tokens and runs, after every step. */
#include "kvtest.h"

#include <kvhash/hash.h>
#include <kvhash/request.h>
#include <kvhash/sequence.h>

#define MOST 4096

/* What the sequence should hold. */
typedef struct twin {
    uint32_t tokens[MOST];
    size_t token_count;
    kvhash_mm_run runs[MOST];
    size_t run_count;
    uint32_t block_tokens;
} twin;

/* kvhash_salt_hash() of this is the sequence's salt hash. */
#define SALT "model"

static void check_names(const kvhash_sequence *sequence, const twin *model) {
    static kvhash_block expected[MOST];
    kvhash_request request = KVHASH_REQUEST_INIT;
    request.tokens = model->tokens, request.token_count = model->token_count;
    request.runs = model->runs, request.run_count = model->run_count;
    request.salt = kvcore_text(SALT);
    request.block_tokens = model->block_tokens;
    size_t count, got;
    kvtest_assert_ok(kvhash_request_blocks(&request, expected, MOST, &count, NULL));
    const kvhash_plh *names = kvhash_sequence_names(sequence, &got);
    assert_int_equal(got, count);
    const uint64_t *block_hashes = kvhash_sequence_block_hashes(sequence, &got);
    for (size_t i = 0; i < count; i++) {
        kvhash_block block;
        kvtest_assert_ok(kvhash_sequence_block(sequence, i, &block));
        assert_memory_equal(&block, &expected[i], sizeof block);
        assert_true(kvhash_plh_equal(names[i], expected[i].plh) && block_hashes[i] == expected[i].block_hash);
    }
}

static void check(const kvhash_sequence *sequence, const twin *model) {
    size_t count;
    assert_int_equal(kvhash_sequence_token_count(sequence), model->token_count);
    const uint32_t *tokens = kvhash_sequence_tokens(sequence, 0, model->token_count, &count);
    if (count != 0) assert_memory_equal(tokens, model->tokens, count * sizeof *tokens);
    const kvhash_mm_run *runs = kvhash_sequence_runs(sequence, &count);
    assert_int_equal(count, model->run_count);
    if (count != 0) assert_memory_equal(runs, model->runs, count * sizeof *runs);
    check_names(sequence, model);
}

static uint32_t random_token(kvtest_random *random) { return (uint32_t)kvtest_below(random, 50000); }

/* Some runs among `count` slots, in order. */
static size_t random_runs(kvtest_random *random, size_t count, kvhash_mm_run *runs) {
    size_t made = 0;
    for (size_t at = (size_t)kvtest_below(random, 20); at < count && made < 8;) {
        uint64_t length = 1 + kvtest_below(random, 40);
        if (length > count - at) length = count - at;
        runs[made++] = (kvhash_mm_run){kvtest_below(random, 5), at, length};
        at += length + (size_t)kvtest_below(random, 20);
    }
    return made;
}

static void extend_with_runs(kvhash_sequence *sequence, twin *model, kvtest_random *random, size_t count,
                             kvhash_block_range *completed) {
    uint32_t tokens[256];
    kvhash_mm_run runs[8];
    for (size_t i = 0; i < count; i++) tokens[i] = random_token(random);
    size_t run_count = random_runs(random, count, runs);
    memcpy(model->tokens + model->token_count, tokens, count * sizeof *tokens);
    for (size_t i = 0; i < run_count; i++) {
        kvhash_mm_run run = runs[i];
        run.offset += model->token_count;
        memset(model->tokens + run.offset, 0, (size_t)run.length * sizeof *tokens);
        model->runs[model->run_count++] = run;
    }
    model->token_count += count;
    for (size_t i = run_count; i-- > 1;) { /* any order will do */
        size_t j = (size_t)kvtest_below(random, i + 1);
        kvhash_mm_run swap = runs[i];
        runs[i] = runs[j];
        runs[j] = swap;
    }
    kvtest_assert_ok(kvhash_sequence_extend_with_runs(sequence, tokens, count, runs, run_count, completed, NULL));
}

static void grow(kvhash_sequence *sequence, twin *model, kvtest_random *random, bool with_runs) {
    size_t room = MOST - model->token_count, blocks = model->token_count / model->block_tokens;
    size_t count = (size_t)kvtest_below(random, (room < 256 ? room : 256) + 1);
    uint64_t how = kvtest_below(random, with_runs ? 4 : 2);
    kvhash_block_range completed = {blocks, 0};
    if (how == 0 && room > 0) {
        uint32_t token = model->tokens[model->token_count++] = random_token(random);
        kvtest_assert_ok(kvhash_sequence_append(sequence, token, &completed));
    } else if (how == 1) {
        uint32_t *more = model->tokens + model->token_count;
        for (size_t i = 0; i < count; i++) more[i] = random_token(random);
        model->token_count += count;
        kvtest_assert_ok(kvhash_sequence_extend(sequence, more, count, &completed));
    } else if (how == 2 && count > 0 && model->run_count < MOST) {
        uint64_t mm_hash = kvtest_below(random, 5);
        model->runs[model->run_count++] = (kvhash_mm_run){mm_hash, model->token_count, count};
        memset(model->tokens + model->token_count, 0, count * sizeof *model->tokens);
        model->token_count += count;
        kvtest_assert_ok(kvhash_sequence_push_run(sequence, mm_hash, count, &completed));
    } else if (how == 3) {
        extend_with_runs(sequence, model, random, count, &completed);
    }
    assert_int_equal(completed.first, blocks);
    assert_int_equal(completed.first + completed.count, model->token_count / model->block_tokens);
}

static void shrink(kvhash_sequence *sequence, twin *model, kvtest_random *random) {
    size_t keep = (size_t)kvtest_below(random, model->token_count + 5);
    bool refused = model->run_count != 0;
    kvcore_status status;
    if (kvtest_below(random, 2)) {
        status = kvhash_sequence_truncate(sequence, keep);
    } else {
        if (keep > model->token_count) keep = model->token_count;
        status = kvhash_sequence_unwind(sequence, model->token_count - keep);
    }
    kvtest_assert_status(status, refused ? KVHASH_EMM_RUNS_PRESENT : KVCORE_OK);
    if (!refused && keep < model->token_count) model->token_count = keep;
}

static void any_way_of_feeding_gives_the_names_of_the_request(void **state) {
    (void)state;
    static const uint32_t sizes[] = {1, 2, 3, 4, 7, 16, 32, 61, 64, 100, 512, 1000};
    kvtest_random random = kvtest_seed(5);
    static twin model;
    size_t steps = 0;
    for (size_t round = 0; round < 300; round++) {
        kvtest_memory memory = {0};
        bool with_runs = round % 3 != 0;
        model.block_tokens = sizes[kvtest_below(&random, sizeof sizes / sizeof *sizes)];
        model.token_count = (size_t)kvtest_below(&random, 300);
        for (size_t i = 0; i < model.token_count; i++) model.tokens[i] = random_token(&random);
        model.run_count = with_runs ? random_runs(&random, model.token_count, model.runs) : 0;
        kvhash_sequence_config config = KVHASH_SEQUENCE_CONFIG_INIT;
        config.block_tokens = model.block_tokens;
        config.tokens = model.tokens, config.token_count = model.token_count;
        config.runs = model.runs, config.run_count = model.run_count;
        config.salt_hash = kvhash_salt_hash(kvcore_text(SALT), kvcore_text(NULL));
        config.reserve_tokens = (size_t)kvtest_below(&random, 2) * 2000;
        config.allocator = kvtest_allocator(&memory);
        kvhash_sequence *sequence;
        kvtest_assert_ok(kvhash_sequence_create(&config, &sequence, NULL));
        check(sequence, &model);
        for (size_t step = 0; step < 80; step++, steps++) {
            uint64_t what = kvtest_below(&random, 10);
            if (what == 0)
                shrink(sequence, &model, &random);
            else if (what == 1 && kvtest_below(&random, 10) == 0) {
                kvhash_sequence_reset(sequence);
                model.token_count = model.run_count = 0;
            } else
                grow(sequence, &model, &random, with_runs && model.run_count + 8 < MOST);
            if (step % 8 == 7 || model.token_count < 200) check(sequence, &model);
        }
        check(sequence, &model);
        kvhash_sequence_destroy(sequence);
        assert_int_equal(memory.live_bytes, 0);
    }
    printf("%zu steps\n", steps);
    assert_true(steps >= 20000);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(any_way_of_feeding_gives_the_names_of_the_request)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
