/**
 * @file
 * A batch of block events as serving engines send it: MessagePack bytes to structs and back.
 *
 * A payload is an array: the time, the events, the rank. An event is a tagged array (vLLM up to 0.23, SGLang up to 0.5.19) or a
 * tagged map (later ones, TensorRT-LLM); docs/libs/events.md has the fields. Reading takes every form that one of them has
 * sent; what nobody knows is passed over. Either all of a payload is read or none of it.
 *
 * Owns:    nothing. A batch that was read lives in the caller's arena; its texts and extra keys are borrowed from the payload.
 * Threads: any; an arena serves one call at a time.
 * Units:   ts in seconds since 1970; counts are hashes, tokens and events.
 * Cost:    O(bytes); hostile bytes cost no more, and never more memory than the arena has.
 * Source:  the event classes of vLLM 0.9 … 0.33, SGLang 0.4.7 … 0.5.23 and TensorRT-LLM; pinned by the events-wire vectors.
 */
#ifndef KVEVENTS_BATCH_H
#define KVEVENTS_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <kvcore/bytes.h>
#include <kvcore/status.h>
#include <kvevents/export.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    KVEVENTS_STORED = 1,
    KVEVENTS_REMOVED = 2,
    KVEVENTS_CLEARED = 3,
    KVEVENTS_UNKNOWN = 4, /**< a tag that is none of these; `tag` is all that was read */
};

/** Which of the optional numbers an event has. Optional texts that it has not are {NULL, 0}. */
enum {
    KVEVENTS_HAS_PARENT = 1,
    KVEVENTS_HAS_LORA_ID = 2,
    KVEVENTS_HAS_GROUP = 4,
    KVEVENTS_HAS_WINDOW = 8,
    KVEVENTS_HAS_PAIRS = 16, /**< tokens came as pairs of neighbours: there is one more than hashes · block_size */
};

/** One event as a wire carries it. Arrays and texts are borrowed from the arena or the payload. */
typedef struct kvevents_event {
    uint32_t kind;           /**< KVEVENTS_STORED … */
    uint32_t has;            /**< KVEVENTS_HAS_… */
    const uint64_t *hashes;  /**< the engine's hashes of the blocks */
    size_t hash_count;       /**< how many hashes */
    uint64_t parent;         /**< the engine's hash of the block before, with KVEVENTS_HAS_PARENT */
    const uint32_t *tokens;  /**< NULL when there are none that can be used */
    size_t token_count;      /**< how many tokens */
    uint64_t block_size;     /**< tokens a block; 0 for a placeholder */
    uint64_t lora_id;        /**< with KVEVENTS_HAS_LORA_ID */
    uint64_t group;          /**< group of layers, with KVEVENTS_HAS_GROUP */
    uint64_t window;         /**< of sliding attention, with KVEVENTS_HAS_WINDOW */
    kvcore_bytes medium;     /**< empty is none, as for lora_name and salt */
    kvcore_bytes lora_name;  /**< empty: none */
    kvcore_bytes salt;       /**< empty: none */
    kvcore_bytes spec_kind;  /**< kv_cache_spec_kind */
    kvcore_bytes locality;   /**< as it came */
    kvcore_bytes ownership;  /**< as it came */
    kvcore_bytes session;    /**< as it came */
    kvcore_bytes extra_keys; /**< the MessagePack value as it came; checked to be [[item …] or nil …] */
    kvcore_bytes tag;        /**< of an unknown event */
} kvevents_event;

/** The events of one payload. */
typedef struct kvevents_batch {
    double ts;                    /**< seconds since 1970, as the publisher says */
    bool has_rank;                /**< rank is there */
    uint64_t rank;                /**< data-parallel rank of the publisher */
    const kvevents_event *events; /**< borrowed from the arena */
    size_t event_count;           /**< how many events */
    size_t hash_count;            /**< of all events */
    size_t token_count;           /**< how many tokens */
} kvevents_batch;

/** Memory of the caller that batches are read into. Set used_bytes to 0 to use it again: that ends what was read into it. */
typedef struct kvevents_arena {
    void *memory;          /**< the caller's */
    size_t capacity_bytes; /**< how much there is */
    size_t used_bytes;     /**< how much is used */
} kvevents_arena;

/** What one payload may hold. Start from KVEVENTS_LIMITS_INIT; zeros mean the default. */
typedef struct kvevents_limits {
    size_t struct_size;
    size_t payload_bytes; /**< 0: 64 MiB */
    size_t events;        /**< 0: 2^20 */
    size_t hashes;        /**< 0: 2^20 */
    size_t tokens;        /**< 0: 2^24 */
} kvevents_limits;

