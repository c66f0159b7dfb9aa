/**
 * @file
 * One publisher of block events as a subscriber sees it: which messages count, what was lost, what the publisher holds.
 *
 * A source takes the frames of messages, wherever they came from, and keeps what its publisher holds: wire hashes with their
 * copies, tiers and groups, and the names (kvhash_plh) that follow from the tokens. Whoever made it hears of names that come and
 * go. It finds gaps, restarts and repeats by the numbers of messages, and says when a replay has to be asked for.
 *
 *     step = kvevents_source_take(source, frames, 3, now_ns);
 *     if (step == KVEVENTS_ASK) {
 *         // ask for a replay from kvevents_source_replay_from(source), then for each reply, until it is KVEVENTS_NEXT:
 *         step = kvevents_source_reply(source, frames, count, now_ns);
 *         // or, when no more comes: kvevents_source_reply_timeout(source)
 *     }
 *
 * Not here: sockets (kvevents/subscriber.h), where names are kept (kvradix).
 *
 * Owns:    what it holds, and a copy of the message that waits for a replay. Frames are the caller's.
 * Threads: one at a time.
 * Units:   now_ns is of any clock that only grows.
 * Cost:    O(bytes of a message). Memory is bounded by the limits: some 100 bytes a hash that is held.
 * Source:  vLLM, SGLang and TensorRT-LLM's publishers and what their consumers get wrong; pinned by streams of the events-wire
 *          vectors.
 */
#ifndef KVEVENTS_SOURCE_H
#define KVEVENTS_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <kvcore/allocator.h>
#include <kvcore/bytes.h>
#include <kvcore/status.h>
#include <kvevents/batch.h>
#include <kvevents/export.h>
#include <kvhash/plh.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Names that came or went. */
typedef struct kvevents_change {
    uint32_t kind;           /**< KVEVENTS_STORED, KVEVENTS_REMOVED, or KVEVENTS_CLEARED: all names of all tiers went */
    kvevents_tier tier;      /**< which kind of memory */
    const kvhash_plh *names; /**< borrowed for the call; none for KVEVENTS_CLEARED */
    size_t count;            /**< how many names */
} kvevents_change;

/** Called while a message is taken; must not call the source. */
typedef void (*kvevents_change_callback)(void *ctx, const kvevents_change *change);

/** Start from KVEVENTS_SOURCE_CONFIG_INIT; zeros mean the default. */
typedef struct kvevents_source_config {
    size_t struct_size;
    bool
        counted; /**< a hash is gone when it was removed as often as it was stored: vLLM. Otherwise once removed is gone */
    bool has_replay; /**< a replay can be asked for */
    /** Tell of tiers as of levels: a name is in a tier when it is in it or in one above (device, host, disk, external). */
    bool cumulative;
    uint32_t block_tokens;           /**< tokens of a name; 0: no names are made */
    uint32_t engine_block_tokens;    /**< of the publisher; 0: as its first event says */
    size_t hashes;                   /**< that are kept at most; 0: 2^22 */
    size_t replies;                  /**< that are read of one replay; 0: 10,000 */
    uint32_t refused_a_minute;       /**< more of them pause the source; 0: 60 */
    uint32_t reserved;               /**< 0 */
    kvevents_change_callback change; /**< may be NULL */
    void *ctx;                       /**< given back to change */
    kvevents_limits limits;          /**< of one payload; struct_size 0 means all defaults */
    kvcore_allocator allocator;      /**< all NULL means the C library's */
} kvevents_source_config;

/** The values to start from. */
#define KVEVENTS_SOURCE_CONFIG_INIT \
    { .struct_size = sizeof(kvevents_source_config) }

/** KVEVENTS_SOURCE_CONFIG_INIT, for languages that do not have the macro. */
KVEVENTS_API kvevents_source_config kvevents_source_config_init(void);

/** Opaque. What one publisher has; made by kvevents_source_create(). */
typedef struct kvevents_source kvevents_source;

/**
 * Errors: KVCORE_EINVAL (NULL, struct_size); KVCORE_ECONFIG when neither of the two block sizes divides the other, or a limit is
 *         beyond 2^31; KVCORE_ENOMEM.
 */
KVEVENTS_API KVCORE_NODISCARD kvcore_status kvevents_source_create(const kvevents_source_config *config,
                                                                   kvevents_source **source, kvcore_error *error);

/** Tells the listener nothing. NULL is ignored. */
KVEVENTS_API void kvevents_source_destroy(kvevents_source *source);

