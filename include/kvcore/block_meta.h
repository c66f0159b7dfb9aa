/**
 * @file
 * What is known of a stored block besides its name: the metadata of a block.
 *
 * Owns:    nothing; plain values. Threads: any. Units: sizes in bytes, times in ns since the Unix epoch.
 * Source:  WombatKV, BlockMeta (96 bytes in memory there too). Its fields have no serialised form upstream; the one below
 *          is kvstrata's.
 */
#ifndef KVCORE_BLOCK_META_H
#define KVCORE_BLOCK_META_H

#include <stdint.h>

#include <kvcore/clock.h>
#include <kvcore/export.h>
#include <kvcore/hash256.h>
#include <kvcore/identity.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What is known of a stored block without its payload. */
typedef struct kvcore_block_meta {
    kvcore_hash256 parent_hash;       /**< The previous block of the chain; all zero for a root. */
    uint64_t payload_bytes;           /**< Size of the payload. */
    uint64_t last_access_ns;          /**< Nanoseconds since the Unix epoch. */
    kvcore_model_digest model_digest; /**< Which model computed it. */
    kvcore_layout_tag layout_tag;     /**< How the payload is laid out. */
    uint32_t block_seq;               /**< 0 = root, +1 a successor. */
    uint32_t ext_flags;               /**< Extension bits; 0 today. */
} kvcore_block_meta;

/**
 * The fixed little-endian form, no padding:
 *
 *     | 0 parent_hash 32 | 32 block_seq 4 | 36 payload_bytes 8 | 44 last_access_ns 8 | 52 model_digest 24 |
 *     | 76 layout_tag 16 | 92 ext_flags 4 |
 */
#define KVCORE_BLOCK_META_BYTES 96

/** Parent zero, sequence 0, flags 0, stamped now. digest, tag, clock may be NULL: zeros, the wall clock. */
KVCORE_API kvcore_block_meta kvcore_block_meta_root(uint64_t payload_bytes, const kvcore_model_digest *digest,
                                                    const kvcore_layout_tag *tag, const kvcore_clock *clock);

/** As given, flags 0, stamped now. Parent and sequence are not compared with one another, as upstream. */
KVCORE_API kvcore_block_meta kvcore_block_meta_successor(const kvcore_hash256 *parent_hash, uint32_t block_seq,
                                                         uint64_t payload_bytes, const kvcore_model_digest *digest,
                                                         const kvcore_layout_tag *tag, const kvcore_clock *clock);

/** Stamp it with the clock's now. NULL: the wall clock. */
KVCORE_API void kvcore_block_meta_touch(kvcore_block_meta *meta, const kvcore_clock *clock);

/** Write the fixed form. NULL does nothing. */
KVCORE_API void kvcore_block_meta_encode(const kvcore_block_meta *meta, uint8_t bytes[KVCORE_BLOCK_META_BYTES]);
/** Every 96 bytes are some metadata: it cannot fail. */
KVCORE_API void kvcore_block_meta_decode(const uint8_t bytes[KVCORE_BLOCK_META_BYTES], kvcore_block_meta *meta);

#ifdef __cplusplus
}
#endif

#endif
