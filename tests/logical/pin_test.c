/* Pins: what do they keep, and where do they count? */
#include "support.h"

static void managers_have_numbers_of_their_own(void **state) {
    (void)state;
    kvlogical_manager *a = make_lru(4), *b = make_lru(4);
    kvhash_plh name = kvhash_plh_root(1);
    kvlogical_immutable in_a, in_b;
    kvlogical_pin pins[2];
    assert_int_not_equal(kvlogical_manager_id(a), 0);
    assert_int_not_equal(kvlogical_manager_id(a), kvlogical_manager_id(b));
    hold_names(a, &name, 1, &in_a);
    hold_names(b, &name, 1, &in_b);
    kvtest_assert_ok(kvlogical_pin_blocks(a, &in_a, 1, &pins[0]));
    kvtest_assert_ok(kvlogical_pin_blocks(b, &in_b, 1, &pins[1]));
    assert_int_equal(pins[0].manager, kvlogical_manager_id(a));
    assert_int_equal(pins[1].manager, kvlogical_manager_id(b));
    assert_int_equal(pins[0].block, pins[1].block); /* the same place in another memory */
    kvtest_assert_status(kvlogical_release_pins(b, &pins[0], 1), KVLOGICAL_EGUARD);
    kvtest_assert_ok(kvlogical_release_pins(a, &pins[0], 1));
    kvtest_assert_ok(kvlogical_release_pins(b, &pins[1], 1));
    kvtest_assert_ok(kvlogical_release(a, &in_a, 1));
    kvtest_assert_ok(kvlogical_release(b, &in_b, 1));
    destroy_manager(a);
    destroy_manager(b);
}

static void a_pin_keeps_the_block_when_its_guards_are_gone(void **state) {
    (void)state;
    kvlogical_manager *manager = make_lru(4);
    kvhash_plh name = kvhash_plh_root(1);
    kvlogical_immutable held;
    kvlogical_pin pin;
    hold_names(manager, &name, 1, &held);
    kvtest_assert_ok(kvlogical_pin_blocks(manager, &held, 1, &pin));
    assert_gauges(manager, 0, 1, 0, 3); /* the pin is not counted */
    assert_int_equal(available(manager), 3);
    kvtest_assert_ok(kvlogical_release(manager, &held, 1));
    assert_gauges(manager, 0, 0, 0, 3);
    assert_int_equal(available(manager), 3);
    kvtest_assert_status(kvlogical_manager_destroy(manager), KVCORE_EBUSY);
    assert_int_equal(match_names(manager, &name, 1), 1);
    kvtest_assert_ok(kvlogical_release_pins(manager, &pin, 1));
    assert_int_equal(available(manager), 4);
    assert_gauges(manager, 0, 0, 1, 3);
    destroy_manager(manager);
}

static void each_pin_is_one_more_hold(void **state) {
    (void)state;
    kvlogical_manager *manager = make_lru(4);
    kvhash_plh name = kvhash_plh_root(1);
    kvlogical_immutable held[2];
    kvlogical_pin pins[2];
    uint32_t holds;
    hold_names(manager, &name, 1, held);
    kvtest_assert_ok(kvlogical_clone(manager, held, 1, &held[1]));
    kvtest_assert_ok(kvlogical_pin_blocks(manager, held, 2, pins));
    kvtest_assert_ok(kvlogical_use_count(manager, held, &holds));
    assert_int_equal(holds, 4);
    kvtest_assert_ok(kvlogical_release_pins(manager, pins, 1));
    kvtest_assert_ok(kvlogical_use_count(manager, held, &holds));
    assert_int_equal(holds, 3);
    kvtest_assert_ok(kvlogical_release_pins(manager, pins, 2)); /* the first is empty by now */
    kvtest_assert_ok(kvlogical_release(manager, held, 2));
    destroy_manager(manager);
}

static void a_pin_keeps_a_duplicate_and_so_its_primary(void **state) {
    (void)state;
    kvlogical_manager *manager = make_lru(4);
    kvhash_plh name = kvhash_plh_root(1);
    kvlogical_immutable primary, duplicate;
    kvlogical_pin pin;
    hold_names(manager, &name, 1, &primary);
    hold_names(manager, &name, 1, &duplicate);
    kvtest_assert_ok(kvlogical_pin_blocks(manager, &duplicate, 1, &pin));
    kvtest_assert_ok(kvlogical_release(manager, &primary, 1));
    kvtest_assert_ok(kvlogical_release(manager, &duplicate, 1));
    assert_gauges(manager, 0, 0, 0, 2);
    kvtest_assert_ok(kvlogical_release_pins(manager, &pin, 1));
    assert_gauges(manager, 0, 0, 1, 3);
    destroy_manager(manager);
}

static void pins_that_are_none_are_refused(void **state) {
    (void)state;
    kvlogical_manager *manager = make_lru(4);
    kvhash_plh name = kvhash_plh_root(1);
    kvlogical_immutable held, nothing = {0, 0, 0};
    kvlogical_pin pin, copy;
    kvtest_assert_status(kvlogical_pin_blocks(manager, &nothing, 1, &pin), KVLOGICAL_EGUARD);
    hold_names(manager, &name, 1, &held);
    kvtest_assert_ok(kvlogical_pin_blocks(manager, &held, 1, &pin));
    copy = pin;
    kvtest_assert_ok(kvlogical_release(manager, &held, 1));
    kvtest_assert_ok(kvlogical_release_pins(manager, &pin, 1));
    kvtest_assert_status(kvlogical_release_pins(manager, &copy, 1), KVLOGICAL_EGUARD);
    kvtest_assert_status(kvlogical_release_pins(manager, NULL, 1), KVCORE_EINVAL);
    kvtest_assert_status(kvlogical_release_pins(NULL, &copy, 1), KVCORE_EINVAL);
    destroy_manager(manager);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(managers_have_numbers_of_their_own),
        cmocka_unit_test(a_pin_keeps_the_block_when_its_guards_are_gone),
        cmocka_unit_test(each_pin_is_one_more_hold),
        cmocka_unit_test(a_pin_keeps_a_duplicate_and_so_its_primary),
        cmocka_unit_test(pins_that_are_none_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
