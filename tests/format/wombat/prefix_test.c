#include "kvtest.h"

#include <kvcore/text.h>
#include <kvwombat/prefix.h>

/* The chain written out: one BLAKE3 of the concatenated bytes. */
static void a_link_is_one_hash_of_tag_state_length_and_tokens(void **state) {
    (void)state;
    kvtest_random random = kvtest_seed(63);
    uint32_t tokens[700];
    for (size_t i = 0; i < 700; i++) tokens[i] = (uint32_t)kvtest_next(&random);
    kvwombat_fingerprint fingerprint = {{7, 7, 7}};
    kvcore_hash256 seed = kvwombat_prefix_seed(kvcore_text("tenant-a"), &fingerprint);
    for (size_t count = 0; count <= 700; count += count < 70 ? 1 : 63) {
        uint8_t bytes[11 + 32 + 8 + 4 * 700];
        memcpy(bytes, "tp-chain-v1", 11);
        memcpy(bytes + 11, seed.bytes, 32);
        kvcore_store_le64(bytes + 43, 4 * count);
        for (size_t i = 0; i < count; i++) kvcore_store_le32(bytes + 51 + 4 * i, tokens[i]);
        kvcore_hash256 expected = kvcore_blake3((kvcore_bytes){bytes, 51 + 4 * count});
        kvcore_hash256 actual = kvwombat_prefix_extend(&seed, (kvwombat_token_span){tokens, count});
        assert_memory_equal(actual.bytes, expected.bytes, 32);
    }
}

static void every_earlier_block_counts(void **state) {
    (void)state;
    static const uint32_t one[] = {1, 2, 3, 4}, two[] = {5, 6, 7, 8};
    kvwombat_fingerprint fingerprint = {{0}};
    const kvwombat_token_span blocks[] = {{one, 4}, {NULL, 0}, {two, 4}}, without[] = {{one, 4}, {two, 4}};
    kvcore_hash256 full[3], shorter[2];
    kvwombat_prefix_hashes(kvcore_text("t"), &fingerprint, blocks, 3, full);
    kvwombat_prefix_hashes(kvcore_text("t"), &fingerprint, without, 2, shorter);
    assert_memory_equal(full[0].bytes, shorter[0].bytes, 32);
    assert_memory_not_equal(full[2].bytes, shorter[1].bytes, 32);
}

static void the_engine_chain_refuses_what_the_engine_refuses(void **state) {
    (void)state;
    enum { TOKENS = 513 * 128 };
    uint32_t *tokens = calloc(TOKENS, sizeof *tokens);
    kvcore_hash256 seed = {{0}}, *hashes = calloc(513, sizeof *hashes);
    size_t count;
    static const size_t bad[] = {0, 64, 127, 129, 255, 8193, 9999, SIZE_MAX}, good[] = {128, 256, 384, 512, 1024, 8192};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        kvtest_assert_status(
            kvwombat_engine_chain(&seed, (kvwombat_token_span){tokens, TOKENS}, bad[i], hashes, 513, &count),
            KVCORE_EINVAL);
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        kvtest_assert_ok(
            kvwombat_engine_chain(&seed, (kvwombat_token_span){tokens, TOKENS}, good[i], hashes, 513, &count));
        assert_int_equal(count, good[i] == 128 ? KVWOMBAT_ENGINE_MAX_BLOCKS : TOKENS / good[i]);
    }
    kvtest_assert_status(kvwombat_engine_chain(&seed, (kvwombat_token_span){tokens, 1000}, 128, NULL, 0, &count),
                         KVCORE_EBUFFER);
    assert_int_equal(count, 7);
    kvtest_assert_ok(kvwombat_engine_chain(&seed, (kvwombat_token_span){tokens, 127}, 128, NULL, 0, &count));
    assert_int_equal(count, 0);
    free(tokens);
    free(hashes);
}

static void a_seed_text_stays_below_128_bytes(void **state) {
    (void)state;
    char fingerprint[128], text[KVWOMBAT_ENGINE_SEED_TEXT_BYTES];
    memset(fingerprint, 'f', sizeof fingerprint);
    for (size_t size = 0; size <= sizeof fingerprint; size++) {
        size_t length = 0;
        bool fits = 9 + size + 10 < 128; /* "WMBTBLK1|" … "|q4|ds4-v1" */
        kvtest_assert_status(kvwombat_engine_seed_text((kvcore_bytes){fingerprint, size}, 4, text, &length),
                             fits ? KVCORE_OK : KVCORE_EOVERFLOW);
        if (fits) assert_int_equal(length, strlen(text));
    }
    size_t length;
    kvtest_assert_ok(kvwombat_engine_seed_text(kvcore_text("abc"), 0, text, &length));
    assert_string_equal(text, "WMBTBLK1|abc|q0|ds4-v1");
}

static void residency_counts_up_to_the_first_gap(void **state) {
    (void)state;
    const bool resident[] = {true, true, false, true};
    assert_int_equal(kvwombat_resident_prefix(resident, 4), 2);
    assert_int_equal(kvwombat_resident_prefix(resident, 2), 2);
    assert_int_equal(kvwombat_resident_prefix(resident + 2, 2), 0);
    assert_int_equal(kvwombat_resident_prefix(NULL, 0), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_link_is_one_hash_of_tag_state_length_and_tokens),
        cmocka_unit_test(every_earlier_block_counts),
        cmocka_unit_test(the_engine_chain_refuses_what_the_engine_refuses),
        cmocka_unit_test(a_seed_text_stays_below_128_bytes),
        cmocka_unit_test(residency_counts_up_to_the_first_gap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
