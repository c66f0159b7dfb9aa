/* Can results grow? What does a caller of an older or a newer version read? */
#include "support.h"

#include <stdlib.h>
#include <string.h>

#include <kvlogical/events.h>
#include <kvlogical/external_assignments.h>
#include <kvlogical/inspect.h>
#include <kvlogical/policy.h>
#include <kvlogical/request.h>

/* A struct of the caller's with one field more than ours has. */
#define NEWER(type)       \
    struct {              \
        type known;       \
        uint64_t unknown; \
    }

static void counts_are_read_by_the_size_of_the_callers_struct(void **state) {
    (void)state;
    kvlogical_manager *manager = make_lru(8);
    kvlogical_counts full = kvlogical_manager_counts(manager);
    assert_int_equal(full.struct_size, sizeof full);
    assert_int_equal(full.total, 8);
    kvlogical_counts older = KVLOGICAL_COUNTS_INIT;
    older.struct_size = offsetof(kvlogical_counts, free);
    older.withdrawn = 77;
    kvtest_assert_ok(kvlogical_manager_read_counts(manager, &older));
    assert_int_equal(older.available, 8);
    assert_int_equal(older.free, 0); /* not written */
    assert_int_equal(older.withdrawn, 77);
    NEWER(kvlogical_counts) newer = {.known.struct_size = sizeof newer, .unknown = 5};
    kvtest_assert_ok(kvlogical_manager_read_counts(manager, &newer.known));
    assert_int_equal(newer.known.free, 8);
    assert_int_equal(newer.unknown, 0);
    older.struct_size = sizeof(size_t) - 1;
    kvtest_assert_status(kvlogical_manager_read_counts(manager, &older), KVCORE_EINVAL);
    assert_int_equal(kvlogical_manager_counts(NULL).total, 0);
    destroy_manager(manager);
}

static void metrics_are_read_by_the_size_of_the_callers_struct(void **state) {
    (void)state;
    kvlogical_manager *manager = make_lru(8);
    kvhash_plh name = kvhash_plh_root(1);
    cache_names(manager, &name, 1);
    kvlogical_metrics older = KVLOGICAL_METRICS_INIT;
    older.struct_size = offsetof(kvlogical_metrics, allocations_from_reset);
    kvtest_assert_ok(kvlogical_manager_read_metrics(manager, &older));
    assert_int_equal(older.allocations, 1);
    assert_int_equal(older.allocations_from_reset, 0);
    assert_int_equal(kvlogical_manager_metrics(manager).allocations_from_reset, 1);
    older.struct_size = 0;
    kvtest_assert_status(kvlogical_manager_read_metrics(manager, &older), KVCORE_EINVAL);
    destroy_manager(manager);
}

static void the_numbers_of_a_request_are_read_by_the_size_of_the_callers_struct(void **state) {
    (void)state;
    kvlogical_manager *manager = make_lru(8);
    static const uint32_t tokens[6] = {1, 2, 3, 4, 5, 6};
    kvlogical_request_config config = KVLOGICAL_REQUEST_CONFIG_INIT;
    kvlogical_request *request = NULL;
    config.tokens = tokens;
    config.token_count = 6;
    kvtest_assert_ok(kvlogical_request_create(manager, &config, &request, NULL));
    kvlogical_request_counts older = KVLOGICAL_REQUEST_COUNTS_INIT;
    older.struct_size = offsetof(kvlogical_request_counts, generated_tokens);
    older.total_tokens = 77;
    kvtest_assert_ok(kvlogical_request_read_counts(request, &older));
    assert_int_equal(older.input_tokens, 6);
    assert_int_equal(older.total_tokens, 77);
    assert_int_equal(kvlogical_request_count(request).total_tokens, 6);
    kvlogical_request_destroy(request);
    destroy_manager(manager);
}

