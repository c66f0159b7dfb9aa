/* A request that is driven directly: cached prefix, blocks, tokens. */
#include "sequence/request.h"

#include <inttypes.h>
#include <string.h>

#include <kvcore/bytes.h>
#include <kvcore/config.h>
#include <kvcore/random.h>
#include <kvhash/hash.h>

#define ALIGN _Alignof(max_align_t)
#define RESERVE_OUTPUT_TOKENS 1024

kvcore_status kvlogical__request_fail(kvcore_error *error, kvcore_status code) {
    return kvcore_fail(error, &(kvcore_error){.code = code, .index = KVCORE_NO_INDEX}, "%s", kvcore_status_text(code));
}

static kvcore_status out_of_bounds(kvcore_error *error, kvcore_status code, size_t bound, size_t actual,
                                   const char *text) {
    return kvcore_fail(error,
                       &(kvcore_error){.code = code, .index = KVCORE_NO_INDEX, .expected = bound, .actual = actual},
                       "%s: %zu, got %zu", text, bound, actual);
}

/* ---- proofs ---- */

static kvcore_status reserve_proofs(request *r, size_t blocks) {
    if (blocks <= r->proof_capacity) return KVCORE_OK;
    size_t doubled = 2 * r->proof_capacity, capacity = blocks > doubled ? blocks : doubled;
    kvhash_proof *proofs = kvcore_alloc(&r->allocator, capacity, sizeof *proofs, _Alignof(kvhash_proof));
    if (proofs == NULL) return KVCORE_ENOMEM;
    if (r->proof_chain.blocks > 0) memcpy(proofs, r->proofs, r->proof_chain.blocks * sizeof *proofs);
    kvcore_free(&r->allocator, r->proofs, r->proof_capacity, sizeof *proofs, _Alignof(kvhash_proof));
    r->proofs = proofs;
    r->proof_capacity = capacity;
    return KVCORE_OK;
}

static kvcore_status reserve_replaced(request *r, size_t blocks) {
    if (!r->rejects || blocks <= r->replaced_capacity) return KVCORE_OK;
    kvlogical_replaced_block *more =
        kvcore_alloc(&r->allocator, blocks, sizeof *more, _Alignof(kvlogical_replaced_block));
    if (more == NULL) return KVCORE_ENOMEM;
    kvcore_free(&r->allocator, r->replaced, r->replaced_capacity, sizeof *more, _Alignof(kvlogical_replaced_block));
    r->replaced = more;
    r->replaced_capacity = blocks;
    return KVCORE_OK;
}

/* What the names are isolated by isolates the proofs. A salt hash that was given stands for itself. */
static kvcore_status start_proofs(request *r, const kvlogical_request_config *config, size_t tokens) {
    if (r->prover == NULL) return KVCORE_OK;
    uint8_t hash[8];
    kvcore_bytes salt = config->salt;
    kvcore_store_le64(hash, config->salt_hash);
    if (config->salt_hash_given) salt = (kvcore_bytes){hash, sizeof hash};
    kvcore_status status = kvhash_proof_start(r->prover, salt, config->lora_name, r->block_tokens, &r->proof_chain);
    return status == KVCORE_OK ? reserve_proofs(r, tokens / r->block_tokens) : status;
}

kvcore_status kvlogical__request_prove(request *r, size_t blocks) {
    size_t done = r->proof_chain.blocks, first = done * r->block_tokens;
    if (r->prover == NULL || blocks <= done) return KVCORE_OK;
    kvcore_status status = reserve_proofs(r, blocks);
    if (status != KVCORE_OK) return status;
    kvhash_slots slots = {.token_count = (blocks - done) * r->block_tokens, .offset = first};
    size_t there;
    slots.tokens = kvhash_sequence_tokens(r->sequence, first, blocks * r->block_tokens, &there);
    slots.runs = kvhash_sequence_runs(r->sequence, &slots.run_count);
    return kvhash_proof_extend(r->prover, &r->proof_chain, &slots, r->proofs + done);
}

/* ---- life ---- */

request *kvlogical__request_new(kvlogical_manager *manager, const kvcore_allocator *allocator) {
    request *r = kvcore_alloc(allocator, 1, sizeof *r, ALIGN);
    if (r == NULL) return NULL;
    *r = (request){
        .manager = manager,
        .block_tokens = kvlogical_manager_block_tokens(manager),
        .prover = kvlogical_manager_prover(manager),
        .rejects = kvlogical__rejects_duplicates(manager),
        .allocator = *allocator,
    };
    kvlogical__assignments_init(&r->blocks, manager, allocator);
    r->blocks.blocks.plain = true;
    return r;
}

