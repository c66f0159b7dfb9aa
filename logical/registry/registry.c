/* Names that are registered, and the records of those that more than blocks hold. */
#include "registry/registry.h"

#include <kvcore/config.h>

#include "pool/manager.h"

/* ---- which names ---- */

static uint32_t find_record(const registry *r, kvhash_plh name) {
    return r->record_count == 0 ? NO_ROW : name_find(&r->record_names, r->records, sizeof(record), name);
}

static bool manager_has(const manager *m, kvhash_plh name) {
    return name_find(&m->names, m->slots, sizeof(slot), name) != NO_SLOT;
}

static bool managers_have(const registry *r, const manager *except, kvhash_plh name) {
    for (const manager *m = r->managers; m != NULL; m = m->sibling)
        if (m != except && manager_has(m, name)) return true;
    return false;
}

bool kvlogical__registered_elsewhere(const registry *r, const manager *except, kvhash_plh name) {
    uint32_t row = find_record(r, name);
    return (row != NO_ROW && r->records[row].holds > 0) || managers_have(r, except, name);
}

static bool is_registered(const registry *r, kvhash_plh name) { return registered_elsewhere(r, NULL, name); }

/* ---- records ---- */

uint64_t kvlogical__records_bytes(uint64_t capacity) {
    return capacity * sizeof(record) + name_table_capacity(capacity) * sizeof(name_entry);
}

/* Over new memory; records that there are already stay. */
void kvlogical__records_init(registry *r, void *memory, uint32_t capacity) {
    record *records = memory;
    if (r->record_rows > 0) memcpy(records, r->records, r->record_rows * sizeof(record));
    r->records = records;
    r->record_capacity = capacity;
    r->record_names =
        (name_table){.entries = (name_entry *)(void *)(records + capacity), .capacity = name_table_capacity(capacity)};
    name_table_clear(&r->record_names);
    for (uint32_t row = 0; row < r->record_rows; row++)
        if (records[row].used) name_insert(&r->record_names, name_tag(&r->record_names, records[row].name), row);
}

static kvcore_status grow(registry *r) {
    if (r->fixed) return KVCORE_ENOSPACE;
    uint64_t capacity = r->record_capacity == 0 ? 64 : 2 * (uint64_t)r->record_capacity;
    uint64_t bytes = kvlogical__records_bytes(capacity);
    if (capacity >= NO_ROW || bytes > SIZE_MAX) return KVCORE_ENOMEM;
    void *old = r->records, *memory = kvcore_alloc(&r->allocator, 1, (size_t)bytes, _Alignof(record));
    if (memory == NULL) return KVCORE_ENOMEM;
    uint64_t old_bytes = kvlogical__records_bytes(r->record_capacity);
    kvlogical__records_init(r, memory, (uint32_t)capacity);
    kvcore_free(&r->allocator, old, 1, (size_t)old_bytes, _Alignof(record));
    return KVCORE_OK;
}

kvcore_status kvlogical__record_hold(registry *r, kvhash_plh name, uint32_t *out) {
    uint32_t row = find_record(r, name);
    if (row == NO_ROW) {
        if (r->record_count == r->record_capacity) {
            kvcore_status status = grow(r);
            if (status != KVCORE_OK) return status;
        }
        row = r->unused_record;
        if (row == NO_ROW) {
            row = r->record_rows++;
            r->records[row] = (record){.generation = 1};
        } else {
            r->unused_record = r->records[row].next_unused;
        }
        r->records[row] = (record){.name = name, .generation = r->records[row].generation, .used = true};
        name_insert(&r->record_names, name_tag(&r->record_names, name), row);
        r->record_count++;
    }
    if (r->records[row].holds == UINT32_MAX) return KVCORE_EOVERFLOW;
    r->records[row].holds++;
    *out = row;
    return KVCORE_OK;
}

bool kvlogical__record_valid(const registry *r, uint32_t row, uint32_t generation) {
    return row < r->record_rows && r->records[row].used && r->records[row].holds > 0 &&
           r->records[row].generation == generation;
}

static void free_record(registry *r, uint32_t row) {
    record *freed = &r->records[row];
    name_erase(&r->record_names, name_tag(&r->record_names, freed->name), row);
    attachment **attachments = &r->doomed.attachments;
    while (*attachments != NULL) attachments = &(*attachments)->next;
    *attachments = freed->attachments;
    touch_callback **callbacks = &r->doomed.callbacks;
    while (*callbacks != NULL) callbacks = &(*callbacks)->next;
    *callbacks = freed->callbacks;
    *freed = (record){.generation = freed->generation + 1, .next_unused = r->unused_record};
    r->unused_record = row;
    r->record_count--;
}

