/**
 * @file
 * SHA-256 and BLAKE3 in pieces, for what is not in one place in memory. hash256.h has both in one call.
 *
 * Begin, add pieces in order, end. The result is the hash of all the pieces together, however they were cut.
 *
 * Owns:    a SHA-256 hasher owns a context of OpenSSL from begin to drop; a BLAKE3 hasher owns nothing and may be copied.
 * Threads: a hasher is compatible: one call on it at a time.
 * Errors:  KVCORE_EINVAL for NULL, also for a piece that is NULL with a size; BLAKE3 has no status: a NULL hasher or piece adds
 *          nothing, and its end is the zero hash.
 * Source:  FIPS 180-4; BLAKE3 as its published specification has it.
 */
#ifndef KVCORE_DIGEST_H
#define KVCORE_DIGEST_H

#include <stdint.h>

#include <kvcore/bytes.h>
#include <kvcore/export.h>
#include <kvcore/hash256.h>
#include <kvcore/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A SHA-256 over pieces: begin, add, end, drop. */
typedef struct kvcore_sha256_hasher {
    void *context; /**< private */
} kvcore_sha256_hasher;

/** Start. Errors: KVCORE_EINVAL; KVCORE_ENOMEM or KVCORE_ENOTSUP when OpenSSL refuses: then there is nothing to drop. */
KVCORE_API KVCORE_NODISCARD kvcore_status kvcore_sha256_begin(kvcore_sha256_hasher *hasher);
/** Add a piece. Errors: KVCORE_EINVAL; KVCORE_ENOTSUP. Cost: O(size). */
KVCORE_API KVCORE_NODISCARD kvcore_status kvcore_sha256_add(kvcore_sha256_hasher *hasher, kvcore_bytes piece);
/** The hash of all pieces. Nothing may be added afterwards. Errors: KVCORE_EINVAL; KVCORE_ENOTSUP; *hash is untouched. */
KVCORE_API KVCORE_NODISCARD kvcore_status kvcore_sha256_end(kvcore_sha256_hasher *hasher, kvcore_hash256 *hash);
/** Release the context: once after each begin that succeeded. NULL is ignored. */
KVCORE_API void kvcore_sha256_drop(kvcore_sha256_hasher *hasher);

/** Opaque; large enough for the hasher of every BLAKE3 library that core may be built with. */
typedef struct kvcore_blake3_hasher {
    uint64_t state[240]; /**< private */
} kvcore_blake3_hasher;

/** Start: plain (unkeyed) mode. NULL is ignored. Never allocates. */
KVCORE_API void kvcore_blake3_begin(kvcore_blake3_hasher *hasher);
/** Add a piece. Cost: O(size). */
KVCORE_API void kvcore_blake3_add(kvcore_blake3_hasher *hasher, kvcore_bytes piece);
/** The first 32 bytes of the hash of all pieces so far; more may be added afterwards. */
KVCORE_API kvcore_hash256 kvcore_blake3_end(const kvcore_blake3_hasher *hasher);

#ifdef __cplusplus
}
#endif

#endif
