/* The residency index and its guardrail, keys, and what the metadata index scores. */
#include "wombat.h"

#include <math.h>
#include <string.h>

#include <kvradix/guardrail.h>
#include <kvradix/key.h>
#include <kvradix/metadata.h>
#include <kvradix/residency.h>

static const uint8_t *bytes_field(kvtest_vector *v, const char *key, size_t size_bytes) {
    kvcore_bytes bytes = kvtest_hex(v, v->line, key);
    if (bytes.size_bytes == size_bytes) return bytes.data;
    kvtest_differ(v, "\"%s\" has %zu bytes", key, bytes.size_bytes);
    return kvtest_line_alloc(v, size_bytes);
}

/* ---- keys ---- */

static void expect_key(kvtest_vector *v, const kvcore_hash256 *key, json_object *expected) {
    kvtest_expect_bytes(v, "key", key->bytes, sizeof key->bytes, kvtest_hex_of(v, expected, "key"));
}

static void check_key_encode(kvtest_vector *v) {
    kvcore_hash256 key =
        kvradix_key_encode(bytes_field(v, "fingerprint16", KVRADIX_FINGERPRINT_BYTES),
                           (uint32_t)kvtest_u64(v, v->line, "block_index"), (uint32_t)kvtest_u64(v, v->line, "depth"));
    expect_key(v, &key, kvtest_field(v, v->line, "key"));
}

static void check_key_encode_chain(kvtest_vector *v) {
    size_t count;
    const uint32_t *depths = kvtest_tokens(v, v->line, "depths", &count);
    json_object *expected = kvtest_array(v, v->line, "keys");
    kvcore_hash256 *keys = kvtest_line_alloc(v, count * sizeof *keys);
    kvradix_key_encode_chain(bytes_field(v, "fingerprint16", KVRADIX_FINGERPRINT_BYTES), depths, count, keys);
    kvtest_expect_u64(v, "keys", count, json_object_array_length(expected));
    for (size_t i = 0; i < count; i++) expect_key(v, &keys[i], json_object_array_get_idx(expected, i));
}

/* ---- the guardrail ---- */

static kvradix_guardrail guardrail_of(kvtest_vector *v) {
    return (kvradix_guardrail){kvtest_u64(v, v->line, "host"), kvtest_u64(v, v->line, "reserved"),
                               kvtest_u64(v, v->line, "overhead"), (uint8_t)kvtest_u64(v, v->line, "pct")};
}

static void check_guardrail(kvtest_vector *v) {
    kvradix_guardrail g = guardrail_of(v);
    kvtest_expect_u64(v, "budget", kvradix_guardrail_budget_bytes(&g), kvtest_u64(v, v->line, "budget"));
    kvtest_expect_u64(v, "entry_bytes", kvradix_guardrail_entry_bytes(&g), kvtest_u64(v, v->line, "entry_bytes"));
    kvtest_expect_u64(v, "estimate_1000", kvradix_guardrail_estimate_bytes(&g, 1000),
                      kvtest_u64(v, v->line, "estimate_1000"));
    kvtest_expect_u64(v, "estimate_huge", kvradix_guardrail_estimate_bytes(&g, UINT64_MAX),
                      kvtest_u64(v, v->line, "estimate_huge"));
    kvtest_expect_u64(v, "max_entries", kvradix_guardrail_max_entries(&g), kvtest_u64(v, v->line, "max_entries"));
}

/* ---- the residency index ---- */

/* Keys of the vectors: one byte, 32 times. */
static kvcore_hash256 key_of(uint64_t byte) {
    kvcore_hash256 key;
    memset(key.bytes, (int)byte, sizeof key.bytes);
    return key;
}

static kvradix_residency *make_index(kvtest_vector *v) {
    kvradix_config config = KVRADIX_CONFIG_INIT;
    kvradix_residency *index = NULL;
    kvtest_expect_status(v, "create", kvradix_residency_create(&config, &index, NULL), KVCORE_OK);
    return index;
}

static void check_upsert_guarded_sequence(kvtest_vector *v) {
    kvradix_guardrail g = guardrail_of(v);
    kvradix_residency *index = make_index(v);
    json_object *steps = kvtest_array(v, v->line, "steps");
    for (size_t i = 0; index != NULL && i < json_object_array_length(steps); i++) {
        json_object *step = json_object_array_get_idx(steps, i);
        bool ok = kvtest_bool(v, step, "ok");
        kvradix_handle handle = {key_of(kvtest_u64(v, step, "key_byte")), {(uint32_t)i, KVRADIX_RAM}};
        kvcore_error error;
        kvtest_expect_status(v, "store", kvradix_residency_store_guarded(index, &g, &handle, &error),
                             ok ? KVCORE_OK : KVRADIX_EBUDGET);
        kvtest_expect_u64(v, "len", kvradix_residency_count(index), kvtest_u64(v, step, "len"));
        if (ok || v->failed) continue;
        kvtest_expect_u64(v, "budget", error.expected, kvtest_u64(v, step, "budget"));
        kvtest_expect_u64(v, "estimated", error.actual, kvtest_u64(v, step, "estimated"));
    }
    kvradix_residency_destroy(index);
}

