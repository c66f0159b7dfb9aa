/* Do random steps equal a naive twin: for each holder, a flag for each name? Stores and removals in and out of order, holes,
 * events that come twice, late or never, cleared and expired holders, dumps that go on in another index. */
#include "kvtest.h"

#include <kvradix/index.h>

#include "forest.h"

#define NAMES 500
#define HOLDERS 70 /* two words a row */

typedef struct twin_holder {
    bool known, stale;
    bool has[NAMES];
    uint64_t expected;
    uint64_t sent;     /* the source's last number */
    uint64_t heard_ns; /* by the expiry's rule */
    bool heard;
} twin_holder;

typedef struct world {
    kvtest_random random;
    forest forest;
    kvradix_index *index;
    twin_holder twins[HOLDERS];
    uint64_t now_ns;
    uint64_t lost;
} world;

static uint64_t below(world *w, uint64_t bound) { return kvtest_below(&w->random, bound); }

static kvhash_holder holder_of(size_t number) { return (kvhash_holder){1000 - number / 3, (uint32_t)(number % 3), 0}; }

static kvradix_index *make(void) {
    kvradix_config config = KVRADIX_CONFIG_INIT;
    config.capacity = 10;
    config.holder_capacity = HOLDERS;
    kvradix_index *index = NULL;
    kvtest_assert_ok(kvradix_index_create(&config, &index, NULL));
    return index;
}

static void hear(twin_holder *t) {
    if (!t->known) *t = (twin_holder){.known = true, .expected = 1, .sent = t->sent};
    t->heard = true;
}

/* ---- steps ---- */

/* A chain from its root, part of it, or anything in any order. */
static size_t pick_names(world *w, kvhash_plh *names, size_t *numbers) {
    size_t count = forest_chain(&w->forest, below(w, NAMES), names, numbers);
    if (below(w, 4) != 0) return count;
    count = 1 + below(w, 6);
    for (size_t i = 0; i < count; i++) names[i] = w->forest.names[numbers[i] = below(w, NAMES)];
    return count;
}

static void store_or_remove(world *w, size_t h, bool storing) {
    kvhash_plh names[NAMES];
    size_t numbers[NAMES], count = pick_names(w, names, numbers);
    twin_holder *t = &w->twins[h];
    if (!storing && count > 6) { /* the tail of a chain, or a hole */
        size_t from = below(w, count);
        count = below(w, 2) == 0 ? count - from : 1;
        memmove(names, names + from, count * sizeof *names);
        memmove(numbers, numbers + from, count * sizeof *numbers);
    }
    if (storing) {
        hear(t);
        kvtest_assert_ok(kvradix_index_store(w->index, holder_of(h), names, count));
    } else {
        t->heard |= t->known;
        kvtest_assert_ok(kvradix_index_remove(w->index, holder_of(h), names, count));
    }
    if (t->known)
        for (size_t i = 0; i < count; i++) t->has[numbers[i]] = storing;
}

static void twin_event(world *w, twin_holder *t, const kvhash_event *event, size_t number) {
    hear(t);
    if (event->kind == KVHASH_EVENT_CLEAR) {
        memset(t->has, 0, sizeof t->has);
        t->stale = false;
        t->expected = event->sequence;
        return;
    }
    if (event->sequence < t->expected) return;
    if (event->sequence > t->expected) {
        t->stale = true;
        w->lost += event->sequence - t->expected;
    }
    t->expected = event->sequence + (event->kind == KVHASH_EVENT_CREATE || event->kind == KVHASH_EVENT_REMOVE);
    if (event->kind == KVHASH_EVENT_CREATE || event->kind == KVHASH_EVENT_PRESENT) t->has[number] = true;
    if (event->kind == KVHASH_EVENT_REMOVE) t->has[number] = false;
}

