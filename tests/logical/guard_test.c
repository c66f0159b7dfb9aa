/* Does a guard stand for one block, in one state, in one stay? Every kind goes to every call, stale, copied and guessed. */
#include "support.h"

#include <kvlogical/inspect.h>

#define BLOCKS 12
#define KEPT 64   /* guards of a world that random calls draw from */
#define ROUNDS 20 /* random worlds of one policy */
#define STEPS 500

/* What all guards are alike. */
typedef struct any_guard {
    KVLOGICAL_GUARD_FIELDS
} any_guard;

typedef kvcore_status (*call)(kvlogical_manager *m, any_guard *guards, size_t count);

/* ---- every call that takes guards, by the kind that it takes ---- */

static void names_for(kvhash_plh *names, size_t count) { name_roots(7, names, count); }

static kvcore_status stage_them(kvlogical_manager *m, any_guard *guards, size_t count) {
    kvhash_plh names[KEPT];
    names_for(names, count);
    return kvlogical_stage(m, (kvlogical_mutable *)guards, names, count, (kvlogical_complete *)guards);
}

static kvcore_status unstage_them(kvlogical_manager *m, any_guard *guards, size_t count) {
    return kvlogical_unstage(m, (kvlogical_complete *)guards, count, (kvlogical_mutable *)guards);
}

static kvcore_status register_them(kvlogical_manager *m, any_guard *guards, size_t count) {
    return kvlogical_register(m, (kvlogical_complete *)guards, count, (kvlogical_immutable *)guards);
}

static kvcore_status release_mutables(kvlogical_manager *m, any_guard *guards, size_t count) {
    return kvlogical_release_mutable(m, (kvlogical_mutable *)guards, count);
}

static kvcore_status release_completes(kvlogical_manager *m, any_guard *guards, size_t count) {
    return kvlogical_release_complete(m, (kvlogical_complete *)guards, count);
}

static kvcore_status release_held(kvlogical_manager *m, any_guard *guards, size_t count) {
    return kvlogical_release(m, (kvlogical_immutable *)guards, count);
}

static kvcore_status release_pins(kvlogical_manager *m, any_guard *guards, size_t count) {
    return kvlogical_release_pins(m, (kvlogical_pin *)guards, count);
}

static kvcore_status clone_them(kvlogical_manager *m, any_guard *guards, size_t count) {
    kvlogical_immutable copies[KEPT];
    return kvlogical_clone(m, (kvlogical_immutable *)guards, count, copies);
}

static kvcore_status pin_them(kvlogical_manager *m, any_guard *guards, size_t count) {
    kvlogical_pin pins[KEPT];
    return kvlogical_pin_blocks(m, (kvlogical_immutable *)guards, count, pins);
}

static kvcore_status downgrade_them(kvlogical_manager *m, any_guard *guards, size_t count) {
    kvlogical_weak weak[KEPT];
    kvcore_status status = kvlogical_downgrade(m, (kvlogical_immutable *)guards, count, weak);
    if (status == KVCORE_OK) kvtest_assert_ok(kvlogical_release_weak(m, weak, count));
    return status;
}

static kvcore_status name_it(kvlogical_manager *m, any_guard *guards, size_t count) {
    kvhash_plh name;
    (void)count;
    return kvlogical_name(m, (kvlogical_immutable *)guards, &name);
}

static kvcore_status count_uses(kvlogical_manager *m, any_guard *guards, size_t count) {
    uint32_t holds;
    (void)count;
    return kvlogical_use_count(m, (kvlogical_immutable *)guards, &holds);
}

static kvcore_status reset_on_release(kvlogical_manager *m, any_guard *guards, size_t count) {
    (void)count;
    return kvlogical_set_reset_on_release(m, (kvlogical_immutable *)guards, true);
}

static kvcore_status take_registration(kvlogical_manager *m, any_guard *guards, size_t count) {
    kvlogical_handle handle;
    (void)count;
    kvcore_status status = kvlogical_registration(m, (kvlogical_immutable *)guards, &handle);
    if (status == KVCORE_OK) kvtest_assert_ok(kvlogical_handle_release(kvlogical_manager_registry(m), &handle, 1));
    return status;
}

