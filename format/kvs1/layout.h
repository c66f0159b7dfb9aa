/* The layout of KVS1 and what reader and writer share. Private to format. docs/formats/kvs1.md has the bytes.
 *
 * Words: a *unit* is one alignment; the *header* is the first unit; a *block* is payload, padding and a *trailer*; a *commit*
 * is blocks, an *index* (all keys, then all rows) and a *record*, which has a unit of its own. */
#ifndef KVFORMAT_KVS1_PRIVATE_H
#define KVFORMAT_KVS1_PRIVATE_H

#include <kvformat/kvs1.h>

enum {
    KVS1_VERSION = 1,
    KVS1_HEADER_BYTES = 128, /* header, trailer and record; their checksum is the last four of them */
    KVS1_CRC_AT = KVS1_HEADER_BYTES - 4,
    KVS1_KEY_BYTES = 16,
    KVS1_ROW_BYTES = 24,
    KVS1_ENTRY_BYTES = KVS1_KEY_BYTES + KVS1_ROW_BYTES
};

/* What the first unit says. */
typedef struct kvs1_header {
    kvcore_model_digest model_digest;
    kvcore_layout_tag layout_tag;
    uint8_t file_id[16];
    uint32_t alignment;
    uint32_t block_tokens;
} kvs1_header;

/* What stands behind a payload. */
typedef struct kvs1_trailer {
    uint8_t key[KVS1_KEY_BYTES];
    uint64_t offset;
    uint64_t payload_bytes;
    uint64_t commit;
    uint32_t crc32c;
} kvs1_trailer;

typedef struct kvs1_record {
    uint64_t commit; /* from 1 */
    uint64_t offset; /* of the record itself */
    uint64_t begin;  /* of the commit: where the one before ends */
    uint64_t index_offset;
    uint64_t entry_count;
    uint64_t previous_offset; /* of the record before; 0: none */
    uint32_t index_crc32c;
    uint32_t previous_crc32c; /* the checksum of the record before; 0: none */
    uint32_t crc32c;          /* its own */
} kvs1_record;

/* Files as reader and writer see them, so that tests can put a disk that forgets in between. Writes and reads are whole or
 * fail. */
typedef struct kvs1_io {
    void *ctx;
    kvcore_status (*read)(void *ctx, uint64_t offset, void *bytes, size_t size_bytes, kvcore_error *error);
    kvcore_status (*write)(void *ctx, uint64_t offset, const kvcore_bytes *parts, size_t count, kvcore_error *error);
    kvcore_status (*sync)(void *ctx, kvcore_error *error);
    kvcore_status (*truncate)(void *ctx, uint64_t size_bytes, kvcore_error *error);
    kvcore_status (*size)(void *ctx, uint64_t *size_bytes, kvcore_error *error);
    /* Where data begins at or behind an offset: the file's end when only a hole follows. NULL: no holes are known. */
    uint64_t (*next_data)(void *ctx, uint64_t offset);
    void (*close)(void *ctx);
} kvs1_io;

/* layout.c */
void kvformat__kvs1_write_header(const kvs1_header *header, uint8_t bytes[KVS1_HEADER_BYTES]);
KVCORE_NODISCARD kvcore_status kvformat__kvs1_read_header(const uint8_t bytes[KVS1_HEADER_BYTES], kvs1_header *header,
                                                          kvcore_error *error);
void kvformat__kvs1_write_trailer(const kvs1_header *header, const kvs1_trailer *trailer,
                                  uint8_t bytes[KVS1_HEADER_BYTES]);
KVCORE_NODISCARD kvcore_status kvformat__kvs1_read_trailer(const kvs1_header *header,
                                                           const uint8_t bytes[KVS1_HEADER_BYTES],
                                                           kvs1_trailer *trailer, uint64_t at, kvcore_error *error);
/* Fills record->crc32c. */
void kvformat__kvs1_write_record(const kvs1_header *header, kvs1_record *record, uint8_t bytes[KVS1_HEADER_BYTES]);
/* False when these bytes are no record of this file at this offset. */
bool kvformat__kvs1_read_record(const kvs1_header *header, const uint8_t bytes[KVS1_HEADER_BYTES], uint64_t offset,
                                kvs1_record *record);
/* The bytes that a block takes, payload, padding, trailer; false past 2^63. */
bool kvformat__kvs1_block_bytes(uint32_t alignment, uint64_t payload_bytes, uint64_t *block_bytes);

/* The whole unit of a record: it, zeros, and its copy when there is room for one. Fills record->crc32c. */
void kvformat__kvs1_write_record_unit(const kvs1_header *header, kvs1_record *record, uint8_t *unit);

/* What a config asks of a file that has this header. */
KVCORE_NODISCARD kvcore_status kvformat__kvs1_accept(const kvformat_kvs1_config *config, const kvs1_header *header,
                                                     kvcore_error *error);
/* How a file ends. */
typedef struct kvs1_end {
    kvs1_record last; /* of the last whole commit; commit 0 when there is none */
    bool damaged;     /* the last record is right in one of its two copies only */
    uint64_t file_bytes;
    uint64_t damaged_offset; /* behind it: the lowest unit that was a record and is right in no copy; 0: none */
} kvs1_end;
/* The header, and how the file ends, by reading backwards. Allocates a piece of file when the last unit is no record. */
KVCORE_NODISCARD kvcore_status kvformat__kvs1_locate(const kvs1_io *io, const kvcore_allocator *allocator,
                                                     kvs1_header *header, kvs1_end *end, kvcore_error *error);
/* Why nothing is built on, or made of, a file with a damaged record behind its last whole commit. */
kvcore_status kvformat__kvs1_refuse_damaged(uint64_t offset, kvcore_error *error);
/* The record before, checked against this one. Not for the first. */
KVCORE_NODISCARD kvcore_status kvformat__kvs1_previous(const kvs1_io *io, const kvs1_header *header,
                                                       const kvs1_record *record, kvs1_record *previous, bool *damaged,
                                                       kvcore_error *error);
/* Where a commit ends: behind its record's unit. */
static inline uint64_t kvs1_commit_end(const kvs1_header *header, const kvs1_record *record) {
    return record->commit == 0 ? header->alignment : record->offset + header->alignment;
}

/* file.c: a file by path, locked against other writers unless read_only. */
typedef enum kvs1_mode { KVS1_READ, KVS1_APPEND, KVS1_CREATE } kvs1_mode;
KVCORE_NODISCARD kvcore_status kvformat__kvs1_file_open(const char *path, kvs1_mode mode,
                                                        const kvcore_allocator *allocator, kvs1_io *io,
                                                        kvcore_error *error);
/* The first size_bytes of it, read only. */
KVCORE_NODISCARD kvcore_status kvformat__kvs1_file_map(const kvs1_io *io, uint64_t size_bytes, void **memory,
                                                       kvcore_error *error);
void kvformat__kvs1_file_unmap(void *memory, uint64_t size_bytes);

/* writer.c: over any io, which the writer then closes (also when this fails). */
KVCORE_NODISCARD kvcore_status kvformat__kvs1_begin_io(const kvs1_io *io, const kvformat_kvs1_config *config,
                                                       kvformat_kvs1_writer **writer, kvcore_error *error);
KVCORE_NODISCARD kvcore_status kvformat__kvs1_append_io(const kvs1_io *io, const kvformat_kvs1_config *config,
                                                        kvformat_kvs1_writer **writer, kvcore_error *error);

#endif
