#include "answers/curve_report.h"

#include <stdlib.h>
#include <string.h>

#include "shared/json_print.h"
#include "shared/table.h"

const uint32_t curve_percents[CURVE_REACHES] = {50, 80, 90, 95, 99, 100};

void curve_time_text(uint64_t ms, char text[32]) {
    if (ms % 3600000 == 0 && ms != 0)
        snprintf(text, 32, "%llu h", (unsigned long long)(ms / 3600000));
    else if (ms % 60000 == 0 && ms != 0)
        snprintf(text, 32, "%llu m", (unsigned long long)(ms / 60000));
    else if (ms % 1000 == 0)
        snprintf(text, 32, "%llu s", (unsigned long long)(ms / 1000));
    else
        snprintf(text, 32, "%llu ms", (unsigned long long)ms);
}

/* A table that grows row by row. */
typedef struct sheet {
    table_cell *cells;
    size_t columns, rows;
} sheet;

static table_cell *sheet_row(sheet *s) {
    table_cell *grown = realloc(s->cells, (s->rows + 1) * s->columns * sizeof *grown);
    if (grown == NULL) return NULL;
    s->cells = grown;
    table_cell *row = grown + s->rows++ * s->columns;
    memset(row, 0, s->columns * sizeof *row);
    return row;
}

static kvcore_status sheet_headings(sheet *s, const char *const *headings) {
    table_cell *row = sheet_row(s);
    for (size_t i = 0; row != NULL && i < s->columns; i++) table_text(headings[i], &row[i]);
    return row != NULL ? KVCORE_OK : KVCORE_ENOMEM;
}

static kvcore_status sheet_print(FILE *out, sheet *s, kvcore_status status) {
    if (status == KVCORE_OK) {
        fputc('\n', out);
        table_print(out, s->cells, s->rows, s->columns, 0);
    }
    free(s->cells);
    return status;
}

static void gib(uint64_t blocks, uint64_t bytes_per_block, table_cell *cell) {
    snprintf(cell->text, TABLE_CELL_BYTES, "%.2f", (double)blocks * (double)bytes_per_block / (double)(1 << 30));
}

/* ---- the curve ---- */

static void fill_misses(const curve_results *r, const curve_row *row, table_cell *cells) {
    table_count(r->totals.unique_blocks, &cells[0]);
    table_text("–", &cells[1]);
    table_text("–", &cells[2]);
    table_text("–", &cells[3]);
    if (!row->exact) return;
    table_count(r->totals.ceiling_hits - row->optimum, &cells[1]);
    table_count(row->optimum - row->point.hits, &cells[2]);
    table_count(row->tenth_more, &cells[3]);
}

static kvcore_status add_row(sheet *s, const curve_results *r, const curve_row *row) {
    const kvanswers_point *p = &row->point;
    table_cell *cells = sheet_row(s);
    if (cells == NULL) return KVCORE_ENOMEM;
    table_count(p->capacity, cells++);
    if (r->options->bytes_per_block != 0) gib(p->capacity, r->options->bytes_per_block, cells++);
    table_count(p->hits, &cells[0]);
    table_percent(p->hits, r->totals.references, &cells[1]);
    table_percent(p->hit_tokens, r->totals.tokens, &cells[2]);
    table_count(p->evictions, &cells[3]);
    table_count(p->never_reused, &cells[4]);
    table_text("–", &cells[5]);
    table_text("–", &cells[6]);
    if (row->exact) table_count(row->optimum, &cells[5]);
    if (row->exact) table_percent(p->hits, row->optimum, &cells[6]);
    fill_misses(r, row, &cells[7]);
    return KVCORE_OK;
}

