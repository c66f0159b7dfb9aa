/* What is attached to a name: in which order, for how long, and destroyed once? */
#include "support.h"

static int destroyed[8];

static void destroy_value(void *value) { destroyed[*(int *)value]++; }

static int values[8] = {0, 1, 2, 3, 4, 5, 6, 7};

static void start(kvlogical_registry **registry, kvlogical_handle *handle) {
    kvhash_plh name = kvhash_plh_root(1);
    memset(destroyed, 0, sizeof destroyed);
    *registry = make_registry(0);
    kvtest_assert_ok(kvlogical_registry_register(*registry, &name, 1, handle));
}

static void stop(kvlogical_registry *registry, kvlogical_handle *handle) {
    kvtest_assert_ok(kvlogical_handle_release(registry, handle, 1));
    kvtest_assert_ok(kvlogical_registry_destroy(registry));
}

static void expect(const kvlogical_registry *registry, const kvlogical_handle *handle, kvlogical_attachment_key key,
                   size_t count, int first) {
    void *found[8];
    size_t got;
    kvtest_assert_ok(kvlogical_handle_attachments(registry, handle, key, found, 8, &got));
    assert_int_equal(got, count);
    for (size_t i = 0; i < count; i++) assert_ptr_equal(found[i], &values[first + (int)i]);
}

static void a_unique_value_is_replaced_and_the_old_one_destroyed(void **state) {
    (void)state;
    kvlogical_registry *registry;
    kvlogical_handle handle;
    start(&registry, &handle);
    expect(registry, &handle, 5, 0, 0);
    kvtest_assert_ok(kvlogical_handle_attach_unique(registry, &handle, 5, &values[0], destroy_value, NULL));
    expect(registry, &handle, 5, 1, 0);
    kvtest_assert_ok(kvlogical_handle_attach_unique(registry, &handle, 5, &values[1], destroy_value, NULL));
    expect(registry, &handle, 5, 1, 1);
    assert_int_equal(destroyed[0], 1);
    assert_int_equal(destroyed[1], 0);
    stop(registry, &handle);
    assert_int_equal(destroyed[0], 1);
    assert_int_equal(destroyed[1], 1);
}

static void several_values_stand_in_order_beside_other_keys(void **state) {
    (void)state;
    kvlogical_registry *registry;
    kvlogical_handle handle;
    start(&registry, &handle);
    for (int i = 0; i < 3; i++)
        kvtest_assert_ok(kvlogical_handle_attach(registry, &handle, 7, &values[i], destroy_value, NULL));
    kvtest_assert_ok(kvlogical_handle_attach_unique(registry, &handle, 8, &values[3], NULL, NULL));
    expect(registry, &handle, 7, 3, 0);
    expect(registry, &handle, 8, 1, 3);
    expect(registry, &handle, 9, 0, 0);
    void *two[2];
    size_t count;
    kvtest_assert_ok(kvlogical_handle_attachments(registry, &handle, 7, two, 2, &count)); /* as many as fit */
    assert_int_equal(count, 3);
    assert_ptr_equal(two[1], &values[1]);
    kvtest_assert_ok(kvlogical_handle_attachments(registry, &handle, 7, NULL, 0, &count));
    assert_int_equal(count, 3);
    stop(registry, &handle);
    for (int i = 0; i < 3; i++) assert_int_equal(destroyed[i], 1);
    assert_int_equal(destroyed[3], 0); /* no destructor */
}

static void a_key_keeps_its_mode(void **state) {
    (void)state;
    kvlogical_registry *registry;
    kvlogical_handle handle;
    kvcore_error error;
    start(&registry, &handle);
    kvtest_assert_ok(kvlogical_handle_attach_unique(registry, &handle, 1, &values[0], destroy_value, NULL));
    kvtest_assert_status(kvlogical_handle_attach(registry, &handle, 1, &values[1], destroy_value, &error),
                         KVLOGICAL_EATTACHMENT);
    assert_non_null(strstr(error.text, "already registered as unique"));
    kvtest_assert_ok(kvlogical_handle_attach(registry, &handle, 2, &values[2], destroy_value, NULL));
    kvtest_assert_status(kvlogical_handle_attach_unique(registry, &handle, 2, &values[3], destroy_value, &error),
                         KVLOGICAL_EATTACHMENT);
    assert_non_null(strstr(error.text, "already registered as multiple"));
    assert_int_equal(destroyed[1] + destroyed[3], 0); /* refused: still the caller's */
    stop(registry, &handle);
    assert_int_equal(destroyed[0], 1);
    assert_int_equal(destroyed[1], 0);
    assert_int_equal(destroyed[2], 1);
    assert_int_equal(destroyed[3], 0);
}

