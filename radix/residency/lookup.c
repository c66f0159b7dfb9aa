#include <kvradix/lookup.h>

#include "allocator.h"

kvradix_lookup kvradix_lookup_init(void) { return (kvradix_lookup)KVRADIX_LOOKUP_INIT; }

struct kvradix_lookup_pool {
    kvcore_allocator allocator;
    size_t maximum, count, high_watermark;
    kvradix_lookup lookups[];
};

/* With room for `capacity`, or NULL arrays. */
static kvradix_lookup make(const kvcore_allocator *allocator, size_t capacity) {
    kvradix_lookup lookup = KVRADIX_LOOKUP_INIT;
    lookup.resident = kvcore_alloc(allocator, capacity, sizeof *lookup.resident, _Alignof(kvradix_handle));
    lookup.prefetch = kvcore_alloc(allocator, capacity, sizeof *lookup.prefetch, _Alignof(kvcore_hash256));
    lookup.capacity = capacity;
    if (lookup.resident == NULL || lookup.prefetch == NULL) kvradix_lookup_free(&lookup, allocator);
    return lookup;
}

kvcore_status kvradix_lookup_reserve(kvradix_lookup *lookup, const kvcore_allocator *given, size_t capacity) {
    if (lookup == NULL) return KVCORE_EINVAL;
    kvcore_allocator allocator = allocator_or_libc(given);
    if (lookup->capacity < capacity) {
        kvradix_lookup larger = make(&allocator, capacity);
        if (larger.capacity < capacity) return KVCORE_ENOMEM;
        kvradix_lookup_free(lookup, &allocator);
        *lookup = larger;
    }
    lookup->resident_count = lookup->prefetch_count = lookup->matched = 0;
    return KVCORE_OK;
}

void kvradix_lookup_free(kvradix_lookup *lookup, const kvcore_allocator *given) {
    if (lookup == NULL) return;
    kvcore_allocator allocator = allocator_or_libc(given);
    kvcore_free(&allocator, lookup->resident, lookup->capacity, sizeof *lookup->resident, _Alignof(kvradix_handle));
    kvcore_free(&allocator, lookup->prefetch, lookup->capacity, sizeof *lookup->prefetch, _Alignof(kvcore_hash256));
    *lookup = (kvradix_lookup)KVRADIX_LOOKUP_INIT;
}

static size_t pool_bytes(size_t maximum) {
    size_t bytes;
    if (__builtin_mul_overflow(maximum, sizeof(kvradix_lookup), &bytes) ||
        __builtin_add_overflow(bytes, sizeof(kvradix_lookup_pool), &bytes))
        return SIZE_MAX;
    return bytes;
}

kvcore_status kvradix_lookup_pool_create(size_t maximum, const kvcore_allocator *given, kvradix_lookup_pool **pool) {
    if (pool == NULL) return KVCORE_EINVAL;
    if (maximum == 0) maximum = KVRADIX_LOOKUP_POOL_DEFAULT;
    if (pool_bytes(maximum) == SIZE_MAX) return KVCORE_ENOMEM;
    kvcore_allocator allocator = allocator_or_libc(given);
    kvradix_lookup_pool *made = kvcore_alloc(&allocator, 1, pool_bytes(maximum), _Alignof(kvradix_lookup_pool));
    if (made == NULL) return KVCORE_ENOMEM;
    made->allocator = allocator;
    made->maximum = maximum;
    made->count = made->high_watermark = 0;
    *pool = made;
    return KVCORE_OK;
}

void kvradix_lookup_pool_destroy(kvradix_lookup_pool *pool) {
    if (pool == NULL) return;
    for (size_t i = 0; i < pool->count; i++) kvradix_lookup_free(&pool->lookups[i], &pool->allocator);
    kvcore_allocator allocator = pool->allocator;
    kvcore_free(&allocator, pool, 1, pool_bytes(pool->maximum), _Alignof(kvradix_lookup_pool));
}

kvcore_status kvradix_lookup_acquire(kvradix_lookup_pool *pool, size_t capacity, kvradix_lookup *lookup) {
    if (pool == NULL || lookup == NULL) return KVCORE_EINVAL;
    kvradix_lookup empty = KVRADIX_LOOKUP_INIT;
    kvradix_lookup *found = pool->count > 0 ? &pool->lookups[pool->count - 1] : &empty;
    kvcore_status status = kvradix_lookup_reserve(found, &pool->allocator, capacity);
    if (status != KVCORE_OK) return status;
    *lookup = *found;
    if (found != &empty) pool->count--;
    return KVCORE_OK;
}

void kvradix_lookup_release(kvradix_lookup_pool *pool, kvradix_lookup *lookup) {
    if (pool == NULL || lookup == NULL) return;
    if (pool->count == pool->maximum) {
        kvradix_lookup_free(lookup, &pool->allocator);
        return;
    }
    lookup->resident_count = lookup->prefetch_count = lookup->matched = 0;
    pool->lookups[pool->count++] = *lookup;
    if (pool->count > pool->high_watermark) pool->high_watermark = pool->count;
    *lookup = (kvradix_lookup)KVRADIX_LOOKUP_INIT;
}

size_t kvradix_lookup_pool_count(const kvradix_lookup_pool *pool) { return pool != NULL ? pool->count : 0; }

size_t kvradix_lookup_pool_high_watermark(const kvradix_lookup_pool *pool) {
    return pool != NULL ? pool->high_watermark : 0;
}
