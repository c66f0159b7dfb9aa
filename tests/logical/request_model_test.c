/* Random steps of several requests on a small pool, against an engine that knows what every block really holds. */
#include "request_support.h"

#include <kvlogical/inspect.h>

#define BLOCKS 24
#define REQUESTS 6
#define MOST_TOKENS 64
#define STEPS 20000

/* One request and what the test knows of it. */
typedef struct twin {
    kvlogical_request *request;
    uint32_t tokens[MOST_TOKENS];
    size_t count, input, max_output, generated;
    size_t computed, target; /* tokens with KV, and where prefill ends */
    size_t scheduled;        /* tokens */
    uint32_t state;
} twin;

typedef struct engine {
    kvtest_random random;
    kvlogical_manager *pool;
    uint64_t kv[BLOCKS][BLOCK_TOKENS];
    twin twins[REQUESTS];
    size_t shared, forks, shortages, reacquired, speculated;
} engine;

static uint64_t mix(uint64_t a, uint64_t b) { return ((a ^ b) + 1) * UINT64_C(0x9E3779B97F4A7C15) ^ (a >> 23); }

static size_t pages_of(const twin *t, uint32_t pages[MOST_TOKENS]) {
    size_t count;
    kvtest_assert_ok(kvlogical_request_blocks(t->request, 0, pages, MOST_TOKENS, &count));
    return count;
}

/* Compute tokens from … to−1, reading all before. */
static void compute(engine *e, const twin *t, size_t from, size_t to) {
    uint32_t pages[MOST_TOKENS];
    size_t count = pages_of(t, pages);
    uint64_t context = 0;
    assert_true(to <= count * BLOCK_TOKENS);
    for (size_t i = 0; i < to; i++) {
        context = mix(context, t->tokens[i]);
        if (i >= from) e->kv[pages[i / BLOCK_TOKENS]][i % BLOCK_TOKENS] = context;
    }
}

/* Everything that must hold of a request at any time. What is not computed may hold anything: it gets rubbish. */
static void check(engine *e, const twin *t) {
    uint32_t pages[MOST_TOKENS];
    size_t count = pages_of(t, pages);
    kvlogical_request_counts n = kvlogical_request_count(t->request);
    assert_int_equal(n.total_tokens, t->count);
    assert_int_equal(n.generated_tokens, t->generated);
    assert_int_equal(n.computed_tokens, t->computed);
    assert_int_equal(n.state, t->state);
    assert_int_equal(n.tail_tokens, t->count - t->computed);
    assert_int_equal(n.assigned_blocks + n.staged_blocks + n.unassigned_blocks, count);
    assert_int_equal(n.assigned_blocks,
                     t->computed / BLOCK_TOKENS); /* all that is computed is shared, and nothing else */
    size_t target = t->computed >= t->target && t->count - t->computed > 1 ? t->count : t->target;
    assert_int_equal(n.prefill_tokens, target > t->computed ? target - t->computed : 0);
    uint64_t context = 0;
    for (size_t i = 0; i < count * BLOCK_TOKENS; i++) {
        uint64_t *place = &e->kv[pages[i / BLOCK_TOKENS]][i % BLOCK_TOKENS];
        if (i < t->computed) {
            context = mix(context, t->tokens[i]);
            assert_true(*place == context);
        } else {
            *place = UINT64_C(0xDEAD);
        }
    }
}

static void begin(engine *e, twin *t) {
    *t = (twin){.input = kvtest_below(&e->random, 30), .max_output = kvtest_below(&e->random, 30)};
    for (; t->count < t->input; t->count++)
        t->tokens[t->count] = kvtest_below(&e->random, 12) == 0; /* mostly alike: prefixes meet */
    t->target = t->count;
    kvlogical_request_config config = KVLOGICAL_REQUEST_CONFIG_INIT;
    config.tokens = t->tokens;
    config.token_count = t->count;
    config.max_output_tokens = t->max_output;
    config.reserve_output_tokens = 1; /* so that it must grow */
    config.release_tail_first = kvtest_below(&e->random, 2);
    kvtest_assert_ok(kvlogical_request_create(e->pool, &config, &t->request, NULL));
}

