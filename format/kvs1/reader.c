/* KVS1: reading. */
#include "layout.h"
#include "runs.h"

#include <kvcore/config.h>
#include <kvformat/checksum.h>

#include "refuse.h"

/* One commit, as its record says and as it lies in memory. */
typedef struct commit {
    const uint8_t *keys;
    const uint8_t *rows;
    size_t count;
    uint64_t first_entry; /* entries of older commits */
    uint64_t begin;
    uint64_t index_offset;
} commit;

struct kvformat_kvs1_reader {
    kvcore_allocator allocator;
    kvs1_header header;
    kvformat_kvs1_info info;
    const uint8_t *file;   /* up to the end of the last commit */
    uint64_t mapped_bytes; /* 0: the caller's memory */
    commit *commits;       /* oldest first */
    size_t commit_count;
    kvs1_runs runs;             /* where names are searched */
    uint64_t repairable_offset; /* of the newest record that is right in one copy only */
};

/* Bytes in memory as a file that can be read. */
static kvcore_status bytes_read(void *ctx, uint64_t offset, void *bytes, size_t size_bytes, kvcore_error *error) {
    const kvcore_bytes *file = ctx;
    if (offset > file->size_bytes || size_bytes > file->size_bytes - offset)
        return refuse_at(error, KVCORE_ETRUNCATED, offset, size_bytes, file->size_bytes, "bytes");
    memcpy(bytes, (const uint8_t *)file->data + offset, size_bytes);
    return KVCORE_OK;
}

static kvcore_status bytes_size(void *ctx, uint64_t *size_bytes, kvcore_error *error) {
    (void)error;
    *size_bytes = ((const kvcore_bytes *)ctx)->size_bytes;
    return KVCORE_OK;
}

/* A record of which one copy is right: commits are seen, but the file is not sound. */
static void note_damage(kvformat_kvs1_reader *reader, uint64_t offset) {
    if (reader->info.repairable_records++ == 0) reader->repairable_offset = offset;
}

/* The commits from the last back to the first; their numbers fall one by one, so this ends. */
static kvcore_status load_commits(kvformat_kvs1_reader *reader, const kvs1_io *io, kvs1_record record,
                                  kvcore_error *error) {
    for (size_t i = reader->commit_count; i-- > 0;) {
        commit *at = &reader->commits[i];
        kvcore_bytes index = {reader->file + record.index_offset, (size_t)record.entry_count * KVS1_ENTRY_BYTES};
        uint32_t crc = kvformat_crc32c(0, index);
        if (crc != record.index_crc32c)
            return refuse_at(error, KVCORE_ECHECKSUM, record.index_offset, record.index_crc32c, crc, "index");
        *at = (commit){.keys = index.data,
                       .rows = (const uint8_t *)index.data + record.entry_count * KVS1_KEY_BYTES,
                       .count = (size_t)record.entry_count,
                       .begin = record.begin,
                       .index_offset = record.index_offset};
        reader->info.entry_count += record.entry_count;
        if (i == 0) break;
        kvs1_record before;
        bool damaged;
        kvcore_status status = kvformat__kvs1_previous(io, &reader->header, &record, &before, &damaged, error);
        if (status != KVCORE_OK) return status;
        record = before;
        if (damaged) note_damage(reader, record.offset);
    }
    return KVCORE_OK;
}

static kvcore_status no_memory(kvcore_error *error) {
    return kvcore_fail(error, &(kvcore_error){.code = KVCORE_ENOMEM, .index = KVCORE_NO_INDEX}, "no memory");
}

/* Once all commits are loaded, oldest first. */
static kvcore_status load_runs(kvformat_kvs1_reader *reader, kvcore_error *error) {
    uint64_t entries = 0;
    kvcore_status status = kvformat__kvs1_runs_begin(&reader->runs, reader->commit_count, &reader->allocator);
    for (size_t i = 0; status == KVCORE_OK && i < reader->commit_count; i++) {
        commit *of = &reader->commits[i];
        of->first_entry = entries;
        entries += of->count;
        const kvs1_run run = {.keys = of->keys, .count = of->count, .commit = i, .first_entry = of->first_entry};
        status = kvformat__kvs1_runs_add(&reader->runs, &run, &reader->allocator);
    }
    return status == KVCORE_OK ? KVCORE_OK : no_memory(error);
}

