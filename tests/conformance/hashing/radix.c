/* radix_ops: a map from names to 32-bit values, in levels by position.
 *
 * Our index maps names to sets of holders. Here a value is such a set: holder b has the name if bit b of the value is set, and
 * holder 32 has each name that is in the map. */
#include <stdlib.h>
#include <string.h>

#include <kvradix/index.h>

#include "checks.h"

#define VALUE_BITS 32

typedef struct radix_map {
    kvtest_vector *v;
    kvradix_index *index;
    bool *touched; /* levels: the original makes one at each look-up, which our index does not */
} radix_map;

static kvhash_holder bit(uint64_t number) { return (kvhash_holder){number, 0, 0}; }

static json_object *get(const radix_map *m, kvhash_plh name) {
    kvhash_holder holders[VALUE_BITS + 1];
    size_t count = 0;
    m->touched[kvhash_plh_position(name)] = true;
    kvtest_expect_status(m->v, "holders", kvradix_index_holders(m->index, name, holders, VALUE_BITS + 1, &count),
                         KVCORE_OK);
    uint64_t value = 0;
    for (size_t i = 0; i < count; i++) value |= UINT64_C(1) << holders[i].worker;
    return value == 0 ? NULL : json_object_new_int64((int64_t)(uint32_t)value);
}

static void set(const radix_map *m, kvhash_plh name, bool present, uint32_t value) {
    uint64_t bits = (uint64_t)present << VALUE_BITS | value;
    for (uint64_t b = 0; b <= VALUE_BITS; b++)
        kvtest_expect_status(m->v, "change",
                             bits >> b & 1 ? kvradix_index_store(m->index, bit(b), &name, 1)
                                           : kvradix_index_remove(m->index, bit(b), &name, 1),
                             KVCORE_OK);
}

/* How many names of a position a dump holds. */
static int64_t count_level(const radix_map *m, uint64_t position) {
    size_t size = 0, written = 0;
    if (kvradix_index_dump(m->index, NULL, 0, &size) != KVCORE_EBUFFER) kvtest_differ(m->v, "a dump without a size");
    uint8_t *bytes = kvtest_line_alloc(m->v, size);
    kvtest_expect_status(m->v, "dump", kvradix_index_dump(m->index, bytes, size, &written), KVCORE_OK);
    kvradix_index_counts counts = kvradix_index_count(m->index);
    const uint8_t *at = bytes + 24 + 32 * counts.holders;
    int64_t count = 0;
    for (size_t i = 0; i < counts.names; i++, at += KVHASH_PLH_BYTES + (counts.holders + 7) / 8) {
        kvhash_plh name;
        kvtest_expect_status(m->v, "name", kvhash_plh_decode(at, &name), KVCORE_OK);
        count += kvhash_plh_position(name) == position;
    }
    return count;
}

static kvhash_plh name_of(kvtest_vector *v, json_object *op) {
    kvhash_plh name = {0, 0};
    kvcore_bytes bytes = kvtest_hex(v, op, "key");
    if (bytes.size_bytes != KVHASH_PLH_BYTES || kvhash_plh_decode(bytes.data, &name) != KVCORE_OK)
        kvtest_differ(v, "a key that is no name");
    return name;
}

/* What the original answers, as JSON; NULL is null. */
static json_object *answer(const radix_map *m, json_object *op) {
    kvtest_vector *v = m->v;
    const char *kind = kvtest_string(v, op, "op");
    if (strcmp(kind, "len") == 0) {
        size_t count = kvradix_index_count(m->index).names;
        kvtest_expect_true(v, "is_empty", (count == 0) == kvtest_bool(v, op, "is_empty"));
        return json_object_new_int64((int64_t)count);
    }
    if (strcmp(kind, "position_len") == 0) {
        uint64_t position = kvtest_u64(v, op, "position");
        bool touched = position <= KVHASH_PLH_MAX_POSITION && m->touched[position];
        return touched ? json_object_new_int64(count_level(m, position)) : NULL;
    }
    kvhash_plh name = name_of(v, op);
    json_object *before = get(m, name);
    if (strcmp(kind, "insert") == 0)
        set(m, name, true, (uint32_t)kvtest_u64(v, op, "value"));
    else if (strcmp(kind, "remove") == 0)
        set(m, name, false, 0);
    else if (strcmp(kind, "get") != 0)
        kvtest_differ(v, "an operation \"%s\"", kind);
    return before;
}

void check_radix_ops(kvtest_vector *v) {
    radix_map m = {.v = v, .touched = calloc(KVHASH_PLH_MAX_POSITION + 1, sizeof *m.touched)};
    kvradix_config config = KVRADIX_CONFIG_INIT;
    kvtest_expect_status(v, "create", kvradix_index_create(&config, &m.index, NULL), KVCORE_OK);
    json_object *ops = kvtest_array(v, v->line, "ops");
    for (size_t i = 0; !v->failed && m.touched != NULL && i < json_object_array_length(ops); i++) {
        json_object *op = json_object_array_get_idx(ops, i), *actual = answer(&m, op);
        if (!json_object_equal(actual, kvtest_field(v, op, "ret")))
            kvtest_differ(v, "op %zu: got %s, expected %s", i, json_object_to_json_string(actual),
                          json_object_to_json_string(kvtest_field(v, op, "ret")));
        json_object_put(actual);
        kvtest_expect_status(v, "validate", kvradix_index_validate(m.index, NULL), KVCORE_OK);
    }
    kvradix_index_destroy(m.index);
    free(m.touched);
}
