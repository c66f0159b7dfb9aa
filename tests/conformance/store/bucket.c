/* What lies in a bucket after puts, what a listing of it indexes, and what damaged objects give. */
#include "store.h"

#include <string.h>

#include <kvcore/text.h>
#include <kvstore/name.h>
#include <kvwombat/envelope.h>

static kvcore_bytes join(kvtest_vector *v, kvcore_bytes a, kvcore_bytes b) {
    char *text = kvtest_line_alloc(v, a.size_bytes + b.size_bytes + 1);
    if (a.size_bytes > 0) memcpy(text, a.data, a.size_bytes);
    if (b.size_bytes > 0) memcpy(text + a.size_bytes, b.data, b.size_bytes);
    return (kvcore_bytes){text, a.size_bytes + b.size_bytes};
}

/* "<prefix>/<namespace>/", or without the namespace and its slash. */
static kvcore_bytes front_of(kvtest_vector *v, kvcore_bytes prefix, kvcore_bytes name_space) {
    kvcore_bytes front = join(v, prefix, kvcore_text("/"));
    return name_space.size_bytes == 0 ? front : join(v, front, join(v, name_space, kvcore_text("/")));
}

/* The object's bytes give the payload back, wrapped or plain; and so does what we would write. */
static void expect_payload(kvtest_vector *v, kvcore_bytes object, kvcore_bytes payload, bool wrapped) {
    kvcore_bytes raw = {NULL, 0};
    void *memory = kvtest_line_alloc(v, payload.size_bytes + 1);
    if (wrapped)
        kvtest_expect_status(v, "decode", kvwombat_wbz1_decode_strict(object, memory, payload.size_bytes, &raw, NULL),
                             KVCORE_OK);
    else
        raw = object;
    kvtest_expect_bytes(v, "payload", raw.data, raw.size_bytes, payload);
    size_t room = kvwombat_wbz1_bound(payload.size_bytes), size = 0;
    uint8_t *packed = kvtest_line_alloc(v, room);
    kvtest_expect_status(v, "encode", kvwombat_wbz1_encode(KVWOMBAT_WBZ1_ZSTD, 3, payload, packed, room, &size),
                         KVCORE_OK);
    kvtest_expect_status(
        v, "decode ours",
        kvwombat_wbz1_decode_strict((kvcore_bytes){packed, size}, memory, payload.size_bytes, &raw, NULL), KVCORE_OK);
    kvtest_expect_bytes(v, "payload of ours", raw.data, raw.size_bytes, payload);
}

static void expect_object(kvtest_vector *v, const store_objects *objects, kvcore_bytes key, kvcore_bytes payload,
                          bool wrapped) {
    const struct store_object *found = store_find(objects, key);
    if (found == NULL)
        kvtest_differ(v, "no object %.*s", (int)key.size_bytes, (const char *)key.data);
    else
        expect_payload(v, found->bytes, payload, wrapped);
}

/* ---- the C library ---- */

static kvcore_bytes key_of(kvtest_vector *v, kvcore_bytes name_space, int kind, kvcore_bytes digest) {
    kvcore_hash256 hash = {{0}};
    size_t length = 0;
    if (digest.size_bytes == sizeof hash.bytes) memcpy(hash.bytes, digest.data, sizeof hash.bytes);
    kvcore_bytes prefix = kvtest_text(v, v->line, "s3_prefix");
    (void)!kvstore_wombat_key(prefix, name_space, kind, &hash, NULL, 0, &length);
    char *text = kvtest_line_alloc(v, length + 1);
    kvtest_expect_status(v, "key", kvstore_wombat_key(prefix, name_space, kind, &hash, text, length + 1, &length),
                         KVCORE_OK);
    return (kvcore_bytes){text, length};
}

/* One call of put: its blocks are there, are as many bytes as it said, and a listing would find them all. */
static size_t check_put(kvtest_vector *v, const store_objects *objects, json_object *put) {
    kvcore_bytes name_space = kvtest_text(v, put, "namespace");
    json_object *blocks = kvtest_array(v, put, "blocks");
    size_t written = 0, count = json_object_array_length(blocks), prefix = 0;
    for (size_t i = 0; i < count; i++) {
        json_object *block = json_object_array_get_idx(blocks, i);
        kvcore_bytes payload = kvtest_hex(v, block, "payload"),
                     key = key_of(v, name_space, KVSTORE_WOMBAT_BLOCK, kvtest_hex(v, block, "hash"));
        expect_object(v, objects, key, payload, true);
        written += payload.size_bytes;
        prefix += prefix == i && store_find(objects, key) != NULL;
    }
    kvtest_expect_u64(v, "written", written, kvtest_u64(v, put, "written"));
    kvtest_expect_u64(v, "lookup", prefix, kvtest_u64(v, put, "lookup"));
    kvtest_expect_true(v, "get_all", kvtest_bool(v, put, "get_all") == (prefix == count));
    if (kvtest_is_null(put, "raw_tail")) return count;
    json_object *tail = kvtest_field(v, put, "raw_tail");
    expect_object(v, objects, key_of(v, name_space, KVSTORE_WOMBAT_RAW_TAIL, kvtest_hex(v, tail, "tip")),
                  kvtest_hex(v, tail, "payload"), true);
    return count + 1;
}

static void check_cabi_bucket(kvtest_vector *v) {
    store_objects objects = {0};
    size_t expected = 0;
    store_load(v, kvtest_field(v, v->line, "objects"), &objects);
    json_object *puts = kvtest_array(v, v->line, "puts");
    for (size_t i = 0; i < json_object_array_length(puts); i++)
        expected += check_put(v, &objects, json_object_array_get_idx(puts, i));
    kvtest_expect_u64(v, "objects", objects.count, expected);
}

