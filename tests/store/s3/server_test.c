/* The request matrix against a real server: KVSTRATA_S3_ENDPOINT, KVSTRATA_S3_BUCKET, and the key in the environment. */
#include "../support.h"

#include <unistd.h>

#include <kvstore_s3/s3.h>

enum { BLOCKS = 6, MANY = 1001, SKIPPED = 77 };

static const char *bucket(void) {
    const char *name = getenv("KVSTRATA_S3_BUCKET");
    return name == NULL ? "kvstrata-test" : name;
}

static kvstore_s3_config config_for(const char *prefix) {
    kvstore_s3_config config = KVSTORE_S3_CONFIG_INIT;
    config.endpoint = getenv("KVSTRATA_S3_ENDPOINT");
    config.bucket = bucket();
    config.prefix = prefix;
    config.provider = KVSTORE_S3_CREDENTIALS_ENVIRONMENT;
    return config;
}

static kvstore *open_store(const char *prefix, kvstore_s3_info *info) {
    kvstore_s3_config config = config_for(prefix);
    kvstore *store = NULL;
    kvcore_error error;
    if (kvstore_s3_open(&config, &store, info, &error) != KVCORE_OK) fail_msg("%s", error.text);
    return store;
}

static void the_probe_finds_what_the_server_can(void **state) {
    (void)state;
    kvstore_s3_info info;
    kvtest_assert_ok(kvstore_close(open_store("probe", &info)));
    print_message("libcurl %s: conditional create %d, checksums enforced %d, ranges %d\n", info.libcurl,
                  info.conditional_create, info.checksums_enforced, info.ranges);
    assert_true(info.conditional_create && info.checksums_enforced && info.ranges);
}

static void blocks_come_back_in_another_store(void **state) {
    (void)state;
    kvhash_plh names[BLOCKS];
    kvstore_result results[BLOCKS];
    store_names(1, names, BLOCKS);
    kvstore *first = open_store("kv", NULL), *second = open_store("kv", NULL), *other = open_store("kv2", NULL);
    assert_int_equal(store_put_blocks(store_space(first), names, BLOCKS, results), BLOCKS);
    assert_int_equal(store_get_blocks(store_space(second), names, BLOCKS, results), BLOCKS);
    assert_int_equal(store_get_blocks(store_space(other), names, BLOCKS, results), 0);
    kvstore_forget(store_space(second), names, BLOCKS);
    assert_int_equal(store_put_blocks(store_space(second), names, BLOCKS, results), BLOCKS);
    for (size_t i = 0; i < BLOCKS; i++) assert_int_equal(results[i].outcome, KVSTORE_EXISTS);
    size_t present;
    kvtest_assert_ok(kvstore_probe(store_space(second), names, BLOCKS, &present, NULL));
    assert_int_equal(present, BLOCKS);
    kvtest_assert_ok(kvstore_remove(store_space(second), names + 3, 1, NULL, NULL));
    assert_int_equal(store_get_blocks(store_space(first), names, BLOCKS, results), 3);
    assert_int_equal(results[3].outcome, KVSTORE_MISS);
    kvtest_assert_ok(kvstore_close(first));
    kvtest_assert_ok(kvstore_close(second));
    kvtest_assert_ok(kvstore_close(other));
}

static bool count_entry(void *ctx, const kvstore_entry *entry) {
    (void)entry;
    ++*(size_t *)ctx;
    return true;
}

static void more_keys_than_a_page_are_listed_and_removed(void **state) {
    (void)state;
    kvstore *store = open_store("many", NULL);
    static kvhash_plh names[MANY];
    static kvstore_result results[MANY];
    for (size_t i = 0; i < MANY; i++) names[i] = kvhash_plh_root((i + 1) * UINT64_C(0x9E3779B97F4A7C15));
    assert_int_equal(store_put_blocks(store_space(store), names, MANY, results), MANY);
    size_t count = 0;
    uint64_t removed = 0;
    kvtest_assert_ok(kvstore_list(store, store_space(store), count_entry, &count, NULL, NULL));
    assert_int_equal(count, MANY);
    kvtest_assert_ok(kvstore_remove_space(store_space(store), &removed, NULL));
    assert_int_equal(removed, MANY);
    kvtest_assert_ok(kvstore_close(store));
}

