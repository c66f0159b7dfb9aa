/* What operators ask: withdraw, list, explain. */
#include "pool/batch.h"
#include "pool/promise.h"
#include "pool/result.h"

/* ---- withdraw ---- */

/* A duplicate needs no primary any more: it lets go, and stands for itself. */
static void withdraw_duplicate(manager *m, uint32_t index, uint32_t now) {
    uint32_t primary = held_primary(m, index);
    if (primary != NO_SLOT) {
        m->tier.slots[primary].holds--;
        m->holds--;
    }
    m->tier.slots[index].state = SLOT_WITHDRAWN;
    m->tier.slots[index].since = now;
    slots_moved(m, SLOT_DUPLICATE, SLOT_WITHDRAWN, 1);
}

/* The slot that the name leads to. A primary that only duplicates kept alive becomes free. */
static void withdraw_found(manager *m, uint32_t index, uint32_t *front, uint32_t now) {
    slot *s = &m->tier.slots[index];
    enum slot_state from = s->state, to = SLOT_WITHDRAWN;
    if (from == SLOT_INACTIVE) m->order.policy->revived(&m->order, &index, 1);
    drop_name(m, index, KVLOGICAL_REASON_WITHDRAWN, now);
    if (s->holds == 0) {
        slot_free(m, index, front, now);
        to = SLOT_FREE;
    } else {
        s->state = SLOT_WITHDRAWN; /* the same stay: its guards stay good */
        s->since = now;
    }
    slots_moved(m, from, to, 1);
}

/* What the name table does not lead to. Returns whether the slot was concerned. */
static bool withdraw_other(manager *m, uint32_t index, uint32_t now) {
    slot *s = &m->tier.slots[index];
    if (s->state == SLOT_DUPLICATE) {
        withdraw_duplicate(m, index, now);
        return true;
    }
    if (s->state == SLOT_PENDING) return kvlogical__withdraw_pending(m, s->name) > 0;
    if (s->state != SLOT_STAGED || s->withdrawn) return false;
    s->withdrawn = true;
    return true;
}

/* Staged slots and duplicates by name, for the time of a call: chained through `next`, which they use for nothing else. */
#define BUCKET_BITS 10
typedef struct unfound {
    uint32_t first[1 << BUCKET_BITS];
} unfound;

static uint32_t *bucket_of(const manager *m, unfound *u, kvhash_plh name) {
    return &u->first[name_tag(&m->tier.names, name) >> (32 - BUCKET_BITS)];
}

static void collect_unfound(manager *m, unfound *u) {
    for (size_t i = 0; i < sizeof u->first / sizeof *u->first; i++) u->first[i] = NO_SLOT;
    if (m->in_state[SLOT_STAGED] == 0 && m->in_state[SLOT_DUPLICATE] == 0) return;
    for (uint32_t i = m->tier.slot_count; i-- > 0;) { /* so that each chain ascends */
        slot *s = &m->tier.slots[i];
        if (s->state != SLOT_STAGED && s->state != SLOT_DUPLICATE) continue;
        uint32_t *bucket = bucket_of(m, u, s->name);
        s->next = *bucket;
        *bucket = i;
    }
}

static size_t withdraw_name(manager *m, unfound *u, kvhash_plh name, uint32_t *front, uint32_t now) {
    size_t count = kvlogical__withdraw_pending(m, name);
    for (uint32_t i = *bucket_of(m, u, name); i != NO_SLOT; i = m->tier.slots[i].next)
        if (kvhash_plh_equal(m->tier.slots[i].name, name)) count += withdraw_other(m, i, now);
    for (uint32_t index; (index = tier_first(&m->tier, name)) != NO_SLOT; count++) withdraw_found(m, index, front, now);
    return count;
}

kvcore_status kvlogical_withdraw(kvlogical_manager *m, const kvhash_plh *names, size_t count, size_t *withdrawn) {
    if (m == NULL || (count > 0 && names == NULL)) return KVCORE_EINVAL;
    manager_take(m);
    uint32_t now = tick_now(m), front = NO_SLOT;
    size_t total = 0;
    unfound others;
    collect_unfound(m, &others);
    for (size_t i = 0; i < count; i++) total += withdraw_name(m, &others, names[i], &front, now);
    m->metrics.withdrawals += total;
    manager_give(m);
    if (withdrawn != NULL) *withdrawn = total;
    return KVCORE_OK;
}

