/* The indexes of WombatKV: rows of the durable one, a cycle of eviction from the one in memory. */
#include "store.h"

#include <stdio.h>
#include <string.h>

#include <kvcore/block_meta.h>
#include <kvcore/text.h>
#include <kvradix/metadata.h>
#include <kvstore/name.h>

enum { ROW_BYTES = 4 + 104, STAMP_AT = 4 + 48 };

static bool fixed(kvtest_vector *v, json_object *object, const char *key, void *to, size_t size_bytes) {
    kvcore_bytes bytes = kvtest_hex(v, object, key);
    if (bytes.size_bytes != size_bytes) {
        kvtest_differ(v, "\"%s\" of %zu bytes", key, bytes.size_bytes);
        return false;
    }
    memcpy(to, bytes.data, size_bytes);
    return true;
}

static bool meta_of(kvtest_vector *v, json_object *object, kvcore_block_meta *meta) {
    *meta = (kvcore_block_meta){.payload_bytes = kvtest_u64(v, object, "payload_bytes"),
                                .last_access_ns = kvtest_u64(v, object, "last_access_ns"),
                                .block_seq = (uint32_t)kvtest_u64(v, object, "block_seq"),
                                .ext_flags = (uint32_t)kvtest_u64(v, object, "ext_flags")};
    return fixed(v, object, "parent_hash", meta->parent_hash.bytes, sizeof meta->parent_hash.bytes) &&
           fixed(v, object, "model_digest", meta->model_digest.bytes, sizeof meta->model_digest.bytes) &&
           fixed(v, object, "layout_tag", meta->layout_tag.bytes, sizeof meta->layout_tag.bytes);
}

/* "v001", then the fields as they lie in the original's memory: 4 bytes of padding behind the sequence and at the end. */
static void encode_row(const kvcore_block_meta *meta, uint8_t row[ROW_BYTES]) {
    memset(row, 0, ROW_BYTES);
    memcpy(row, "v001", 4);
    memcpy(row + 4, meta->parent_hash.bytes, 32);
    kvcore_store_le32(row + 36, meta->block_seq);
    kvcore_store_le64(row + 44, meta->payload_bytes);
    kvcore_store_le64(row + STAMP_AT, meta->last_access_ns);
    memcpy(row + 60, meta->model_digest.bytes, 24);
    memcpy(row + 84, meta->layout_tag.bytes, 16);
    kvcore_store_le32(row + 100, meta->ext_flags);
}

static void check_value(kvtest_vector *v) {
    kvcore_block_meta meta;
    uint8_t row[ROW_BYTES];
    if (!meta_of(v, kvtest_field(v, v->line, "meta"), &meta)) return;
    encode_row(&meta, row);
    kvtest_expect_bytes(v, "value", row, sizeof row, kvtest_hex(v, v->line, "value"));
}

/* Two rows a block. A later insertion of the same hash replaces the first row, and the second where its key is the same. */
static void insert_rows(kvtest_vector *v, json_object *inserted, store_objects *rows) {
    kvcore_block_meta meta;
    kvcore_bytes hash = kvtest_text(v, inserted, "hash");
    if (!meta_of(v, kvtest_field(v, inserted, "meta"), &meta)) return;
    uint8_t *row = kvtest_line_alloc(v, ROW_BYTES);
    encode_row(&meta, row);
    char digest[49] = {0}, *key = kvtest_line_alloc(v, hash.size_bytes + 3);
    snprintf(key, hash.size_bytes + 3, "h/%s", (const char *)hash.data);
    store_put(v, rows, kvcore_text(key), (kvcore_bytes){row, ROW_BYTES});
    kvcore_hex_encode(meta.model_digest.bytes, sizeof meta.model_digest.bytes, digest);
    const char *name_space = kvtest_string(v, v->line, "namespace");
    size_t room = strlen(name_space) + hash.size_bytes + 80;
    key = kvtest_line_alloc(v, room);
    snprintf(key, room, "t/%s/%s/%08x/%s", name_space, digest, (unsigned)meta.block_seq, (const char *)hash.data);
    store_put(v, rows, kvcore_text(key), (kvcore_bytes){row, ROW_BYTES});
}

/* The stamp of a row is the time of its insertion, which no vector can know: it is the same in both rows of a block. */
static void check_rows(kvtest_vector *v) {
    store_objects rows = {0};
    json_object *inserted = kvtest_array(v, v->line, "inserted"), *expected = kvtest_array(v, v->line, "rows");
    for (size_t i = 0; i < json_object_array_length(inserted); i++)
        insert_rows(v, json_object_array_get_idx(inserted, i), &rows);
    kvtest_expect_u64(v, "rows", rows.count, json_object_array_length(expected));
    for (size_t i = 0; i < rows.count && i < json_object_array_length(expected) && !v->failed; i++) {
        json_object *row = json_object_array_get_idx(expected, i);
        kvcore_bytes value = kvtest_hex(v, row, "value");
        uint8_t *ours = (uint8_t *)(uintptr_t)rows.rows[i].bytes.data;
        kvtest_expect_bytes(v, "key", rows.rows[i].key.data, rows.rows[i].key.size_bytes, kvtest_text(v, row, "key"));
        if (value.size_bytes == ROW_BYTES) memcpy(ours + STAMP_AT, (const uint8_t *)value.data + STAMP_AT, 8);
        kvtest_expect_bytes(v, "value", ours, ROW_BYTES, value);
    }
}

