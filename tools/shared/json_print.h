/* Pieces of JSON that the reports print. */
#ifndef TOOLS_JSON_PRINT_H
#define TOOLS_JSON_PRINT_H

#include <stdint.h>
#include <stdio.h>

/* A string. A file name may hold any bytes; what is not UTF-8 shows as U+FFFD. */
void json_print_text(FILE *out, const char *text);

/* ,"key":count */
void json_print_count(FILE *out, const char *key, uint64_t count);

/* ,"key":part / whole; null of nothing. */
void json_print_ratio(FILE *out, const char *key, uint64_t part, uint64_t whole);

#endif
