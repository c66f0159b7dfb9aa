/**
 * @file
 * The block event: what a block manager reports to those who track where blocks are.
 *
 * Declared with the names, because the sender (kvlogical) and the receiver (kvradix) do not know each other.
 *
 * CREATE and REMOVE of one source carry consecutive sequence numbers from 1. A receiver that finds a number missing has
 * missed events; a source that had to drop some says so with one GAP. Either way the receiver's picture of that holder may
 * be wrong until a CLEAR and the present state follow. GAP, CLEAR and PRESENT have no number of their own: their sequence is
 * the number that the next CREATE or REMOVE will have.
 *
 * An event says where: `tier` and `block` are those of the block that came or went. A sender that reports each name once sends
 * CREATE for the first block of a name and REMOVE for the last. A sender that reports each tier sends both for each tier.
 *
 * Owns: nothing; an event is a value. Threads: any.
 */
#ifndef KVHASH_EVENT_H
#define KVHASH_EVENT_H

#include <stddef.h>
#include <stdint.h>

#include <kvhash/plh.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    KVHASH_EVENT_CREATE = 1,  /**< The holder now has `name`. */
    KVHASH_EVENT_REMOVE = 2,  /**< The holder has `name` no more. */
    KVHASH_EVENT_GAP = 3,     /**< `lost` events were dropped; the last of them had number sequence − 1. */
    KVHASH_EVENT_CLEAR = 4,   /**< Forget what this holder has; its present state follows as PRESENTs. */
    KVHASH_EVENT_PRESENT = 5, /**< The holder has `name`, part of its present state; nothing new if it was known. */
};

/** Who holds blocks: a worker and, where it has several, the rank within it. */
typedef struct kvhash_holder {
    uint64_t worker;   /**< a number that the fleet gives */
    uint32_t rank;     /**< of the worker's data-parallel replicas; 0 where there is one */
    uint32_t reserved; /**< 0 */
} kvhash_holder;

/** What `given` of facts says is known. */
enum {
    KVHASH_FACT_BLOCK_HASH = 1, /**< block_hash */
    KVHASH_FACT_PARENT = 2,     /**< parent; without it the parent is unknown, except at position 0, which has none */
    KVHASH_FACT_LORA_ID = 4,    /**< lora_id */
    KVHASH_FACT_GROUP = 8,      /**< group */
};

/**
 * Facts of a block that a wire carries and its name does not hold. The caller who registers the block lends them; unknown ones
 * stay zero.
 *
 * Start from KVHASH_BLOCK_FACTS_INIT. A reader takes no field beyond struct_size.
 * Owner: everything is borrowed for the one call; a receiver copies what it keeps. Texts are UTF-8 and NUL terminated.
 */
typedef struct kvhash_block_facts {
    size_t struct_size;
    uint32_t given;          /**< KVHASH_FACT_…, or-ed */
    uint32_t group;          /**< index of the group of layers */
    kvhash_plh parent;       /**< name of the block before it */
    uint64_t block_hash;     /**< by which the engine itself knows the block */
    const uint32_t *tokens;  /**< its token ids, or NULL */
    size_t token_count;      /**< of them */
    int64_t lora_id;         /**< number of the LoRA adapter */
    const char *lora_name;   /**< its name, or NULL */
    const char *cache_salt;  /**< what keeps tenants apart, or NULL */
    const char *group_kind;  /**< kind of attention of the group, or NULL: `full_attention`, `sliding_window`, … */
    uint32_t sliding_window; /**< in tokens; 0: none */
    uint32_t reserved;       /**< 0 */
    const void *extra;       /**< anything else that sender and receiver agree on */
} kvhash_block_facts;

/** The values to start from. */
#define KVHASH_BLOCK_FACTS_INIT \
    { sizeof(kvhash_block_facts), 0, 0, {0, 0}, 0, NULL, 0, 0, NULL, NULL, NULL, 0, 0, NULL }

/** The block of an event that is not about a block: GAP, CLEAR, and names that only a handle keeps. */
#define KVHASH_NO_BLOCK UINT32_MAX

/** One change of what a holder has. */
typedef struct kvhash_event {
    kvhash_plh name;      /**< of CREATE, REMOVE and PRESENT */
    kvhash_holder holder; /**< zero where the receiver knows it from the feed */
    uint64_t sequence;    /**< of the source, from 1; see above */
    uint64_t lost;        /**< of GAP */
    uint64_t tier;        /**< number of the tier of `block`, as the sender was configured; 0 without a block */
    uint32_t kind;        /**< KVHASH_EVENT_… */
    uint32_t block;       /**< index of the block in its tier, or KVHASH_NO_BLOCK */
    const kvhash_block_facts
        *facts; /**< of CREATE, for the time of a callback; NULL: not known, or read from a queue */
} kvhash_event;

#ifdef __cplusplus
}
#endif

#endif
