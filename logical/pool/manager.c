/* Making and unmaking a manager: configuration, the layout of its memory, counts. */
#include "pool/manager.h"

#include <kvcore/config.h>
#include <kvcore/random.h>

#define LINE 64
#define HISTORY_MOST 65536
#define HANDLES_DEFAULT 64
#define GROUPS_MOST 16

static kvcore_status bad(kvcore_error *error, kvcore_status code, uint64_t actual, const char *text) {
    return kvcore_fail(error, &(kvcore_error){.code = code, .index = KVCORE_NO_INDEX, .actual = actual}, "%s, got %llu",
                       text, (unsigned long long)actual);
}

/* ---- configuration ---- */

/* May a name have several slots that are found? */
static bool shares_keys(const kvlogical_config *config) {
    return config->duplicates == KVLOGICAL_DUPLICATES_KEEP || config->groups > 0;
}

static kvcore_status check_eviction(kvlogical_config *config, kvcore_error *error) {
    const eviction *policy = kvlogical__eviction(config->eviction);
    if (policy == NULL)
        return bad(error, KVCORE_ECONFIG, config->eviction, "eviction must be a KVLOGICAL_EVICT_ value");
    if (shares_keys(config) && policy->uses_slot_lineage)
        return bad(error, KVCORE_ECONFIG, config->eviction, "this eviction has neither kept duplicates nor groups");
    return policy->check != NULL ? policy->check(config, error) : KVCORE_OK;
}

static kvcore_status check(kvlogical_config *config, kvcore_error *error) {
    if (config->block_count == 0) return bad(error, KVCORE_ECONFIG, 0, "block_count must be greater than 0");
    if (config->block_count > KVLOGICAL_BLOCK_COUNT_MAX)
        return bad(error, KVCORE_ECONFIG, config->block_count, "block_count must be at most 2147483647");
    if (config->block_tokens == 0) config->block_tokens = KVLOGICAL_BLOCK_TOKENS_DEFAULT;
    if (config->block_tokens > KVLOGICAL_BLOCK_TOKENS_MAX || (config->block_tokens & (config->block_tokens - 1)) != 0)
        return bad(error, KVCORE_ECONFIG, config->block_tokens, "block_tokens must be a power of 2 between 1 and 1024");
    if (config->duplicates > KVLOGICAL_DUPLICATES_KEEP)
        return bad(error, KVCORE_ECONFIG, config->duplicates, "duplicates must be a KVLOGICAL_DUPLICATES_ value");
    if (config->free_order > KVLOGICAL_FREE_FRONT)
        return bad(error, KVCORE_ECONFIG, config->free_order, "free_order must be a KVLOGICAL_FREE_ value");
    if (config->groups > GROUPS_MOST) return bad(error, KVCORE_ECONFIG, config->groups, "groups must be at most 16");
    if (config->registry != NULL && config->registry->own_by_manager)
        return bad(error, KVCORE_ECONFIG, config->registry->id, "registry must not be another manager's private one");
    if (config->registry != NULL && config->frequency_capacity != 0)
        return bad(error, KVCORE_ECONFIG, config->frequency_capacity,
                   "frequency_capacity is for a private registry only");
    if ((config->allocator.alloc == NULL) != (config->allocator.free == NULL))
        return bad(error, KVCORE_ECONFIG, 0, "allocator needs both alloc and free, or neither");
    if (config->history != KVLOGICAL_HISTORY_NONE && config->history > HISTORY_MOST * 256u)
        return bad(error, KVCORE_ECONFIG, config->history, "history must be at most 16777216");
    if (config->handle_capacity > UINT32_MAX / 2)
        return bad(error, KVCORE_ECONFIG, config->handle_capacity, "handle_capacity must be below 2^31");
    if (config->reserved != 0) return bad(error, KVCORE_EINVAL, config->reserved, "reserved must be 0");
    uint32_t prover_bits = kvhash_prover_bits(config->prover);
    if (config->proof_bits == 0) config->proof_bits = prover_bits;
    if (config->proof_bits != 0 && config->proof_bits != 64 && config->proof_bits != 128 &&
        config->proof_bits != KVLOGICAL_PROOFS_NONE)
        return bad(error, KVCORE_ECONFIG, config->proof_bits, "proof_bits must be 0, 64, 128 or KVLOGICAL_PROOFS_NONE");
    if (config->prover != NULL && config->proof_bits != prover_bits)
        return bad(error, KVCORE_ECONFIG, config->proof_bits, "proof_bits must be those of the prover");
    if (config->frequency_capacity > UINT64_C(1) << 40)
        return bad(error, KVCORE_ECONFIG, config->frequency_capacity, "frequency_capacity must be at most 2^40");
    return check_eviction(config, error);
}

