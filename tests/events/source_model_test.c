/* Random lives of a publisher beside a naive twin: counts of (hash, tier, group), and names that follow from them. */
#include "support.h"

#define CHAINS 6
#define DEPTH 8
#define E 8 /* tokens of an engine block */
#define GROUPS 2
#define STEPS 4000

typedef struct twin {
    unsigned copies[CHAINS][DEPTH][KVEVENTS_TIERS][GROUPS];
} twin;

typedef struct world {
    kvevents_source *source;
    listener heard;
    twin twin;
    bool counted;
    uint32_t block_tokens;
    uint64_t number;
    double ts;
    uint32_t tokens[CHAINS][DEPTH * E];
    uint64_t hashes[CHAINS][DEPTH];
    kvhash_plh names[CHAINS][DEPTH * E];
} world;

static world w;

static void set_up_world(bool counted, uint32_t block_tokens, kvtest_random *random) {
    memset(&w, 0, sizeof w);
    w.counted = counted;
    w.block_tokens = block_tokens;
    for (size_t c = 0; c < CHAINS; c++) {
        for (size_t i = 0; i < DEPTH * E; i++) w.tokens[c][i] = (uint32_t)kvtest_next(random);
        for (size_t d = 0; d < DEPTH; d++) w.hashes[c][d] = kvtest_next(random);
        names_of_tokens(w.tokens[c], DEPTH * E, block_tokens, NULL, w.names[c], DEPTH * E);
    }
    kvevents_source_config config = KVEVENTS_SOURCE_CONFIG_INIT;
    config.counted = counted;
    config.block_tokens = block_tokens;
    config.change = listener_change;
    config.ctx = &w.heard;
    kvtest_assert_ok(kvevents_source_create(&config, &w.source, NULL));
}

static void take(kvevents_event event) {
    assert_int_equal(take_events(w.source, w.number++, w.ts += 1, &event, 1), KVEVENTS_NEXT);
}

static void store(kvtest_random *random) {
    size_t c = kvtest_below(random, CHAINS), count = 1 + kvtest_below(random, DEPTH);
    unsigned tier = (unsigned)kvtest_below(random, KVEVENTS_TIERS), group = (unsigned)kvtest_below(random, GROUPS);
    take((kvevents_event){.kind = KVEVENTS_STORED,
                          .has = KVEVENTS_HAS_GROUP,
                          .group = group,
                          .spec_kind = kvcore_text("full_attention"),
                          .hashes = w.hashes[c],
                          .hash_count = count,
                          .tokens = w.tokens[c],
                          .token_count = count * E,
                          .block_size = E,
                          .medium = kvcore_text(kvevents_medium(KVEVENTS_SGLANG, (kvevents_tier)tier))});
    for (size_t d = 0; d < count; d++) {
        unsigned *copies = &w.twin.copies[c][d][tier][group];
        *copies = w.counted ? *copies + 1 : 1;
    }
}

static void take_away(kvtest_random *random) {
    size_t c = kvtest_below(random, CHAINS), d = kvtest_below(random, DEPTH);
    unsigned tier = (unsigned)kvtest_below(random, KVEVENTS_TIERS), group = (unsigned)kvtest_below(random, GROUPS);
    take((kvevents_event){.kind = KVEVENTS_REMOVED,
                          .has = KVEVENTS_HAS_GROUP,
                          .group = group,
                          .hashes = &w.hashes[c][d],
                          .hash_count = 1,
                          .medium = kvcore_text(kvevents_medium(KVEVENTS_SGLANG, (kvevents_tier)tier))});
    if (w.twin.copies[c][d][tier][group] > 0) w.twin.copies[c][d][tier][group]--;
}

static void change(kvtest_random *random) {
    uint64_t dice = kvtest_below(random, 100);
    if (dice < 35) {
        store(random);
    } else if (dice < 98) {
        take_away(random);
    } else if (dice == 98) {
        take((kvevents_event){.kind = KVEVENTS_CLEARED});
        memset(&w.twin, 0, sizeof w.twin);
    } else {
        memset(&w.twin, 0, sizeof w.twin);
        w.number = 0; /* a new life */
        store(random);
    }
}

static bool has(size_t c, size_t d, unsigned tier) {
    return w.twin.copies[c][d][tier][0] + w.twin.copies[c][d][tier][1] > 0;
}

/* A name is in a tier when all engine blocks that it covers are. */
static bool has_name(size_t c, size_t i, unsigned tier) {
    size_t first = i * w.block_tokens / E, last = ((i + 1) * w.block_tokens - 1) / E;
    bool all = true;
    for (size_t d = first; d <= last; d++) all = all && has(c, d, tier);
    return all;
}

static void compare(void) {
    for (unsigned tier = 0; tier < KVEVENTS_TIERS; tier++) {
        size_t blocks = 0, names = 0;
        for (size_t c = 0; c < CHAINS; c++) {
            for (size_t d = 0; d < DEPTH; d++) blocks += has(c, d, tier);
            for (size_t i = 0; i < DEPTH * E / w.block_tokens; i++) {
                names += has_name(c, i, tier);
                assert_int_equal(listener_has(&w.heard, (kvevents_tier)tier, w.names[c][i]), has_name(c, i, tier));
            }
        }
        assert_int_equal(kvevents_source_state_of(w.source).blocks[tier], blocks);
        assert_int_equal(w.heard.counts[tier], names);
    }
    assert_false(kvevents_source_state_of(w.source).stale);
}

static void run(bool counted, uint32_t block_tokens) {
    kvtest_random random = kvtest_seed(7 + block_tokens + counted);
    set_up_world(counted, block_tokens, &random);
    for (size_t step = 0; step < STEPS; step++) {
        change(&random);
        compare();
    }
    assert_int_equal(kvevents_source_count(w.source).lost + kvevents_source_count(w.source).refused, 0);
    kvevents_source_destroy(w.source);
}

static void a_source_agrees_with_its_twin(void **state) {
    (void)state;
    run(false, E);
    run(true, E);
}

static void and_with_many_names_an_engine_block(void **state) {
    (void)state;
    run(false, E / 4);
    run(true, E / 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_source_agrees_with_its_twin),
        cmocka_unit_test(and_with_many_names_an_engine_block),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
