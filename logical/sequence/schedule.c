/* A request in two phases. */
#include "sequence/request.h"

#include <inttypes.h>
#include <stdio.h>

/* ---- what goes wrong ---- */

static const char *state_text(const request *r, char text[96]) {
    switch (r->state) {
    case KVLOGICAL_SCHEDULED_PREFILL:
        snprintf(text, 96, "PrefillScheduled { num_tokens: %zu, blocks_allocated: %zu }", r->scheduled_tokens,
                 r->scheduled_blocks);
        break;
    case KVLOGICAL_SCHEDULED_DECODE:
        snprintf(text, 96, "DecodeScheduled { blocks_allocated: %zu }", r->scheduled_blocks);
        break;
    case KVLOGICAL_SCHEDULED_SPECULATIVE:
        snprintf(text, 96, "SpeculativeScheduled { num_tokens: %zu, blocks_allocated: %zu }", r->scheduled_tokens,
                 r->scheduled_blocks);
        break;
    default: snprintf(text, 96, "Idle");
    }
    return text;
}

static kvcore_status wrong_state(kvcore_error *error, const request *r, uint32_t expected, const char *expected_text) {
    char text[96];
    return kvcore_fail(
        error,
        &(kvcore_error){.code = KVLOGICAL_ESTATE, .index = KVCORE_NO_INDEX, .expected = expected, .actual = r->state},
        "expected %s, got %s", expected_text, state_text(r, text));
}

static kvcore_status expect_idle(kvcore_error *error, const request *r) {
    if (r == NULL) return kvlogical__request_fail(error, KVCORE_EINVAL);
    if (r->state == KVLOGICAL_SCHEDULED_NONE) return KVCORE_OK;
    return wrong_state(error, r, KVLOGICAL_SCHEDULED_NONE, "Idle state");
}

static kvcore_status expect_scheduled(kvcore_error *error, const request *r, uint32_t state, const char *text) {
    if (r == NULL) return kvlogical__request_fail(error, KVCORE_EINVAL);
    return r->state == state ? KVCORE_OK : wrong_state(error, r, state, text);
}

static kvcore_error numbers(kvcore_status code, size_t expected, size_t actual) {
    return (kvcore_error){.code = code, .index = KVCORE_NO_INDEX, .expected = expected, .actual = actual};
}

/* ---- scheduling ---- */

/* Hold so many blocks in all from here on. */
static kvcore_status take_up_to(request *r, size_t blocks, size_t *taken, kvcore_error *error) {
    size_t held = request_held(r), needed = blocks > held ? blocks - held : 0;
    kvcore_error shortage = {.code = KVCORE_OK};
    kvcore_status status = kvlogical__request_take(r, needed, &shortage);
    if (status == KVCORE_ENOSPACE || status == KVCORE_EOVERFLOW) {
        kvcore_error details = numbers(status, (size_t)shortage.expected, (size_t)shortage.actual);
        return kvcore_fail(error, &details, "allocation failed: needed %zu blocks", needed);
    }
    if (status != KVCORE_OK) return kvlogical__request_fail(error, status);
    *taken = needed;
    return KVCORE_OK;
}

static void enter(request *r, uint32_t state, size_t tokens, size_t blocks) {
    static const uint32_t kinds[] = {0, KVLOGICAL_REQUEST_PREFILL_SCHEDULED, KVLOGICAL_REQUEST_DECODE_SCHEDULED,
                                     KVLOGICAL_REQUEST_SPECULATIVE_SCHEDULED};
    r->state = state;
    r->scheduled_tokens = tokens;
    r->scheduled_blocks = blocks;
    request_tell(r, (kvlogical_request_event){.kind = kinds[state], .tokens = tokens, .blocks = blocks});
}

static void leave(request *r) {
    r->state = KVLOGICAL_SCHEDULED_NONE;
    r->scheduled_tokens = r->scheduled_blocks = 0;
}

kvcore_status kvlogical_request_schedule_prefill(kvlogical_request *r, size_t tokens, kvcore_error *error) {
    kvcore_status status = expect_idle(error, r);
    if (status != KVCORE_OK) return status;
    size_t target = request_prefill_target(r), position = r->computed, taken = 0;
    if (position >= target) {
        kvcore_error details = numbers(KVLOGICAL_EPREFILL, target, target);
        return kvcore_fail(error, &details, "prefill already complete");
    }
    if (tokens > target - position) {
        kvcore_error details = numbers(KVLOGICAL_EPREFILL, target, position + tokens);
        if (details.actual < tokens) details.actual = UINT64_MAX;
        details.offset = position;
        details.length = tokens;
        return kvcore_fail(error, &details, "prefill overrun: position %zu + %zu > %zu", position, tokens, target);
    }
    status = take_up_to(r, request_blocks_for(r, position + tokens), &taken, error);
    if (status != KVCORE_OK) return status;
    enter(r, KVLOGICAL_SCHEDULED_PREFILL, tokens, taken);
    return KVCORE_OK;
}

