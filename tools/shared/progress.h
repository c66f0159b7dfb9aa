/* How far a long job is, on standard error, and only when that is a terminal. */
#ifndef TOOLS_PROGRESS_H
#define TOOLS_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

typedef struct progress_bar {
    bool shown;
    uint64_t next_ns; /* when to draw again */
} progress_bar;

void progress_start(progress_bar *bar);

/* Draw, at most ten times a second: a bar when whole > 0, else the count alone, in its unit. */
void progress_update(progress_bar *bar, const char *what, uint64_t part, uint64_t whole, uint64_t count,
                     const char *unit);

/* Take the bar away. */
void progress_end(progress_bar *bar);

#endif
