/* What `kvstrata replay` counts on traces small enough to follow by hand. */
#include "shell.h"

static json_object *report;

/* Replay with --json and give run number `index`. */
static json_object *run_of(size_t index) {
    json_object *runs = NULL;
    assert_true(json_object_object_get_ex(report, "runs", &runs));
    assert_true(index < json_object_array_length(runs));
    return json_object_array_get_idx(runs, index);
}

static void replay_json(const char *arguments) {
    json_object_put(report);
    report = NULL;
    if (shell_run("\"$K\" replay --json %s", arguments) != 0) fail_msg("%s", shell_err);
    report = shell_json();
}

static int drop_report(void **state) {
    (void)state;
    json_object_put(report);
    report = NULL;
    return 0;
}

static void assert_run(json_object *run, uint64_t hits, uint64_t evictions, uint64_t registrations,
                       uint64_t oversized) {
    assert_int_equal(shell_number(run, "hits"), hits);
    assert_int_equal(shell_number(run, "evictions"), evictions);
    assert_int_equal(shell_number(run, "registrations"), registrations);
    assert_int_equal(shell_number(run, "oversized"), oversized);
}

static void a_second_request_hits_the_shared_prefix(void **state) {
    (void)state;
    shell_file("t", "{\"hash_ids\": [1, 2, 3]}\n{\"hash_ids\": [1, 2, 4]}\n");
    replay_json("t --capacity 10,unbounded");
    for (size_t i = 0; i < 2; i++) {
        assert_run(run_of(i), 2, 0, 4, 0);
        assert_int_equal(shell_number(run_of(i), "requests"), 2);
        assert_int_equal(shell_number(run_of(i), "block_references"), 6);
        assert_int_equal(shell_number(run_of(i), "never_reused"), 2);
    }
}

static void the_tail_is_evicted_before_the_front(void **state) {
    (void)state;
    /* 3 blocks: [1 2 3] fills it; [9] evicts 3, which went first; so [1 2 3] hits two and evicts 9 */
    shell_file("t", "{\"hash_ids\": [1, 2, 3]}\n{\"hash_ids\": [9]}\n{\"hash_ids\": [1, 2, 3]}\n");
    replay_json("t -c 3");
    assert_run(run_of(0), 2, 2, 5, 0);
    assert_int_equal(shell_number(run_of(0), "never_reused"), 3); /* 3, 9, 3 again */
}

static void a_request_longer_than_the_cache_counts_hits_and_leaves_nothing(void **state) {
    (void)state;
    shell_file("t", "{\"hash_ids\": [1, 2]}\n{\"hash_ids\": [1, 2, 3]}\n{\"hash_ids\": [1, 2]}\n");
    replay_json("t -c 2,3");
    assert_run(run_of(0), 4, 0, 2, 1);
    assert_run(run_of(1), 4, 0, 3, 0);
}

static void an_id_repeated_in_a_request_is_another_block(void **state) {
    (void)state;
    shell_file("t", "{\"hash_ids\": [5, 5, 5]}\n{\"hash_ids\": [5, 5]}\n");
    replay_json("t -c 10,unbounded");
    assert_run(run_of(0), 2, 0, 3, 0);
    assert_run(run_of(1), 2, 0, 3, 0);
}

static void the_last_block_weighs_what_input_length_leaves_for_it(void **state) {
    (void)state;
    shell_file("t", "{\"input_length\": 20, \"hash_ids\": [1, 2]}\n{\"input_length\": 20, \"hash_ids\": [1, 2]}\n"
                    "{\"input_length\": 16, \"hash_ids\": [1]}\n{\"hash_ids\": [1, 2]}\n{\"input_length\": 999, "
                    "\"hash_ids\": [3]}\n");
    replay_json("t -c 10 -b 16");
    assert_int_equal(shell_number(run_of(0), "tokens"), 20 + 20 + 16 + 32 + 16);
    assert_int_equal(shell_number(run_of(0), "hit_tokens"), 20 + 16 + 32);
    assert_int_equal(shell_number(run_of(0), "hits"), 5);
}

