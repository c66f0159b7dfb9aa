/* The allocator that an object is given, and what stands for it when there is none. Private to radix. */
#ifndef RADIX_ALLOCATOR_H
#define RADIX_ALLOCATOR_H

#include <kvcore/allocator.h>

static inline kvcore_allocator allocator_or_libc(const kvcore_allocator *given) {
    return given == NULL || given->alloc == NULL ? kvcore_allocator_libc() : *given;
}

#endif
