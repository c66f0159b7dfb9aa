#include "shared/json.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct json_scan {
    char *text;
    size_t length;
    size_t at;
    size_t members; /* of all objects together */
    size_t commas;  /* between values */
    size_t depth;
    json_numbers *numbers; /* or NULL */
    kvcore_error *error;
} json_scan;

static kvcore_status refuse(const json_scan *scan, size_t at, const char *expected) {
    return kvcore_fail(scan->error, &(kvcore_error){.code = KVCORE_EFORMAT, .index = KVCORE_NO_INDEX, .offset = at},
                       "expected %s at byte %zu", expected, at + 1);
}

size_t utf8_length(const char *text, size_t left) {
    const unsigned char *byte = (const unsigned char *)text;
    if (left == 0) return 0;
    if (byte[0] < 0x80) return 1;
    size_t length = byte[0] >= 0xF0 ? 4 : byte[0] >= 0xE0 ? 3 : 2;
    if (byte[0] < 0xC2 || byte[0] > 0xF4 || length > left) return 0;
    for (size_t i = 1; i < length; i++)
        if ((byte[i] & 0xC0) != 0x80) return 0;
    /* overlong forms, surrogates, beyond U+10FFFF: the second byte tells */
    if ((byte[0] == 0xE0 && byte[1] < 0xA0) || (byte[0] == 0xED && byte[1] > 0x9F)) return 0;
    if ((byte[0] == 0xF0 && byte[1] < 0x90) || (byte[0] == 0xF4 && byte[1] > 0x8F)) return 0;
    return length;
}

/* The value of \uXXXX at `at`, or -1. */
static int escaped_unit(const json_scan *scan, size_t at) {
    if (scan->length - at < 6 || scan->text[at] != '\\' || scan->text[at + 1] != 'u') return -1;
    int unit = 0;
    for (size_t i = at + 2; i < at + 6; i++) {
        char c = scan->text[i];
        int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;
        if (digit < 0) return -1;
        unit = 16 * unit + digit;
    }
    return unit;
}

/* A backslash and what belongs to it; json-c looks at the letter. */
static kvcore_status scan_escape(json_scan *scan, bool *nul) {
    size_t start = scan->at;
    if (start + 1 < scan->length && scan->text[start + 1] == 'u') {
        int unit = escaped_unit(scan, start);
        if (unit < 0) return refuse(scan, start, "four hexadecimal digits after \\u");
        if (unit == 0) *nul = true;
        scan->at += 6;
        if (unit < 0xD800 || unit > 0xDFFF) return KVCORE_OK;
        int low = unit < 0xDC00 ? escaped_unit(scan, scan->at) : -1;
        if (low < 0xDC00 || low > 0xDFFF) return refuse(scan, start, "both halves of a surrogate pair");
        scan->at += 6;
        return KVCORE_OK;
    }
    scan->at += 2;
    return KVCORE_OK;
}

static kvcore_status scan_string(json_scan *scan) {
    size_t start = scan->at++;
    bool nul = false;
    while (scan->at < scan->length && scan->text[scan->at] != '"') {
        if (scan->text[scan->at] == '\\') {
            kvcore_status status = scan_escape(scan, &nul);
            if (status != KVCORE_OK) return status;
            continue;
        }
        if ((unsigned char)scan->text[scan->at] < 0x20)
            return refuse(scan, scan->at, "control characters of a string to be escaped");
        size_t length = utf8_length(scan->text + scan->at, scan->length - scan->at);
        if (length == 0) return refuse(scan, scan->at, "UTF-8");
        scan->at += length;
    }
    if (scan->at >= scan->length) {
        scan->at = scan->length; /* json-c reports the missing end */
        return KVCORE_OK;
    }
    scan->at++;
    size_t next = scan->at;
    while (next < scan->length && strchr(" \t\r\n", scan->text[next]) != NULL && scan->text[next] != '\0') next++;
    if (nul && next < scan->length && scan->text[next] == ':') return refuse(scan, start, "a key without \\u0000");
    return KVCORE_OK;
}

static size_t skip_digits(const char *text, size_t at, size_t end) {
    while (at < end && text[at] >= '0' && text[at] <= '9') at++;
    return at;
}

/* -?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)? and nothing else up to `end`. *integer: no fraction, no exponent. */
static bool number_is_valid(const char *text, size_t at, size_t end, bool *integer) {
    if (at < end && text[at] == '-') at++;
    size_t digits = skip_digits(text, at, end);
    if (digits == at || (text[at] == '0' && digits > at + 1)) return false;
    *integer = digits == end;
    if (digits < end && text[digits] == '.') {
        at = digits + 1;
        digits = skip_digits(text, at, end);
        if (digits == at) return false;
    }
    if (digits < end && (text[digits] == 'e' || text[digits] == 'E')) {
        at = digits + 1;
        if (at < end && (text[at] == '+' || text[at] == '-')) at++;
        digits = skip_digits(text, at, end);
        if (digits == at) return false;
    }
    return digits == end;
}

