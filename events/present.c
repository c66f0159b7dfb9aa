#include "present.h"

#include <stdalign.h>
#include <string.h>

#define NONE UINT32_MAX
#define LABELS ((size_t)1 << 20)

void kvevents__present_init(present *of, kvcore_allocator allocator, kvevents_dialect dialect, uint32_t block_tokens) {
    size_t bytes = sizeof(present_block) + block_tokens * sizeof(uint32_t);
    *of = (present){.allocator = allocator,
                    .dialect = dialect,
                    .block_tokens = block_tokens,
                    .stride = (bytes + 7) & ~(size_t)7,
                    .free_block = NONE};
}

static present_block *block_at(const present *of, uint32_t id) {
    return (present_block *)(void *)(of->blocks + id * of->stride);
}

/* Room for one element more. */
static kvcore_status grow(const present *of, void *array, size_t *capacity, size_t wanted, size_t size) {
    void *old, *larger;
    size_t count = *capacity == 0 ? 64 : *capacity;
    if (wanted <= *capacity) return KVCORE_OK;
    while (count < wanted) count *= 2;
    memcpy(&old, array, sizeof old);
    larger = kvcore_alloc(&of->allocator, count, size, alignof(max_align_t));
    if (larger == NULL) return KVCORE_ENOMEM;
    if (*capacity > 0) memcpy(larger, old, *capacity * size);
    kvcore_free(&of->allocator, old, *capacity, size, alignof(max_align_t));
    memcpy(array, &larger, sizeof larger);
    *capacity = count;
    return KVCORE_OK;
}

static void release(const present *of, void *array, size_t capacity, size_t size) {
    kvcore_free(&of->allocator, array, capacity, size, alignof(max_align_t));
}

void kvevents__present_free(present *of) {
    release(of, of->blocks, of->capacity, of->stride);
    release(of, of->slots, of->slot_count, sizeof *of->slots);
    release(of, of->labels, of->label_capacity, sizeof *of->labels);
    release(of, of->pending.events, of->pending.capacity, sizeof *of->pending.events);
    release(of, of->pending.hashes, of->pending.hash_capacity, sizeof *of->pending.hashes);
    release(of, of->pending.tokens, of->pending.token_capacity, sizeof *of->pending.tokens);
}

/* ---- blocks ---- */

static size_t find_slot(const present *of, uint64_t hash) {
    size_t mask = of->slot_count - 1, at = (size_t)(hash * UINT64_C(0x9E3779B97F4A7C15) >> 24) & mask;
    while (of->slots[at] != 0 && block_at(of, of->slots[at] - 1)->hash != hash) at = (at + 1) & mask;
    return at;
}

static uint32_t find(const present *of, uint64_t hash) {
    return of->slot_count == 0 ? NONE : of->slots[find_slot(of, hash)] - 1;
}

static void erase_slot(present *of, uint64_t hash) {
    size_t mask = of->slot_count - 1, hole = find_slot(of, hash);
    for (size_t at = (hole + 1) & mask; of->slots[at] != 0; at = (at + 1) & mask) {
        size_t home = (size_t)(block_at(of, of->slots[at] - 1)->hash * UINT64_C(0x9E3779B97F4A7C15) >> 24) & mask;
        if (((at - home) & mask) < ((at - hole) & mask)) continue;
        of->slots[hole] = of->slots[at];
        hole = at;
    }
    of->slots[hole] = 0;
}

static kvcore_status grow_slots(present *of) {
    if (of->slot_count > of->live + of->live / 2 + 1) return KVCORE_OK;
    size_t count = of->slot_count == 0 ? 128 : 2 * of->slot_count, old_count = of->slot_count;
    uint32_t *old = of->slots, *slots = kvcore_alloc(&of->allocator, count, sizeof *slots, alignof(max_align_t));
    if (slots == NULL) return KVCORE_ENOMEM;
    memset(slots, 0, count * sizeof *slots);
    of->slots = slots;
    of->slot_count = count;
    for (size_t i = 0; i < old_count; i++)
        if (old[i] != 0) slots[find_slot(of, block_at(of, old[i] - 1)->hash)] = old[i];
    release(of, old, old_count, sizeof *old);
    return KVCORE_OK;
}

/* A place for a block. */
static kvcore_status take_block(present *of, uint32_t *id) {
    kvcore_status status = grow_slots(of);
    if (status != KVCORE_OK) return status;
    *id = of->free_block;
    if (*id != NONE) {
        of->free_block = block_at(of, *id)->next_free;
        return KVCORE_OK;
    }
    status = grow(of, &of->blocks, &of->capacity, of->used + 1, of->stride);
    if (status == KVCORE_OK) *id = (uint32_t)of->used++;
    return status;
}

static void drop_block(present *of, uint32_t id) {
    present_block *block = block_at(of, id);
    erase_slot(of, block->hash);
    block->tiers = 0;
    block->next_free = of->free_block;
    of->free_block = id;
    of->live--;
}

static bool same_text(const char *text, size_t size, kvcore_bytes other) {
    return size == other.size_bytes && (size == 0 || memcmp(text, other.data, size) == 0);
}

