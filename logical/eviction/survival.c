/* All sums are made in the stated order and without contraction, so that every machine evicts alike. */
#include "eviction/survival.h"

#include <string.h>

#include "eviction/eviction.h"
#include "pool/list_check.h"

#define PRIOR 0.05
#define WEIGHT 20.0
#define DECAY 0.9659363289248456 /* half after 20 */
#define FIRST_SOLVE 1024
#define NO_TRIAL UINT16_MAX
#define MOST_USES 31 /* fits a ghost, and is more than the last class begins with */

/* ---- memory ---- */

static uint32_t homes_for(uint64_t ghosts) {
    uint64_t homes = 16;
    while (homes < ghosts) homes *= 2;
    return (uint32_t)homes;
}

static uint64_t up(uint64_t bytes) { return (bytes + 63) / 64 * 64; }

uint64_t kvlogical__survival_bytes(uint64_t blocks) {
    uint64_t ghosts = 4 * blocks;
    return up(sizeof(survival)) + up(blocks * sizeof(survival_block)) + up(ghosts * sizeof(survival_ghost)) +
           up(homes_for(ghosts) * sizeof(uint32_t));
}

static void solve(survival *s);

survival *kvlogical__survival_init(void *memory, uint32_t blocks) {
    survival *s = memory;
    char *at = (char *)memory + up(sizeof *s);
    memset(s, 0, sizeof *s);
    s->block_count = blocks;
    s->ghost_capacity = 4 * blocks;
    s->home_mask = homes_for(s->ghost_capacity) - 1;
    s->blocks = (void *)at;
    s->ghosts = (void *)(at += up(blocks * sizeof(survival_block)));
    s->ghost_homes = (void *)(at + up(s->ghost_capacity * sizeof(survival_ghost)));
    for (uint32_t i = 0; i < blocks; i++) s->blocks[i] = (survival_block){.class = SURVIVAL_CLASSES};
    for (uint32_t i = 0; i < s->ghost_capacity; i++) s->ghosts[i].next = i + 1;
    s->ghosts[s->ghost_capacity - 1].next = SURVIVAL_NONE;
    memset(s->ghost_homes, 0xFF, ((size_t)s->home_mask + 1) * sizeof *s->ghost_homes);
    memset(s->trial_homes, 0xFF, sizeof s->trial_homes);
    for (unsigned c = 0; c < SURVIVAL_CLASSES; c++) s->lists[c] = (survival_list){SURVIVAL_NONE, SURVIVAL_NONE};
    s->ghost_order = (survival_list){SURVIVAL_NONE, SURVIVAL_NONE};
    for (s->trial_shift = 2; (uint64_t)SURVIVAL_TRIALS << s->trial_shift < 8 * (uint64_t)blocks;) s->trial_shift++;
    solve(s);
    s->next_solve = FIRST_SOLVE;
    return s;
}

/* ---- classes, buckets ---- */

uint64_t kvlogical__survival_mix(uint64_t z) {
    z += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return z ^ z >> 31;
}

unsigned kvlogical__survival_class(uint32_t uses) {
    if (uses <= 1) return 0;
    unsigned class = 32 - (unsigned)__builtin_clz(uses - 1);
    return class < SURVIVAL_CLASSES - 1 ? class : SURVIVAL_CLASSES - 1;
}

unsigned kvlogical__survival_bucket(uint64_t idle) {
    if (idle < 16) return 0;
    unsigned bucket = 63 - (unsigned)__builtin_clzll(idle) - 3;
    return bucket < SURVIVAL_BUCKETS - 1 ? bucket : SURVIVAL_BUCKETS - 1;
}

static double begin_of(unsigned bucket) { return bucket == 0 ? 0.0 : (double)(UINT64_C(1) << (bucket + 3)); }

/* ---- learning ---- */

/* What the trials that are running say so far: each was at risk in the buckets before its own, and in half of that. The sums
 * are multiples of a half: exact in any order. */
