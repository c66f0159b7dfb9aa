/* Blocks and sidecars of the engine, with the toy model of the first line. */
#include "wombat.h"

#include <string.h>

#include <kvwombat/engine.h>

enum { MOST_LAYERS = 32 };

/* What the first line says; kept over the lines of the file. */
typedef struct toy {
    uint32_t ratios[MOST_LAYERS];
    uint32_t layer_count, head_dim, indexer_dim, window, block_tokens, installed_tokens;
} toy;

_Static_assert(sizeof(toy) <= 256, "fits the driver's context");

static uint32_t u32(kvtest_vector *v, const char *key) { return (uint32_t)kvtest_u64(v, v->line, key); }

static void read_toy(kvtest_vector *v) {
    toy *model = v->context;
    model->layer_count = u32(v, "n_layers");
    if (model->layer_count > MOST_LAYERS) {
        kvtest_differ(v, "more than %d layers", MOST_LAYERS);
        model->layer_count = 0;
    }
    kvtest_expect_text(v, "ratios", "0,0,then 4 on even and 128 on odd layers", kvtest_string(v, v->line, "ratios"));
    for (uint32_t i = 0; i < model->layer_count; i++) model->ratios[i] = i < 2 ? 0 : i % 2 == 0 ? 4 : 128;
    model->head_dim = u32(v, "head_dim");
    model->indexer_dim = u32(v, "indexer_head_dim");
    model->window = u32(v, "swa_window");
    model->block_tokens = u32(v, "block_tokens");
    model->installed_tokens = u32(v, "installed_checkpoint_tokens");
}

static kvwombat_engine_model model_of(kvtest_vector *v) {
    const toy *model = v->context;
    if (model->layer_count == 0) kvtest_differ(v, "no model in the first line");
    return (kvwombat_engine_model){model->ratios,      model->layer_count, model->head_dim,
                                   model->indexer_dim, model->window,      model->block_tokens};
}

static kvcore_bytes read_file(kvtest_vector *v) {
    kvcore_bytes bytes = wombat_file(v, kvtest_string(v, v->line, "file"));
    kvtest_expect_u64(v, "len", bytes.size_bytes, kvtest_u64(v, v->line, "len"));
    return bytes;
}

static kvcore_status expected_of(kvtest_vector *v) {
    const char *expect = kvtest_string(v, v->line, "expect");
    return strcmp(expect, "ok") == 0 ? KVCORE_OK : wombat_error(v, expect);
}

static void expect_crc(kvtest_vector *v, const void *at) {
    kvcore_bytes crc = kvtest_hex(v, v->line, "crc32c");
    if (crc.size_bytes == 4)
        kvtest_expect_u64(v, "crc32c", kvcore_load_le32(at), kvcore_load_be32(crc.data));
    else
        kvtest_differ(v, "crc32c of %zu bytes", crc.size_bytes);
}

static void expect_same(kvtest_vector *v, kvcore_status status, const void *bytes, size_t size, kvcore_bytes file) {
    kvtest_expect_status(v, "encode", status, KVCORE_OK);
    if (status == KVCORE_OK) kvtest_expect_bytes(v, "bytes", bytes, size, file);
}

/* The engine's file taken apart and put together again is the same file. */
static void check_kvb1_encode(kvtest_vector *v) {
    kvwombat_engine_model model = model_of(v);
    kvcore_bytes file = read_file(v);
    kvwombat_kvb1_layer layers[MOST_LAYERS];
    uint32_t seq = u32(v, "block_seq");
    kvcore_status status = kvwombat_kvb1_decode(&model, seq, file, layers, NULL);
    kvtest_expect_status(v, "decode", status, KVCORE_OK);
    if (status != KVCORE_OK) return;
    void *bytes = kvtest_line_alloc(v, file.size_bytes);
    size_t size = 0;
    status = kvwombat_kvb1_encode(&model, seq, layers, bytes, file.size_bytes, &size);
    expect_same(v, status, bytes, size, file);
    expect_crc(v, (const uint8_t *)file.data + file.size_bytes - 4);
}

static void check_kvb1_decode(kvtest_vector *v) {
    kvwombat_engine_model model = model_of(v);
    kvwombat_kvb1_layer layers[MOST_LAYERS];
    kvcore_status status = kvwombat_kvb1_decode(&model, 0, read_file(v), layers, NULL);
    kvtest_expect_status(v, "decode", status, expected_of(v));
}

static void check_rtt1_encode(kvtest_vector *v) {
    kvwombat_engine_model model = model_of(v);
    kvcore_bytes file = read_file(v);
    kvwombat_rtt1 sidecar;
    kvwombat_rtt1_layer layers[MOST_LAYERS];
    kvcore_status status = kvwombat_rtt1_decode(&model, 0, file, &sidecar, layers, NULL);
    kvtest_expect_status(v, "decode", status, KVCORE_OK);
    if (status != KVCORE_OK) return;
    void *bytes = kvtest_line_alloc(v, file.size_bytes);
    size_t size = 0;
    status = kvwombat_rtt1_encode(&model, &sidecar, layers, bytes, file.size_bytes, &size);
    expect_same(v, status, bytes, size, file);
    expect_crc(v, (const uint8_t *)file.data + 12);
    kvtest_expect_u64(v, "body_len", kvcore_load_le32((const uint8_t *)file.data + 8),
                      kvtest_u64(v, v->line, "body_len"));
    kvtest_expect_bytes(v, "head", bytes, 4, kvtest_hex(v, v->line, "head_hex"));
}

static void check_rtt1_decode(kvtest_vector *v) {
    kvwombat_engine_model model = model_of(v);
    kvwombat_rtt1 sidecar;
    kvwombat_rtt1_layer layers[MOST_LAYERS];
    kvcore_status status =
        kvwombat_rtt1_decode(&model, ((const toy *)v->context)->installed_tokens, read_file(v), &sidecar, layers, NULL);
    kvtest_expect_status(v, "decode", status, expected_of(v));
}

const wombat_op wombat_engine_ops[] = {{"toy_model", read_toy},
                                       {"kvb1_encode", check_kvb1_encode},
                                       {"kvb1_decode", check_kvb1_decode},
                                       {"rtt1_encode", check_rtt1_encode},
                                       {"rtt1_decode", check_rtt1_decode},
                                       {NULL, NULL}};