static uint32_t residency_of(kvtest_vector *v, const char *name) {
    static const char *const names[] = {"Ram", "Nvme", "RemoteOnly"};
    for (uint32_t i = 0; i < 3; i++)
        if (strcmp(name, names[i]) == 0) return i;
    kvtest_differ(v, "a residency \"%s\"", name);
    return KVRADIX_RAM;
}

/* [key byte, block index, residency] */
static kvradix_handle handle_of(kvtest_vector *v, json_object *triple) {
    uint64_t byte = kvtest_u64_of(v, json_object_array_get_idx(triple, 0), "key byte");
    uint64_t block = kvtest_u64_of(v, json_object_array_get_idx(triple, 1), "block index");
    const char *residency = json_object_get_string(json_object_array_get_idx(triple, 2));
    return (kvradix_handle){key_of(byte), {(uint32_t)block, residency_of(v, residency == NULL ? "" : residency)}};
}

static void expect_lookup(kvtest_vector *v, const kvradix_lookup *lookup) {
    json_object *resident = kvtest_array(v, v->line, "resident"), *prefetch = kvtest_array(v, v->line, "prefetch");
    kvtest_expect_u64(v, "matched_depth", lookup->matched, kvtest_u64(v, v->line, "matched_depth"));
    kvtest_expect_u64(v, "resident", lookup->resident_count, json_object_array_length(resident));
    kvtest_expect_u64(v, "prefetch", lookup->prefetch_count, json_object_array_length(prefetch));
    for (size_t i = 0; !v->failed && i < lookup->resident_count; i++) {
        kvradix_handle expected = handle_of(v, json_object_array_get_idx(resident, i));
        kvtest_expect_bytes(v, "resident", &lookup->resident[i], sizeof expected,
                            (kvcore_bytes){&expected, sizeof expected});
    }
    for (size_t i = 0; !v->failed && i < lookup->prefetch_count; i++) {
        kvcore_hash256 expected = key_of(kvtest_u64_of(v, json_object_array_get_idx(prefetch, i), "prefetch"));
        kvtest_expect_bytes(v, "prefetch", lookup->prefetch[i].bytes, sizeof expected,
                            (kvcore_bytes){&expected, sizeof expected});
    }
}

static void check_lookup(kvtest_vector *v) {
    kvradix_residency *index = make_index(v);
    json_object *entries = kvtest_array(v, v->line, "entries");
    for (size_t i = 0; i < json_object_array_length(entries); i++) {
        kvradix_handle handle = handle_of(v, json_object_array_get_idx(entries, i));
        kvtest_expect_status(v, "store", kvradix_residency_store(index, &handle, 1), KVCORE_OK);
    }
    size_t count;
    const uint32_t *bytes = kvtest_tokens(v, v->line, "chain", &count);
    kvcore_hash256 *chain = kvtest_line_alloc(v, count * sizeof *chain);
    for (size_t i = 0; i < count; i++) chain[i] = key_of(bytes[i]);
    kvradix_lookup lookup = KVRADIX_LOOKUP_INIT;
    kvtest_expect_status(v, "reserve", kvradix_lookup_reserve(&lookup, NULL, count), KVCORE_OK);
    kvtest_expect_status(v, "match", kvradix_residency_match(index, chain, count, &lookup), KVCORE_OK);
    expect_lookup(v, &lookup);
    kvradix_lookup_free(&lookup, NULL);
    kvradix_residency_destroy(index);
}

static void check_sizes(kvtest_vector *v) {
    kvtest_expect_u64(v, "entry", sizeof(kvradix_entry), kvtest_u64(v, v->line, "entry"));
    kvtest_expect_u64(v, "block_handle", sizeof(kvradix_handle), kvtest_u64(v, v->line, "block_handle"));
    kvtest_expect_u64(v, "block_meta", sizeof(kvcore_block_meta), kvtest_u64(v, v->line, "block_meta"));
}

/* ---- what the metadata index scores ---- */

static void check_prefetch_score(kvtest_vector *v) {
    kvcore_block_meta meta = {.last_access_ns = kvtest_u64(v, v->line, "last_access_ns"),
                              .block_seq = (uint32_t)kvtest_u64(v, v->line, "block_seq")};
    kvcore_model_digest active;
    memcpy(meta.model_digest.bytes, bytes_field(v, "digest", sizeof active.bytes), sizeof active.bytes);
    memcpy(active.bytes, bytes_field(v, "active", sizeof active.bytes), sizeof active.bytes);
    double score = kvradix_prefetch_score(&meta, kvtest_u64(v, v->line, "now_ns"), &active);
    double expected = json_object_get_double(kvtest_field(v, v->line, "score"));
    if (!(fabs(score - expected) <= 1e-12 * fabs(expected)))
        kvtest_differ(v, "score: got %.17g, expected %.17g", score, expected);
}

static void check_evict_target(kvtest_vector *v) {
    kvtest_expect_u64(v, "target", kvradix_eviction_target_bytes(kvtest_u64(v, v->line, "budget")),
                      kvtest_u64(v, v->line, "target"));
}

const wombat_op wombat_radix_ops[] = {
    {"evict_target", check_evict_target},
    {"guardrail", check_guardrail},
    {"key_encode", check_key_encode},
    {"key_encode_chain", check_key_encode_chain},
    {"lookup", check_lookup},
    {"prefetch_score", check_prefetch_score},
    {"sizes", check_sizes},
    {"upsert_guarded_sequence", check_upsert_guarded_sequence},
    {NULL, NULL},
};
