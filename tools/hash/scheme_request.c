#include "hash/scheme_request.h"

#include <stdlib.h>
#include <string.h>

#include <kvcore/text.h>

/* ---- memory of one request ---- */

typedef struct scheme_memory {
    struct scheme_memory *next;
    max_align_t bytes[];
} scheme_memory;

/* Zeros, until scheme_request_clear(). */
static void *take(scheme_request *to, size_t count, size_t size_bytes) {
    if (count > (SIZE_MAX - sizeof(scheme_memory)) / size_bytes) return NULL;
    scheme_memory *block = calloc(1, sizeof *block + count * size_bytes);
    if (block == NULL) return NULL;
    block->next = to->memory;
    to->memory = block;
    return block->bytes;
}

void scheme_request_clear(scheme_request *request) {
    while (request->memory != NULL) {
        scheme_memory *next = request->memory->next;
        free(request->memory);
        request->memory = next;
    }
}

static kvcore_status no_memory(kvcore_error *error) {
    return kvcore_fail(error, &(kvcore_error){.code = KVCORE_ENOMEM}, "out of memory");
}

/* ---- values ---- */

typedef struct scheme_field {
    const char *key;
    const char *expected;
    kvcore_status (*read)(scheme_request *to, const struct scheme_field *field, json_object *value,
                          kvcore_error *error);
    size_t offset; /* in scheme_request, for the readers that are told where */
} scheme_field;

static kvcore_status mismatch(kvcore_error *error, const scheme_field *field, json_object *found) {
    char room[40];
    return kvcore_fail(error, &(kvcore_error){.code = KVCORE_EFORMAT, .index = KVCORE_NO_INDEX},
                       "expected %s to be %s, found %s", field->key, field->expected, json_describe(found, room));
}

static void *place_of(scheme_request *to, const scheme_field *field) { return (char *)to + field->offset; }

static kvcore_bytes text_of(json_object *value) {
    return (kvcore_bytes){json_object_get_string(value), (size_t)json_object_get_string_len(value)};
}

static kvcore_status read_text(scheme_request *to, const scheme_field *field, json_object *value, kvcore_error *error) {
    if (!json_object_is_type(value, json_type_string)) return mismatch(error, field, value);
    *(kvcore_bytes *)place_of(to, field) = text_of(value);
    return KVCORE_OK;
}

static kvcore_status read_hex(scheme_request *to, const scheme_field *field, json_object *value, kvcore_error *error) {
    kvcore_bytes *place = place_of(to, field);
    if (!json_object_is_type(value, json_type_string)) return mismatch(error, field, value);
    kvcore_bytes text = text_of(value);
    void *bytes = take(to, text.size_bytes / 2 + 1, 1);
    if (bytes == NULL) return no_memory(error);
    if (text.size_bytes % 2 != 0 || kvcore_hex_decode(text.data, text.size_bytes, bytes) != KVCORE_OK)
        return mismatch(error, field, value);
    *place = (kvcore_bytes){bytes, text.size_bytes / 2};
    return KVCORE_OK;
}

static kvcore_status read_bool(scheme_request *to, const scheme_field *field, json_object *value, kvcore_error *error) {
    if (!json_object_is_type(value, json_type_boolean)) return mismatch(error, field, value);
    *(bool *)place_of(to, field) = json_object_get_boolean(value);
    return KVCORE_OK;
}

static kvcore_status read_number(scheme_request *to, const scheme_field *field, json_object *value,
                                 kvcore_error *error) {
    return hash_request_u64(value, place_of(to, field)) ? KVCORE_OK : mismatch(error, field, value);
}

/* Larger than the library takes is refused there. */
static kvcore_status read_size(scheme_request *to, const scheme_field *field, json_object *value, kvcore_error *error) {
    uint64_t size;
    if (!hash_request_u64(value, &size) || size > INT64_MAX) return mismatch(error, field, value);
    to->config.block_size = (int64_t)size;
    return KVCORE_OK;
}

static kvcore_status read_look_ahead(scheme_request *to, const scheme_field *field, json_object *value,
                                     kvcore_error *error) {
    uint64_t tokens;
    if (!hash_request_u64(value, &tokens) || tokens > UINT32_MAX) return mismatch(error, field, value);
    to->config.look_ahead = (uint32_t)tokens;
    return KVCORE_OK;
}

