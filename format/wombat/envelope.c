#include <kvwombat/envelope.h>

#include <kvformat/checksum.h>

#include "refuse.h"

static const char wire_magic[4] = {'W', 'M', 'B', 'T'};

kvcore_status kvwombat_wire_encode(kvcore_bytes body, void *bytes, size_t capacity, size_t *size_bytes) {
    if (output_missing(bytes, capacity, size_bytes) || bytes_missing(body)) return KVCORE_EINVAL;
    size_t size;
    if (body.size_bytes > UINT32_MAX ||
        __builtin_add_overflow(body.size_bytes, (size_t)KVWOMBAT_WIRE_HEADER_BYTES, &size))
        return KVFORMAT_ETOO_LARGE;
    *size_bytes = size;
    if (size > capacity) return KVCORE_EBUFFER;
    uint8_t *to = bytes;
    if (body.size_bytes > 0) memcpy(to + KVWOMBAT_WIRE_HEADER_BYTES, body.data, body.size_bytes);
    memcpy(to, wire_magic, sizeof wire_magic);
    kvcore_store_le32(to + 4, 1);
    kvcore_store_le32(to + 8, kvformat_crc32c(0, body));
    kvcore_store_le32(to + 12, (uint32_t)body.size_bytes);
    return KVCORE_OK;
}

static kvcore_status check_wire_header(const uint8_t *header, kvcore_error *error) {
    if (memcmp(header, wire_magic, sizeof wire_magic) != 0)
        return refuse_at(error, KVFORMAT_EMAGIC, 0, kvcore_load_le32(wire_magic), kvcore_load_le32(header), "magic");
    uint32_t version = kvcore_load_le32(header + 4);
    return version == 1 ? KVCORE_OK : refuse_at(error, KVFORMAT_EVERSION, 4, 1, version, "version");
}

kvcore_status kvwombat_wire_decode(kvcore_bytes input, kvcore_bytes *body, kvcore_error *error) {
    if (body == NULL || bytes_missing(input)) return refuse_null(error, body == NULL ? "body" : "input");
    const uint8_t *from = input.data;
    if (input.size_bytes < KVWOMBAT_WIRE_HEADER_BYTES)
        return refuse_at(error, KVCORE_ETRUNCATED, 0, KVWOMBAT_WIRE_HEADER_BYTES, input.size_bytes, "header");
    kvcore_status status = check_wire_header(from, error);
    if (status != KVCORE_OK) return status;
    kvcore_bytes found = {from + KVWOMBAT_WIRE_HEADER_BYTES, input.size_bytes - KVWOMBAT_WIRE_HEADER_BYTES};
    uint32_t length = kvcore_load_le32(from + 12), expected = kvcore_load_le32(from + 8);
    if (length != found.size_bytes) return refuse_at(error, KVFORMAT_ELENGTH, 12, length, found.size_bytes, "body");
    uint32_t actual = kvformat_crc32c(0, found);
    if (expected != actual) return refuse_at(error, KVCORE_ECHECKSUM, 8, expected, actual, "checksum");
    *body = found;
    return KVCORE_OK;
}

kvcore_status kvwombat_wire_peek(const uint8_t header[KVWOMBAT_WIRE_HEADER_BYTES], uint32_t *body_bytes,
                                 kvcore_error *error) {
    if (header == NULL || body_bytes == NULL) return refuse_null(error, header == NULL ? "header" : "body_bytes");
    kvcore_status status = check_wire_header(header, error);
    if (status != KVCORE_OK) return status;
    uint32_t length = kvcore_load_le32(header + 12);
    if (length > KVWOMBAT_WIRE_MAX_BODY_BYTES)
        return refuse_at(error, KVFORMAT_ETOO_LARGE, 12, KVWOMBAT_WIRE_MAX_BODY_BYTES, length, "body length");
    *body_bytes = length;
    return KVCORE_OK;
}

/* Where the two kinds of batch differ. */
typedef struct framing {
    char magic[17];
    size_t magic_bytes;
    bool lengths_first;
} framing;