static kvcore_status scan_number(json_scan *scan) {
    size_t start = scan->at, end = start;
    while (end < scan->length && scan->text[end] != '\0' && strchr("0123456789+-.eE", scan->text[end]) != NULL) end++;
    bool integer = false;
    if (!number_is_valid(scan->text, start, end, &integer)) return refuse(scan, start, "a number");
    scan->at = end;
    if (!integer) return KVCORE_OK;
    const char *limit = scan->text[start] == '-' ? "9223372036854775808" : "18446744073709551615";
    size_t digits = end - start - (scan->text[start] == '-');
    size_t most = strlen(limit);
    if (digits > most || (digits == most && memcmp(scan->text + end - digits, limit, most) > 0)) {
        /* json-c would cut it to the limit: drop two digits for an exponent, which makes it floating point */
        scan->text[end - 2] = 'e';
        scan->text[end - 1] = '2';
    }
    return KVCORE_OK;
}

/* ---- the list of numbers ---- */

static bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

static size_t skip_spaces(const json_scan *scan, size_t at) {
    while (at < scan->length && is_space(scan->text[at])) at++;
    return at;
}

/* Behind the `[` of a value of this key, which begins at `start`; 0 if it is none. */
static size_t list_of_key(const json_scan *scan, size_t start) {
    size_t length = strlen(scan->numbers->key), at = start + 1;
    if (scan->length - at < length + 1 || memcmp(scan->text + at, scan->numbers->key, length) != 0) return 0;
    at += length;
    if (scan->text[at] != '"') return 0;
    at = skip_spaces(scan, at + 1);
    if (at == scan->length || scan->text[at] != ':') return 0;
    at = skip_spaces(scan, at + 1);
    return at < scan->length && scan->text[at] == '[' ? at + 1 : 0;
}

/* An integer from 0 to 2^64 − 1 at `at`, as JSON writes one. Gives the place behind it, or 0. */
static size_t read_integer(const json_scan *scan, size_t at, uint64_t *value) {
    size_t end = skip_digits(scan->text, at, scan->length);
    if (end == at || (scan->text[at] == '0' && end > at + 1)) return 0;
    *value = 0;
    for (; at < end; at++)
        if (__builtin_mul_overflow(*value, UINT64_C(10), value) ||
            __builtin_add_overflow(*value, (uint64_t)(scan->text[at] - '0'), value))
            return 0;
    return end;
}

static kvcore_status keep_number(json_scan *scan, uint64_t value) {
    json_numbers *numbers = scan->numbers;
    if (numbers->count == numbers->most)
        return kvcore_fail(scan->error, &(kvcore_error){.code = KVCORE_EOVERFLOW, .expected = numbers->most},
                           "expected at most %zu %s, found more", numbers->most, numbers->key);
    if (numbers->count == numbers->capacity) {
        size_t capacity = numbers->capacity == 0 ? 64 : 2 * numbers->capacity;
        uint64_t *grown = realloc(numbers->values, capacity * sizeof *grown);
        if (grown == NULL) return kvcore_fail(scan->error, &(kvcore_error){.code = KVCORE_ENOMEM}, "out of memory");
        numbers->values = grown;
        numbers->capacity = capacity;
    }
    numbers->values[numbers->count++] = value;
    return KVCORE_OK;
}

/* From behind `[`: all integers, and blanks in their place. A list of anything else is left to json-c. */
static kvcore_status scan_list(json_scan *scan, size_t start) {
    size_t at = skip_spaces(scan, start), end;
    scan->numbers->count = 0;
    while (at < scan->length && scan->text[at] != ']') {
        uint64_t value;
        if ((end = read_integer(scan, at, &value)) == 0) return KVCORE_OK;
        kvcore_status status = keep_number(scan, value);
        if (status != KVCORE_OK) return status;
        at = skip_spaces(scan, end);
        if (at == scan->length || (scan->text[at] != ',' && scan->text[at] != ']')) return KVCORE_OK;
        if (scan->text[at] == ']') break;
        at = skip_spaces(scan, at + 1);
        if (at == scan->length || scan->text[at] == ']') return KVCORE_OK;
    }
    if (at == scan->length) return KVCORE_OK;
    memset(scan->text + start, ' ', at - start);
    scan->numbers->found = true;
    return KVCORE_OK;
}

