/* A store: opening, closing, polling, spaces. */
#include "internal.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include <kvcore/config.h>

enum { SPARE_BATCHES = 64, INLINE_JOBS = 16, SPACES_MOST = 65535 };

/* ---- time and lock ---- */

static uint64_t system_ns(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * KVSTORE_SECOND + (uint64_t)now.tv_nsec;
}

uint64_t kvstore_clock_ns(const kvstore_options *options) {
    if (options != NULL && options->clock != NULL) return options->clock->now_ns(options->clock->ctx);
    return system_ns(CLOCK_MONOTONIC);
}

uint64_t kvstore__now(const kvstore *store) {
    return store->own_clock ? store->clock.now_ns(store->clock.ctx) : system_ns(CLOCK_MONOTONIC);
}

uint64_t kvstore__wall(const kvstore *store) {
    return store->own_clock ? store->clock.now_ns(store->clock.ctx) : system_ns(CLOCK_REALTIME);
}

void kvstore__lock(const kvstore *store) { pthread_mutex_lock((pthread_mutex_t *)(uintptr_t)&store->lock); }
void kvstore__unlock(const kvstore *store) { pthread_mutex_unlock((pthread_mutex_t *)(uintptr_t)&store->lock); }

void kvstore__signal(kvstore *store) {
    uint64_t one = 1;
    if (store->signalled) return;
    store->signalled = true;
    (void)!write(store->event_descriptor, &one, sizeof one);
}

static void quiet(kvstore *store) {
    uint64_t count;
    if (!store->signalled) return;
    store->signalled = false;
    (void)!read(store->event_descriptor, &count, sizeof count);
}

/* ---- opening ---- */

static void set_defaults(kvstore_options *options) {
    if (options->max_inflight_bytes == 0) options->max_inflight_bytes = UINT64_C(256) << 20;
    if (options->max_inflight_blocks == 0) options->max_inflight_blocks = 4096;
    if (options->max_parallel == 0) options->max_parallel = 64;
    if (options->readahead == 0) options->readahead = 8;
    if (options->readahead > options->max_parallel) options->readahead = options->max_parallel;
    if (options->get_deadline_ms == 0) options->get_deadline_ms = 2000;
    if (options->put_deadline_ms == 0) options->put_deadline_ms = 30000;
    if (options->breaker_failures == 0) options->breaker_failures = 5;
    if (options->max_catalog_entries == 0) options->max_catalog_entries = UINT32_C(4) << 20;
    if (options->event_capacity == 1) options->event_capacity = 2;
}

static kvcore_status check_options(const kvstore_options *options, kvcore_error *error) {
    if (options->scheme != KVSTORE_SCHEME_NATIVE && options->scheme != KVSTORE_SCHEME_WOMBAT &&
        options->scheme != KVSTORE_SCHEME_DYNAMO)
        return refuse_field(error, KVCORE_ECONFIG, (uint64_t)options->scheme, "scheme: unknown value");
    if (options->scheme != KVSTORE_SCHEME_NATIVE && !options->accept_unverified)
        return refuse_field(error, KVCORE_ECONFIG, (uint64_t)options->scheme,
                            "accept_unverified: blocks of this scheme say nothing about themselves; it must be set");
    if (options->compression_level < 0 || options->compression_level > 22)
        return refuse_field(error, KVCORE_ECONFIG, (uint64_t)options->compression_level,
                            "compression_level: 0, or 1 to 22");
    if (options->max_parallel > 65536 || options->event_capacity > UINT32_C(1) << 24)
        return refuse_field(error, KVCORE_ECONFIG, options->max_parallel, "max_parallel or event_capacity: too large");
    return KVCORE_OK;
}

