#include "shared/progress.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "shared/clock.h"
#include "shared/plain.h"

#define INTERVAL_NS UINT64_C(100000000)
#define BAR_CHARACTERS 30

void progress_start(progress_bar *bar) {
    bar->shown = isatty(STDERR_FILENO) == 1;
    bar->next_ns = 0;
}

void progress_update(progress_bar *bar, const char *what, uint64_t part, uint64_t whole, uint64_t count,
                     const char *unit) {
    if (!bar->shown) return;
    uint64_t now = clock_ns();
    if (now < bar->next_ns) return;
    bar->next_ns = now + INTERVAL_NS;
    fputs("\r\033[K", stderr);
    if (whole > 0) {
        double done = part < whole ? (double)part / (double)whole : 1.0;
        char marks[BAR_CHARACTERS + 1];
        memset(marks, '.', BAR_CHARACTERS);
        memset(marks, '#', (size_t)(done * BAR_CHARACTERS));
        marks[BAR_CHARACTERS] = '\0';
        fprintf(stderr, "[%s] %3.0f %%  ", marks, 100.0 * done);
    }
    char name[41];
    snprintf(name, sizeof name, "%s", what);
    print_plain(stderr, name);
    fprintf(stderr, "  %llu %s", (unsigned long long)count, unit);
    fflush(stderr);
}

void progress_end(progress_bar *bar) {
    if (bar->shown) fputs("\r\033[K", stderr);
    bar->shown = false;
}
