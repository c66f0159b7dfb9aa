/* The policy survival: its constants, what it believes at the start, and replays to the last hit. */
#include <math.h>
#include <stdlib.h>

#include "eviction/eviction.h"
#include "eviction/survival.h"
#include "world.h"

/* ---- one cache under the policy: the row of the table, and the slots of a manager ---- */

typedef struct cache {
    order order;
    uint32_t capacity, used;
    uint32_t *slot_of; /* of each known name; NO_SLOT: not cached */
    uint64_t *names;   /* sorted */
    size_t name_count;
    uint32_t *name_of; /* of each slot */
    uint32_t *held, *fresh;
    uint64_t hits, evictions, oversized;
} cache;

static const survival *policy_of(const cache *c) { return c->order.memory; }

static int compare_names(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static void *zeroed(size_t count, size_t bytes) {
    void *memory = calloc(count + 1, bytes);
    if (memory == NULL) must(KVCORE_ENOMEM, "survival");
    return memory;
}

static size_t number_of(const cache *c, uint64_t name) {
    const uint64_t *at = bsearch(&name, c->names, c->name_count, sizeof name, compare_names);
    return (size_t)(at - c->names);
}

static cache cache_open(const world *w, uint32_t capacity) {
    cache c = {.capacity = capacity};
    size_t references = 0, longest = 0;
    for (size_t i = 0; i < w->count; i++) {
        references += w->requests[i].count;
        if (w->requests[i].count > longest) longest = w->requests[i].count;
    }
    c.names = zeroed(references, sizeof *c.names);
    for (size_t i = 0; i < w->count; i++)
        for (size_t k = 0; k < w->requests[i].count; k++) c.names[c.name_count++] = w->requests[i].names[k];
    qsort(c.names, c.name_count, sizeof *c.names, compare_names);
    size_t unique = 0;
    for (size_t i = 0; i < c.name_count; i++)
        if (unique == 0 || c.names[unique - 1] != c.names[i]) c.names[unique++] = c.names[i];
    c.name_count = unique;
    c.slot_of = zeroed(unique, sizeof *c.slot_of);
    for (size_t i = 0; i < unique; i++) c.slot_of[i] = NO_SLOT;
    c.name_of = zeroed(capacity, sizeof *c.name_of);
    c.held = zeroed(longest + capacity, sizeof *c.held);
    c.fresh = zeroed(longest + capacity, sizeof *c.fresh);
    const eviction *row = kvlogical__eviction(KVLOGICAL_EVICT_SURVIVAL);
    c.order = (order){.policy = row, .slots = zeroed(capacity, sizeof(slot)), .slot_count = capacity};
    size_t bytes = ((size_t)row->bytes(capacity) + 63) / 64 * 64;
    c.order.memory = aligned_alloc(64, bytes);
    if (c.order.memory == NULL) must(KVCORE_ENOMEM, "survival");
    row->init(&c.order, NULL);
    return c;
}

static void cache_close(cache *c) {
    free(c->names);
    free(c->slot_of);
    free(c->name_of);
    free(c->held);
    free(c->fresh);
    free(c->order.slots);
    free(c->order.memory);
}

static void put_in(cache *c, const world_request *request, size_t hits) {
    size_t missing = request->count - hits, empty = c->capacity - c->used < missing ? c->capacity - c->used : missing;
    for (size_t i = 0; i < empty; i++) c->fresh[i] = c->used++;
    c->order.policy->choose(&c->order, c->fresh + empty, missing - empty);
    c->evictions += missing - empty;
    for (size_t i = empty; i < missing; i++) c->slot_of[c->name_of[c->fresh[i]]] = NO_SLOT;
    for (size_t i = 0; i < missing; i++) {
        size_t number = number_of(c, request->names[hits + i]);
        uint32_t index = c->held[hits + i] = c->fresh[i];
        c->slot_of[number] = index;
        c->name_of[index] = (uint32_t)number;
        c->order.slots[index].name = (kvhash_plh){number + 1, request->names[hits + i]};
        c->order.policy->registered(&c->order, index);
    }
}

static void serve(cache *c, const world_request *request) {
    size_t hits = 0, held;
    c->order.policy->begins(&c->order);
    for (; hits < request->count; hits++) {
        uint32_t index = c->slot_of[number_of(c, request->names[hits])];
        if (index == NO_SLOT) break;
        c->held[hits] = index;
    }
    c->order.policy->hit(&c->order, c->held, hits);
    c->order.policy->revived(&c->order, c->held, hits);
    c->hits += hits;
    held = hits;
    if (request->count <= c->capacity) {
        put_in(c, request, hits);
        held = request->count;
    } else {
        c->oversized++;
    }
    for (size_t i = 0; i < held / 2; i++) {
        uint32_t other = c->held[i];
        c->held[i] = c->held[held - 1 - i];
        c->held[held - 1 - i] = other;
    }
    c->order.policy->released(&c->order, c->held, held);
}

static cache replay(const world *w, uint64_t capacity) {
    cache c = cache_open(w, (uint32_t)capacity);
    for (size_t i = 0; i < w->count; i++) serve(&c, &w->requests[i]);
    return c;
}

void check_survival_row(kvtest_vector *v, const world *w, json_object *row) {
    uint64_t capacity = kvtest_u64(v, row, "capacity");
    cache c = replay(w, capacity);
    expect_at(v, "hits under survival", capacity, c.hits, kvtest_u64(v, row, "hits"));
    expect_at(v, "evictions under survival", capacity, c.evictions, kvtest_u64(v, row, "evictions"));
    if (kvtest_has(row, "oversized"))
        expect_at(v, "oversized under survival", capacity, c.oversized, kvtest_u64(v, row, "oversized"));
    cache_close(&c);
}

/* ---- the vector of the policy itself ---- */

static void expect_worth(kvtest_vector *v, const double *worth, json_object *row) {
    for (size_t b = 0; b < SURVIVAL_BUCKETS; b++) {
        double expected = json_object_get_double(json_object_array_get_idx(row, b));
        if (fabs(worth[b] - expected) > 1e-12 * expected)
            kvtest_differ(v, "worth in bucket %zu: got %.17g, expected %.17g", b, worth[b], expected);
    }
}

static void check_constants(kvtest_vector *v) {
    json_object *rows = kvtest_array(v, v->line, "mix");
    for (size_t i = 0; i < json_object_array_length(rows); i++) {
        json_object *row = json_object_array_get_idx(rows, i);
        uint64_t n = kvtest_u64(v, row, "n");
        expect_at(v, "mix", n, kvlogical__survival_mix(n), kvtest_u64(v, row, "value"));
    }
    rows = kvtest_array(v, v->line, "buckets");
    for (size_t i = 0; i < json_object_array_length(rows); i++) {
        json_object *row = json_object_array_get_idx(rows, i);
        uint64_t idle = kvtest_u64(v, row, "idle");
        expect_at(v, "bucket", idle, kvlogical__survival_bucket(idle), kvtest_u64(v, row, "bucket"));
    }
    rows = kvtest_array(v, v->line, "classes");
    for (size_t i = 0; i < json_object_array_length(rows); i++) {
        json_object *row = json_object_array_get_idx(rows, i);
        uint32_t uses = (uint32_t)kvtest_u64(v, row, "uses");
        expect_at(v, "class", uses, kvlogical__survival_class(uses), kvtest_u64(v, row, "cls"));
    }
}

static void check_start(kvtest_vector *v, json_object *expected) {
    world none = {.count = 0};
    cache c = cache_open(&none, 100);
    for (size_t i = 0; i < SURVIVAL_CLASSES; i++) expect_worth(v, policy_of(&c)->worth[i], expected);
    cache_close(&c);
}

static void check_replay(kvtest_vector *v, const world *w, json_object *row) {
    uint64_t capacity = kvtest_u64(v, row, "capacity");
    cache c = replay(w, capacity);
    expect_at(v, "hits", capacity, c.hits, kvtest_u64(v, row, "hits"));
    expect_at(v, "evictions", capacity, c.evictions, kvtest_u64(v, row, "evictions"));
    expect_at(v, "oversized", capacity, c.oversized, kvtest_u64(v, row, "oversized"));
    expect_at(v, "touches", capacity, policy_of(&c)->now, kvtest_u64(v, row, "touches"));
    expect_at(v, "trials", capacity, policy_of(&c)->trials_begun, kvtest_u64(v, row, "trials_started"));
    if (kvtest_has(row, "index_at_end")) {
        json_object *table = kvtest_array(v, row, "index_at_end");
        for (size_t i = 0; i < SURVIVAL_CLASSES; i++)
            expect_worth(v, policy_of(&c)->worth[i], json_object_array_get_idx(table, i));
    }
    cache_close(&c);
}

/* A list of lists of ids. */
static void read_requests(kvtest_vector *v, world *w, json_object *lists) {
    world_clear(w);
    w->block_tokens = 1;
    for (size_t i = 0; i < json_object_array_length(lists); i++) {
        json_object *request = json_object_new_object();
        json_object_object_add(request, "hash_ids", json_object_get(json_object_array_get_idx(lists, i)));
        world_add(v, w, request);
        json_object_put(request);
    }
}

void check_survival(kvtest_vector *v) {
    static const char *const known[] = {"what", "start_index", "mix", "buckets", "classes", "replays", NULL};
    json_object *replays = kvtest_array(v, v->line, "replays");
    world w = {.block_tokens = 1};
    expect_known_keys(v, v->line, known);
    check_constants(v);
    check_start(v, kvtest_array(v, v->line, "start_index"));
    for (size_t i = 0; i < json_object_array_length(replays); i++) {
        json_object *row = json_object_array_get_idx(replays, i);
        if (!kvtest_bool(v, row, "same_requests_as_before")) read_requests(v, &w, kvtest_array(v, row, "requests"));
        check_replay(v, &w, row);
    }
    world_clear(&w);
}
