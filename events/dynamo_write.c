#include <kvevents/dynamo.h>

#include "writer.h"

static void put_stored(writer *to, const kvevents_router_event *event) {
    writer_map(to, 1);
    writer_word(to, "stored");
    writer_map(to, 3);
    writer_word(to, "parent_hash");
    if (event->has_parent)
        writer_number(to, event->parent_hash);
    else
        writer_nil(to);
    writer_word(to, "start_position");
    if (event->has_start)
        writer_number(to, event->start_position);
    else
        writer_nil(to);
    writer_word(to, "blocks");
    writer_array(to, event->block_count);
    for (size_t i = 0; i < event->block_count; i++) {
        writer_map(to, 3);
        writer_word(to, "block_hash");
        writer_number(to, event->block_hashes[i]);
        writer_word(to, "tokens_hash");
        writer_number(to, event->tokens_hashes[i]);
        writer_word(to, "mm_extra_info");
        writer_nil(to);
    }
}

static void put_removed(writer *to, const kvevents_router_event *event) {
    writer_map(to, 1);
    writer_word(to, "removed");
    writer_map(to, 1);
    writer_word(to, "block_hashes");
    writer_array(to, event->block_count);
    for (size_t i = 0; i < event->block_count; i++) writer_number(to, event->block_hashes[i]);
}

static void put_inner(writer *to, const kvevents_router_event *event) {
    writer_map(to, 3);
    writer_word(to, "event_id");
    writer_number(to, event->event_id);
    writer_word(to, "data");
    if (event->kind == KVEVENTS_STORED)
        put_stored(to, event);
    else if (event->kind == KVEVENTS_REMOVED)
        put_removed(to, event);
    else
        writer_word(to, "cleared");
    writer_word(to, "dp_rank");
    writer_number(to, event->dp_rank);
}

static void put_event(writer *to, const kvevents_router_event *event) {
    static const char *const tiers[KVEVENTS_TIERS] = {"device", "host_pinned", "disk", "external"};
    bool session = event->session_id.data != NULL;
    writer_map(to, 4U + session);
    writer_word(to, "worker_id");
    writer_number(to, event->worker_id);
    writer_word(to, "storage_tier");
    writer_word(to, tiers[event->tier]);
    writer_word(to, "residency_domain");
    writer_word(to, "worker");
    writer_word(to, "event");
    put_inner(to, event);
    if (!session) return;
    writer_word(to, "session_id");
    writer_text(to, event->session_id);
}

static bool is_writable(const kvevents_router_event *event) {
    bool hashes = event->block_hashes != NULL || event->block_count == 0;
    bool tokens = event->kind != KVEVENTS_STORED || event->tokens_hashes != NULL || event->block_count == 0;
    return (unsigned)event->tier < KVEVENTS_TIERS && event->kind >= KVEVENTS_STORED &&
           event->kind <= KVEVENTS_CLEARED && hashes && tokens;
}

kvcore_status kvevents_router_write(const kvevents_router_batch *batch, void *bytes, size_t capacity,
                                    size_t *size_bytes) {
    if (batch == NULL || size_bytes == NULL || (bytes == NULL && capacity > 0) ||
        (batch->events == NULL && batch->event_count > 0))
        return KVCORE_EINVAL;
    for (size_t i = 0; i < batch->event_count; i++)
        if (!is_writable(&batch->events[i])) return KVCORE_EINVAL;
    writer to;
    writer_begin(&to, bytes, capacity);
    writer_array(&to, batch->event_count);
    for (size_t i = 0; i < batch->event_count; i++) put_event(&to, &batch->events[i]);
    return writer_end(&to, size_bytes);
}

static void put_envelope(writer *to, const kvevents_envelope *envelope) {
    kvcore_bytes topic = envelope->topic.data == NULL ? (kvcore_bytes){"", 0} : envelope->topic;
    writer_map(to, 5);
    writer_word(to, "publisher_id");
    writer_number(to, envelope->publisher_id);
    writer_word(to, "sequence");
    writer_number(to, envelope->sequence);
    writer_word(to, "published_at");
    writer_number(to, envelope->published_at_ms);
    writer_word(to, "topic");
    writer_text(to, topic);
    writer_word(to, "payload");
    msgpack_pack_bin(&to->packer, writer_counted(to, envelope->payload.size_bytes));
    msgpack_pack_bin_body(&to->packer, envelope->payload.data, envelope->payload.size_bytes);
}

kvcore_status kvevents_envelope_seal(const kvevents_envelope *envelope, void *bytes, size_t capacity,
                                     size_t *size_bytes) {
    if (envelope == NULL || size_bytes == NULL || (bytes == NULL && capacity > 0) ||
        (envelope->payload.data == NULL && envelope->payload.size_bytes > 0))
        return KVCORE_EINVAL;
    static const uint8_t head[5] = {1};
    writer to;
    writer_begin(&to, bytes, capacity);
    writer_put(&to, (const char *)head, sizeof head);
    put_envelope(&to, envelope);
    kvcore_status status = writer_end(&to, size_bytes);
    if (to.size - sizeof head > UINT32_MAX) return KVCORE_EOVERFLOW;
    if (status == KVCORE_OK) kvcore_store_be32((uint8_t *)bytes + 1, (uint32_t)(to.size - sizeof head));
    return status;
}
