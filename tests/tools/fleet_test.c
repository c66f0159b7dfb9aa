/* `kvstrata replay --workers --route`: who serves which request, and what that gives. */
#include "shell.h"

#include "lru_twin.h"

enum { BLOCK_TOKENS = 64, WORKERS_MAX = 9 };
static const char *const routes[] = {"prefix", "round-robin", "random"};

static json_object *get(json_object *object, const char *key) {
    json_object *value = NULL;
    if (!json_object_object_get_ex(object, key, &value)) fail_msg("no key %s", key);
    return value;
}

static double ratio(json_object *object, const char *key) { return json_object_get_double(get(object, key)); }

/* ---- by hand ---- */

/* a: [1 2], b: [5 6], then each again with one more */
static const char *const two_sessions = "{\"hash_ids\": [1, 2]}\n{\"hash_ids\": [5, 6]}\n"
                                        "{\"hash_ids\": [5, 6, 7]}\n{\"hash_ids\": [1, 2, 3]}\n";

static void a_prefix_brings_a_request_to_who_has_it(void **state) {
    (void)state;
    static const uint64_t hits[] = {4, 0}; /* by turns, a session meets the other's worker */
    shell_file("t", two_sessions);
    assert_int_equal(shell_run("\"$K\" replay t --json -c 10,unbounded -b 16 -w 2 -r prefix,round-robin"), 0);
    json_object *report = shell_json(), *runs = get(report, "runs");
    assert_int_equal(json_object_array_length(runs), 4);
    for (size_t i = 0; i < 4; i++) {
        json_object *run = json_object_array_get_idx(runs, i), *workers = get(run, "workers");
        assert_string_equal(json_object_get_string(get(run, "route")), routes[i / 2]);
        assert_int_equal(shell_number(run, "hits"), hits[i / 2]);
        assert_int_equal(shell_number(run, "requests"), 4);
        assert_int_equal(json_object_array_length(workers), 2);
        for (size_t w = 0; w < 2; w++) {
            json_object *worker = json_object_array_get_idx(workers, w);
            assert_int_equal(shell_number(worker, "requests"), 2);
            assert_int_equal(shell_number(worker, "tokens"), 5 * 16);
            assert_int_equal(shell_number(worker, "hit_tokens"), hits[i / 2] / 2 * 16);
        }
        assert_true(ratio(run, "balance") == 1.0);
    }
    json_object_put(report);
}

static void a_worker_that_did_more_than_a_prefix_saves_is_passed_over(void **state) {
    (void)state;
    /* [1 2 3 4] to the first worker: 4 blocks of work. [1 9] would be its fifth; the other has done nothing, and 2 to do. Then
     * both hold 1, and [1] leaves no work anywhere: to the one that did less. */
    shell_file("t", "{\"hash_ids\": [1, 2, 3, 4]}\n{\"hash_ids\": [1, 9]}\n{\"hash_ids\": [1]}\n");
    assert_int_equal(shell_run("\"$K\" replay t --json -c 10 -b 16 -w 2 -r prefix"), 0);
    json_object *report = shell_json(), *run = json_object_array_get_idx(get(report, "runs"), 0);
    json_object *workers = get(run, "workers");
    assert_int_equal(shell_number(json_object_array_get_idx(workers, 0), "requests"), 1);
    assert_int_equal(shell_number(json_object_array_get_idx(workers, 1), "requests"), 2);
    assert_int_equal(shell_number(run, "hits"), 1);
    assert_true(ratio(run, "balance") == 0.75); /* 4 and 2 blocks */
    json_object_put(report);
}

static void the_table_shows_route_workers_and_balance(void **state) {
    (void)state;
    shell_file("t", two_sessions);
    assert_int_equal(shell_run("\"$K\" replay t -c 1k,unbounded -w 2"), 0);
    assert_non_null(
        strstr(shell_out, "\npolicy  route        workers   capacity  hits  hit ratio  token ratio   balance"));
    assert_non_null(
        strstr(shell_out, "\nlru     prefix             2      1,000     4    40.00 %      40.00 %  100.00 %"));
    assert_non_null(
        strstr(shell_out, "\nlru     round-robin        2  unbounded     0     0.00 %       0.00 %  100.00 %"));
    assert_non_null(strstr(shell_out, "\nlru     random             2      1,000 "));
    assert_int_equal(shell_run("\"$K\" replay t -c 1k,10k,unbounded -w 1,2 -p lru,fifo --plot p.svg"), 0);
    char *svg = shell_read("p.svg", NULL);
    assert_non_null(strstr(svg, "</svg>"));
    free(svg);
}

