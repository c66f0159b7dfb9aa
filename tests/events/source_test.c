#include "support.h"

#define TOKENS 64

typedef struct fixture {
    kvevents_source *source;
    listener heard;
    uint32_t tokens[TOKENS];
    uint64_t hashes[TOKENS];
    uint64_t number;
} fixture;

static fixture f;

static void start(kvevents_source_config config) {
    memset(&f, 0, sizeof f);
    config.struct_size = sizeof config;
    config.change = listener_change;
    config.ctx = &f.heard;
    kvtest_assert_ok(kvevents_source_create(&config, &f.source, NULL));
    for (uint32_t i = 0; i < TOKENS; i++) {
        f.tokens[i] = i * 7 + 1;
        f.hashes[i] = UINT64_MAX - i * 5;
    }
}

static int tear_down(void **state) {
    (void)state;
    kvevents_source_destroy(f.source);
    f.source = NULL;
    return 0;
}

/* Blocks first … first + count − 1 of the chain. */
static kvevents_event stored(size_t first, size_t count, size_t block_size) {
    kvevents_event event = {.kind = KVEVENTS_STORED,
                            .hashes = f.hashes + first,
                            .hash_count = count,
                            .tokens = f.tokens + first * block_size,
                            .token_count = count * block_size,
                            .block_size = block_size,
                            .medium = kvcore_text("GPU")};
    if (first > 0) {
        event.has = KVEVENTS_HAS_PARENT;
        event.parent = f.hashes[first - 1];
    }
    return event;
}

static kvevents_event removed(size_t first, size_t count) {
    return (kvevents_event){.kind = KVEVENTS_REMOVED, .hashes = f.hashes + first, .hash_count = count};
}

static void take(kvevents_event event) {
    assert_int_equal(take_events(f.source, f.number, 1 + (double)f.number, &event, 1), KVEVENTS_NEXT);
    f.number++;
}

/* Whether the device has the first `count` names of b tokens of the chain, and no others. */
static void assert_names(uint32_t block_tokens, const char *salt, size_t count) {
    kvhash_plh names[TOKENS];
    size_t all = names_of_tokens(f.tokens, TOKENS, block_tokens, salt, names, TOKENS);
    assert_true(count <= all);
    for (size_t i = 0; i < all; i++) assert_int_equal(listener_has(&f.heard, KVEVENTS_DEVICE, names[i]), i < count);
    assert_int_equal(f.heard.counts[KVEVENTS_DEVICE], count);
}

static void names_are_those_of_the_tokens(void **state) {
    (void)state;
    start((kvevents_source_config){.block_tokens = 8});
    take(stored(0, 3, 8));
    assert_names(8, NULL, 3);
    take(stored(3, 2, 8)); /* its parent came in another event */
    assert_names(8, NULL, 5);
    take(removed(3, 2));
    assert_names(8, NULL, 3);
    assert_int_equal(kvevents_source_state_of(f.source).hashes, 3);
    assert_int_equal(kvevents_source_state_of(f.source).names, 3);
}

static void engine_blocks_of_many_names_give_all_of_them(void **state) {
    (void)state;
    start((kvevents_source_config){.block_tokens = 4});
    take(stored(0, 2, 16));
    assert_names(4, NULL, 8);
    take(stored(2, 1, 16));
    assert_names(4, NULL, 12);
    take(removed(2, 1));
    assert_names(4, NULL, 8);
}

static void a_name_of_many_engine_blocks_needs_all_of_them(void **state) {
    (void)state;
    start((kvevents_source_config){.block_tokens = 16});
    take(stored(0, 3, 4));
    assert_names(16, NULL, 0);
    take(stored(3, 1, 4));
    assert_names(16, NULL, 1);
    take(stored(4, 6, 4));
    assert_names(16, NULL, 2);
    kvevents_event host = stored(4, 3, 4);
    host.medium = kvcore_text("CPU");
    take(host); /* three of four parts */
    assert_int_equal(f.heard.counts[KVEVENTS_HOST], 0);
    host = stored(7, 1, 4);
    host.medium = kvcore_text("CPU");
    take(host);
    assert_int_equal(f.heard.counts[KVEVENTS_HOST], 1);
    take(removed(5, 1)); /* of the device; the host keeps its copy */
    assert_names(16, NULL, 1);
    assert_int_equal(f.heard.counts[KVEVENTS_HOST], 1);
}

static void a_name_goes_with_any_of_its_parts(void **state) {
    (void)state;
    start((kvevents_source_config){.block_tokens = 16});
    take(stored(0, 8, 4));
    assert_names(16, NULL, 2);
    take(removed(4, 1));
    assert_names(16, NULL, 1);
    take(removed(0, 4));
    take(removed(5, 3));
    assert_int_equal(kvevents_source_state_of(f.source).hashes, 0);
}