static void add_running(const survival *s, survival_table at_risk) {
    uint32_t last[SURVIVAL_CLASSES][SURVIVAL_BUCKETS] = {{0}};
    for (unsigned i = 0; i < SURVIVAL_TRIALS; i++) {
        const survival_trial *trial = &s->trials[i];
        if (trial->running) last[trial->class][kvlogical__survival_bucket(s->now - trial->stamp)]++;
    }
    for (unsigned c = 0; c < SURVIVAL_CLASSES; c++) {
        uint32_t later = 0;
        for (unsigned b = SURVIVAL_BUCKETS; b-- > 0; later += last[c][b]) at_risk[c][b] += later + 0.5 * last[c][b];
    }
}

/* How likely a block is to be asked for in each stretch of idle time, if it was not before. */
static void find_hazards(const survival *s, const survival_table at_risk, survival_table hazards) {
    double pooled = PRIOR;
    for (unsigned b = 0; b < SURVIVAL_BUCKETS; b++) {
        double asked = 0, risk = 0;
        for (unsigned c = 0; c < SURVIVAL_CLASSES; c++) {
            asked += s->asked[c][b];
            risk += at_risk[c][b];
        }
        pooled = (asked + WEIGHT * pooled) / (risk + WEIGHT);
        for (unsigned c = 0; c < SURVIVAL_CLASSES; c++) {
            double hazard = (s->asked[c][b] + WEIGHT * pooled) / (at_risk[c][b] + WEIGHT);
            hazards[c][b] = hazard < 0.999 ? hazard : 0.999;
        }
    }
}

/* The best hits per touch that keeping a block of this idle time can give. */
static double best_rate(const double hazards[SURVIVAL_BUCKETS], unsigned from) {
    double best = 0, alive = 1, hits = 0, touches = 0;
    for (unsigned b = from; b < SURVIVAL_BUCKETS - 1; b++) {
        double asked = alive * hazards[b];
        hits += asked;
        touches += (alive - asked / 2) * (begin_of(b + 1) - begin_of(b));
        alive -= asked;
        if (hits / touches > best) best = hits / touches;
    }
    return best;
}

static double most(double a, double b) { return a > b ? a : b; }

static void solve(survival *s) {
    survival_table at_risk, hazards;
    memcpy(at_risk, s->at_risk, sizeof at_risk);
    add_running(s, at_risk);
    find_hazards(s, (const double(*)[SURVIVAL_BUCKETS])at_risk, hazards);
    for (unsigned c = 0; c < SURVIVAL_CLASSES; c++) {
        s->worth[c][SURVIVAL_BUCKETS - 1] = 0;
        for (unsigned b = SURVIVAL_BUCKETS - 1; b-- > 0;)
            s->worth[c][b] = most(best_rate(hazards[c], b), s->worth[c][b + 1]);
        for (unsigned b = 0; b < SURVIVAL_BUCKETS && c > 0; b++)
            s->worth[c][b] = most(s->worth[c][b], s->worth[c - 1][b]);
    }
    for (unsigned c = 0; c < SURVIVAL_CLASSES; c++)
        for (unsigned b = 0; b < SURVIVAL_BUCKETS; b++) {
            s->asked[c][b] *= DECAY;
            s->at_risk[c][b] *= DECAY;
        }
}

/* The batch is over: what comes now comes later. */
static void settle(survival *s) {
    s->now += s->pending;
    s->pending = 0;
}

void kvlogical__survival_begin(survival *s) {
    settle(s);
    if (s->now < s->next_solve) return;
    uint64_t step = s->block_count < 8192 ? 8192 : s->block_count > 65536 ? 65536 : s->block_count;
    solve(s);
    s->next_solve = s->now + (s->now < step ? s->now : step);
}

/* ---- trials ---- */

static uint16_t *trial_home(survival *s, uint64_t key) { return &s->trial_homes[key & (2 * SURVIVAL_TRIALS - 1)]; }

/* The trial leaves the table. */
static void unlink_trial(survival *s, uint16_t number) {
    uint16_t *at = trial_home(s, s->trials[number].key);
    while (*at != number) at = &s->trials[*at].next;
    *at = s->trials[number].next;
    s->trials[number].running = false;
}

