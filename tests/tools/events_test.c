/* kvstrata events: what was recorded is played, and what is played is printed. */
#include "shell.h"

/* Two messages: everything was cleared; something that is no batch. */
static const char file[] =
    "0 6b76 0000000000000000 93cb41d954fc40353c569181a474797065b0416c6c426c6f636b73436c656172656400\n"
    "1000 - 0000000000000001 c0\n";

static void what_is_recorded_is_what_was_played(void **state) {
    (void)state;
    shell_file("a.events", file);
    assert_int_equal(shell_run("E=ipc://@kvevents-tool-$$; \"$K\" events record -n 2 $E b.events & "
                               "\"$K\" events tail -n 2 $E > tail.txt & "
                               "\"$K\" events play -w 2500 a.events $E && wait"),
                     0);
    char *tail = shell_read("tail.txt", NULL), *recorded = shell_read("b.events", NULL);
    assert_string_equal(tail, "0 batch ts=1700000000.831808 events=1 rank=0 topic=kv\n0 cleared\n"
                              "1 refused: event 0, byte 0: not a batch of events\n");
    assert_non_null(strstr(recorded, " 6b76 0000000000000000 93cb41d954fc"));
    assert_non_null(strstr(recorded, " - 0000000000000001 c0\n"));
    free(tail);
    free(recorded);
}

static void what_makes_no_sense_is_said(void **state) {
    (void)state;
    assert_int_equal(shell_run("\"$K\" events tail nonsense"), 2);
    assert_int_equal(shell_run("\"$K\" events dance 2>/dev/null"), 2);
    assert_int_equal(shell_run("\"$K\" events play absent ipc://@kvevents-tool-$$"), 1);
    shell_file("bad.events", "0 zz\n");
    assert_int_equal(shell_run("\"$K\" events play -w 0 bad.events ipc://@kvevents-tool-$$"), 3);
    kvtest_assert_err("kvstrata: bad.events:1: expected a time and frames\n");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_recorded_is_what_was_played),
        cmocka_unit_test(what_makes_no_sense_is_said),
    };
    return cmocka_run_group_tests(tests, shell_setup, shell_teardown);
}
