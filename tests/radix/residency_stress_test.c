/* Readers while writers work: is an entry always whole, is what stays always found, and does TSan stay silent? Workers
 * record, the main thread asserts. */
#include "kvtest.h"

#include <pthread.h>
#include <stdatomic.h>

#include <kvradix/residency.h>

#define READERS 3
#define WRITERS 2
#define ROUNDS 20000
#define STAYING 40 /* keys that are never removed, only changed */
#define PASSING 400
#define CHAIN (STAYING + 8)

typedef struct worker {
    pthread_t thread;
    kvradix_residency *index;
    _Atomic bool *done;
    uint64_t seed;
    size_t torn, lost, rounds;
    kvcore_status failed;
} worker;

static kvcore_hash256 key(uint64_t number) {
    kvcore_hash256 made;
    memset(made.bytes, (int)(number % 251), sizeof made.bytes);
    memcpy(made.bytes + 8, &number, sizeof number);
    return made;
}

/* An entry says of which key it is: a mixture would show. */
static kvradix_handle handle(uint64_t number, uint32_t version) {
    return (kvradix_handle){key(number), {(uint32_t)number * 16 + version % 3, version % 3}};
}

static bool whole(const kvradix_handle *found) {
    uint64_t number;
    memcpy(&number, found->key.bytes + 8, sizeof number);
    kvcore_hash256 expected = key(number);
    return memcmp(&expected, &found->key, sizeof expected) == 0 &&
           found->entry.block_index == (uint32_t)number * 16 + found->entry.residency;
}

static void *read_all(void *argument) {
    worker *w = argument;
    kvtest_random random = {w->seed};
    kvradix_lookup lookup = KVRADIX_LOOKUP_INIT;
    w->failed = kvradix_lookup_reserve(&lookup, NULL, CHAIN);
    while (w->failed == KVCORE_OK && !atomic_load(w->done)) {
        kvcore_hash256 chain[CHAIN];
        for (size_t i = 0; i < STAYING; i++) chain[i] = key(i);
        for (size_t i = STAYING; i < CHAIN; i++) chain[i] = key(STAYING + kvtest_below(&random, PASSING));
        w->failed = kvradix_residency_match(w->index, chain, CHAIN, &lookup);
        w->lost += lookup.matched < STAYING;
        for (size_t i = 0; i < lookup.resident_count; i++) w->torn += !whole(&lookup.resident[i]);
        w->rounds++;
    }
    kvradix_lookup_free(&lookup, NULL);
    return NULL;
}

static void *write_all(void *argument) {
    worker *w = argument;
    kvtest_random random = {w->seed};
    for (uint32_t round = 0; round < ROUNDS && w->failed == KVCORE_OK; round++) {
        kvradix_handle handles[16];
        kvcore_hash256 keys[16];
        for (size_t i = 0; i < 16; i++) {
            uint64_t number = i < 4 ? kvtest_below(&random, STAYING) : STAYING + kvtest_below(&random, PASSING);
            handles[i] = handle(number, (uint32_t)kvtest_next(&random));
            keys[i] = key(STAYING + kvtest_below(&random, PASSING));
        }
        w->failed = kvradix_residency_store(w->index, handles, 16);
        if (w->failed == KVCORE_OK) w->failed = kvradix_residency_remove(w->index, keys, 16, NULL);
    }
    return NULL;
}

static void readers_see_whole_entries_and_lose_none(void **state) {
    (void)state;
    kvtest_random random = kvtest_seed(11);
    kvradix_config config = KVRADIX_CONFIG_INIT;
    config.capacity = 1; /* grows under the readers' eyes */
    kvradix_residency *index;
    kvtest_assert_ok(kvradix_residency_create(&config, &index, NULL));
    for (uint64_t i = 0; i < STAYING; i++) {
        kvradix_handle one = handle(i, 0);
        kvtest_assert_ok(kvradix_residency_store(index, &one, 1));
    }
    _Atomic bool done = false;
    worker workers[READERS + WRITERS] = {{0}};
    for (int i = 0; i < READERS + WRITERS; i++) {
        workers[i] = (worker){.index = index, .done = &done, .seed = kvtest_next(&random)};
        assert_int_equal(pthread_create(&workers[i].thread, NULL, i < READERS ? read_all : write_all, &workers[i]), 0);
    }
    for (int i = READERS; i < READERS + WRITERS; i++) pthread_join(workers[i].thread, NULL);
    atomic_store(&done, true);
    for (int i = 0; i < READERS; i++) pthread_join(workers[i].thread, NULL);
    for (int i = 0; i < READERS + WRITERS; i++) {
        kvtest_assert_ok(workers[i].failed);
        assert_int_equal(workers[i].torn, 0);
        assert_int_equal(workers[i].lost, 0);
    }
    kvradix_residency_destroy(index);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(readers_see_whole_entries_and_lose_none)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
