#include <kvhash/sequence.h>

#include <string.h>

#include <kvhash/hash.h>

#include "chain.h"
#include "naming.h"
#include "plh_pack.h"
#include "psh_pack.h"
#include "sequence_config.h"

/* One piece of memory holds names, block hashes and tokens, in this order, for `token_capacity` tokens:
 *
 *     | name 0 | name 1 | …   | block hash 0 | block hash 1 | …   | token 0 | token 1 | …
 *
 * Always: block_count = token_count / block_tokens, and quiet_end as below. */
struct kvhash_sequence {
    uint32_t *tokens;
    size_t token_count;
    size_t quiet_end; /* up to here an append neither completes a block nor needs memory */
    size_t block_count;
    size_t block_tokens;
    size_t token_capacity; /* at most max_tokens */
    const naming_kernels *kernels;
    kvhash_plh *names;
    uint64_t *block_hashes;
    kvhash_mm_run *runs;
    size_t run_count, run_capacity;
    size_t open_run; /* the first run that ends after the last complete block */
    uint64_t salt_hash;
    uint64_t max_tokens;
    kvcore_allocator allocator;
    _Alignas(64) uint8_t secret[KVHASH_SECRET_BYTES]; /* of salt_hash */
};

/* --- memory --------------------------------------------------------------------------------------------------------- */

/* Bytes for `tokens` tokens and the blocks they complete; 0 when that overflows. */
static size_t storage_bytes(const kvhash_sequence *sequence, size_t tokens) {
    size_t blocks = tokens / sequence->block_tokens, block_bytes, token_bytes, total;
    if (__builtin_mul_overflow(blocks, sizeof(kvhash_plh) + sizeof(uint64_t), &block_bytes)) return 0;
    if (__builtin_mul_overflow(tokens, sizeof(uint32_t), &token_bytes)) return 0;
    return __builtin_add_overflow(block_bytes, token_bytes, &total) ? 0 : total;
}

static void free_storage(kvhash_sequence *sequence, void *names, size_t token_capacity) {
    kvcore_free(&sequence->allocator, names, 1, storage_bytes(sequence, token_capacity), _Alignof(kvhash_plh));
}

/* Move to memory for `capacity` tokens, more than now. The old memory is not freed: *old is it. */
static kvcore_status move_storage(kvhash_sequence *sequence, size_t capacity, void **old) {
    size_t bytes = storage_bytes(sequence, capacity), blocks = capacity / sequence->block_tokens;
    kvhash_plh *names = kvcore_alloc(&sequence->allocator, 1, bytes, _Alignof(kvhash_plh));
    if (names == NULL) return KVCORE_ENOMEM;
    uint64_t *block_hashes = (uint64_t *)(names + blocks);
    uint32_t *tokens = (uint32_t *)(block_hashes + blocks);
    if (sequence->token_count != 0) {
        memcpy(names, sequence->names, sequence->block_count * sizeof *names);
        memcpy(block_hashes, sequence->block_hashes, sequence->block_count * sizeof *block_hashes);
        memcpy(tokens, sequence->tokens, sequence->token_count * sizeof *tokens);
    }
    *old = sequence->names;
    sequence->names = names;
    sequence->block_hashes = block_hashes;
    sequence->tokens = tokens;
    sequence->token_capacity = capacity;
    return KVCORE_OK;
}

#define FIRST_CAPACITY 64

/* Room for `more` tokens. Tokens that the caller gives may lie in the memory that is left behind, so it comes back in *old with
 * its capacity, to be freed after they are copied; NULL if nothing moved. */
static kvcore_status make_room(kvhash_sequence *sequence, uint64_t more, void **old, size_t *old_capacity) {
    *old = NULL;
    *old_capacity = sequence->token_capacity;
    if (more <= sequence->token_capacity - sequence->token_count) return KVCORE_OK;
    if (more > sequence->max_tokens - sequence->token_count) return KVHASH_EPOSITION;
    uint64_t needed = sequence->token_count + more, doubled = 2 * (uint64_t)sequence->token_capacity;
    uint64_t capacity = needed > doubled ? needed : doubled;
    if (capacity < FIRST_CAPACITY) capacity = FIRST_CAPACITY;
    if (capacity > sequence->max_tokens) capacity = sequence->max_tokens;
    if (capacity > SIZE_MAX) return KVCORE_ENOMEM;
    return move_storage(sequence, (size_t)capacity, old);
}

