#include "driver.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <msgpack.h>

static void expect_text(kvtest_vector *v, const char *what, kvcore_bytes actual, json_object *event, const char *key) {
    if (!kvtest_has(event, key)) {
        if (actual.data != NULL) kvtest_differ(v, "%s: there is a %s", what, key);
        return;
    }
    kvcore_bytes expected = kvtest_text(v, event, key);
    if (actual.size_bytes != expected.size_bytes || (actual.size_bytes > 0 && actual.data == NULL) ||
        memcmp(actual.data, expected.data, actual.size_bytes) != 0)
        kvtest_differ(v, "%s: another %s", what, key);
}

static void expect_number(kvtest_vector *v, const char *what, bool has, uint64_t actual, json_object *event,
                          const char *key) {
    bool expected = kvtest_has(event, key);
    if (has != expected) kvtest_differ(v, "%s: %s is %s", what, key, has ? "there" : "not there");
    if (has && expected) kvtest_expect_u64(v, key, actual, kvtest_u64(v, event, key));
}

static void expect_hashes(kvtest_vector *v, const char *what, const kvevents_event *event, json_object *expected) {
    json_object *hashes = kvtest_array(v, expected, "hashes");
    kvtest_expect_u64(v, what, event->hash_count, json_object_array_length(hashes));
    for (size_t i = 0; !v->failed && i < event->hash_count; i++)
        kvtest_expect_u64(v, what, event->hashes[i], kvtest_u64_of(v, json_object_array_get_idx(hashes, i), "hashes"));
}

static void expect_tokens(kvtest_vector *v, const char *what, const kvevents_event *event, json_object *expected) {
    size_t count = 0;
    const uint32_t *tokens = kvtest_has(expected, "tokens") ? kvtest_tokens(v, expected, "tokens", &count) : NULL;
    kvtest_expect_u64(v, "tokens", event->token_count, count);
    for (size_t i = 0; !v->failed && i < count; i++) kvtest_expect_u64(v, what, event->tokens[i], tokens[i]);
    bool pairs = (event->has & KVEVENTS_HAS_PAIRS) != 0;
    kvtest_expect_u64(v, "pairs", pairs, kvtest_has(expected, "pairs"));
}

/* ---- extra keys: the JSON of the vectors made of what msgpack-c reads ---- */

static json_object *json_of(const msgpack_object *item);

static json_object *json_of_bin(const msgpack_object *item) {
    char text[2 * 4096 + 1];
    size_t size = item->via.bin.size < 4096 ? item->via.bin.size : 4096;
    for (size_t i = 0; i < size; i++) snprintf(text + 2 * i, 3, "%02x", (unsigned)(uint8_t)item->via.bin.ptr[i]);
    text[2 * size] = '\0';
    json_object *object = json_object_new_object();
    json_object_object_add(object, "bin", json_object_new_string(text));
    return object;
}

static json_object *json_of_array(const msgpack_object *item) {
    json_object *array = json_object_new_array();
    for (uint32_t i = 0; i < item->via.array.size; i++) json_object_array_add(array, json_of(&item->via.array.ptr[i]));
    return array;
}

static json_object *json_of(const msgpack_object *item) {
    switch (item->type) {
    case MSGPACK_OBJECT_BOOLEAN: return json_object_new_boolean(item->via.boolean);
    case MSGPACK_OBJECT_POSITIVE_INTEGER: return json_object_new_uint64(item->via.u64);
    case MSGPACK_OBJECT_NEGATIVE_INTEGER: return json_object_new_int64(item->via.i64);
    case MSGPACK_OBJECT_FLOAT32:
    case MSGPACK_OBJECT_FLOAT64: return json_object_new_double(item->via.f64);
    case MSGPACK_OBJECT_STR: return json_object_new_string_len(item->via.str.ptr, (int)item->via.str.size);
    case MSGPACK_OBJECT_BIN: return json_of_bin(item);
    case MSGPACK_OBJECT_ARRAY: return json_of_array(item);
    default: return NULL;
    }
}

