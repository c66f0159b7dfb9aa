/* conformance_groups FILE...: what a serving engine's block manager did with groups over one pool, step by step. */
#include <stdlib.h>
#include <string.h>

#include <kvlogical/groups.h>
#include <kvlogical/inspect.h>

#include "vectors.h"

#define REQUESTS_MOST 4096
#define BLOCKS_MOST 4096
#define OPS_BETWEEN_VALIDATIONS 16

typedef struct request {
    kvlogical_tables *tables;
    kvhash_plh *names;
    size_t name_count;
} request;

typedef struct world {
    kvlogical_manager *manager;
    kvlogical_groups *groups;
    size_t group_count, pool;
    kvhash_plh *names; /* the file's, by index */
    size_t name_count;
    request requests[REQUESTS_MOST];
    bool broken;
} world;

/* ---- the header ---- */

static uint32_t kind_of(kvtest_vector *v, const char *kind) {
    static const char *const kinds[] = {"", "full", "window", "chunk", "state"};
    for (uint32_t k = 1; k < sizeof kinds / sizeof *kinds; k++)
        if (strcmp(kind, kinds[k]) == 0) return k;
    kvtest_differ(v, "there is no kind %s", kind);
    return 0;
}

static void read_groups(kvtest_vector *v, kvlogical_group *groups, size_t count) {
    json_object *list = kvtest_array(v, v->line, "groups");
    for (size_t i = 0; i < count; i++) {
        json_object *g = json_object_array_get_idx(list, i);
        groups[i].kind = kind_of(v, kvtest_string(v, g, "kind"));
        groups[i].block_tokens = (uint32_t)kvtest_u64(v, g, "block");
        if (groups[i].kind == KVLOGICAL_GROUP_WINDOW) groups[i].span = (uint32_t)kvtest_u64(v, g, "window");
        if (groups[i].kind == KVLOGICAL_GROUP_CHUNK) groups[i].span = (uint32_t)kvtest_u64(v, g, "chunk");
    }
}

static void make_pool(kvtest_vector *v, world *w) {
    kvlogical_config config = KVLOGICAL_CONFIG_INIT;
    config.block_count = w->pool = (size_t)kvtest_u64(v, v->line, "pool");
    config.block_tokens = (uint32_t)kvtest_u64(v, v->line, "hash_block");
    config.eviction = KVLOGICAL_EVICT_LRU;
    config.duplicates = KVLOGICAL_DUPLICATES_KEEP;
    config.free_order = KVLOGICAL_FREE_FRONT;
    config.groups = (uint32_t)w->group_count;
    kvcore_error error;
    if (w->pool > BLOCKS_MOST || kvlogical_manager_create(&config, &w->manager, &error) != KVCORE_OK)
        kvtest_differ(v, "no manager");
}

static void make_groups(kvtest_vector *v, world *w) {
    w->group_count = json_object_array_length(kvtest_array(v, v->line, "groups"));
    kvlogical_group groups[KVLOGICAL_GROUPS_MOST] = {{0, 0, 0}};
    if (w->group_count > KVLOGICAL_GROUPS_MOST) {
        kvtest_differ(v, "too many groups");
        return;
    }
    read_groups(v, groups, w->group_count);
    make_pool(v, w);
    kvlogical_groups_config config = KVLOGICAL_GROUPS_CONFIG_INIT;
    config.groups = groups;
    config.group_count = w->group_count;
    config.eagle = kvtest_bool(v, v->line, "eagle");
    if (!kvtest_is_null(v->line, "retention")) {
        uint64_t interval = kvtest_u64(v, v->line, "retention");
        config.retention = interval == 0 ? KVLOGICAL_RETAIN_LATEST : (uint32_t)interval;
    }
    kvcore_error error = {.text = ""};
    if (w->manager != NULL && kvlogical_groups_create(w->manager, &config, &w->groups, &error) != KVCORE_OK)
        kvtest_differ(v, "no groups: %s", error.text);
    if (w->groups != NULL)
        kvtest_expect_u64(v, "align", kvlogical_groups_align_tokens(w->groups), kvtest_u64(v, v->line, "align"));
}

