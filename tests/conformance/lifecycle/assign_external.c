/* assign_external_*: trackers of block ids, step by step with their whole state. */
#include "assign.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

typedef kvlogical_external_assignments tracker;
typedef assign_external_file file;

/* ---- comparing ---- */

static json_object *at(json_object *array, size_t i) { return json_object_array_get_idx(array, i); }

static json_object *ok_of(kvtest_vector *v) { return kvtest_field(v, kvtest_field(v, v->line, "r"), "ok"); }

static void expect_range(kvtest_vector *v, const char *what, kvlogical_range range, json_object *expected) {
    if (expected == NULL || json_object_array_length(expected) != 2) {
        kvtest_differ(v, "%s: the trace has no range", what);
        return;
    }
    kvtest_expect_u64(v, what, range.start, kvtest_u64_of(v, at(expected, 0), what));
    kvtest_expect_u64(v, what, range.end, kvtest_u64_of(v, at(expected, 1), what));
}

static void expect_pair(kvtest_vector *v, file *f, const char *what, uint64_t id, kvhash_plh name, json_object *pair) {
    uint64_t index = kvtest_u64_of(v, at(pair, 1), what);
    kvtest_expect_u64(v, what, id, kvtest_u64_of(v, at(pair, 0), what));
    if (index >= f->world.name_count || !kvhash_plh_equal(name, f->world.names[index]))
        kvtest_differ(v, "%s: block %" PRIu64 " has another name", what, id);
}

static void expect_pairs(kvtest_vector *v, file *f, const char *what, const uint64_t *ids, const kvhash_plh *names,
                         size_t count, json_object *expected) {
    kvtest_expect_u64(v, what, count, json_object_array_length(expected));
    for (size_t i = 0; i < count && !v->failed; i++) expect_pair(v, f, what, ids[i], names[i], at(expected, i));
}

/* A failed call: its code, its fields and its text. */
static void expect_error(kvtest_vector *v, kvcore_status status, const kvcore_error *error) {
    json_object *expected = kvtest_field(v, kvtest_field(v, v->line, "r"), "err");
    const char *variant = kvtest_string(v, expected, "variant");
    kvtest_expect_status(v, "error.code", error->code, status);
    kvtest_expect_text(v, "error.text", error->text, kvtest_string(v, expected, "message"));
    if (strcmp(variant, "OrderingViolation") == 0) {
        kvtest_expect_status(v, variant, status, KVLOGICAL_EORDERING);
        kvtest_expect_u64(v, "known_id", error->actual, kvtest_u64(v, expected, "known_id"));
        kvtest_expect_u64(v, "new_id", error->expected, kvtest_u64(v, expected, "new_id"));
        kvtest_expect_u64(v, "known_index", error->index, kvtest_u64(v, expected, "known_index"));
        kvtest_expect_u64(v, "first_new_index", error->offset, kvtest_u64(v, expected, "first_new_index"));
    } else if (strcmp(variant, "DuplicateBlockId") == 0) {
        kvtest_expect_status(v, variant, status, KVLOGICAL_EDUPLICATE);
        kvtest_expect_u64(v, "block_id", error->actual, kvtest_u64(v, expected, "block_id"));
    } else if (strcmp(variant, "PositionMismatch") == 0) {
        kvtest_expect_status(v, variant, status, KVLOGICAL_EPOSITION);
        kvtest_expect_u64(v, "expected", error->expected, kvtest_u64(v, expected, "expected"));
        kvtest_expect_u64(v, "actual", error->actual, kvtest_u64(v, expected, "actual"));
        kvtest_expect_u64(v, "block_id", error->offset, kvtest_u64(v, expected, "block_id"));
    } else {
        kvtest_differ(v, "error variant \"%s\" is not known", variant);
    }
}

