/* What an _INIT macro gives, its function gives too: languages without the macros start from the functions. */
#include "kvtest.h"

#include <kvanswers/curve.h>
#include <kvanswers/estimator.h>
#include <kvanswers/trace.h>
#include <kvformat/kvs1.h>
#include <kvhash/proof.h>
#include <kvhash/request.h>
#include <kvhash/scheme.h>
#include <kvhash/sequence.h>
#include <kvradix/config.h>
#include <kvradix/guardrail.h>
#include <kvradix/lookup.h>
#include <kvstore/backend.h>

static void every_config_states_its_size(void **state) {
    (void)state;
    assert_int_equal(kvanswers_curve_config_init().struct_size, sizeof(kvanswers_curve_config));
    assert_int_equal(kvanswers_estimator_config_init().struct_size, sizeof(kvanswers_estimator_config));
    assert_int_equal(kvanswers_replay_config_init().struct_size, sizeof(kvanswers_replay_config));
    assert_int_equal(kvhash_request_init().struct_size, sizeof(kvhash_request));
    assert_int_equal(kvhash_sequence_config_init().struct_size, sizeof(kvhash_sequence_config));
    assert_int_equal(kvhash_scheme_config_init().struct_size, sizeof(kvhash_scheme_config));
    assert_int_equal(kvhash_scheme_request_init().struct_size, sizeof(kvhash_scheme_request));
    assert_int_equal(kvhash_prover_config_init().struct_size, sizeof(kvhash_prover_config));
    assert_int_equal(kvradix_config_init().struct_size, sizeof(kvradix_config));
    assert_int_equal(kvformat_kvs1_config_init().struct_size, sizeof(kvformat_kvs1_config));
    assert_int_equal(kvstore_backend_init().struct_size, sizeof(kvstore_backend));
    assert_int_equal(kvstore_batch_init().struct_size, sizeof(kvstore_batch));
    assert_int_equal(kvstore_directory_config_init().struct_size, sizeof(kvstore_directory_config));
    assert_int_equal(kvstore_options_init().struct_size, sizeof(kvstore_options));
    assert_int_equal(kvstore_space_config_init().struct_size, sizeof(kvstore_space_config));
    assert_int_equal(kvstore_stats_init().struct_size, sizeof(kvstore_stats));
}

static void a_request_works_from_the_function(void **state) {
    (void)state;
    const uint32_t tokens[] = {1, 2, 3, 4};
    kvhash_request by_function = kvhash_request_init(), by_macro = KVHASH_REQUEST_INIT;
    by_function.tokens = by_macro.tokens = tokens;
    by_function.token_count = by_macro.token_count = 4;
    by_function.block_tokens = by_macro.block_tokens = 4;
    kvhash_plh names[2];
    size_t count;
    kvtest_assert_ok(kvhash_request_names(&by_function, &names[0], 1, &count, NULL));
    kvtest_assert_ok(kvhash_request_names(&by_macro, &names[1], 1, &count, NULL));
    assert_true(kvhash_plh_equal(names[0], names[1]));
}

static void the_values_are_those_of_the_macros(void **state) {
    (void)state;
    const kvradix_guardrail by_macro = KVRADIX_GUARDRAIL_INIT, by_function = kvradix_guardrail_init();
    assert_true(by_function.host_bytes == by_macro.host_bytes);
    assert_true(by_function.reserved_bytes == by_macro.reserved_bytes);
    assert_true(by_function.overhead_bytes == by_macro.overhead_bytes);
    assert_int_equal(by_function.percent, by_macro.percent);
    const kvradix_lookup lookup = kvradix_lookup_init();
    assert_null(lookup.resident);
    assert_int_equal(lookup.capacity, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_config_states_its_size),
        cmocka_unit_test(a_request_works_from_the_function),
        cmocka_unit_test(the_values_are_those_of_the_macros),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
