/* A manager and a store, joined. */
#include "support.h"

#include <kvstore_offload/offload.h>

enum { POOL = 8, CHAIN = 6 };

static uint8_t memory[POOL][STORE_BLOCK];

static void memory_of(void *ctx, uint32_t block, kvstore_span *spans) {
    (void)ctx;
    spans[0] = (kvstore_span){memory[block], 100};
    spans[1] = (kvstore_span){memory[block] + 100, STORE_BLOCK - 100};
}

typedef struct place {
    kvlogical_manager *pool;
    kvstore *store;
    kvstore_offload *offload;
} place;

static place enter(void) {
    place at = {NULL, NULL, NULL};
    kvlogical_config pool = KVLOGICAL_CONFIG_INIT;
    kvstore_offload_config config = KVSTORE_OFFLOAD_CONFIG_INIT;
    pool.block_count = POOL;
    kvtest_assert_ok(kvlogical_manager_create(&pool, &at.pool, NULL));
    kvtest_assert_ok(kvstore_open_memory(NULL, 0, &at.store, NULL));
    config.manager = at.pool;
    config.space = store_space(at.store);
    config.memory = memory_of;
    config.spans_per_block = 2;
    config.batch_blocks = 3;
    config.put_deadline_ms = 60000;
    config.get_deadline_ms = 60000;
    kvtest_assert_ok(kvstore_offload_create(&config, &at.offload, NULL));
    return at;
}

static void leave(place *at) {
    kvstore_offload_destroy(at->offload);
    kvtest_assert_ok(kvstore_close(at->store));
    kvtest_assert_ok(kvlogical_manager_destroy(at->pool));
}

/* Serve a chain: check what is there, fill what is not. */
static size_t serve(place *at, uint64_t seed, size_t *loaded) {
    kvhash_plh names[CHAIN];
    kvlogical_immutable held[CHAIN];
    kvlogical_mutable fresh[CHAIN];
    kvlogical_complete staged[CHAIN];
    uint8_t expected[STORE_BLOCK];
    size_t hits;
    store_names(seed, names, CHAIN);
    kvtest_assert_ok(kvstore_offload_match(at->offload, names, CHAIN, held, &hits, loaded));
    kvtest_assert_ok(kvstore_offload_allocate(at->offload, CHAIN - hits, fresh));
    for (size_t i = 0; i < CHAIN; i++) {
        store_fill(names[i], expected, STORE_BLOCK);
        if (i < hits)
            assert_memory_equal(memory[held[i].block], expected, STORE_BLOCK);
        else
            memcpy(memory[fresh[i - hits].block], expected, STORE_BLOCK);
    }
    kvtest_assert_ok(kvlogical_stage(at->pool, fresh, names + hits, CHAIN - hits, staged));
    kvtest_assert_ok(kvlogical_register(at->pool, staged, CHAIN - hits, held + hits));
    kvtest_assert_ok(kvlogical_release_tail_first(at->pool, held, CHAIN));
    kvcore_error error;
    if (kvlogical_manager_validate(at->pool, &error) != KVCORE_OK) fail_msg("%s", error.text);
    return hits;
}

static void what_memory_evicts_comes_back_from_the_store(void **state) {
    (void)state;
    place at = enter();
    size_t loaded;
    for (uint64_t seed = 1; seed <= 5; seed++) assert_int_equal(serve(&at, seed, &loaded), 0);
    kvstore_offload_counts counts = kvstore_offload_count(at.offload);
    assert_int_equal(counts.offered, 5 * CHAIN - POOL);
    assert_int_equal(counts.stored, counts.offered);
    assert_int_equal(serve(&at, 1, &loaded), CHAIN);
    assert_int_equal(loaded, CHAIN);
    assert_int_equal(serve(&at, 1, &loaded), CHAIN);
    assert_int_equal(loaded, 0);
    leave(&at);
}

static void random_chains_always_read_their_own(void **state) {
    (void)state;
    place at = enter();
    kvtest_random random = kvtest_seed(3);
    size_t loaded, sum = 0;
    for (int i = 0; i < 600; i++) {
        serve(&at, 1 + kvtest_below(&random, 9), &loaded);
        sum += loaded;
    }
    assert_true(sum > 1000);
    leave(&at);
}

static void held_blocks_are_saved_at_once_and_a_full_pool_is_no_error_of_the_store(void **state) {
    (void)state;
    place at = enter();
    kvhash_plh names[CHAIN];
    kvlogical_mutable fresh[POOL];
    kvlogical_complete staged[CHAIN];
    kvlogical_immutable held[CHAIN];
    size_t stored, hits, loaded;
    store_names(1, names, CHAIN);
    kvtest_assert_ok(kvstore_offload_allocate(at.offload, CHAIN, fresh));
    for (size_t i = 0; i < CHAIN; i++) store_fill(names[i], memory[fresh[i].block], STORE_BLOCK);
    kvtest_assert_ok(kvlogical_stage(at.pool, fresh, names, CHAIN, staged));
    kvtest_assert_ok(kvlogical_register(at.pool, staged, CHAIN, held));
    kvtest_assert_ok(kvstore_offload_save(at.offload, held, CHAIN, &stored));
    assert_int_equal(stored, CHAIN);
    kvtest_assert_status(kvstore_offload_allocate(at.offload, POOL, fresh), KVCORE_ENOSPACE);
    kvtest_assert_ok(kvlogical_release(at.pool, held, CHAIN));
    kvtest_assert_ok(kvlogical_reset_inactive(at.pool, NULL));
    kvtest_assert_ok(kvstore_offload_allocate(at.offload, POOL - 2, fresh)); /* two are left */
    kvtest_assert_ok(kvstore_offload_match(at.offload, names, CHAIN, held, &hits, &loaded));
    assert_int_equal(hits, 2);
    assert_int_equal(loaded, 2);
    kvtest_assert_ok(kvlogical_release(at.pool, held, hits));
    kvtest_assert_ok(kvlogical_release_mutable(at.pool, fresh, POOL - 2));
    leave(&at);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_memory_evicts_comes_back_from_the_store),
        cmocka_unit_test(random_chains_always_read_their_own),
        cmocka_unit_test(held_blocks_are_saved_at_once_and_a_full_pool_is_no_error_of_the_store),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
