/* kvstrata replay: what block caches of given sizes and policies would have found of a request trace. */
#include <argp.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "block_names.h"
#include "cache_run.h"
#include "command.h"
#include "lines.h"
#include "plot.h"
#include "progress.h"
#include "replay_report.h"
#include "trace.h"

#define DEFAULT_CAPACITIES "1k,3k,10k,30k,100k,unbounded"
#define DEFAULT_POLICIES "lru"
#define DEFAULT_BLOCK_TOKENS 512
#define TEXT(value) TEXT_OF(value)
#define TEXT_OF(value) #value

typedef struct replay_policy {
    const char *name;
    uint32_t eviction;
} replay_policy;

static const replay_policy policies[] = {
    {"lru", KVLOGICAL_EVICT_LRU},
    {"multi-lru", KVLOGICAL_EVICT_MULTI_LRU},
    {"fifo", KVLOGICAL_EVICT_FIFO},
    {"lineage", KVLOGICAL_EVICT_LINEAGE_TICK},
    {"lineage-tick", KVLOGICAL_EVICT_LINEAGE_TICK},
    {"lineage-fifo", KVLOGICAL_EVICT_LINEAGE_FIFO},
};

typedef struct replay_options {
    char *capacities;
    char *policies;
    uint32_t block_tokens;
    bool json;
    const char *plot;
    const char **files;
    size_t file_count;
} replay_options;

/* Everything of one replay. */
typedef struct replay_job {
    replay_options options;
    uint64_t *capacities; /* 0: unbounded */
    size_t capacity_count;
    const replay_policy **policies;
    size_t policy_count;
    cache_run *runs; /* policy by policy, in the order of the lists */
    size_t run_count;
    block_names names;
    run_scratch scratch;
    trace_request request;
    replay_totals totals;
    progress_bar progress;
    plot_file plot;
} replay_job;

/* ---- options ---- */

enum { OPTION_JSON = 256, OPTION_PLOT };

static const struct argp_option option_list[] = {
    {"capacity", 'c', "LIST", 0,
     "Blocks of each cache, comma separated; 1k = 1000, 1M, 1G, and 'unbounded' for one that never evicts "
     "(default: " DEFAULT_CAPACITIES ")",
     0},
    {"policy", 'p', "LIST", 0,
     "What is evicted first, comma separated: lru, multi-lru, fifo, lineage (= lineage-tick), lineage-fifo "
     "(default: " DEFAULT_POLICIES ")",
     0},
    {"block-size", 'b', "N", 0, "Tokens a block: a power of two up to 1024 (default: " TEXT(DEFAULT_BLOCK_TOKENS) ")",
     0},
    {"json", OPTION_JSON, NULL, 0, "Print one JSON object instead of the table", 0},
    {"plot", OPTION_PLOT, "FILE", 0, "Draw hit ratio over capacity into FILE.svg or FILE.png", 0},
    {0},
};

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
    replay_options *options = state->input;
    switch (key) {
    case 'c': options->capacities = argument; return 0;
    case 'p': options->policies = argument; return 0;
    case 'b': return parse_block_size(argument, state, &options->block_tokens);
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
    .doc =
        "Replay request traces against block managers of several capacities and eviction policies, all in one pass.\v"
        "A trace has one JSON object a line, plain or gzip, with hash_ids: one id for each block of the prompt. "
        "Several files "
        "are one stream. Without FILE, or for '-', standard input is read. kvstrata(1) says how to read the table.",
};

static size_t count_items(const char *list) {
    size_t count = 1;
    for (; *list != '\0'; list++) count += *list == ',';
    return count;
}

/* Cut the next item off a comma separated list; NULL at its end. Unlike strtok, keeps empty items, so that they are refused. */
static char *next_item(char **list) {
    char *item = *list;
    if (item == NULL) return NULL;
    char *comma = strchr(item, ',');
    *list = comma != NULL ? comma + 1 : NULL;
    if (comma != NULL) *comma = '\0';
    return item;
}