static kvcore_status read_form(scheme_request *to, const scheme_field *field, json_object *value, kvcore_error *error) {
    static const char *const forms[] = {"tagged", "untagged", "bare"};
    for (unsigned i = 0; i < 3 && json_object_is_type(value, json_type_string); i++)
        if (strcmp(json_object_get_string(value), forms[i]) == 0) {
            to->config.form = (kvhash_scheme_form)i;
            return KVCORE_OK;
        }
    return mismatch(error, field, value);
}

static kvcore_status read_vllm_installed(scheme_request *to, const scheme_field *field, json_object *value,
                                         kvcore_error *error) {
    if (!json_object_is_type(value, json_type_boolean)) return mismatch(error, field, value);
    to->config.without_vllm = !json_object_get_boolean(value);
    return KVCORE_OK;
}

static kvcore_status read_lora_task(scheme_request *to, const scheme_field *field, json_object *value,
                                    kvcore_error *error) {
    to->request.has_lora_task = true;
    return read_number(to, field, value, error);
}

static kvcore_status refuse(scheme_request *to, const scheme_field *field, json_object *value, kvcore_error *error) {
    (void)to;
    (void)value;
    return kvcore_fail(error, &(kvcore_error){.code = KVCORE_ENOTSUP}, "a request with %s is not named here: %s",
                       field->key, field->expected);
}

/* ---- lists ---- */

static bool list_of(json_object *value, size_t *count) {
    if (!json_object_is_type(value, json_type_array)) return false;
    *count = json_object_array_length(value);
    return true;
}

static kvcore_status read_extra_ids(scheme_request *to, const scheme_field *field, json_object *value,
                                    kvcore_error *error) {
    size_t count;
    if (!list_of(value, &count) || count != to->request.token_count) return mismatch(error, field, value);
    uint64_t *ids = take(to, count + 1, sizeof *ids);
    if (ids == NULL) return no_memory(error);
    for (size_t i = 0; i < count; i++)
        if (!hash_request_u64(json_object_array_get_idx(value, i), &ids[i])) return mismatch(error, field, value);
    to->request.extra_ids = ids;
    return KVCORE_OK;
}

/* NULL reads as an empty list. */
static kvcore_status read_texts(scheme_request *to, const scheme_field *field, json_object *value,
                                const kvcore_bytes **texts, size_t *count, kvcore_error *error) {
    *count = 0;
    if (value != NULL && !list_of(value, count)) return mismatch(error, field, value);
    kvcore_bytes *made = take(to, *count + 1, sizeof *made);
    if (made == NULL) return no_memory(error);
    for (size_t i = 0; i < *count; i++) {
        json_object *text = json_object_array_get_idx(value, i);
        if (!json_object_is_type(text, json_type_string)) return mismatch(error, field, text);
        made[i] = text_of(text);
    }
    *texts = made;
    return KVCORE_OK;
}

static kvcore_status read_name_spaces(scheme_request *to, const scheme_field *field, json_object *value,
                                      kvcore_error *error) {
    return read_texts(to, field, value, &to->request.name_spaces, &to->request.name_space_count, error);
}

static kvcore_status read_features(scheme_request *to, const scheme_field *field, json_object *value,
                                   kvcore_error *error) {
    size_t count;
    if (!list_of(value, &count)) return mismatch(error, field, value);
    kvhash_scheme_features *features = take(to, count + 1, sizeof *features);
    if (features == NULL) return no_memory(error);
    for (size_t i = 0; i < count; i++) {
        json_object *of_block = json_object_array_get_idx(value, i);
        kvcore_status status = read_texts(to, field, of_block, &features[i].hashes, &features[i].count, error);
        if (status != KVCORE_OK) return status;
    }
    to->request.features = features;
    to->request.feature_count = count;
    return KVCORE_OK;
}

/* ---- multimodal items ---- */

static kvcore_status member_u64(json_object *object, const scheme_field *field, const char *key, bool required,
                                uint64_t *number, kvcore_error *error) {
    json_object *value = NULL;
    char room[40];
    bool found = json_object_object_get_ex(object, key, &value) && value != NULL;
    if (!found && !required) return KVCORE_OK;
    if (found && hash_request_u64(value, number)) return KVCORE_OK;
    return kvcore_fail(error, &(kvcore_error){.code = KVCORE_EFORMAT, .index = KVCORE_NO_INDEX},
                       "expected %s in %s to be an integer from 0 to 18446744073709551615, found %s", key, field->key,
                       found ? json_describe(value, room) : "none");
}

