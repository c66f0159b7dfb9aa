/**
 * @file
 * A store: blocks put and fetched by name, in a directory, in memory, or behind a backend of one's own.
 *
 *     kvstore_open_directory(&config, &store, &error);
 *     kvstore_space_open(store, &whose, &space, &error);         whose blocks: tenant, model, layout, shard, group
 *     kvstore_submit_put(space, &batch, &ticket);                 accepted whole, or refused: ordinary back-pressure
 *     kvstore_poll(store, completions, 16, timeout_ms);           does the work, and hands out what is done
 *
 * The one promise without exception: no byte is reported as a hit that is not the block that was asked for, whole and
 * unchanged. A miss is an outcome, not an error; whatever goes wrong with one block ends as an outcome of that block.
 *
 * Owns:    a store owns its catalog, its queue and its files; spaces belong to their store and end with it. A batch borrows
 *          all that it points to until its completion was handed out by kvstore_poll().
 * Threads: any thread submits, looks up, counts; one thread at a time polls. There are no threads of the store's own unless
 *          io_threads asks for them. A store is of no use in a forked child.
 * Units:   bytes, milliseconds and seconds as the names say; sizes on disk are allocated sizes.
 */
#ifndef KVSTORE_STORE_H
#define KVSTORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <kvcore/allocator.h>
#include <kvcore/bytes.h>
#include <kvcore/clock.h>
#include <kvcore/hash256.h>
#include <kvcore/identity.h>
#include <kvcore/status.h>
#include <kvhash/event.h>
#include <kvhash/plh.h>
#include <kvstore/export.h>
#include <kvstore/name.h>
#include <kvstore/object.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Opaque. Made by kvstore_open_directory() and its siblings. */
typedef struct kvstore kvstore;
/** Opaque. The blocks of one identity; made by kvstore_space_open(). */
typedef struct kvstore_space kvstore_space;
/** The number of a batch that was submitted. */
typedef uint64_t kvstore_ticket;

/** What became of one block of a batch. */
enum {
    KVSTORE_SKIPPED = 0, /**< Not looked at, or not in time: behind the first miss, or past the deadline. */
    KVSTORE_STORED,      /**< put: it is there now. */
    KVSTORE_EXISTS,      /**< put: it was there already. */
    KVSTORE_HIT,         /**< get: it is in the caller's memory, whole and right. */
    KVSTORE_MISS,        /**< get: it is not there. */
    KVSTORE_DAMAGED,     /**< get: something lies there, but not a whole stored block. Counts as a miss. */
    KVSTORE_FOREIGN,     /**< get: a whole stored block of another name or space. Counts as a miss. */
    KVSTORE_UNVERIFIED,  /**< get: a hit of a scheme that has no trailer: whose bytes they are, nobody checked. */
    KVSTORE_DROPPED,     /**< put: not tried: the breaker is open, or there was no room a moment ago. */
    KVSTORE_NO_ROOM,     /**< put: the disk is full, or the quota. */
    KVSTORE_TOO_BIG,     /**< More bytes than the space or the backend takes. */
    KVSTORE_FAILED,      /**< put: it is not there. get: the backend did not answer. */
    KVSTORE_CANCELLED,   /**< kvstore_cancel() came first. */
    KVSTORE_OUTCOMES     /**< Their number. */
};

/** A word for an outcome: "stored", "no room", …. Never NULL. */
KVSTORE_API const char *kvstore_outcome_text(uint32_t outcome);

/** What became of one block. */
typedef struct kvstore_result {
    uint32_t outcome;     /**< KVSTORE_… */
    uint32_t attempts;    /**< requests that it took; 0: none */
    uint64_t bytes;       /**< of the payload */
    uint64_t nanoseconds; /**< from its start to its end */
    kvcore_status status; /**< why, where the outcome alone does not say */
    uint32_t http_code;   /**< the last one; 0: none */
} kvstore_result;

/** Memory of one piece of a block. */
typedef struct kvstore_span {
    void *bytes;       /**< only read by a put */
    size_t size_bytes; /**< how many */
} kvstore_span;

