/* Least recently released first: one list, victims from its head. FIFO is the same list, because a block that is looked up
 * leaves the order and comes back at the end. */
#include "eviction/eviction.h"
#include "pool/list_check.h"

static list *the_list(const order *o) { return o->memory; }

static uint64_t lru_bytes(uint64_t slots) {
    (void)slots;
    return sizeof(list);
}

static void lru_init(order *o, const kvlogical_config *config) {
    (void)config;
    list_init(the_list(o));
}

static void lru_released(order *o, const uint32_t *slots, size_t count) {
    for (size_t i = 0; i < count; i++) list_push(the_list(o), o->slots, slots[i]);
}

static void lru_revived(order *o, const uint32_t *slots, size_t count) {
    for (size_t i = 0; i < count; i++) list_remove(the_list(o), o->slots, slots[i]);
}

static void lru_choose(order *o, uint32_t *victims, size_t count) {
    for (size_t i = 0; i < count; i++) victims[i] = list_pop(the_list(o), o->slots);
}

static uint32_t lru_after(const order *o, uint32_t index) {
    return index == NO_SLOT ? the_list(o)->head : o->slots[index].next;
}

static kvcore_status lru_validate(const order *o, uint32_t inactive, kvcore_error *error) {
    static const char invariant[] = "the LRU list holds exactly the inactive slots";
    uint32_t count;
    kvcore_status status =
        kvlogical__list_check(the_list(o), o->slots, o->slot_count, SLOT_INACTIVE, &count, invariant, error);
    if (status == KVCORE_OK && count != inactive) status = kvlogical__broken(error, KVCORE_NO_INDEX, invariant);
    return status;
}

#define LRU_HOOKS                                                                                                 \
    .bytes = lru_bytes, .init = lru_init, .released = lru_released, .revived = lru_revived, .choose = lru_choose, \
    .validate = lru_validate, .after = lru_after

const eviction kvlogical__lru = {
    .policy = KVLOGICAL_EVICT_LRU,
    .name = "lru",
    .label = "LRU",
    .help = "the block that was released the longest ago",
    LRU_HOOKS,
};

const eviction kvlogical__fifo = {
    .policy = KVLOGICAL_EVICT_FIFO,
    .name = "fifo",
    .label = "FIFO",
    .help = "the block that became inactive first",
    LRU_HOOKS,
};
