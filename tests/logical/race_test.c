/* Threads that meet at one block, one pool, one name. What must hold whoever comes first does. */
#include "support.h"

#include <pthread.h>
#include <stdatomic.h>

#define THREADS 8

typedef struct worker {
    kvlogical_manager *manager;
    kvlogical_registry *registry;
    pthread_barrier_t *start, *end;
    kvhash_plh *names;
    size_t count, granted;
    bool failed; /* what a thread saw; the main thread asserts */
    kvlogical_immutable held;
    kvlogical_handle handle;
} worker;

/* All at once, and then look. */
static void run(worker *workers, size_t count, void *(*work)(void *)) {
    pthread_t threads[THREADS];
    pthread_barrier_t start, end;
    pthread_barrier_init(&start, NULL, (unsigned)count);
    pthread_barrier_init(&end, NULL, (unsigned)count);
    for (size_t i = 0; i < count; i++) {
        workers[i].start = &start;
        workers[i].end = &end;
        assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
    }
    for (size_t i = 0; i < count; i++) pthread_join(threads[i], NULL);
    pthread_barrier_destroy(&start);
    pthread_barrier_destroy(&end);
    for (size_t i = 0; i < count; i++) assert_false(workers[i].failed);
}

/* ---- allocation ---- */

static void *ask(void *argument) {
    worker *w = argument;
    kvlogical_mutable blocks[16];
    pthread_barrier_wait(w->start);
    kvcore_status status = kvlogical_allocate(w->manager, w->count, blocks, NULL);
    w->granted = status == KVCORE_OK ? w->count : 0;
    w->failed = status != KVCORE_OK && status != KVCORE_ENOSPACE;
    pthread_barrier_wait(w->end);
    if (w->granted > 0) w->failed |= kvlogical_release_mutable(w->manager, blocks, w->count) != KVCORE_OK;
    return NULL;
}

static size_t granted(kvlogical_manager *manager, size_t count) {
    worker workers[THREADS] = {{0}};
    size_t sum = 0;
    for (int i = 0; i < THREADS; i++) workers[i].manager = manager, workers[i].count = count;
    run(workers, THREADS, ask);
    for (int i = 0; i < THREADS; i++) sum += workers[i].granted;
    assert_int_equal(available(manager), 16);
    return sum;
}

static void of_many_that_ask_for_all_one_gets_it(void **state) {
    (void)state;
    kvlogical_manager *manager = make_lru(16);
    kvhash_plh names[16];
    name_roots(1, names, 16);
    for (int round = 0; round < 20; round++) {
        if (round % 2 == 1) cache_names(manager, names, 16); /* from free blocks, and by eviction */
        assert_int_equal(granted(manager, 16), 16);
    }
    destroy_manager(manager);
}

static void of_many_that_ask_for_a_quarter_four_get_it(void **state) {
    (void)state;
    kvlogical_manager *manager = make_lru(16);
    for (int round = 0; round < 20; round++) assert_int_equal(granted(manager, 4), 16);
    destroy_manager(manager);
}

/* ---- last release and look-up ---- */

static void *let_go(void *argument) {
    worker *w = argument;
    pthread_barrier_wait(w->start);
    w->failed = kvlogical_release(w->manager, &w->held, 1) != KVCORE_OK;
    return NULL;
}

static void *look_up(void *argument) {
    worker *w = argument;
    pthread_barrier_wait(w->start);
    w->failed = kvlogical_match_prefix(w->manager, w->names, 1, &w->held, &w->granted) != KVCORE_OK;
    return NULL;
}

static void *either(void *argument) {
    worker *w = argument;
    return w->held.manager != 0 ? let_go(w) : look_up(w);
}

/* Both orders are right: the holder's block, or the same block brought back. With the flag set, also a clean miss. */
static void meet(bool reset) {
    kvlogical_manager *manager = make_lru(8);
    kvhash_plh name = kvhash_plh_root(1);
    for (int round = 0; round < 200; round++) {
        worker workers[2] = {{.manager = manager, .names = &name}, {.manager = manager, .names = &name}};
        hold_names(manager, &name, 1, &workers[0].held);
        kvtest_assert_ok(kvlogical_set_reset_on_release(manager, &workers[0].held, reset));
        uint32_t block = workers[0].held.block;
        run(workers, 2, either);
        assert_true(reset ? workers[1].granted <= 1 : workers[1].granted == 1);
        if (workers[1].granted == 1) {
            assert_int_equal(workers[1].held.block, block);
            kvtest_assert_ok(kvlogical_release(manager, &workers[1].held, 1));
        }
        assert_int_equal(kvlogical_registry_is_registered(kvlogical_manager_registry(manager), name), !reset);
        assert_int_equal(kvlogical_manager_counts(manager).total, 8);
        assert_int_equal(available(manager), 8);
        assert_sound(manager);
        kvtest_assert_status(kvlogical_reset_inactive(manager, NULL), KVCORE_OK);
    }
    destroy_manager(manager);
}