static kvcore_status start(request *r, const kvlogical_request_config *config, kvcore_error *error) {
    size_t reserve = config->reserve_output_tokens, tokens;
    if (reserve == 0)
        reserve = config->max_output_tokens < RESERVE_OUTPUT_TOKENS ? config->max_output_tokens : RESERVE_OUTPUT_TOKENS;
    if (__builtin_add_overflow(config->token_count, reserve, &tokens))
        return kvlogical__request_fail(error, KVCORE_EOVERFLOW);
    kvhash_sequence_config sequence = KVHASH_SEQUENCE_CONFIG_INIT;
    sequence.block_tokens = r->block_tokens;
    sequence.salt_hash =
        config->salt_hash_given ? config->salt_hash : kvhash_salt_hash(config->salt, config->lora_name);
    sequence.tokens = config->tokens;
    sequence.token_count = config->token_count;
    sequence.runs = config->runs;
    sequence.run_count = config->run_count;
    sequence.reserve_tokens = tokens;
    sequence.allocator = config->allocator;
    kvcore_status status = kvhash_sequence_create(&sequence, &r->sequence, error);
    if (status != KVCORE_OK) return status;
    /* one more than the tokens need: a step takes the block of the next token */
    status = kvlogical__ledger_reserve(&r->blocks.blocks, request_blocks_for(r, tokens) + 1);
    if (status == KVCORE_OK) status = start_proofs(r, config, tokens);
    if (status == KVCORE_OK) status = reserve_replaced(r, request_blocks_for(r, tokens));
    if (status != KVCORE_OK) return kvlogical__request_fail(error, status);
    r->release_tail_first = config->release_tail_first;
    r->input_tokens = r->prefill_end = config->token_count;
    r->max_output = config->max_output_tokens;
    r->on_event = config->on_event;
    r->ctx = config->ctx;
    return KVCORE_OK;
}

static kvcore_status check_salt(const kvlogical_request_config *config, kvcore_error *error) {
    static const kvcore_error invalid = {.code = KVCORE_EINVAL, .index = KVCORE_NO_INDEX};
    if ((config->salt.data == NULL && config->salt.size_bytes != 0) ||
        (config->lora_name.data == NULL && config->lora_name.size_bytes != 0))
        return kvcore_fail(error, &invalid, "salt or lora_name is NULL with a size");
    bool texts = config->salt.size_bytes + config->lora_name.size_bytes != 0;
    if (config->salt_hash_given ? texts : config->salt_hash != 0)
        return kvcore_fail(error, &invalid, "salt_hash takes salt_hash_given, and no salt or lora_name beside it");
    return KVCORE_OK;
}

kvcore_status kvlogical_request_create(kvlogical_manager *manager, const kvlogical_request_config *given,
                                       kvlogical_request **out, kvcore_error *error) {
    if (out != NULL) *out = NULL;
    if (manager == NULL || out == NULL) return kvlogical__request_fail(error, KVCORE_EINVAL);
    kvlogical_request_config config;
    kvcore_status status = kvcore_config_read(&config, sizeof config, given, error);
    if (status != KVCORE_OK) return status;
    if ((config.allocator.alloc == NULL) != (config.allocator.free == NULL))
        return kvlogical__request_fail(error, KVCORE_EINVAL);
    if (config.allocator.alloc == NULL) config.allocator = kvcore_allocator_libc();
    status = check_salt(&config, error);
    if (status != KVCORE_OK) return status;
    request *r = kvlogical__request_new(manager, &config.allocator);
    if (r == NULL) return kvlogical__request_fail(error, KVCORE_ENOMEM);
    status = start(r, &config, error);
    if (status != KVCORE_OK) {
        kvlogical_request_destroy(r);
        return status;
    }
    *out = r;
    request_tell(r, (kvlogical_request_event){.kind = KVLOGICAL_REQUEST_CREATED,
                                              .tokens = r->input_tokens,
                                              .max_output_tokens = r->max_output,
                                              .block_tokens = r->block_tokens});
    return KVCORE_OK;
}

