#include <kvradix/residency.h>

#include <pthread.h>

#include "config.h"
#include "table/mix.h"
#include "table/table.h"

/* One key. What a lookup reads of it is the key, written before it is published, and the entry, one word. */
typedef struct record {
    kvcore_hash256 key;
    _Atomic uint64_t entry; /* block index, residency << 32; changed in place */
} record;

struct kvradix_residency {
    pthread_mutex_t writers;
    table table;
};

static uint64_t pack(kvradix_entry entry) { return (uint64_t)entry.residency << 32 | entry.block_index; }

static kvradix_entry entry_of(const record *of) {
    uint64_t word = atomic_load_explicit(&of->entry, memory_order_acquire);
    return (kvradix_entry){(uint32_t)word, (uint32_t)(word >> 32)};
}

static uint64_t hash_of(mix_key key, const void *slot) { return mix32(key, slot); }

/* ---- life ---- */

kvcore_status kvradix_residency_create(const kvradix_config *given, kvradix_residency **index, kvcore_error *error) {
    kvradix_config config;
    kvcore_status status = kvradix__config_read(given, &config, error);
    if (status != KVCORE_OK) return status;
    if (index == NULL)
        return kvcore_fail(error, &(kvcore_error){.code = KVCORE_EINVAL, .index = KVCORE_NO_INDEX}, "index is NULL");
    kvradix_residency *made = kvcore_alloc(&config.allocator, 1, sizeof *made, _Alignof(kvradix_residency));
    if (made == NULL) return KVCORE_ENOMEM;
    status = kvradix__table_init(&made->table, &config, sizeof(record), hash_of);
    if (status == KVCORE_OK && pthread_mutex_init(&made->writers, NULL) != 0) {
        kvradix__table_destroy(&made->table);
        status = KVCORE_ENOMEM;
    }
    if (status != KVCORE_OK) {
        kvcore_free(&config.allocator, made, 1, sizeof *made, _Alignof(kvradix_residency));
        return status;
    }
    *index = made;
    return KVCORE_OK;
}

void kvradix_residency_destroy(kvradix_residency *index) {
    if (index == NULL) return;
    kvcore_allocator allocator = index->table.allocator;
    kvradix__table_destroy(&index->table);
    pthread_mutex_destroy(&index->writers);
    kvcore_free(&allocator, index, 1, sizeof *index, _Alignof(kvradix_residency));
}

/* ---- writers ---- */

static uint32_t find(const table *t, const kvcore_hash256 *key, uint64_t hash) {
    return table_find(t, table_rows_now(t), hash, same32, key);
}

/* Up to TABLE_AHEAD keys side by side: their hashes and where each is, or TABLE_NONE. */
static void find_some(const table *t, const kvradix_handle *handles, size_t count, uint64_t *hashes, uint32_t *slots) {
    const table_rows *rows = table_rows_now(t);
    for (size_t i = 0; i < count; i++) table_prefetch(rows, hashes[i] = mix32(t->key, handles[i].key.bytes));
    for (size_t i = 0; i < count; i++) slots[i] = table_guess(t, rows, hashes[i]);
    for (size_t i = 0; i < count; i++)
        slots[i] = table_find_guessed(t, rows, hashes[i], slots[i], same32, &handles[i].key);
}

/* How many of the keys are unknown; one that occurs twice counts twice. */
static size_t count_unknown(const table *t, const kvradix_handle *handles, size_t count) {
    size_t unknown = 0;
    for (size_t start = 0; start < count; start += TABLE_AHEAD) {
        size_t length = count - start < TABLE_AHEAD ? count - start : TABLE_AHEAD;
        uint64_t hashes[TABLE_AHEAD];
        uint32_t slots[TABLE_AHEAD];
        find_some(t, handles + start, length, hashes, slots);
        for (size_t i = 0; i < length; i++) unknown += slots[i] == TABLE_NONE;
    }
    return unknown;
}

