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
    bool reset; /* free, not inactive, after the last release */
} twin_block;

enum twin_policy { TWIN_LRU, TWIN_MULTI_LRU, TWIN_LINEAGE_TICK, TWIN_LINEAGE_FIFO, TWIN_SIEVE, TWIN_S3_FIFO };

/* Lineage: a node of the forest. */
typedef struct twin_node {
    bool used;
    uint64_t position, fragment;
    int block;  /* −1: a ghost */
    int parent; /* −1: not linked */
    int children;
    uint64_t tick; /* when it became real */
    uint64_t leaf; /* when it became a leaf */
} twin_node;

#define TWIN_NODES 256

/* The inactive blocks in their order. */
typedef struct twin_order {
    enum twin_policy policy;
    int blocks; /* of the manager */
    int thresholds[3];
    unsigned (*uses)(kvhash_plh name);                /* multi-LRU */
    int list[TWIN_BLOCKS], level[TWIN_BLOCKS], count; /* LRU, multi-LRU: oldest first */
    twin_node nodes[TWIN_NODES];
    uint64_t ticks;
    bool inactive[TWIN_BLOCKS]; /* SIEVE, S3-FIFO: the lists hold the held ones, too */
    int visits[TWIN_BLOCKS], hand;
    int main[TWIN_BLOCKS], main_count; /* S3-FIFO; its small queue is the list */
    kvhash_plh names[TWIN_BLOCKS], ghosts[TWIN_BLOCKS];
    int ghost_count;
} twin_order;

/* A block is the first of its name; it was looked up; its name leaves though it was not evicted. */
void twin_order_register(twin_order *order, int block, kvhash_plh name);
void twin_order_hit(twin_order *order, int block);
void twin_order_forget(twin_order *order, int block);
/* It is inactive; it is so no more. */
void twin_order_insert(twin_order *order, int block, kvhash_plh name);
void twin_order_remove(twin_order *order, int block, kvhash_plh name);
int twin_order_evict(twin_order *order);

void twin_sieve_register(twin_order *order, int block);
void twin_sieve_forget(twin_order *order, int block);
int twin_sieve_evict(twin_order *order);
void twin_s3_register(twin_order *order, int block, kvhash_plh name);
void twin_s3_forget(twin_order *order, int block);
int twin_s3_evict(twin_order *order);

typedef struct twin {
    int count;
    bool reject;
    twin_block blocks[TWIN_BLOCKS];
    int free[TWIN_BLOCKS], free_count; /* first in, first out */
    twin_order order;
} twin;

void twin_init(twin *t, int count, bool reject, enum twin_policy policy);
int twin_available(const twin *t);
/* All or nothing; evicted names in victim order. */
bool twin_allocate(twin *t, int count, int *blocks, kvhash_plh *evicted, int *evicted_count);
void twin_stage(twin *t, int block, kvhash_plh name);
int twin_register(twin *t, int block);
/* A look-up: the block, now held, or −1. */
int twin_match(twin *t, kvhash_plh name);
void twin_clone(twin *t, int block);
void twin_release(twin *t, int block);
void twin_give_back(twin *t, int block);
void twin_reset_inactive(twin *t);
int twin_in_state(const twin *t, enum twin_state state);

#endif
