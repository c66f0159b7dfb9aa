/* The eviction policy `survival`: lists by use count, of which the one whose old end is worth least gives the next victim.
 * What an old end is worth is learned. Private to logical.
 *
 * A small sample of blocks is watched after their release (a *trial*): asked for again, or not yet. From that follows, for each
 * class of use counts, how likely a block is to be asked for after so much idle time (Kaplan and Meier 1958), and so how
 * many hits a place gives at best if it keeps the block (Gittins 1979). Names that were evicted are remembered with their
 * counts (*ghosts*).
 *
 * A block was asked for at least as often as any block behind it, and not longer ago. The learned worth never falls with the
 * count and never rises with idle time; so no parent goes before its child, and no tree is needed.
 *
 * Time is counted in touches: one a block that is found or registered. Nothing is allocated; all steps but the learning, which
 * comes once in some thousand touches, are O(1) a block. */
#ifndef LOGICAL_SURVIVAL_H
#define LOGICAL_SURVIVAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <kvcore/status.h>
#include <kvhash/plh.h>

#define SURVIVAL_CLASSES 6
#define SURVIVAL_BUCKETS 32
#define SURVIVAL_TRIALS 8192
#define SURVIVAL_NONE UINT32_MAX

/* What is known of a cached block. */
typedef struct survival_block {
    uint64_t key;            /* of its name */
    uint64_t stamp;          /* when it was released; while it is in a list */
    uint32_t older, younger; /* in its list */
    uint32_t uses;
    uint16_t trial; /* the last one that it began; another block's by now if the key is another */
    uint8_t class;  /* of its list; SURVIVAL_CLASSES: in none */
} survival_block;

typedef struct survival_ghost {
    uint32_t home;           /* low bits of the key */
    uint32_t tag : 27;       /* high bits */
    uint32_t uses : 5;       /* what is more than the last class asks for does not count */
    uint32_t next;           /* of the same home */
    uint32_t older, younger; /* by eviction */
} survival_ghost;

typedef struct survival_list {
    uint32_t oldest, youngest;
} survival_list;

typedef struct survival_trial {
    uint64_t key, stamp;
    uint16_t next; /* of the same home */
    uint8_t class;
    bool running;
} survival_trial;

typedef double survival_table[SURVIVAL_CLASSES][SURVIVAL_BUCKETS];

typedef struct survival {
    uint64_t now, next_solve; /* touches */
    uint64_t pending;         /* touches of the batch that is under way: it has one time, however it is cut */
    bool pending_found;       /* they are of blocks that were found, not registered */
    uint64_t releases, trials_begun;
    uint32_t block_count, ghost_capacity, home_mask;
    unsigned trial_shift; /* one release in 2^this begins a trial */
    survival_block *blocks;
    survival_ghost *ghosts;
    uint32_t *ghost_homes;
    survival_list ghost_order;
    uint32_t free_ghost; /* chained by `next` */
    survival_list lists[SURVIVAL_CLASSES];
    survival_table asked, at_risk; /* counts of ended trials, older ones for less */
    survival_table worth;          /* hits per block and touch, by class and idle time */
    survival_trial trials[SURVIVAL_TRIALS];
    uint16_t trial_homes[2 * SURVIVAL_TRIALS];
} survival;

#define SURVIVAL_BLOCKS_MAX (UINT32_C(1) << 29)

/* Bytes for so many blocks, at most SURVIVAL_BLOCKS_MAX, and a policy in such memory, which begins at a multiple of 64. */
uint64_t kvlogical__survival_bytes(uint64_t blocks);
survival *kvlogical__survival_init(void *memory, uint32_t blocks);

/* A request begins: learn, if it is time. */
void kvlogical__survival_begin(survival *s);
/* These blocks were found; those that were in a list leave it. Calls that follow one another are one batch. */
void kvlogical__survival_found(survival *s, const uint32_t *blocks, size_t count);
/* These blocks, in no list, got names. Likewise. */
void kvlogical__survival_registered(survival *s, const uint32_t *blocks, const kvhash_plh *names, size_t count);
/* Nobody holds these blocks any more: they go into lists. */
void kvlogical__survival_released(survival *s, const uint32_t *blocks, size_t count);
/* These blocks leave their lists, for another reason than that they were asked for. */
void kvlogical__survival_removed(survival *s, const uint32_t *blocks, size_t count);
/* Take the next `count` victims; so many blocks are in lists. Their names become ghosts. */
void kvlogical__survival_evict(survival *s, uint32_t *victims, size_t count);

/* Pieces that are tested by themselves. */
uint64_t kvlogical__survival_mix(uint64_t n);
unsigned kvlogical__survival_bucket(uint64_t idle);
unsigned kvlogical__survival_class(uint32_t uses);

#endif
