#include "picture/chart.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "shared/json.h"

/* Pixels. */
enum {
    WIDTH = 1000,
    HEIGHT = 620,
    LEFT = 105,
    RIGHT = 970,
    TOP = 62,
    BOTTOM = 536,
    LEGEND_ROW = 26,
    LEGEND_LINE = 58, /* the part of the legend left of the names */
    LEGEND_MARGIN = 6,
    CHARACTER = 13, /* the widest that the legend's font is likely to have */
    LABELS_MAX = 6, /* on the y axis */
};

enum { COLOURS = 6, CORNERS_MAX = 6 };
static const char *const colours[COLOURS] = {"#1f77b4", "#e66101", "#2ca04b", "#9453bd", "#c82846", "#0096a0"};

/* Markers are polygons, the first a circle. */
typedef struct marker_shape {
    int corners;
    double turn; /* of the first corner from the right, in quarters of a circle, clockwise */
    double radius;
} marker_shape;
static const marker_shape markers[COLOURS] = {{0, 0, 5},   {4, 0.5, 6.2}, {3, -1, 6.5},
                                              {4, 0, 6.5}, {3, 1, 6.5},   {6, 0, 6}};

/* The world of the points: x as log10, y in percent. */
typedef struct chart_frame {
    FILE *out;
    double left, right, top;
} chart_frame;

static double column(const chart_frame *frame, double log_x) {
    return LEFT + (log_x - frame->left) / (frame->right - frame->left) * (RIGHT - LEFT);
}

static double row(const chart_frame *frame, double y) { return BOTTOM - y / frame->top * (BOTTOM - TOP); }

static void take_in(chart_frame *frame, const chart_point *point) {
    frame->left = fmin(frame->left, log10(point->x));
    frame->right = fmax(frame->right, log10(point->x));
    frame->top = fmax(frame->top, point->y);
}

static chart_frame frame_of(FILE *out, const line_chart *chart) {
    chart_frame frame = {out, HUGE_VAL, -HUGE_VAL, fmax(chart->ceiling, 0)};
    for (size_t i = 0; i < chart->line_count; i++)
        for (size_t j = 0; j < chart->lines[i].count; j++) take_in(&frame, &chart->lines[i].points[j]);
    if (frame.left > frame.right) { /* only a ceiling */
        frame.left = 3;
        frame.right = 5;
    }
    double margin = frame.right - frame.left > 0 ? 0.06 * (frame.right - frame.left) : 0.5;
    frame.left -= margin;
    frame.right += margin;
    frame.top = frame.top > 0 ? 1.15 * frame.top : 1;
    if (frame.top > 100) frame.top = 104;
    return frame;
}

/* ---- pieces of SVG ---- */

/* As the text of an element. */
static void put_text(FILE *out, const char *text) {
    for (size_t left = strlen(text), step; left > 0; text += step, left -= step) {
        step = utf8_length(text, left);
        bool drawable = step > 0 && (unsigned char)*text >= 0x20;
        if (step == 0) step = 1;
        if (!drawable)
            fputs("\xEF\xBF\xBD", out);
        else if (*text == '<')
            fputs("&lt;", out);
        else if (*text == '&')
            fputs("&amp;", out);
        else
            fwrite(text, 1, step, out);
    }
}

static void put_label(FILE *out, double x, double y, const char *attributes, const char *text) {
    fprintf(out, "<text x=\"%.1f\" y=\"%.1f\" %s>", x, y, attributes);
    put_text(out, text);
    fputs("</text>\n", out);
}

static void put_segment(FILE *out, double x1, double y1, double x2, double y2, const char *class) {
    fprintf(out, "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" class=\"%s\"/>\n", x1, y1, x2, y2, class);
}

