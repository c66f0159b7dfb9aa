#include "answers/curve_options.h"

#include <argp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shared/command.h"
#include "shared/list.h"

#define DEFAULT_BLOCK_TOKENS 512
#define BLOCK_TOKENS_MAX (1u << 20)
#define GROUP_MAX 1024
#define ROWS_MAX 10000
#define CAPACITY_MAX UINT64_C(1000000000000)

enum {
    OPTION_JSON = 256,
    OPTION_PLOT,
    OPTION_AT,
    OPTION_FULL,
    OPTION_HOST,
    OPTION_TTL,
    OPTION_GROUP,
    OPTION_TENANT,
    OPTION_EVERY,
    OPTION_ROWS,
    OPTION_BYTES
};

static const struct argp_option option_list[] = {
    {"at", OPTION_AT, "LIST", 0, "Capacities in blocks besides the ladder, comma separated; 1k = 1000, 1M, 1G", 0},
    {"rows", OPTION_ROWS, "N", 0, "N capacities from the longest request to all blocks instead of the ladder", 0},
    {"block-size", 'b', "N", 0, "Tokens a block (default: 512)", 0},
    {"bytes-per-block", OPTION_BYTES, "N", 0, "Show capacities in GiB, too", 0},
    {"full-blocks", OPTION_FULL, NULL, 0, "Only full blocks take part, as in an engine that names no others", 0},
    {"host", OPTION_HOST, "C:LIST", 0, "What host tiers of these sizes find beside a device of C blocks", 0},
    {"ttl", OPTION_TTL, "LIST", 0, "Drop blocks that were idle for longer: 500ms, 10s, 5m, 2h, comma separated", 0},
    {"group", OPTION_GROUP, "LIST", 0, "Several blocks as one larger block: 2,4,8", 0},
    {"tenant", OPTION_TENANT, "KEY", 0, "Whose a request is: the value of this key of it", 0},
    {"every", OPTION_EVERY, "FILE", 0, "Write the figures at every capacity as CSV", 0},
    {"json", OPTION_JSON, NULL, 0, "Print one JSON object instead of tables", 0},
    {"plot", OPTION_PLOT, "FILE", 0, "Draw hit ratio over capacity into FILE.svg or FILE.png", 0},
    {0},
};

/* The lists, as they were given. */
typedef struct option_texts {
    char *at, *host, *ttl, *group;
    curve_options *options;
} option_texts;

static error_t parse_number(const char *name, const char *text, uint64_t most, struct argp_state *state,
                            uint64_t *value) {
    if (parse_count(text, value) != KVCORE_OK || *value == 0 || *value > most)
        argp_error(state, "--%s: expected a number from 1 to %llu, found '%s'", name, (unsigned long long)most, text);
    return 0;
}

static error_t parse_block_size(const char *text, struct argp_state *state, curve_options *options) {
    uint64_t value = 0;
    parse_number("block-size", text, BLOCK_TOKENS_MAX, state, &value);
    options->block_tokens = (uint32_t)value;
    return 0;
}

