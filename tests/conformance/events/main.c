#include "driver.h"

#include <stdlib.h>

kvcore_status read_payload(kvtest_vector *v, kvcore_bytes payload, kvevents_batch *batch, kvcore_error *error) {
    size_t capacity = 64;
    for (;;) {
        kvevents_arena arena = {kvtest_line_alloc(v, capacity), capacity, 0};
        kvcore_status status = kvevents_batch_read(payload, NULL, &arena, batch, error);
        if (status != KVCORE_EBUFFER) return status;
        if (error->expected <= capacity) kvtest_differ(v, "asked for an arena of %zu again", capacity);
        if (error->expected <= capacity) return status;
        capacity = (size_t)error->expected;
    }
}

/* What was read has to come back from what every dialect writes of it. */
static void check_written(kvtest_vector *v, const kvevents_batch *batch, kvevents_dialect dialect,
                          json_object *expected) {
    size_t size = 0;
    kvcore_status status = kvevents_batch_write(batch, dialect, NULL, 0, &size);
    kvtest_expect_status(v, "size", status, KVCORE_EBUFFER);
    uint8_t *bytes = kvtest_line_alloc(v, size);
    kvtest_expect_status(v, "write", kvevents_batch_write(batch, dialect, bytes, size, &size), KVCORE_OK);
    kvevents_batch back = {0};
    kvcore_error error;
    kvtest_expect_status(v, "read back", read_payload(v, (kvcore_bytes){bytes, size}, &back, &error), KVCORE_OK);
    if (dialect == KVEVENTS_VLLM_MAP && expected != NULL) return;
    kvtest_expect_u64(v, "hashes read back", back.hash_count, batch->hash_count);
    kvtest_expect_u64(v, "tokens read back", back.token_count, batch->token_count);
}

static void check_readable(kvtest_vector *v) {
    kvevents_batch batch = {0};
    kvcore_error error = {0};
    json_object *expected = kvtest_field(v, v->line, "batch");
    kvcore_status status = read_payload(v, kvtest_hex(v, v->line, "payload"), &batch, &error);
    if (status != KVCORE_OK) kvtest_differ(v, "refused: %s", error.text);
    if (status != KVCORE_OK) return;
    expect_batch(v, "batch", &batch, expected);
    for (kvevents_dialect dialect = KVEVENTS_VLLM_MAP; dialect <= KVEVENTS_SGLANG; dialect++)
        check_written(v, &batch, dialect, NULL);
}

static void check_malformed(kvtest_vector *v) {
    static const struct {
        const char *name;
        kvcore_status status;
    } refusals[] = {
        {"truncated", KVCORE_ETRUNCATED}, {"trailing", KVEVENTS_ETRAILING}, {"invalid", KVEVENTS_EINVALID},
        {"depth", KVEVENTS_EDEPTH},       {"batch", KVEVENTS_EBATCH},       {"event", KVEVENTS_EEVENT},
        {"field", KVEVENTS_EFIELD},       {"size", KVEVENTS_ESIZE},
    };
    const char *name = kvtest_string(v, v->line, "error");
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        if (strcmp(name, refusals[i].name) != 0) continue;
        kvevents_batch batch = {0};
        kvcore_error error = {0};
        kvcore_status status = read_payload(v, kvtest_hex(v, v->line, "payload"), &batch, &error);
        kvtest_expect_status(v, "refusal", status, refusals[i].status);
        return;
    }
    kvtest_differ(v, "an error \"%s\"", name);
}

int main(int argc, char **argv) {
    static const kvtest_vector_kind kinds[] = {
        {.name = "messages*.jsonl", .check = check_readable},   {.name = "borderline*.jsonl", .check = check_readable},
        {.name = "malformed*.jsonl", .check = check_malformed}, {.name = "streams*.jsonl", .check = check_stream},
        {.name = "dynamo*.jsonl", .check = check_dynamo},
    };
    return kvtest_run_vectors(argc, argv, kinds, sizeof kinds / sizeof *kinds);
}
