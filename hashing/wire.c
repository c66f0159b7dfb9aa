#include <kvhash/wire.h>

#include "psh_pack.h"
#include "wire_stream.h"

static const wire_codec *codec_of(kvhash_wire_format format) {
    switch (format) {
    case KVHASH_WIRE_JSON: return &kvhash__wire_json;
    case KVHASH_WIRE_MSGPACK:
    case KVHASH_WIRE_MSGPACK_NAMED: return &kvhash__wire_msgpack;
    }
    return NULL;
}

/* --- writing -------------------------------------------------------------------------------------------------------- */

/* One value of any of the shapes: a hash, a record, or a list of names. */
typedef struct wire_value {
    const uint8_t *hash;
    const wire_field *fields;
    const kvhash_plh *names;
    size_t count; /* of fields or names */
} wire_value;

static void put_value(wire_writer *writer, const wire_codec *codec, const wire_value *value, bool named) {
    if (value->hash != NULL) {
        codec->put_hash(writer, value->hash);
    } else if (value->fields != NULL) {
        codec->put_record(writer, value->fields, value->count, named);
    } else {
        codec->put_list_start(writer, value->count);
        for (size_t i = 0; i < value->count; i++) {
            uint8_t hash[WIRE_HASH_BYTES];
            kvhash_plh_encode(value->names[i], hash);
            if (i != 0) codec->put_list_gap(writer);
            codec->put_hash(writer, hash);
        }
        codec->put_list_end(writer);
    }
}

/* Count first, so that a buffer that is too small stays as it is. */
static kvcore_status write_value(kvhash_wire_format format, const wire_value *value, void *bytes, size_t capacity,
                                 size_t *size_bytes) {
    const wire_codec *codec = codec_of(format);
    if (codec == NULL || size_bytes == NULL || (bytes == NULL && capacity != 0)) return KVCORE_EINVAL;
    bool named = format == KVHASH_WIRE_MSGPACK_NAMED;
    wire_writer counter = {NULL, 0};
    put_value(&counter, codec, value, named);
    *size_bytes = counter.size_bytes;
    if (counter.size_bytes > capacity) return KVCORE_EBUFFER;
    put_value(&(wire_writer){bytes, 0}, codec, value, named);
    return KVCORE_OK;
}

kvcore_status kvhash_wire_write_plh(kvhash_wire_format format, kvhash_plh name, void *bytes, size_t capacity,
                                    size_t *size_bytes) {
    uint8_t hash[WIRE_HASH_BYTES];
    kvhash_plh_encode(name, hash);
    return write_value(format, &(wire_value){.hash = hash}, bytes, capacity, size_bytes);
}

kvcore_status kvhash_wire_write_psh(kvhash_wire_format format, kvhash_psh psh, void *bytes, size_t capacity,
                                    size_t *size_bytes) {
    uint8_t hash[WIRE_HASH_BYTES];
    kvhash_psh_encode(psh, hash);
    return write_value(format, &(wire_value){.hash = hash}, bytes, capacity, size_bytes);
}

kvcore_status kvhash_wire_write_block(kvhash_wire_format format, const kvhash_block *block, void *bytes,
                                      size_t capacity, size_t *size_bytes) {
    if (block == NULL) return KVCORE_EINVAL;
    uint8_t hash[WIRE_HASH_BYTES];
    kvhash_plh_encode(block->plh, hash);
    uint64_t block_hash = block->block_hash;
    wire_field fields[] = {{.name = "block_hash", .number = &block_hash}, {.name = "plh", .hash = hash}};
    return write_value(format, &(wire_value){.fields = fields, .count = 2}, bytes, capacity, size_bytes);
}

kvcore_status kvhash_wire_write_run(kvhash_wire_format format, kvhash_mm_run run, void *bytes, size_t capacity,
                                    size_t *size_bytes) {
    wire_field fields[] = {{.name = "mm_hash", .number = &run.mm_hash},
                           {.name = "offset", .number = &run.offset},
                           {.name = "length", .number = &run.length}};
    return write_value(format, &(wire_value){.fields = fields, .count = 3}, bytes, capacity, size_bytes);
}

kvcore_status kvhash_wire_write_names(kvhash_wire_format format, const kvhash_plh *names, size_t count, void *bytes,
                                      size_t capacity, size_t *size_bytes) {
    if (names == NULL && count != 0) return KVCORE_EINVAL;
    return write_value(format, &(wire_value){.names = names, .count = count}, bytes, capacity, size_bytes);
}

/* --- reading -------------------------------------------------------------------------------------------------------- */

static kvcore_status start(wire_reader *reader, const wire_codec **codec, kvhash_wire_format format, kvcore_bytes from,
                           const void *output, kvcore_error *error) {
    *codec = codec_of(format);
    if (*codec == NULL || output == NULL || (from.data == NULL && from.size_bytes != 0))
        return kvcore_fail(error, &(kvcore_error){.code = KVCORE_EINVAL, .index = KVCORE_NO_INDEX},
                           "NULL, or a format that is none");
    const uint8_t *bytes = from.data;
    *reader = (wire_reader){bytes, bytes, from.size_bytes == 0 ? bytes : bytes + from.size_bytes, error};
    return KVCORE_OK;
}

