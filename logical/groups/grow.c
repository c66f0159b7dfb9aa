/* Growing: what left the window goes, hits are held, blocks are taken and named. */
#include <kvcore/config.h>

#include "groups/set.h"
#include "pool/release.h"
#include "pool/take.h"

/* One call, and what follows from its numbers. */
typedef struct growth {
    const kvlogical_growth *given;
    size_t start; /* computed, with the hit */
    size_t end;   /* start + new tokens */
    bool hits;    /* begin with what the look-up found */
} growth;

/* ---- 1: out of the window ---- */

static size_t past_blocks(const set *s, uint32_t group, const growth *g) {
    uint32_t kind = s->rules[group].kind;
    if (kind == KVLOGICAL_GROUP_FULL || kind == KVLOGICAL_GROUP_PRIVATE) return 0;
    return kvlogical__rule_past(&s->rules[group], g->start) / s->rules[group].b;
}

static void let_go_of_last_state(set *s, const rule *r, table *t, size_t start) {
    size_t last = t->last_state;
    if (last == 0 || last >= blocks_of(start, r->b)) return;
    kvlogical__let_go(s, t, last - 1, last, true);
}

static void let_go_of_past(set *s, uint32_t group, table *t, const growth *g) {
    const rule *r = &s->rules[group];
    bool state = r->kind == KVLOGICAL_GROUP_STATE;
    size_t past = past_blocks(s, group, g), end = past < t->count ? past : t->count;
    if (end > t->past) kvlogical__let_go(s, t, state ? t->past : 0, end, state);
    if (!state) return;
    if (end > t->past) t->past = end;
    let_go_of_last_state(s, r, t, g->start);
}

static void let_go_of_all_past(tables *t, const growth *g) {
    for (uint32_t group = 0; group < t->set->count; group++) let_go_of_past(t->set, group, &t->of[group], g);
}

/* ---- 2: does it fit? ---- */

/* Blocks that a look-up found and nobody holds, from position `first` on: holding them takes them out of the order. */
static size_t idle_hits(const set *s, const table *t, size_t first) {
    size_t idle = 0;
    for (size_t i = first; i < t->found; i++)
        idle += t->blocks[i] != NO_SLOT && s->manager->tier.slots[t->blocks[i]].state == SLOT_INACTIVE;
    return idle;
}

static size_t less(size_t a, size_t b) { return a > b ? a - b : 0; }

/* How many blocks the table will have, and how many of the new ones are real. */
static size_t table_end(const rule *r, const table *t, const growth *g) {
    if (r->kind == KVLOGICAL_GROUP_PRIVATE) return r->span;
    size_t room = t->count * r->b; /* decode: most tokens find room, and a division costs more than the rest */
    return g->end <= room && g->end + r->b > room ? t->count : blocks_of(g->end, r->b);
}

static size_t needed(const set *s, uint32_t group, const table *t, const growth *g) {
    const rule *r = &s->rules[group];
    size_t end = table_end(r, t, g), found = g->hits ? t->found : 0, past = past_blocks(s, group, g);
    if (r->kind == KVLOGICAL_GROUP_STATE) return (end > found + t->count) + (g->hits ? idle_hits(s, t, 0) : 0);
    size_t have = found + t->count > past ? found + t->count : past;
    return less(end, have) + (g->hits ? idle_hits(s, t, less(past, t->count)) : 0);
}

/* Was the key of this state given in this step? Its content is not there yet. */
static bool fresh_state(const set *s, uint32_t group, const table *t) {
    if (s->rules[group].kind != KVLOGICAL_GROUP_STATE || t->found == 0) return false;
    uint32_t last = t->blocks[t->found - 1];
    if (last == NO_SLOT) return false;
    const tier *names = &s->manager->tier;
    return names->slots[tier_find_in(names, names->slots[last].name, group)].copies.step == s->step;
}

static kvcore_status fits(const tables *t, const growth *g) {
    const set *s = t->set;
    const manager *m = s->manager;
    uint64_t need = g->given->leave_blocks, available = (uint64_t)m->in_state[SLOT_FREE] + m->in_state[SLOT_INACTIVE];
    size_t holds = 0;
    if (need > available) return KVCORE_ENOSPACE;
    for (uint32_t group = 0; group < s->count; group++) {
        if (g->hits && fresh_state(s, group, &t->of[group])) return KVCORE_EBUSY;
        need += needed(s, group, &t->of[group], g);
        holds += t->of[group].found;
    }
    if (!holds_fit(m, holds)) return KVCORE_EOVERFLOW;
    return need <= available ? KVCORE_OK : KVCORE_ENOSPACE;
}

