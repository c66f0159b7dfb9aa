/* kvstrata pack, unpack, compact, digest and inspect. */
#include "shell.h"

#include <sys/xattr.h>

#include <kvformat/kvs1.h>

/* Names of blocks at positions 0, 1 and 2, as 'kvstrata hash' prints them. */
#define A "000123456789abcdefc0000000000000"
#define B "004123456789abcdefc0000000000000"
#define C "008123456789abcdefc0000000000000"

static void a_folder_comes_back_out_of_its_file(void **state) {
    (void)state;
    assert_int_equal(shell_run("rm -rf in out x.kvs1; mkdir in; printf one >in/" A ".kv; printf two >in/" B
                               ".kv; : >in/" C ".kv; \"$K\" pack --layout test-v1 --tokens 16 in x.kvs1"),
                     0);
    assert_string_equal(shell_out, "3 blocks\n");
    assert_int_equal(shell_run("\"$K\" unpack x.kvs1 out && diff -r in out"), 0);
    assert_int_equal(shell_run("\"$K\" unpack x.kvs1 out"), 1); /* nothing is overwritten */
    assert_int_equal(shell_run("\"$K\" pack in x.kvs1"), 1);    /* nor is a file */
}

static void a_newer_version_takes_the_place_of_an_older_one(void **state) {
    (void)state;
    assert_int_equal(
        shell_run("rm -rf in more out x.kvs1; mkdir in more; printf one >in/" A ".kv; printf newer >more/" A
                  ".kv; \"$K\" pack in x.kvs1 && \"$K\" pack --append more x.kvs1 && \"$K\" unpack x.kvs1 out && "
                  "cat out/" A ".kv"),
        0);
    assert_string_equal(shell_out, "1 blocks\n1 blocks\n1 blocks\nnewer");
    assert_int_equal(shell_run("\"$K\" compact x.kvs1 y.kvs1"), 0);
    assert_string_equal(shell_out, "1 blocks, 28672 bytes before, 16384 after\n");
    assert_int_equal(
        shell_run("rm -rf out; \"$K\" compact x.kvs1 && cmp -n 16 x.kvs1 y.kvs1 && ls && \"$K\" unpack x.kvs1 "
                  "out && cat out/" A ".kv"),
        0);
    assert_null(strstr(shell_out, "compacting"));
    assert_non_null(strstr(shell_out, "newer"));
}

static void what_is_no_payload_is_refused_before_a_file_is_made(void **state) {
    (void)state;
    assert_int_equal(shell_run("rm -rf in x.kvs1; mkdir in; : >in/readme; \"$K\" pack in x.kvs1"), 3);
    kvtest_assert_err("kvstrata: in/readme: expected 32 hexadecimal digits of a block name and .kv\n");
    assert_int_equal(shell_run("test -e x.kvs1"), 1);
    assert_int_equal(shell_run("\"$K\" pack --model 12 in x.kvs1"), 2);
    assert_int_equal(shell_run("\"$K\" pack in"), 2);
    assert_int_equal(shell_run("rm -rf in; mkdir in; \"$K\" pack --alignment 100 in x.kvs1"), 2);
}

