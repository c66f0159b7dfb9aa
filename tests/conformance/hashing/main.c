/* conformance_hashing FILE...: the hashing vectors of the original system against libkvhash. */
#include "checks.h"

int main(int argc, char **argv) {
    static const kvtest_vector_kind kinds[] = {
        {.name = "block_bytes.jsonl", .check = check_block_bytes},
        {.name = "mm_errors.jsonl", .check = check_request},
        {.name = "panics.jsonl", .check = check_panic},
        {.name = "plh_chain.jsonl", .check = check_plh_chain},
        {.name = "plh_new.jsonl", .check = check_plh_new},
        {.name = "plh_order.jsonl", .check = check_plh_order},
        {.name = "plh_raw.jsonl", .check = check_plh_raw},
        {.name = "primitives.jsonl", .check = check_primitive},
        {.name = "psh.jsonl", .check = check_psh},
        {.name = "radix_ops.jsonl", .check = check_radix_ops},
        {.name = "requests.jsonl", .check = check_request},
        {.name = "requests_large.jsonl", .check = check_large_request},
        {.name = "requests_mm.jsonl", .check = check_request},
        {.name = "salt.jsonl", .check = check_salt},
        {.name = "sequence_ops.jsonl", .check = check_sequence},
        {.name = "serde.jsonl", .check = check_serde},
        {.name = "xxh3.jsonl", .check = check_xxh3, .context_bytes = sizeof(xxh3_file), .end = end_xxh3},
    };
    return kvtest_run_vectors(argc, argv, kinds, sizeof kinds / sizeof *kinds);
}
