/* Names that were evicted, and how often they had been used: the last so many. Private to logical.
 *
 * A table with linear probing, and a ring of where to look for each, oldest first. A name that is taken leaves its place in
 * the ring, which is passed over when it becomes the oldest; when such places fill the ring, all are numbered anew. Names are
 * known by 59 bits of a key. One look costs one cache line, which can be prefetched. */
#ifndef LOGICAL_GHOSTS_H
#define LOGICAL_GHOSTS_H

#include <stdint.h>
#include <string.h>

#include "pool/prefetch.h"

#define GHOSTS_MOST_USES 31 /* more count as so many */
#define GHOSTS_EMPTY UINT32_MAX

typedef struct ghost {
    uint32_t high;     /* of the key: where it is at home */
    uint32_t low;      /* of the key, but for 5 bits that are the uses */
    uint32_t position; /* in the ring; GHOSTS_EMPTY: no ghost */
} ghost;

typedef struct ghosts {
    ghost *table;
    uint32_t *ring; /* high bits of keys, by position */
    uint32_t most, count;
    uint32_t table_size, ring_size;
    uint32_t oldest, used; /* the positions in use: `used` of them from `oldest`, around the end of the ring */
} ghosts;

static inline uint64_t ghosts_round(uint64_t bytes) { return (bytes + 63) / 64 * 64; }

/* Of so many ghosts, at most 2^30. */
static inline uint64_t ghosts_table_size(uint64_t most) { return most + most / 2 + 8; }
static inline uint64_t ghosts_ring_size(uint64_t most) { return most + most / 2 + 8; }

static inline uint64_t ghosts_bytes(uint64_t most) {
    return ghosts_round(ghosts_table_size(most) * sizeof(ghost)) +
           ghosts_round(ghosts_ring_size(most) * sizeof(uint32_t));
}

static inline void ghosts_init(ghosts *g, void *memory, uint32_t most) {
    *g = (ghosts){.table = memory,
                  .most = most,
                  .table_size = (uint32_t)ghosts_table_size(most),
                  .ring_size = (uint32_t)ghosts_ring_size(most)};
    g->ring = (void *)((char *)memory + ghosts_round(g->table_size * sizeof(ghost)));
    for (uint32_t i = 0; i < g->table_size; i++) g->table[i].position = GHOSTS_EMPTY;
}

static inline uint32_t ghosts_home(const ghosts *g, uint32_t high) {
    return (uint32_t)((uint64_t)high * g->table_size >> 32);
}

static inline uint32_t ghosts_next(const ghosts *g, uint32_t at) { return at + 1 == g->table_size ? 0 : at + 1; }

PREFETCHER void ghosts_prefetch(const ghosts *g, uint64_t key) {
    __builtin_prefetch(&g->table[ghosts_home(g, (uint32_t)(key >> 32))], 1);
}

/* The place is freed; what probed past it moves back. */
static inline void ghosts_erase(ghosts *g, uint32_t hole) {
    for (uint32_t at = ghosts_next(g, hole); g->table[at].position != GHOSTS_EMPTY; at = ghosts_next(g, at)) {
        uint32_t home = ghosts_home(g, g->table[at].high);
        uint32_t from_home = at >= home ? at - home : at + g->table_size - home;
        uint32_t from_hole = at >= hole ? at - hole : at + g->table_size - hole;
        if (from_home < from_hole) continue;
        g->table[hole] = g->table[at];
        hole = at;
    }
    g->table[hole].position = GHOSTS_EMPTY;
    g->count--;
}

/* How often the name had been used, and it is a ghost no more; 0: it was none. */
static inline uint32_t ghosts_take(ghosts *g, uint64_t key) {
    uint32_t high = (uint32_t)(key >> 32), low = (uint32_t)key & ~UINT32_C(31), at = ghosts_home(g, high);
    for (; g->table[at].position != GHOSTS_EMPTY; at = ghosts_next(g, at)) {
        if (g->table[at].high != high || (g->table[at].low & ~UINT32_C(31)) != low) continue;
        uint32_t uses = g->table[at].low & 31;
        ghosts_erase(g, at);
        return uses;
    }
    return 0;
}

static inline uint32_t ghosts_place(const ghosts *g, uint32_t offset) {
    uint64_t position = (uint64_t)g->oldest + offset;
    return (uint32_t)(position >= g->ring_size ? position - g->ring_size : position);
}

/* The ghost of a position of the ring, or an empty place of the table: it was taken. */
static inline uint32_t ghosts_of(const ghosts *g, uint32_t position) {
    uint32_t at = ghosts_home(g, g->ring[position]);
    while (g->table[at].position != position && g->table[at].position != GHOSTS_EMPTY) at = ghosts_next(g, at);
    return at;
}

/* The oldest position is freed, with its ghost if it has one. */
static inline void ghosts_advance(ghosts *g) {
    uint32_t at = ghosts_of(g, g->oldest);
    if (g->table[at].position != GHOSTS_EMPTY) ghosts_erase(g, at);
    g->oldest = ghosts_place(g, 1);
    g->used--;
}

/* Move the positions that have a ghost together, in order. */
static inline void ghosts_renumber(ghosts *g) {
    uint32_t kept = 0;
    for (uint32_t i = 0; i < g->used; i++) {
        uint32_t from = ghosts_place(g, i), at = ghosts_of(g, from), to = ghosts_place(g, kept);
        if (g->table[at].position == GHOSTS_EMPTY) continue;
        g->ring[to] = g->ring[from];
        g->table[at].position = to;
        kept++;
    }
    g->used = kept;
}

/* The oldest goes when there are more than `most`. The name is no ghost yet. */
static inline void ghosts_add(ghosts *g, uint64_t key, uint32_t uses) {
    while (g->count == g->most) ghosts_advance(g);
    if (g->used == g->ring_size) ghosts_renumber(g);
    uint32_t high = (uint32_t)(key >> 32), position = ghosts_place(g, g->used), at = ghosts_home(g, high);
    while (g->table[at].position != GHOSTS_EMPTY) at = ghosts_next(g, at);
    if (uses > GHOSTS_MOST_USES) uses = GHOSTS_MOST_USES;
    g->table[at] = (ghost){high, ((uint32_t)key & ~UINT32_C(31)) | uses, position};
    g->ring[position] = high;
    g->used++;
    g->count++;
}

/* Fetch what the next `count` calls of ghosts_add() may push out. */
PREFETCHER void ghosts_prefetch_oldest(const ghosts *g, uint32_t count) {
    if (g->count + count < g->most) return;
    for (uint32_t i = 0; i < count && i < g->used; i++)
        __builtin_prefetch(&g->table[ghosts_home(g, g->ring[ghosts_place(g, i)])], 1);
}

#endif
