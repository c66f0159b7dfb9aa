#include "kvtest.h"

#include <kvstore/name.h>

static kvstore_identity acme(void) {
    kvstore_identity identity = {.tenant = kvcore_text("acme"), .block_tokens = 128, .rank = 0, .ranks = 8};
    kvtest_assert_ok(kvcore_layout_tag_make(kvcore_text("ds4-v1"), &identity.layout));
    memset(identity.model.bytes, 0x3f, sizeof identity.model.bytes);
    return identity;
}

static kvhash_plh some_name(uint64_t seed, uint64_t position) {
    kvhash_plh name;
    kvtest_assert_ok(kvhash_plh_make(seed * UINT64_C(0x9E3779B97F4A7C15), seed, position, &name));
    return name;
}

static void a_native_key_is_the_text_of_the_scheme(void **state) {
    (void)state;
    kvstore_identity identity = acme();
    char text[KVSTORE_KEY_BYTES];
    size_t length = 0;
    kvhash_plh name = kvhash_plh_root(UINT64_C(0xa3000000000000ff));
    kvtest_assert_ok(kvstore_block_key(kvcore_text("kv"), &identity, name, text, sizeof text, &length));
    assert_string_equal(text, "kv/v1/acme/3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f/ds4-v1.128/0of8.0/a3/"
                              "0028c000000000003fc0000000000000");
    assert_int_equal(length, strlen(text));
    identity = (kvstore_identity){.ranks = 1};
    kvtest_assert_ok(kvstore_block_key((kvcore_bytes){NULL, 0}, &identity, name, text, sizeof text, &length));
    assert_memory_equal(text, "v1/-/000000000000000000000000000000000000000000000000/-.0/0of1.0/a3/", 67);
    kvtest_assert_status(kvstore_block_key((kvcore_bytes){NULL, 0}, &identity, name, text, length, &length),
                         KVCORE_EBUFFER);
}

static void a_key_is_parsed_into_what_it_was_made_of_and_nothing_else_is(void **state) {
    (void)state;
    kvtest_random random = kvtest_seed(16);
    for (int round = 0; round < 2000; round++) {
        kvstore_identity identity = acme(), parsed;
        identity.rank = (uint16_t)kvtest_below(&random, 300);
        identity.ranks = (uint16_t)(identity.rank + 1 + kvtest_below(&random, 300));
        identity.group = (uint16_t)kvtest_below(&random, 65536);
        identity.block_tokens = (uint32_t)kvtest_next(&random);
        if (kvtest_below(&random, 3) == 0) identity.tenant = (kvcore_bytes){NULL, 0};
        kvhash_plh name = some_name(kvtest_next(&random), kvtest_below(&random, 1 << 24)), found;
        char text[KVSTORE_KEY_BYTES], again[KVSTORE_KEY_BYTES];
        size_t length, second;
        kvcore_bytes prefix = kvcore_text("team/kv");
        kvtest_assert_ok(kvstore_block_key(prefix, &identity, name, text, sizeof text, &length));
        assert_true(kvstore_block_key_parse(prefix, (kvcore_bytes){text, length}, &parsed, &found));
        assert_true(kvhash_plh_equal(name, found));
        kvtest_assert_ok(kvstore_block_key(prefix, &parsed, found, again, sizeof again, &second));
        assert_string_equal(text, again);
        /* One character changed: either refused, or it reads back as itself and so is another key. */
        size_t at = kvtest_below(&random, length);
        text[at] = (char)kvtest_next(&random);
        if (!kvstore_block_key_parse(prefix, (kvcore_bytes){text, length}, &parsed, &found)) continue;
        kvtest_assert_ok(kvstore_block_key(prefix, &parsed, found, again, sizeof again, &second));
        assert_int_equal(length, second);
        assert_memory_equal(text, again, length);
    }
}

static void a_prefix_has_no_empty_segment_and_no_dots(void **state) {
    (void)state;
    static const char *const good[] = {"", "kv", "kv/cabi", "a.b/c_d/E-9", "0"};
    static const char *const bad[] = {"/kv", "kv/", "a//b", "..",   "a/../b", "a/./b", ".",
                                      "a b", "a=b", "-a",   "a..b", "\x01",   "ü"};
    kvcore_error error;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        kvtest_assert_ok(kvstore_prefix_check(kvcore_text(good[i]), &error));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        kvtest_assert_status(kvstore_prefix_check(kvcore_text(bad[i]), &error), KVCORE_ECONFIG);
        assert_int_equal(error.code, KVCORE_ECONFIG);
    }
    char text[258];
    memset(text, 'a', sizeof text);
    for (size_t i = 60; i < 256; i += 60) text[i] = '/';
    kvtest_assert_ok(kvstore_prefix_check((kvcore_bytes){text, 256}, &error));
    kvtest_assert_status(kvstore_prefix_check((kvcore_bytes){text, 257}, &error), KVCORE_ECONFIG);
}

static void a_tenant_outside_the_rule_is_refused_not_escaped(void **state) {
    (void)state;
    static const char *const bad[] = {"-", ".", "..", "a/b", "../up", "a b", "a..b", "_x", "t\n"};
    kvcore_error error;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        kvtest_assert_status(kvstore_tenant_text_check(kvcore_text(bad[i]), &error), KVCORE_ECONFIG);
    char text[64];
    memset(text, 'a', sizeof text);
    kvtest_assert_ok(kvstore_tenant_text_check((kvcore_bytes){text, 63}, &error));
    kvtest_assert_status(kvstore_tenant_text_check((kvcore_bytes){text, 64}, &error), KVCORE_ECONFIG);
    kvtest_assert_status(kvstore_tenant_text_check((kvcore_bytes){"a\0b", 3}, &error), KVCORE_ECONFIG);
    kvtest_assert_ok(kvstore_tenant_text_check((kvcore_bytes){NULL, 0}, &error));
}

static void a_dynamo_key_is_the_display_form_in_a_folder_of_the_rank(void **state) {
    (void)state;
    char text[64], display[KVHASH_PLH_TEXT_BYTES];
    size_t length;
    kvhash_plh name = some_name(7, 5), found;
    int32_t rank = 0;
    kvhash_plh_format(name, display);
    kvtest_assert_ok(kvstore_dynamo_key(-1, name, text, sizeof text, &length));
    assert_string_equal(text, display);
    kvtest_assert_ok(kvstore_dynamo_key(3, name, text, sizeof text, &length));
    assert_memory_equal(text, "3/5:", 4);
    assert_true(kvstore_dynamo_key_parse((kvcore_bytes){text, length}, &rank, &found));
    assert_int_equal(rank, 3);
    assert_true(kvhash_plh_equal(name, found));
    assert_false(kvstore_dynamo_key_parse(kvcore_text("03/5:1"), &rank, &found));
    assert_false(kvstore_dynamo_key_parse(kvcore_text("x.meta"), &rank, &found));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_native_key_is_the_text_of_the_scheme),
        cmocka_unit_test(a_key_is_parsed_into_what_it_was_made_of_and_nothing_else_is),
        cmocka_unit_test(a_prefix_has_no_empty_segment_and_no_dots),
        cmocka_unit_test(a_tenant_outside_the_rule_is_refused_not_escaped),
        cmocka_unit_test(a_dynamo_key_is_the_display_form_in_a_folder_of_the_rank),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