static void end_asked(survival *s, uint16_t number) {
    survival_trial *trial = &s->trials[number];
    unsigned last = kvlogical__survival_bucket(s->now - trial->stamp);
    for (unsigned b = 0; b <= last; b++) s->at_risk[trial->class][b] += 1.0;
    s->asked[trial->class][last] += 1.0;
    unlink_trial(s, number);
}

static void end_not_yet(survival *s, uint16_t number) {
    survival_trial *trial = &s->trials[number];
    unsigned last = kvlogical__survival_bucket(s->now - trial->stamp);
    for (unsigned b = 0; b < last; b++) s->at_risk[trial->class][b] += 1.0;
    s->at_risk[trial->class][last] += 0.5;
    unlink_trial(s, number);
}

static void begin_trial(survival *s, survival_block *block) {
    uint16_t number = (uint16_t)(s->trials_begun++ % SURVIVAL_TRIALS);
    if (s->trials[number].running) end_not_yet(s, number);
    uint16_t *home = trial_home(s, block->key);
    s->trials[number] = (survival_trial){block->key, s->now, *home, block->class, true};
    *home = block->trial = number;
}

/* A block that is cached. */
static void end_trial_of(survival *s, const survival_block *block) {
    const survival_trial *trial = &s->trials[block->trial];
    if (trial->running && trial->key == block->key) end_asked(s, block->trial);
}

/* A name that may have been cached once. */
static void end_trial_named(survival *s, uint64_t key) {
    uint16_t number = *trial_home(s, key);
    while (number != NO_TRIAL && s->trials[number].key != key) number = s->trials[number].next;
    if (number != NO_TRIAL) end_asked(s, number);
}

/* ---- ghosts ---- */

static uint64_t key_of(kvhash_plh name) {
    return kvlogical__survival_mix(name.low ^ name.high * UINT64_C(0xD6E8FEB86659FD93));
}

static uint32_t *ghost_home(survival *s, uint32_t home) { return &s->ghost_homes[home & s->home_mask]; }

static bool is_ghost_of(const survival_ghost *ghost, uint64_t key) {
    return ghost->home == (uint32_t)key && ghost->tag == key >> 37;
}

/* The ghost at this link of its chain is forgotten. */
static void drop_ghost(survival *s, uint32_t *link) {
    uint32_t number = *link;
    survival_ghost *ghost = &s->ghosts[number];
    *link = ghost->next;
    *(ghost->older == SURVIVAL_NONE ? &s->ghost_order.oldest : &s->ghosts[ghost->older].younger) = ghost->younger;
    *(ghost->younger == SURVIVAL_NONE ? &s->ghost_order.youngest : &s->ghosts[ghost->younger].older) = ghost->older;
    ghost->next = s->free_ghost;
    s->free_ghost = number;
}

static void drop_oldest_ghost(survival *s) {
    uint32_t oldest = s->ghost_order.oldest, *link = ghost_home(s, s->ghosts[oldest].home);
    while (*link != oldest) link = &s->ghosts[*link].next;
    drop_ghost(s, link);
}

/* Its uses, or 0; the ghost goes. */
static uint32_t take_ghost(survival *s, uint64_t key) {
    uint32_t *link = ghost_home(s, (uint32_t)key);
    while (*link != SURVIVAL_NONE && !is_ghost_of(&s->ghosts[*link], key)) link = &s->ghosts[*link].next;
    if (*link == SURVIVAL_NONE) return 0;
    uint32_t uses = s->ghosts[*link].uses;
    drop_ghost(s, link);
    return uses;
}

