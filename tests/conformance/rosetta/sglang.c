#include "rosetta.h"

static const name_form storage_form = {
    .list = "storage", .first = "storage_first", .last = "storage_last", .digest = "storage_digest"};

static void expect_event_list(kvtest_vector *v, const int64_t *values, size_t count, json_object *expected) {
    if (json_object_is_type(expected, json_type_array)) {
        kvtest_expect_u64(v, "events", count, json_object_array_length(expected));
        for (size_t i = 0; !v->failed && i < count; i++)
            kvtest_expect_u64(v, "event", (uint64_t)values[i], number_of(json_object_array_get_idx(expected, i)));
        return;
    }
    kvtest_expect_u64(v, "events", count, kvtest_u64(v, expected, "n"));
    if (v->failed || count == 0) return;
    kvtest_expect_u64(v, "first event", (uint64_t)values[0], number_of(kvtest_field(v, expected, "first")));
    kvtest_expect_u64(v, "last event", (uint64_t)values[count - 1], number_of(kvtest_field(v, expected, "last")));
}

static void expect_events(kvtest_vector *v, name_chain *chain, const kvhash_scheme_request *request, const char *key,
                          bool dynamo) {
    json_object *expected;
    size_t count = 0, room = request->token_count + 1;
    if (!json_object_object_get_ex(kvtest_field(v, v->line, "expect"), key, &expected) || expected == NULL) return;
    int64_t *values = kvtest_line_alloc(v, room * sizeof *values);
    kvtest_expect_status(v, key, kvhash_sglang_events(chain->scheme, request, dynamo, values, room, &count, NULL),
                         KVCORE_OK);
    expect_event_list(v, values, count, expected);
}

/* The chain goes on from `prior`. */
static void take_prior(kvtest_vector *v, name_chain *chain, const kvhash_scheme_request *request) {
    if (kvtest_is_null(v->line, "prior")) return;
    kvcore_bytes prior = kvtest_hex(v, v->line, "prior");
    size_t room = chain->count;
    if (prior.size_bytes != 32) {
        kvtest_differ(v, "prior is not of 32 bytes");
        return;
    }
    kvtest_expect_status(
        v, "names after prior",
        kvhash_scheme_names(chain->scheme, request, 0, prior.data, chain->names, room, &chain->count, NULL), KVCORE_OK);
}

static void expect_tail(kvtest_vector *v, const name_chain *chain, size_t full, json_object *expect) {
    json_object *tail, *last;
    const uint8_t *names = chain->names;
    if (json_object_object_get_ex(expect, "storage_tail", &tail) && tail != NULL) {
        kvtest_expect_u64(v, "a tail", chain->count, full + 1);
        expect_name(v, "storage_tail", names + full * 32, 32, tail, &storage_form);
    }
    if (json_object_object_get_ex(expect, "int64_last", &last) && last != NULL && full != 0)
        kvtest_expect_u64(v, "int64_last", kvhash_scheme_event64(chain->scheme, names + (full - 1) * 32),
                          number_of(last));
}

void check_sglang(kvtest_vector *v) {
    kvhash_scheme_request request = request_of(v);
    kvhash_scheme_config config = config_of(v, KVHASH_SCHEME_SGLANG, "page_size");
    json_object *expect = kvtest_field(v, v->line, "expect");
    request.extra_key = optional(v->line, "extra_key");
    request.lora_id = optional(v->line, "lora_id");
    request.lora_name = optional(v->line, "lora_name");
    request.salt = optional(v->line, "salt");
    config.pairs = kvtest_has(v->line, "bigram") && kvtest_bool(v, v->line, "bigram");
    config.partial = true;
    name_chain chain = chain_of(v, &config, &request);
    if (!v->failed) {
        size_t units = request.token_count == 0 ? 0 : request.token_count - config.pairs;
        json_object *seed;
        if (json_object_object_get_ex(expect, "namespace_seed", &seed))
            expect_root(v, &chain, &request, seed, &storage_form);
        take_prior(v, &chain, &request);
        size_t full = units / (size_t)config.block_size;
        expect_tail(v, &chain, full, expect);
        chain.count = full;
        expect_names(v, expect, &chain, &storage_form);
        expect_events(v, &chain, &request, "events", false);
        expect_events(v, &chain, &request, "events_dynamo", true);
    }
    chain_free(&chain);
}

