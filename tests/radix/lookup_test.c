#include "kvtest.h"

#include <kvradix/lookup.h>

static void buffers_stay_where_they_are_while_they_are_large_enough(void **state) {
    (void)state;
    kvtest_memory memory = {0};
    kvcore_allocator allocator = kvtest_allocator(&memory);
    kvradix_lookup lookup = KVRADIX_LOOKUP_INIT;
    kvtest_assert_ok(kvradix_lookup_reserve(&lookup, &allocator, 8));
    kvradix_handle *resident = lookup.resident;
    lookup.resident_count = lookup.prefetch_count = lookup.matched = 3;
    for (size_t capacity = 0; capacity <= 8; capacity++) {
        kvtest_assert_ok(kvradix_lookup_reserve(&lookup, &allocator, capacity));
        assert_ptr_equal(lookup.resident, resident);
        assert_int_equal(lookup.capacity, 8);
        assert_int_equal(lookup.resident_count + lookup.prefetch_count + lookup.matched, 0);
    }
    assert_int_equal(memory.calls, 2);
    kvtest_assert_ok(kvradix_lookup_reserve(&lookup, &allocator, 9));
    assert_int_equal(lookup.capacity, 9);
    kvradix_lookup_free(&lookup, &allocator);
    kvradix_lookup_free(&lookup, &allocator);
    kvradix_lookup_free(NULL, &allocator);
    assert_int_equal(memory.live_bytes, 0);
}

static void the_pool_gives_back_the_last_released_first(void **state) {
    (void)state;
    kvradix_lookup_pool *pool;
    kvtest_assert_ok(kvradix_lookup_pool_create(2, NULL, &pool));
    kvradix_lookup lookups[3];
    kvradix_handle *arrays[3];
    for (int i = 0; i < 3; i++) {
        kvtest_assert_ok(kvradix_lookup_acquire(pool, 4, &lookups[i]));
        arrays[i] = lookups[i].resident;
    }
    assert_int_equal(kvradix_lookup_pool_high_watermark(pool), 0);
    for (int i = 0; i < 3; i++) { /* the third finds the pool full and is freed */
        kvradix_lookup_release(pool, &lookups[i]);
        assert_null(lookups[i].resident);
    }
    assert_int_equal(kvradix_lookup_pool_count(pool), 2);
    assert_int_equal(kvradix_lookup_pool_high_watermark(pool), 2);
    kvtest_assert_ok(kvradix_lookup_acquire(pool, 4, &lookups[0]));
    assert_ptr_equal(lookups[0].resident, arrays[1]);
    assert_int_equal(kvradix_lookup_pool_count(pool), 1);
    assert_int_equal(kvradix_lookup_pool_high_watermark(pool), 2);
    kvradix_lookup_release(pool, &lookups[0]);
    kvradix_lookup_pool_destroy(pool);
    kvradix_lookup_pool_destroy(NULL);
}

static void a_pool_keeps_thirty_two_unless_told(void **state) {
    (void)state;
    kvradix_lookup_pool *pool;
    kvradix_lookup lookups[40];
    kvtest_assert_ok(kvradix_lookup_pool_create(0, NULL, &pool));
    for (int i = 0; i < 40; i++) kvtest_assert_ok(kvradix_lookup_acquire(pool, 1, &lookups[i]));
    for (int i = 0; i < 40; i++) kvradix_lookup_release(pool, &lookups[i]);
    assert_int_equal(kvradix_lookup_pool_count(pool), KVRADIX_LOOKUP_POOL_DEFAULT);
    kvradix_lookup_pool_destroy(pool);
}

static kvcore_status scenario(kvcore_allocator allocator) {
    kvradix_lookup_pool *pool;
    kvcore_status status = kvradix_lookup_pool_create(4, &allocator, &pool);
    if (status != KVCORE_OK) return status;
    kvradix_lookup lookup;
    for (size_t capacity = 4; status == KVCORE_OK && capacity <= 16; capacity *= 2) {
        size_t before = kvradix_lookup_pool_count(pool);
        status = kvradix_lookup_acquire(pool, capacity, &lookup);
        if (status == KVCORE_OK)
            kvradix_lookup_release(pool, &lookup);
        else
            assert_int_equal(kvradix_lookup_pool_count(pool), before);
    }
    kvradix_lookup_pool_destroy(pool);
    return status;
}

static void every_allocation_may_fail(void **state) {
    (void)state;
    kvtest_fail_each_allocation(scenario, 6);
}

static void what_no_caller_should_pass_is_refused(void **state) {
    (void)state;
    kvradix_lookup lookup = KVRADIX_LOOKUP_INIT;
    kvradix_lookup_pool *pool = NULL;
    kvtest_assert_status(kvradix_lookup_reserve(NULL, NULL, 1), KVCORE_EINVAL);
    kvtest_assert_status(kvradix_lookup_reserve(&lookup, NULL, SIZE_MAX / 2), KVCORE_ENOMEM);
    kvtest_assert_status(kvradix_lookup_pool_create(1, NULL, NULL), KVCORE_EINVAL);
    kvtest_assert_status(kvradix_lookup_pool_create(SIZE_MAX / 8, NULL, &pool), KVCORE_ENOMEM);
    kvtest_assert_status(kvradix_lookup_acquire(NULL, 1, &lookup), KVCORE_EINVAL);
    assert_null(pool);
    assert_null(lookup.resident);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(buffers_stay_where_they_are_while_they_are_large_enough),
        cmocka_unit_test(the_pool_gives_back_the_last_released_first),
        cmocka_unit_test(a_pool_keeps_thirty_two_unless_told),
        cmocka_unit_test(every_allocation_may_fail),
        cmocka_unit_test(what_no_caller_should_pass_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
