#include <kvevents/subscriber.h>

#include <pthread.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

#include <kvcore/config.h>

#define SOURCES 1024
#define HWM 100000
#define REPLY_NS UINT64_C(1000000000)
#define REPLAY_NS UINT64_C(30000000000)
#define REPLAY_BYTES ((size_t)256 << 20)
#define PAYLOAD_BYTES ((size_t)64 << 20)
#define A_TURN 256
#define FRAMES 8
#define TICK_MS 50

typedef struct subscription {
    uint64_t id;
    kvevents_source *source;
    void *sub;
    void *dealer; /* while a replay runs */
    char *replay_endpoint;
    uint64_t reply_due_ns, replay_due_ns;
    size_t replay_bytes;
    int64_t most_bytes; /* of a message */
} subscription;

struct kvevents_subscriber {
    kvevents_subscriber_config config;
    void *context;
    int wake_fd, epoll_fd;
    pthread_t thread;
    pthread_mutex_t lock; /* of all but the gate */
    pthread_mutex_t
        gate; /* held by who waits for the lock, so that a poll lets go of it and does not take it again first */
    atomic_bool stop;
    atomic_int wanted; /* who waits */
    subscription *subscriptions;
    zmq_pollitem_t *items;
    size_t count;
    uint64_t last_id;
};

kvevents_subscriber_config kvevents_subscriber_config_init(void) {
    return (kvevents_subscriber_config)KVEVENTS_SUBSCRIBER_CONFIG_INIT;
}

static uint64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

static void wake(const kvevents_subscriber *subscriber) {
    const uint64_t one = 1;
    (void)!write(subscriber->wake_fd, &one, sizeof one);
}

/* Have the lock soon, though a poll is waiting under it. */
static void enter(kvevents_subscriber *subscriber) {
    atomic_fetch_add(&subscriber->wanted, 1);
    pthread_mutex_lock(&subscriber->gate);
    wake(subscriber);
    pthread_mutex_lock(&subscriber->lock);
    pthread_mutex_unlock(&subscriber->gate);
    atomic_fetch_sub(&subscriber->wanted, 1);
}

static void leave(kvevents_subscriber *subscriber) { pthread_mutex_unlock(&subscriber->lock); }

/* ---- sockets ---- */

static void watch(const kvevents_subscriber *subscriber, void *socket) {
    int fd;
    size_t size = sizeof fd;
    if (zmq_getsockopt(socket, ZMQ_FD, &fd, &size) != 0) return;
    struct epoll_event event = {.events = EPOLLIN};
    epoll_ctl(subscriber->epoll_fd, EPOLL_CTL_ADD, fd, &event);
}

static void *make_socket(const kvevents_subscriber *subscriber, int type, const char *endpoint, int64_t most_bytes) {
    void *socket = zmq_socket(subscriber->context, type);
    if (socket == NULL) return NULL;
    const int none = 0, hwm = subscriber->config.hwm, ipv6 = strchr(endpoint, '[') != NULL;
    zmq_setsockopt(socket, ZMQ_LINGER, &none, sizeof none);
    zmq_setsockopt(socket, ZMQ_RCVHWM, &hwm, sizeof hwm);
    zmq_setsockopt(socket, ZMQ_IPV6, &ipv6, sizeof ipv6);
    zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &most_bytes, sizeof most_bytes);
    return socket;
}

static bool open_sub(const kvevents_subscriber *subscriber, subscription *to, const kvevents_address *address) {
    const char *topic = address->topic == NULL ? "" : address->topic;
    to->sub = make_socket(subscriber, ZMQ_SUB, address->endpoint, to->most_bytes);
    if (to->sub == NULL || zmq_setsockopt(to->sub, ZMQ_SUBSCRIBE, topic, strlen(topic)) != 0) return false;
    if ((address->bind ? zmq_bind(to->sub, address->endpoint) : zmq_connect(to->sub, address->endpoint)) != 0)
        return false;
    watch(subscriber, to->sub);
    return true;
}

/* ---- messages ---- */

