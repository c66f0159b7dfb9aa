/* One row of a replay: workers with a cache each, and the route by which requests come to them. Without a route there is one
 * worker, which takes them all.
 *
 * Glossary: the *work* of a worker is the tokens it had to compute, those of its requests that its cache had not; *balance*
 * is the mean work as a share of the busiest worker's. */
#ifndef TOOLS_FLEET_H
#define TOOLS_FLEET_H

#include <stddef.h>
#include <stdint.h>

#include <kvcore/status.h>
#include <kvhash/event.h>
#include <kvlogical/manager.h>
#include <kvradix/index.h>

#include "replay/cache_run.h"
#include "shared/dice.h"

#define FLEET_WORKERS_MAX KVRADIX_HOLDERS_MAX

typedef enum fleet_route {
    FLEET_NO_ROUTE,
    FLEET_PREFIX,      /* to whom this request leaves the least work in all, done work counted: a prefix index tells */
    FLEET_ROUND_ROBIN, /* to one after the other */
    FLEET_RANDOM,      /* to any; the same choices in every replay */
} fleet_route;

/* What the caches tell, until the index is told. */
typedef struct fleet_events {
    kvhash_event *list;
    size_t count, capacity;
    kvcore_status status;
} fleet_events;

/* A worker's place in the fleet, for its cache's events. */
typedef struct fleet_seat {
    fleet_events *events;
    kvhash_holder holder;
} fleet_seat;

typedef struct replay_fleet {
    fleet_route route;
    size_t capacity; /* blocks of each worker; 0: unbounded */
    cache_run *workers;
    size_t worker_count;
    uint64_t routing_ns; /* choosing workers, and keeping the index */

    size_t turn;          /* round-robin: whose it is */
    dice_state dice;      /* random */
    kvradix_index *index; /* the rest: prefix */
    kvradix_match *matches;
    uint32_t *overlaps; /* of each worker with the request, in blocks */
    fleet_seat *seats;
    fleet_events events;
} replay_fleet;

/* Make a fleet whose workers have caches of config; block_count 0 is a cache without bounds.
 *
 * Errors: as kvlogical_manager_create(); KVCORE_ENOMEM. fleet_close() is due in any case. */
KVCORE_NODISCARD kvcore_status fleet_open(replay_fleet *fleet, fleet_route route, size_t worker_count,
                                          const kvlogical_config *config, kvcore_error *error);
void fleet_close(replay_fleet *fleet);

/* Choose a worker for a request and let it serve. The scratch has room for it. */
KVCORE_NODISCARD kvcore_status fleet_serve(replay_fleet *fleet, const named_request *request, run_scratch *scratch);

/* All workers together. */
run_counts fleet_total(const replay_fleet *fleet);

/* Balance is even / busiest. */
typedef struct fleet_balance {
    uint64_t even;    /* tokens computed by all workers */
    uint64_t busiest; /* by the busiest, times the number of workers */
} fleet_balance;
fleet_balance fleet_work_balance(const replay_fleet *fleet);

/* "round-robin"; NULL for FLEET_NO_ROUTE. */
const char *fleet_route_name(fleet_route route);

#endif