void kvlogical_request_destroy(kvlogical_request *r) {
    if (r == NULL) return;
    kvcore_allocator allocator = r->allocator;
    kvlogical__assignments_clear(&r->blocks, r->release_tail_first);
    kvlogical__ledger_destroy(&r->blocks.blocks);
    kvcore_free(&allocator, r->proofs, r->proof_capacity, sizeof *r->proofs, _Alignof(kvhash_proof));
    kvcore_free(&allocator, r->replaced, r->replaced_capacity, sizeof *r->replaced, _Alignof(kvlogical_replaced_block));
    kvcore_wipe(&r->proof_chain, sizeof r->proof_chain);
    kvhash_sequence_destroy(r->sequence);
    kvcore_free(&allocator, r, 1, sizeof *r, ALIGN);
}

/* ---- the cached prefix ---- */

/* Blocks that may come from the cache: at least one token is left. */
static size_t matchable(const request *r) {
    size_t total = request_total(r);
    return total == 0 ? 0 : (total - 1) / r->block_tokens;
}

/* Guards arrive right where they are kept. */
static kvcore_status match(request *r) {
    ledger *l = &r->blocks.blocks;
    size_t names_count, wanted = matchable(r), hits = 0;
    const kvhash_plh *names = kvhash_sequence_names(r->sequence, &names_count);
    kvcore_status status = kvlogical__ledger_reserve(l, wanted);
    if (status == KVCORE_OK) status = kvlogical__request_prove(r, wanted);
    kvlogical_attributes proven = KVLOGICAL_ATTRIBUTES_INIT;
    if (r->prover != NULL) proven.proofs = r->proofs, proven.proof_count = wanted;
    if (status == KVCORE_OK && wanted > 0)
        status = kvlogical_match_prefix_with(r->manager, names, wanted, &proven, ledger_value(l, 0), &hits, NULL);
    if (status != KVCORE_OK) return status;
    l->assigned = r->matched = hits;
    r->computed = hits * r->block_tokens;
    return KVCORE_OK;
}

kvcore_status kvlogical_request_match_prefix(kvlogical_request *r, size_t *blocks) {
    if (r == NULL) return KVCORE_EINVAL;
    if (r->state != KVLOGICAL_SCHEDULED_NONE || request_held(r) > 0) return KVLOGICAL_ESTATE;
    kvcore_status status = match(r);
    if (status != KVCORE_OK) return status;
    if (blocks != NULL) *blocks = r->matched;
    request_tell(
        r, (kvlogical_request_event){.kind = KVLOGICAL_REQUEST_PREFIX_MATCHED, .blocks = r->blocks.blocks.assigned});
    return KVCORE_OK;
}

static kvcore_status check_matched(const request *r, const kvlogical_immutable *held, size_t count,
                                   kvcore_error *error) {
    size_t first = r->blocks.blocks.assigned, limit = matchable(r) - (first < matchable(r) ? first : matchable(r));
    if (count > limit)
        return out_of_bounds(error, KVCORE_EOVERFLOW, limit, count,
                             "matched blocks exceed completed sequence blocks (one token is left to compute)");
    size_t names_count;
    const kvhash_plh *names = kvhash_sequence_names(r->sequence, &names_count);
    for (size_t i = 0; i < count; i++) {
        kvhash_plh name;
        if (kvlogical_name(r->manager, &held[i], &name) != KVCORE_OK)
            return kvcore_fail(error, &(kvcore_error){.code = KVLOGICAL_EGUARD, .index = i}, "%s",
                               kvcore_status_text(KVLOGICAL_EGUARD));
        if (kvhash_plh_equal(name, names[first + i])) continue;
        char expected[KVHASH_PLH_TEXT_BYTES], actual[KVHASH_PLH_TEXT_BYTES];
        kvhash_plh_format(names[first + i], expected);
        kvhash_plh_format(name, actual);
        return kvcore_fail(error, &(kvcore_error){.code = KVLOGICAL_EHASH_MISMATCH, .index = first + i},
                           "sequence hash mismatch at position %zu: expected %s, got %s", first + i, expected, actual);
    }
    return KVCORE_OK;
}

