/* Can somebody who knows the code choose names that meet in one bucket? Looks inside. */
#include "kvtest.h"

#include "prefix/index.h"

#define BUCKETS 1024
#define MEETING 64

static size_t bucket_of(mix_key key, kvhash_plh name) { return (size_t)((name_hash(key, name) >> 32) * BUCKETS >> 32); }

static mix_key key_of(uint64_t seed) {
    kvradix_config config = KVRADIX_CONFIG_INIT;
    config.hash_seed = seed;
    kvradix_index *index = NULL;
    kvtest_assert_ok(kvradix_index_create(&config, &index, NULL));
    mix_key key = index->lineage.table.key;
    kvradix_index_destroy(index);
    return key;
}

static size_t distinct_buckets(mix_key key, const kvhash_plh *names) {
    static bool used[BUCKETS];
    size_t distinct = 0;
    memset(used, 0, sizeof used);
    for (size_t i = 0; i < MEETING; i++) {
        size_t bucket = bucket_of(key, names[i]);
        distinct += !used[bucket];
        used[bucket] = true;
    }
    return distinct;
}

static void names_that_meet_under_one_key_part_under_another(void **state) {
    (void)state;
    kvtest_random random = kvtest_seed(3);
    kvhash_plh meeting[MEETING];
    mix_key known = key_of(1);
    for (size_t found = 0; found < MEETING;) {
        kvhash_plh name = kvhash_plh_root(kvtest_next(&random));
        if (bucket_of(known, name) == 7) meeting[found++] = name;
    }
    assert_int_equal(distinct_buckets(known, meeting), 1);
    for (int i = 0; i < 100; i++) assert_true(distinct_buckets(key_of(0), meeting) > MEETING / 2);
}

static void a_seed_gives_the_same_key_and_none_another_each_time(void **state) {
    (void)state;
    mix_key one = key_of(5), again = key_of(5), other = key_of(6), random = key_of(0), more = key_of(0);
    assert_true(one.a == again.a && one.b == again.b);
    assert_true(one.a != other.a && one.b != other.b);
    assert_true(random.a != more.a && random.b != more.b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_that_meet_under_one_key_part_under_another),
        cmocka_unit_test(a_seed_gives_the_same_key_and_none_another_each_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
