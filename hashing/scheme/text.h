/* UTF-8, and numbers in texts. Private to the schemes. */
#ifndef HASHING_SCHEME_TEXT_H
#define HASHING_SCHEME_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <kvcore/bytes.h>

/* Well-formed: shortest forms, no surrogates, at most U+10FFFF. */
bool kvhash__is_utf8(kvcore_bytes text);

/* The character at `at` in well-formed text; where the next one begins. */
static inline const uint8_t *utf8_next(const uint8_t *at, uint32_t *character) {
    unsigned more = at[0] < 0x80 ? 0 : at[0] < 0xe0 ? 1 : at[0] < 0xf0 ? 2 : 3;
    uint32_t value = more == 0 ? at[0] : at[0] & (0x3fu >> more);
    for (unsigned i = 1; i <= more; i++) value = value << 6 | (at[i] & 0x3fu);
    *character = value;
    return at + more + 1;
}

/* Steps of CPython's hash of a tuple. */
uint64_t kvhash__python_tuple_add(uint64_t sum, int64_t hash);
int64_t kvhash__python_tuple_end(uint64_t sum, size_t count);

#endif
