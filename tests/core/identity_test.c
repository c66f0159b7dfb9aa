#include "kvtest.h"

#include <stdlib.h>
#include <unistd.h>

#include <kvcore/hash256.h>
#include <kvcore/identity.h>

static void a_layout_tag_is_ascii_padded_with_nul(void **state) {
    (void)state;
    kvcore_layout_tag tag;
    kvtest_assert_ok(kvcore_layout_tag_make(kvcore_text(KVCORE_LAYOUT_DS4), &tag));
    assert_memory_equal(tag.bytes, "ds4-v1\0\0\0\0\0\0\0\0\0\0", 16);
    kvtest_assert_ok(kvcore_layout_tag_make(kvcore_text(KVCORE_LAYOUT_SGLANG_PAGE), &tag));
    assert_memory_equal(tag.bytes, "sglang-page-v1\0\0", 16);
    kvtest_assert_ok(kvcore_layout_tag_make(kvcore_text("0123456789abcdef"), &tag));
    kvcore_layout_tag before = tag;
    kvtest_assert_status(kvcore_layout_tag_make(kvcore_text("0123456789abcdefg"), &tag), KVCORE_EINVAL);
    kvtest_assert_status(kvcore_layout_tag_make(kvcore_text("d\xc3\xa4"), &tag), KVCORE_EINVAL);
    kvtest_assert_status(kvcore_layout_tag_make((kvcore_bytes){"a\0b", 3}, &tag), KVCORE_EINVAL);
    assert_true(kvcore_layout_tag_equal(&tag, &before));
    kvtest_assert_ok(kvcore_layout_tag_make((kvcore_bytes){0}, &tag));
    assert_false(kvcore_layout_tag_equal(&tag, &before));
}

