#include "kvtest.h"

#include <sys/mman.h>
#include <unistd.h>

#include <kvformat/kvs1.h>

#include "disk.h"

#include "../../../format/kvs1/runs.h"

static const uint8_t file_id[16] = "kvs1-unit-tests";

static char *new_path(char path[64]) {
    static int number;
    snprintf(path, 64, "/tmp/kvs1-test-%ld-%d.kvs1", (long)getpid(), number++);
    return path;
}

static kvhash_plh name_number(uint64_t number) {
    kvhash_plh name;
    kvtest_assert_ok(kvhash_plh_make(number * UINT64_C(0x9E3779B97F4A7C15), number, number % 300, &name));
    return name;
}

static kvformat_kvs1_config small_units(void) {
    kvformat_kvs1_config config = KVFORMAT_KVS1_CONFIG_INIT;
    config.alignment = 128;
    config.file_id = file_id;
    return config;
}

static void put(kvformat_kvs1_writer *writer, uint64_t number, const char *payload) {
    kvtest_assert_ok(kvformat_kvs1_put(writer, name_number(number), kvcore_text(payload), NULL));
}

static size_t prefix_of(const kvformat_kvs1_reader *reader, const uint64_t *numbers, size_t count,
                        kvformat_kvs1_block *blocks) {
    kvhash_plh names[64];
    size_t found = 99;
    for (size_t i = 0; i < count; i++) names[i] = name_number(numbers[i]);
    kvtest_assert_ok(kvformat_kvs1_longest_prefix(reader, names, count, blocks, &found, NULL));
    return found;
}

static void blocks_are_seen_after_their_commit_newest_first(void **state) {
    (void)state;
    char path[64];
    kvformat_kvs1_config config = small_units();
    kvformat_kvs1_writer *writer, *second;
    kvformat_kvs1_reader *reader;
    kvformat_kvs1_block blocks[4];
    kvcore_error error;
    kvtest_assert_ok(kvformat_kvs1_create(new_path(path), &config, &writer, NULL));
    kvtest_assert_status(kvformat_kvs1_create(path, &config, &second, &error), KVCORE_EIO); /* it exists */
    kvtest_assert_status(kvformat_kvs1_append(path, NULL, &second, &error), KVCORE_EBUSY);
    kvtest_assert_ok(kvformat_kvs1_open(path, NULL, &reader, NULL));
    const uint64_t numbers[] = {1, 2, 3, 4};
    assert_int_equal(prefix_of(reader, numbers, 4, blocks), 0);
    kvformat_kvs1_close(reader);

    put(writer, 2, "two"), put(writer, 1, "one"), put(writer, 1, "one again"), put(writer, 3, "");
    assert_int_equal(kvformat_kvs1_pending(writer), 4);
    kvtest_assert_ok(kvformat_kvs1_open(path, NULL, &reader, NULL));
    assert_int_equal(prefix_of(reader, numbers, 4, blocks), 0);
    assert_true(kvformat_kvs1_reader_info(reader).tail_bytes > 0);
    kvformat_kvs1_close(reader);

    kvtest_assert_ok(kvformat_kvs1_commit(writer, NULL));
    kvtest_assert_ok(kvformat_kvs1_commit(writer, NULL)); /* nothing put: nothing written */
    put(writer, 2, "newer two");
    kvtest_assert_ok(kvformat_kvs1_commit(writer, NULL));
    kvformat_kvs1_writer_close(writer);
    kvformat_kvs1_writer_close(NULL);

    kvtest_assert_ok(kvformat_kvs1_open(path, NULL, &reader, NULL));
    kvformat_kvs1_info info = kvformat_kvs1_reader_info(reader);
    assert_true(info.commit_count == 2 && info.entry_count == 4 && info.tail_bytes == 0 && info.alignment == 128);
    assert_int_equal(prefix_of(reader, numbers, 4, blocks), 3);
    assert_memory_equal(blocks[0].payload.data, "one again", 9);
    assert_memory_equal(blocks[1].payload.data, "newer two", 9);
    assert_true(blocks[1].commit == 2 && blocks[2].payload.size_bytes == 0);
    assert_int_equal(prefix_of(reader, numbers, 4, NULL), 3);
    const uint64_t gap[] = {4, 1};
    assert_int_equal(prefix_of(reader, gap, 2, blocks), 0);
    kvtest_assert_ok(kvformat_kvs1_check_all(reader, NULL));
    bool newest;
    size_t newest_count = 0;
    for (uint64_t i = 0; i < info.entry_count; i++) {
        kvtest_assert_ok(kvformat_kvs1_entry(reader, i, &blocks[0], &newest, NULL));
        newest_count += newest;
    }
    assert_int_equal(newest_count, 3);
    kvtest_assert_status(kvformat_kvs1_entry(reader, info.entry_count, &blocks[0], &newest, &error), KVCORE_EINVAL);
    kvformat_kvs1_close(reader);
    kvformat_kvs1_close(NULL);
    unlink(path);
}