/* ---- 3: hits ---- */

/* Is the block still found by the key that the look-up had? */
static bool still_there(const set *s, uint32_t group, uint32_t block, kvhash_plh name) {
    const slot *at = &s->manager->tier.slots[block];
    return slot_found(at) && at->group == group && kvhash_plh_equal(at->name, name);
}

static kvcore_status check_hits(const tables *t, const growth *g) {
    const set *s = t->set;
    for (uint32_t group = 0; group < s->count; group++)
        for (size_t i = 0; i < t->of[group].found; i++) {
            uint32_t block = t->of[group].blocks[i];
            if (block == NO_SLOT) continue;
            size_t at = name_at(s, group, i);
            if (at >= g->given->name_count || !still_there(s, group, block, g->given->names[at]))
                return KVLOGICAL_ESTATE;
        }
    return KVCORE_OK;
}

static void hold_hits(set *s, uint32_t group, table *t, const growth *g) {
    manager *m = s->manager;
    size_t past = past_blocks(s, group, g);
    for (size_t i = 0; i < t->found; i++) {
        if (i < past) t->blocks[i] = NO_SLOT;
        if (t->blocks[i] == NO_SLOT) continue;
        hold_hit(m, t->blocks[i], m->now);
        slot_touch(m, t->blocks[i]);
        m->metrics.match_blocks_returned++;
    }
    t->count = t->named = t->found;
}

/* ---- 4: blocks ---- */

static void take(tables *t, uint32_t group, const growth *g) {
    set *s = t->set;
    table *of = &t->of[group];
    size_t end = table_end(&s->rules[group], of, g);
    if (end <= of->count) return;
    if (s->rules[group].kind == KVLOGICAL_GROUP_STATE) {
        of->last_state = of->count;
        while (of->count + 1 < end) of->blocks[of->count++] = NO_SLOT;
    }
    t->evicted.count += kvlogical__take_blocks(s->manager, end - of->count, of->blocks + of->count,
                                               t->evicted.list + t->evicted.count, s->manager->now);
    of->count = end;
}

/* ---- 5: names ---- */

/* How many tokens of a group may have names. */
static size_t named_tokens(const set *s, const rule *r, size_t tokens) {
    if (s->named_count <= 1) return tokens;
    size_t aligned = round_down(tokens, s->align);
    if (!s->eagle || aligned == 0) return aligned;
    return aligned + r->b < tokens ? aligned + r->b : tokens;
}

static void name_one(tables *t, uint32_t group, size_t i, const kvlogical_growth *given, uint32_t *front) {
    set *s = t->set;
    uint32_t block = t->of[group].blocks[i];
    kvhash_plh name = given->names[name_at(s, group, i)];
    kvlogical__give_key(s->manager, block, name, group, front, s->manager->now);
    keys_add(&t->stored, name, block, group);
    if (s->rules[group].kind != KVLOGICAL_GROUP_STATE) return;
    tier *names = &s->manager->tier;
    names->slots[tier_find_in(names, name, group)].copies.step = s->step;
}

static void name_table_blocks(tables *t, uint32_t group, const kvlogical_growth *given, size_t tokens) {
    const set *s = t->set;
    const rule *r = &s->rules[group];
    table *of = &t->of[group];
    if (tokens < (of->named + 1) * r->b) return;
    size_t end = named_tokens(s, r, tokens) / r->b, known = given->name_count / names_a_block(s, group);
    if (end > known) end = known;
    if (r->kind == KVLOGICAL_GROUP_PRIVATE || end <= of->named) return;
    boundaries at = kvlogical__rule_boundaries(r, given->prompt_tokens, t->boundary);
    uint32_t front = NO_SLOT;
    for (size_t i = of->named; i < end; i++)
        if (of->blocks[i] != NO_SLOT && kvlogical__rule_names(r, i, &at)) name_one(t, group, i, given, &front);
    of->named = end;
}

