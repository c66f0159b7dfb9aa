/* What the program says of input that is not what it should be: file, line, what was expected; and how it exits. */
#include "shell.h"

typedef struct bad_line {
    const char *line;
    const char *error; /* behind "t:2: " */
} bad_line;

/* Each stands as line 2 behind a good one. */
static void assert_lines_refused(const char *command, const char *good, const bad_line *lines, size_t count) {
    for (size_t i = 0; i < count; i++) {
        char text[1024], expected[512];
        snprintf(text, sizeof text, "%s\n%s\n%s\n", good, lines[i].line, good);
        snprintf(expected, sizeof expected, "t:2: %s\n", lines[i].error);
        shell_file("t", text);
        int code = shell_run("\"$K\" %s t", command);
        if (code != 3) fail_msg("%s: exit code %d, %s%s", lines[i].line, code, shell_err, shell_out);
        kvtest_assert_err(expected);
    }
}

#define ID_RANGE "to be an integer from 0 to 18446744073709551615, found "

static void a_bad_line_of_a_trace_is_named(void **state) {
    (void)state;
    static const bad_line lines[] = {
        {"{\"hash_ids\": [1, 2}", "expected JSON, found: array value separator ',' expected, at byte 19"},
        {"{\"hash_ids\": [1]", "expected JSON, found: unexpected end of data, at byte 17"},
        {"{\"hash_ids\": [1]} x", "expected JSON, found: unexpected character, at byte 19"},
        {"{\"hash_ids\": [1,]}", "expected JSON, found: unexpected character, at byte 17"},
        {"nonsense", "expected JSON, found: null expected, at byte 2"},
        {"[1, 2]", "expected a request as a JSON object, found a list"},
        {"null", "expected a request as a JSON object, found null"},
        {"12", "expected a request as a JSON object, found 12"},
        {"{\"input_length\": 4}", "expected a key hash_ids, found none"},
        {"{\"hash_ids\": null}", "expected hash_ids to be a list of integers, found null"},
        {"{\"hash_ids\": \"1\"}", "expected hash_ids to be a list of integers, found a string"},
        {"{\"hash_ids\": [1, -1]}", "expected hash_ids[1] " ID_RANGE "-1"},
        {"{\"hash_ids\": [\"1\"]}", "expected hash_ids[0] " ID_RANGE "a string"},
        {"{\"hash_ids\": [1.5]}", "expected hash_ids[0] " ID_RANGE "1.5"},
        {"{\"hash_ids\": [1e3]}", "expected hash_ids[0] " ID_RANGE "1e3"},
        {"{\"hash_ids\": [true]}", "expected hash_ids[0] " ID_RANGE "a boolean"},
        {"{\"hash_ids\": [[1]]}", "expected hash_ids[0] " ID_RANGE "a list"},
        {"{\"hash_ids\": [18446744073709551616]}", "expected hash_ids[0] " ID_RANGE "184467440737095516e2"},
        {"{\"hash_ids\": [-9223372036854775809]}", "expected hash_ids[0] " ID_RANGE "-92233720368547758e2"},
        {"{\"hash_ids\": [01]}", "expected a number at byte 15"},
        {"{\"hash_ids\": [NaN]}", "expected JSON at byte 15"},
        {"{\"hash_ids\": [1], \"hash_ids\": [2]}", "expected each key of an object once"},
        {"{\"hash_ids\": [1], \"x\": '1'}", "expected JSON at byte 24"},
        {"{\"hash_ids\": [1], \"x\": \"\xff\"}", "expected UTF-8 at byte 25"},
        {"{\"hash_ids\": [1], \"input_length\": -1}", "expected input_length to be an integer from 0, found -1"},
        {"{\"hash_ids\": [1], \"input_length\": null}", "expected input_length to be an integer from 0, found null"},
        {"{\"hash_ids\": [1], \"output_length\": \"7\"}",
         "expected output_length to be an integer from 0, found a string"},
        {"{\"hash_ids\": [1], \"timestamp\": \"7\"}",
         "expected timestamp to be a number of milliseconds, found a string"},
    };
    assert_lines_refused("replay -c 5", "{\"hash_ids\": [1]}", lines, sizeof lines / sizeof *lines);
}

