/* The sidecar of the raw tail, RTT1. */
#include "engine.h"

#include <kvformat/checksum.h>

#include "refuse.h"

enum {
    MAGIC = 0x52545431,
    END = 0x52545445,
    VERSION = 4,
    HEADER = KVWOMBAT_RTT1_HEADER_BYTES,
    FRONT = 20,       /* five counts at the start of the body */
    LEAST_BYTES = 40, /* header, front, end word */
    ELEMENT_BYTES = 4
};

uint64_t kvwombat_rtt1_state_bytes(uint32_t ratio, uint32_t dim) {
    uint64_t c = ratio == 4 ? 2 : 1;
    return c * dim * c * ratio * 4;
}

/* The parts of a layer behind its raw rows, in the order of the file: state, its score, rows; twice for ratio 4. */
typedef struct part {
    kvcore_bytes *bytes;
    uint64_t fixed_bytes; /* a state, or 0: counted rows */
    uint32_t dim;         /* of counted rows */
} part;

static size_t parts_of(const kvwombat_engine_model *model, uint32_t ratio, kvwombat_rtt1_layer *layer, part parts[6]) {
    uint32_t head = model->head_dim, index = model->indexer_dim;
    uint64_t state = kvwombat_rtt1_state_bytes(ratio, head), index_state = kvwombat_rtt1_state_bytes(ratio, index);
    parts[0] = (part){&layer->state_kv, state, 0};
    parts[1] = (part){&layer->state_score, state, 0};
    parts[2] = (part){&layer->rows, 0, head};
    parts[3] = (part){&layer->index_state_kv, index_state, 0};
    parts[4] = (part){&layer->index_state_score, index_state, 0};
    parts[5] = (part){&layer->index_rows, 0, index};
    return ratio == 0 ? 0 : ratio == 4 ? 6 : 3;
}

static bool is_rows(const part *of) { return of->dim != 0; }

/* A sidecar needs both dimensions where a ratio uses them; state sizes then fit 64 bits (2 · 2 · 2^32 · 128 · 4 < 2^64). */
static bool sidecar_possible(const kvwombat_engine_model *model) {
    if (!kvwombat__engine_possible(model)) return false;
    for (uint32_t i = 0; i < model->layer_count; i++)
        if (model->ratios[i] == 4 && model->indexer_dim == 0) return false;
    return true;
}

/* Checks one layer of the caller's against the model and adds its size. */
static kvcore_status measure_layer(const kvwombat_engine_model *model, const kvwombat_rtt1 *sidecar, uint32_t layer,
                                   const kvwombat_rtt1_layer *given, uint64_t *sum) {
    kvwombat_rtt1_layer copy = *given; /* parts point into it; nothing is written */
    part parts[6];
    uint64_t raw_bytes;
    if (!engine_float_bytes(sidecar->raw_row_count, model->head_dim, &raw_bytes)) return KVFORMAT_ETOO_LARGE;
    if (copy.raw_rows.size_bytes != raw_bytes) return KVFORMAT_ELENGTH;
    if (raw_bytes > UINT32_MAX) return KVFORMAT_ETOO_LARGE;
    *sum += raw_bytes;
    size_t count = parts_of(model, model->ratios[layer], &copy, parts);
    for (size_t i = 0; i < 6; i++) {
        uint64_t size = parts[i].bytes->size_bytes;
        bool fits = i >= count           ? size == 0
                    : is_rows(&parts[i]) ? size % (ELEMENT_BYTES * (uint64_t)parts[i].dim) == 0
                                         : size == parts[i].fixed_bytes;
        if (!fits) return KVFORMAT_ELENGTH;
        if (size > UINT32_MAX) return KVFORMAT_ETOO_LARGE;
        if (i < count) *sum += size + (is_rows(&parts[i]) ? 4 : 0);
    }
    return *sum > UINT32_MAX ? KVFORMAT_ETOO_LARGE : KVCORE_OK;
}

