#include "shared/plain.h"

#include <stdbool.h>
#include <stddef.h>

/* Bytes of the UTF-8 sequence that the lead begins; 0: none does. */
static size_t sequence_bytes(unsigned char lead) {
    if (lead < 0x80) return 1;
    if (lead < 0xC2 || lead > 0xF4) return 0;
    return lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
}

static bool is_plain(const unsigned char *text, size_t bytes) {
    if (bytes == 1) return *text >= 0x20 && *text != 0x7F;
    for (size_t i = 1; i < bytes; i++)
        if ((text[i] & 0xC0) != 0x80) return false; /* a NUL ends it, too */
    return bytes > 2 || *text != 0xC2 || text[1] >= 0xA0;
}

void print_plain(FILE *to, const char *text) {
    const unsigned char *at = (const unsigned char *)text;
    while (*at != '\0') {
        size_t bytes = sequence_bytes(*at);
        if (bytes > 0 && is_plain(at, bytes)) {
            fwrite(at, 1, bytes, to);
            at += bytes;
        } else {
            fprintf(to, "\\x%02x", *at++);
        }
    }
}