/* A text, or bytes as hexadecimal digits. */
static kvcore_status member_id(scheme_request *to, json_object *object, const char *key, bool hex, kvcore_bytes *id,
                               kvcore_error *error) {
    scheme_field text = {key, hex ? "hexadecimal digits" : "a string", NULL, 0};
    json_object *value = NULL;
    scheme_request part = {.memory = to->memory};
    text.offset = offsetof(scheme_request, request.salt);
    json_object_object_get_ex(object, key, &value);
    kvcore_status status = hex ? read_hex(&part, &text, value, error) : read_text(&part, &text, value, error);
    to->memory = part.memory;
    *id = part.request.salt;
    return status;
}

static kvcore_status read_span(json_object *object, const scheme_field *field, kvhash_scheme_item *item,
                               kvcore_error *error) {
    if (!json_object_is_type(object, json_type_object)) return mismatch(error, field, object);
    kvcore_status status = member_u64(object, field, "offset", true, &item->offset, error);
    return status == KVCORE_OK ? member_u64(object, field, "length", true, &item->length, error) : status;
}

static kvcore_status read_items(scheme_request *to, const scheme_field *field, json_object *value, const char *key,
                                bool hex, kvcore_error *error) {
    size_t count;
    if (!list_of(value, &count)) return mismatch(error, field, value);
    kvhash_scheme_item *items = take(to, count + 1, sizeof *items);
    if (items == NULL) return no_memory(error);
    for (size_t i = 0; i < count; i++) {
        json_object *object = json_object_array_get_idx(value, i);
        kvcore_status status = read_span(object, field, &items[i], error);
        if (status == KVCORE_OK) status = member_id(to, object, key, hex, &items[i].id, error);
        if (status == KVCORE_OK) status = member_u64(object, field, "token_offset", false, &items[i].start, error);
        if (status == KVCORE_OK) status = member_u64(object, field, "id_offset", false, &items[i].id_offset, error);
        if (status != KVCORE_OK) return status;
    }
    to->request.items = items;
    to->request.item_count = count;
    return KVCORE_OK;
}

static int by_offset(const void *a, const void *b) {
    const kvhash_scheme_item *x = a, *y = b;
    return x->offset < y->offset ? -1 : x->offset > y->offset;
}

static kvcore_status read_text_items(scheme_request *to, const scheme_field *field, json_object *value,
                                     kvcore_error *error) {
    return read_items(to, field, value, "id", false, error);
}

/* llm-d sorts them itself. */
static kvcore_status read_unsorted_items(scheme_request *to, const scheme_field *field, json_object *value,
                                         kvcore_error *error) {
    kvcore_status status = read_text_items(to, field, value, error);
    if (status == KVCORE_OK && to->request.item_count != 0)
        qsort((void *)to->request.items, to->request.item_count, sizeof *to->request.items, by_offset);
    return status;
}

static kvcore_status read_identities(scheme_request *to, const scheme_field *field, json_object *value,
                                     kvcore_error *error) {
    return read_items(to, field, value, "identity", true, error);
}

static kvcore_status read_digests(scheme_request *to, const scheme_field *field, json_object *value,
                                  kvcore_error *error) {
    return read_items(to, field, value, "digest", true, error);
}

static json_object *runs_of(json_object *item) {
    json_object *runs = NULL;
    bool found = json_object_is_type(item, json_type_object) && json_object_object_get_ex(item, "runs", &runs);
    return found && json_object_is_type(runs, json_type_array) ? runs : NULL;
}

static kvcore_status read_runs_of(scheme_request *to, const scheme_field *field, json_object *object,
                                  kvhash_scheme_item *items, kvcore_error *error) {
    json_object *runs = runs_of(object);
    kvcore_bytes hash;
    uint64_t before = 0;
    kvcore_status status = member_id(to, object, "hash", true, &hash, error);
    for (size_t i = 0; status == KVCORE_OK && i < json_object_array_length(runs); i++) {
        items[i] = (kvhash_scheme_item){.id = hash, .start = before};
        status = read_span(json_object_array_get_idx(runs, i), field, &items[i], error);
        before += items[i].length;
    }
    return status;
}

static kvcore_status read_runs(scheme_request *to, const scheme_field *field, json_object *value, kvcore_error *error) {
    size_t count, used = 0, run_count = 0;
    if (!list_of(value, &count)) return mismatch(error, field, value);
    for (size_t i = 0; i < count; i++) {
        json_object *runs = runs_of(json_object_array_get_idx(value, i));
        if (runs == NULL) return mismatch(error, field, json_object_array_get_idx(value, i));
        run_count += json_object_array_length(runs);
    }
    kvhash_scheme_item *items = take(to, run_count + 1, sizeof *items);
    if (items == NULL) return no_memory(error);
    for (size_t i = 0; i < count; i++) {
        json_object *object = json_object_array_get_idx(value, i);
        kvcore_status status = read_runs_of(to, field, object, items + used, error);
        if (status != KVCORE_OK) return status;
        used += json_object_array_length(runs_of(object));
    }
    to->request.items = items;
    to->request.item_count = run_count;
    return KVCORE_OK;
}

