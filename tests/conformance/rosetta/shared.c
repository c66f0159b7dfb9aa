#include "rosetta.h"

#include <inttypes.h>

#include <kvcore/hash256.h>
#include <kvcore/text.h>

uint64_t generate(uint64_t *state) {
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *state >> 32;
}

kvcore_bytes text_of(json_object *value) {
    if (value == NULL) return (kvcore_bytes){NULL, 0};
    return (kvcore_bytes){json_object_get_string(value), (size_t)json_object_get_string_len(value)};
}

kvcore_bytes optional(json_object *object, const char *key) {
    json_object *value = NULL;
    json_object_object_get_ex(object, key, &value);
    return text_of(value);
}

uint64_t number_of(json_object *value) {
    const char *text = json_object_get_string(value);
    if (text == NULL) return 0;
    return text[0] == '-' ? 0 - strtoull(text + 1, NULL, 10) : strtoull(text, NULL, 10);
}

static void generate_tokens(kvtest_vector *v, kvhash_scheme_request *request, json_object *from) {
    uint64_t state = kvtest_u64(v, from, "x0"), mod = kvtest_u64_or(v, from, "mod", 0);
    request->token_count = (size_t)kvtest_u64(v, from, "n");
    uint32_t *tokens = kvtest_line_alloc(v, (request->token_count + 1) * sizeof *tokens);
    for (size_t i = 0; i < request->token_count; i++) {
        uint64_t token = generate(&state);
        tokens[i] = (uint32_t)(mod != 0 ? token % mod : token);
    }
    request->tokens = tokens;
}

static void read_tokens(kvtest_vector *v, kvhash_scheme_request *request, json_object *list) {
    size_t count = json_object_array_length(list);
    uint32_t *tokens = kvtest_line_alloc(v, (count + 1) * sizeof *tokens);
    uint64_t *wide = kvtest_line_alloc(v, (count + 1) * sizeof *wide);
    bool is_wide = false;
    for (size_t i = 0; i < count; i++) {
        wide[i] = number_of(json_object_array_get_idx(list, i));
        tokens[i] = (uint32_t)wide[i];
        is_wide |= wide[i] > UINT32_MAX;
    }
    request->token_count = count;
    if (is_wide)
        request->wide_tokens = wide;
    else
        request->tokens = tokens;
}

kvhash_scheme_request request_of(kvtest_vector *v) {
    kvhash_scheme_request request = KVHASH_SCHEME_REQUEST_INIT;
    json_object *list, *mm;
    if (json_object_object_get_ex(v->line, "tokens_gen", &list))
        generate_tokens(v, &request, list);
    else if ((list = kvtest_field(v, v->line, "tokens")) != NULL)
        read_tokens(v, &request, list);
    if (!json_object_object_get_ex(v->line, "mm", &mm) || mm == NULL) return request;
    request.item_count = json_object_array_length(mm);
    kvhash_scheme_item *items = kvtest_line_alloc(v, (request.item_count + 1) * sizeof *items);
    for (size_t i = 0; i < request.item_count; i++) {
        json_object *item = json_object_array_get_idx(mm, i);
        items[i].id = kvtest_has(item, "identity") ? kvtest_hex(v, item, "identity") : optional(item, "id");
        items[i].offset = kvtest_u64_or(v, item, "offset", 0);
        items[i].length = kvtest_u64_or(v, item, "length", 0);
    }
    request.items = items;
    return request;
}

kvhash_scheme_config config_of(kvtest_vector *v, kvhash_scheme_kind kind, const char *size_key) {
    kvhash_scheme_config config = KVHASH_SCHEME_CONFIG_INIT;
    config.kind = kind;
    config.block_size = (int64_t)json_object_get_int64(kvtest_field(v, v->line, size_key));
    config.seed = optional(v->line, "seed");
    return config;
}

static void expect_same_from_every_block(kvtest_vector *v, const name_chain *all,
                                         const kvhash_scheme_request *request) {
    size_t step = all->count < 40 ? 1 : all->count / 7;
    for (size_t i = 1; i < all->count; i += step) {
        uint8_t name[KVHASH_SCHEME_NAME_BYTES];
        size_t count = 0;
        kvcore_status status =
            kvhash_scheme_names(all->scheme, request, i, all->names + (i - 1) * all->name_bytes, name, 1, &count, NULL);
        kvtest_expect_status(v, "one block", status, KVCORE_OK);
        kvtest_expect_true(v, "one block after its parent has the name that the whole request gives it",
                           count == 1 && memcmp(name, all->names + i * all->name_bytes, all->name_bytes) == 0);
    }
}

