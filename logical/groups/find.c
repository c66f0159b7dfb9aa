/* Looking up: all keys at once, then the rules on bits. */
#include "groups/set.h"
#include "pool/batch.h"

/* ---- which blocks are there ---- */

static uint64_t *bits_of(const tables *t, uint32_t at) { return t->bits + at * t->bit_words; }

static void set_bits(uint64_t *bits, size_t count) {
    for (size_t i = 0; i < count / 64; i++) bits[i] = ~UINT64_C(0);
    if (count % 64 != 0) bits[count / 64] = ~UINT64_C(0) >> (64 - count % 64);
}

static void clear_bits(uint64_t *bits, size_t first, size_t count) {
    for (; first < count && first % 64 != 0; first++) bits[first / 64] &= ~(UINT64_C(1) << first % 64);
    for (; first < count; first += 64) bits[first / 64] = 0;
}

/* At most GROUP blocks of a group from `first` on. */
static void look_up_some(const tables *t, uint32_t group, const kvhash_plh *names, size_t first, size_t count) {
    const tier *in = &t->set->manager->tier;
    uint32_t tags[GROUP];
    for (size_t i = 0; i < count; i++) {
        tags[i] = name_tag_in(&in->names, names[name_at(t->set, group, first + i)], group);
        name_prefetch(&in->names, tags[i]);
    }
    for (size_t i = 0; i < count; i++) {
        kvhash_plh name = names[name_at(t->set, group, first + i)];
        t->of[group].blocks[first + i] = name_place(&in->names, in->slots, sizeof(slot), name, tags[i])->row;
    }
}

/* Clear the bits of what is not there. A FULL group needs nothing behind its first gap. */
static void look_up_group(const tables *t, uint32_t group, const kvhash_plh *names, size_t count, uint64_t *bits) {
    bool full = t->set->rules[group].kind == KVLOGICAL_GROUP_FULL;
    for (size_t done = 0; done < count;) {
        size_t some = group_size(done, count);
        look_up_some(t, group, names, done, some);
        for (size_t i = done; i < done + some; i++) {
            if (t->of[group].blocks[i] != NO_SLOT) continue;
            if (full) {
                clear_bits(bits, i, count);
                return;
            }
            bits[i / 64] &= ~(UINT64_C(1) << i % 64);
        }
        done += some;
    }
}

/* How many full blocks of a group a look-up may see; with eagle one more than the limit, to be dropped. */
static size_t visible(const set *s, uint32_t b, size_t name_count, size_t limit) {
    size_t named = name_count / (b / s->name_tokens), most = limit / b + s->eagle;
    return named < most ? named : most;
}

static void look_up_specs(const tables *t, const kvhash_plh *names, size_t name_count, size_t limit) {
    const set *s = t->set;
    for (uint32_t at = 0; at < s->spec_count; at++) {
        size_t count = visible(s, s->specs[at].rule.b, name_count, limit);
        set_bits(bits_of(t, at), count);
        for (uint32_t g = 0; g < s->count; g++)
            if ((s->specs[at].members >> g & 1) != 0) look_up_group(t, g, names, count, bits_of(t, at));
    }
}

/* ---- the longest hit that all can serve ---- */

typedef struct search {
    const tables *tables;
    size_t name_count, limit;
    reach reached[KVLOGICAL_GROUPS_MOST]; /* of the specs */
    uint32_t looked_up, proven;           /* bits of specs */
    size_t longest;
} search;

static reach find_one(const search *f, uint32_t at, size_t bound, bool drop) {
    const set *s = f->tables->set;
    const rule *r = &s->specs[at].rule;
    return kvlogical__rule_find(r, bits_of(f->tables, at), visible(s, r->b, f->name_count, f->limit), bound, drop);
}

/* With drop a spec may look one block further than the others agreed on. */
static size_t bound_of(const search *f, uint32_t at, size_t current, bool drop) {
    const rule *r = &f->tables->set->specs[at].rule;
    if (!drop || r->kind == KVLOGICAL_GROUP_STATE) return current;
    size_t named = f->name_count * f->tables->set->name_tokens;
    return current + r->b < named ? current + r->b : named;
}