/* As after a pack that a full disk stopped: the file is as long as before. */
static void what_was_not_committed_gives_its_room_back(void **state) {
    (void)state;
    disk *of = calloc(1, sizeof *of);
    kvformat_kvs1_config config = small_units();
    kvs1_io io = disk_io(of);
    kvformat_kvs1_writer *writer;
    kvtest_assert_ok(kvformat__kvs1_begin_io(&io, &config, &writer, NULL));
    put(writer, 1, "committed");
    kvtest_assert_ok(kvformat_kvs1_commit(writer, NULL));
    uint64_t committed = of->view_size;
    put(writer, 2, "not committed");
    assert_true(of->view_size > committed);
    kvformat_kvs1_writer_close(writer);
    assert_int_equal(of->view_size, committed);
    kvtest_assert_ok(kvformat__kvs1_append_io(&io, &config, &writer, NULL));
    of->view_size += 1000; /* half a write before the disk was full */
    of->die_at = of->calls + 1;
    kvtest_assert_status(kvformat_kvs1_put(writer, name_number(3), kvcore_text("fails"), NULL), KVCORE_EIO);
    of->dead = false;
    kvformat_kvs1_writer_close(writer);
    assert_int_equal(of->view_size, committed);
    disk_reset(of, NULL, 0);
    free(of);
}

static void a_refusal_says_models_and_layouts_as_people_write_them(void **state) {
    (void)state;
    const kvcore_model_digest model = {{0xAB, 1}}, other_model = {{0xCD, 2}};
    const kvcore_layout_tag hostile = {"a\x1b[31m"}, wanted = {"test-v1"};
    char path[64];
    kvformat_kvs1_config config = KVFORMAT_KVS1_CONFIG_INIT;
    config.model_digest = &model, config.layout_tag = &hostile;
    kvformat_kvs1_writer *writer;
    kvformat_kvs1_reader *reader;
    kvcore_error error;
    kvtest_assert_ok(kvformat_kvs1_create(new_path(path), &config, &writer, NULL));
    kvformat_kvs1_writer_close(writer);
    config.model_digest = &other_model;
    kvtest_assert_status(kvformat_kvs1_open(path, &config, &reader, &error), KVFORMAT_EMODEL);
    assert_string_equal(error.text, "model digest: expected cd0200000000000000000000000000000000000000000000, "
                                    "the file has ab0100000000000000000000000000000000000000000000");
    config.model_digest = NULL, config.layout_tag = &wanted;
    kvtest_assert_status(kvformat_kvs1_open(path, &config, &reader, &error), KVFORMAT_ELAYOUT);
    assert_string_equal(error.text, "layout tag: expected 'test-v1', the file has 'a?[31m'");
    unlink(path);
}

/* A tail of a terabyte with a few bytes in it: unit by unit it would take days. */
static void a_sparse_tail_is_stepped_over(void **state) {
    (void)state;
    static const uint64_t scraps[] = {1 << 20, (1 << 20) + 4096, UINT64_C(1) << 33, (UINT64_C(1) << 40) - 128};
    char path[64];
    kvformat_kvs1_config config = small_units();
    kvformat_kvs1_writer *writer;
    kvformat_kvs1_reader *reader;
    kvtest_assert_ok(kvformat_kvs1_create(new_path(path), &config, &writer, NULL));
    put(writer, 1, "committed");
    kvtest_assert_ok(kvformat_kvs1_commit(writer, NULL));
    kvformat_kvs1_writer_close(writer);
    FILE *file = fopen(path, "r+b");
    assert_non_null(file);
    for (size_t i = 0; i < sizeof scraps / sizeof *scraps; i++) {
        assert_int_equal(fseeko(file, (off_t)scraps[i], SEEK_SET), 0);
        assert_int_equal(fwrite("scrap", 1, 5, file), 5);
    }
    assert_int_equal(ftruncate(fileno(file), (off_t)1 << 40), 0);
    fclose(file);
    kvtest_assert_ok(kvformat_kvs1_open(path, NULL, &reader, NULL));
    assert_int_equal(kvformat_kvs1_reader_info(reader).commit_count, 1);
    assert_int_equal(kvformat_kvs1_reader_info(reader).damaged_record_offset, 0);
    kvformat_kvs1_close(reader);
    unlink(path);
}

