/* The life of blocks, a batch at a time: one lock, all checks before the first change, prefetch across the batch. */
#include "manager.h"

/* Names are looked up in groups: hash and prefetch the table for all, then prefetch the slots, then do the work. */
#define GROUP 64
/* How far ahead a loop over guards prefetches their slots. */
#define GUARDS_AHEAD 8

static inline size_t group_size(size_t done, size_t count) { return count - done < GROUP ? count - done : GROUP; }

static inline void prefetch_guard(const manager *m, const void *guards, size_t i, size_t count) {
    if (i >= count) return;
    uint32_t block = guard_at(guards, i).block;
    if (block < m->slot_count) __builtin_prefetch(&m->slots[block], 1);
}

/* Claim every guard for a transition by moving its slot's generation on, so that a second copy of a guard in the same batch
 * is seen. All or none. */
static kvcore_status claim(manager *m, const void *guards, size_t count) {
    for (size_t i = 0; i < count && i < GUARDS_AHEAD; i++) prefetch_guard(m, guards, i, count);
    for (size_t i = 0; i < count; i++) {
        prefetch_guard(m, guards, i + GUARDS_AHEAD, count);
        guard g = guard_at(guards, i);
        if (!guard_valid(m, g)) {
            while (i-- > 0) m->slots[guard_at(guards, i).block].generation--;
            return KVLOGICAL_EGUARD;
        }
        m->slots[g.block].generation++;
    }
    return KVCORE_OK;
}

/* Holds are counted in 32 bits a slot; as long as all slots together stay below, none can overflow. */
static bool holds_fit(const manager *m, size_t more) {
    return more <= UINT32_MAX / 2 && m->holds + 2 * more <= UINT32_MAX;
}

/* ---- allocate ---- */

/* Take victims out of the names, all their table lines fetched at once. */
static void forget(manager *m, const uint32_t *victims, size_t count, kvhash_plh *names) {
    uint32_t tags[GROUP];
    for (size_t i = 0; i < count; i++) {
        kvhash_plh name = m->slots[victims[i]].name;
        tags[i] = name_tag(&m->names, name);
        name_prefetch(&m->names, tags[i]);
        if (names != NULL) names[i] = name;
    }
    for (size_t i = 0; i < count; i++) name_erase(&m->names, tags[i], victims[i]);
}

static void hand_out(manager *m, uint32_t index, kvlogical_mutable *block) {
    slot_enter(m, index, SLOT_MUTABLE);
    m->slots[index].reset_on_release = 0;
    guard_put(block, 0, guard_of(m, index));
}

kvcore_status kvlogical_allocate(kvlogical_manager *m, size_t count, kvlogical_mutable *blocks,
                                 kvlogical_evicted *evicted) {
    if (m == NULL || (count > 0 && (blocks == NULL || (evicted != NULL && evicted->names == NULL))))
        return KVCORE_EINVAL;
    lock_take(m->lock);
    if (count > (uint64_t)m->in_state[SLOT_FREE] + m->in_state[SLOT_INACTIVE]) {
        lock_give(m->lock);
        return KVCORE_ENOSPACE;
    }
    size_t from_free = count < m->in_state[SLOT_FREE] ? count : m->in_state[SLOT_FREE];
    for (size_t i = 0; i < from_free; i++) hand_out(m, list_pop(&m->free, m->slots), &blocks[i]);
    for (size_t done = from_free; done < count;) {
        uint32_t victims[GROUP];
        size_t group = group_size(done, count);
        m->eviction->evict(m, victims, group);
        forget(m, victims, group, evicted == NULL ? NULL : evicted->names + (done - from_free));
        for (size_t i = 0; i < group; i++) hand_out(m, victims[i], &blocks[done + i]);
        done += group;
    }
    slots_moved(m, SLOT_FREE, SLOT_MUTABLE, from_free);
    slots_moved(m, SLOT_INACTIVE, SLOT_MUTABLE, count - from_free);
    if (evicted != NULL) evicted->count = count - from_free;
    lock_give(m->lock);
    return KVCORE_OK;
}

