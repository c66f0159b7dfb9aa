#include <kvhash/hash.h>

#include "chain.h"
#include "naming.h"
#include "xxh3.h"

static size_t size_of(kvcore_bytes bytes) { return bytes.data == NULL ? 0 : bytes.size_bytes; }

uint64_t kvhash_xxh3(kvcore_bytes bytes, uint64_t seed) {
    return kvhash__naming_kernels_for_this_cpu()->hash_bytes(bytes.data, size_of(bytes), seed);
}

uint64_t kvhash_block_hash(const uint32_t *tokens, size_t token_count, uint64_t salt_hash) {
    return kvhash__naming_kernels_for_this_cpu()->hash_tokens(tokens, tokens == NULL ? 0 : token_count, salt_hash);
}

uint64_t kvhash_next_sequence_hash(uint64_t parent_sequence_hash, uint64_t block_hash) {
    return chain_next(parent_sequence_hash, block_hash);
}

uint64_t kvhash_salt_hash(kvcore_bytes salt, kvcore_bytes lora_name) {
    uint64_t hash = CHAIN_SEED;
    if (size_of(lora_name) != 0) hash += kvhash_xxh3(lora_name, 0);
    if (size_of(salt) != 0) hash += kvhash_xxh3(salt, 1);
    return hash;
}

void kvhash_secret(uint64_t seed, uint8_t secret[KVHASH_SECRET_BYTES]) {
    if (secret != NULL) XXH3_generateSecret_fromSeed(secret, seed);
}

uint64_t kvhash_xxh3_secret(kvcore_bytes bytes, const uint8_t secret[KVHASH_SECRET_BYTES]) {
    if (secret == NULL) return 0;
    return XXH3_64bits_withSecret(bytes.data, size_of(bytes), secret, KVHASH_SECRET_BYTES);
}

void kvhash_xxh3_secrets(const uint8_t key[16], const uint8_t (*secrets)[KVHASH_SECRET_BYTES], size_t count,
                         uint64_t *hashes) {
    if (key == NULL || secrets == NULL || hashes == NULL) return;
    for (size_t i = 0; i < count; i++) hashes[i] = XXH3_64bits_withSecret(key, 16, secrets[i], KVHASH_SECRET_BYTES);
}