static void attachments_stay_while_blocks_have_the_name(void **state) {
    (void)state;
    memset(destroyed, 0, sizeof destroyed);
    kvlogical_manager *manager = make_lru(2);
    kvlogical_registry *registry = kvlogical_manager_registry(manager);
    kvhash_plh name = kvhash_plh_root(1);
    kvlogical_immutable held;
    kvlogical_handle handle;
    kvlogical_mutable all[2];
    hold_names(manager, &name, 1, &held);
    kvtest_assert_ok(kvlogical_registration(manager, &held, &handle));
    kvtest_assert_ok(kvlogical_handle_attach(registry, &handle, 1, &values[0], destroy_value, NULL));
    kvtest_assert_ok(kvlogical_handle_release(registry, &handle, 1));
    kvtest_assert_ok(kvlogical_release(manager, &held, 1));
    assert_int_equal(destroyed[0], 0);
    kvtest_assert_ok(kvlogical_registry_find(registry, name, false, &handle));
    expect(registry, &handle, 1, 1, 0);
    kvtest_assert_ok(kvlogical_handle_release(registry, &handle, 1));
    kvtest_assert_ok(kvlogical_allocate(manager, 2, all, NULL)); /* evicted */
    assert_int_equal(destroyed[0], 1);
    kvtest_assert_ok(kvlogical_release_mutable(manager, all, 2));
    hold_names(manager, &name, 1, &held); /* a new registration has none of it */
    kvtest_assert_ok(kvlogical_registration(manager, &held, &handle));
    expect(registry, &handle, 1, 0, 0);
    kvtest_assert_ok(kvlogical_handle_attach_unique(registry, &handle, 1, &values[1], destroy_value, NULL));
    kvtest_assert_ok(kvlogical_handle_release(registry, &handle, 1));
    kvtest_assert_ok(kvlogical_release(manager, &held, 1));
    destroy_manager(manager); /* its names go with it */
    assert_int_equal(destroyed[1], 1);
}

/* A destructor runs without the lock: it may call the registry. */
typedef struct caller {
    kvlogical_registry *registry;
    size_t count;
} caller;

static void call_back(void *value) {
    caller *c = value;
    c->count = kvlogical_registry_count(c->registry) + 1;
}

static void a_destructor_may_call_the_registry(void **state) {
    (void)state;
    kvlogical_registry *registry;
    kvlogical_handle handle;
    start(&registry, &handle);
    caller c[2] = {{registry, 0}, {registry, 0}};
    kvtest_assert_ok(kvlogical_handle_attach_unique(registry, &handle, 1, &c[0], call_back, NULL));
    kvtest_assert_ok(kvlogical_handle_attach_unique(registry, &handle, 1, &c[1], call_back, NULL));
    assert_int_equal(c[0].count, 2);
    stop(registry, &handle);
    assert_int_equal(c[1].count, 1);
}

static void attaching_to_what_is_no_handle_is_refused(void **state) {
    (void)state;
    kvlogical_registry *registry;
    kvlogical_handle handle, empty = {0, 0, 0};
    size_t count = 7;
    start(&registry, &handle);
    kvtest_assert_status(kvlogical_handle_attach(registry, &empty, 1, &values[0], destroy_value, NULL),
                         KVLOGICAL_EGUARD);
    kvtest_assert_status(kvlogical_handle_attach_unique(registry, NULL, 1, &values[0], destroy_value, NULL),
                         KVCORE_EINVAL);
    kvtest_assert_status(kvlogical_handle_attachments(registry, &empty, 1, NULL, 0, &count), KVLOGICAL_EGUARD);
    kvtest_assert_status(kvlogical_handle_attachments(registry, &handle, 1, NULL, 1, &count), KVCORE_EINVAL);
    kvtest_assert_status(kvlogical_handle_on_touch(registry, &empty, (kvlogical_touch_callback)NULL, NULL),
                         KVCORE_EINVAL);
    assert_int_equal(count, 7);
    stop(registry, &handle);
    assert_int_equal(destroyed[0], 0);
}

/* ---- touch callbacks ---- */

typedef struct calls {
    int count;
    int order[8];
    kvhash_plh name;
} calls;

static calls called;

static void on_touch(void *ctx, kvhash_plh name) {
    called.order[called.count++] = *(int *)ctx;
    called.name = name;
}

