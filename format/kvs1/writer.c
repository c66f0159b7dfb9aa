/* KVS1: writing. Blocks go out as they are put; a commit is index, sync, record, sync: a record is only ever written once
 * everything it speaks of is on the disk. */
#include "layout.h"

#include <fcntl.h>
#include <unistd.h>

#include <kvcore/config.h>
#include <kvcore/sort.h>
#include <kvformat/checksum.h>

#include "refuse.h"

/* A block that is written and waits for its commit. */
typedef struct pending {
    uint8_t key[KVS1_KEY_BYTES];
    uint64_t offset;
    uint64_t payload_bytes;
    uint32_t crc32c;
} pending;

struct kvformat_kvs1_writer {
    kvcore_allocator allocator;
    kvs1_io io;
    kvs1_header header;
    kvs1_record last; /* the last commit; commit 0: none yet */
    uint64_t end;     /* where the next block goes */
    pending *blocks;
    size_t count, capacity;
    uint8_t *tail;     /* padding and trailer of a block, or a record's unit: alignment + 128 bytes */
    bool broken;       /* a sync failed */
    bool tail_written; /* something stands, or may stand, behind the last commit */
};

static size_t tail_bytes(const kvformat_kvs1_writer *writer) { return writer->header.alignment + KVS1_HEADER_BYTES; }

static kvcore_status read_config(const kvformat_kvs1_config *given, kvformat_kvs1_config *config, kvcore_error *error) {
    kvformat_kvs1_config defaults = KVFORMAT_KVS1_CONFIG_INIT;
    if (given == NULL) given = &defaults;
    return kvcore_config_read(config, sizeof *config, given, error);
}

static kvcore_status no_memory(kvcore_error *error) {
    return kvcore_fail(error, &(kvcore_error){.code = KVCORE_ENOMEM, .index = KVCORE_NO_INDEX}, "no memory");
}

static kvcore_allocator allocator_of(const kvformat_kvs1_config *config) {
    return config->allocator != NULL ? *config->allocator : kvcore_allocator_libc();
}

/* Nobody will read what was put and not committed: it gives its room back, above all on a full disk. When that fails the next
 * append cuts it off. A broken writer may have a record there that readers have seen: it stays. */
static void drop_tail(kvformat_kvs1_writer *writer) {
    if (writer->broken || !writer->tail_written) return;
    uint64_t end = kvs1_commit_end(&writer->header, &writer->last);
    kvcore_status ignored = writer->io.truncate(writer->io.ctx, end, NULL);
    (void)ignored;
}

void kvformat_kvs1_writer_close(kvformat_kvs1_writer *writer) {
    if (writer == NULL) return;
    kvcore_allocator from = writer->allocator;
    drop_tail(writer);
    writer->io.close(writer->io.ctx);
    kvcore_free(&from, writer->blocks, writer->capacity, sizeof *writer->blocks, _Alignof(pending));
    if (writer->tail != NULL) kvcore_free(&from, writer->tail, tail_bytes(writer), 1, 1);
    kvcore_free(&from, writer, 1, sizeof *writer, _Alignof(kvformat_kvs1_writer));
}

/* A writer over io; closes io when there is no memory. */
static kvformat_kvs1_writer *make_writer(const kvs1_io *io, const kvcore_allocator *from, const kvs1_header *header) {
    kvformat_kvs1_writer *made = kvcore_alloc(from, 1, sizeof *made, _Alignof(kvformat_kvs1_writer));
    if (made == NULL) {
        io->close(io->ctx);
        return NULL;
    }
    *made = (kvformat_kvs1_writer){.allocator = *from, .io = *io, .header = *header, .end = header->alignment};
    made->tail = kvcore_alloc(from, tail_bytes(made), 1, 1);
    if (made->tail != NULL) return made;
    kvformat_kvs1_writer_close(made);
    return NULL;
}

/* A fresh file id: it only has to differ from those of other files. */
static kvcore_status random_id(uint8_t id[16], kvcore_error *error) {
    int descriptor = open("/dev/urandom", O_RDONLY | O_CLOEXEC);
    ssize_t got = descriptor < 0 ? -1 : read(descriptor, id, 16);
    if (descriptor >= 0) close(descriptor);
    return got == 16 ? KVCORE_OK
                     : kvcore_fail(error, &(kvcore_error){.code = KVCORE_EIO}, "the system gave no random bytes");
}

