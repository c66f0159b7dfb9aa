/* A store in a bucket: every answer that means something, against an endpoint that gives it on demand. */
#include "../support.h"

#include <time.h>

#include <kvstore_s3/s3.h>

#include "endpoint.h"

enum { BLOCKS = 6 };

typedef struct place {
    endpoint *server;
    kvstore *store;
    kvstore_space *space;
    kvstore_s3_info info;
    kvhash_plh names[BLOCKS];
    kvstore_result results[BLOCKS];
    char url[60];
} place;

static kvstore_s3_config config_for(place *at, const kvstore_options *options) {
    kvstore_s3_config config = KVSTORE_S3_CONFIG_INIT;
    snprintf(at->url, sizeof at->url, "http://127.0.0.1:%u", endpoint_port(at->server));
    config.options = options;
    config.endpoint = at->url;
    config.bucket = "bucket";
    config.prefix = "kv/test";
    config.provider = KVSTORE_S3_CREDENTIALS_STATIC;
    config.access_key = "key";
    config.secret_key = "secret";
    return config;
}

static place enter_with(const kvstore_options *options, bool probe) {
    place at = {.server = endpoint_start()};
    kvstore_s3_config config = config_for(&at, options);
    kvcore_error error;
    config.no_probe = !probe;
    config.conditional_create = true;
    kvcore_status status = kvstore_s3_open(&config, &at.store, &at.info, &error);
    if (status != KVCORE_OK) fail_msg("%s", error.text);
    at.space = store_space(at.store);
    store_names(1, at.names, BLOCKS);
    return at;
}

static place enter(void) { return enter_with(NULL, false); }

static void leave(place *at) {
    kvtest_assert_ok(kvstore_close(at->store));
    endpoint_stop(at->server);
}

static void blocks_go_to_a_bucket_and_come_back(void **state) {
    (void)state;
    place at = enter_with(NULL, true);
    assert_true(at.info.conditional_create && at.info.checksums_enforced && at.info.ranges);
    assert_int_equal(endpoint_objects(at.server), 0); /* the probe leaves nothing */
    assert_int_equal(store_get_blocks(at.space, at.names, BLOCKS, at.results), 0);
    assert_int_equal(at.results[0].outcome, KVSTORE_MISS);
    assert_int_equal(store_put_blocks(at.space, at.names, BLOCKS, at.results), BLOCKS);
    assert_int_equal(endpoint_objects(at.server), BLOCKS);
    assert_int_equal(store_get_blocks(at.space, at.names, BLOCKS, at.results), BLOCKS);
    unsigned puts = endpoint_requests(at.server, "PUT");
    assert_int_equal(store_put_blocks(at.space, at.names, BLOCKS, at.results), BLOCKS);
    assert_int_equal(endpoint_requests(at.server, "PUT"), puts); /* known */
    kvstore_forget(at.space, at.names, BLOCKS);
    assert_int_equal(store_put_blocks(at.space, at.names, BLOCKS, at.results), BLOCKS);
    for (size_t i = 0; i < BLOCKS; i++) assert_int_equal(at.results[i].outcome, KVSTORE_EXISTS); /* 412 */
    size_t present;
    kvtest_assert_ok(kvstore_probe(at.space, at.names, BLOCKS, &present, NULL));
    assert_int_equal(present, BLOCKS);
    leave(&at);
}

static void a_server_that_lies_about_conditions_is_found_out(void **state) {
    (void)state;
    place at = {.server = endpoint_start()};
    kvstore_s3_config config = config_for(&at, NULL);
    endpoint_lacks(at.server, true, true, false);
    kvtest_assert_ok(kvstore_s3_open(&config, &at.store, &at.info, NULL));
    assert_true(at.info.probed && !at.info.conditional_create && !at.info.checksums_enforced);
    assert_int_equal(endpoint_objects(at.server), 0);
    at.space = store_space(at.store);
    store_names(1, at.names, BLOCKS);
    assert_int_equal(store_put_blocks(at.space, at.names, BLOCKS, at.results), BLOCKS);
    assert_int_equal(store_get_blocks(at.space, at.names, BLOCKS, at.results), BLOCKS);
    leave(&at);
}

