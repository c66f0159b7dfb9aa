#include "replay/replay_options.h"

#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <kvlogical/policy.h>

#include "shared/command.h"
#include "shared/list.h"

#define DEFAULT_CAPACITIES "1k,3k,10k,30k,100k,unbounded"
#define DEFAULT_POLICIES "lru"
/* Stands in the help text for the names of all policies. */
#define POLICY_NAMES "POLICIES"
#define DEFAULT_ROUTES "prefix,round-robin,random"
#define DEFAULT_BLOCK_TOKENS 512
#define TEXT(value) TEXT_OF(value)
#define TEXT_OF(value) #value

enum { OPTION_JSON = 256, OPTION_PLOT, OPTION_WHY, OPTION_KNOWN };

static const struct argp_option option_list[] = {
    {"capacity", 'c', "LIST", 0,
     "Blocks of each cache, comma separated; 1k = 1000, 1M, 1G, and 'unbounded' for one that never evicts "
     "(default: " DEFAULT_CAPACITIES ")",
     0},
    {"policy", 'p', "LIST", 0,
     "What is evicted first, comma separated: " POLICY_NAMES " (default: " DEFAULT_POLICIES ")", 0},
    {"block-size", 'b', "N", 0, "Tokens a block: a power of two up to 1024 (default: " TEXT(DEFAULT_BLOCK_TOKENS) ")",
     0},
    {"workers", 'w', "LIST", 0,
     "Replay against fleets of so many workers, comma separated, each worker with a cache of the capacity", 0},
    {"route", 'r', "LIST", 0,
     "How requests come to workers, comma separated: prefix, round-robin, random (default: " DEFAULT_ROUTES ")", 0},
    {"known-queue", OPTION_KNOWN, "LIST", 0,
     "Also LRU that keeps what the next so many requests ask for, comma separated", 0},
    {"why", OPTION_WHY, NULL, 0, "Say why blocks were missed", 0},
    {"json", OPTION_JSON, NULL, 0, "Print one JSON object instead of the table", 0},
    {"plot", OPTION_PLOT, "FILE", 0, "Draw hit ratio over capacity into FILE.svg or FILE.png", 0},
    {0},
};

/* The lists, as they were given. */
typedef struct option_texts {
    char *capacities, *policies, *workers, *routes, *known;
    replay_options *options;
} option_texts;

static error_t parse_block_size(const char *text, struct argp_state *state, uint32_t *block_tokens) {
    uint64_t value;
    if (parse_count(text, &value) != KVCORE_OK || value == 0 || value > KVLOGICAL_BLOCK_TOKENS_MAX ||
        (value & (value - 1)) != 0)
        argp_error(state, "expected a block size that is a power of two from 1 to %d, found '%s'",
                   KVLOGICAL_BLOCK_TOKENS_MAX, text);
    *block_tokens = (uint32_t)value;
    return 0;
}

