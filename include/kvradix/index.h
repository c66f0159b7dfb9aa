/**
 * @file
 * The positional prefix index: in a fleet, who holds which prefix.
 *
 * It knows names (kvhash_plh) and, of each, the set of holders: workers, or ranks of them. Asked with the names of a prompt,
 * it says of every holder how many leading blocks it has. A name carries its position and a piece of its parent's hash, so
 * the index knows which names follow which, and of each holder whether its blocks are *closed*: with every block, it has the
 * one before. Of a closed holder a prefix is known by its last block, and a search over n names takes O(log n) probes; a
 * holder with holes, which evictions and lost events leave, is walked name by name to its first hole. A holder whose hole is
 * filled, or whose blocks behind it go, is closed again.
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

/* ---- told by the caller ---- */

/**
 * The holder has these names now. In the order of the chain is cheapest.
 *
 * Errors: KVCORE_EINVAL for NULLs; KVHASH_EMODE for a value that is no name; KVRADIX_EHOLDERS when the holder is new and
 *         there is room for no more; KVRADIX_EBUDGET when name_limit or holder_name_limit would be passed (a name given twice
 *         counts twice); KVCORE_ENOMEM, KVCORE_EOVERFLOW.
 * Cost:   O(1) a name; for a holder with holes, O(children) of the name.
 */
KVRADIX_API KVCORE_NODISCARD kvcore_status kvradix_index_store(kvradix_index *index, kvhash_holder holder,
                                                               const kvhash_plh *names, size_t count);

/**
 * The holder has these names no more; those it had not are skipped. Taken from the last to the first.
 *
 * Errors: KVCORE_EINVAL for NULLs.
 * Cost:   O(1) a name, and O(children) of it; never allocates.
 */
KVRADIX_API kvcore_status kvradix_index_remove(kvradix_index *index, kvhash_holder holder, const kvhash_plh *names,
                                               size_t count);

/**
 * The holder has nothing; it stays known, and is not stale any more. Readers see it at once.
 *
 * Errors: KVCORE_EINVAL for NULL. An unknown holder is fine.
 * Cost:   O(names of the index).
 */
KVRADIX_API kvcore_status kvradix_index_clear(kvradix_index *index, kvhash_holder holder);

/**
 * The same, and the holder is not known any more: what it says next is the first that is heard of it.
 *
 * Errors: as kvradix_index_clear().
 */
KVRADIX_API kvcore_status kvradix_index_forget(kvradix_index *index, kvhash_holder holder);

/**
 * Forget the holders that were silent for longer than silence_ns.
 *
 * A holder is heard when an event of it is applied or something is stored or removed for it; it counts as heard at the first
 * call of this function after that. So call it regularly, a few times within silence_ns. now_ns is of any clock that only
 * grows.
 *
 * Gives:  *expired, how many; may be NULL.
 * Errors: KVCORE_EINVAL for NULL.
 * Cost:   O(holders), and O(names of the index) when any is forgotten.
 */
KVRADIX_API kvcore_status kvradix_index_expire(kvradix_index *index, uint64_t now_ns, uint64_t silence_ns,
                                               size_t *expired);

/* ---- told by events ---- */

/**
 * Take in events of any holders, in order, by the rules of kvhash/event.h:
 *
 *     CREATE, REMOVE   of a number below the one expected are old and skipped; beyond it, events were lost
 *     PRESENT, GAP     carry the number expected next: below it they are old and skipped; beyond it, events were lost
 *     CLEAR            is always taken: the holder has nothing, and the number it carries is expected next
 *
 * A new holder is expected to begin with number 1. A holder of which events were lost is stale until it is cleared.
 * An event that stores a name beyond name_limit or holder_name_limit counts as lost: its holder is stale, the name is not
 * there. A CLEAR that a transport delivers twice shows as lost events, and heals as those do.
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
 * kvradix_index_apply() for one event, in the shape of a callback: feed is a kvradix_feed. An event that cannot be taken in
 * (no memory, too many holders) counts as lost, and its holder is stale.
 */
KVRADIX_API void kvradix_feed_event(void *feed, const kvhash_event *event);

/** The number that is expected next of a holder; 1 for one that is not known. Takes the writers' lock. */
KVRADIX_API uint64_t kvradix_index_expected(const kvradix_index *index, kvhash_holder holder);

/* ---- kept across a restart ---- */

/**
 * All that the index knows as bytes (docs/libs/radix.md describes them): the same content gives the same bytes.
 *
 * Gives:  *size_bytes of them in bytes[capacity]. NULL and 0 ask for the size.
 * Errors: KVCORE_EINVAL for NULLs; KVCORE_EBUFFER when they do not fit, the size in *size_bytes.
 * Cost:   O(n log n), the copying under the lock; never allocates but what qsort() may.
 */
KVRADIX_API KVCORE_NODISCARD kvcore_status kvradix_index_dump(const kvradix_index *index, void *bytes, size_t capacity,
                                                              size_t *size_bytes);

/**
 * Take in a dump. Events that follow the dump's last are expected next; all holders count as heard. Readers see the names
 * come one by one.
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