name_chain chain_of(kvtest_vector *v, const kvhash_scheme_config *config, const kvhash_scheme_request *request) {
    name_chain made = {0};
    kvcore_error error = {.text = ""};
    if (kvhash_scheme_create(config, &made.scheme, &error) != KVCORE_OK) {
        kvtest_differ(v, "scheme: %s", error.text);
        return made;
    }
    size_t room = 0;
    made.name_bytes = kvhash_scheme_name_bytes(made.scheme);
    kvtest_expect_status(v, "count", kvhash_scheme_count(made.scheme, request, &room, NULL), KVCORE_OK);
    made.names = kvtest_line_alloc(v, (room + 1) * made.name_bytes);
    kvcore_status status = kvhash_scheme_names(made.scheme, request, 0, NULL, made.names, room, &made.count, &error);
    if (status != KVCORE_OK) kvtest_differ(v, "names: %s", error.text);
    if (status == KVCORE_OK) expect_same_from_every_block(v, &made, request);
    return made;
}

void chain_free(name_chain *chain) {
    kvhash_scheme_destroy(chain->scheme);
    chain->scheme = NULL;
}

static void write_name(char text[80], const uint8_t *name, size_t size, const name_form *form) {
    if (form->numbers) {
        uint64_t number = kvhash_scheme_first64((kvcore_bytes){name, size});
        snprintf(text, 80, form->is_signed ? "%" PRId64 : "%" PRIu64, number);
        return;
    }
    kvcore_hex_encode(name, size, text);
    text[2 * size] = '\0';
}

void expect_name(kvtest_vector *v, const char *what, const uint8_t *name, size_t size, json_object *expected,
                 const name_form *form) {
    char text[80];
    write_name(text, name, size, form);
    kvtest_expect_text(v, what, text, expected == NULL ? "(null)" : json_object_get_string(expected));
}

static void expect_digest(kvtest_vector *v, const name_chain *names, json_object *expected, const name_form *form) {
    size_t used = 0;
    char *all = kvtest_line_alloc(v, names->count * 80 + 1);
    for (size_t i = 0; i < names->count; i++) {
        const uint8_t *name = names->names + i * names->name_bytes;
        if (form->text_digest) {
            if (i != 0) all[used++] = '\n';
            write_name(all + used, name, names->name_bytes, form);
            used += strlen(all + used);
        } else if (form->numbers) {
            kvcore_store_le64(all + used, kvcore_load_be64(name));
            used += 8;
        } else {
            memcpy(all + used, name, names->name_bytes);
            used += names->name_bytes;
        }
    }
    kvcore_hash256 hash;
    kvtest_expect_status(v, "digest", kvcore_sha256((kvcore_bytes){all, used}, &hash), KVCORE_OK);
    expect_name(v, "digest", hash.bytes, 32, expected, &(name_form){0});
}

void expect_names(kvtest_vector *v, json_object *expect, const name_chain *names, const name_form *form) {
    json_object *list = expect;
    if (json_object_is_type(expect, json_type_object)) json_object_object_get_ex(expect, form->list, &list);
    if (json_object_is_type(list, json_type_array)) {
        kvtest_expect_u64(v, "names", names->count, json_object_array_length(list));
        for (size_t i = 0; !v->failed && i < names->count; i++)
            expect_name(v, "name", names->names + i * names->name_bytes, names->name_bytes,
                        json_object_array_get_idx(list, i), form);
        return;
    }
    kvtest_expect_u64(v, "n", names->count, kvtest_u64(v, expect, "n"));
    json_object *first = kvtest_field(v, expect, form->first);
    bool several = json_object_is_type(first, json_type_array);
    for (size_t i = 0; !v->failed && i < (several ? json_object_array_length(first) : 1); i++)
        expect_name(v, "first", names->names + i * names->name_bytes, names->name_bytes,
                    several ? json_object_array_get_idx(first, i) : first, form);
    if (v->failed || names->count == 0) return;
    expect_name(v, "last", names->names + (names->count - 1) * names->name_bytes, names->name_bytes,
                kvtest_field(v, expect, form->last), form);
    if (kvtest_has(expect, form->digest)) expect_digest(v, names, kvtest_field(v, expect, form->digest), form);
}

void expect_images(kvtest_vector *v, const name_chain *chain, const kvhash_scheme_request *request, json_object *images,
                   bool root_first) {
    static const size_t capacity = 70000;
    uint8_t *bytes = kvtest_line_alloc(v, capacity);
    for (size_t i = 0; !v->failed && i < json_object_array_length(images); i++) {
        size_t size = 0, block = root_first ? i - 1 : i;
        kvcore_error error = {.text = ""};
        if (kvhash_scheme_preimage(chain->scheme, request, block, NULL, bytes, capacity, &size, &error) != KVCORE_OK)
            kvtest_differ(v, "preimage: %s", error.text);
        kvtest_expect_bytes(v, "preimage", bytes, size,
                            kvtest_hex_of(v, json_object_array_get_idx(images, i), "preimage"));
    }
}

void expect_root(kvtest_vector *v, name_chain *chain, const kvhash_scheme_request *request, json_object *expected,
                 const name_form *form) {
    uint8_t root[KVHASH_SCHEME_NAME_BYTES] = {0};
    size_t size = 0;
    kvtest_expect_status(v, "root", kvhash_scheme_root(chain->scheme, request, root, &size, NULL), KVCORE_OK);
    if (expected == NULL)
        kvtest_expect_u64(v, "root bytes", size, 0);
    else
        expect_name(v, "root", root, size, expected, form);
}
