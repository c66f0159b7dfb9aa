#include <kvhash/block.h>

#include <kvhash/hash.h>

#include "chain.h"
#include "plh_pack.h"
#include "psh_pack.h"

kvcore_status kvhash_partial_commit(const kvhash_partial *partial, kvhash_block *block, kvhash_partial *next) {
    if (partial == NULL || block == NULL || (partial->tokens == NULL && partial->token_count != 0))
        return KVCORE_EINVAL;
    if (partial->block_tokens == 0) return KVHASH_EBLOCK_SIZE;
    if (partial->token_count != partial->block_tokens) return KVHASH_EINCOMPLETE;
    if (partial->position > KVHASH_PLH_MAX_POSITION) return KVHASH_EPOSITION;

    kvhash_partial from = *partial;
    uint32_t position = (uint32_t)from.position;
    uint64_t parent = from.has_parent ? from.parent_sequence_hash : 0;
    uint64_t block_hash = kvhash_block_hash(from.tokens, from.token_count, from.salt_hash);
    uint64_t sequence_hash = from.has_parent ? chain_next(parent, block_hash) : block_hash;
    *block = (kvhash_block){block_hash, sequence_hash, plh_pack(sequence_hash, parent, position),
                            psh_pack(sequence_hash, position, block_hash)};
    if (next != NULL)
        *next = (kvhash_partial){.tokens = from.tokens + from.token_count,
                                 .block_tokens = from.block_tokens,
                                 .salt_hash = from.salt_hash,
                                 .parent_sequence_hash = sequence_hash,
                                 .position = from.position + 1,
                                 .has_parent = true};
    return KVCORE_OK;
}
