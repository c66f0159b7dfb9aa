#include "validate.h"

kvcore_status kvlogical__broken(kvcore_error *error, uint64_t index, const char *invariant) {
    return kvcore_fail(error, &(kvcore_error){.code = KVCORE_EINVARIANT, .index = index}, "%s", invariant);
}

/* Both links of every member agree and the walk ends at the tail: so no slot can be met twice. */
kvcore_status kvlogical__validate_list(const manager *m, const list *l, enum slot_state state, const char *invariant,
                                       kvcore_error *error) {
    uint32_t count = 0, previous = NO_SLOT;
    for (uint32_t at = l->head; at != NO_SLOT; at = m->slots[at].next) {
        if (at >= m->slot_count || m->slots[at].state != state || m->slots[at].previous != previous ||
            ++count > m->in_state[state])
            return kvlogical__broken(error, at, invariant);
        previous = at;
    }
    if (l->tail != previous || count != m->in_state[state]) return kvlogical__broken(error, KVCORE_NO_INDEX, invariant);
    return KVCORE_OK;
}

static kvcore_status validate_states(const manager *m, kvcore_error *error) {
    uint32_t in_state[SLOT_INACTIVE + 1] = {0};
    for (uint32_t i = 0; i < m->slot_count; i++) {
        if (m->slots[i].state > SLOT_INACTIVE) return kvlogical__broken(error, i, "a slot is in one of the six states");
        in_state[m->slots[i].state]++;
    }
    for (int state = 0; state <= SLOT_INACTIVE; state++)
        if (in_state[state] != m->in_state[state])
            return kvlogical__broken(error, KVCORE_NO_INDEX, "the counts of states are those of the slots");
    return KVCORE_OK;
}

static kvcore_status validate_holds(const manager *m, kvcore_error *error) {
    uint64_t holds = 0;
    for (uint32_t i = 0; i < m->slot_count; i++) {
        const slot *s = &m->slots[i];
        bool shared = s->state == SLOT_PRIMARY || s->state == SLOT_DUPLICATE;
        if (shared != (s->holds > 0))
            return kvlogical__broken(error, i, "primaries and duplicates, and only they, have holds");
        holds += s->holds;
        if (s->state != SLOT_DUPLICATE) continue;
        if (s->primary >= m->slot_count || m->slots[s->primary].state != SLOT_PRIMARY ||
            !kvhash_plh_equal(m->slots[s->primary].name, s->name))
            return kvlogical__broken(error, i, "a duplicate keeps the primary of its name alive");
    }
    if (holds != m->holds) return kvlogical__broken(error, KVCORE_NO_INDEX, "the sum of holds is that of the slots");
    return KVCORE_OK;
}

static kvcore_status validate_names(const manager *m, kvcore_error *error) {
    uint64_t entries = 0;
    for (uint64_t i = 0; i < m->names.capacity; i++) {
        name_entry entry = m->names.entries[i];
        if (entry.slot == NO_SLOT) continue;
        entries++;
        if (entry.slot >= m->slot_count ||
            (m->slots[entry.slot].state != SLOT_PRIMARY && m->slots[entry.slot].state != SLOT_INACTIVE))
            return kvlogical__broken(error, entry.slot, "names lead to primaries and inactive slots only");
        kvhash_plh name = m->slots[entry.slot].name;
        if (entry.tag != name_tag(&m->names, name) || name_find(&m->names, m->slots, name, entry.tag) != entry.slot)
            return kvlogical__broken(error, entry.slot, "a name leads to its one slot");
    }
    if (entries != (uint64_t)m->in_state[SLOT_PRIMARY] + m->in_state[SLOT_INACTIVE])
        return kvlogical__broken(error, KVCORE_NO_INDEX, "every primary and inactive slot is found by name");
    return KVCORE_OK;
}

kvcore_status kvlogical_manager_validate(const kvlogical_manager *m, kvcore_error *error) {
    if (m == NULL)
        return kvcore_fail(error, &(kvcore_error){.code = KVCORE_EINVAL, .index = KVCORE_NO_INDEX}, "manager is NULL");
    lock_take(m->lock);
    kvcore_status status = validate_states(m, error);
    if (status == KVCORE_OK)
        status = kvlogical__validate_list(m, &m->free, SLOT_FREE, "the free list holds exactly the free slots", error);
    if (status == KVCORE_OK) status = m->eviction->validate(m, error);
    if (status == KVCORE_OK) status = validate_holds(m, error);
    if (status == KVCORE_OK) status = validate_names(m, error);
    lock_give(m->lock);
    return status;
}
