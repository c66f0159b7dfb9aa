/* Whole traces. A vector names its trace by file name: one of the arguments, beside the vector file, in the folder of
 * KVSTRATA_TRACES, or in traces/ two folders up; or it is what `kvstrata generate` prints, from the program beside this one.
 * A trace that is nowhere here is skipped by name. */
#include <fnmatch.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <zlib.h>

#include <kvcore/bytes.h>
#include <kvcore/hash256.h>
#include <kvcore/text.h>

#include "world.h"

static int argument_count;
static char **arguments;

void traces_named(int argc, char **argv) {
    argument_count = argc;
    arguments = argv;
}

/* ---- where the trace is ---- */

static bool named(const char *path, const char *name) {
    const char *slash = strrchr(path, '/'), *base = slash != NULL ? slash + 1 : path;
    size_t length = strlen(name);
    return strncmp(base, name, length) == 0 && (base[length] == '\0' || strcmp(base + length, ".gz") == 0);
}

static bool found_by(const char *pattern, const char *name, char path[1024]) {
    glob_t matches;
    bool found = false;
    if (glob(pattern, 0, NULL, &matches) != 0) return false;
    for (size_t i = 0; i < matches.gl_pathc && !found; i++) {
        found = named(matches.gl_pathv[i], name);
        if (found) snprintf(path, 1024, "%s", matches.gl_pathv[i]);
    }
    globfree(&matches);
    return found;
}

static bool find_trace(const char *vector, const char *name, char path[1024]) {
    char pattern[1024];
    const char *slash = strrchr(vector, '/'), *folder = getenv("KVSTRATA_TRACES");
    int length = slash != NULL ? (int)(slash - vector) : 1;
    const char *beside = slash != NULL ? vector : ".";
    for (int i = 1; i < argument_count; i++)
        if (named(arguments[i], name)) {
            snprintf(path, 1024, "%s", arguments[i]);
            return true;
        }
    static const char *const places[] = {"*", "../../traces/*", "../../traces/*/*"};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        snprintf(pattern, sizeof pattern, "%.*s/%s", length, beside, places[i]);
        if (found_by(pattern, name, path)) return true;
    }
    if (folder == NULL) return false;
    snprintf(pattern, sizeof pattern, "%s/*", folder);
    if (found_by(pattern, name, path)) return true;
    snprintf(pattern, sizeof pattern, "%s/*/*", folder);
    return found_by(pattern, name, path);
}

/* ---- reading ---- */

static void add_line(kvtest_vector *v, world *w, const char *text) {
    json_object *request = json_tokener_parse(text);
    if (request == NULL)
        kvtest_differ(v, "request %zu of the trace is not JSON", w->count + 1);
    else
        world_add(v, w, request);
    json_object_put(request);
}

static void read_file(kvtest_vector *v, const char *path, world *w) {
    gzFile file = gzopen(path, "rb");
    size_t room = 16 << 20;
    char *line = malloc(room);
    if (file == NULL || line == NULL) must(KVCORE_EIO, path);
    while (gzgets(file, line, (int)room) != NULL)
        if (*line != '\n') add_line(v, w, line);
    gzclose(file);
    free(line);
}

/* What the program beside this one generates without options, if it is what the vector says. */
static bool generate(kvtest_vector *v, const char *description, world *w) {
    char program[1024], command[1100];
    ssize_t length = readlink("/proc/self/exe", program, sizeof program - 16);
    if (length <= 0) return false;
    program[length] = '\0';
    snprintf(strrchr(program, '/') + 1, 16, "kvstrata");
    if (access(program, X_OK) != 0) return false;
    snprintf(command, sizeof command, "'%s' generate", program);
    FILE *out = popen(command, "r"); /* NOLINT(cert-env33-c): the program of this build, with a fixed argument */
    if (out == NULL) return false;
    char *line = NULL, *all = NULL;
    size_t room = 0, size = 0;
    ssize_t got;
    while ((got = getline(&line, &room, out)) > 0) {
        char *grown = realloc(all, size + (size_t)got);
        if (grown == NULL) must(KVCORE_ENOMEM, "generate");
        all = grown;
        memcpy(all + size, line, (size_t)got);
        size += (size_t)got;
        add_line(v, w, line);
    }
    int status = pclose(out);
    kvcore_hash256 hash;
    char text[2 * sizeof hash + 1] = "";
    must(kvcore_sha256((kvcore_bytes){all, size}, &hash), "sha256");
    kvcore_hex_encode(&hash, sizeof hash, text);
    kvtest_expect_true(v, "the generated trace has the stated SHA-256",
                       status == 0 && strstr(description, text) != NULL);
    free(line);
    free(all);
    return true;
}

