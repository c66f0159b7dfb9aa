#include <kvevents/batch.h>

#include <string.h>

#include <msgpack/pack.h>

#include "msgpack.h"

/* ---- where bytes go ---- */

typedef struct batch_writer {
    msgpack_packer packer;
    kvevents_dialect dialect;
    uint8_t *bytes;
    size_t capacity;
    size_t size; /* may pass the capacity: then it is only counted */
    bool too_many;
} batch_writer;

static int put(void *data, const char *bytes, size_t size) {
    batch_writer *writer = data;
    if (writer->size <= writer->capacity && size <= writer->capacity - writer->size && size > 0)
        memcpy(writer->bytes + writer->size, bytes, size);
    writer->size += size;
    return 0;
}

static bool as_map(const batch_writer *writer) { return writer->dialect != KVEVENTS_VLLM_ARRAY; }

static size_t counted(batch_writer *writer, size_t count) {
    if (count > UINT32_MAX) writer->too_many = true;
    return count;
}

static void put_text(batch_writer *writer, kvcore_bytes text) {
    if (text.data == NULL) {
        msgpack_pack_nil(&writer->packer);
        return;
    }
    msgpack_pack_str(&writer->packer, counted(writer, text.size_bytes));
    msgpack_pack_str_body(&writer->packer, text.data, text.size_bytes);
}

static void put_word(batch_writer *writer, const char *word) { put_text(writer, kvcore_text(word)); }

static void put_key(batch_writer *writer, const char *name) {
    if (as_map(writer)) put_word(writer, name);
}

/* Always nine bytes: there are consumers that refuse shorter ones. */
static void put_hash(batch_writer *writer, uint64_t hash) {
    if (writer->dialect == KVEVENTS_SGLANG)
        msgpack_pack_fix_int64(&writer->packer, (int64_t)hash);
    else
        msgpack_pack_fix_uint64(&writer->packer, hash);
}

static void put_number(batch_writer *writer, bool there, uint64_t number) {
    if (there)
        msgpack_pack_uint64(&writer->packer, number);
    else
        msgpack_pack_nil(&writer->packer);
}

/* ---- fields ---- */

static void put_hashes(batch_writer *writer, const kvevents_event *event) {
    put_key(writer, "block_hashes");
    msgpack_pack_array(&writer->packer, counted(writer, event->hash_count));
    for (size_t i = 0; i < event->hash_count; i++) put_hash(writer, event->hashes[i]);
}

static void put_parent(batch_writer *writer, const kvevents_event *event) {
    put_key(writer, "parent_block_hash");
    if ((event->has & KVEVENTS_HAS_PARENT) != 0)
        put_hash(writer, event->parent);
    else
        msgpack_pack_nil(&writer->packer);
}

static void put_tokens(batch_writer *writer, const kvevents_event *event) {
    bool pairs = (event->has & KVEVENTS_HAS_PAIRS) != 0 && event->token_count > 0;
    size_t count = event->token_count - pairs;
    put_key(writer, "token_ids");
    msgpack_pack_array(&writer->packer, counted(writer, count));
    for (size_t i = 0; i < count; i++) {
        if (pairs) msgpack_pack_array(&writer->packer, 2);
        msgpack_pack_uint32(&writer->packer, event->tokens[i]);
        if (pairs) msgpack_pack_uint32(&writer->packer, event->tokens[i + 1]);
    }
}

/* A field that a map may lack and an array may not. */
static void put_optional_text(batch_writer *writer, const char *name, kvcore_bytes text, bool always) {
    if (text.data == NULL && !always) return;
    put_key(writer, name);
    put_text(writer, text);
}

static void put_optional_number(batch_writer *writer, const char *name, bool there, uint64_t number, bool always) {
    if (!there && !always) return;
    put_key(writer, name);
    put_number(writer, there, number);
}

static bool is_vllm(const batch_writer *writer) { return writer->dialect != KVEVENTS_SGLANG; }

/* vLLM tells LoRA and salt once more among the extra keys; the salt belongs to the first block of a chain. */
static bool has_salt_key(const kvevents_event *event) {
    return event->salt.size_bytes > 0 && (event->has & KVEVENTS_HAS_PARENT) == 0;
}

static bool has_extra_keys(const batch_writer *writer, const kvevents_event *event) {
    if (event->extra_keys.data != NULL) return true;
    return is_vllm(writer) && event->hash_count > 0 && (has_salt_key(event) || event->lora_name.size_bytes > 0);
}

static void put_keys_of_block(batch_writer *writer, const kvevents_event *event, bool salted) {
    bool lora = event->lora_name.size_bytes > 0;
    if (!lora && !salted) {
        msgpack_pack_nil(&writer->packer);
        return;
    }
    msgpack_pack_array(&writer->packer, (size_t)lora + salted);
    if (lora) put_text(writer, event->lora_name);
    if (salted) put_text(writer, event->salt);
}

