/* Names that are registered: tiers that come and go, questions, handles. */
#include "registry/registry.h"

#include <stdatomic.h>

#include <kvcore/config.h>
#include <kvcore/random.h>

static atomic_uint_least64_t last_id;

/* Several copies of this library may be in one process, each with a counter: it begins at random. So an id says nothing of how
 * many there are, and it fits in a double. */
static void begin_at_random(void) {
    uint64_t none = 0, start = 0;
    if (kvcore_random_fill(&start, sizeof start) != KVCORE_OK) start = 0;
    start = ((start & 0xFFFFF) + 1) << 32;
    atomic_compare_exchange_strong(&last_id, &none, start);
}

uint64_t kvlogical__next_id(void) {
    if (atomic_load(&last_id) == 0) begin_at_random();
    return atomic_fetch_add(&last_id, 1) + 1;
}

/* ---- which names ---- */

static bool tiers_have(const registry *r, const tier *except, kvhash_plh name) {
    for (const tier *t = r->tiers; t != NULL; t = t->next)
        if (t != except && tier_has(t, name)) return true;
    return false;
}

bool kvlogical__registered_elsewhere(const registry *r, const tier *except, kvhash_plh name) {
    uint32_t row = records_find(&r->records, name);
    return (row != NO_ROW && r->records.rows[row].holds > 0) || tiers_have(r, except, name);
}

static bool is_registered(const registry *r, kvhash_plh name) { return registered_elsewhere(r, NULL, name); }

/* Does another manager with the same number have it? */
static bool same_tier_has(const registry *r, const tier *by, kvhash_plh name) {
    for (const tier *t = r->tiers; t != NULL; t = t->next)
        if (t != by && t->number == by->number && tier_has(t, name)) return true;
    return false;
}

void kvlogical__registry_gained(registry *r, const tier *by, uint32_t block, bool new_name,
                                const kvhash_block_facts *facts) {
    kvhash_plh name = by->slots[block].name;
    event_place at = {by->number, block};
    bool every = registry_every_tier(r);
    if (every ? !same_tier_has(r, by, name) : new_name)
        kvlogical__event_log_tell(&r->events, KVHASH_EVENT_CREATE, name, at, facts);
    else
        kvlogical__registry_moved(r, by, block);
}

void kvlogical__registry_moved(registry *r, const tier *by, uint32_t block) {
    kvhash_plh name = by->slots[block].name;
    if (r->events.resyncing > 0 && (registry_every_tier(r) || !registry_silent(r, name)))
        kvlogical__event_log_moved(&r->events, name, (event_place){by->number, block});
}

/* Returns whether the name had been transferred in silence. */
static bool unregister(registry *r, kvhash_plh name) {
    uint32_t row = records_find(&r->records, name);
    bool silent = row != NO_ROW && r->records.rows[row].silent;
    if (row != NO_ROW) kvlogical__record_free(&r->records, row);
    r->registered--;
    return silent;
}

void kvlogical__registry_lost(registry *r, const tier *by, uint32_t block) {
    kvhash_plh name = by->slots[block].name;
    bool last = !registered_elsewhere(r, by, name), silent = last && unregister(r, name);
    if (!r->events.wanted) return;
    if (registry_every_tier(r) ? !same_tier_has(r, by, name) : last && !silent)
        kvlogical__event_log_tell(&r->events, KVHASH_EVENT_REMOVE, name, (event_place){by->number, block}, NULL);
}

static void lost_by_record(registry *r, kvhash_plh name) {
    if (!unregister(r, name) && r->events.wanted && !registry_every_tier(r))
        kvlogical__event_log_tell(&r->events, KVHASH_EVENT_REMOVE, name, NO_PLACE, NULL);
}

/* Keep an unheld record while it has attachments and a block still has the name. */
void kvlogical__registry_let_go(registry *r, uint32_t row) {
    record *held = &r->records.rows[row];
    if (--held->holds > 0) return;
    if (!tiers_have(r, NULL, held->name))
        lost_by_record(r, held->name);
    else if (held->attachments.first == NULL && held->callbacks.first == NULL && !held->silent)
        kvlogical__record_free(&r->records, row);
}

