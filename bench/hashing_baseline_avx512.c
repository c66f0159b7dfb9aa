/* The baselines, for x86-64 with AVX-512. */
#define BASELINE(name) baseline_avx512_##name
#include "hashing_baseline.h"
