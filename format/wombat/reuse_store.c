#include <kvwombat/reuse_store.h>

/* One allocation an entry: this, then the tenant, then the payload. */
typedef struct entry {
    kvwombat_fingerprint fingerprint;
    kvcore_hash256 prefix_hash;
    uint32_t block_index;
    size_t tenant_bytes;
    size_t payload_bytes;
    uint8_t bytes[];
} entry;

/* Open addressing, linear probing, at most three quarters full; entries are never removed. */
struct kvwombat_reuse_store {
    kvcore_allocator allocator;
    entry **slots;
    size_t capacity; /* a power of two, or 0 */
    size_t count;
};

static kvwombat_block_key key_of(const entry *of) {
    return (kvwombat_block_key){{of->bytes, of->tenant_bytes}, of->fingerprint, of->prefix_hash, of->block_index};
}

/* FNV-1a, 64 bits, over all parts: prefix hashes are uniform, the rest tells copies for several tenants apart. */
static uint64_t mix_bytes(uint64_t state, const void *bytes, size_t size_bytes) {
    const uint8_t *from = bytes;
    for (size_t i = 0; i < size_bytes; i++) state = (state ^ from[i]) * UINT64_C(0x100000001B3);
    return state;
}

static uint64_t hash_key(const kvwombat_block_key *key) {
    uint64_t state = mix_bytes(UINT64_C(0xCBF29CE484222325), key->prefix_hash.bytes, sizeof key->prefix_hash.bytes);
    state = mix_bytes(state, key->fingerprint.bytes, sizeof key->fingerprint.bytes);
    state = mix_bytes(state, key->tenant_id.data, key->tenant_id.size_bytes);
    state = (state ^ key->block_index) * UINT64_C(0x9E3779B97F4A7C15);
    return state ^ state >> 32;
}

/* Where the key is, or the free slot where it would go. There is always a free one. */
static size_t find_slot(entry *const *slots, size_t capacity, const kvwombat_block_key *key) {
    size_t at = (size_t)hash_key(key) & (capacity - 1);
    for (; slots[at] != NULL; at = (at + 1) & (capacity - 1)) {
        kvwombat_block_key held = key_of(slots[at]);
        if (kvwombat_block_key_compare(&held, key) == 0) break;
    }
    return at;
}

/* Room for `more` further entries. */
static kvcore_status reserve(kvwombat_reuse_store *store, size_t more) {
    size_t needed, capacity = store->capacity > 0 ? store->capacity : 16;
    if (__builtin_add_overflow(store->count, more, &needed)) return KVCORE_ENOMEM;
    while (capacity / 4 * 3 < needed)
        if (__builtin_mul_overflow(capacity, (size_t)2, &capacity)) return KVCORE_ENOMEM;
    if (capacity == store->capacity) return KVCORE_OK;
    entry **slots = kvcore_alloc(&store->allocator, capacity, sizeof(entry *), _Alignof(entry *));
    if (slots == NULL) return KVCORE_ENOMEM;
    for (size_t i = 0; i < capacity; i++) slots[i] = NULL;
    for (size_t i = 0; i < store->capacity; i++)
        if (store->slots[i] != NULL) {
            kvwombat_block_key key = key_of(store->slots[i]);
            slots[find_slot(slots, capacity, &key)] = store->slots[i];
        }
    kvcore_free(&store->allocator, store->slots, store->capacity, sizeof(entry *), _Alignof(entry *));
    store->slots = slots;
    store->capacity = capacity;
    return KVCORE_OK;
}

static void free_entry(kvwombat_reuse_store *store, entry *old) {
    if (old == NULL) return;
    kvcore_free(&store->allocator, old, 1, sizeof(entry) + old->tenant_bytes + old->payload_bytes, _Alignof(entry));
}

static entry *make_entry(kvwombat_reuse_store *store, const kvwombat_block_key *key, kvcore_bytes payload) {
    size_t size;
    if (__builtin_add_overflow(sizeof(entry), key->tenant_id.size_bytes, &size) ||
        __builtin_add_overflow(size, payload.size_bytes, &size))
        return NULL;
    entry *made = kvcore_alloc(&store->allocator, 1, size, _Alignof(entry));
    if (made == NULL) return NULL;
    made->fingerprint = key->fingerprint;
    made->prefix_hash = key->prefix_hash;
    made->block_index = key->block_index;
    made->tenant_bytes = key->tenant_id.size_bytes;
    made->payload_bytes = payload.size_bytes;
    if (made->tenant_bytes > 0) memcpy(made->bytes, key->tenant_id.data, made->tenant_bytes);
    if (made->payload_bytes > 0) memcpy(made->bytes + made->tenant_bytes, payload.data, made->payload_bytes);
    return made;
}

