#include "replay/block_names.h"

#include <stdlib.h>

#include <kvhash/request.h>

#include "shared/clock.h"

/* Blocks whose tokens are in memory at a time: 8 MB at 512 tokens. Nearly every request is one piece. */
#define PIECE_BLOCKS ((size_t)4096)

static uint64_t mix(uint64_t z) {
    z += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return z ^ z >> 31;
}

static kvcore_status make_room(block_names *names, size_t count, kvcore_error *error) {
    if (count > KVHASH_PLH_MAX_POSITION + 1)
        return kvcore_fail(
            error, &(kvcore_error){.code = KVHASH_EPOSITION, .expected = KVHASH_PLH_MAX_POSITION + 1, .actual = count},
            "expected at most %llu blocks in a request, found %zu", (unsigned long long)KVHASH_PLH_MAX_POSITION + 1,
            count);
    if (count <= names->capacity) return KVCORE_OK;
    size_t piece = count < PIECE_BLOCKS ? count : PIECE_BLOCKS;
    block_names_clear(names);
    names->tokens = malloc(piece * names->block_tokens * sizeof *names->tokens);
    names->block_hashes = malloc(piece * sizeof *names->block_hashes);
    names->names = malloc(count * sizeof *names->names);
    if (names->tokens == NULL || names->block_hashes == NULL || names->names == NULL)
        return kvcore_fail(error, &(kvcore_error){.code = KVCORE_ENOMEM}, "out of memory for a request of %zu blocks",
                           count);
    names->capacity = count;
    return KVCORE_OK;
}

/* The tokens of count ids, at most a piece, as a request. */
static kvhash_request make_tokens(block_names *names, const uint64_t *ids, size_t count) {
    uint32_t *token = names->tokens;
    for (size_t i = 0; i < count; i++) {
        uint64_t first = ids[i] * names->block_tokens; /* modulo 2^64 */
        for (uint32_t j = 0; j < names->block_tokens; j++) *token++ = (uint32_t)mix(first + j);
    }
    kvhash_request request = KVHASH_REQUEST_INIT;
    request.tokens = names->tokens;
    request.token_count = count * names->block_tokens;
    request.block_tokens = names->block_tokens;
    return request;
}

/* A request too long to have all its tokens in memory: block hashes piece by piece, chained into names. */
static kvcore_status name_in_pieces(block_names *names, const uint64_t *ids, size_t count, kvcore_error *error) {
    for (size_t done = 0, piece; done < count; done += piece) {
        piece = count - done < PIECE_BLOCKS ? count - done : PIECE_BLOCKS;
        kvhash_request request = make_tokens(names, ids + done, piece);
        uint64_t start = clock_ns();
        kvcore_status status = kvhash_request_block_hashes(&request, names->block_hashes, piece, &piece, error);
        kvhash_plh *name = names->names + done;
        for (size_t i = 0; i < piece && status == KVCORE_OK; i++, name++) {
            if (done + i == 0)
                *name = kvhash_plh_root(names->block_hashes[0]);
            else
                status = kvhash_plh_extend(name[-1], names->block_hashes[i], name);
        }
        names->hashing_ns += clock_ns() - start;
        if (status != KVCORE_OK) return status;
    }
    return KVCORE_OK;
}

kvcore_status block_names_make(block_names *names, const uint64_t *ids, size_t count, kvcore_error *error) {
    kvcore_status status = make_room(names, count, error);
    if (status != KVCORE_OK) return status;
    if (count > PIECE_BLOCKS) return name_in_pieces(names, ids, count, error);
    kvhash_request request = make_tokens(names, ids, count);
    uint64_t start = clock_ns();
    status = kvhash_request_names(&request, names->names, names->capacity, &count, error);
    names->hashing_ns += clock_ns() - start;
    return status;
}

void block_names_clear(block_names *names) {
    free(names->tokens);
    free(names->block_hashes);
    free(names->names);
    names->tokens = NULL;
    names->block_hashes = NULL;
    names->names = NULL;
    names->capacity = 0;
}
