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