/* The hover text goes into the marker; NULL: none. */
static void put_marker(FILE *out, size_t line, double x, double y, const char *hover) {
    static const double quarter = 1.57079632679489661923;
    const marker_shape *shape = &markers[line % COLOURS];
    const char *colour = colours[line % COLOURS];
    const char *element = shape->corners == 0 ? "circle" : "polygon";
    fprintf(out, "<%s fill=\"%s\" ", element, colour);
    if (shape->corners == 0) fprintf(out, "cx=\"%.1f\" cy=\"%.1f\" r=\"%.1f\"", x, y, shape->radius);
    if (shape->corners != 0) fputs("points=\"", out);
    for (int i = 0; i < shape->corners; i++) {
        double angle = quarter * (4.0 * i / shape->corners + shape->turn);
        fprintf(out, "%.1f,%.1f ", x + cos(angle) * shape->radius, y + sin(angle) * shape->radius);
    }
    if (shape->corners != 0) fputc('"', out);
    fputs("><title>", out);
    put_text(out, hover);
    fprintf(out, "</title></%s>\n", element);
}

/* ---- axes ---- */

/* 1000 → "1k". The capacities labelled are 1, 2 or 5 times a power of ten. */
static void capacity_text(double capacity, char *text, size_t size) {
    static const char *const units[] = {"", "k", "M", "G", "T"};
    size_t unit = 0;
    while (capacity > 999.5 && unit < 4) {
        capacity /= 1000;
        unit++;
    }
    snprintf(text, size, "%.4g%s", capacity, units[unit]);
}

static void draw_x_axis(const chart_frame *frame) {
    static const double steps[] = {1, 2, 5};
    int many = frame->right - frame->left > 4; /* decades: powers of ten are enough */
    for (int power = (int)floor(frame->left); power <= (int)ceil(frame->right); power++)
        for (int step = 0; step < (many ? 1 : 3); step++) {
            double x = power + log10(steps[step]);
            if (power < 0 || x < frame->left || x > frame->right) continue;
            char text[24];
            capacity_text(pow(10, x), text, sizeof text);
            put_segment(frame->out, column(frame, x), TOP, column(frame, x), BOTTOM, "grid");
            put_label(frame->out, column(frame, x), BOTTOM + 31, "text-anchor=\"middle\"", text);
        }
}

/* At most LABELS_MAX lines at 1, 2 or 5 times a power of ten. */
static double y_step(double top) {
    static const double steps[] = {1, 2, 5};
    double power = pow(10, floor(log10(top / LABELS_MAX)));
    for (size_t i = 0; i < 3; i++)
        if (top / (steps[i] * power) <= LABELS_MAX) return steps[i] * power;
    return 10 * power;
}

static void draw_y_axis(const chart_frame *frame) {
    double step = y_step(frame->top);
    for (int i = 0; i * step <= frame->top; i++) {
        char text[24];
        snprintf(text, sizeof text, "%g %%", i * step);
        put_segment(frame->out, LEFT, row(frame, i * step), RIGHT, row(frame, i * step), "grid");
        put_label(frame->out, LEFT - 14, row(frame, i * step) + 7.5, "text-anchor=\"end\"", text);
    }
}

static void draw_ceiling(const chart_frame *frame, const line_chart *chart) {
    if (chart->ceiling < 0) return;
    char text[80];
    snprintf(text, sizeof text, "%s: %.1f %%", chart->ceiling_name, chart->ceiling);
    put_segment(frame->out, LEFT, row(frame, chart->ceiling), RIGHT, row(frame, chart->ceiling), "ceiling");
    put_label(frame->out, LEFT + 10, row(frame, chart->ceiling) - 7, "class=\"small\"", text);
}

/* ---- lines ---- */

static bool same_points(const chart_line *a, const chart_line *b) {
    size_t equal = 0;
    if (a->count != b->count) return false;
    while (equal < a->count && !islessgreater(a->points[equal].x, b->points[equal].x) &&
           !islessgreater(a->points[equal].y, b->points[equal].y))
        equal++;
    return equal == a->count;
}

/* How many earlier lines have the same points. */
static size_t line_twins(const line_chart *chart, size_t line) {
    size_t twins = 0;
    for (size_t i = 0; i < line; i++) twins += same_points(&chart->lines[i], &chart->lines[line]);
    return twins;
}

