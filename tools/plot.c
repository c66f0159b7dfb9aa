#include "plot.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <plplot/plplot.h>

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

/* Markers as Unicode characters, one a line. */
static const char *const markers[LINE_COLOURS] = {"●", "■", "▲", "◆", "▼", "★"};

/* The world: x is log10 of the capacity, y percent. */
typedef struct plot_frame {
    double left, right, top;
    double ceiling; /* percent; negative: none */
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
    bool written = ftruncate(fileno(plot->file), 0) == 0 && fwrite(bytes, 1, size_bytes, plot->file) == size_bytes;
    written = fclose(plot->file) == 0 && written;
    plot->file = NULL;
    if (!written) return fail(error, KVCORE_EIO, strerror(errno));
    plot->created = false; /* it is the user's now */
    return KVCORE_OK;
}

/* ---- the picture ---- */

static double percent(const cache_run *run) {
    return run->references == 0 ? 0 : 100.0 * (double)run->hits / (double)run->references;
}

static plot_frame frame_of(const cache_run *runs, size_t count) {
    plot_frame frame = {.left = INFINITY, .right = -INFINITY, .top = 0, .ceiling = -1};
    for (size_t i = 0; i < count; i++) {
        double y = percent(&runs[i]);
        if (y > frame.top) frame.top = y;
        if (runs[i].capacity == 0) {
            frame.ceiling = y;
            continue;
        }
        double x = log10((double)runs[i].capacity);
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

/* Some five lines at 1, 2 or 5 times a power of ten. */
static void draw_y_axis(const plot_frame *frame) {
    double step = pow(10, floor(log10(frame->top / 4)));
    if (frame->top / step > 12) step *= 2;
    if (frame->top / step > 8) step *= 2.5;
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

static int by_capacity(const void *a, const void *b) {
    const cache_run *left = *(const cache_run *const *)a, *right = *(const cache_run *const *)b;
    return left->capacity < right->capacity ? -1 : left->capacity > right->capacity;
}

/* The line of the `count` runs of one policy; room has space for each of them. */
static void draw_line(const cache_run *runs, size_t count, size_t line, const cache_run **room) {
    size_t points = 0;
    for (size_t i = 0; i < count; i++)
        if (runs[i].capacity != 0) room[points++] = &runs[i];
    qsort(room, points, sizeof *room, by_capacity);
    plcol0(FIRST_LINE + (PLINT)(line % LINE_COLOURS));
    plwidth(3);
    for (size_t i = 1; i < points; i++)
        pljoin(log10((double)room[i - 1]->capacity), percent(room[i - 1]), log10((double)room[i]->capacity),
               percent(room[i]));
    plwidth(1);
    for (size_t i = 0; i < points; i++) {
        PLFLT x = log10((double)room[i]->capacity), y = percent(room[i]);
        plstring(1, &x, &y, markers[line % LINE_COLOURS]);
    }
}

static void draw_legend(const char *const *names, size_t count) {
    PLINT options[LINE_COLOURS], colours[LINE_COLOURS], styles[LINE_COLOURS], marks[LINE_COLOURS];
    PLFLT widths[LINE_COLOURS], scales[LINE_COLOURS];
    const char *symbols[LINE_COLOURS];
    for (size_t i = 0; i < count; i++) {
        options[i] = PL_LEGEND_LINE | PL_LEGEND_SYMBOL;
        colours[i] = FIRST_LINE + (PLINT)i;
        styles[i] = 1;
        widths[i] = 3;
        scales[i] = 1;
        marks[i] = 1;
        symbols[i] = markers[i];
    }
    PLFLT width, height;
    plcol0(INK);
    pllegend(&width, &height, PL_LEGEND_BACKGROUND, PL_POSITION_RIGHT | PL_POSITION_BOTTOM | PL_POSITION_INSIDE, 0.02,
             0.03, 0.06, PAPER, GRID, 1, 0, 0, (PLINT)count, options, 0.8, 0.9, 2.2, 0, colours, names, NULL, NULL,
             NULL, NULL, colours, styles, widths, colours, scales, marks, symbols);
}

static void draw(const char *title, const cache_run *runs, size_t count, const cache_run **room) {
    plot_frame frame = frame_of(runs, count);
    pladv(0);
    plvpor(0.095, 0.97, 0.135, 0.90);
    plwind(frame.left, frame.right, 0, frame.top);
    plschr(0, 1.0);
    draw_x_axis(&frame);
    draw_y_axis(&frame);
    plcol0(INK);
    plbox("b", 0, 0, "", 0, 0);
    plmtex("b", 3.4, 0.5, 0.5, "capacity, blocks");
    plmtex("l", 5.2, 0.5, 0.5, "hit ratio over blocks");
    plschr(0, 1.15);
    plmtex("t", 1.2, 0.0, 0.0, title);
    plschr(0, 1.0);
    draw_ceiling(&frame);
    const char *names[LINE_COLOURS];
    for (size_t start = 0; start < count;) {
        size_t end = start + 1;
        while (end < count && strcmp(runs[end].policy, runs[start].policy) == 0) end++;
        draw_line(runs + start, end - start, frame.lines, room);
        if (frame.lines < LINE_COLOURS) names[frame.lines++] = runs[start].policy;
        start = end;
    }
    draw_legend(names, frame.lines);
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
static bool draw_into(FILE *out, const char *device, const char *title, const cache_run *runs, size_t count,
                      const cache_run **room) {
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
    draw(title, runs, count, room);
    plend();
    return failure[0] == '\0';
}

kvcore_status plot_finish(plot_file *plot, const char *title, const cache_run *runs, size_t count,
                          kvcore_error *error) {
    char *picture = NULL;
    size_t size_bytes = 0;
    const cache_run **room = malloc(count * sizeof *room);
    FILE *out = room != NULL ? open_memstream(&picture, &size_bytes) : NULL;
    kvcore_status status = KVCORE_OK;
    if (out == NULL)
        status = fail(error, KVCORE_ENOMEM, "out of memory");
    else if (!draw_into(out, plot->device, title, runs, count, room))
        status = kvcore_fail(error, &(kvcore_error){.code = KVCORE_ENOTSUP}, "PLplot cannot draw it: %s", failure);
    else
        status = write_file(plot, picture, size_bytes, error);
    free(picture);
    free(room);
    return status;
}
