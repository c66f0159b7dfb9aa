/* The log of WombatKV: group commit, replay, the audit of its keys; range reads of segments. */
#include "store.h"

#include <string.h>

#include <kvwombat/object_key.h>
#include <kvwombat/segment.h>
#include <kvwombat/wal.h>

enum { RECORDS_MOST = 4096 };

typedef struct group_log {
    kvcore_bytes name_space;
    kvcore_bytes node;
    store_objects objects;
    uint64_t next_seq;
    uint64_t flush_interval_ms, max_records, max_bytes;
    bool single;
    kvwombat_wal_item *items; /* what is buffered */
    size_t count;
    size_t bytes;
    uint64_t first_ms;
    uint64_t total_records; /* ever published */
} group_log;

static kvcore_bytes key_of(kvtest_vector *v, const group_log *log, uint64_t epoch_ms, uint64_t start, uint64_t end,
                           bool batch) {
    kvwombat_wal_object object = {log->node, epoch_ms, start, end, batch, false};
    size_t length = 0;
    (void)!kvwombat_wal_key(log->name_space, &object, NULL, 0, &length);
    char *text = kvtest_line_alloc(v, length + 1);
    kvtest_expect_status(v, "key", kvwombat_wal_key(log->name_space, &object, text, length + 1, &length), KVCORE_OK);
    return (kvcore_bytes){text, length};
}

/* The buffer becomes an object: one record alone, several as a batch. Gives its key, or none when nothing is buffered. */
static kvcore_bytes flush(kvtest_vector *v, group_log *log, uint64_t now_ms) {
    if (log->count == 0) return (kvcore_bytes){NULL, 0};
    bool batch = log->count > 1;
    kvcore_bytes key = key_of(v, log, now_ms, log->items[0].seq, log->items[log->count - 1].seq, batch);
    kvcore_bytes bytes = log->items[0].record;
    if (batch) {
        size_t size = 0;
        (void)!kvwombat_wal_batch_encode(log->items, log->count, NULL, 0, &size);
        void *memory = kvtest_line_alloc(v, size);
        kvtest_expect_status(v, "batch", kvwombat_wal_batch_encode(log->items, log->count, memory, size, &size),
                             KVCORE_OK);
        bytes = (kvcore_bytes){memory, size};
    }
    store_put(v, &log->objects, key, bytes);
    log->count = log->bytes = 0;
    return key;
}

/* A flushed object is named by its key, or by the last part of it where the real clock is in it. */
static void expect_flushed(kvtest_vector *v, json_object *expected, kvcore_bytes key) {
    if (json_object_is_type(expected, json_type_object)) {
        kvcore_bytes tail = kvtest_text(v, expected, "tail");
        size_t front = key.size_bytes < tail.size_bytes ? 0 : key.size_bytes - tail.size_bytes;
        kvtest_expect_bytes(v, "flushed", (const char *)key.data + front, key.size_bytes - front, tail);
    } else if (expected == NULL) {
        kvtest_expect_u64(v, "bytes of a key flushed", key.size_bytes, 0);
    } else {
        kvtest_expect_text(v, "flushed", key.data == NULL ? "" : key.data, json_object_get_string(expected));
    }
}

static kvcore_bytes encode(kvtest_vector *v, json_object *step) {
    kvwombat_wal_record record = {kvtest_hex(v, step, "key"), kvtest_hex(v, step, "meta"),
                                  kvtest_hex(v, step, "payload")};
    size_t size = 0;
    (void)!kvwombat_wal_record_encode(&record, NULL, 0, &size);
    void *memory = kvtest_line_alloc(v, size);
    kvtest_expect_status(v, "record", kvwombat_wal_record_encode(&record, memory, size, &size), KVCORE_OK);
    return (kvcore_bytes){memory, size};
}

