/* What `kvstrata curve` prints of traces small enough to follow by hand. */
#include "shell.h"

static json_object *report;

static void curve_json(const char *arguments) {
    json_object_put(report);
    report = NULL;
    if (shell_run("\"$K\" curve --json %s", arguments) != 0) fail_msg("%s", shell_err);
    report = shell_json();
}

static int drop_report(void **state) {
    (void)state;
    json_object_put(report);
    report = NULL;
    return 0;
}

static json_object *element(json_object *of, const char *key, size_t index) {
    json_object *list = NULL;
    assert_true(json_object_object_get_ex(of, key, &list));
    assert_true(index < json_object_array_length(list));
    return json_object_array_get_idx(list, index);
}

static json_object *member(json_object *of, const char *key) {
    json_object *value = NULL;
    assert_true(json_object_object_get_ex(of, key, &value));
    return value;
}

/* A A comes back after one other block. */
#define ONE_BETWEEN "{\"hash_ids\": [1]}\n{\"hash_ids\": [2]}\n{\"hash_ids\": [1]}\n"

static void every_capacity_has_its_hits_and_the_best_there_could_be(void **state) {
    (void)state;
    shell_file("t", ONE_BETWEEN);
    curve_json("t");
    assert_int_equal(shell_number(report, "references"), 3);
    assert_int_equal(shell_number(report, "unique_blocks"), 2);
    assert_int_equal(shell_number(report, "exact_from"), 1);
    assert_int_equal(shell_number(element(report, "curve", 0), "hits"), 0);
    assert_int_equal(shell_number(element(report, "curve", 0), "optimum_hits"), 0);
    assert_int_equal(shell_number(element(report, "curve", 0), "next_tenth_hits"), 1);
    assert_int_equal(shell_number(element(report, "curve", 1), "hits"), 1);
    assert_int_equal(shell_number(member(element(report, "curve", 0), "misses"), "compulsory"), 2);
    assert_int_equal(shell_number(member(element(report, "curve", 0), "misses"), "capacity"), 1);
    assert_int_equal(shell_number(element(member(report, "reach"), "lru", 0), "capacity"), 2);
}

static void several_files_are_one_stream(void **state) {
    (void)state;
    shell_file("a", "{\"hash_ids\": [1, 2]}\n");
    shell_file("b", "{\"hash_ids\": [1, 2]}\n");
    curve_json("a b");
    assert_int_equal(shell_number(member(report, "ceiling"), "hits"), 2);
}

static void a_capacity_below_the_longest_request_is_replayed(void **state) {
    (void)state;
    shell_file("t", "{\"hash_ids\": [1]}\n{\"hash_ids\": [2, 3]}\n{\"hash_ids\": [1]}\n");
    curve_json("t --at 1");
    assert_int_equal(shell_number(element(report, "curve", 0), "capacity"), 1);
    assert_int_equal(shell_number(element(report, "curve", 0), "hits"), 1);
    assert_null(member(element(report, "curve", 0), "optimum_hits"));
    assert_int_equal(shell_number(element(report, "curve", 1), "hits"), 0);
}

static void a_host_tier_holds_what_the_device_gave_up(void **state) {
    (void)state;
    shell_file("t", ONE_BETWEEN);
    curve_json("t --host 1:1");
    json_object *tier = element(report, "tiers", 0);
    assert_int_equal(json_object_get_int(json_object_array_get_idx(member(tier, "exclusive"), 1)), 1);
    assert_int_equal(json_object_get_int(json_object_array_get_idx(member(tier, "inclusive"), 1)), 0);
}

static void a_limit_of_time_is_met_to_the_millisecond(void **state) {
    (void)state;
    shell_file("t", "{\"timestamp\": 0, \"hash_ids\": [1]}\n{\"timestamp\": 1000, \"hash_ids\": [1]}\n"
                    "{\"timestamp\": 2001, \"hash_ids\": [1]}\n");
    curve_json("t --ttl 1s,1001ms");
    assert_int_equal(shell_number(element(report, "ttl", 0), "hits"), 1);
    assert_int_equal(shell_number(element(report, "ttl", 1), "hits"), 2);
}

static void tenants_have_curves_of_their_own(void **state) {
    (void)state;
    shell_file("t", "{\"user\": \"x\", \"hash_ids\": [1, 2]}\n{\"user\": 7, \"hash_ids\": [3, 4]}\n"
                    "{\"user\": \"x\", \"hash_ids\": [1, 2]}\n");
    curve_json("t --tenant user --at 2,4");
    json_object *x = element(report, "tenants", 0);
    assert_string_equal(json_object_get_string(member(x, "tenant")), "x");
    assert_int_equal(shell_number(element(x, "at", 0), "hits_shared"), 0);
    assert_int_equal(shell_number(element(x, "at", 0), "hits_alone"), 2);
    assert_string_equal(json_object_get_string(member(element(report, "tenants", 1), "tenant")), "7");
    assert_int_equal(shell_number(element(report, "quotas", 0), "capacity"), 2);
}

