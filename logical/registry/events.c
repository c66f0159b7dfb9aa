/* Events: who hears of names that come and go. */
#include <kvlogical/events.h>

#include "pool/manager.h"

/* How many slots a resync looks at before it lets others have the lock. */
#define SLOTS_A_TURN 4096

struct kvlogical_subscription {
    registry *registry;
    uint64_t next;   /* entry of the ring to deliver next */
    uint64_t number; /* of the next CREATE or REMOVE to deliver */
    /* resync: where it is in the managers' slots, and then in the records */
    enum { RESYNC_NONE, RESYNC_CLEAR, RESYNC_SLOTS, RESYNC_RECORDS } resync;
    uint64_t manager;
    uint32_t index;
};

/* ---- policy ---- */

bool kvlogical_filter_power_of_two(void *range, kvhash_plh name) {
    const kvlogical_position_range *r = range;
    uint32_t position = kvhash_plh_position(name);
    return position != 0 && (position & (position - 1)) == 0 && position >= r->least && position <= r->most;
}

static bool announced(const registry *r, kvhash_plh name) {
    return r->events.policy.filter == NULL || r->events.policy.filter(r->events.policy.ctx, name);
}

kvcore_status kvlogical_registry_set_event_policy(kvlogical_registry *r, kvlogical_event_policy policy) {
    if (r == NULL) return KVCORE_EINVAL;
    lock_take(&r->lock);
    kvcore_status status = r->events.wanted ? KVCORE_EBUSY : KVCORE_OK;
    if (status == KVCORE_OK) r->events.policy = policy;
    lock_give(&r->lock);
    return status;
}

/* ---- making events ---- */

static void enqueue(event_state *e, const kvhash_event *event) {
    if (e->ring != NULL) e->ring[e->written++ & (e->capacity - 1)] = *event;
}

void kvlogical__event(registry *r, uint32_t kind, kvhash_plh name) {
    if (!announced(r, name)) return;
    kvhash_event event = {.name = name, .sequence = r->events.next++, .kind = kind};
    enqueue(&r->events, &event);
    if (r->events.listener != NULL) r->events.listener(r->events.listener_ctx, &event);
}

static kvhash_event unnumbered(const registry *r, uint32_t kind) {
    return (kvhash_event){.sequence = r->events.next, .kind = kind};
}

static bool silent(const registry *r, kvhash_plh name) {
    uint32_t row = r->record_count == 0 ? NO_ROW : name_find(&r->record_names, r->records, sizeof(record), name);
    return row != NO_ROW && r->records[row].silent;
}

void kvlogical__event_moved(registry *r, kvhash_plh name) {
    if (silent(r, name) || !announced(r, name)) return;
    kvhash_event event = unnumbered(r, KVHASH_EVENT_PRESENT);
    event.name = name;
    enqueue(&r->events, &event);
}

static bool settle_wanted(registry *r) {
    return r->events.wanted = r->events.listener != NULL || r->events.subscriptions > 0;
}

/* ---- the present state ---- */

/* Is this slot the one that tells of its name? Not when an earlier manager has the name, too. */
static bool tells(const registry *r, const manager *m, const slot *s) {
    if (s->state != SLOT_PRIMARY && s->state != SLOT_INACTIVE) return false;
    for (const manager *earlier = r->managers; earlier != m; earlier = earlier->sibling)
        if (find_slot(earlier, s->name) != NO_SLOT) return false;
    return !silent(r, s->name) && announced(r, s->name);
}

/* A record tells of a name that no block has. */
static bool record_tells(const registry *r, const record *rec) {
    if (!rec->used || rec->silent || rec->holds == 0) return false;
    for (const manager *m = r->managers; m != NULL; m = m->sibling)
        if (find_slot(m, rec->name) != NO_SLOT) return false;
    return announced(r, rec->name);
}

