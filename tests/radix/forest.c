#include "forest.h"

forest forest_make(kvtest_random *random, size_t count, unsigned straight) {
    forest f = {count, malloc(count * sizeof(kvhash_plh)), malloc(count * sizeof(size_t))};
    assert_non_null(f.names);
    assert_non_null(f.parents);
    for (size_t i = 0; i < count; i++) {
        f.parents[i] = i - 1; /* FOREST_NONE for the first */
        if (kvtest_below(random, 16) >= straight) f.parents[i] = (size_t)kvtest_below(random, i + 1) - 1;
        uint64_t block_hash = kvtest_next(random);
        if (f.parents[i] == FOREST_NONE)
            f.names[i] = kvhash_plh_root(block_hash);
        else
            kvtest_assert_ok(kvhash_plh_extend(f.names[f.parents[i]], block_hash, &f.names[i]));
    }
    return f;
}

void forest_free(forest *f) {
    free(f->names);
    free(f->parents);
}

size_t forest_chain(const forest *f, size_t node, kvhash_plh *chain, size_t *numbers) {
    size_t length = kvhash_plh_position(f->names[node]) + 1;
    for (size_t at = length; at-- > 0; node = f->parents[node]) {
        chain[at] = f->names[node];
        numbers[at] = node;
    }
    return length;
}
