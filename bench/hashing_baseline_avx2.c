/* The baselines, for x86-64 with AVX2. */
#define BASELINE(name) baseline_avx2_##name
#include "hashing_baseline.h"
