#include <kvhash/proof.h>

#include <string.h>

#include <kvcore/config.h>
#include <kvcore/random.h>
#include <kvhash/plh.h>

#include "frames.h"
#include "proof/lane.h"
#include "request_read.h"

kvhash_prover_config kvhash_prover_config_init(void) { return (kvhash_prover_config)KVHASH_PROVER_CONFIG_INIT; }

#define LANES 2
#define PIECE_BYTES (4 * LANE_TOKENS)

struct kvhash_prover {
    lane_key keys[LANES];
    size_t lanes;
    kvcore_allocator allocator;
};

/* ---- keys ---- */

static kvcore_status fail(kvcore_error *error, kvcore_status status, const char *text) {
    return kvcore_fail(error, &(kvcore_error){.code = status, .index = KVCORE_NO_INDEX}, "%s", text);
}

/* Word after word of SHA-256(secret | number u64 LE), number = 0, 1, …. */
typedef struct key_stream {
    uint8_t input[KVHASH_PROVER_SECRET_BYTES + 8];
    kvcore_hash256 words;
    uint64_t number;
    size_t used;
    kvcore_status status;
} key_stream;

static uint64_t next_word(key_stream *stream) {
    if (stream->used == sizeof stream->words) {
        kvcore_store_le64(stream->input + KVHASH_PROVER_SECRET_BYTES, stream->number++);
        kvcore_status status = kvcore_sha256((kvcore_bytes){stream->input, sizeof stream->input}, &stream->words);
        if (status != KVCORE_OK) stream->status = status;
        stream->used = 0;
    }
    uint64_t word = kvcore_load_le64(stream->words.bytes + stream->used);
    stream->used += sizeof word;
    return word;
}

static lane_wide next_wide(key_stream *stream) {
    lane_wide high = next_word(stream);
    return high << 64 | next_word(stream);
}

static kvcore_status make_keys(kvhash_prover *prover, const uint8_t *secret) {
    key_stream stream = {.used = sizeof stream.words, .status = KVCORE_OK};
    memcpy(stream.input, secret, KVHASH_PROVER_SECRET_BYTES);
    for (size_t i = 0; i < LANES; i++) {
        lane_key *key = &prover->keys[i];
        for (size_t j = 0; j < LANE_WORDS; j++) key->nh[j] = next_word(&stream);
        key->point_high = next_word(&stream) >> 4;
        key->point_low = next_word(&stream) >> 4;
        key->mix_high = next_wide(&stream);
        key->mix_low = next_wide(&stream);
        key->mix_plus = next_wide(&stream);
    }
    kvcore_status status = stream.status;
    kvcore_wipe(&stream, sizeof stream);
    return status;
}

static kvcore_status check_config(const kvhash_prover_config *config, kvcore_error *error) {
    size_t size = config->secret.size_bytes;
    if (config->reserved != 0) return fail(error, KVCORE_EINVAL, "reserved is not 0");
    if ((config->allocator.alloc == NULL) != (config->allocator.free == NULL))
        return fail(error, KVCORE_EINVAL, "allocator has only one of alloc and free");
    if (config->secret.data == NULL && size != 0) return fail(error, KVCORE_EINVAL, "secret is NULL with a size");
    if (size != 0 && size != KVHASH_PROVER_SECRET_BYTES)
        return kvcore_fail(error,
                           &(kvcore_error){.code = KVCORE_ECONFIG,
                                           .index = KVCORE_NO_INDEX,
                                           .expected = KVHASH_PROVER_SECRET_BYTES,
                                           .actual = size},
                           "the secret has %zu bytes instead of %d", size, KVHASH_PROVER_SECRET_BYTES);
    if (config->bits != 0 && config->bits != 64 && config->bits != 128)
        return kvcore_fail(error,
                           &(kvcore_error){.code = KVCORE_ECONFIG, .index = KVCORE_NO_INDEX, .actual = config->bits},
                           "proofs have 64 or 128 bits, not %u", config->bits);
    return KVCORE_OK;
}