static kvcore_status read_config(kvlogical_config *config, const kvlogical_config *given, kvcore_error *error) {
    kvcore_status status = kvcore_config_read(config, sizeof *config, given, error);
    return status == KVCORE_OK ? check(config, error) : status;
}

/* ---- memory ---- */

static uint64_t history_places(const kvlogical_config *config) {
    uint64_t wanted = config->history;
    if (wanted == KVLOGICAL_HISTORY_NONE) return 0;
    if (wanted == 0) wanted = config->block_count / 8 < HISTORY_MOST ? config->block_count / 8 : HISTORY_MOST;
    uint64_t places = 16;
    while (places * 2 <= wanted) places *= 2;
    return places;
}

/* 64-bit words a block. */
static uint32_t proof_words(const kvlogical_config *config) {
    return config->proof_bits == 0 || config->proof_bits == KVLOGICAL_PROOFS_NONE ? 0 : config->proof_bits / 64;
}

/* A policy that leaves the last words of a slot alone has them for proofs, which are read with the slot then. */
static bool proofs_in_slots(const kvlogical_config *config) {
    bool sketch = config->registry != NULL ? config->registry->frequency != NULL : config->frequency_capacity > 0;
    return !kvlogical__eviction(config->eviction)->uses_slot_lineage && !sketch && !shares_keys(config);
}

/* Where the parts stand in the one block of memory, each at a multiple of a line. Block counts are below 2^31 and the other
 * counts bounded by check(), so nothing here overflows 64 bits. */
typedef struct layout {
    uint64_t registry, slots, names, order, history, proofs, promises, frequency, records, total;
} layout;

static layout layout_for(const kvlogical_config *config, bool fixed) {
    layout l;
    uint64_t at = 0;
#define PART(field, bytes)                                \
    do {                                                  \
        at = (at + LINE - 1) / LINE * LINE, l.field = at; \
        at += (bytes);                                    \
    } while (0)
    PART(total, sizeof(manager));
    PART(registry, config->registry == NULL ? sizeof(registry) : 0);
    PART(slots, config->block_count * sizeof(slot));
    PART(names, name_table_capacity(config->block_count) * sizeof(name_entry));
    PART(order, kvlogical__eviction(config->eviction)->bytes(config->block_count));
    PART(history, history_places(config) * sizeof(departure));
    PART(proofs, proofs_in_slots(config) ? 0 : config->block_count * proof_words(config) * sizeof(uint64_t));
    PART(promises, config->promises ? name_table_capacity(config->block_count) * sizeof(name_entry) : 0);
    PART(frequency, config->frequency_capacity > 0 ? kvlogical__frequency_bytes(config->frequency_capacity) : 0);
    PART(records,
         fixed ? kvlogical__records_bytes(config->handle_capacity > 0 ? config->handle_capacity : HANDLES_DEFAULT) : 0);
#undef PART
    l.total = at;
    return l;
}

static void *part(void *memory, uint64_t offset) { return (char *)memory + offset; }

/* ---- making ---- */

/* After the registry is there. */
static void make_order(manager *m, const kvlogical_config *config, void *memory) {
    const eviction *policy = kvlogical__eviction(config->eviction);
    m->tier.names.by_lineage = policy->names_by_lineage;
    m->counters_in_slots = m->registry->frequency != NULL && !policy->uses_slot_lineage && !m->tier.shares_keys &&
                           kvlogical__frequency_compact(m->registry->frequency);
    m->order = (order){.policy = policy,
                       .slots = m->tier.slots,
                       .slot_count = m->tier.slot_count,
                       .names = &m->tier.names,
                       .memory = memory,
                       .tracker = &m->registry->tracker,
                       .frequency = m->counters_in_slots ? m->registry->frequency : NULL};
    policy->init(&m->order, config);
}

static void make_private_registry(manager *m, const kvlogical_config *config, void *memory, const layout *l,
                                  bool fixed) {
    registry *r = m->registry = part(memory, l->registry);
    kvlogical__registry_init(r, m->tier.id, m->tier.names.key, &m->allocator, 0);
    r->own_by_manager = true;
    r->fixed = r->records.fixed = fixed;
    if (config->frequency_capacity > 0) {
        r->frequency = kvlogical__frequency_init(part(memory, l->frequency), config->frequency_capacity, 0);
        r->tracker = kvlogical_frequency_tracker(r->frequency);
    }
    if (fixed)
        kvlogical__records_place(&r->records, part(memory, l->records),
                                 (uint32_t)(config->handle_capacity > 0 ? config->handle_capacity : HANDLES_DEFAULT));
}

static void place_proofs(tier *t, void *memory, bool in_slots) {
    if (t->proof_words == 0) return;
    t->proofs = in_slots ? (char *)t->slots[0].proof : memory;
    t->proof_stride = in_slots ? (uint32_t)sizeof(slot) : t->proof_words * (uint32_t)sizeof(uint64_t);
}

