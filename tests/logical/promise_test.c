/* Blocks in flight: does each transition of a promise keep the words of its header, for owners and for those who joined? */
#include "support.h"

#include <kvlogical/inspect.h>
#include <kvlogical/promise.h>

static kvlogical_manager *make(uint32_t eviction, uint32_t duplicates) {
    kvlogical_config config = config_of(8);
    config.eviction = eviction;
    config.duplicates = duplicates;
    config.promises = true;
    return make_manager(&config);
}

static void promise(kvlogical_manager *manager, const kvhash_plh *names, size_t count, uint32_t step,
                    kvlogical_promised *promised) {
    kvlogical_mutable blocks[8];
    uint32_t answers[8];
    kvtest_assert_ok(kvlogical_allocate(manager, count, blocks, NULL));
    kvtest_assert_ok(kvlogical_promise(manager, blocks, names, count, step, promised, answers));
    for (size_t i = 0; i < count; i++) assert_int_equal(answers[i], KVLOGICAL_PROMISE_MADE);
    for (size_t i = 0; i < count; i++) assert_int_equal(blocks[i].manager, 0);
    assert_sound(manager);
}

static kvlogical_joined join(kvlogical_manager *manager, const kvhash_plh *names, size_t count, uint32_t mode,
                             uint32_t step, kvlogical_immutable *held) {
    kvlogical_joined joined = KVLOGICAL_JOINED_INIT;
    kvtest_assert_ok(kvlogical_match_joining(manager, names, count, mode, step, held, &joined));
    assert_sound(manager);
    return joined;
}

static uint32_t readiness(const kvlogical_manager *manager, const kvlogical_immutable *held) {
    uint32_t state;
    kvtest_assert_ok(kvlogical_ready(manager, held, 1, &state));
    return state;
}

/* A promises n1 n2, B joins both; A fulfils n1, its load of n2 fails; B computes n2 itself. */
static void the_worked_example_holds(void **state) {
    (void)state;
    kvlogical_manager *manager = make(KVLOGICAL_EVICT_LRU, KVLOGICAL_DUPLICATES_ALLOW);
    kvhash_plh names[3];
    kvlogical_promised a[2], b;
    kvlogical_immutable a_held, b_held[3], own;
    kvlogical_mutable none;
    name_chain(1, names, 3);
    promise(manager, names, 2, 0, a);
    kvlogical_joined joined = join(manager, names, 3, KVLOGICAL_PENDING_JOIN, 0, b_held);
    assert_int_equal(joined.hits, 2);
    assert_int_equal(joined.ready, 0);
    kvtest_assert_ok(kvlogical_fulfil(manager, &a[0], 1, &a_held));
    assert_sound(manager);
    assert_int_equal(readiness(manager, &b_held[0]), KVLOGICAL_READY);
    assert_int_equal(readiness(manager, &b_held[1]), KVLOGICAL_READY_PENDING);
    kvtest_assert_ok(kvlogical_break(manager, &a[1], 1, &none));
    assert_int_equal(none.manager, 0);
    assert_sound(manager);
    assert_int_equal(readiness(manager, &b_held[1]), KVLOGICAL_READY_BROKEN);
    kvtest_assert_status(kvlogical_clone(manager, &b_held[1], 1, &own), KVLOGICAL_ESTATE);
    kvtest_assert_ok(kvlogical_release(manager, &b_held[1], 1));
    promise(manager, &names[1], 1, 0, &b);
    kvtest_assert_ok(kvlogical_fulfil(manager, &b, 1, &own));
    assert_int_equal(match_names(manager, names, 3), 2);
    kvlogical_metrics metrics = kvlogical_manager_metrics(manager);
    assert_int_equal(metrics.promises, 3);
    assert_int_equal(metrics.promise_joins, 2);
    assert_int_equal(metrics.promise_joins_saved, 1);
    assert_int_equal(metrics.promises_broken, 1);
    assert_int_equal(metrics.pending_blocks, 0);
    assert_int_equal(metrics.inflight_immutable, 3);
    kvtest_assert_ok(kvlogical_release(manager, &a_held, 1));
    kvtest_assert_ok(kvlogical_release(manager, b_held, 1));
    kvtest_assert_ok(kvlogical_release(manager, &own, 1));
    destroy_manager(manager);
}

