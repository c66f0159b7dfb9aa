/* The block of engine state, KVB1. Its sidecar is in engine_tail.c. */
#include "engine.h"

#include <kvformat/checksum.h>

#include "refuse.h"

enum { MAGIC = 0x3142564B, VERSION = 2, HEADER = KVWOMBAT_KVB1_HEADER_BYTES, TRAILER = 4 };

kvwombat_engine_model kvwombat_engine_dsv4(uint32_t block_tokens) {
    static const uint32_t ratios[43] = {0,   0,   4,   128, 4,   128, 4,   128, 4,   128, 4,   128, 4,   128, 4,
                                        128, 4,   128, 4,   128, 4,   128, 4,   128, 4,   128, 4,   128, 4,   128,
                                        4,   128, 4,   128, 4,   128, 4,   128, 4,   128, 4,   128, 4};
    return (kvwombat_engine_model){ratios, 43, 512, 128, 128, block_tokens};
}

bool kvwombat__engine_possible(const kvwombat_engine_model *model) {
    if (model == NULL || model->ratios == NULL || model->layer_count == 0 || model->head_dim == 0 ||
        model->block_tokens == 0)
        return false;
    for (uint32_t i = 0; i < model->layer_count; i++) {
        uint32_t ratio = model->ratios[i];
        if (ratio != 0 && ratio != 4 && ratio != 128) return false;
        if (ratio != 0 && model->block_tokens % ratio != 0) return false;
    }
    return true;
}

uint8_t *kvwombat__engine_put(uint8_t *to, kvcore_bytes bytes) {
    if (bytes.size_bytes > 0) memcpy(to, bytes.data, bytes.size_bytes);
    return to + bytes.size_bytes;
}

/* What the model says of one layer: its rows and the bytes of both parts. */
typedef struct layer_shape {
    uint32_t ratio, rows;
    uint64_t row_bytes, index_bytes;
} layer_shape;

static bool shape_of(const kvwombat_engine_model *model, uint32_t layer, layer_shape *shape) {
    *shape = (layer_shape){.ratio = model->ratios[layer]};
    if (shape->ratio == 0) return true;
    shape->rows = model->block_tokens / shape->ratio;
    return engine_float_bytes(shape->rows, model->head_dim, &shape->row_bytes) &&
           (shape->ratio != 4 || engine_float_bytes(shape->rows, model->indexer_dim, &shape->index_bytes));
}

static uint64_t layer_bytes(const layer_shape *shape) {
    return 4 + (shape->ratio != 0 ? 4 + shape->row_bytes : 0) + (shape->ratio == 4 ? 4 + shape->index_bytes : 0);
}

/* The length of the body; false when 32 bits do not hold it. */
static bool measure_body(const kvwombat_engine_model *model, uint64_t *body_bytes) {
    uint64_t sum = 0;
    for (uint32_t i = 0; i < model->layer_count; i++) {
        layer_shape shape;
        if (!shape_of(model, i, &shape) || shape.row_bytes > UINT32_MAX || shape.index_bytes > UINT32_MAX) return false;
        sum += layer_bytes(&shape);
        if (sum > UINT32_MAX) return false;
    }
    *body_bytes = sum;
    return true;
}

static uint8_t *put_rows(uint8_t *to, uint32_t rows, kvcore_bytes floats) {
    kvcore_store_le32(to, rows);
    return kvwombat__engine_put(to + 4, floats);
}

