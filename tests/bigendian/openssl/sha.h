/* The calls of libcrypto that schemes use, over sha256.c: for a machine that has no libcrypto. Small texts only. */
#ifndef BIGENDIAN_OPENSSL_SHA_H
#define BIGENDIAN_OPENSSL_SHA_H

#include <kvcore/hash256.h>

typedef struct SHA256_CTX {
    uint8_t bytes[65536];
    size_t size_bytes;
} SHA256_CTX;

static inline int SHA256_Init(SHA256_CTX *context) {
    context->size_bytes = 0;
    return 1;
}

static inline int SHA256_Update(SHA256_CTX *context, const void *bytes, size_t size) {
    if (size > sizeof context->bytes - context->size_bytes) return 0;
    memcpy(context->bytes + context->size_bytes, bytes, size);
    context->size_bytes += size;
    return 1;
}

static inline int SHA256_Final(uint8_t *digest, SHA256_CTX *context) {
    kvcore_hash256 hash;
    if (kvcore_sha256((kvcore_bytes){context->bytes, context->size_bytes}, &hash) != KVCORE_OK) return 0;
    memcpy(digest, hash.bytes, sizeof hash.bytes);
    return 1;
}

#endif
