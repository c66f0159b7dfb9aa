/* Do 200,000 random steps equal a naive twin: an array with a place for each possible key? */
#include "kvtest.h"

#include <kvradix/residency.h>

#define KEYS 700
#define CHAIN 24

typedef struct twin {
    bool known[KEYS];
    kvradix_entry entry[KEYS];
    size_t count;
} twin;

static kvcore_hash256 key(uint32_t number) {
    kvcore_hash256 made = {{0}}; /* most bytes alike: a table must look at all of them */
    made.bytes[number % 32] = (uint8_t)(1 + number / 32);
    return made;
}

static void check_match(const kvradix_residency *index, const twin *t, kvtest_random *random, kvradix_lookup *lookup) {
    kvcore_hash256 chain[CHAIN];
    uint32_t numbers[CHAIN];
    size_t count = kvtest_below(random, CHAIN + 1);
    for (size_t i = 0; i < count; i++) chain[i] = key(numbers[i] = (uint32_t)kvtest_below(random, KEYS));
    kvtest_assert_ok(kvradix_residency_match(index, chain, count, lookup));
    size_t resident = 0, prefetch = 0;
    for (size_t i = 0; i < count && t->known[numbers[i]]; i++) {
        kvradix_entry entry = t->entry[numbers[i]];
        if (prefetch == 0 && entry.residency != KVRADIX_REMOTE_ONLY) {
            assert_memory_equal(&lookup->resident[resident].key, &chain[i], sizeof *chain);
            assert_memory_equal(&lookup->resident[resident].entry, &entry, sizeof entry);
            resident++;
        } else {
            assert_memory_equal(&lookup->prefetch[prefetch++], &chain[i], sizeof *chain);
        }
    }
    assert_int_equal(lookup->resident_count, resident);
    assert_int_equal(lookup->prefetch_count, prefetch);
    assert_int_equal(lookup->matched, resident + prefetch);
}

static void change(kvradix_residency *index, twin *t, kvtest_random *random, bool removing) {
    kvradix_handle handles[8];
    kvcore_hash256 keys[8];
    size_t count = 1 + kvtest_below(random, 8), removed, expected = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t number = (uint32_t)kvtest_below(random, KEYS);
        handles[i] = (kvradix_handle){keys[i] = key(number), {(uint32_t)kvtest_next(random), 0}};
        handles[i].entry.residency = kvtest_below(random, 8) == 0 ? KVRADIX_REMOTE_ONLY : (uint32_t)i % 2;
        if (removing) {
            expected += t->known[number];
            t->known[number] = false;
        } else {
            t->count += !t->known[number];
            t->known[number] = true;
            t->entry[number] = handles[i].entry;
        }
    }
    if (removing) {
        kvtest_assert_ok(kvradix_residency_remove(index, keys, count, &removed));
        assert_int_equal(removed, expected);
        t->count -= removed;
    } else {
        kvtest_assert_ok(kvradix_residency_store(index, handles, count));
    }
    assert_int_equal(kvradix_residency_count(index), t->count);
}

static void random_steps_equal_the_twin(void **state) {
    (void)state;
    kvtest_random random = kvtest_seed(7);
    kvradix_config config = KVRADIX_CONFIG_INIT;
    config.capacity = 5;
    kvradix_residency *index;
    kvtest_assert_ok(kvradix_residency_create(&config, &index, NULL));
    kvradix_lookup lookup = KVRADIX_LOOKUP_INIT;
    kvtest_assert_ok(kvradix_lookup_reserve(&lookup, NULL, CHAIN));
    static twin t;
    for (int step = 0; step < 200000; step++) {
        /* now mostly full, now mostly empty */
        uint64_t mostly = step / 20000 % 2 == 0 ? 2 : 6;
        if (kvtest_below(&random, 3) == 0)
            check_match(index, &t, &random, &lookup);
        else
            change(index, &t, &random, kvtest_below(&random, 8) < mostly);
    }
    for (uint32_t i = 0; i < KEYS; i++) {
        kvcore_hash256 one = key(i);
        assert_int_equal(kvradix_residency_find(index, &one, NULL), t.known[i]);
    }
    kvradix_lookup_free(&lookup, NULL);
    kvradix_residency_destroy(index);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(random_steps_equal_the_twin)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