bool read_trace(kvtest_vector *v, const char *name, world *w) {
    char path[1024];
    if (strstr(name, "kvstrata generate") != NULL) return generate(v, name, w);
    if (!find_trace(v->path, name, path)) return false;
    read_file(v, path, w);
    return true;
}

/* ---- checks ---- */

static void check_point(kvtest_vector *v, const world *w, json_object *row) {
    uint64_t capacity = kvtest_u64(v, row, "capacity"), best = optimum_of(w, capacity);
    kvanswers_point point = point_at(w, capacity);
    kvanswers_totals totals = kvanswers_curve_totals(w->curve);
    json_object *misses = kvtest_field(v, row, "misses");
    expect_at(v, "hits", capacity, point.hits, kvtest_u64(v, row, "hits"));
    expect_at(v, "hit tokens", capacity, point.hit_tokens, kvtest_u64(v, row, "hit_tokens"));
    expect_at(v, "evictions", capacity, point.evictions, kvtest_u64(v, row, "evictions"));
    expect_at(v, "never reused", capacity, point.never_reused, kvtest_u64(v, row, "never_reused"));
    expect_at(v, "optimum", capacity, best, kvtest_u64(v, row, "optimum_hits"));
    expect_at(v, "compulsory misses", capacity, totals.unique_blocks, kvtest_u64(v, misses, "compulsory"));
    expect_at(v, "capacity misses", capacity, totals.ceiling_hits - best, kvtest_u64(v, misses, "capacity"));
    expect_at(v, "policy misses", capacity, best - point.hits, kvtest_u64(v, misses, "policy"));
}

static void check_below(kvtest_vector *v, const world *w, json_object *row) {
    uint64_t capacity = kvtest_u64(v, row, "capacity");
    kvanswers_replay_counts counts = replay_at(w, capacity, 0);
    expect_at(v, "replayed hits", capacity, counts.hits, kvtest_u64(v, row, "hits"));
    expect_at(v, "replayed evictions", capacity, counts.evictions, kvtest_u64(v, row, "evictions"));
    expect_at(v, "replayed never reused", capacity, counts.never_reused, kvtest_u64(v, row, "never_reused"));
    expect_at(v, "oversized", capacity, counts.oversized, kvtest_u64(v, row, "oversized"));
}

/* SHA-256 over figures, each as 8 bytes little-endian. */
static void expect_digest(kvtest_vector *v, const char *what, uint64_t *figures, size_t count, const char *expected) {
    kvcore_hash256 hash;
    char text[2 * sizeof hash + 1] = "";
    for (size_t i = 0; i < count; i++) kvcore_store_le64(&figures[i], figures[i]);
    must(kvcore_sha256((kvcore_bytes){figures, count * sizeof *figures}, &hash), "sha256");
    kvcore_hex_encode(&hash, sizeof hash, text);
    if (strcmp(text, expected) != 0) kvtest_differ(v, "%s at every capacity: digest %s", what, text);
}

static void check_every(kvtest_vector *v, const world *w, json_object *expected) {
    static const char *const known[] = {"what",      "lru_hits", "never_reused", "optimum_hits", "hit_tokens",
                                        "evictions", NULL};
    kvanswers_totals totals = kvanswers_curve_totals(w->curve);
    if (totals.unique_blocks < totals.exact_from) return;
    size_t count = (size_t)(totals.unique_blocks - totals.exact_from + 1);
    uint64_t *figures = kvtest_line_alloc(v, count * sizeof *figures);
    kvanswers_point *points = kvtest_line_alloc(v, count * sizeof *points);
    expect_known_keys(v, expected, known);
    for (size_t i = 0; i < count; i++) figures[i] = totals.exact_from + i;
    must(kvanswers_curve_read(w->curve, figures, count, points, NULL), "curve");
    for (size_t kind = 1; kind < 6; kind++) {
        if (!kvtest_has(expected, known[kind])) continue;
        for (size_t i = 0; i < count; i++)
            figures[i] = kind == 1   ? points[i].hits
                         : kind == 2 ? points[i].never_reused
                         : kind == 4 ? points[i].hit_tokens
                                     : points[i].evictions;
        if (kind == 3)
            must(kvanswers_curve_optimum_range(w->curve, totals.exact_from, totals.unique_blocks, figures, NULL),
                 "optimum");
        expect_digest(v, known[kind], figures, count, kvtest_string(v, expected, known[kind]));
    }
}

static void check_reach(kvtest_vector *v, const world *w, json_object *rows, bool optimum) {
    for (size_t i = 0; i < json_object_array_length(rows); i++) {
        json_object *row = json_object_array_get_idx(rows, i);
        uint32_t percent = (uint32_t)kvtest_u64(v, row, "percent_of_ceiling");
        uint64_t capacity = 0;
        must(optimum ? kvanswers_curve_optimum_reach(w->curve, &percent, 1, &capacity, NULL)
                     : kvanswers_curve_reach(w->curve, &percent, 1, &capacity),
             "reach");
        expect_at(v, optimum ? "reach of the optimum, percent" : "reach of LRU, percent", percent, capacity,
                  kvtest_u64(v, row, "capacity"));
    }
}