static void ids_up_to_the_largest_are_told_apart(void **state) {
    (void)state;
    shell_file("t", "{\"hash_ids\": [18446744073709551615]}\n{\"hash_ids\": [18446744073709551614]}\n"
                    "{\"hash_ids\": [18446744073709551615]}\n{\"hash_ids\": [9007199254740993]}\n"
                    "{\"hash_ids\": [9007199254740992]}\n{\"hash_ids\": [0]}\n");
    replay_json("t -c 10");
    assert_run(run_of(0), 1, 0, 5, 0);
}

static uint64_t mix(uint64_t z) {
    z += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return z ^ z >> 31;
}

/* The tokens of a long request are made in pieces, its blocks chained: `kvstrata hash` names the same tokens at once. */
static void a_request_of_any_length_has_the_names_of_its_tokens(void **state) {
    (void)state;
    static const size_t counts[] = {1, 4096, 4097, 8192, 8193, 20000};
    for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
        FILE *trace = fopen("t", "w"), *request = fopen("r", "w");
        assert_true(trace != NULL && request != NULL);
        fputs("{\"hash_ids\": [", trace);
        fputs("{\"block_size\": 2, \"tokens\": [", request);
        for (uint64_t i = 0; i < counts[c]; i++) {
            uint64_t id = UINT64_MAX - 7 * i;
            fprintf(trace, "%s%llu", i > 0 ? "," : "", (unsigned long long)id);
            fprintf(request, "%s%u,%u", i > 0 ? "," : "", (unsigned)(mix(id * 2) & UINT32_MAX),
                    (unsigned)(mix(id * 2 + 1) & UINT32_MAX));
        }
        fputs("]}\n", trace);
        fputs("]}\n", request);
        assert_int_equal(fclose(trace) | fclose(request), 0);
        uint64_t high = 0, low = 0;
        size_t names = 0;
        assert_int_equal(shell_run("\"$K\" hash r"), 0);
        for (const char *at = shell_out; (at = strstr(at, "\"plh\":\"")) != NULL; names++) {
            char half[17] = "";
            high ^= strtoull(memcpy(half, at + 7, 16), NULL, 16);
            low ^= strtoull(memcpy(half, at + 23, 16), NULL, 16);
            at += 7;
        }
        assert_int_equal(names, counts[c]);
        char expected[33];
        snprintf(expected, sizeof expected, "%016llx%016llx", (unsigned long long)high, (unsigned long long)low);
        replay_json("t -c 1M -b 2");
        json_object *names_xor = NULL;
        assert_true(json_object_object_get_ex(report, "names_xor", &names_xor));
        assert_string_equal(json_object_get_string(names_xor), expected);
    }
}

static void names_are_those_of_the_real_path(void **state) {
    (void)state;
    /* computed apart from the program: one block of 512 tokens, the root of its chain */
    shell_file("t", "{\"hash_ids\": [3]}\n");
    replay_json("t -c 10");
    json_object *names_xor = NULL;
    assert_true(json_object_object_get_ex(report, "names_xor", &names_xor));
    assert_string_equal(json_object_get_string(names_xor), "002fdd9ffc99c00b9380000000000000");
    shell_file("t", "{\"hash_ids\": [3]}\n{\"hash_ids\": [3]}\n");
    replay_json("t -c 10");
    assert_true(json_object_object_get_ex(report, "names_xor", &names_xor));
    assert_string_equal(json_object_get_string(names_xor), "00000000000000000000000000000000");
}