static void a_chain_that_bites_itself_does_no_harm(void **state) {
    (void)state;
    for (uint32_t block_tokens = 4; block_tokens <= 32; block_tokens *= 2) {
        start((kvevents_source_config){.block_tokens = block_tokens});
        kvevents_event event = stored(0, 8, 4);
        f.hashes[1] = f.hashes[3] = f.hashes[5] = f.hashes[0];
        f.hashes[6] = f.hashes[2];
        take(event);
        event.has = KVEVENTS_HAS_PARENT;
        event.parent = f.hashes[7];
        take(event);
        take(event);
        take(removed(0, 8));
        assert_int_equal(kvevents_source_state_of(f.source).hashes, 0);
        assert_int_equal(kvevents_source_state_of(f.source).names, 0);
        assert_int_equal(f.heard.counts[KVEVENTS_DEVICE], 0);
        kvevents_source_destroy(f.source);
        f.source = NULL;
    }
}

static void the_salt_is_inherited_from_the_parent(void **state) {
    (void)state;
    start((kvevents_source_config){.block_tokens = 8});
    kvevents_event event = stored(0, 2, 8);
    event.salt = kvcore_text("t1");
    take(event);
    take(stored(2, 2, 8)); /* says nothing of a salt */
    assert_names(8, "t1", 4);
}

static void blocks_behind_an_unknown_parent_are_orphans(void **state) {
    (void)state;
    start((kvevents_source_config){.block_tokens = 8});
    take(stored(2, 2, 8));
    assert_names(8, NULL, 0);
    assert_int_equal(kvevents_source_count(f.source).orphans, 2);
    assert_true(kvevents_source_state_of(f.source).stale);
    assert_int_equal(kvevents_source_state_of(f.source).hashes, 2);
    take((kvevents_event){.kind = KVEVENTS_CLEARED});
    assert_false(kvevents_source_state_of(f.source).stale);
}

static void blocks_without_tokens_are_held_without_a_name(void **state) {
    (void)state;
    start((kvevents_source_config){.block_tokens = 8});
    take(stored(0, 2, 8));
    kvevents_event placeholder = stored(0, 3, 0);
    placeholder.tokens = NULL;
    placeholder.medium = kvcore_text("CPU");
    take(placeholder);
    assert_int_equal(f.heard.counts[KVEVENTS_HOST], 2); /* of those that had a name before */
    assert_int_equal(kvevents_source_count(f.source).unnamed, 3);
    assert_int_equal(kvevents_source_state_of(f.source).blocks[KVEVENTS_HOST], 3);
    assert_false(kvevents_source_state_of(f.source).stale);
}

static void two_hashes_of_one_name_count_it_twice(void **state) {
    (void)state;
    start((kvevents_source_config){.block_tokens = 8});
    take(stored(0, 1, 8));
    kvevents_event again = stored(0, 1, 8);
    again.hashes = f.hashes + 9;
    take(again);
    assert_names(8, NULL, 1);
    take(removed(0, 1));
    assert_names(8, NULL, 1);
    take(removed(9, 1));
    assert_names(8, NULL, 0);
}

static void the_later_name_of_a_hash_wins(void **state) {
    (void)state;
    start((kvevents_source_config){.block_tokens = 8});
    kvevents_event wrong = stored(0, 1, 8);
    wrong.tokens = f.tokens + 8;
    take(wrong);
    take(stored(0, 1, 8));
    assert_names(8, NULL, 1);
    assert_int_equal(kvevents_source_count(f.source).renamed, 1);
}

static void levels_say_what_is_there_or_above(void **state) {
    (void)state;
    start((kvevents_source_config){.block_tokens = 8, .cumulative = true});
    take(stored(0, 2, 8));
    kvevents_event host = stored(1, 2, 8);
    host.medium = kvcore_text("CPU");
    take(host);
    assert_int_equal(f.heard.counts[KVEVENTS_DEVICE], 2);
    assert_int_equal(f.heard.counts[KVEVENTS_HOST], 3);
    assert_int_equal(f.heard.counts[KVEVENTS_EXTERNAL], 3);
    take(removed(0, 2));
    assert_int_equal(f.heard.counts[KVEVENTS_DEVICE], 0);
    assert_int_equal(f.heard.counts[KVEVENTS_HOST], 2);
    assert_int_equal(f.heard.counts[KVEVENTS_DISK], 2);
}

