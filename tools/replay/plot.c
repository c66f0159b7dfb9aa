#include "replay/plot.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <plplot/plplot.h>

#include "shared/json.h"

/* Pixels of the picture. */
#define WIDTH 1000
#define HEIGHT 620

/* Colours, by their place in PLplot's colour map 0. */
enum { PAPER = 0, INK = 1, GRID = 2, CEILING = 3, FIRST_LINE = 4, LINE_COLOURS = 6 };
static const PLINT palette[][3] = {
    {255, 255, 255}, {55, 60, 70}, {228, 231, 236}, {120, 126, 136}, /* the named ones above */
    {31, 119, 180},  {230, 97, 1}, {44, 160, 75},   {148, 83, 189},  {200, 40, 70}, {0, 150, 160},
};
enum { PALETTE_SIZE = sizeof palette / sizeof *palette };

/* Markers as polygons in a square of −1 … 1; the first line's is a circle. */
#define MARKER_CORNERS 24
typedef struct line_marker {
    int corners; /* on a circle */
    double turn; /* of the first corner, in quarters of a circle */
    double size;
} line_marker;
static const line_marker markers[LINE_COLOURS] = {{MARKER_CORNERS, 0, 1}, {4, 0.5, 1.2}, {3, 1, 1.3}, {4, 0, 1.3},
                                                  {3, -1, 1.3},           {6, 0, 1.15}};
#define MARKER_MM 1.7
/* The legend: its least width, the part of it left of the names, the width of a character, and the height of a row. */
#define LEGEND_MM 63
#define LEGEND_LINE_MM 17
#define LEGEND_CHARACTER_MM 3.8
#define LEGEND_ROW_MM 9
#define PI 3.14159265358979323846

/* The world: x is log10 of the capacity, y percent. */
typedef struct plot_frame {
    double left, right, top;
    double ceiling;    /* percent, of the best unbounded row; negative: none */
    double x_mm, y_mm; /* world units a millimetre */
    double legend_mm;
    size_t lines;
} plot_frame;

/* ---- the file ---- */

static kvcore_status fail(kvcore_error *error, kvcore_status status, const char *text) {
    return kvcore_fail(error, &(kvcore_error){.code = status, .index = KVCORE_NO_INDEX}, "%s", text);
}

/* PLplot loads its drivers at run time and asks on the terminal when one is missing: so look first. */
static bool has_device(const char *name) {
    const char *titles[64], *devices[64];
    const char **title = titles, **device = devices;
    int count = 64;
    plgFileDevs(&title, &device, &count);
    for (int i = 0; i < count; i++)
        if (strcmp(devices[i], name) == 0) return true;
    return false;
}

static bool ends_with(const char *text, const char *end) {
    size_t length = strlen(text), end_length = strlen(end);
    return length > end_length && strcmp(text + length - end_length, end) == 0;
}

kvcore_status plot_open(plot_file *plot, const char *path, kvcore_error *error) {
    *plot = (plot_file){.path = path};
    if (ends_with(path, ".svg"))
        plot->device = "svgcairo";
    else if (ends_with(path, ".png"))
        plot->device = "pngcairo";
    else
        return fail(error, KVCORE_ECONFIG, "expected a picture named .svg or .png");
    if (!has_device(plot->device))
        return fail(error, KVCORE_ENOTSUP, "PLplot's cairo driver is not installed (Debian: plplot-driver-cairo)");
    int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    plot->created = file >= 0;
    if (file < 0 && errno == EEXIST) file = open(path, O_WRONLY | O_CLOEXEC);
    plot->file = file >= 0 ? fdopen(file, "wb") : NULL;
    if (plot->file == NULL) {
        kvcore_status status = fail(error, KVCORE_EIO, strerror(errno));
        if (file >= 0) close(file);
        plot_discard(plot);
        return status;
    }
    return KVCORE_OK;
}

void plot_discard(plot_file *plot) {
    if (plot->file != NULL) fclose(plot->file);
    if (plot->created) unlink(plot->path);
    *plot = (plot_file){.path = NULL};
}

static kvcore_status write_file(plot_file *plot, const char *bytes, size_t size_bytes, kvcore_error *error) {
    /* EINVAL: a device, which has no length */
    bool written = ftruncate(fileno(plot->file), 0) == 0 || errno == EINVAL;
    written = written && fwrite(bytes, 1, size_bytes, plot->file) == size_bytes;
    written = fclose(plot->file) == 0 && written;
    plot->file = NULL;
    if (!written) return fail(error, KVCORE_EIO, strerror(errno));
    plot->created = false; /* it is the user's now */
    return KVCORE_OK;
}

