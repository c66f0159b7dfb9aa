/* A second request that shares what the first has registered. */
#include "sequence/request.h"

#include <string.h>

/* The same tokens, runs and names; room for what the parent may still generate. */
static kvcore_status copy_tokens(const request *parent, request *child) {
    kvhash_sequence_config config = KVHASH_SEQUENCE_CONFIG_INIT;
    config.block_tokens = parent->block_tokens;
    config.salt_hash = kvhash_sequence_salt_hash(parent->sequence);
    config.tokens = kvhash_sequence_tokens(parent->sequence, 0, request_total(parent), &config.token_count);
    config.runs = kvhash_sequence_runs(parent->sequence, &config.run_count);
    config.reserve_tokens = config.token_count + (request_remaining(parent) < 1024 ? request_remaining(parent) : 1024);
    config.allocator = parent->allocator;
    return kvhash_sequence_create(&config, &child->sequence, NULL);
}

static kvcore_status copy_proofs(const request *parent, request *child) {
    child->proof_chain = parent->proof_chain;
    child->proof_chain.blocks = 0; /* nothing is there yet */
    if (parent->prover == NULL || parent->proof_chain.blocks == 0) return KVCORE_OK;
    size_t blocks = parent->proof_chain.blocks;
    child->proofs = kvcore_alloc(&child->allocator, blocks, sizeof *child->proofs, _Alignof(kvhash_proof));
    if (child->proofs == NULL) return KVCORE_ENOMEM;
    child->proof_capacity = blocks;
    memcpy(child->proofs, parent->proofs, blocks * sizeof *child->proofs);
    child->proof_chain.blocks = (uint32_t)blocks;
    return KVCORE_OK;
}

/* Another hold on each assigned block, and a twin of the block that is computed in part. */
static kvcore_status share_blocks(const request *parent, request *child, kvlogical_block_copy *copy) {
    const ledger *from = &parent->blocks.blocks;
    ledger *to = &child->blocks.blocks;
    size_t partial = parent->computed - from->assigned * parent->block_tokens;
    kvcore_status status = kvlogical__ledger_reserve(to, from->capacity);
    if (status == KVCORE_OK && from->assigned > 0)
        status = kvlogical_clone(parent->manager, ledger_value(from, 0), from->assigned, ledger_value(to, 0));
    if (status != KVCORE_OK) return status;
    to->assigned = from->assigned;
    *copy = (kvlogical_block_copy){0, 0, 0};
    if (partial == 0) return KVCORE_OK;
    status = kvlogical__request_take(child, 1, NULL);
    if (status != KVCORE_OK) return status;
    const kvlogical_mutable *source = ledger_value(from, from->assigned), *target = ledger_value(to, to->assigned);
    *copy = (kvlogical_block_copy){source->block, target->block, (uint32_t)partial};
    return KVCORE_OK;
}

kvcore_status kvlogical_request_fork(const kvlogical_request *parent, kvlogical_request **fork,
                                     kvlogical_block_copy *copy) {
    if (fork != NULL) *fork = NULL;
    if (parent == NULL || fork == NULL || copy == NULL) return KVCORE_EINVAL;
    if (parent->state != KVLOGICAL_SCHEDULED_NONE || parent->blocks.blocks.staged > 0) return KVLOGICAL_ESTATE;
    request *child = kvlogical__request_new(parent->manager, &parent->allocator);
    if (child == NULL) return KVCORE_ENOMEM;
    kvlogical_block_copy needed;
    kvcore_status status = copy_tokens(parent, child);
    if (status == KVCORE_OK) status = copy_proofs(parent, child);
    if (status == KVCORE_OK) {
        child->max_output = parent->max_output;
        child->generated = parent->generated;
        status = share_blocks(parent, child, &needed);
    }
    if (status != KVCORE_OK) {
        kvlogical_request_destroy(child);
        return status;
    }
    child->release_tail_first = parent->release_tail_first;
    child->input_tokens = parent->input_tokens;
    child->computed = parent->computed;
    child->prefill_end = parent->prefill_end;
    child->matched = parent->matched;
    child->on_event = parent->on_event;
    child->ctx = parent->ctx;
    *fork = child;
    *copy = needed;
    request_tell(child, (kvlogical_request_event){.kind = KVLOGICAL_REQUEST_CREATED,
                                                  .tokens = child->input_tokens,
                                                  .max_output_tokens = child->max_output,
                                                  .block_tokens = child->block_tokens});
    return KVCORE_OK;
}
