/**
 * @file
 * Sorting in place without memory, recursion or global state: a heap sort of whatever the caller can compare and swap.
 *
 * For orders that need a context, which qsort() cannot carry. Not stable: a caller that wants that compares places last.
 */
#ifndef KVCORE_SORT_H
#define KVCORE_SORT_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What is sorted: elements 0 … count−1 of something that `ctx` knows. */
typedef struct kvcore_sorting {
    void *ctx;                                     /**< given back to both functions */
    bool (*before)(void *ctx, size_t a, size_t b); /**< must element a stand before element b? */
    void (*swap)(void *ctx, size_t a, size_t b);   /**< exchange two elements */
} kvcore_sorting;

/** @cond */
static inline void kvcore_sort_sink(const kvcore_sorting *by, size_t root, size_t count) {
    for (size_t child; (child = 2 * root + 1) < count; root = child) {
        if (child + 1 < count && by->before(by->ctx, child, child + 1)) child++;
        if (!by->before(by->ctx, root, child)) return;
        by->swap(by->ctx, root, child);
    }
}
/** @endcond */

/** Ascending. Cost: O(count · log count) comparisons and swaps. */
static inline void kvcore_sort(const kvcore_sorting *by, size_t count) {
    for (size_t i = count / 2; i-- > 0;) kvcore_sort_sink(by, i, count);
    for (size_t last = count; last-- > 1;) {
        by->swap(by->ctx, 0, last);
        kvcore_sort_sink(by, 0, last);
    }
}

#ifdef __cplusplus
}
#endif

#endif