/* What decode and speculation have in common. */
static kvcore_status expect_tail(const request *r, kvcore_error *error) {
    kvcore_status status = expect_idle(error, r);
    if (status != KVCORE_OK) return status;
    if (r->computed < r->prefill_end) {
        kvcore_error details = numbers(KVLOGICAL_EPREFILL, r->prefill_end, r->computed);
        return kvcore_fail(error, &details, "prefill not yet complete (position %zu < %zu)", r->computed,
                           r->prefill_end);
    }
    if (r->generated >= r->max_output) {
        kvcore_error details = numbers(KVLOGICAL_EBUDGET, r->max_output, r->generated);
        return kvcore_fail(error, &details, "generation complete: %zu >= %zu", r->generated, r->max_output);
    }
    size_t tail = request_total(r) - r->computed;
    if (tail == 1) return KVCORE_OK;
    kvcore_error details = numbers(KVLOGICAL_EDANGLING, 1, tail);
    return kvcore_fail(error, &details, "expected 1 dangling token(s), got %zu", tail);
}

kvcore_status kvlogical_request_schedule_decode(kvlogical_request *r, kvcore_error *error) {
    kvcore_status status = expect_tail(r, error);
    if (status != KVCORE_OK) return status;
    size_t taken = 0; /* the complete blocks, and one for the token that comes */
    status = take_up_to(r, request_complete_blocks(r) + 1, &taken, error);
    if (status != KVCORE_OK) return status;
    enter(r, KVLOGICAL_SCHEDULED_DECODE, 0, taken);
    return KVCORE_OK;
}

kvcore_status kvlogical_request_schedule_speculative(kvlogical_request *r, size_t drafts, size_t *scheduled,
                                                     kvcore_error *error) {
    kvcore_status status = expect_tail(r, error);
    if (status != KVCORE_OK) return status;
    size_t taken = 0, tokens;
    if (drafts > request_remaining(r)) drafts = request_remaining(r);
    if (__builtin_add_overflow(request_total(r), drafts, &tokens))
        return kvlogical__request_fail(error, KVCORE_EOVERFLOW);
    status = take_up_to(r, request_blocks_for(r, tokens), &taken, error);
    if (status != KVCORE_OK) return status;
    if (scheduled != NULL) *scheduled = drafts;
    enter(r, KVLOGICAL_SCHEDULED_SPECULATIVE, drafts, taken);
    return KVCORE_OK;
}

/* ---- applying ---- */

/* These tokens are new, and so many are computed now: append, then name and share. Only appending can fail on its own; naming
 * and sharing fail when a block has no more holds to give, and are then made up for by the next step. */
static kvcore_status settle(request *r, size_t computed, const uint32_t *tokens, size_t count, uint32_t *outcome,
                            kvcore_error *error) {
    kvhash_block_range completed = {0, 0};
    kvcore_status status = kvhash_sequence_extend(r->sequence, tokens, count, &completed);
    if (status != KVCORE_OK) return kvlogical__request_fail(error, status);
    r->computed = computed;
    r->generated += count;
    (void)!kvlogical__request_stage(r, computed);
    (void)!kvlogical__request_register(r);
    if (outcome != NULL)
        *outcome = (completed.count > 0 ? KVLOGICAL_OUTCOME_BLOCK_COMPLETED : 0u) |
                   (r->generated >= r->max_output ? KVLOGICAL_OUTCOME_MAX_LENGTH : 0u) |
                   (r->replaced_count > 0 ? KVLOGICAL_OUTCOME_BLOCKS_REPLACED : 0u);
    return KVCORE_OK;
}

static kvcore_status check_prefill_token(const request *r, const uint32_t *token, kvcore_error *error) {
    bool final = r->computed + r->scheduled_tokens >= request_prefill_target(r);
    kvcore_error details = numbers(KVLOGICAL_ETOKEN, final && request_remaining(r) > 0, token != NULL);
    if (token != NULL && !final)
        return kvcore_fail(error, &details, "token provided but prefill not completing this chunk");
    if (token == NULL && final && request_remaining(r) > 0)
        return kvcore_fail(error, &details, "final prefill chunk requires a generated token");
    if (token != NULL && request_remaining(r) == 0) {
        details = numbers(KVLOGICAL_EBUDGET, r->max_output, r->generated);
        return kvcore_fail(error, &details, "generation complete: %zu >= %zu", r->generated, r->max_output);
    }
    return KVCORE_OK;
}

