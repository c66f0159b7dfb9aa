/* The policy survival against a twin written from its definition: arrays, linear searches, no shared code. */
#include "kvtest.h"

#include <kvhash/request.h>
#include <kvlogical/manager.h>

#define CLASSES 6
#define BUCKETS 32
#define TRIALS 8192
#define NODES 8192
#define LONGEST 12

typedef struct node {
    int parent, id, uses, cls;
    bool cached, held;
    uint64_t stamp, released; /* touches; number of the release, which orders a list */
} node;

typedef struct trial {
    int node, cls;
    uint64_t stamp;
    bool running;
} trial;

typedef struct twin {
    int capacity, cached, node_count, ghost_count;
    node nodes[NODES];
    int ghosts[NODES]; /* oldest first */
    uint64_t now, next, releases, begun;
    trial trials[TRIALS];
    double asked[CLASSES][BUCKETS], risk[CLASSES][BUCKETS], worth[CLASSES][BUCKETS];
    uint64_t hits, evictions;
} twin;

static uint64_t mix(uint64_t z) {
    z += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return z ^ z >> 31;
}

static int class_of(int uses) {
    int c = 0;
    while (c < CLASSES - 1 && 1 << c < uses) c++;
    return c;
}

static double begin_of(int bucket) { return bucket == 0 ? 0 : (double)(UINT64_C(8) << bucket); }

static int bucket_of(uint64_t idle) {
    int b = 0;
    while (b < BUCKETS - 1 && (double)idle >= begin_of(b + 1)) b++;
    return b;
}

static void count_trial(const twin *t, double risk[CLASSES][BUCKETS], const trial *of, double last) {
    int b = bucket_of(t->now - of->stamp);
    for (int i = 0; i < b; i++) risk[of->cls][i] += 1;
    risk[of->cls][b] += last;
}

static double worth_of(const double *hazard, int from) {
    double best = 0, alive = 1, hits = 0, touches = 0;
    for (int b = from; b <= 30; b++) {
        double p = alive * hazard[b];
        hits += p;
        touches += (alive - p / 2) * (begin_of(b + 1) - begin_of(b));
        alive -= p;
        if (hits / touches > best) best = hits / touches;
    }
    return best;
}

static void solve(twin *t) {
    double risk[CLASSES][BUCKETS], more[CLASSES][BUCKETS] = {{0}}, hazard[CLASSES][BUCKETS], pooled = 0.05;
    for (int i = 0; i < TRIALS; i++)
        if (t->trials[i].running) count_trial(t, more, &t->trials[i], 0.5);
    for (int c = 0; c < CLASSES; c++)
        for (int b = 0; b < BUCKETS; b++) risk[c][b] = t->risk[c][b] + more[c][b];
    for (int b = 0; b < BUCKETS; b++) {
        double asked = 0, all = 0;
        for (int c = 0; c < CLASSES; c++) asked += t->asked[c][b], all += risk[c][b];
        pooled = (asked + 20 * pooled) / (all + 20);
        for (int c = 0; c < CLASSES; c++) {
            hazard[c][b] = (t->asked[c][b] + 20 * pooled) / (risk[c][b] + 20);
            if (hazard[c][b] > 0.999) hazard[c][b] = 0.999;
        }
    }
    for (int c = 0; c < CLASSES; c++) {
        t->worth[c][31] = 0;
        for (int b = 30; b >= 0; b--) {
            t->worth[c][b] = worth_of(hazard[c], b);
            if (t->worth[c][b + 1] > t->worth[c][b]) t->worth[c][b] = t->worth[c][b + 1];
        }
        for (int b = 0; c > 0 && b < BUCKETS; b++)
            if (t->worth[c - 1][b] > t->worth[c][b]) t->worth[c][b] = t->worth[c - 1][b];
    }
    for (int c = 0; c < CLASSES; c++)
        for (int b = 0; b < BUCKETS; b++) t->asked[c][b] *= 0.9659363289248456, t->risk[c][b] *= 0.9659363289248456;
}

static void asked_for(twin *t, int n) {
    for (int i = 0; i < TRIALS; i++) {
        trial *of = &t->trials[i];
        if (!of->running || of->node != n) continue;
        count_trial(t, t->risk, of, 1);
        t->asked[of->cls][bucket_of(t->now - of->stamp)] += 1;
        of->running = false;
    }
}

static void release(twin *t, int n) {
    node *of = &t->nodes[n];
    of->held = false;
    of->cls = class_of(of->uses);
    of->stamp = t->now;
    of->released = t->releases;
    if ((mix(t->releases++) & 3) != 0) return; /* small caches: one in four */
    trial *next = &t->trials[t->begun++ % TRIALS];
    if (next->running) count_trial(t, t->risk, next, 0.5);
    *next = (trial){n, of->cls, t->now, true};
}

static bool goes_before(const twin *t, int a, int b) {
    const node *x = &t->nodes[a], *y = &t->nodes[b];
    if (x->cls == y->cls) return x->released < y->released;
    double u = t->worth[x->cls][bucket_of(t->now - x->stamp)], v = t->worth[y->cls][bucket_of(t->now - y->stamp)];
    if (u != v) return u < v;
    return x->stamp != y->stamp ? x->stamp < y->stamp : x->cls < y->cls;
}

static int oldest_of(const twin *t, int cls) {
    int oldest = -1;
    for (int i = 0; i < t->node_count; i++) {
        const node *of = &t->nodes[i];
        if (of->cached && !of->held && of->cls == cls && (oldest < 0 || of->released < t->nodes[oldest].released))
            oldest = i;
    }
    return oldest;
}

