#include <kvevents/dynamo.h>

#include <string.h>

#include "batch_read.h"

/* ---- maps whose keys are known ---- */

/* Where the values of some keys stand; NULL for those that are not there, the last of equal ones. The cursor passes the map. */
static bool find_values(batch_reader *reader, uint64_t pairs, const char *const *names, size_t count,
                        const uint8_t **values, unsigned depth) {
    for (size_t i = 0; i < count; i++) values[i] = NULL;
    for (uint64_t pair = 0; pair < pairs; pair++) {
        const uint8_t *start = reader->cursor.at;
        msgpack_head key = {0};
        if (!kvevents__batch_head(reader, &key)) return false;
        if (key.type != MSGPACK_TEXT) return kvevents__batch_fault(reader, KVEVENTS_EEVENT, start);
        for (size_t i = 0; i < count; i++)
            if (msgpack_is(msgpack_bytes(&key), names[i], strlen(names[i]))) values[i] = reader->cursor.at;
        if (!kvevents__batch_skip(reader, depth)) return false;
    }
    return true;
}

/* A value that may not be there: then false without a fault. */
static bool read_at(batch_reader *reader, const uint8_t *value, msgpack_head *head) {
    if (value == NULL) return false;
    reader->cursor.at = value;
    return kvevents__batch_head(reader, head) && head->type != MSGPACK_NIL;
}

static bool wrong(batch_reader *reader, const uint8_t *where) {
    return kvevents__batch_fault(reader, KVEVENTS_EFIELD, where == NULL ? reader->cursor.at : where);
}

static bool read_number(batch_reader *reader, const uint8_t *value, uint64_t most, uint64_t *number) {
    msgpack_head head = {0};
    if (!read_at(reader, value, &head) || head.type != MSGPACK_UNSIGNED || head.value > most)
        return wrong(reader, value);
    *number = head.value;
    return true;
}

static bool read_number_or_nil(batch_reader *reader, const uint8_t *value, uint64_t most, uint64_t *number,
                               bool *there) {
    msgpack_head head = {0};
    *number = 0;
    *there = read_at(reader, value, &head);
    if (!*there) return true;
    if (head.type != MSGPACK_UNSIGNED || head.value > most) return wrong(reader, value);
    *number = head.value;
    return true;
}

static bool read_text_or_nil(batch_reader *reader, const uint8_t *value, kvcore_bytes *text) {
    msgpack_head head = {0};
    *text = (kvcore_bytes){NULL, 0};
    if (!read_at(reader, value, &head)) return true;
    if (head.type != MSGPACK_TEXT) return wrong(reader, value);
    *text = msgpack_bytes(&head);
    return kvevents__utf8(*text) || kvevents__batch_fault(reader, KVEVENTS_EINVALID, value);
}

static bool read_map(batch_reader *reader, const uint8_t *value, msgpack_head *head) {
    return (read_at(reader, value, head) && head->type == MSGPACK_MAP) || wrong(reader, value);
}

static bool read_array(batch_reader *reader, const uint8_t *value, size_t *count) {
    msgpack_head head = {0};
    if (!read_at(reader, value, &head) || head.type != MSGPACK_ARRAY) return wrong(reader, value);
    if (head.value > reader->hashes_left) return kvevents__batch_fault(reader, KVEVENTS_ESIZE, value);
    *count = (size_t)head.value;
    return true;
}

/* ---- events ---- */

static bool read_block(batch_reader *reader, uint64_t *block_hash, uint64_t *tokens_hash) {
    static const char *const names[] = {"block_hash", "tokens_hash"};
    const uint8_t *values[2], *start = reader->cursor.at;
    msgpack_head head = {0};
    if (!read_map(reader, start, &head) || !find_values(reader, head.value, names, 2, values, 8)) return false;
    const uint8_t *end = reader->cursor.at;
    if (!read_number(reader, values[0], UINT64_MAX, block_hash)) return false;
    if (!read_number(reader, values[1], UINT64_MAX, tokens_hash)) return false;
    reader->cursor.at = end;
    return true;
}

