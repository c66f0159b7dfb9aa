/**
 * @file
 * Reports which names a registry has: events as they happen, batches of them, and the present state at any time.
 *
 * A registry reports in one of two ways (kvlogical_event_policy.scope). *Once a name*: a name is announced (CREATE) when it is
 * registered and taken back (REMOVE) when it is unregistered, see kvlogical/registry.h, however many tiers or duplicates hold
 * it. *Every tier*: CREATE when a tier gets its first block of a name, REMOVE when it loses its last one; so a listener can
 * follow which tier holds what. Events carry the tier and the block. They are in the order of the changes and have
 * consecutive numbers; CREATE and REMOVE of a name (in a tier) alternate. While nobody listens, no event is made.
 *
 * Two ways to listen. A *listener* is called for each event, under the registry's lock: it never misses one, and must be
 * quick and not call back. A *subscription* polls a bounded queue in its own time; one that falls behind gets a GAP event
 * that says how many it lost, never silence. Both can ask for the present state: CLEAR, then one PRESENT a
 * name (and tier).
 *
 * Whoever registers a block can lend what its name does not hold: token ids, the parent's name, … (kvhash_block_facts, by
 * kvlogical_register_with()); a kvlogical_request lends its tokens and parents by itself. A listener
 * finds them in the CREATE event and copies what it keeps. Events of a subscription do not have them, because their queue
 * copies nothing that is borrowed.
 *
 * A *publisher* turns a subscription into batches for the wire; it is polled, or flushes from a thread of its own.
 *
 * Threads: safe. A subscription or publisher is used by one thread at a time.
 * Source:  kvbm-logical 1.5.0, events pipeline; policies and batching as there, loss as described here.
 */
#ifndef KVLOGICAL_EVENTS_H
#define KVLOGICAL_EVENTS_H

#include <kvhash/event.h>
#include <kvlogical/registry.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- which names are announced ---- */

/** Is this name announced? Called under the lock; must give the same answer for a name each time. */
typedef bool (*kvlogical_event_filter)(void *ctx, kvhash_plh name);

/** What one CREATE and its REMOVE stand for. */
enum {
    KVLOGICAL_EVENTS_ONCE_A_NAME = 0, /**< a registered name, wherever its blocks are */
    KVLOGICAL_EVENTS_EVERY_TIER = 1,  /**< a name in a tier (all managers with one number are one tier). Handles and
                                           weak guards alone make no event; transferred names do */
};

/** Start from KVLOGICAL_EVENT_POLICY_INIT: every name, once. */
typedef struct kvlogical_event_policy {
    size_t struct_size;
    uint32_t scope;                /**< KVLOGICAL_EVENTS_… */
    kvlogical_event_filter filter; /**< NULL: every name */
    void *ctx;                     /**< of the filter */
} kvlogical_event_policy;

/** The values to start from. */
#define KVLOGICAL_EVENT_POLICY_INIT \
    { sizeof(kvlogical_event_policy), 0, NULL, NULL }

/** KVLOGICAL_EVENT_POLICY_INIT as a function, for other languages. */
KVLOGICAL_API kvlogical_event_policy kvlogical_event_policy_init(void);

/** Positions that are powers of two, from least to most. */
typedef struct kvlogical_position_range {
    uint32_t least, most; /**< first and last position that passes */
} kvlogical_position_range;

/** Every position passes. */
#define KVLOGICAL_POSITION_RANGE_DEFAULT \
    { 16, 65536 }

/** A filter for it; range is the ctx and must outlive the policy. Position 0 never matches. */
KVLOGICAL_API bool kvlogical_filter_power_of_two(void *range, kvhash_plh name);

/**
 * Choose what is announced, before anything listens, so that no REMOVE goes without its CREATE. NULL: the default.
 *
 * Errors: KVCORE_EBUSY while something listens; KVCORE_EINVAL for a NULL registry, a wrong struct_size, an unknown scope.
 */
KVLOGICAL_API KVCORE_NODISCARD kvcore_status kvlogical_registry_set_event_policy(kvlogical_registry *registry,
                                                                                 const kvlogical_event_policy *policy);

/**
 * The label of a tier, as its manager was configured; NULL when no manager of the registry has this number and a label.
 *
 * Owner: borrowed from the manager's config. Not from a listener: the lock is taken.
 */
KVLOGICAL_API const char *kvlogical_registry_tier_label(const kvlogical_registry *registry, uint64_t tier);

/* ---- a listener ---- */

/** Is given each event in turn. */
typedef void (*kvlogical_event_callback)(void *ctx, const kvhash_event *event);

/**
 * Call back for each event; first CLEAR and one PRESENT for each name (in each tier) that is there now. One listener a registry; NULL
 * takes it away.
 *
 * The callback runs under the registry's lock: it must not call into the registry or its managers.
 * Errors: KVCORE_EINVAL; KVCORE_EBUSY when there is another listener.
 */
KVLOGICAL_API KVCORE_NODISCARD kvcore_status kvlogical_registry_on_event(kvlogical_registry *registry,
                                                                         kvlogical_event_callback callback, void *ctx);

/** CLEAR and the present state again, to the listener. No listener: nothing happens. */
KVLOGICAL_API void kvlogical_registry_announce(kvlogical_registry *registry);

/* ---- a subscription ---- */

/** Opaque. Made by kvlogical_subscription_create(). */
typedef struct kvlogical_subscription kvlogical_subscription;

