#include <kvcore/block_meta.h>

#include <kvcore/bytes.h>

_Static_assert(sizeof(kvcore_block_meta) == 96, "no padding in a block's metadata");

static uint64_t now_of(const kvcore_clock *clock) {
    kvcore_clock wall = kvcore_clock_wall();
    if (clock == NULL) clock = &wall;
    return clock->now_ns(clock->ctx);
}

kvcore_block_meta kvcore_block_meta_root(uint64_t payload_bytes, const kvcore_model_digest *digest,
                                         const kvcore_layout_tag *tag, const kvcore_clock *clock) {
    return kvcore_block_meta_successor(NULL, 0, payload_bytes, digest, tag, clock);
}

kvcore_block_meta kvcore_block_meta_successor(const kvcore_hash256 *parent_hash, uint32_t block_seq,
                                              uint64_t payload_bytes, const kvcore_model_digest *digest,
                                              const kvcore_layout_tag *tag, const kvcore_clock *clock) {
    kvcore_block_meta meta = {.block_seq = block_seq, .payload_bytes = payload_bytes};
    if (parent_hash != NULL) meta.parent_hash = *parent_hash;
    if (digest != NULL) meta.model_digest = *digest;
    if (tag != NULL) meta.layout_tag = *tag;
    meta.last_access_ns = now_of(clock);
    return meta;
}

void kvcore_block_meta_touch(kvcore_block_meta *meta, const kvcore_clock *clock) {
    if (meta == NULL) return;
    meta->last_access_ns = now_of(clock);
}

void kvcore_block_meta_encode(const kvcore_block_meta *meta, uint8_t bytes[KVCORE_BLOCK_META_BYTES]) {
    if (meta == NULL || bytes == NULL) return;
    memcpy(bytes, meta->parent_hash.bytes, 32);
    kvcore_store_le32(bytes + 32, meta->block_seq);
    kvcore_store_le64(bytes + 36, meta->payload_bytes);
    kvcore_store_le64(bytes + 44, meta->last_access_ns);
    memcpy(bytes + 52, meta->model_digest.bytes, 24);
    memcpy(bytes + 76, meta->layout_tag.bytes, 16);
    kvcore_store_le32(bytes + 92, meta->ext_flags);
}

void kvcore_block_meta_decode(const uint8_t bytes[KVCORE_BLOCK_META_BYTES], kvcore_block_meta *meta) {
    if (bytes == NULL || meta == NULL) return;
    memcpy(meta->parent_hash.bytes, bytes, 32);
    meta->block_seq = kvcore_load_le32(bytes + 32);
    meta->payload_bytes = kvcore_load_le64(bytes + 36);
    meta->last_access_ns = kvcore_load_le64(bytes + 44);
    memcpy(meta->model_digest.bytes, bytes + 52, 24);
    memcpy(meta->layout_tag.bytes, bytes + 76, 16);
    meta->ext_flags = kvcore_load_le32(bytes + 92);
}
