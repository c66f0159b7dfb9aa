#include "publisher.h"

#include <errno.h>
#include <stdalign.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include <kvcore/config.h>

#define BUFFER_BATCHES 10000
#define BUFFER_BYTES ((size_t)64 << 20)
#define QUEUE_BATCHES 100000
#define QUEUE_BYTES ((size_t)256 << 20)
#define HWM 100000
#define TEXT_BYTES 255
#define LINGER_MS 100

kvevents_publisher_config kvevents_publisher_config_init(void) {
    return (kvevents_publisher_config)KVEVENTS_PUBLISHER_CONFIG_INIT;
}

/* ---- batches on their way ---- */

message *kvevents__message_make(const kvcore_allocator *allocator, size_t size_bytes) {
    message *made = kvcore_alloc(allocator, 1, sizeof *made + size_bytes, alignof(message));
    if (made == NULL) return NULL;
    made->next = NULL;
    made->size_bytes = size_bytes;
    return made;
}

void kvevents__message_free(const kvcore_allocator *allocator, message *of) {
    if (of != NULL) kvcore_free(allocator, of, 1, sizeof *of + of->size_bytes, alignof(message));
}

void kvevents__queue_push(message_queue *queue, message *of) {
    if (queue->last == NULL)
        queue->first = of;
    else
        queue->last->next = of;
    queue->last = of;
    of->next = NULL;
    queue->count++;
    queue->bytes += of->size_bytes;
}

message *kvevents__queue_pop(message_queue *queue) {
    message *of = queue->first;
    if (of == NULL) return NULL;
    queue->first = of->next;
    if (queue->first == NULL) queue->last = NULL;
    queue->count--;
    queue->bytes -= of->size_bytes;
    return of;
}

/* ---- what the owner says ---- */

static double now_s(void) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void wake(const kvevents_publisher *publisher) {
    const uint64_t one = 1;
    (void)!write(publisher->wake_fd, &one, sizeof one);
}

/* What is pending as one message; false when there is no memory or no room: then all is told anew, later. */
static bool queue_batch(kvevents_publisher *publisher) {
    kvevents_batch batch = kvevents__present_batch(&publisher->present);
    double now = now_s();
    if (now > publisher->last_ts) publisher->last_ts = now;
    batch.ts = publisher->last_ts;
    batch.has_rank = publisher->config.has_rank;
    batch.rank = publisher->config.rank;
    size_t size = 0;
    kvcore_status status = kvevents_batch_write(&batch, publisher->config.dialect, NULL, 0, &size);
    bool room = publisher->queue.count < publisher->config.queue_batches &&
                publisher->queue.bytes + size <= publisher->config.queue_bytes;
    message *made =
        status == KVCORE_EBUFFER && room ? kvevents__message_make(&publisher->config.allocator, size) : NULL;
    if (made == NULL) return false;
    (void)!kvevents_batch_write(&batch, publisher->config.dialect, made->bytes, size, &size);
    made->number = publisher->counts.next_number++;
    kvevents__queue_push(&publisher->queue, made);
    wake(publisher);
    return true;
}

static void drop_batch(kvevents_publisher *publisher) {
    publisher->counts.dropped++;
    publisher->behind = true;
}

static kvcore_status tell_all(kvevents_publisher *publisher) {
    publisher->behind = true;
    kvcore_status status = kvevents__present_tell_all(&publisher->present);
    if (status != KVCORE_OK) return status;
    bool queued = queue_batch(publisher);
    kvevents__present_forget(&publisher->present);
    if (!queued) {
        publisher->counts.dropped++;
        return KVCORE_ENOMEM;
    }
    publisher->behind = false;
    publisher->counts.resyncs++;
    return KVCORE_OK;
}

static void flush(kvevents_publisher *publisher) {
    if (publisher->behind) {
        (void)tell_all(publisher);
        return;
    }
    if (publisher->present.pending.count == 0) return;
    if (!queue_batch(publisher)) drop_batch(publisher);
    kvevents__present_forget(&publisher->present);
}

