/* The ops of a trace that act on the registry which its managers share. */
#include <stdio.h>

#include "world.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static json_object *result(kvtest_vector *v) { return kvtest_field(v, v->line, "r"); }

static void add_registration(kvtest_vector *v, world *w, size_t pool, kvlogical_handle handle, json_object *number) {
    world_guard guard = {.kind = WORLD_REGISTRATION, .manager = pool};
    guard.registration = handle;
    world_add(v, w, guard, number);
}

static void is_registered(kvtest_vector *v, world *w) {
    bool known = kvlogical_registry_is_registered(w->pools[0].registry, *world_name(v, w, v->line, "x"));
    kvtest_expect_u64(v, "registered", known, kvtest_bool(v, v->line, "r"));
}

/* Presence in the tiers of the given managers. */
static void expect_presence(kvtest_vector *v, world *w, const uint64_t *tiers, size_t tier_count) {
    size_t count;
    const kvhash_plh *names = world_names(v, w, v->line, "x", &count);
    bool *present = kvtest_line_alloc(v, count * sizeof *present);
    if (v->failed ||
        !world_ok(v, "kvlogical_registry_presence",
                  kvlogical_registry_presence(w->pools[0].registry, names, count, tiers, tier_count, present)))
        return;
    json_object *expected = kvtest_array(v, v->line, "r");
    kvtest_expect_u64(v, "answers", count, json_object_array_length(expected));
    for (size_t i = 0; i < count; i++) {
        char what[40];
        snprintf(what, sizeof what, "present [%zu]", i);
        kvtest_expect_u64(v, what, present[i],
                          (uint64_t)json_object_get_boolean(json_object_array_get_idx(expected, i)));
    }
}

static void check_presence(kvtest_vector *v, world *w) {
    world_pool *pool = world_pool_of_line(v, w);
    if (pool != NULL) expect_presence(v, w, &pool->tier, 1);
}

static void check_presence_any(kvtest_vector *v, world *w) {
    size_t count;
    const uint32_t *managers = kvtest_tokens(v, v->line, "ms", &count);
    uint64_t *tiers = kvtest_line_alloc(v, count * sizeof *tiers);
    for (size_t i = 0; i < count; i++) {
        world_pool *pool = world_pool_at(v, w, managers[i]);
        if (pool != NULL) tiers[i] = pool->tier;
    }
    expect_presence(v, w, tiers, count);
}

static void find(kvtest_vector *v, world *w) {
    kvlogical_handle handle = {0, 0, 0};
    kvhash_plh name = *world_name(v, w, v->line, "x");
    if (!world_ok(v, "kvlogical_registry_find",
                  kvlogical_registry_find(w->pools[0].registry, name, kvtest_bool(v, v->line, "touch"), &handle)))
        return;
    bool none = kvtest_is_null(v->line, "r");
    if (handle.registry == 0)
        kvtest_expect_true(v, "the name is not registered", none);
    else
        add_registration(v, w, 0, handle, none ? NULL : kvtest_field(v, result(v), "h"));
}

static void register_names(kvtest_vector *v, world *w) {
    bool many = json_object_is_type(kvtest_field(v, v->line, "x"), json_type_array);
    size_t count = 1;
    const kvhash_plh *names = many ? world_names(v, w, v->line, "x", &count) : world_name(v, w, v->line, "x");
    kvlogical_handle *handles = kvtest_line_alloc(v, count * sizeof *handles);
    if (!world_ok(v, "kvlogical_registry_register",
                  kvlogical_registry_register(w->pools[0].registry, names, count, handles)))
        return;
    json_object *numbers = kvtest_field(v, result(v), "h");
    if (many) kvtest_expect_u64(v, "handles", count, json_object_array_length(kvtest_array(v, result(v), "h")));
    for (size_t i = 0; i < count; i++)
        add_registration(v, w, 0, handles[i], many ? json_object_array_get_idx(numbers, i) : numbers);
}

static void registration_of_block(kvtest_vector *v, world *w) {
    world_guard *from = world_guard_of_line(v, w, WORLD_IMMUTABLE);
    if (from == NULL) return;
    size_t pool = from->manager;
    kvlogical_handle handle = {0, 0, 0};
    if (world_ok(v, "kvlogical_registration",
                 kvlogical_registration(w->pools[pool].manager, &from->immutable, &handle)))
        add_registration(v, w, pool, handle, kvtest_field(v, result(v), "h"));
}

static void has_block(kvtest_vector *v, world *w) {
    world_pool *pool = world_pool_of_line(v, w);
    world_guard *guard = world_guard_of_line(v, w, WORLD_REGISTRATION);
    if (pool == NULL || guard == NULL) return;
    kvhash_plh name;
    bool has;
    if (!world_ok(v, "kvlogical_handle_name", kvlogical_handle_name(pool->registry, &guard->registration, &name)) ||
        !world_ok(v, "kvlogical_registry_presence",
                  kvlogical_registry_presence(pool->registry, &name, 1, &pool->tier, 1, &has)))
        return;
    kvtest_expect_true(v, "the handle is of the expected name",
                       kvhash_plh_equal(name, *world_name(v, w, result(v), "x")));
    kvtest_expect_u64(v, "has", has, kvtest_bool(v, result(v), "has"));
}

static void touch(kvtest_vector *v, world *w) {
    kvlogical_registry_touch(w->pools[0].registry, *world_name(v, w, v->line, "x"));
}

static void count(kvtest_vector *v, world *w) {
    kvtest_expect_u64(v, "frequency",
                      kvlogical_registry_frequency(w->pools[0].registry, *world_name(v, w, v->line, "x")),
                      kvtest_u64(v, v->line, "r"));
}

static void count_all(kvtest_vector *v, world *w) {
    json_object *expected = kvtest_array(v, v->line, "r");
    kvtest_expect_u64(v, "hashes", w->name_count, json_object_array_length(expected));
    for (size_t i = 0; i < w->name_count; i++) {
        char what[40];
        snprintf(what, sizeof what, "frequency [%zu]", i);
        kvtest_expect_u64(v, what, kvlogical_registry_frequency(w->pools[0].registry, w->names[i]),
                          kvtest_u64_of(v, json_object_array_get_idx(expected, i), what));
    }
}

bool world_run_registry_op(kvtest_vector *v, world *w) {
    static const world_op ops[] = {
        {"is_registered", is_registered},
        {"check_presence", check_presence},
        {"check_presence_any", check_presence_any},
        {"reg_match", find},
        {"reg_register", register_names},
        {"reg_register_many", register_names},
        {"registration_handle", registration_of_block},
        {"reg_has_block", has_block},
        {"touch", touch},
        {"count", count},
        {"count_all", count_all},
    };
    return world_run(v, w, ops, COUNT(ops));
}
