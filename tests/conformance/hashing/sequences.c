#include <string.h>

#include <kvhash/sequence.h>

#include "checks.h"

static void expect_state(kvtest_vector *v, const char *what, const kvhash_sequence *sequence, json_object *state) {
    kvhash_partial partial = {0};
    size_t blocks, runs;
    const kvhash_plh *names = kvhash_sequence_names(sequence, &blocks);
    kvhash_sequence_runs(sequence, &runs);
    kvtest_expect_status(v, what, kvhash_sequence_partial(sequence, &partial), KVCORE_OK);
    const uint64_t actual[] = {kvhash_sequence_token_count(sequence), blocks, partial.token_count, 0, runs};
    for (size_t i = 0; i < 5; i++)
        if (i != 3)
            kvtest_expect_u64(v, what, actual[i], kvtest_u64_of(v, json_object_array_get_idx(state, i), "state"));
    json_object *last = json_object_array_get_idx(state, 3);
    if (blocks != 0)
        expect_plh(v, what, names[blocks - 1], last);
    else
        kvtest_expect_true(v, "no last block", last == NULL);
}

/* A failure: the variant that says what it is, down to the fault of a run, and its message. */
static void expect_failure(kvtest_vector *v, kvcore_status status, const kvcore_error *error, json_object *expected) {
    if (kvtest_has(expected, "inner")) {
        json_object *inner = kvtest_field(v, expected, "inner");
        if (error != NULL) {
            expect_run_error(v, status, error, inner);
            return;
        }
        expected = inner;
    }
    kvtest_expect_status(v, "ret", status, status_of_variant(v, kvtest_string(v, expected, "variant")));
    kvtest_expect_text(v, "message", kvcore_status_text(status), kvtest_string(v, expected, "message"));
}

/* What a call gave, in the words of the vectors. */
typedef struct outcome {
    kvcore_status status;
    kvcore_error error;
    bool has_error;
    enum { GAVE_TRUE, GAVE_INDEX, GAVE_RANGE, GAVE_TOKEN, GAVE_TOKENS } gave;
    kvhash_block_range completed;
    uint32_t token;
    bool popped;
    const uint32_t *tokens;
    size_t token_count;
} outcome;

static void expect_value(kvtest_vector *v, const outcome *got, json_object *value) {
    switch (got->gave) {
    case GAVE_TRUE: kvtest_expect_true(v, "ret", json_object_get_boolean(value)); break;
    case GAVE_INDEX:
        kvtest_expect_u64(v, "ret: blocks completed", got->completed.count, value != NULL);
        if (value != NULL) kvtest_expect_u64(v, "ret", got->completed.first, kvtest_u64_of(v, value, "ok"));
        break;
    case GAVE_RANGE:
        kvtest_expect_true(v, "ret: any block completed", (got->completed.count != 0) == (value != NULL));
        if (value == NULL || v->failed) break;
        kvtest_expect_u64(v, "ret", got->completed.first, kvtest_u64_of(v, json_object_array_get_idx(value, 0), "ok"));
        kvtest_expect_u64(v, "ret", got->completed.first + got->completed.count,
                          kvtest_u64_of(v, json_object_array_get_idx(value, 1), "ok"));
        break;
    case GAVE_TOKEN:
        kvtest_expect_true(v, "ret: any token", got->popped == (value != NULL));
        if (value != NULL) kvtest_expect_u64(v, "ret", got->token, kvtest_u64_of(v, value, "ok"));
        break;
    case GAVE_TOKENS: {
        size_t count;
        const uint32_t *expected = kvtest_tokens_of(v, value, "ok", &count);
        kvtest_expect_u64(v, "ret: tokens", got->token_count, count);
        for (size_t i = 0; i < count && !v->failed; i++) kvtest_expect_u64(v, "ret", got->tokens[i], expected[i]);
        break;
    }
    }
}

