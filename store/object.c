#include <kvstore/object.h>

#include <kvcore/hash256.h>
#include <kvformat/checksum.h>

#include "refuse.h"

enum { VERSION = 1, CRC_AT = 124, TENANT_MOST = 63 };

static const char magic[4] = {'K', 'V', 'S', 'O'};

void kvstore_trailer_encode(const kvstore_object *object, uint8_t bytes[KVSTORE_TRAILER_BYTES]) {
    if (object == NULL || bytes == NULL) return;
    memset(bytes, 0, KVSTORE_TRAILER_BYTES);
    memcpy(bytes, magic, sizeof magic);
    kvcore_store_le32(bytes + 4, VERSION);
    kvhash_plh_encode(object->name, bytes + 8);
    memcpy(bytes + 24, object->layout.bytes, sizeof object->layout.bytes);
    memcpy(bytes + 40, object->model.bytes, sizeof object->model.bytes);
    kvcore_store_le64(bytes + 64, object->stored_bytes);
    kvcore_store_le64(bytes + 72, object->payload_bytes);
    kvcore_store_le32(bytes + 80, object->stored_crc32c);
    kvcore_store_le32(bytes + 84, object->block_tokens);
    kvcore_store_le32(bytes + 88, object->codec);
    kvcore_store_le16(bytes + 92, object->rank);
    kvcore_store_le16(bytes + 94, object->ranks);
    memcpy(bytes + 96, object->proof, sizeof object->proof);
    memcpy(bytes + 112, object->tenant_check, sizeof object->tenant_check);
    kvcore_store_le16(bytes + 120, object->group);
    kvcore_store_le32(bytes + CRC_AT, kvformat_crc32c(0, (kvcore_bytes){bytes, CRC_AT}));
}

/* What the format forbids although the checksum is right. */
static kvcore_status judge(const uint8_t *bytes, const kvstore_object *object, kvcore_error *error) {
    if (object->codec > KVSTORE_CODEC_ZSTD)
        return refuse_at(error, KVCORE_EFORMAT, 88, KVSTORE_CODEC_ZSTD, object->codec, "codec");
    if (object->codec == KVSTORE_CODEC_NONE && object->stored_bytes != object->payload_bytes)
        return refuse_at(error, KVCORE_EFORMAT, 72, object->stored_bytes, object->payload_bytes, "bytes as put");
    if (object->ranks == 0 || object->rank >= object->ranks)
        return refuse_at(error, KVCORE_EFORMAT, 92, object->ranks, object->rank, "rank");
    if (kvcore_load_le16(bytes + 122) != 0)
        return refuse_at(error, KVCORE_EFORMAT, 122, 0, kvcore_load_le16(bytes + 122), "reserved bytes");
    return KVCORE_OK;
}

kvcore_status kvstore_trailer_decode(const uint8_t bytes[KVSTORE_TRAILER_BYTES], kvstore_object *object,
                                     kvcore_error *error) {
    if (bytes == NULL || object == NULL) return refuse_field(error, KVCORE_EINVAL, 0, "trailer or object is NULL");
    if (memcmp(bytes, magic, sizeof magic) != 0)
        return refuse_at(error, KVFORMAT_EMAGIC, 0, kvcore_load_le32(magic), kvcore_load_le32(bytes), "trailer");
    if (kvcore_load_le32(bytes + 4) != VERSION)
        return refuse_at(error, KVFORMAT_EVERSION, 4, VERSION, kvcore_load_le32(bytes + 4), "trailer");
    uint32_t crc = kvformat_crc32c(0, (kvcore_bytes){bytes, CRC_AT});
    if (kvcore_load_le32(bytes + CRC_AT) != crc)
        return refuse_at(error, KVCORE_ECHECKSUM, CRC_AT, crc, kvcore_load_le32(bytes + CRC_AT), "trailer");
    kvstore_object found = {
        .stored_bytes = kvcore_load_le64(bytes + 64),
        .payload_bytes = kvcore_load_le64(bytes + 72),
        .stored_crc32c = kvcore_load_le32(bytes + 80),
        .block_tokens = kvcore_load_le32(bytes + 84),
        .codec = kvcore_load_le32(bytes + 88),
        .rank = kvcore_load_le16(bytes + 92),
        .ranks = kvcore_load_le16(bytes + 94),
        .group = kvcore_load_le16(bytes + 120),
    };
    if (kvhash_plh_decode(bytes + 8, &found.name) != KVCORE_OK)
        return refuse_at(error, KVCORE_EFORMAT, 8, 0, 3, "mode of the name");
    memcpy(found.layout.bytes, bytes + 24, sizeof found.layout.bytes);
    memcpy(found.model.bytes, bytes + 40, sizeof found.model.bytes);
    memcpy(found.proof, bytes + 96, sizeof found.proof);
    memcpy(found.tenant_check, bytes + 112, sizeof found.tenant_check);
    kvcore_status status = judge(bytes, &found, error);
    if (status == KVCORE_OK) *object = found;
    return status;
}

kvcore_status kvstore_object_check(kvcore_bytes bytes, kvstore_object *object, kvcore_bytes *payload,
                                   kvcore_error *error) {
    if (object == NULL || payload == NULL || (bytes.data == NULL && bytes.size_bytes > 0))
        return refuse_field(error, KVCORE_EINVAL, 0, "bytes, object or payload is NULL");
    if (bytes.size_bytes < KVSTORE_TRAILER_BYTES)
        return refuse_at(error, KVCORE_ETRUNCATED, 0, KVSTORE_TRAILER_BYTES, bytes.size_bytes, "stored block");
    size_t length = bytes.size_bytes - KVSTORE_TRAILER_BYTES;
    kvstore_object found;
    kvcore_status status = kvstore_trailer_decode((const uint8_t *)bytes.data + length, &found, error);
    if (status != KVCORE_OK) return status;
    if (found.stored_bytes != length)
        return refuse_at(error, KVFORMAT_ELENGTH, length + 64, found.stored_bytes, length, "payload");
    uint32_t crc = kvformat_crc32c(0, (kvcore_bytes){bytes.data, length});
    if (crc != found.stored_crc32c)
        return refuse_at(error, KVCORE_ECHECKSUM, length + 80, found.stored_crc32c, crc, "payload");
    *object = found;
    *payload = (kvcore_bytes){bytes.data, length};
    return KVCORE_OK;
}

kvcore_status kvstore_tenant_check(kvcore_bytes tenant, uint8_t check[KVSTORE_TENANT_CHECK_BYTES]) {
    static const char front[17] = {'k', 'v', 's', 't', 'r', 'a', 't', 'a', '-', 't', 'e', 'n', 'a', 'n', 't', '-', '1'};
    uint8_t text[sizeof front + TENANT_MOST];
    if (check == NULL) return KVCORE_EINVAL;
    if (tenant.size_bytes > TENANT_MOST) return KVCORE_EOVERFLOW;
    if (tenant.size_bytes == 0) {
        memset(check, 0, KVSTORE_TENANT_CHECK_BYTES);
        return KVCORE_OK;
    }
    memcpy(text, front, sizeof front);
    memcpy(text + sizeof front, tenant.data, tenant.size_bytes);
    kvcore_hash256 hash;
    kvcore_status status = kvcore_sha256((kvcore_bytes){text, sizeof front + tenant.size_bytes}, &hash);
    if (status == KVCORE_OK) memcpy(check, hash.bytes, KVSTORE_TENANT_CHECK_BYTES);
    return status;
}
