/* conformance_orchid FILE…: content keys against those of OrchidStratum on real Erlang systems. */
#include <string.h>

#include "vectors.h"

#include <kvcontent/key.h>
#include <kvcore/text.h>

typedef struct profile_row {
    kvcontent_term_profile profile;
    const char *name;
    const char *wire; /* the field of a map that has its order there */
} profile_row;

static const profile_row profiles[] = {{KVCONTENT_TERM_PORTABLE, "det", NULL},
                                       {KVCONTENT_TERM_OTP26, "otp26", "wire27"},
                                       {KVCONTENT_TERM_OTP25, "otp25", "wire25"}};

/* One line under one profile. */
typedef struct bench {
    kvtest_vector *v;
    const profile_row *as;
    kvcontent_terms *terms;
} bench;

static kvcontent_term build(bench *b, json_object *node);

static void must(bench *b, const char *what, kvcore_status status) {
    kvtest_expect_status(b->v, what, status, KVCORE_OK);
}

/* An array of term trees as handles that live as long as the line. */
static kvcontent_term *build_all(bench *b, json_object *array, size_t *count) {
    *count = json_object_array_length(array);
    kvcontent_term *terms = kvtest_line_alloc(b->v, *count * sizeof *terms);
    for (size_t i = 0; i < *count; i++) terms[i] = build(b, json_object_array_get_idx(array, i));
    return terms;
}

/* A decimal string of any length as a little-endian magnitude: multiply by ten, add a digit. */
static kvcontent_term build_integer(bench *b, kvcore_bytes text) {
    const char *digits = text.data;
    size_t at = text.size_bytes > 0 && digits[0] == '-', used = 0;
    bool negative = at == 1;
    uint8_t *magnitude = kvtest_line_alloc(b->v, text.size_bytes + 1);
    for (; at < text.size_bytes; at++) {
        unsigned carry = (unsigned)(digits[at] - '0');
        if (carry > 9) kvtest_differ(b->v, "not a decimal number");
        for (size_t i = 0; i < used; i++) {
            carry += magnitude[i] * 10u;
            magnitude[i] = (uint8_t)carry;
            carry >>= 8;
        }
        if (carry > 0) magnitude[used++] = (uint8_t)carry;
    }
    kvcontent_term term = {0}, same = {0};
    must(b, "integer", kvcontent_term_big_integer(b->terms, negative, (kvcore_bytes){magnitude, used}, &term));
    if (used < 8) { /* the two ways to make one agree */
        int64_t value = 0;
        int order = 1;
        for (size_t i = used; i-- > 0;) value = value * 256 + magnitude[i];
        must(b, "integer", kvcontent_term_integer(b->terms, negative ? -value : value, &same));
        must(b, "compare", kvcontent_term_compare_exact(b->terms, term, same, &order));
        kvtest_expect_true(b->v, "equality of both makers of an integer", order == 0);
    }
    return term;
}

static kvcontent_term build_float(bench *b, json_object *node) {
    kvcore_bytes bits = kvtest_hex(b->v, node, "bits");
    double value = 0;
    if (bits.size_bytes == 8) {
        uint64_t number = kvcore_load_be64(bits.data);
        memcpy(&value, &number, sizeof value);
    } else {
        kvtest_differ(b->v, "a float of %zu bytes", bits.size_bytes);
    }
    kvcontent_term term = {0};
    must(b, "float", kvcontent_term_float(b->terms, value, &term));
    return term;
}

static kvcontent_term build_byte_list(bench *b, kvcore_bytes bytes) {
    kvcontent_term values[256] = {{0}}, term = {0};
    kvcontent_term *elements = kvtest_line_alloc(b->v, bytes.size_bytes * sizeof *elements);
    for (size_t i = 0; i < bytes.size_bytes; i++) {
        unsigned value = ((const uint8_t *)bytes.data)[i];
        if (values[value].number == 0) must(b, "integer", kvcontent_term_integer(b->terms, value, &values[value]));
        elements[i] = values[value];
    }
    must(b, "byte list", kvcontent_term_list(b->terms, elements, bytes.size_bytes, (kvcontent_term){0}, &term));
    return term;
}

/* In the order of the running system if the vector has it for this profile. */
static kvcontent_term build_map(bench *b, json_object *node) {
    json_object *pairs = kvtest_array(b->v, node, "v");
    size_t count = json_object_array_length(pairs);
    kvcontent_term *keys = kvtest_line_alloc(b->v, count * sizeof *keys);
    kvcontent_term *values = kvtest_line_alloc(b->v, count * sizeof *values);
    bool given = b->as->wire != NULL && kvtest_has(node, b->as->wire);
    json_object *wire = given ? kvtest_array(b->v, node, b->as->wire) : NULL;
    for (size_t i = 0; i < count; i++) {
        size_t from = given ? json_object_get_uint64(json_object_array_get_idx(wire, i)) : i;
        json_object *pair = json_object_array_get_idx(pairs, from);
        keys[i] = build(b, json_object_array_get_idx(pair, 0));
        values[i] = build(b, json_object_array_get_idx(pair, 1));
    }
    kvcontent_term term = {0};
    must(b, "map", kvcontent_term_map(b->terms, keys, values, count, given, &term));
    return term;
}