static void announce(registry *r) {
    kvhash_event event = unnumbered(r, KVHASH_EVENT_CLEAR);
    r->events.listener(r->events.listener_ctx, &event);
    event.kind = KVHASH_EVENT_PRESENT;
    for (const manager *m = r->managers; m != NULL; m = m->sibling)
        for (uint32_t i = 0; i < m->slot_count; i++)
            if (tells(r, m, &m->slots[i])) {
                event.name = m->slots[i].name;
                r->events.listener(r->events.listener_ctx, &event);
            }
    for (uint32_t row = 0; row < r->record_rows; row++)
        if (record_tells(r, &r->records[row])) {
            event.name = r->records[row].name;
            r->events.listener(r->events.listener_ctx, &event);
        }
}

kvcore_status kvlogical_registry_on_event(kvlogical_registry *r, kvlogical_event_callback callback, void *ctx) {
    if (r == NULL) return KVCORE_EINVAL;
    lock_take(&r->lock);
    kvcore_status status = callback != NULL && r->events.listener != NULL ? KVCORE_EBUSY : KVCORE_OK;
    if (status == KVCORE_OK) {
        r->events.listener = callback;
        r->events.listener_ctx = ctx;
        settle_wanted(r);
        if (callback != NULL) announce(r);
    }
    lock_give(&r->lock);
    return status;
}

void kvlogical_registry_announce(kvlogical_registry *r) {
    if (r == NULL) return;
    lock_take(&r->lock);
    if (r->events.listener != NULL) announce(r);
    lock_give(&r->lock);
}

/* ---- subscriptions ---- */

kvcore_status kvlogical_subscribe(kvlogical_registry *r, kvlogical_subscription **out) {
    if (r == NULL || out == NULL) return KVCORE_EINVAL;
    *out = NULL;
    if (r->fixed) return KVCORE_ENOTSUP;
    kvlogical_subscription *s = kvcore_alloc(&r->allocator, 1, sizeof *s, _Alignof(kvlogical_subscription));
    if (s == NULL) return KVCORE_ENOMEM;
    lock_take(&r->lock);
    if (r->events.ring == NULL)
        r->events.ring =
            kvcore_alloc(&r->allocator, (size_t)r->events.capacity, sizeof(kvhash_event), _Alignof(kvhash_event));
    bool made = r->events.ring != NULL;
    if (made) {
        *s = (kvlogical_subscription){.registry = r, .next = r->events.written, .number = r->events.next};
        r->events.subscriptions++;
        settle_wanted(r);
    }
    lock_give(&r->lock);
    if (!made) {
        kvcore_free(&r->allocator, s, 1, sizeof *s, _Alignof(kvlogical_subscription));
        return KVCORE_ENOMEM;
    }
    *out = s;
    return KVCORE_OK;
}

void kvlogical_subscription_destroy(kvlogical_subscription *s) {
    if (s == NULL) return;
    registry *r = s->registry;
    lock_take(&r->lock);
    r->events.subscriptions--;
    r->events.resyncing -= s->resync != RESYNC_NONE;
    settle_wanted(r);
    lock_give(&r->lock);
    kvcore_free(&r->allocator, s, 1, sizeof *s, _Alignof(kvlogical_subscription));
}

/* What to fill and how far it is. */
typedef struct output {
    kvhash_event *events;
    size_t capacity, count;
} output;

static bool full(const output *o) { return o->count == o->capacity; }

static bool numbered(const kvhash_event *event) {
    return event->kind == KVHASH_EVENT_CREATE || event->kind == KVHASH_EVENT_REMOVE;
}

/* Entries were overwritten. Their numbers say how many were CREATE or REMOVE; if none was, a resync lost what moved behind
 * its back and begins again. */
static void skip_lost(kvlogical_subscription *s, uint64_t oldest, output *o) {
    const event_state *e = &s->registry->events;
    uint64_t number = e->ring[oldest & (e->capacity - 1)].sequence;
    if (number > s->number)
        o->events[o->count++] =
            (kvhash_event){.sequence = number, .lost = number - s->number, .kind = KVHASH_EVENT_GAP};
    else if (s->resync != RESYNC_NONE)
        s->resync = RESYNC_CLEAR;
    s->number = number;
    s->next = oldest;
}