/* Two commits on a disk of units of this size. Returns where the second record is. */
static uint64_t two_commits(disk *of, uint32_t unit) {
    kvformat_kvs1_config config = small_units();
    config.alignment = unit;
    kvs1_io io = disk_io(of);
    kvformat_kvs1_writer *writer;
    disk_reset(of, NULL, 0);
    kvtest_assert_ok(kvformat__kvs1_begin_io(&io, &config, &writer, NULL));
    for (uint64_t i = 1; i <= 2; i++) {
        put(writer, i, "payload");
        kvtest_assert_ok(kvformat_kvs1_commit(writer, NULL));
    }
    kvformat_kvs1_writer_close(writer);
    return of->view_size - unit;
}

static kvformat_kvs1_info info_of(const disk *of, kvcore_status check) {
    kvformat_kvs1_reader *reader;
    kvcore_bytes bytes = {of->view, (size_t)of->view_size};
    kvtest_assert_ok(kvformat_kvs1_open_bytes(bytes, NULL, &reader, NULL));
    kvtest_assert_status(kvformat_kvs1_check_all(reader, NULL), check);
    kvformat_kvs1_info info = kvformat_kvs1_reader_info(reader);
    kvformat_kvs1_close(reader);
    return info;
}

static void one_flipped_bit_in_the_last_record_loses_nothing(void **state) {
    (void)state;
    disk *of = calloc(1, sizeof *of);
    kvformat_kvs1_writer *writer;
    for (size_t bit = 0; bit < 8 * 256; bit++) {
        uint64_t record = two_commits(of, 256);
        of->view[record + bit / 8] ^= (uint8_t)(1U << bit % 8);
        kvformat_kvs1_info info = info_of(of, KVCORE_ECHECKSUM);
        assert_true(info.commit_count == 2 && info.damaged_record_offset == 0 && info.repairable_records == 1);
        kvs1_io io = disk_io(of);
        kvtest_assert_ok(
            kvformat__kvs1_append_io(&io, &(kvformat_kvs1_config)KVFORMAT_KVS1_CONFIG_INIT, &writer, NULL));
        kvformat_kvs1_writer_close(writer);
        assert_int_equal(info_of(of, KVCORE_OK).commit_count, 2); /* appending wrote the record again */
    }
    disk_reset(of, NULL, 0);
    free(of);
}

/* Units of 128 bytes have no room for a second copy; larger ones may lose both. */
static void a_commit_whose_record_is_damaged_is_not_cut_off_unasked(void **state) {
    (void)state;
    disk *of = calloc(1, sizeof *of);
    kvformat_kvs1_writer *writer;
    kvcore_error error;
    for (uint32_t unit = 128; unit <= 1024; unit *= 2)
        for (size_t bit = 0; bit < 8 * 128; bit++) {
            uint64_t record = two_commits(of, unit), size = of->view_size;
            of->view[record + bit / 8] ^= (uint8_t)(1U << bit % 8);
            if (unit > 128) of->view[record + unit - 128 + bit / 8] ^= (uint8_t)(1U << bit % 8);
            kvformat_kvs1_info info = info_of(of, KVCORE_ECHECKSUM);
            assert_true(info.commit_count == 1 && info.damaged_record_offset == record);
            kvformat_kvs1_config config = KVFORMAT_KVS1_CONFIG_INIT;
            kvs1_io io = disk_io(of);
            kvtest_assert_status(kvformat__kvs1_append_io(&io, &config, &writer, &error), KVCORE_ECHECKSUM);
            assert_true(error.offset == record && of->view_size == size);
            config.cut_damaged = true;
            kvtest_assert_ok(kvformat__kvs1_append_io(&io, &config, &writer, &error));
            kvformat_kvs1_writer_close(writer);
            assert_int_equal(info_of(of, KVCORE_OK).commit_count, 1);
        }
    disk_reset(of, NULL, 0);
    free(of);
}