void kvlogical__unregister(registry *r, kvhash_plh name) {
    uint32_t row = find_record(r, name);
    bool silent = row != NO_ROW && r->records[row].silent;
    if (row != NO_ROW) free_record(r, row);
    r->registered--;
    if (r->events.wanted && !silent) kvlogical__event(r, KVHASH_EVENT_REMOVE, name);
}

/* A record nobody holds stays for what is attached to it as long as blocks have the name. */
void kvlogical__record_let_go(registry *r, uint32_t row) {
    record *held = &r->records[row];
    if (--held->holds > 0) return;
    if (!managers_have(r, NULL, held->name))
        kvlogical__unregister(r, held->name);
    else if (held->attachments == NULL && held->callbacks == NULL && !held->silent)
        free_record(r, row);
}

void kvlogical__registry_bury(registry *r) {
    doomed dead = r->doomed;
    kvcore_allocator allocator = r->allocator;
    r->doomed = (doomed){NULL, NULL};
    lock_give(&r->lock);
    while (dead.attachments != NULL) {
        attachment *at = dead.attachments;
        dead.attachments = at->next;
        if (at->destructor != NULL) at->destructor(at->value);
        kvcore_free(&allocator, at, 1, sizeof *at, _Alignof(attachment));
    }
    while (dead.callbacks != NULL) {
        touch_callback *at = dead.callbacks;
        dead.callbacks = at->next;
        kvcore_free(&allocator, at, 1, sizeof *at, _Alignof(touch_callback));
    }
}

/* ---- create, destroy ---- */

static kvcore_status refuse(kvcore_error *error, kvcore_status code, const char *text) {
    return kvcore_fail(error, &(kvcore_error){.code = code, .index = KVCORE_NO_INDEX}, "%s", text);
}

void kvlogical__registry_init(registry *r, uint64_t id, const kvcore_allocator *allocator, size_t event_capacity) {
    *r = (registry){.id = id, .unused_record = NO_ROW, .allocator = *allocator, .events = {.next = 1, .capacity = 1}};
    atomic_init(&r->lock.taken, 0);
    while (r->events.capacity < (event_capacity == 0 ? 1024 : event_capacity)) r->events.capacity *= 2;
}

static kvcore_status check(kvlogical_registry_config *config, kvcore_error *error) {
    if ((config->tracker.touch == NULL) != (config->tracker.count == NULL))
        return refuse(error, KVCORE_ECONFIG, "tracker needs both touch and count, or neither");
    if (config->tracker.touch != NULL && config->frequency_capacity != 0)
        return refuse(error, KVCORE_ECONFIG, "frequency_capacity and tracker exclude each other");
    if ((config->allocator.alloc == NULL) != (config->allocator.free == NULL))
        return refuse(error, KVCORE_ECONFIG, "allocator needs both alloc and free, or neither");
    if (config->event_capacity > UINT64_C(1) << 31)
        return refuse(error, KVCORE_ECONFIG, "event_capacity must be at most 2^31");
    if (config->allocator.alloc == NULL) config->allocator = kvcore_allocator_libc();
    return KVCORE_OK;
}

kvcore_status kvlogical_registry_create(const kvlogical_registry_config *given, kvlogical_registry **out,
                                        kvcore_error *error) {
    if (out == NULL) return refuse(error, KVCORE_EINVAL, "registry must not be NULL");
    *out = NULL;
    kvlogical_registry_config config;
    kvcore_status status = kvcore_config_read(&config, sizeof config, given, error);
    if (status == KVCORE_OK) status = check(&config, error);
    if (status != KVCORE_OK) return status;
    registry *r = kvcore_alloc(&config.allocator, 1, sizeof *r, _Alignof(registry));
    if (r == NULL) return refuse(error, KVCORE_ENOMEM, "no memory for the registry");
    kvlogical__registry_init(r, kvlogical__next_id(), &config.allocator, config.event_capacity);
    r->tracker = config.tracker;
    if (config.frequency_capacity > 0) {
        status = kvlogical_frequency_create(config.frequency_capacity, 0, &config.allocator, &r->frequency);
        if (status != KVCORE_OK) {
            kvcore_free(&config.allocator, r, 1, sizeof *r, _Alignof(registry));
            return refuse(error, status, "no memory for the registry's sketch");
        }
        r->tracker = kvlogical_frequency_tracker(r->frequency);
    }
    *out = r;
    return KVCORE_OK;
}

