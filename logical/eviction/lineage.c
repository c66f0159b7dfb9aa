#include "eviction/lineage.h"

#include "eviction/eviction.h"
#include "eviction/ring.h"
#include "pool/list_check.h"
#include "pool/prefetch.h"

/* ---- memory ---- */

/* Slots number less than 2^31, so the rows fit beside the bit that marks them, all but the very last few. */
static uint64_t ghost_limit(uint64_t slots) { return 2 * slots < LINEAGE_GHOST - 2 ? 2 * slots : LINEAGE_GHOST - 2; }

/* Fuller than other tables: it is cleared, and so takes real memory, though it is mostly empty. */
static uint64_t ghost_table_capacity(uint64_t ghosts) { return ghosts + ghosts / 3 + 2; }

/* A multiple of a line, so that what follows begins at one. */
static uint64_t head_bytes(void) { return (sizeof(lineage) + 63) / 64 * 64; }

static uint64_t lineage_bytes(uint64_t slots, bool by_tick) {
    uint64_t ghosts = ghost_limit(slots) + 1;
    uint64_t bytes = head_bytes() + ghosts * sizeof(ghost) + ghost_table_capacity(ghosts) * sizeof(name_entry);
    if (!by_tick) return bytes;
    return bytes + (ring_bytes(slots) + 7) / 8 * 8;
}

static uint64_t tick_bytes(uint64_t slots) { return lineage_bytes(slots, true); }
static uint64_t fifo_bytes(uint64_t slots) { return lineage_bytes(slots, false); }

static lineage *forest(const order *o) { return o->memory; }

/* Rows of ghosts are left untouched until they are used, and so take no real memory. */
static void lineage_init(order *o, bool by_tick) {
    lineage *l = forest(o);
    char *at = (char *)o->memory + head_bytes();
    *l = (lineage){.ghost_limit = (uint32_t)ghost_limit(o->slot_count),
                   .unused_ghost = NO_ROW,
                   .oldest_ghost = NO_ROW,
                   .youngest_ghost = NO_ROW};
    list_init(&l->leaves);
    if (by_tick) {
        ring_init(&l->ring, at, o->slot_count);
        at += (ring_bytes(o->slot_count) + 7) / 8 * 8;
    }
    l->ghosts = (ghost *)(void *)at;
    l->ghost_names.entries = (name_entry *)(void *)(l->ghosts + l->ghost_limit + 1);
    l->ghost_names.key = o->names->key;
    l->ghost_names.capacity = ghost_table_capacity((uint64_t)l->ghost_limit + 1);
    name_table_clear(&l->ghost_names);
}

static void tick_init(order *o, const kvlogical_config *config) {
    (void)config;
    lineage_init(o, true);
}

static void fifo_init(order *o, const kvlogical_config *config) {
    (void)config;
    lineage_init(o, false);
}

/* ---- keys and nodes ---- */

/* A key, in the form of a ghost's. */
static kvhash_plh own_key(kvhash_plh name) {
    uint64_t position = kvhash_plh_position(name);
    return (kvhash_plh){position, kvhash_plh_fragment_for_child(name, position + 1)};
}

static kvhash_plh parent_key(kvhash_plh name) {
    return (kvhash_plh){kvhash_plh_position(name) - UINT64_C(1), kvhash_plh_parent_fragment(name)};
}

static kvhash_plh ghost_parent_key(const ghost *g) { return (kvhash_plh){g->key.high - 1, g->parent_fragment}; }

/* The fields of a node, wherever it is. */
static uint32_t *children_of(order *o, uint32_t node) {
    return node & LINEAGE_GHOST ? &forest(o)->ghosts[node & ~LINEAGE_GHOST].children : &o->slots[node].lineage.children;
}

static bool is_real(const order *o, uint32_t node) {
    return !(node & LINEAGE_GHOST) && o->slots[node].lineage.serial != 0 && o->slots[node].level == LINEAGE_REAL;
}

static uint32_t new_serial(lineage *l) {
    if (++l->last_serial == 0) l->last_serial = 1;
    return l->last_serial;
}

static uint32_t find_ghost(const lineage *l, kvhash_plh key) {
    if (l->ghost_count == 0) return NO_ROW;
    return name_find(&l->ghost_names, l->ghosts, sizeof(ghost), key);
}

/* The node of a key, of this serial if it is not 0; or LINEAGE_NOWHERE, and then *host is a held slot with that key that has
 * no node yet, if there is one. */