static error_t parse_option(int key, char *argument, struct argp_state *state) {
    option_texts *texts = state->input;
    replay_options *options = texts->options;
    switch (key) {
    case 'c': texts->capacities = argument; return 0;
    case 'p': texts->policies = argument; return 0;
    case 'b': return parse_block_size(argument, state, &options->block_tokens);
    case 'w': texts->workers = argument; return 0;
    case 'r': texts->routes = argument; return 0;
    case OPTION_JSON: options->json = true; return 0;
    case OPTION_WHY: options->why = true; return 0;
    case OPTION_KNOWN: texts->known = argument; return 0;
    case OPTION_PLOT: options->plot = argument; return 0;
    case ARGP_KEY_ARG: options->files[options->file_count++] = argument; return 0;
    case ARGP_KEY_NO_ARGS:
        if (isatty(STDIN_FILENO)) argp_error(state, "expected a FILE, or a trace on standard input");
        options->files[options->file_count++] = "-";
        return 0;
    case ARGP_KEY_END:
        if (texts->routes != NULL && texts->workers == NULL) argp_error(state, "--route needs --workers");
        if (texts->known != NULL && texts->workers != NULL) argp_error(state, "--known-queue is for one worker");
        return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

#define POLICY_NAMES_MOST 512

/* All names and aliases, comma separated, and `last` before the last one. */
static const char *policy_names(char names[POLICY_NAMES_MOST], const char *last) {
    kvlogical_policy policy = KVLOGICAL_POLICY_INIT;
    const char *previous = NULL;
    size_t length = 0, item = 0;
    names[0] = '\0';
    for (bool more = true; more && length < POLICY_NAMES_MOST; item++) {
        more = kvlogical_policy_at(item / 2, &policy) == KVCORE_OK;
        const char *next = item % 2 == 0 ? policy.name : policy.alias;
        if (more && next == NULL) continue;
        if (previous != NULL)
            length += (size_t)snprintf(names + length, POLICY_NAMES_MOST - length, "%s%s",
                                       length == 0 ? ""
                                       : more      ? ", "
                                                   : last,
                                       previous);
        previous = next;
    }
    return names;
}

/* argp's hook: the help text of an option, with the names of the policies in it. A text that is not `text` is freed by argp. */
static char *fill_help(int key, const char *text, void *input) {
    (void)input;
    char *same = (char *)(uintptr_t)text, names[POLICY_NAMES_MOST];
    const char *at = key == 'p' && text != NULL ? strstr(text, POLICY_NAMES) : NULL;
    char *filled = at == NULL ? NULL : malloc(strlen(text) + sizeof names);
    if (filled == NULL) return same;
    snprintf(filled, strlen(text) + sizeof names, "%.*s%s%s", (int)(at - text), text, policy_names(names, ", "),
             at + strlen(POLICY_NAMES));
    return filled;
}

static const struct argp parser = {
    .options = option_list,
    .parser = parse_option,
    .args_doc = "[FILE|-]...",
    .help_filter = fill_help,
    .doc =
        "Replay request traces against block managers of several capacities and eviction policies, all in one pass.\v"
        "A trace has one JSON object a line, plain or gzip, with hash_ids: one id for each block of the prompt. "
        "Several files "
        "are one stream. Without FILE, or for '-', standard input is read. kvstrata(1) says how to read the table.",
};

/* ---- lists ---- */

static int read_capacities(replay_options *options, char *list) {
    options->capacities = list_room(list, sizeof *options->capacities);
    if (options->capacities == NULL) return complain(EXIT_SYSTEM, "out of memory");
    for (char *item; (item = list_next(&list)) != NULL;) {
        uint64_t capacity = 0;
        if (strcmp(item, "unbounded") != 0 &&
            (parse_count(item, &capacity) != KVCORE_OK || capacity == 0 || capacity > KVLOGICAL_BLOCK_COUNT_MAX))
            return complain(EXIT_USAGE,
                            "--capacity: expected 'unbounded' or a number of blocks from 1 to %lu, found '%s'",
                            (unsigned long)KVLOGICAL_BLOCK_COUNT_MAX, item);
        list_add(capacity, options->capacities, &options->capacity_count);
    }
    return EXIT_OK;
}

/* Is it a name of this policy? Returns the one that was meant. */
static const char *policy_named(const kvlogical_policy *policy, const char *item) {
    if (strcmp(item, policy->name) == 0) return policy->name;
    return policy->alias != NULL && strcmp(item, policy->alias) == 0 ? policy->alias : NULL;
}

static bool find_policy(const char *item, replay_policy *found) {
    kvlogical_policy policy = KVLOGICAL_POLICY_INIT;
    for (size_t i = 0; kvlogical_policy_at(i, &policy) == KVCORE_OK; i++) {
        *found = (replay_policy){policy_named(&policy, item), policy.policy};
        if (found->name != NULL) return true;
    }
    return false;
}

static int read_policies(replay_options *options, char *list) {
    options->policies = list_room(list, sizeof *options->policies);
    if (options->policies == NULL) return complain(EXIT_SYSTEM, "out of memory");
    for (char *item; (item = list_next(&list)) != NULL;) {
        replay_policy found;
        if (!find_policy(item, &found)) {
            char names[POLICY_NAMES_MOST];
            return complain(EXIT_USAGE, "--policy: expected %s, found '%s'", policy_names(names, " or "), item);
        }
        bool known = false;
        for (size_t i = 0; i < options->policy_count; i++) known |= options->policies[i].name == found.name;
        if (!known) options->policies[options->policy_count++] = found;
    }
    return EXIT_OK;
}

static int read_workers(replay_options *options, char *list) {
    options->workers = list_room(list, sizeof *options->workers);
    if (options->workers == NULL) return complain(EXIT_SYSTEM, "out of memory");
    for (char *item; (item = list_next(&list)) != NULL;) {
        uint64_t workers;
        if (parse_count(item, &workers) != KVCORE_OK || workers == 0 || workers > FLEET_WORKERS_MAX)
            return complain(EXIT_USAGE, "--workers: expected a number of workers from 1 to %d, found '%s'",
                            FLEET_WORKERS_MAX, item);
        list_add(workers, options->workers, &options->worker_list_count);
    }
    return EXIT_OK;
}

static int read_routes(replay_options *options, char *list) {
    options->routes = list_room(list, sizeof *options->routes);
    if (options->routes == NULL) return complain(EXIT_SYSTEM, "out of memory");
    for (char *item; (item = list_next(&list)) != NULL;) {
        fleet_route found = FLEET_NO_ROUTE;
        for (fleet_route route = FLEET_PREFIX; route <= FLEET_RANDOM; route++)
            if (strcmp(item, fleet_route_name(route)) == 0) found = route;
        if (found == FLEET_NO_ROUTE)
            return complain(EXIT_USAGE, "--route: expected prefix, round-robin or random, found '%s'", item);
        bool known = false;
        for (size_t i = 0; i < options->route_count; i++) known |= options->routes[i] == found;
        if (!known) options->routes[options->route_count++] = found;
    }
    return EXIT_OK;
}

static int read_known(replay_options *options, char *list) {
    if (list == NULL) return EXIT_OK;
    options->known = list_room(list, sizeof *options->known);
    if (options->known == NULL) return complain(EXIT_SYSTEM, "out of memory");
    for (char *item; (item = list_next(&list)) != NULL;) {
        uint64_t requests;
        if (parse_count(item, &requests) != KVCORE_OK || requests == 0)
            return complain(EXIT_USAGE, "--known-queue: expected a number of requests from 1, found '%s'", item);
        list_add(requests, options->known, &options->known_count);
    }
    return EXIT_OK;
}

/* One worker, and nothing to choose. */
static int no_fleet(replay_options *options) {
    options->routes = calloc(1, sizeof *options->routes);
    options->workers = calloc(1, sizeof *options->workers);
    if (options->routes == NULL || options->workers == NULL) return complain(EXIT_SYSTEM, "out of memory");
    options->routes[options->route_count++] = FLEET_NO_ROUTE;
    options->workers[options->worker_list_count++] = 1;
    return EXIT_OK;
}

int replay_options_read(int argc, char **argv, replay_options *options) {
    *options = (replay_options){.block_tokens = DEFAULT_BLOCK_TOKENS};
    char default_capacities[] = DEFAULT_CAPACITIES, default_policies[] = DEFAULT_POLICIES,
         default_routes[] = DEFAULT_ROUTES;
    option_texts texts = {default_capacities, default_policies, NULL, NULL, NULL, options};
    options->files = calloc((size_t)argc + 1, sizeof *options->files);
    if (options->files == NULL) return complain(EXIT_SYSTEM, "out of memory");
    if (argp_parse(&parser, argc, argv, 0, NULL, &texts) != 0) return EXIT_USAGE;
    int code = read_capacities(options, texts.capacities);
    if (code == EXIT_OK) code = read_policies(options, texts.policies);
    if (code == EXIT_OK) code = read_known(options, texts.known);
    if (code != EXIT_OK || texts.workers == NULL) return code == EXIT_OK ? no_fleet(options) : code;
    code = read_workers(options, texts.workers);
    return code == EXIT_OK ? read_routes(options, texts.routes != NULL ? texts.routes : default_routes) : code;
}

void replay_options_clear(replay_options *options) {
    free(options->policies);
    free(options->capacities);
    free(options->workers);
    free(options->routes);
    free(options->known);
    free(options->files);
    *options = (replay_options){.policy_count = 0};
}
