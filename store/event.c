/* What a store tells: block events for an index of holders, and its own. A ring; what does not fit is counted, never silent. */
#include "internal.h"

static kvstore_event *next_event(kvstore *store) {
    if (store->event_count == store->options.event_capacity) return NULL;
    uint32_t at = (store->event_first + store->event_count++) % store->options.event_capacity;
    return &store->events[at];
}

/* One place is kept for the GAP, which stands where the lost ones would. */
static bool is_lost(kvstore *store) {
    if (store->options.event_capacity == 0) return true;
    if (store->event_gap == 0 && store->event_count + 1 < store->options.event_capacity) return false;
    store->stats.events_lost++;
    return true;
}

static const kvstore_space *space_at(const kvstore *store, uint16_t id) {
    return id < store->space_count && store->spaces[id]->open ? store->spaces[id] : NULL;
}

void kvstore__tell_block(kvstore *store, uint16_t space, kvhash_plh name, uint32_t kind) {
    if (store->options.event_capacity == 0) return;
    store->event_sequence++;
    if (is_lost(store)) {
        store->event_gap++;
        return;
    }
    *next_event(store) = (kvstore_event){
        .kind = KVSTORE_EVENT_BLOCK,
        .space = space_at(store, space),
        .block = {.name = name, .sequence = store->event_sequence, .kind = kind},
    };
}

void kvstore__tell(kvstore *store, uint32_t kind, kvcore_status status, uint16_t space, kvhash_plh name) {
    if (is_lost(store)) return;
    bool named = kind == KVSTORE_EVENT_DAMAGED || kind == KVSTORE_EVENT_FOREIGN;
    *next_event(store) = (kvstore_event){
        .kind = kind, .status = status, .space = named ? space_at(store, space) : NULL, .block = {.name = name}};
}

size_t kvstore_take_events(kvstore *store, kvstore_event *events, size_t capacity) {
    size_t taken = 0;
    if (store == NULL || events == NULL) return 0;
    kvstore__lock(store);
    for (; taken < capacity && store->event_count > 0; store->event_count--) {
        events[taken++] = store->events[store->event_first];
        store->event_first = (store->event_first + 1) % store->options.event_capacity;
    }
    if (taken < capacity && store->event_count == 0 && store->event_gap > 0) {
        events[taken++] = (kvstore_event){
            .kind = KVSTORE_EVENT_BLOCK,
            .block = {.kind = KVHASH_EVENT_GAP, .lost = store->event_gap, .sequence = store->event_sequence + 1}};
        store->event_gap = 0;
    }
    kvstore__unlock(store);
    return taken;
}

const char *kvstore_medium(const kvstore *store) { return store == NULL ? "" : store->backend.medium; }
