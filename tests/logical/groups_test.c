/* Do groups keep the words of their header: configuration, look-up, growth, names, release, admission? */
#include "support.h"

#include <kvlogical/groups.h>
#include <kvlogical/inspect.h>

#define B 4 /* tokens a name */

typedef struct world {
    kvlogical_manager *manager;
    kvlogical_groups *groups;
    kvhash_plh names[64];
} world;

static kvlogical_manager *make_pool(size_t blocks, uint32_t groups) {
    kvlogical_config config = config_of(blocks);
    config.duplicates = KVLOGICAL_DUPLICATES_KEEP;
    config.free_order = KVLOGICAL_FREE_FRONT;
    config.groups = groups;
    return make_manager(&config);
}

static void begin(world *w, size_t blocks, const kvlogical_group *groups, size_t count,
                  kvlogical_groups_config config) {
    config.groups = groups;
    config.group_count = count;
    w->manager = make_pool(blocks, (uint32_t)count);
    kvtest_assert_ok(kvlogical_groups_create(w->manager, &config, &w->groups, NULL));
    name_chain(9, w->names, 64);
}

static void end(world *w) {
    kvtest_assert_ok(kvlogical_groups_destroy(w->groups));
    destroy_manager(w->manager);
}

static kvlogical_tables *make_tables(const world *w) {
    kvlogical_tables *tables;
    kvtest_assert_ok(kvlogical_tables_create(w->groups, &tables));
    return tables;
}

static kvlogical_growth growth_of(const world *w, size_t tokens, size_t new_tokens) {
    kvlogical_growth growth = KVLOGICAL_GROWTH_INIT;
    growth.new_tokens = new_tokens;
    growth.names = w->names;
    growth.name_count = tokens / B;
    growth.tokens = growth.prompt_tokens = tokens;
    return growth;
}

static void grow(const world *w, kvlogical_tables *tables, size_t tokens, size_t new_tokens) {
    kvlogical_growth growth = growth_of(w, tokens, new_tokens);
    kvtest_assert_ok(kvlogical_tables_allocate(tables, &growth, NULL));
    assert_sound(w->manager);
}

/* Ids from 1, 0 for null, ended by UINT32_MAX. */
static void expect_table(const kvlogical_tables *tables, size_t group, const uint32_t *expected) {
    uint32_t blocks[64];
    size_t count, wanted = 0;
    while (expected[wanted] != UINT32_MAX) wanted++;
    kvtest_assert_ok(kvlogical_tables_blocks(tables, group, 0, blocks, 64, &count));
    assert_int_equal(count, wanted);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(blocks[i] == KVLOGICAL_NO_BLOCK ? 0 : blocks[i] + 1, expected[i]);
}

#define TABLE(tables, group, ...) expect_table(tables, group, (const uint32_t[]){__VA_ARGS__, UINT32_MAX})

static size_t find(const world *w, kvlogical_tables *tables, size_t tokens, kvlogical_found *found) {
    kvtest_assert_ok(kvlogical_tables_find(tables, w->names, tokens / B, tokens, found));
    return found->hit_tokens;
}

static const kvlogical_group full_and_window[] = {{KVLOGICAL_GROUP_FULL, B, 0}, {KVLOGICAL_GROUP_WINDOW, B, 8}};
static const kvlogical_group full_and_state[] = {{KVLOGICAL_GROUP_FULL, B, 0}, {KVLOGICAL_GROUP_STATE, B, 0}};
static const kvlogical_groups_config plain = KVLOGICAL_GROUPS_CONFIG_INIT;

/* ---- configuration ---- */

static void refused(const kvlogical_group *groups, size_t count, kvlogical_groups_config config, const char *word) {
    kvlogical_manager *manager = make_pool(8, 2);
    kvlogical_groups *set = (kvlogical_groups *)&set;
    kvcore_error error;
    config.groups = groups;
    config.group_count = count;
    kvtest_assert_status(kvlogical_groups_create(manager, &config, &set, &error), KVCORE_ECONFIG);
    assert_null(set);
    if (strstr(error.text, word) == NULL) fail_msg("'%s' lacks '%s'", error.text, word);
    destroy_manager(manager);
}

