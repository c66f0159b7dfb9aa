/* Four LRU lists by how often a name had been used when its block became inactive; the least used go first. */
#include "pool/validate.h"

static unsigned uses_of(const manager *m, const slot *s) {
    const kvlogical_tracker *tracker = &m->registry->tracker;
    if (m->counters_in_slots) return kvlogical__frequency_count_at(m->registry->frequency, s->counters);
    return tracker->count(tracker->ctx, s->name);
}

static void multi_lru_insert(manager *m, const uint32_t *slots, size_t count) {
    for (size_t i = 0; m->counters_in_slots && i < count; i++)
        kvlogical__frequency_prefetch(m->registry->frequency, m->tier.slots[slots[i]].counters);
    for (size_t i = 0; i < count; i++) {
        slot *s = &m->tier.slots[slots[i]];
        unsigned uses = uses_of(m, s), level = 0;
        while (level < 3 && uses >= m->order.levels.thresholds[level]) level++;
        s->level = (uint8_t)level;
        list_push(&m->order.levels.lists[level], m->tier.slots, slots[i]);
    }
}

static void multi_lru_remove(manager *m, const uint32_t *slots, size_t count) {
    for (size_t i = 0; i < count; i++)
        list_remove(&m->order.levels.lists[m->tier.slots[slots[i]].level], m->tier.slots, slots[i]);
}

static void multi_lru_evict(manager *m, uint32_t *victims, size_t count) {
    list *l = m->order.levels.lists;
    for (size_t i = 0; i < count; i++) {
        while (l->head == NO_SLOT) l++;
        victims[i] = list_pop(l, m->tier.slots);
    }
}

static kvcore_status multi_lru_validate(const manager *m, kvcore_error *error) {
    static const char invariant[] = "the four lists hold exactly the inactive slots of their levels";
    uint32_t total = 0;
    for (unsigned level = 0; level < 4; level++) {
        uint32_t count;
        const list *l = &m->order.levels.lists[level];
        kvcore_status status = kvlogical__validate_list(m, l, SLOT_INACTIVE, &count, invariant, error);
        if (status != KVCORE_OK) return status;
        for (uint32_t at = l->head; at != NO_SLOT; at = m->tier.slots[at].next)
            if (m->tier.slots[at].level != level) return kvlogical__broken(error, at, invariant);
        total += count;
    }
    return total == m->in_state[SLOT_INACTIVE] ? KVCORE_OK : kvlogical__broken(error, KVCORE_NO_INDEX, invariant);
}

const eviction kvlogical__multi_lru = {multi_lru_insert, multi_lru_remove, multi_lru_evict, NULL, multi_lru_validate};
