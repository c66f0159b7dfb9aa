/* A serving engine without its tensors: hundreds of requests with shared prefixes on too few blocks.
 *
 * Each step prefills some chunks, decodes every request that is ready, and preempts the youngest one when blocks run out. The
 * KV of a token is here a number, so that the engine can check that every request reads its own. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include <kvlogical/events.h>
#include <kvlogical/schedule.h>

#define BLOCKS 640
#define BLOCK_TOKENS 16
#define REQUESTS 300
#define CHUNK 96         /* tokens a request may prefill in a step */
#define STEP_TOKENS 2048 /* tokens that all requests together may */
#define LONGEST 512

#define TRY(call) (void)((call) == KVCORE_OK || fail(#call, __LINE__))
static bool fail(const char *what, int line) {
    fprintf(stderr, "line %d: %s\n", line, what);
    exit(1);
}

static uint64_t kv[BLOCKS][BLOCK_TOKENS]; /* the engine's memory */
static size_t computed, cached, preempted, steps;

/* ---- the engine: computes KV, and the next token from all of it ---- */

static uint64_t mix(uint64_t a, uint64_t b) { return (a ^ b) * UINT64_C(0x9E3779B97F4A7C15) ^ a >> 29; }

static uint32_t compute(const kvlogical_request *r, size_t from, size_t to) {
    uint32_t pages[LONGEST / BLOCK_TOKENS + 1];
    size_t count;
    TRY(kvlogical_request_blocks(r, 0, pages, sizeof pages / sizeof *pages, &count));
    const uint32_t *tokens = kvhash_sequence_tokens(kvlogical_request_sequence(r), 0, to, &count);
    uint64_t context = 0;
    for (size_t i = 0; i < to; i++) {
        uint64_t *place = &kv[pages[i / BLOCK_TOKENS]][i % BLOCK_TOKENS];
        uint64_t right = mix(context, tokens[i]);
        if (i >= from) *place = right;
        if (*place != right) fail("a request reads KV that is not its own", __LINE__);
        context = right;
    }
    computed += to - from;
    return (uint32_t)(context >> 40);
}

/* ---- a second opinion on what is cached, from the pool's events ---- */

static struct seen {
    kvhash_plh name;
    bool used, here;
} table[1 << 16];

static struct seen *look(kvhash_plh name) {
    size_t i = (size_t)(mix(name.high, name.low) >> 48);
    while (table[i].used && !kvhash_plh_equal(table[i].name, name)) i = (i + 1) % (1 << 16);
    table[i].used = true;
    table[i].name = name;
    return &table[i];
}

static void on_event(void *ctx, const kvhash_event *event) {
    (void)ctx;
    if (event->kind == KVHASH_EVENT_CREATE) look(event->name)->here = true;
    if (event->kind == KVHASH_EVENT_REMOVE) look(event->name)->here = false;
}

static void match(kvlogical_request *r) {
    size_t count, hits, expected = 0, tokens = kvlogical_request_count(r).total_tokens;
    const kvhash_plh *names = kvhash_sequence_names(kvlogical_request_sequence(r), &count);
    while (expected < (tokens - 1) / BLOCK_TOKENS && look(names[expected])->here) expected++;
    TRY(kvlogical_request_match_prefix(r, &hits));
    if (hits != expected) fail("the hits are not those that the events tell", __LINE__);
    cached += hits;
}

/* ---- the scheduler ---- */

static kvlogical_request *waiting[REQUESTS], *running[REQUESTS]; /* a stack; in order of admission */
static size_t waiting_count, running_count;

static void preempt_youngest(void) {
    kvlogical_request *r = running[--running_count];
    TRY(kvlogical_request_release(r));
    waiting[waiting_count++] = r;
    preempted++;
}

/* One step of one request; false when there are no blocks for it. */
static bool advance(kvlogical_request *r, size_t *budget) {
    kvlogical_request_counts n = kvlogical_request_count(r);
    size_t chunk = n.prefill_tokens < CHUNK ? n.prefill_tokens : CHUNK;
    if (chunk > *budget) return true; /* in a later step */
    if (chunk == 0) {
        if (kvlogical_request_schedule_decode(r, NULL) != KVCORE_OK) return false;
        TRY(kvlogical_request_apply_decode(r, compute(r, n.computed_tokens, n.total_tokens), NULL, NULL));
        return true;
    }
    if (kvlogical_request_schedule_prefill(r, chunk, NULL) != KVCORE_OK) return false;
    uint32_t token = compute(r, n.computed_tokens, n.computed_tokens + chunk);
    TRY(kvlogical_request_apply_prefill(r, chunk == n.prefill_tokens ? &token : NULL, NULL, NULL));
    *budget -= chunk;
    return true;
}

static void step(void) {
    size_t budget = STEP_TOKENS;
    while (waiting_count > 0 && running_count < 64) match(running[running_count++] = waiting[--waiting_count]);
    for (size_t i = 0; i < running_count; i++)
        while (i < running_count && !advance(running[i], &budget)) preempt_youngest(); /* perhaps itself */
    size_t kept = 0;
    for (size_t i = 0; i < running_count; i++)
        if (kvlogical_request_is_complete(running[i]))
            kvlogical_request_destroy(running[i]);
        else
            running[kept++] = running[i];
    running_count = kept;
    steps++;
}

int main(void) {
    kvlogical_config config = KVLOGICAL_CONFIG_INIT;
    config.block_count = BLOCKS;
    config.block_tokens = BLOCK_TOKENS;
    kvlogical_manager *pool;
    TRY(kvlogical_manager_create(&config, &pool, NULL));
    TRY(kvlogical_registry_on_event(kvlogical_manager_registry(pool), on_event, NULL));
    for (uint32_t i = 0; i < REQUESTS; i++) { /* eight system prompts of 160 tokens, then each its own question */
        uint32_t tokens[LONGEST], count = 180 + i * 7 % 100;
        for (uint32_t k = 0; k < count; k++) tokens[k] = k < 160 ? 1000 * (i % 8) + k : 100000 * i + k;
        kvlogical_request_config request = KVLOGICAL_REQUEST_CONFIG_INIT;
        request.tokens = tokens;
        request.token_count = count;
        request.max_output_tokens = 20 + i * 13 % 90;
        TRY(kvlogical_request_create(pool, &request, &waiting[waiting_count++], NULL));
    }
    while (waiting_count + running_count > 0) step();
    kvlogical_counts end = kvlogical_manager_counts(pool);
    printf("%d requests in %zu steps: %zu tokens computed, %zu blocks of %d tokens cached, %zu preemptions\n", REQUESTS,
           steps, computed, cached, BLOCK_TOKENS, preempted);
    if (end.available != end.total) fail("blocks leak", __LINE__);
    if (cached == 0 || preempted == 0) fail("there was no pressure", __LINE__);
    TRY(kvlogical_manager_validate(pool, NULL));
    TRY(kvlogical_manager_destroy(pool));
    return 0;
}
