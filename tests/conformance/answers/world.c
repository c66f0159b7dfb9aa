#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void must(kvcore_status status, const char *what) {
    if (status == KVCORE_OK) return;
    fprintf(stderr, "%s: %s\n", what, kvcore_status_text(status));
    exit(2);
}

static void *must_have(void *memory) {
    if (memory == NULL) must(KVCORE_ENOMEM, "memory");
    return memory;
}

static world_request *append(world *w) {
    if (w->count == w->capacity) {
        w->capacity = 2 * w->capacity + 64;
        w->requests = must_have(realloc(w->requests, w->capacity * sizeof *w->requests));
    }
    world_request *request = &w->requests[w->count++];
    *request = (world_request){.names = NULL};
    return request;
}

void world_add(kvtest_vector *v, world *w, json_object *object) {
    world_request *request = append(w);
    json_object *ids = kvtest_array(v, object, "hash_ids");
    json_object *tenant = NULL;
    request->count = json_object_array_length(ids);
    request->names = must_have(malloc((request->count + 1) * sizeof *request->names));
    for (size_t i = 0; i < request->count; i++)
        request->names[i] = kvtest_u64_of(v, json_object_array_get_idx(ids, i), "hash_ids");
    must(kvanswers_names(request->names, request->count, request->names), "names");
    request->has_input_tokens = kvtest_has(object, "input_length");
    request->input_tokens = kvtest_u64_or(v, object, "input_length", 0);
    request->time_ms = kvtest_u64_or(v, object, "timestamp", 0);
    if (json_object_object_get_ex(object, "tenant", &tenant))
        snprintf(request->tenant, sizeof request->tenant, "%s", json_object_get_string(tenant));
}

static uint32_t last_block_tokens(const world *w, const world_request *request) {
    uint64_t before = request->count == 0 ? 0 : (uint64_t)(request->count - 1) * w->block_tokens;
    if (!request->has_input_tokens || request->input_tokens <= before ||
        request->input_tokens - before > w->block_tokens)
        return w->block_tokens;
    return (uint32_t)(request->input_tokens - before);
}

kvanswers_request world_request_of(const world *w, size_t i) {
    const world_request *request = &w->requests[i];
    return (kvanswers_request){request->names, request->count, request->time_ms, last_block_tokens(w, request)};
}

void world_observe(kvtest_vector *v, world *w) {
    (void)v;
    kvanswers_curve_config config = KVANSWERS_CURVE_CONFIG_INIT;
    config.block_tokens = w->block_tokens;
    must(kvanswers_curve_create(&config, &w->curve, NULL), "curve");
    must(kvanswers_trace_create(NULL, &w->trace), "trace");
    for (size_t i = 0; i < w->count; i++) {
        kvanswers_request request = world_request_of(w, i);
        must(kvanswers_curve_observe(w->curve, &request), "observe");
        must(kvanswers_trace_add(w->trace, &request), "add");
    }
}

void world_clear(world *w) {
    for (size_t i = 0; i < w->count; i++) free(w->requests[i].names);
    free(w->requests);
    kvanswers_curve_destroy(w->curve);
    kvanswers_trace_destroy(w->trace);
    *w = (world){.count = 0};
}

void world_group(kvtest_vector *v, const world *from, uint32_t blocks, world *groups) {
    *groups = (world){.block_tokens = from->block_tokens * blocks};
    for (size_t i = 0; i < from->count; i++) {
        const world_request *whole = &from->requests[i];
        size_t full = whole->has_input_tokens
                          ? kvanswers_full_blocks(whole->input_tokens, from->block_tokens, whole->count)
                          : whole->count;
        world_request *request = append(groups);
        request->names = must_have(malloc((full / blocks + 1) * sizeof *request->names));
        request->count = kvanswers_group_names(whole->names, full, blocks, request->names);
        request->time_ms = whole->time_ms;
    }
    world_observe(v, groups);
}

/* ---- figures ---- */

kvanswers_point point_at(const world *w, uint64_t capacity) {
    kvanswers_point point;
    kvcore_error error;
    if (kvanswers_curve_read(w->curve, &capacity, 1, &point, &error) != KVCORE_OK) must(error.code, error.text);
    return point;
}

kvanswers_replay_counts replay_at(const world *w, uint64_t capacity, uint64_t known) {
    kvanswers_replay_counts counts;
    kvanswers_replay_config config = KVANSWERS_REPLAY_CONFIG_INIT;
    config.capacity = capacity;
    config.known_requests = known;
    config.block_tokens = w->block_tokens;
    kvcore_error error;
    if (kvanswers_trace_replay(w->trace, &config, &counts, &error) != KVCORE_OK) must(error.code, error.text);
    return counts;
}

uint64_t optimum_of(const world *w, uint64_t capacity) {
    uint64_t hits = 0;
    kvcore_error error;
    if (kvanswers_curve_optimum(w->curve, &capacity, 1, &hits, &error) != KVCORE_OK) must(error.code, error.text);
    return hits;
}

