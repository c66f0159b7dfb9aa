#include "world.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static void *grow(void *old, size_t count, size_t size) {
    size_t bytes;
    void *memory = __builtin_mul_overflow(count == 0 ? 1 : count, size, &bytes) ? NULL : realloc(old, bytes);
    if (memory != NULL) return memory;
    fprintf(stderr, "out of memory\n");
    exit(2);
}

/* ---- the header ---- */

void world_read_names(kvtest_vector *v, world *w) {
    json_object *hashes = kvtest_array(v, v->line, "hashes");
    w->name_count = json_object_array_length(hashes);
    w->names = grow(NULL, w->name_count, sizeof *w->names);
    for (size_t i = 0; i < w->name_count; i++) {
        kvcore_bytes bytes = kvtest_hex_of(v, json_object_array_get_idx(hashes, i), "hashes");
        w->names[i] = (kvhash_plh){0, 0};
        if (bytes.size_bytes != KVHASH_PLH_BYTES || kvhash_plh_decode(bytes.data, &w->names[i]) != KVCORE_OK)
            kvtest_differ(v, "hashes[%zu] is not a name", i);
    }
}

static const struct backend {
    const char *name;
    uint32_t eviction;
} backends[] = {
    {"default", KVLOGICAL_EVICT_DEFAULT},
    {"lru", KVLOGICAL_EVICT_LRU},
    {"multi_lru", KVLOGICAL_EVICT_MULTI_LRU},
    {"multi_lru_custom", KVLOGICAL_EVICT_MULTI_LRU},
    {"hashmap", KVLOGICAL_EVICT_FIFO},
    {"lineage_tick", KVLOGICAL_EVICT_LINEAGE_TICK},
    {"lineage_fifo", KVLOGICAL_EVICT_LINEAGE_FIFO},
};

/* G1 is 1; of any other label, its first characters. */
static uint64_t read_tier(const char *label) {
    uint64_t tier = 0;
    if (*label == 'G') return strtoull(label + 1, NULL, 10);
    for (size_t i = 0; i < sizeof tier && label[i] != '\0'; i++) tier = tier << 8 | (unsigned char)label[i];
    return tier;
}

static kvlogical_config read_config(kvtest_vector *v, json_object *from, kvlogical_registry *registry) {
    kvlogical_config config = KVLOGICAL_CONFIG_INIT;
    const char *backend = kvtest_string(v, from, "backend"), *policy = kvtest_string(v, from, "duplication_policy");
    size_t i = 0, count;
    while (i < COUNT(backends) && strcmp(backends[i].name, backend) != 0) i++;
    if (i == COUNT(backends))
        kvtest_differ(v, "backend \"%s\" is not known", backend);
    else
        config.eviction = backends[i].eviction;
    config.block_count = kvtest_u64(v, from, "block_count");
    config.block_tokens = (uint32_t)kvtest_u64(v, from, "block_size");
    config.duplicates = strcmp(policy, "reject") == 0 ? KVLOGICAL_DUPLICATES_REJECT : KVLOGICAL_DUPLICATES_ALLOW;
    if (!kvtest_is_null(from, "default_reset_on_release"))
        config.reset_on_release = kvtest_bool(v, from, "default_reset_on_release");
    if (config.eviction == KVLOGICAL_EVICT_MULTI_LRU && !kvtest_is_null(from, "frequency_thresholds")) {
        const uint32_t *thresholds = kvtest_tokens(v, from, "frequency_thresholds", &count);
        for (i = 0; i < count && i < 3; i++) config.frequency_thresholds[i] = thresholds[i];
    }
    config.tier = read_tier(kvtest_string(v, from, "tier"));
    config.registry = registry;
    return config;
}

static kvlogical_registry *make_registry(kvtest_vector *v, kvlogical_frequency **sketch) {
    kvlogical_registry_config config = KVLOGICAL_REGISTRY_CONFIG_INIT;
    kvlogical_registry *registry = NULL;
    if (!kvtest_is_null(v->line, "frequency_tracker_capacity")) {
        config.frequency_capacity = kvtest_u64(v, v->line, "frequency_tracker_capacity");
        if (config.frequency_capacity == 0 &&
            world_ok(v, "kvlogical_frequency_create", kvlogical_frequency_create(0, 0, NULL, sketch)))
            config.tracker = kvlogical_frequency_tracker(*sketch);
    }
    world_ok(v, "kvlogical_registry_create", kvlogical_registry_create(&config, &registry, NULL));
    return registry;
}

void world_begin(kvtest_vector *v, world *w) {
    world_read_names(v, w);
    json_object *managers = kvtest_array(v, v->line, "managers");
    size_t count = json_object_array_length(managers);
    bool shared = kvtest_is_null(v->line, "registries");
    if (count == 0 || count > WORLD_MANAGERS) kvtest_differ(v, "%zu managers", count);
    for (size_t i = 0; i < count && !v->failed; i++) {
        world_pool *pool = &w->pools[w->pool_count++];
        pool->registry = shared && i > 0 ? w->pools[0].registry : make_registry(v, &w->sketches[i]);
        kvlogical_config config = read_config(v, json_object_array_get_idx(managers, i), pool->registry);
        kvcore_error error;
        pool->tier = config.tier;
        if (kvlogical_manager_create(&config, &pool->manager, &error) != KVCORE_OK)
            kvtest_differ(v, "manager %zu: %s", i, error.text);
        pool->drained = grow(NULL, config.block_count, sizeof *pool->drained);
    }
}

