/* Chains, names of log objects, order of facts. */
#include "wombat.h"

#include <stdio.h>
#include <string.h>

#include <kvcore/text.h>
#include <kvwombat/block_key.h>
#include <kvwombat/fact.h>
#include <kvwombat/object_key.h>
#include <kvwombat/prefix.h>

static kvcore_hash256 hash_field(kvtest_vector *v, json_object *object, const char *key) {
    kvcore_hash256 hash = {{0}};
    kvcore_bytes bytes = kvtest_hex(v, object, key);
    if (bytes.size_bytes == sizeof hash.bytes)
        memcpy(hash.bytes, bytes.data, sizeof hash.bytes);
    else
        kvtest_differ(v, "\"%s\" has %zu bytes", key, bytes.size_bytes);
    return hash;
}

static void expect_hash(kvtest_vector *v, const char *what, const kvcore_hash256 *hash, kvcore_bytes expected) {
    kvtest_expect_bytes(v, what, hash->bytes, sizeof hash->bytes, expected);
}

static void check_seed_of(kvtest_vector *v, json_object *object) {
    kvwombat_fingerprint fingerprint = hash_field(v, object, "fingerprint");
    kvcore_hash256 seed = kvwombat_prefix_seed(kvtest_text(v, object, "tenant"), &fingerprint);
    expect_hash(v, "seed", &seed, kvtest_hex(v, object, "seed"));
}

static void check_chain_seed(kvtest_vector *v) {
    json_object *cases = kvtest_array(v, v->line, "cases");
    for (size_t i = 0; i < json_object_array_length(cases); i++) check_seed_of(v, json_object_array_get_idx(cases, i));
}

static void check_prefix_hashes(kvtest_vector *v) {
    check_seed_of(v, v->line);
    json_object *lists = kvtest_array(v, v->line, "token_blocks"), *expected = kvtest_array(v, v->line, "hashes");
    size_t count = json_object_array_length(lists);
    kvwombat_token_span *blocks = kvtest_line_alloc(v, count * sizeof *blocks);
    kvcore_hash256 *hashes = kvtest_line_alloc(v, count * sizeof *hashes);
    for (size_t i = 0; i < count; i++)
        blocks[i].tokens =
            kvtest_tokens_of(v, json_object_array_get_idx(lists, i), "token_blocks", &blocks[i].token_count);
    kvwombat_fingerprint fingerprint = hash_field(v, v->line, "fingerprint");
    kvwombat_prefix_hashes(kvtest_text(v, v->line, "tenant"), &fingerprint, blocks, count, hashes);
    kvtest_expect_u64(v, "hashes", count, json_object_array_length(expected));
    for (size_t i = 0; i < count; i++)
        expect_hash(v, "hash", &hashes[i], kvtest_hex_of(v, json_object_array_get_idx(expected, i), "hashes"));
}

/* "t[i] = (31*i + 0) mod 50000, i in 0..520, int32 little-endian" */
static uint32_t *tokens_by_rule(kvtest_vector *v, size_t count) {
    unsigned factor = 0, offset = 0, modulus = 0, last = 0;
    const char *rule = kvtest_string(v, v->line, "tokens_rule");
    if (sscanf(rule, "t[i] = (%u*i + %u) mod %u, i in 0..%u", &factor, &offset, &modulus, &last) != 4 || modulus == 0 ||
        last != count) {
        kvtest_differ(v, "a rule \"%s\"", rule);
        modulus = 1;
    }
    uint32_t *tokens = kvtest_line_alloc(v, count * sizeof *tokens);
    for (size_t i = 0; i < count; i++) tokens[i] = (uint32_t)((factor * (uint64_t)i + offset) % modulus);
    return tokens;
}

