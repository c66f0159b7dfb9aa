#include "kvtest.h"

#include <kvhash/hash.h>
#include <kvhash/request.h>

static const uint32_t tokens[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

static kvhash_request request_of(size_t count, uint32_t block_tokens) {
    kvhash_request request = KVHASH_REQUEST_INIT;
    request.tokens = tokens;
    request.token_count = count;
    request.block_tokens = block_tokens;
    return request;
}

static void the_specification_s_request_has_its_names(void **state) {
    (void)state;
    static const uint64_t hashes[] = {UINT64_C(0x1d4d275de663af4d), UINT64_C(0xaa51e315a509c833),
                                      UINT64_C(0x2fcf355a44ee56ab), UINT64_C(0xfc2f560b1d946e07)};
    static const uint64_t names[][2] = {{UINT64_C(0x00075349d77998eb), UINT64_C(0xd340000000000000)},
                                        {UINT64_C(0x005e69af4986c48b), UINT64_C(0x1c4d275de663af4d)},
                                        {UINT64_C(0x008b156bc51e616b), UINT64_C(0x3de6bd261b122c71)},
                                        {UINT64_C(0x00e412dcbbbfd76f), UINT64_C(0x6155af147985acf7)}};
    const kvhash_mm_run run = {UINT64_C(0x123456789ABCDEF0), 4, 6};
    kvhash_request request = request_of(16, 4);
    request.lora_name = kvcore_text("lora-x");
    request.salt = kvcore_text("salt");
    request.runs = &run;
    request.run_count = 1;
    kvhash_block blocks[4];
    size_t count;
    kvtest_assert_ok(kvhash_request_blocks(&request, blocks, 4, &count, NULL));
    assert_int_equal(count, 4);
    for (size_t i = 0; i < 4; i++) {
        assert_true(blocks[i].block_hash == hashes[i]);
        assert_true(blocks[i].plh.high == names[i][0] && blocks[i].plh.low == names[i][1]);
    }
    uint64_t salt_hash;
    kvtest_assert_ok(kvhash_request_salt_hash(&request, &salt_hash, NULL));
    assert_true(salt_hash == UINT64_C(7366305430526184886));
}

static void the_tail_has_no_name(void **state) {
    (void)state;
    kvhash_plh names[4];
    size_t count = 9;
    kvhash_request request = request_of(11, 4);
    kvtest_assert_ok(kvhash_request_names(&request, names, 4, &count, NULL));
    assert_int_equal(count, 2);
    request = request_of(3, 4);
    kvtest_assert_ok(kvhash_request_names(&request, NULL, 0, &count, NULL));
    assert_int_equal(count, 0);
    request = (kvhash_request)KVHASH_REQUEST_INIT;
    request.block_tokens = 4;
    kvtest_assert_ok(kvhash_request_names(&request, names, 4, &count, NULL));
    assert_int_equal(count, 0);
}

static void salt_adapter_and_media_change_the_blocks_they_must(void **state) {
    (void)state;
    kvhash_plh plain[4], other[4];
    size_t count;
    kvhash_request request = request_of(16, 4);
    kvtest_assert_ok(kvhash_request_names(&request, plain, 4, &count, NULL));
    request.salt = kvcore_text("tenant");
    kvtest_assert_ok(kvhash_request_names(&request, other, 4, &count, NULL));
    for (size_t i = 0; i < 4; i++) assert_false(kvhash_plh_equal(plain[i], other[i]));
    request.salt = kvcore_text(NULL);
    request.lora_name = kvcore_text("adapter");
    kvtest_assert_ok(kvhash_request_names(&request, other, 4, &count, NULL));
    for (size_t i = 0; i < 4; i++) assert_false(kvhash_plh_equal(plain[i], other[i]));
    request.lora_name = kvcore_text("");
    const kvhash_mm_run run = {1, 13, 2};
    request.runs = &run;
    request.run_count = 1;
    kvtest_assert_ok(kvhash_request_names(&request, other, 4, &count, NULL));
    for (size_t i = 0; i < 4; i++) assert_true(kvhash_plh_equal(plain[i], other[i]) == (i < 3));
}

static void room_that_is_too_small_is_told_and_left_alone(void **state) {
    (void)state;
    kvhash_block blocks[4];
    memset(blocks, 0xAA, sizeof blocks);
    kvhash_request request = request_of(16, 4);
    size_t count = 0;
    kvcore_error error;
    kvtest_assert_ok(kvhash_request_count(&request, &count, NULL));
    assert_int_equal(count, 4);
    kvtest_assert_status(kvhash_request_blocks(&request, blocks, 3, &count, &error), KVCORE_EBUFFER);
    assert_int_equal(count, 4);
    assert_true(error.expected == 4 && error.actual == 3);
    for (size_t i = 0; i < sizeof blocks; i++) assert_int_equal(((unsigned char *)blocks)[i], 0xAA);
}

static void what_is_wrong_is_said_in_the_stated_order(void **state) {
    (void)state;
    kvhash_plh name;
    size_t count;
    kvcore_error error;
    const kvhash_mm_run empty = {0, 0, 0};
    kvhash_request request = request_of(16, 0);
    request.runs = &empty;
    request.run_count = 1;
    kvtest_assert_status(kvhash_request_names(&request, &name, 1, &count, &error), KVHASH_EEMPTY_RUN);
    request.run_count = 0;
    kvtest_assert_status(kvhash_request_names(&request, &name, 1, &count, &error), KVHASH_EBLOCK_SIZE);
    kvtest_assert_status(kvhash_request_count(&request, &count, &error), KVHASH_EBLOCK_SIZE);
    assert_string_equal(error.text, "block_size must be greater than 0");
    request.block_tokens = 1;
    request.token_count = (size_t)KVHASH_PLH_MAX_POSITION + 2; /* never read */
    kvtest_assert_status(kvhash_request_names(&request, &name, 1, &count, &error), KVHASH_EPOSITION);
    kvtest_assert_status(kvhash_request_count(&request, &count, &error), KVHASH_EPOSITION);
    assert_true(error.expected == KVHASH_PLH_MAX_POSITION + 1 && error.actual == KVHASH_PLH_MAX_POSITION + 2);
}

static void misuse_is_refused(void **state) {
    (void)state;
    kvhash_plh name;
    size_t count;
    uint64_t hash;
    kvhash_request request = request_of(4, 4);
    kvtest_assert_status(kvhash_request_names(NULL, &name, 1, &count, NULL), KVCORE_EINVAL);
    kvtest_assert_status(kvhash_request_names(&request, NULL, 1, &count, NULL), KVCORE_EINVAL);
    kvtest_assert_status(kvhash_request_names(&request, &name, 1, NULL, NULL), KVCORE_EINVAL);
    kvtest_assert_status(kvhash_request_count(&request, NULL, NULL), KVCORE_EINVAL);
    kvtest_assert_status(kvhash_request_salt_hash(&request, NULL, NULL), KVCORE_EINVAL);
    request.tokens = NULL;
    kvtest_assert_status(kvhash_request_names(&request, &name, 1, &count, NULL), KVCORE_EINVAL);
    request = request_of(4, 4);
    request.run_count = 1;
    kvtest_assert_status(kvhash_request_names(&request, &name, 1, &count, NULL), KVCORE_EINVAL);
    request = request_of(4, 4);
    request.salt.size_bytes = 1;
    kvtest_assert_status(kvhash_request_salt_hash(&request, &hash, NULL), KVCORE_EINVAL);
    request = request_of(4, 4);
    request.lora_name.size_bytes = 1;
    kvtest_assert_status(kvhash_request_names(&request, &name, 1, &count, NULL), KVCORE_EINVAL);
    request = request_of(4, 4);
    request.struct_size = 0;
    kvtest_assert_status(kvhash_request_names(&request, &name, 1, &count, NULL), KVCORE_EINVAL);
    request = request_of(4, 4);
    request.reserved = 1;
    kvtest_assert_status(kvhash_request_names(&request, &name, 1, &count, NULL), KVCORE_EINVAL);
}

/* More runs than a batch of the walk: the names are those of the runs in order. */
static void the_order_of_runs_makes_no_difference(void **state) {
    (void)state;
    enum { COUNT = 700, TOKENS = 3 * COUNT };
    kvtest_random random = kvtest_seed(4);
    static uint32_t many[TOKENS];
    static kvhash_mm_run runs[COUNT], shuffled[COUNT];
    static kvhash_plh expected[TOKENS], names[TOKENS];
    for (size_t i = 0; i < COUNT; i++) shuffled[i] = runs[i] = (kvhash_mm_run){kvtest_next(&random), 3 * i, 1 + i % 3};
    for (size_t i = COUNT; i-- > 1;) {
        size_t j = (size_t)kvtest_below(&random, i + 1);
        kvhash_mm_run swap = shuffled[i];
        shuffled[i] = shuffled[j];
        shuffled[j] = swap;
    }
    static const uint32_t sizes[] = {1, 2, 7, 16, 300};
    for (size_t s = 0; s < 5; s++) {
        kvhash_request request = KVHASH_REQUEST_INIT;
        size_t count;
        request.tokens = many, request.token_count = TOKENS, request.block_tokens = sizes[s];
        request.runs = runs, request.run_count = COUNT;
        kvtest_assert_ok(kvhash_request_names(&request, expected, TOKENS, &count, NULL));
        request.runs = shuffled;
        kvtest_assert_ok(kvhash_request_names(&request, names, TOKENS, &count, NULL));
        assert_memory_equal(names, expected, count * sizeof *names);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_specification_s_request_has_its_names),
        cmocka_unit_test(the_tail_has_no_name),
        cmocka_unit_test(salt_adapter_and_media_change_the_blocks_they_must),
        cmocka_unit_test(room_that_is_too_small_is_told_and_left_alone),
        cmocka_unit_test(what_is_wrong_is_said_in_the_stated_order),
        cmocka_unit_test(misuse_is_refused),
        cmocka_unit_test(the_order_of_runs_makes_no_difference),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
