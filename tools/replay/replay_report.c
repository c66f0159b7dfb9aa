#include "replay/replay_report.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "shared/json_print.h"
#include "shared/table.h"

/* The columns, those that only fleets have marked. */
enum { TEXT_COLUMNS_ALONE = 1, TEXT_COLUMNS_FLEET = 2, COLUMNS_MAX = 18 };
enum column_kind { ALWAYS, OF_FLEETS, OF_CAUSES };
static const struct {
    const char *heading;
    enum column_kind kind;
} columns[COLUMNS_MAX] = {
    {"policy", ALWAYS},        {"route", OF_FLEETS},        {"workers", OF_FLEETS},  {"capacity", ALWAYS},
    {"hits", ALWAYS},          {"hit ratio", ALWAYS},       {"token ratio", ALWAYS}, {"balance", OF_FLEETS},
    {"compulsory", OF_CAUSES}, {"behind a gap", OF_CAUSES}, {"refused", OF_CAUSES},  {"evicted", OF_CAUSES},
    {"evictions", ALWAYS},     {"never reused", ALWAYS},    {"oversized", ALWAYS},   {"routing ns", OF_FLEETS},
    {"manager ns", ALWAYS},    {"hashing ns", ALWAYS},
};

static void fill_causes(table_cell cells[4], const run_causes *causes) {
    table_count(causes->compulsory, &cells[0]);
    table_count(causes->behind_a_gap, &cells[1]);
    table_count(causes->refused, &cells[2]);
    table_count(causes->evicted, &cells[3]);
}

static void fill_row(table_cell row[COLUMNS_MAX], const replay_totals *totals, const replay_row *of) {
    const replay_fleet *fleet = of->fleet;
    run_counts counts = fleet_total(fleet);
    fleet_balance balance = fleet_work_balance(fleet);
    const char *route = fleet_route_name(fleet->route);
    table_text(of->policy, &row[0]);
    table_text(route != NULL ? route : "", &row[1]);
    table_count(fleet->worker_count, &row[2]);
    table_text("unbounded", &row[3]);
    if (fleet->capacity != 0) table_count(fleet->capacity, &row[3]);
    table_count(counts.hits, &row[4]);
    table_percent(counts.hits, counts.references, &row[5]);
    table_percent(counts.hit_tokens, counts.tokens, &row[6]);
    table_percent(balance.even, balance.busiest, &row[7]);
    fill_causes(&row[8], &counts.causes);
    table_count(counts.evictions, &row[12]);
    table_count(counts.registrations - counts.reused_stays, &row[13]);
    table_count(counts.oversized, &row[14]);
    table_mean(fleet->routing_ns, counts.references, &row[15]);
    table_mean(counts.manager_ns, counts.manager_ns != 0 ? counts.references : 0, &row[16]);
    table_mean(totals->hashing_ns, counts.references, &row[17]);
}

/* The cells of a row that the table shows, moved together; how many. */
static size_t keep_columns(table_cell row[COLUMNS_MAX], bool fleets, bool why, table_cell *kept) {
    size_t count = 0;
    for (size_t i = 0; i < COLUMNS_MAX; i++)
        if (columns[i].kind == ALWAYS || (columns[i].kind == OF_FLEETS ? fleets : why)) kept[count++] = row[i];
    return count;
}

static void print_names_xor(FILE *out, kvhash_plh names_xor) {
    fprintf(out, "%016llx%016llx", (unsigned long long)names_xor.high, (unsigned long long)names_xor.low);
}

kvcore_status replay_print_table(FILE *out, const replay_totals *totals, const replay_row *rows, size_t count) {
    bool fleets = count > 0 && rows[0].fleet->route != FLEET_NO_ROUTE;
    table_cell *cells = calloc((count + 1) * COLUMNS_MAX, sizeof *cells), row[COLUMNS_MAX];
    if (cells == NULL) return KVCORE_ENOMEM;
    for (size_t i = 0; i < COLUMNS_MAX; i++) table_text(columns[i].heading, &row[i]);
    size_t width = keep_columns(row, fleets, totals->why, cells);
    for (size_t i = 0; i < count; i++) {
        fill_row(row, totals, &rows[i]);
        keep_columns(row, fleets, totals->why, cells + (i + 1) * width);
    }

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
    table_print(out, cells, count + 1, width, fleets ? TEXT_COLUMNS_FLEET : TEXT_COLUMNS_ALONE);
    free(cells);
    return KVCORE_OK;
}

