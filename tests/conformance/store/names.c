/* Keys of objects, and the flat local tier. */
#include "store.h"

#include <string.h>

#include <kvstore/name.h>

static void check_object_key(kvtest_vector *v) {
    kvcore_bytes prefix = kvtest_text(v, v->line, "s3_prefix"), name_space = kvtest_text(v, v->line, "namespace"),
                 bytes = kvtest_hex(v, v->line, "hash");
    const char *kind_text = kvtest_string(v, v->line, "kind");
    int kind = strcmp(kind_text, "block") == 0 ? KVSTORE_WOMBAT_BLOCK : KVSTORE_WOMBAT_RAW_TAIL;
    if (kind != KVSTORE_WOMBAT_BLOCK) kvtest_expect_text(v, "kind", "raw_tail", kind_text);
    kvcore_hash256 hash = {{0}}, parsed = {{0}};
    if (bytes.size_bytes != sizeof hash.bytes) {
        kvtest_differ(v, "a hash of %zu bytes", bytes.size_bytes);
        return;
    }
    memcpy(hash.bytes, bytes.data, sizeof hash.bytes);
    size_t length = 0, again = 0;
    kvtest_expect_status(v, "size", kvstore_wombat_key(prefix, name_space, kind, &hash, NULL, 0, &length),
                         KVCORE_EBUFFER);
    char *text = kvtest_line_alloc(v, length + 1);
    kvtest_expect_status(v, "key", kvstore_wombat_key(prefix, name_space, kind, &hash, text, length + 1, &again),
                         KVCORE_OK);
    kvtest_expect_bytes(v, "object_key", text, length, kvtest_text(v, v->line, "object_key"));
    /* The relative key is the end of it. */
    kvcore_bytes relative = kvtest_text(v, v->line, "key");
    if (relative.size_bytes > length)
        kvtest_differ(v, "a relative key longer than the whole");
    else
        kvtest_expect_bytes(v, "key", text + length - relative.size_bytes, relative.size_bytes, relative);
    bool block = kvstore_wombat_key_parse((kvcore_bytes){text, length}, &parsed);
    kvtest_expect_true(v, "whether it is a block", block == (kind == KVSTORE_WOMBAT_BLOCK));
    if (block) kvtest_expect_bytes(v, "parsed hash", parsed.bytes, sizeof parsed.bytes, bytes);
}

static void check_open_prefix(kvtest_vector *v) {
    kvcore_hash256 hash = {{0}};
    char text[KVSTORE_KEY_BYTES];
    size_t length;
    kvcore_bytes prefix = kvtest_text(v, v->line, "s3_prefix");
    json_object *expect = kvtest_field(v, v->line, "expect");
    kvtest_expect_status(
        v, "key",
        kvstore_wombat_key(prefix, (kvcore_bytes){"", 0}, KVSTORE_WOMBAT_BLOCK, &hash, text, sizeof text, &length),
        kvtest_has(expect, "error") ? KVCORE_ECONFIG : KVCORE_OK);
}

/* ---- the flat tier: every character that a file name may not have becomes '_', so that keys share files ---- */

enum { NAME_MOST = 255 };

static bool kept(unsigned char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || strchr("-_.=", c) != NULL;
}

static kvcore_bytes flat_name(kvtest_vector *v, kvcore_bytes key) {
    char *text = kvtest_line_alloc(v, key.size_bytes + 4);
    const unsigned char *from = key.data;
    size_t length = 0;
    for (size_t i = 0; i < key.size_bytes; i++) {
        if ((from[i] & 0xC0) == 0x80) continue; /* of a character whose first byte was counted */
        text[length++] = (char)(from[i] != 0 && kept(from[i]) ? from[i] : '_');
    }
    memcpy(text + length, ".kv", 4);
    return (kvcore_bytes){text, length + 3};
}

/* The temporary name (".kv.tmp") must fit as well, and "." and ".." are folders. */
static bool can_be_a_file(kvcore_bytes name) { return name.size_bytes + 4 <= NAME_MOST; }

/* A file is written and renamed; ".kv.tmp" of the key itself is what may stand in the way. */
static void check_flat_files(kvtest_vector *v) {
    json_object *keys = kvtest_array(v, v->line, "keys"), *files = kvtest_array(v, v->line, "files"),
                *get = kvtest_array(v, v->line, "get");
    size_t count = json_object_array_length(keys);
    store_objects tier = {0};
    for (size_t i = 0; i < count; i++) {
        kvcore_bytes name = flat_name(v, store_text_at(v, keys, i));
        size_t *by = kvtest_line_alloc(v, sizeof *by);
        *by = i;
        bool hidden = store_compare(store_text_at(v, keys, i), kvcore_text(".")) == 0;
        if (can_be_a_file(name) && !hidden) store_put(v, &tier, name, (kvcore_bytes){by, sizeof *by});
    }
    kvtest_expect_u64(v, "files", tier.count, json_object_array_length(files));
    for (size_t i = 0; i < tier.count && i < json_object_array_length(files); i++) {
        json_object *row = json_object_array_get_idx(files, i);
        kvtest_expect_bytes(v, "file", tier.rows[i].key.data, tier.rows[i].key.size_bytes, kvtest_text(v, row, "file"));
        kvtest_expect_u64(v, "written_by", *(const size_t *)tier.rows[i].bytes.data, kvtest_u64(v, row, "written_by"));
    }
    kvtest_expect_u64(v, "gets", count, json_object_array_length(get));
    for (size_t i = 0; i < count; i++) {
        const struct store_object *found = store_find(&tier, flat_name(v, store_text_at(v, keys, i)));
        json_object *expected = json_object_array_get_idx(get, i);
        kvtest_expect_true(v, "whether a get finds it", (found != NULL) == (expected != NULL));
        if (found != NULL && expected != NULL)
            kvtest_expect_u64(v, "get", *(const size_t *)found->bytes.data, kvtest_u64_of(v, expected, "get"));
    }
}

const store_op store_name_ops[] = {{"object_key", check_object_key},
                                   {"open_prefix", check_open_prefix},
                                   {"flat_files", check_flat_files},
                                   {NULL, NULL}};
