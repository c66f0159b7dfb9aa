/* The strict reader: what RFC 8259 allows, and nothing else. */
#include "kvtest.h"

#include "shared/json.h"

/* A copy of exactly its size, so that a sanitizer sees the first byte read beyond it. */
static kvcore_status read_copy(const char *text, size_t length, json_object **value, kvcore_error *error) {
    char *copy = malloc(length > 0 ? length : 1);
    assert_non_null(copy);
    memcpy(copy, text, length);
    kvcore_status status = json_read(copy, length, NULL, value, error);
    free(copy);
    return status;
}

static void valid_texts_are_read(void **state) {
    (void)state;
    static const char *const texts[] = {
        "{}",
        "[]",
        "0",
        "-0",
        "12",
        " \t\r\n null ",
        "true",
        "false",
        "\"\"",
        "1.5",
        "1e2",
        "1E+2",
        "-1.5e-3",
        "1e999",
        "18446744073709551615",
        "-9223372036854775808",
        "[1,[2,[3]]]",
        "{\"a\":{\"b\":1},\"c\":[{\"b\":1},{\"b\":2}]}",
        "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\"",
        "\"\\ud83d\\ude00\"",
        "\"\\u0000\"",
        "\"\xc3\xa9\xe6\xa8\xa1\xf0\x9f\x9a\x80\"",
        "\"\x7f\"",
        "{\"a:b\":\"c:d\"}",
        "{\"\":1}",
        "99999999999999999999999999999999999999",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        json_object *value = NULL;
        kvcore_error error;
        kvcore_status status = read_copy(texts[i], strlen(texts[i]), &value, &error);
        if (status != KVCORE_OK) fail_msg("%s: %s", texts[i], error.text);
        json_object_put(value);
    }
}

static const char *const no_json[] = {
    "",
    " ",
    "{",
    "[",
    "\"",
    "{\"a\"",
    "{\"a\":",
    "{\"a\":1",
    "[1",
    "nul",
    "NaN",
    "nan",
    "Infinity",
    "-Infinity",
    "True",
    "NULL",
    "'a'",
    "{'a':1}",
    "{a:1}",
    "[1,]",
    "{\"a\":1,}",
    "[,]",
    "[1 2]",
    "{\"a\" 1}",
    "1 2",
    "{} {}",
    "01",
    "00",
    "-01",
    "+1",
    "1.",
    ".5",
    "-",
    "1e",
    "1e+",
    "1-2",
    "0x10",
    "--1",
    "1.2.3",
    "/* c */ 1",
    "1 // c",
    "\"\x01\"",
    "\"\t\"",
    "\"\n\"",
    "\"\\x\"",
    "\"\\u12g4\"",
    "\"\\u12\"",
    "\"\\ud800\"",
    "\"\\udc00\"",
    "\"\\ud800\\u0041\"",
    "\"\\ud800x\"",
    "\"\xff\"",
    "\"\xc0\x80\"",
    "\"\xed\xa0\x80\"",
    "\"\xf4\x90\x80\x80\"",
    "\"\xe6\xa8\"",
    "\"\xc3\"",
    "\xef\xbb\xbf{}",
    "{\"a\":1,\"a\":2}",
    "{\"a\":{\"b\":1,\"b\":1}}",
    "{\"a\\u0000\":1}",
    "{\"a\\u0000\" : 1}",
    "1\v",
    "\"\\",
    "\"\\u",
    "{\"a\":1}}",
    "]",
};

static void what_is_no_json_is_refused(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof no_json / sizeof *no_json; i++) {
        json_object *value = NULL;
        kvcore_error error;
        kvcore_status status = read_copy(no_json[i], strlen(no_json[i]), &value, &error);
        if (status != KVCORE_EFORMAT) fail_msg("%s: %s", no_json[i], kvcore_status_text(status));
        assert_memory_equal(error.text, "expected ", 9);
        assert_null(value);
    }
}

static void a_nul_byte_ends_nothing(void **state) {
    (void)state;
    json_object *value = NULL;
    kvtest_assert_status(read_copy("{}\0", 3, &value, NULL), KVCORE_EFORMAT);
    kvtest_assert_status(read_copy("\"a\0b\"", 5, &value, NULL), KVCORE_EFORMAT);
    kvtest_assert_status(read_copy("1\0002", 3, &value, NULL), KVCORE_EFORMAT);
}

