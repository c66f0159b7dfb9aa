/* Staging and registering: blocks get their names, and share them. */
#include "pool/attributes.h"
#include "pool/batch.h"
#include "pool/promise.h"
#include "pool/take.h"

void kvlogical__set_name(kvlogical_manager *m, uint32_t index, kvhash_plh name) {
    slot *s = &m->tier.slots[index];
    s->name = name;
    s->withdrawn = s->broken = s->proven = s->second = false;
    s->group = 0;
    if (m->counters_in_slots) kvlogical__frequency_places(m->registry->frequency, name, s->counters);
}

static void stage_one(manager *m, uint32_t index, kvhash_plh name, kvlogical_complete *staged, uint32_t now) {
    kvlogical__set_name(m, index, name);
    slot_enter(m, index, SLOT_STAGED, now);
    guard_put(staged, 0, guard_of(m, index));
}

kvcore_status kvlogical_stage(kvlogical_manager *m, kvlogical_mutable *blocks, const kvhash_plh *names, size_t count,
                              kvlogical_complete *staged) {
    if (m == NULL || (count > 0 && (blocks == NULL || names == NULL || staged == NULL))) return KVCORE_EINVAL;
    for (size_t i = 0; i < count; i++)
        if (!kvhash_plh_valid(names[i])) return KVHASH_EMODE;
    manager_take(m);
    kvcore_status status = claim_guards(m, blocks, count, SLOT_MUTABLE);
    if (status == KVCORE_OK) {
        uint32_t now = m->now;
        for (size_t i = 0; i < count; i++) {
            uint32_t index = guard_at(blocks, i).block;
            guard_put(blocks, i, (guard){0});
            stage_one(m, index, names[i], &staged[i], now);
        }
        slots_moved(m, SLOT_MUTABLE, SLOT_STAGED, count);
        m->metrics.stagings += count;
    }
    manager_give(m);
    return status;
}

kvcore_status kvlogical_stage_sized(kvlogical_manager *m, kvlogical_mutable *blocks, const kvhash_plh *names,
                                    const uint32_t *token_counts, size_t count, kvlogical_complete *staged,
                                    size_t *done, kvcore_error *error) {
    if (m == NULL || done == NULL || (count > 0 && token_counts == NULL))
        return kvcore_fail(error, &(kvcore_error){.code = KVCORE_EINVAL, .index = KVCORE_NO_INDEX},
                           "manager, token counts and done must be given");
    size_t good = 0;
    while (good < count && token_counts[good] == m->block_tokens) good++;
    *done = 0;
    kvcore_status status = kvlogical_stage(m, blocks, names, good, staged);
    if (status != KVCORE_OK)
        return kvcore_fail(error, &(kvcore_error){.code = status, .index = KVCORE_NO_INDEX}, "%s",
                           kvcore_status_text(status));
    *done = good;
    if (good == count) return KVCORE_OK;
    return kvcore_fail(
        error,
        &(kvcore_error){
            .code = KVLOGICAL_EBLOCK_SIZE, .index = good, .expected = m->block_tokens, .actual = token_counts[good]},
        "Block size mismatch: expected %u tokens, got %u", (unsigned)m->block_tokens, (unsigned)token_counts[good]);
}

kvcore_status kvlogical_unstage(kvlogical_manager *m, kvlogical_complete *staged, size_t count,
                                kvlogical_mutable *blocks) {
    if (m == NULL || (count > 0 && (staged == NULL || blocks == NULL))) return KVCORE_EINVAL;
    manager_take(m);
    kvcore_status status = claim_guards(m, staged, count, SLOT_STAGED);
    if (status == KVCORE_OK) {
        uint32_t now = m->now;
        for (size_t i = 0; i < count; i++) {
            uint32_t index = guard_at(staged, i).block;
            guard_put(staged, i, (guard){0});
            slot_enter(m, index, SLOT_MUTABLE, now);
            m->tier.slots[index].generation++; /* not the stay that it was before */
            m->tier.slots[index].reset_on_release = m->reset_on_release;
            guard_put(blocks, i, guard_of(m, index));
        }
        slots_moved(m, SLOT_STAGED, SLOT_MUTABLE, count);
    }
    manager_give(m);
    return status;
}

/* A slot that becomes one of `state` with its first hold. */
static uint32_t enter_shared(manager *m, uint32_t index, enum slot_state state, uint32_t now) {
    slot_enter(m, index, state, now);
    slots_moved(m, SLOT_STAGED, state, 1);
    m->tier.slots[index].holds = 1;
    m->holds++;
    return index;
}

/* Where the name of a staged slot is found, or would be. *second: it is here, with another proof alone. */
static name_entry *place_of(const manager *m, uint32_t index, uint32_t tag, const kvhash_proof *proof, bool *second) {
    const slot *s = &m->tier.slots[index];
    *second = false;
    if (proof == NULL) return name_place(&m->tier.names, m->tier.slots, sizeof(slot), s->name, tag);
    name_entry *entry = tier_place_proven(&m->tier, s->name, tag, *proof, second);
    *second = *second && entry->row == NO_SLOT;
    return entry;
}

/* The first slot of its key. second: of its name and proof, beside other proofs. */
static uint32_t share_first(manager *m, uint32_t index, const kvhash_block_facts *facts, bool second, uint32_t now) {
    m->tier.slots[index].companion = 0;
    if (m->order.policy->registered != NULL) m->order.policy->registered(&m->order, index);
    bool new_here = !m->tier.shares_keys || kvlogical__key_begin(m, index);
    if (second) {
        m->tier.slots[index].second = true;
        m->tier.seconds++;
        m->metrics.second_lives++;
    }
    if (new_here && !second && registry_gain(m->registry, &m->tier, index, facts)) slot_touch(m, index);
    return enter_shared(m, index, SLOT_PRIMARY, now);
}