static void print_json_workers(FILE *out, const replay_fleet *fleet) {
    fputs(",\"workers\":[", out);
    for (size_t i = 0; i < fleet->worker_count; i++) {
        const run_counts *counts = &fleet->workers[i].counts;
        fprintf(out, "%s{\"requests\":%llu", i > 0 ? "," : "", (unsigned long long)counts->requests);
        json_print_count(out, "block_references", counts->references);
        json_print_count(out, "hits", counts->hits);
        json_print_count(out, "evictions", counts->evictions);
        json_print_count(out, "tokens", counts->tokens);
        json_print_count(out, "hit_tokens", counts->hit_tokens);
        fputc('}', out);
    }
    fputc(']', out);
}

static void print_json_causes(FILE *out, const run_causes *causes) {
    fprintf(out, ",\"misses\":{\"compulsory\":%llu", (unsigned long long)causes->compulsory);
    json_print_count(out, "behind_a_gap", causes->behind_a_gap);
    json_print_count(out, "refused", causes->refused);
    json_print_count(out, "evicted", causes->evicted);
    fputc('}', out);
}

static void print_json_run(FILE *out, const replay_totals *totals, const replay_row *row) {
    const replay_fleet *fleet = row->fleet;
    run_counts counts = fleet_total(fleet);
    fputs("{\"policy\":", out);
    json_print_text(out, row->policy);
    if (fleet->route != FLEET_NO_ROUTE) fprintf(out, ",\"route\":\"%s\"", fleet_route_name(fleet->route));
    if (fleet->capacity == 0)
        fputs(",\"capacity\":null", out);
    else
        json_print_count(out, "capacity", fleet->capacity);
    json_print_count(out, "requests", counts.requests);
    json_print_count(out, "block_references", counts.references);
    json_print_count(out, "hits", counts.hits);
    json_print_count(out, "evictions", counts.evictions);
    json_print_count(out, "oversized", counts.oversized);
    json_print_count(out, "registrations", counts.registrations);
    json_print_count(out, "never_reused", counts.registrations - counts.reused_stays);
    if (totals->why) print_json_causes(out, &counts.causes);
    json_print_count(out, "tokens", counts.tokens);
    json_print_count(out, "hit_tokens", counts.hit_tokens);
    json_print_ratio(out, "hit_ratio", counts.hits, counts.references);
    json_print_ratio(out, "token_hit_ratio", counts.hit_tokens, counts.tokens);
    json_print_ratio(out, "manager_ns_per_block", counts.manager_ns, counts.manager_ns != 0 ? counts.references : 0);
    json_print_ratio(out, "hashing_ns_per_block", totals->hashing_ns, counts.references);
    if (fleet->route != FLEET_NO_ROUTE) {
        fleet_balance balance = fleet_work_balance(fleet);
        json_print_ratio(out, "balance", balance.even, balance.busiest);
        json_print_ratio(out, "routing_ns_per_block", fleet->routing_ns, counts.references);
        print_json_workers(out, fleet);
    }
    fputc('}', out);
}

kvcore_status replay_print_json(FILE *out, const replay_totals *totals, const replay_row *rows, size_t count) {
    fputs("{\"files\":[", out);
    for (size_t i = 0; i < totals->file_count; i++) {
        if (i > 0) fputc(',', out);
        json_print_text(out, totals->files[i]);
    }
    fputs("]", out);
    json_print_count(out, "block_references", totals->references);
    fputs(",\"names_xor\":\"", out);
    print_names_xor(out, totals->names_xor);
    fputs("\",\"runs\":[", out);
    for (size_t i = 0; i < count; i++) {
        if (i > 0) fputc(',', out);
        print_json_run(out, totals, &rows[i]);
    }
    fputs("]}\n", out);
    return KVCORE_OK;
}
