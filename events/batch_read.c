#include "batch_read.h"

#include <stdalign.h>
#include <string.h>

#include <kvcore/config.h>

#define PAYLOAD_BYTES ((size_t)64 << 20)
#define EVENTS ((size_t)1 << 20)
#define HASHES ((size_t)1 << 20)
#define TOKENS ((size_t)1 << 24)
#define DEPTH_OF_EVENTS 2
#define DEPTH_OF_FIELDS 3

bool kvevents__batch_fault(batch_reader *reader, kvcore_status status, const uint8_t *where) {
    reader->status = status;
    reader->where = where;
    return false;
}

bool kvevents__batch_head(batch_reader *reader, msgpack_head *head) {
    kvcore_status status = kvevents__msgpack_head(&reader->cursor, head);
    return status == KVCORE_OK || kvevents__batch_fault(reader, status, reader->cursor.at);
}

bool kvevents__batch_skip(batch_reader *reader, unsigned depth) {
    kvcore_status status = kvevents__msgpack_skip(&reader->cursor, depth);
    return status == KVCORE_OK || kvevents__batch_fault(reader, status, reader->cursor.at);
}

void *kvevents__batch_take(batch_reader *reader, size_t count, size_t size_bytes) {
    /* count is at most the bytes of the payload and one, so nothing overflows */
    uintptr_t base = (uintptr_t)reader->arena.memory;
    size_t aligned = ((base + reader->arena.used_bytes + 7) & ~(uintptr_t)7) - base;
    size_t bytes = count * size_bytes;
    if (aligned > reader->arena.capacity_bytes || bytes > reader->arena.capacity_bytes - aligned) {
        reader->needed_bytes = aligned + bytes;
        kvevents__batch_fault(reader, KVCORE_EBUFFER, reader->cursor.at);
        return NULL;
    }
    reader->arena.used_bytes = aligned + bytes;
    return (uint8_t *)reader->arena.memory + aligned;
}

/* ---- one event ---- */

static uint32_t kind_of_tag(kvcore_bytes tag) {
    if (MSGPACK_IS(tag, "BlockStored")) return KVEVENTS_STORED;
    if (MSGPACK_IS(tag, "BlockRemoved")) return KVEVENTS_REMOVED;
    if (MSGPACK_IS(tag, "AllBlocksCleared")) return KVEVENTS_CLEARED;
    return KVEVENTS_UNKNOWN;
}

static bool read_used_text(batch_reader *reader, kvcore_bytes *text) {
    const uint8_t *start = reader->cursor.at;
    msgpack_head head = {0};
    if (!kvevents__batch_head(reader, &head)) return false;
    if (head.type != MSGPACK_TEXT) return kvevents__batch_fault(reader, KVEVENTS_EEVENT, start);
    *text = msgpack_bytes(&head);
    return kvevents__utf8(*text) || kvevents__batch_fault(reader, KVEVENTS_EINVALID, start);
}

static void set_tag(kvevents_event *event, kvcore_bytes tag) {
    event->kind = kind_of_tag(tag);
    if (event->kind == KVEVENTS_UNKNOWN) event->tag = tag;
}

static bool read_array_event(batch_reader *reader, uint64_t items, kvevents_event *event) {
    kvcore_bytes tag;
    if (items == 0) return kvevents__batch_fault(reader, KVEVENTS_EEVENT, reader->cursor.at);
    if (!read_used_text(reader, &tag)) return false;
    set_tag(event, tag);
    for (uint64_t i = 1; i < items; i++)
        if (!kvevents__field_read(reader, kvevents__field_of_index(event->kind, i), true, event)) return false;
    uint64_t least = event->kind == KVEVENTS_STORED ? 5 : event->kind == KVEVENTS_REMOVED ? 2 : 1;
    return items >= least || kvevents__batch_fault(reader, KVEVENTS_EFIELD, reader->cursor.at);
}

/* A map: its keys come in any order and more than once, the last counts, and the tag says which are known. A field that comes
 * behind the tag is read at once; a fault in it counts only if it is still the last of its name at the end. */
typedef struct map_event {
    const uint8_t *values[FIELD_COUNT]; /* where each stands */
    const uint8_t *faults[FIELD_COUNT]; /* where reading it failed */
    kvcore_status statuses[FIELD_COUNT];
    const uint8_t *tag; /* where the value of the last "type" stands */
    uint32_t read_as;   /* the kind that fields were read for; 0: none was */
    bool read_all;      /* no field came before the tag */
} map_event;

