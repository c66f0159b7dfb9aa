/**
 * @file
 * How often was a name used lately: a count-min sketch of 4-bit counters that age (TinyLFU).
 *
 * One table of max(1, capacity / 4) words of 16 counters. A key has four counters; touching it adds 1 to each that is below
 * 15; its estimate is the least of the four. When the number of touches that changed anything reaches the decay threshold,
 * every counter is halved.
 *
 * Owns:    the table; one allocation at creation, none later.
 * Threads: compatible: calls on one sketch need the caller's lock. (A registry touches its sketch under its own lock.)
 * Units:   capacity counts keys; estimates are 0 … 15.
 * Cost:    a touch or an estimate is four short hashes and four table look-ups.
 * Source:  kvbm-logical 1.5.0, TinyLFU; pinned bit for bit by the tinylfu vectors.
 */
#ifndef KVLOGICAL_FREQUENCY_H
#define KVLOGICAL_FREQUENCY_H

#include <stddef.h>
#include <stdint.h>

#include <kvcore/allocator.h>
#include <kvcore/status.h>
#include <kvhash/plh.h>
#include <kvlogical/export.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A small sketch, in names. */
#define KVLOGICAL_FREQUENCY_SMALL ((size_t)1 << 18)
/** A medium sketch: the default of multi-LRU. */
#define KVLOGICAL_FREQUENCY_MEDIUM ((size_t)1 << 21)
/** A large sketch, in names. */
#define KVLOGICAL_FREQUENCY_LARGE ((size_t)1 << 24)

/** Opaque. Made by kvlogical_frequency_create(). */
typedef struct kvlogical_frequency kvlogical_frequency;

/**
 * Make a sketch, all counters 0.
 *
 * Takes:  decay_threshold 0 means 10 · capacity, at most 2^32 − 1; allocator NULL means the C library's.
 * Errors: KVCORE_EINVAL for a NULL out pointer, KVCORE_ENOMEM.
 * Cost:   O(capacity).
 */
KVLOGICAL_API KVCORE_NODISCARD kvcore_status kvlogical_frequency_create(size_t capacity, uint32_t decay_threshold,
                                                                        const kvcore_allocator *allocator,
                                                                        kvlogical_frequency **frequency);
/** NULL is ignored. */
KVLOGICAL_API void kvlogical_frequency_destroy(kvlogical_frequency *frequency);

/** A key of 16 bytes: a name. */
KVLOGICAL_API void kvlogical_frequency_touch(kvlogical_frequency *frequency, kvhash_plh name);

/** How often the name was touched, estimated: 0 … 15. */
KVLOGICAL_API unsigned kvlogical_frequency_count(const kvlogical_frequency *frequency, kvhash_plh name);

/** A key of 8 bytes; not the same as a name with the same low half. */
KVLOGICAL_API void kvlogical_frequency_touch_u64(kvlogical_frequency *frequency, uint64_t key);

/** The same for a key of 8 bytes. */
KVLOGICAL_API unsigned kvlogical_frequency_count_u64(const kvlogical_frequency *frequency, uint64_t key);

/** Touches that changed anything since the last halving, as the halving left it. */
KVLOGICAL_API uint32_t kvlogical_frequency_size(const kvlogical_frequency *frequency);

/**
 * What a registry counts with: the built-in sketch or something of the caller's. All NULL means no counting.
 *
 * Both functions are called under the registry's lock, from any thread that uses it, and must not call back into it.
 */
typedef struct kvlogical_tracker {
    void *ctx;                                     /**< given back to both functions */
    void (*touch)(void *ctx, kvhash_plh name);     /**< the name was used once more */
    unsigned (*count)(void *ctx, kvhash_plh name); /**< how often it was used, estimated */
} kvlogical_tracker;

/** The sketch as a tracker; it must outlive the registry. */
KVLOGICAL_API kvlogical_tracker kvlogical_frequency_tracker(kvlogical_frequency *frequency);

#ifdef __cplusplus
}
#endif

#endif