/* ---- the node library ---- */

/* A listing gives what is behind "<prefix>/<namespace>/", and bootstrapping from it indexes the blocks among those. */
static void check_list(kvtest_vector *v, const store_objects *objects, json_object *list, store_objects *index) {
    kvcore_bytes front = front_of(v, kvtest_text(v, v->line, "s3_prefix"), kvtest_text(v, list, "namespace"));
    json_object *relative = kvtest_array(v, list, "relative");
    size_t listed = 0, indexed = 0;
    for (size_t i = 0; i < objects->count; i++) {
        kvcore_bytes key = objects->rows[i].key;
        kvcore_hash256 hash;
        if (!store_begins(key, front)) continue;
        if (listed < json_object_array_length(relative))
            kvtest_expect_bytes(v, "relative", (const char *)key.data + front.size_bytes,
                                key.size_bytes - front.size_bytes, store_text_at(v, relative, listed));
        listed++;
        if (!kvstore_wombat_key_parse(key, &hash)) continue;
        indexed++;
        static const char behind[] = " bytes=0 seq=0"; /* a listing knows neither */
        char *text = kvtest_line_alloc(v, 64 + sizeof behind);
        kvcore_hex_encode(hash.bytes, sizeof hash.bytes, text);
        memcpy(text + 64, behind, sizeof behind);
        store_put(v, index, kvcore_text(text), (kvcore_bytes){"", 0});
    }
    kvtest_expect_u64(v, "listed", listed, json_object_array_length(relative));
    kvtest_expect_u64(v, "indexed_by_bootstrap", indexed, kvtest_u64(v, list, "indexed_by_bootstrap"));
}

static void expect_texts(kvtest_vector *v, const char *what, const store_objects *objects, json_object *texts) {
    kvtest_expect_u64(v, what, objects->count, json_object_array_length(texts));
    for (size_t i = 0; i < objects->count && i < json_object_array_length(texts); i++)
        kvtest_expect_bytes(v, what, objects->rows[i].key.data, objects->rows[i].key.size_bytes,
                            store_text_at(v, texts, i));
}

static kvcore_bytes flat_file(kvtest_vector *v, kvcore_bytes key) {
    kvcore_bytes name = join(v, key, kvcore_text(".kv"));
    char *text = (char *)(uintptr_t)name.data;
    for (size_t i = 0; i < key.size_bytes; i++)
        if (strchr("/:", text[i]) != NULL) text[i] = '_';
    return name;
}

static void check_embed(kvtest_vector *v) {
    store_objects objects = {0}, index = {0}, files = {0};
    bool wrapped = strcmp(kvtest_string(v, v->line, "compress"), "none") != 0;
    json_object *puts = kvtest_array(v, v->line, "puts"), *lists = kvtest_array(v, v->line, "lists"),
                *gets = kvtest_array(v, v->line, "gets_after_clearing_local_tiers");
    store_load(v, kvtest_field(v, v->line, "objects"), &objects);
    kvtest_expect_u64(v, "gets", json_object_array_length(puts), json_object_array_length(gets));
    for (size_t i = 0; i < json_object_array_length(puts); i++) {
        json_object *put = json_object_array_get_idx(puts, i), *get = json_object_array_get_idx(gets, i);
        kvcore_bytes key = join(v, front_of(v, kvtest_text(v, v->line, "s3_prefix"), kvtest_text(v, put, "namespace")),
                                kvtest_text(v, put, "key"));
        expect_object(v, &objects, key, kvtest_hex(v, put, "payload"), wrapped);
        store_put(v, &files, flat_file(v, key), (kvcore_bytes){"", 0});
        kvtest_expect_text(v, "tier", "object_store", kvtest_string(v, get, "tier"));
        kvtest_expect_true(v, "payload_ok", kvtest_bool(v, get, "payload_ok"));
    }
    for (size_t i = 0; i < json_object_array_length(lists); i++)
        check_list(v, &objects, json_object_array_get_idx(lists, i), &index);
    expect_texts(v, "index_after_bootstraps", &index, kvtest_array(v, v->line, "index_after_bootstraps"));
    expect_texts(v, "flat_files", &files, kvtest_array(v, v->line, "flat_files"));
}

/* The original hands out anything; the strict decoder never hands out what is not the block. */
static void check_read_foreign(kvtest_vector *v) {
    kvcore_bytes object = kvtest_hex(v, v->line, "object"), expected = kvtest_hex(v, v->line, "handed_out"), raw;
    uint32_t room = kvwombat_wbz1_raw_bytes(object);
    bool decoded = false;
    if (room > UINT32_C(1) << 28) room = UINT32_C(1) << 28;
    void *memory = kvtest_line_alloc(v, room);
    kvcore_status status = kvwombat_wbz1_decode(object, memory, room, &raw, &decoded);
    if (status ==
        KVCORE_EBUFFER) /* it states more than it can be: the original finds another length, and hands it on */
        raw = object;
    else
        kvtest_expect_status(v, "decode", status, KVCORE_OK);
    kvtest_expect_bytes(v, "handed_out", raw.data, raw.size_bytes, expected);
    kvcore_bytes strict = {NULL, 0};
    if (kvwombat_wbz1_decode_strict(object, memory, room, &strict, NULL) == KVCORE_OK)
        kvtest_expect_bytes(v, "decoded strictly", strict.data, strict.size_bytes, expected);
    if (strcmp(kvtest_string(v, v->line, "what"), "sound") == 0)
        kvtest_expect_true(v, "a sound one decodes strictly", strict.data != NULL);
}

const store_op store_bucket_ops[] = {{"cabi_bucket", check_cabi_bucket},
                                     {"embed", check_embed},
                                     {"embed_read_foreign", check_read_foreign},
                                     {NULL, NULL}};
