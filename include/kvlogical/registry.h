/**
 * @file
 * The registry: which names are known, in which tiers, and what is attached to them. Managers may share one.
 *
 * A name is registered while anything holds it: a primary, duplicate or inactive block of any manager of the registry, a
 * weak guard, or a handle. Registering and unregistering make the events of kvlogical/events.h.
 *
 * Managers of one registry share one lock, so what a call sees of all of them is one moment, and events come in order.
 * A manager without a registry has a private one (kvlogical_manager_registry()).
 *
 * Owns:    names with handles, weak guards or attachments take a record each; names that only blocks hold take none.
 * Threads: safe: any function from any thread. Create and destroy apart. Destructors of attachments and touch callbacks run
 *          without the lock, in the thread whose call caused them.
 * Errors:  a failed call changes nothing and every guard stays the caller's.
 * Source:  kvbm-logical 1.5.0, block registry; pinned by the lifecycle vectors.
 */
#ifndef KVLOGICAL_REGISTRY_H
#define KVLOGICAL_REGISTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <kvcore/allocator.h>
#include <kvcore/status.h>
#include <kvhash/plh.h>
#include <kvlogical/export.h>
#include <kvlogical/frequency.h>
#include <kvlogical/guard.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Opaque. Made by kvlogical_registry_create(). */
typedef struct kvlogical_registry kvlogical_registry;

/** Start from KVLOGICAL_REGISTRY_CONFIG_INIT; all other zeros mean the default. */
typedef struct kvlogical_registry_config {
    size_t struct_size;
    size_t frequency_capacity;  /**< of a sketch of its own (kvlogical/frequency.h); 0: none */
    kvlogical_tracker tracker;  /**< instead of a sketch of its own */
    size_t event_capacity;      /**< events kept for slow subscribers, a power of two (rounded up); 0: 1024 */
    kvcore_allocator allocator; /**< all NULL means the C library's */
} kvlogical_registry_config;

/** The values to start from. */
#define KVLOGICAL_REGISTRY_CONFIG_INIT                                                    \
    {                                                                                     \
        sizeof(kvlogical_registry_config), 0, {NULL, NULL, NULL}, 0, { NULL, NULL, NULL } \
    }

/** KVLOGICAL_REGISTRY_CONFIG_INIT as a function, for other languages. */
KVLOGICAL_API kvlogical_registry_config kvlogical_registry_config_init(void);

/** Errors: KVCORE_EINVAL, KVCORE_ECONFIG (both a capacity and a tracker, half a tracker or allocator), KVCORE_ENOMEM,
 * KVCORE_EIO when the system gives no random bytes (for the key of the table of names). */
KVLOGICAL_API KVCORE_NODISCARD kvcore_status kvlogical_registry_create(const kvlogical_registry_config *config,
                                                                       kvlogical_registry **registry,
                                                                       kvcore_error *error);

/** NULL is ignored. Errors: KVCORE_EBUSY while a manager, handle or subscription of it exists; a private registry is its
 * manager's to destroy (KVCORE_EINVAL). */
KVLOGICAL_API kvcore_status kvlogical_registry_destroy(kvlogical_registry *registry);

/** How many distinct names are registered. */
KVLOGICAL_API size_t kvlogical_registry_count(const kvlogical_registry *registry);

/** Is the name registered? O(1). */
KVLOGICAL_API bool kvlogical_registry_is_registered(const kvlogical_registry *registry, kvhash_plh name);

/**
 * For each name and the given tiers: does any manager of any of these tiers have it, held or inactive?
 *
 * Exact at the moment of the call: it is read from the managers, not counted beside them.
 * Errors: KVCORE_EINVAL for NULLs. Cost: O(names · managers).
 */
KVLOGICAL_API KVCORE_NODISCARD kvcore_status kvlogical_registry_presence(const kvlogical_registry *registry,
                                                                         const kvhash_plh *names, size_t count,
                                                                         const uint64_t *tiers, size_t tier_count,
                                                                         bool *present);

/* ---- frequency ---- */

/** Does the registry count how often names are used? */
KVLOGICAL_API bool kvlogical_registry_has_tracker(const kvlogical_registry *registry);
/** No effect without a tracker. Runs no touch callbacks. */
KVLOGICAL_API void kvlogical_registry_touch(kvlogical_registry *registry, kvhash_plh name);
/** 0 without a tracker. */
KVLOGICAL_API unsigned kvlogical_registry_frequency(const kvlogical_registry *registry, kvhash_plh name);

/* ---- handles ---- */

/**
 * A handle to each name; names that were not registered are from now on, in input order, each touched once by the tracker
 * and announced as an event.
 *
 * Gives:  handles[0 … count−1], to be released. Errors: KVCORE_EINVAL, KVHASH_EMODE, KVCORE_ENOMEM, KVCORE_ENOSPACE (a
 *         registry of fixed size is full).
 */
KVLOGICAL_API KVCORE_NODISCARD kvcore_status kvlogical_registry_register(kvlogical_registry *registry,
                                                                         const kvhash_plh *names, size_t count,
                                                                         kvlogical_handle *handles);

/**
 * The same without touch and without event: for names that move here from another registry.
 *
 * Errors: as kvlogical_registry_register().
 */
