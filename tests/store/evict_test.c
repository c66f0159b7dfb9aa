/* Which blocks go, and that the limits hold. A clock of one's own. */
#include "support.h"

#include <kvstore/backend.h>

static uint64_t now_ns;
static uint64_t tell_time(void *ctx) {
    (void)ctx;
    return now_ns;
}

typedef struct place {
    char *root;
    kvstore *store;
    kvstore_space *space;
} place;

static place open_with(char *root, uint64_t max_blocks, uint64_t max_bytes, uint32_t ttl) {
    static const kvcore_clock clock = {NULL, tell_time};
    kvstore_options options = KVSTORE_OPTIONS_INIT;
    kvstore_directory_config config = KVSTORE_DIRECTORY_CONFIG_INIT;
    place at = {.root = root};
    options.clock = &clock;
    config.options = &options;
    config.root = at.root;
    config.max_blocks = max_blocks;
    config.max_bytes = max_bytes;
    config.ttl_seconds = ttl;
    config.min_free_bytes = 1;
    kvtest_assert_ok(kvstore_open_directory(&config, &at.store, NULL));
    at.space = store_space(at.store);
    return at;
}

static place open_new(uint64_t max_blocks, uint64_t max_bytes, uint32_t ttl) {
    now_ns = UINT64_C(1900000000) * 1000000000;
    return open_with(store_new_folder(), max_blocks, max_bytes, ttl);
}

static void leave(place *at) {
    kvtest_assert_ok(kvstore_close(at->store));
    store_remove_folder(at->root);
}

static void keep_house(place *at) {
    kvstore_completion none;
    for (int i = 0; i < 20; i++) {
        now_ns += 1000;
        kvstore_poll(at->store, &none, 1, 0);
    }
}

static void a_prefix_loses_its_tail_before_its_head(void **state) {
    (void)state;
    place at = open_new(20, 0, 0);
    kvhash_plh names[40];
    kvstore_result results[40];
    store_names(1, names, 24);
    keep_house(&at);
    store_put_blocks(at.space, names, 24, results);
    keep_house(&at);
    assert_int_equal(kvstore_lookup_prefix(at.space, names, 24, NULL), 19);
    assert_int_equal(store_stats(at.store).catalog_entries, 19);
    assert_int_equal(store_stats(at.store).evicted_blocks[KVSTORE_EVICTED_BLOCKS], 5);
    leave(&at);
}

static void what_was_used_longest_ago_goes_first(void **state) {
    (void)state;
    place at = open_new(30, 0, 0);
    kvhash_plh a[10], b[10], c[15];
    kvstore_result results[20];
    store_names(1, a, 10);
    store_names(2, b, 10);
    store_names(3, c, 15);
    keep_house(&at);
    store_put_blocks(at.space, a, 10, results);
    store_put_blocks(at.space, b, 10, results);
    assert_int_equal(store_get_blocks(at.space, a, 10, results), 10);
    store_put_blocks(at.space, c, 15, results);
    keep_house(&at);
    assert_int_equal(kvstore_lookup_prefix(at.space, a, 10, NULL), 10);
    assert_int_equal(kvstore_lookup_prefix(at.space, b, 10, NULL), 4); /* 35 of 30: down to 29 */
    assert_int_equal(kvstore_lookup_prefix(at.space, c, 15, NULL), 15);
    leave(&at);
}

static void bytes_are_kept_below_the_limit_and_pins_stay(void **state) {
    (void)state;
    place at = open_new(0, 100000, 0);
    kvhash_plh names[30];
    kvstore_result results[30];
    store_names(1, names, 30);
    keep_house(&at);
    store_put_blocks(at.space, names, 5, results);
    kvtest_assert_ok(kvstore_pin(at.space, names, 5, 3600));
    for (size_t i = 5; i < 30; i++) {
        store_put_blocks(at.space, names + i, 1, results);
        keep_house(&at);
        assert_true(store_stats(at.store).disk_bytes <= 100000);
    }
    assert_int_equal(kvstore_lookup_prefix(at.space, names, 5, NULL), 5);
    assert_true(store_stats(at.store).evicted_blocks[KVSTORE_EVICTED_BYTES] > 0);
    leave(&at);
}

