#include <kvevents/batch.h>

#include "msgpack.h"
#include "writer.h"

typedef struct batch_writer {
    writer to;
    kvevents_dialect dialect;
} batch_writer;

static bool as_map(const batch_writer *w) { return w->dialect != KVEVENTS_VLLM_ARRAY; }

static void put_key(batch_writer *w, const char *name) {
    if (as_map(w)) writer_word(&w->to, name);
}

/* Always nine bytes: there are consumers that refuse shorter ones. */
static void put_hash(batch_writer *w, uint64_t hash) {
    if (w->dialect == KVEVENTS_SGLANG)
        msgpack_pack_fix_int64(&w->to.packer, (int64_t)hash);
    else
        msgpack_pack_fix_uint64(&w->to.packer, hash);
}

static void put_number(batch_writer *w, bool there, uint64_t number) {
    if (there)
        writer_number(&w->to, number);
    else
        writer_nil(&w->to);
}

/* ---- fields ---- */

static void put_hashes(batch_writer *w, const kvevents_event *event) {
    put_key(w, "block_hashes");
    writer_array(&w->to, event->hash_count);
    for (size_t i = 0; i < event->hash_count; i++) put_hash(w, event->hashes[i]);
}

static void put_parent(batch_writer *w, const kvevents_event *event) {
    put_key(w, "parent_block_hash");
    if ((event->has & KVEVENTS_HAS_PARENT) != 0)
        put_hash(w, event->parent);
    else
        writer_nil(&w->to);
}

static void put_tokens(batch_writer *w, const kvevents_event *event) {
    bool pairs = (event->has & KVEVENTS_HAS_PAIRS) != 0 && event->token_count > 0;
    size_t count = event->token_count - pairs;
    put_key(w, "token_ids");
    writer_array(&w->to, count);
    for (size_t i = 0; i < count; i++) {
        if (pairs) writer_array(&w->to, 2);
        msgpack_pack_uint32(&w->to.packer, event->tokens[i]);
        if (pairs) msgpack_pack_uint32(&w->to.packer, event->tokens[i + 1]);
    }
}

/* A field that a map may lack and an array may not. */
static void put_optional_text(batch_writer *w, const char *name, kvcore_bytes text, bool always) {
    if (text.data == NULL && !always) return;
    put_key(w, name);
    writer_text(&w->to, text);
}

static void put_optional_number(batch_writer *w, const char *name, bool there, uint64_t number, bool always) {
    if (!there && !always) return;
    put_key(w, name);
    put_number(w, there, number);
}

static bool is_vllm(const batch_writer *w) { return w->dialect != KVEVENTS_SGLANG; }

/* vLLM tells LoRA and salt once more among the extra keys; the salt belongs to the first block of a chain. */
static bool has_salt_key(const kvevents_event *event) {
    return event->salt.size_bytes > 0 && (event->has & KVEVENTS_HAS_PARENT) == 0;
}

static bool has_extra_keys(const batch_writer *w, const kvevents_event *event) {
    if (event->extra_keys.data != NULL) return true;
    return is_vllm(w) && event->hash_count > 0 && (has_salt_key(event) || event->lora_name.size_bytes > 0);
}

static void put_keys_of_block(batch_writer *w, const kvevents_event *event, bool salted) {
    bool lora = event->lora_name.size_bytes > 0;
    if (!lora && !salted) {
        writer_nil(&w->to);
        return;
    }
    writer_array(&w->to, (size_t)lora + salted);
    if (lora) writer_text(&w->to, event->lora_name);
    if (salted) writer_text(&w->to, event->salt);
}

static void put_extra_keys(batch_writer *w, const kvevents_event *event) {
    bool there = has_extra_keys(w, event);
    if (!there && as_map(w)) return;
    put_key(w, "extra_keys");
    if (!there) {
        writer_nil(&w->to);
    } else if (event->extra_keys.data != NULL) {
        writer_put(&w->to, event->extra_keys.data, event->extra_keys.size_bytes);
    } else {
        writer_array(&w->to, event->hash_count);
        for (size_t i = 0; i < event->hash_count; i++) put_keys_of_block(w, event, i == 0 && has_salt_key(event));
    }
}

/* ---- events ---- */

static void put_stored(batch_writer *w, const kvevents_event *event) {
    bool array = !as_map(w);
    put_hashes(w, event);
    put_parent(w, event);
    put_tokens(w, event);
    put_key(w, "block_size");
    writer_number(&w->to, event->block_size);
    put_optional_number(w, "lora_id", (event->has & KVEVENTS_HAS_LORA_ID) != 0, event->lora_id, true);
    put_optional_text(w, "medium", event->medium, is_vllm(w));
    put_optional_text(w, "lora_name", event->lora_name, is_vllm(w));
    put_extra_keys(w, event);
    put_optional_number(w, "group_idx", (event->has & KVEVENTS_HAS_GROUP) != 0, event->group, array);
    put_optional_text(w, "kv_cache_spec_kind", event->spec_kind, array);
    put_optional_number(w, "kv_cache_spec_sliding_window", (event->has & KVEVENTS_HAS_WINDOW) != 0, event->window,
                        array);
    if (array) return;
    put_optional_text(w, "locality", event->locality, false);
    put_optional_text(w, "ownership", event->ownership, false);
    put_optional_text(w, "session_id", event->session, false);
    if (!is_vllm(w)) put_optional_text(w, "cache_salt", event->salt, false);
}