static void a_bad_request_to_hash_is_named(void **state) {
    (void)state;
    static const bad_line lines[] = {
        {"{\"tokens\": [1]}", "expected a key block_size, found none"},
        {"{\"block_size\": 4}", "expected a key tokens, found none"},
        {"{\"block_size\": 4, \"tokens\": {}}", "expected tokens to be a list of integers, found an object"},
        {"{\"block_size\": 4, \"tokens\": [4294967296]}",
         "expected tokens[0] to be an integer from 0 to 4294967295, found 4294967296"},
        {"{\"block_size\": 4, \"tokens\": [0, -1]}",
         "expected tokens[1] to be an integer from 0 to 4294967295, found -1"},
        {"{\"block_size\": \"4\", \"tokens\": []}", "expected block_size " ID_RANGE "a string"},
        {"{\"block_size\": -4, \"tokens\": []}", "expected block_size " ID_RANGE "-4"},
        {"{\"block_size\": 4, \"tokens\": [], \"salt\": 7}", "expected salt to be a string or null, found 7"},
        {"{\"block_size\": 4, \"tokens\": [], \"lora_name\": []}",
         "expected lora_name to be a string or null, found a list"},
        {"{\"block_size\": 4, \"tokens\": [], \"name\": 7}", "expected name to be a string, found 7"},
        {"{\"block_size\": 4, \"tokens\": [], \"mm_info\": 7}", "expected mm_info to be a list of objects, found 7"},
        {"{\"block_size\": 4, \"tokens\": [], \"mm_info\": [7]}", "expected mm_info[0] to be an object, found 7"},
        {"{\"block_size\": 4, \"tokens\": [], \"salt\": \"\\ud800\"}",
         "expected both halves of a surrogate pair at byte 42"},
        {"{\"block_size\": 4, \"tokens\": [], \"mm_info\": [{\"mm_hash\": \"1\", \"offset\": \"0\", \"length\": "
         "\"x\"}]}",
         "expected length of mm_info[0] to be an integer from 0 to 18446744073709551615, or one as a string, found a "
         "string"},
        {"{\"block_size\": 4, \"tokens\": [], \"mm_info\": [{\"mm_hash\": \"1\", \"length\": \"1\"}]}",
         "expected offset of mm_info[0] to be an integer from 0 to 18446744073709551615, or one as a string, found "
         "none"},
    };
    assert_lines_refused("hash", "{\"block_size\": 4, \"tokens\": []}", lines, sizeof lines / sizeof *lines);
}

static void a_request_without_hashes_gets_an_error_and_the_rest_goes_on(void **state) {
    (void)state;
    shell_file("t", "{\"name\": \"none\", \"block_size\": 0, \"tokens\": [1]}\n{\"block_size\": 18446744073709551615, "
                    "\"tokens\": [1]}\n");
    assert_int_equal(shell_run("\"$K\" hash t"), 0);
    assert_string_equal(
        shell_out, "{\"name\":\"none\",\"expect\":{\"blocks\":null,\"error\":{\"message\":\"block_size must be greater "
                   "than zero\",\"variant\":\"BlockSize\"},\"salt_hash\":\"1337\"}}\n"
                   "{\"name\":null,\"expect\":{\"blocks\":[],\"error\":null,\"salt_hash\":\"1337\"}}\n");
}

static void arguments_that_make_no_sense_are_refused(void **state) {
    (void)state;
    shell_file("t", "{\"hash_ids\": [1]}\n");
    static const char *const arguments[][2] = {
        {"replay t -c 0",
         "kvstrata: --capacity: expected 'unbounded' or a number of blocks from 1 to 2147483647, found '0'"},
        {"replay t -c 5,,6",
         "kvstrata: --capacity: expected 'unbounded' or a number of blocks from 1 to 2147483647, found ''"},
        {"replay t -c -5",
         "kvstrata: --capacity: expected 'unbounded' or a number of blocks from 1 to 2147483647, found '-5'"},
        {"replay t -c 1kk",
         "kvstrata: --capacity: expected 'unbounded' or a number of blocks from 1 to 2147483647, found '1kk'"},
        {"replay t -c 3G",
         "kvstrata: --capacity: expected 'unbounded' or a number of blocks from 1 to 2147483647, found '3G'"},
        {"replay t -c 18446744073709551617", "kvstrata: --capacity: expected 'unbounded' or a number of blocks from 1 "
                                             "to 2147483647, found '18446744073709551617'"},
        {"replay t -p lfu", "kvstrata: --policy: expected lru, multi-lru, fifo, lineage, lineage-tick, lineage-fifo, "
                            "sieve, s3-fifo or survival, found 'lfu'"},
        {"replay t -b 0", "kvstrata replay: expected a block size that is a power of two from 1 to 1024, found '0'"},
        {"replay t -b 48", "kvstrata replay: expected a block size that is a power of two from 1 to 1024, found '48'"},
        {"replay t --plot x.gif", "kvstrata: x.gif: expected a picture named .svg or .png"},
        {"replay t --nonsense", "kvstrata replay: unrecognized option '--nonsense'"},
        {"nonsense", "kvstrata: no such command: 'nonsense'"},
        {"", "kvstrata: expected a command"},
        {"generate t", "kvstrata generate: expected options only, found 't'"},
        {"generate --zipf 1.2345", "kvstrata generate: --zipf: expected a number from 0 to 10, found '1.2345'"},
        {"generate --turns 0", "kvstrata generate: --turns: expected a number from 1 to 1000000, found '0'"},
        {"hash --capacity 5", "kvstrata hash: unrecognized option '--capacity'"},
    };
    for (size_t i = 0; i < sizeof arguments / sizeof *arguments; i++) {
        int code = shell_run("\"$K\" %s", arguments[i][0]);
        if (code != 2) fail_msg("%s: exit code %d", arguments[i][0], code);
        shell_err[strcspn(shell_err, "\n")] = '\0'; /* argp goes on with where to find help */
        kvtest_assert_err(arguments[i][1]);
        assert_string_equal(shell_out, "");
    }
}