static void larger_blocks_find_whole_groups_only(void **state) {
    (void)state;
    shell_file("t",
               "{\"input_length\": 48, \"hash_ids\": [1, 2, 3]}\n{\"input_length\": 48, \"hash_ids\": [1, 2, 3]}\n");
    curve_json("t -b 16 --group 2 --at 4");
    json_object *group = element(report, "groups_of_full_blocks", 0);
    assert_int_equal(shell_number(group, "references"), 2);
    assert_int_equal(shell_number(group, "ceiling_tokens"), 32);
}

static void full_blocks_leave_out_what_is_not_full(void **state) {
    (void)state;
    shell_file("t", "{\"input_length\": 20, \"hash_ids\": [1, 2]}\n{\"input_length\": 20, \"hash_ids\": [1, 2]}\n");
    curve_json("t -b 16");
    assert_int_equal(shell_number(member(report, "ceiling"), "hits"), 2);
    assert_int_equal(shell_number(member(report, "ceiling"), "hit_tokens"), 20);
    assert_int_equal(shell_number(report, "partial_tokens"), 8);
    curve_json("t -b 16 --full-blocks");
    assert_int_equal(shell_number(member(report, "ceiling"), "hits"), 1);
    assert_int_equal(shell_number(member(report, "ceiling"), "hit_tokens"), 16);
}

static void every_capacity_goes_to_a_file(void **state) {
    (void)state;
    shell_file("t", ONE_BETWEEN);
    curve_json("t --every e.csv");
    char *text = shell_read("e.csv", NULL);
    assert_string_equal(text, "capacity,hits,hit_tokens,evictions,never_reused\n1,0,0,2,3\n2,1,512,0,1\n");
    free(text);
}

static void nothing_gives_ratios_of_nothing(void **state) {
    (void)state;
    shell_file("t", "");
    curve_json("t");
    assert_null(member(element(report, "curve", 0), "hit_ratio"));
    assert_int_equal(shell_run("\"$K\" curve t"), 0);
    assert_non_null(strstr(shell_out, "\xE2\x80\x93")); /* a dash */
}

static void a_table_names_its_columns(void **state) {
    (void)state;
    shell_file("t", ONE_BETWEEN);
    assert_int_equal(shell_run("\"$K\" curve t --bytes-per-block 1G --plot p.svg"), 0);
    static const char *const columns[] = {"capacity",      "GiB",           "hit ratio",  "token ratio",
                                          "never reused",  "of optimum",    "compulsory", "capacity misses",
                                          "policy misses", "next 10 % buys"};
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) assert_non_null(strstr(shell_out, columns[i]));
    assert_non_null(strstr(shell_out, "90 % of what any cache could find: 2 blocks (LRU), 2 (optimum)\n"));
    char *svg = shell_read("p.svg", NULL);
    assert_non_null(strstr(svg, "optimum"));
    free(svg);
}

static void what_makes_no_sense_is_refused(void **state) {
    (void)state;
    shell_file("t", "{\"hash_ids\": [1, 2]}\n");
    assert_int_equal(shell_run("\"$K\" curve t --host 1:5"), 2);
    kvtest_assert_err("kvstrata: --host: a device of 1 blocks is less than the longest request, of 2\n");
    assert_int_equal(shell_run("\"$K\" curve t --host 5"), 2);
    assert_int_equal(shell_run("\"$K\" curve t --ttl 5x"), 2);
    kvtest_assert_err("kvstrata: --ttl: expected a time as 500ms, 10s, 5m or 2h, found '5x'\n");
    assert_int_equal(shell_run("\"$K\" curve t --ttl 5s"), 3);
    kvtest_assert_err("kvstrata: --ttl needs a timestamp in every request\n");
    assert_int_equal(shell_run("\"$K\" curve t --at 0"), 2);
    assert_int_equal(shell_run("\"$K\" curve t --group 0"), 2);
    assert_int_equal(shell_run("\"$K\" curve missing"), 1);
    shell_file("bad", "{\"user\": [1], \"hash_ids\": [1, 2]}\n");
    assert_int_equal(shell_run("\"$K\" curve bad --tenant user"), 3);
    kvtest_assert_err("bad:1: expected a tenant to be a string or an integer, found a list\n");
}

#define TEST(name) cmocka_unit_test_teardown(name, drop_report)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(every_capacity_has_its_hits_and_the_best_there_could_be),
        TEST(several_files_are_one_stream),
        TEST(a_capacity_below_the_longest_request_is_replayed),
        TEST(a_host_tier_holds_what_the_device_gave_up),
        TEST(a_limit_of_time_is_met_to_the_millisecond),
        TEST(tenants_have_curves_of_their_own),
        TEST(larger_blocks_find_whole_groups_only),
        TEST(full_blocks_leave_out_what_is_not_full),
        TEST(every_capacity_goes_to_a_file),
        TEST(nothing_gives_ratios_of_nothing),
        TEST(a_table_names_its_columns),
        TEST(what_makes_no_sense_is_refused),
    };
    return cmocka_run_group_tests(tests, shell_setup, shell_teardown);
}