static bool is_block(const kvevents_block *block) {
    return block->lora_name.size_bytes <= TEXT_BYTES && block->salt.size_bytes <= TEXT_BYTES &&
           (block->lora_name.data != NULL || block->lora_name.size_bytes == 0) &&
           (block->salt.data != NULL || block->salt.size_bytes == 0);
}

kvcore_status kvevents_publisher_stored(kvevents_publisher *publisher, kvevents_tier tier, const kvevents_block *blocks,
                                        size_t count) {
    if (publisher == NULL || (blocks == NULL && count > 0) || (unsigned)tier >= KVEVENTS_TIERS) return KVCORE_EINVAL;
    for (size_t i = 0; i < count; i++)
        if (!is_block(&blocks[i])) return KVCORE_EINVAL;
    kvcore_status status = KVCORE_OK;
    pthread_mutex_lock(&publisher->lock);
    for (size_t i = 0; status == KVCORE_OK && i < count; i++)
        status = kvevents__present_store(&publisher->present, tier, &blocks[i]);
    if (status != KVCORE_OK) publisher->behind = true;
    pthread_mutex_unlock(&publisher->lock);
    return status;
}

kvcore_status kvevents_publisher_removed(kvevents_publisher *publisher, kvevents_tier tier, const uint64_t *hashes,
                                         size_t count) {
    if (publisher == NULL || (hashes == NULL && count > 0) || (unsigned)tier >= KVEVENTS_TIERS) return KVCORE_EINVAL;
    kvcore_status status = KVCORE_OK;
    pthread_mutex_lock(&publisher->lock);
    for (size_t i = 0; status == KVCORE_OK && i < count; i++)
        status = kvevents__present_remove(&publisher->present, tier, hashes[i]);
    if (status != KVCORE_OK) publisher->behind = true;
    pthread_mutex_unlock(&publisher->lock);
    return status;
}

kvcore_status kvevents_publisher_cleared(kvevents_publisher *publisher) {
    if (publisher == NULL) return KVCORE_EINVAL;
    pthread_mutex_lock(&publisher->lock);
    kvcore_status status = kvevents__present_clear(&publisher->present);
    if (status == KVCORE_OK) publisher->behind = false; /* it says all there is to say */
    pthread_mutex_unlock(&publisher->lock);
    return status;
}

kvcore_status kvevents_publisher_flush(kvevents_publisher *publisher) {
    if (publisher == NULL) return KVCORE_EINVAL;
    pthread_mutex_lock(&publisher->lock);
    flush(publisher);
    pthread_mutex_unlock(&publisher->lock);
    return KVCORE_OK;
}

kvcore_status kvevents_publisher_resync(kvevents_publisher *publisher) {
    if (publisher == NULL) return KVCORE_EINVAL;
    pthread_mutex_lock(&publisher->lock);
    kvcore_status status = tell_all(publisher);
    pthread_mutex_unlock(&publisher->lock);
    return status;
}

kvevents_publisher_counts kvevents_publisher_count(const kvevents_publisher *publisher) {
    if (publisher == NULL) return (kvevents_publisher_counts){0};
    pthread_mutex_t *lock = (pthread_mutex_t *)&publisher->lock; /* a count changes nothing that shows */
    pthread_mutex_lock(lock);
    kvevents_publisher_counts counts = publisher->counts;
    counts.queued = publisher->queue.count;
    counts.placeholders = publisher->present.placeholders;
    counts.blocks = publisher->present.live;
    pthread_mutex_unlock(lock);
    return counts;
}

uint32_t kvevents_publisher_block_tokens(const kvevents_publisher *publisher) {
    return publisher == NULL ? 0 : publisher->config.block_tokens;
}

const char *kvevents_publisher_endpoint(const kvevents_publisher *publisher) {
    return publisher == NULL ? "" : publisher->endpoint;
}

const char *kvevents_publisher_replay_endpoint(const kvevents_publisher *publisher) {
    return publisher == NULL ? "" : publisher->replay_endpoint;
}

