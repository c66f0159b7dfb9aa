/* TensorRT-LLM, FlexKV, AIBrix. */
#include "rosetta.h"

static const name_form number_form = {
    .list = "blocks", .first = "first", .last = "last", .digest = "digest", .numbers = true};
static const name_form bytes_form = {.list = "blocks", .first = "first", .last = "last", .digest = "digest"};

static void take_runs(kvtest_vector *v, kvhash_scheme_request *request) {
    json_object *mm = kvtest_has(v->line, "mm") ? kvtest_array(v, v->line, "mm") : NULL;
    size_t count = 0, used = 0;
    for (size_t i = 0; mm != NULL && i < json_object_array_length(mm); i++)
        count += json_object_array_length(kvtest_array(v, json_object_array_get_idx(mm, i), "runs"));
    kvhash_scheme_item *items = kvtest_line_alloc(v, (count + 1) * sizeof *items);
    for (size_t i = 0; mm != NULL && i < json_object_array_length(mm); i++) {
        json_object *item = json_object_array_get_idx(mm, i), *runs = kvtest_array(v, item, "runs");
        uint64_t before = 0;
        for (size_t k = 0; k < json_object_array_length(runs); k++, used++) {
            json_object *run = json_object_array_get_idx(runs, k);
            items[used].id = kvtest_hex(v, item, "hash");
            items[used].offset = kvtest_u64(v, run, "offset");
            items[used].length = kvtest_u64(v, run, "length");
            items[used].start = before;
            before += items[used].length;
        }
    }
    request->items = items;
    request->item_count = used;
}

static void take_v2_items(kvtest_vector *v, kvhash_scheme_request *request) {
    json_object *mm = kvtest_has(v->line, "mm_v2") ? kvtest_array(v, v->line, "mm_v2") : NULL;
    request->item_count = mm == NULL ? 0 : json_object_array_length(mm);
    kvhash_scheme_item *items = kvtest_line_alloc(v, (request->item_count + 1) * sizeof *items);
    for (size_t i = 0; i < request->item_count; i++) {
        json_object *item = json_object_array_get_idx(mm, i);
        items[i].id = kvtest_hex(v, item, "digest");
        items[i].offset = kvtest_u64(v, item, "offset");
        items[i].length = kvtest_u64(v, item, "length");
        items[i].start = kvtest_u64_or(v, item, "token_offset", 0);
        items[i].id_offset = kvtest_u64_or(v, item, "id_offset", 0);
    }
    request->items = items;
}

static void take_extra_ids(kvtest_vector *v, kvhash_scheme_request *request) {
    json_object *list;
    if (!json_object_object_get_ex(v->line, "extra_ids", &list) || list == NULL) return;
    if (json_object_array_length(list) != request->token_count) {
        kvtest_differ(v, "extra_ids: not one a token");
        return;
    }
    uint64_t *ids = kvtest_line_alloc(v, (request->token_count + 1) * sizeof *ids);
    for (size_t i = 0; i < request->token_count; i++) ids[i] = number_of(json_object_array_get_idx(list, i));
    request->extra_ids = ids;
}

static void expect_v1(kvtest_vector *v, const kvhash_scheme_request *request, json_object *expect) {
    kvhash_scheme_config config = config_of(v, KVHASH_SCHEME_TRTLLM_V1, "block_size");
    config.seed = (kvcore_bytes){NULL, 0};
    name_chain chain = chain_of(v, &config, request);
    if (!v->failed) expect_names(v, expect, &chain, &number_form);
    chain_free(&chain);
}

