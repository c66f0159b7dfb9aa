/* The pieces of the lineage order: bitmaps, the ring, ghosts, names that collide. Sees the private headers. */
#include "kvtest.h"

#include "eviction/bitmap.h"
#include "eviction/ring.h"
#include "pool/manager.h"

static void assert_bitmap(uint64_t bits, int steps) {
    kvtest_random random = {bits};
    uint64_t *words = calloc((size_t)bitmap_words(bits), sizeof *words);
    bool *set = calloc((size_t)bits, sizeof *set);
    assert_non_null(words);
    assert_non_null(set);
    bitmap b;
    bitmap_init(&b, words, bits);
    for (int step = 0; step < steps; step++) {
        uint64_t at = kvtest_below(&random, bits), from = kvtest_below(&random, bits);
        bool now = kvtest_below(&random, 3) == 0;
        if (now)
            bitmap_set(&b, at);
        else
            bitmap_clear(&b, at);
        set[at] = now;
        uint64_t next = from, previous = from;
        while (next < bits && !set[next]) next++;
        while (previous != BITMAP_NONE && !set[previous]) previous--;
        assert_true(bitmap_next(&b, bits, from) == (next < bits ? next : BITMAP_NONE));
        assert_true(bitmap_previous(&b, from) == previous);
        assert_int_equal(bitmap_has(&b, at), now);
    }
    assert_true(bitmap_next(&b, bits, bits) == BITMAP_NONE);
    free(words);
    free(set);
}

static void bitmaps_find_their_neighbours(void **state) {
    (void)state;
    static const uint64_t sizes[] = {1, 2, 63, 64, 65, 100, 4095, 4096, 4097, 8192};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) assert_bitmap(sizes[i], 3000);
    assert_bitmap(270000, 200);
}

#define SLOTS 100

/* A few nodes stay for ever while the others come and go, so that the ring spreads and is moved together again and again. */
static void the_ring_keeps_its_order_while_it_is_moved_together(void **state) {
    (void)state;
    static slot slots[SLOTS];
    memset(slots, 0, sizeof slots);
    uint64_t places = ring_places(SLOTS), words = bitmap_words(places);
    uint64_t *memory = calloc((size_t)(2 * words), sizeof *memory);
    ring r = {.slots = calloc((size_t)places, sizeof(uint32_t)), .places = places};
    assert_non_null(memory);
    assert_non_null(r.slots);
    bitmap_init(&r.real, memory, places);
    bitmap_init(&r.leaves, memory + words, places);
    kvtest_random random = kvtest_seed(3);
    uint32_t model[SLOTS];
    bool in[SLOTS] = {false};
    size_t count = 0, tidied = 0;
    for (int step = 0; step < 60000; step++) {
        uint32_t index = (uint32_t)kvtest_below(&random, SLOTS);
        if (in[index] && (index >= 10 || kvtest_below(&random, 500) == 0)) {
            ring_remove(&r, slots, index);
            size_t at = 0;
            while (model[at] != index) at++;
            memmove(model + at, model + at + 1, (--count - at) * sizeof *model);
            in[index] = false;
        } else if (!in[index]) {
            ring_insert(&r, slots, index);
            if (index % 2 == 0) bitmap_set(&r.leaves, slots[index].previous);
            model[count++] = index;
            in[index] = true;
        }
        tidied += r.unread > 0;
        assert_true(r.span <= r.places);
        uint64_t place = r.oldest;
        for (size_t i = 0; i < count; i++) {
            place = ring_next(&r, &r.real, place);
            assert_int_equal(r.slots[place], model[i]);
            assert_int_equal(slots[model[i]].previous, place);
            assert_int_equal(bitmap_has(&r.leaves, place), model[i] % 2 == 0);
            place = ring_forward(&r, place, 1);
        }
    }
    assert_true(tidied > 1000);
    free(memory);
    free(r.slots);
}

static kvlogical_manager *make(size_t blocks, uint32_t policy) {
    kvlogical_config config = KVLOGICAL_CONFIG_INIT;
    config.block_count = blocks;
    config.eviction = policy;
    kvlogical_manager *m = NULL;
    kvtest_assert_ok(kvlogical_manager_create(&config, &m, NULL));
    return m;
}

static void fill(kvlogical_manager *m, const kvhash_plh *names, size_t count, kvlogical_immutable *held) {
    kvlogical_mutable blocks[16];
    kvlogical_complete staged[16];
    kvtest_assert_ok(kvlogical_allocate(m, count, blocks, NULL));
    kvtest_assert_ok(kvlogical_stage(m, blocks, names, count, staged));
    kvtest_assert_ok(kvlogical_register(m, staged, count, held));
}

