/* A table of text for a terminal: columns as wide as they need to be, the first `left` of them flush left. */
#ifndef TOOLS_TABLE_H
#define TOOLS_TABLE_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define TABLE_CELL_BYTES 40

typedef struct table_cell {
    char text[TABLE_CELL_BYTES];
} table_cell;

/* cells holds rows × columns, row by row; the first row is the heading. */
void table_print(FILE *out, const table_cell *cells, size_t rows, size_t columns, size_t left);

/* 1234567 → "1,234,567". */
void table_count(uint64_t count, table_cell *cell);

/* part / whole in percent, "–" of nothing. */
void table_percent(uint64_t part, uint64_t whole, table_cell *cell);

/* sum / count with one decimal, "–" of nothing. */
void table_mean(uint64_t sum, uint64_t count, table_cell *cell);

void table_text(const char *text, table_cell *cell);

#endif
