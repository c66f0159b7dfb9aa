/**
 * @file
 * May this block serve this request, and how much of a prefix may be reused? Each answer says its reason.
 *
 * Owns:    nothing; everything is borrowed for the call. Threads: any. Never allocates.
 * Source:  WombatKV's page on reuse promises such a policy; its code has none. The rules are kvstrata's.
 */
#ifndef KVCORE_REUSE_POLICY_H
#define KVCORE_REUSE_POLICY_H

#include <stddef.h>
#include <stdint.h>

#include <kvcore/block_meta.h>
#include <kvcore/export.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Why the answer is what it is. The first two allow. */
typedef enum kvcore_reuse_reason {
    KVCORE_REUSE_SAME_MODEL = 0,       /**< It may: everything is equal. */
    KVCORE_REUSE_EQUIVALENT_MODEL = 1, /**< It may: the models differ, but the caller declared them equivalent. */
    KVCORE_REUSE_OTHER_MODEL = 2,      /**< Another model computed it. */
    KVCORE_REUSE_OTHER_LAYOUT = 3,     /**< Its payload is laid out differently. */
    KVCORE_REUSE_OTHER_BLOCK_SIZE = 4, /**< It holds another number of tokens. */
    KVCORE_REUSE_OTHER_LINEAGE = 5     /**< It follows other blocks, or stands elsewhere in its chain. */
} kvcore_reuse_reason;

/** Two models whose KV state is interchangeable, such as a model and a variant of it. Symmetric; not transitive. */
typedef struct kvcore_model_equivalence {
    kvcore_model_digest a; /**< one of the two */
    kvcore_model_digest b; /**< the other */
} kvcore_model_equivalence;

/** What a request needs at one place of its chain. */
typedef struct kvcore_reuse_request {
    kvcore_model_digest model_digest;             /**< The model that serves the request. */
    kvcore_layout_tag layout_tag;                 /**< The layout that it can read. */
    kvcore_hash256 parent_hash;                   /**< Of the block before this place; all zero at a root. */
    uint32_t block_seq;                           /**< The place, counted from 0. */
    uint32_t block_tokens;                        /**< Tokens a block. */
    const kvcore_model_equivalence *equivalences; /**< Borrowed; NULL when there are none. */
    size_t equivalence_count;                     /**< How many of them. */
} kvcore_reuse_request;

/**
 * May a stored block of block_tokens tokens serve the request? Checked in the order of the reasons: model, layout, block
 * size, lineage. Zero digests and tags mean "not said" on both sides: they equal one another and nothing else.
 */
KVCORE_API kvcore_reuse_reason kvcore_reuse_may_serve(const kvcore_block_meta *block, uint32_t block_tokens,
                                                      const kvcore_reuse_request *request);

/** What bounds a reused prefix. */
typedef enum kvcore_reuse_bound {
    KVCORE_REUSE_BOUND_RESIDENT = 0,   /**< Every resident block is used. */
    KVCORE_REUSE_BOUND_LAST_TOKEN = 1, /**< More is resident, but the last prompt token must be computed. */
    KVCORE_REUSE_BOUND_PROMPT = 2,     /**< More is resident than the prompt has whole blocks. */
    KVCORE_REUSE_BOUND_BLOCK_SIZE = 3  /**< A block size of 0: nothing can be reused. */
} kvcore_reuse_bound;

/** How much of a chain may be reused, and what ends it. */
typedef struct kvcore_reuse_boundary {
    uint64_t blocks;          /**< Whole blocks that may be reused. */
    uint64_t tokens;          /**< blocks · block_tokens. */
    kvcore_reuse_bound bound; /**< What ends it. */
} kvcore_reuse_boundary;

/**
 * Up to which block boundary a prompt may reuse `resident_blocks` leading blocks: whole blocks only, and never the last
 * prompt token, so that one forward step is left and yields logits.
 */
KVCORE_API kvcore_reuse_boundary kvcore_reuse_boundary_of(uint64_t prompt_tokens, uint64_t resident_blocks,
                                                          uint32_t block_tokens);

/** A short sentence. Valid for the life of the process, never NULL. */
KVCORE_API const char *kvcore_reuse_reason_text(kvcore_reuse_reason reason);
/** A short English name for it; never NULL, valid for the life of the process. */
KVCORE_API const char *kvcore_reuse_bound_text(kvcore_reuse_bound bound);

#ifdef __cplusplus
}
#endif

#endif