static bool make_descriptors(kvstore *store) {
    struct epoll_event watch = {.events = EPOLLIN};
    store->event_descriptor = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    store->timer_descriptor = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    store->poll_descriptor = epoll_create1(EPOLL_CLOEXEC);
    if (store->event_descriptor < 0 || store->timer_descriptor < 0 || store->poll_descriptor < 0) return false;
    if (epoll_ctl(store->poll_descriptor, EPOLL_CTL_ADD, store->event_descriptor, &watch) != 0) return false;
    if (epoll_ctl(store->poll_descriptor, EPOLL_CTL_ADD, store->timer_descriptor, &watch) != 0) return false;
    if (store->backend.descriptor == NULL) return true;
    int own = store->backend.descriptor(store->backend.ctx);
    return own < 0 || epoll_ctl(store->poll_descriptor, EPOLL_CTL_ADD, own, &watch) == 0;
}

static void *work(void *argument) {
    kvstore *store = argument;
    kvstore__lock(store);
    while (!store->stopping) {
        kvstore__job *job = kvstore__next_job(store);
        if (job == NULL) {
            pthread_cond_wait(&store->work, &store->lock);
            continue;
        }
        kvstore__unlock(store);
        kvstore__run(store, job);
        kvstore__lock(store);
        kvstore__finish_job(store, job);
    }
    kvstore__unlock(store);
    return NULL;
}

static kvcore_status start_threads(kvstore *store) {
    uint32_t wanted = store->backend.blocking ? store->limits.io_threads : 0;
    if (wanted == 0) return KVCORE_OK;
    store->threads = kvcore_alloc(&store->allocator, wanted, sizeof *store->threads, _Alignof(pthread_t));
    if (store->threads == NULL) return KVCORE_ENOMEM;
    store->limits.io_threads = wanted;
    for (; store->thread_count < wanted; store->thread_count++)
        if (pthread_create(&store->threads[store->thread_count], NULL, work, store) != 0) return KVCORE_EIO;
    return KVCORE_OK;
}

static kvcore_status make_memory(kvstore *store) {
    uint32_t count = store->options.max_parallel, events = store->options.event_capacity;
    store->jobs = kvcore_alloc(&store->allocator, count, sizeof *store->jobs, _Alignof(kvstore__job));
    if (store->jobs == NULL) return KVCORE_ENOMEM;
    store->job_count = count;
    memset(store->jobs, 0, count * sizeof *store->jobs);
    for (uint32_t i = count; i-- > 0; store->free_jobs = &store->jobs[i]) store->jobs[i].next = store->free_jobs;
    if (events == 0) return KVCORE_OK;
    store->events = kvcore_alloc(&store->allocator, events, sizeof *store->events, _Alignof(kvstore_event));
    return store->events == NULL ? KVCORE_ENOMEM : KVCORE_OK;
}

static void free_batches(kvstore *store, kvstore__batch *batch) {
    while (batch != NULL) {
        kvstore__batch *next = batch->next;
        kvcore_free(&store->allocator, batch, 1, sizeof *batch, _Alignof(kvstore__batch));
        batch = next;
    }
}

