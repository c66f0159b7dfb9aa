/* KVS1: many commits into one. */
#include <unistd.h>

#include "layout.h"

#include <kvcore/config.h>
#include <kvcore/sort.h>

#include "refuse.h"

/* Entries to copy: the newest of each name, as indices for kvformat_kvs1_entry(). */
typedef struct live_entry {
    kvhash_plh name;
    uint64_t index;
} live_entry;

static bool live_before(void *ctx, size_t a, size_t b) {
    const live_entry *live = ctx;
    return live[a].name.high != live[b].name.high ? live[a].name.high < live[b].name.high
                                                  : live[a].name.low < live[b].name.low;
}

static void live_swap(void *ctx, size_t a, size_t b) {
    live_entry *live = ctx, moved = live[a];
    live[a] = live[b];
    live[b] = moved;
}

static kvcore_status collect(const kvformat_kvs1_reader *reader, live_entry *live, size_t *count, kvcore_error *error) {
    uint64_t entries = live == NULL ? 0 : kvformat_kvs1_reader_info(reader).entry_count;
    *count = 0;
    for (uint64_t i = 0; i < entries; i++) {
        kvformat_kvs1_block block;
        bool newest;
        kvcore_status status = kvformat_kvs1_entry(reader, i, &block, &newest, error);
        if (status != KVCORE_OK) return status;
        if (newest) live[(*count)++] = (live_entry){block.name, i};
    }
    kvcore_sort(&(kvcore_sorting){live, live_before, live_swap}, *count);
    return KVCORE_OK;
}

static kvcore_status copy_blocks(const kvformat_kvs1_reader *reader, const live_entry *live, size_t count,
                                 kvformat_kvs1_writer *writer, kvcore_error *error) {
    kvcore_status status = KVCORE_OK;
    for (size_t i = 0; live != NULL && i < count && status == KVCORE_OK; i++) {
        kvformat_kvs1_block block;
        status = kvformat_kvs1_entry(reader, live[i].index, &block, NULL, error);
        if (status == KVCORE_OK) status = kvformat_kvs1_check(reader, &block, error);
        if (status == KVCORE_OK) status = kvformat_kvs1_put(writer, block.name, block.payload, error);
    }
    return status == KVCORE_OK ? kvformat_kvs1_commit(writer, error) : status;
}

static kvcore_status write_copy(const kvformat_kvs1_reader *reader, const live_entry *live, size_t count,
                                const char *to, const kvcore_allocator *allocator, kvcore_error *error) {
    kvformat_kvs1_info info = kvformat_kvs1_reader_info(reader);
    kvformat_kvs1_config config = KVFORMAT_KVS1_CONFIG_INIT;
    config.allocator = allocator;
    config.model_digest = &info.model_digest;
    config.layout_tag = &info.layout_tag;
    config.block_tokens = info.block_tokens;
    config.alignment = info.alignment;
    kvformat_kvs1_writer *writer;
    kvcore_status status = kvformat_kvs1_create(to, &config, &writer, error);
    if (status != KVCORE_OK) return status;
    status = copy_blocks(reader, live, count, writer, error);
    kvformat_kvs1_writer_close(writer);
    if (status != KVCORE_OK) unlink(to);
    return status;
}

static kvcore_status measure(const char *to, const kvformat_kvs1_reader *reader, size_t count,
                             const kvcore_allocator *allocator, kvformat_kvs1_compaction *done, kvcore_error *error) {
    kvformat_kvs1_reader *copy;
    kvformat_kvs1_config config = KVFORMAT_KVS1_CONFIG_INIT;
    config.allocator = allocator;
    kvcore_status status = kvformat_kvs1_open(to, &config, &copy, error);
    if (status != KVCORE_OK) return status;
    const kvformat_kvs1_compaction made = {sizeof made, count, kvformat_kvs1_reader_info(reader).end_offset,
                                           kvformat_kvs1_reader_info(copy).end_offset};
    kvformat_kvs1_close(copy);
    return kvcore_result_write(done, &made, sizeof made, error);
}

kvcore_status kvformat_kvs1_compact(const char *from, const char *to, const kvcore_allocator *allocator,
                                    kvformat_kvs1_compaction *done, kvcore_error *error) {
    if (from == NULL || to == NULL || done == NULL) return refuse_null(error, "from, to or done");
    kvformat_kvs1_compaction nothing = KVFORMAT_KVS1_COMPACTION_INIT, asked;
    memcpy(&asked.struct_size, done, sizeof asked.struct_size);
    if (asked.struct_size < sizeof asked.struct_size ||
        asked.struct_size > KVCORE_CONFIG_MOST_BYTES) /* before there is a file */
        return kvcore_result_write(done, &nothing, sizeof nothing, error);
    kvcore_allocator memory = allocator != NULL ? *allocator : kvcore_allocator_libc();
    kvformat_kvs1_config config = KVFORMAT_KVS1_CONFIG_INIT;
    config.allocator = &memory;
    kvformat_kvs1_reader *reader;
    kvcore_status status = kvformat_kvs1_open(from, &config, &reader, error);
    if (status != KVCORE_OK) return status;
    uint64_t damaged = kvformat_kvs1_reader_info(reader).damaged_record_offset;
    if (damaged != 0) status = kvformat__kvs1_refuse_damaged(damaged, error);
    size_t entries = (size_t)kvformat_kvs1_reader_info(reader).entry_count, count = 0;
    live_entry *live = kvcore_alloc(&memory, entries + 1, sizeof *live, _Alignof(live_entry));
    if (status == KVCORE_OK && live == NULL)
        status = kvcore_fail(error, &(kvcore_error){.code = KVCORE_ENOMEM, .index = KVCORE_NO_INDEX}, "no memory");
    if (status == KVCORE_OK) status = collect(reader, live, &count, error);
    if (status == KVCORE_OK) status = write_copy(reader, live, count, to, &memory, error);
    if (status == KVCORE_OK && (status = measure(to, reader, count, &memory, done, error)) != KVCORE_OK) unlink(to);
    kvcore_free(&memory, live, entries + 1, sizeof *live, _Alignof(live_entry));
    kvformat_kvs1_close(reader);
    return status;
}
