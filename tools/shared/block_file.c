#include "shared/block_file.h"

#include <string.h>

#include <kvcore/text.h>

void file_name_of(kvhash_plh name, char text[FILE_NAME_BYTES]) {
    uint8_t bytes[KVHASH_PLH_BYTES];
    kvhash_plh_encode(name, bytes);
    kvcore_hex_encode(bytes, sizeof bytes, text);
    memcpy(text + NAME_DIGITS, ".kv", sizeof ".kv");
}

bool name_of_file(const char *text, kvhash_plh *name) {
    uint8_t bytes[KVHASH_PLH_BYTES];
    return strlen(text) == FILE_NAME_BYTES - 1 && strcmp(text + NAME_DIGITS, ".kv") == 0 &&
           kvcore_hex_decode(text, NAME_DIGITS, bytes) == KVCORE_OK && kvhash_plh_decode(bytes, name) == KVCORE_OK;
}
