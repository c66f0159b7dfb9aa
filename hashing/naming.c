#include "naming.h"

const naming_kernels *kvhash__naming_kernels_for_this_cpu(void) {
#ifdef HASHING_X86_64_KERNELS
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("bmi2"))
        return &kvhash__naming_avx512;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2")) return &kvhash__naming_avx2;
#endif
    return &kvhash__naming_baseline;
}