static void draw_line(const chart_frame *frame, const line_chart *chart, size_t index) {
    const chart_line *line = &chart->lines[index];
    size_t twins = line_twins(chart, index);
    fprintf(frame->out, "<polyline fill=\"none\" stroke=\"%s\" stroke-width=\"3\" ", colours[index % COLOURS]);
    if (twins > 0) fprintf(frame->out, "stroke-dasharray=\"24 %zu\" ", 10 * twins); /* gaps show those under it */
    fputs("points=\"", frame->out);
    for (size_t i = 0; i < line->count; i++)
        fprintf(frame->out, "%.1f,%.1f ", column(frame, log10(line->points[i].x)), row(frame, line->points[i].y));
    fputs("\"/>\n", frame->out);
    for (size_t i = 0; i < line->count; i++) {
        char capacity[24], hover[160];
        capacity_text(line->points[i].x, capacity, sizeof capacity);
        snprintf(hover, sizeof hover, "%.80s, %s: %.2f %%", line->name, capacity, line->points[i].y);
        put_marker(frame->out, index, column(frame, log10(line->points[i].x)), row(frame, line->points[i].y), hover);
    }
}

static size_t characters(const char *text) {
    size_t count = 0;
    for (; *text != '\0'; text++) count += (*text & 0xC0) != 0x80;
    return count;
}

/* In the lower right corner, where a curve that grows leaves room. */
static void draw_legend(const chart_frame *frame, const line_chart *chart) {
    size_t longest = 8;
    for (size_t i = 0; i < chart->line_count; i++)
        if (characters(chart->lines[i].name) > longest) longest = characters(chart->lines[i].name);
    double height = LEGEND_ROW * (double)chart->line_count + LEGEND_MARGIN,
           width = LEGEND_LINE + CHARACTER * (double)longest;
    double left = RIGHT - LEGEND_MARGIN - width, top = BOTTOM - LEGEND_MARGIN - height;
    fprintf(frame->out, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" class=\"legend\"/>\n", left, top,
            width, height);
    for (size_t i = 0; i < chart->line_count; i++) {
        double y = top + LEGEND_ROW * ((double)i + 0.5) + LEGEND_MARGIN / 2.0;
        fprintf(frame->out,
                "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"%s\" stroke-width=\"3\"/>\n", left + 12,
                y, left + 47, y, colours[i % COLOURS]);
        put_marker(frame->out, i, left + 29.5, y, chart->lines[i].name);
        put_label(frame->out, left + LEGEND_LINE, y + 7.5, "", chart->lines[i].name);
    }
}

void chart_write(FILE *out, const line_chart *chart) {
    chart_frame frame = frame_of(out, chart);
    fprintf(out,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\">\n"
            "<style>text { font: 21px 'DejaVu Sans', Verdana, sans-serif; fill: #373c46; }\n"
            ".title { font-size: 24px; } .small { font-size: 18px; fill: #787e88; }\n"
            ".grid { stroke: #e4e7ec; } .axis { stroke: #373c46; }\n"
            ".ceiling { stroke: #787e88; stroke-width: 2; stroke-dasharray: 5 3; }\n"
            ".legend { fill: #ffffff; stroke: #e4e7ec; }</style>\n"
            "<rect width=\"100%%\" height=\"100%%\" fill=\"#ffffff\"/>\n",
            WIDTH, HEIGHT, WIDTH, HEIGHT);
    draw_x_axis(&frame);
    draw_y_axis(&frame);
    put_segment(out, LEFT, BOTTOM, RIGHT, BOTTOM, "axis");
    put_label(out, (LEFT + RIGHT) / 2.0, HEIGHT - 21, "text-anchor=\"middle\"", chart->x_label);
    fprintf(out, "<g transform=\"translate(29 %d) rotate(-90)\">", (TOP + BOTTOM) / 2);
    put_label(out, 0, 0, "text-anchor=\"middle\"", chart->y_label);
    fputs("</g>\n", out);
    put_label(out, LEFT, 49, "class=\"title\"", chart->title);
    draw_ceiling(&frame, chart);
    for (size_t i = 0; i < chart->line_count; i++) draw_line(&frame, chart, i);
    draw_legend(&frame, chart);
    fputs("</svg>\n", out);
}
