/* What both of the engine's envelopes need. Private to wombat. */
#ifndef KVFORMAT_ENGINE_PRIVATE_H
#define KVFORMAT_ENGINE_PRIVATE_H

#include <stdbool.h>

#include <kvwombat/engine.h>

/* Bytes taken from the front one after the other; the offset counts from the start of the file. */
typedef struct engine_input {
    const uint8_t *bytes;
    size_t size_bytes;
    size_t offset;
} engine_input;

static inline bool engine_take(engine_input *from, uint64_t size_bytes, kvcore_bytes *taken) {
    if (size_bytes > from->size_bytes - from->offset) return false;
    *taken = (kvcore_bytes){from->bytes + from->offset, (size_t)size_bytes};
    from->offset += (size_t)size_bytes;
    return true;
}

static inline bool engine_take_u32(engine_input *from, uint32_t *value) {
    kvcore_bytes taken;
    if (!engine_take(from, 4, &taken)) return false;
    *value = kvcore_load_le32(taken.data);
    return true;
}

/* Bytes of rows · dim floats; they fit 64 bits times 4 whenever both fit 31 bits, which rows and dims of files need not. */
static inline bool engine_float_bytes(uint64_t rows, uint64_t dim, uint64_t *bytes) {
    return !__builtin_mul_overflow(rows, dim, bytes) && !__builtin_mul_overflow(*bytes, 4, bytes);
}

bool kvwombat__engine_possible(const kvwombat_engine_model *model);
/* Writes bytes and gives the place behind them. */
uint8_t *kvwombat__engine_put(uint8_t *to, kvcore_bytes bytes);

#endif
