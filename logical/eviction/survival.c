/* All sums are made in the stated order and without contraction, so that every machine evicts alike. */
#include "eviction/survival.h"

#include "eviction/eviction.h"
#include "pool/list_check.h"

#define PRIOR 0.05
#define WEIGHT 20.0
#define DECAY 0.9659363289248456 /* half after 20 */
#define FIRST_SOLVE 1024
#define NO_TRIAL UINT16_MAX

static survival *the_survival(const order *o) { return o->memory; }

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

/* A look-up begins: learn, if it is time. */
static void survival_begins(order *o) {
    survival *s = the_survival(o);
    settle(s);
    if (s->now < s->next_solve) return;
    uint64_t step = o->slot_count < 8192 ? 8192 : o->slot_count > 65536 ? 65536 : o->slot_count;
    solve(s);
    s->next_solve = s->now + (s->now < step ? s->now : step);
}

/* ---- memory ---- */

static uint64_t head_bytes(void) { return ghosts_round(sizeof(survival)); }

static uint64_t survival_bytes(uint64_t slots) { return head_bytes() + ghosts_bytes(4 * slots); }

static void survival_init(order *o, const kvlogical_config *config) {
    (void)config;
    survival *s = the_survival(o);
    memset(s, 0, sizeof *s);
    ghosts_init(&s->ghosts, (char *)o->memory + head_bytes(), 4 * o->slot_count);
    memset(s->trial_homes, 0xFF, sizeof s->trial_homes);
    for (unsigned c = 0; c < SURVIVAL_CLASSES; c++) list_init(&s->lists[c]);
    for (s->trial_shift = 2; (uint64_t)SURVIVAL_TRIALS << s->trial_shift < 8 * (uint64_t)o->slot_count;)
        s->trial_shift++;
    solve(s);
    s->next_solve = FIRST_SOLVE;
}

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

/* ---- trials ---- */

static uint64_t key_of(kvhash_plh name) {
    return kvlogical__survival_mix(name.low ^ name.high * UINT64_C(0xD6E8FEB86659FD93));
}

static uint16_t *trial_home(survival *s, uint64_t key) { return &s->trial_homes[key & (2 * SURVIVAL_TRIALS - 1)]; }

/* The trial leaves the table. */
static void unlink_trial(survival *s, uint16_t number) {
    uint16_t *at = trial_home(s, s->trials[number].key);
    while (*at != number) at = &s->trials[*at].next;
    *at = s->trials[number].next;
    s->trials[number].running = false;
}

/* Asked for, or not yet: a half of its last bucket then. */
static void end_trial(survival *s, uint16_t number, bool was_asked) {
    survival_trial *trial = &s->trials[number];
    unsigned last = kvlogical__survival_bucket(s->now - trial->stamp);
    for (unsigned b = 0; b < last; b++) s->at_risk[trial->class][b] += 1.0;
    s->at_risk[trial->class][last] += was_asked ? 1.0 : 0.5;
    if (was_asked) s->asked[trial->class][last] += 1.0;
    unlink_trial(s, number);
}

static void begin_trial(survival *s, slot *of) {
    uint16_t number = (uint16_t)(s->trials_begun++ % SURVIVAL_TRIALS);
    if (s->trials[number].running) end_trial(s, number, false);
    uint64_t key = key_of(of->name);
    uint16_t *home = trial_home(s, key);
    s->trials[number] = (survival_trial){key, s->now, *home, of->level, true};
    *home = number;
    of->survival.trial = number;
}

/* A cached block was asked for: its trial ends, unless its place in the ring is another's by now. */
static void end_trial_of(survival *s, slot *of) {
    if (of->survival.trial == SURVIVAL_NONE) return;
    const survival_trial *trial = &s->trials[of->survival.trial];
    if (trial->running && trial->key == key_of(of->name)) end_trial(s, (uint16_t)of->survival.trial, true);
    of->survival.trial = SURVIVAL_NONE;
}

/* A name that may have been cached once was asked for. */
static void end_trial_named(survival *s, uint64_t key) {
    uint16_t number = *trial_home(s, key);
    while (number != NO_TRIAL && s->trials[number].key != key) number = s->trials[number].next;
    if (number != NO_TRIAL) end_trial(s, number, true);
}

/* ---- what the manager tells ---- */

static void survival_hit(order *o, const uint32_t *slots, size_t count) {
    survival *s = the_survival(o);
    if (!s->pending_found) settle(s);
    s->pending_found = true;
    for (size_t i = 0; i < count; i++) {
        slot *of = &o->slots[slots[i]];
        end_trial_of(s, of);
        if (of->survival.uses < UINT32_MAX) of->survival.uses++;
    }
    s->pending += count;
}

static void survival_registering(order *o, const uint32_t *slots, size_t count) {
    survival *s = the_survival(o);
    for (size_t i = 0; i < count; i++) ghosts_prefetch(&s->ghosts, key_of(o->slots[slots[i]].name));
}