static void each_touch_runs_every_callback_in_order(void **state) {
    (void)state;
    kvlogical_registry *registry = make_registry(64);
    kvhash_plh name = kvhash_plh_root(1);
    kvlogical_handle handle;
    kvtest_assert_ok(kvlogical_registry_register(registry, &name, 1, &handle));
    memset(&called, 0, sizeof called);
    kvtest_assert_ok(kvlogical_handle_touch(registry, &handle)); /* none: nothing happens */
    assert_int_equal(called.count, 0);
    kvtest_assert_ok(kvlogical_handle_on_touch(registry, &handle, on_touch, &values[1]));
    kvtest_assert_ok(kvlogical_handle_touch(registry, &handle));
    kvtest_assert_ok(kvlogical_handle_on_touch(registry, &handle, on_touch, &values[2]));
    kvtest_assert_ok(kvlogical_handle_touch(registry, &handle));
    assert_int_equal(called.count, 3);
    assert_int_equal(called.order[0], 1);
    assert_int_equal(called.order[1], 1);
    assert_int_equal(called.order[2], 2);
    assert_same_name(called.name, name);
    assert_int_equal(kvlogical_registry_frequency(registry, name), 1); /* counts nothing */
    kvlogical_registry_touch(registry, name);                          /* and runs nothing */
    assert_int_equal(called.count, 3);
    assert_int_equal(kvlogical_registry_frequency(registry, name), 2);
    kvtest_assert_ok(kvlogical_handle_release(registry, &handle, 1));
    kvtest_assert_ok(kvlogical_registry_destroy(registry));
}

/* ---- many ---- */

#define MANY 300000 /* so many that walking to an end for each would take an hour */

static size_t many_destroyed;

static void count_destroyed(void *value) {
    (void)value;
    many_destroyed++;
}

static void many_attachments_of_one_name_come_and_go(void **state) {
    (void)state;
    kvlogical_registry *registry;
    kvlogical_handle handle;
    start(&registry, &handle);
    many_destroyed = 0;
    for (size_t i = 0; i < MANY; i++) {
        kvtest_assert_ok(
            kvlogical_handle_attach(registry, &handle, 1 + 2 * i / MANY, &values[0], count_destroyed, NULL));
        kvtest_assert_ok(kvlogical_handle_attach_unique(registry, &handle, 9, &values[1], count_destroyed, NULL));
        kvtest_assert_ok(kvlogical_handle_on_touch(registry, &handle, on_touch, &values[0]));
    }
    assert_int_equal(many_destroyed, MANY - 1); /* the unique ones */
    stop(registry, &handle);
    assert_int_equal(many_destroyed, 2 * MANY);
}

static void many_names_with_attachments_leave_together(void **state) {
    (void)state;
    kvlogical_registry *registry = make_registry(0);
    kvhash_plh *names = malloc(MANY * sizeof *names);
    kvlogical_handle *handles = malloc(MANY * sizeof *handles);
    assert_true(names != NULL && handles != NULL);
    many_destroyed = 0;
    for (size_t i = 0; i < MANY; i++) names[i] = kvhash_plh_root(i * UINT64_C(0x9E3779B97F4A7C15));
    kvtest_assert_ok(kvlogical_registry_register(registry, names, MANY, handles));
    for (size_t i = 0; i < MANY; i++) {
        kvtest_assert_ok(kvlogical_handle_attach(registry, &handles[i], 1, &values[0], count_destroyed, NULL));
        kvtest_assert_ok(kvlogical_handle_on_touch(registry, &handles[i], on_touch, &values[0]));
    }
    kvtest_assert_ok(kvlogical_handle_release(registry, handles, MANY));
    assert_int_equal(many_destroyed, MANY);
    kvtest_assert_ok(kvlogical_registry_destroy(registry));
    free(names);
    free(handles);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_unique_value_is_replaced_and_the_old_one_destroyed),
        cmocka_unit_test(several_values_stand_in_order_beside_other_keys),
        cmocka_unit_test(a_key_keeps_its_mode),
        cmocka_unit_test(attachments_stay_while_blocks_have_the_name),
        cmocka_unit_test(a_destructor_may_call_the_registry),
        cmocka_unit_test(attaching_to_what_is_no_handle_is_refused),
        cmocka_unit_test(each_touch_runs_every_callback_in_order),
        cmocka_unit_test(many_attachments_of_one_name_come_and_go),
        cmocka_unit_test(many_names_with_attachments_leave_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
