#include "held.h"

#include <stdalign.h>
#include <string.h>

/* ---- from wire hash to node ---- */

static uint64_t mixed_of(const held_set *held, uint64_t hash) {
    uint64_t mixed = (hash ^ held->secret) * UINT64_C(0x9E3779B97F4A7C15);
    return mixed ^ mixed >> 32;
}

static size_t slot_of(const held_set *held, uint64_t hash) {
    return (size_t)mixed_of(held, hash) & (held->slot_count - 1);
}

static uint64_t slot_value(const held_set *held, uint64_t hash, uint32_t id) {
    return (mixed_of(held, hash) >> 32) << 32 | (id + 1);
}

/* The slot of a hash, or the free one where it would be. Nodes are far away: only those whose slot looks right are seen. */
static size_t find_slot(const held_set *held, uint64_t hash) {
    uint64_t mixed = mixed_of(held, hash);
    size_t mask = held->slot_count - 1, at = (size_t)mixed & mask;
    for (; held->slots[at] != 0; at = (at + 1) & mask)
        if (held->slots[at] >> 32 == mixed >> 32 && held->nodes[held_node_of_slot(held->slots[at])].hash == hash) break;
    return at;
}

uint32_t kvevents__held_find(const held_set *held, uint64_t hash) {
    if (held->slot_count == 0) return HELD_NONE;
    return held_node_of_slot(held->slots[find_slot(held, hash)]); /* 0 − 1 is none */
}

static void erase_slot(held_set *held, uint64_t hash) {
    size_t mask = held->slot_count - 1, hole = find_slot(held, hash);
    for (size_t at = (hole + 1) & mask; held->slots[at] != 0; at = (at + 1) & mask) {
        size_t home = slot_of(held, held->nodes[held_node_of_slot(held->slots[at])].hash);
        if (((at - home) & mask) < ((at - hole) & mask)) continue;
        held->slots[hole] = held->slots[at];
        hole = at;
    }
    held->slots[hole] = 0;
}

/* ---- nodes ---- */

static uint32_t take_node(held_set *held) {
    uint32_t id = held->free_node;
    if (id != HELD_NONE)
        held->free_node = held->nodes[id].next_sibling;
    else
        id = (uint32_t)held->node_count++;
    return id;
}

static uint32_t add_node(held_set *held, uint64_t hash) {
    if (held->live >= held->limit / (held->names_a_node > 1 ? held->names_a_node : 1)) {
        held->counts->over_limit++;
        *held->stale = true;
        return HELD_NONE;
    }
    uint32_t id = take_node(held);
    held->nodes[id] = (held_node){.hash = hash,
                                  .first = {.next = HELD_NONE},
                                  .parent = HELD_NONE,
                                  .first_child = HELD_NONE,
                                  .next_sibling = HELD_NONE};
    held->slots[find_slot(held, hash)] = slot_value(held, hash, id);
    held->live++;
    return id;
}

static void drop_node(held_set *held, uint32_t id) {
    kvevents__held_unname(held, id);
    erase_slot(held, held->nodes[id].hash);
    held->nodes[id].next_sibling = held->free_node;
    held->free_node = id;
    held->live--;
}

/* ---- entries: a tier and group of a node ---- */

static held_entry *find_entry(held_set *held, held_node *node, kvevents_tier tier, uint32_t group) {
    held_entry *entry = &node->first;
    for (;;) {
        if (entry->copies > 0 && entry->tier == tier && entry->group == group) return entry;
        if (entry->next == HELD_NONE) return NULL;
        entry = &held->entries[entry->next];
    }
}

static held_entry *add_entry(held_set *held, held_node *node) {
    if (node->first.copies == 0) return &node->first;
    if (held->free_entry == HELD_NONE && held->entry_count == held->entry_capacity) return NULL;
    uint32_t id = held->free_entry;
    if (id != HELD_NONE)
        held->free_entry = held->entries[id].next;
    else
        id = (uint32_t)held->entry_count++;
    held->entries[id].next = node->first.next;
    node->first.next = id;
    return &held->entries[id];
}

static void drop_entry(held_set *held, held_node *node, held_entry *entry) {
    entry->copies = 0;
    for (uint32_t *link = &node->first.next; *link != HELD_NONE; link = &held->entries[*link].next) {
        held_entry *at = &held->entries[*link];
        if (at != entry) continue;
        uint32_t id = *link;
        *link = at->next;
        at->next = held->free_entry;
        held->free_entry = id;
        return;
    }
}

static void add_copy(held_set *held, held_node *node, kvevents_tier tier, uint32_t group) {
    held_entry *entry = find_entry(held, node, tier, group);
    if (entry != NULL) {
        if (!held->counted || entry->copies == UINT32_MAX) return;
        entry->copies++;
        held->copies++;
        return;
    }
    entry = add_entry(held, node);
    if (entry == NULL) {
        held->counts->over_limit++;
        *held->stale = true;
        return;
    }
    entry->copies = 1;
    entry->tier = (uint8_t)tier;
    entry->group = group;
    held->copies++;
    if (node->refs[tier]++ == 0) held->tier_blocks[tier]++;
}

