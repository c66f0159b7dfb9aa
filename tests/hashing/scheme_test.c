#include "kvtest.h"

#include <kvhash/scheme.h>

static kvhash_scheme *make(kvhash_scheme_kind kind, int64_t block_size) {
    kvhash_scheme_config config = KVHASH_SCHEME_CONFIG_INIT;
    kvhash_scheme *scheme = NULL;
    config.kind = kind;
    config.block_size = block_size;
    config.seed = kvcore_text("0");
    kvtest_assert_ok(kvhash_scheme_create(&config, &scheme, NULL));
    return scheme;
}

#define TOKENS 3000
static uint32_t tokens[TOKENS];

static kvhash_scheme_request plain(size_t count) {
    kvhash_scheme_request request = KVHASH_SCHEME_REQUEST_INIT;
    kvtest_random random = {42};
    for (size_t i = 0; i < TOKENS; i++) tokens[i] = (uint32_t)kvtest_below(&random, 151936);
    request.tokens = tokens;
    request.token_count = count;
    return request;
}

static kvcore_status try_kind(kvhash_scheme_kind kind, const kvhash_scheme_request *request, kvcore_error *error) {
    static uint8_t names[TOKENS * KVHASH_SCHEME_NAME_BYTES];
    size_t count;
    kvhash_scheme *scheme = make(kind, 4);
    kvcore_status status = kvhash_scheme_names(scheme, request, 0, NULL, names, TOKENS, &count, error);
    kvhash_scheme_destroy(scheme);
    return status;
}

static void each_kind_has_one_name(void **state) {
    (void)state;
    for (int kind = 1; kind < KVHASH_SCHEME_COUNT; kind++) {
        const char *text = kvhash_scheme_kind_text((kvhash_scheme_kind)kind);
        assert_non_null(text);
        assert_int_equal(kvhash_scheme_kind_of(kvcore_text(text)), kind);
    }
    assert_null(kvhash_scheme_kind_text(KVHASH_SCHEME_COUNT));
    assert_int_equal(kvhash_scheme_kind_of(kvcore_text("vllm")), KVHASH_SCHEME_NONE);
}

static void going_on_from_any_block_gives_the_names_of_the_whole(void **state) {
    (void)state;
    static uint8_t whole[TOKENS * 32], rest[TOKENS * 32];
    static const kvhash_scheme_item items[] = {{{"0123456789abcdef0123456789abcdef", 32}, 3, 20, 0, 100},
                                               {{"fedcba9876543210fedcba9876543210", 32}, 900, 400, 0, 9}};
    kvhash_scheme_request request = plain(TOKENS);
    request.salt = kvcore_text("tenant"), request.lora_name = kvcore_text("adapter");
    request.items = items, request.item_count = 2;
    for (int kind = 1; kind < KVHASH_SCHEME_COUNT; kind++) {
        kvhash_scheme *scheme = make((kvhash_scheme_kind)kind, 16);
        size_t size = kvhash_scheme_name_bytes(scheme), all, count;
        kvtest_assert_ok(kvhash_scheme_names(scheme, &request, 0, NULL, whole, TOKENS, &all, NULL));
        for (size_t i = 1; i < all; i += 13) {
            kvtest_assert_ok(
                kvhash_scheme_names(scheme, &request, i, whole + (i - 1) * size, rest, TOKENS, &count, NULL));
            assert_int_equal(count, all - i);
            assert_memory_equal(rest, whole + i * size, count * size);
        }
        kvhash_scheme_destroy(scheme);
    }
}

static void items_that_cannot_be_are_refused_with_their_place(void **state) {
    (void)state;
    kvhash_scheme_item items[2] = {{{"a", 1}, 0, 4, 0, 0}, {{"b", 1}, 3, 4, 0, 0}};
    kvhash_scheme_request request = plain(64);
    kvcore_error error;
    request.items = items, request.item_count = 2;
    kvtest_assert_status(try_kind(KVHASH_SCHEME_VLLM_SHA256, &request, &error), KVHASH_EOVERLAP);
    assert_int_equal(error.index, 1);
    items[1].offset = UINT64_MAX - 1;
    kvtest_assert_status(try_kind(KVHASH_SCHEME_LLMD, &request, &error), KVHASH_EOFFSET_OVERFLOW);
    items[1].offset = 8, items[1].length = 0;
    kvtest_assert_status(try_kind(KVHASH_SCHEME_LLMD, &request, &error), KVHASH_EEMPTY_RUN);
    items[1].length = 1, items[1].id = kvcore_text("\xff");
    kvtest_assert_status(try_kind(KVHASH_SCHEME_VLLM_XXHASH, &request, &error), KVCORE_EFORMAT);
    kvtest_assert_status(try_kind(KVHASH_SCHEME_TRTLLM_V1, &request, &error), KVCORE_EINVAL);
    items[1].id = kvcore_text("b"), items[1].offset = 1000;
    kvtest_assert_ok(try_kind(KVHASH_SCHEME_VLLM_XXHASH, &request, &error)); /* past the end: meets no block */
}