/* Did it go as the trace says? If so and it went well, the result is to be compared. */
static bool went_well(kvtest_vector *v, kvcore_status status, const kvcore_error *error) {
    json_object *result = kvtest_field(v, v->line, "r");
    if (kvtest_has(result, "err")) {
        if (status == KVCORE_OK)
            kvtest_differ(v, "went well, expected %s", json_object_to_json_string(result));
        else
            expect_error(v, status, error);
        return false;
    }
    return world_ok(v, kvtest_string(v, v->line, "op"), status);
}

static void expect_state(kvtest_vector *v, file *f, const tracker *t) {
    json_object *state = kvtest_field(v, v->line, "state");
    kvlogical_external_assignments_view view = kvlogical_external_assignments_view_of(t);
    json_object *unassigned = kvtest_array(v, state, "unassigned");
    expect_pairs(v, f, "assigned", view.block_ids, view.names, view.assigned, kvtest_array(v, state, "assigned"));
    expect_pairs(v, f, "staged", view.block_ids + view.assigned, view.names + view.assigned, view.staged,
                 kvtest_array(v, state, "staged"));
    kvtest_expect_u64(v, "unassigned", view.unassigned, json_object_array_length(unassigned));
    for (size_t i = 0; i < view.unassigned && !v->failed; i++)
        kvtest_expect_u64(v, "unassigned id", view.block_ids[view.assigned + view.staged + i],
                          kvtest_u64_of(v, at(unassigned, i), "unassigned"));
    kvtest_expect_u64(v, "next_position", kvlogical_external_assignments_next_position(&view),
                      kvtest_u64(v, state, "next_position"));
    expect_range(v, "assigned_positions", kvlogical_external_assignments_assigned_positions(&view),
                 kvtest_field(v, state, "assigned_positions"));
    expect_range(v, "staged_positions", kvlogical_external_assignments_staged_positions(&view),
                 kvtest_field(v, state, "staged_positions"));
    expect_range(v, "pending_positions", kvlogical_external_assignments_pending_positions(&view),
                 kvtest_field(v, state, "pending_positions"));
}

/* ---- the ops ---- */

static void extend_ids(kvtest_vector *v, file *f, tracker *t) {
    (void)f;
    json_object *list = kvtest_array(v, v->line, "ids");
    size_t count = json_object_array_length(list);
    uint64_t *ids = kvtest_line_alloc(v, count * sizeof *ids);
    for (size_t i = 0; i < count; i++) ids[i] = kvtest_u64_of(v, at(list, i), "ids");
    kvcore_error error = {0};
    went_well(v, kvlogical_external_assignments_extend(t, ids, count, &error), &error);
}

static void extend_assigned(kvtest_vector *v, file *f, tracker *t) {
    json_object *list = kvtest_array(v, v->line, "items");
    size_t count = json_object_array_length(list);
    kvlogical_assignment *blocks = kvtest_line_alloc(v, count * sizeof *blocks);
    for (size_t i = 0; i < count; i++) {
        uint64_t index = kvtest_u64_of(v, at(at(list, i), 1), "items");
        blocks[i].block_id = kvtest_u64_of(v, at(at(list, i), 0), "items");
        if (index < f->world.name_count) blocks[i].name = f->world.names[index];
    }
    kvcore_error error = {0};
    if (went_well(v, kvlogical_external_assignments_extend_assigned(t, blocks, count, &error), &error))
        kvtest_expect_u64(v, "count", count, kvtest_u64_of(v, ok_of(v), "ok"));
}

static void stage(kvtest_vector *v, file *f, tracker *t) {
    size_t count;
    const kvhash_plh *names = world_names(v, &f->world, v->line, "x", &count);
    kvlogical_range range = {0, 0};
    kvcore_error error = {0};
    if (went_well(v, kvlogical_external_assignments_stage(t, names, count, &range, &error), &error))
        expect_range(v, "staged", range, ok_of(v));
}