static void more_hashes_than_the_limit_are_not_kept(void **state) {
    (void)state;
    start((kvevents_source_config){.block_tokens = 4, .hashes = 3});
    take(stored(0, 5, 4));
    assert_int_equal(kvevents_source_state_of(f.source).hashes, 3);
    assert_int_equal(kvevents_source_count(f.source).over_limit, 2);
    assert_true(kvevents_source_state_of(f.source).stale);
}

static void sizes_that_do_not_divide_are_refused(void **state) {
    (void)state;
    kvevents_source_config config = KVEVENTS_SOURCE_CONFIG_INIT;
    kvevents_source *source = NULL;
    kvcore_error error;
    config.block_tokens = 16;
    config.engine_block_tokens = 24;
    kvtest_assert_status(kvevents_source_create(&config, &source, &error), KVCORE_ECONFIG);
    assert_int_equal(error.expected, 16);
    assert_int_equal(error.actual, 24);
    assert_null(source);
    /* learned too late to refuse: the hashes count, without names */
    start((kvevents_source_config){.block_tokens = 16});
    take(stored(0, 2, 24));
    assert_names(16, NULL, 0);
    assert_int_equal(kvevents_source_state_of(f.source).hashes, 2);
    assert_int_equal(kvevents_source_count(f.source).unnamed, 2);
}

static void a_source_that_is_refused_too_often_pauses_for_a_minute(void **state) {
    (void)state;
    start((kvevents_source_config){.refused_a_minute = 3});
    const kvcore_bytes bad[] = {{"", 0}, {"short", 5}, {"", 0}};
    const uint64_t second = 1000000000;
    for (uint64_t i = 0; i < 10; i++) kvevents_source_take(f.source, bad, 3, 100 * second + i);
    assert_true(kvevents_source_state_of(f.source).failed);
    assert_int_equal(kvevents_source_count(f.source).refused, 4);
    assert_int_equal(kvevents_source_count(f.source).refused_frames, 4);
    kvevents_source_take(f.source, bad, 3, 161 * second);
    assert_false(kvevents_source_state_of(f.source).failed);
    assert_int_equal(kvevents_source_count(f.source).refused, 5);
}

static kvcore_status scenario(kvcore_allocator allocator) {
    kvevents_source_config config = KVEVENTS_SOURCE_CONFIG_INIT;
    config.block_tokens = 8;
    config.allocator = allocator;
    kvevents_source *source = NULL;
    kvcore_status status = kvevents_source_create(&config, &source, NULL);
    if (status != KVCORE_OK) return status;
    kvevents_event event = stored(0, 4, 4);
    take_events(source, 0, 1, &event, 1);
    event = stored(4, 2, 4);
    take_events(source, 1, 2, &event, 1);
    kvevents_source_counts counts = kvevents_source_count(source);
    kvevents_source_state of = kvevents_source_state_of(source);
    assert_int_equal(counts.applied + counts.refused, 2);
    if (counts.refused > 0) assert_true(of.stale); /* what could not be taken in is not hidden */
    kvevents_source_destroy(source);
    return counts.refused > 0 ? KVCORE_ENOMEM : KVCORE_OK;
}

static void failed_allocations_lose_a_batch_and_say_so(void **state) {
    (void)state;
    start((kvevents_source_config){.block_tokens = 8});
    kvtest_fail_each_allocation(scenario, 6);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(names_are_those_of_the_tokens, tear_down),
        cmocka_unit_test_teardown(engine_blocks_of_many_names_give_all_of_them, tear_down),
        cmocka_unit_test_teardown(a_name_of_many_engine_blocks_needs_all_of_them, tear_down),
        cmocka_unit_test_teardown(a_name_goes_with_any_of_its_parts, tear_down),
        cmocka_unit_test_teardown(a_chain_that_bites_itself_does_no_harm, tear_down),
        cmocka_unit_test_teardown(the_salt_is_inherited_from_the_parent, tear_down),
        cmocka_unit_test_teardown(blocks_behind_an_unknown_parent_are_orphans, tear_down),
        cmocka_unit_test_teardown(blocks_without_tokens_are_held_without_a_name, tear_down),
        cmocka_unit_test_teardown(two_hashes_of_one_name_count_it_twice, tear_down),
        cmocka_unit_test_teardown(the_later_name_of_a_hash_wins, tear_down),
        cmocka_unit_test_teardown(levels_say_what_is_there_or_above, tear_down),
        cmocka_unit_test_teardown(more_hashes_than_the_limit_are_not_kept, tear_down),
        cmocka_unit_test_teardown(sizes_that_do_not_divide_are_refused, tear_down),
        cmocka_unit_test_teardown(a_source_that_is_refused_too_often_pauses_for_a_minute, tear_down),
        cmocka_unit_test_teardown(failed_allocations_lose_a_batch_and_say_so, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