static uint8_t *put_layer(const kvwombat_engine_model *model, uint32_t layer, const kvwombat_rtt1_layer *given,
                          uint8_t *to) {
    kvwombat_rtt1_layer copy = *given;
    part parts[6];
    size_t count = parts_of(model, model->ratios[layer], &copy, parts);
    for (size_t i = 0; i < count; i++) {
        if (is_rows(&parts[i])) {
            kvcore_store_le32(to, (uint32_t)(parts[i].bytes->size_bytes / ELEMENT_BYTES / parts[i].dim));
            to += 4;
        }
        to = kvwombat__engine_put(to, *parts[i].bytes);
    }
    return to;
}

kvcore_status kvwombat_rtt1_encode(const kvwombat_engine_model *model, const kvwombat_rtt1 *sidecar,
                                   const kvwombat_rtt1_layer *layers, void *bytes, size_t capacity,
                                   size_t *size_bytes) {
    if (output_missing(bytes, capacity, size_bytes) || sidecar == NULL || layers == NULL) return KVCORE_EINVAL;
    if (!sidecar_possible(model)) return KVCORE_EINVAL;
    if (sidecar->raw_row_count > model->window) return KVFORMAT_EWINDOW;
    if (sidecar->raw_row_count > sidecar->total_tokens) return KVFORMAT_EROWS_TOTAL;
    uint64_t body_bytes = FRONT + 4;
    for (uint32_t i = 0; i < model->layer_count; i++) {
        kvcore_status status = measure_layer(model, sidecar, i, &layers[i], &body_bytes);
        if (status != KVCORE_OK) return status;
    }
    if (HEADER + body_bytes > SIZE_MAX) return KVFORMAT_ETOO_LARGE;
    *size_bytes = (size_t)(HEADER + body_bytes);
    if (*size_bytes > capacity) return KVCORE_EBUFFER;
    uint8_t *header = bytes, *to = header + HEADER;
    const uint32_t front[] = {model->layer_count, sidecar->raw_row_count, model->head_dim, ELEMENT_BYTES,
                              sidecar->total_tokens};
    for (size_t i = 0; i < 5; i++, to += 4) kvcore_store_le32(to, front[i]);
    for (uint32_t i = 0; i < model->layer_count; i++) to = kvwombat__engine_put(to, layers[i].raw_rows);
    for (uint32_t i = 0; i < model->layer_count; i++) to = put_layer(model, i, &layers[i], to);
    kvcore_store_le32(to, END);
    kvcore_store_le32(header, MAGIC);
    kvcore_store_le32(header + 4, VERSION);
    kvcore_store_le32(header + 8, (uint32_t)body_bytes);
    kvcore_store_le32(header + 12, kvformat_crc32c(0, (kvcore_bytes){header + HEADER, (size_t)body_bytes}));
    return KVCORE_OK;
}

kvcore_status kvwombat_rtt1_inspect(kvcore_bytes input, kvwombat_rtt1_header *header, kvcore_error *error) {
    if (header == NULL || bytes_missing(input)) return refuse_null(error, header == NULL ? "header" : "input");
    const uint8_t *from = input.data;
    size_t size = input.size_bytes;
    if (size < LEAST_BYTES) return refuse_at(error, KVCORE_ETRUNCATED, 0, LEAST_BYTES, size, "sidecar");
    uint32_t magic = kvcore_load_le32(from), version = kvcore_load_le32(from + 4);
    uint32_t body_bytes = kvcore_load_le32(from + 8), expected = kvcore_load_le32(from + 12);
    if (magic != MAGIC) return refuse_at(error, KVFORMAT_EMAGIC, 0, MAGIC, magic, "magic");
    if (version != VERSION) return refuse_at(error, KVFORMAT_EVERSION, 4, VERSION, version, "version");
    if (body_bytes != size - HEADER)
        return refuse_at(error, KVFORMAT_ELENGTH, 8, size - HEADER, body_bytes, "body length");
    uint32_t actual = kvformat_crc32c(0, (kvcore_bytes){from + HEADER, body_bytes});
    if (expected != actual) return refuse_at(error, KVCORE_ECHECKSUM, 12, expected, actual, "checksum");
    from += HEADER;
    *header = (kvwombat_rtt1_header){version,
                                     body_bytes,
                                     kvcore_load_le32(from),
                                     kvcore_load_le32(from + 4),
                                     kvcore_load_le32(from + 8),
                                     kvcore_load_le32(from + 12),
                                     kvcore_load_le32(from + 16)};
    return KVCORE_OK;
}

