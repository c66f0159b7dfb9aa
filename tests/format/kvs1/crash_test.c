/* KVS1 when writers die: on a disk that forgets and reorders, and by SIGKILL. */
#include "disk.h"

#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { COMMITS = 4, BLOCKS = 3 };

/* 128: a record has one copy; 256: two, of which a crash may leave one. */
static uint32_t unit = 128;

/* Block b of commit c: some names come again in later commits with other payloads. */
static kvhash_plh name_of(size_t c, size_t b) {
    kvhash_plh name;
    size_t number = b == 0 ? 0 : c * BLOCKS + b;
    kvtest_assert_ok(kvhash_plh_make(0x1234567 * (number + 1), 0, number, &name));
    return name;
}

static size_t payload_of(size_t c, size_t b, uint8_t bytes[512]) {
    size_t size = (c * 131 + b * 57) % 400;
    for (size_t i = 0; i < size; i++) bytes[i] = (uint8_t)(c * 7 + b * 3 + i);
    return size;
}

static const uint8_t file_id[16] = "crash-test-file";

static kvformat_kvs1_config config_of(void) {
    kvformat_kvs1_config config = KVFORMAT_KVS1_CONFIG_INIT;
    config.alignment = unit;
    config.file_id = file_id;
    return config;
}

static kvcore_status write_commit(kvformat_kvs1_writer *writer, size_t c) {
    for (size_t b = 0; b < BLOCKS; b++) {
        uint8_t bytes[512];
        size_t size = payload_of(c, b, bytes);
        kvcore_status status = kvformat_kvs1_put(writer, name_of(c, b), (kvcore_bytes){bytes, size}, NULL);
        if (status != KVCORE_OK) return status;
    }
    return kvformat_kvs1_commit(writer, NULL);
}

/* Everything of the first `commits` commits is there and whole, and nothing else. */
static void assert_holds(const kvformat_kvs1_reader *reader, uint64_t commits) {
    kvcore_error error;
    assert_int_equal(kvformat_kvs1_reader_info(reader).commit_count, commits);
    assert_int_equal(kvformat_kvs1_reader_info(reader).entry_count, commits * BLOCKS);
    kvtest_assert_ok(kvformat_kvs1_check_all(reader, &error));
    for (size_t c = 0; c < COMMITS; c++)
        for (size_t b = 0; b < BLOCKS; b++) {
            uint8_t bytes[512];
            size_t newest = b == 0 && commits > 0 ? (size_t)commits - 1 : c, size = payload_of(newest, b, bytes), found;
            kvhash_plh name = name_of(c, b);
            kvformat_kvs1_block block;
            kvtest_assert_ok(kvformat_kvs1_longest_prefix(reader, &name, 1, &block, &found, &error));
            assert_int_equal(found, (b == 0 ? commits > 0 : c < commits) ? 1 : 0);
            if (found == 0) continue;
            assert_int_equal(block.payload.size_bytes, size);
            if (size > 0) assert_memory_equal(block.payload.data, bytes, size);
        }
}

/* Writes until the disk dies. Returns how many commits were acknowledged. */
static size_t write_until_death(disk *of, kvformat_kvs1_writer *writer, size_t from) {
    size_t done = from;
    while (done < COMMITS && write_commit(writer, done) == KVCORE_OK) done++;
    kvformat_kvs1_writer_close(writer);
    assert_true(done == COMMITS || of->dead);
    return done;
}

static uint64_t commits_in(const uint8_t *image, size_t size) {
    kvformat_kvs1_reader *reader;
    kvtest_assert_ok(kvformat_kvs1_open_bytes((kvcore_bytes){image, size}, NULL, &reader, NULL));
    uint64_t commits = kvformat_kvs1_reader_info(reader).commit_count;
    assert_holds(reader, commits);
    kvformat_kvs1_close(reader);
    return commits;
}

/* Goes on from a crashed image, dying again now and then, until all commits are there. */
static void finish_from(uint8_t *image, size_t size, uint64_t commits, kvtest_random *random) {
    disk *again = calloc(1, sizeof *again);
    kvformat_kvs1_config config = config_of();
    for (int lives = 0; commits < COMMITS; lives++) {
        disk_reset(again, image, size);
        again->die_at = lives < 3 ? (size_t)kvtest_below(random, 12) : 0;
        kvs1_io io = disk_io(again);
        kvformat_kvs1_writer *writer;
        size_t acknowledged = (size_t)commits;
        if (kvformat__kvs1_append_io(&io, &config, &writer, NULL) == KVCORE_OK)
            acknowledged = write_until_death(again, writer, acknowledged);
        size = disk_crash(again, random, image);
        commits = commits_in(image, size);
        assert_in_range(commits, acknowledged, acknowledged + 1);
    }
    disk_reset(again, NULL, 0);
    free(again);
}

