#include "kvtest.h"

#include <math.h>

#include <kvcontent/key.h>

static kvcontent_terms *make_terms(void) {
    kvcontent_terms *terms;
    kvtest_assert_ok(kvcontent_terms_create(NULL, &terms));
    return terms;
}

static kvcontent_term atom(kvcontent_terms *terms, const char *text) {
    kvcontent_term term;
    kvtest_assert_ok(kvcontent_term_atom(terms, kvcore_text(text), &term));
    return term;
}

static kvcontent_term integer(kvcontent_terms *terms, int64_t value) {
    kvcontent_term term;
    kvtest_assert_ok(kvcontent_term_integer(terms, value, &term));
    return term;
}

static void assert_encodes(kvcontent_terms *terms, kvcontent_term term, kvcontent_term_profile profile,
                           const void *expected, size_t size) {
    uint8_t bytes[512];
    uint64_t actual = 0;
    kvtest_assert_ok(kvcontent_term_encode(terms, term, profile, bytes, sizeof bytes, &actual));
    assert_int_equal(actual, size);
    assert_memory_equal(bytes, expected, size);
}

static void nesting_has_no_limit_but_memory(void **state) {
    (void)state;
    enum { DEPTH = 1000000 };
    kvcontent_terms *terms = make_terms();
    kvcontent_term tip[2] = {integer(terms, 7), integer(terms, 8)};
    for (int i = 0; i < DEPTH; i++)
        for (int side = 0; side < 2; side++) kvtest_assert_ok(kvcontent_term_tuple(terms, &tip[side], 1, &tip[side]));
    int order = 0;
    kvtest_assert_ok(kvcontent_term_compare(terms, tip[0], tip[1], &order));
    assert_true(order < 0);
    uint64_t size = 0;
    uint8_t *bytes = malloc(2 * DEPTH + 3);
    kvtest_assert_ok(kvcontent_term_encode(terms, tip[0], KVCONTENT_TERM_PORTABLE, bytes, 2 * DEPTH + 3, &size));
    assert_int_equal(size, 2 * DEPTH + 3);
    assert_memory_equal(bytes + size - 4, "\x68\x01\x61\x07", 4);
    kvcore_hash256 streamed, whole;
    kvtest_assert_ok(kvcontent_payload_key(terms, tip[0], KVCONTENT_TERM_PORTABLE, &streamed));
    kvtest_assert_ok(kvcore_sha256((kvcore_bytes){bytes, (size_t)size}, &whole));
    assert_memory_equal(&streamed, &whole, sizeof whole);
    free(bytes);
    kvcontent_terms_destroy(terms);
}

static void an_encoding_beyond_64_bits_is_refused_when_it_is_built(void **state) {
    (void)state;
    kvcontent_terms *terms = make_terms();
    kvcontent_term pair[2] = {integer(terms, 1), integer(terms, 1)}, doubled;
    kvcore_status status = KVCORE_OK;
    int doublings = 0;
    for (; doublings < 100 && status == KVCORE_OK; doublings++) {
        status = kvcontent_term_tuple(terms, pair, 2, &doubled);
        if (status == KVCORE_OK) pair[0] = pair[1] = doubled;
    }
    kvtest_assert_status(status, KVCORE_EOVERFLOW);
    assert_in_range(doublings, 60, 64);
    uint64_t size = 0;
    kvtest_assert_status(kvcontent_term_encode(terms, pair[0], KVCONTENT_TERM_PORTABLE, NULL, 0, &size),
                         KVCORE_EBUFFER);
    assert_true(size > UINT64_C(1) << 60);
    kvcontent_terms_destroy(terms);
}

