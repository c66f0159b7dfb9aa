/**
 * @file
 * The positional sequence hash (PSH): position, sequence hash and a piece of the block hash, 128 bits.
 *
 * The low half is the sequence hash; the high half, from the top: mode (2), position, block hash (its low bits):
 *
 *     mode 0   position 0 … 255                | 2 | 8  |      54      |
 *     mode 1   position 256 … 65,535           | 2 | 16 |     46       |
 *     mode 2   position 65,536 … 16,777,215    | 2 | 24 |    38        |
 *     mode 3   position 16,777,216 … 2^31 − 1  | 2 | 31 |   31         |
 *
 * Every 128-bit value is a PSH; there is no order.
 *
 * Owns:    nothing; a PSH is a value. Threads: any. Units: positions count blocks from 0. Nothing allocates.
 * Source:  dynamo-tokens 1.5.0, PositionalSequenceHash; pinned by psh and serde of the hashing vectors.
 */
#ifndef KVHASH_PSH_H
#define KVHASH_PSH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <kvcore/status.h>
#include <kvhash/export.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Its value is high · 2^64 + low. */
typedef struct kvhash_psh {
    uint64_t high; /**< mode, position and part of the block hash */
    uint64_t low;  /**< the sequence hash */
} kvhash_psh;

/** The last position that a PSH can hold. */
#define KVHASH_PSH_MAX_POSITION UINT64_C(0x7FFFFFFF)
/** Bytes of the wire form. */
#define KVHASH_PSH_BYTES 16
/** Room that always suffices for the debug text and its NUL. */
#define KVHASH_PSH_TEXT_BYTES 128

/** Which of the four layouts it uses. */
KVHASH_INLINE unsigned kvhash_psh_mode(kvhash_psh psh) { return (unsigned)(psh.high >> 62); }

/** @cond */
/* Bits that a mode gives to the position. */
KVHASH_INLINE unsigned kvhash_psh_position_bits(unsigned mode) { return mode == 3 ? 31 : 8 * (mode + 1); }
/** @endcond */

/** The position of the block in its sequence, counted from 0. */
KVHASH_INLINE uint32_t kvhash_psh_position(kvhash_psh psh) {
    return (uint32_t)(psh.high << 2 >> (64 - kvhash_psh_position_bits(kvhash_psh_mode(psh))));
}

/** The sequence hash: of everything up to and with this block. */
KVHASH_INLINE uint64_t kvhash_psh_sequence_hash(kvhash_psh psh) { return psh.low; }

/** The low 54, 46, 38 or 31 bits of the block hash, as stored. */
KVHASH_INLINE uint64_t kvhash_psh_block_hash(kvhash_psh psh) {
    return psh.high & (UINT64_MAX >> (2 + kvhash_psh_position_bits(kvhash_psh_mode(psh))));
}

/** Are both the same? */
KVHASH_INLINE bool kvhash_psh_equal(kvhash_psh a, kvhash_psh b) { return a.high == b.high && a.low == b.low; }

/**
 * A PSH from its parts, in the smallest mode that holds the position.
 *
 * Errors: KVCORE_EINVAL for NULL; KVHASH_EPOSITION beyond KVHASH_PSH_MAX_POSITION.
 */
KVHASH_API KVCORE_NODISCARD kvcore_status kvhash_psh_make(uint64_t sequence_hash, uint64_t position,
                                                          uint64_t block_hash, kvhash_psh *psh);

/** The wire form: the 128-bit value, big-endian. */
KVHASH_API void kvhash_psh_encode(kvhash_psh psh, uint8_t bytes[KVHASH_PSH_BYTES]);

/** The reverse; every 16 bytes are a PSH. */
KVHASH_API kvhash_psh kvhash_psh_decode(const uint8_t bytes[KVHASH_PSH_BYTES]);

/** The debug text, its fields in decimal, NUL terminated. Returns the number of characters without the NUL. */
KVHASH_API size_t kvhash_psh_format(kvhash_psh psh, char text[KVHASH_PSH_TEXT_BYTES]);

#ifdef __cplusplus
}
#endif

#endif
