/**
 * @file
 * A token sequence that grows and shrinks, and the names of its blocks at every moment.
 *
 * However it is fed, token by token, in pieces, with multimodal runs given at creation or as they come, its names are those of
 * a request with the same tokens, runs and salt hash. A block is hashed once, when its last slot arrives.
 *
 * Owns:    the sequence owns copies of tokens and runs. Pointers that it returns are borrowed and valid until the next call
 *          that changes it.
 * Threads: compatible: different sequences at once; calls on one sequence need the caller's lock.
 * Errors:  a failed call, allocation failure included, changes nothing.
 * Units:   counts are tokens (slots) or blocks. A range of completed blocks has count 0 when none was completed.
 * Cost:    O(1) amortised a token however it is fed: memory doubles when it must grow, and nothing else allocates. With
 *          reserve_tokens set, nothing allocates after creation until there are more. 24 bytes a complete block plus 4 a token.
 * Source:  dynamo-tokens 1.5.0, TokenBlockSequence; pinned by sequence_ops of the hashing vectors.
 */
#ifndef KVHASH_SEQUENCE_H
#define KVHASH_SEQUENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <kvcore/allocator.h>
#include <kvcore/status.h>
#include <kvhash/block.h>
#include <kvhash/export.h>
#include <kvhash/multimodal.h>
#include <kvhash/plh.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Opaque. Made by kvhash_sequence_create(). */
typedef struct kvhash_sequence kvhash_sequence;

/** Start from KVHASH_SEQUENCE_CONFIG_INIT. Tokens and runs are borrowed for the call. */
typedef struct kvhash_sequence_config {
    size_t struct_size;
    uint32_t block_tokens;      /**< tokens a block; required */
    uint32_t reserved;          /**< 0 */
    uint64_t salt_hash;         /**< kvhash_salt_hash(); 0 is what a reference sequence without salt has */
    const uint32_t *tokens;     /**< what it starts with; kept as given, at placeholder slots too */
    size_t token_count;         /**< how many tokens */
    const kvhash_mm_run *runs;  /**< among those tokens, in any order */
    size_t run_count;           /**< how many runs */
    size_t reserve_tokens;      /**< take memory for that many at once */
    kvcore_allocator allocator; /**< all NULL means the C library's */
} kvhash_sequence_config;

/** The values to start from. */
#define KVHASH_SEQUENCE_CONFIG_INIT                                                        \
    {                                                                                      \
        sizeof(kvhash_sequence_config), 0, 0, 0, NULL, 0, NULL, 0, 0, { NULL, NULL, NULL } \
    }
/** KVHASH_SEQUENCE_CONFIG_INIT as a function, for other languages. */
KVHASH_API kvhash_sequence_config kvhash_sequence_config_init(void);

/**
 * Make a sequence.
 *
 * Gives:  *sequence, to be destroyed by kvhash_sequence_destroy().
 * Errors: in this order: KVCORE_EINVAL for NULLs or a wrong struct_size; KVHASH_EBLOCK_SIZE for a block_tokens of 0;
 *         KVHASH_EEMPTY_RUN, KVHASH_EOFFSET_OVERFLOW, KVHASH_EOUT_OF_BOUNDS, KVHASH_EOVERLAP for faulty runs;
 *         KVHASH_EPOSITION for more than 2^24 blocks; KVCORE_ENOMEM.
 */
KVHASH_API KVCORE_NODISCARD kvcore_status kvhash_sequence_create(const kvhash_sequence_config *config,
                                                                 kvhash_sequence **sequence, kvcore_error *error);

/** Give everything back. NULL is ignored. */
KVHASH_API void kvhash_sequence_destroy(kvhash_sequence *sequence);

/**
 * One more token.
 *
 * Gives:  *completed (unless NULL): the block that this token completed, if it did.
 * Errors: KVHASH_EPOSITION when it would complete a block past 2^24; KVCORE_ENOMEM; KVCORE_EINVAL for a NULL sequence.
 */
KVHASH_API KVCORE_NODISCARD kvcore_status kvhash_sequence_append(kvhash_sequence *sequence, uint32_t token,
                                                                 kvhash_block_range *completed);

/**
 * More tokens. Afterwards the partial block is never full.
 *
 * Takes:  tokens may point into the sequence itself.
 * Gives:  *completed (unless NULL): the blocks that were completed.
 * Errors: KVHASH_EPOSITION when it would complete a block past 2^24; KVCORE_ENOMEM; KVCORE_EINVAL for a NULL sequence, or
 *         NULL tokens with a count.
 */
KVHASH_API KVCORE_NODISCARD kvcore_status kvhash_sequence_extend(kvhash_sequence *sequence, const uint32_t *tokens,
                                                                 size_t count, kvhash_block_range *completed);

/**
 * A multimodal run at the end: `length` placeholder slots, for which token 0 is kept. The run is in effect at once for every
 * block it reaches into.
 *
 * Gives:  *completed (unless NULL): the blocks that were completed.
 * Errors: KVCORE_EINVAL for NULL; KVHASH_EEMPTY_RUN for a length of 0; otherwise as kvhash_sequence_append().
 */
KVHASH_API KVCORE_NODISCARD kvcore_status kvhash_sequence_push_run(kvhash_sequence *sequence, uint64_t mm_hash,
                                                                   uint64_t length, kvhash_block_range *completed);

