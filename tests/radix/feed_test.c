#include "kvtest.h"

#include <kvradix/index.h>

#define LENGTH 8

typedef struct fixture {
    kvradix_index *index;
    kvradix_feed feed;
    kvhash_plh names[LENGTH];
} fixture;

static int set_up(void **state) {
    static fixture f;
    kvradix_config config = KVRADIX_CONFIG_INIT;
    kvtest_assert_ok(kvradix_index_create(&config, &f.index, NULL));
    f.feed = (kvradix_feed){f.index, {7, 1, 0}};
    f.names[0] = kvhash_plh_root(1);
    for (size_t i = 1; i < LENGTH; i++) kvtest_assert_ok(kvhash_plh_extend(f.names[i - 1], i, &f.names[i]));
    *state = &f;
    return 0;
}

static int tear_down(void **state) {
    fixture *f = *state;
    kvtest_assert_ok(kvradix_index_validate(f->index, NULL));
    kvradix_index_destroy(f->index);
    return 0;
}

static void tell(fixture *f, uint32_t kind, uint64_t sequence, size_t name) {
    kvradix_feed_event(&f->feed, &(kvhash_event){.name = f->names[name], .sequence = sequence, .kind = kind});
}

static void assert_state(const fixture *f, uint32_t blocks, bool stale, uint64_t expected, uint64_t lost) {
    kvradix_match match = {.blocks = 0};
    size_t found;
    kvtest_assert_ok(kvradix_index_match(f->index, f->names, LENGTH, &match, 1, &found));
    assert_int_equal(found == 0 ? 0 : match.blocks, blocks);
    if (found > 0) assert_int_equal(match.stale, stale);
    assert_int_equal(kvradix_index_count(f->index).stale, stale);
    assert_int_equal(kvradix_index_expected(f->index, f->feed.holder), expected);
    assert_int_equal(kvradix_index_count(f->index).lost, lost);
}

static void events_in_order_are_followed(void **state) {
    fixture *f = *state;
    for (uint64_t i = 0; i < LENGTH; i++) tell(f, KVHASH_EVENT_CREATE, i + 1, i);
    assert_state(f, LENGTH, false, LENGTH + 1, 0);
    tell(f, KVHASH_EVENT_REMOVE, LENGTH + 1, 5);
    assert_state(f, 5, false, LENGTH + 2, 0);
}

static void an_event_that_comes_twice_counts_once(void **state) {
    fixture *f = *state;
    tell(f, KVHASH_EVENT_CREATE, 1, 0);
    tell(f, KVHASH_EVENT_REMOVE, 2, 0);
    tell(f, KVHASH_EVENT_CREATE, 1, 0);
    assert_state(f, 0, false, 3, 0);
}

static void a_missing_number_makes_the_holder_stale(void **state) {
    fixture *f = *state;
    tell(f, KVHASH_EVENT_CREATE, 1, 0);
    tell(f, KVHASH_EVENT_CREATE, 4, 1); /* 2 and 3 never came */
    assert_state(f, 2, true, 5, 2);
    tell(f, KVHASH_EVENT_REMOVE, 3, 1); /* too late: what it says may have been overtaken */
    assert_state(f, 2, true, 5, 2);
}

static void a_gap_record_says_the_same(void **state) {
    fixture *f = *state;
    tell(f, KVHASH_EVENT_CREATE, 1, 0);
    tell(f, KVHASH_EVENT_GAP, 2, 0); /* of numbers up to 1, which were seen */
    assert_state(f, 1, false, 2, 0);
    tell(f, KVHASH_EVENT_GAP, 6, 0);
    assert_state(f, 1, true, 6, 4);
    tell(f, KVHASH_EVENT_CREATE, 6, 1);
    assert_state(f, 2, true, 7, 4);
}

static void a_resync_leaves_it_right(void **state) {
    fixture *f = *state;
    for (uint64_t i = 0; i < LENGTH; i++) tell(f, KVHASH_EVENT_CREATE, i + 1, i);
    tell(f, KVHASH_EVENT_GAP, 100, 0);
    tell(f, KVHASH_EVENT_CLEAR, 100, 0);
    assert_state(f, 0, false, 100, 91);
    tell(f, KVHASH_EVENT_PRESENT, 100, 1);
    tell(f, KVHASH_EVENT_REMOVE, 100, 3); /* told between: had not been told as present yet */
    tell(f, KVHASH_EVENT_CREATE, 101, 2);
    tell(f, KVHASH_EVENT_PRESENT, 102, 0);
    tell(f, KVHASH_EVENT_PRESENT, 102, 2); /* again: nothing new */
    assert_state(f, 3, false, 102, 91);
    tell(f, KVHASH_EVENT_PRESENT, 101, 4); /* from before 101: old */
    assert_state(f, 3, false, 102, 91);
}

