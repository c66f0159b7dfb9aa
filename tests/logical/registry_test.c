/* Which names are registered, by what, and for how long? */
#include "support.h"

static void handles_come_in_input_order_and_repeats_share_a_registration(void **state) {
    (void)state;
    kvlogical_registry *registry = make_registry(0);
    kvhash_plh names[3], name;
    kvlogical_handle handles[3];
    name_roots(1, names, 2);
    names[2] = names[0];
    kvtest_assert_ok(kvlogical_registry_register(registry, names, 3, handles));
    assert_int_equal(kvlogical_registry_count(registry), 2);
    for (int i = 0; i < 3; i++) {
        kvtest_assert_ok(kvlogical_handle_name(registry, &handles[i], &name));
        assert_same_name(name, names[i]);
    }
    int value = 0;
    void *attached = NULL;
    size_t count;
    kvtest_assert_ok(kvlogical_handle_attach_unique(registry, &handles[0], 1, &value, NULL, NULL));
    kvtest_assert_ok(kvlogical_handle_attachments(registry, &handles[2], 1, &attached, 1, &count));
    assert_ptr_equal(attached, &value);
    kvtest_assert_ok(kvlogical_handle_release(registry, handles, 3));
    assert_int_equal(kvlogical_registry_count(registry), 0);
    kvtest_assert_ok(kvlogical_registry_register(registry, NULL, 0, NULL));
    kvtest_assert_ok(kvlogical_registry_destroy(registry));
}

/* Positions in any order: 0 1 1 2, then 2 0 1 2 of which one is there already. */
static void positions_in_any_order_register_alike(void **state) {
    (void)state;
    kvlogical_registry *registry = make_registry(0);
    kvhash_plh chain[3], sibling, name;
    kvlogical_handle handles[4], more[4];
    name_chain(1, chain, 3);
    kvtest_assert_ok(kvhash_plh_extend(chain[0], 99, &sibling));
    kvhash_plh ascending[4] = {chain[0], chain[1], sibling, chain[2]};
    kvhash_plh mixed[4] = {chain[2], chain[0], chain[1], chain[2]};
    kvtest_assert_ok(kvlogical_registry_register(registry, ascending, 4, handles));
    assert_int_equal(kvlogical_registry_count(registry), 4);
    kvtest_assert_ok(kvlogical_handle_release(registry, handles + 1, 3));
    assert_int_equal(kvlogical_registry_count(registry), 1);
    kvtest_assert_ok(kvlogical_registry_register(registry, mixed, 4, more));
    assert_int_equal(kvlogical_registry_count(registry), 3);
    for (int i = 0; i < 4; i++) {
        kvtest_assert_ok(kvlogical_handle_name(registry, &more[i], &name));
        assert_same_name(name, mixed[i]);
    }
    kvtest_assert_ok(kvlogical_handle_release(registry, handles, 1));
    kvtest_assert_ok(kvlogical_handle_release(registry, more, 4));
    kvtest_assert_ok(kvlogical_registry_destroy(registry));
}

static void only_new_names_are_touched_in_input_order(void **state) {
    (void)state;
    metered_tracker meter = {0};
    kvlogical_registry *registry = make_metered_registry(&meter);
    kvhash_plh chain[3];
    kvlogical_handle existing, handles[4];
    name_chain(1, chain, 3);
    kvtest_assert_ok(kvlogical_registry_register(registry, &chain[0], 1, &existing));
    meter.touches = 0;
    kvhash_plh batch[4] = {chain[2], chain[0], chain[1], chain[2]};
    kvtest_assert_ok(kvlogical_registry_register(registry, batch, 4, handles));
    assert_int_equal(meter.touches, 2);
    assert_same_name(meter.touched[0], chain[2]);
    assert_same_name(meter.touched[1], chain[1]);
    kvtest_assert_ok(kvlogical_handle_release(registry, handles, 4));
    kvtest_assert_ok(kvlogical_handle_release(registry, &existing, 1));
    kvtest_assert_ok(kvlogical_registry_destroy(registry));
}

