#include "answers/ladder.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

int ladder_add(ladder *l, uint64_t step) {
    size_t at = 0;
    while (at < l->count && l->steps[at] < step) at++;
    if (at < l->count && l->steps[at] == step) return 1;
    if (l->count == l->capacity) {
        size_t capacity = 2 * l->capacity + 16;
        uint64_t *grown = realloc(l->steps, capacity * sizeof *grown);
        if (grown == NULL) return 0;
        l->steps = grown;
        l->capacity = capacity;
    }
    memmove(l->steps + at + 1, l->steps + at, (l->count - at) * sizeof *l->steps);
    l->steps[at] = step;
    l->count++;
    return 1;
}

int ladder_of_tens(ladder *l, uint64_t low, uint64_t high) {
    static const uint64_t digits[] = {1, 2, 3, 5};
    for (uint64_t ten = 1; ten <= high; ten *= 10) {
        for (size_t i = 0; i < 4; i++)
            if (digits[i] * ten >= low && digits[i] * ten <= high && !ladder_add(l, digits[i] * ten)) return 0;
        if (ten > UINT64_MAX / 100) break;
    }
    return 1;
}

int ladder_even(ladder *l, uint64_t low, uint64_t high, size_t count) {
    double factor = log((double)high / (double)low);
    for (size_t i = 0; i < count; i++) {
        double part = count > 1 ? (double)i / (double)(count - 1) : 1;
        uint64_t step = (uint64_t)((double)low * exp(factor * part) + 0.5);
        if (!ladder_add(l, step < low ? low : step > high ? high : step)) return 0;
    }
    return 1;
}

void ladder_clear(ladder *l) {
    free(l->steps);
    *l = (ladder){.steps = NULL};
}
