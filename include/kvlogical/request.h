/**
 * @file
 * One request: its tokens as they grow, the blocks that hold their KV, and how far that KV is computed.
 *
 *     tokens    | input …                        | generated … |
 *     computed  | KV exists …            | tail …              |     the caller says how many
 *     blocks    | assigned … | staged … | unassigned …     |         assigned ones are shared, by their names
 *
 * A block is shared only when the KV of its last token is there: nothing here registers what is not computed. A token that
 * was just generated has no KV until the next step computes it.
 *
 * Drive a request directly, with the calls below, or in two phases with those of kvlogical/schedule.h.
 *
 * When the manager verifies (kvlogical_config.proof_bits: the default), the request proves its prefix to it: a cached block is
 * taken only when it was registered for the same tokens, salt and adapter, whatever its name is.
 *
 * Names are made from salt and lora_name as kvhash_request_names() makes them.
 *
 * Owns:    the request owns copies of its tokens and the guards of its blocks. The manager must outlive it.
 * Threads: compatible: different requests at once, also on one manager; calls on one request need the caller's lock.
 * Errors:  a failed call changes nothing.
 * Units:   tokens, unless a name says blocks.
 * Cost:    O(1) a token or block. With reserve_output_tokens set to what will come, nothing allocates after creation.
 * Source:  kvbm-logical 1.5.0, RequestSequence and SchedulableSequence. Differences, all on purpose: docs/libs/logical-requests.md.
 */
#ifndef KVLOGICAL_REQUEST_H
#define KVLOGICAL_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <kvhash/sequence.h>
#include <kvlogical/manager.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Opaque. Made by kvlogical_request_create() and kvlogical_request_fork(). */
typedef struct kvlogical_request kvlogical_request;
struct kvlogical_request_event;

/** Told of each change, after it happened; see kvlogical/schedule.h. Must not call into the request. */
typedef void (*kvlogical_request_callback)(void *ctx, const kvlogical_request *request,
                                           const struct kvlogical_request_event *event);

/** Start from KVLOGICAL_REQUEST_CONFIG_INIT; all other zeros mean the default. Arrays are borrowed for the call. */
typedef struct kvlogical_request_config {
    size_t struct_size;
    const uint32_t *tokens;       /**< the input */
    size_t token_count;           /**< how many tokens */
    const kvhash_mm_run *runs;    /**< multimodal runs among the input, in any order */
    size_t run_count;             /**< how many runs */
    uint64_t salt_hash;           /**< with salt_hash_given: used as it is. Otherwise 0, and salt and lora_name count */
    size_t max_output_tokens;     /**< how many tokens may be generated; 0: none */
    size_t reserve_output_tokens; /**< take memory for so many at once; 0: for max_output_tokens, at most 1024 */
    bool release_tail_first; /**< as _INIT has it: the front of the prefix becomes inactive last and stays longest. The
                                       reference releases it first: false */
    kvlogical_request_callback on_event; /**< NULL: nobody listens */
    void *ctx;                           /**< given back to on_event */
    kvcore_allocator allocator;          /**< all NULL means the C library's */
    kvcore_bytes salt;      /**< isolates tenants, as kvhash_request has it; empty: none. Borrowed for the call */
    kvcore_bytes lora_name; /**< isolates adapters; empty: none. Borrowed for the call */
    bool salt_hash_given;   /**< the names are made with salt_hash. A reference sequence has 0 */
} kvlogical_request_config;

/** The values to start from. */
#define KVLOGICAL_REQUEST_CONFIG_INIT                                                                                 \
    {                                                                                                                 \
        sizeof(kvlogical_request_config), NULL, 0, NULL, 0, 0, 0, 0, true, NULL, NULL, {NULL, NULL, NULL}, {NULL, 0}, \
            {NULL, 0}, false                                                                                          \
    }

/** KVLOGICAL_REQUEST_CONFIG_INIT as a function, for other languages. */
KVLOGICAL_API kvlogical_request_config kvlogical_request_config_init(void);

/**
 * Make a request on a manager; it holds no blocks yet.
 *
 * Gives:  *request, to be destroyed by kvlogical_request_destroy().
 * Errors: KVCORE_EINVAL for NULLs, NULL spans with a size, a wrong struct_size, a salt_hash without salt_hash_given or with a
 *         salt or LoRA name beside it; those of kvhash_sequence_create() for tokens and runs; KVCORE_ENOMEM.
 */
KVLOGICAL_API KVCORE_NODISCARD kvcore_status kvlogical_request_create(kvlogical_manager *manager,
                                                                      const kvlogical_request_config *config,
                                                                      kvlogical_request **request, kvcore_error *error);

/** Every block goes back: the assigned ones (last first unless configured otherwise), the staged, the unassigned. NULL is ignored. */
KVLOGICAL_API void kvlogical_request_destroy(kvlogical_request *request);

/* ---- what is cached ---- */

