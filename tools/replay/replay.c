/* kvstrata replay: what block caches of given sizes and policies would have found of a request trace. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <kvanswers/trace.h>

#include "replay/block_names.h"
#include "replay/fleet.h"
#include "replay/replay_options.h"
#include "replay/replay_picture.h"
#include "replay/replay_report.h"
#include "replay/trace.h"
#include "shared/command.h"
#include "shared/lines.h"
#include "shared/progress.h"

/* Everything of one replay. */
typedef struct replay_job {
    replay_options options;
    replay_fleet *fleets;
    size_t fleet_count;
    replay_row *rows; /* by policy, workers, route, capacity, in the order of the lists; then known queues */
    size_t row_count;
    kvanswers_trace *trace; /* kept for known queues; else NULL */
    char (*queue_names)[32];
    block_names names;
    run_scratch scratch;
    trace_request request;
    replay_totals totals;
    progress_bar progress;
    picture_file picture;
} replay_job;

/* ---- rows ---- */

/* Unbounded caches behave the same under every policy: reuse the earlier row's fleet. */
static const replay_fleet *same_before(const replay_job *job, size_t workers, fleet_route route, uint64_t capacity) {
    for (size_t i = 0; i < job->fleet_count && capacity == 0; i++) {
        const replay_fleet *f = &job->fleets[i];
        if (f->capacity == 0 && f->route == route && f->worker_count == workers) return f;
    }
    return NULL;
}

static int open_row(replay_job *job, const replay_policy *policy, size_t workers, fleet_route route,
                    uint64_t capacity) {
    replay_row *row = &job->rows[job->row_count];
    *row = (replay_row){policy->name, same_before(job, workers, route, capacity)};
    job->row_count++;
    if (row->fleet != NULL) return EXIT_OK;
    kvlogical_config config = KVLOGICAL_CONFIG_INIT;
    config.block_count = (size_t)capacity;
    config.block_tokens = job->options.block_tokens;
    config.eviction = policy->eviction;
    config.duplicates = KVLOGICAL_DUPLICATES_REJECT;
    row->fleet = &job->fleets[job->fleet_count++];
    kvcore_error error;
    kvcore_status status = fleet_open(&job->fleets[job->fleet_count - 1], route, workers, &config, &error);
    for (size_t i = 0; i < row->fleet->worker_count; i++) row->fleet->workers[i].why = job->options.why;
    if (status == KVCORE_OK) return EXIT_OK;
    return complain(exit_code_of(status), "policy %s, capacity %llu: %s", policy->name, (unsigned long long)capacity,
                    error.text);
}

static int open_rows(replay_job *job) {
    const replay_options *o = &job->options;
    size_t rows;
    if (__builtin_mul_overflow(o->policy_count * o->worker_list_count, o->route_count * o->capacity_count, &rows))
        return complain(EXIT_SYSTEM, "out of memory");
    size_t with_queues = rows + o->known_count * o->capacity_count;
    job->fleets = calloc(with_queues, sizeof *job->fleets);
    job->rows = calloc(with_queues, sizeof *job->rows);
    if (job->fleets == NULL || job->rows == NULL) return complain(EXIT_SYSTEM, "out of memory");
    for (size_t row = 0; row < rows; row++) {
        size_t capacity = row % o->capacity_count, left = row / o->capacity_count;
        size_t route = left % o->route_count, policy = left / o->route_count / o->worker_list_count;
        int code = open_row(job, &o->policies[policy], (size_t)o->workers[left / o->route_count % o->worker_list_count],
                            o->routes[route], o->capacities[capacity]);
        if (code != EXIT_OK) return code;
    }
    return EXIT_OK;
}

/* ---- known queues ---- */

static kvcore_status keep_request(replay_job *job, const named_request *named) {
    uint64_t *names = malloc((named->count + 1) * sizeof *names);
    kvanswers_request request = {names, named->count, 0, named->last_block_tokens};
    kvcore_status status = names == NULL ? KVCORE_ENOMEM : kvanswers_names(job->request.ids, named->count, names);
    if (status == KVCORE_OK) status = kvanswers_trace_add(job->trace, &request);
    free(names);
    return status;
}

