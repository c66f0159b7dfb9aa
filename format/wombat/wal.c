#include <kvwombat/wal.h>

#include <kvwombat/checksum.h>

#include "refuse.h"

static const char record_magic[12] = {'W', 'M', 'B', 'T', '_', 'K', 'V', '_', 'W', 'A', 'L', '1'};
static const char batch_magic[12] = {'W', 'M', 'B', 'T', '_', 'K', 'V', '_', 'W', 'B', '0', '1'};

static uint8_t *put(uint8_t *to, kvcore_bytes bytes) {
    if (bytes.size_bytes > 0) memcpy(to, bytes.data, bytes.size_bytes);
    return to + bytes.size_bytes;
}

kvcore_status kvwombat_wal_record_encode(const kvwombat_wal_record *record, void *bytes, size_t capacity,
                                         size_t *size_bytes) {
    if (output_missing(bytes, capacity, size_bytes) || record == NULL) return KVCORE_EINVAL;
    if (record->key.size_bytes > UINT16_MAX || record->meta.size_bytes > UINT16_MAX ||
        record->payload.size_bytes > UINT32_MAX)
        return KVFORMAT_ETOO_LARGE;
    size_t size = KVWOMBAT_WAL_RECORD_HEADER_BYTES + record->key.size_bytes + record->meta.size_bytes;
    if (__builtin_add_overflow(size, record->payload.size_bytes, &size)) return KVFORMAT_ETOO_LARGE;
    *size_bytes = size;
    if (size > capacity) return KVCORE_EBUFFER;
    uint8_t *to = bytes, *body = to + KVWOMBAT_WAL_RECORD_HEADER_BYTES;
    put(put(put(body, record->key), record->meta), record->payload);
    memcpy(to, record_magic, sizeof record_magic);
    kvcore_store_le16(to + 12, (uint16_t)record->key.size_bytes);
    kvcore_store_le16(to + 14, (uint16_t)record->meta.size_bytes);
    kvcore_store_le32(to + 16, (uint32_t)record->payload.size_bytes);
    kvcore_store_le32(to + 20, kvwombat_fnv32((kvcore_bytes){body, size - KVWOMBAT_WAL_RECORD_HEADER_BYTES}));
    return KVCORE_OK;
}

/* The record at the start of input; `base` is where that is in what the caller was given, for error records. */
static kvcore_status decode_record(kvcore_bytes input, uint64_t base, kvwombat_wal_record *record, size_t *size_bytes,
                                   kvcore_error *error) {
    const uint8_t *from = input.data;
    if (input.size_bytes < KVWOMBAT_WAL_RECORD_HEADER_BYTES)
        return refuse_at(error, KVCORE_ETRUNCATED, base, KVWOMBAT_WAL_RECORD_HEADER_BYTES, input.size_bytes, "header");
    if (memcmp(from, record_magic, sizeof record_magic) != 0)
        return refuse_at(error, KVFORMAT_EMAGIC, base, kvcore_load_le64(record_magic), kvcore_load_le64(from), "magic");
    size_t key = kvcore_load_le16(from + 12), meta = kvcore_load_le16(from + 14), body, size;
    size_t payload = kvcore_load_le32(from + 16);
    if (__builtin_add_overflow(key + meta, payload, &body) ||
        __builtin_add_overflow(body, (size_t)KVWOMBAT_WAL_RECORD_HEADER_BYTES, &size))
        return refuse_at(error, KVFORMAT_ETOO_LARGE, base + 16, SIZE_MAX, payload, "lengths");
    if (input.size_bytes < size) return refuse_at(error, KVCORE_ETRUNCATED, base, size, input.size_bytes, "body");
    from += KVWOMBAT_WAL_RECORD_HEADER_BYTES;
    uint32_t expected = kvcore_load_le32(from - 4), actual = kvwombat_fnv32((kvcore_bytes){from, body});
    if (expected != actual) return refuse_at(error, KVCORE_ECHECKSUM, base + 20, expected, actual, "checksum");
    *record = (kvwombat_wal_record){{from, key}, {from + key, meta}, {from + key + meta, payload}};
    *size_bytes = size;
    return KVCORE_OK;
}

kvcore_status kvwombat_wal_record_decode(kvcore_bytes input, kvwombat_wal_record *record, size_t *size_bytes,
                                         kvcore_error *error) {
    if (record == NULL || bytes_missing(input)) return refuse_null(error, record == NULL ? "record" : "input");
    size_t size;
    kvcore_status status = decode_record(input, 0, record, &size, error);
    if (status == KVCORE_OK && size_bytes != NULL) *size_bytes = size;
    return status;
}