static void texts_must_be_utf_8(void **state) {
    (void)state;
    static const char *const bad[] = {"\x80",     "\xc0\xaf", "\xe0\x80\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80",
                                      "\xe2\x82", "a\xff"};
    kvcore_error error;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        kvhash_scheme_request request = plain(16);
        request.salt = kvcore_text(bad[i]);
        kvtest_assert_status(try_kind(KVHASH_SCHEME_VLLM_SHA256_CBOR, &request, &error), KVCORE_EFORMAT);
    }
}

static void tokens_that_a_system_refuses_are_refused(void **state) {
    (void)state;
    uint32_t large[4] = {1, 2, UINT32_C(0x80000000), 4};
    uint64_t wide[4] = {1, UINT64_MAX, 3, 4};
    kvhash_scheme_request request = KVHASH_SCHEME_REQUEST_INIT;
    kvcore_error error;
    request.tokens = large, request.token_count = 4;
    kvtest_assert_status(try_kind(KVHASH_SCHEME_TRTLLM_V2, &request, &error), KVCORE_EOVERFLOW);
    assert_int_equal(error.index, 2);
    assert_int_equal(error.actual, UINT32_C(0x80000000));
    request.tokens = NULL, request.wide_tokens = wide;
    kvtest_assert_status(try_kind(KVHASH_SCHEME_SGLANG, &request, &error), KVCORE_EOVERFLOW);
    assert_int_equal(error.index, 1);
    kvtest_assert_status(try_kind(KVHASH_SCHEME_VLLM_SHA256, &request, &error), KVCORE_EOVERFLOW);
}

static void configs_that_cannot_work_are_refused(void **state) {
    (void)state;
    kvhash_scheme_config config = KVHASH_SCHEME_CONFIG_INIT;
    kvhash_scheme *scheme = NULL;
    kvcore_error error;
    config.block_size = 16;
    kvtest_assert_status(kvhash_scheme_create(&config, &scheme, &error), KVCORE_ECONFIG);
    config.kind = KVHASH_SCHEME_VLLM_XXHASH; /* no seed: the root is random */
    kvtest_assert_status(kvhash_scheme_create(&config, &scheme, &error), KVCORE_ENOTSUP);
    config.kind = KVHASH_SCHEME_LMCACHE_BUILTIN, config.seed = kvcore_text("random");
    kvtest_assert_status(kvhash_scheme_create(&config, &scheme, &error), KVCORE_ENOTSUP);
    config.kind = KVHASH_SCHEME_VLLM_SHA256, config.block_size = 0;
    kvtest_assert_status(kvhash_scheme_create(&config, &scheme, &error), KVHASH_EBLOCK_SIZE);
    config.block_size = 16, config.pairs = true;
    kvtest_assert_status(kvhash_scheme_create(&config, &scheme, &error), KVCORE_ECONFIG);
    config.pairs = false, config.root = kvcore_text("too short");
    kvtest_assert_status(kvhash_scheme_create(&config, &scheme, &error), KVCORE_ECONFIG);
    assert_null(scheme);
}

static void an_image_of_more_than_one_frame_is_refused_and_cbor_has_no_limit(void **state) {
    (void)state;
    static uint32_t many[40000];
    uint8_t name[32];
    size_t count;
    kvcore_error error;
    for (size_t i = 0; i < 40000; i++) many[i] = 70000;
    kvhash_scheme_request request = KVHASH_SCHEME_REQUEST_INIT;
    request.tokens = many, request.token_count = 40000;
    kvhash_scheme *pickle = make(KVHASH_SCHEME_VLLM_SHA256, 40000), *cbor = make(KVHASH_SCHEME_VLLM_SHA256_CBOR, 40000);
    kvtest_assert_status(kvhash_scheme_names(pickle, &request, 0, NULL, name, 1, &count, &error), KVCORE_EOVERFLOW);
    kvtest_assert_ok(kvhash_scheme_names(cbor, &request, 0, NULL, name, 1, &count, &error));
    kvhash_scheme_destroy(pickle);
    kvhash_scheme_destroy(cbor);
}

