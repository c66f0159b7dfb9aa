/* Objects by key, and the in-memory object store of WombatKV on top of them. */
#include "store.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <kvwombat/checksum.h>

int store_compare(kvcore_bytes a, kvcore_bytes b) {
    size_t shared = a.size_bytes < b.size_bytes ? a.size_bytes : b.size_bytes;
    int order = shared == 0 ? 0 : memcmp(a.data, b.data, shared);
    return order != 0 ? order : a.size_bytes < b.size_bytes ? -1 : a.size_bytes > b.size_bytes;
}

kvcore_bytes store_copy(kvtest_vector *v, const void *data, size_t size_bytes) {
    void *memory = kvtest_line_alloc(v, size_bytes + 1);
    if (size_bytes > 0) memcpy(memory, data, size_bytes);
    return (kvcore_bytes){memory, size_bytes};
}

kvcore_bytes store_text_at(kvtest_vector *v, json_object *array, size_t index) {
    json_object *value = json_object_array_get_idx(array, index);
    if (!json_object_is_type(value, json_type_string)) {
        kvtest_differ(v, "element %zu is not a string", index);
        return (kvcore_bytes){"", 0};
    }
    return (kvcore_bytes){json_object_get_string(value), (size_t)json_object_get_string_len(value)};
}

/* Where the key stands, or where it would. */
static size_t place(const store_objects *objects, kvcore_bytes key, bool *there) {
    size_t low = 0, high = objects->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = store_compare(objects->rows[middle].key, key);
        if (order == 0) return *there = true, middle;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return *there = false, low;
}

struct store_object *store_find(const store_objects *objects, kvcore_bytes key) {
    bool there;
    size_t at = place(objects, key, &there);
    return there ? &objects->rows[at] : NULL;
}

void store_put(kvtest_vector *v, store_objects *objects, kvcore_bytes key, kvcore_bytes bytes) {
    bool there;
    size_t at = place(objects, key, &there);
    if (there) {
        objects->rows[at].bytes = bytes;
        return;
    }
    if (objects->count == objects->capacity) {
        size_t capacity = objects->capacity == 0 ? 16 : 2 * objects->capacity;
        struct store_object *rows = kvtest_line_alloc(v, capacity * sizeof *rows);
        if (objects->count > 0) memcpy(rows, objects->rows, objects->count * sizeof *rows);
        objects->rows = rows;
        objects->capacity = capacity;
    }
    memmove(objects->rows + at + 1, objects->rows + at, (objects->count - at) * sizeof *objects->rows);
    objects->rows[at] = (struct store_object){key, bytes};
    objects->count++;
}

bool store_delete(store_objects *objects, kvcore_bytes key) {
    bool there;
    size_t at = place(objects, key, &there);
    if (!there) return false;
    objects->count--;
    memmove(objects->rows + at, objects->rows + at + 1, (objects->count - at) * sizeof *objects->rows);
    return true;
}

bool store_begins(kvcore_bytes text, kvcore_bytes front) {
    return text.size_bytes >= front.size_bytes &&
           (front.size_bytes == 0 || memcmp(text.data, front.data, front.size_bytes) == 0);
}

void store_expect_objects(kvtest_vector *v, const store_objects *objects, json_object *expected) {
    kvtest_expect_u64(v, "objects", objects->count, (uint64_t)json_object_object_length(expected));
    json_object_object_foreach(expected, key, value) {
        const struct store_object *found = store_find(objects, kvcore_text(key));
        if (found == NULL) {
            kvtest_differ(v, "no object %s", key);
            return;
        }
        kvtest_expect_bytes(v, key, found->bytes.data, found->bytes.size_bytes, kvtest_hex_of(v, value, key));
    }
}

void store_load(kvtest_vector *v, json_object *from, store_objects *objects) {
    json_object_object_foreach(from, key, value) store_put(v, objects, kvcore_text(key), kvtest_hex_of(v, value, key));
}

/* ---- the in-memory object store ---- */

static const char *token_text(kvtest_vector *v, kvcore_bytes bytes) {
    char *text = kvtest_line_alloc(v, 17);
    snprintf(text, 17, "%016" PRIx64, kvwombat_fnv64(bytes));
    return text;
}

static void expect_token(kvtest_vector *v, json_object *token, const struct store_object *found) {
    kvtest_expect_true(v, "whether there is a token", (token != NULL) == (found != NULL));
    if (token == NULL || found == NULL) return;
    kvtest_expect_text(v, "token", token_text(v, found->bytes), kvtest_string(v, token, "fnv64"));
}

/* A conditional put: "success" and it is done, or {"conflict": token of what is there, or null}. */
static void conditional_put(kvtest_vector *v, store_objects *objects, json_object *step, bool allowed) {
    kvcore_bytes key = kvtest_text(v, step, "key");
    json_object *expect = kvtest_field(v, step, "expect");
    bool succeeds = json_object_is_type(expect, json_type_string);
    kvtest_expect_true(v, "whether the put happens", succeeds == allowed);
    if (!succeeds) expect_token(v, kvtest_field(v, expect, "conflict"), store_find(objects, key));
    if (allowed) store_put(v, objects, key, kvtest_hex(v, step, "bytes"));
}

static void put_if_absent(kvtest_vector *v, store_objects *objects, json_object *step) {
    conditional_put(v, objects, step, store_find(objects, kvtest_text(v, step, "key")) == NULL);
}

static void put_if_token(kvtest_vector *v, store_objects *objects, json_object *step) {
    const struct store_object *found = store_find(objects, kvtest_text(v, step, "key"));
    const char *token = kvtest_string(v, kvtest_field(v, step, "token"), "fnv64");
    conditional_put(v, objects, step, found != NULL && strcmp(token_text(v, found->bytes), token) == 0);
}

