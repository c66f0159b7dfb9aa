/* The orders that blocks stay in while they are held, written down as their papers tell them. */
#include <string.h>

#include "twin.h"

static void take_at(int *queue, int *count, int at) {
    memmove(queue + at, queue + at + 1, (size_t)(*count - at - 1) * sizeof *queue);
    (*count)--;
}

static int place_of(const int *queue, int count, int block) {
    for (int i = 0; i < count; i++)
        if (queue[i] == block) return i;
    return -1;
}

/* ---- SIEVE ---- */

void twin_sieve_register(twin_order *o, int block) {
    o->list[o->count++] = block;
    o->visits[block] = 0;
}

static void sieve_take(twin_order *o, int at) {
    bool under_hand = at == o->hand;
    take_at(o->list, &o->count, at);
    if (at < o->hand) o->hand--;
    if (under_hand && o->hand == o->count) o->hand = 0; /* past the youngest: again from the oldest */
}

void twin_sieve_forget(twin_order *o, int block) { sieve_take(o, place_of(o->list, o->count, block)); }

int twin_sieve_evict(twin_order *o) {
    for (;;) {
        int block = o->list[o->hand];
        if (o->inactive[block] && o->visits[block] == 0) {
            sieve_take(o, o->hand);
            return block;
        }
        if (o->inactive[block]) o->visits[block] = 0;
        o->hand = (o->hand + 1) % o->count;
    }
}

/* ---- S3-FIFO ---- */

static bool is_ghost(twin_order *o, kvhash_plh name) {
    for (int i = 0; i < o->ghost_count; i++)
        if (o->ghosts[i].high == name.high && o->ghosts[i].low == name.low) {
            memset(&o->ghosts[i], 0xFF, sizeof o->ghosts[i]); /* used up, and still counted */
            return true;
        }
    return false;
}

static int tenth(const twin_order *o) { return o->blocks < 10 ? 1 : o->blocks / 10; }

static void add_ghost(twin_order *o, kvhash_plh name) {
    if (o->ghost_count == o->blocks - tenth(o))
        memmove(o->ghosts, o->ghosts + 1, (size_t)--o->ghost_count * sizeof *o->ghosts);
    o->ghosts[o->ghost_count++] = name;
}

void twin_s3_register(twin_order *o, int block, kvhash_plh name) {
    o->names[block] = name;
    o->visits[block] = 0;
    if (is_ghost(o, name))
        o->main[o->main_count++] = block;
    else
        o->list[o->count++] = block;
}

void twin_s3_forget(twin_order *o, int block) {
    int at = place_of(o->list, o->count, block);
    if (at >= 0)
        take_at(o->list, &o->count, at);
    else
        take_at(o->main, &o->main_count, place_of(o->main, o->main_count, block));
}

static int evict_small(twin_order *o) {
    for (int at = 0; at < o->count;) {
        int block = o->list[at];
        if (!o->inactive[block]) {
            at++;
            continue;
        }
        take_at(o->list, &o->count, at);
        if (o->visits[block] <= 1) {
            add_ghost(o, o->names[block]);
            return block;
        }
        o->visits[block] = 0;
        o->main[o->main_count++] = block;
    }
    return -1;
}

static int evict_main(twin_order *o) {
    for (int at = 0; at < o->main_count;) {
        int block = o->main[at];
        if (!o->inactive[block]) {
            at++;
            continue;
        }
        take_at(o->main, &o->main_count, at);
        int visits = o->visits[block] > 3 ? 3 : o->visits[block];
        if (visits == 0) return block;
        o->visits[block] = visits - 1;
        o->main[o->main_count++] = block;
    }
    return -1;
}

int twin_s3_evict(twin_order *o) {
    int victim = -1;
    if (o->count >= tenth(o)) victim = evict_small(o);
    if (victim < 0) victim = evict_main(o);
    if (victim < 0) victim = evict_small(o);
    return victim >= 0 ? victim : evict_main(o);
}
