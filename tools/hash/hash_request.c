#include "hash/hash_request.h"

#include <stdio.h>
#include <stdlib.h>

#include "shared/json.h"

static kvcore_status mismatch(kvcore_error *error, const char *what, json_object *found) {
    char room[40];
    return kvcore_fail(error, &(kvcore_error){.code = KVCORE_EFORMAT, .index = KVCORE_NO_INDEX},
                       "expected %s, found %s", what, json_describe(found, room));
}

static kvcore_status missing(kvcore_error *error, const char *key) {
    return kvcore_fail(error, &(kvcore_error){.code = KVCORE_EFORMAT, .index = KVCORE_NO_INDEX},
                       "expected a key %s, found none", key);
}

/* Room for count elements; what was there before is lost. */
static kvcore_status reserve(void **memory, size_t *capacity, size_t count, size_t size_bytes, kvcore_error *error) {
    if (count <= *capacity) return KVCORE_OK;
    free(*memory);
    *capacity = 0;
    *memory = calloc(count, size_bytes);
    if (*memory == NULL) return kvcore_fail(error, &(kvcore_error){.code = KVCORE_ENOMEM}, "out of memory");
    *capacity = count;
    return KVCORE_OK;
}

static kvcore_status not_a_token(kvcore_error *error, size_t index, const char *found) {
    return kvcore_fail(error, &(kvcore_error){.code = KVCORE_EFORMAT, .index = index},
                       "expected tokens[%zu] to be an integer from 0 to 4294967295, found %s", index, found);
}

/* A list that is not of integers alone: say which element is none. */
static kvcore_status refuse_tokens(json_object *list, kvcore_error *error) {
    for (size_t i = 0; i < json_object_array_length(list); i++) {
        json_object *item = json_object_array_get_idx(list, i);
        uint64_t token;
        char room[40];
        if (!json_to_u64(item, &token) || token > UINT32_MAX) return not_a_token(error, i, json_describe(item, room));
    }
    return kvcore_fail(error, &(kvcore_error){.code = KVCORE_EFORMAT}, "expected the key tokens without escapes");
}

static kvcore_status read_tokens(hash_request *request, json_object *object, kvcore_error *error) {
    json_object *list = NULL;
    if (!json_object_object_get_ex(object, "tokens", &list)) return missing(error, "tokens");
    if (!json_object_is_type(list, json_type_array)) return mismatch(error, "tokens to be a list of integers", list);
    if (!request->list.found) return refuse_tokens(list, error);
    size_t count = request->list.count;
    void *memory = request->tokens;
    kvcore_status status = reserve(&memory, &request->token_capacity, count, sizeof *request->tokens, error);
    request->tokens = memory;
    if (status != KVCORE_OK) return status;
    for (size_t i = 0; i < count; i++) {
        uint64_t token = request->list.values[i];
        if (token > UINT32_MAX) {
            char text[24];
            snprintf(text, sizeof text, "%llu", (unsigned long long)token);
            return not_a_token(error, i, text);
        }
        request->tokens[i] = (uint32_t)token;
    }
    request->request.tokens = request->tokens;
    request->request.token_count = count;
    return KVCORE_OK;
}

/* A block size that 32 bits cannot hold is larger than any request: one past the tokens gives the same blocks, none. */
static kvcore_status read_block_size(hash_request *request, json_object *object, kvcore_error *error) {
    json_object *value = NULL;
    if (!json_object_object_get_ex(object, "block_size", &value)) return missing(error, "block_size");
    if (!json_to_u64(value, &request->block_tokens))
        return mismatch(error, "block_size to be an integer from 0 to 18446744073709551615", value);
    if (request->block_tokens <= UINT32_MAX)
        request->request.block_tokens = (uint32_t)request->block_tokens;
    else if (request->request.token_count < UINT32_MAX)
        request->request.block_tokens = UINT32_MAX;
    else
        return mismatch(error, "block_size below 4294967296 for this many tokens", value);
    return KVCORE_OK;
}