static void name_all(tables *t, const kvlogical_growth *given) {
    size_t tokens = given->tokens < t->computed ? given->tokens : t->computed;
    for (uint32_t group = 0; group < t->set->count; group++) name_table_blocks(t, group, given, tokens);
}

/* ---- memory ---- */

/* What a call can need at most. */
typedef struct sizes {
    size_t blocks[KVLOGICAL_GROUPS_MOST];
    size_t taken, named;
} sizes;

/* How many new blocks of a group get names at most. */
static size_t to_name(const tables *t, uint32_t group, size_t end, size_t name_count) {
    const rule *r = &t->set->rules[group];
    if (r->kind == KVLOGICAL_GROUP_PRIVATE) return 0;
    if (end < (t->of[group].named + 1) * r->b) return 0;
    size_t full = end / r->b, known = name_count / names_a_block(t->set, group);
    return less(full < known ? full : known, t->of[group].named);
}

/* More blocks than the pool has are refused here, so that no number of tokens costs memory. */
static kvcore_status measure(const tables *t, const growth *g, sizes *most) {
    const set *s = t->set;
    most->taken = most->named = 0;
    for (uint32_t group = 0; group < s->count; group++) {
        const table *of = &t->of[group];
        size_t end = most->blocks[group] = table_end(&s->rules[group], of, g);
        size_t more = less(end, g->hits ? of->found : of->count);
        if (s->rules[group].kind == KVLOGICAL_GROUP_STATE) more = more > 0;
        most->taken += more;
        most->named += to_name(t, group, g->end, g->given->name_count);
        if (most->taken > s->manager->tier.slot_count) return KVCORE_ENOSPACE;
    }
    return KVCORE_OK;
}

static bool have_room(const tables *t, const sizes *most) {
    for (uint32_t group = 0; group < t->set->count; group++)
        if (t->of[group].capacity < most->blocks[group]) return false;
    return t->evicted.capacity >= most->taken && t->stored.capacity >= most->named;
}

static kvcore_status make_room(tables *t, const sizes *most) {
    kvcore_status status = kvlogical__keys_reserve(t->set, &t->evicted, most->taken);
    if (status == KVCORE_OK) status = kvlogical__keys_reserve(t->set, &t->stored, most->named);
    for (uint32_t group = 0; status == KVCORE_OK && group < t->set->count; group++)
        status = kvlogical__table_reserve(t->set, &t->of[group], most->blocks[group]);
    return status;
}

/* ---- the calls ---- */

static kvcore_status explained(kvcore_error *error, kvcore_status status) {
    if (status == KVCORE_OK) return KVCORE_OK;
    return kvcore_fail(error, &(kvcore_error){.code = status, .index = KVCORE_NO_INDEX}, "%s",
                       kvcore_status_text(status));
}

/* Names that no group has given yet. */
static kvcore_status check_names(const tables *t, const kvlogical_growth *given) {
    if (given->name_count > 0 && given->names == NULL) return KVCORE_EINVAL;
    size_t i = given->name_count;
    for (uint32_t group = 0; group < t->set->count; group++) {
        size_t named = t->of[group].named * names_a_block(t->set, group);
        if (t->set->rules[group].kind != KVLOGICAL_GROUP_PRIVATE && named < i) i = named;
    }
    for (; i < given->name_count; i++)
        if (!kvhash_plh_valid(given->names[i])) return KVHASH_EMODE;
    return KVCORE_OK;
}

static kvcore_status read_growth(kvlogical_growth *given, const tables *t, const kvlogical_growth *from,
                                 kvcore_error *error) {
    if (t == NULL) return explained(error, KVCORE_EINVAL);
    kvcore_status status = kvcore_config_read(given, sizeof *given, from, error);
    return status == KVCORE_OK ? explained(error, check_names(t, given)) : status;
}

/* The numbers of a call that begins with this hit. */
static kvcore_status begin(growth *g, const tables *t, const kvlogical_growth *given, bool hits) {
    uint64_t most = tokens_most(t->set);
    *g = (growth){.given = given, .hits = hits, .start = t->computed + (hits ? t->hit : 0)};
    if (g->start > most || given->new_tokens > most - g->start) return KVCORE_EOVERFLOW;
    g->end = g->start + given->new_tokens;
    return KVCORE_OK;
}