static void an_empty_trace_gives_rows_of_nothing(void **state) {
    (void)state;
    shell_file("t", "{\"hash_ids\": []}\n");
    assert_int_equal(shell_run("\"$K\" replay t --json -c 5,unbounded -w 3"), 0);
    json_object *report = shell_json();
    for (size_t i = 0; i < 6; i++) {
        json_object *run = json_object_array_get_idx(get(report, "runs"), i);
        assert_int_equal(shell_number(run, "requests"), 1);
        assert_null(get(run, "balance"));
    }
    json_object_put(report);
}

static void options_that_make_no_sense_are_refused(void **state) {
    (void)state;
    static const struct {
        const char *options, *error;
    } bad[] = {
        {"-r prefix", "kvstrata replay: --route needs --workers"},
        {"-w 0", "kvstrata: --workers: expected a number of workers from 1 to 1024, found '0'"},
        {"-w 2,", "kvstrata: --workers: expected a number of workers from 1 to 1024, found ''"},
        {"-w 1025", "kvstrata: --workers: expected a number of workers from 1 to 1024, found '1025'"},
        {"-w 2 -r prefx", "kvstrata: --route: expected prefix, round-robin or random, found 'prefx'"},
        {"-w 2 -r random,,prefix", "kvstrata: --route: expected prefix, round-robin or random, found ''"},
    };
    shell_file("t", "{\"hash_ids\": [1]}\n");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(shell_run("\"$K\" replay t -c 5 %s", bad[i].options), 2);
        if (strncmp(shell_err, bad[i].error, strlen(bad[i].error)) != 0) fail_msg("%s: %s", bad[i].options, shell_err);
    }
    assert_int_equal(shell_run("\"$K\" replay t -c 5 -w 1024,1024 -r random,random"), 0);
}

/* ---- beside a twin ---- */

typedef struct fleet_twin {
    lru_twin caches[WORKERS_MAX];
    uint64_t requests[WORKERS_MAX], work[WORKERS_MAX];
    size_t count, turn;
    uint64_t dice;
} fleet_twin;

static uint64_t splitmix(uint64_t *state) {
    uint64_t z = *state += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return z ^ z >> 31;
}

static uint64_t tokens_missing(const lru_twin *cache, const trace_line *line) {
    size_t overlap = 0;
    while (overlap < line->count && cache->here[line->ids[overlap] + 1]) overlap++;
    return overlap == line->count ? 0 : line->input_length - overlap * BLOCK_TOKENS;
}

/* Looks into the caches themselves, of which the program's router only hears. */
static size_t twin_choose(fleet_twin *twin, size_t route, const trace_line *line) {
    if (route == 1) return twin->turn++ % twin->count;
    if (route == 2) return (size_t)(splitmix(&twin->dice) % twin->count); /* bias: once in 2^60 */
    size_t best = 0;
    for (size_t i = 1; i < twin->count; i++) {
        uint64_t missing = tokens_missing(&twin->caches[i], line), least = tokens_missing(&twin->caches[best], line);
        uint64_t left = twin->work[i] + missing, right = twin->work[best] + least;
        if (left < right || (left == right && missing < least)) best = i;
    }
    return best;
}

