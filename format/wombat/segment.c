#include <kvwombat/segment.h>

#include <kvwombat/checksum.h>

#include "refuse.h"

enum { HEADER = KVWOMBAT_SEGMENT_HEADER_BYTES, FOOTER = KVWOMBAT_SEGMENT_FOOTER_BYTES };

static const char header_magic[12] = {'W', 'M', 'B', 'T', '_', 'K', 'V', '_', 'S', 'G', 'V', '1'};
static const char footer_magic[12] = {'W', 'M', 'B', 'T', '_', 'K', 'V', '_', 'S', 'E', 'G', '1'};

/* Sizes of blocks and index; false when the format has no room for them. */
static bool measure(const kvwombat_segment_block *blocks, size_t count, uint64_t *data_bytes, uint64_t *index_bytes) {
    if (count > UINT32_MAX) return false;
    uint64_t at = HEADER, index = 0;
    for (size_t i = 0; i < count; i++) {
        size_t key = blocks[i].key.size_bytes, payload = blocks[i].payload.size_bytes;
        if (key > UINT16_MAX || payload > UINT32_MAX) return false;
        at += 6 + key;
        if (at > UINT32_MAX) return false;
        at += payload;
        index += 10 + key;
    }
    *data_bytes = at;
    *index_bytes = index;
    return index <= UINT32_MAX;
}

static uint8_t *put(uint8_t *to, kvcore_bytes bytes) {
    if (bytes.size_bytes > 0) memcpy(to, bytes.data, bytes.size_bytes);
    return to + bytes.size_bytes;
}

static void write_footer(uint8_t *to, const uint8_t *index, size_t index_bytes) {
    memcpy(to, footer_magic, sizeof footer_magic);
    kvcore_store_le32(to + 12, (uint32_t)index_bytes);
    kvcore_store_le32(to + 16, kvwombat_fnv32((kvcore_bytes){index, index_bytes}));
}

kvcore_status kvwombat_segment_encode(const kvwombat_segment_block *blocks, size_t count, void *bytes, size_t capacity,
                                      size_t *size_bytes) {
    if (output_missing(bytes, capacity, size_bytes) || (blocks == NULL && count > 0)) return KVCORE_EINVAL;
    uint64_t data_bytes, index_bytes;
    if (!measure(blocks, count, &data_bytes, &index_bytes)) return KVFORMAT_ETOO_LARGE;
    uint64_t total = data_bytes + index_bytes + FOOTER;
    if (total > SIZE_MAX) return KVFORMAT_ETOO_LARGE;
    *size_bytes = (size_t)total;
    if (total > capacity) return KVCORE_EBUFFER;
    uint8_t *begin = bytes, *to = begin + HEADER, *index = begin + data_bytes, *row = index;
    memcpy(begin, header_magic, sizeof header_magic);
    kvcore_store_le32(begin + 12, (uint32_t)count);
    for (size_t i = 0; i < count; i++) {
        size_t key = blocks[i].key.size_bytes;
        kvcore_store_le16(to, (uint16_t)key);
        kvcore_store_le32(to + 2, (uint32_t)blocks[i].payload.size_bytes);
        to = put(to + 6, blocks[i].key);
        kvcore_store_le16(row, (uint16_t)key);
        row = put(row + 2, blocks[i].key);
        kvcore_store_le32(row, (uint32_t)(to - begin));
        kvcore_store_le32(row + 4, (uint32_t)blocks[i].payload.size_bytes);
        row += 8;
        to = put(to, blocks[i].payload);
    }
    write_footer(row, index, (size_t)index_bytes);
    return KVCORE_OK;
}

static kvcore_status check_footer(const uint8_t *footer, uint64_t base, kvcore_bytes index, kvcore_error *error) {
    if (memcmp(footer, footer_magic, sizeof footer_magic) != 0)
        return refuse_at(error, KVFORMAT_EMAGIC, base, kvcore_load_le64(footer_magic), kvcore_load_le64(footer),
                         "footer magic");
    uint32_t length = kvcore_load_le32(footer + 12), expected = kvcore_load_le32(footer + 16);
    if (length != index.size_bytes)
        return refuse_at(error, KVCORE_ETRUNCATED, base + 12, length, index.size_bytes, "index length");
    uint32_t actual = kvwombat_fnv32(index);
    if (expected != actual) return refuse_at(error, KVCORE_ECHECKSUM, base + 16, expected, actual, "index checksum");
    return KVCORE_OK;
}

kvcore_status kvwombat_segment_index(kvcore_bytes file, kvcore_bytes *index, kvcore_error *error) {
    if (index == NULL || bytes_missing(file)) return refuse_null(error, index == NULL ? "index" : "file");
    const uint8_t *from = file.data;
    size_t size = file.size_bytes;
    if (size < HEADER + FOOTER) return refuse_at(error, KVCORE_ETRUNCATED, 0, HEADER + FOOTER, size, "segment");
    if (memcmp(from, header_magic, sizeof header_magic) != 0)
        return refuse_at(error, KVFORMAT_EMAGIC, 0, kvcore_load_le64(header_magic), kvcore_load_le64(from), "magic");
    const uint8_t *footer = from + size - FOOTER;
    size_t length = kvcore_load_le32(footer + 12); /* before the footer's magic: such is the order upstream */
    if (length > size - FOOTER)
        return refuse_at(error, KVCORE_ETRUNCATED, size - 8, length, size - FOOTER, "index length");
    kvcore_bytes found = {footer - length, length};
    kvcore_status status = check_footer(footer, size - FOOTER, found, error);
    if (status == KVCORE_OK) *index = found;
    return status;
}