static void destroy(kvstore *store) {
    kvcore_allocator allocator = store->allocator;
    kvstore__lock(store);
    store->stopping = true;
    pthread_cond_broadcast(&store->work);
    kvstore__unlock(store);
    for (uint32_t i = 0; i < store->thread_count; i++) pthread_join(store->threads[i], NULL);
    if (store->cursor != NULL) store->backend.list_end(store->backend.ctx, store->cursor);
    store->backend.close(store->backend.ctx);
    if (store->event_descriptor >= 0) close(store->event_descriptor);
    if (store->timer_descriptor >= 0) close(store->timer_descriptor);
    if (store->poll_descriptor >= 0) close(store->poll_descriptor);
    free_batches(store, store->spare);
    for (size_t i = 0; i < store->space_count; i++)
        kvcore_free(&allocator, store->spaces[i], 1, sizeof **store->spaces, _Alignof(kvstore_space));
    kvcore_free(&allocator, store->spaces, store->space_room, sizeof *store->spaces, _Alignof(kvstore_space *));
    kvcore_free(&allocator, store->jobs, store->job_count, sizeof *store->jobs, _Alignof(kvstore__job));
    kvcore_free(&allocator, store->damage, store->damage == NULL ? 0 : KVSTORE_DAMAGE_MOST, sizeof *store->damage,
                _Alignof(kvstore__damage));
    kvcore_free(&allocator, store->pins, store->pin_room, sizeof *store->pins, _Alignof(kvstore__pin));
    kvcore_free(&allocator, store->events, store->events == NULL ? 0 : store->options.event_capacity,
                sizeof *store->events, _Alignof(kvstore_event));
    kvcore_free(&allocator, store->threads, store->threads == NULL ? 0 : store->limits.io_threads,
                sizeof *store->threads, _Alignof(pthread_t));
    kvstore__catalog_end(&store->catalog);
    pthread_cond_destroy(&store->work);
    pthread_mutex_destroy(&store->lock);
    kvcore_free(&allocator, store, 1, sizeof *store, _Alignof(kvstore));
}

static kvcore_status read_options(const kvstore_options *given, kvstore_options *options, kvcore_error *error) {
    static const kvstore_options none = KVSTORE_OPTIONS_INIT;
    kvcore_status status = kvcore_config_read(options, sizeof *options, given == NULL ? &none : given, error);
    if (status == KVCORE_OK) set_defaults(options);
    return status == KVCORE_OK ? check_options(options, error) : status;
}

kvcore_status kvstore_open_backend(const kvstore_backend *backend, const kvstore_options *options,
                                   const kvstore_limits *limits, kvstore **store, kvcore_error *error) {
    if (backend == NULL || backend->start == NULL || backend->close == NULL || backend->list == NULL)
        return refuse_field(error, KVCORE_EINVAL, 0, "backend is NULL or has no start, list or close");
    kvstore_options read;
    kvcore_status status = store == NULL || limits == NULL
                               ? refuse_field(error, KVCORE_EINVAL, 0, "store or limits is NULL")
                               : read_options(options, &read, error);
    if (status != KVCORE_OK) {
        backend->close(backend->ctx);
        return status;
    }
    kvcore_allocator allocator = read.allocator == NULL ? kvcore_allocator_libc() : *read.allocator;
    kvstore *made = kvcore_alloc(&allocator, 1, sizeof *made, _Alignof(kvstore));
    if (made == NULL) {
        backend->close(backend->ctx);
        return refuse_field(error, KVCORE_ENOMEM, 0, "no memory for a store");
    }
    memset(made, 0, sizeof *made);
    made->allocator = allocator;
    made->own_clock = read.clock != NULL;
    if (made->own_clock) made->clock = *read.clock;
    made->options = read;
    made->limits = *limits;
    made->backend = *backend;
    made->event_descriptor = made->timer_descriptor = made->poll_descriptor = -1;
    made->scanning = limits->scan;
    made->evict_wanted = backend->evicts;
    made->stats.struct_size = sizeof made->stats;
    made->stats.max_bytes = limits->max_bytes;
    uint64_t seed = 0;
    (void)!getrandom(&seed, sizeof seed, GRND_NONBLOCK);
    kvstore__catalog_make(&made->catalog, &allocator, seed);
    pthread_mutex_init(&made->lock, NULL);
    pthread_cond_init(&made->work, NULL);
    status = make_memory(made);
    if (status == KVCORE_OK && !make_descriptors(made)) status = KVCORE_EIO;
    if (status == KVCORE_OK) status = start_threads(made);
    if (status != KVCORE_OK) {
        int code = errno;
        destroy(made);
        return refuse_field(error, status, (uint64_t)code, "no memory, descriptors or threads for a store");
    }
    if (made->scanning) kvstore__signal(made);
    *store = made;
    return KVCORE_OK;
}

