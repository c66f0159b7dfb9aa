/* The ops of a trace that act on the blocks of a manager. */
#include <stdio.h>

#include "world.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static json_object *result(kvtest_vector *v) { return kvtest_field(v, v->line, "r"); }

static world_guard guard_of(world *w, const world_pool *pool, world_kind kind) {
    return (world_guard){.kind = kind, .manager = (size_t)(pool - w->pools)};
}

/* ---- allocate, stage, register ---- */

static void expect_evicted(kvtest_vector *v, world *w, const kvlogical_evicted *evicted, json_object *line) {
    size_t count;
    const kvhash_plh *expected = world_names(v, w, line, "e", &count);
    kvtest_expect_u64(v, "number of evicted names", evicted->count, count);
    for (size_t i = 0; i < count && i < evicted->count; i++)
        if (!kvhash_plh_equal(evicted->names[i], expected[i])) kvtest_differ(v, "evicted name [%zu] is another", i);
}

static void allocate(kvtest_vector *v, world *w) {
    world_pool *pool = world_pool_of_line(v, w);
    if (pool == NULL) return;
    size_t count = kvtest_u64(v, v->line, "n_req");
    kvlogical_mutable *blocks = kvtest_line_alloc(v, count * sizeof *blocks);
    kvlogical_evicted evicted = {kvtest_line_alloc(v, count * sizeof(kvhash_plh)), 0};
    kvcore_status status = kvlogical_allocate(pool->manager, count, blocks, &evicted);
    if (kvtest_is_null(v->line, "r")) {
        bool never = count > kvlogical_manager_counts(pool->manager).total;
        kvtest_expect_status(v, "kvlogical_allocate", status, never ? KVCORE_EOVERFLOW : KVCORE_ENOSPACE);
        if (status != KVCORE_OK) return;
    } else if (!world_ok(v, "kvlogical_allocate", status)) {
        return;
    }
    json_object *numbers = kvtest_array(v, result(v), "h"), *ids = kvtest_array(v, result(v), "b");
    kvtest_expect_u64(v, "number of blocks", count, json_object_array_length(ids));
    for (size_t i = 0; i < count; i++) {
        world_guard guard = guard_of(w, pool, WORLD_MUTABLE);
        guard.mutable_block = blocks[i];
        world_add(v, w, guard, json_object_array_get_idx(numbers, i));
        char what[40];
        snprintf(what, sizeof what, "block [%zu]", i);
        kvtest_expect_u64(v, what, blocks[i].block, kvtest_u64_of(v, json_object_array_get_idx(ids, i), "b"));
    }
    expect_evicted(v, w, &evicted, result(v));
}

static void stage(kvtest_vector *v, world *w) {
    world_guard *from = world_guard_of_line(v, w, WORLD_MUTABLE);
    if (from == NULL) return;
    kvhash_plh name = kvtest_is_null(v->line, "x") ? (kvhash_plh){0, 0} : *world_name(v, w, v->line, "x");
    uint32_t tokens = (uint32_t)kvtest_u64(v, v->line, "bs");
    world_pool *pool = &w->pools[from->manager];
    world_guard to = guard_of(w, pool, WORLD_COMPLETE);
    uint32_t block = from->mutable_block.block;
    size_t done = 0;
    kvcore_error error = {0};
    kvcore_status status =
        kvlogical_stage_sized(pool->manager, &from->mutable_block, &name, &tokens, 1, &to.complete, &done, &error);
    if (status != KVCORE_OK) {
        kvtest_expect_u64(v, "staged", done, 0);
        world_expect_refusal(v, status, &error, result(v));
        kvtest_expect_u64(v, "the refused guard's manager", from->mutable_block.manager,
                          kvlogical_manager_id(pool->manager));
        return;
    }
    kvtest_expect_u64(v, "staged", done, 1);
    kvtest_expect_u64(v, "staged block", to.complete.block, block);
    kvtest_expect_u64(v, "the consumed guard's manager", from->mutable_block.manager, 0);
    from->kind = WORLD_NOTHING;
    world_add(v, w, to, kvtest_field(v, result(v), "h"));
}