static int read_capacities(replay_job *job) {
    job->capacities = calloc(count_items(job->options.capacities), sizeof *job->capacities);
    if (job->capacities == NULL) return complain(EXIT_SYSTEM, "out of memory");
    char *list = job->options.capacities;
    for (char *item; (item = next_item(&list)) != NULL;) {
        uint64_t capacity = 0;
        if (strcmp(item, "unbounded") != 0 &&
            (parse_count(item, &capacity) != KVCORE_OK || capacity == 0 || capacity > KVLOGICAL_BLOCK_COUNT_MAX))
            return complain(EXIT_USAGE,
                            "--capacity: expected 'unbounded' or a number of blocks from 1 to %lu, found '%s'",
                            (unsigned long)KVLOGICAL_BLOCK_COUNT_MAX, item);
        bool known = false;
        for (size_t i = 0; i < job->capacity_count; i++) known |= job->capacities[i] == capacity;
        if (!known) job->capacities[job->capacity_count++] = capacity;
    }
    return EXIT_OK;
}

static int read_policies(replay_job *job) {
    job->policies = calloc(count_items(job->options.policies), sizeof *job->policies);
    if (job->policies == NULL) return complain(EXIT_SYSTEM, "out of memory");
    char *list = job->options.policies;
    for (char *item; (item = next_item(&list)) != NULL;) {
        const replay_policy *found = NULL;
        for (size_t i = 0; i < sizeof policies / sizeof *policies; i++)
            if (strcmp(item, policies[i].name) == 0) found = &policies[i];
        if (found == NULL)
            return complain(
                EXIT_USAGE,
                "--policy: expected lru, multi-lru, fifo, lineage, lineage-tick or lineage-fifo, found '%s'", item);
        bool known = false;
        for (size_t i = 0; i < job->policy_count; i++) known |= job->policies[i] == found;
        if (!known) job->policies[job->policy_count++] = found;
    }
    return EXIT_OK;
}

/* ---- runs ---- */

static int open_run(replay_job *job, const replay_policy *policy, uint64_t capacity) {
    kvlogical_config config = KVLOGICAL_CONFIG_INIT;
    config.block_count = (size_t)capacity;
    config.block_tokens = job->options.block_tokens;
    config.eviction = policy->eviction;
    config.duplicates = KVLOGICAL_DUPLICATES_REJECT;
    kvcore_error error;
    cache_run *run = &job->runs[job->run_count];
    kvcore_status status = cache_run_open(run, policy->name, &config, &error);
    if (status == KVCORE_OK) {
        job->run_count++;
        return EXIT_OK;
    }
    if (status == KVCORE_ENOTSUP) return complain(EXIT_UNSUPPORTED, "policy %s is not supported yet", policy->name);
    return complain(exit_code_of(status), "policy %s, capacity %llu: %s", policy->name, (unsigned long long)capacity,
                    error.text);
}

static int open_runs(replay_job *job) {
    job->runs = calloc(job->policy_count * job->capacity_count, sizeof *job->runs);
    if (job->runs == NULL) return complain(EXIT_SYSTEM, "out of memory");
    for (size_t i = 0; i < job->policy_count; i++)
        for (size_t j = 0; j < job->capacity_count; j++) {
            int code = EXIT_OK;
            if (job->capacities[j] == 0)
                cache_run_open_unbounded(&job->runs[job->run_count++], job->policies[i]->name);
            else
                code = open_run(job, job->policies[i], job->capacities[j]);
            if (code != EXIT_OK) return code;
        }
    return EXIT_OK;
}

/* The first policy's unbounded run, if run i is another's: no policy matters there, so one counts for all. */
static const cache_run *unbounded_before(const replay_job *job, size_t i) {
    if (job->runs[i].capacity != 0) return NULL;
    size_t first = 0;
    while (job->runs[first].capacity != 0) first++;
    return first < i ? &job->runs[first] : NULL;
}

static kvcore_status serve_all(replay_job *job, kvcore_error *error) {
    const trace_request *request = &job->request;
    kvcore_status status = block_names_make(&job->names, request->ids, request->count, error);
    if (status != KVCORE_OK) return status;
    named_request named = {job->names.names, request->count, job->options.block_tokens,
                           trace_last_block_tokens(request, job->options.block_tokens)};
    status = run_scratch_reserve(&job->scratch, request->count);
    for (size_t i = 0; i < job->run_count && status == KVCORE_OK; i++)
        if (unbounded_before(job, i) == NULL) status = cache_run_serve(&job->runs[i], &named, &job->scratch);
    if (status != KVCORE_OK)
        return kvcore_fail(error, &(kvcore_error){.code = status}, "%s", kvcore_status_text(status));
    job->totals.requests++;
    job->totals.references += request->count;
    for (size_t i = 0; i < request->count; i++) {
        job->totals.names_xor.high ^= named.names[i].high;
        job->totals.names_xor.low ^= named.names[i].low;
    }
    return KVCORE_OK;
}

