/* What must hold between the records of a manager; each check names its invariant. */
#include "pool/list_check.h"
#include "pool/manager.h"

static kvcore_status validate_free(const manager *m, kvcore_error *error) {
    static const char invariant[] = "the free list holds exactly the free slots";
    uint32_t count;
    kvcore_status status =
        kvlogical__list_check(&m->free, m->tier.slots, m->tier.slot_count, SLOT_FREE, &count, invariant, error);
    if (status == KVCORE_OK && count != m->in_state[SLOT_FREE])
        status = kvlogical__broken(error, KVCORE_NO_INDEX, invariant);
    return status;
}

static kvcore_status validate_states(const manager *m, kvcore_error *error) {
    uint32_t in_state[SLOT_STATES] = {0};
    for (uint32_t i = 0; i < m->tier.slot_count; i++) {
        if (m->tier.slots[i].state >= SLOT_STATES)
            return kvlogical__broken(error, i, "a slot is in one of the eight states");
        in_state[m->tier.slots[i].state]++;
    }
    for (int state = 0; state < SLOT_STATES; state++)
        if (in_state[state] != m->in_state[state])
            return kvlogical__broken(error, KVCORE_NO_INDEX, "the counts of states are those of the slots");
    return KVCORE_OK;
}

static kvcore_status validate_holds(const manager *m, kvcore_error *error) {
    uint64_t holds = 0;
    for (uint32_t i = 0; i < m->tier.slot_count; i++) {
        const slot *s = &m->tier.slots[i];
        bool shared = s->state == SLOT_PRIMARY || s->state == SLOT_DUPLICATE || s->state == SLOT_WITHDRAWN ||
                      s->state == SLOT_PENDING;
        if (shared != (s->holds > 0)) return kvlogical__broken(error, i, "shared slots, and only they, have holds");
        holds += s->holds;
        if (s->state != SLOT_DUPLICATE) continue;
        const slot *primary = s->companion < m->tier.slot_count ? &m->tier.slots[s->companion] : NULL;
        if (primary != NULL && primary->generation != s->previous)
            continue; /* copies of its guard released it too often */
        if (primary == NULL || primary->state != SLOT_PRIMARY || !kvhash_plh_equal(primary->name, s->name))
            return kvlogical__broken(error, i, "a duplicate keeps the primary of its name alive");
    }
    if (holds != m->holds) return kvlogical__broken(error, KVCORE_NO_INDEX, "the sum of holds is that of the slots");
    return KVCORE_OK;
}

/* The slot that the name and the proof of this one lead to. */
static uint32_t find_life(const manager *m, uint32_t index) {
    const slot *s = &m->tier.slots[index];
    uint32_t tag = name_tag_in(&m->tier.names, s->name, s->group);
    if (!s->proven) return tier_find_in(&m->tier, s->name, s->group);
    kvhash_proof proof = {0, 0};
    bool others;
    const uint64_t *own = tier_proof(&m->tier, index);
    proof.low = own[0];
    if (m->tier.proof_words == 2) proof.high = own[1];
    return tier_place_proven(&m->tier, s->name, tag, proof, &others)->row;
}

static bool same_key(const slot *a, const slot *b) {
    return a->group == b->group && kvhash_plh_equal(a->name, b->name);
}

/* How many found slots are not the first of their key? */
static kvcore_status validate_copies(const manager *m, uint64_t *copies, kvcore_error *error) {
    static const char invariant[] = "the slots of one key are in one ring, and the names lead to its first";
    const slot *slots = m->tier.slots;
    *copies = 0;
    for (uint32_t i = 0; m->tier.shares_keys && i < m->tier.slot_count; i++) {
        if (!slot_found(&slots[i])) continue;
        uint32_t after = slots[i].copies.after;
        if (after >= m->tier.slot_count || slots[after].copies.before != i || !slot_found(&slots[after]) ||
            !same_key(&slots[i], &slots[after]))
            return kvlogical__broken(error, i, invariant);
        if (!slots[i].behind && find_life(m, i) != i) return kvlogical__broken(error, i, invariant);
        *copies += slots[i].behind;
    }
    return KVCORE_OK;
}

