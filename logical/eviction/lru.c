/* Least recently released first: one list, victims from its head. FIFO is the same list, because a block that is looked up
 * leaves the order and comes back at the end. */
#include "pool/validate.h"

static void lru_insert(manager *m, const uint32_t *slots, size_t count) {
    for (size_t i = 0; i < count; i++) list_push(&m->order.lru, m->tier.slots, slots[i]);
}

static void lru_remove(manager *m, const uint32_t *slots, size_t count) {
    for (size_t i = 0; i < count; i++) list_remove(&m->order.lru, m->tier.slots, slots[i]);
}

static void lru_evict(manager *m, uint32_t *victims, size_t count) {
    for (size_t i = 0; i < count; i++) victims[i] = list_pop(&m->order.lru, m->tier.slots);
}

static kvcore_status lru_validate(const manager *m, kvcore_error *error) {
    static const char invariant[] = "the LRU list holds exactly the inactive slots";
    uint32_t count;
    kvcore_status status = kvlogical__validate_list(m, &m->order.lru, SLOT_INACTIVE, &count, invariant, error);
    if (status == KVCORE_OK && count != m->in_state[SLOT_INACTIVE])
        status = kvlogical__broken(error, KVCORE_NO_INDEX, invariant);
    return status;
}

const eviction kvlogical__lru = {lru_insert, lru_remove, lru_evict, NULL, lru_validate};