/* ---- who takes what ---- */

#define IN_CONFIG(member) offsetof(scheme_request, config.member)
#define IN_REQUEST(member) offsetof(scheme_request, request.member)
#define TEXT(key, place) \
    { key, "a string or null", read_text, place }
#define FLAG(key, place) \
    { key, "true or false", read_bool, place }
#define U64 "an integer from 0 to 18446744073709551615"
#define BLOCK "an integer from 1 to 4294967295"

static const scheme_field vllm[] = {
    TEXT("seed", IN_CONFIG(seed)),
    {"root", "hexadecimal digits or null", read_hex, IN_CONFIG(root)},
    {"form", "tagged, untagged or bare", read_form, 0},
    {"lookahead", "an integer from 0 to 4294967295", read_look_ahead, 0},
    TEXT("lora_name", IN_REQUEST(lora_name)),
    TEXT("lora_path", IN_REQUEST(lora_path)),
    TEXT("salt", IN_REQUEST(salt)),
    {"mm", "a list of objects with id, offset and length", read_text_items, 0},
    {"embeds", "rows of embeddings cannot be given", refuse, 0},
    {NULL, NULL, NULL, 0},
};
static const scheme_field sglang[] = {
    {"page_size", BLOCK, read_size, 0},
    TEXT("extra_key", IN_REQUEST(extra_key)),
    TEXT("lora_id", IN_REQUEST(lora_id)),
    TEXT("lora_name", IN_REQUEST(lora_name)),
    TEXT("salt", IN_REQUEST(salt)),
    FLAG("bigram", IN_CONFIG(pairs)),
    FLAG("partial", IN_CONFIG(partial)),
    {"mm", "a list of objects with identity (hexadecimal digits), offset and length", read_identities, 0},
    {"prior", "its blocks are named from the first one on", refuse, 0},
    {NULL, NULL, NULL, 0},
};
static const scheme_field llmd[] = {
    TEXT("seed", IN_CONFIG(seed)),
    TEXT("model", IN_REQUEST(model)),
    {"mm", "a list of objects with id, offset and length", read_unsorted_items, 0},
    {"features", "a list of lists of strings", read_features, 0},
    {"parent", "its blocks are named from the first one on", refuse, 0},
    {NULL, NULL, NULL, 0},
};
static const scheme_field lmcache[] = {
    {"chunk_size", BLOCK, read_size, 0},
    TEXT("seed", IN_CONFIG(seed)),
    FLAG("save_unfull", IN_CONFIG(partial)),
    {"vllm_installed", "true or false", read_vllm_installed, 0},
    {"mm", "a list of objects with id, offset and length", read_text_items, 0},
    {NULL, NULL, NULL, 0},
};
static const scheme_field lmcache_server[] = {
    {"chunk_size", BLOCK, read_size, 0},
    TEXT("seed", IN_CONFIG(seed)),
    {"mm", "a list of objects with id, offset and length", read_text_items, 0},
    {NULL, NULL, NULL, 0},
};
static const scheme_field trtllm_v1[] = {
    {"lora_id", U64 " or null", read_lora_task, IN_REQUEST(lora_task)},
    TEXT("salt", IN_REQUEST(salt)),
    {"extra_ids", "a list of integers, one a token", read_extra_ids, 0},
    {"mm", "a list of objects with hash (hexadecimal digits) and runs", read_runs, 0},
    {NULL, NULL, NULL, 0},
};
static const scheme_field trtllm_v2[] = {
    {"lora_id", U64 " or null", read_lora_task, IN_REQUEST(lora_task)},
    TEXT("salt", IN_REQUEST(salt)),
    FLAG("partial", IN_CONFIG(partial)),
    {"mm_v2", "a list of objects with digest (hexadecimal digits), offset and length", read_digests, 0},
    {NULL, NULL, NULL, 0},
};
static const scheme_field flexkv[] = {
    {"namespace", "a list of strings", read_name_spaces, 0},
    {NULL, NULL, NULL, 0},
};
static const scheme_field aibrix[] = {
    {"block_bytes", BLOCK, read_size, 0},
    {"seed", U64, read_number, IN_CONFIG(number_seed)},
    {NULL, NULL, NULL, 0},
};

