#include "metadata/metadata.h"

#include <stdlib.h>

#include "config.h"
#include "table/mix.h"

static uint64_t hash_of(mix_key key, const void *slot) { return mix32(key, slot); }

kvcore_block_meta kvradix__metadata_of(const metadata_record *of) {
    return (kvcore_block_meta){
        .parent_hash = of->parent_hash,
        .payload_bytes = of->payload_bytes,
        .last_access_ns = atomic_load_explicit(&of->last_access_ns, memory_order_acquire),
        .model_digest = of->model_digest,
        .layout_tag = of->layout_tag,
        .block_seq = of->block_seq,
        .ext_flags = of->ext_flags,
    };
}

static void fill(metadata_record *record, const kvradix_block *block, uint64_t last_access_ns) {
    record->hash = block->hash;
    record->parent_hash = block->meta.parent_hash;
    record->payload_bytes = block->meta.payload_bytes;
    atomic_store_explicit(&record->last_access_ns, last_access_ns, memory_order_relaxed);
    record->model_digest = block->meta.model_digest;
    record->layout_tag = block->meta.layout_tag;
    record->block_seq = block->meta.block_seq;
    record->ext_flags = block->meta.ext_flags;
}

/* ---- life ---- */

kvcore_status kvradix_metadata_create(const kvradix_config *given, kvradix_metadata **index, kvcore_error *error) {
    kvradix_config config;
    kvcore_status status = kvradix__config_read(given, &config, error);
    if (status != KVCORE_OK) return status;
    if (index == NULL)
        return kvcore_fail(error, &(kvcore_error){.code = KVCORE_EINVAL, .index = KVCORE_NO_INDEX}, "index is NULL");
    kvradix_metadata *made = kvcore_alloc(&config.allocator, 1, sizeof *made, _Alignof(kvradix_metadata));
    if (made == NULL) return KVCORE_ENOMEM;
    status = kvradix__table_init(&made->table, &config, sizeof(metadata_record), hash_of);
    if (status == KVCORE_OK && pthread_mutex_init(&made->writers, NULL) != 0) {
        kvradix__table_destroy(&made->table);
        status = KVCORE_ENOMEM;
    }
    if (status != KVCORE_OK) {
        kvcore_free(&config.allocator, made, 1, sizeof *made, _Alignof(kvradix_metadata));
        return status;
    }
    *index = made;
    return KVCORE_OK;
}

void kvradix_metadata_destroy(kvradix_metadata *index) {
    if (index == NULL) return;
    kvcore_allocator allocator = index->table.allocator;
    kvradix__table_destroy(&index->table);
    pthread_mutex_destroy(&index->writers);
    kvcore_free(&allocator, index, 1, sizeof *index, _Alignof(kvradix_metadata));
}

/* ---- writers ---- */

static uint32_t find(const table *t, const kvcore_hash256 *hash) {
    return table_find(t, table_rows_now(t), mix32(t->key, hash->bytes), same32, hash);
}

/* Publish a block, in the place of the one with its hash if there is one. */
static void put(table *t, const kvradix_block *block, uint64_t last_access_ns, uint32_t known) {
    uint32_t slot = kvradix__table_take(t);
    fill(table_slot(t, slot), block, last_access_ns);
    uint64_t hash = mix32(t->key, block->hash.bytes);
    if (known == TABLE_NONE)
        kvradix__table_publish(t, hash, slot);
    else
        kvradix__table_replace(t, hash, known, slot);
}

static size_t count_unknown(const table *t, const kvradix_block *blocks, size_t count) {
    size_t unknown = 0;
    for (size_t i = 0; i < count; i++) unknown += find(t, &blocks[i].hash) == TABLE_NONE;
    return unknown;
}

kvcore_status kvradix_metadata_store(kvradix_metadata *index, const kvradix_block *blocks, size_t count,
                                     uint64_t now_ns) {
    if (index == NULL || (blocks == NULL && count > 0)) return KVCORE_EINVAL;
    table *t = &index->table;
    pthread_mutex_lock(&index->writers);
    kvcore_status status = kvradix__table_reserve(t, count_unknown(t, blocks, count), count);
    for (size_t i = 0; status == KVCORE_OK && i < count; i++) put(t, &blocks[i], now_ns, find(t, &blocks[i].hash));
    kvradix__table_settle(t);
    pthread_mutex_unlock(&index->writers);
    return status;
}

kvcore_status kvradix_metadata_load(kvradix_metadata *index, const kvradix_block *blocks, size_t count, size_t *added) {
    if (index == NULL || (blocks == NULL && count > 0)) return KVCORE_EINVAL;
    table *t = &index->table;
    pthread_mutex_lock(&index->writers);
    size_t before = table_count(t), unknown = count_unknown(t, blocks, count);
    kvcore_status status = kvradix__table_reserve(t, unknown, unknown);
    for (size_t i = 0; status == KVCORE_OK && i < count; i++)
        if (find(t, &blocks[i].hash) == TABLE_NONE) put(t, &blocks[i], blocks[i].meta.last_access_ns, TABLE_NONE);
    size_t after = table_count(t);
    pthread_mutex_unlock(&index->writers);
    if (status == KVCORE_OK && added != NULL) *added = after - before;
    return status;
}