static kvcore_status make_run_room(kvhash_sequence *sequence, size_t more) {
    size_t needed, doubled;
    if (more <= sequence->run_capacity - sequence->run_count) return KVCORE_OK;
    if (__builtin_add_overflow(sequence->run_count, more, &needed)) return KVCORE_ENOMEM;
    if (__builtin_mul_overflow(sequence->run_capacity, 2, &doubled)) doubled = needed;
    size_t capacity = needed > doubled ? needed : doubled;
    kvhash_mm_run *runs = kvcore_alloc(&sequence->allocator, capacity, sizeof *runs, _Alignof(kvhash_mm_run));
    if (runs == NULL) return KVCORE_ENOMEM;
    if (sequence->run_count != 0) memcpy(runs, sequence->runs, sequence->run_count * sizeof *runs);
    kvcore_free(&sequence->allocator, sequence->runs, sequence->run_capacity, sizeof *runs, _Alignof(kvhash_mm_run));
    sequence->runs = runs;
    sequence->run_capacity = capacity;
    return KVCORE_OK;
}

static void find_quiet_end(kvhash_sequence *sequence) {
    size_t last_of_block = (sequence->block_count + 1) * sequence->block_tokens - 1;
    sequence->quiet_end = last_of_block < sequence->token_capacity ? last_of_block : sequence->token_capacity;
}

/* --- growing -------------------------------------------------------------------------------------------------------- */

static uint64_t last_sequence_hash(const kvhash_sequence *sequence) {
    return sequence->block_count == 0 ? 0 : kvhash_plh_sequence_hash(sequence->names[sequence->block_count - 1]);
}

/* The step of most appends: one block, no run. */
static void name_one_block(kvhash_sequence *sequence) {
    size_t block = sequence->block_count;
    uint64_t parent = last_sequence_hash(sequence);
    const uint32_t *tokens = sequence->tokens + block * sequence->block_tokens;
    uint64_t hash =
        sequence->kernels->hash_block(tokens, sequence->block_tokens, sequence->salt_hash, sequence->secret);
    sequence->names[block] = plh_pack(block == 0 ? hash : chain_next(parent, hash), parent, (uint32_t)block);
    sequence->block_hashes[block] = hash;
    sequence->block_count++;
}

static void name_many_blocks(kvhash_sequence *sequence, size_t count, size_t open_runs) {
    size_t first = sequence->block_count;
    run_walk walk;
    run_walk_start_in_order(&walk, open_runs == 0 ? NULL : sequence->runs + sequence->open_run, open_runs);
    sequence->kernels->name(&(naming_job){
        .tokens = sequence->tokens + first * sequence->block_tokens,
        .block_tokens = sequence->block_tokens,
        .first_block = first,
        .block_count = count,
        .salt_hash = sequence->salt_hash,
        .parent = last_sequence_hash(sequence),
        .secret = sequence->secret,
        .runs = open_runs == 0 ? NULL : &walk,
        .output = NAMING_NAMES_AND_BLOCK_HASHES,
        .out = sequence->names + first,
        .block_hashes = sequence->block_hashes + first,
    });
    if (open_runs != 0) sequence->open_run = sequence->run_count - (size_t)(walk.limit - walk.current);
    sequence->block_count += count;
}

/* Name the blocks that are full and have no name yet. */
static kvhash_block_range name_full_blocks(kvhash_sequence *sequence) {
    size_t first = sequence->block_count, open_runs = sequence->run_count - sequence->open_run;
    size_t count = (sequence->token_count - first * sequence->block_tokens) / sequence->block_tokens;
    if (count == 1 && open_runs == 0)
        name_one_block(sequence);
    else if (count != 0)
        name_many_blocks(sequence, count, open_runs);
    find_quiet_end(sequence);
    return (kvhash_block_range){first, count};
}

static void report(kvhash_block_range *completed, kvhash_block_range range) {
    if (completed != NULL) *completed = range;
}

