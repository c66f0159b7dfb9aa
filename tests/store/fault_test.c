/* The directory when the operating system says no, when writers are killed, and when the disk forgets. */
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <kvstore/backend.h>

#include "files.h"

enum { BLOCKS = 14 };

/* Files of the system that count their calls, and do something at one of them. */
typedef struct faulty {
    kvstore__files system;
    uint64_t calls, at; /* the call at which it happens, from 1; 0: never */
    int code;           /* the errno; 0: the process dies there */
    bool for_ever;      /* not only at that call */
    bool halves;        /* a write takes half of the bytes first */
} faulty;

static bool strikes(faulty *f) {
    f->calls++;
    bool now = f->at > 0 && (f->for_ever ? f->calls >= f->at : f->calls == f->at);
    if (now && f->code == 0) kill(getpid(), SIGKILL);
    errno = f->code;
    return now;
}

static int f_beneath(void *ctx, int folder, const char *path, int flags, unsigned mode) {
    faulty *f = ctx;
    return strikes(f) ? -1 : f->system.beneath(NULL, folder, path, flags, mode);
}
static int f_fstat(void *ctx, int file, struct stat *about) {
    faulty *f = ctx;
    return strikes(f) ? -1 : f->system.fstat(NULL, file, about);
}
static ssize_t f_preadv(void *ctx, int file, const struct iovec *parts, int count, off_t offset) {
    faulty *f = ctx;
    return strikes(f) ? -1 : f->system.preadv(NULL, file, parts, count, offset);
}
static ssize_t f_pwritev(void *ctx, int file, const struct iovec *parts, int count, off_t offset) {
    faulty *f = ctx;
    if (f->halves) count = 1;
    if (f->halves && f->at == f->calls + 1) {
        struct iovec half = {parts[0].iov_base, parts[0].iov_len / 2};
        (void)!f->system.pwritev(NULL, file, &half, 1, offset);
    }
    return strikes(f) ? -1 : f->system.pwritev(NULL, file, parts, count, offset);
}
static int f_publish(void *ctx, int file, int folder, const char *name) {
    faulty *f = ctx;
    return strikes(f) ? -1 : f->system.publish(NULL, file, folder, name);
}
static int f_rename(void *ctx, int folder, const char *from, const char *to) {
    faulty *f = ctx;
    return strikes(f) ? -1 : f->system.rename(NULL, folder, from, to);
}
static int f_link(void *ctx, int folder, const char *from, const char *to) {
    faulty *f = ctx;
    return strikes(f) ? -1 : f->system.link(NULL, folder, from, to);
}
static int f_unlink(void *ctx, int folder, const char *name) {
    faulty *f = ctx;
    return strikes(f) ? -1 : f->system.unlink(NULL, folder, name);
}
static int f_mkdir(void *ctx, int folder, const char *name, unsigned mode) {
    faulty *f = ctx;
    return strikes(f) ? -1 : f->system.mkdir(NULL, folder, name, mode);
}
static int f_fdatasync(void *ctx, int file) {
    faulty *f = ctx;
    return strikes(f) ? -1 : f->system.fdatasync(NULL, file);
}
static int f_fsync(void *ctx, int folder) {
    faulty *f = ctx;
    return strikes(f) ? -1 : f->system.fsync(NULL, folder);
}

static kvstore__files faulty_files(faulty *f) {
    f->system = kvstore__system_files();
    kvstore__files files = f->system;
    files.ctx = f;
    files.beneath = f_beneath;
    files.fstat = f_fstat;
    files.preadv = f_preadv;
    files.pwritev = f_pwritev;
    files.publish = f_publish;
    files.rename = f_rename;
    files.link = f_link;
    files.unlink = f_unlink;
    files.mkdir = f_mkdir;
    files.fdatasync = f_fdatasync;
    files.fsync = f_fsync;
    return files;
}

/* No unnamed files here, as on some network file systems. */
static int named_only(void *ctx, int folder, const char *path, int flags, unsigned mode) {
    if ((flags & O_TMPFILE) == O_TMPFILE) return errno = EOPNOTSUPP, -1;
    return f_beneath(ctx, folder, path, flags, mode);
}

