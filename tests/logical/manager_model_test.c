/* Do tens of thousands of random steps equal a naive twin, with every invariant checked after each? */
#include "kvtest.h"

#include <kvlogical/manager.h>

#include "twin.h"

#define STEPS 110000
#define NAMES 96 /* few more than blocks, so that names meet again */
#define MOST 12  /* in a batch */

typedef struct world {
    kvlogical_manager *manager;
    twin twin;
    kvtest_random random;
    kvhash_plh names[NAMES];
    kvlogical_mutable mutables[TWIN_BLOCKS];
    kvlogical_complete staged[TWIN_BLOCKS];
    kvlogical_immutable held[4 * TWIN_BLOCKS];
    size_t mutable_count, staged_count, held_count;
} world;

static size_t below(world *w, size_t bound) { return (size_t)kvtest_below(&w->random, bound); }

static void allocate(world *w) {
    size_t count = below(w, MOST);
    if (count > TWIN_BLOCKS - w->mutable_count) return;
    kvhash_plh evicted_names[MOST], expected_names[MOST];
    kvlogical_evicted evicted = {evicted_names, 99};
    kvlogical_mutable *blocks = &w->mutables[w->mutable_count];
    int expected[MOST], evicted_count;
    bool ok = twin_allocate(&w->twin, (int)count, expected, expected_names, &evicted_count);
    kvtest_assert_status(kvlogical_allocate(w->manager, count, blocks, &evicted), ok ? KVCORE_OK : KVCORE_ENOSPACE);
    if (!ok) {
        assert_int_equal(evicted.count, 99);
        return;
    }
    assert_int_equal(evicted.count, evicted_count);
    for (size_t i = 0; i < count; i++) assert_int_equal(blocks[i].block, expected[i]);
    for (size_t i = 0; i < evicted.count; i++) assert_true(kvhash_plh_equal(evicted_names[i], expected_names[i]));
    w->mutable_count += count;
}

/* Some of the guards, moved to the end of their array; which ones is random. */
#define PICK(w, array, count, picked)                                       \
    do {                                                                    \
        for (size_t pick_ = 0; pick_ < (picked); pick_++) {                 \
            size_t last_ = (count)-1 - pick_, other_ = below(w, last_ + 1); \
            __typeof__((array)[0]) swap_ = (array)[last_];                  \
            (array)[last_] = (array)[other_];                               \
            (array)[other_] = swap_;                                        \
        }                                                                   \
    } while (0)

static size_t some(world *w, size_t count) {
    size_t most = count < MOST ? count : MOST;
    return below(w, most + 1);
}

static void stage(world *w) {
    size_t count = some(w, w->mutable_count);
    PICK(w, w->mutables, w->mutable_count, count);
    kvlogical_mutable *blocks = &w->mutables[w->mutable_count - count];
    kvhash_plh names[MOST];
    for (size_t i = 0; i < count; i++) {
        names[i] = w->names[below(w, NAMES)];
        twin_stage(&w->twin, (int)blocks[i].block, names[i]);
    }
    kvtest_assert_ok(kvlogical_stage(w->manager, blocks, names, count, &w->staged[w->staged_count]));
    w->mutable_count -= count;
    w->staged_count += count;
}

static void share(world *w) {
    size_t count = some(w, w->staged_count);
    if (w->held_count + count > sizeof w->held / sizeof *w->held) return;
    PICK(w, w->staged, w->staged_count, count);
    kvlogical_complete *staged = &w->staged[w->staged_count - count];
    kvlogical_immutable *held = &w->held[w->held_count];
    int expected[MOST];
    for (size_t i = 0; i < count; i++) expected[i] = twin_register(&w->twin, (int)staged[i].block);
    kvtest_assert_ok(kvlogical_register(w->manager, staged, count, held));
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(held[i].block, expected[i]);
        assert_int_equal(staged[i].manager, 0);
    }
    w->staged_count -= count;
    w->held_count += count;
}

static void match(world *w) {
    size_t count = below(w, MOST), hits = 99;
    if (w->held_count + count > sizeof w->held / sizeof *w->held) return;
    kvhash_plh names[MOST];
    int expected[MOST];
    size_t expected_hits = 0;
    for (size_t i = 0; i < count; i++) names[i] = w->names[below(w, NAMES)];
    for (; expected_hits < count; expected_hits++)
        if ((expected[expected_hits] = twin_match(&w->twin, names[expected_hits])) < 0) break;
    kvtest_assert_ok(kvlogical_match_prefix(w->manager, names, count, &w->held[w->held_count], &hits));
    assert_int_equal(hits, expected_hits);
    for (size_t i = 0; i < hits; i++) assert_int_equal(w->held[w->held_count + i].block, expected[i]);
    w->held_count += hits;
}