/* The token that completes a block or finds the memory full. */
static __attribute__((noinline)) kvcore_status append_slowly(kvhash_sequence *sequence, uint32_t token,
                                                             kvhash_block_range *completed) {
    if (sequence == NULL) return KVCORE_EINVAL;
    void *old;
    size_t old_capacity;
    kvcore_status status = make_room(sequence, 1, &old, &old_capacity);
    if (status != KVCORE_OK) return status;
    free_storage(sequence, old, old_capacity);
    sequence->tokens[sequence->token_count++] = token;
    report(completed, name_full_blocks(sequence));
    return KVCORE_OK;
}

kvcore_status kvhash_sequence_append(kvhash_sequence *sequence, uint32_t token, kvhash_block_range *completed) {
    if (sequence == NULL || sequence->token_count >= sequence->quiet_end)
        return append_slowly(sequence, token, completed);
    sequence->tokens[sequence->token_count++] = token;
    report(completed, (kvhash_block_range){sequence->block_count, 0});
    return KVCORE_OK;
}

/* Copy tokens to the end, where room was made. */
static void add_tokens(kvhash_sequence *sequence, const uint32_t *tokens, size_t count) {
    if (count != 0) memmove(sequence->tokens + sequence->token_count, tokens, count * sizeof *tokens);
}

kvcore_status kvhash_sequence_extend(kvhash_sequence *sequence, const uint32_t *tokens, size_t count,
                                     kvhash_block_range *completed) {
    return kvhash_sequence_extend_with_runs(sequence, tokens, count, NULL, 0, completed, NULL);
}

kvcore_status kvhash_sequence_push_run(kvhash_sequence *sequence, uint64_t mm_hash, uint64_t length,
                                       kvhash_block_range *completed) {
    if (sequence == NULL) return KVCORE_EINVAL;
    if (length == 0) return KVHASH_EEMPTY_RUN;
    void *old;
    size_t old_capacity;
    kvcore_status status = make_run_room(sequence, 1);
    if (status == KVCORE_OK) status = make_room(sequence, length, &old, &old_capacity);
    if (status != KVCORE_OK) return status;
    free_storage(sequence, old, old_capacity);
    sequence->runs[sequence->run_count++] = (kvhash_mm_run){mm_hash, sequence->token_count, length};
    memset(sequence->tokens + sequence->token_count, 0, (size_t)length * sizeof *sequence->tokens);
    sequence->token_count += (size_t)length;
    report(completed, name_full_blocks(sequence));
    return KVCORE_OK;
}

/* Copy the walk's runs to the end, their offsets counted from the first slot that is added. */
static void add_runs(kvhash_sequence *sequence, run_walk *walk) {
    for (; !run_walk_done(walk); run_walk_next(walk)) {
        kvhash_mm_run run = *walk->current;
        run.offset += sequence->token_count;
        sequence->runs[sequence->run_count++] = run;
    }
}

kvcore_status kvhash_sequence_extend_with_runs(kvhash_sequence *sequence, const uint32_t *tokens, size_t count,
                                               const kvhash_mm_run *runs, size_t run_count,
                                               kvhash_block_range *completed, kvcore_error *error) {
    if (sequence == NULL || (tokens == NULL && count != 0) || (runs == NULL && run_count != 0))
        return kvcore_fail(error, &(kvcore_error){.code = KVCORE_EINVAL, .index = KVCORE_NO_INDEX}, "NULL");
    run_walk walk;
    kvcore_status status = kvhash__run_walk_begin(&walk, runs, run_count, count, error);
    if (status != KVCORE_OK) return status;

    void *old = NULL;
    size_t old_capacity = 0;
    status = make_run_room(sequence, run_count);
    if (status == KVCORE_OK) status = make_room(sequence, count, &old, &old_capacity);
    if (status != KVCORE_OK) {
        kvhash__run_walk_end(&walk);
        return kvcore_fail(error, &(kvcore_error){.code = status, .index = KVCORE_NO_INDEX}, "%s",
                           kvcore_status_text(status));
    }
    size_t first_run = sequence->run_count;
    add_tokens(sequence, tokens, count);
    free_storage(sequence, old, old_capacity);
    add_runs(sequence, &walk);
    kvhash__run_walk_end(&walk);
    for (size_t i = first_run; i < sequence->run_count; i++)
        memset(sequence->tokens + sequence->runs[i].offset, 0, (size_t)sequence->runs[i].length * sizeof *tokens);
    sequence->token_count += count;
    report(completed, name_full_blocks(sequence));
    return KVCORE_OK;
}

