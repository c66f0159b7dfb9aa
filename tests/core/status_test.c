#include "kvtest.h"

#include <kvcore/version.h>

static void every_code_has_a_text_of_its_own(void **state) {
    (void)state;
    /* the ranges as the header states them; a code without a text would read "unknown status" */
    static const int last[][2] = {
        {0, KVCORE_EINVARIANT},
        {KVHASH_EPOSITION, KVHASH_EINCOMPLETE},
        {KVLOGICAL_EGUARD, KVLOGICAL_ETOKEN},
        {KVRADIX_EBUDGET, KVRADIX_ENOTEMPTY},
        {KVFORMAT_EMAGIC, KVFORMAT_EMODEL},
        {KVSTORE_EFOREIGN, KVSTORE_ERESPONSE},
        {KVEVENTS_ETRAILING, KVEVENTS_ESIZE},
    };
    const char *seen[100];
    size_t count = 0;
    for (size_t range = 0; range < sizeof last / sizeof *last; range++)
        for (int code = last[range][0]; code >= last[range][1]; code--) {
            const char *text = kvcore_status_text(code);
            assert_string_not_equal(text, "unknown status");
            for (size_t i = 0; i < count; i++) assert_string_not_equal(text, seen[i]);
            seen[count++] = text;
        }
    assert_string_equal(kvcore_status_text(1), "unknown status");
    assert_string_equal(kvcore_status_text(-99999), "unknown status");
}

static void an_error_record_is_filled_and_cut(void **state) {
    (void)state;
    kvcore_error error;
    memset(&error, 0xAA, sizeof error);
    kvcore_status status =
        kvcore_fail(&error, &(kvcore_error){.code = KVCORE_EFORMAT, .index = 3, .expected = 4}, "%0200d", 7);
    assert_int_equal(status, KVCORE_EFORMAT);
    assert_int_equal(error.code, KVCORE_EFORMAT);
    assert_int_equal(error.index, 3);
    assert_int_equal(error.actual, 0);
    assert_int_equal(strlen(error.text), sizeof error.text - 1);
    assert_int_equal(kvcore_fail(NULL, &error, "%d", 1), KVCORE_EFORMAT);
}

static void the_version_is_one(void **state) {
    (void)state;
    char text[40];
    snprintf(text, sizeof text, "%d.%d.%d", KVCORE_VERSION_MAJOR, KVCORE_VERSION_MINOR, KVCORE_VERSION_PATCH);
    assert_string_equal(kvcore_version_text(), text);
    assert_int_equal(kvcore_version_number(), KVCORE_VERSION_NUMBER);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_has_a_text_of_its_own),
        cmocka_unit_test(an_error_record_is_filled_and_cut),
        cmocka_unit_test(the_version_is_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
