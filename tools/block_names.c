#include "block_names.h"

#include <stdlib.h>

#include <kvhash/request.h>

#include "clock.h"

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
    size_t block_bytes = names->block_tokens * sizeof *names->tokens;
    block_names_clear(names);
    names->tokens = count <= SIZE_MAX / block_bytes ? malloc(count * block_bytes) : NULL;
    names->names = malloc(count * sizeof *names->names);
    if (names->tokens == NULL || names->names == NULL)
        return kvcore_fail(error, &(kvcore_error){.code = KVCORE_ENOMEM}, "out of memory for a request of %zu blocks",
                           count);
    names->capacity = count;
    return KVCORE_OK;
}

kvcore_status block_names_make(block_names *names, const uint64_t *ids, size_t count, kvcore_error *error) {
    kvcore_status status = make_room(names, count, error);
    if (status != KVCORE_OK) return status;
    uint32_t *token = names->tokens;
    for (size_t i = 0; i < count; i++) {
        uint64_t first = ids[i] * names->block_tokens; /* modulo 2^64 */
        for (uint32_t j = 0; j < names->block_tokens; j++) *token++ = (uint32_t)mix(first + j);
    }
    kvhash_request request = KVHASH_REQUEST_INIT;
    request.tokens = names->tokens;
    request.token_count = count * names->block_tokens;
    request.block_tokens = names->block_tokens;
    uint64_t start = clock_ns();
    status = kvhash_request_names(&request, names->names, names->capacity, &count, error);
    names->hashing_ns += clock_ns() - start;
    return status;
}

void block_names_clear(block_names *names) {
    free(names->tokens);
    free(names->names);
    names->tokens = NULL;
    names->names = NULL;
    names->capacity = 0;
}
