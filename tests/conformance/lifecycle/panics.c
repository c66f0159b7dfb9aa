/* panics: states on which the original panics and loses a block. We simply work, as its other backends do. */
#include <stdio.h>
#include <string.h>

#include "checks.h"

#define STEPS "register a and b (2 of 4 blocks), drop a, drop b"
#define BLOCKS 4

static const struct backend {
    const char *name;
    uint32_t eviction;
} backends[] = {
    {"default", KVLOGICAL_EVICT_DEFAULT},           {"lineage_tick", KVLOGICAL_EVICT_LINEAGE_TICK},
    {"lineage_fifo", KVLOGICAL_EVICT_LINEAGE_FIFO}, {"lru", KVLOGICAL_EVICT_LRU},
    {"multi_lru", KVLOGICAL_EVICT_MULTI_LRU},       {"hashmap", KVLOGICAL_EVICT_FIFO},
};

/* "what it is about / backend" */
static kvlogical_manager *make(kvtest_vector *v) {
    kvlogical_config config = KVLOGICAL_CONFIG_INIT;
    kvlogical_manager *manager = NULL;
    const char *name = kvtest_string(v, v->line, "name"), *slash = strrchr(name, '/');
    size_t i = 0, count = sizeof backends / sizeof *backends;
    const char *backend = slash == NULL ? name : slash + 1 + strspn(slash + 1, " ");
    while (i < count && strcmp(backends[i].name, backend) != 0) i++;
    if (i == count) {
        kvtest_differ(v, "backend \"%s\" is not known", backend);
        return NULL;
    }
    config.block_count = BLOCKS;
    config.eviction = backends[i].eviction;
    if (!world_ok(v, "kvlogical_manager_create", kvlogical_manager_create(&config, &manager, NULL))) return NULL;
    return manager;
}

static void register_both(kvtest_vector *v, kvlogical_manager *manager, const kvhash_plh *names,
                          kvlogical_immutable *held) {
    kvlogical_mutable blocks[2];
    kvlogical_complete staged[2];
    for (int i = 0; i < 2 && !v->failed; i++) {
        if (world_ok(v, "kvlogical_allocate", kvlogical_allocate(manager, 1, &blocks[i], NULL)) &&
            world_ok(v, "kvlogical_stage", kvlogical_stage(manager, &blocks[i], &names[i], 1, &staged[i])))
            world_ok(v, "kvlogical_register", kvlogical_register(manager, &staged[i], 1, &held[i]));
    }
}

/* Where the original panicked, its counts lack the block that it lost. */
static void expect_counts(kvtest_vector *v, kvlogical_manager *manager, size_t lost) {
    kvcore_error error = {0};
    kvlogical_metrics metrics = kvlogical_manager_metrics(manager);
    metrics.inactive_pool_size -= (int64_t)lost;
    world_expect_metrics(v, metrics, kvtest_field(v, v->line, "metrics"));
    kvtest_expect_u64(v, "available", kvlogical_manager_counts(manager).available,
                      kvtest_u64(v, v->line, "available_after") + lost);
    if (kvlogical_manager_validate(manager, &error) != KVCORE_OK) kvtest_differ(v, "not sound: %s", error.text);
}

static void expect_match(kvtest_vector *v, kvlogical_manager *manager, const kvhash_plh *name) {
    json_object *then = kvtest_field(v, v->line, "then_match_b");
    uint64_t expected = kvtest_has(then, "panic") ? 1 : kvtest_u64(v, then, "matched");
    kvlogical_immutable held;
    size_t hits;
    if (!world_ok(v, "kvlogical_match_prefix", kvlogical_match_prefix(manager, name, 1, &held, &hits))) return;
    kvtest_expect_u64(v, "matched", hits, expected);
    kvhash_plh found = {0, 0};
    if (hits == 1 && world_ok(v, "kvlogical_name", kvlogical_name(manager, &held, &found)))
        kvtest_expect_true(v, "the match has the name asked for", kvhash_plh_equal(found, *name));
    world_ok(v, "kvlogical_release", kvlogical_release(manager, &held, hits));
}

/* Both blocks can still be evicted: none is lost. */
static void expect_all_evictable(kvtest_vector *v, kvlogical_manager *manager) {
    kvlogical_mutable all[BLOCKS];
    kvhash_plh names[BLOCKS];
    kvlogical_evicted evicted = {names, 0};
    if (!world_ok(v, "kvlogical_allocate", kvlogical_allocate(manager, BLOCKS, all, &evicted))) return;
    kvtest_expect_u64(v, "evicted", evicted.count, 2);
    world_ok(v, "kvlogical_release_mutable", kvlogical_release_mutable(manager, all, BLOCKS));
}

void check_panic(kvtest_vector *v) {
    const char *steps = kvtest_string(v, v->line, "steps");
    if (strcmp(steps, STEPS) != 0) kvtest_differ(v, "the steps \"%s\" are not known", steps);
    json_object *hashes = kvtest_array(v, v->line, "hashes");
    kvhash_plh names[2];
    for (size_t i = 0; i < 2; i++) {
        kvcore_bytes bytes = kvtest_hex_of(v, json_object_array_get_idx(hashes, i), "hashes");
        if (bytes.size_bytes != KVHASH_PLH_BYTES || kvhash_plh_decode(bytes.data, &names[i]) != KVCORE_OK)
            kvtest_differ(v, "hashes[%zu] is not a name", i);
    }
    kvlogical_manager *manager = v->failed ? NULL : make(v);
    if (manager == NULL) return;
    kvlogical_immutable held[2];
    register_both(v, manager, names, held);
    if (!v->failed) {
        world_ok(v, "drop a", kvlogical_release(manager, &held[0], 1));
        world_ok(v, "drop b", kvlogical_release(manager, &held[1], 1));
        bool panicked = kvtest_has(kvtest_field(v, v->line, "drop_b"), "panic");
        expect_counts(v, manager, panicked ? 1 : 0);
        expect_match(v, manager, &names[1]);
        expect_all_evictable(v, manager);
    }
    world_ok(v, "kvlogical_manager_destroy", kvlogical_manager_destroy(manager));
}
