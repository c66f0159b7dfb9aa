/* What a recorded trace acts on: managers, their registries, and the guards by the numbers that the trace gives them.
 *
 * Made from the first line of a trace; every further line is an op. Used for manager traces and, with one registry a manager,
 * for traces of what stands on top of a manager. */
#ifndef CONFORMANCE_LIFECYCLE_WORLD_H
#define CONFORMANCE_LIFECYCLE_WORLD_H

#include "vectors.h"

#include <kvhash/plh.h>
#include <kvlogical/frequency.h>
#include <kvlogical/guard.h>
#include <kvlogical/manager.h>
#include <kvlogical/metrics.h>
#include <kvlogical/registry.h>

#define WORLD_MANAGERS 8

typedef enum world_kind {
    WORLD_NOTHING, /* consumed */
    WORLD_MUTABLE,
    WORLD_COMPLETE,
    WORLD_IMMUTABLE,
    WORLD_WEAK,
    WORLD_PIN,
    WORLD_REGISTRATION,
} world_kind;

/* A trace calls this a handle: any guard, by its number. */
typedef struct world_guard {
    world_kind kind;
    size_t manager; /* index; of its registry for a registration */
    union {
        kvlogical_mutable mutable_block;
        kvlogical_complete complete;
        kvlogical_immutable immutable;
        kvlogical_weak weak;
        kvlogical_pin pin;
        kvlogical_handle registration;
    };
} world_guard;

typedef struct world_pool {
    kvlogical_manager *manager;
    kvlogical_registry *registry; /* perhaps the same for all */
    uint64_t tier;
    kvlogical_mutable *drained; /* taken by drain_order, without numbers */
    size_t drained_count;
} world_pool;

typedef struct world {
    kvhash_plh *names;
    size_t name_count;
    world_pool pools[WORLD_MANAGERS];
    size_t pool_count;
    kvlogical_frequency *sketches[WORLD_MANAGERS]; /* only for a capacity of 0, which a registry reads as none */
    world_guard *guards;                           /* number n stands at n − 1 */
    size_t guard_count, guard_capacity;
} world;

/* The header line: names, managers, registries. */
void world_begin(kvtest_vector *v, world *w);
/* Of the header line only the names. */
void world_read_names(kvtest_vector *v, world *w);
/* Everything back. */
void world_end(world *w);

/* Run the line's op if it is one of a manager or registry; false if it is none of them. */
bool world_run_block_op(kvtest_vector *v, world *w);
bool world_run_registry_op(kvtest_vector *v, world *w);
/* The blocks available ("a") and names registered ("n": one number, or one a registry) after the op. */
void world_expect_state(kvtest_vector *v, world *w);
void world_expect_metrics(kvtest_vector *v, kvlogical_metrics actual, json_object *expected);

/* ---- for ops ---- */

typedef struct world_op {
    const char *name;
    void (*run)(kvtest_vector *v, world *w);
} world_op;
bool world_run(kvtest_vector *v, world *w, const world_op *ops, size_t count);

/* All of these record a difference and give NULL when the trace names what there is not. */
world_pool *world_pool_at(kvtest_vector *v, world *w, uint64_t index);
world_pool *world_pool_of_line(kvtest_vector *v, world *w); /* field m */
const kvhash_plh *world_names(kvtest_vector *v, world *w, json_object *object, const char *key, size_t *count);
const kvhash_plh *world_name(kvtest_vector *v, world *w, json_object *object, const char *key);
world_guard *world_guard_at(kvtest_vector *v, world *w, uint64_t number, world_kind kind);
world_guard *world_guard_of_line(kvtest_vector *v, world *w, world_kind kind); /* field h */

/* Number a new guard, which must get the expected number. The pointer is good until the next one is added. */
void world_add(kvtest_vector *v, world *w, world_guard guard, json_object *expected_number);
/* Number a batch and compare with two arrays: numbers and block ids; empty guards must be null in both. */
void world_add_held(kvtest_vector *v, world *w, world_pool *pool, const kvlogical_immutable *held, size_t count,
                    json_object *numbers, json_object *blocks);
/* Let go of a guard of any kind. */
void world_release(kvtest_vector *v, world *w, world_guard *guard);

bool world_ok(kvtest_vector *v, const char *call, kvcore_status status);
/* The call must have failed as `expected` ({variant, expected, actual}) says. */
void world_expect_refusal(kvtest_vector *v, kvcore_status status, const kvcore_error *error, json_object *expected);

#endif