kvcore_status kvstore_close(kvstore *store) {
    if (store == NULL) return KVCORE_OK;
    kvstore__lock(store);
    bool out = store->ready.first != NULL || store->done.first != NULL;
    kvstore__unlock(store);
    if (out) return KVCORE_EBUSY;
    destroy(store);
    return KVCORE_OK;
}

/* ---- spaces ---- */

static bool same(const kvstore_identity *a, const kvstore_identity *b) {
    return a->tenant.size_bytes == b->tenant.size_bytes &&
           (a->tenant.size_bytes == 0 || memcmp(a->tenant.data, b->tenant.data, a->tenant.size_bytes) == 0) &&
           kvcore_model_digest_equal(&a->model, &b->model) && kvcore_layout_tag_equal(&a->layout, &b->layout) &&
           a->block_tokens == b->block_tokens && a->rank == b->rank && a->ranks == b->ranks && a->group == b->group;
}

static bool room_for_space(kvstore *store) {
    if (store->space_count < store->space_room) return true;
    if (store->space_count >= SPACES_MOST) return false;
    size_t room = store->space_room == 0 ? 8 : 2 * store->space_room;
    kvstore_space **spaces = kvcore_alloc(&store->allocator, room, sizeof *spaces, _Alignof(kvstore_space *));
    if (spaces == NULL) return false;
    if (store->space_count > 0) memcpy(spaces, store->spaces, store->space_count * sizeof *spaces);
    kvcore_free(&store->allocator, store->spaces, store->space_room, sizeof *spaces, _Alignof(kvstore_space *));
    store->spaces = spaces;
    store->space_room = room;
    return true;
}

kvstore_space *kvstore__space_of(kvstore *store, const kvstore_identity *identity, bool make) {
    for (size_t i = 0; i < store->space_count; i++)
        if (same(&store->spaces[i]->identity, identity)) return store->spaces[i];
    if (!make || !room_for_space(store)) return NULL;
    kvstore_space *space = kvcore_alloc(&store->allocator, 1, sizeof *space, _Alignof(kvstore_space));
    if (space == NULL) return NULL;
    memset(space, 0, sizeof *space);
    space->store = store;
    space->identity = *identity;
    if (identity->tenant.size_bytes > 0) memcpy(space->tenant, identity->tenant.data, identity->tenant.size_bytes);
    space->identity.tenant = (kvcore_bytes){space->tenant, identity->tenant.size_bytes};
    space->id = (uint16_t)store->space_count;
    if (kvstore_tenant_check(space->identity.tenant, space->tenant_check) != KVCORE_OK) {
        kvcore_free(&store->allocator, space, 1, sizeof *space, _Alignof(kvstore_space));
        return NULL;
    }
    store->spaces[store->space_count++] = space;
    return space;
}

static bool all_zero(const uint8_t *bytes, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (bytes[i] != 0) return false;
    return true;
}

static kvcore_status check_identified(const kvstore_space_config *config, kvcore_error *error) {
    if (config->unidentified) return KVCORE_OK;
    if (config->tenant.size_bytes == 0)
        return refuse_field(error, KVCORE_ECONFIG, 0, "tenant: it is empty, and the space is not marked unidentified");
    if (all_zero(config->model.bytes, sizeof config->model.bytes))
        return refuse_field(error, KVCORE_ECONFIG, 0,
                            "model: its digest is zero, and the space is not marked unidentified");
    if (all_zero(config->layout.bytes, sizeof config->layout.bytes))
        return refuse_field(error, KVCORE_ECONFIG, 0,
                            "layout: its tag is zero, and the space is not marked unidentified");
    if (config->block_tokens == 0)
        return refuse_field(error, KVCORE_ECONFIG, 0,
                            "block_tokens: it is 0, and the space is not marked unidentified");
    return KVCORE_OK;
}

