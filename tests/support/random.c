#include "kvtest.h"

kvtest_random kvtest_seed(uint64_t fallback) {
    const char *text = getenv("KVSTRATA_SEED");
    uint64_t seed = text != NULL && *text != '\0' ? strtoull(text, NULL, 0) : fallback;
    printf("seed %llu (KVSTRATA_SEED=%llu repeats it)\n", (unsigned long long)seed, (unsigned long long)seed);
    return (kvtest_random){seed};
}

uint64_t kvtest_next(kvtest_random *random) {
    uint64_t z = random->state += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return z ^ z >> 31;
}

uint64_t kvtest_below(kvtest_random *random, uint64_t bound) { return kvtest_next(random) % bound; }
