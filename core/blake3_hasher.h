/* BLAKE3 in pieces, for the chains that hash a tag, a state and tokens in one go. Private to core.
 *
 * With KVCORE_SYSTEM_BLAKE3 these are thin names over the system's library; otherwise blake3.c has a portable one. */
#ifndef KVCORE_BLAKE3_HASHER_H
#define KVCORE_BLAKE3_HASHER_H

#include <stddef.h>
#include <stdint.h>

#include <kvcore/hash256.h>

#ifdef KVCORE_SYSTEM_BLAKE3
#include <blake3.h>
typedef blake3_hasher kvcore_blake3_hasher;
#else
#define KVCORE_BLAKE3_MAX_DEPTH 54 /* 2^64 bytes in chunks of 2^10 */

typedef struct kvcore_blake3_hasher {
    uint32_t chunk[8];                             /* chaining value of the chunk in work */
    uint64_t chunk_number;                         /* chunks finished before it */
    uint8_t block[64];                             /* its block in work; compressed only once something follows */
    unsigned block_bytes;                          /* filled of it, 0 … 64 */
    unsigned blocks_before;                        /* blocks of the chunk compressed already, 0 … 15 */
    uint32_t subtrees[KVCORE_BLAKE3_MAX_DEPTH][8]; /* finished subtrees, largest first: one for each set bit of
                                                      chunk_number */
    unsigned subtree_count;
} kvcore_blake3_hasher;
#endif

void kvcore__blake3_begin(kvcore_blake3_hasher *hasher);
void kvcore__blake3_add(kvcore_blake3_hasher *hasher, const void *bytes, size_t size_bytes);
/* The hasher may go on afterwards. */
kvcore_hash256 kvcore__blake3_end(const kvcore_blake3_hasher *hasher);

#endif