static void a_look_up_that_meets_the_last_release_finds_the_block(void **state) {
    (void)state;
    meet(false);
}

static void a_look_up_that_meets_a_resetting_release_finds_it_or_misses(void **state) {
    (void)state;
    meet(true);
}

/* ---- registering one name ---- */

static void *share(void *argument) {
    worker *w = argument;
    kvlogical_mutable block;
    kvlogical_complete staged;
    pthread_barrier_wait(w->start);
    w->failed = kvlogical_allocate(w->manager, 1, &block, NULL) != KVCORE_OK ||
                kvlogical_stage(w->manager, &block, w->names, 1, &staged) != KVCORE_OK ||
                kvlogical_register(w->manager, &staged, 1, &w->held) != KVCORE_OK;
    return NULL;
}

static void of_many_that_register_one_name_one_is_primary(void **state) {
    (void)state;
    for (uint32_t duplicates = 0; duplicates < 2; duplicates++) {
        kvlogical_config config = config_of(THREADS);
        config.duplicates = duplicates;
        kvlogical_manager *manager = make_manager(&config);
        kvhash_plh name = kvhash_plh_root(1);
        worker workers[THREADS] = {{0}};
        for (int i = 0; i < THREADS; i++) workers[i].manager = manager, workers[i].names = &name;
        run(workers, THREADS, share);
        kvlogical_counts counts = kvlogical_manager_counts(manager);
        assert_int_equal(counts.primary, 1);
        assert_int_equal(counts.duplicate, duplicates == KVLOGICAL_DUPLICATES_ALLOW ? THREADS - 1 : 0);
        assert_int_equal(kvlogical_registry_count(kvlogical_manager_registry(manager)), 1);
        for (int i = 0; i < THREADS; i++) kvtest_assert_ok(kvlogical_release(manager, &workers[i].held, 1));
        destroy_manager(manager);
    }
}

/* ---- handles ---- */

static void *come_and_go(void *argument) {
    worker *w = argument;
    pthread_barrier_wait(w->start);
    for (size_t i = 0; i < 500 && !w->failed; i++) {
        w->failed = kvlogical_registry_register(w->registry, w->names, w->count, &w->handle) != KVCORE_OK ||
                    !kvlogical_registry_is_registered(w->registry, w->names[0]) ||
                    kvlogical_handle_release(w->registry, &w->handle, 1) != KVCORE_OK;
    }
    return NULL;
}

static void a_handle_keeps_its_name_whoever_lets_go_meanwhile(void **state) {
    (void)state;
    kvlogical_registry *registry = make_registry(64);
    kvhash_plh name = kvhash_plh_root(1);
    worker workers[THREADS] = {{0}};
    for (int i = 0; i < THREADS; i++) workers[i].registry = registry, workers[i].names = &name, workers[i].count = 1;
    run(workers, THREADS, come_and_go);
    assert_int_equal(kvlogical_registry_count(registry), 0);
    kvtest_assert_ok(kvlogical_registry_destroy(registry));
}

static void *register_own(void *argument) {
    worker *w = argument;
    kvlogical_handle handles[64];
    pthread_barrier_wait(w->start);
    w->failed = kvlogical_registry_register(w->registry, w->names, 64, handles) != KVCORE_OK;
    pthread_barrier_wait(w->end);
    w->granted = kvlogical_registry_count(w->registry);
    pthread_barrier_wait(w->start);
    w->failed |= kvlogical_handle_release(w->registry, handles, 64) != KVCORE_OK;
    return NULL;
}

static void many_register_at_one_position_and_all_succeed(void **state) {
    (void)state;
    kvlogical_registry *registry = make_registry(0);
    kvhash_plh names[THREADS * 64];
    worker workers[THREADS] = {{0}};
    name_roots(1, names, THREADS * 64);
    for (int i = 0; i < THREADS; i++) workers[i].registry = registry, workers[i].names = names + i * 64;
    run(workers, THREADS, register_own);
    for (int i = 0; i < THREADS; i++) assert_int_equal(workers[i].granted, THREADS * 64);
    assert_int_equal(kvlogical_registry_count(registry), 0);
    kvtest_assert_ok(kvlogical_registry_destroy(registry));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(of_many_that_ask_for_all_one_gets_it),
        cmocka_unit_test(of_many_that_ask_for_a_quarter_four_get_it),
        cmocka_unit_test(a_look_up_that_meets_the_last_release_finds_the_block),
        cmocka_unit_test(a_look_up_that_meets_a_resetting_release_finds_it_or_misses),
        cmocka_unit_test(of_many_that_register_one_name_one_is_primary),
        cmocka_unit_test(a_handle_keeps_its_name_whoever_lets_go_meanwhile),
        cmocka_unit_test(many_register_at_one_position_and_all_succeed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