static void check_engine_chain(kvtest_vector *v) {
    char text[KVWOMBAT_ENGINE_SEED_TEXT_BYTES] = {0};
    size_t length = 0, count = 0, token_count = (size_t)kvtest_u64(v, v->line, "n_tokens");
    kvtest_expect_status(v, "seed text",
                         kvwombat_engine_seed_text(kvtest_text(v, v->line, "fingerprint24"),
                                                   (int32_t)kvtest_u64(v, v->line, "quant_bits"), text, &length),
                         KVCORE_OK);
    kvtest_expect_text(v, "seed text", text, kvtest_string(v, v->line, "seed_ascii"));
    kvcore_hash256 seed = kvwombat_engine_seed((kvcore_bytes){text, length}), *hashes;
    expect_hash(v, "seed", &seed, kvtest_hex(v, v->line, "seed_hex"));
    json_object *chain = kvtest_array(v, v->line, "chain"), *keys = kvtest_array(v, v->line, "object_keys");
    hashes = kvtest_line_alloc(v, KVWOMBAT_ENGINE_MAX_BLOCKS * sizeof *hashes);
    kvwombat_token_span tokens = {tokens_by_rule(v, token_count), token_count};
    kvtest_expect_status(v, "chain",
                         kvwombat_engine_chain(&seed, tokens, (size_t)kvtest_u64(v, v->line, "block_tokens"), hashes,
                                               KVWOMBAT_ENGINE_MAX_BLOCKS, &count),
                         KVCORE_OK);
    kvtest_expect_u64(v, "blocks", count, json_object_array_length(chain));
    for (size_t i = 0; i < count; i++) {
        char key[KVWOMBAT_BLOCK_OBJECT_KEY_BYTES];
        expect_hash(v, "hash", &hashes[i], kvtest_hex_of(v, json_object_array_get_idx(chain, i), "chain"));
        kvwombat_block_object_key(&hashes[i], key);
        kvtest_expect_text(v, "object key", key, json_object_get_string(json_object_array_get_idx(keys, i)));
    }
    if (count == 0 || kvtest_is_null(v->line, "sidecar_key")) return;
    char sidecar[KVWOMBAT_SIDECAR_OBJECT_KEY_BYTES];
    kvwombat_sidecar_object_key(&hashes[count - 1], sidecar);
    kvtest_expect_text(v, "sidecar key", sidecar, kvtest_string(v, v->line, "sidecar_key"));
}

static void expect_key(kvtest_vector *v, kvcore_status status, const char *actual, const char *field) {
    kvtest_expect_status(v, field, status, KVCORE_OK);
    kvtest_expect_text(v, field, actual, kvtest_string(v, v->line, field));
}

static void check_chunk_key(kvtest_vector *v) {
    char key[1024] = "", name_space[512];
    size_t length;
    uint64_t seq = kvtest_u64(v, v->line, "seq"), epoch = kvtest_u64(v, v->line, "epoch_ms");
    kvwombat_wal_chunk chunk = {kvtest_text(v, v->line, "tenant"), kvtest_text(v, v->line, "fingerprint"),
                                kvtest_text(v, v->line, "node"), epoch, seq};
    expect_key(v, kvwombat_wal_chunk_key(&chunk, key, sizeof key, &length), key, "key");
    snprintf(name_space, sizeof name_space, "wal/%s/%s", kvtest_string(v, v->line, "tenant"),
             kvtest_string(v, v->line, "fingerprint"));
    kvwombat_wal_object object = {.node = chunk.node, .epoch_ms = epoch, .start_seq = seq, .end_seq = seq};
    expect_key(v, kvwombat_wal_key(kvcore_text(name_space), &object, key, sizeof key, &length), key, "store_key");
    object.batch = true;
    object.end_seq = seq > UINT64_MAX - 3 ? UINT64_MAX : seq + 3; /* how the vectors were made */
    expect_key(v, kvwombat_wal_key(kvcore_text(name_space), &object, key, sizeof key, &length), key, "store_batch_key");
}

static void check_node_id(kvtest_vector *v) {
    char text[1024] = "";
    size_t length;
    expect_key(v, kvwombat_wal_node_id(kvtest_text(v, v->line, "in"), text, sizeof text, &length), text, "out");
}