void kvformat_kvs1_close(kvformat_kvs1_reader *reader) {
    if (reader == NULL) return;
    kvcore_allocator from = reader->allocator;
    if (reader->mapped_bytes > 0) kvformat__kvs1_file_unmap((void *)(uintptr_t)reader->file, reader->mapped_bytes);
    kvformat__kvs1_runs_drop(&reader->runs, &from);
    kvcore_free(&from, reader->commits, reader->commit_count, sizeof *reader->commits, _Alignof(commit));
    kvcore_free(&from, reader, 1, sizeof *reader, _Alignof(kvformat_kvs1_reader));
}

/* memory: the file's bytes, or NULL to map them. */
static kvcore_status open_io(const kvs1_io *io, const kvformat_kvs1_config *config, const void *memory,
                             kvformat_kvs1_reader **out, kvcore_error *error) {
    kvcore_allocator from = config->allocator != NULL ? *config->allocator : kvcore_allocator_libc();
    kvs1_header header;
    kvs1_end at;
    kvcore_status status = kvformat__kvs1_locate(io, &from, &header, &at, error);
    if (status == KVCORE_OK) status = kvformat__kvs1_accept(config, &header, error);
    if (status != KVCORE_OK) return status;
    const kvs1_record last = at.last;
    uint64_t end = kvs1_commit_end(&header, &last);
    if (last.commit > end / header.alignment) /* each takes three units at least */
        return refuse_at(error, KVCORE_EFORMAT, last.offset + 24, end / header.alignment, last.commit, "commit number");
    kvformat_kvs1_reader *made = kvcore_alloc(&from, 1, sizeof *made, _Alignof(kvformat_kvs1_reader));
    if (made == NULL) return no_memory(error);
    *made = (kvformat_kvs1_reader){.allocator = from, .header = header, .file = memory};
    made->info = (kvformat_kvs1_info){.model_digest = header.model_digest,
                                      .layout_tag = header.layout_tag,
                                      .version = KVS1_VERSION,
                                      .alignment = header.alignment,
                                      .block_tokens = header.block_tokens,
                                      .commit_count = last.commit,
                                      .end_offset = end,
                                      .tail_bytes = at.file_bytes > end ? at.file_bytes - end : 0,
                                      .damaged_record_offset = at.damaged_offset};
    if (at.damaged) note_damage(made, last.offset);
    memcpy(made->info.file_id, header.file_id, sizeof header.file_id);
    if (last.commit > 0) {
        made->commits = kvcore_alloc(&from, (size_t)last.commit, sizeof *made->commits, _Alignof(commit));
        if (made->commits == NULL)
            status = no_memory(error);
        else
            made->commit_count = (size_t)last.commit;
        if (status == KVCORE_OK && memory == NULL) {
            void *mapped = NULL;
            status = kvformat__kvs1_file_map(io, end, &mapped, error);
            if (status == KVCORE_OK) made->file = mapped, made->mapped_bytes = end;
        }
        if (status == KVCORE_OK) status = load_commits(made, io, last, error);
        if (status == KVCORE_OK) status = load_runs(made, error);
    }
    if (status == KVCORE_OK)
        *out = made;
    else
        kvformat_kvs1_close(made);
    return status;
}

static kvcore_status read_config(const kvformat_kvs1_config *given, kvformat_kvs1_config *config, kvcore_error *error) {
    kvformat_kvs1_config defaults = KVFORMAT_KVS1_CONFIG_INIT;
    return kvcore_config_read(config, sizeof *config, given != NULL ? given : &defaults, error);
}

