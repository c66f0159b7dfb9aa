/* Calls of the catalog, and walks over all that is there. */
#include "internal.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

/* How many names ahead memory is fetched: their places in the table, then their records. */
enum { PLACE_AHEAD = 12, RECORD_AHEAD = 6 };

size_t kvstore_lookup_prefix(const kvstore_space *space, const kvhash_plh *names, size_t count, bool *complete) {
    size_t found = 0;
    if (space == NULL || (names == NULL && count > 0)) return 0;
    const kvstore *store = space->store;
    kvstore__lock(store);
    for (size_t i = 0; i < PLACE_AHEAD && i < count; i++)
        kvstore__catalog_prefetch(&store->catalog, space->id, names[i], false);
    while (found < count) {
        if (PLACE_AHEAD < count - found)
            kvstore__catalog_prefetch(&store->catalog, space->id, names[found + PLACE_AHEAD], false);
        if (RECORD_AHEAD < count - found)
            kvstore__catalog_prefetch(&store->catalog, space->id, names[found + RECORD_AHEAD], true);
        if (kvstore__catalog_find(&store->catalog, space->id, names[found]) == KVSTORE_NONE) break;
        found++;
    }
    if (complete != NULL) *complete = store->complete;
    kvstore__unlock(store);
    return found;
}

void kvstore_touch(kvstore_space *space, const kvhash_plh *names, size_t count) {
    if (space == NULL || names == NULL) return;
    kvstore *store = space->store;
    kvstore__lock(store);
    for (size_t i = count; i-- > 0;) {
        uint32_t at = kvstore__catalog_find(&store->catalog, space->id, names[i]);
        if (at != KVSTORE_NONE) kvstore__catalog_warm(&store->catalog, at);
    }
    kvstore__unlock(store);
}

kvcore_status kvstore_learn(kvstore_space *space, const kvhash_plh *names, size_t count) {
    if (space == NULL || (names == NULL && count > 0)) return KVCORE_EINVAL;
    kvstore *store = space->store;
    kvcore_status status = KVCORE_OK;
    kvstore__lock(store);
    for (size_t i = 0; i < count && status == KVCORE_OK; i++) {
        bool made;
        uint32_t at = kvstore__catalog_insert(&store->catalog, space->id, names[i], &made);
        if (at == KVSTORE_NONE) status = KVCORE_ENOMEM;
        if (at != KVSTORE_NONE && made)
            kvstore__catalog_record(&store->catalog, at)->used_s = (uint32_t)(kvstore__wall(store) / KVSTORE_SECOND);
    }
    kvstore__unlock(store);
    return status;
}

void kvstore_forget(kvstore_space *space, const kvhash_plh *names, size_t count) {
    if (space == NULL || names == NULL) return;
    kvstore *store = space->store;
    kvstore__lock(store);
    for (size_t i = 0; i < count; i++) {
        uint32_t at = kvstore__catalog_find(&store->catalog, space->id, names[i]);
        if (at != KVSTORE_NONE) kvstore__catalog_remove(&store->catalog, at);
    }
    kvstore__unlock(store);
}

static bool room_for_pins(kvstore *store, size_t more) {
    if (more <= store->pin_room - store->pin_count) return true;
    size_t room;
    if (__builtin_add_overflow(store->pin_count, more, &room) || room > SIZE_MAX / 2) return false;
    room *= 2;
    kvstore__pin *pins = kvcore_alloc(&store->allocator, room, sizeof *pins, _Alignof(kvstore__pin));
    if (pins == NULL) return false;
    if (store->pin_count > 0) memcpy(pins, store->pins, store->pin_count * sizeof *pins);
    kvcore_free(&store->allocator, store->pins, store->pin_room, sizeof *pins, _Alignof(kvstore__pin));
    store->pins = pins;
    store->pin_room = room;
    return true;
}

static void pin_one(kvstore *store, uint16_t space, kvhash_plh name, uint64_t until_ns) {
    uint32_t at = kvstore__catalog_find(&store->catalog, space, name);
    if (at != KVSTORE_NONE) kvstore__catalog_record(&store->catalog, at)->flags |= KVSTORE_PINNED;
    for (size_t i = 0; i < store->pin_count; i++)
        if (store->pins[i].space == space && kvhash_plh_equal(store->pins[i].name, name)) {
            store->pins[i].until_ns = until_ns;
            return;
        }
    if (at != KVSTORE_NONE) store->pins[store->pin_count++] = (kvstore__pin){space, name, until_ns};
}