static void make_names(kvtest_vector *v, world *w) {
    json_object *parents = kvtest_array(v, v->line, "names");
    w->name_count = json_object_array_length(parents);
    w->names = calloc(w->name_count + 1, sizeof *w->names);
    for (size_t i = 0; w->names != NULL && i < w->name_count; i++) {
        json_object *parent = json_object_array_get_idx(parents, i);
        uint64_t own = (i + 1) * UINT64_C(0x9E3779B97F4A7C15);
        w->names[i] = kvhash_plh_root(own);
        if (parent == NULL) continue;
        uint64_t at = kvtest_u64_of(v, parent, "names");
        if (at >= i || kvhash_plh_extend(w->names[at], own, &w->names[i]) != KVCORE_OK)
            kvtest_differ(v, "name %zu has no parent", i);
    }
}

static size_t name_index(const world *w, kvhash_plh name) {
    size_t i = 0;
    while (i < w->name_count && !kvhash_plh_equal(w->names[i], name)) i++;
    return i;
}

/* ---- requests ---- */

static request *the_request(kvtest_vector *v, world *w) {
    uint64_t id = kvtest_u64(v, v->line, "r");
    request *r = &w->requests[id % REQUESTS_MOST];
    if (id >= REQUESTS_MOST) kvtest_differ(v, "request %llu is beyond the driver's", (unsigned long long)id);
    if (r->tables == NULL && kvlogical_tables_create(w->groups, &r->tables) != KVCORE_OK) kvtest_differ(v, "no memory");
    return r;
}

static void more_names(kvtest_vector *v, const world *w, request *r) {
    json_object *list = kvtest_array(v, v->line, "names");
    size_t count = json_object_array_length(list);
    kvhash_plh *names = realloc(r->names, (r->name_count + count + 1) * sizeof *names);
    if (names == NULL) return;
    r->names = names;
    for (size_t i = 0; i < count; i++) {
        uint64_t at = kvtest_u64_of(v, json_object_array_get_idx(list, i), "names");
        if (at < w->name_count)
            r->names[r->name_count++] = w->names[at];
        else
            kvtest_differ(v, "there is no name %llu", (unsigned long long)at);
    }
}

/* ---- what must be equal ---- */

/* Ids from 1, 0 for null. */
static void expect_ids(kvtest_vector *v, const char *what, size_t group, const uint32_t *blocks, size_t count,
                       json_object *expected) {
    size_t wanted = expected == NULL ? 0 : json_object_array_length(expected);
    if (count != wanted) kvtest_differ(v, "%s of group %zu: %zu blocks, expected %zu", what, group, count, wanted);
    for (size_t i = 0; i < count && i < wanted; i++) {
        uint64_t id = kvtest_u64_of(v, json_object_array_get_idx(expected, i), what);
        uint32_t actual = blocks[i] == KVLOGICAL_NO_BLOCK ? 0 : blocks[i] + 1;
        if (actual != id)
            kvtest_differ(v, "%s of group %zu, place %zu: %u, expected %llu", what, group, i, actual,
                          (unsigned long long)id);
    }
}

static bool all_null(const kvlogical_tables *t, size_t group_count) {
    uint32_t blocks[BLOCKS_MOST];
    size_t count;
    for (size_t g = 0; g < group_count; g++)
        if (kvlogical_tables_found_blocks(t, g, 0, blocks, BLOCKS_MOST, &count) == KVCORE_OK)
            for (size_t i = 0; i < count; i++)
                if (blocks[i] != KVLOGICAL_NO_BLOCK) return false;
    return true;
}

static void expect_found(kvtest_vector *v, const world *w, const kvlogical_tables *t) {
    json_object *expected = kvtest_array(v, v->line, "blocks");
    bool none = all_null(t, w->group_count);
    for (size_t g = 0; g < w->group_count; g++) {
        uint32_t blocks[BLOCKS_MOST];
        size_t count = 0;
        if (kvlogical_tables_found_blocks(t, g, 0, blocks, BLOCKS_MOST, &count) != KVCORE_OK)
            kvtest_differ(v, "no found blocks");
        expect_ids(v, "hit", g, blocks, none ? 0 : count, json_object_array_get_idx(expected, g));
    }
}

