/* What goes on beside transfers: the scan of what is there, who evicts, and what. */
#include "internal.h"

#include <string.h>

enum { EVICT_BATCH = 256, KEEP_EVERY_S = 30 };

/* ---- the scan ---- */

bool kvstore__entry_of(const char *key, size_t key_bytes, kvstore_entry *entry) {
    entry->key = (kvcore_bytes){key, key_bytes};
    return kvstore_block_key_parse((kvcore_bytes){NULL, 0}, entry->key, &entry->identity, &entry->name);
}

static bool take_entry(void *ctx, const char *key, size_t key_bytes, uint64_t object_bytes, uint64_t disk_bytes,
                       uint64_t modified_ns) {
    kvstore *store = ctx;
    kvstore_entry entry;
    bool ours = kvstore__entry_of(key, key_bytes, &entry) && object_bytes >= KVSTORE_TRAILER_BYTES, made = false;
    kvstore__lock(store);
    kvstore_space *space = ours ? kvstore__space_of(store, &entry.identity, true) : NULL;
    if (space == NULL) {
        store->stats.ignored_entries++;
    } else {
        uint32_t at = kvstore__catalog_insert(&store->catalog, space->id, entry.name, &made);
        if (at == KVSTORE_NONE) {
            store->scan_failed = true;
        } else {
            kvstore_record *record = kvstore__catalog_record(&store->catalog, at);
            record->generation = store->generation;
            kvstore__catalog_resize(&store->catalog, at, disk_bytes);
            if (made) record->flags |= KVSTORE_COLD;
            if (made) record->used_s = (uint32_t)(modified_ns / KVSTORE_SECOND);
        }
        if (made) kvstore__tell_block(store, space->id, entry.name, KVHASH_EVENT_CREATE);
    }
    kvstore__unlock(store);
    return true;
}

/* What the scan did not meet is gone. */
static void drop_unseen(kvstore *store) {
    for (uint32_t at = store->catalog.oldest, next; at != KVSTORE_NONE; at = next) {
        const kvstore_record *record = kvstore__catalog_record(&store->catalog, at);
        next = record->newer;
        if (record->generation == store->generation) continue;
        kvhash_plh name = kvstore__catalog_name(record);
        uint16_t space = record->space;
        kvstore__catalog_remove(&store->catalog, at);
        kvstore__tell_block(store, space, name, KVHASH_EVENT_REMOVE);
    }
}

bool kvstore__scan_step(kvstore *store) {
    kvcore_status status = store->backend.list(store->backend.ctx, "", &store->cursor, take_entry, store, NULL);
    if (status != KVCORE_OK) store->scan_failed = true;
    if (status == KVCORE_OK && store->cursor != NULL) return true;
    if (store->cursor != NULL) store->backend.list_end(store->backend.ctx, store->cursor);
    store->cursor = NULL;
    kvstore__lock(store);
    if (!store->scan_failed) drop_unseen(store);
    if (!kvstore__catalog_settle(&store->catalog)) store->scan_failed = true;
    store->scanning = false;
    store->complete = store->limits.exclusive && !store->scan_failed;
    store->evict_wanted = store->backend.evicts;
    uint64_t every = store->limits.rescan_seconds;
    store->rescan_next_ns = every == 0 ? UINT64_MAX : kvstore__now(store) + every * KVSTORE_SECOND;
    kvstore__unlock(store);
    return false;
}

static void begin_scan(kvstore *store) {
    kvstore__lock(store);
    store->scanning = true;
    store->scan_failed = false;
    store->generation++;
    kvstore__unlock(store);
}

kvcore_status kvstore_scan(kvstore *store, kvcore_error *error) {
    if (store == NULL) return refuse_field(error, KVCORE_EINVAL, 0, "store is NULL");
    if (!store->scanning) begin_scan(store);
    while (kvstore__scan_step(store)) {}
    return store->scan_failed
               ? refuse_field(error, KVCORE_EIO, 0, "the objects cannot be listed, or not held in memory")
               : KVCORE_OK;
}

/* ---- pins ---- */

static bool is_pinned(kvstore *store, kvstore_record *record, uint64_t now_ns) {
    if ((record->flags & KVSTORE_PINNED) == 0) return false;
    kvhash_plh name = kvstore__catalog_name(record);
    for (size_t i = 0; i < store->pin_count; i++) {
        const kvstore__pin *pin = &store->pins[i];
        if (pin->space != record->space || !kvhash_plh_equal(pin->name, name)) continue;
        if (now_ns < pin->until_ns) return true;
        store->pins[i] = store->pins[--store->pin_count];
        break;
    }
    record->flags &= (uint8_t)~KVSTORE_PINNED;
    return false;
}