/* ---- the picture ---- */

static double percent(const replay_row *row) {
    run_counts counts = fleet_total(row->fleet);
    return counts.references == 0 ? 0 : 100.0 * (double)counts.hits / (double)counts.references;
}

static plot_frame frame_of(const replay_row *rows, size_t count) {
    plot_frame frame = {.left = HUGE_VAL, .right = -HUGE_VAL, .top = 0, .ceiling = -1};
    for (size_t i = 0; i < count; i++) {
        double y = percent(&rows[i]);
        if (y > frame.top) frame.top = y;
        if (rows[i].fleet->capacity == 0) {
            if (y > frame.ceiling) frame.ceiling = y;
            continue;
        }
        double x = log10((double)rows[i].fleet->capacity);
        if (x < frame.left) frame.left = x;
        if (x > frame.right) frame.right = x;
    }
    if (frame.left > frame.right) { /* only a ceiling */
        frame.left = 3;
        frame.right = 5;
    }
    double margin = frame.right - frame.left > 0 ? 0.06 * (frame.right - frame.left) : 0.5;
    frame.left -= margin;
    frame.right += margin;
    frame.top = frame.top > 0 ? 1.15 * frame.top : 1;
    if (frame.top > 100) frame.top = 100.0 * 1.04;
    return frame;
}

/* 1000 → "1k". The capacities labelled are 1, 2 or 5 times a power of ten. */
static void capacity_label(double capacity, char *text, size_t size) {
    static const char *const units[] = {"", "k", "M", "G"};
    size_t unit = 0;
    while (capacity > 999.5 && unit < 3) {
        capacity /= 1000;
        unit++;
    }
    snprintf(text, size, "%.0f%s", capacity, units[unit]);
}

static void draw_x_axis(const plot_frame *frame) {
    double decades = frame->right - frame->left;
    for (int power = (int)floor(frame->left); power <= (int)ceil(frame->right); power++)
        for (int step = 0; step < 3; step++) {
            static const double steps[] = {1, 2, 5};
            if (step > 0 && decades > 4) break; /* many decades: powers of ten are enough */
            double x = power + log10(steps[step]);
            if (power < 0 || x < frame->left || x > frame->right) continue;
            plcol0(GRID);
            pljoin(x, 0, x, frame->top);
            char label[16];
            capacity_label(pow(10, x), label, sizeof label);
            plcol0(INK);
            plmtex("b", 1.4, (x - frame->left) / decades, 0.5, label);
        }
}

/* At most six lines at 1, 2 or 5 times a power of ten. */
static void draw_y_axis(const plot_frame *frame) {
    static const double steps[] = {1, 2, 5, 10};
    double step = 0, power = pow(10, floor(log10(frame->top / 6)));
    for (size_t i = 0; i < 4 && (step == 0 || frame->top / step > 6); i++) step = power * steps[i];
    for (int i = 0; i * step <= frame->top; i++) {
        plcol0(GRID);
        pljoin(frame->left, i * step, frame->right, i * step);
        char label[16];
        snprintf(label, sizeof label, "%g %%", i * step);
        plcol0(INK);
        plmtex("lv", 0.8, i * step / frame->top, 1.0, label);
    }
}

static void draw_ceiling(const plot_frame *frame) {
    if (frame->ceiling < 0) return;
    plcol0(CEILING);
    plwidth(2);
    pllsty(2);
    pljoin(frame->left, frame->ceiling, frame->right, frame->ceiling);
    pllsty(1);
    plwidth(1);
    char label[48];
    snprintf(label, sizeof label, "unbounded: %.1f %%", frame->ceiling);
    plschr(0, 0.85);
    plptex(frame->left + 0.012 * (frame->right - frame->left), frame->ceiling + 0.028 * frame->top, 1, 0, 0, label);
    plschr(0, 1.0);
}

static double x_of(const replay_row *row) { return log10((double)row->fleet->capacity); }

static int by_capacity(const void *a, const void *b) {
    size_t left = (*(const replay_row *const *)a)->fleet->capacity;
    size_t right = (*(const replay_row *const *)b)->fleet->capacity;
    return left < right ? -1 : left > right;
}

static void draw_marker(const plot_frame *frame, size_t line, double x, double y) {
    const line_marker *marker = &markers[line % LINE_COLOURS];
    PLFLT xs[MARKER_CORNERS], ys[MARKER_CORNERS];
    for (int i = 0; i < marker->corners; i++) {
        double angle = 2 * PI * i / marker->corners + marker->turn * PI / 2;
        xs[i] = x + cos(angle) * marker->size * MARKER_MM * frame->x_mm;
        ys[i] = y + sin(angle) * marker->size * MARKER_MM * frame->y_mm;
    }
    plfill(marker->corners, xs, ys);
}

