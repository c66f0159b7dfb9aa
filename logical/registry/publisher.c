/* A subscription turned into batches, by polling or by a thread. */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <kvcore/config.h>

#include "registry/registry.h"

#define POLLED 64 /* events taken from the subscription at a time */

struct kvlogical_publisher {
    registry *registry;
    kvlogical_subscription *subscription;
    kvlogical_publish publish;
    void *ctx;
    uint64_t window_ns, deadline_ns;
    bool started; /* the first deadline counts from the first poll */
    size_t max_events, count;
    kvhash_event *pending; /* all of one group */
    atomic_bool resync;

    bool threaded, stopping;
    pid_t process; /* whose thread it is */
    pthread_t thread;
    pthread_mutex_t mutex; /* of `stopping` */
    pthread_cond_t stop;
    kvcore_allocator allocator;
};

/* Which events share a batch: what is there, what is gone; anything else stands alone. */
enum group { GROUP_THERE, GROUP_GONE, GROUP_ALONE };

static enum group group_of(const kvhash_event *event) {
    if (event->kind == KVHASH_EVENT_CREATE || event->kind == KVHASH_EVENT_PRESENT) return GROUP_THERE;
    return event->kind == KVHASH_EVENT_REMOVE ? GROUP_GONE : GROUP_ALONE;
}

/* By position, then by arrival, which stands in holder.reserved meanwhile. */
static int ascending(const void *a, const void *b) {
    const kvhash_event *x = a, *y = b;
    uint32_t px = kvhash_plh_position(x->name), py = kvhash_plh_position(y->name);
    if (px != py) return px < py ? -1 : 1;
    return x->holder.reserved < y->holder.reserved ? -1 : 1;
}

static int descending(const void *a, const void *b) {
    const kvhash_event *x = a, *y = b;
    uint32_t px = kvhash_plh_position(x->name), py = kvhash_plh_position(y->name);
    if (px != py) return px > py ? -1 : 1;
    return x->holder.reserved < y->holder.reserved ? -1 : 1;
}

/* A window may be longer than any clock. */
static uint64_t later(uint64_t now_ns, uint64_t window_ns) {
    return window_ns > UINT64_MAX - now_ns ? UINT64_MAX : now_ns + window_ns;
}

static void flush(kvlogical_publisher *p) {
    if (p->count == 0) return;
    enum group group = group_of(&p->pending[0]);
    for (size_t i = 0; i < p->count; i++) p->pending[i].holder.reserved = (uint32_t)i;
    if (group != GROUP_ALONE)
        qsort(p->pending, p->count, sizeof *p->pending, group == GROUP_THERE ? ascending : descending);
    for (size_t i = 0; i < p->count; i++) p->pending[i].holder.reserved = 0;
    p->publish(p->ctx,
               &(kvlogical_event_batch){sizeof(kvlogical_event_batch), p->pending, p->count, sizeof(kvhash_event)});
    p->count = 0;
}

static void take_in(kvlogical_publisher *p, const kvhash_event *event, uint64_t now_ns) {
    enum group group = group_of(event);
    if (p->count > 0 && (group == GROUP_ALONE || group != group_of(&p->pending[0]))) {
        flush(p);
        p->deadline_ns = later(now_ns, p->window_ns);
    }
    p->pending[p->count++] = *event;
    if (p->count < p->max_events && group != GROUP_ALONE) return;
    flush(p);
    p->deadline_ns = later(now_ns, p->window_ns);
}

/* Up to what had happened at its beginning, so that it ends however fast names come and go. */
static void take_in_all(kvlogical_publisher *p, uint64_t now_ns) {
    kvhash_event events[POLLED];
    size_t count = 1;
    for (uint64_t left = kvlogical__subscription_backlog(p->subscription); left > 0 && count > 0; left -= count) {
        size_t most = left < POLLED ? (size_t)left : POLLED;
        if (kvlogical_subscription_poll(p->subscription, events, most, &count) != KVCORE_OK) return;
        for (size_t i = 0; i < count; i++) take_in(p, &events[i], now_ns);
    }
}

static void poll_at(kvlogical_publisher *p, uint64_t now_ns) {
    if (!p->started) {
        p->started = true;
        p->deadline_ns = later(now_ns, p->window_ns);
    }
    if (atomic_exchange(&p->resync, false) && kvlogical_subscription_resync(p->subscription) != KVCORE_OK) return;
    take_in_all(p, now_ns);
    if (now_ns < p->deadline_ns) return;
    flush(p);
    p->deadline_ns = later(now_ns, p->window_ns);
}

static uint64_t clock_ns(struct timespec *now) {
    clock_gettime(CLOCK_MONOTONIC, now);
    return (uint64_t)now->tv_sec * 1000000000u + (uint64_t)now->tv_nsec;
}

static void *run(void *argument) {
    kvlogical_publisher *p = argument;
    struct timespec at;
    pthread_mutex_lock(&p->mutex);
    while (!p->stopping) {
        pthread_mutex_unlock(&p->mutex);
        poll_at(p, clock_ns(&at));
        pthread_mutex_lock(&p->mutex);
        uint64_t wake = later(clock_ns(&at), p->window_ns);
        at = (struct timespec){(time_t)(wake / 1000000000u), (long)(wake % 1000000000u)};
        while (!p->stopping && pthread_cond_timedwait(&p->stop, &p->mutex, &at) == 0) {}
    }
    pthread_mutex_unlock(&p->mutex);
    return NULL;
}