static void unstage(kvtest_vector *v, world *w) {
    world_guard *from = world_guard_of_line(v, w, WORLD_COMPLETE);
    if (from == NULL) return;
    world_pool *pool = &w->pools[from->manager];
    world_guard to = guard_of(w, pool, WORLD_MUTABLE);
    if (!world_ok(v, "kvlogical_unstage", kvlogical_unstage(pool->manager, &from->complete, 1, &to.mutable_block)))
        return;
    kvtest_expect_u64(v, "the consumed guard's manager", from->complete.manager, 0);
    from->kind = WORLD_NOTHING;
    world_add(v, w, to, kvtest_field(v, result(v), "h"));
    kvtest_expect_u64(v, "block", to.mutable_block.block, kvtest_u64(v, result(v), "b"));
}

typedef struct registered {
    kvlogical_immutable *held;
    size_t count;
    uint64_t duplicates, rejections;
} registered;

/* Register the complete blocks with these numbers; false and a difference if that cannot be. */
static bool share(kvtest_vector *v, world *w, world_pool *pool, const uint32_t *numbers, size_t count,
                  registered *out) {
    kvlogical_complete *staged = kvtest_line_alloc(v, count * sizeof *staged);
    out->held = kvtest_line_alloc(v, count * sizeof *out->held);
    out->count = count;
    for (size_t i = 0; i < count; i++) {
        world_guard *guard = world_guard_at(v, w, numbers[i], WORLD_COMPLETE);
        if (guard == NULL) return false;
        staged[i] = guard->complete;
    }
    kvlogical_metrics before = kvlogical_manager_metrics(pool->manager);
    if (!world_ok(v, "kvlogical_register", kvlogical_register(pool->manager, staged, count, out->held))) return false;
    kvlogical_metrics after = kvlogical_manager_metrics(pool->manager);
    out->duplicates = after.duplicate_blocks - before.duplicate_blocks;
    out->rejections = after.registration_dedup - before.registration_dedup;
    size_t exchanged = 0;
    for (size_t i = 0; i < count; i++) {
        world_guard *guard = world_guard_at(v, w, numbers[i], WORLD_COMPLETE);
        if (guard == NULL) return false; /* one number twice in a batch */
        exchanged += out->held[i].block != guard->complete.block;
        kvtest_expect_u64(v, "a consumed guard's manager", staged[i].manager, 0);
        guard->kind = WORLD_NOTHING;
    }
    kvtest_expect_u64(v, "blocks that are not the candidate's", exchanged, out->rejections);
    return true;
}

static void register_one(kvtest_vector *v, world *w) {
    world_guard *from = world_guard_of_line(v, w, WORLD_COMPLETE);
    if (from == NULL) return;
    uint32_t number = (uint32_t)(from - w->guards + 1);
    world_pool *pool = &w->pools[from->manager];
    registered now;
    if (!share(v, w, pool, &number, 1, &now)) return;
    world_guard to = guard_of(w, pool, WORLD_IMMUTABLE);
    to.immutable = now.held[0];
    world_add(v, w, to, kvtest_field(v, result(v), "h"));
    kvtest_expect_u64(v, "block", now.held[0].block, kvtest_u64(v, result(v), "b"));
    const char *kind = now.rejections ? "rejected" : now.duplicates ? "duplicate" : "primary";
    if (kvtest_has(result(v), "k")) kvtest_expect_text(v, "kind", kind, kvtest_string(v, result(v), "k"));
}

static void register_many(kvtest_vector *v, world *w) {
    world_pool *pool = world_pool_of_line(v, w);
    size_t count;
    const uint32_t *numbers = kvtest_tokens(v, v->line, "hs", &count);
    registered now;
    if (pool == NULL || !share(v, w, pool, numbers, count, &now)) return;
    world_add_held(v, w, pool, now.held, count, kvtest_array(v, result(v), "h"), kvtest_array(v, result(v), "b"));
    kvtest_expect_u64(v, "duplicates", now.duplicates, kvtest_u64(v, result(v), "dup"));
    kvtest_expect_u64(v, "rejections", now.rejections, kvtest_u64(v, result(v), "rej"));
}

/* ---- match and scan ---- */

