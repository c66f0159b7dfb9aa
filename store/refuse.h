/* One line for the common refusals. Private to store. */
#ifndef KVSTORE_REFUSE_H
#define KVSTORE_REFUSE_H

#include <inttypes.h>

#include <kvcore/status.h>

/* Something at a byte offset: what was expected there and what was there. Gives `code`. */
static inline kvcore_status refuse_at(kvcore_error *error, kvcore_status code, uint64_t offset, uint64_t expected,
                                      uint64_t actual, const char *what) {
    const kvcore_error details = {
        .code = code, .index = KVCORE_NO_INDEX, .expected = expected, .actual = actual, .offset = offset};
    kvcore_fail(error, &details, "%s at byte %" PRIu64 ": %s (expected %" PRIu64 ", found %" PRIu64 ")", what, offset,
                kvcore_status_text(code), expected, actual);
    return code;
}

/* A field of a configuration that cannot work. */
static inline kvcore_status refuse_field(kvcore_error *error, kvcore_status code, uint64_t actual, const char *why) {
    kvcore_fail(error, &(kvcore_error){.code = code, .index = KVCORE_NO_INDEX, .actual = actual}, "%s", why);
    return code;
}

#endif
