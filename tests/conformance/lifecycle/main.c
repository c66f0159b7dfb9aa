/* conformance_lifecycle FILE...: the lifecycle vectors of the original system against libkvlogical. */
#include "checks.h"

int main(int argc, char **argv) {
    static const kvtest_vector_kind kinds[] = {
        {.name = "trace_*.jsonl", .check = check_trace, .context_bytes = sizeof(trace_file), .end = end_trace},
        /* assign_external_*.jsonl and assign_logical_*.jsonl belong to the sequence trackers: their checks go here, in
         * lifecycle/assign_external.c and lifecycle/assign_logical.c; world.h knows the managers of the latter */
        {.name = "tinylfu.jsonl", .check = check_tinylfu},
        {.name = "builder.jsonl", .check = check_builder},
        {.name = "panics.jsonl", .check = check_panic},
    };
    return kvtest_run_vectors(argc, argv, kinds, sizeof kinds / sizeof *kinds);
}