static void arrays_have_the_stride_of_the_caller(void **state) {
    (void)state;
    kvlogical_manager *manager = make_lru(4);
    kvhash_plh names[3];
    size_t count;
    kvlogical_subscription *subscription = NULL;
    kvtest_assert_ok(kvlogical_subscription_create(kvlogical_manager_registry(manager), &subscription));
    name_roots(1, names, 3);
    cache_names(manager, names, 3);
    NEWER(kvlogical_slot) slots[4];
    memset(slots, 0xFF, sizeof slots);
    kvtest_assert_ok(kvlogical_manager_read_slots(manager, 0, sizeof *slots, slots, 4, &count));
    assert_int_equal(count, 4);
    NEWER(kvlogical_explanation) why[3];
    memset(why, 0xFF, sizeof why);
    kvtest_assert_ok(kvlogical_manager_read_explanations(manager, names, NULL, 3, sizeof *why, why));
    NEWER(kvhash_event) events[3];
    memset(events, 0xFF, sizeof events);
    kvtest_assert_ok(kvlogical_subscription_read(subscription, sizeof *events, events, 3, &count));
    assert_int_equal(count, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_same_name(slots[i].known.name, names[i]);
        assert_int_equal(slots[i].unknown, 0);
        assert_int_equal(why[i].known.reason, KVLOGICAL_REASON_INACTIVE);
        assert_int_equal(why[i].unknown, 0);
        assert_same_name(events[i].known.name, names[i]);
        assert_int_equal(events[i].unknown, 0);
    }
    kvhash_plh only_names[4]; /* a caller that knows the first field alone */
    kvtest_assert_ok(kvlogical_manager_read_slots(manager, 0, sizeof *only_names, only_names, 4, &count));
    assert_same_name(only_names[2], names[2]);
    kvtest_assert_status(kvlogical_manager_read_slots(manager, 0, 8, slots, 4, &count), KVCORE_EINVAL);
    kvtest_assert_status(kvlogical_manager_read_explanations(manager, names, NULL, 3, 0, why), KVCORE_EINVAL);
    kvtest_assert_status(kvlogical_subscription_read(subscription, 8, events, 3, &count), KVCORE_EINVAL);
    kvlogical_subscription_destroy(subscription);
    destroy_manager(manager);
}

/* NOLINTBEGIN(bugprone-macro-parentheses): an initialiser and a type are no expressions */
#define ASSERT_SAME(type, macro)                              \
    do {                                                      \
        const type from_macro = macro, made = type##_init();  \
        assert_int_equal(made.struct_size, sizeof made);      \
        assert_memory_equal(&from_macro, &made, sizeof made); \
    } while (0)
/* NOLINTEND(bugprone-macro-parentheses) */

static void init_functions_give_what_the_macros_give(void **state) {
    (void)state;
    ASSERT_SAME(kvlogical_attributes, KVLOGICAL_ATTRIBUTES_INIT);
    ASSERT_SAME(kvlogical_counts, KVLOGICAL_COUNTS_INIT);
    ASSERT_SAME(kvlogical_metrics, KVLOGICAL_METRICS_INIT);
    assert_int_equal(kvlogical_policy_init().struct_size, sizeof(kvlogical_policy));
    assert_int_equal(kvlogical_config_init().struct_size, sizeof(kvlogical_config));
    assert_int_equal(kvlogical_event_policy_init().struct_size, sizeof(kvlogical_event_policy));
    assert_int_equal(kvlogical_publisher_config_init().struct_size, sizeof(kvlogical_publisher_config));
    assert_int_equal(kvlogical_registry_config_init().struct_size, sizeof(kvlogical_registry_config));
    assert_int_equal(kvlogical_request_config_init().struct_size, sizeof(kvlogical_request_config));
    assert_int_equal(kvlogical_request_counts_init().struct_size, sizeof(kvlogical_request_counts));
}

static void positions_of_a_view_are_functions(void **state) {
    (void)state;
    kvlogical_external_assignments_view view = {NULL, NULL, 2, 3, 4, 10};
    assert_int_equal(kvlogical_external_assignments_next_position(&view), 15);
    assert_int_equal(kvlogical_external_assignments_assigned_positions(&view).start, 10);
    assert_int_equal(kvlogical_external_assignments_staged_positions(&view).start, 12);
    assert_int_equal(kvlogical_external_assignments_staged_positions(&view).end, 15);
    assert_int_equal(kvlogical_external_assignments_pending_positions(&view).end, 19);
    assert_int_equal(kvlogical_external_assignments_next_position(NULL), 0);
    assert_int_equal(kvlogical_external_assignments_pending_positions(NULL).end, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_are_read_by_the_size_of_the_callers_struct),
        cmocka_unit_test(metrics_are_read_by_the_size_of_the_callers_struct),
        cmocka_unit_test(the_numbers_of_a_request_are_read_by_the_size_of_the_callers_struct),
        cmocka_unit_test(arrays_have_the_stride_of_the_caller),
        cmocka_unit_test(init_functions_give_what_the_macros_give),
        cmocka_unit_test(positions_of_a_view_are_functions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
