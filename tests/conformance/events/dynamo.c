/* RouterEvents: the payload beside what serde says of the same events as JSON. */
#include "driver.h"

#include <string.h>

#include <kvevents/dynamo.h>

static kvcore_status read_router(kvtest_vector *v, kvcore_bytes payload, kvevents_router_batch *batch,
                                 kvcore_error *error) {
    size_t capacity = 64;
    for (;;) {
        kvevents_arena arena = {kvtest_line_alloc(v, capacity), capacity, 0};
        kvcore_status status = kvevents_router_read(payload, NULL, &arena, batch, error);
        if (status != KVCORE_EBUFFER) return status;
        capacity = (size_t)error->expected;
    }
}

static void expect_hashes(kvtest_vector *v, const char *what, const uint64_t *actual, size_t count,
                          json_object *expected, const char *key) {
    kvtest_expect_u64(v, what, count, json_object_array_length(expected));
    for (size_t i = 0; !v->failed && i < count; i++) {
        json_object *item = json_object_array_get_idx(expected, i);
        kvtest_expect_u64(v, what, actual[i], key == NULL ? kvtest_u64_of(v, item, what) : kvtest_u64(v, item, key));
    }
}

static void expect_stored(kvtest_vector *v, const kvevents_router_event *event, json_object *stored) {
    kvtest_expect_u64(v, "kind", event->kind, KVEVENTS_STORED);
    kvtest_expect_u64(v, "has a parent", event->has_parent, !kvtest_is_null(stored, "parent_hash"));
    kvtest_expect_u64(v, "parent", event->parent_hash, kvtest_u64_or(v, stored, "parent_hash", 0));
    kvtest_expect_u64(v, "has a start", event->has_start, !kvtest_is_null(stored, "start_position"));
    kvtest_expect_u64(v, "start", event->start_position, kvtest_u64_or(v, stored, "start_position", 0));
    json_object *blocks = kvtest_array(v, stored, "blocks");
    expect_hashes(v, "block_hash", event->block_hashes, event->block_count, blocks, "block_hash");
    expect_hashes(v, "tokens_hash", event->tokens_hashes, event->block_count, blocks, "tokens_hash");
}

static void expect_data(kvtest_vector *v, const kvevents_router_event *event, json_object *data) {
    if (kvtest_has(data, "stored")) {
        expect_stored(v, event, kvtest_field(v, data, "stored"));
    } else if (kvtest_has(data, "removed")) {
        kvtest_expect_u64(v, "kind", event->kind, KVEVENTS_REMOVED);
        json_object *hashes = kvtest_array(v, kvtest_field(v, data, "removed"), "block_hashes");
        expect_hashes(v, "removed", event->block_hashes, event->block_count, hashes, NULL);
    } else {
        kvtest_expect_u64(v, "kind", event->kind, KVEVENTS_CLEARED);
    }
}

static void expect_router_event(kvtest_vector *v, const kvevents_router_event *event, json_object *expected) {
    static const char *const tiers[KVEVENTS_TIERS] = {"device", "host_pinned", "disk", "external"};
    json_object *inner = kvtest_field(v, expected, "event");
    kvtest_expect_u64(v, "worker_id", event->worker_id, kvtest_u64(v, expected, "worker_id"));
    if (!kvtest_is_null(expected, "storage_tier"))
        kvtest_expect_text(v, "storage_tier", (unsigned)event->tier < KVEVENTS_TIERS ? tiers[event->tier] : "none",
                           kvtest_string(v, expected, "storage_tier"));
    bool absent = !kvtest_has(expected, "residency_domain");
    bool worker = absent || (!kvtest_is_null(expected, "residency_domain") &&
                             strcmp(kvtest_string(v, expected, "residency_domain"), "worker") == 0);
    if (event->tier != KVEVENTS_NO_TIER) kvtest_expect_u64(v, "counts", event->counts, worker);
    kvtest_expect_u64(v, "event_id", event->event_id, kvtest_u64(v, inner, "event_id"));
    kvtest_expect_u64(v, "dp_rank", event->dp_rank, kvtest_u64_or(v, inner, "dp_rank", 0));
    bool session = !kvtest_is_null(expected, "session_id");
    kvtest_expect_u64(v, "has a session", event->session_id.data != NULL, session);
    if (session)
        kvtest_expect_bytes(v, "session_id", event->session_id.data, event->session_id.size_bytes,
                            kvtest_text(v, expected, "session_id"));
    expect_data(v, event, kvtest_field(v, inner, "data"));
}

static void expect_events(kvtest_vector *v, const kvevents_router_batch *batch) {
    json_object *expected = kvtest_array(v, v->line, "events");
    kvtest_expect_u64(v, "events", batch->event_count, json_object_array_length(expected));
    for (size_t i = 0; !v->failed && i < batch->event_count; i++)
        expect_router_event(v, &batch->events[i], json_object_array_get_idx(expected, i));
}

static bool is_writable(const kvevents_router_batch *batch) {
    for (size_t i = 0; i < batch->event_count; i++)
        if (!batch->events[i].counts || batch->events[i].kind == KVEVENTS_UNKNOWN) return false;
    return true;
}

static void expect_written(kvtest_vector *v, const kvevents_router_batch *batch) {
    size_t size = 0;
    kvcore_error error;
    kvevents_router_batch back = {0};
    kvtest_expect_status(v, "size", kvevents_router_write(batch, NULL, 0, &size), KVCORE_EBUFFER);
    uint8_t *bytes = kvtest_line_alloc(v, size);
    kvtest_expect_status(v, "write", kvevents_router_write(batch, bytes, size, &size), KVCORE_OK);
    kvtest_expect_status(v, "read back", read_router(v, (kvcore_bytes){bytes, size}, &back, &error), KVCORE_OK);
    if (!v->failed) expect_events(v, &back);
}

void check_dynamo(kvtest_vector *v) {
    kvevents_router_batch batch = {0};
    kvcore_error error = {0};
    kvcore_status status = read_router(v, kvtest_hex(v, v->line, "payload"), &batch, &error);
    if (status != KVCORE_OK) {
        kvtest_differ(v, "refused: %s", error.text);
        return;
    }
    expect_events(v, &batch);
    if (!v->failed && is_writable(&batch)) expect_written(v, &batch);
}
