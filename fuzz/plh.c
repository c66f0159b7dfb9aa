/* A name from bytes that anyone may send: the wire form (first 16 bytes) and the display form (all of them). What is
 * accepted has to come out again as it went in. */
#include <stdlib.h>
#include <string.h>

#include <kvhash/plh.h>

#include "fuzz.h"

static void wire_form(const uint8_t *data) {
    kvhash_plh name;
    uint8_t bytes[KVHASH_PLH_BYTES];
    if (kvhash_plh_decode(data, &name) != KVCORE_OK) return;
    kvhash_plh_encode(name, bytes);
    if (memcmp(bytes, data, sizeof bytes) != 0) abort();
    char text[KVHASH_PLH_TEXT_BYTES];
    if (kvhash_plh_format(name, text) >= sizeof text) abort();
}

static void display_form(const uint8_t *data, size_t size) {
    kvhash_plh name;
    char text[KVHASH_PLH_TEXT_BYTES];
    if (kvhash_plh_parse((const char *)data, size, &name) != KVCORE_OK) return;
    if (!kvhash_plh_valid(name)) abort();
    if (kvhash_plh_format(name, text) != size || memcmp(text, data, size) != 0) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size >= KVHASH_PLH_BYTES) wire_form(data);
    display_form(data, size);
    return 0;
}
