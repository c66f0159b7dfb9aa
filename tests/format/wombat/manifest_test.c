#include "kvtest.h"

#include <kvcore/bytes.h>
#include <kvwombat/manifest.h>

static const char manifest_text[] = "{\"schema_version\":1,\"epoch_ms\":5,\"checksum32\":6,\"entries\":["
                                    "{\"object_id\":\"o\\u0000p\",\"key_range_start\":\"a\",\"key_range_end\":\"z\"}]}";

static void texts_may_hold_nul_and_outlive_the_input(void **state) {
    (void)state;
    char *copy = strdup(manifest_text);
    const kvwombat_manifest *manifest = NULL;
    kvtest_assert_ok(kvwombat_manifest_parse(kvcore_text(copy), KVWOMBAT_PARSER_DISPATCH, NULL, &manifest, NULL));
    free(copy);
    assert_int_equal(manifest->entry_count, 1);
    assert_int_equal(manifest->entries[0].object_id.size_bytes, 3);
    assert_memory_equal(manifest->entries[0].object_id.data, "o\0p", 3);
    kvwombat_manifest_destroy(manifest);
    kvwombat_manifest_destroy(NULL);
    kvwombat_delta_destroy(NULL);
}

static void a_document_cut_anywhere_is_not_json(void **state) {
    (void)state;
    const kvwombat_manifest *manifest = NULL;
    for (size_t cut = 0; cut < sizeof manifest_text - 1; cut++) {
        char *part = malloc(cut + 1);
        memcpy(part, manifest_text, cut);
        for (int parser = 0; parser < 2; parser++)
            kvtest_assert_status(
                kvwombat_manifest_parse((kvcore_bytes){part, cut}, (kvwombat_parser)parser, NULL, &manifest, NULL),
                KVFORMAT_EJSON);
        free(part);
    }
    assert_null(manifest);
}

static void corners_of_the_json_library_are_as_documented(void **state) {
    (void)state;
    static const struct {
        const char *text;
        kvcore_status dispatch, strict;
    } cases[] = {
        {"{\"schema_version\":9223372036854775808}", KVFORMAT_EJSON, KVFORMAT_EJSON},
        {"{\"schema_version\":1,\"x\":1,\"x\":1}", KVFORMAT_EJSON, KVFORMAT_EJSON},
        {"{\"schema_version\":2,\"x\":1,\"x\":1}", KVFORMAT_ESCHEMA, KVFORMAT_EJSON},
        {"{\"schema_version\":true}", KVFORMAT_ETYPE, KVFORMAT_EJSON},
        {"5", KVFORMAT_EMISSING, KVFORMAT_EJSON},
        {"\"\xff\"", KVFORMAT_EJSON, KVFORMAT_EJSON},
        {"{\"schema_version\":1}{}", KVFORMAT_EJSON, KVFORMAT_EJSON},
    };
    const kvwombat_delta *delta = NULL;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        kvcore_bytes text = kvcore_text(cases[i].text);
        kvtest_assert_status(kvwombat_delta_parse(text, KVWOMBAT_PARSER_DISPATCH, NULL, &delta, NULL),
                             cases[i].dispatch);
        kvtest_assert_status(kvwombat_delta_parse(text, KVWOMBAT_PARSER_STRICT, NULL, &delta, NULL), cases[i].strict);
    }
    char deep[5000];
    memset(deep, '[', sizeof deep); /* deeper than the library goes */
    kvtest_assert_status(
        kvwombat_delta_parse((kvcore_bytes){deep, sizeof deep}, KVWOMBAT_PARSER_DISPATCH, NULL, &delta, NULL),
        KVFORMAT_EJSON);
}

static void a_document_is_one_allocation(void **state) {
    (void)state;
    for (size_t k = 1; k <= 2; k++) {
        kvtest_memory memory = {.fail_at = k};
        kvcore_allocator allocator = kvtest_allocator(&memory);
        const kvwombat_manifest *manifest = NULL;
        kvtest_assert_status(
            kvwombat_manifest_parse(kvcore_text(manifest_text), KVWOMBAT_PARSER_STRICT, &allocator, &manifest, NULL),
            k == 1 ? KVCORE_ENOMEM : KVCORE_OK);
        assert_int_equal(memory.calls, 1);
        kvwombat_manifest_destroy(manifest);
        assert_int_equal(memory.live_bytes, 0);
    }
}

