/**
 * @file
 * Telling routers which blocks there are: batches of events over ZeroMQ, with replay, as vLLM and SGLang do it.
 *
 * The owner of blocks says what is stored and removed and ends a step; a thread of the publisher sends. A (hash, tier) is told
 * once when it comes and once when it goes, however often it is said. The first message of each life says that nothing is there.
 * When a batch cannot be queued, the next one begins with AllBlocksCleared and the present state: nobody follows a hole.
 *
 * Owns:    what is present (some 60 bytes and the tokens a block), batches for replay, sockets and a thread. Arguments are copied.
 * Threads: safe. No call waits for the network; they take turns with each other.
 * Units:   sizes in bytes; numbers are of messages.
 * Cost:    O(blocks) of a call; a resync O(blocks present).
 * Source:  vLLM 0.33's ZmqEventPublisher and SGLang 0.5.23's; duties and limits are ours.
 */
#ifndef KVEVENTS_PUBLISHER_H
#define KVEVENTS_PUBLISHER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <kvcore/allocator.h>
#include <kvcore/status.h>
#include <kvevents/batch.h>
#include <kvevents/export.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Start from KVEVENTS_PUBLISHER_CONFIG_INIT; zeros mean the default. */
typedef struct kvevents_publisher_config {
    size_t struct_size;
    const char *endpoint;        /**< of the PUB socket; required. With a rank: kvevents_endpoint_of_rank() of it */
    const char *replay_endpoint; /**< of the ROUTER socket; NULL: no replay */
    const char *topic;           /**< NULL: "" */
    kvevents_dialect dialect;    /**< 0: KVEVENTS_VLLM_MAP */
    uint32_t block_tokens;       /**< tokens a block; required */
    uint32_t rank;               /**< data-parallel rank, with has_rank */
    bool has_rank;               /**< rank is there */
    bool connect;                /**< connect the PUB socket instead of binding it */
    bool monotonic;              /**< numbers begin at milliseconds since 1970 · 2^10, not at 0 */
    bool replay_without_topic;   /**< as before vLLM 0.26 and SGLang 0.5.22 */
    size_t buffer_batches;       /**< kept for replay at most; 0: 10,000 */
    size_t buffer_bytes;         /**< and of them; 0: 64 MiB */
    size_t queue_batches;        /**< before the thread at most; 0: 100,000 */
    size_t queue_bytes;          /**< 0: 256 MiB */
    int hwm;                     /**< messages a subscriber may be behind; 0: 100,000 */
    uint32_t reserved;           /**< 0 */
    uint64_t resync_ns;          /**< tell the present state so often; 0: never by itself */
    kvcore_allocator allocator;  /**< all NULL means the C library's */
} kvevents_publisher_config;

/** The values to start from. */
#define KVEVENTS_PUBLISHER_CONFIG_INIT \
    { .struct_size = sizeof(kvevents_publisher_config) }

/** KVEVENTS_PUBLISHER_CONFIG_INIT, for languages that do not have the macro. */
KVEVENTS_API kvevents_publisher_config kvevents_publisher_config_init(void);

/** Opaque. Made by kvevents_publisher_create(). */
typedef struct kvevents_publisher kvevents_publisher;

/**
 * Errors: KVCORE_EINVAL (NULL, struct_size), KVCORE_ECONFIG (a missing endpoint or block_tokens, an unknown dialect), KVCORE_EIO
 *         when a socket cannot be bound (the text says why), KVCORE_ENOMEM.
 */
KVEVENTS_API KVCORE_NODISCARD kvcore_status kvevents_publisher_create(const kvevents_publisher_config *config,
                                                                      kvevents_publisher **publisher,
                                                                      kvcore_error *error);

/** Sends what is queued, as far as that does not take longer than a tenth of a second. NULL is ignored. */
KVEVENTS_API void kvevents_publisher_destroy(kvevents_publisher *publisher);