static void assign(kvtest_vector *v, file *f, tracker *t) {
    size_t count;
    const kvhash_plh *names = world_names(v, &f->world, v->line, "x", &count);
    kvlogical_range range = {0, 0};
    kvcore_error error = {0};
    if (went_well(v, kvlogical_external_assignments_assign(t, names, count, &range, &error), &error))
        expect_range(v, "assigned", range, ok_of(v));
}

static void commit(kvtest_vector *v, file *f, tracker *t) {
    (void)f;
    expect_range(v, "committed", kvlogical_external_assignments_commit(t), ok_of(v));
}

static void take_staged(kvtest_vector *v, file *f, tracker *t) {
    size_t count = 0;
    kvcore_status status = kvlogical_external_assignments_take_staged(t, NULL, 0, &count);
    if (count > 0) kvtest_expect_status(v, "take_staged for the count", status, KVCORE_EBUFFER);
    kvlogical_assignment *blocks = kvtest_line_alloc(v, count * sizeof *blocks);
    if (!world_ok(v, "take_staged", kvlogical_external_assignments_take_staged(t, blocks, count, &count))) return;
    json_object *expected = ok_of(v);
    kvtest_expect_u64(v, "taken", count, json_object_array_length(expected));
    for (size_t i = 0; i < count && !v->failed; i++)
        expect_pair(v, f, "taken", blocks[i].block_id, blocks[i].name, at(expected, i));
}

static void clear(kvtest_vector *v, file *f, tracker *t) {
    (void)v, (void)f;
    kvlogical_external_assignments_clear(t);
}

static void contains(kvtest_vector *v, file *f, tracker *t) {
    (void)f;
    bool there = kvlogical_external_assignments_contains(t, kvtest_u64(v, v->line, "id"));
    kvtest_expect_u64(v, "contains", there, json_object_get_boolean(ok_of(v)));
}

static void expect_found(kvtest_vector *v, file *f, bool found, uint64_t id, kvhash_plh name) {
    json_object *expected = ok_of(v);
    kvtest_expect_u64(v, "found", found, expected != NULL);
    if (found && expected != NULL) expect_pair(v, f, "found", id, name, expected);
}

static void get_assigned(kvtest_vector *v, file *f, tracker *t) {
    kvlogical_external_assignments_view view = kvlogical_external_assignments_view_of(t);
    uint64_t i = kvtest_u64(v, v->line, "index");
    bool found = i < view.assigned;
    expect_found(v, f, found, found ? view.block_ids[i] : 0, found ? view.names[i] : (kvhash_plh){0, 0});
}

static void get_staged(kvtest_vector *v, file *f, tracker *t) {
    kvlogical_external_assignments_view view = kvlogical_external_assignments_view_of(t);
    uint64_t i = kvtest_u64(v, v->line, "index") + view.assigned;
    bool found = i < view.assigned + view.staged;
    expect_found(v, f, found, found ? view.block_ids[i] : 0, found ? view.names[i] : (kvhash_plh){0, 0});
}

static void get_at_position(kvtest_vector *v, file *f, tracker *t) {
    kvlogical_assignment block = {0};
    bool found = kvlogical_external_assignments_at_position(t, kvtest_u64(v, v->line, "pos"), &block);
    expect_found(v, f, found, block.block_id, block.name);
}

static void get_pending_at_position(kvtest_vector *v, file *f, tracker *t) {
    (void)f;
    uint64_t id = 0;
    bool found = kvlogical_external_assignments_pending_at_position(t, kvtest_u64(v, v->line, "pos"), &id);
    json_object *expected = ok_of(v);
    kvtest_expect_u64(v, "found", found, expected != NULL);
    if (found && expected != NULL) kvtest_expect_u64(v, "pending id", id, kvtest_u64_of(v, expected, "ok"));
}

typedef kvcore_status (*zip_function)(const tracker *, const tracker *, kvlogical_zipped *, size_t, size_t *);