static void match_prefix(kvtest_vector *v, world *w) {
    world_pool *pool = world_pool_of_line(v, w);
    size_t count, hits;
    const kvhash_plh *names = world_names(v, w, v->line, "x", &count);
    kvlogical_immutable *held = kvtest_line_alloc(v, count * sizeof *held);
    if (pool == NULL ||
        !world_ok(v, "kvlogical_match_prefix", kvlogical_match_prefix(pool->manager, names, count, held, &hits)))
        return;
    world_add_held(v, w, pool, held, hits, kvtest_array(v, result(v), "h"), kvtest_array(v, result(v), "b"));
}

static void match_scattered(kvtest_vector *v, world *w) {
    world_pool *pool = world_pool_of_line(v, w);
    size_t count, hits, seen = 0;
    const kvhash_plh *names = world_names(v, w, v->line, "x", &count);
    kvlogical_immutable *held = kvtest_line_alloc(v, count * sizeof *held);
    if (pool == NULL ||
        !world_ok(v, "kvlogical_match_scattered", kvlogical_match_scattered(pool->manager, names, count, held, &hits)))
        return;
    for (size_t i = 0; i < count; i++) seen += held[i].manager != 0;
    kvtest_expect_u64(v, "hits", hits, seen);
    world_add_held(v, w, pool, held, count, kvtest_array(v, result(v), "h"), kvtest_array(v, result(v), "b"));
}

static void scan(kvtest_vector *v, world *w) {
    world_pool *pool = world_pool_of_line(v, w);
    size_t count, found;
    const uint32_t *numbers = kvtest_tokens(v, v->line, "x", &count);
    const kvhash_plh *names = world_names(v, w, v->line, "x", &count);
    kvlogical_immutable *held = kvtest_line_alloc(v, count * sizeof *held);
    size_t *indices = kvtest_line_alloc(v, count * sizeof *indices);
    if (pool == NULL ||
        !world_ok(v, "kvlogical_scan",
                  kvlogical_scan(pool->manager, names, count, kvtest_bool(v, v->line, "touch"), held, indices, &found)))
        return;
    json_object *expected = kvtest_array(v, v->line, "r");
    kvtest_expect_u64(v, "found", found, json_object_array_length(expected));
    for (size_t i = 0; i < found; i++) {
        json_object *hit = json_object_array_get_idx(expected, i);
        bool triple = json_object_is_type(hit, json_type_array) && json_object_array_length(hit) >= 3;
        world_guard guard = guard_of(w, pool, WORLD_IMMUTABLE);
        guard.immutable = held[i];
        world_add(v, w, guard, triple ? json_object_array_get_idx(hit, 1) : NULL);
        if (!triple) continue;
        kvtest_expect_u64(v, "hash", indices[i] < count ? numbers[indices[i]] : UINT32_MAX,
                          kvtest_u64_of(v, json_object_array_get_idx(hit, 0), "x"));
        kvtest_expect_u64(v, "block", held[i].block, kvtest_u64_of(v, json_object_array_get_idx(hit, 2), "b"));
    }
}

/* ---- guards ---- */

static void clone(kvtest_vector *v, world *w) {
    world_guard *from = world_guard_of_line(v, w, WORLD_IMMUTABLE);
    if (from == NULL) return;
    world_guard to = *from;
    kvlogical_manager *manager = w->pools[from->manager].manager;
    if (world_ok(v, "kvlogical_clone", kvlogical_clone(manager, &from->immutable, 1, &to.immutable)))
        world_add(v, w, to, kvtest_field(v, result(v), "h"));
}

static void downgrade(kvtest_vector *v, world *w) {
    world_guard *from = world_guard_of_line(v, w, WORLD_IMMUTABLE);
    if (from == NULL) return;
    world_pool *pool = &w->pools[from->manager];
    world_guard to = guard_of(w, pool, WORLD_WEAK);
    if (world_ok(v, "kvlogical_downgrade", kvlogical_downgrade(pool->manager, &from->immutable, 1, &to.weak)))
        world_add(v, w, to, kvtest_field(v, result(v), "h"));
}