/* Cannot fail: there is room. */
static void place(kvwombat_reuse_store *store, entry *made) {
    kvwombat_block_key key = key_of(made);
    size_t at = find_slot(store->slots, store->capacity, &key);
    if (store->slots[at] == NULL) store->count++;
    free_entry(store, store->slots[at]);
    store->slots[at] = made;
}

kvcore_status kvwombat_reuse_store_create(const kvcore_allocator *allocator, kvwombat_reuse_store **store) {
    if (store == NULL) return KVCORE_EINVAL;
    kvcore_allocator from = allocator != NULL ? *allocator : kvcore_allocator_libc();
    kvwombat_reuse_store *made = kvcore_alloc(&from, 1, sizeof *made, _Alignof(kvwombat_reuse_store));
    if (made == NULL) return KVCORE_ENOMEM;
    *made = (kvwombat_reuse_store){.allocator = from};
    *store = made;
    return KVCORE_OK;
}

void kvwombat_reuse_store_destroy(kvwombat_reuse_store *store) {
    if (store == NULL) return;
    for (size_t i = 0; i < store->capacity; i++) free_entry(store, store->slots[i]);
    kvcore_free(&store->allocator, store->slots, store->capacity, sizeof(entry *), _Alignof(entry *));
    kvcore_allocator from = store->allocator;
    kvcore_free(&from, store, 1, sizeof *store, _Alignof(kvwombat_reuse_store));
}

size_t kvwombat_reuse_store_count(const kvwombat_reuse_store *store) { return store != NULL ? store->count : 0; }

kvcore_status kvwombat_reuse_store_put(kvwombat_reuse_store *store, const kvwombat_block_key *key,
                                       kvcore_bytes payload) {
    if (store == NULL || key == NULL || (payload.data == NULL && payload.size_bytes > 0)) return KVCORE_EINVAL;
    kvcore_status status = reserve(store, 1);
    if (status != KVCORE_OK) return status;
    entry *made = make_entry(store, key, payload);
    if (made == NULL) return KVCORE_ENOMEM;
    place(store, made);
    return KVCORE_OK;
}

kvcore_status kvwombat_reuse_store_publish(kvwombat_reuse_store *store, const kvwombat_reuse_prefix *prefix) {
    if (store == NULL || prefix == NULL) return KVCORE_EINVAL;
    size_t count = prefix->block_count;
    if (count != prefix->payload_count) return KVCORE_EINVAL;
    if (count > UINT32_MAX) return KVCORE_EOVERFLOW;
    if (count == 0) return KVCORE_OK;
    if (prefix->blocks == NULL || prefix->payloads == NULL) return KVCORE_EINVAL;
    kvcore_status status = reserve(store, count);
    if (status != KVCORE_OK) return status;
    entry **made = kvcore_alloc(&store->allocator, count, sizeof(entry *), _Alignof(entry *));
    if (made == NULL) return KVCORE_ENOMEM;
    kvwombat_block_key key = {.tenant_id = prefix->tenant_id, .fingerprint = prefix->fingerprint};
    key.prefix_hash = kvwombat_prefix_seed(prefix->tenant_id, &prefix->fingerprint);
    size_t done = 0;
    for (; done < count; done++) {
        key.prefix_hash = kvwombat_prefix_extend(&key.prefix_hash, prefix->blocks[done]);
        key.block_index = (uint32_t)done;
        made[done] = make_entry(store, &key, prefix->payloads[done]);
        if (made[done] == NULL) break;
    }
    for (size_t i = 0; i < done; i++) {
        if (done == count)
            place(store, made[i]);
        else
            free_entry(store, made[i]);
    }
    kvcore_free(&store->allocator, made, count, sizeof(entry *), _Alignof(entry *));
    return done == count ? KVCORE_OK : KVCORE_ENOMEM;
}

size_t kvwombat_reuse_store_lookup(const kvwombat_reuse_store *store, const kvwombat_block_key *keys, size_t count,
                                   kvcore_bytes *payloads) {
    if (store == NULL || keys == NULL) return 0;
    if (store->capacity == 0) return 0;
    for (size_t i = 0; i < count; i++) {
        const entry *held = store->slots[find_slot(store->slots, store->capacity, &keys[i])];
        if (held == NULL) return i;
        if (payloads != NULL) payloads[i] = (kvcore_bytes){held->bytes + held->tenant_bytes, held->payload_bytes};
    }
    return count;
}
