/* The life of blocks, a batch at a time: one lock, all checks before the first change, prefetch across the batch. */
#include "manager.h"

/* Names are looked up in groups: hash and prefetch the table for all, then prefetch the slots, then do the work. */
#define GROUP 64
/* How far ahead a loop over guards prefetches their slots. */
#define GUARDS_AHEAD 8

static inline size_t group_size(size_t done, size_t count) { return count - done < GROUP ? count - done : GROUP; }

static inline void prefetch_names(const manager *m, const uint32_t *tags, size_t count) {
    if (count == 1) return; /* nothing to overlap with */
    for (size_t i = 0; i < count; i++) name_prefetch(&m->names, tags[i]);
    for (size_t i = 0; i < count; i++) name_prefetch_slot(&m->names, m->slots, tags[i]);
}

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
static bool holds_fit(const manager *m, size_t more) { return more <= UINT32_MAX / 2 && m->holds + 2 * more <= UINT32_MAX; }

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
    size_t from_free = count < m->free.count ? count : m->free.count;
    for (size_t i = 0; i < from_free; i++) hand_out(m, list_pop(&m->free, m->slots), &blocks[i]);
    for (size_t done = from_free; done < count;) {
        uint32_t victims[GROUP];
        size_t group = group_size(done, count);
        m->eviction->evict(m, victims, group);
        forget(m, victims, group, evicted == NULL ? NULL : evicted->names + (done - from_free));
        for (size_t i = 0; i < group; i++) hand_out(m, victims[i], &blocks[done + i]);
        done += group;
    }
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
    lock_give(m->lock);
    return status;
}

/* ---- register ---- */

/* Returns the slot whose guard the caller gets. */
static uint32_t share(manager *m, uint32_t index, uint32_t tag) {
    slot *s = &m->slots[index];
    uint32_t existing = name_find(&m->names, m->slots, s->name, tag);
    if (existing == NO_SLOT) {
        name_insert(&m->names, tag, index);
        slot_enter(m, index, SLOT_PRIMARY);
    } else {
        slot_hold(m, existing); /* by the caller, or by the duplicate */
        if (m->reject_duplicates) {
            slot_free(m, index);
            return existing;
        }
        s->primary = existing;
        slot_enter(m, index, SLOT_DUPLICATE);
    }
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
        for (size_t i = 0; i < group; i++)
            tags[i] = name_tag(&m->names, m->slots[guard_at(staged, done + i).block].name);
        prefetch_names(m, tags, group);
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
        uint32_t tags[GROUP];
        size_t first = found, group = group_size(found, count);
        for (size_t i = 0; i < group; i++) tags[i] = name_tag(&m->names, names[first + i]);
        prefetch_names(m, tags, group);
        for (size_t i = 0; i < group; i++) {
            uint32_t index = name_find(&m->names, m->slots, names[first + i], tags[i]);
            if ((miss = index == NO_SLOT)) break;
            slot_hold(m, index);
            guard_put(held, found++, guard_of(m, index));
        }
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
        slot_hold(m, g.block);
        guard_put(copies, i, g);
    }
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

static kvcore_status release_held(kvlogical_manager *m, kvlogical_immutable *held, size_t count, bool tail_first) {
    if (m == NULL || (count > 0 && held == NULL)) return KVCORE_EINVAL;
    lock_take(m->lock);
    kvcore_status status = check_release(m, held, count);
    if (status == KVCORE_OK)
        for (size_t k = 0; k < count; k++) {
            size_t i = tail_first ? count - 1 - k : k;
            guard g = guard_at(held, i);
            if (g.manager == 0) continue;
            guard_put(held, i, (guard){0});
            if (guard_valid(m, g))
                slot_let_go(m, g.block);
            else
                status = KVLOGICAL_EGUARD; /* one more copy of a guard than there are holds */
        }
    lock_give(m->lock);
    return status;
}

kvcore_status kvlogical_release(kvlogical_manager *m, kvlogical_immutable *held, size_t count) {
    return release_held(m, held, count, false);
}

kvcore_status kvlogical_release_tail_first(kvlogical_manager *m, kvlogical_immutable *held, size_t count) {
    return release_held(m, held, count, true);
}

static kvcore_status release_sole(kvlogical_manager *m, void *guards, size_t count) {
    if (m == NULL || (count > 0 && guards == NULL)) return KVCORE_EINVAL;
    lock_take(m->lock);
    kvcore_status status = check_release(m, guards, count);
    if (status == KVCORE_OK)
        for (size_t i = 0; i < count; i++) {
            guard g = guard_at(guards, i);
            if (g.manager == 0) continue;
            guard_put(guards, i, (guard){0});
            if (guard_valid(m, g))
                slot_free(m, g.block);
            else
                status = KVLOGICAL_EGUARD;
        }
    lock_give(m->lock);
    return status;
}

kvcore_status kvlogical_release_mutable(kvlogical_manager *m, kvlogical_mutable *blocks, size_t count) {
    return release_sole(m, blocks, count);
}

kvcore_status kvlogical_release_complete(kvlogical_manager *m, kvlogical_complete *staged, size_t count) {
    return release_sole(m, staged, count);
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
