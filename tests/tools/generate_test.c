/* What `kvstrata generate` writes: always the same, and in keeping with what ids mean. */
#include "shell.h"
#include "trace_lines.h"

#include <zlib.h>

static void the_same_seed_gives_the_same_bytes_on_every_machine(void **state) {
    (void)state;
    assert_int_equal(shell_run("\"$K\" generate --requests 5k"), 0);
    /* a change here is a change of every user's workload: say so in the changelog */
    assert_int_equal(crc32(0, (const unsigned char *)shell_out, (unsigned)strlen(shell_out)), 0x9DE61B10u);
    assert_int_equal(
        shell_run("\"$K\" generate --requests 2k --seed 18446744073709551615 --zipf 0.73 --turns 3 --block-size 16 "
                  "--think-time 7 --system-prompts 9 --system-tokens 77 --context 999"),
        0);
    assert_int_equal(crc32(0, (const unsigned char *)shell_out, (unsigned)strlen(shell_out)), 0xF3AC3930u);
}

static void another_seed_gives_another_workload(void **state) {
    (void)state;
    assert_int_equal(
        shell_run("\"$K\" generate --requests 100 --seed 1 >a; \"$K\" generate --requests 100 --seed 2 >b; cmp -s a b"),
        1);
}

static void a_shorter_workload_is_the_start_of_a_longer_one(void **state) {
    (void)state;
    assert_int_equal(
        shell_run("\"$K\" generate --requests 300 >a; \"$K\" generate --requests 1k | head -300 | cmp - a"), 0);
    assert_int_equal(shell_run("\"$K\" generate --requests 0"), 0);
    assert_string_equal(shell_out, "");
}

/* Of each id: where it stands, and what stands before it. */
typedef struct place {
    size_t position;
    uint64_t before;
    int seen, partial;
} place;

static void equal_ids_mean_equal_prefixes(void **state) {
    (void)state;
    enum { BLOCK = 16, CONTEXT = 3000 };
    assert_int_equal(
        shell_run("\"$K\" generate --requests 3k --block-size %d --context %d --system-prompts 20 --system-tokens 200 "
                  "--user-tokens 50 --output-tokens 70",
                  BLOCK, CONTEXT),
        0);
    size_t room = 1000000, shared = 0, requests = 0;
    place *places = calloc(room, sizeof *places);
    trace_line *line = malloc(sizeof *line);
    uint64_t last_time = 0, next_id = 0;
    const char *text = shell_out;
    for (; trace_line_next(&text, line); requests++) {
        assert_true(line->timestamp >= last_time);
        last_time = line->timestamp;
        assert_true(line->input_length >= 1 && line->input_length <= CONTEXT && line->output_length >= 1);
        assert_int_equal(line->count, (line->input_length + BLOCK - 1) / BLOCK);
        for (size_t i = 0; i < line->count; i++) {
            uint64_t id = line->ids[i], before = i > 0 ? line->ids[i - 1] : UINT64_MAX;
            assert_true(id < room);
            assert_true(id <= next_id); /* numbered as they come */
            if (id == next_id) next_id++;
            if (places[id].seen) {
                assert_int_equal(places[id].position, i);
                assert_int_equal(places[id].before, before);
                assert_false(places[id].partial); /* what follows a partial block is not known yet */
                shared++;
            }
            places[id] = (place){i, before, 1, i + 1 == line->count && line->input_length % BLOCK != 0};
        }
    }
    assert_int_equal(requests, 3000);
    assert_true(shared > 3000);
    free(line);
    free(places);
}

static double share_of_the_first_prompt(const char *zipf) {
    assert_int_equal(
        shell_run("\"$K\" generate --requests 4k --turns 1 --system-prompts 10 --system-tokens 4k --zipf %s", zipf), 0);
    size_t *of_root = calloc(1000000, sizeof *of_root), most = 0;
    trace_line *line = malloc(sizeof *line);
    const char *text = shell_out;
    while (trace_line_next(&text, line)) {
        assert_true(line->ids[0] < 1000000);
        if (++of_root[line->ids[0]] > most) most = of_root[line->ids[0]];
    }
    free(line);
    free(of_root);
    return (double)most / 4000;
}

static void popular_prompts_follow_zipf(void **state) {
    (void)state;
    double even = share_of_the_first_prompt("0"), one = share_of_the_first_prompt("1"),
           two = share_of_the_first_prompt("2");
    /* 1/10; 1 / (1 + 1/2 + … + 1/10) = 0.341; 1 / (1 + 1/4 + … + 1/100) = 0.645 */
    assert_true(even > 0.09 && even < 0.125);
    assert_true(one > 0.31 && one < 0.37);
    assert_true(two > 0.61 && two < 0.68);
}

static void means_are_those_asked_for(void **state) {
    (void)state;
    assert_int_equal(
        shell_run(
            "\"$K\" generate --requests 20k --turns 1 --system-prompts 1 --system-tokens 0 --sessions-per-minute 600 "
            "--user-tokens 200 --output-tokens 100 --context 1M"),
        0);
    trace_line *line = malloc(sizeof *line);
    double input = 0, output = 0;
    const char *text = shell_out;
    while (trace_line_next(&text, line)) {
        input += (double)line->input_length;
        output += (double)line->output_length;
    }
    assert_true(input / 20000 > 193 && input / 20000 < 207);
    assert_true(output / 20000 > 96 && output / 20000 < 104);
    assert_true(line->timestamp > 1940000 && line->timestamp < 2060000); /* 20,000 sessions at 10 a second */
    free(line);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_seed_gives_the_same_bytes_on_every_machine),
        cmocka_unit_test(another_seed_gives_another_workload),
        cmocka_unit_test(a_shorter_workload_is_the_start_of_a_longer_one),
        cmocka_unit_test(equal_ids_mean_equal_prefixes),
        cmocka_unit_test(popular_prompts_follow_zipf),
        cmocka_unit_test(means_are_those_asked_for),
    };
    return cmocka_run_group_tests(tests, shell_setup, shell_teardown);
}
