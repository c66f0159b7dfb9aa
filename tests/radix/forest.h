/* Chains of names that share prefixes, for tests: a tree whose nodes are numbered, parents before children. */
#ifndef FOREST_H
#define FOREST_H

#include <kvhash/plh.h>

#include "kvtest.h"

#define FOREST_NONE SIZE_MAX

typedef struct forest {
    size_t count;
    kvhash_plh *names;
    size_t *parents; /* FOREST_NONE at a root */
} forest;

/* `count` names; a new one follows the one before it with `straight` chances in 16, otherwise any, or none. */
forest forest_make(kvtest_random *random, size_t count, unsigned straight);
void forest_free(forest *f);
/* The names from the root to a node; returns how many. `chain` and `numbers` have room for f->count. */
size_t forest_chain(const forest *f, size_t node, kvhash_plh *chain, size_t *numbers);

#endif