static void upgrade(kvtest_vector *v, world *w) {
    world_guard *from = world_guard_of_line(v, w, WORLD_WEAK);
    if (from == NULL) return;
    world_pool *pool = &w->pools[from->manager];
    world_guard to = guard_of(w, pool, WORLD_IMMUTABLE);
    if (!world_ok(v, "kvlogical_upgrade", kvlogical_upgrade(pool->manager, &from->weak, &to.immutable))) return;
    if (to.immutable.manager == 0) {
        kvtest_expect_true(v, "no block is there to upgrade to", kvtest_is_null(v->line, "r"));
        return;
    }
    world_add(v, w, to, kvtest_is_null(v->line, "r") ? NULL : kvtest_field(v, result(v), "h"));
    if (!v->failed) kvtest_expect_u64(v, "block", to.immutable.block, kvtest_u64(v, result(v), "b"));
}

static void pin(kvtest_vector *v, world *w) {
    world_guard *from = world_guard_of_line(v, w, WORLD_IMMUTABLE);
    if (from == NULL) return;
    world_pool *pool = &w->pools[from->manager];
    world_guard to = guard_of(w, pool, WORLD_PIN);
    if (!world_ok(v, "kvlogical_pin_blocks", kvlogical_pin_blocks(pool->manager, &from->immutable, 1, &to.pin))) return;
    world_add(v, w, to, kvtest_field(v, result(v), "h"));
    kvtest_expect_u64(v, "block", to.pin.block, kvtest_u64(v, result(v), "b"));
}

static void drop(kvtest_vector *v, world *w) {
    uint64_t number = kvtest_u64(v, v->line, "h");
    if (number < 1 || number > w->guard_count || w->guards[number - 1].kind == WORLD_NOTHING)
        kvtest_differ(v, "there is no handle %llu to drop", (unsigned long long)number);
    else
        world_release(v, w, &w->guards[number - 1]);
}

/* How many handles from hs[0] on are immutable guards of one manager: they go back in one call. */
static size_t immutable_run(const world *w, const uint32_t *numbers, size_t count) {
    size_t run = 0;
    for (; run < count; run++) {
        if (numbers[run] < 1 || numbers[run] > w->guard_count) break;
        const world_guard *guard = &w->guards[numbers[run] - 1];
        if (guard->kind != WORLD_IMMUTABLE || guard->manager != w->guards[numbers[0] - 1].manager) break;
    }
    return run;
}

static void drop_many(kvtest_vector *v, world *w) {
    size_t count;
    const uint32_t *numbers = kvtest_tokens(v, v->line, "hs", &count);
    for (size_t i = 0; i < count;) {
        size_t run = immutable_run(w, numbers + i, count - i);
        if (run == 0) {
            if (numbers[i] < 1 || numbers[i] > w->guard_count || w->guards[numbers[i] - 1].kind == WORLD_NOTHING)
                kvtest_differ(v, "there is no handle %u to drop", numbers[i]);
            else
                world_release(v, w, &w->guards[numbers[i] - 1]);
            i++;
            continue;
        }
        kvlogical_immutable *held = kvtest_line_alloc(v, run * sizeof *held);
        kvlogical_manager *manager = w->pools[w->guards[numbers[i] - 1].manager].manager;
        for (size_t k = 0; k < run; k++) {
            held[k] = w->guards[numbers[i + k] - 1].immutable;
            w->guards[numbers[i + k] - 1].kind = WORLD_NOTHING;
        }
        world_ok(v, "kvlogical_release", kvlogical_release(manager, held, run));
        i += run;
    }
}

static void set_reset_on_release(kvtest_vector *v, world *w) {
    world_guard *guard = world_guard_of_line(v, w, WORLD_IMMUTABLE);
    if (guard == NULL) return;
    world_ok(v, "kvlogical_set_reset_on_release",
             kvlogical_set_reset_on_release(w->pools[guard->manager].manager, &guard->immutable,
                                            kvtest_bool(v, v->line, "v")));
}

static void use_count(kvtest_vector *v, world *w) {
    world_guard *guard = world_guard_of_line(v, w, WORLD_IMMUTABLE);
    uint32_t holds = 0;
    if (guard != NULL && world_ok(v, "kvlogical_use_count",
                                  kvlogical_use_count(w->pools[guard->manager].manager, &guard->immutable, &holds)))
        kvtest_expect_u64(v, "use count", holds, kvtest_u64(v, v->line, "r"));
}