static void a_source_that_starts_anew_begins_with_a_clear(void **state) {
    fixture *f = *state;
    for (uint64_t i = 0; i < LENGTH; i++) tell(f, KVHASH_EVENT_CREATE, i + 1, i);
    tell(f, KVHASH_EVENT_CLEAR, 1, 0);
    tell(f, KVHASH_EVENT_CREATE, 1, 0);
    assert_state(f, 1, false, 2, 0);
}

static void a_clear_that_comes_twice_shows_as_lost_events(void **state) {
    fixture *f = *state;
    tell(f, KVHASH_EVENT_CLEAR, 1, 0);
    tell(f, KVHASH_EVENT_CREATE, 1, 0);
    tell(f, KVHASH_EVENT_CREATE, 2, 1);
    tell(f, KVHASH_EVENT_CLEAR, 1, 0); /* delivered again: what was known is gone … */
    tell(f, KVHASH_EVENT_CREATE, 3, 2);
    assert_state(f, 0, true, 4, 2); /* … and that is known */
}

static void a_late_listener_is_stale_until_it_is_told_all(void **state) {
    fixture *f = *state;
    tell(f, KVHASH_EVENT_CREATE, 50, 0);
    assert_state(f, 1, true, 51, 49);
}

static void a_batch_is_taken_whole_or_not_at_all(void **state) {
    fixture *f = *state;
    kvhash_event events[] = {
        {.name = f->names[0], .holder = f->feed.holder, .sequence = 1, .kind = KVHASH_EVENT_CREATE},
        {.name = f->names[1], .holder = f->feed.holder, .sequence = 2, .kind = KVHASH_EVENT_CREATE},
    };
    kvcore_error error;
    events[1].kind = KVHASH_EVENT_PRESENT + 1;
    kvtest_assert_status(kvradix_index_apply(f->index, events, 2, &error), KVCORE_EINVAL);
    assert_int_equal(error.index, 1);
    events[1].kind = KVHASH_EVENT_CREATE;
    events[1].sequence = 0;
    kvtest_assert_status(kvradix_index_apply(f->index, events, 2, &error), KVCORE_EINVAL);
    events[1].sequence = 2;
    events[1].name.high = UINT64_MAX;
    kvtest_assert_status(kvradix_index_apply(f->index, events, 2, &error), KVHASH_EMODE);
    kvtest_assert_status(kvradix_index_apply(f->index, NULL, 1, &error), KVCORE_EINVAL);
    assert_state(f, 0, false, 1, 0);
    assert_int_equal(kvradix_index_count(f->index).holders, 0);
    events[1].name = f->names[1];
    kvtest_assert_ok(kvradix_index_apply(f->index, events, 2, &error));
    assert_state(f, 2, false, 3, 0);
}

static void what_a_feed_cannot_take_in_is_lost_and_known_to_be(void **state) {
    fixture *f = *state;
    tell(f, KVHASH_EVENT_CREATE, 1, 0);
    kvradix_feed_event(&f->feed, &(kvhash_event){.name = {UINT64_MAX, 0}, .sequence = 2, .kind = KVHASH_EVENT_CREATE});
    assert_state(f, 1, true, 3, 1);
    for (uint64_t w = 100; w < 163; w++) { /* with the one there is: as many as fit */
        kvradix_feed other = {f->index, {w, 0, 0}};
        kvradix_feed_event(&other, &(kvhash_event){.name = f->names[0], .sequence = 1, .kind = KVHASH_EVENT_CREATE});
    }
    assert_state(f, 1, true, 3, 1);
    kvradix_feed other = {f->index, {163, 0, 0}};
    kvradix_feed_event(&other, &(kvhash_event){.name = f->names[0], .sequence = 1, .kind = KVHASH_EVENT_CREATE});
    assert_int_equal(kvradix_index_count(f->index).holders, 64);
    assert_int_equal(kvradix_index_count(f->index).lost, 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(events_in_order_are_followed),
        TEST(an_event_that_comes_twice_counts_once),
        TEST(a_missing_number_makes_the_holder_stale),
        TEST(a_gap_record_says_the_same),
        TEST(a_resync_leaves_it_right),
        TEST(a_source_that_starts_anew_begins_with_a_clear),
        TEST(a_clear_that_comes_twice_shows_as_lost_events),
        TEST(a_late_listener_is_stale_until_it_is_told_all),
        TEST(a_batch_is_taken_whole_or_not_at_all),
        TEST(what_a_feed_cannot_take_in_is_lost_and_known_to_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