kvcore_status kvstore_space_open(kvstore *store, const kvstore_space_config *config, kvstore_space **space,
                                 kvcore_error *error) {
    kvstore_space_config read;
    if (store == NULL || space == NULL) return refuse_field(error, KVCORE_EINVAL, 0, "store or space is NULL");
    kvcore_status status = kvcore_config_read(&read, sizeof read, config, error);
    if (status != KVCORE_OK) return status;
    kvstore_identity identity = {read.tenant,       read.model, read.layout,
                                 read.block_tokens, read.rank,  read.ranks == 0 ? 1 : read.ranks,
                                 read.group};
    status = kvstore_identity_check(&identity, error);
    if (status == KVCORE_OK && store->options.scheme == KVSTORE_SCHEME_NATIVE) status = check_identified(&read, error);
    if (status != KVCORE_OK) return status;
    kvstore__lock(store);
    kvstore_space *found = kvstore__space_of(store, &identity, true);
    bool full = store->space_count >= SPACES_MOST, other = false;
    if (found != NULL) {
        other = found->open && found->block_bytes != read.block_bytes;
        if (!other && !found->open) { /* once: others may be reading it */
            found->open = true;
            found->block_bytes = read.block_bytes;
        }
        if (!other) *space = found;
    }
    kvstore__unlock(store);
    if (other)
        return refuse_field(error, KVCORE_ECONFIG, read.block_bytes,
                            "block_bytes: the space is open with another length");
    if (found != NULL) return KVCORE_OK;
    return refuse_field(error, full ? KVCORE_EOVERFLOW : KVCORE_ENOMEM, store->space_count,
                        "no room for another space");
}

/* ---- polling ---- */

/* A transfer that nobody wants any more is cut, once. */
static void cut_unwanted(kvstore *store) {
    for (uint32_t i = 0; store->backend.cancel != NULL && i < store->job_count; i++) {
        kvstore__job *job = &store->jobs[i];
        kvstore__lock(store);
        bool unwanted = job->busy && (job->batch->cancelled || job->batch->expired || job->index > job->batch->stop);
        kvstore__unlock(store);
        if (unwanted) store->backend.cancel(store->backend.ctx, &job->transfer);
    }
}

static bool finish_transfers(kvstore *store) {
    kvstore_transfer *done[INLINE_JOBS];
    size_t count = store->backend.step(store->backend.ctx, done, INLINE_JOBS);
    for (size_t i = 0; i < count; i++) {
        kvstore__job *job = done[i]->owner;
        kvstore__conclude(store, job);
        kvstore__lock(store);
        kvstore__finish_job(store, job);
        kvstore__unlock(store);
    }
    return count > 0;
}

static bool start_transfers(kvstore *store) {
    bool any = false;
    for (;; any = true) {
        kvstore__lock(store);
        kvstore__job *job = kvstore__next_job(store);
        kvstore__unlock(store);
        if (job == NULL) return any;
        kvstore__prepare(store, job);
        if (job->transfer.outcome == KVSTORE_SKIPPED) {
            store->backend.start(store->backend.ctx, &job->transfer);
            continue;
        }
        kvstore__conclude(store, job);
        kvstore__lock(store);
        kvstore__finish_job(store, job);
        kvstore__unlock(store);
    }
}

static bool run_inline(kvstore *store, int most) {
    for (int i = 0; i < most; i++) {
        kvstore__lock(store);
        kvstore__job *job = kvstore__next_job(store);
        kvstore__unlock(store);
        if (job == NULL) return i > 0;
        kvstore__run(store, job);
        kvstore__lock(store);
        kvstore__finish_job(store, job);
        kvstore__unlock(store);
    }
    return true;
}

/* One round of everything; true when it got somewhere, or there is more to do. */
static bool drive(kvstore *store) {
    uint64_t now = kvstore__now(store);
    kvstore__lock(store);
    kvstore__expire(store, now);
    kvstore__unlock(store);
    bool moved = false;
    if (!store->backend.blocking) {
        cut_unwanted(store);
        moved = start_transfers(store);
        moved = finish_transfers(store) || moved;
        moved = start_transfers(store) || moved;
    } else if (store->thread_count == 0) {
        moved = run_inline(store, INLINE_JOBS);
    }
    return kvstore__keep_house(store, now) || moved;
}