kvcore_status kvstore_pin(kvstore_space *space, const kvhash_plh *names, size_t count, uint32_t seconds) {
    if (space == NULL || (names == NULL && count > 0)) return KVCORE_EINVAL;
    kvstore *store = space->store;
    kvstore__lock(store);
    bool fits = room_for_pins(store, count);
    uint64_t until = seconds == 0 ? 0 : kvstore__now(store) + seconds * KVSTORE_SECOND;
    for (size_t i = 0; fits && i < count; i++) pin_one(store, space->id, names[i], until);
    kvstore__unlock(store);
    return fits ? KVCORE_OK : KVCORE_ENOMEM;
}

/* ---- asking the backend ---- */

static kvcore_status ask(kvstore_space *space, kvhash_plh name, int request, uint32_t *outcome, kvcore_error *error) {
    char key[KVSTORE_KEY_BYTES];
    kvstore_transfer transfer = {.request = request, .key = key};
    kvcore_status status;
    const kvcore_bytes none = {NULL, 0};
    if (space->store->options.scheme == KVSTORE_SCHEME_DYNAMO)
        status = kvstore_dynamo_key(space->store->options.dynamo_rank - 1, name, key, sizeof key, &transfer.key_bytes);
    else
        status = kvstore_block_key(none, &space->identity, name, key, sizeof key, &transfer.key_bytes);
    if (status == KVCORE_OK) status = kvstore__transfer(space->store, &transfer, error);
    *outcome = transfer.outcome;
    return status;
}

kvcore_status kvstore_probe(kvstore_space *space, const kvhash_plh *names, size_t count, size_t *present,
                            kvcore_error *error) {
    if (space == NULL || present == NULL || (names == NULL && count > 0))
        return refuse_field(error, KVCORE_EINVAL, 0, "space, names or present is NULL");
    if (space->store->options.scheme == KVSTORE_SCHEME_WOMBAT)
        return refuse_field(error, KVCORE_ENOTSUP, 0, "names of this scheme are hashes");
    size_t low = 0, high = count, step = 1; /* names below low are there; the first that is not is at most high */
    bool galloping = true;
    while (low < high) {
        size_t at = galloping ? (low + step - 1 < high ? low + step - 1 : high - 1) : low + (high - low) / 2;
        uint32_t outcome;
        kvcore_status status = ask(space, names[at], KVSTORE_TRANSFER_HEAD, &outcome, error);
        if (status != KVCORE_OK) return status;
        if (outcome == KVSTORE_HIT) {
            low = at + 1;
            step *= 2;
        } else {
            high = at;
            galloping = false;
        }
    }
    *present = low;
    return KVCORE_OK;
}

static void forget_and_tell(kvstore_space *space, kvhash_plh name) {
    kvstore *store = space->store;
    kvstore__lock(store);
    uint32_t at = kvstore__catalog_find(&store->catalog, space->id, name);
    if (at != KVSTORE_NONE) {
        kvstore__catalog_remove(&store->catalog, at);
        kvstore__tell_block(store, space->id, name, KVHASH_EVENT_REMOVE);
    }
    kvstore__unlock(store);
}

kvcore_status kvstore_remove(kvstore_space *space, const kvhash_plh *names, size_t count, size_t *removed,
                             kvcore_error *error) {
    size_t gone = 0;
    if (space == NULL || (names == NULL && count > 0))
        return refuse_field(error, KVCORE_EINVAL, 0, "space or names is NULL");
    if (space->store->options.scheme == KVSTORE_SCHEME_WOMBAT)
        return refuse_field(error, KVCORE_ENOTSUP, 0, "names of this scheme are hashes");
    kvcore_status status = KVCORE_OK;
    for (size_t i = 0; i < count && status == KVCORE_OK; i++) {
        uint32_t outcome;
        status = ask(space, names[i], KVSTORE_TRANSFER_REMOVE, &outcome, error);
        if (status != KVCORE_OK) break;
        gone += outcome == KVSTORE_STORED;
        forget_and_tell(space, names[i]);
    }
    if (removed != NULL) *removed = gone;
    return status;
}

/* ---- walks ---- */

typedef struct walk {
    kvstore *store;
    const kvstore_space *space;
    kvstore_visit visit;
    void *ctx;
    uint64_t ignored;
    bool ended;
} walk;

static bool walk_entry(void *ctx, const char *key, size_t key_bytes, uint64_t object_bytes, uint64_t disk_bytes,
                       uint64_t modified_ns) {
    walk *at = ctx;
    kvstore_entry entry;
    if (!kvstore__entry_of(key, key_bytes, &entry)) {
        at->ignored++;
        return true;
    }
    entry.object_bytes = object_bytes;
    entry.disk_bytes = disk_bytes;
    entry.modified_ns = modified_ns;
    at->ended = !at->visit(at->ctx, &entry);
    return !at->ended;
}