/* What each fault means for a put and for a get, when it lasts and when it passes. */
static const struct {
    endpoint_fault fault;
    bool put, get;         /* which it applies to */
    bool passes;           /* a retry helps when the server is sound again */
    uint32_t get_outcome;  /* when it lasts */
    kvcore_status breaker; /* the reason, when it opens at once */
} rows[] = {
    {ENDPOINT_SLOW_DOWN, true, true, true, KVSTORE_SKIPPED, 0},
    {ENDPOINT_INTERNAL, true, true, true, KVSTORE_SKIPPED, 0},
    {ENDPOINT_CONFLICT, true, true, true, KVSTORE_SKIPPED, 0},
    {ENDPOINT_CLOSE, true, true, true, KVSTORE_SKIPPED, 0},
    {ENDPOINT_BAD_DIGEST, true, false, true, 0, 0},
    {ENDPOINT_CUT_BODY, false, true, true, KVSTORE_SKIPPED, 0},
    {ENDPOINT_SHORT_BODY, false, true, false, KVSTORE_DAMAGED, 0},
    {ENDPOINT_LONG_BODY, false, true, false, KVSTORE_DAMAGED, 0},
    {ENDPOINT_NO_LENGTH, false, true, false, KVSTORE_DAMAGED, 0},
    {ENDPOINT_FLIP, false, true, false, KVSTORE_DAMAGED, 0},
    {ENDPOINT_ERROR_AS_200, false, true, false, KVSTORE_DAMAGED, 0},
    {ENDPOINT_REDIRECT, true, true, false, KVSTORE_SKIPPED, KVSTORE_EREDIRECT},
    {ENDPOINT_DENIED, true, true, false, KVSTORE_SKIPPED, KVSTORE_ECREDENTIALS},
    {ENDPOINT_SKEWED, true, true, false, KVSTORE_SKIPPED, KVSTORE_ECLOCK},
    {ENDPOINT_NO_BUCKET, true, true, false, KVSTORE_SKIPPED, KVSTORE_EBUCKET},
    {ENDPOINT_ENDLESS, true, true, false, KVSTORE_SKIPPED, 0},
    {ENDPOINT_GARBAGE, true, true, false, KVSTORE_SKIPPED, 0},
};

static void every_answer_means_what_it_must(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (int put = 0; put < 2; put++) {
            if (put ? !rows[i].put : !rows[i].get) continue;
            place at = enter();
            if (!put) assert_int_equal(store_put_blocks(at.space, at.names, 1, at.results), 1);
            endpoint_misbehave(at.server, rows[i].fault, put ? "PUT" : "GET", 1000);
            if (put) {
                assert_int_equal(store_put_blocks(at.space, at.names, 1, at.results), 0);
                assert_int_equal(at.results[0].outcome, KVSTORE_FAILED);
                assert_int_equal(kvstore_lookup_prefix(at.space, at.names, 1, NULL), 0);
            } else {
                assert_int_equal(store_get_blocks(at.space, at.names, 1, at.results), 0);
                if (at.results[0].outcome != rows[i].get_outcome)
                    fail_msg("fault %d: %s", rows[i].fault, kvstore_outcome_text(at.results[0].outcome));
            }
            if (rows[i].breaker != 0) {
                assert_int_equal(store_stats(at.store).breaker, KVSTORE_BREAKER_OPEN);
                assert_int_equal(store_stats(at.store).breaker_reason, rows[i].breaker);
            }
            if (rows[i].passes) {
                endpoint_misbehave(at.server, rows[i].fault, put ? "PUT" : "GET", 1);
                if (put)
                    assert_int_equal(store_put_blocks(at.space, at.names, 1, at.results), 1);
                else
                    assert_int_equal(store_get_blocks(at.space, at.names, 1, at.results), 1);
                assert_int_equal(at.results[0].attempts, 2);
            }
            leave(&at);
        }
}

static void a_conflict_is_never_taken_for_exists(void **state) {
    (void)state;
    place at = enter();
    endpoint_misbehave(at.server, ENDPOINT_CONFLICT, "PUT", 1000);
    assert_int_equal(store_put_blocks(at.space, at.names, 1, at.results), 0);
    assert_int_equal(at.results[0].outcome, KVSTORE_FAILED);
    assert_int_equal(at.results[0].attempts, 4);
    leave(&at);
}