static void publish(kvtest_vector *v, group_log *log, json_object *step) {
    kvcore_bytes record = encode(v, step), flushed[2];
    uint64_t now_ms = kvtest_u64(v, step, "now_ms");
    size_t flushes = 0;
    if (log->count == RECORDS_MOST) {
        kvtest_differ(v, "more than %d records are buffered", RECORDS_MOST);
        return;
    }
    if (!log->single && log->count > 0 && log->bytes + record.size_bytes > log->max_bytes)
        flushed[flushes++] = flush(v, log, now_ms);
    if (log->count == 0) log->first_ms = now_ms;
    log->items[log->count++] = (kvwombat_wal_item){log->next_seq++, record};
    log->bytes += record.size_bytes;
    if (log->single || log->count >= log->max_records || log->bytes >= log->max_bytes)
        flushed[flushes++] = flush(v, log, now_ms);
    json_object *expected = kvtest_array(v, step, "flushed");
    kvtest_expect_u64(v, "flushes", flushes, json_object_array_length(expected));
    for (size_t i = 0; i < flushes && i < json_object_array_length(expected); i++)
        expect_flushed(v, json_object_array_get_idx(expected, i), flushed[i]);
    kvtest_expect_u64(v, "buffered_records", log->count, kvtest_u64(v, step, "buffered_records"));
    kvtest_expect_u64(v, "buffered_bytes", log->bytes, kvtest_u64(v, step, "buffered_bytes"));
}

static void take_step(kvtest_vector *v, group_log *log, json_object *step) {
    const char *name = kvtest_string(v, step, "do");
    uint64_t now_ms = kvtest_u64(v, step, "now_ms");
    if (strcmp(name, "publish") == 0) {
        publish(v, log, step);
        return;
    }
    bool due = strcmp(name, "flush_now") == 0;
    if (!due && strcmp(name, "flush_due") != 0) kvtest_differ(v, "a step \"%s\"", name);
    if (!due) due = log->flush_interval_ms > 0 && log->count > 0 && now_ms - log->first_ms >= log->flush_interval_ms;
    expect_flushed(v, kvtest_field(v, step, "flushed"), due ? flush(v, log, now_ms) : (kvcore_bytes){NULL, 0});
}

/* The first number that this node has not used: 1 in an empty log. */
static uint64_t next_sequence(const group_log *log) {
    uint64_t most = 0;
    for (size_t i = 0; i < log->objects.count; i++) {
        kvwombat_wal_object object;
        if (!kvwombat_wal_key_parse(log->name_space, log->objects.rows[i].key, &object)) continue;
        if (store_compare(object.node, log->node) == 0 && object.end_seq > most) most = object.end_seq;
    }
    return most + 1;
}

static void expect_record(kvtest_vector *v, const kvwombat_wal_record *record, json_object *row) {
    kvtest_expect_bytes(v, "key", record->key.data, record->key.size_bytes, kvtest_hex(v, row, "key"));
    kvtest_expect_bytes(v, "meta", record->meta.data, record->meta.size_bytes, kvtest_hex(v, row, "meta"));
    kvtest_expect_bytes(v, "payload", record->payload.data, record->payload.size_bytes, kvtest_hex(v, row, "payload"));
}

/* All records of all objects that begin with the namespace's text, in the order of replay. The first object that cannot be
 * decoded ends it with an error. */
static void check_replay(kvtest_vector *v, const group_log *log) {
    kvcore_bytes *keys = kvtest_line_alloc(v, (log->objects.count + 1) * sizeof *keys);
    size_t count = 0, records = 0;
    for (size_t i = 0; i < log->objects.count; i++)
        if (store_begins(log->objects.rows[i].key, log->name_space)) keys[count++] = log->objects.rows[i].key;
    kvwombat_wal_keys_sort(log->name_space, keys, count);
    json_object *replay = kvtest_field(v, v->line, "replay");
    bool fails = !json_object_is_type(replay, json_type_array);
    size_t expected = fails ? 0 : json_object_array_length(replay);
    kvcore_status status = KVCORE_OK;
    for (size_t i = 0; i < count && status == KVCORE_OK; i++) {
        kvwombat_wal_reader reader;
        kvwombat_wal_record record;
        bool more = true;
        status = kvwombat_wal_open(store_find(&log->objects, keys[i])->bytes, &reader, NULL);
        while (status == KVCORE_OK) {
            status = kvwombat_wal_next(&reader, &record, &more, NULL);
            if (status != KVCORE_OK || !more) break;
            if (!fails && records < expected) expect_record(v, &record, json_object_array_get_idx(replay, records));
            records++;
        }
    }
    kvtest_expect_true(v, "whether the replay fails", fails == (status != KVCORE_OK));
    if (!fails) kvtest_expect_u64(v, "records", records, expected);
}

