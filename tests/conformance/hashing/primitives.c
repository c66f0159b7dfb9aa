#include <stdlib.h>
#include <string.h>

#include <kvhash/hash.h>
#include <kvhash/request.h>
#include <kvhash/sequence.h>
#include <kvhash/tokens.h>

#include "checks.h"

void check_xxh3(kvtest_vector *v) {
    xxh3_file *file = v->context;
    const char *kind = kvtest_string(v, v->line, "kind");
    if (strcmp(kind, "buffer") == 0) {
        kvcore_bytes bytes = kvtest_hex(v, v->line, "hex");
        free(file->buffer);
        file->buffer = malloc(bytes.size_bytes + 1);
        file->size_bytes = bytes.size_bytes;
        if (file->buffer != NULL) memcpy(file->buffer, bytes.data, bytes.size_bytes);
        return;
    }
    bool is_hashes = strcmp(kind, "hash") == 0;
    json_object *list = kvtest_array(v, v->line, is_hashes ? "hashes" : "seeds");
    size_t count = json_object_array_length(list);
    if (!is_hashes) {
        kvtest_expect_true(v, "seeds fit", count <= sizeof file->seeds / sizeof *file->seeds);
        for (size_t i = 0; i < count && !v->failed; i++)
            file->seeds[i] = kvtest_u64_of(v, json_object_array_get_idx(list, i), "seeds");
        file->seed_count = count;
        return;
    }
    uint64_t offset = kvtest_u64(v, v->line, "offset"), length = kvtest_u64(v, v->line, "len");
    kvtest_expect_true(v, "offset and len are inside the buffer",
                       file->buffer != NULL && offset <= file->size_bytes && length <= file->size_bytes - offset);
    kvtest_expect_u64(v, "hashes", count, file->seed_count);
    for (size_t i = 0; i < count && !v->failed; i++)
        kvtest_expect_u64(v, "hash", kvhash_xxh3((kvcore_bytes){file->buffer + offset, length}, file->seeds[i]),
                          kvtest_u64_of(v, json_object_array_get_idx(list, i), "hashes"));
}

void end_xxh3(void *context) { free(((xxh3_file *)context)->buffer); }

void check_salt(kvtest_vector *v) {
    kvtest_expect_u64(v, "salt_hash",
                      kvhash_salt_hash(kvtest_text(v, v->line, "salt"), kvtest_text(v, v->line, "lora_name")),
                      kvtest_u64(v, v->line, "salt_hash"));
}

void check_primitive(kvtest_vector *v) {
    const char *function = kvtest_string(v, v->line, "fn");
    uint64_t result = 0;
    if (strcmp(function, "compute_next_sequence_hash") == 0) {
        result = kvhash_next_sequence_hash(kvtest_u64(v, v->line, "parent"), kvtest_u64(v, v->line, "block_hash"));
    } else if (strcmp(function, "compute_block_hash_for_tokens") == 0) {
        size_t count;
        const uint32_t *tokens = kvtest_tokens(v, v->line, "tokens", &count);
        result = kvhash_block_hash(tokens, count, kvtest_u64(v, v->line, "salt_hash"));
    } else if (strcmp(function, "compute_salt_hash_from_bytes") == 0) {
        result = kvhash_xxh3(kvtest_hex(v, v->line, "bytes"), 0);
    } else {
        kvtest_differ(v, "function \"%s\" is not known", function);
    }
    kvtest_expect_u64(v, "result", result, kvtest_u64(v, v->line, "result"));
}

void check_block_bytes(kvtest_vector *v) {
    kvhash_slots block = {.offset = kvtest_u64(v, v->line, "block_offset")};
    block.tokens = kvtest_tokens(v, v->line, "tokens", &block.token_count);
    block.runs = runs_of(v, v->line, "mm_runs", &block.run_count);
    kvcore_bytes expected = kvtest_hex(v, v->line, "bytes");

    size_t size = 0;
    kvcore_status status = kvhash_block_bytes(&block, NULL, 0, &size);
    kvtest_expect_status(v, "asking for the size", status, expected.size_bytes == 0 ? KVCORE_OK : KVCORE_EBUFFER);
    uint8_t *bytes = kvtest_line_alloc(v, size);
    kvtest_expect_status(v, "bytes", kvhash_block_bytes(&block, bytes, size, &size), KVCORE_OK);
    kvtest_expect_bytes(v, "bytes", bytes, size, expected);
    kvtest_expect_u64(v, "block_hash", kvhash_xxh3((kvcore_bytes){bytes, size}, kvtest_u64(v, v->line, "salt_hash")),
                      kvtest_u64(v, v->line, "block_hash"));
}