/* Everything it allocated but itself. */
void kvlogical__registry_clear(registry *r) {
    kvlogical_frequency_destroy(r->frequency);
    if (!r->fixed)
        kvcore_free(&r->allocator, r->records, 1, (size_t)kvlogical__records_bytes(r->record_capacity),
                    _Alignof(record));
    kvcore_free(&r->allocator, r->events.ring, (size_t)r->events.capacity, sizeof(kvhash_event),
                _Alignof(kvhash_event));
}

kvcore_status kvlogical_registry_destroy(kvlogical_registry *r) {
    if (r == NULL) return KVCORE_OK;
    if (r->own_by_manager) return KVCORE_EINVAL;
    lock_take(&r->lock);
    bool busy = r->manager_count > 0 || r->record_count > 0 || r->events.subscriptions > 0;
    lock_give(&r->lock);
    if (busy) return KVCORE_EBUSY;
    kvlogical__registry_clear(r);
    kvcore_allocator allocator = r->allocator;
    kvcore_free(&allocator, r, 1, sizeof *r, _Alignof(registry));
    return KVCORE_OK;
}

/* ---- questions ---- */

/* The lock is no part of what a const registry promises. */
static registry *unlocked(const registry *r) { return (registry *)(uintptr_t)r; }

size_t kvlogical_registry_count(const kvlogical_registry *r) {
    if (r == NULL) return 0;
    lock_take(&unlocked(r)->lock);
    size_t count = (size_t)r->registered;
    lock_give(&unlocked(r)->lock);
    return count;
}

bool kvlogical_registry_is_registered(const kvlogical_registry *r, kvhash_plh name) {
    if (r == NULL) return false;
    lock_take(&unlocked(r)->lock);
    bool is = is_registered(r, name);
    lock_give(&unlocked(r)->lock);
    return is;
}

static bool any_tier_has(const registry *r, kvhash_plh name, const uint64_t *tiers, size_t tier_count) {
    for (const manager *m = r->managers; m != NULL; m = m->sibling)
        for (size_t t = 0; t < tier_count; t++)
            if (m->tier == tiers[t] && manager_has(m, name)) return true;
    return false;
}

kvcore_status kvlogical_registry_presence(const kvlogical_registry *r, const kvhash_plh *names, size_t count,
                                          const uint64_t *tiers, size_t tier_count, bool *present) {
    if (r == NULL || (count > 0 && (names == NULL || present == NULL)) || (tier_count > 0 && tiers == NULL))
        return KVCORE_EINVAL;
    lock_take(&unlocked(r)->lock);
    for (size_t i = 0; i < count; i++) present[i] = any_tier_has(r, names[i], tiers, tier_count);
    lock_give(&unlocked(r)->lock);
    return KVCORE_OK;
}

bool kvlogical_registry_has_tracker(const kvlogical_registry *r) { return r != NULL && r->tracker.touch != NULL; }

void kvlogical_registry_touch(kvlogical_registry *r, kvhash_plh name) {
    if (r == NULL) return;
    lock_take(&r->lock);
    registry_touch(r, name);
    lock_give(&r->lock);
}

unsigned kvlogical_registry_frequency(const kvlogical_registry *r, kvhash_plh name) {
    if (r == NULL || r->tracker.count == NULL) return 0;
    lock_take(&unlocked(r)->lock);
    unsigned count = r->tracker.count(r->tracker.ctx, name);
    lock_give(&unlocked(r)->lock);
    return count;
}

/* ---- handles ---- */

static kvlogical_handle handle_of(const registry *r, uint32_t row) {
    return (kvlogical_handle){r->id, row, r->records[row].generation};
}

static bool handle_valid(const registry *r, const kvlogical_handle *handle) {
    return handle->registry == r->id && kvlogical__record_valid(r, handle->record, handle->generation);
}

/* One name: a hold on its record, and its registration if it had none. */
static kvcore_status take_handle(registry *r, kvhash_plh name, bool silent, kvlogical_handle *handle) {
    bool was = is_registered(r, name);
    uint32_t row;
    kvcore_status status = kvlogical__record_hold(r, name, &row);
    if (status != KVCORE_OK) return status;
    *handle = handle_of(r, row);
    if (was) return KVCORE_OK;
    r->registered++;
    r->records[row].silent = silent;
    if (silent) return KVCORE_OK;
    if (r->events.wanted) kvlogical__event(r, KVHASH_EVENT_CREATE, name);
    registry_touch(r, name);
    return KVCORE_OK;
}

