#include "rosetta.h"

#include <kvcore/hash256.h>

static const name_form signed_form = {.list = "chunks",
                                      .first = "first",
                                      .last = "last",
                                      .digest = "digest",
                                      .numbers = true,
                                      .is_signed = true,
                                      .text_digest = true};
static const name_form unsigned_form = {
    .list = "chunks", .first = "first", .last = "last", .digest = "digest", .numbers = true, .text_digest = true};
static const name_form bytes_form = {
    .list = "chunks", .first = "first", .last = "last", .digest = "digest", .text_digest = true};

static const struct algorithm {
    const char *name;
    kvhash_scheme_kind kind;
} algorithms[] = {
    {"builtin", KVHASH_SCHEME_LMCACHE_BUILTIN},
    {"sha256_cbor", KVHASH_SCHEME_LMCACHE_SHA256_CBOR},
    {"sha256", KVHASH_SCHEME_LMCACHE_SHA256},
    {"xxhash", KVHASH_SCHEME_LMCACHE_XXHASH},
    {"xxhash_cbor", KVHASH_SCHEME_LMCACHE_XXHASH_CBOR},
    {"blake3", KVHASH_SCHEME_LMCACHE_SERVER_BLAKE3},
    {"mp_blake3", KVHASH_SCHEME_LMCACHE_SERVER_BLAKE3},
    {"mp_sha256_cbor", KVHASH_SCHEME_LMCACHE_SERVER_SHA256_CBOR},
    {"mp_sha256", KVHASH_SCHEME_LMCACHE_SERVER_SHA256},
    {"mp_xxhash", KVHASH_SCHEME_LMCACHE_SERVER_XXHASH},
    {"mp_xxhash_cbor", KVHASH_SCHEME_LMCACHE_SERVER_XXHASH_CBOR},
};

static kvhash_scheme_kind kind_of(const char *name) {
    for (size_t i = 0; i < sizeof algorithms / sizeof *algorithms; i++)
        if (strcmp(algorithms[i].name, name) == 0) return algorithms[i].kind;
    return KVHASH_SCHEME_NONE;
}

static void expect_span(kvtest_vector *v, const name_chain *chain, const kvhash_scheme_request *request, uint64_t size,
                        json_object *span) {
    uint64_t from = chain->count == 0 ? 0 : (chain->count - 1) * size, to = from + size;
    if (to > request->token_count) to = request->token_count;
    kvtest_expect_u64(v, "span start", from, number_of(json_object_array_get_idx(span, 0)));
    kvtest_expect_u64(v, "span end", to, number_of(json_object_array_get_idx(span, 1)));
}

static void expect_algorithm(kvtest_vector *v, const kvhash_scheme_request *request, const char *name,
                             json_object *expect) {
    kvhash_scheme_config config = config_of(v, kind_of(name), "chunk_size");
    json_object *span, *root;
    bool server = strncmp(name, "mp_", 3) == 0 || strcmp(name, "blake3") == 0;
    config.partial = !server && kvtest_bool(v, v->line, "save_unfull");
    config.without_vllm = !server && !kvtest_bool(v, v->line, "vllm_installed");
    name_chain chain = chain_of(v, &config, request);
    if (!v->failed) {
        bool is_signed = config.kind == KVHASH_SCHEME_LMCACHE_BUILTIN || config.without_vllm;
        const name_form *form = server ? &bytes_form : is_signed ? &signed_form : &unsigned_form;
        if (json_object_object_get_ex(expect, "root", &root) && root != NULL)
            expect_root(v, &chain, request, root, form);
        expect_names(v, expect, &chain, form);
        if (json_object_object_get_ex(expect, "last_span", &span) && span != NULL)
            expect_span(v, &chain, request, (uint64_t)config.block_size, span);
    }
    chain_free(&chain);
}

static void expect_substituted(kvtest_vector *v, const kvhash_scheme_request *request, json_object *expected) {
    uint8_t *bytes = kvtest_line_alloc(v, 4 * request->token_count + 1);
    for (size_t i = 0; i < request->token_count; i++) kvcore_store_le32(bytes + 4 * i, request->tokens[i]);
    for (size_t i = 0; i < request->item_count; i++) {
        const kvhash_scheme_item *item = &request->items[i];
        for (uint64_t k = 0; k < item->length && item->offset + k < request->token_count; k++) {
            uint32_t value = 0;
            kvtest_expect_status(v, "item value", kvhash_lmcache_item_values(item->id, k, &value, 1), KVCORE_OK);
            kvcore_store_le32(bytes + 4 * (item->offset + k), value);
        }
    }
    kvcore_hash256 hash;
    kvtest_expect_status(v, "substituted", kvcore_sha256((kvcore_bytes){bytes, 4 * request->token_count}, &hash),
                         KVCORE_OK);
    expect_name(v, "substituted", hash.bytes, 32, expected, &(name_form){0});
}