uint64_t hits_at(const world *w, uint64_t capacity) {
    if (capacity < kvanswers_curve_totals(w->curve).exact_from) return replay_at(w, capacity, 0).hits;
    return point_at(w, capacity).hits;
}

/* ---- differences ---- */

void expect_at(kvtest_vector *v, const char *what, uint64_t capacity, uint64_t actual, uint64_t expected) {
    if (actual != expected)
        kvtest_differ(v, "%s at %llu blocks: got %llu, expected %llu", what, (unsigned long long)capacity,
                      (unsigned long long)actual, (unsigned long long)expected);
}

void expect_known_keys(kvtest_vector *v, json_object *object, const char *const *known) {
    json_object_object_foreach(object, key, value) {
        (void)value;
        size_t i = 0;
        while (known[i] != NULL && strcmp(known[i], key) != 0) i++;
        if (known[i] == NULL) kvtest_differ(v, "field \"%s\" is not known to this driver", key);
    }
}

/* ---- fields that cases and traces share ---- */

void check_tiers(kvtest_vector *v, const world *w, json_object *rows) {
    for (size_t i = 0; i < json_object_array_length(rows); i++) {
        json_object *row = json_object_array_get_idx(rows, i);
        uint64_t device = kvtest_u64(v, row, "device"), host = kvtest_u64(v, row, "host"), found[2] = {0, 0};
        must(kvanswers_trace_inclusive(w->trace, device, &host, 1, &found[0], &found[1], NULL), "inclusive");
        json_object *inclusive = kvtest_array(v, row, "inclusive"), *exclusive = kvtest_array(v, row, "exclusive");
        uint64_t hits = point_at(w, device).hits, both = point_at(w, device + host).hits;
        for (size_t k = 0; k < 2; k++)
            expect_at(v, k == 0 ? "inclusive, device hits" : "inclusive, host hits", host, found[k],
                      kvtest_u64_of(v, json_object_array_get_idx(inclusive, k), "inclusive"));
        expect_at(v, "exclusive, device hits", host, hits,
                  kvtest_u64_of(v, json_object_array_get_idx(exclusive, 0), "exclusive"));
        expect_at(v, "exclusive, host hits", host, both - hits,
                  kvtest_u64_of(v, json_object_array_get_idx(exclusive, 1), "exclusive"));
    }
}

static void check_ttl_row(kvtest_vector *v, const kvanswers_ttl *ttl, size_t i, json_object *row) {
    kvanswers_ttl_point point;
    uint64_t capacity = kvtest_u64_or(v, row, "capacity", UINT64_MAX);
    must(kvanswers_ttl_read(ttl, i, capacity, &point), "ttl");
    expect_at(v, "hits under a limit of time", capacity, point.hits, kvtest_u64(v, row, "hits"));
    expect_at(v, "peak blocks", capacity, point.peak_blocks, kvtest_u64(v, row, "peak_blocks"));
    if (!kvtest_is_null(row, "mean_blocks"))
        expect_at(v, "mean blocks", capacity, (uint64_t)(point.mean_blocks + 0.5), kvtest_u64(v, row, "mean_blocks"));
}

void check_ttl(kvtest_vector *v, const world *w, json_object *rows) {
    size_t count = json_object_array_length(rows);
    uint64_t *limits = kvtest_line_alloc(v, count * sizeof *limits);
    for (size_t i = 0; i < count; i++) limits[i] = kvtest_u64(v, json_object_array_get_idx(rows, i), "ttl_ms");
    kvanswers_ttl *ttl;
    world again = {.block_tokens = w->block_tokens};
    must(kvanswers_ttl_create(limits, count, NULL, &ttl), "ttl");
    must(kvanswers_curve_create(&(kvanswers_curve_config)KVANSWERS_CURVE_CONFIG_INIT, &again.curve, NULL), "curve");
    for (size_t i = 0; i < w->count; i++) {
        kvanswers_request request = world_request_of(w, i);
        must(kvanswers_curve_observe(again.curve, &request), "observe");
        must(kvanswers_ttl_observe(ttl, again.curve, &request), "observe");
    }
    for (size_t i = 0; i < count; i++) check_ttl_row(v, ttl, i, json_object_array_get_idx(rows, i));
    world_clear(&again);
    kvanswers_ttl_destroy(ttl);
}

void check_queue(kvtest_vector *v, const world *w, json_object *rows) {
    for (size_t i = 0; i < json_object_array_length(rows); i++) {
        json_object *row = json_object_array_get_idx(rows, i);
        uint64_t capacity = kvtest_u64(v, row, "capacity"), known = kvtest_u64(v, row, "requests_known");
        expect_at(v, "hits with a known queue", capacity, replay_at(w, capacity, known).hits,
                  kvtest_u64(v, row, "hits"));
    }
}