static uint32_t find_node(const order *o, kvhash_plh key, uint32_t serial, uint32_t *host) {
    *host = NO_SLOT;
    uint32_t tag = name_mix(o->names->key, key.high, key.low);
    for (uint64_t at = name_home(o->names, tag);; at = name_after(o->names, at)) {
        name_entry entry = o->names->entries[at];
        if (entry.row == NO_ROW) break;
        if (entry.tag != tag) continue;
        const slot *s = &o->slots[entry.row];
        if (!kvhash_plh_equal(own_key(s->name), key)) continue;
        if (s->lineage.serial == 0) {
            if (*host == NO_SLOT) *host = entry.row;
        } else if (serial == 0 || s->lineage.serial == serial) {
            return entry.row;
        }
    }
    uint32_t row = find_ghost(forest(o), key);
    if (row == NO_ROW || (serial != 0 && forest(o)->ghosts[row].serial != serial)) return LINEAGE_NOWHERE;
    return row | LINEAGE_GHOST;
}

/* The parent that a node counts for: where it was seen last, or else by its key; NOWHERE when it has been dropped. */
static uint32_t resolve(const order *o, kvhash_plh key, uint32_t serial, uint32_t hint) {
    if (serial == 0) return LINEAGE_NOWHERE;
    if (hint & LINEAGE_GHOST) {
        const ghost *g = &forest(o)->ghosts[hint & ~LINEAGE_GHOST];
        if (g->serial == serial && kvhash_plh_equal(g->key, key)) return hint;
    } else if (o->slots[hint].lineage.serial == serial) {
        return hint;
    }
    uint32_t host;
    return find_node(o, key, serial, &host);
}

/* ---- the order of leaves ---- */

static bool by_tick(const order *o) { return forest(o)->ring.places > 0; }

static inline void enter_order(order *o, uint32_t index) {
    if (by_tick(o))
        bitmap_set(&forest(o)->ring.leaves, o->slots[index].previous);
    else
        list_push(&forest(o)->leaves, o->slots, index);
}

static inline void leave_order(order *o, uint32_t index) {
    if (by_tick(o))
        bitmap_clear(&forest(o)->ring.leaves, o->slots[index].previous);
    else
        list_remove(&forest(o)->leaves, o->slots, index);
}

/* ---- ghosts ---- */

static uint32_t ghost_tag(const lineage *l, kvhash_plh key) { return name_mix(l->ghost_names.key, key.high, key.low); }

static void delete_ghost(lineage *l, uint32_t row) {
    ghost *g = &l->ghosts[row];
    name_erase(&l->ghost_names, ghost_tag(l, g->key), row);
    if (g->older == NO_ROW)
        l->oldest_ghost = g->younger;
    else
        l->ghosts[g->older].younger = g->younger;
    if (g->younger == NO_ROW)
        l->youngest_ghost = g->older;
    else
        l->ghosts[g->younger].older = g->older;
    g->serial = 0;
    g->older = l->unused_ghost;
    l->unused_ghost = row;
    l->ghost_count--;
}

/* One child less for a parent; a ghost without children goes, and its own parent has one less, and so on up. */
static void orphan(order *o, uint32_t parent) {
    while (parent != LINEAGE_NOWHERE) {
        if (--*children_of(o, parent) > 0) return;
        if (is_real(o, parent)) {
            enter_order(o, parent);
            return;
        }
        uint32_t node = parent;
        if (node & LINEAGE_GHOST) {
            ghost g = forest(o)->ghosts[node & ~LINEAGE_GHOST];
            delete_ghost(forest(o), node & ~LINEAGE_GHOST);
            parent = resolve(o, ghost_parent_key(&g), g.parent_serial, g.parent);
        } else {
            slot *s = &o->slots[node];
            parent = resolve(o, parent_key(s->name), s->lineage.parent_serial, s->lineage.parent);
            s->lineage.serial = s->lineage.parent_serial = 0;
        }
    }
}

static void drop_ghost(order *o, uint32_t row) {
    ghost g = forest(o)->ghosts[row];
    delete_ghost(forest(o), row);
    forest(o)->ghosts_dropped++;
    orphan(o, resolve(o, ghost_parent_key(&g), g.parent_serial, g.parent));
}

static void trim_ghosts(order *o) {
    lineage *l = forest(o);
    while (l->ghost_count > l->ghost_limit) drop_ghost(o, l->oldest_ghost);
}

