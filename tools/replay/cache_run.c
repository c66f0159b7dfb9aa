#include "replay/cache_run.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "shared/clock.h"

kvcore_status run_scratch_reserve(run_scratch *scratch, size_t count) {
    if (count <= scratch->capacity) return KVCORE_OK;
    run_scratch_clear(scratch);
    scratch->held = malloc(count * sizeof *scratch->held);
    scratch->held_before = malloc(count * sizeof *scratch->held_before);
    scratch->fresh = malloc(count * sizeof *scratch->fresh);
    scratch->fresh_before = malloc(count * sizeof *scratch->fresh_before);
    scratch->staged = malloc(count * sizeof *scratch->staged);
    scratch->victims = malloc(count * sizeof *scratch->victims);
    if (!scratch->held || !scratch->held_before || !scratch->fresh || !scratch->fresh_before || !scratch->staged ||
        !scratch->victims) {
        run_scratch_clear(scratch);
        return KVCORE_ENOMEM;
    }
    scratch->capacity = count;
    return KVCORE_OK;
}

void run_scratch_clear(run_scratch *scratch) {
    free(scratch->held);
    free(scratch->held_before);
    free(scratch->fresh);
    free(scratch->fresh_before);
    free(scratch->staged);
    free(scratch->victims);
    *scratch = (run_scratch){.capacity = 0};
}

kvcore_status cache_run_open(cache_run *run, const kvlogical_config *config, kvcore_error *error) {
    *run = (cache_run){.capacity = config->block_count};
    kvcore_status status = kvlogical_manager_create(config, &run->manager, error);
    if (status != KVCORE_OK) return status;
    run->reused = calloc(config->block_count, 1);
    if (run->reused == NULL) {
        cache_run_close(run);
        return kvcore_fail(error, &(kvcore_error){.code = KVCORE_ENOMEM}, "out of memory for %zu blocks",
                           config->block_count);
    }
    return KVCORE_OK;
}

void cache_run_open_unbounded(cache_run *run) { *run = (cache_run){.capacity = 0}; }

void cache_run_close(cache_run *run) {
    kvlogical_manager_destroy(run->manager);
    run->manager = NULL;
    free(run->reused);
    run->reused = NULL;
    name_set_clear(&run->seen);
}

static void count_request(cache_run *run, const named_request *request, size_t hits) {
    run->counts.requests++;
    run->counts.references += request->count;
    run->counts.hits += hits;
    run->counts.tokens += named_request_tokens(request, request->count);
    run->counts.hit_tokens += named_request_tokens(request, hits);
}

/* ---- causes ---- */

static void count_cause(run_causes *causes, uint8_t state, bool added) {
    if (added)
        causes->compulsory++;
    else if (state & NAME_CACHED)
        causes->behind_a_gap++;
    else if (state & NAME_REFUSED)
        causes->refused++;
    else
        causes->evicted++;
}

static void forget_evicted(cache_run *run, const kvhash_plh *names, size_t count) {
    for (size_t i = 0; i < count; i++) {
        uint8_t *state = name_set_find(&run->seen, names[i]);
        if (state != NULL) *state &= (uint8_t)~NAME_CACHED;
    }
}

/* What a miss is was settled before the request put anything in or out. */
static kvcore_status count_causes(cache_run *run, const named_request *request, size_t hits) {
    for (size_t i = hits; i < request->count; i++) {
        bool added = false;
        kvcore_status status = name_set_insert(&run->seen, request->names[i], &added);
        if (status != KVCORE_OK) return status;
        count_cause(&run->counts.causes, *name_set_find(&run->seen, request->names[i]), added);
    }
    return KVCORE_OK;
}

static void mark_missed(cache_run *run, const named_request *request, size_t hits, bool oversized) {
    for (size_t i = hits; i < request->count; i++) {
        uint8_t *state = name_set_find(&run->seen, request->names[i]);
        *state = (uint8_t)(oversized ? *state | NAME_REFUSED : NAME_NEW | NAME_CACHED);
    }
}

/* ---- requests ---- */

static kvcore_status serve_unbounded(cache_run *run, const named_request *request) {
    size_t hits = 0;
    uint8_t *state;
    while (hits < request->count && (state = name_set_find(&run->seen, request->names[hits])) != NULL) {
        run->counts.reused_stays += *state == NAME_NEW;
        *state = NAME_USED_AGAIN;
        hits++;
    }
    for (size_t i = hits; i < request->count; i++) {
        bool added = false;
        kvcore_status status = name_set_insert(&run->seen, request->names[i], &added);
        if (status != KVCORE_OK) return status;
        run->counts.registrations += added;
    }
    if (run->why) run->counts.causes.compulsory += request->count - hits;
    count_request(run, request, hits);
    return KVCORE_OK;
}

/* Which stays began, which were met again. The copies were taken while the guards were alive. */
static void count_stays(cache_run *run, const run_scratch *scratch, size_t hits, size_t fresh) {
    for (size_t i = 0; i < hits; i++) {
        uint8_t *reused = &run->reused[scratch->held_before[i].block];
        run->counts.reused_stays += !*reused;
        *reused = 1;
    }
    for (size_t i = 0; i < fresh; i++) {
        uint32_t block = scratch->held_before[hits + i].block;
        /* another block: the name was there, behind a gap in the prefix, and the fresh block went back */
        if (block != scratch->fresh_before[i].block) continue;
        run->counts.registrations++;
        run->reused[block] = 0;
    }
}

kvcore_status cache_run_serve(cache_run *run, const named_request *request, run_scratch *scratch) {
    if (run->manager == NULL) return serve_unbounded(run, request);
    if (request->count == 0) {
        count_request(run, request, 0);
        return KVCORE_OK;
    }
    uint64_t start = clock_ns();
    size_t hits = 0;
    kvcore_status status = kvlogical_match_prefix(run->manager, request->names, request->count, scratch->held, &hits);
    if (status != KVCORE_OK) return status;
    size_t missing = request->count - hits;
    kvlogical_evicted evicted = {scratch->victims, 0};
    status = kvlogical_allocate(run->manager, missing, scratch->fresh, &evicted);
    bool oversized = status == KVCORE_ENOSPACE || status == KVCORE_EOVERFLOW;
    if (oversized) {
        missing = 0;
        status = KVCORE_OK;
    }
    memcpy(scratch->fresh_before, scratch->fresh, missing * sizeof *scratch->fresh);
    if (status == KVCORE_OK)
        status = kvlogical_stage(run->manager, scratch->fresh, request->names + hits, missing, scratch->staged);
    if (status == KVCORE_OK) status = kvlogical_register(run->manager, scratch->staged, missing, scratch->held + hits);
    if (status != KVCORE_OK) return status;
    memcpy(scratch->held_before, scratch->held, (hits + missing) * sizeof *scratch->held);
    status = kvlogical_release_tail_first(run->manager, scratch->held, hits + missing);
    run->counts.manager_ns += clock_ns() - start;

    run->counts.evictions += evicted.count;
    run->counts.oversized += oversized;
    count_stays(run, scratch, hits, missing);
    count_request(run, request, hits);
    if (!run->why || status != KVCORE_OK) return status;
    status = count_causes(run, request, hits);
    if (status != KVCORE_OK) return status;
    forget_evicted(run, scratch->victims, evicted.count);
    mark_missed(run, request, hits, oversized);
    return KVCORE_OK;
}