static void read_value(batch_reader *reader, map_event *map, unsigned field, kvevents_event *event) {
    map->faults[field] = NULL;
    if (kvevents__field_read(reader, field, false, event)) return;
    map->faults[field] = reader->where;
    map->statuses[field] = reader->status;
}

static bool note_tag(batch_reader *reader, map_event *map, kvevents_event *event) {
    map->tag = reader->cursor.at;
    msgpack_cursor start = reader->cursor;
    kvcore_bytes tag;
    if (map->read_as == 0 && read_used_text(reader, &tag)) map->read_as = kind_of_tag(tag);
    (void)event;
    reader->cursor = start;
    return kvevents__batch_skip(reader, DEPTH_OF_FIELDS);
}

static bool note_value(batch_reader *reader, map_event *map, unsigned field, kvevents_event *event) {
    const uint8_t *start = reader->cursor.at;
    map->values[field] = start;
    if (map->read_as == 0) map->read_all = false;
    if (map->read_as != 0 && kvevents__field_known(map->read_as, field)) {
        read_value(reader, map, field, event);
        if (map->faults[field] == NULL) return true;
        if (map->statuses[field] == KVCORE_EBUFFER) return false;
        reader->cursor.at = start;
    }
    return kvevents__batch_skip(reader, DEPTH_OF_FIELDS);
}

static bool note_pair(batch_reader *reader, map_event *map, kvevents_event *event) {
    kvcore_bytes key;
    if (!read_used_text(reader, &key)) return false;
    if (MSGPACK_IS(key, "type")) return note_tag(reader, map, event);
    unsigned field = kvevents__field_of_key(key);
    return field == FIELD_COUNT ? kvevents__batch_skip(reader, DEPTH_OF_FIELDS) : note_value(reader, map, field, event);
}

/* The tag is known; fields that were read for another one, or not yet, are read now. */
static bool settle_fields(batch_reader *reader, map_event *map, kvevents_event *event) {
    if (map->read_all && map->read_as == event->kind) return true;
    uint32_t kind = event->kind;
    kvcore_bytes tag = event->tag;
    *event = (kvevents_event){.kind = kind, .tag = tag};
    const uint8_t *end = reader->cursor.at;
    for (unsigned i = 0; i < FIELD_COUNT; i++) {
        map->faults[i] = NULL;
        if (map->values[i] == NULL || !kvevents__field_known(kind, i)) continue;
        reader->cursor.at = map->values[i];
        read_value(reader, map, i, event);
        if (map->faults[i] != NULL && map->statuses[i] == KVCORE_EBUFFER) return false;
    }
    reader->cursor.at = end;
    return true;
}

/* The first of the faults of fields, and of the one that reading ended with, if any. */
static bool first_fault(batch_reader *reader, const map_event *map, bool faulty) {
    unsigned first = FIELD_COUNT;
    const uint8_t *where = faulty ? reader->where : NULL;
    for (unsigned i = 0; i < FIELD_COUNT; i++)
        if (map->faults[i] != NULL && (where == NULL || map->faults[i] < where)) {
            where = map->faults[i];
            first = i;
        }
    if (first != FIELD_COUNT) return kvevents__batch_fault(reader, map->statuses[first], where);
    return !faulty;
}

static bool check_required(batch_reader *reader, const map_event *map, uint32_t kind) {
    for (unsigned i = 0; i < FIELD_COUNT; i++)
        if (map->values[i] == NULL && kvevents__field_required(kind, i))
            return kvevents__batch_fault(reader, KVEVENTS_EFIELD, reader->cursor.at);
    return true;
}

static bool read_tag_of_map(batch_reader *reader, const map_event *map, kvevents_event *event) {
    if (map->tag == NULL) return kvevents__batch_fault(reader, KVEVENTS_EEVENT, reader->cursor.at);
    const uint8_t *end = reader->cursor.at;
    kvcore_bytes tag;
    reader->cursor.at = map->tag;
    if (!read_used_text(reader, &tag)) return false;
    set_tag(event, tag);
    reader->cursor.at = end;
    return true;
}

static bool read_map_event(batch_reader *reader, uint64_t pairs, kvevents_event *event) {
    map_event map = {.read_all = true};
    bool fine = true;
    for (uint64_t i = 0; fine && i < pairs; i++) fine = note_pair(reader, &map, event);
    if (!fine && reader->status == KVCORE_EBUFFER) return false;
    fine = fine && read_tag_of_map(reader, &map, event) && settle_fields(reader, &map, event);
    if (!fine && reader->status == KVCORE_EBUFFER) return false;
    return first_fault(reader, &map, !fine) && check_required(reader, &map, event->kind);
}

