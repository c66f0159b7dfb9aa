/**
 * @file
 * Hashes of 256 bits: SHA-256 (identities, content keys) and BLAKE3 (prefix chains), as one value type.
 *
 * Owns: nothing; a hash is a value. Threads: any.
 * Source: FIPS 180-4 through OpenSSL's EVP; BLAKE3 as its published specification has it, plain (unkeyed) mode.
 */
#ifndef KVCORE_HASH256_H
#define KVCORE_HASH256_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <kvcore/bytes.h>
#include <kvcore/export.h>
#include <kvcore/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/** 32 bytes as the hash function writes them. All zero is "none" where a contract says so (the parent of a root). */
typedef struct kvcore_hash256 {
    uint8_t bytes[32]; /**< in the order in which the hash function writes them */
} kvcore_hash256;

/** Negative, 0 or positive: bytewise; NULL comes first. */
KVCORE_INLINE int kvcore_hash256_compare(const kvcore_hash256 *a, const kvcore_hash256 *b) {
    if (a == NULL || b == NULL) return (a != NULL) - (b != NULL);
    return memcmp(a->bytes, b->bytes, sizeof a->bytes);
}

/**
 * SHA-256 of some bytes.
 *
 * Errors: KVCORE_EINVAL for NULL; KVCORE_ENOMEM or KVCORE_ENOTSUP when OpenSSL refuses (no memory, no SHA-256
 *         provider); *hash is untouched.
 * Cost:   O(size); OpenSSL allocates a context.
 */
KVCORE_API KVCORE_NODISCARD kvcore_status kvcore_sha256(kvcore_bytes bytes, kvcore_hash256 *hash);

/** BLAKE3 of some bytes. Cost: O(size), 2 KiB of stack, never allocates. */
KVCORE_API kvcore_hash256 kvcore_blake3(kvcore_bytes bytes);

#ifdef __cplusplus
}
#endif

#endif
