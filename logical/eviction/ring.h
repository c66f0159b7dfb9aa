/* A queue of slots by age that finds the oldest of those marked without meeting the others. Lineage by tick keeps the real nodes
 * and marks the leaves; SIEVE and S3-FIFO keep all found slots and mark the inactive ones. Private to logical. */
#ifndef LOGICAL_RING_H
#define LOGICAL_RING_H

#include <stdbool.h>
#include <string.h>

#include "eviction/bitmap.h"
#include "pool/prefetch.h"
#include "pool/slot.h"

/* The order by tick. A real node has a place in a ring, in the order in which nodes became real, and keeps it while it is no
 * leaf. The next victim is the first leaf from the oldest place on. When old nodes that do not go spread the ring, they are
 * moved together, some places with each insertion. */
typedef struct ring {
    uint32_t *slots;
    bitmap real, leaves; /* over places */
    uint64_t places;
    uint64_t oldest, span; /* the first place in use, and how many from there to the last one given */

    uint64_t read, write,
        unread; /* moving together: from `read` back, to `write`; unread: places to go, 0: not moving */
} ring;

/* Nodes start to be moved together when they spread over this many places; they number `slots` at most. */
static inline uint64_t ring_spread(uint64_t slots) { return 2 * (slots < 64 ? 64 : slots); }
static inline uint64_t ring_places(uint64_t slots) { return ring_spread(slots) / 2 * 3; }
/* How many nodes move with each insertion: all of them before the ring is full. */
#define RING_MOVES 4
/* How far ahead of an eviction slots are fetched. */
#define RING_AHEAD 8

/* Memory of its own, 8-byte aligned. */
static inline uint64_t ring_bytes(uint64_t slots) {
    uint64_t places = ring_places(slots);
    return 2 * bitmap_words(places) * sizeof(uint64_t) + places * sizeof(uint32_t);
}

/* An empty ring over that memory. */
static inline void ring_init(ring *r, void *memory, uint64_t slots) {
    uint64_t *words = memory;
    *r = (ring){.places = ring_places(slots)};
    uint64_t count = bitmap_words(r->places);
    memset(memory, 0, (size_t)ring_bytes(slots));
    bitmap_init(&r->real, words, r->places);
    bitmap_init(&r->leaves, words + count, r->places);
    r->slots = (uint32_t *)(void *)(words + 2 * count);
}

static inline uint64_t ring_forward(const ring *r, uint64_t place, uint64_t by) {
    place += by;
    return place >= r->places ? place - r->places : place;
}

static inline uint64_t ring_back(const ring *r, uint64_t place, uint64_t by) {
    return place >= by ? place - by : place + r->places - by;
}

/* The distance from place a forward to place b. */
static inline uint64_t ring_distance(const ring *r, uint64_t a, uint64_t b) {
    return b >= a ? b - a : b + r->places - a;
}

/* The first member at or after a place, around the end. */
static inline uint64_t ring_next(const ring *r, const bitmap *b, uint64_t place) {
    uint64_t found = bitmap_next(b, r->places, place);
    return found != BITMAP_NONE ? found : bitmap_next(b, r->places, 0);
}

static inline uint64_t ring_previous(const ring *r, const bitmap *b, uint64_t place) {
    uint64_t found = bitmap_previous(b, place);
    return found != BITMAP_NONE ? found : bitmap_previous(b, r->places - 1);
}

static inline void ring_remove(ring *r, slot *slots, uint32_t index) {
    uint64_t place = slots[index].previous;
    bitmap_clear(&r->real, place);
    bitmap_clear(&r->leaves, place);
}

/* Prefetch the slots `by` places away on both sides. Blocks released together are evicted together, so neighbours in the ring
 * are the next victims; a chain may be evicted from either end. A place that is not in use has an old slot, or slot 0. */
PREFETCHER void ring_prefetch(const ring *r, const slot *slots, uint64_t place, uint64_t by) {
    __builtin_prefetch(&slots[r->slots[ring_back(r, place, by)]], 1);
    __builtin_prefetch(&slots[r->slots[ring_forward(r, place, by)]], 1);
}