static void apply(world *w) {
    kvhash_event events[8];
    size_t count = 1 + below(w, 8), numbers[8], holders[8];
    for (size_t i = 0; i < count; i++) {
        holders[i] = below(w, HOLDERS);
        twin_holder *t = &w->twins[holders[i]];
        uint32_t kind = KVHASH_EVENT_CREATE + (uint32_t)below(w, 40) % 2;
        uint64_t luck = below(w, 40);
        if (luck == 0) kind = KVHASH_EVENT_GAP;
        if (luck == 1) kind = KVHASH_EVENT_CLEAR;
        if (luck < 12 && luck > 1) kind = KVHASH_EVENT_PRESENT;
        if (below(w, 20) == 0) t->sent += below(w, 4); /* some never come */
        bool numbered = kind == KVHASH_EVENT_CREATE || kind == KVHASH_EVENT_REMOVE;
        uint64_t sequence = numbered ? ++t->sent : t->sent + 1;
        if (below(w, 20) == 0 && sequence > 3) sequence -= 1 + below(w, 3); /* some come twice */
        numbers[i] = below(w, NAMES);
        events[i] = (kvhash_event){.name = w->forest.names[numbers[i]],
                                   .holder = holder_of(holders[i]),
                                   .sequence = sequence,
                                   .lost = kind == KVHASH_EVENT_GAP,
                                   .kind = kind};
    }
    for (size_t i = 0; i < count; i++) twin_event(w, &w->twins[holders[i]], &events[i], numbers[i]);
    if (count == 1) {
        kvradix_feed feed = {w->index, events[0].holder};
        events[0].holder = (kvhash_holder){9, 9, 9};
        kvradix_feed_event(&feed, events);
        return;
    }
    kvtest_assert_ok(kvradix_index_apply(w->index, events, count, NULL));
}

static void whole_holder(world *w, size_t h) {
    twin_holder *t = &w->twins[h];
    if (below(w, 2) == 0) {
        kvtest_assert_ok(kvradix_index_forget(w->index, holder_of(h)));
        *t = (twin_holder){.sent = 0};
        return;
    }
    kvtest_assert_ok(kvradix_index_clear(w->index, holder_of(h)));
    t->heard |= t->known;
    t->stale = false;
    memset(t->has, 0, sizeof t->has);
}

static void expire(world *w) {
    w->now_ns += below(w, 100);
    uint64_t silence = 150 + below(w, 100);
    size_t expired, expected = 0;
    for (size_t h = 0; h < HOLDERS; h++) {
        twin_holder *t = &w->twins[h];
        if (!t->known) continue;
        if (t->heard) t->heard_ns = w->now_ns;
        t->heard = false;
        if (w->now_ns - t->heard_ns <= silence) continue;
        expected++;
        *t = (twin_holder){.sent = 0};
    }
    kvtest_assert_ok(kvradix_index_expire(w->index, w->now_ns, silence, &expired));
    assert_int_equal(expired, expected);
}

/* The content moves into a new index; the bytes of both are the same. */
static void move_house(world *w) {
    size_t size, again;
    kvtest_assert_status(kvradix_index_dump(w->index, NULL, 0, &size), KVCORE_EBUFFER);
    uint8_t *bytes = malloc(size), *second = malloc(size);
    kvtest_assert_ok(kvradix_index_dump(w->index, bytes, size, &again));
    assert_int_equal(size, again);
    kvradix_index *index = make();
    kvcore_error error;
    kvtest_assert_ok(kvradix_index_load(index, bytes, size, &error));
    kvtest_assert_ok(kvradix_index_dump(index, second, size, &again));
    assert_int_equal(size, again);
    assert_memory_equal(bytes, second, size);
    kvradix_index_destroy(w->index);
    w->index = index;
    w->lost = kvradix_index_count(index).lost; /* what forgotten holders lost is forgotten with them */
    for (size_t h = 0; h < HOLDERS; h++) w->twins[h].heard |= w->twins[h].known;
    free(bytes);
    free(second);
}

/* ---- checks ---- */

static bool before(kvhash_holder a, kvhash_holder b) {
    return a.worker < b.worker || (a.worker == b.worker && a.rank < b.rank);
}

