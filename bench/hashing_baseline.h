/* What naming cannot beat by much: one XXH3 call a block and one chain step, nothing packed, nothing stored. The including file
 * is compiled for one instruction set and defines BASELINE(name) to give its functions names of their own. */
#define XXH_INLINE_ALL
#include <xxhash.h>

#include <stddef.h>
#include <stdint.h>

uint64_t BASELINE(seed)(const uint32_t *tokens, size_t blocks, size_t block_tokens, uint64_t seed, const void *secret);
uint64_t BASELINE(secret)(const uint32_t *tokens, size_t blocks, size_t block_tokens, uint64_t seed,
                          const void *secret);

static inline uint64_t step(uint64_t parent, uint64_t block_hash) {
    uint64_t pair[2] = {parent, block_hash};
    return XXH3_64bits_withSeed(pair, sizeof pair, 1337);
}

/* The seed goes into every call; long inputs derive their secret from it each time. */
uint64_t BASELINE(seed)(const uint32_t *tokens, size_t blocks, size_t block_tokens, uint64_t seed, const void *secret) {
    (void)secret;
    uint64_t chain = 0;
    for (size_t i = 0; i < blocks; i++, tokens += block_tokens) {
        uint64_t block_hash = XXH3_64bits_withSeed(tokens, 4 * block_tokens, seed);
        chain = i == 0 ? block_hash : step(chain, block_hash);
    }
    return chain;
}

/* The secret was prepared once. */
uint64_t BASELINE(secret)(const uint32_t *tokens, size_t blocks, size_t block_tokens, uint64_t seed,
                          const void *secret) {
    uint64_t chain = 0;
    for (size_t i = 0; i < blocks; i++, tokens += block_tokens) {
        uint64_t block_hash = XXH3_64bits_withSecretandSeed(tokens, 4 * block_tokens, secret, 192, seed);
        chain = i == 0 ? block_hash : step(chain, block_hash);
    }
    return chain;
}