/** A block that is there now. */
typedef struct kvevents_block {
    uint64_t hash;          /**< on the wire: the sequence hash of its name */
    uint64_t parent;        /**< that of the block before it, if has_parent */
    bool has_parent;        /**< parent is there */
    const uint32_t *tokens; /**< block_tokens of them; NULL: not known, and the block is told as a placeholder */
    kvcore_bytes lora_name; /**< at most 255 bytes; empty: none */
    kvcore_bytes salt;      /**< at most 255 bytes each */
} kvevents_block;

/**
 * Blocks that are in a tier now; those of one chain in its order. Told with the next flush.
 *
 * Errors: KVCORE_EINVAL for NULLs, no tier, longer texts; KVCORE_ENOMEM: then those before it count, and the next flush resyncs.
 */
KVEVENTS_API KVCORE_NODISCARD kvcore_status kvevents_publisher_stored(kvevents_publisher *publisher, kvevents_tier tier,
                                                                      const kvevents_block *blocks, size_t count);

/** Blocks that are in a tier no more; those that were not there are skipped. Errors: as kvevents_publisher_stored(). */
KVEVENTS_API KVCORE_NODISCARD kvcore_status kvevents_publisher_removed(kvevents_publisher *publisher,
                                                                       kvevents_tier tier, const uint64_t *hashes,
                                                                       size_t count);

/** Nothing is there, in any tier. Errors: KVCORE_EINVAL for NULL. */
KVEVENTS_API KVCORE_NODISCARD kvcore_status kvevents_publisher_cleared(kvevents_publisher *publisher);

/** Send what happened since the last flush as one batch; nothing happened: nothing is sent. Errors: KVCORE_EINVAL. */
KVEVENTS_API KVCORE_NODISCARD kvcore_status kvevents_publisher_flush(kvevents_publisher *publisher);

/**
 * Send AllBlocksCleared and all that is present, in one batch: for what was lost on the way here (a GAP of a registry), and
 * for consumers that came late. Errors: KVCORE_EINVAL; KVCORE_ENOMEM: it is tried again with the next flush.
 */
KVEVENTS_API KVCORE_NODISCARD kvcore_status kvevents_publisher_resync(kvevents_publisher *publisher);

/** What a publisher did so far. */
typedef struct kvevents_publisher_counts {
    uint64_t batches;      /**< sent */
    uint64_t dropped;      /**< that the queue had no room for */
    uint64_t queued;       /**< now */
    uint64_t replays;      /**< that were asked for */
    uint64_t resyncs;      /**< that were sent */
    uint64_t placeholders; /**< blocks told without tokens */
    uint64_t next_number;  /**< of the next batch */
    size_t blocks;         /**< present in any tier */
} kvevents_publisher_counts;

/** All at one moment. A NULL publisher reads as all zeros. */
KVEVENTS_API kvevents_publisher_counts kvevents_publisher_count(const kvevents_publisher *publisher);

/** Where the sockets are in truth, a port that was 0 filled in; "" for none. Valid until the publisher is destroyed. */
KVEVENTS_API const char *kvevents_publisher_endpoint(const kvevents_publisher *publisher);
/** The same for the replay socket. */
KVEVENTS_API const char *kvevents_publisher_replay_endpoint(const kvevents_publisher *publisher);

/** Tokens a block, as configured; 0 for NULL. */
KVEVENTS_API uint32_t kvevents_publisher_block_tokens(const kvevents_publisher *publisher);

/**
 * The endpoint of a rank: port + rank for tcp, unless the port is 0; the suffix _dpRANK for inproc and ipc.
 *
 * Errors: KVCORE_EFORMAT for a tcp endpoint without a port, KVCORE_EOVERFLOW for a port past 65535, KVCORE_EBUFFER when the text
 *         with its NUL does not fit, KVCORE_EINVAL for NULLs.
 */
KVEVENTS_API KVCORE_NODISCARD kvcore_status kvevents_endpoint_of_rank(const char *endpoint, uint32_t rank, char *text,
                                                                      size_t capacity);

#ifdef __cplusplus
}
#endif

#endif