static kvcore_status print_curve(FILE *out, const curve_results *r) {
    static const char *const headings[] = {
        "capacity", "GiB",        "hits",       "hit ratio",       "token ratio",   "evictions",     "never reused",
        "optimum",  "of optimum", "compulsory", "capacity misses", "policy misses", "next 10 % buys"};
    static const size_t all = sizeof headings / sizeof *headings;
    const char *shown[sizeof headings / sizeof *headings];
    sheet s = {.columns = 0};
    for (size_t i = 0; i < all; i++)
        if (i != 1 || r->options->bytes_per_block != 0) shown[s.columns++] = headings[i];
    kvcore_status status = sheet_headings(&s, shown);
    for (size_t i = 0; i < r->row_count && status == KVCORE_OK; i++) status = add_row(&s, r, &r->rows[i]);
    return sheet_print(out, &s, status);
}

static void print_reach(FILE *out, const curve_results *r) {
    fputc('\n', out);
    for (size_t i = 0; i + 1 < CURVE_REACHES; i++) {
        table_cell lru, best;
        table_count(r->reach[i], &lru);
        table_count(r->optimum_reach[i], &best);
        fprintf(out, "%u %% of what any cache could find: %s blocks (LRU), %s (optimum)\n", curve_percents[i], lru.text,
                best.text);
    }
    fputs("The optimum knows the future; nobody reaches it.\n", out);
}

/* ---- more ---- */

static kvcore_status print_tiers(FILE *out, const curve_results *r) {
    static const char *const headings[] = {
        "device",       "host", "device hits", "host hits, exclusive", "ratio with it", "host hits, inclusive",
        "ratio with it"};
    sheet s = {.columns = sizeof headings / sizeof *headings};
    kvcore_status status = sheet_headings(&s, headings);
    for (size_t i = 0; i < r->options->host_count && status == KVCORE_OK; i++) {
        const curve_tier *t = &r->tiers[i];
        table_cell *cells = sheet_row(&s);
        if (cells == NULL) status = KVCORE_ENOMEM;
        if (cells == NULL) break;
        table_count(r->options->device, &cells[0]);
        table_count(t->host, &cells[1]);
        table_count(t->device_hits, &cells[2]);
        table_count(t->exclusive, &cells[3]);
        table_percent(t->device_hits + t->exclusive, r->totals.references, &cells[4]);
        table_count(t->inclusive, &cells[5]);
        table_percent(t->device_hits + t->inclusive, r->totals.references, &cells[6]);
    }
    return sheet_print(out, &s, status);
}

/* Capacity number `i` of the time limits: without bound, then those of --at that the curve answers for. */
static bool ttl_capacity(const curve_results *r, size_t i, uint64_t *capacity) {
    *capacity = UINT64_MAX;
    if (i == 0) return true;
    *capacity = r->options->at[i - 1];
    return *capacity >= r->totals.exact_from;
}

static kvcore_status add_ttl(sheet *s, const curve_results *r, size_t limit, uint64_t capacity) {
    kvanswers_ttl_point point;
    char time[32];
    kvcore_status status = kvanswers_ttl_read(r->study->ttl, limit, capacity, &point);
    table_cell *cells = sheet_row(s);
    if (status != KVCORE_OK || cells == NULL) return KVCORE_ENOMEM;
    curve_time_text(r->options->limits_ms[limit], time);
    table_text(time, &cells[0]);
    table_text("unbounded", &cells[1]);
    if (capacity != UINT64_MAX) table_count(capacity, &cells[1]);
    table_count(point.hits, &cells[2]);
    table_percent(point.hits, r->totals.references, &cells[3]);
    table_count(point.peak_blocks, &cells[4]);
    table_text("–", &cells[5]);
    if (capacity == UINT64_MAX) table_count((uint64_t)(point.mean_blocks + 0.5), &cells[5]);
    return KVCORE_OK;
}

static kvcore_status print_ttl(FILE *out, const curve_results *r) {
    static const char *const headings[] = {"idle at most", "capacity",    "hits",
                                           "hit ratio",    "peak blocks", "mean blocks"};
    sheet s = {.columns = sizeof headings / sizeof *headings};
    uint64_t capacity;
    kvcore_status status = sheet_headings(&s, headings);
    for (size_t i = 0; i <= r->options->at_count; i++)
        for (size_t k = 0; k < r->options->limit_count && status == KVCORE_OK; k++)
            if (ttl_capacity(r, i, &capacity)) status = add_ttl(&s, r, k, capacity);
    return sheet_print(out, &s, status);
}

