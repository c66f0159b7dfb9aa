/* A set of groups, and the tables of one request. Private to logical. */
#ifndef LOGICAL_SET_H
#define LOGICAL_SET_H

#include "groups/rules.h"
#include "pool/manager.h"

/* Groups with equal rules are looked up together and hit together. */
typedef struct spec {
    rule rule;
    uint32_t members; /* bit g: group g */
} spec;

struct kvlogical_groups {
    manager *manager;
    uint32_t count, spec_count;
    uint32_t named_count; /* groups that have names */
    uint32_t name_tokens; /* h */
    uint32_t align;       /* A */
    rule rules[KVLOGICAL_GROUPS_MOST];
    spec specs[KVLOGICAL_GROUPS_MOST]; /* FULL first, then by first group; none is PRIVATE */
    bool eagle, name_later, window_last;

    uint32_t step;   /* of states; under the manager's lock, as what follows */
    uint32_t tables; /* that exist */
    kvcore_allocator allocator;
};

typedef struct kvlogical_groups set;

/* The blocks of one group. Before the first allocation what a look-up found stands in `blocks`, behind `count`. */
typedef struct table {
    uint32_t *blocks; /* KVLOGICAL_NO_BLOCK: null */
    size_t count, capacity;
    size_t found;      /* how many the look-up found */
    size_t named;      /* how many were named, or passed over for good */
    size_t past;       /* STATE: what no later call has to look at */
    size_t last_state; /* STATE: position + 1 of the state that the newest was made from; 0: none */
} table;

typedef struct keys {
    kvlogical_key *list;
    size_t count, capacity;
} keys;

struct kvlogical_tables {
    set *set;
    size_t computed;
    bool looked_up; /* and not allocated since */
    size_t hit, boundary;
    table of[KVLOGICAL_GROUPS_MOST];
    uint64_t *bits; /* of the specs, bit_words each */
    size_t bit_words;
    keys evicted, stored;
};

typedef struct kvlogical_tables tables;

/* No name goes further, so no table has to. */
static inline uint64_t tokens_most(const set *s) { return (uint64_t)(KVHASH_PLH_MAX_POSITION + 1) * s->name_tokens; }

/* Names of a group's block: how many hash blocks it covers. */
static inline uint32_t names_a_block(const set *s, uint32_t group) { return s->rules[group].b / s->name_tokens; }

/* Where in the request's names block i of a group has its own. */
static inline size_t name_at(const set *s, uint32_t group, size_t i) { return (i + 1) * names_a_block(s, group) - 1; }

/* Room for so many entries. Nothing changes when there is none. */
kvcore_status kvlogical__keys_reserve(const set *s, keys *k, size_t capacity);
kvcore_status kvlogical__table_reserve(const set *s, table *t, size_t capacity);

static inline void keys_add(keys *k, kvhash_plh name, uint32_t block, uint32_t group) {
    k->list[k->count++] = (kvlogical_key){name, block, group};
}

/* Let go of the blocks first … end − 1, from the last one down, as one release. Stops at a null, unless over_nulls. */
void kvlogical__let_go(set *s, table *t, size_t first, size_t end, bool over_nulls);

/* Room for a look-up of so many names; then the look-up itself, under the lock. */
kvcore_status kvlogical__find_reserve(tables *t, size_t name_count, size_t tokens);
void kvlogical__find(tables *t, const kvhash_plh *names, size_t name_count, size_t tokens, kvlogical_found *found);

#endif