static void files_standard_input_and_gzip_are_one_stream(void **state) {
    (void)state;
    shell_file("a", "{\"hash_ids\": [1, 2]}\n");
    shell_file("b",
               "\n{\"hash_ids\": [1, 2, 3], \"more\": {\"x\": [null, true]}}\r\n  \n{\"hash_ids\": []}"); /* no end */
    assert_int_equal(shell_run("gzip -k b"), 0);
    replay_json("a - b.gz --capacity 10 <b");
    json_object *files = NULL;
    assert_true(json_object_object_get_ex(report, "files", &files));
    assert_string_equal(json_object_to_json_string_ext(files, JSON_C_TO_STRING_PLAIN), "[\"a\",\"-\",\"b.gz\"]");
    assert_int_equal(shell_number(run_of(0), "requests"), 5);
    assert_run(run_of(0), 5, 0, 3, 0);
    replay_json("-c 10 <b.gz");
    assert_run(run_of(0), 0, 0, 3, 0);
    assert_int_equal(shell_run("cat a b.gz | \"$K\" replay -c 10 -"),
                     3); /* gzip that starts in the middle is not gzip */
}

static void the_report_has_the_keys_that_programs_read(void **state) {
    (void)state;
    shell_file("t", "{\"hash_ids\": [1]}\n");
    replay_json("t -c 1k,unbounded");
    assert_int_equal(json_object_object_length(report), 4);
    assert_int_equal(shell_number(report, "block_references"), 1);
    json_object *value = NULL;
    assert_true(json_object_object_get_ex(run_of(0), "policy", &value));
    assert_string_equal(json_object_get_string(value), "lru");
    assert_int_equal(shell_number(run_of(0), "capacity"), 1000);
    assert_true(json_object_object_get_ex(run_of(1), "capacity", &value));
    assert_null(value);
    assert_true(json_object_object_get_ex(run_of(1), "manager_ns_per_block", &value));
    assert_null(value);
    assert_true(json_object_object_get_ex(run_of(0), "hit_ratio", &value));
    assert_true(json_object_is_type(value, json_type_double));
}

static void an_empty_trace_gives_rows_of_nothing(void **state) {
    (void)state;
    shell_file("t", "");
    replay_json("t -c 5");
    assert_run(run_of(0), 0, 0, 0, 0);
    json_object *value = NULL;
    assert_true(json_object_object_get_ex(run_of(0), "hit_ratio", &value));
    assert_null(value);
    assert_int_equal(shell_run("\"$K\" replay t"), 0);
}

static void capacities_take_suffixes_and_repeats_count_once(void **state) {
    (void)state;
    shell_file("t", "{\"hash_ids\": [1]}\n");
    replay_json("t -c 1k,1000,2K,1M,7,unbounded,unbounded");
    static const uint64_t expected[] = {1000, 2000, 1000000, 7};
    for (size_t i = 0; i < 4; i++) assert_int_equal(shell_number(run_of(i), "capacity"), expected[i]);
    json_object *runs = NULL;
    assert_true(json_object_object_get_ex(report, "runs", &runs));
    assert_int_equal(json_object_array_length(runs), 5);
}

static void a_policy_runs_or_says_that_it_cannot_yet(void **state) {
    (void)state;
    static const char *const names[] = {"lru",          "multi-lru", "fifo",    "lineage", "lineage-tick",
                                        "lineage-fifo", "sieve",     "s3-fifo", "survival"};
    shell_file("t", "{\"hash_ids\": [1, 2]}\n{\"hash_ids\": [1, 2]}\n");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        int code = shell_run("\"$K\" replay t --json -c 5 -p %s", names[i]);
        if (code == 0) {
            json_object *whole = shell_json(), *runs = NULL;
            assert_true(json_object_object_get_ex(whole, "runs", &runs));
            assert_run(json_object_array_get_idx(runs, 0), 2, 0, 2, 0);
            json_object_put(whole);
            continue;
        }
        char expected[80];
        snprintf(expected, sizeof expected, "kvstrata: policy %s is not supported yet\n", names[i]);
        assert_int_equal(code, 4);
        kvtest_assert_err(expected);
        assert_int_not_equal(i, 0);
    }
}

static void assert_causes(json_object *run, uint64_t compulsory, uint64_t refused, uint64_t evicted) {
    json_object *misses = NULL;
    assert_true(json_object_object_get_ex(run, "misses", &misses));
    assert_int_equal(shell_number(misses, "compulsory"), compulsory);
    assert_int_equal(shell_number(misses, "behind_a_gap"), 0);
    assert_int_equal(shell_number(misses, "refused"), refused);
    assert_int_equal(shell_number(misses, "evicted"), evicted);
}

