#include "rosetta.h"

static const name_form bytes_form = {.list = "blocks", .first = "first", .last = "last", .digest = "digest"};

static kvhash_scheme_kind kind_of(const char *algorithm) {
    char text[64];
    snprintf(text, sizeof text, "vllm-%s", algorithm);
    for (char *at = text; *at != '\0'; at++)
        if (*at == '_') *at = '-';
    return kvhash_scheme_kind_of(kvcore_text(text));
}

static void take_embeddings(kvtest_vector *v, kvhash_scheme_request *request) {
    json_object *embeds;
    if (!json_object_object_get_ex(v->line, "embeds", &embeds) || embeds == NULL) return;
    uint64_t state = kvtest_u64(v, embeds, "x0");
    request->embedding_row_bytes = (size_t)kvtest_u64(v, embeds, "row_bytes");
    size_t size = request->embedding_row_bytes * request->token_count;
    uint8_t *rows = kvtest_line_alloc(v, size + 4);
    for (size_t i = 0; i < size; i += 4) kvcore_store_le32(rows + i, (uint32_t)generate(&state));
    request->embeddings = rows;
}

static void expect_extra_key(kvtest_vector *v, const kvhash_extra_key *key, json_object *expected) {
    if (key->is_bytes) {
        kvtest_expect_bytes(v, "event digest", key->value.data, key->value.size_bytes,
                            kvtest_hex(v, expected, "bytes"));
        return;
    }
    bool is_list = json_object_is_type(expected, json_type_array);
    kvtest_expect_true(v, "an item has an offset", is_list == key->has_offset);
    if (v->failed) return;
    json_object *text = is_list ? json_object_array_get_idx(expected, 0) : expected;
    kvtest_expect_bytes(v, "event extra key", key->value.data, key->value.size_bytes, text_of(text));
    if (is_list)
        kvtest_expect_u64(v, "event offset", (uint64_t)key->offset,
                          (uint64_t)json_object_get_int64(json_object_array_get_idx(expected, 1)));
}

static void expect_event_keys(kvtest_vector *v, const name_chain *chain, const kvhash_scheme_request *request) {
    json_object *expected;
    if (!json_object_object_get_ex(v->line, "event_extra_keys", &expected)) return;
    kvtest_expect_true(v, "null without blocks", (expected == NULL) == (chain->count == 0));
    size_t room = request->item_count + 3;
    kvhash_extra_key *keys = kvtest_line_alloc(v, room * sizeof *keys);
    for (size_t i = 0; !v->failed && expected != NULL && i < chain->count; i++) {
        uint8_t digest[32];
        size_t count = 0;
        json_object *of_block = json_object_array_get_idx(expected, i);
        kvcore_status status = kvhash_vllm_event_keys(chain->scheme, request, i, keys, room, &count, digest, NULL);
        kvtest_expect_status(v, "event keys", status, KVCORE_OK);
        kvtest_expect_u64(v, "event keys", count, of_block == NULL ? 0 : json_object_array_length(of_block));
        for (size_t k = 0; !v->failed && k < count; k++)
            expect_extra_key(v, &keys[k], json_object_array_get_idx(of_block, k));
    }
}

static void expect_lift(kvtest_vector *v, const name_chain *chain) {
    kvhash_plh *lifted = kvtest_line_alloc(v, (chain->count + 1) * sizeof *lifted);
    kvtest_expect_status(v, "lift", kvhash_scheme_lift(chain->names, chain->count, chain->name_bytes, 0, NULL, lifted),
                         KVCORE_OK);
    for (size_t i = 0; i < chain->count; i++) kvtest_expect_u64(v, "lifted", kvhash_plh_position(lifted[i]), i);
}