void world_end(world *w) {
    kvtest_vector nobody = {0}; /* there is no line any more to blame */
    for (size_t i = 0; i < w->guard_count; i++) world_release(&nobody, w, &w->guards[i]);
    for (size_t i = 0; i < w->pool_count; i++) {
        kvlogical_release_mutable(w->pools[i].manager, w->pools[i].drained, w->pools[i].drained_count);
        kvlogical_manager_destroy(w->pools[i].manager);
        free(w->pools[i].drained);
    }
    for (size_t i = 0; i < w->pool_count; i++)
        if (i == 0 || w->pools[i].registry != w->pools[0].registry) kvlogical_registry_destroy(w->pools[i].registry);
    for (size_t i = 0; i < w->pool_count; i++) kvlogical_frequency_destroy(w->sketches[i]);
    free(w->guards);
    free(w->names);
}

/* ---- looking up ---- */

bool world_run(kvtest_vector *v, world *w, const world_op *ops, size_t count) {
    const char *name = kvtest_string(v, v->line, "op");
    for (size_t i = 0; i < count; i++)
        if (strcmp(ops[i].name, name) == 0) {
            ops[i].run(v, w);
            return true;
        }
    return false;
}

world_pool *world_pool_at(kvtest_vector *v, world *w, uint64_t index) {
    if (index < w->pool_count) return &w->pools[index];
    kvtest_differ(v, "there is no manager %" PRIu64, index);
    return NULL;
}

world_pool *world_pool_of_line(kvtest_vector *v, world *w) { return world_pool_at(v, w, kvtest_u64(v, v->line, "m")); }

static kvhash_plh name_at(kvtest_vector *v, world *w, uint64_t index) {
    if (index < w->name_count) return w->names[index];
    kvtest_differ(v, "there is no hash %" PRIu64, index);
    return (kvhash_plh){0, 0};
}

const kvhash_plh *world_names(kvtest_vector *v, world *w, json_object *object, const char *key, size_t *count) {
    const uint32_t *indices = kvtest_tokens(v, object, key, count);
    kvhash_plh *names = kvtest_line_alloc(v, *count * sizeof *names);
    for (size_t i = 0; i < *count; i++) names[i] = name_at(v, w, indices[i]);
    return names;
}

const kvhash_plh *world_name(kvtest_vector *v, world *w, json_object *object, const char *key) {
    kvhash_plh *name = kvtest_line_alloc(v, sizeof *name);
    *name = name_at(v, w, kvtest_u64(v, object, key));
    return name;
}

world_guard *world_guard_at(kvtest_vector *v, world *w, uint64_t number, world_kind kind) {
    if (number >= 1 && number <= w->guard_count) {
        world_guard *guard = &w->guards[number - 1];
        if (guard->kind == kind) return guard;
    }
    kvtest_differ(v, "handle %" PRIu64 " is not of the kind that the op needs", number);
    return NULL;
}

world_guard *world_guard_of_line(kvtest_vector *v, world *w, world_kind kind) {
    return world_guard_at(v, w, kvtest_u64(v, v->line, "h"), kind);
}

/* ---- adding and releasing ---- */

void world_add(kvtest_vector *v, world *w, world_guard guard, json_object *expected_number) {
    if (w->guard_count == w->guard_capacity) {
        w->guard_capacity = w->guard_capacity == 0 ? 1024 : 2 * w->guard_capacity;
        w->guards = grow(w->guards, w->guard_capacity, sizeof *w->guards);
    }
    w->guards[w->guard_count++] = guard;
    if (!json_object_is_type(expected_number, json_type_int))
        kvtest_differ(v, "got a guard (handle %zu), expected none", w->guard_count);
    else
        kvtest_expect_u64(v, "handle", w->guard_count, kvtest_u64_of(v, expected_number, "h"));
}

void world_add_held(kvtest_vector *v, world *w, world_pool *pool, const kvlogical_immutable *held, size_t count,
                    json_object *numbers, json_object *blocks) {
    kvtest_expect_u64(v, "number of handles", count, json_object_array_length(numbers));
    kvtest_expect_u64(v, "number of blocks", count, json_object_array_length(blocks));
    for (size_t i = 0; i < count; i++) {
        json_object *number = json_object_array_get_idx(numbers, i), *block = json_object_array_get_idx(blocks, i);
        if (held[i].manager == 0) {
            if (number != NULL || block != NULL) kvtest_differ(v, "[%zu]: got a miss, expected a block", i);
            continue;
        }
        char what[40];
        snprintf(what, sizeof what, "block [%zu]", i);
        world_guard guard = {WORLD_IMMUTABLE, (size_t)(pool - w->pools), {.immutable = held[i]}};
        world_add(v, w, guard, number);
        kvtest_expect_u64(v, what, held[i].block, kvtest_u64_of(v, block, what));
    }
}