/* Such as one of another reader: nothing outside the commit that it names is read. */
static void a_block_that_is_not_of_this_file_is_refused(void **state) {
    (void)state;
    disk *of = calloc(1, sizeof *of);
    kvformat_kvs1_reader *reader;
    kvformat_kvs1_block block;
    two_commits(of, 256);
    kvtest_assert_ok(kvformat_kvs1_open_bytes((kvcore_bytes){of->view, (size_t)of->view_size}, NULL, &reader, NULL));
    kvtest_assert_ok(kvformat_kvs1_entry(reader, 1, &block, NULL, NULL));
    kvtest_assert_ok(kvformat_kvs1_check(reader, &block, NULL));
    kvformat_kvs1_block wrong[] = {block, block, block, block};
    wrong[0].commit = 0, wrong[1].commit = 3, wrong[2].commit = 1, wrong[3].payload.size_bytes = 2000;
    for (size_t i = 0; i < 4; i++) kvtest_assert_status(kvformat_kvs1_check(reader, &wrong[i], NULL), KVCORE_EINVAL);
    kvformat_kvs1_close(reader);
    uint8_t *header = malloc(128); /* a file of a cut header's unit; ASan watches its end */
    memcpy(header, of->view, 128);
    kvtest_assert_ok(kvformat_kvs1_open_bytes((kvcore_bytes){header, 128}, NULL, &reader, NULL));
    block.offset = 0, block.payload.size_bytes = 0;
    kvtest_assert_status(kvformat_kvs1_check(reader, &block, NULL), KVCORE_EINVAL);
    kvformat_kvs1_close(reader);
    free(header);
    disk_reset(of, NULL, 0);
    free(of);
}

static void another_model_layout_or_block_size_is_refused(void **state) {
    (void)state;
    char path[64];
    const kvcore_model_digest model = {{1}}, other_model = {{2}};
    const kvcore_layout_tag layout = {"ds4-v1"}, other_layout = {"test-v1"};
    kvformat_kvs1_config config = KVFORMAT_KVS1_CONFIG_INIT;
    config.model_digest = &model, config.layout_tag = &layout, config.block_tokens = 16;
    kvformat_kvs1_writer *writer;
    kvformat_kvs1_reader *reader;
    kvcore_error error;
    kvtest_assert_ok(kvformat_kvs1_create(new_path(path), &config, &writer, NULL));
    kvformat_kvs1_writer_close(writer);
    for (int change = 0; change < 4; change++) {
        kvformat_kvs1_config asked = config;
        if (change == 1) asked.model_digest = &other_model;
        if (change == 2) asked.layout_tag = &other_layout;
        if (change == 3) asked.block_tokens = 32;
        const kvcore_status expected[] = {KVCORE_OK, KVFORMAT_EMODEL, KVFORMAT_ELAYOUT, KVFORMAT_ETOKENS};
        kvcore_status status = kvformat_kvs1_open(path, &asked, &reader, &error);
        kvtest_assert_status(status, expected[change]);
        if (status == KVCORE_OK) kvformat_kvs1_close(reader);
        status = kvformat_kvs1_append(path, &asked, &writer, &error);
        kvtest_assert_status(status, expected[change]);
        if (status == KVCORE_OK) kvformat_kvs1_writer_close(writer);
    }
    kvtest_assert_ok(kvformat_kvs1_open(path, NULL, &reader, NULL)); /* asks for nothing */
    assert_int_equal(kvformat_kvs1_reader_info(reader).alignment, 4096);
    kvformat_kvs1_close(reader);
    unlink(path);
}

