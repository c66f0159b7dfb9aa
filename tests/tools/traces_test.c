/* The public Mooncake traces give the published figures, to the last digit. They are not in the tree: the test looks for them
 * in KVSTRATA_TRACES, then in ../shared/traces beside the checkout, and is skipped where they are absent. */
#include "shell.h"

#include <unistd.h>

typedef struct figures {
    uint64_t hits, evictions;
} figures;

static const char *const capacities = "1k,3k,10k,30k,50k,100k,unbounded";
enum { RUNS = 7 };

/* The folder, or NULL. */
static const char *find_traces(void) {
    static char folder[1024];
    const char *named = getenv("KVSTRATA_TRACES"), *source = getenv("KVSTRATA_SOURCE");
    char probe[1100];
    for (int i = 0; i < 2; i++) {
        if (i == 0 && named != NULL)
            snprintf(folder, sizeof folder, "%s", named);
        else
            snprintf(folder, sizeof folder, "%s/../shared/traces", source != NULL ? source : ".");
        snprintf(probe, sizeof probe, "%s/mooncake/conversation_trace.jsonl", folder);
        if (access(probe, R_OK) == 0) return folder;
    }
    return NULL;
}

static void assert_figures(const char *file, uint64_t references, const char *names_xor, const figures *expected) {
    assert_int_equal(shell_run("\"$K\" replay --json -c %s '%s/mooncake/%s'", capacities, find_traces(), file), 0);
    json_object *report = shell_json(), *runs = NULL, *value = NULL;
    assert_int_equal(shell_number(report, "block_references"), references);
    assert_true(json_object_object_get_ex(report, "names_xor", &value));
    assert_string_equal(json_object_get_string(value), names_xor);
    assert_true(json_object_object_get_ex(report, "runs", &runs));
    for (size_t i = 0; i < RUNS; i++) {
        json_object *run = json_object_array_get_idx(runs, i);
        assert_int_equal(shell_number(run, "hits"), expected[i].hits);
        assert_int_equal(shell_number(run, "evictions"), expected[i].evictions);
        assert_int_equal(shell_number(run, "oversized"), 0);
    }
    json_object_put(report);
}

static void conversation_gives_the_published_figures(void **state) {
    (void)state;
    static const figures expected[RUNS] = {{12847, 274653},  {18850, 266650}, {61046, 217454}, {93978, 164522},
                                           {102290, 136210}, {104924, 83576}, {105710, 0}};
    assert_figures("conversation_trace.jsonl", 288500, "3af39f1850a28ffe1f0ab223cd1f453f", expected);
}

static void synthetic_gives_the_published_figures(void **state) {
    (void)state;
    static const figures expected[RUNS] = {{10252, 110625}, {23226, 95651}, {51669, 60208}, {76077, 15800},
                                           {77953, 0},      {77953, 0},     {77953, 0}};
    assert_figures("synthetic_trace.jsonl", 121877, "21baaaa443b748513208a19ec3e68d8a", expected);
}

/* Hits of one policy on the conversation trace. */
static void assert_hits(const char *policy, const char *list, const uint64_t *expected, size_t count) {
    int code = shell_run("\"$K\" replay --json -p %s -c %s '%s/mooncake/conversation_trace.jsonl'", policy, list,
                         find_traces());
    if (code != 0) fail_msg("%s", shell_err);
    json_object *report = shell_json(), *runs = NULL;
    assert_true(json_object_object_get_ex(report, "runs", &runs));
    for (size_t i = 0; i < count; i++)
        assert_int_equal(shell_number(json_object_array_get_idx(runs, i), "hits"), expected[i]);
    json_object_put(report);
}

static void lineage_gives_the_figures_of_lru(void **state) {
    (void)state;
    static const uint64_t expected[] = {12847, 18850, 61046, 93978, 102290, 104924};
    assert_hits("lineage", "1k,3k,10k,30k,50k,100k", expected, 6);
}

static void the_fifo_leaf_rule_gives_the_figures_of_its_model(void **state) {
    (void)state;
    static const uint64_t expected[] = {47621, 80557};
    assert_hits("lineage-fifo", "10k,30k", expected, 2);
}

/* To the last hit, as the model of the policy has it. */
static void survival_gives_the_figures_of_its_model(void **state) {
    (void)state;
    static const uint64_t expected[] = {13698, 22772, 26555, 39685, 66899, 95525, 104920};
    assert_hits("survival", "300,1k,1400,3k,10k,30k,100k", expected, 7);
}

int main(void) {
    if (find_traces() == NULL) {
        puts("skipped: no traces in KVSTRATA_TRACES or ../shared/traces");
        return 77;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(conversation_gives_the_published_figures),
        cmocka_unit_test(synthetic_gives_the_published_figures),
        cmocka_unit_test(lineage_gives_the_figures_of_lru),
        cmocka_unit_test(the_fifo_leaf_rule_gives_the_figures_of_its_model),
        cmocka_unit_test(survival_gives_the_figures_of_its_model),
    };
    return cmocka_run_group_tests(tests, shell_setup, shell_teardown);
}