static manager *make(const kvlogical_config *config, void *memory, const layout *l, name_key key, bool fixed) {
    manager *m = memory;
    *m = (manager){
        .tier = {.id = kvlogical__next_id(),
                 .number = config->tier,
                 .label = config->tier_label,
                 .slots = part(memory, l->slots),
                 .slot_count = (uint32_t)config->block_count,
                 .shares_keys = shares_keys(config),
                 .groups = config->groups > 1 ? config->groups : 1,
                 .names = {.entries = part(memory, l->names),
                           .capacity = name_table_capacity(config->block_count),
                           .key = key},
                 .proof_words = proof_words(config)},
        .prover = proof_words(config) == 0 ? NULL : config->prover,
        .registry = config->registry,
        .block_tokens = config->block_tokens,
        .reject_duplicates = config->duplicates == KVLOGICAL_DUPLICATES_REJECT,
        .keep_duplicates = config->duplicates == KVLOGICAL_DUPLICATES_KEEP,
        .has_groups = config->groups > 0,
        .free_to_front = config->free_order == KVLOGICAL_FREE_FRONT,
        .reset_on_release = config->reset_on_release,
        .history_mask = UINT32_MAX,
        .start_ns = coarse_ns(),
        .allocator = config->allocator,
        .memory_bytes = (size_t)l->total,
    };
    if (m->registry == NULL) make_private_registry(m, config, memory, l, fixed);
    place_proofs(&m->tier, part(memory, l->proofs), proofs_in_slots(config));
    name_table_clear(&m->tier.names);
    if (config->promises) {
        m->promises.entries = part(memory, l->promises);
        m->promises.capacity = name_table_capacity(config->block_count);
        m->promises.key = key;
        name_table_clear(&m->promises);
    }
    make_order(m, config, part(memory, l->order));
    uint64_t places = history_places(config);
    if (places > 0) {
        m->history = part(memory, l->history);
        m->history_mask = (uint32_t)places - 1;
        memset(m->history, 0, (size_t)places * sizeof *m->history);
    }
    list_init(&m->free);
    for (uint32_t i = 0; i < m->tier.slot_count; i++) {
        m->tier.slots[i] = (slot){.state = SLOT_FREE, .reset_on_release = m->reset_on_release};
        list_push(&m->free, m->tier.slots, i);
    }
    m->in_state[SLOT_FREE] = m->tier.slot_count;
    kvlogical__registry_join(m->registry, &m->tier);
    return m;
}

static kvcore_status make_key(name_key *key, kvcore_error *error) {
    kvcore_status status = kvcore_random_fill(key, sizeof *key);
    return status == KVCORE_OK ? KVCORE_OK : bad(error, status, sizeof *key, "the system gives no random bytes");
}

/* The prover of a manager that verifies and was given none. */
static kvcore_status make_prover(kvlogical_config *config, kvhash_prover **made, kvcore_error *error) {
    if (proof_words(config) == 0 || config->prover != NULL) return KVCORE_OK;
    kvhash_prover_config own = KVHASH_PROVER_CONFIG_INIT;
    own.bits = config->proof_bits;
    own.allocator = config->allocator;
    kvcore_status status = kvhash_prover_create(&own, made, error);
    config->prover = *made;
    return status;
}

kvcore_status kvlogical_manager_create(const kvlogical_config *given, kvlogical_manager **out, kvcore_error *error) {
    if (out == NULL) return bad(error, KVCORE_EINVAL, 0, "manager must not be NULL");
    *out = NULL;
    kvlogical_config config;
    kvcore_status status = read_config(&config, given, error);
    if (status != KVCORE_OK) return status;
    if (config.allocator.alloc == NULL) config.allocator = kvcore_allocator_libc();
    if (config.proof_bits == 0) config.proof_bits = 64;
    name_key key;
    status = make_key(&key, error);
    kvhash_prover *own = NULL;
    if (status == KVCORE_OK) status = make_prover(&config, &own, error);
    if (status != KVCORE_OK) return status;
    layout l = layout_for(&config, false);
    void *memory = l.total > SIZE_MAX ? NULL : kvcore_alloc(&config.allocator, 1, (size_t)l.total, LINE);
    if (memory == NULL) {
        kvhash_prover_destroy(own);
        return bad(error, KVCORE_ENOMEM, l.total, "no memory for the manager's bytes");
    }
    *out = make(&config, memory, &l, key, false);
    (*out)->own_prover = own;
    return KVCORE_OK;
}

static kvcore_status read_config_in(kvlogical_config *config, const kvlogical_config *given, kvcore_error *error) {
    kvcore_status status = read_config(config, given, error);
    if (status == KVCORE_OK && config->registry != NULL)
        return bad(error, KVCORE_ECONFIG, 0, "a manager in the caller's memory has a private registry");
    if (status == KVCORE_OK && config->allocator.alloc != NULL)
        return bad(error, KVCORE_ECONFIG, 0, "a manager in the caller's memory has no allocator");
    return status;
}

