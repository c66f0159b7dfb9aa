/**
 * @file
 * The checksum of KVS1 and of envelopes: CRC-32C.
 *
 * Owns: nothing. Threads: any. Never allocates.
 * Source: RFC 3720, appendix B.4.
 */
#ifndef KVFORMAT_CHECKSUM_H
#define KVFORMAT_CHECKSUM_H

#include <stdint.h>

#include <kvcore/bytes.h>
#include <kvformat/export.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * CRC-32C (Castagnoli), with the processor's instructions where there are some. `crc` is the finished value of the bytes
 * before, 0 at the start: crc(crc(0, a), b) is that of a and b together. "123456789" gives 0xE3069283.
 */
KVFORMAT_API uint32_t kvformat_crc32c(uint32_t crc, kvcore_bytes bytes);

#ifdef __cplusplus
}
#endif

#endif
