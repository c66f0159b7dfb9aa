/* A publisher: what its owner says, under the lock, and a thread that has the sockets. */
#ifndef EVENTS_PUBLISHER_H
#define EVENTS_PUBLISHER_H

#include <pthread.h>
#include <zmq.h>

#include <kvevents/publisher.h>

#include "present.h"

#define PUBLISHER_REPLAYS 8
#define PUBLISHER_ENDPOINT_BYTES 512

typedef struct message {
    struct message *next;
    uint64_t number;
    size_t size_bytes;
    uint8_t bytes[];
} message;

typedef struct message_queue {
    message *first, *last;
    size_t count;
    size_t bytes;
} message_queue;

/* A consumer that is being told what it asked for. */
typedef struct replay_job {
    zmq_msg_t identity;
    bool runs;
    uint64_t next;
    uint64_t end; /* the first number that was not there when it asked */
} replay_job;

struct kvevents_publisher {
    kvevents_publisher_config config;
    char *topic;
    void *context, *pub, *router;
    int wake_fd;
    char endpoint[PUBLISHER_ENDPOINT_BYTES], replay_endpoint[PUBLISHER_ENDPOINT_BYTES];
    pthread_t thread;

    pthread_mutex_t lock; /* of what follows */
    present present;
    message_queue queue;
    bool behind; /* something was not told: the present state has to be */
    bool stop;
    double last_ts;
    kvevents_publisher_counts counts;

    message_queue kept; /* of the thread, like the rest */
    replay_job jobs[PUBLISHER_REPLAYS];
};

message *kvevents__message_make(const kvcore_allocator *allocator, size_t size_bytes);
void kvevents__message_free(const kvcore_allocator *allocator, message *of);
void kvevents__queue_push(message_queue *queue, message *of);
message *kvevents__queue_pop(message_queue *queue);

void *kvevents__publisher_thread(void *publisher);
void kvevents__publisher_resync(kvevents_publisher *publisher);

#endif
