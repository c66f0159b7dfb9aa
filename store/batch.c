/* Batches: taken whole, worked on block by block, handed out when nothing can touch the caller's memory any more. */
#include "internal.h"

#include <string.h>

#include <kvcore/config.h>

const char *kvstore_outcome_text(uint32_t outcome) {
    static const char *const texts[KVSTORE_OUTCOMES] = {"skipped", "stored",  "exists",     "hit",     "miss",
                                                        "damaged", "foreign", "unverified", "dropped", "no room",
                                                        "too big", "failed",  "cancelled"};
    return outcome < KVSTORE_OUTCOMES ? texts[outcome] : "unknown";
}

static bool is_good(uint32_t outcome) {
    return outcome == KVSTORE_HIT || outcome == KVSTORE_UNVERIFIED || outcome == KVSTORE_STORED ||
           outcome == KVSTORE_EXISTS;
}

static void push(kvstore__list *list, kvstore__batch *batch) {
    batch->previous = list->last;
    batch->next = NULL;
    if (list->last != NULL)
        list->last->next = batch;
    else
        list->first = batch;
    list->last = batch;
}

static void pull(kvstore__list *list, kvstore__batch *batch) {
    if (batch->previous != NULL)
        batch->previous->next = batch->next;
    else
        list->first = batch->next;
    if (batch->next != NULL)
        batch->next->previous = batch->previous;
    else
        list->last = batch->previous;
}

/* ---- names ---- */

static kvhash_plh name_at(const kvstore__batch *batch, size_t index) {
    if (batch->given.names != NULL) return batch->given.names[index];
    const uint8_t *hash = batch->given.hashes[index].bytes;
    return (kvhash_plh){kvcore_load_be64(hash), kvcore_load_be64(hash + 8) ^ batch->given.sidecar};
}

static const kvstore_span *spans_at(const kvstore__batch *batch, size_t index) {
    return batch->given.spans + index * batch->given.spans_per_block;
}

static uint64_t bytes_at(const kvstore__batch *batch, size_t index) {
    uint64_t sum = 0;
    for (uint32_t i = 0; i < batch->given.spans_per_block; i++) sum += spans_at(batch, index)[i].size_bytes;
    return sum;
}

/* ---- what was seen damaged ---- */

static uint32_t damage_index(const kvstore *store, uint16_t space, kvhash_plh name) {
    for (uint32_t i = 0; i < store->damage_count; i++)
        if (store->damage[i].space == space && kvhash_plh_equal(store->damage[i].name, name)) return i;
    return KVSTORE_NONE;
}

bool kvstore__is_damaged(const kvstore *store, uint16_t space, kvhash_plh name) {
    return damage_index(store, space, name) != KVSTORE_NONE;
}

static void remember_damage(kvstore *store, uint16_t space, kvhash_plh name) {
    if (kvstore__is_damaged(store, space, name)) return;
    if (store->damage == NULL)
        store->damage =
            kvcore_alloc(&store->allocator, KVSTORE_DAMAGE_MOST, sizeof *store->damage, _Alignof(kvstore__damage));
    if (store->damage == NULL) return; /* the next get sees it again */
    store->damage[store->damage_next] = (kvstore__damage){space, name};
    store->damage_next = (store->damage_next + 1) % KVSTORE_DAMAGE_MOST;
    if (store->damage_count < KVSTORE_DAMAGE_MOST) store->damage_count++;
}

static void forget_damage(kvstore *store, uint16_t space, kvhash_plh name) {
    uint32_t at = damage_index(store, space, name);
    if (at == KVSTORE_NONE) return;
    store->damage[at] = store->damage[--store->damage_count];
    store->damage_next = store->damage_count;
}

/* ---- the catalog ---- */

static void drop_record(kvstore *store, uint16_t space, kvhash_plh name) {
    uint32_t at = kvstore__catalog_find(&store->catalog, space, name);
    if (at == KVSTORE_NONE) return;
    kvstore__catalog_remove(&store->catalog, at);
    kvstore__tell_block(store, space, name, KVHASH_EVENT_REMOVE);
}

static void keep_within(kvstore *store) {
    if (store->backend.evicts || store->options.max_catalog_entries == 0) return;
    while (store->catalog.count > store->options.max_catalog_entries) {
        kvstore__catalog_remove(&store->catalog, store->catalog.oldest);
        store->complete = false;
    }
}