kvcore_status kvwombat_segment_next(kvcore_bytes index, size_t *offset, kvwombat_segment_entry *entry, bool *more,
                                    kvcore_error *error) {
    if (offset == NULL || entry == NULL || more == NULL || bytes_missing(index))
        return refuse_null(error, "index, offset, entry or more");
    size_t left = index.size_bytes - *offset;
    if (*offset > index.size_bytes)
        return refuse_at(error, KVCORE_EINVAL, index.size_bytes, index.size_bytes, *offset, "offset");
    if (left == 0) {
        *more = false;
        return KVCORE_OK;
    }
    const uint8_t *at = (const uint8_t *)index.data + *offset;
    if (left < 2) return refuse_at(error, KVCORE_ETRUNCATED, *offset, 2, left, "index entry");
    size_t key = kvcore_load_le16(at);
    if (left - 2 < key + 8) return refuse_at(error, KVCORE_ETRUNCATED, *offset, key + 10, left, "index entry");
    *entry = (kvwombat_segment_entry){{at + 2, key}, kvcore_load_le32(at + 2 + key), kvcore_load_le32(at + 6 + key)};
    *offset += key + 10;
    *more = true;
    return KVCORE_OK;
}

kvcore_status kvwombat_segment_footer_decode(kvcore_bytes footer, kvcore_bytes index, kvwombat_segment_footer *decoded,
                                             kvcore_error *error) {
    if (decoded == NULL || bytes_missing(footer) || bytes_missing(index))
        return refuse_null(error, "footer, index or decoded");
    if (footer.size_bytes < FOOTER) return refuse_at(error, KVCORE_ETRUNCATED, 0, FOOTER, footer.size_bytes, "footer");
    const uint8_t *from = footer.data;
    kvcore_status status = check_footer(from, 0, index, error);
    if (status == KVCORE_OK)
        *decoded = (kvwombat_segment_footer){kvcore_load_le32(from + 12), kvcore_load_le32(from + 16)};
    return status;
}

kvcore_status kvwombat_segment_payload(kvcore_bytes file, const kvwombat_segment_entry *entry, kvcore_bytes *payload,
                                       kvcore_error *error) {
    if (entry == NULL || payload == NULL || bytes_missing(file)) return refuse_null(error, "file, entry or payload");
    uint64_t end = (uint64_t)entry->payload_offset + entry->payload_bytes;
    if (end > file.size_bytes)
        return refuse_at(error, KVCORE_ETRUNCATED, entry->payload_offset, end, file.size_bytes, "payload");
    *payload = (kvcore_bytes){(const uint8_t *)file.data + entry->payload_offset, entry->payload_bytes};
    return KVCORE_OK;
}

static kvcore_status disagree(kvcore_error *error, uint64_t block, uint64_t offset, const char *what) {
    return kvcore_fail(error, &(kvcore_error){.code = KVCORE_EFORMAT, .index = block, .offset = offset},
                       "block %" PRIu64 " at byte %" PRIu64 ": %s", block, offset, what);
}

kvcore_status kvwombat_segment_check(kvcore_bytes file, kvcore_error *error) {
    if (file.data == NULL) return refuse_null(error, "file");
    kvcore_bytes index;
    kvcore_status status = kvwombat_segment_index(file, &index, error);
    if (status != KVCORE_OK) return status;
    const uint8_t *begin = file.data;
    uint64_t at = HEADER, end = (uint64_t)((const uint8_t *)index.data - begin), block = 0;
    if (end < HEADER) return disagree(error, 0, end, "the index overlaps the header");
    size_t offset = 0;
    for (bool more = true;; block++) {
        kvwombat_segment_entry entry;
        status = kvwombat_segment_next(index, &offset, &entry, &more, error);
        if (status != KVCORE_OK) return status;
        if (!more) break;
        size_t key = entry.key.size_bytes;
        if (end - at < 6 + key) return disagree(error, block, at, "its header reaches into the index");
        if (kvcore_load_le16(begin + at) != key || kvcore_load_le32(begin + at + 2) != entry.payload_bytes ||
            (key > 0 && memcmp(begin + at + 6, entry.key.data, key) != 0))
            return disagree(error, block, at, "its header and its index entry differ");
        at += 6 + key;
        if (entry.payload_offset != at) return disagree(error, block, at, "its index entry points elsewhere");
        if (end - at < entry.payload_bytes) return disagree(error, block, at, "its payload reaches into the index");
        at += entry.payload_bytes;
    }
    if (at != end) return disagree(error, block, at, "bytes between the last block and the index");
    if (block != kvcore_load_le32(begin + 12)) return disagree(error, block, 12, "the header counts other blocks");
    return KVCORE_OK;
}
