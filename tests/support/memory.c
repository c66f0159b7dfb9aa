#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "kvtest.h"

/* In front of each allocation, as far as its alignment asks for: what it was asked for with. */
typedef struct header {
    size_t size_bytes, align_bytes;
} header;

static size_t header_bytes(size_t align_bytes) { return align_bytes > sizeof(header) ? align_bytes : sizeof(header); }

static void *counting_alloc(void *ctx, size_t size_bytes, size_t align_bytes) {
    kvtest_memory *memory = ctx;
    memory->calls++;
    if (memory->calls == memory->fail_at) return NULL;
    if (align_bytes == 0 || (align_bytes & (align_bytes - 1)) != 0 || size_bytes == 0) abort();
    size_t front = header_bytes(align_bytes);
    size_t align = align_bytes < sizeof(void *) ? sizeof(void *) : align_bytes;
    void *raw = NULL;
    if (posix_memalign(&raw, align, front + size_bytes) != 0) return NULL;
    header *at = (header *)(void *)((char *)raw + front - sizeof(header));
    *at = (header){size_bytes, align_bytes};
    memory->live_bytes += size_bytes;
    memory->live_count++;
    return (char *)raw + front;
}

static void counting_free(void *ctx, void *ptr, size_t size_bytes, size_t align_bytes) {
    kvtest_memory *memory = ctx;
    header *at = (header *)(void *)((char *)ptr - sizeof(header));
    if (at->size_bytes != size_bytes || at->align_bytes != align_bytes) {
        fprintf(stderr, "freed with size %zu, alignment %zu; was allocated with %zu, %zu\n", size_bytes, align_bytes,
                at->size_bytes, at->align_bytes);
        abort();
    }
    memory->live_bytes -= size_bytes;
    memory->live_count--;
    free((char *)ptr - header_bytes(align_bytes));
}

kvcore_allocator kvtest_allocator(kvtest_memory *memory) {
    return (kvcore_allocator){memory, counting_alloc, counting_free};
}

void kvtest_fail_each_allocation(kvcore_status (*scenario)(kvcore_allocator allocator), size_t at_least) {
    for (size_t k = 1;; k++) {
        kvtest_memory memory = {.fail_at = k};
        kvcore_status status = scenario(kvtest_allocator(&memory));
        assert_int_equal(memory.live_bytes, 0);
        if (status == KVCORE_OK) {
            assert_true(k > at_least);
            return;
        }
        kvtest_assert_status(status, KVCORE_ENOMEM);
    }
}
