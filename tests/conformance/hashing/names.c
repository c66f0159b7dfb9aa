#include <stdlib.h>
#include <string.h>

#include <kvhash/hash.h>
#include <kvhash/plh.h>
#include <kvhash/psh.h>
#include <kvhash/wire.h>

#include "checks.h"

/* 32 hex digits, whatever their mode. */
static kvhash_plh raw_of(kvtest_vector *v, json_object *value, const char *what) {
    kvcore_bytes bytes = kvtest_hex_of(v, value, what);
    if (bytes.size_bytes != KVHASH_PLH_BYTES) {
        kvtest_differ(v, "\"%s\" is not 128 bits", what);
        return (kvhash_plh){0, 0};
    }
    return (kvhash_plh){kvcore_load_be64(bytes.data), kvcore_load_be64((const uint8_t *)bytes.data + 8)};
}

static void expect_parts(kvtest_vector *v, kvhash_plh name, json_object *expect) {
    kvtest_expect_u64(v, "mode", kvhash_plh_mode(name), kvtest_u64(v, expect, "mode"));
    kvtest_expect_u64(v, "position", kvhash_plh_position(name), kvtest_u64(v, expect, "position"));
    kvtest_expect_u64(v, "current", kvhash_plh_sequence_hash(name), kvtest_u64(v, expect, "current"));
    kvtest_expect_u64(v, "parent_fragment", kvhash_plh_parent_fragment(name), kvtest_u64(v, expect, "parent_fragment"));
    char text[KVHASH_PLH_TEXT_BYTES];
    size_t length = kvhash_plh_format(name, text);
    kvtest_expect_u64(v, "display length", length, strlen(text));
    kvtest_expect_text(v, "display", text, kvtest_string(v, expect, "display"));
}

static void expect_name(kvtest_vector *v, kvhash_plh name, json_object *expect) {
    expect_plh(v, "plh", name, kvtest_field(v, expect, "plh"));
    expect_parts(v, name, expect);
    /* it comes back from its text, unless it has a parent at position 0, which the text does not show */
    if (kvhash_plh_position(name) == 0 && kvhash_plh_parent_fragment(name) != 0) return;
    kvhash_plh parsed = {0, 0};
    const char *text = kvtest_string(v, expect, "display");
    kvtest_expect_status(v, "parse", kvhash_plh_parse(text, strlen(text), &parsed), KVCORE_OK);
    kvtest_expect_true(v, "parsed equals", kvhash_plh_equal(parsed, name));
}

static void expect_extend(kvtest_vector *v, kvhash_plh name, json_object *extend) {
    kvhash_plh child;
    kvcore_status status = kvhash_plh_extend(name, kvtest_u64(v, extend, "child_block_hash"), &child);
    if (kvtest_has(extend, "panic")) {
        kvtest_expect_status(v, "extend", status, KVHASH_EPOSITION);
    } else {
        kvtest_expect_status(v, "extend", status, KVCORE_OK);
        if (status == KVCORE_OK) expect_name(v, child, kvtest_field(v, extend, "result"));
    }
}

void check_plh_new(kvtest_vector *v) {
    json_object *expect = kvtest_field(v, v->line, "expect");
    kvhash_plh name = {0, 0};
    if (kvtest_has(v->line, "root")) {
        name = kvhash_plh_root(kvtest_u64(v, v->line, "root"));
    } else if (!kvtest_has(v->line, "default")) {
        kvcore_status status =
            kvhash_plh_make(kvtest_u64(v, v->line, "current"), kvtest_u64_or(v, v->line, "parent", 0),
                            kvtest_u64(v, v->line, "position"), &name);
        bool refused = kvtest_has(expect, "panic");
        kvtest_expect_status(v, "make", status, refused ? KVHASH_EPOSITION : KVCORE_OK);
        if (refused) return;
    }
    expect_name(v, name, expect);
    if (kvtest_has(expect, "fragment_for_child")) {
        json_object *fragments = kvtest_array(v, expect, "fragment_for_child");
        for (size_t i = 0; i < json_object_array_length(fragments) && !v->failed; i++) {
            json_object *pair = json_object_array_get_idx(fragments, i);
            uint64_t position = kvtest_u64_of(v, json_object_array_get_idx(pair, 0), "child position");
            kvtest_expect_u64(v, "fragment_for_child", kvhash_plh_fragment_for_child(name, position),
                              kvtest_u64_of(v, json_object_array_get_idx(pair, 1), "fragment"));
        }
    }
    if (kvtest_has(expect, "extend")) expect_extend(v, name, kvtest_field(v, expect, "extend"));
}

