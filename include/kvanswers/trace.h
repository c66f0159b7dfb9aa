/**
 * @file
 * A trace that is kept, for figures that no single pass gives: caches smaller than the longest request, a known queue, a host
 * tier. It takes some 28 bytes a different block and 8 a request, however long the requests are.
 *
 * Owns:    the trace owns a tree of the blocks. Threads: not safe; readers may share a trace that nobody writes to.
 * Errors:  a failed call changes nothing.
 * Source:  the queue: Belady 1966 within a window. The inclusive tier: Mattson, Gecsei, Slutz, Traiger 1970.
 */
#ifndef KVANSWERS_TRACE_H
#define KVANSWERS_TRACE_H

#include <stddef.h>
#include <stdint.h>

#include <kvanswers/export.h>
#include <kvanswers/request.h>
#include <kvcore/allocator.h>
#include <kvcore/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Opaque. Made by kvanswers_trace_create(). */
typedef struct kvanswers_trace kvanswers_trace;

/** Make an empty trace. allocator: NULL means the C library's. Errors: KVCORE_EINVAL for NULL, KVCORE_ENOMEM. */
KVANSWERS_API KVCORE_NODISCARD kvcore_status kvanswers_trace_create(const kvcore_allocator *allocator,
                                                                    kvanswers_trace **trace);

/** NULL is ignored. */
KVANSWERS_API void kvanswers_trace_destroy(kvanswers_trace *trace);

/**
 * Keep one request.
 *
 * Errors: KVCORE_EINVAL for NULLs, and for names that are not those of one chain: a name that was seen behind another one, or
 *         twice in the request; KVCORE_EOVERFLOW beyond 2^32 − 2 blocks; KVCORE_ENOMEM.
 * Cost:   O(1) a block.
 */
KVANSWERS_API KVCORE_NODISCARD kvcore_status kvanswers_trace_add(kvanswers_trace *trace,
                                                                 const kvanswers_request *request);

/** How much a trace holds. */
typedef struct kvanswers_trace_size {
    uint64_t requests, references, unique_blocks, longest_request; /**< how many; the longest request in blocks */
} kvanswers_trace_size;

/** All 0 for NULL. */
KVANSWERS_API kvanswers_trace_size kvanswers_trace_count(const kvanswers_trace *trace);

/** Start from KVANSWERS_REPLAY_CONFIG_INIT. */
typedef struct kvanswers_replay_config {
    size_t struct_size;
    uint64_t capacity;       /**< blocks, at least 1 */
    uint64_t known_requests; /**< blocks of the next so many requests stay as long as any other can go. 0: LRU */
    uint32_t block_tokens;   /**< 0: 1 */
} kvanswers_replay_config;

/** The values to start from. */
#define KVANSWERS_REPLAY_CONFIG_INIT \
    { sizeof(kvanswers_replay_config), 0, 0, 0 }

/** KVANSWERS_REPLAY_CONFIG_INIT as a function, for other languages. */
KVANSWERS_API kvanswers_replay_config kvanswers_replay_config_init(void);

/** What one cache did. hits + compulsory + behind_a_gap + refused + evicted = references. */
typedef struct kvanswers_replay_counts {
    uint64_t references, hits, hit_tokens; /**< blocks asked for, blocks found, their tokens */
    uint64_t evictions;                    /**< blocks that had to go */
    uint64_t never_reused;                 /**< stays without a hit */
    uint64_t oversized;                    /**< requests of more blocks than the cache has */
    uint64_t not_registered;               /**< misses of such requests */
    uint64_t compulsory;                   /**< misses of blocks that were never asked for before */
    uint64_t behind_a_gap;                 /**< misses of blocks that are cached, but not all before them */
    uint64_t refused;                      /**< misses of blocks whose last miss was of an oversized request */
    uint64_t evicted;                      /**< misses of blocks that were cached once */
} kvanswers_replay_counts;

/**
 * Replay the trace step by step, at any capacity.
 *
 * With known_requests the victim is the least recently used block that none of the next so many requests asks for; if they
 * ask for all, the one that is wanted last, of equal ones the deepest.
 *
 * Errors: KVCORE_EINVAL (NULL, struct_size), KVCORE_ECONFIG for capacity 0, KVCORE_ENOMEM.
 * Cost:   O(1) a reference; 16 bytes a block, and with known_requests 4 a reference and 8 a request.
 */
KVANSWERS_API KVCORE_NODISCARD kvcore_status kvanswers_trace_replay(const kvanswers_trace *trace,
                                                                    const kvanswers_replay_config *config,
                                                                    kvanswers_replay_counts *counts,
                                                                    kvcore_error *error);

/**
 * A host tier that everything computed is written to, below a device of `device` blocks: what is found in hosts of each size.
 * The host calls a block young when it is written or read; it does not know what the device finds.
 *
 * (A host that takes what the device evicts, and gives up what it takes back, is one list with the device: it finds
 * hits(device + host) − hits(device) of kvanswers_curve_read().)
 *
 * Takes:  device of at least the longest request; sizes in any order.
 * Gives:  *device_hits; host_hits[count], beyond those of the device.
 * Errors: KVCORE_EINVAL for NULLs and a device that is too small (expected, actual); KVCORE_ENOMEM.
 * Cost:   O(log blocks) a miss of the device, for all sizes together.
 */
KVANSWERS_API KVCORE_NODISCARD kvcore_status kvanswers_trace_inclusive(const kvanswers_trace *trace, uint64_t device,
                                                                       const uint64_t *hosts, size_t count,
                                                                       uint64_t *device_hits, uint64_t *host_hits,
                                                                       kvcore_error *error);

#ifdef __cplusplus
}
#endif

#endif
