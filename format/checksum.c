#include <kvformat/checksum.h>

#include <isa-l/crc.h>

uint32_t kvformat_crc32c(uint32_t crc, kvcore_bytes bytes) {
    /* the library takes an int of bytes at a time, and unfinished values; it does not write */
    enum { PIECE = 1 << 30 };
    unsigned char *from = (unsigned char *)(uintptr_t)bytes.data;
    uint32_t state = ~crc;
    for (size_t left = bytes.size_bytes; left > 0;) {
        size_t take = left < PIECE ? left : PIECE;
        state = crc32_iscsi(from, (int)take, state);
        from += take;
        left -= take;
    }
    return ~state;
}
