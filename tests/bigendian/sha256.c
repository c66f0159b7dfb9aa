/* SHA-256 by FIPS 180-4 for a machine that has no libcrypto: what core/sha256.c gives elsewhere. Small texts only. */
#include <kvcore/digest.h>

#include <stdlib.h>
#include <string.h>

#define ROUNDS 64
#define BLOCK_BYTES 64
#define TEXT_BYTES 65536

static const uint32_t constants[ROUNDS] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

static uint32_t turn(uint32_t x, int by) { return x >> by | x << (32 - by); }

static void compress(uint32_t state[8], const uint8_t *block) {
    uint32_t w[ROUNDS], v[8];
    for (int i = 0; i < 16; i++) w[i] = kvcore_load_be32(block + 4 * i);
    for (int i = 16; i < ROUNDS; i++) {
        uint32_t a = w[i - 15], b = w[i - 2];
        w[i] = w[i - 16] + (turn(a, 7) ^ turn(a, 18) ^ a >> 3) + w[i - 7] + (turn(b, 17) ^ turn(b, 19) ^ b >> 10);
    }
    memcpy(v, state, sizeof v);
    for (int i = 0; i < ROUNDS; i++) {
        uint32_t one = v[7] + (turn(v[4], 6) ^ turn(v[4], 11) ^ turn(v[4], 25)) + ((v[4] & v[5]) ^ (~v[4] & v[6])) +
                       constants[i] + w[i];
        uint32_t two =
            (turn(v[0], 2) ^ turn(v[0], 13) ^ turn(v[0], 22)) + ((v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]));
        memmove(v + 1, v, 7 * sizeof *v);
        v[4] += one;
        v[0] = one + two;
    }
    for (int i = 0; i < 8; i++) state[i] += v[i];
}

kvcore_status kvcore_sha256(kvcore_bytes bytes, kvcore_hash256 *hash) {
    uint32_t state[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                         0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    size_t padded = (bytes.size_bytes + 9 + BLOCK_BYTES - 1) / BLOCK_BYTES * BLOCK_BYTES;
    uint8_t *text = calloc(padded, 1);
    if (text == NULL) return KVCORE_ENOMEM;
    if (bytes.size_bytes > 0) memcpy(text, bytes.data, bytes.size_bytes);
    text[bytes.size_bytes] = 0x80;
    kvcore_store_be64(text + padded - 8, 8 * (uint64_t)bytes.size_bytes);
    for (size_t at = 0; at < padded; at += BLOCK_BYTES) compress(state, text + at);
    for (int i = 0; i < 8; i++) kvcore_store_be32(hash->bytes + 4 * i, state[i]);
    free(text);
    return KVCORE_OK;
}

/* ---- in pieces: they are put together ---- */

typedef struct gathered {
    uint8_t bytes[TEXT_BYTES];
    size_t size_bytes;
} gathered;

kvcore_status kvcore_sha256_begin(kvcore_sha256_hasher *hasher) {
    hasher->context = calloc(1, sizeof(gathered));
    return hasher->context != NULL ? KVCORE_OK : KVCORE_ENOMEM;
}

kvcore_status kvcore_sha256_add(kvcore_sha256_hasher *hasher, kvcore_bytes piece) {
    gathered *all = hasher->context;
    if (piece.size_bytes > TEXT_BYTES - all->size_bytes) return KVCORE_ENOTSUP;
    if (piece.size_bytes > 0) memcpy(all->bytes + all->size_bytes, piece.data, piece.size_bytes);
    all->size_bytes += piece.size_bytes;
    return KVCORE_OK;
}

kvcore_status kvcore_sha256_end(kvcore_sha256_hasher *hasher, kvcore_hash256 *hash) {
    const gathered *all = hasher->context;
    return kvcore_sha256((kvcore_bytes){all->bytes, all->size_bytes}, hash);
}

void kvcore_sha256_drop(kvcore_sha256_hasher *hasher) { free(hasher->context); }