void kvlogical__registry_bury(registry *r) {
    doomed dead = r->records.doomed;
    kvcore_allocator allocator = r->allocator;
    r->records.doomed = (doomed){{NULL, NULL}, {NULL, NULL}};
    lock_give(&r->lock);
    kvlogical__doomed_destroy(dead, &allocator);
}

/* ---- tiers ---- */

/* Ids only grow, so the newest goes last. */
void kvlogical__registry_join(registry *r, tier *t) {
    lock_take(&r->lock);
    tier **at = &r->tiers;
    while (*at != NULL && (*at)->id < t->id) at = &(*at)->next;
    t->next = *at;
    *at = t;
    r->tier_count++;
    lock_give(&r->lock);
}

void kvlogical__registry_leave(registry *r, tier *t) {
    for (uint32_t i = 0; i < t->slot_count; i++)
        if (slot_stands(t, i)) kvlogical__registry_lost(r, t, i);
    tier **at = &r->tiers;
    while (*at != t) at = &(*at)->next;
    *at = t->next;
    r->tier_count--;
}

/* ---- create, destroy ---- */

static kvcore_status refuse(kvcore_error *error, kvcore_status code, const char *text) {
    return kvcore_fail(error, &(kvcore_error){.code = code, .index = KVCORE_NO_INDEX}, "%s", text);
}

void kvlogical__registry_init(registry *r, uint64_t id, name_key key, const kvcore_allocator *allocator,
                              size_t event_capacity) {
    *r = (registry){.id = id, .allocator = *allocator};
    atomic_init(&r->lock.taken, 0);
    kvlogical__records_init(&r->records, key, allocator);
    kvlogical__event_log_init(&r->events, event_capacity);
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
    name_key key;
    if (kvcore_random_fill(&key, sizeof key) != KVCORE_OK)
        return refuse(error, KVCORE_EIO, "the system gives no random key");
    registry *r = kvcore_alloc(&config.allocator, 1, sizeof *r, _Alignof(registry));
    if (r == NULL) return refuse(error, KVCORE_ENOMEM, "no memory for the registry");
    kvlogical__registry_init(r, kvlogical__next_id(), key, &config.allocator, config.event_capacity);
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
    kvlogical__records_clear(&r->records);
    kvlogical__event_log_clear(&r->events, &r->allocator);
}

kvcore_status kvlogical_registry_destroy(kvlogical_registry *r) {
    if (r == NULL) return KVCORE_OK;
    if (r->own_by_manager) return KVCORE_EINVAL;
    lock_take(&r->lock);
    bool busy = r->tier_count > 0 || r->records.count > 0 || r->events.subscriptions > 0;
    lock_give(&r->lock);
    if (busy) return KVCORE_EBUSY;
    kvlogical__registry_clear(r);
    kvcore_allocator allocator = r->allocator;
    kvcore_free(&allocator, r, 1, sizeof *r, _Alignof(registry));
    return KVCORE_OK;
}

/* ---- questions ---- */

size_t kvlogical_registry_count(const kvlogical_registry *r) {
    if (r == NULL) return 0;
    lock_take(&registry_unlocked(r)->lock);
    size_t count = (size_t)r->registered;
    lock_give(&registry_unlocked(r)->lock);
    return count;
}

bool kvlogical_registry_is_registered(const kvlogical_registry *r, kvhash_plh name) {
    if (r == NULL) return false;
    lock_take(&registry_unlocked(r)->lock);
    bool is = is_registered(r, name);
    lock_give(&registry_unlocked(r)->lock);
    return is;
}

static bool any_tier_has(const registry *r, kvhash_plh name, const uint64_t *tiers, size_t tier_count) {
    for (const tier *at = r->tiers; at != NULL; at = at->next)
        for (size_t t = 0; t < tier_count; t++)
            if (at->number == tiers[t] && tier_has(at, name)) return true;
    return false;
}

kvcore_status kvlogical_registry_presence(const kvlogical_registry *r, const kvhash_plh *names, size_t count,
                                          const uint64_t *tiers, size_t tier_count, bool *present) {
    if (r == NULL || (count > 0 && (names == NULL || present == NULL)) || (tier_count > 0 && tiers == NULL))
        return KVCORE_EINVAL;
    lock_take(&registry_unlocked(r)->lock);
    for (size_t i = 0; i < count; i++) present[i] = any_tier_has(r, names[i], tiers, tier_count);
    lock_give(&registry_unlocked(r)->lock);
    return KVCORE_OK;
}

