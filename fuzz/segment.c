/* Segments: entries lie in the index, payloads in the file, and what passes the closer look encodes to itself again. */
#include <stdlib.h>
#include <string.h>

#include <kvwombat/segment.h>

#include "fuzz.h"

enum { MOST = 64 };

static void encode_again(kvcore_bytes file, const kvwombat_segment_block *blocks, size_t count) {
    size_t size = 0;
    uint8_t *bytes = malloc(file.size_bytes);
    if (bytes == NULL) return;
    if (kvwombat_segment_encode(blocks, count, bytes, file.size_bytes, &size) != KVCORE_OK || size != file.size_bytes)
        abort();
    if (memcmp(bytes, file.data, size) != 0) abort();
    free(bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    kvcore_bytes file = {data, size}, index;
    kvcore_error error;
    kvwombat_segment_block blocks[MOST];
    kvwombat_segment_footer footer;
    size_t count = 0, offset = 0;
    bool sound = kvwombat_segment_check(file, &error) == KVCORE_OK, more = true;
    kvcore_bytes half = {data, size / 2}, rest = {data + size / 2, size - size / 2};
    if (kvwombat_segment_footer_decode(half, rest, &footer, &error) == KVCORE_OK &&
        footer.index_bytes != rest.size_bytes)
        abort();
    if (kvwombat_segment_index(file, &index, &error) != KVCORE_OK) return 0;
    for (;;) {
        kvwombat_segment_entry entry;
        kvcore_bytes payload = {NULL, 0};
        if (kvwombat_segment_next(index, &offset, &entry, &more, &error) != KVCORE_OK || !more) break;
        bool there = kvwombat_segment_payload(file, &entry, &payload, &error) == KVCORE_OK;
        if (sound && !there) abort();
        if (count < MOST) blocks[count] = (kvwombat_segment_block){entry.key, payload};
        count++;
    }
    if (sound && count <= MOST) encode_again(file, blocks, count);
    return 0;
}
