#include "kvtest.h"

#include <kvhash/request.h>
#include <kvhash/scheme.h>
#include <kvhash/sequence.h>
#include <kvhash/wire.h>

#include "malloc_count.h"

static uint32_t tokens[8192];

static void the_counter_sees_what_the_library_asks_for(void **state) {
    (void)state;
    kvhash_sequence_config config = KVHASH_SEQUENCE_CONFIG_INIT;
    config.block_tokens = 16;
    size_t before = kvtest_malloc_calls();
    kvhash_sequence *sequence;
    kvtest_assert_ok(kvhash_sequence_create(&config, &sequence, NULL));
    assert_true(kvtest_malloc_calls() > before);
    kvhash_sequence_destroy(sequence);
}

static void requests_with_few_or_ordered_runs_never_allocate(void **state) {
    (void)state;
    static kvhash_block blocks[8192];
    static kvhash_mm_run few[128], many[300]; /* few in reverse, so that they must be put in order */
    for (size_t i = 0; i < 128; i++) few[i] = (kvhash_mm_run){i, 20 * (128 - i), 7};
    for (size_t i = 0; i < 300; i++) many[i] = (kvhash_mm_run){i, 20 * i, 7};
    static const uint32_t sizes[] = {1, 16, 64, 1000, 5000};
    size_t before = kvtest_malloc_calls();
    for (size_t i = 0; i < 5; i++) {
        kvhash_request request = KVHASH_REQUEST_INIT;
        kvcore_error error;
        size_t count;
        request.tokens = tokens, request.token_count = 8192, request.block_tokens = sizes[i];
        request.salt = kvcore_text("tenant"), request.lora_name = kvcore_text("adapter");
        for (size_t kind = 0; kind < 3; kind++) {
            request.runs = kind == 1 ? few : many;
            request.run_count = kind == 0 ? 0 : kind == 1 ? 128 : 300;
            kvtest_assert_ok(kvhash_request_count(&request, &count, &error));
            kvtest_assert_ok(kvhash_request_names(&request, (kvhash_plh *)(void *)blocks, 8192, &count, &error));
            kvtest_assert_ok(kvhash_request_block_hashes(&request, (uint64_t *)(void *)blocks, 8192, &count, &error));
            kvtest_assert_ok(
                kvhash_request_sequence_hashes(&request, (uint64_t *)(void *)blocks, 8192, &count, &error));
            kvtest_assert_ok(kvhash_request_blocks(&request, blocks, 8192, &count, &error));
        }
    }
    assert_int_equal(kvtest_malloc_calls(), before);
}

static void a_sequence_with_a_reserve_allocates_no_more(void **state) {
    (void)state;
    kvhash_sequence_config config = KVHASH_SEQUENCE_CONFIG_INIT;
    config.block_tokens = 16;
    config.reserve_tokens = 8192;
    kvhash_sequence *sequence;
    kvtest_assert_ok(kvhash_sequence_create(&config, &sequence, NULL));
    size_t before = kvtest_malloc_calls();
    for (size_t i = 0; i < 4096; i++) kvtest_assert_ok(kvhash_sequence_append(sequence, tokens[i], NULL));
    kvtest_assert_ok(kvhash_sequence_extend(sequence, tokens, 4096, NULL));
    kvtest_assert_ok(kvhash_sequence_unwind(sequence, 100));
    kvtest_assert_ok(kvhash_sequence_truncate(sequence, 100));
    kvtest_assert_ok(kvhash_sequence_pop(sequence, NULL, NULL));
    kvhash_sequence_reset(sequence);
    assert_int_equal(kvtest_malloc_calls(), before);
    kvhash_sequence_destroy(sequence);
}

static void wire_and_text_never_allocate(void **state) {
    (void)state;
    size_t before = kvtest_malloc_calls(), size;
    kvhash_plh name = kvhash_plh_root(7);
    uint8_t bytes[KVHASH_WIRE_MAX_BYTES];
    char text[KVHASH_PLH_TEXT_BYTES];
    for (kvhash_wire_format format = KVHASH_WIRE_JSON; format <= KVHASH_WIRE_MSGPACK_NAMED; format++) {
        kvtest_assert_ok(kvhash_wire_write_plh(format, name, bytes, sizeof bytes, &size));
        kvtest_assert_ok(kvhash_wire_read_plh(format, (kvcore_bytes){bytes, size}, &name, NULL));
    }
    size = kvhash_plh_format(name, text);
    kvtest_assert_ok(kvhash_plh_parse(text, size, &name));
    assert_int_equal(kvtest_malloc_calls(), before);
}

static void naming_by_any_scheme_never_allocates(void **state) {
    (void)state;
    static uint8_t names[8192 * KVHASH_SCHEME_NAME_BYTES];
    static const kvhash_scheme_item items[] = {{{"0123456789abcdef0123456789abcdef", 32}, 3, 200, 0, 0}};
    for (int kind = 1; kind < KVHASH_SCHEME_COUNT; kind++) {
        kvhash_scheme_config config = KVHASH_SCHEME_CONFIG_INIT;
        kvhash_scheme_request request = KVHASH_SCHEME_REQUEST_INIT;
        kvhash_scheme *scheme;
        size_t count;
        config.kind = (kvhash_scheme_kind)kind, config.block_size = 16, config.seed = kvcore_text("0");
        request.tokens = tokens, request.token_count = 8192;
        request.salt = kvcore_text("tenant"), request.lora_name = kvcore_text("adapter");
        request.items = items, request.item_count = 1;
        kvtest_assert_ok(kvhash_scheme_create(&config, &scheme, NULL));
        size_t before = kvtest_malloc_calls();
        kvtest_assert_ok(kvhash_scheme_names(scheme, &request, 0, NULL, names, 8192, &count, NULL));
        assert_int_equal(kvtest_malloc_calls(), before);
        kvhash_scheme_destroy(scheme);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(naming_by_any_scheme_never_allocates),
        cmocka_unit_test(the_counter_sees_what_the_library_asks_for),
        cmocka_unit_test(requests_with_few_or_ordered_runs_never_allocate),
        cmocka_unit_test(a_sequence_with_a_reserve_allocates_no_more),
        cmocka_unit_test(wire_and_text_never_allocate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
