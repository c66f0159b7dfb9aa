/* Eight threads submit, one polls, workers read and write, and everybody looks up. */
#include "support.h"

#include <pthread.h>
#include <stdatomic.h>

enum { SUBMITTERS = 8, ROUNDS = 25, CHAIN = 8 };

typedef struct submitter {
    kvstore *store;
    kvstore_space *space;
    unsigned id;
    atomic_uint *done; /* of the batch of this submitter that is out: good + 1 */
} submitter;

static atomic_bool stop;

static void *poll_all(void *argument) {
    kvstore *store = argument;
    while (!atomic_load(&stop)) {
        kvstore_completion done[4];
        size_t count = kvstore_poll(store, done, 4, 1);
        for (size_t i = 0; i < count; i++) atomic_store((atomic_uint *)done[i].user, (unsigned)done[i].good + 1);
    }
    return NULL;
}

static unsigned run(submitter *self, bool put, const kvhash_plh *names, uint8_t *memory) {
    kvstore_span spans[CHAIN];
    kvstore_result results[CHAIN];
    for (size_t i = 0; i < CHAIN; i++) spans[i] = (kvstore_span){memory + i * STORE_BLOCK, STORE_BLOCK};
    kvstore_batch batch = KVSTORE_BATCH_INIT;
    batch.names = names;
    batch.count = CHAIN;
    batch.spans = spans;
    batch.spans_per_block = 1;
    batch.results = results;
    batch.user = self->done;
    batch.deadline_ms = 60000;
    kvstore_ticket ticket;
    atomic_store(self->done, 0);
    kvcore_status status;
    while ((status = put ? kvstore_submit_put(self->space, &batch, &ticket)
                         : kvstore_submit_get(self->space, &batch, &ticket)) == KVCORE_ENOSPACE) {}
    if (status != KVCORE_OK) return 0;
    if (self->id == 0) kvstore_cancel(self->store, ticket + 1000000);
    unsigned good;
    while ((good = atomic_load(self->done)) == 0) kvstore_lookup_prefix(self->space, names, CHAIN, NULL);
    return good;
}

static void *submit_all(void *argument) {
    submitter *self = argument;
    uint8_t *memory = malloc(CHAIN * STORE_BLOCK), expected[STORE_BLOCK];
    for (uint64_t round = 0; round < ROUNDS; round++) {
        kvhash_plh names[CHAIN];
        store_names(1 + (round * 7 + self->id) % 24, names, CHAIN); /* shared with others */
        for (size_t i = 0; i < CHAIN; i++) store_fill(names[i], memory + i * STORE_BLOCK, STORE_BLOCK);
        run(self, true, names, memory);
        memset(memory, 0, CHAIN * STORE_BLOCK);
        unsigned good = run(self, false, names, memory);
        for (size_t i = 0; i + 1 < good; i++) {
            store_fill(names[i], expected, STORE_BLOCK);
            if (memcmp(expected, memory + i * STORE_BLOCK, STORE_BLOCK) != 0) abort();
        }
        if (round % 8 == self->id) kvstore_touch(self->space, names, CHAIN);
    }
    free(memory);
    return NULL;
}

static void storm(uint32_t io_threads) {
    char *root = store_new_folder();
    kvstore_directory_config config = KVSTORE_DIRECTORY_CONFIG_INIT;
    kvstore_options options = KVSTORE_OPTIONS_INIT;
    kvstore *store = NULL;
    options.event_capacity = 64;
    options.max_inflight_blocks = 40;
    config.root = root;
    config.options = &options;
    config.io_threads = io_threads;
    config.max_blocks = 150; /* so that blocks go while they are used */
    config.min_free_bytes = 1;
    kvtest_assert_ok(kvstore_open_directory(&config, &store, NULL));
    submitter all[SUBMITTERS];
    atomic_uint done[SUBMITTERS];
    pthread_t threads[SUBMITTERS], poller;
    atomic_store(&stop, false);
    pthread_create(&poller, NULL, poll_all, store);
    for (unsigned i = 0; i < SUBMITTERS; i++) {
        all[i] = (submitter){store, store_space(store), i, &done[i]};
        pthread_create(&threads[i], NULL, submit_all, &all[i]);
    }
    for (unsigned i = 0; i < SUBMITTERS; i++) pthread_join(threads[i], NULL);
    atomic_store(&stop, true);
    pthread_join(poller, NULL);
    kvstore_stats stats = store_stats(store);
    assert_int_equal(stats.inflight_blocks, 0);
    assert_int_equal(stats.inflight_bytes, 0);
    assert_int_equal(stats.blocks[KVSTORE_DAMAGED] + stats.blocks[KVSTORE_FOREIGN], 0);
    assert_true(stats.blocks[KVSTORE_HIT] > 0);
    kvtest_assert_ok(kvstore_close(store));
    store_remove_folder(root);
}

static void without_workers(void **state) {
    (void)state;
    storm(0);
}

static void with_workers(void **state) {
    (void)state;
    storm(4);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(without_workers), cmocka_unit_test(with_workers)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
