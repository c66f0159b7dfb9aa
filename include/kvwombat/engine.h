/**
 * @file
 * What the ds4 engine keeps: a block of its KV state (KVB1, version 2) and the sidecar of the raw tail (RTT1, version 4).
 *
 *     KVB1   magic | version | block_seq | token_count | n_layers | body_len | body | CRC-32C of the body          u32 each
 *     body   a layer: ratio u32; if it is not 0: rows u32, rows · head_dim f32; if it is 4 also: rows u32, rows · indexer_dim f32
 *
 *     RTT1   magic | version | body_len | CRC-32C of the body | body                                               u32 each
 *     body   n_layers | n_raw_rows | head_dim | 4 | total_tokens                                                   u32 each
 *            a layer: n_raw_rows · head_dim f32, oldest first
 *            a layer with a ratio: state kv, state score, rows u32, rows · head_dim f32;
 *                         ratio 4: index state kv, index state score, rows u32, rows · indexer_dim f32
 *            "ETTR"
 *
 * All little-endian, floats too. The file of a sidecar begins with the bytes "1TTR". A decoder gives views of its input and
 * says yes only after every check, the checksum included: nothing is installed before the whole file is known to be sound.
 * The headers are outside the checksums: a weakness of the formats, kept as it is.
 *
 * Owns:    nothing. Floats are passed as bytes, little-endian and at any alignment: on little-endian hosts the engine's own.
 * Threads: any. Never allocates.
 * Source:  ds4, release/0.1.0-alpha.pre1.0; pinned by kvb of the wombat vectors.
 */
#ifndef KVWOMBAT_ENGINE_H
#define KVWOMBAT_ENGINE_H

#include <stddef.h>
#include <stdint.h>

#include <kvcore/bytes.h>
#include <kvcore/status.h>
#include <kvwombat/export.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The shape of a model. `ratios` is borrowed: 0 (nothing compressed), 4 or 128 a layer. */
typedef struct kvwombat_engine_model {
    const uint32_t *ratios; /**< One a layer. */
    uint32_t layer_count;   /**< How many ratios. */
    uint32_t head_dim;      /**< Elements of a row. */
    uint32_t indexer_dim;   /**< Elements of an index row. */
    uint32_t window;        /**< Raw rows at most. */
    uint32_t block_tokens;  /**< Tokens a block. */
} kvwombat_engine_model;

/** The model the format was made for: 43 layers, 512, 128, window 128. block_tokens as given. */
KVWOMBAT_API kvwombat_engine_model kvwombat_engine_dsv4(uint32_t block_tokens);

/** Bytes of a block's header. */
#define KVWOMBAT_KVB1_HEADER_BYTES 24
/** Bytes of a sidecar's header. */
#define KVWOMBAT_RTT1_HEADER_BYTES 16

/** Of one layer in a block; both empty for ratio 0, index_rows empty unless the ratio is 4. */
typedef struct kvwombat_kvb1_layer {
    kvcore_bytes rows;       /**< Compressed rows. */
    kvcore_bytes index_rows; /**< Rows of the indexer. */
} kvwombat_kvb1_layer;

/**
 * A block.
 *
 * Takes:  layers[model->layer_count].
 * Errors: KVCORE_EINVAL for a model that cannot be (no layers, another ratio, a block size that a ratio does not divide);
 *         KVFORMAT_ELENGTH for a layer whose bytes are not what the model says; KVFORMAT_ETOO_LARGE past 2^32 − 1 bytes;
 *         KVCORE_EBUFFER, the size in *size_bytes (capacity 0 asks for it).
 */
KVWOMBAT_API KVCORE_NODISCARD kvcore_status kvwombat_kvb1_encode(const kvwombat_engine_model *model, uint32_t block_seq,
                                                                 const kvwombat_kvb1_layer *layers, void *bytes,
                                                                 size_t capacity, size_t *size_bytes);

/**
 * Gives:  views in layers[model->layer_count].
 * Errors: KVCORE_EINVAL for a model that cannot be; KVCORE_ETRUNCATED; KVFORMAT_EMAGIC; KVFORMAT_EVERSION; KVFORMAT_ETOKENS;
 *         KVFORMAT_ELAYERS; KVFORMAT_ESEQUENCE; in the body KVFORMAT_ERATIO, KVFORMAT_EROWS, KVCORE_ETRUNCATED;
 *         KVFORMAT_ELENGTH; KVCORE_ETRUNCATED without the checksum; KVCORE_ECHECKSUM; KVFORMAT_ETRAILING. error->index is the
 *         layer where there is one.
 */
KVWOMBAT_API KVCORE_NODISCARD kvcore_status kvwombat_kvb1_decode(const kvwombat_engine_model *model, uint32_t block_seq,
                                                                 kvcore_bytes input, kvwombat_kvb1_layer *layers,
                                                                 kvcore_error *error);

