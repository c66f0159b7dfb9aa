#include <kvcore/allocator.h>

#include <stdlib.h>

static void *libc_alloc(void *ctx, size_t size_bytes, size_t align_bytes) {
    (void)ctx;
    if (align_bytes <= _Alignof(max_align_t)) return malloc(size_bytes);
    /* aligned_alloc wants a multiple of the alignment */
    size_t rounded = (size_bytes + align_bytes - 1) & ~(align_bytes - 1);
    return rounded < size_bytes ? NULL : aligned_alloc(align_bytes, rounded);
}

static void libc_free(void *ctx, void *ptr, size_t size_bytes, size_t align_bytes) {
    (void)ctx, (void)size_bytes, (void)align_bytes;
    free(ptr);
}

kvcore_allocator kvcore_allocator_libc(void) { return (kvcore_allocator){NULL, libc_alloc, libc_free}; }

void *kvcore_alloc(const kvcore_allocator *allocator, size_t count, size_t size_bytes, size_t align_bytes) {
    size_t total;
    if (__builtin_mul_overflow(count, size_bytes, &total) || total == 0) return NULL;
    if (allocator == NULL) return libc_alloc(NULL, total, align_bytes);
    return allocator->alloc(allocator->ctx, total, align_bytes);
}

void kvcore_free(const kvcore_allocator *allocator, void *ptr, size_t count, size_t size_bytes, size_t align_bytes) {
    if (ptr == NULL) return;
    if (allocator == NULL)
        libc_free(NULL, ptr, count * size_bytes, align_bytes);
    else
        allocator->free(allocator->ctx, ptr, count * size_bytes, align_bytes);
}
