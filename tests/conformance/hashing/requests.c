#include <stdlib.h>
#include <string.h>

#include <kvhash/hash.h>
#include <kvhash/request.h>

#include "checks.h"

static kvhash_request request_of(kvtest_vector *v) {
    kvhash_request request = KVHASH_REQUEST_INIT;
    request.salt = kvtest_text(v, v->line, "salt");
    request.lora_name = kvtest_text(v, v->line, "lora_name");
    request.block_tokens = (uint32_t)kvtest_u64(v, v->line, "block_size");
    request.runs = runs_of(v, v->line, "mm_info", &request.run_count);
    return request;
}

static void expect_block(kvtest_vector *v, const kvhash_block *actual, json_object *expected) {
    kvtest_expect_u64(v, "block_hash", actual->block_hash, kvtest_u64(v, expected, "block_hash"));
    kvtest_expect_u64(v, "sequence_hash", actual->sequence_hash, kvtest_u64(v, expected, "sequence_hash"));
    expect_plh(v, "plh", actual->plh, kvtest_field(v, expected, "plh"));
    kvtest_expect_u64(v, "position", kvhash_plh_position(actual->plh), kvtest_u64(v, expected, "position"));
    kvtest_expect_u64(v, "mode", kvhash_plh_mode(actual->plh), kvtest_u64(v, expected, "mode"));
    kvtest_expect_u64(v, "parent_fragment", kvhash_plh_parent_fragment(actual->plh),
                      kvtest_u64(v, expected, "parent_fragment"));
    char display[KVHASH_PLH_TEXT_BYTES];
    kvhash_plh_format(actual->plh, display);
    kvtest_expect_text(v, "display", display, kvtest_string(v, expected, "display"));
    expect_psh(v, "positional_sequence_hash", actual->psh, kvtest_field(v, expected, "positional_sequence_hash"));
}

/* Each projection is the same column of the full records. */
static void expect_projections(kvtest_vector *v, const kvhash_request *request, const kvhash_block *blocks,
                               size_t count) {
    kvhash_plh *names = kvtest_line_alloc(v, count * sizeof *names);
    uint64_t *hashes = kvtest_line_alloc(v, count * sizeof *hashes);
    size_t written;
    kvtest_expect_status(v, "names", kvhash_request_names(request, names, count, &written, NULL), KVCORE_OK);
    for (size_t i = 0; i < count; i++)
        kvtest_expect_true(v, "names equal records", kvhash_plh_equal(names[i], blocks[i].plh));
    kvtest_expect_status(v, "block hashes", kvhash_request_block_hashes(request, hashes, count, &written, NULL),
                         KVCORE_OK);
    for (size_t i = 0; i < count; i++) kvtest_expect_u64(v, "block hashes", hashes[i], blocks[i].block_hash);
    kvtest_expect_status(v, "sequence hashes", kvhash_request_sequence_hashes(request, hashes, count, &written, NULL),
                         KVCORE_OK);
    for (size_t i = 0; i < count; i++) kvtest_expect_u64(v, "sequence hashes", hashes[i], blocks[i].sequence_hash);
}

