/* The tables of a request: their memory, what they tell, and letting go of them. */
#include "groups/set.h"
#include "pool/release.h"
#include <kvcore/config.h>

/* ---- memory ---- */

kvcore_status kvlogical__keys_reserve(const set *s, keys *k, size_t capacity) {
    if (capacity <= k->capacity) return KVCORE_OK;
    if (capacity < 2 * k->capacity) capacity = 2 * k->capacity;
    kvlogical_key *bigger = kvcore_alloc(&s->allocator, capacity, sizeof *bigger, _Alignof(kvlogical_key));
    if (bigger == NULL) return KVCORE_ENOMEM;
    kvcore_free(&s->allocator, k->list, k->capacity, sizeof *bigger, _Alignof(kvlogical_key));
    *k = (keys){bigger, 0, capacity};
    return KVCORE_OK;
}

/* What a look-up found is kept, too. */
kvcore_status kvlogical__table_reserve(const set *s, table *t, size_t capacity) {
    if (capacity <= t->capacity) return KVCORE_OK;
    if (capacity < 2 * t->capacity) capacity = 2 * t->capacity;
    uint32_t *blocks = kvcore_alloc(&s->allocator, capacity, sizeof *blocks, _Alignof(uint32_t));
    if (blocks == NULL) return KVCORE_ENOMEM;
    if (t->capacity > 0) memcpy(blocks, t->blocks, t->capacity * sizeof *blocks);
    kvcore_free(&s->allocator, t->blocks, t->capacity, sizeof *blocks, _Alignof(uint32_t));
    t->blocks = blocks;
    t->capacity = capacity;
    return KVCORE_OK;
}

kvcore_status kvlogical_tables_create(kvlogical_groups *s, kvlogical_tables **out) {
    if (out != NULL) *out = NULL;
    if (s == NULL || out == NULL) return KVCORE_EINVAL;
    tables *t = kvcore_alloc(&s->allocator, 1, sizeof *t, _Alignof(tables));
    if (t == NULL) return KVCORE_ENOMEM;
    *t = (tables){.set = s};
    manager_take(s->manager);
    s->tables++;
    manager_give(s->manager);
    *out = t;
    return KVCORE_OK;
}

void kvlogical_tables_destroy(kvlogical_tables *t) {
    if (t == NULL) return;
    kvlogical_tables_release(t);
    set *s = t->set;
    manager_take(s->manager);
    s->tables--;
    manager_give(s->manager);
    kvcore_allocator a = s->allocator;
    for (uint32_t g = 0; g < s->count; g++)
        kvcore_free(&a, t->of[g].blocks, t->of[g].capacity, sizeof(uint32_t), _Alignof(uint32_t));
    kvcore_free(&a, t->bits, t->bit_words * s->spec_count, sizeof(uint64_t), _Alignof(uint64_t));
    kvcore_free(&a, t->evicted.list, t->evicted.capacity, sizeof(kvlogical_key), _Alignof(kvlogical_key));
    kvcore_free(&a, t->stored.list, t->stored.capacity, sizeof(kvlogical_key), _Alignof(kvlogical_key));
    kvcore_free(&a, t, 1, sizeof *t, _Alignof(tables));
}

kvcore_status kvlogical_tables_reserve(kvlogical_tables *t, size_t tokens) {
    if (t == NULL) return KVCORE_EINVAL;
    const set *s = t->set;
    kvcore_status status = kvlogical__find_reserve(t, tokens / s->name_tokens, tokens);
    size_t blocks = 0;
    for (uint32_t g = 0; status == KVCORE_OK && g < s->count; g++) {
        const rule *r = &s->rules[g];
        size_t some = r->kind == KVLOGICAL_GROUP_PRIVATE ? r->span : blocks_of(tokens, r->b);
        blocks += some;
        status = kvlogical__table_reserve(s, &t->of[g], some);
    }
    if (status == KVCORE_OK) status = kvlogical__keys_reserve(s, &t->evicted, blocks);
    if (status == KVCORE_OK) status = kvlogical__keys_reserve(s, &t->stored, blocks);
    return status;
}

/* ---- looking up ---- */