kvcore_status kvwombat_kvb1_encode(const kvwombat_engine_model *model, uint32_t block_seq,
                                   const kvwombat_kvb1_layer *layers, void *bytes, size_t capacity,
                                   size_t *size_bytes) {
    if (output_missing(bytes, capacity, size_bytes) || (layers == NULL && capacity > 0)) return KVCORE_EINVAL;
    uint64_t body_bytes;
    if (!kvwombat__engine_possible(model)) return KVCORE_EINVAL;
    if (!measure_body(model, &body_bytes) || HEADER + body_bytes + TRAILER > SIZE_MAX) return KVFORMAT_ETOO_LARGE;
    *size_bytes = (size_t)(HEADER + body_bytes + TRAILER);
    if (*size_bytes > capacity || layers == NULL) return KVCORE_EBUFFER; /* no layers: only the size is asked for */
    layer_shape shape;
    for (uint32_t i = 0; i < model->layer_count; i++)
        if (!shape_of(model, i, &shape) || layers[i].rows.size_bytes != shape.row_bytes ||
            layers[i].index_rows.size_bytes != shape.index_bytes)
            return KVFORMAT_ELENGTH;
    uint8_t *header = bytes, *to = header + HEADER;
    const uint32_t fields[] = {
        MAGIC, VERSION, block_seq, model->block_tokens, model->layer_count, (uint32_t)body_bytes};
    for (size_t i = 0; i < 6; i++) kvcore_store_le32(header + 4 * i, fields[i]);
    for (uint32_t i = 0; i < model->layer_count; i++) {
        (void)shape_of(model, i, &shape);
        kvcore_store_le32(to, shape.ratio);
        to += 4;
        if (shape.ratio != 0) to = put_rows(to, shape.rows, layers[i].rows);
        if (shape.ratio == 4) to = put_rows(to, shape.rows, layers[i].index_rows);
    }
    kvcore_store_le32(to, kvformat_crc32c(0, (kvcore_bytes){header + HEADER, (size_t)body_bytes}));
    return KVCORE_OK;
}

static kvcore_status refuse_layer(kvcore_error *error, kvcore_status code, uint32_t layer, uint64_t offset,
                                  uint64_t expected, uint64_t actual) {
    return kvcore_fail(
        error, &(kvcore_error){.code = code, .index = layer, .expected = expected, .actual = actual, .offset = offset},
        "layer %u at byte %" PRIu64 ": %s (expected %" PRIu64 ", found %" PRIu64 ")", layer, offset,
        kvcore_status_text(code), expected, actual);
}

/* A count that the model fixes, then that many rows of floats. */
static kvcore_status take_rows(engine_input *from, uint32_t layer, uint32_t rows, uint64_t row_bytes,
                               kvcore_bytes *floats, kvcore_error *error) {
    uint32_t stated;
    size_t at = from->offset;
    if (!engine_take_u32(from, &stated))
        return refuse_layer(error, KVCORE_ETRUNCATED, layer, at, 4, from->size_bytes - at);
    if (stated != rows) return refuse_layer(error, KVFORMAT_EROWS, layer, at, rows, stated);
    if (!engine_take(from, row_bytes, floats))
        return refuse_layer(error, KVCORE_ETRUNCATED, layer, from->offset, row_bytes, from->size_bytes - from->offset);
    return KVCORE_OK;
}

static kvcore_status take_layer(const kvwombat_engine_model *model, uint32_t layer, engine_input *from,
                                kvwombat_kvb1_layer *out, kvcore_error *error) {
    layer_shape shape;
    uint32_t ratio;
    size_t at = from->offset;
    if (!shape_of(model, layer, &shape))
        return refuse_layer(error, KVCORE_EINVAL, layer, at, UINT32_MAX, model->head_dim);
    *out = (kvwombat_kvb1_layer){{NULL, 0}, {NULL, 0}};
    if (!engine_take_u32(from, &ratio))
        return refuse_layer(error, KVCORE_ETRUNCATED, layer, at, 4, from->size_bytes - at);
    if (ratio != shape.ratio) return refuse_layer(error, KVFORMAT_ERATIO, layer, at, shape.ratio, ratio);
    if (ratio == 0) return KVCORE_OK;
    kvcore_status status = take_rows(from, layer, shape.rows, shape.row_bytes, &out->rows, error);
    if (status == KVCORE_OK && ratio == 4)
        status = take_rows(from, layer, shape.rows, shape.index_bytes, &out->index_rows, error);
    return status;
}