static void check_chunks(kvtest_vector *v) {
    kvhash_scheme_request request = request_of(v);
    json_object_object_foreach(kvtest_field(v, v->line, "expect"), name, expect) {
        if (strcmp(name, "substituted") == 0)
            expect_substituted(v, &request, expect);
        else
            expect_algorithm(v, &request, name, expect);
    }
}

static void check_values(kvtest_vector *v) {
    json_object *expect = kvtest_array(v, v->line, "expect");
    size_t count = (size_t)kvtest_u64(v, v->line, "length");
    uint32_t *values = kvtest_line_alloc(v, 4 * (count + 1));
    kvtest_expect_status(v, "values", kvhash_lmcache_item_values(optional(v->line, "id"), 0, values, count), KVCORE_OK);
    kvtest_expect_u64(v, "values", count, json_object_array_length(expect));
    for (size_t i = 0; !v->failed && i < count; i++)
        kvtest_expect_u64(v, "value", values[i], number_of(json_object_array_get_idx(expect, i)));
}

static int64_t hash_integer(kvtest_vector *v, json_object *value) {
    int64_t hash = 0;
    kvtest_expect_status(v, "integer hash", kvhash_python_hash_decimal(text_of(value), &hash), KVCORE_OK);
    return hash;
}

static int64_t hash_value(kvtest_vector *v, json_object *value) {
    json_object *inner;
    int64_t hash = 0;
    if (json_object_is_type(value, json_type_string)) {
        kvtest_expect_status(v, "text hash", kvhash_python_hash_text(text_of(value), optional(v->line, "seed"), &hash),
                             KVCORE_OK);
        return hash;
    }
    if (json_object_is_type(value, json_type_object) && json_object_object_get_ex(value, "int", &inner))
        return hash_integer(v, inner);
    if (!json_object_is_type(value, json_type_object) || !json_object_object_get_ex(value, "tuple", &inner))
        return hash_integer(v, value);
    size_t count = json_object_array_length(inner);
    int64_t *hashes = kvtest_line_alloc(v, (count + 1) * sizeof *hashes);
    for (size_t i = 0; i < count; i++) {
        json_object *item = json_object_array_get_idx(inner, i);
        hashes[i] = json_object_is_type(item, json_type_object) ? hash_value(v, item) : hash_integer(v, item);
    }
    return kvhash_python_hash_tuple(hashes, count);
}

void check_lmcache(kvtest_vector *v) {
    const char *op = kvtest_string(v, v->line, "op");
    json_object *expect = kvtest_field(v, v->line, "expect");
    if (strcmp(op, "chunks") == 0)
        check_chunks(v);
    else if (strcmp(op, "mm_values") == 0)
        check_values(v);
    else if (strcmp(op, "normalize") == 0)
        kvtest_expect_u64(v, "normalize", kvhash_scheme_first64(kvtest_hex(v, v->line, "hash")), number_of(expect));
    else if (strcmp(op, "pyhash") == 0)
        kvtest_expect_u64(v, "pyhash", (uint64_t)hash_value(v, kvtest_field(v, v->line, "value")), number_of(expect));
    else
        kvtest_differ(v, "unknown op %s", op);
}

/* --- keys ------------------------------------------------------------------------------------------------------------ */

#define KEY_ROOM 4096

