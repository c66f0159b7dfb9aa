#include "kvtest.h"

#include <kvhash/hash.h>

static void empty_bytes_have_the_known_hash(void **state) {
    (void)state;
    assert_true(kvhash_xxh3((kvcore_bytes){NULL, 0}, 0) == UINT64_C(3244421341483603138));
    assert_true(kvhash_xxh3((kvcore_bytes){NULL, 5}, 0) == UINT64_C(3244421341483603138));
    assert_true(kvhash_block_hash(NULL, 7, 0) == UINT64_C(3244421341483603138));
}

static void tokens_are_hashed_as_little_endian_bytes(void **state) {
    (void)state;
    uint32_t tokens[300];
    uint8_t bytes[sizeof tokens];
    for (uint32_t i = 0; i < 300; i++) {
        tokens[i] = i * UINT32_C(2654435761);
        kvcore_store_le32(bytes + 4 * i, tokens[i]);
    }
    for (size_t count = 0; count <= 300; count++)
        assert_true(kvhash_block_hash(tokens, count, 99) == kvhash_xxh3((kvcore_bytes){bytes, 4 * count}, 99));
}

static void salts_of_the_specification(void **state) {
    (void)state;
    static const struct {
        const char *lora, *salt;
        uint64_t hash;
    } cases[] = {
        {NULL, NULL, 1337},
        {"", "", 1337},
        {"a", NULL, UINT64_C(16629034431890740056)},
        {"alpha-7b", NULL, UINT64_C(723495307357893745)},
        {NULL, "salt", UINT64_C(4028552866779081782)},
        {"lora-x", "salt", UINT64_C(7366305430526184886)},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_true(kvhash_salt_hash(kvcore_text(cases[i].salt), kvcore_text(cases[i].lora)) == cases[i].hash);
    assert_true(kvhash_salt_hash(kvcore_text("x"), kvcore_text(NULL)) !=
                kvhash_salt_hash(kvcore_text(NULL), kvcore_text("x")));
}

static void a_seed_s_secret_is_its_seed_only_for_long_inputs(void **state) {
    (void)state;
    uint8_t secret[KVHASH_SECRET_BYTES], bytes[400];
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t)(i * 7);
    kvhash_secret(3, secret);
    kvcore_bytes longer = {bytes, 400}, shorter = {bytes, 16};
    assert_true(kvhash_xxh3_secret(longer, secret) == kvhash_xxh3(longer, 3));
    assert_true(kvhash_xxh3_secret(shorter, secret) != kvhash_xxh3(shorter, 3));
    kvhash_secret(0, secret);
    assert_true(kvhash_xxh3_secret(shorter, secret) == kvhash_xxh3(shorter, 0));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(empty_bytes_have_the_known_hash),
        cmocka_unit_test(tokens_are_hashed_as_little_endian_bytes),
        cmocka_unit_test(salts_of_the_specification),
        cmocka_unit_test(a_seed_s_secret_is_its_seed_only_for_long_inputs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
