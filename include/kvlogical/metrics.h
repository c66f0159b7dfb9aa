/**
 * @file
 * What a manager counts, as a struct and as Prometheus text.
 *
 * Counters only grow; gauges are the present. All are read at one moment, under the manager's lock; nothing is contended on
 * the hot path, because they are written under the lock that each call holds anyway.
 *
 * Owns: nothing. Threads: any. Units: blocks, unless a line says otherwise.
 * Source: kvbm-logical 1.5.0; names as exported there, with the prefix kvbm_.
 */
#ifndef KVLOGICAL_METRICS_H
#define KVLOGICAL_METRICS_H

#include <kvlogical/manager.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Counters and gauges of one manager. */
typedef struct kvlogical_metrics {
    size_t struct_size; /**< of the caller's struct */
    /* counters, in the order of their export */
    uint64_t allocations;            /**< handed out by allocate */
    uint64_t allocations_from_reset; /**< of them, free before */
    uint64_t evictions;              /**< of them, inactive before */
    uint64_t registrations;          /**< passed to register, duplicates and rejected ones too */
    uint64_t duplicate_blocks;       /**< registered as duplicates */
    uint64_t registration_dedup;     /**< rejected: the caller got the primary */
    uint64_t stagings;               /**< blocks that were staged */
    uint64_t match_hashes_requested; /**< names given to match and match_scattered */
    uint64_t match_blocks_returned;  /**< hits of them */
    uint64_t scan_hashes_requested;  /**< names given to scan */
    uint64_t scan_blocks_returned;   /**< distinct names */
    /* gauges */
    int64_t inflight_mutable;   /**< mutable guards that are out */
    int64_t inflight_immutable; /**< immutable guards, not blocks; pins do not count */
    int64_t reset_pool_size;    /**< free blocks */
    int64_t inactive_pool_size; /**< inactive blocks */
    /* ours */
    uint64_t withdrawals;         /**< blocks taken out of circulation */
    uint64_t ghosts_dropped;      /**< lineage: placeholders of the forest given up because there were too many */
    uint64_t lineage_ghosts;      /**< lineage: placeholders there are */
    uint64_t proof_mismatches;    /**< look-ups of names that are here with other proofs alone: each is a miss */
    uint64_t second_lives;        /**< registered beside blocks of the same name with other proofs */
    uint64_t promises;            /**< blocks whose names were promised */
    uint64_t promise_joins;       /**< guards that joined one */
    uint64_t promise_joins_saved; /**< of them, joined when it was fulfilled */
    uint64_t promises_broken;     /**< broken, or released by their owners */
    uint64_t pending_ns;          /**< time from promise to end, of all that ended, to within about 70 ms each */
    int64_t pending_blocks;       /**< promised now */
} kvlogical_metrics;

/** The values to start from. */
#define KVLOGICAL_METRICS_INIT \
    { sizeof(kvlogical_metrics), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }

/** KVLOGICAL_METRICS_INIT as a function, for other languages. */
KVLOGICAL_API kvlogical_metrics kvlogical_metrics_init(void);

/**
 * All values at one moment, as many as the caller's struct has room for by its struct_size.
 *
 * Errors: KVCORE_EINVAL for NULLs and a struct_size that cannot be right; metrics is then as it was.
 */
KVLOGICAL_API kvcore_status kvlogical_manager_read_metrics(const kvlogical_manager *manager,
                                                           kvlogical_metrics *metrics);

/** The same by value; zeros for a NULL manager. */
static inline kvlogical_metrics kvlogical_manager_metrics(const kvlogical_manager *manager) {
    kvlogical_metrics metrics = KVLOGICAL_METRICS_INIT;
    kvlogical_manager_read_metrics(manager, &metrics);
    return metrics;
}

/** One label of every sample; name must be a Prometheus label name, value is escaped. Bytes that are no UTF-8 become U+FFFD. */
typedef struct kvlogical_label {
    const char *name;  /**< NUL terminated */
    const char *value; /**< NUL terminated */
} kvlogical_label;

/**
 * The metrics of some managers in the Prometheus text format: 19 families (and ours), one sample a manager, labelled
 * pool="tier label", the second and later ones of one tier label with manager="1", …, and then with the given labels. Four of them are always 0: the races that the reference counts there cannot
 * happen under one lock.
 *
 * Each sample is read when it is written, so families of one text may be some microseconds apart.
 * Gives:  *length characters; text is NUL terminated when *length < capacity. text may be NULL with capacity 0, to learn the
 *         length first.
 * Errors: KVCORE_EBUFFER when it does not fit (nothing useful is in text); KVCORE_EINVAL for NULLs, a label name that is
 *         none, or one that is there already ("pool" and "manager" are).
 */
KVLOGICAL_API KVCORE_NODISCARD kvcore_status kvlogical_metrics_text(const kvlogical_manager *const *managers,
                                                                    size_t count, const kvlogical_label *labels,
                                                                    size_t label_count, char *text, size_t capacity,
                                                                    size_t *length);

#ifdef __cplusplus
}
#endif

#endif