/* A fleet of one worker, without a manager, that shows what the cache did. */
static kvcore_status add_queue_row(replay_job *job, uint64_t known, uint64_t capacity, kvcore_error *error) {
    replay_fleet *fleet = &job->fleets[job->fleet_count++];
    kvlogical_config unbounded = KVLOGICAL_CONFIG_INIT;
    kvanswers_replay_config config = KVANSWERS_REPLAY_CONFIG_INIT;
    kvanswers_replay_counts counts;
    char *name = job->queue_names[job->row_count];
    snprintf(name, sizeof *job->queue_names, "queue-%llu", (unsigned long long)known);
    job->rows[job->row_count++] = (replay_row){name, fleet};
    config.capacity = capacity;
    config.known_requests = known;
    config.block_tokens = job->options.block_tokens;
    kvcore_status status = fleet_open(fleet, FLEET_NO_ROUTE, 1, &unbounded, error);
    if (status == KVCORE_OK) status = kvanswers_trace_replay(job->trace, &config, &counts, error);
    if (status != KVCORE_OK) return status;
    fleet->capacity = (size_t)capacity;
    fleet->workers[0].counts =
        (run_counts){.requests = job->totals.requests,
                     .references = counts.references,
                     .hits = counts.hits,
                     .tokens = job->totals.tokens,
                     .hit_tokens = counts.hit_tokens,
                     .registrations = counts.references - counts.hits - counts.not_registered,
                     .reused_stays = counts.references - counts.hits - counts.not_registered - counts.never_reused,
                     .evictions = counts.evictions,
                     .oversized = counts.oversized,
                     .causes = {counts.compulsory, counts.behind_a_gap, counts.refused, counts.evicted}};
    return KVCORE_OK;
}

static int add_queue_rows(replay_job *job) {
    const replay_options *o = &job->options;
    if (o->known_count == 0) return EXIT_OK;
    job->queue_names = calloc(job->row_count + o->known_count * o->capacity_count, sizeof *job->queue_names);
    if (job->queue_names == NULL) return complain(EXIT_SYSTEM, "out of memory");
    for (size_t i = 0; i < o->known_count; i++)
        for (size_t k = 0; k < o->capacity_count; k++) {
            kvcore_error error;
            if (o->capacities[k] == 0) continue;
            kvcore_status status = add_queue_row(job, o->known[i], o->capacities[k], &error);
            if (status != KVCORE_OK) return complain(exit_code_of(status), "%s", kvcore_status_text(status));
        }
    return EXIT_OK;
}

/* ---- requests ---- */

static kvcore_status serve_all(replay_job *job, kvcore_error *error) {
    const trace_request *request = &job->request;
    kvcore_status status = block_names_make(&job->names, request->ids, request->count, error);
    if (status != KVCORE_OK) return status;
    named_request named = {job->names.names, request->count, job->options.block_tokens,
                           trace_last_block_tokens(request, job->options.block_tokens)};
    status = run_scratch_reserve(&job->scratch, request->count);
    for (size_t i = 0; i < job->fleet_count && status == KVCORE_OK; i++)
        status = fleet_serve(&job->fleets[i], &named, &job->scratch);
    if (status == KVCORE_OK && job->trace != NULL) status = keep_request(job, &named);
    if (status != KVCORE_OK)
        return kvcore_fail(error, &(kvcore_error){.code = status}, "%s", kvcore_status_text(status));
    job->totals.requests++;
    job->totals.references += request->count;
    job->totals.tokens += named_request_tokens(&named, named.count);
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
    job->totals.why = job->options.why;
    kvcore_status status = job->options.json ? replay_print_json(stdout, &job->totals, job->rows, job->row_count)
                                             : replay_print_table(stdout, &job->totals, job->rows, job->row_count);
    if (status != KVCORE_OK) return complain(exit_code_of(status), "%s", kvcore_status_text(status));
    if (job->options.plot == NULL) return EXIT_OK;
    char title[128];
    plot_title(job, title, sizeof title);
    kvcore_error error;
    status = replay_picture(&job->picture, title, job->rows, job->row_count, &error);
    return status == KVCORE_OK ? EXIT_OK : complain_at(job->options.plot, 0, &error);
}

static int run_replay(replay_job *job) {
    int code = open_rows(job);
    if (code == EXIT_OK && job->options.known_count != 0 && kvanswers_trace_create(NULL, &job->trace) != KVCORE_OK)
        code = complain(EXIT_SYSTEM, "out of memory");
    if (code == EXIT_OK && job->options.plot != NULL) {
        kvcore_error error;
        if (picture_open(&job->picture, job->options.plot, &error) != KVCORE_OK)
            code = complain_at(job->options.plot, 0, &error);
    }
    if (code != EXIT_OK) return code;
    progress_start(&job->progress);
    for (size_t i = 0; i < job->options.file_count && code == EXIT_OK; i++)
        code = replay_file(job, job->options.files[i]);
    progress_end(&job->progress);
    if (code == EXIT_OK) code = add_queue_rows(job);
    return code == EXIT_OK ? report(job) : code;
}

static void clear(replay_job *job) {
    for (size_t i = 0; i < job->fleet_count; i++) fleet_close(&job->fleets[i]);
    picture_discard(&job->picture);
    block_names_clear(&job->names);
    run_scratch_clear(&job->scratch);
    trace_request_clear(&job->request);
    kvanswers_trace_destroy(job->trace);
    free(job->queue_names);
    free(job->fleets);
    free(job->rows);
    replay_options_clear(&job->options);
}

int command_replay(int argc, char **argv) {
    replay_job job = {.fleets = NULL};
    int code = replay_options_read(argc, argv, &job.options);
    job.names.block_tokens = job.options.block_tokens;
    if (code == EXIT_OK) code = run_replay(&job);
    clear(&job);
    return code;
}
