/* conformance_store FILE…: names, objects and rules of WombatKV's stores, against what its crates did. */
#include "store.h"

#include <string.h>

static const store_op *const tables[] = {
    store_name_ops, store_bucket_ops, store_memory_ops, store_log_ops, store_index_ops,
};

static void check_line(kvtest_vector *v) {
    const char *name = kvtest_string(v, v->line, "op");
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        for (const store_op *op = tables[i]; op->name != NULL; op++)
            if (strcmp(op->name, name) == 0) {
                op->check(v);
                return;
            }
    kvtest_differ(v, "an operation \"%s\"", name);
}

int main(int argc, char **argv) {
    static const kvtest_vector_kind kinds[] = {{.name = "*.jsonl", .check = check_line}};
    return kvtest_run_vectors(argc, argv, kinds, 1);
}
