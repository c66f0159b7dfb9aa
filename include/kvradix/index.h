/**
 * @file
 * The positional prefix index: in a fleet, who holds which prefix.
 *
 * It stores names (kvhash_plh) and, for each, the set of holders: workers, or ranks of them. Given the names of a prompt, it
 * returns for every holder how many leading blocks it has. A name carries its position and a piece of its parent's hash, so
 * the index knows which names follow which, and of each holder whether its blocks are *closed*: with every block, it has the
 * one before. For a closed holder the last block of a prefix proves the whole prefix, and a search over n names takes O(log n)
 * probes. Evictions and lost events leave holes; a holder with holes is walked name by name to its first hole. It is closed
 * again when the hole is filled, or when its blocks behind the hole are removed.
 *
 * Not here: what a block holds, where it lies within a worker (kvradix/residency.h), which worker to choose.
 *
 * Owns:    names and holders. All arrays are the caller's.
 * Threads: safe. kvradix_index_match(), _holders(), _count(): any number of threads, never a lock, never a wait, while
 *          others write. A change of one name for one holder, and the clearing of a holder with all its names, are seen
 *          whole or not at all, also by a search that is under way. The result for a closed holder was true at one instant
 *          during the search. For a holder with holes it is assembled name by name and may mix instants.
 *          All others are writers: any thread, one at a time, one lock a call. Memory of names that are gone and of outgrown
 *          tables is reused or freed by later writers, once no reader can be looking at it; kvradix_index_destroy() frees
 *          the rest and must be the last call of all.
 * Errors:  a failed call changes nothing.
 * Units:   counts are blocks or names; positions count blocks from 0.
 * Limits:  two names of one position whose sequence hashes share the piece that a child keeps (54 bits, 38 past position
 *          65,535) are taken for one parent; a holder of one of them and of a child may be thought closed.
 * Source:  the question is that of dynamo's router; the index is ours.
 */
#ifndef KVRADIX_INDEX_H
#define KVRADIX_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <kvcore/status.h>
#include <kvhash/event.h>
#include <kvhash/plh.h>
#include <kvradix/config.h>
#include <kvradix/export.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Opaque. Made by kvradix_index_create(). */
typedef struct kvradix_index kvradix_index;

/**
 * Make an empty index: config->capacity names, config->holder_capacity holders. A name takes some 54 bytes and 8 more for
 * each further 64 holders. Where workers are not trusted, set name_limit and holder_name_limit: each name that somebody makes
 * up takes memory until its holder is cleared. An index without names takes the memory of an empty one again.
 *
 * Errors: KVCORE_EINVAL (NULL, struct_size), KVCORE_ECONFIG for a capacity beyond 2^31 or too many holders, KVCORE_ENOMEM;
 *         KVCORE_EIO when the system gives no random key.
 */
KVRADIX_API KVCORE_NODISCARD kvcore_status kvradix_index_create(const kvradix_config *config, kvradix_index **index,
                                                                kvcore_error *error);

/** NULL is ignored. Threads: no other call on this index may be running. */
KVRADIX_API void kvradix_index_destroy(kvradix_index *index);

/* ---- who has what ---- */

/** A holder, and how many of the names that were asked for it has from the first on. */
typedef struct kvradix_match {
    kvhash_holder holder; /**< who */
    uint32_t blocks;      /**< never 0 */
    bool stale;           /**< events of this holder were lost: it may have more, or less */
} kvradix_match;

/**
 * Which holders have how much of a chain; most blocks first, those with equally many by worker, then rank.
 *
 * Takes:  the names of one chain at consecutive positions (from any; what kvhash_request_names() gives). Names that do not
 *         follow one another give an answer without meaning, but no harm.
 * Gives:  *found matches: the first `capacity` of them. Holders without the first block are not among them.
 * Errors: KVCORE_EINVAL for NULLs; KVCORE_EOVERFLOW for more names than a chain can have.
 * Cost:   O(log n) probes for each different length, at most n; the search goes from the longest down and ends when
 *         `capacity` are found: ask for one, and it costs O(log n). Holders with holes: O(blocks) to the first hole, all of
 *         them together. Never allocates; some 40 KiB of stack.
 */