static void expect_extra_keys(kvtest_vector *v, const char *what, const kvevents_event *event, json_object *expected) {
    bool has = kvtest_has(expected, "extra_keys");
    if (has != (event->extra_keys.data != NULL))
        kvtest_differ(v, "%s: extra_keys are %s", what, has ? "not there" : "there");
    if (!has || v->failed) return;
    msgpack_unpacked read;
    msgpack_unpacked_init(&read);
    if (msgpack_unpack_next(&read, event->extra_keys.data, event->extra_keys.size_bytes, NULL) ==
        MSGPACK_UNPACK_SUCCESS) {
        json_object *actual = json_of(&read.data);
        if (!json_object_equal(actual, kvtest_field(v, expected, "extra_keys")))
            kvtest_differ(v, "%s: extra_keys are %s", what, json_object_to_json_string(actual));
        json_object_put(actual);
    } else {
        kvtest_differ(v, "%s: extra_keys are no value", what);
    }
    msgpack_unpacked_destroy(&read);
}

/* ---- events ---- */

static void expect_stored(kvtest_vector *v, const char *what, const kvevents_event *event, json_object *expected) {
    expect_hashes(v, what, event, expected);
    expect_tokens(v, what, event, expected);
    kvtest_expect_u64(v, "block_size", event->block_size, kvtest_u64(v, expected, "block_size"));
    expect_number(v, what, (event->has & KVEVENTS_HAS_PARENT) != 0, event->parent, expected, "parent");
    expect_number(v, what, (event->has & KVEVENTS_HAS_LORA_ID) != 0, event->lora_id, expected, "lora_id");
    expect_number(v, what, (event->has & KVEVENTS_HAS_WINDOW) != 0, event->window, expected, "window");
    expect_text(v, what, event->lora_name, expected, "lora_name");
    expect_text(v, what, event->spec_kind, expected, "kind");
    expect_text(v, what, event->session, expected, "session");
    expect_text(v, what, event->salt, expected, "salt");
    expect_extra_keys(v, what, event, expected);
}

static void expect_where(kvtest_vector *v, const char *what, const kvevents_event *event, json_object *expected) {
    expect_text(v, what, event->medium, expected, "medium");
    expect_text(v, what, event->locality, expected, "locality");
    expect_text(v, what, event->ownership, expected, "ownership");
    expect_number(v, what, (event->has & KVEVENTS_HAS_GROUP) != 0, event->group, expected, "group");
}

static void expect_event(kvtest_vector *v, const char *what, const kvevents_event *event, json_object *expected) {
    static const char *const types[] = {"", "stored", "removed", "cleared", "unknown"};
    kvtest_expect_text(v, what, event->kind <= KVEVENTS_UNKNOWN ? types[event->kind] : "none",
                       kvtest_string(v, expected, "type"));
    if (v->failed) return;
    switch (event->kind) {
    case KVEVENTS_STORED:
        expect_stored(v, what, event, expected);
        expect_where(v, what, event, expected);
        break;
    case KVEVENTS_REMOVED:
        expect_hashes(v, what, event, expected);
        expect_where(v, what, event, expected);
        break;
    case KVEVENTS_UNKNOWN: expect_text(v, what, event->tag, expected, "tag"); break;
    default: break;
    }
}

void expect_batch(kvtest_vector *v, const char *what, const kvevents_batch *batch, json_object *expected) {
    double ts = json_object_get_double(kvtest_field(v, expected, "ts"));
    if (batch->ts < ts || batch->ts > ts) kvtest_differ(v, "%s: ts %.9g, expected %.9g", what, batch->ts, ts);
    expect_number(v, what, batch->has_rank, batch->rank, expected, "rank");
    json_object *events = kvtest_array(v, expected, "events");
    kvtest_expect_u64(v, "events", batch->event_count, json_object_array_length(events));
    for (size_t i = 0; !v->failed && i < batch->event_count; i++) {
        char name[40];
        snprintf(name, sizeof name, "event %zu", i);
        expect_event(v, name, &batch->events[i], json_object_array_get_idx(events, i));
    }
}