static const struct scheme_source {
    kvhash_scheme_kind first, last;
    const char *system, *version;
    const scheme_field *fields;
} sources[] = {
    {KVHASH_SCHEME_VLLM_SHA256, KVHASH_SCHEME_VLLM_XXHASH_CBOR, "vLLM", "0.33.0", vllm},
    {KVHASH_SCHEME_SGLANG, KVHASH_SCHEME_SGLANG, "SGLang", "0.5.23", sglang},
    {KVHASH_SCHEME_LLMD, KVHASH_SCHEME_LLMD, "llm-d-kv-cache", "7be76e1", llmd},
    {KVHASH_SCHEME_LMCACHE_BUILTIN, KVHASH_SCHEME_LMCACHE_XXHASH_CBOR, "LMCache", "0.5.6", lmcache},
    {KVHASH_SCHEME_LMCACHE_SERVER_BLAKE3, KVHASH_SCHEME_LMCACHE_SERVER_SHA256_CBOR, "LMCache server", "0.5.6",
     lmcache_server},
    {KVHASH_SCHEME_TRTLLM_V1, KVHASH_SCHEME_TRTLLM_V1, "TensorRT-LLM", "2026", trtllm_v1},
    {KVHASH_SCHEME_TRTLLM_V2, KVHASH_SCHEME_TRTLLM_V2_U64, "TensorRT-LLM", "2026", trtllm_v2},
    {KVHASH_SCHEME_FLEXKV, KVHASH_SCHEME_FLEXKV, "FlexKV", "1.2.0", flexkv},
    {KVHASH_SCHEME_AIBRIX, KVHASH_SCHEME_AIBRIX, "AIBrix", "0.7.0", aibrix},
    {KVHASH_SCHEME_LMCACHE_SERVER_SHA256, KVHASH_SCHEME_LMCACHE_SERVER_XXHASH_CBOR, "LMCache server", "0.5.6",
     lmcache_server},
};

static const struct scheme_source *source_of(kvhash_scheme_kind kind) {
    for (size_t i = 0; i < sizeof sources / sizeof *sources; i++)
        if (kind >= sources[i].first && kind <= sources[i].last) return &sources[i];
    return NULL;
}

const char *scheme_system(kvhash_scheme_kind kind) {
    const struct scheme_source *source = source_of(kind);
    return source != NULL ? source->system : "";
}

const char *scheme_version(kvhash_scheme_kind kind) {
    const struct scheme_source *source = source_of(kind);
    return source != NULL ? source->version : "";
}

void scheme_print_keys(FILE *out, kvhash_scheme_kind kind) {
    const struct scheme_source *source = source_of(kind);
    const char *blank = "";
    for (const scheme_field *field = source != NULL ? source->fields : NULL; field != NULL && field->key != NULL;
         field++) {
        if (field->read == refuse) continue;
        fprintf(out, "%s%s", blank, field->key);
        blank = " ";
    }
}

/* AIBrix counts bytes, of which a token has 4. */
static int64_t block_size_of(kvhash_scheme_kind kind, uint64_t tokens) {
    uint64_t unit = kind == KVHASH_SCHEME_AIBRIX ? 4 : 1;
    return tokens > INT64_MAX / unit ? INT64_MAX : (int64_t)(tokens * unit);
}

kvcore_status scheme_request_read(scheme_request *to, kvhash_scheme_kind kind, const hash_request *from,
                                  kvcore_error *error) {
    const struct scheme_source *source = source_of(kind);
    scheme_request_clear(to);
    to->config = (kvhash_scheme_config)KVHASH_SCHEME_CONFIG_INIT;
    to->request = (kvhash_scheme_request)KVHASH_SCHEME_REQUEST_INIT;
    to->config.kind = kind;
    to->config.block_size = block_size_of(kind, from->block_tokens);
    to->request.tokens = from->tokens;
    to->request.token_count = from->request.token_count;
    if (source == NULL) return kvcore_fail(error, &(kvcore_error){.code = KVCORE_ENOTSUP}, "there is no such scheme");
    for (const scheme_field *field = source->fields; field->key != NULL; field++) {
        json_object *value = NULL;
        if (!json_object_object_get_ex(from->object, field->key, &value) || value == NULL) continue;
        kvcore_status status = field->read(to, field, value, error);
        if (status != KVCORE_OK) return status;
    }
    return KVCORE_OK;
}