static void a_damaged_object_is_repaired_by_the_next_put(void **state) {
    (void)state;
    place at = enter();
    assert_int_equal(store_put_blocks(at.space, at.names, BLOCKS, at.results), BLOCKS);
    endpoint_damage_all(at.server);
    for (size_t i = 0; i < BLOCKS; i++) {
        assert_int_equal(store_get_blocks(at.space, at.names + i, 1, at.results), 0);
        assert_int_equal(at.results[0].outcome, KVSTORE_DAMAGED);
    }
    assert_int_equal(store_put_blocks(at.space, at.names, BLOCKS, at.results), BLOCKS);
    for (size_t i = 0; i < BLOCKS; i++) assert_int_equal(at.results[i].outcome, KVSTORE_STORED);
    assert_int_equal(store_get_blocks(at.space, at.names, BLOCKS, at.results), BLOCKS);
    assert_int_equal(store_stats(at.store).repaired_blocks, BLOCKS);
    leave(&at);
}

static void a_server_without_conditions_is_asked_without(void **state) {
    (void)state;
    place at = enter();
    endpoint_misbehave(at.server, ENDPOINT_NOT_IMPLEMENTED, "PUT", 1000);
    assert_int_equal(store_put_blocks(at.space, at.names, BLOCKS, at.results), BLOCKS);
    leave(&at);
}

static unsigned renewals;
static bool give_secrets(void *ctx, kvstore_s3_secrets *secrets) {
    (void)ctx;
    snprintf(secrets->access_key, sizeof secrets->access_key, "key-%u", renewals++);
    snprintf(secrets->secret_key, sizeof secrets->secret_key, "secret");
    snprintf(secrets->session_token, sizeof secrets->session_token, "token");
    return true;
}

static void expired_credentials_are_fetched_once_more(void **state) {
    (void)state;
    place at = {.server = endpoint_start()};
    kvstore_s3_config config = config_for(&at, NULL);
    config.provider = KVSTORE_S3_CREDENTIALS_CALLBACK;
    config.callback = give_secrets;
    config.no_probe = true;
    renewals = 0;
    kvtest_assert_ok(kvstore_s3_open(&config, &at.store, NULL, NULL));
    at.space = store_space(at.store);
    store_names(1, at.names, BLOCKS);
    assert_int_equal(renewals, 1);
    endpoint_misbehave(at.server, ENDPOINT_EXPIRED, "PUT", 1);
    assert_int_equal(store_put_blocks(at.space, at.names, 1, at.results), 1);
    assert_int_equal(renewals, 2);
    endpoint_misbehave(at.server, ENDPOINT_EXPIRED, "PUT", 1000);
    assert_int_equal(store_put_blocks(at.space, at.names + 1, 1, at.results), 0);
    assert_int_equal(store_stats(at.store).breaker_reason, KVSTORE_ECREDENTIALS);
    leave(&at);
}

static uint64_t milliseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* A server that is silent costs the deadline, not more; and the caller's memory is free then. */
static void a_silent_or_stalled_server_costs_the_deadline_at_most(void **state) {
    (void)state;
    static const endpoint_fault faults[] = {ENDPOINT_SILENT, ENDPOINT_STALL};
    for (size_t i = 0; i < 2; i++) {
        place at = enter();
        assert_int_equal(store_put_blocks(at.space, at.names, 1, at.results), 1);
        endpoint_misbehave(at.server, faults[i], "GET", 1000);
        static uint8_t memory[STORE_BLOCK];
        kvstore_span span = {memory, STORE_BLOCK};
        kvstore_batch batch = KVSTORE_BATCH_INIT;
        size_t hits;
        batch.names = at.names;
        batch.count = 1;
        batch.spans = &span;
        batch.spans_per_block = 1;
        batch.results = at.results;
        batch.deadline_ms = 300;
        batch.scrub = true;
        memset(memory, 1, sizeof memory);
        uint64_t begin = milliseconds();
        kvtest_assert_ok(kvstore_get(at.space, &batch, &hits, NULL));
        assert_true(milliseconds() - begin < 2000);
        assert_int_equal(hits, 0);
        assert_int_equal(at.results[0].outcome, KVSTORE_SKIPPED);
        assert_int_equal(memory[0], 0);
        leave(&at);
    }
}

