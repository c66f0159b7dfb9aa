/* kvstrata advise: what would help a cache of one capacity, in sentences with numbers. */
#include <argp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "answers/curve_report.h"
#include "answers/study.h"
#include "replay/block_names.h"
#include "replay/cache_run.h"
#include "shared/command.h"
#include "shared/table.h"

#define DEFAULT_BLOCK_TOKENS 512
#define QUEUE 64 /* requests that are known */
#define RUNS 2

typedef struct advise_options {
    const char **files;
    size_t file_count;
    uint64_t capacity;
    uint32_t block_tokens;
    bool full_blocks;
} advise_options;

/* Everything of one run. */
typedef struct advise_job {
    advise_options options;
    study study;
    kvanswers_totals totals;
    uint64_t hits; /* of LRU at the capacity */
    bool exact;    /* the capacity is at least the longest request */
    block_names names;
    run_scratch scratch;
    cache_run runs[RUNS]; /* other policies */
} advise_job;

static const struct {
    const char *name;
    uint32_t eviction;
} policies[RUNS] = {{"survival", KVLOGICAL_EVICT_SURVIVAL}, {"multi-lru", KVLOGICAL_EVICT_MULTI_LRU}};

static const uint64_t limits_ms[] = {10000, 60000, 300000, 600000, 1800000, 3600000};
#define LIMITS (sizeof limits_ms / sizeof *limits_ms)

/* ---- options ---- */

enum { OPTION_FULL = 256 };

static const struct argp_option option_list[] = {
    {"capacity", 'c', "N", 0, "Blocks of the cache: 1k = 1000, 1M, 1G; required", 0},
    {"block-size", 'b', "N", 0, "Tokens a block: a power of two up to 1024 (default: 512)", 0},
    {"full-blocks", OPTION_FULL, NULL, 0, "Only full blocks take part, as in an engine that names no others", 0},
    {0},
};

