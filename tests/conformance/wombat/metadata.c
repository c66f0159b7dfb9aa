/* Manifests, deltas and their replay. */
#include "wombat.h"

#include <stdio.h>
#include <string.h>

#include <kvwombat/manifest.h>

static void expect_text(kvtest_vector *v, const char *what, kvcore_bytes actual, json_object *object, const char *key) {
    kvtest_expect_bytes(v, what, actual.data, actual.size_bytes, kvtest_text(v, object, key));
}

/* Does the document have an integer that jansson cannot hold? Then "not JSON" is the documented answer. */
static bool beyond_the_library(kvcore_bytes json) {
    const char *text = json.data;
    for (size_t i = 0, digits = 0; i < json.size_bytes; i++) {
        digits = text[i] >= '0' && text[i] <= '9' ? digits + 1 : 0;
        if (digits == 20 || (digits == 19 && memcmp(text + i - 18, "9223372036854775808", 19) >= 0)) return true;
    }
    return false;
}

/* True when the document is to be compared further. */
static bool expect_answer(kvtest_vector *v, const char *parser, kvcore_status status, const kvcore_error *error,
                          json_object *expect) {
    kvcore_status expected = wombat_expected(v, expect);
    if (status == KVFORMAT_EJSON && beyond_the_library(kvtest_text(v, v->line, "json"))) return false;
    kvtest_expect_status(v, parser, status, expected);
    if (status != expected || status == KVCORE_OK) return status == expected;
    if (kvtest_has(expect, "field")) {
        const char *field = kvtest_string(v, expect, "field");
        size_t length = strlen(field);
        kvtest_expect_true(v, "the name of the field in the error's text",
                           strncmp(error->text, field, length) == 0 && error->text[length] == ' ');
    }
    if (kvtest_has(expect, "found")) kvtest_expect_u64(v, "found", error->actual, kvtest_u64(v, expect, "found"));
    if (kvtest_has(expect, "expected"))
        kvtest_expect_u64(v, "expected", error->expected, kvtest_u64(v, expect, "expected"));
    return false;
}

static const struct {
    const char *name;
    kvwombat_parser parser;
} parsers[] = {{"strict_v1", KVWOMBAT_PARSER_STRICT}, {"dispatch", KVWOMBAT_PARSER_DISPATCH}};

static void check_manifest(kvtest_vector *v) {
    for (size_t i = 0; i < 2; i++) {
        const kvwombat_manifest *manifest = NULL;
        kvcore_error error = {0};
        kvcore_status status =
            kvwombat_manifest_parse(kvtest_text(v, v->line, "json"), parsers[i].parser, NULL, &manifest, &error);
        json_object *expect = kvtest_field(v, v->line, parsers[i].name), *ok;
        if (expect_answer(v, parsers[i].name, status, &error, expect)) {
            ok = kvtest_field(v, expect, "ok");
            json_object *entries = kvtest_array(v, ok, "entries");
            kvtest_expect_u64(v, "schema_version", manifest->schema_version, kvtest_u64(v, ok, "schema_version"));
            kvtest_expect_u64(v, "epoch_ms", manifest->epoch_ms, kvtest_u64(v, ok, "epoch_ms"));
            kvtest_expect_u64(v, "checksum32", manifest->checksum32, kvtest_u64(v, ok, "checksum32"));
            kvtest_expect_u64(v, "entries", manifest->entry_count, json_object_array_length(entries));
            for (size_t k = 0; k < manifest->entry_count && !v->failed; k++) {
                json_object *row = json_object_array_get_idx(entries, k);
                expect_text(v, "object_id", manifest->entries[k].object_id, row, "object_id");
                expect_text(v, "start", manifest->entries[k].key_range_start, row, "key_range_start");
                expect_text(v, "end", manifest->entries[k].key_range_end, row, "key_range_end");
            }
        }
        kvwombat_manifest_destroy(manifest);
    }
}

static void expect_delta(kvtest_vector *v, const kvwombat_delta *delta, json_object *row) {
    kvtest_expect_u64(v, "schema_version", delta->schema_version, kvtest_u64(v, row, "schema_version"));
    kvtest_expect_u64(v, "epoch_ms", delta->epoch_ms, kvtest_u64(v, row, "epoch_ms"));
    kvtest_expect_u64(v, "seq", delta->seq, kvtest_u64(v, row, "seq"));
    expect_text(v, "tenant_id", delta->tenant_id, row, "tenant_id");
    expect_text(v, "fingerprint", delta->fingerprint, row, "fingerprint");
    expect_text(v, "prefix_hash", delta->prefix_hash, row, "prefix_hash");
    expect_text(v, "payload_digest", delta->payload_digest, row, "payload_digest");
    expect_text(v, "write_id", delta->write_id, row, "write_id");
}