kvcore_status kvlogical_request_add_matched(kvlogical_request *r, kvlogical_immutable *held, size_t count,
                                            kvcore_error *error) {
    if (r == NULL || (count > 0 && held == NULL)) return kvlogical__request_fail(error, KVCORE_EINVAL);
    ledger *l = &r->blocks.blocks;
    if (r->state != KVLOGICAL_SCHEDULED_NONE || r->computed > l->assigned * r->block_tokens || l->staged > 0)
        return kvlogical__request_fail(error, KVLOGICAL_ESTATE);
    kvcore_status status = check_matched(r, held, count, error);
    if (status != KVCORE_OK) return status;
    status = kvlogical__ledger_reserve(l, ledger_count(l) + count);
    if (status != KVCORE_OK) return kvlogical__request_fail(error, status);
    if (count > 0) memcpy(ledger_value(l, ledger_count(l)), held, count * sizeof *held);
    l->unassigned += count;
    kvlogical__ledger_assign_last(l, count);
    for (size_t i = 0; i < count; i++) held[i] = (kvlogical_immutable){0, 0, 0};
    r->matched += count;
    r->computed += count * r->block_tokens;
    return KVCORE_OK;
}

/* ---- computing ---- */

/* So many more than the request holds will never fit: its blocks are different ones. */
static kvcore_status check_pool(const request *r, size_t held, size_t blocks, kvcore_error *error) {
    size_t total = kvlogical_manager_counts(r->manager).total;
    if (held <= total && blocks <= total - held) return KVCORE_OK;
    size_t all = blocks > SIZE_MAX - held ? SIZE_MAX : held + blocks;
    return out_of_bounds(error, KVCORE_EOVERFLOW, total, all, "more blocks than the pool has");
}

kvcore_status kvlogical__request_take(request *r, size_t blocks, kvcore_error *error) {
    ledger *l = &r->blocks.blocks;
    size_t before = ledger_count(l);
    kvcore_status status = KVCORE_OK;
    /* before memory is taken for more guards than there can be */
    if (blocks > l->capacity - before) status = check_pool(r, before, blocks, error);
    if (status == KVCORE_OK) status = kvlogical__ledger_reserve(l, before + blocks);
    if (status == KVCORE_OK && blocks > 0)
        status = kvlogical__allocate(r->manager, blocks, ledger_value(l, before), NULL, error);
    if (status == KVCORE_ENOSPACE && check_pool(r, before, blocks, error) != KVCORE_OK) status = KVCORE_EOVERFLOW;
    if (status == KVCORE_OK) l->unassigned += blocks;
    return status;
}

kvcore_status kvlogical_request_allocate(kvlogical_request *r, size_t blocks) {
    if (r == NULL) return KVCORE_EINVAL;
    if (r->state != KVLOGICAL_SCHEDULED_NONE) return KVLOGICAL_ESTATE;
    return kvlogical__request_take(r, blocks, NULL);
}

kvcore_status kvlogical__request_stage(request *r, size_t computed) {
    size_t named = request_named(r), end = computed / r->block_tokens, count, staged;
    if (end <= named) return KVCORE_OK;
    const kvhash_plh *names = kvhash_sequence_names(r->sequence, &count);
    return kvlogical_assignments_stage(&r->blocks, names + named, NULL, end - named, &staged, NULL, NULL);
}

kvcore_status kvlogical_request_stage_computed(kvlogical_request *r, size_t computed, kvcore_error *error) {
    if (r == NULL) return kvlogical__request_fail(error, KVCORE_EINVAL);
    if (r->state != KVLOGICAL_SCHEDULED_NONE) return kvlogical__request_fail(error, KVLOGICAL_ESTATE);
    if (computed < r->computed)
        return out_of_bounds(error, KVCORE_EINVAL, r->computed, computed, "fewer tokens are computed than before");
    if (computed > request_total(r))
        return out_of_bounds(error, KVCORE_EINVAL, request_total(r), computed,
                             "more tokens are computed than there are");
    if (request_blocks_for(r, computed) > request_held(r))
        return out_of_bounds(error, KVCORE_EINVAL, request_held(r) * r->block_tokens, computed,
                             "more tokens are computed than the blocks have room for");
    kvcore_status status = kvlogical__request_stage(r, computed);
    if (status != KVCORE_OK) return kvlogical__request_fail(error, status);
    r->computed = computed;
    return KVCORE_OK;
}

/* Of the index-th staged block: what its name does not hold. */
static void fill_facts(const void *ctx, size_t index, kvhash_block_facts *facts) {
    const request *r = ctx;
    size_t block = r->blocks.blocks.assigned + index, count;
    const kvhash_plh *names = kvhash_sequence_names(r->sequence, &count);
    facts->tokens = kvhash_sequence_tokens(r->sequence, block * r->block_tokens, (block + 1) * r->block_tokens,
                                           &facts->token_count);
    if (block == 0) return;
    facts->given = KVHASH_FACT_PARENT;
    facts->parent = names[block - 1];
}

