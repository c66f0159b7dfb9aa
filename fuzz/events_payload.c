/* A payload from a socket: as a batch, as RouterEvents, as an envelope. What is read comes back from what is written of it. */
#include <stdlib.h>
#include <string.h>

#include <kvevents/dynamo.h>

#include "fuzz.h"

#define ARENA_BYTES ((size_t)1 << 20)

static void expect(bool holds) {
    if (!holds) abort();
}

static void expect_refusal(const kvcore_error *error, kvcore_status status, size_t size) {
    expect(error->code == status && error->offset <= size && error->text[0] != '\0');
}

static void write_and_read(const kvevents_batch *batch, kvevents_dialect dialect) {
    size_t size = 0, known = 0;
    for (size_t i = 0; i < batch->event_count; i++) known += batch->events[i].kind != KVEVENTS_UNKNOWN;
    expect(kvevents_batch_write(batch, dialect, NULL, 0, &size) == KVCORE_EBUFFER);
    uint8_t *bytes = malloc(size), *memory = malloc(ARENA_BYTES);
    expect(bytes != NULL && memory != NULL);
    expect(kvevents_batch_write(batch, dialect, bytes, size, &size) == KVCORE_OK);
    kvevents_arena arena = {memory, ARENA_BYTES, 0};
    kvevents_batch back;
    kvcore_status status = kvevents_batch_read((kvcore_bytes){bytes, size}, NULL, &arena, &back, NULL);
    expect(status == KVCORE_OK || status == KVCORE_EBUFFER);
    if (status == KVCORE_OK) {
        expect(back.event_count == known && back.hash_count == batch->hash_count);
        expect(back.token_count == batch->token_count);
    }
    free(bytes);
    free(memory);
}

static void try_batch(kvcore_bytes from, uint8_t *memory) {
    kvevents_arena arena = {memory, ARENA_BYTES, 0};
    kvevents_batch batch;
    kvcore_error error;
    kvcore_status status = kvevents_batch_read(from, NULL, &arena, &batch, &error);
    if (status != KVCORE_OK) {
        expect_refusal(&error, status, from.size_bytes);
        return;
    }
    for (size_t i = 0; i < batch.event_count; i++) (void)kvevents_event_salt(&batch.events[i]);
    for (kvevents_dialect dialect = KVEVENTS_VLLM_MAP; dialect <= KVEVENTS_SGLANG; dialect++)
        write_and_read(&batch, dialect);
}

static void try_router(kvcore_bytes from, uint8_t *memory) {
    kvevents_arena arena = {memory, ARENA_BYTES, 0};
    kvevents_router_batch batch;
    kvcore_error error;
    kvcore_status status = kvevents_router_read(from, NULL, &arena, &batch, &error);
    if (status != KVCORE_OK) expect_refusal(&error, status, from.size_bytes);
}

static void try_envelope(kvcore_bytes from) {
    kvevents_envelope envelope;
    kvcore_error error;
    kvcore_status status = kvevents_envelope_read(from, &envelope, &error);
    if (status != KVCORE_OK) expect_refusal(&error, status, from.size_bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static uint8_t *memory; /* one target, one thread */
    if (memory == NULL) memory = malloc(ARENA_BYTES);
    expect(memory != NULL);
    kvcore_bytes from = {data, size};
    try_batch(from, memory);
    try_router(from, memory);
    try_envelope(from);
    return 0;
}