static void add_tokens(engine *e, twin *t, size_t count, uint32_t *tokens) {
    for (size_t i = 0; i < count; i++) {
        tokens[i] = kvtest_below(&e->random, 12) == 0;
        t->tokens[t->count++] = tokens[i];
        t->generated++;
    }
}

static void schedule(engine *e, twin *t) {
    kvlogical_request_counts n = kvlogical_request_count(t->request);
    kvcore_status status;
    size_t amount = kvtest_below(&e->random, 9);
    if (t->computed < t->target || kvtest_below(&e->random, 4) == 0) {
        status = kvlogical_request_schedule_prefill(t->request, amount, NULL);
        kvcore_status expected = amount > n.prefill_tokens || n.prefill_tokens == 0 ? KVLOGICAL_EPREFILL : KVCORE_OK;
        if (status != KVCORE_ENOSPACE) kvtest_assert_status(status, expected);
        t->state = KVLOGICAL_SCHEDULED_PREFILL;
    } else {
        kvcore_status expected = t->generated >= t->max_output ? KVLOGICAL_EBUDGET
                                 : n.tail_tokens != 1          ? KVLOGICAL_EDANGLING
                                                               : KVCORE_OK;
        bool speculative = kvtest_below(&e->random, 2);
        status = speculative ? kvlogical_request_schedule_speculative(t->request, amount, &amount, NULL)
                             : kvlogical_request_schedule_decode(t->request, NULL);
        if (status != KVCORE_ENOSPACE) kvtest_assert_status(status, expected);
        t->state = speculative ? KVLOGICAL_SCHEDULED_SPECULATIVE : KVLOGICAL_SCHEDULED_DECODE;
    }
    e->shortages += status == KVCORE_ENOSPACE;
    t->scheduled = amount;
    if (status != KVCORE_OK) t->state = KVLOGICAL_SCHEDULED_NONE;
}

static void apply(engine *e, twin *t) {
    uint32_t tokens[MOST_TOKENS], token = 0;
    size_t from = t->computed, accepted;
    kvlogical_request_counts n = kvlogical_request_count(t->request);
    switch (t->state) {
    case KVLOGICAL_SCHEDULED_PREFILL: {
        bool final = t->scheduled == n.prefill_tokens && n.remaining_tokens > 0;
        compute(e, t, from, from + t->scheduled);
        if (final) add_tokens(e, t, 1, &token);
        kvtest_assert_ok(kvlogical_request_apply_prefill(t->request, final ? &token : NULL, NULL, NULL));
        t->computed += t->scheduled;
        break;
    }
    case KVLOGICAL_SCHEDULED_DECODE:
        compute(e, t, from, from + 1);
        add_tokens(e, t, 1, &token);
        kvtest_assert_ok(kvlogical_request_apply_decode(t->request, token, NULL, NULL));
        t->computed++;
        break;
    default:
        accepted = kvtest_below(&e->random, t->scheduled + 1);
        add_tokens(e, t, accepted, tokens);
        compute(e, t, from, from + accepted);
        kvtest_assert_ok(kvlogical_request_apply_speculative(t->request, tokens, accepted, NULL, NULL));
        t->computed += accepted;
        e->speculated += accepted;
    }
    t->state = KVLOGICAL_SCHEDULED_NONE;
}

static void fork_into(engine *e, const twin *parent, twin *child) {
    kvlogical_request *request;
    kvlogical_block_copy copy;
    if (kvlogical_request_fork(parent->request, &request, &copy) != KVCORE_OK) return;
    memcpy(e->kv[copy.to], e->kv[copy.from], copy.tokens * sizeof **e->kv);
    kvlogical_request_destroy(child->request);
    *child = *parent;
    child->request = request;
    e->forks++;
}