/**
 * Hold the leading blocks that the manager has. Always leaves at least one token to compute (logits are needed): if the whole
 * prompt is cached, the last block is not matched.
 *
 * Gives:  *blocks (may be NULL). Their tokens count as computed.
 * Errors: KVLOGICAL_ESTATE while the request holds blocks or is scheduled; KVCORE_EINVAL, KVCORE_ENOMEM, KVCORE_EOVERFLOW.
 */
KVLOGICAL_API KVCORE_NODISCARD kvcore_status kvlogical_request_match_prefix(kvlogical_request *request, size_t *blocks);

/**
 * Take blocks that the caller holds already (fetched from another tier, say) as the next ones of the prefix.
 *
 * Takes:  held, consumed on success.
 * Errors: KVCORE_EOVERFLOW for more blocks than there may be (expected, actual; as above one token is left);
 *         KVLOGICAL_EHASH_MISMATCH for a block with another name, index = its position; KVLOGICAL_EGUARD; KVLOGICAL_ESTATE
 *         when scheduled, or when tokens behind the assigned blocks are computed; KVCORE_EINVAL, KVCORE_ENOMEM.
 */
KVLOGICAL_API KVCORE_NODISCARD kvcore_status kvlogical_request_add_matched(kvlogical_request *request,
                                                                           kvlogical_immutable *held, size_t count,
                                                                           kvcore_error *error);

/* ---- computing ---- */

/** So many more blocks to compute into. Errors: KVCORE_ENOSPACE (back-pressure), KVCORE_EOVERFLOW for more than the pool has in
 * all, KVLOGICAL_ESTATE when scheduled, KVCORE_EINVAL, KVCORE_ENOMEM. */
KVLOGICAL_API KVCORE_NODISCARD kvcore_status kvlogical_request_allocate(kvlogical_request *request, size_t blocks);

/**
 * The KV of the first computed_tokens tokens is there: share the blocks that are complete by that.
 *
 * Errors: KVCORE_EINVAL when it is less than before, more than the tokens, or more than the held blocks have room for
 *         (expected = the bound, actual); KVLOGICAL_ESTATE when scheduled; KVLOGICAL_EGUARD; KVCORE_EOVERFLOW past 2^32 − 1
 *         holds on one block.
 */
KVLOGICAL_API KVCORE_NODISCARD kvcore_status kvlogical_request_register_computed(kvlogical_request *request,
                                                                                 size_t computed_tokens,
                                                                                 kvcore_error *error);

/** The same in two steps: first they are named and belong to nobody else, … Errors: as
 * kvlogical_request_register_computed(). */
KVLOGICAL_API KVCORE_NODISCARD kvcore_status kvlogical_request_stage_computed(kvlogical_request *request,
                                                                              size_t computed_tokens,
                                                                              kvcore_error *error);
/** … then shared. Errors: KVLOGICAL_ESTATE when scheduled; those of kvlogical_register(). */
KVLOGICAL_API KVCORE_NODISCARD kvcore_status kvlogical_request_register_staged(kvlogical_request *request);

/**
 * One generated token. Touches no blocks.
 *
 * Gives:  *completed (may be NULL): the block that this token completed, if it did.
 * Errors: KVLOGICAL_EBUDGET when max_output_tokens are generated (expected = that, actual = how many);
 *         KVLOGICAL_ESTATE when scheduled; those of kvhash_sequence_append().
 */
KVLOGICAL_API KVCORE_NODISCARD kvcore_status kvlogical_request_append(kvlogical_request *request, uint32_t token,
                                                                      kvhash_block_range *completed);

/** Are max_output_tokens generated? At once when that is 0. */
KVLOGICAL_API bool kvlogical_request_is_complete(const kvlogical_request *request);

/** How many blocks must be allocated so that every token has room for its KV. */
KVLOGICAL_API size_t kvlogical_request_blocks_missing(const kvlogical_request *request);

/**
 * Give back up to `blocks` unassigned blocks, last first, but none that holds computed KV.
 *
 * Gives:  *dropped (may be NULL), how many. Errors: KVLOGICAL_ESTATE when scheduled; KVCORE_EINVAL.
 */
KVLOGICAL_API KVCORE_NODISCARD kvcore_status kvlogical_request_drop_unassigned(kvlogical_request *request,
                                                                               size_t blocks, size_t *dropped);

/* ---- preemption ---- */

/**
 * Give every block back; tokens stay, and count as not computed. May be repeated, and called as a statement.
 * Errors: KVLOGICAL_ESTATE when scheduled; KVCORE_EINVAL.
 */
KVLOGICAL_API kvcore_status kvlogical_request_release(kvlogical_request *request);

/** A page that is another block now. */
typedef struct kvlogical_replaced_block {
    size_t index;  /**< in the page table of the request */
    uint32_t from; /**< the block that was computed: free again, perhaps somebody else's by now */
    uint32_t to;   /**< the block that has the same content */
} kvlogical_replaced_block;

/**
 * Where duplicates are rejected: the pages that the last call replaced which shared blocks (an apply or a register), because
 * their names were there already. The page table that the engine computes with must change accordingly before the next step.
 *
 * Gives:  *count, and as many in replaced (room for `capacity`), by ascending index.
 * Errors: KVCORE_EBUFFER when they do not fit, with *count; KVCORE_EINVAL for NULLs.
 */