kvcore_status kvlogical_withdraw_all(kvlogical_manager *m, size_t *withdrawn) {
    if (m == NULL) return KVCORE_EINVAL;
    manager_take(m);
    uint32_t now = tick_now(m), front = NO_SLOT;
    size_t total = 0;
    for (uint32_t i = 0; i < m->tier.slot_count; i++)
        total += withdraw_other(m, i, now); /* duplicates hold their primaries */
    for (uint32_t i = 0; i < m->tier.slot_count; i++)
        if (m->tier.slots[i].state == SLOT_PRIMARY || m->tier.slots[i].state == SLOT_INACTIVE) {
            withdraw_found(m, i, &front, now);
            total++;
        }
    m->metrics.withdrawals += total;
    manager_give(m);
    if (withdrawn != NULL) *withdrawn = total;
    return KVCORE_OK;
}

/* ---- list ---- */

_Static_assert((int)SLOT_FREE == KVLOGICAL_STATE_FREE && (int)SLOT_MUTABLE == KVLOGICAL_STATE_MUTABLE &&
                   (int)SLOT_STAGED == KVLOGICAL_STATE_STAGED && (int)SLOT_PRIMARY == KVLOGICAL_STATE_PRIMARY &&
                   (int)SLOT_DUPLICATE == KVLOGICAL_STATE_DUPLICATE && (int)SLOT_INACTIVE == KVLOGICAL_STATE_INACTIVE &&
                   (int)SLOT_WITHDRAWN == KVLOGICAL_STATE_WITHDRAWN && (int)SLOT_PENDING == KVLOGICAL_STATE_PENDING,
               "states are public under the same numbers");

static bool has_name(const slot *s) { return s->state != SLOT_FREE && s->state != SLOT_MUTABLE; }

static uint32_t tick_of(const manager *m) { return (uint32_t)((coarse_ns() - m->start_ns) >> TICK_SHIFT); }

kvcore_status kvlogical_manager_read_slots(const kvlogical_manager *m, size_t first, size_t slot_bytes, void *slots,
                                           size_t capacity, size_t *count) {
    if (m == NULL || count == NULL || slot_bytes < sizeof(kvhash_plh) || (capacity > 0 && slots == NULL))
        return KVCORE_EINVAL;
    manager_take(m);
    uint32_t now = tick_of(m);
    size_t listed = 0;
    for (size_t i = first; i < m->tier.slot_count && listed < capacity; i++, listed++) {
        const slot *s = &m->tier.slots[i];
        bool in_lists = m->order.policy->level != NULL && s->state == SLOT_INACTIVE;
        kvlogical_slot full = {
            .name = has_name(s) ? s->name : (kvhash_plh){0, 0},
            .block = (uint32_t)i,
            .state = s->state,
            .holds = has_name(s) && s->state != SLOT_STAGED ? s->holds : 0,
            .level = in_lists ? m->order.policy->level(&m->order, (uint32_t)i) : 0,
            .age_ns = (uint64_t)(uint32_t)(now - s->since) * TICK_NS,
        };
        kvlogical__result_put(slots, listed, slot_bytes, &full, sizeof full);
    }
    manager_give(m);
    *count = listed;
    return KVCORE_OK;
}

/* ---- the order ---- */

static uint32_t victim_after(const manager *m, uint32_t index) {
    return m->order.policy->after == NULL ? NO_SLOT : m->order.policy->after(&m->order, index);
}

static uint32_t next_in_order(const manager *m, uint32_t index) {
    if (index != NO_SLOT && m->tier.slots[index].state == SLOT_INACTIVE) return victim_after(m, index);
    uint32_t next = index == NO_SLOT ? m->free.head : m->tier.slots[index].next;
    return next != NO_SLOT ? next : victim_after(m, NO_SLOT);
}

