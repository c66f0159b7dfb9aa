/* What `kvstrata curve` prints. */
#ifndef TOOLS_ANSWERS_CURVE_REPORT_H
#define TOOLS_ANSWERS_CURVE_REPORT_H

#include <stdbool.h>
#include <stdio.h>

#include "answers/curve_options.h"
#include "answers/study.h"

/* One capacity. */
typedef struct curve_row {
    kvanswers_point point;
    bool exact;          /* false: less than the longest request, and replayed; then there is no optimum */
    uint64_t optimum;    /* hits */
    uint64_t refused;    /* misses */
    uint64_t tenth_more; /* hits that a tenth more of capacity adds */
} curve_row;

typedef struct curve_tier {
    uint64_t host, device_hits, exclusive, inclusive;
} curve_tier;

/* Of the ceiling, in percent: 50, 80, 90, 95, 99, 100. */
#define CURVE_REACHES 6
extern const uint32_t curve_percents[CURVE_REACHES];

typedef struct curve_results {
    const curve_options *options;
    const study *study;
    kvanswers_totals totals;
    curve_row *rows;
    size_t row_count;
    uint64_t reach[CURVE_REACHES], optimum_reach[CURVE_REACHES];
    curve_tier *tiers; /* one a host */
} curve_results;

kvcore_status curve_print_tables(FILE *out, const curve_results *r);
kvcore_status curve_print_json(FILE *out, const curve_results *r);

/* A time as it is written: "500 ms", "10 s", "5 m". */
void curve_time_text(uint64_t ms, char text[32]);

#endif