/* --- shrinking ------------------------------------------------------------------------------------------------------ */

static void keep_tokens(kvhash_sequence *sequence, size_t token_count) {
    sequence->token_count = token_count;
    sequence->block_count = token_count / sequence->block_tokens;
    find_quiet_end(sequence);
}

kvcore_status kvhash_sequence_truncate(kvhash_sequence *sequence, size_t token_count) {
    if (sequence == NULL) return KVCORE_EINVAL;
    if (sequence->run_count != 0) return KVHASH_EMM_RUNS_PRESENT;
    if (token_count < sequence->token_count) keep_tokens(sequence, token_count);
    return KVCORE_OK;
}

kvcore_status kvhash_sequence_unwind(kvhash_sequence *sequence, size_t token_count) {
    if (sequence == NULL) return KVCORE_EINVAL;
    if (token_count > sequence->token_count) return KVHASH_EINSUFFICIENT_TOKENS;
    return kvhash_sequence_truncate(sequence, sequence->token_count - token_count);
}

kvcore_status kvhash_sequence_pop(kvhash_sequence *sequence, uint32_t *token, bool *popped) {
    if (sequence == NULL) return KVCORE_EINVAL;
    if (sequence->run_count != 0) return KVHASH_EMM_RUNS_PRESENT;
    bool any = sequence->token_count != 0;
    if (popped != NULL) *popped = any;
    if (!any) return KVCORE_OK;
    if (token != NULL) *token = sequence->tokens[sequence->token_count - 1];
    keep_tokens(sequence, sequence->token_count - 1);
    return KVCORE_OK;
}

void kvhash_sequence_reset(kvhash_sequence *sequence) {
    if (sequence == NULL) return;
    keep_tokens(sequence, 0);
    sequence->run_count = 0;
    sequence->open_run = 0;
}

/* --- making --------------------------------------------------------------------------------------------------------- */

static kvcore_status fill(kvhash_sequence *sequence, const kvhash_sequence_config *config, run_walk *walk) {
    uint64_t reserve = config->reserve_tokens > config->token_count ? config->reserve_tokens : config->token_count;
    if (reserve > sequence->max_tokens) reserve = sequence->max_tokens;
    void *old = NULL;
    size_t old_capacity = 0;
    kvcore_status status = make_room(sequence, reserve, &old, &old_capacity);
    if (status == KVCORE_OK) status = make_run_room(sequence, config->run_count);
    if (status != KVCORE_OK) return status;
    add_tokens(sequence, config->tokens, config->token_count);
    add_runs(sequence, walk);
    sequence->token_count = config->token_count;
    name_full_blocks(sequence);
    return KVCORE_OK;
}

kvcore_status kvhash_sequence_create(const kvhash_sequence_config *config, kvhash_sequence **sequence,
                                     kvcore_error *error) {
    if (sequence == NULL)
        return kvcore_fail(error, &(kvcore_error){.code = KVCORE_EINVAL, .index = KVCORE_NO_INDEX}, "sequence is NULL");
    kvhash_sequence_config own;
    run_walk walk;
    kvcore_status status = kvhash__sequence_config_read(&own, &walk, config, error);
    if (status != KVCORE_OK) return status;
    kvcore_allocator allocator = own.allocator.alloc != NULL ? own.allocator : kvcore_allocator_libc();

    kvhash_sequence *made = kvcore_alloc(&allocator, 1, sizeof *made, _Alignof(kvhash_sequence));
    if (made != NULL) {
        *made = (kvhash_sequence){.block_tokens = own.block_tokens,
                                  .kernels = kvhash__naming_kernels_for_this_cpu(),
                                  .salt_hash = own.salt_hash,
                                  .max_tokens = kvhash__sequence_max_tokens(own.block_tokens),
                                  .allocator = allocator};
        kvhash_secret(own.salt_hash, made->secret);
        status = fill(made, &own, &walk);
    }
    kvhash__run_walk_end(&walk);
    if (made == NULL || status != KVCORE_OK) {
        kvhash_sequence_destroy(made);
        return kvcore_fail(error, &(kvcore_error){.code = KVCORE_ENOMEM, .index = KVCORE_NO_INDEX},
                           "no memory for a sequence of %zu tokens", own.token_count);
    }
    *sequence = made;
    return KVCORE_OK;
}