static void assert_sound(const kvlogical_manager *m) {
    kvcore_error error;
    if (kvlogical_manager_validate(m, &error) != KVCORE_OK) fail_msg("%s", error.text);
}

/* Each chain leaves its leaf inactive and loses the seven blocks above it: seven ghosts without a slot. */
static void ghosts_are_bounded_and_the_oldest_go(void **state) {
    uint32_t policy = *(const uint32_t *)*state;
    kvlogical_manager *m = make(16, policy);
    kvtest_random random = kvtest_seed(4);
    uint64_t most = 0;
    for (int round = 0; round < 40; round++) {
        kvhash_plh names[8];
        kvlogical_immutable held[8], again[8];
        size_t hits;
        names[0] = kvhash_plh_root(kvtest_next(&random));
        for (int i = 1; i < 8; i++) kvtest_assert_ok(kvhash_plh_extend(names[i - 1], kvtest_next(&random), &names[i]));
        fill(m, names, 8, held);
        kvtest_assert_ok(kvlogical_release_tail_first(m, held, 8));
        kvtest_assert_ok(kvlogical_match_prefix(m, names, 7, again, &hits));
        assert_int_equal(hits, 7);
        for (int i = 0; i < 7; i++) kvtest_assert_ok(kvlogical_set_reset_on_release(m, &again[i], true));
        kvtest_assert_ok(kvlogical_release(m, again, 7));
        assert_sound(m);
        kvlogical_metrics metrics = kvlogical_manager_metrics(m);
        assert_in_range(metrics.lineage_ghosts, 7, 32);
        if (metrics.lineage_ghosts > most) most = metrics.lineage_ghosts;
    }
    assert_in_range(most, 28, 32);
    assert_true(kvlogical_manager_metrics(m).ghosts_dropped > 0);
    kvlogical_mutable all[16];
    kvtest_assert_ok(kvlogical_allocate(m, 16, all, NULL));
    assert_int_equal(kvlogical_manager_metrics(m).lineage_ghosts, 0);
    kvtest_assert_ok(kvlogical_release_mutable(m, all, 16));
    assert_sound(m);
    kvtest_assert_ok(kvlogical_manager_destroy(m));
}

/* Names of one position and sequence hash under several parents, with children, in random steps. */
static void names_that_collide_all_live(void **state) {
    uint32_t policy = *(const uint32_t *)*state;
    kvlogical_manager *m = make(12, policy);
    kvtest_random random = kvtest_seed(5);
    kvhash_plh names[24];
    for (unsigned i = 0; i < 24; i++) { /* positions 5, 6, 7; two sequence hashes; four parents */
        uint64_t position = 5 + i % 3, hash = 7 * position + i / 3 % 2;
        kvtest_assert_ok(kvhash_plh_make(hash, 7 * (position - 1) + i / 6, position, &names[i]));
    }
    kvlogical_immutable held[64];
    size_t count = 0;
    for (int step = 0; step < 20000; step++) {
        kvhash_plh name = names[kvtest_below(&random, 24)];
        size_t hits;
        if (count > 0 && kvtest_below(&random, 2)) {
            size_t at = (size_t)kvtest_below(&random, count);
            kvtest_assert_ok(kvlogical_set_reset_on_release(m, &held[at], kvtest_below(&random, 4) == 0));
            kvtest_assert_ok(kvlogical_release(m, &held[at], 1));
            held[at] = held[--count];
        } else if (count < 10) {
            kvtest_assert_ok(kvlogical_match_prefix(m, &name, 1, &held[count], &hits));
            if (hits == 0) fill(m, &name, 1, &held[count]);
            count++;
        }
        assert_sound(m);
    }
    kvtest_assert_ok(kvlogical_release(m, held, count));
    kvlogical_mutable all[12];
    kvtest_assert_ok(kvlogical_allocate(m, 12, all, NULL));
    assert_int_equal(kvlogical_manager_metrics(m).lineage_ghosts, 0);
    kvtest_assert_ok(kvlogical_release_mutable(m, all, 12));
    kvtest_assert_ok(kvlogical_manager_destroy(m));
}

int main(void) {
    uint32_t tick = KVLOGICAL_EVICT_LINEAGE_TICK, fifo = KVLOGICAL_EVICT_LINEAGE_FIFO;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bitmaps_find_their_neighbours),
        cmocka_unit_test(the_ring_keeps_its_order_while_it_is_moved_together),
        cmocka_unit_test_prestate(ghosts_are_bounded_and_the_oldest_go, &tick),
        cmocka_unit_test_prestate(ghosts_are_bounded_and_the_oldest_go, &fifo),
        cmocka_unit_test_prestate(names_that_collide_all_live, &tick),
        cmocka_unit_test_prestate(names_that_collide_all_live, &fifo),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
