/* Bytes going out and coming in, and the pieces that wire values are made of. Private to hashing. */
#ifndef HASHING_WIRE_STREAM_H
#define HASHING_WIRE_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <kvcore/status.h>

#define WIRE_HASH_BYTES 16

/* Counts what is put, and keeps it when there is somewhere to put it: `to` NULL only counts. */
typedef struct wire_writer {
    uint8_t *to;
    size_t size_bytes;
} wire_writer;

void kvhash__wire_put(wire_writer *writer, const void *bytes, size_t size_bytes);
void kvhash__wire_put_byte(wire_writer *writer, uint8_t byte);

typedef struct wire_reader {
    const uint8_t *begin, *at, *end;
    kvcore_error *error; /* may be NULL */
} wire_reader;

/* Reading stops where the reader is. */
kvcore_status kvhash__wire_fail(const wire_reader *reader, kvcore_status code, const char *what);
/* A hash that is not 16 bytes: `of` is "bytes" or "u8 elements". */
kvcore_status kvhash__wire_fail_length(const wire_reader *reader, uint64_t length, const char *of);

static inline size_t wire_left(const wire_reader *reader) { return (size_t)(reader->end - reader->at); }

/* A field of a record: a number or a hash, and where it goes. */
typedef struct wire_field {
    const char *name;
    uint64_t *number; /* one of these two is not NULL */
    uint8_t *hash;
    bool seen;
} wire_field;

/* The field of that name, now seen; NULL if there is none or it was seen before. */
wire_field *kvhash__wire_find_field(wire_field *fields, size_t count, const void *name, size_t length);

/* What a format can do; each reads one value from where the reader is and leaves it behind the value. */
typedef struct wire_codec {
    void (*put_hash)(wire_writer *writer, const uint8_t hash[WIRE_HASH_BYTES]);
    void (*put_list_start)(wire_writer *writer, size_t count);
    void (*put_list_gap)(wire_writer *writer);
    void (*put_list_end)(wire_writer *writer);
    void (*put_record)(wire_writer *writer, const wire_field *fields, size_t count, bool named);

    kvcore_status (*get_hash)(wire_reader *reader, uint8_t hash[WIRE_HASH_BYTES]);
    kvcore_status (*get_record)(wire_reader *reader, wire_field *fields, size_t count);
    kvcore_status (*get_list_start)(wire_reader *reader, uint64_t *left);
    /* Is there one more? `left` is the format's own count. */
    kvcore_status (*get_list_next)(wire_reader *reader, uint64_t *left, bool *more);
    kvcore_status (*get_end)(wire_reader *reader);
} wire_codec;

extern const wire_codec kvhash__wire_json;
extern const wire_codec kvhash__wire_msgpack;

#endif