/* Tokens that are not those of the hashes cannot be used. */
static void settle_tokens(batch_reader *reader, kvevents_event *event) {
    uint64_t expected;
    bool fits = !__builtin_mul_overflow(event->hash_count, event->block_size, &expected);
    if (reader->tokens_usable && fits && expected == reader->token_items && expected > 0) return;
    event->tokens = NULL;
    event->token_count = 0;
    event->has &= ~(uint32_t)KVEVENTS_HAS_PAIRS;
}

static bool read_event(batch_reader *reader, kvevents_event *event) {
    const uint8_t *start = reader->cursor.at;
    msgpack_head head = {0};
    *event = (kvevents_event){0};
    reader->token_items = 0;
    if (!kvevents__batch_head(reader, &head)) return false;
    bool fine = head.type == MSGPACK_ARRAY ? read_array_event(reader, head.value, event)
                : head.type == MSGPACK_MAP ? read_map_event(reader, head.value, event)
                                           : kvevents__batch_fault(reader, KVEVENTS_EEVENT, start);
    if (!fine) return false;
    reader->hashes_left -= event->hash_count;
    reader->tokens_left -= reader->token_items;
    if (event->kind == KVEVENTS_STORED) settle_tokens(reader, event);
    return true;
}

/* ---- the batch ---- */

static bool read_ts(batch_reader *reader, double *ts) {
    const uint8_t *start = reader->cursor.at;
    msgpack_head head = {0};
    if (!kvevents__batch_head(reader, &head)) return false;
    switch (head.type) {
    case MSGPACK_FLOAT: *ts = head.real; return true;
    case MSGPACK_UNSIGNED: *ts = (double)head.value; return true;
    case MSGPACK_NEGATIVE: *ts = (double)(int64_t)head.value; return true;
    default: return kvevents__batch_fault(reader, KVEVENTS_EBATCH, start);
    }
}

static bool read_rank(batch_reader *reader, kvevents_batch *batch) {
    const uint8_t *start = reader->cursor.at;
    msgpack_head head = {0};
    if (!kvevents__batch_head(reader, &head)) return false;
    if (head.type == MSGPACK_NIL) return true;
    if (head.type != MSGPACK_UNSIGNED) return kvevents__batch_fault(reader, KVEVENTS_EFIELD, start);
    batch->has_rank = true;
    batch->rank = head.value;
    return true;
}

static bool read_events(batch_reader *reader, size_t limit, kvevents_batch *batch) {
    const uint8_t *start = reader->cursor.at;
    msgpack_head head = {0};
    if (!kvevents__batch_head(reader, &head)) return false;
    if (head.type != MSGPACK_ARRAY) return kvevents__batch_fault(reader, KVEVENTS_EBATCH, start);
    if (head.value > limit) return kvevents__batch_fault(reader, KVEVENTS_ESIZE, start);
    size_t count = (size_t)head.value;
    kvevents_event *events = count == 0 ? NULL : kvevents__batch_take(reader, count, sizeof *events);
    if (count > 0 && events == NULL) return false;
    for (; batch->event_count < count; batch->event_count++) {
        kvevents_event *event = &events[batch->event_count];
        if (!read_event(reader, event)) return false;
        batch->hash_count += event->hash_count;
        batch->token_count += event->token_count;
    }
    batch->events = events;
    return true;
}

static bool read_batch(batch_reader *reader, size_t event_limit, kvevents_batch *batch) {
    const uint8_t *start = reader->cursor.at;
    msgpack_head head = {0};
    if (!kvevents__batch_head(reader, &head)) return false;
    if (head.type != MSGPACK_ARRAY || head.value < 2) return kvevents__batch_fault(reader, KVEVENTS_EBATCH, start);
    if (!read_ts(reader, &batch->ts) || !read_events(reader, event_limit, batch)) return false;
    if (head.value >= 3 && !read_rank(reader, batch)) return false;
    for (uint64_t i = 3; i < head.value; i++)
        if (!kvevents__batch_skip(reader, 1)) return false;
    return true;
}

bool kvevents__batch_at_end(batch_reader *reader) {
    return reader->cursor.at == reader->cursor.end ||
           kvevents__batch_fault(reader, KVEVENTS_ETRAILING, reader->cursor.at);
}

