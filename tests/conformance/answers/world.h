/* The requests of a vector, and what libkvanswers makes of them. */
#ifndef CONFORMANCE_ANSWERS_WORLD_H
#define CONFORMANCE_ANSWERS_WORLD_H

#include <kvanswers/curve.h>
#include <kvanswers/tenants.h>
#include <kvanswers/trace.h>
#include <kvanswers/ttl.h>

#include "vectors.h"

typedef struct world_request {
    uint64_t *names;
    size_t count;
    uint64_t time_ms, input_tokens;
    bool has_input_tokens;
    char tenant[64]; /* "" for none */
} world_request;

typedef struct world {
    uint32_t block_tokens;
    world_request *requests;
    size_t count, capacity;
    kvanswers_curve *curve;
    kvanswers_trace *trace;
} world;

/* A request as its JSON says. */
void world_add(kvtest_vector *v, world *w, json_object *request);

/* The curve and the kept trace of all requests. */
void world_observe(kvtest_vector *v, world *w);

void world_clear(world *w);

kvanswers_request world_request_of(const world *w, size_t i);

/* Stop at once: without memory or an answer nothing can be checked. */
void must(kvcore_status status, const char *what);

/* Blocks in groups of `blocks`, full ones only, as a world of its own. */
void world_group(kvtest_vector *v, const world *from, uint32_t blocks, world *groups);

/* ---- figures ---- */

kvanswers_point point_at(const world *w, uint64_t capacity);
kvanswers_replay_counts replay_at(const world *w, uint64_t capacity, uint64_t known);
uint64_t optimum_of(const world *w, uint64_t capacity);
/* Hits at any capacity: of the curve where it answers, else replayed. */
uint64_t hits_at(const world *w, uint64_t capacity);

/* ---- kinds ---- */

void check_case(kvtest_vector *v);
void check_trace(kvtest_vector *v);
void check_survival(kvtest_vector *v);

/* The fields that cases and traces share. */
void check_tiers(kvtest_vector *v, const world *w, json_object *rows);
void check_ttl(kvtest_vector *v, const world *w, json_object *rows);
void check_queue(kvtest_vector *v, const world *w, json_object *rows);
void check_survival_row(kvtest_vector *v, const world *w, json_object *row);

/* "what, capacity n" of the row that is checked. */
void expect_at(kvtest_vector *v, const char *what, uint64_t capacity, uint64_t actual, uint64_t expected);

/* A difference for each key of `object` that is not in the list, which ends with NULL: nothing is ignored in silence. */
void expect_known_keys(kvtest_vector *v, json_object *object, const char *const *known);

/* The requests of a trace that a vector names; false if it is not on this machine. */
void traces_named(int argc, char **argv);
bool read_trace(kvtest_vector *v, const char *name, world *w);

#endif
