/* Does the sketch count as the original does, bit for bit, and age as it should? */
#include "support.h"

#include <kvlogical/frequency.h>

static kvlogical_frequency *make(size_t capacity, uint32_t threshold) {
    kvlogical_frequency *sketch = NULL;
    kvtest_assert_ok(kvlogical_frequency_create(capacity, threshold, NULL, &sketch));
    return sketch;
}

static void touch(kvlogical_frequency *sketch, uint64_t key, int times) {
    for (int i = 0; i < times; i++) kvlogical_frequency_touch_u64(sketch, key);
}

static void touches_are_counted_up_to_15(void **state) {
    (void)state;
    kvlogical_frequency *sketch = make(100, 0);
    touch(sketch, 42, 1);
    assert_int_equal(kvlogical_frequency_count_u64(sketch, 42), 1);
    touch(sketch, 42, 2);
    assert_int_equal(kvlogical_frequency_count_u64(sketch, 42), 3);
    assert_int_equal(kvlogical_frequency_count_u64(sketch, 99), 0);
    touch(sketch, 42, 17);
    assert_int_equal(kvlogical_frequency_count_u64(sketch, 42), 15);
    assert_int_equal(kvlogical_frequency_size(sketch), 15); /* a touch that changes nothing does not count */
    kvlogical_frequency_destroy(sketch);
}

static void names_are_keys_of_16_bytes(void **state) {
    (void)state;
    kvlogical_frequency *sketch = make(100, 0);
    kvhash_plh name = {UINT64_C(0x0123456789ABCDEF), UINT64_C(0x0123456789ABCDEF)}, zero = {0, 0};
    for (int i = 0; i < 3; i++) kvlogical_frequency_touch(sketch, name);
    assert_int_equal(kvlogical_frequency_count(sketch, name), 3);
    assert_int_equal(kvlogical_frequency_count(sketch, zero), 0);
    for (int i = 0; i < 17; i++) kvlogical_frequency_touch(sketch, name);
    assert_int_equal(kvlogical_frequency_count(sketch, name), 15);
    kvlogical_frequency_destroy(sketch);
}

static void reaching_the_threshold_halves_every_counter(void **state) {
    (void)state;
    kvlogical_frequency *sketch = make(100, 5);
    touch(sketch, 42, 4);
    assert_int_equal(kvlogical_frequency_size(sketch), 4);
    touch(sketch, 99, 1);
    assert_int_equal(kvlogical_frequency_count_u64(sketch, 42), 2);
    assert_int_equal(kvlogical_frequency_count_u64(sketch, 99), 0);
    assert_int_equal(kvlogical_frequency_size(sketch), 1); /* 5 / 2 less a quarter of the 4 odd counters */
    kvlogical_frequency_destroy(sketch);
}

static void the_threshold_is_inclusive(void **state) {
    (void)state;
    kvlogical_frequency *sketch = make(KVLOGICAL_FREQUENCY_SMALL, 100);
    uint32_t before = 0;
    for (uint64_t key = 0; key < 99; key++) kvlogical_frequency_touch_u64(sketch, key);
    before = kvlogical_frequency_size(sketch);
    assert_int_equal(before, 99);
    kvlogical_frequency_touch_u64(sketch, 99);
    assert_true(kvlogical_frequency_size(sketch) < 99);
    kvlogical_frequency_destroy(sketch);
}

static void by_default_it_ages_after_ten_touches_a_key(void **state) {
    (void)state;
    kvlogical_frequency *sketch = make(28, 0); /* an odd number of words, so that all counters are used */
    uint32_t size = 0, most = 0;
    for (uint64_t key = 0; key < 4000; key++) {
        kvlogical_frequency_touch_u64(sketch, key);
        size = kvlogical_frequency_size(sketch);
        if (size > most) most = size;
    }
    assert_int_equal(most, 279); /* at 280 it was halved at once */
    kvlogical_frequency_destroy(sketch);
}

static void a_table_too_small_for_its_keys_still_estimates(void **state) {
    (void)state;
    kvlogical_frequency *sketch = make(10, 0);
    for (uint64_t key = 0; key < 100; key++) kvlogical_frequency_touch_u64(sketch, key);
    assert_int_equal(kvlogical_frequency_size(sketch), 78); /* saturation; no halving at 100 */
    assert_true(kvlogical_frequency_count_u64(sketch, 5) > 0);
    for (uint64_t key = 0; key < 100; key++) assert_true(kvlogical_frequency_count_u64(sketch, key) <= 15);
    kvlogical_frequency_destroy(sketch);
}

static void a_capacity_of_none_is_one_word(void **state) {
    (void)state;
    kvlogical_frequency *sketch = make(0, 1000);
    touch(sketch, 1, 3);
    assert_true(kvlogical_frequency_count_u64(sketch, 1) >= 3);
    kvlogical_frequency_destroy(sketch);
    kvlogical_frequency_destroy(NULL);
    assert_int_equal(kvlogical_frequency_create(8, 0, NULL, NULL), KVCORE_EINVAL);
    assert_int_equal(kvlogical_frequency_create(SIZE_MAX, 0, NULL, &sketch), KVCORE_ENOMEM);
}

static void capacities_have_their_sizes(void **state) {
    (void)state;
    assert_int_equal(KVLOGICAL_FREQUENCY_SMALL, 262144);
    assert_int_equal(KVLOGICAL_FREQUENCY_MEDIUM, 2097152);
    assert_int_equal(KVLOGICAL_FREQUENCY_LARGE, 16777216);
}

static void a_sketch_serves_as_a_registrys_tracker(void **state) {
    (void)state;
    kvlogical_frequency *sketch = make(500, 0);
    kvlogical_registry_config config = KVLOGICAL_REGISTRY_CONFIG_INIT;
    kvlogical_registry *registry = NULL;
    kvhash_plh name = kvhash_plh_root(1);
    config.tracker = kvlogical_frequency_tracker(sketch);
    kvtest_assert_ok(kvlogical_registry_create(&config, &registry, NULL));
    for (int i = 0; i < 10; i++) kvlogical_registry_touch(registry, name);
    assert_int_equal(kvlogical_registry_frequency(registry, name), 10);
    assert_int_equal(kvlogical_frequency_count(sketch, name), 10);
    kvtest_assert_ok(kvlogical_registry_destroy(registry));
    kvlogical_frequency_destroy(sketch);
}

static void without_a_tracker_every_count_is_0(void **state) {
    (void)state;
    kvlogical_registry *registry = make_registry(0);
    kvhash_plh name = kvhash_plh_root(1);
    kvlogical_registry_touch(registry, name);
    assert_false(kvlogical_registry_has_tracker(registry));
    assert_int_equal(kvlogical_registry_frequency(registry, name), 0);
    kvtest_assert_ok(kvlogical_registry_destroy(registry));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(touches_are_counted_up_to_15),
        cmocka_unit_test(names_are_keys_of_16_bytes),
        cmocka_unit_test(reaching_the_threshold_halves_every_counter),
        cmocka_unit_test(the_threshold_is_inclusive),
        cmocka_unit_test(by_default_it_ages_after_ten_touches_a_key),
        cmocka_unit_test(a_table_too_small_for_its_keys_still_estimates),
        cmocka_unit_test(a_capacity_of_none_is_one_word),
        cmocka_unit_test(capacities_have_their_sizes),
        cmocka_unit_test(a_sketch_serves_as_a_registrys_tracker),
        cmocka_unit_test(without_a_tracker_every_count_is_0),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
