/* A naive block manager to compare with: arrays, linear searches, no shared code. Slow and obvious. */
#ifndef TWIN_H
#define TWIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <kvhash/plh.h>

#define TWIN_BLOCKS 64

enum twin_state { TWIN_FREE, TWIN_MUTABLE, TWIN_STAGED, TWIN_PRIMARY, TWIN_DUPLICATE, TWIN_INACTIVE };

typedef struct twin_block {
    enum twin_state state;
    kvhash_plh name;
    int holds;
    int primary;
} twin_block;

typedef struct twin {
    int count;
    bool reject;
    twin_block blocks[TWIN_BLOCKS];
    int free[TWIN_BLOCKS], free_count;   /* first in, first out */
    int order[TWIN_BLOCKS], order_count; /* inactive, oldest first */
} twin;

void twin_init(twin *t, int count, bool reject);
int twin_available(const twin *t);
/* All or nothing; evicted names in victim order. */
bool twin_allocate(twin *t, int count, int *blocks, kvhash_plh *evicted, int *evicted_count);
void twin_stage(twin *t, int block, kvhash_plh name);
int twin_register(twin *t, int block);
/* The block, now held, or −1. */
int twin_match(twin *t, kvhash_plh name);
void twin_clone(twin *t, int block);
void twin_release(twin *t, int block);
void twin_give_back(twin *t, int block);
int twin_in_state(const twin *t, enum twin_state state);

#endif