static void check_groups(kvtest_vector *v, const world *w, json_object *row) {
    world groups;
    world_group(v, w, (uint32_t)kvtest_u64(v, row, "blocks_a_group"), &groups);
    kvanswers_totals totals = kvanswers_curve_totals(groups.curve);
    json_object *at = kvtest_array(v, row, "at");
    kvtest_expect_u64(v, "references of groups", totals.references, kvtest_u64(v, row, "references"));
    kvtest_expect_u64(v, "ceiling of groups", totals.ceiling_hit_tokens, kvtest_u64(v, row, "ceiling_tokens"));
    for (size_t i = 0; i < json_object_array_length(at); i++) {
        json_object *point = json_object_array_get_idx(at, i);
        uint64_t capacity = kvtest_u64(v, point, "groups");
        expect_at(v, "tokens found in groups", capacity, hits_at(&groups, capacity) * groups.block_tokens,
                  kvtest_u64(v, point, "hit_tokens"));
    }
    world_clear(&groups);
}

static void each_row(kvtest_vector *v, const world *w, const char *key,
                     void (*check)(kvtest_vector *v, const world *w, json_object *row)) {
    if (!kvtest_has(v->line, key)) return;
    json_object *rows = kvtest_array(v, v->line, key);
    for (size_t i = 0; i < json_object_array_length(rows); i++) check(v, w, json_object_array_get_idx(rows, i));
}

static void check_totals(kvtest_vector *v, const world *w) {
    kvanswers_totals totals = kvanswers_curve_totals(w->curve);
    json_object *ceiling = kvtest_field(v, v->line, "ceiling");
    kvtest_expect_u64(v, "requests", totals.requests, kvtest_u64(v, v->line, "requests"));
    kvtest_expect_u64(v, "references", totals.references, kvtest_u64(v, v->line, "references"));
    kvtest_expect_u64(v, "unique blocks", totals.unique_blocks, kvtest_u64(v, v->line, "unique_blocks"));
    kvtest_expect_u64(v, "longest request", totals.longest_request, kvtest_u64(v, v->line, "longest_request"));
    kvtest_expect_u64(v, "exact from", totals.exact_from, kvtest_u64(v, v->line, "exact_from"));
    kvtest_expect_u64(v, "tokens", totals.tokens, kvtest_u64(v, v->line, "tokens"));
    kvtest_expect_u64(v, "ceiling hits", totals.ceiling_hits, kvtest_u64(v, ceiling, "hits"));
    kvtest_expect_u64(v, "ceiling hit tokens", totals.ceiling_hit_tokens, kvtest_u64(v, ceiling, "hit_tokens"));
}

void check_trace(kvtest_vector *v) {
    static const char *const known[] = {
        "trace",      "block_tokens", "requests", "references", "unique_blocks", "longest_request",
        "exact_from", "tokens",       "ceiling",  "curve",      "below_exact",   "every_capacity",
        "reach",      "survival",     "queue",    "tiers",      "ttl",           "groups_of_full_blocks",
        NULL};
    const char *name = kvtest_string(v, v->line, "trace");
    world w = {.block_tokens = (uint32_t)kvtest_u64(v, v->line, "block_tokens")};
    if (!read_trace(v, name, &w)) {
        printf("%s: skipped: the trace is not here: %s\n", v->path, name);
        v->skipped = true;
        return;
    }
    world_observe(v, &w);
    expect_known_keys(v, v->line, known);
    check_totals(v, &w);
    each_row(v, &w, "curve", check_point);
    each_row(v, &w, "below_exact", check_below);
    if (kvtest_has(v->line, "every_capacity")) check_every(v, &w, kvtest_field(v, v->line, "every_capacity"));
    if (kvtest_has(v->line, "reach")) {
        json_object *reach = kvtest_field(v, v->line, "reach");
        check_reach(v, &w, kvtest_array(v, reach, "lru"), false);
        check_reach(v, &w, kvtest_array(v, reach, "optimum"), true);
    }
    each_row(v, &w, "groups_of_full_blocks", check_groups);
    each_row(v, &w, "survival", check_survival_row);
    if (kvtest_has(v->line, "queue")) check_queue(v, &w, kvtest_array(v, v->line, "queue"));
    if (kvtest_has(v->line, "tiers")) check_tiers(v, &w, kvtest_array(v, v->line, "tiers"));
    if (kvtest_has(v->line, "ttl")) check_ttl(v, &w, kvtest_array(v, v->line, "ttl"));
    world_clear(&w);
}
