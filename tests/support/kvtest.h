/* What every test program may use. Include before anything else: CMocka wants its own headers in this order. */
#ifndef KVTEST_H
#define KVTEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <kvcore/allocator.h>
#include <kvcore/status.h>

/* An allocator that counts, checks sizes and alignments at each free, and fails the fail_at-th allocation (from 1; 0: none). */
typedef struct kvtest_memory {
    size_t fail_at;
    size_t calls;
    size_t live_bytes;
    size_t live_count;
} kvtest_memory;

kvcore_allocator kvtest_allocator(kvtest_memory *memory);

/* Run a scenario again and again, failing its first allocation, its second, …, until it succeeds: each time it must give all
 * memory back, and KVCORE_ENOMEM. It must make at least so many allocations. */
void kvtest_fail_each_allocation(kvcore_status (*scenario)(kvcore_allocator allocator), size_t at_least);

/* Seeded random numbers (splitmix64). kvtest_seed() prints the seed, and takes it from KVSTRATA_SEED when that is set. */
typedef struct kvtest_random {
    uint64_t state;
} kvtest_random;

kvtest_random kvtest_seed(uint64_t fallback);
uint64_t kvtest_next(kvtest_random *random);
/* 0 … bound−1; bound > 0. */
uint64_t kvtest_below(kvtest_random *random, uint64_t bound);

/* A status by its text, so that a red test says what came. */
#define kvtest_assert_status(actual, expected)                                                                    \
    do {                                                                                                          \
        kvcore_status kvtest_status_ = (actual);                                                                  \
        if (kvtest_status_ != (expected))                                                                         \
            fail_msg("%s: got %d (%s), expected %d", #actual, kvtest_status_, kvcore_status_text(kvtest_status_), \
                     (expected));                                                                                 \
    } while (0)
#define kvtest_assert_ok(actual) kvtest_assert_status(actual, KVCORE_OK)

#endif