static void expect_tables(kvtest_vector *v, const world *w, const kvlogical_tables *t, const size_t *before) {
    json_object *whole = kvtest_array(v, v->line, "tables"), *fresh = kvtest_array(v, v->line, "blocks");
    for (size_t g = 0; g < w->group_count; g++) {
        uint32_t blocks[BLOCKS_MOST];
        size_t count = 0;
        if (kvlogical_tables_blocks(t, g, 0, blocks, BLOCKS_MOST, &count) != KVCORE_OK) kvtest_differ(v, "no blocks");
        expect_ids(v, "table", g, blocks, count, json_object_array_get_idx(whole, g));
        if (count >= before[g])
            expect_ids(v, "new", g, blocks + before[g], count - before[g], json_object_array_get_idx(fresh, g));
    }
}

static void expect_keys(kvtest_vector *v, const world *w, const char *what, const kvlogical_key *keys, size_t count) {
    json_object *expected = kvtest_has(v->line, what) ? kvtest_array(v, v->line, what) : NULL;
    size_t wanted = expected == NULL ? 0 : json_object_array_length(expected);
    if (count != wanted) kvtest_differ(v, "%s: %zu keys, expected %zu", what, count, wanted);
    for (size_t i = 0; i < count && i < wanted; i++) {
        json_object *pair = json_object_array_get_idx(expected, i);
        uint64_t group = kvtest_u64_of(v, json_object_array_get_idx(pair, 0), what);
        uint64_t name = kvtest_u64_of(v, json_object_array_get_idx(pair, 1), what);
        if (keys[i].group != group || name_index(w, keys[i].name) != name)
            kvtest_differ(v, "%s %zu: [%u, %zu], expected [%llu, %llu]", what, i, keys[i].group,
                          name_index(w, keys[i].name), (unsigned long long)group, (unsigned long long)name);
    }
}

static void expect_order(kvtest_vector *v, const world *w) {
    uint32_t order[BLOCKS_MOST];
    size_t count = 0, part = 0;
    do { /* in parts, so that a walk that goes on is tried, too */
        uint32_t after = count == 0 ? KVLOGICAL_NO_BLOCK : order[count - 1];
        if (kvlogical_list_order(w->manager, after, order + count, 7, &part) != KVCORE_OK) kvtest_differ(v, "no order");
        count += part;
    } while (part > 0 && count + 7 <= BLOCKS_MOST);
    kvtest_expect_u64(v, "free", kvlogical_manager_counts(w->manager).available, kvtest_u64(v, v->line, "free"));
    expect_ids(v, "order", 0, order, count, kvtest_array(v, v->line, "order"));
}

/* ---- operations ---- */

static void op_get(kvtest_vector *v, world *w) {
    request *r = the_request(v, w);
    more_names(v, w, r);
    kvlogical_found found = KVLOGICAL_FOUND_INIT;
    kvtest_expect_status(
        v, "get",
        kvlogical_tables_find(r->tables, r->names, r->name_count, (size_t)kvtest_u64(v, v->line, "tokens"), &found),
        KVCORE_OK);
    kvtest_expect_u64(v, "hit", found.hit_tokens, kvtest_u64(v, v->line, "hit"));
    kvtest_expect_u64(v, "boundary", found.boundary_tokens, kvtest_u64(v, v->line, "boundary"));
    expect_found(v, w, r->tables);
    expect_keys(v, w, "stored", NULL, 0);
    expect_keys(v, w, "evicted", NULL, 0);
}

