/* Looking without touching. */
#include "pool/batch.h"
#include <kvcore/config.h>

/* How many more of the names a joining look-up would find. */
static size_t probe_pending(const manager *m, const kvhash_plh *names, size_t count) {
    size_t more = 0;
    if (m->promises.capacity == 0) return 0;
    while (more < count && (find_slot(m, names[more]) != NO_SLOT ||
                            name_find(&m->promises, m->tier.slots, sizeof(slot), names[more]) != NO_SLOT))
        more++;
    return more;
}

/* The slot that a match would answer with. */
static uint32_t probe_one(const manager *m, kvhash_plh name, const kvhash_proof *proof, uint32_t tag,
                          uint32_t candidate) {
    if (proof == NULL) return name_find_at(&m->tier.names, m->tier.slots, sizeof(slot), name, tag, candidate);
    bool others;
    return tier_place_proven(&m->tier, name, tag, *proof, &others)->row;
}

static void probe_all(const manager *m, const kvhash_plh *names, const kvhash_proof *proofs, size_t count,
                      uint32_t *blocks, kvlogical_probe *probe) {
    for (size_t done = 0; done < count;) {
        uint32_t tags[GROUP], candidates[GROUP];
        size_t some = group_size(done, count);
        look_up(m, names + done, some, tags, candidates);
        for (size_t i = 0; i < some; i++) {
            const kvhash_proof *proof = proofs == NULL ? NULL : &proofs[done + i];
            uint32_t index = probe_one(m, names[done + i], proof, tags[i], candidates[i]);
            if (index == NO_SLOT) return;
            if (blocks != NULL) blocks[done + i] = index;
            probe->hits++;
            probe->idle += m->tier.slots[index].state == SLOT_INACTIVE;
        }
        done += some;
    }
}

kvcore_status kvlogical_probe_prefix(const kvlogical_manager *m, const kvhash_plh *names, const kvhash_proof *proofs,
                                     size_t count, uint32_t *blocks, kvlogical_probe *probe) {
    if (m == NULL || probe == NULL || (count > 0 && names == NULL)) return KVCORE_EINVAL;
    if (proofs != NULL && m->tier.proofs == NULL) return KVCORE_ENOTSUP;
    if (probe->struct_size < sizeof(size_t)) return KVCORE_EINVAL;
    kvlogical_probe full = KVLOGICAL_PROBE_INIT;
    manager_take(m);
    probe_all(m, names, proofs, count, blocks, &full);
    full.pending = probe_pending(m, count > full.hits ? names + full.hits : names, count - full.hits);
    manager_give(m);
    return kvcore_result_write(probe, &full, sizeof full, NULL);
}

kvcore_status kvlogical_find(const kvlogical_manager *m, const kvhash_plh *names, size_t count, uint32_t *blocks,
                             bool *idle) {
    if (m == NULL || (count > 0 && (names == NULL || blocks == NULL))) return KVCORE_EINVAL;
    manager_take(m);
    for (size_t done = 0; done < count;) {
        uint32_t tags[GROUP], candidates[GROUP];
        size_t some = group_size(done, count);
        look_up(m, names + done, some, tags, candidates);
        for (size_t i = 0; i < some; i++) {
            uint32_t index = probe_one(m, names[done + i], NULL, tags[i], candidates[i]);
            blocks[done + i] = index;
            if (idle != NULL) idle[done + i] = index != NO_SLOT && m->tier.slots[index].state == SLOT_INACTIVE;
        }
        done += some;
    }
    manager_give(m);
    return KVCORE_OK;
}
