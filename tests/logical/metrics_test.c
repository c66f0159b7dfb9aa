/* Are the values right, and is the text what Prometheus reads? */
#include "support.h"

#define FAMILIES 30 /* the 19 of the original and eleven of ours */

static const char *const names_in_order[] = {
    "kvbm_allocations_total",
    "kvbm_allocations_from_reset_total",
    "kvbm_evictions_total",
    "kvbm_registrations_total",
    "kvbm_duplicate_blocks_total",
    "kvbm_registration_dedup_total",
    "kvbm_stagings_total",
    "kvbm_match_hashes_requested_total",
    "kvbm_match_blocks_returned_total",
    "kvbm_scan_hashes_requested_total",
    "kvbm_scan_blocks_returned_total",
    "kvbm_eager_primary_to_inactive_total",
    "kvbm_allocate_atomic_rollback_total",
    "kvbm_release_primary_noop_total",
    "kvbm_release_duplicate_noop_total",
    "kvbm_inflight_mutable",
    "kvbm_inflight_immutable",
    "kvbm_reset_pool_size",
    "kvbm_inactive_pool_size",
};

static char text[65536];

static void write_text(kvlogical_manager **managers, size_t count, const kvlogical_label *labels, size_t label_count) {
    size_t length, needed;
    kvtest_assert_ok(kvlogical_metrics_text((const kvlogical_manager *const *)managers, count, labels, label_count,
                                            text, sizeof text, &length));
    assert_int_equal(strlen(text), length);
    kvtest_assert_ok(kvlogical_metrics_text((const kvlogical_manager *const *)managers, count, labels, label_count,
                                            NULL, 0, &needed));
    assert_int_equal(needed, length);
}

static void expect_line(const char *line) {
    const char *at = strstr(text, line);
    if (at == NULL || at[strlen(line)] != '\n') fail_msg("no line \"%s\" in\n%s", line, text);
}

static size_t occurrences(const char *what) {
    size_t count = 0;
    for (const char *at = text; (at = strstr(at, what)) != NULL; at += strlen(what)) count++;
    return count;
}

static kvlogical_manager *make_labelled(const char *label) {
    kvlogical_config config = config_of(8);
    config.tier_label = label;
    return make_manager(&config);
}

static void a_life_is_counted(void **state) {
    (void)state;
    kvlogical_manager *manager = make_labelled("G1");
    kvhash_plh names[10];
    kvlogical_immutable held[3];
    name_roots(1, names, 10);
    cache_names(manager, names, 8);
    cache_names(manager, names + 8, 2); /* evicts two */
    assert_int_equal(match_names(manager, names + 2, 3), 3);
    hold_names(manager, names + 9, 1, &held[0]); /* a duplicate of an inactive one: evicts one more */
    kvlogical_metrics metrics = kvlogical_manager_metrics(manager);
    assert_int_equal(metrics.allocations, 11);
    assert_int_equal(metrics.allocations_from_reset, 8);
    assert_int_equal(metrics.evictions, 3);
    assert_int_equal(metrics.stagings, 11);
    assert_int_equal(metrics.registrations, 11);
    assert_int_equal(metrics.duplicate_blocks, 1);
    assert_int_equal(metrics.inflight_immutable, 1);
    assert_int_equal(metrics.inactive_pool_size, 6);
    kvtest_assert_ok(kvlogical_release(manager, held, 1));
    destroy_manager(manager);
    metrics = kvlogical_manager_metrics(NULL);
    assert_int_equal(metrics.allocations, 0);
}