static kvcore_status check_counts(const kvwombat_engine_model *model, uint32_t installed_tokens,
                                  const kvwombat_rtt1_header *found, kvcore_error *error) {
    if (found->layer_count != model->layer_count)
        return refuse_at(error, KVFORMAT_ELAYOUT, HEADER, model->layer_count, found->layer_count, "layers");
    if (found->head_dim != model->head_dim)
        return refuse_at(error, KVFORMAT_ELAYOUT, HEADER + 8, model->head_dim, found->head_dim, "head dimension");
    if (found->element_bytes != ELEMENT_BYTES)
        return refuse_at(error, KVFORMAT_ELAYOUT, HEADER + 12, ELEMENT_BYTES, found->element_bytes, "element size");
    if (found->raw_row_count > model->window)
        return refuse_at(error, KVFORMAT_EWINDOW, HEADER + 4, model->window, found->raw_row_count, "raw rows");
    if (found->raw_row_count > found->total_tokens)
        return refuse_at(error, KVFORMAT_EROWS_TOTAL, HEADER + 4, found->total_tokens, found->raw_row_count,
                         "raw rows");
    if (found->total_tokens < installed_tokens)
        return refuse_at(error, KVFORMAT_ECHECKPOINT, HEADER + 16, installed_tokens, found->total_tokens, "tokens");
    return KVCORE_OK;
}

static bool take_part(engine_input *from, const part *want) {
    uint64_t size = want->fixed_bytes;
    uint32_t rows;
    if (is_rows(want) && (!engine_take_u32(from, &rows) || !engine_float_bytes(rows, want->dim, &size))) return false;
    return engine_take(from, size, want->bytes);
}

static bool take_layers(const kvwombat_engine_model *model, uint32_t raw_rows, engine_input *from,
                        kvwombat_rtt1_layer *layers) {
    uint64_t raw_bytes;
    if (!engine_float_bytes(raw_rows, model->head_dim, &raw_bytes)) return false;
    for (uint32_t i = 0; i < model->layer_count; i++) {
        layers[i] = (kvwombat_rtt1_layer){.raw_rows = {NULL, 0}};
        if (!engine_take(from, raw_bytes, &layers[i].raw_rows)) return false;
    }
    for (uint32_t i = 0; i < model->layer_count; i++) {
        part parts[6];
        size_t count = parts_of(model, model->ratios[i], &layers[i], parts);
        for (size_t k = 0; k < count; k++)
            if (!take_part(from, &parts[k])) return false;
    }
    return true;
}

kvcore_status kvwombat_rtt1_decode(const kvwombat_engine_model *model, uint32_t installed_tokens, kvcore_bytes input,
                                   kvwombat_rtt1 *sidecar, kvwombat_rtt1_layer *layers, kvcore_error *error) {
    if (sidecar == NULL || layers == NULL || bytes_missing(input))
        return refuse_null(error, "input, sidecar or layers");
    if (!sidecar_possible(model)) return refuse_at(error, KVCORE_EINVAL, 0, 0, 0, "model");
    kvwombat_rtt1_header found;
    kvcore_status status = kvwombat_rtt1_inspect(input, &found, error);
    if (status == KVCORE_OK) status = check_counts(model, installed_tokens, &found, error);
    if (status != KVCORE_OK) return status;
    engine_input from = {input.data, input.size_bytes, HEADER + FRONT};
    uint32_t end;
    if (!take_layers(model, found.raw_row_count, &from, layers) || !engine_take_u32(&from, &end))
        return refuse_at(error, KVCORE_ETRUNCATED, from.offset, 4, from.size_bytes - from.offset, "layers");
    if (end != END) return refuse_at(error, KVFORMAT_EEND, from.offset - 4, END, end, "end word");
    *sidecar = (kvwombat_rtt1){found.raw_row_count, found.total_tokens};
    return KVCORE_OK;
}