static void a_term_that_is_none_or_unknown_is_refused_everywhere(void **state) {
    (void)state;
    kvcontent_terms *terms = make_terms();
    kvcontent_term good = atom(terms, "a"), out = {77};
    const kvcontent_term bad[] = {{0}, {2}, {UINT32_MAX}};
    for (size_t i = 0; i < 3; i++) {
        uint64_t size;
        int order;
        uint32_t index;
        kvcore_hash256 hash;
        kvtest_assert_status(kvcontent_term_tuple(terms, &bad[i], 1, &out), KVCORE_EINVAL);
        kvtest_assert_status(kvcontent_term_list(terms, &bad[i], 1, (kvcontent_term){0}, &out), KVCORE_EINVAL);
        if (i > 0) kvtest_assert_status(kvcontent_term_list(terms, &good, 1, bad[i], &out), KVCORE_EINVAL);
        kvtest_assert_status(kvcontent_term_map(terms, &good, &bad[i], 1, false, &out), KVCORE_EINVAL);
        kvtest_assert_status(kvcontent_term_map(terms, &bad[i], &good, 1, false, &out), KVCORE_EINVAL);
        kvtest_assert_status(kvcontent_term_function(terms, bad[i], good, 1, &out), KVCORE_EINVAL);
        kvtest_assert_status(kvcontent_term_compare(terms, bad[i], good, &order), KVCORE_EINVAL);
        kvtest_assert_status(kvcontent_term_sort(terms, &bad[i], 1, &index), KVCORE_EINVAL);
        kvtest_assert_status(kvcontent_term_encode(terms, bad[i], KVCONTENT_TERM_PORTABLE, NULL, 0, &size),
                             KVCORE_EINVAL);
        kvtest_assert_status(kvcontent_payload_key(terms, bad[i], KVCONTENT_TERM_PORTABLE, &hash), KVCORE_EINVAL);
        kvtest_assert_status(kvcontent_blob_key(terms, good, bad[i], KVCONTENT_TERM_PORTABLE, &hash), KVCORE_EINVAL);
        kvtest_assert_status(kvcontent_parameter_key(terms, bad[i], KVCONTENT_TERM_PORTABLE, &out), KVCORE_EINVAL);
    }
    uint64_t size;
    kvtest_assert_status(kvcontent_term_encode(terms, good, (kvcontent_term_profile)3, NULL, 0, &size), KVCORE_EINVAL);
    kvtest_assert_status(kvcontent_term_function(terms, good, good, 256, &out), KVCORE_EINVAL);
    kvtest_assert_status(kvcontent_term_tuple(terms, NULL, 1, &out), KVCORE_EINVAL);
    kvtest_assert_status(kvcontent_term_float(terms, (double)INFINITY, &out), KVCORE_EINVAL);
    kvtest_assert_status(kvcontent_term_float(terms, (double)NAN, &out), KVCORE_EINVAL);
    assert_int_equal(out.number, 77);
    assert_int_equal(atom(terms, "b").number, 2); /* nothing was left behind */
    kvcontent_terms_destroy(terms);
}

