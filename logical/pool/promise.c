/* Blocks in flight. Pending names have a table of their own, so that nothing else meets them. */
#include <kvlogical/promise.h>

#include "pool/promise.h"

#include "pool/release.h"
#include <kvcore/config.h>

/* The owner's guard is told from joined ones, which carry the slot's generation and keep it when the promise is kept. */
#define OWNER UINT32_C(0x80000000)

_Static_assert(sizeof(kvlogical_promised) == sizeof(guard), "guards look alike");

static guard owner_of(const manager *m, uint32_t index) {
    guard g = guard_of(m, index);
    g.generation ^= OWNER;
    return g;
}

static bool owns(const manager *m, guard g) {
    g.generation ^= OWNER;
    return guard_valid(m, g, OF_PENDING);
}

static bool supported(const manager *m) { return m->promises.capacity > 0; }

/* The slot that has a name promised, or NO_SLOT. */
static uint32_t find_pending(const manager *m, kvhash_plh name) {
    return name_find(&m->promises, m->tier.slots, sizeof(slot), name);
}

static uint32_t pending_tag(const manager *m, uint32_t index) {
    return name_tag(&m->promises, m->tier.slots[index].name);
}

/* A withdrawn one is out of the table already. */
static void leave_pending(manager *m, uint32_t index) {
    if (!m->tier.slots[index].withdrawn) name_erase(&m->promises, pending_tag(m, index), index);
}

/* Every promise is good and comes once; all or none are marked. Empty ones pass when they may. */
static kvcore_status claim(manager *m, const kvlogical_promised *promised, size_t count, bool may_be_empty) {
    for (size_t i = 0; i < count; i++) {
        guard g = guard_at(promised, i);
        if (g.manager == 0 && may_be_empty) continue;
        if (owns(m, g) && !m->tier.slots[g.block].claimed) {
            m->tier.slots[g.block].claimed = true;
            continue;
        }
        while (i-- > 0)
            if (promised[i].manager != 0) m->tier.slots[promised[i].block].claimed = false;
        return KVLOGICAL_EGUARD;
    }
    return KVCORE_OK;
}

/* ---- promising ---- */

static uint32_t promise_one(manager *m, uint32_t index, kvhash_plh name, uint32_t step, uint32_t now) {
    slot *s = &m->tier.slots[index];
    if (find_slot(m, name) != NO_SLOT) return KVLOGICAL_PROMISE_HERE;
    if (find_pending(m, name) != NO_SLOT) return KVLOGICAL_PROMISE_PENDING;
    kvlogical__set_name(m, index, name);
    slot_enter(m, index, SLOT_PENDING, now);
    s->holds = 1;
    s->companion = step;
    s->broken = s->claimed = false;
    m->holds++;
    name_insert(&m->promises, pending_tag(m, index), index);
    return KVLOGICAL_PROMISE_MADE;
}

/* Of a block that stays mutable: it was claimed. */
static void keep_mutable(manager *m, uint32_t index) { m->tier.slots[index].state = SLOT_MUTABLE; }

kvcore_status kvlogical_promise(kvlogical_manager *m, kvlogical_mutable *blocks, const kvhash_plh *names, size_t count,
                                uint32_t step, kvlogical_promised *promised, uint32_t *answers) {
    if (m == NULL || (count > 0 && (blocks == NULL || names == NULL || promised == NULL || answers == NULL)))
        return KVCORE_EINVAL;
    if (!supported(m)) return KVCORE_ENOTSUP;
    for (size_t i = 0; i < count; i++)
        if (!kvhash_plh_valid(names[i])) return KVHASH_EMODE;
    manager_take(m);
    kvcore_status status = holds_fit(m, count) ? claim_guards(m, blocks, count, SLOT_MUTABLE) : KVCORE_EOVERFLOW;
    uint32_t now = status == KVCORE_OK ? tick_now(m) : 0;
    size_t made = 0;
    for (size_t i = 0; status == KVCORE_OK && i < count; i++) {
        uint32_t index = blocks[i].block;
        answers[i] = promise_one(m, index, names[i], step, now);
        bool yes = answers[i] == KVLOGICAL_PROMISE_MADE;
        guard_put(promised, i, yes ? owner_of(m, index) : (guard){0, 0, 0});
        if (yes)
            guard_put(blocks, i, (guard){0, 0, 0});
        else
            keep_mutable(m, index);
        made += yes;
    }
    slots_moved(m, SLOT_MUTABLE, SLOT_PENDING, made);
    m->metrics.promises += made;
    manager_give(m);
    return status;
}

/* ---- the end of a promise ---- */

