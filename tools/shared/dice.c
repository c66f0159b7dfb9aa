#include "shared/dice.h"

#include <stdlib.h>

uint64_t dice_next(dice_state *dice) {
    uint64_t z = dice->state += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return z ^ z >> 31;
}

uint64_t dice_below(dice_state *dice, uint64_t bound) {
    uint64_t uneven = (0 - bound) % bound; /* 2^64 mod bound: so many of the lowest values would count once too often */
    uint64_t value;
    do value = dice_next(dice);
    while (value < uneven);
    return value % bound;
}

/* log2(x) in 2^-32, x > 0: squaring the mantissa doubles its logarithm, and each time shows one more bit of it. */
static uint64_t log2_fixed(uint64_t x) {
    unsigned whole = 63 - (unsigned)__builtin_clzll(x);
    uint64_t mantissa = x << (63 - whole) >> 32; /* 2^31 … 2^32 − 1 */
    uint64_t fraction = 0;
    for (int bit = 0; bit < 32; bit++) {
        mantissa = mantissa * mantissa >> 31;
        fraction = fraction << 1 | mantissa >> 32;
        mantissa >>= mantissa >> 32;
    }
    return (uint64_t)whole << 32 | fraction;
}

uint64_t dice_exponential(dice_state *dice, uint64_t mean) {
    const uint64_t ln2 = 2977044472; /* in 2^-32 */
    uint64_t minus_log2 = (UINT64_C(64) << 32) - log2_fixed(dice_next(dice) | 1);
    uint64_t variate = (minus_log2 >> 8) * ln2 >> 32; /* −ln(u), in 2^-24 */
    return variate * mean >> 24;
}

static uint64_t square_root(uint64_t x) {
    uint64_t root = 0;
    for (uint64_t bit = UINT64_C(1) << 31; bit != 0; bit >>= 1)
        if ((root | bit) * (root | bit) <= x) root |= bit;
    return root;
}

/* 2^-x in 2^-32, for x in 2^-32: the product of the roots of 1/2 that x's bits name. */
static uint64_t exp2_minus_fixed(uint64_t x) {
    uint64_t result = UINT64_C(1) << 32, root = UINT64_C(1) << 31; /* 1, 1/2 */
    if (x >> 32 > 32) return 0;
    for (int bit = 31; bit >= 0; bit--) {
        root = square_root(root << 32);
        if (x >> bit & 1) result = result * root >> 32;
    }
    return result >> (x >> 32);
}

kvcore_status zipf_init(zipf_law *zipf, size_t count, uint32_t exponent_thousandths) {
    zipf->sums = malloc(count * sizeof *zipf->sums);
    zipf->count = count;
    if (zipf->sums == NULL) return KVCORE_ENOMEM;
    uint64_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        uint64_t weight = exp2_minus_fixed(log2_fixed(i + 1) * exponent_thousandths / 1000);
        sum += weight > 0 ? weight : 1;
        zipf->sums[i] = sum;
    }
    return KVCORE_OK;
}

size_t zipf_draw(const zipf_law *zipf, dice_state *dice) {
    uint64_t point = dice_below(dice, zipf->sums[zipf->count - 1]);
    size_t low = 0, high = zipf->count - 1;
    while (low < high) { /* the first sum beyond the point */
        size_t middle = low + (high - low) / 2;
        if (zipf->sums[middle] > point)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

void zipf_clear(zipf_law *zipf) {
    free(zipf->sums);
    *zipf = (zipf_law){.sums = NULL};
}