/* ---- made and unmade ---- */

static kvcore_status refuse(kvcore_error *error, kvcore_status code, const char *what, const char *which) {
    return kvcore_fail(error, &(kvcore_error){.code = code, .index = KVCORE_NO_INDEX}, "%s%s", what, which);
}

static kvcore_status read_config(const kvevents_publisher_config *given, kvevents_publisher_config *config,
                                 kvcore_error *error) {
    kvcore_status status = kvcore_config_read(config, sizeof *config, given, error);
    if (status != KVCORE_OK) return status;
    if (config->endpoint == NULL) return refuse(error, KVCORE_ECONFIG, "no endpoint", "");
    if (config->block_tokens == 0 || config->block_tokens > 65536)
        return refuse(error, KVCORE_ECONFIG, "block_tokens", "");
    if ((config->allocator.alloc == NULL) != (config->allocator.free == NULL))
        return refuse(error, KVCORE_ECONFIG, "allocator needs both alloc and free, or neither", "");
    if (config->dialect == 0) config->dialect = KVEVENTS_VLLM_MAP;
    if (config->dialect < KVEVENTS_VLLM_MAP || config->dialect > KVEVENTS_SGLANG)
        return refuse(error, KVCORE_ECONFIG, "an unknown dialect", "");
    if (config->allocator.alloc == NULL) config->allocator = kvcore_allocator_libc();
    if (config->buffer_batches == 0) config->buffer_batches = BUFFER_BATCHES;
    if (config->buffer_bytes == 0) config->buffer_bytes = BUFFER_BYTES;
    if (config->queue_batches == 0) config->queue_batches = QUEUE_BATCHES;
    if (config->queue_bytes == 0) config->queue_bytes = QUEUE_BYTES;
    if (config->hwm <= 0) config->hwm = HWM;
    return KVCORE_OK;
}

/* Bind, or connect, and see where that is in truth. */
static bool open_socket(kvevents_publisher *publisher, void *socket, const char *endpoint, bool connect, char *actual) {
    char own[PUBLISHER_ENDPOINT_BYTES];
    if (publisher->config.has_rank) {
        if (kvevents_endpoint_of_rank(endpoint, publisher->config.rank, own, sizeof own) != KVCORE_OK) {
            errno = EINVAL;
            return false;
        }
        endpoint = own;
    }
    const int ipv6 = strchr(endpoint, '[') != NULL, linger = LINGER_MS;
    zmq_setsockopt(socket, ZMQ_IPV6, &ipv6, sizeof ipv6);
    zmq_setsockopt(socket, ZMQ_LINGER, &linger, sizeof linger);
    if ((connect ? zmq_connect(socket, endpoint) : zmq_bind(socket, endpoint)) != 0) return false;
    size_t size = PUBLISHER_ENDPOINT_BYTES;
    return zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, actual, &size) == 0;
}

static bool open_sockets(kvevents_publisher *publisher) {
    const int hwm = publisher->config.hwm, mandatory = 1;
    publisher->context = zmq_ctx_new();
    publisher->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (publisher->context == NULL || publisher->wake_fd < 0) return false;
    publisher->pub = zmq_socket(publisher->context, ZMQ_PUB);
    if (publisher->pub == NULL) return false;
    zmq_setsockopt(publisher->pub, ZMQ_SNDHWM, &hwm, sizeof hwm);
    if (!open_socket(publisher, publisher->pub, publisher->config.endpoint, publisher->config.connect,
                     publisher->endpoint))
        return false;
    if (publisher->config.replay_endpoint == NULL) return true;
    publisher->router = zmq_socket(publisher->context, ZMQ_ROUTER);
    if (publisher->router == NULL) return false;
    zmq_setsockopt(publisher->router, ZMQ_ROUTER_MANDATORY, &mandatory, sizeof mandatory);
    return open_socket(publisher, publisher->router, publisher->config.replay_endpoint, false,
                       publisher->replay_endpoint);
}

