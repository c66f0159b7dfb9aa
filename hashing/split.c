#include <kvhash/sequence.h>

#include "naming.h"
#include "sequence_config.h"

static kvhash_partial partial_after(const kvhash_sequence_config *config, const kvhash_block *blocks, size_t count) {
    size_t first = count * config->block_tokens;
    return (kvhash_partial){
        .tokens = config->tokens == NULL ? NULL : config->tokens + first,
        .token_count = (uint32_t)(config->token_count - first),
        .block_tokens = config->block_tokens,
        .salt_hash = config->salt_hash,
        .parent_sequence_hash = count == 0 ? 0 : blocks[count - 1].sequence_hash,
        .position = count,
        .has_parent = count != 0,
    };
}

kvcore_status kvhash_split(const kvhash_sequence_config *config, kvhash_block *blocks, size_t capacity, size_t *count,
                           kvhash_partial *partial, kvcore_error *error) {
    if (count == NULL || (blocks == NULL && capacity != 0))
        return kvcore_fail(error, &(kvcore_error){.code = KVCORE_EINVAL, .index = KVCORE_NO_INDEX},
                           "an output is NULL");
    kvhash_sequence_config own;
    run_walk walk;
    kvcore_status status = kvhash__sequence_config_read(&own, &walk, config, error);
    if (status != KVCORE_OK) return status;
    *count = own.token_count / own.block_tokens;
    if (*count > capacity) {
        kvhash__run_walk_end(&walk);
        return kvcore_fail(
            error,
            &(kvcore_error){.code = KVCORE_EBUFFER, .index = KVCORE_NO_INDEX, .expected = *count, .actual = capacity},
            "%zu blocks do not fit in room for %zu", *count, capacity);
    }
    naming_job job = {.tokens = own.tokens,
                      .block_tokens = own.block_tokens,
                      .block_count = *count,
                      .salt_hash = own.salt_hash,
                      .runs = run_walk_done(&walk) ? NULL : &walk,
                      .output = NAMING_BLOCKS,
                      .out = blocks};
    if (*count != 0) kvhash__naming_kernels_for_this_cpu()->name(&job);
    kvhash__run_walk_end(&walk);
    if (partial != NULL) *partial = partial_after(&own, blocks, *count);
    return KVCORE_OK;
}
