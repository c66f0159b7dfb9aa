/* Checksums, log records and batches, segments. */
#include "wombat.h"

#include <kvwombat/checksum.h>
#include <kvwombat/segment.h>
#include <kvwombat/wal.h>

static void check_checksum(kvtest_vector *v) {
    kvcore_bytes bytes = wombat_bytes(v, v->line, "in"), wide = kvtest_hex(v, v->line, "fnv64");
    kvtest_expect_u64(v, "fnv32", kvwombat_fnv32(bytes), kvtest_u64(v, v->line, "u32"));
    if (wide.size_bytes == 8)
        kvtest_expect_u64(v, "fnv64", kvwombat_fnv64(bytes), kvcore_load_be64(wide.data));
    else
        kvtest_differ(v, "fnv64 of %zu bytes", wide.size_bytes);
}

static void check_wal_encode(kvtest_vector *v) {
    json_object *in = kvtest_field(v, v->line, "in");
    kvwombat_wal_record record = {wombat_bytes(v, in, "key"), wombat_bytes(v, in, "meta"),
                                  wombat_bytes(v, in, "payload")};
    size_t size = 0;
    kvcore_status asked = kvwombat_wal_record_encode(&record, NULL, 0, &size);
    void *bytes = kvtest_line_alloc(v, size);
    kvcore_status written = kvwombat_wal_record_encode(&record, bytes, size, &size);
    wombat_expect_encoded(v, asked, written, (kvcore_bytes){bytes, size}, kvtest_field(v, v->line, "expect"));
}

static void check_wal_decode(kvtest_vector *v) {
    kvwombat_wal_record record;
    json_object *expect = kvtest_field(v, v->line, "expect");
    kvcore_status status = kvwombat_wal_record_decode(wombat_bytes(v, v->line, "in"), &record, NULL, NULL);
    kvtest_expect_status(v, "decode", status, wombat_expected(v, expect));
    if (status != KVCORE_OK || v->failed) return;
    json_object *ok = kvtest_field(v, expect, "ok");
    kvtest_expect_bytes(v, "key", record.key.data, record.key.size_bytes, wombat_bytes(v, ok, "key"));
    kvtest_expect_bytes(v, "meta", record.meta.data, record.meta.size_bytes, wombat_bytes(v, ok, "meta"));
    kvtest_expect_bytes(v, "payload", record.payload.data, record.payload.size_bytes, wombat_bytes(v, ok, "payload"));
}

static void check_batch_encode(kvtest_vector *v) {
    json_object *records = kvtest_array(v, v->line, "records");
    size_t count = json_object_array_length(records), size = 0;
    kvwombat_wal_item *items = kvtest_line_alloc(v, count * sizeof *items);
    for (size_t i = 0; i < count; i++) {
        json_object *row = json_object_array_get_idx(records, i);
        items[i] = (kvwombat_wal_item){kvtest_u64(v, row, "seq"), kvtest_hex(v, row, "encoded_hex")};
    }
    kvcore_status asked = kvwombat_wal_batch_encode(items, count, NULL, 0, &size);
    void *bytes = kvtest_line_alloc(v, size);
    kvcore_status written = kvwombat_wal_batch_encode(items, count, bytes, size, &size);
    wombat_expect_encoded(v, asked, written, (kvcore_bytes){bytes, size}, kvtest_field(v, v->line, "expect"));
}

static void check_object_decode(kvtest_vector *v) {
    json_object *expect = kvtest_field(v, v->line, "expect");
    json_object *ok = kvtest_has(expect, "ok") ? kvtest_array(v, expect, "ok") : NULL;
    kvwombat_wal_reader reader;
    kvwombat_wal_record record;
    kvcore_status status = kvwombat_wal_open(wombat_bytes(v, v->line, "in"), &reader, NULL);
    size_t count = 0;
    for (bool more = true; status == KVCORE_OK; count++) {
        status = kvwombat_wal_next(&reader, &record, &more, NULL);
        if (status != KVCORE_OK || !more) break;
        json_object *row = ok == NULL ? NULL : json_object_array_get_idx(ok, count);
        if (row == NULL) continue;
        kvtest_expect_bytes(v, "key", record.key.data, record.key.size_bytes, kvtest_hex(v, row, "key"));
        kvtest_expect_bytes(v, "meta", record.meta.data, record.meta.size_bytes, kvtest_hex(v, row, "meta"));
        kvtest_expect_bytes(v, "payload", record.payload.data, record.payload.size_bytes,
                            kvtest_hex(v, row, "payload"));
    }
    kvtest_expect_status(v, "decode", status, wombat_expected(v, expect));
    if (ok != NULL) kvtest_expect_u64(v, "records", count, json_object_array_length(ok));
}

