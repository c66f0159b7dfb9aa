/**
 * @file
 * Where memory comes from.
 *
 * An allocator is given to an object when it is created and serves it until it is destroyed; there is no allocator for the
 * whole process. Frees carry the size and alignment of the allocation, so pools and arenas need no headers of their own.
 *
 * Owns:    a created object copies the struct; what `ctx` points to must outlive the object.
 * Threads: the two functions must be safe to call from every thread that uses the object.
 */
#ifndef KVCORE_ALLOCATOR_H
#define KVCORE_ALLOCATOR_H

#include <stddef.h>

#include <kvcore/export.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Where memory comes from. All NULL means the C library's malloc and free. */
typedef struct kvcore_allocator {
    void *ctx; /**< given back to both functions */
    /** size bytes at a multiple of align (a power of two), or NULL. Never called with size 0. */
    void *(*alloc)(void *ctx, size_t size_bytes, size_t align_bytes);
    /** Give back ptr (never NULL) with the size and alignment it was asked for with. */
    void (*free)(void *ctx, void *ptr, size_t size_bytes, size_t align_bytes);
} kvcore_allocator;

/** malloc and free of the C library; what a NULL allocator means everywhere. */
KVCORE_API kvcore_allocator kvcore_allocator_libc(void);

/**
 * count elements of size bytes each; the product is checked. allocator may be NULL (libc).
 *
 * Gives: NULL when the product overflows, when it is 0, or when the allocator has none.
 */
KVCORE_API void *kvcore_alloc(const kvcore_allocator *allocator, size_t count, size_t size_bytes, size_t align_bytes);

/** Give back what kvcore_alloc() gave for the same numbers. NULL is ignored. */
KVCORE_API void kvcore_free(const kvcore_allocator *allocator, void *ptr, size_t count, size_t size_bytes,
                            size_t align_bytes);

#ifdef __cplusplus
}
#endif

#endif