/* ---- stage ---- */

kvcore_status kvlogical_stage(kvlogical_manager *m, kvlogical_mutable *blocks, const kvhash_plh *names, size_t count,
                              kvlogical_complete *staged) {
    if (m == NULL || (count > 0 && (blocks == NULL || names == NULL || staged == NULL))) return KVCORE_EINVAL;
    for (size_t i = 0; i < count; i++)
        if (!kvhash_plh_valid(names[i])) return KVHASH_EMODE;
    lock_take(m->lock);
    kvcore_status status = claim(m, blocks, count);
    for (size_t i = 0; status == KVCORE_OK && i < count; i++) {
        uint32_t index = guard_at(blocks, i).block;
        guard_put(blocks, i, (guard){0});
        m->slots[index].name = names[i];
        slot_enter(m, index, SLOT_STAGED);
        guard_put(staged, i, guard_of(m, index));
    }
    if (status == KVCORE_OK) slots_moved(m, SLOT_MUTABLE, SLOT_STAGED, count);
    lock_give(m->lock);
    return status;
}

/* ---- register ---- */

/* A look-up's hold: an inactive slot comes back to life. */
static void hold_found(manager *m, uint32_t index) {
    slot *s = &m->slots[index];
    if (s->state == SLOT_INACTIVE) {
        m->eviction->remove(m, &index, 1);
        slot_enter(m, index, SLOT_PRIMARY);
        slots_moved(m, SLOT_INACTIVE, SLOT_PRIMARY, 1);
    }
    s->holds++;
    m->holds++;
}

/* Returns the slot whose guard the caller gets. */
static uint32_t share(manager *m, uint32_t index, uint32_t tag) {
    slot *s = &m->slots[index];
    name_entry *entry = name_place(&m->names, m->slots, s->name, tag);
    uint32_t existing = entry->slot;
    enum slot_state state = SLOT_PRIMARY;
    if (existing == NO_SLOT) {
        *entry = (name_entry){index, tag};
    } else {
        hold_found(m, existing); /* by the caller, or by the duplicate */
        if (m->reject_duplicates) {
            slot_free(m, index);
            slots_moved(m, SLOT_STAGED, SLOT_FREE, 1);
            return existing;
        }
        s->primary = existing;
        state = SLOT_DUPLICATE;
    }
    slot_enter(m, index, state);
    slots_moved(m, SLOT_STAGED, state, 1);
    s->holds = 1;
    m->holds++;
    return index;
}

kvcore_status kvlogical_register(kvlogical_manager *m, kvlogical_complete *staged, size_t count,
                                 kvlogical_immutable *held) {
    if (m == NULL || (count > 0 && (staged == NULL || held == NULL))) return KVCORE_EINVAL;
    lock_take(m->lock);
    kvcore_status status = holds_fit(m, count) ? claim(m, staged, count) : KVCORE_EOVERFLOW;
    for (size_t done = 0; status == KVCORE_OK && done < count;) {
        uint32_t tags[GROUP];
        size_t group = group_size(done, count);
        for (size_t i = 0; i < group; i++) {
            tags[i] = name_tag(&m->names, m->slots[guard_at(staged, done + i).block].name);
            name_prefetch(&m->names, tags[i]);
        }
        for (size_t i = 0; i < group; i++) {
            uint32_t index = guard_at(staged, done + i).block;
            guard_put(staged, done + i, (guard){0});
            guard_put(held, done + i, guard_of(m, share(m, index, tags[i])));
        }
        done += group;
    }
    lock_give(m->lock);
    return status;
}

/* ---- match, clone ---- */

/* Candidates for a group of names: first the table lines of all are fetched, then the slots. */
static inline void look_up(const manager *m, const kvhash_plh *names, size_t count, uint32_t *tags,
                           uint32_t *candidates) {
    for (size_t i = 0; i < count; i++) {
        tags[i] = name_tag(&m->names, names[i]);
        name_prefetch(&m->names, tags[i]);
    }
    for (size_t i = 0; i < count; i++) {
        candidates[i] = name_candidate(&m->names, tags[i]);
        if (candidates[i] != NO_SLOT) __builtin_prefetch(&m->slots[candidates[i]], 1);
    }
}

