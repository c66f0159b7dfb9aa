/* One request of a trace in the schema of the Mooncake traces, one JSON object a line:
 *
 *     {"timestamp": ms, "input_length": tokens, "output_length": tokens, "hash_ids": [id, …]}
 *
 * hash_ids has one id a block, first block first; an equal id means an equal block and an equal prefix. The last id may
 * stand for a block that is not full: input_length tells. Only hash_ids is required; other keys are ignored. */
#ifndef TOOLS_TRACE_H
#define TOOLS_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <kvcore/status.h>

#include "shared/json.h"

/* As many as names can number. */
#define TRACE_IDS_MAX (1 << 24)

#define TRACE_TENANT_BYTES 64 /* of its name, and a NUL */

/* All zero is an empty one. */
typedef struct trace_request {
    uint64_t *ids;
    size_t count;
    json_numbers list; /* which holds the ids */
    bool has_input_tokens, has_time;
    uint64_t input_tokens;
    uint64_t time_ms;       /* the timestamp; what is before 0 counts as 0 */
    const char *tenant_key; /* set by the caller: the key whose value says whose the request is; NULL: none */
    char tenant[TRACE_TENANT_BYTES];
} trace_request;

/* Read a line, which is changed in the course, into `request`, whose memory is used again.
 *
 * Errors: KVCORE_EFORMAT with a text "expected …"; KVCORE_EOVERFLOW, for more than TRACE_IDS_MAX ids, too; KVCORE_ENOMEM. */
KVCORE_NODISCARD kvcore_status trace_parse(char *line, size_t length, trace_request *request, kvcore_error *error);

void trace_request_clear(trace_request *request);

/* Tokens that the last block stands for: what input_length leaves for it, or a whole block where it leaves none or more
 * than one (a trace without input_length, or of another block size). */
uint32_t trace_last_block_tokens(const trace_request *request, uint32_t block_tokens);

#endif
