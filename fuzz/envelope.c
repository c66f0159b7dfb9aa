/* The first byte chooses: wire envelope, batches, compression envelope, engine block, engine sidecar. */
#include <stdlib.h>
#include <string.h>

#include <kvformat/checksum.h>
#include <kvwombat/engine.h>
#include <kvwombat/envelope.h>

#include "fuzz.h"

static void wire(kvcore_bytes in) {
    kvcore_bytes body;
    uint32_t length;
    if (in.size_bytes >= KVWOMBAT_WIRE_HEADER_BYTES) (void)!kvwombat_wire_peek(in.data, &length, NULL);
    if (kvwombat_wire_decode(in, &body, NULL) == KVCORE_OK &&
        body.size_bytes + KVWOMBAT_WIRE_HEADER_BYTES != in.size_bytes)
        abort();
}

static void batch(kvcore_bytes in, kvwombat_batch kind) {
    enum { MOST = 64 };
    kvcore_bytes items[MOST];
    size_t count = 0, size = 0;
    if (kvwombat_batch_decode(kind, in, items, MOST, &count, NULL) != KVCORE_OK) return;
    uint8_t *bytes = malloc(in.size_bytes);
    if (bytes == NULL) return;
    if (kvwombat_batch_encode(kind, items, count, bytes, in.size_bytes, &size) != KVCORE_OK) abort();
    if (size != in.size_bytes || memcmp(bytes, in.data, size) != 0) abort();
    free(bytes);
}

static void compressed(kvcore_bytes in) {
    size_t capacity = kvwombat_wbz1_raw_bytes(in);
    if (capacity > 1 << 20) capacity = 1 << 20;
    uint8_t *memory = malloc(capacity > 0 ? capacity : 1);
    if (memory == NULL) return;
    kvcore_bytes raw, strict;
    bool decoded = false;
    kvcore_status status = kvwombat_wbz1_decode(in, memory, capacity, &raw, &decoded);
    kvcore_status answer = kvwombat_wbz1_decode_strict(in, memory, capacity, &strict, NULL);
    if (answer == KVCORE_OK && (status != KVCORE_OK || !decoded || raw.size_bytes != strict.size_bytes)) abort();
    free(memory);
}

static const uint32_t ratios[] = {0, 4, 128};
static const kvwombat_engine_model toy = {ratios, 3, 2, 1, 8, 128};

/* Checksums are put right, or nothing behind them would ever be reached. */
static void engine(uint8_t *data, size_t size, bool sidecar) {
    kvcore_bytes in = {data, size};
    kvwombat_kvb1_layer layers[3];
    kvwombat_rtt1_layer tails[3];
    kvwombat_rtt1 found;
    kvwombat_kvb1_header header;
    kvwombat_rtt1_header tail_header;
    size_t written = 0;
    if (sidecar && size >= KVWOMBAT_RTT1_HEADER_BYTES) {
        kvcore_store_le32(data + 8, (uint32_t)(size - 16));
        kvcore_store_le32(data + 12, kvformat_crc32c(0, (kvcore_bytes){data + 16, size - 16}));
    } else if (!sidecar && size >= KVWOMBAT_KVB1_HEADER_BYTES + 4) {
        kvcore_store_le32(data + size - 4, kvformat_crc32c(0, (kvcore_bytes){data + 24, size - 28}));
    }
    (void)!kvwombat_kvb1_inspect(in, &header, NULL);
    (void)!kvwombat_rtt1_inspect(in, &tail_header, NULL);
    uint8_t *bytes = malloc(size > 0 ? size : 1);
    if (bytes == NULL) return;
    if (!sidecar && kvwombat_kvb1_decode(&toy, 0, in, layers, NULL) == KVCORE_OK &&
        (kvwombat_kvb1_encode(&toy, 0, layers, bytes, size, &written) != KVCORE_OK || memcmp(bytes, data, size) != 0))
        abort();
    if (sidecar && kvwombat_rtt1_decode(&toy, 0, in, &found, tails, NULL) == KVCORE_OK &&
        kvwombat_rtt1_encode(&toy, &found, tails, bytes, size, &written) != KVCORE_OK)
        abort();
    free(bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0) return 0;
    uint8_t *copy = malloc(size);
    if (copy == NULL) return 0;
    memcpy(copy, data + 1, size - 1);
    kvcore_bytes in = {copy, size - 1};
    switch (data[0] % 6) {
    case 0: wire(in); break;
    case 1: batch(in, KVWOMBAT_BATCH_KEYS); break;
    case 2: batch(in, KVWOMBAT_BATCH_BYTES); break;
    case 3: compressed(in); break;
    case 4: engine(copy, size - 1, false); break;
    default: engine(copy, size - 1, true);
    }
    free(copy);
    return 0;
}