static void check_match(world *w) {
    kvhash_plh chain[NAMES];
    size_t numbers[NAMES], count = forest_chain(&w->forest, below(w, NAMES), chain, numbers);
    size_t from = below(w, 4) == 0 ? below(w, count) : 0; /* any part of a chain may be asked for */
    size_t capacity = below(w, 3) == 0 ? below(w, 4) : HOLDERS, found, expected = 0;
    kvradix_match matches[HOLDERS];
    kvtest_assert_ok(kvradix_index_match(w->index, chain + from, count - from, matches, capacity, &found));
    for (size_t h = 0; h < HOLDERS; h++) {
        const twin_holder *t = &w->twins[h];
        uint32_t blocks = 0;
        while (from + blocks < count && t->has[numbers[from + blocks]]) blocks++;
        if (blocks == 0) continue;
        expected++;
        size_t better = 0; /* where it has to stand */
        for (size_t other = 0; other < HOLDERS; other++) {
            uint32_t theirs = 0;
            while (from + theirs < count && w->twins[other].has[numbers[from + theirs]]) theirs++;
            better += theirs > blocks || (theirs == blocks && before(holder_of(other), holder_of(h)));
        }
        if (better >= capacity) continue;
        assert_true(better < found);
        assert_int_equal(matches[better].holder.worker, holder_of(h).worker);
        assert_int_equal(matches[better].holder.rank, holder_of(h).rank);
        assert_int_equal(matches[better].blocks, blocks);
        assert_int_equal(matches[better].stale, t->stale);
    }
    assert_int_equal(found, expected < capacity ? expected : capacity);
}

static void check_all(world *w) {
    kvcore_error error;
    kvcore_status status = kvradix_index_validate(w->index, &error);
    if (status != KVCORE_OK) fail_msg("%s (%llu)", error.text, (unsigned long long)error.index);
    kvradix_index_counts counts = kvradix_index_count(w->index), expected = {.lost = w->lost};
    for (size_t h = 0; h < HOLDERS; h++) {
        expected.holders += w->twins[h].known;
        expected.stale += w->twins[h].stale;
        assert_int_equal(kvradix_index_expected(w->index, holder_of(h)), w->twins[h].known ? w->twins[h].expected : 1);
    }
    for (size_t n = 0; n < NAMES; n++) {
        size_t holders = 0, count;
        for (size_t h = 0; h < HOLDERS; h++) holders += w->twins[h].has[n];
        kvtest_assert_ok(kvradix_index_holders(w->index, w->forest.names[n], NULL, 0, &count));
        assert_int_equal(count, holders);
        expected.names += holders > 0;
    }
    assert_int_equal(counts.names, expected.names);
    assert_int_equal(counts.holders, expected.holders);
    assert_int_equal(counts.stale, expected.stale);
    assert_int_equal(counts.lost, expected.lost);
}

static void random_steps_equal_the_twin(void **state) {
    (void)state;
    static world w;
    w.random = kvtest_seed(21);
    w.forest = forest_make(&w.random, NAMES, 14);
    w.index = make();
    for (int step = 0; step < 40000; step++) {
        size_t h = below(&w, HOLDERS);
        uint64_t what = below(&w, 1000);
        if (what < 200)
            store_or_remove(&w, h, true);
        else if (what < 400)
            store_or_remove(&w, h, false);
        else if (what < 650)
            apply(&w);
        else if (what < 660)
            whole_holder(&w, h);
        else if (what < 670)
            expire(&w);
        else if (what < 672)
            move_house(&w);
        else
            check_match(&w);
        if (step % 100 == 0) check_all(&w);
    }
    for (size_t h = 0; h < HOLDERS; h++) kvtest_assert_ok(kvradix_index_forget(w.index, holder_of(h)));
    assert_int_equal(kvradix_index_count(w.index).names, 0);
    assert_int_equal(kvradix_index_count(w.index).holders, 0);
    kvradix_index_destroy(w.index);
    forest_free(&w.forest);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(random_steps_equal_the_twin)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