/* ---- eviction ---- */

typedef struct victim {
    kvstore_identity identity;
    char tenant[KVSTORE_TENANT_MAX_BYTES + 1];
    kvhash_plh name;
    uint64_t disk_bytes;
    uint64_t idle_s;
    uint16_t space;
} victim;

/* Is there too much, and of what? KVSTORE_EVICTED_REASONS: no. */
static int too_much(const kvstore *store, const kvstore_record *coldest) {
    const kvstore_limits *limits = &store->limits;
    uint64_t bytes = store->catalog.bytes, free = store->stats.free_bytes;
    if (limits->max_bytes > 0 && bytes > limits->max_bytes) return KVSTORE_EVICTED_BYTES;
    if (limits->max_blocks > 0 && store->catalog.count > limits->max_blocks) return KVSTORE_EVICTED_BLOCKS;
    if (limits->min_free_bytes > 0 && store->room_next_ns > 0 && free < limits->min_free_bytes)
        return KVSTORE_EVICTED_FREE_SPACE;
    uint64_t wall_s = kvstore__wall(store) / KVSTORE_SECOND;
    if (limits->ttl_seconds > 0 && wall_s > coldest->used_s && wall_s - coldest->used_s > limits->ttl_seconds)
        return KVSTORE_EVICTED_TTL;
    return KVSTORE_EVICTED_REASONS;
}

/* The coldest block that may go, off the catalog. */
static bool pick(kvstore *store, victim *chosen) {
    uint64_t now = kvstore__now(store), wall_s = kvstore__wall(store) / KVSTORE_SECOND;
    for (uint32_t at = store->catalog.oldest; at != KVSTORE_NONE;) {
        kvstore_record *record = kvstore__catalog_record(&store->catalog, at);
        uint32_t next = record->newer;
        if (!is_pinned(store, record, now)) {
            const kvstore_space *space = store->spaces[record->space];
            *chosen = (victim){.identity = space->identity,
                               .name = kvstore__catalog_name(record),
                               .disk_bytes = (uint64_t)record->sectors * 512,
                               .idle_s = wall_s > record->used_s ? wall_s - record->used_s : 0,
                               .space = record->space};
            kvstore__catalog_remove(&store->catalog, at);
            kvstore__tell_block(store, chosen->space, chosen->name, KVHASH_EVENT_REMOVE);
            return true;
        }
        at = next;
    }
    return false;
}

static bool remove_object(kvstore *store, const kvstore_identity *identity, kvhash_plh name) {
    char key[KVSTORE_KEY_BYTES];
    kvstore_transfer transfer = {.request = KVSTORE_TRANSFER_REMOVE, .key = key};
    if (kvstore_block_key((kvcore_bytes){NULL, 0}, identity, name, key, sizeof key, &transfer.key_bytes) != KVCORE_OK)
        return false;
    return kvstore__transfer(store, &transfer, NULL) == KVCORE_OK;
}

/* Bytes first counted as gone, then removed: a file that stays is found again by the next scan. */
size_t kvstore__evict(kvstore *store, uint64_t down_to_bytes, int reason, size_t most) {
    size_t count = 0;
    kvstore__lock(store);
    bool may = store->keeper || store->backend.keep == NULL;
    kvstore__unlock(store);
    if (!may) return 0;
    for (; count < most; count++) {
        victim chosen;
        kvstore__lock(store);
        bool more =
            store->catalog.count > 0 && (reason == KVSTORE_EVICTED_FREE_SPACE || store->catalog.bytes > down_to_bytes);
        bool picked = more && pick(store, &chosen);
        if (picked) {
            store->stats.evicted_blocks[reason]++;
            store->stats.evicted_bytes += chosen.disk_bytes;
            if (store->stats.youngest_evicted_seconds == 0 || chosen.idle_s < store->stats.youngest_evicted_seconds)
                store->stats.youngest_evicted_seconds = chosen.idle_s;
            store->stats.free_bytes += chosen.disk_bytes;
        }
        kvstore__unlock(store);
        if (!picked) break;
        (void)remove_object(store, &chosen.identity, chosen.name);
    }
    return count;
}