/* ---- eviction ---- */

typedef struct evict_entry {
    kvcore_hash256 hash;
    uint64_t payload_bytes, last_access_ns;
} evict_entry;

/* Least recently used first, those of one stamp by ascending hash. */
static void sort_entries(evict_entry *entries, size_t count) {
    for (size_t i = 1; i < count; i++)
        for (size_t j = i; j > 0; j--) {
            evict_entry *a = &entries[j - 1], *b = &entries[j], moved = *a;
            bool right = a->last_access_ns != b->last_access_ns ? a->last_access_ns < b->last_access_ns
                                                                : kvcore_hash256_compare(&a->hash, &b->hash) <= 0;
            if (right) break;
            *a = *b;
            *b = moved;
        }
}

static bool refuses(kvtest_vector *v, const kvcore_hash256 *hash) {
    json_object *refused = kvtest_array(v, v->line, "delete_refused_for");
    char text[65] = {0};
    kvcore_hex_encode(hash->bytes, sizeof hash->bytes, text);
    for (size_t i = 0; i < json_object_array_length(refused); i++)
        if (strcmp(store_text_at(v, refused, i).data, text) == 0) return true;
    return false;
}

/* The object of a hash in namespace "ns", as the vectors write a call of delete. */
static void expect_delete(kvtest_vector *v, json_object *deletes, size_t index, const kvcore_hash256 *hash) {
    char key[KVSTORE_KEY_BYTES];
    size_t length = 0;
    kvtest_expect_status(v, "key",
                         kvstore_wombat_key(kvcore_text("p"), (kvcore_bytes){"", 0}, KVSTORE_WOMBAT_BLOCK, hash, key,
                                            sizeof key, &length),
                         KVCORE_OK);
    if (index >= json_object_array_length(deletes)) return;
    kvcore_bytes text = store_text_at(v, deletes, index);
    const char *bar = memchr(text.data, '|', text.size_bytes);
    kvtest_expect_text(v, "deleted", key + 2, bar == NULL ? "" : bar + 1);
}

static void check_evict_cycle(kvtest_vector *v) {
    json_object *rows = kvtest_array(v, v->line, "entries"), *deletes = kvtest_array(v, v->line, "deletes");
    size_t count = json_object_array_length(rows), freed = 0, failures = 0;
    uint64_t budget = kvtest_u64(v, v->line, "budget"), total = 0, bytes = 0;
    evict_entry *entries = kvtest_line_alloc(v, (count + 1) * sizeof *entries);
    for (size_t i = 0; i < count; i++) {
        json_object *row = json_object_array_get_idx(rows, i);
        if (!fixed(v, row, "hash", entries[i].hash.bytes, sizeof entries[i].hash.bytes)) return;
        entries[i].payload_bytes = kvtest_u64(v, row, "payload_bytes");
        entries[i].last_access_ns = kvtest_u64(v, row, "last_access_ns");
        total += entries[i].payload_bytes;
    }
    sort_entries(entries, count);
    bool over = budget > 0 && total > budget;
    uint64_t need = over ? total - kvradix_eviction_target_bytes(budget) : 0;
    for (; over && freed < count && bytes < need; freed++) {
        expect_delete(v, deletes, freed, &entries[freed].hash);
        bytes += entries[freed].payload_bytes;
        if (refuses(v, &entries[freed].hash)) failures++;
    }
    kvtest_expect_true(v, "over_budget", over == kvtest_bool(v, v->line, "over_budget"));
    kvtest_expect_u64(v, "blocks_freed", freed, kvtest_u64(v, v->line, "blocks_freed"));
    kvtest_expect_u64(v, "bytes_freed", bytes, kvtest_u64(v, v->line, "bytes_freed"));
    kvtest_expect_u64(v, "delete_failures", failures, kvtest_u64(v, v->line, "delete_failures"));
    kvtest_expect_u64(v, "skipped_changed", 0, kvtest_u64(v, v->line, "skipped_changed"));
    kvtest_expect_u64(v, "left", count - freed, kvtest_u64(v, v->line, "left"));
}

const store_op store_index_ops[] = {
    {"block_meta_value", check_value}, {"durable_rows", check_rows}, {"evict_cycle", check_evict_cycle}, {NULL, NULL}};
