/* Requests of several threads on one pool that is too small for them. Workers record, the main thread asserts. */
#include "request_support.h"

#include <pthread.h>

#define WORKERS 4
#define ROUNDS 400

typedef struct worker {
    pthread_t thread;
    kvlogical_manager *pool;
    uint32_t number;
    size_t finished, shortages, unexpected;
} worker;

static void note(worker *w, kvcore_status status) {
    if (status == KVCORE_ENOSPACE)
        w->shortages++;
    else if (status != KVCORE_OK)
        w->unexpected++;
}

/* Returns whether the step was done. */
static bool step(worker *w, kvlogical_request *request) {
    kvlogical_request_counts n = kvlogical_request_count(request);
    size_t chunk = n.prefill_tokens < 6 ? n.prefill_tokens : 6;
    uint32_t token = w->number;
    kvcore_status status = chunk > 0 ? kvlogical_request_schedule_prefill(request, chunk, NULL)
                                     : kvlogical_request_schedule_decode(request, NULL);
    note(w, status);
    if (status != KVCORE_OK) return false;
    status = chunk > 0 ? kvlogical_request_apply_prefill(
                             request, chunk == n.prefill_tokens && n.remaining_tokens > 0 ? &token : NULL, NULL, NULL)
                       : kvlogical_request_apply_decode(request, token, NULL, NULL);
    note(w, status);
    return true;
}

static void *work(void *argument) {
    worker *w = argument;
    for (uint32_t round = 0; round < ROUNDS; round++) {
        uint32_t tokens[24];
        for (uint32_t i = 0; i < 24; i++) tokens[i] = i < 16 ? i + round % 3 : i + 100 * w->number + round;
        kvlogical_request_config config = KVLOGICAL_REQUEST_CONFIG_INIT;
        config.tokens = tokens;
        config.token_count = 24;
        config.max_output_tokens = 5;
        kvlogical_request *request, *fork = NULL;
        kvlogical_block_copy copy;
        note(w, kvlogical_request_create(w->pool, &config, &request, NULL));
        note(w, kvlogical_request_match_prefix(request, NULL));
        for (size_t tries = 0; tries < 64 && !kvlogical_request_is_complete(request); tries++) {
            if (step(w, request)) continue;
            note(w, kvlogical_request_release(request));
            if (tries % 2 == 0) note(w, kvlogical_request_reacquire(request, NULL));
        }
        w->finished += kvlogical_request_is_complete(request);
        kvcore_status status = kvlogical_request_fork(request, &fork, &copy);
        note(w, status);
        kvlogical_request_destroy(request);
        kvlogical_request_destroy(fork);
    }
    return NULL;
}

static void threads_share_a_pool_without_leaks(void **state) {
    (void)state;
    kvlogical_manager *pool = make_pool(20, KVLOGICAL_EVICT_LINEAGE_TICK, KVLOGICAL_DUPLICATES_ALLOW);
    worker workers[WORKERS];
    for (uint32_t i = 0; i < WORKERS; i++) {
        workers[i] = (worker){.pool = pool, .number = i};
        assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
    }
    size_t finished = 0, shortages = 0;
    for (size_t i = 0; i < WORKERS; i++) {
        pthread_join(workers[i].thread, NULL);
        assert_int_equal(workers[i].unexpected, 0);
        finished += workers[i].finished;
        shortages += workers[i].shortages;
    }
    printf("%zu requests finished, %zu shortages\n", finished, shortages);
    assert_true(finished > 0);
    end_pool(pool);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(threads_share_a_pool_without_leaks)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
