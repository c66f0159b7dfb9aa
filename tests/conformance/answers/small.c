/* Cases that are small enough to check by hand: every figure at every capacity. */
#include <stdio.h>
#include <string.h>

#include "world.h"

static void check_distances(kvtest_vector *v, const world *w, json_object *lists) {
    world again = {.block_tokens = w->block_tokens};
    must(kvanswers_curve_create(&(kvanswers_curve_config)KVANSWERS_CURVE_CONFIG_INIT, &again.curve, NULL), "curve");
    for (size_t i = 0; i < w->count; i++) {
        kvanswers_request request = world_request_of(w, i);
        must(kvanswers_curve_observe(again.curve, &request), "observe");
        size_t count = 0, seen = 0;
        const kvanswers_run *runs = kvanswers_curve_runs(again.curve, &count);
        json_object *list = json_object_array_get_idx(lists, i);
        for (size_t k = 0; k < count; k++)
            for (uint32_t j = 0; j < runs[k].count; j++, seen++)
                expect_at(v, "distance", seen, runs[k].distance + j,
                          kvtest_u64_of(v, json_object_array_get_idx(list, runs[k].first + j), "distances"));
        for (; seen < request.count; seen++)
            kvtest_expect_true(v, "a first reference has no distance", json_object_array_get_idx(list, seen) == NULL);
    }
    world_clear(&again);
}

static void check_lru_row(kvtest_vector *v, const world *w, json_object *row) {
    uint64_t capacity = kvtest_u64(v, row, "capacity");
    kvanswers_replay_counts counts = replay_at(w, capacity, 0);
    expect_at(v, "replayed hits", capacity, counts.hits, kvtest_u64(v, row, "hits"));
    expect_at(v, "replayed hit tokens", capacity, counts.hit_tokens, kvtest_u64(v, row, "hit_tokens"));
    expect_at(v, "replayed evictions", capacity, counts.evictions, kvtest_u64(v, row, "evictions"));
    expect_at(v, "oversized", capacity, counts.oversized, kvtest_u64(v, row, "oversized"));
    expect_at(v, "replayed never reused", capacity, counts.never_reused, kvtest_u64(v, row, "never_reused"));
    if (capacity < kvanswers_curve_totals(w->curve).exact_from) return;
    kvanswers_point point = point_at(w, capacity);
    expect_at(v, "hits", capacity, point.hits, counts.hits);
    expect_at(v, "hit tokens", capacity, point.hit_tokens, counts.hit_tokens);
    expect_at(v, "evictions", capacity, point.evictions, counts.evictions);
    expect_at(v, "never reused", capacity, point.never_reused, counts.never_reused);
}

static void check_misses_row(kvtest_vector *v, const world *w, json_object *row) {
    uint64_t capacity = kvtest_u64(v, row, "capacity");
    kvanswers_replay_counts counts = replay_at(w, capacity, 0);
    expect_at(v, "compulsory misses", capacity, counts.compulsory, kvtest_u64(v, row, "compulsory"));
    expect_at(v, "refused misses", capacity, counts.refused, kvtest_u64(v, row, "refused"));
    expect_at(v, "evicted misses", capacity, counts.evicted, kvtest_u64(v, row, "evicted"));
    expect_at(v, "misses behind a gap", capacity, counts.behind_a_gap, kvtest_u64_or(v, row, "behind_a_gap", 0));
}

static void check_optimum_row(kvtest_vector *v, const world *w, json_object *row) {
    uint64_t capacity = kvtest_u64(v, row, "capacity");
    expect_at(v, "optimum", capacity, optimum_of(w, capacity), kvtest_u64(v, row, "hits"));
}

static void each_row(kvtest_vector *v, const world *w, json_object *rows,
                     void (*check)(kvtest_vector *v, const world *w, json_object *row)) {
    for (size_t i = 0; i < json_object_array_length(rows); i++) check(v, w, json_object_array_get_idx(rows, i));
}

static void check_unbounded(kvtest_vector *v, const world *w, json_object *expected) {
    kvanswers_totals totals = kvanswers_curve_totals(w->curve);
    kvtest_expect_u64(v, "ceiling hits", totals.ceiling_hits, kvtest_u64(v, expected, "hits"));
    kvtest_expect_u64(v, "ceiling hit tokens", totals.ceiling_hit_tokens, kvtest_u64(v, expected, "hit_tokens"));
    kvtest_expect_u64(v, "never reused without bound", point_at(w, UINT64_MAX).never_reused,
                      kvtest_u64(v, expected, "never_reused"));
}

static void check_groups_row(kvtest_vector *v, const world *w, json_object *row) {
    world groups;
    world_group(v, w, (uint32_t)kvtest_u64(v, row, "blocks_a_group"), &groups);
    kvanswers_totals totals = kvanswers_curve_totals(groups.curve);
    json_object *hits = kvtest_array(v, row, "hits");
    kvtest_expect_u64(v, "references of groups", totals.references, kvtest_u64(v, row, "references"));
    kvtest_expect_u64(v, "unique groups", totals.unique_blocks, kvtest_u64(v, row, "unique_groups"));
    kvtest_expect_u64(v, "longest in groups", totals.longest_request, kvtest_u64(v, row, "longest"));
    for (size_t i = 0; i < json_object_array_length(hits); i++) {
        json_object *at = json_object_array_get_idx(hits, i);
        uint64_t capacity = kvtest_u64(v, at, "groups");
        expect_at(v, "hits in groups", capacity, hits_at(&groups, capacity), kvtest_u64(v, at, "hits"));
    }
    world_clear(&groups);
}

/* ---- tenants ---- */

#define TENANTS_MAX 256