static void every_miss_has_one_cause(void **state) {
    (void)state;
    /* 2 blocks: [1 2 3] is refused, [9 8] evicts [1 2] */
    shell_file("t",
               "{\"hash_ids\": [1, 2, 3]}\n{\"hash_ids\": [1, 2]}\n{\"hash_ids\": [9, 8]}\n{\"hash_ids\": [1, 2]}\n");
    replay_json("t --why -c 2,3,unbounded --known-queue 3");
    assert_causes(run_of(0), 5, 2, 2);
    assert_causes(run_of(1), 5, 0, 1);
    assert_causes(run_of(2), 5, 0, 0);
    assert_causes(run_of(3), 5, 2, 2); /* the queue, 2 blocks */
    assert_run(run_of(4), 3, 3, 6, 0); /* 3 blocks: 1 stays for the last request */
    assert_int_equal(shell_run("\"$K\" replay t --why -c 2"), 0);
    assert_non_null(strstr(shell_out, "behind a gap"));
}

static void a_known_queue_keeps_what_it_asks_for(void **state) {
    (void)state;
    /* 2 blocks: LRU loses 1 to 3 */
    shell_file("t", "{\"hash_ids\": [1]}\n{\"hash_ids\": [2]}\n{\"hash_ids\": [3]}\n{\"hash_ids\": [1]}\n");
    replay_json("t -c 2 --known-queue 1,2");
    assert_run(run_of(0), 0, 2, 4, 0);
    assert_run(run_of(1), 1, 1, 3, 0);
    assert_run(run_of(2), 1, 1, 3, 0);
    json_object *name = NULL;
    assert_true(json_object_object_get_ex(run_of(2), "policy", &name));
    assert_string_equal(json_object_get_string(name), "queue-2");
    assert_int_equal(shell_run("\"$K\" replay t --known-queue 0"), 2);
    assert_int_equal(shell_run("\"$K\" replay t --known-queue 1 --workers 2"), 2);
}

static void the_table_shows_the_same_figures(void **state) {
    (void)state;
    shell_file("t", "{\"hash_ids\": [1, 2, 3]}\n{\"hash_ids\": [1, 2, 4]}\n");
    assert_int_equal(shell_run("\"$K\" replay t -c 1k,unbounded"), 0);
    assert_non_null(strstr(shell_out, "t: 2 requests, 6 block references, 512 tokens a block, names xor "));
    assert_non_null(
        strstr(shell_out, "\nlru         1,000     2    33.33 %      33.33 %          0             2          0"));
    assert_non_null(strstr(shell_out, "\nlru     unbounded     2    33.33 %"));
    kvtest_assert_err(""); /* no progress bar where nobody looks */
}

int main(void) {
#define TEST(name) cmocka_unit_test_teardown(name, drop_report)
    const struct CMUnitTest tests[] = {
        TEST(a_second_request_hits_the_shared_prefix),
        TEST(the_tail_is_evicted_before_the_front),
        TEST(a_request_longer_than_the_cache_counts_hits_and_leaves_nothing),
        TEST(an_id_repeated_in_a_request_is_another_block),
        TEST(the_last_block_weighs_what_input_length_leaves_for_it),
        TEST(ids_up_to_the_largest_are_told_apart),
        TEST(a_request_of_any_length_has_the_names_of_its_tokens),
        TEST(names_are_those_of_the_real_path),
        TEST(files_standard_input_and_gzip_are_one_stream),
        TEST(the_report_has_the_keys_that_programs_read),
        TEST(an_empty_trace_gives_rows_of_nothing),
        TEST(capacities_take_suffixes_and_repeats_count_once),
        TEST(a_policy_runs_or_says_that_it_cannot_yet),
        TEST(every_miss_has_one_cause),
        TEST(a_known_queue_keeps_what_it_asks_for),
        TEST(the_table_shows_the_same_figures),
    };
    return cmocka_run_group_tests(tests, shell_setup, shell_teardown);
}
