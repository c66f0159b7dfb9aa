#include "twin.h"

#include <string.h>

static void take_first(int *list, int *count) {
    (*count)--;
    memmove(list, list + 1, (size_t)*count * sizeof *list);
}

void twin_init(twin *t, int count, bool reject, enum twin_policy policy) {
    memset(t, 0, sizeof *t);
    t->count = count;
    t->reject = reject;
    t->order.policy = policy;
    t->order.blocks = count;
    for (int i = 0; i < count; i++) t->free[t->free_count++] = i;
}

int twin_in_state(const twin *t, enum twin_state state) {
    int count = 0;
    for (int i = 0; i < t->count; i++) count += t->blocks[i].state == state;
    return count;
}

int twin_available(const twin *t) { return twin_in_state(t, TWIN_FREE) + twin_in_state(t, TWIN_INACTIVE); }

bool twin_allocate(twin *t, int count, int *blocks, kvhash_plh *evicted, int *evicted_count) {
    *evicted_count = 0;
    if (count > twin_available(t)) return false;
    for (int i = 0; i < count; i++) {
        if (t->free_count > 0) {
            blocks[i] = t->free[0];
            take_first(t->free, &t->free_count);
        } else {
            blocks[i] = twin_order_evict(&t->order);
            evicted[(*evicted_count)++] = t->blocks[blocks[i]].name;
        }
        t->blocks[blocks[i]].state = TWIN_MUTABLE;
        t->blocks[blocks[i]].reset = false;
    }
    return true;
}

void twin_stage(twin *t, int block, kvhash_plh name) {
    t->blocks[block].state = TWIN_STAGED;
    t->blocks[block].name = name;
}

static int find(const twin *t, kvhash_plh name) {
    for (int i = 0; i < t->count; i++)
        if ((t->blocks[i].state == TWIN_PRIMARY || t->blocks[i].state == TWIN_INACTIVE) &&
            t->blocks[i].name.high == name.high && t->blocks[i].name.low == name.low)
            return i;
    return -1;
}

static int hold(twin *t, kvhash_plh name) {
    int block = find(t, name);
    if (block < 0) return -1;
    if (t->blocks[block].state == TWIN_INACTIVE) twin_order_remove(&t->order, block, name);
    t->blocks[block].state = TWIN_PRIMARY;
    t->blocks[block].holds++;
    return block;
}

int twin_match(twin *t, kvhash_plh name) {
    int block = hold(t, name);
    if (block >= 0) twin_order_hit(&t->order, block);
    return block;
}

int twin_register(twin *t, int block) {
    int primary = hold(t, t->blocks[block].name);
    if (primary >= 0 && t->reject) {
        twin_give_back(t, block);
        return primary;
    }
    if (primary < 0) twin_order_register(&t->order, block, t->blocks[block].name);
    t->blocks[block].state = primary >= 0 ? TWIN_DUPLICATE : TWIN_PRIMARY;
    t->blocks[block].primary = primary;
    t->blocks[block].holds = 1;
    return block;
}

void twin_clone(twin *t, int block) { t->blocks[block].holds++; }

void twin_give_back(twin *t, int block) {
    t->blocks[block].state = TWIN_FREE;
    t->free[t->free_count++] = block;
}

void twin_release(twin *t, int block) {
    if (--t->blocks[block].holds > 0) return;
    if (t->blocks[block].state == TWIN_DUPLICATE) {
        twin_give_back(t, block);
        twin_release(t, t->blocks[block].primary);
    } else if (t->blocks[block].reset) {
        twin_order_forget(&t->order, block);
        twin_give_back(t, block);
    } else {
        t->blocks[block].state = TWIN_INACTIVE;
        twin_order_insert(&t->order, block, t->blocks[block].name);
    }
}

void twin_reset_inactive(twin *t) {
    while (twin_in_state(t, TWIN_INACTIVE) > 0) {
        int block = twin_order_evict(&t->order);
        t->blocks[block].reset = false;
        twin_give_back(t, block);
    }
}