kvcore_status kvstore_list(kvstore *store, const kvstore_space *space, kvstore_visit visit, void *ctx,
                           uint64_t *ignored, kvcore_error *error) {
    if (store == NULL || visit == NULL || (space != NULL && space->store != store))
        return refuse_field(error, KVCORE_EINVAL, 0, "store or visit is NULL, or a space of another store");
    walk at = {.store = store, .space = space, .visit = visit, .ctx = ctx};
    char prefix[KVSTORE_KEY_BYTES] = "v1/";
    size_t length;
    kvcore_status status = KVCORE_OK;
    if (space != NULL) {
        status = kvstore_space_key((kvcore_bytes){NULL, 0}, &space->identity, prefix, sizeof prefix - 1, &length);
        if (status != KVCORE_OK) return refuse_field(error, status, 0, "the space has no key");
        memcpy(prefix + length, "/", 2);
    }
    void *cursor = NULL;
    do status = store->backend.list(store->backend.ctx, prefix, &cursor, walk_entry, &at, error);
    while (status == KVCORE_OK && cursor != NULL && !at.ended);
    if (cursor != NULL) store->backend.list_end(store->backend.ctx, cursor);
    if (ignored != NULL) *ignored = at.ignored;
    return status;
}

typedef struct verification {
    kvstore *store;
    kvstore_judge judge;
    void *ctx;
    uint64_t bytes_per_second, bytes, begin_ns;
    uint8_t *memory;
    size_t room;
    bool no_memory;
} verification;

static bool room_for(verification *at, uint64_t bytes) {
    if (bytes <= at->room) return true;
    if (bytes > SIZE_MAX / 2) return false;
    kvcore_free(&at->store->allocator, at->memory, at->room, 1, 1);
    at->room = 0;
    at->memory = kvcore_alloc(&at->store->allocator, (size_t)bytes, 1, 1);
    if (at->memory != NULL) at->room = (size_t)bytes;
    return at->memory != NULL;
}

static void slow_down(verification *at) {
    if (at->bytes_per_second == 0) return;
    uint64_t due = at->begin_ns + (uint64_t)((double)at->bytes / (double)at->bytes_per_second * 1e9);
    uint64_t now = kvstore_clock_ns(NULL);
    if (due <= now) return;
    struct timespec wait = {(time_t)((due - now) / KVSTORE_SECOND), (long)((due - now) % KVSTORE_SECOND)};
    nanosleep(&wait, NULL);
}

static bool is_the_one(const kvstore_object *object, const kvstore_entry *entry) {
    const kvstore_identity *of = &entry->identity;
    uint8_t check[KVSTORE_TENANT_CHECK_BYTES];
    return kvstore_tenant_check(of->tenant, check) == KVCORE_OK && kvhash_plh_equal(object->name, entry->name) &&
           kvcore_model_digest_equal(&object->model, &of->model) &&
           kvcore_layout_tag_equal(&object->layout, &of->layout) && object->block_tokens == of->block_tokens &&
           object->rank == of->rank && object->ranks == of->ranks && object->group == of->group &&
           memcmp(object->tenant_check, check, sizeof check) == 0;
}

static bool verify_entry(void *ctx, const kvstore_entry *entry) {
    verification *at = ctx;
    kvstore_verdict verdict = {.entry = *entry, .status = KVCORE_ETRUNCATED};
    char key[KVSTORE_KEY_BYTES];
    if (entry->key.size_bytes >= sizeof key) return true;
    memcpy(key, entry->key.data, entry->key.size_bytes);
    key[entry->key.size_bytes] = '\0';
    if (!room_for(at, entry->object_bytes)) {
        at->no_memory = true;
        return false;
    }
    kvstore_span span = {at->memory, (size_t)entry->object_bytes};
    kvstore_transfer transfer = {.request = KVSTORE_TRANSFER_GET,
                                 .key = key,
                                 .key_bytes = entry->key.size_bytes,
                                 .spans = &span,
                                 .span_count = 1,
                                 .payload_bytes = entry->object_bytes};
    kvcore_status status = kvstore__transfer(at->store, &transfer, NULL);
    kvcore_bytes payload;
    if (status != KVCORE_OK) verdict.status = status;
    if (transfer.outcome == KVSTORE_MISS) return true; /* evicted meanwhile */
    if (transfer.outcome == KVSTORE_HIT)
        verdict.status = kvstore_object_check((kvcore_bytes){at->memory, (size_t)transfer.object_payload_bytes},
                                              &verdict.object, &payload, NULL);
    if (verdict.status == KVCORE_OK && !is_the_one(&verdict.object, entry)) verdict.status = KVSTORE_EFOREIGN;
    at->bytes += entry->object_bytes;
    slow_down(at);
    return at->judge(at->ctx, &verdict);
}

