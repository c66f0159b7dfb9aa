/* Wire values as JSON: only the shapes that names, records and runs have. */
#include <stdio.h>
#include <string.h>

#include "wire_stream.h"

/* --- writing -------------------------------------------------------------------------------------------------------- */

static void put_number(wire_writer *writer, uint64_t number) {
    char digits[20];
    size_t at = sizeof digits;
    do digits[--at] = (char)('0' + number % 10);
    while ((number /= 10) != 0);
    kvhash__wire_put(writer, digits + at, sizeof digits - at);
}

static void put_hash(wire_writer *writer, const uint8_t hash[WIRE_HASH_BYTES]) {
    for (size_t i = 0; i < WIRE_HASH_BYTES; i++) {
        kvhash__wire_put_byte(writer, i == 0 ? '[' : ',');
        put_number(writer, hash[i]);
    }
    kvhash__wire_put_byte(writer, ']');
}

static void put_list_start(wire_writer *writer, size_t count) {
    (void)count;
    kvhash__wire_put_byte(writer, '[');
}

static void put_list_gap(wire_writer *writer) { kvhash__wire_put_byte(writer, ','); }

static void put_list_end(wire_writer *writer) { kvhash__wire_put_byte(writer, ']'); }

static void put_record(wire_writer *writer, const wire_field *fields, size_t count, bool named) {
    (void)named; /* always */
    for (size_t i = 0; i < count; i++) {
        kvhash__wire_put(writer, i == 0 ? "{\"" : ",\"", 2);
        kvhash__wire_put(writer, fields[i].name, strlen(fields[i].name));
        kvhash__wire_put(writer, "\":", 2);
        if (fields[i].hash != NULL)
            put_hash(writer, fields[i].hash);
        else
            put_number(writer, *fields[i].number);
    }
    kvhash__wire_put_byte(writer, '}');
}

/* --- reading -------------------------------------------------------------------------------------------------------- */

static void skip_blanks(wire_reader *reader) {
    while (reader->at < reader->end && memchr(" \t\n\r", *reader->at, 4) != NULL) reader->at++;
}

/* The next character that is no blank, not yet taken; −1 at the end. */
static int peek(wire_reader *reader) {
    skip_blanks(reader);
    return reader->at < reader->end ? *reader->at : -1;
}

static kvcore_status unexpected(wire_reader *reader, const char *what) {
    return kvhash__wire_fail(reader, reader->at == reader->end ? KVCORE_ETRUNCATED : KVCORE_EFORMAT, what);
}

static kvcore_status take(wire_reader *reader, char wanted, const char *what) {
    if (peek(reader) != wanted) return unexpected(reader, what);
    reader->at++;
    return KVCORE_OK;
}

static kvcore_status get_number(wire_reader *reader, uint64_t *number) {
    int first = peek(reader);
    if (first < '0' || first > '9') return unexpected(reader, "expected an unsigned number");
    uint64_t value = 0;
    for (; reader->at < reader->end && *reader->at >= '0' && *reader->at <= '9'; reader->at++)
        if (__builtin_mul_overflow(value, 10, &value) || __builtin_add_overflow(value, *reader->at - '0', &value))
            return kvhash__wire_fail(reader, KVCORE_EOVERFLOW, "number is past 2^64 - 1");
        else if (value == 0 && reader->at + 1 < reader->end && reader->at[1] >= '0' && reader->at[1] <= '9')
            return kvhash__wire_fail(reader, KVCORE_EFORMAT, "number has a leading zero");
    if (reader->at < reader->end && memchr(".eE", *reader->at, 3) != NULL)
        return kvhash__wire_fail(reader, KVCORE_EFORMAT, "expected an unsigned whole number");
    *number = value;
    return KVCORE_OK;
}

/* Behind an element of an array or object: *more after a comma, not after `close`. */
static kvcore_status get_separator(wire_reader *reader, char close, bool *more) {
    int next = peek(reader);
    if (next != ',' && next != close) return unexpected(reader, "expected a comma or the end of the list");
    reader->at++;
    *more = next == ',';
    return KVCORE_OK;
}

