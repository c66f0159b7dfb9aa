/* Wire and compression envelopes, batches, engine envelopes. */
#include "kvtest.h"

#include <kvformat/checksum.h>
#include <kvwombat/engine.h>
#include <kvwombat/envelope.h>

static void compression_goes_there_and_back_at_every_level(void **state) {
    (void)state;
    uint8_t raw[5000], back[5000];
    for (size_t i = 0; i < sizeof raw; i++) raw[i] = (uint8_t)(i / 7);
    size_t capacity = kvwombat_wbz1_bound(sizeof raw), size = 0;
    uint8_t *packed = malloc(capacity);
    static const int levels[] = {-5, 1, 3, 22, 99};
    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++) {
        kvtest_assert_ok(kvwombat_wbz1_encode(KVWOMBAT_WBZ1_ZSTD, levels[i], (kvcore_bytes){raw, sizeof raw}, packed,
                                              capacity, &size));
        assert_int_equal(packed[5], levels[i] < 1 ? 1 : levels[i] > 22 ? 22 : levels[i]);
        assert_int_equal(kvwombat_wbz1_raw_bytes((kvcore_bytes){packed, size}), sizeof raw);
        kvcore_bytes out;
        bool decoded;
        kvtest_assert_ok(kvwombat_wbz1_decode((kvcore_bytes){packed, size}, back, sizeof back, &out, &decoded));
        assert_true(decoded && out.size_bytes == sizeof raw);
        assert_memory_equal(out.data, raw, sizeof raw);
    }
    free(packed);
}

/* The original hands damaged objects on; the strict decoder says what is wrong. */
static void damage_is_handed_on_or_named(void **state) {
    (void)state;
    uint8_t raw[100] = {1, 2, 3}, packed[512], back[4096];
    size_t size = 0;
    kvtest_assert_ok(
        kvwombat_wbz1_encode(KVWOMBAT_WBZ1_ZSTD, 3, (kvcore_bytes){raw, sizeof raw}, packed, sizeof packed, &size));
    static const struct {
        size_t at;
        uint8_t value;
        kvcore_status strict;
    } cases[] = {{0, 'X', KVFORMAT_EMAGIC}, {4, 2, KVCORE_ENOTSUP},     {4, 3, KVCORE_EFORMAT},
                 {6, 99, KVFORMAT_ELENGTH}, {6, 101, KVFORMAT_ELENGTH}, {10, 0, KVCORE_EFORMAT},
                 {4, 0, KVFORMAT_ELENGTH}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t changed[512];
        memcpy(changed, packed, size);
        changed[cases[i].at] = cases[i].value;
        kvcore_bytes in = {changed, size}, out = {NULL, 0};
        bool decoded = true;
        kvtest_assert_status(kvwombat_wbz1_decode_strict(in, back, sizeof back, &out, NULL), cases[i].strict);
        assert_null(out.data);
        kvtest_assert_ok(kvwombat_wbz1_decode(in, back, sizeof back, &out, &decoded));
        bool plain = cases[i].at == 4 && cases[i].value == 0; /* "stored": ten bytes are lost, as upstream */
        assert_int_equal(decoded, plain);
        assert_int_equal(out.size_bytes, plain ? size - 10 : size);
    }
    kvcore_bytes out;
    bool decoded;
    kvtest_assert_status(kvwombat_wbz1_decode((kvcore_bytes){packed, size}, back, 99, &out, &decoded), KVCORE_EBUFFER);
    kvtest_assert_status(kvwombat_wbz1_encode(KVWOMBAT_WBZ1_LZ4, 3, (kvcore_bytes){raw, 1}, packed, 512, &size),
                         KVCORE_ENOTSUP);
}

static void a_stream_header_is_judged_before_memory_is_taken(void **state) {
    (void)state;
    uint8_t header[16];
    size_t size;
    uint32_t body = 0;
    kvtest_assert_ok(kvwombat_wire_encode((kvcore_bytes){0}, header, sizeof header, &size));
    kvcore_store_le32(header + 12, KVWOMBAT_WIRE_MAX_BODY_BYTES);
    kvtest_assert_ok(kvwombat_wire_peek(header, &body, NULL));
    assert_int_equal(body, KVWOMBAT_WIRE_MAX_BODY_BYTES);
    kvcore_store_le32(header + 12, KVWOMBAT_WIRE_MAX_BODY_BYTES + 1);
    kvtest_assert_status(kvwombat_wire_peek(header, &body, NULL), KVFORMAT_ETOO_LARGE);
    header[4] = 2;
    kvtest_assert_status(kvwombat_wire_peek(header, &body, NULL), KVFORMAT_EVERSION);
}