static void remove_copy(held_set *held, held_node *node, kvevents_tier tier, uint32_t group) {
    held_entry *entry = find_entry(held, node, tier, group);
    if (entry == NULL) return;
    held->copies--;
    if (--entry->copies > 0) return;
    drop_entry(held, node, entry);
    if (--node->refs[tier] == 0) held->tier_blocks[tier]--;
}

/* ---- events ---- */

static bool is_held(const held_node *node) {
    return (node->refs[0] | node->refs[1] | node->refs[2] | node->refs[3]) != 0;
}

/* Where a hash will be looked for, and the first name of a node: fetched before they are needed. */
static void fetch_hash(const held_set *held, const kvevents_event *event, size_t i) {
    if (i < event->hash_count) __builtin_prefetch(&held->slots[slot_of(held, event->hashes[i])]);
}

static uint32_t store_one(held_set *held, uint64_t hash, kvevents_tier tier, uint32_t group) {
    uint32_t id = kvevents__held_find(held, hash);
    if (id == HELD_NONE) id = add_node(held, hash);
    if (id != HELD_NONE) add_copy(held, &held->nodes[id], tier, group);
    return id;
}

/* Names are told some blocks after they were made, when the memory that counts them has come. */
void kvevents__held_store(held_set *held, const kvevents_event *event, kvevents_tier tier, uint32_t group) {
    held_chain chain;
    uint32_t ids[HELD_AHEAD];
    kvevents__chain_begin(held, event, &chain);
    for (size_t i = 0; i < HELD_AHEAD; i++) {
        ids[i] = HELD_NONE;
        if (event->hash_count > 0) fetch_hash(held, event, i);
    }
    for (size_t i = 0; i < event->hash_count + HELD_AHEAD; i++) {
        uint32_t *id = &ids[i % HELD_AHEAD];
        if (*id != HELD_NONE) kvevents__held_show(held, *id);
        *id = HELD_NONE;
        if (i >= event->hash_count) continue;
        fetch_hash(held, event, i + HELD_AHEAD);
        *id = store_one(held, event->hashes[i], tier, group);
        kvevents__chain_next(held, event, i, *id, &chain);
        if (*id != HELD_NONE) kvevents__held_fetch(held, *id);
    }
    kvevents__names_flush(held);
}

void kvevents__held_remove(held_set *held, const kvevents_event *event, kvevents_tier tier, uint32_t group) {
    for (size_t i = 0; i < event->hash_count; i++) {
        uint32_t id = kvevents__held_find(held, event->hashes[i]);
        if (id == HELD_NONE) continue;
        remove_copy(held, &held->nodes[id], tier, group);
        if (is_held(&held->nodes[id]))
            kvevents__held_show(held, id);
        else
            drop_node(held, id);
    }
    kvevents__names_flush(held);
}

void kvevents__held_clear(held_set *held) {
    if (held->slot_count > 0 && held->live > 0) memset(held->slots, 0, held->slot_count * sizeof *held->slots);
    if (held->name_count > 0) memset(held->name_slots, 0, held->name_slot_count * sizeof *held->name_slots);
    held->node_count = held->entry_count = held->live = held->name_count = 0;
    held->free_node = held->free_entry = HELD_NONE;
    held->copies = 0;
    memset(held->tier_blocks, 0, sizeof held->tier_blocks);
    if (held->change == NULL) return;
    kvevents_change change = {.kind = KVEVENTS_CLEARED};
    held->change(held->ctx, &change);
}

/* ---- room ---- */

static size_t doubled(size_t capacity, size_t wanted) {
    if (capacity == 0) capacity = 64;
    while (capacity < wanted) capacity *= 2;
    return capacity;
}

static kvcore_status grow_slots(held_set *held, size_t nodes) {
    size_t count = doubled(held->slot_count, nodes + nodes / 2 + 1);
    if (count == held->slot_count) return KVCORE_OK;
    uint64_t *slots = kvcore_alloc(&held->allocator, count, sizeof *slots, alignof(uint64_t));
    if (slots == NULL) return KVCORE_ENOMEM;
    memset(slots, 0, count * sizeof *slots);
    uint64_t *old = held->slots;
    size_t old_count = held->slot_count;
    held->slots = slots;
    held->slot_count = count;
    for (size_t i = 0; i < old_count; i++)
        if (old[i] != 0) slots[find_slot(held, held->nodes[held_node_of_slot(old[i])].hash)] = old[i];
    kvcore_free(&held->allocator, old, old_count, sizeof *old, alignof(uint64_t));
    return KVCORE_OK;
}