void check_request(kvtest_vector *v) {
    kvhash_request request = request_of(v);
    request.tokens = kvtest_tokens(v, v->line, "tokens", &request.token_count);
    json_object *expect = kvtest_field(v, v->line, "expect");

    uint64_t salt_hash = 0;
    kvtest_expect_status(v, "salt hash", kvhash_request_salt_hash(&request, &salt_hash, NULL), KVCORE_OK);
    kvtest_expect_u64(v, "salt_hash", salt_hash, kvtest_u64(v, expect, "salt_hash"));

    size_t room = request.block_tokens == 0 ? 0 : request.token_count / request.block_tokens, count = 0;
    kvhash_block *blocks = kvtest_line_alloc(v, room * sizeof *blocks);
    kvcore_error error;
    kvcore_status status = kvhash_request_blocks(&request, blocks, room, &count, &error);
    if (!kvtest_is_null(expect, "error")) {
        expect_run_error(v, status, &error, kvtest_field(v, expect, "error"));
        return;
    }
    kvtest_expect_status(v, "blocks", status, KVCORE_OK);
    if (status != KVCORE_OK) return;
    json_object *expected = kvtest_array(v, expect, "blocks");
    kvtest_expect_u64(v, "count", count, json_object_array_length(expected));
    for (size_t i = 0; i < count && !v->failed; i++)
        expect_block(v, &blocks[i], json_object_array_get_idx(expected, i));
    expect_projections(v, &request, blocks, count);

    if (request.run_count != 0) {
        kvhash_mm_run *sorted = kvtest_line_alloc(v, request.run_count * sizeof *sorted);
        kvtest_expect_status(
            v, "sort", kvhash_mm_sort(request.runs, request.run_count, request.token_count, sorted, NULL), KVCORE_OK);
        expect_runs(v, "mm_sorted", sorted, request.run_count, expect, "mm_sorted");
    }
}

/* Digests are XXH3 over all values, so they need them in one piece; full records are made one at a time, by hand. */
typedef struct large_request {
    uint32_t *tokens;
    size_t count;
    uint8_t *bytes;
} large_request;

static void expect_digest(kvtest_vector *v, const char *what, const large_request *large, size_t value_bytes) {
    kvcore_bytes all = {large->bytes, large->count * value_bytes};
    kvtest_expect_u64(v, what, kvhash_xxh3(all, 0), kvtest_u64(v, kvtest_field(v, v->line, "expect"), what));
}

/* Block i by the slow road: its bytes, their hash, one step of the chain. *first_run moves on with i. */
static kvhash_block block_by_hand(kvtest_vector *v, const kvhash_request *request, size_t i, const kvhash_block *parent,
                                  size_t *first_run, uint64_t salt_hash) {
    size_t size = request->block_tokens;
    kvhash_slots slots = {.tokens = request->tokens + i * size, .token_count = size, .offset = i * size};
    uint64_t end;
    while (*first_run < request->run_count && kvhash_mm_run_end(request->runs[*first_run], &end) == KVCORE_OK &&
           end <= slots.offset)
        ++*first_run;
    slots.runs = request->runs + *first_run;
    while (*first_run + slots.run_count < request->run_count &&
           slots.runs[slots.run_count].offset < slots.offset + size)
        slots.run_count++;
    uint8_t small[4096], *bytes = 13 * size <= sizeof small ? small : malloc(13 * size);
    size_t size_bytes = 0;
    if (bytes == NULL)
        kvtest_differ(v, "no memory for a block");
    else
        kvtest_expect_status(v, "block bytes", kvhash_block_bytes(&slots, bytes, 13 * size, &size_bytes), KVCORE_OK);

    kvhash_block block = {.block_hash = kvhash_xxh3((kvcore_bytes){bytes, size_bytes}, salt_hash)};
    if (i == 0)
        block.plh = kvhash_plh_root(block.block_hash);
    else
        kvtest_expect_status(v, "extend", kvhash_plh_extend(parent->plh, block.block_hash, &block.plh), KVCORE_OK);
    block.sequence_hash = kvhash_plh_sequence_hash(block.plh);
    kvtest_expect_status(v, "psh", kvhash_psh_make(block.sequence_hash, i, block.block_hash, &block.psh), KVCORE_OK);
    if (bytes != small) free(bytes);
    return block;
}