static void files_that_cannot_be_read_are_named(void **state) {
    (void)state;
    assert_int_equal(shell_run("\"$K\" replay missing -c 5"), 1);
    kvtest_assert_err("kvstrata: missing: No such file or directory\n");
    assert_int_equal(shell_run("\"$K\" replay / -c 5"), 1);
    kvtest_assert_err("/:1: Is a directory\n");
    assert_int_equal(shell_run("\"$K\" replay - -c 5 <&-"), 1);
    kvtest_assert_err("-:1: Bad file descriptor\n");
    assert_int_equal(shell_run("\"$K\" hash missing"), 1);
    kvtest_assert_err("kvstrata: missing: No such file or directory\n");
}

static void damaged_gzip_data_is_found_where_it_is(void **state) {
    (void)state;
    assert_int_equal(shell_run("\"$K\" generate --requests 3000 >t && gzip -k t && head -c 20000 t.gz >cut.gz"), 0);
    assert_int_equal(shell_run("\"$K\" replay t.gz -c 100"), 0);
    assert_int_equal(shell_run("\"$K\" replay cut.gz -c 100"), 3);
    assert_int_equal(shell_run("gzip -dc cut.gz | wc -l"), 0);
    unsigned long lines = strtoul(shell_out, NULL, 10);
    char expected[100];
    snprintf(expected, sizeof expected, "cut.gz:%lu: expected more gzip data, found the end of the file\n", lines + 1);
    assert_int_equal(shell_run("\"$K\" replay cut.gz -c 100"), 3);
    kvtest_assert_err(expected);
    assert_int_equal(shell_run("{ head -c -8 t.gz; printf 12345678; } >bad.gz; \"$K\" replay bad.gz -c 100"), 3);
    /* zlib keeps back what it decoded just before: the line is the first of those */
    assert_memory_equal(shell_err, "bad.gz:", 7);
    assert_string_equal(strchr(shell_err, ' '), " expected gzip data, found damage: incorrect data check\n");
}

static void lines_of_any_length_are_read(void **state) {
    (void)state;
    /* 300,000 ids of one token each, and a key that is ignored and longer than any buffer at the start */
    assert_int_equal(shell_run("awk 'BEGIN { printf \"{\\\"x\\\": \\\"\"; for (i = 0; i < 400000; i++) printf \"y\";"
                               "printf \"\\\", \\\"hash_ids\\\": [0\"; for (i = 1; i < 300000; i++) printf \", %%d\", "
                               "i; print \"]}\" }' >t"),
                     0);
    assert_int_equal(shell_run("\"$K\" replay t t -b 1 -c 1M --json"), 0);
    json_object *report = shell_json();
    assert_int_equal(shell_number(report, "block_references"), 600000);
    json_object_put(report);
}

static void nesting_too_deep_is_refused(void **state) {
    (void)state;
    assert_int_equal(shell_run("awk 'BEGIN { for (i = 0; i < 100000; i++) printf \"[\"; print \"\" }' | \"$K\" replay"),
                     3);
    kvtest_assert_err("-:1: expected JSON, found: nesting too deep, at byte 33\n");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bad_line_of_a_trace_is_named),
        cmocka_unit_test(a_bad_request_to_hash_is_named),
        cmocka_unit_test(a_request_without_hashes_gets_an_error_and_the_rest_goes_on),
        cmocka_unit_test(arguments_that_make_no_sense_are_refused),
        cmocka_unit_test(files_that_cannot_be_read_are_named),
        cmocka_unit_test(damaged_gzip_data_is_found_where_it_is),
        cmocka_unit_test(lines_of_any_length_are_read),
        cmocka_unit_test(nesting_too_deep_is_refused),
    };
    return cmocka_run_group_tests(tests, shell_setup, shell_teardown);
}
