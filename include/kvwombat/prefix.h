/**
 * @file
 * Hashes of a prefix as WombatKV chains them (BLAKE3), and how much of a prefix is resident.
 *
 * There are two chains, and they never agree: the *prefix chain* of its Rust crates hashes raw bytes; the *engine chain*,
 * which is what its object keys really carry, hashes hexadecimal text. (The names that libkvhash makes are a third thing.)
 *
 * Owns:    nothing; inputs are borrowed, outputs are the caller's arrays.
 * Threads: any. Never allocates.
 * Source:  WombatKV, chained_prefix_hashes and the ds4 engine's block chain; pinned by chain_hashes of the wombat vectors.
 */
#ifndef KVWOMBAT_PREFIX_H
#define KVWOMBAT_PREFIX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <kvcore/bytes.h>
#include <kvcore/hash256.h>
#include <kvcore/status.h>
#include <kvwombat/block_key.h>
#include <kvwombat/export.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The tokens of one block, borrowed. An empty one is legal and changes the chain. */
typedef struct kvwombat_token_span {
    const uint32_t *tokens; /**< Borrowed. */
    size_t token_count;     /**< How many. */
} kvwombat_token_span;

/** BLAKE3("tp-seed-v1" ‖ tenant ‖ fingerprint). */
KVWOMBAT_API kvcore_hash256 kvwombat_prefix_seed(kvcore_bytes tenant_id, const kvwombat_fingerprint *fingerprint);

/** BLAKE3("tp-chain-v1" ‖ previous ‖ bytes of the tokens as u64 LE ‖ tokens as u32 LE). Cost: O(tokens). */
KVWOMBAT_API kvcore_hash256 kvwombat_prefix_extend(const kvcore_hash256 *previous, kvwombat_token_span block);

/** One hash a block into hashes[count]; the seed itself is none of them. Cost: O(all tokens). */
KVWOMBAT_API void kvwombat_prefix_hashes(kvcore_bytes tenant_id, const kvwombat_fingerprint *fingerprint,
                                         const kvwombat_token_span *blocks, size_t count, kvcore_hash256 *hashes);

/** Block sizes of the engine chain: positive multiples of 128 up to 8192. */
#define KVWOMBAT_ENGINE_BLOCK_TOKENS_STEP 128
/** See KVWOMBAT_ENGINE_BLOCK_TOKENS_STEP. */
#define KVWOMBAT_ENGINE_BLOCK_TOKENS_MAX 8192
/** Blocks of one request that the engine follows; later ones have no hash. */
#define KVWOMBAT_ENGINE_MAX_BLOCKS 512
/** The seed text is shorter than this. */
#define KVWOMBAT_ENGINE_SEED_TEXT_BYTES 128

/**
 * The text that the engine chain starts from: "WMBTBLK1|" fingerprint "|q" quant_bits "|ds4-v1", NUL terminated.
 *
 * Takes:  the engine's fingerprint text (24 characters or more), as it is. quant_bits: 4 or 2 in practice, 0 if unknown.
 * Gives:  its length without the NUL in *length.
 * Errors: KVCORE_EINVAL for NULL; KVCORE_EOVERFLOW when it would not be shorter than KVWOMBAT_ENGINE_SEED_TEXT_BYTES.
 */
KVWOMBAT_API KVCORE_NODISCARD kvcore_status kvwombat_engine_seed_text(kvcore_bytes fingerprint, int32_t quant_bits,
                                                                      char text[KVWOMBAT_ENGINE_SEED_TEXT_BYTES],
                                                                      size_t *length);

/** BLAKE3 of the seed text. */
KVWOMBAT_API kvcore_hash256 kvwombat_engine_seed(kvcore_bytes seed_text);

/**
 * The engine chain of a prompt: h[i] = BLAKE3(hex(h[i−1]) ‖ tokens of block i as int32 LE), full blocks only, at most
 * KVWOMBAT_ENGINE_MAX_BLOCKS of them.
 *
 * Gives:  *count hashes in hashes[capacity]. NULL and 0 ask for the number (then KVCORE_EBUFFER unless it is 0).
 * Errors: KVCORE_EINVAL for a block size the engine refuses; KVCORE_EBUFFER when there are more than `capacity`, the
 *         number in *count.
 * Cost:   O(tokens).
 */
KVWOMBAT_API KVCORE_NODISCARD kvcore_status kvwombat_engine_chain(const kvcore_hash256 *seed,
                                                                  kvwombat_token_span tokens, size_t block_tokens,
                                                                  kvcore_hash256 *hashes, size_t capacity,
                                                                  size_t *count);

/** The number of leading true values. Cost: O(result). */
KVWOMBAT_API size_t kvwombat_resident_prefix(const bool *resident, size_t count);

#ifdef __cplusplus
}
#endif

#endif