static void assert_as_twin(json_object *run, size_t route, size_t workers, size_t capacity, const char *text) {
    fleet_twin twin = {.count = workers, .dice = 1};
    for (size_t i = 0; i < workers; i++) twin.caches[i] = twin_open(capacity);
    trace_line *line = malloc(sizeof *line);
    while (trace_line_next(&text, line)) {
        size_t chosen = twin_choose(&twin, route, line);
        twin.requests[chosen]++;
        twin.work[chosen] += tokens_missing(&twin.caches[chosen], line);
        twin_serve(&twin.caches[chosen], line);
    }
    free(line);
    json_object *list = get(run, "workers");
    assert_int_equal(json_object_array_length(list), workers);
    uint64_t work = 0, busiest = 0, hits = 0;
    for (size_t i = 0; i < workers; i++) {
        json_object *worker = json_object_array_get_idx(list, i);
        assert_int_equal(shell_number(worker, "requests"), twin.requests[i]);
        assert_int_equal(shell_number(worker, "hits"), twin.caches[i].hits);
        assert_int_equal(shell_number(worker, "evictions"), twin.caches[i].evictions);
        assert_int_equal(shell_number(worker, "tokens") - shell_number(worker, "hit_tokens"), twin.work[i]);
        hits += twin.caches[i].hits;
        work += twin.work[i];
        if (twin.work[i] > busiest) busiest = twin.work[i];
        twin_close(&twin.caches[i]);
    }
    assert_int_equal(shell_number(run, "hits"), hits);
    double balance = (double)work / (double)(busiest * workers), shown = ratio(run, "balance");
    assert_true(shown - balance < 1e-6 && balance - shown < 1e-6);
}

static void every_route_serves_as_its_twin(void **state) {
    (void)state;
    static const size_t workers[] = {1, 2, WORKERS_MAX}, capacities[] = {30, 300, 3000, 100000};
    kvtest_random random = kvtest_seed(7);
    assert_int_equal(shell_run("\"$K\" generate --requests 3k --seed %llu --block-size 64 --system-tokens 600 >t && "
                               "\"$K\" replay t --json -b 64 -c 30,300,3k,100k -w 1,2,9 -r prefix,round-robin,random",
                               (unsigned long long)kvtest_next(&random)),
                     0);
    json_object *report = shell_json(), *runs = get(report, "runs");
    assert_int_equal(json_object_array_length(runs), 36);
    char *text = shell_read("t", NULL);
    uint64_t hits[3] = {0};
    for (size_t w = 0, i = 0; w < 3; w++)
        for (size_t r = 0; r < 3; r++)
            for (size_t c = 0; c < 4; c++, i++) {
                json_object *run = json_object_array_get_idx(runs, i);
                assert_string_equal(json_object_get_string(get(run, "route")), routes[r]);
                assert_int_equal(shell_number(run, "capacity"), capacities[c]);
                assert_as_twin(run, r, workers[w], capacities[c], text);
                if (w == 2) hits[r] += shell_number(run, "hits");
            }
    assert_true(hits[0] > hits[1] && hits[0] > hits[2]); /* what an index is for */
    free(text);
    json_object_put(report);
}

/* Whatever the policy evicts, and whatever holes it leaves: one worker on any route is the plain replay. */
static void a_fleet_of_one_is_the_plain_replay(void **state) {
    (void)state;
    static const char *const counts[] = {"requests",  "block_references", "hits",         "evictions",
                                         "oversized", "registrations",    "never_reused", "hit_tokens"};
    const char *arguments = "t --json -b 64 -c 100,1k,unbounded -p lru,multi-lru,fifo,lineage,lineage-fifo";
    assert_int_equal(
        shell_run("\"$K\" generate --requests 3k --block-size 64 --system-tokens 600 >t && \"$K\" replay %s",
                  arguments),
        0);
    json_object *plain = shell_json();
    for (size_t r = 0; r < 3; r++) {
        assert_int_equal(shell_run("\"$K\" replay %s -w 1 -r %s", arguments, routes[r]), 0);
        json_object *fleet = shell_json();
        for (size_t i = 0; i < 15; i++)
            for (size_t c = 0; c < sizeof counts / sizeof *counts; c++)
                assert_int_equal(shell_number(json_object_array_get_idx(get(fleet, "runs"), i), counts[c]),
                                 shell_number(json_object_array_get_idx(get(plain, "runs"), i), counts[c]));
        json_object_put(fleet);
    }
    json_object_put(plain);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_prefix_brings_a_request_to_who_has_it),
        cmocka_unit_test(a_worker_that_did_more_than_a_prefix_saves_is_passed_over),
        cmocka_unit_test(the_table_shows_route_workers_and_balance),
        cmocka_unit_test(an_empty_trace_gives_rows_of_nothing),
        cmocka_unit_test(options_that_make_no_sense_are_refused),
        cmocka_unit_test(every_route_serves_as_its_twin),
        cmocka_unit_test(a_fleet_of_one_is_the_plain_replay),
    };
    return cmocka_run_group_tests(tests, shell_setup, shell_teardown);
}