static kvcore_status read_hash(kvhash_wire_format format, kvcore_bytes from, const void *output,
                               uint8_t hash[WIRE_HASH_BYTES], kvcore_error *error) {
    wire_reader reader;
    const wire_codec *codec;
    kvcore_status status = start(&reader, &codec, format, from, output, error);
    if (status == KVCORE_OK) status = codec->get_hash(&reader, hash);
    return status == KVCORE_OK ? codec->get_end(&reader) : status;
}

static kvcore_status read_record(kvhash_wire_format format, kvcore_bytes from, const void *output, wire_field *fields,
                                 size_t count, kvcore_error *error) {
    wire_reader reader;
    const wire_codec *codec;
    kvcore_status status = start(&reader, &codec, format, from, output, error);
    if (status == KVCORE_OK) status = codec->get_record(&reader, fields, count);
    return status == KVCORE_OK ? codec->get_end(&reader) : status;
}

static kvcore_status decode(const uint8_t hash[WIRE_HASH_BYTES], kvhash_plh *name, size_t index, kvcore_error *error) {
    kvcore_status status = kvhash_plh_decode(hash, name);
    if (status == KVCORE_OK) return KVCORE_OK;
    return kvcore_fail(error, &(kvcore_error){.code = status, .index = index, .expected = 2, .actual = 3}, "%s",
                       kvcore_status_text(status));
}

kvcore_status kvhash_wire_read_plh(kvhash_wire_format format, kvcore_bytes from, kvhash_plh *name,
                                   kvcore_error *error) {
    uint8_t hash[WIRE_HASH_BYTES];
    kvcore_status status = read_hash(format, from, name, hash, error);
    return status == KVCORE_OK ? decode(hash, name, 0, error) : status;
}

kvcore_status kvhash_wire_read_psh(kvhash_wire_format format, kvcore_bytes from, kvhash_psh *psh, kvcore_error *error) {
    uint8_t hash[WIRE_HASH_BYTES];
    kvcore_status status = read_hash(format, from, psh, hash, error);
    if (status == KVCORE_OK) *psh = kvhash_psh_decode(hash);
    return status;
}

kvcore_status kvhash_wire_read_block(kvhash_wire_format format, kvcore_bytes from, kvhash_block *block,
                                     kvcore_error *error) {
    uint64_t block_hash = 0;
    uint8_t hash[WIRE_HASH_BYTES] = {0};
    wire_field fields[] = {{.name = "block_hash", .number = &block_hash}, {.name = "plh", .hash = hash}};
    kvcore_status status = read_record(format, from, block, fields, 2, error);
    kvhash_plh name = {0, 0};
    if (status == KVCORE_OK) status = decode(hash, &name, 0, error);
    if (status != KVCORE_OK) return status;
    uint64_t sequence_hash = kvhash_plh_sequence_hash(name);
    *block =
        (kvhash_block){block_hash, sequence_hash, name, psh_pack(sequence_hash, kvhash_plh_position(name), block_hash)};
    return KVCORE_OK;
}

kvcore_status kvhash_wire_read_run(kvhash_wire_format format, kvcore_bytes from, kvhash_mm_run *run,
                                   kvcore_error *error) {
    kvhash_mm_run got = {0, 0, 0};
    wire_field fields[] = {{.name = "mm_hash", .number = &got.mm_hash},
                           {.name = "offset", .number = &got.offset},
                           {.name = "length", .number = &got.length}};
    kvcore_status status = read_record(format, from, run, fields, 3, error);
    if (status == KVCORE_OK) *run = got;
    return status;
}

/* The whole list; kept only up to `capacity`. */
static kvcore_status get_names(wire_reader reader, const wire_codec *codec, kvhash_plh *names, size_t capacity,
                               size_t *count) {
    uint64_t left = 0;
    size_t read = 0;
    kvcore_status status = codec->get_list_start(&reader, &left);
    while (status == KVCORE_OK) {
        bool more = false;
        uint8_t hash[WIRE_HASH_BYTES];
        kvhash_plh name;
        status = codec->get_list_next(&reader, &left, &more);
        if (status == KVCORE_OK && !more) break;
        if (status == KVCORE_OK) status = codec->get_hash(&reader, hash);
        if (status == KVCORE_OK) status = decode(hash, &name, read, reader.error);
        if (status == KVCORE_OK && read < capacity) names[read] = name;
        read++;
    }
    if (status == KVCORE_OK) status = codec->get_end(&reader);
    if (status == KVCORE_OK) *count = read;
    return status;
}

kvcore_status kvhash_wire_read_names(kvhash_wire_format format, kvcore_bytes from, kvhash_plh *names, size_t capacity,
                                     size_t *count, kvcore_error *error) {
    wire_reader reader;
    const wire_codec *codec;
    kvcore_status status = start(&reader, &codec, format, from, count, error);
    if (status != KVCORE_OK) return status;
    if (names == NULL && capacity != 0)
        return kvcore_fail(error, &(kvcore_error){.code = KVCORE_EINVAL, .index = KVCORE_NO_INDEX}, "names is NULL");
    status = get_names(reader, codec, NULL, 0, count);
    if (status != KVCORE_OK) return status;
    if (*count > capacity)
        return kvcore_fail(
            error,
            &(kvcore_error){.code = KVCORE_EBUFFER, .index = KVCORE_NO_INDEX, .expected = *count, .actual = capacity},
            "%zu names do not fit in room for %zu", *count, capacity);
    return get_names(reader, codec, names, capacity, count);
}
