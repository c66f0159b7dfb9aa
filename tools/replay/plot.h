/* Hit ratio over capacity as a picture, drawn by PLplot into SVG or PNG. */
#ifndef TOOLS_PLOT_H
#define TOOLS_PLOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include <kvcore/status.h>

#include "replay/replay_report.h"

/* A picture being made. All zero is none. */
typedef struct plot_file {
    const char *path;
    const char *device; /* PLplot's name of the format */
    FILE *file;
    bool created; /* by us, so a failed replay takes it away again */
} plot_file;

/* Take the path before the long work starts, so that what cannot be written is known at once; a file that is there keeps its
 * bytes until plot_finish().
 *
 * Errors: KVCORE_ECONFIG for a name that ends neither in .svg nor in .png; KVCORE_EIO with the system's reason;
 *         KVCORE_ENOTSUP when PLplot lacks the driver. */
KVCORE_NODISCARD kvcore_status plot_open(plot_file *plot, const char *path, kvcore_error *error);

/* Draw the rows and write the file. A line is drawn through the rows that differ in nothing but capacity, which stand next to
 * each other. Errors: KVCORE_EIO, KVCORE_ENOTSUP. */
KVCORE_NODISCARD kvcore_status plot_finish(plot_file *plot, const char *title, const replay_row *rows, size_t count,
                                           kvcore_error *error);

/* Give up, if not finished. */
void plot_discard(plot_file *plot);

#endif