typedef struct frame_set {
    zmq_msg_t messages[FRAMES];
    kvcore_bytes frames[FRAMES];
    size_t count; /* may be more than there is room for: those are gone */
    size_t bytes;
} frame_set;

/* One whole message, if there is one. */
static bool receive(void *socket, frame_set *set) {
    set->count = set->bytes = 0;
    bool more = true;
    while (more) {
        zmq_msg_t spare, *frame = set->count < FRAMES ? &set->messages[set->count] : &spare;
        zmq_msg_init(frame);
        if (zmq_msg_recv(frame, socket, ZMQ_DONTWAIT) < 0) {
            zmq_msg_close(frame);
            break;
        }
        more = zmq_msg_more(frame) != 0;
        set->bytes += zmq_msg_size(frame);
        if (frame == &spare)
            zmq_msg_close(frame);
        else
            set->frames[set->count] = (kvcore_bytes){zmq_msg_data(frame), zmq_msg_size(frame)};
        set->count++;
    }
    return set->count > 0;
}

static void release(frame_set *set) {
    for (size_t i = 0; i < set->count && i < FRAMES; i++) zmq_msg_close(&set->messages[i]);
}

/* ---- replays ---- */

static void end_replay(subscription *of) {
    if (of->dealer != NULL) zmq_close(of->dealer);
    of->dealer = NULL;
}

static void ask(const kvevents_subscriber *subscriber, subscription *of) {
    uint8_t number[8];
    uint64_t now = now_ns();
    kvcore_store_be64(number, kvevents_source_replay_from(of->source));
    of->dealer = make_socket(subscriber, ZMQ_DEALER, of->replay_endpoint, of->most_bytes);
    bool asked = of->dealer != NULL && zmq_connect(of->dealer, of->replay_endpoint) == 0 &&
                 zmq_send(of->dealer, "", 0, ZMQ_SNDMORE | ZMQ_DONTWAIT) >= 0 &&
                 zmq_send(of->dealer, number, sizeof number, ZMQ_DONTWAIT) >= 0;
    if (!asked) {
        end_replay(of);
        kvevents_source_reply_timeout(of->source, now);
        return;
    }
    watch(subscriber, of->dealer);
    of->reply_due_ns = now + subscriber->config.reply_timeout_ns;
    of->replay_due_ns = now + subscriber->config.replay_timeout_ns;
    of->replay_bytes = 0;
}

static size_t take_replies(const kvevents_subscriber *subscriber, subscription *of) {
    size_t taken = 0;
    frame_set set;
    kvevents_step step = KVEVENTS_MORE;
    while (step != KVEVENTS_NEXT && taken < A_TURN && receive(of->dealer, &set)) {
        of->replay_bytes += set.bytes;
        of->reply_due_ns = now_ns() + subscriber->config.reply_timeout_ns;
        step = kvevents_source_reply(of->source, set.frames, set.count < FRAMES ? set.count : 0, now_ns());
        release(&set);
        taken++;
    }
    uint64_t now = now_ns();
    bool over =
        now >= of->reply_due_ns || now >= of->replay_due_ns || of->replay_bytes > subscriber->config.replay_bytes;
    if (step != KVEVENTS_NEXT && over) {
        kvevents_source_reply_timeout(of->source, now);
        step = KVEVENTS_NEXT;
    }
    if (step == KVEVENTS_NEXT) end_replay(of);
    return taken;
}

static size_t take_messages(const kvevents_subscriber *subscriber, subscription *of) {
    size_t taken = 0;
    frame_set set;
    while (of->dealer == NULL && taken < A_TURN && receive(of->sub, &set)) {
        kvevents_step step = kvevents_source_take(of->source, set.frames, set.count < FRAMES ? set.count : 0, now_ns());
        release(&set);
        taken++;
        if (step == KVEVENTS_ASK) ask(subscriber, of);
    }
    return taken;
}