enum kind { MUTABLE, COMPLETE, SHARED };

static const struct {
    call call;
    enum kind takes;
} calls[] = {
    {stage_them, MUTABLE},
    {release_mutables, MUTABLE},
    {unstage_them, COMPLETE},
    {register_them, COMPLETE},
    {release_completes, COMPLETE},
    {release_held, SHARED},
    {release_pins, SHARED},
    {clone_them, SHARED},
    {pin_them, SHARED},
    {downgrade_them, SHARED},
    {name_it, SHARED},
    {count_uses, SHARED},
    {reset_on_release, SHARED},
    {take_registration, SHARED},
};

#define CALLS (sizeof calls / sizeof *calls)

/* ---- a world with a block in every state ---- */

typedef struct world {
    kvlogical_manager *manager;
    kvlogical_mutable mutables[2];
    kvlogical_complete staged[2];
    kvlogical_immutable held[4]; /* a primary, its duplicate, a withdrawn one, one that became inactive */
    kvlogical_pin pin[1];        /* of the primary */
} world;

static void make(world *w, uint32_t eviction) {
    kvlogical_config config = config_of(BLOCKS);
    kvhash_plh names[4];
    config.eviction = eviction;
    config.frequency_capacity = eviction == KVLOGICAL_EVICT_MULTI_LRU ? 64 : 0;
    w->manager = make_manager(&config);
    name_roots(1, names, 4);
    kvtest_assert_ok(kvlogical_allocate(w->manager, 2, w->mutables, NULL));
    hold_names(w->manager, names, 1, &w->held[0]);
    hold_names(w->manager, names, 1, &w->held[1]);
    hold_names(w->manager, names + 1, 2, &w->held[2]);
    kvtest_assert_ok(kvlogical_withdraw(w->manager, names + 1, 1, NULL));
    kvtest_assert_ok(kvlogical_pin_blocks(w->manager, w->held, 1, w->pin));
    kvlogical_immutable gone = w->held[3];
    kvtest_assert_ok(kvlogical_release(w->manager, &gone, 1));
    stage_names(w->manager, names + 3, 1, w->staged);
    stage_names(w->manager, names + 3, 1, w->staged + 1);
}

static void let_go(world *w) {
    kvtest_assert_ok(kvlogical_release_mutable(w->manager, w->mutables, 2));
    kvtest_assert_ok(kvlogical_release_complete(w->manager, w->staged, 2));
    kvtest_assert_ok(kvlogical_release(w->manager, w->held, 3));
    kvtest_assert_ok(kvlogical_release_pins(w->manager, w->pin, 1));
    destroy_manager(w->manager);
}

static void expect_refused(world *w, size_t which, any_guard g) {
    any_guard given = g;
    kvtest_assert_status(calls[which].call(w->manager, &given, 1), KVLOGICAL_EGUARD);
    assert_memory_equal(&given, &g, sizeof g);
    assert_sound(w->manager);
}

static any_guard bytes_of(const void *guard) {
    any_guard g;
    memcpy(&g, guard, sizeof g);
    return g;
}

/* ---- tests ---- */

static void each_call_refuses_guards_of_other_kinds(void **state) {
    (void)state;
    world w;
    make(&w, KVLOGICAL_EVICT_LRU);
    const any_guard of[3][4] = {
        {bytes_of(&w.mutables[0]), bytes_of(&w.mutables[1]), {0, 0, 0}, {0, 0, 0}},
        {bytes_of(&w.staged[0]), bytes_of(&w.staged[1]), {0, 0, 0}, {0, 0, 0}},
        {bytes_of(&w.held[0]), bytes_of(&w.held[1]), bytes_of(&w.held[2]), bytes_of(&w.pin[0])},
    };
    for (size_t which = 0; which < CALLS; which++)
        for (int kind = MUTABLE; kind <= SHARED; kind++)
            for (int i = 0; (enum kind)kind != calls[which].takes && i < (kind == SHARED ? 4 : 2); i++)
                expect_refused(&w, which, of[kind][i]);
    let_go(&w);
}