static void ordinary_look_ups_see_no_pending_name(void **state) {
    (void)state;
    kvlogical_manager *manager = make(KVLOGICAL_EVICT_LINEAGE_TICK, KVLOGICAL_DUPLICATES_ALLOW);
    kvhash_plh names[2];
    kvlogical_promised promised;
    kvlogical_immutable held[2];
    name_chain(1, names, 2);
    cache_names(manager, names, 1);
    promise(manager, &names[1], 1, 0, &promised);
    assert_int_equal(match_names(manager, names, 2), 1);
    assert_int_equal(join(manager, names, 2, KVLOGICAL_PENDING_SKIP, 0, held).hits, 1);
    kvtest_assert_ok(kvlogical_release(manager, held, 1));
    assert_false(kvlogical_registry_is_registered(kvlogical_manager_registry(manager), names[1]));
    kvlogical_probe probe = KVLOGICAL_PROBE_INIT;
    kvtest_assert_ok(kvlogical_probe_prefix(manager, names, NULL, 2, NULL, &probe));
    assert_int_equal(probe.hits, 1);
    assert_int_equal(probe.pending, 1);
    assert_int_equal(kvlogical_manager_counts(manager).pending, 1);
    assert_int_equal(kvlogical_manager_counts(manager).available, 7);
    kvtest_assert_status(kvlogical_manager_destroy(manager), KVCORE_EBUSY);
    kvtest_assert_ok(kvlogical_release_promised(manager, &promised, 1));
    destroy_manager(manager);
}

static void stopping_tells_who_makes_the_name(void **state) {
    (void)state;
    kvlogical_manager *manager = make(KVLOGICAL_EVICT_LRU, KVLOGICAL_DUPLICATES_ALLOW);
    kvhash_plh names[3];
    kvlogical_promised promised;
    kvlogical_immutable held[3];
    kvlogical_mutable block;
    name_chain(1, names, 3);
    cache_names(manager, names, 1);
    promise(manager, &names[1], 1, 0, &promised);
    kvlogical_joined joined = join(manager, names, 3, KVLOGICAL_PENDING_STOP, 0, held);
    assert_int_equal(joined.hits, 1);
    assert_int_equal(joined.ready, 1);
    assert_int_equal(joined.ticket.block, promised.block);
    assert_int_equal(readiness(manager, &joined.ticket), KVLOGICAL_READY_PENDING);
    kvtest_assert_ok(kvlogical_break(manager, &promised, 1, &block));
    assert_int_equal(readiness(manager, &joined.ticket), KVLOGICAL_READY_GONE);
    kvtest_assert_ok(kvlogical_release_mutable(manager, &block, 1));
    kvtest_assert_ok(kvlogical_release(manager, held, 1));
    destroy_manager(manager);
}

static void a_name_is_promised_once(void **state) {
    (void)state;
    kvlogical_manager *manager = make(KVLOGICAL_EVICT_LRU, KVLOGICAL_DUPLICATES_ALLOW);
    kvhash_plh names[3];
    kvlogical_mutable blocks[3];
    kvlogical_promised promised[3];
    uint32_t answers[3];
    name_roots(1, names, 2);
    names[2] = names[1];
    cache_names(manager, names, 1);
    kvtest_assert_ok(kvlogical_allocate(manager, 3, blocks, NULL));
    kvtest_assert_ok(kvlogical_promise(manager, blocks, names, 3, 0, promised, answers));
    assert_int_equal(answers[0], KVLOGICAL_PROMISE_HERE);
    assert_int_equal(answers[1], KVLOGICAL_PROMISE_MADE);
    assert_int_equal(answers[2], KVLOGICAL_PROMISE_PENDING);
    assert_int_equal(promised[0].manager, 0);
    assert_int_equal(promised[2].manager, 0);
    assert_sound(manager);
    kvtest_assert_ok(kvlogical_release_mutable(manager, blocks, 3)); /* the guards of two are good */
    assert_int_equal(kvlogical_manager_counts(manager).pending, 1);
    kvtest_assert_ok(kvlogical_release_promised(manager, promised, 3));
    destroy_manager(manager);
}