static size_t take_all(kvevents_subscriber *subscriber, bool *full) {
    size_t taken = 0;
    for (size_t i = 0; i < subscriber->count; i++) {
        subscription *of = &subscriber->subscriptions[i];
        size_t some = of->dealer != NULL ? take_replies(subscriber, of) : 0;
        some += take_messages(subscriber, of);
        *full = *full || some >= A_TURN;
        taken += some;
    }
    return taken;
}

/* ---- polling ---- */

static bool is_replaying(const kvevents_subscriber *subscriber) {
    for (size_t i = 0; i < subscriber->count; i++)
        if (subscriber->subscriptions[i].dealer != NULL) return true;
    return false;
}

static void wait_for_any(kvevents_subscriber *subscriber, int timeout_ms) {
    size_t count = 1;
    subscriber->items[0] = (zmq_pollitem_t){NULL, subscriber->wake_fd, ZMQ_POLLIN, 0};
    for (size_t i = 0; i < subscriber->count; i++) {
        const subscription *of = &subscriber->subscriptions[i];
        subscriber->items[count++] = (zmq_pollitem_t){of->dealer != NULL ? of->dealer : of->sub, 0, ZMQ_POLLIN, 0};
    }
    if (is_replaying(subscriber) && (timeout_ms < 0 || timeout_ms > TICK_MS)) timeout_ms = TICK_MS;
    zmq_poll(subscriber->items, (int)count, timeout_ms);
}

static void drain_wake(const kvevents_subscriber *subscriber) {
    uint64_t woken;
    (void)!read(subscriber->wake_fd, &woken, sizeof woken);
}

static size_t poll_once(kvevents_subscriber *subscriber, int timeout_ms) {
    bool full = false;
    drain_wake(subscriber);
    size_t taken = take_all(subscriber, &full);
    if (taken == 0 && timeout_ms != 0 && atomic_load(&subscriber->wanted) == 0) {
        wait_for_any(subscriber, timeout_ms);
        taken = take_all(subscriber, &full);
    }
    if (full) wake(subscriber); /* there may be more: the descriptor stays readable */
    return taken;
}

kvcore_status kvevents_subscriber_poll(kvevents_subscriber *subscriber, int timeout_ms, size_t *taken) {
    if (subscriber == NULL) return KVCORE_EINVAL;
    if (subscriber->config.thread) return KVCORE_EBUSY;
    pthread_mutex_lock(&subscriber->gate);
    pthread_mutex_lock(&subscriber->lock);
    pthread_mutex_unlock(&subscriber->gate);
    size_t some = poll_once(subscriber, timeout_ms);
    leave(subscriber);
    if (taken != NULL) *taken = some;
    return KVCORE_OK;
}

int kvevents_subscriber_descriptor(const kvevents_subscriber *subscriber) {
    return subscriber == NULL ? -1 : subscriber->epoll_fd;
}

static void *serve(void *of) {
    kvevents_subscriber *subscriber = of;
    while (!atomic_load(&subscriber->stop)) {
        pthread_mutex_lock(&subscriber->gate); /* behind those who wait */
        pthread_mutex_lock(&subscriber->lock);
        pthread_mutex_unlock(&subscriber->gate);
        poll_once(subscriber, 1000);
        leave(subscriber);
    }
    return NULL;
}

/* ---- sources ---- */

static subscription *find(const kvevents_subscriber *subscriber, uint64_t id) {
    for (size_t i = 0; i < subscriber->count; i++)
        if (subscriber->subscriptions[i].id == id) return &subscriber->subscriptions[i];
    return NULL;
}

static void end(const kvevents_subscriber *subscriber, subscription *of) {
    end_replay(of);
    if (of->sub != NULL) zmq_close(of->sub);
    kvevents_source_destroy(of->source);
    if (of->replay_endpoint != NULL)
        kvcore_free(&subscriber->config.allocator, of->replay_endpoint, strlen(of->replay_endpoint) + 1, 1, 1);
}

static kvcore_status refuse(kvcore_error *error, kvcore_status code, const char *what, const char *why) {
    return kvcore_fail(error, &(kvcore_error){.code = code, .index = KVCORE_NO_INDEX}, "%s%s", what, why);
}