static kvstore *open_faulty(const char *root, const kvstore__files *files, kvstore_durability durability) {
    kvstore_directory_config config = KVSTORE_DIRECTORY_CONFIG_INIT;
    kvstore_options options = KVSTORE_OPTIONS_INIT;
    kvstore *store = NULL;
    options.breaker_failures = 1000000; /* one fault is looked at, not what follows from it */
    config.root = root;
    config.options = &options;
    config.max_bytes = UINT64_C(1) << 30;
    config.min_free_bytes = 1;
    config.durability = durability;
    kvtest_assert_ok(kvstore__open_directory(&config, files, &store, NULL));
    return store;
}

/* Whatever a store says of a block of before, it hands out no wrong byte: store_get_blocks() compares them all. */
static size_t count_sound(const char *root, const kvhash_plh *names, size_t count, size_t *damaged) {
    kvstore *store = store_open(root, NULL);
    kvstore_space *space = store_space(store);
    size_t sound = 0;
    for (size_t i = 0; i < count; i++) {
        kvstore_result result;
        sound += store_get_blocks(space, names + i, 1, &result);
        *damaged += result.outcome == KVSTORE_DAMAGED || result.outcome == KVSTORE_FOREIGN;
    }
    kvtest_assert_ok(kvstore_close(store));
    return sound;
}

/* ---- errors ---- */

static const int codes[] = {EIO, ENOSPC, EDQUOT, EMFILE, EROFS, EACCES};

/* Each call of a put fails once, with each error: the block is stored or it is not there, and never half. */
static void a_put_that_fails_anywhere_is_invisible(void **state) {
    (void)state;
    size_t failed = 0, tried = 0;
    for (size_t code = 0; code < sizeof codes / sizeof *codes; code++)
        for (uint64_t at = 1;; at++) {
            faulty f = {.at = at, .code = codes[code]};
            kvstore__files files = faulty_files(&f);
            char *root = store_new_folder();
            kvstore *store = open_faulty(root, &files, at % 2 ? KVSTORE_DURABILITY_SYNC : KVSTORE_DURABILITY_CACHE);
            kvhash_plh name;
            kvstore_result result;
            size_t damaged = 0;
            store_names(at, &name, 1);
            bool stored = store_put_blocks(store_space(store), &name, 1, &result) == 1;
            bool struck = f.calls >= at;
            f.at = 0;
            assert_int_equal(kvstore_lookup_prefix(store_space(store), &name, 1, NULL), stored);
            kvtest_assert_ok(kvstore_close(store));
            size_t sound = count_sound(root, &name, 1, &damaged);
            if (stored) assert_int_equal(sound, 1);
            assert_int_equal(damaged, 0);
            store_remove_folder(root);
            if (!struck) break;
            tried++;
            failed += !stored;
        }
    assert_true(tried > 60);
    assert_true(failed > 30);
}

static void a_get_that_fails_anywhere_is_no_hit(void **state) {
    (void)state;
    char *root = store_new_folder();
    kvhash_plh name;
    kvstore_result result;
    store_names(1, &name, 1);
    kvstore *store = store_open(root, NULL);
    assert_int_equal(store_put_blocks(store_space(store), &name, 1, &result), 1);
    kvtest_assert_ok(kvstore_close(store));
    for (size_t code = 0; code < sizeof codes / sizeof *codes; code++)
        for (uint64_t at = 1, struck = 1; struck; at++) {
            faulty f = {0};
            kvstore__files files = faulty_files(&f);
            store = open_faulty(root, &files, KVSTORE_DURABILITY_CACHE);
            kvtest_assert_ok(kvstore_scan(store, NULL));
            f = (faulty){.system = f.system, .at = at, .code = codes[code]};
            struck = store_get_blocks(store_space(store), &name, 1, &result) == 0;
            if (struck) assert_int_not_equal(result.outcome, KVSTORE_HIT);
            f.at = 0;
            assert_int_equal(store_get_blocks(store_space(store), &name, 1, &result), 1);
            kvtest_assert_ok(kvstore_close(store));
        }
    store_remove_folder(root);
}

