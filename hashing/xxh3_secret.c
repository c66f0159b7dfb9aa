#include <kvhash/xxh3.h>

#include "xxh3.h"

_Static_assert(KVHASH_XXH3_SECRET_BYTES == XXH3_SECRET_DEFAULT_SIZE, "a secret is as long as XXH3's own");

void kvhash_xxh3_secret_from_seed(uint64_t seed, uint8_t secret[KVHASH_XXH3_SECRET_BYTES]) {
    XXH3_generateSecret_fromSeed(secret, seed);
}

uint64_t kvhash_xxh3_with_secret(const void *bytes, size_t size_bytes, const uint8_t secret[KVHASH_XXH3_SECRET_BYTES]) {
    return XXH3_64bits_withSecret(bytes, size_bytes, secret, KVHASH_XXH3_SECRET_BYTES);
}
