/* tinylfu: the frequency sketch, counter by counter. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "checks.h"

/* Keys of 8 bytes use only `low`. */
typedef struct keys {
    kvhash_plh *values;
    size_t count;
    bool wide;
} keys;

static uint64_t big_endian(const uint8_t *bytes) {
    uint64_t value = 0;
    for (int i = 0; i < 8; i++) value = value << 8 | bytes[i];
    return value;
}

static keys read_keys(kvtest_vector *v) {
    json_object *list = kvtest_array(v, v->line, "keys");
    const char *type = kvtest_string(v, v->line, "key_type");
    keys k = {.count = json_object_array_length(list), .wide = strcmp(type, "u128") == 0};
    if (!k.wide && strcmp(type, "u64") != 0) kvtest_differ(v, "key_type \"%s\" is not known", type);
    size_t size = k.wide ? 16 : 8;
    k.values = kvtest_line_alloc(v, k.count * sizeof *k.values);
    for (size_t i = 0; i < k.count; i++) {
        kvcore_bytes bytes = kvtest_hex_of(v, json_object_array_get_idx(list, i), "keys");
        if (bytes.size_bytes != size) {
            kvtest_differ(v, "keys[%zu] is not %zu bytes", i, size);
            continue;
        }
        const uint8_t *digits = bytes.data;
        k.values[i] = (kvhash_plh){k.wide ? big_endian(digits) : 0, big_endian(digits + size - 8)};
    }
    return k;
}

static void touch(kvlogical_frequency *sketch, const keys *k, size_t key) {
    if (k->wide)
        kvlogical_frequency_touch(sketch, k->values[key]);
    else
        kvlogical_frequency_touch_u64(sketch, k->values[key].low);
}

static unsigned estimate(const kvlogical_frequency *sketch, const keys *k, size_t key) {
    return k->wide ? kvlogical_frequency_count(sketch, k->values[key])
                   : kvlogical_frequency_count_u64(sketch, k->values[key].low);
}

static void run_op(kvtest_vector *v, kvlogical_frequency *sketch, const keys *k, size_t index, json_object *op) {
    const char *name = json_object_get_string(json_object_array_get_idx(op, 0));
    uint64_t key = kvtest_u64_of(v, json_object_array_get_idx(op, 1), "key");
    uint64_t number = kvtest_u64_of(v, json_object_array_get_idx(op, 2), "number");
    char what[60];
    snprintf(what, sizeof what, "ops[%zu] est of key %" PRIu64, index, key);
    if (name == NULL || key >= k->count)
        kvtest_differ(v, "ops[%zu] has no such key", index);
    else if (strcmp(name, "inc") == 0)
        for (uint64_t i = 0; i < number; i++) touch(sketch, k, key);
    else if (strcmp(name, "est") == 0)
        kvtest_expect_u64(v, what, estimate(sketch, k, key), number);
    else
        kvtest_differ(v, "ops[%zu]: there is no op \"%s\"", index, name);
}

void check_tinylfu(kvtest_vector *v) {
    keys k = read_keys(v);
    json_object *ops = kvtest_array(v, v->line, "ops"), *final = kvtest_array(v, v->line, "final_estimates");
    uint64_t threshold = kvtest_u64_or(v, v->line, "decay_threshold", 0);
    /* 0 means the default to us; the size is at least 1 whenever it is compared, so 1 is what a recorded 0 means */
    if (threshold == 0 && !kvtest_is_null(v->line, "decay_threshold")) threshold = 1;
    kvlogical_frequency *sketch = NULL;
    if (v->failed ||
        !world_ok(v, "kvlogical_frequency_create",
                  kvlogical_frequency_create(kvtest_u64(v, v->line, "capacity"), (uint32_t)threshold, NULL, &sketch)))
        return;
    for (size_t i = 0; i < json_object_array_length(ops); i++)
        run_op(v, sketch, &k, i, json_object_array_get_idx(ops, i));
    kvtest_expect_u64(v, "final estimates", k.count, json_object_array_length(final));
    for (size_t i = 0; i < k.count; i++) {
        char what[40];
        snprintf(what, sizeof what, "final_estimates[%zu]", i);
        kvtest_expect_u64(v, what, estimate(sketch, &k, i),
                          kvtest_u64_of(v, json_object_array_get_idx(final, i), what));
    }
    kvlogical_frequency_destroy(sketch);
}