/* Records are the only thing that can run out: have enough before the first change. */
static kvcore_status reserve(registry *r, size_t count) {
    kvcore_status status = KVCORE_OK;
    while (status == KVCORE_OK && r->record_capacity - r->record_count < count) status = grow(r);
    return status;
}

/* How many of the names have no record yet; ones that repeat count once where each record matters. */
static size_t missing_records(const registry *r, const kvhash_plh *names, size_t count) {
    size_t missing = 0;
    for (size_t i = 0; i < count; i++) {
        if (find_record(r, names[i]) != NO_ROW) continue;
        size_t earlier = r->fixed ? 0 : i;
        while (earlier < i && !kvhash_plh_equal(names[earlier], names[i])) earlier++;
        missing += earlier == i;
        if (r->fixed && missing > r->record_capacity) break; /* hopeless, and no need to compare the rest */
    }
    return missing;
}

static kvcore_status take_handles(registry *r, const kvhash_plh *names, size_t count, bool silent,
                                  kvlogical_handle *handles) {
    if (r == NULL || (count > 0 && (names == NULL || handles == NULL))) return KVCORE_EINVAL;
    for (size_t i = 0; i < count; i++)
        if (!kvhash_plh_valid(names[i])) return KVHASH_EMODE;
    lock_take(&r->lock);
    kvcore_status status = reserve(r, missing_records(r, names, count));
    for (size_t i = 0; status == KVCORE_OK && i < count; i++) status = take_handle(r, names[i], silent, &handles[i]);
    registry_give(r);
    return status;
}

kvcore_status kvlogical_registry_register(kvlogical_registry *r, const kvhash_plh *names, size_t count,
                                          kvlogical_handle *handles) {
    return take_handles(r, names, count, false, handles);
}

kvcore_status kvlogical_registry_transfer(kvlogical_registry *r, const kvhash_plh *names, size_t count,
                                          kvlogical_handle *handles) {
    return take_handles(r, names, count, true, handles);
}

kvcore_status kvlogical_registry_find(kvlogical_registry *r, kvhash_plh name, bool touch, kvlogical_handle *handle) {
    if (r == NULL || handle == NULL) return KVCORE_EINVAL;
    lock_take(&r->lock);
    kvcore_status status = KVCORE_OK;
    kvlogical_handle found = {0, 0, 0};
    if (is_registered(r, name)) {
        status = take_handle(r, name, false, &found);
        if (status == KVCORE_OK && touch) registry_touch(r, name);
    }
    if (status == KVCORE_OK) *handle = found;
    registry_give(r);
    return status;
}

kvcore_status kvlogical_handle_clone(kvlogical_registry *r, const kvlogical_handle *handle, kvlogical_handle *copy) {
    if (r == NULL || handle == NULL || copy == NULL) return KVCORE_EINVAL;
    lock_take(&r->lock);
    kvcore_status status = handle_valid(r, handle) ? KVCORE_OK : KVLOGICAL_EGUARD;
    if (status == KVCORE_OK && r->records[handle->record].holds == UINT32_MAX) status = KVCORE_EOVERFLOW;
    if (status == KVCORE_OK) {
        r->records[handle->record].holds++;
        *copy = *handle;
    }
    registry_give(r);
    return status;
}

kvcore_status kvlogical_handle_name(const kvlogical_registry *r, const kvlogical_handle *handle, kvhash_plh *name) {
    if (r == NULL || handle == NULL || name == NULL) return KVCORE_EINVAL;
    lock_take(&unlocked(r)->lock);
    kvcore_status status = handle_valid(r, handle) ? KVCORE_OK : KVLOGICAL_EGUARD;
    if (status == KVCORE_OK) *name = r->records[handle->record].name;
    lock_give(&unlocked(r)->lock);
    return status;
}

kvcore_status kvlogical_handle_release(kvlogical_registry *r, kvlogical_handle *handles, size_t count) {
    if (r == NULL || (count > 0 && handles == NULL)) return KVCORE_EINVAL;
    lock_take(&r->lock);
    kvcore_status status = KVCORE_OK;
    for (size_t i = 0; i < count; i++)
        if (handles[i].registry != 0 && !handle_valid(r, &handles[i])) status = KVLOGICAL_EGUARD;
    for (size_t i = 0; status != KVLOGICAL_EGUARD && i < count; i++) {
        kvlogical_handle handle = handles[i];
        handles[i] = (kvlogical_handle){0, 0, 0};
        if (handle.registry == 0) continue;
        if (handle_valid(r, &handle))
            kvlogical__record_let_go(r, handle.record);
        else
            status = KVCORE_EINVAL; /* more copies of a handle than there are holds */
    }
    registry_give(r);
    return status;
}