static void drain(kvlogical_subscription *s, output *o) {
    const event_state *e = &s->registry->events;
    uint64_t oldest = e->written > e->capacity ? e->written - e->capacity : 0;
    if (s->next < oldest && !full(o)) skip_lost(s, oldest, o);
    while (s->next < e->written && !full(o)) {
        const kvhash_event *event = &e->ring[s->next++ & (e->capacity - 1)];
        if (numbered(event))
            s->number = event->sequence + 1;
        else if (s->resync != RESYNC_SLOTS && s->resync != RESYNC_RECORDS)
            continue; /* another one's resync */
        o->events[o->count++] = *event;
    }
}

/* The manager the resync is at, or the next one if that is gone. */
static const manager *resync_manager(const kvlogical_subscription *s) {
    const manager *m = s->registry->managers;
    while (m != NULL && m->id < s->manager) m = m->sibling;
    return m;
}

static void resync_slots(kvlogical_subscription *s, output *o) {
    const manager *m = resync_manager(s);
    if (m == NULL) {
        s->resync = RESYNC_RECORDS;
        s->index = 0;
        return;
    }
    if (m->id != s->manager) s->index = 0;
    s->manager = m->id;
    for (uint32_t turn = 0; turn < SLOTS_A_TURN && s->index < m->slot_count && !full(o); turn++, s->index++) {
        if (!tells(s->registry, m, &m->slots[s->index])) continue;
        o->events[o->count] = unnumbered(s->registry, KVHASH_EVENT_PRESENT);
        o->events[o->count++].name = m->slots[s->index].name;
    }
    if (s->index < m->slot_count) return;
    s->manager = m->id + 1;
    s->index = 0;
}

static void resync_records(kvlogical_subscription *s, output *o) {
    const registry *r = s->registry;
    for (uint32_t turn = 0; turn < SLOTS_A_TURN && s->index < r->record_rows && !full(o); turn++, s->index++) {
        if (!record_tells(r, &r->records[s->index])) continue;
        o->events[o->count] = unnumbered(r, KVHASH_EVENT_PRESENT);
        o->events[o->count++].name = r->records[s->index].name;
    }
    if (s->index < r->record_rows) return;
    s->resync = RESYNC_NONE;
    s->registry->events.resyncing--;
}

/* Each turn first delivers what has happened, so that what the present state says is never overtaken by older news. */
kvcore_status kvlogical_subscription_poll(kvlogical_subscription *s, kvhash_event *events, size_t capacity,
                                          size_t *count) {
    if (s == NULL || count == NULL || (capacity > 0 && events == NULL)) return KVCORE_EINVAL;
    output o = {events, capacity, 0};
    bool more = true;
    while (more) {
        lock_take(&s->registry->lock);
        drain(s, &o);
        if (!full(&o) && s->resync == RESYNC_CLEAR) {
            o.events[o.count++] = unnumbered(s->registry, KVHASH_EVENT_CLEAR);
            s->resync = RESYNC_SLOTS;
            s->manager = 0;
            s->index = 0;
        }
        if (!full(&o) && s->resync == RESYNC_SLOTS)
            resync_slots(s, &o);
        else if (!full(&o) && s->resync == RESYNC_RECORDS)
            resync_records(s, &o);
        more = !full(&o) && s->resync != RESYNC_NONE;
        lock_give(&s->registry->lock);
    }
    *count = o.count;
    return KVCORE_OK;
}

kvcore_status kvlogical_subscription_resync(kvlogical_subscription *s) {
    if (s == NULL) return KVCORE_EINVAL;
    lock_take(&s->registry->lock);
    s->registry->events.resyncing += s->resync == RESYNC_NONE;
    s->resync = RESYNC_CLEAR;
    lock_give(&s->registry->lock);
    return KVCORE_OK;
}
