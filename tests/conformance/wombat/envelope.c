/* The compression envelope, the wire envelope, batches. */
#include "wombat.h"

#include <kvformat/checksum.h>
#include <kvwombat/envelope.h>

static void check_wbz1_decode(kvtest_vector *v) {
    kvcore_bytes in = wombat_bytes(v, v->line, "in"), expected = wombat_bytes(v, v->line, "out"), raw = {NULL, 0};
    size_t capacity = kvwombat_wbz1_raw_bytes(in);
    if (capacity >
        (size_t)64 << 20) { /* a length that lies: the answer is the same with less memory, or it needs more */
        capacity = (size_t)64 << 20;
    }
    bool decoded = false;
    void *memory = kvtest_line_alloc(v, capacity);
    kvcore_status status = kvwombat_wbz1_decode(in, memory, capacity, &raw, &decoded);
    if (status == KVCORE_EBUFFER) { /* a length that lies so much is no envelope for us either */
        raw = in;
        decoded = false;
        status = KVCORE_OK;
    }
    kvtest_expect_status(v, "decode", status, KVCORE_OK);
    kvtest_expect_u64(v, "decoded", decoded, kvtest_bool(v, v->line, "decoded"));
    kvtest_expect_bytes(v, "out", raw.data, raw.size_bytes, expected);
    kvcore_bytes strict = {NULL, 0};
    kvcore_status answer = kvwombat_wbz1_decode_strict(in, memory, capacity, &strict, NULL);
    if (answer == KVCORE_OK) { /* what strict takes, the other takes too, and gives the same */
        kvtest_expect_true(v, "decoded when strict says it is sound", decoded);
        kvtest_expect_bytes(v, "strict", strict.data, strict.size_bytes, expected);
    }
}

static void check_wire_encode(kvtest_vector *v) {
    kvcore_bytes body = wombat_bytes(v, v->line, "body"), crc = kvtest_hex(v, v->line, "crc32c");
    size_t size = 0;
    kvcore_status asked = kvwombat_wire_encode(body, NULL, 0, &size);
    void *bytes = kvtest_line_alloc(v, size);
    kvcore_status written = kvwombat_wire_encode(body, bytes, size, &size);
    wombat_expect_encoded(v, asked, written, (kvcore_bytes){bytes, size}, kvtest_field(v, v->line, "expect"));
    if (crc.size_bytes == 4)
        kvtest_expect_u64(v, "crc32c", kvformat_crc32c(0, body), kvcore_load_be32(crc.data));
    else
        kvtest_differ(v, "crc32c of %zu bytes", crc.size_bytes);
}

static void check_wire_decode(kvtest_vector *v) {
    json_object *expect = kvtest_field(v, v->line, "expect");
    kvcore_bytes body = {NULL, 0};
    kvcore_status status = kvwombat_wire_decode(wombat_bytes(v, v->line, "in"), &body, NULL);
    kvtest_expect_status(v, "decode", status, wombat_expected(v, expect));
    if (status == KVCORE_OK && !v->failed)
        kvtest_expect_bytes(v, "body", body.data, body.size_bytes, kvtest_hex(v, expect, "ok"));
}

static void check_batch(kvtest_vector *v, kvwombat_batch kind, const char *field) {
    json_object *list = kvtest_array(v, v->line, field);
    size_t count = json_object_array_length(list), size = 0, back_count = 0;
    kvcore_bytes *items = kvtest_line_alloc(v, count * sizeof *items),
                 *back = kvtest_line_alloc(v, count * sizeof *back);
    for (size_t i = 0; i < count; i++) {
        json_object *item = json_object_array_get_idx(list, i);
        items[i] = kind == KVWOMBAT_BATCH_KEYS
                       ? (kvcore_bytes){json_object_get_string(item), (size_t)json_object_get_string_len(item)}
                       : kvtest_hex_of(v, item, field);
    }
    kvcore_status asked = kvwombat_batch_encode(kind, items, count, NULL, 0, &size);
    void *bytes = kvtest_line_alloc(v, size);
    kvcore_status written = kvwombat_batch_encode(kind, items, count, bytes, size, &size);
    kvcore_bytes whole = {bytes, size};
    wombat_expect_encoded(v, asked, written, whole, kvtest_field(v, v->line, "expect"));
    if (written != KVCORE_OK) return;
    kvtest_expect_status(v, "decode", kvwombat_batch_decode(kind, whole, back, count, &back_count, NULL), KVCORE_OK);
    kvtest_expect_u64(v, "items", back_count, count);
    for (size_t i = 0; i < count && !v->failed; i++)
        kvtest_expect_bytes(v, "item", back[i].data, back[i].size_bytes, items[i]);
}

static void check_key_batch(kvtest_vector *v) { check_batch(v, KVWOMBAT_BATCH_KEYS, "keys"); }
static void check_bytes_batch(kvtest_vector *v) { check_batch(v, KVWOMBAT_BATCH_BYTES, "items"); }

const wombat_op wombat_envelope_ops[] = {{"wbz1_decode", check_wbz1_decode},     {"envelope_encode", check_wire_encode},
                                         {"envelope_decode", check_wire_decode}, {"key_batch", check_key_batch},
                                         {"bytes_batch", check_bytes_batch},     {NULL, NULL}};