/* Groups of this row's memory, or false where the curve of the groups does not answer. */
static bool group_point(const curve_results *r, size_t group, const curve_row *row, kvanswers_point *point) {
    uint64_t capacity = row->point.capacity / r->options->groups[group];
    return kvanswers_curve_read(r->study->groups[group], &capacity, 1, point, NULL) == KVCORE_OK;
}

static kvcore_status print_groups(FILE *out, const curve_results *r) {
    static const char *const headings[] = {"tokens a block", "memory in blocks", "larger blocks", "tokens found",
                                           "token ratio"};
    sheet s = {.columns = sizeof headings / sizeof *headings};
    kvcore_status status = sheet_headings(&s, headings);
    for (size_t g = 0; g < r->options->group_count; g++)
        for (size_t i = 0; i < r->row_count && status == KVCORE_OK; i++) {
            kvanswers_point point;
            if (!group_point(r, g, &r->rows[i], &point)) continue;
            table_cell *cells = sheet_row(&s);
            if (cells == NULL) status = KVCORE_ENOMEM;
            if (cells == NULL) break;
            table_count(r->options->groups[g] * r->options->block_tokens, &cells[0]);
            table_count(r->rows[i].point.capacity, &cells[1]);
            table_count(point.capacity, &cells[2]);
            table_count(point.hit_tokens, &cells[3]);
            table_percent(point.hit_tokens, r->totals.tokens, &cells[4]);
        }
    return sheet_print(out, &s, status);
}

/* ---- tenants ---- */

static const char *tenant_name(const study *s, size_t tenant) {
    return s->tenant_names[tenant][0] != '\0' ? s->tenant_names[tenant] : "(none)";
}

static bool hits_alone(const study *s, size_t tenant, uint64_t capacity, uint64_t *hits) {
    kvanswers_point point;
    if (kvanswers_curve_read(kvanswers_tenants_alone(s->tenants, tenant), &capacity, 1, &point, NULL) != KVCORE_OK)
        return false;
    *hits = point.hits;
    return true;
}

static void fill_tenant(const curve_results *r, const curve_row *row, size_t tenant, uint64_t quota,
                        uint64_t quota_hits, table_cell *cells) {
    uint64_t shared = kvanswers_tenants_shared(r->study->tenants, tenant, row->point.capacity), alone;
    kvanswers_totals totals = kvanswers_curve_totals(kvanswers_tenants_alone(r->study->tenants, tenant));
    table_count(row->point.capacity, &cells[0]);
    snprintf(cells[1].text, TABLE_CELL_BYTES, "%.38s", tenant_name(r->study, tenant));
    table_count(totals.references, &cells[2]);
    table_count(shared, &cells[3]);
    table_percent(shared, totals.references, &cells[4]);
    table_text("–", &cells[5]);
    table_text("–", &cells[6]);
    if (hits_alone(r->study, tenant, row->point.capacity, &alone)) {
        table_count(alone, &cells[5]);
        table_count(alone > shared ? alone - shared : 0, &cells[6]);
    }
    table_count(quota, &cells[7]);
    table_count(quota_hits, &cells[8]);
}

static uint64_t quota_step(uint64_t capacity) { return capacity > 100 ? capacity / 100 : 1; }

