#include "replay/fleet.h"

#include <stdlib.h>
#include <string.h>

#include <kvlogical/events.h>

#include "shared/clock.h"

#define DICE_SEED 1

const char *fleet_route_name(fleet_route route) {
    static const char *const names[] = {NULL, "prefix", "round-robin", "random"};
    return names[route];
}

/* ---- the index ---- */

/* A listener of a worker's cache. */
static void keep_event(void *ctx, const kvhash_event *event) {
    const fleet_seat *seat = ctx;
    fleet_events *events = seat->events;
    if (events->count == events->capacity) {
        size_t capacity = events->capacity > 0 ? 2 * events->capacity : 256;
        kvhash_event *list = realloc(events->list, capacity * sizeof *list);
        if (list == NULL) {
            events->status = KVCORE_ENOMEM;
            return;
        }
        events->list = list;
        events->capacity = capacity;
    }
    events->list[events->count] = *event;
    events->list[events->count++].holder = seat->holder;
}

static kvcore_status tell_index(replay_fleet *fleet) {
    if (fleet->events.status != KVCORE_OK) return fleet->events.status;
    kvcore_status status = kvradix_index_apply(fleet->index, fleet->events.list, fleet->events.count, NULL);
    fleet->events.count = 0;
    return status;
}

static kvcore_status open_index(replay_fleet *fleet, kvcore_error *error) {
    kvradix_config config = KVRADIX_CONFIG_INIT;
    config.holder_capacity = fleet->worker_count;
    kvcore_status status = kvradix_index_create(&config, &fleet->index, error);
    if (status != KVCORE_OK) return status;
    fleet->matches = calloc(fleet->worker_count, sizeof *fleet->matches);
    fleet->overlaps = calloc(fleet->worker_count, sizeof *fleet->overlaps);
    fleet->seats = calloc(fleet->worker_count, sizeof *fleet->seats);
    if (fleet->matches == NULL || fleet->overlaps == NULL || fleet->seats == NULL) return KVCORE_ENOMEM;
    for (size_t i = 0; i < fleet->worker_count && status == KVCORE_OK; i++) {
        fleet->seats[i] = (fleet_seat){&fleet->events, {.worker = i}};
        if (fleet->capacity != 0)
            status = kvlogical_registry_on_event(kvlogical_manager_registry(fleet->workers[i].manager), keep_event,
                                                 &fleet->seats[i]);
    }
    return status == KVCORE_OK ? tell_index(fleet) : status;
}

/* ---- a fleet ---- */

static kvcore_status open_workers(replay_fleet *fleet, size_t count, const kvlogical_config *config,
                                  kvcore_error *error) {
    fleet->workers = calloc(count, sizeof *fleet->workers);
    if (fleet->workers == NULL) return KVCORE_ENOMEM;
    for (; fleet->worker_count < count; fleet->worker_count++) {
        cache_run *worker = &fleet->workers[fleet->worker_count];
        kvcore_status status = KVCORE_OK;
        if (config->block_count == 0)
            cache_run_open_unbounded(worker);
        else
            status = cache_run_open(worker, config, error);
        if (status != KVCORE_OK) return status;
    }
    return KVCORE_OK;
}

kvcore_status fleet_open(replay_fleet *fleet, fleet_route route, size_t worker_count, const kvlogical_config *config,
                         kvcore_error *error) {
    memset(fleet, 0, sizeof *fleet);
    fleet->route = route;
    fleet->capacity = config->block_count;
    fleet->dice.state = DICE_SEED;
    if (error != NULL) error->text[0] = '\0';
    kvcore_status status = open_workers(fleet, worker_count, config, error);
    if (status == KVCORE_OK && route == FLEET_PREFIX) status = open_index(fleet, error);
    if (status == KVCORE_OK || (error != NULL && error->text[0] != '\0')) return status;
    return kvcore_fail(error, &(kvcore_error){.code = status}, "%s", kvcore_status_text(status));
}

void fleet_close(replay_fleet *fleet) {
    for (size_t i = 0; i < fleet->worker_count; i++) cache_run_close(&fleet->workers[i]);
    kvradix_index_destroy(fleet->index);
    free(fleet->workers);
    free(fleet->matches);
    free(fleet->overlaps);
    free(fleet->seats);
    free(fleet->events.list);
    memset(fleet, 0, sizeof *fleet);
}

