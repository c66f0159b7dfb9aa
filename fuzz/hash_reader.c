/* Any bytes as a line for `kvstrata hash`: refused with what was expected, or a request that the library can look at. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "hash/hash_request.h"
#include "hash/scheme_request.h"

static void read_as(kvhash_scheme_kind kind, const hash_request *request) {
    scheme_request read = {.memory = NULL};
    kvhash_scheme *scheme = NULL;
    size_t count = 0, bound = request->request.token_count + 1;
    kvcore_error error;
    kvcore_status status = scheme_request_read(&read, kind, request, &error);
    if (status != KVCORE_OK && status != KVCORE_EFORMAT && status != KVCORE_ENOTSUP) abort();
    if (status == KVCORE_OK && kvhash_scheme_create(&read.config, &scheme, NULL) == KVCORE_OK &&
        kvhash_scheme_count(scheme, &read.request, &count, NULL) == KVCORE_OK && count > 4 * bound)
        abort();
    kvhash_scheme_destroy(scheme);
    scheme_request_clear(&read);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *line = malloc(size > 0 ? size : 1);
    if (line == NULL) return 0;
    memcpy(line, data, size);
    hash_request request = {.object = NULL};
    kvcore_error error;
    kvcore_status status = hash_request_read(&request, line, size, &error);
    if (status == KVCORE_OK) {
        uint64_t salt_hash;
        size_t count = 0;
        const kvhash_request *named = &request.request;
        if (kvhash_request_salt_hash(named, &salt_hash, NULL) != KVCORE_OK) abort();
        status = kvhash_request_count(named, &count, NULL);
        if (status != KVCORE_OK && status != KVHASH_EBLOCK_SIZE && status != KVHASH_EPOSITION) abort();
        if (status == KVCORE_OK && count != named->token_count / request.block_tokens) abort();
        for (unsigned kind = 1; kind < KVHASH_SCHEME_COUNT; kind++) read_as((kvhash_scheme_kind)kind, &request);
    } else {
        bool known = status == KVCORE_EFORMAT || status == KVCORE_EOVERFLOW;
        if (!known || error.code != status || strncmp(error.text, "expected ", 9) != 0) abort();
    }
    hash_request_clear(&request);
    free(line);
    return 0;
}