static void configurations_that_cannot_work_are_refused(void **state) {
    (void)state;
    kvlogical_groups_config config = plain;
    kvlogical_group two[2] = {full_and_window[0], full_and_window[1]};
    refused(two, 1, config, "group_count");
    refused(two, 17, config, "group_count");
    two[1].span = 0;
    refused(two, 2, config, "span");
    two[1] = (kvlogical_group){9, B, 1};
    refused(two, 2, config, "kind");
    two[1] = (kvlogical_group){KVLOGICAL_GROUP_WINDOW, 6, 8};
    refused(two, 2, config, "multiple of the manager's");
    two[1] = (kvlogical_group){KVLOGICAL_GROUP_CHUNK, B, 8};
    two[0].block_tokens = 2 * B;
    refused(two, 2, config, "CHUNK");
    two[0].block_tokens = B;
    config.eagle = true;
    refused(two, 2, config, "eagle");
    config.eagle = false;
    config.retention = 6;
    refused(two, 2, config, "retention");
    config.retention = 0;
    config.release = 2;
    refused(two, 2, config, "release");
    two[0].block_tokens = (1 << 20) - B;
    two[1] = (kvlogical_group){KVLOGICAL_GROUP_FULL, 1 << 20, 0};
    config.release = 0;
    refused(two, 2, config, "1048576");
}

static void the_manager_must_be_made_for_the_groups(void **state) {
    (void)state;
    kvlogical_config of = config_of(4);
    kvlogical_manager *manager = make_manager(&of);
    kvlogical_groups_config config = plain;
    kvlogical_groups *set;
    config.groups = full_and_window;
    config.group_count = 1;
    kvtest_assert_status(kvlogical_groups_create(manager, &config, &set, NULL), KVCORE_ECONFIG);
    destroy_manager(manager);
    of.groups = 1;
    of.duplicates = KVLOGICAL_DUPLICATES_REJECT;
    manager = make_manager(&of);
    kvtest_assert_status(kvlogical_groups_create(manager, &config, &set, NULL), KVCORE_ECONFIG);
    destroy_manager(manager);
}

static void a_set_with_tables_is_busy(void **state) {
    (void)state;
    world w;
    begin(&w, 4, full_and_window, 2, plain);
    kvlogical_tables *tables = make_tables(&w);
    kvtest_assert_status(kvlogical_groups_destroy(w.groups), KVCORE_EBUSY);
    kvlogical_tables_destroy(tables);
    end(&w);
}

/* ---- growing ---- */

static void what_left_the_window_goes_and_is_found_below(void **state) {
    (void)state;
    world w;
    kvlogical_found found = KVLOGICAL_FOUND_INIT;
    begin(&w, 16, full_and_window, 2, plain);
    kvlogical_tables *a = make_tables(&w), *b = make_tables(&w);
    grow(&w, a, 16, 16);
    TABLE(a, 0, 1, 2, 3, 4);
    TABLE(a, 1, 5, 6, 7, 8);
    grow(&w, a, 17, 1); /* at 16 the window begins at 9: blocks 0 and 1 are past */
    TABLE(a, 0, 1, 2, 3, 4, 9);
    TABLE(a, 1, 0, 0, 7, 8, 10);
    assert_int_equal(find(&w, b, 17, &found), 16);
    assert_int_equal(found.group_hit_tokens[1], 16);
    kvlogical_growth growth = growth_of(&w, 17, 1);
    growth.use_hits = true;
    kvtest_assert_ok(kvlogical_tables_allocate(b, &growth, NULL));
    TABLE(b, 0, 1, 2, 3, 4, 11);
    TABLE(b, 1, 0, 0, 7, 8, 12);
    kvlogical_tables_destroy(a);
    kvlogical_tables_destroy(b);
    end(&w);
}