static void put_extra_keys(batch_writer *writer, const kvevents_event *event) {
    bool there = has_extra_keys(writer, event);
    if (!there && as_map(writer)) return;
    put_key(writer, "extra_keys");
    if (!there) {
        msgpack_pack_nil(&writer->packer);
    } else if (event->extra_keys.data != NULL) {
        put(writer, event->extra_keys.data, event->extra_keys.size_bytes);
    } else {
        msgpack_pack_array(&writer->packer, counted(writer, event->hash_count));
        for (size_t i = 0; i < event->hash_count; i++) put_keys_of_block(writer, event, i == 0 && has_salt_key(event));
    }
}

/* ---- events ---- */

static void put_stored(batch_writer *writer, const kvevents_event *event) {
    bool array = !as_map(writer);
    put_hashes(writer, event);
    put_parent(writer, event);
    put_tokens(writer, event);
    put_key(writer, "block_size");
    msgpack_pack_uint64(&writer->packer, event->block_size);
    put_optional_number(writer, "lora_id", (event->has & KVEVENTS_HAS_LORA_ID) != 0, event->lora_id, true);
    put_optional_text(writer, "medium", event->medium, is_vllm(writer));
    put_optional_text(writer, "lora_name", event->lora_name, is_vllm(writer));
    put_extra_keys(writer, event);
    put_optional_number(writer, "group_idx", (event->has & KVEVENTS_HAS_GROUP) != 0, event->group, array);
    put_optional_text(writer, "kv_cache_spec_kind", event->spec_kind, array);
    put_optional_number(writer, "kv_cache_spec_sliding_window", (event->has & KVEVENTS_HAS_WINDOW) != 0, event->window,
                        array);
    if (array) return;
    put_optional_text(writer, "locality", event->locality, false);
    put_optional_text(writer, "ownership", event->ownership, false);
    put_optional_text(writer, "session_id", event->session, false);
    if (!is_vllm(writer)) put_optional_text(writer, "cache_salt", event->salt, false);
}

static size_t stored_fields(const batch_writer *writer, const kvevents_event *event) {
    size_t count = 5; /* hashes, parent, tokens, block size, lora_id */
    count += is_vllm(writer) || event->medium.data != NULL;
    count += is_vllm(writer) || event->lora_name.data != NULL;
    count += has_extra_keys(writer, event);
    count += (event->has & KVEVENTS_HAS_GROUP) != 0;
    count += event->spec_kind.data != NULL;
    count += (event->has & KVEVENTS_HAS_WINDOW) != 0;
    count += event->locality.data != NULL;
    count += event->ownership.data != NULL;
    count += event->session.data != NULL;
    count += !is_vllm(writer) && event->salt.data != NULL;
    return count;
}

static void put_removed(batch_writer *writer, const kvevents_event *event) {
    put_hashes(writer, event);
    put_optional_text(writer, "medium", event->medium, is_vllm(writer));
    put_optional_number(writer, "group_idx", (event->has & KVEVENTS_HAS_GROUP) != 0, event->group, !as_map(writer));
    if (!as_map(writer)) return;
    put_optional_text(writer, "locality", event->locality, false);
    put_optional_text(writer, "ownership", event->ownership, false);
}

static size_t removed_fields(const batch_writer *writer, const kvevents_event *event) {
    size_t count = 1;
    count += is_vllm(writer) || event->medium.data != NULL;
    count += (event->has & KVEVENTS_HAS_GROUP) != 0;
    count += event->locality.data != NULL;
    count += event->ownership.data != NULL;
    return count;
}

static void put_head(batch_writer *writer, const char *tag, size_t fields, size_t elements) {
    if (as_map(writer)) {
        msgpack_pack_map(&writer->packer, 1 + fields);
        put_word(writer, "type");
    } else {
        msgpack_pack_array(&writer->packer, elements);
    }
    put_word(writer, tag);
}

static void put_event(batch_writer *writer, const kvevents_event *event) {
    switch (event->kind) {
    case KVEVENTS_STORED:
        put_head(writer, "BlockStored", stored_fields(writer, event), 12);
        put_stored(writer, event);
        break;
    case KVEVENTS_REMOVED:
        put_head(writer, "BlockRemoved", removed_fields(writer, event), 4);
        put_removed(writer, event);
        break;
    case KVEVENTS_CLEARED: put_head(writer, "AllBlocksCleared", 0, 1); break;
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
    batch_writer writer = {.dialect = dialect, .bytes = bytes, .capacity = capacity};
    msgpack_packer_init(&writer.packer, &writer, put);
    msgpack_pack_array(&writer.packer, 3);
    msgpack_pack_double(&writer.packer, batch->ts);
    msgpack_pack_array(&writer.packer, counted(&writer, known));
    for (size_t i = 0; i < batch->event_count; i++) put_event(&writer, &batch->events[i]);
    put_number(&writer, batch->has_rank, batch->rank);
    if (writer.too_many) return KVCORE_EOVERFLOW;
    *size_bytes = writer.size;
    return writer.size > capacity ? KVCORE_EBUFFER : KVCORE_OK;
}