/**
 * More tokens with runs among them, in any order, their offsets counted from tokens[0]. For placeholder slots token 0 is kept,
 * whatever is in `tokens`.
 *
 * Gives:  *completed (unless NULL): the blocks that were completed.
 * Errors: KVCORE_EINVAL for NULL; those of kvhash_mm_sort() with `count` slots; otherwise as kvhash_sequence_extend().
 */
KVHASH_API KVCORE_NODISCARD kvcore_status kvhash_sequence_extend_with_runs(kvhash_sequence *sequence,
                                                                           const uint32_t *tokens, size_t count,
                                                                           const kvhash_mm_run *runs, size_t run_count,
                                                                           kvhash_block_range *completed,
                                                                           kvcore_error *error);

/**
 * Keep the first token_count tokens. The kept head of a block becomes the partial block. Nothing happens when there are no more.
 *
 * Errors: KVHASH_EMM_RUNS_PRESENT on a sequence with runs, even when nothing would happen; KVCORE_EINVAL for NULL.
 */
KVHASH_API KVCORE_NODISCARD kvcore_status kvhash_sequence_truncate(kvhash_sequence *sequence, size_t token_count);

/** Drop the last token_count tokens. Errors: KVCORE_EINVAL for NULL; KVHASH_EINSUFFICIENT_TOKENS; then as
 * kvhash_sequence_truncate(). */
KVHASH_API KVCORE_NODISCARD kvcore_status kvhash_sequence_unwind(kvhash_sequence *sequence, size_t token_count);

/**
 * Drop the last token (the reference's try_pop; its pop is the same but for a panic where this fails).
 *
 * Gives:  *popped: was there one; and *token if there was. Either may be NULL.
 * Errors: KVCORE_EINVAL for NULL; as kvhash_sequence_truncate(). An empty sequence is no error.
 */
KVHASH_API KVCORE_NODISCARD kvcore_status kvhash_sequence_pop(kvhash_sequence *sequence, uint32_t *token, bool *popped);

/** Drop all tokens, blocks and runs; block size, salt hash and memory stay. NULL is ignored. */
KVHASH_API void kvhash_sequence_reset(kvhash_sequence *sequence);

/** @name What it holds. O(1); a NULL sequence reads as an empty one; count may be NULL. @{ */
/** Tokens, those of the partial block too. */
KVHASH_API size_t kvhash_sequence_token_count(const kvhash_sequence *sequence);
/** Complete blocks. */
KVHASH_API size_t kvhash_sequence_block_count(const kvhash_sequence *sequence);
/** Tokens a block. */
KVHASH_API uint32_t kvhash_sequence_block_tokens(const kvhash_sequence *sequence);
/** The salt hash it was created with. */
KVHASH_API uint64_t kvhash_sequence_salt_hash(const kvhash_sequence *sequence);

/** The names of the complete blocks, ready for a block manager or an index. */
KVHASH_API const kvhash_plh *kvhash_sequence_names(const kvhash_sequence *sequence, size_t *count);
/** The block hashes of the complete blocks. */
KVHASH_API const uint64_t *kvhash_sequence_block_hashes(const kvhash_sequence *sequence, size_t *count);
/** The runs, in order, their offsets counted from the start of the sequence. */
KVHASH_API const kvhash_mm_run *kvhash_sequence_runs(const kvhash_sequence *sequence, size_t *count);
/** The tokens start … end−1; none (*count 0) when start ≥ end or end is past the last token. */
KVHASH_API const uint32_t *kvhash_sequence_tokens(const kvhash_sequence *sequence, size_t start, size_t end,
                                                  size_t *count);
/** @} */

/** The full record of a complete block. Errors: KVCORE_EINVAL for an index past the last one and for NULLs. */
KVHASH_API KVCORE_NODISCARD kvcore_status kvhash_sequence_block(const kvhash_sequence *sequence, size_t index,
                                                                kvhash_block *block);

/** The block that is being filled; never full. Its tokens are borrowed. Errors: KVCORE_EINVAL for NULLs. */
KVHASH_API KVCORE_NODISCARD kvcore_status kvhash_sequence_partial(const kvhash_sequence *sequence,
                                                                  kvhash_partial *partial);

/** Same tokens, runs, block size and salt hash. Cost: O(tokens). */
KVHASH_API bool kvhash_sequence_equal(const kvhash_sequence *a, const kvhash_sequence *b);

/**
 * The blocks of a sequence without making it: full records into the caller's memory, nothing allocated.
 *
 * Takes:  config as for kvhash_sequence_create(); reserve_tokens and allocator are not used.
 * Gives:  *count records; and *partial (unless NULL), its tokens those behind the last complete block.
 * Errors: KVCORE_EINVAL for NULL; as kvhash_sequence_create(); KVCORE_EBUFFER when there are more blocks than
 *         `capacity`: *count is how many, nothing else is written.
 */
KVHASH_API KVCORE_NODISCARD kvcore_status kvhash_split(const kvhash_sequence_config *config, kvhash_block *blocks,
                                                       size_t capacity, size_t *count, kvhash_partial *partial,
                                                       kvcore_error *error);

#ifdef __cplusplus
}
#endif

#endif