static void put(kvtest_vector *v, store_objects *objects, json_object *step) {
    kvcore_bytes key = kvtest_text(v, step, "key");
    if (store_find(objects, key) == NULL) store_put(v, objects, key, kvtest_hex(v, step, "bytes"));
}

static void overwrite(kvtest_vector *v, store_objects *objects, json_object *step) {
    store_put(v, objects, kvtest_text(v, step, "key"), kvtest_hex(v, step, "bytes"));
}

static void delete_object(kvtest_vector *v, store_objects *objects, json_object *step) {
    bool existed = store_delete(objects, kvtest_text(v, step, "key"));
    kvtest_expect_true(v, "existed", existed == kvtest_bool(v, step, "existed"));
}

/* What a read gives, or {"error": "ObjectNotFound", "key": …}. */
static void expect_read(kvtest_vector *v, json_object *step, const struct store_object *found, kvcore_bytes bytes) {
    json_object *expect = kvtest_field(v, step, "expect");
    kvtest_expect_true(v, "whether there is an object", (found != NULL) == kvtest_has(expect, "ok"));
    if (found != NULL) {
        kvtest_expect_bytes(v, "bytes", bytes.data, bytes.size_bytes, kvtest_hex(v, expect, "ok"));
        return;
    }
    kvtest_expect_text(v, "error", "ObjectNotFound", kvtest_string(v, expect, "error"));
    kvtest_expect_text(v, "key", kvtest_string(v, step, "key"), kvtest_string(v, expect, "key"));
}

static void get(kvtest_vector *v, store_objects *objects, json_object *step) {
    const struct store_object *found = store_find(objects, kvtest_text(v, step, "key"));
    expect_read(v, step, found, found == NULL ? (kvcore_bytes){NULL, 0} : found->bytes);
}

static void get_range(kvtest_vector *v, store_objects *objects, json_object *step) {
    const struct store_object *found = store_find(objects, kvtest_text(v, step, "key"));
    uint64_t start = kvtest_u64(v, step, "start"), end = kvtest_u64(v, step, "end");
    kvcore_bytes bytes = {NULL, 0};
    if (found != NULL) {
        if (end > found->bytes.size_bytes) end = found->bytes.size_bytes;
        if (start < end) bytes = (kvcore_bytes){(const uint8_t *)found->bytes.data + start, (size_t)(end - start)};
    }
    expect_read(v, step, found, bytes);
}

static void read_with_token(kvtest_vector *v, store_objects *objects, json_object *step) {
    const struct store_object *found = store_find(objects, kvtest_text(v, step, "key"));
    json_object *expect = kvtest_field(v, step, "expect");
    kvtest_expect_true(v, "whether there is an object", (found != NULL) == (expect != NULL));
    if (found == NULL || expect == NULL) return;
    kvtest_expect_bytes(v, "bytes", found->bytes.data, found->bytes.size_bytes, kvtest_hex(v, expect, "bytes"));
    expect_token(v, kvtest_field(v, expect, "token"), found);
}

static void compare_and_swap(kvtest_vector *v, store_objects *objects, json_object *step) {
    kvcore_bytes key = kvtest_text(v, step, "key");
    const struct store_object *found = store_find(objects, key);
    bool matches = kvtest_is_null(step, "expected")
                       ? found == NULL
                       : found != NULL && store_compare(found->bytes, kvtest_hex(v, step, "expected")) == 0;
    kvtest_expect_true(v, "swapped", matches == kvtest_bool(v, step, "swapped"));
    if (matches) store_put(v, objects, key, kvtest_hex(v, step, "bytes"));
}

static const struct {
    const char *name;
    void (*take)(kvtest_vector *v, store_objects *objects, json_object *step);
} steps[] = {{"put_if_absent", put_if_absent},
             {"put_if_token", put_if_token},
             {"put", put},
             {"overwrite", overwrite},
             {"delete", delete_object},
             {"get", get},
             {"get_range", get_range},
             {"read_with_token", read_with_token},
             {"compare_and_swap", compare_and_swap}};

static void take_step(kvtest_vector *v, store_objects *objects, json_object *step) {
    const char *name = kvtest_string(v, step, "do");
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
        if (strcmp(steps[i].name, name) == 0) {
            steps[i].take(v, objects, step);
            return;
        }
    kvtest_differ(v, "a step \"%s\"", name);
}

/* Keys that begin with "a" in ascending order. */
static void expect_list(kvtest_vector *v, const store_objects *objects, json_object *keys) {
    size_t count = 0;
    for (size_t i = 0; i < objects->count; i++) {
        if (!store_begins(objects->rows[i].key, kvcore_text("a"))) continue;
        if (count < json_object_array_length(keys))
            kvtest_expect_bytes(v, "listed key", objects->rows[i].key.data, objects->rows[i].key.size_bytes,
                                store_text_at(v, keys, count));
        count++;
    }
    kvtest_expect_u64(v, "listed keys", count, json_object_array_length(keys));
}

static void check_object_store(kvtest_vector *v) {
    store_objects objects = {0};
    json_object *rows = kvtest_array(v, v->line, "steps");
    for (size_t i = 0; i < json_object_array_length(rows) && !v->failed; i++)
        take_step(v, &objects, json_object_array_get_idx(rows, i));
    expect_list(v, &objects, kvtest_array(v, v->line, "list_a"));
    store_expect_objects(v, &objects, kvtest_field(v, v->line, "objects"));
}

const store_op store_memory_ops[] = {{"object_store", check_object_store}, {NULL, NULL}};