static void misuse_is_answered_before_anything_happens(void **state) {
    (void)state;
    char path[64];
    new_path(path);
    kvformat_kvs1_writer *writer;
    kvformat_kvs1_reader *reader;
    kvcore_error error;
    static const uint32_t alignments[] = {1, 64, 127, 129, 3000, 1 << 21, UINT32_MAX};
    for (size_t i = 0; i < sizeof alignments / sizeof *alignments; i++) {
        kvformat_kvs1_config config = small_units();
        config.alignment = alignments[i];
        kvtest_assert_status(kvformat_kvs1_create(path, &config, &writer, &error), KVCORE_ECONFIG);
        assert_int_not_equal(access(path, F_OK), 0);
    }
    kvformat_kvs1_config uninitialised = {0}, config = small_units();
    kvtest_assert_status(kvformat_kvs1_create(path, &uninitialised, &writer, &error), KVCORE_EINVAL);
    kvtest_assert_status(kvformat_kvs1_create(NULL, &config, &writer, &error), KVCORE_EINVAL);
    kvtest_assert_status(kvformat_kvs1_append(NULL, &config, &writer, &error), KVCORE_EINVAL);
    kvtest_assert_status(kvformat_kvs1_open(NULL, NULL, &reader, &error), KVCORE_EINVAL);
    kvtest_assert_status(kvformat_kvs1_open("/tmp/kvs1/no/such", NULL, &reader, &error), KVCORE_EIO);
    kvtest_assert_status(kvformat_kvs1_create("/tmp/kvs1/no/such", &config, &writer, &error), KVCORE_EIO);
    kvtest_assert_ok(kvformat_kvs1_create(path, &config, &writer, NULL));
    kvhash_plh none = {UINT64_C(3) << 62, 0};
    kvtest_assert_status(kvformat_kvs1_put(writer, none, (kvcore_bytes){0}, &error), KVHASH_EMODE);
    kvcore_bytes huge = {path, SIZE_MAX};
    kvtest_assert_status(kvformat_kvs1_put(writer, name_number(1), huge, &error), KVCORE_EOVERFLOW);
    assert_int_equal(kvformat_kvs1_pending(writer), 0);
    kvformat_kvs1_writer_close(writer);
    unlink(path);
}

/* Random puts, commits, reopenings and compactions against one slot a name. */
static void random_files_equal_a_plain_table(void **state) {
    (void)state;
    enum { NAMES = 60 };
    char path[64], compacted[64];
    new_path(path), new_path(compacted);
    kvtest_random random = kvtest_seed(83);
    for (int round = 0; round < 12; round++) {
        kvformat_kvs1_config config = small_units();
        config.alignment = 128u << kvtest_below(&random, 6);
        uint32_t twin[NAMES] = {0}, pending[NAMES] = {0}, step = 0;
        kvformat_kvs1_writer *writer;
        kvtest_assert_ok(kvformat_kvs1_create(path, &config, &writer, NULL));
        for (int i = 0; i < 300; i++) {
            uint64_t what = kvtest_below(&random, 20), number = kvtest_below(&random, NAMES);
            if (what < 16) {
                uint8_t payload[700];
                step++;
                for (size_t k = 0; k < sizeof payload; k++) payload[k] = (uint8_t)(step + k);
                pending[number] = step;
                kvtest_assert_ok(
                    kvformat_kvs1_put(writer, name_number(number), (kvcore_bytes){payload, step % 700}, NULL));
                continue;
            }
            if (what < 19) {
                kvtest_assert_ok(kvformat_kvs1_commit(writer, NULL));
                for (size_t k = 0; k < NAMES; k++)
                    if (pending[k] != 0) twin[k] = pending[k];
            } else { /* a new writer, sometimes over the compacted file; what was not committed is gone */
                kvformat_kvs1_writer_close(writer);
                if (kvtest_below(&random, 2) == 0) {
                    kvformat_kvs1_compaction done = KVFORMAT_KVS1_COMPACTION_INIT;
                    kvtest_assert_ok(kvformat_kvs1_compact(path, compacted, NULL, &done, NULL));
                    size_t live = 0;
                    for (size_t k = 0; k < NAMES; k++) live += twin[k] != 0;
                    assert_int_equal(done.blocks, live);
                    assert_int_equal(rename(compacted, path), 0);
                }
                kvtest_assert_ok(kvformat_kvs1_append(path, &config, &writer, NULL));
            }
            memset(pending, 0, sizeof pending);
            kvformat_kvs1_reader *reader;
            kvtest_assert_ok(kvformat_kvs1_open(path, NULL, &reader, NULL));
            kvtest_assert_ok(kvformat_kvs1_check_all(reader, NULL));
            for (uint64_t k = 0; k < NAMES; k++) {
                kvformat_kvs1_block block;
                size_t found = prefix_of(reader, &k, 1, &block);
                assert_int_equal(found, twin[k] != 0);
                if (found == 0) continue;
                assert_int_equal(block.payload.size_bytes, twin[k] % 700);
                assert_int_equal(block.offset % config.alignment, 0);
                for (size_t b = 0; b < block.payload.size_bytes; b++)
                    assert_int_equal(((const uint8_t *)block.payload.data)[b], (uint8_t)(twin[k] + b));
            }
            kvformat_kvs1_close(reader);
        }
        kvformat_kvs1_writer_close(writer);
        unlink(path);
    }
}