static void each_call_refuses_every_generation_of_blocks_that_nobody_holds(void **state) {
    (void)state;
    world w;
    make(&w, KVLOGICAL_EVICT_LINEAGE_TICK);
    kvlogical_slot slots[BLOCKS];
    size_t count;
    kvtest_assert_ok(kvlogical_list_slots(w.manager, 0, slots, BLOCKS, &count));
    for (size_t i = 0; i < count; i++) {
        if (slots[i].state != KVLOGICAL_STATE_FREE && slots[i].state != KVLOGICAL_STATE_INACTIVE) continue;
        for (size_t which = 0; which < CALLS; which++)
            for (uint32_t generation = 0; generation < 40; generation++)
                expect_refused(&w, which, (any_guard){kvlogical_manager_id(w.manager), (uint32_t)i, generation - 4});
    }
    let_go(&w);
}

static void a_block_is_claimed_once_in_a_batch_whatever_its_copies_say(void **state) {
    (void)state;
    world w;
    make(&w, KVLOGICAL_EVICT_LRU);
    for (uint32_t ahead = 0; ahead < 4; ahead++) {
        any_guard twice[2] = {bytes_of(&w.mutables[0]), bytes_of(&w.mutables[0])};
        twice[1].generation += ahead;
        kvtest_assert_status(stage_them(w.manager, twice, 2), KVLOGICAL_EGUARD);
        any_guard staged[2] = {bytes_of(&w.staged[0]), bytes_of(&w.staged[0])};
        staged[1].generation += ahead;
        kvtest_assert_status(register_them(w.manager, staged, 2), KVLOGICAL_EGUARD);
        kvtest_assert_status(unstage_them(w.manager, staged, 2), KVLOGICAL_EGUARD);
        assert_sound(w.manager);
    }
    let_go(&w);
}

static void a_guard_from_before_unstaging_is_refused(void **state) {
    (void)state;
    world w;
    make(&w, KVLOGICAL_EVICT_LRU);
    any_guard old = bytes_of(&w.mutables[0]), now = old;
    kvtest_assert_ok(stage_them(w.manager, &now, 1));
    any_guard old_staged = now;
    kvtest_assert_ok(unstage_them(w.manager, &now, 1));
    kvtest_assert_status(release_mutables(w.manager, &old, 1), KVLOGICAL_EGUARD);
    kvtest_assert_status(release_completes(w.manager, &old_staged, 1), KVLOGICAL_EGUARD);
    memcpy(&w.mutables[0], &now, sizeof now);
    let_go(&w);
}

/* Copies of the primary's guard take the duplicate's hold as well; the duplicate must not take that of a later block. */
static void a_duplicate_outlives_a_primary_that_was_released_too_often(void **state) {
    (void)state;
    for (int withdrawn = 0; withdrawn < 2; withdrawn++) {
        kvlogical_manager *manager = make_lru(2);
        kvlogical_immutable held[2], other, copy;
        kvhash_plh names[2];
        name_roots(1, names, 2);
        hold_names(manager, names, 1, &held[0]);
        hold_names(manager, names, 1, &held[1]);
        copy = held[0];
        kvtest_assert_ok(kvlogical_release(manager, &held[0], 1));
        kvtest_assert_ok(kvlogical_release(manager, &copy, 1));
        assert_sound(manager);
        hold_names(manager, names + 1, 1, &other); /* in the block that was the primary */
        assert_sound(manager);
        if (withdrawn) kvtest_assert_ok(kvlogical_withdraw_all(manager, NULL));
        kvtest_assert_ok(kvlogical_release(manager, &held[1], 1));
        assert_sound(manager);
        uint32_t holds;
        kvtest_assert_ok(kvlogical_use_count(manager, &other, &holds));
        assert_int_equal(holds, 1);
        kvtest_assert_ok(kvlogical_release(manager, &other, 1));
        destroy_manager(manager);
    }
}

/* ---- random calls with whatever bytes there are ---- */

typedef struct bag {
    any_guard guards[KEPT];
    size_t count;
} bag;