static void check_form(kvtest_vector *v, kvhash_scheme_form form) {
    kvhash_scheme_request request = request_of(v);
    request.salt = optional(v->line, "salt");
    request.lora_name = optional(v->line, "lora_name");
    request.lora_path = optional(v->line, "lora_path");
    take_embeddings(v, &request);
    json_object_object_foreach(kvtest_field(v, v->line, "expect"), algorithm, expect) {
        kvhash_scheme_config config = config_of(v, kind_of(algorithm), "block_size");
        config.form = form;
        config.look_ahead = (uint32_t)kvtest_u64_or(v, v->line, "lookahead", 0);
        name_chain chain = chain_of(v, &config, &request);
        if (v->failed) {
            chain_free(&chain);
            return;
        }
        json_object *images, *event;
        expect_root(v, &chain, &request, kvtest_field(v, expect, "root"), &bytes_form);
        if (json_object_object_get_ex(expect, "preimage", &images)) expect_images(v, &chain, &request, images, false);
        expect_names(v, expect, &chain, &bytes_form);
        if (json_object_object_get_ex(expect, "event64_last", &event) && event != NULL && chain.count != 0)
            kvtest_expect_u64(v, "event64_last",
                              kvhash_scheme_event64(chain.scheme, chain.names + (chain.count - 1) * chain.name_bytes),
                              number_of(event));
        expect_event_keys(v, &chain, &request);
        expect_lift(v, &chain);
        chain_free(&chain);
    }
}

void check_vllm(kvtest_vector *v) { check_form(v, KVHASH_SCHEME_TAGGED); }
void check_vllm_untagged(kvtest_vector *v) { check_form(v, KVHASH_SCHEME_UNTAGGED); }
void check_vllm_bare(kvtest_vector *v) { check_form(v, KVHASH_SCHEME_BARE); }

static void check_roots(kvtest_vector *v) {
    kvhash_scheme_request request = KVHASH_SCHEME_REQUEST_INIT;
    json_object_object_foreach(kvtest_field(v, v->line, "expect"), algorithm, expect) {
        kvhash_scheme_config config = KVHASH_SCHEME_CONFIG_INIT;
        config.kind = kind_of(algorithm);
        config.block_size = 1;
        config.seed = optional(v->line, "seed");
        name_chain chain = chain_of(v, &config, &request);
        if (!v->failed) expect_root(v, &chain, &request, expect, &bytes_form);
        chain_free(&chain);
    }
}

static void check_view(kvtest_vector *v) {
    uint64_t small = kvtest_u64(v, v->line, "hash_block_size"), large = kvtest_u64(v, v->line, "block_size");
    json_object *hashes = kvtest_array(v, v->line, "hashes"), *expect = kvtest_array(v, v->line, "expect");
    size_t count = json_object_array_length(hashes), each = small == 0 ? 1 : (size_t)(large / small), found = 0;
    kvtest_expect_true(v, "block_size is a multiple", small != 0 && large % small == 0 && each != 0);
    for (size_t i = 0; !v->failed && i < count / each; i++, found++)
        kvtest_expect_text(v, "view",
                           json_object_get_string(json_object_array_get_idx(hashes, kvhash_vllm_view(i, each))),
                           json_object_get_string(json_object_array_get_idx(expect, i)));
    kvtest_expect_u64(v, "views", found, json_object_array_length(expect));
}

void check_vllm_misc(kvtest_vector *v) {
    const char *op = kvtest_string(v, v->line, "op");
    uint8_t key[256];
    if (strcmp(op, "root") == 0) {
        check_roots(v);
    } else if (strcmp(op, "event64") == 0) {
        kvtest_expect_u64(v, "event64", kvhash_scheme_last64(kvtest_hex(v, v->line, "hash")),
                          kvtest_u64(v, v->line, "expect"));
    } else if (strcmp(op, "group_key") == 0) {
        kvcore_bytes hash = kvtest_hex(v, v->line, "hash");
        if (hash.size_bytes > 250) {
            kvtest_differ(v, "a long hash");
            return;
        }
        kvtest_expect_status(v, "group key",
                             kvhash_vllm_group_key(hash, (uint32_t)kvtest_u64(v, v->line, "group"), key), KVCORE_OK);
        kvtest_expect_bytes(v, "group key", key, hash.size_bytes + 4, kvtest_hex(v, v->line, "expect"));
    } else if (strcmp(op, "view") == 0) {
        check_view(v);
    } else {
        kvtest_differ(v, "unknown op %s", op);
    }
}