/** How names become keys, and what an object consists of. */
typedef enum kvstore_scheme {
    KVSTORE_SCHEME_NATIVE = 0,
    KVSTORE_SCHEME_WOMBAT = 1, /**< plain or WBZ1, named by 32-byte hashes; unverified */
    KVSTORE_SCHEME_DYNAMO = 2, /**< the payload alone; unverified */
} kvstore_scheme;

/**
 * How a payload of the WombatKV scheme is wrapped: libkvwombat's WBZ1, which this library does not link.
 *
 *     static const kvstore_wrapping wbz1 = {kvwombat_wbz1_bound, kvwombat_wbz1_encode, kvwombat_wbz1_decode_strict,
 *                                           KVWOMBAT_WBZ1_ZSTD};
 */
typedef struct kvstore_wrapping {
    size_t (*bound)(size_t raw_bytes); /**< room that wrapping may take */
    /** Wrap some bytes. */
    kvcore_status (*wrap)(int algorithm, int level, kvcore_bytes raw, void *bytes, size_t capacity, size_t *size_bytes);
    /** KVFORMAT_EMAGIC: it is not wrapped, and taken as it is. Any other failure: it is damaged. */
    kvcore_status (*unwrap)(kvcore_bytes input, void *memory, size_t capacity, kvcore_bytes *raw, kvcore_error *error);
    int algorithm; /**< given to wrap */
} kvstore_wrapping;

/** What all kinds of stores take. Zeros mean the defaults. */
typedef struct kvstore_options {
    size_t struct_size;                /**< KVSTORE_OPTIONS_INIT */
    const kvcore_allocator *allocator; /**< NULL: malloc() */
    const kvcore_clock *clock;         /**< NULL: the system's clocks. Tests bring their own. */
    uint64_t max_inflight_bytes;       /**< of all batches that are out; 0: 256 MiB */
    uint32_t max_inflight_blocks;      /**< 0: 4,096 */
    uint32_t max_parallel;             /**< blocks under way at once; 0: 64 */
    uint32_t readahead;                /**< blocks that a get asks for at once, growing to max_parallel; 0: 8 */
    uint32_t get_deadline_ms;          /**< where a batch names none; 0: 2,000 */
    uint32_t put_deadline_ms;          /**< 0: 30,000 */
    uint32_t breaker_failures;         /**< operations in a row without an answer; 0: 5 */
    uint32_t max_catalog_entries;      /**< of a store that does not evict; 0: 4 Mi */
    uint32_t event_capacity;           /**< events kept until kvstore_take_events(); 0: none are made */
    int compression_level;             /**< zstd, 1 … 22; 0: payloads are stored as they are */
    kvstore_scheme scheme;             /**< how names become keys */
    int32_t dynamo_rank;               /**< folder of the Dynamo scheme, counted from 1; 0: no folder */
    const kvstore_wrapping *wrapping; /**< of the WombatKV scheme; borrowed while the store lives. NULL: all is plain */
    bool accept_unverified;           /**< must be said for schemes other than native */
} kvstore_options;

/** The values to start from. */
#ifdef __cplusplus
/** The values to start from. */
#define KVSTORE_OPTIONS_INIT kvstore_options_init()
#else
/** The values to start from. */
#define KVSTORE_OPTIONS_INIT \
    { .struct_size = sizeof(kvstore_options) }
#endif
/** KVSTORE_OPTIONS_INIT as a function, for other languages. */
KVSTORE_API kvstore_options kvstore_options_init(void);

/** What a put promises when the machine stops. */
typedef enum kvstore_durability {
    KVSTORE_DURABILITY_CACHE =
        0, /**< no sync: a crash of the machine may lose or damage recent blocks, which reading detects */
    KVSTORE_DURABILITY_SYNC = 1, /**< stored means: data and folder entry are on the disk */
} kvstore_durability;