static void a_full_disk_drops_puts_for_a_while_and_gets_go_on(void **state) {
    (void)state;
    faulty f = {0};
    kvstore__files files = faulty_files(&f);
    char *root = store_new_folder();
    kvstore *store = open_faulty(root, &files, KVSTORE_DURABILITY_CACHE);
    kvstore_space *space = store_space(store);
    kvhash_plh names[BLOCKS];
    kvstore_result results[BLOCKS];
    store_names(1, names, BLOCKS);
    assert_int_equal(store_put_blocks(space, names, 2, results), 2);
    kvhash_plh pinned[2] = {names[0], names[1]};
    kvtest_assert_ok(kvstore_pin(space, pinned, 2, 1000));
    f = (faulty){.system = f.system, .at = 1, .code = ENOSPC, .for_ever = true};
    assert_int_equal(store_put_blocks(space, names + 2, 3, results), 0);
    assert_int_equal(results[0].outcome, KVSTORE_NO_ROOM);
    assert_int_equal(results[1].outcome, KVSTORE_DROPPED);
    assert_int_equal(results[2].outcome, KVSTORE_DROPPED);
    f.at = 0;
    assert_int_equal(store_get_blocks(space, names, 2, results), 2);
    assert_int_equal(store_put_blocks(space, names + 5, 1, results), 0);
    assert_int_equal(results[0].outcome, KVSTORE_DROPPED);
    kvtest_assert_ok(kvstore_close(store));
    store_remove_folder(root);
}

static void five_failures_open_the_breaker_and_one_success_closes_it(void **state) {
    (void)state;
    faulty f = {0};
    kvstore__files files = faulty_files(&f);
    char *root = store_new_folder();
    kvstore_directory_config config = KVSTORE_DIRECTORY_CONFIG_INIT;
    kvstore_options options = KVSTORE_OPTIONS_INIT;
    kvstore *store = NULL;
    options.event_capacity = 100;
    config.root = root;
    config.options = &options;
    config.min_free_bytes = 1;
    kvtest_assert_ok(kvstore__open_directory(&config, &files, &store, NULL));
    kvstore_space *space = store_space(store);
    kvhash_plh names[BLOCKS + 4];
    kvstore_result results[BLOCKS + 4];
    store_names(1, names, BLOCKS + 4);
    f = (faulty){.system = f.system, .at = 1, .code = EIO, .for_ever = true};
    store_put_blocks(space, names, BLOCKS + 4, results);
    for (size_t i = 0; i < BLOCKS + 4; i++)
        assert_int_equal(results[i].outcome, i < 5 ? KVSTORE_FAILED : KVSTORE_DROPPED);
    assert_int_equal(store_stats(store).breaker, KVSTORE_BREAKER_OPEN);
    uint64_t calls = f.calls;
    assert_int_equal(store_get_blocks(space, names, 1, results), 0);
    assert_int_equal(results[0].outcome, KVSTORE_MISS);
    assert_int_equal(f.calls, calls); /* nothing was asked */
    f.at = 0;
    usleep(1100000);
    assert_int_equal(store_put_blocks(space, names, 3, results), 3);
    assert_int_equal(store_stats(store).breaker, KVSTORE_BREAKER_CLOSED);
    kvtest_assert_ok(kvstore_close(store));
    store_remove_folder(root);
}

/* ---- kill -9 ---- */

/* Blocks that the child reported stored go through a pipe. It dies at the at-th call. */
static void write_until_killed(const char *root, uint64_t at, bool named, int report) {
    faulty f = {.at = 0, .halves = true};
    kvstore__files files = faulty_files(&f);
    if (named) files.beneath = named_only;
    kvstore *store = open_faulty(root, &files, KVSTORE_DURABILITY_CACHE);
    kvstore_space *space = store_space(store);
    kvhash_plh names[BLOCKS];
    store_names(9, names, BLOCKS);
    f.calls = 0;
    f.at = at;
    for (uint32_t i = 0; i < BLOCKS; i++) {
        kvstore_result result;
        if (store_put_blocks(space, names + i, 1, &result) == 1) (void)!write(report, &i, sizeof i);
    }
    _exit(0);
}

