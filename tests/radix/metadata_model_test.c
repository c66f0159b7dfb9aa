/* Do 100,000 random steps equal a naive twin: an array with a place for each possible hash, in ascending order? */
#include "kvtest.h"

#include <kvradix/metadata.h>

#define HASHES 300

typedef struct twin {
    bool known[HASHES];
    kvradix_block block[HASHES];
} twin;

static kvcore_hash256 hash(uint32_t number) {
    kvcore_hash256 made = {{0}};
    made.bytes[0] = (uint8_t)(number >> 8);
    made.bytes[31] = (uint8_t)number;
    return made;
}

static size_t make_blocks(kvtest_random *random, kvradix_block *blocks) {
    size_t count = 1 + kvtest_below(random, 6);
    for (size_t i = 0; i < count; i++) {
        blocks[i] = (kvradix_block){hash((uint32_t)kvtest_below(random, HASHES)),
                                    {.payload_bytes = kvtest_below(random, 100),
                                     .last_access_ns = kvtest_below(random, 50),
                                     .block_seq = (uint32_t)kvtest_below(random, 3)}};
        blocks[i].meta.model_digest.bytes[0] = (uint8_t)kvtest_below(random, 2);
    }
    return count;
}

static uint32_t number_of(const kvcore_hash256 *of) { return (uint32_t)of->bytes[0] << 8 | of->bytes[31]; }

static void store(kvradix_metadata *index, twin *t, kvtest_random *random, bool loading) {
    kvradix_block blocks[6];
    size_t count = make_blocks(random, blocks), added, expected = 0;
    uint64_t now = kvtest_below(random, 50);
    if (loading)
        kvtest_assert_ok(kvradix_metadata_load(index, blocks, count, &added));
    else
        kvtest_assert_ok(kvradix_metadata_store(index, blocks, count, now));
    for (size_t i = 0; i < count; i++) {
        uint32_t number = number_of(&blocks[i].hash);
        if (loading && t->known[number]) continue;
        expected++;
        t->known[number] = true;
        t->block[number] = blocks[i];
        if (!loading) t->block[number].meta.last_access_ns = now;
    }
    if (loading) assert_int_equal(added, expected);
}

static void change_one(kvradix_metadata *index, twin *t, kvtest_random *random) {
    uint32_t number = (uint32_t)kvtest_below(random, HASHES);
    kvcore_hash256 one = hash(number);
    uint64_t stamp = kvtest_below(random, 50);
    kvcore_block_meta meta;
    size_t removed;
    switch (kvtest_below(random, 4)) {
    case 0:
        assert_int_equal(kvradix_metadata_touch(index, &one, stamp, &meta), t->known[number]);
        t->block[number].meta.last_access_ns = stamp;
        if (t->known[number]) assert_memory_equal(&meta, &t->block[number].meta, sizeof meta);
        break;
    case 1:
        kvtest_assert_ok(kvradix_metadata_remove(index, &one, 1, &removed));
        assert_int_equal(removed, t->known[number]);
        t->known[number] = false;
        break;
    case 2:
        if (t->known[number] && kvtest_below(random, 2) == 0) stamp = t->block[number].meta.last_access_ns;
        bool same = t->known[number] && t->block[number].meta.last_access_ns == stamp;
        assert_int_equal(kvradix_metadata_remove_unchanged(index, &one, stamp), same);
        if (same) t->known[number] = false;
        break;
    default:
        assert_int_equal(kvradix_metadata_find(index, &one, &meta), t->known[number]);
        if (t->known[number]) assert_memory_equal(&meta, &t->block[number].meta, sizeof meta);
    }
}

/* Selection by repeatedly taking the first of what is left. */
static void check_candidates(const kvradix_metadata *index, const twin *t, kvtest_random *random) {
    kvradix_eviction_candidate evict[HASHES];
    kvradix_prefetch_candidate fetch[HASHES];
    kvradix_eviction_plan plan;
    kvcore_model_digest active = {{1}};
    size_t capacity = kvtest_below(random, HASHES + 1), evict_count, fetch_count, known = 0;
    kvtest_assert_ok(kvradix_metadata_eviction_candidates(index, 1, evict, capacity, &evict_count, &plan));
    kvtest_assert_ok(kvradix_metadata_prefetch_candidates(index, 40, &active, fetch, capacity, &fetch_count));
    uint64_t total = 0;
    for (uint32_t i = 0; i < HASHES; i++)
        if (t->known[i]) known++, total += t->block[i].meta.payload_bytes;
    assert_int_equal(plan.total_bytes, total);
    assert_int_equal(fetch_count, known < capacity ? known : capacity);
    assert_int_equal(evict_count, total <= 1 ? 0 : fetch_count);
    bool evicted[HASHES] = {false}, fetched[HASHES] = {false};
    for (size_t k = 0; k < fetch_count; k++) {
        uint32_t oldest = HASHES, best = HASHES;
        double best_score = -1;
        for (uint32_t i = 0; i < HASHES; i++) {
            if (!t->known[i]) continue;
            const kvcore_block_meta *meta = &t->block[i].meta;
            if (!evicted[i] && (oldest == HASHES || meta->last_access_ns < t->block[oldest].meta.last_access_ns))
                oldest = i;
            double score = kvradix_prefetch_score(meta, 40, &active);
            if (!fetched[i] && score > best_score) best = i, best_score = score;
        }
        evicted[oldest] = fetched[best] = true;
        if (k < evict_count) assert_int_equal(number_of(&evict[k].hash), oldest);
        assert_int_equal(number_of(&fetch[k].hash), best);
    }
}

static void random_steps_equal_the_twin(void **state) {
    (void)state;
    kvtest_random random = kvtest_seed(8);
    kvradix_config config = KVRADIX_CONFIG_INIT;
    config.capacity = 3;
    kvradix_metadata *index;
    kvtest_assert_ok(kvradix_metadata_create(&config, &index, NULL));
    static twin t;
    static kvradix_block blocks[HASHES];
    for (int step = 0; step < 100000; step++) {
        if (kvtest_below(&random, 4) == 0)
            store(index, &t, &random, kvtest_below(&random, 2) == 0);
        else
            change_one(index, &t, &random);
        if (step % 500 != 0) continue;
        size_t count, at = 0;
        kvtest_assert_ok(kvradix_metadata_entries(index, blocks, HASHES, &count));
        for (uint32_t i = 0; i < HASHES; i++)
            if (t.known[i]) assert_memory_equal(&blocks[at++], &t.block[i], sizeof *blocks);
        assert_int_equal(at, count);
        check_candidates(index, &t, &random);
    }
    kvradix_metadata_destroy(index);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(random_steps_equal_the_twin)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