static void take_record(kvstore *store, const kvstore__job *job, bool stored) {
    bool made;
    uint16_t space = job->batch->space->id;
    uint32_t at = kvstore__catalog_insert(&store->catalog, space, job->name, &made);
    if (at == KVSTORE_NONE) {
        store->complete = false; /* it is there, but we cannot know it */
        return;
    }
    kvstore_record *record = kvstore__catalog_record(&store->catalog, at);
    if (job->transfer.disk_bytes > 0 || made) kvstore__catalog_resize(&store->catalog, at, job->transfer.disk_bytes);
    record->generation = store->generation;
    if (made || job->transfer.stamp || job->transfer.request == KVSTORE_TRANSFER_TOUCH)
        record->used_s = (uint32_t)(kvstore__wall(store) / KVSTORE_SECOND);
    if (made || stored) kvstore__tell_block(store, space, job->name, KVHASH_EVENT_CREATE);
    keep_within(store);
}

/* Is it time to note the use of a block on its file? */
static bool stamp_is_due(const kvstore *store, const kvstore_record *record) {
    if (!store->backend.evicts || !store->backend.blocking) return false;
    uint64_t now_s = kvstore__wall(store) / KVSTORE_SECOND, every = 600;
    if (store->limits.ttl_seconds > 0 && store->limits.ttl_seconds / 4 < every) every = store->limits.ttl_seconds / 4;
    return now_s > record->used_s && now_s - record->used_s >= every;
}

/* ---- taking a batch ---- */

static kvcore_status check_spans(const kvstore__batch *batch, uint64_t *bytes) {
    uint64_t sum = 0, want = batch->space->block_bytes;
    for (size_t i = 0; i < batch->given.count; i++) {
        uint64_t block = 0;
        for (uint32_t j = 0; j < batch->given.spans_per_block; j++) {
            const kvstore_span *span = &spans_at(batch, i)[j];
            if (span->bytes == NULL && span->size_bytes > 0) return KVCORE_EINVAL;
            if (__builtin_add_overflow(block, (uint64_t)span->size_bytes, &block)) return KVCORE_EINVAL;
        }
        if (want > 0 && (batch->put ? block != want : block < want)) return KVCORE_EINVAL;
        if (__builtin_add_overflow(sum, block, &sum)) return KVCORE_EINVAL;
    }
    *bytes = sum;
    return KVCORE_OK;
}

static kvcore_status check_given(const kvstore__batch *batch) {
    const kvstore_batch *given = &batch->given;
    bool hashes = batch->space->store->options.scheme == KVSTORE_SCHEME_WOMBAT;
    size_t spans;
    if (given->count == 0 || given->results == NULL || (hashes ? given->hashes == NULL : given->names == NULL))
        return KVCORE_EINVAL;
    if (given->spans == NULL && given->spans_per_block > 0) return KVCORE_EINVAL;
    if (__builtin_mul_overflow(given->count, (size_t)given->spans_per_block, &spans)) return KVCORE_EINVAL;
    for (size_t i = 0; !hashes && i < given->count; i++)
        if (!kvhash_plh_valid(given->names[i])) return KVCORE_EINVAL;
    return KVCORE_OK;
}

static bool has_room(const kvstore *store, const kvstore__batch *batch) {
    return batch->bytes <= store->options.max_inflight_bytes - store->stats.inflight_bytes &&
           batch->given.count <= store->options.max_inflight_blocks - store->stats.inflight_blocks;
}

static kvstore__batch *new_batch(kvstore *store) {
    kvstore__batch *batch = store->spare;
    if (batch == NULL) return kvcore_alloc(&store->allocator, 1, sizeof *batch, _Alignof(kvstore__batch));
    store->spare = batch->next;
    store->spare_count--;
    return batch;
}

