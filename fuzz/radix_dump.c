/* A dump of a positional index, as anyone may hand one in, with its checksum made right so that what lies behind it is reached.
 * What is accepted is a sound index, and has to come out again as it went in. */
#include <stdlib.h>
#include <string.h>

#include <kvcore/hash256.h>
#include <kvradix/index.h>

#include "fuzz.h"

static kvradix_index *make(void) {
    kvradix_config config = KVRADIX_CONFIG_INIT;
    config.capacity = 16;
    kvradix_index *index;
    if (kvradix_index_create(&config, &index, NULL) != KVCORE_OK) abort();
    return index;
}

static void load(uint8_t *bytes, size_t size) {
    kvradix_index *index = make();
    kvcore_error error;
    if (kvradix_index_load(index, bytes, size, &error) == KVCORE_OK) {
        size_t again;
        uint8_t *dumped = malloc(size + 1);
        if (dumped == NULL) abort();
        if (kvradix_index_validate(index, NULL) != KVCORE_OK) abort();
        if (kvradix_index_dump(index, dumped, size, &again) != KVCORE_OK) abort();
        if (again != size || memcmp(dumped, bytes, size) != 0) abort();
        free(dumped);
    } else if (kvradix_index_count(index).holders != 0) {
        abort();
    }
    kvradix_index_destroy(index);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    uint8_t *bytes = malloc(size + 1);
    if (bytes == NULL) return 0;
    if (size > 0) memcpy(bytes, data, size);
    load(bytes, size);
    if (size > sizeof(kvcore_hash256)) {
        size_t content = size - sizeof(kvcore_hash256);
        kvcore_hash256 checksum = kvcore_blake3((kvcore_bytes){bytes, content});
        memcpy(bytes + content, checksum.bytes, sizeof checksum.bytes);
        load(bytes, size);
    }
    free(bytes);
    return 0;
}
