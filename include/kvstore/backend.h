/**
 * @file
 * What stands behind a store: the interface that the directory, the memory and S3 backends have, and one of your own may have.
 * Experimental: it may change in any release.
 *
 * A backend moves whole objects by key. It knows nothing of spaces, catalogs, retries of the caller or verification. It is
 * either blocking (start() does the transfer and returns when it is done; it may be called from several threads at once) or
 * stepped (start() begins it, step() drives all of them and hands out those that are done; only the polling thread calls it).
 */
#ifndef KVSTORE_BACKEND_H
#define KVSTORE_BACKEND_H

#include <kvstore/store.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    KVSTORE_TRANSFER_GET = 0,
    KVSTORE_TRANSFER_PUT = 1,
    KVSTORE_TRANSFER_HEAD = 2,   /**< is it there? outcome HIT or MISS */
    KVSTORE_TRANSFER_REMOVE = 3, /**< outcome STORED: it was there; MISS: it was not */
    KVSTORE_TRANSFER_TOUCH = 4,  /**< it is used: outcome EXISTS or MISS */
};

/** One object on its way. The store's; a backend writes the second half. */
typedef struct kvstore_transfer {
    int request;               /**< KVSTORE_TRANSFER_… */
    const char *key;           /**< below the prefix or root, NUL terminated */
    size_t key_bytes;          /**< length of the key */
    const kvstore_span *spans; /**< the payload: what to write, or where to */
    uint32_t span_count;       /**< how many spans */
    uint64_t payload_bytes;    /**< put: of the payload; get: room of the spans */
    uint8_t *trailer;          /**< behind the payload */
    uint32_t trailer_bytes;    /**< 0: none. A get of an object that is shorter than it gives DAMAGED. */
    uint32_t crc32c;           /**< put: of payload and trailer */
    bool create_only;          /**< put: what is there stays: outcome EXISTS */
    bool stamp;                /**< get: note on the object that it was used */
    uint64_t deadline_ns;      /**< of the store's clock */

    uint32_t outcome; /**< KVSTORE_…; HIT of a get only says that the object came whole */
    kvcore_status
        status; /**< KVSTORE_EUNAVAILABLE and KVSTORE_ETIMEOUT count for the breaker, some others open it at once */
    uint32_t http_code;            /**< the last answer; 0: none */
    uint32_t attempts;             /**< requests that it took */
    uint64_t object_payload_bytes; /**< get: of the object without its trailer */
    uint64_t disk_bytes;           /**< what it takes on the disk */

    void *state; /**< of the backend */
    void *owner; /**< of the store */
} kvstore_transfer;

/** One object of a listing. False ends it. */
typedef bool (*kvstore_backend_visit)(void *ctx, const char *key, size_t key_bytes, uint64_t object_bytes,
                                      uint64_t disk_bytes, uint64_t modified_ns);

/** What a store asks of the place where its objects are. */
typedef struct kvstore_backend {
    size_t struct_size;                                   /**< KVSTORE_BACKEND_INIT */
    void *ctx;                                            /**< given back to every function */
    const char *medium;                                   /**< "disk", "object", … */
    bool blocking;                                        /**< start does the whole transfer before it returns */
    bool evicts;                                          /**< the store keeps it within its limits */
    void (*start)(void *ctx, kvstore_transfer *transfer); /**< begin a transfer */
    /** Stepped ones: cut it; it is handed out by step() like any other. */
    void (*cancel)(void *ctx, kvstore_transfer *transfer);
    size_t (*step)(void *ctx, kvstore_transfer **done, size_t capacity); /**< stepped ones: what is done */
    /** Stepped ones: readable when step() has something to do. */
    int (*descriptor)(void *ctx);
    /** Objects below a prefix of keys, one piece a step; *cursor begins as NULL and is NULL again at the end. */
    kvcore_status (*list)(void *ctx, const char *prefix, void **cursor, kvstore_backend_visit visit, void *visit_ctx,
                          kvcore_error *error);
    void (*list_end)(void *ctx, void *cursor); /**< the end of a walk, wherever it stands */
    /** Remove up to a thousand keys at once, there or not, and return when it is done. May be NULL: one at a time then. */
    kvcore_status (*remove_many)(void *ctx, const char *const *keys, size_t count, kvcore_error *error);
    /** Free and total bytes of what is behind it. May be NULL. */
    kvcore_status (*room)(void *ctx, uint64_t *free_bytes, uint64_t *total_bytes);
    /** Be the one process that evicts; true when it is. Asked again until it is. May be NULL: always. */
    bool (*keep)(void *ctx);
    /** Requests, answers, retries and budget of its own. May be NULL. */
    void (*count)(void *ctx, kvstore_stats *stats);
    void (*close)(void *ctx); /**< the last call of all */
} kvstore_backend;

/** The values to start from. */
#ifdef __cplusplus
/** The values to start from. */
#define KVSTORE_BACKEND_INIT kvstore_backend_init()
#else
/** The values to start from. */
#define KVSTORE_BACKEND_INIT \
    { .struct_size = sizeof(kvstore_backend) }
#endif
/** KVSTORE_BACKEND_INIT as a function, for other languages. */
KVSTORE_API kvstore_backend kvstore_backend_init(void);

/** Limits of a backend that evicts; zeros: none. */
typedef struct kvstore_limits {
    uint64_t max_bytes;      /**< at most so many bytes on the disk; 0: no limit */
    uint64_t max_blocks;     /**< at most so many blocks; 0: no limit */
    uint64_t min_free_bytes; /**< leave so many bytes of the file system free */
    uint32_t ttl_seconds;    /**< evict what was not used for so long; 0: never */
    uint32_t rescan_seconds; /**< look for blocks of other processes so often; 0: never */
    uint32_t io_threads;     /**< of a blocking backend */
    bool scan;               /**< take in what is there, in kvstore_poll() */
    bool exclusive;          /**< nobody else writes: a finished scan is complete */
} kvstore_limits;

/**
 * A store over a backend, which it owns from here on, and closes also when this fails.
 *
 * Errors: KVCORE_EINVAL; KVCORE_ECONFIG; KVCORE_ENOMEM; KVCORE_EIO for descriptors or threads that could not be had.
 */
KVSTORE_API KVCORE_NODISCARD kvcore_status kvstore_open_backend(const kvstore_backend *backend,
                                                                const kvstore_options *options,
                                                                const kvstore_limits *limits, kvstore **store,
                                                                kvcore_error *error);

/** Nanoseconds of the clock that deadlines are of: the options' clock, or the system's monotonic one. */
KVSTORE_API uint64_t kvstore_clock_ns(const kvstore_options *options);

#ifdef __cplusplus
}
#endif

#endif
