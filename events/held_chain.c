/* From tokens to names: where the blocks of an event stand in their chain, and in which tiers their names are. */
#include "held.h"

#include <string.h>

#include <kvhash/hash.h>

#define NAMES_A_NODE 256
#define PARTS 64
#define CHILDREN 256

kvcore_status kvevents__held_set_sizes(held_set *held, uint32_t block_tokens, uint64_t engine_tokens) {
    held->block_tokens = block_tokens;
    if (engine_tokens == 0 || block_tokens == 0) return KVCORE_OK;
    bool wide = engine_tokens % block_tokens == 0 && engine_tokens / block_tokens <= NAMES_A_NODE;
    bool narrow = block_tokens % engine_tokens == 0 && block_tokens / engine_tokens <= PARTS;
    if (!wide && !narrow) return KVCORE_ECONFIG;
    held->engine_tokens = (uint32_t)engine_tokens;
    held->names_a_node = wide ? (uint32_t)(engine_tokens / block_tokens) : 1;
    held->parts = wide ? 1 : (uint32_t)(block_tokens / engine_tokens);
    return KVCORE_OK;
}

/* ---- in which tiers the names of a node are ---- */

static kvhash_plh *names_of(const held_set *held, uint32_t id) { return &held->names[(size_t)id * held->names_a_node]; }
static uint32_t *tokens_of(const held_set *held, uint32_t id) { return &held->tokens[(size_t)id * held->block_tokens]; }

static uint8_t tiers_of(const held_node *node) {
    uint8_t tiers = 0;
    for (unsigned tier = 0; tier < KVEVENTS_TIERS; tier++) tiers |= (uint8_t)((node->refs[tier] > 0) << tier);
    return tiers;
}

/* All parts of a name are in a tier, or it is not. */
static uint8_t tiers_of_name(const held_set *held, uint32_t id) {
    uint8_t tiers = 0xF;
    for (; id != HELD_NONE; id = held->nodes[id].parent) tiers &= tiers_of(&held->nodes[id]);
    return tiers;
}

static void show_names(held_set *held, uint32_t id, uint8_t tiers) {
    held_node *node = &held->nodes[id];
    if (node->told == tiers) return;
    for (uint32_t i = 0; i < held->names_a_node; i++)
        kvevents__names_count(held, names_of(held, id)[i], node->told, tiers);
    node->told = tiers;
}

static bool ends_name(const held_set *held, const held_node *node) { return node->part + 1U == held->parts; }

/* Recursion is as deep as a name has parts. */
void kvevents__held_show(held_set *held, uint32_t id) {
    const held_node *node = &held->nodes[id];
    if (!node->named) return;
    if (ends_name(held, node)) {
        show_names(held, id, tiers_of_name(held, id));
        return;
    }
    for (uint32_t child = node->first_child; child != HELD_NONE; child = held->nodes[child].next_sibling)
        kvevents__held_show(held, child);
}

static void unlink_child(held_set *held, uint32_t id) {
    held_node *node = &held->nodes[id];
    if (node->parent == HELD_NONE) return;
    held_node *parent = &held->nodes[node->parent];
    for (uint32_t *link = &parent->first_child; *link != HELD_NONE; link = &held->nodes[*link].next_sibling) {
        if (*link != id) continue;
        *link = node->next_sibling;
        break;
    }
    parent->children--;
    node->parent = node->next_sibling = HELD_NONE;
}

void kvevents__held_unname(held_set *held, uint32_t id) {
    held_node *node = &held->nodes[id];
    if (!node->named) return;
    unlink_child(held, id);
    while (node->first_child != HELD_NONE) kvevents__held_unname(held, node->first_child); /* each unlinks itself */
    if (ends_name(held, node)) show_names(held, id, 0);
    node->named = false;
}

void kvevents__held_fetch(const held_set *held, uint32_t id) {
    if (held->nodes[id].named) kvevents__names_fetch(held, *names_of(held, id));
}

/* ---- along a chain ---- */

static void begin_behind(held_set *held, uint64_t parent_hash, bool salted, held_chain *chain) {
    uint32_t parent = kvevents__held_find(held, parent_hash);
    if (parent == HELD_NONE || !held->nodes[parent].named) {
        chain->orphan = true;
        return;
    }
    const held_node *node = &held->nodes[parent];
    chain->named = true;
    if (!salted) chain->seed = node->seed;
    chain->last = names_of(held, parent)[held->names_a_node - 1];
    chain->part = (uint8_t)((node->part + 1U) % held->parts);
    chain->follows = chain->part == 0 || node->follows;
    chain->parent = chain->part == 0 ? HELD_NONE : parent;
}