static void check_group_commit(kvtest_vector *v) {
    json_object *policy = kvtest_field(v, v->line, "policy"), *existing = kvtest_array(v, v->line, "existing"),
                *rows = kvtest_array(v, v->line, "steps");
    kvcore_bytes node = kvtest_text(v, v->line, "node");
    group_log log = {.name_space = kvtest_text(v, v->line, "namespace"),
                     .flush_interval_ms = kvtest_u64(v, policy, "flush_interval_ms"),
                     .max_records = kvtest_u64(v, policy, "max_records"),
                     .max_bytes = kvtest_u64(v, policy, "max_bytes"),
                     .items = kvtest_line_alloc(v, RECORDS_MOST * sizeof *log.items)};
    size_t room = node.size_bytes + 16, length = 0;
    char *text = kvtest_line_alloc(v, room);
    kvtest_expect_status(v, "node", kvwombat_wal_node_id(node, text, room, &length), KVCORE_OK);
    log.node = (kvcore_bytes){text, length};
    log.single = log.max_records <= 1 || log.max_bytes <= 1;
    kvtest_expect_true(v, "single_record_mode", log.single == kvtest_bool(v, v->line, "single_record_mode"));
    for (size_t i = 0; i < json_object_array_length(existing); i++) {
        json_object *row = json_object_array_get_idx(existing, i);
        store_put(v, &log.objects, kvtest_text(v, row, "key"), kvtest_hex(v, row, "bytes"));
    }
    log.next_seq = next_sequence(&log);
    for (size_t i = 0; i < json_object_array_length(rows) && !v->failed; i++)
        take_step(v, &log, json_object_array_get_idx(rows, i));
    json_object *objects = kvtest_field(v, v->line, "objects");
    if (objects != NULL) store_expect_objects(v, &log.objects, objects);
    check_replay(v, &log);
}

static void check_layout_audit(kvtest_vector *v) {
    json_object *keys = kvtest_array(v, v->line, "keys");
    kvcore_bytes name_space = kvtest_text(v, v->line, "namespace");
    size_t total = 0, canonical = 0, legacy = 0;
    for (size_t i = 0; i < json_object_array_length(keys); i++) {
        kvcore_bytes key = store_text_at(v, keys, i);
        kvwombat_wal_object object;
        if (!store_begins(key, name_space) || key.size_bytes <= name_space.size_bytes ||
            ((const char *)key.data)[name_space.size_bytes] != '/')
            continue;
        total++;
        if (!kvwombat_wal_key_parse(name_space, key, &object)) continue;
        if (object.legacy)
            legacy++;
        else
            canonical++;
    }
    kvtest_expect_u64(v, "total", total, kvtest_u64(v, v->line, "total"));
    kvtest_expect_u64(v, "canonical", canonical, kvtest_u64(v, v->line, "canonical"));
    kvtest_expect_u64(v, "legacy", legacy, kvtest_u64(v, v->line, "legacy"));
    kvtest_expect_u64(v, "unknown", total - canonical - legacy, kvtest_u64(v, v->line, "unknown"));
}

/* ---- range reads of a segment ---- */

typedef struct range_read {
    kvcore_bytes start, end, file;
    json_object *entries; /* NULL: an error is expected */
    size_t count;
    uint64_t low, high; /* the window of payloads that is fetched */
} range_read;

