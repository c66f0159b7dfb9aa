/* Seeded random numbers that come out equal on every machine: integers and shifts alone, no floating point, no libm. */
#ifndef TOOLS_DICE_H
#define TOOLS_DICE_H

#include <stddef.h>
#include <stdint.h>

#include <kvcore/status.h>

/* splitmix64; any seed is fine. */
typedef struct dice_state {
    uint64_t state;
} dice_state;

uint64_t dice_next(dice_state *dice);

/* 0 … bound−1, all equally likely; bound > 0. */
uint64_t dice_below(dice_state *dice, uint64_t bound);

/* Exponentially distributed with this mean, rounded down; mean < 2^32. At most 45 times the mean. */
uint64_t dice_exponential(dice_state *dice, uint64_t mean);

/* Zipf's law over 0 … count−1: the weight of i is 1 / (i + 1)^exponent. */
typedef struct zipf_law {
    uint64_t *sums; /* of the weights 0 … i, in 2^-32 */
    size_t count;
} zipf_law;

/* The exponent in thousandths, at most 10,000; 1 ≤ count ≤ 2^24. Errors: KVCORE_ENOMEM. */
KVCORE_NODISCARD kvcore_status zipf_init(zipf_law *zipf, size_t count, uint32_t exponent_thousandths);
size_t zipf_draw(const zipf_law *zipf, dice_state *dice);
void zipf_clear(zipf_law *zipf);

#endif