static size_t stored_fields(const batch_writer *w, const kvevents_event *event) {
    size_t count = 5; /* hashes, parent, tokens, block size, lora_id */
    count += is_vllm(w) || event->medium.data != NULL;
    count += is_vllm(w) || event->lora_name.data != NULL;
    count += has_extra_keys(w, event);
    count += (event->has & KVEVENTS_HAS_GROUP) != 0;
    count += event->spec_kind.data != NULL;
    count += (event->has & KVEVENTS_HAS_WINDOW) != 0;
    count += event->locality.data != NULL;
    count += event->ownership.data != NULL;
    count += event->session.data != NULL;
    count += !is_vllm(w) && event->salt.data != NULL;
    return count;
}

static void put_removed(batch_writer *w, const kvevents_event *event) {
    put_hashes(w, event);
    put_optional_text(w, "medium", event->medium, is_vllm(w));
    put_optional_number(w, "group_idx", (event->has & KVEVENTS_HAS_GROUP) != 0, event->group, !as_map(w));
    if (!as_map(w)) return;
    put_optional_text(w, "locality", event->locality, false);
    put_optional_text(w, "ownership", event->ownership, false);
}

static size_t removed_fields(const batch_writer *w, const kvevents_event *event) {
    size_t count = 1;
    count += is_vllm(w) || event->medium.data != NULL;
    count += (event->has & KVEVENTS_HAS_GROUP) != 0;
    count += event->locality.data != NULL;
    count += event->ownership.data != NULL;
    return count;
}

static void put_head(batch_writer *w, const char *tag, size_t fields, size_t elements) {
    if (as_map(w)) {
        writer_map(&w->to, 1 + fields);
        writer_word(&w->to, "type");
    } else {
        writer_array(&w->to, elements);
    }
    writer_word(&w->to, tag);
}

static void put_event(batch_writer *w, const kvevents_event *event) {
    switch (event->kind) {
    case KVEVENTS_STORED:
        put_head(w, "BlockStored", stored_fields(w, event), 12);
        put_stored(w, event);
        break;
    case KVEVENTS_REMOVED:
        put_head(w, "BlockRemoved", removed_fields(w, event), 4);
        put_removed(w, event);
        break;
    case KVEVENTS_CLEARED: put_head(w, "AllBlocksCleared", 0, 1); break;
    default: break;
    }
}

/* ---- the batch ---- */

static bool is_value(kvcore_bytes bytes) {
    if (bytes.data == NULL) return bytes.size_bytes == 0;
    const uint8_t *data = bytes.data;
    msgpack_cursor cursor = {data, data + bytes.size_bytes};
    return kvevents__msgpack_skip(&cursor, 3) == KVCORE_OK && cursor.at == cursor.end;
}

static bool is_writable(const kvevents_event *event) {
    return event->kind >= KVEVENTS_STORED && event->kind <= KVEVENTS_UNKNOWN &&
           (event->hashes != NULL || event->hash_count == 0) && (event->tokens != NULL || event->token_count == 0) &&
           is_value(event->extra_keys);
}

static bool are_writable(const kvevents_batch *batch, size_t *known) {
    *known = 0;
    for (size_t i = 0; i < batch->event_count; i++) {
        if (!is_writable(&batch->events[i])) return false;
        *known += batch->events[i].kind != KVEVENTS_UNKNOWN;
    }
    return true;
}

kvcore_status kvevents_batch_write(const kvevents_batch *batch, kvevents_dialect dialect, void *bytes, size_t capacity,
                                   size_t *size_bytes) {
    size_t known;
    if (batch == NULL || size_bytes == NULL || (bytes == NULL && capacity > 0) || dialect < KVEVENTS_VLLM_MAP ||
        dialect > KVEVENTS_SGLANG || (batch->events == NULL && batch->event_count > 0) || !are_writable(batch, &known))
        return KVCORE_EINVAL;
    batch_writer w = {.dialect = dialect};
    writer_begin(&w.to, bytes, capacity);
    writer_array(&w.to, 3);
    msgpack_pack_double(&w.to.packer, batch->ts);
    writer_array(&w.to, known);
    for (size_t i = 0; i < batch->event_count; i++) put_event(&w, &batch->events[i]);
    put_number(&w, batch->has_rank, batch->rank);
    return writer_end(&w.to, size_bytes);
}
