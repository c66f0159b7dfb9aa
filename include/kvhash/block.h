/**
 * @file
 * Everything that is known of a complete block, and the block that is not complete yet.
 *
 * Owns:    nothing; records are values, a kvhash_partial borrows its tokens. Threads: any. Nothing allocates.
 * Source:  dynamo-tokens 1.5.0, TokenBlock and PartialTokenBlock; pinned by requests and sequence_ops of the hashing vectors.
 */
#ifndef KVHASH_BLOCK_H
#define KVHASH_BLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <kvcore/status.h>
#include <kvhash/export.h>
#include <kvhash/plh.h>
#include <kvhash/psh.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The full record of a complete block; its position is in plh and psh. 48 bytes. */
typedef struct kvhash_block {
    uint64_t block_hash;    /**< of this block's tokens, runs and salt alone */
    uint64_t sequence_hash; /**< of everything up to and with this block */
    kvhash_plh plh;         /**< the name */
    kvhash_psh psh;         /**< the name in the older form */
} kvhash_block;

/** Some complete blocks: those with index first … first + count − 1. A count of 0 means none. */
typedef struct kvhash_block_range {
    size_t first; /**< index of the first */
    size_t count; /**< 0: none */
} kvhash_block_range;

/** A block that is being filled: where it stands in its chain, and the tokens it has so far (borrowed). */
typedef struct kvhash_partial {
    const uint32_t *tokens;        /**< borrowed */
    uint32_t token_count;          /**< fewer than a block has */
    uint32_t block_tokens;         /**< token_count when it is complete; that many minus token_count remain */
    uint64_t salt_hash;            /**< seed of the block hash */
    uint64_t parent_sequence_hash; /**< 0 without a parent */
    uint64_t position;             /**< the block's position once it is complete */
    bool has_parent;               /**< decides whether there is a chain step; the position does not */
} kvhash_partial;

/**
 * Complete a full partial block, hashed as plain tokens, whatever runs a sequence may have.
 *
 * Gives:  *block; and *next (unless NULL): the empty partial block that follows it, its tokens where these end. `next` may be
 *         the same struct as `partial`.
 * Errors: KVHASH_EINCOMPLETE while tokens are missing or too many; KVHASH_EBLOCK_SIZE for a block_tokens of 0;
 *         KVHASH_EPOSITION beyond KVHASH_PLH_MAX_POSITION; KVCORE_EINVAL for NULLs.
 * Cost:   O(tokens).
 */
KVHASH_API KVCORE_NODISCARD kvcore_status kvhash_partial_commit(const kvhash_partial *partial, kvhash_block *block,
                                                                kvhash_partial *next);

#ifdef __cplusplus
}
#endif

#endif