static const framing framings[] = {{"WMBT_KV_KEYS_V1", 16, false}, {"WMBT_KV_BYTES_V1", 17, true}};

static const framing *framing_of(kvwombat_batch kind) {
    return (unsigned)kind < sizeof framings / sizeof *framings ? &framings[kind] : NULL;
}

kvcore_status kvwombat_batch_encode(kvwombat_batch kind, const kvcore_bytes *items, size_t count, void *bytes,
                                    size_t capacity, size_t *size_bytes) {
    if (output_missing(bytes, capacity, size_bytes) || (items == NULL && count > 0)) return KVCORE_EINVAL;
    const framing *as = framing_of(kind);
    if (as == NULL) return KVCORE_EINVAL;
    if (count > UINT32_MAX) return KVFORMAT_ETOO_LARGE;
    size_t size = as->magic_bytes + 4;
    for (size_t i = 0; i < count; i++)
        if (items[i].size_bytes > UINT32_MAX || __builtin_add_overflow(size, 4, &size) ||
            __builtin_add_overflow(size, items[i].size_bytes, &size))
            return KVFORMAT_ETOO_LARGE;
    *size_bytes = size;
    if (size > capacity) return KVCORE_EBUFFER;
    uint8_t *lengths = bytes, *to;
    memcpy(lengths, as->magic, as->magic_bytes);
    kvcore_store_le32(lengths + as->magic_bytes, (uint32_t)count);
    lengths += as->magic_bytes + 4;
    to = as->lengths_first ? lengths + 4 * count : lengths + 4;
    for (size_t i = 0; i < count; i++) {
        kvcore_store_le32(lengths, (uint32_t)items[i].size_bytes);
        if (items[i].size_bytes > 0) memcpy(to, items[i].data, items[i].size_bytes);
        to += items[i].size_bytes;
        lengths = as->lengths_first ? lengths + 4 : to;
        if (!as->lengths_first) to += 4;
    }
    return KVCORE_OK;
}

kvcore_status kvwombat_batch_decode(kvwombat_batch kind, kvcore_bytes input, kvcore_bytes *items, size_t capacity,
                                    size_t *count, kvcore_error *error) {
    if (count == NULL || bytes_missing(input) || (items == NULL && capacity > 0))
        return refuse_null(error, "input, items or count");
    const framing *as = framing_of(kind);
    if (as == NULL)
        return kvcore_fail(error, &(kvcore_error){.code = KVCORE_EINVAL, .actual = (uint64_t)kind},
                           "unknown batch kind");
    const uint8_t *from = input.data;
    size_t front = as->magic_bytes + 4, size = input.size_bytes;
    if (size < front) return refuse_at(error, KVCORE_ETRUNCATED, 0, front, size, "header");
    if (memcmp(from, as->magic, as->magic_bytes) != 0)
        return refuse_at(error, KVFORMAT_EMAGIC, 0, kvcore_load_le64(as->magic), kvcore_load_le64(from), "magic");
    uint32_t stated = kvcore_load_le32(from + as->magic_bytes);
    if (stated > (size - front) / 4)
        return refuse_at(error, KVCORE_ETRUNCATED, front, 4 * (uint64_t)stated, size - front, "lengths");
    size_t length_at = front, at = as->lengths_first ? front + 4 * (size_t)stated : front;
    for (size_t i = 0; i < stated; i++) {
        if (!as->lengths_first) {
            if (size - at < 4) return refuse_at(error, KVCORE_ETRUNCATED, at, 4, size - at, "length");
            length_at = at;
            at += 4;
        }
        size_t length = kvcore_load_le32(from + length_at);
        if (size - at < length) return refuse_at(error, KVCORE_ETRUNCATED, at, length, size - at, "item");
        if (i < capacity) items[i] = (kvcore_bytes){from + at, length};
        at += length;
        length_at += 4;
    }
    if (at != size) return refuse_at(error, KVFORMAT_ETRAILING, at, 0, size - at, "bytes after the items");
    *count = stated;
    return stated <= capacity ? KVCORE_OK : refuse_at(error, KVCORE_EBUFFER, 0, stated, capacity, "room for items");
}