void world_release(kvtest_vector *v, world *w, world_guard *guard) {
    kvlogical_manager *manager = w->pools[guard->manager].manager;
    kvcore_status status = KVCORE_OK;
    switch (guard->kind) {
    case WORLD_NOTHING: break;
    case WORLD_MUTABLE: status = kvlogical_release_mutable(manager, &guard->mutable_block, 1); break;
    case WORLD_COMPLETE: status = kvlogical_release_complete(manager, &guard->complete, 1); break;
    case WORLD_IMMUTABLE: status = kvlogical_release(manager, &guard->immutable, 1); break;
    case WORLD_WEAK: status = kvlogical_release_weak(manager, &guard->weak, 1); break;
    case WORLD_PIN: status = kvlogical_release_pins(manager, &guard->pin, 1); break;
    case WORLD_REGISTRATION:
        status = kvlogical_handle_release(w->pools[guard->manager].registry, &guard->registration, 1);
        break;
    }
    kvtest_expect_status(v, "release", status, KVCORE_OK);
    guard->kind = WORLD_NOTHING;
}

/* ---- expectations ---- */

bool world_ok(kvtest_vector *v, const char *call, kvcore_status status) {
    kvtest_expect_status(v, call, status, KVCORE_OK);
    return status == KVCORE_OK;
}

void world_expect_refusal(kvtest_vector *v, kvcore_status status, const kvcore_error *error, json_object *expected) {
    json_object *details = kvtest_field(v, expected, "err");
    const char *variant = kvtest_string(v, details, "variant");
    kvcore_status code = strcmp(variant, "BlockSizeMismatch") == 0    ? KVLOGICAL_EBLOCK_SIZE
                         : strcmp(variant, "BlockCountMismatch") == 0 ? KVCORE_EBUSY
                                                                      : KVCORE_OK;
    if (code == KVCORE_OK) kvtest_differ(v, "error variant \"%s\" is not known", variant);
    kvtest_expect_status(v, variant, status, code);
    kvtest_expect_status(v, "error.code", error->code, code);
    kvtest_expect_u64(v, "error.expected", error->expected, kvtest_u64(v, details, "expected"));
    kvtest_expect_u64(v, "error.actual", error->actual, kvtest_u64(v, details, "actual"));
}

void world_expect_state(kvtest_vector *v, world *w) {
    if (v->failed) return; /* the pools may lack what the op should have done */
    json_object *available = kvtest_array(v, v->line, "a"), *registered = kvtest_field(v, v->line, "n");
    kvtest_expect_u64(v, "managers", w->pool_count, json_object_array_length(available));
    for (size_t i = 0; i < w->pool_count; i++) {
        char what[60];
        snprintf(what, sizeof what, "available blocks of manager %zu", i);
        kvtest_expect_u64(v, what, kvlogical_manager_counts(w->pools[i].manager).available,
                          kvtest_u64_of(v, json_object_array_get_idx(available, i), "a"));
        bool each = json_object_is_type(registered, json_type_array);
        if (each) snprintf(what, sizeof what, "names registered with manager %zu", i);
        if (each || i == 0)
            kvtest_expect_u64(v, each ? what : "names registered", kvlogical_registry_count(w->pools[i].registry),
                              kvtest_u64_of(v, each ? json_object_array_get_idx(registered, i) : registered, "n"));
    }
}

void world_expect_metrics(kvtest_vector *v, kvlogical_metrics actual, json_object *expected) {
    const struct {
        const char *name;
        int64_t value;
    } values[] = {
        {"allocations", (int64_t)actual.allocations},
        {"allocations_from_reset", (int64_t)actual.allocations_from_reset},
        {"evictions", (int64_t)actual.evictions},
        {"registrations", (int64_t)actual.registrations},
        {"duplicate_blocks", (int64_t)actual.duplicate_blocks},
        {"registration_dedup", (int64_t)actual.registration_dedup},
        {"stagings", (int64_t)actual.stagings},
        {"match_hashes_requested", (int64_t)actual.match_hashes_requested},
        {"match_blocks_returned", (int64_t)actual.match_blocks_returned},
        {"scan_hashes_requested", (int64_t)actual.scan_hashes_requested},
        {"scan_blocks_returned", (int64_t)actual.scan_blocks_returned},
        {"eager_primary_to_inactive_total", 0},
        {"allocate_atomic_rollback_total", 0},
        {"release_primary_noop_total", 0},
        {"release_duplicate_noop_total", 0},
        {"inflight_mutable", actual.inflight_mutable},
        {"inflight_immutable", actual.inflight_immutable},
        {"reset_pool_size", actual.reset_pool_size},
        {"inactive_pool_size", actual.inactive_pool_size},
    };
    for (size_t i = 0; i < COUNT(values); i++) {
        json_object *value = kvtest_field(v, expected, values[i].name);
        if (json_object_get_int64(value) != values[i].value)
            kvtest_differ(v, "%s: got %" PRId64 ", expected %" PRId64, values[i].name, values[i].value,
                          json_object_get_int64(value));
    }
}