static void a_crash_at_every_call_loses_the_uncommitted_tail_and_nothing_else(void **state) {
    (void)state;
    kvtest_random random = kvtest_seed(81);
    disk *first = calloc(1, sizeof *first);
    uint8_t *image = malloc(DISK_BYTES);
    kvformat_kvs1_config config = config_of();
    size_t crashes = 0, ahead = 0, die_at = 1;
    for (bool survived = false; !survived; die_at++)
        for (int shuffle = 0; shuffle < 40; shuffle++) {
            disk_reset(first, NULL, 0);
            first->die_at = die_at;
            kvs1_io io = disk_io(first);
            kvformat_kvs1_writer *writer;
            size_t acknowledged = 0;
            bool begun = kvformat__kvs1_begin_io(&io, &config, &writer, NULL) == KVCORE_OK;
            if (begun) acknowledged = write_until_death(first, writer, 0);
            survived = !first->dead;
            size_t size = disk_crash(first, &random, image);
            if (!begun) continue; /* the file was never acknowledged */
            uint64_t commits = commits_in(image, size);
            assert_in_range(commits, acknowledged, acknowledged + 1); /* one more: its record made it, unacknowledged */
            crashes++;
            ahead += commits > acknowledged;
            finish_from(image, size, commits, &random);
        }
    assert_true(die_at > 2 + COMMITS * (BLOCKS + 4));
    assert_true(crashes > 500 && ahead > 0 && ahead < crashes);
    disk_reset(first, NULL, 0);
    free(first);
    free(image);
}

/* A failing write leaves the writer usable; a failing sync does not. */
static void errors_that_are_no_crash_are_answers(void **state) {
    (void)state;
    disk *of = calloc(1, sizeof *of);
    kvformat_kvs1_config config = config_of();
    for (size_t fail = 3; fail <= 8; fail++) { /* after the header: three blocks, index, sync, record, sync */
        disk_reset(of, NULL, 0);
        kvs1_io io = disk_io(of);
        kvformat_kvs1_writer *writer;
        kvtest_assert_ok(kvformat__kvs1_begin_io(&io, &config, &writer, NULL));
        of->die_at = fail;
        size_t b = 0;
        for (; b < BLOCKS; b++) {
            uint8_t bytes[512];
            size_t size = payload_of(0, b, bytes);
            kvcore_status status = kvformat_kvs1_put(writer, name_of(0, b), (kvcore_bytes){bytes, size}, NULL);
            if (status == KVCORE_OK) continue;
            kvtest_assert_status(status, KVCORE_EIO);
            assert_int_equal(kvformat_kvs1_pending(writer), b);
            of->dead = false; /* a passing fault */
            b--;
        }
        kvcore_status status = kvformat_kvs1_commit(writer, NULL);
        of->dead = false;
        bool usable = fail <= 6; /* blocks and index */
        if (status != KVCORE_OK) status = kvformat_kvs1_commit(writer, NULL);
        kvtest_assert_status(status, usable ? KVCORE_OK : KVCORE_EIO);
        if (!usable)
            kvtest_assert_status(kvformat_kvs1_put(writer, name_of(0, 0), (kvcore_bytes){0}, NULL), KVCORE_EIO);
        kvformat_kvs1_writer_close(writer);
        if (usable) assert_int_equal(commits_in(of->view, (size_t)of->view_size), 1);
    }
    disk_reset(of, NULL, 0);
    free(of);
}

/* Writes all commits; after an error it closes the writer and appends anew, as the header says. */
static void write_through_a_failed_sync(disk *of) {
    kvformat_kvs1_config config = config_of();
    kvs1_io io = disk_io(of);
    kvformat_kvs1_writer *writer;
    bool begun = kvformat__kvs1_begin_io(&io, &config, &writer, NULL) == KVCORE_OK;
    for (int lives = 0; lives < 3; lives++) {
        if (!begun) kvtest_assert_ok(kvformat__kvs1_append_io(&io, &config, &writer, NULL));
        size_t done = (size_t)commits_in(of->view, (size_t)of->view_size);
        while (done < COMMITS && write_commit(writer, done) == KVCORE_OK) done++;
        kvformat_kvs1_writer_close(writer);
        if (done == COMMITS) return;
        begun = false;
    }
    fail_msg("the fault did not pass");
}