static bool same_hits(const replay_row *a, const replay_row *b) {
    return a->fleet == b->fleet || fleet_total(a->fleet).hits == fleet_total(b->fleet).hits;
}

/* How many earlier lines have the same points: all lines have the same capacities, in the same order. */
static size_t line_twins(const replay_row *rows, size_t count, size_t line) {
    size_t twins = 0;
    for (size_t back = 1; back <= line; back++) {
        const replay_row *other = rows - back * count;
        size_t equal = 0;
        while (equal < count && same_hits(&other[equal], &rows[equal])) equal++;
        twins += equal == count;
    }
    return twins;
}

/* The gaps of a line that lies on others, wider each time, show those under it. */
static void dash(size_t twins) {
    PLINT mark = 6000, space = 2500 * (PLINT)twins; /* micrometres */
    if (twins > 0) plstyl(1, &mark, &space);
}

/* The line through `count` rows; room has space for each of them. */
static void draw_line(const plot_frame *frame, const replay_row *rows, size_t count, size_t line,
                      const replay_row **room) {
    size_t points = 0;
    for (size_t i = 0; i < count; i++)
        if (rows[i].fleet->capacity != 0) room[points++] = &rows[i];
    qsort(room, points, sizeof *room, by_capacity);
    plcol0(FIRST_LINE + (PLINT)(line % LINE_COLOURS));
    plwidth(3);
    dash(line_twins(rows, count, line));
    for (size_t i = 1; i < points; i++)
        pljoin(x_of(room[i - 1]), percent(room[i - 1]), x_of(room[i]), percent(room[i]));
    pllsty(1);
    plwidth(1);
    for (size_t i = 0; i < points; i++) draw_marker(frame, line, x_of(room[i]), percent(room[i]));
}

/* One line of the legend, in the lower right corner, where a curve that grows leaves room. */
static void draw_legend(const plot_frame *frame, size_t line, const char *name) {
    double left = frame->right - frame->legend_mm * frame->x_mm;
    double y = (7 + LEGEND_ROW_MM * (double)(frame->lines - 1 - line)) * frame->y_mm;
    plcol0(FIRST_LINE + (PLINT)(line % LINE_COLOURS));
    plwidth(3);
    pljoin(left, y, left + 12 * frame->x_mm, y);
    plwidth(1);
    draw_marker(frame, line, left + 6 * frame->x_mm, y);
    plcol0(INK);
    plptex(left + 16 * frame->x_mm, y, 1, 0, 0, name);
}

static void draw_legend_paper(const plot_frame *frame) {
    double left = frame->right - (frame->legend_mm + 4) * frame->x_mm, right = frame->right - 2 * frame->x_mm;
    double bottom = 2 * frame->y_mm, top = (5 + LEGEND_ROW_MM * (double)frame->lines) * frame->y_mm;
    PLFLT xs[] = {left, right, right, left, left}, ys[] = {bottom, bottom, top, top, bottom};
    plcol0(PAPER);
    plfill(4, xs, ys);
    plcol0(GRID);
    plline(5, xs, ys);
}

static bool same_line(const replay_row *a, const replay_row *b) {
    return a->policy == b->policy && a->fleet->route == b->fleet->route &&
           a->fleet->worker_count == b->fleet->worker_count;
}

static size_t end_of_line(const replay_row *rows, size_t count, size_t start) {
    size_t end = start + 1;
    while (end < count && same_line(&rows[end], &rows[start])) end++;
    return end;
}

/* "lru", or of a fleet "lru, 4 × prefix". */
static void line_name(const replay_row *row, char *name, size_t size_bytes) {
    const char *route = fleet_route_name(row->fleet->route);
    if (route == NULL)
        snprintf(name, size_bytes, "%s", row->policy);
    else
        snprintf(name, size_bytes, "%s, %zu × %s", row->policy, row->fleet->worker_count, route);
}

static double legend_width(const replay_row *rows, size_t count) {
    double width = LEGEND_MM;
    for (size_t i = 0; i < count; i++) {
        char name[64];
        line_name(&rows[i], name, sizeof name);
        size_t characters = 0;
        for (const char *c = name; *c != '\0'; c++) characters += (*c & 0xC0) != 0x80; /* of UTF-8 */
        if (LEGEND_LINE_MM + LEGEND_CHARACTER_MM * (double)characters > width)
            width = LEGEND_LINE_MM + LEGEND_CHARACTER_MM * (double)characters;
    }
    return width;
}

