/* Looking names up: each hit is held for the caller. */
#include "pool/attributes.h"
#include "pool/batch.h"

static void touch_all(const manager *m, const kvlogical_immutable *held, size_t count) {
    for (size_t i = 0; m->counters_in_slots && i < count; i++)
        kvlogical__frequency_prefetch(m->registry->frequency, m->tier.slots[held[i].block].counters);
    for (size_t i = 0; i < count; i++) slot_touch(m, held[i].block);
}

/* At most a group. */
static void hit_all(manager *m, const kvlogical_immutable *held, size_t count) {
    uint32_t slots[GROUP];
    for (size_t i = 0; i < count; i++) slots[i] = held[i].block;
    m->order.policy->hit(&m->order, slots, count);
}

/* The slot of a name, with this proof if there is one. A name that is here with other proofs alone is a miss, and counted. */
static inline uint32_t find_one(manager *m, kvhash_plh name, const kvhash_proof *proof, uint32_t tag,
                                uint32_t candidate) {
    if (proof == NULL) return name_find_at(&m->tier.names, m->tier.slots, sizeof(slot), name, tag, candidate);
    bool others;
    uint32_t index = tier_place_proven(&m->tier, name, tag, *proof, &others)->row;
    m->metrics.proof_mismatches += index == NO_SLOT && others;
    return index;
}

static void fetch_proofs(const manager *m, const uint32_t *candidates, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (candidates[i] != NO_SLOT) __builtin_prefetch(tier_proof(&m->tier, candidates[i]));
}

/* proofs: one a name, or NULL. */
static kvcore_status match_prefix(manager *m, const kvhash_plh *names, const kvhash_proof *proofs, size_t count,
                                  kvlogical_immutable *held, size_t *hits) {
    if (m == NULL || hits == NULL || (count > 0 && (names == NULL || held == NULL))) return KVCORE_EINVAL;
    manager_take(m);
    if (!holds_fit(m, count)) {
        manager_give(m);
        return KVCORE_EOVERFLOW;
    }
    uint32_t now = tick_now(m);
    size_t found = 0;
    if (m->order.policy->begins != NULL) m->order.policy->begins(&m->order);
    for (bool miss = false; !miss && found < count;) {
        uint32_t tags[GROUP], candidates[GROUP], revived[GROUP];
        size_t first = found, group = group_size(found, count), revived_count = 0;
        look_up(m, names + first, group, tags, candidates);
        if (proofs != NULL) fetch_proofs(m, candidates, group);
        for (size_t i = 0; i < group; i++) {
            const kvhash_proof *proof = proofs == NULL ? NULL : &proofs[first + i];
            uint32_t index = find_one(m, names[first + i], proof, tags[i], candidates[i]);
            if ((miss = index == NO_SLOT)) break;
            slot *s = &m->tier.slots[index];
            if (s->state == SLOT_INACTIVE) {
                revived[revived_count++] = index;
                slot_enter(m, index, SLOT_PRIMARY, now);
                s->companion = 0;
            }
            s->holds++;
            guard_put(held, found++, guard_of(m, index));
        }
        m->holds += found - first;
        if (m->registry->tracker.touch != NULL) touch_all(m, held + first, found - first);
        if (m->order.policy->hit != NULL) hit_all(m, held + first, found - first);
        if (revived_count == 0) continue;
        m->order.policy->revived(&m->order, revived, revived_count);
        slots_moved(m, SLOT_INACTIVE, SLOT_PRIMARY, revived_count);
    }
    m->metrics.match_hashes_requested += count;
    m->metrics.match_blocks_returned += found;
    m->metrics.inflight_immutable += (int64_t)found;
    manager_give(m);
    *hits = found;
    return KVCORE_OK;
}

kvcore_status kvlogical_match_prefix(kvlogical_manager *m, const kvhash_plh *names, size_t count,
                                     kvlogical_immutable *held, size_t *hits) {
    return match_prefix(m, names, NULL, count, held, hits);
}

kvcore_status kvlogical_match_prefix_with(kvlogical_manager *m, const kvhash_plh *names, size_t count,
                                          const kvlogical_attributes *given, kvlogical_immutable *held, size_t *hits,
                                          kvcore_error *error) {
    kvlogical_attributes attributes;
    kvcore_status status = kvlogical__attributes_read(&attributes, given, m, 0, count, error);
    if (status != KVCORE_OK) return status;
    status = match_prefix(m, names, attributes.proofs, count, held, hits);
    return kvlogical__explained(error, status);
}