static kvcore_status submit(kvstore_space *space, const kvstore_batch *given, bool put, kvstore_ticket *ticket) {
    kvstore__batch made = {.space = space, .put = put};
    if (space == NULL || ticket == NULL) return KVCORE_EINVAL;
    kvcore_status status = kvcore_config_read(&made.given, sizeof made.given, given, NULL);
    if (status == KVCORE_OK) status = check_given(&made);
    if (status == KVCORE_OK) status = check_spans(&made, &made.bytes);
    if (status != KVCORE_OK) return status;
    kvstore *store = space->store;
    kvstore__lock(store);
    kvstore__batch *batch = NULL;
    if (!has_room(store, &made))
        status = KVCORE_ENOSPACE;
    else if ((batch = new_batch(store)) == NULL)
        status = KVCORE_ENOMEM;
    if (batch != NULL) {
        uint64_t wait_ms = made.given.deadline_ms;
        if (wait_ms == 0) wait_ms = put ? store->options.put_deadline_ms : store->options.get_deadline_ms;
        made.deadline_ns = kvstore__now(store) + wait_ms * 1000000;
        made.stop = made.given.count;
        made.window = put ? store->options.max_parallel : store->options.readahead;
        made.ticket = ++store->last_ticket;
        *batch = made;
        memset(made.given.results, 0, made.given.count * sizeof *made.given.results);
        push(&store->ready, batch);
        store->stats.inflight_bytes += batch->bytes;
        store->stats.inflight_blocks += batch->given.count;
        *ticket = batch->ticket;
        if (store->thread_count > 0) pthread_cond_signal(&store->work);
        kvstore__signal(store);
    }
    kvstore__unlock(store);
    return status;
}

kvcore_status kvstore_submit_get(kvstore_space *space, const kvstore_batch *batch, kvstore_ticket *ticket) {
    return submit(space, batch, false, ticket);
}

kvcore_status kvstore_submit_put(kvstore_space *space, const kvstore_batch *batch, kvstore_ticket *ticket) {
    return submit(space, batch, true, ticket);
}

void kvstore_cancel(kvstore *store, kvstore_ticket ticket) {
    if (store == NULL) return;
    kvstore__lock(store);
    for (kvstore__batch *batch = store->ready.first; batch != NULL; batch = batch->next)
        if (batch->ticket == ticket) batch->cancelled = true;
    kvstore__signal(store);
    if (store->thread_count > 0) pthread_cond_signal(&store->work);
    kvstore__unlock(store);
}

void kvstore__expire(kvstore *store, uint64_t now_ns) {
    for (kvstore__batch *batch = store->ready.first; batch != NULL; batch = batch->next)
        if (now_ns >= batch->deadline_ns) batch->expired = true;
}

/* ---- the end of a batch ---- */

static void scrub(const kvstore__batch *batch, size_t from) {
    for (size_t i = from; i < batch->given.count; i++)
        for (uint32_t j = 0; j < batch->given.spans_per_block; j++) {
            const kvstore_span *span = &spans_at(batch, i)[j];
            if (span->size_bytes > 0) memset(span->bytes, 0, span->size_bytes);
        }
}

static size_t leading(const kvstore__batch *batch) {
    size_t good = 0;
    while (good < batch->given.count && is_good(batch->given.results[good].outcome)) good++;
    return good;
}

/* What was never begun, and what came behind the first miss. */
static void settle_results(const kvstore__batch *batch) {
    kvstore_result *results = batch->given.results;
    uint32_t outcome = batch->cancelled ? KVSTORE_CANCELLED : KVSTORE_SKIPPED;
    kvcore_status why = batch->expired ? KVSTORE_ETIMEOUT : KVCORE_OK;
    size_t from = batch->put ? batch->next_block : leading(batch) + 1;
    bool first = batch->put || leading(batch) >= batch->next_block; /* the block at the edge was not begun either */
    if (!batch->put && first) from = leading(batch);
    for (size_t i = from; i < batch->given.count; i++) results[i] = (kvstore_result){.outcome = outcome, .status = why};
}

static void count_results(kvstore *store, const kvstore__batch *batch) {
    for (size_t i = 0; i < batch->given.count; i++) {
        const kvstore_result *result = &batch->given.results[i];
        store->stats.blocks[result->outcome]++;
        store->stats.bytes[result->outcome] += result->bytes;
    }
}

/* The whole batch is one tick: its last block becomes the coldest of it, so that a prefix loses its tail first. */
static void warm(kvstore *store, const kvstore__batch *batch) {
    for (size_t i = batch->given.count; i-- > 0;) {
        if (!is_good(batch->given.results[i].outcome)) continue;
        uint32_t at = kvstore__catalog_find(&store->catalog, batch->space->id, name_at(batch, i));
        if (at != KVSTORE_NONE) kvstore__catalog_warm(&store->catalog, at);
    }
}

