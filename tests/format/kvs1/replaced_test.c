/* KVS1 when the path changes under an appender: flock() of this program is called between its opening and its locking. */
#include "kvtest.h"

#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <kvformat/kvs1.h>

static char path[64], beside[80];
static int replacements; /* still to be made before the next locks */

static kvcore_status put_one(kvformat_kvs1_writer *writer, uint64_t number) {
    kvhash_plh name;
    kvtest_assert_ok(kvhash_plh_make(number, 0, number, &name));
    return kvformat_kvs1_put(writer, name, kvcore_text("payload"), NULL);
}

/* In the place of libc's: first somebody compacts the file. */
int flock(int descriptor, int operation) {
    if (replacements > 0 && access(path, F_OK) == 0) {
        replacements--;
        kvformat_kvs1_compaction done = KVFORMAT_KVS1_COMPACTION_INIT;
        int left = replacements;
        replacements = 0;
        kvtest_assert_ok(kvformat_kvs1_compact(path, beside, NULL, &done, NULL));
        replacements = left;
        assert_int_equal(rename(beside, path), 0);
    }
    return (int)syscall(SYS_flock, descriptor, operation);
}

static void make_file(void) {
    kvformat_kvs1_writer *writer;
    snprintf(path, sizeof path, "/tmp/kvs1-replaced-%ld.kvs1", (long)getpid());
    snprintf(beside, sizeof beside, "%s.new", path);
    kvtest_assert_ok(kvformat_kvs1_create(path, NULL, &writer, NULL));
    kvtest_assert_ok(put_one(writer, 1));
    kvtest_assert_ok(kvformat_kvs1_commit(writer, NULL));
    kvformat_kvs1_writer_close(writer);
}

static void a_commit_goes_to_the_file_that_the_path_leads_to(void **state) {
    (void)state;
    kvformat_kvs1_writer *writer;
    kvformat_kvs1_reader *reader;
    make_file();
    replacements = 2;
    kvtest_assert_ok(kvformat_kvs1_append(path, NULL, &writer, NULL));
    assert_int_equal(replacements, 0);
    kvtest_assert_ok(put_one(writer, 2));
    kvtest_assert_ok(kvformat_kvs1_commit(writer, NULL));
    kvformat_kvs1_writer_close(writer);
    kvtest_assert_ok(kvformat_kvs1_open(path, NULL, &reader, NULL));
    assert_int_equal(kvformat_kvs1_reader_info(reader).entry_count, 2);
    kvformat_kvs1_close(reader);
    unlink(path);
}

static void a_path_that_is_never_the_same_is_busy(void **state) {
    (void)state;
    kvformat_kvs1_writer *writer;
    make_file();
    replacements = 1000;
    kvtest_assert_status(kvformat_kvs1_append(path, NULL, &writer, NULL), KVCORE_EBUSY);
    replacements = 0;
    unlink(path);
}

static void what_is_no_regular_file_is_refused_at_once(void **state) {
    (void)state;
    kvformat_kvs1_writer *writer;
    kvformat_kvs1_reader *reader;
    kvcore_error error;
    snprintf(path, sizeof path, "/tmp/kvs1-fifo-%ld", (long)getpid());
    assert_int_equal(mkfifo(path, 0600), 0);
    alarm(20); /* instead of waiting for ever */
    kvtest_assert_status(kvformat_kvs1_open(path, NULL, &reader, &error), KVCORE_EFORMAT);
    kvtest_assert_status(kvformat_kvs1_append(path, NULL, &writer, &error), KVCORE_EFORMAT);
    kvtest_assert_status(kvformat_kvs1_open("/dev/null", NULL, &reader, &error), KVCORE_EFORMAT);
    alarm(0);
    unlink(path);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_commit_goes_to_the_file_that_the_path_leads_to),
        cmocka_unit_test(a_path_that_is_never_the_same_is_busy),
        cmocka_unit_test(what_is_no_regular_file_is_refused_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
