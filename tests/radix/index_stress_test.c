/* Readers while writers work: does every answer belong to a moment that there was, and does TSan stay silent? Workers record,
 * the main thread asserts.
 *
 * Four holders of one chain of LENGTH blocks, each with a story of its own:
 *
 *     steady    has it all, always
 *     holed     has FIRST blocks, never the next, and now and then all behind it: FIRST, whatever else is seen of it
 *     cleared   gets the whole chain, then is cleared: while it is, it has all or nothing
 *     restless  comes, stores and removes anything, is forgotten: it has something or nothing */
#include "kvtest.h"

#include <pthread.h>
#include <stdatomic.h>

#include <kvradix/index.h>

#include "forest.h"

#define READERS 2
#define ROUNDS 2000
#define LENGTH 256
#define FIRST 37
#define PASSING 800

enum { STEADY = 1, HOLED, CLEARED, RESTLESS };

typedef struct world {
    kvradix_index *index;
    kvhash_plh chain[LENGTH];
    forest passing;
    _Atomic uint64_t phase; /* of cleared: odd from when it has all until its clear has returned */
    _Atomic bool done;
} world;

typedef struct worker {
    pthread_t thread;
    world *w;
    uint64_t seed;
    kvcore_status failed;
    size_t wrong[RESTLESS + 1];
} worker;

static kvhash_holder holder(uint64_t number) { return (kvhash_holder){number, 0, 0}; }

static void check(worker *self, const kvradix_match *matches, size_t found, bool whole) {
    uint32_t blocks[RESTLESS + 1] = {0};
    for (size_t i = 0; i < found; i++) blocks[matches[i].holder.worker] = matches[i].blocks;
    self->wrong[STEADY] += blocks[STEADY] != LENGTH;
    self->wrong[HOLED] += blocks[HOLED] != FIRST;
    self->wrong[CLEARED] += whole && blocks[CLEARED] != LENGTH && blocks[CLEARED] != 0;
}

static void *read_all(void *argument) {
    worker *self = argument;
    world *w = self->w;
    while (self->failed == KVCORE_OK && !atomic_load(&w->done)) {
        kvradix_match matches[RESTLESS + 1];
        size_t found;
        uint64_t before = atomic_load(&w->phase);
        self->failed = kvradix_index_match(w->index, w->chain, LENGTH, matches, RESTLESS + 1, &found);
        check(self, matches, found, before % 2 == 1 && atomic_load(&w->phase) == before);
    }
    return NULL;
}

#define MUST(self, call) \
    if ((self)->failed == KVCORE_OK) (self)->failed = (call)

static void *come_and_go(void *argument) {
    worker *self = argument;
    world *w = self->w;
    const kvhash_plh *behind = &w->chain[FIRST + 1];
    for (int round = 0; round < ROUNDS; round++) {
        MUST(self, kvradix_index_store(w->index, holder(HOLED), behind, LENGTH - FIRST - 1));
        MUST(self, kvradix_index_remove(w->index, holder(HOLED), behind, LENGTH - FIRST - 1));
    }
    return NULL;
}

static void *clear_and_wander(void *argument) {
    worker *self = argument;
    world *w = self->w;
    kvtest_random random = {self->seed};
    for (int round = 0; round < ROUNDS / 3; round++) {
        MUST(self, kvradix_index_store(w->index, holder(CLEARED), w->chain, LENGTH));
        atomic_fetch_add(&w->phase, 1);
        for (int i = 0; i < 4; i++) {
            kvhash_plh names[PASSING];
            size_t numbers[PASSING], count = forest_chain(&w->passing, kvtest_below(&random, PASSING), names, numbers);
            MUST(self, kvradix_index_store(w->index, holder(RESTLESS), names, count));
            MUST(self, kvradix_index_store(w->index, holder(RESTLESS), w->chain, kvtest_below(&random, LENGTH)));
            MUST(self, kvradix_index_remove(w->index, holder(RESTLESS), names, count / 2));
        }
        MUST(self, kvradix_index_clear(w->index, holder(CLEARED)));
        atomic_fetch_add(&w->phase, 1);
        if (round % 4 == 0) MUST(self, kvradix_index_forget(w->index, holder(RESTLESS)));
    }
    return NULL;
}

static void every_answer_is_of_a_moment_that_there_was(void **state) {
    (void)state;
    kvtest_random random = kvtest_seed(31);
    static world w;
    kvradix_config config = KVRADIX_CONFIG_INIT;
    config.capacity = 1; /* grows under the readers' eyes */
    kvtest_assert_ok(kvradix_index_create(&config, &w.index, NULL));
    w.passing = forest_make(&random, PASSING, 14);
    w.chain[0] = kvhash_plh_root(kvtest_next(&random));
    for (size_t i = 1; i < LENGTH; i++)
        kvtest_assert_ok(kvhash_plh_extend(w.chain[i - 1], kvtest_next(&random), &w.chain[i]));
    kvtest_assert_ok(kvradix_index_store(w.index, holder(STEADY), w.chain, LENGTH));
    kvtest_assert_ok(kvradix_index_store(w.index, holder(HOLED), w.chain, FIRST));
    worker workers[READERS + 2];
    for (int i = 0; i < READERS + 2; i++) {
        workers[i] = (worker){.w = &w, .seed = kvtest_next(&random)};
        void *(*work)(void *) = i < READERS ? read_all : i == READERS ? come_and_go : clear_and_wander;
        assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
    }
    for (int i = READERS; i < READERS + 2; i++) pthread_join(workers[i].thread, NULL);
    atomic_store(&w.done, true);
    for (int i = 0; i < READERS; i++) pthread_join(workers[i].thread, NULL);
    for (int i = 0; i < READERS + 2; i++) {
        kvtest_assert_ok(workers[i].failed);
        assert_int_equal(workers[i].wrong[STEADY], 0);
        assert_int_equal(workers[i].wrong[HOLED], 0);
        assert_int_equal(workers[i].wrong[CLEARED], 0);
    }
    kvcore_error error;
    kvcore_status status = kvradix_index_validate(w.index, &error);
    if (status != KVCORE_OK) fail_msg("%s", error.text);
    kvradix_index_destroy(w.index);
    forest_free(&w.passing);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_answer_is_of_a_moment_that_there_was)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