/* Down to 95 % of the limit that was passed. */
static bool evict_some(kvstore *store) {
    kvstore__lock(store);
    const kvstore_limits *limits = &store->limits;
    bool any = store->catalog.count > 0;
    int reason = any ? too_much(store, kvstore__catalog_record(&store->catalog, store->catalog.oldest))
                     : KVSTORE_EVICTED_REASONS;
    uint64_t bytes = store->catalog.bytes, count = store->catalog.count;
    kvstore__unlock(store);
    size_t most = EVICT_BATCH;
    uint64_t down_to = 0;
    switch (reason) {
    case KVSTORE_EVICTED_BYTES: down_to = limits->max_bytes - limits->max_bytes / 20; break;
    case KVSTORE_EVICTED_BLOCKS: {
        uint64_t over = count - (limits->max_blocks - limits->max_blocks / 20);
        most = over < EVICT_BATCH ? (size_t)over : EVICT_BATCH;
        break;
    }
    case KVSTORE_EVICTED_FREE_SPACE: most = 16; break; /* then the file system is asked again */
    case KVSTORE_EVICTED_TTL: most = 1; break;         /* each is looked at */
    default: return false;
    }
    size_t evicted = kvstore__evict(store, down_to, reason, most);
    if (reason == KVSTORE_EVICTED_FREE_SPACE) store->room_next_ns = 0;
    (void)bytes;
    return evicted > 0;
}

kvcore_status kvstore_evict_to(kvstore *store, uint64_t bytes, uint64_t *evicted, kvcore_error *error) {
    if (store == NULL) return refuse_field(error, KVCORE_EINVAL, 0, "store is NULL");
    if (!store->backend.evicts) return refuse_field(error, KVCORE_ENOTSUP, 0, "this store does not evict");
    if (!store->keeper && store->backend.keep != NULL) {
        bool won = store->backend.keep(store->backend.ctx);
        kvstore__lock(store);
        store->keeper = won;
        kvstore__unlock(store);
        if (!won) return refuse_field(error, KVCORE_EBUSY, 0, "another process is the keeper");
    }
    uint64_t sum = 0;
    for (size_t count; (count = kvstore__evict(store, bytes, KVSTORE_EVICTED_BYTES, EVICT_BATCH)) > 0;) sum += count;
    if (evicted != NULL) *evicted = sum;
    return KVCORE_OK;
}

/* ---- one round ---- */

static void ask_room(kvstore *store, uint64_t now_ns) {
    uint64_t free = 0, total = 0;
    if (store->backend.room == NULL || now_ns < store->room_next_ns) return;
    bool known = store->backend.room(store->backend.ctx, &free, &total) == KVCORE_OK;
    kvstore__lock(store);
    if (known) store->stats.free_bytes = free;
    store->room_next_ns = now_ns + KVSTORE_SECOND;
    /* Where nobody evicts, puts stop before the disk is full. */
    bool short_of = known && store->limits.min_free_bytes > 0 && free < store->limits.min_free_bytes;
    if (short_of && !store->keeper && store->backend.evicts) store->no_room_until_ns = now_ns + KVSTORE_SECOND;
    kvstore__unlock(store);
}

static void try_to_keep(kvstore *store, uint64_t now_ns) {
    if (!store->backend.evicts || store->keeper || now_ns < store->keep_next_ns) return;
    bool won = store->backend.keep == NULL || store->backend.keep(store->backend.ctx);
    kvstore__lock(store);
    store->keeper = won;
    store->keep_next_ns = now_ns + KEEP_EVERY_S * KVSTORE_SECOND;
    if (won) kvstore__tell(store, KVSTORE_EVENT_KEEPER_WON, KVCORE_OK, 0, (kvhash_plh){0, 0});
    kvstore__unlock(store);
}

bool kvstore__keep_house(kvstore *store, uint64_t now_ns) {
    try_to_keep(store, now_ns);
    if (!store->scanning && store->limits.scan && store->keeper && now_ns >= store->rescan_next_ns) begin_scan(store);
    bool more = store->scanning && kvstore__scan_step(store);
    if (!store->backend.evicts) return more;
    ask_room(store, now_ns);
    if (store->keeper && !store->scanning) more = evict_some(store) || more;
    return more;
}

uint64_t kvstore__house_due(const kvstore *store) {
    if (!store->backend.evicts) return UINT64_MAX;
    uint64_t due = store->keeper ? store->rescan_next_ns : store->keep_next_ns;
    return store->limits.ttl_seconds > 0 && store->room_next_ns < due ? store->room_next_ns : due;
}
