/* Making and unmaking a manager: configuration, memory layout, counts. */
#include "manager.h"

#include <stdatomic.h>

#include <kvcore/config.h>

#define LINE 64

/* The one number that managers of a process share. */
static atomic_uint_least64_t last_id;

static kvcore_status bad(kvcore_error *error, kvcore_status code, uint64_t actual, const char *text) {
    return kvcore_fail(error, &(kvcore_error){.code = code, .index = KVCORE_NO_INDEX, .actual = actual}, "%s, got %llu",
                       text, (unsigned long long)actual);
}

static kvcore_status check(kvlogical_config *config, kvcore_error *error) {
    if (config->block_count == 0) return bad(error, KVCORE_ECONFIG, 0, "block_count must be greater than 0");
    if (config->block_count > KVLOGICAL_BLOCK_COUNT_MAX)
        return bad(error, KVCORE_ECONFIG, config->block_count, "block_count must be at most 2147483647");
    if (config->block_tokens == 0) config->block_tokens = KVLOGICAL_BLOCK_TOKENS_DEFAULT;
    if (config->block_tokens > KVLOGICAL_BLOCK_TOKENS_MAX || (config->block_tokens & (config->block_tokens - 1)) != 0)
        return bad(error, KVCORE_ECONFIG, config->block_tokens, "block_tokens must be a power of 2 between 1 and 1024");
    if (config->duplicates > KVLOGICAL_DUPLICATES_REJECT)
        return bad(error, KVCORE_ECONFIG, config->duplicates, "duplicates must be a KVLOGICAL_DUPLICATES_ value");
    if (config->eviction > KVLOGICAL_EVICT_LINEAGE_FIFO)
        return bad(error, KVCORE_ECONFIG, config->eviction, "eviction must be a KVLOGICAL_EVICT_ value");
    if (config->eviction != KVLOGICAL_EVICT_LRU)
        return bad(error, KVCORE_ENOTSUP, config->eviction, "this eviction kind is not supported yet");
    if ((config->allocator.alloc == NULL) != (config->allocator.free == NULL))
        return bad(error, KVCORE_ECONFIG, 0, "allocator needs both alloc and free, or neither");
    if (config->allocator.alloc == NULL) config->allocator = kvcore_allocator_libc();
    return KVCORE_OK;
}

/* Where the parts stand in the one allocation. Block counts are below 2^31, so nothing here overflows 64 bits. */
typedef struct layout {
    uint64_t slots, entries, total;
} layout;

static layout layout_for(uint64_t slot_count) {
    layout l;
    l.slots = (sizeof(manager) + LINE - 1) / LINE * LINE;
    l.entries = l.slots + slot_count * sizeof(slot);
    l.total = l.entries + name_table_capacity(slot_count) * sizeof(name_entry);
    return l;
}

kvcore_status kvlogical_manager_create(const kvlogical_config *given, kvlogical_manager **out, kvcore_error *error) {
    if (out == NULL) return bad(error, KVCORE_EINVAL, 0, "manager must not be NULL");
    *out = NULL;
    kvlogical_config config;
    kvcore_status status = kvcore_config_read(&config, sizeof config, given, error);
    if (status == KVCORE_OK) status = check(&config, error);
    if (status != KVCORE_OK) return status;

    layout l = layout_for(config.block_count);
    void *memory = l.total > SIZE_MAX ? NULL : kvcore_alloc(&config.allocator, 1, (size_t)l.total, LINE);
    if (memory == NULL) return bad(error, KVCORE_ENOMEM, l.total, "no memory for the manager's bytes");

    manager *m = memory;
    *m = (manager){
        .id = atomic_fetch_add(&last_id, 1) + 1,
        .slots = (slot *)(void *)((char *)memory + l.slots),
        .slot_count = (uint32_t)config.block_count,
        .block_tokens = config.block_tokens,
        .reject_duplicates = config.duplicates == KVLOGICAL_DUPLICATES_REJECT,
        .names = {.entries = (name_entry *)(void *)((char *)memory + l.entries),
                  .capacity = name_table_capacity(config.block_count)},
        .eviction = &kvlogical__lru,
        .allocator = config.allocator,
        .memory_bytes = (size_t)l.total,
    };
    atomic_init(&m->own_lock.taken, 0);
    m->lock = &m->own_lock;
    for (uint64_t i = 0; i < m->names.capacity; i++) m->names.entries[i] = (name_entry){NO_SLOT, 0};
    list_init(&m->order.lru);
    list_init(&m->free);
    for (uint32_t i = 0; i < m->slot_count; i++) {
        m->slots[i] = (slot){.state = SLOT_FREE};
        list_push(&m->free, m->slots, i);
    }
    m->in_state[SLOT_FREE] = m->slot_count;
    *out = m;
    return KVCORE_OK;
}

kvcore_status kvlogical_manager_destroy(kvlogical_manager *m) {
    if (m == NULL) return KVCORE_OK;
    lock_take(m->lock);
    bool idle = m->in_state[SLOT_FREE] + m->in_state[SLOT_INACTIVE] == m->slot_count;
    lock_give(m->lock);
    if (!idle) return KVCORE_EBUSY;
    kvcore_allocator allocator = m->allocator;
    size_t bytes = m->memory_bytes;
    m->id = 0; /* a guard used after this has some chance to be refused */
    kvcore_free(&allocator, m, 1, bytes, LINE);
    return KVCORE_OK;
}

uint64_t kvlogical_manager_id(const kvlogical_manager *m) { return m == NULL ? 0 : m->id; }

size_t kvlogical_manager_memory_bytes(const kvlogical_manager *m) { return m == NULL ? 0 : m->memory_bytes; }

kvlogical_counts kvlogical_manager_counts(const kvlogical_manager *m) {
    if (m == NULL) return (kvlogical_counts){0};
    lock_take(m->lock);
    kvlogical_counts counts = {
        .total = m->slot_count,
        .available = (size_t)m->in_state[SLOT_FREE] + m->in_state[SLOT_INACTIVE],
        .free = m->in_state[SLOT_FREE],
        .mutable_blocks = m->in_state[SLOT_MUTABLE],
        .staged = m->in_state[SLOT_STAGED],
        .primary = m->in_state[SLOT_PRIMARY],
        .duplicate = m->in_state[SLOT_DUPLICATE],
        .inactive = m->in_state[SLOT_INACTIVE],
    };
    lock_give(m->lock);
    return counts;
}