kvcore_status kvlogical_request_apply_prefill(kvlogical_request *r, const uint32_t *token, uint32_t *outcome,
                                              kvcore_error *error) {
    kvcore_status status = expect_scheduled(error, r, KVLOGICAL_SCHEDULED_PREFILL, "PrefillScheduled");
    if (status == KVCORE_OK) status = check_prefill_token(r, token, error);
    if (status != KVCORE_OK) return status;
    size_t tokens = r->scheduled_tokens, assigned = r->blocks.blocks.assigned;
    status = settle(r, r->computed + tokens, token, token != NULL, outcome, error);
    if (status != KVCORE_OK) return status;
    leave(r);
    request_tell(r, (kvlogical_request_event){.kind = KVLOGICAL_REQUEST_PREFILL_APPLIED,
                                              .token = token == NULL ? 0 : *token,
                                              .flag = token != NULL,
                                              .tokens = tokens,
                                              .blocks = r->blocks.blocks.assigned - assigned});
    return KVCORE_OK;
}

kvcore_status kvlogical_request_apply_decode(kvlogical_request *r, uint32_t token, uint32_t *outcome,
                                             kvcore_error *error) {
    kvcore_status status = expect_scheduled(error, r, KVLOGICAL_SCHEDULED_DECODE, "DecodeScheduled");
    if (status != KVCORE_OK) return status;
    uint32_t came_to = 0;
    status = settle(r, r->computed + 1, &token, 1, &came_to, error);
    if (status != KVCORE_OK) return status;
    leave(r);
    if (outcome != NULL) *outcome = came_to;
    request_tell(r, (kvlogical_request_event){.kind = KVLOGICAL_REQUEST_DECODE_APPLIED,
                                              .token = token,
                                              .flag = (came_to & KVLOGICAL_OUTCOME_BLOCK_COMPLETED) != 0});
    return KVCORE_OK;
}

/* What a request between steps keeps: the blocks of its tokens and one for the next; when nothing comes any more, those that
 * hold KV. */
static size_t drop_excess(request *r) {
    size_t keep =
        kvlogical_request_is_complete(r) ? request_blocks_for(r, r->computed) : request_complete_blocks(r) + 1;
    size_t held = request_held(r), excess = held > keep ? held - keep : 0;
    if (excess > r->blocks.blocks.unassigned) excess = r->blocks.blocks.unassigned;
    kvlogical__assignments_drop(&r->blocks, excess);
    return excess;
}

kvcore_status kvlogical_request_apply_speculative(kvlogical_request *r, const uint32_t *tokens, size_t count,
                                                  uint32_t *outcome, kvcore_error *error) {
    kvcore_status status = expect_scheduled(error, r, KVLOGICAL_SCHEDULED_SPECULATIVE, "SpeculativeScheduled");
    if (status != KVCORE_OK) return status;
    if (count > 0 && tokens == NULL) return kvlogical__request_fail(error, KVCORE_EINVAL);
    size_t scheduled = r->scheduled_tokens;
    if (count > scheduled) {
        kvcore_error details = numbers(KVLOGICAL_EBUDGET, scheduled, count);
        return kvcore_fail(error, &details, "accepted %zu tokens exceeds scheduled %zu", count, scheduled);
    }
    status = settle(r, r->computed + count, tokens, count, outcome, error);
    if (status != KVCORE_OK) return status;
    size_t released = drop_excess(r);
    leave(r);
    request_tell(r, (kvlogical_request_event){.kind = KVLOGICAL_REQUEST_SPECULATIVE_APPLIED,
                                              .tokens = scheduled,
                                              .accepted = count,
                                              .blocks = released});
    return KVCORE_OK;
}

kvcore_status kvlogical_request_revert_schedule(kvlogical_request *r, kvcore_error *error) {
    if (r == NULL) return kvlogical__request_fail(error, KVCORE_EINVAL);
    if (r->state == KVLOGICAL_SCHEDULED_NONE)
        return wrong_state(error, r, KVLOGICAL_SCHEDULED_DECODE, "any Scheduled state");
    size_t blocks = r->scheduled_blocks;
    kvlogical__assignments_drop(&r->blocks, blocks);
    leave(r);
    request_tell(r, (kvlogical_request_event){.kind = KVLOGICAL_REQUEST_SCHEDULE_REVERTED, .blocks = blocks});
    return KVCORE_OK;
}

kvcore_status kvlogical_request_append_tokens(kvlogical_request *r, const uint32_t *tokens, size_t count,
                                              kvcore_error *error) {
    kvcore_status status = expect_idle(error, r);
    if (status != KVCORE_OK) return status;
    if (count > request_remaining(r)) {
        kvcore_error details = numbers(KVLOGICAL_EBUDGET, request_remaining(r), count);
        return kvcore_fail(error, &details, "append requested %zu tokens but only %zu remain", count,
                           request_remaining(r));
    }
    status = kvhash_sequence_extend(r->sequence, tokens, count, NULL);
    if (status != KVCORE_OK) return kvlogical__request_fail(error, status);
    r->generated += count;
    if (r->computed < r->prefill_end) r->prefill_end += count; /* they stand before what prefill yields */
    return KVCORE_OK;
}