static void check_pad_values(kvtest_vector *v) {
    json_object *expect = kvtest_field(v, v->line, "expect"), *list = kvtest_array(v, expect, "pad_values");
    json_object *sequence = kvtest_array(v, expect, "sequence");
    uint64_t values[4] = {0};
    kvtest_expect_status(v, "pad values", kvhash_sglang_pad_values(kvtest_hex(v, v->line, "identity"), values),
                         KVCORE_OK);
    for (size_t i = 0; i < 4; i++)
        kvtest_expect_u64(v, "pad value", values[i], number_of(json_object_array_get_idx(list, i)));
    kvtest_expect_u64(v, "sequence", json_object_array_length(sequence), kvtest_u64(v, v->line, "length"));
    for (size_t i = 0; i < json_object_array_length(sequence); i++)
        kvtest_expect_u64(v, "sequence", values[i % 4], number_of(json_object_array_get_idx(sequence, i)));
}

void check_sglang_mm(kvtest_vector *v) {
    if (kvtest_has(v->line, "identity"))
        check_pad_values(v);
    else
        check_sglang(v);
}

static void check_error(kvtest_vector *v) {
    json_object *list = kvtest_array(v, v->line, "tokens");
    bool fits = true;
    for (size_t i = 0; i < json_object_array_length(list); i++) { /* what 64 unsigned bits cannot be asked for */
        const char *text = json_object_get_string(json_object_array_get_idx(list, i));
        fits &= strlen(text) < 20 || (strlen(text) == 20 && strcmp(text, "18446744073709551615") <= 0);
    }
    if (!fits) return;
    kvhash_scheme_request request = request_of(v);
    kvhash_scheme_config config = config_of(v, KVHASH_SCHEME_SGLANG, "page_size");
    kvhash_scheme *scheme = NULL;
    config.seed = (kvcore_bytes){NULL, 0};
    config.partial = true;
    uint8_t *names = kvtest_line_alloc(v, 32 * (request.token_count + 1));
    size_t count;
    kvtest_expect_status(v, "scheme", kvhash_scheme_create(&config, &scheme, NULL), KVCORE_OK);
    kvtest_expect_status(v, "a token that is refused",
                         kvhash_scheme_names(scheme, &request, 0, NULL, names, request.token_count, &count, NULL),
                         KVCORE_EOVERFLOW);
    kvhash_scheme_destroy(scheme);
}

static void check_seed(kvtest_vector *v, bool of_events) {
    uint8_t seed[32];
    bool given = false;
    kvcore_status status =
        kvhash_sglang_seed(optional(v->line, "extra_key"), optional(v->line, "salt"), of_events, seed, &given);
    kvtest_expect_status(v, "seed", status, KVCORE_OK);
    kvtest_expect_true(v, "a seed is given", given != kvtest_is_null(v->line, "expect"));
    if (given && !v->failed) kvtest_expect_bytes(v, "seed", seed, 32, kvtest_hex(v, v->line, "expect"));
}

void check_sglang_misc(kvtest_vector *v) {
    const char *op = kvtest_string(v, v->line, "op");
    if (strcmp(op, "int64") == 0) {
        kvtest_expect_u64(v, "int64", kvhash_scheme_first64(kvtest_hex(v, v->line, "hash")),
                          number_of(kvtest_field(v, v->line, "expect")));
    } else if (strcmp(op, "namespaced") == 0) {
        kvcore_bytes seed = kvtest_hex(v, v->line, "seed");
        int64_t published = 0;
        if (seed.size_bytes != 32) {
            kvtest_differ(v, "seed is not of 32 bytes");
            return;
        }
        kvtest_expect_status(
            v, "mix", kvhash_sglang_mix(seed.data, (int64_t)number_of(kvtest_field(v, v->line, "hash")), &published),
            KVCORE_OK);
        kvtest_expect_u64(v, "published", (uint64_t)published, number_of(kvtest_field(v, v->line, "expect")));
    } else if (strcmp(op, "error") == 0) {
        check_error(v);
    } else {
        check_seed(v, strcmp(op, "event_seed") == 0);
    }
}
