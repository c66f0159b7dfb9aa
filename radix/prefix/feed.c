#include "prefix/index.h"

/* ---- before anything changes ---- */

static bool stores(const kvhash_event *event) {
    return event->kind == KVHASH_EVENT_CREATE || event->kind == KVHASH_EVENT_PRESENT;
}

static kvcore_status check_event(const kvhash_event *event, size_t i, kvcore_error *error) {
    if (event->kind < KVHASH_EVENT_CREATE || event->kind > KVHASH_EVENT_PRESENT)
        return kvcore_fail(
            error,
            &(kvcore_error){.code = KVCORE_EINVAL, .index = i, .expected = KVHASH_EVENT_PRESENT, .actual = event->kind},
            "event %zu is of kind %u, which is none", i, (unsigned)event->kind);
    if (event->sequence == 0)
        return kvcore_fail(error, &(kvcore_error){.code = KVCORE_EINVAL, .index = i, .expected = 1},
                           "event %zu has number 0", i);
    if (event->sequence == UINT64_MAX) /* the number after it would be 0 */
        return kvcore_fail(
            error,
            &(kvcore_error){.code = KVCORE_EINVAL, .index = i, .expected = UINT64_MAX - 1, .actual = event->sequence},
            "event %zu has number 2^64 - 1, the last is 2^64 - 2", i);
    if ((stores(event) || event->kind == KVHASH_EVENT_REMOVE) && !kvhash_plh_valid(event->name))
        return kvcore_fail(error, &(kvcore_error){.code = KVHASH_EMODE, .index = i}, "event %zu has no name", i);
    return KVCORE_OK;
}

/* The new holders of some events; when they do not all fit, none of them. */
static kvcore_status add_holders(kvradix_index *index, const kvhash_event *events, size_t count, kvcore_error *error) {
    size_t i = 0;
    while (i < count && kvradix__holders_add(&index->holders, events[i].holder) != NULL) i++;
    if (i == count) return KVCORE_OK;
    for (size_t j = 0; j < i; j++) {
        holder_state *state = kvradix__holders_find(&index->holders, events[j].holder);
        if (state != NULL && state->fresh) kvradix__holders_erase(&index->holders, state);
    }
    return kvcore_fail(error,
                       &(kvcore_error){.code = KVRADIX_EHOLDERS, .index = i, .expected = index->holders.capacity},
                       "event %zu is of a new holder, and there is room for %zu", i, index->holders.capacity);
}

static kvcore_status make_room(kvradix_index *index, const kvhash_event *events, size_t count, kvcore_error *error) {
    size_t slots = 0;
    for (size_t i = 0; i < count; i++) {
        kvcore_status status = check_event(&events[i], i, error);
        if (status != KVCORE_OK) return status;
        if (stores(&events[i])) slots += LINEAGE_SLOTS;
    }
    kvcore_status status = kvradix__table_reserve(&index->lineage.table, slots, slots);
    if (status != KVCORE_OK)
        return kvcore_fail(error, &(kvcore_error){.code = status, .index = KVCORE_NO_INDEX}, "no room for %zu names",
                           slots / LINEAGE_SLOTS);
    return add_holders(index, events, count, error);
}

/* ---- one event ---- */

static void change(kvradix_index *index, holder_state *state, const kvhash_event *event) {
    if (stores(event) && !kvradix__index_allows(index, state, event->name)) {
        kvradix__holders_mark_stale(&index->holders, state, 1);
    } else if (stores(event)) {
        kvradix__index_hold(index, state, event->name);
    } else if (event->kind == KVHASH_EVENT_REMOVE && state->column != COLUMN_NONE) {
        uint32_t slot = kvradix__lineage_find(&index->lineage, event->name);
        if (slot != TABLE_NONE) kvradix__lineage_release(&index->lineage, slot, state->column);
    }
}