static void a_writer_killed_at_any_call_leaves_whole_blocks_or_none(void **state) {
    (void)state;
    size_t kills = 0, reported = 0, found = 0, damaged = 0, left_over = 0;
    for (int named = 0; named < 2; named++)
        for (uint64_t at = 1, alive = 0; !alive; at++) {
            char *root = store_new_folder(), order[300];
            kvhash_plh names[BLOCKS];
            uint32_t index;
            int ends[2], status;
            store_names(9, names, BLOCKS);
            assert_int_equal(pipe(ends), 0);
            pid_t child = fork();
            if (child == 0) write_until_killed(root, at, named, ends[1]);
            close(ends[1]);
            size_t promised = 0;
            while (read(ends[0], &index, sizeof index) == (ssize_t)sizeof index) promised++;
            close(ends[0]);
            assert_int_equal(waitpid(child, &status, 0), child);
            alive = WIFEXITED(status);
            kills += !alive;
            size_t sound = count_sound(root, names, BLOCKS, &damaged);
            assert_true(sound >= promised); /* the one being put may be there, too: whole */
            assert_int_equal(count_sound(root, names, promised, &damaged), promised);
            reported += promised;
            found += sound;
            kvstore *keeper = store_open(root, NULL);
            kvstore_completion none;
            kvstore_poll(keeper, &none, 1, 0); /* becomes keeper */
            kvtest_assert_ok(kvstore_scan(keeper, NULL));
            kvtest_assert_ok(kvstore_close(keeper));
            snprintf(order, sizeof order, "test -z \"$(find %s -name '.t-*')\"", root);
            /* NOLINTNEXTLINE(cert-env33-c): the words are the test's own */
            left_over += system(order) != 0;
            store_remove_folder(root);
        }
    print_message("%zu kills: %zu blocks reported stored, %zu found whole, %zu damaged, %zu left over\n", kills,
                  reported, found, damaged, left_over);
    assert_true(kills >= 500);
    assert_int_equal(damaged, 0);
    assert_int_equal(left_over, 0);
}

/* ---- a machine that stops ---- */

/* What a disk may show after a crash of a store that does not sync: any part of a file zero, short, or missing. */
static void forgetful_disks_give_misses_and_damage_but_no_wrong_byte(void **state) {
    (void)state;
    kvtest_random random = kvtest_seed(5);
    size_t sound = 0, lost = 0, damaged = 0;
    for (int round = 0; round < 60; round++) {
        char *root = store_new_folder(), path[1000];
        kvhash_plh names[BLOCKS];
        kvstore_result results[BLOCKS];
        store_names(kvtest_next(&random), names, BLOCKS);
        kvstore *store = store_open(root, NULL);
        assert_int_equal(store_put_blocks(store_space(store), names, BLOCKS, results), BLOCKS);
        kvtest_assert_ok(kvstore_close(store));
        for (size_t i = 0; i < BLOCKS; i++) {
            store_path(root, names[i], path, sizeof path);
            int file = open(path, O_RDWR);
            static const uint8_t zeros[4096];
            switch (kvtest_below(&random, 5)) {
            case 0: unlink(path); break;
            case 1: assert_int_equal(ftruncate(file, (off_t)kvtest_below(&random, 6200)), 0); break;
            case 2:
                (void)!pwrite(file, zeros, 1 + kvtest_below(&random, 4095), (off_t)kvtest_below(&random, 6000));
                break;
            case 3: assert_int_equal(ftruncate(file, 0) + ftruncate(file, 6128), 0); break;
            default: break;
            }
            close(file);
        }
        size_t before = damaged, good = count_sound(root, names, BLOCKS, &damaged);
        sound += good;
        lost += BLOCKS - good - (damaged - before);
        store_remove_folder(root);
    }
    print_message("%zu whole, %zu gone, %zu damaged and told so\n", sound, lost, damaged);
    assert_true(sound > 0 && lost > 0 && damaged > 0);
}