static kvcore_status read_text(json_object *object, const char *key, const char *expected, kvcore_bytes *text,
                               kvcore_error *error) {
    json_object *value = NULL;
    if (!json_object_object_get_ex(object, key, &value) || value == NULL) return KVCORE_OK;
    if (!json_object_is_type(value, json_type_string)) return mismatch(error, expected, value);
    text->data = json_object_get_string(value);
    text->size_bytes = (size_t)json_object_get_string_len(value);
    return KVCORE_OK;
}

bool hash_request_u64(json_object *value, uint64_t *number) {
    if (!json_object_is_type(value, json_type_string)) return json_to_u64(value, number);
    const char *digits = json_object_get_string(value);
    int length = json_object_get_string_len(value);
    uint64_t sum = 0;
    for (int i = 0; i < length; i++)
        if (digits[i] < '0' || digits[i] > '9' || __builtin_mul_overflow(sum, UINT64_C(10), &sum) ||
            __builtin_add_overflow(sum, (uint64_t)(digits[i] - '0'), &sum))
            return false;
    *number = sum;
    return length > 0;
}

static kvcore_status read_run(json_object *object, size_t index, kvhash_mm_run *run, kvcore_error *error) {
    static const char *const keys[] = {"mm_hash", "offset", "length"};
    uint64_t *fields[] = {&run->mm_hash, &run->offset, &run->length};
    char room[40];
    if (!json_object_is_type(object, json_type_object))
        return kvcore_fail(error, &(kvcore_error){.code = KVCORE_EFORMAT, .index = index},
                           "expected mm_info[%zu] to be an object, found %s", index, json_describe(object, room));
    for (size_t i = 0; i < 3; i++) {
        json_object *value = NULL;
        bool found = json_object_object_get_ex(object, keys[i], &value);
        if (!found || !hash_request_u64(value, fields[i]))
            return kvcore_fail(
                error, &(kvcore_error){.code = KVCORE_EFORMAT, .index = index},
                "expected %s of mm_info[%zu] to be an integer from 0 to 18446744073709551615, or one as a "
                "string, found %s",
                keys[i], index, found ? json_describe(value, room) : "none");
    }
    return KVCORE_OK;
}

static kvcore_status read_runs(hash_request *request, json_object *object, kvcore_error *error) {
    json_object *list = NULL;
    if (!json_object_object_get_ex(object, "mm_info", &list) || list == NULL) return KVCORE_OK;
    if (!json_object_is_type(list, json_type_array)) return mismatch(error, "mm_info to be a list of objects", list);
    size_t count = json_object_array_length(list);
    void *memory = request->runs;
    kvcore_status status = reserve(&memory, &request->run_capacity, count, sizeof *request->runs, error);
    request->runs = memory;
    for (size_t i = 0; i < count && status == KVCORE_OK; i++)
        status = read_run(json_object_array_get_idx(list, i), i, &request->runs[i], error);
    request->request.runs = request->runs;
    request->request.run_count = count;
    return status;
}

kvcore_status hash_request_read(hash_request *request, char *line, size_t length, kvcore_error *error) {
    json_object_put(request->object);
    request->object = NULL;
    request->name = NULL;
    request->request = (kvhash_request)KVHASH_REQUEST_INIT;
    request->list.key = "tokens";
    request->list.most = HASH_TOKENS_MAX;
    kvcore_status status = json_read(line, length, &request->list, &request->object, error);
    if (status != KVCORE_OK) return status;
    json_object *object = request->object;
    if (!json_object_is_type(object, json_type_object)) return mismatch(error, "a request as a JSON object", object);
    if (json_object_object_get_ex(object, "name", &request->name) && request->name != NULL &&
        !json_object_is_type(request->name, json_type_string))
        return mismatch(error, "name to be a string", request->name);
    status = read_tokens(request, object, error);
    if (status == KVCORE_OK) status = read_block_size(request, object, error);
    if (status == KVCORE_OK)
        status = read_text(object, "salt", "salt to be a string or null", &request->request.salt, error);
    if (status == KVCORE_OK)
        status = read_text(object, "lora_name", "lora_name to be a string or null", &request->request.lora_name, error);
    if (status == KVCORE_OK) status = read_runs(request, object, error);
    return status;
}

void hash_request_clear(hash_request *request) {
    json_object_put(request->object);
    free(request->list.values);
    free(request->tokens);
    free(request->runs);
    *request = (hash_request){.object = NULL};
}
