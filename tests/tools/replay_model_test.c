/* An LRU cache that shares nothing with the program replays the same workload and counts the same. */
#include "shell.h"

#include "lru_twin.h"

static lru_twin twin_replay(size_t capacity, const char *text) {
    lru_twin twin = twin_open(capacity);
    trace_line *line = malloc(sizeof *line);
    while (trace_line_next(&text, line)) {
        for (size_t i = 0; i < line->count; i++) assert_true(line->ids[i] + 1 < IDS);
        twin_serve(&twin, line);
    }
    free(line);
    twin_close(&twin);
    return twin;
}

static void lru_equals_its_twin_at_every_capacity(void **state) {
    (void)state;
    static const size_t capacities[] = {1, 7, 30, 100, 300, 1000, 3000, 10000, 100000};
    enum { COUNT = sizeof capacities / sizeof *capacities };
    kvtest_random random = kvtest_seed(42);
    assert_int_equal(shell_run("\"$K\" generate --requests 6k --seed %llu --block-size 64 --system-tokens 600 >t && "
                               "\"$K\" replay t --json -b 64 -c 1,7,30,100,300,1k,3k,10k,100k",
                               (unsigned long long)kvtest_next(&random)),
                     0);
    json_object *report = shell_json(), *runs = NULL;
    assert_true(json_object_object_get_ex(report, "runs", &runs));
    assert_int_equal(json_object_array_length(runs), COUNT);
    char *text = shell_read("t", NULL);
    uint64_t evictions = 0, oversized = 0;
    for (size_t i = 0; i < COUNT; i++) {
        json_object *run = json_object_array_get_idx(runs, i);
        lru_twin twin = twin_replay(capacities[i], text);
        assert_int_equal(shell_number(run, "capacity"), capacities[i]);
        assert_int_equal(shell_number(run, "hits"), twin.hits);
        assert_int_equal(shell_number(run, "evictions"), twin.evictions);
        assert_int_equal(shell_number(run, "oversized"), twin.oversized);
        assert_int_equal(shell_number(run, "registrations"), twin.evictions + twin.held);
        evictions += twin.evictions;
        oversized += twin.oversized;
    }
    assert_true(evictions > 10000 && oversized > 1000); /* the workload does stress what is compared */
    free(text);
    json_object_put(report);
}

/* The figures of a model written from the policy's definition. */
static void survival_evicts_what_its_model_evicts(void **state) {
    (void)state;
    static const uint64_t hits[] = {221647, 280254, 323857, 430910}, evictions[] = {407352, 348045, 302442, 188389};
    assert_int_equal(shell_run("\"$K\" generate >t && \"$K\" replay t --json -p survival -c 300,1k,3k,10k"), 0);
    json_object *report = shell_json(), *runs = NULL;
    assert_true(json_object_object_get_ex(report, "runs", &runs));
    for (size_t i = 0; i < 4; i++) {
        json_object *run = json_object_array_get_idx(runs, i);
        assert_int_equal(shell_number(run, "hits"), hits[i]);
        assert_int_equal(shell_number(run, "evictions"), evictions[i]);
    }
    json_object_put(report);
}

/* Multi-LRU may evict a block before the one that follows it. The next request then misses both, allocates both, and is given
 * the one that was there all along: that one is no second registration. */
static void a_name_behind_a_gap_is_registered_once(void **state) {
    (void)state;
    int code = shell_run("\"$K\" generate --requests 10k --block-size 64 --system-tokens 600 >t && "
                         "\"$K\" replay t --json -b 64 -c 300,1k,3k -p multi-lru");
    if (code == 4) skip(); /* not supported yet */
    assert_int_equal(code, 0);
    json_object *report = shell_json(), *runs = NULL;
    assert_true(json_object_object_get_ex(report, "runs", &runs));
    uint64_t met_again = 0;
    for (size_t i = 0; i < 3; i++) {
        json_object *run = json_object_array_get_idx(runs, i);
        uint64_t registrations = shell_number(run, "registrations"),
                 misses = shell_number(run, "block_references") - shell_number(run, "hits");
        assert_true(registrations - shell_number(run, "evictions") <= shell_number(run, "capacity"));
        assert_true(shell_number(run, "never_reused") <= registrations && registrations <= misses);
        if (shell_number(run, "oversized") == 0) met_again += misses - registrations;
    }
    assert_true(met_again > 0); /* the workload has such gaps */
    json_object_put(report);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lru_equals_its_twin_at_every_capacity),
        cmocka_unit_test(survival_evicts_what_its_model_evicts),
        cmocka_unit_test(a_name_behind_a_gap_is_registered_once),
    };
    return cmocka_run_group_tests(tests, shell_setup, shell_teardown);
}