static void take_entry(kvtest_vector *v, range_read *read, const kvwombat_segment_entry *entry) {
    if (store_compare(entry->key, read->start) < 0 || store_compare(entry->key, read->end) > 0) return;
    uint64_t end = (uint64_t)entry->payload_offset + entry->payload_bytes;
    if (read->count == 0 || entry->payload_offset < read->low) read->low = entry->payload_offset;
    if (read->count == 0 || end > read->high) read->high = end;
    json_object *row = read->entries == NULL ? NULL : json_object_array_get_idx(read->entries, read->count);
    read->count++;
    if (row == NULL || end > read->file.size_bytes) return;
    kvtest_expect_bytes(v, "key", entry->key.data, entry->key.size_bytes,
                        kvtest_hex_of(v, json_object_array_get_idx(row, 0), "key"));
    kvtest_expect_bytes(v, "payload", (const uint8_t *)read->file.data + entry->payload_offset, entry->payload_bytes,
                        kvtest_hex_of(v, json_object_array_get_idx(row, 1), "payload"));
}

/* KVCORE_EINVAL for a start behind the end. */
static kvcore_status read_range(kvtest_vector *v, range_read *read) {
    if (store_compare(read->start, read->end) > 0) return KVCORE_EINVAL;
    kvcore_bytes index = {NULL, 0};
    kvcore_status status = kvwombat_segment_index(read->file, &index, NULL);
    /* The whole index is decoded before anything is selected. */
    for (int pass = 0; pass < 2 && status == KVCORE_OK; pass++) {
        size_t offset = 0;
        kvwombat_segment_entry entry;
        for (bool more = true; status == KVCORE_OK && more;) {
            status = kvwombat_segment_next(index, &offset, &entry, &more, NULL);
            if (status == KVCORE_OK && more && pass == 1) take_entry(v, read, &entry);
        }
    }
    if (status != KVCORE_OK || read->count == 0) return status;
    return read->high > read->file.size_bytes ? KVCORE_ETRUNCATED : KVCORE_OK;
}

static kvcore_status named_error(kvtest_vector *v, const char *name) {
    static const struct {
        const char *name;
        kvcore_status status;
    } errors[] = {{"InvalidRange", KVCORE_EINVAL},
                  {"UnexpectedEof", KVCORE_ETRUNCATED},
                  {"InvalidMagic", KVFORMAT_EMAGIC},
                  {"ChecksumMismatch", KVCORE_ECHECKSUM},
                  {"FieldTooLarge", KVFORMAT_ETOO_LARGE}};
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
        if (strcmp(errors[i].name, name) == 0) return errors[i].status;
    kvtest_differ(v, "an error \"%s\"", name);
    return KVCORE_OK;
}

static void check_range(kvtest_vector *v, kvcore_bytes segment, json_object *row) {
    json_object *expect = kvtest_field(v, row, "expect");
    bool fails = kvtest_has(expect, "error");
    range_read read = {.start = kvtest_text(v, row, "start"), .end = kvtest_text(v, row, "end"), .file = segment};
    read.entries = fails ? NULL : kvtest_array(v, expect, "entries");
    kvcore_status status = read_range(v, &read);
    kvtest_expect_status(v, "range", status, fails ? named_error(v, kvtest_string(v, expect, "error")) : KVCORE_OK);
    if (fails || status != KVCORE_OK) return;
    kvtest_expect_u64(v, "entries", read.count, json_object_array_length(read.entries));
    kvtest_expect_u64(v, "round_trips", read.count == 0 ? 1 : 2, kvtest_u64(v, expect, "round_trips"));
}

static void check_segment_range(kvtest_vector *v) {
    kvcore_bytes segment = kvtest_hex(v, v->line, "segment");
    json_object *reads = kvtest_array(v, v->line, "reads");
    for (size_t i = 0; i < json_object_array_length(reads) && !v->failed; i++)
        check_range(v, segment, json_object_array_get_idx(reads, i));
}

const store_op store_log_ops[] = {{"group_commit", check_group_commit},
                                  {"layout_audit", check_layout_audit},
                                  {"segment_range", check_segment_range},
                                  {NULL, NULL}};