static void expect_engine_key(kvtest_vector *v, int64_t layer, json_object *expected) {
    json_object *hash = kvtest_field(v, v->line, "chunk_hash");
    kvcore_bytes tags[64];
    size_t tag_count = 0, length = 0;
    char *text = kvtest_line_alloc(v, KEY_ROOM);
    json_object_object_foreach(kvtest_field(v, v->line, "request_configs"), key, value) {
        if (strncmp(key, "lmcache.tag.", 12) != 0 || tag_count == 32) continue;
        tags[2 * tag_count] = kvcore_text(key + 12);
        tags[2 * tag_count++ + 1] = text_of(value);
    }
    kvcore_status status = kvhash_lmcache_engine_key(
        optional(v->line, "model"), (uint32_t)kvtest_u64(v, v->line, "world_size"),
        (uint32_t)kvtest_u64(v, v->line, "worker_id"), number_of(hash), json_object_get_string(hash)[0] == '-',
        optional(v->line, "dtype"), layer, tags, tag_count, text, KEY_ROOM - 1, &length);
    if (kvtest_has(kvtest_field(v, v->line, "expect"), "error")) {
        kvtest_expect_true(v, "an error", status != KVCORE_OK);
        return;
    }
    kvtest_expect_status(v, "engine key", status, KVCORE_OK);
    kvtest_expect_text(v, "engine key", text, json_object_get_string(expected));
    kvhash_lmcache_parsed parsed;
    kvtest_expect_status(v, "parse", kvhash_lmcache_parse_engine_key((kvcore_bytes){text, length}, &parsed), KVCORE_OK);
    kvtest_expect_true(v, "it reads back as the same key",
                       parsed.hash == number_of(hash) && parsed.layer == layer && parsed.tag_count == tag_count &&
                           parsed.world_size == kvtest_u64(v, v->line, "world_size") &&
                           parsed.worker == kvtest_u64(v, v->line, "worker_id"));
}

static void check_engine_key(kvtest_vector *v) {
    json_object *expect = kvtest_field(v, v->line, "expect"), *layers, *text = NULL;
    json_object_object_get_ex(expect, "text", &text);
    expect_engine_key(v, -1, text);
    if (!json_object_object_get_ex(expect, "layers", &layers) || layers == NULL) return;
    for (size_t i = 0; i < json_object_array_length(layers); i++)
        expect_engine_key(v, (int64_t)i, json_object_array_get_idx(layers, i));
}

static void expect_object_key(kvtest_vector *v, const char *form_name, kvhash_lmcache_form form, size_t index,
                              uint32_t rank, int64_t group) {
    json_object *expect = kvtest_field(v, v->line, "expect"), *list = NULL;
    char *text = kvtest_line_alloc(v, KEY_ROOM);
    size_t length = 0;
    kvcore_error error = {.text = ""};
    kvcore_status status =
        kvhash_lmcache_object_key(form, kvtest_hex(v, v->line, "hash"), optional(v->line, "model"), rank, group,
                                  optional(v->line, "salt"), text, KEY_ROOM - 1, &length, &error);
    if (kvtest_has(expect, "error")) {
        kvtest_expect_status(v, "a key that is refused", status, KVCORE_EFORMAT);
        return;
    }
    if (status != KVCORE_OK) {
        kvtest_differ(v, "object key: %s", error.text);
        return;
    }
    if (!json_object_object_get_ex(expect, form_name, &list)) return;
    kvtest_expect_text(v, form_name, text, json_object_get_string(json_object_array_get_idx(list, index)));
}

static void check_object_key(kvtest_vector *v) {
    static const char *const forms[] = {"native", "s3", "s3_path", "file", "raw_block"};
    static const kvhash_lmcache_form kinds[] = {KVHASH_LMCACHE_NATIVE, KVHASH_LMCACHE_NATIVE, KVHASH_LMCACHE_S3_PATH,
                                                KVHASH_LMCACHE_FILE, KVHASH_LMCACHE_RAW_BLOCK};
    json_object *groups = kvtest_array(v, v->line, "groups"), *ranks = NULL;
    uint32_t world = (uint32_t)kvtest_u64(v, v->line, "world_size"), first = 0, last = world - 1;
    size_t index = 0;
    json_object_object_get_ex(kvtest_field(v, v->line, "expect"), "kv_ranks", &ranks);
    if (!kvtest_is_null(v->line, "worker_id")) first = last = (uint32_t)kvtest_u64(v, v->line, "worker_id");
    for (size_t g = 0; g < json_object_array_length(groups); g++) {
        int64_t group = json_object_get_int64(json_object_array_get_idx(groups, g));
        for (uint32_t rank = first; rank <= last && !v->failed; rank++, index++) {
            uint32_t kv_rank = kvhash_lmcache_kv_rank(world, rank);
            if (ranks != NULL)
                kvtest_expect_u64(v, "kv_rank", kv_rank, number_of(json_object_array_get_idx(ranks, index)));
            for (size_t i = 0; i < 5; i++) expect_object_key(v, forms[i], kinds[i], index, kv_rank, group);
        }
    }
}

void check_lmcache_keys(kvtest_vector *v) {
    if (strcmp(kvtest_string(v, v->line, "op"), "engine_key") == 0)
        check_engine_key(v);
    else
        check_object_key(v);
}