/* A row for a node without a slot. No ghost has this key yet. The caller trims when it is done. */
static uint32_t make_ghost(lineage *l, ghost made) {
    uint32_t row = l->unused_ghost;
    if (row == NO_ROW)
        row = l->ghost_rows++;
    else
        l->unused_ghost = l->ghosts[row].older;
    made.older = l->youngest_ghost;
    made.younger = NO_ROW;
    if (l->youngest_ghost == NO_ROW)
        l->oldest_ghost = row;
    else
        l->ghosts[l->youngest_ghost].younger = row;
    l->youngest_ghost = row;
    l->ghosts[row] = made;
    name_insert(&l->ghost_names, ghost_tag(l, made.key), row);
    l->ghost_count++;
    return row;
}

/* ---- the operations ---- */

/* A held slot starts to host the ghost of its name. */
static uint32_t host_ghost(order *o, uint32_t index) {
    slot *s = &o->slots[index];
    s->lineage.serial = new_serial(forest(o));
    s->lineage.parent_serial = s->lineage.children = 0;
    s->level = 0;
    return index;
}

/* Blocks of a chain come and go together, so the parent is most often the block before or after. */
static uint32_t near_node(order *o, kvhash_plh key, uint32_t near) {
    if (near == NO_SLOT || !kvhash_plh_equal(own_key(o->slots[near].name), key)) return LINEAGE_NOWHERE;
    if (o->slots[near].lineage.serial != 0) return near;
    return forest(o)->ghost_count == 0 ? host_ghost(o, near) : LINEAGE_NOWHERE;
}

/* Where a slot's child count goes up: its parent's node, made if there is none. */
static uint32_t parent_node(order *o, kvhash_plh key, uint32_t before, uint32_t after) {
    lineage *l = forest(o);
    uint32_t host, node = near_node(o, key, before);
    if (node == LINEAGE_NOWHERE) node = near_node(o, key, after);
    if (node == LINEAGE_NOWHERE) node = find_node(o, key, 0, &host);
    if (node != LINEAGE_NOWHERE) return node;
    if (host != NO_SLOT) return host_ghost(o, host);
    return make_ghost(l, (ghost){.key = key, .serial = new_serial(l)}) | LINEAGE_GHOST;
}

/* `before` and `after`: its neighbours in the batch, or NO_SLOT. */
static void link_parent(order *o, uint32_t index, uint32_t before, uint32_t after) {
    slot *s = &o->slots[index];
    lineage *l = forest(o);
    if (kvhash_plh_position(s->name) == 0) return;
    kvhash_plh key = parent_key(s->name);
    if (s->lineage.parent_serial != 0 &&
        (l->ghosts_dropped == 0 || resolve(o, key, s->lineage.parent_serial, s->lineage.parent) != LINEAGE_NOWHERE))
        return;
    uint32_t node = parent_node(o, key, before, after);
    uint32_t *children = children_of(o, node);
    if (*children == 0 && is_real(o, node)) leave_order(o, node);
    ++*children;
    s->lineage.parent = node;
    s->lineage.parent_serial =
        node & LINEAGE_GHOST ? l->ghosts[node & ~LINEAGE_GHOST].serial : o->slots[node].lineage.serial;
}

/* The slot replaces the ghost and inherits its children. It inherits the parent only if the parent fragments match; otherwise the
 * ghost belonged to a colliding name. */
static void take_over(order *o, uint32_t index, uint32_t row) {
    slot *s = &o->slots[index];
    ghost g = forest(o)->ghosts[row];
    delete_ghost(forest(o), row);
    s->lineage.serial = g.serial;
    s->lineage.children = g.children;
    s->lineage.parent = g.parent;
    s->lineage.parent_serial = g.parent_serial;
    if (g.parent_serial == 0 || g.parent_fragment == kvhash_plh_parent_fragment(s->name)) return;
    s->lineage.parent_serial = 0;
    orphan(o, resolve(o, ghost_parent_key(&g), g.parent_serial, g.parent));
}

static void insert(order *o, uint32_t index, uint32_t before, uint32_t after) {
    slot *s = &o->slots[index];
    lineage *l = forest(o);
    if (s->lineage.serial == 0) { /* it hosts no ghost; is there one elsewhere? */
        uint32_t row = l->ghost_count == 0 ? NO_ROW : find_ghost(l, own_key(s->name));
        if (row != NO_ROW) {
            take_over(o, index, row);
        } else {
            s->lineage.serial = new_serial(l);
            s->lineage.parent_serial = s->lineage.children = 0;
        }
    }
    s->level = LINEAGE_REAL;
    if (by_tick(o)) ring_insert(&l->ring, o->slots, index);
    link_parent(o, index, before, after);
    if (s->lineage.children == 0) enter_order(o, index);
    trim_ghosts(o);
}