static kvcore_status header_of(const kvformat_kvs1_config *config, kvs1_header *header, kvcore_error *error) {
    *header = (kvs1_header){.alignment = config->alignment != 0 ? config->alignment : KVFORMAT_KVS1_DEFAULT_ALIGNMENT,
                            .block_tokens = config->block_tokens};
    uint32_t unit = header->alignment;
    if (unit < KVFORMAT_KVS1_MIN_ALIGNMENT || unit > KVFORMAT_KVS1_MAX_ALIGNMENT || (unit & (unit - 1)) != 0)
        return refuse_at(error, KVCORE_ECONFIG, 0, KVFORMAT_KVS1_DEFAULT_ALIGNMENT, unit, "alignment");
    if (config->model_digest != NULL) header->model_digest = *config->model_digest;
    if (config->layout_tag != NULL) header->layout_tag = *config->layout_tag;
    if (config->file_id == NULL) return random_id(header->file_id, error);
    memcpy(header->file_id, config->file_id, sizeof header->file_id);
    return KVCORE_OK;
}

kvcore_status kvformat__kvs1_begin_io(const kvs1_io *io, const kvformat_kvs1_config *config,
                                      kvformat_kvs1_writer **writer, kvcore_error *error) {
    kvcore_allocator from = allocator_of(config);
    kvs1_header header;
    kvcore_status status = header_of(config, &header, error);
    if (status != KVCORE_OK) {
        io->close(io->ctx);
        return status;
    }
    kvformat_kvs1_writer *made = make_writer(io, &from, &header);
    if (made == NULL) return no_memory(error);
    memset(made->tail, 0, tail_bytes(made));
    kvformat__kvs1_write_header(&header, made->tail);
    status = io->write(io->ctx, 0, &(kvcore_bytes){made->tail, header.alignment}, 1, error);
    if (status == KVCORE_OK) status = io->sync(io->ctx, error);
    if (status == KVCORE_OK)
        *writer = made;
    else
        kvformat_kvs1_writer_close(made);
    return status;
}

/* What is read may be in the page cache alone, when the sync behind it failed in another life: write what the next commit
 * stands on again, the last record's unit or else the header's, and sync it. */
static kvcore_status settle(kvformat_kvs1_writer *writer, kvcore_error *error) {
    uint32_t unit = writer->header.alignment;
    memset(writer->tail, 0, unit);
    if (writer->last.commit > 0)
        kvformat__kvs1_write_record_unit(&writer->header, &writer->last, writer->tail);
    else
        kvformat__kvs1_write_header(&writer->header, writer->tail);
    const kvcore_bytes bytes = {writer->tail, unit};
    kvcore_status status = writer->io.write(writer->io.ctx, writer->last.offset, &bytes, 1, error);
    return status == KVCORE_OK ? writer->io.sync(writer->io.ctx, error) : status;
}

kvcore_status kvformat__kvs1_append_io(const kvs1_io *io, const kvformat_kvs1_config *config,
                                       kvformat_kvs1_writer **writer, kvcore_error *error) {
    kvcore_allocator from = allocator_of(config);
    kvs1_header header;
    kvs1_end end;
    kvs1_record before;
    bool damaged;
    kvcore_status status = kvformat__kvs1_locate(io, &from, &header, &end, error);
    if (status == KVCORE_OK) status = kvformat__kvs1_accept(config, &header, error);
    if (status == KVCORE_OK && end.damaged_offset != 0 && !config->cut_damaged)
        status = kvformat__kvs1_refuse_damaged(end.damaged_offset, error);
    if (status == KVCORE_OK && end.last.commit > 1)
        status = kvformat__kvs1_previous(io, &header, &end.last, &before, &damaged, error);
    if (status != KVCORE_OK) {
        io->close(io->ctx);
        return status;
    }
    kvformat_kvs1_writer *made = make_writer(io, &from, &header);
    if (made == NULL) return no_memory(error);
    made->last = end.last;
    made->end = kvs1_commit_end(&header, &end.last);
    if (end.file_bytes != made->end) status = io->truncate(io->ctx, made->end, error);
    if (status == KVCORE_OK) status = settle(made, error);
    if (status == KVCORE_OK)
        *writer = made;
    else
        kvformat_kvs1_writer_close(made);
    return status;
}

