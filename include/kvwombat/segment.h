/**
 * @file
 * Segments of WombatKV: many blocks in one object, with an index at the end.
 *
 *     "WMBT_KV_SGV1" | block_count u32
 *     { key_len u16 | payload_len u32 | key | payload } …
 *     { key_len u16 | key | payload_offset u32 | payload_len u32 } …                      the index, in order of insertion
 *     "WMBT_KV_SEG1" | index_len u32 | FNV-1a 32 of the index u32                         the footer
 *
 * All little-endian; offsets count from the start of the file, so no payload starts past 4 GiB. Payloads have no checksum and
 * the count is never read: weaknesses of the format, kept as they are (kvwombat_segment_check() looks closer).
 *
 * Owns:    nothing: the encoder writes into the caller's memory, the decoder gives views of its input.
 * Threads: any. Never allocates.
 * Source:  WombatKV, wombatkv-format; pinned by segment of the wombat vectors.
 */
#ifndef KVWOMBAT_SEGMENT_H
#define KVWOMBAT_SEGMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <kvcore/bytes.h>
#include <kvcore/status.h>
#include <kvwombat/export.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Bytes before the first block. */
#define KVWOMBAT_SEGMENT_HEADER_BYTES 16
/** Bytes behind the index. */
#define KVWOMBAT_SEGMENT_FOOTER_BYTES 20

/** A block to be written. */
typedef struct kvwombat_segment_block {
    kvcore_bytes key;     /**< At most 65,535 bytes. */
    kvcore_bytes payload; /**< Borrowed. */
} kvwombat_segment_block;

/**
 * Gives:  *size_bytes of the segment in bytes[capacity]; capacity 0 asks for the size.
 * Errors: KVCORE_EINVAL for NULL; KVFORMAT_ETOO_LARGE for more than 2^32 − 1 blocks, a key of more than 65,535 bytes, a
 *         payload of more than 2^32 − 1, a payload that would start past 4 GiB, or an index of more than 2^32 − 1;
 *         KVCORE_EBUFFER.
 * Cost:   O(size).
 */
KVWOMBAT_API KVCORE_NODISCARD kvcore_status kvwombat_segment_encode(const kvwombat_segment_block *blocks, size_t count,
                                                                    void *bytes, size_t capacity, size_t *size_bytes);

/** A row of the index. The offset is what the file says: it may lie. */
typedef struct kvwombat_segment_entry {
    kvcore_bytes key;        /**< At most 65,535 bytes. */
    uint32_t payload_offset; /**< From the start of the file. */
    uint32_t payload_bytes;  /**< Size of the payload. */
} kvwombat_segment_entry;

/**
 * The index of a whole segment.
 *
 * Gives:  *index, a view of the entries as they lie in the file.
 * Errors: KVCORE_EINVAL for NULL; KVCORE_ETRUNCATED shorter than header and footer; KVFORMAT_EMAGIC of the header;
 *         KVCORE_ETRUNCATED for an index longer than what is before the footer; KVFORMAT_EMAGIC of the footer;
 *         KVCORE_ECHECKSUM.
 * Cost:   O(index).
 */
KVWOMBAT_API KVCORE_NODISCARD kvcore_status kvwombat_segment_index(kvcore_bytes file, kvcore_bytes *index,
                                                                   kvcore_error *error);

/**
 * The entry at *offset of the index; *offset moves behind it. *more false, and nothing else written, at the end.
 *
 * Errors: KVCORE_EINVAL for NULL; KVCORE_ETRUNCATED when the index ends inside it.
 */
KVWOMBAT_API KVCORE_NODISCARD kvcore_status kvwombat_segment_next(kvcore_bytes index, size_t *offset,
                                                                  kvwombat_segment_entry *entry, bool *more,
                                                                  kvcore_error *error);

/** What the footer says, when index and footer were fetched alone. */
typedef struct kvwombat_segment_footer {
    uint32_t index_bytes;    /**< Size of the index. */
    uint32_t index_checksum; /**< CRC-32C of the index. */
} kvwombat_segment_footer;

/**
 * A footer and the index that it should be of. Bytes of the footer past 20 are not looked at.
 *
 * Errors: KVCORE_EINVAL for NULL; KVCORE_ETRUNCATED shorter than 20; KVFORMAT_EMAGIC; KVCORE_ETRUNCATED when the index
 *         has another length; KVCORE_ECHECKSUM.
 */
KVWOMBAT_API KVCORE_NODISCARD kvcore_status kvwombat_segment_footer_decode(kvcore_bytes footer, kvcore_bytes index,
                                                                           kvwombat_segment_footer *decoded,
                                                                           kvcore_error *error);

/** The payload of an entry. Errors: KVCORE_EINVAL for NULL; KVCORE_ETRUNCATED when it reaches past the file's end. */
KVWOMBAT_API KVCORE_NODISCARD kvcore_status kvwombat_segment_payload(kvcore_bytes file,
                                                                     const kvwombat_segment_entry *entry,
                                                                     kvcore_bytes *payload, kvcore_error *error);

/**
 * Everything that the format leaves unchecked: that the blocks stand one behind the other from the header to the index, agree
 * with their entries, and are as many as the header says.
 *
 * Errors: KVCORE_EINVAL for NULL; those of kvwombat_segment_index() and kvwombat_segment_next(); KVCORE_EFORMAT where
 *         they disagree, with the block in error->index and the place in error->offset.
 * Cost:   O(index + blocks); payloads are not read.
 */
KVWOMBAT_API KVCORE_NODISCARD kvcore_status kvwombat_segment_check(kvcore_bytes file, kvcore_error *error);

#ifdef __cplusplus
}
#endif

#endif
