/**
 * @file
 * The curve: what an LRU cache of every capacity finds of a stream of requests, from one reading of it; and the optimum, the
 * most that any policy could find.
 *
 * The cache: one pool of C blocks. A request of n blocks finds the leading run that is cached (its *hits*), which are held;
 * the others are put in, all or none, in place of the blocks that were used least recently; then all are released, last block
 * first. Requests come one at a time. For C of at least the longest request, a block hits if and only if its *distance*, its
 * place in the list of all blocks by last use, is at most C: so one pass that counts distances answers for all capacities.
 * Smaller capacities are no stack: kvanswers_trace_replay() replays them.
 *
 * Glossary: a *reference* is one block of one request; a *stay* is the time from putting a block in to its eviction; the
 * *ceiling* is what a cache without bound finds: all references but the first of each block.
 *
 * Owns:    the curve owns a table of the blocks it has seen: at most 64 bytes a block, and 20 a request with its runs.
 * Threads: not safe; readers may share a curve that nobody writes to.
 * Errors:  a failed call changes nothing.
 * Limits:  2^32 − 2 requests and as many different blocks.
 * Source:  Mattson, Gecsei, Slutz, Traiger 1970; Fenwick 1994. The tree over requests and the optimum by runs are ours.
 */
#ifndef KVANSWERS_CURVE_H
#define KVANSWERS_CURVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <kvanswers/export.h>
#include <kvanswers/request.h>
#include <kvcore/allocator.h>
#include <kvcore/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Opaque. Made by kvanswers_curve_create(). */
typedef struct kvanswers_curve kvanswers_curve;

/** Start from KVANSWERS_CURVE_CONFIG_INIT; all other zeros mean the default. */
typedef struct kvanswers_curve_config {
    size_t struct_size;
    uint32_t block_tokens;      /**< of a full block. 0: 1 */
    bool no_optimum;            /**< keep nothing for the optimum, which spares 12 bytes a run */
    kvcore_allocator allocator; /**< all NULL means the C library's */
} kvanswers_curve_config;

/** The values to start from. */
#define KVANSWERS_CURVE_CONFIG_INIT                                    \
    {                                                                  \
        sizeof(kvanswers_curve_config), 0, false, { NULL, NULL, NULL } \
    }

/** KVANSWERS_CURVE_CONFIG_INIT as a function, for other languages. */
KVANSWERS_API kvanswers_curve_config kvanswers_curve_config_init(void);

/**
 * Make an empty curve.
 *
 * Errors: KVCORE_EINVAL (NULL, struct_size), KVCORE_ECONFIG for half an allocator, KVCORE_ENOMEM.
 */
KVANSWERS_API KVCORE_NODISCARD kvcore_status kvanswers_curve_create(const kvanswers_curve_config *config,
                                                                    kvanswers_curve **curve, kvcore_error *error);

/** NULL is ignored. */
KVANSWERS_API void kvanswers_curve_destroy(kvanswers_curve *curve);

/**
 * Count one request.
 *
 * Errors: KVCORE_EINVAL for NULLs; KVCORE_EOVERFLOW beyond the limits; KVCORE_ENOMEM.
 * Cost:   O(1) a block, O(log requests) a run.
 */
KVANSWERS_API KVCORE_NODISCARD kvcore_status kvanswers_curve_observe(kvanswers_curve *curve,
                                                                     const kvanswers_request *request);

/** Blocks of a request that stood side by side and that one request touched last. */
typedef struct kvanswers_run {
    uint32_t first;    /**< the first of them, in the request, from 0 */
    uint32_t count;    /**< of blocks */
    uint32_t before;   /**< the request that touched them last, from 1 in the order of observation */
    uint32_t distance; /**< of the first; those behind it have 1 more each */
} kvanswers_run;

/**
 * The runs of the request that was observed last, front first. Blocks of no run were seen for the first time.
 *
 * Owns: the curve; until the next call that changes it.
 */
KVANSWERS_API const kvanswers_run *kvanswers_curve_runs(const kvanswers_curve *curve, size_t *count);

