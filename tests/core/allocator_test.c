#include "kvtest.h"

static void a_product_that_overflows_gives_no_memory(void **state) {
    (void)state;
    kvtest_memory memory = {0};
    kvcore_allocator allocator = kvtest_allocator(&memory);
    assert_null(kvcore_alloc(&allocator, SIZE_MAX / 2, 3, 8));
    assert_null(kvcore_alloc(&allocator, SIZE_MAX, 2, 8));
    assert_null(kvcore_alloc(&allocator, 0, 8, 8));
    assert_int_equal(memory.calls, 0);
}

static void what_is_taken_goes_back_with_its_size(void **state) {
    (void)state;
    kvtest_memory memory = {0};
    kvcore_allocator allocator = kvtest_allocator(&memory);
    void *block = kvcore_alloc(&allocator, 3, 100, 64);
    assert_non_null(block);
    assert_int_equal((uintptr_t)block % 64, 0);
    assert_int_equal(memory.live_bytes, 300);
    kvcore_free(&allocator, block, 3, 100, 64);
    kvcore_free(&allocator, NULL, 3, 100, 64);
    assert_int_equal(memory.live_bytes, 0);
}

static void the_libc_allocator_aligns(void **state) {
    (void)state;
    kvcore_allocator libc = kvcore_allocator_libc();
    for (size_t align = 1; align <= 4096; align *= 2)
        for (size_t size = 1; size < 300; size += 37) {
            unsigned char *at = kvcore_alloc(&libc, 1, size, align);
            assert_non_null(at);
            assert_int_equal((uintptr_t)at % align, 0);
            memset(at, 1, size);
            kvcore_free(&libc, at, 1, size, align);
        }
    assert_null(kvcore_alloc(&libc, 1, SIZE_MAX - 3, 4096));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_product_that_overflows_gives_no_memory),
        cmocka_unit_test(what_is_taken_goes_back_with_its_size),
        cmocka_unit_test(the_libc_allocator_aligns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
