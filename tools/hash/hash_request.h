/* One request of `kvstrata hash`, read from a JSON object:
 *
 *     {"name": …, "tokens": [u32 …], "block_size": n, "salt": text or null, "lora_name": text or null,
 *      "mm_info": [{"mm_hash": u64, "offset": u64, "length": u64} …]}
 *
 * 64-bit numbers may be JSON integers or strings of decimal digits. tokens and block_size are required; other keys are
 * ignored. */
#ifndef TOOLS_HASH_REQUEST_H
#define TOOLS_HASH_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <json-c/json.h>

#include <kvcore/status.h>
#include <kvhash/request.h>

#include "shared/json.h"

#define HASH_TOKENS_MAX (1 << 26)

/* All zero is an empty one; its memory is used again. */
typedef struct hash_request {
    json_object *object;    /* what was read; salt and lora_name lie in it */
    json_object *name;      /* borrowed from object; NULL without one */
    kvhash_request request; /* borrows everything above and below */
    uint64_t block_tokens;  /* as given: the library's are 32 bits */
    json_numbers list;      /* of the tokens, as read */
    uint32_t *tokens;
    kvhash_mm_run *runs;
    size_t token_capacity, run_capacity;
} hash_request;

/* Read a line, which is changed in the course. Errors: KVCORE_EFORMAT with a text "expected …"; KVCORE_EOVERFLOW;
 * KVCORE_ENOMEM. */
KVCORE_NODISCARD kvcore_status hash_request_read(hash_request *request, char *line, size_t length, kvcore_error *error);

/* A JSON integer, or a string of decimal digits alone. */
bool hash_request_u64(json_object *value, uint64_t *number);

void hash_request_clear(hash_request *request);

#endif