kvcore_status kvhash_prover_create(const kvhash_prover_config *config, kvhash_prover **prover, kvcore_error *error) {
    kvhash_prover_config own;
    if (prover == NULL) return fail(error, KVCORE_EINVAL, "prover is NULL");
    kvcore_status status = kvcore_config_read(&own, sizeof own, config, error);
    if (status == KVCORE_OK) status = check_config(&own, error);
    if (status != KVCORE_OK) return status;
    if (own.allocator.alloc == NULL) own.allocator = kvcore_allocator_libc();
    uint8_t secret[KVHASH_PROVER_SECRET_BYTES];
    if (own.secret.size_bytes != 0)
        memcpy(secret, own.secret.data, sizeof secret);
    else if (kvcore_random_fill(secret, sizeof secret) != KVCORE_OK)
        return fail(error, KVCORE_EIO, "the system gave no random bytes");
    kvhash_prover *made = kvcore_alloc(&own.allocator, 1, sizeof *made, _Alignof(kvhash_prover));
    if (made == NULL) {
        kvcore_wipe(secret, sizeof secret);
        return fail(error, KVCORE_ENOMEM, "no memory for a prover");
    }
    *made = (kvhash_prover){.lanes = own.bits == 128 ? 2 : 1, .allocator = own.allocator};
    status = make_keys(made, secret);
    kvcore_wipe(secret, sizeof secret);
    if (status != KVCORE_OK) {
        kvhash_prover_destroy(made);
        return fail(error, status, "SHA-256 is not available from libcrypto");
    }
    *prover = made;
    return KVCORE_OK;
}

void kvhash_prover_destroy(kvhash_prover *prover) {
    if (prover == NULL) return;
    kvcore_allocator allocator = prover->allocator;
    kvcore_wipe(prover, sizeof *prover);
    kvcore_free(&allocator, prover, 1, sizeof *prover, _Alignof(kvhash_prover));
}

size_t kvhash_prover_memory_bytes(const kvhash_prover *prover) { return prover == NULL ? 0 : sizeof *prover; }

uint32_t kvhash_prover_bits(const kvhash_prover *prover) { return prover == NULL ? 0 : (uint32_t)(64 * prover->lanes); }

bool kvhash_proof_equal(kvhash_proof a, kvhash_proof b) { return ((a.low ^ b.low) | (a.high ^ b.high)) == 0; }

/* ---- the message ----
 *
 * Coefficients of the polynomial, behind a leading 1:
 *
 *     header(block_tokens)
 *     header(size of lora_name), its pieces, header(size of salt), its pieces
 *     of each block: its pieces; in front of them header(bytes) if a run touches the block
 *
 * A piece is 64 bytes, the last one of a text or block filled up with zeros. A header differs from every piece, and says how
 * many pieces follow; so no two messages have the same coefficients. */

typedef struct proof_values {
    lane_value lane[LANES];
} proof_values;

static inline void take_header(const kvhash_prover *prover, proof_values *values, uint64_t size) {
    for (size_t i = 0; i < LANES && i < prover->lanes; i++)
        values->lane[i] = lane_step(&prover->keys[i], values->lane[i], lane_header(size));
}

static inline void take_piece(const kvhash_prover *prover, proof_values *values, const uint32_t *tokens) {
    for (size_t i = 0; i < LANES && i < prover->lanes; i++)
        values->lane[i] = lane_step(&prover->keys[i], values->lane[i], lane_nh(&prover->keys[i], tokens));
}

/* Some bytes as the tokens they would be. */
static void take_bytes(const kvhash_prover *prover, proof_values *values, const uint8_t *bytes, size_t size_bytes) {
    while (size_bytes > 0) {
        uint8_t piece[PIECE_BYTES] = {0};
        uint32_t tokens[LANE_TOKENS];
        size_t length = size_bytes < sizeof piece ? size_bytes : sizeof piece;
        memcpy(piece, bytes, length);
        for (size_t i = 0; i < LANE_TOKENS; i++) tokens[i] = kvcore_load_le32(piece + 4 * i);
        take_piece(prover, values, tokens);
        bytes += length;
        size_bytes -= length;
    }
}

static proof_values start_values(const kvhash_prover *prover, kvcore_bytes salt, kvcore_bytes lora_name,
                                 uint32_t block_tokens) {
    proof_values values = {{{0, 1}, {0, 1}}};
    take_header(prover, &values, block_tokens);
    take_header(prover, &values, lora_name.size_bytes);
    take_bytes(prover, &values, lora_name.data, lora_name.size_bytes);
    take_header(prover, &values, salt.size_bytes);
    take_bytes(prover, &values, salt.data, salt.size_bytes);
    return values;
}