const char *kvlogical_registry_tier_label(const kvlogical_registry *r, uint64_t number) {
    if (r == NULL) return NULL;
    const char *label = NULL;
    lock_take(&registry_unlocked(r)->lock);
    for (const tier *t = r->tiers; label == NULL && t != NULL; t = t->next)
        if (t->number == number) label = t->label;
    lock_give(&registry_unlocked(r)->lock);
    return label;
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
    lock_take(&registry_unlocked(r)->lock);
    unsigned count = r->tracker.count(r->tracker.ctx, name);
    lock_give(&registry_unlocked(r)->lock);
    return count;
}

/* ---- handles ---- */

static kvlogical_handle handle_of(const registry *r, uint32_t row) {
    return (kvlogical_handle){r->id, row, r->records.rows[row].generation};
}

static bool handle_valid(const registry *r, const kvlogical_handle *handle) {
    return handle->registry == r->id && kvlogical__record_valid(&r->records, handle->record, handle->generation);
}

/* One name: a hold on its record, and its registration if it had none. */
static kvcore_status take_handle(registry *r, kvhash_plh name, bool silent, kvlogical_handle *handle) {
    bool was = is_registered(r, name);
    uint32_t row;
    kvcore_status status = kvlogical__record_hold(&r->records, name, &row);
    if (status != KVCORE_OK) return status;
    *handle = handle_of(r, row);
    if (was) return KVCORE_OK;
    r->registered++;
    r->records.rows[row].silent = silent;
    if (silent) return KVCORE_OK;
    if (r->events.wanted && !registry_every_tier(r))
        kvlogical__event_log_tell(&r->events, KVHASH_EVENT_CREATE, name, NO_PLACE, NULL);
    registry_touch(r, name);
    return KVCORE_OK;
}

/* How many of the names have no record yet; ones that repeat count once where each record matters. */
static size_t missing_records(const registry *r, const kvhash_plh *names, size_t count) {
    size_t missing = 0;
    for (size_t i = 0; i < count; i++) {
        if (records_find(&r->records, names[i]) != NO_ROW) continue;
        size_t earlier = r->fixed ? 0 : i;
        while (earlier < i && !kvhash_plh_equal(names[earlier], names[i])) earlier++;
        missing += earlier == i;
        if (r->fixed && missing > r->records.capacity) break; /* hopeless, and no need to compare the rest */
    }
    return missing;
}

static kvcore_status take_handles(registry *r, const kvhash_plh *names, size_t count, bool silent,
                                  kvlogical_handle *handles) {
    if (r == NULL || (count > 0 && (names == NULL || handles == NULL))) return KVCORE_EINVAL;
    for (size_t i = 0; i < count; i++)
        if (!kvhash_plh_valid(names[i])) return KVHASH_EMODE;
    lock_take(&r->lock);
    /* records are the only thing that can run out: have enough before the first change */
    kvcore_status status = kvlogical__records_reserve(&r->records, missing_records(r, names, count));
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
    if (status == KVCORE_OK && r->records.rows[handle->record].holds == UINT32_MAX) status = KVCORE_EOVERFLOW;
    if (status == KVCORE_OK) {
        r->records.rows[handle->record].holds++;
        *copy = *handle;
    }
    registry_give(r);
    return status;
}

kvcore_status kvlogical_handle_name(const kvlogical_registry *r, const kvlogical_handle *handle, kvhash_plh *name) {
    if (r == NULL || handle == NULL || name == NULL) return KVCORE_EINVAL;
    lock_take(&registry_unlocked(r)->lock);
    kvcore_status status = handle_valid(r, handle) ? KVCORE_OK : KVLOGICAL_EGUARD;
    if (status == KVCORE_OK) *name = r->records.rows[handle->record].name;
    lock_give(&registry_unlocked(r)->lock);
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
            kvlogical__registry_let_go(r, handle.record);
        else
            status = KVCORE_EINVAL; /* more copies of a handle than there are holds */
    }
    registry_give(r);
    return status;
}