/* What PLplot takes for a command (#), or what is no character, would not come out as it is. */
static void draw_title(const char *title) {
    char text[256];
    size_t length = 0;
    for (size_t left = strlen(title); left > 0 && length < sizeof text - 5;) {
        size_t step = utf8_length(title, left);
        if (step == 0 || (unsigned char)*title < 0x20) {
            text[length++] = '?';
            step = 1;
        } else {
            if (*title == '#') text[length++] = '#';
            memcpy(text + length, title, step);
            length += step;
        }
        title += step;
        left -= step;
    }
    text[length] = '\0';
    plschr(0, 1.15);
    plmtex("t", 1.2, 0.0, 0.0, text);
    plschr(0, 1.0);
}

static void draw(const char *title, const replay_row *rows, size_t count, const replay_row **room) {
    plot_frame frame = frame_of(rows, count);
    frame.legend_mm = legend_width(rows, count);
    pladv(0);
    plvpor(0.105, 0.97, 0.135, 0.90);
    plwind(frame.left, frame.right, 0, frame.top);
    PLFLT left, right, bottom, top;
    plgspa(&left, &right, &bottom, &top);
    frame.x_mm = (frame.right - frame.left) / ((right - left) * (0.97 - 0.105));
    frame.y_mm = frame.top / ((top - bottom) * (0.90 - 0.135));
    draw_x_axis(&frame);
    draw_y_axis(&frame);
    plcol0(INK);
    plbox("b", 0, 0, "", 0, 0);
    plmtex("b", 3.4, 0.5, 0.5, "capacity, blocks");
    plmtex("l", 5.2, 0.5, 0.5, "hit ratio over blocks");
    draw_title(title);
    draw_ceiling(&frame);
    size_t line = 0;
    for (size_t start = 0, end; start < count; start = end) {
        end = end_of_line(rows, count, start);
        draw_line(&frame, rows + start, end - start, frame.lines++, room);
    }
    draw_legend_paper(&frame);
    for (size_t start = 0; start < count; start = end_of_line(rows, count, start)) {
        char name[64];
        line_name(&rows[start], name, sizeof name);
        draw_legend(&frame, line++, name);
    }
}

/* ---- PLplot ---- */

/* PLplot ends the process on what it calls a fatal error, unless the handler never returns. One thread draws. */
static jmp_buf drawing_failed;
static char failure[120];

static int on_exit_wanted(const char *message) {
    snprintf(failure, sizeof failure, "%s", message);
    longjmp(drawing_failed, 1);
}

static void on_abort(const char *message) { snprintf(failure, sizeof failure, "%s", message); }

/* Draw into memory: what PLplot writes goes to `out`, which it closes. */
static bool draw_into(FILE *out, const char *device, const char *title, const replay_row *rows, size_t count,
                      const replay_row **room) {
    failure[0] = '\0';
    plsexit(on_exit_wanted);
    plsabort(on_abort);
    if (setjmp(drawing_failed) != 0) return false;
    PLINT red[PALETTE_SIZE], green[PALETTE_SIZE], blue[PALETTE_SIZE];
    for (size_t i = 0; i < PALETTE_SIZE; i++) {
        red[i] = palette[i][0];
        green[i] = palette[i][1];
        blue[i] = palette[i][2];
    }
    plscmap0(red, green, blue, PALETTE_SIZE);
    plsdev(device);
    plsfile(out);
    plspage(0, 0, WIDTH, HEIGHT, 0, 0);
    plinit();
    plfont(1);
    draw(title, rows, count, room);
    plend();
    return failure[0] == '\0';
}

kvcore_status plot_finish(plot_file *plot, const char *title, const replay_row *rows, size_t count,
                          kvcore_error *error) {
    char *picture = NULL;
    size_t size_bytes = 0;
    const replay_row **room = malloc(count * sizeof *room);
    FILE *out = room != NULL ? open_memstream(&picture, &size_bytes) : NULL;
    kvcore_status status = KVCORE_OK;
    if (out == NULL)
        status = fail(error, KVCORE_ENOMEM, "out of memory");
    else if (!draw_into(out, plot->device, title, rows, count, room))
        status = kvcore_fail(error, &(kvcore_error){.code = KVCORE_ENOTSUP}, "PLplot cannot draw it: %s", failure);
    else
        status = write_file(plot, picture, size_bytes, error);
    free(picture);
    free(room);
    return status;
}
