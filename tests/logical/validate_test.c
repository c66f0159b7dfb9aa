/* Does validate() name each invariant that is broken? The test sees the private records and spoils them. */
#include "kvtest.h"

#include "pool/manager.h"

/* Two free, one mutable, one staged, one primary with a duplicate, two inactive. */
typedef struct world {
    manager *m;
    kvlogical_mutable mutables[1];
    kvlogical_complete staged[1];
    kvlogical_immutable held[4];
} world;

static void make(world *w) {
    kvlogical_config config = KVLOGICAL_CONFIG_INIT;
    config.block_count = 8;
    config.eviction = KVLOGICAL_EVICT_LRU;
    kvtest_assert_ok(kvlogical_manager_create(&config, &w->m, NULL));
    kvlogical_mutable b[6];
    kvlogical_complete s[5];
    kvhash_plh names[5] = {kvhash_plh_root(1), kvhash_plh_root(2), kvhash_plh_root(3), kvhash_plh_root(3),
                           kvhash_plh_root(4)};
    kvtest_assert_ok(kvlogical_allocate(w->m, 6, b, NULL));
    kvtest_assert_ok(kvlogical_stage(w->m, b, names, 5, s));
    kvtest_assert_ok(kvlogical_register(w->m, s, 4, w->held));
    kvtest_assert_ok(kvlogical_release(w->m, w->held, 2));
    w->mutables[0] = b[5];
    w->staged[0] = s[4];
}

static void destroy(world *w) {
    kvtest_assert_ok(kvlogical_release_mutable(w->m, w->mutables, 1));
    kvtest_assert_ok(kvlogical_release_complete(w->m, w->staged, 1));
    kvtest_assert_ok(kvlogical_release(w->m, w->held, 4));
    kvtest_assert_ok(kvlogical_manager_destroy(w->m));
}

static void expect(world *w, const char *invariant) {
    kvcore_error error;
    kvtest_assert_status(kvlogical_manager_validate(w->m, &error), KVCORE_EINVARIANT);
    assert_string_equal(error.text, invariant);
}

/* Spoil one field, expect the invariant, put it back, expect peace. */
#define SPOIL(w, field, value, invariant)                           \
    do {                                                            \
        __typeof__(field) kept_ = (field);                          \
        (field) = (__typeof__(field))(value);                       \
        expect(w, invariant);                                       \
        (field) = kept_;                                            \
        kvtest_assert_ok(kvlogical_manager_validate((w)->m, NULL)); \
    } while (0)

static void each_broken_invariant_is_named(void **state) {
    (void)state;
    world w;
    make(&w);
    manager *m = w.m;
    kvtest_assert_ok(kvlogical_manager_validate(m, NULL));
    slot *inactive = &m->tier.slots[0], *primary = &m->tier.slots[2], *duplicate = &m->tier.slots[3],
         *unused = &m->tier.slots[6];

    SPOIL(&w, inactive->state, 9, "a slot is in one of the eight states");
    SPOIL(&w, inactive->state, SLOT_FREE, "the counts of states are those of the slots");
    SPOIL(&w, m->in_state[SLOT_MUTABLE], 2, "the counts of states are those of the slots");

    SPOIL(&w, unused->next, NO_SLOT, "the free list holds exactly the free slots");
    SPOIL(&w, unused->next, 6, "the free list holds exactly the free slots");
    SPOIL(&w, unused->next, 8, "the free list holds exactly the free slots");
    SPOIL(&w, m->free.tail, 6, "the free list holds exactly the free slots");
    SPOIL(&w, m->free.head, 5, "the free list holds exactly the free slots");
    SPOIL(&w, ((list *)m->order.memory)->head, 1, "the LRU list holds exactly the inactive slots");
    SPOIL(&w, inactive->next, NO_SLOT, "the LRU list holds exactly the inactive slots");

    SPOIL(&w, primary->holds, 0, "shared slots, and only they, have holds");
    SPOIL(&w, inactive->holds, 1, "shared slots, and only they, have holds");
    SPOIL(&w, m->holds, 7, "the sum of holds is that of the slots");
    SPOIL(&w, duplicate->companion, 5, "a duplicate keeps the primary of its name alive");
    SPOIL(&w, duplicate->companion, 99, "a duplicate keeps the primary of its name alive");
    SPOIL(&w, duplicate->name.low, 99, "a duplicate keeps the primary of its name alive");

    name_entry *entry = name_place(&m->tier.names, m->tier.slots, sizeof(slot), inactive->name,
                                   name_tag(&m->tier.names, inactive->name));
    SPOIL(&w, entry->row, 7, "names lead to primaries and inactive slots only");
    SPOIL(&w, entry->row, 99, "names lead to primaries and inactive slots only");
    SPOIL(&w, entry->row, 1, "a name leads to its one slot");
    SPOIL(&w, entry->tag, entry->tag + 1, "a name leads to its one slot");
    SPOIL(&w, inactive->name.low, 5, "a name leads to its one slot");
    /* where the key of the table puts names side by side, an entry that is gone hides those behind it */
    bool hides =
        m->tier.names.entries[name_after(&m->tier.names, (uint64_t)(entry - m->tier.names.entries))].row != NO_ROW;
    if (!hides) SPOIL(&w, entry->row, NO_SLOT, "every primary and inactive slot is found by name");
    SPOIL(&w, m->registry->registered, 2, "names are registered while something holds them");
    destroy(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_broken_invariant_is_named)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