static bool read_blocks(batch_reader *reader, const uint8_t *value, kvevents_router_event *event) {
    size_t count = 0;
    if (!read_array(reader, value, &count)) return false;
    if (count == 0) return true;
    uint64_t *hashes = kvevents__batch_take(reader, count, sizeof *hashes);
    uint64_t *tokens = hashes == NULL ? NULL : kvevents__batch_take(reader, count, sizeof *tokens);
    if (tokens == NULL) return false;
    for (size_t i = 0; i < count; i++)
        if (!read_block(reader, &hashes[i], &tokens[i])) return false;
    event->block_hashes = hashes;
    event->tokens_hashes = tokens;
    event->block_count = count;
    return true;
}

static bool read_stored(batch_reader *reader, kvevents_router_event *event) {
    static const char *const names[] = {"parent_hash", "start_position", "blocks"};
    const uint8_t *values[3];
    msgpack_head head = {0};
    uint64_t position = 0;
    event->kind = KVEVENTS_STORED;
    if (!read_map(reader, reader->cursor.at, &head) || !find_values(reader, head.value, names, 3, values, 6))
        return false;
    if (!read_number_or_nil(reader, values[0], UINT64_MAX, &event->parent_hash, &event->has_parent)) return false;
    if (!read_number_or_nil(reader, values[1], UINT32_MAX, &position, &event->has_start)) return false;
    event->start_position = (uint32_t)position;
    return read_blocks(reader, values[2], event);
}

static bool read_removed(batch_reader *reader, kvevents_router_event *event) {
    static const char *const names[] = {"block_hashes"};
    const uint8_t *values[1];
    msgpack_head head = {0};
    size_t count = 0;
    event->kind = KVEVENTS_REMOVED;
    if (!read_map(reader, reader->cursor.at, &head) || !find_values(reader, head.value, names, 1, values, 6))
        return false;
    if (!read_array(reader, values[0], &count)) return false;
    if (count == 0) return true;
    uint64_t *hashes = kvevents__batch_take(reader, count, sizeof *hashes);
    if (hashes == NULL) return false;
    for (size_t i = 0; i < count; i++)
        if (!read_number(reader, reader->cursor.at, UINT64_MAX, &hashes[i])) return false;
    event->block_hashes = hashes;
    event->block_count = count;
    return true;
}

static bool read_data(batch_reader *reader, const uint8_t *value, kvevents_router_event *event) {
    msgpack_head head = {0}, key = {0};
    event->kind = KVEVENTS_UNKNOWN;
    if (!read_at(reader, value, &head)) return wrong(reader, value);
    if (head.type == MSGPACK_TEXT) {
        if (MSGPACK_IS(msgpack_bytes(&head), "cleared")) event->kind = KVEVENTS_CLEARED;
        return true;
    }
    if (head.type != MSGPACK_MAP || head.value != 1) return wrong(reader, value);
    if (!kvevents__batch_head(reader, &key)) return false;
    if (key.type != MSGPACK_TEXT) return wrong(reader, value);
    if (MSGPACK_IS(msgpack_bytes(&key), "stored")) return read_stored(reader, event);
    if (MSGPACK_IS(msgpack_bytes(&key), "removed")) return read_removed(reader, event);
    if (MSGPACK_IS(msgpack_bytes(&key), "cleared")) event->kind = KVEVENTS_CLEARED;
    return true;
}

static bool read_tier(batch_reader *reader, const uint8_t *value, kvevents_router_event *event) {
    static const char *const tiers[KVEVENTS_TIERS] = {"device", "host_pinned", "disk", "external"};
    kvcore_bytes text;
    event->tier = KVEVENTS_NO_TIER;
    if (!read_text_or_nil(reader, value, &text)) return false;
    if (value == NULL) event->tier = KVEVENTS_DEVICE; /* older publishers had one tier */
    for (unsigned i = 0; text.data != NULL && i < KVEVENTS_TIERS; i++)
        if (msgpack_is(text, tiers[i], strlen(tiers[i]))) event->tier = (kvevents_tier)i;
    return true;
}

