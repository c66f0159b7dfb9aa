/* Who hears of names that come and go: the listener and the subscriptions, and how they read the present state. */
#include <kvcore/config.h>

#include "pool/result.h"
#include "registry/registry.h"

/* How many slots a resync looks at before it lets others have the lock. */
#define SLOTS_A_TURN 4096

struct kvlogical_subscription {
    registry *registry;
    uint64_t next;   /* entry of the ring to deliver next */
    uint64_t number; /* of the next CREATE or REMOVE to deliver */
    /* resync: where it is in the tiers' slots, and then in the records */
    enum { RESYNC_NONE, RESYNC_CLEAR, RESYNC_SLOTS, RESYNC_RECORDS } resync;
    uint64_t tier; /* its id */
    uint32_t index;
};

/* ---- policy ---- */

kvcore_status kvlogical_registry_set_event_policy(kvlogical_registry *r, const kvlogical_event_policy *given) {
    if (r == NULL) return KVCORE_EINVAL;
    kvlogical_event_policy policy = KVLOGICAL_EVENT_POLICY_INIT;
    if (given != NULL && kvcore_config_read(&policy, sizeof policy, given, NULL) != KVCORE_OK) return KVCORE_EINVAL;
    if (policy.scope > KVLOGICAL_EVENTS_EVERY_TIER) return KVCORE_EINVAL;
    lock_take(&r->lock);
    kvcore_status status = r->events.wanted ? KVCORE_EBUSY : KVCORE_OK;
    if (status == KVCORE_OK) r->events.policy = policy;
    lock_give(&r->lock);
    return status;
}

/* ---- the present state ---- */

/* Does this slot report its name in a resync? Not when an earlier tier (of the same number) reports it. */
static bool tells(const registry *r, const tier *t, uint32_t index) {
    bool every = registry_every_tier(r);
    const slot *s = &t->slots[index];
    if (!slot_stands(t, index)) return false;
    for (const tier *earlier = r->tiers; earlier != t; earlier = earlier->next)
        if ((!every || earlier->number == t->number) && tier_has(earlier, s->name)) return false;
    return (every || !registry_silent(r, s->name)) && event_log_announces(&r->events, s->name);
}

/* A record tells of a name that no block has. */
static bool record_tells(const registry *r, const record *rec) {
    if (!rec->used || rec->silent || rec->holds == 0 || registry_every_tier(r)) return false;
    for (const tier *t = r->tiers; t != NULL; t = t->next)
        if (tier_has(t, rec->name)) return false;
    return event_log_announces(&r->events, rec->name);
}

static void announce(registry *r) {
    event_log *log = &r->events;
    kvhash_event event = event_log_unnumbered(log, KVHASH_EVENT_CLEAR);
    log->listener(log->listener_ctx, &event);
    for (const tier *t = r->tiers; t != NULL; t = t->next)
        for (uint32_t i = 0; i < t->slot_count; i++)
            if (tells(r, t, i)) {
                event = event_log_present(log, t->slots[i].name, (event_place){t->number, i});
                log->listener(log->listener_ctx, &event);
            }
    for (uint32_t row = 0; row < r->records.used; row++)
        if (record_tells(r, &r->records.rows[row])) {
            event = event_log_present(log, r->records.rows[row].name, NO_PLACE);
            log->listener(log->listener_ctx, &event);
        }
}

