/* Two requests and a tracker of ids on one small pool, driven by arbitrary bytes, with hostile counts now and then. A call that
 * fails changes nothing; a page table has as many blocks as the counts say, no two alike; the pool is sound after each call. */
#include <stdlib.h>

#include <kvlogical/external_assignments.h>
#include <kvlogical/inspect.h>
#include <kvlogical/schedule.h>

#include "fuzz.h"

#define BLOCKS 12
#define BLOCK_TOKENS 4
#define MOST_TOKENS 40
#define MOST_STEPS 400

typedef struct input {
    const uint8_t *at;
    size_t left;
} input;

static unsigned take(input *in) {
    if (in->left == 0) return 0;
    in->left--;
    return *in->at++;
}

/* Mostly small; now and then near where sizes end. */
static size_t take_count(input *in) {
    unsigned n = take(in);
    if (n < 240) return n % 20;
    return n < 248 ? SIZE_MAX - take(in) : (SIZE_MAX >> (n - 247)) + take(in) % 3;
}

static void expect(bool holds) {
    if (!holds) abort();
}

static void make_tokens(input *in, uint32_t *tokens, size_t count) {
    for (size_t i = 0; i < count; i++) tokens[i] = take(in) % 3; /* prefixes meet */
}

static kvlogical_request *make_request(kvlogical_manager *pool, input *in) {
    uint32_t tokens[MOST_TOKENS];
    kvlogical_request_config config = KVLOGICAL_REQUEST_CONFIG_INIT;
    kvlogical_request *request = NULL;
    config.token_count = take(in) % (MOST_TOKENS + 1);
    make_tokens(in, tokens, config.token_count);
    config.tokens = tokens;
    config.max_output_tokens = take_count(in);
    config.reserve_output_tokens = take(in) % 8;
    config.release_tail_first = take(in) % 2;
    (void)!kvlogical_request_create(pool, &config, &request, NULL);
    return request;
}

static kvcore_status step(kvlogical_request **request, input *in, unsigned op) {
    kvlogical_request *r = *request, *fork = NULL;
    uint32_t tokens[MOST_TOKENS], outcome, token = take(in) % 3;
    size_t count = take_count(in), few = count % MOST_TOKENS, got;
    kvlogical_block_copy copy;
    kvcore_status status;
    make_tokens(in, tokens, few);
    switch (op) {
    case 0: return kvlogical_request_match_prefix(r, &got);
    case 1: return kvlogical_request_allocate(r, count);
    case 2: return kvlogical_request_register_computed(r, count, NULL);
    case 3: return kvlogical_request_append(r, token, NULL);
    case 4: return kvlogical_request_drop_unassigned(r, count, &got);
    case 5: return kvlogical_request_release(r);
    case 6: return kvlogical_request_schedule_prefill(r, count, NULL);
    case 7: return kvlogical_request_apply_prefill(r, take(in) % 2 ? &token : NULL, &outcome, NULL);
    case 8: return kvlogical_request_schedule_decode(r, NULL);
    case 9: return kvlogical_request_apply_decode(r, take(in) % 3, &outcome, NULL);
    case 10: return kvlogical_request_schedule_speculative(r, count, &got, NULL);
    case 11: return kvlogical_request_apply_speculative(r, tokens, few, &outcome, NULL);
    case 12: return kvlogical_request_revert_schedule(r, NULL);
    case 13: return kvlogical_request_append_tokens(r, tokens, few, NULL);
    case 14: return kvlogical_request_stage_computed(r, count, NULL);
    default:
        status = kvlogical_request_fork(r, &fork, &copy);
        if (status != KVCORE_OK) return status;
        kvlogical_request_destroy(r);
        *request = fork;
        return KVCORE_OK;
    }
}

static void check_request(const kvlogical_request *r) {
    uint32_t blocks[BLOCKS];
    bool seen[BLOCKS] = {false};
    kvlogical_replaced_block replaced[BLOCKS];
    kvlogical_request_counts counts = kvlogical_request_count(r);
    size_t count;
    expect(kvlogical_request_blocks(r, 0, blocks, BLOCKS, &count) == KVCORE_OK);
    expect(count == counts.assigned_blocks + counts.staged_blocks + counts.unassigned_blocks);
    expect(counts.computed_tokens <= count * BLOCK_TOKENS && counts.computed_tokens <= counts.total_tokens);
    for (size_t i = 0; i < count; i++) {
        expect(blocks[i] < BLOCKS && !seen[blocks[i]]);
        seen[blocks[i]] = true;
    }
    expect(kvlogical_request_replaced(r, replaced, BLOCKS, &count) == KVCORE_OK);
}