static void batches_refuse_every_cut_and_every_addition(void **state) {
    (void)state;
    const kvcore_bytes items[] = {kvcore_text("a"), kvcore_text(""), kvcore_text("nested/key")};
    for (unsigned kind = 0; kind < 2; kind++) {
        uint8_t bytes[128] = {0};
        size_t size = 0, count = 0;
        kvcore_bytes back[3];
        kvtest_assert_ok(kvwombat_batch_encode((kvwombat_batch)kind, items, 3, bytes, sizeof bytes, &size));
        kvtest_assert_ok(
            kvwombat_batch_decode((kvwombat_batch)kind, (kvcore_bytes){bytes, size}, back, 3, &count, NULL));
        assert_int_equal(count, 3);
        assert_memory_equal(back[2].data, "nested/key", 10);
        for (size_t cut = 0; cut < size; cut++) {
            uint8_t *part = malloc(cut > 0 ? cut : 1);
            memcpy(part, bytes, cut);
            kvtest_assert_status(
                kvwombat_batch_decode((kvwombat_batch)kind, (kvcore_bytes){part, cut}, back, 3, &count, NULL),
                KVCORE_ETRUNCATED);
            free(part);
        }
        kvcore_bytes longer = {bytes, size + 1}, whole = {bytes, size};
        kvtest_assert_status(kvwombat_batch_decode((kvwombat_batch)kind, longer, back, 3, &count, NULL),
                             KVFORMAT_ETRAILING);
        count = 0;
        kvtest_assert_status(kvwombat_batch_decode((kvwombat_batch)kind, whole, back, 2, &count, NULL), KVCORE_EBUFFER);
        assert_int_equal(count, 3);
        kvtest_assert_status(kvwombat_batch_decode((kvwombat_batch)(1 - kind), whole, back, 3, &count, NULL),
                             KVFORMAT_EMAGIC);
    }
    size_t size;
    kvtest_assert_status(kvwombat_batch_encode((kvwombat_batch)2, items, 3, NULL, 0, &size), KVCORE_EINVAL);
}

/* The sizes that the original's code was seen to give for its real model. */
static void the_real_models_files_have_their_known_sizes(void **state) {
    (void)state;
    kvwombat_engine_model model = kvwombat_engine_dsv4(128);
    kvwombat_kvb1_layer blocks[43] = {{{0}, {0}}};
    kvwombat_rtt1_layer layers[43];
    size_t size = 0;
    kvtest_assert_status(kvwombat_kvb1_encode(&model, 0, blocks, NULL, 0, &size), KVCORE_EBUFFER);
    assert_int_equal(size, 1761728);
    float *floats = calloc(512 * 128 * 2, sizeof *floats); /* as many as the largest state takes */
    for (uint32_t i = 0; i < model.layer_count; i++) {
        uint32_t ratio = model.ratios[i];
        kvcore_bytes state_bytes = {floats, (size_t)kvwombat_rtt1_state_bytes(ratio, model.head_dim)};
        kvcore_bytes index_bytes = {floats,
                                    ratio == 4 ? (size_t)kvwombat_rtt1_state_bytes(ratio, model.indexer_dim) : 0};
        layers[i] = (kvwombat_rtt1_layer){.raw_rows = {floats, 128 * 512 * 4},
                                          .state_kv = state_bytes,
                                          .state_score = state_bytes,
                                          .index_state_kv = index_bytes,
                                          .index_state_score = index_bytes};
    }
    kvwombat_rtt1 sidecar = {128, 128};
    kvtest_assert_status(kvwombat_rtt1_encode(&model, &sidecar, layers, NULL, 0, &size), KVCORE_EBUFFER);
    assert_int_equal(size, 23478560);
    sidecar.raw_row_count = 129;
    kvtest_assert_status(kvwombat_rtt1_encode(&model, &sidecar, layers, NULL, 0, &size), KVFORMAT_EWINDOW);
    free(floats);
}

static const uint32_t toy_ratios[] = {0, 4, 128};
static const kvwombat_engine_model toy = {toy_ratios, 3, 4, 2, 8, 128};