static kvcore_status print_tenants(FILE *out, const curve_results *r) {
    static const char *const headings[] = {"capacity",   "tenant",          "references", "hits shared", "ratio",
                                           "hits alone", "cost of sharing", "best quota", "hits with it"};
    size_t count = kvanswers_tenants_count(r->study->tenants);
    sheet s = {.columns = sizeof headings / sizeof *headings};
    uint64_t *quotas = calloc(2 * count + 1, sizeof *quotas);
    kvcore_status status = quotas != NULL ? sheet_headings(&s, headings) : KVCORE_ENOMEM;
    for (size_t i = 0; i < r->row_count && status == KVCORE_OK; i++) {
        uint64_t capacity = r->rows[i].point.capacity;
        if (!r->rows[i].exact) continue;
        status = kvanswers_tenants_quotas(r->study->tenants, capacity, quota_step(capacity), quotas, quotas + count);
        for (size_t t = 0; t < count && status == KVCORE_OK; t++) {
            table_cell *cells = sheet_row(&s);
            if (cells == NULL) status = KVCORE_ENOMEM;
            if (cells != NULL) fill_tenant(r, &r->rows[i], t, quotas[t], quotas[count + t], cells);
        }
    }
    free(quotas);
    return sheet_print(out, &s, status);
}

kvcore_status curve_print_tables(FILE *out, const curve_results *r) {
    table_cell requests, references, unique, longest;
    table_count(r->totals.requests, &requests);
    table_count(r->totals.references, &references);
    table_count(r->totals.unique_blocks, &unique);
    table_count(r->totals.longest_request, &longest);
    for (size_t i = 0; i < r->options->file_count; i++)
        fprintf(out, "%s%s", i > 0 ? " + " : "", study_file_name(r->options->files[i]));
    fprintf(out, ": %s requests, %s references to %s blocks of %u tokens, the longest request has %s\n", requests.text,
            references.text, unique.text, r->options->block_tokens, longest.text);
    kvcore_status status = print_curve(out, r);
    print_reach(out, r);
    if (status == KVCORE_OK && r->options->host_count != 0) status = print_tiers(out, r);
    if (status == KVCORE_OK && r->options->limit_count != 0) status = print_ttl(out, r);
    if (status == KVCORE_OK && r->options->group_count != 0) status = print_groups(out, r);
    if (status == KVCORE_OK && r->options->tenant_key != NULL) status = print_tenants(out, r);
    return status;
}

/* ---- JSON ---- */

static void json_member(FILE *out, bool first, const char *key, uint64_t value) {
    fprintf(out, "%s\"%s\":%llu", first ? "" : ",", key, (unsigned long long)value);
}

static void json_member_if(FILE *out, const char *key, bool known, uint64_t value) {
    if (known)
        json_print_count(out, key, value);
    else
        fprintf(out, ",\"%s\":null", key);
}

static void json_row(FILE *out, const curve_results *r, const curve_row *row) {
    const kvanswers_point *p = &row->point;
    uint64_t misses = r->totals.references - p->hits - r->totals.unique_blocks;
    fputc('{', out);
    json_member(out, true, "capacity", p->capacity);
    json_print_count(out, "hits", p->hits);
    json_print_ratio(out, "hit_ratio", p->hits, r->totals.references);
    json_print_count(out, "hit_tokens", p->hit_tokens);
    json_print_ratio(out, "token_hit_ratio", p->hit_tokens, r->totals.tokens);
    json_print_count(out, "evictions", p->evictions);
    json_print_count(out, "never_reused", p->never_reused);
    json_member_if(out, "optimum_hits", row->exact, row->optimum);
    json_member_if(out, "next_tenth_hits", row->exact, row->tenth_more);
    fputs(",\"misses\":{", out);
    json_member(out, true, "compulsory", r->totals.unique_blocks);
    json_print_count(out, "refused", row->refused);
    json_print_count(out, "evicted", misses - row->refused);
    json_member_if(out, "capacity", row->exact, r->totals.ceiling_hits - row->optimum);
    json_member_if(out, "policy", row->exact, row->optimum - p->hits);
    fputs("}}", out);
}