/** From the next event on. Errors: KVCORE_EINVAL, KVCORE_ENOMEM; KVCORE_ENOTSUP when the registry lives in caller's memory. */
KVLOGICAL_API KVCORE_NODISCARD kvcore_status kvlogical_subscription_create(kvlogical_registry *registry,
                                                                           kvlogical_subscription **subscription);
/** End the subscription; events that were not polled are gone. NULL is ignored. */
KVLOGICAL_API void kvlogical_subscription_destroy(kvlogical_subscription *subscription);

/**
 * kvlogical_subscription_poll() for an array whose elements are event_bytes apart: the caller's sizeof(kvhash_event).
 *
 * Errors: KVCORE_EINVAL for NULLs, and for event_bytes that cannot hold a name.
 */
KVLOGICAL_API KVCORE_NODISCARD kvcore_status kvlogical_subscription_read(kvlogical_subscription *subscription,
                                                                         size_t event_bytes, void *events,
                                                                         size_t capacity, size_t *count);

/**
 * The events since the last poll, as many as fit; never waits. Errors: KVCORE_EINVAL for NULLs.
 *
 * One that fell behind by more than the registry's event_capacity first gets a GAP with the number lost.
 * Gives: *count events.
 */
static inline KVCORE_NODISCARD kvcore_status kvlogical_subscription_poll(kvlogical_subscription *subscription,
                                                                         kvhash_event *events, size_t capacity,
                                                                         size_t *count) {
    return kvlogical_subscription_read(subscription, sizeof(kvhash_event), events, capacity, count);
}

/**
 * Report the present state in the next polls: CLEAR, then PRESENT events between the ordinary ones, some names each poll, so
 * that no poll is long. Names that come or go meanwhile are reported by their own events. Heals a GAP.
 *
 * A receiver ends in the correct state if it ignores PRESENT for a known name and REMOVE for an unknown one.
 *
 * Errors: KVCORE_EINVAL for NULL.
 */
KVLOGICAL_API KVCORE_NODISCARD kvcore_status kvlogical_subscription_resync(kvlogical_subscription *subscription);

/* ---- a publisher ---- */

/** Events of one kind: CREATEs (and PRESENTs) by ascending position, REMOVEs by descending; GAP and CLEAR alone. */
typedef struct kvlogical_event_batch {
    size_t struct_size;         /**< of the sender's struct */
    const kvhash_event *events; /**< borrowed for the call, event_bytes apart */
    size_t count;               /**< how many */
    size_t event_bytes;         /**< sizeof(kvhash_event) of the sender; another version's may differ */
} kvlogical_event_batch;

/** Is given each batch in turn. */
typedef void (*kvlogical_publish)(void *ctx, const kvlogical_event_batch *batch);

/** Opaque. Made by kvlogical_publisher_create(). */
typedef struct kvlogical_publisher kvlogical_publisher;

/** What a publisher is made of. Start from KVLOGICAL_PUBLISHER_CONFIG_INIT. */
typedef struct kvlogical_publisher_config {
    size_t struct_size;
    kvlogical_publish publish;  /**< required; called without any lock */
    void *ctx;                  /**< given back to publish */
    uint64_t window_ns;         /**< a batch waits at most so long; 0: 10 ms */
    size_t max_events;          /**< and holds at most so many; 0: 1024 */
    bool thread;                /**< flush from a thread of its own, which publishes, all signals blocked; otherwise by
                      kvlogical_publisher_poll() */
    kvcore_allocator allocator; /**< all NULL means the C library's */
} kvlogical_publisher_config;

/** The values to start from. */
#define KVLOGICAL_PUBLISHER_CONFIG_INIT                                                   \
    {                                                                                     \
        sizeof(kvlogical_publisher_config), NULL, NULL, 0, 0, false, { NULL, NULL, NULL } \
    }

/** KVLOGICAL_PUBLISHER_CONFIG_INIT as a function, for other languages. */
KVLOGICAL_API kvlogical_publisher_config kvlogical_publisher_config_init(void);

/** Errors: KVCORE_EINVAL, KVCORE_ECONFIG (no publish function), KVCORE_ENOMEM, KVCORE_ENOTSUP as kvlogical_subscription_create(). */
KVLOGICAL_API KVCORE_NODISCARD kvcore_status kvlogical_publisher_create(kvlogical_registry *registry,
                                                                        const kvlogical_publisher_config *config,
                                                                        kvlogical_publisher **publisher,
                                                                        kvcore_error *error);

/** Publishes what has happened up to this call and ends the thread; what happens meanwhile is not told. In the child
 * of a fork, which has no such thread, it publishes nothing. NULL is ignored. */
KVLOGICAL_API void kvlogical_publisher_destroy(kvlogical_publisher *publisher);

/**
 * Take in what happened and publish the batches that are due: full, of another kind than what came after, or older than the
 * window at now_ns (any clock that only grows). It takes in what had happened when it was called, so it ends however fast names
 * come and go.
 *
 * Errors: KVLOGICAL_ESTATE for a publisher with a thread, and in the child of a fork; KVCORE_EINVAL for NULL.
 */
KVLOGICAL_API KVCORE_NODISCARD kvcore_status kvlogical_publisher_poll(kvlogical_publisher *publisher, uint64_t now_ns);

/** Report the present state, as kvlogical_subscription_resync(). Any thread. Errors: KVCORE_EINVAL for NULL. */
KVLOGICAL_API KVCORE_NODISCARD kvcore_status kvlogical_publisher_resync(kvlogical_publisher *publisher);

#ifdef __cplusplus
}
#endif

#endif