/* One spec's turn: the hit that it leaves to the others. */
static size_t turn(search *f, uint32_t at, size_t current) {
    uint32_t bit = UINT32_C(1) << at;
    if (f->tables->set->specs[at].rule.kind == KVLOGICAL_GROUP_FULL && (f->looked_up & bit) != 0)
        return current < f->reached[at].hit_tokens ? current : f->reached[at].hit_tokens;
    bool drop = f->tables->set->eagle && (f->proven & bit) == 0;
    f->reached[at] = find_one(f, at, bound_of(f, at, current, drop), drop);
    f->looked_up |= bit;
    size_t hit = f->reached[at].hit_tokens;
    if (drop)
        f->proven |= bit;
    else if (hit < current)
        f->proven = 0;
    if (hit > f->longest) f->longest = hit;
    return hit;
}

/* The limit only falls, so this ends. */
static size_t agree(search *f) {
    const set *s = f->tables->set;
    bool one_pass = s->spec_count == 2 && s->specs[0].rule.kind == KVLOGICAL_GROUP_FULL;
    for (size_t limit = f->limit;;) {
        size_t current = limit;
        for (uint32_t at = 0; at < s->spec_count; at++) current = turn(f, at, current);
        if (current >= limit) return limit;
        limit = current;
        if (one_pass) return limit;
    }
}

static size_t search_all(search *f) {
    const set *s = f->tables->set;
    if (s->spec_count == 0) return 0;
    if (s->named_count > 1) return agree(f);
    f->reached[0] = find_one(f, 0, f->limit, s->eagle);
    return f->longest = f->reached[0].hit_tokens;
}

/* ---- what was found ---- */

static void keep_table(table *t, const rule *r, reach reached, size_t hit) {
    t->found = blocks_of(hit, r->b);
    size_t nulls = reached.first < t->found ? reached.first : t->found;
    for (size_t i = 0; i < nulls; i++) t->blocks[i] = NO_SLOT;
}

static void keep(tables *t, const search *f, size_t hit) {
    const set *s = t->set;
    t->looked_up = true;
    t->hit = hit;
    t->boundary = f->longest > hit ? f->longest : 0;
    for (uint32_t at = 0; at < s->spec_count; at++)
        for (uint32_t g = 0; g < s->count; g++)
            if ((s->specs[at].members >> g & 1) != 0) keep_table(&t->of[g], &s->rules[g], f->reached[at], hit);
}

static void tell(const tables *t, const search *f, kvlogical_found *found) {
    const set *s = t->set;
    found->hit_tokens = t->hit;
    found->boundary_tokens = t->boundary;
    for (uint32_t at = 0; at < s->spec_count; at++)
        for (uint32_t g = 0; g < s->count; g++)
            if ((s->specs[at].members >> g & 1) != 0) found->group_hit_tokens[g] = f->reached[at].hit_tokens;
}

void kvlogical__find(tables *t, const kvhash_plh *names, size_t name_count, size_t tokens, kvlogical_found *found) {
    search f = {.tables = t, .name_count = name_count, .limit = tokens > 0 ? tokens - 1 : 0};
    look_up_specs(t, names, name_count, f.limit);
    keep(t, &f, search_all(&f));
    tell(t, &f, found);
}

static kvcore_status reserve_bits(tables *t, size_t words) {
    const set *s = t->set;
    if (words <= t->bit_words) return KVCORE_OK;
    uint64_t *bits = kvcore_alloc(&s->allocator, words * s->spec_count, sizeof *bits, _Alignof(uint64_t));
    if (bits == NULL) return KVCORE_ENOMEM;
    kvcore_free(&s->allocator, t->bits, t->bit_words * s->spec_count, sizeof *bits, _Alignof(uint64_t));
    t->bits = bits;
    t->bit_words = words;
    return KVCORE_OK;
}

kvcore_status kvlogical__find_reserve(tables *t, size_t name_count, size_t tokens) {
    const set *s = t->set;
    if (tokens > tokens_most(s) || name_count > KVHASH_PLH_MAX_POSITION + 1) return KVCORE_EOVERFLOW;
    size_t most = 0;
    kvcore_status status = KVCORE_OK;
    for (uint32_t g = 0; status == KVCORE_OK && g < s->count; g++) {
        if (s->rules[g].kind == KVLOGICAL_GROUP_PRIVATE) continue;
        size_t blocks = visible(s, s->rules[g].b, name_count, tokens);
        if (blocks > most) most = blocks;
        status = kvlogical__table_reserve(s, &t->of[g], blocks);
    }
    if (status == KVCORE_OK && s->spec_count > 0) status = reserve_bits(t, most / 64 + 1);
    return status;
}
