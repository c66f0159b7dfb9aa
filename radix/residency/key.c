#include <kvradix/key.h>

#include <string.h>

#include <kvcore/bytes.h>

kvcore_hash256 kvradix_key_encode(const uint8_t fingerprint[KVRADIX_FINGERPRINT_BYTES], uint32_t block_index,
                                  uint32_t depth) {
    if (fingerprint == NULL) return (kvcore_hash256){{0}};
    kvcore_hash256 key;
    memcpy(key.bytes, fingerprint, KVRADIX_FINGERPRINT_BYTES);
    kvcore_store_le32(key.bytes + 16, block_index);
    kvcore_store_le32(key.bytes + 20, depth);
    for (int i = 24; i < 32; i++) {
        unsigned byte = key.bytes[i - 8];
        key.bytes[i] = (uint8_t)(key.bytes[i - 24] ^ (byte << 1 | byte >> 7));
    }
    return key;
}

void kvradix_key_encode_chain(const uint8_t fingerprint[KVRADIX_FINGERPRINT_BYTES], const uint32_t *depths,
                              size_t count, kvcore_hash256 *keys) {
    if (fingerprint == NULL || depths == NULL || keys == NULL) return;
    for (size_t i = 0; i < count; i++) keys[i] = kvradix_key_encode(fingerprint, depths[i], depths[i]);
}