kvcore_status kvformat_kvs1_create(const char *path, const kvformat_kvs1_config *config, kvformat_kvs1_writer **writer,
                                   kvcore_error *error) {
    if (writer == NULL) return refuse_null(error, "writer");
    kvformat_kvs1_config read;
    kvs1_header header;
    kvs1_io io;
    kvcore_status status = read_config(config, &read, error);
    if (status != KVCORE_OK) return status;
    if (path == NULL) return kvcore_fail(error, &(kvcore_error){.code = KVCORE_EINVAL}, "path is NULL");
    kvcore_allocator from = allocator_of(&read);
    status = header_of(&read, &header, error); /* before there is a file */
    if (status == KVCORE_OK) status = kvformat__kvs1_file_open(path, KVS1_CREATE, &from, &io, error);
    if (status != KVCORE_OK) return status;
    status = kvformat__kvs1_begin_io(&io, &read, writer, error);
    if (status != KVCORE_OK) unlink(path);
    return status;
}

kvcore_status kvformat_kvs1_append(const char *path, const kvformat_kvs1_config *config, kvformat_kvs1_writer **writer,
                                   kvcore_error *error) {
    if (writer == NULL) return refuse_null(error, "writer");
    kvformat_kvs1_config read;
    kvs1_io io;
    kvcore_status status = read_config(config, &read, error);
    if (status != KVCORE_OK) return status;
    if (path == NULL) return kvcore_fail(error, &(kvcore_error){.code = KVCORE_EINVAL}, "path is NULL");
    kvcore_allocator from = allocator_of(&read);
    status = kvformat__kvs1_file_open(path, KVS1_APPEND, &from, &io, error);
    return status == KVCORE_OK ? kvformat__kvs1_append_io(&io, &read, writer, error) : status;
}

static kvcore_status reserve(kvformat_kvs1_writer *writer) {
    if (writer->count < writer->capacity) return KVCORE_OK;
    size_t capacity = writer->capacity > 0 ? 2 * writer->capacity : 64;
    pending *larger = kvcore_alloc(&writer->allocator, capacity, sizeof *larger, _Alignof(pending));
    if (larger == NULL) return KVCORE_ENOMEM;
    if (writer->count > 0) memcpy(larger, writer->blocks, writer->count * sizeof *larger);
    kvcore_free(&writer->allocator, writer->blocks, writer->capacity, sizeof *larger, _Alignof(pending));
    writer->blocks = larger;
    writer->capacity = capacity;
    return KVCORE_OK;
}

static kvcore_status refuse_broken(kvcore_error *error) {
    return kvcore_fail(error, &(kvcore_error){.code = KVCORE_EIO, .index = KVCORE_NO_INDEX},
                       "an earlier sync failed: close the writer and append anew");
}

kvcore_status kvformat_kvs1_put(kvformat_kvs1_writer *writer, kvhash_plh name, kvcore_bytes payload,
                                kvcore_error *error) {
    if (writer == NULL || bytes_missing(payload)) return refuse_null(error, writer == NULL ? "writer" : "payload");
    uint64_t block_bytes, end;
    if (writer->broken) return refuse_broken(error);
    if (!kvhash_plh_valid(name))
        return kvcore_fail(error, &(kvcore_error){.code = KVHASH_EMODE, .index = KVCORE_NO_INDEX}, "invalid name");
    if (!kvformat__kvs1_block_bytes(writer->header.alignment, payload.size_bytes, &block_bytes) ||
        __builtin_add_overflow(writer->end, block_bytes, &end) || end > INT64_MAX)
        return kvcore_fail(error, &(kvcore_error){.code = KVCORE_EOVERFLOW, .actual = payload.size_bytes},
                           "the file would pass 2^63 bytes");
    if (reserve(writer) != KVCORE_OK) return no_memory(error);
    kvs1_trailer trailer = {.offset = writer->end,
                            .payload_bytes = payload.size_bytes,
                            .commit = writer->last.commit + 1,
                            .crc32c = kvformat_crc32c(0, payload)};
    kvhash_plh_encode(name, trailer.key);
    size_t behind = (size_t)(block_bytes - payload.size_bytes);
    memset(writer->tail, 0, behind - KVS1_HEADER_BYTES);
    kvformat__kvs1_write_trailer(&writer->header, &trailer, writer->tail + behind - KVS1_HEADER_BYTES);
    const kvcore_bytes parts[] = {payload, {writer->tail, behind}};
    writer->tail_written = true;
    kvcore_status status = writer->io.write(writer->io.ctx, writer->end, parts, 2, error);
    if (status != KVCORE_OK) return status;
    pending *block = &writer->blocks[writer->count++];
    *block = (pending){.offset = trailer.offset, .payload_bytes = trailer.payload_bytes, .crc32c = trailer.crc32c};
    memcpy(block->key, trailer.key, sizeof block->key);
    writer->end = end;
    return KVCORE_OK;
}