/** A store in a folder. Start from KVSTORE_DIRECTORY_CONFIG_INIT. */
typedef struct kvstore_directory_config {
    size_t struct_size;             /**< KVSTORE_DIRECTORY_CONFIG_INIT */
    const char *root;               /**< must exist, or its parent must: then it is created, mode 0700 */
    const kvstore_options *options; /**< NULL: defaults. The scheme must be native. */
    uint64_t max_bytes;             /**< allocated bytes; 0: 90 % of what was free at open. Never unlimited. */
    uint64_t max_blocks;            /**< 0: no limit of their number */
    uint64_t min_free_bytes;        /**< of the file system; 0: 1 %, at least 1 GiB */
    uint32_t ttl_seconds;           /**< of a block that nobody uses; 0: none */
    uint32_t rescan_seconds;        /**< how often the keeper looks for files of others; 0: 300 */
    uint32_t io_threads;            /**< 0: all work is done inside kvstore_poll() */
    kvstore_durability durability;  /**< what stored means */
    bool allow_shared_root;         /**< others may write the root: then they may forge blocks */
    bool never_keeper;              /**< this process never evicts */
    bool exclusive; /**< no other process may use it: a complete catalog then answers misses without I/O */
} kvstore_directory_config;

/** The values to start from. */
#ifdef __cplusplus
/** The values to start from. */
#define KVSTORE_DIRECTORY_CONFIG_INIT kvstore_directory_config_init()
#else
/** The values to start from. */
#define KVSTORE_DIRECTORY_CONFIG_INIT \
    { .struct_size = sizeof(kvstore_directory_config) }
#endif
/** KVSTORE_DIRECTORY_CONFIG_INIT as a function, for other languages. */
KVSTORE_API kvstore_directory_config kvstore_directory_config_init(void);

/**
 * Errors: KVCORE_EINVAL; KVCORE_ECONFIG for a root of another user or writable by others, or an option that cannot work;
 *         KVFORMAT_EVERSION for a directory of a version that is not known here; KVCORE_EBUSY when `exclusive` and another
 *         process has it; KVCORE_EIO with the errno in error->actual; KVCORE_ENOMEM.
 * Cost:   a few system calls; the scan of what is there goes on in kvstore_poll().
 */
KVSTORE_API KVCORE_NODISCARD kvcore_status kvstore_open_directory(const kvstore_directory_config *config,
                                                                  kvstore **store, kvcore_error *error);

/** A store in this process's memory, for tests and as a scratch. At most max_bytes (0: 1 GiB). Options may be NULL.
 *  Errors: KVCORE_EINVAL; KVCORE_ECONFIG; KVCORE_ENOMEM. */
KVSTORE_API KVCORE_NODISCARD kvcore_status kvstore_open_memory(const kvstore_options *options, uint64_t max_bytes,
                                                               kvstore **store, kvcore_error *error);

/** Errors: KVCORE_EBUSY while batches are out or completions were not taken. NULL is fine. */
KVSTORE_API KVCORE_NODISCARD kvcore_status kvstore_close(kvstore *store);

/** Whose blocks, and how long they are. */
typedef struct kvstore_space_config {
    size_t struct_size;        /**< KVSTORE_SPACE_CONFIG_INIT */
    kvcore_bytes tenant;       /**< the namespace in the WombatKV scheme */
    kvcore_model_digest model; /**< which model computes the blocks */
    kvcore_layout_tag layout;  /**< how payloads are laid out */
    uint32_t block_tokens;     /**< tokens a block */
    uint16_t rank;             /**< which part of a tensor-parallel model, from 0 */
    uint16_t ranks;            /**< 0 counts as 1 */
    uint16_t group;            /**< which group of layers, from 0 */
    uint64_t block_bytes;      /**< every payload is this long; 0: they vary */
    bool unidentified;         /**< tenant, model, layout or tokens may be zero */
} kvstore_space_config;

/** The values to start from. */
#ifdef __cplusplus
/** The values to start from. */
#define KVSTORE_SPACE_CONFIG_INIT kvstore_space_config_init()
#else
/** The values to start from. */
#define KVSTORE_SPACE_CONFIG_INIT \
    { .struct_size = sizeof(kvstore_space_config) }
#endif
/** KVSTORE_SPACE_CONFIG_INIT as a function, for other languages. */
KVSTORE_API kvstore_space_config kvstore_space_config_init(void);

