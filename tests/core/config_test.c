#include "kvtest.h"

#include <sys/mman.h>
#include <unistd.h>

#include <kvcore/config.h>

typedef struct old_config {
    size_t struct_size;
    uint32_t a;
    uint32_t b;
} old_config;

typedef struct new_config {
    size_t struct_size;
    uint32_t a;
    uint32_t b;
    uint64_t c;
} new_config;

static void an_older_struct_gets_zeros_for_what_it_lacks(void **state) {
    (void)state;
    old_config given = {sizeof given, 1, 2};
    new_config read = {0, 9, 9, 9};
    kvtest_assert_ok(kvcore_config_read(&read, sizeof read, &given, NULL));
    assert_int_equal(read.struct_size, sizeof read);
    assert_int_equal(read.a, 1);
    assert_int_equal(read.b, 2);
    assert_int_equal(read.c, 0);
}

static void a_newer_struct_is_taken_if_what_we_do_not_know_is_zero(void **state) {
    (void)state;
    new_config given = {sizeof given, 1, 2, 0};
    old_config read;
    kvtest_assert_ok(kvcore_config_read(&read, sizeof read, &given, NULL));
    assert_int_equal(read.b, 2);
    given.c = UINT64_C(1) << 40;
    kvcore_error error;
    kvtest_assert_status(kvcore_config_read(&read, sizeof read, &given, &error), KVCORE_EINVAL);
    assert_int_equal(error.offset, offsetof(new_config, c) + (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? 5 : 2));
    assert_int_equal(error.actual, sizeof given);
}

static void a_forgotten_init_macro_is_seen(void **state) {
    (void)state;
    old_config given = {0, 1, 2}, read = {1, 2, 3};
    kvcore_error error;
    kvtest_assert_status(kvcore_config_read(&read, sizeof read, &given, &error), KVCORE_EINVAL);
    assert_non_null(strstr(error.text, "_INIT"));
    kvtest_assert_status(kvcore_config_read(&read, sizeof read, NULL, &error), KVCORE_EINVAL);
    assert_int_equal(read.b, 3);
}

/* The struct ends where the mapping ends: a read behind it is a SIGSEGV. */
static void a_size_that_no_struct_has_is_not_read(void **state) {
    (void)state;
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    uint8_t *pages = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(pages != MAP_FAILED);
    assert_int_equal(mprotect(pages + page, page, PROT_NONE), 0);
    old_config *given = (old_config *)(void *)(pages + page - sizeof *given), read = {1, 2, 3};
    for (size_t size = SIZE_MAX; size > KVCORE_CONFIG_MOST_BYTES; size /= 2) {
        *given = (old_config){size, 0, 0};
        kvcore_error error;
        kvtest_assert_status(kvcore_config_read(&read, sizeof read, given, &error), KVCORE_EINVAL);
        assert_true(error.actual == size && error.expected == KVCORE_CONFIG_MOST_BYTES);
    }
    assert_int_equal(read.b, 3);
    munmap(pages, 2 * page);
}

static void a_result_fills_what_the_caller_has_room_for(void **state) {
    (void)state;
    const new_config made = {sizeof made, 1, 2, 3};
    const old_config older_library = {sizeof older_library, 1, 2};
    old_config small = {sizeof small, 9, 9};
    new_config large = {sizeof large, 9, 9, 9}, wrong = {3, 9, 9, 9};
    kvcore_error error;
    kvtest_assert_ok(kvcore_result_write(&small, &made, sizeof made, NULL));
    assert_true(small.struct_size == sizeof small && small.a == 1 && small.b == 2);
    kvtest_assert_ok(kvcore_result_write(&large, &older_library, sizeof older_library, NULL));
    assert_true(large.struct_size == sizeof large && large.b == 2 && large.c == 0);
    kvtest_assert_status(kvcore_result_write(&wrong, &made, sizeof made, &error), KVCORE_EINVAL);
    wrong.struct_size = SIZE_MAX;
    kvtest_assert_status(kvcore_result_write(&wrong, &made, sizeof made, &error), KVCORE_EINVAL);
    assert_true(wrong.a == 9 && wrong.c == 9);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_older_struct_gets_zeros_for_what_it_lacks),
        cmocka_unit_test(a_newer_struct_is_taken_if_what_we_do_not_know_is_zero),
        cmocka_unit_test(a_size_that_no_struct_has_is_not_read),
        cmocka_unit_test(a_result_fills_what_the_caller_has_room_for),
        cmocka_unit_test(a_forgotten_init_macro_is_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