kvcore_status kvlogical_registry_on_event(kvlogical_registry *r, kvlogical_event_callback callback, void *ctx) {
    if (r == NULL) return KVCORE_EINVAL;
    lock_take(&r->lock);
    kvcore_status status = callback != NULL && r->events.listener != NULL ? KVCORE_EBUSY : KVCORE_OK;
    if (status == KVCORE_OK) {
        r->events.listener = callback;
        r->events.listener_ctx = ctx;
        event_log_settle(&r->events);
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

kvcore_status kvlogical_subscription_create(kvlogical_registry *r, kvlogical_subscription **out) {
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
        event_log_settle(&r->events);
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
    event_log_settle(&r->events);
    lock_give(&r->lock);
    kvcore_free(&r->allocator, s, 1, sizeof *s, _Alignof(kvlogical_subscription));
}

/* What to fill and how far it is. */
typedef struct output {
    void *events;
    size_t event_bytes, capacity, count;
} output;

static bool full(const output *o) { return o->count == o->capacity; }

static void put(output *o, kvhash_event event) {
    kvlogical__result_put(o->events, o->count++, o->event_bytes, &event, sizeof event);
}

static bool numbered(const kvhash_event *event) {
    return event->kind == KVHASH_EVENT_CREATE || event->kind == KVHASH_EVENT_REMOVE;
}

/* Entries were overwritten. Their numbers say how many were CREATE or REMOVE; if none was, a resync lost what moved behind
 * its back and begins again. */
static void skip_lost(kvlogical_subscription *s, uint64_t oldest, output *o) {
    const event_log *e = &s->registry->events;
    uint64_t number = e->ring[oldest & (e->capacity - 1)].sequence;
    if (number > s->number)
        put(o, (kvhash_event){
                   .sequence = number, .lost = number - s->number, .kind = KVHASH_EVENT_GAP, .block = KVHASH_NO_BLOCK});
    else if (s->resync != RESYNC_NONE)
        s->resync = RESYNC_CLEAR;
    s->number = number;
    s->next = oldest;
}

static void drain(kvlogical_subscription *s, output *o) {
    const event_log *e = &s->registry->events;
    uint64_t oldest = e->written > e->capacity ? e->written - e->capacity : 0;
    if (s->next < oldest && !full(o)) skip_lost(s, oldest, o);
    while (s->next < e->written && !full(o)) {
        const kvhash_event *event = &e->ring[s->next++ & (e->capacity - 1)];
        if (numbered(event))
            s->number = event->sequence + 1;
        else if (s->resync != RESYNC_SLOTS && s->resync != RESYNC_RECORDS)
            continue; /* another one's resync */
        put(o, *event);
    }
}

/* The tier the resync is at, or the next one if that is gone. */
static const tier *resync_tier(const kvlogical_subscription *s) {
    const tier *t = s->registry->tiers;
    while (t != NULL && t->id < s->tier) t = t->next;
    return t;
}

static void put_present(const registry *r, output *o, kvhash_plh name, event_place at) {
    put(o, event_log_present(&r->events, name, at));
}

static void resync_slots(kvlogical_subscription *s, output *o) {
    const tier *t = resync_tier(s);
    if (t == NULL) {
        s->resync = RESYNC_RECORDS;
        s->index = 0;
        return;
    }
    if (t->id != s->tier) s->index = 0;
    s->tier = t->id;
    for (uint32_t turn = 0; turn < SLOTS_A_TURN && s->index < t->slot_count && !full(o); turn++, s->index++)
        if (tells(s->registry, t, (uint32_t)s->index))
            put_present(s->registry, o, t->slots[s->index].name, (event_place){t->number, s->index});
    if (s->index < t->slot_count) return;
    s->tier = t->id + 1;
    s->index = 0;
}

static void resync_records(kvlogical_subscription *s, output *o) {
    const records *all = &s->registry->records;
    for (uint32_t turn = 0; turn < SLOTS_A_TURN && s->index < all->used && !full(o); turn++, s->index++)
        if (record_tells(s->registry, &all->rows[s->index]))
            put_present(s->registry, o, all->rows[s->index].name, NO_PLACE);
    if (s->index < all->used) return;
    s->resync = RESYNC_NONE;
    s->registry->events.resyncing--;
}

uint64_t kvlogical__subscription_backlog(kvlogical_subscription *s) {
    registry *r = s->registry;
    lock_take(&r->lock);
    uint64_t written = r->events.written - s->next;
    uint64_t events = written > r->events.capacity ? 1 + r->events.capacity : written; /* a GAP and what is left */
    if (s->resync != RESYNC_NONE) {
        events += 1 + (uint64_t)r->records.used;
        for (const tier *t = r->tiers; t != NULL; t = t->next) events += t->slot_count;
    }
    lock_give(&r->lock);
    return events;
}

/* Each turn first delivers what has happened, so that what the present state says is never overtaken by older news. */
kvcore_status kvlogical_subscription_read(kvlogical_subscription *s, size_t event_bytes, void *events, size_t capacity,
                                          size_t *count) {
    if (s == NULL || count == NULL || event_bytes < sizeof(kvhash_plh) || (capacity > 0 && events == NULL))
        return KVCORE_EINVAL;
    output o = {events, event_bytes, capacity, 0};
    bool more = true;
    while (more) {
        lock_take(&s->registry->lock);
        drain(s, &o);
        if (!full(&o) && s->resync == RESYNC_CLEAR) {
            put(&o, event_log_unnumbered(&s->registry->events, KVHASH_EVENT_CLEAR));
            s->resync = RESYNC_SLOTS;
            s->tier = 0;
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
