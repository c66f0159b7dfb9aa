#include "wire_stream.h"

#include <inttypes.h>
#include <string.h>

void kvhash__wire_put(wire_writer *writer, const void *bytes, size_t size_bytes) {
    if (writer->to != NULL) memcpy(writer->to + writer->size_bytes, bytes, size_bytes);
    writer->size_bytes += size_bytes;
}

void kvhash__wire_put_byte(wire_writer *writer, uint8_t byte) { kvhash__wire_put(writer, &byte, 1); }

static kvcore_error details(const wire_reader *reader, kvcore_status code) {
    return (kvcore_error){
        .code = code, .index = KVCORE_NO_INDEX, .offset = (uint64_t)(reader->at - reader->begin), .length = 1};
}

kvcore_status kvhash__wire_fail(const wire_reader *reader, kvcore_status code, const char *what) {
    kvcore_error error = details(reader, code);
    return kvcore_fail(reader->error, &error, "byte %" PRIu64 ": %s", error.offset, what);
}

kvcore_status kvhash__wire_fail_length(const wire_reader *reader, uint64_t length, const char *of) {
    kvcore_error error = details(reader, KVCORE_EFORMAT);
    error.expected = WIRE_HASH_BYTES;
    error.actual = length;
    return kvcore_fail(reader->error, &error, "invalid length %" PRIu64 ", expected %d %s", length, WIRE_HASH_BYTES,
                       of);
}

wire_field *kvhash__wire_find_field(wire_field *fields, size_t count, const void *name, size_t length) {
    for (size_t i = 0; i < count; i++)
        if (strlen(fields[i].name) == length && memcmp(fields[i].name, name, length) == 0) {
            bool twice = fields[i].seen;
            fields[i].seen = true;
            return twice ? NULL : &fields[i];
        }
    return NULL;
}