static kvcore_status grow_entries(held_set *held, size_t more) {
    size_t wanted = held->entry_count + more;
    if (wanted > held->limit) wanted = held->limit;
    size_t capacity = doubled(held->entry_capacity, wanted);
    if (capacity == held->entry_capacity) return KVCORE_OK;
    held_entry *entries = kvcore_alloc(&held->allocator, capacity, sizeof *entries, alignof(held_entry));
    if (entries == NULL) return KVCORE_ENOMEM;
    if (held->entry_count > 0) memcpy(entries, held->entries, held->entry_count * sizeof *entries);
    kvcore_free(&held->allocator, held->entries, held->entry_capacity, sizeof *entries, alignof(held_entry));
    held->entries = entries;
    held->entry_capacity = capacity;
    return KVCORE_OK;
}

/* The three arrays that nodes stand in: as large as each other, or not there yet. */
typedef struct node_arrays {
    held_node *nodes;
    kvhash_plh *names;
    uint32_t *tokens;
} node_arrays;

static void free_arrays(const held_set *held, node_arrays arrays, size_t capacity) {
    kvcore_free(&held->allocator, arrays.nodes, capacity, sizeof *arrays.nodes, alignof(held_node));
    kvcore_free(&held->allocator, arrays.names, capacity, held->names_a_node * sizeof *arrays.names,
                alignof(kvhash_plh));
    kvcore_free(&held->allocator, arrays.tokens, capacity, held->block_tokens * sizeof *arrays.tokens,
                alignof(uint32_t));
}

static bool make_arrays(const held_set *held, size_t capacity, node_arrays *arrays) {
    bool names = held->names_a_node > 0, tokens = names && held->parts > 1;
    size_t name_bytes = held->names_a_node * sizeof *arrays->names;
    size_t token_bytes = held->block_tokens * sizeof *arrays->tokens;
    *arrays = (node_arrays){NULL, NULL, NULL};
    arrays->nodes = kvcore_alloc(&held->allocator, capacity, sizeof *arrays->nodes, alignof(held_node));
    if (names) arrays->names = kvcore_alloc(&held->allocator, capacity, name_bytes, alignof(kvhash_plh));
    if (tokens) arrays->tokens = kvcore_alloc(&held->allocator, capacity, token_bytes, alignof(uint32_t));
    if (arrays->nodes != NULL && (arrays->names != NULL) == names && (arrays->tokens != NULL) == tokens) return true;
    free_arrays(held, *arrays, capacity);
    return false;
}

static kvcore_status grow_nodes(held_set *held, size_t wanted) {
    size_t capacity = doubled(held->node_capacity, wanted);
    bool complete = held->names_a_node == 0 || held->names != NULL;
    if (capacity == held->node_capacity && complete) return KVCORE_OK;
    node_arrays fresh, old = {held->nodes, held->names, held->tokens};
    if (!make_arrays(held, capacity, &fresh)) return KVCORE_ENOMEM;
    size_t count = held->node_count;
    if (count > 0) memcpy(fresh.nodes, old.nodes, count * sizeof *old.nodes);
    if (old.names != NULL && fresh.names != NULL)
        memcpy(fresh.names, old.names, count * held->names_a_node * sizeof *old.names);
    if (old.tokens != NULL && fresh.tokens != NULL)
        memcpy(fresh.tokens, old.tokens, count * held->block_tokens * sizeof *old.tokens);
    free_arrays(held, old, held->node_capacity);
    held->nodes = fresh.nodes;
    held->names = fresh.names;
    held->tokens = fresh.tokens;
    held->node_capacity = capacity;
    return KVCORE_OK;
}

kvcore_status kvevents__held_reserve(held_set *held, const kvevents_batch *batch) {
    for (size_t i = 0; held->names_a_node == 0 && held->block_tokens > 0 && i < batch->event_count; i++)
        if (batch->events[i].tokens != NULL)
            (void)kvevents__held_set_sizes(held, held->block_tokens, batch->events[i].block_size);
    size_t wanted = held->live + batch->hash_count;
    if (wanted > held->limit) wanted = held->limit;
    kvcore_status status = grow_nodes(held, wanted);
    if (status == KVCORE_OK) status = grow_slots(held, wanted);
    if (status == KVCORE_OK) status = grow_entries(held, batch->hash_count);
    if (status == KVCORE_OK && held->names_a_node > 0)
        status = kvevents__names_reserve(held, batch->hash_count * held->names_a_node);
    return status;
}

void kvevents__held_free(held_set *held) {
    free_arrays(held, (node_arrays){held->nodes, held->names, held->tokens}, held->node_capacity);
    kvcore_free(&held->allocator, held->slots, held->slot_count, sizeof *held->slots, alignof(uint64_t));
    kvcore_free(&held->allocator, held->entries, held->entry_capacity, sizeof *held->entries, alignof(held_entry));
    kvcore_free(&held->allocator, held->name_slots, held->name_slot_count, sizeof *held->name_slots, HELD_NAME_ALIGN);
}
