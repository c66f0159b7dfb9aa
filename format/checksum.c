#include <kvformat/checksum.h>

#include <isa-l/crc.h>

uint32_t kvformat_fnv32(kvcore_bytes bytes) {
    const uint8_t *from = bytes.data;
    uint32_t state = UINT32_C(0x811C9DC5);
    for (size_t i = 0; i < bytes.size_bytes; i++) state = (state ^ from[i]) * UINT32_C(16777619);
    return state;
}

uint64_t kvformat_fnv64(kvcore_bytes bytes) {
    const uint8_t *from = bytes.data;
    uint64_t state = UINT64_C(0xCBF29CE484222325);
    for (size_t i = 0; i < bytes.size_bytes; i++) state = (state ^ from[i]) * UINT64_C(0x100000001B3);
    return state;
}

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