static void recycle(kvstore *store, kvstore__batch *batch) {
    if (store->spare_count == SPARE_BATCHES) {
        kvcore_free(&store->allocator, batch, 1, sizeof *batch, _Alignof(kvstore__batch));
        return;
    }
    batch->next = store->spare;
    store->spare = batch;
    store->spare_count++;
}

static size_t good_of(const kvstore__batch *batch) {
    size_t good = 0;
    for (size_t i = 0; i < batch->given.count; i++) {
        uint32_t outcome = batch->given.results[i].outcome;
        bool counts = batch->put ? outcome == KVSTORE_STORED || outcome == KVSTORE_EXISTS
                                 : outcome == KVSTORE_HIT || outcome == KVSTORE_UNVERIFIED;
        if (!counts && !batch->put) break;
        good += counts;
    }
    return good;
}

/* Completions that are there; only of one ticket when it is not 0. */
static size_t take(kvstore *store, kvstore_completion *completions, size_t capacity, kvstore_ticket only) {
    size_t count = 0;
    for (kvstore__batch *batch = store->done.first, *next; batch != NULL && count < capacity; batch = next) {
        next = batch->next;
        if (only != 0 && batch->ticket != only) continue;
        completions[count++] = (kvstore_completion){batch->ticket, batch->given.user, good_of(batch), batch->put};
        if (batch->previous != NULL)
            batch->previous->next = batch->next;
        else
            store->done.first = batch->next;
        if (batch->next != NULL)
            batch->next->previous = batch->previous;
        else
            store->done.last = batch->previous;
        recycle(store, batch);
    }
    return count;
}

/* The descriptor says what is left to do. */
static void arm(kvstore *store, bool more) {
    uint64_t now = kvstore__now(store), due = kvstore__house_due(store);
    bool inline_work = store->backend.blocking && store->thread_count == 0 && store->ready.first != NULL;
    if (more || inline_work || store->done.first != NULL)
        kvstore__signal(store);
    else
        quiet(store);
    for (kvstore__batch *batch = store->ready.first; batch != NULL; batch = batch->next)
        if (batch->deadline_ns < due) due = batch->deadline_ns;
    if (due == store->tidy_next_ns || store->own_clock) return;
    store->tidy_next_ns = due;
    uint64_t wait = due <= now ? 1 : due == UINT64_MAX ? 0 : due - now;
    struct itimerspec when = {.it_value = {(time_t)(wait / KVSTORE_SECOND), (long)(wait % KVSTORE_SECOND)}};
    timerfd_settime(store->timer_descriptor, 0, &when, NULL);
}

static void wait_for_work(kvstore *store, int timeout_ms) {
    struct pollfd watch = {.fd = store->poll_descriptor, .events = POLLIN};
    poll(&watch, 1, timeout_ms);
    uint64_t expirations;
    if (read(store->timer_descriptor, &expirations, sizeof expirations) == (ssize_t)sizeof expirations)
        store->tidy_next_ns = 0;
}

static size_t poll_for(kvstore *store, kvstore_completion *completions, size_t capacity, int timeout_ms,
                       kvstore_ticket only) {
    uint64_t end = system_ns(CLOCK_MONOTONIC) + (uint64_t)(timeout_ms < 0 ? 0 : timeout_ms) * 1000000;
    for (;;) {
        bool more = drive(store);
        kvstore__lock(store);
        size_t count = take(store, completions, capacity, only);
        bool idle = store->ready.first == NULL && store->done.first == NULL;
        arm(store, more);
        kvstore__unlock(store);
        if (count > 0 || timeout_ms == 0 || (timeout_ms < 0 && idle)) return count;
        uint64_t now = timeout_ms < 0 ? 0 : system_ns(CLOCK_MONOTONIC);
        if (timeout_ms > 0 && now >= end) return 0;
        if (more) continue;
        int wait = timeout_ms < 0 ? 1000 : (int)((end - now) / 1000000) + 1;
        wait_for_work(store, store->own_clock && wait > 5 ? 5 : wait);
    }
}