kvcore_status kvlogical_match_scattered(kvlogical_manager *m, const kvhash_plh *names, size_t count,
                                        kvlogical_immutable *held, size_t *hits) {
    if (m == NULL || hits == NULL || (count > 0 && (names == NULL || held == NULL))) return KVCORE_EINVAL;
    manager_take(m);
    if (!holds_fit(m, count)) {
        manager_give(m);
        return KVCORE_EOVERFLOW;
    }
    uint32_t now = tick_now(m);
    size_t found = 0;
    if (m->order.policy->begins != NULL) m->order.policy->begins(&m->order);
    for (size_t done = 0; done < count;) {
        uint32_t tags[GROUP], candidates[GROUP];
        size_t group = group_size(done, count);
        look_up(m, names + done, group, tags, candidates);
        for (size_t i = 0; i < group; i++) {
            uint32_t index =
                name_find_at(&m->tier.names, m->tier.slots, sizeof(slot), names[done + i], tags[i], candidates[i]);
            guard g = {0, 0, 0};
            if (index != NO_SLOT) {
                hold_hit(m, index, now);
                slot_touch(m, index);
                g = guard_of(m, index);
                found++;
            }
            guard_put(held, done + i, g);
        }
        done += group;
    }
    m->metrics.match_hashes_requested += count;
    m->metrics.match_blocks_returned += found;
    m->metrics.inflight_immutable += (int64_t)found;
    manager_give(m);
    *hits = found;
    return KVCORE_OK;
}

/* Each primary carries the number of the last scan that met it; so a name that repeats is seen without a set. */
static uint32_t next_scan(manager *m) {
    if (++m->last_scan == 0) {
        for (uint32_t i = 0; i < m->tier.slot_count; i++)
            if (m->tier.slots[i].state == SLOT_PRIMARY) m->tier.slots[i].companion = 0;
        m->last_scan = 1;
    }
    return m->last_scan;
}

kvcore_status kvlogical_scan(kvlogical_manager *m, const kvhash_plh *names, size_t count, bool touch,
                             kvlogical_immutable *held, size_t *indices, size_t *found) {
    if (m == NULL || found == NULL || (count > 0 && (names == NULL || held == NULL || indices == NULL)))
        return KVCORE_EINVAL;
    manager_take(m);
    if (!holds_fit(m, count)) {
        manager_give(m);
        return KVCORE_EOVERFLOW;
    }
    uint32_t now = tick_now(m), scan = next_scan(m);
    size_t distinct = 0;
    if (m->order.policy->begins != NULL) m->order.policy->begins(&m->order);
    for (size_t done = 0; done < count;) {
        uint32_t tags[GROUP], candidates[GROUP];
        size_t group = group_size(done, count);
        look_up(m, names + done, group, tags, candidates);
        for (size_t i = 0; i < group; i++) {
            kvhash_plh name = names[done + i];
            uint32_t index = name_find_at(&m->tier.names, m->tier.slots, sizeof(slot), name, tags[i], candidates[i]);
            if (touch && (index != NO_SLOT || registered_elsewhere(m->registry, &m->tier, name)))
                registry_touch(m->registry, name);
            if (index == NO_SLOT ||
                (m->tier.slots[index].state == SLOT_PRIMARY && m->tier.slots[index].companion == scan))
                continue;
            hold_hit(m, index, now);
            m->tier.slots[index].companion = scan;
            guard_put(held, distinct, guard_of(m, index));
            indices[distinct++] = done + i;
        }
        done += group;
    }
    m->metrics.scan_hashes_requested += count;
    m->metrics.scan_blocks_returned += distinct;
    m->metrics.inflight_immutable += (int64_t)distinct;
    manager_give(m);
    *found = distinct;
    return KVCORE_OK;
}

/* One more hold on each, into any kind of guard. */
static kvcore_status hold_again(manager *m, const void *held, size_t count, void *copies, bool counted) {
    if (m == NULL || (count > 0 && (held == NULL || copies == NULL))) return KVCORE_EINVAL;
    manager_take(m);
    kvcore_status status = holds_fit(m, count) ? check_guards(m, held, count) : KVCORE_EOVERFLOW;
    for (size_t i = 0; status == KVCORE_OK && i < count; i++)
        if (m->tier.slots[guard_at(held, i).block].broken) status = KVLOGICAL_ESTATE;
    if (status == KVCORE_OK) {
        for (size_t i = 0; i < count; i++) {
            guard g = guard_at(held, i);
            m->tier.slots[g.block].holds++;
            guard_put(copies, i, g);
        }
        m->holds += count;
        if (counted) m->metrics.inflight_immutable += (int64_t)count;
    }
    manager_give(m);
    return status;
}

kvcore_status kvlogical_clone(kvlogical_manager *m, const kvlogical_immutable *held, size_t count,
                              kvlogical_immutable *copies) {
    return hold_again(m, held, count, copies, true);
}

kvcore_status kvlogical_pin_blocks(kvlogical_manager *m, const kvlogical_immutable *held, size_t count,
                                   kvlogical_pin *pins) {
    return hold_again(m, held, count, pins, false);
}