static void the_same_with_two_copies_of_a_record(void **state) {
    unit = 256;
    a_crash_at_every_call_loses_the_uncommitted_tail_and_nothing_else(state);
    unit = 128;
}

static void a_sync_that_fails_takes_no_commit_with_it(void **state) {
    (void)state;
    kvtest_random random = kvtest_seed(83);
    disk *of = calloc(1, sizeof *of);
    uint8_t *image = malloc(DISK_BYTES);
    for (size_t fail = 2; fail < 2 + COMMITS * (BLOCKS + 4); fail++)
        for (int shuffle = 0; shuffle < 40; shuffle++) {
            disk_reset(of, NULL, 0);
            of->random = &random, of->fail_sync_at = fail;
            write_through_a_failed_sync(of);
            size_t size = disk_crash(of, &random, image);
            assert_int_equal(commits_in(image, size), COMMITS);
        }
    disk_reset(of, NULL, 0);
    free(of);
    free(image);
}

/* The child says on a pipe how many commits it was told are done. */
static void write_and_tell(const char *path, int pipe_end) {
    kvformat_kvs1_writer *writer;
    kvformat_kvs1_config config = config_of();
    uint8_t payload[3000];
    if (kvformat_kvs1_append(path, &config, &writer, NULL) != KVCORE_OK) _exit(1);
    for (uint32_t c = 1;; c++) {
        for (uint32_t b = 0; b < 5; b++) {
            kvhash_plh name;
            memset(payload, (int)(c + b), sizeof payload);
            if (kvhash_plh_make(c, 0, b, &name) != KVCORE_OK) _exit(2);
            if (kvformat_kvs1_put(writer, name, (kvcore_bytes){payload, sizeof payload}, NULL) != KVCORE_OK) _exit(3);
        }
        if (kvformat_kvs1_commit(writer, NULL) != KVCORE_OK) _exit(4);
        if (write(pipe_end, &c, sizeof c) != sizeof c) _exit(5);
    }
}

static void a_killed_writer_loses_nothing_it_was_told_is_done(void **state) {
    (void)state;
    kvtest_random random = kvtest_seed(82);
    char path[64];
    snprintf(path, sizeof path, "/tmp/kvs1-kill-%ld.kvs1", (long)getpid());
    kvformat_kvs1_config config = config_of();
    kvformat_kvs1_writer *writer;
    kvtest_assert_ok(kvformat_kvs1_create(path, &config, &writer, NULL));
    kvformat_kvs1_writer_close(writer);
    uint64_t before = 0;
    for (int round = 0; round < 12; round++) {
        int ends[2];
        assert_int_equal(pipe(ends), 0);
        pid_t child = fork();
        if (child == 0) write_and_tell(path, ends[1]);
        assert_true(child > 0);
        close(ends[1]);
        uint32_t told = 0, wanted = 1 + (uint32_t)kvtest_below(&random, 8);
        while (told < wanted && read(ends[0], &told, sizeof told) == sizeof told) {}
        struct timespec pause = {0, (long)kvtest_below(&random, 300000)};
        nanosleep(&pause, NULL);
        kill(child, SIGKILL);
        int how;
        assert_int_equal(waitpid(child, &how, 0), child);
        assert_true(WIFSIGNALED(how));
        for (uint32_t more; read(ends[0], &more, sizeof more) == sizeof more;) told = more;
        close(ends[0]);
        kvformat_kvs1_reader *reader;
        kvcore_error error;
        kvtest_assert_ok(kvformat_kvs1_open(path, NULL, &reader, &error));
        kvtest_assert_ok(kvformat_kvs1_check_all(reader, &error));
        uint64_t commits = kvformat_kvs1_reader_info(reader).commit_count;
        assert_in_range(commits, before + told, before + told + 1);
        assert_int_equal(kvformat_kvs1_reader_info(reader).entry_count, 5 * commits);
        kvformat_kvs1_close(reader);
        before = commits;
    }
    unlink(path);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_crash_at_every_call_loses_the_uncommitted_tail_and_nothing_else),
        cmocka_unit_test(the_same_with_two_copies_of_a_record),
        cmocka_unit_test(a_sync_that_fails_takes_no_commit_with_it),
        cmocka_unit_test(errors_that_are_no_crash_are_answers),
        cmocka_unit_test(a_killed_writer_loses_nothing_it_was_told_is_done),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