static void json_reach(FILE *out, const char *key, const uint64_t *capacities) {
    fprintf(out, "\"%s\":[", key);
    for (size_t i = 0; i < CURVE_REACHES; i++)
        fprintf(out, "%s{\"percent_of_ceiling\":%u,\"capacity\":%llu}", i > 0 ? "," : "", curve_percents[i],
                (unsigned long long)capacities[i]);
    fputc(']', out);
}

static void json_tiers(FILE *out, const curve_results *r) {
    fputs(",\"tiers\":[", out);
    for (size_t i = 0; i < r->options->host_count; i++) {
        const curve_tier *t = &r->tiers[i];
        fprintf(out, "%s{\"device\":%llu", i > 0 ? "," : "", (unsigned long long)r->options->device);
        json_print_count(out, "host", t->host);
        fprintf(out, ",\"exclusive\":[%llu,%llu],\"inclusive\":[%llu,%llu]}", (unsigned long long)t->device_hits,
                (unsigned long long)t->exclusive, (unsigned long long)t->device_hits, (unsigned long long)t->inclusive);
    }
    fputc(']', out);
}

static void json_ttl(FILE *out, const curve_results *r) {
    bool first = true;
    fputs(",\"ttl\":[", out);
    for (size_t i = 0; i <= r->options->at_count; i++)
        for (size_t k = 0; k < r->options->limit_count; k++) {
            kvanswers_ttl_point point;
            uint64_t capacity;
            if (!ttl_capacity(r, i, &capacity) || kvanswers_ttl_read(r->study->ttl, k, capacity, &point) != KVCORE_OK)
                continue;
            fprintf(out, "%s{\"ttl_ms\":%llu", first ? "" : ",", (unsigned long long)r->options->limits_ms[k]);
            json_member_if(out, "capacity", capacity != UINT64_MAX, capacity);
            json_print_count(out, "hits", point.hits);
            json_print_count(out, "peak_blocks", point.peak_blocks);
            json_member_if(out, "mean_blocks", capacity == UINT64_MAX, (uint64_t)(point.mean_blocks + 0.5));
            fputc('}', out);
            first = false;
        }
    fputc(']', out);
}

static void json_group(FILE *out, const curve_results *r, size_t group) {
    kvanswers_totals totals = kvanswers_curve_totals(r->study->groups[group]);
    bool first = true;
    fputc('{', out);
    json_member(out, true, "blocks_a_group", r->options->groups[group]);
    json_print_count(out, "references", totals.references);
    json_print_count(out, "unique_groups", totals.unique_blocks);
    json_print_count(out, "longest", totals.longest_request);
    json_print_count(out, "ceiling_tokens", totals.ceiling_hit_tokens);
    fputs(",\"at\":[", out);
    for (size_t i = 0; i < r->row_count; i++) {
        kvanswers_point point;
        if (!group_point(r, group, &r->rows[i], &point)) continue;
        fprintf(out, "%s{\"blocks\":%llu", first ? "" : ",", (unsigned long long)r->rows[i].point.capacity);
        json_print_count(out, "groups", point.capacity);
        json_print_count(out, "hits", point.hits);
        json_print_count(out, "hit_tokens", point.hit_tokens);
        fputc('}', out);
        first = false;
    }
    fputs("]}", out);
}

static void json_tenant(FILE *out, const curve_results *r, size_t tenant) {
    kvanswers_totals totals = kvanswers_curve_totals(kvanswers_tenants_alone(r->study->tenants, tenant));
    bool first = true;
    fputs("{\"tenant\":", out);
    json_print_text(out, r->study->tenant_names[tenant]);
    json_print_count(out, "requests", totals.requests);
    json_print_count(out, "references", totals.references);
    json_print_count(out, "unique_blocks", totals.unique_blocks);
    fputs(",\"at\":[", out);
    for (size_t i = 0; i < r->row_count; i++) {
        uint64_t capacity = r->rows[i].point.capacity, alone = 0;
        if (!r->rows[i].exact) continue;
        fprintf(out, "%s{\"capacity\":%llu", first ? "" : ",", (unsigned long long)capacity);
        json_print_count(out, "hits_shared", kvanswers_tenants_shared(r->study->tenants, tenant, capacity));
        bool known = hits_alone(r->study, tenant, capacity, &alone);
        json_member_if(out, "hits_alone", known, alone);
        fputc('}', out);
        first = false;
    }
    fputs("]}", out);
}