/** What holds at every capacity. */
typedef struct kvanswers_totals {
    uint64_t requests, references, unique_blocks, tokens; /**< observed; a reference: a block of a request */
    uint64_t longest_request;                             /**< in blocks */
    uint64_t exact_from;         /**< the least capacity that the curve answers for: the longest request, at least 1 */
    uint64_t ceiling_hits;       /**< what a cache without bound finds */
    uint64_t ceiling_hit_tokens; /**< the same in tokens */
} kvanswers_totals;

/** All 0 for NULL. */
KVANSWERS_API kvanswers_totals kvanswers_curve_totals(const kvanswers_curve *curve);

/** What LRU of one capacity does. */
typedef struct kvanswers_point {
    uint64_t capacity;                    /**< blocks */
    uint64_t hits, hit_tokens, evictions; /**< references found, their tokens, blocks evicted */
    uint64_t never_reused;                /**< stays without a hit */
    uint64_t resident;                    /**< blocks that are cached at the end */
} kvanswers_point;

/**
 * LRU at `count` capacities.
 *
 * Takes:  capacities in ascending order, of at least exact_from.
 * Gives:  points[count].
 * Errors: KVCORE_EINVAL for NULLs, a capacity that is less than the one before it or than exact_from (index, expected, actual).
 * Cost:   O(unique blocks + count).
 */
KVANSWERS_API KVCORE_NODISCARD kvcore_status kvanswers_curve_read(const kvanswers_curve *curve,
                                                                  const uint64_t *capacities, size_t count,
                                                                  kvanswers_point *points, kvcore_error *error);

/**
 * The least capacity, of at least exact_from, with so many percent of the ceiling.
 *
 * Takes:  percents in ascending order, at most 100.
 * Errors: KVCORE_EINVAL.
 * Cost:   O(unique blocks + count).
 */
KVANSWERS_API KVCORE_NODISCARD kvcore_status kvanswers_curve_reach(const kvanswers_curve *curve,
                                                                   const uint32_t *percents, size_t count,
                                                                   uint64_t *capacities);

/* ---- the optimum: it knows the future; nobody reaches it ---- */

/**
 * The most hits that any eviction policy can reach at each of `count` capacities, under the same rules and knowing the whole
 * stream: evict what is wanted last, of equal ones the deepest.
 *
 * Takes:  capacities of at least exact_from, in any order.
 * Errors: KVCORE_EINVAL for NULLs and for a capacity below exact_from; KVCORE_ENOTSUP for a curve made with no_optimum; KVCORE_ENOMEM.
 * Cost:   O(runs) a capacity; 8 bytes a run and 12 a request for the time of the call.
 */
KVANSWERS_API KVCORE_NODISCARD kvcore_status kvanswers_curve_optimum(const kvanswers_curve *curve,
                                                                     const uint64_t *capacities, size_t count,
                                                                     uint64_t *hits, kvcore_error *error);

/**
 * The same at all capacities from `from` to `to`. The optimum is concave, so only the capacities where it bends are computed.
 *
 * Gives:  hits[to − from + 1].
 * Errors: as kvanswers_curve_optimum(); KVCORE_EINVAL for to < from.
 */
KVANSWERS_API KVCORE_NODISCARD kvcore_status kvanswers_curve_optimum_range(const kvanswers_curve *curve, uint64_t from,
                                                                           uint64_t to, uint64_t *hits,
                                                                           kvcore_error *error);

/** kvanswers_curve_reach() of the optimum. Errors: as kvanswers_curve_optimum(). Cost: O(log unique blocks) optima a percentage. */
KVANSWERS_API KVCORE_NODISCARD kvcore_status kvanswers_curve_optimum_reach(const kvanswers_curve *curve,
                                                                           const uint32_t *percents, size_t count,
                                                                           uint64_t *capacities, kvcore_error *error);

/** Bytes the curve takes; 0 for NULL. */
KVANSWERS_API size_t kvanswers_curve_memory_bytes(const kvanswers_curve *curve);

#ifdef __cplusplus
}
#endif

#endif
