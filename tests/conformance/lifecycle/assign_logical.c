/* assign_logical_*: a tracker of guards and the manager under it, step by step with their whole state. */
#include "assign.h"

#include <kvlogical/inspect.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

typedef assign_logical_file file;

static json_object *at(json_object *array, size_t i) { return json_object_array_get_idx(array, i); }
static json_object *result(kvtest_vector *v) { return kvtest_field(v, v->line, "r"); }
static json_object *ok_of(kvtest_vector *v) { return kvtest_field(v, result(v), "ok"); }

/* ---- guards in and out ---- */

/* The guards of field "hs", as one array; which of them is where is remembered for their return. */
static world_guard **guards_of_line(kvtest_vector *v, file *f, world_kind kind, size_t *count) {
    json_object *numbers = kvtest_array(v, v->line, "hs");
    *count = json_object_array_length(numbers);
    world_guard **guards = kvtest_line_alloc(v, *count * sizeof(world_guard *));
    for (size_t i = 0; i < *count; i++)
        guards[i] = world_guard_at(v, &f->world, kvtest_u64_of(v, at(numbers, i), "hs"), kind);
    if (v->failed) *count = 0;
    return guards;
}

/* Compare the outcome of an extend. On failure every guard is still what it was. */
static void expect_extended(kvtest_vector *v, kvcore_status status, const kvcore_error *error, size_t count,
                            const char *variant) {
    if (!kvtest_has(result(v), "err")) {
        if (world_ok(v, "extend", status)) kvtest_expect_u64(v, "count", count, kvtest_u64_of(v, ok_of(v), "ok"));
        return;
    }
    json_object *expected = kvtest_field(v, result(v), "err");
    kvtest_expect_text(v, "variant", variant, kvtest_string(v, expected, "variant"));
    kvtest_expect_status(v, variant, status, KVLOGICAL_EDUPLICATE);
    if (status == KVCORE_OK) return;
    kvtest_expect_u64(v, "block_id", error->actual, kvtest_u64(v, expected, "block_id"));
    kvtest_expect_text(v, "error.text", error->text, kvtest_string(v, expected, "message"));
}

static void extend(kvtest_vector *v, world *w) {
    file *f = (file *)(void *)w;
    size_t count;
    world_guard **guards = guards_of_line(v, f, WORLD_MUTABLE, &count);
    kvlogical_mutable *blocks = kvtest_line_alloc(v, count * sizeof *blocks);
    for (size_t i = 0; i < count; i++) blocks[i] = guards[i]->mutable_block;
    kvcore_error error = {0};
    kvcore_status status = kvlogical_assignments_extend(f->tracker, blocks, count, &error);
    expect_extended(v, status, &error, count, "DuplicateBlockId");
    for (size_t i = 0; i < count; i++) {
        uint64_t expected = status == KVCORE_OK ? 0 : guards[i]->mutable_block.manager;
        kvtest_expect_u64(v, "manager of the guard that went in", blocks[i].manager, expected);
        if (status == KVCORE_OK) guards[i]->kind = WORLD_NOTHING;
    }
}

static void extend_assigned(kvtest_vector *v, world *w) {
    file *f = (file *)(void *)w;
    size_t count;
    world_guard **guards = guards_of_line(v, f, WORLD_IMMUTABLE, &count);
    kvlogical_immutable *held = kvtest_line_alloc(v, count * sizeof *held);
    for (size_t i = 0; i < count; i++) held[i] = guards[i]->immutable;
    kvcore_error error = {0};
    kvcore_status status = kvlogical_assignments_extend_assigned(f->tracker, held, count, &error);
    expect_extended(v, status, &error, count, "DuplicateAssignedBlockId");
    for (size_t i = 0; i < count; i++) {
        uint64_t expected = status == KVCORE_OK ? 0 : guards[i]->immutable.manager;
        kvtest_expect_u64(v, "manager of the guard that went in", held[i].manager, expected);
        if (status == KVCORE_OK) guards[i]->kind = WORLD_NOTHING;
    }
}