kvcore_status kvlogical_manager_bytes(const kvlogical_config *given, size_t *bytes, kvcore_error *error) {
    if (bytes == NULL) return bad(error, KVCORE_EINVAL, 0, "bytes must not be NULL");
    kvlogical_config config;
    kvcore_status status = read_config_in(&config, given, error);
    if (status != KVCORE_OK) return status;
    uint64_t total = layout_for(&config, true).total;
    if (total > SIZE_MAX) return bad(error, KVCORE_EOVERFLOW, total, "the manager's bytes do not fit in memory");
    *bytes = (size_t)total;
    return KVCORE_OK;
}

kvcore_status kvlogical_manager_create_in(const kvlogical_config *given, void *memory, size_t bytes,
                                          kvlogical_manager **out, kvcore_error *error) {
    if (out == NULL || memory == NULL || (uintptr_t)memory % LINE != 0)
        return bad(error, KVCORE_EINVAL, 0, "manager and memory at a multiple of 64 must be given");
    *out = NULL;
    kvlogical_config config;
    kvcore_status status = read_config_in(&config, given, error);
    if (status != KVCORE_OK) return status;
    name_key key;
    status = make_key(&key, error);
    if (status != KVCORE_OK) return status;
    layout l = layout_for(&config, true);
    if (bytes < l.total)
        return kvcore_fail(
            error,
            &(kvcore_error){.code = KVCORE_EBUFFER, .index = KVCORE_NO_INDEX, .expected = l.total, .actual = bytes},
            "the manager needs %llu bytes, got %zu", (unsigned long long)l.total, bytes);
    *out = make(&config, memory, &l, key, true);
    return KVCORE_OK;
}

/* ---- unmaking ---- */

kvcore_status kvlogical_manager_destroy(kvlogical_manager *m) {
    if (m == NULL) return KVCORE_OK;
    registry *r = m->registry;
    bool private = r->own_by_manager;
    lock_take(&r->lock);
    bool idle = m->in_state[SLOT_FREE] + m->in_state[SLOT_INACTIVE] == m->tier.slot_count && m->weak_guards == 0;
    if (private) { /* handles and subscriptions are of the registry that would go */
        for (uint32_t row = 0; row < r->records.used; row++) idle = idle && r->records.rows[row].holds == 0;
        idle = idle && r->events.subscriptions == 0;
    }
    if (idle) kvlogical__registry_leave(r, &m->tier);
    registry_give(r);
    if (!idle) return KVCORE_EBUSY;
    if (private) kvlogical__registry_clear(r);
    kvcore_allocator allocator = m->allocator;
    size_t bytes = m->memory_bytes;
    kvhash_prover_destroy(m->own_prover);
    m->tier.id = 0; /* a guard used after this has some chance to be refused */
    if (allocator.free != NULL) kvcore_free(&allocator, m, 1, bytes, LINE);
    return KVCORE_OK;
}

/* ---- questions ---- */

uint64_t kvlogical_manager_id(const kvlogical_manager *m) { return m == NULL ? 0 : m->tier.id; }

kvlogical_registry *kvlogical_manager_registry(const kvlogical_manager *m) { return m == NULL ? NULL : m->registry; }

const kvhash_prover *kvlogical_manager_prover(const kvlogical_manager *m) { return m == NULL ? NULL : m->prover; }

size_t kvlogical_manager_memory_bytes(const kvlogical_manager *m) {
    return m == NULL ? 0 : m->memory_bytes + kvhash_prover_memory_bytes(m->own_prover);
}

uint32_t kvlogical_manager_block_tokens(const kvlogical_manager *m) { return m == NULL ? 0 : m->block_tokens; }

kvcore_status kvlogical_manager_read_counts(const kvlogical_manager *m, kvlogical_counts *out) {
    if (m == NULL || out == NULL) return KVCORE_EINVAL;
    manager_take(m);
    kvlogical_counts counts = {
        .total = m->tier.slot_count,
        .available = (size_t)m->in_state[SLOT_FREE] + m->in_state[SLOT_INACTIVE],
        .free = m->in_state[SLOT_FREE],
        .mutable_blocks = m->in_state[SLOT_MUTABLE],
        .staged = m->in_state[SLOT_STAGED],
        .primary = m->in_state[SLOT_PRIMARY],
        .duplicate = m->in_state[SLOT_DUPLICATE],
        .inactive = m->in_state[SLOT_INACTIVE],
        .withdrawn = m->in_state[SLOT_WITHDRAWN],
        .pending = m->in_state[SLOT_PENDING],
    };
    manager_give(m);
    return kvcore_result_write(out, &counts, sizeof counts, NULL);
}
