#include <kvwombat/checksum.h>

uint32_t kvwombat_fnv32(kvcore_bytes bytes) {
    const uint8_t *from = bytes.data;
    uint32_t state = UINT32_C(0x811C9DC5);
    for (size_t i = 0; i < bytes.size_bytes; i++) state = (state ^ from[i]) * UINT32_C(16777619);
    return state;
}

uint64_t kvwombat_fnv64(kvcore_bytes bytes) {
    const uint8_t *from = bytes.data;
    uint64_t state = UINT64_C(0xCBF29CE484222325);
    for (size_t i = 0; i < bytes.size_bytes; i++) state = (state ^ from[i]) * UINT64_C(0x100000001B3);
    return state;
}