static void add_one(table *t, const kvradix_handle *handle, uint64_t hash) {
    uint32_t slot = kvradix__table_take(t);
    record *fresh = table_slot(t, slot);
    fresh->key = handle->key;
    atomic_store_explicit(&fresh->entry, pack(handle->entry), memory_order_relaxed);
    kvradix__table_publish(t, hash, slot);
}

static void store_some(table *t, const kvradix_handle *handles, size_t count) {
    uint64_t hashes[TABLE_AHEAD];
    uint32_t slots[TABLE_AHEAD];
    find_some(t, handles, count, hashes, slots);
    uint64_t added = 0; /* a bit for some of the hash of each key added here: one that occurs twice is known by then */
    for (size_t i = 0; i < count; i++) {
        uint64_t bit = UINT64_C(1) << (hashes[i] & 63);
        if (slots[i] == TABLE_NONE && (added & bit) != 0) slots[i] = find(t, &handles[i].key, hashes[i]);
        if (slots[i] == TABLE_NONE) {
            add_one(t, &handles[i], hashes[i]);
            added |= bit;
        } else {
            record *known = table_slot(t, slots[i]);
            atomic_store_explicit(&known->entry, pack(handles[i].entry), memory_order_release);
        }
    }
}

/* Without counting what is unknown, if there is room for all. */
static kvcore_status make_room(table *t, const kvradix_handle *handles, size_t count) {
    if (kvradix__table_has_room(t, count, count)) return KVCORE_OK;
    size_t unknown = count_unknown(t, handles, count);
    return kvradix__table_reserve(t, unknown, unknown);
}

static bool handles_valid(const kvradix_handle *handles, size_t count) {
    if (handles == NULL && count > 0) return false;
    for (size_t i = 0; i < count; i++)
        if (handles[i].entry.residency > KVRADIX_REMOTE_ONLY) return false;
    return true;
}

kvcore_status kvradix_residency_store(kvradix_residency *index, const kvradix_handle *handles, size_t count) {
    if (index == NULL || !handles_valid(handles, count)) return KVCORE_EINVAL;
    table *t = &index->table;
    pthread_mutex_lock(&index->writers);
    kvcore_status status = make_room(t, handles, count);
    for (size_t start = 0; status == KVCORE_OK && start < count; start += TABLE_AHEAD)
        store_some(t, handles + start, count - start < TABLE_AHEAD ? count - start : TABLE_AHEAD);
    kvradix__table_settle(t);
    pthread_mutex_unlock(&index->writers);
    return status;
}

static kvcore_status check_budget(const table *t, const kvradix_guardrail *guardrail, size_t unknown,
                                  kvcore_error *error) {
    uint64_t budget = kvradix_guardrail_budget_bytes(guardrail);
    uint64_t estimate = kvradix_guardrail_estimate_bytes(guardrail, table_count(t) + unknown);
    if (estimate <= budget) return KVCORE_OK;
    return kvcore_fail(
        error,
        &(kvcore_error){.code = KVRADIX_EBUDGET, .index = KVCORE_NO_INDEX, .expected = budget, .actual = estimate},
        "%zu entries are estimated at %llu bytes, the budget is %llu", table_count(t) + unknown,
        (unsigned long long)estimate, (unsigned long long)budget);
}

kvcore_status kvradix_residency_store_guarded(kvradix_residency *index, const kvradix_guardrail *guardrail,
                                              const kvradix_handle *handle, kvcore_error *error) {
    if (index == NULL || guardrail == NULL || handle == NULL || !handles_valid(handle, 1))
        return kvcore_fail(error, &(kvcore_error){.code = KVCORE_EINVAL, .index = KVCORE_NO_INDEX},
                           "index, guardrail or handle is NULL, or the handle has no residency");
    table *t = &index->table;
    pthread_mutex_lock(&index->writers);
    size_t unknown = count_unknown(t, handle, 1);
    kvcore_status status = check_budget(t, guardrail, unknown, error);
    if (status == KVCORE_OK) status = kvradix__table_reserve(t, unknown, unknown);
    if (status == KVCORE_OK) store_some(t, handle, 1);
    kvradix__table_settle(t);
    pthread_mutex_unlock(&index->writers);
    return status;
}

