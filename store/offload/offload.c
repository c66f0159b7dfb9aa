#include <kvstore_offload/offload.h>

#include <string.h>

#include <kvcore/config.h>

struct kvstore_offload {
    kvcore_allocator allocator;
    kvstore_offload_config config;
    kvstore_offload_counts counts;
    kvhash_plh *names; /* batch_blocks of each of these */
    kvlogical_mutable *blocks;
    kvstore_span *spans;
    kvstore_result *results;
};

kvstore_offload_config kvstore_offload_config_init(void) { return (kvstore_offload_config)KVSTORE_OFFLOAD_CONFIG_INIT; }

static kvcore_status refuse(kvcore_error *error, kvcore_status status, const char *why) {
    kvcore_fail(error, &(kvcore_error){.code = status, .index = KVCORE_NO_INDEX}, "%s", why);
    return status;
}

void kvstore_offload_destroy(kvstore_offload *offload) {
    if (offload == NULL) return;
    kvcore_allocator from = offload->allocator;
    size_t count = offload->config.batch_blocks, spans = count * offload->config.spans_per_block;
    kvcore_free(&from, offload->names, count, sizeof *offload->names, _Alignof(kvhash_plh));
    kvcore_free(&from, offload->blocks, count, sizeof *offload->blocks, _Alignof(kvlogical_mutable));
    kvcore_free(&from, offload->results, count, sizeof *offload->results, _Alignof(kvstore_result));
    kvcore_free(&from, offload->spans, spans, sizeof *offload->spans, _Alignof(kvstore_span));
    kvcore_free(&from, offload, 1, sizeof *offload, _Alignof(kvstore_offload));
}

kvcore_status kvstore_offload_create(const kvstore_offload_config *given, kvstore_offload **offload,
                                     kvcore_error *error) {
    kvstore_offload_config config;
    if (offload == NULL) return refuse(error, KVCORE_EINVAL, "offload is NULL");
    kvcore_status status = kvcore_config_read(&config, sizeof config, given, error);
    if (status != KVCORE_OK) return status;
    if (config.manager == NULL || config.space == NULL || config.memory == NULL)
        return refuse(error, KVCORE_EINVAL, "manager, space or memory is NULL");
    if (config.spans_per_block == 0) config.spans_per_block = 1;
    if (config.batch_blocks == 0) config.batch_blocks = 64;
    if (config.put_deadline_ms == 0) config.put_deadline_ms = 200;
    if (config.get_deadline_ms == 0) config.get_deadline_ms = 2000;
    if (config.batch_blocks > 65536 || config.spans_per_block > 65536)
        return refuse(error, KVCORE_ECONFIG, "batch_blocks or spans_per_block: more than 65,536");
    kvcore_allocator from = config.allocator == NULL ? kvcore_allocator_libc() : *config.allocator;
    kvstore_offload *made = kvcore_alloc(&from, 1, sizeof *made, _Alignof(kvstore_offload));
    if (made == NULL) return refuse(error, KVCORE_ENOMEM, "no memory for an offload");
    size_t count = config.batch_blocks, spans = count * config.spans_per_block;
    *made = (kvstore_offload){.allocator = from, .config = config};
    made->names = kvcore_alloc(&from, count, sizeof *made->names, _Alignof(kvhash_plh));
    made->blocks = kvcore_alloc(&from, count, sizeof *made->blocks, _Alignof(kvlogical_mutable));
    made->results = kvcore_alloc(&from, count, sizeof *made->results, _Alignof(kvstore_result));
    made->spans = kvcore_alloc(&from, spans, sizeof *made->spans, _Alignof(kvstore_span));
    if (made->names == NULL || made->blocks == NULL || made->results == NULL || made->spans == NULL) {
        kvstore_offload_destroy(made);
        return refuse(error, KVCORE_ENOMEM, "no memory for an offload");
    }
    *offload = made;
    return KVCORE_OK;
}

/* ---- moving ---- */

static kvstore_batch batch_of(kvstore_offload *offload, const kvhash_plh *names, size_t count) {
    kvstore_batch batch = KVSTORE_BATCH_INIT;
    batch.names = names;
    batch.count = count;
    batch.spans = offload->spans;
    batch.spans_per_block = offload->config.spans_per_block;
    batch.results = offload->results;
    return batch;
}

static void find_memory(kvstore_offload *offload, size_t index, uint32_t block) {
    const kvstore_offload_config *config = &offload->config;
    config->memory(config->ctx, block, offload->spans + index * config->spans_per_block);
}

/* names[0 … count) lie in offload->spans. How many are in the store afterwards. */
static size_t put(kvstore_offload *offload, const kvhash_plh *names, size_t count) {
    kvstore_batch batch = batch_of(offload, names, count);
    size_t good = 0;
    batch.deadline_ms = offload->config.put_deadline_ms;
    return kvstore_put(offload->config.space, &batch, &good, NULL) == KVCORE_OK ? good : 0;
}