static bool same(const kvlogical_request_counts *a, const kvlogical_request_counts *b) {
    return a->total_tokens == b->total_tokens && a->generated_tokens == b->generated_tokens &&
           a->computed_tokens == b->computed_tokens && a->prefill_tokens == b->prefill_tokens &&
           a->assigned_blocks == b->assigned_blocks && a->staged_blocks == b->staged_blocks &&
           a->unassigned_blocks == b->unassigned_blocks && a->matched_blocks == b->matched_blocks &&
           a->state == b->state && a->scheduled_tokens == b->scheduled_tokens &&
           a->scheduled_blocks == b->scheduled_blocks;
}

/* Reacquire lets go of what it took when it fails, and tells so: the one call whose failure may show. */
static void step_of_request(kvlogical_request **request, input *in, unsigned op) {
    kvlogical_request_counts before = kvlogical_request_count(*request), after;
    kvcore_status status = op == 16 ? kvlogical_request_reacquire(*request, NULL) : step(request, in, op);
    after = kvlogical_request_count(*request);
    if (status != KVCORE_OK && op != 16) expect(same(&before, &after));
    check_request(*request);
}

static void step_of_ids(kvlogical_external_assignments *ids, input *in, unsigned op) {
    uint64_t some[8];
    kvhash_plh names[8];
    kvlogical_range range;
    size_t count = take(in) % 9;
    for (size_t i = 0; i < count; i++) {
        some[i] = take(in) % 16;
        names[i] = kvhash_plh_root(take(in) % 8);
    }
    switch (op) {
    case 0: (void)!kvlogical_external_assignments_extend(ids, some, count, NULL); break;
    case 1: (void)!kvlogical_external_assignments_stage(ids, names, count, &range, NULL); break;
    case 2: (void)kvlogical_external_assignments_commit(ids); break;
    case 3: (void)!kvlogical_external_assignments_assign(ids, names, count, &range, NULL); break;
    case 4: (void)kvlogical_external_assignments_contains(ids, take_count(in)); break;
    default: kvlogical_external_assignments_clear(ids);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    input in = {data, size};
    kvlogical_config config = KVLOGICAL_CONFIG_INIT;
    kvlogical_manager *pool = NULL;
    kvlogical_external_assignments *ids = NULL;
    config.block_count = BLOCKS;
    config.block_tokens = BLOCK_TOKENS;
    config.duplicates = take(&in) % 2;
    config.eviction = take(&in) % 2 ? KVLOGICAL_EVICT_LRU : KVLOGICAL_EVICT_DEFAULT;
    if (take(&in) % 2) config.proof_bits = KVLOGICAL_PROOFS_NONE;
    expect(kvlogical_manager_create(&config, &pool, NULL) == KVCORE_OK);
    expect(kvlogical_external_assignments_create(take(&in), NULL, &ids) == KVCORE_OK);
    kvlogical_request *requests[2] = {make_request(pool, &in), make_request(pool, &in)};
    for (unsigned steps = 0; in.left > 0 && steps < MOST_STEPS; steps++) {
        unsigned op = take(&in), which = op & 1;
        if (op >= 240)
            step_of_ids(ids, &in, op % 6);
        else if (requests[which] == NULL || op / 2 % 18 == 17)
            kvlogical_request_destroy(requests[which]), requests[which] = make_request(pool, &in);
        else
            step_of_request(&requests[which], &in, op / 2 % 18);
        expect(kvlogical_manager_validate(pool, NULL) == KVCORE_OK);
    }
    for (int i = 0; i < 2; i++) kvlogical_request_destroy(requests[i]);
    kvlogical_external_assignments_destroy(ids);
    expect(kvlogical_manager_destroy(pool) == KVCORE_OK);
    return 0;
}
