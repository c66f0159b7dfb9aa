/* Random requests over a random forest of blocks: chains, so that the property that everything rests on holds. */
#ifndef TESTS_ANSWERS_FOREST_H
#define TESTS_ANSWERS_FOREST_H

#include <kvanswers/request.h>

#include "kvtest.h"

#define FOREST_LENGTH 24

typedef struct forest_request {
    uint64_t ids[FOREST_LENGTH], names[FOREST_LENGTH];
    size_t count;
    uint64_t time_ms;
    uint32_t last_tokens, tenant;
} forest_request;

/* `count` requests of up to `longest` blocks, each id one of `width`, of up to three tenants. The caller frees them. */
static inline forest_request *forest_grow(kvtest_random *random, size_t count, size_t longest, uint64_t width) {
    forest_request *list = calloc(count + 1, sizeof *list);
    assert_non_null(list);
    uint64_t now = 0;
    for (size_t i = 0; i < count; i++) {
        forest_request *r = &list[i];
        const forest_request *like = i > 0 ? &list[kvtest_below(random, i)] : r;
        r->count = kvtest_below(random, longest + 1);
        size_t shared = kvtest_below(random, like->count + 1);
        for (size_t k = 0; k < r->count; k++) r->ids[k] = k < shared ? like->ids[k] : kvtest_below(random, width);
        kvtest_assert_ok(kvanswers_names(r->ids, r->count, r->names));
        r->last_tokens = (uint32_t)kvtest_below(random, 17);
        r->tenant = (uint32_t)kvtest_below(random, 3);
        r->time_ms = now += kvtest_below(random, 50);
    }
    return list;
}

static inline kvanswers_request forest_view(const forest_request *r) {
    return (kvanswers_request){r->names, r->count, r->time_ms, r->last_tokens};
}

#endif
