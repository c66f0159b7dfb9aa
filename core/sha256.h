/* SHA-256 in pieces, through OpenSSL's EVP. Private to core. */
#ifndef KVCORE_SHA256_PRIVATE_H
#define KVCORE_SHA256_PRIVATE_H

#include <stddef.h>

#include <kvcore/hash256.h>
#include <kvcore/status.h>

typedef struct kvcore_sha256_hasher {
    void *context;
} kvcore_sha256_hasher;

/* KVCORE_ENOMEM or KVCORE_ENOTSUP; nothing to drop then. */
KVCORE_NODISCARD kvcore_status kvcore__sha256_begin(kvcore_sha256_hasher *hasher);
KVCORE_NODISCARD kvcore_status kvcore__sha256_add(kvcore_sha256_hasher *hasher, const void *bytes, size_t size_bytes);
KVCORE_NODISCARD kvcore_status kvcore__sha256_end(kvcore_sha256_hasher *hasher, kvcore_hash256 *hash);
/* After a successful begin, always. */
void kvcore__sha256_drop(kvcore_sha256_hasher *hasher);

#endif
