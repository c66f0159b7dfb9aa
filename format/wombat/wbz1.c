#include <kvwombat/envelope.h>

#include <zstd.h>
#include <zstd_errors.h>

#include "refuse.h"

enum { HEADER = KVWOMBAT_WBZ1_HEADER_BYTES };

static const char magic[4] = {'W', 'B', 'Z', '1'};

size_t kvwombat_wbz1_bound(size_t raw_bytes) {
    size_t bound = ZSTD_compressBound(raw_bytes), total;
    if (ZSTD_isError(bound) || __builtin_add_overflow(bound, (size_t)HEADER, &total)) return SIZE_MAX;
    return total;
}

static kvcore_status zstd_status(size_t code) {
    switch (ZSTD_getErrorCode(code)) {
    case ZSTD_error_memory_allocation: return KVCORE_ENOMEM;
    case ZSTD_error_dstSize_tooSmall: return KVFORMAT_ELENGTH;
    default: return KVCORE_EFORMAT;
    }
}

kvcore_status kvwombat_wbz1_encode(int algorithm, int level, kvcore_bytes raw, void *bytes, size_t capacity,
                                   size_t *size_bytes) {
    if (output_missing(bytes, capacity, size_bytes) || bytes_missing(raw)) return KVCORE_EINVAL;
    if (algorithm != KVWOMBAT_WBZ1_NONE && algorithm != KVWOMBAT_WBZ1_ZSTD) return KVCORE_ENOTSUP;
    bool plain = algorithm == KVWOMBAT_WBZ1_NONE;
    if (!plain && raw.size_bytes > UINT32_MAX) return KVFORMAT_ETOO_LARGE;
    size_t bound = plain ? raw.size_bytes : kvwombat_wbz1_bound(raw.size_bytes);
    *size_bytes = bound;
    if (bound > capacity) return KVCORE_EBUFFER;
    uint8_t *to = bytes;
    if (plain) {
        if (bound > 0) memcpy(to, raw.data, bound);
        return KVCORE_OK;
    }
    level = level < 1 ? 1 : level > 22 ? 22 : level;
    size_t packed = ZSTD_compress(to + HEADER, capacity - HEADER, raw.data, raw.size_bytes, level);
    if (ZSTD_isError(packed)) return zstd_status(packed);
    memcpy(to, magic, sizeof magic);
    to[4] = KVWOMBAT_WBZ1_ZSTD;
    to[5] = (uint8_t)level;
    kvcore_store_le32(to + 6, (uint32_t)raw.size_bytes);
    *size_bytes = HEADER + packed;
    return KVCORE_OK;
}

static bool wrapped(kvcore_bytes input) {
    return input.size_bytes >= HEADER && memcmp(input.data, magic, sizeof magic) == 0;
}

uint32_t kvwombat_wbz1_raw_bytes(kvcore_bytes input) {
    const uint8_t *from = input.data;
    return wrapped(input) && from[4] == KVWOMBAT_WBZ1_ZSTD ? kvcore_load_le32(from + 6) : 0;
}

/* A zstd payload into memory. KVFORMAT_ELENGTH when it is not exactly as long as stated. */
static kvcore_status unpack(kvcore_bytes input, void *memory, size_t capacity, kvcore_bytes *raw) {
    const uint8_t *from = input.data;
    size_t stated = kvcore_load_le32(from + 6), packed = input.size_bytes - HEADER;
    unsigned long long first = ZSTD_getFrameContentSize(from + HEADER, packed);
    if (first == ZSTD_CONTENTSIZE_ERROR) return KVCORE_EFORMAT;
    if (first != ZSTD_CONTENTSIZE_UNKNOWN && first > stated) return KVFORMAT_ELENGTH;
    if (stated > capacity) return KVCORE_EBUFFER;
    uint8_t nothing;
    size_t got = ZSTD_decompress(stated > 0 ? memory : &nothing, stated, from + HEADER, packed);
    if (ZSTD_isError(got)) return zstd_status(got);
    if (got != stated) return KVFORMAT_ELENGTH;
    *raw = (kvcore_bytes){memory, stated};
    return KVCORE_OK;
}

kvcore_status kvwombat_wbz1_decode(kvcore_bytes input, void *memory, size_t capacity, kvcore_bytes *raw,
                                   bool *decoded) {
    if (raw == NULL || decoded == NULL || bytes_missing(input) || (memory == NULL && capacity > 0))
        return KVCORE_EINVAL;
    kvcore_bytes found = input;
    bool whole = false;
    if (wrapped(input)) {
        const uint8_t *from = input.data;
        if (from[4] == KVWOMBAT_WBZ1_NONE) {
            found = (kvcore_bytes){from + HEADER, input.size_bytes - HEADER};
            whole = true;
        } else if (from[4] == KVWOMBAT_WBZ1_ZSTD) {
            kvcore_status status = unpack(input, memory, capacity, &found);
            if (status == KVCORE_EBUFFER || status == KVCORE_ENOMEM) return status;
            whole = status == KVCORE_OK;
        }
    }
    *raw = found;
    *decoded = whole;
    return KVCORE_OK;
}

kvcore_status kvwombat_wbz1_decode_strict(kvcore_bytes input, void *memory, size_t capacity, kvcore_bytes *raw,
                                          kvcore_error *error) {
    if (raw == NULL || bytes_missing(input) || (memory == NULL && capacity > 0))
        return refuse_null(error, "input, memory or raw");
    if (!wrapped(input)) return refuse_at(error, KVFORMAT_EMAGIC, 0, HEADER, input.size_bytes, "envelope");
    const uint8_t *from = input.data;
    uint32_t stated = kvcore_load_le32(from + 6);
    kvcore_status status = KVCORE_OK;
    if (from[4] == KVWOMBAT_WBZ1_NONE) {
        if (input.size_bytes - HEADER != stated)
            return refuse_at(error, KVFORMAT_ELENGTH, 6, stated, input.size_bytes - HEADER, "raw length");
        *raw = (kvcore_bytes){from + HEADER, stated};
        return KVCORE_OK;
    }
    if (from[4] != KVWOMBAT_WBZ1_ZSTD)
        return refuse_at(error, from[4] == KVWOMBAT_WBZ1_LZ4 ? KVCORE_ENOTSUP : KVCORE_EFORMAT, 4, KVWOMBAT_WBZ1_ZSTD,
                         from[4], "algorithm");
    status = unpack(input, memory, capacity, raw);
    return status == KVCORE_OK ? status : refuse_at(error, status, HEADER, stated, capacity, "zstd payload");
}