kvcore_status kvlogical_tables_find(kvlogical_tables *t, const kvhash_plh *names, size_t name_count, size_t tokens,
                                    kvlogical_found *found) {
    if (t == NULL || found == NULL || found->struct_size < sizeof(size_t) || (name_count > 0 && names == NULL))
        return KVCORE_EINVAL;
    if (t->computed > 0) return KVLOGICAL_ESTATE;
    kvcore_status status = kvlogical__find_reserve(t, name_count, tokens);
    if (status != KVCORE_OK) return status;
    kvlogical_found full = KVLOGICAL_FOUND_INIT;
    manager_take(t->set->manager);
    kvlogical__find(t, names, name_count, tokens, &full);
    manager_give(t->set->manager);
    return kvcore_result_write(found, &full, sizeof full, NULL);
}

/* ---- what they tell ---- */

static kvcore_status copy_blocks(const table *t, size_t total, size_t first, uint32_t *blocks, size_t capacity,
                                 size_t *count) {
    size_t left = first < total ? total - first : 0;
    if (blocks == NULL && capacity > 0) return KVCORE_EINVAL;
    *count = blocks == NULL || left < capacity ? left : capacity;
    if (blocks != NULL && *count > 0) memcpy(blocks, t->blocks + first, *count * sizeof *blocks);
    return KVCORE_OK;
}

kvcore_status kvlogical_tables_blocks(const kvlogical_tables *t, size_t group, size_t first, uint32_t *blocks,
                                      size_t capacity, size_t *count) {
    if (t == NULL || count == NULL || group >= t->set->count) return KVCORE_EINVAL;
    return copy_blocks(&t->of[group], t->of[group].count, first, blocks, capacity, count);
}

kvcore_status kvlogical_tables_found_blocks(const kvlogical_tables *t, size_t group, size_t first, uint32_t *blocks,
                                            size_t capacity, size_t *count) {
    if (t == NULL || count == NULL || group >= t->set->count) return KVCORE_EINVAL;
    return copy_blocks(&t->of[group], t->looked_up ? t->of[group].found : 0, first, blocks, capacity, count);
}

size_t kvlogical_tables_computed_tokens(const kvlogical_tables *t) { return t == NULL ? 0 : t->computed; }

static const kvlogical_key *tell_keys(const keys *k, size_t *count) {
    if (count != NULL) *count = k->count;
    return k->list;
}

const kvlogical_key *kvlogical_tables_evicted(const kvlogical_tables *t, size_t *count) {
    static const keys none;
    return tell_keys(t == NULL ? &none : &t->evicted, count);
}

const kvlogical_key *kvlogical_tables_stored(const kvlogical_tables *t, size_t *count) {
    static const keys none;
    return tell_keys(t == NULL ? &none : &t->stored, count);
}

/* ---- letting go ---- */

static void let_go(manager *m, uint32_t *block, leaving *gone) {
    slot *s = &m->tier.slots[*block];
    uint32_t index = *block;
    *block = NO_SLOT;
    if (s->state != SLOT_MUTABLE) {
        m->holds--;
        if (--s->holds > 0) return;
    }
    kvlogical__last_hold(m, index, gone);
}

void kvlogical__let_go(set *s, table *t, size_t first, size_t end, bool over_nulls) {
    leaving gone;
    leaving_begin(&gone, s->manager->now);
    for (size_t i = end; i > first; i--) {
        if (t->blocks[i - 1] == NO_SLOT && !over_nulls) break;
        if (t->blocks[i - 1] != NO_SLOT) let_go(s->manager, &t->blocks[i - 1], &gone);
    }
    kvlogical__settle(s->manager, &gone);
}

/* Where the last blocks that a hit at the end of the named ones needs begin. */
static size_t last_window(const rule *r, const table *t) {
    size_t need = kvlogical__rule_need(r, r->eagle), end = t->named < t->count ? t->named : t->count;
    return end > need ? end - need : 0;
}

static void release_table(set *s, uint32_t group, table *t) {
    const rule *r = &s->rules[group];
    if (s->window_last && r->kind == KVLOGICAL_GROUP_WINDOW) {
        size_t from = last_window(r, t), end = t->named < t->count ? t->named : t->count;
        kvlogical__let_go(s, t, end, t->count, true);
        kvlogical__let_go(s, t, 0, from, true);
    }
    kvlogical__let_go(s, t, 0, t->count, true);
    t->count = t->found = t->named = t->past = t->last_state = 0;
}

void kvlogical_tables_release(kvlogical_tables *t) {
    if (t == NULL) return;
    set *s = t->set;
    manager_take(s->manager);
    tick_now(s->manager);
    for (uint32_t g = 0; g < s->count; g++) release_table(s, g, &t->of[g]);
    manager_give(s->manager);
    t->computed = t->hit = t->boundary = 0;
    t->looked_up = false;
    t->evicted.count = t->stored.count = 0;
}