static error_t parse_option(int key, char *argument, struct argp_state *state) {
    option_texts *texts = state->input;
    curve_options *options = texts->options;
    switch (key) {
    case 'b': return parse_block_size(argument, state, options);
    case OPTION_AT: texts->at = argument; return 0;
    case OPTION_HOST: texts->host = argument; return 0;
    case OPTION_TTL: texts->ttl = argument; return 0;
    case OPTION_GROUP: texts->group = argument; return 0;
    case OPTION_ROWS: return parse_number("rows", argument, ROWS_MAX, state, &options->rows);
    case OPTION_BYTES: return parse_number("bytes-per-block", argument, UINT32_MAX, state, &options->bytes_per_block);
    case OPTION_FULL: options->full_blocks = true; return 0;
    case OPTION_TENANT: options->tenant_key = argument; return 0;
    case OPTION_EVERY: options->every = argument; return 0;
    case OPTION_JSON: options->json = true; return 0;
    case OPTION_PLOT: options->plot = argument; return 0;
    case ARGP_KEY_ARG: options->files[options->file_count++] = argument; return 0;
    case ARGP_KEY_NO_ARGS:
        if (isatty(STDIN_FILENO)) argp_error(state, "expected a FILE, or a trace on standard input");
        options->files[options->file_count++] = "-";
        return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp parser = {
    .options = option_list,
    .parser = parse_option,
    .args_doc = "[FILE|-]...",
    .doc = "Say what LRU caches of every capacity find of request traces, and the best that any policy could, from one "
           "reading.\vSeveral files are one stream, plain or gzip. Without FILE, or for '-', standard input is read. "
           "kvstrata(1) says how to read the tables.",
};

/* ---- lists ---- */

static int read_numbers(const char *name, char *list, uint64_t most, uint64_t **numbers, size_t *count) {
    if (list == NULL) return EXIT_OK;
    *numbers = list_room(list, sizeof **numbers);
    if (*numbers == NULL) return complain(EXIT_SYSTEM, "out of memory");
    for (char *item; (item = list_next(&list)) != NULL;) {
        uint64_t number;
        if (parse_count(item, &number) != KVCORE_OK || number == 0 || number > most)
            return complain(EXIT_USAGE, "--%s: expected a number from 1 to %llu, found '%s'", name,
                            (unsigned long long)most, item);
        list_add(number, *numbers, count);
    }
    return EXIT_OK;
}

static int read_host(curve_options *options, char *text) {
    if (text == NULL) return EXIT_OK;
    char *colon = strchr(text, ':');
    if (colon != NULL) *colon = '\0';
    if (colon == NULL || parse_count(text, &options->device) != KVCORE_OK || options->device == 0 ||
        options->device > CAPACITY_MAX)
        return complain(EXIT_USAGE,
                        "--host: expected the blocks of a device and of hosts, as in 10k:10k,40k, found '%s'", text);
    return read_numbers("host", colon + 1, CAPACITY_MAX, &options->hosts, &options->host_count);
}

/* "500ms", "10s", "5m", "2h". */
static kvcore_status parse_time(char *text, uint64_t *ms) {
    static const struct {
        const char *unit;
        uint64_t ms;
    } units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}};
    char *unit = text + strspn(text, "0123456789");
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (strcmp(unit, units[i].unit) != 0) continue;
        *unit = '\0';
        kvcore_status status = parse_count(text, ms);
        return status == KVCORE_OK && __builtin_mul_overflow(*ms, units[i].ms, ms) ? KVCORE_EOVERFLOW : status;
    }
    return KVCORE_EFORMAT;
}

static int read_ttl(curve_options *options, char *list) {
    if (list == NULL) return EXIT_OK;
    options->limits_ms = list_room(list, sizeof *options->limits_ms);
    if (options->limits_ms == NULL) return complain(EXIT_SYSTEM, "out of memory");
    for (char *item; (item = list_next(&list)) != NULL;) {
        uint64_t ms;
        if (parse_time(item, &ms) != KVCORE_OK)
            return complain(EXIT_USAGE, "--ttl: expected a time as 500ms, 10s, 5m or 2h, found '%s'", item);
        list_add(ms, options->limits_ms, &options->limit_count);
    }
    return EXIT_OK;
}

int curve_options_read(int argc, char **argv, curve_options *options) {
    *options = (curve_options){.block_tokens = DEFAULT_BLOCK_TOKENS};
    option_texts texts = {.options = options};
    options->files = calloc((size_t)argc + 1, sizeof *options->files);
    if (options->files == NULL) return complain(EXIT_SYSTEM, "out of memory");
    if (argp_parse(&parser, argc, argv, 0, NULL, &texts) != 0) return EXIT_USAGE;
    int code = read_numbers("at", texts.at, CAPACITY_MAX, &options->at, &options->at_count);
    if (code == EXIT_OK) code = read_host(options, texts.host);
    if (code == EXIT_OK) code = read_ttl(options, texts.ttl);
    if (code == EXIT_OK) code = read_numbers("group", texts.group, GROUP_MAX, &options->groups, &options->group_count);
    return code;
}

void curve_options_clear(curve_options *options) {
    free(options->files);
    free(options->at);
    free(options->hosts);
    free(options->limits_ms);
    free(options->groups);
    *options = (curve_options){.files = NULL};
}
