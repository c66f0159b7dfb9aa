/**
 * @file
 * Spans of bytes, and numbers in them. Little-endian and big-endian by name: the host's order never shows.
 *
 * Owns: nothing; a kvcore_bytes borrows. Threads: any. Cost: a load or a store.
 */
#ifndef KVCORE_BYTES_H
#define KVCORE_BYTES_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <kvcore/export.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Borrowed bytes; they need no NUL at the end. {NULL, 0} means none. */
typedef struct kvcore_bytes {
    const void *data;  /**< borrowed; may be NULL when size_bytes is 0 */
    size_t size_bytes; /**< how many */
} kvcore_bytes;

/** The characters of a C string without its NUL; NULL gives none. Borrowed from the string. */
KVCORE_INLINE kvcore_bytes kvcore_text(const char *text) {
    kvcore_bytes bytes = {text, text ? strlen(text) : 0};
    return bytes;
}

/** Negative, 0 or positive: bytewise; a strict prefix is smaller. */
KVCORE_API int kvcore_bytes_compare(kvcore_bytes a, kvcore_bytes b);

/** @cond */
/* Host order to a stated order and back; both directions are the same swap. */
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define KVCORE_LE(bits, value) __builtin_bswap##bits(value)
#define KVCORE_BE(bits, value) (value)
#else
#define KVCORE_LE(bits, value) (value)
#define KVCORE_BE(bits, value) __builtin_bswap##bits(value)
#endif
#define KVCORE_DEFINE_ACCESS(bits)                                             \
    static inline uint##bits##_t kvcore_load_le##bits(const void *from) {      \
        uint##bits##_t value;                                                  \
        memcpy(&value, from, sizeof value);                                    \
        return KVCORE_LE(bits, value);                                         \
    }                                                                          \
    static inline uint##bits##_t kvcore_load_be##bits(const void *from) {      \
        uint##bits##_t value;                                                  \
        memcpy(&value, from, sizeof value);                                    \
        return KVCORE_BE(bits, value);                                         \
    }                                                                          \
    static inline void kvcore_store_le##bits(void *to, uint##bits##_t value) { \
        value = KVCORE_LE(bits, value);                                        \
        memcpy(to, &value, sizeof value);                                      \
    }                                                                          \
    static inline void kvcore_store_be##bits(void *to, uint##bits##_t value) { \
        value = KVCORE_BE(bits, value);                                        \
        memcpy(to, &value, sizeof value);                                      \
    }
/** @endcond */

/** kvcore_load_le16/32/64, kvcore_load_be…, kvcore_store_le…, kvcore_store_be…: at any alignment. */
KVCORE_DEFINE_ACCESS(16)
KVCORE_DEFINE_ACCESS(32)
KVCORE_DEFINE_ACCESS(64)

#ifdef __cplusplus
}
#endif

#endif