/* The order of calls is the promise of durability: data before name, name before report, new folders before both. */
typedef struct ledger {
    faulty f;
    char text[4000];
} ledger;

static void note(ledger *l, char what) {
    size_t length = strlen(l->text);
    if (length + 1 < sizeof l->text) l->text[length] = what;
}
static ssize_t l_pwritev(void *ctx, int file, const struct iovec *parts, int count, off_t offset) {
    note(ctx, 'w');
    return pwritev(file, parts, count, offset);
}
static int l_fdatasync(void *ctx, int file) {
    note(ctx, 'd');
    return fdatasync(file);
}
static int l_publish(void *ctx, int file, int folder, const char *name) {
    note(ctx, 'p');
    return ((ledger *)ctx)->f.system.publish(NULL, file, folder, name);
}
static int l_fsync(void *ctx, int folder) {
    note(ctx, 'f');
    return fsync(folder);
}
static int l_mkdir(void *ctx, int folder, const char *name, unsigned mode) {
    int made = ((ledger *)ctx)->f.system.mkdir(NULL, folder, name, mode);
    if (made == 0) note(ctx, 'm');
    return made;
}

static void a_durable_block_is_synced_before_it_has_a_name_and_before_it_is_reported(void **state) {
    (void)state;
    ledger l = {.text = ""};
    kvstore__files files = kvstore__system_files();
    l.f.system = files;
    files.ctx = &l;
    files.pwritev = l_pwritev;
    files.fdatasync = l_fdatasync;
    files.publish = l_publish;
    files.fsync = l_fsync;
    files.mkdir = l_mkdir;
    char *root = store_new_folder();
    kvstore *store = open_faulty(root, &files, KVSTORE_DURABILITY_SYNC);
    kvhash_plh names[2];
    kvstore_result results[2];
    store_names(4, names, 2);
    assert_int_equal(store_put_blocks(store_space(store), names, 1, results), 1);
    assert_string_equal(l.text, "mfmfmfmfmfmfwdpf"); /* six folders, each synced into its parent */
    kvtest_assert_ok(kvstore_close(store));
    store_remove_folder(root);
}

/* ---- others ---- */

static void one_of_two_stores_is_the_keeper_and_the_other_takes_over(void **state) {
    (void)state;
    char *root = store_new_folder();
    kvstore_completion none;
    int ends[2], status;
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        kvstore *store = store_open(root, NULL);
        kvstore_poll(store, &none, 1, 0);
        char keeper = (char)store_stats(store).keeper;
        (void)!write(ends[1], &keeper, 1);
        pause();
        _exit(0);
    }
    char keeper = 0;
    assert_int_equal(read(ends[0], &keeper, 1), 1);
    assert_int_equal(keeper, 1);
    kvstore *store = store_open(root, NULL);
    kvstore_poll(store, &none, 1, 0);
    assert_false(store_stats(store).keeper);
    kvcore_error error;
    kvtest_assert_status(kvstore_evict_to(store, 0, NULL, &error), KVCORE_EBUSY);
    kill(child, SIGKILL);
    waitpid(child, &status, 0);
    kvtest_assert_ok(kvstore_evict_to(store, 0, NULL, &error));
    kvtest_assert_ok(kvstore_close(store));
    close(ends[0]);
    close(ends[1]);
    store_remove_folder(root);
}

static void a_file_unlinked_or_cut_under_a_reader_is_a_miss_or_damage(void **state) {
    (void)state;
    char *root = store_new_folder(), path[1000];
    kvstore *store = store_open(root, NULL);
    kvstore_space *space = store_space(store);
    kvhash_plh names[2];
    kvstore_result results[2];
    store_names(8, names, 2);
    store_put_blocks(space, names, 2, results);
    store_path(root, names[0], path, sizeof path);
    unlink(path);
    assert_int_equal(store_get_blocks(space, names, 1, results), 0);
    assert_int_equal(results[0].outcome, KVSTORE_MISS);
    assert_int_equal(kvstore_lookup_prefix(space, names, 1, NULL), 0);
    assert_int_equal(store_put_blocks(space, names, 1, results), 1);
    assert_int_equal(results[0].outcome, KVSTORE_STORED);
    kvtest_assert_ok(kvstore_close(store));
    store_remove_folder(root);
}

