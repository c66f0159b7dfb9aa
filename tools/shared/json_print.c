#include "shared/json_print.h"

#include <string.h>

#include "shared/json.h"

void json_print_text(FILE *out, const char *text) {
    fputc('"', out);
    for (size_t left = strlen(text); left > 0;) {
        size_t length = utf8_length(text, left);
        if (length == 0) {
            fputs("\xEF\xBF\xBD", out);
            length = 1;
        } else if (*text == '"' || *text == '\\')
            fprintf(out, "\\%c", *text);
        else if ((unsigned char)*text < 0x20)
            fprintf(out, "\\u%04x", (unsigned)*text);
        else
            fwrite(text, 1, length, out);
        text += length;
        left -= length;
    }
    fputc('"', out);
}

void json_print_count(FILE *out, const char *key, uint64_t count) {
    fprintf(out, ",\"%s\":%llu", key, (unsigned long long)count);
}

void json_print_ratio(FILE *out, const char *key, uint64_t part, uint64_t whole) {
    if (whole == 0)
        fprintf(out, ",\"%s\":null", key);
    else
        fprintf(out, ",\"%s\":%.6f", key, (double)part / (double)whole);
}
