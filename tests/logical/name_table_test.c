/* Do names that were chosen to meet in the tables stay apart? The test sees the private tables. */
#include "kvtest.h"

#include "pool/manager.h"

#define BLOCKS 8192
#define CHOSEN 4000

/* A hash without a key, which anybody can compute: that of an earlier version. */
static uint32_t public_mix(uint64_t a, uint64_t b) {
    uint64_t mixed = a * UINT64_C(0x9E3779B97F4A7C15) + b * UINT64_C(0xD6E8FEB86659FD93);
    mixed ^= mixed >> 32;
    return (uint32_t)(mixed * UINT64_C(0xD6E8FEB86659FD93) >> 32);
}

static uint32_t public_tag(kvhash_plh name, bool by_lineage) {
    if (!by_lineage) return public_mix(name.high, name.low);
    return public_mix(0, kvhash_plh_fragment_for_child(name, 1));
}

/* Names of first blocks whose places are in one 2048th of the table. */
static void choose(kvhash_plh *names, bool by_lineage) {
    uint64_t next = 0;
    for (size_t i = 0; i < CHOSEN; i++) do
            names[i] = kvhash_plh_root(++next * UINT64_C(0xD1B54A32D192ED03));
        while (public_tag(names[i], by_lineage) >> 21 != 5);
}

/* Places that look-ups of all entries walk beyond their homes. */
static uint64_t walked(const name_table *table) {
    uint64_t sum = 0;
    for (uint64_t at = 0; at < table->capacity; at++) {
        if (table->entries[at].row == NO_ROW) continue;
        uint64_t home = name_home(table, table->entries[at].tag);
        sum += at >= home ? at - home : at + table->capacity - home;
    }
    return sum;
}

static void expect_apart(uint32_t policy, bool by_lineage) {
    static kvhash_plh names[CHOSEN];
    static kvlogical_mutable blocks[CHOSEN];
    static kvlogical_complete staged[CHOSEN];
    static kvlogical_immutable held[CHOSEN];
    static kvlogical_weak weak[CHOSEN];
    kvlogical_config config = KVLOGICAL_CONFIG_INIT;
    kvlogical_manager *m = NULL;
    config.block_count = BLOCKS;
    config.eviction = policy;
    choose(names, by_lineage);
    kvtest_assert_ok(kvlogical_manager_create(&config, &m, NULL));
    kvtest_assert_ok(kvlogical_allocate(m, CHOSEN, blocks, NULL));
    kvtest_assert_ok(kvlogical_stage(m, blocks, names, CHOSEN, staged));
    kvtest_assert_ok(kvlogical_register(m, staged, CHOSEN, held));
    assert_in_range(walked(&m->tier.names), 0, CHOSEN); /* all in one place would be about CHOSEN² / 2 */
    kvtest_assert_ok(kvlogical_downgrade(m, held, CHOSEN, weak));
    assert_in_range(walked(&m->registry->records.names), 0, CHOSEN);
    kvtest_assert_ok(kvlogical_release_weak(m, weak, CHOSEN));
    kvtest_assert_ok(kvlogical_release(m, held, CHOSEN));
    kvtest_assert_ok(kvlogical_manager_destroy(m));
}

static void chosen_names_stay_apart_in_a_pool_and_its_records(void **state) {
    (void)state;
    expect_apart(KVLOGICAL_EVICT_LRU, false);
    expect_apart(KVLOGICAL_EVICT_LINEAGE_TICK, true);
}

static void no_two_managers_or_registries_share_a_key(void **state) {
    (void)state;
    kvlogical_config config = KVLOGICAL_CONFIG_INIT;
    kvlogical_registry_config shared = KVLOGICAL_REGISTRY_CONFIG_INIT;
    kvlogical_manager *m[2];
    kvlogical_registry *r[2];
    config.block_count = 4;
    for (int i = 0; i < 2; i++) {
        kvtest_assert_ok(kvlogical_manager_create(&config, &m[i], NULL));
        kvtest_assert_ok(kvlogical_registry_create(&shared, &r[i], NULL));
    }
    assert_memory_not_equal(&m[0]->tier.names.key, &m[1]->tier.names.key, sizeof(name_key));
    assert_memory_not_equal(&r[0]->records.names.key, &r[1]->records.names.key, sizeof(name_key));
    assert_true(kvlogical_manager_id(m[0]) >> 32 != 0); /* nor do copies of the library share their numbers */
    assert_int_equal(kvlogical_manager_id(m[1]) >> 53, 0);
    for (int i = 0; i < 2; i++) {
        kvtest_assert_ok(kvlogical_manager_destroy(m[i]));
        kvtest_assert_ok(kvlogical_registry_destroy(r[i]));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chosen_names_stay_apart_in_a_pool_and_its_records),
        cmocka_unit_test(no_two_managers_or_registries_share_a_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
