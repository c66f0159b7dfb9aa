/* Is every eviction policy listed, usable by its number, and named in the documentation? */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <kvlogical/policy.h>

static kvlogical_policy policy_at(size_t index) {
    kvlogical_policy policy = KVLOGICAL_POLICY_INIT;
    kvtest_assert_ok(kvlogical_policy_at(index, &policy));
    return policy;
}

static void every_policy_has_texts_and_a_name_of_its_own(void **state) {
    (void)state;
    assert_true(kvlogical_policy_count() >= 5);
    for (size_t i = 0; i < kvlogical_policy_count(); i++) {
        kvlogical_policy one = policy_at(i);
        assert_true(one.name[0] != '\0' && one.label[0] != '\0' && one.help[0] != '\0');
        assert_null(strpbrk(one.name, " ,ABCDEFGHIJKLMNOPQRSTUVWXYZ"));
        for (size_t j = 0; j < i; j++) {
            kvlogical_policy other = policy_at(j);
            assert_true(other.policy < one.policy);
            assert_string_not_equal(one.name, other.name);
            if (other.alias != NULL) assert_string_not_equal(one.name, other.alias);
            if (one.alias != NULL) assert_string_not_equal(one.alias, other.name);
        }
    }
}

static void every_policy_makes_a_manager_that_keeps_its_invariants(void **state) {
    (void)state;
    for (size_t i = 0; i < kvlogical_policy_count(); i++) {
        kvlogical_config config = config_of(8);
        config.eviction = policy_at(i).policy;
        kvlogical_manager *manager = make_manager(&config);
        kvhash_plh names[24];
        name_chain(1, names, 24);
        cache_names(manager, names, 8);
        assert_int_equal(match_names(manager, names, 8), 8);
        assert_sound(manager);
        cache_names(manager, names + 8, 8);
        assert_sound(manager);
        cache_names(manager, names + 16, 8);
        destroy_manager(manager);
    }
}

static void a_number_without_a_policy_is_refused(void **state) {
    (void)state;
    kvlogical_config config = config_of(8);
    kvlogical_manager *manager = NULL;
    kvcore_error error;
    config.eviction = policy_at(kvlogical_policy_count() - 1).policy + 1;
    kvtest_assert_status(kvlogical_manager_create(&config, &manager, &error), KVCORE_ECONFIG);
    assert_int_equal(error.actual, config.eviction);
    kvlogical_policy policy = KVLOGICAL_POLICY_INIT;
    kvtest_assert_status(kvlogical_policy_at(kvlogical_policy_count(), &policy), KVCORE_EINVAL);
}

static void a_caller_of_another_version_gets_what_both_know(void **state) {
    (void)state;
    struct {
        kvlogical_policy policy;
        uint64_t newer;
    } large = {.policy.struct_size = sizeof large, .newer = 7};
    kvtest_assert_ok(kvlogical_policy_at(0, &large.policy));
    assert_int_equal(large.newer, 0);
    assert_int_equal(large.policy.struct_size, sizeof large);
    kvlogical_policy small = {.struct_size = offsetof(kvlogical_policy, name), .help = "as it was"};
    kvtest_assert_ok(kvlogical_policy_at(0, &small));
    assert_int_equal(small.policy, policy_at(0).policy);
    assert_string_equal(small.help, "as it was");
    small.struct_size = 0;
    kvtest_assert_status(kvlogical_policy_at(0, &small), KVCORE_EINVAL);
}

static void assert_documented(const char *path, const char *before, const char *after) {
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    static char text[1 << 17];
    size_t length = fread(text, 1, sizeof text - 1, file);
    text[length] = '\0';
    (void)fclose(file);
    for (size_t i = 0; i < kvlogical_policy_count(); i++) {
        char wanted[80];
        snprintf(wanted, sizeof wanted, "%s%s%s", before, policy_at(i).name, after);
        if (strstr(text, wanted) == NULL) fail_msg("%s does not name the policy %s", path, policy_at(i).name);
    }
}

static void the_documentation_names_every_policy(void **state) {
    (void)state;
    assert_documented(DOCS "/libs/logical.md", "| `", "` |");
    assert_documented(DOCS "/man/kvstrata.1", ".It Cm ", "\n");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_policy_has_texts_and_a_name_of_its_own),
        cmocka_unit_test(every_policy_makes_a_manager_that_keeps_its_invariants),
        cmocka_unit_test(a_number_without_a_policy_is_refused),
        cmocka_unit_test(a_caller_of_another_version_gets_what_both_know),
        cmocka_unit_test(the_documentation_names_every_policy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
