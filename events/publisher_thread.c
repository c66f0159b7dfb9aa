/* The thread of a publisher: sends, keeps, replays. */
#include "publisher.h"

#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <kvcore/bytes.h>

#define REPLIES_A_TURN 64
#define RETRY_MS 1

static uint64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

/* ---- events ---- */

static void keep(kvevents_publisher *publisher, message *sent) {
    kvevents__queue_push(&publisher->kept, sent);
    while (publisher->kept.count > publisher->config.buffer_batches ||
           (publisher->kept.bytes > publisher->config.buffer_bytes && publisher->kept.count > 1))
        kvevents__message_free(&publisher->config.allocator, kvevents__queue_pop(&publisher->kept));
}

static void send_event(kvevents_publisher *publisher, message *of) {
    uint8_t number[8];
    kvcore_store_be64(number, of->number);
    zmq_send(publisher->pub, publisher->topic, strlen(publisher->topic), ZMQ_SNDMORE | ZMQ_DONTWAIT);
    zmq_send(publisher->pub, number, sizeof number, ZMQ_SNDMORE | ZMQ_DONTWAIT);
    zmq_send(publisher->pub, of->bytes, of->size_bytes, ZMQ_DONTWAIT);
    if (publisher->router != NULL)
        keep(publisher, of);
    else
        kvevents__message_free(&publisher->config.allocator, of);
}

/* All that is queued. Whether to go on. */
static bool send_events(kvevents_publisher *publisher) {
    for (;;) {
        pthread_mutex_lock(&publisher->lock);
        message *of = kvevents__queue_pop(&publisher->queue);
        bool stop = publisher->stop;
        if (of != NULL) publisher->counts.batches++;
        pthread_mutex_unlock(&publisher->lock);
        if (of == NULL) return !stop;
        send_event(publisher, of);
    }
}

/* ---- replays ---- */

static replay_job *free_job(kvevents_publisher *publisher) {
    for (size_t i = 0; i < PUBLISHER_REPLAYS; i++)
        if (!publisher->jobs[i].runs) return &publisher->jobs[i];
    return NULL;
}

static void end_job(replay_job *job) {
    zmq_msg_close(&job->identity);
    job->runs = false;
}

/* The first frame of a reply: to whom. True, false when it has to be tried again, and then or else the job may be over. */
static bool send_identity(kvevents_publisher *publisher, replay_job *job) {
    zmq_msg_t copy;
    zmq_msg_init(&copy);
    zmq_msg_copy(&copy, &job->identity);
    if (zmq_msg_send(&copy, publisher->router, ZMQ_SNDMORE | ZMQ_DONTWAIT) >= 0) return true;
    zmq_msg_close(&copy);
    if (zmq_errno() != EAGAIN) end_job(job); /* it has gone */
    return false;
}

static bool send_reply(kvevents_publisher *publisher, replay_job *job, const char *topic, uint64_t number,
                       const void *bytes, size_t size) {
    uint8_t head[8];
    kvcore_store_be64(head, number);
    if (!send_identity(publisher, job)) return false;
    zmq_send(publisher->router, "", 0, ZMQ_SNDMORE | ZMQ_DONTWAIT);
    if (!publisher->config.replay_without_topic)
        zmq_send(publisher->router, topic, strlen(topic), ZMQ_SNDMORE | ZMQ_DONTWAIT);
    zmq_send(publisher->router, head, sizeof head, ZMQ_SNDMORE | ZMQ_DONTWAIT);
    zmq_send(publisher->router, bytes, size, ZMQ_DONTWAIT);
    return true;
}

/* The kept batch with a number, or the one after it. Numbers follow one another, but the list has no shortcut: a job goes
 * on from where it was. */
static const message *kept_from(const kvevents_publisher *publisher, uint64_t number) {
    const message *of = publisher->kept.first;
    while (of != NULL && of->number < number) of = of->next;
    return of;
}

