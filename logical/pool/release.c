/* Letting go: the last hold of a block decides where it goes. */
#include "pool/release.h"

void kvlogical__settle(manager *m, leaving *gone) {
    if (gone->count == 0) return;
    m->order.policy->released(&m->order, gone->slots, gone->count);
    slots_moved(m, SLOT_PRIMARY, SLOT_INACTIVE, gone->count);
    gone->count = 0;
}

static void last_hold_of_primary(manager *m, uint32_t index, leaving *gone) {
    if (m->tier.slots[index].reset_on_release) {
        kvlogical__settle(m, gone); /* the order comes first, as if each block were released alone */
        drop_name(m, index, KVLOGICAL_REASON_RESET, gone->now);
        slot_free(m, index, &gone->front, gone->now);
        slots_moved(m, SLOT_PRIMARY, SLOT_FREE, 1);
        return;
    }
    slot_enter(m, index, SLOT_INACTIVE, gone->now);
    gone->slots[gone->count++] = index;
    if (gone->count == GROUP) kvlogical__settle(m, gone);
}

void kvlogical__last_hold(manager *m, uint32_t index, leaving *gone) {
    enum slot_state state = m->tier.slots[index].state;
    if (state == SLOT_PRIMARY) {
        last_hold_of_primary(m, index, gone);
        return;
    }
    if (state == SLOT_PENDING) { /* the owner's hold is his alone: somebody released a joined guard twice */
        m->tier.slots[index].holds++;
        m->holds++;
        return;
    }
    uint32_t primary = state == SLOT_DUPLICATE ? held_primary(m, index) : NO_SLOT;
    slot_free(m, index, &gone->front, gone->now);
    slots_moved(m, state, SLOT_FREE, 1);
    if (primary == NO_SLOT) return;
    m->holds--; /* a duplicate lets go of it after itself */
    if (--m->tier.slots[primary].holds == 0) last_hold_of_primary(m, primary, gone);
}

/* Immutable guards and pins. */
static kvcore_status release_held(manager *m, void *held, size_t count, bool tail_first, bool counted) {
    if (m == NULL || (count > 0 && held == NULL)) return KVCORE_EINVAL;
    manager_take(m);
    leaving gone;
    leaving_begin(&gone, tick_now(m));
    size_t released = 0;
    kvcore_status status = check_release(m, held, count, OF_SHARED);
    for (size_t k = 0; status != KVLOGICAL_EGUARD && k < count; k++) {
        size_t i = tail_first ? count - 1 - k : k;
        guard g = guard_at(held, i);
        if (g.manager == 0) continue;
        guard_put(held, i, (guard){0});
        if (!guard_valid(m, g, OF_SHARED)) {
            status = KVCORE_EINVAL; /* more copies of a guard than there are holds */
            continue;
        }
        released++;
        if (--m->tier.slots[g.block].holds == 0) kvlogical__last_hold(m, g.block, &gone);
    }
    kvlogical__settle(m, &gone);
    m->holds -= released;
    if (counted) m->metrics.inflight_immutable -= (int64_t)released;
    manager_give(m);
    return status;
}

kvcore_status kvlogical_release(kvlogical_manager *m, kvlogical_immutable *held, size_t count) {
    return release_held(m, held, count, false, true);
}

kvcore_status kvlogical_release_tail_first(kvlogical_manager *m, kvlogical_immutable *held, size_t count) {
    return release_held(m, held, count, true, true);
}

kvcore_status kvlogical_release_pins(kvlogical_manager *m, kvlogical_pin *pins, size_t count) {
    return release_held(m, pins, count, false, false);
}

/* Mutable and complete guards: the sole holders of their blocks. */
static kvcore_status release_sole(manager *m, void *guards, size_t count, enum slot_state state) {
    if (m == NULL || (count > 0 && guards == NULL)) return KVCORE_EINVAL;
    manager_take(m);
    uint32_t now = tick_now(m), front = NO_SLOT;
    size_t released = 0;
    enum guard_kind kind = (enum guard_kind)(1 << state);
    kvcore_status status = check_release(m, guards, count, kind);
    for (size_t i = 0; status != KVLOGICAL_EGUARD && i < count; i++) {
        guard g = guard_at(guards, i);
        if (g.manager == 0) continue;
        guard_put(guards, i, (guard){0});
        if (!guard_valid(m, g, kind)) {
            status = KVCORE_EINVAL;
            continue;
        }
        slot_free(m, g.block, &front, now);
        released++;
    }
    slots_moved(m, state, SLOT_FREE, released);
    manager_give(m);
    return status;
}

kvcore_status kvlogical_release_mutable(kvlogical_manager *m, kvlogical_mutable *blocks, size_t count) {
    return release_sole(m, blocks, count, SLOT_MUTABLE);
}

kvcore_status kvlogical_release_complete(kvlogical_manager *m, kvlogical_complete *staged, size_t count) {
    return release_sole(m, staged, count, SLOT_STAGED);
}