static kvcontent_term build_function(bench *b, json_object *node) {
    kvcontent_term module = {0}, function = {0}, term = {0};
    must(b, "module", kvcontent_term_atom(b->terms, kvtest_text(b->v, node, "m"), &module));
    must(b, "function", kvcontent_term_atom(b->terms, kvtest_text(b->v, node, "f"), &function));
    must(b, "extfun",
         kvcontent_term_function(b->terms, module, function, (uint32_t)kvtest_u64(b->v, node, "a"), &term));
    return term;
}

static kvcontent_term build_leaf(bench *b, json_object *node, const char *kind) {
    kvcontent_term term = {0};
    if (strcmp(kind, "atom") == 0) {
        must(b, "atom", kvcontent_term_atom(b->terms, kvtest_text(b->v, node, "v"), &term));
    } else if (strcmp(kind, "int") == 0) {
        term = build_integer(b, kvtest_text(b->v, node, "v"));
    } else if (strcmp(kind, "float") == 0) {
        term = build_float(b, node);
    } else if (strcmp(kind, "bin") == 0) {
        must(b, "bin", kvcontent_term_binary(b->terms, kvtest_hex(b->v, node, "hex"), &term));
    } else if (strcmp(kind, "bits") == 0) {
        kvcore_bytes bytes = kvtest_hex(b->v, node, "hex");
        must(b, "bits", kvcontent_term_bits(b->terms, bytes.data, kvtest_u64(b->v, node, "nbits"), &term));
    } else if (strcmp(kind, "bytelist") == 0) {
        term = build_byte_list(b, kvtest_hex(b->v, node, "hex"));
    } else if (strcmp(kind, "extfun") == 0) {
        term = build_function(b, node);
    } else {
        kvtest_differ(b->v, "a term of kind \"%s\"", kind);
    }
    return term;
}

static kvcontent_term build(bench *b, json_object *node) {
    const char *kind = kvtest_string(b->v, node, "t");
    bool tuple = strcmp(kind, "tuple") == 0, improper = strcmp(kind, "ilist") == 0;
    if (strcmp(kind, "map") == 0) return build_map(b, node);
    if (!tuple && !improper && strcmp(kind, "list") != 0) return build_leaf(b, node, kind);
    size_t count;
    kvcontent_term *elements = build_all(b, kvtest_array(b->v, node, "v"), &count), tail = {0}, term = {0};
    if (improper) tail = build(b, kvtest_field(b->v, node, "tail"));
    must(b, kind,
         tuple ? kvcontent_term_tuple(b->terms, elements, count, &term)
               : kvcontent_term_list(b->terms, elements, count, tail, &term));
    return term;
}

static kvcore_bytes encode(bench *b, kvcontent_term term) {
    uint64_t size = 0;
    kvtest_expect_status(b->v, "size", kvcontent_term_encode(b->terms, term, b->as->profile, NULL, 0, &size),
                         KVCORE_EBUFFER);
    void *bytes = kvtest_line_alloc(b->v, (size_t)size);
    must(b, "encode", kvcontent_term_encode(b->terms, term, b->as->profile, bytes, (size_t)size, &size));
    return (kvcore_bytes){bytes, (size_t)size};
}

/* Bytes against a field that may have only their beginning. */
static void expect_etf(bench *b, kvcontent_term term, json_object *expect) {
    kvcore_bytes bytes = encode(b, term);
    kvtest_expect_u64(b->v, "len", bytes.size_bytes, kvtest_u64(b->v, expect, "len"));
    if (kvtest_has(expect, "etf")) {
        kvtest_expect_bytes(b->v, "etf", bytes.data, bytes.size_bytes, kvtest_hex(b->v, expect, "etf"));
    } else {
        kvcore_bytes head = kvtest_hex(b->v, expect, "etf_head");
        size_t size = bytes.size_bytes < head.size_bytes ? bytes.size_bytes : head.size_bytes;
        kvtest_expect_bytes(b->v, "etf_head", bytes.data, size, head);
    }
}

static void expect_hash(bench *b, const kvcore_hash256 *hash, json_object *expect) {
    kvtest_expect_bytes(b->v, "hash", hash->bytes, sizeof hash->bytes, kvtest_hex(b->v, expect, "hash"));
}