/* A name in each, so that nothing but merging keeps the runs few. */
static void thousands_of_commits_are_few_runs(void **state) {
    (void)state;
    enum { COMMITS = 5000 };
    kvtest_random random = kvtest_seed(86);
    kvtest_memory memory = {0};
    kvcore_allocator from = kvtest_allocator(&memory);
    static uint8_t keys[COMMITS][KVS1_KEY_BYTES];
    kvs1_runs runs;
    kvtest_assert_ok(kvformat__kvs1_runs_begin(&runs, COMMITS, &from));
    for (size_t i = 0; i < COMMITS; i++) {
        kvhash_plh_encode(name_number(kvtest_below(&random, 700)), keys[i]);
        const kvs1_run run = {.keys = keys[i], .count = 1, .commit = i, .first_entry = i};
        kvtest_assert_ok(kvformat__kvs1_runs_add(&runs, &run, &from));
        size_t names = 0;
        for (size_t r = 0; r < runs.count; r++) names += runs.runs[r].count;
        assert_true(runs.count <= 14 && names <= 2 * 700); /* and of old versions there are few */
    }
    for (size_t r = 0; r < runs.count; r++)
        for (size_t i = 0; i < runs.runs[r].count; i++) {
            const uint8_t *key = runs.runs[r].keys + i * KVS1_KEY_BYTES;
            if (i > 0) assert_true(memcmp(key - KVS1_KEY_BYTES, key, KVS1_KEY_BYTES) < 0);
            assert_memory_equal(key, keys[kvs1_run_entry(&runs.runs[r], i)], KVS1_KEY_BYTES);
        }
    kvformat__kvs1_runs_drop(&runs, &from);
    assert_int_equal(memory.live_bytes, 0);
}

/* As many commits as a disk in memory holds, each of a name or two, against a table of the newest versions. */
static void a_file_of_many_commits_finds_the_newest_of_each_name(void **state) {
    (void)state;
    enum { COMMITS = 120, NAMES = 40 };
    kvtest_random random = kvtest_seed(87);
    disk *of = calloc(1, sizeof *of);
    kvs1_io io = disk_io(of);
    kvformat_kvs1_config config = small_units();
    kvformat_kvs1_writer *writer;
    kvformat_kvs1_reader *reader;
    uint64_t newest[NAMES] = {0}, entries = 0;
    kvtest_assert_ok(kvformat__kvs1_begin_io(&io, &config, &writer, NULL));
    for (uint64_t c = 1; c <= COMMITS; c++) {
        uint64_t number = kvtest_below(&random, NAMES);
        put(writer, number, "");
        kvtest_assert_ok(kvformat_kvs1_commit(writer, NULL));
        newest[number] = c;
    }
    kvformat_kvs1_writer_close(writer);
    kvcore_bytes bytes = {of->view, (size_t)of->view_size};
    for (size_t k = 1;; k++) { /* every allocation of opening fails once */
        kvtest_memory memory = {.fail_at = k};
        kvcore_allocator from = kvtest_allocator(&memory);
        config.allocator = &from;
        kvcore_status status = kvformat_kvs1_open_bytes(bytes, &config, &reader, NULL);
        if (status == KVCORE_OK) kvformat_kvs1_close(reader);
        assert_int_equal(memory.live_bytes, 0);
        if (status == KVCORE_OK) break;
        kvtest_assert_status(status, KVCORE_ENOMEM);
    }
    kvtest_assert_ok(kvformat_kvs1_open_bytes(bytes, NULL, &reader, NULL));
    for (uint64_t n = 0; n < NAMES; n++) {
        kvformat_kvs1_block block;
        assert_int_equal(prefix_of(reader, &n, 1, &block), newest[n] != 0);
        if (newest[n] != 0) assert_int_equal(block.commit, newest[n]);
    }
    for (uint64_t i = 0; i < COMMITS; i++) {
        kvformat_kvs1_block block;
        bool is_newest;
        kvtest_assert_ok(kvformat_kvs1_entry(reader, i, &block, &is_newest, NULL));
        entries += is_newest;
        if (!is_newest) continue;
        bool known = false;
        for (uint64_t n = 0; n < NAMES; n++) known = known || newest[n] == block.commit;
        assert_true(known);
    }
    for (uint64_t n = 0; n < NAMES; n++) entries -= newest[n] != 0;
    assert_int_equal(entries, 0);
    kvformat_kvs1_close(reader);
    disk_reset(of, NULL, 0);
    free(of);
}

