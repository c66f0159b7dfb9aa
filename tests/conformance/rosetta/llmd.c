#include "rosetta.h"

static const name_form number_form = {
    .list = "blocks", .first = "first", .last = "last", .digest = "digest", .numbers = true};

static int by_offset(const void *a, const void *b) {
    const kvhash_scheme_item *x = a, *y = b;
    return x->offset < y->offset ? -1 : x->offset > y->offset;
}

static void take_features(kvtest_vector *v, kvhash_scheme_request *request) {
    json_object *list;
    if (!json_object_object_get_ex(v->line, "features", &list) || list == NULL) return;
    request->feature_count = json_object_array_length(list);
    kvhash_scheme_features *features = kvtest_line_alloc(v, (request->feature_count + 1) * sizeof *features);
    for (size_t i = 0; i < request->feature_count; i++) {
        json_object *of_block = json_object_array_get_idx(list, i);
        features[i].count = of_block == NULL ? 0 : json_object_array_length(of_block);
        kvcore_bytes *hashes = kvtest_line_alloc(v, (features[i].count + 1) * sizeof *hashes);
        for (size_t k = 0; k < features[i].count; k++) hashes[k] = text_of(json_object_array_get_idx(of_block, k));
        features[i].hashes = hashes;
    }
    request->features = features;
}

/* What the items became: per full block the identifiers of those that meet it. */
static void expect_features(kvtest_vector *v, const name_chain *chain, const kvhash_scheme_request *request,
                            uint64_t size, json_object *expected) {
    if (expected == NULL) return;
    kvtest_expect_u64(v, "features", json_object_array_length(expected), chain->count);
    for (size_t i = 0; !v->failed && i < chain->count; i++) {
        json_object *of_block = json_object_array_get_idx(expected, i);
        size_t found = 0;
        for (size_t k = 0; k < request->item_count; k++) {
            const kvhash_scheme_item *item = &request->items[k];
            if (item->offset >= (i + 1) * size || item->offset + item->length <= i * size) continue;
            json_object *hash = of_block == NULL ? NULL : json_object_array_get_idx(of_block, found);
            kvtest_expect_bytes(v, "feature", item->id.data, item->id.size_bytes, text_of(hash));
            found++;
        }
        kvtest_expect_u64(v, "features of a block", found, of_block == NULL ? 0 : json_object_array_length(of_block));
    }
}

static void expect_names_of_line(kvtest_vector *v, kvhash_scheme *scheme, kvhash_scheme_request *request,
                                 json_object *expect) {
    json_object *error_text, *images, *features;
    uint8_t parent[8];
    kvcore_error error = {.text = ""};
    name_chain chain = {.scheme = scheme, .name_bytes = 8};
    size_t room = 0;
    kvtest_expect_status(v, "count", kvhash_scheme_count(scheme, request, &room, NULL), KVCORE_OK);
    chain.names = kvtest_line_alloc(v, 8 * (room + 1));
    bool has_parent = !kvtest_is_null(v->line, "parent");
    if (has_parent) kvcore_store_be64(parent, kvtest_u64(v, v->line, "parent"));
    kvcore_status status =
        kvhash_scheme_names(scheme, request, 0, has_parent ? parent : NULL, chain.names, room, &chain.count, &error);
    if (json_object_object_get_ex(expect, "error", &error_text)) {
        kvtest_expect_true(v, "an error", status != KVCORE_OK);
        kvtest_expect_text(v, "error", error.text, json_object_get_string(error_text));
        request->features = NULL;
    } else if (status != KVCORE_OK) {
        kvtest_differ(v, "names: %s", error.text);
    } else {
        expect_names(v, expect, &chain, &number_form);
        if (json_object_object_get_ex(expect, "features", &features) && request->features == NULL)
            expect_features(v, &chain, request, kvtest_u64(v, v->line, "block_size"), features);
        if (!has_parent && json_object_object_get_ex(expect, "preimage", &images))
            expect_images(v, &chain, request, images, true);
    }
    if (kvtest_has(expect, "root")) expect_root(v, &chain, request, kvtest_field(v, expect, "root"), &number_form);
}

