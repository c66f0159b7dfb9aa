/* Block keys, facts and the frozen defaults: small rules of order and range. */
#include "kvtest.h"

#include <kvwombat/block_key.h>
#include <kvwombat/defaults.h>
#include <kvwombat/fact.h>

static void block_keys_order_by_tenant_fingerprint_hash_index(void **state) {
    (void)state;
    kvwombat_block_key keys[] = {{kvcore_text(""), {{9}}, {{9}}, 9},   {kvcore_text("a"), {{0}}, {{0}}, 0},
                                 {kvcore_text("a"), {{0}}, {{0}}, 1},  {kvcore_text("a"), {{0}}, {{1}}, 0},
                                 {kvcore_text("a"), {{1}}, {{0}}, 0},  {kvcore_text("a"), {{0xFF}}, {{0}}, 0},
                                 {kvcore_text("aa"), {{0}}, {{0}}, 0}, {kvcore_text("\xc3\xa9"), {{0}}, {{0}}, 0}};
    size_t count = sizeof keys / sizeof *keys;
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < count; j++) {
            int order = kvwombat_block_key_compare(&keys[i], &keys[j]);
            assert_int_equal((order > 0) - (order < 0), (i > j) - (i < j));
        }
}

static void the_first_writer_wins(void **state) {
    (void)state;
    const kvwombat_fact facts[] = {{5, {2}}, {4, {9}}, {4, {8}}, {4, {8}}, {6, {0}}};
    assert_int_equal(kvwombat_fact_winner(facts, 5), 2);
    assert_int_equal(kvwombat_fact_winner(facts + 3, 2), 0);
    assert_int_equal(kvwombat_fact_winner(facts, 0), 0);
    assert_int_equal(kvwombat_fact_compare(&facts[2], &facts[3]), 0);
    const kvwombat_fact high[] = {{1, {0x80}}, {1, {0x7F}}};
    assert_int_equal(kvwombat_fact_winner(high, 2), 1);
}

static void frozen_defaults_accept_six_values_and_name_the_first_bad_field(void **state) {
    (void)state;
    kvwombat_frozen_defaults defaults = kvwombat_frozen_defaults_make();
    assert_int_equal(defaults.block_size_tokens, 128);
    assert_int_equal(defaults.wal_chunk_target_mb, 32);
    kvtest_assert_ok(kvwombat_frozen_defaults_validate(&defaults, NULL));
    for (uint32_t tokens = 0; tokens <= 512; tokens++)
        for (uint32_t chunk = 0; chunk <= 128; chunk++) {
            defaults.block_size_tokens = tokens;
            defaults.wal_chunk_target_mb = chunk;
            bool tokens_fit = tokens == 64 || tokens == 128 || tokens == 256;
            bool chunk_fits = chunk == 8 || chunk == 32 || chunk == 64;
            kvcore_error error;
            kvcore_status status = kvwombat_frozen_defaults_validate(&defaults, &error);
            kvtest_assert_status(status, tokens_fit && chunk_fits ? KVCORE_OK : KVCORE_ECONFIG);
            if (status == KVCORE_OK) continue;
            assert_int_equal(error.index, tokens_fit ? 1 : 0);
            assert_int_equal(error.actual, tokens_fit ? chunk : tokens);
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(block_keys_order_by_tenant_fingerprint_hash_index),
        cmocka_unit_test(the_first_writer_wins),
        cmocka_unit_test(frozen_defaults_accept_six_values_and_name_the_first_bad_field),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