/* What is told once the lock is given. */
typedef struct news {
    kvlogical_ready_callback callback;
    void *ctx;
} news;

static news news_of(const manager *m) { return (news){m->on_ready, m->on_ready_ctx}; }

/* The guards are empty only when the callback has seen them. */
static void tell(news n, kvlogical_promised *promised, size_t count, bool broken) {
    if (n.callback != NULL && count > 0) n.callback(n.ctx, promised, count, broken);
    if (count > 0) memset(promised, 0, count * sizeof *promised);
}

/* Registered as any block, in the same stay: joined guards stay good. Returns the slot that the owner holds. */
static uint32_t fulfil_one(manager *m, uint32_t index, uint32_t *front, uint32_t now) {
    slot *s = &m->tier.slots[index];
    uint32_t holds = s->holds, generation = s->generation;
    bool reject = m->reject_duplicates;
    s->claimed = false;
    leave_pending(m, index);
    m->metrics.promise_joins_saved += holds - 1;
    m->metrics.pending_ns += (uint64_t)(uint32_t)(now - s->since) * TICK_NS;
    m->holds -= holds;
    s->holds = 0;
    slots_moved(m, SLOT_PENDING, SLOT_STAGED, 1);
    m->reject_duplicates = reject && holds == 1; /* who joined has this block */
    uint32_t held = kvlogical__share(m, index, front, now);
    m->reject_duplicates = reject;
    if (held != index) return held;
    s->generation = generation;
    s->holds = holds;
    m->holds += holds - 1;
    return index;
}

kvcore_status kvlogical_fulfil(kvlogical_manager *m, kvlogical_promised *promised, size_t count,
                               kvlogical_immutable *held) {
    if (m == NULL || (count > 0 && (promised == NULL || held == NULL))) return KVCORE_EINVAL;
    manager_take(m);
    kvcore_status status = holds_fit(m, count) ? claim(m, promised, count, false) : KVCORE_EOVERFLOW;
    if (status == KVCORE_OK) {
        uint32_t now = tick_now(m), front = NO_SLOT;
        for (size_t i = 0; i < count; i++)
            guard_put(held, i, guard_of(m, fulfil_one(m, promised[i].block, &front, now)));
        m->metrics.registrations += count;
        m->metrics.inflight_immutable += (int64_t)count;
    }
    news n = news_of(m);
    manager_give(m);
    if (status == KVCORE_OK) tell(n, promised, count, false);
    return status;
}

/* Returns whether the block is the owner's alone: he may have it, or let go of it. */
static bool break_one(manager *m, uint32_t index, uint32_t now) {
    slot *s = &m->tier.slots[index];
    s->claimed = false;
    leave_pending(m, index);
    m->metrics.promises_broken++;
    m->metrics.pending_ns += (uint64_t)(uint32_t)(now - s->since) * TICK_NS;
    m->holds--;
    if (--s->holds == 0) return true;
    s->state = SLOT_WITHDRAWN; /* the same stay: joined guards can be released */
    s->broken = true;
    s->since = now;
    slots_moved(m, SLOT_PENDING, SLOT_WITHDRAWN, 1);
    return false;
}

kvcore_status kvlogical_break(kvlogical_manager *m, kvlogical_promised *promised, size_t count,
                              kvlogical_mutable *blocks) {
    if (m == NULL || (count > 0 && (promised == NULL || blocks == NULL))) return KVCORE_EINVAL;
    manager_take(m);
    kvcore_status status = claim(m, promised, count, false);
    for (size_t i = 0; status == KVCORE_OK && i < count; i++) {
        uint32_t index = promised[i].block;
        guard g = {0, 0, 0};
        if (break_one(m, index, m->now)) {
            slot_enter(m, index, SLOT_MUTABLE, m->now);
            m->tier.slots[index].generation++; /* not the stay that it was before */
            slots_moved(m, SLOT_PENDING, SLOT_MUTABLE, 1);
            g = guard_of(m, index);
        }
        guard_put(blocks, i, g);
    }
    news n = news_of(m);
    manager_give(m);
    if (status == KVCORE_OK) tell(n, promised, count, true);
    return status;
}

kvcore_status kvlogical_release_promised(kvlogical_manager *m, kvlogical_promised *promised, size_t count) {
    if (m == NULL || (count > 0 && promised == NULL)) return KVCORE_EINVAL;
    manager_take(m);
    kvcore_status status = claim(m, promised, count, true);
    uint32_t now = tick_now(m), front = NO_SLOT;
    for (size_t i = 0; status == KVCORE_OK && i < count; i++) {
        if (promised[i].manager == 0 || !break_one(m, promised[i].block, now)) continue;
        slot_free(m, promised[i].block, &front, now);
        slots_moved(m, SLOT_PENDING, SLOT_FREE, 1);
    }
    news n = news_of(m);
    manager_give(m);
    if (status == KVCORE_OK) tell(n, promised, count, true);
    return status;
}

