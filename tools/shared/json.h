/* JSON texts, read strictly.
 *
 * json-c reads the structure. What it lets pass although RFC 8259 does not, or although it would come out as something
 * else than what was written, is refused here: single quotes, NaN and Infinity, `1.` and `-01`, control characters and
 * invalid UTF-8 in strings, lone surrogates, a NUL in a key, a key given twice. An integer beyond 64 bits, which json-c
 * would cut to the nearest that fits, is read as a floating point number instead, so nobody takes it for an integer. */
#ifndef TOOLS_JSON_H
#define TOOLS_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <json-c/json.h>

#include <kvcore/status.h>

/* Nesting beyond this is refused. */
#define JSON_DEPTH 32

/* Values besides those of a json_numbers; each takes some hundred bytes. */
#define JSON_VALUES_MAX (1 << 20)

/* A list of integers that is read without an object for each: the value of `key` in the outermost object. All zero but the
 * first two fields is an empty one; its memory is used again. */
typedef struct json_numbers {
    const char *key;
    size_t most; /* longer lists are refused */
    uint64_t *values;
    size_t count, capacity;
    bool found; /* the key is there with integers from 0 to 2^64 − 1 and nothing else: the value that is read is [] */
} json_numbers;

/* One value from text[0 … length−1], which is changed in the course.
 *
 * Gives:  *value, for json_object_put(); and numbers (NULL: none wanted).
 * Errors: KVCORE_EFORMAT with the byte (from 0) in error->offset and a text "expected …"; KVCORE_EOVERFLOW past
 *         2^31 − 1 bytes, JSON_VALUES_MAX values or numbers->most integers; KVCORE_ENOMEM. */
KVCORE_NODISCARD kvcore_status json_read(char *text, size_t length, json_numbers *numbers, json_object **value,
                                         kvcore_error *error);

/* Whether the value is an integer 0 … 2^64 − 1, and which. */
bool json_to_u64(json_object *value, uint64_t *number);

/* "a string", "-1", "a list", …: for "found %s". The text may point into room or to a constant. */
const char *json_describe(json_object *value, char room[40]);

/* Bytes of the UTF-8 sequence at text, 1 … 4, or 0 when there is none within `left` bytes. */
size_t utf8_length(const char *text, size_t left);

#endif