static void evict(twin *t) {
    int victim = -1;
    for (int c = 0; c < CLASSES; c++) {
        int oldest = oldest_of(t, c);
        if (oldest >= 0 && (victim < 0 || goes_before(t, oldest, victim))) victim = oldest;
    }
    t->nodes[victim].cached = false;
    t->cached--;
    t->evictions++;
    if (t->ghost_count == 4 * t->capacity) memmove(t->ghosts, t->ghosts + 1, (size_t)--t->ghost_count * sizeof(int));
    t->ghosts[t->ghost_count++] = victim;
}

static void put_in(twin *t, int n) {
    int at = 0;
    asked_for(t, n);
    while (at < t->ghost_count && t->ghosts[at] != n) at++;
    bool ghost = at < t->ghost_count;
    if (ghost) memmove(t->ghosts + at, t->ghosts + at + 1, (size_t)(--t->ghost_count - at) * sizeof(int));
    t->nodes[n].uses = ghost ? t->nodes[n].uses + 1 : 1;
    t->nodes[n].cached = t->nodes[n].held = true;
    t->cached++;
}

static void twin_serve(twin *t, const int *chain, int length) {
    int hits = 0;
    if (t->now >= t->next) {
        solve(t);
        t->next = t->now + (t->now < 8192 ? t->now : 8192);
    }
    for (; hits < length && t->nodes[chain[hits]].cached; hits++) {
        asked_for(t, chain[hits]);
        t->nodes[chain[hits]].held = true;
        t->nodes[chain[hits]].uses++;
    }
    t->hits += (uint64_t)hits;
    t->now += (uint64_t)hits;
    bool fits = length <= t->capacity;
    while (fits && t->capacity - t->cached < length - hits) evict(t);
    for (int i = hits; fits && i < length; i++) put_in(t, chain[i]);
    if (fits) t->now += (uint64_t)(length - hits);
    for (int i = (fits ? length : hits) - 1; i >= 0; i--) release(t, chain[i]);
}

static int node_of(twin *t, int parent, int id) {
    for (int i = 0; i < t->node_count; i++)
        if (t->nodes[i].parent == parent && t->nodes[i].id == id) return i;
    assert_true(t->node_count < NODES);
    t->nodes[t->node_count] = (node){.parent = parent, .id = id};
    return t->node_count++;
}

/* ---- the manager ---- */

typedef struct counts {
    uint64_t hits, evictions;
} counts;

static void serve(kvlogical_manager *manager, const uint32_t *ids, size_t length, counts *c) {
    kvlogical_immutable held[LONGEST];
    kvlogical_mutable fresh[LONGEST];
    kvlogical_complete staged[LONGEST];
    kvhash_plh names[LONGEST], victims[LONGEST];
    size_t hits, named;
    kvhash_request request = KVHASH_REQUEST_INIT;
    request.tokens = ids;
    request.token_count = length;
    request.block_tokens = 1;
    kvtest_assert_ok(kvhash_request_names(&request, names, LONGEST, &named, NULL));
    kvtest_assert_ok(kvlogical_match_prefix(manager, names, length, held, &hits));
    c->hits += hits;
    kvlogical_evicted evicted = {victims, 0};
    size_t missing = length - hits;
    if (kvlogical_allocate(manager, missing, fresh, &evicted) == KVCORE_OK) {
        c->evictions += evicted.count;
        kvtest_assert_ok(kvlogical_stage(manager, fresh, names + hits, missing, staged));
        kvtest_assert_ok(kvlogical_register(manager, staged, missing, held + hits));
    } else {
        missing = 0;
    }
    kvtest_assert_ok(kvlogical_release_tail_first(manager, held, hits + missing));
}

static kvlogical_manager *make_manager(size_t capacity) {
    kvlogical_config config = KVLOGICAL_CONFIG_INIT;
    kvlogical_manager *manager;
    config.block_count = capacity;
    config.block_tokens = 1;
    config.eviction = KVLOGICAL_EVICT_SURVIVAL;
    config.duplicates = KVLOGICAL_DUPLICATES_REJECT;
    kvtest_assert_ok(kvlogical_manager_create(&config, &manager, NULL));
    return manager;
}

static void survival_equals_its_twin(void **state) {
    (void)state;
    kvtest_random random = kvtest_seed(4);
    for (int round = 0; round < 4; round++) {
        int capacity = 15 + (int)kvtest_below(&random, 60), width = 3 + (int)kvtest_below(&random, 6);
        twin *t = calloc(1, sizeof *t);
        assert_non_null(t);
        t->capacity = capacity;
        solve(t);
        t->next = 1024;
        kvlogical_manager *manager = make_manager((size_t)capacity);
        counts c = {0, 0};
        for (int i = 0; i < 1500; i++) {
            uint32_t ids[LONGEST];
            int chain[LONGEST], length = 1 + (int)kvtest_below(&random, LONGEST), parent = -1;
            for (int k = 0; k < length; k++) {
                /* low ids are asked for more often; further on there are few branches */
                uint64_t low = kvtest_below(&random, (uint64_t)width) * kvtest_below(&random, (uint64_t)width);
                ids[k] = k < 3 ? (uint32_t)low / (uint32_t)width : kvtest_below(&random, 16) == 0;
                chain[k] = parent = node_of(t, parent, (int)ids[k]);
            }
            twin_serve(t, chain, length);
            serve(manager, ids, (size_t)length, &c);
            assert_int_equal(c.hits, t->hits);
            assert_int_equal(c.evictions, t->evictions);
        }
        assert_true(t->hits > 1000 && t->evictions > 1000);
        kvtest_assert_ok(kvlogical_manager_validate(manager, NULL));
        kvtest_assert_ok(kvlogical_manager_destroy(manager));
        free(t);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(survival_equals_its_twin)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