static void an_engine_block_cut_anywhere_is_refused(void **state) {
    (void)state;
    uint8_t floats[32 * 4 * 4] = {1, 2, 3}, bytes[2048];
    const kvwombat_kvb1_layer layers[] = {
        {{0}, {0}}, {{floats, 32 * 4 * 4}, {floats, 32 * 2 * 4}}, {{floats, 4 * 4}, {0}}};
    kvwombat_kvb1_layer back[3];
    size_t size = 0;
    kvtest_assert_ok(kvwombat_kvb1_encode(&toy, 5, layers, bytes, sizeof bytes, &size));
    kvwombat_kvb1_header header;
    kvtest_assert_ok(kvwombat_kvb1_inspect((kvcore_bytes){bytes, size}, &header, NULL));
    assert_true(header.block_seq == 5 && header.token_count == 128 && header.layer_count == 3);
    for (size_t cut = 0; cut < size; cut++) {
        uint8_t *part = malloc(cut > 0 ? cut : 1);
        memcpy(part, bytes, cut);
        kvtest_assert_status(kvwombat_kvb1_decode(&toy, 5, (kvcore_bytes){part, cut}, back, NULL), KVCORE_ETRUNCATED);
        assert_int_not_equal(kvwombat_kvb1_inspect((kvcore_bytes){part, cut}, &header, NULL), KVCORE_OK);
        free(part);
    }
    kvwombat_kvb1_layer wrong[3];
    memcpy(wrong, layers, sizeof wrong);
    wrong[1].rows.size_bytes -= 4;
    kvtest_assert_status(kvwombat_kvb1_encode(&toy, 5, wrong, bytes, sizeof bytes, &size), KVFORMAT_ELENGTH);
}

/* Row counts that no destination has room for, under a sound checksum: views or a refusal, nothing else. */
static void crafted_row_counts_never_reach_outside(void **state) {
    (void)state;
    kvtest_random random = kvtest_seed(72);
    uint8_t floats[2048] = {0}, bytes[8192];
    size_t size = 0;
    kvwombat_rtt1_layer layers[3] = {0}, back[3];
    for (uint32_t i = 0; i < 3; i++) {
        uint32_t ratio = toy_ratios[i];
        layers[i].raw_rows = (kvcore_bytes){floats, 8 * 4 * 4};
        layers[i].state_kv = layers[i].state_score =
            (kvcore_bytes){floats, (size_t)kvwombat_rtt1_state_bytes(ratio, toy.head_dim)};
        if (ratio == 4)
            layers[i].index_state_kv = layers[i].index_state_score =
                (kvcore_bytes){floats, (size_t)kvwombat_rtt1_state_bytes(ratio, toy.indexer_dim)};
    }
    kvwombat_rtt1 sidecar = {8, 200}, found;
    kvtest_assert_ok(kvwombat_rtt1_encode(&toy, &sidecar, layers, bytes, sizeof bytes, &size));
    kvtest_assert_ok(kvwombat_rtt1_decode(&toy, 128, (kvcore_bytes){bytes, size}, &found, back, NULL));
    for (int round = 0; round < 20000; round++) {
        uint8_t *crafted = malloc(size);
        memcpy(crafted, bytes, size);
        size_t at = 16 + 4 * (size_t)kvtest_below(&random, (size - 16) / 4);
        kvcore_store_le32(crafted + at, (uint32_t)(kvtest_next(&random) >> kvtest_below(&random, 64)));
        kvcore_store_le32(crafted + 12, kvformat_crc32c(0, (kvcore_bytes){crafted + 16, size - 16}));
        if (kvwombat_rtt1_decode(&toy, 128, (kvcore_bytes){crafted, size}, &found, back, NULL) == KVCORE_OK)
            for (size_t i = 0; i < 3; i++) {
                const uint8_t *rows = back[i].rows.data;
                assert_true(rows == NULL || (rows >= crafted && rows + back[i].rows.size_bytes <= crafted + size));
            }
        free(crafted);
    }
}

static void a_model_that_cannot_be_is_refused(void **state) {
    (void)state;
    static const uint32_t odd[] = {0, 5, 128};
    kvwombat_engine_model models[] = {toy, toy, toy, toy};
    models[0].ratios = odd;
    models[1].layer_count = 0;
    models[2].block_tokens = 64; /* 128 does not divide it */
    models[3].ratios = NULL;
    kvwombat_kvb1_layer layers[3] = {{{0}, {0}}};
    size_t size;
    for (size_t i = 0; i < 4; i++) {
        kvtest_assert_status(kvwombat_kvb1_encode(&models[i], 0, layers, NULL, 0, &size), KVCORE_EINVAL);
        kvtest_assert_status(kvwombat_kvb1_decode(&models[i], 0, (kvcore_bytes){0}, layers, NULL), KVCORE_EINVAL);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(compression_goes_there_and_back_at_every_level),
        cmocka_unit_test(damage_is_handed_on_or_named),
        cmocka_unit_test(a_stream_header_is_judged_before_memory_is_taken),
        cmocka_unit_test(batches_refuse_every_cut_and_every_addition),
        cmocka_unit_test(the_real_models_files_have_their_known_sizes),
        cmocka_unit_test(an_engine_block_cut_anywhere_is_refused),
        cmocka_unit_test(crafted_row_counts_never_reach_outside),
        cmocka_unit_test(a_model_that_cannot_be_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
