#include "replay_report.h"

#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "table.h"

static const char *const headings[] = {"policy",    "capacity",     "hits",      "hit ratio",  "token ratio",
                                       "evictions", "never reused", "oversized", "manager ns", "hashing ns"};
enum { COLUMNS = sizeof headings / sizeof *headings };

static void fill_row(table_cell *row, const replay_totals *totals, const cache_run *run) {
    table_text(run->policy, &row[0]);
    table_text("unbounded", &row[1]);
    if (run->capacity != 0) table_count(run->capacity, &row[1]);
    table_count(run->counts.hits, &row[2]);
    table_percent(run->counts.hits, run->counts.references, &row[3]);
    table_percent(run->counts.hit_tokens, run->counts.tokens, &row[4]);
    table_count(run->counts.evictions, &row[5]);
    table_count(run->counts.registrations - run->counts.reused_stays, &row[6]);
    table_count(run->counts.oversized, &row[7]);
    table_mean(run->counts.manager_ns, run->capacity != 0 ? run->counts.references : 0, &row[8]);
    table_mean(totals->hashing_ns, run->counts.references, &row[9]);
}

static void print_names_xor(FILE *out, kvhash_plh names_xor) {
    fprintf(out, "%016llx%016llx", (unsigned long long)names_xor.high, (unsigned long long)names_xor.low);
}

kvcore_status replay_print_table(FILE *out, const replay_totals *totals, const cache_run *runs, size_t count) {
    table_cell *cells = calloc((count + 1) * COLUMNS, sizeof *cells);
    if (cells == NULL) return KVCORE_ENOMEM;
    for (size_t i = 0; i < COLUMNS; i++) table_text(headings[i], &cells[i]);
    for (size_t i = 0; i < count; i++) fill_row(cells + (i + 1) * COLUMNS, totals, &runs[i]);

    table_cell requests, references;
    table_count(totals->requests, &requests);
    table_count(totals->references, &references);
    for (size_t i = 0; i < totals->file_count; i++)
        fprintf(out, "%s%s", i > 0 ? " + " : "",
                strcmp(totals->files[i], "-") == 0 ? "standard input" : totals->files[i]);
    fprintf(out, ": %s requests, %s block references, %u tokens a block, names xor ", requests.text, references.text,
            (unsigned)totals->block_tokens);
    print_names_xor(out, totals->names_xor);
    fputs("\n\n", out);
    table_print(out, cells, count + 1, COLUMNS, 1);
    free(cells);
    return KVCORE_OK;
}

/* A file name may hold any bytes; what is not UTF-8 shows as U+FFFD. */
static void print_json_text(FILE *out, const char *text) {
    fputc('"', out);
    for (size_t left = strlen(text); left > 0;) {
        size_t length = utf8_length(text, left);
        if (length == 0) {
            fputs("\xEF\xBF\xBD", out);
            length = 1;
        } else if (*text == '"' || *text == '\\')
            fprintf(out, "\\%c", *text);
        else if ((unsigned char)*text < 0x20)
            fprintf(out, "\\u%04x", (unsigned)*text);
        else
            fwrite(text, 1, length, out);
        text += length;
        left -= length;
    }
    fputc('"', out);
}

static void print_json_count(FILE *out, const char *key, uint64_t count) {
    fprintf(out, ",\"%s\":%llu", key, (unsigned long long)count);
}

/* part / whole; null of nothing. */
static void print_json_ratio(FILE *out, const char *key, uint64_t part, uint64_t whole) {
    if (whole == 0)
        fprintf(out, ",\"%s\":null", key);
    else
        fprintf(out, ",\"%s\":%.6f", key, (double)part / (double)whole);
}

static void print_json_run(FILE *out, const replay_totals *totals, const cache_run *run) {
    fputs("{\"policy\":", out);
    print_json_text(out, run->policy);
    if (run->capacity == 0)
        fputs(",\"capacity\":null", out);
    else
        print_json_count(out, "capacity", run->capacity);
    print_json_count(out, "requests", run->counts.requests);
    print_json_count(out, "block_references", run->counts.references);
    print_json_count(out, "hits", run->counts.hits);
    print_json_count(out, "evictions", run->counts.evictions);
    print_json_count(out, "oversized", run->counts.oversized);
    print_json_count(out, "registrations", run->counts.registrations);
    print_json_count(out, "never_reused", run->counts.registrations - run->counts.reused_stays);
    print_json_count(out, "tokens", run->counts.tokens);
    print_json_count(out, "hit_tokens", run->counts.hit_tokens);
    print_json_ratio(out, "hit_ratio", run->counts.hits, run->counts.references);
    print_json_ratio(out, "token_hit_ratio", run->counts.hit_tokens, run->counts.tokens);
    print_json_ratio(out, "manager_ns_per_block", run->counts.manager_ns,
                     run->capacity != 0 ? run->counts.references : 0);
    print_json_ratio(out, "hashing_ns_per_block", totals->hashing_ns, run->counts.references);
    fputc('}', out);
}

kvcore_status replay_print_json(FILE *out, const replay_totals *totals, const cache_run *runs, size_t count) {
    fputs("{\"files\":[", out);
    for (size_t i = 0; i < totals->file_count; i++) {
        if (i > 0) fputc(',', out);
        print_json_text(out, totals->files[i]);
    }
    fputs("]", out);
    print_json_count(out, "block_references", totals->references);
    fputs(",\"names_xor\":\"", out);
    print_names_xor(out, totals->names_xor);
    fputs("\",\"runs\":[", out);
    for (size_t i = 0; i < count; i++) {
        if (i > 0) fputc(',', out);
        print_json_run(out, totals, &runs[i]);
    }
    fputs("]}\n", out);
    return KVCORE_OK;
}