kvcore_status kvstore_verify(kvstore *store, const kvstore_space *space, uint64_t bytes_per_second, kvstore_judge judge,
                             void *ctx, kvcore_error *error) {
    if (store == NULL || judge == NULL) return refuse_field(error, KVCORE_EINVAL, 0, "store or judge is NULL");
    verification at = {.store = store,
                       .judge = judge,
                       .ctx = ctx,
                       .bytes_per_second = bytes_per_second,
                       .begin_ns = kvstore_clock_ns(NULL)};
    kvcore_status status = kvstore_list(store, space, verify_entry, &at, NULL, error);
    kvcore_free(&store->allocator, at.memory, at.room, 1, 1);
    return at.no_memory ? refuse_field(error, KVCORE_ENOMEM, 0, "no memory for a block") : status;
}

enum { REMOVAL = 1000 };

typedef struct removal {
    size_t count;
    kvhash_plh names[REMOVAL];
    const char *keys[REMOVAL];
    char texts[REMOVAL][KVSTORE_KEY_BYTES];
} removal;

static bool collect(void *ctx, const kvstore_entry *entry) {
    removal *at = ctx;
    size_t length = entry->key.size_bytes;
    if (length >= KVSTORE_KEY_BYTES) return true;
    memcpy(at->texts[at->count], entry->key.data, length);
    at->texts[at->count][length] = '\0';
    at->keys[at->count] = at->texts[at->count];
    at->names[at->count++] = entry->name;
    return at->count < REMOVAL;
}

static kvcore_status remove_collected(kvstore_space *space, const removal *at, size_t *gone, kvcore_error *error) {
    kvstore *store = space->store;
    if (store->backend.remove_many == NULL) return kvstore_remove(space, at->names, at->count, gone, error);
    if (at->count == 0) return KVCORE_OK;
    kvcore_status status = store->backend.remove_many(store->backend.ctx, at->keys, at->count, error);
    if (status != KVCORE_OK) return status;
    for (size_t i = 0; i < at->count; i++) forget_and_tell(space, at->names[i]);
    *gone = at->count;
    return KVCORE_OK;
}

kvcore_status kvstore_remove_space(kvstore_space *space, uint64_t *removed, kvcore_error *error) {
    if (space == NULL) return refuse_field(error, KVCORE_EINVAL, 0, "space is NULL");
    kvstore *store = space->store;
    removal *at = kvcore_alloc(&store->allocator, 1, sizeof *at, _Alignof(removal));
    if (at == NULL) return refuse_field(error, KVCORE_ENOMEM, 0, "no memory for a thousand names");
    uint64_t sum = 0;
    kvcore_status status;
    do {
        size_t gone = 0;
        at->count = 0;
        status = kvstore_list(store, space, collect, at, NULL, error);
        if (status == KVCORE_OK) status = remove_collected(space, at, &gone, error);
        sum += gone;
    } while (status == KVCORE_OK && at->count > 0);
    kvcore_free(&store->allocator, at, 1, sizeof *at, _Alignof(removal));
    if (removed != NULL) *removed = sum;
    return status;
}

/* ---- stats ---- */

kvcore_status kvstore_stats_read(const kvstore *store, kvstore_stats *stats) {
    if (store == NULL || stats == NULL || stats->struct_size < sizeof stats->struct_size) return KVCORE_EINVAL;
    size_t size = stats->struct_size < sizeof *stats ? stats->struct_size : sizeof *stats, given = stats->struct_size;
    kvstore__lock(store);
    kvstore_stats now = store->stats;
    now.catalog_entries = store->catalog.count;
    now.catalog_bytes = kvstore__catalog_memory(&store->catalog);
    now.disk_bytes = store->catalog.bytes;
    now.catalog_complete = store->complete;
    now.scanning = store->scanning;
    now.keeper = store->keeper;
    kvstore__unlock(store);
    if (store->backend.count != NULL) store->backend.count(store->backend.ctx, &now);
    memcpy(stats, &now, size);
    stats->struct_size = given;
    return KVCORE_OK;
}