/** The values to start from. */
#define KVEVENTS_LIMITS_INIT \
    { sizeof(kvevents_limits), 0, 0, 0, 0 }

/** KVEVENTS_LIMITS_INIT, for languages that do not have the macro. */
KVEVENTS_API kvevents_limits kvevents_limits_init(void);

/**
 * Read one payload. Limits may be NULL.
 *
 * Gives:  *batch, in the arena behind what is used of it.
 * Errors: KVCORE_ETRUNCATED, KVEVENTS_ETRAILING, _EINVALID, _EDEPTH (32), _EBATCH, _EEVENT, _EFIELD, _ESIZE: the first fault in
 *         reading order, but what is wrong with the bytes themselves (truncated, a byte c1, depth, trailing bytes) comes before
 *         what is wrong with their meaning. error->offset says where, error->index which event.
 *         KVCORE_EBUFFER when the arena is too small: error->expected is a capacity to try again with. It is asked for only
 *         when the bytes themselves are in order.
 *         KVCORE_EINVAL for NULLs or a wrong struct_size. The arena and *batch are then as before.
 */
KVEVENTS_API KVCORE_NODISCARD kvcore_status kvevents_batch_read(kvcore_bytes payload, const kvevents_limits *limits,
                                                                kvevents_arena *arena, kvevents_batch *batch,
                                                                kvcore_error *error);

/** How events are written. */
typedef enum kvevents_dialect {
    KVEVENTS_VLLM_MAP = 1,   /**< vLLM from 0.24; what to use when in doubt */
    KVEVENTS_VLLM_ARRAY = 2, /**< vLLM 0.22: for consumers of before mid-2026 */
    KVEVENTS_SGLANG = 3,     /**< SGLang from 0.5.20: maps, hashes as signed numbers, the salt as cache_salt */
} kvevents_dialect;

/**
 * Write a batch: always three elements, every hash in nine bytes, all fields of an array up to the last known one. The salt of
 * a vLLM event goes where vLLM has it, at the end of the first block's extra keys, unless the event has extra keys.
 * A KVEVENTS_UNKNOWN event is not written.
 *
 * Gives:  *size_bytes of them in bytes[capacity]. NULL and 0 ask for the size.
 * Errors: KVCORE_EBUFFER when they do not fit, the size in *size_bytes; KVCORE_EOVERFLOW for more items than MessagePack counts;
 *         KVCORE_EINVAL for NULLs, an unknown dialect or kind, extra keys that are no MessagePack.
 */
KVEVENTS_API KVCORE_NODISCARD kvcore_status kvevents_batch_write(const kvevents_batch *batch, kvevents_dialect dialect,
                                                                 void *bytes, size_t capacity, size_t *size_bytes);

/** @name What the words of an event mean. @{ */

/** Which kind of memory an event is about. */
typedef enum kvevents_tier {
    KVEVENTS_DEVICE = 0,
    KVEVENTS_HOST = 1,
    KVEVENTS_DISK = 2,
    KVEVENTS_EXTERNAL = 3,
    KVEVENTS_TIERS = 4,
    KVEVENTS_NO_TIER = 255, /**< a medium that nobody knows */
} kvevents_tier;

/** The tier of a medium, compared without case; none is the device. */
KVEVENTS_API kvevents_tier kvevents_tier_of(kvcore_bytes medium);

/** "device", "host", "disk", "external"; NULL for anything else. */
KVEVENTS_API const char *kvevents_tier_text(kvevents_tier tier);

/** The medium that a dialect writes for a tier; NULL for anything else. */
KVEVENTS_API const char *kvevents_medium(kvevents_dialect dialect, kvevents_tier tier);

/** Whether a kv_cache_spec_kind counts for searching a prefix: full_attention, mla_attention, sink_full_attention. */
KVEVENTS_API bool kvevents_kind_counts(kvcore_bytes spec_kind);

/**
 * The salt of a stored event: its cache_salt, or, of vLLM, the last text among the first block's extra keys that is neither the
 * LoRA name nor a hash of Dynamo's multimodal objects; without Dynamo's mark. Borrowed from the payload; {NULL, 0} for none.
 */
KVEVENTS_API kvcore_bytes kvevents_event_salt(const kvevents_event *event);

/** @} */

#ifdef __cplusplus
}
#endif

#endif