/* All zeros are no proof. */
static inline kvhash_proof proof_of(const kvhash_prover *prover, const proof_values *values, size_t lanes) {
    kvhash_proof proof = {lane_finish(&prover->keys[0], values->lane[0]), 0};
    if (lanes == 2) proof.high = lane_finish(&prover->keys[1], values->lane[1]);
    proof.low |= (proof.low | proof.high) == 0;
    return proof;
}

/* ---- blocks ---- */

typedef struct proof_job {
    const kvhash_prover *prover;
    const uint32_t *tokens;
    size_t block_tokens, block_count;
    uint64_t first; /* slot of the first token */
    run_walk *walk; /* NULL: no runs */
    kvhash_proof *proofs;
} proof_job;

/* Blocks that no run touches. The lanes, and the usual size, are constants where this is inlined. */
static inline __attribute__((always_inline)) void prove_plain(const proof_job *job, size_t from, size_t to,
                                                              proof_values *values, size_t lanes, size_t block_tokens) {
    const kvhash_prover *prover = job->prover;
    const size_t whole = block_tokens / LANE_TOKENS, rest = block_tokens % LANE_TOKENS;
    const uint32_t *tokens = job->tokens + from * block_tokens;
    proof_values own = *values;
    for (size_t block = from; block < to; block++) {
        for (size_t piece = 0; piece < whole; piece++, tokens += LANE_TOKENS)
            for (size_t i = 0; i < LANES && i < lanes; i++)
                own.lane[i] = lane_step(&prover->keys[i], own.lane[i], lane_nh(&prover->keys[i], tokens));
        if (rest != 0) {
            uint32_t last[LANE_TOKENS] = {0};
            memcpy(last, tokens, rest * sizeof *last);
            for (size_t i = 0; i < LANES && i < lanes; i++)
                own.lane[i] = lane_step(&prover->keys[i], own.lane[i], lane_nh(&prover->keys[i], last));
            tokens += rest;
        }
        job->proofs[block] = proof_of(prover, &own, lanes);
    }
    *values = own;
}

/* A block with placeholders, in stretches whose frames fill pieces. */
static void prove_framed(const proof_job *job, size_t block, proof_values *values) {
    enum { STRETCH = PIECE_BYTES };
    uint8_t frames[STRETCH * FRAME_BYTES];
    const uint32_t *tokens = job->tokens + block * job->block_tokens;
    uint64_t first = job->first + block * job->block_tokens;
    take_header(job->prover, values, job->block_tokens * FRAME_BYTES);
    for (size_t at = 0, length; at < job->block_tokens; at += length) {
        length = job->block_tokens - at < STRETCH ? job->block_tokens - at : STRETCH;
        frames_write(frames, tokens + at, first + at, first + at + length, job->walk);
        take_bytes(job->prover, values, frames, length * FRAME_BYTES);
    }
    job->proofs[block] = proof_of(job->prover, values, job->prover->lanes);
}

/* The next block, from `block`, that the run the walk stands at touches; block_count if none. */
static size_t next_touched(const proof_job *job, size_t block) {
    if (job->walk == NULL || run_walk_done(job->walk)) return job->block_count;
    uint64_t offset = job->walk->current->offset, here = job->first + block * job->block_tokens;
    if (offset <= here) return block;
    uint64_t ahead = (offset - here) / job->block_tokens;
    return ahead < job->block_count - block ? block + (size_t)ahead : job->block_count;
}

static void prove(const proof_job *job, proof_values *values) {
    for (size_t block = 0; block < job->block_count; block++) {
        size_t touched = next_touched(job, block);
        if (job->prover->lanes == 2)
            prove_plain(job, block, touched, values, 2, job->block_tokens);
        else if (job->block_tokens == LANE_TOKENS)
            prove_plain(job, block, touched, values, 1, LANE_TOKENS);
        else
            prove_plain(job, block, touched, values, 1, job->block_tokens);
        block = touched;
        if (block < job->block_count) prove_framed(job, block, values);
    }
}