static void add_ghost(survival *s, const survival_block *block) {
    if (s->free_ghost == SURVIVAL_NONE) drop_oldest_ghost(s);
    uint32_t number = s->free_ghost, *home = ghost_home(s, (uint32_t)block->key);
    survival_ghost *ghost = &s->ghosts[number];
    s->free_ghost = ghost->next;
    ghost->home = (uint32_t)block->key;
    ghost->tag = (uint32_t)(block->key >> 37) & ((1u << 27) - 1);
    ghost->uses = block->uses & 31;
    ghost->next = *home;
    ghost->older = s->ghost_order.youngest;
    ghost->younger = SURVIVAL_NONE;
    *home = number;
    *(ghost->older == SURVIVAL_NONE ? &s->ghost_order.oldest : &s->ghosts[ghost->older].younger) = number;
    s->ghost_order.youngest = number;
}

/* ---- lists ---- */

static void put(survival *s, uint32_t number) {
    survival_block *block = &s->blocks[number];
    survival_list *of = &s->lists[block->class];
    block->older = of->youngest;
    block->younger = SURVIVAL_NONE;
    *(of->youngest == SURVIVAL_NONE ? &of->oldest : &s->blocks[of->youngest].younger) = number;
    of->youngest = number;
}

static void take(survival *s, uint32_t number) {
    survival_block *block = &s->blocks[number];
    if (block->class == SURVIVAL_CLASSES) return;
    survival_list *of = &s->lists[block->class];
    *(block->older == SURVIVAL_NONE ? &of->oldest : &s->blocks[block->older].younger) = block->younger;
    *(block->younger == SURVIVAL_NONE ? &of->youngest : &s->blocks[block->younger].older) = block->older;
    block->class = SURVIVAL_CLASSES;
}

/* ---- what the manager tells ---- */

static uint32_t once_more(uint32_t uses) { return uses < MOST_USES ? uses + 1 : MOST_USES; }

void kvlogical__survival_found(survival *s, const uint32_t *blocks, size_t count) {
    if (!s->pending_found) settle(s);
    s->pending_found = true;
    for (size_t i = 0; i < count; i++) {
        survival_block *block = &s->blocks[blocks[i]];
        take(s, blocks[i]);
        end_trial_of(s, block);
        block->uses = once_more(block->uses);
    }
    s->pending += count;
}

void kvlogical__survival_registered(survival *s, const uint32_t *blocks, const kvhash_plh *names, size_t count) {
    if (s->pending_found) settle(s);
    s->pending_found = false;
    for (size_t i = 0; i < count; i++) {
        uint64_t key = key_of(names[i]);
        end_trial_named(s, key);
        s->blocks[blocks[i]] =
            (survival_block){.key = key, .uses = once_more(take_ghost(s, key)), .class = SURVIVAL_CLASSES};
    }
    s->pending += count;
}

void kvlogical__survival_released(survival *s, const uint32_t *blocks, size_t count) {
    uint64_t mask = (UINT64_C(1) << s->trial_shift) - 1;
    settle(s);
    for (size_t i = 0; i < count; i++) {
        survival_block *block = &s->blocks[blocks[i]];
        block->class = (uint8_t)kvlogical__survival_class(block->uses);
        block->stamp = s->now;
        put(s, blocks[i]);
        if ((kvlogical__survival_mix(s->releases++) & mask) == 0) begin_trial(s, block);
    }
}

void kvlogical__survival_removed(survival *s, const uint32_t *blocks, size_t count) {
    for (size_t i = 0; i < count; i++) take(s, blocks[i]);
}

/* ---- victims ---- */

typedef struct tail {
    double worth;
    uint64_t stamp;
} tail;

static tail judge(const survival *s, unsigned class) {
    uint32_t oldest = s->lists[class].oldest;
    if (oldest == SURVIVAL_NONE) return (tail){2.0, UINT64_MAX}; /* no worth is as high */
    uint64_t stamp = s->blocks[oldest].stamp;
    return (tail){s->worth[class][kvlogical__survival_bucket(s->now - stamp)], stamp};
}

static bool goes_first(tail a, tail b) { return a.worth < b.worth || (a.worth == b.worth && a.stamp < b.stamp); }

