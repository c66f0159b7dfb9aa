#include "shared/table.h"

#include <string.h>

/* Cells are ASCII but for the dash, so characters are counted, not bytes. */
static size_t width(const char *text) {
    size_t characters = 0;
    for (; *text != '\0'; text++) characters += ((unsigned char)*text & 0xC0) != 0x80;
    return characters;
}

void table_print(FILE *out, const table_cell *cells, size_t rows, size_t columns, size_t left) {
    for (size_t row = 0; row < rows; row++) {
        for (size_t column = 0; column < columns; column++) {
            size_t widest = 0;
            for (size_t i = 0; i < rows; i++) {
                size_t here = width(cells[i * columns + column].text);
                if (here > widest) widest = here;
            }
            const char *cell = cells[row * columns + column].text;
            int padding = (int)(widest - width(cell));
            const char *gap = column == 0 ? "" : "  ";
            if (column < left)
                fprintf(out, "%s%s%*s", gap, cell, padding, "");
            else
                fprintf(out, "%s%*s%s", gap, padding, "", cell);
        }
        fputc('\n', out);
    }
}

void table_count(uint64_t count, table_cell *cell) {
    char digits[24];
    int length = snprintf(digits, sizeof digits, "%llu", (unsigned long long)count);
    char *to = cell->text;
    for (int i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0) *to++ = ',';
        *to++ = digits[i];
    }
    *to = '\0';
}

void table_percent(uint64_t part, uint64_t whole, table_cell *cell) {
    if (whole == 0)
        table_text("–", cell);
    else
        snprintf(cell->text, TABLE_CELL_BYTES, "%.2f %%", 100.0 * (double)part / (double)whole);
}

void table_mean(uint64_t sum, uint64_t count, table_cell *cell) {
    if (count == 0)
        table_text("–", cell);
    else
        snprintf(cell->text, TABLE_CELL_BYTES, "%.1f", (double)sum / (double)count);
}

void table_text(const char *text, table_cell *cell) { snprintf(cell->text, TABLE_CELL_BYTES, "%s", text); }