/* At most a batch of blocks, and their victims to the store before anybody writes them. */
static kvcore_status allocate_some(kvstore_offload *offload, size_t count, kvlogical_mutable *blocks) {
    kvlogical_evicted evicted = {.names = offload->names};
    kvcore_status status = kvlogical_allocate(offload->config.manager, count, blocks, &evicted);
    if (status != KVCORE_OK || evicted.count == 0) return status;
    for (size_t i = 0; i < evicted.count; i++) find_memory(offload, i, blocks[count - evicted.count + i].block);
    size_t stored = put(offload, offload->names, evicted.count);
    offload->counts.offered += evicted.count;
    offload->counts.stored += stored;
    offload->counts.lost += evicted.count - stored;
    return KVCORE_OK;
}

kvcore_status kvstore_offload_allocate(kvstore_offload *offload, size_t count, kvlogical_mutable *blocks) {
    if (offload == NULL || (blocks == NULL && count > 0)) return KVCORE_EINVAL;
    if (kvlogical_manager_counts(offload->config.manager).available < count) return KVCORE_ENOSPACE;
    for (size_t done = 0, part; done < count; done += part) {
        part = count - done < offload->config.batch_blocks ? count - done : offload->config.batch_blocks;
        kvcore_status status = allocate_some(offload, part, blocks + done);
        if (status == KVCORE_OK) continue;
        kvlogical_release_mutable(offload->config.manager, blocks, done); /* another thread was faster */
        return status;
    }
    return KVCORE_OK;
}

/* ---- loading ---- */

/* How many of the names the store seems to have: the catalog, and the backend where that does not know all. */
static size_t expect(kvstore_offload *offload, const kvhash_plh *names, size_t count) {
    bool complete = false;
    size_t known = kvstore_lookup_prefix(offload->config.space, names, count, &complete), present = 0;
    if (known == count || complete) return known;
    if (kvstore_probe(offload->config.space, names + known, count - known, &present, NULL) != KVCORE_OK) present = 0;
    return known + present;
}

/* Fetch into fresh blocks and register those that came. */
static size_t load_some(kvstore_offload *offload, const kvhash_plh *names, size_t count, kvlogical_immutable *held) {
    kvlogical_manager *manager = offload->config.manager;
    size_t available = kvlogical_manager_counts(manager).available, hits = 0;
    if (count > available) count = available;
    if (count == 0 || allocate_some(offload, count, offload->blocks) != KVCORE_OK) return 0;
    for (size_t i = 0; i < count; i++) find_memory(offload, i, offload->blocks[i].block);
    kvstore_batch batch = batch_of(offload, names, count);
    batch.deadline_ms = offload->config.get_deadline_ms;
    if (kvstore_get(offload->config.space, &batch, &hits, NULL) != KVCORE_OK) hits = 0;
    kvlogical_complete *staged = (kvlogical_complete *)(void *)offload->blocks;
    bool kept = hits == 0 || (kvlogical_stage(manager, offload->blocks, names, hits, staged) == KVCORE_OK &&
                              kvlogical_register(manager, staged, hits, held) == KVCORE_OK);
    if (count > hits) kvlogical_release_mutable(manager, offload->blocks + hits, count - hits);
    offload->counts.loaded += kept ? hits : 0;
    return kept ? hits : 0;
}

kvcore_status kvstore_offload_match(kvstore_offload *offload, const kvhash_plh *names, size_t count,
                                    kvlogical_immutable *held, size_t *hits, size_t *loaded) {
    if (offload == NULL || hits == NULL) return KVCORE_EINVAL;
    kvcore_status status = kvlogical_match_prefix(offload->config.manager, names, count, held, hits);
    size_t here = status == KVCORE_OK ? *hits : 0, wanted = 0;
    if (loaded != NULL) *loaded = 0;
    if (status != KVCORE_OK || here == count) return status;
    wanted = expect(offload, names + here, count - here);
    while (*hits < here + wanted) {
        size_t part = here + wanted - *hits;
        if (part > offload->config.batch_blocks) part = offload->config.batch_blocks;
        size_t got = load_some(offload, names + *hits, part, held + *hits);
        *hits += got;
        if (got < part) break;
    }
    if (loaded != NULL) *loaded = *hits - here;
    return KVCORE_OK;
}

kvcore_status kvstore_offload_save(kvstore_offload *offload, const kvlogical_immutable *held, size_t count,
                                   size_t *stored) {
    size_t good = 0;
    if (offload == NULL || (held == NULL && count > 0)) return KVCORE_EINVAL;
    for (size_t done = 0, part; done < count; done += part) {
        part = count - done < offload->config.batch_blocks ? count - done : offload->config.batch_blocks;
        for (size_t i = 0; i < part; i++) {
            kvcore_status status = kvlogical_name(offload->config.manager, &held[done + i], &offload->names[i]);
            if (status != KVCORE_OK) return status;
            find_memory(offload, i, held[done + i].block);
        }
        good += put(offload, offload->names, part);
    }
    if (stored != NULL) *stored = good;
    return KVCORE_OK;
}

kvstore_offload_counts kvstore_offload_count(const kvstore_offload *offload) {
    return offload == NULL ? (kvstore_offload_counts){0, 0, 0, 0} : offload->counts;
}
