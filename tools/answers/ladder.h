/* Which capacities a table shows. */
#ifndef TOOLS_ANSWERS_LADDER_H
#define TOOLS_ANSWERS_LADDER_H

#include <stddef.h>
#include <stdint.h>

/* Ascending, each once. All zero is an empty one. */
typedef struct ladder {
    uint64_t *steps;
    size_t count, capacity;
} ladder;

/* 1, 2, 3, 5 times the powers of ten in [low, high]; 0 when memory is short. */
int ladder_of_tens(ladder *l, uint64_t low, uint64_t high);

/* `count` capacities from low to high, each by the same factor larger than the one before. */
int ladder_even(ladder *l, uint64_t low, uint64_t high, size_t count);

int ladder_add(ladder *l, uint64_t step);

void ladder_clear(ladder *l);

#endif