static bool is_label(const present *of, uint32_t label, const kvevents_block *block) {
    if (label == 0) return false;
    const present_label *at = &of->labels[label - 1];
    return same_text(at->text, at->lora_bytes, block->lora_name) &&
           same_text(at->text + at->lora_bytes, at->salt_bytes, block->salt);
}

/* The number of a LoRA name and salt: that of the parent, or one of those that were seen, the latest first. */
static kvcore_status find_label(present *of, const kvevents_block *block, uint32_t *label) {
    *label = 0;
    if (block->lora_name.size_bytes + block->salt.size_bytes == 0) return KVCORE_OK;
    uint32_t parent = block->has_parent ? find(of, block->parent) : NONE;
    if (parent != NONE) *label = block_at(of, parent)->label;
    if (is_label(of, *label, block)) return KVCORE_OK;
    for (*label = (uint32_t)of->label_count; *label > 0; --*label)
        if (is_label(of, *label, block)) return KVCORE_OK;
    if (of->label_count == LABELS) return KVCORE_ENOMEM;
    kvcore_status status = grow(of, &of->labels, &of->label_capacity, of->label_count + 1, sizeof *of->labels);
    if (status != KVCORE_OK) return status;
    present_label *made = &of->labels[of->label_count++];
    made->lora_bytes = (uint8_t)block->lora_name.size_bytes;
    made->salt_bytes = (uint8_t)block->salt.size_bytes;
    if (made->lora_bytes > 0) memcpy(made->text, block->lora_name.data, made->lora_bytes);
    if (made->salt_bytes > 0) memcpy(made->text + made->lora_bytes, block->salt.data, made->salt_bytes);
    *label = (uint32_t)of->label_count;
    return KVCORE_OK;
}

static kvcore_status add_block(present *of, const kvevents_block *from, uint32_t *id) {
    uint32_t label;
    kvcore_status status = find_label(of, from, &label);
    if (status == KVCORE_OK) status = take_block(of, id);
    if (status != KVCORE_OK) return status;
    present_block *block = block_at(of, *id);
    *block = (present_block){.hash = from->hash,
                             .parent = from->parent,
                             .has_parent = from->has_parent,
                             .has_tokens = from->tokens != NULL,
                             .label = label,
                             .next_free = NONE};
    if (from->tokens != NULL) memcpy(block->tokens, from->tokens, of->block_tokens * sizeof *block->tokens);
    of->slots[find_slot(of, from->hash)] = *id + 1;
    of->live++;
    return KVCORE_OK;
}

/* ---- events ---- */

static kvcore_status reserve_event(present *of, size_t tokens) {
    present_events *to = &of->pending;
    kvcore_status status = grow(of, &to->events, &to->capacity, to->count + 1, sizeof *to->events);
    if (status == KVCORE_OK) status = grow(of, &to->hashes, &to->hash_capacity, to->hash_count + 1, sizeof *to->hashes);
    if (status == KVCORE_OK)
        status = grow(of, &to->tokens, &to->token_capacity, to->token_count + tokens, sizeof *to->tokens);
    return status;
}

/* The label and the tier of an event are numbers until it is sent: lora_id and group, which are not told. */
static bool continues(const present *of, const kvevents_event *event, uint32_t kind, kvevents_tier tier) {
    return of->pending.count > 0 && event->kind == kind && event->group == (uint64_t)tier;
}

static kvevents_event *new_event(present *of, uint32_t kind, kvevents_tier tier) {
    kvevents_event *event = &of->pending.events[of->pending.count++];
    *event = (kvevents_event){.kind = kind, .group = (uint64_t)tier};
    return event;
}

static kvevents_event *last_event(present *of) {
    return of->pending.count == 0 ? &of->pending.events[0] : &of->pending.events[of->pending.count - 1];
}

/* Tell a block as one more of the last event, or as an event of its own. Room was reserved. */
static void tell_stored(present *of, kvevents_tier tier, const present_block *block) {
    present_events *to = &of->pending;
    kvevents_event *event = last_event(of);
    bool more = continues(of, event, KVEVENTS_STORED, tier) && block->has_tokens && event->block_size > 0 &&
                event->lora_id == block->label && block->has_parent && to->hashes[to->hash_count - 1] == block->parent;
    if (!more) {
        event = new_event(of, KVEVENTS_STORED, tier);
        event->lora_id = block->label;
        event->block_size = block->has_tokens ? of->block_tokens : 0;
        event->parent = block->parent;
        if (block->has_parent && block->has_tokens) event->has = KVEVENTS_HAS_PARENT;
    }
    event->hash_count++;
    to->hashes[to->hash_count++] = block->hash;
    if (!block->has_tokens) {
        of->placeholders++;
        return;
    }
    event->token_count += of->block_tokens;
    memcpy(to->tokens + to->token_count, block->tokens, of->block_tokens * sizeof *to->tokens);
    to->token_count += of->block_tokens;
}

