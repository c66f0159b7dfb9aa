/**
 * @file
 * The stored block (KVO1): what lies in a file or an object.
 *
 *     payload, P bytes | trailer, 128 bytes
 *
 * The payload stands first, so that it lands aligned in the engine's memory. The trailer says whose block it is and has the
 * checksums; numbers are little-endian, the name is big-endian.
 *
 *     | 0 "KVSO" | 4 version 1 | 8 name 16 | 24 layout tag 16 | 40 model digest 24 | 64 bytes as stored 8 | 72 bytes as put 8 |
 *     | 80 CRC-32C of the payload as stored 4 | 84 tokens a block 4 | 88 codec 4 | 92 rank 2 | 94 ranks 2 | 96 proof 16 |
 *     | 112 tenant check 8 | 120 group 2 | 122 zero 2 | 124 CRC-32C of bytes 0 … 123 |
 *
 * Owns:    nothing. Threads: any. Never allocates (but for SHA-256, see kvstore_tenant_check()).
 * Source:  kvstrata's own format; docs/formats/kvo1.md.
 */
#ifndef KVSTORE_OBJECT_H
#define KVSTORE_OBJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <kvcore/bytes.h>
#include <kvcore/identity.h>
#include <kvcore/status.h>
#include <kvhash/plh.h>
#include <kvstore/export.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Bytes of the trailer of a stored block. */
#define KVSTORE_TRAILER_BYTES 128
/** Bytes of a proof in the trailer. */
#define KVSTORE_PROOF_BYTES 16
/** Bytes of the tenant check in the trailer. */
#define KVSTORE_TENANT_CHECK_BYTES 8

/** How a payload is stored. */
enum { KVSTORE_CODEC_NONE = 0, KVSTORE_CODEC_ZSTD = 1 };

/** What a trailer says. */
typedef struct kvstore_object {
    kvhash_plh name;                    /**< the block's name */
    kvcore_layout_tag layout;           /**< how the payload is laid out */
    kvcore_model_digest model;          /**< which model computed it */
    uint64_t stored_bytes;              /**< of the payload as it lies there */
    uint64_t payload_bytes;             /**< of the payload as it was put; another number only when compressed */
    uint32_t stored_crc32c;             /**< of the payload as it lies there */
    uint32_t block_tokens;              /**< 0: not said */
    uint32_t codec;                     /**< KVSTORE_CODEC_… */
    uint16_t rank;                      /**< from 0 */
    uint16_t ranks;                     /**< at least 1 */
    uint16_t group;                     /**< of a hybrid model; 0 for the only one */
    uint8_t proof[KVSTORE_PROOF_BYTES]; /**< a second fingerprint of the tokens; zero: not said */
    uint8_t tenant_check[KVSTORE_TENANT_CHECK_BYTES]; /**< tells tenants apart without naming them */
} kvstore_object;

/** The bytes of a trailer. What is given is not judged: kvstore_trailer_decode() tells. */
KVSTORE_API void kvstore_trailer_encode(const kvstore_object *object, uint8_t bytes[KVSTORE_TRAILER_BYTES]);

/**
 * A trailer back into what it says.
 *
 * Gives:  *object; untouched on failure.
 * Errors: in this order: KVFORMAT_EMAGIC; KVFORMAT_EVERSION; KVCORE_ECHECKSUM; KVCORE_EFORMAT for a name of mode 3, an unknown
 *         codec, no ranks, a rank beyond them, lengths that contradict the codec, or bytes that must be zero
 *         (error->offset says where).
 */
KVSTORE_API KVCORE_NODISCARD kvcore_status kvstore_trailer_decode(const uint8_t bytes[KVSTORE_TRAILER_BYTES],
                                                                  kvstore_object *object, kvcore_error *error);

/**
 * A whole stored block in memory: its trailer, its length, the checksum of its payload.
 *
 * Gives:  *object and *payload, a view of the payload as stored.
 * Errors: KVCORE_ETRUNCATED below 128 bytes; those of kvstore_trailer_decode(); KVFORMAT_ELENGTH when it is not as long as its
 *         trailer says; KVCORE_ECHECKSUM.
 * Cost:   O(size).
 */
KVSTORE_API KVCORE_NODISCARD kvcore_status kvstore_object_check(kvcore_bytes bytes, kvstore_object *object,
                                                                kvcore_bytes *payload, kvcore_error *error);

/** What a tenant is told apart by: the first 8 bytes of SHA-256("kvstrata-tenant-1" ‖ tenant); zero for the empty tenant.
 *  Errors: those of kvcore_sha256(); KVCORE_EOVERFLOW for a tenant of more than 63 bytes. */
KVSTORE_API KVCORE_NODISCARD kvcore_status kvstore_tenant_check(kvcore_bytes tenant,
                                                                uint8_t check[KVSTORE_TENANT_CHECK_BYTES]);

#ifdef __cplusplus
}
#endif

#endif