static void run_job(kvevents_publisher *publisher, replay_job *job) {
    const message *of = kept_from(publisher, job->next);
    for (size_t i = 0; i < REPLIES_A_TURN && of != NULL && of->number < job->end; i++, of = of->next) {
        if (!send_reply(publisher, job, publisher->topic, of->number, of->bytes, of->size_bytes)) return;
        job->next = of->number + 1;
    }
    if (of != NULL && of->number < job->end) return;
    if (send_reply(publisher, job, "", UINT64_MAX, "", 0)) end_job(job);
}

static bool run_jobs(kvevents_publisher *publisher) {
    bool any = false;
    for (size_t i = 0; i < PUBLISHER_REPLAYS; i++) {
        if (publisher->jobs[i].runs) run_job(publisher, &publisher->jobs[i]);
        any = any || publisher->jobs[i].runs;
    }
    return any;
}

static void begin_job(kvevents_publisher *publisher, replay_job *job, zmq_msg_t *identity, uint64_t start) {
    zmq_msg_init(&job->identity);
    zmq_msg_move(&job->identity, identity);
    job->runs = true;
    job->next = start;
    job->end = publisher->kept.last == NULL ? 0 : publisher->kept.last->number + 1;
    pthread_mutex_lock(&publisher->lock);
    publisher->counts.replays++;
    pthread_mutex_unlock(&publisher->lock);
}

/* One request: identity, empty, start. Others are ignored. False: none is there. */
static bool take_request(kvevents_publisher *publisher, replay_job *job) {
    zmq_msg_t frames[3];
    size_t count = 0;
    bool more = true;
    for (size_t i = 0; i < 3; i++) zmq_msg_init(&frames[i]);
    while (more) {
        zmq_msg_t frame;
        zmq_msg_init(&frame);
        if (zmq_msg_recv(&frame, publisher->router, ZMQ_DONTWAIT) < 0) break;
        more = zmq_msg_more(&frame);
        if (count < 3) zmq_msg_move(&frames[count], &frame);
        count++;
        zmq_msg_close(&frame);
    }
    if (count == 3 && zmq_msg_size(&frames[1]) == 0 && zmq_msg_size(&frames[2]) == 8)
        begin_job(publisher, job, &frames[0], kvcore_load_be64(zmq_msg_data(&frames[2])));
    for (size_t i = 0; i < 3; i++) zmq_msg_close(&frames[i]);
    return count > 0;
}

static void take_requests(kvevents_publisher *publisher) {
    replay_job *job = free_job(publisher);
    while (job != NULL && take_request(publisher, job)) job = free_job(publisher);
}

/* ---- the loop ---- */

static int wait_ms(const kvevents_publisher *publisher, bool replaying, uint64_t resync_at) {
    if (replaying) return RETRY_MS;
    if (publisher->config.resync_ns == 0) return -1;
    uint64_t now = now_ns(), left = resync_at > now ? (resync_at - now) / 1000000 + 1 : 0;
    return left > 1000 ? 1000 : (int)left;
}

static void wait_for_work(kvevents_publisher *publisher, bool replaying, uint64_t resync_at) {
    zmq_pollitem_t items[2] = {{NULL, publisher->wake_fd, ZMQ_POLLIN, 0}, {publisher->router, 0, ZMQ_POLLIN, 0}};
    bool requests = publisher->router != NULL && free_job(publisher) != NULL;
    zmq_poll(items, 1 + requests, wait_ms(publisher, replaying, resync_at));
    uint64_t woken;
    if ((items[0].revents & ZMQ_POLLIN) != 0) (void)!read(publisher->wake_fd, &woken, sizeof woken);
}

void *kvevents__publisher_thread(void *of) {
    kvevents_publisher *publisher = of;
    uint64_t resync_at = now_ns() + publisher->config.resync_ns;
    while (send_events(publisher)) {
        if (publisher->router != NULL) take_requests(publisher);
        bool replaying = run_jobs(publisher);
        if (publisher->config.resync_ns > 0 && now_ns() >= resync_at) {
            kvevents__publisher_resync(publisher);
            resync_at = now_ns() + publisher->config.resync_ns;
            continue;
        }
        wait_for_work(publisher, replaying, resync_at);
    }
    for (size_t i = 0; i < PUBLISHER_REPLAYS; i++)
        if (publisher->jobs[i].runs) end_job(&publisher->jobs[i]);
    return NULL;
}
