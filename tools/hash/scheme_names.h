/* The names of a request by the schemes that --scheme lists. */
#ifndef TOOLS_SCHEME_NAMES_H
#define TOOLS_SCHEME_NAMES_H

#include <stdio.h>

#include "hash/scheme_request.h"

typedef struct scheme_names {
    scheme_request request;
    kvhash_scheme *scheme;
    size_t count, name_bytes, root_bytes;
    uint8_t root[KVHASH_SCHEME_NAME_BYTES];
    uint8_t *names;
    int64_t *events[2]; /* SGLang: its default format, Dynamo's format */
    size_t event_count, name_room, event_room[2];
} scheme_names;

/* All zero is an empty one; its memory is used again. */
typedef struct scheme_set {
    size_t count;
    kvhash_scheme_kind kinds[KVHASH_SCHEME_COUNT];
    scheme_names names[KVHASH_SCHEME_COUNT];
} scheme_set;

/* A list with commas. Errors: KVCORE_ECONFIG for an item that is no scheme or comes twice. */
KVCORE_NODISCARD kvcore_status scheme_set_parse(scheme_set *set, const char *list, kvcore_error *error);

/* The names of a request by every scheme of the set. Errors: KVCORE_EFORMAT for what a scheme refuses, with its name before
 * the text; KVCORE_ENOTSUP; KVCORE_ENOMEM. */
KVCORE_NODISCARD kvcore_status scheme_set_name(scheme_set *set, const hash_request *request, kvcore_error *error);

/* What a scheme refuses is bad input here: a code for it, and the scheme's name before the text. */
kvcore_status scheme_refused(kvcore_status status, kvhash_scheme_kind kind, kvcore_error *error);

/* ,"schemes":{…} of what was named last. */
void scheme_set_print(FILE *out, const scheme_set *set);

void scheme_set_clear(scheme_set *set);

/* One line a scheme: its name, system, version, what it takes. */
void scheme_list_print(FILE *out);

/* Hexadecimal digits. */
void scheme_print_hex(FILE *out, const uint8_t *bytes, size_t count);

#endif
