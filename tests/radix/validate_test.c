/* Does kvradix_index_validate() see each invariant broken? The records are damaged from inside. */
#include "kvtest.h"

#include "prefix/index.h"

#define LENGTH 6

typedef struct fixture {
    kvradix_index *index;
    kvhash_plh names[LENGTH];
} fixture;

static const kvhash_holder worker = {1, 0, 0};

static int set_up(void **state) {
    static fixture f;
    kvradix_config config = KVRADIX_CONFIG_INIT;
    config.hash_seed = 3; /* the table is walked in this order */
    kvtest_assert_ok(kvradix_index_create(&config, &f.index, NULL));
    f.names[0] = kvhash_plh_root(1);
    for (size_t i = 1; i < LENGTH; i++) kvtest_assert_ok(kvhash_plh_extend(f.names[i - 1], i, &f.names[i]));
    kvtest_assert_ok(kvradix_index_store(f.index, worker, f.names, LENGTH));
    kvtest_assert_ok(kvradix_index_validate(f.index, NULL));
    *state = &f;
    return 0;
}

static int tear_down(void **state) {
    kvradix_index_destroy(((fixture *)*state)->index);
    return 0;
}

static name_record *record(const fixture *f, size_t i) {
    return name_at(&f->index->lineage, kvradix__lineage_find(&f->index->lineage, f->names[i]));
}

static void assert_broken(const fixture *f, const char *what) {
    kvcore_error error = {.text = ""};
    kvtest_assert_status(kvradix_index_validate(f->index, &error), KVCORE_EINVARIANT);
    assert_string_equal(error.text, what);
}

static void a_changed_name_is_seen(void **state) {
    fixture *f = *state;
    record(f, 3)->name.low ^= UINT64_C(1) << 60;
    assert_broken(f, "a name cannot be found");
}

static void a_lost_child_is_seen(void **state) {
    fixture *f = *state;
    record(f, 4)->parent = kvradix__lineage_find(&f->index->lineage, f->names[0]);
    assert_broken(f, "a child's parent is another name");
}

static void a_lost_parent_is_seen(void **state) {
    fixture *f = *state;
    record(f, 5)->parent = TABLE_NONE;
    assert_broken(f, "a parent is missing or too many");
}

static void disagreeing_siblings_are_seen(void **state) {
    fixture *f = *state;
    record(f, 4)->previous_sibling = 0;
    assert_broken(f, "siblings disagree");
}

static void a_bit_set_behind_its_back_is_seen(void **state) {
    fixture *f = *state;
    bit_set(record(f, 2)->row, 9);
    assert_broken(f, "a name has a dead column");
}

static void a_bit_cleared_behind_its_back_is_seen(void **state) {
    fixture *f = *state;
    bit_clear(record(f, 2)->row, 0);
    assert_broken(f, "a column is thought closed and is not, or the reverse");
}

static void an_idle_leaf_is_seen(void **state) {
    fixture *f = *state;
    bit_clear(record(f, 5)->row, 0);
    assert_broken(f, "an idle name has no children");
}

static void a_column_thought_open_is_seen(void **state) {
    fixture *f = *state;
    bit_clear(f->index->lineage.columns.closed, 0);
    assert_broken(f, "a column is thought closed and is not, or the reverse");
}

static void a_living_column_that_is_not_used_is_seen(void **state) {
    fixture *f = *state;
    bit_set(f->index->lineage.columns.live, 5);
    assert_broken(f, "a column lives and is not used, or the reverse");
}

static void miscounts_are_seen(void **state) {
    fixture *f = *state;
    column *col = &f->index->lineage.columns.of[0];
    col->names++;
    assert_broken(f, "names of a column are miscounted");
    col->names--;
    col->orphans++;
    assert_broken(f, "orphans of a column are miscounted");
    col->orphans--;
    count_add(&f->index->lineage.names, 1);
    assert_broken(f, "names are miscounted");
    count_add(&f->index->lineage.names, -1);
    count_add(&f->index->holders.stale_count, 1);
    assert_broken(f, "stale holders are miscounted");
    count_add(&f->index->holders.stale_count, -1);
    count_add(&f->index->lineage.table.count, 1);
    assert_broken(f, "records are miscounted");
    count_add(&f->index->lineage.table.count, -1);
    kvtest_assert_ok(kvradix_index_validate(f->index, NULL));
}

static void a_holder_that_lost_its_column_is_seen(void **state) {
    fixture *f = *state;
    f->index->holders.states[0].column = COLUMN_NONE;
    assert_broken(f, "a used column has no holder");
    f->index->holders.states[0].column = 1;
    assert_broken(f, "a column's holder does not know it");
}

static void stale_on_one_side_only_is_seen(void **state) {
    fixture *f = *state;
    bit_set(f->index->lineage.columns.stale, 0);
    assert_broken(f, "a column is stale and its holder is not");
}

static void holders_out_of_order_are_seen(void **state) {
    fixture *f = *state;
    kvtest_assert_ok(kvradix_index_store(f->index, (kvhash_holder){2, 0, 0}, NULL, 0));
    f->index->holders.states[1].holder.worker = 0;
    assert_broken(f, "holders are out of order");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_changed_name_is_seen),
        TEST(a_lost_child_is_seen),
        TEST(a_lost_parent_is_seen),
        TEST(disagreeing_siblings_are_seen),
        TEST(a_bit_set_behind_its_back_is_seen),
        TEST(a_bit_cleared_behind_its_back_is_seen),
        TEST(an_idle_leaf_is_seen),
        TEST(a_column_thought_open_is_seen),
        TEST(a_living_column_that_is_not_used_is_seen),
        TEST(miscounts_are_seen),
        TEST(a_holder_that_lost_its_column_is_seen),
        TEST(stale_on_one_side_only_is_seen),
        TEST(holders_out_of_order_are_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
