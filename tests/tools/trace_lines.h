/* Reads the traces that `kvstrata generate` writes, with nothing shared with the program: numbers in a known order. */
#ifndef TESTS_TOOLS_TRACE_LINES_H
#define TESTS_TOOLS_TRACE_LINES_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define TRACE_LINE_IDS 4096

typedef struct trace_line {
    uint64_t timestamp, input_length, output_length;
    uint64_t ids[TRACE_LINE_IDS];
    size_t count;
} trace_line;

/* The request at *text, which moves on to the next line; 0 at the end. */
static inline int trace_line_next(const char **text, trace_line *line) {
    if (**text == '\0') return 0;
    uint64_t *numbers[] = {&line->timestamp, &line->input_length, &line->output_length};
    size_t seen = 0;
    line->count = 0;
    const char *at = *text;
    while (*at != '\n' && *at != '\0') {
        if (*at < '0' || *at > '9') {
            at++;
            continue;
        }
        char *end;
        uint64_t number = strtoull(at, &end, 10);
        if (seen < 3)
            *numbers[seen++] = number;
        else if (line->count < TRACE_LINE_IDS)
            line->ids[line->count++] = number;
        at = end;
    }
    *text = *at == '\n' ? at + 1 : at;
    return 1;
}

#endif