static kvcore_status read_header(engine_input *from, kvwombat_kvb1_header *header, kvcore_error *error) {
    kvcore_bytes taken;
    if (!engine_take(from, HEADER, &taken))
        return refuse_at(error, KVCORE_ETRUNCATED, 0, HEADER, from->size_bytes, "header");
    const uint8_t *at = taken.data;
    uint32_t magic = kvcore_load_le32(at);
    *header = (kvwombat_kvb1_header){kvcore_load_le32(at + 4), kvcore_load_le32(at + 8), kvcore_load_le32(at + 12),
                                     kvcore_load_le32(at + 16), kvcore_load_le32(at + 20)};
    if (magic != MAGIC) return refuse_at(error, KVFORMAT_EMAGIC, 0, MAGIC, magic, "magic");
    if (header->version != VERSION) return refuse_at(error, KVFORMAT_EVERSION, 4, VERSION, header->version, "version");
    return KVCORE_OK;
}

/* The checksum behind the body, and nothing behind that. */
static kvcore_status check_trailer(engine_input *from, uint32_t body_bytes, kvcore_error *error) {
    uint32_t expected, at = (uint32_t)HEADER;
    if (!engine_take_u32(from, &expected))
        return refuse_at(error, KVCORE_ETRUNCATED, from->offset, TRAILER, from->size_bytes - from->offset, "checksum");
    uint32_t actual = kvformat_crc32c(0, (kvcore_bytes){from->bytes + at, body_bytes});
    if (expected != actual)
        return refuse_at(error, KVCORE_ECHECKSUM, from->offset - TRAILER, expected, actual, "checksum");
    if (from->offset != from->size_bytes)
        return refuse_at(error, KVFORMAT_ETRAILING, from->offset, 0, from->size_bytes - from->offset,
                         "bytes after the checksum");
    return KVCORE_OK;
}

kvcore_status kvwombat_kvb1_decode(const kvwombat_engine_model *model, uint32_t block_seq, kvcore_bytes input,
                                   kvwombat_kvb1_layer *layers, kvcore_error *error) {
    if (layers == NULL || bytes_missing(input)) return refuse_null(error, layers == NULL ? "layers" : "input");
    if (!kvwombat__engine_possible(model)) return refuse_at(error, KVCORE_EINVAL, 0, 0, 0, "model");
    engine_input from = {input.data, input.size_bytes, 0};
    kvwombat_kvb1_header header;
    kvcore_status status = read_header(&from, &header, error);
    if (status != KVCORE_OK) return status;
    if (header.token_count != model->block_tokens)
        return refuse_at(error, KVFORMAT_ETOKENS, 12, model->block_tokens, header.token_count, "token count");
    if (header.layer_count != model->layer_count)
        return refuse_at(error, KVFORMAT_ELAYERS, 16, model->layer_count, header.layer_count, "layer count");
    if (header.block_seq != block_seq)
        return refuse_at(error, KVFORMAT_ESEQUENCE, 8, block_seq, header.block_seq, "block sequence");
    for (uint32_t i = 0; i < model->layer_count; i++) {
        status = take_layer(model, i, &from, &layers[i], error);
        if (status != KVCORE_OK) return status;
    }
    size_t consumed = from.offset - HEADER;
    if (header.body_bytes != consumed)
        return refuse_at(error, KVFORMAT_ELENGTH, 20, consumed, header.body_bytes, "body length");
    return check_trailer(&from, header.body_bytes, error);
}

kvcore_status kvwombat_kvb1_inspect(kvcore_bytes input, kvwombat_kvb1_header *header, kvcore_error *error) {
    if (header == NULL || bytes_missing(input)) return refuse_null(error, header == NULL ? "header" : "input");
    engine_input from = {input.data, input.size_bytes, 0};
    kvwombat_kvb1_header found;
    kvcore_bytes body;
    kvcore_status status = read_header(&from, &found, error);
    if (status != KVCORE_OK) return status;
    if (!engine_take(&from, found.body_bytes, &body))
        return refuse_at(error, KVFORMAT_ELENGTH, 20, found.body_bytes, from.size_bytes - from.offset, "body length");
    status = check_trailer(&from, found.body_bytes, error);
    if (status == KVCORE_OK) *header = found;
    return status;
}
