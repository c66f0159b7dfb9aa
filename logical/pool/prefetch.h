/* Functions that do nothing but prefetch. Private to logical.
 *
 * GCC takes such a function for one without effect and drops its calls, unless it was inlined by then: so it always is. */
#ifndef LOGICAL_PREFETCH_H
#define LOGICAL_PREFETCH_H

#define PREFETCHER static inline __attribute__((always_inline))

#endif
