/* kvstrata curve: what caches of every capacity find of a request trace, from one reading. */
#include <stdlib.h>
#include <string.h>

#include "answers/curve_report.h"
#include "answers/ladder.h"
#include "picture/chart.h"
#include "picture/picture_file.h"
#include "shared/command.h"

/* Everything of one run. */
typedef struct curve_job {
    curve_options options;
    study study;
    ladder ladder;
    curve_results results;
    FILE *every;
    picture_file picture;
} curve_job;

static int complain_of(kvcore_status status) {
    return complain(exit_code_of(status), "%s", kvcore_status_text(status));
}

/* ---- capacities ---- */

static int choose_capacities(curve_job *job) {
    const curve_options *o = &job->options;
    kvanswers_totals totals = kvanswers_curve_totals(job->study.curve);
    uint64_t low = totals.exact_from, high = totals.unique_blocks > low ? totals.unique_blocks : low;
    int fine =
        o->rows != 0 ? ladder_even(&job->ladder, low, high, (size_t)o->rows) : ladder_of_tens(&job->ladder, low, high);
    if (fine && job->ladder.count == 0) fine = ladder_add(&job->ladder, high);
    for (size_t i = 0; fine && i < o->at_count; i++) fine = ladder_add(&job->ladder, o->at[i]);
    return fine ? EXIT_OK : complain(EXIT_SYSTEM, "out of memory");
}

/* A capacity that is less than the longest request. */
static kvcore_status replay_row(const curve_job *job, uint64_t capacity, curve_row *row) {
    kvanswers_replay_config config = KVANSWERS_REPLAY_CONFIG_INIT;
    kvanswers_replay_counts counts;
    config.capacity = capacity;
    config.block_tokens = job->options.block_tokens;
    kvcore_status status = kvanswers_trace_replay(job->study.trace, &config, &counts, NULL);
    if (status != KVCORE_OK) return status;
    row->point = (kvanswers_point){.capacity = capacity,
                                   .hits = counts.hits,
                                   .hit_tokens = counts.hit_tokens,
                                   .evictions = counts.evictions,
                                   .never_reused = counts.never_reused};
    row->refused = counts.refused;
    return KVCORE_OK;
}

static kvcore_status read_row(const curve_job *job, uint64_t capacity, curve_row *row) {
    uint64_t both[2] = {capacity, capacity + (capacity + 9) / 10};
    kvanswers_point points[2];
    if (capacity < job->results.totals.exact_from) return replay_row(job, capacity, row);
    kvcore_status status = kvanswers_curve_read(job->study.curve, both, 2, points, NULL);
    if (status != KVCORE_OK) return status;
    row->exact = true;
    row->point = points[0];
    row->tenth_more = points[1].hits - points[0].hits;
    return KVCORE_OK;
}

/* The optimum of all rows together: what it needs is made once. */
static kvcore_status read_optima(curve_job *job) {
    size_t count = job->ladder.count, first = 0;
    uint64_t *hits = calloc(count + 1, sizeof *hits);
    if (hits == NULL) return KVCORE_ENOMEM;
    while (first < count && !job->results.rows[first].exact) first++;
    kvcore_status status =
        kvanswers_curve_optimum(job->study.curve, job->ladder.steps + first, count - first, hits, NULL);
    for (size_t i = first; i < count && status == KVCORE_OK; i++) job->results.rows[i].optimum = hits[i - first];
    free(hits);
    return status;
}

static kvcore_status read_tiers(curve_job *job) {
    const curve_options *o = &job->options;
    uint64_t *found = calloc(o->host_count + 1, sizeof *found), device_hits = 0;
    job->results.tiers = calloc(o->host_count + 1, sizeof *job->results.tiers);
    kvcore_status status = found == NULL || job->results.tiers == NULL ? KVCORE_ENOMEM : KVCORE_OK;
    if (status == KVCORE_OK && o->host_count != 0)
        status =
            kvanswers_trace_inclusive(job->study.trace, o->device, o->hosts, o->host_count, &device_hits, found, NULL);
    for (size_t i = 0; i < o->host_count && status == KVCORE_OK; i++) {
        uint64_t both[2] = {o->device, o->device + o->hosts[i]};
        kvanswers_point points[2];
        status = kvanswers_curve_read(job->study.curve, both, 2, points, NULL);
        job->results.tiers[i] = (curve_tier){o->hosts[i], device_hits, points[1].hits - points[0].hits, found[i]};
    }
    free(found);
    return status;
}