static kvcore_status begin(const kvevents_subscriber *subscriber, const kvevents_address *address,
                           const kvevents_source_config *config, subscription *made, kvcore_error *error) {
    kvevents_source_config own = {0};
    kvcore_status status = kvcore_config_read(&own, sizeof own, config, error);
    if (status != KVCORE_OK) return status;
    own.allocator = subscriber->config.allocator;
    own.has_replay = address->replay_endpoint != NULL;
    made->most_bytes = (int64_t)(own.limits.payload_bytes == 0 ? PAYLOAD_BYTES : own.limits.payload_bytes);
    status = kvevents_source_create(&own, &made->source, error);
    if (status != KVCORE_OK) return status;
    if (address->replay_endpoint != NULL) {
        size_t size = strlen(address->replay_endpoint) + 1;
        made->replay_endpoint = kvcore_alloc(&own.allocator, size, 1, 1);
        if (made->replay_endpoint == NULL) return refuse(error, KVCORE_ENOMEM, "no memory", "");
        memcpy(made->replay_endpoint, address->replay_endpoint, size);
    }
    if (open_sub(subscriber, made, address)) return KVCORE_OK;
    return refuse(error, KVCORE_EIO, "a socket: ", zmq_strerror(zmq_errno()));
}

kvcore_status kvevents_subscriber_add(kvevents_subscriber *subscriber, const kvevents_address *address,
                                      const kvevents_source_config *config, uint64_t *id, kvcore_error *error) {
    if (subscriber == NULL || address == NULL || address->endpoint == NULL || config == NULL || id == NULL)
        return refuse(error, KVCORE_EINVAL, "no subscriber, address, config or place for the id", "");
    enter(subscriber);
    kvcore_status status;
    subscription made = {.id = subscriber->last_id + 1};
    if (subscriber->count == subscriber->config.sources)
        status = refuse(error, KVCORE_ENOSPACE, "no room for another source", "");
    else
        status = begin(subscriber, address, config, &made, error);
    if (status == KVCORE_OK) {
        subscriber->subscriptions[subscriber->count++] = made;
        *id = ++subscriber->last_id;
    } else {
        end(subscriber, &made);
    }
    leave(subscriber);
    return status;
}

kvcore_status kvevents_subscriber_remove(kvevents_subscriber *subscriber, uint64_t id) {
    if (subscriber == NULL) return KVCORE_EINVAL;
    enter(subscriber);
    subscription *of = find(subscriber, id);
    if (of != NULL) {
        end(subscriber, of);
        *of = subscriber->subscriptions[--subscriber->count];
    }
    leave(subscriber);
    return of == NULL ? KVCORE_ENOTFOUND : KVCORE_OK;
}

kvcore_status kvevents_subscriber_look(kvevents_subscriber *subscriber, uint64_t id, kvevents_source_counts *counts,
                                       kvevents_source_state *state) {
    if (subscriber == NULL) return KVCORE_EINVAL;
    enter(subscriber);
    const subscription *of = find(subscriber, id);
    if (of != NULL && counts != NULL) *counts = kvevents_source_count(of->source);
    if (of != NULL && state != NULL) *state = kvevents_source_state_of(of->source);
    leave(subscriber);
    return of == NULL ? KVCORE_ENOTFOUND : KVCORE_OK;
}

/* ---- made and unmade ---- */

static kvcore_status read_config(const kvevents_subscriber_config *given, kvevents_subscriber_config *config,
                                 kvcore_error *error) {
    kvcore_status status = kvcore_config_read(config, sizeof *config, given, error);
    if (status != KVCORE_OK) return status;
    if ((config->allocator.alloc == NULL) != (config->allocator.free == NULL))
        return refuse(error, KVCORE_ECONFIG, "allocator needs both alloc and free, or neither", "");
    if (config->allocator.alloc == NULL) config->allocator = kvcore_allocator_libc();
    if (config->sources == 0) config->sources = SOURCES;
    if (config->hwm <= 0) config->hwm = HWM;
    if (config->reply_timeout_ns == 0) config->reply_timeout_ns = REPLY_NS;
    if (config->replay_timeout_ns == 0) config->replay_timeout_ns = REPLAY_NS;
    if (config->replay_bytes == 0) config->replay_bytes = REPLAY_BYTES;
    return KVCORE_OK;
}