static void a_shorter_hit_of_one_group_tells_where_another_reached(void **state) {
    (void)state;
    world w;
    kvlogical_groups_config config = plain;
    kvlogical_found found = KVLOGICAL_FOUND_INIT;
    config.retention = KVLOGICAL_RETAIN_LATEST;
    begin(&w, 24, full_and_window, 2, config);
    kvlogical_tables *a = make_tables(&w), *b = make_tables(&w);
    kvlogical_growth growth = growth_of(&w, 24, 24);
    growth.prompt_tokens = 16; /* the window has names where token 15 needs them: blocks 1 and 2 */
    kvtest_assert_ok(kvlogical_tables_allocate(a, &growth, NULL));
    assert_int_equal(find(&w, b, 25, &found), 12);
    assert_int_equal(found.boundary_tokens, 24);
    assert_int_equal(found.group_hit_tokens[0], 24);
    assert_int_equal(found.group_hit_tokens[1], 12);
    growth = growth_of(&w, 25, 13); /* told by the look-up, the window keeps what 24 needs */
    growth.use_hits = true;
    growth.prompt_tokens = 16;
    kvtest_assert_ok(kvlogical_tables_allocate(b, &growth, NULL));
    kvlogical_tables_release(b);
    assert_int_equal(find(&w, b, 25, &found), 24);
    kvlogical_tables_destroy(a);
    kvlogical_tables_destroy(b);
    end(&w);
}

static void a_refused_growth_lets_go_of_the_past_and_changes_nothing_else(void **state) {
    (void)state;
    world w;
    begin(&w, 9, full_and_window, 2, plain);
    kvlogical_tables *a = make_tables(&w);
    grow(&w, a, 16, 16);
    kvlogical_growth growth = growth_of(&w, 40, 20);
    kvtest_assert_status(kvlogical_tables_allocate(a, &growth, NULL), KVCORE_ENOSPACE);
    TABLE(a, 0, 1, 2, 3, 4);
    TABLE(a, 1, 0, 0, 7, 8);
    assert_int_equal(kvlogical_tables_computed_tokens(a), 16);
    growth.new_tokens = SIZE_MAX;
    kvtest_assert_status(kvlogical_tables_allocate(a, &growth, NULL), KVCORE_EOVERFLOW);
    growth.new_tokens = (size_t)1 << 24;
    kvtest_assert_status(kvlogical_tables_allocate(a, &growth, NULL), KVCORE_ENOSPACE);
    growth.new_tokens = 4;
    growth.leave_blocks = 2;
    kvtest_assert_status(kvlogical_tables_allocate(a, &growth, NULL), KVCORE_ENOSPACE);
    growth.leave_blocks = 1;
    kvtest_assert_ok(kvlogical_tables_allocate(a, &growth, NULL));
    assert_sound(w.manager);
    kvlogical_tables_destroy(a);
    end(&w);
}

static void private_blocks_are_taken_once_and_never_found(void **state) {
    (void)state;
    static const kvlogical_group groups[] = {{KVLOGICAL_GROUP_FULL, B, 0}, {KVLOGICAL_GROUP_PRIVATE, B, 3}};
    world w;
    kvlogical_found found = KVLOGICAL_FOUND_INIT;
    begin(&w, 16, groups, 2, plain);
    kvlogical_tables *a = make_tables(&w), *b = make_tables(&w);
    grow(&w, a, 8, 8);
    grow(&w, a, 12, 4);
    TABLE(a, 1, 3, 4, 5);
    assert_int_equal(find(&w, b, 13, &found), 12);
    size_t count;
    kvlogical_tables_stored(a, &count);
    assert_int_equal(count, 1);
    kvlogical_tables_destroy(a);
    kvlogical_tables_destroy(b);
    end(&w);
}