void kvhash_sequence_destroy(kvhash_sequence *sequence) {
    if (sequence == NULL) return;
    kvcore_allocator allocator = sequence->allocator;
    free_storage(sequence, sequence->names, sequence->token_capacity);
    kvcore_free(&allocator, sequence->runs, sequence->run_capacity, sizeof *sequence->runs, _Alignof(kvhash_mm_run));
    kvcore_free(&allocator, sequence, 1, sizeof *sequence, _Alignof(kvhash_sequence));
}

/* --- looking -------------------------------------------------------------------------------------------------------- */

size_t kvhash_sequence_token_count(const kvhash_sequence *sequence) { return sequence ? sequence->token_count : 0; }

size_t kvhash_sequence_block_count(const kvhash_sequence *sequence) { return sequence ? sequence->block_count : 0; }

uint32_t kvhash_sequence_block_tokens(const kvhash_sequence *sequence) {
    return sequence ? (uint32_t)sequence->block_tokens : 0;
}

uint64_t kvhash_sequence_salt_hash(const kvhash_sequence *sequence) { return sequence ? sequence->salt_hash : 0; }

/* The count to where the caller wants it, which may be nowhere. Returns it. */
static size_t tell_count(size_t *to, size_t count) {
    if (to != NULL) *to = count;
    return count;
}

const kvhash_plh *kvhash_sequence_names(const kvhash_sequence *sequence, size_t *count) {
    return tell_count(count, kvhash_sequence_block_count(sequence)) != 0 ? sequence->names : NULL;
}

const uint64_t *kvhash_sequence_block_hashes(const kvhash_sequence *sequence, size_t *count) {
    return tell_count(count, kvhash_sequence_block_count(sequence)) != 0 ? sequence->block_hashes : NULL;
}

const kvhash_mm_run *kvhash_sequence_runs(const kvhash_sequence *sequence, size_t *count) {
    return tell_count(count, sequence ? sequence->run_count : 0) != 0 ? sequence->runs : NULL;
}

const uint32_t *kvhash_sequence_tokens(const kvhash_sequence *sequence, size_t start, size_t end, size_t *count) {
    bool any = start < end && end <= kvhash_sequence_token_count(sequence);
    return tell_count(count, any ? end - start : 0) != 0 ? sequence->tokens + start : NULL;
}

kvcore_status kvhash_sequence_block(const kvhash_sequence *sequence, size_t index, kvhash_block *block) {
    if (block == NULL || index >= kvhash_sequence_block_count(sequence)) return KVCORE_EINVAL;
    kvhash_plh name = sequence->names[index];
    uint64_t block_hash = sequence->block_hashes[index], sequence_hash = kvhash_plh_sequence_hash(name);
    *block = (kvhash_block){block_hash, sequence_hash, name, psh_pack(sequence_hash, (uint32_t)index, block_hash)};
    return KVCORE_OK;
}

kvcore_status kvhash_sequence_partial(const kvhash_sequence *sequence, kvhash_partial *partial) {
    if (sequence == NULL || partial == NULL) return KVCORE_EINVAL;
    size_t blocks = sequence->block_count, first = blocks * sequence->block_tokens;
    *partial = (kvhash_partial){
        .tokens = sequence->tokens == NULL ? NULL : sequence->tokens + first,
        .token_count = (uint32_t)(sequence->token_count - first),
        .block_tokens = (uint32_t)sequence->block_tokens,
        .salt_hash = sequence->salt_hash,
        .parent_sequence_hash = last_sequence_hash(sequence),
        .position = blocks,
        .has_parent = blocks != 0,
    };
    return KVCORE_OK;
}

static bool same_bytes(const void *a, const void *b, size_t count, size_t size_bytes) {
    return count == 0 || memcmp(a, b, count * size_bytes) == 0;
}

bool kvhash_sequence_equal(const kvhash_sequence *a, const kvhash_sequence *b) {
    if (a == NULL || b == NULL) return a == b;
    return a->block_tokens == b->block_tokens && a->salt_hash == b->salt_hash && a->token_count == b->token_count &&
           a->run_count == b->run_count && same_bytes(a->tokens, b->tokens, a->token_count, sizeof *a->tokens) &&
           same_bytes(a->runs, b->runs, a->run_count, sizeof *a->runs);
}