static void integers_are_exact_or_no_integers(void **state) {
    (void)state;
    static const struct {
        const char *text;
        bool integer;
        uint64_t number;
    } cases[] = {
        {"0", true, 0},
        {"-0", true, 0},
        {"9223372036854775808", true, UINT64_C(9223372036854775808)},
        {"18446744073709551615", true, UINT64_MAX},
        {"18446744073709551616", false, 0},
        {"99999999999999999999", false, 0},
        {"100000000000000000000", false, 0},
        {"-1", false, 0},
        {"-9223372036854775809", false, 0},
        {"1.0", false, 0},
        {"1e2", false, 0},
        {"\"1\"", false, 0},
        {"null", false, 0},
        {"true", false, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        json_object *value = NULL;
        uint64_t number = 0;
        kvtest_assert_ok(read_copy(cases[i].text, strlen(cases[i].text), &value, NULL));
        if (json_to_u64(value, &number) != cases[i].integer) fail_msg("%s", cases[i].text);
        assert_int_equal(number, cases[i].number);
        json_object_put(value);
    }
}

static void nesting_has_a_limit(void **state) {
    (void)state;
    char text[4 * JSON_DEPTH];
    for (size_t depth = JSON_DEPTH - 2; depth < JSON_DEPTH + 3; depth++) {
        memset(text, '[', depth);
        text[depth] = '1';
        memset(text + depth + 1, ']', depth);
        json_object *value = NULL;
        kvcore_status status = read_copy(text, 2 * depth + 1, &value, NULL);
        kvtest_assert_status(status, depth <= JSON_DEPTH ? KVCORE_OK : KVCORE_EFORMAT);
        json_object_put(value);
    }
}

/* ---- a list of integers without an object each ---- */

static kvcore_status read_numbers(const char *text, size_t most, json_numbers *numbers, kvcore_error *error) {
    char *copy = malloc(strlen(text));
    json_object *value = NULL;
    assert_non_null(copy);
    memcpy(copy, text, strlen(text));
    numbers->key = "ids";
    numbers->most = most;
    kvcore_status status = json_read(copy, strlen(text), numbers, &value, error);
    json_object *list = NULL;
    if (status == KVCORE_OK && numbers->found) {
        assert_true(json_object_object_get_ex(value, "ids", &list));
        assert_int_equal(json_object_array_length(list), 0);
    }
    json_object_put(value);
    free(copy);
    return status;
}

static void integers_of_the_key_are_read_apart(void **state) {
    (void)state;
    json_numbers numbers = {.key = NULL};
    kvcore_error error;
    kvtest_assert_ok(read_numbers("{\"a\": [7], \"ids\" : [ 1 ,18446744073709551615,\t0 ], \"b\": {\"ids\": [9]}}", 8,
                                  &numbers, &error));
    assert_true(numbers.found);
    assert_int_equal(numbers.count, 3);
    assert_true(numbers.values[0] == 1 && numbers.values[1] == UINT64_MAX && numbers.values[2] == 0);
    kvtest_assert_ok(read_numbers("{\"ids\":[]}", 8, &numbers, &error));
    assert_true(numbers.found && numbers.count == 0);
    static const char *const others[] = {"{}",
                                         "{\"ids\": [1, 2.5]}",
                                         "{\"ids\": [-1]}",
                                         "{\"ids\": [18446744073709551616]}",
                                         "{\"ids\": [1, \"2\"]}",
                                         "{\"ids\": {\"ids\": [1]}}",
                                         "{\"a\": {\"ids\": [1]}}",
                                         "{\"a\": \"ids\", \"b\": [1]}",
                                         "{\"i\\u0064s\": [1]}",
                                         "[\"ids\", [1]]"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        kvtest_assert_ok(read_numbers(others[i], 8, &numbers, &error));
        assert_false(numbers.found);
    }
    static const char *const faulty[] = {
        "{\"ids\": [1, ]}", "{\"ids\": [1 2]}", "{\"ids\": [01]}", "{\"ids\": [1",
        "{\"ids\": [1,",    "{\"ids\": [",      "{\"ids\": [,1]}", "{\"ids\": [1], \"ids\": [2]}",
        "{\"ids\": [1]"};
    for (size_t i = 0; i < sizeof faulty / sizeof *faulty; i++)
        if (read_numbers(faulty[i], 8, &numbers, &error) != KVCORE_EFORMAT) fail_msg("%s was read", faulty[i]);
    kvtest_assert_status(read_numbers("{\"ids\": [1,2,3]}", 2, &numbers, &error), KVCORE_EOVERFLOW);
    assert_string_equal(error.text, "expected at most 2 ids, found more");
    free(numbers.values);
}

static void more_values_than_memory_is_good_for_are_refused(void **state) {
    (void)state;
    size_t length = 2 * JSON_VALUES_MAX + 3;
    char *text = malloc(length);
    assert_non_null(text);
    for (size_t i = 0; i < length - 1; i++) text[i] = i % 2 ? '1' : ',';
    text[0] = '[';
    text[length - 1] = ']';
    json_object *value = NULL;
    kvcore_error error;
    kvtest_assert_status(json_read(text, length, NULL, &value, &error), KVCORE_EOVERFLOW);
    assert_string_equal(error.text, "expected at most 1048576 values, found more");
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(valid_texts_are_read),
        cmocka_unit_test(what_is_no_json_is_refused),
        cmocka_unit_test(a_nul_byte_ends_nothing),
        cmocka_unit_test(integers_are_exact_or_no_integers),
        cmocka_unit_test(nesting_has_a_limit),
        cmocka_unit_test(integers_of_the_key_are_read_apart),
        cmocka_unit_test(more_values_than_memory_is_good_for_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