static void a_state_is_refused_in_the_step_that_named_it(void **state) {
    (void)state;
    world w;
    kvlogical_found found = KVLOGICAL_FOUND_INIT;
    begin(&w, 16, full_and_state, 2, plain);
    kvlogical_groups_step(w.groups);
    kvlogical_tables *a = make_tables(&w), *b = make_tables(&w);
    grow(&w, a, 4, 4);
    assert_int_equal(find(&w, b, 8, &found), 4);
    kvlogical_growth growth = growth_of(&w, 8, 4);
    growth.use_hits = true;
    kvtest_assert_status(kvlogical_tables_allocate(b, &growth, NULL), KVCORE_EBUSY);
    kvlogical_groups_step(w.groups);
    kvtest_assert_ok(kvlogical_tables_allocate(b, &growth, NULL));
    TABLE(b, 1, 2, 4);
    kvlogical_tables_destroy(a);
    kvlogical_tables_destroy(b);
    end(&w);
}

static void hits_that_are_gone_are_noticed(void **state) {
    (void)state;
    world w;
    kvlogical_found found = KVLOGICAL_FOUND_INIT;
    begin(&w, 8, full_and_window, 2, plain);
    kvlogical_tables *a = make_tables(&w);
    grow(&w, a, 8, 8);
    kvlogical_tables_release(a);
    kvlogical_growth growth = growth_of(&w, 12, 4);
    growth.use_hits = true;
    kvtest_assert_status(kvlogical_tables_allocate(a, &growth, NULL), KVLOGICAL_ESTATE);
    assert_int_equal(find(&w, a, 12, &found), 8);
    kvlogical_mutable taken[8];
    kvtest_assert_ok(kvlogical_allocate(w.manager, 8, taken, NULL));
    kvtest_assert_status(kvlogical_tables_allocate(a, &growth, NULL), KVLOGICAL_ESTATE);
    kvtest_assert_ok(kvlogical_release_mutable(w.manager, taken, 8));
    assert_sound(w.manager);
    kvlogical_tables_destroy(a);
    end(&w);
}

static void names_may_come_later(void **state) {
    (void)state;
    world w;
    kvlogical_groups_config config = plain;
    kvlogical_found found = KVLOGICAL_FOUND_INIT;
    config.name_later = true;
    begin(&w, 8, full_and_window, 2, config);
    kvlogical_tables *a = make_tables(&w), *b = make_tables(&w);
    grow(&w, a, 8, 8);
    assert_int_equal(find(&w, b, 9, &found), 0);
    kvlogical_growth growth = growth_of(&w, 8, 0);
    kvtest_assert_ok(kvlogical_tables_name(a, &growth));
    assert_int_equal(find(&w, b, 9, &found), 8);
    kvlogical_tables_destroy(a);
    kvlogical_tables_destroy(b);
    end(&w);
}

/* ---- admission ---- */

static void admission_holds_what_it_finds_and_takes_the_rest(void **state) {
    (void)state;
    world w;
    begin(&w, 12, full_and_window, 2, plain);
    kvlogical_tables *a = make_tables(&w), *b = make_tables(&w);
    grow(&w, a, 8, 8);
    kvlogical_tables_release(a);
    kvlogical_found found = KVLOGICAL_FOUND_INIT;
    kvlogical_growth growth = growth_of(&w, 15, 100);
    kvtest_assert_ok(kvlogical_tables_admit(b, &growth, &found, NULL));
    assert_int_equal(found.hit_tokens, 8);
    assert_int_equal(kvlogical_tables_computed_tokens(b), 15);
    TABLE(b, 0, 1, 2, 5, 6);
    TABLE(b, 1, 3, 4, 7, 8);
    assert_sound(w.manager);
    kvlogical_tables_destroy(a);
    kvlogical_tables_destroy(b);
    end(&w);
}