static void stage(kvtest_vector *v, world *w) {
    file *f = (file *)(void *)w;
    size_t count, sizes;
    json_object *indices = kvtest_array(v, v->line, "x");
    const uint32_t *tokens = kvtest_tokens(v, v->line, "bs", &sizes);
    count = json_object_array_length(indices);
    if (sizes != count) kvtest_differ(v, "%zu sizes for %zu blocks", sizes, count);
    kvhash_plh *names = kvtest_line_alloc(v, count * sizeof *names);
    for (size_t i = 0; i < count && !v->failed; i++) {
        if (at(indices, i) == NULL) continue; /* a block of the wrong size, which has no name */
        uint64_t index = kvtest_u64_of(v, at(indices, i), "x");
        if (index < w->name_count) names[i] = w->names[index];
    }
    if (v->failed) return;
    size_t staged = 0;
    kvlogical_mutable failed = {0};
    kvcore_error error = {0};
    kvcore_status status = kvlogical_assignments_stage(f->tracker, names, tokens, count, &staged, &failed, &error);
    if (!kvtest_has(result(v), "err")) {
        if (world_ok(v, "stage", status)) kvtest_expect_u64(v, "staged", staged, kvtest_u64_of(v, ok_of(v), "ok"));
        return;
    }
    world_expect_refusal(v, status, &error, result(v));
    if (status != KVLOGICAL_EBLOCK_SIZE) return;
    kvtest_expect_u64(v, "failed block", failed.block, kvtest_u64(v, result(v), "b"));
    world_add(v, w, (world_guard){WORLD_MUTABLE, 0, {.mutable_block = failed}}, kvtest_field(v, result(v), "h"));
}

static void register_staged(kvtest_vector *v, world *w) {
    file *f = (file *)(void *)w;
    size_t count = 0;
    if (world_ok(v, "register", kvlogical_assignments_register(f->tracker, &count)))
        kvtest_expect_u64(v, "registered", count, kvtest_u64_of(v, ok_of(v), "ok"));
}

static void pop(kvtest_vector *v, world *w) {
    file *f = (file *)(void *)w;
    uint64_t key;
    kvlogical_mutable block;
    if (!kvlogical_assignments_pop(f->tracker, &key, &block)) {
        if (!kvtest_is_null(v->line, "r")) kvtest_differ(v, "nothing popped, expected a block");
        return;
    }
    world_add(v, w, (world_guard){WORLD_MUTABLE, 0, {.mutable_block = block}}, kvtest_field(v, result(v), "h"));
    kvtest_expect_u64(v, "key", key, kvtest_u64(v, result(v), "key"));
    kvtest_expect_u64(v, "block", block.block, kvtest_u64(v, result(v), "b"));
}

/* Each taken guard becomes a numbered one: [key, number, block]. */
static void add_taken(kvtest_vector *v, world *w, world_guard guard, uint64_t key, json_object *expected) {
    world_add(v, w, guard, at(expected, 1));
    kvtest_expect_u64(v, "key", key, kvtest_u64_of(v, at(expected, 0), "key"));
    kvtest_expect_u64(v, "block", guard.immutable.block, kvtest_u64_of(v, at(expected, 2), "block"));
}

/* NOLINTBEGIN(bugprone-macro-parentheses): the arguments are types and names */
#define TAKE(op, part, type, guard_kind, member)                                                            \
    static void op(kvtest_vector *v, world *w) {                                                            \
        file *f = (file *)(void *)w;                                                                        \
        size_t count = 0;                                                                                   \
        kvcore_status status = part(f->tracker, NULL, NULL, 0, &count);                                     \
        if (count > 0) kvtest_expect_status(v, "take for the count", status, KVCORE_EBUFFER);               \
        type *guards = kvtest_line_alloc(v, count * sizeof *guards);                                        \
        uint64_t *keys = kvtest_line_alloc(v, count * sizeof *keys);                                        \
        if (!world_ok(v, "take", part(f->tracker, keys, guards, count, &count))) return;                    \
        kvtest_expect_u64(v, "taken", count, json_object_array_length(ok_of(v)));                           \
        for (size_t i = 0; i < count && !v->failed; i++)                                                    \
            add_taken(v, w, (world_guard){guard_kind, 0, {.member = guards[i]}}, keys[i], at(ok_of(v), i)); \
    }
/* NOLINTEND(bugprone-macro-parentheses) */
TAKE(take_assigned, kvlogical_assignments_take_assigned, kvlogical_immutable, WORLD_IMMUTABLE, immutable)
TAKE(take_staged, kvlogical_assignments_take_staged, kvlogical_complete, WORLD_COMPLETE, complete)
TAKE(take_unassigned, kvlogical_assignments_take_unassigned, kvlogical_mutable, WORLD_MUTABLE, mutable_block)

static void clear(kvtest_vector *v, world *w) {
    (void)v;
    kvlogical_assignments_clear(((file *)(void *)w)->tracker);
}

static void contains(kvtest_vector *v, world *w) {
    bool there = kvlogical_assignments_contains(((file *)(void *)w)->tracker, kvtest_u64(v, v->line, "id"));
    kvtest_expect_u64(v, "contains", there, json_object_get_boolean(ok_of(v)));
}

/* ---- the state ---- */