static void retries_stop_when_the_budget_is_spent(void **state) {
    (void)state;
    kvstore_options options = KVSTORE_OPTIONS_INIT;
    options.breaker_failures = 1000000;
    place at = enter_with(&options, false);
    endpoint_misbehave(at.server, ENDPOINT_CONFLICT, "PUT", 1000000);
    for (int i = 0; i < 45; i++) {
        kvhash_plh name = kvhash_plh_root((uint64_t)i + 1);
        assert_int_equal(store_put_blocks(at.space, &name, 1, at.results), 0);
    }
    kvstore_stats stats = store_stats(at.store);
    assert_int_equal(stats.retries, 100); /* 500 tokens, 5 a retry */
    assert_true(stats.retry_budget < 5);
    leave(&at);
}

static void a_miss_in_the_middle_costs_no_more_than_the_readahead(void **state) {
    (void)state;
    enum { CHAIN = 64, AHEAD = 8 };
    kvstore_options options = KVSTORE_OPTIONS_INIT;
    options.readahead = AHEAD;
    place at = enter_with(&options, false);
    kvhash_plh names[CHAIN];
    kvstore_result results[CHAIN];
    store_names(4, names, CHAIN);
    assert_int_equal(store_put_blocks(at.space, names, CHAIN, results), CHAIN);
    kvtest_assert_ok(kvstore_remove(at.space, names + 30, 1, NULL, NULL));
    uint64_t before = endpoint_bytes_sent(at.server);
    assert_int_equal(store_get_blocks(at.space, names, CHAIN, results), 30);
    uint64_t blocks = (endpoint_bytes_sent(at.server) - before) / (STORE_BLOCK + KVSTORE_TRAILER_BYTES);
    print_message("30 hits cost %u blocks\n", (unsigned)blocks);
    assert_true(blocks <= 64);
    leave(&at);
}

static bool count_entry(void *ctx, const kvstore_entry *entry) {
    (void)entry;
    ++*(size_t *)ctx;
    return true;
}

static void a_listing_of_many_pages_is_walked_and_a_hostile_one_refused(void **state) {
    (void)state;
    place at = enter();
    size_t count = 0;
    kvcore_error error;
    for (size_t i = 0; i < 1100; i++) {
        kvhash_plh name = kvhash_plh_root(i * UINT64_C(0x9E3779B97F4A7C15));
        if (store_put_blocks(at.space, &name, 1, at.results) == 1) count++;
    }
    assert_int_equal(count, 1100);
    count = 0;
    kvtest_assert_ok(kvstore_list(at.store, at.space, count_entry, &count, NULL, NULL));
    assert_int_equal(count, 1100);
    uint64_t gone = 0;
    unsigned deletes = endpoint_requests(at.server, "DELETE");
    kvtest_assert_ok(kvstore_remove_space(at.space, &gone, &error));
    assert_int_equal(gone, 1100);
    assert_int_equal(endpoint_objects(at.server), 0);
    assert_int_equal(endpoint_requests(at.server, "DELETE") - deletes, 2); /* a thousand at a time */
    assert_int_equal(kvstore_lookup_prefix(at.space, at.names, 1, NULL), 0);
    static const char *const hostile[] = {
        "",
        "<ListBucketResult>",
        "<Error><Code>x</Code></Error>",
        "<!DOCTYPE a [<!ENTITY b "
        "\"bbbbbbbb\">]><ListBucketResult><Contents><Key>&b;</Key></Contents></ListBucketResult>",
        "<ListBucketResult><Contents><Key>\x01</Key></Contents></ListBucketResult>",
        "<a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a></a></a></a></a></a></a></a></a></a></a></a></a></a></"
        "a></a></a></a></a>",
    };
    for (size_t i = 0; i < sizeof hostile / sizeof *hostile; i++) {
        endpoint_hostile_listing(at.server, hostile[i]);
        kvtest_assert_status(kvstore_list(at.store, NULL, count_entry, &count, NULL, &error), KVSTORE_ERESPONSE);
    }
    endpoint_hostile_listing(at.server,
                             "<ListBucketResult><Contents><Key>kv/test/v1/../../x</Key><Size>5</Size></Contents>"
                             "<Contents><Key>elsewhere</Key></Contents></ListBucketResult>");
    uint64_t ignored = 0;
    count = 0;
    kvtest_assert_ok(kvstore_list(at.store, NULL, count_entry, &count, &ignored, &error));
    assert_int_equal(count, 0);
    leave(&at);
}