/** What the source wants next. */
typedef enum kvevents_step {
    KVEVENTS_NEXT = 0, /**< the next message */
    KVEVENTS_ASK = 1,  /**< a replay: ask for it, then give the replies */
    KVEVENTS_MORE = 2, /**< the next reply of the replay */
} kvevents_step;

/**
 * A message of the events socket. While a replay is due it waits: KVEVENTS_ASK or KVEVENTS_MORE again, and nothing is taken.
 *
 * Errors: none to return: what cannot be used is counted. NULLs answer KVEVENTS_NEXT.
 */
KVEVENTS_API kvevents_step kvevents_source_take(kvevents_source *source, const kvcore_bytes *frames, size_t count,
                                                uint64_t now_ns);

/** The number from which a replay is to be asked for. */
KVEVENTS_API uint64_t kvevents_source_replay_from(const kvevents_source *source);

/** A message of the replay socket, frames as a DEALER gets them. KVEVENTS_NEXT: the replay is over, and what waited is taken. */
KVEVENTS_API kvevents_step kvevents_source_reply(kvevents_source *source, const kvcore_bytes *frames, size_t count,
                                                 uint64_t now_ns);

/** No more replies will come, or not in time. */
KVEVENTS_API void kvevents_source_reply_timeout(kvevents_source *source, uint64_t now_ns);

/** Whether there is a replay socket, from now on. */
KVEVENTS_API void kvevents_source_set_replay(kvevents_source *source, bool has_replay);

/** Messages that are known to be lost on the way in, a queue that was full: the source is stale. */
KVEVENTS_API void kvevents_source_lose(kvevents_source *source, uint64_t messages);

/** Forget everything, as at a restart of the publisher; the counts stay. */
KVEVENTS_API void kvevents_source_forget(kvevents_source *source);

/** All that was counted since the source was made. */
typedef struct kvevents_source_counts {
    uint64_t applied;                           /**< batches that were taken, replayed ones too */
    uint64_t refused;                           /**< messages and batches */
    uint64_t refused_as[8];                     /**< truncated, trailing, invalid, depth, batch, event, field, size */
    uint64_t refused_frames;                    /**< no three frames with a number */
    uint64_t old;                               /**< messages that had been taken before */
    uint64_t lost;                              /**< numbers that never came */
    uint64_t restarts;                          /**< of the publisher */
    uint64_t replays;                           /**< that were asked for */
    uint64_t replay_failures;                   /**< that ended before what was asked for came */
    uint64_t replayed;                          /**< batches that came by replay */
    uint64_t stored, removed, cleared, unknown; /**< events */
    uint64_t filtered;                          /**< events that do not count; the five that follow say why */
    uint64_t filtered_locality, filtered_ownership, filtered_medium, filtered_kind, filtered_group; /**< by reason */
    uint64_t orphans;    /**< blocks whose parent has no name */
    uint64_t unnamed;    /**< blocks whose tokens are not known */
    uint64_t renamed;    /**< hashes that were stored again with other tokens */
    uint64_t over_limit; /**< hashes that were not kept */
    uint64_t bytes;      /**< of payloads */
} kvevents_source_counts;

/** What was counted so far. A NULL source reads as all zeros. */
KVEVENTS_API kvevents_source_counts kvevents_source_count(const kvevents_source *source);

/** How a source stands now. */
typedef struct kvevents_source_state {
    bool stale;                    /**< may have more, may have less */
    bool failed;                   /**< refused too often: paused for a minute */
    bool replaying;                /**< a replay is due or under way */
    bool has_next;                 /**< next is there */
    uint64_t next;                 /**< number expected */
    double last_ts;                /**< of the batch that was taken last */
    size_t hashes;                 /**< that are held, in any tier */
    size_t blocks[KVEVENTS_TIERS]; /**< hashes in each tier */
    size_t names;                  /**< that are held, in any tier */
    uint64_t copies;               /**< of all hashes */
    uint32_t engine_block_tokens;  /**< 0: not known yet */
} kvevents_source_state;

/** How the source stands. A NULL source reads as all zeros. */
KVEVENTS_API kvevents_source_state kvevents_source_state_of(const kvevents_source *source);

/**
 * The wire hashes in a tier, in no order.
 *
 * Gives:  *count, all of them; hashes[capacity], the first so many.
 * Errors: KVCORE_EINVAL for NULLs or no tier.
 * Cost:   O(hashes).
 */
KVEVENTS_API KVCORE_NODISCARD kvcore_status kvevents_source_held(const kvevents_source *source, kvevents_tier tier,
                                                                 uint64_t *hashes, size_t capacity, size_t *count);

#ifdef __cplusplus
}
#endif

#endif