KVLOGICAL_API KVCORE_NODISCARD kvcore_status kvlogical_request_replaced(const kvlogical_request *request,
                                                                        kvlogical_replaced_block *replaced,
                                                                        size_t capacity, size_t *count);

/**
 * After a release: hold what is still cached of all tokens, generated ones too, and allocate the rest of the complete blocks.
 *
 * Only the matched blocks count as computed: the rest is to be prefilled again.
 * Gives:  *matched blocks (may be NULL).
 * Errors: KVCORE_ENOSPACE, and KVCORE_EOVERFLOW when the pool has fewer in all: nothing is held then; otherwise as
 *         kvlogical_request_match_prefix().
 */
KVLOGICAL_API KVCORE_NODISCARD kvcore_status kvlogical_request_reacquire(kvlogical_request *request, size_t *matched);

/* ---- fork ---- */

/** What the engine must copy before the fork computes: the first `tokens` tokens of a block. None when tokens is 0. */
typedef struct kvlogical_block_copy {
    uint32_t from;   /**< the parent's block */
    uint32_t to;     /**< the fork's block */
    uint32_t tokens; /**< how many to copy; 0: nothing */
} kvlogical_block_copy;

/**
 * A second request that continues as this one might (beam search, parallel sampling). It shares every registered block;
 * a block that is computed in part gets a twin. Configuration and counters are the parent's.
 *
 * Gives:  *fork, to be destroyed as any request, and *copy.
 * Errors: KVCORE_ENOSPACE when there is no block for the twin; KVLOGICAL_ESTATE when scheduled, or while blocks are staged;
 *         KVCORE_EINVAL, KVCORE_ENOMEM, KVCORE_EOVERFLOW.
 * Cost:   O(tokens).
 */
KVLOGICAL_API KVCORE_NODISCARD kvcore_status kvlogical_request_fork(const kvlogical_request *parent,
                                                                    kvlogical_request **fork,
                                                                    kvlogical_block_copy *copy);

/* ---- what it holds ---- */

/** All numbers of a request. */
typedef struct kvlogical_request_counts {
    size_t struct_size;                                       /**< of the caller's struct */
    size_t input_tokens, generated_tokens, max_output_tokens; /**< of the prompt, since, and at most */
    size_t total_tokens;                                      /**< input + generated */
    size_t remaining_tokens;                                  /**< that may still be generated */
    size_t computed_tokens;                                   /**< whose KV is there */
    size_t tail_tokens;                                       /**< total − computed */
    size_t prefill_tokens;  /**< to be computed before decode can start; 0 when prefill is complete */
    size_t complete_blocks; /**< that the tokens make up */
    size_t assigned_blocks, staged_blocks, unassigned_blocks; /**< blocks in each state */
    size_t matched_blocks;                                    /**< of the assigned ones: cached, not computed here */
    uint32_t state;                                           /**< KVLOGICAL_SCHEDULED_… of kvlogical/schedule.h */
    size_t scheduled_tokens;                                  /**< of prefill or speculation */
    size_t scheduled_blocks;                                  /**< that the schedule allocated */
} kvlogical_request_counts;

/** The values to start from. */
#define KVLOGICAL_REQUEST_COUNTS_INIT \
    { sizeof(kvlogical_request_counts), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }

/** KVLOGICAL_REQUEST_COUNTS_INIT as a function, for other languages. */
KVLOGICAL_API kvlogical_request_counts kvlogical_request_counts_init(void);

/**
 * All numbers, as many as the caller's struct has room for by its struct_size. O(1).
 *
 * Errors: KVCORE_EINVAL for NULLs and a struct_size that cannot be right; counts is then as it was.
 */
KVLOGICAL_API kvcore_status kvlogical_request_read_counts(const kvlogical_request *request,
                                                          kvlogical_request_counts *counts);

/** The same by value; a NULL request reads as all zeros. */
static inline kvlogical_request_counts kvlogical_request_count(const kvlogical_request *request) {
    kvlogical_request_counts counts = KVLOGICAL_REQUEST_COUNTS_INIT;
    kvlogical_request_read_counts(request, &counts);
    return counts;
}

/**
 * The page table from block `first` on: where the KV of tokens first · block_tokens … lies.
 *
 * Gives:  *count of them; blocks may be NULL with a capacity of 0 to learn the count.
 * Errors: KVCORE_EBUFFER when capacity is smaller, with *count; KVCORE_EINVAL for NULLs.
 */
KVLOGICAL_API KVCORE_NODISCARD kvcore_status kvlogical_request_blocks(const kvlogical_request *request, size_t first,
                                                                      uint32_t *blocks, size_t capacity, size_t *count);

/** Its tokens and names. Borrowed: look, do not change. */
KVLOGICAL_API const kvhash_sequence *kvlogical_request_sequence(const kvlogical_request *request);

/** Its manager. Borrowed. */
KVLOGICAL_API kvlogical_manager *kvlogical_request_manager(const kvlogical_request *request);

#ifdef __cplusplus
}
#endif

#endif