void kvlogical__survival_evict(survival *s, uint32_t *victims, size_t count) {
    tail tails[SURVIVAL_CLASSES];
    settle(s);
    for (unsigned c = 0; c < SURVIVAL_CLASSES; c++) tails[c] = judge(s, c);
    for (size_t i = 0; i < count; i++) {
        unsigned best = 0;
        for (unsigned c = 1; c < SURVIVAL_CLASSES; c++)
            if (goes_first(tails[c], tails[best])) best = c;
        victims[i] = s->lists[best].oldest;
        take(s, victims[i]);
        add_ghost(s, &s->blocks[victims[i]]);
        tails[best] = judge(s, best);
    }
}

/* ---- the row of the table ---- */

static kvcore_status survival_check(kvlogical_config *config, kvcore_error *error) {
    if (config->block_count <= SURVIVAL_BLOCKS_MAX) return KVCORE_OK;
    return kvcore_fail(error,
                       &(kvcore_error){.code = KVCORE_ECONFIG,
                                       .index = KVCORE_NO_INDEX,
                                       .expected = SURVIVAL_BLOCKS_MAX,
                                       .actual = config->block_count},
                       "block_count must be at most %u for survival, got %zu", SURVIVAL_BLOCKS_MAX,
                       config->block_count);
}

static void survival_init(order *o, const kvlogical_config *config) {
    (void)config;
    kvlogical__survival_init(o->memory, o->slot_count);
}

static void survival_begins(order *o) { kvlogical__survival_begin(o->memory); }

static void survival_hit(order *o, const uint32_t *slots, size_t count) {
    kvlogical__survival_found(o->memory, slots, count);
}

static void survival_registered(order *o, uint32_t index) {
    kvlogical__survival_registered(o->memory, &index, &o->slots[index].name, 1);
}

static void survival_released(order *o, const uint32_t *slots, size_t count) {
    kvlogical__survival_released(o->memory, slots, count);
}

static void survival_revived(order *o, const uint32_t *slots, size_t count) {
    kvlogical__survival_removed(o->memory, slots, count);
}

static void survival_choose(order *o, uint32_t *victims, size_t count) {
    kvlogical__survival_evict(o->memory, victims, count);
}

static unsigned survival_level(const order *o, uint32_t index) {
    const survival *s = o->memory;
    return s->blocks[index].class;
}

/* How many blocks a list holds, each inactive and of its class; −1 for a list that is broken. */
static int64_t count_list(const order *o, const survival *s, unsigned class) {
    uint32_t older = SURVIVAL_NONE;
    int64_t count = 0;
    for (uint32_t at = s->lists[class].oldest; at != SURVIVAL_NONE; at = s->blocks[at].younger, count++) {
        if (at >= s->block_count || count >= s->block_count || s->blocks[at].older != older) return -1;
        if (s->blocks[at].class != class || o->slots[at].state != SLOT_INACTIVE) return -1;
        older = at;
    }
    return s->lists[class].youngest == older ? count : -1;
}

static kvcore_status survival_validate(const order *o, uint32_t inactive, kvcore_error *error) {
    static const char invariant[] = "the six lists hold exactly the inactive slots of their classes";
    int64_t total = 0;
    for (unsigned c = 0; c < SURVIVAL_CLASSES; c++) {
        int64_t count = count_list(o, o->memory, c);
        if (count < 0) return kvlogical__broken(error, c, invariant);
        total += count;
    }
    return total == inactive ? KVCORE_OK : kvlogical__broken(error, KVCORE_NO_INDEX, invariant);
}

const eviction kvlogical__survival = {
    .policy = KVLOGICAL_EVICT_SURVIVAL,
    .name = "survival",
    .label = "survival",
    .help = "of lists by use count, the one whose old end is worth least, as learned from a sample",
    .check = survival_check,
    .bytes = kvlogical__survival_bytes,
    .init = survival_init,
    .released = survival_released,
    .revived = survival_revived,
    .choose = survival_choose,
    .begins = survival_begins,
    .hit = survival_hit,
    .registered = survival_registered,
    .validate = survival_validate,
    .level = survival_level,
};
