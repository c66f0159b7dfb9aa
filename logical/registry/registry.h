/* The registry's record and what managers call of it, all under its lock. Private to logical.
 *
 * Which names are registered is not kept beside the managers: a name is registered when the name table of a manager has it, or
 * when it has a record that is held. So a registration that only blocks hold costs nothing here. A record is made for a name
 * with handles, weak guards or attachments, and for one that was transferred in silence. */
#ifndef LOGICAL_REGISTRY_H
#define LOGICAL_REGISTRY_H

#include <kvlogical/events.h>
#include <kvlogical/registry.h>

#include "pool/lock.h"
#include "pool/name_table.h"

struct kvlogical_manager;

typedef struct attachment {
    struct attachment *next;
    kvlogical_attachment_key key;
    bool unique;
    void *value;
    kvlogical_attachment_destructor destructor;
} attachment;

typedef struct touch_callback {
    struct touch_callback *next;
    kvlogical_touch_callback call;
    void *ctx;
} touch_callback;

typedef struct record {
    kvhash_plh name;
    uint32_t holds;      /* handles and weak guards */
    uint32_t generation; /* moves on when the record is freed */
    uint32_t next_unused;
    bool used;
    bool silent; /* transferred: never announced, so never taken back */
    attachment *attachments;
    touch_callback *callbacks;
} record;

/* What is to be destroyed once the lock is given. */
typedef struct doomed {
    attachment *attachments;
    touch_callback *callbacks;
} doomed;

/* Events: see events.c. */
typedef struct event_state {
    bool wanted; /* by a listener or a subscription; otherwise no event is made */
    kvlogical_event_policy policy;
    kvlogical_event_callback listener;
    void *listener_ctx;
    kvhash_event *ring;                /* made for the first subscription */
    uint64_t capacity;                 /* a power of two */
    uint64_t written;                  /* entries of the ring, ever */
    uint64_t next;                     /* number of the next event */
    uint32_t subscriptions, resyncing; /* how many there are, and of them, have the present state told now */
} event_state;

struct kvlogical_registry {
    lock lock;
    uint64_t id;
    struct kvlogical_manager *managers; /* by ascending id */
    uint32_t manager_count;
    bool own_by_manager;
    bool fixed; /* lives in the caller's memory: nothing can grow */

    uint64_t registered; /* names */
    kvlogical_tracker tracker;
    kvlogical_frequency *frequency; /* its own, or NULL */

    record *records;
    uint32_t record_capacity, record_count, record_rows; /* rows: ever used */
    uint32_t unused_record;
    name_table record_names;
    doomed doomed;

    event_state events;
    kvcore_allocator allocator;
};

typedef struct kvlogical_registry registry;

uint64_t kvlogical__next_id(void);

/* Records over memory that holds so many; kvlogical__records_bytes() of it, 8-byte aligned. */
uint64_t kvlogical__records_bytes(uint64_t capacity);
void kvlogical__records_init(registry *r, void *memory, uint32_t capacity);
/* An empty registry; tracker and records are the caller's to add. event_capacity 0: 1024. */
void kvlogical__registry_init(registry *r, uint64_t id, const kvcore_allocator *allocator, size_t event_capacity);
/* Give back everything it allocated but itself. */
void kvlogical__registry_clear(registry *r);

/* Give the lock, then destroy what is doomed. */
void kvlogical__registry_bury(registry *r);

static inline void registry_give(registry *r) {
    if (__builtin_expect(r->doomed.attachments != NULL || r->doomed.callbacks != NULL, 0))
        kvlogical__registry_bury(r);
    else
        lock_give(&r->lock);
}

bool kvlogical__registered_elsewhere(const registry *r, const struct kvlogical_manager *except, kvhash_plh name);

/* Does anything but the blocks of this manager (NULL: of any) keep the name registered? */
static inline bool registered_elsewhere(const registry *r, const struct kvlogical_manager *except, kvhash_plh name) {
    if (except != NULL && r->manager_count == 1 && r->record_count == 0) return false;
    return kvlogical__registered_elsewhere(r, except, name);
}

void kvlogical__event(registry *r, uint32_t kind, kvhash_plh name);
/* A registered name has a block in another place now, perhaps where a resync has been already. */
void kvlogical__event_moved(registry *r, kvhash_plh name);
void kvlogical__unregister(registry *r, kvhash_plh name);

/* A manager got a block of a name that it did not have. Returns whether the name is newly registered: to be touched. */
static inline bool registry_gain(registry *r, const struct kvlogical_manager *by, kvhash_plh name) {
    if (registered_elsewhere(r, by, name)) {
        if (r->events.resyncing > 0) kvlogical__event_moved(r, name);
        return false;
    }
    r->registered++;
    if (r->events.wanted) kvlogical__event(r, KVHASH_EVENT_CREATE, name);
    return true;
}

/* A manager lost its last block of a name (it is out of its name table by now). */
static inline void registry_lose(registry *r, const struct kvlogical_manager *by, kvhash_plh name) {
    if (registered_elsewhere(r, by, name)) return;
    if (r->record_count == 0 && !r->events.wanted)
        r->registered--;
    else
        kvlogical__unregister(r, name);
}

static inline void registry_touch(const registry *r, kvhash_plh name) {
    if (r->tracker.touch != NULL) r->tracker.touch(r->tracker.ctx, name);
}

/* A hold on the record of a registered name, made if need be. NO_ROW with the status when it cannot. */
kvcore_status kvlogical__record_hold(registry *r, kvhash_plh name, uint32_t *row);
bool kvlogical__record_valid(const registry *r, uint32_t row, uint32_t generation);
/* One hold less; with the last one the name may be unregistered. */
void kvlogical__record_let_go(registry *r, uint32_t row);

#endif