kvcore_status kvradix_residency_remove(kvradix_residency *index, const kvcore_hash256 *keys, size_t count,
                                       size_t *removed) {
    if (index == NULL || (keys == NULL && count > 0)) return KVCORE_EINVAL;
    table *t = &index->table;
    size_t known = 0;
    pthread_mutex_lock(&index->writers);
    for (size_t i = 0; i < count; i++) {
        uint64_t hash = mix32(t->key, keys[i].bytes);
        uint32_t slot = find(t, &keys[i], hash);
        if (slot == TABLE_NONE) continue;
        kvradix__table_remove(t, hash, slot);
        known++;
    }
    kvradix__table_settle(t);
    pthread_mutex_unlock(&index->writers);
    if (removed != NULL) *removed = known;
    return KVCORE_OK;
}

/* ---- readers ---- */

bool kvradix_residency_find(const kvradix_residency *index, const kvcore_hash256 *key, kvradix_entry *entry) {
    if (index == NULL || key == NULL) return false;
    const table *t = &index->table;
    epoch_ticket inside = epoch_enter(&t->epochs);
    uint32_t slot = find(t, key, mix32(t->key, key->bytes));
    if (slot != TABLE_NONE && entry != NULL) *entry = entry_of(table_slot(t, slot));
    epoch_leave(inside);
    return slot != TABLE_NONE;
}

/* The rule of a lookup: handles up to the first remote block, keys to prefetch from there on. */
static void add(kvradix_lookup *lookup, const record *found) {
    kvradix_entry entry = entry_of(found);
    if (lookup->prefetch_count == 0 && entry.residency != KVRADIX_REMOTE_ONLY)
        lookup->resident[lookup->resident_count++] = (kvradix_handle){found->key, entry};
    else
        lookup->prefetch[lookup->prefetch_count++] = found->key;
}

kvcore_status kvradix_residency_match(const kvradix_residency *index, const kvcore_hash256 *keys, size_t count,
                                      kvradix_lookup *lookup) {
    if (index == NULL || lookup == NULL || (keys == NULL && count > 0)) return KVCORE_EINVAL;
    if (lookup->capacity < count) return KVCORE_EBUFFER;
    const table *t = &index->table;
    lookup->resident_count = lookup->prefetch_count = 0;
    epoch_ticket inside = epoch_enter(&t->epochs);
    const table_rows *rows = table_rows_now(t);
    bool known = true;
    for (size_t start = 0; known && start < count; start += TABLE_AHEAD) {
        size_t length = count - start < TABLE_AHEAD ? count - start : TABLE_AHEAD;
        uint64_t hashes[TABLE_AHEAD];
        const record *guesses[TABLE_AHEAD];
        for (size_t i = 0; i < length; i++) table_prefetch(rows, hashes[i] = mix32(t->key, keys[start + i].bytes));
        for (size_t i = 0; i < length; i++) {
            uint32_t guess = table_guess(t, rows, hashes[i]);
            guesses[i] = guess != TABLE_NONE ? table_slot(t, guess) : NULL;
        }
        for (size_t i = 0; known && i < length; i++) {
            const record *found = guesses[i];
            if (found == NULL || !same32(found, &keys[start + i])) {
                uint32_t slot = table_find(t, rows, hashes[i], same32, &keys[start + i]);
                known = slot != TABLE_NONE;
                if (known) found = table_slot(t, slot);
            }
            if (known) add(lookup, found);
        }
    }
    epoch_leave(inside);
    lookup->matched = lookup->resident_count + lookup->prefetch_count;
    return KVCORE_OK;
}

size_t kvradix_residency_count(const kvradix_residency *index) {
    return index != NULL ? table_count(&index->table) : 0;
}

size_t kvradix_residency_memory_bytes(const kvradix_residency *index) {
    if (index == NULL) return 0;
    pthread_mutex_t *writers = (pthread_mutex_t *)&index->writers; /* locking does not change what an index holds */
    pthread_mutex_lock(writers);
    size_t bytes = sizeof *index + kvradix__table_memory_bytes(&index->table);
    pthread_mutex_unlock(writers);
    return bytes;
}