static void check_payload_hash(bench *b, json_object *expect) {
    kvcontent_term term = build(b, kvtest_field(b->v, b->v->line, "term"));
    kvcore_hash256 hash = {{0}};
    kvcore_status status = kvcontent_payload_key(b->terms, term, b->as->profile, &hash);
    kvtest_expect_status(b->v, "payload key", status, expect == NULL ? KVCORE_ENOTSUP : KVCORE_OK);
    if (expect == NULL) return;
    expect_etf(b, term, expect);
    expect_hash(b, &hash, expect);
}

static void check_hash_param(bench *b, json_object *expect) {
    json_object *param = kvtest_field(b->v, b->v->line, "param");
    kvcontent_term payload = build(b, kvtest_field(b->v, param, "payload")), key = {0}, expected = {0};
    must(b, "parameter key", kvcontent_parameter_key(b->terms, payload, b->as->profile, &key));
    json_object *result = kvtest_field(b->v, expect, "result");
    if (kvtest_has(result, "bin"))
        must(b, "binary", kvcontent_term_binary(b->terms, kvtest_hex(b->v, result, "bin"), &expected));
    else
        expected = build(b, kvtest_field(b->v, result, "term"));
    int order = 1;
    must(b, "compare", kvcontent_term_compare_exact(b->terms, key, expected, &order));
    kvtest_expect_true(b->v, "equality with the expected parameter key", order == 0);
}

static void check_blob_key(bench *b, json_object *expect) {
    kvcontent_term parts[2] = {{0}}, pair = {0};
    must(b, "step key", kvcontent_term_binary(b->terms, kvtest_hex(b->v, b->v->line, "step_key"), &parts[0]));
    parts[1] = build(b, kvtest_field(b->v, b->v->line, "key_name"));
    kvcore_hash256 hash = {{0}};
    must(b, "blob key", kvcontent_blob_key(b->terms, parts[0], parts[1], b->as->profile, &hash));
    must(b, "pair", kvcontent_term_tuple(b->terms, parts, 2, &pair));
    kvcore_bytes bytes = encode(b, pair);
    kvtest_expect_bytes(b->v, "preimage", bytes.data, bytes.size_bytes, kvtest_hex(b->v, expect, "preimage"));
    expect_hash(b, &hash, expect);
}

static void read_inputs(bench *b, kvcontent_step *step) {
    json_object *inputs = kvtest_field(b->v, b->v->line, "inputs");
    const char *shape = kvtest_string(b->v, inputs, "shape");
    bool map = strcmp(shape, "map") == 0, single = strcmp(shape, "single") == 0;
    json_object *params = single ? NULL : kvtest_array(b->v, inputs, map ? "entries" : "params");
    size_t count = single ? 1 : json_object_array_length(params);
    kvcontent_step_input *array = kvtest_line_alloc(b->v, count * sizeof *array);
    kvcontent_term *keys = kvtest_line_alloc(b->v, count * sizeof *keys);
    for (size_t i = 0; i < count; i++) {
        json_object *param = single ? kvtest_field(b->v, inputs, "param") : json_object_array_get_idx(params, i);
        if (map) {
            keys[i] = build(b, json_object_array_get_idx(param, 0));
            param = json_object_array_get_idx(param, 1);
        }
        array[i].name = build(b, kvtest_field(b->v, param, "name"));
        array[i].payload = build(b, kvtest_field(b->v, param, "payload"));
    }
    step->inputs = array;
    step->input_count = count;
    step->input_keys = map ? keys : NULL;
}

static void read_options(bench *b, kvcontent_step *step) {
    json_object *options = kvtest_array(b->v, kvtest_field(b->v, b->v->line, "opts"), "v");
    size_t count = json_object_array_length(options);
    kvcontent_step_option *array = kvtest_line_alloc(b->v, count * sizeof *array);
    for (size_t i = 0; i < count; i++) {
        json_object *pair = kvtest_array(b->v, json_object_array_get_idx(options, i), "v");
        array[i].key = build(b, json_object_array_get_idx(pair, 0));
        array[i].value = build(b, json_object_array_get_idx(pair, 1));
    }
    step->options = array;
    step->option_count = count;
    json_object *keys = kvtest_field(b->v, b->v->line, "cache_keys");
    if (strcmp(kvtest_string(b->v, keys, "t"), "list") == 0)
        step->cache_keys = build_all(b, kvtest_array(b->v, keys, "v"), &step->cache_key_count);
    else
        kvtest_differ(b->v, "cache_keys are no list");
}