/* The rules of replay written down plainly: for every fact in order, look through all winners so far. */
static void replay_equals_a_plain_reading_of_its_rules(void **state) {
    (void)state;
    enum { MOST = 60 };
    static const char *texts[] = {"", "a", "b", "ab"};
    kvtest_random random = kvtest_seed(73);
    for (int round = 0; round < 2000; round++) {
        size_t count = (size_t)kvtest_below(&random, MOST), order[MOST], winners[MOST], seen = 0, conflicts_seen = 0;
        uint64_t idempotent = 0;
        kvwombat_delta facts[MOST];
        kvwombat_conflict conflicts[MOST], expected[MOST];
        kvwombat_replay_stats stats;
        for (size_t i = 0; i < count; i++)
            facts[i] = (kvwombat_delta){.epoch_ms = kvtest_below(&random, 3),
                                        .seq = kvtest_below(&random, 3),
                                        .tenant_id = kvcore_text(texts[kvtest_below(&random, 4)]),
                                        .fingerprint = kvcore_text(texts[kvtest_below(&random, 2)]),
                                        .prefix_hash = kvcore_text("h"),
                                        .payload_digest = kvcore_text(texts[kvtest_below(&random, 2)]),
                                        .write_id = kvcore_text(texts[kvtest_below(&random, 4)])};
        for (size_t i = 0; i < count; i++) { /* insertion sort: stable */
            size_t at = i;
            for (; at > 0; at--) {
                const kvwombat_delta *a = &facts[order[at - 1]], *b = &facts[i];
                bool before = b->epoch_ms != a->epoch_ms ? b->epoch_ms < a->epoch_ms
                              : b->seq != a->seq         ? b->seq < a->seq
                                                         : kvcore_bytes_compare(b->write_id, a->write_id) < 0;
                if (!before) break;
                order[at] = order[at - 1];
            }
            order[at] = i;
        }
        size_t firsts[MOST];
        for (size_t i = 0; i < count; i++) {
            const kvwombat_delta *fact = &facts[order[i]];
            size_t w = 0;
            while (w < seen && (kvcore_bytes_compare(facts[firsts[w]].tenant_id, fact->tenant_id) != 0 ||
                                kvcore_bytes_compare(facts[firsts[w]].fingerprint, fact->fingerprint) != 0))
                w++;
            if (w == seen)
                firsts[seen++] = order[i];
            else if (kvcore_bytes_compare(facts[firsts[w]].payload_digest, fact->payload_digest) == 0)
                idempotent++;
            else
                expected[conflicts_seen++] = (kvwombat_conflict){firsts[w], order[i]};
        }
        kvwombat_delta_replay(facts, count, winners, conflicts, &stats);
        assert_int_equal(stats.winner_count, seen);
        assert_int_equal(stats.duplicates_idempotent, idempotent);
        assert_int_equal(stats.duplicates_conflict, conflicts_seen);
        for (size_t i = 0; i < conflicts_seen; i++) {
            assert_int_equal(conflicts[i].winner, expected[i].winner);
            assert_int_equal(conflicts[i].loser, expected[i].loser);
        }
        for (size_t i = 0; i < seen; i++) {
            size_t w = 0;
            while (w < seen && firsts[w] != winners[i]) w++;
            assert_true(w < seen);
            if (i > 0) {
                int step = kvcore_bytes_compare(facts[winners[i - 1]].tenant_id, facts[winners[i]].tenant_id);
                if (step == 0)
                    step = kvcore_bytes_compare(facts[winners[i - 1]].fingerprint, facts[winners[i]].fingerprint);
                assert_true(step < 0);
            }
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_may_hold_nul_and_outlive_the_input),
        cmocka_unit_test(a_document_cut_anywhere_is_not_json),
        cmocka_unit_test(corners_of_the_json_library_are_as_documented),
        cmocka_unit_test(a_document_is_one_allocation),
        cmocka_unit_test(replay_equals_a_plain_reading_of_its_rules),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