static void an_atom_is_utf8_of_at_most_255_characters(void **state) {
    (void)state;
    kvcontent_terms *terms = make_terms();
    kvcontent_term term;
    static const char *bad[] = {"\x80",
                                "\xc3",
                                "\xc0\x80",
                                "\xe0\x80\x80",
                                "\xed\xa0\x80",
                                "\xf0\x80\x80\x80",
                                "\xf4\x90\x80\x80",
                                "\xf8\x88\x80\x80\x80",
                                "a\xff",
                                "\xe2\x82"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        kvtest_assert_status(kvcontent_term_atom(terms, kvcore_text(bad[i]), &term), KVCORE_EFORMAT);
    char text[1025];
    for (int i = 0; i < 256; i++) memcpy(text + 4 * i, "\xf0\x9f\x98\x80", 4);
    kvtest_assert_ok(kvcontent_term_atom(terms, (kvcore_bytes){text, 1020}, &term));
    kvtest_assert_status(kvcontent_term_atom(terms, (kvcore_bytes){text, 1024}, &term), KVCORE_EOVERFLOW);
    kvcontent_term latin = atom(terms, "n\xc3\xa9");
    assert_encodes(terms, latin, KVCONTENT_TERM_OTP25, "\x83\x64\x00\x02n\xe9", 6);
    assert_encodes(terms, latin, KVCONTENT_TERM_OTP26, "\x83\x77\x03n\xc3\xa9", 6);
    kvcontent_terms_destroy(terms);
}

static void a_list_tail_continues_the_list(void **state) {
    (void)state;
    kvcontent_terms *terms = make_terms();
    kvcontent_term one = integer(terms, 1), two = integer(terms, 2), none = {0}, nil, tail, joined, improper;
    kvtest_assert_ok(kvcontent_term_list(terms, NULL, 0, none, &nil));
    kvtest_assert_ok(kvcontent_term_list(terms, &two, 1, nil, &tail));
    kvtest_assert_ok(kvcontent_term_list(terms, &one, 1, tail, &joined));
    assert_encodes(terms, joined, KVCONTENT_TERM_PORTABLE, "\x83\x6b\x00\x02\x01\x02", 6);
    kvtest_assert_ok(kvcontent_term_list(terms, &two, 1, one, &tail));
    kvtest_assert_ok(kvcontent_term_list(terms, &one, 1, tail, &improper));
    assert_encodes(terms, improper, KVCONTENT_TERM_PORTABLE, "\x83\x6c\x00\x00\x00\x02\x61\x01\x61\x02\x61\x01", 12);
    kvtest_assert_ok(kvcontent_term_list(terms, NULL, 0, tail, &joined));
    assert_int_equal(joined.number, tail.number);
    kvcontent_terms_destroy(terms);
}

static void maps_are_sorted_and_refuse_a_key_twice(void **state) {
    (void)state;
    kvcontent_terms *terms = make_terms();
    kvcontent_term keys[3], map;
    kvtest_assert_ok(kvcontent_term_float(terms, 1.0, &keys[0]));
    keys[1] = integer(terms, 2), keys[2] = integer(terms, 1);
    kvtest_assert_ok(kvcontent_term_map(terms, keys, keys, 3, false, &map)); /* 1 and 1.0 are two keys */
    assert_encodes(terms, map, KVCONTENT_TERM_PORTABLE,
                   "\x83\x74\x00\x00\x00\x03\x61\x01\x61\x01\x61\x02\x61\x02"
                   "\x46\x3f\xf0\0\0\0\0\0\0\x46\x3f\xf0\0\0\0\0\0\0",
                   32);
    keys[0] = integer(terms, 2);
    kvtest_assert_status(kvcontent_term_map(terms, keys, keys, 3, false, &map), KVCORE_EINVAL);
    kvcontent_term atoms[] = {atom(terms, "b"), atom(terms, "a")};
    uint64_t size;
    kvtest_assert_ok(kvcontent_term_map(terms, atoms, atoms, 2, false, &map));
    kvtest_assert_status(kvcontent_term_encode(terms, map, KVCONTENT_TERM_OTP26, NULL, 0, &size), KVCORE_ENOTSUP);
    kvtest_assert_status(kvcontent_term_encode(terms, map, KVCONTENT_TERM_OTP25, NULL, 0, &size), KVCORE_EBUFFER);
    kvtest_assert_ok(kvcontent_term_tuple(terms, &map, 1, &map)); /* refused also from inside */
    kvtest_assert_status(kvcontent_term_encode(terms, map, KVCONTENT_TERM_OTP26, NULL, 0, &size), KVCORE_ENOTSUP);
    kvtest_assert_ok(kvcontent_term_map(terms, atoms, atoms, 2, true, &map));
    assert_encodes(terms, map, KVCONTENT_TERM_OTP26,
                   "\x83\x74\0\0\0\x02\x77\x01"
                   "b\x77\x01"
                   "b\x77\x01"
                   "a\x77\x01"
                   "a",
                   18);
    kvcontent_terms_destroy(terms);
}

/* A random term, crowded so that equal and nearly equal ones occur. */
static kvcontent_term random_term(kvcontent_terms *terms, kvtest_random *random, unsigned depth) {
    static const char *atoms[] = {"", "a", "ab", "b", "\xc3\xa9"};
    static const double floats[] = {0.0, 1.0, 1.5, -1.0, 9007199254740992.0, 1e300, -1e300, 5e-324};
    static const int64_t integers[] = {0, 1, -1, 255, 256, INT64_MAX, INT64_MIN, 9007199254740993, 9007199254740992};
    kvcontent_term parts[3], term = {0};
    size_t count = depth > 0 ? (size_t)kvtest_below(random, 4) : 0;
    switch (kvtest_below(random, depth > 0 ? 9 : 5)) {
    case 0: return integer(terms, integers[kvtest_below(random, 9)]);
    case 1: kvtest_assert_ok(kvcontent_term_float(terms, floats[kvtest_below(random, 8)], &term)); return term;
    case 2: return atom(terms, atoms[kvtest_below(random, 5)]);
    case 3: kvtest_assert_ok(kvcontent_term_bits(terms, "\x80\x00\x01", kvtest_below(random, 25), &term)); return term;
    case 4: {
        uint8_t magnitude[40] = {0};
        magnitude[kvtest_below(random, 40)] = 1;
        kvtest_assert_ok(
            kvcontent_term_big_integer(terms, kvtest_below(random, 2), (kvcore_bytes){magnitude, 40}, &term));
        return term;
    }
    default: break;
    }
    for (size_t i = 0; i < count; i++) parts[i] = random_term(terms, random, depth - 1);
    switch (kvtest_below(random, 4)) {
    case 0: kvtest_assert_ok(kvcontent_term_tuple(terms, parts, count, &term)); break;
    case 1: kvtest_assert_ok(kvcontent_term_list(terms, parts, count, (kvcontent_term){0}, &term)); break;
    case 2:
        kvtest_assert_ok(kvcontent_term_list(terms, parts, count, random_term(terms, random, depth - 1), &term));
        break;
    default:
        while (count > 0 && kvcontent_term_map(terms, parts, parts, count, false, &term) != KVCORE_OK) count--;
        if (count == 0) kvtest_assert_ok(kvcontent_term_map(terms, NULL, NULL, 0, false, &term));
    }
    return term;
}

/* Total, antisymmetric, transitive; equality in the exact order is equality of the bytes (but for −0.0, not made here). */
static void both_orders_are_orders(void **state) {
    (void)state;
    enum { COUNT = 24 };
    kvtest_random random = kvtest_seed(65);
    for (int round = 0; round < 150; round++) {
        kvcontent_terms *terms = make_terms();
        kvcontent_term items[COUNT];
        uint8_t bytes[COUNT][2048];
        uint64_t sizes[COUNT];
        int table[2][COUNT][COUNT];
        for (size_t i = 0; i < COUNT; i++) {
            items[i] = random_term(terms, &random, 3);
            kvtest_assert_ok(
                kvcontent_term_encode(terms, items[i], KVCONTENT_TERM_PORTABLE, bytes[i], 2048, &sizes[i]));
        }
        for (size_t i = 0; i < COUNT; i++)
            for (size_t j = 0; j < COUNT; j++) {
                kvtest_assert_ok(kvcontent_term_compare(terms, items[i], items[j], &table[0][i][j]));
                kvtest_assert_ok(kvcontent_term_compare_exact(terms, items[i], items[j], &table[1][i][j]));
                bool same = sizes[i] == sizes[j] && memcmp(bytes[i], bytes[j], (size_t)sizes[i]) == 0;
                assert_int_equal(table[1][i][j] == 0, same);
            }
        for (int exact = 0; exact < 2; exact++)
            for (size_t i = 0; i < COUNT; i++)
                for (size_t j = 0; j < COUNT; j++) {
                    assert_int_equal(table[exact][i][j] > 0, table[exact][j][i] < 0);
                    for (size_t k = 0; k < COUNT; k++)
                        if (table[exact][i][j] <= 0 && table[exact][j][k] <= 0) assert_true(table[exact][i][k] <= 0);
                }
        uint32_t order[COUNT];
        kvtest_assert_ok(kvcontent_term_sort(terms, items, COUNT, order));
        for (size_t i = 1; i < COUNT; i++) {
            int step = table[0][order[i - 1]][order[i]];
            assert_true(step < 0 || (step == 0 && order[i - 1] < order[i]));
        }
        kvcontent_terms_destroy(terms);
    }
}

static kvcore_status build_a_step(kvcore_allocator allocator) {
    kvcontent_terms *terms;
    kvcore_status status = kvcontent_terms_create(&allocator, &terms);
    if (status != KVCORE_OK) return status;
    kvcontent_term name, value, none = {0};
    kvcontent_step step = {0};
    status = kvcontent_term_atom(terms, kvcore_text("name"), &name);
    if (status == KVCORE_OK) status = kvcontent_term_binary(terms, (kvcore_bytes){"0123456789", 10}, &value);
    step.function = (kvcontent_step_function){name, name, 2, none};
    if (status == KVCORE_OK) status = kvcontent_term_list(terms, &value, 1, none, &step.function.environment);
    kvcontent_step_input inputs[70];
    for (size_t i = 0; i < 70; i++) inputs[i] = (kvcontent_step_input){name, value};
    kvcontent_step_option option = {name, value};
    step.inputs = inputs, step.input_count = 70;
    step.options = &option, step.option_count = 1;
    step.cache_keys = &name, step.cache_key_count = 1;
    kvcore_hash256 key, again;
    if (status == KVCORE_OK) status = kvcontent_step_key(terms, &step, KVCONTENT_TERM_PORTABLE, &key, NULL);
    if (status == KVCORE_OK) status = kvcontent_step_key(terms, &step, KVCONTENT_TERM_PORTABLE, &again, NULL);
    if (status == KVCORE_OK) assert_memory_equal(&key, &again, sizeof key);
    kvcontent_terms_destroy(terms);
    return status;
}

static void every_failed_allocation_is_an_answer(void **state) {
    (void)state;
    kvtest_fail_each_allocation(build_a_step, 8);
}

static void a_cleared_builder_builds_without_allocating(void **state) {
    (void)state;
    kvtest_memory memory = {0};
    kvcore_allocator allocator = kvtest_allocator(&memory);
    kvcontent_terms *terms;
    kvtest_assert_ok(kvcontent_terms_create(&allocator, &terms));
    kvcontent_term first = {0};
    size_t calls = 0;
    for (int round = 0; round < 2; round++) {
        calls = memory.calls;
        kvtest_random random = {42};
        kvcontent_term term = random_term(terms, &random, 6);
        if (round == 0) first = term;
        assert_int_equal(term.number, first.number);
        kvcontent_terms_clear(terms);
    }
    assert_int_equal(memory.calls, calls);
    kvcontent_terms_destroy(terms);
    kvcontent_terms_destroy(NULL);
}

static void inputs_of_one_name_keep_their_order_or_take_that_of_their_keys(void **state) {
    (void)state;
    kvcontent_terms *terms = make_terms();
    kvcontent_term name = atom(terms, "n");
    kvcontent_term keys[] = {atom(terms, "z"), atom(terms, "a")};
    kvcontent_step_input inputs[] = {{name, integer(terms, 1)}, {name, integer(terms, 2)}};
    kvcontent_step_input turned[] = {inputs[1], inputs[0]};
    kvcontent_step step = {.module = name, .inputs = inputs, .input_count = 2};
    kvcore_hash256 listed, reversed, mapped;
    kvtest_assert_ok(kvcontent_step_key(terms, &step, KVCONTENT_TERM_PORTABLE, &listed, NULL));
    step.input_keys = keys;
    kvtest_assert_ok(kvcontent_step_key(terms, &step, KVCONTENT_TERM_PORTABLE, &mapped, NULL));
    step.inputs = turned, step.input_keys = NULL;
    kvtest_assert_ok(kvcontent_step_key(terms, &step, KVCONTENT_TERM_PORTABLE, &reversed, NULL));
    assert_memory_equal(&mapped, &reversed, sizeof mapped);
    assert_memory_not_equal(&listed, &reversed, sizeof listed);
    kvcontent_terms_destroy(terms);
}

static void a_step_that_is_none_is_refused_with_its_place(void **state) {
    (void)state;
    kvcontent_terms *terms = make_terms();
    kvcontent_term name = atom(terms, "n"), number = integer(terms, 1), nil, none = {0};
    kvtest_assert_ok(kvcontent_term_list(terms, NULL, 0, none, &nil));
    kvcore_hash256 key;
    kvcore_error error;
    kvcontent_step step = {.module = number};
    kvtest_assert_status(kvcontent_step_key(terms, &step, KVCONTENT_TERM_PORTABLE, &key, &error), KVCORE_EINVAL);
    step = (kvcontent_step){.function = {name, name, 1, nil}};
    kvtest_assert_status(kvcontent_step_key(terms, &step, KVCONTENT_TERM_PORTABLE, &key, &error), KVCORE_EINVAL);
    assert_int_equal(error.actual, 1);
    step.function = (kvcontent_step_function){name, name, 2, number};
    kvtest_assert_status(kvcontent_step_key(terms, &step, KVCONTENT_TERM_PORTABLE, &key, &error), KVCORE_EINVAL);
    kvcontent_step_input inputs[] = {{name, name}, {none, name}};
    step = (kvcontent_step){.module = name, .inputs = inputs, .input_count = 2};
    kvtest_assert_status(kvcontent_step_key(terms, &step, KVCONTENT_TERM_PORTABLE, &key, &error), KVCORE_EINVAL);
    assert_int_equal(error.index, 1);
    kvtest_assert_status(kvcontent_step_key(terms, &step, (kvcontent_term_profile)9, &key, &error), KVCORE_EINVAL);
    assert_int_equal(atom(terms, "x").number, 4); /* nothing was left behind */
    kvcontent_terms_destroy(terms);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nesting_has_no_limit_but_memory),
        cmocka_unit_test(an_encoding_beyond_64_bits_is_refused_when_it_is_built),
        cmocka_unit_test(a_term_that_is_none_or_unknown_is_refused_everywhere),
        cmocka_unit_test(an_atom_is_utf8_of_at_most_255_characters),
        cmocka_unit_test(a_list_tail_continues_the_list),
        cmocka_unit_test(maps_are_sorted_and_refuse_a_key_twice),
        cmocka_unit_test(both_orders_are_orders),
        cmocka_unit_test(every_failed_allocation_is_an_answer),
        cmocka_unit_test(a_cleared_builder_builds_without_allocating),
        cmocka_unit_test(inputs_of_one_name_keep_their_order_or_take_that_of_their_keys),
        cmocka_unit_test(a_step_that_is_none_is_refused_with_its_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