static void a_refused_admission_leaves_no_trace(void **state) {
    (void)state;
    world w;
    begin(&w, 12, full_and_window, 2, plain);
    kvlogical_tables *a = make_tables(&w), *b = make_tables(&w);
    grow(&w, a, 8, 8);
    kvlogical_tables_release(a);
    uint32_t before[12], after[12];
    size_t count;
    kvtest_assert_ok(kvlogical_list_order(w.manager, KVLOGICAL_NO_BLOCK, before, 12, &count));
    kvlogical_found found = KVLOGICAL_FOUND_INIT;
    kvlogical_growth growth = growth_of(&w, 40, 40);
    kvtest_assert_status(kvlogical_tables_admit(b, &growth, &found, NULL), KVCORE_ENOSPACE);
    assert_int_equal(found.hit_tokens, 8);
    kvtest_assert_ok(kvlogical_list_order(w.manager, KVLOGICAL_NO_BLOCK, after, 12, &count));
    assert_int_equal(count, 12);
    assert_memory_equal(before, after, sizeof before);
    kvlogical_tables_destroy(a);
    kvlogical_tables_destroy(b);
    end(&w);
}

/* ---- a step ---- */

static void a_step_schedules_what_fits_and_says_of_each_why_not(void **state) {
    (void)state;
    for (int in_order = 0; in_order < 2; in_order++) {
        world w;
        begin(&w, 8, full_and_window, 2, plain);
        kvlogical_tables *t[4];
        kvlogical_growth growths[4];
        kvlogical_found found[4];
        kvlogical_step_item items[4];
        static const size_t tokens[] = {8, 100, 12, 4}; /* of 8 blocks: 4, never, too many now, 2 */
        for (size_t i = 0; i < 4; i++) {
            t[i] = make_tables(&w);
            found[i] = (kvlogical_found)KVLOGICAL_FOUND_INIT;
            growths[i] = growth_of(&w, tokens[i], tokens[i]);
            growths[i].names = &w.names[16 * i];
            growths[i].name_count = i == 1 ? 16 : tokens[i] / B;
            items[i] = (kvlogical_step_item){t[i], &growths[i], i == 0 ? NULL : &found[i], KVCORE_EINVAL, true};
        }
        size_t scheduled;
        kvtest_assert_ok(kvlogical_step(w.groups, items, 4, in_order, &scheduled));
        assert_int_equal(scheduled, in_order ? 1 : 2);
        kvtest_assert_ok(items[0].status);
        kvtest_assert_status(items[1].status, KVCORE_ENOSPACE);
        kvtest_assert_status(items[2].status, KVCORE_ENOSPACE);
        kvtest_assert_status(items[3].status, in_order ? KVCORE_ENOSPACE : KVCORE_OK);
        assert_false(items[0].never_fits);
        assert_true(items[1].never_fits);
        assert_false(items[2].never_fits);
        assert_sound(w.manager);
        TABLE(t[0], 0, 1, 2);
        TABLE(t[0], 1, 3, 4);
        items[0].tables = NULL;
        kvtest_assert_status(kvlogical_step(w.groups, items, 4, false, &scheduled), KVCORE_EINVAL);
        for (size_t i = 0; i < 4; i++) kvlogical_tables_destroy(t[i]);
        end(&w);
    }
}