static void survival_registered(order *o, uint32_t index) {
    survival *s = the_survival(o);
    slot *of = &o->slots[index];
    uint64_t key = key_of(of->name);
    if (s->pending_found) settle(s);
    s->pending_found = false;
    end_trial_named(s, key);
    of->survival.uses = ghosts_take(&s->ghosts, key) + 1;
    of->survival.trial = SURVIVAL_NONE;
    s->pending++;
}

static void survival_released(order *o, const uint32_t *slots, size_t count) {
    survival *s = the_survival(o);
    uint64_t mask = (UINT64_C(1) << s->trial_shift) - 1;
    settle(s);
    for (size_t i = 0; i < count; i++) {
        slot *of = &o->slots[slots[i]];
        of->level = (uint8_t)kvlogical__survival_class(of->survival.uses);
        of->survival.stamp = s->now;
        list_push(&s->lists[of->level], o->slots, slots[i]);
        if ((kvlogical__survival_mix(s->releases++) & mask) == 0) begin_trial(s, of);
    }
}

static void survival_revived(order *o, const uint32_t *slots, size_t count) {
    survival *s = the_survival(o);
    for (size_t i = 0; i < count; i++) list_remove(&s->lists[o->slots[slots[i]].level], o->slots, slots[i]);
}

/* ---- victims ---- */

typedef struct old_end {
    double worth;
    uint64_t stamp;
} old_end;

static old_end judge(const survival *s, const slot *slots, unsigned class) {
    uint32_t oldest = s->lists[class].head;
    if (oldest == NO_SLOT) return (old_end){2.0, UINT64_MAX}; /* no worth is as high */
    uint64_t stamp = slots[oldest].survival.stamp;
    return (old_end){s->worth[class][kvlogical__survival_bucket(s->now - stamp)], stamp};
}

static bool goes_first(old_end a, old_end b) { return a.worth < b.worth || (a.worth == b.worth && a.stamp < b.stamp); }

static unsigned least_worth(const old_end ends[SURVIVAL_CLASSES]) {
    unsigned least = 0;
    for (unsigned c = 1; c < SURVIVAL_CLASSES; c++)
        if (goes_first(ends[c], ends[least])) least = c;
    return least;
}

#define TOGETHER 32 /* victims whose ghosts are fetched together */

static void remember(order *o, const uint32_t *victims, size_t count) {
    survival *s = the_survival(o);
    uint64_t keys[TOGETHER];
    ghosts_prefetch_oldest(&s->ghosts, (uint32_t)count);
    for (size_t i = 0; i < count; i++) {
        keys[i] = key_of(o->slots[victims[i]].name);
        ghosts_prefetch(&s->ghosts, keys[i]);
    }
    for (size_t i = 0; i < count; i++) ghosts_add(&s->ghosts, keys[i], o->slots[victims[i]].survival.uses);
}

static void survival_choose(order *o, uint32_t *victims, size_t count) {
    survival *s = the_survival(o);
    old_end ends[SURVIVAL_CLASSES];
    settle(s);
    for (unsigned c = 0; c < SURVIVAL_CLASSES; c++) ends[c] = judge(s, o->slots, c);
    for (size_t i = 0; i < count; i++) {
        unsigned least = least_worth(ends);
        victims[i] = list_pop(&s->lists[least], o->slots);
        ends[least] = judge(s, o->slots, least);
    }
    for (size_t i = 0; i < count; i += TOGETHER) remember(o, victims + i, count - i < TOGETHER ? count - i : TOGETHER);
}

/* ---- for operators ---- */

static unsigned survival_level(const order *o, uint32_t index) { return o->slots[index].level; }

static kvcore_status survival_validate(const order *o, uint32_t inactive, kvcore_error *error) {
    static const char invariant[] = "the six lists hold exactly the inactive slots of their classes";
    const survival *s = the_survival(o);
    uint32_t total = 0;
    for (unsigned c = 0; c < SURVIVAL_CLASSES; c++) {
        uint32_t count;
        kvcore_status status =
            kvlogical__list_check(&s->lists[c], o->slots, o->slot_count, SLOT_INACTIVE, &count, invariant, error);
        if (status != KVCORE_OK) return status;
        for (uint32_t at = s->lists[c].head; at != NO_SLOT; at = o->slots[at].next)
            if (o->slots[at].level != c) return kvlogical__broken(error, at, invariant);
        total += count;
    }
    return total == inactive ? KVCORE_OK : kvlogical__broken(error, KVCORE_NO_INDEX, invariant);
}

const eviction kvlogical__survival = {
    .policy = KVLOGICAL_EVICT_SURVIVAL,
    .name = "survival",
    .label = "survival",
    .help = "of lists by use count, the one whose old end is worth least, as learned from a sample",
    .uses_slot_lineage = true,
    .check = survival_check,
    .bytes = survival_bytes,
    .init = survival_init,
    .released = survival_released,
    .revived = survival_revived,
    .choose = survival_choose,
    .begins = survival_begins,
    .hit = survival_hit,
    .registering = survival_registering,
    .registered = survival_registered,
    .validate = survival_validate,
    .level = survival_level,
};
