#include <kvanswers/estimator.h>

#include <math.h>

#include <kvcore/config.h>

#include "memory.h"

#define GROUPS 16 /* of sampled blocks, each left out once for the error */
#define FINE 64   /* distances below have a bin each */
#define BINS_A_DOUBLE 32
#define BINS (FINE + BINS_A_DOUBLE * 20) /* for distances below 2^26 */
#define SAMPLE_MOST (UINT32_C(1) << 24)

kvanswers_estimator_config kvanswers_estimator_config_init(void) {
    return (kvanswers_estimator_config)KVANSWERS_ESTIMATOR_CONFIG_INIT;
}

typedef struct sampled_block {
    uint64_t key;
    uint32_t last; /* the sampled request that touched it last, from 1; 0: an empty place */
} sampled_block;

struct kvanswers_estimator {
    kvcore_allocator allocator;
    uint64_t capacity, window;
    unsigned shift; /* the rate is 1 in 2^this: a block is sampled if so many leading bits of its key are 0 */
    uint32_t most, blocks;
    sampled_block *table; /* linear probing */
    uint32_t table_size;  /* a power of two, at least twice the most */
    uint32_t *left;       /* Fenwick tree: blocks that sampled requests touched last; from 1 */
    uint32_t *numbers;    /* room to number requests anew */
    uint32_t requests, request_most;
    uint32_t *found; /* places of the blocks of a request */
    double references, hits, until_fade;
    double sampled[GROUPS];        /* references */
    double found_at[GROUPS][BINS]; /* of them those of blocks seen before, by distance */
};

/* ---- making ---- */

static kvcore_status bad(kvcore_error *error, uint64_t actual, const char *text) {
    return kvcore_fail(error, &(kvcore_error){.code = KVCORE_ECONFIG, .index = KVCORE_NO_INDEX, .actual = actual},
                       "%s, got %llu", text, (unsigned long long)actual);
}

static kvcore_status read_config(kvanswers_estimator_config *config, const kvanswers_estimator_config *given,
                                 kvcore_error *error) {
    kvcore_status status = kvcore_config_read(config, sizeof *config, given, error);
    if (status == KVCORE_OK) status = allocator_check(&config->allocator, error);
    if (status != KVCORE_OK) return status;
    if (config->one_in == 0) config->one_in = 128;
    if (config->sample_blocks == 0) config->sample_blocks = 8192;
    if (config->window == 0) config->window = UINT64_C(1) << 20;
    if (config->capacity == 0) return bad(error, 0, "capacity must be at least 1 block");
    if ((config->one_in & (config->one_in - 1)) != 0)
        return bad(error, config->one_in, "one_in must be a power of two");
    if (config->sample_blocks > SAMPLE_MOST)
        return bad(error, config->sample_blocks, "sample_blocks must be at most 16777216");
    return KVCORE_OK;
}

static kvcore_status reserve(kvanswers_estimator *e) {
    e->request_most = 2 * e->most + 64;
    for (e->table_size = 64; e->table_size < 2 * e->most;) e->table_size *= 2;
    e->table = array_new(&e->allocator, e->table_size, sizeof *e->table);
    e->left = array_new(&e->allocator, (size_t)e->request_most + 1, sizeof *e->left);
    e->numbers = array_new(&e->allocator, (size_t)e->request_most + 1, sizeof *e->numbers);
    e->found = array_new(&e->allocator, e->most, sizeof *e->found);
    return e->table == NULL || e->left == NULL || e->numbers == NULL || e->found == NULL ? KVCORE_ENOMEM : KVCORE_OK;
}

kvcore_status kvanswers_estimator_create(const kvanswers_estimator_config *given, kvanswers_estimator **estimator,
                                         kvcore_error *error) {
    kvanswers_estimator_config config;
    if (estimator == NULL) return kvcore_fail(error, &(kvcore_error){.code = KVCORE_EINVAL}, "estimator is NULL");
    *estimator = NULL;
    kvcore_status status = read_config(&config, given, error);
    if (status != KVCORE_OK) return status;
    kvcore_allocator allocator = allocator_or_libc(&config.allocator);
    kvanswers_estimator *e = array_new(&allocator, 1, sizeof *e);
    if (e == NULL) return kvcore_fail(error, &(kvcore_error){.code = KVCORE_ENOMEM}, "out of memory");
    e->allocator = allocator;
    e->capacity = config.capacity;
    e->window = config.window;
    e->until_fade = (double)config.window;
    e->shift = (unsigned)__builtin_ctz(config.one_in);
    e->most = config.sample_blocks;
    if (reserve(e) != KVCORE_OK) {
        kvanswers_estimator_destroy(e);
        return kvcore_fail(error, &(kvcore_error){.code = KVCORE_ENOMEM}, "out of memory");
    }
    *estimator = e;
    return KVCORE_OK;
}