static outcome perform(kvtest_vector *v, kvhash_sequence *sequence, json_object *op) {
    const char *name = kvtest_string(v, op, "op");
    outcome got = {.gave = GAVE_TRUE};
    size_t count = 0, run_count = 0;
    if (strcmp(name, "append") == 0 || strcmp(name, "push_token") == 0) {
        got.gave = GAVE_INDEX;
        got.status = kvhash_sequence_append(sequence, (uint32_t)kvtest_u64(v, op, "token"), &got.completed);
    } else if (strcmp(name, "extend") == 0) {
        const uint32_t *tokens = kvtest_tokens(v, op, "tokens", &count);
        got.gave = GAVE_RANGE;
        got.status = kvhash_sequence_extend(sequence, tokens, count, &got.completed);
    } else if (strcmp(name, "truncate") == 0) {
        got.status = kvhash_sequence_truncate(sequence, kvtest_u64(v, op, "len"));
    } else if (strcmp(name, "unwind") == 0) {
        got.status = kvhash_sequence_unwind(sequence, kvtest_u64(v, op, "count"));
    } else if (strcmp(name, "pop") == 0 || strcmp(name, "try_pop") == 0) {
        got.gave = GAVE_TOKEN;
        got.status = kvhash_sequence_pop(sequence, &got.token, &got.popped);
    } else if (strcmp(name, "tokens_at") == 0) {
        got.gave = GAVE_TOKENS;
        got.tokens =
            kvhash_sequence_tokens(sequence, kvtest_u64(v, op, "start"), kvtest_u64(v, op, "end"), &got.token_count);
    } else if (strcmp(name, "push_mm_run") == 0) {
        got.gave = GAVE_RANGE;
        got.status = kvhash_sequence_push_run(sequence, kvtest_u64(v, op, "mm_hash"), kvtest_u64(v, op, "length"),
                                              &got.completed);
    } else if (strcmp(name, "extend_with_mm") == 0) {
        const uint32_t *tokens = kvtest_tokens(v, op, "tokens", &count);
        const kvhash_mm_run *runs = runs_of(v, op, "mm_info", &run_count);
        got.gave = GAVE_RANGE;
        got.has_error = true;
        got.status =
            kvhash_sequence_extend_with_runs(sequence, tokens, count, runs, run_count, &got.completed, &got.error);
    } else if (strcmp(name, "reset") == 0) {
        kvhash_sequence_reset(sequence);
    } else {
        kvtest_differ(v, "operation \"%s\" is not known", name);
    }
    return got;
}

static void expect_outcome(kvtest_vector *v, const outcome *got, json_object *ret) {
    if (kvtest_has(ret, "err")) {
        expect_failure(v, got->status, got->has_error ? &got->error : NULL, kvtest_field(v, ret, "err"));
    } else if (kvtest_has(ret, "panic")) {
        kvtest_expect_true(v, "ret: refused", got->status != KVCORE_OK);
    } else {
        kvtest_expect_status(v, "ret", got->status, KVCORE_OK);
        if (!v->failed) expect_value(v, got, kvtest_field(v, ret, "ok"));
    }
}

static void expect_final_block(kvtest_vector *v, const kvhash_sequence *sequence, size_t index, json_object *expected) {
    kvhash_block block = {0}, parent = {0};
    kvtest_expect_status(v, "block", kvhash_sequence_block(sequence, index, &block), KVCORE_OK);
    kvtest_expect_u64(v, "block_hash", block.block_hash, kvtest_u64(v, expected, "block_hash"));
    kvtest_expect_u64(v, "sequence_hash", block.sequence_hash, kvtest_u64(v, expected, "sequence_hash"));
    expect_plh(v, "plh", block.plh, kvtest_field(v, expected, "plh"));
    expect_psh(v, "psh", block.psh, kvtest_field(v, expected, "psh"));
    kvtest_expect_true(v, "parent is null at the root",
                       (index == 0) == kvtest_is_null(expected, "parent_sequence_hash"));
    if (index != 0) {
        kvtest_expect_status(v, "parent", kvhash_sequence_block(sequence, index - 1, &parent), KVCORE_OK);
        kvtest_expect_u64(v, "parent_sequence_hash", parent.sequence_hash,
                          kvtest_u64(v, expected, "parent_sequence_hash"));
    }
    size_t size = kvhash_sequence_block_tokens(sequence), count, expected_count;
    const uint32_t *tokens = kvhash_sequence_tokens(sequence, index * size, (index + 1) * size, &count);
    const uint32_t *wanted = kvtest_tokens(v, expected, "tokens", &expected_count);
    kvtest_expect_u64(v, "tokens", count, expected_count);
    for (size_t i = 0; i < count && !v->failed; i++) kvtest_expect_u64(v, "tokens", tokens[i], wanted[i]);
}