kvcore_status kvwombat_wal_batch_encode(const kvwombat_wal_item *items, size_t count, void *bytes, size_t capacity,
                                        size_t *size_bytes) {
    if (output_missing(bytes, capacity, size_bytes) || (items == NULL && count > 0)) return KVCORE_EINVAL;
    if (count == 0) return KVCORE_ETRUNCATED;
    if (count > UINT32_MAX) return KVFORMAT_ETOO_LARGE;
    size_t size = KVWOMBAT_WAL_BATCH_HEADER_BYTES;
    for (size_t i = 0; i < count; i++)
        if (items[i].record.size_bytes > UINT32_MAX || __builtin_add_overflow(size, 4, &size) ||
            __builtin_add_overflow(size, items[i].record.size_bytes, &size))
            return KVFORMAT_ETOO_LARGE;
    *size_bytes = size;
    if (size > capacity) return KVCORE_EBUFFER;
    uint8_t *begin = bytes, *to = begin + KVWOMBAT_WAL_BATCH_HEADER_BYTES;
    for (size_t i = 0; i < count; i++) {
        kvcore_store_le32(to, (uint32_t)items[i].record.size_bytes);
        to = put(to + 4, items[i].record);
    }
    memcpy(begin, batch_magic, sizeof batch_magic);
    kvcore_store_le64(begin + 12, items[0].seq);
    kvcore_store_le64(begin + 20, items[count - 1].seq);
    kvcore_store_le32(begin + 28, (uint32_t)count);
    kvcore_bytes rest = {begin + KVWOMBAT_WAL_BATCH_HEADER_BYTES, size - KVWOMBAT_WAL_BATCH_HEADER_BYTES};
    kvcore_store_le32(begin + 32, kvwombat_fnv32(rest));
    return KVCORE_OK;
}

kvcore_status kvwombat_wal_open(kvcore_bytes input, kvwombat_wal_reader *reader, kvcore_error *error) {
    if (reader == NULL || bytes_missing(input)) return refuse_null(error, reader == NULL ? "reader" : "input");
    const uint8_t *from = input.data;
    if (input.size_bytes < sizeof batch_magic || memcmp(from, batch_magic, sizeof batch_magic) != 0) {
        *reader = (kvwombat_wal_reader){.rest = input, .left = 1};
        return KVCORE_OK;
    }
    if (input.size_bytes < KVWOMBAT_WAL_BATCH_HEADER_BYTES)
        return refuse_at(error, KVCORE_ETRUNCATED, 0, KVWOMBAT_WAL_BATCH_HEADER_BYTES, input.size_bytes, "header");
    kvcore_bytes rest = {from + KVWOMBAT_WAL_BATCH_HEADER_BYTES, input.size_bytes - KVWOMBAT_WAL_BATCH_HEADER_BYTES};
    uint32_t expected = kvcore_load_le32(from + 32), actual = kvwombat_fnv32(rest);
    if (expected != actual) return refuse_at(error, KVCORE_ECHECKSUM, 32, expected, actual, "checksum");
    uint64_t start = kvcore_load_le64(from + 12), end = kvcore_load_le64(from + 20);
    uint32_t count = kvcore_load_le32(from + 28);
    uint64_t span = end > start ? end - start : 0; /* of a count less one; 2^64 records never match 32 bits */
    if (count == 0 || span != (uint64_t)count - 1)
        return refuse_at(error, KVFORMAT_ETOO_LARGE, 28, span == UINT64_MAX ? span : span + 1, count, "record count");
    *reader = (kvwombat_wal_reader){rest, KVWOMBAT_WAL_BATCH_HEADER_BYTES, count, true, start, end};
    return KVCORE_OK;
}

static void advance(kvwombat_wal_reader *reader, size_t size_bytes) {
    reader->rest.data = (const uint8_t *)reader->rest.data + size_bytes;
    reader->rest.size_bytes -= size_bytes;
    reader->offset += size_bytes;
}

kvcore_status kvwombat_wal_next(kvwombat_wal_reader *reader, kvwombat_wal_record *record, bool *more,
                                kvcore_error *error) {
    if (reader == NULL || record == NULL || more == NULL) return refuse_null(error, "reader, record or more");
    if (reader->left == 0) {
        *more = false;
        if (!reader->batch || reader->rest.size_bytes == 0) return KVCORE_OK;
        return refuse_at(error, KVCORE_ETRUNCATED, reader->offset, 0, reader->rest.size_bytes,
                         "bytes after the records");
    }
    kvcore_bytes slot = reader->rest;
    size_t ignored;
    if (reader->batch) {
        if (slot.size_bytes < 4)
            return refuse_at(error, KVCORE_ETRUNCATED, reader->offset, 4, slot.size_bytes, "record length");
        size_t length = kvcore_load_le32(slot.data);
        if (length > slot.size_bytes - 4)
            return refuse_at(error, KVCORE_ETRUNCATED, reader->offset, length, slot.size_bytes - 4, "record");
        advance(reader, 4);
        slot = (kvcore_bytes){reader->rest.data, length};
    }
    kvcore_status status = decode_record(slot, reader->offset, record, &ignored, error);
    if (status != KVCORE_OK) return status;
    advance(reader, slot.size_bytes);
    reader->left--;
    *more = true;
    return KVCORE_OK;
}