/**
 * The space, new or the one that was opened with the same identity before. It ends with the store.
 *
 * Errors: KVCORE_ECONFIG for a text that may not become a key, a rank that is not below ranks, or an identity that is not
 *         complete and not `unidentified`; KVCORE_EOVERFLOW past 65,535 spaces; KVCORE_EINVAL; KVCORE_ENOMEM.
 */
KVSTORE_API KVCORE_NODISCARD kvcore_status kvstore_space_open(kvstore *store, const kvstore_space_config *config,
                                                              kvstore_space **space, kvcore_error *error);

/** Blocks to fetch or to store, and the memory for them. Start from KVSTORE_BATCH_INIT. */
typedef struct kvstore_batch {
    size_t struct_size;           /**< KVSTORE_BATCH_INIT */
    const kvhash_plh *names;      /**< count, in chain order; NULL in the WombatKV scheme */
    const kvcore_hash256 *hashes; /**< count, in the WombatKV scheme */
    size_t count;                 /**< how many blocks */
    const kvstore_span *spans;    /**< count · spans_per_block. A get scribbles on them before it knows: see scrub. */
    uint32_t spans_per_block;     /**< how many spans each block has */
    uint32_t deadline_ms;         /**< 0: the store's */
    const uint8_t (*proofs)[KVSTORE_PROOF_BYTES]; /**< count, or NULL; all zero: not said */
    kvstore_result *results;                      /**< count; whole when the completion is handed out */
    void *user;                                   /**< given back in the completion */
    bool scrub;                                   /**< get: zero the memory of blocks that are no hits */
    bool force;                                   /**< put: write even what is known to be there */
    bool sidecar;                                 /**< WombatKV scheme: raw tails in place of blocks */
} kvstore_batch;

/** The values to start from. */
#ifdef __cplusplus
/** The values to start from. */
#define KVSTORE_BATCH_INIT kvstore_batch_init()
#else
/** The values to start from. */
#define KVSTORE_BATCH_INIT \
    { .struct_size = sizeof(kvstore_batch) }
#endif
/** KVSTORE_BATCH_INIT as a function, for other languages. */
KVSTORE_API kvstore_batch kvstore_batch_init(void);

/**
 * Fetch the longest prefix: the leading blocks that are there, whole and right. Behind the first that is not, all are skipped.
 * The memory of the spans is scratch until the completion: it must be none that the engine serves from.
 *
 * Errors: KVCORE_ENOSPACE when the batch would pass a limit of what may be out: ordinary back-pressure; KVCORE_EINVAL for
 *         NULLs, a count of 0, spans that do not fit the space; KVCORE_ENOMEM. Then nothing was taken.
 * Cost:   O(count) when it must sum the spans; no I/O.
 */
KVSTORE_API KVCORE_NODISCARD kvcore_status kvstore_submit_get(kvstore_space *space, const kvstore_batch *batch,
                                                              kvstore_ticket *ticket);

/** Store blocks. What is known to be there is not written again. The spans must not change meanwhile. Errors: as
 * kvstore_submit_get(). */
KVSTORE_API KVCORE_NODISCARD kvcore_status kvstore_submit_put(kvstore_space *space, const kvstore_batch *batch,
                                                              kvstore_ticket *ticket);

/** Give a batch up. Its completion still comes, and only then its memory is free. Unknown tickets are ignored. */
KVSTORE_API void kvstore_cancel(kvstore *store, kvstore_ticket ticket);

/** A batch that is done. */
typedef struct kvstore_completion {
    kvstore_ticket ticket; /**< of which batch */
    void *user;            /**< given back in the completion */
    size_t good;           /**< get: leading hits; put: stored and exists */
    bool put;              /**< a put, or a get */
} kvstore_completion;

/**
 * Do what there is to do (transfers, retries, eviction, the scan) and hand out at most `capacity` completions.
 *
 * Takes:  timeout_ms 0: only what can be done now; −1: wait until there is a completion or nothing is out.
 * Gives:  how many were handed out.
 */