/* By name; of one name the newest, which is the one further behind, first. */
static bool pending_before(void *ctx, size_t a, size_t b) {
    const pending *blocks = ctx;
    int order = memcmp(blocks[a].key, blocks[b].key, KVS1_KEY_BYTES);
    return order != 0 ? order < 0 : blocks[a].offset > blocks[b].offset;
}

static void pending_swap(void *ctx, size_t a, size_t b) {
    pending *blocks = ctx, moved = blocks[a];
    blocks[a] = blocks[b];
    blocks[b] = moved;
}

/* Keys, then rows, of the newest version of each name. Returns how many. */
static size_t fill_index(const pending *blocks, size_t count, uint8_t *index) {
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        if (i == 0 || memcmp(blocks[i].key, blocks[i - 1].key, KVS1_KEY_BYTES) != 0)
            memcpy(index + KVS1_KEY_BYTES * kept++, blocks[i].key, KVS1_KEY_BYTES);
    uint8_t *row = index + KVS1_KEY_BYTES * kept;
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && memcmp(blocks[i].key, blocks[i - 1].key, KVS1_KEY_BYTES) == 0) continue;
        kvcore_store_le64(row, blocks[i].offset);
        kvcore_store_le64(row + 8, blocks[i].payload_bytes);
        kvcore_store_le32(row + 16, blocks[i].crc32c);
        kvcore_store_le32(row + 20, 0);
        row += KVS1_ROW_BYTES;
    }
    return kept;
}

static kvcore_status sync_or_break(kvformat_kvs1_writer *writer, kvcore_error *error) {
    kvcore_status status = writer->io.sync(writer->io.ctx, error);
    if (status != KVCORE_OK) writer->broken = true;
    return status;
}

/* Index at the end of the blocks, everything synced; then the record, synced. */
static kvcore_status write_commit(kvformat_kvs1_writer *writer, kvcore_bytes index, uint64_t entry_count,
                                  kvcore_error *error) {
    uint32_t unit = writer->header.alignment;
    size_t padding = (size_t)(-(uint64_t)index.size_bytes & (unit - 1));
    kvs1_record record = {.commit = writer->last.commit + 1,
                          .offset = writer->end + index.size_bytes + padding,
                          .begin = kvs1_commit_end(&writer->header, &writer->last),
                          .index_offset = writer->end,
                          .entry_count = entry_count,
                          .previous_offset = writer->last.offset,
                          .index_crc32c = kvformat_crc32c(0, index),
                          .previous_crc32c = writer->last.crc32c};
    memset(writer->tail, 0, unit);
    const kvcore_bytes parts[] = {index, {writer->tail, padding}};
    kvcore_status status = writer->io.write(writer->io.ctx, record.index_offset, parts, 2, error);
    if (status == KVCORE_OK) status = sync_or_break(writer, error);
    if (status != KVCORE_OK) return status;
    kvformat__kvs1_write_record_unit(&writer->header, &record, writer->tail);
    status = writer->io.write(writer->io.ctx, record.offset, &(kvcore_bytes){writer->tail, unit}, 1, error);
    if (status != KVCORE_OK) writer->broken = true; /* perhaps it is there, perhaps not */
    if (status == KVCORE_OK) status = sync_or_break(writer, error);
    if (status == KVCORE_OK) writer->last = record;
    return status;
}

kvcore_status kvformat_kvs1_commit(kvformat_kvs1_writer *writer, kvcore_error *error) {
    if (writer == NULL) return refuse_null(error, "writer");
    if (writer->broken) return refuse_broken(error);
    if (writer->count == 0) return KVCORE_OK;
    uint8_t *index = kvcore_alloc(&writer->allocator, writer->count, KVS1_ENTRY_BYTES, 1);
    if (index == NULL) return no_memory(error);
    kvcore_sort(&(kvcore_sorting){writer->blocks, pending_before, pending_swap}, writer->count);
    size_t kept = fill_index(writer->blocks, writer->count, index);
    kvcore_status status = write_commit(writer, (kvcore_bytes){index, kept * KVS1_ENTRY_BYTES}, kept, error);
    kvcore_free(&writer->allocator, index, writer->count, KVS1_ENTRY_BYTES, 1);
    if (status != KVCORE_OK) return status;
    writer->end = kvs1_commit_end(&writer->header, &writer->last);
    writer->count = 0;
    writer->tail_written = false;
    return KVCORE_OK;
}

size_t kvformat_kvs1_pending(const kvformat_kvs1_writer *writer) { return writer != NULL ? writer->count : 0; }