static void a_prefix_ends_at_the_first_name_that_is_not_there(void **state) {
    (void)state;
    char path[64];
    kvformat_kvs1_config config = small_units();
    kvformat_kvs1_writer *writer;
    kvformat_kvs1_reader *reader;
    kvtest_assert_ok(kvformat_kvs1_create(new_path(path), &config, &writer, NULL));
    for (uint64_t i = 0; i < 1000; i++) put(writer, i, "x");
    kvtest_assert_ok(kvformat_kvs1_commit(writer, NULL));
    kvformat_kvs1_writer_close(writer);
    kvtest_assert_ok(kvformat_kvs1_open(path, NULL, &reader, NULL));
    for (size_t hole = 0; hole <= 64; hole++) {
        uint64_t numbers[64];
        kvformat_kvs1_block blocks[64];
        for (size_t i = 0; i < 64; i++) numbers[i] = i == hole ? 5000 : 997 * (i + 1) % 1000;
        assert_int_equal(prefix_of(reader, numbers, 64, blocks), hole);
        for (size_t i = 0; i < hole; i++) assert_true(kvhash_plh_equal(blocks[i].name, name_number(numbers[i])));
    }
    kvformat_kvs1_close(reader);
    unlink(path);
}

/* Everything that allocates, over a disk in memory so that nothing but the allocator fails. */
static kvcore_status allocate_everywhere(kvcore_allocator allocator, disk *on) {
    kvformat_kvs1_config config = small_units();
    config.allocator = &allocator;
    kvs1_io io = disk_io(on);
    kvformat_kvs1_writer *writer;
    kvcore_status status = kvformat__kvs1_begin_io(&io, &config, &writer, NULL);
    if (status != KVCORE_OK) return status;
    for (uint64_t i = 0; i < 70 && status == KVCORE_OK; i++)
        status = kvformat_kvs1_put(writer, name_number(i), kvcore_text("payload"), NULL);
    if (status == KVCORE_OK) status = kvformat_kvs1_commit(writer, NULL);
    kvformat_kvs1_writer_close(writer);
    if (status == KVCORE_OK) status = kvformat__kvs1_append_io(&io, &config, &writer, NULL);
    if (status != KVCORE_OK) return status;
    kvformat_kvs1_writer_close(writer);
    kvformat_kvs1_reader *reader;
    status = kvformat_kvs1_open_bytes((kvcore_bytes){on->view, (size_t)on->view_size}, &config, &reader, NULL);
    if (status != KVCORE_OK) return status;
    assert_int_equal(kvformat_kvs1_reader_info(reader).entry_count, 70);
    kvformat_kvs1_close(reader);
    return KVCORE_OK;
}

static void every_failed_allocation_is_an_answer(void **state) {
    (void)state;
    disk *on = calloc(1, sizeof *on);
    for (size_t k = 1;; k++) {
        disk_reset(on, NULL, 0);
        kvtest_memory memory = {.fail_at = k};
        kvcore_status status = allocate_everywhere(kvtest_allocator(&memory), on);
        assert_int_equal(memory.live_bytes, 0);
        if (status == KVCORE_OK) {
            assert_true(k > 6);
            break;
        }
        kvtest_assert_status(status, KVCORE_ENOMEM);
    }
    disk_reset(on, NULL, 0);
    free(on);
}

/* A file whose large stretch of zeros is a hole: writes of that one payload are skipped, everything else goes through. */
typedef struct sparse {
    kvs1_io file;
    const void *hole;
} sparse;

