/* One line for the common refusals of the decoders. Private to format and format/wombat. */
#ifndef KVFORMAT_REFUSE_H
#define KVFORMAT_REFUSE_H

#include <inttypes.h>
#include <stdbool.h>

#include <kvcore/bytes.h>
#include <kvcore/status.h>

/* Something at a byte offset: what was expected there and what was there. Gives `code`. */
static inline kvcore_status refuse_at(kvcore_error *error, kvcore_status code, uint64_t offset, uint64_t expected,
                                      uint64_t actual, const char *what) {
    const kvcore_error details = {
        .code = code, .index = KVCORE_NO_INDEX, .expected = expected, .actual = actual, .offset = offset};
    kvcore_fail(error, &details, "%s at byte %" PRIu64 ": %s (expected %" PRIu64 ", found %" PRIu64 ")", what, offset,
                kvcore_status_text(code), expected, actual);
    return code; /* which the compiler then knows to be no KVCORE_OK */
}

/* An argument that must not be NULL. */
static inline kvcore_status refuse_null(kvcore_error *error, const char *what) {
    kvcore_fail(error, &(kvcore_error){.code = KVCORE_EINVAL, .index = KVCORE_NO_INDEX}, "%s is NULL", what);
    return KVCORE_EINVAL;
}

/* NULL with a size. NULL without one means no bytes. */
static inline bool bytes_missing(kvcore_bytes bytes) { return bytes.data == NULL && bytes.size_bytes > 0; }

/* Where an encoder writes: room without memory, or no place for the size. */
static inline bool output_missing(const void *bytes, size_t capacity, const size_t *size_bytes) {
    return size_bytes == NULL || (bytes == NULL && capacity > 0);
}

#endif
