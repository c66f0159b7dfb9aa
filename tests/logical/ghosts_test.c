/* Does the store of evicted names give what a list that is searched gives? */
#include "kvtest.h"

#include "eviction/ghosts.h"

#define MOST 20
#define NAMES 60

typedef struct twin {
    uint64_t keys[MOST];
    uint32_t uses[MOST];
    size_t count;
} twin;

static size_t place_in(const twin *t, uint64_t key) {
    size_t i = 0;
    while (i < t->count && t->keys[i] != key) i++;
    return i;
}

static uint32_t twin_remove(twin *t, size_t at) {
    uint32_t uses = t->uses[at];
    memmove(t->keys + at, t->keys + at + 1, (t->count - at - 1) * sizeof *t->keys);
    memmove(t->uses + at, t->uses + at + 1, (t->count - at - 1) * sizeof *t->uses);
    t->count--;
    return uses;
}

static void twin_add(twin *t, uint64_t key, uint32_t uses, size_t most) {
    if (t->count == most) twin_remove(t, 0);
    t->keys[t->count] = key;
    t->uses[t->count++] = uses;
}

/* Keys that differ little, so that homes and even words are shared. */
static uint64_t key_of(uint64_t name) { return name % 3 << 60 | name / 3 << 5; }

static void ghosts_equal_their_twin(void **state) {
    (void)state;
    kvtest_random random = kvtest_seed(8);
    for (int round = 0; round < 200; round++) {
        uint32_t most = 1 + (uint32_t)kvtest_below(&random, MOST);
        void *memory = aligned_alloc(64, (size_t)ghosts_bytes(most));
        ghosts g;
        twin t = {.count = 0};
        ghosts_init(&g, memory, most);
        for (int step = 0; step < 500; step++) {
            uint64_t key = key_of(kvtest_below(&random, NAMES));
            size_t at = place_in(&t, key);
            if (at == t.count) {
                assert_int_equal(ghosts_take(&g, key), 0);
                uint32_t uses = 1 + (uint32_t)kvtest_below(&random, 31);
                ghosts_prefetch_oldest(&g, 1);
                ghosts_add(&g, key, uses);
                twin_add(&t, key, uses, most);
            } else if (kvtest_below(&random, 2) == 0) {
                assert_int_equal(ghosts_take(&g, key), twin_remove(&t, at));
            }
            assert_int_equal(g.count, t.count);
        }
        free(memory);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(ghosts_equal_their_twin)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