static void keep(bag *b, kvtest_random *random, any_guard g) {
    if (g.manager == 0) return;
    if (b->count < KEPT)
        b->guards[b->count++] = g;
    else
        b->guards[kvtest_below(random, KEPT)] = g;
}

static any_guard draw(const bag *b, kvtest_random *random, uint64_t id) {
    any_guard g = {id, (uint32_t)kvtest_below(random, BLOCKS + 2), (uint32_t)kvtest_below(random, 30)};
    if (b->count > 0 && kvtest_below(random, 8) > 0) g = b->guards[kvtest_below(random, b->count)];
    if (kvtest_below(random, 8) == 0) g.generation += (uint32_t)kvtest_below(random, 5) - 2;
    return g;
}

static void random_step(kvlogical_manager *m, bag *b, kvtest_random *random) {
    any_guard guards[4];
    size_t count = 1 + (size_t)kvtest_below(random, 4), which = (size_t)kvtest_below(random, CALLS + 4), hits = 0;
    kvhash_plh names[4];
    for (size_t i = 0; i < count; i++) {
        guards[i] = draw(b, random, kvlogical_manager_id(m));
        names[i] = kvhash_plh_root(1 + kvtest_below(random, 6));
    }
    kvcore_status status;
    if (which < CALLS) {
        status = calls[which].call(m, guards, count);
    } else if (which == CALLS) {
        status = kvlogical_match_scattered(m, names, count, (kvlogical_immutable *)guards, &hits);
    } else if (which == CALLS + 1) {
        status = kvlogical_stage(m, (kvlogical_mutable *)guards, names, count, (kvlogical_complete *)guards);
    } else if (which == CALLS + 2 && kvtest_below(random, 8) == 0) {
        status = kvlogical_withdraw(m, names, count, NULL);
    } else {
        status = kvlogical_allocate(m, count, (kvlogical_mutable *)guards, NULL);
    }
    for (size_t i = 0; status == KVCORE_OK && i < count; i++) keep(b, random, guards[i]);
    assert_sound(m);
}

/* Release whatever is held, by guessing. */
static void sweep_up(kvlogical_manager *m) {
    static const call releases[] = {release_mutables, release_completes, release_held};
    for (uint32_t block = 0; block < BLOCKS; block++)
        for (uint32_t generation = 0; generation < 2 * STEPS; generation++)
            for (size_t kind = 0; kind < 3; kind++) {
                any_guard guess;
                do guess = (any_guard){kvlogical_manager_id(m), block, generation};
                while (releases[kind](m, &guess, 1) == KVCORE_OK);
            }
    destroy_manager(m);
}

static void no_bytes_bring_a_pool_out_of_order(void **state) {
    (void)state;
    static const uint32_t policies[] = {KVLOGICAL_EVICT_LRU,          KVLOGICAL_EVICT_LINEAGE_TICK,
                                        KVLOGICAL_EVICT_LINEAGE_FIFO, KVLOGICAL_EVICT_SIEVE,
                                        KVLOGICAL_EVICT_S3_FIFO,      KVLOGICAL_EVICT_SURVIVAL};
    kvtest_random random = kvtest_seed(12);
    for (size_t round = 0; round < ROUNDS * sizeof policies / sizeof *policies; round++) {
        kvlogical_config config = config_of(BLOCKS);
        config.eviction = policies[round % (sizeof policies / sizeof *policies)];
        config.duplicates = (uint32_t)kvtest_below(&random, 2);
        kvlogical_manager *m = make_manager(&config);
        bag b = {.count = 0};
        for (int i = 0; i < STEPS; i++) random_step(m, &b, &random);
        sweep_up(m);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_call_refuses_guards_of_other_kinds),
        cmocka_unit_test(each_call_refuses_every_generation_of_blocks_that_nobody_holds),
        cmocka_unit_test(a_block_is_claimed_once_in_a_batch_whatever_its_copies_say),
        cmocka_unit_test(a_guard_from_before_unstaging_is_refused),
        cmocka_unit_test(a_duplicate_outlives_a_primary_that_was_released_too_often),
        cmocka_unit_test(no_bytes_bring_a_pool_out_of_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
