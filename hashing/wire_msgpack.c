/* Wire values as MessagePack: only the shapes that names, records and runs have. */
#include <string.h>

#include <kvcore/bytes.h>

#include "wire_stream.h"

enum {
    FIXMAP = 0x80,
    FIXARRAY = 0x90,
    FIXSTR = 0xA0,
    BIN8 = 0xC4,
    BIN32 = 0xC6,
    UINT8 = 0xCC,
    UINT64 = 0xCF,
    INT8 = 0xD0,
    INT64 = 0xD3,
    STR8 = 0xD9,
    STR32 = 0xDB,
    ARRAY16 = 0xDC,
    ARRAY32 = 0xDD,
    MAP16 = 0xDE,
    MAP32 = 0xDF,
};

/* --- writing -------------------------------------------------------------------------------------------------------- */

/* A tag and then the number in 2^log2 bytes, big-endian. */
static void put_tagged(wire_writer *writer, unsigned tag, uint64_t number, unsigned log2) {
    uint8_t bytes[8];
    kvcore_store_be64(bytes, number);
    kvhash__wire_put_byte(writer, (uint8_t)tag);
    kvhash__wire_put(writer, bytes + 8 - (1u << log2), 1u << log2);
}

static void put_number(wire_writer *writer, uint64_t number) {
    if (number < 128)
        kvhash__wire_put_byte(writer, (uint8_t)number);
    else {
        unsigned log2 = (number > UINT8_MAX) + (number > UINT16_MAX) + (number > UINT32_MAX);
        put_tagged(writer, UINT8 + log2, number, log2);
    }
}

static void put_hash(wire_writer *writer, const uint8_t hash[WIRE_HASH_BYTES]) {
    put_tagged(writer, BIN8, WIRE_HASH_BYTES, 0);
    kvhash__wire_put(writer, hash, WIRE_HASH_BYTES);
}

static void put_list_start(wire_writer *writer, size_t count) {
    if (count < 16)
        kvhash__wire_put_byte(writer, (uint8_t)(FIXARRAY | count));
    else if (count <= UINT16_MAX)
        put_tagged(writer, ARRAY16, count, 1);
    else
        put_tagged(writer, ARRAY32, count, 2);
}

static void put_list_gap(wire_writer *writer) { (void)writer; }

static void put_list_end(wire_writer *writer) { (void)writer; }

static void put_record(wire_writer *writer, const wire_field *fields, size_t count, bool named) {
    kvhash__wire_put_byte(writer, (uint8_t)((named ? FIXMAP : FIXARRAY) | count));
    for (size_t i = 0; i < count; i++) {
        size_t length = strlen(fields[i].name);
        if (named) kvhash__wire_put_byte(writer, (uint8_t)(FIXSTR | length));
        if (named) kvhash__wire_put(writer, fields[i].name, length);
        if (fields[i].hash != NULL)
            put_hash(writer, fields[i].hash);
        else
            put_number(writer, *fields[i].number);
    }
}

/* --- reading -------------------------------------------------------------------------------------------------------- */

/* The big-endian number of 2^log2 bytes behind the tag byte where the reader is; both are taken. */
static kvcore_status get_tagged(wire_reader *reader, unsigned log2, uint64_t *number) {
    size_t width = (size_t)1 << log2;
    if (wire_left(reader) < 1 + width) {
        reader->at = reader->end;
        return kvhash__wire_fail(reader, KVCORE_ETRUNCATED, "the input ends within a number");
    }
    uint8_t bytes[8] = {0};
    memcpy(bytes + 8 - width, reader->at + 1, width);
    *number = kvcore_load_be64(bytes);
    reader->at += 1 + width;
    return KVCORE_OK;
}

static kvcore_status get_number(wire_reader *reader, uint64_t *number) {
    if (reader->at == reader->end) return kvhash__wire_fail(reader, KVCORE_ETRUNCATED, "expected a number");
    uint8_t tag = *reader->at;
    if (tag < 128) {
        *number = tag;
        reader->at++;
        return KVCORE_OK;
    }
    if (tag >= UINT8 && tag <= UINT64) return get_tagged(reader, tag - UINT8, number);
    if (tag < INT8 || tag > INT64) return kvhash__wire_fail(reader, KVCORE_EFORMAT, "expected an unsigned number");
    wire_reader ahead = *reader;
    kvcore_status status = get_tagged(&ahead, tag - INT8, number);
    if (status != KVCORE_OK) return status;
    if (*number >> ((8u << (tag - INT8)) - 1) != 0)
        return kvhash__wire_fail(reader, KVCORE_EFORMAT, "number is negative");
    reader->at = ahead.at;
    return KVCORE_OK;
}

/* A header says how many follow: in the tag itself (`fixed` + count, for counts below fixed_limit), or behind one of the tags
 * first … last, in 2^log2 bytes behind the first and twice as many behind each next. */
static bool is_header(const wire_reader *reader, unsigned fixed, unsigned fixed_limit, unsigned first, unsigned last) {
    if (reader->at == reader->end) return false;
    uint8_t tag = *reader->at;
    return (tag >= fixed && tag < fixed + fixed_limit) || (tag >= first && tag <= last);
}

