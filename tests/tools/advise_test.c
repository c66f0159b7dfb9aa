/* What `kvstrata advise` says of traces small enough to follow by hand. */
#include "shell.h"

static void assert_says(const char *sentence) {
    if (strstr(shell_out, sentence) == NULL) fail_msg("\"%s\" is not in:\n%s", sentence, shell_out);
}

/* Two blocks in turn, three times, through a cache of one. */
static void each_sentence_has_its_figure(void **state) {
    (void)state;
    shell_file("t", "{\"timestamp\": 0, \"hash_ids\": [1]}\n{\"timestamp\": 1, \"hash_ids\": [2]}\n"
                    "{\"timestamp\": 2, \"hash_ids\": [1]}\n{\"timestamp\": 3, \"hash_ids\": [2]}\n");
    assert_int_equal(shell_run("\"$K\" advise t -c 1"), 0);
    assert_says("at 1 blocks        0 of 4 blocks are found: 0.0 %\n");
    assert_says("never seen before  2 (50.0 %): no cache helps; the ceiling is 50.0 %\n");
    assert_says("evicted too early  2 (50.0 %); the optimum would have kept 0, so memory is short, not eviction\n");
    assert_says("more memory        2 blocks find 50.0 %, 2 find 50.0 % (90 % of the ceiling)\n");
    assert_says("policy             survival finds 0.0 % with the same memory; multi-lru 0.0 %\n");
    assert_says("host tier          1 blocks exclusive: +50.0 points; inclusive: +0.0\n");
    assert_says("a queue of 64      protecting what waits finds 0.0 %\n");
}

static void a_limit_of_time_costs_what_it_costs(void **state) {
    (void)state;
    shell_file("t", "{\"timestamp\": 0, \"hash_ids\": [1]}\n{\"timestamp\": 60001, \"hash_ids\": [1]}\n");
    assert_int_equal(shell_run("\"$K\" advise t -c 1"), 0);
    assert_says("time to live       a limit of 300 s costs no hit; one of 60 s costs 1 of the 1\n");
}

static void requests_that_are_too_long_are_told(void **state) {
    (void)state;
    shell_file("t", "{\"hash_ids\": [1, 2]}\n{\"hash_ids\": [1, 2]}\n");
    assert_int_equal(shell_run("\"$K\" advise t -c 1"), 0);
    assert_says("too long           2 of 2 requests have more blocks than the cache; 2 misses (50.0 %) are theirs\n");
    assert_null(strstr(shell_out, "evicted too early"));
}

static void larger_blocks_lose_what_is_not_whole(void **state) {
    (void)state;
    shell_file("t", "{\"hash_ids\": [1, 2, 3]}\n{\"hash_ids\": [1, 2, 3]}\n");
    assert_int_equal(shell_run("\"$K\" advise t -c 10 -b 16"), 0);
    assert_says("block size         32 tokens instead of 16 would lose 33 % of the tokens found");
}

static void nothing_is_said_of_nothing(void **state) {
    (void)state;
    shell_file("t", "");
    assert_int_equal(shell_run("\"$K\" advise t -c 10"), 0);
    assert_says("at 10 blocks       0 of 0 blocks are found");
    assert_null(strstr(shell_out, "policy"));
}

static void a_capacity_is_asked_for(void **state) {
    (void)state;
    shell_file("t", "");
    assert_int_equal(shell_run("\"$K\" advise t"), 2);
    assert_int_equal(shell_run("\"$K\" advise t -c 0"), 2);
    assert_int_equal(shell_run("\"$K\" advise missing -c 1"), 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_sentence_has_its_figure),        cmocka_unit_test(a_limit_of_time_costs_what_it_costs),
        cmocka_unit_test(requests_that_are_too_long_are_told), cmocka_unit_test(larger_blocks_lose_what_is_not_whole),
        cmocka_unit_test(nothing_is_said_of_nothing),          cmocka_unit_test(a_capacity_is_asked_for),
    };
    return cmocka_run_group_tests(tests, shell_setup, shell_teardown);
}