kvcore_status kvformat_kvs1_open(const char *path, const kvformat_kvs1_config *config, kvformat_kvs1_reader **reader,
                                 kvcore_error *error) {
    if (reader == NULL) return refuse_null(error, "reader");
    kvformat_kvs1_config read;
    kvs1_io io;
    kvcore_status status = read_config(config, &read, error);
    if (status != KVCORE_OK) return status;
    if (path == NULL) return kvcore_fail(error, &(kvcore_error){.code = KVCORE_EINVAL}, "path is NULL");
    kvcore_allocator from = read.allocator != NULL ? *read.allocator : kvcore_allocator_libc();
    status = kvformat__kvs1_file_open(path, KVS1_READ, &from, &io, error);
    if (status != KVCORE_OK) return status;
    status = open_io(&io, &read, NULL, reader, error);
    io.close(io.ctx); /* the mapping stays */
    return status;
}

kvcore_status kvformat_kvs1_open_bytes(kvcore_bytes file, const kvformat_kvs1_config *config,
                                       kvformat_kvs1_reader **reader, kvcore_error *error) {
    if (reader == NULL || bytes_missing(file)) return refuse_null(error, reader == NULL ? "reader" : "file");
    kvformat_kvs1_config read;
    kvcore_status status = read_config(config, &read, error);
    if (status != KVCORE_OK) return status;
    kvs1_io io = {.ctx = &file, .read = bytes_read, .size = bytes_size};
    return open_io(&io, &read, file.data != NULL ? file.data : "", reader, error);
}

kvcore_status kvformat_kvs1_read_info(const kvformat_kvs1_reader *reader, kvformat_kvs1_info *info) {
    return kvcore_result_write(info, reader != NULL ? &reader->info : NULL, sizeof *info, NULL);
}

/* A row as a block; rows lie in checksummed indexes, but a file may have been made to lie. */
static kvcore_status block_at(const kvformat_kvs1_reader *reader, const commit *of, size_t place,
                              kvformat_kvs1_block *block, kvcore_error *error) {
    const uint8_t *key = of->keys + place * KVS1_KEY_BYTES, *row = of->rows + place * KVS1_ROW_BYTES;
    uint64_t offset = kvcore_load_le64(row), payload_bytes = kvcore_load_le64(row + 8), block_bytes;
    uint64_t where = (uint64_t)(row - reader->file);
    if (offset < of->begin || offset % reader->header.alignment != 0 || offset > of->index_offset ||
        !kvformat__kvs1_block_bytes(reader->header.alignment, payload_bytes, &block_bytes) ||
        block_bytes > of->index_offset - offset)
        return refuse_at(error, KVCORE_EFORMAT, where, of->index_offset, offset, "index row");
    if (kvhash_plh_decode(key, &block->name) != KVCORE_OK)
        return refuse_at(error, KVCORE_EFORMAT, (uint64_t)(key - reader->file), 2, 3, "mode of a name in the index");
    block->payload = (kvcore_bytes){reader->file + offset, (size_t)payload_bytes};
    block->offset = offset;
    block->commit = (uint64_t)(of - reader->commits) + 1;
    block->crc32c = kvcore_load_le32(row + 16);
    return KVCORE_OK;
}

enum { SIDE_BY_SIDE = 16 };

static inline bool key_at_most(const uint8_t *key, kvhash_plh name) {
    uint64_t high = kvcore_load_be64(key);
    return high < name.high || (high == name.high && kvcore_load_be64(key + 8) <= name.low);
}

static inline bool key_equals(const uint8_t *key, kvhash_plh name) {
    return kvcore_load_be64(key) == name.high && kvcore_load_be64(key + 8) == name.low;
}

/* Up to SIDE_BY_SIDE binary searches in step, so that their cache misses overlap: at[i] becomes the place of names[i], or
 * the count when it is not there. */
static void search(const kvs1_run *in, const kvhash_plh *names, size_t count, size_t *at) {
    for (size_t i = 0; i < count; i++) at[i] = 0;
    for (size_t left = in->count; left > 1;) {
        size_t half = left / 2, next = (left - half) / 2;
        for (size_t i = 0; i < count; i++) {
            const uint8_t *middle = in->keys + (at[i] + half) * KVS1_KEY_BYTES;
            at[i] += key_at_most(middle, names[i]) ? half : 0;
            __builtin_prefetch(in->keys + (at[i] + next) * KVS1_KEY_BYTES);
        }
        left -= half;
    }
    for (size_t i = 0; i < count; i++)
        if (!key_equals(in->keys + at[i] * KVS1_KEY_BYTES, names[i]))
            at[i] = in->count;
        else if (in->entries != NULL)
            __builtin_prefetch(in->entries + at[i]);
        else /* the rows of a commit stand behind its keys */
            __builtin_prefetch(in->keys + in->count * KVS1_KEY_BYTES + at[i] * KVS1_ROW_BYTES);
}