KVSTORE_API size_t kvstore_poll(kvstore *store, kvstore_completion *completions, size_t capacity, int timeout_ms);

/** Readable when a poll has something to do: for the program's own epoll. −1 for NULL. Owned by the store. */
KVSTORE_API int kvstore_descriptor(const kvstore *store);

/** Submit and poll until done; for tools and simple engines, in the thread that polls. Completions of other batches stay.
 *  A batch that is larger than the store's limits is done in parts. *good may be NULL. Errors: as kvstore_submit_get(). */
KVSTORE_API KVCORE_NODISCARD kvcore_status kvstore_get(kvstore_space *space, const kvstore_batch *batch, size_t *hits,
                                                       kvcore_error *error);
/** The same for a put. Errors: as kvstore_submit_get(). */
KVSTORE_API KVCORE_NODISCARD kvcore_status kvstore_put(kvstore_space *space, const kvstore_batch *batch, size_t *good,
                                                       kvcore_error *error);

/* ---- the catalog ---- */

/** How many leading names the catalog has. No I/O, never blocks on it, never allocates. *complete (may be NULL): a name that
 *  it lacks is a miss. Cost: O(count). */
KVSTORE_API size_t kvstore_lookup_prefix(const kvstore_space *space, const kvhash_plh *names, size_t count,
                                         bool *complete);

/** Mark as used now, what the catalog has. */
KVSTORE_API void kvstore_touch(kvstore_space *space, const kvhash_plh *names, size_t count);

/** Take in what events of other nodes say: a hint, no promise. Errors: KVCORE_EINVAL, KVCORE_ENOMEM. */
KVSTORE_API KVCORE_NODISCARD kvcore_status kvstore_learn(kvstore_space *space, const kvhash_plh *names, size_t count);
/** What a REMOVE event of another node says: take the names out of the catalog. NULL does nothing. */
KVSTORE_API void kvstore_forget(kvstore_space *space, const kvhash_plh *names, size_t count);

/** Exempt from eviction by this process for so long; seconds 0 ends it. Errors: KVCORE_EINVAL; KVCORE_ENOMEM. */
KVSTORE_API KVCORE_NODISCARD kvcore_status kvstore_pin(kvstore_space *space, const kvhash_plh *names, size_t count,
                                                       uint32_t seconds);

/** Finish the scan of what is there, in the thread that polls. Errors: KVCORE_EIO. */
KVSTORE_API KVCORE_NODISCARD kvcore_status kvstore_scan(kvstore *store, kvcore_error *error);

/** How many leading names are there, asked of the backend by galloping and halving: at most 2·log2(count) requests. Holes
 *  make it too long or too short; a get decides. In the thread that polls. Errors: KVCORE_EINVAL; KVCORE_EIO. */
KVSTORE_API KVCORE_NODISCARD kvcore_status kvstore_probe(kvstore_space *space, const kvhash_plh *names, size_t count,
                                                         size_t *present, kvcore_error *error);

/** Remove blocks, there or not. In the thread that polls. Errors: KVCORE_EINVAL; KVCORE_EIO for the first that could not. */
KVSTORE_API KVCORE_NODISCARD kvcore_status kvstore_remove(kvstore_space *space, const kvhash_plh *names, size_t count,
                                                          size_t *removed, kvcore_error *error);

/* ---- all of a store ---- */

/** One stored block, as a listing gives it. */
typedef struct kvstore_entry {
    kvstore_identity identity; /**< its tenant is valid during the call */
    kvhash_plh name;           /**< the block */
    kvcore_bytes key;          /**< below the prefix or root; valid during the call */
    uint64_t object_bytes;     /**< of the object */
    uint64_t disk_bytes;       /**< allocated for it */
    uint64_t modified_ns;      /**< when it was written, nanoseconds since the Unix epoch */
} kvstore_entry;

/** False ends the walk. */
typedef bool (*kvstore_visit)(void *ctx, const kvstore_entry *entry);

/** Every block of the native scheme, of one space or (NULL) of all, in no order. What does not parse is counted in *ignored
 *  (may be NULL). In the thread that polls. Errors: KVCORE_EINVAL; KVCORE_EIO; KVCORE_ENOMEM. */