/* ---- create, destroy ---- */

static kvcore_status refuse(kvcore_error *error, kvcore_status code, const char *text) {
    return kvcore_fail(error, &(kvcore_error){.code = code, .index = KVCORE_NO_INDEX}, "%s", text);
}

/* The program's signals are none of the thread's business: it begins with all of them blocked. */
static bool create_thread(kvlogical_publisher *p) {
    sigset_t all, before;
    sigfillset(&all);
    if (pthread_sigmask(SIG_SETMASK, &all, &before) != 0) return false;
    bool made = pthread_create(&p->thread, NULL, run, p) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return made;
}

static kvcore_status start_thread(kvlogical_publisher *p) {
    pthread_condattr_t attributes;
    if (pthread_condattr_init(&attributes) != 0) return KVCORE_ENOMEM;
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    bool made = pthread_cond_init(&p->stop, &attributes) == 0;
    pthread_condattr_destroy(&attributes);
    if (!made) return KVCORE_ENOMEM;
    if (pthread_mutex_init(&p->mutex, NULL) != 0) {
        pthread_cond_destroy(&p->stop);
        return KVCORE_ENOMEM;
    }
    if (create_thread(p)) return KVCORE_OK;
    pthread_mutex_destroy(&p->mutex);
    pthread_cond_destroy(&p->stop);
    return KVCORE_ENOMEM;
}

static void free_publisher(kvlogical_publisher *p) {
    kvcore_allocator allocator = p->allocator;
    kvlogical_subscription_destroy(p->subscription);
    kvcore_free(&allocator, p->pending, p->max_events, sizeof *p->pending, _Alignof(kvhash_event));
    kvcore_free(&allocator, p, 1, sizeof *p, _Alignof(kvlogical_publisher));
}

kvcore_status kvlogical_publisher_create(kvlogical_registry *r, const kvlogical_publisher_config *given,
                                         kvlogical_publisher **out, kvcore_error *error) {
    if (r == NULL || out == NULL) return refuse(error, KVCORE_EINVAL, "registry and publisher must be given");
    *out = NULL;
    kvlogical_publisher_config config;
    kvcore_status status = kvcore_config_read(&config, sizeof config, given, error);
    if (status != KVCORE_OK) return status;
    if (config.publish == NULL) return refuse(error, KVCORE_ECONFIG, "publish is required");
    if ((config.allocator.alloc == NULL) != (config.allocator.free == NULL))
        return refuse(error, KVCORE_ECONFIG, "allocator needs both alloc and free, or neither");
    if (config.max_events > UINT32_MAX) return refuse(error, KVCORE_ECONFIG, "max_events must be below 2^32");
    if (config.allocator.alloc == NULL) config.allocator = kvcore_allocator_libc();
    kvlogical_publisher *p = kvcore_alloc(&config.allocator, 1, sizeof *p, _Alignof(kvlogical_publisher));
    if (p == NULL) return refuse(error, KVCORE_ENOMEM, "no memory for the publisher");
    *p = (kvlogical_publisher){
        .registry = r,
        .publish = config.publish,
        .ctx = config.ctx,
        .window_ns = config.window_ns != 0 ? config.window_ns : 10000000,
        .max_events = config.max_events != 0 ? config.max_events : 1024,
        .threaded = config.thread,
        .process = getpid(),
        .allocator = config.allocator,
    };
    atomic_init(&p->resync, false);
    p->pending = kvcore_alloc(&p->allocator, p->max_events, sizeof *p->pending, _Alignof(kvhash_event));
    status = p->pending == NULL ? KVCORE_ENOMEM : kvlogical_subscription_create(r, &p->subscription);
    if (status == KVCORE_OK && p->threaded) status = start_thread(p);
    if (status != KVCORE_OK) {
        free_publisher(p);
        return refuse(error, status, "the publisher could not be made");
    }
    *out = p;
    return KVCORE_OK;
}

void kvlogical_publisher_destroy(kvlogical_publisher *p) {
    if (p == NULL) return;
    if (p->process != getpid()) { /* a fork has neither the thread nor the receivers of what is pending */
        free_publisher(p);
        return;
    }
    if (p->threaded) {
        pthread_mutex_lock(&p->mutex);
        p->stopping = true;
        pthread_cond_signal(&p->stop);
        pthread_mutex_unlock(&p->mutex);
        pthread_join(p->thread, NULL);
        pthread_mutex_destroy(&p->mutex);
        pthread_cond_destroy(&p->stop);
    }
    poll_at(p, p->deadline_ns);
    flush(p);
    free_publisher(p);
}

kvcore_status kvlogical_publisher_poll(kvlogical_publisher *p, uint64_t now_ns) {
    if (p == NULL) return KVCORE_EINVAL;
    if (p->threaded || p->process != getpid()) return KVLOGICAL_ESTATE;
    poll_at(p, now_ns);
    return KVCORE_OK;
}

kvcore_status kvlogical_publisher_resync(kvlogical_publisher *p) {
    if (p == NULL) return KVCORE_EINVAL;
    atomic_store(&p->resync, true);
    return KVCORE_OK;
}