size_t kvstore_poll(kvstore *store, kvstore_completion *completions, size_t capacity, int timeout_ms) {
    if (store == NULL || (completions == NULL && capacity > 0)) return 0;
    return poll_for(store, completions, capacity, timeout_ms, 0);
}

int kvstore_descriptor(const kvstore *store) { return store == NULL ? -1 : store->poll_descriptor; }

/* ---- blocking calls ---- */

static bool take_part(const kvstore *store, const kvstore_batch *batch, size_t from, size_t *count) {
    uint64_t bytes = 0;
    size_t taken = 0;
    while (from + taken < batch->count && taken < store->options.max_inflight_blocks) {
        for (uint32_t i = 0; i < batch->spans_per_block; i++)
            bytes += batch->spans[(from + taken) * batch->spans_per_block + i].size_bytes;
        if (bytes > store->options.max_inflight_bytes) break;
        taken++;
    }
    *count = taken;
    return taken > 0;
}

static kvcore_status call_part(kvstore_space *space, const kvstore_batch *part, bool put, size_t *good) {
    kvstore_ticket ticket;
    kvstore_completion completion;
    kvcore_status status = put ? kvstore_submit_put(space, part, &ticket) : kvstore_submit_get(space, part, &ticket);
    if (status != KVCORE_OK) return status;
    while (poll_for(space->store, &completion, 1, 100, ticket) == 0) {}
    *good = completion.good;
    return KVCORE_OK;
}

static kvcore_status call(kvstore_space *space, const kvstore_batch *given, bool put, size_t *good,
                          kvcore_error *error) {
    kvstore_batch batch, part;
    size_t sum = 0, count;
    if (space == NULL) return refuse_field(error, KVCORE_EINVAL, 0, "space is NULL");
    kvcore_status status = kvcore_config_read(&batch, sizeof batch, given, error);
    if (status != KVCORE_OK) return status;
    if (batch.spans_per_block > 0 && batch.spans == NULL) return refuse_field(error, KVCORE_EINVAL, 0, "spans is NULL");
    if (batch.count == 0 || batch.results == NULL || (batch.names == NULL && batch.hashes == NULL))
        return refuse_field(error, KVCORE_EINVAL, batch.count, "no blocks, names or results");
    memset(batch.results, 0, batch.count * sizeof *batch.results);
    for (size_t from = 0; from < batch.count; from += count) {
        size_t done = 0;
        if (!take_part(space->store, &batch, from, &count))
            return refuse_field(error, KVCORE_ENOSPACE, from, "a block is larger than the limit of bytes in flight");
        part = batch;
        part.count = count;
        if (part.names != NULL) part.names += from;
        if (part.hashes != NULL) part.hashes += from;
        if (part.spans != NULL) part.spans += from * part.spans_per_block;
        if (part.proofs != NULL) part.proofs += from;
        part.results += from;
        status = call_part(space, &part, put, &done);
        if (status != KVCORE_OK) return refuse_field(error, status, from, kvcore_status_text(status));
        sum += done;
        if (!put && done < count) break;
    }
    if (good != NULL) *good = sum;
    return KVCORE_OK;
}

kvcore_status kvstore_get(kvstore_space *space, const kvstore_batch *batch, size_t *hits, kvcore_error *error) {
    return call(space, batch, false, hits, error);
}

kvcore_status kvstore_put(kvstore_space *space, const kvstore_batch *batch, size_t *good, kvcore_error *error) {
    return call(space, batch, true, good, error);
}
