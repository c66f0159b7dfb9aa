#include <kvcore/reuse_policy.h>

static bool equivalent(const kvcore_reuse_request *request, const kvcore_model_digest *model) {
    for (size_t i = 0; i < request->equivalence_count; i++) {
        const kvcore_model_equivalence *pair = &request->equivalences[i];
        if (kvcore_model_digest_equal(&pair->a, model) && kvcore_model_digest_equal(&pair->b, &request->model_digest))
            return true;
        if (kvcore_model_digest_equal(&pair->b, model) && kvcore_model_digest_equal(&pair->a, &request->model_digest))
            return true;
    }
    return false;
}

kvcore_reuse_reason kvcore_reuse_may_serve(const kvcore_block_meta *block, uint32_t block_tokens,
                                           const kvcore_reuse_request *request) {
    if (block == NULL || request == NULL) return KVCORE_REUSE_OTHER_MODEL;
    bool same = kvcore_model_digest_equal(&block->model_digest, &request->model_digest);
    if (!same && !equivalent(request, &block->model_digest)) return KVCORE_REUSE_OTHER_MODEL;
    if (!kvcore_layout_tag_equal(&block->layout_tag, &request->layout_tag)) return KVCORE_REUSE_OTHER_LAYOUT;
    if (block_tokens != request->block_tokens) return KVCORE_REUSE_OTHER_BLOCK_SIZE;
    if (block->block_seq != request->block_seq ||
        kvcore_hash256_compare(&block->parent_hash, &request->parent_hash) != 0)
        return KVCORE_REUSE_OTHER_LINEAGE;
    return same ? KVCORE_REUSE_SAME_MODEL : KVCORE_REUSE_EQUIVALENT_MODEL;
}

kvcore_reuse_boundary kvcore_reuse_boundary_of(uint64_t prompt_tokens, uint64_t resident_blocks,
                                               uint32_t block_tokens) {
    if (block_tokens == 0) return (kvcore_reuse_boundary){.bound = KVCORE_REUSE_BOUND_BLOCK_SIZE};
    uint64_t whole = prompt_tokens / block_tokens;
    uint64_t most = prompt_tokens > 0 ? (prompt_tokens - 1) / block_tokens : 0;
    kvcore_reuse_boundary boundary = {.blocks = resident_blocks, .bound = KVCORE_REUSE_BOUND_RESIDENT};
    if (resident_blocks > most) {
        boundary.blocks = most;
        boundary.bound = most < whole ? KVCORE_REUSE_BOUND_LAST_TOKEN : KVCORE_REUSE_BOUND_PROMPT;
    }
    boundary.tokens = boundary.blocks * block_tokens;
    return boundary;
}

const char *kvcore_reuse_reason_text(kvcore_reuse_reason reason) {
    switch (reason) {
    case KVCORE_REUSE_SAME_MODEL: return "same model, layout, block size and lineage";
    case KVCORE_REUSE_EQUIVALENT_MODEL: return "of a model declared equivalent";
    case KVCORE_REUSE_OTHER_MODEL: return "computed by another model";
    case KVCORE_REUSE_OTHER_LAYOUT: return "laid out differently";
    case KVCORE_REUSE_OTHER_BLOCK_SIZE: return "another number of tokens a block";
    case KVCORE_REUSE_OTHER_LINEAGE: return "follows other blocks";
    }
    return "unknown reason";
}

const char *kvcore_reuse_bound_text(kvcore_reuse_bound bound) {
    switch (bound) {
    case KVCORE_REUSE_BOUND_RESIDENT: return "every resident block is used";
    case KVCORE_REUSE_BOUND_LAST_TOKEN: return "the last prompt token must be computed";
    case KVCORE_REUSE_BOUND_PROMPT: return "the prompt has no more whole blocks";
    case KVCORE_REUSE_BOUND_BLOCK_SIZE: return "the block size is 0";
    }
    return "unknown bound";
}
