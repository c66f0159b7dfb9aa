#include "replay/trace.h"

#include <stdlib.h>
#include <string.h>

#include "shared/json.h"

static kvcore_status mismatch(kvcore_error *error, const char *what, json_object *found) {
    char room[40];
    return kvcore_fail(error, &(kvcore_error){.code = KVCORE_EFORMAT, .index = KVCORE_NO_INDEX},
                       "expected %s, found %s", what, json_describe(found, room));
}

static kvcore_status read_tokens(json_object *object, const char *key, const char *expected, bool *present,
                                 uint64_t *tokens, kvcore_error *error) {
    json_object *value = NULL;
    *present = json_object_object_get_ex(object, key, &value);
    if (!*present || json_to_u64(value, tokens)) return KVCORE_OK;
    return mismatch(error, expected, value);
}

/* A list that is not of integers alone: say which element is none. */
static kvcore_status refuse_ids(json_object *list, kvcore_error *error) {
    for (size_t i = 0; i < json_object_array_length(list); i++) {
        json_object *id = json_object_array_get_idx(list, i);
        uint64_t value;
        char room[40];
        if (!json_to_u64(id, &value))
            return kvcore_fail(error, &(kvcore_error){.code = KVCORE_EFORMAT, .index = i},
                               "expected hash_ids[%zu] to be an integer from 0 to 18446744073709551615, found %s", i,
                               json_describe(id, room));
    }
    return kvcore_fail(error, &(kvcore_error){.code = KVCORE_EFORMAT}, "expected the key hash_ids without escapes");
}

static kvcore_status read_time(json_object *object, trace_request *request, kvcore_error *error) {
    json_object *value = NULL;
    request->time_ms = 0;
    request->has_time = json_object_object_get_ex(object, "timestamp", &value);
    if (!request->has_time || json_to_u64(value, &request->time_ms)) return KVCORE_OK;
    if (!json_object_is_type(value, json_type_int) && !json_object_is_type(value, json_type_double))
        return mismatch(error, "timestamp to be a number of milliseconds", value);
    double time = json_object_get_double(value);
    if (time > 0) request->time_ms = time < 0x1p63 ? (uint64_t)time : UINT64_C(1) << 63;
    return KVCORE_OK;
}

/* Whose the request is; a request without the key is of the tenant without a name. */
static kvcore_status read_tenant(json_object *object, trace_request *request, kvcore_error *error) {
    json_object *value = NULL;
    request->tenant[0] = '\0';
    if (request->tenant_key == NULL || !json_object_object_get_ex(object, request->tenant_key, &value) || value == NULL)
        return KVCORE_OK;
    if (!json_object_is_type(value, json_type_string) && !json_object_is_type(value, json_type_int))
        return mismatch(error, "a tenant to be a string or an integer", value);
    const char *name = json_object_get_string(value);
    if (strlen(name) >= sizeof request->tenant || memchr(name, '\n', strlen(name)) != NULL)
        return mismatch(error, "a tenant's name of one line and less than 64 bytes", value);
    memcpy(request->tenant, name, strlen(name) + 1);
    return KVCORE_OK;
}

static kvcore_status read_request(json_object *object, trace_request *request, kvcore_error *error) {
    json_object *value = NULL;
    if (!json_object_is_type(object, json_type_object)) return mismatch(error, "a request as a JSON object", object);
    bool has_output_tokens;
    uint64_t output_tokens;
    kvcore_status status = read_time(object, request, error);
    if (status == KVCORE_OK) status = read_tenant(object, request, error);
    if (status == KVCORE_OK)
        status = read_tokens(object, "input_length", "input_length to be an integer from 0", &request->has_input_tokens,
                             &request->input_tokens, error);
    if (status == KVCORE_OK)
        status = read_tokens(object, "output_length", "output_length to be an integer from 0", &has_output_tokens,
                             &output_tokens, error);
    if (status != KVCORE_OK) return status;
    if (!json_object_object_get_ex(object, "hash_ids", &value))
        return kvcore_fail(error, &(kvcore_error){.code = KVCORE_EFORMAT, .index = KVCORE_NO_INDEX},
                           "expected a key hash_ids, found none");
    if (!json_object_is_type(value, json_type_array))
        return mismatch(error, "hash_ids to be a list of integers", value);
    if (!request->list.found) return refuse_ids(value, error);
    request->ids = request->list.values;
    request->count = request->list.count;
    return KVCORE_OK;
}

kvcore_status trace_parse(char *line, size_t length, trace_request *request, kvcore_error *error) {
    json_object *object = NULL;
    request->list.key = "hash_ids";
    request->list.most = TRACE_IDS_MAX;
    kvcore_status status = json_read(line, length, &request->list, &object, error);
    if (status != KVCORE_OK) return status;
    status = read_request(object, request, error);
    json_object_put(object);
    return status;
}

void trace_request_clear(trace_request *request) {
    free(request->list.values);
    *request = (trace_request){.ids = NULL};
}

uint32_t trace_last_block_tokens(const trace_request *request, uint32_t block_tokens) {
    uint64_t before; /* tokens of the blocks before the last */
    if (!request->has_input_tokens || request->count == 0 ||
        __builtin_mul_overflow((uint64_t)request->count - 1, (uint64_t)block_tokens, &before) ||
        request->input_tokens <= before || request->input_tokens - before > block_tokens)
        return block_tokens;
    return (uint32_t)(request->input_tokens - before);
}
