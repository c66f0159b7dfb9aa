/**
 * @file
 * The checksums of the formats: FNV-1a (write-ahead log, segments) and CRC-32C (envelopes, KVS1).
 *
 * Owns: nothing. Threads: any. Never allocates.
 * Source: WombatKV, checksum32, store tokens and crc32c; pinned by checksum32 of the wombat vectors.
 */
#ifndef KVFORMAT_CHECKSUM_H
#define KVFORMAT_CHECKSUM_H

#include <stdint.h>

#include <kvcore/bytes.h>
#include <kvformat/export.h>

#ifdef __cplusplus
extern "C" {
#endif

/** FNV-1a of 32 bits. Empty: 0x811C9DC5. Not cryptographic, and easy to collide. */
KVFORMAT_API uint32_t kvformat_fnv32(kvcore_bytes bytes);

/** FNV-1a of 64 bits: the token of an object in the in-memory object store. */
KVFORMAT_API uint64_t kvformat_fnv64(kvcore_bytes bytes);

/**
 * CRC-32C (Castagnoli), with the processor's instructions where there are some. `crc` is the finished value of the bytes
 * before, 0 at the start: crc(crc(0, a), b) is that of a and b together. "123456789" gives 0xE3069283.
 */
KVFORMAT_API uint32_t kvformat_crc32c(uint32_t crc, kvcore_bytes bytes);

#ifdef __cplusplus
}
#endif

#endif