/** What the header of a block says, for looking at files of unknown models. */
typedef struct kvwombat_kvb1_header {
    uint32_t version;     /**< Of the format. */
    uint32_t block_seq;   /**< Place in the chain, from 0. */
    uint32_t token_count; /**< Tokens of the block. */
    uint32_t layer_count; /**< How many ratios. */
    uint32_t body_bytes;  /**< Bytes between header and checksum. */
} kvwombat_kvb1_header;

/**
 * The header, and whether length and checksum fit the file; layers are not looked into.
 *
 * Errors: KVCORE_EINVAL for NULL; KVCORE_ETRUNCATED; KVFORMAT_EMAGIC; KVFORMAT_EVERSION; KVFORMAT_ELENGTH;
 *         KVCORE_ECHECKSUM.
 */
KVWOMBAT_API KVCORE_NODISCARD kvcore_status kvwombat_kvb1_inspect(kvcore_bytes input, kvwombat_kvb1_header *header,
                                                                  kvcore_error *error);

/** Of one layer in a sidecar. Sizes: kvwombat_rtt1_state_bytes(); rows are as many as there are. */
typedef struct kvwombat_rtt1_layer {
    kvcore_bytes raw_rows;                          /**< Rows that are not compressed. */
    kvcore_bytes state_kv, state_score;             /**< Empty for ratio 0. */
    kvcore_bytes rows;                              /**< Compressed past the last whole block. */
    kvcore_bytes index_state_kv, index_state_score; /**< Empty unless the ratio is 4. */
    kvcore_bytes index_rows;                        /**< Rows of the indexer. */
} kvwombat_rtt1_layer;

/** What a sidecar says of all layers. */
typedef struct kvwombat_rtt1 {
    uint32_t raw_row_count; /**< Raw rows of each layer. */
    uint32_t
        total_tokens; /**< Of the prompt. After installing, the engine's count is one less: a step is left to run. */
} kvwombat_rtt1;

/** Bytes of a compressor's state: c · dim · c · ratio · 4, c = 2 for ratio 4, else 1; 0 for ratio 0. */
KVWOMBAT_API uint64_t kvwombat_rtt1_state_bytes(uint32_t ratio, uint32_t dim);

/**
 * A sidecar.
 *
 * Errors: KVCORE_EINVAL; KVFORMAT_EWINDOW for more raw rows than the window, KVFORMAT_EROWS_TOTAL for more than tokens;
 *         KVFORMAT_ELENGTH for bytes that are not what model and counts say (rows: a whole number of them);
 *         KVFORMAT_ETOO_LARGE; KVCORE_EBUFFER.
 */
KVWOMBAT_API KVCORE_NODISCARD kvcore_status kvwombat_rtt1_encode(const kvwombat_engine_model *model,
                                                                 const kvwombat_rtt1 *sidecar,
                                                                 const kvwombat_rtt1_layer *layers, void *bytes,
                                                                 size_t capacity, size_t *size_bytes);

/**
 * Takes:  how many tokens are installed already.
 * Gives:  *sidecar, and views in layers[model->layer_count]. Rows past the last whole block are as many as the file says: the
 *         caller checks them against its own room. Bytes between the end word and the end of the body are not looked at, as
 *         upstream.
 * Errors: KVCORE_EINVAL; KVCORE_ETRUNCATED below 40 bytes; KVFORMAT_EMAGIC; KVFORMAT_EVERSION; KVFORMAT_ELENGTH;
 *         KVCORE_ECHECKSUM; KVFORMAT_ELAYOUT for another number of layers, dimension or element size; KVFORMAT_EWINDOW;
 *         KVFORMAT_EROWS_TOTAL; KVFORMAT_ECHECKPOINT; KVCORE_ETRUNCATED in the data; KVFORMAT_EEND.
 */
KVWOMBAT_API KVCORE_NODISCARD kvcore_status kvwombat_rtt1_decode(const kvwombat_engine_model *model,
                                                                 uint32_t installed_tokens, kvcore_bytes input,
                                                                 kvwombat_rtt1 *sidecar, kvwombat_rtt1_layer *layers,
                                                                 kvcore_error *error);

/** What the front of a sidecar says, for looking at files of unknown models. */
typedef struct kvwombat_rtt1_header {
    uint32_t version;       /**< Of the format. */
    uint32_t body_bytes;    /**< Bytes between header and checksum. */
    uint32_t layer_count;   /**< How many ratios. */
    uint32_t raw_row_count; /**< Raw rows of each layer. */
    uint32_t head_dim;      /**< Elements of a row. */
    uint32_t element_bytes; /**< Bytes of an element. */
    uint32_t total_tokens;  /**< Of the prompt. */
} kvwombat_rtt1_header;

/** Errors: KVCORE_EINVAL for NULL; KVCORE_ETRUNCATED below 40 bytes; KVFORMAT_EMAGIC; KVFORMAT_EVERSION;
 * KVFORMAT_ELENGTH; KVCORE_ECHECKSUM. */
KVWOMBAT_API KVCORE_NODISCARD kvcore_status kvwombat_rtt1_inspect(kvcore_bytes input, kvwombat_rtt1_header *header,
                                                                  kvcore_error *error);

#ifdef __cplusplus
}
#endif

#endif