void kvevents__chain_begin(held_set *held, const kvevents_event *event, held_chain *chain) {
    *chain = (held_chain){.parent = HELD_NONE};
    bool adapter_unknown = (event->has & KVEVENTS_HAS_LORA_ID) != 0 && event->lora_name.data == NULL;
    if (held->names_a_node == 0 || event->tokens == NULL || event->block_size != held->engine_tokens || adapter_unknown)
        return;
    kvcore_bytes salt = kvevents_event_salt(event);
    chain->seed = kvhash_salt_hash(salt, event->lora_name);
    if ((event->has & KVEVENTS_HAS_PARENT) != 0)
        begin_behind(held, event->parent, salt.size_bytes > 0, chain);
    else
        chain->named = true;
}

/* The next name of the chain, of b tokens. */
static bool extend(const uint32_t *tokens, const held_set *held, held_chain *chain) {
    uint64_t block_hash = kvhash_block_hash(tokens, held->block_tokens, chain->seed);
    kvhash_plh name = kvhash_plh_root(block_hash);
    if (chain->follows && kvhash_plh_extend(chain->last, block_hash, &name) != KVCORE_OK) return false;
    chain->last = name;
    chain->follows = true;
    return true;
}

static void count_nameless(held_set *held, const held_chain *chain) {
    if (held->block_tokens == 0) return;
    if (chain->orphan) {
        held->counts->orphans++;
        *held->stale = true;
    } else {
        held->counts->unnamed++;
    }
}

/* The node gets its names and place, unless it has them. A hash with other names than before: the later ones count. */
static void place(held_set *held, uint32_t id, const kvhash_plh *names, held_chain *chain) {
    held_node *node = &held->nodes[id];
    size_t bytes = held->names_a_node * sizeof *names;
    bool same = node->named && memcmp(names_of(held, id), names, bytes) == 0 && node->parent == chain->parent &&
                node->part == chain->part && node->seed == chain->seed;
    if (same) return;
    if (node->named) held->counts->renamed++;
    kvevents__held_unname(held, id);
    memcpy(names_of(held, id), names, bytes);
    node->named = true;
    node->seed = chain->seed;
    node->part = chain->part;
}

static bool next_wide(held_set *held, const kvevents_event *event, size_t i, uint32_t id, held_chain *chain) {
    kvhash_plh names[NAMES_A_NODE];
    const uint32_t *tokens = event->tokens + i * held->engine_tokens;
    for (uint32_t k = 0; k < held->names_a_node; k++) {
        if (!extend(tokens + (size_t)k * held->block_tokens, held, chain)) return false;
        names[k] = chain->last;
    }
    if (id != HELD_NONE) place(held, id, names, chain);
    return true;
}

/* Hang a part of a name behind the one before it. What was unnamed meanwhile, in a chain that bites itself, takes no child. */
static bool link_part(held_set *held, uint32_t id, held_chain *chain) {
    held_node *node = &held->nodes[id];
    if (chain->parent == HELD_NONE || node->parent == chain->parent) return true;
    held_node *parent = &held->nodes[chain->parent];
    if (!parent->named || parent->children == CHILDREN) return false;
    node->parent = chain->parent;
    node->next_sibling = parent->first_child;
    parent->first_child = id;
    parent->children++;
    return true;
}

static bool next_narrow(held_set *held, const kvevents_event *event, size_t i, uint32_t id, held_chain *chain) {
    if (id == HELD_NONE || id == chain->parent) return false;
    bool followed = chain->follows;
    size_t before = (size_t)chain->part * held->engine_tokens;
    uint32_t tokens[PARTS * 64];
    if (held->block_tokens > sizeof tokens / sizeof *tokens) return false;
    if (before > 0) memcpy(tokens, tokens_of(held, chain->parent), before * sizeof *tokens);
    memcpy(tokens + before, event->tokens + i * held->engine_tokens, held->engine_tokens * sizeof *tokens);
    bool ends = chain->part + 1U == held->parts;
    if (ends && !extend(tokens, held, chain)) return false;
    place(held, id, &chain->last, chain);
    held->nodes[id].follows = followed;
    memcpy(tokens_of(held, id), tokens, (before + held->engine_tokens) * sizeof *tokens);
    if (!link_part(held, id, chain)) {
        kvevents__held_unname(held, id);
        return false;
    }
    chain->parent = ends ? HELD_NONE : id;
    chain->part = ends ? 0 : (uint8_t)(chain->part + 1U);
    return true;
}

void kvevents__chain_next(held_set *held, const kvevents_event *event, size_t i, uint32_t id, held_chain *chain) {
    if (chain->named) {
        chain->named = held->parts == 1 ? next_wide(held, event, i, id, chain) : next_narrow(held, event, i, id, chain);
        if (!chain->named) chain->orphan = true;
    }
    if (!chain->named) count_nameless(held, chain);
}