static void blocks_that_nobody_uses_go_after_their_time(void **state) {
    (void)state;
    place at = open_new(0, 0, 100);
    kvhash_plh names[4];
    kvstore_result results[4];
    store_names(1, names, 4);
    keep_house(&at);
    store_put_blocks(at.space, names, 4, results);
    for (int i = 0; i < 4; i++) {
        now_ns += UINT64_C(30) * 1000000000;
        assert_int_equal(store_get_blocks(at.space, names, 2, results), 2);
    }
    keep_house(&at);
    assert_int_equal(kvstore_lookup_prefix(at.space, names, 4, NULL), 2);
    assert_int_equal(store_stats(at.store).evicted_blocks[KVSTORE_EVICTED_TTL], 2);
    leave(&at);
}

static void a_restart_keeps_what_is_there_and_within_the_limit(void **state) {
    (void)state;
    place at = open_new(0, 0, 0);
    kvhash_plh names[30];
    kvstore_result results[30];
    store_names(1, names, 30);
    keep_house(&at);
    store_put_blocks(at.space, names, 30, results);
    uint64_t bytes = store_stats(at.store).disk_bytes;
    kvtest_assert_ok(kvstore_close(at.store));
    at = open_with(at.root, 20, 0, 0);
    keep_house(&at);
    assert_int_equal(store_stats(at.store).catalog_entries, 19);
    assert_true(store_stats(at.store).disk_bytes < bytes);
    assert_int_equal(kvstore_lookup_prefix(at.space, names, 30, NULL), 19); /* of one second: the tail went */
    uint64_t evicted;
    kvtest_assert_ok(kvstore_evict_to(at.store, 0, &evicted, NULL));
    assert_int_equal(evicted, 19);
    leave(&at);
}

static void a_catalog_entry_takes_at_most_48_bytes(void **state) {
    (void)state;
    kvstore_options options = KVSTORE_OPTIONS_INIT;
    kvstore *store;
    options.max_catalog_entries = UINT32_MAX;
    kvtest_assert_ok(kvstore_open_memory(&options, 0, &store, NULL));
    kvstore_space *space = store_space(store);
    kvhash_plh name = kvhash_plh_root(1);
    for (uint32_t i = 1; i <= 400000; i++) {
        kvtest_assert_ok(kvstore_learn(space, &name, 1));
        name = kvhash_plh_root(i * UINT64_C(0x9E3779B97F4A7C15));
        if (i < 100000 || i % 10007 != 0) continue;
        kvstore_stats stats = store_stats(store);
        assert_true(stats.catalog_bytes <= 48 * stats.catalog_entries);
    }
    kvtest_assert_ok(kvstore_close(store));
}

/* 20,000 steps against a twin that is a set. */
static void random_steps_equal_a_naive_twin(void **state) {
    (void)state;
    enum { NAMES = 40 };
    place at = open_new(0, 0, 0);
    kvtest_random random = kvtest_seed(11);
    kvhash_plh names[NAMES];
    kvstore_result results[NAMES];
    bool there[NAMES] = {false};
    store_names(7, names, NAMES);
    keep_house(&at);
    for (int i = 0; i < 20000; i++) {
        size_t from = kvtest_below(&random, NAMES), count = 1 + kvtest_below(&random, NAMES - from), run = 0;
        while (run < count && there[from + run]) run++;
        now_ns += 1000000;
        switch (kvtest_below(&random, 20)) {
        case 0:
        case 1:
        case 2:
            count = count > 3 ? 3 : count;
            assert_int_equal(store_put_blocks(at.space, names + from, count, results), count);
            for (size_t j = 0; j < count; j++) {
                assert_int_equal(results[j].outcome, there[from + j] ? KVSTORE_EXISTS : KVSTORE_STORED);
                there[from + j] = true;
            }
            break;
        case 3:
            kvtest_assert_ok(kvstore_remove(at.space, names + from, 1, NULL, NULL));
            there[from] = false;
            break;
        case 4: { /* another store of the same folder takes some away: this one's catalog is wrong then */
            if (kvtest_below(&random, 10) != 0) break;
            kvtest_assert_ok(kvstore_close(at.store));
            at = open_with(at.root, 0, 0, 0);
            if (kvtest_below(&random, 2) == 0) keep_house(&at);
            break;
        }
        default: assert_int_equal(store_get_blocks(at.space, names + from, count, results), run); break;
        }
    }
    leave(&at);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_prefix_loses_its_tail_before_its_head),
        cmocka_unit_test(what_was_used_longest_ago_goes_first),
        cmocka_unit_test(bytes_are_kept_below_the_limit_and_pins_stay),
        cmocka_unit_test(blocks_that_nobody_uses_go_after_their_time),
        cmocka_unit_test(a_restart_keeps_what_is_there_and_within_the_limit),
        cmocka_unit_test(a_catalog_entry_takes_at_most_48_bytes),
        cmocka_unit_test(random_steps_equal_a_naive_twin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
