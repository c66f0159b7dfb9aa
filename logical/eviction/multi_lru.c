/* Four LRU lists by how often a name had been used when its block became inactive; the least used go first. */
#include <kvlogical/registry.h>

#include "eviction/eviction.h"
#include "pool/list_check.h"
#include "registry/frequency.h"

typedef struct levels {
    list lists[4];
    unsigned thresholds[3];
} levels;

static levels *the_levels(const order *o) { return o->memory; }

/* ---- making ---- */

static kvcore_status check_thresholds(kvlogical_config *config, kvcore_error *error) {
    uint32_t *t = config->frequency_thresholds;
    if (t[0] == 0 && t[1] == 0 && t[2] == 0) t[0] = 3, t[1] = 8, t[2] = 15;
    if (!(t[0] < t[1] && t[1] < t[2]))
        return kvcore_fail(error, &(kvcore_error){.code = KVCORE_ECONFIG, .index = KVCORE_NO_INDEX},
                           "Thresholds must be in ascending order: %u < %u < %u failed", t[0], t[1], t[2]);
    if (t[2] > 15)
        return kvcore_fail(error, &(kvcore_error){.code = KVCORE_ECONFIG, .index = 2, .expected = 15, .actual = t[2]},
                           "hot_to_very_hot threshold (%u) must be <= 15 (4-bit counter maximum)", t[2]);
    if (t[0] == 0)
        return kvcore_fail(error, &(kvcore_error){.code = KVCORE_ECONFIG, .index = 0, .expected = 1},
                           "cold_to_warm threshold must be >= 1 to distinguish from zero-access blocks");
    return KVCORE_OK;
}

static kvcore_status multi_lru_check(kvlogical_config *config, kvcore_error *error) {
    kvcore_status status = check_thresholds(config, error);
    if (status != KVCORE_OK) return status;
    if (config->registry != NULL && !kvlogical_registry_has_tracker(config->registry))
        return kvcore_fail(error, &(kvcore_error){.code = KVCORE_ECONFIG, .index = KVCORE_NO_INDEX},
                           "MultiLRU backend requires a registry with frequency tracking, got 0");
    if (config->registry == NULL && config->frequency_capacity == 0)
        config->frequency_capacity = KVLOGICAL_FREQUENCY_MEDIUM;
    return KVCORE_OK;
}

static uint64_t multi_lru_bytes(uint64_t slots) {
    (void)slots;
    return sizeof(levels);
}

static void multi_lru_init(order *o, const kvlogical_config *config) {
    levels *l = the_levels(o);
    for (int i = 0; i < 4; i++) list_init(&l->lists[i]);
    for (int i = 0; i < 3; i++) l->thresholds[i] = config->frequency_thresholds[i];
}

/* ---- the order ---- */

static unsigned uses_of(const order *o, const slot *s) {
    if (o->frequency != NULL) return kvlogical__frequency_count_at(o->frequency, s->counters);
    return o->tracker->count(o->tracker->ctx, s->name);
}

static void multi_lru_released(order *o, const uint32_t *slots, size_t count) {
    levels *l = the_levels(o);
    for (size_t i = 0; o->frequency != NULL && i < count; i++)
        kvlogical__frequency_prefetch(o->frequency, o->slots[slots[i]].counters);
    for (size_t i = 0; i < count; i++) {
        slot *s = &o->slots[slots[i]];
        unsigned uses = uses_of(o, s), level = 0;
        while (level < 3 && uses >= l->thresholds[level]) level++;
        s->level = (uint8_t)level;
        list_push(&l->lists[level], o->slots, slots[i]);
    }
}

static void multi_lru_revived(order *o, const uint32_t *slots, size_t count) {
    for (size_t i = 0; i < count; i++) list_remove(&the_levels(o)->lists[o->slots[slots[i]].level], o->slots, slots[i]);
}

static void multi_lru_choose(order *o, uint32_t *victims, size_t count) {
    list *l = the_levels(o)->lists;
    for (size_t i = 0; i < count; i++) {
        while (l->head == NO_SLOT) l++;
        victims[i] = list_pop(l, o->slots);
    }
}

static kvcore_status multi_lru_validate(const order *o, uint32_t inactive, kvcore_error *error) {
    static const char invariant[] = "the four lists hold exactly the inactive slots of their levels";
    uint32_t total = 0;
    for (unsigned level = 0; level < 4; level++) {
        uint32_t count;
        const list *l = &the_levels(o)->lists[level];
        kvcore_status status =
            kvlogical__list_check(l, o->slots, o->slot_count, SLOT_INACTIVE, &count, invariant, error);
        if (status != KVCORE_OK) return status;
        for (uint32_t at = l->head; at != NO_SLOT; at = o->slots[at].next)
            if (o->slots[at].level != level) return kvlogical__broken(error, at, invariant);
        total += count;
    }
    return total == inactive ? KVCORE_OK : kvlogical__broken(error, KVCORE_NO_INDEX, invariant);
}

static uint32_t multi_lru_after(const order *o, uint32_t index) {
    unsigned level = index == NO_SLOT ? 0 : o->slots[index].level + 1u;
    uint32_t next = index == NO_SLOT ? NO_SLOT : o->slots[index].next;
    for (; next == NO_SLOT && level < 4; level++) next = the_levels(o)->lists[level].head;
    return next;
}

static unsigned multi_lru_level(const order *o, uint32_t index) { return o->slots[index].level; }

const eviction kvlogical__multi_lru = {
    .policy = KVLOGICAL_EVICT_MULTI_LRU,
    .name = "multi-lru",
    .label = "multi-LRU",
    .help = "four LRU lists by how often a name was used; the least used list first",
    .check = multi_lru_check,
    .bytes = multi_lru_bytes,
    .init = multi_lru_init,
    .released = multi_lru_released,
    .revived = multi_lru_revived,
    .choose = multi_lru_choose,
    .validate = multi_lru_validate,
    .level = multi_lru_level,
    .after = multi_lru_after,
};