static uint32_t block_at(const request *r, size_t index) {
    kvlogical_immutable guard; /* all guards look alike */
    memcpy(&guard, ledger_value(&r->blocks.blocks, index), sizeof guard);
    return guard.block;
}

/* Of the blocks that were noted before they were shared, keep those that are others now. */
static void compare_replaced(request *r, size_t first, size_t count) {
    for (size_t i = 0; r->rejects && i < count; i++) {
        uint32_t from = r->replaced[i].from, to = block_at(r, first + i);
        if (from != to) r->replaced[r->replaced_count++] = (kvlogical_replaced_block){first + i, from, to};
    }
}

kvcore_status kvlogical__request_register(request *r) {
    const ledger *l = &r->blocks.blocks;
    size_t first = l->assigned, count = l->staged;
    r->replaced_count = 0;
    kvcore_status status = kvlogical__request_prove(r, first + count);
    if (status == KVCORE_OK) status = reserve_replaced(r, count);
    if (status != KVCORE_OK) return status;
    for (size_t i = 0; r->rejects && i < count; i++) r->replaced[i].from = block_at(r, first + i);
    lent with = {.fill = fill_facts, .ctx = r};
    if (r->prover != NULL && count > 0) with.proofs = r->proofs + first;
    status = kvlogical__assignments_register(&r->blocks, with, NULL);
    if (status == KVCORE_OK) compare_replaced(r, first, count);
    return status;
}

kvcore_status kvlogical_request_replaced(const kvlogical_request *r, kvlogical_replaced_block *replaced,
                                         size_t capacity, size_t *count) {
    if (r == NULL || count == NULL || (capacity > 0 && replaced == NULL)) return KVCORE_EINVAL;
    *count = r->replaced_count;
    if (*count > capacity) return KVCORE_EBUFFER;
    if (*count > 0) memcpy(replaced, r->replaced, *count * sizeof *replaced);
    return KVCORE_OK;
}

kvcore_status kvlogical_request_register_staged(kvlogical_request *r) {
    if (r == NULL) return KVCORE_EINVAL;
    if (r->state != KVLOGICAL_SCHEDULED_NONE) return KVLOGICAL_ESTATE;
    return kvlogical__request_register(r);
}

kvcore_status kvlogical_request_register_computed(kvlogical_request *r, size_t computed, kvcore_error *error) {
    if (r == NULL) return kvlogical__request_fail(error, KVCORE_EINVAL);
    size_t computed_before = r->computed, staged_before = r->blocks.blocks.staged;
    kvcore_status status = kvlogical_request_stage_computed(r, computed, error);
    if (status != KVCORE_OK) return status;
    status = kvlogical__request_register(r);
    if (status == KVCORE_OK) return KVCORE_OK;
    kvlogical__assignments_unstage(&r->blocks, r->blocks.blocks.staged - staged_before);
    r->computed = computed_before;
    return kvlogical__request_fail(error, status);
}

kvcore_status kvlogical_request_append(kvlogical_request *r, uint32_t token, kvhash_block_range *completed) {
    if (r == NULL) return KVCORE_EINVAL;
    if (r->state != KVLOGICAL_SCHEDULED_NONE) return KVLOGICAL_ESTATE;
    if (r->generated >= r->max_output) return KVLOGICAL_EBUDGET;
    kvcore_status status = kvhash_sequence_append(r->sequence, token, completed);
    if (status != KVCORE_OK) return status;
    r->generated++;
    if (r->computed < r->prefill_end) r->prefill_end++; /* it stands before what prefill yields */
    return KVCORE_OK;
}

bool kvlogical_request_is_complete(const kvlogical_request *r) { return r != NULL && r->generated >= r->max_output; }

size_t kvlogical_request_blocks_missing(const kvlogical_request *r) {
    if (r == NULL) return 0;
    size_t needed = request_blocks_for(r, request_total(r)), held = request_held(r);
    return needed > held ? needed - held : 0;
}