static void a_promise_ends_exactly_once(void **state) {
    (void)state;
    kvlogical_manager *manager = make(KVLOGICAL_EVICT_LRU, KVLOGICAL_DUPLICATES_ALLOW);
    kvhash_plh names[2];
    kvlogical_promised promised[2], twice[2], copy;
    kvlogical_immutable held[2], joined[2];
    kvlogical_mutable block;
    name_roots(1, names, 2);
    promise(manager, names, 2, 0, promised);
    (void)join(manager, names, 1, KVLOGICAL_PENDING_JOIN, 0, joined);
    twice[0] = twice[1] = copy = promised[0];
    kvtest_assert_status(kvlogical_fulfil(manager, twice, 2, held), KVLOGICAL_EGUARD);
    kvtest_assert_status(kvlogical_break(manager, twice, 2, &block), KVLOGICAL_EGUARD);
    memcpy(&twice[0], &joined[0], sizeof twice[0]); /* who joined is no owner */
    kvtest_assert_status(kvlogical_fulfil(manager, twice, 1, held), KVLOGICAL_EGUARD);
    memcpy(&held[0], &copy, sizeof held[0]); /* and the owner's guard is none of theirs */
    kvtest_assert_status(kvlogical_release(manager, held, 1), KVLOGICAL_EGUARD);
    assert_sound(manager);
    kvtest_assert_ok(kvlogical_fulfil(manager, promised, 2, held));
    assert_int_equal(promised[0].manager, 0);
    kvtest_assert_status(kvlogical_fulfil(manager, &copy, 1, held), KVLOGICAL_EGUARD);
    kvtest_assert_status(kvlogical_release_promised(manager, &copy, 1), KVLOGICAL_EGUARD);
    kvtest_assert_ok(kvlogical_release(manager, joined, 1));
    kvtest_assert_ok(kvlogical_release(manager, held, 2));
    destroy_manager(manager);
}

static void a_joined_guard_released_twice_leaves_the_owner_his_hold(void **state) {
    (void)state;
    kvlogical_manager *manager = make(KVLOGICAL_EVICT_LRU, KVLOGICAL_DUPLICATES_ALLOW);
    kvhash_plh name;
    kvlogical_promised promised;
    kvlogical_immutable joined, copy, held;
    name_roots(1, &name, 1);
    promise(manager, &name, 1, 0, &promised);
    (void)join(manager, &name, 1, KVLOGICAL_PENDING_JOIN, 0, &joined);
    copy = joined;
    kvtest_assert_ok(kvlogical_release(manager, &joined, 1));
    kvlogical_release(manager, &copy, 1);
    assert_sound(manager);
    kvtest_assert_ok(kvlogical_fulfil(manager, &promised, 1, &held));
    kvtest_assert_ok(kvlogical_release(manager, &held, 1));
    destroy_manager(manager);
}

/* Somebody did not wait, and registered first. */
static void a_name_registered_meanwhile_makes_a_duplicate(void **state) {
    (void)state;
    for (uint32_t duplicates = 0; duplicates <= KVLOGICAL_DUPLICATES_KEEP; duplicates++)
        for (int with_joiner = 0; with_joiner < 2; with_joiner++) {
            kvlogical_manager *manager = make(KVLOGICAL_EVICT_LRU, duplicates);
            kvhash_plh name;
            kvlogical_promised promised;
            kvlogical_immutable joined, first, held;
            name_roots(1, &name, 1);
            promise(manager, &name, 1, 0, &promised);
            uint32_t block = promised.block;
            if (with_joiner) (void)join(manager, &name, 1, KVLOGICAL_PENDING_JOIN, 0, &joined);
            hold_names(manager, &name, 1, &first);
            kvtest_assert_ok(kvlogical_fulfil(manager, &promised, 1, &held));
            assert_sound(manager);
            bool rejected = duplicates == KVLOGICAL_DUPLICATES_REJECT && !with_joiner;
            assert_int_equal(held.block, rejected ? first.block : block);
            if (with_joiner) assert_int_equal(readiness(manager, &joined), KVLOGICAL_READY);
            if (with_joiner) kvtest_assert_ok(kvlogical_release(manager, &joined, 1));
            kvtest_assert_ok(kvlogical_release(manager, &first, 1));
            kvtest_assert_ok(kvlogical_release(manager, &held, 1));
            destroy_manager(manager);
        }
}