static void check_names(kvtest_vector *v) {
    kvhash_scheme_request request = request_of(v);
    kvhash_scheme_config config = config_of(v, KVHASH_SCHEME_LLMD, "block_size");
    json_object *expect = kvtest_field(v, v->line, "expect"), *error_text;
    kvhash_scheme *scheme = NULL;
    kvcore_error error = {.text = ""};
    request.model = optional(v->line, "model");
    take_features(v, &request);
    if (request.item_count != 0) qsort((void *)request.items, request.item_count, sizeof *request.items, by_offset);
    if (kvtest_has(expect, "seed_hash"))
        kvtest_expect_u64(v, "seed_hash", kvhash_llmd_fnv(config.seed), kvtest_u64(v, expect, "seed_hash"));
    if (kvhash_scheme_create(&config, &scheme, &error) == KVCORE_OK)
        expect_names_of_line(v, scheme, &request, expect);
    else if (json_object_object_get_ex(expect, "error", &error_text))
        kvtest_expect_text(v, "error", error.text, json_object_get_string(error_text));
    else
        kvtest_differ(v, "scheme: %s", error.text);
    kvhash_scheme_destroy(scheme);
}

static void check_hash64(kvtest_vector *v) {
    json_object *expect = kvtest_field(v, v->line, "expect"), *error_text, *hash = kvtest_field(v, v->line, "hash");
    kvcore_error error = {.text = ""};
    uint64_t value = 0;
    if (!json_object_is_type(hash, json_type_string)) {
        kvtest_expect_u64(v, "value", number_of(hash), kvtest_u64(v, expect, "value"));
        return;
    }
    kvcore_status status = kvhash_llmd_hash64(kvtest_hex(v, v->line, "hash"), &value, &error);
    if (json_object_object_get_ex(expect, "error", &error_text)) {
        kvtest_expect_true(v, "an error", status != KVCORE_OK);
        kvtest_expect_text(v, "error", error.text, json_object_get_string(error_text));
    } else {
        kvtest_expect_status(v, "hash64", status, KVCORE_OK);
        kvtest_expect_u64(v, "value", value, kvtest_u64(v, expect, "value"));
    }
}

/* An event's extra key as an item hash; NULL when it is none. */
static json_object *item_hash_of(json_object *key) {
    if (json_object_is_type(key, json_type_array)) key = json_object_array_get_idx(key, 0);
    return json_object_is_type(key, json_type_string) ? key : NULL;
}

static json_object *parse_entries(json_object *raw) {
    json_object *parsed = json_object_new_array();
    for (size_t i = 0; i < json_object_array_length(raw); i++) {
        json_object *keys = json_object_array_get_idx(raw, i), *entry = NULL;
        for (size_t k = 0; keys != NULL && k < json_object_array_length(keys); k++) {
            json_object *hash = item_hash_of(json_object_array_get_idx(keys, k));
            if (hash == NULL) continue;
            if (entry == NULL) entry = json_object_new_array();
            json_object_array_add(entry, json_object_get(hash));
        }
        json_object_array_add(parsed, entry);
    }
    return parsed;
}

static json_object *realign(kvtest_vector *v, json_object *parsed, size_t blocks) {
    json_object *result = json_object_new_array();
    size_t entries = json_object_array_length(parsed), given = entries == 0 ? 0 : blocks;
    for (size_t i = 0; i < given; i++) {
        json_object *entry = NULL;
        size_t first = 0, count = 0;
        kvtest_expect_status(v, "realign", kvhash_llmd_realign(entries, blocks, i, &first, &count), KVCORE_OK);
        for (size_t k = first; k < first + count; k++) {
            json_object *from = json_object_array_get_idx(parsed, k);
            for (size_t m = 0; from != NULL && m < json_object_array_length(from); m++) {
                if (entry == NULL) entry = json_object_new_array();
                json_object_array_add(entry, json_object_get(json_object_array_get_idx(from, m)));
            }
        }
        json_object_array_add(result, entry);
    }
    return result;
}

static void expect_entries(kvtest_vector *v, const char *what, json_object *actual, json_object *expected) {
    kvtest_expect_text(v, what, json_object_to_json_string(actual), json_object_to_json_string(expected));
}

static void check_raw(kvtest_vector *v) {
    json_object *expect = kvtest_field(v, v->line, "expect"), *expected;
    size_t blocks = (size_t)kvtest_u64_or(v, v->line, "canonical_blocks", 0);
    json_object *parsed = parse_entries(kvtest_array(v, v->line, "raw_extra_keys"));
    expect_entries(v, "parsed", parsed, kvtest_field(v, expect, "parsed"));
    if (blocks != 0 && json_object_object_get_ex(expect, "realigned", &expected)) {
        json_object *result = realign(v, parsed, blocks);
        expect_entries(v, "realigned", result, expected);
        json_object_put(result);
    }
    json_object_put(parsed);
}

void check_llmd(kvtest_vector *v) {
    if (!kvtest_has(v->line, "op"))
        check_names(v);
    else if (strcmp(kvtest_string(v, v->line, "op"), "hash64") == 0)
        check_hash64(v);
    else
        check_raw(v);
}