static void zip(kvtest_vector *v, file *f, const tracker *t, zip_function run) {
    uint64_t other = kvtest_u64(v, v->line, "b");
    if (other >= ASSIGN_TRACKERS || f->trackers[other] == NULL) {
        kvtest_differ(v, "there is no instance %" PRIu64, other);
        return;
    }
    size_t count = 0;
    kvcore_status status = run(t, f->trackers[other], NULL, 0, &count);
    if (count > 0) kvtest_expect_status(v, "zip for the count", status, KVCORE_EBUFFER);
    kvlogical_zipped *zipped = kvtest_line_alloc(v, count * sizeof *zipped);
    if (!world_ok(v, "zip", run(t, f->trackers[other], zipped, count, &count))) return;
    json_object *expected = ok_of(v);
    kvtest_expect_u64(v, "zipped", count, json_object_array_length(expected));
    for (size_t i = 0; i < count && !v->failed; i++) {
        kvtest_expect_u64(v, "position", zipped[i].position, kvtest_u64_of(v, at(at(expected, i), 0), "zip"));
        kvtest_expect_u64(v, "first", zipped[i].first, kvtest_u64_of(v, at(at(expected, i), 1), "zip"));
        kvtest_expect_u64(v, "second", zipped[i].second, kvtest_u64_of(v, at(at(expected, i), 2), "zip"));
    }
}

static void zip_assigned(kvtest_vector *v, file *f, tracker *t) {
    zip(v, f, t, kvlogical_external_assignments_zip_assigned);
}
static void zip_pending(kvtest_vector *v, file *f, tracker *t) {
    zip(v, f, t, kvlogical_external_assignments_zip_pending);
}

static const struct op {
    const char *name;
    void (*run)(kvtest_vector *, file *, tracker *);
} ops[] = {
    {"extend_block_ids", extend_ids},
    {"extend_assigned", extend_assigned},
    {"stage_pending", stage},
    {"assign_pending", assign},
    {"commit_staged", commit},
    {"take_staged", take_staged},
    {"clear", clear},
    {"contains", contains},
    {"get_assigned", get_assigned},
    {"get_staged", get_staged},
    {"get_at_position", get_at_position},
    {"get_pending_at_position", get_pending_at_position},
    {"zip_assigned", zip_assigned},
    {"zip_assigned_pending", zip_pending},
};

static void run(kvtest_vector *v, file *f) {
    uint64_t e = kvtest_u64(v, v->line, "e");
    const char *name = kvtest_string(v, v->line, "op");
    if (e >= ASSIGN_TRACKERS) {
        kvtest_differ(v, "there is no instance %" PRIu64, e);
        return;
    }
    if (strcmp(name, "new") == 0) {
        kvlogical_external_assignments_destroy(f->trackers[e]);
        if (world_ok(v, name,
                     kvlogical_external_assignments_create(kvtest_u64(v, v->line, "offset"), NULL, &f->trackers[e])))
            expect_state(v, f, f->trackers[e]);
        return;
    }
    size_t i = 0;
    while (i < COUNT(ops) && strcmp(ops[i].name, name) != 0) i++;
    if (i == COUNT(ops) || f->trackers[e] == NULL) {
        kvtest_differ(v, "there is no op \"%s\" or no instance %" PRIu64, name, e);
        return;
    }
    ops[i].run(v, f, f->trackers[e]);
    expect_state(v, f, f->trackers[e]);
}

void check_assign_external(kvtest_vector *v) {
    file *f = v->context;
    if (f->broken)
        kvtest_differ(v, "not reached: an earlier step differs");
    else if (v->line_number == 1)
        world_read_names(v, &f->world);
    else
        run(v, f);
    f->broken = v->failed;
}

void end_assign_external(void *context) {
    file *f = context;
    for (size_t i = 0; i < ASSIGN_TRACKERS; i++) kvlogical_external_assignments_destroy(f->trackers[i]);
    world_end(&f->world);
}