static kvcore_status compute(curve_job *job) {
    curve_results *r = &job->results;
    r->rows = calloc(job->ladder.count + 1, sizeof *r->rows);
    r->row_count = job->ladder.count;
    kvcore_status status = r->rows == NULL ? KVCORE_ENOMEM : KVCORE_OK;
    for (size_t i = 0; i < r->row_count && status == KVCORE_OK; i++)
        status = read_row(job, job->ladder.steps[i], &r->rows[i]);
    if (status == KVCORE_OK) status = read_optima(job);
    if (status == KVCORE_OK) status = kvanswers_curve_reach(job->study.curve, curve_percents, CURVE_REACHES, r->reach);
    if (status == KVCORE_OK)
        status = kvanswers_curve_optimum_reach(job->study.curve, curve_percents, CURVE_REACHES, r->optimum_reach, NULL);
    return status == KVCORE_OK ? read_tiers(job) : status;
}

/* ---- every capacity ---- */

#define EVERY_STEP 4096 /* capacities that are read together */

static kvcore_status write_every(curve_job *job) {
    kvanswers_totals totals = job->results.totals;
    uint64_t high = totals.unique_blocks > totals.exact_from ? totals.unique_blocks : totals.exact_from;
    size_t count = (size_t)(high - totals.exact_from + 1);
    uint64_t *capacities = calloc(count, sizeof *capacities);
    kvanswers_point *points = calloc(count, sizeof *points);
    kvcore_status status = capacities == NULL || points == NULL ? KVCORE_ENOMEM : KVCORE_OK;
    for (size_t i = 0; i < count && status == KVCORE_OK; i++) capacities[i] = totals.exact_from + i;
    if (status == KVCORE_OK) status = kvanswers_curve_read(job->study.curve, capacities, count, points, NULL);
    fputs("capacity,hits,hit_tokens,evictions,never_reused\n", job->every);
    for (size_t i = 0; i < count && status == KVCORE_OK; i++)
        fprintf(job->every, "%llu,%llu,%llu,%llu,%llu\n", (unsigned long long)points[i].capacity,
                (unsigned long long)points[i].hits, (unsigned long long)points[i].hit_tokens,
                (unsigned long long)points[i].evictions, (unsigned long long)points[i].never_reused);
    free(capacities);
    free(points);
    return status;
}

static int finish_every(curve_job *job) {
    if (job->every == NULL) return EXIT_OK;
    kvcore_status status = write_every(job);
    bool written = !ferror(job->every);
    written = fclose(job->every) == 0 && written;
    job->every = NULL;
    if (status != KVCORE_OK) return complain_of(status);
    return written ? EXIT_OK : complain(EXIT_SYSTEM, "%s: cannot be written", job->options.every);
}

/* ---- the picture ---- */

#define PLOT_POINTS 400

/* LRU and the optimum at evenly spaced capacities. */
static kvcore_status fill_lines(curve_job *job, const ladder *steps, chart_point *lru, chart_point *best) {
    double whole = (double)job->results.totals.references / 100;
    kvanswers_point *points = calloc(steps->count, sizeof *points);
    uint64_t *optima = calloc(steps->count, sizeof *optima);
    kvcore_status status = points == NULL || optima == NULL ? KVCORE_ENOMEM : KVCORE_OK;
    if (status == KVCORE_OK) status = kvanswers_curve_read(job->study.curve, steps->steps, steps->count, points, NULL);
    if (status == KVCORE_OK)
        status = kvanswers_curve_optimum(job->study.curve, steps->steps, steps->count, optima, NULL);
    for (size_t i = 0; i < steps->count && status == KVCORE_OK; i++) {
        lru[i] = (chart_point){(double)points[i].capacity, whole > 0 ? (double)points[i].hits / whole : 0};
        best[i] = (chart_point){(double)points[i].capacity, whole > 0 ? (double)optima[i] / whole : 0};
    }
    free(points);
    free(optima);
    return status;
}

static kvcore_status write_chart(curve_job *job, const line_chart *chart, kvcore_error *error) {
    char *svg = NULL;
    size_t size_bytes = 0;
    FILE *out = open_memstream(&svg, &size_bytes);
    if (out != NULL) chart_write(out, chart);
    bool complete = out != NULL && !ferror(out);
    complete = out != NULL && fclose(out) == 0 && complete;
    kvcore_status status = complete ? picture_write(&job->picture, svg, size_bytes, error)
                                    : kvcore_fail(error, &(kvcore_error){.code = KVCORE_ENOMEM}, "out of memory");
    free(svg);
    return status;
}