static kvcore_status get_header(wire_reader *reader, unsigned fixed, unsigned fixed_limit, unsigned first,
                                unsigned log2, uint64_t *count) {
    uint8_t tag = *reader->at;
    if (tag < fixed || tag >= fixed + fixed_limit) return get_tagged(reader, tag - first + log2, count);
    *count = tag - fixed;
    reader->at++;
    return KVCORE_OK;
}

static bool is_array(const wire_reader *reader) { return is_header(reader, FIXARRAY, 16, ARRAY16, ARRAY32); }

static kvcore_status get_array(wire_reader *reader, uint64_t *count) {
    if (!is_array(reader))
        return kvhash__wire_fail(reader, reader->at == reader->end ? KVCORE_ETRUNCATED : KVCORE_EFORMAT,
                                 "expected an array");
    return get_header(reader, FIXARRAY, 16, ARRAY16, 1, count);
}

static kvcore_status get_hash_elements(wire_reader *reader, uint8_t hash[WIRE_HASH_BYTES]) {
    uint64_t count = 0;
    kvcore_status status = get_array(reader, &count);
    if (status != KVCORE_OK) return status;
    if (count != WIRE_HASH_BYTES) return kvhash__wire_fail_length(reader, count, "u8 elements");
    for (size_t i = 0; i < WIRE_HASH_BYTES; i++) {
        uint64_t number = 0;
        if ((status = get_number(reader, &number)) != KVCORE_OK) return status;
        if (number > UINT8_MAX) return kvhash__wire_fail(reader, KVCORE_EFORMAT, "expected a number up to 255");
        hash[i] = (uint8_t)number;
    }
    return KVCORE_OK;
}

static kvcore_status get_hash(wire_reader *reader, uint8_t hash[WIRE_HASH_BYTES]) {
    if (is_array(reader)) return get_hash_elements(reader, hash);
    if (reader->at == reader->end) return kvhash__wire_fail(reader, KVCORE_ETRUNCATED, "expected a hash");
    if (!is_header(reader, 0, 0, BIN8, BIN32)) return kvhash__wire_fail(reader, KVCORE_EFORMAT, "expected 16 bytes");
    uint64_t length = 0;
    kvcore_status status = get_header(reader, 0, 0, BIN8, 0, &length);
    if (status != KVCORE_OK) return status;
    if (length != WIRE_HASH_BYTES) return kvhash__wire_fail_length(reader, length, "bytes");
    if (wire_left(reader) < WIRE_HASH_BYTES) {
        reader->at = reader->end;
        return kvhash__wire_fail(reader, KVCORE_ETRUNCATED, "the input ends within a hash");
    }
    memcpy(hash, reader->at, WIRE_HASH_BYTES);
    reader->at += WIRE_HASH_BYTES;
    return KVCORE_OK;
}

static kvcore_status get_key(wire_reader *reader, wire_field *fields, size_t count, wire_field **field) {
    if (!is_header(reader, FIXSTR, 32, STR8, STR32))
        return kvhash__wire_fail(reader, reader->at == reader->end ? KVCORE_ETRUNCATED : KVCORE_EFORMAT,
                                 "expected a key");
    uint64_t length = 0;
    kvcore_status status = get_header(reader, FIXSTR, 32, STR8, 0, &length);
    if (status != KVCORE_OK) return status;
    if (length > wire_left(reader)) {
        reader->at = reader->end;
        return kvhash__wire_fail(reader, KVCORE_ETRUNCATED, "the input ends within a key");
    }
    *field = kvhash__wire_find_field(fields, count, reader->at, (size_t)length);
    if (*field == NULL) return kvhash__wire_fail(reader, KVCORE_EFORMAT, "key is unknown or there twice");
    reader->at += length;
    return KVCORE_OK;
}

static kvcore_status get_record(wire_reader *reader, wire_field *fields, size_t count) {
    bool named = is_header(reader, FIXMAP, 16, MAP16, MAP32);
    uint64_t given = 0;
    kvcore_status status = named ? get_header(reader, FIXMAP, 16, MAP16, 1, &given) : get_array(reader, &given);
    if (status != KVCORE_OK) return status;
    if (given != count) return kvhash__wire_fail(reader, KVCORE_EFORMAT, "too few or too many fields");
    for (size_t i = 0; i < count; i++) {
        wire_field *field = &fields[i];
        if (named && (status = get_key(reader, fields, count, &field)) != KVCORE_OK) return status;
        status = field->hash != NULL ? get_hash(reader, field->hash) : get_number(reader, field->number);
        if (status != KVCORE_OK) return status;
    }
    return KVCORE_OK;
}

static kvcore_status get_list_next(wire_reader *reader, uint64_t *left, bool *more) {
    (void)reader;
    *more = *left != 0;
    if (*more) --*left;
    return KVCORE_OK;
}

static kvcore_status get_end(wire_reader *reader) {
    return reader->at == reader->end ? KVCORE_OK
                                     : kvhash__wire_fail(reader, KVCORE_EFORMAT, "expected the end of the input");
}

const wire_codec kvhash__wire_msgpack = {
    put_hash, put_list_start, put_list_gap, put_list_end,  put_record,
    get_hash, get_record,     get_array,    get_list_next, get_end,
};
