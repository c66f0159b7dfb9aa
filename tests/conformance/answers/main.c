/* Conformance with what models written from the definitions found: conformance_answers FILE… takes documents (cases, whole
 * traces, the policy survival), and traces (*.jsonl, also *.jsonl.gz), which the documents name. */
#include <fnmatch.h>

#include "world.h"

static bool is_document(const char *path) {
    return fnmatch("*.jsonl", path, 0) != 0 && fnmatch("*.jsonl.gz", path, 0) != 0;
}

static void check(kvtest_vector *v) {
    if (kvtest_has(v->line, "expected"))
        check_case(v);
    else if (kvtest_has(v->line, "trace"))
        check_trace(v);
    else if (kvtest_has(v->line, "start_index") || kvtest_has(v->line, "replays"))
        check_survival(v);
    else if (!json_object_is_type(v->line, json_type_array) || json_object_array_length(v->line) != 0)
        kvtest_differ(v, "is no vector that this driver knows");
}

int main(int argc, char **argv) {
    traces_named(argc, argv);
    return kvtest_run_documents(argc, argv, is_document, check);
}