static kvcore_status place(tables *t, const growth *g) {
    set *s = t->set;
    kvcore_status status = g->hits ? check_hits(t, g) : KVCORE_OK;
    if (status == KVCORE_OK) status = fits(t, g);
    if (status != KVCORE_OK) return status;
    for (uint32_t group = 0; g->hits && group < s->count; group++) hold_hits(s, group, &t->of[group], g);
    for (uint32_t group = 0; group < s->count; group++) take(t, group, g);
    t->computed = g->end;
    t->looked_up = false;
    if (!s->name_later) name_all(t, g->given);
    return KVCORE_OK;
}

kvcore_status kvlogical_tables_allocate(kvlogical_tables *t, const kvlogical_growth *from, kvcore_error *error) {
    kvlogical_growth given = KVLOGICAL_GROWTH_INIT;
    growth g;
    sizes most;
    kvcore_status status = read_growth(&given, t, from, error);
    if (status != KVCORE_OK) return status;
    if (given.use_hits && !t->looked_up) return explained(error, KVLOGICAL_ESTATE);
    status = begin(&g, t, &given, given.use_hits);
    if (status != KVCORE_OK) return explained(error, status);
    bool fits_ever = measure(t, &g, &most) == KVCORE_OK;
    if (fits_ever) status = make_room(t, &most);
    if (status != KVCORE_OK) return explained(error, status);
    t->evicted.count = t->stored.count = 0;
    manager_take(t->set->manager);
    tick_now(t->set->manager);
    let_go_of_all_past(t, &g);
    status = fits_ever ? place(t, &g) : KVCORE_ENOSPACE;
    manager_give(t->set->manager);
    return explained(error, status);
}

/* Look up and grow; or, when the hit needs more memory than there is, say how much: nothing has changed then. */
static kvcore_status admit(tables *t, kvlogical_growth *given, kvlogical_found *found, sizes *most, bool *room) {
    growth g;
    size_t wanted = given->new_tokens;
    kvlogical__find(t, given->names, given->name_count, given->tokens, found);
    size_t left = less(given->tokens, t->hit);
    if (left < given->new_tokens) given->new_tokens = left;
    kvcore_status status = begin(&g, t, given, true);
    if (status == KVCORE_OK) status = measure(t, &g, most);
    *room = status != KVCORE_OK || have_room(t, most);
    if (status == KVCORE_OK && *room) status = place(t, &g);
    given->new_tokens = wanted;
    return status;
}

kvcore_status kvlogical_tables_admit(kvlogical_tables *t, const kvlogical_growth *from, kvlogical_found *found,
                                     kvcore_error *error) {
    kvlogical_growth given;
    sizes most;
    kvcore_status status = read_growth(&given, t, from, error);
    if (status != KVCORE_OK) return status;
    if (found == NULL || found->struct_size < sizeof(size_t)) return explained(error, KVCORE_EINVAL);
    if (t->computed > 0) return explained(error, KVLOGICAL_ESTATE);
    status = kvlogical__find_reserve(t, given.name_count, given.tokens);
    kvlogical_found full = KVLOGICAL_FOUND_INIT;
    t->evicted.count = t->stored.count = 0;
    for (bool room = false; status == KVCORE_OK && !room;) {
        manager_take(t->set->manager);
        tick_now(t->set->manager);
        status = admit(t, &given, &full, &most, &room);
        manager_give(t->set->manager);
        if (!room) status = make_room(t, &most);
    }
    if (kvcore_result_write(found, &full, sizeof full, NULL) != KVCORE_OK) return explained(error, KVCORE_EINVAL);
    return explained(error, status);
}

kvcore_status kvlogical_tables_name(kvlogical_tables *t, const kvlogical_growth *from) {
    kvlogical_growth given;
    kvcore_status status = read_growth(&given, t, from, NULL);
    if (status != KVCORE_OK) return status;
    size_t most = 0;
    for (uint32_t group = 0; group < t->set->count; group++) most += to_name(t, group, t->computed, given.name_count);
    status = kvlogical__keys_reserve(t->set, &t->stored, most);
    if (status != KVCORE_OK) return status;
    t->evicted.count = t->stored.count = 0;
    manager_take(t->set->manager);
    name_all(t, &given);
    manager_give(t->set->manager);
    return KVCORE_OK;
}

/* ---- a step of many requests ---- */