/* ---- routes ---- */

static uint64_t work_of(const cache_run *worker) { return worker->counts.tokens - worker->counts.hit_tokens; }

static kvcore_status choose_by_prefix(replay_fleet *fleet, const named_request *request, size_t *chosen) {
    size_t found;
    kvcore_status status =
        kvradix_index_match(fleet->index, request->names, request->count, fleet->matches, fleet->worker_count, &found);
    if (status != KVCORE_OK) return status;
    memset(fleet->overlaps, 0, fleet->worker_count * sizeof *fleet->overlaps);
    for (size_t i = 0; i < found; i++) fleet->overlaps[fleet->matches[i].holder.worker] = fleet->matches[i].blocks;
    uint64_t least = UINT64_MAX;
    for (size_t i = 0; i < fleet->worker_count; i++) {
        uint64_t work = work_of(&fleet->workers[i]) + named_request_tokens(request, request->count) -
                        named_request_tokens(request, fleet->overlaps[i]);
        bool longer = work == least && fleet->overlaps[i] > fleet->overlaps[*chosen];
        if (work >= least && !longer) continue;
        least = work;
        *chosen = i;
    }
    return KVCORE_OK;
}

static kvcore_status choose(replay_fleet *fleet, const named_request *request, size_t *chosen) {
    *chosen = 0;
    switch (fleet->route) {
    case FLEET_PREFIX: return choose_by_prefix(fleet, request, chosen);
    case FLEET_ROUND_ROBIN:
        *chosen = fleet->turn;
        fleet->turn = (fleet->turn + 1) % fleet->worker_count;
        return KVCORE_OK;
    case FLEET_RANDOM: *chosen = (size_t)dice_below(&fleet->dice, fleet->worker_count); return KVCORE_OK;
    case FLEET_NO_ROUTE: break;
    }
    return KVCORE_OK;
}

kvcore_status fleet_serve(replay_fleet *fleet, const named_request *request, run_scratch *scratch) {
    if (fleet->route == FLEET_NO_ROUTE) return cache_run_serve(&fleet->workers[0], request, scratch);
    uint64_t start = clock_ns();
    size_t chosen;
    kvcore_status status = choose(fleet, request, &chosen);
    uint64_t between = clock_ns();
    fleet->routing_ns += between - start;
    if (status == KVCORE_OK) status = cache_run_serve(&fleet->workers[chosen], request, scratch);
    if (status != KVCORE_OK || fleet->route != FLEET_PREFIX) return status;
    start = clock_ns();
    if (fleet->capacity != 0)
        status = tell_index(fleet);
    else /* it keeps everything, and has no events */
        status = kvradix_index_store(fleet->index, fleet->seats[chosen].holder, request->names, request->count);
    fleet->routing_ns += clock_ns() - start;
    return status;
}

/* ---- counts ---- */

run_counts fleet_total(const replay_fleet *fleet) {
    run_counts total = {0};
    for (size_t i = 0; i < fleet->worker_count; i++) {
        const run_counts *of = &fleet->workers[i].counts;
        total.requests += of->requests;
        total.references += of->references;
        total.hits += of->hits;
        total.tokens += of->tokens;
        total.hit_tokens += of->hit_tokens;
        total.registrations += of->registrations;
        total.reused_stays += of->reused_stays;
        total.evictions += of->evictions;
        total.oversized += of->oversized;
        total.manager_ns += of->manager_ns;
        total.causes.compulsory += of->causes.compulsory;
        total.causes.behind_a_gap += of->causes.behind_a_gap;
        total.causes.refused += of->causes.refused;
        total.causes.evicted += of->causes.evicted;
    }
    return total;
}

fleet_balance fleet_work_balance(const replay_fleet *fleet) {
    fleet_balance balance = {0, 0};
    for (size_t i = 0; i < fleet->worker_count; i++) {
        uint64_t work = work_of(&fleet->workers[i]);
        balance.even += work;
        if (work > balance.busiest) balance.busiest = work;
    }
    balance.busiest *= fleet->worker_count;
    return balance;
}