kvcore_status kvevents__present_store(present *of, kvevents_tier tier, const kvevents_block *from) {
    kvcore_status status = reserve_event(of, of->block_tokens);
    if (status != KVCORE_OK) return status;
    uint32_t id = find(of, from->hash);
    if (id == NONE) status = add_block(of, from, &id);
    if (status != KVCORE_OK) return status;
    present_block *block = block_at(of, id);
    if ((block->tiers >> tier & 1) != 0) return KVCORE_OK;
    block->tiers |= (uint8_t)(1U << tier);
    tell_stored(of, tier, block);
    return KVCORE_OK;
}

kvcore_status kvevents__present_remove(present *of, kvevents_tier tier, uint64_t hash) {
    uint32_t id = find(of, hash);
    if (id == NONE || (block_at(of, id)->tiers >> tier & 1) == 0) return KVCORE_OK;
    kvcore_status status = reserve_event(of, 0);
    if (status != KVCORE_OK) return status;
    present_block *block = block_at(of, id);
    block->tiers &= (uint8_t) ~(1U << tier);
    if (block->tiers == 0) drop_block(of, id);
    kvevents_event *event = last_event(of);
    if (!continues(of, event, KVEVENTS_REMOVED, tier)) event = new_event(of, KVEVENTS_REMOVED, tier);
    event->hash_count++;
    of->pending.hashes[of->pending.hash_count++] = hash;
    return KVCORE_OK;
}

kvcore_status kvevents__present_clear(present *of) {
    kvevents__present_forget(of);
    kvcore_status status = reserve_event(of, 0);
    if (status != KVCORE_OK) return status;
    if (of->live > 0) memset(of->slots, 0, of->slot_count * sizeof *of->slots);
    of->live = of->used = of->label_count = 0;
    of->free_block = NONE;
    new_event(of, KVEVENTS_CLEARED, KVEVENTS_DEVICE);
    return KVCORE_OK;
}

/* ---- all that there is ---- */

/* Tell a block in a tier behind those before it in that tier. The way up is threaded by next_free, which a block in use has
 * free. */
static kvcore_status tell_chain(present *of, kvevents_tier tier, uint32_t id) {
    uint32_t below = NONE;
    for (;;) { /* up to the first that is told, or has no parent here */
        present_block *block = block_at(of, id);
        block->next_free = below;
        block->told = true;
        uint32_t parent = block->has_parent ? find(of, block->parent) : NONE;
        if (parent == NONE || block_at(of, parent)->told || (block_at(of, parent)->tiers >> tier & 1) == 0) break;
        below = id;
        id = parent;
    }
    while (id != NONE) {
        kvcore_status status = reserve_event(of, of->block_tokens);
        if (status != KVCORE_OK) return status;
        present_block *block = block_at(of, id);
        tell_stored(of, tier, block);
        id = block->next_free;
    }
    return KVCORE_OK;
}

static kvcore_status tell_tier(present *of, kvevents_tier tier) {
    for (size_t id = 0; id < of->used; id++) block_at(of, (uint32_t)id)->told = false;
    for (size_t id = 0; id < of->used; id++) {
        const present_block *block = block_at(of, (uint32_t)id);
        if ((block->tiers >> tier & 1) == 0 || block->told) continue;
        kvcore_status status = tell_chain(of, tier, (uint32_t)id);
        if (status != KVCORE_OK) return status;
    }
    return KVCORE_OK;
}

kvcore_status kvevents__present_tell_all(present *of) {
    kvevents__present_forget(of);
    kvcore_status status = reserve_event(of, 0);
    if (status != KVCORE_OK) return status;
    new_event(of, KVEVENTS_CLEARED, KVEVENTS_DEVICE);
    for (unsigned tier = 0; status == KVCORE_OK && tier < KVEVENTS_TIERS; tier++)
        status = tell_tier(of, (kvevents_tier)tier);
    if (status != KVCORE_OK) kvevents__present_forget(of);
    return status;
}

/* ---- sending ---- */

static void name_event(const present *of, kvevents_event *event) {
    event->medium = kvcore_text(kvevents_medium(of->dialect, (kvevents_tier)event->group));
    event->group = 0;
    if (event->lora_id == 0) return;
    const present_label *label = &of->labels[event->lora_id - 1];
    event->lora_id = 0;
    if (label->lora_bytes > 0) event->lora_name = (kvcore_bytes){label->text, label->lora_bytes};
    if (label->salt_bytes > 0) event->salt = (kvcore_bytes){label->text + label->lora_bytes, label->salt_bytes};
}

kvevents_batch kvevents__present_batch(present *of) {
    const uint64_t *hashes = of->pending.hashes;
    const uint32_t *tokens = of->pending.tokens;
    for (size_t i = 0; i < of->pending.count; i++) {
        kvevents_event *event = &of->pending.events[i];
        event->hashes = hashes;
        hashes += event->hash_count;
        if (event->token_count > 0) event->tokens = tokens;
        tokens += event->token_count;
        if (event->kind != KVEVENTS_CLEARED) name_event(of, event);
    }
    return (kvevents_batch){.events = of->pending.events, .event_count = of->pending.count};
}

void kvevents__present_forget(present *of) { of->pending.count = of->pending.hash_count = of->pending.token_count = 0; }
