/**
 * @file
 * Records of WombatKV's write-ahead log, single or in batches.
 *
 *     record   "WMBT_KV_WAL1" | key_len u16 | meta_len u16 | payload_len u32 | FNV-1a 32 of the body u32 | key | meta | payload
 *     batch    "WMBT_KV_WB01" | start_seq u64 | end_seq u64 | record_count u32 | FNV-1a 32 of the rest u32
 *              | { length u32 | record } …
 *
 * All little-endian. The checksums leave the headers out, so a boundary moved between key and meta is not seen: a weakness of
 * the format, kept as it is.
 *
 * Owns:    nothing: encoders write into the caller's memory, decoders give views of their input.
 * Threads: any. Never allocates.
 * Errors:  checks run in the order of the statuses below, so an input with two defects has one answer.
 * Source:  WombatKV, wombatkv-format and wombatkv-store; pinned by wal and wal_batch of the wombat vectors.
 */
#ifndef KVWOMBAT_WAL_H
#define KVWOMBAT_WAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <kvcore/bytes.h>
#include <kvcore/status.h>
#include <kvwombat/export.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Bytes before the key of a record. */
#define KVWOMBAT_WAL_RECORD_HEADER_BYTES 24
/** Bytes before the first record of a batch. */
#define KVWOMBAT_WAL_BATCH_HEADER_BYTES 36

/** One record of the log. */
typedef struct kvwombat_wal_record {
    kvcore_bytes key;     /**< At most 65,535 bytes. */
    kvcore_bytes meta;    /**< At most 65,535 bytes. */
    kvcore_bytes payload; /**< Less than 4 GiB. */
} kvwombat_wal_record;

/**
 * Gives:  *size_bytes of the record in bytes[capacity]; capacity 0 asks for the size.
 * Errors: KVCORE_EINVAL for NULL; KVFORMAT_ETOO_LARGE for a key or meta of more than 65,535 bytes or a payload of more
 *         than 2^32 − 1; KVCORE_EBUFFER when it does not fit, the size in *size_bytes.
 * Cost:   O(size).
 */
KVWOMBAT_API KVCORE_NODISCARD kvcore_status kvwombat_wal_record_encode(const kvwombat_wal_record *record, void *bytes,
                                                                       size_t capacity, size_t *size_bytes);

/**
 * The record at the start of the input. What follows it is not looked at: compare *size_bytes with the input's to be strict.
 *
 * Gives:  views, and *size_bytes (may be NULL) of the input that the record takes.
 * Errors: KVCORE_EINVAL for NULL; KVCORE_ETRUNCATED shorter than a header; KVFORMAT_EMAGIC; KVCORE_ETRUNCATED shorter
 *         than its lengths say; KVCORE_ECHECKSUM.
 * Cost:   O(size).
 */
KVWOMBAT_API KVCORE_NODISCARD kvcore_status kvwombat_wal_record_decode(kvcore_bytes input, kvwombat_wal_record *record,
                                                                       size_t *size_bytes, kvcore_error *error);

/** An encoded record and its sequence number. */
typedef struct kvwombat_wal_item {
    uint64_t seq;        /**< Sequence number. */
    kvcore_bytes record; /**< As encoded. */
} kvwombat_wal_item;

/**
 * Gives:  *size_bytes of the batch in bytes[capacity]; capacity 0 asks for the size. Records are not looked into, and
 *         sequence numbers are not compared; but only those that follow one another can be decoded again.
 * Errors: KVCORE_EINVAL for NULL; KVCORE_ETRUNCATED without an item; KVFORMAT_ETOO_LARGE for a record of 2^32 bytes or
 *         2^32 records; KVCORE_EBUFFER.
 * Cost:   O(size).
 */
KVWOMBAT_API KVCORE_NODISCARD kvcore_status kvwombat_wal_batch_encode(const kvwombat_wal_item *items, size_t count,
                                                                      void *bytes, size_t capacity, size_t *size_bytes);

/** Reads an object of the log record by record. Plain data, borrowed from the input; no end call. */
typedef struct kvwombat_wal_reader {
    kvcore_bytes rest;  /**< What is not read yet. */
    uint64_t offset;    /**< Where it begins in the input. */
    uint32_t left;      /**< Records not read yet. */
    bool batch;         /**< Or a single record. */
    uint64_t start_seq; /**< 0 of a single record: it has none inside. */
    uint64_t end_seq;   /**< Of the last record. */
} kvwombat_wal_reader;

/**
 * An object of the log: a batch if it begins like one, else a single record.
 *
 * Errors: KVCORE_EINVAL for NULL; of a batch KVCORE_ETRUNCATED shorter than its header; KVCORE_ECHECKSUM;
 *         KVFORMAT_ETOO_LARGE when the number of records is not that of the sequence numbers (a start behind the end
 *         counts as one). A single record is looked at by the first kvwombat_wal_next().
 * Cost:   O(size) of a batch.
 */
KVWOMBAT_API KVCORE_NODISCARD kvcore_status kvwombat_wal_open(kvcore_bytes input, kvwombat_wal_reader *reader,
                                                              kvcore_error *error);

/**
 * The next record; *more false when there is none left.
 *
 * Errors: KVCORE_EINVAL for NULL; KVCORE_ETRUNCATED for a length that is not there or reaches past the end; those of
 *         the record (a record may be followed by slack inside its length); KVCORE_ETRUNCATED for bytes after the last
 *         one. The reader is then spent.
 */
KVWOMBAT_API KVCORE_NODISCARD kvcore_status kvwombat_wal_next(kvwombat_wal_reader *reader, kvwombat_wal_record *record,
                                                              bool *more, kvcore_error *error);

#ifdef __cplusplus
}
#endif

#endif
