/* Output that cannot be written, pictures, help. */
#include "shell.h"

#include <sys/stat.h>

static void output_that_cannot_be_written_is_a_failure(void **state) {
    (void)state;
    shell_file("t", "{\"hash_ids\": [1]}\n");
    shell_file("r", "{\"block_size\": 1, \"tokens\": [1]}\n");
    static const char *const commands[] = {"replay t -c 5", "replay t -c 5 --json", "generate", "hash r",
                                           "--help",        "replay --version"};
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        assert_int_equal(shell_run("\"$K\" %s >/dev/full", commands[i]), 1);
        kvtest_assert_err("kvstrata: standard output: No space left on device\n");
        assert_int_equal(shell_run("\"$K\" %s >&-", commands[i]), 1);
        kvtest_assert_err("kvstrata: standard output: Bad file descriptor\n");
    }
}

static void a_reader_that_has_seen_enough_is_no_crash(void **state) {
    (void)state;
    assert_int_equal(shell_run("{ \"$K\" generate --requests 1G; echo $? >&2; } | head -1"), 0);
    kvtest_assert_err("1\n");
}

static void a_closed_stream_is_not_mistaken_for_a_file(void **state) {
    (void)state;
    shell_file("t", "{\"hash_ids\": [1]}\n");
    /* enough rows that they would not wait in the buffer until the end */
    assert_int_equal(shell_run("\"$K\" replay t -c $(seq -s , 1 100) --json --plot p.svg >&- 2>&-"), 1);
    char *picture = shell_read("p.svg", NULL);
    assert_memory_equal(picture, "<?xml", 5); /* and not the report */
    free(picture);
}

static bool is_there(const char *name) {
    struct stat facts;
    return stat(name, &facts) == 0;
}

static void a_picture_is_drawn_as_svg_and_png(void **state) {
    (void)state;
    assert_int_equal(shell_run("\"$K\" generate --requests 2000 >t"), 0);
    assert_int_equal(shell_run("\"$K\" replay t -c 100,1k,10k,unbounded --plot p.svg && \"$K\" replay t --plot p.png"),
                     0);
    kvtest_assert_err("");
    size_t size_bytes;
    char *svg = shell_read("p.svg", &size_bytes);
    assert_int_equal(strlen(svg), size_bytes);
    assert_non_null(strstr(svg, "<title>lru, 100: ")); /* a point says what it stands for */
    assert_memory_equal(svg, "<?xml", 5);
    assert_non_null(strstr(svg, "</svg>"));
    free(svg);
    char *png = shell_read("p.png", &size_bytes);
    assert_true(size_bytes > 5000);
    assert_memory_equal(png, "\x89PNG\r\n\x1a\n", 8);
    assert_memory_equal(png + size_bytes - 8, "IEND\xae\x42\x60\x82", 8);
    free(png);
}

static void any_rows_make_a_picture(void **state) {
    (void)state;
    static const char *const traces[] = {"", "{\"hash_ids\": [1]}\n", "{\"hash_ids\": [1]}\n{\"hash_ids\": [1]}\n"};
    static const char *const lists[] = {"unbounded", "1", "2000000", "7,unbounded", "1,10,100,1k,10k,100k,1M,2M"};
    for (size_t i = 0; i < 3; i++)
        for (size_t j = 0; j < 5; j++) {
            shell_file("# <odd> & \xff name", traces[i]);
            /* rsvg-convert refuses what is no well-formed SVG */
            int code = shell_run("\"$K\" replay '# <odd> & \xff name' -c %s --plot p.png", lists[j]);
            if (code != 0 || *shell_err != '\0') fail_msg("-c %s: exit code %d, %s", lists[j], code, shell_err);
        }
}

static void a_png_without_its_converter_is_refused_at_once(void **state) {
    (void)state;
    shell_file("t", "{\"hash_ids\": [1]}\n");
    assert_int_equal(shell_run("PATH=nowhere \"$K\" replay t -c 5 --plot none.png"), 4);
    kvtest_assert_err("kvstrata: none.png: a PNG takes rsvg-convert (Debian: librsvg2-bin); an SVG does not\n");
    assert_false(is_there("none.png"));
    assert_int_equal(shell_run("PATH=nowhere \"$K\" replay t -c 5 --plot one.svg"), 0);
}

static void a_picture_that_cannot_be_written_is_known_before_the_work(void **state) {
    (void)state;
    shell_file("t", "{\"hash_ids\": [1]}\n");
    assert_int_equal(shell_run("\"$K\" replay t -c 5 --plot nowhere/p.svg"), 1);
    kvtest_assert_err("kvstrata: nowhere/p.svg: No such file or directory\n");
    assert_string_equal(shell_out, "");
    assert_int_equal(shell_run("ln -s /dev/full full.png; \"$K\" replay t -c 5 --plot full.png"), 1);
    kvtest_assert_err("kvstrata: full.png: No space left on device\n");
}

static void a_failed_replay_leaves_pictures_alone(void **state) {
    (void)state;
    shell_file("t", "nonsense\n");
    shell_file("old.svg", "old");
    assert_int_equal(shell_run("\"$K\" replay t -c 5 --plot new.svg"), 3);
    assert_false(is_there("new.svg"));
    assert_int_equal(shell_run("\"$K\" replay t -c 5 --plot old.svg"), 3);
    char *old = shell_read("old.svg", NULL);
    assert_string_equal(old, "old");
    free(old);
}

static void help_and_version_are_everywhere(void **state) {
    (void)state;
    static const char *const commands[] = {"",     "replay", "generate", "hash",  "inspect",
                                           "pack", "unpack", "compact",  "digest"};
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        assert_int_equal(shell_run("\"$K\" %s --help", commands[i]), 0);
        assert_memory_equal(shell_out, "Usage: kvstrata", 15);
        assert_int_equal(shell_run("\"$K\" %s --version", commands[i]), 0);
        assert_memory_equal(shell_out, "kvstrata ", 9);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(output_that_cannot_be_written_is_a_failure),
        cmocka_unit_test(a_reader_that_has_seen_enough_is_no_crash),
        cmocka_unit_test(a_closed_stream_is_not_mistaken_for_a_file),
        cmocka_unit_test(a_picture_is_drawn_as_svg_and_png),
        cmocka_unit_test(any_rows_make_a_picture),
        cmocka_unit_test(a_png_without_its_converter_is_refused_at_once),
        cmocka_unit_test(a_picture_that_cannot_be_written_is_known_before_the_work),
        cmocka_unit_test(a_failed_replay_leaves_pictures_alone),
        cmocka_unit_test(help_and_version_are_everywhere),
    };
    return cmocka_run_group_tests(tests, shell_setup, shell_teardown);
}