static void read_implementation(bench *b, kvcontent_step *step) {
    json_object *impl = kvtest_field(b->v, b->v->line, "impl");
    if (strcmp(kvtest_string(b->v, impl, "kind"), "module") == 0) {
        must(b, "module", kvcontent_term_atom(b->terms, kvtest_text(b->v, impl, "atom"), &step->module));
        return;
    }
    must(b, "module", kvcontent_term_atom(b->terms, kvtest_text(b->v, impl, "module"), &step->function.module));
    must(b, "name", kvcontent_term_atom(b->terms, kvtest_text(b->v, impl, "name"), &step->function.name));
    step->function.arity = (uint32_t)kvtest_u64(b->v, impl, "arity");
    step->function.environment = build(b, kvtest_field(b->v, impl, "env"));
}

static void check_step_key(bench *b, json_object *expect) {
    kvcontent_step step = {0};
    read_implementation(b, &step);
    read_inputs(b, &step);
    read_options(b, &step);
    kvcore_hash256 hash = {{0}};
    kvcore_status status = kvcontent_step_key(b->terms, &step, b->as->profile, &hash, NULL);
    kvtest_expect_status(b->v, "step key", status, expect == NULL ? KVCORE_ENOTSUP : KVCORE_OK);
    if (expect == NULL) return;
    kvcontent_term term = {0};
    must(b, "step term", kvcontent_step_term(b->terms, &step, b->as->profile, &term, NULL));
    kvcore_bytes bytes = encode(b, term);
    kvtest_expect_bytes(b->v, "preimage", bytes.data, bytes.size_bytes, kvtest_hex(b->v, expect, "preimage"));
    expect_hash(b, &hash, expect);
}

static void check_sort(bench *b) {
    size_t count;
    kvcontent_term *terms = build_all(b, kvtest_array(b->v, b->v->line, "terms"), &count);
    uint32_t *order = kvtest_line_alloc(b->v, count * sizeof *order);
    must(b, "sort", kvcontent_term_sort(b->terms, terms, (uint32_t)count, order));
    json_object *expected = kvtest_array(b->v, b->v->line, "order");
    kvtest_expect_u64(b->v, "indices", count, json_object_array_length(expected));
    for (size_t i = 0; i < count; i++)
        kvtest_expect_u64(b->v, "index", order[i],
                          kvtest_u64_of(b->v, json_object_array_get_idx(expected, i), "order"));
}

/* Calls that raise upstream: what of them C's types let through is refused. */
static void check_error(bench *b) {
    kvcontent_step step = {0};
    must(b, "atom", kvcontent_term_atom(b->terms, kvcore_text("m"), &step.module));
    kvcontent_step_input nameless = {.payload = step.module};
    if (strstr(kvtest_string(b->v, b->v->line, "call"), "arity") != NULL) {
        step.function = (kvcontent_step_function){step.module, step.module, 1, {0}};
        must(b, "list", kvcontent_term_list(b->terms, NULL, 0, (kvcontent_term){0}, &step.function.environment));
        step.module = (kvcontent_term){0};
    } else {
        step.inputs = &nameless;
        step.input_count = 1;
    }
    kvcore_hash256 hash;
    kvtest_expect_status(b->v, "step key", kvcontent_step_key(b->terms, &step, b->as->profile, &hash, NULL),
                         KVCORE_EINVAL);
}

static void check_under(bench *b) {
    static const struct {
        const char *name;
        void (*check)(bench *b, json_object *expect);
    } functions[] = {{"payload_hash", check_payload_hash},
                     {"hash_param", check_hash_param},
                     {"blob_key", check_blob_key},
                     {"step_key", check_step_key}};
    const char *name = kvtest_string(b->v, b->v->line, "fn");
    if (strcmp(name, "sort") == 0) {
        check_sort(b);
        return;
    }
    if (strcmp(name, "error") == 0) {
        check_error(b);
        return;
    }
    json_object *expect = kvtest_field(b->v, kvtest_field(b->v, b->v->line, "expect"), b->as->name);
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
        if (strcmp(name, functions[i].name) == 0) {
            functions[i].check(b, expect);
            return;
        }
    kvtest_differ(b->v, "a function \"%s\"", name);
}

static void check_line(kvtest_vector *v) {
    for (size_t i = 0; i < sizeof profiles / sizeof *profiles; i++) {
        bench b = {v, &profiles[i], NULL};
        must(&b, "create", kvcontent_terms_create(NULL, &b.terms));
        if (b.terms != NULL) check_under(&b);
        kvcontent_terms_destroy(b.terms);
    }
}

int main(int argc, char **argv) {
    static const kvtest_vector_kind kinds[] = {{.name = "*.jsonl", .check = check_line}};
    return kvtest_run_vectors(argc, argv, kinds, 1);
}
