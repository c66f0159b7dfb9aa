/* Keys of a tier that shares them: one name in several groups, and several slots of one key, in a ring. */
#include "pool/manager.h"

static bool other_group_has(const tier *t, uint32_t index) {
    const slot *s = &t->slots[index];
    for (uint32_t group = 0; group < t->groups; group++)
        if (group != s->group && tier_find_in(t, s->name, group) != NO_SLOT) return true;
    return false;
}

bool kvlogical__key_begin(manager *m, uint32_t index) {
    slot *s = &m->tier.slots[index];
    s->behind = false;
    s->copies.after = s->copies.before = index;
    s->copies.step = 0;
    return !other_group_has(&m->tier, index);
}

void kvlogical__key_join(manager *m, uint32_t index, uint32_t first) {
    slot *slots = m->tier.slots;
    uint32_t last = slots[first].copies.before;
    slots[index].behind = true;
    slots[index].copies.after = first;
    slots[index].copies.before = last;
    slots[last].copies.after = slots[first].copies.before = index;
}

/* The slot was the first of its key; the next one is now. */
static void hand_over(manager *m, uint32_t index, uint32_t tag, uint32_t heir) {
    slot *slots = m->tier.slots;
    name_replace(&m->tier.names, tag, index, heir);
    slots[heir].behind = false;
    slots[heir].second = slots[index].second;
    slots[heir].copies.step = slots[index].copies.step;
}

/* Is there another slot of the key? */
static bool leave_ring(manager *m, uint32_t index, uint32_t tag) {
    slot *slots = m->tier.slots, *s = &slots[index];
    uint32_t heir = s->copies.after;
    if (heir == index) return false;
    slots[s->copies.before].copies.after = heir;
    slots[heir].copies.before = s->copies.before;
    if (!s->behind) hand_over(m, index, tag, heir);
    s->behind = s->second = false;
    return true;
}

void kvlogical__key_leave(manager *m, uint32_t index, uint32_t tag) {
    if (!leave_ring(m, index, tag)) name_erase(&m->tier.names, tag, index);
    m->tier.seconds -= m->tier.slots[index].second;
    m->tier.slots[index].second = false;
    uint32_t stands = tier_first(&m->tier, m->tier.slots[index].name);
    if (stands == NO_SLOT)
        registry_lose(m->registry, &m->tier, index);
    else
        kvlogical__registry_moved(m->registry, &m->tier, stands);
}
