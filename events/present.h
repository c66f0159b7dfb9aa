/* What a publisher's owner has: of each wire hash its tiers, and what the wire tells of it. Not for two threads at once. */
#ifndef EVENTS_PRESENT_H
#define EVENTS_PRESENT_H

#include <kvcore/allocator.h>
#include <kvevents/publisher.h>

typedef struct present_block {
    uint64_t hash;
    uint64_t parent;
    uint8_t tiers; /* a bit each; 0: the place is free */
    bool has_parent;
    bool has_tokens;
    bool told; /* while all are told: it was */
    uint32_t label;
    uint32_t next_free;
    uint32_t tokens[]; /* block_tokens of them */
} present_block;

typedef struct present_label {
    uint8_t lora_bytes, salt_bytes;
    char text[2 * 255]; /* LoRA name, salt */
} present_label;

/* Events to be sent: the arrays of all of them, one behind the other. */
typedef struct present_events {
    kvevents_event *events;
    size_t count, capacity;
    uint64_t *hashes; /* events have offsets until they are sent: arrays move when they grow */
    size_t hash_count, hash_capacity;
    uint32_t *tokens;
    size_t token_count, token_capacity;
} present_events;

typedef struct present {
    kvcore_allocator allocator;
    kvevents_dialect dialect;
    uint32_t block_tokens;
    uint8_t *blocks;
    size_t stride; /* bytes a block */
    size_t capacity, used, live;
    uint32_t free_block;
    uint32_t *slots; /* open addressing: block + 1 */
    size_t slot_count;
    present_label *labels; /* LoRA names and salts that were seen; the first is none */
    size_t label_count, label_capacity;
    present_events pending;
    uint64_t placeholders;
} present;

void kvevents__present_init(present *present, kvcore_allocator allocator, kvevents_dialect dialect,
                            uint32_t block_tokens);
void kvevents__present_free(present *present);

/* Changes, and events in `pending` that tell them. */
kvcore_status kvevents__present_store(present *present, kvevents_tier tier, const kvevents_block *block);
kvcore_status kvevents__present_remove(present *present, kvevents_tier tier, uint64_t hash);
kvcore_status kvevents__present_clear(present *present);

/* Forget what is pending, and have it be: cleared, and all that there is. */
kvcore_status kvevents__present_tell_all(present *present);

/* The batch of what is pending, valid until the next change; then forget it. */
kvevents_batch kvevents__present_batch(present *present);
void kvevents__present_forget(present *present);

#endif