/* ---- the pool as a whole ---- */

static void reset_inactive(kvtest_vector *v, world *w) {
    world_pool *pool = world_pool_of_line(v, w);
    if (pool == NULL) return;
    kvcore_error error = {0};
    kvcore_status status = kvlogical_reset_inactive(pool->manager, &error);
    if (kvtest_has(result(v), "err"))
        world_expect_refusal(v, status, &error, result(v));
    else
        world_ok(v, "kvlogical_reset_inactive", status);
}

static void metrics(kvtest_vector *v, world *w) {
    world_pool *pool = world_pool_of_line(v, w);
    if (pool != NULL) world_expect_metrics(v, kvlogical_manager_metrics(pool->manager), result(v));
}

static void info(kvtest_vector *v, world *w) {
    world_pool *pool = world_pool_of_line(v, w);
    if (pool == NULL) return;
    kvlogical_counts counts = kvlogical_manager_counts(pool->manager);
    kvtest_expect_u64(v, "available", counts.available, kvtest_u64(v, result(v), "available"));
    kvtest_expect_u64(v, "total", counts.total, kvtest_u64(v, result(v), "total"));
    kvtest_expect_u64(v, "block_size", kvlogical_manager_block_tokens(pool->manager),
                      kvtest_u64(v, result(v), "block_size"));
    kvtest_expect_u64(v, "registered", kvlogical_registry_count(pool->registry),
                      kvtest_u64(v, result(v), "registered"));
}

/* Take one block after the other until there are no more. */
static void drain_order(kvtest_vector *v, world *w) {
    world_pool *pool = world_pool_of_line(v, w);
    if (pool == NULL) return;
    json_object *expected = kvtest_array(v, v->line, "r");
    size_t total = kvlogical_manager_counts(pool->manager).total, i = 0;
    for (; pool->drained_count < total; i++) {
        kvlogical_mutable *block = &pool->drained[pool->drained_count];
        kvhash_plh name;
        kvlogical_evicted evicted = {&name, 0};
        kvcore_status status = kvlogical_allocate(pool->manager, 1, block, &evicted);
        if (status == KVCORE_ENOSPACE) break;
        if (!world_ok(v, "kvlogical_allocate", status)) return;
        pool->drained_count++;
        json_object *pair = json_object_array_get_idx(expected, i);
        if (!json_object_is_type(pair, json_type_array) || json_object_array_length(pair) < 2) {
            kvtest_differ(v, "[%zu]: got block %u, expected no more", i, block->block);
            return;
        }
        char what[40];
        snprintf(what, sizeof what, "block [%zu]", i);
        kvtest_expect_u64(v, what, block->block, kvtest_u64_of(v, json_object_array_get_idx(pair, 0), "b"));
        json_object *gone = json_object_array_get_idx(pair, 1);
        kvtest_expect_u64(v, "evicted names", evicted.count, gone != NULL);
        if (gone != NULL && evicted.count == 1) {
            uint64_t x = kvtest_u64_of(v, gone, "x");
            if (x >= w->name_count || !kvhash_plh_equal(w->names[x], name))
                kvtest_differ(v, "[%zu]: the evicted name is another", i);
        }
    }
    kvtest_expect_u64(v, "blocks drained", i, json_object_array_length(expected));
}

bool world_run_block_op(kvtest_vector *v, world *w) {
    static const world_op ops[] = {
        {"alloc", allocate},
        {"stage", stage},
        {"complete", stage}, /* a token block brings its name and size: the same call */
        {"reset", unstage},
        {"register", register_one},
        {"register_many", register_many},
        {"match", match_prefix},
        {"match_scattered", match_scattered},
        {"scan", scan},
        {"clone", clone},
        {"downgrade", downgrade},
        {"upgrade", upgrade},
        {"pin", pin},
        {"drop", drop},
        {"drop_many", drop_many},
        {"drop_reg", drop},
        {"set_evict_on_reset", set_reset_on_release},
        {"use_count", use_count},
        {"reset_inactive_pool", reset_inactive},
        {"metrics", metrics},
        {"info", info},
        {"drain_order", drain_order},
    };
    return world_run(v, w, ops, COUNT(ops));
}