static bool read_domain(batch_reader *reader, const uint8_t *value, kvevents_router_event *event) {
    if (!read_text_or_nil(reader, value, &event->domain)) return false;
    bool worker = value == NULL || (event->domain.data != NULL && MSGPACK_IS(event->domain, "worker"));
    event->counts = worker && event->tier != KVEVENTS_NO_TIER;
    return true;
}

static bool read_inner(batch_reader *reader, const uint8_t *value, kvevents_router_event *event) {
    static const char *const names[] = {"event_id", "data", "dp_rank"};
    const uint8_t *values[3];
    msgpack_head head = {0};
    uint64_t rank = 0;
    bool ranked;
    if (!read_map(reader, value, &head) || !find_values(reader, head.value, names, 3, values, 4)) return false;
    if (!read_number(reader, values[0], UINT64_MAX, &event->event_id)) return false;
    if (!read_number_or_nil(reader, values[2], UINT32_MAX, &rank, &ranked)) return false;
    event->dp_rank = (uint32_t)rank;
    return read_data(reader, values[1], event);
}

static bool read_event(batch_reader *reader, kvevents_router_event *event) {
    static const char *const names[] = {"worker_id", "storage_tier", "residency_domain", "event", "session_id"};
    const uint8_t *values[5], *start = reader->cursor.at;
    msgpack_head head = {0};
    *event = (kvevents_router_event){0};
    if (!kvevents__batch_head(reader, &head)) return false;
    if (head.type != MSGPACK_MAP) return kvevents__batch_fault(reader, KVEVENTS_EEVENT, start);
    if (!find_values(reader, head.value, names, 5, values, 3)) return false;
    const uint8_t *end = reader->cursor.at;
    if (!read_number(reader, values[0], UINT64_MAX, &event->worker_id)) return false;
    if (!read_tier(reader, values[1], event) || !read_domain(reader, values[2], event)) return false;
    if (!read_inner(reader, values[3], event)) return false;
    if (!read_text_or_nil(reader, values[4], &event->session_id)) return false;
    reader->cursor.at = end;
    reader->hashes_left -= event->block_count;
    return true;
}

static bool read_events(batch_reader *reader, size_t limit, kvevents_router_batch *batch) {
    const uint8_t *start = reader->cursor.at;
    msgpack_head head = {0};
    if (!kvevents__batch_head(reader, &head)) return false;
    if (head.type != MSGPACK_ARRAY) return kvevents__batch_fault(reader, KVEVENTS_EBATCH, start);
    if (head.value > limit) return kvevents__batch_fault(reader, KVEVENTS_ESIZE, start);
    if (head.value == 0) return true;
    kvevents_router_event *events = kvevents__batch_take(reader, (size_t)head.value, sizeof *events);
    if (events == NULL) return false;
    for (; batch->event_count < head.value; batch->event_count++) {
        if (!read_event(reader, &events[batch->event_count])) return false;
        batch->block_count += events[batch->event_count].block_count;
    }
    batch->events = events;
    return true;
}

kvcore_status kvevents_router_read(kvcore_bytes payload, const kvevents_limits *limits, kvevents_arena *arena,
                                   kvevents_router_batch *batch, kvcore_error *error) {
    kvevents_limits most = KVEVENTS_LIMITS_INIT;
    batch_reader reader = {0};
    if (batch == NULL) return kvevents__batch_no_argument(error);
    kvcore_status status = kvevents__batch_begin(&reader, payload, limits, arena, &most, error);
    if (status != KVCORE_OK) return status;
    kvevents_router_batch read = {0};
    if (!read_events(&reader, most.events, &read) || !kvevents__batch_at_end(&reader))
        return kvevents__batch_refuse(&reader, payload, read.event_count, error);
    arena->used_bytes = reader.arena.used_bytes;
    *batch = read;
    return KVCORE_OK;
}

