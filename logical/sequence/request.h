/* A request's record, and what direct calls and schedules share. Private to logical. */
#ifndef LOGICAL_REQUEST_H
#define LOGICAL_REQUEST_H

#include <kvhash/proof.h>
#include <kvlogical/schedule.h>

#include "sequence/assignments.h"

struct kvlogical_request {
    kvlogical_manager *manager;
    kvhash_sequence *sequence;
    kvlogical_assignments blocks; /* without keys */
    uint32_t block_tokens;
    bool release_tail_first;
    size_t input_tokens, generated, max_output;
    size_t computed;    /* tokens whose KV is there: never more than the held blocks have room for */
    size_t prefill_end; /* tokens that prefill must compute before decode */
    size_t matched;     /* blocks */

    /* when the manager verifies: the proofs of the first proof_chain.blocks blocks */
    const kvhash_prover *prover; /* or NULL */
    kvhash_proof_chain proof_chain;
    kvhash_proof *proofs;
    size_t proof_capacity;

    bool rejects; /* duplicates: registering may replace blocks */
    kvlogical_replaced_block *replaced;
    size_t replaced_count, replaced_capacity;

    uint32_t state; /* KVLOGICAL_SCHEDULED_… */
    size_t scheduled_tokens, scheduled_blocks;

    kvlogical_request_callback on_event;
    void *ctx;
    kvcore_allocator allocator;
};

typedef struct kvlogical_request request;

static inline size_t request_total(const request *r) { return kvhash_sequence_token_count(r->sequence); }
static inline size_t request_complete_blocks(const request *r) { return kvhash_sequence_block_count(r->sequence); }
static inline size_t request_held(const request *r) { return ledger_count(&r->blocks.blocks); }
static inline size_t request_named(const request *r) { return ledger_next(&r->blocks.blocks); }
static inline size_t request_remaining(const request *r) { return r->max_output - r->generated; }

/* How many blocks so many tokens need. */
static inline size_t request_blocks_for(const request *r, size_t tokens) {
    return tokens / r->block_tokens + (tokens % r->block_tokens != 0);
}

/* Where prefill ends: at the input's end, at all tokens after a release, or, when more than one token was appended behind a
 * complete prefill, at the last of these. */
static inline size_t request_prefill_target(const request *r) {
    size_t total = request_total(r);
    return r->computed >= r->prefill_end && total - r->computed > 1 ? total : r->prefill_end;
}

static inline void request_tell(const request *r, kvlogical_request_event event) {
    if (r->on_event != NULL) r->on_event(r->ctx, r, &event);
}

/* The status as an error record without more details. */
kvcore_status kvlogical__request_fail(kvcore_error *error, kvcore_status code);
/* All fields but the sequence's; the block ledger is empty. NULL: no memory. */
request *kvlogical__request_new(kvlogical_manager *manager, const kvcore_allocator *allocator);
/* Proofs of the first `blocks` complete blocks in r->proofs; nothing to do when the manager verifies nothing. Errors:
 * KVCORE_ENOMEM. */
kvcore_status kvlogical__request_prove(request *r, size_t blocks);
/* Take and keep so many blocks. Errors: KVCORE_EOVERFLOW when the pool has not so many in all, KVCORE_ENOSPACE, each with the
 * numbers of kvlogical_allocate_with(). */
kvcore_status kvlogical__request_take(request *r, size_t blocks, kvcore_error *error);
/* Share the staged blocks, with their proofs; a listener hears their tokens and parents. */
kvcore_status kvlogical__request_register(request *r);
/* Name the blocks that are complete once so many tokens are computed. */
kvcore_status kvlogical__request_stage(request *r, size_t computed);

#endif