static kvcore_status json_quotas(FILE *out, const curve_results *r) {
    size_t count = kvanswers_tenants_count(r->study->tenants);
    uint64_t *quotas = calloc(2 * count + 1, sizeof *quotas);
    kvcore_status status = quotas != NULL ? KVCORE_OK : KVCORE_ENOMEM;
    bool first = true;
    for (size_t i = 0; i < r->row_count && status == KVCORE_OK; i++) {
        uint64_t capacity = r->rows[i].point.capacity;
        if (!r->rows[i].exact) continue;
        status = kvanswers_tenants_quotas(r->study->tenants, capacity, quota_step(capacity), quotas, quotas + count);
        fprintf(out, "%s{\"capacity\":%llu,\"tenants\":[", first ? "" : ",", (unsigned long long)capacity);
        for (size_t t = 0; t < count; t++) {
            fputs(t > 0 ? ",{\"tenant\":" : "{\"tenant\":", out);
            json_print_text(out, r->study->tenant_names[t]);
            json_print_count(out, "blocks", quotas[t]);
            json_print_count(out, "hits", quotas[count + t]);
            fputc('}', out);
        }
        fputs("]}", out);
        first = false;
    }
    free(quotas);
    return status;
}

static kvcore_status json_tenants(FILE *out, const curve_results *r) {
    fputs(",\"tenants\":[", out);
    for (size_t i = 0; i < kvanswers_tenants_count(r->study->tenants); i++) {
        if (i > 0) fputc(',', out);
        json_tenant(out, r, i);
    }
    fputs("],\"quotas\":[", out);
    kvcore_status status = r->study->tenants != NULL ? json_quotas(out, r) : KVCORE_OK;
    fputc(']', out);
    return status;
}

static void json_groups(FILE *out, const curve_results *r) {
    fputs(",\"groups_of_full_blocks\":[", out);
    for (size_t i = 0; i < r->options->group_count; i++) {
        if (i > 0) fputc(',', out);
        json_group(out, r, i);
    }
    fputc(']', out);
}

kvcore_status curve_print_json(FILE *out, const curve_results *r) {
    fputs("{\"files\":[", out);
    for (size_t i = 0; i < r->options->file_count; i++) {
        if (i > 0) fputc(',', out);
        json_print_text(out, r->options->files[i]);
    }
    fputc(']', out);
    json_print_count(out, "block_tokens", r->options->block_tokens);
    json_print_count(out, "requests", r->totals.requests);
    json_print_count(out, "references", r->totals.references);
    json_print_count(out, "unique_blocks", r->totals.unique_blocks);
    json_print_count(out, "longest_request", r->totals.longest_request);
    json_print_count(out, "exact_from", r->totals.exact_from);
    json_print_count(out, "tokens", r->totals.tokens);
    json_print_count(out, "partial_tokens", r->study->partial_tokens);
    fprintf(out, ",\"ceiling\":{\"hits\":%llu,\"hit_tokens\":%llu},\"curve\":[",
            (unsigned long long)r->totals.ceiling_hits, (unsigned long long)r->totals.ceiling_hit_tokens);
    for (size_t i = 0; i < r->row_count; i++) {
        if (i > 0) fputc(',', out);
        json_row(out, r, &r->rows[i]);
    }
    fputs("],\"reach\":{", out);
    json_reach(out, "lru", r->reach);
    fputc(',', out);
    json_reach(out, "optimum", r->optimum_reach);
    fputc('}', out);
    json_tiers(out, r);
    json_ttl(out, r);
    json_groups(out, r);
    kvcore_status status = json_tenants(out, r);
    fputs("}\n", out);
    return status;
}
