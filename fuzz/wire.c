/* Values on the wire, from bytes that anyone may send. What is read comes back from what is written of it. */
#include <stdlib.h>
#include <string.h>

#include <kvhash/wire.h>

#include "fuzz.h"

static void expect(bool holds) {
    if (!holds) abort();
}

static const kvhash_wire_format formats[] = {KVHASH_WIRE_JSON, KVHASH_WIRE_MSGPACK, KVHASH_WIRE_MSGPACK_NAMED};

static void try_plh(kvhash_wire_format format, kvcore_bytes from) {
    kvhash_plh name, back;
    kvcore_error error;
    kvcore_status status = kvhash_wire_read_plh(format, from, &name, &error);
    if (status != KVCORE_OK) {
        expect(error.code == status && error.offset <= from.size_bytes && error.text[0] != '\0');
        return;
    }
    expect(kvhash_plh_valid(name));
    for (size_t i = 0; i < 3; i++) {
        uint8_t bytes[KVHASH_WIRE_MAX_BYTES];
        size_t size;
        expect(kvhash_wire_write_plh(formats[i], name, bytes, sizeof bytes, &size) == KVCORE_OK);
        expect(kvhash_wire_read_plh(formats[i], (kvcore_bytes){bytes, size}, &back, NULL) == KVCORE_OK);
        expect(kvhash_plh_equal(name, back));
    }
}

static void try_psh(kvhash_wire_format format, kvcore_bytes from) {
    kvhash_psh psh;
    char text[KVHASH_PSH_TEXT_BYTES];
    if (kvhash_wire_read_psh(format, from, &psh, NULL) != KVCORE_OK) return;
    expect(kvhash_psh_format(psh, text) < sizeof text);
}

static void try_block(kvhash_wire_format format, kvcore_bytes from) {
    kvhash_block block, back;
    if (kvhash_wire_read_block(format, from, &block, NULL) != KVCORE_OK) return;
    for (size_t i = 0; i < 3; i++) {
        uint8_t bytes[KVHASH_WIRE_MAX_BYTES];
        size_t size;
        expect(kvhash_wire_write_block(formats[i], &block, bytes, sizeof bytes, &size) == KVCORE_OK);
        expect(kvhash_wire_read_block(formats[i], (kvcore_bytes){bytes, size}, &back, NULL) == KVCORE_OK);
        expect(memcmp(&block, &back, sizeof block) == 0);
    }
}

static void try_run(kvhash_wire_format format, kvcore_bytes from) {
    kvhash_mm_run run, back;
    if (kvhash_wire_read_run(format, from, &run, NULL) != KVCORE_OK) return;
    for (size_t i = 0; i < 3; i++) {
        uint8_t bytes[KVHASH_WIRE_MAX_BYTES];
        size_t size;
        expect(kvhash_wire_write_run(formats[i], run, bytes, sizeof bytes, &size) == KVCORE_OK);
        expect(kvhash_wire_read_run(formats[i], (kvcore_bytes){bytes, size}, &back, NULL) == KVCORE_OK);
        expect(memcmp(&run, &back, sizeof run) == 0);
    }
}

static void try_names(kvhash_wire_format format, kvcore_bytes from) {
    kvhash_plh names[64];
    size_t count = 0, size;
    kvcore_status status = kvhash_wire_read_names(format, from, names, 64, &count, NULL);
    if (status == KVCORE_EBUFFER) expect(count > 64);
    if (status != KVCORE_OK) return;
    uint8_t bytes[64 * 70];
    expect(kvhash_wire_write_names(format, names, count, bytes, sizeof bytes, &size) == KVCORE_OK);
    expect(kvhash_wire_read_names(format, (kvcore_bytes){bytes, size}, names, 64, &count, NULL) == KVCORE_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    kvcore_bytes from = {data, size};
    for (size_t i = 0; i < 2; i++) {
        try_plh(formats[i], from);
        try_psh(formats[i], from);
        try_block(formats[i], from);
        try_run(formats[i], from);
        try_names(formats[i], from);
    }
    return 0;
}