/* [key, block, name]; an unassigned block has no name. */
static void expect_entry(kvtest_vector *v, world *w, const char *what, uint64_t key, uint32_t block,
                         const kvhash_plh *name, json_object *expected) {
    kvtest_expect_u64(v, what, key, kvtest_u64_of(v, at(expected, 0), what));
    kvtest_expect_u64(v, what, block, kvtest_u64_of(v, at(expected, 1), what));
    if (name == NULL) return;
    uint64_t index = kvtest_u64_of(v, at(expected, 2), what);
    if (index >= w->name_count || !kvhash_plh_equal(*name, w->names[index]))
        kvtest_differ(v, "%s: key %" PRIu64 " has another name", what, key);
}

static void expect_state(kvtest_vector *v, file *f) {
    world *w = &f->world;
    json_object *state = kvtest_field(v, v->line, "state");
    kvlogical_assignments_view view = kvlogical_assignments_view_of(f->tracker);
    json_object *assigned = kvtest_array(v, state, "assigned"), *staged = kvtest_array(v, state, "staged");
    json_object *unassigned = kvtest_array(v, state, "unassigned"), *all = kvtest_array(v, state, "all_ids");
    kvtest_expect_u64(v, "assigned", view.assigned_count, json_object_array_length(assigned));
    kvtest_expect_u64(v, "staged", view.staged_count, json_object_array_length(staged));
    kvtest_expect_u64(v, "unassigned", view.unassigned_count, json_object_array_length(unassigned));
    size_t named = view.assigned_count + view.staged_count;
    kvtest_expect_u64(v, "all_ids", named + view.unassigned_count, json_object_array_length(all));
    if (v->failed) return;
    for (size_t i = 0; i < json_object_array_length(all); i++)
        kvtest_expect_u64(v, "all_ids", view.keys[i], kvtest_u64_of(v, at(all, i), "all_ids"));
    size_t slot_count = kvlogical_manager_counts(w->pools[0].manager).total;
    kvlogical_slot *slots = kvtest_line_alloc(v, slot_count * sizeof *slots);
    if (!world_ok(v, "slots", kvlogical_list_slots(w->pools[0].manager, 0, slots, slot_count, &slot_count))) return;
    for (size_t i = 0; i < view.assigned_count; i++) {
        kvhash_plh name = {0, 0};
        world_ok(v, "name", kvlogical_name(w->pools[0].manager, &view.assigned[i], &name));
        expect_entry(v, w, "assigned", view.keys[i], view.assigned[i].block, &name, at(assigned, i));
    }
    for (size_t i = 0; i < view.staged_count; i++) {
        uint32_t block = view.staged[i].block;
        kvhash_plh none = {0, 0};
        expect_entry(v, w, "staged", view.keys[view.assigned_count + i], block,
                     block < slot_count ? &slots[block].name : &none, at(staged, i));
    }
    for (size_t i = 0; i < view.unassigned_count; i++)
        expect_entry(v, w, "unassigned", view.keys[named + i], view.unassigned[i].block, NULL, at(unassigned, i));
}

static const world_op ops[] = {
    {"la_extend_blocks", extend},     {"la_extend_assigned", extend_assigned}, {"la_stage", stage},
    {"la_register", register_staged}, {"la_pop_last_unassigned", pop},         {"la_take_assigned", take_assigned},
    {"la_take_staged", take_staged},  {"la_take_unassigned", take_unassigned}, {"la_clear", clear},
    {"la_contains", contains},
};

static void run(kvtest_vector *v, file *f) {
    world *w = &f->world;
    const char *name = kvtest_string(v, v->line, "op");
    if (!world_run(v, w, ops, COUNT(ops)) && !world_run_block_op(v, w) && !world_run_registry_op(v, w))
        kvtest_differ(v, "there is no op \"%s\"", name);
    if (!v->failed) expect_state(v, f);
    world_expect_state(v, w);
    if (!kvtest_has(v->line, "metrics")) return;
    json_object *metrics = kvtest_array(v, v->line, "metrics");
    for (size_t i = 0; i < w->pool_count; i++)
        world_expect_metrics(v, kvlogical_manager_metrics(w->pools[i].manager), at(metrics, i));
}

void check_assign_logical(kvtest_vector *v) {
    file *f = v->context;
    if (f->broken) {
        kvtest_differ(v, "not reached: an earlier step differs");
    } else if (v->line_number == 1) {
        world_begin(v, &f->world);
        if (!v->failed)
            world_ok(v, "create", kvlogical_assignments_create(f->world.pools[0].manager, NULL, &f->tracker));
    } else {
        run(v, f);
    }
    f->broken = v->failed;
}

void end_assign_logical(void *context) {
    file *f = context;
    kvlogical_assignments_destroy(f->tracker);
    world_end(&f->world);
}