static void a_withdrawn_promise_is_not_found_even_when_it_is_kept(void **state) {
    (void)state;
    for (int all = 0; all < 2; all++) {
        kvlogical_manager *manager = make(KVLOGICAL_EVICT_LRU, KVLOGICAL_DUPLICATES_ALLOW);
        kvhash_plh name;
        kvlogical_promised promised;
        kvlogical_immutable joined, none, held;
        size_t withdrawn;
        name_roots(1, &name, 1);
        promise(manager, &name, 1, 0, &promised);
        (void)join(manager, &name, 1, KVLOGICAL_PENDING_JOIN, 0, &joined);
        if (all)
            kvtest_assert_ok(kvlogical_withdraw_all(manager, &withdrawn));
        else
            kvtest_assert_ok(kvlogical_withdraw(manager, &name, 1, &withdrawn));
        assert_int_equal(withdrawn, 1);
        assert_sound(manager);
        assert_int_equal(join(manager, &name, 1, KVLOGICAL_PENDING_JOIN, 0, &none).hits, 0);
        kvtest_assert_ok(kvlogical_fulfil(manager, &promised, 1, &held));
        assert_int_equal(readiness(manager, &joined), KVLOGICAL_READY);
        assert_int_equal(match_names(manager, &name, 1), 0);
        assert_sound(manager);
        kvtest_assert_ok(kvlogical_release(manager, &held, 1));
        kvtest_assert_ok(kvlogical_release(manager, &joined, 1));
        assert_int_equal(kvlogical_manager_counts(manager).free, 8);
        destroy_manager(manager);
    }
}

static void an_ordered_promise_is_ready_for_later_steps(void **state) {
    (void)state;
    kvlogical_manager *manager = make(KVLOGICAL_EVICT_LRU, KVLOGICAL_DUPLICATES_ALLOW);
    kvhash_plh names[2];
    kvlogical_promised promised[2];
    kvlogical_immutable held[2];
    static const size_t ready[] = {0, 0, 1};
    name_chain(1, names, 2);
    promise(manager, &names[0], 1, 7, &promised[0]);
    promise(manager, &names[1], 1, 0, &promised[1]);
    for (uint32_t step = 0; step < 3; step++) {
        kvlogical_joined joined = join(manager, names, 2, KVLOGICAL_PENDING_JOIN, step == 0 ? 0 : 6 + step, held);
        assert_int_equal(joined.hits, 2);
        assert_int_equal(joined.ready, ready[step]);
        kvtest_assert_ok(kvlogical_release(manager, held, 2));
    }
    kvtest_assert_ok(kvlogical_release_promised(manager, promised, 2));
    destroy_manager(manager);
}

typedef struct heard {
    kvlogical_manager *manager;
    size_t calls, count;
    bool broken;
    uint32_t block;
} heard;

static void on_ready(void *ctx, const kvlogical_promised *promised, size_t count, bool broken) {
    heard *h = ctx;
    h->calls++;
    h->count = count;
    h->broken = broken;
    h->block = promised[count - 1].block;
    (void)kvlogical_manager_counts(h->manager); /* the lock is given */
}

