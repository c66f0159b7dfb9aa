/* Results that may grow: arrays of the caller's, whose elements may be smaller or larger than ours. Private to logical. */
#ifndef LOGICAL_RESULT_H
#define LOGICAL_RESULT_H

#include <string.h>

#include <kvcore/status.h>

/* Copy a result into an element of the caller's array, whose elements are so far apart: as much as it has room for, zeros
 * behind. */
static inline void kvlogical__result_put(void *elements, size_t index, size_t element_bytes, const void *full,
                                         size_t full_bytes) {
    char *out = (char *)elements + index * element_bytes;
    memcpy(out, full, element_bytes < full_bytes ? element_bytes : full_bytes);
    if (element_bytes > full_bytes) memset(out + full_bytes, 0, element_bytes - full_bytes);
}

#endif