static void preempt(engine *e, twin *t) {
    size_t blocks = 0;
    kvtest_assert_ok(kvlogical_request_release(t->request));
    t->computed = 0;
    t->target = t->count;
    bool match = kvtest_below(&e->random, 2);
    kvcore_status status =
        match ? kvlogical_request_match_prefix(t->request, &blocks) : kvlogical_request_reacquire(t->request, &blocks);
    if (status != KVCORE_ENOSPACE) kvtest_assert_ok(status);
    if (status != KVCORE_OK) return;
    e->reacquired++;
    t->computed = blocks * BLOCK_TOKENS;
    assert_true(t->count == 0 || t->computed < t->count);
    e->shared += blocks;
}

static void act(engine *e, twin *t) {
    uint32_t token = 1;
    switch (kvtest_below(&e->random, 24)) {
    case 0:
        kvlogical_request_destroy(t->request);
        begin(e, t);
        break;
    case 1: fork_into(e, t, &e->twins[kvtest_below(&e->random, REQUESTS)]); break;
    case 2:
    case 3:
        if (t->state == KVLOGICAL_SCHEDULED_NONE) preempt(e, t);
        break;
    case 4:
        if (t->state != KVLOGICAL_SCHEDULED_NONE) {
            kvtest_assert_ok(kvlogical_request_revert_schedule(t->request, NULL));
            t->state = KVLOGICAL_SCHEDULED_NONE;
        } else {
            kvtest_assert_ok(kvlogical_request_drop_unassigned(t->request, 3, NULL));
        }
        break;
    case 5:
        if (t->state == KVLOGICAL_SCHEDULED_NONE && t->generated < t->max_output) {
            kvtest_assert_ok(kvlogical_request_append_tokens(t->request, &token, 1, NULL));
            t->tokens[t->count++] = token;
            t->generated++;
            if (t->computed < t->target) t->target++;
        }
        break;
    default:
        if (t->state == KVLOGICAL_SCHEDULED_NONE)
            schedule(e, t);
        else
            apply(e, t);
    }
}

static void run(uint32_t eviction, uint32_t duplicates, uint64_t salt) {
    engine *e = calloc(1, sizeof *e);
    assert_non_null(e);
    e->random = kvtest_seed(20261121 + salt);
    e->pool = make_pool(BLOCKS, eviction, duplicates);
    for (size_t i = 0; i < REQUESTS; i++) begin(e, &e->twins[i]);
    for (size_t i = 0; i < STEPS; i++) {
        act(e, &e->twins[kvtest_below(&e->random, REQUESTS)]);
        for (size_t k = 0; k < REQUESTS; k++) check(e, &e->twins[k]);
        if (i % 64 == 0) kvtest_assert_ok(kvlogical_manager_validate(e->pool, NULL));
    }
    for (size_t i = 0; i < REQUESTS; i++) kvlogical_request_destroy(e->twins[i].request);
    printf("%zu blocks shared, %zu forks, %zu shortages, %zu reacquired, %zu speculated\n", e->shared, e->forks,
           e->shortages, e->reacquired, e->speculated);
    assert_true(e->shared > 20 && e->forks > 20 && e->shortages > 20 && e->reacquired > 20 && e->speculated > 20);
    end_pool(e->pool);
    free(e);
}

static void requests_read_only_their_own_kv_where_duplicates_stay(void **state) {
    (void)state;
    run(KVLOGICAL_EVICT_LRU, KVLOGICAL_DUPLICATES_ALLOW, 0);
    run(KVLOGICAL_EVICT_LINEAGE_TICK, KVLOGICAL_DUPLICATES_ALLOW, 1);
}

static void requests_read_only_their_own_kv_where_duplicates_are_rejected(void **state) {
    (void)state;
    run(KVLOGICAL_EVICT_LRU, KVLOGICAL_DUPLICATES_REJECT, 2);
    run(KVLOGICAL_EVICT_LINEAGE_FIFO, KVLOGICAL_DUPLICATES_REJECT, 3);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_read_only_their_own_kv_where_duplicates_stay),
        cmocka_unit_test(requests_read_only_their_own_kv_where_duplicates_are_rejected),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