static void a_root_that_goes_and_comes_back_is_used_again(void **state) {
    (void)state;
    char *root = store_new_folder(), away[100];
    kvstore *store = store_open(root, NULL);
    kvstore_space *space = store_space(store);
    kvhash_plh name;
    kvstore_result result;
    store_names(2, &name, 1);
    assert_int_equal(store_put_blocks(space, &name, 1, &result), 1);
    snprintf(away, sizeof away, "rm -rf %s; mkdir -m 700 %s", root, root);
    /* NOLINTNEXTLINE(cert-env33-c): the words are the test's own */
    assert_int_equal(system(away), 0);
    assert_int_equal(store_get_blocks(space, &name, 1, &result), 0);
    usleep(1100000);
    assert_int_equal(store_put_blocks(space, &name, 1, &result), 1);
    assert_int_equal(store_get_blocks(space, &name, 1, &result), 1);
    kvstore *other = store_open(root, NULL);
    assert_int_equal(store_get_blocks(store_space(other), &name, 1, &result), 1);
    kvtest_assert_ok(kvstore_close(other));
    kvtest_assert_ok(kvstore_close(store));
    store_remove_folder(root);
}

static void a_root_of_others_or_of_another_version_is_refused(void **state) {
    (void)state;
    char *root = store_new_folder(), path[100];
    kvstore_directory_config config = KVSTORE_DIRECTORY_CONFIG_INIT;
    kvstore *store = NULL, *second = NULL;
    kvcore_error error;
    config.root = root;
    assert_int_equal(chmod(root, 0777), 0);
    kvtest_assert_status(kvstore_open_directory(&config, &store, &error), KVCORE_ECONFIG);
    config.allow_shared_root = true;
    kvtest_assert_ok(kvstore_open_directory(&config, &store, &error));
    config.exclusive = true;
    kvtest_assert_status(kvstore_open_directory(&config, &second, &error), KVCORE_EBUSY);
    kvtest_assert_ok(kvstore_close(store));
    kvtest_assert_ok(kvstore_open_directory(&config, &store, &error));
    kvtest_assert_ok(kvstore_scan(store, &error));
    assert_true(store_stats(store).catalog_complete);
    kvtest_assert_ok(kvstore_close(store));
    snprintf(path, sizeof path, "%s/KVSTORE", root);
    int file = open(path, O_WRONLY | O_TRUNC);
    assert_int_equal(write(file, "kvstore 2\n", 10), 10);
    close(file);
    kvtest_assert_status(kvstore_open_directory(&config, &store, &error), KVFORMAT_EVERSION);
    store_remove_folder(root);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_put_that_fails_anywhere_is_invisible),
        cmocka_unit_test(a_get_that_fails_anywhere_is_no_hit),
        cmocka_unit_test(a_full_disk_drops_puts_for_a_while_and_gets_go_on),
        cmocka_unit_test(five_failures_open_the_breaker_and_one_success_closes_it),
        cmocka_unit_test(a_writer_killed_at_any_call_leaves_whole_blocks_or_none),
        cmocka_unit_test(forgetful_disks_give_misses_and_damage_but_no_wrong_byte),
        cmocka_unit_test(a_durable_block_is_synced_before_it_has_a_name_and_before_it_is_reported),
        cmocka_unit_test(one_of_two_stores_is_the_keeper_and_the_other_takes_over),
        cmocka_unit_test(a_file_unlinked_or_cut_under_a_reader_is_a_miss_or_damage),
        cmocka_unit_test(a_root_that_goes_and_comes_back_is_used_again),
        cmocka_unit_test(a_root_of_others_or_of_another_version_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