static kvcore_status draw(curve_job *job, kvcore_error *error) {
    kvanswers_totals totals = job->results.totals;
    uint64_t high = totals.unique_blocks > totals.exact_from ? totals.unique_blocks : totals.exact_from;
    ladder steps = {.steps = NULL};
    chart_point *points = calloc((size_t)2 * PLOT_POINTS, sizeof *points);
    kvcore_status status =
        points != NULL && ladder_even(&steps, totals.exact_from, high, PLOT_POINTS) ? KVCORE_OK : KVCORE_ENOMEM;
    if (status == KVCORE_OK) status = fill_lines(job, &steps, points, points + PLOT_POINTS);
    if (status == KVCORE_OK) {
        chart_line lines[] = {{"optimum", points + PLOT_POINTS, steps.count}, {"LRU", points, steps.count}};
        line_chart chart = {
            .title = "Block cache hit ratio at every capacity",
            .x_label = "capacity in blocks",
            .y_label = "hit ratio",
            .lines = lines,
            .line_count = 2,
            .ceiling = totals.references == 0 ? -1 : 100 * (double)totals.ceiling_hits / (double)totals.references,
            .ceiling_name = "what any cache could find"};
        status = write_chart(job, &chart, error);
    } else {
        kvcore_fail(error, &(kvcore_error){.code = status}, "%s", kvcore_status_text(status));
    }
    free(points);
    ladder_clear(&steps);
    return status;
}

static int finish_picture(curve_job *job) {
    kvcore_error error;
    if (job->options.plot == NULL || draw(job, &error) == KVCORE_OK) return EXIT_OK;
    return complain_at(job->options.plot, 0, &error);
}

/* ---- the command ---- */

/* What is written later is taken before the long work starts. */
static int open_outputs(curve_job *job) {
    kvcore_error error;
    if (job->options.plot != NULL && picture_open(&job->picture, job->options.plot, &error) != KVCORE_OK)
        return complain_at(job->options.plot, 0, &error);
    if (job->options.every == NULL) return EXIT_OK;
    job->every = fopen(job->options.every, "w");
    return job->every != NULL ? EXIT_OK : complain(EXIT_SYSTEM, "%s: cannot be written", job->options.every);
}

static int check_requests(const curve_job *job) {
    const curve_options *o = &job->options;
    uint64_t exact_from = job->results.totals.exact_from;
    if (o->limit_count != 0 && !job->study.timed)
        return complain(EXIT_BAD_INPUT, "--ttl needs a timestamp in every request");
    if (o->host_count != 0 && o->device < exact_from)
        return complain(EXIT_USAGE, "--host: a device of %llu blocks is less than the longest request, of %llu",
                        (unsigned long long)o->device, (unsigned long long)exact_from);
    return EXIT_OK;
}

static bool keep_trace(const curve_options *o) { return o->at_count != 0 || o->host_count != 0; }

static int run_curve(curve_job *job) {
    const curve_options *o = &job->options;
    study_config config = {.files = o->files,
                           .file_count = o->file_count,
                           .block_tokens = o->block_tokens,
                           .full_blocks = o->full_blocks,
                           .tenant_key = o->tenant_key,
                           .limits_ms = o->limits_ms,
                           .limit_count = o->limit_count,
                           .groups = o->groups,
                           .group_count = o->group_count,
                           .keep = keep_trace(o)};
    int code = open_outputs(job);
    if (code == EXIT_OK) code = study_read(&job->study, &config);
    if (code == EXIT_OK) code = choose_capacities(job);
    if (code != EXIT_OK) return code;
    job->results.options = o;
    job->results.study = &job->study;
    job->results.totals = kvanswers_curve_totals(job->study.curve);
    code = check_requests(job);
    if (code != EXIT_OK) return code;
    kvcore_status status = compute(job);
    if (status == KVCORE_OK)
        status = o->json ? curve_print_json(stdout, &job->results) : curve_print_tables(stdout, &job->results);
    if (status != KVCORE_OK) return complain_of(status);
    code = finish_every(job);
    return code == EXIT_OK ? finish_picture(job) : code;
}

int command_curve(int argc, char **argv) {
    curve_job job = {.every = NULL};
    int code = curve_options_read(argc, argv, &job.options);
    if (code == EXIT_OK) code = run_curve(&job);
    if (job.every != NULL) fclose(job.every);
    picture_discard(&job.picture);
    study_close(&job.study);
    ladder_clear(&job.ladder);
    free(job.results.rows);
    free(job.results.tiers);
    curve_options_clear(&job.options);
    return code;
}