static void check_delta(kvtest_vector *v) {
    for (size_t i = 0; i < 2; i++) {
        const kvwombat_delta *delta = NULL;
        kvcore_error error = {0};
        kvcore_status status =
            kvwombat_delta_parse(kvtest_text(v, v->line, "json"), parsers[i].parser, NULL, &delta, &error);
        json_object *expect = kvtest_field(v, v->line, parsers[i].name);
        if (expect_answer(v, parsers[i].name, status, &error, expect))
            expect_delta(v, delta, kvtest_field(v, expect, "ok"));
        kvwombat_delta_destroy(delta);
    }
}

static kvwombat_delta read_fact(kvtest_vector *v, json_object *row) {
    return (kvwombat_delta){.epoch_ms = kvtest_u64(v, row, "epoch_ms"),
                            .seq = kvtest_u64(v, row, "seq"),
                            .tenant_id = kvtest_text(v, row, "tenant_id"),
                            .fingerprint = kvtest_text(v, row, "fingerprint"),
                            .prefix_hash = kvtest_text(v, row, "prefix_hash"),
                            .payload_digest = kvtest_text(v, row, "payload_digest"),
                            .write_id = kvtest_text(v, row, "write_id"),
                            .schema_version = (uint16_t)kvtest_u64(v, row, "schema_version")};
}

static void expect_conflict(kvtest_vector *v, const kvwombat_delta *winner, const kvwombat_delta *loser,
                            json_object *row) {
    expect_text(v, "tenant_id", loser->tenant_id, row, "tenant_id");
    expect_text(v, "fingerprint", loser->fingerprint, row, "fingerprint");
    expect_text(v, "prefix_hash", loser->prefix_hash, row, "prefix_hash");
    const struct {
        const char *side;
        const kvwombat_delta *fact;
    } sides[] = {{"winner", winner}, {"loser", loser}};
    for (size_t i = 0; i < 2; i++) {
        char field[64];
        snprintf(field, sizeof field, "%s_payload_digest", sides[i].side);
        expect_text(v, field, sides[i].fact->payload_digest, row, field);
        snprintf(field, sizeof field, "%s_write_id", sides[i].side);
        expect_text(v, field, sides[i].fact->write_id, row, field);
        snprintf(field, sizeof field, "%s_epoch_ms", sides[i].side);
        kvtest_expect_u64(v, field, sides[i].fact->epoch_ms, kvtest_u64(v, row, field));
        snprintf(field, sizeof field, "%s_seq", sides[i].side);
        kvtest_expect_u64(v, field, sides[i].fact->seq, kvtest_u64(v, row, field));
    }
}

static void check_replay(kvtest_vector *v) {
    json_object *rows = kvtest_array(v, v->line, "facts"), *expected = kvtest_array(v, v->line, "winners");
    size_t count = json_object_array_length(rows);
    kvwombat_delta *facts = kvtest_line_alloc(v, count * sizeof *facts);
    size_t *winners = kvtest_line_alloc(v, count * sizeof *winners);
    kvwombat_conflict *conflicts = kvtest_line_alloc(v, count * sizeof *conflicts);
    for (size_t i = 0; i < count; i++) facts[i] = read_fact(v, json_object_array_get_idx(rows, i));
    kvwombat_replay_stats stats;
    kvwombat_delta_replay(facts, count, winners, conflicts, &stats);
    json_object *wanted = kvtest_field(v, v->line, "stats"), *pairs = kvtest_array(v, wanted, "conflict_rows");
    kvtest_expect_u64(v, "winners", stats.winner_count, kvtest_u64(v, wanted, "winners"));
    kvtest_expect_u64(v, "idempotent", stats.duplicates_idempotent, kvtest_u64(v, wanted, "duplicates_idempotent"));
    kvtest_expect_u64(v, "conflict", stats.duplicates_conflict, kvtest_u64(v, wanted, "duplicates_conflict"));
    kvtest_expect_u64(v, "winner rows", stats.winner_count, json_object_array_length(expected));
    kvtest_expect_u64(v, "conflict rows", stats.duplicates_conflict, json_object_array_length(pairs));
    for (size_t i = 0; i < stats.winner_count && !v->failed; i++)
        expect_delta(v, &facts[winners[i]], json_object_array_get_idx(expected, i));
    for (size_t i = 0; i < stats.duplicates_conflict && !v->failed; i++)
        expect_conflict(v, &facts[conflicts[i].winner], &facts[conflicts[i].loser],
                        json_object_array_get_idx(pairs, i));
}

const wombat_op wombat_metadata_ops[] = {
    {"parse_manifest", check_manifest}, {"parse_delta", check_delta}, {"replay", check_replay}, {NULL, NULL}};
