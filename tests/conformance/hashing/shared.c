#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "checks.h"

static void expect_128(kvtest_vector *v, const char *what, uint64_t high, uint64_t low, json_object *expected) {
    char text[33];
    snprintf(text, sizeof text, "%016" PRIx64 "%016" PRIx64, high, low);
    if (!json_object_is_type(expected, json_type_string))
        kvtest_differ(v, "%s: no value to compare with", what);
    else
        kvtest_expect_text(v, what, text, json_object_get_string(expected));
}

void expect_plh(kvtest_vector *v, const char *what, kvhash_plh actual, json_object *expected) {
    expect_128(v, what, actual.high, actual.low, expected);
}

void expect_psh(kvtest_vector *v, const char *what, kvhash_psh actual, json_object *expected) {
    expect_128(v, what, actual.high, actual.low, expected);
}

kvhash_mm_run *runs_of(kvtest_vector *v, json_object *object, const char *key, size_t *count) {
    json_object *list = kvtest_array(v, object, key);
    *count = json_object_array_length(list);
    kvhash_mm_run *runs = kvtest_line_alloc(v, *count * sizeof *runs);
    for (size_t i = 0; i < *count; i++) {
        json_object *run = json_object_array_get_idx(list, i);
        runs[i] =
            (kvhash_mm_run){kvtest_u64(v, run, "mm_hash"), kvtest_u64(v, run, "offset"), kvtest_u64(v, run, "length")};
    }
    return runs;
}

void expect_runs(kvtest_vector *v, const char *what, const kvhash_mm_run *actual, size_t count, json_object *object,
                 const char *key) {
    size_t expected_count;
    const kvhash_mm_run *expected = runs_of(v, object, key, &expected_count);
    kvtest_expect_u64(v, what, count, expected_count);
    for (size_t i = 0; i < count && i < expected_count; i++)
        if (memcmp(&actual[i], &expected[i], sizeof *actual) != 0) kvtest_differ(v, "%s: run %zu differs", what, i);
}

kvcore_status status_of_variant(kvtest_vector *v, const char *variant) {
    static const struct {
        const char *name;
        kvcore_status status;
    } variants[] = {
        {"EmptyRun", KVHASH_EEMPTY_RUN},
        {"OffsetOverflow", KVHASH_EOFFSET_OVERFLOW},
        {"OutOfBounds", KVHASH_EOUT_OF_BOUNDS},
        {"Overlapping", KVHASH_EOVERLAP},
        {"InsufficientTokens", KVHASH_EINSUFFICIENT_TOKENS},
        {"MmRunsPresent", KVHASH_EMM_RUNS_PRESENT},
        {"Incomplete", KVHASH_EINCOMPLETE},
    };
    for (size_t i = 0; i < sizeof variants / sizeof *variants; i++)
        if (strcmp(variants[i].name, variant) == 0) return variants[i].status;
    kvtest_differ(v, "error variant \"%s\" is not known", variant);
    return KVCORE_OK;
}

void expect_run_error(kvtest_vector *v, kvcore_status status, const kvcore_error *actual, json_object *expected) {
    kvtest_expect_status(v, "error", status, status_of_variant(v, kvtest_string(v, expected, "variant")));
    if (status == KVCORE_OK) return;
    kvtest_expect_status(v, "error record's code", actual->code, status);
    kvtest_expect_text(v, "error record's text", actual->text, kvtest_string(v, expected, "message"));
    if (kvtest_has(expected, "offset"))
        kvtest_expect_u64(v, "error record's offset", actual->offset, kvtest_u64(v, expected, "offset"));
    if (kvtest_has(expected, "length"))
        kvtest_expect_u64(v, "error record's length", actual->length, kvtest_u64(v, expected, "length"));
    if (kvtest_has(expected, "tokens_len"))
        kvtest_expect_u64(v, "error record's expected", actual->expected, kvtest_u64(v, expected, "tokens_len"));
    if (kvtest_has(expected, "position"))
        kvtest_expect_u64(v, "error record's offset", actual->offset, kvtest_u64(v, expected, "position"));
}