static void a_request_has_the_same_names_in_company(void **state) {
    (void)state;
    static uint8_t together[3][TOKENS * 32], alone[TOKENS * 32];
    static const kvhash_scheme_kind kinds[3] = {KVHASH_SCHEME_VLLM_SHA256, KVHASH_SCHEME_SGLANG, KVHASH_SCHEME_LLMD};
    kvhash_scheme_output outputs[3];
    kvhash_scheme_request request = plain(TOKENS);
    for (size_t i = 0; i < 3; i++) outputs[i] = (kvhash_scheme_output){make(kinds[i], 8 << i), together[i], TOKENS, 0};
    kvtest_assert_ok(kvhash_names_of(&request, outputs, 3, NULL));
    for (size_t i = 0; i < 3; i++) {
        size_t count;
        kvtest_assert_ok(kvhash_scheme_names(outputs[i].scheme, &request, 0, NULL, alone, TOKENS, &count, NULL));
        assert_int_equal(count, outputs[i].count);
        assert_memory_equal(alone, together[i], count * kvhash_scheme_name_bytes(outputs[i].scheme));
    }
    outputs[1].capacity = 1;
    kvtest_assert_status(kvhash_names_of(&request, outputs, 3, NULL), KVCORE_EBUFFER);
    for (size_t i = 0; i < 3; i++) kvhash_scheme_destroy(outputs[i].scheme);
}

static void lifted_names_keep_position_hash_and_parent(void **state) {
    (void)state;
    static uint8_t names[TOKENS * 32];
    static kvhash_plh lifted[TOKENS];
    size_t count;
    kvhash_scheme_request request = plain(TOKENS);
    kvhash_scheme *scheme = make(KVHASH_SCHEME_VLLM_SHA256, 4);
    kvtest_assert_ok(kvhash_scheme_names(scheme, &request, 0, NULL, names, TOKENS, &count, NULL));
    kvtest_assert_ok(kvhash_scheme_lift(names, count, 32, 0, NULL, lifted));
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(kvhash_plh_position(lifted[i]), i);
        assert_int_equal(kvhash_plh_sequence_hash(lifted[i]), kvcore_load_be64(names + 32 * i));
        if (i == 0) continue;
        assert_int_equal(kvhash_plh_parent_fragment(lifted[i]), kvhash_plh_fragment_for_child(lifted[i - 1], i));
    }
    kvhash_plh one;
    kvtest_assert_ok(kvhash_scheme_lift(names + 32 * 300, 1, 32, 300, names + 32 * 299, &one));
    assert_true(kvhash_plh_equal(one, lifted[300]));
    kvtest_assert_status(kvhash_scheme_lift(names, 2, 32, KVHASH_PLH_MAX_POSITION, names, lifted), KVHASH_EPOSITION);
    kvhash_scheme_destroy(scheme);
}

static void a_scheme_without_memory_is_not_made(void **state) {
    (void)state;
    kvtest_memory memory = {.fail_at = 1};
    kvhash_scheme_config config = KVHASH_SCHEME_CONFIG_INIT;
    kvhash_scheme *scheme = NULL;
    config.kind = KVHASH_SCHEME_SGLANG, config.block_size = 16, config.allocator = kvtest_allocator(&memory);
    kvtest_assert_status(kvhash_scheme_create(&config, &scheme, NULL), KVCORE_ENOMEM);
    memory = (kvtest_memory){0};
    kvtest_assert_ok(kvhash_scheme_create(&config, &scheme, NULL));
    kvhash_scheme_destroy(scheme);
    assert_int_equal(memory.live_bytes, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_kind_has_one_name),
        cmocka_unit_test(going_on_from_any_block_gives_the_names_of_the_whole),
        cmocka_unit_test(items_that_cannot_be_are_refused_with_their_place),
        cmocka_unit_test(texts_must_be_utf_8),
        cmocka_unit_test(tokens_that_a_system_refuses_are_refused),
        cmocka_unit_test(configs_that_cannot_work_are_refused),
        cmocka_unit_test(an_image_of_more_than_one_frame_is_refused_and_cbor_has_no_limit),
        cmocka_unit_test(a_request_has_the_same_names_in_company),
        cmocka_unit_test(lifted_names_keep_position_hash_and_parent),
        cmocka_unit_test(a_scheme_without_memory_is_not_made),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