/* When a chain is evicted from its end, the parent is the next victim, and its parent is touched then. */
PREFETCHER void prefetch_grandparent(const order *o, const slot *s) {
    uint32_t parent = s->lineage.parent;
    if (s->lineage.parent_serial == 0 || parent & LINEAGE_GHOST) return;
    parent = o->slots[parent].lineage.parent;
    if (parent < o->slot_count) __builtin_prefetch(&o->slots[parent], 1);
}

/* A real node becomes a ghost in its slot, or goes when it has no children. */
static void remove_real(order *o, uint32_t index) {
    slot *s = &o->slots[index];
    if (s->lineage.children == 0) leave_order(o, index);
    if (by_tick(o)) ring_remove(&forest(o)->ring, o->slots, index);
    s->level = 0;
    if (s->lineage.children > 0) return;
    prefetch_grandparent(o, s);
    uint32_t parent = resolve(o, parent_key(s->name), s->lineage.parent_serial, s->lineage.parent);
    s->lineage.serial = s->lineage.parent_serial = 0;
    orphan(o, parent);
}

static void lineage_released(order *o, const uint32_t *slots, size_t count) {
    for (size_t i = 0; i < count; i++)
        insert(o, slots[i], i > 0 ? slots[i - 1] : NO_SLOT, i + 1 < count ? slots[i + 1] : NO_SLOT);
}

static void lineage_revived(order *o, const uint32_t *slots, size_t count) {
    for (size_t i = 0; i < count; i++) remove_real(o, slots[i]);
}

static void choose_by_tick(order *o, uint32_t *victims, size_t count) {
    ring *r = &forest(o)->ring;
    for (size_t i = 0; i < count; i++) {
        uint64_t place = ring_next(r, &r->leaves, r->oldest);
        /* Prefetch RING_AHEAD places ahead for each victim; for the first of a batch also the nearer ones. */
        for (uint64_t by = i == 0 && count > 1 ? 1 : RING_AHEAD; by <= RING_AHEAD; by++)
            ring_prefetch(r, o->slots, place, by);
        victims[i] = r->slots[place];
        remove_real(o, victims[i]);
    }
}

static void choose_by_arrival(order *o, uint32_t *victims, size_t count) {
    for (size_t i = 0; i < count; i++) {
        victims[i] = forest(o)->leaves.head;
        __builtin_prefetch(&o->slots[o->slots[victims[i]].ahead], 1);
        remove_real(o, victims[i]);
    }
}

/* A hosted ghost loses its slot: it moves to a row, unless the key has one already. */
static void lineage_removed(order *o, uint32_t index) {
    slot *s = &o->slots[index];
    lineage *l = forest(o);
    if (s->lineage.serial == 0) return;
    ghost g = {.key = own_key(s->name),
               .parent_fragment = kvhash_plh_parent_fragment(s->name),
               .serial = s->lineage.serial,
               .parent_serial = s->lineage.parent_serial,
               .parent = s->lineage.parent,
               .children = s->lineage.children};
    s->lineage.serial = s->lineage.parent_serial = 0;
    if (find_ghost(l, g.key) != NO_ROW) {
        l->ghosts_dropped++;
        orphan(o, resolve(o, ghost_parent_key(&g), g.parent_serial, g.parent));
        return;
    }
    make_ghost(l, g);
    trim_ghosts(o);
}

/* ---- validate ---- */