static void a_transfer_does_not_touch(void **state) {
    (void)state;
    kvlogical_registry *registry = make_registry(64);
    kvhash_plh names[2];
    kvlogical_handle moved, made;
    name_roots(1, names, 2);
    kvtest_assert_ok(kvlogical_registry_transfer(registry, &names[0], 1, &moved));
    kvtest_assert_ok(kvlogical_registry_register(registry, &names[1], 1, &made));
    assert_int_equal(kvlogical_registry_frequency(registry, names[0]), 0);
    assert_int_equal(kvlogical_registry_frequency(registry, names[1]), 1);
    assert_true(kvlogical_registry_is_registered(registry, names[0]));
    kvtest_assert_ok(kvlogical_handle_release(registry, &moved, 1));
    kvtest_assert_ok(kvlogical_handle_release(registry, &made, 1));
    kvtest_assert_ok(kvlogical_registry_destroy(registry));
}

static void a_registration_ends_with_the_last_of_its_holders(void **state) {
    (void)state;
    kvlogical_registry *registry = make_registry(0);
    kvlogical_config config = config_of(2);
    config.registry = registry;
    kvlogical_manager *manager = make_manager(&config);
    kvhash_plh name = kvhash_plh_root(1);
    kvlogical_immutable held;
    kvlogical_handle handles[3], of_block;
    kvlogical_weak weak;
    kvtest_assert_ok(kvlogical_registry_register(registry, &name, 1, handles));
    kvtest_assert_ok(kvlogical_handle_clone(registry, &handles[0], &handles[1]));
    hold_names(manager, &name, 1, &held);
    assert_int_equal(kvlogical_registry_count(registry), 1);
    kvtest_assert_ok(kvlogical_registration(manager, &held, &of_block));
    kvtest_assert_ok(kvlogical_downgrade(manager, &held, 1, &weak));
    kvtest_assert_ok(kvlogical_handle_release(registry, handles, 2));
    kvtest_assert_ok(kvlogical_set_reset_on_release(manager, &held, true));
    kvtest_assert_ok(kvlogical_release(manager, &held, 1));
    assert_true(kvlogical_registry_is_registered(registry, name)); /* handle and weak guard */
    assert_false(is_present(registry, name, 0));
    kvtest_assert_ok(kvlogical_release_weak(manager, &weak, 1));
    assert_true(kvlogical_registry_is_registered(registry, name));
    kvtest_assert_ok(kvlogical_handle_release(registry, &of_block, 1));
    assert_false(kvlogical_registry_is_registered(registry, name));
    assert_int_equal(kvlogical_registry_count(registry), 0);
    destroy_manager(manager);
    kvtest_assert_ok(kvlogical_registry_destroy(registry));
}

static void finding_gives_a_handle_and_touches_only_if_asked(void **state) {
    (void)state;
    metered_tracker meter = {0};
    kvlogical_registry *registry = make_metered_registry(&meter);
    kvlogical_config config = config_of(2);
    config.registry = registry;
    kvlogical_manager *manager = make_manager(&config);
    kvhash_plh names[2];
    kvlogical_handle handle = {1, 2, 3};
    name_roots(1, names, 2);
    cache_names(manager, names, 1);
    meter.touches = 0;
    kvtest_assert_ok(kvlogical_registry_find(registry, names[1], true, &handle));
    assert_int_equal(handle.registry, 0);
    assert_int_equal(meter.touches, 0);
    kvtest_assert_ok(kvlogical_registry_find(registry, names[0], false, &handle));
    assert_int_not_equal(handle.registry, 0);
    assert_int_equal(meter.touches, 0);
    kvtest_assert_ok(kvlogical_handle_release(registry, &handle, 1));
    kvtest_assert_ok(kvlogical_registry_find(registry, names[0], true, &handle));
    assert_int_equal(meter.touches, 1);
    assert_int_equal(kvlogical_registry_count(registry), 1);
    kvtest_assert_ok(kvlogical_handle_release(registry, &handle, 1));
    assert_int_equal(kvlogical_registry_count(registry), 1); /* the block has it still */
    destroy_manager(manager);
    kvtest_assert_ok(kvlogical_registry_destroy(registry));
}

