/**
 * @file
 * The hashes that names are made of: all of them XXH3, 64 bits.
 *
 *     block hash      XXH3(the block's bytes, seed = salt hash)
 *     sequence hash   the first block: its block hash; later: XXH3(parent's LE ‖ block hash LE, seed 1337)
 *     salt hash       1337, plus XXH3(LoRA name, seed 0) if there is one, plus XXH3(salt, seed 1) if there is one, mod 2^64
 *
 * Not here: what a block's bytes are when multimodal runs touch it (multimodal.h).
 *
 * Owns:    nothing. Threads: any. Nothing allocates or fails; bytes that are NULL count as none.
 * Cost:    O(bytes). The code for long inputs is chosen at run time for the CPU (AVX2, AVX-512).
 * Source:  dynamo-tokens and dynamo-kv-hashing 1.5.0; pinned by primitives, xxh3 and salt of the hashing vectors. XXH3 is not
 *          a cryptographic hash: docs/libs/hashing.md says what that means for tenants who do not trust each other.
 */
#ifndef KVHASH_HASH_H
#define KVHASH_HASH_H

#include <stddef.h>
#include <stdint.h>

#include <kvcore/bytes.h>
#include <kvhash/export.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The seed of every chain step, and the salt hash of a request without salt and LoRA name. */
#define KVHASH_CHAIN_SEED UINT64_C(1337)

/** XXH3 of any bytes: a block hash when they are a block's bytes and the seed is a salt hash. */
KVHASH_API uint64_t kvhash_xxh3(kvcore_bytes bytes, uint64_t seed);

/** The block hash of a block that no multimodal run touches: its tokens as consecutive u32 LE. */
KVHASH_API uint64_t kvhash_block_hash(const uint32_t *tokens, size_t token_count, uint64_t salt_hash);

/** The sequence hash of the block that follows one with parent_sequence_hash. */
KVHASH_API uint64_t kvhash_next_sequence_hash(uint64_t parent_sequence_hash, uint64_t block_hash);

/** The salt hash of a request. Empty text counts as none. */
KVHASH_API uint64_t kvhash_salt_hash(kvcore_bytes salt, kvcore_bytes lora_name);

/** Bytes of an XXH3 secret. */
#define KVHASH_SECRET_BYTES 192

/** The secret that XXH3 derives from a seed. */
KVHASH_API void kvhash_secret(uint64_t seed, uint8_t secret[KVHASH_SECRET_BYTES]);

/** XXH3 of one 16-byte key with each of `count` secrets, as kvhash_xxh3_secret() but all at once: for sketches. */
KVHASH_API void kvhash_xxh3_secrets(const uint8_t key[16], const uint8_t (*secrets)[KVHASH_SECRET_BYTES], size_t count,
                                    uint64_t *hashes);

/** XXH3 with a secret in place of a seed, at every length: not the same as kvhash_xxh3() with the secret's seed. */
KVHASH_API uint64_t kvhash_xxh3_secret(kvcore_bytes bytes, const uint8_t secret[KVHASH_SECRET_BYTES]);

#ifdef __cplusplus
}
#endif

#endif
