/* What a scheme of kvhash/scheme.h takes of a request: which keys of its JSON object, and their values. */
#ifndef TOOLS_SCHEME_REQUEST_H
#define TOOLS_SCHEME_REQUEST_H

#include <stdio.h>

#include <kvhash/scheme.h>

#include "hash/hash_request.h"

/* All zero is an empty one. */
typedef struct scheme_request {
    kvhash_scheme_config config;
    kvhash_scheme_request request; /* borrows from the hash_request, and from memory */
    struct scheme_memory *memory;  /* goes with the request */
} scheme_request;

/* Whose scheme it is: "vLLM", and the version that was compared. */
const char *scheme_system(kvhash_scheme_kind kind);
const char *scheme_version(kvhash_scheme_kind kind);

/* The keys besides tokens that the scheme takes, with blanks between. */
void scheme_print_keys(FILE *out, kvhash_scheme_kind kind);

/* Fill config and request for a scheme out of a request that was read. A key that changes names but cannot be obeyed is
 * refused.
 *
 * Errors: KVCORE_EFORMAT with a text "expected …"; KVCORE_ENOTSUP; KVCORE_ENOMEM. */
KVCORE_NODISCARD kvcore_status scheme_request_read(scheme_request *to, kvhash_scheme_kind kind,
                                                   const hash_request *from, kvcore_error *error);

void scheme_request_clear(scheme_request *request);

#endif