static bool in_order(const slot *s) { return s->state == SLOT_FREE || s->state == SLOT_INACTIVE; }

kvcore_status kvlogical_list_order(const kvlogical_manager *m, uint32_t after, uint32_t *blocks, size_t capacity,
                                   size_t *count) {
    if (m == NULL || count == NULL || (capacity > 0 && blocks == NULL)) return KVCORE_EINVAL;
    if (m->order.policy->after == NULL) return KVCORE_ENOTSUP;
    if (after != KVLOGICAL_NO_BLOCK && after >= m->tier.slot_count) return KVCORE_EINVAL;
    manager_take(m);
    kvcore_status status = after == NO_SLOT || in_order(&m->tier.slots[after]) ? KVCORE_OK : KVLOGICAL_ESTATE;
    size_t listed = 0;
    if (status == KVCORE_OK && capacity > 0)
        for (uint32_t at = next_in_order(m, after); at != NO_SLOT; at = next_in_order(m, at)) {
            blocks[listed++] = at;
            if (listed == capacity) break;
        }
    manager_give(m);
    if (status == KVCORE_OK) *count = listed;
    return status;
}

/* ---- explain ---- */

static bool explain_departure(const manager *m, kvhash_plh name, uint32_t now, kvlogical_explanation *e) {
    if (m->history_mask == UINT32_MAX) return false;
    const departure *d = departure_of(m, name);
    if (d->reason == 0 || !kvhash_plh_equal(d->name, name)) return false;
    e->reason = (uint32_t)d->reason;
    e->block = d->block;
    e->ago_ns = (uint64_t)(uint32_t)(now - d->when) * TICK_NS;
    e->evictions_since = m->metrics.evictions - d->evictions;
    if (has_name(&m->tier.slots[d->block])) e->successor = m->tier.slots[d->block].name;
    return true;
}

static kvlogical_explanation explain(const manager *m, kvhash_plh name, const kvhash_proof *proof, uint32_t now) {
    kvlogical_explanation e = {.reason = KVLOGICAL_REASON_NEVER_SEEN};
    bool others = false;
    uint32_t index = find_slot(m, name);
    if (proof != NULL) index = tier_place_proven(&m->tier, name, name_tag(&m->tier.names, name), *proof, &others)->row;
    if (index == NO_SLOT && others) {
        e.reason = KVLOGICAL_REASON_PROOF;
        e.block = find_slot(m, name);
        return e;
    }
    if (index != NO_SLOT) {
        e.reason = m->tier.slots[index].state == SLOT_INACTIVE ? KVLOGICAL_REASON_INACTIVE : KVLOGICAL_REASON_HELD;
        e.block = index;
        return e;
    }
    bool left = explain_departure(m, name, now, &e);
    for (const tier *other = m->registry->tiers; other != NULL; other = other->next) {
        if (other == &m->tier || !tier_has(other, name)) continue;
        e.reason = KVLOGICAL_REASON_OTHER_TIER;
        e.tier = other->number;
        return e;
    }
    if (!left && registered_elsewhere(m->registry, NULL, name)) e.reason = KVLOGICAL_REASON_REGISTERED;
    return e;
}

kvcore_status kvlogical_manager_read_explanations(const kvlogical_manager *m, const kvhash_plh *names,
                                                  const kvhash_proof *proofs, size_t count, size_t explanation_bytes,
                                                  void *explanations) {
    if (m == NULL || explanation_bytes < sizeof(uint32_t) || (count > 0 && (names == NULL || explanations == NULL)))
        return KVCORE_EINVAL;
    if (proofs != NULL && m->tier.proofs == NULL) return KVCORE_ENOTSUP;
    manager_take(m);
    uint32_t now = tick_of(m);
    for (size_t i = 0; i < count; i++) {
        kvlogical_explanation full = explain(m, names[i], proofs == NULL ? NULL : &proofs[i], now);
        kvlogical__result_put(explanations, i, explanation_bytes, &full, sizeof full);
    }
    manager_give(m);
    return KVCORE_OK;
}