/* ---- the envelope ---- */

static bool read_bin(batch_reader *reader, const uint8_t *value, kvcore_bytes *bytes) {
    msgpack_head head = {0};
    if (!read_at(reader, value, &head) || head.type != MSGPACK_BIN) return wrong(reader, value);
    *bytes = msgpack_bytes(&head);
    return true;
}

static bool read_envelope(batch_reader *reader, kvevents_envelope *envelope) {
    static const char *const names[] = {"publisher_id", "sequence", "published_at", "topic", "payload"};
    const uint8_t *values[5], *start = reader->cursor.at;
    msgpack_head head = {0};
    if (!kvevents__batch_head(reader, &head)) return false;
    if (head.type != MSGPACK_MAP) return kvevents__batch_fault(reader, KVEVENTS_EBATCH, start);
    if (!find_values(reader, head.value, names, 5, values, 1)) return false;
    const uint8_t *end = reader->cursor.at;
    bool fine = read_number(reader, values[0], UINT64_MAX, &envelope->publisher_id) &&
                read_number(reader, values[1], UINT64_MAX, &envelope->sequence) &&
                read_number(reader, values[2], UINT64_MAX, &envelope->published_at_ms) &&
                read_text_or_nil(reader, values[3], &envelope->topic) &&
                read_bin(reader, values[4], &envelope->payload);
    reader->cursor.at = end;
    return fine;
}

kvcore_status kvevents_envelope_read(kvcore_bytes bytes, kvevents_envelope *envelope, kvcore_error *error) {
    kvevents_limits most = KVEVENTS_LIMITS_INIT;
    batch_reader reader = {0};
    kvevents_arena none = {NULL, 0, 0};
    if (envelope == NULL) return kvevents__batch_no_argument(error);
    kvcore_status status = kvevents__batch_begin(&reader, bytes, NULL, &none, &most, error);
    if (status != KVCORE_OK) return status;
    kvevents_envelope read = {0};
    if (!read_envelope(&reader, &read) || !kvevents__batch_at_end(&reader))
        return kvevents__batch_refuse(&reader, bytes, 0, error);
    *envelope = read;
    return KVCORE_OK;
}

static bool are_frames(const kvcore_bytes *frames, size_t count) {
    if (count != 4 || frames[1].size_bytes != 8 || frames[2].size_bytes != 8 || frames[3].size_bytes < 5) return false;
    const uint8_t *frame = frames[3].data;
    return frames[1].data != NULL && frames[2].data != NULL && frame != NULL && frame[0] == 1 &&
           kvcore_load_be32(frame + 1) == frames[3].size_bytes - 5;
}

kvcore_status kvevents_envelope_open(const kvcore_bytes *frames, size_t count, kvevents_envelope *envelope,
                                     kvcore_error *error) {
    static const kvcore_error unfit = {.code = KVCORE_EFORMAT, .index = KVCORE_NO_INDEX};
    if (frames == NULL || envelope == NULL) return kvevents__batch_no_argument(error);
    if (!are_frames(frames, count)) return kvcore_fail(error, &unfit, "not the four frames of an envelope");
    kvevents_envelope read = {0};
    kvcore_bytes bytes = {(const uint8_t *)frames[3].data + 5, frames[3].size_bytes - 5};
    kvcore_status status = kvevents_envelope_read(bytes, &read, error);
    if (status != KVCORE_OK) return status;
    if (read.publisher_id != kvcore_load_be64(frames[1].data) || read.sequence != kvcore_load_be64(frames[2].data))
        return kvcore_fail(error, &unfit, "frames and envelope disagree about publisher or number");
    *envelope = read;
    return KVCORE_OK;
}
