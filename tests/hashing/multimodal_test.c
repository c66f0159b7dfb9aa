#include "kvtest.h"

#include <kvcore/text.h>
#include <kvhash/hash.h>
#include <kvhash/multimodal.h>

static void a_run_knows_its_end_and_what_it_covers(void **state) {
    (void)state;
    uint64_t end = 5;
    kvtest_assert_ok(kvhash_mm_run_end((kvhash_mm_run){0, 3, 4}, &end));
    assert_int_equal(end, 7);
    kvtest_assert_ok(kvhash_mm_run_end((kvhash_mm_run){0, UINT64_MAX, 0}, &end));
    kvtest_assert_status(kvhash_mm_run_end((kvhash_mm_run){0, UINT64_MAX, 1}, &end), KVHASH_EOFFSET_OVERFLOW);
    kvhash_mm_run run = {0, 3, 4}, endless = {0, 2, UINT64_MAX};
    assert_false(kvhash_mm_run_covers(run, 2));
    assert_true(kvhash_mm_run_covers(run, 3));
    assert_true(kvhash_mm_run_covers(run, 6));
    assert_false(kvhash_mm_run_covers(run, 7));
    assert_false(kvhash_mm_run_covers(endless, 5));
}

static void faults_are_found_in_order_of_offset_and_rule(void **state) {
    (void)state;
    static const struct {
        kvhash_mm_run runs[3];
        size_t count;
        kvcore_status status;
        uint64_t index;
        const char *text;
    } cases[] = {
        {{{1, 0, 0}}, 1, KVHASH_EEMPTY_RUN, 0, "mm_info length must be greater than zero"},
        {{{1, 9, 2}}, 1, KVHASH_EOUT_OF_BOUNDS, 0, "mm_info range starting at 9 (length 2) exceeds tokens length 10"},
        {{{1, UINT64_MAX, 2}},
         1,
         KVHASH_EOFFSET_OVERFLOW,
         0,
         "mm_info range starting at 18446744073709551615 (length 2) overflows usize"},
        {{{1, 2, 3}, {2, 4, 1}}, 2, KVHASH_EOVERLAP, 1, "mm_info ranges overlap at position 4"},
        /* the earlier offset is looked at first, whatever its place */
        {{{1, 8, 0}, {2, 3, 99}},
         2,
         KVHASH_EOUT_OF_BOUNDS,
         1,
         "mm_info range starting at 3 (length 99) exceeds tokens length 10"},
        /* equal offsets keep their order */
        {{{1, 5, 1}, {2, 3, 1}, {3, 3, 0}}, 3, KVHASH_EEMPTY_RUN, 2, "mm_info length must be greater than zero"},
        {{{1, 5, 0}, {2, 3, 1}, {3, 3, 1}}, 3, KVHASH_EOVERLAP, 2, "mm_info ranges overlap at position 3"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        kvcore_error error;
        kvhash_mm_run sorted[3];
        memset(sorted, 0xAA, sizeof sorted);
        kvtest_assert_status(kvhash_mm_sort(cases[i].runs, cases[i].count, 10, sorted, &error), cases[i].status);
        assert_string_equal(error.text, cases[i].text);
        assert_true(error.code == cases[i].status && error.index == cases[i].index);
        assert_true(error.offset == cases[i].runs[error.index].offset);
        assert_true(error.length == cases[i].runs[error.index].length);
        if (error.code == KVHASH_EOUT_OF_BOUNDS) assert_int_equal(error.expected, 10);
        assert_true(sorted[0].mm_hash == UINT64_C(0xAAAAAAAAAAAAAAAA));
        kvtest_assert_status(kvhash_mm_sort(cases[i].runs, cases[i].count, 10, NULL, NULL), cases[i].status);
    }
    kvtest_assert_status(kvhash_mm_sort(NULL, 1, 10, NULL, NULL), KVCORE_EINVAL);
    kvtest_assert_ok(kvhash_mm_sort(NULL, 0, 0, NULL, NULL));
    const kvhash_mm_run touching[] = {{1, 5, 5}, {2, 0, 5}};
    kvtest_assert_ok(kvhash_mm_sort(touching, 2, 10, NULL, NULL));
}

/* More runs than a walk has room for, shuffled: they come back in order, and the first fault is the one of the order. */
static void many_runs_are_put_in_order(void **state) {
    (void)state;
    enum { COUNT = 1000 };
    kvtest_random random = kvtest_seed(2);
    static kvhash_mm_run runs[COUNT], sorted[COUNT];
    for (size_t i = 0; i < COUNT; i++) runs[i] = (kvhash_mm_run){kvtest_next(&random), 3 * i, 1 + i % 3};
    for (size_t i = COUNT; i-- > 1;) {
        size_t j = (size_t)kvtest_below(&random, i + 1);
        kvhash_mm_run swap = runs[i];
        runs[i] = runs[j];
        runs[j] = swap;
    }
    kvtest_assert_ok(kvhash_mm_sort(runs, COUNT, 3 * COUNT, sorted, NULL));
    for (size_t i = 0; i < COUNT; i++) assert_true(sorted[i].offset == 3 * i && sorted[i].length == 1 + i % 3);
    for (size_t i = 0; i < COUNT; i++) assert_true(sorted[runs[i].offset / 3].mm_hash == runs[i].mm_hash);

    for (size_t round = 0; round < 50; round++) {
        size_t a = (size_t)kvtest_below(&random, COUNT), b = (size_t)kvtest_below(&random, COUNT);
        uint64_t length_a = runs[a].length, length_b = runs[b].length;
        runs[a].length = runs[b].length = 0;
        kvcore_error error;
        kvtest_assert_status(kvhash_mm_sort(runs, COUNT, 3 * COUNT, NULL, &error), KVHASH_EEMPTY_RUN);
        assert_int_equal(error.index, runs[a].offset < runs[b].offset ? a : b);
        runs[a].length = length_a, runs[b].length = length_b;
        if (a == b) runs[a].length = 1 + runs[a].offset / 3 % 3;
    }
}

/* In falling order, the worst that a client can send: two million were minutes when each 128 took a pass over all. */
static void runs_in_the_worst_order_take_no_pass_each(void **state) {
    (void)state;
    enum { COUNT = 2000000 };
    kvhash_mm_run *runs = malloc(2 * COUNT * sizeof *runs);
    assert_non_null(runs);
    for (size_t i = 0; i < COUNT; i++) runs[i] = (kvhash_mm_run){i, COUNT - i, 1};
    kvtest_assert_ok(kvhash_mm_sort(runs, COUNT, COUNT + 1, runs + COUNT, NULL));
    for (size_t i = 0; i < COUNT; i++) assert_true(runs[COUNT + i].offset == i + 1);
    free(runs);
}

static void block_bytes_are_those_of_the_specification(void **state) {
    (void)state;
    const uint32_t tokens[] = {100, 101, 102, 103};
    const kvhash_mm_run runs[] = {{UINT64_C(0x1122334455667788), 5, 2}};
    kvhash_slots slots = {tokens, 4, 4, runs, 1};
    uint8_t bytes[52];
    char text[105] = "";
    size_t size = 0;
    kvtest_assert_ok(kvhash_block_bytes(&slots, bytes, sizeof bytes, &size));
    assert_int_equal(size, 52);
    kvcore_hex_encode(bytes, size, text);
    assert_string_equal(text, "00640000000000000000000000"
                              "01000000008877665544332211"
                              "01010000008877665544332211"
                              "00670000000000000000000000");
    slots.offset = 7; /* behind the run */
    kvtest_assert_ok(kvhash_block_bytes(&slots, bytes, sizeof bytes, &size));
    assert_int_equal(size, 16);
    slots.offset = 1; /* before it */
    kvtest_assert_ok(kvhash_block_bytes(&slots, bytes, sizeof bytes, &size));
    assert_int_equal(size, 16);
    assert_true(kvhash_xxh3((kvcore_bytes){bytes, size}, 9) == kvhash_block_hash(tokens, 4, 9));
}

static void block_bytes_refuse_what_they_cannot_write(void **state) {
    (void)state;
    const uint32_t tokens[] = {1, 2};
    const kvhash_mm_run overlapping[] = {{1, 0, 2}, {2, 1, 1}}, unordered[] = {{1, 1, 1}, {2, 0, 1}},
                        empty[] = {{1, 0, 0}};
    const kvhash_mm_run endless[] = {{1, 1, UINT64_MAX}};
    uint8_t bytes[26];
    memset(bytes, 0xAA, sizeof bytes);
    size_t size = 0;
    kvhash_slots slots = {tokens, 2, 0, overlapping, 2};
    kvtest_assert_status(kvhash_block_bytes(&slots, bytes, 26, &size), KVHASH_EOVERLAP);
    slots.runs = unordered;
    kvtest_assert_status(kvhash_block_bytes(&slots, bytes, 26, &size), KVHASH_EOVERLAP);
    slots.runs = empty, slots.run_count = 1;
    kvtest_assert_status(kvhash_block_bytes(&slots, bytes, 26, &size), KVHASH_EEMPTY_RUN);
    slots.runs = endless;
    kvtest_assert_status(kvhash_block_bytes(&slots, bytes, 26, &size), KVHASH_EOFFSET_OVERFLOW);
    slots.runs = overlapping;
    kvtest_assert_status(kvhash_block_bytes(&slots, bytes, 25, &size), KVCORE_EBUFFER);
    assert_int_equal(size, 26);
    assert_int_equal(bytes[0], 0xAA);
    slots.offset = UINT64_MAX;
    kvtest_assert_status(kvhash_block_bytes(&slots, bytes, 26, &size), KVCORE_EOVERFLOW);
    slots.tokens = NULL;
    kvtest_assert_status(kvhash_block_bytes(&slots, bytes, 26, &size), KVCORE_EINVAL);
    kvtest_assert_status(kvhash_block_bytes(NULL, bytes, 26, &size), KVCORE_EINVAL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run_knows_its_end_and_what_it_covers),
        cmocka_unit_test(faults_are_found_in_order_of_offset_and_rule),
        cmocka_unit_test(many_runs_are_put_in_order),
        cmocka_unit_test(runs_in_the_worst_order_take_no_pass_each),
        cmocka_unit_test(block_bytes_are_those_of_the_specification),
        cmocka_unit_test(block_bytes_refuse_what_they_cannot_write),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
