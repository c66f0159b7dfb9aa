#include "malloc_count.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

/* The C library's own, under the names it keeps for those who stand in front of it. */
/* NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp,readability-identifier-naming) */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *ptr, size_t size);
extern void *__libc_memalign(size_t align, size_t size);
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp,readability-identifier-naming) */

void *memalign(size_t align, size_t size);

static atomic_size_t calls;

size_t kvtest_malloc_calls(void) { return atomic_load(&calls); }

void *malloc(size_t size) {
    atomic_fetch_add(&calls, 1);
    return __libc_malloc(size);
}

void *calloc(size_t count, size_t size) {
    atomic_fetch_add(&calls, 1);
    return __libc_calloc(count, size);
}

void *realloc(void *ptr, size_t size) {
    atomic_fetch_add(&calls, 1);
    return __libc_realloc(ptr, size);
}

void *memalign(size_t align, size_t size) {
    atomic_fetch_add(&calls, 1);
    return __libc_memalign(align, size);
}

void *aligned_alloc(size_t align, size_t size) { return memalign(align, size); }

int posix_memalign(void **ptr, size_t align, size_t size) {
    void *memory = memalign(align, size);
    if (memory == NULL) return ENOMEM;
    *ptr = memory;
    return 0;
}
