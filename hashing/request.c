#include <kvhash/request.h>

#include <kvcore/config.h>
#include <kvhash/hash.h>

#include "naming.h"
#include "request_read.h"

kvhash_request kvhash_request_init(void) { return (kvhash_request)KVHASH_REQUEST_INIT; }

static kvcore_status misuse(kvcore_error *error, const char *what) {
    return kvcore_fail(error, &(kvcore_error){.code = KVCORE_EINVAL, .index = KVCORE_NO_INDEX}, "%s", what);
}

/* The caller's request, in `own` when its shape is another version's; its texts checked. */
static kvcore_status read_request(const kvhash_request **request, kvhash_request *own, const kvhash_request *given,
                                  kvcore_error *error) {
    *request = given;
    if (given == NULL || given->struct_size != sizeof *own) {
        kvcore_status status = kvcore_config_read(own, sizeof *own, given, error);
        if (status != KVCORE_OK) return status;
        *request = own;
    }
    if ((*request)->salt.data == NULL && (*request)->salt.size_bytes != 0)
        return misuse(error, "salt is NULL with a size");
    if ((*request)->lora_name.data == NULL && (*request)->lora_name.size_bytes != 0)
        return misuse(error, "lora_name is NULL with a size");
    if ((*request)->reserved != 0) return misuse(error, "reserved is not 0");
    return KVCORE_OK;
}

static kvcore_status check_arrays(const kvhash_request *request, kvcore_error *error) {
    if (request->tokens == NULL && request->token_count != 0) return misuse(error, "tokens is NULL with a count");
    if (request->runs == NULL && request->run_count != 0) return misuse(error, "runs is NULL with a count");
    return KVCORE_OK;
}

static kvcore_status count_blocks(const kvhash_request *request, size_t *count, kvcore_error *error) {
    if (request->block_tokens == 0)
        return kvcore_fail(error, &(kvcore_error){.code = KVHASH_EBLOCK_SIZE, .index = KVCORE_NO_INDEX},
                           "block_size must be greater than 0");
    size_t blocks = request->token_count / request->block_tokens;
    if (blocks > KVHASH_PLH_MAX_POSITION + 1)
        return kvcore_fail(error,
                           &(kvcore_error){.code = KVHASH_EPOSITION,
                                           .index = KVCORE_NO_INDEX,
                                           .expected = KVHASH_PLH_MAX_POSITION + 1,
                                           .actual = blocks},
                           "%zu blocks are more than the 16,777,216 that names can number", blocks);
    *count = blocks;
    return KVCORE_OK;
}

kvcore_status kvhash_request_count(const kvhash_request *request, size_t *count, kvcore_error *error) {
    kvhash_request own;
    kvcore_status status = read_request(&request, &own, request, error);
    if (status != KVCORE_OK) return status;
    if (count == NULL) return misuse(error, "count is NULL");
    return count_blocks(request, count, error);
}

kvcore_status kvhash_request_salt_hash(const kvhash_request *request, uint64_t *salt_hash, kvcore_error *error) {
    kvhash_request own;
    kvcore_status status = read_request(&request, &own, request, error);
    if (status != KVCORE_OK) return status;
    if (salt_hash == NULL) return misuse(error, "salt_hash is NULL");
    *salt_hash = kvhash_salt_hash(request->salt, request->lora_name);
    return KVCORE_OK;
}

static kvcore_status too_small(kvcore_error *error, size_t blocks, size_t capacity) {
    return kvcore_fail(
        error,
        &(kvcore_error){.code = KVCORE_EBUFFER, .index = KVCORE_NO_INDEX, .expected = blocks, .actual = capacity},
        "%zu blocks do not fit in room for %zu", blocks, capacity);
}

kvcore_status kvhash__request_read(request_reading *reading, const kvhash_request *given, const void *out,
                                   size_t capacity, size_t *count, kvcore_error *error) {
    reading->block_count = 0;
    kvcore_status status = read_request(&reading->request, &reading->own, given, error);
    if (status != KVCORE_OK) return status;
    const kvhash_request *request = reading->request;
    status = check_arrays(request, error);
    if (status != KVCORE_OK) return status;
    if (count == NULL || (out == NULL && capacity != 0)) return misuse(error, "an output is NULL");
    run_walk_start_in_order(&reading->walk, NULL, 0);
    if (request->run_count != 0) {
        status = kvhash__run_walk_begin(&reading->walk, request->runs, request->run_count, request->token_count, error);
        if (status != KVCORE_OK) return status;
    }
    status = count_blocks(request, &reading->block_count, error);
    if (status == KVCORE_OK) {
        *count = reading->block_count;
        if (*count > capacity) status = too_small(error, *count, capacity);
    }
    if (status != KVCORE_OK) kvhash__run_walk_end(&reading->walk);
    return status;
}

static kvcore_status name_request(const kvhash_request *given, naming_output output, void *out, size_t capacity,
                                  size_t *count, kvcore_error *error) {
    request_reading reading;
    kvcore_status status = kvhash__request_read(&reading, given, out, capacity, count, error);
    if (status != KVCORE_OK) return status;
    const kvhash_request *request = reading.request;
    const naming_kernels *kernels = kvhash__naming_kernels_for_this_cpu();
    if (reading.block_count != 0)
        kernels->name(&(naming_job){.tokens = request->tokens,
                                    .block_tokens = request->block_tokens,
                                    .block_count = reading.block_count,
                                    .salt_hash = kvhash_salt_hash(request->salt, request->lora_name),
                                    .runs = request->run_count != 0 ? &reading.walk : NULL,
                                    .output = output,
                                    .out = out});
    kvhash__run_walk_end(&reading.walk);
    return KVCORE_OK;
}

kvcore_status kvhash_request_names(const kvhash_request *request, kvhash_plh *names, size_t capacity, size_t *count,
                                   kvcore_error *error) {
    return name_request(request, NAMING_NAMES, names, capacity, count, error);
}

kvcore_status kvhash_request_block_hashes(const kvhash_request *request, uint64_t *block_hashes, size_t capacity,
                                          size_t *count, kvcore_error *error) {
    return name_request(request, NAMING_BLOCK_HASHES, block_hashes, capacity, count, error);
}

kvcore_status kvhash_request_sequence_hashes(const kvhash_request *request, uint64_t *sequence_hashes, size_t capacity,
                                             size_t *count, kvcore_error *error) {
    return name_request(request, NAMING_SEQUENCE_HASHES, sequence_hashes, capacity, count, error);
}

kvcore_status kvhash_request_blocks(const kvhash_request *request, kvhash_block *blocks, size_t capacity, size_t *count,
                                    kvcore_error *error) {
    return name_request(request, NAMING_BLOCKS, blocks, capacity, count, error);
}