static void each_end_of_promises_is_told_once_without_the_lock(void **state) {
    (void)state;
    kvlogical_manager *manager = make(KVLOGICAL_EVICT_LRU, KVLOGICAL_DUPLICATES_ALLOW);
    heard h = {.manager = manager};
    kvhash_plh names[3];
    kvlogical_promised promised[3];
    kvlogical_immutable held[2];
    kvtest_assert_ok(kvlogical_manager_on_ready(manager, on_ready, &h));
    name_roots(1, names, 3);
    promise(manager, names, 3, 0, promised);
    kvtest_assert_ok(kvlogical_fulfil(manager, promised, 2, held));
    assert_int_equal(h.calls, 1);
    assert_int_equal(h.count, 2);
    assert_false(h.broken);
    assert_int_equal(h.block, 1);
    kvtest_assert_ok(kvlogical_release_promised(manager, promised + 2, 1));
    assert_int_equal(h.calls, 2);
    assert_true(h.broken);
    kvtest_assert_ok(kvlogical_release(manager, held, 2));
    destroy_manager(manager);
}

static void a_manager_without_promises_refuses_them(void **state) {
    (void)state;
    kvlogical_manager *manager = make_lru(4);
    kvhash_plh name;
    kvlogical_mutable block;
    kvlogical_promised promised;
    kvlogical_immutable held;
    kvlogical_joined joined = KVLOGICAL_JOINED_INIT;
    uint32_t answer;
    name_roots(1, &name, 1);
    kvtest_assert_ok(kvlogical_allocate(manager, 1, &block, NULL));
    kvtest_assert_status(kvlogical_promise(manager, &block, &name, 1, 0, &promised, &answer), KVCORE_ENOTSUP);
    kvtest_assert_status(kvlogical_match_joining(manager, &name, 1, 0, 0, &held, &joined), KVCORE_ENOTSUP);
    kvtest_assert_status(kvlogical_manager_on_ready(manager, on_ready, NULL), KVCORE_ENOTSUP);
    kvtest_assert_ok(kvlogical_release_mutable(manager, &block, 1));
    destroy_manager(manager);
}

/* ---- many steps, against counts kept by hand ---- */

#define NAMES 6

typedef struct model {
    kvlogical_manager *manager;
    kvhash_plh names[NAMES];
    kvlogical_promised owner[NAMES]; /* of a pending name */
    bool pending[NAMES];
    kvlogical_immutable
        held[64]; /* what anybody holds: of name `of`, pending at the time when the owner is `promise` */
    int of[64], promise[64];
    size_t held_count;
    int promises;        /* ever */
    int current[NAMES];  /* number of the pending promise of a name */
    int outcome[100000]; /* of each promise: 0 pending, 1 kept, 2 broken */
} model;

static void hold(model *w, kvlogical_immutable guard, int name, int number) {
    w->held[w->held_count] = guard;
    w->of[w->held_count] = name;
    w->promise[w->held_count++] = number;
}

static void try_promise(model *w, int name) {
    kvlogical_mutable block;
    uint32_t answer;
    if (kvlogical_allocate(w->manager, 1, &block, NULL) != KVCORE_OK) return;
    kvlogical_promised promised;
    kvtest_assert_ok(kvlogical_promise(w->manager, &block, &w->names[name], 1, 0, &promised, &answer));
    if (answer == KVLOGICAL_PROMISE_MADE) {
        assert_false(w->pending[name]);
        w->pending[name] = true;
        w->owner[name] = promised;
        w->current[name] = ++w->promises;
        return;
    }
    if (answer == KVLOGICAL_PROMISE_PENDING) assert_true(w->pending[name]);
    kvtest_assert_ok(kvlogical_release_mutable(w->manager, &block, 1));
}

static void end_promise(model *w, int name, unsigned how) {
    if (!w->pending[name]) return;
    kvlogical_immutable held;
    kvlogical_mutable block;
    w->pending[name] = false;
    w->outcome[w->current[name]] = how == 0 ? 1 : 2;
    if (how == 0) {
        kvtest_assert_ok(kvlogical_fulfil(w->manager, &w->owner[name], 1, &held));
        hold(w, held, name, w->current[name]);
    } else if (how == 1) {
        kvtest_assert_ok(kvlogical_break(w->manager, &w->owner[name], 1, &block));
        kvtest_assert_ok(kvlogical_release_mutable(w->manager, &block, 1));
    } else {
        kvtest_assert_ok(kvlogical_release_promised(w->manager, &w->owner[name], 1));
    }
}

