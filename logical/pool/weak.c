/* Weak guards, and what else is asked of a block that is held. */
#include "pool/batch.h"

static const guard *front(const kvlogical_weak *weak, guard *g) {
    memcpy(g, weak, sizeof *g);
    return g;
}

static bool weak_valid(const manager *m, const kvlogical_weak *weak) {
    return weak->manager == m->tier.id &&
           kvlogical__record_valid(&m->registry->records, weak->record, weak->record_generation);
}

/* Undo the holds on records that a failed batch took. */
static void let_go_of_records(manager *m, const kvlogical_weak *weak, size_t count) {
    for (size_t i = 0; i < count; i++) kvlogical__registry_let_go(m->registry, weak[i].record);
}

/* A hold on the record of each block's name, all or none. */
static kvcore_status hold_records(manager *m, const kvlogical_immutable *held, size_t count, kvlogical_weak *weak) {
    kvcore_status status = check_guards(m, held, count);
    for (size_t i = 0; status == KVCORE_OK && i < count; i++) {
        guard g = guard_at(held, i);
        uint32_t row = 0;
        enum slot_state state = m->tier.slots[g.block].state;
        if ((state == SLOT_WITHDRAWN || state == SLOT_PENDING) &&
            !registered_elsewhere(m->registry, NULL, m->tier.slots[g.block].name))
            status = KVLOGICAL_ESTATE;
        else
            status = kvlogical__record_hold(&m->registry->records, m->tier.slots[g.block].name, &row);
        if (status != KVCORE_OK) {
            let_go_of_records(m, weak, i);
            memset(weak, 0, i * sizeof *weak);
        } else {
            weak[i] =
                (kvlogical_weak){g.manager, g.block, g.generation, row, m->registry->records.rows[row].generation};
        }
    }
    return status;
}

kvcore_status kvlogical_downgrade(kvlogical_manager *m, const kvlogical_immutable *held, size_t count,
                                  kvlogical_weak *weak) {
    if (m == NULL || (count > 0 && (held == NULL || weak == NULL))) return KVCORE_EINVAL;
    manager_take(m);
    kvcore_status status = hold_records(m, held, count, weak);
    if (status == KVCORE_OK) m->weak_guards += count;
    manager_give(m);
    return status;
}

/* The block of a name, if it is certain to be the same text: a proven one may be another life of the name. */
static uint32_t find_unproven(const manager *m, kvhash_plh name) {
    uint32_t index = find_slot(m, name);
    return index != NO_SLOT && m->tier.slots[index].proven ? NO_SLOT : index;
}

kvcore_status kvlogical_upgrade(kvlogical_manager *m, const kvlogical_weak *weak, kvlogical_immutable *held) {
    if (m == NULL || weak == NULL || held == NULL) return KVCORE_EINVAL;
    manager_take(m);
    kvcore_status status = weak_valid(m, weak) ? KVCORE_OK : KVLOGICAL_EGUARD;
    if (status == KVCORE_OK && !holds_fit(m, 1)) status = KVCORE_EOVERFLOW;
    if (status == KVCORE_OK) {
        guard g, now_held = {0, 0, 0};
        uint32_t index = weak->block;
        bool alive = guard_valid(m, *front(weak, &g), OF_FOUND);
        if (!alive) index = find_unproven(m, m->registry->records.rows[weak->record].name);
        if (index != NO_SLOT) {
            hold_found(m, index, tick_now(m));
            m->metrics.inflight_immutable++;
            now_held = guard_of(m, index);
        }
        guard_put(held, 0, now_held);
    }
    manager_give(m);
    return status;
}

kvcore_status kvlogical_clone_weak(kvlogical_manager *m, const kvlogical_weak *weak, kvlogical_weak *copy) {
    if (m == NULL || weak == NULL || copy == NULL) return KVCORE_EINVAL;
    manager_take(m);
    kvcore_status status = weak_valid(m, weak) ? KVCORE_OK : KVLOGICAL_EGUARD;
    uint32_t row;
    if (status == KVCORE_OK)
        status = kvlogical__record_hold(&m->registry->records, m->registry->records.rows[weak->record].name, &row);
    if (status == KVCORE_OK) {
        *copy = *weak;
        m->weak_guards++;
    }
    manager_give(m);
    return status;
}

kvcore_status kvlogical_release_weak(kvlogical_manager *m, kvlogical_weak *weak, size_t count) {
    if (m == NULL || (count > 0 && weak == NULL)) return KVCORE_EINVAL;
    manager_take(m);
    kvcore_status status = KVCORE_OK;
    for (size_t i = 0; i < count; i++)
        if (weak[i].manager != 0 && !weak_valid(m, &weak[i])) status = KVLOGICAL_EGUARD;
    for (size_t i = 0; status != KVLOGICAL_EGUARD && i < count; i++) {
        kvlogical_weak gone = weak[i];
        memset(&weak[i], 0, sizeof weak[i]);
        if (gone.manager == 0) continue;
        if (weak_valid(m, &gone) && m->weak_guards > 0) {
            kvlogical__registry_let_go(m->registry, gone.record);
            m->weak_guards--;
        } else {
            status = KVCORE_EINVAL; /* more copies of a guard than there are holds */
        }
    }
    manager_give(m);
    return status;
}

/* ---- what a held block is ---- */

kvcore_status kvlogical_name(const kvlogical_manager *m, const kvlogical_immutable *held, kvhash_plh *name) {
    if (m == NULL || held == NULL || name == NULL) return KVCORE_EINVAL;
    manager_take(m);
    kvcore_status status = check_guards(m, held, 1);
    if (status == KVCORE_OK) *name = m->tier.slots[held->block].name;
    manager_give(m);
    return status;
}

kvcore_status kvlogical_use_count(const kvlogical_manager *m, const kvlogical_immutable *held, uint32_t *holds) {
    if (m == NULL || held == NULL || holds == NULL) return KVCORE_EINVAL;
    manager_take(m);
    kvcore_status status = check_guards(m, held, 1);
    if (status == KVCORE_OK) *holds = m->tier.slots[held->block].holds;
    manager_give(m);
    return status;
}

kvcore_status kvlogical_set_reset_on_release(kvlogical_manager *m, const kvlogical_immutable *held, bool reset) {
    if (m == NULL || held == NULL) return KVCORE_EINVAL;
    manager_take(m);
    kvcore_status status = check_guards(m, held, 1);
    if (status == KVCORE_OK) m->tier.slots[held->block].reset_on_release = reset;
    manager_give(m);
    return status;
}

kvcore_status kvlogical_registration(kvlogical_manager *m, const kvlogical_immutable *held, kvlogical_handle *handle) {
    if (m == NULL || held == NULL || handle == NULL) return KVCORE_EINVAL;
    kvlogical_weak weak;
    manager_take(m);
    kvcore_status status = hold_records(m, held, 1, &weak);
    if (status == KVCORE_OK) *handle = (kvlogical_handle){m->registry->id, weak.record, weak.record_generation};
    manager_give(m);
    return status;
}
