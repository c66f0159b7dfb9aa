/* Making a set of groups; steps and resets. */
#include "groups/set.h"

#include <kvcore/config.h>

#include "pool/take.h"

static kvcore_status bad(kvcore_error *error, kvcore_status code, uint64_t index, uint64_t actual, const char *text) {
    return kvcore_fail(error, &(kvcore_error){.code = code, .index = index, .actual = actual}, "%s, got %llu", text,
                       (unsigned long long)actual);
}

/* ---- what a configuration must be ---- */

static uint64_t divisor(uint64_t a, uint64_t b) {
    while (b != 0) {
        uint64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

static kvcore_status check_group(const kvlogical_group *g, size_t index, uint32_t name_tokens, kvcore_error *error) {
    if (g->kind < KVLOGICAL_GROUP_FULL || g->kind > KVLOGICAL_GROUP_PRIVATE)
        return bad(error, KVCORE_ECONFIG, index, g->kind, "kind must be a KVLOGICAL_GROUP_ value");
    if (g->block_tokens == 0 || g->block_tokens % name_tokens != 0)
        return bad(error, KVCORE_ECONFIG, index, g->block_tokens, "block_tokens must be a multiple of the manager's");
    bool spans = g->kind != KVLOGICAL_GROUP_FULL && g->kind != KVLOGICAL_GROUP_STATE;
    if (spans != (g->span > 0))
        return bad(error, KVCORE_ECONFIG, index, g->span,
                   "span must be at least 1 for WINDOW, CHUNK and PRIVATE, and 0 for others");
    return KVCORE_OK;
}

/* A, or 0 with the error told. */
static uint32_t read_align(const kvlogical_groups_config *config, uint32_t name_tokens, kvcore_error *error) {
    uint64_t align = 1;
    for (size_t i = 0; i < config->group_count; i++) {
        const kvlogical_group *g = &config->groups[i];
        if (check_group(g, i, name_tokens, error) != KVCORE_OK) return 0;
        if (g->kind == KVLOGICAL_GROUP_PRIVATE) continue;
        align = align / divisor(align, g->block_tokens) * g->block_tokens;
        if (align <= KVLOGICAL_GROUPS_ALIGN_MOST) continue;
        (void)bad(error, KVCORE_ECONFIG, i, align,
                  "the least common multiple of all block_tokens must be at most 1048576");
        return 0;
    }
    return (uint32_t)align;
}

static kvcore_status check_chunks(const kvlogical_groups_config *config, uint32_t align, kvcore_error *error) {
    for (size_t i = 0; i < config->group_count; i++) {
        const kvlogical_group *g = &config->groups[i];
        if (g->kind != KVLOGICAL_GROUP_CHUNK) continue;
        if (g->block_tokens != align)
            return bad(error, KVCORE_ECONFIG, i, g->block_tokens,
                       "block_tokens of CHUNK must be the least common multiple of all");
        if (config->eagle) return bad(error, KVCORE_ECONFIG, i, 1, "eagle is not possible with CHUNK");
    }
    return KVCORE_OK;
}

static kvcore_status check(const kvlogical_groups_config *config, const manager *m, uint32_t *align,
                           kvcore_error *error) {
    if (config->group_count == 0 || config->group_count > KVLOGICAL_GROUPS_MOST)
        return bad(error, KVCORE_ECONFIG, KVCORE_NO_INDEX, config->group_count, "group_count must be 1 to 16");
    if (config->groups == NULL) return bad(error, KVCORE_EINVAL, KVCORE_NO_INDEX, 0, "groups must be given");
    if (!m->has_groups || m->tier.groups != config->group_count)
        return bad(error, KVCORE_ECONFIG, KVCORE_NO_INDEX, config->group_count,
                   "group_count must be what the manager was made for");
    if (m->reject_duplicates)
        return bad(error, KVCORE_ECONFIG, KVCORE_NO_INDEX, KVLOGICAL_DUPLICATES_REJECT,
                   "groups need duplicates to be allowed or kept");
    if (config->release > KVLOGICAL_RELEASE_WINDOW_LAST)
        return bad(error, KVCORE_ECONFIG, KVCORE_NO_INDEX, config->release,
                   "release must be a KVLOGICAL_RELEASE_ value");
    if ((config->allocator.alloc == NULL) != (config->allocator.free == NULL))
        return bad(error, KVCORE_ECONFIG, KVCORE_NO_INDEX, 0, "allocator needs both alloc and free, or neither");
    *align = read_align(config, m->block_tokens, error);
    if (*align == 0) return KVCORE_ECONFIG;
    if (config->retention != KVLOGICAL_RETAIN_LATEST && config->retention % *align != 0)
        return bad(error, KVCORE_ECONFIG, KVCORE_NO_INDEX, config->retention,
                   "retention must be a multiple of the least common multiple of all block_tokens");
    return check_chunks(config, *align, error);
}

/* ---- making ---- */

static bool same_rule(const rule *a, const rule *b) { return a->kind == b->kind && a->b == b->b && a->span == b->span; }

static void add_spec(set *s, uint32_t group) {
    for (uint32_t i = 0; i < s->spec_count; i++)
        if (same_rule(&s->specs[i].rule, &s->rules[group])) {
            s->specs[i].members |= UINT32_C(1) << group;
            return;
        }
    s->specs[s->spec_count++] = (spec){s->rules[group], UINT32_C(1) << group};
}

static void add_specs(set *s, bool full) {
    for (uint32_t g = 0; g < s->count; g++) {
        bool named = s->rules[g].kind != KVLOGICAL_GROUP_PRIVATE;
        if (!named || (s->rules[g].kind == KVLOGICAL_GROUP_FULL) != full) continue;
        s->named_count++;
        add_spec(s, g);
    }
}

static void fill(set *s, manager *m, const kvlogical_groups_config *config, uint32_t align) {
    *s = (set){.manager = m,
               .count = (uint32_t)config->group_count,
               .name_tokens = m->block_tokens,
               .align = align,
               .eagle = config->eagle,
               .name_later = config->name_later,
               .window_last = config->release == KVLOGICAL_RELEASE_WINDOW_LAST,
               .step = 1,
               .allocator = config->allocator};
    for (uint32_t g = 0; g < s->count; g++) {
        const kvlogical_group *given = &config->groups[g];
        s->rules[g] = (rule){.kind = given->kind,
                             .span = given->span,
                             .b = given->block_tokens,
                             .align = align,
                             .retention = config->retention,
                             .eagle = config->eagle};
    }
    add_specs(s, true);
    add_specs(s, false);
}

kvcore_status kvlogical_groups_create(kvlogical_manager *m, const kvlogical_groups_config *given,
                                      kvlogical_groups **out, kvcore_error *error) {
    if (m == NULL || out == NULL)
        return bad(error, KVCORE_EINVAL, KVCORE_NO_INDEX, 0, "manager and groups must be given");
    *out = NULL;
    kvlogical_groups_config config;
    uint32_t align = 0;
    kvcore_status status = kvcore_config_read(&config, sizeof config, given, error);
    if (status == KVCORE_OK) status = check(&config, m, &align, error);
    if (status != KVCORE_OK) return status;
    if (config.allocator.alloc == NULL) config.allocator = kvcore_allocator_libc();
    set *s = kvcore_alloc(&config.allocator, 1, sizeof *s, _Alignof(set));
    if (s == NULL) return bad(error, KVCORE_ENOMEM, KVCORE_NO_INDEX, sizeof *s, "no memory for the groups' bytes");
    fill(s, m, &config, align);
    *out = s;
    return KVCORE_OK;
}

kvcore_status kvlogical_groups_destroy(kvlogical_groups *s) {
    if (s == NULL) return KVCORE_OK;
    manager_take(s->manager);
    bool busy = s->tables > 0;
    manager_give(s->manager);
    if (busy) return KVCORE_EBUSY;
    kvcore_allocator allocator = s->allocator;
    kvcore_free(&allocator, s, 1, sizeof *s, _Alignof(set));
    return KVCORE_OK;
}

uint32_t kvlogical_groups_align_tokens(const kvlogical_groups *s) { return s == NULL ? 0 : s->align; }

/* ---- steps and resets ---- */

void kvlogical_groups_step(kvlogical_groups *s) {
    if (s == NULL) return;
    manager_take(s->manager);
    if (++s->step == 0) s->step = 1; /* 0 means never */
    manager_give(s->manager);
}

kvcore_status kvlogical_groups_reset(kvlogical_groups *s, kvcore_error *error) {
    if (s == NULL) return bad(error, KVCORE_EINVAL, KVCORE_NO_INDEX, 0, "groups must be given");
    manager *m = s->manager;
    manager_take(m);
    uint64_t unheld = (uint64_t)m->in_state[SLOT_FREE] + m->in_state[SLOT_INACTIVE], total = m->tier.slot_count;
    if (unheld == total) kvlogical__reset_inactive(m);
    manager_give(m);
    if (unheld == total) return KVCORE_OK;
    return kvcore_fail(
        error, &(kvcore_error){.code = KVCORE_EBUSY, .index = KVCORE_NO_INDEX, .expected = total, .actual = unheld},
        "Only %llu of %llu blocks are held by nobody", (unsigned long long)unheld, (unsigned long long)total);
}
