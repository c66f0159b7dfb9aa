/* conformance_rosetta FILE...: the names of other engines and routers, recorded from them, against kvhash/scheme.h. */
#include "rosetta.h"

int main(int argc, char **argv) {
    static const kvtest_vector_kind kinds[] = {
        {.name = "aibrix*.jsonl", .check = check_aibrix},
        {.name = "flexkv*.jsonl", .check = check_flexkv},
        {.name = "llmd*.jsonl", .check = check_llmd},
        {.name = "lmcache_keys*.jsonl", .check = check_lmcache_keys},
        {.name = "lmcache*.jsonl", .check = check_lmcache},
        {.name = "sglang_misc*.jsonl", .check = check_sglang_misc},
        {.name = "sglang_mm*.jsonl", .check = check_sglang_mm},
        {.name = "sglang*.jsonl", .check = check_sglang},
        {.name = "trtllm*.jsonl", .check = check_trtllm},
        {.name = "vllm_bare*.jsonl", .check = check_vllm_bare},
        {.name = "vllm_misc*.jsonl", .check = check_vllm_misc},
        {.name = "vllm_untagged*.jsonl", .check = check_vllm_untagged},
        {.name = "vllm*.jsonl", .check = check_vllm},
    };
    return kvtest_run_vectors(argc, argv, kinds, sizeof kinds / sizeof *kinds);
}