KVRADIX_API KVCORE_NODISCARD kvcore_status kvradix_index_match(const kvradix_index *index, const kvhash_plh *names,
                                                               size_t count, kvradix_match *matches, size_t capacity,
                                                               size_t *found);

/**
 * Who has this one block, in no order.
 *
 * Gives:  *count, all of them; holders[capacity], the first so many.
 * Errors: KVCORE_EINVAL for NULLs.
 */
KVRADIX_API KVCORE_NODISCARD kvcore_status kvradix_index_holders(const kvradix_index *index, kvhash_plh name,
                                                                 kvhash_holder *holders, size_t capacity,
                                                                 size_t *count);

/** How much an index knows. Start from KVRADIX_INDEX_COUNTS_INIT. */
typedef struct kvradix_index_counts {
    size_t struct_size; /**< of the caller's struct */
    size_t names;       /**< that somebody has */
    size_t holders;     /**< known, with or without blocks */
    size_t stale;       /**< holders that lost events */
    uint64_t lost;      /**< events that were lost, of all holders there ever were */
} kvradix_index_counts;

/** The values to start from. */
#define KVRADIX_INDEX_COUNTS_INIT \
    { sizeof(kvradix_index_counts), 0, 0, 0, 0 }

/**
 * All counts, each read on its own, as many as the caller's struct has room for by its struct_size.
 *
 * Errors: KVCORE_EINVAL for NULLs and a struct_size that cannot be right; counts is then as it was.
 */
KVRADIX_API kvcore_status kvradix_index_read_counts(const kvradix_index *index, kvradix_index_counts *counts);

/** The same by value; zeros for a NULL index. */
static inline kvradix_index_counts kvradix_index_count(const kvradix_index *index) {
    kvradix_index_counts counts = KVRADIX_INDEX_COUNTS_INIT;
    kvradix_index_read_counts(index, &counts);
    return counts;
}

/** Bytes the index takes. Takes the writers' lock. */
KVRADIX_API size_t kvradix_index_memory_bytes(const kvradix_index *index);

/* ---- changes by the caller ---- */

/**
 * Add these names to the holder. The order of the chain is the cheapest.
 *
 * Errors: KVCORE_EINVAL for NULLs; KVHASH_EMODE for a value that is no name; KVRADIX_EHOLDERS when the holder is new and
 *         there is room for no more; KVRADIX_EBUDGET when name_limit or holder_name_limit would be passed (a name given twice
 *         counts twice); KVCORE_ENOMEM, KVCORE_EOVERFLOW.
 * Cost:   O(1) a name; for a holder with holes, O(children) of the name.
 */
KVRADIX_API KVCORE_NODISCARD kvcore_status kvradix_index_store(kvradix_index *index, kvhash_holder holder,
                                                               const kvhash_plh *names, size_t count);

/**
 * Remove these names from the holder, last one first. Names that it does not have are skipped.
 *
 * Errors: KVCORE_EINVAL for NULLs.
 * Cost:   O(1) a name, and O(children) of it; never allocates.
 */
KVRADIX_API kvcore_status kvradix_index_remove(kvradix_index *index, kvhash_holder holder, const kvhash_plh *names,
                                               size_t count);

/**
 * Remove all names from the holder. It stays known and is no longer stale. Readers see the change at once.
 *
 * Errors: KVCORE_EINVAL for NULL. An unknown holder is fine.
 * Cost:   O(names of the index).
 */
KVRADIX_API kvcore_status kvradix_index_clear(kvradix_index *index, kvhash_holder holder);

/**
 * The same, and forget the holder: its next event is treated as the first one of a new holder.
 *
 * Errors: as kvradix_index_clear().
 */
KVRADIX_API kvcore_status kvradix_index_forget(kvradix_index *index, kvhash_holder holder);

/**
 * Forget the holders that were silent for longer than silence_ns.
 *
 * Applying an event of a holder, storing and removing for it reset its silence; the time of the reset is that of the next call
 * of this function. So call it regularly, a few times within silence_ns. now_ns comes from any clock that only grows.
 *
 * Gives:  *expired, how many; may be NULL.
 * Errors: KVCORE_EINVAL for NULL.
 * Cost:   O(holders), and O(names of the index) when any is forgotten.
 */