static kvcore_status validate_names(const manager *m, kvcore_error *error) {
    uint64_t entries = 0;
    for (uint64_t i = 0; i < m->tier.names.capacity; i++) {
        name_entry entry = m->tier.names.entries[i];
        if (entry.row == NO_ROW) continue;
        entries++;
        if (entry.row >= m->tier.slot_count ||
            (m->tier.slots[entry.row].state != SLOT_PRIMARY && m->tier.slots[entry.row].state != SLOT_INACTIVE))
            return kvlogical__broken(error, entry.row, "names lead to primaries and inactive slots only");
        kvhash_plh name = m->tier.slots[entry.row].name;
        uint32_t group = m->tier.slots[entry.row].group;
        if (group >= m->tier.groups || entry.tag != name_tag_in(&m->tier.names, name, group) ||
            find_life(m, entry.row) != entry.row)
            return kvlogical__broken(error, entry.row, "a name leads to its one slot");
    }
    uint64_t copies;
    kvcore_status status = validate_copies(m, &copies, error);
    if (status != KVCORE_OK) return status;
    if (entries + copies != (uint64_t)m->in_state[SLOT_PRIMARY] + m->in_state[SLOT_INACTIVE])
        return kvlogical__broken(error, KVCORE_NO_INDEX, "every primary and inactive slot is found by name");
    return KVCORE_OK;
}

/* Each promised name that was not withdrawn leads to its pending slot. */
static kvcore_status validate_promises(const manager *m, kvcore_error *error) {
    static const char invariant[] = "promised names lead to pending slots, each to its own";
    uint64_t entries = 0, pending = 0;
    for (uint64_t i = 0; i < m->promises.capacity; i++) entries += m->promises.entries[i].row != NO_ROW;
    for (uint32_t i = 0; i < m->tier.slot_count; i++) {
        const slot *s = &m->tier.slots[i];
        if (s->state != SLOT_PENDING || s->withdrawn) continue;
        if (name_find(&m->promises, m->tier.slots, sizeof(slot), s->name) != i || s->claimed)
            return kvlogical__broken(error, i, invariant);
        pending++;
    }
    return entries == pending ? KVCORE_OK : kvlogical__broken(error, KVCORE_NO_INDEX, invariant);
}

/* Every name of this manager and of its siblings, and every record held, counts once. */
static kvcore_status validate_registered(const manager *m, kvcore_error *error) {
    const registry *r = m->registry;
    uint64_t names = 0;
    for (const tier *at = r->tiers; at != NULL; at = at->next)
        for (uint32_t i = 0; i < at->slot_count; i++) {
            const slot *s = &at->slots[i];
            if (!slot_stands(at, i)) continue;
            bool counted = false;
            for (const tier *before = r->tiers; before != at; before = before->next)
                counted = counted || tier_has(before, s->name);
            names += !counted;
        }
    for (uint32_t row = 0; row < r->records.used; row++) {
        const record *rec = &r->records.rows[row];
        if (!rec->used) continue;
        bool counted = false;
        for (const tier *at = r->tiers; at != NULL; at = at->next) counted = counted || tier_has(at, rec->name);
        if (rec->holds == 0 && !counted)
            return kvlogical__broken(error, row, "a record is held, or kept for a name that blocks have");
        names += !counted;
    }
    return names == r->registered
               ? KVCORE_OK
               : kvlogical__broken(error, KVCORE_NO_INDEX, "names are registered while something holds them");
}

kvcore_status kvlogical_manager_validate(const kvlogical_manager *m, kvcore_error *error) {
    if (m == NULL)
        return kvcore_fail(error, &(kvcore_error){.code = KVCORE_EINVAL, .index = KVCORE_NO_INDEX}, "manager is NULL");
    manager_take(m);
    kvcore_status status = validate_states(m, error);
    if (status == KVCORE_OK) status = validate_free(m, error);
    if (status == KVCORE_OK) status = m->order.policy->validate(&m->order, m->in_state[SLOT_INACTIVE], error);
    if (status == KVCORE_OK) status = validate_holds(m, error);
    if (status == KVCORE_OK) status = validate_names(m, error);
    if (status == KVCORE_OK) status = validate_promises(m, error);
    if (status == KVCORE_OK) status = validate_registered(m, error);
    manager_give(m);
    return status;
}
