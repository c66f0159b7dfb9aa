/* Readers while a writer replaces, touches and removes: is metadata always whole, and does TSan stay silent? Workers record,
 * the main thread asserts. */
#include "kvtest.h"

#include <pthread.h>
#include <stdatomic.h>

#include <kvradix/metadata.h>

#define READERS 2
#define ROUNDS 50000
#define STAYING 20 /* hashes that are never removed, only replaced */
#define HASHES 200

typedef struct worker {
    pthread_t thread;
    kvradix_metadata *index;
    _Atomic bool *done;
    uint64_t seed;
    size_t torn, lost;
    kvcore_status failed;
} worker;

/* Every field is made from one version: a mixture would show. */
static kvradix_block block(uint32_t number, uint8_t version) {
    kvradix_block made = {.meta = {.payload_bytes = version, .block_seq = version, .ext_flags = version}};
    memcpy(made.hash.bytes, &number, sizeof number);
    memset(made.meta.parent_hash.bytes, version, sizeof made.meta.parent_hash.bytes);
    memset(made.meta.model_digest.bytes, version, sizeof made.meta.model_digest.bytes);
    memset(made.meta.layout_tag.bytes, version, sizeof made.meta.layout_tag.bytes);
    return made;
}

static void *read_all(void *argument) {
    worker *w = argument;
    kvtest_random random = {w->seed};
    while (!atomic_load(w->done)) {
        uint32_t number = (uint32_t)kvtest_below(&random, kvtest_below(&random, 2) == 0 ? STAYING : HASHES);
        kvradix_block expected = block(number, 0);
        kvcore_block_meta meta;
        if (!kvradix_metadata_find(w->index, &expected.hash, &meta)) {
            w->lost += number < STAYING;
            continue;
        }
        expected = block(number, (uint8_t)meta.block_seq);
        expected.meta.last_access_ns = meta.last_access_ns;
        w->torn += memcmp(&meta, &expected.meta, sizeof meta) != 0;
        kvcore_hash256 chain[STAYING];
        for (uint32_t i = 0; i < STAYING; i++) chain[i] = block(i, 0).hash;
        w->lost += kvradix_metadata_match(w->index, chain, STAYING) != STAYING;
    }
    return NULL;
}

static void readers_see_whole_metadata_and_lose_none(void **state) {
    (void)state;
    kvtest_random random = kvtest_seed(12);
    kvradix_config config = KVRADIX_CONFIG_INIT;
    config.capacity = 1;
    kvradix_metadata *index;
    kvtest_assert_ok(kvradix_metadata_create(&config, &index, NULL));
    for (uint32_t i = 0; i < STAYING; i++) {
        kvradix_block one = block(i, 0);
        kvtest_assert_ok(kvradix_metadata_store(index, &one, 1, 0));
    }
    _Atomic bool done = false;
    worker workers[READERS];
    for (int i = 0; i < READERS; i++) {
        workers[i] = (worker){.index = index, .done = &done, .seed = kvtest_next(&random)};
        assert_int_equal(pthread_create(&workers[i].thread, NULL, read_all, &workers[i]), 0);
    }
    kvcore_status failed = KVCORE_OK;
    for (int round = 0; round < ROUNDS && failed == KVCORE_OK; round++) {
        kvradix_block one = block((uint32_t)kvtest_below(&random, HASHES), (uint8_t)kvtest_next(&random));
        failed = kvradix_metadata_store(index, &one, 1, (uint64_t)round);
        one = block((uint32_t)(STAYING + kvtest_below(&random, HASHES - STAYING)), 0);
        kvradix_metadata_touch(index, &one.hash, (uint64_t)round, NULL);
        if (round % 2 == 0) kvradix_metadata_remove(index, &one.hash, 1, NULL);
    }
    atomic_store(&done, true);
    for (int i = 0; i < READERS; i++) pthread_join(workers[i].thread, NULL);
    kvtest_assert_ok(failed);
    for (int i = 0; i < READERS; i++) {
        assert_int_equal(workers[i].torn, 0);
        assert_int_equal(workers[i].lost, 0);
    }
    kvradix_metadata_destroy(index);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(readers_see_whole_metadata_and_lose_none)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