static void unmake(kvevents_subscriber *subscriber) {
    kvcore_allocator allocator = subscriber->config.allocator;
    for (size_t i = 0; i < subscriber->count; i++) end(subscriber, &subscriber->subscriptions[i]);
    if (subscriber->context != NULL) zmq_ctx_term(subscriber->context);
    if (subscriber->wake_fd >= 0) close(subscriber->wake_fd);
    if (subscriber->epoll_fd >= 0) close(subscriber->epoll_fd);
    size_t sources = subscriber->config.sources;
    kvcore_free(&allocator, subscriber->subscriptions, sources, sizeof *subscriber->subscriptions,
                alignof(subscription));
    kvcore_free(&allocator, subscriber->items, sources + 1, sizeof *subscriber->items, alignof(zmq_pollitem_t));
    pthread_mutex_destroy(&subscriber->lock);
    pthread_mutex_destroy(&subscriber->gate);
    kvcore_free(&allocator, subscriber, 1, sizeof *subscriber, alignof(kvevents_subscriber));
}

static kvcore_status start(kvevents_subscriber *made, kvcore_error *error) {
    size_t sources = made->config.sources;
    made->subscriptions =
        kvcore_alloc(&made->config.allocator, sources, sizeof *made->subscriptions, alignof(subscription));
    made->items = kvcore_alloc(&made->config.allocator, sources + 1, sizeof *made->items, alignof(zmq_pollitem_t));
    if (made->subscriptions == NULL || made->items == NULL) return refuse(error, KVCORE_ENOMEM, "no memory", "");
    made->context = zmq_ctx_new();
    made->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    made->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN};
    if (made->context == NULL || made->wake_fd < 0 || made->epoll_fd < 0 ||
        epoll_ctl(made->epoll_fd, EPOLL_CTL_ADD, made->wake_fd, &event) != 0)
        return refuse(error, KVCORE_EIO, "no context or descriptor", "");
    const int sockets = (int)(2 * sources + 8);
    zmq_ctx_set(made->context, ZMQ_MAX_SOCKETS, sockets);
    if (made->config.thread && pthread_create(&made->thread, NULL, serve, made) != 0)
        return refuse(error, KVCORE_ENOMEM, "no thread", "");
    return KVCORE_OK;
}

kvcore_status kvevents_subscriber_create(const kvevents_subscriber_config *config, kvevents_subscriber **subscriber,
                                         kvcore_error *error) {
    if (config == NULL || subscriber == NULL)
        return refuse(error, KVCORE_EINVAL, "no config or no place for the subscriber", "");
    kvevents_subscriber_config own = {0};
    kvcore_status status = read_config(config, &own, error);
    if (status != KVCORE_OK) return status;
    kvevents_subscriber *made = kvcore_alloc(&own.allocator, 1, sizeof *made, alignof(kvevents_subscriber));
    if (made == NULL) return refuse(error, KVCORE_ENOMEM, "no memory", "");
    memset(made, 0, sizeof *made);
    made->config = own;
    made->wake_fd = made->epoll_fd = -1;
    pthread_mutex_init(&made->lock, NULL);
    pthread_mutex_init(&made->gate, NULL);
    status = start(made, error);
    if (status != KVCORE_OK)
        unmake(made);
    else
        *subscriber = made;
    return status;
}

void kvevents_subscriber_destroy(kvevents_subscriber *subscriber) {
    if (subscriber == NULL) return;
    if (subscriber->config.thread) {
        atomic_store(&subscriber->stop, true);
        wake(subscriber);
        pthread_join(subscriber->thread, NULL);
    }
    unmake(subscriber);
}
