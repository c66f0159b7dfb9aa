/**
 * @file
 * What WombatKV wraps around bytes on their way: the wire envelope, the compression envelope, batches of keys and of bytes.
 *
 * Owns:    nothing: encoders write into the caller's memory, decoders give views of their input or of the caller's memory.
 * Threads: any. Allocates nothing but what zstd takes for a compression or decompression.
 * Errors:  encoders: KVCORE_EBUFFER when it does not fit, the size in *size_bytes (capacity 0 asks for it). Checks run in the
 *          order of the statuses below.
 * Source:  WombatKV, wombatkv-envelope, -node compression, -daemon batches; pinned by envelopes of the wombat vectors.
 */
#ifndef KVWOMBAT_ENVELOPE_H
#define KVWOMBAT_ENVELOPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <kvcore/bytes.h>
#include <kvcore/status.h>
#include <kvwombat/export.h>

#ifdef __cplusplus
extern "C" {
#endif

/* --- the wire envelope: "WMBT" | version u32 = 1 | CRC-32C of the body u32 | body length u32 | body ------------------- */

/** Bytes before the body. */
#define KVWOMBAT_WIRE_HEADER_BYTES 16
/** What a reader of a stream takes at most. */
#define KVWOMBAT_WIRE_MAX_BODY_BYTES (UINT32_C(256) << 20)

/** Errors: KVCORE_EINVAL for NULL; KVFORMAT_ETOO_LARGE for a body of more than 2^32 − 1 bytes; KVCORE_EBUFFER. */
KVWOMBAT_API KVCORE_NODISCARD kvcore_status kvwombat_wire_encode(kvcore_bytes body, void *bytes, size_t capacity,
                                                                 size_t *size_bytes);

/**
 * A complete envelope.
 *
 * Errors: KVCORE_EINVAL for NULL; KVCORE_ETRUNCATED shorter than a header; KVFORMAT_EMAGIC; KVFORMAT_EVERSION;
 *         KVFORMAT_ELENGTH when the body is shorter or longer than said; KVCORE_ECHECKSUM.
 */
KVWOMBAT_API KVCORE_NODISCARD kvcore_status kvwombat_wire_decode(kvcore_bytes input, kvcore_bytes *body,
                                                                 kvcore_error *error);

/**
 * How long a body to expect after this header, before memory is taken for it.
 *
 * Errors: KVCORE_EINVAL for NULL; KVFORMAT_EMAGIC; KVFORMAT_EVERSION; KVFORMAT_ETOO_LARGE past
 *         KVWOMBAT_WIRE_MAX_BODY_BYTES.
 */
KVWOMBAT_API KVCORE_NODISCARD kvcore_status kvwombat_wire_peek(const uint8_t header[KVWOMBAT_WIRE_HEADER_BYTES],
                                                               uint32_t *body_bytes, kvcore_error *error);

/* --- the compression envelope: "WBZ1" | algorithm u8 | level u8 | raw length u32 | payload ----------------------------- */

/** Bytes before the payload. */
#define KVWOMBAT_WBZ1_HEADER_BYTES 10

enum { KVWOMBAT_WBZ1_NONE = 0, KVWOMBAT_WBZ1_ZSTD = 1, KVWOMBAT_WBZ1_LZ4 = 2 };

/** Room that wrapping raw_bytes may take. */
KVWOMBAT_API size_t kvwombat_wbz1_bound(size_t raw_bytes);

/**
 * Compress.
 *
 * Takes:  an algorithm; a level, clamped to 1 … 22. KVWOMBAT_WBZ1_NONE gives the raw bytes without an envelope.
 * Errors: KVCORE_EINVAL for NULL; KVFORMAT_ETOO_LARGE for more than 2^32 − 1 bytes; KVCORE_ENOTSUP for lz4 (reserved)
 *         and what is unknown; KVCORE_EBUFFER below kvwombat_wbz1_bound(); KVCORE_ENOMEM.
 */
KVWOMBAT_API KVCORE_NODISCARD kvcore_status kvwombat_wbz1_encode(int algorithm, int level, kvcore_bytes raw,
                                                                 void *bytes, size_t capacity, size_t *size_bytes);

/** Memory that kvwombat_wbz1_decode() needs for this input, as the input says: it may lie, so bound it before you allocate. */
KVWOMBAT_API uint32_t kvwombat_wbz1_raw_bytes(kvcore_bytes input);

/**
 * Decompress as the original does, which never fails: whatever is not a sound envelope is handed on as it is, *decoded false.
 * A payload that was stored plain and happens to begin like an envelope of algorithm 0 loses 10 bytes.
 *
 * Gives:  *raw, a view of memory or of the input.
 * Errors: KVCORE_EINVAL for NULL; KVCORE_EBUFFER when `capacity` is below the length that the input states;
 *         KVCORE_ENOMEM.
 */
KVWOMBAT_API KVCORE_NODISCARD kvcore_status kvwombat_wbz1_decode(kvcore_bytes input, void *memory, size_t capacity,
                                                                 kvcore_bytes *raw, bool *decoded);

/**
 * Decompress and tell what is not wrapped from what is damaged.
 *
 * Errors: KVCORE_EINVAL for NULL; KVFORMAT_EMAGIC when it is not wrapped; KVCORE_ENOTSUP for lz4; KVCORE_EFORMAT for an
 *         unknown algorithm or damaged data; KVFORMAT_ELENGTH when there is another length than stated; KVCORE_EBUFFER;
 *         KVCORE_ENOMEM.
 */
KVWOMBAT_API KVCORE_NODISCARD kvcore_status kvwombat_wbz1_decode_strict(kvcore_bytes input, void *memory,
                                                                        size_t capacity, kvcore_bytes *raw,
                                                                        kvcore_error *error);

/* --- batches ------------------------------------------------------------------------------------------------------------ */

/** Keys: 16 bytes of magic | count u32 | { length u32 | key } …; bytes: 17 of magic | count u32 | all lengths | all items. */
typedef enum kvwombat_batch { KVWOMBAT_BATCH_KEYS = 0, KVWOMBAT_BATCH_BYTES = 1 } kvwombat_batch;

/** Errors: KVCORE_EINVAL for an unknown kind; KVFORMAT_ETOO_LARGE for 2^32 items or bytes of one; KVCORE_EBUFFER. */
KVWOMBAT_API KVCORE_NODISCARD kvcore_status kvwombat_batch_encode(kvwombat_batch kind, const kvcore_bytes *items,
                                                                  size_t count, void *bytes, size_t capacity,
                                                                  size_t *size_bytes);

/**
 * Gives:  *count items in items[capacity]; views of the input. Keys are not checked to be UTF-8.
 * Errors: KVCORE_EINVAL for an unknown kind; KVCORE_ETRUNCATED; KVFORMAT_EMAGIC; KVCORE_ETRUNCATED when lengths or items end
 *         early; KVFORMAT_ETRAILING for bytes after the last; KVCORE_EBUFFER for more than `capacity` items, all of them
 *         sound, the number in *count.
 * Cost:   O(items).
 */
KVWOMBAT_API KVCORE_NODISCARD kvcore_status kvwombat_batch_decode(kvwombat_batch kind, kvcore_bytes input,
                                                                  kvcore_bytes *items, size_t capacity, size_t *count,
                                                                  kvcore_error *error);

#ifdef __cplusplus
}
#endif

#endif