static void handles_that_are_none_are_refused(void **state) {
    (void)state;
    kvlogical_registry *registry = make_registry(0), *other = make_registry(0);
    kvhash_plh name = kvhash_plh_root(1), out, nameless = {UINT64_MAX, 0};
    kvlogical_handle handle, copy, empty = {0, 0, 0}, made;
    kvtest_assert_ok(kvlogical_registry_register(registry, &name, 1, &handle));
    copy = handle;
    kvtest_assert_status(kvlogical_handle_name(other, &handle, &out), KVLOGICAL_EGUARD); /* not of this registry */
    kvtest_assert_status(kvlogical_handle_clone(other, &handle, &made), KVLOGICAL_EGUARD);
    kvtest_assert_status(kvlogical_handle_release(other, &handle, 1), KVLOGICAL_EGUARD);
    kvtest_assert_status(kvlogical_handle_name(registry, &empty, &out), KVLOGICAL_EGUARD);
    kvlogical_handle beyond = {handle.registry, UINT32_MAX, 1};
    kvtest_assert_status(kvlogical_handle_name(registry, &beyond, &out), KVLOGICAL_EGUARD);
    kvlogical_handle mixed[2] = {handle, {handle.registry, 77, 1}};
    kvtest_assert_status(kvlogical_handle_release(registry, mixed, 2), KVLOGICAL_EGUARD);
    assert_int_equal(kvlogical_registry_count(registry), 1); /* the whole array was refused */
    kvtest_assert_ok(kvlogical_handle_release(registry, &handle, 1));
    assert_int_equal(handle.registry, 0);
    kvtest_assert_ok(kvlogical_handle_release(registry, &handle, 1)); /* empty: skipped */
    kvtest_assert_status(kvlogical_handle_name(registry, &copy, &out), KVLOGICAL_EGUARD);
    kvtest_assert_status(kvlogical_handle_release(registry, &copy, 1), KVLOGICAL_EGUARD);
    kvtest_assert_status(kvlogical_registry_register(registry, &nameless, 1, &made), KVHASH_EMODE);
    kvtest_assert_status(kvlogical_registry_register(registry, NULL, 1, &made), KVCORE_EINVAL);
    kvtest_assert_status(kvlogical_registry_find(NULL, name, false, &made), KVCORE_EINVAL);
    kvtest_assert_ok(kvlogical_registry_destroy(registry));
    kvtest_assert_ok(kvlogical_registry_destroy(other));
}

/* G10: what ends an earlier registration does not end a later one. */
static void an_old_handle_does_not_end_a_newer_registration(void **state) {
    (void)state;
    kvlogical_registry *registry = make_registry(0);
    kvhash_plh name = kvhash_plh_root(1);
    kvlogical_handle first, stale, second;
    kvtest_assert_ok(kvlogical_registry_register(registry, &name, 1, &first));
    stale = first;
    kvtest_assert_ok(kvlogical_handle_release(registry, &first, 1));
    kvtest_assert_ok(kvlogical_registry_register(registry, &name, 1, &second));
    kvtest_assert_status(kvlogical_handle_release(registry, &stale, 1), KVLOGICAL_EGUARD);
    assert_true(kvlogical_registry_is_registered(registry, name));
    kvtest_assert_ok(kvlogical_handle_release(registry, &second, 1));
    assert_false(kvlogical_registry_is_registered(registry, name));
    kvtest_assert_ok(kvlogical_registry_destroy(registry));
}