static kvcore_status scan_key_or_string(json_scan *scan) {
    size_t list = scan->depth == 1 && scan->numbers != NULL ? list_of_key(scan, scan->at) : 0;
    if (list != 0) {
        kvcore_status status = scan_list(scan, list);
        if (status != KVCORE_OK) return status;
    }
    return scan_string(scan);
}

/* Everything that json-c does not look at closely enough. */
static kvcore_status scan_text(json_scan *scan) {
    while (scan->at < scan->length) {
        char c = scan->text[scan->at];
        kvcore_status status = KVCORE_OK;
        if (c == '"')
            status = scan_key_or_string(scan);
        else if (c == '-' || (c >= '0' && c <= '9'))
            status = scan_number(scan);
        else if (c == '\0' || strchr("{}[],: \t\r\nabcdefghijklmnopqrstuvwxyz", c) == NULL)
            status = refuse(scan, scan->at, "JSON");
        else {
            scan->members += c == ':';
            scan->commas += c == ',';
            scan->depth += (c == '{' || c == '[') - (c == '}' || c == ']');
            scan->at++;
        }
        if (status != KVCORE_OK) return status;
    }
    if (scan->commas < JSON_VALUES_MAX) return KVCORE_OK;
    return kvcore_fail(scan->error, &(kvcore_error){.code = KVCORE_EOVERFLOW, .expected = JSON_VALUES_MAX},
                       "expected at most %d values, found more", JSON_VALUES_MAX);
}

static size_t count_members(json_object *value) {
    size_t members = 0;
    if (json_object_is_type(value, json_type_object)) {
        json_object_object_foreach(value, key, member) {
            (void)key;
            members += 1 + count_members(member);
        }
    } else if (json_object_is_type(value, json_type_array)) {
        for (size_t i = 0; i < json_object_array_length(value); i++)
            members += count_members(json_object_array_get_idx(value, i));
    }
    return members;
}

kvcore_status json_read(char *text, size_t length, json_numbers *numbers, json_object **value, kvcore_error *error) {
    if (length >= INT_MAX)
        return kvcore_fail(error, &(kvcore_error){.code = KVCORE_EOVERFLOW, .expected = INT_MAX, .actual = length},
                           "expected a line of less than %d bytes, found %zu", INT_MAX, length);
    json_scan scan = {.text = text, .length = length, .numbers = numbers, .error = error};
    if (numbers != NULL) numbers->found = false;
    kvcore_status status = scan_text(&scan);
    if (status != KVCORE_OK) return status;

    json_tokener *tokener = json_tokener_new_ex(JSON_DEPTH + 1);
    if (tokener == NULL) return kvcore_fail(error, &(kvcore_error){.code = KVCORE_ENOMEM}, "out of memory");
    json_tokener_set_flags(tokener, JSON_TOKENER_STRICT);
    json_object *read = json_tokener_parse_ex(tokener, text, (int)length);
    enum json_tokener_error outcome = json_tokener_get_error(tokener);
    size_t end = json_tokener_get_parse_end(tokener) + (outcome != json_tokener_error_depth);
    if (outcome == json_tokener_continue) { /* a number could go on: an empty piece says that the text does not */
        read = json_tokener_parse_ex(tokener, "", 1);
        outcome = json_tokener_get_error(tokener);
    }
    json_tokener_free(tokener);
    if (outcome != json_tokener_success)
        return kvcore_fail(error, &(kvcore_error){.code = KVCORE_EFORMAT, .index = KVCORE_NO_INDEX, .offset = end - 1},
                           "expected JSON, found: %s, at byte %zu", json_tokener_error_desc(outcome), end);
    if (count_members(read) != scan.members) {
        json_object_put(read);
        return kvcore_fail(error, &(kvcore_error){.code = KVCORE_EFORMAT, .index = KVCORE_NO_INDEX},
                           "expected each key of an object once");
    }
    *value = read;
    return KVCORE_OK;
}

bool json_to_u64(json_object *value, uint64_t *number) {
    if (!json_object_is_type(value, json_type_int) || json_object_get_int64(value) < 0) return false;
    *number = json_object_get_uint64(value);
    return true;
}

const char *json_describe(json_object *value, char room[40]) {
    switch (json_object_get_type(value)) {
    case json_type_null: return "null";
    case json_type_boolean: return "a boolean";
    case json_type_object: return "an object";
    case json_type_array: return "a list";
    case json_type_string: return "a string";
    default: snprintf(room, 40, "%.39s", json_object_to_json_string(value)); return room;
    }
}