static void expect_records(kvtest_vector *v, const kvhash_request *request, large_request *large, uint64_t salt_hash) {
    json_object *samples = kvtest_array(v, kvtest_field(v, v->line, "expect"), "sample");
    size_t sample_count = json_object_array_length(samples), seen = 0, first_run = 0;
    kvhash_block block = {0};
    for (size_t i = 0; i < large->count && !v->failed; i++) {
        block = block_by_hand(v, request, i, &block, &first_run, salt_hash);
        kvcore_store_le64(large->bytes + 16 * i, block.psh.low);
        kvcore_store_le64(large->bytes + 16 * i + 8, block.psh.high);
        for (size_t s = 0; s < sample_count; s++) {
            json_object *sample = json_object_array_get_idx(samples, s);
            if (kvtest_u64(v, sample, "position") != i) continue;
            expect_block(v, &block, sample);
            seen++;
        }
    }
    kvtest_expect_u64(v, "samples seen", seen, sample_count);
    expect_digest(v, "digest_positional_sequence_hash", large, 16);
}

static void expect_large(kvtest_vector *v, const kvhash_request *request, large_request *large) {
    json_object *expect = kvtest_field(v, v->line, "expect");
    uint64_t salt_hash = kvhash_salt_hash(request->salt, request->lora_name);
    kvtest_expect_u64(v, "salt_hash", salt_hash, kvtest_u64(v, expect, "salt_hash"));
    kvtest_expect_u64(v, "n_blocks", large->count, kvtest_u64(v, expect, "n_blocks"));
    kvtest_expect_u64(v, "partial_len", request->token_count % request->block_tokens,
                      kvtest_u64(v, expect, "partial_len"));
    expect_records(v, request, large, salt_hash);

    size_t count = 0;
    kvhash_plh *names = (kvhash_plh *)(void *)large->bytes;
    kvtest_expect_status(v, "names", kvhash_request_names(request, names, large->count, &count, NULL), KVCORE_OK);
    for (size_t i = 0; i < large->count; i++) {
        kvhash_plh name = names[i];
        kvcore_store_le64(large->bytes + 16 * i, name.low);
        kvcore_store_le64(large->bytes + 16 * i + 8, name.high);
    }
    expect_digest(v, "digest_plh", large, 16);
    uint64_t *hashes = (uint64_t *)(void *)large->bytes;
    kvtest_expect_status(v, "block hashes", kvhash_request_block_hashes(request, hashes, large->count, &count, NULL),
                         KVCORE_OK);
    for (size_t i = 0; i < large->count; i++) kvcore_store_le64(&hashes[i], hashes[i]);
    expect_digest(v, "digest_block_hash", large, 8);
}

void check_large_request(kvtest_vector *v) {
    kvhash_request request = request_of(v);
    json_object *generator = kvtest_field(v, v->line, "tokens_gen");
    request.token_count = (size_t)kvtest_u64(v, generator, "n");
    uint64_t x = kvtest_u64(v, generator, "x0");
    large_request large = {.tokens = malloc(4 * (request.token_count + 1))};
    if (large.tokens == NULL) {
        kvtest_differ(v, "no memory for %zu tokens", request.token_count);
        return;
    }
    for (size_t i = 0; i < request.token_count; i++) {
        x = x * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        large.tokens[i] = (uint32_t)(x >> 32);
    }
    request.tokens = large.tokens;
    kvhash_mm_run *sorted = kvtest_line_alloc(v, request.run_count * sizeof *sorted);
    kvtest_expect_status(v, "runs", kvhash_mm_sort(request.runs, request.run_count, request.token_count, sorted, NULL),
                         KVCORE_OK);
    request.runs = sorted;

    kvcore_status status = kvhash_request_count(&request, &large.count, NULL);
    if (kvtest_has(kvtest_field(v, v->line, "expect"), "panic")) {
        kvtest_expect_status(v, "count", status, KVHASH_EPOSITION);
        kvtest_expect_status(v, "names", kvhash_request_names(&request, NULL, 0, &large.count, NULL), KVHASH_EPOSITION);
    } else {
        kvtest_expect_status(v, "count", status, KVCORE_OK);
        large.bytes = malloc(16 * (large.count + 1));
        if (large.bytes == NULL)
            kvtest_differ(v, "no memory for %zu names", large.count);
        else if (!v->failed)
            expect_large(v, &request, &large);
    }
    free(large.bytes);
    free(large.tokens);
}