typedef struct tenant_names {
    const char *names[TENANTS_MAX];
    size_t count;
} tenant_names;

static size_t number_of(tenant_names *names, const char *tenant) {
    size_t i = 0;
    while (i < names->count && strcmp(names->names[i], tenant) != 0) i++;
    if (i == names->count && i < TENANTS_MAX) names->names[names->count++] = tenant;
    return i;
}

static void check_tenant(kvtest_vector *v, const kvanswers_tenants *tenants, size_t number, json_object *expected) {
    const kvanswers_curve *alone = kvanswers_tenants_alone(tenants, number);
    json_object *shared_rows = kvtest_array(v, expected, "hits_shared");
    json_object *alone_rows = kvtest_array(v, expected, "hits_alone");
    kvtest_expect_u64(v, "references of a tenant", kvanswers_curve_totals(alone).references,
                      kvtest_u64(v, expected, "references"));
    for (size_t i = 0; i < json_object_array_length(shared_rows); i++) {
        json_object *row = json_object_array_get_idx(shared_rows, i);
        uint64_t capacity = kvtest_u64(v, row, "capacity");
        expect_at(v, "a tenant's shared hits", capacity, kvanswers_tenants_shared(tenants, number, capacity),
                  kvtest_u64(v, row, "hits"));
    }
    for (size_t i = 0; i < json_object_array_length(alone_rows); i++) {
        json_object *row = json_object_array_get_idx(alone_rows, i);
        uint64_t capacity = kvtest_u64(v, row, "capacity");
        kvanswers_point point = {0};
        must(kvanswers_curve_read(alone, &capacity, 1, &point, NULL), "alone");
        expect_at(v, "a tenant's hits alone", capacity, point.hits, kvtest_u64(v, row, "hits"));
    }
}

static void check_tenants(kvtest_vector *v, const world *w, json_object *expected) {
    tenant_names names = {.count = 0};
    world again = {.block_tokens = w->block_tokens};
    kvanswers_tenants *tenants;
    must(kvanswers_tenants_create(w->block_tokens, NULL, &tenants), "tenants");
    must(kvanswers_curve_create(&(kvanswers_curve_config)KVANSWERS_CURVE_CONFIG_INIT, &again.curve, NULL), "curve");
    for (size_t i = 0; i < w->count; i++) {
        kvanswers_request request = world_request_of(w, i);
        must(kvanswers_curve_observe(again.curve, &request), "observe");
        must(kvanswers_tenants_observe(tenants, number_of(&names, w->requests[i].tenant), again.curve, &request),
             "observe");
    }
    json_object_object_foreach(expected, name, value) {
        size_t number = number_of(&names, name);
        if (number >= kvanswers_tenants_count(tenants))
            kvtest_differ(v, "tenant \"%s\" has no request", name);
        else
            check_tenant(v, tenants, number, value);
    }
    world_clear(&again);
    kvanswers_tenants_destroy(tenants);
}

void check_case(kvtest_vector *v) {
    static const char *const known[] = {"references",
                                        "unique_blocks",
                                        "longest_request",
                                        "exact_from",
                                        "distances",
                                        "lru",
                                        "unbounded",
                                        "optimum",
                                        "bypass_belady_not_a_bound_to_report",
                                        "misses",
                                        "tiers",
                                        "ttl",
                                        "queue",
                                        "groups_of_full_blocks",
                                        "tenants",
                                        NULL};
    world w = {.block_tokens = (uint32_t)kvtest_u64(v, v->line, "block_tokens")};
    json_object *requests = kvtest_array(v, v->line, "requests"), *e = kvtest_field(v, v->line, "expected");
    for (size_t i = 0; i < json_object_array_length(requests); i++)
        world_add(v, &w, json_object_array_get_idx(requests, i));
    world_observe(v, &w);
    kvanswers_totals totals = kvanswers_curve_totals(w.curve);
    kvtest_expect_u64(v, "references", totals.references, kvtest_u64(v, e, "references"));
    kvtest_expect_u64(v, "unique blocks", totals.unique_blocks, kvtest_u64(v, e, "unique_blocks"));
    kvtest_expect_u64(v, "longest request", totals.longest_request, kvtest_u64(v, e, "longest_request"));
    kvtest_expect_u64(v, "exact from", totals.exact_from, kvtest_u64(v, e, "exact_from"));
    expect_known_keys(v, e, known);
    check_distances(v, &w, kvtest_array(v, e, "distances"));
    each_row(v, &w, kvtest_array(v, e, "lru"), check_lru_row);
    each_row(v, &w, kvtest_array(v, e, "misses"), check_misses_row);
    each_row(v, &w, kvtest_array(v, e, "optimum"), check_optimum_row);
    check_unbounded(v, &w, kvtest_field(v, e, "unbounded"));
    if (kvtest_has(e, "tiers")) check_tiers(v, &w, kvtest_array(v, e, "tiers"));
    if (kvtest_has(e, "ttl")) check_ttl(v, &w, kvtest_array(v, e, "ttl"));
    if (kvtest_has(e, "queue")) check_queue(v, &w, kvtest_array(v, e, "queue"));
    if (kvtest_has(e, "groups_of_full_blocks"))
        each_row(v, &w, kvtest_array(v, e, "groups_of_full_blocks"), check_groups_row);
    if (kvtest_has(e, "tenants")) check_tenants(v, &w, kvtest_field(v, e, "tenants"));
    if (v->failed) {
        char difference[sizeof v->difference];
        memcpy(difference, v->difference, sizeof difference);
        snprintf(v->difference, sizeof v->difference, "%s: %.300s", kvtest_string(v, v->line, "name"), difference);
    }
    world_clear(&w);
}
