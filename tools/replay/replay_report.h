/* What a replay prints: a table for people, one JSON object for programs. */
#ifndef TOOLS_REPLAY_REPORT_H
#define TOOLS_REPLAY_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <kvcore/status.h>
#include <kvhash/plh.h>

#include "replay/fleet.h"

typedef struct replay_totals {
    const char *const *files;
    size_t file_count;
    uint32_t block_tokens;
    uint64_t requests;
    uint64_t references, tokens;
    uint64_t hashing_ns;
    bool why;             /* show causes */
    kvhash_plh names_xor; /* of the names of all references; an XOR of names need not be a name */
} replay_totals;

/* Policies share a fleet where they make no difference. */
typedef struct replay_row {
    const char *policy;
    const replay_fleet *fleet;
} replay_row;

/* Rows of fleets show route, workers and balance too. Errors: KVCORE_ENOMEM. Failed writes stay in out's error flag. */
KVCORE_NODISCARD kvcore_status replay_print_table(FILE *out, const replay_totals *totals, const replay_row *rows,
                                                  size_t count);
KVCORE_NODISCARD kvcore_status replay_print_json(FILE *out, const replay_totals *totals, const replay_row *rows,
                                                 size_t count);

#endif
