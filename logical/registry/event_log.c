#include "registry/event_log.h"

void kvlogical__event_log_init(event_log *log, size_t event_capacity) {
    *log = (event_log){.next = 1, .capacity = 1};
    while (log->capacity < (event_capacity == 0 ? 1024 : event_capacity)) log->capacity *= 2;
}

void kvlogical__event_log_clear(event_log *log, const kvcore_allocator *allocator) {
    kvcore_free(allocator, log->ring, (size_t)log->capacity, sizeof(kvhash_event), _Alignof(kvhash_event));
}

bool kvlogical_filter_power_of_two(void *range, kvhash_plh name) {
    const kvlogical_position_range *r = range;
    uint32_t position = kvhash_plh_position(name);
    return position != 0 && (position & (position - 1)) == 0 && position >= r->least && position <= r->most;
}

static void enqueue(event_log *log, const kvhash_event *event) {
    if (log->ring != NULL) log->ring[log->written++ & (log->capacity - 1)] = *event;
}

void kvlogical__event_log_tell(event_log *log, uint32_t kind, kvhash_plh name, event_place at,
                               const kvhash_block_facts *facts) {
    if (!event_log_announces(log, name)) return;
    kvhash_event event = {.name = name, .sequence = log->next++, .tier = at.tier, .kind = kind, .block = at.block};
    enqueue(log, &event);
    event.facts = facts; /* for the time of the call: not in the queue */
    if (log->listener != NULL) log->listener(log->listener_ctx, &event);
}

void kvlogical__event_log_moved(event_log *log, kvhash_plh name, event_place at) {
    if (!event_log_announces(log, name)) return;
    kvhash_event event = event_log_present(log, name, at);
    enqueue(log, &event);
}
