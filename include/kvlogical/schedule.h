/**
 * @file
 * A request in two phases: *schedule* takes the blocks of a step, then the engine runs it, then *apply* says what came of it,
 * or *revert* that nothing did.
 *
 *             schedule_prefill ──► PREFILL ─────── apply_prefill ──┐
 *     IDLE ── schedule_decode ───► DECODE ──────── apply_decode ───┼──► IDLE
 *       ▲     schedule_speculative ► SPECULATIVE ─ apply_speculative ┘
 *       └──────────────── revert ──────┘
 *
 * Prefill computes tokens that are known, in chunks of any size; the chunk that reaches the end yields the next token. Decode
 * computes the one token that was generated last (the tail) and yields the next. Speculation computes the tail and some drafts.
 *
 * Owns, Threads: as kvlogical/request.h.
 * Errors: a failed call changes nothing: after a failed apply the step is still scheduled and may be applied or reverted.
 *         The checks of a call are made in the order in which its errors are listed.
 * Cost:   O(1) a token or block; nothing allocates that request.h does not say.
 * Source: kvbm-logical 1.5.0, SchedulableSequence. Differences, all on purpose: docs/libs/logical-requests.md.
 */
#ifndef KVLOGICAL_SCHEDULE_H
#define KVLOGICAL_SCHEDULE_H

#include <kvlogical/request.h>