static inline void ring_move(ring *r, slot *slots, uint64_t from, uint64_t to) {
    uint32_t index = r->slots[from];
    r->slots[to] = index;
    slots[index].previous = (uint32_t)to;
    bitmap_clear(&r->real, from);
    bitmap_set(&r->real, to);
    if (bitmap_has(&r->leaves, from)) {
        bitmap_clear(&r->leaves, from);
        bitmap_set(&r->leaves, to);
    }
}

/* Some steps of moving old nodes together: each real node, youngest first, goes to the youngest place not yet taken. */
static inline void ring_tidy(ring *r, slot *slots) {
    for (int i = 0; i < RING_MOVES && r->unread > 0; i++) {
        uint64_t from = ring_previous(r, &r->real, r->read);
        uint64_t skipped = from == BITMAP_NONE ? r->unread : ring_distance(r, from, r->read);
        if (skipped >= r->unread) { /* all done: the oldest node stands right behind `write` */
            r->unread = 0;
            r->span -= ring_distance(r, r->oldest, ring_forward(r, r->write, 1));
            r->oldest = ring_forward(r, r->write, 1);
            return;
        }
        if (from != r->write) ring_move(r, slots, from, r->write);
        r->write = ring_back(r, r->write, 1);
        r->read = ring_back(r, from, 1);
        r->unread -= skipped + 1;
    }
}

static inline void ring_insert(ring *r, slot *slots, uint32_t index) {
    if (r->unread > 0) {
        ring_tidy(r, slots);
    } else if (r->span >= r->places / 3 * 2) {
        uint64_t oldest = ring_next(r, &r->real, r->oldest); /* some in front may be gone */
        uint64_t gone = oldest == BITMAP_NONE ? r->span : ring_distance(r, r->oldest, oldest);
        if (gone > r->span) gone = r->span;
        r->oldest = ring_forward(r, r->oldest, gone);
        r->span -= gone;
        if (r->span >= r->places / 3 * 2) {
            r->unread = r->span;
            r->read = r->write = ring_forward(r, r->oldest, r->span - 1);
        }
    }
    uint64_t place = ring_forward(r, r->oldest, r->span++);
    r->slots[place] = index;
    slots[index].previous = (uint32_t)place;
    bitmap_set(&r->real, place);
}

/* Where its place is, marked or not as said: for a validation. */
static inline bool ring_holds(const ring *r, const slot *slots, uint32_t index, bool marked) {
    uint64_t place = slots[index].previous;
    return place < r->places && r->slots[place] == index && bitmap_has(&r->real, place) &&
           bitmap_has(&r->leaves, place) == marked && ring_distance(r, r->oldest, place) < r->span;
}

/* How many slots it has. O(places). */
static inline uint32_t ring_count(const ring *r) {
    uint32_t count = 0;
    for (uint64_t place = 0; place < r->places; place++) count += bitmap_has(&r->real, place) != 0;
    return count;
}

/* The slot that came next after this one, the oldest after the youngest; NO_SLOT when it is alone. */
static inline uint32_t ring_after(const ring *r, const slot *slots, uint32_t index) {
    uint64_t place = slots[index].previous, next = ring_next(r, &r->real, ring_forward(r, place, 1));
    return next == place ? NO_SLOT : r->slots[next];
}

/* The oldest marked slot, or NO_SLOT. */
static inline uint32_t ring_first(const ring *r) {
    uint64_t place = ring_next(r, &r->leaves, r->oldest);
    return place == BITMAP_NONE ? NO_SLOT : r->slots[place];
}

static inline void ring_mark(ring *r, const slot *slots, uint32_t index) {
    bitmap_set(&r->leaves, slots[index].previous);
}

static inline void ring_unmark(ring *r, const slot *slots, uint32_t index) {
    bitmap_clear(&r->leaves, slots[index].previous);
}

#endif
