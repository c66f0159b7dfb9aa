/* A cache of one capacity under one policy, and what it counted.
 *
 * Glossary: a *reference* is one block of one request; a *hit* is a reference that the cache had, with all before it in the
 * request; a *stay* is the time from a block's registration to its eviction; an *oversized* request has more missing blocks
 * than the cache can free for it. */
#ifndef TOOLS_CACHE_RUN_H
#define TOOLS_CACHE_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <kvcore/status.h>
#include <kvhash/plh.h>
#include <kvlogical/manager.h>

#include "replay/name_set.h"

/* What every fleet of a replay is given in turn. */
typedef struct named_request {
    const kvhash_plh *names;
    size_t count;
    uint32_t block_tokens;
    uint32_t last_block_tokens; /* tokens that the last block stands for */
} named_request;

/* Tokens of the first `blocks` of them. */
static inline uint64_t named_request_tokens(const named_request *request, size_t blocks) {
    if (blocks == 0) return 0;
    uint64_t last = blocks == request->count ? request->last_block_tokens : request->block_tokens;
    return (uint64_t)(blocks - 1) * request->block_tokens + last;
}

/* Room for the guards of one request, shared by all runs. All zero is an empty one. */
typedef struct run_scratch {
    size_t capacity; /* blocks */
    kvlogical_immutable *held, *held_before;
    kvlogical_mutable *fresh, *fresh_before;
    kvlogical_complete *staged;
    kvhash_plh *victims;
} run_scratch;

KVCORE_NODISCARD kvcore_status run_scratch_reserve(run_scratch *scratch, size_t count);
void run_scratch_clear(run_scratch *scratch);

/* Why blocks were missed: the first that holds. Together with the hits they are all references. */
typedef struct run_causes {
    uint64_t compulsory;   /* never asked for before */
    uint64_t behind_a_gap; /* cached, but not all before it */
    uint64_t refused;      /* its last miss was of an oversized request */
    uint64_t evicted;      /* cached once */
} run_causes;

typedef struct run_counts {
    uint64_t requests, references, hits;
    uint64_t tokens, hit_tokens;
    uint64_t registrations; /* stays begun */
    uint64_t reused_stays;  /* stays with at least one hit */
    uint64_t evictions, oversized;
    uint64_t manager_ns;
    run_causes causes; /* zero unless they are asked for */
} run_counts;

typedef struct cache_run {
    size_t capacity; /* blocks; 0: unbounded */

    run_counts counts;

    kvlogical_manager *manager; /* NULL when unbounded */
    uint8_t *reused;            /* of each block: its present stay had a hit */
    name_set seen;              /* when unbounded, or when causes are asked for */
    bool why;                   /* count causes; set after opening */
} cache_run;

/* A run with config's capacity (block_count) and policy (eviction).
 *
 * Errors: as kvlogical_manager_create(). */
KVCORE_NODISCARD kvcore_status cache_run_open(cache_run *run, const kvlogical_config *config, kvcore_error *error);

/* A run that never evicts. */
void cache_run_open_unbounded(cache_run *run);

/* Serve one request: match → allocate → stage → register → release tail first. A request whose missing blocks cannot be had
 * keeps its hits and registers nothing. The scratch has room for it. */
KVCORE_NODISCARD kvcore_status cache_run_serve(cache_run *run, const named_request *request, run_scratch *scratch);

void cache_run_close(cache_run *run);

#endif
