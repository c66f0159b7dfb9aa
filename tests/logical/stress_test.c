/* Several threads, one manager, names that collide: does every count come out, and does TSan stay silent? Workers record, the
 * main thread asserts. */
#include "kvtest.h"

#include <pthread.h>

#include <kvlogical/manager.h>

#define THREADS 4
#define ROUNDS 20000
#define BLOCKS 64
#define CHAIN 8

typedef struct worker {
    pthread_t thread;
    kvlogical_manager *manager;
    const kvhash_plh *names; /* 16 chains of CHAIN */
    uint64_t seed;
    kvcore_status failed;
    size_t hits, full;
} worker;

#define MUST(w, call)                   \
    do {                                \
        kvcore_status status_ = (call); \
        if (status_ != KVCORE_OK) {     \
            (w)->failed = status_;      \
            return NULL;                \
        }                               \
    } while (0)

static void *work(void *argument) {
    worker *w = argument;
    kvtest_random random = {w->seed};
    for (int round = 0; round < ROUNDS; round++) {
        const kvhash_plh *names = w->names + kvtest_below(&random, 16) * CHAIN;
        kvlogical_immutable held[CHAIN], copies[CHAIN];
        kvlogical_mutable fresh[CHAIN];
        kvlogical_complete staged[CHAIN];
        size_t hits;
        MUST(w, kvlogical_match_prefix(w->manager, names, CHAIN, held, &hits));
        w->hits += hits;
        kvcore_status status = kvlogical_allocate(w->manager, CHAIN - hits, fresh, NULL);
        if (status == KVCORE_ENOSPACE) {
            w->full++;
            MUST(w, kvlogical_release(w->manager, held, hits));
            continue;
        }
        MUST(w, status);
        MUST(w, kvlogical_stage(w->manager, fresh, names + hits, CHAIN - hits, staged));
        MUST(w, kvlogical_register(w->manager, staged, CHAIN - hits, held + hits));
        MUST(w, kvlogical_clone(w->manager, held, CHAIN, copies));
        MUST(w, kvlogical_release(w->manager, held, CHAIN));
        MUST(w, kvlogical_release_tail_first(w->manager, copies, CHAIN));
    }
    return NULL;
}

static void run(uint32_t duplicates) {
    kvtest_random random = kvtest_seed(7);
    static kvhash_plh names[16 * CHAIN];
    for (size_t i = 0; i < 16 * CHAIN; i++)
        if (i % CHAIN == 0)
            names[i] = kvhash_plh_root(kvtest_next(&random));
        else
            kvtest_assert_ok(kvhash_plh_extend(names[i - 1], kvtest_next(&random), &names[i]));
    kvlogical_config config = KVLOGICAL_CONFIG_INIT;
    config.block_count = BLOCKS;
    config.eviction = KVLOGICAL_EVICT_LRU;
    config.duplicates = duplicates;
    kvlogical_manager *manager;
    kvtest_assert_ok(kvlogical_manager_create(&config, &manager, NULL));
    worker workers[THREADS];
    for (int i = 0; i < THREADS; i++) {
        workers[i] = (worker){.manager = manager, .names = names, .seed = kvtest_next(&random)};
        assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
    }
    for (int i = 0; i < 200; i++) {
        kvlogical_counts c = kvlogical_manager_counts(manager);
        assert_int_equal(c.free + c.mutable_blocks + c.staged + c.primary + c.duplicate + c.inactive, BLOCKS);
        kvtest_assert_ok(kvlogical_manager_validate(manager, NULL));
    }
    size_t hits = 0;
    for (int i = 0; i < THREADS; i++) {
        pthread_join(workers[i].thread, NULL);
        kvtest_assert_ok(workers[i].failed);
        hits += workers[i].hits;
    }
    assert_true(hits > 0);
    assert_int_equal(kvlogical_manager_counts(manager).available, BLOCKS);
    kvtest_assert_ok(kvlogical_manager_validate(manager, NULL));
    kvtest_assert_ok(kvlogical_manager_destroy(manager));
}

static void threads_share_a_manager_with_duplicates(void **state) {
    (void)state;
    run(KVLOGICAL_DUPLICATES_ALLOW);
}

static void threads_share_a_manager_without_duplicates(void **state) {
    (void)state;
    run(KVLOGICAL_DUPLICATES_REJECT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_share_a_manager_with_duplicates),
        cmocka_unit_test(threads_share_a_manager_without_duplicates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