kvcore_status kvhash_request_proofs(const kvhash_prover *prover, const kvhash_request *request, kvhash_proof *proofs,
                                    size_t capacity, size_t *count, kvcore_error *error) {
    request_reading reading;
    if (prover == NULL) return fail(error, KVCORE_EINVAL, "prover is NULL");
    kvcore_status status = kvhash__request_read(&reading, request, proofs, capacity, count, error);
    if (status != KVCORE_OK) return status;
    proof_values values =
        start_values(prover, reading.request->salt, reading.request->lora_name, reading.request->block_tokens);
    prove(&(proof_job){.prover = prover,
                       .tokens = reading.request->tokens,
                       .block_tokens = reading.request->block_tokens,
                       .block_count = reading.block_count,
                       .walk = run_walk_done(&reading.walk) ? NULL : &reading.walk,
                       .proofs = proofs},
          &values);
    kvhash__run_walk_end(&reading.walk);
    return KVCORE_OK;
}

/* ---- growing sequences ---- */

static void keep(const kvhash_prover *prover, const proof_values *values, kvhash_proof_chain *chain) {
    for (size_t i = 0; i < LANES; i++) {
        bool used = i < prover->lanes;
        chain->lane[i][0] = used ? values->lane[i].high : 0;
        chain->lane[i][1] = used ? values->lane[i].low : 0;
    }
}

kvcore_status kvhash_proof_start(const kvhash_prover *prover, kvcore_bytes salt, kvcore_bytes lora_name,
                                 uint32_t block_tokens, kvhash_proof_chain *chain) {
    if (prover == NULL || chain == NULL) return KVCORE_EINVAL;
    if ((salt.data == NULL && salt.size_bytes != 0) || (lora_name.data == NULL && lora_name.size_bytes != 0))
        return KVCORE_EINVAL;
    if (block_tokens == 0) return KVHASH_EBLOCK_SIZE;
    proof_values values = start_values(prover, salt, lora_name, block_tokens);
    *chain = (kvhash_proof_chain){.block_tokens = block_tokens};
    keep(prover, &values, chain);
    return KVCORE_OK;
}

/* The runs from the first that ends behind `offset`, checked. */
static kvcore_status check_runs(const kvhash_slots *slots, size_t *first) {
    uint64_t before = 0;
    *first = slots->run_count;
    for (size_t i = 0; i < slots->run_count; i++) {
        uint64_t end;
        if (slots->runs[i].length == 0) return KVHASH_EEMPTY_RUN;
        kvcore_status status = kvhash_mm_run_end(slots->runs[i], &end);
        if (status != KVCORE_OK) return status;
        if (slots->runs[i].offset < before) return KVHASH_EOVERLAP;
        if (end > slots->offset && *first == slots->run_count) *first = i;
        before = end;
    }
    return KVCORE_OK;
}

kvcore_status kvhash_proof_extend(const kvhash_prover *prover, kvhash_proof_chain *chain, const kvhash_slots *slots,
                                  kvhash_proof *proofs) {
    if (prover == NULL || chain == NULL || slots == NULL || chain->block_tokens == 0) return KVCORE_EINVAL;
    size_t blocks = slots->token_count / chain->block_tokens, first_run = 0;
    if (slots->token_count % chain->block_tokens != 0) return KVCORE_EINVAL;
    if (blocks != 0 && (slots->tokens == NULL || proofs == NULL)) return KVCORE_EINVAL;
    if (slots->runs == NULL && slots->run_count != 0) return KVCORE_EINVAL;
    if (blocks > KVHASH_PLH_MAX_POSITION + 1 - chain->blocks) return KVHASH_EPOSITION;
    kvcore_status status = check_runs(slots, &first_run);
    if (status != KVCORE_OK) return status;
    run_walk walk;
    bool runs = first_run < slots->run_count;
    if (runs) run_walk_start_in_order(&walk, slots->runs + first_run, slots->run_count - first_run);
    proof_values values;
    for (size_t i = 0; i < LANES; i++) values.lane[i] = (lane_value){chain->lane[i][0], chain->lane[i][1]};
    prove(&(proof_job){.prover = prover,
                       .tokens = slots->tokens,
                       .block_tokens = chain->block_tokens,
                       .block_count = blocks,
                       .first = slots->offset,
                       .walk = runs ? &walk : NULL,
                       .proofs = proofs},
          &values);
    keep(prover, &values, chain);
    chain->blocks += (uint32_t)blocks;
    return KVCORE_OK;
}