static void clone(world *w) {
    size_t count = some(w, w->held_count);
    if (w->held_count + count > sizeof w->held / sizeof *w->held) return;
    PICK(w, w->held, w->held_count, count);
    const kvlogical_immutable *from = &w->held[w->held_count - count];
    for (size_t i = 0; i < count; i++) twin_clone(&w->twin, (int)from[i].block);
    kvtest_assert_ok(kvlogical_clone(w->manager, from, count, &w->held[w->held_count]));
    w->held_count += count;
}

static void release(world *w) {
    size_t count = some(w, w->held_count);
    PICK(w, w->held, w->held_count, count);
    kvlogical_immutable *held = &w->held[w->held_count - count];
    if (below(w, 2)) {
        for (size_t i = 0; i < count; i++) twin_release(&w->twin, (int)held[i].block);
        kvtest_assert_ok(kvlogical_release(w->manager, held, count));
    } else {
        for (size_t i = count; i-- > 0;) twin_release(&w->twin, (int)held[i].block);
        kvtest_assert_ok(kvlogical_release_tail_first(w->manager, held, count));
    }
    w->held_count -= count;
}

static void give_back(world *w) {
    size_t count = some(w, w->mutable_count);
    PICK(w, w->mutables, w->mutable_count, count);
    w->mutable_count -= count;
    for (size_t i = 0; i < count; i++) twin_give_back(&w->twin, (int)w->mutables[w->mutable_count + i].block);
    kvtest_assert_ok(kvlogical_release_mutable(w->manager, &w->mutables[w->mutable_count], count));
    count = some(w, w->staged_count);
    PICK(w, w->staged, w->staged_count, count);
    w->staged_count -= count;
    for (size_t i = 0; i < count; i++) twin_give_back(&w->twin, (int)w->staged[w->staged_count + i].block);
    kvtest_assert_ok(kvlogical_release_complete(w->manager, &w->staged[w->staged_count], count));
}

static void set_reset(world *w) {
    if (w->held_count == 0) return;
    size_t at = below(w, w->held_count);
    bool reset = below(w, 3) == 0;
    w->twin.blocks[w->held[at].block].reset = reset;
    kvtest_assert_ok(kvlogical_set_reset_on_release(w->manager, &w->held[at], reset));
}

static void reset_inactive(world *w) {
    if (below(w, 40) != 0) return;
    twin_reset_inactive(&w->twin);
    bool all = twin_in_state(&w->twin, TWIN_FREE) == w->twin.count;
    kvtest_assert_status(kvlogical_reset_inactive(w->manager, NULL), all ? KVCORE_OK : KVCORE_EBUSY);
}

static void match_scattered(world *w) {
    size_t count = below(w, MOST), hits = 99;
    kvhash_plh names[MOST];
    kvlogical_immutable held[MOST];
    if (w->held_count + count > sizeof w->held / sizeof *w->held) return;
    for (size_t i = 0; i < count; i++) names[i] = w->names[below(w, NAMES)];
    kvtest_assert_ok(kvlogical_match_scattered(w->manager, names, count, held, &hits));
    size_t expected_hits = 0;
    for (size_t i = 0; i < count; i++) {
        int expected = twin_match(&w->twin, names[i]);
        assert_int_equal(held[i].manager != 0, expected >= 0);
        if (expected < 0) continue;
        expected_hits++;
        assert_int_equal(held[i].block, expected);
        w->held[w->held_count++] = held[i];
    }
    assert_int_equal(hits, expected_hits);
}

static void compare(world *w) {
    kvlogical_counts counts = kvlogical_manager_counts(w->manager);
    assert_int_equal(counts.total, w->twin.count);
    assert_int_equal(counts.available, twin_available(&w->twin));
    assert_int_equal(counts.free, twin_in_state(&w->twin, TWIN_FREE));
    assert_int_equal(counts.mutable_blocks, twin_in_state(&w->twin, TWIN_MUTABLE));
    assert_int_equal(counts.staged, twin_in_state(&w->twin, TWIN_STAGED));
    assert_int_equal(counts.primary, twin_in_state(&w->twin, TWIN_PRIMARY));
    assert_int_equal(counts.duplicate, twin_in_state(&w->twin, TWIN_DUPLICATE));
    assert_int_equal(counts.inactive, twin_in_state(&w->twin, TWIN_INACTIVE));
    kvcore_error error;
    if (kvlogical_manager_validate(w->manager, &error) != KVCORE_OK) fail_msg("%s", error.text);
}