static void the_text_has_every_family_once_in_order(void **state) {
    (void)state;
    kvlogical_manager *manager = make_labelled("G1");
    kvhash_plh names[3];
    kvlogical_mutable block;
    name_roots(1, names, 3);
    cache_names(manager, names, 3);
    kvtest_assert_ok(kvlogical_allocate(manager, 1, &block, NULL));
    write_text(&manager, 1, NULL, 0);
    assert_int_equal(occurrences("# TYPE "), FAMILIES);
    assert_int_equal(occurrences("# HELP "), FAMILIES);
    const char *at = text;
    for (size_t i = 0; i < sizeof names_in_order / sizeof *names_in_order; i++) {
        char type[100];
        snprintf(type, sizeof type, "# TYPE %s %s\n%s{pool=\"G1\"} ", names_in_order[i], i < 15 ? "counter" : "gauge",
                 names_in_order[i]);
        at = strstr(at, type);
        if (at == NULL) fail_msg("no \"%s\" after the family before it", type);
    }
    expect_line("kvbm_allocations_total{pool=\"G1\"} 4");
    expect_line("kvbm_registrations_total{pool=\"G1\"} 3");
    expect_line("kvbm_inflight_mutable{pool=\"G1\"} 1");
    expect_line("kvbm_reset_pool_size{pool=\"G1\"} 4");
    expect_line("kvbm_inactive_pool_size{pool=\"G1\"} 3");
    kvtest_assert_ok(kvlogical_release_mutable(manager, &block, 1));
    destroy_manager(manager);
}

static void labels_come_after_the_pool_in_their_order(void **state) {
    (void)state;
    kvlogical_manager *manager = make_labelled("G1");
    const kvlogical_label labels[] = {{"zone", "b"}, {"app", "a"}};
    write_text(&manager, 1, labels, 2);
    expect_line("kvbm_reset_pool_size{pool=\"G1\",zone=\"b\",app=\"a\"} 8");
    destroy_manager(manager);
}

static void managers_share_each_family(void **state) {
    (void)state;
    kvlogical_manager *managers[2] = {make_labelled("G1"), make_labelled("G2")};
    kvlogical_mutable block;
    kvtest_assert_ok(kvlogical_allocate(managers[1], 1, &block, NULL));
    write_text(managers, 2, NULL, 0);
    assert_int_equal(occurrences("# TYPE "), FAMILIES);
    assert_int_equal(occurrences("kvbm_evictions_total{"), 2);
    assert_non_null(
        strstr(text, "kvbm_allocations_total{pool=\"G1\"} 0\nkvbm_allocations_total{pool=\"G2\"} 1\n# HELP"));
    kvtest_assert_ok(kvlogical_release_mutable(managers[1], &block, 1));
    destroy_manager(managers[0]);
    destroy_manager(managers[1]);
    write_text(NULL, 0, NULL, 0);
    assert_string_equal(text, "");
}

static void a_tier_without_a_label_is_a_number(void **state) {
    (void)state;
    kvlogical_config config = config_of(8);
    config.tier = UINT64_MAX;
    kvlogical_manager *manager = make_manager(&config);
    write_text(&manager, 1, NULL, 0);
    expect_line("kvbm_reset_pool_size{pool=\"18446744073709551615\"} 8");
    destroy_manager(manager);
}

static void label_values_are_escaped(void **state) {
    (void)state;
    kvlogical_manager *manager = make_labelled("a\"b\\c\nd");
    const kvlogical_label label = {"x", "\\\"\n"};
    write_text(&manager, 1, &label, 1);
    expect_line("kvbm_reset_pool_size{pool=\"a\\\"b\\\\c\\nd\",x=\"\\\\\\\"\\n\"} 8");
    destroy_manager(manager);
}