kvcore_status kvlogical_match_prefix(kvlogical_manager *m, const kvhash_plh *names, size_t count,
                                     kvlogical_immutable *held, size_t *hits) {
    if (m == NULL || hits == NULL || (count > 0 && (names == NULL || held == NULL))) return KVCORE_EINVAL;
    lock_take(m->lock);
    if (!holds_fit(m, count)) {
        lock_give(m->lock);
        return KVCORE_EOVERFLOW;
    }
    size_t found = 0;
    for (bool miss = false; !miss && found < count;) {
        uint32_t tags[GROUP], candidates[GROUP];
        size_t first = found, group = group_size(found, count);
        look_up(m, names + first, group, tags, candidates);
        uint32_t revived[GROUP];
        size_t revived_count = 0;
        for (size_t i = 0; i < group; i++) {
            uint32_t index = name_find_at(&m->names, m->slots, names[first + i], tags[i], candidates[i]);
            if ((miss = index == NO_SLOT)) break;
            slot *s = &m->slots[index];
            if (s->state == SLOT_INACTIVE) {
                revived[revived_count++] = index;
                slot_enter(m, index, SLOT_PRIMARY);
            }
            s->holds++;
            guard_put(held, found++, guard_of(m, index));
        }
        m->holds += found - first;
        if (revived_count == 0) continue;
        m->eviction->remove(m, revived, revived_count);
        slots_moved(m, SLOT_INACTIVE, SLOT_PRIMARY, revived_count);
    }
    lock_give(m->lock);
    *hits = found;
    return KVCORE_OK;
}

static kvcore_status check_all(const manager *m, const void *guards, size_t count) {
    for (size_t i = 0; i < count && i < GUARDS_AHEAD; i++) prefetch_guard(m, guards, i, count);
    for (size_t i = 0; i < count; i++) {
        prefetch_guard(m, guards, i + GUARDS_AHEAD, count);
        if (!guard_valid(m, guard_at(guards, i))) return KVLOGICAL_EGUARD;
    }
    return KVCORE_OK;
}

kvcore_status kvlogical_clone(kvlogical_manager *m, const kvlogical_immutable *held, size_t count,
                              kvlogical_immutable *copies) {
    if (m == NULL || (count > 0 && (held == NULL || copies == NULL))) return KVCORE_EINVAL;
    lock_take(m->lock);
    kvcore_status status = holds_fit(m, count) ? check_all(m, held, count) : KVCORE_EOVERFLOW;
    for (size_t i = 0; status == KVCORE_OK && i < count; i++) {
        guard g = guard_at(held, i);
        m->slots[g.block].holds++;
        guard_put(copies, i, g);
    }
    if (status == KVCORE_OK) m->holds += count;
    lock_give(m->lock);
    return status;
}

/* ---- release ---- */

/* Foreign and outlived guards refuse the whole batch; empty ones are skipped. */
static kvcore_status check_release(const manager *m, const void *guards, size_t count) {
    for (size_t i = 0; i < count && i < GUARDS_AHEAD; i++) prefetch_guard(m, guards, i, count);
    for (size_t i = 0; i < count; i++) {
        prefetch_guard(m, guards, i + GUARDS_AHEAD, count);
        guard g = guard_at(guards, i);
        if (g.manager != 0 && !guard_valid(m, g)) return KVLOGICAL_EGUARD;
    }
    return KVCORE_OK;
}

/* Primaries that lost their last hold, until they are given to the eviction policy together. */
typedef struct idle {
    size_t count;
    uint32_t slots[GROUP];
} idle;

static void settle(manager *m, idle *gone) {
    if (gone->count == 0) return;
    m->eviction->insert(m, gone->slots, gone->count);
    slots_moved(m, SLOT_PRIMARY, SLOT_INACTIVE, gone->count);
    gone->count = 0;
}

