/* Scope macros: on any way out of a scope everything goes back. */
#include "request_support.h"

#include <kvlogical/scope.h>

static const kvhash_plh *names(void) {
    static kvhash_plh list[4];
    list[0] = kvhash_plh_root(7);
    for (size_t i = 1; i < 4; i++) kvtest_assert_ok(kvhash_plh_extend(list[i - 1], i, &list[i]));
    return list;
}

/* Leaves at the point that `way` says. Returns the blocks that are held there. */
static size_t leave(kvlogical_manager *pool, int way) {
    KVLOGICAL_SCOPED_MUTABLE(pool, fresh, 8);
    KVLOGICAL_SCOPED_COMPLETE(pool, done, 8);
    KVLOGICAL_SCOPED_HELD(pool, held, 8);
    KVLOGICAL_SCOPED_PINS(pool, pins, 4);
    KVLOGICAL_SCOPED_WEAK(pool, weak, 1);
    KVLOGICAL_SCOPED_HANDLES(kvlogical_manager_registry(pool), handles, 1);
    KVLOGICAL_SCOPED_ASSIGNMENTS(tracker);
    KVLOGICAL_SCOPED_EXTERNAL(external);
    KVLOGICAL_SCOPED_REQUEST(request);
    KVLOGICAL_SCOPED_SEQUENCE(sequence);
    if (way == 0) return 0; /* with nothing in any of them */
    kvtest_assert_ok(kvlogical_allocate(pool, 4, fresh, NULL));
    if (way == 1) return 4;
    kvtest_assert_ok(kvlogical_stage(pool, fresh, names(), 3, done));
    if (way == 2) return 4;
    kvtest_assert_ok(kvlogical_register(pool, done, 2, held));
    if (way == 3) return 4;
    kvtest_assert_ok(kvlogical_pin_blocks(pool, held, 2, pins));
    kvtest_assert_ok(kvlogical_downgrade(pool, held, 1, weak));
    kvtest_assert_ok(kvlogical_registration(pool, held, handles));
    kvtest_assert_ok(kvlogical_assignments_create(pool, NULL, &tracker));
    kvtest_assert_ok(kvlogical_assignments_extend(tracker, fresh + 3, 1, NULL));
    kvtest_assert_ok(kvlogical_external_assignments_create(0, NULL, &external));
    kvhash_sequence_config of_sequence = KVHASH_SEQUENCE_CONFIG_INIT;
    of_sequence.block_tokens = 4;
    kvtest_assert_ok(kvhash_sequence_create(&of_sequence, &sequence, NULL));
    request = make_request(pool, 0, 8, 1);
    kvtest_assert_ok(kvlogical_request_allocate(request, 2));
    return 6;
}

static void every_way_out_of_a_scope_gives_everything_back(void **state) {
    (void)state;
    for (int way = 0; way <= 4; way++) {
        kvlogical_manager *pool = make_pool(8, KVLOGICAL_EVICT_LRU, 0);
        size_t held = leave(pool, way);
        assert_int_equal(held, way == 0 ? 0 : way < 4 ? 4 : 6);
        assert_int_equal(available(pool), 8);
        end_pool(pool); /* nothing leaks: handles too would keep it busy */
    }
}

static void a_scoped_manager_goes_after_its_guards(void **state) {
    (void)state;
    kvtest_memory memory = {.fail_at = 0};
    {
        KVLOGICAL_SCOPED_MANAGER(pool);
        kvlogical_config config = KVLOGICAL_CONFIG_INIT;
        config.block_count = 2;
        config.allocator = kvtest_allocator(&memory);
        kvtest_assert_ok(kvlogical_manager_create(&config, &pool, NULL));
        KVLOGICAL_SCOPED_MUTABLE(pool, fresh, 2);
        kvtest_assert_ok(kvlogical_allocate(pool, 2, fresh, NULL));
    }
    assert_int_equal(memory.live_bytes, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_way_out_of_a_scope_gives_everything_back),
        cmocka_unit_test(a_scoped_manager_goes_after_its_guards),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