/* What is wrong with the bytes comes before what is wrong with their meaning. */
static void look_at_bytes(batch_reader *reader, kvcore_bytes payload) {
    msgpack_cursor cursor = {reader->begin, reader->begin + payload.size_bytes};
    kvcore_status status = kvevents__msgpack_skip(&cursor, 0);
    if (status == KVCORE_OK && cursor.at != cursor.end) status = KVEVENTS_ETRAILING;
    if (status != KVCORE_OK) kvevents__batch_fault(reader, status, cursor.at);
}

kvevents_limits kvevents_limits_init(void) { return (kvevents_limits)KVEVENTS_LIMITS_INIT; }

static kvcore_status read_limits(const kvevents_limits *given, kvevents_limits *limits, kvcore_error *error) {
    *limits = (kvevents_limits)KVEVENTS_LIMITS_INIT;
    if (given != NULL) {
        kvcore_status status = kvcore_config_read(limits, sizeof *limits, given, error);
        if (status != KVCORE_OK) return status;
    }
    if (limits->payload_bytes == 0) limits->payload_bytes = PAYLOAD_BYTES;
    if (limits->events == 0) limits->events = EVENTS;
    if (limits->hashes == 0) limits->hashes = HASHES;
    if (limits->tokens == 0) limits->tokens = TOKENS;
    return KVCORE_OK;
}

kvcore_status kvevents__batch_refuse(batch_reader *reader, kvcore_bytes payload, size_t index, kvcore_error *error) {
    look_at_bytes(reader, payload);
    size_t wanted = reader->needed_bytes, twice = 2 * reader->arena.capacity_bytes;
    kvcore_error details = {.code = reader->status,
                            .index = index,
                            .expected = reader->status != KVCORE_EBUFFER ? 0
                                        : wanted > twice                 ? wanted
                                                                         : twice,
                            .offset = (uint64_t)(reader->where - reader->begin)};
    return kvcore_fail(error, &details, "event %zu, byte %llu: %s", index, (unsigned long long)details.offset,
                       kvcore_status_text(reader->status));
}

kvcore_status kvevents__batch_no_argument(kvcore_error *error) {
    return kvcore_fail(error, &(kvcore_error){.code = KVCORE_EINVAL, .index = KVCORE_NO_INDEX},
                       "no arena, no payload, or no place for what is read");
}

kvcore_status kvevents__batch_begin(batch_reader *reader, kvcore_bytes payload, const kvevents_limits *given,
                                    const kvevents_arena *arena, kvevents_limits *limits, kvcore_error *error) {
    static const uint8_t nothing[1] = {0};
    if (arena == NULL || (payload.data == NULL && payload.size_bytes > 0) ||
        (arena->memory == NULL && arena->capacity_bytes > 0) || arena->used_bytes > arena->capacity_bytes)
        return kvevents__batch_no_argument(error);
    kvcore_status status = read_limits(given, limits, error);
    if (status != KVCORE_OK) return status;
    if (payload.size_bytes > limits->payload_bytes)
        return kvcore_fail(error,
                           &(kvcore_error){.code = KVEVENTS_ESIZE,
                                           .index = KVCORE_NO_INDEX,
                                           .expected = limits->payload_bytes,
                                           .actual = payload.size_bytes},
                           "%zu bytes are more than %zu", payload.size_bytes, limits->payload_bytes);
    const uint8_t *data = payload.data == NULL ? nothing : payload.data;
    *reader = (batch_reader){.cursor = {data, data + payload.size_bytes},
                             .begin = data,
                             .where = data,
                             .arena = *arena,
                             .hashes_left = limits->hashes,
                             .tokens_left = limits->tokens};
    return KVCORE_OK;
}

kvcore_status kvevents_batch_read(kvcore_bytes payload, const kvevents_limits *limits, kvevents_arena *arena,
                                  kvevents_batch *batch, kvcore_error *error) {
    kvevents_limits most = KVEVENTS_LIMITS_INIT;
    batch_reader reader = {0};
    if (batch == NULL) return kvevents__batch_no_argument(error);
    kvcore_status status = kvevents__batch_begin(&reader, payload, limits, arena, &most, error);
    if (status != KVCORE_OK) return status;
    kvevents_batch read = {0};
    if (!read_batch(&reader, most.events, &read) || !kvevents__batch_at_end(&reader))
        return kvevents__batch_refuse(&reader, payload, read.event_count, error);
    arena->used_bytes = reader.arena.used_bytes;
    *batch = read;
    return KVCORE_OK;
}