static void a_digest_is_24_bytes_of_a_sha256_and_48_digits(void **state) {
    (void)state;
    kvcore_model_digest digest, back;
    kvtest_assert_ok(kvcore_model_digest_of_bytes(kvcore_text("abc"), &digest));
    char text[KVCORE_MODEL_DIGEST_TEXT_BYTES];
    kvcore_model_digest_format(&digest, text);
    assert_string_equal(text, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9c");
    kvtest_assert_ok(kvcore_model_digest_parse(kvcore_text("BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9C"), &back));
    assert_true(kvcore_model_digest_equal(&digest, &back));
    text[47] = '\0';
    kvtest_assert_status(kvcore_model_digest_parse(kvcore_text(text), &back), KVCORE_EFORMAT);
    text[47] = 'g';
    kvtest_assert_status(kvcore_model_digest_parse(kvcore_text(text), &back), KVCORE_EFORMAT);
    assert_true(kvcore_model_digest_equal(&digest, &back));
}

/* A folder of our own with two files in it; the second is larger than one piece of reading. */
typedef struct folder {
    char path[64], weights[96], tokenizer[96];
} folder;

static void write_file(const char *path, size_t size) {
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    for (size_t i = 0; i < size; i++) fputc((int)(i * 7 % 251), file);
    assert_int_equal(fclose(file), 0);
}

static folder make_folder(void) {
    folder made;
    snprintf(made.path, sizeof made.path, "/tmp/kvcore-identity-XXXXXX");
    assert_non_null(mkdtemp(made.path));
    snprintf(made.weights, sizeof made.weights, "%s/w", made.path);
    snprintf(made.tokenizer, sizeof made.tokenizer, "%s/t", made.path);
    write_file(made.weights, 200000);
    write_file(made.tokenizer, 3);
    return made;
}

static void remove_folder(const folder *old) {
    unlink(old->weights);
    unlink(old->tokenizer);
    rmdir(old->path);
}

static void a_file_has_the_digest_of_its_content(void **state) {
    (void)state;
    folder at = make_folder();
    uint8_t *content = malloc(200000);
    for (size_t i = 0; i < 200000; i++) content[i] = (uint8_t)(i * 7 % 251);
    kvcore_model_digest of_file, of_bytes;
    kvtest_assert_ok(kvcore_model_digest_of_file(at.weights, &of_file, NULL));
    kvtest_assert_ok(kvcore_model_digest_of_bytes((kvcore_bytes){content, 200000}, &of_bytes));
    assert_true(kvcore_model_digest_equal(&of_file, &of_bytes));
    free(content);

    kvcore_error error;
    kvtest_assert_status(kvcore_model_digest_of_file("/tmp/kvcore/no/such", &of_file, &error), KVCORE_EIO);
    assert_int_equal(error.actual, 2);                                                        /* ENOENT */
    kvtest_assert_status(kvcore_model_digest_of_file(at.path, &of_file, &error), KVCORE_EIO); /* a folder */
    kvtest_assert_status(kvcore_model_digest_of_file(NULL, &of_file, &error), KVCORE_EINVAL);
    assert_true(kvcore_model_digest_equal(&of_file, &of_bytes));
    remove_folder(&at);
}

static void a_set_of_files_is_framed_as_the_header_says(void **state) {
    (void)state;
    folder at = make_folder();
    const kvcore_model_file files[] = {{"weights.bin", at.weights}, {"tokenizer.json", at.tokenizer}};
    const kvcore_model_file turned[] = {files[1], files[0]};
    kvcore_model_digest digest, same, expected;
    kvtest_assert_ok(kvcore_model_digest_of_files(files, 2, &digest, NULL));
    kvtest_assert_ok(kvcore_model_digest_of_files(turned, 2, &same, NULL));
    assert_true(kvcore_model_digest_equal(&digest, &same));

    /* put together by hand: tokenizer.json sorts first */
    uint8_t frame[256], content[200000];
    size_t size = 20;
    kvcore_hash256 hash;
    memcpy(frame, "kvstrata-model-set-1", size);
    kvcore_store_le64(frame + size, 2), size += 8;
    for (int i = 1; i >= 0; i--) {
        size_t name = strlen(files[i].name), bytes = i == 1 ? 3 : 200000;
        kvcore_store_le64(frame + size, name), size += 8;
        memcpy(frame + size, files[i].name, name), size += name;
        for (size_t j = 0; j < bytes; j++) content[j] = (uint8_t)(j * 7 % 251);
        kvtest_assert_ok(kvcore_sha256((kvcore_bytes){content, bytes}, &hash));
        memcpy(frame + size, hash.bytes, 32), size += 32;
    }
    kvtest_assert_ok(kvcore_model_digest_of_bytes((kvcore_bytes){frame, size}, &expected));
    assert_true(kvcore_model_digest_equal(&digest, &expected));
    remove_folder(&at);
}

static void a_set_that_is_none_is_refused(void **state) {
    (void)state;
    folder at = make_folder();
    kvcore_model_digest digest;
    kvcore_error error;
    const kvcore_model_file twice[] = {{"a", at.weights}, {"b", at.tokenizer}, {"a", at.tokenizer}};
    kvtest_assert_status(kvcore_model_digest_of_files(twice, 3, &digest, &error), KVCORE_EINVAL);
    assert_int_equal(error.index, 2);
    kvtest_assert_status(kvcore_model_digest_of_files(twice, 0, &digest, &error), KVCORE_EINVAL);
    const kvcore_model_file nameless[] = {{"a", at.weights}, {"", at.tokenizer}};
    kvtest_assert_status(kvcore_model_digest_of_files(nameless, 2, &digest, &error), KVCORE_EINVAL);
    assert_int_equal(error.index, 1);
    const kvcore_model_file missing[] = {{"b", at.weights}, {"a", "/tmp/kvcore/no/such"}};
    kvtest_assert_status(kvcore_model_digest_of_files(missing, 2, &digest, &error), KVCORE_EIO);
    assert_int_equal(error.index, 1);
    remove_folder(&at);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_layout_tag_is_ascii_padded_with_nul),
        cmocka_unit_test(a_digest_is_24_bytes_of_a_sha256_and_48_digits),
        cmocka_unit_test(a_file_has_the_digest_of_its_content),
        cmocka_unit_test(a_set_of_files_is_framed_as_the_header_says),
        cmocka_unit_test(a_set_that_is_none_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
