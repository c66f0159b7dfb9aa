/**
 * @file
 * Hearing publishers over ZeroMQ: sockets for many sources (kvevents/source.h), polled or served by a thread.
 *
 * Each source has a SUB socket of its own, so a flood of one does not cost another its messages. A replay that a source asks
 * for goes over a DEALER socket that lives as long as the replay; meanwhile its SUB socket is not read. Everything is bounded:
 * messages that wait, sizes of messages, bytes and time of replays.
 *
 * Owns:    sockets, sources, a thread if asked for. Texts are copied.
 * Threads: safe. Without a thread of its own, kvevents_subscriber_poll() from one thread at a time. Change callbacks of the
 *          sources are called by whoever polls, under the subscriber's lock; they must not call the subscriber.
 * Cost:    O(messages).
 */
#ifndef KVEVENTS_SUBSCRIBER_H
#define KVEVENTS_SUBSCRIBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <kvevents/source.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Start from KVEVENTS_SUBSCRIBER_CONFIG_INIT; zeros mean the default. */
typedef struct kvevents_subscriber_config {
    size_t struct_size;
    size_t sources;             /**< at most; 0: 1024 */
    bool thread;                /**< poll from a thread of its own */
    int hwm;                    /**< messages of a source that may wait; 0: 100,000 */
    uint64_t reply_timeout_ns;  /**< silence that ends a replay; 0: 1 s */
    uint64_t replay_timeout_ns; /**< a replay as a whole; 0: 30 s */
    size_t replay_bytes;        /**< of one replay; 0: 256 MiB */
    kvcore_allocator allocator; /**< all NULL means the C library's */
} kvevents_subscriber_config;

/** The values to start from. */
#define KVEVENTS_SUBSCRIBER_CONFIG_INIT \
    { .struct_size = sizeof(kvevents_subscriber_config) }

/** KVEVENTS_SUBSCRIBER_CONFIG_INIT, for languages that do not have the macro. */
KVEVENTS_API kvevents_subscriber_config kvevents_subscriber_config_init(void);

/** Opaque. Made by kvevents_subscriber_create(). */
typedef struct kvevents_subscriber kvevents_subscriber;

/** Errors: KVCORE_EINVAL (NULL, struct_size), KVCORE_ECONFIG (half an allocator), KVCORE_ENOMEM, KVCORE_EIO. */
KVEVENTS_API KVCORE_NODISCARD kvcore_status kvevents_subscriber_create(const kvevents_subscriber_config *config,
                                                                       kvevents_subscriber **subscriber,
                                                                       kvcore_error *error);

/** Ends the thread, all sources and sockets. NULL is ignored. */
KVEVENTS_API void kvevents_subscriber_destroy(kvevents_subscriber *subscriber);

/** Where a publisher is. */
typedef struct kvevents_address {
    const char *endpoint;        /**< of its PUB socket; required */
    const char *replay_endpoint; /**< of its ROUTER socket; NULL: none */
    const char *topic;           /**< messages whose topic begins so; NULL: all */
    bool bind;                   /**< bind the SUB socket: the publisher connects */
} kvevents_address;

/**
 * Hear one publisher more. The source's allocator is the subscriber's, and it has replay when the address has it.
 *
 * Gives:  *id, from 1, never given again.
 * Errors: as kvevents_source_create(); KVCORE_ENOSPACE when there is no room for another source; KVCORE_EIO when the
 *         endpoint is none (the text says why).
 */
KVEVENTS_API KVCORE_NODISCARD kvcore_status kvevents_subscriber_add(kvevents_subscriber *subscriber,
                                                                    const kvevents_address *address,
                                                                    const kvevents_source_config *config, uint64_t *id,
                                                                    kvcore_error *error);

/** Hear it no more. Its listener is told nothing. Errors: KVCORE_ENOTFOUND, KVCORE_EINVAL. */
KVEVENTS_API KVCORE_NODISCARD kvcore_status kvevents_subscriber_remove(kvevents_subscriber *subscriber, uint64_t id);

/** What a source has counted and how it is; either may be NULL. Errors: KVCORE_ENOTFOUND, KVCORE_EINVAL. */
KVEVENTS_API KVCORE_NODISCARD kvcore_status kvevents_subscriber_look(kvevents_subscriber *subscriber, uint64_t id,
                                                                     kvevents_source_counts *counts,
                                                                     kvevents_source_state *state);

/**
 * Take what is there; nothing is there: wait timeout_ms for something (−1: for ever).
 *
 * Gives:  *taken, how many messages and replies; may be NULL.
 * Errors: KVCORE_EINVAL, KVCORE_EBUSY when the subscriber has a thread.
 */
KVEVENTS_API KVCORE_NODISCARD kvcore_status kvevents_subscriber_poll(kvevents_subscriber *subscriber, int timeout_ms,
                                                                     size_t *taken);

/** A descriptor that is readable when a poll has something to do. Poll also every 100 ms, for replays that are silent. −1: NULL. */
KVEVENTS_API int kvevents_subscriber_descriptor(const kvevents_subscriber *subscriber);

#ifdef __cplusplus
}
#endif

#endif
