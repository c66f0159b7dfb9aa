/* conformance_lifecycle FILE...: the lifecycle vectors of the original system against libkvlogical. */
#include "assign.h"
#include "checks.h"

int main(int argc, char **argv) {
    static const kvtest_vector_kind kinds[] = {
        {.name = "trace_*.jsonl", .check = check_trace, .context_bytes = sizeof(trace_file), .end = end_trace},
        {.name = "assign_external_*.jsonl",
         .check = check_assign_external,
         .context_bytes = sizeof(assign_external_file),
         .end = end_assign_external},
        {.name = "assign_logical_*.jsonl",
         .check = check_assign_logical,
         .context_bytes = sizeof(assign_logical_file),
         .end = end_assign_logical},
        {.name = "tinylfu.jsonl", .check = check_tinylfu},
        {.name = "builder.jsonl", .check = check_builder},
        {.name = "panics.jsonl", .check = check_panic},
    };
    return kvtest_run_vectors(argc, argv, kinds, sizeof kinds / sizeof *kinds);
}
