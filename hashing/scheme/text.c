#include "text.h"

/* Bytes after the first one of a character and the least it may be; 0xff: no first byte. */
static unsigned bytes_after(uint8_t first) {
    if (first < 0x80) return 0;
    if (first < 0xc2) return 0xff;
    return first < 0xe0 ? 1 : first < 0xf0 ? 2 : first < 0xf5 ? 3 : 0xff;
}

bool kvhash__is_utf8(kvcore_bytes text) {
    static const uint32_t least[4] = {0, 0x80, 0x800, 0x10000};
    const uint8_t *at = text.data;
    size_t left = text.size_bytes;
    while (left > 0) {
        unsigned more = bytes_after(at[0]);
        if (more >= left) return false;
        for (unsigned i = 1; i <= more; i++)
            if ((at[i] & 0xc0) != 0x80) return false;
        uint32_t character;
        const uint8_t *next = utf8_next(at, &character);
        if (character < least[more] || character > 0x10ffff || (character >= 0xd800 && character < 0xe000))
            return false;
        left -= (size_t)(next - at);
        at = next;
    }
    return true;
}