/* The rows of an index against {key, offset, len}, or against [offset, len] for the keys of the blocks. */
static void expect_index(kvtest_vector *v, kvcore_status status, kvcore_bytes index, kvcore_status expected,
                         json_object *rows) {
    size_t offset = 0, count = 0;
    kvwombat_segment_entry entry;
    for (bool more = true; status == KVCORE_OK; count++) {
        status = kvwombat_segment_next(index, &offset, &entry, &more, NULL);
        if (status != KVCORE_OK || !more) break;
        json_object *row = rows == NULL ? NULL : json_object_array_get_idx(rows, count);
        if (row == NULL) continue;
        bool named = json_object_is_type(row, json_type_object);
        if (named) kvtest_expect_bytes(v, "key", entry.key.data, entry.key.size_bytes, kvtest_hex(v, row, "key"));
        kvtest_expect_u64(v, "offset", entry.payload_offset,
                          named ? kvtest_u64(v, row, "offset")
                                : kvtest_u64_of(v, json_object_array_get_idx(row, 0), "offset"));
        kvtest_expect_u64(v, "length", entry.payload_bytes,
                          named ? kvtest_u64(v, row, "len")
                                : kvtest_u64_of(v, json_object_array_get_idx(row, 1), "length"));
    }
    kvtest_expect_status(v, "index", status, expected);
    if (rows != NULL) kvtest_expect_u64(v, "entries", count, json_object_array_length(rows));
}

static void check_segment_encode(kvtest_vector *v) {
    json_object *rows = kvtest_array(v, v->line, "blocks"), *expect = kvtest_field(v, v->line, "expect");
    size_t count = json_object_array_length(rows), size = 0;
    kvwombat_segment_block *blocks = kvtest_line_alloc(v, count * sizeof *blocks);
    for (size_t i = 0; i < count; i++) {
        json_object *row = json_object_array_get_idx(rows, i);
        blocks[i] = (kvwombat_segment_block){wombat_bytes(v, row, "key"), wombat_bytes(v, row, "payload")};
    }
    kvcore_status asked = kvwombat_segment_encode(blocks, count, NULL, 0, &size);
    void *bytes = kvtest_line_alloc(v, size);
    kvcore_status written = kvwombat_segment_encode(blocks, count, bytes, size, &size);
    kvcore_bytes file = {bytes, size}, index = {NULL, 0};
    wombat_expect_encoded(v, asked, written, file, expect);
    if (written != KVCORE_OK || kvtest_is_null(v->line, "index")) return;
    kvtest_expect_status(v, "check", kvwombat_segment_check(file, NULL), KVCORE_OK);
    expect_index(v, kvwombat_segment_index(file, &index, NULL), index, KVCORE_OK, kvtest_array(v, v->line, "index"));
}

static void check_index_decode(kvtest_vector *v) {
    json_object *expect = kvtest_field(v, v->line, "expect");
    kvcore_bytes file = wombat_bytes(v, v->line, "in"), index = {NULL, 0};
    kvcore_status status = kvwombat_segment_index(file, &index, NULL);
    expect_index(v, status, index, wombat_expected(v, expect),
                 kvtest_has(expect, "ok") ? kvtest_array(v, expect, "ok") : NULL);
}

static void check_footer_decode(kvtest_vector *v) {
    json_object *expect = kvtest_field(v, v->line, "expect");
    kvwombat_segment_footer footer;
    kvcore_status status = kvwombat_segment_footer_decode(wombat_bytes(v, v->line, "footer"),
                                                          wombat_bytes(v, v->line, "index"), &footer, NULL);
    kvtest_expect_status(v, "footer", status, wombat_expected(v, expect));
    if (status != KVCORE_OK || v->failed) return;
    json_object *ok = kvtest_field(v, expect, "ok");
    kvtest_expect_u64(v, "index_len", footer.index_bytes, kvtest_u64(v, ok, "index_len"));
    kvtest_expect_u64(v, "index_checksum", footer.index_checksum, kvtest_u64(v, ok, "index_checksum"));
}

const wombat_op wombat_log_ops[] = {{"checksum32", check_checksum},
                                    {"wal_encode", check_wal_encode},
                                    {"wal_decode", check_wal_decode},
                                    {"batch_encode", check_batch_encode},
                                    {"wal_object_decode", check_object_decode},
                                    {"segment_encode", check_segment_encode},
                                    {"segment_index_decode", check_index_decode},
                                    {"segment_footer_decode", check_footer_decode},
                                    {NULL, NULL}};