static kvcore_status sparse_read(void *ctx, uint64_t offset, void *bytes, size_t size, kvcore_error *error) {
    const sparse *of = ctx;
    return of->file.read(of->file.ctx, offset, bytes, size, error);
}
static kvcore_status sparse_write(void *ctx, uint64_t offset, const kvcore_bytes *parts, size_t count,
                                  kvcore_error *error) {
    const sparse *of = ctx;
    for (; count > 0 && parts[0].data == of->hole; parts++, count--) offset += parts[0].size_bytes;
    return of->file.write(of->file.ctx, offset, parts, count, error);
}
static kvcore_status sparse_sync(void *ctx, kvcore_error *error) {
    const sparse *of = ctx;
    return of->file.sync(of->file.ctx, error);
}
static kvcore_status sparse_truncate(void *ctx, uint64_t size, kvcore_error *error) {
    const sparse *of = ctx;
    return of->file.truncate(of->file.ctx, size, error);
}
static kvcore_status sparse_size(void *ctx, uint64_t *size, kvcore_error *error) {
    const sparse *of = ctx;
    return of->file.size(of->file.ctx, size, error);
}
static void sparse_close(void *ctx) {
    const sparse *of = ctx;
    of->file.close(of->file.ctx);
}

static void files_and_payloads_beyond_4_gib_work(void **state) {
    (void)state;
    const size_t size = ((size_t)4 << 30) + 12345;
    char path[64];
    new_path(path);
    void *zeros = mmap(NULL, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    assert_true(zeros != MAP_FAILED);
    kvcore_allocator allocator = kvcore_allocator_libc();
    kvformat_kvs1_config config = KVFORMAT_KVS1_CONFIG_INIT;
    sparse of = {.hole = zeros};
    kvtest_assert_ok(kvformat__kvs1_file_open(path, KVS1_CREATE, &allocator, &of.file, NULL));
    kvs1_io io = {&of, sparse_read, sparse_write, sparse_sync, sparse_truncate, sparse_size, NULL, sparse_close};
    kvformat_kvs1_writer *writer;
    kvformat_kvs1_reader *reader;
    kvtest_assert_ok(kvformat__kvs1_begin_io(&io, &config, &writer, NULL));
    kvtest_assert_ok(kvformat_kvs1_put(writer, name_number(1), (kvcore_bytes){zeros, size}, NULL));
    put(writer, 2, "behind");
    kvtest_assert_ok(kvformat_kvs1_commit(writer, NULL));
    kvformat_kvs1_writer_close(writer);
    munmap(zeros, size);
    kvtest_assert_ok(kvformat_kvs1_append(path, NULL, &writer, NULL));
    put(writer, 3, "in a later commit");
    kvtest_assert_ok(kvformat_kvs1_commit(writer, NULL));
    kvformat_kvs1_writer_close(writer);
    kvtest_assert_ok(kvformat_kvs1_open(path, NULL, &reader, NULL));
    const uint64_t numbers[] = {1, 2, 3};
    kvformat_kvs1_block blocks[3];
    assert_int_equal(prefix_of(reader, numbers, 3, blocks), 3);
    assert_true(blocks[0].payload.size_bytes == size && blocks[1].offset > size && blocks[2].offset > blocks[1].offset);
    assert_memory_equal(blocks[2].payload.data, "in a later commit", 17);
    for (size_t i = 1; i < 3; i++) kvtest_assert_ok(kvformat_kvs1_check(reader, &blocks[i], NULL));
    kvformat_kvs1_close(reader);
    unlink(path);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_are_seen_after_their_commit_newest_first),
        cmocka_unit_test(what_was_not_committed_gives_its_room_back),
        cmocka_unit_test(a_refusal_says_models_and_layouts_as_people_write_them),
        cmocka_unit_test(a_sparse_tail_is_stepped_over),
        cmocka_unit_test(one_flipped_bit_in_the_last_record_loses_nothing),
        cmocka_unit_test(a_commit_whose_record_is_damaged_is_not_cut_off_unasked),
        cmocka_unit_test(a_block_that_is_not_of_this_file_is_refused),
        cmocka_unit_test(another_model_layout_or_block_size_is_refused),
        cmocka_unit_test(misuse_is_answered_before_anything_happens),
        cmocka_unit_test(random_files_equal_a_plain_table),
        cmocka_unit_test(thousands_of_commits_are_few_runs),
        cmocka_unit_test(a_file_of_many_commits_finds_the_newest_of_each_name),
        cmocka_unit_test(a_prefix_ends_at_the_first_name_that_is_not_there),
        cmocka_unit_test(every_failed_allocation_is_an_answer),
        cmocka_unit_test(files_and_payloads_beyond_4_gib_work),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