/* The same requests, one by one and in steps, end alike. */
static void a_step_is_the_calls_for_one_request_in_a_row(void **state) {
    (void)state;
    world w[2];
    kvlogical_tables *t[2][8];
    for (int k = 0; k < 2; k++) {
        begin(&w[k], 40, full_and_state, 2, plain);
        for (int i = 0; i < 8; i++) t[k][i] = make_tables(&w[k]);
    }
    kvtest_random random = kvtest_seed(17);
    for (int step = 0; step < 3000; step++) {
        kvlogical_growth growths[8];
        kvlogical_found found[8];
        kvlogical_step_item items[8];
        size_t count = 0, scheduled, one_by_one = 0, of[8];
        for (size_t i = 0; i < 8; i++) {
            size_t computed = kvlogical_tables_computed_tokens(t[0][i]), more = 1 + (size_t)kvtest_below(&random, 9);
            assert_int_equal(kvlogical_tables_computed_tokens(t[1][i]), computed);
            if (computed + more > 200 || kvtest_below(&random, 12) == 0) {
                kvlogical_tables_release(t[0][i]);
                kvlogical_tables_release(t[1][i]);
                continue;
            }
            growths[count] = growth_of(&w[0], computed + more, more);
            found[count] = (kvlogical_found)KVLOGICAL_FOUND_INIT;
            of[count] = i;
            items[count] =
                (kvlogical_step_item){t[1][i], &growths[count], computed == 0 ? &found[count] : NULL, 0, false};
            count++;
        }
        kvlogical_groups_step(w[0].groups);
        for (size_t k = 0; k < count; k++) {
            kvlogical_found own = KVLOGICAL_FOUND_INIT;
            kvlogical_tables *one = t[0][of[k]];
            kvcore_status status = items[k].found != NULL ? kvlogical_tables_admit(one, &growths[k], &own, NULL)
                                                          : kvlogical_tables_allocate(one, &growths[k], NULL);
            one_by_one += status == KVCORE_OK;
        }
        kvtest_assert_ok(kvlogical_step(w[1].groups, items, count, false, &scheduled));
        assert_int_equal(scheduled, one_by_one);
        uint32_t order[2][40];
        size_t listed[2];
        for (int k = 0; k < 2; k++)
            kvtest_assert_ok(kvlogical_list_order(w[k].manager, KVLOGICAL_NO_BLOCK, order[k], 40, &listed[k]));
        assert_int_equal(listed[0], listed[1]);
        assert_memory_equal(order[0], order[1], listed[0] * sizeof(uint32_t));
        if (step % 32 == 0) assert_sound(w[1].manager);
    }
    for (int k = 0; k < 2; k++) {
        for (int i = 0; i < 8; i++) kvlogical_tables_destroy(t[k][i]);
        end(&w[k]);
    }
}

/* ---- release, reset ---- */

static void window_last_keeps_the_window_longest(void **state) {
    (void)state;
    static const kvlogical_group window[] = {{KVLOGICAL_GROUP_WINDOW, B, 8}};
    static const uint32_t tail_first[] = {3, 2, 1, 0}, window_last[] = {1, 0, 3, 2};
    for (uint32_t release = 0; release < 2; release++) {
        world w;
        kvlogical_groups_config config = plain;
        config.release = release;
        begin(&w, 4, window, 1, config);
        kvlogical_tables *a = make_tables(&w);
        grow(&w, a, 16, 16);
        kvlogical_tables_release(a);
        uint32_t order[4];
        size_t count;
        kvtest_assert_ok(kvlogical_list_order(w.manager, KVLOGICAL_NO_BLOCK, order, 4, &count));
        assert_memory_equal(order, release == 0 ? tail_first : window_last, sizeof order);
        kvlogical_tables_destroy(a);
        end(&w);
    }
}

static void a_reset_needs_all_blocks_unheld(void **state) {
    (void)state;
    world w;
    kvlogical_found found = KVLOGICAL_FOUND_INIT;
    kvcore_error error;
    begin(&w, 8, full_and_window, 2, plain);
    kvlogical_tables *a = make_tables(&w);
    grow(&w, a, 8, 8);
    kvtest_assert_status(kvlogical_groups_reset(w.groups, &error), KVCORE_EBUSY);
    assert_int_equal(error.actual, 4);
    kvlogical_tables_release(a);
    kvtest_assert_ok(kvlogical_groups_reset(w.groups, NULL));
    assert_int_equal(find(&w, a, 9, &found), 0);
    kvlogical_tables_destroy(a);
    end(&w);
}

