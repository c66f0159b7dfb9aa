/* trace_*: a manager trace, step by step with everything observable. */
#include <stdio.h>
#include <string.h>

#include "checks.h"

#define OPS_BETWEEN_VALIDATIONS 64

/* The op goes before what differed. */
static void name_op(kvtest_vector *v, const char *op) {
    char text[sizeof v->difference];
    memcpy(text, v->difference, sizeof text);
    snprintf(v->difference, sizeof v->difference, "%.40s: %.340s", op, text);
}

static void validate(kvtest_vector *v, const world *w) {
    kvcore_error error;
    for (size_t i = 0; i < w->pool_count; i++)
        if (kvlogical_manager_validate(w->pools[i].manager, &error) != KVCORE_OK)
            kvtest_differ(v, "manager %zu is not sound: %s", i, error.text);
}

void check_trace(kvtest_vector *v) {
    trace_file *file = v->context;
    world *w = &file->world;
    if (file->broken) {
        kvtest_differ(v, "not reached: an earlier step differs");
        return;
    }
    if (v->line_number == 1) {
        world_begin(v, w);
    } else {
        const char *op = kvtest_string(v, v->line, "op");
        if (!world_run_block_op(v, w) && !world_run_registry_op(v, w)) kvtest_differ(v, "there is no such op");
        world_expect_state(v, w);
        bool end = strcmp(op, "count_all") == 0 || strcmp(op, "drain_order") == 0;
        if (!v->failed && (end || v->line_number % OPS_BETWEEN_VALIDATIONS == 0)) validate(v, w);
        if (v->failed) name_op(v, op);
    }
    file->broken = v->failed;
}

void end_trace(void *context) {
    trace_file *file = context;
    world_end(&file->world);
}