static kvcore_status get_hash(wire_reader *reader, uint8_t hash[WIRE_HASH_BYTES]) {
    kvcore_status status = take(reader, '[', "expected an array of 16 numbers");
    if (status != KVCORE_OK) return status;
    if (peek(reader) == ']') return kvhash__wire_fail_length(reader, 0, "u8 elements");
    for (size_t i = 0;; i++) {
        uint64_t number = 0;
        bool more = false;
        if (i == WIRE_HASH_BYTES) return kvhash__wire_fail_length(reader, i + 1, "u8 elements");
        if ((status = get_number(reader, &number)) != KVCORE_OK) return status;
        if (number > UINT8_MAX) return kvhash__wire_fail(reader, KVCORE_EFORMAT, "expected a number up to 255");
        hash[i] = (uint8_t)number;
        if ((status = get_separator(reader, ']', &more)) != KVCORE_OK) return status;
        if (more) continue;
        return i + 1 == WIRE_HASH_BYTES ? KVCORE_OK : kvhash__wire_fail_length(reader, i + 1, "u8 elements");
    }
}

static kvcore_status get_field(wire_reader *reader, wire_field *field) {
    return field->hash != NULL ? get_hash(reader, field->hash) : get_number(reader, field->number);
}

/* A key and its colon. */
static kvcore_status get_key(wire_reader *reader, wire_field *fields, size_t count, wire_field **field) {
    kvcore_status status = take(reader, '"', "expected a key");
    if (status != KVCORE_OK) return status;
    const uint8_t *close = memchr(reader->at, '"', wire_left(reader));
    if (close == NULL) {
        reader->at = reader->end;
        return kvhash__wire_fail(reader, KVCORE_ETRUNCATED, "expected the end of a key");
    }
    *field = kvhash__wire_find_field(fields, count, reader->at, (size_t)(close - reader->at));
    if (*field == NULL) return kvhash__wire_fail(reader, KVCORE_EFORMAT, "key is unknown or there twice");
    reader->at = close + 1;
    return take(reader, ':', "expected a colon");
}

static kvcore_status get_record(wire_reader *reader, wire_field *fields, size_t count) {
    bool named = peek(reader) == '{';
    if (!named && peek(reader) != '[') return unexpected(reader, "expected an object");
    reader->at++;
    for (size_t i = 0; i < count; i++) {
        wire_field *field = &fields[i];
        bool more = false;
        kvcore_status status = named ? get_key(reader, fields, count, &field) : KVCORE_OK;
        if (status == KVCORE_OK) status = get_field(reader, field);
        if (status == KVCORE_OK) status = get_separator(reader, named ? '}' : ']', &more);
        if (status != KVCORE_OK) return status;
        if (more != (i + 1 < count)) return kvhash__wire_fail(reader, KVCORE_EFORMAT, "too few or too many fields");
    }
    return KVCORE_OK;
}

/* `left`: 0 before the first element, 1 behind one. */
static kvcore_status get_list_start(wire_reader *reader, uint64_t *left) {
    *left = 0;
    return take(reader, '[', "expected an array");
}

static kvcore_status get_list_next(wire_reader *reader, uint64_t *left, bool *more) {
    if (*left != 0) return get_separator(reader, ']', more);
    *left = 1;
    *more = peek(reader) != ']';
    return *more ? KVCORE_OK : take(reader, ']', "expected the end of the list");
}

static kvcore_status get_end(wire_reader *reader) {
    return peek(reader) < 0 ? KVCORE_OK : kvhash__wire_fail(reader, KVCORE_EFORMAT, "expected the end of the input");
}

const wire_codec kvhash__wire_json = {
    put_hash, put_list_start, put_list_gap,   put_list_end,  put_record,
    get_hash, get_record,     get_list_start, get_list_next, get_end,
};