KVRADIX_API kvcore_status kvradix_index_expire(kvradix_index *index, uint64_t now_ns, uint64_t silence_ns,
                                               size_t *expired);

/* ---- changes by events ---- */

/**
 * Apply events of any holders, in order, by the rules of kvhash/event.h:
 *
 *     CREATE, REMOVE   a number below the expected one: the event is old and skipped; above it: events were lost
 *     PRESENT, GAP     carry the number expected next: below it they are old and skipped; above it, events were lost
 *     CLEAR            is always applied: the holder has nothing, and the number it carries is expected next
 *
 * A new holder is expected to begin with number 1. A holder whose events were lost is stale until it is cleared.
 * An event that would store a name beyond name_limit or holder_name_limit counts as lost: its holder is stale, the name is not
 * stored. A CLEAR that a transport delivers twice shows as lost events, and heals as those do.
 *
 * Errors: KVCORE_EINVAL for NULLs, a kind that is none, or the numbers 0 and 2^64 − 1; KVHASH_EMODE for a name that is none; KVRADIX_EHOLDERS;
 *         KVCORE_ENOMEM, KVCORE_EOVERFLOW. error->index says which event.
 * Cost:   as storing and removing.
 */
KVRADIX_API KVCORE_NODISCARD kvcore_status kvradix_index_apply(kvradix_index *index, const kvhash_event *events,
                                                               size_t count, kvcore_error *error);

/** Where events of one holder go. The caller's; it must outlive its use. */
typedef struct kvradix_feed {
    kvradix_index *index; /**< borrowed */
    kvhash_holder holder; /**< put into each event, whatever holder it names */
} kvradix_feed;

/**
 * kvradix_index_apply() for one event, in the shape of a callback: feed is a kvradix_feed. An event that cannot be applied
 * (no memory, too many holders) counts as lost, and its holder is stale.
 */
KVRADIX_API void kvradix_feed_event(void *feed, const kvhash_event *event);

/** The event number expected next from a holder; 1 for an unknown one. Takes the writers' lock. */
KVRADIX_API uint64_t kvradix_index_expected(const kvradix_index *index, kvhash_holder holder);

/* ---- kept across a restart ---- */

/**
 * Write the whole content of the index as bytes (docs/libs/radix.md describes them): the same content gives the same bytes.
 *
 * Gives:  *size_bytes of them in bytes[capacity]. NULL and 0 ask for the size.
 * Errors: KVCORE_EINVAL for NULLs; KVCORE_EBUFFER when they do not fit, the size in *size_bytes; KVCORE_EOVERFLOW when
 *         their number does not fit in a size_t.
 * Cost:   O(n log n), the copying under the lock; never allocates but what qsort() may.
 */
KVRADIX_API KVCORE_NODISCARD kvcore_status kvradix_index_dump(const kvradix_index *index, void *bytes, size_t capacity,
                                                              size_t *size_bytes);

/**
 * Load a dump into an empty index. The events after the dump's last are expected next; the silence of all holders starts anew.
 * Readers see the names appear one by one.
 *
 * Errors: KVRADIX_ENOTEMPTY when the index knows a holder already; KVCORE_EFORMAT, KVCORE_ETRUNCATED, KVCORE_ECHECKSUM for
 *         bytes that are no dump, error->offset saying where; KVRADIX_EHOLDERS when it holds more than there is room for;
 *         KVCORE_EINVAL for NULLs; KVCORE_ENOMEM.
 * Cost:   O(n).
 */
KVRADIX_API KVCORE_NODISCARD kvcore_status kvradix_index_load(kvradix_index *index, const void *bytes,
                                                              size_t size_bytes, kvcore_error *error);

/* ---- for tests, and when memory is suspected ---- */

/**
 * Check every invariant of the index against the others.
 *
 * Errors: KVCORE_EINVAL for NULL; KVCORE_EINVARIANT, with the invariant in the error text; KVCORE_ENOMEM.
 * Cost:   O(names · holders) under the lock.
 */
KVRADIX_API KVCORE_NODISCARD kvcore_status kvradix_index_validate(const kvradix_index *index, kvcore_error *error);

#ifdef __cplusplus
}
#endif

#endif
