/* KVS1 files good and bad, as they were on the day version 1 was fixed and on the day records got their second copy. With KVSTRATA_WRITE_GOLDEN=FOLDER the files are made
 * anew there, to be looked at; nothing is compared then. */
#include "kvtest.h"

#include <unistd.h>

#include <kvformat/checksum.h>
#include <kvformat/kvs1.h>

enum { MOST_BYTES = 1 << 14 };

typedef struct image {
    uint8_t bytes[MOST_BYTES];
    size_t size;
} image;

static void read_file(const char *path, image *into) {
    FILE *file = fopen(path, "rb");
    if (file == NULL) fail_msg("cannot read %s", path);
    into->size = fread(into->bytes, 1, sizeof into->bytes, file);
    fclose(file);
}

static const uint8_t file_id[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
static const kvcore_model_digest model = {"golden model digest 24b"};
static const kvcore_layout_tag layout = {"test-v1"};

/* Two commits, the second with a newer version of the first block. */
static void write_good(image *into) {
    char path[64];
    snprintf(path, sizeof path, "/tmp/kvs1-golden-%ld.kvs1", (long)getpid());
    unlink(path);
    kvformat_kvs1_config config = KVFORMAT_KVS1_CONFIG_INIT;
    config.alignment = 256, config.block_tokens = 16;
    config.model_digest = &model, config.layout_tag = &layout, config.file_id = file_id;
    kvformat_kvs1_writer *writer;
    kvtest_assert_ok(kvformat_kvs1_create(path, &config, &writer, NULL));
    kvhash_plh root = kvhash_plh_root(0x0123456789ABCDEF), child;
    kvtest_assert_ok(kvhash_plh_extend(root, 42, &child));
    kvtest_assert_ok(kvformat_kvs1_put(writer, root, kvcore_text("root payload"), NULL));
    kvtest_assert_ok(kvformat_kvs1_put(writer, child, (kvcore_bytes){0}, NULL));
    kvtest_assert_ok(kvformat_kvs1_commit(writer, NULL));
    kvtest_assert_ok(kvformat_kvs1_put(writer, root, kvcore_text("newer root payload"), NULL));
    kvtest_assert_ok(kvformat_kvs1_commit(writer, NULL));
    kvformat_kvs1_writer_close(writer);
    read_file(path, into);
    unlink(path);
}

/* Where things are in the good file: | header | root | child | index | record | root | index | record |, a unit each. */
enum { UNIT = 256, ROOT = 1 * UNIT, INDEX = 3 * UNIT, RECORD = 4 * UNIT, NEWER = 5 * UNIT, RECORD2 = 7 * UNIT };

static void reseal(image *of, size_t at) {
    kvcore_store_le32(of->bytes + at + 124, kvformat_crc32c(0, (kvcore_bytes){of->bytes + at, 124}));
}

static void bad_magic(image *of) { of->bytes[4] = '\n'; }
static void bad_header_checksum(image *of) { of->bytes[60] ^= 1; }
static void bad_version(image *of) { of->bytes[8] = 2, reseal(of, 0); }
static void bad_alignment(image *of) { of->bytes[12] = 1, reseal(of, 0); }
static void cut_header(image *of) { of->size = 127; }
static void no_commit(image *of) { of->size = 3 * UNIT; }
static void torn_record(image *of) { memset(of->bytes + RECORD2 + 64, 0, 64); }
static void cut_record(image *of) { of->size -= 1; }
static void long_tail(image *of) { memset(of->bytes + of->size, 0xEE, 1000), of->size += 1000; }
static void bad_index(image *of) { of->bytes[INDEX + 17] ^= 1; }
static void broken_chain(image *of) { of->bytes[RECORD + 80] ^= 1, reseal(of, RECORD); }
static void lost_first_record(image *of) { of->bytes[RECORD] ^= 1; }
static void bad_payload(image *of) { of->bytes[NEWER + 3] ^= 1; }
static void bad_trailer(image *of) { of->bytes[NEWER + 128 + 100] ^= 1; }
static void no_trailer(image *of) { of->bytes[NEWER + 128] ^= 1; }
static void block_of_other_model(image *of) { of->bytes[NEWER + 128 + 40] ^= 1, reseal(of, NEWER + 128); }
static void block_of_other_layout(image *of) { of->bytes[NEWER + 128 + 24] ^= 1, reseal(of, NEWER + 128); }
static void block_of_other_commit(image *of) { of->bytes[NEWER + 128 + 88] = 1, reseal(of, NEWER + 128); }

/* A row that points outside its commit, under sound checksums. */
static void lying_row(image *of) {
    kvcore_store_le64(of->bytes + NEWER + UNIT + 16, ROOT);
    kvcore_store_le32(of->bytes + RECORD2 + 72, kvformat_crc32c(0, (kvcore_bytes){of->bytes + NEWER + UNIT, 40}));
    reseal(of, RECORD2);
}

static void nothing(image *of) { (void)of; }

/* Files of the first writers have one copy of a record. */
static void drop_copies(image *of) {
    memset(of->bytes + RECORD + UNIT - 128, 0, 128);
    memset(of->bytes + RECORD2 + UNIT - 128, 0, 128);
}

static void flip_first_copy(image *of) { of->bytes[RECORD2 + 30] ^= 1; }
static void flip_second_copy(image *of) { of->bytes[RECORD2 + UNIT - 1] ^= 1; }
static void flip_both_copies(image *of) { flip_first_copy(of), flip_second_copy(of); }
static void flip_copy_of_first_record(image *of) { of->bytes[RECORD + 1] ^= 1; }

typedef struct file_case {
    const char *name;
    void (*change)(image *of);
    kvcore_status open, check;
    uint64_t commits;
} file_case;

static const file_case with_copies[] = {
    {"good_copies", nothing, KVCORE_OK, KVCORE_OK, 2},
    {"first_copy_damaged", flip_first_copy, KVCORE_OK, KVCORE_ECHECKSUM, 2},
    {"second_copy_damaged", flip_second_copy, KVCORE_OK, KVCORE_ECHECKSUM, 2},
    {"both_copies_damaged", flip_both_copies, KVCORE_OK, KVCORE_ECHECKSUM, 1},
    {"older_record_damaged", flip_copy_of_first_record, KVCORE_OK, KVCORE_ECHECKSUM, 2}};

static const file_case without_copies[] = {
    {"good", nothing, KVCORE_OK, KVCORE_OK, 2},
    {"no_commit", no_commit, KVCORE_OK, KVCORE_OK, 0},
    {"torn_record", torn_record, KVCORE_OK, KVCORE_ECHECKSUM, 1},
    {"cut_record", cut_record, KVCORE_OK, KVCORE_OK, 1},
    {"long_tail", long_tail, KVCORE_OK, KVCORE_OK, 2},
    {"bad_magic", bad_magic, KVFORMAT_EMAGIC, 0, 0},
    {"bad_header_checksum", bad_header_checksum, KVCORE_ECHECKSUM, 0, 0},
    {"bad_version", bad_version, KVFORMAT_EVERSION, 0, 0},
    {"bad_alignment", bad_alignment, KVCORE_EFORMAT, 0, 0},
    {"cut_header", cut_header, KVCORE_ETRUNCATED, 0, 0},
    {"bad_index", bad_index, KVCORE_ECHECKSUM, 0, 0},
    {"broken_chain", broken_chain, KVCORE_EFORMAT, 0, 0},
    {"lost_first_record", lost_first_record, KVCORE_EFORMAT, 0, 0},
    {"lying_row", lying_row, KVCORE_OK, KVCORE_EFORMAT, 2},
    {"bad_payload", bad_payload, KVCORE_OK, KVCORE_ECHECKSUM, 2},
    {"bad_trailer", bad_trailer, KVCORE_OK, KVCORE_ECHECKSUM, 2},
    {"no_trailer", no_trailer, KVCORE_OK, KVFORMAT_EMAGIC, 2},
    {"block_of_other_model", block_of_other_model, KVCORE_OK, KVFORMAT_EMODEL, 2},
    {"block_of_other_layout", block_of_other_layout, KVCORE_OK, KVFORMAT_ELAYOUT, 2},
    {"block_of_other_commit", block_of_other_commit, KVCORE_OK, KVCORE_EFORMAT, 2}};
enum {
    WITH_COPIES = sizeof with_copies / sizeof *with_copies,
    WITHOUT_COPIES = sizeof without_copies / sizeof *without_copies
};

static void golden_path(char *path, size_t capacity, const char *folder, const char *name) {
    snprintf(path, capacity, "%s/%s.kvs1", folder, name);
}

static void the_writer_still_writes_the_good_file(void **state) {
    (void)state;
    image *made = calloc(1, sizeof *made), *golden = calloc(1, sizeof *golden);
    char path[4096];
    write_good(made);
    golden_path(path, sizeof path, GOLDEN, "good_copies");
    read_file(path, golden);
    assert_int_equal(made->size, golden->size);
    assert_memory_equal(made->bytes, golden->bytes, golden->size);
    free(made);
    free(golden);
}

static void expect(const file_case *file) {
    image *golden = calloc(1, sizeof *golden);
    char path[4096];
    golden_path(path, sizeof path, GOLDEN, file->name);
    read_file(path, golden);
    kvformat_kvs1_config config = KVFORMAT_KVS1_CONFIG_INIT;
    config.model_digest = &model, config.layout_tag = &layout;
    kvformat_kvs1_reader *reader;
    kvcore_error error;
    kvcore_bytes bytes = {golden->bytes, golden->size};
    kvcore_status status = kvformat_kvs1_open_bytes(bytes, &config, &reader, &error);
    if (status != file->open) fail_msg("%s: got %d, expected %d", file->name, status, file->open);
    if (status == KVCORE_OK) {
        assert_int_equal(kvformat_kvs1_reader_info(reader).commit_count, file->commits);
        status = kvformat_kvs1_check_all(reader, &error);
        if (status != file->check) fail_msg("%s: got %d, expected %d", file->name, status, file->check);
        kvformat_kvs1_close(reader);
    }
    free(golden);
}

static void every_file_is_read_or_refused_as_it_was(void **state) {
    (void)state;
    for (size_t i = 0; i < WITHOUT_COPIES; i++) expect(&without_copies[i]);
    for (size_t i = 0; i < WITH_COPIES; i++) expect(&with_copies[i]);
}

static void write_file(const char *folder, const file_case *file, bool copies) {
    image *of = calloc(1, sizeof *of);
    char path[4096];
    write_good(of);
    if (!copies) drop_copies(of);
    file->change(of);
    golden_path(path, sizeof path, folder, file->name);
    FILE *to = fopen(path, "wb");
    if (to == NULL || fwrite(of->bytes, 1, of->size, to) != of->size || fclose(to) != 0)
        fprintf(stderr, "cannot write %s\n", path);
    free(of);
}

static void write_files(const char *folder) {
    for (size_t i = 0; i < WITHOUT_COPIES; i++) write_file(folder, &without_copies[i], false);
    for (size_t i = 0; i < WITH_COPIES; i++) write_file(folder, &with_copies[i], true);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_writer_still_writes_the_good_file),
        cmocka_unit_test(every_file_is_read_or_refused_as_it_was),
    };
    const char *folder = getenv("KVSTRATA_WRITE_GOLDEN");
    if (folder != NULL) {
        write_files(folder);
        return 0;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