KVSTORE_API KVCORE_NODISCARD kvcore_status kvstore_list(kvstore *store, const kvstore_space *space, kvstore_visit visit,
                                                        void *ctx, uint64_t *ignored, kvcore_error *error);

/** What a walk of kvstore_verify() found. */
typedef struct kvstore_verdict {
    kvstore_entry entry;   /**< the block */
    kvstore_object object; /**< where status is KVCORE_OK or KVSTORE_EFOREIGN */
    kvcore_status status;  /**< KVCORE_OK; KVSTORE_EFOREIGN; or why it is damaged */
} kvstore_verdict;

/** False ends the walk. */
typedef bool (*kvstore_judge)(void *ctx, const kvstore_verdict *verdict);

/** Read and check every block, at most bytes_per_second of them (0: as fast as it goes). Removes nothing. Errors: as
 *  kvstore_list(). */
KVSTORE_API KVCORE_NODISCARD kvcore_status kvstore_verify(kvstore *store, const kvstore_space *space,
                                                          uint64_t bytes_per_second, kvstore_judge judge, void *ctx,
                                                          kvcore_error *error);

/** Remove every block of a space. Errors: KVCORE_EINVAL; KVCORE_EIO; KVCORE_ENOMEM; it can be called again to go on. */
KVSTORE_API KVCORE_NODISCARD kvcore_status kvstore_remove_space(kvstore_space *space, uint64_t *removed,
                                                                kvcore_error *error);

/** Evict until at most so many bytes are there (allocated), least recently used first; pinned blocks stay. For tools; in the
 *  thread that polls. Errors: KVCORE_ENOTSUP of a store that does not evict; KVCORE_EBUSY when another process is the keeper. */
KVSTORE_API KVCORE_NODISCARD kvcore_status kvstore_evict_to(kvstore *store, uint64_t bytes, uint64_t *evicted,
                                                            kvcore_error *error);

/* ---- what it does and did ---- */

enum { KVSTORE_BREAKER_CLOSED = 0, KVSTORE_BREAKER_OPEN = 1, KVSTORE_BREAKER_HALF_OPEN = 2 };
enum {
    KVSTORE_EVICTED_BYTES,
    KVSTORE_EVICTED_BLOCKS,
    KVSTORE_EVICTED_FREE_SPACE,
    KVSTORE_EVICTED_TTL,
    KVSTORE_EVICTED_REASONS
};
enum {
    KVSTORE_REQUESTS_GET,
    KVSTORE_REQUESTS_PUT,
    KVSTORE_REQUESTS_HEAD,
    KVSTORE_REQUESTS_LIST,
    KVSTORE_REQUESTS_DELETE,
    KVSTORE_REQUESTS
};
enum {
    KVSTORE_ANSWERS_2XX,
    KVSTORE_ANSWERS_404,
    KVSTORE_ANSWERS_409,
    KVSTORE_ANSWERS_412,
    KVSTORE_ANSWERS_4XX,
    KVSTORE_ANSWERS_5XX,
    KVSTORE_ANSWERS_TIMEOUT,
    KVSTORE_ANSWERS_CONNECTION,
    KVSTORE_ANSWERS
};
/** Bucket i counts 2^i … 2^(i+1) − 1 nanoseconds. */
enum { KVSTORE_LATENCY_BUCKETS = 40 };

