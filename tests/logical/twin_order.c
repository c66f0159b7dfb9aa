/* The eviction orders of the twin, written down as the specification tells them. */
#include <stdlib.h>
#include <string.h>

#include "twin.h"

/* ---- LRU, multi-LRU ---- */

static void list_insert(twin_order *o, int block, kvhash_plh name) {
    int level = 0;
    if (o->policy == TWIN_MULTI_LRU)
        while (level < 3 && (int)o->uses(name) >= o->thresholds[level]) level++;
    o->level[block] = level;
    o->list[o->count++] = block;
}

static void list_take(twin_order *o, int block) {
    int at = 0;
    while (o->list[at] != block) at++;
    memmove(o->list + at, o->list + at + 1, (size_t)(o->count - at - 1) * sizeof *o->list);
    o->count--;
}

static int list_evict(twin_order *o) {
    int victim = o->list[0];
    for (int i = 1; i < o->count; i++)
        if (o->level[o->list[i]] < o->level[victim]) victim = o->list[i];
    list_take(o, victim);
    return victim;
}

/* ---- lineage ---- */

static uint64_t low_bits(uint64_t value, uint64_t position) {
    int width = position < 256 ? 54 : position < 65536 ? 46 : 38;
    return value & ((UINT64_C(1) << width) - 1);
}

static int node_of(const twin_order *o, uint64_t position, uint64_t fragment) {
    for (int i = 0; i < TWIN_NODES; i++)
        if (o->nodes[i].used && o->nodes[i].position == position && o->nodes[i].fragment == fragment) return i;
    return -1;
}

static int own_node(const twin_order *o, kvhash_plh name) {
    uint64_t position = kvhash_plh_position(name);
    return node_of(o, position, low_bits(kvhash_plh_sequence_hash(name), position + 1));
}

static int new_node(twin_order *o, uint64_t position, uint64_t fragment) {
    for (int i = 0; i < TWIN_NODES; i++)
        if (!o->nodes[i].used) {
            o->nodes[i] = (twin_node){true, position, fragment, -1, -1, 0, 0, 0};
            return i;
        }
    abort();
}

static void lineage_insert(twin_order *o, int block, kvhash_plh name) {
    uint64_t position = kvhash_plh_position(name);
    int at = own_node(o, name);
    if (at < 0) at = new_node(o, position, low_bits(kvhash_plh_sequence_hash(name), position + 1));
    twin_node *node = &o->nodes[at];
    node->block = block;
    node->tick = o->ticks++;
    if (position > 0 && node->parent < 0) {
        uint64_t fragment = kvhash_plh_parent_fragment(name);
        node->parent = node_of(o, position - 1, fragment);
        if (node->parent < 0) node->parent = new_node(o, position - 1, fragment);
        o->nodes[node->parent].children++;
    }
    if (node->children == 0) node->leaf = o->ticks++;
}

static void lineage_take(twin_order *o, int at) {
    o->nodes[at].block = -1;
    while (at >= 0 && o->nodes[at].block < 0 && o->nodes[at].children == 0) {
        int parent = o->nodes[at].parent;
        o->nodes[at].used = false;
        if (parent >= 0 && --o->nodes[parent].children == 0 && o->nodes[parent].block >= 0)
            o->nodes[parent].leaf = o->ticks++;
        at = parent;
    }
}

static int lineage_evict(twin_order *o) {
    int victim = -1;
    for (int i = 0; i < TWIN_NODES; i++) {
        const twin_node *node = &o->nodes[i];
        if (!node->used || node->block < 0 || node->children > 0) continue;
        const twin_node *best = victim < 0 ? NULL : &o->nodes[victim];
        bool sooner =
            best == NULL || (o->policy == TWIN_LINEAGE_TICK ? node->tick < best->tick : node->leaf < best->leaf);
        if (sooner) victim = i;
    }
    int block = o->nodes[victim].block;
    lineage_take(o, victim);
    return block;
}

/* ---- any ---- */

void twin_order_register(twin_order *o, int block, kvhash_plh name) {
    o->inactive[block] = false;
    if (o->policy == TWIN_SIEVE) twin_sieve_register(o, block);
    if (o->policy == TWIN_S3_FIFO) twin_s3_register(o, block, name);
}

void twin_order_hit(twin_order *o, int block) { o->visits[block]++; }

void twin_order_forget(twin_order *o, int block) {
    if (o->policy == TWIN_SIEVE) twin_sieve_forget(o, block);
    if (o->policy == TWIN_S3_FIFO) twin_s3_forget(o, block);
}

void twin_order_insert(twin_order *o, int block, kvhash_plh name) {
    o->inactive[block] = true;
    switch (o->policy) {
    case TWIN_LRU:
    case TWIN_MULTI_LRU: list_insert(o, block, name); break;
    case TWIN_LINEAGE_TICK:
    case TWIN_LINEAGE_FIFO: lineage_insert(o, block, name); break;
    case TWIN_SIEVE:
    case TWIN_S3_FIFO: break;
    }
}

void twin_order_remove(twin_order *o, int block, kvhash_plh name) {
    o->inactive[block] = false;
    switch (o->policy) {
    case TWIN_LRU:
    case TWIN_MULTI_LRU: list_take(o, block); break;
    case TWIN_LINEAGE_TICK:
    case TWIN_LINEAGE_FIFO: lineage_take(o, own_node(o, name)); break;
    case TWIN_SIEVE:
    case TWIN_S3_FIFO: break;
    }
}

int twin_order_evict(twin_order *o) {
    switch (o->policy) {
    case TWIN_LRU:
    case TWIN_MULTI_LRU: return list_evict(o);
    case TWIN_LINEAGE_TICK:
    case TWIN_LINEAGE_FIFO: return lineage_evict(o);
    case TWIN_SIEVE: return twin_sieve_evict(o);
    case TWIN_S3_FIFO: return twin_s3_evict(o);
    }
    abort();
}
