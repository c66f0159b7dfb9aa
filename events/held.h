/* What one publisher holds: wire hashes, how often in which tier and group, and the names made from their tokens.
 *
 * A node is a wire hash that is held; it has entries, one a (tier, group), each with its copies. A name may be that of several
 * nodes (hashes that differ in what tokens do not say), so names count in how many nodes of each tier they are.
 *
 * Engine blocks of k·b tokens give a node k names; of b/k tokens, every k-th node of a chain ends a name of all k, which is in
 * a tier when they all are. */
#ifndef EVENTS_HELD_H
#define EVENTS_HELD_H

#include <kvcore/allocator.h>
#include <kvevents/batch.h>
#include <kvevents/source.h>

#define HELD_NONE UINT32_MAX
#define HELD_TOLD 256      /* names told to the listener at once */
#define HELD_AHEAD 16      /* blocks whose memory is fetched before it is needed */
#define HELD_NAME_ALIGN 64 /* a slot of names is half a line of the cache */

typedef struct held_entry {
    uint32_t copies; /* 0: none */
    uint32_t group;
    uint32_t next; /* of the pool; free ones are threaded, too */
    uint8_t tier;
} held_entry;

typedef struct held_node {
    uint64_t hash;
    uint64_t seed; /* of its block hashes: LoRA name and salt */
    held_entry first;
    uint32_t parent;       /* b/k only: the node before it in the same name */
    uint32_t first_child;  /* b/k only: those behind it in the same name */
    uint32_t next_sibling; /* free nodes are threaded by it, too */
    uint16_t children;
    uint8_t told;                  /* the tiers, a bit each, in which its names count it */
    bool named;                    /* its place in a chain is known */
    bool follows;                  /* b/k only: there is a name before the one it is part of */
    uint8_t part;                  /* b/k only: which part of a name it is, from 0 */
    uint16_t refs[KVEVENTS_TIERS]; /* entries in each tier */
} held_node;

typedef struct held_name {
    kvhash_plh name;
    uint32_t refs[KVEVENTS_TIERS];
} held_name;

typedef struct held_set {
    kvcore_allocator allocator;
    kvevents_change_callback change;
    void *ctx;
    bool counted;
    bool cumulative;
    uint64_t secret;
    size_t limit;          /* nodes and entries */
    uint32_t block_tokens; /* b; 0: no names */
    uint32_t names_a_node; /* k of k·b, else 1; 0 while the engine's block size is not known */
    uint32_t parts;        /* k of b/k, else 1 */
    uint32_t engine_tokens;

    held_node *nodes;
    kvhash_plh *names;                /* names_a_node each; b/k: the name that ends here, or the one before */
    uint32_t *tokens;                 /* b/k: block_tokens each */
    size_t node_capacity, node_count; /* count: of those ever used */
    uint32_t free_node;
    size_t live;

    held_entry *entries; /* beside the first of a node */
    size_t entry_capacity, entry_count;
    uint32_t free_entry;
    size_t live_entries;

    uint64_t *slots; /* open addressing: node + 1, and above it half of the mixed hash; 0: free */
    size_t slot_count;
    held_name *name_slots;
    size_t name_slot_count, name_count;

    size_t tier_blocks[KVEVENTS_TIERS];
    uint64_t copies;
    kvevents_source_counts *counts;
    bool *stale;
    kvhash_plh told[KVEVENTS_TIERS][HELD_TOLD];
    size_t told_count[KVEVENTS_TIERS];
    uint32_t told_kind;
} held_set;

/* b and, unless it is 0, the engine's block size. KVCORE_ECONFIG when neither divides the other, or too often. */
kvcore_status kvevents__held_set_sizes(held_set *held, uint32_t block_tokens, uint64_t engine_tokens);

/* Room for what the events of a batch may store. KVCORE_ENOMEM changes nothing that shows. */
kvcore_status kvevents__held_reserve(held_set *held, const kvevents_batch *batch);

void kvevents__held_store(held_set *held, const kvevents_event *event, kvevents_tier tier, uint32_t group);
void kvevents__held_remove(held_set *held, const kvevents_event *event, kvevents_tier tier, uint32_t group);

/* Everything is gone; memory is kept. The listener hears of it once. */
void kvevents__held_clear(held_set *held);
void kvevents__held_free(held_set *held);

uint32_t kvevents__held_find(const held_set *held, uint64_t hash);

static inline uint32_t held_node_of_slot(uint64_t slot) { return (uint32_t)slot - 1; }

/* Where the blocks of one stored event stand. */
typedef struct held_chain {
    bool named;      /* the next block has a place */
    bool orphan;     /* it has none, because the one before has none */
    bool follows;    /* `last` is the name before the next one */
    uint8_t part;    /* which part of a name the next block is */
    uint32_t parent; /* the node of the part before it */
    uint64_t seed;
    kvhash_plh last;
} held_chain;

void kvevents__chain_begin(held_set *held, const kvevents_event *event, held_chain *chain);
/* The i-th block of the event, node id or none, has its place now; kvevents__held_show() tells of it. */
void kvevents__chain_next(held_set *held, const kvevents_event *event, size_t i, uint32_t id, held_chain *chain);

/* Tell in which tiers the names of a node are; a node that goes has no name, and what hangs on it has none either. */
void kvevents__held_show(held_set *held, uint32_t id);
void kvevents__held_unname(held_set *held, uint32_t id);

/* Names: a node has its name in other tiers (a bit each) than before. Room was reserved. */
void kvevents__names_count(held_set *held, kvhash_plh name, uint8_t tiers_before, uint8_t tiers_after);
void kvevents__names_fetch(const held_set *held, kvhash_plh name);
void kvevents__held_fetch(const held_set *held, uint32_t id);
kvcore_status kvevents__names_reserve(held_set *held, size_t more);
void kvevents__names_flush(held_set *held);

#endif
