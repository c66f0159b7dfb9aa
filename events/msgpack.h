/* Reading MessagePack from untrusted bytes: a cursor that gives heads, and never believes one that promises more than is left.
 * Nothing is allocated and nothing recurses. */
#ifndef EVENTS_MSGPACK_H
#define EVENTS_MSGPACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <kvcore/bytes.h>
#include <kvcore/status.h>

#define MSGPACK_DEPTH 32

typedef enum msgpack_type {
    MSGPACK_NIL,
    MSGPACK_BOOL,
    MSGPACK_UNSIGNED,
    MSGPACK_NEGATIVE,
    MSGPACK_FLOAT,
    MSGPACK_TEXT,
    MSGPACK_BIN,
    MSGPACK_EXT,
    MSGPACK_ARRAY,
    MSGPACK_MAP,
} msgpack_type;

typedef struct msgpack_head {
    msgpack_type type;
    uint64_t value;      /* of integers (two's complement) and bool; items of an array, pairs of a map */
    double real;         /* of a float */
    const uint8_t *data; /* of text, bin and ext: value bytes, which the cursor has passed */
} msgpack_head;

typedef struct msgpack_cursor {
    const uint8_t *at;
    const uint8_t *end;
} msgpack_cursor;

static inline size_t msgpack_left(const msgpack_cursor *cursor) { return (size_t)(cursor->end - cursor->at); }

static inline kvcore_bytes msgpack_bytes(const msgpack_head *head) {
    return (kvcore_bytes){head->data, (size_t)head->value};
}

/* The next head. KVCORE_ETRUNCATED, KVEVENTS_EINVALID; the cursor then stands where it stood. */
kvcore_status kvevents__msgpack_head(msgpack_cursor *cursor, msgpack_head *head);

/* Past one value that stands `depth` containers deep. Also KVEVENTS_EDEPTH; the cursor then stands at the fault. */
kvcore_status kvevents__msgpack_skip(msgpack_cursor *cursor, unsigned depth);

/* Past the items of a head that was read and stands `depth` containers deep. */
kvcore_status kvevents__msgpack_skip_rest(msgpack_cursor *cursor, const msgpack_head *head, unsigned depth);

bool kvevents__utf8(kvcore_bytes text);

static inline bool msgpack_is(kvcore_bytes text, const char *word, size_t length) {
    return text.size_bytes == length && memcmp(text.data, word, length) == 0;
}
#define MSGPACK_IS(text, word) msgpack_is(text, word, sizeof(word) - 1)

#endif