size_t kvlogical__withdraw_pending(kvlogical_manager *m, kvhash_plh name) {
    uint32_t index = supported(m) ? find_pending(m, name) : NO_SLOT;
    if (index == NO_SLOT) return 0;
    leave_pending(m, index);
    m->tier.slots[index].withdrawn = true;
    return 1;
}

/* ---- joining ---- */

static bool is_ready(const slot *s, uint32_t step) {
    return s->state != SLOT_PENDING || (s->companion != 0 && step > s->companion);
}

/* A hold on what a name leads to, or NO_SLOT. */
static uint32_t join_one(manager *m, kvhash_plh name, uint32_t mode, kvlogical_joined *joined, uint32_t now) {
    uint32_t index = find_slot(m, name);
    if (index != NO_SLOT) {
        hold_hit(m, index, now);
        slot_touch(m, index);
        return index;
    }
    index = mode == KVLOGICAL_PENDING_SKIP ? NO_SLOT : find_pending(m, name);
    if (index == NO_SLOT) return NO_SLOT;
    if (mode == KVLOGICAL_PENDING_STOP) {
        guard_put(&joined->ticket, 0, guard_of(m, index));
        return NO_SLOT;
    }
    m->tier.slots[index].holds++;
    m->holds++;
    m->metrics.promise_joins++;
    return index;
}

kvcore_status kvlogical_match_joining(kvlogical_manager *m, const kvhash_plh *names, size_t count, uint32_t pending,
                                      uint32_t step, kvlogical_immutable *held, kvlogical_joined *joined) {
    if (m == NULL || joined == NULL || (count > 0 && (names == NULL || held == NULL))) return KVCORE_EINVAL;
    if (pending > KVLOGICAL_PENDING_STOP || joined->struct_size < sizeof(size_t)) return KVCORE_EINVAL;
    if (!supported(m)) return KVCORE_ENOTSUP;
    kvlogical_joined full = KVLOGICAL_JOINED_INIT;
    manager_take(m);
    kvcore_status status = holds_fit(m, count) ? KVCORE_OK : KVCORE_EOVERFLOW;
    uint32_t now = status == KVCORE_OK ? tick_now(m) : 0;
    while (status == KVCORE_OK && full.hits < count) {
        uint32_t index = join_one(m, names[full.hits], pending, &full, now);
        if (index == NO_SLOT) break;
        full.ready += full.ready == full.hits && is_ready(&m->tier.slots[index], step);
        guard_put(held, full.hits++, guard_of(m, index));
    }
    if (status == KVCORE_OK) {
        m->metrics.match_hashes_requested += count;
        m->metrics.match_blocks_returned += full.hits;
        m->metrics.inflight_immutable += (int64_t)full.hits;
    }
    manager_give(m);
    return status == KVCORE_OK ? kvcore_result_write(joined, &full, sizeof full, NULL) : status;
}

static uint32_t readiness(const manager *m, guard g) {
    if (!guard_valid(m, g, OF_SHARED)) return KVLOGICAL_READY_GONE;
    const slot *s = &m->tier.slots[g.block];
    if (s->state == SLOT_PENDING) return KVLOGICAL_READY_PENDING;
    return s->state == SLOT_WITHDRAWN && s->broken ? KVLOGICAL_READY_BROKEN : KVLOGICAL_READY;
}

kvcore_status kvlogical_ready(const kvlogical_manager *m, const kvlogical_immutable *held, size_t count,
                              uint32_t *states) {
    if (m == NULL || (count > 0 && (held == NULL || states == NULL))) return KVCORE_EINVAL;
    for (size_t i = 0; i < count; i++)
        if (held[i].manager != m->tier.id || held[i].block >= m->tier.slot_count) return KVLOGICAL_EGUARD;
    manager_take(m);
    for (size_t i = 0; i < count; i++) states[i] = readiness(m, guard_at(held, i));
    manager_give(m);
    return KVCORE_OK;
}

kvcore_status kvlogical_manager_on_ready(kvlogical_manager *m, kvlogical_ready_callback callback, void *ctx) {
    if (m == NULL) return KVCORE_EINVAL;
    if (!supported(m)) return KVCORE_ENOTSUP;
    manager_take(m);
    m->on_ready = callback;
    m->on_ready_ctx = ctx;
    manager_give(m);
    return KVCORE_OK;
}
