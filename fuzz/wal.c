/* Log objects and log keys: whatever decodes lies in the input, and a record encodes to itself again. */
#include <stdlib.h>
#include <string.h>

#include <kvwombat/object_key.h>
#include <kvwombat/wal.h>

#include "fuzz.h"

static void check_record(const kvwombat_wal_record *record, const uint8_t *data, size_t size) {
    const uint8_t *key = record->key.data;
    size_t body = record->key.size_bytes + record->meta.size_bytes + record->payload.size_bytes, written = 0;
    if (key < data || body > size || key - data > (ptrdiff_t)(size - body)) abort();
    size_t whole = body + KVWOMBAT_WAL_RECORD_HEADER_BYTES;
    uint8_t *bytes = malloc(whole);
    if (bytes == NULL) return;
    if (kvwombat_wal_record_encode(record, bytes, whole, &written) != KVCORE_OK || written != whole) abort();
    if (memcmp(bytes, key - KVWOMBAT_WAL_RECORD_HEADER_BYTES, whole) != 0) abort();
    free(bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    kvwombat_wal_reader reader;
    kvwombat_wal_record record;
    kvcore_error error;
    bool more = true;
    kvcore_status status = kvwombat_wal_open((kvcore_bytes){data, size}, &reader, &error);
    while (status == KVCORE_OK && more) {
        status = kvwombat_wal_next(&reader, &record, &more, &error);
        if (status == KVCORE_OK && more) check_record(&record, data, size);
    }
    kvwombat_wal_object object;
    size_t front = size / 2 < 3 ? size / 2 : 3, length;
    kvcore_bytes name_space = {data, front};
    char text[512];
    if (kvwombat_wal_key_parse(name_space, (kvcore_bytes){data, size}, &object) && !object.legacy && size < 400) {
        kvwombat_wal_object again;
        if (kvwombat_wal_key(name_space, &object, text, sizeof text, &length) != KVCORE_OK) abort();
        if (!kvwombat_wal_key_parse(name_space, (kvcore_bytes){text, length}, &again)) abort();
        if (again.start_seq != object.start_seq || again.end_seq != object.end_seq) abort();
    }
    return 0;
}
