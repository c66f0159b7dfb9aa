/**
 * @file
 * Dynamo's event plane: RouterEvents as MessagePack, and the envelope they travel in.
 *
 * ZeroMQ direct: four frames, topic ‖ publisher id ‖ number ‖ frame, numbers as u64 BE; the frame is a byte 1, a u32 BE length and
 * the envelope. NATS carries the envelope alone. The payload of an envelope is an array of events as named maps.
 *
 * Owns, threads, cost: as kvevents/batch.h.
 * Source:  dynamo-kv-router and dynamo-runtime 1.6.1.
 */
#ifndef KVEVENTS_DYNAMO_H
#define KVEVENTS_DYNAMO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <kvevents/batch.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Most events and blocks that one message should carry (NATS takes 1 MiB). */
#define KVEVENTS_DYNAMO_EVENTS 128
/** See KVEVENTS_DYNAMO_EVENTS. */
#define KVEVENTS_DYNAMO_BLOCKS 8192

/** One event as Dynamo's router reads it. */
typedef struct kvevents_router_event {
    uint64_t worker_id;            /**< who */
    kvevents_tier tier;            /**< KVEVENTS_NO_TIER for a storage_tier that nobody knows */
    bool counts;                   /**< the residency domain is "worker" or absent, and the tier is known */
    bool has_parent;               /**< parent_hash is there */
    bool has_start;                /**< start_position is there */
    uint32_t kind;                 /**< KVEVENTS_STORED, _REMOVED, _CLEARED; _UNKNOWN for other data */
    uint32_t start_position;       /**< position of the first block */
    uint32_t dp_rank;              /**< data-parallel rank of the worker */
    uint64_t event_id;             /**< number of the event, from 0 */
    uint64_t parent_hash;          /**< the engine's hash of the block before */
    size_t block_count;            /**< how many blocks */
    const uint64_t *block_hashes;  /**< the engine's */
    const uint64_t *tokens_hashes; /**< of stored blocks: what kvhash_block_hash() gives for their tokens */
    kvcore_bytes session_id;       /**< as it came */
    kvcore_bytes domain;           /**< as it came; {NULL, 0} when absent or nil */
} kvevents_router_event;

/** The events of one payload. */
typedef struct kvevents_router_batch {
    const kvevents_router_event *events; /**< borrowed */
    size_t event_count;                  /**< how many events */
    size_t block_count;                  /**< of all events */
} kvevents_router_batch;

/** Read the payload of an envelope. Multimodal information and state_source are passed over. Errors: as kvevents_batch_read(). */
KVEVENTS_API KVCORE_NODISCARD kvcore_status kvevents_router_read(kvcore_bytes payload, const kvevents_limits *limits,
                                                                 kvevents_arena *arena, kvevents_router_batch *batch,
                                                                 kvcore_error *error);

/**
 * Write a payload; otherwise as kvevents_batch_write(). Without multimodal information.
 *
 * Errors: also KVCORE_EINVAL for an event without a tier or of an unknown kind.
 */
KVEVENTS_API KVCORE_NODISCARD kvcore_status kvevents_router_write(const kvevents_router_batch *batch, void *bytes,
                                                                  size_t capacity, size_t *size_bytes);

/** What surrounds a payload. */
typedef struct kvevents_envelope {
    uint64_t publisher_id;    /**< who published it */
    uint64_t sequence;        /**< number of the message */
    uint64_t published_at_ms; /**< since 1970 */
    kvcore_bytes topic;       /**< borrowed */
    kvcore_bytes payload;     /**< borrowed */
} kvevents_envelope;

/**
 * Read an envelope, as NATS carries it. Texts and payload are borrowed.
 *
 * Errors: KVCORE_ETRUNCATED, KVEVENTS_ETRAILING, _EINVALID, _EDEPTH, _EBATCH (no map), _EFIELD; KVCORE_EINVAL for NULLs.
 */
KVEVENTS_API KVCORE_NODISCARD kvcore_status kvevents_envelope_read(kvcore_bytes bytes, kvevents_envelope *envelope,
                                                                   kvcore_error *error);

/**
 * The same from the four frames of ZeroMQ.
 *
 * Errors: also KVCORE_EFORMAT when they are not four of the right sizes and version, or disagree with the envelope about the
 *         publisher or the number.
 */
KVEVENTS_API KVCORE_NODISCARD kvcore_status kvevents_envelope_open(const kvcore_bytes *frames, size_t count,
                                                                   kvevents_envelope *envelope, kvcore_error *error);

/** Write the fourth frame, with its version and length. Sizes and Errors: as kvevents_batch_write(). */
KVEVENTS_API KVCORE_NODISCARD kvcore_status kvevents_envelope_seal(const kvevents_envelope *envelope, void *bytes,
                                                                   size_t capacity, size_t *size_bytes);

#ifdef __cplusplus
}
#endif

#endif