static void a_registry_in_use_is_not_destroyed(void **state) {
    (void)state;
    kvlogical_registry *registry = make_registry(0);
    kvhash_plh name = kvhash_plh_root(1);
    kvlogical_handle handle;
    kvlogical_config config = config_of(2);
    config.registry = registry;
    kvtest_assert_ok(kvlogical_registry_register(registry, &name, 1, &handle));
    kvtest_assert_status(kvlogical_registry_destroy(registry), KVCORE_EBUSY);
    kvlogical_manager *manager = make_manager(&config);
    kvtest_assert_ok(kvlogical_handle_release(registry, &handle, 1));
    kvtest_assert_status(kvlogical_registry_destroy(registry), KVCORE_EBUSY);
    destroy_manager(manager);
    kvtest_assert_ok(kvlogical_registry_destroy(registry));
    kvtest_assert_ok(kvlogical_registry_destroy(NULL));
    manager = make_lru(2);
    kvtest_assert_status(kvlogical_registry_destroy(kvlogical_manager_registry(manager)), KVCORE_EINVAL);
    destroy_manager(manager);
}

static void thousands_of_handles_come_and_go(void **state) {
    (void)state;
    kvlogical_registry *registry = make_registry(0);
    enum { NAMES = 3000 };
    kvhash_plh *names = malloc(NAMES * sizeof *names), name;
    kvlogical_handle *handles = malloc(NAMES * sizeof *handles);
    name_chain(1, names, NAMES);
    for (int round = 0; round < 3; round++) {
        kvtest_assert_ok(kvlogical_registry_register(registry, names, NAMES, handles));
        assert_int_equal(kvlogical_registry_count(registry), NAMES);
        for (size_t i = 0; i < NAMES; i += 2) kvtest_assert_ok(kvlogical_handle_release(registry, &handles[i], 1));
        assert_int_equal(kvlogical_registry_count(registry), NAMES / 2);
        for (size_t i = 0; i < NAMES; i++) {
            assert_int_equal(kvlogical_registry_is_registered(registry, names[i]), i % 2);
            if (i % 2 == 0) continue;
            kvtest_assert_ok(kvlogical_handle_name(registry, &handles[i], &name));
            assert_same_name(name, names[i]);
        }
        kvtest_assert_ok(kvlogical_handle_release(registry, handles, NAMES));
        assert_int_equal(kvlogical_registry_count(registry), 0);
    }
    free(names);
    free(handles);
    kvtest_assert_ok(kvlogical_registry_destroy(registry));
}

static void a_name_moves_between_managers_without_being_unregistered(void **state) {
    (void)state;
    kvlogical_registry *registry = make_registry(0);
    kvlogical_config config = config_of(2);
    config.registry = registry;
    config.tier = 1;
    kvlogical_manager *device = make_manager(&config);
    config.tier = 2;
    kvlogical_manager *host = make_manager(&config);
    kvhash_plh name = kvhash_plh_root(1);
    kvlogical_mutable all[2];
    cache_names(device, &name, 1);
    cache_names(host, &name, 1);
    assert_int_equal(kvlogical_registry_count(registry), 1);
    kvtest_assert_ok(kvlogical_allocate(device, 2, all, NULL)); /* evicted here, still there */
    assert_true(kvlogical_registry_is_registered(registry, name));
    assert_false(is_present(registry, name, 1));
    assert_true(is_present(registry, name, 2));
    kvtest_assert_ok(kvlogical_release_mutable(device, all, 2));
    kvtest_assert_ok(kvlogical_reset_inactive(host, NULL));
    assert_false(kvlogical_registry_is_registered(registry, name));
    destroy_manager(device);
    destroy_manager(host);
    kvtest_assert_ok(kvlogical_registry_destroy(registry));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(handles_come_in_input_order_and_repeats_share_a_registration),
        cmocka_unit_test(positions_in_any_order_register_alike),
        cmocka_unit_test(only_new_names_are_touched_in_input_order),
        cmocka_unit_test(a_transfer_does_not_touch),
        cmocka_unit_test(a_registration_ends_with_the_last_of_its_holders),
        cmocka_unit_test(finding_gives_a_handle_and_touches_only_if_asked),
        cmocka_unit_test(handles_that_are_none_are_refused),
        cmocka_unit_test(an_old_handle_does_not_end_a_newer_registration),
        cmocka_unit_test(a_registry_in_use_is_not_destroyed),
        cmocka_unit_test(thousands_of_handles_come_and_go),
        cmocka_unit_test(a_name_moves_between_managers_without_being_unregistered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
