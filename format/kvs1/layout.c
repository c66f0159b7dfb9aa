/* KVS1: its three 128-byte structures, and finding the last whole commit. */
#include "layout.h"

#include <kvformat/checksum.h>

#include "refuse.h"

kvformat_kvs1_config kvformat_kvs1_config_init(void) { return (kvformat_kvs1_config)KVFORMAT_KVS1_CONFIG_INIT; }
kvformat_kvs1_info kvformat_kvs1_info_init(void) { return (kvformat_kvs1_info)KVFORMAT_KVS1_INFO_INIT; }
kvformat_kvs1_compaction kvformat_kvs1_compaction_init(void) {
    return (kvformat_kvs1_compaction)KVFORMAT_KVS1_COMPACTION_INIT;
}

static const uint8_t file_magic[8] = {'K', 'V', 'S', '1', '\r', '\n', 0x1A, '\n'};
static const uint8_t trailer_magic[4] = {'K', 'V', 'S', 'B'};
static const uint8_t record_magic[4] = {'K', 'V', 'S', 'C'};

static uint32_t seal(uint8_t *bytes) {
    uint32_t crc = kvformat_crc32c(0, (kvcore_bytes){bytes, KVS1_CRC_AT});
    kvcore_store_le32(bytes + KVS1_CRC_AT, crc);
    return crc;
}

static bool sealed(const uint8_t *bytes) {
    return kvcore_load_le32(bytes + KVS1_CRC_AT) == kvformat_crc32c(0, (kvcore_bytes){bytes, KVS1_CRC_AT});
}

static kvcore_status refuse_crc(const uint8_t *bytes, uint64_t at, const char *what, kvcore_error *error) {
    return refuse_at(error, KVCORE_ECHECKSUM, at + KVS1_CRC_AT, kvcore_load_le32(bytes + KVS1_CRC_AT),
                     kvformat_crc32c(0, (kvcore_bytes){bytes, KVS1_CRC_AT}), what);
}

static bool alignment_allowed(uint32_t alignment) {
    return alignment >= KVFORMAT_KVS1_MIN_ALIGNMENT && alignment <= KVFORMAT_KVS1_MAX_ALIGNMENT &&
           (alignment & (alignment - 1)) == 0;
}

void kvformat__kvs1_write_header(const kvs1_header *header, uint8_t bytes[KVS1_HEADER_BYTES]) {
    memset(bytes, 0, KVS1_HEADER_BYTES);
    memcpy(bytes, file_magic, sizeof file_magic);
    kvcore_store_le32(bytes + 8, KVS1_VERSION);
    kvcore_store_le32(bytes + 12, header->alignment);
    memcpy(bytes + 16, header->file_id, 16);
    memcpy(bytes + 32, header->layout_tag.bytes, 16);
    memcpy(bytes + 48, header->model_digest.bytes, 24);
    kvcore_store_le32(bytes + 72, header->block_tokens);
    seal(bytes);
}

kvcore_status kvformat__kvs1_read_header(const uint8_t bytes[KVS1_HEADER_BYTES], kvs1_header *header,
                                         kvcore_error *error) {
    if (memcmp(bytes, file_magic, sizeof file_magic) != 0)
        return refuse_at(error, KVFORMAT_EMAGIC, 0, kvcore_load_le64(file_magic), kvcore_load_le64(bytes), "magic");
    if (!sealed(bytes)) return refuse_crc(bytes, 0, "header checksum", error);
    uint32_t version = kvcore_load_le32(bytes + 8);
    if (version != KVS1_VERSION) return refuse_at(error, KVFORMAT_EVERSION, 8, KVS1_VERSION, version, "version");
    header->alignment = kvcore_load_le32(bytes + 12);
    if (!alignment_allowed(header->alignment))
        return refuse_at(error, KVCORE_EFORMAT, 12, KVFORMAT_KVS1_DEFAULT_ALIGNMENT, header->alignment, "alignment");
    memcpy(header->file_id, bytes + 16, 16);
    memcpy(header->layout_tag.bytes, bytes + 32, 16);
    memcpy(header->model_digest.bytes, bytes + 48, 24);
    header->block_tokens = kvcore_load_le32(bytes + 72);
    return KVCORE_OK;
}

