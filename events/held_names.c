/* Names and in how many nodes of each tier they are; what the listener hears of them. */
#include "held.h"

#include <string.h>

static size_t slot_of(const held_set *held, kvhash_plh name) {
    uint64_t mixed = (kvhash_plh_sequence_hash(name) ^ held->secret) * UINT64_C(0x9E3779B97F4A7C15);
    return (size_t)(mixed >> 20) & (held->name_slot_count - 1);
}

static bool is_used(const held_name *slot) {
    return (slot->refs[0] | slot->refs[1] | slot->refs[2] | slot->refs[3]) != 0;
}

static held_name *find(const held_set *held, kvhash_plh name) {
    size_t at = slot_of(held, name);
    while (is_used(&held->name_slots[at]) && !kvhash_plh_equal(held->name_slots[at].name, name))
        at = (at + 1) & (held->name_slot_count - 1);
    return &held->name_slots[at];
}

void kvevents__names_fetch(const held_set *held, kvhash_plh name) {
    __builtin_prefetch(&held->name_slots[slot_of(held, name)], 1);
}

kvcore_status kvevents__names_reserve(held_set *held, size_t more) {
    size_t wanted = held->name_count + more, count = held->name_slot_count == 0 ? 64 : held->name_slot_count;
    while (count - count / 4 <= wanted) count *= 2;
    if (count == held->name_slot_count) return KVCORE_OK;
    held_name *slots = kvcore_alloc(&held->allocator, count, sizeof *slots, HELD_NAME_ALIGN);
    if (slots == NULL) return KVCORE_ENOMEM;
    memset(slots, 0, count * sizeof *slots);
    held_name *old = held->name_slots;
    size_t old_count = held->name_slot_count;
    held->name_slots = slots;
    held->name_slot_count = count;
    for (size_t i = 0; i < old_count; i++)
        if (is_used(&old[i])) *find(held, old[i].name) = old[i];
    kvcore_free(&held->allocator, old, old_count, sizeof *old, HELD_NAME_ALIGN);
    return KVCORE_OK;
}

/* Close the hole that a name leaves, so that the others are found. */
static void erase(held_set *held, held_name *slot) {
    size_t mask = held->name_slot_count - 1, hole = (size_t)(slot - held->name_slots);
    for (size_t at = (hole + 1) & mask; is_used(&held->name_slots[at]); at = (at + 1) & mask) {
        size_t home = slot_of(held, held->name_slots[at].name);
        if (((at - home) & mask) < ((at - hole) & mask)) continue;
        held->name_slots[hole] = held->name_slots[at];
        hole = at;
    }
    memset(&held->name_slots[hole], 0, sizeof *slot);
    held->name_count--;
}

/* ---- what is told ---- */

void kvevents__names_flush(held_set *held) {
    for (unsigned tier = 0; tier < KVEVENTS_TIERS; tier++) {
        size_t count = held->told_count[tier];
        held->told_count[tier] = 0;
        if (count == 0 || held->change == NULL) continue;
        kvevents_change change = {held->told_kind, (kvevents_tier)tier, held->told[tier], count};
        held->change(held->ctx, &change);
    }
}

static void tell(held_set *held, unsigned tier, kvhash_plh name, uint32_t kind) {
    if (held->told_kind != kind) kvevents__names_flush(held);
    held->told_kind = kind;
    held->told[tier][held->told_count[tier]++] = name;
    if (held->told_count[tier] == HELD_TOLD) kvevents__names_flush(held);
}

/* The tiers in which a name is to be said to be. */
static unsigned shown(const held_set *held, const held_name *slot) {
    unsigned tiers = 0;
    for (unsigned tier = 0; tier < KVEVENTS_TIERS; tier++)
        if (slot->refs[tier] > 0) tiers |= held->cumulative ? 0xFU << tier : 1U << tier;
    return tiers & 0xF;
}

static void tell_difference(held_set *held, kvhash_plh name, unsigned before, unsigned after) {
    unsigned came = after & ~before, went = before & ~after;
    for (unsigned tier = 0; tier < KVEVENTS_TIERS; tier++) {
        if ((came >> tier & 1) != 0) tell(held, tier, name, KVEVENTS_STORED);
        if ((went >> tier & 1) != 0) tell(held, tier, name, KVEVENTS_REMOVED);
    }
}

void kvevents__names_count(held_set *held, kvhash_plh name, uint8_t tiers_before, uint8_t tiers_after) {
    if (tiers_before == tiers_after) return;
    held_name *slot = find(held, name);
    if (!is_used(slot)) {
        slot->name = name;
        held->name_count++;
    }
    unsigned before = shown(held, slot);
    for (unsigned tier = 0; tier < KVEVENTS_TIERS; tier++)
        slot->refs[tier] += (uint32_t)(tiers_after >> tier & 1) - (uint32_t)(tiers_before >> tier & 1);
    unsigned after = shown(held, slot);
    if (!is_used(slot)) erase(held, slot);
    tell_difference(held, name, before, after);
}
