/* A source, and what its events mean. */
#ifndef EVENTS_SOURCE_H
#define EVENTS_SOURCE_H

#include <kvevents/source.h>

#include "held.h"

#define SOURCE_GROUPS 256

typedef enum source_replay {
    REPLAY_NONE,
    REPLAY_DUE,  /* is to be asked for */
    REPLAY_RUNS, /* the first reply came */
} source_replay;

struct kvevents_source {
    kvevents_source_config config;
    held_set held;
    kvevents_source_counts counts;
    bool stale;
    bool failed;
    bool has_next;
    uint64_t next;
    double last_ts;

    source_replay replay;
    size_t replies_left;
    uint64_t waiting_number; /* the message that showed the gap */
    uint8_t *waiting;
    size_t waiting_bytes, waiting_capacity;

    struct {
        uint32_t group;
        bool counts;
    } groups[SOURCE_GROUPS]; /* whose kind is known */
    size_t group_count;

    uint64_t minute_began_ns;
    uint32_t refused_in_minute;
    kvevents_arena arena;
};

/* One event of a batch that is taken; room was reserved. */
void kvevents__source_apply(kvevents_source *source, const kvevents_event *event);

#endif
