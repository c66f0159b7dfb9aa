/* `kvstrata hash` against the vectors of the original system, as parsed JSON. */
#include "shell.h"

static json_object *parse_line(char **text) {
    char *end = strchr(*text, '\n');
    if (end == NULL) return NULL;
    *end = '\0';
    json_object *value = json_tokener_parse(*text);
    assert_non_null(value);
    *text = end + 1;
    return value;
}

static void compare(const char *vectors) {
    assert_int_equal(shell_run("gzip -dc \"$KVSTRATA_SOURCE/tests/vectors/hashing/%s\"", vectors), 0);
    char *expected = shell_out;
    shell_out = NULL;
    assert_int_equal(shell_run("\"$K\" hash \"$KVSTRATA_SOURCE/tests/vectors/hashing/%s\"", vectors), 0);
    char *wanted = expected, *answered = shell_out;
    size_t count = 0;
    for (json_object *want; (want = parse_line(&wanted)) != NULL; count++) {
        json_object *answer = parse_line(&answered);
        assert_non_null(answer);
        json_object *only = json_object_new_object(), *member = NULL;
        static const char *const keys[] = {"name", "expect"};
        for (size_t i = 0; i < 2; i++) {
            assert_true(json_object_object_get_ex(want, keys[i], &member));
            json_object_object_add(only, keys[i], json_object_get(member));
        }
        if (!json_object_equal(answer, only)) fail_msg("line %zu: %s", count + 1, json_object_to_json_string(answer));
        json_object_put(only);
        json_object_put(answer);
        json_object_put(want);
    }
    assert_string_equal(answered, "");
    assert_true(count > 50);
    printf("%s: %zu requests equal\n", vectors, count);
    free(expected);
}

static void text_requests_equal_the_vectors(void **state) {
    (void)state;
    compare("requests.jsonl.gz");
}

static void multimodal_requests_equal_the_vectors(void **state) {
    (void)state;
    compare("requests_mm.jsonl.gz");
}

static void faulty_runs_equal_the_vectors(void **state) {
    (void)state;
    compare("mm_errors.jsonl.gz");
}

static void integers_in_runs_are_as_good_as_strings(void **state) {
    (void)state;
    shell_file("t", "{\"tokens\": [1, 2], \"block_size\": 2, \"mm_info\": [{\"mm_hash\": 18446744073709551615, "
                    "\"offset\": 1, \"length\": 1}]}\n"
                    "{\"tokens\": [1, 2], \"block_size\": 2, \"mm_info\": [{\"mm_hash\": \"18446744073709551615\", "
                    "\"offset\": \"1\", "
                    "\"length\": \"1\"}]}\n");
    assert_int_equal(shell_run("\"$K\" hash t"), 0);
    char *at = shell_out;
    json_object *first = parse_line(&at), *second = parse_line(&at);
    assert_true(json_object_equal(first, second));
    json_object_put(first);
    json_object_put(second);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_requests_equal_the_vectors),
        cmocka_unit_test(multimodal_requests_equal_the_vectors),
        cmocka_unit_test(faulty_runs_equal_the_vectors),
        cmocka_unit_test(integers_in_runs_are_as_good_as_strings),
    };
    return cmocka_run_group_tests(tests, shell_setup, shell_teardown);
}