static void a_digest_is_that_of_the_content_and_of_the_set(void **state) {
    (void)state;
    assert_int_equal(shell_run("printf abc >w; mkdir -p d; printf abc >d/w; printf x >t; \"$K\" digest w"), 0);
    assert_string_equal(shell_out, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9c\n");
    assert_int_equal(
        shell_run(
            "test $(\"$K\" digest w t) = $(\"$K\" digest t d/w) && test $(\"$K\" digest w t) != $(\"$K\" digest w)"),
        0);
    assert_int_equal(shell_run("\"$K\" digest w d/w"), 2); /* one name twice */
    assert_int_equal(shell_run("\"$K\" digest nosuch"), 1);
    assert_int_equal(shell_run("\"$K\" digest"), 2);
}

static void expect_format(const char *file, const char *format, uint64_t count, bool ok) {
    assert_int_equal(shell_run("\"$K\" inspect --json --verify %s", file), ok ? 0 : 3);
    json_object *found = shell_json();
    assert_string_equal(json_object_get_string(json_object_object_get(found, "format")), format);
    assert_int_equal(json_object_get_boolean(json_object_object_get(found, "ok")), ok);
    assert_int_equal(shell_number(found, "count"), count);
    json_object_put(found);
}

static void every_format_is_recognised(void **state) {
    (void)state;
    assert_int_equal(shell_run("rm -rf in x.kvs1; mkdir in; printf one >in/" A ".kv; \"$K\" pack in x.kvs1"), 0);
    expect_format("x.kvs1", "KVS1", 1, true);
    assert_int_equal(shell_run("for f in dkvb-ok drtt-ok dkvb-data_flip; do gunzip -c "
                               "\"$KVSTRATA_SOURCE\"/tests/vectors/wombat/kvb/$f.bin.gz >$f; done"),
                     0);
    expect_format("dkvb-ok", "engine block", 6, true);
    expect_format("drtt-ok", "engine sidecar", 6, true);
    expect_format("dkvb-data_flip", "engine block", 0, false);
    assert_int_equal(
        shell_run("printf 'WMBT_KV_SGV1\\0\\0\\0\\0WMBT_KV_SEG1\\0\\0\\0\\0\\305\\235\\034\\201' >segment; "
                  "printf 'WMBT_KV_WAL1\\001\\0\\001\\0\\003\\0\\0\\0\\230\\060\\117\\305kmpqr' >record; "
                  "printf 'WMBT_KV_KEYS_V1\\0\\0\\0\\0\\0' >keys; printf 'WMBT_KV_BYTES_V1\\0\\0\\0\\0\\0' >items; "
                  "printf 'WMBT\\001\\0\\0\\0\\223\\137\\074\\251\\001\\0\\0\\0x' >wire; "
                  "printf 'WBZ1\\0\\0\\001\\0\\0\\0x' >plain; : >empty"),
        0);
    expect_format("segment", "segment", 0, true);
    expect_format("record", "WAL record", 1, true);
    expect_format("keys", "key batch", 0, true);
    expect_format("items", "byte batch", 0, true);
    expect_format("wire", "wire envelope", 1, true);
    expect_format("plain", "compressed", 1, true);
    expect_format("empty", "unknown", 0, false);
    shell_file("manifest", "{\"schema_version\":1,\"epoch_ms\":1,\"checksum32\":1,\"entries\":[]}");
    expect_format("manifest", "manifest", 0, true);
    shell_file("delta", "{\"schema_version\":1,\"epoch_ms\":1,\"seq\":1,\"tenant_id\":\"t\",\"fingerprint\":\"f\","
                        "\"prefix_hash\":\"h\",\"payload_digest\":\"d\",\"write_id\":\"w\"}");
    expect_format("delta", "delta", 1, true);
}

static void a_broken_file_says_at_which_byte(void **state) {
    (void)state;
    assert_int_equal(shell_run("rm -rf in x.kvs1; mkdir in; printf one >in/" A
                               ".kv; \"$K\" pack in x.kvs1; printf X | dd of=x.kvs1 bs=1 seek=4097 conv=notrunc 2>&1"),
                     0);
    assert_int_equal(shell_run("\"$K\" inspect x.kvs1"), 0); /* payloads are read by --verify */
    assert_int_equal(shell_run("\"$K\" inspect --verify x.kvs1"), 3);
    assert_non_null(strstr(shell_out, "payload at byte 4096: checksum mismatch"));
    assert_int_equal(shell_run("\"$K\" inspect nosuch"), 1);
    assert_int_equal(shell_run("\"$K\" inspect"), 2);
}

static void pack_one(void) {
    assert_int_equal(shell_run("rm -rf in x.kvs1; mkdir in; printf one >in/" A ".kv; \"$K\" pack in x.kvs1"), 0);
}

static void compacting_in_place_keeps_what_the_file_had(void **state) {
    (void)state;
    pack_one();
    assert_int_equal(
        shell_run("chmod 600 x.kvs1; test $(id -u) != 0 || chown 1234:4321 x.kvs1; stat -c '%%a %%u %%g' x.kvs1 "
                  ">before; rm -f link; ln -s x.kvs1 link; printf KVS1 >x.kvs1.compacting; \"$K\" compact link"),
        0);
    assert_int_equal(
        shell_run("stat -c '%%a %%u %%g' x.kvs1 | cmp - before && test -L link && test ! -e x.kvs1.compacting"), 0);
    assert_int_equal(shell_run("test ! -e link.compacting && \"$K\" inspect -v link"), 0);
    bool attributes = setxattr("x.kvs1", "user.note", "kept", 4, 0) == 0; /* not every file system has them */
    char value[8];
    assert_int_equal(shell_run("\"$K\" compact x.kvs1"), 0);
    if (attributes) assert_int_equal(getxattr("x.kvs1", "user.note", value, sizeof value), 4);
    assert_int_equal(shell_run("ln x.kvs1 second; \"$K\" compact x.kvs1"), 3);
    assert_non_null(strstr(shell_err, "hard links"));
    assert_int_equal(shell_run("rm second; mkdir x.kvs1.compacting; \"$K\" compact x.kvs1"), 1);
    assert_int_equal(shell_run("rmdir x.kvs1.compacting; \"$K\" inspect -v x.kvs1"), 0);
}

/* A limit on the size of files is a full disk that needs no disk. */
static void a_full_disk_leaves_no_half_of_anything(void **state) {
    (void)state;
    assert_int_equal(shell_run("rm -rf in out more x.kvs1; mkdir in more; printf small >in/" A
                               ".kv; head -c 200000 /dev/zero >in/" B ".kv; head -c 400000 /dev/zero >more/" C
                               ".kv; \"$K\" pack in x.kvs1; wc -c <x.kvs1 >before"),
                     0);
    assert_int_equal(shell_run("bash -c 'trap \"\" XFSZ; ulimit -f 100; \"$K\" unpack x.kvs1 out'"), 1);
    assert_int_equal(shell_run("ls out"), 0);
    assert_string_equal(shell_out, A ".kv\n");
    assert_int_equal(shell_run("bash -c 'trap \"\" XFSZ; ulimit -f 300; \"$K\" pack -a more x.kvs1'"), 1);
    assert_int_equal(shell_run("wc -c <x.kvs1 | cmp - before"), 0);
    assert_int_equal(shell_run("touch out/" B ".kv.part; rm out/" A ".kv; \"$K\" unpack x.kvs1 out && diff -r in out"),
                     0);
}

static void what_is_no_regular_file_is_neither_waited_for_nor_followed(void **state) {
    (void)state;
    pack_one();
    assert_int_equal(shell_run("mkfifo in/" B ".kv; timeout 20 \"$K\" pack in fresh.kvs1"), 3);
    assert_non_null(strstr(shell_err, "not a regular file"));
    assert_int_equal(shell_run("timeout 20 \"$K\" inspect in/" B ".kv"), 3);
    assert_int_equal(shell_run("timeout 20 \"$K\" pack -a in in/" B ".kv"), 3);
    assert_int_equal(shell_run("rm in/" B ".kv; ln -s /etc/passwd in/" B ".kv; \"$K\" pack in fresh.kvs1"), 3);
    assert_non_null(strstr(shell_err, "symbolic link"));
    assert_int_equal(shell_run("test -e fresh.kvs1"), 1);
}

/* The layout tag of a file, and file names, with an escape sequence that sets the title of a terminal. */
static void nothing_from_outside_reaches_the_terminal_raw(void **state) {
    (void)state;
    kvformat_kvs1_config config = KVFORMAT_KVS1_CONFIG_INIT;
    const kvcore_layout_tag tag = {"\033]0;owned\a\302\233m\302\251"};
    config.layout_tag = &tag;
    kvformat_kvs1_writer *writer;
    remove("evil.kvs1");
    kvtest_assert_ok(kvformat_kvs1_create("evil.kvs1", &config, &writer, NULL));
    kvformat_kvs1_writer_close(writer);
    assert_int_equal(shell_run("\"$K\" inspect evil.kvs1"), 0);
    assert_non_null(strstr(shell_out, "\\x1b]0;owned\\x07\\xc2\\x9bm\302\251"));
    assert_null(strchr(shell_out, 033));
    assert_int_equal(shell_run("\"$K\" inspect \"$(printf 'no\\033[31m')\""), 1);
    assert_true(strchr(shell_out, 033) == NULL && strstr(shell_out, "no\\x1b[31m") != NULL);
    assert_int_equal(shell_run("\"$K\" unpack \"$(printf 'no\\033[31m\\nx')\" out"), 1);
    assert_true(strchr(shell_err, 033) == NULL && strstr(shell_err, "no\\x1b[31m\\x0ax") != NULL);
}

/* Units of 128 bytes have no second copy of a record. */
static void a_damaged_commit_is_said_and_not_cut_off_unasked(void **state) {
    (void)state;
    assert_int_equal(
        shell_run("rm -rf in x.kvs1; mkdir in; printf one >in/" A ".kv; \"$K\" pack -A 128 in x.kvs1 && "
                  "\"$K\" pack -a in x.kvs1 && printf X | dd of=x.kvs1 bs=1 seek=$(($(wc -c <x.kvs1) - 64)) "
                  "conv=notrunc 2>&1; cp x.kvs1 before"),
        0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(shell_run(i == 0 ? "\"$K\" inspect x.kvs1" : "\"$K\" inspect -v x.kvs1"), 3);
        assert_non_null(strstr(shell_out, "commit record at byte 1024 is damaged"));
    }
    assert_int_equal(shell_run("\"$K\" pack -a in x.kvs1"), 3);
    assert_int_equal(shell_run("\"$K\" compact x.kvs1"), 3);
    assert_int_equal(shell_run("\"$K\" compact x.kvs1 z.kvs1"), 3);
    assert_int_equal(shell_run("cmp x.kvs1 before && test ! -e z.kvs1 && \"$K\" pack -a --cut-damaged in x.kvs1"), 0);
    assert_int_equal(shell_run("\"$K\" inspect -v x.kvs1"), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_folder_comes_back_out_of_its_file),
        cmocka_unit_test(a_newer_version_takes_the_place_of_an_older_one),
        cmocka_unit_test(what_is_no_payload_is_refused_before_a_file_is_made),
        cmocka_unit_test(a_digest_is_that_of_the_content_and_of_the_set),
        cmocka_unit_test(every_format_is_recognised),
        cmocka_unit_test(a_broken_file_says_at_which_byte),
        cmocka_unit_test(compacting_in_place_keeps_what_the_file_had),
        cmocka_unit_test(a_full_disk_leaves_no_half_of_anything),
        cmocka_unit_test(what_is_no_regular_file_is_neither_waited_for_nor_followed),
        cmocka_unit_test(nothing_from_outside_reaches_the_terminal_raw),
        cmocka_unit_test(a_damaged_commit_is_said_and_not_cut_off_unasked),
    };
    return cmocka_run_group_tests(tests, shell_setup, shell_teardown);
}
