/* The baselines, inlined for every CPU of this architecture. */
#define BASELINE(name) baseline_##name
#include "hashing_baseline.h"