/* ---- memory ---- */

static kvcore_status live(kvcore_allocator allocator) {
    world w = {NULL, NULL, {{0, 0}}};
    kvlogical_groups_config config = plain;
    kvlogical_found found = KVLOGICAL_FOUND_INIT;
    config.groups = full_and_state;
    config.group_count = 2;
    config.allocator = allocator;
    w.manager = make_pool(64, 2);
    name_chain(9, w.names, 64);
    kvlogical_tables *a = NULL;
    kvcore_status status = kvlogical_groups_create(w.manager, &config, &w.groups, NULL);
    if (status == KVCORE_OK) status = kvlogical_tables_create(w.groups, &a);
    for (size_t tokens = 8; status == KVCORE_OK && tokens <= 64; tokens += 8) {
        kvlogical_growth growth = growth_of(&w, tokens, 8);
        status = kvlogical_tables_allocate(a, &growth, NULL);
        if (status != KVCORE_OK) assert_int_equal(kvlogical_tables_computed_tokens(a), tokens - 8);
    }
    if (status == KVCORE_OK) kvlogical_tables_release(a);
    if (status == KVCORE_OK) kvlogical_groups_step(w.groups);
    kvlogical_growth growth = growth_of(&w, 200, 100);
    growth.name_count = 50;
    if (status == KVCORE_OK) status = kvlogical_tables_admit(a, &growth, &found, NULL);
    assert_sound(w.manager);
    kvlogical_tables_destroy(a);
    kvtest_assert_ok(kvlogical_groups_destroy(w.groups));
    destroy_manager(w.manager);
    return status;
}

static void each_allocation_can_fail(void **state) {
    (void)state;
    kvtest_fail_each_allocation(live, 6);
}

static void reserved_tables_allocate_nothing(void **state) {
    (void)state;
    world w;
    kvtest_memory memory = {0};
    kvlogical_groups_config config = plain;
    config.allocator = kvtest_allocator(&memory);
    begin(&w, 64, full_and_state, 2, config);
    kvlogical_tables *a = make_tables(&w);
    kvtest_assert_ok(kvlogical_tables_reserve(a, 64));
    size_t calls = memory.calls;
    for (size_t tokens = 1; tokens <= 64; tokens++) grow(&w, a, tokens, 1);
    assert_int_equal(memory.calls, calls);
    kvlogical_tables_destroy(a);
    end(&w);
    assert_int_equal(memory.live_bytes, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(configurations_that_cannot_work_are_refused),
        cmocka_unit_test(the_manager_must_be_made_for_the_groups),
        cmocka_unit_test(a_set_with_tables_is_busy),
        cmocka_unit_test(what_left_the_window_goes_and_is_found_below),
        cmocka_unit_test(a_shorter_hit_of_one_group_tells_where_another_reached),
        cmocka_unit_test(a_refused_growth_lets_go_of_the_past_and_changes_nothing_else),
        cmocka_unit_test(private_blocks_are_taken_once_and_never_found),
        cmocka_unit_test(a_state_is_refused_in_the_step_that_named_it),
        cmocka_unit_test(hits_that_are_gone_are_noticed),
        cmocka_unit_test(names_may_come_later),
        cmocka_unit_test(admission_holds_what_it_finds_and_takes_the_rest),
        cmocka_unit_test(a_refused_admission_leaves_no_trace),
        cmocka_unit_test(a_step_schedules_what_fits_and_says_of_each_why_not),
        cmocka_unit_test(a_step_is_the_calls_for_one_request_in_a_row),
        cmocka_unit_test(window_last_keeps_the_window_longest),
        cmocka_unit_test(a_reset_needs_all_blocks_unheld),
        cmocka_unit_test(each_allocation_can_fail),
        cmocka_unit_test(reserved_tables_allocate_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