#ifdef __cplusplus
extern "C" {
#endif

/** kvlogical_request_counts.state */
enum {
    KVLOGICAL_SCHEDULED_NONE = 0, /**< idle */
    KVLOGICAL_SCHEDULED_PREFILL = 1,
    KVLOGICAL_SCHEDULED_DECODE = 2,
    KVLOGICAL_SCHEDULED_SPECULATIVE = 3,
};

/** What an apply came to; flags. */
enum {
    KVLOGICAL_OUTCOME_CONTINUE = 0,
    KVLOGICAL_OUTCOME_BLOCK_COMPLETED = 1, /**< a token of this call was the last of its block */
    KVLOGICAL_OUTCOME_MAX_LENGTH = 2,      /**< max_output_tokens are generated */
    KVLOGICAL_OUTCOME_BLOCKS_REPLACED = 4, /**< pages are others now: kvlogical_request_replaced() */
};

/**
 * Compute the next `tokens` of the tokens to be prefilled: of the input, or of all tokens after a release.
 *
 * Errors: KVLOGICAL_ESTATE unless idle; KVLOGICAL_EPREFILL with expected = actual when prefill is complete, with actual >
 *         expected when it would overrun (expected = the end, actual = offset + length, offset = where it stands, length =
 *         tokens); KVCORE_ENOSPACE (expected = blocks needed, actual = available); KVCORE_EOVERFLOW for more than the pool
 *         has (expected = its blocks, actual = those of the request then); KVCORE_EINVAL, KVCORE_ENOMEM.
 */
KVLOGICAL_API KVCORE_NODISCARD kvcore_status kvlogical_request_schedule_prefill(kvlogical_request *request,
                                                                                size_t tokens, kvcore_error *error);

/**
 * The scheduled tokens are computed. A chunk may end within a block: that block is shared once it is computed to its end.
 *
 * Takes:  token: what the chunk that ends the prefill yielded, unless the budget is spent; NULL for every other chunk.
 * Gives:  *outcome (may be NULL).
 * Errors: KVLOGICAL_ESTATE (expected and actual are states); KVLOGICAL_ETOKEN for a token on a chunk that does not end the
 *         prefill, or none on one that does; KVLOGICAL_EBUDGET for a token when the budget is spent; KVCORE_EINVAL;
 *         KVCORE_ENOMEM; KVHASH_EPOSITION past 2^24 blocks. A block that cannot be shared now (2^32 − 1 holds) is shared by a later step.
 */
KVLOGICAL_API KVCORE_NODISCARD kvcore_status kvlogical_request_apply_prefill(kvlogical_request *request,
                                                                             const uint32_t *token, uint32_t *outcome,
                                                                             kvcore_error *error);

/**
 * Compute the tail and yield one token.
 *
 * Errors: KVLOGICAL_ESTATE unless idle; KVLOGICAL_EPREFILL with actual < expected while prefill is not complete;
 *         KVLOGICAL_EBUDGET when generation is complete; KVLOGICAL_EDANGLING unless the tail is one token (expected, actual);
 *         KVCORE_ENOSPACE (expected = blocks needed, actual = available); KVCORE_EOVERFLOW for more than the pool
 *         has (expected = its blocks, actual = those of the request then); KVCORE_EINVAL, KVCORE_ENOMEM.
 */
KVLOGICAL_API KVCORE_NODISCARD kvcore_status kvlogical_request_schedule_decode(kvlogical_request *request,
                                                                               kvcore_error *error);

/** The tail is computed and `token` generated. Errors: as kvlogical_request_apply_prefill() without EBUDGET and ETOKEN. */
KVLOGICAL_API KVCORE_NODISCARD kvcore_status kvlogical_request_apply_decode(kvlogical_request *request, uint32_t token,
                                                                            uint32_t *outcome, kvcore_error *error);

/**
 * Compute the tail and up to `drafts` drafted tokens (no more than may still be generated).
 *
 * Gives:  *scheduled (may be NULL), how many tokens may be accepted. Errors: as kvlogical_request_schedule_decode().
 */
KVLOGICAL_API KVCORE_NODISCARD kvcore_status kvlogical_request_schedule_speculative(kvlogical_request *request,
                                                                                    size_t drafts, size_t *scheduled,
                                                                                    kvcore_error *error);

/**
 * These tokens were accepted, the last of them not computed yet; perhaps none. Blocks that are too many go back.
 *
 * Errors: KVLOGICAL_ESTATE; KVLOGICAL_EBUDGET for more than were scheduled (expected, actual); otherwise as
 *         kvlogical_request_apply_prefill(), but for KVLOGICAL_ETOKEN.
 */
KVLOGICAL_API KVCORE_NODISCARD kvcore_status kvlogical_request_apply_speculative(kvlogical_request *request,
                                                                                 const uint32_t *tokens, size_t count,
                                                                                 uint32_t *outcome,
                                                                                 kvcore_error *error);

/** The step did not run: the blocks that it took go back. Errors: KVLOGICAL_ESTATE when nothing is scheduled. */
KVLOGICAL_API KVCORE_NODISCARD kvcore_status kvlogical_request_revert_schedule(kvlogical_request *request,
                                                                               kvcore_error *error);

/**
 * Tokens that were generated elsewhere or are forced: they count as generated and are not computed. One token behind a
 * complete prefill is decoded; more are prefilled.
 *
 * Errors: KVLOGICAL_ESTATE unless idle; KVLOGICAL_EBUDGET for more than remain (expected, actual); KVCORE_EINVAL, those of
 *         kvhash_sequence_extend().
 */
KVLOGICAL_API KVCORE_NODISCARD kvcore_status kvlogical_request_append_tokens(kvlogical_request *request,
                                                                             const uint32_t *tokens, size_t count,
                                                                             kvcore_error *error);

/* ---- events ---- */

enum {
    KVLOGICAL_REQUEST_CREATED = 1,           /**< tokens (input), max_output_tokens, block_tokens */
    KVLOGICAL_REQUEST_PREFIX_MATCHED,        /**< blocks, perhaps 0 */
    KVLOGICAL_REQUEST_PREFILL_SCHEDULED,     /**< tokens, blocks (allocated) */
    KVLOGICAL_REQUEST_PREFILL_APPLIED,       /**< tokens, blocks (registered), token if flag */
    KVLOGICAL_REQUEST_DECODE_SCHEDULED,      /**< blocks (allocated) */
    KVLOGICAL_REQUEST_DECODE_APPLIED,        /**< token; flag: it completed a block */
    KVLOGICAL_REQUEST_SPECULATIVE_SCHEDULED, /**< tokens, blocks (allocated) */
    KVLOGICAL_REQUEST_SPECULATIVE_APPLIED,   /**< tokens (scheduled), accepted, blocks (released) */
    KVLOGICAL_REQUEST_SCHEDULE_REVERTED,     /**< blocks (released) */
    KVLOGICAL_REQUEST_UNASSIGNED_DROPPED,    /**< blocks; only if any */
    KVLOGICAL_REQUEST_RELEASED,
    KVLOGICAL_REQUEST_REACQUIRED, /**< blocks (matched); flag: it succeeded */
};

/** What happened to a request. Fields that do not belong to the kind are 0. */
typedef struct kvlogical_request_event {
    uint32_t kind;            /**< KVLOGICAL_REQUEST_… */
    uint32_t token;           /**< see the kinds */
    uint32_t block_tokens;    /**< see the kinds */
    bool flag;                /**< see the kinds */
    size_t tokens;            /**< see the kinds */
    size_t accepted;          /**< see the kinds */
    size_t blocks;            /**< see the kinds */
    size_t max_output_tokens; /**< see the kinds */
} kvlogical_request_event;

#ifdef __cplusplus
}
#endif

#endif