KVLOGICAL_API KVCORE_NODISCARD kvcore_status kvlogical_registry_transfer(kvlogical_registry *registry,
                                                                         const kvhash_plh *names, size_t count,
                                                                         kvlogical_handle *handles);

/** A handle to a registered name, else an empty one; with touch, a registered name is touched. Errors: KVCORE_EINVAL for NULLs; KVCORE_EOVERFLOW past 2^32 − 1 holds on one name. */
KVLOGICAL_API KVCORE_NODISCARD kvcore_status kvlogical_registry_find(kvlogical_registry *registry, kvhash_plh name,
                                                                     bool touch, kvlogical_handle *handle);

/**
 * A second handle to the same name.
 *
 * Errors: KVLOGICAL_EGUARD when the handle is empty, of another registry, or released; KVCORE_EINVAL for NULLs;
 *         KVCORE_EOVERFLOW past 2^32 − 1 holds on one name.
 */
KVLOGICAL_API KVCORE_NODISCARD kvcore_status kvlogical_handle_clone(kvlogical_registry *registry,
                                                                    const kvlogical_handle *handle,
                                                                    kvlogical_handle *copy);

/**
 * The name of a handle.
 *
 * Errors: KVLOGICAL_EGUARD when the handle is empty, of another registry, or released; KVCORE_EINVAL for NULLs.
 */
KVLOGICAL_API KVCORE_NODISCARD kvcore_status kvlogical_handle_name(const kvlogical_registry *registry,
                                                                   const kvlogical_handle *handle, kvhash_plh *name);
/**
 * Empty ones are skipped; index 0 first; a foreign or released one refuses the whole array.
 *
 * Errors: KVLOGICAL_EGUARD: nothing was released; KVCORE_EINVAL for NULLs, or for more copies of a handle than there
 *         are holds: those were released.
 */
KVLOGICAL_API kvcore_status kvlogical_handle_release(kvlogical_registry *registry, kvlogical_handle *handles,
                                                     size_t count);

/* ---- attachments ---- */

/** What an attachment is of: any address or number of the caller's that nothing else uses. */
typedef uint64_t kvlogical_attachment_key;

/** Called once for each attached value, without any lock: when it is replaced, or when its name is unregistered. */
typedef void (*kvlogical_attachment_destructor)(void *value);

/**
 * Attach a value to a name, as the only one of its key (replacing the one before) or as one of several in order.
 *
 * The first attachment decides for the life of the registration which of the two a key is. Attachments stay until the name
 * is unregistered, even when the handle is released before.
 * Takes:  value on success; destructor may be NULL.
 * Errors: KVLOGICAL_EATTACHMENT when the key is used the other way; KVLOGICAL_EGUARD, KVCORE_EINVAL, KVCORE_ENOMEM; KVCORE_ENOTSUP when the
 *         registry lives in caller's memory.
 * Cost:   O(keys that the name has).
 */
KVLOGICAL_API KVCORE_NODISCARD kvcore_status kvlogical_handle_attach_unique(kvlogical_registry *registry,
                                                                            const kvlogical_handle *handle,
                                                                            kvlogical_attachment_key key, void *value,
                                                                            kvlogical_attachment_destructor destructor,
                                                                            kvcore_error *error);

/** The same for a value that is one of several of its key. Errors: as kvlogical_handle_attach_unique(). */
KVLOGICAL_API KVCORE_NODISCARD kvcore_status kvlogical_handle_attach(kvlogical_registry *registry,
                                                                     const kvlogical_handle *handle,
                                                                     kvlogical_attachment_key key, void *value,
                                                                     kvlogical_attachment_destructor destructor,
                                                                     kvcore_error *error);

/**
 * The values of a key, in the order of attaching (one at most if unique).
 *
 * Gives:  *count values there are; the first min(*count, capacity) in values, borrowed while the handle is held and, if
 *         unique, not replaced.
 * Errors: KVLOGICAL_EGUARD when the handle is empty, of another registry, or released; KVCORE_EINVAL for NULLs.
 */
KVLOGICAL_API KVCORE_NODISCARD kvcore_status kvlogical_handle_attachments(const kvlogical_registry *registry,
                                                                          const kvlogical_handle *handle,
                                                                          kvlogical_attachment_key key, void **values,
                                                                          size_t capacity, size_t *count);

/* ---- touch callbacks ---- */

/** Called with each name that is touched. */
typedef void (*kvlogical_touch_callback)(void *ctx, kvhash_plh name);

/** Append a callback; it stays until the name is unregistered. Errors: KVLOGICAL_EGUARD, KVCORE_EINVAL, KVCORE_ENOMEM;
 * KVCORE_ENOTSUP when the registry lives in caller's memory. */
KVLOGICAL_API KVCORE_NODISCARD kvcore_status kvlogical_handle_on_touch(kvlogical_registry *registry,
                                                                       const kvlogical_handle *handle,
                                                                       kvlogical_touch_callback callback, void *ctx);
/**
 * Run the callbacks that are there now, in order, without the lock. Counts nothing in the tracker.
 *
 * Errors: KVLOGICAL_EGUARD, KVCORE_EINVAL for NULLs.
 */
KVLOGICAL_API KVCORE_NODISCARD kvcore_status kvlogical_handle_touch(kvlogical_registry *registry,
                                                                    const kvlogical_handle *handle);

#ifdef __cplusplus
}
#endif

#endif