/* panics.jsonl says its calls in words; this is what they are here. */
static kvcore_status sequence_without_block_size(const kvhash_mm_run *runs, size_t run_count) {
    static const uint32_t tokens[] = {1, 2, 3};
    kvhash_sequence_config config = KVHASH_SEQUENCE_CONFIG_INIT;
    config.tokens = tokens;
    config.token_count = 3;
    config.runs = runs;
    config.run_count = run_count;
    kvhash_sequence *sequence;
    kvcore_status status = kvhash_sequence_create(&config, &sequence, NULL);
    if (status == KVCORE_OK) kvhash_sequence_destroy(sequence);
    return status;
}

static kvcore_status sequence_plain(void) { return sequence_without_block_size(NULL, 0); }

static kvcore_status sequence_empty_run(void) { return sequence_without_block_size(&(kvhash_mm_run){.mm_hash = 1}, 1); }

static kvcore_status request_without_block_size(void) {
    static const uint32_t tokens[] = {1, 2};
    kvhash_request request = KVHASH_REQUEST_INIT;
    request.tokens = tokens;
    request.token_count = 2;
    kvhash_block block;
    size_t count;
    return kvhash_request_blocks(&request, &block, 1, &count, NULL);
}

static kvcore_status run_end_overflows(void) {
    uint64_t end;
    return kvhash_mm_run_end((kvhash_mm_run){.offset = UINT64_MAX, .length = 1}, &end);
}

static kvcore_status token_too_large(void) {
    uint32_t token;
    return kvhash_tokens_from_u64((const uint64_t[]){UINT64_C(4294967296)}, 1, &token, NULL);
}

static kvcore_status request_without_tokens(void) {
    kvhash_request request = KVHASH_REQUEST_INIT;
    request.token_count = 1;
    request.block_tokens = 1;
    kvhash_plh name;
    size_t count;
    return kvhash_request_names(&request, &name, 1, &count, NULL);
}

void check_panic(kvtest_vector *v) {
    static const struct {
        const char *call;
        kvcore_status (*make)(void);
        kvcore_status expected;
    } calls[] = {
        {"TokenBlockSequence::new(tokens=[1,2,3], block_size=0)", sequence_plain, KVHASH_EBLOCK_SIZE},
        {"TokenBlockSequence::from_slice([], block_size=0)", sequence_plain, KVHASH_EBLOCK_SIZE},
        {"TokenBlockSequence::new_with_mm(tokens=[1], mm=[], block_size=0)", sequence_plain, KVHASH_EBLOCK_SIZE},
        {"TokenBlockSequence::new_with_mm(tokens=[1], mm=[invalid empty run], block_size=0) -- panics before "
         "validating",
         sequence_empty_run, KVHASH_EBLOCK_SIZE},
        {"Request(tokens=[1,2]).into_blocks(0)", request_without_block_size, KVHASH_EBLOCK_SIZE},
        {"TokenBlockMmInfo{offset=usize::MAX,length=1}.end()", run_end_overflows, KVHASH_EOFFSET_OVERFLOW},
        {"Tokens::from(vec![4294967296usize])", token_too_large, KVCORE_EOVERFLOW},
        {"Request::builder().build() without tokens", request_without_tokens, KVCORE_EINVAL},
    };
    const char *call = kvtest_string(v, v->line, "call");
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
        if (strcmp(call, calls[i].call) == 0) {
            kvtest_expect_status(v, call, calls[i].make(), calls[i].expected);
            return;
        }
    kvtest_differ(v, "call \"%s\" has no counterpart here", call);
}