static void check_parse_key(kvtest_vector *v) {
    kvwombat_wal_object object = {0};
    bool known = kvwombat_wal_key_parse(kvtest_text(v, v->line, "namespace"), kvtest_text(v, v->line, "key"), &object);
    json_object *parsed = kvtest_field(v, v->line, "parsed");
    kvtest_expect_u64(v, "parsed", known, parsed != NULL);
    if (!known || parsed == NULL) return;
    kvtest_expect_u64(v, "start_seq", object.start_seq, kvtest_u64(v, parsed, "start_seq"));
    kvtest_expect_u64(v, "end_seq", object.end_seq, kvtest_u64(v, parsed, "end_seq"));
    kvtest_expect_text(v, "kind", object.batch ? "batch" : "single", kvtest_string(v, parsed, "kind"));
    kvtest_expect_text(v, "layout", object.legacy ? "legacy" : "canonical", kvtest_string(v, parsed, "layout"));
    kvtest_expect_bytes(v, "node", object.node.data, object.node.size_bytes, kvtest_text(v, parsed, "node"));
}

static void check_sort_keys(kvtest_vector *v) {
    json_object *given = kvtest_array(v, v->line, "keys"), *sorted = kvtest_array(v, v->line, "sorted");
    size_t count = json_object_array_length(given);
    kvcore_bytes *keys = kvtest_line_alloc(v, count * sizeof *keys);
    for (size_t i = 0; i < count; i++)
        keys[i] = kvcore_text(json_object_get_string(json_object_array_get_idx(given, i)));
    kvwombat_wal_keys_sort(kvtest_text(v, v->line, "namespace"), keys, count);
    kvtest_expect_u64(v, "keys", count, json_object_array_length(sorted));
    for (size_t i = 0; i < count; i++)
        kvtest_expect_text(v, "key", keys[i].data, json_object_get_string(json_object_array_get_idx(sorted, i)));
}

static void check_pick_winner(kvtest_vector *v) {
    json_object *rows = kvtest_array(v, v->line, "facts");
    size_t count = json_object_array_length(rows);
    kvwombat_fact *facts = kvtest_line_alloc(v, count * sizeof *facts);
    for (size_t i = 0; i < count; i++) {
        json_object *row = json_object_array_get_idx(rows, i);
        facts[i].epoch_ms = kvtest_u64_of(v, json_object_array_get_idx(row, 0), "epoch");
        kvcore_bytes id = kvtest_hex_of(v, json_object_array_get_idx(row, 1), "write id");
        if (id.size_bytes == sizeof facts[i].write_id)
            memcpy(facts[i].write_id, id.data, id.size_bytes);
        else
            kvtest_differ(v, "a write id of %zu bytes", id.size_bytes);
    }
    kvtest_expect_u64(v, "winner", kvwombat_fact_winner(facts, count),
                      kvtest_u64_or(v, v->line, "winner_index", count));
}

static void check_resident_prefix(kvtest_vector *v) {
    json_object *list = kvtest_array(v, v->line, "residency");
    size_t count = json_object_array_length(list);
    bool *resident = kvtest_line_alloc(v, count);
    for (size_t i = 0; i < count; i++) resident[i] = json_object_get_boolean(json_object_array_get_idx(list, i));
    kvtest_expect_u64(v, "count", kvwombat_resident_prefix(resident, count), kvtest_u64(v, v->line, "count"));
}

const wombat_op wombat_core_ops[] = {{"chained_prefix_hashes", check_prefix_hashes},
                                     {"chain_seed", check_chain_seed},
                                     {"engine_block_chain", check_engine_chain},
                                     {"core_wal_chunk_key", check_chunk_key},
                                     {"sanitize_node_id", check_node_id},
                                     {"parse_wal_key", check_parse_key},
                                     {"sort_wal_keys", check_sort_keys},
                                     {"pick_winner", check_pick_winner},
                                     {"contiguous_resident_prefix", check_resident_prefix},
                                     {NULL, NULL}};