/* Names that form a forest: each extends an earlier one, or is a root; some in wide positions. */
static void grow_names(world *w) {
    for (size_t i = 0; i < NAMES; i++) {
        size_t parent = below(w, i + 1);
        uint64_t hash = kvtest_next(&w->random);
        if (i % 24 == 23)
            kvtest_assert_ok(kvhash_plh_make(hash, kvtest_next(&w->random), 250 + below(w, 4), &w->names[i]));
        else if (parent == i || i < 4)
            w->names[i] = kvhash_plh_root(hash);
        else
            kvtest_assert_ok(kvhash_plh_extend(w->names[parent], hash, &w->names[i]));
    }
}

/* A tracker that counts exactly, for multi-LRU. */
static kvhash_plh counted[NAMES];
static unsigned uses[NAMES];

static unsigned count_of(kvhash_plh name) {
    for (size_t i = 0; i < NAMES; i++)
        if (kvhash_plh_equal(counted[i], name)) return uses[i];
    return 0;
}

static void tracker_touch(void *ctx, kvhash_plh name) {
    (void)ctx;
    for (size_t i = 0; i < NAMES; i++)
        if (kvhash_plh_equal(counted[i], name) && ++uses[i] > 15) uses[i] = 0;
}

static unsigned tracker_count(void *ctx, kvhash_plh name) {
    (void)ctx;
    return count_of(name);
}

static void run(uint32_t eviction, enum twin_policy policy, uint32_t duplicates) {
    static void (*const steps[])(world *) = {allocate,  stage,          share,          share,   match,
                                             match,     clone,          release,        release, give_back,
                                             set_reset, reset_inactive, match_scattered};
    world *w = calloc(1, sizeof *w);
    assert_non_null(w);
    w->random = kvtest_seed(20261121 + 10 * eviction + duplicates);
    grow_names(w);
    memcpy(counted, w->names, sizeof counted);
    memset(uses, 0, sizeof uses);
    kvlogical_registry_config registry_config = KVLOGICAL_REGISTRY_CONFIG_INIT;
    registry_config.tracker = (kvlogical_tracker){NULL, tracker_touch, tracker_count};
    kvlogical_registry *registry;
    kvtest_assert_ok(kvlogical_registry_create(&registry_config, &registry, NULL));
    kvlogical_config config = KVLOGICAL_CONFIG_INIT;
    config.block_count = 41;
    config.eviction = eviction;
    config.duplicates = duplicates;
    config.registry = registry;
    kvtest_assert_ok(kvlogical_manager_create(&config, &w->manager, NULL));
    twin_init(&w->twin, 41, duplicates == KVLOGICAL_DUPLICATES_REJECT, policy);
    w->twin.order.uses = count_of;
    w->twin.order.thresholds[0] = 3, w->twin.order.thresholds[1] = 8, w->twin.order.thresholds[2] = 15;
    for (int i = 0; i < STEPS; i++) {
        steps[below(w, sizeof steps / sizeof *steps)](w);
        compare(w);
    }
    kvtest_assert_ok(kvlogical_release_mutable(w->manager, w->mutables, w->mutable_count));
    kvtest_assert_ok(kvlogical_release_complete(w->manager, w->staged, w->staged_count));
    kvtest_assert_ok(kvlogical_release(w->manager, w->held, w->held_count));
    kvtest_assert_ok(kvlogical_manager_destroy(w->manager));
    kvtest_assert_ok(kvlogical_registry_destroy(registry));
    free(w);
}

#define MODEL(name, eviction, policy)                       \
    static void name##_equals_its_twin(void **state) {      \
        (void)state;                                        \
        run(eviction, policy, KVLOGICAL_DUPLICATES_ALLOW);  \
        run(eviction, policy, KVLOGICAL_DUPLICATES_REJECT); \
    }

MODEL(lru, KVLOGICAL_EVICT_LRU, TWIN_LRU)
MODEL(fifo, KVLOGICAL_EVICT_FIFO, TWIN_LRU)
MODEL(multi_lru, KVLOGICAL_EVICT_MULTI_LRU, TWIN_MULTI_LRU)
MODEL(lineage_by_tick, KVLOGICAL_EVICT_DEFAULT, TWIN_LINEAGE_TICK)
MODEL(lineage_by_arrival, KVLOGICAL_EVICT_LINEAGE_FIFO, TWIN_LINEAGE_FIFO)
MODEL(sieve, KVLOGICAL_EVICT_SIEVE, TWIN_SIEVE)
MODEL(s3_fifo, KVLOGICAL_EVICT_S3_FIFO, TWIN_S3_FIFO)

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lru_equals_its_twin),
        cmocka_unit_test(fifo_equals_its_twin),
        cmocka_unit_test(multi_lru_equals_its_twin),
        cmocka_unit_test(lineage_by_tick_equals_its_twin),
        cmocka_unit_test(lineage_by_arrival_equals_its_twin),
        cmocka_unit_test(sieve_equals_its_twin),
        cmocka_unit_test(s3_fifo_equals_its_twin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
