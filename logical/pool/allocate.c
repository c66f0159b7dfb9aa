/* Free blocks first, then victims. */
#include "pool/attributes.h"
#include "pool/batch.h"
#include "pool/take.h"

/* Take victims out of the names, all their table lines fetched at once. */
static void forget(manager *m, const uint32_t *victims, size_t count, kvhash_plh *names, uint32_t now) {
    uint32_t tags[GROUP];
    for (size_t i = 0; i < count; i++) {
        tags[i] = slot_tag(m, victims[i]);
        name_prefetch(&m->tier.names, tags[i]);
        if (names != NULL) names[i] = m->tier.slots[victims[i]].name;
    }
    for (size_t i = 0; i < count; i++) {
        m->metrics.evictions++;
        remember(m, victims[i], KVLOGICAL_REASON_EVICTED, now);
        lose_key(m, victims[i], tags[i]);
    }
}

static void hand_out(manager *m, uint32_t index, kvlogical_mutable *block, uint32_t now) {
    slot_enter(m, index, SLOT_MUTABLE, now);
    m->tier.slots[index].reset_on_release = m->reset_on_release;
    guard_put(block, 0, guard_of(m, index));
}

static kvcore_status never_fits(const manager *m, size_t count, kvcore_error *error) {
    uint64_t total = m->tier.slot_count;
    return kvcore_fail(
        error, &(kvcore_error){.code = KVCORE_EOVERFLOW, .index = KVCORE_NO_INDEX, .expected = total, .actual = count},
        "%zu blocks wanted of a pool of %llu", count, (unsigned long long)total);
}

static kvcore_status fits_not_now(size_t count, uint64_t available, kvcore_error *error) {
    return kvcore_fail(
        error,
        &(kvcore_error){.code = KVCORE_ENOSPACE, .index = KVCORE_NO_INDEX, .expected = count, .actual = available},
        "%zu blocks wanted, %llu are available", count, (unsigned long long)available);
}

kvcore_status kvlogical__allocate(manager *m, size_t count, kvlogical_mutable *blocks, kvlogical_evicted *evicted,
                                  kvcore_error *error) {
    if (m == NULL || (count > 0 && (blocks == NULL || (evicted != NULL && evicted->names == NULL))))
        return kvlogical__explained(error, KVCORE_EINVAL);
    if (count > m->tier.slot_count) return never_fits(m, count, error);
    manager_take(m);
    uint64_t available = (uint64_t)m->in_state[SLOT_FREE] + m->in_state[SLOT_INACTIVE];
    if (count > available) {
        manager_give(m);
        return fits_not_now(count, available, error);
    }
    uint32_t now = tick_now(m);
    size_t from_free = count < m->in_state[SLOT_FREE] ? count : m->in_state[SLOT_FREE];
    for (size_t i = 0; i < from_free; i++) hand_out(m, list_pop(&m->free, m->tier.slots), &blocks[i], now);
    for (size_t done = from_free; done < count;) {
        uint32_t victims[GROUP];
        size_t group = group_size(done, count);
        m->order.policy->choose(&m->order, victims, group);
        forget(m, victims, group, evicted == NULL ? NULL : evicted->names + (done - from_free), now);
        for (size_t i = 0; i < group; i++) hand_out(m, victims[i], &blocks[done + i], now);
        done += group;
    }
    slots_moved(m, SLOT_FREE, SLOT_MUTABLE, from_free);
    slots_moved(m, SLOT_INACTIVE, SLOT_MUTABLE, count - from_free);
    m->metrics.allocations += count;
    m->metrics.allocations_from_reset += from_free;
    if (evicted != NULL) evicted->count = count - from_free;
    manager_give(m);
    return KVCORE_OK;
}

kvcore_status kvlogical_allocate(kvlogical_manager *m, size_t count, kvlogical_mutable *blocks,
                                 kvlogical_evicted *evicted) {
    return kvlogical__allocate(m, count, blocks, evicted, NULL);
}

kvcore_status kvlogical_allocate_with(kvlogical_manager *m, size_t count, const kvlogical_attributes *given,
                                      kvlogical_mutable *blocks, kvlogical_evicted *evicted, kvcore_error *error) {
    kvlogical_attributes attributes;
    kvcore_status status = kvlogical__attributes_read(&attributes, given, m, 0, 0, error);
    if (status != KVCORE_OK) return status;
    return kvlogical__allocate(m, count, blocks, evicted, error);
}

