/* Every allocation of a request and of a tracker of guards fails once. */
#include "request_support.h"

#include <kvlogical/assignments.h>

static kvlogical_request_config config_of(kvcore_allocator allocator) {
    kvlogical_request_config config = KVLOGICAL_REQUEST_CONFIG_INIT;
    config.tokens = count_up(0, 10);
    config.token_count = 10;
    config.max_output_tokens = 100;
    config.reserve_output_tokens = 1; /* so that it has to grow */
    config.allocator = allocator;
    return config;
}

/* The whole life of a request and its fork. A call that fails has changed nothing: the same call would do. */
static kvcore_status live(kvlogical_manager *pool, kvcore_allocator allocator) {
    kvlogical_request_config config = config_of(allocator);
    kvlogical_request *request, *fork = NULL;
    kvlogical_block_copy copy;
    kvcore_status status = kvlogical_request_create(pool, &config, &request, NULL);
    if (status != KVCORE_OK) return status;
    uint32_t token = 50;
    status = kvlogical_request_schedule_prefill(request, 10, NULL);
    if (status == KVCORE_OK) status = kvlogical_request_apply_prefill(request, &token, NULL, NULL);
    if (status == KVCORE_OK) status = kvlogical_request_fork(request, &fork, &copy);
    for (uint32_t i = 0; status == KVCORE_OK && i < 60; i++) {
        kvlogical_request_counts before = kvlogical_request_count(request), after;
        bool applying = false;
        status = kvlogical_request_schedule_decode(request, NULL);
        if (status == KVCORE_OK) {
            applying = true;
            before = kvlogical_request_count(request);
            status = kvlogical_request_apply_decode(request, i, NULL, NULL);
        }
        after = kvlogical_request_count(request);
        if (status != KVCORE_OK) assert_memory_equal(&before, &after, sizeof before);
        if (status != KVCORE_OK && applying) kvtest_assert_ok(kvlogical_request_revert_schedule(request, NULL));
    }
    if (status == KVCORE_OK) status = kvlogical_request_release(request);
    if (status == KVCORE_OK) status = kvlogical_request_reacquire(request, NULL);
    kvlogical_request_destroy(fork);
    kvlogical_request_destroy(request);
    return status;
}

static kvcore_status track(kvlogical_manager *pool, kvcore_allocator allocator) {
    kvlogical_assignments *t;
    kvlogical_mutable blocks[20];
    kvcore_status status = kvlogical_assignments_create(pool, &allocator, &t);
    if (status != KVCORE_OK) return status;
    for (size_t round = 0; status == KVCORE_OK && round < 2; round++) {
        kvtest_assert_ok(kvlogical_allocate(pool, 10, blocks, NULL));
        status = kvlogical_assignments_extend(t, blocks, 10, NULL);
        if (status != KVCORE_OK) assert_int_not_equal(blocks[9].manager, 0);
        kvlogical_release_mutable(pool, blocks, 10); /* nothing when they went in */
    }
    kvlogical_assignments_destroy(t);
    return status;
}

static void fail_each(kvcore_status (*scenario)(kvlogical_manager *, kvcore_allocator), size_t least) {
    for (size_t k = 1;; k++) {
        kvlogical_manager *pool = make_pool(40, KVLOGICAL_EVICT_LRU, 0);
        kvtest_memory memory = {.fail_at = k};
        kvcore_status status = scenario(pool, kvtest_allocator(&memory));
        assert_int_equal(memory.live_bytes, 0);
        end_pool(pool);
        if (status == KVCORE_OK) {
            assert_true(k > least);
            return;
        }
        kvtest_assert_status(status, KVCORE_ENOMEM);
    }
}

static void a_request_without_memory_changes_nothing(void **state) {
    (void)state;
    fail_each(live, 6);
}

static void a_tracker_without_memory_gives_the_guards_back(void **state) {
    (void)state;
    fail_each(track, 4);
}

static void with_memory_reserved_a_request_allocates_nothing(void **state) {
    (void)state;
    kvlogical_manager *pool = make_pool(40, KVLOGICAL_EVICT_LRU, 0);
    kvtest_memory memory = {.fail_at = 0};
    kvlogical_request_config config = config_of(kvtest_allocator(&memory));
    config.reserve_output_tokens = 0; /* all of the 100 that may come */
    kvlogical_request *request;
    kvtest_assert_ok(kvlogical_request_create(pool, &config, &request, NULL));
    size_t calls = memory.calls;
    kvtest_assert_ok(kvlogical_request_match_prefix(request, NULL));
    prefill_all(request, 50);
    for (uint32_t i = 0; i < 50; i++) decode(request, i);
    kvtest_assert_ok(kvlogical_request_release(request));
    kvtest_assert_ok(kvlogical_request_reacquire(request, NULL));
    prefill_all(request, 51);
    while (!kvlogical_request_is_complete(request)) {
        kvtest_assert_ok(kvlogical_request_schedule_speculative(request, 7, NULL, NULL));
        kvtest_assert_ok(kvlogical_request_apply_speculative(request, count_up(0, 5), 1, NULL, NULL));
    }
    assert_int_equal(memory.calls, calls);
    kvlogical_request_destroy(request);
    end_pool(pool);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_without_memory_changes_nothing),
        cmocka_unit_test(a_tracker_without_memory_gives_the_guards_back),
        cmocka_unit_test(with_memory_reserved_a_request_allocates_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
