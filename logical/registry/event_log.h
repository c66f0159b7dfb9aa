/* The event log: numbers events, calls the listener, keeps the queue of the subscriptions. It is told what happened and never
 * asks. Everything here runs under the registry's lock. Private to logical. */
#ifndef LOGICAL_EVENT_LOG_H
#define LOGICAL_EVENT_LOG_H

#include <kvlogical/events.h>

typedef struct event_log {
    bool wanted; /* by a listener or a subscription; otherwise no event is made */
    kvlogical_event_policy policy;
    kvlogical_event_callback listener;
    void *listener_ctx;
    kvhash_event *ring;                /* made for the first subscription */
    uint64_t capacity;                 /* a power of two */
    uint64_t written;                  /* entries of the ring, ever */
    uint64_t next;                     /* number of the next event */
    uint32_t subscriptions, resyncing; /* how many there are, and how many of them read the present state now */
} event_log;

/* event_capacity 0: 1024. */
void kvlogical__event_log_init(event_log *log, size_t event_capacity);
/* Give back the ring. */
void kvlogical__event_log_clear(event_log *log, const kvcore_allocator *allocator);

/* Does the policy announce this name? */
static inline bool event_log_announces(const event_log *log, kvhash_plh name) {
    return log->policy.filter == NULL || log->policy.filter(log->policy.ctx, name);
}

/* Where the block of an event is. */
typedef struct event_place {
    uint64_t tier;
    uint32_t block;
} event_place;

#define NO_PLACE ((event_place){0, KVHASH_NO_BLOCK})

/* An event without a number of its own, about no block. */
static inline kvhash_event event_log_unnumbered(const event_log *log, uint32_t kind) {
    return (kvhash_event){.sequence = log->next, .kind = kind, .block = KVHASH_NO_BLOCK};
}

static inline kvhash_event event_log_present(const event_log *log, kvhash_plh name, event_place at) {
    return (kvhash_event){
        .name = name, .sequence = log->next, .tier = at.tier, .kind = KVHASH_EVENT_PRESENT, .block = at.block};
}

static inline void event_log_settle(event_log *log) { log->wanted = log->listener != NULL || log->subscriptions > 0; }

/* A name came or went: number the event and deliver it, if the policy announces the name. facts: lent by the caller, or NULL. */
void kvlogical__event_log_tell(event_log *log, uint32_t kind, kvhash_plh name, event_place at,
                               const kvhash_block_facts *facts);
/* A known name has a block in another place now, where a resync may have been already: tell the subscriptions. */
void kvlogical__event_log_moved(event_log *log, kvhash_plh name, event_place at);

#endif