void kvanswers_estimator_destroy(kvanswers_estimator *e) {
    if (e == NULL) return;
    kvcore_allocator allocator = e->allocator;
    array_delete(&allocator, e->table, e->table_size, sizeof *e->table);
    array_delete(&allocator, e->left, (size_t)e->request_most + 1, sizeof *e->left);
    array_delete(&allocator, e->numbers, (size_t)e->request_most + 1, sizeof *e->numbers);
    array_delete(&allocator, e->found, e->most, sizeof *e->found);
    array_delete(&allocator, e, 1, sizeof *e);
}

/* ---- the sample ---- */

static inline uint64_t key_of(kvhash_plh name) {
    uint64_t key = (name.low ^ name.low >> 32) * UINT64_C(0xD6E8FEB86659FD93);
    return key ^ key >> 29;
}

/* The leading bits say whether a block is in the sample, the last four in which group, others where it is in the table. */
static inline bool is_sampled(const kvanswers_estimator *e, uint64_t key) {
    return e->shift == 0 || key >> (64 - e->shift) == 0;
}

static unsigned group_of(uint64_t key) { return (unsigned)(key & (GROUPS - 1)); }

/* The block, or the empty place for it. */
static uint32_t find(const kvanswers_estimator *e, uint64_t key) {
    uint32_t mask = e->table_size - 1, at = (uint32_t)(key >> 4) & mask;
    while (e->table[at].last != 0 && e->table[at].key != key) at = (at + 1) & mask;
    return at;
}

static uint32_t low_bit(uint32_t i) { return i & (0 - i); }

static uint32_t left_up_to(const kvanswers_estimator *e, uint32_t request) {
    uint32_t sum = 0;
    for (uint32_t i = request; i > 0; i -= low_bit(i)) sum += e->left[i];
    return sum;
}

static void add_left(kvanswers_estimator *e, uint32_t request, uint32_t count) {
    for (uint32_t i = request; i <= e->request_most; i += low_bit(i)) e->left[i] += count;
}

/* Requests that have blocks become 1, 2, … in order, and the tree is made anew. */
static void renumber(kvanswers_estimator *e) {
    memset(e->numbers, 0, ((size_t)e->request_most + 1) * sizeof *e->numbers);
    for (uint32_t i = 0; i < e->table_size; i++) e->numbers[e->table[i].last] = 1;
    e->numbers[0] = 0;
    for (uint32_t i = 1; i <= e->requests; i++) e->numbers[i] += e->numbers[i - 1];
    e->requests = e->numbers[e->requests];
    memset(e->left, 0, ((size_t)e->request_most + 1) * sizeof *e->left);
    for (uint32_t i = 0; i < e->table_size; i++) {
        if (e->table[i].last == 0) continue;
        e->table[i].last = e->numbers[e->table[i].last];
        add_left(e, e->table[i].last, 1);
    }
}

/* The place is emptied; what probed past it moves back. */
static void erase(kvanswers_estimator *e, uint32_t hole) {
    uint32_t mask = e->table_size - 1;
    for (uint32_t at = (hole + 1) & mask; e->table[at].last != 0; at = (at + 1) & mask) {
        uint32_t home = (uint32_t)(e->table[at].key >> 4) & mask;
        if (((at - home) & mask) < ((at - hole) & mask)) continue;
        e->table[hole] = e->table[at];
        hole = at;
    }
    e->table[hole].last = 0;
    e->blocks--;
}

/* ---- bins ---- */

static unsigned bin_of(uint32_t distance) {
    if (distance < FINE) return distance;
    unsigned doubles = 31 - (unsigned)__builtin_clz(distance); /* at least 6 */
    return FINE + (doubles - 6) * BINS_A_DOUBLE + (distance >> (doubles - 5) & (BINS_A_DOUBLE - 1));
}

