/* The allocator that an object is given, and arrays that grow. Private to answers. */
#ifndef ANSWERS_MEMORY_H
#define ANSWERS_MEMORY_H

#include <stdalign.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <kvcore/allocator.h>
#include <kvcore/status.h>

__extension__ typedef unsigned __int128 wide; /* products of two counts */

static inline kvcore_allocator allocator_or_libc(const kvcore_allocator *given) {
    return given == NULL || given->alloc == NULL ? kvcore_allocator_libc() : *given;
}

static inline kvcore_status allocator_check(const kvcore_allocator *given, kvcore_error *error) {
    if ((given->alloc == NULL) == (given->free == NULL)) return KVCORE_OK;
    return kvcore_fail(error, &(kvcore_error){.code = KVCORE_ECONFIG, .index = KVCORE_NO_INDEX},
                       "allocator has one function of two");
}

/* Room for `needed` elements, by half as much again: *array of *capacity becomes larger, its new part zero. */
static inline kvcore_status array_reserve(const kvcore_allocator *allocator, void *array, size_t *capacity,
                                          size_t needed, size_t element_bytes) {
    if (needed <= *capacity) return KVCORE_OK;
    size_t grown = *capacity + *capacity / 2 + 16;
    if (grown < needed) grown = needed;
    void *old, *made = kvcore_alloc(allocator, grown, element_bytes, alignof(max_align_t));
    if (made == NULL) return KVCORE_ENOMEM;
    memcpy(&old, array, sizeof old);
    if (old != NULL) memcpy(made, old, *capacity * element_bytes);
    memset((char *)made + *capacity * element_bytes, 0, (grown - *capacity) * element_bytes);
    kvcore_free(allocator, old, *capacity, element_bytes, alignof(max_align_t));
    memcpy(array, &made, sizeof made);
    *capacity = grown;
    return KVCORE_OK;
}

static inline void array_free(const kvcore_allocator *allocator, void *array, size_t capacity, size_t element_bytes) {
    kvcore_free(allocator, array, capacity, element_bytes, alignof(max_align_t));
}

/* A new array of zeros, or NULL; of at least one element. */
static inline void *array_new(const kvcore_allocator *allocator, size_t count, size_t element_bytes) {
    if (count == 0) count = 1;
    void *made = kvcore_alloc(allocator, count, element_bytes, alignof(max_align_t));
    if (made != NULL) memset(made, 0, count * element_bytes);
    return made;
}

static inline void array_delete(const kvcore_allocator *allocator, void *array, size_t count, size_t element_bytes) {
    kvcore_free(allocator, array, count == 0 ? 1 : count, element_bytes, alignof(max_align_t));
}

#endif