/** Counters since it was opened, never reset; and the state of now. */
typedef struct kvstore_stats {
    size_t struct_size;                               /**< KVSTORE_STATS_INIT */
    uint64_t blocks[KVSTORE_OUTCOMES];                /**< by what became of them */
    uint64_t bytes[KVSTORE_OUTCOMES];                 /**< the same in payload bytes */
    uint64_t evicted_blocks[KVSTORE_EVICTED_REASONS]; /**< by reason */
    uint64_t evicted_bytes;                           /**< of objects */
    uint64_t repaired_blocks;                         /**< damaged ones that a put replaced */
    uint64_t ignored_entries;                         /**< of listings: not ours */
    uint64_t requests[KVSTORE_REQUESTS];              /**< to the backend, by kind */
    uint64_t answers[KVSTORE_ANSWERS];                /**< of the backend, by kind */
    uint64_t retries;                                 /**< requests that were made again */
    uint64_t retry_budget;                            /**< tokens left */
    uint64_t breaker_opened;                          /**< how often */
    uint64_t breaker_since_ns;                        /**< of the state */
    kvcore_status breaker_reason;                     /**< the status that opened it last */
    uint32_t breaker;                                 /**< KVSTORE_BREAKER_… */
    uint64_t inflight_bytes;                          /**< of the batches that are out */
    uint64_t inflight_blocks;                         /**< of the batches that are out */
    uint64_t catalog_entries;                         /**< names in the catalog */
    uint64_t catalog_bytes;                           /**< memory of it */
    uint64_t disk_bytes;                              /**< allocated, of what the catalog has */
    uint64_t free_bytes;                              /**< of the file system, as last asked */
    uint64_t max_bytes;                               /**< the limit in force */
    uint64_t youngest_evicted_seconds; /**< age since its last use of the youngest block that was ever evicted */
    uint64_t get_latency[KVSTORE_LATENCY_BUCKETS]; /**< gets by how long they took */
    uint64_t put_latency[KVSTORE_LATENCY_BUCKETS]; /**< puts by how long they took */
    uint64_t events_lost;                          /**< events that nobody took in time */
    bool catalog_complete;                         /**< what the catalog lacks is not there */
    bool scanning;                                 /**< the scan of what is there goes on */
    bool keeper;                                   /**< this process evicts */
} kvstore_stats;

/** The values to start from. */
#ifdef __cplusplus
/** The values to start from. */
#define KVSTORE_STATS_INIT kvstore_stats_init()
#else
/** The values to start from. */
#define KVSTORE_STATS_INIT \
    { .struct_size = sizeof(kvstore_stats) }
#endif
/** KVSTORE_STATS_INIT as a function, for other languages. */
KVSTORE_API kvstore_stats kvstore_stats_init(void);

/** Errors: KVCORE_EINVAL. */
KVSTORE_API KVCORE_NODISCARD kvcore_status kvstore_stats_read(const kvstore *store, kvstore_stats *stats);

/** The stats as Prometheus text. `backend` and `space` become labels (NULL: left out). *length without the NUL.
 *  Errors: KVCORE_EBUFFER with the length; KVCORE_EINVAL for a label that is not [A-Za-z0-9._/-]. */
KVSTORE_API KVCORE_NODISCARD kvcore_status kvstore_stats_format(const kvstore_stats *stats, const char *backend,
                                                                const char *space, char *text, size_t capacity,
                                                                size_t *length);

enum {
    KVSTORE_EVENT_BLOCK = 0, /**< `block` says: now there (CREATE), no more (REMOVE), or events were lost (GAP) */
    KVSTORE_EVENT_DAMAGED,
    KVSTORE_EVENT_FOREIGN,
    KVSTORE_EVENT_BREAKER_OPEN, /**< `status` is the reason */
    KVSTORE_EVENT_BREAKER_CLOSED,
    KVSTORE_EVENT_KEEPER_WON,
    KVSTORE_EVENT_KEEPER_LOST,
    KVSTORE_EVENT_NO_ROOM,
};

/** Something that happened in a store. */
typedef struct kvstore_event {
    uint32_t kind;              /**< KVSTORE_EVENT_… */
    kvcore_status status;       /**< why, for the kinds that have a reason */
    const kvstore_space *space; /**< of block, damaged, foreign; NULL of a space that is not open here */
    kvhash_event block;         /**< its name; its sequence is the store's, from 1 */
} kvstore_event;

/** "disk", "object" or "memory": the medium of the block events. Never NULL. */
KVSTORE_API const char *kvstore_medium(const kvstore *store);

/** Take the oldest events, at most `capacity`. When they were taken too late, a GAP says how many are lost. */
KVSTORE_API size_t kvstore_take_events(kvstore *store, kvstore_event *events, size_t capacity);

#ifdef __cplusplus
}
#endif

#endif