/* Distances of a bin: from this one, up to that of the next. */
static double bin_begin(unsigned bin) {
    if (bin < FINE) return bin;
    unsigned doubles = (bin - FINE) / BINS_A_DOUBLE, part = (bin - FINE) % BINS_A_DOUBLE;
    return (double)(UINT64_C(64) << doubles) * (1 + (double)part / BINS_A_DOUBLE);
}

/* ---- counts ---- */

static void scale_counts(kvanswers_estimator *e, double factor) {
    for (unsigned g = 0; g < GROUPS; g++) {
        e->sampled[g] *= factor;
        for (unsigned b = 0; b < BINS; b++) e->found_at[g][b] *= factor;
    }
}

/* Distances become half of what they were. */
static void fold_bins(kvanswers_estimator *e) {
    for (unsigned g = 0; g < GROUPS; g++)
        for (unsigned b = 1; b < BINS; b++) {
            double count = e->found_at[g][b];
            e->found_at[g][b] = 0;
            e->found_at[g][bin_of(((uint32_t)bin_begin(b) + 1) / 2)] += count;
        }
}

/* Half the rate: blocks leave the sample, and what was counted counts half, at half the distance. */
static void halve_rate(kvanswers_estimator *e) {
    e->shift++;
    for (uint32_t i = 0; i < e->table_size;)
        if (e->table[i].last != 0 && !is_sampled(e, e->table[i].key))
            erase(e, i); /* another may have moved here */
        else
            i++;
    renumber(e);
    scale_counts(e, 0.5);
    fold_bins(e);
}

static void fade(kvanswers_estimator *e) {
    if (e->until_fade > 0) return;
    e->until_fade += (double)e->window;
    e->references *= 0.5;
    e->hits *= 0.5;
    scale_counts(e, 0.5);
}

/* ---- requests ---- */

static size_t count_new(const kvanswers_estimator *e, const kvhash_plh *names, size_t count) {
    size_t fresh = 0;
    for (size_t i = 0; i < count; i++) {
        uint64_t key = key_of(names[i]);
        fresh += is_sampled(e, key) && e->table[find(e, key)].last == 0;
    }
    return fresh;
}

static size_t count_sampled(const kvanswers_estimator *e, const kvhash_plh *names, size_t count) {
    size_t sampled = 0;
    for (size_t i = 0; i < count; i++) sampled += is_sampled(e, key_of(names[i]));
    return sampled;
}

/* The distance of each sampled block that was seen before: by the request that touched it last, and the place in its run. */
static size_t count_distances(kvanswers_estimator *e, const kvhash_plh *names, size_t count, uint32_t blocks_before) {
    size_t sampled = 0;
    uint32_t run_of = 0, distance = 0;
    for (size_t i = 0; i < count; i++) {
        uint64_t key = key_of(names[i]);
        if (!is_sampled(e, key)) continue;
        uint32_t at = find(e, key), last = e->table[at].last;
        e->sampled[group_of(key)] += 1;
        e->found[sampled++] = at;
        if (last == 0) {
            e->table[at] = (sampled_block){key, e->requests + 1};
            e->blocks++;
            run_of = 0;
            continue;
        }
        if (last > e->requests) continue; /* twice in one request: no chain */
        distance = last == run_of ? distance + 1 : blocks_before - left_up_to(e, last) + 1;
        run_of = last;
        e->found_at[group_of(key)][bin_of(distance)] += 1;
    }
    return sampled;
}

static void move_to_front(kvanswers_estimator *e, size_t sampled) {
    uint32_t now = e->requests + 1;
    for (size_t i = 0; i < sampled; i++) {
        sampled_block *block = &e->table[e->found[i]];
        if (block->last != now) add_left(e, block->last, UINT32_MAX); /* −1 */
        block->last = now;
    }
    e->requests = now;
    add_left(e, now, e->blocks - left_up_to(e, e->request_most));
}

static void observe_sampled(kvanswers_estimator *e, const kvhash_plh *names, size_t count, size_t sampled) {
    while (e->shift < 40 && (sampled > e->most || e->blocks + count_new(e, names, count) > e->most)) {
        halve_rate(e);
        sampled = count_sampled(e, names, count);
    }
    if (sampled == 0 || sampled > e->most) return;
    if (e->requests == e->request_most) renumber(e);
    uint32_t before = e->blocks;
    sampled = count_distances(e, names, count, before);
    move_to_front(e, sampled);
}