static char *copy_text(const kvcore_allocator *allocator, const char *text) {
    size_t size = strlen(text) + 1;
    char *copy = kvcore_alloc(allocator, size, 1, 1);
    if (copy != NULL) memcpy(copy, text, size);
    return copy;
}

static void free_queue(const kvcore_allocator *allocator, message_queue *queue) {
    for (message *of = kvevents__queue_pop(queue); of != NULL; of = kvevents__queue_pop(queue))
        kvevents__message_free(allocator, of);
}

static void unmake(kvevents_publisher *publisher) {
    kvcore_allocator allocator = publisher->config.allocator;
    if (publisher->pub != NULL) zmq_close(publisher->pub);
    if (publisher->router != NULL) zmq_close(publisher->router);
    if (publisher->context != NULL) zmq_ctx_term(publisher->context);
    if (publisher->wake_fd >= 0) close(publisher->wake_fd);
    kvevents__present_free(&publisher->present);
    free_queue(&allocator, &publisher->queue);
    free_queue(&allocator, &publisher->kept);
    if (publisher->topic != NULL) kvcore_free(&allocator, publisher->topic, strlen(publisher->topic) + 1, 1, 1);
    pthread_mutex_destroy(&publisher->lock);
    kvcore_free(&allocator, publisher, 1, sizeof *publisher, alignof(kvevents_publisher));
}

static void set_up(kvevents_publisher *made, const kvevents_publisher_config *config) {
    memset(made, 0, sizeof *made);
    made->config = *config;
    made->wake_fd = -1;
    pthread_mutex_init(&made->lock, NULL);
    kvevents__present_init(&made->present, config->allocator, config->dialect, config->block_tokens);
    if (config->monotonic) made->counts.next_number = (uint64_t)(now_s() * 1000) << 10;
}

static kvcore_status start(kvevents_publisher *made, kvcore_error *error) {
    made->topic = copy_text(&made->config.allocator, made->config.topic == NULL ? "" : made->config.topic);
    if (made->topic == NULL) return refuse(error, KVCORE_ENOMEM, "no memory", "");
    if (!open_sockets(made)) return refuse(error, KVCORE_EIO, "a socket: ", zmq_strerror(zmq_errno()));
    kvcore_status status = kvevents__present_clear(&made->present);
    if (status != KVCORE_OK || !queue_batch(made)) return refuse(error, KVCORE_ENOMEM, "no memory", "");
    kvevents__present_forget(&made->present);
    if (pthread_create(&made->thread, NULL, kvevents__publisher_thread, made) != 0)
        return refuse(error, KVCORE_ENOMEM, "no thread", "");
    return KVCORE_OK;
}

kvcore_status kvevents_publisher_create(const kvevents_publisher_config *config, kvevents_publisher **publisher,
                                        kvcore_error *error) {
    if (config == NULL || publisher == NULL)
        return refuse(error, KVCORE_EINVAL, "no config or no place for the publisher", "");
    kvevents_publisher_config own = {0};
    kvcore_status status = read_config(config, &own, error);
    if (status != KVCORE_OK) return status;
    kvevents_publisher *made = kvcore_alloc(&own.allocator, 1, sizeof *made, alignof(kvevents_publisher));
    if (made == NULL) return refuse(error, KVCORE_ENOMEM, "no memory", "");
    set_up(made, &own);
    status = start(made, error);
    if (status != KVCORE_OK)
        unmake(made);
    else
        *publisher = made;
    return status;
}

void kvevents_publisher_destroy(kvevents_publisher *publisher) {
    if (publisher == NULL) return;
    pthread_mutex_lock(&publisher->lock);
    publisher->stop = true;
    pthread_mutex_unlock(&publisher->lock);
    wake(publisher);
    pthread_join(publisher->thread, NULL);
    unmake(publisher);
}

/* Called by the thread. */
void kvevents__publisher_resync(kvevents_publisher *publisher) {
    pthread_mutex_lock(&publisher->lock);
    (void)tell_all(publisher);
    pthread_mutex_unlock(&publisher->lock);
}
