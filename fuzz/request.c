/* A request made of arbitrary bytes: sizes, salt, LoRA name, runs in any order, tokens. Whatever it answers, every call agrees
 * with the others, and the names are those that a sequence fed with the same things has. */
#include <stdlib.h>
#include <string.h>

#include <kvhash/request.h>
#include <kvhash/sequence.h>

#include "fuzz.h"

#define MOST_RUNS 200
#define MOST_TOKENS 600

typedef struct input {
    const uint8_t *at;
    size_t left;
} input;

static uint64_t take(input *in, size_t bytes) {
    uint64_t value = 0;
    for (; bytes > 0 && in->left > 0; bytes--, in->left--) value = value << 8 | *in->at++;
    return value;
}

static kvcore_bytes take_text(input *in) {
    size_t size = (size_t)take(in, 1) % 40;
    if (size > in->left) size = in->left;
    kvcore_bytes text = {size == 0 ? NULL : in->at, size};
    in->at += size;
    in->left -= size;
    return text;
}

/* Mostly small runs, so that many are valid; now and then anything. */
static size_t take_runs(input *in, kvhash_mm_run *runs) {
    size_t count = (size_t)take(in, 1) % MOST_RUNS;
    for (size_t i = 0; i < count; i++) {
        uint64_t kind = take(in, 1);
        size_t width = kind == 255 ? 8 : 1;
        runs[i] = (kvhash_mm_run){kind, take(in, width), width == 8 ? take(in, 8) : kind % 7};
        if (width == 1 && kind % 2) runs[i].offset += 256;
    }
    return count;
}

static void expect(bool holds) {
    if (!holds) abort();
}

static void compare_with_sequence(const kvhash_request *request, uint64_t salt_hash, const kvhash_block *blocks,
                                  size_t count) {
    kvhash_sequence_config config = KVHASH_SEQUENCE_CONFIG_INIT;
    config.block_tokens = request->block_tokens;
    config.salt_hash = salt_hash;
    kvhash_sequence *sequence;
    expect(kvhash_sequence_create(&config, &sequence, NULL) == KVCORE_OK);
    expect(kvhash_sequence_extend_with_runs(sequence, request->tokens, request->token_count, request->runs,
                                            request->run_count, NULL, NULL) == KVCORE_OK);
    size_t named;
    const kvhash_plh *names = kvhash_sequence_names(sequence, &named);
    expect(named == count);
    for (size_t i = 0; i < count; i++) expect(kvhash_plh_equal(names[i], blocks[i].plh));
    kvhash_sequence_destroy(sequence);
}

static void compare_projections(const kvhash_request *request, const kvhash_block *blocks, size_t count) {
    static kvhash_plh names[MOST_TOKENS];
    static uint64_t hashes[MOST_TOKENS];
    size_t got;
    expect(kvhash_request_names(request, names, count, &got, NULL) == KVCORE_OK && got == count);
    for (size_t i = 0; i < count; i++) expect(kvhash_plh_equal(names[i], blocks[i].plh));
    expect(kvhash_request_block_hashes(request, hashes, count, &got, NULL) == KVCORE_OK && got == count);
    for (size_t i = 0; i < count; i++) expect(hashes[i] == blocks[i].block_hash);
    expect(kvhash_request_sequence_hashes(request, hashes, count, &got, NULL) == KVCORE_OK && got == count);
    for (size_t i = 0; i < count; i++) expect(hashes[i] == blocks[i].sequence_hash);
    if (count > 0)
        expect(kvhash_request_names(request, names, count - 1, &got, NULL) == KVCORE_EBUFFER && got == count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static uint32_t tokens[MOST_TOKENS];
    static kvhash_mm_run runs[MOST_RUNS], sorted[MOST_RUNS];
    static kvhash_block blocks[MOST_TOKENS];
    input in = {data, size};
    kvhash_request request = KVHASH_REQUEST_INIT;
    uint64_t width = take(&in, 1);
    request.block_tokens = width == 255 ? (uint32_t)take(&in, 4) : (uint32_t)width;
    request.salt = take_text(&in);
    request.lora_name = take_text(&in);
    request.run_count = take_runs(&in, runs);
    request.runs = runs;
    request.token_count = (size_t)take(&in, 2) % (MOST_TOKENS + 1);
    request.tokens = tokens;
    for (size_t i = 0; i < request.token_count; i++) tokens[i] = (uint32_t)take(&in, 1 + i % 4);

    size_t count = 0;
    uint64_t salt_hash = 0;
    kvcore_error error, again;
    expect(kvhash_request_salt_hash(&request, &salt_hash, NULL) == KVCORE_OK);
    kvcore_status status = kvhash_request_blocks(&request, blocks, MOST_TOKENS, &count, &error);
    kvcore_status sorting = kvhash_mm_sort(runs, request.run_count, request.token_count, sorted, &again);
    if (sorting != KVCORE_OK) {
        expect(status == sorting && error.index == again.index && error.index < request.run_count);
        return 0;
    }
    expect(status == (request.block_tokens == 0 ? KVHASH_EBLOCK_SIZE : KVCORE_OK));
    if (status != KVCORE_OK) return 0;
    compare_projections(&request, blocks, count);
    request.runs = sorted;
    compare_projections(&request, blocks, count);
    /* a sequence keeps token 0 at placeholders, which makes no difference to names */
    compare_with_sequence(&request, salt_hash, blocks, count);
    return 0;
}