static void try_join(model *w, int name) {
    kvlogical_immutable guard;
    kvlogical_joined joined = KVLOGICAL_JOINED_INIT;
    kvtest_assert_ok(
        kvlogical_match_joining(w->manager, &w->names[name], 1, KVLOGICAL_PENDING_JOIN, 0, &guard, &joined));
    if (joined.hits == 0) assert_false(w->pending[name]);
    if (joined.hits > 0) hold(w, guard, name, joined.ready == 0 ? w->current[name] : 0);
}

static void let_go(model *w, size_t at) {
    kvtest_assert_ok(kvlogical_release(w->manager, &w->held[at], 1));
    w->held_count--;
    w->held[at] = w->held[w->held_count];
    w->of[at] = w->of[w->held_count];
    w->promise[at] = w->promise[w->held_count];
}

static void expect_readiness(const model *w) {
    static const uint32_t expected[] = {KVLOGICAL_READY_PENDING, KVLOGICAL_READY, KVLOGICAL_READY_BROKEN};
    for (size_t i = 0; i < w->held_count; i++)
        assert_int_equal(readiness(w->manager, &w->held[i]),
                         w->promise[i] == 0 ? KVLOGICAL_READY : expected[w->outcome[w->promise[i]]]);
}

static void random_steps_agree_with_what_was_promised(void **state) {
    (void)state;
    static model w;
    kvtest_random random = kvtest_seed(41);
    for (uint32_t duplicates = 0; duplicates <= KVLOGICAL_DUPLICATES_KEEP; duplicates++) {
        memset(&w, 0, sizeof w);
        w.manager = make(KVLOGICAL_EVICT_LRU, duplicates);
        name_roots(5, w.names, NAMES);
        for (int i = 0; i < 40000; i++) {
            int name = (int)kvtest_below(&random, NAMES);
            size_t evicted;
            switch (kvtest_below(&random, 8)) {
            case 0: try_promise(&w, name); break;
            case 1: end_promise(&w, name, (unsigned)kvtest_below(&random, 3)); break;
            case 2:
                if (w.held_count < 60) try_join(&w, name);
                break;
            case 3:
                if (available(w.manager) > 1 && w.held_count < 60) cache_names(w.manager, &w.names[name], 1);
                break;
            case 4: kvtest_assert_ok(kvlogical_evict(w.manager, 3, NULL, &evicted)); break;
            default:
                if (w.held_count > 0) let_go(&w, (size_t)kvtest_below(&random, w.held_count));
            }
            size_t pending = 0;
            for (int n = 0; n < NAMES; n++) pending += w.pending[n];
            assert_int_equal(kvlogical_manager_counts(w.manager).pending, pending);
            if (i % 8 == 0) expect_readiness(&w);
            if (i % 16 == 0) assert_sound(w.manager);
        }
        for (int n = 0; n < NAMES; n++) end_promise(&w, n, 2);
        kvlogical_metrics metrics = kvlogical_manager_metrics(w.manager);
        assert_true(metrics.promises > 1000 && metrics.promise_joins_saved > 10 && metrics.promises_broken > 500);
        while (w.held_count > 0) let_go(&w, 0);
        destroy_manager(w.manager);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_worked_example_holds),
        cmocka_unit_test(ordinary_look_ups_see_no_pending_name),
        cmocka_unit_test(stopping_tells_who_makes_the_name),
        cmocka_unit_test(a_name_is_promised_once),
        cmocka_unit_test(a_promise_ends_exactly_once),
        cmocka_unit_test(a_joined_guard_released_twice_leaves_the_owner_his_hold),
        cmocka_unit_test(a_name_registered_meanwhile_makes_a_duplicate),
        cmocka_unit_test(a_withdrawn_promise_is_not_found_even_when_it_is_kept),
        cmocka_unit_test(an_ordered_promise_is_ready_for_later_steps),
        cmocka_unit_test(each_end_of_promises_is_told_once_without_the_lock),
        cmocka_unit_test(a_manager_without_promises_refuses_them),
        cmocka_unit_test(random_steps_agree_with_what_was_promised),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