kvcore_status kvanswers_estimator_observe(kvanswers_estimator *e, const kvhash_plh *names, size_t count, size_t hits) {
    if (e == NULL || (names == NULL && count != 0) || hits > count) return KVCORE_EINVAL;
    e->references += (double)count;
    e->hits += (double)hits;
    e->until_fade -= (double)count;
    size_t sampled = count_sampled(e, names, count);
    if (sampled != 0) observe_sampled(e, names, count, sampled);
    fade(e);
    return KVCORE_OK;
}

/* ---- reading ---- */

/* Sampled hits of each group at a capacity. */
static void hits_at(const kvanswers_estimator *e, uint64_t capacity, double hits[GROUPS]) {
    double most = ldexp((double)capacity, -(int)e->shift) + 1; /* distances below this one */
    for (unsigned g = 0; g < GROUPS; g++) hits[g] = 0;
    for (unsigned b = 1; b < BINS && bin_begin(b) < most; b++) {
        double end = bin_begin(b + 1), part = end <= most ? 1 : (most - bin_begin(b)) / (end - bin_begin(b));
        for (unsigned g = 0; g < GROUPS; g++) hits[g] += part * e->found_at[g][b];
    }
}

static double sum_of(const double values[GROUPS]) {
    double sum = 0;
    for (unsigned g = 0; g < GROUPS; g++) sum += values[g];
    return sum;
}

/* Hits at the capacity, from sampled hits there and at the anchor; `part` of the sample was looked at. */
static double anchored(const kvanswers_estimator *e, bool more, double here, double anchor, double sampled,
                       double part) {
    if (more) {
        double misses = sampled - anchor;
        return misses > 0 ? e->hits + (e->references - e->hits) * (here - anchor) / misses : e->hits;
    }
    double lost = ldexp((anchor - here) / part, (int)e->shift);
    return lost < e->hits ? e->hits - lost : 0;
}

static kvanswers_estimate estimate(const kvanswers_estimator *e, uint64_t capacity, const double anchor[GROUPS]) {
    double here[GROUPS], all_here, all_anchor = sum_of(anchor), all = sum_of(e->sampled), mean = 0, spread = 0;
    double without[GROUPS];
    bool more = capacity >= e->capacity;
    kvanswers_estimate result = {.capacity = capacity, .enough = all >= KVANSWERS_ENOUGH_REFERENCES};
    if (e->references <= 0) return result;
    hits_at(e, capacity, here);
    all_here = sum_of(here);
    for (unsigned g = 0; g < GROUPS; g++) {
        without[g] = anchored(e, more, all_here - here[g], all_anchor - anchor[g], all - e->sampled[g],
                              (double)(GROUPS - 1) / GROUPS) /
                     e->references;
        mean += without[g] / GROUPS;
    }
    for (unsigned g = 0; g < GROUPS; g++) spread += (without[g] - mean) * (without[g] - mean);
    result.hit_ratio = anchored(e, more, all_here, all_anchor, all, 1) / e->references;
    result.error = 2 * sqrt((double)(GROUPS - 1) / GROUPS * spread);
    return result;
}

kvcore_status kvanswers_estimator_read(const kvanswers_estimator *e, const uint64_t *capacities, size_t count,
                                       kvanswers_estimate *estimates) {
    if (e == NULL || (count != 0 && (capacities == NULL || estimates == NULL))) return KVCORE_EINVAL;
    double anchor[GROUPS];
    hits_at(e, e->capacity, anchor);
    for (size_t i = 0; i < count; i++) estimates[i] = estimate(e, capacities[i], anchor);
    return KVCORE_OK;
}

kvanswers_estimator_state kvanswers_estimator_count(const kvanswers_estimator *e) {
    if (e == NULL) return (kvanswers_estimator_state){0};
    return (kvanswers_estimator_state){.references = e->references,
                                       .hits = e->hits,
                                       .sampled_references = sum_of(e->sampled),
                                       .sampled_blocks = e->blocks,
                                       .rate = ldexp(1, -(int)e->shift)};
}

size_t kvanswers_estimator_memory_bytes(const kvanswers_estimator *e) {
    if (e == NULL) return 0;
    return sizeof *e + e->table_size * sizeof *e->table + 2 * ((size_t)e->request_most + 1) * sizeof *e->left +
           e->most * sizeof *e->found;
}