static void expect_v2(kvtest_vector *v, const kvhash_scheme_request *request, kvhash_scheme_kind kind,
                      json_object *expect) {
    kvhash_scheme_config config = config_of(v, kind, "block_size");
    json_object *tail, *event;
    config.partial = true;
    name_chain chain = chain_of(v, &config, request);
    if (!v->failed) {
        size_t full = request->token_count / (size_t)config.block_size;
        expect_root(v, &chain, request, kvtest_field(v, expect, "root"), &bytes_form);
        if (json_object_object_get_ex(expect, "tail", &tail) && tail != NULL) {
            kvtest_expect_u64(v, "a tail", chain.count, full + 1);
            expect_name(v, "tail", chain.names + full * 32, 32, tail, &bytes_form);
        }
        chain.count = full;
        expect_names(v, expect, &chain, &bytes_form);
        if (json_object_object_get_ex(expect, "event64_last", &event) && event != NULL && full != 0)
            kvtest_expect_u64(v, "event64_last", kvhash_scheme_event64(chain.scheme, chain.names + (full - 1) * 32),
                              number_of(event));
    }
    chain_free(&chain);
}

void check_trtllm(kvtest_vector *v) {
    json_object *expect = kvtest_field(v, v->line, "expect"), *names;
    kvhash_scheme_request request = request_of(v);
    request.salt = optional(v->line, "salt");
    request.has_lora_task = !kvtest_is_null(v->line, "lora_id");
    request.lora_task = kvtest_u64_or(v, v->line, "lora_id", 0);
    take_extra_ids(v, &request);
    if (kvtest_has(expect, "salt_id") && request.salt.data != NULL) {
        uint64_t id = 0;
        kvtest_expect_status(v, "salt id", kvhash_trtllm_salt_id(request.salt, &id), KVCORE_OK);
        kvtest_expect_u64(v, "salt_id", id, kvtest_u64(v, expect, "salt_id"));
    }
    take_runs(v, &request);
    if (json_object_object_get_ex(expect, "v1", &names)) expect_v1(v, &request, names);
    take_v2_items(v, &request);
    if (json_object_object_get_ex(expect, "v2", &names)) expect_v2(v, &request, KVHASH_SCHEME_TRTLLM_V2, names);
    if (json_object_object_get_ex(expect, "v2_u64", &names)) expect_v2(v, &request, KVHASH_SCHEME_TRTLLM_V2_U64, names);
}

void check_flexkv(kvtest_vector *v) {
    json_object *expect = kvtest_field(v, v->line, "expect"), *list = NULL, *id;
    kvhash_scheme_request request = request_of(v);
    kvhash_scheme_config config = config_of(v, KVHASH_SCHEME_FLEXKV, "block_size");
    json_object_object_get_ex(v->line, "namespace", &list);
    request.name_space_count = list == NULL ? 0 : json_object_array_length(list);
    kvcore_bytes *texts = kvtest_line_alloc(v, (request.name_space_count + 1) * sizeof *texts);
    for (size_t i = 0; i < request.name_space_count; i++) texts[i] = text_of(json_object_array_get_idx(list, i));
    request.name_spaces = texts;
    if (json_object_object_get_ex(expect, "namespace_id", &id) && id != NULL) {
        uint64_t value = 0;
        kvtest_expect_status(v, "namespace", kvhash_flexkv_name_space_id(texts, request.name_space_count, &value),
                             KVCORE_OK);
        kvtest_expect_u64(v, "namespace_id", value, number_of(id));
    }
    name_chain chain = chain_of(v, &config, &request);
    if (!v->failed) expect_names(v, expect, &chain, &number_form);
    chain_free(&chain);
}

void check_aibrix(kvtest_vector *v) {
    kvhash_scheme_request request = request_of(v);
    kvhash_scheme_config config = config_of(v, KVHASH_SCHEME_AIBRIX, "block_bytes");
    config.seed = (kvcore_bytes){NULL, 0};
    config.number_seed = kvtest_u64(v, v->line, "seed");
    name_chain chain = chain_of(v, &config, &request);
    if (!v->failed) expect_names(v, kvtest_field(v, v->line, "expect"), &chain, &number_form);
    chain_free(&chain);
}
