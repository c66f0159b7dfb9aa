/**
 * @file
 * The key of a block in a store that many tenants share.
 *
 * Owns:    nothing: the tenant is borrowed, the rest are values. Threads: any.
 * Source:  WombatKV, Fingerprint and BlockKey.
 */
#ifndef KVCORE_BLOCK_KEY_H
#define KVCORE_BLOCK_KEY_H

#include <stdint.h>

#include <kvcore/bytes.h>
#include <kvcore/export.h>
#include <kvcore/hash256.h>

#ifdef __cplusplus
extern "C" {
#endif

/** 32 opaque bytes that say which model and settings computed a block. */
typedef kvcore_hash256 kvcore_fingerprint;

typedef struct kvcore_block_key {
    kvcore_bytes tenant_id; /**< UTF-8, borrowed. */
    kvcore_fingerprint fingerprint;
    kvcore_hash256 prefix_hash;
    uint32_t block_index;
} kvcore_block_key;

/** Negative, 0 or positive: by tenant, fingerprint, prefix hash, index. */
KVCORE_API int kvcore_block_key_compare(const kvcore_block_key *a, const kvcore_block_key *b);

#ifdef __cplusplus
}
#endif

#endif
