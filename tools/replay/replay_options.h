/* What the user asked of `kvstrata replay`. */
#ifndef TOOLS_REPLAY_OPTIONS_H
#define TOOLS_REPLAY_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "replay/fleet.h"

typedef struct replay_policy {
    const char *name; /* as the user spelled it */
    uint32_t eviction;
} replay_policy;

/* Lists keep the user's order; an item that comes again counts once. */
typedef struct replay_options {
    replay_policy *policies;
    size_t policy_count;
    uint64_t *capacities; /* 0: unbounded */
    size_t capacity_count;
    uint64_t *workers; /* of each fleet; 1 where none was asked for */
    size_t worker_list_count;
    fleet_route *routes; /* FLEET_NO_ROUTE alone where no fleet was asked for */
    size_t route_count;
    uint32_t block_tokens;
    bool json;
    bool why;        /* causes of misses, too */
    uint64_t *known; /* requests of known queues */
    size_t known_count;
    const char *plot; /* NULL: no picture */
    const char **files;
    size_t file_count;
} replay_options;

/* Gives an exit code, having complained. replay_options_clear() is due in any case. */
int replay_options_read(int argc, char **argv, replay_options *options);
void replay_options_clear(replay_options *options);

#endif
