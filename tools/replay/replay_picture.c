#include "replay/replay_picture.h"

#include <stdbool.h>
#include <stdlib.h>

#include "picture/chart.h"

typedef char line_name[64];

/* A chart of the rows, and the memory it borrows. */
typedef struct row_chart {
    line_chart chart;
    chart_point *points;
    chart_line *lines;
    line_name *names;
} row_chart;

static bool same_line(const replay_row *a, const replay_row *b) {
    return a->policy == b->policy && a->fleet->route == b->fleet->route &&
           a->fleet->worker_count == b->fleet->worker_count;
}

/* "lru", or of a fleet "lru, 4 × prefix". */
static void name_line(const replay_row *row, line_name name) {
    const char *route = fleet_route_name(row->fleet->route);
    if (route == NULL)
        snprintf(name, sizeof(line_name), "%s", row->policy);
    else
        snprintf(name, sizeof(line_name), "%s, %zu × %s", row->policy, row->fleet->worker_count, route);
}

static chart_point point_of(const replay_row *row) {
    run_counts counts = fleet_total(row->fleet);
    double ratio = counts.references == 0 ? 0 : (double)counts.hits / (double)counts.references;
    return (chart_point){(double)row->fleet->capacity, 100 * ratio};
}

static int by_x(const void *a, const void *b) {
    double left = ((const chart_point *)a)->x, right = ((const chart_point *)b)->x;
    return left < right ? -1 : left > right;
}

/* Caches without a bound have no place on the axis: the best of them is the ceiling. */
static void add_rows(row_chart *room, const replay_row *rows, size_t count) {
    chart_point *next = room->points;
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || !same_line(&rows[i], &rows[i - 1])) {
            name_line(&rows[i], room->names[room->chart.line_count]);
            room->lines[room->chart.line_count] = (chart_line){room->names[room->chart.line_count], next, 0};
            room->chart.line_count++;
        }
        chart_point point = point_of(&rows[i]);
        if (rows[i].fleet->capacity != 0) {
            *next++ = point;
            room->lines[room->chart.line_count - 1].count++;
        } else if (point.y > room->chart.ceiling) {
            room->chart.ceiling = point.y;
        }
    }
    for (size_t i = 0, start = 0; i < room->chart.line_count; start += room->lines[i++].count)
        qsort(room->points + start, room->lines[i].count, sizeof *room->points, by_x);
}

static kvcore_status draw(row_chart *room, picture_file *picture, kvcore_error *error) {
    char *svg = NULL;
    size_t size_bytes = 0;
    FILE *out = open_memstream(&svg, &size_bytes);
    if (out != NULL) chart_write(out, &room->chart);
    bool complete = out != NULL && !ferror(out);
    complete = out != NULL && fclose(out) == 0 && complete;
    kvcore_status status = complete ? picture_write(picture, svg, size_bytes, error)
                                    : kvcore_fail(error, &(kvcore_error){.code = KVCORE_ENOMEM}, "out of memory");
    free(svg);
    return status;
}

kvcore_status replay_picture(picture_file *picture, const char *title, const replay_row *rows, size_t count,
                             kvcore_error *error) {
    row_chart room = {.points = calloc(count, sizeof *room.points),
                      .lines = calloc(count, sizeof *room.lines),
                      .names = calloc(count, sizeof *room.names)};
    room.chart = (line_chart){.title = title,
                              .x_label = "capacity, blocks",
                              .y_label = "hit ratio over blocks",
                              .lines = room.lines,
                              .ceiling = -1,
                              .ceiling_name = "unbounded"};
    kvcore_status status = kvcore_fail(error, &(kvcore_error){.code = KVCORE_ENOMEM}, "out of memory");
    if (room.points != NULL && room.lines != NULL && room.names != NULL) {
        add_rows(&room, rows, count);
        status = draw(&room, picture, error);
    }
    free(room.points);
    free(room.lines);
    free(room.names);
    return status;
}