bool kvradix_metadata_touch(kvradix_metadata *index, const kvcore_hash256 *hash, uint64_t now_ns,
                            kvcore_block_meta *meta) {
    if (index == NULL || hash == NULL) return false;
    table *t = &index->table;
    pthread_mutex_lock(&index->writers);
    uint32_t slot = find(t, hash);
    if (slot != TABLE_NONE) {
        metadata_record *record = table_slot(t, slot);
        atomic_store_explicit(&record->last_access_ns, now_ns, memory_order_release);
        if (meta != NULL) *meta = kvradix__metadata_of(record);
    }
    pthread_mutex_unlock(&index->writers);
    return slot != TABLE_NONE;
}

kvcore_status kvradix_metadata_remove(kvradix_metadata *index, const kvcore_hash256 *hashes, size_t count,
                                      size_t *removed) {
    if (index == NULL || (hashes == NULL && count > 0)) return KVCORE_EINVAL;
    table *t = &index->table;
    size_t known = 0;
    pthread_mutex_lock(&index->writers);
    for (size_t i = 0; i < count; i++) {
        uint32_t slot = find(t, &hashes[i]);
        if (slot == TABLE_NONE) continue;
        kvradix__table_remove(t, mix32(t->key, hashes[i].bytes), slot);
        known++;
    }
    kvradix__table_settle(t);
    pthread_mutex_unlock(&index->writers);
    if (removed != NULL) *removed = known;
    return KVCORE_OK;
}

bool kvradix_metadata_remove_unchanged(kvradix_metadata *index, const kvcore_hash256 *hash, uint64_t last_access_ns) {
    if (index == NULL || hash == NULL) return false;
    table *t = &index->table;
    pthread_mutex_lock(&index->writers);
    uint32_t slot = find(t, hash);
    bool unchanged =
        slot != TABLE_NONE &&
        kvradix__metadata_of((const metadata_record *)table_slot(t, slot)).last_access_ns == last_access_ns;
    if (unchanged) kvradix__table_remove(t, mix32(t->key, hash->bytes), slot);
    kvradix__table_settle(t);
    pthread_mutex_unlock(&index->writers);
    return unchanged;
}

/* ---- readers ---- */

bool kvradix_metadata_find(const kvradix_metadata *index, const kvcore_hash256 *hash, kvcore_block_meta *meta) {
    if (index == NULL || hash == NULL) return false;
    const table *t = &index->table;
    epoch_ticket inside = epoch_enter(&t->epochs);
    uint32_t slot = find(t, hash);
    if (slot != TABLE_NONE && meta != NULL) *meta = kvradix__metadata_of(table_slot(t, slot));
    epoch_leave(inside);
    return slot != TABLE_NONE;
}

size_t kvradix_metadata_match(const kvradix_metadata *index, const kvcore_hash256 *hashes, size_t count) {
    if (index == NULL || hashes == NULL) return 0;
    const table *t = &index->table;
    size_t matched = 0;
    epoch_ticket inside = epoch_enter(&t->epochs);
    const table_rows *rows = table_rows_now(t);
    bool known = true;
    for (size_t start = 0; known && start < count; start += TABLE_AHEAD) {
        size_t length = count - start < TABLE_AHEAD ? count - start : TABLE_AHEAD;
        uint64_t mixed[TABLE_AHEAD];
        uint32_t guesses[TABLE_AHEAD];
        for (size_t i = 0; i < length; i++) table_prefetch(rows, mixed[i] = mix32(t->key, hashes[start + i].bytes));
        for (size_t i = 0; i < length; i++) guesses[i] = table_guess(t, rows, mixed[i]);
        for (size_t i = 0; known && i < length; i++) {
            known = table_find_guessed(t, rows, mixed[i], guesses[i], same32, &hashes[start + i]) != TABLE_NONE;
            matched += known;
        }
    }
    epoch_leave(inside);
    return matched;
}

size_t kvradix_metadata_count(const kvradix_metadata *index) { return index != NULL ? table_count(&index->table) : 0; }

size_t kvradix_metadata_memory_bytes(const kvradix_metadata *index) {
    if (index == NULL) return 0;
    pthread_mutex_t *writers = metadata_lock(index);
    size_t bytes = sizeof *index + kvradix__table_memory_bytes(&index->table);
    pthread_mutex_unlock(writers);
    return bytes;
}

/* ---- all of it ---- */

static int by_hash(const void *a, const void *b) {
    return kvcore_hash256_compare(&((const kvradix_block *)a)->hash, &((const kvradix_block *)b)->hash);
}

kvcore_status kvradix_metadata_entries(const kvradix_metadata *index, kvradix_block *blocks, size_t capacity,
                                       size_t *count) {
    if (index == NULL || count == NULL || (blocks == NULL && capacity > 0)) return KVCORE_EINVAL;
    const table *t = &index->table;
    pthread_mutex_t *writers = metadata_lock(index);
    *count = table_count(t);
    bool fits = *count <= capacity;
    size_t cursor = 0;
    for (size_t i = 0; fits && i < *count; i++) {
        const metadata_record *record = table_slot(t, kvradix__table_next(t, &cursor));
        blocks[i] = (kvradix_block){record->hash, kvradix__metadata_of(record)};
    }
    pthread_mutex_unlock(writers);
    if (!fits) return KVCORE_EBUFFER;
    if (*count > 0) qsort(blocks, *count, sizeof *blocks, by_hash);
    return KVCORE_OK;
}
