/* How often this process asked the C library for memory: for tests that show that a path asks for none. Link
 * kvtest_malloc_count; it stands in front of malloc() and its kin, so it does not exist under the sanitizers, which do too. */
#ifndef KVTEST_MALLOC_COUNT_H
#define KVTEST_MALLOC_COUNT_H

#include <stddef.h>

/* malloc, calloc, realloc, aligned_alloc, posix_memalign and memalign, by any thread, since the start. */
size_t kvtest_malloc_calls(void);

#endif
