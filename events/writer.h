/* Writing MessagePack with msgpack-c into the caller's bytes; what does not fit is only counted. */
#ifndef EVENTS_WRITER_H
#define EVENTS_WRITER_H

#include <stdbool.h>
#include <string.h>

#include <msgpack/pack.h>

#include <kvcore/bytes.h>

typedef struct writer {
    msgpack_packer packer;
    uint8_t *bytes;
    size_t capacity;
    size_t size;   /* may pass the capacity */
    bool too_many; /* items or bytes that MessagePack cannot count */
} writer;

static inline int writer_put(void *data, const char *bytes, size_t size) {
    writer *to = data;
    if (to->size <= to->capacity && size <= to->capacity - to->size && size > 0)
        memcpy(to->bytes + to->size, bytes, size);
    to->size += size;
    return 0;
}

static inline void writer_begin(writer *to, void *bytes, size_t capacity) {
    *to = (writer){.bytes = bytes, .capacity = capacity};
    msgpack_packer_init(&to->packer, to, writer_put);
}

static inline size_t writer_counted(writer *to, size_t count) {
    if (count > UINT32_MAX) to->too_many = true;
    return count;
}

static inline void writer_array(writer *to, size_t count) {
    msgpack_pack_array(&to->packer, writer_counted(to, count));
}
static inline void writer_map(writer *to, size_t count) { msgpack_pack_map(&to->packer, writer_counted(to, count)); }
static inline void writer_nil(writer *to) { msgpack_pack_nil(&to->packer); }
static inline void writer_number(writer *to, uint64_t number) { msgpack_pack_uint64(&to->packer, number); }

static inline void writer_text(writer *to, kvcore_bytes text) {
    if (text.data == NULL) {
        writer_nil(to);
        return;
    }
    msgpack_pack_str(&to->packer, writer_counted(to, text.size_bytes));
    msgpack_pack_str_body(&to->packer, text.data, text.size_bytes);
}

static inline void writer_word(writer *to, const char *word) { writer_text(to, kvcore_text(word)); }

static inline kvcore_status writer_end(const writer *to, size_t *size_bytes) {
    if (to->too_many) return KVCORE_EOVERFLOW;
    *size_bytes = to->size;
    return to->size > to->capacity ? KVCORE_EBUFFER : KVCORE_OK;
}

#endif