void check_plh_chain(kvtest_vector *v) {
    json_object *start = kvtest_field(v, v->line, "start"), *steps = kvtest_array(v, v->line, "steps");
    kvhash_plh name = {0, 0};
    kvtest_expect_status(v, "start",
                         kvhash_plh_make(kvtest_u64(v, start, "current"), kvtest_u64_or(v, start, "parent", 0),
                                         kvtest_u64(v, start, "position"), &name),
                         KVCORE_OK);
    for (size_t i = 0; i < json_object_array_length(steps) && !v->failed; i++) {
        json_object *step = json_object_array_get_idx(steps, i);
        uint64_t block_hash = kvtest_u64(v, step, "block_hash");
        bool refused = kvtest_has(step, "panic");
        uint64_t next = kvhash_next_sequence_hash(kvhash_plh_sequence_hash(name), block_hash);
        kvtest_expect_status(v, "extend", kvhash_plh_extend(name, block_hash, &name),
                             refused ? KVHASH_EPOSITION : KVCORE_OK);
        if (refused) continue;
        kvtest_expect_u64(v, "next_sequence_hash", next, kvtest_u64(v, step, "next_sequence_hash"));
        expect_plh(v, "plh", name, kvtest_field(v, step, "plh"));
    }
}

void check_plh_raw(kvtest_vector *v) {
    json_object *expect = kvtest_field(v, v->line, "expect");
    kvcore_bytes raw = kvtest_hex(v, v->line, "raw");
    kvhash_plh name = raw_of(v, kvtest_field(v, v->line, "raw"), "raw"), decoded = {0, 0};
    if (v->failed) return;
    bool refused = kvtest_has(expect, "panic");
    kvtest_expect_status(v, "decode", kvhash_plh_decode(raw.data, &decoded), refused ? KVHASH_EMODE : KVCORE_OK);
    kvtest_expect_true(v, "valid says the same", kvhash_plh_valid(name) == !refused);
    kvtest_expect_u64(v, "mode", kvhash_plh_mode(name), kvtest_u64(v, expect, "mode"));
    if (refused) return;
    expect_parts(v, decoded, expect);
    uint8_t encoded[KVHASH_PLH_BYTES];
    kvhash_plh_encode(decoded, encoded);
    kvtest_expect_bytes(v, "encode", encoded, sizeof encoded, raw);
}

static int compare_names(const void *a, const void *b) {
    return kvhash_plh_compare(*(const kvhash_plh *)a, *(const kvhash_plh *)b);
}

void check_plh_order(kvtest_vector *v) {
    if (json_object_is_type(v->line, json_type_array)) {
        kvhash_plh a = raw_of(v, json_object_array_get_idx(v->line, 0), "a");
        kvhash_plh b = raw_of(v, json_object_array_get_idx(v->line, 1), "b");
        int expected = json_object_get_int(json_object_array_get_idx(v->line, 2));
        if (kvhash_plh_compare(a, b) != expected || kvhash_plh_compare(b, a) != -expected)
            kvtest_differ(v, "compare: got %d and %d, expected %d and %d", kvhash_plh_compare(a, b),
                          kvhash_plh_compare(b, a), expected, -expected);
        return;
    }
    json_object *input = kvtest_array(v, v->line, "sort_input"), *sorted = kvtest_array(v, v->line, "sorted");
    size_t count = json_object_array_length(input);
    kvtest_expect_u64(v, "sorted", json_object_array_length(sorted), count);
    kvhash_plh *names = kvtest_line_alloc(v, count * sizeof *names);
    for (size_t i = 0; i < count; i++) names[i] = raw_of(v, json_object_array_get_idx(input, i), "sort_input");
    qsort(names, count, sizeof *names, compare_names);
    for (size_t i = 0; i < count && !v->failed; i++)
        expect_plh(v, "sorted", names[i], json_object_array_get_idx(sorted, i));
}

void check_psh(kvtest_vector *v) {
    json_object *expect = kvtest_field(v, v->line, "expect");
    kvhash_psh psh = {0, 0};
    kvcore_status status = kvhash_psh_make(kvtest_u64(v, v->line, "sequence_hash"), kvtest_u64(v, v->line, "position"),
                                           kvtest_u64(v, v->line, "local_block_hash"), &psh);
    bool refused = kvtest_has(expect, "panic");
    kvtest_expect_status(v, "make", status, refused ? KVHASH_EPOSITION : KVCORE_OK);
    if (refused) return;
    expect_psh(v, "psh", psh, kvtest_field(v, expect, "psh"));
    kvtest_expect_u64(v, "mode", kvhash_psh_mode(psh), kvtest_u64(v, expect, "mode"));
    kvtest_expect_u64(v, "position", kvhash_psh_position(psh), kvtest_u64(v, expect, "position"));
    kvtest_expect_u64(v, "sequence_hash", kvhash_psh_sequence_hash(psh), kvtest_u64(v, expect, "sequence_hash"));
    kvtest_expect_u64(v, "local_block_hash", kvhash_psh_block_hash(psh), kvtest_u64(v, expect, "local_block_hash"));
    char text[KVHASH_PSH_TEXT_BYTES];
    size_t length = kvhash_psh_format(psh, text);
    kvtest_expect_u64(v, "debug length", length, strlen(text));
    kvtest_expect_text(v, "debug", text, kvtest_string(v, expect, "debug"));
}

