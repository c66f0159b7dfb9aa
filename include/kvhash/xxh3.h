/**
 * @file
 * XXH3 with a secret of one's own, for sketches and tables that need several hashes of one key.
 *
 * Not for names: those are in kvhash/hash.h. For keys of up to 240 bytes the result is not that of the seeded hash.
 *
 * Owns: nothing. Threads: any. Never allocates. Source: XXH3 of xxHash 0.8.
 */
#ifndef KVHASH_XXH3_H
#define KVHASH_XXH3_H

#include <stddef.h>
#include <stdint.h>

#include <kvhash/export.h>

#ifdef __cplusplus
extern "C" {
#endif

#define KVHASH_XXH3_SECRET_BYTES 192

/** The secret that XXH3 derives from a seed; that of seed 0 is the default secret. */
KVHASH_API void kvhash_xxh3_secret_from_seed(uint64_t seed, uint8_t secret[KVHASH_XXH3_SECRET_BYTES]);

/** XXH3, 64 bits, of size_bytes bytes with that secret. Cost: O(size). */
KVHASH_API uint64_t kvhash_xxh3_with_secret(const void *bytes, size_t size_bytes,
                                            const uint8_t secret[KVHASH_XXH3_SECRET_BYTES]);

#ifdef __cplusplus
}
#endif

#endif