/* One more slot of its key, as good as the first. */
static uint32_t share_copy(manager *m, uint32_t index, uint32_t first, uint32_t now) {
    m->tier.slots[index].companion = 0;
    kvlogical__key_join(m, index, first);
    if (m->order.policy->registered != NULL) m->order.policy->registered(&m->order, index);
    m->metrics.duplicate_blocks++;
    return enter_shared(m, index, SLOT_PRIMARY, now);
}

/* Returns the slot whose guard the caller gets. */
static uint32_t share(manager *m, uint32_t index, uint32_t tag, uint32_t now, const kvhash_proof *proof,
                      const kvhash_block_facts *facts, uint32_t *front) {
    slot *s = &m->tier.slots[index];
    bool second;
    if (proof != NULL) tier_set_proof(&m->tier, index, *proof);
    if (s->withdrawn) return enter_shared(m, index, SLOT_WITHDRAWN, now);
    name_entry *entry = place_of(m, index, tag, proof, &second);
    uint32_t existing = entry->row;
    if (existing == NO_SLOT) {
        *entry = (name_entry){index, tag};
        return share_first(m, index, facts, second, now);
    }
    if (m->keep_duplicates) return share_copy(m, index, existing, now);
    hold_found(m, existing, now); /* by the caller, or by the duplicate */
    if (m->reject_duplicates) {
        slot_free(m, index, front, now);
        slots_moved(m, SLOT_STAGED, SLOT_FREE, 1);
        m->metrics.registration_dedup++;
        return existing;
    }
    s->companion = existing;
    s->previous = m->tier.slots[existing].generation;
    m->metrics.duplicate_blocks++;
    return enter_shared(m, index, SLOT_DUPLICATE, now);
}

uint32_t kvlogical__share(kvlogical_manager *m, uint32_t index, uint32_t *front, uint32_t now) {
    if (m->order.policy->registering != NULL) m->order.policy->registering(&m->order, &index, 1);
    return share(m, index, slot_tag(m, index), now, NULL, NULL, front);
}

void kvlogical__give_key(kvlogical_manager *m, uint32_t block, kvhash_plh name, uint32_t group, uint32_t *front,
                         uint32_t now) {
    slot *s = &m->tier.slots[block];
    s->name = name;
    s->group = (uint8_t)group;
    s->withdrawn = s->broken = s->proven = s->second = false;
    slots_moved(m, SLOT_MUTABLE, SLOT_STAGED, 1);
    if (m->order.policy->registering != NULL) m->order.policy->registering(&m->order, &block, 1);
    (void)share(m, block, slot_tag(m, block), now, NULL, NULL, front);
    m->metrics.stagings++;
    m->metrics.registrations++;
}

bool kvlogical__rejects_duplicates(const manager *m) {
    manager_take(m); /* a promise that is kept changes it for a moment */
    bool rejects = m->reject_duplicates;
    manager_give(m);
    return rejects;
}

kvcore_status kvlogical__register(manager *m, kvlogical_complete *staged, size_t count, lent with,
                                  kvlogical_immutable *held) {
    if (m == NULL || (count > 0 && (staged == NULL || held == NULL))) return KVCORE_EINVAL;
    manager_take(m);
    kvcore_status status = holds_fit(m, count) ? claim_guards(m, staged, count, SLOT_STAGED) : KVCORE_EOVERFLOW;
    if (status != KVCORE_OK) {
        manager_give(m);
        return status;
    }
    uint32_t now = m->now, front = NO_SLOT;
    bool heard = m->registry->events.listener != NULL;
    kvhash_block_facts room;
    for (size_t done = 0; done < count;) {
        uint32_t tags[GROUP], slots[GROUP];
        size_t group = group_size(done, count);
        for (size_t i = 0; i < group; i++) {
            slots[i] = guard_at(staged, done + i).block;
            tags[i] = name_tag(&m->tier.names, m->tier.slots[slots[i]].name);
            name_prefetch(&m->tier.names, tags[i]);
        }
        if (m->order.policy->registering != NULL) m->order.policy->registering(&m->order, slots, group);
        for (size_t i = 0; i < group; i++) {
            uint32_t index = slots[i];
            const kvhash_proof *proof = with.proofs == NULL ? NULL : &with.proofs[done + i];
            const kvhash_block_facts *facts = heard ? facts_at(&with, done + i, &room) : NULL;
            guard_put(staged, done + i, (guard){0});
            guard_put(held, done + i, guard_of(m, share(m, index, tags[i], now, proof, facts, &front)));
        }
        done += group;
    }
    m->metrics.registrations += count;
    m->metrics.inflight_immutable += (int64_t)count;
    manager_give(m);
    return KVCORE_OK;
}

kvcore_status kvlogical_register(kvlogical_manager *m, kvlogical_complete *staged, size_t count,
                                 kvlogical_immutable *held) {
    return kvlogical__register(m, staged, count, NOTHING_LENT, held);
}

kvcore_status kvlogical_register_with(kvlogical_manager *m, kvlogical_complete *staged, size_t count,
                                      const kvlogical_attributes *given, kvlogical_immutable *held,
                                      kvcore_error *error) {
    kvlogical_attributes attributes;
    kvcore_status status = kvlogical__attributes_read(&attributes, given, m, count, count, error);
    if (status != KVCORE_OK) return status;
    status =
        kvlogical__register(m, staged, count, (lent){.proofs = attributes.proofs, .facts = attributes.facts}, held);
    return kvlogical__explained(error, status);
}