static kvcore_status count_children(const order *o, kvcore_error *error) {
    const lineage *l = forest(o);
    for (uint32_t i = 0; i < o->slot_count; i++) o->slots[i].ahead = 0; /* only a hint: free to count with */
    for (uint32_t row = l->oldest_ghost; row != NO_ROW; row = l->ghosts[row].younger) l->ghosts[row].scratch = 0;
    uint32_t row = l->oldest_ghost;
    for (uint32_t i = 0; i < o->slot_count || row != NO_ROW; i++) {
        uint32_t parent;
        if (i < o->slot_count) {
            const slot *s = &o->slots[i];
            if (s->lineage.serial == 0) continue;
            parent = resolve(o, parent_key(s->name), s->lineage.parent_serial, s->lineage.parent);
        } else {
            const ghost *g = &l->ghosts[row];
            parent = resolve(o, ghost_parent_key(g), g->parent_serial, g->parent);
            row = g->younger;
        }
        if (parent == LINEAGE_NOWHERE) continue;
        if (parent & LINEAGE_GHOST)
            l->ghosts[parent & ~LINEAGE_GHOST].scratch++;
        else
            o->slots[parent].ahead++;
    }
    uint32_t ghosts = 0;
    for (row = l->oldest_ghost; row != NO_ROW; row = l->ghosts[row].younger) {
        const ghost *g = &l->ghosts[row];
        if (++ghosts > l->ghost_count || g->children == 0 || g->scratch != g->children || find_ghost(l, g->key) != row)
            return kvlogical__broken(error, KVCORE_NO_INDEX, "a ghost is found by its key and has children");
    }
    if (ghosts != l->ghost_count || ghosts > l->ghost_limit)
        return kvlogical__broken(error, KVCORE_NO_INDEX, "ghosts are as many as counted, and no more than allowed");
    for (uint32_t i = 0; i < o->slot_count; i++) {
        slot *s = &o->slots[i];
        uint32_t counted = s->ahead;
        s->ahead = 0;
        if (s->lineage.serial != 0 && counted != s->lineage.children)
            return kvlogical__broken(error, i, "a node knows how many children it has");
    }
    return KVCORE_OK;
}

static kvcore_status lineage_validate(const order *o, uint32_t inactive, kvcore_error *error) {
    const lineage *l = forest(o);
    uint32_t leaves = 0, reals = 0;
    for (uint32_t i = 0; i < o->slot_count; i++) {
        const slot *s = &o->slots[i];
        bool real = s->state == SLOT_INACTIVE, node = s->lineage.serial != 0;
        if (real ? !node || s->level != LINEAGE_REAL : node && (s->state != SLOT_PRIMARY || s->level == LINEAGE_REAL))
            return kvlogical__broken(error, i,
                                     "inactive slots are real nodes, and of the others only held ones are nodes");
        if (!real && node && s->lineage.children == 0)
            return kvlogical__broken(error, i, "a ghost in a slot has children");
        if (!real) continue;
        reals++;
        leaves += s->lineage.children == 0;
        if (by_tick(o) && !ring_holds(&l->ring, o->slots, i, s->lineage.children == 0))
            return kvlogical__broken(error, i, "the ring holds exactly the real nodes, and marks the leaves");
    }
    if (reals != inactive) return kvlogical__broken(error, KVCORE_NO_INDEX, "real nodes are the inactive slots");
    if (!by_tick(o)) {
        uint32_t count;
        static const char invariant[] = "the list of leaves holds exactly the leaves";
        kvcore_status status =
            kvlogical__list_check(&l->leaves, o->slots, o->slot_count, SLOT_INACTIVE, &count, invariant, error);
        if (status != KVCORE_OK) return status;
        if (count != leaves) return kvlogical__broken(error, KVCORE_NO_INDEX, invariant);
        for (uint32_t at = l->leaves.head; at != NO_SLOT; at = o->slots[at].next)
            if (o->slots[at].lineage.children != 0) return kvlogical__broken(error, at, invariant);
    }
    return count_children(o, error);
}

static void lineage_measure(const order *o, kvlogical_metrics *metrics) {
    metrics->ghosts_dropped = forest(o)->ghosts_dropped;
    metrics->lineage_ghosts = forest(o)->ghost_count;
}

#define LINEAGE_HOOKS                                                                                              \
    .names_by_lineage = true, .uses_slot_lineage = true, .released = lineage_released, .revived = lineage_revived, \
    .removed = lineage_removed, .validate = lineage_validate, .measure = lineage_measure

const eviction kvlogical__lineage_tick = {
    .policy = KVLOGICAL_EVICT_LINEAGE_TICK,
    .name = "lineage",
    .alias = "lineage-tick",
    .label = "lineage",
    .help = "the end of a prefix only, and of those the one released the longest ago",
    .bytes = tick_bytes,
    .init = tick_init,
    .choose = choose_by_tick,
    LINEAGE_HOOKS,
};

const eviction kvlogical__lineage_fifo = {
    .policy = KVLOGICAL_EVICT_LINEAGE_FIFO,
    .name = "lineage-fifo",
    .label = "lineage FIFO",
    .help = "the end of a prefix only, and of those the one that became an end first",
    .bytes = fifo_bytes,
    .init = fifo_init,
    .choose = choose_by_arrival,
    LINEAGE_HOOKS,
};
