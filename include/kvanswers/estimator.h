/**
 * @file
 * The curve of a cache that is running: from a sample of the names, with error bars.
 *
 * It takes the names of each request as the engine has them anyway, and how many the cache found; keeps a sample of the
 * blocks; and says at any time what a cache of another capacity would find. A block is in the sample or not by its name, so
 * the sampled requests are chains again, and distances among them are those of all blocks, smaller by the rate. The estimate
 * is anchored at what the real cache found: it passes through the truth at its capacity, and says what more memory would catch
 * of the misses, and what less would lose of the hits.
 *
 * Owns:    its memory, all of it from the start: some 56 bytes a sampled block, and 40 KiB.
 * Threads: not safe; the engine's own lock, or its own thread.
 * Errors:  a failed call changes nothing.
 * Source:  sampling by name: Waldspurger and others, FAST 2015 (SHARDS). The anchor and its error bars are ours.
 */
#ifndef KVANSWERS_ESTIMATOR_H
#define KVANSWERS_ESTIMATOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <kvanswers/export.h>
#include <kvcore/allocator.h>
#include <kvcore/status.h>
#include <kvhash/plh.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Sampled references that an estimate needs: with fewer its error bars are not to be trusted. */
#define KVANSWERS_ENOUGH_REFERENCES 1000

/** An estimator: opaque. */
typedef struct kvanswers_estimator kvanswers_estimator;

/** Start from KVANSWERS_ESTIMATOR_CONFIG_INIT; all other zeros mean the default. */
typedef struct kvanswers_estimator_config {
    size_t struct_size;         /**< set by the macro */
    uint64_t capacity;          /**< blocks of the real cache; required */
    uint32_t one_in;            /**< one block in so many is sampled, at first: a power of two. 0: 128 */
    uint32_t sample_blocks;     /**< most in the sample: when there are more, the rate halves. 0: 8192; at most 2^24 */
    uint64_t window;            /**< counts halve after so many references, so that old ones fade. 0: 1,048,576 */
    kvcore_allocator allocator; /**< all NULL means the C library's */
} kvanswers_estimator_config;

/** The default values of a kvanswers_estimator_config. */
#define KVANSWERS_ESTIMATOR_CONFIG_INIT                                      \
    {                                                                        \
        sizeof(kvanswers_estimator_config), 0, 0, 0, 0, { NULL, NULL, NULL } \
    }

/** KVANSWERS_ESTIMATOR_CONFIG_INIT as a function, for other languages. */
KVANSWERS_API kvanswers_estimator_config kvanswers_estimator_config_init(void);

/**
 * Make an estimator that has seen nothing.
 *
 * Errors: KVCORE_EINVAL (NULL, struct_size); KVCORE_ECONFIG for capacity 0, one_in that is no power of two, a sample that is
 *         too large, half an allocator; KVCORE_ENOMEM.
 */
KVANSWERS_API KVCORE_NODISCARD kvcore_status kvanswers_estimator_create(const kvanswers_estimator_config *config,
                                                                        kvanswers_estimator **estimator,
                                                                        kvcore_error *error);

/** NULL is ignored. */
KVANSWERS_API void kvanswers_estimator_destroy(kvanswers_estimator *estimator);

/**
 * A request: the names of its blocks, front first, and how many of them the cache found.
 *
 * Errors: KVCORE_EINVAL for NULLs, and more hits than names.
 * Cost:   a comparison a name, and O(log sample) a sampled one. Never allocates.
 */
KVANSWERS_API kvcore_status kvanswers_estimator_observe(kvanswers_estimator *estimator, const kvhash_plh *names,
                                                        size_t count, size_t hits);

/** What a cache of one capacity would find. */
typedef struct kvanswers_estimate {
    uint64_t capacity; /**< in blocks */
    double hit_ratio;  /**< hits of references, 0 … 1; of nothing 0 */
    double error;      /**< two standard errors: print hit_ratio ± error */
    bool enough;       /**< the sample has KVANSWERS_ENOUGH_REFERENCES; without, say "not enough yet" */
} kvanswers_estimate;

/**
 * Estimates at `count` capacities, in any order.
 *
 * Gives:  estimates[count].
 * Errors: KVCORE_EINVAL for NULLs.
 * Cost:   O(1) a capacity: some thousand additions.
 */
KVANSWERS_API kvcore_status kvanswers_estimator_read(const kvanswers_estimator *estimator, const uint64_t *capacities,
                                                     size_t count, kvanswers_estimate *estimates);

/** How an estimator stands. Counts fade with the window. */
typedef struct kvanswers_estimator_state {
    double references;         /**< blocks of requests */
    double hits;               /**< of them, by the real cache */
    double sampled_references; /**< of blocks in the sample */
    uint64_t sampled_blocks;   /**< in the sample now */
    double rate;               /**< of sampling now */
} kvanswers_estimator_state;

/** All 0 for NULL. */
KVANSWERS_API kvanswers_estimator_state kvanswers_estimator_count(const kvanswers_estimator *estimator);

/** Bytes it takes; 0 for NULL. */
KVANSWERS_API size_t kvanswers_estimator_memory_bytes(const kvanswers_estimator *estimator);

#ifdef __cplusplus
}
#endif

#endif
