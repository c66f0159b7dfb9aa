/* One payload being read: the cursor, what may still be taken, and the first fault. */
#ifndef EVENTS_BATCH_READ_H
#define EVENTS_BATCH_READ_H

#include <kvevents/batch.h>

#include "msgpack.h"

typedef struct batch_reader {
    msgpack_cursor cursor;
    const uint8_t *begin;
    kvevents_arena arena; /* a copy; the caller's moves on when all is read */
    size_t hashes_left;   /* of the limits */
    size_t tokens_left;
    kvcore_status status; /* of the fault */
    const uint8_t *where;
    size_t needed_bytes; /* of an arena that was too small */
    size_t token_items;  /* of the event that is being read, used or not */
    bool tokens_usable;
} batch_reader;

/* Always false, so that a reading function can end with it. */
bool kvevents__batch_fault(batch_reader *reader, kvcore_status status, const uint8_t *where);

/* count elements of the arena; NULL and a fault when it has no room. */
void *kvevents__batch_take(batch_reader *reader, size_t count, size_t size_bytes);

bool kvevents__batch_head(batch_reader *reader, msgpack_head *head);
bool kvevents__batch_skip(batch_reader *reader, unsigned depth);

/* Check the arguments of a reading call and begin. */
kvcore_status kvevents__batch_begin(batch_reader *reader, kvcore_bytes payload, const kvevents_limits *given,
                                    const kvevents_arena *arena, kvevents_limits *limits, kvcore_error *error);
kvcore_status kvevents__batch_no_argument(kvcore_error *error);

/* All of the payload was read, or there is a fault. */
bool kvevents__batch_at_end(batch_reader *reader);

/* The answer to a payload with a fault, once it is seen whether its bytes are in order. */
kvcore_status kvevents__batch_refuse(batch_reader *reader, kvcore_bytes payload, size_t index, kvcore_error *error);

/* The fields of events, as they are called in maps. */
enum {
    FIELD_BLOCK_HASHES,
    FIELD_PARENT,
    FIELD_TOKEN_IDS,
    FIELD_BLOCK_SIZE,
    FIELD_LORA_ID,
    FIELD_MEDIUM,
    FIELD_LORA_NAME,
    FIELD_EXTRA_KEYS,
    FIELD_GROUP,
    FIELD_SPEC_KIND,
    FIELD_WINDOW, /* the last of arrays */
    FIELD_LOCALITY,
    FIELD_OWNERSHIP,
    FIELD_SESSION,
    FIELD_LOOKAHEAD,
    FIELD_SALT,
    FIELD_COUNT,
};

/* Which of the fields a key names; FIELD_COUNT for none. */
unsigned kvevents__field_of_key(kvcore_bytes key);

/* Whether events of this kind have the field, and may not be without it. */
bool kvevents__field_known(uint32_t kind, unsigned field);
bool kvevents__field_required(uint32_t kind, unsigned field);

/* The field of the index-th element of a tagged array; FIELD_COUNT past the known ones. */
unsigned kvevents__field_of_index(uint32_t kind, size_t index);

/* Read the value of a field, whatever it was before. in_array: lora_name may be a map. */
bool kvevents__field_read(batch_reader *reader, unsigned field, bool in_array, kvevents_event *event);

#endif