static const char *base_name(const char *file) {
    const char *slash = strrchr(file, '/');
    return strcmp(file, "-") == 0 ? "standard input" : slash != NULL ? slash + 1 : file;
}

static int replay_file(replay_job *job, const char *name) {
    line_reader lines;
    kvcore_error error;
    if (lines_open(&lines, name, &error) != KVCORE_OK) return complain_at(name, 0, &error);
    kvcore_status status;
    char *text = NULL;
    size_t length = 0;
    while ((status = lines_next(&lines, &text, &length, &error)) == KVCORE_OK && text != NULL) {
        status = trace_parse(text, length, &job->request, &error);
        if (status == KVCORE_OK) status = serve_all(job, &error);
        if (status != KVCORE_OK) break;
        progress_update(&job->progress, base_name(name), lines_position(&lines), lines.size_bytes, job->totals.requests,
                        "requests");
    }
    uint64_t line = lines.number;
    lines_close(&lines);
    if (status == KVCORE_OK) return EXIT_OK;
    progress_end(&job->progress);
    return complain_at(name, line, &error);
}

/* "Block cache hit ratio: a.jsonl + 2 more" */
static void plot_title(const replay_job *job, char *title, size_t size_bytes) {
    int length = snprintf(title, size_bytes, "Block cache hit ratio: %.60s", base_name(job->options.files[0]));
    if (job->options.file_count > 1)
        snprintf(title + length, size_bytes - (size_t)length, " + %zu more", job->options.file_count - 1);
}

static int report(replay_job *job) {
    job->totals.files = job->options.files;
    job->totals.file_count = job->options.file_count;
    job->totals.block_tokens = job->options.block_tokens;
    job->totals.hashing_ns = job->names.hashing_ns;
    for (size_t i = 0; i < job->run_count; i++)
        if (unbounded_before(job, i) != NULL) job->runs[i].counts = unbounded_before(job, i)->counts;
    kvcore_status status = job->options.json ? replay_print_json(stdout, &job->totals, job->runs, job->run_count)
                                             : replay_print_table(stdout, &job->totals, job->runs, job->run_count);
    if (status != KVCORE_OK) return complain(exit_code_of(status), "%s", kvcore_status_text(status));
    if (job->options.plot == NULL) return EXIT_OK;
    char title[128];
    plot_title(job, title, sizeof title);
    kvcore_error error;
    status = plot_finish(&job->plot, title, job->runs, job->run_count, &error);
    return status == KVCORE_OK ? EXIT_OK : complain_at(job->options.plot, 0, &error);
}

static int run_replay(replay_job *job) {
    int code = read_capacities(job);
    if (code == EXIT_OK) code = read_policies(job);
    if (code == EXIT_OK) code = open_runs(job);
    if (code == EXIT_OK && job->options.plot != NULL) {
        kvcore_error error;
        if (plot_open(&job->plot, job->options.plot, &error) != KVCORE_OK)
            code = complain_at(job->options.plot, 0, &error);
    }
    if (code != EXIT_OK) return code;
    progress_start(&job->progress);
    for (size_t i = 0; i < job->options.file_count && code == EXIT_OK; i++)
        code = replay_file(job, job->options.files[i]);
    progress_end(&job->progress);
    return code == EXIT_OK ? report(job) : code;
}

static void clear(replay_job *job) {
    for (size_t i = 0; i < job->run_count; i++) cache_run_close(&job->runs[i]);
    plot_discard(&job->plot);
    block_names_clear(&job->names);
    run_scratch_clear(&job->scratch);
    trace_request_clear(&job->request);
    free(job->runs);
    free(job->policies);
    free(job->capacities);
    free(job->options.files);
}

int command_replay(int argc, char **argv) {
    char capacities[] = DEFAULT_CAPACITIES, default_policies[] = DEFAULT_POLICIES;
    replay_job job = {
        .options = {.capacities = capacities, .policies = default_policies, .block_tokens = DEFAULT_BLOCK_TOKENS}};
    job.options.files = calloc((size_t)argc + 1, sizeof *job.options.files);
    if (job.options.files == NULL) return complain(EXIT_SYSTEM, "out of memory");
    int code = argp_parse(&parser, argc, argv, 0, NULL, &job.options) == 0 ? EXIT_OK : EXIT_USAGE;
    job.names.block_tokens = job.options.block_tokens;
    if (code == EXIT_OK) code = run_replay(&job);
    clear(&job);
    return code;
}