static void what_does_not_fit_or_is_no_label_is_refused(void **state) {
    (void)state;
    kvlogical_manager *manager = make_labelled("G1");
    const kvlogical_manager *one = manager, *none = NULL;
    size_t needed, length;
    kvtest_assert_ok(kvlogical_metrics_text(&one, 1, NULL, 0, NULL, 0, &needed));
    char *buffer = malloc(needed + 1);
    kvtest_assert_status(kvlogical_metrics_text(&one, 1, NULL, 0, buffer, needed, &length), KVCORE_EBUFFER);
    assert_int_equal(length, needed);
    kvtest_assert_ok(kvlogical_metrics_text(&one, 1, NULL, 0, buffer, needed + 1, &length));
    assert_int_equal(strlen(buffer), needed);
    free(buffer);
    static const char *const wrong[] = {"", "1a", "a-b", "a b", "\xc3\xa4", "a\n", NULL};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        const kvlogical_label label = {wrong[i], "v"};
        kvtest_assert_status(kvlogical_metrics_text(&one, 1, &label, 1, text, sizeof text, &length), KVCORE_EINVAL);
    }
    const kvlogical_label valueless = {"a", NULL};
    kvtest_assert_status(kvlogical_metrics_text(&one, 1, &valueless, 1, text, sizeof text, &length), KVCORE_EINVAL);
    const kvlogical_label twice[] = {{"app", "a"}, {"zone", "b"}, {"app", "c"}}, pool = {"pool", "mine"};
    kvtest_assert_ok(kvlogical_metrics_text(&one, 1, twice, 2, text, sizeof text, &length));
    kvtest_assert_status(kvlogical_metrics_text(&one, 1, twice, 3, text, sizeof text, &length), KVCORE_EINVAL);
    kvtest_assert_status(kvlogical_metrics_text(&one, 1, &pool, 1, text, sizeof text, &length), KVCORE_EINVAL);
    kvtest_assert_status(kvlogical_metrics_text(&none, 1, NULL, 0, text, sizeof text, &length), KVCORE_EINVAL);
    kvtest_assert_status(kvlogical_metrics_text(NULL, 1, NULL, 0, text, sizeof text, &length), KVCORE_EINVAL);
    kvtest_assert_status(kvlogical_metrics_text(&one, 1, NULL, 0, NULL, 9, &length), KVCORE_EINVAL);
    destroy_manager(manager);
}

static void managers_of_one_label_are_told_apart(void **state) {
    (void)state;
    kvlogical_manager *managers[4] = {make_labelled("G1"), make_labelled("G1"), make_labelled("G2"),
                                      make_labelled("G1")};
    write_text(managers, 4, NULL, 0);
    expect_line("kvbm_reset_pool_size{pool=\"G1\"} 8");
    expect_line("kvbm_reset_pool_size{pool=\"G1\",manager=\"1\"} 8");
    expect_line("kvbm_reset_pool_size{pool=\"G2\"} 8");
    expect_line("kvbm_reset_pool_size{pool=\"G1\",manager=\"2\"} 8");
    assert_int_equal(occurrences("kvbm_reset_pool_size{pool=\"G1\"}"), 1);
    kvlogical_label taken = {"manager", "x"};
    size_t length;
    kvtest_assert_status(
        kvlogical_metrics_text((const kvlogical_manager *const *)managers, 4, &taken, 1, text, sizeof text, &length),
        KVCORE_EINVAL);
    for (int i = 0; i < 4; i++) destroy_manager(managers[i]);
}

/* Every value is UTF-8, whatever the caller's bytes are. */
static void bytes_that_are_no_characters_are_replaced(void **state) {
    (void)state;
    static const struct {
        const char *given, *written;
    } cases[] = {
        {"\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80", "\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80"}, /* é € and a smiley */
        {"a\xFFz", "a\xEF\xBF\xBDz"},
        {"\xC3", "\xEF\xBF\xBD"},                                 /* ends too early */
        {"\xE2\x82", "\xEF\xBF\xBD\xEF\xBF\xBD"},                 /* so does this */
        {"\xC0\xAF", "\xEF\xBF\xBD\xEF\xBF\xBD"},                 /* longer than needed */
        {"\xED\xA0\x80", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"}, /* half a pair */
        {"\xC3\"", "\xEF\xBF\xBD\\\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char line[200];
        kvlogical_manager *manager = make_labelled(cases[i].given);
        kvlogical_label label = {"job", cases[i].given};
        write_text(&manager, 1, &label, 1);
        snprintf(line, sizeof line, "kvbm_reset_pool_size{pool=\"%s\",job=\"%s\"} 8", cases[i].written,
                 cases[i].written);
        expect_line(line);
        destroy_manager(manager);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_life_is_counted),
        cmocka_unit_test(the_text_has_every_family_once_in_order),
        cmocka_unit_test(labels_come_after_the_pool_in_their_order),
        cmocka_unit_test(managers_share_each_family),
        cmocka_unit_test(a_tier_without_a_label_is_a_number),
        cmocka_unit_test(label_values_are_escaped),
        cmocka_unit_test(managers_of_one_label_are_told_apart),
        cmocka_unit_test(bytes_that_are_no_characters_are_replaced),
        cmocka_unit_test(what_does_not_fit_or_is_no_label_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
