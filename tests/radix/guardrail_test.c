#include "kvtest.h"

#include <kvradix/guardrail.h>

static void the_preset_allows_what_the_contract_says(void **state) {
    (void)state;
    kvradix_guardrail preset = KVRADIX_GUARDRAIL_INIT;
    assert_int_equal(kvradix_guardrail_budget_bytes(&preset), UINT64_C(15461882265));
    assert_int_equal(kvradix_guardrail_entry_bytes(&preset), 104);
    assert_int_equal(kvradix_guardrail_max_entries(&preset), 148671944);
    assert_int_equal(kvradix_guardrail_estimate_bytes(&preset, 1000), 104000);
}

static void a_host_that_is_all_reserved_has_no_budget(void **state) {
    (void)state;
    assert_int_equal(kvradix_guardrail_budget_bytes(&(kvradix_guardrail){100, 100, 64, 50}), 0);
    assert_int_equal(kvradix_guardrail_budget_bytes(&(kvradix_guardrail){100, 101, 64, 50}), 0);
    assert_int_equal(kvradix_guardrail_max_entries(&(kvradix_guardrail){100, 101, 64, 50}), 0);
}

static void every_step_saturates_on_its_own(void **state) {
    (void)state;
    kvradix_guardrail most = {UINT64_MAX, 0, UINT64_MAX, 255};
    assert_int_equal(kvradix_guardrail_budget_bytes(&most), UINT64_MAX / 100); /* the product, then the division */
    assert_int_equal(kvradix_guardrail_entry_bytes(&most), UINT64_MAX);
    assert_int_equal(kvradix_guardrail_estimate_bytes(&most, 2), UINT64_MAX);
    assert_int_equal(kvradix_guardrail_estimate_bytes(&most, 0), 0);
    assert_int_equal(kvradix_guardrail_budget_bytes(&(kvradix_guardrail){1000, 0, 0, 255}), 2550);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_preset_allows_what_the_contract_says),
        cmocka_unit_test(a_host_that_is_all_reserved_has_no_budget),
        cmocka_unit_test(every_step_saturates_on_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
