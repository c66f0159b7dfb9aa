/* kvstrata store, on a directory. */
#include "shell.h"

#define A "000123456789abcdefc0000000000000"
#define B "004123456789abcdefc0000000000000"

static void a_folder_goes_into_a_store_and_comes_back(void **state) {
    (void)state;
    assert_int_equal(shell_run("rm -rf in out s; mkdir in; printf one >in/" A ".kv; printf two >in/" B
                               ".kv; \"$K\" store put --tenant=acme --tokens=16 s in"),
                     0);
    assert_string_equal(shell_out, "2 stored, 0 there already\n");
    assert_int_equal(shell_run("\"$K\" store put --tenant=acme --tokens=16 s in"), 0);
    assert_string_equal(shell_out, "0 stored, 2 there already\n");
    assert_int_equal(shell_run("\"$K\" store get --tenant=acme --tokens=16 s out && diff -r in out"), 0);
    assert_int_equal(shell_run("rm -rf out; \"$K\" store get --tenant=other --tokens=16 s out"), 0);
    assert_string_equal(shell_out, "0 fetched\n");
    assert_int_equal(shell_run("\"$K\" store get --tenant=acme --tokens=16 s out " B " && ls out"), 0);
    assert_string_equal(shell_out, "1 fetched\n" B ".kv\n");
}

static void what_is_there_is_listed_and_checked(void **state) {
    (void)state;
    assert_int_equal(shell_run("\"$K\" store ls s | sort | cut -c1-45"), 0);
    assert_string_equal(shell_out, A "          131\n" B "          131\n");
    assert_int_equal(shell_run("\"$K\" store stat s"), 0);
    assert_string_equal(shell_out, "medium   disk\nblocks   2\nbytes    262\nignored  0\n");
    assert_int_equal(
        shell_run("\"$K\" store stat --prometheus s | grep -c '^kvstrata_store_catalog_entries{backend=\"disk\"} 2$'"),
        0);
    assert_int_equal(shell_run("\"$K\" store verify s"), 0);
    assert_string_equal(shell_out, "2 blocks, 262 bytes: 2 sound, 0 foreign, 0 damaged\n");
    assert_int_equal(shell_run("\"$K\" inspect --verify $(find s -name " A ")"), 0);
    assert_non_null(strstr(shell_out, "stored block"));
    assert_int_equal(shell_run("printf x | dd of=$(find s -name " A
                               ") conv=notrunc 2>/dev/null; \"$K\" store verify s | tail -1; "
                               "\"$K\" store verify s >/dev/null"),
                     3);
    assert_string_equal(shell_out, "2 blocks, 262 bytes: 1 sound, 0 foreign, 1 damaged\n");
    assert_int_equal(shell_run("rm -rf out; \"$K\" store get --tenant=acme --tokens=16 s out"), 3);
    assert_int_equal(shell_run("\"$K\" inspect --verify $(find s -name " A ")"), 3);
}

static void blocks_are_removed_and_evicted(void **state) {
    (void)state;
    assert_int_equal(shell_run("\"$K\" store rm --tenant=acme --tokens=16 s " A), 0);
    assert_string_equal(shell_out, "1 removed\n");
    assert_int_equal(shell_run("\"$K\" store evict --to=0 s"), 0);
    assert_string_equal(shell_out, "1 evicted\n");
    assert_int_equal(shell_run("\"$K\" store put s in && \"$K\" store rm --space s"), 0);
    assert_string_equal(shell_out, "2 stored, 0 there already\n2 removed\n");
    assert_int_equal(shell_run("\"$K\" store ls s"), 0);
    assert_string_equal(shell_out, "");
}

static void what_makes_no_sense_is_refused(void **state) {
    (void)state;
    assert_int_equal(shell_run("\"$K\" store"), 2);
    assert_int_equal(shell_run("\"$K\" store paint s"), 2);
    assert_int_equal(shell_run("\"$K\" store put s"), 2);
    assert_int_equal(shell_run("\"$K\" store put --tenant=../up s in"), 2);
    assert_int_equal(shell_run("\"$K\" store put --shard=2of2 s in"), 2);
    assert_int_equal(shell_run("\"$K\" store rm s xyz"), 2);
    assert_int_equal(shell_run("\"$K\" store evict s"), 2);
    assert_int_equal(shell_run("\"$K\" store ls s3://bucket/kv"), 2); /* no endpoint */
    assert_int_equal(shell_run("\"$K\" store ls 's3://bucket/kv?endpoint=https://127.0.0.1:1'"),
                     2);                                                                            /* no credentials */
    assert_int_equal(shell_run("\"$K\" store ls 's3://bucket/kv?endpoint=http://example.com'"), 2); /* plain http */
    assert_int_equal(shell_run("AWS_ACCESS_KEY_ID=a AWS_SECRET_ACCESS_KEY=b \"$K\" store ls --credentials=env "
                               "'s3://bucket/kv?endpoint=http://127.0.0.1:1'"),
                     1); /* nobody there */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_folder_goes_into_a_store_and_comes_back),
        cmocka_unit_test(what_is_there_is_listed_and_checked),
        cmocka_unit_test(blocks_are_removed_and_evicted),
        cmocka_unit_test(what_makes_no_sense_is_refused),
    };
    return cmocka_run_group_tests(tests, shell_setup, shell_teardown);
}