kvcore_status kvlogical_request_drop_unassigned(kvlogical_request *r, size_t blocks, size_t *dropped) {
    if (r == NULL) return KVCORE_EINVAL;
    if (r->state != KVLOGICAL_SCHEDULED_NONE) return KVLOGICAL_ESTATE;
    size_t in_use = request_blocks_for(r, r->computed), named = request_named(r);
    size_t spare = request_held(r) - (in_use > named ? in_use : named);
    if (blocks > spare) blocks = spare;
    kvlogical__assignments_drop(&r->blocks, blocks);
    if (dropped != NULL) *dropped = blocks;
    if (blocks > 0)
        request_tell(r, (kvlogical_request_event){.kind = KVLOGICAL_REQUEST_UNASSIGNED_DROPPED, .blocks = blocks});
    return KVCORE_OK;
}

/* ---- preemption ---- */

static void let_go(request *r) {
    kvlogical__assignments_clear(&r->blocks, r->release_tail_first);
    r->computed = r->matched = 0;
    r->prefill_end = request_total(r);
}

kvcore_status kvlogical_request_release(kvlogical_request *r) {
    if (r == NULL) return KVCORE_EINVAL;
    if (r->state != KVLOGICAL_SCHEDULED_NONE) return KVLOGICAL_ESTATE;
    let_go(r);
    request_tell(r, (kvlogical_request_event){.kind = KVLOGICAL_REQUEST_RELEASED});
    return KVCORE_OK;
}

kvcore_status kvlogical_request_reacquire(kvlogical_request *r, size_t *matched) {
    if (r == NULL) return KVCORE_EINVAL;
    if (r->state != KVLOGICAL_SCHEDULED_NONE || request_held(r) > 0) return KVLOGICAL_ESTATE;
    size_t prefill_end = r->prefill_end;
    kvcore_status status = match(r);
    if (status != KVCORE_OK) return status;
    status = kvlogical__request_take(r, request_complete_blocks(r) - r->matched, NULL);
    if (status != KVCORE_OK) {
        let_go(r);
        r->prefill_end = prefill_end;
    } else {
        r->prefill_end = request_total(r);
        if (matched != NULL) *matched = r->matched;
    }
    request_tell(r, (kvlogical_request_event){
                        .kind = KVLOGICAL_REQUEST_REACQUIRED, .flag = status == KVCORE_OK, .blocks = r->matched});
    return status;
}

/* ---- what it holds ---- */

kvcore_status kvlogical_request_read_counts(const kvlogical_request *r, kvlogical_request_counts *out) {
    if (r == NULL || out == NULL) return KVCORE_EINVAL;
    size_t total = request_total(r);
    kvlogical_request_counts counts = {
        .input_tokens = r->input_tokens,
        .generated_tokens = r->generated,
        .max_output_tokens = r->max_output,
        .total_tokens = total,
        .remaining_tokens = request_remaining(r),
        .computed_tokens = r->computed,
        .tail_tokens = total - r->computed,
        .prefill_tokens = r->computed < request_prefill_target(r) ? request_prefill_target(r) - r->computed : 0,
        .complete_blocks = request_complete_blocks(r),
        .assigned_blocks = r->blocks.blocks.assigned,
        .staged_blocks = r->blocks.blocks.staged,
        .unassigned_blocks = r->blocks.blocks.unassigned,
        .matched_blocks = r->matched,
        .state = r->state,
        .scheduled_tokens = r->scheduled_tokens,
        .scheduled_blocks = r->scheduled_blocks,
    };
    return kvcore_result_write(out, &counts, sizeof counts, NULL);
}

kvcore_status kvlogical_request_blocks(const kvlogical_request *r, size_t first, uint32_t *blocks, size_t capacity,
                                       size_t *count) {
    if (r == NULL || count == NULL || (capacity > 0 && blocks == NULL)) return KVCORE_EINVAL;
    size_t held = request_held(r);
    *count = first < held ? held - first : 0;
    if (*count > capacity) return KVCORE_EBUFFER;
    for (size_t i = 0; i < *count; i++) {
        kvlogical_immutable guard; /* all guards look alike */
        memcpy(&guard, ledger_value(&r->blocks.blocks, first + i), sizeof guard);
        blocks[i] = guard.block;
    }
    return KVCORE_OK;
}

const kvhash_sequence *kvlogical_request_sequence(const kvlogical_request *r) { return r == NULL ? NULL : r->sequence; }

kvlogical_manager *kvlogical_request_manager(const kvlogical_request *r) { return r == NULL ? NULL : r->manager; }
