#include "sequence_config.h"

#include <inttypes.h>

#include <kvcore/config.h>

kvhash_sequence_config kvhash_sequence_config_init(void) { return (kvhash_sequence_config)KVHASH_SEQUENCE_CONFIG_INIT; }

uint64_t kvhash__sequence_max_tokens(uint32_t block_tokens) {
    return (KVHASH_PLH_MAX_POSITION + 2) * (uint64_t)block_tokens - 1;
}

static kvcore_status misuse(kvcore_error *error, const char *what) {
    return kvcore_fail(error, &(kvcore_error){.code = KVCORE_EINVAL, .index = KVCORE_NO_INDEX}, "%s", what);
}

static kvcore_status check_size(const kvhash_sequence_config *config, kvcore_error *error) {
    uint64_t blocks = config->token_count / config->block_tokens;
    if (config->token_count <= kvhash__sequence_max_tokens(config->block_tokens)) return KVCORE_OK;
    return kvcore_fail(error,
                       &(kvcore_error){.code = KVHASH_EPOSITION,
                                       .index = KVCORE_NO_INDEX,
                                       .expected = KVHASH_PLH_MAX_POSITION + 1,
                                       .actual = blocks},
                       "%" PRIu64 " blocks are more than the 16,777,216 that names can number", blocks);
}

kvcore_status kvhash__sequence_config_read(kvhash_sequence_config *config, run_walk *walk,
                                           const kvhash_sequence_config *given, kvcore_error *error) {
    kvcore_status status = kvcore_config_read(config, sizeof *config, given, error);
    if (status != KVCORE_OK) return status;
    if (config->tokens == NULL && config->token_count != 0) return misuse(error, "tokens is NULL with a count");
    if (config->runs == NULL && config->run_count != 0) return misuse(error, "runs is NULL with a count");
    if (config->reserved != 0) return misuse(error, "reserved is not 0");
    if ((config->allocator.alloc == NULL) != (config->allocator.free == NULL))
        return misuse(error, "the allocator has one of its two functions");
    if (config->block_tokens == 0)
        return kvcore_fail(error, &(kvcore_error){.code = KVHASH_EBLOCK_SIZE, .index = KVCORE_NO_INDEX},
                           "block_size must be greater than 0");
    status = kvhash__run_walk_begin(walk, config->runs, config->run_count, config->token_count, error);
    if (status != KVCORE_OK) return status;
    status = check_size(config, error);
    if (status != KVCORE_OK) kvhash__run_walk_end(walk);
    return status;
}