static void op_alloc(kvtest_vector *v, world *w) {
    request *r = the_request(v, w);
    more_names(v, w, r);
    uint64_t hit = kvtest_u64(v, v->line, "hit");
    kvlogical_growth growth = KVLOGICAL_GROWTH_INIT;
    growth.new_tokens = (size_t)kvtest_u64(v, v->line, "new");
    growth.use_hits = hit > 0;
    growth.names = r->names;
    growth.name_count = r->name_count;
    growth.tokens = (size_t)kvtest_u64(v, v->line, "tokens");
    growth.prompt_tokens = (size_t)kvtest_u64(v, v->line, "prompt");
    kvtest_expect_u64(v, "computed", kvlogical_tables_computed_tokens(r->tables), kvtest_u64(v, v->line, "computed"));
    size_t before[KVLOGICAL_GROUPS_MOST] = {0};
    for (size_t g = 0; g < w->group_count; g++) {
        if (hit > 0)
            kvtest_expect_status(v, "found", kvlogical_tables_found_blocks(r->tables, g, 0, NULL, 0, &before[g]),
                                 KVCORE_OK);
        else
            kvtest_expect_status(v, "table", kvlogical_tables_blocks(r->tables, g, 0, NULL, 0, &before[g]), KVCORE_OK);
    }
    kvcore_status status = kvlogical_tables_allocate(r->tables, &growth, NULL);
    bool refused = status == KVCORE_ENOSPACE || status == KVCORE_EBUSY;
    if (!refused) kvtest_expect_status(v, "alloc", status, KVCORE_OK);
    if (refused != kvtest_is_null(v->line, "blocks")) kvtest_differ(v, "alloc: %s", kvcore_status_text(status));
    if (!refused && !v->failed) expect_tables(v, w, r->tables, before);
    size_t count;
    const kvlogical_key *keys = kvlogical_tables_stored(r->tables, &count);
    expect_keys(v, w, "stored", keys, count);
    keys = kvlogical_tables_evicted(r->tables, &count);
    expect_keys(v, w, "evicted", keys, count);
}

static void op_free(kvtest_vector *v, world *w) {
    request *r = the_request(v, w);
    kvlogical_tables_release(r->tables);
    expect_keys(v, w, "stored", NULL, 0);
    expect_keys(v, w, "evicted", NULL, 0);
}

static void op_reset(kvtest_vector *v, world *w) {
    bool done = kvlogical_groups_reset(w->groups, NULL) == KVCORE_OK;
    kvtest_expect_u64(v, "done", done, kvtest_bool(v, v->line, "done"));
}

static void run(kvtest_vector *v, world *w) {
    const char *op = kvtest_string(v, v->line, "op");
    if (strcmp(op, "get") == 0)
        op_get(v, w);
    else if (strcmp(op, "alloc") == 0)
        op_alloc(v, w);
    else if (strcmp(op, "free") == 0)
        op_free(v, w);
    else if (strcmp(op, "reset") == 0)
        op_reset(v, w);
    else if (strcmp(op, "step") == 0)
        kvlogical_groups_step(w->groups);
    else
        kvtest_differ(v, "there is no op %s", op);
    expect_order(v, w);
}

static void validate(kvtest_vector *v, const world *w) {
    kvcore_error error = {.text = ""};
    if (kvlogical_manager_validate(w->manager, &error) != KVCORE_OK)
        kvtest_differ(v, "the manager is not sound: %s", error.text);
}

static void check_line(kvtest_vector *v) {
    world *w = v->context;
    if (w->broken) {
        kvtest_differ(v, "not reached: an earlier step differs");
        return;
    }
    if (v->line_number == 1) {
        kvtest_expect_text(v, "format", kvtest_string(v, v->line, "format"), "kvstrata-groups-1");
        make_groups(v, w);
        make_names(v, w);
    } else {
        run(v, w);
        if (!v->failed && v->line_number % OPS_BETWEEN_VALIDATIONS == 0) validate(v, w);
    }
    w->broken = v->failed || w->groups == NULL;
}

static void end_file(void *context) {
    world *w = context;
    for (size_t i = 0; i < REQUESTS_MOST; i++) {
        kvlogical_tables_destroy(w->requests[i].tables);
        free(w->requests[i].names);
    }
    if (kvlogical_groups_destroy(w->groups) != KVCORE_OK || kvlogical_manager_destroy(w->manager) != KVCORE_OK)
        abort(); /* something is still held */
    free(w->names);
}

int main(int argc, char **argv) {
    static const kvtest_vector_kind kinds[] = {
        {.name = "*.jsonl", .check = check_line, .context_bytes = sizeof(world), .end = end_file},
    };
    return kvtest_run_vectors(argc, argv, kinds, sizeof kinds / sizeof *kinds);
}
