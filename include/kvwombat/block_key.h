/**
 * @file
 * The key of a block in a store that many tenants share.
 *
 * Owns:    nothing: the tenant is borrowed, the rest are values. Threads: any.
 * Source:  WombatKV, Fingerprint and BlockKey.
 */
#ifndef KVWOMBAT_BLOCK_KEY_H
#define KVWOMBAT_BLOCK_KEY_H

#include <stdint.h>

#include <kvcore/bytes.h>
#include <kvcore/hash256.h>
#include <kvwombat/export.h>

#ifdef __cplusplus
extern "C" {
#endif

/** 32 opaque bytes that say which model and settings computed a block. */
typedef kvcore_hash256 kvwombat_fingerprint;

/** What a block is found by. */
typedef struct kvwombat_block_key {
    kvcore_bytes tenant_id;           /**< UTF-8, borrowed. */
    kvwombat_fingerprint fingerprint; /**< Which model and settings computed it. */
    kvcore_hash256 prefix_hash;       /**< Of the chain up to and with it. */
    uint32_t block_index;             /**< Its place in the chain. */
} kvwombat_block_key;

/** Negative, 0 or positive: by tenant, fingerprint, prefix hash, index. */
KVWOMBAT_API int kvwombat_block_key_compare(const kvwombat_block_key *a, const kvwombat_block_key *b);

#ifdef __cplusplus
}
#endif

#endif
