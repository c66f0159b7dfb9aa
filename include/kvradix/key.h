/**
 * @file
 * The key encoder: a 32-byte key from a fingerprint, a block index and a depth.
 *
 *     | 0 fingerprint 16 | 16 block index u32 LE | 20 depth u32 LE | 24 each byte: key[i − 24] ^ rotl(key[i − 8], 1) 8 |
 *
 * Not a hash: the three parts stand in it as they are, so different parts give different keys. Not related to the prefix
 * chains of kvcore either; an index takes any 32 bytes for a key.
 *
 * Owns: nothing. Threads: any. Cost: O(1) a key, never allocates.
 * Source: WombatKV, KeyEncoder; pinned by key_encode and key_encode_chain of the radix vectors.
 */
#ifndef KVRADIX_KEY_H
#define KVRADIX_KEY_H

#include <stddef.h>
#include <stdint.h>

#include <kvcore/hash256.h>
#include <kvradix/export.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Bytes of a fingerprint in a key. */
#define KVRADIX_FINGERPRINT_BYTES 16

/** One key from its parts. A NULL fingerprint gives the zero key. */
KVRADIX_API kvcore_hash256 kvradix_key_encode(const uint8_t fingerprint[KVRADIX_FINGERPRINT_BYTES],
                                              uint32_t block_index, uint32_t depth);

/** keys[i] has depths[i] for its depth and for its block index. */
KVRADIX_API void kvradix_key_encode_chain(const uint8_t fingerprint[KVRADIX_FINGERPRINT_BYTES], const uint32_t *depths,
                                          size_t count, kvcore_hash256 *keys);

#ifdef __cplusplus
}
#endif

#endif
