/* The eviction policy `survival`: lists by use count, of which the one whose old end is worth least gives the next victim.
 * What an old end is worth is learned. Private to logical.
 *
 * A small sample of blocks is watched after their release (a *trial*): asked for again, or not yet. From that follows, for each
 * class of use counts, how likely a block is to be asked for after so much idle time (Kaplan and Meier 1958), and so how
 * many hits a place gives at best if it keeps the block (Gittins 1979). Names that were evicted are remembered with their
 * counts (*ghosts*), four for each block.
 *
 * A block was asked for at least as often as any block behind it, and not longer ago. The learned worth never falls with the
 * count and never rises with idle time; so no parent goes before its child, and no tree is needed.
 *
 * Time is counted in touches: one a block that is found or registered. A batch of them has one time, however it is cut.
 * Nothing is allocated; all steps but the learning, which comes once in some thousand touches, are O(1) a block. */
#ifndef LOGICAL_SURVIVAL_H
#define LOGICAL_SURVIVAL_H

#include "eviction/ghosts.h"
#include "pool/list.h"

#define SURVIVAL_CLASSES 6
#define SURVIVAL_BUCKETS 32
#define SURVIVAL_TRIALS 8192
#define SURVIVAL_NONE UINT32_MAX
#define SURVIVAL_BLOCKS_MAX (UINT32_C(1) << 28)

typedef struct survival_trial {
    uint64_t key, stamp; /* of the block's name; when it was released */
    uint16_t next;       /* of the same home */
    uint8_t class;
    bool running;
} survival_trial;

typedef double survival_table[SURVIVAL_CLASSES][SURVIVAL_BUCKETS];

typedef struct survival {
    uint64_t now, next_solve; /* touches */
    uint64_t pending;         /* touches of the batch that is under way */
    bool pending_found;       /* they are of blocks that were found, not registered */
    unsigned trial_shift;     /* one release in 2^this begins a trial */
    uint64_t releases, trials_begun;
    list lists[SURVIVAL_CLASSES];
    survival_table asked, at_risk; /* counts of ended trials, older ones for less */
    survival_table worth;          /* hits per block and touch, by class and idle time */
    ghosts ghosts;
    survival_trial trials[SURVIVAL_TRIALS];
    uint16_t trial_homes[2 * SURVIVAL_TRIALS];
} survival;

/* Pieces that are tested by themselves. */
uint64_t kvlogical__survival_mix(uint64_t n);
unsigned kvlogical__survival_bucket(uint64_t idle);
unsigned kvlogical__survival_class(uint32_t uses);

#endif