static void end_batch(kvstore *store, kvstore__batch *batch) {
    settle_results(batch);
    if (!batch->put && batch->given.scrub) scrub(batch, leading(batch));
    count_results(store, batch);
    warm(store, batch);
    pull(&store->ready, batch);
    push(&store->done, batch);
    store->stats.inflight_bytes -= batch->bytes;
    store->stats.inflight_blocks -= batch->given.count;
    kvstore__signal(store);
}

/* ---- block by block ---- */

static void decide(kvstore__batch *batch, uint32_t outcome, kvcore_status status) {
    size_t index = batch->next_block++;
    batch->given.results[index] = (kvstore_result){
        .outcome = outcome, .status = status, .bytes = outcome == KVSTORE_EXISTS ? bytes_at(batch, index) : 0};
    if (!batch->put && !is_good(outcome) && index < batch->stop) batch->stop = index;
}

static bool is_under_way(const kvstore *store, const kvstore__batch *batch, kvhash_plh name) {
    for (uint32_t i = 0; store->busy_jobs > 0 && i < store->job_count; i++) {
        const kvstore__job *job = &store->jobs[i];
        if (job->busy && job->batch->put && job->batch->space == batch->space && kvhash_plh_equal(job->name, name))
            return true;
    }
    return false;
}

static kvstore__job *new_job(kvstore *store, kvstore__batch *batch, kvhash_plh name, uint32_t record, bool probe) {
    kvstore__job *job = store->free_jobs;
    store->free_jobs = job->next;
    store->busy_jobs++;
    size_t index = batch->next_block++;
    job->batch = batch;
    job->index = index;
    job->name = name;
    job->busy = true;
    job->probe = probe;
    job->started_ns = kvstore__now(store);
    job->staged = (kvstore_span){NULL, 0};
    job->repair = batch->put && kvstore__is_damaged(store, batch->space->id, name);
    job->transfer = (kvstore_transfer){.request = batch->put ? KVSTORE_TRANSFER_PUT : KVSTORE_TRANSFER_GET,
                                       .spans = spans_at(batch, index),
                                       .span_count = batch->given.spans_per_block,
                                       .create_only = !batch->given.force && !job->repair,
                                       .deadline_ns = batch->deadline_ns,
                                       .owner = job};
    if (batch->given.spans == NULL) job->transfer.spans = NULL;
    if (record != KVSTORE_NONE) {
        bool due = stamp_is_due(store, kvstore__catalog_record(&store->catalog, record));
        if (batch->put && !batch->given.force && !job->repair)
            job->transfer.request = KVSTORE_TRANSFER_TOUCH;
        else
            job->transfer.stamp = due && !batch->put;
    }
    batch->running++;
    return job;
}

/* What can be said of the next block without asking the backend. False: nothing. */
static bool decide_early(kvstore *store, kvstore__batch *batch, kvhash_plh name, uint32_t *record) {
    uint16_t space = batch->space->id;
    *record = kvstore__catalog_find(&store->catalog, space, name);
    if (!batch->put) {
        if (*record != KVSTORE_NONE || !store->complete) return false;
        decide(batch, KVSTORE_MISS, KVCORE_OK);
        return true;
    }
    if (*record != KVSTORE_NONE && !batch->given.force && !kvstore__is_damaged(store, space, name)) {
        if (stamp_is_due(store, kvstore__catalog_record(&store->catalog, *record))) return false;
        decide(batch, KVSTORE_EXISTS, KVCORE_OK);
        return true;
    }
    if (kvstore__now(store) < store->no_room_until_ns) {
        decide(batch, KVSTORE_DROPPED, KVCORE_ENOSPACE);
        return true;
    }
    return false;
}

/* The next job of a batch; NULL when there is none now. *ended: the batch is done. */
static kvstore__job *step(kvstore *store, kvstore__batch *batch, bool *ended) {
    *ended = false;
    while (batch->next_block < batch->stop && !batch->cancelled && !batch->expired) {
        kvhash_plh name = name_at(batch, batch->next_block);
        uint32_t record;
        if (decide_early(store, batch, name, &record)) continue;
        if (batch->running >= batch->window || store->free_jobs == NULL) return NULL;
        batch->waits = batch->put && is_under_way(store, batch, name);
        if (batch->waits) return NULL;
        int verdict = kvstore__breaker_ask(store, kvstore__now(store));
        if (verdict == KVSTORE__REFUSE) {
            decide(batch, batch->put ? KVSTORE_DROPPED : KVSTORE_MISS, KVSTORE_EUNAVAILABLE);
            continue;
        }
        return new_job(store, batch, name, record, verdict == KVSTORE__LET_PROBE);
    }
    *ended = batch->running == 0;
    return NULL;
}

