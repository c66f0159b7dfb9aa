#include <kvwombat/prefix.h>

#include <stdio.h>

#include <kvcore/digest.h>
#include <kvcore/text.h>

static void add_text(kvcore_blake3_hasher *hasher, const char *text) { kvcore_blake3_add(hasher, kvcore_text(text)); }

/* Tokens as 32-bit little-endian, through a small buffer so that big-endian hosts agree. */
static void add_tokens(kvcore_blake3_hasher *hasher, const uint32_t *tokens, size_t count) {
    uint8_t bytes[256];
    while (count > 0) {
        size_t take = count < sizeof bytes / 4 ? count : sizeof bytes / 4;
        for (size_t i = 0; i < take; i++) kvcore_store_le32(bytes + 4 * i, tokens[i]);
        kvcore_blake3_add(hasher, (kvcore_bytes){bytes, 4 * take});
        tokens += take;
        count -= take;
    }
}

kvcore_hash256 kvwombat_prefix_seed(kvcore_bytes tenant_id, const kvwombat_fingerprint *fingerprint) {
    if (fingerprint == NULL) return (kvcore_hash256){{0}};
    kvcore_blake3_hasher hasher;
    kvcore_blake3_begin(&hasher);
    add_text(&hasher, "tp-seed-v1");
    kvcore_blake3_add(&hasher, tenant_id);
    kvcore_blake3_add(&hasher, (kvcore_bytes){fingerprint->bytes, sizeof fingerprint->bytes});
    return kvcore_blake3_end(&hasher);
}

kvcore_hash256 kvwombat_prefix_extend(const kvcore_hash256 *previous, kvwombat_token_span block) {
    if (previous == NULL) return (kvcore_hash256){{0}};
    uint8_t size[8];
    kvcore_store_le64(size, (uint64_t)block.token_count * 4);
    kvcore_blake3_hasher hasher;
    kvcore_blake3_begin(&hasher);
    add_text(&hasher, "tp-chain-v1");
    kvcore_blake3_add(&hasher, (kvcore_bytes){previous->bytes, sizeof previous->bytes});
    kvcore_blake3_add(&hasher, (kvcore_bytes){size, sizeof size});
    add_tokens(&hasher, block.tokens, block.token_count);
    return kvcore_blake3_end(&hasher);
}

void kvwombat_prefix_hashes(kvcore_bytes tenant_id, const kvwombat_fingerprint *fingerprint,
                            const kvwombat_token_span *blocks, size_t count, kvcore_hash256 *hashes) {
    if (fingerprint == NULL || blocks == NULL || hashes == NULL) return;
    kvcore_hash256 current = kvwombat_prefix_seed(tenant_id, fingerprint);
    for (size_t i = 0; i < count; i++) hashes[i] = current = kvwombat_prefix_extend(&current, blocks[i]);
}

kvcore_status kvwombat_engine_seed_text(kvcore_bytes fingerprint, int32_t quant_bits,
                                        char text[KVWOMBAT_ENGINE_SEED_TEXT_BYTES], size_t *length) {
    if (text == NULL || length == NULL) return KVCORE_EINVAL;
    if (fingerprint.size_bytes >= KVWOMBAT_ENGINE_SEED_TEXT_BYTES) return KVCORE_EOVERFLOW;
    static const char front[] = "WMBTBLK1|";
    char back[24];
    size_t back_length = (size_t)snprintf(back, sizeof back, "|q%d|ds4-v1", quant_bits);
    size_t total = sizeof front - 1 + fingerprint.size_bytes + back_length;
    if (total >= KVWOMBAT_ENGINE_SEED_TEXT_BYTES) return KVCORE_EOVERFLOW;
    memcpy(text, front, sizeof front - 1);
    if (fingerprint.size_bytes > 0) memcpy(text + sizeof front - 1, fingerprint.data, fingerprint.size_bytes);
    memcpy(text + sizeof front - 1 + fingerprint.size_bytes, back, back_length + 1);
    *length = total;
    return KVCORE_OK;
}

kvcore_hash256 kvwombat_engine_seed(kvcore_bytes seed_text) { return kvcore_blake3(seed_text); }

kvcore_status kvwombat_engine_chain(const kvcore_hash256 *seed, kvwombat_token_span tokens, size_t block_tokens,
                                    kvcore_hash256 *hashes, size_t capacity, size_t *count) {
    if (seed == NULL || count == NULL || (tokens.tokens == NULL && tokens.token_count > 0) ||
        (hashes == NULL && capacity > 0))
        return KVCORE_EINVAL;
    if (block_tokens == 0 || block_tokens % KVWOMBAT_ENGINE_BLOCK_TOKENS_STEP != 0 ||
        block_tokens > KVWOMBAT_ENGINE_BLOCK_TOKENS_MAX)
        return KVCORE_EINVAL;
    size_t blocks = tokens.token_count / block_tokens;
    if (blocks > KVWOMBAT_ENGINE_MAX_BLOCKS) blocks = KVWOMBAT_ENGINE_MAX_BLOCKS;
    *count = blocks;
    if (blocks > capacity) return KVCORE_EBUFFER;
    const kvcore_hash256 *previous = seed;
    for (size_t i = 0; i < blocks; i++) {
        char hex[64];
        kvcore_hex_encode(previous->bytes, sizeof previous->bytes, hex);
        kvcore_blake3_hasher hasher;
        kvcore_blake3_begin(&hasher);
        kvcore_blake3_add(&hasher, (kvcore_bytes){hex, sizeof hex});
        add_tokens(&hasher, tokens.tokens + i * block_tokens, block_tokens);
        hashes[i] = kvcore_blake3_end(&hasher);
        previous = &hashes[i];
    }
    return KVCORE_OK;
}

size_t kvwombat_resident_prefix(const bool *resident, size_t count) {
    size_t leading = 0;
    while (leading < count && resident[leading]) leading++;
    return leading;
}