void kvformat__kvs1_write_trailer(const kvs1_header *header, const kvs1_trailer *trailer,
                                  uint8_t bytes[KVS1_HEADER_BYTES]) {
    memset(bytes, 0, KVS1_HEADER_BYTES);
    memcpy(bytes, trailer_magic, sizeof trailer_magic);
    kvcore_store_le32(bytes + 4, KVS1_VERSION);
    memcpy(bytes + 8, trailer->key, KVS1_KEY_BYTES);
    memcpy(bytes + 24, header->layout_tag.bytes, 16);
    memcpy(bytes + 40, header->model_digest.bytes, 24);
    kvcore_store_le64(bytes + 64, trailer->offset);
    kvcore_store_le64(bytes + 72, trailer->payload_bytes);
    kvcore_store_le32(bytes + 80, trailer->crc32c);
    kvcore_store_le32(bytes + 84, header->block_tokens);
    kvcore_store_le64(bytes + 88, trailer->commit);
    memcpy(bytes + 96, header->file_id, 16);
    seal(bytes);
}

kvcore_status kvformat__kvs1_read_trailer(const kvs1_header *header, const uint8_t bytes[KVS1_HEADER_BYTES],
                                          kvs1_trailer *trailer, uint64_t at, kvcore_error *error) {
    if (memcmp(bytes, trailer_magic, sizeof trailer_magic) != 0)
        return refuse_at(error, KVFORMAT_EMAGIC, at, kvcore_load_le32(trailer_magic), kvcore_load_le32(bytes),
                         "trailer");
    if (!sealed(bytes)) return refuse_crc(bytes, at, "trailer checksum", error);
    uint32_t version = kvcore_load_le32(bytes + 4), tokens = kvcore_load_le32(bytes + 84);
    if (version != KVS1_VERSION) return refuse_at(error, KVFORMAT_EVERSION, at + 4, KVS1_VERSION, version, "version");
    if (memcmp(bytes + 40, header->model_digest.bytes, 24) != 0)
        return refuse_at(error, KVFORMAT_EMODEL, at + 40, kvcore_load_be64(header->model_digest.bytes),
                         kvcore_load_be64(bytes + 40), "trailer");
    if (memcmp(bytes + 24, header->layout_tag.bytes, 16) != 0)
        return refuse_at(error, KVFORMAT_ELAYOUT, at + 24, kvcore_load_be64(header->layout_tag.bytes),
                         kvcore_load_be64(bytes + 24), "trailer");
    if (memcmp(bytes + 96, header->file_id, 16) != 0 || tokens != header->block_tokens)
        return refuse_at(error, KVCORE_EFORMAT, at + 84, header->block_tokens, tokens, "trailer of another file");
    memcpy(trailer->key, bytes + 8, KVS1_KEY_BYTES);
    trailer->offset = kvcore_load_le64(bytes + 64);
    trailer->payload_bytes = kvcore_load_le64(bytes + 72);
    trailer->crc32c = kvcore_load_le32(bytes + 80);
    trailer->commit = kvcore_load_le64(bytes + 88);
    return KVCORE_OK;
}

void kvformat__kvs1_write_record(const kvs1_header *header, kvs1_record *record, uint8_t bytes[KVS1_HEADER_BYTES]) {
    memset(bytes, 0, KVS1_HEADER_BYTES);
    memcpy(bytes, record_magic, sizeof record_magic);
    kvcore_store_le32(bytes + 4, KVS1_VERSION);
    memcpy(bytes + 8, header->file_id, 16);
    kvcore_store_le64(bytes + 24, record->commit);
    kvcore_store_le64(bytes + 32, record->offset);
    kvcore_store_le64(bytes + 40, record->begin);
    kvcore_store_le64(bytes + 48, record->index_offset);
    kvcore_store_le64(bytes + 56, record->entry_count);
    kvcore_store_le64(bytes + 64, record->previous_offset);
    kvcore_store_le32(bytes + 72, record->index_crc32c);
    kvcore_store_le32(bytes + 76, record->previous_crc32c);
    record->crc32c = seal(bytes);
}

/* Do the numbers of a record fit together and into the file before it? */
static bool record_possible(const kvs1_header *header, const kvs1_record *record) {
    uint64_t unit = header->alignment, index_bytes, end;
    if (record->commit == 0 || record->entry_count == 0 || record->offset % unit != 0 ||
        record->index_offset % unit != 0)
        return false;
    if (record->begin % unit != 0 || record->begin < unit || record->begin >= record->index_offset) return false;
    if (__builtin_mul_overflow(record->entry_count, (uint64_t)KVS1_ENTRY_BYTES, &index_bytes)) return false;
    if (__builtin_add_overflow(record->index_offset, index_bytes, &end) || end > record->offset) return false;
    if (record->offset > INT64_MAX - unit) return false;
    bool first = record->commit == 1;
    if (first) return record->previous_offset == 0 && record->previous_crc32c == 0 && record->begin == unit;
    return record->previous_offset >= unit && record->previous_offset + unit == record->begin;
}

