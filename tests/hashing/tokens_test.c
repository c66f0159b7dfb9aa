#include "kvtest.h"

#include <kvhash/tokens.h>

static void ids_that_fit_are_copied(void **state) {
    (void)state;
    const uint64_t ids[] = {0, 7, UINT32_MAX};
    uint32_t tokens[3];
    kvtest_assert_ok(kvhash_tokens_from_u64(ids, 3, tokens, NULL));
    assert_true(tokens[0] == 0 && tokens[1] == 7 && tokens[2] == UINT32_MAX);
    kvtest_assert_ok(kvhash_tokens_from_u64(NULL, 0, NULL, NULL));
}

static void an_id_past_32_bits_is_refused_and_nothing_written(void **state) {
    (void)state;
    const uint64_t ids[] = {1, UINT64_C(4294967296)};
    uint32_t tokens[2] = {9, 9};
    kvcore_error error;
    kvtest_assert_status(kvhash_tokens_from_u64(ids, 2, tokens, &error), KVCORE_EOVERFLOW);
    assert_true(error.index == 1 && error.actual == UINT64_C(4294967296));
    assert_string_equal(error.text, "Token ID exceeds u32::MAX");
    assert_true(tokens[0] == 9 && tokens[1] == 9);
    kvtest_assert_status(kvhash_tokens_from_u64(NULL, 1, tokens, NULL), KVCORE_EINVAL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_that_fit_are_copied),
        cmocka_unit_test(an_id_past_32_bits_is_refused_and_nothing_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
