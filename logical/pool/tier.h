/* A tier: names over the slots of one kind of memory. It is all that the registry and its subscriptions see of a manager.
 * Private to logical. */
#ifndef LOGICAL_TIER_H
#define LOGICAL_TIER_H

#include <kvhash/proof.h>

#include "pool/name_table.h"
#include "pool/slot.h"

typedef struct tier {
    uint64_t id;       /* of its manager, from 1: guards carry it */
    uint64_t number;   /* which kind of memory, as configured */
    const char *label; /* of that number, or NULL; borrowed */
    slot *slots;
    uint32_t slot_count;
    name_table names; /* of primaries and inactive slots, the first of each key */
    bool shares_keys; /* a name may have several slots: by groups, or as copies of one key */
    uint32_t groups;  /* 1: only group 0 */
    char *proofs;     /* of slots that are proven, in them or beside them; NULL: the manager verifies nothing */
    uint32_t seconds; /* slots that are second lives: as long as there is none, a name that is erased is gone */
    uint32_t proof_stride, proof_words; /* bytes from one to the next; 64-bit words each */
    struct tier *next;                  /* in the registry, by ascending id */
} tier;

/* The first slot that a key leads to, or NO_SLOT. */
static inline uint32_t tier_find_in(const tier *t, kvhash_plh name, uint32_t group) {
    return name_place(&t->names, t->slots, sizeof(slot), name, name_tag_in(&t->names, name, group))->row;
}

/* The slot that a name leads to, or NO_SLOT. */
static inline uint32_t tier_find(const tier *t, kvhash_plh name) {
    return name_find(&t->names, t->slots, sizeof(slot), name);
}

static inline uint64_t *tier_proof(const tier *t, uint32_t index) {
    return (uint64_t *)(void *)(t->proofs + (size_t)index * t->proof_stride);
}

static inline void tier_set_proof(tier *t, uint32_t index, kvhash_proof proof) {
    uint64_t *own = tier_proof(t, index);
    t->slots[index].proven = 1;
    own[0] = proof.low;
    if (t->proof_words == 2) own[1] = proof.high;
}

/* Was this slot registered with this proof? */
static inline bool tier_proves(const tier *t, uint32_t index, kvhash_proof proof) {
    const uint64_t *own = tier_proof(t, index);
    return t->slots[index].proven && own[0] == proof.low && (t->proof_words == 1 || own[1] == proof.high);
}

/* The entry of the life of a name that has this proof, or the empty place where it would go. *others: whether the name has
 * lives with other proofs, or without one. */
static inline name_entry *tier_place_proven(const tier *t, kvhash_plh name, uint32_t tag, kvhash_proof proof,
                                            bool *others) {
    *others = false;
    for (uint64_t at = name_home(&t->names, tag);; at = name_after(&t->names, at)) {
        name_entry *entry = &t->names.entries[at];
        if (entry->row == NO_ROW) return entry;
        if (entry->tag != tag || !kvhash_plh_equal(t->slots[entry->row].name, name)) continue;
        if (tier_proves(t, entry->row, proof)) return entry;
        *others = true;
    }
}

/* The first slot of the lowest group that has the name, or NO_SLOT: it stands for the name. */
static inline uint32_t tier_first(const tier *t, kvhash_plh name) {
    uint32_t found = tier_find(t, name);
    for (uint32_t group = 1; found == NO_SLOT && group < t->groups; group++) found = tier_find_in(t, name, group);
    return found;
}

static inline bool tier_has(const tier *t, kvhash_plh name) { return tier_first(t, name) != NO_SLOT; }

/* Is this slot found by its key, or a copy of one that is? */
static inline bool slot_found(const slot *s) { return s->state == SLOT_PRIMARY || s->state == SLOT_INACTIVE; }

/* Does this slot stand for its name? Each name of the tier has one that does. */
static inline bool slot_stands(const tier *t, uint32_t index) {
    const slot *s = &t->slots[index];
    if (!slot_found(s)) return false;
    return (!t->shares_keys && t->seconds == 0) || (!s->behind && tier_first(t, s->name) == index);
}

#endif