static void expect_final(kvtest_vector *v, const kvhash_sequence *sequence, json_object *final) {
    json_object *blocks = kvtest_array(v, final, "blocks");
    kvtest_expect_u64(v, "blocks", kvhash_sequence_block_count(sequence), json_object_array_length(blocks));
    for (size_t i = 0; i < json_object_array_length(blocks) && !v->failed; i++)
        expect_final_block(v, sequence, i, json_object_array_get_idx(blocks, i));

    kvhash_partial partial = {0};
    kvtest_expect_status(v, "partial", kvhash_sequence_partial(sequence, &partial), KVCORE_OK);
    size_t count;
    const uint32_t *wanted = kvtest_tokens(v, final, "partial_tokens", &count);
    kvtest_expect_u64(v, "partial_tokens", partial.token_count, count);
    for (size_t i = 0; i < count && !v->failed; i++)
        kvtest_expect_u64(v, "partial_tokens", partial.tokens[i], wanted[i]);
    kvtest_expect_u64(v, "remaining", partial.block_tokens - partial.token_count, kvtest_u64(v, final, "remaining"));
    kvtest_expect_u64(v, "total_tokens", kvhash_sequence_token_count(sequence), kvtest_u64(v, final, "total_tokens"));
    kvtest_expect_u64(v, "salt_hash", kvhash_sequence_salt_hash(sequence), kvtest_u64(v, final, "salt_hash"));
    const kvhash_mm_run *runs = kvhash_sequence_runs(sequence, &count);
    expect_runs(v, "mm_runs", runs, count, final, "mm_runs");
}

void check_sequence(kvtest_vector *v) {
    kvhash_sequence_config config = KVHASH_SEQUENCE_CONFIG_INIT;
    config.block_tokens = (uint32_t)kvtest_u64(v, v->line, "block_size");
    config.salt_hash = kvtest_u64_or(v, v->line, "salt_hash", 0);
    config.tokens = kvtest_tokens(v, v->line, "init_tokens", &config.token_count);
    config.runs = runs_of(v, v->line, "init_mm", &config.run_count);
    kvhash_sequence *sequence = NULL;
    kvtest_expect_status(v, "create", kvhash_sequence_create(&config, &sequence, NULL), KVCORE_OK);
    if (v->failed) {
        kvhash_sequence_destroy(sequence);
        return;
    }
    expect_state(v, "state0", sequence, kvtest_array(v, v->line, "state0"));
    json_object *ops = kvtest_array(v, v->line, "ops");
    for (size_t i = 0; i < json_object_array_length(ops) && !v->failed; i++) {
        json_object *op = json_object_array_get_idx(ops, i);
        outcome got = perform(v, sequence, op);
        expect_outcome(v, &got, kvtest_field(v, op, "ret"));
        expect_state(v, "state", sequence, kvtest_array(v, op, "state"));
        if (v->failed) { /* say which */
            char what[sizeof v->difference];
            memcpy(what, v->difference, sizeof what);
            v->failed = false;
            kvtest_differ(v, "ops[%zu] %s: %.300s", i, kvtest_string(v, op, "op"), what);
        }
    }
    expect_final(v, sequence, kvtest_field(v, v->line, "final"));
    kvhash_sequence_destroy(sequence);
}