bool kvformat__kvs1_read_record(const kvs1_header *header, const uint8_t bytes[KVS1_HEADER_BYTES], uint64_t offset,
                                kvs1_record *record) {
    if (memcmp(bytes, record_magic, sizeof record_magic) != 0 || kvcore_load_le32(bytes + 4) != KVS1_VERSION)
        return false;
    if (memcmp(bytes + 8, header->file_id, 16) != 0 || kvcore_load_le64(bytes + 32) != offset || !sealed(bytes))
        return false;
    *record = (kvs1_record){.commit = kvcore_load_le64(bytes + 24),
                            .offset = offset,
                            .begin = kvcore_load_le64(bytes + 40),
                            .index_offset = kvcore_load_le64(bytes + 48),
                            .entry_count = kvcore_load_le64(bytes + 56),
                            .previous_offset = kvcore_load_le64(bytes + 64),
                            .index_crc32c = kvcore_load_le32(bytes + 72),
                            .previous_crc32c = kvcore_load_le32(bytes + 76),
                            .crc32c = kvcore_load_le32(bytes + KVS1_CRC_AT)};
    return record_possible(header, record);
}

void kvformat__kvs1_write_record_unit(const kvs1_header *header, kvs1_record *record, uint8_t *unit) {
    memset(unit, 0, header->alignment);
    kvformat__kvs1_write_record(header, record, unit);
    if (header->alignment >= 2 * KVS1_HEADER_BYTES)
        memcpy(unit + header->alignment - KVS1_HEADER_BYTES, unit, KVS1_HEADER_BYTES);
}

bool kvformat__kvs1_block_bytes(uint32_t alignment, uint64_t payload_bytes, uint64_t *block_bytes) {
    if (payload_bytes > INT64_MAX - KVS1_HEADER_BYTES - (uint64_t)alignment) return false;
    *block_bytes = (payload_bytes + KVS1_HEADER_BYTES + alignment - 1) & ~(uint64_t)(alignment - 1);
    return true;
}

static kvcore_status refuse_model(const kvcore_model_digest *expected, const kvcore_model_digest *found,
                                  kvcore_error *error) {
    char expected_text[KVCORE_MODEL_DIGEST_TEXT_BYTES], found_text[KVCORE_MODEL_DIGEST_TEXT_BYTES];
    kvcore_model_digest_format(expected, expected_text);
    kvcore_model_digest_format(found, found_text);
    const kvcore_error details = {.code = KVFORMAT_EMODEL,
                                  .index = KVCORE_NO_INDEX,
                                  .expected = kvcore_load_be64(expected->bytes),
                                  .actual = kvcore_load_be64(found->bytes),
                                  .offset = 48};
    return kvcore_fail(error, &details, "model digest: expected %s, the file has %s", expected_text, found_text);
}

enum { TAG_BYTES = sizeof(kvcore_layout_tag) };

/* A tag for people; a file may hold anything in its place. */
static void tag_text(const kvcore_layout_tag *tag, char text[TAG_BYTES + 1]) {
    size_t i = 0;
    for (; i < TAG_BYTES && tag->bytes[i] != 0; i++) {
        uint8_t byte = (uint8_t)tag->bytes[i];
        text[i] = '?';
        if (byte >= 0x20 && byte < 0x7F) text[i] = (char)byte;
    }
    text[i] = '\0';
}

static kvcore_status refuse_layout(const kvcore_layout_tag *expected, const kvcore_layout_tag *found,
                                   kvcore_error *error) {
    char expected_text[TAG_BYTES + 1], found_text[TAG_BYTES + 1];
    tag_text(expected, expected_text);
    tag_text(found, found_text);
    const kvcore_error details = {.code = KVFORMAT_ELAYOUT,
                                  .index = KVCORE_NO_INDEX,
                                  .expected = kvcore_load_be64(expected->bytes),
                                  .actual = kvcore_load_be64(found->bytes),
                                  .offset = 32};
    return kvcore_fail(error, &details, "layout tag: expected '%s', the file has '%s'", expected_text, found_text);
}

kvcore_status kvformat__kvs1_accept(const kvformat_kvs1_config *config, const kvs1_header *header,
                                    kvcore_error *error) {
    if (config->model_digest != NULL &&
        memcmp(config->model_digest->bytes, header->model_digest.bytes, sizeof header->model_digest.bytes) != 0)
        return refuse_model(config->model_digest, &header->model_digest, error);
    if (config->layout_tag != NULL &&
        memcmp(config->layout_tag->bytes, header->layout_tag.bytes, sizeof header->layout_tag.bytes) != 0)
        return refuse_layout(config->layout_tag, &header->layout_tag, error);
    if (config->block_tokens != 0 && config->block_tokens != header->block_tokens)
        return refuse_at(error, KVFORMAT_ETOKENS, 72, config->block_tokens, header->block_tokens, "block tokens");
    return KVCORE_OK;
}