static void configurations_that_cannot_work_are_refused(void **state) {
    (void)state;
    place at = {.server = endpoint_start()};
    kvstore *store = NULL;
    kvcore_error error;
    for (int fault = 0; fault < 14; fault++) {
        kvstore_s3_config config = config_for(&at, NULL);
        kvstore_options options = KVSTORE_OPTIONS_INIT;
        config.options = &options;
        if (fault == 0) config.endpoint = NULL;
        if (fault == 1) config.endpoint = "http://example.com";
        if (fault == 2) config.endpoint = "ftp://127.0.0.1";
        if (fault == 3) config.endpoint = "http://127.0.0.1/path";
        if (fault == 4) config.bucket = NULL;
        if (fault == 5) config.bucket = "a/b";
        if (fault == 6) config.prefix = "../up";
        if (fault == 7) config.region = "us east";
        if (fault == 8) config.provider = KVSTORE_S3_CREDENTIALS_NONE;
        if (fault == 9) config.storage_class = "a\r\nx-evil: 1";
        if (fault == 10) config.provider = KVSTORE_S3_CREDENTIALS_CALLBACK;
        if (fault == 11) config.provider = KVSTORE_S3_CREDENTIALS_FILE;
        if (fault == 12) options.scheme = KVSTORE_SCHEME_WOMBAT, options.accept_unverified = true, config.prefix = "";
        if (fault == 13) config.endpoint = "http://127.0.0.1@example.com";
        kvtest_assert_status(kvstore_s3_open(&config, &store, NULL, &error), KVCORE_ECONFIG);
        assert_int_equal(error.code, KVCORE_ECONFIG);
        assert_null(strstr(error.text, "secret"));
    }
    kvstore_s3_config config = config_for(&at, NULL);
    endpoint_misbehave(at.server, ENDPOINT_DENIED, NULL, 10);
    kvtest_assert_status(kvstore_s3_open(&config, &store, NULL, &error), KVCORE_ECONFIG);
    endpoint_misbehave(at.server, ENDPOINT_REDIRECT, NULL, 10);
    kvtest_assert_status(kvstore_s3_open(&config, &store, NULL, &error), KVCORE_ECONFIG);
    endpoint_misbehave(at.server, ENDPOINT_NO_BUCKET, NULL, 10);
    kvtest_assert_status(kvstore_s3_open(&config, &store, NULL, &error), KVSTORE_EBUCKET);
    endpoint_misbehave(at.server, ENDPOINT_SKEWED, NULL, 10);
    kvtest_assert_status(kvstore_s3_open(&config, &store, NULL, &error), KVSTORE_ECLOCK);
    endpoint_stop(at.server);
    kvtest_assert_status(kvstore_s3_open(&config, &store, NULL, &error), KVSTORE_EUNAVAILABLE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_go_to_a_bucket_and_come_back),
        cmocka_unit_test(a_server_that_lies_about_conditions_is_found_out),
        cmocka_unit_test(every_answer_means_what_it_must),
        cmocka_unit_test(a_conflict_is_never_taken_for_exists),
        cmocka_unit_test(a_damaged_object_is_repaired_by_the_next_put),
        cmocka_unit_test(a_server_without_conditions_is_asked_without),
        cmocka_unit_test(expired_credentials_are_fetched_once_more),
        cmocka_unit_test(a_silent_or_stalled_server_costs_the_deadline_at_most),
        cmocka_unit_test(retries_stop_when_the_budget_is_spent),
        cmocka_unit_test(a_miss_in_the_middle_costs_no_more_than_the_readahead),
        cmocka_unit_test(a_listing_of_many_pages_is_walked_and_a_hostile_one_refused),
        cmocka_unit_test(configurations_that_cannot_work_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
