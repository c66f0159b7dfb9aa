/* Operations on a growing sequence, from arbitrary bytes, with an allocator that fails when they say so. A call that fails
 * changes nothing; at the end the names are those of all tokens and runs named at once. */
#include <stdlib.h>
#include <string.h>

#include <kvhash/sequence.h>

#include "fuzz.h"

static void expect(bool holds) {
    if (!holds) abort();
}

typedef struct input {
    const uint8_t *at;
    size_t left;
} input;

static uint32_t take(input *in) {
    if (in->left == 0) return 0;
    in->left--;
    return *in->at++;
}

/* The next allocation fails when *ctx is set. */
static void *failing_alloc(void *ctx, size_t size_bytes, size_t align_bytes) {
    bool *fails = ctx;
    if (*fails) return NULL;
    return aligned_alloc(align_bytes, (size_bytes + align_bytes - 1) / align_bytes * align_bytes);
}

static void plain_free(void *ctx, void *ptr, size_t size_bytes, size_t align_bytes) {
    (void)ctx, (void)size_bytes, (void)align_bytes;
    free(ptr);
}

typedef struct picture {
    size_t tokens, blocks, runs;
} picture;

static picture picture_of(const kvhash_sequence *sequence) {
    picture now = {.tokens = kvhash_sequence_token_count(sequence)};
    kvhash_sequence_names(sequence, &now.blocks);
    kvhash_sequence_runs(sequence, &now.runs);
    return now;
}

static kvcore_status grow(kvhash_sequence *sequence, input *in, uint32_t what) {
    uint32_t tokens[300];
    kvhash_mm_run runs[4];
    size_t count = what == 2 ? take(in) : 16 + take(in), run_count = take(in) % 4;
    for (size_t i = 0; i < count; i++) tokens[i] = (uint32_t)i * 7 + what;
    for (size_t i = 0; i < run_count; i++) runs[i] = (kvhash_mm_run){take(in), take(in), take(in) % 60};
    switch (what) {
    case 0: return kvhash_sequence_append(sequence, take(in), NULL);
    case 1: return kvhash_sequence_push_run(sequence, take(in), take(in), NULL);
    case 2: return kvhash_sequence_extend(sequence, tokens, count, NULL);
    case 3: return kvhash_sequence_extend_with_runs(sequence, tokens, count, runs, run_count, NULL, NULL);
    default: {
        size_t own = 0;
        const uint32_t *at = kvhash_sequence_tokens(sequence, take(in), take(in), &own);
        return kvhash_sequence_extend(sequence, at, own, NULL);
    }
    }
}

static kvcore_status step(kvhash_sequence *sequence, input *in) {
    uint32_t what = take(in) % 9;
    bool popped;
    switch (what) {
    case 5: return kvhash_sequence_truncate(sequence, (size_t)take(in) * 3);
    case 6: return kvhash_sequence_unwind(sequence, take(in));
    case 7: return kvhash_sequence_pop(sequence, NULL, &popped);
    case 8:
        if (take(in) < 16) kvhash_sequence_reset(sequence);
        return KVCORE_OK;
    default: return grow(sequence, in, what);
    }
}

static void compare_with_whole(const kvhash_sequence *sequence) {
    kvhash_sequence_config config = KVHASH_SEQUENCE_CONFIG_INIT;
    config.block_tokens = kvhash_sequence_block_tokens(sequence);
    config.salt_hash = kvhash_sequence_salt_hash(sequence);
    config.tokens = kvhash_sequence_tokens(sequence, 0, kvhash_sequence_token_count(sequence), &config.token_count);
    config.runs = kvhash_sequence_runs(sequence, &config.run_count);
    kvhash_sequence *whole;
    expect(kvhash_sequence_create(&config, &whole, NULL) == KVCORE_OK);
    expect(kvhash_sequence_equal(sequence, whole));
    size_t count, same;
    const kvhash_plh *names = kvhash_sequence_names(sequence, &count), *other = kvhash_sequence_names(whole, &same);
    expect(count == same && (count == 0 || memcmp(names, other, count * sizeof *names) == 0));
    kvhash_partial partial;
    expect(kvhash_sequence_partial(sequence, &partial) == KVCORE_OK && partial.token_count < partial.block_tokens);
    kvhash_sequence_destroy(whole);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    input in = {data, size < 4000 ? size : 4000};
    bool fails = false;
    kvhash_sequence_config config = KVHASH_SEQUENCE_CONFIG_INIT;
    config.block_tokens = 1 + take(&in) % 70;
    config.salt_hash = take(&in);
    config.allocator = (kvcore_allocator){&fails, failing_alloc, plain_free};
    kvhash_sequence *sequence;
    expect(kvhash_sequence_create(&config, &sequence, NULL) == KVCORE_OK);
    while (in.left > 0 && kvhash_sequence_token_count(sequence) < 20000) {
        fails = take(&in) % 8 == 0;
        picture before = picture_of(sequence);
        kvcore_status status = step(sequence, &in);
        picture after = picture_of(sequence);
        if (status != KVCORE_OK) expect(memcmp(&before, &after, sizeof before) == 0);
    }
    fails = false;
    compare_with_whole(sequence);
    kvhash_sequence_destroy(sequence);
    return 0;
}