static void last_hold_of_primary(manager *m, uint32_t index, idle *gone) {
    const slot *s = &m->slots[index];
    if (s->reset_on_release) {
        name_erase(&m->names, name_tag(&m->names, s->name), index);
        slot_free(m, index);
        slots_moved(m, SLOT_PRIMARY, SLOT_FREE, 1);
        return;
    }
    slot_enter(m, index, SLOT_INACTIVE);
    gone->slots[gone->count++] = index;
    if (gone->count == GROUP) settle(m, gone);
}

/* A duplicate becomes free and then lets go of its primary. */
static void last_hold_of_duplicate(manager *m, uint32_t index, idle *gone) {
    uint32_t primary = m->slots[index].primary;
    slot_free(m, index);
    slots_moved(m, SLOT_DUPLICATE, SLOT_FREE, 1);
    m->holds--;
    if (--m->slots[primary].holds == 0) last_hold_of_primary(m, primary, gone);
}

static kvcore_status release_held(kvlogical_manager *m, kvlogical_immutable *held, size_t count, bool tail_first) {
    if (m == NULL || (count > 0 && held == NULL)) return KVCORE_EINVAL;
    idle gone;
    gone.count = 0;
    lock_take(m->lock);
    kvcore_status status = check_release(m, held, count);
    for (size_t k = 0; status != KVLOGICAL_EGUARD && k < count; k++) {
        size_t i = tail_first ? count - 1 - k : k;
        guard g = guard_at(held, i);
        if (g.manager == 0) continue;
        guard_put(held, i, (guard){0});
        if (!guard_valid(m, g)) {
            status = KVCORE_EINVAL; /* more copies of a guard than there are holds */
            continue;
        }
        m->holds--;
        if (--m->slots[g.block].holds > 0) continue;
        if (m->slots[g.block].state == SLOT_DUPLICATE)
            last_hold_of_duplicate(m, g.block, &gone);
        else
            last_hold_of_primary(m, g.block, &gone);
    }
    settle(m, &gone);
    lock_give(m->lock);
    return status;
}

kvcore_status kvlogical_release(kvlogical_manager *m, kvlogical_immutable *held, size_t count) {
    return release_held(m, held, count, false);
}

kvcore_status kvlogical_release_tail_first(kvlogical_manager *m, kvlogical_immutable *held, size_t count) {
    return release_held(m, held, count, true);
}

static kvcore_status release_sole(kvlogical_manager *m, void *guards, size_t count, enum slot_state state) {
    if (m == NULL || (count > 0 && guards == NULL)) return KVCORE_EINVAL;
    lock_take(m->lock);
    kvcore_status status = check_release(m, guards, count);
    for (size_t i = 0; status != KVLOGICAL_EGUARD && i < count; i++) {
        guard g = guard_at(guards, i);
        if (g.manager == 0) continue;
        guard_put(guards, i, (guard){0});
        if (!guard_valid(m, g)) {
            status = KVCORE_EINVAL;
            continue;
        }
        slot_free(m, g.block);
        slots_moved(m, state, SLOT_FREE, 1);
    }
    lock_give(m->lock);
    return status;
}

kvcore_status kvlogical_release_mutable(kvlogical_manager *m, kvlogical_mutable *blocks, size_t count) {
    return release_sole(m, blocks, count, SLOT_MUTABLE);
}

kvcore_status kvlogical_release_complete(kvlogical_manager *m, kvlogical_complete *staged, size_t count) {
    return release_sole(m, staged, count, SLOT_STAGED);
}

kvcore_status kvlogical_name(const kvlogical_manager *m, const kvlogical_immutable *held, kvhash_plh *name) {
    if (m == NULL || held == NULL || name == NULL) return KVCORE_EINVAL;
    lock_take(m->lock);
    guard g = guard_at(held, 0);
    kvcore_status status = guard_valid(m, g) ? KVCORE_OK : KVLOGICAL_EGUARD;
    if (status == KVCORE_OK) *name = m->slots[g.block].name;
    lock_give(m->lock);
    return status;
}