/* The last commit that begins at or before the entry. */
static const commit *commit_of_entry(const kvformat_kvs1_reader *reader, uint64_t entry) {
    size_t low = 0;
    for (size_t left = reader->commit_count; left > 1;) {
        size_t half = left / 2;
        if (reader->commits[low + half].first_entry <= entry) low += half;
        left -= half;
    }
    return &reader->commits[low];
}

static kvcore_status block_of_run(const kvformat_kvs1_reader *reader, const kvs1_run *run, size_t place,
                                  kvformat_kvs1_block *block, kvcore_error *error) {
    if (run->entries == NULL) return block_at(reader, &reader->commits[run->commit], place, block, error);
    const commit *of = commit_of_entry(reader, run->entries[place]);
    return block_at(reader, of, (size_t)(run->entries[place] - of->first_entry), block, error);
}

/* The leading names of at most SIDE_BY_SIDE that are there, newest run first. */
static kvcore_status find_group(const kvformat_kvs1_reader *reader, const kvhash_plh *names, size_t count,
                                kvformat_kvs1_block *blocks, size_t *found, kvcore_error *error) {
    const kvs1_run *where[SIDE_BY_SIDE] = {NULL};
    size_t place[SIDE_BY_SIDE], at[SIDE_BY_SIDE], missing = count;
    for (size_t r = reader->runs.count; r-- > 0 && missing > 0;) {
        const kvs1_run *in = &reader->runs.runs[r];
        search(in, names, count, at);
        for (size_t i = 0; i < count; i++)
            if (where[i] == NULL && at[i] < in->count) where[i] = in, place[i] = at[i], missing--;
    }
    size_t leading = 0;
    while (leading < count && where[leading] != NULL) leading++;
    for (size_t i = 0; i < leading; i++) {
        kvformat_kvs1_block block;
        kvcore_status status = block_of_run(reader, where[i], place[i], &block, error);
        if (status != KVCORE_OK) return status;
        if (blocks != NULL) blocks[i] = block;
    }
    *found = leading;
    return KVCORE_OK;
}

kvcore_status kvformat_kvs1_longest_prefix(const kvformat_kvs1_reader *reader, const kvhash_plh *names, size_t count,
                                           kvformat_kvs1_block *blocks, size_t *found, kvcore_error *error) {
    if (reader == NULL || found == NULL || (names == NULL && count > 0))
        return refuse_null(error, "reader, names or found");
    size_t done = 0;
    while (done < count) {
        size_t group = count - done < SIDE_BY_SIDE ? count - done : SIDE_BY_SIDE, leading = 0;
        kvcore_status status =
            find_group(reader, names + done, group, blocks != NULL ? blocks + done : NULL, &leading, error);
        if (status != KVCORE_OK) return status;
        done += leading;
        if (leading < group) break;
    }
    *found = done;
    return KVCORE_OK;
}

/* Is this entry what a search for its name finds? */
static bool is_newest(const kvformat_kvs1_reader *reader, kvhash_plh name, uint64_t entry) {
    for (size_t r = reader->runs.count; r-- > 0;) {
        const kvs1_run *in = &reader->runs.runs[r];
        size_t at;
        search(in, &name, 1, &at);
        if (at < in->count) return kvs1_run_entry(in, at) == entry;
    }
    return true; /* of an index that is out of order */
}

