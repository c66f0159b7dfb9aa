/* Lines over a logarithmic axis of capacities, as an SVG document. */
#ifndef TOOLS_PICTURE_CHART_H
#define TOOLS_PICTURE_CHART_H

#include <stddef.h>
#include <stdio.h>

/* x at least 1, y in percent. */
typedef struct chart_point {
    double x, y;
} chart_point;

typedef struct chart_line {
    const char *name;
    const chart_point *points; /* in ascending x */
    size_t count;
} chart_line;

/* Texts are UTF-8; what is none comes out as U+FFFD. Everything is borrowed for the call. */
typedef struct line_chart {
    const char *title, *x_label, *y_label;
    const chart_line *lines;
    size_t line_count;
    double ceiling; /* percent, drawn dashed; negative: none */
    const char *ceiling_name;
} line_chart;

/* Write the document. Points tell their values when the pointer rests on them. A line that lies on earlier ones is dashed, so
 * that those show. Failed writes stay in out's error flag. Cost: linear in points, quadratic in lines. */
void chart_write(FILE *out, const line_chart *chart);

#endif