static error_t parse_option(int key, char *argument, struct argp_state *state) {
    advise_options *options = state->input;
    uint64_t value = 0;
    switch (key) {
    case 'c':
        if (parse_count(argument, &options->capacity) != KVCORE_OK || options->capacity == 0 ||
            options->capacity > KVLOGICAL_BLOCK_COUNT_MAX / 4)
            argp_error(state, "--capacity: expected a number of blocks from 1 to %lu, found '%s'",
                       (unsigned long)KVLOGICAL_BLOCK_COUNT_MAX / 4, argument);
        return 0;
    case 'b':
        if (parse_count(argument, &value) != KVCORE_OK || value == 0 || value > KVLOGICAL_BLOCK_TOKENS_MAX ||
            (value & (value - 1)) != 0)
            argp_error(state, "expected a block size that is a power of two from 1 to %d, found '%s'",
                       KVLOGICAL_BLOCK_TOKENS_MAX, argument);
        options->block_tokens = (uint32_t)value;
        return 0;
    case OPTION_FULL: options->full_blocks = true; return 0;
    case ARGP_KEY_ARG: options->files[options->file_count++] = argument; return 0;
    case ARGP_KEY_NO_ARGS:
        if (isatty(STDIN_FILENO)) argp_error(state, "expected a FILE, or a trace on standard input");
        options->files[options->file_count++] = "-";
        return 0;
    case ARGP_KEY_END:
        if (options->capacity == 0) argp_error(state, "expected --capacity");
        return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp parser = {
    .options = option_list,
    .parser = parse_option,
    .args_doc = "[FILE|-]...",
    .doc =
        "Say what would help an LRU cache of one capacity, in sentences with numbers: memory, another policy, a host "
        "tier, a limit of time, a known queue, another block size.\vSeveral files are one stream, plain or gzip. "
        "Without FILE, or for '-', standard input is read.",
};

/* ---- reading ---- */

static int open_runs(advise_job *job) {
    for (size_t i = 0; i < RUNS; i++) {
        kvlogical_config config = KVLOGICAL_CONFIG_INIT;
        kvcore_error error;
        config.block_count = (size_t)job->options.capacity;
        config.block_tokens = job->options.block_tokens;
        config.eviction = policies[i].eviction;
        config.duplicates = KVLOGICAL_DUPLICATES_REJECT;
        kvcore_status status = cache_run_open(&job->runs[i], &config, &error);
        if (status != KVCORE_OK) return complain(exit_code_of(status), "policy %s: %s", policies[i].name, error.text);
    }
    return EXIT_OK;
}

/* The real block managers of the other policies serve the request. */
static int serve_runs(void *context, const trace_request *request, size_t blocks) {
    advise_job *job = context;
    kvcore_error error;
    kvcore_status status = block_names_make(&job->names, request->ids, blocks, &error);
    if (status != KVCORE_OK) return complain(exit_code_of(status), "%s", error.text);
    named_request named = {job->names.names, blocks, job->options.block_tokens,
                           trace_last_block_tokens(request, job->options.block_tokens)};
    status = run_scratch_reserve(&job->scratch, blocks);
    for (size_t i = 0; i < RUNS && status == KVCORE_OK; i++)
        status = cache_run_serve(&job->runs[i], &named, &job->scratch);
    return status == KVCORE_OK ? EXIT_OK : complain(exit_code_of(status), "%s", kvcore_status_text(status));
}

/* ---- sentences ---- */

static const char *count_text(uint64_t count, table_cell *cell) {
    table_count(count, cell);
    return cell->text;
}

/* "21.2 %" of all references. */
static const char *share_text(const advise_job *job, uint64_t hits, table_cell *cell) {
    uint64_t whole = job->totals.references;
    if (whole == 0)
        table_text("–", cell);
    else
        snprintf(cell->text, TABLE_CELL_BYTES, "%.1f %%", 100.0 * (double)hits / (double)whole);
    return cell->text;
}

static void say(const char *subject, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void say(const char *subject, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    printf("%-19s", subject);
    vprintf(format, arguments);
    putchar('\n');
    va_end(arguments);
}

static kvcore_status lru_hits(const advise_job *job, uint64_t capacity, uint64_t *hits) {
    kvanswers_point point;
    kvcore_status status = kvanswers_curve_read(job->study.curve, &capacity, 1, &point, NULL);
    if (status == KVCORE_OK) *hits = point.hits;
    return status;
}

static kvcore_status replay_at(const advise_job *job, uint64_t known, kvanswers_replay_counts *counts) {
    kvanswers_replay_config config = KVANSWERS_REPLAY_CONFIG_INIT;
    config.capacity = job->options.capacity;
    config.known_requests = known;
    config.block_tokens = job->options.block_tokens;
    return kvanswers_trace_replay(job->study.trace, &config, counts, NULL);
}

static kvcore_status say_now(advise_job *job) {
    kvanswers_replay_counts counts;
    table_cell a, b, c;
    kvcore_status status = replay_at(job, 0, &counts);
    if (status != KVCORE_OK) return status;
    char subject[40];
    job->hits = counts.hits;
    snprintf(subject, sizeof subject, "at %.12s blocks", count_text(job->options.capacity, &a));
    say(subject, "%s of %s blocks are found: %s", count_text(counts.hits, &a), count_text(counts.references, &b),
        share_text(job, counts.hits, &c));
    say("never seen before", "%s (%s): no cache helps; the ceiling is %s", count_text(counts.compulsory, &a),
        share_text(job, counts.compulsory, &b), share_text(job, job->totals.ceiling_hits, &c));
    if (counts.oversized != 0)
        say("too long", "%s of %s requests have more blocks than the cache; %s misses (%s) are theirs",
            count_text(counts.oversized, &a), count_text(job->totals.requests, &b), count_text(counts.refused, &c),
            share_text(job, counts.refused, &(table_cell){""}));
    return KVCORE_OK;
}

static kvcore_status say_evicted(const advise_job *job) {
    uint64_t best, evicted = job->totals.ceiling_hits - job->hits;
    kvcore_status status = kvanswers_curve_optimum(job->study.curve, &job->options.capacity, 1, &best, NULL);
    if (status != KVCORE_OK || evicted == 0) return status;
    table_cell a, b, c;
    uint64_t kept = best - job->hits;
    const char *verdict = kept >= evicted - evicted / 10 ? ", so eviction is short, not memory"
                          : kept <= evicted / 10         ? ", so memory is short, not eviction"
                                                         : "; the others need memory";
    const char *all = kept == evicted ? "all of them" : count_text(kept, &c);
    say("evicted too early", "%s (%s); the optimum would have kept %s%s", count_text(evicted, &a),
        share_text(job, evicted, &b), all, verdict);
    return KVCORE_OK;
}

static kvcore_status say_memory(const advise_job *job) {
    static const uint32_t ninety = 90;
    uint64_t twice = 2 * job->options.capacity, reach = 0, more = 0, most = 0;
    table_cell a, b, c, d;
    if (twice < job->totals.exact_from) twice = job->totals.exact_from;
    kvcore_status status = lru_hits(job, twice, &more);
    if (status == KVCORE_OK) status = kvanswers_curve_reach(job->study.curve, &ninety, 1, &reach);
    if (status == KVCORE_OK) status = lru_hits(job, reach, &most);
    if (status != KVCORE_OK) return status;
    if (reach > job->options.capacity)
        say("more memory", "%s blocks find %s, %s find %s (90 %% of the ceiling)", count_text(twice, &a),
            share_text(job, more, &b), count_text(reach, &c), share_text(job, most, &d));
    else
        say("more memory", "%s blocks find %s; %s are enough for 90 %% of the ceiling", count_text(twice, &a),
            share_text(job, more, &b), count_text(reach, &c));
    return KVCORE_OK;
}

static void say_policy(const advise_job *job) {
    table_cell a, b;
    say("policy", "%s finds %s with the same memory; %s %s", policies[0].name,
        share_text(job, job->runs[0].counts.hits, &a), policies[1].name, share_text(job, job->runs[1].counts.hits, &b));
}

static double points(const advise_job *job, uint64_t hits) {
    return job->totals.references == 0 ? 0 : 100.0 * (double)hits / (double)job->totals.references;
}

static kvcore_status say_host(const advise_job *job) {
    uint64_t capacity = job->options.capacity, device, inclusive, both = 0;
    kvcore_status status =
        kvanswers_trace_inclusive(job->study.trace, capacity, &capacity, 1, &device, &inclusive, NULL);
    if (status == KVCORE_OK) status = lru_hits(job, 2 * capacity, &both);
    if (status != KVCORE_OK) return status;
    table_cell a;
    say("host tier", "%s blocks exclusive: +%.1f points; inclusive: +%.1f", count_text(capacity, &a),
        points(job, both - device), points(job, inclusive));
    return KVCORE_OK;
}

/* The shortest limit that costs nothing, and the longest that costs something. */
static kvcore_status say_ttl(const advise_job *job) {
    size_t costly = LIMITS, harmless = LIMITS;
    uint64_t cost = 0;
    if (!job->study.timed || job->hits == 0) return KVCORE_OK;
    for (size_t i = 0; i < LIMITS; i++) {
        kvanswers_ttl_point point;
        kvcore_status status = kvanswers_ttl_read(job->study.ttl, i, job->options.capacity, &point);
        if (status != KVCORE_OK) return status;
        if (point.hits < job->hits) {
            costly = i;
            cost = job->hits - point.hits;
        } else if (harmless == LIMITS) {
            harmless = i;
        }
    }
    char good[32], bad[32];
    table_cell a, b;
    snprintf(good, sizeof good, "%llu s", (unsigned long long)(harmless < LIMITS ? limits_ms[harmless] / 1000 : 0));
    snprintf(bad, sizeof bad, "%llu s", (unsigned long long)(costly < LIMITS ? limits_ms[costly] / 1000 : 0));
    if (harmless < LIMITS && costly < LIMITS)
        say("time to live", "a limit of %s costs no hit; one of %s costs %s of the %s", good, bad, count_text(cost, &a),
            count_text(job->hits, &b));
    else if (harmless < LIMITS)
        say("time to live", "a limit of %s costs no hit", good);
    else
        say("time to live", "a limit of %s costs %s of the %s", bad, count_text(cost, &a), count_text(job->hits, &b));
    return KVCORE_OK;
}

static kvcore_status say_queue(const advise_job *job) {
    kvanswers_replay_counts counts;
    table_cell a;
    kvcore_status status = replay_at(job, QUEUE, &counts);
    if (status != KVCORE_OK) return status;
    say("a queue of 64", "protecting what waits finds %s", share_text(job, counts.hits, &a));
    return KVCORE_OK;
}

/* Full blocks of the present size against such of twice that. */
static kvcore_status say_block_size(const advise_job *job, const kvanswers_curve *full) {
    uint64_t capacity = job->options.capacity, half = capacity / 2;
    kvanswers_point now, larger;
    if (kvanswers_curve_read(full, &capacity, 1, &now, NULL) != KVCORE_OK ||
        kvanswers_curve_read(job->study.groups[0], &half, 1, &larger, NULL) != KVCORE_OK || now.hit_tokens == 0)
        return KVCORE_OK;
    bool loses = larger.hit_tokens < now.hit_tokens;
    uint64_t difference = loses ? now.hit_tokens - larger.hit_tokens : larger.hit_tokens - now.hit_tokens;
    table_cell a;
    say("block size", "%s tokens instead of %u would %s %.0f %% of the tokens found (%.1f M instead of %.1f M)",
        count_text((uint64_t)2 * job->options.block_tokens, &a), job->options.block_tokens, loses ? "lose" : "add",
        100.0 * (double)difference / (double)now.hit_tokens, (double)larger.hit_tokens / 1e6,
        (double)now.hit_tokens / 1e6);
    return KVCORE_OK;
}

static kvcore_status say_all(advise_job *job) {
    kvcore_status status = say_now(job);
    if (status != KVCORE_OK || job->totals.references == 0) return status;
    if (job->exact) status = say_evicted(job);
    if (status == KVCORE_OK) status = say_memory(job);
    if (status != KVCORE_OK) return status;
    say_policy(job);
    if (job->exact) status = say_host(job);
    if (status == KVCORE_OK && job->exact) status = say_ttl(job);
    if (status == KVCORE_OK) status = say_queue(job);
    if (status == KVCORE_OK) status = say_block_size(job, job->study.groups[1]);
    return status;
}

/* ---- the command ---- */

static int run_advise(advise_job *job) {
    static const uint64_t sizes[] = {2, 1}; /* twice the block, and the block alone: full ones only */
    study_config config = {.files = job->options.files,
                           .file_count = job->options.file_count,
                           .block_tokens = job->options.block_tokens,
                           .full_blocks = job->options.full_blocks,
                           .limits_ms = limits_ms,
                           .limit_count = LIMITS,
                           .groups = sizes,
                           .group_count = 2,
                           .keep = true,
                           .each = serve_runs,
                           .each_context = job};
    job->names.block_tokens = job->options.block_tokens;
    int code = open_runs(job);
    if (code == EXIT_OK) code = study_read(&job->study, &config);
    if (code != EXIT_OK) return code;
    job->totals = kvanswers_curve_totals(job->study.curve);
    job->exact = job->options.capacity >= job->totals.exact_from;
    kvcore_status status = say_all(job);
    return status == KVCORE_OK ? EXIT_OK : complain(exit_code_of(status), "%s", kvcore_status_text(status));
}

int command_advise(int argc, char **argv) {
    advise_job job = {.options.block_tokens = DEFAULT_BLOCK_TOKENS};
    job.options.files = calloc((size_t)argc + 1, sizeof *job.options.files);
    int code = job.options.files == NULL ? complain(EXIT_SYSTEM, "out of memory") : EXIT_OK;
    if (code == EXIT_OK && argp_parse(&parser, argc, argv, 0, NULL, &job.options) != 0) code = EXIT_USAGE;
    if (code == EXIT_OK) code = run_advise(&job);
    study_close(&job.study);
    block_names_clear(&job.names);
    run_scratch_clear(&job.scratch);
    for (size_t i = 0; i < RUNS; i++) cache_run_close(&job.runs[i]);
    free(job.options.files);
    return code;
}
