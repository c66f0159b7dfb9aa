/* An LRU cache in fifty lines, which shares nothing with the program. It keys blocks by id: in a generated workload an equal id
 * means an equal prefix. */
#ifndef TESTS_TOOLS_LRU_TWIN_H
#define TESTS_TOOLS_LRU_TWIN_H

#include "trace_lines.h"

enum { NONE = 0, IDS = 1 << 20 }; /* id + 1 stands in the list; 0 is its anchor */

typedef struct lru_twin {
    size_t capacity, held;
    uint32_t *next, *previous; /* oldest first */
    uint8_t *here;
    uint64_t hits, evictions, oversized;
} lru_twin;

static inline void unlink_id(lru_twin *twin, uint32_t at) {
    twin->next[twin->previous[at]] = twin->next[at];
    twin->previous[twin->next[at]] = twin->previous[at];
}

static inline void append_id(lru_twin *twin, uint32_t at) {
    twin->previous[at] = twin->previous[NONE];
    twin->next[at] = NONE;
    twin->next[twin->previous[at]] = at;
    twin->previous[NONE] = at;
}

static inline void twin_serve(lru_twin *twin, const trace_line *line) {
    size_t hits = 0, kept = line->count;
    while (hits < line->count && twin->here[line->ids[hits] + 1]) unlink_id(twin, (uint32_t)line->ids[hits++] + 1);
    twin->hits += hits;
    if (line->count > twin->capacity) {
        twin->oversized++;
        kept = hits;
    }
    for (size_t i = hits; i < kept; i++) {
        if (twin->held == twin->capacity) {
            uint32_t oldest = twin->next[NONE];
            unlink_id(twin, oldest);
            twin->here[oldest] = 0;
            twin->evictions++;
            twin->held--;
        }
        twin->held++;
        twin->here[line->ids[i] + 1] = 1;
    }
    for (size_t i = kept; i > 0; i--) append_id(twin, (uint32_t)line->ids[i - 1] + 1);
}

static inline lru_twin twin_open(size_t capacity) {
    lru_twin twin = {.capacity = capacity};
    twin.next = calloc(IDS, sizeof *twin.next);
    twin.previous = calloc(IDS, sizeof *twin.previous);
    twin.here = calloc(IDS, 1);
    return twin;
}

static inline void twin_close(lru_twin *twin) {
    free(twin->next);
    free(twin->previous);
    free(twin->here);
}

#endif