static void clear(kvradix_index *index, holder_state *state) {
    uint64_t dead[ROW_WORDS_MAX] = {0};
    bool scrub = state->column != COLUMN_NONE;
    kvradix__holders_clear(&index->holders, state, index_epoch(index), dead);
    if (scrub) kvradix__lineage_scrub(&index->lineage, dead);
}

static void take_in(kvradix_index *index, const kvhash_event *event) {
    holder_state *state = kvradix__holders_find(&index->holders, event->holder);
    state->fresh = false;
    state->heard = true;
    if (event->kind == KVHASH_EVENT_CLEAR) {
        clear(index, state);
        state->expected = event->sequence;
        return;
    }
    if (event->sequence < state->expected) return; /* old */
    if (event->sequence > state->expected)
        kvradix__holders_mark_stale(&index->holders, state, event->sequence - state->expected);
    bool numbered = event->kind == KVHASH_EVENT_CREATE || event->kind == KVHASH_EVENT_REMOVE;
    state->expected = event->sequence + numbered;
    change(index, state, event);
}

/* At most TABLE_AHEAD. */
static void take_in_some(kvradix_index *index, const kvhash_event *events, size_t count) {
    uint64_t hashes[TABLE_AHEAD];
    for (size_t i = 0; i < count; i++) hashes[i] = name_hash(index->lineage.table.key, events[i].name);
    kvradix__lineage_fetch(&index->lineage, hashes, count);
    for (size_t i = 0; i < count; i++) take_in(index, &events[i]);
}

kvcore_status kvradix_index_apply(kvradix_index *index, const kvhash_event *events, size_t count, kvcore_error *error) {
    if (index == NULL || (events == NULL && count > 0))
        return kvcore_fail(error, &(kvcore_error){.code = KVCORE_EINVAL, .index = KVCORE_NO_INDEX},
                           "no index or no events");
    pthread_mutex_lock(&index->writers);
    kvcore_status status = make_room(index, events, count, error);
    for (size_t start = 0; status == KVCORE_OK && start < count; start += TABLE_AHEAD)
        take_in_some(index, events + start, count - start < TABLE_AHEAD ? count - start : TABLE_AHEAD);
    kvradix__table_settle(&index->lineage.table);
    pthread_mutex_unlock(&index->writers);
    return status;
}

/* ---- a feed ---- */

/* What could not be taken in is lost, as if it had never come. */
static void lose(kvradix_index *index, const kvhash_event *event) {
    pthread_mutex_lock(&index->writers);
    holder_state *state = kvradix__holders_add(&index->holders, event->holder);
    if (state == NULL) {
        atomic_fetch_add_explicit(&index->holders.lost, 1, memory_order_relaxed);
    } else if (event->sequence == UINT64_MAX) { /* no number: nothing is expected after it */
        state->fresh = false;
        kvradix__holders_mark_stale(&index->holders, state, 1);
    } else {
        state->fresh = false;
        if (event->sequence >= state->expected) {
            bool numbered = event->kind == KVHASH_EVENT_CREATE || event->kind == KVHASH_EVENT_REMOVE;
            kvradix__holders_mark_stale(&index->holders, state, event->sequence - state->expected + 1);
            state->expected = event->sequence + numbered;
        }
    }
    pthread_mutex_unlock(&index->writers);
}

void kvradix_feed_event(void *feed, const kvhash_event *event) {
    if (feed == NULL || event == NULL) return;
    const kvradix_feed *to = feed;
    kvhash_event own = *event;
    own.holder = to->holder;
    if (kvradix_index_apply(to->index, &own, 1, NULL) != KVCORE_OK) lose(to->index, &own);
}

uint64_t kvradix_index_expected(const kvradix_index *index, kvhash_holder holder) {
    if (index == NULL) return 0;
    pthread_mutex_t *writers = index_lock(index);
    const holder_state *state = kvradix__holders_find(&index->holders, holder);
    uint64_t expected = state == NULL ? 1 : state->expected;
    pthread_mutex_unlock(writers);
    return expected;
}