kvstore__job *kvstore__next_job(kvstore *store) {
    for (kvstore__batch *batch = store->ready.first, *next; batch != NULL; batch = next) {
        bool ended;
        next = batch->next;
        kvstore__job *job = step(store, batch, &ended);
        if (ended) end_batch(store, batch);
        if (job == NULL) continue;
        pull(&store->ready, batch); /* the next job is another batch's */
        push(&store->ready, batch);
        return job;
    }
    return NULL;
}

static void count_latency(uint64_t *buckets, uint64_t nanoseconds) {
    unsigned bucket = nanoseconds == 0 ? 0 : 63 - (unsigned)__builtin_clzll(nanoseconds);
    buckets[bucket < KVSTORE_LATENCY_BUCKETS ? bucket : KVSTORE_LATENCY_BUCKETS - 1]++;
}

static void no_room(kvstore *store) {
    uint64_t wait = store->no_room_wait_ns;
    wait = wait == 0 ? KVSTORE_SECOND : wait > 30 * KVSTORE_SECOND ? 60 * KVSTORE_SECOND : 2 * wait;
    store->no_room_wait_ns = wait;
    store->no_room_until_ns = kvstore__now(store) + wait;
    store->evict_wanted = true;
    kvstore__tell(store, KVSTORE_EVENT_NO_ROOM, KVCORE_ENOSPACE, 0, (kvhash_plh){0, 0});
}

static void conclude_put(kvstore *store, const kvstore__job *job) {
    uint16_t space = job->batch->space->id;
    switch (job->transfer.outcome) {
    case KVSTORE_STORED:
        store->no_room_wait_ns = 0;
        if (job->repair) store->stats.repaired_blocks++;
        if (job->repair) forget_damage(store, space, job->name);
        take_record(store, job, true);
        return;
    case KVSTORE_EXISTS: take_record(store, job, false); return;
    case KVSTORE_NO_ROOM: no_room(store); return;
    default: return;
    }
}

static void conclude_get(kvstore *store, const kvstore__job *job) {
    uint16_t space = job->batch->space->id;
    uint32_t outcome = job->transfer.outcome;
    if (outcome == KVSTORE_HIT || outcome == KVSTORE_UNVERIFIED) {
        take_record(store, job, false);
    } else if (outcome == KVSTORE_MISS) {
        drop_record(store, space, job->name);
    } else if (outcome == KVSTORE_DAMAGED || outcome == KVSTORE_FOREIGN) {
        drop_record(store, space, job->name);
        remember_damage(store, space, job->name);
        kvstore__tell(store, outcome == KVSTORE_DAMAGED ? KVSTORE_EVENT_DAMAGED : KVSTORE_EVENT_FOREIGN,
                      job->transfer.status, space, job->name);
    }
}

void kvstore__finish_job(kvstore *store, kvstore__job *job) {
    kvstore__batch *batch = job->batch;
    uint64_t now = kvstore__now(store), taken = now - job->started_ns;
    const kvstore_transfer *done = &job->transfer;
    bool good = is_good(done->outcome);
    kvstore__breaker_tell(store, done->status, job->probe, now);
    if (batch->put)
        conclude_put(store, job);
    else
        conclude_get(store, job);
    if (good) count_latency(batch->put ? store->stats.put_latency : store->stats.get_latency, taken);
    batch->given.results[job->index] =
        (kvstore_result){.outcome = done->outcome,
                         .attempts = done->attempts,
                         .bytes = good ? (batch->put ? bytes_at(batch, job->index) : done->object_payload_bytes) : 0,
                         .nanoseconds = taken,
                         .status = done->status,
                         .http_code = done->http_code};
    if (!batch->put && !good && job->index < batch->stop) batch->stop = job->index;
    if (!batch->put && good && batch->window < store->options.max_parallel) batch->window++;
    batch->running--;
    job->busy = false;
    job->next = store->free_jobs;
    store->free_jobs = job;
    store->busy_jobs--;
    if (store->thread_count > 0) pthread_cond_broadcast(&store->work);
}
