/* Results that may grow: a struct of the caller's that says how large it is. Private to logical. */
#ifndef LOGICAL_RESULT_H
#define LOGICAL_RESULT_H

#include <string.h>

#include <kvcore/status.h>

/* Copy a result, which begins with its size, into the caller's struct as far as that goes; its struct_size stays. A larger one
 * gets zeros behind. KVCORE_EINVAL when its struct_size cannot be right. */
static inline kvcore_status kvlogical__result_write(void *out, const void *full, size_t full_bytes) {
    size_t given;
    memcpy(&given, out, sizeof given);
    if (given < sizeof given) return KVCORE_EINVAL;
    memcpy(out, full, given < full_bytes ? given : full_bytes);
    if (given > full_bytes) memset((char *)out + full_bytes, 0, given - full_bytes);
    memcpy(out, &given, sizeof given);
    return KVCORE_OK;
}

/* The same for an element of the caller's array, whose elements are so far apart. */
static inline void kvlogical__result_put(void *elements, size_t index, size_t element_bytes, const void *full,
                                         size_t full_bytes) {
    char *out = (char *)elements + index * element_bytes;
    memcpy(out, full, element_bytes < full_bytes ? element_bytes : full_bytes);
    if (element_bytes > full_bytes) memset(out + full_bytes, 0, element_bytes - full_bytes);
}

#endif