/* The next victims lose their keys; they are in no order. evicted may be NULL. */
static void take_victims(manager *m, size_t count, uint32_t *blocks, kvlogical_key *evicted, uint32_t now) {
    m->order.policy->choose(&m->order, blocks, count);
    for (size_t i = 0; evicted != NULL && i < count; i++)
        evicted[i] = (kvlogical_key){m->tier.slots[blocks[i]].name, blocks[i], m->tier.slots[blocks[i]].group};
    forget(m, blocks, count, NULL, now);
}

size_t kvlogical__take_blocks(kvlogical_manager *m, size_t count, uint32_t *blocks, kvlogical_key *evicted,
                              uint32_t now) {
    size_t from_free = count < m->in_state[SLOT_FREE] ? count : m->in_state[SLOT_FREE];
    for (size_t i = 0; i < from_free; i++) blocks[i] = list_pop(&m->free, m->tier.slots);
    for (size_t done = from_free; done < count;) {
        size_t group = group_size(done, count);
        take_victims(m, group, blocks + done, evicted + (done - from_free), now);
        done += group;
    }
    for (size_t i = 0; i < count; i++) {
        slot_enter(m, blocks[i], SLOT_MUTABLE, now);
        m->tier.slots[blocks[i]].reset_on_release = m->reset_on_release;
    }
    slots_moved(m, SLOT_FREE, SLOT_MUTABLE, from_free);
    slots_moved(m, SLOT_INACTIVE, SLOT_MUTABLE, count - from_free);
    m->metrics.allocations += count;
    m->metrics.allocations_from_reset += from_free;
    return count - from_free;
}

/* A group of victims becomes free. */
static void evict_some(manager *m, size_t count, kvlogical_key *victims, uint32_t *front, uint32_t now) {
    uint32_t blocks[GROUP];
    take_victims(m, count, blocks, victims, now);
    for (size_t i = 0; i < count; i++) {
        m->tier.slots[blocks[i]].reset_on_release = m->reset_on_release;
        slot_free(m, blocks[i], front, now);
    }
    slots_moved(m, SLOT_INACTIVE, SLOT_FREE, count);
}

kvcore_status kvlogical_evict(kvlogical_manager *m, size_t count, kvlogical_key *victims, size_t *evicted) {
    if (m == NULL || evicted == NULL) return KVCORE_EINVAL;
    manager_take(m);
    uint32_t now = tick_now(m), front = NO_SLOT;
    if (count > m->in_state[SLOT_INACTIVE]) count = m->in_state[SLOT_INACTIVE];
    for (size_t done = 0; done < count;) {
        size_t some = group_size(done, count);
        evict_some(m, some, victims == NULL ? NULL : victims + done, &front, now);
        done += some;
    }
    manager_give(m);
    *evicted = count;
    return KVCORE_OK;
}

void kvlogical__reset_inactive(kvlogical_manager *m) {
    uint32_t now = tick_now(m), victim;
    while (m->in_state[SLOT_INACTIVE] > 0) {
        m->order.policy->choose(&m->order, &victim, 1);
        lose_name(m, victim, KVLOGICAL_REASON_RESET, now);
        m->tier.slots[victim].reset_on_release = m->reset_on_release;
        slot_enter(m, victim, SLOT_FREE, now);
        list_push(&m->free, m->tier.slots, victim); /* the order stays, wherever free blocks go otherwise */
        slots_moved(m, SLOT_INACTIVE, SLOT_FREE, 1);
    }
}

kvcore_status kvlogical_reset_inactive(kvlogical_manager *m, kvcore_error *error) {
    if (m == NULL)
        return kvcore_fail(error, &(kvcore_error){.code = KVCORE_EINVAL, .index = KVCORE_NO_INDEX}, "manager is NULL");
    manager_take(m);
    kvlogical__reset_inactive(m);
    uint64_t free = m->in_state[SLOT_FREE], total = m->tier.slot_count;
    manager_give(m);
    if (free == total) return KVCORE_OK;
    return kvcore_fail(
        error, &(kvcore_error){.code = KVCORE_EBUSY, .index = KVCORE_NO_INDEX, .expected = total, .actual = free},
        "Reset pool count mismatch: expected %llu, got %llu", (unsigned long long)total, (unsigned long long)free);
}