/* --- serde ---------------------------------------------------------------------------------------------------------- */

static void expect_plh_wire(kvtest_vector *v, kvhash_wire_format format, const char *what, kvhash_plh name,
                            kvcore_bytes expected) {
    uint8_t bytes[KVHASH_WIRE_MAX_BYTES];
    size_t size = 0;
    kvhash_plh back = {0, 0};
    kvtest_expect_status(v, what, kvhash_wire_write_plh(format, name, bytes, sizeof bytes, &size), KVCORE_OK);
    kvtest_expect_bytes(v, what, bytes, size, expected);
    kvtest_expect_status(v, what, kvhash_wire_read_plh(format, expected, &back, NULL), KVCORE_OK);
    kvtest_expect_true(v, what, kvhash_plh_equal(back, name));
}

static void expect_psh_wire(kvtest_vector *v, kvhash_wire_format format, const char *what, kvhash_psh psh,
                            kvcore_bytes expected) {
    uint8_t bytes[KVHASH_WIRE_MAX_BYTES];
    size_t size = 0;
    kvhash_psh back = {0, 0};
    kvtest_expect_status(v, what, kvhash_wire_write_psh(format, psh, bytes, sizeof bytes, &size), KVCORE_OK);
    kvtest_expect_bytes(v, what, bytes, size, expected);
    kvtest_expect_status(v, what, kvhash_wire_read_psh(format, expected, &back, NULL), KVCORE_OK);
    kvtest_expect_true(v, what, kvhash_psh_equal(back, psh));
}

static void expect_block_wire(kvtest_vector *v, kvhash_wire_format format, const char *what, const kvhash_block *block,
                              kvcore_bytes expected) {
    uint8_t bytes[KVHASH_WIRE_MAX_BYTES];
    size_t size = 0;
    kvhash_block back = {0};
    kvtest_expect_status(v, what, kvhash_wire_write_block(format, block, bytes, sizeof bytes, &size), KVCORE_OK);
    kvtest_expect_bytes(v, what, bytes, size, expected);
    kvtest_expect_status(v, what, kvhash_wire_read_block(format, expected, &back, NULL), KVCORE_OK);
    kvtest_expect_u64(v, what, back.block_hash, block->block_hash);
    kvtest_expect_true(v, what, kvhash_plh_equal(back.plh, block->plh));
}

void check_serde(kvtest_vector *v) {
    kvhash_block block = {.block_hash = kvtest_u64(v, v->line, "block_hash"),
                          .plh = raw_of(v, kvtest_field(v, v->line, "plh"), "plh")};
    kvhash_plh pattern = raw_of(v, kvtest_field(v, v->line, "psh"), "psh");
    kvhash_psh psh = {pattern.high, pattern.low};
    expect_plh_wire(v, KVHASH_WIRE_JSON, "plh_json", block.plh, kvtest_text(v, v->line, "plh_json"));
    expect_plh_wire(v, KVHASH_WIRE_MSGPACK, "plh_msgpack", block.plh, kvtest_hex(v, v->line, "plh_msgpack"));
    expect_psh_wire(v, KVHASH_WIRE_MSGPACK, "psh_msgpack", psh, kvtest_hex(v, v->line, "psh_msgpack"));
    if (kvtest_has(v->line, "psh_json"))
        expect_psh_wire(v, KVHASH_WIRE_JSON, "psh_json", psh, kvtest_text(v, v->line, "psh_json"));
    expect_block_wire(v, KVHASH_WIRE_JSON, "universal_block_json", &block,
                      kvtest_text(v, v->line, "universal_block_json"));
    expect_block_wire(v, KVHASH_WIRE_MSGPACK, "universal_block_msgpack", &block,
                      kvtest_hex(v, v->line, "universal_block_msgpack"));
    expect_block_wire(v, KVHASH_WIRE_MSGPACK_NAMED, "universal_block_msgpack_named", &block,
                      kvtest_hex(v, v->line, "universal_block_msgpack_named"));
}
