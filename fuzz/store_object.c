/* Stored blocks: a trailer that is accepted comes out again as it went in, and a whole block's payload lies in the input. */
#include <stdlib.h>
#include <string.h>

#include <kvformat/checksum.h>
#include <kvstore/object.h>

#include "fuzz.h"

static void read_trailer(const uint8_t *data) {
    kvstore_object object;
    kvcore_error error;
    uint8_t bytes[KVSTORE_TRAILER_BYTES];
    if (kvstore_trailer_decode(data, &object, &error) != KVCORE_OK) return;
    kvstore_trailer_encode(&object, bytes);
    if (memcmp(bytes, data, sizeof bytes) != 0) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    kvstore_object object;
    kvcore_bytes payload;
    kvcore_error error;
    if (kvstore_object_check((kvcore_bytes){data, size}, &object, &payload, &error) == KVCORE_OK)
        if (payload.size_bytes + KVSTORE_TRAILER_BYTES != size || payload.data != data) abort();
    if (size < KVSTORE_TRAILER_BYTES) return 0;
    read_trailer(data);
    uint8_t sealed[KVSTORE_TRAILER_BYTES]; /* the checksums are no obstacle */
    memcpy(sealed, data, sizeof sealed);
    memcpy(sealed, "KVSO\1\0\0\0", 8);
    kvcore_store_le32(sealed + 124, kvformat_crc32c(0, (kvcore_bytes){sealed, 124}));
    read_trailer(sealed);
    return 0;
}