/* One item that is no admission, as admit(). */
static kvcore_status grow_item(kvlogical_step_item *item, const kvlogical_growth *given, sizes *most, bool *room) {
    growth g;
    tables *t = item->tables;
    if (given->use_hits && !t->looked_up) return KVLOGICAL_ESTATE;
    kvcore_status status = begin(&g, t, given, given->use_hits);
    if (status != KVCORE_OK) return status;
    item->never_fits = measure(t, &g, most) != KVCORE_OK;
    *room = item->never_fits || have_room(t, most);
    if (!*room) return KVCORE_OK;
    let_go_of_all_past(t, &g);
    return item->never_fits ? KVCORE_ENOSPACE : place(t, &g);
}

static kvcore_status admit_item(kvlogical_step_item *item, kvlogical_growth *given, sizes *most, bool *room) {
    if (item->tables->computed > 0) return KVLOGICAL_ESTATE;
    kvlogical_found full = KVLOGICAL_FOUND_INIT;
    most->taken = 0;
    kvcore_status status = admit(item->tables, given, &full, most, room);
    item->never_fits = status == KVCORE_ENOSPACE && most->taken > item->tables->set->manager->tier.slot_count;
    if (*room) (void)!kvcore_result_write(item->found, &full, sizeof full, NULL); /* its size was checked */
    return status;
}

/* Under the lock. Not *room: it needs memory first, and nothing has changed. */
static kvcore_status run_item(kvlogical_step_item *item, sizes *most, bool *room) {
    kvlogical_growth given;
    *room = true;
    item->never_fits = false;
    kvcore_status status = read_growth(&given, item->tables, item->growth, NULL);
    if (status != KVCORE_OK) return status;
    item->tables->evicted.count = item->tables->stored.count = 0;
    return item->found != NULL ? admit_item(item, &given, most, room) : grow_item(item, &given, most, room);
}

static bool good_item(const set *s, const kvlogical_step_item *item) {
    if (item->tables == NULL || item->tables->set != s || item->growth == NULL) return false;
    return item->found == NULL || item->found->struct_size >= sizeof(size_t);
}

/* What a look-up needs, and what can be told of items without the lock. */
static kvcore_status prepare_items(const set *s, kvlogical_step_item *items, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (!good_item(s, &items[i])) return KVCORE_EINVAL;
    for (size_t i = 0; i < count; i++) {
        kvlogical_growth given;
        if (items[i].found == NULL) continue;
        kvcore_status status = kvcore_config_read(&given, sizeof given, items[i].growth, NULL);
        if (status == KVCORE_OK) status = kvlogical__find_reserve(items[i].tables, given.name_count, given.tokens);
        if (status != KVCORE_OK) return status;
    }
    return KVCORE_OK;
}

static bool waits(kvcore_status status) { return status == KVCORE_ENOSPACE || status == KVCORE_EBUSY; }

/* From item *at on, until one needs memory or the end. */
static bool run_items(kvlogical_step_item *items, size_t count, bool in_order, size_t *at, size_t *scheduled,
                      sizes *most) {
    for (; *at < count; ++*at) {
        bool room;
        kvlogical_step_item *item = &items[*at];
        if (in_order && *at > 0 && waits(items[*at - 1].status)) {
            item->status = KVCORE_ENOSPACE;
            item->never_fits = false;
            continue;
        }
        kvcore_status status = run_item(item, most, &room);
        if (!room) return false;
        item->status = status;
        *scheduled += status == KVCORE_OK;
    }
    return true;
}

kvcore_status kvlogical_step(kvlogical_groups *s, kvlogical_step_item *items, size_t count, bool in_order,
                             size_t *scheduled) {
    if (s == NULL || scheduled == NULL || (count > 0 && items == NULL)) return KVCORE_EINVAL;
    kvcore_status status = prepare_items(s, items, count);
    if (status != KVCORE_OK) return status;
    sizes most;
    size_t at = 0, done = 0;
    for (bool all = false, begun = false; !all; begun = true) {
        manager_take(s->manager);
        tick_now(s->manager);
        if (!begun && ++s->step == 0) s->step = 1;
        all = run_items(items, count, in_order, &at, &done, &most);
        manager_give(s->manager);
        if (all || make_room(items[at].tables, &most) == KVCORE_OK) continue;
        items[at++].status = KVCORE_ENOMEM;
    }
    *scheduled = done;
    return KVCORE_OK;
}