kvcore_status kvformat_kvs1_entry(const kvformat_kvs1_reader *reader, uint64_t index, kvformat_kvs1_block *block,
                                  bool *newest, kvcore_error *error) {
    if (reader == NULL || block == NULL) return refuse_null(error, reader == NULL ? "reader" : "block");
    if (index >= reader->info.entry_count)
        return refuse_at(error, KVCORE_EINVAL, 0, reader->info.entry_count, index, "entry");
    const commit *in = commit_of_entry(reader, index);
    kvformat_kvs1_block found;
    kvcore_status status = block_at(reader, in, (size_t)(index - in->first_entry), &found, error);
    if (status != KVCORE_OK) return status;
    if (newest != NULL) *newest = is_newest(reader, found.name, index);
    *block = found;
    return KVCORE_OK;
}

kvcore_status kvformat_kvs1_check(const kvformat_kvs1_reader *reader, const kvformat_kvs1_block *block,
                                  kvcore_error *error) {
    if (reader == NULL || block == NULL) return refuse_null(error, reader == NULL ? "reader" : "block");
    uint64_t block_bytes;
    kvs1_trailer trailer;
    uint8_t key[KVS1_KEY_BYTES];
    const commit *of = block->commit - 1 < reader->commit_count ? &reader->commits[block->commit - 1] : NULL;
    if (of == NULL || block->offset < of->begin || block->offset > of->index_offset ||
        !kvformat__kvs1_block_bytes(reader->header.alignment, block->payload.size_bytes, &block_bytes) ||
        block_bytes > of->index_offset - block->offset)
        return refuse_at(error, KVCORE_EINVAL, block->offset, reader->info.end_offset, block->payload.size_bytes,
                         "block");
    uint64_t at = block->offset + block_bytes - KVS1_HEADER_BYTES;
    kvcore_status status = kvformat__kvs1_read_trailer(&reader->header, reader->file + at, &trailer, at, error);
    if (status != KVCORE_OK) return status;
    kvhash_plh_encode(block->name, key);
    if (memcmp(key, trailer.key, sizeof key) != 0 || trailer.offset != block->offset ||
        trailer.payload_bytes != block->payload.size_bytes || trailer.crc32c != block->crc32c ||
        trailer.commit != block->commit)
        return refuse_at(error, KVCORE_EFORMAT, at, block->offset, trailer.offset, "trailer of another block");
    uint32_t crc = kvformat_crc32c(0, (kvcore_bytes){reader->file + block->offset, block->payload.size_bytes});
    return crc == block->crc32c ? KVCORE_OK
                                : refuse_at(error, KVCORE_ECHECKSUM, block->offset, block->crc32c, crc, "payload");
}

static kvcore_status refuse_repairable(const kvformat_kvs1_reader *reader, kvcore_error *error) {
    const kvcore_error details = {.code = KVCORE_ECHECKSUM,
                                  .index = KVCORE_NO_INDEX,
                                  .actual = reader->info.repairable_records,
                                  .offset = reader->repairable_offset};
    return kvcore_fail(error, &details, "one of two copies of the commit record at byte %" PRIu64 " is damaged",
                       reader->repairable_offset);
}

kvcore_status kvformat_kvs1_check_all(const kvformat_kvs1_reader *reader, kvcore_error *error) {
    if (reader == NULL) return refuse_null(error, "reader");
    if (reader->info.damaged_record_offset != 0)
        return kvformat__kvs1_refuse_damaged(reader->info.damaged_record_offset, error);
    for (size_t c = 0; c < reader->commit_count; c++) {
        const commit *in = &reader->commits[c];
        for (size_t i = 0; i < in->count; i++) {
            const uint8_t *key = in->keys + i * KVS1_KEY_BYTES;
            kvformat_kvs1_block block;
            kvcore_status status = KVCORE_OK;
            if (i > 0 && memcmp(key - KVS1_KEY_BYTES, key, KVS1_KEY_BYTES) >= 0)
                status = refuse_at(error, KVCORE_EFORMAT, (uint64_t)(key - reader->file), i, i, "index out of order");
            if (status == KVCORE_OK) status = block_at(reader, in, i, &block, error);
            if (status == KVCORE_OK) status = kvformat_kvs1_check(reader, &block, error);
            if (status == KVCORE_OK) continue;
            if (error != NULL) error->index = in->first_entry + i;
            return status;
        }
    }
    return reader->info.repairable_records == 0 ? KVCORE_OK : refuse_repairable(reader, error);
}