/* Names with characters that need escapes: ':' and, in WombatKV's keys, '='. */
static void other_schemes_are_signed_as_well(void **state) {
    (void)state;
    static const kvstore_scheme schemes[] = {KVSTORE_SCHEME_DYNAMO, KVSTORE_SCHEME_WOMBAT};
    for (size_t i = 0; i < 2; i++) {
        kvstore_s3_config config = config_for(i == 0 ? "dynamo" : "wombat");
        kvstore_options options = KVSTORE_OPTIONS_INIT;
        kvstore *store = NULL;
        options.scheme = schemes[i];
        options.accept_unverified = true;
        options.dynamo_rank = 4;
        config.options = &options;
        kvtest_assert_ok(kvstore_s3_open(&config, &store, NULL, NULL));
        kvhash_plh name;
        kvcore_hash256 hash = {{9}};
        store_names(3, &name, 1);
        uint8_t bytes[STORE_BLOCK] = {4}, back[STORE_BLOCK] = {0};
        kvstore_span span = {bytes, sizeof bytes};
        kvstore_result result;
        kvstore_batch batch = KVSTORE_BATCH_INIT;
        size_t good;
        batch.names = i == 0 ? &name : NULL;
        batch.hashes = i == 0 ? NULL : &hash;
        batch.count = 1;
        batch.spans = &span;
        batch.spans_per_block = 1;
        batch.results = &result;
        kvtest_assert_ok(kvstore_put(store_space(store), &batch, &good, NULL));
        assert_int_equal(good, 1);
        span.bytes = back;
        kvtest_assert_ok(kvstore_get(store_space(store), &batch, &good, NULL));
        assert_int_equal(result.outcome, KVSTORE_UNVERIFIED);
        assert_memory_equal(bytes, back, sizeof bytes);
        kvtest_assert_ok(kvstore_close(store));
    }
}

static void a_wrong_key_and_a_missing_bucket_are_refused(void **state) {
    (void)state;
    kvstore_s3_config config = config_for("kv");
    kvstore *store = NULL;
    kvcore_error error;
    config.provider = KVSTORE_S3_CREDENTIALS_STATIC;
    config.access_key = getenv("AWS_ACCESS_KEY_ID");
    config.secret_key = "wrong";
    kvtest_assert_status(kvstore_s3_open(&config, &store, NULL, &error), KVSTORE_ECREDENTIALS);
    config = config_for("kv");
    config.bucket = "no-such-bucket-here";
    kvtest_assert_status(kvstore_s3_open(&config, &store, NULL, &error), KVSTORE_EBUCKET);
}

static void a_batch_that_is_cancelled_gives_its_memory_back(void **state) {
    (void)state;
    kvstore *store = open_store("cancel", NULL);
    enum { LARGE = 4 << 20 };
    uint8_t *bytes = calloc(1, LARGE);
    kvstore_space_config whose = store_whose();
    kvstore_space *space;
    whose.block_bytes = 0;
    whose.group = 1;
    kvtest_assert_ok(kvstore_space_open(store, &whose, &space, NULL));
    for (int round = 0; round < 20; round++) {
        kvhash_plh name = kvhash_plh_root((uint64_t)round + 1);
        kvstore_span span = {bytes, LARGE};
        kvstore_result result;
        kvstore_batch batch = KVSTORE_BATCH_INIT;
        kvstore_ticket ticket;
        kvstore_completion done;
        batch.names = &name;
        batch.count = 1;
        batch.spans = &span;
        batch.spans_per_block = 1;
        batch.results = &result;
        kvtest_assert_ok(kvstore_submit_put(space, &batch, &ticket));
        for (int i = 0; i < round; i++) kvstore_poll(store, &done, 0, 0);
        kvstore_cancel(store, ticket);
        assert_int_equal(kvstore_poll(store, &done, 1, -1), 1);
        memset(bytes, round, LARGE); /* ours again */
        if (result.outcome == KVSTORE_STORED) continue;
        memset(bytes, 0, LARGE);
        batch.results = &result;
        size_t hits = 0;
        kvtest_assert_ok(kvstore_get(space, &batch, &hits, NULL));
        assert_true(hits == 1 || result.outcome == KVSTORE_MISS); /* whole, or not there */
        memset(bytes, 0, LARGE);
    }
    free(bytes);
    kvtest_assert_ok(kvstore_close(store));
}

int main(void) {
    if (getenv("KVSTRATA_S3_ENDPOINT") == NULL) return SKIPPED;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_probe_finds_what_the_server_can),
        cmocka_unit_test(blocks_come_back_in_another_store),
        cmocka_unit_test(more_keys_than_a_page_are_listed_and_removed),
        cmocka_unit_test(other_schemes_are_signed_as_well),
        cmocka_unit_test(a_wrong_key_and_a_missing_bucket_are_refused),
        cmocka_unit_test(a_batch_that_is_cancelled_gives_its_memory_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
