#include "batch_read.h"

#include <string.h>

/* The value of a field stands in an event, in the list of events, in the batch. */
#define DEPTH_OF_FIELDS 3

/* ---- which there are ---- */

static const struct {
    const char *name;
    uint8_t length;
    bool removed_too; /* BlockRemoved has it, too */
} fields[FIELD_COUNT] = {
#define FIELD(name, removed_too) \
    { name, sizeof(name) - 1, removed_too }
    [FIELD_BLOCK_HASHES] = FIELD("block_hashes", true),
    [FIELD_PARENT] = FIELD("parent_block_hash", false),
    [FIELD_TOKEN_IDS] = FIELD("token_ids", false),
    [FIELD_BLOCK_SIZE] = FIELD("block_size", false),
    [FIELD_LORA_ID] = FIELD("lora_id", false),
    [FIELD_MEDIUM] = FIELD("medium", true),
    [FIELD_LORA_NAME] = FIELD("lora_name", false),
    [FIELD_EXTRA_KEYS] = FIELD("extra_keys", false),
    [FIELD_GROUP] = FIELD("group_idx", true),
    [FIELD_SPEC_KIND] = FIELD("kv_cache_spec_kind", false),
    [FIELD_WINDOW] = FIELD("kv_cache_spec_sliding_window", false),
    [FIELD_LOCALITY] = FIELD("locality", true),
    [FIELD_OWNERSHIP] = FIELD("ownership", true),
    [FIELD_SESSION] = FIELD("session_id", false),
    [FIELD_LOOKAHEAD] = FIELD("lookahead_token_ids", false),
    [FIELD_SALT] = FIELD("cache_salt", false),
#undef FIELD
};

unsigned kvevents__field_of_key(kvcore_bytes key) {
    for (unsigned i = 0; i < FIELD_COUNT; i++)
        if (msgpack_is(key, fields[i].name, fields[i].length)) return i;
    return FIELD_COUNT;
}

bool kvevents__field_known(uint32_t kind, unsigned field) {
    return kind == KVEVENTS_STORED || (kind == KVEVENTS_REMOVED && fields[field].removed_too);
}

bool kvevents__field_required(uint32_t kind, unsigned field) {
    if (field == FIELD_BLOCK_HASHES) return kind == KVEVENTS_STORED || kind == KVEVENTS_REMOVED;
    return kind == KVEVENTS_STORED && (field == FIELD_TOKEN_IDS || field == FIELD_BLOCK_SIZE);
}

unsigned kvevents__field_of_index(uint32_t kind, size_t index) {
    static const uint8_t removed[] = {FIELD_BLOCK_HASHES, FIELD_MEDIUM, FIELD_GROUP};
    if (kind == KVEVENTS_REMOVED) return index <= sizeof removed ? removed[index - 1] : FIELD_COUNT;
    /* a stored event has them in the order of the enumeration */
    return kind == KVEVENTS_STORED && index - 1 <= FIELD_WINDOW ? (unsigned)index - 1 : FIELD_COUNT;
}

/* ---- small values ---- */

static bool read_text(batch_reader *reader, kvcore_bytes *text) {
    const uint8_t *start = reader->cursor.at;
    msgpack_head head = {0};
    *text = (kvcore_bytes){NULL, 0};
    if (!kvevents__batch_head(reader, &head)) return false;
    if (head.type == MSGPACK_NIL) return true;
    if (head.type != MSGPACK_TEXT) return kvevents__batch_fault(reader, KVEVENTS_EFIELD, start);
    if (!kvevents__utf8(msgpack_bytes(&head))) return kvevents__batch_fault(reader, KVEVENTS_EINVALID, start);
    *text = msgpack_bytes(&head);
    return true;
}

/* Where an empty text is none. */
static bool read_name(batch_reader *reader, kvcore_bytes *text) {
    if (!read_text(reader, text)) return false;
    if (text->size_bytes == 0) text->data = NULL;
    return true;
}

static bool read_number(batch_reader *reader, bool required, uint64_t *number, bool *there) {
    const uint8_t *start = reader->cursor.at;
    msgpack_head head = {0};
    *number = 0;
    *there = false;
    if (!kvevents__batch_head(reader, &head)) return false;
    if (head.type == MSGPACK_NIL && !required) return true;
    if (head.type != MSGPACK_UNSIGNED) return kvevents__batch_fault(reader, KVEVENTS_EFIELD, start);
    *number = head.value;
    *there = true;
    return true;
}

static bool read_optional(batch_reader *reader, uint32_t flag, uint64_t *number, kvevents_event *event) {
    bool there;
    if (!read_number(reader, false, number, &there)) return false;
    event->has = there ? event->has | flag : event->has & ~flag;
    return true;
}

/* ---- hashes ---- */

static bool hash_of(const msgpack_head *head, uint64_t *hash) {
    if (head->type == MSGPACK_UNSIGNED || head->type == MSGPACK_NEGATIVE) {
        *hash = head->value;
        return true;
    }
    if (head->type != MSGPACK_BIN || head->value == 0) return false;
    size_t size = (size_t)head->value, take = size < 8 ? size : 8;
    uint8_t last[8] = {0};
    memcpy(last + 8 - take, head->data + size - take, take);
    *hash = kvcore_load_be64(last);
    return true;
}

static bool read_hash(batch_reader *reader, uint64_t *hash) {
    const uint8_t *at = reader->cursor.at;
    if (msgpack_left(&reader->cursor) >= 9 && *at == 0xCF) { /* what nearly all are */
        *hash = kvcore_load_be64(at + 1);
        reader->cursor.at += 9;
        return true;
    }
    msgpack_head head = {0};
    if (!kvevents__batch_head(reader, &head)) return false;
    return hash_of(&head, hash) || kvevents__batch_fault(reader, KVEVENTS_EFIELD, at);
}

static bool read_parent(batch_reader *reader, kvevents_event *event) {
    event->has &= ~(uint32_t)KVEVENTS_HAS_PARENT;
    event->parent = 0;
    if (msgpack_left(&reader->cursor) > 0 && *reader->cursor.at == 0xC0) {
        reader->cursor.at++;
        return true;
    }
    if (!read_hash(reader, &event->parent)) return false;
    event->has |= KVEVENTS_HAS_PARENT;
    return true;
}

static bool read_array(batch_reader *reader, size_t limit, size_t *count) {
    const uint8_t *start = reader->cursor.at;
    msgpack_head head = {0};
    if (!kvevents__batch_head(reader, &head)) return false;
    if (head.type != MSGPACK_ARRAY) return kvevents__batch_fault(reader, KVEVENTS_EFIELD, start);
    if (head.value > limit) return kvevents__batch_fault(reader, KVEVENTS_ESIZE, start);
    *count = (size_t)head.value;
    return true;
}

static bool read_hashes(batch_reader *reader, kvevents_event *event) {
    size_t count = 0;
    if (!read_array(reader, reader->hashes_left, &count)) return false;
    uint64_t *hashes = count == 0 ? NULL : kvevents__batch_take(reader, count, sizeof *hashes);
    if (count > 0 && hashes == NULL) return false;
    for (size_t i = 0; i < count; i++)
        if (!read_hash(reader, &hashes[i])) return false;
    event->hashes = hashes;
    event->hash_count = count;
    return true;
}

/* ---- tokens ---- */

/* A token, or what makes all of them unusable: a wide or negative number, text. */
static bool token_of(batch_reader *reader, const msgpack_head *head, const uint8_t *start, uint32_t *token) {
    if (head->type != MSGPACK_UNSIGNED && head->type != MSGPACK_NEGATIVE && head->type != MSGPACK_TEXT)
        return kvevents__batch_fault(reader, KVEVENTS_EFIELD, start);
    *token = (uint32_t)head->value;
    if (head->type != MSGPACK_UNSIGNED || head->value > UINT32_MAX) reader->tokens_usable = false;
    return true;
}

static bool read_token(batch_reader *reader, uint32_t *token) {
    const uint8_t *start = reader->cursor.at;
    msgpack_head head = {0};
    return kvevents__batch_head(reader, &head) && token_of(reader, &head, start, token);
}

static bool read_pairs(batch_reader *reader, size_t count, uint32_t *tokens) {
    for (size_t i = 0; i < count; i++) {
        const uint8_t *start = reader->cursor.at;
        msgpack_head head = {0};
        if (!kvevents__batch_head(reader, &head)) return false;
        if (head.type != MSGPACK_ARRAY || head.value != 2) return kvevents__batch_fault(reader, KVEVENTS_EFIELD, start);
        if (!read_token(reader, &tokens[i]) || !read_token(reader, &tokens[i + 1])) return false;
    }
    return true;
}

/* As many of the next tokens as have the usual forms and are surely inside the payload; how many. */
static size_t read_common_tokens(msgpack_cursor *cursor, uint32_t *tokens, size_t count) {
    const uint8_t *at = cursor->at;
    size_t i = 0;
    for (; i < count && cursor->end - at >= 5; i++) {
        if (*at < 0x80) {
            tokens[i] = *at;
            at += 1;
        } else if (*at == 0xCD) {
            tokens[i] = kvcore_load_be16(at + 1);
            at += 3;
        } else if (*at == 0xCE) {
            tokens[i] = kvcore_load_be32(at + 1);
            at += 5;
        } else if (*at == 0xCC) {
            tokens[i] = at[1];
            at += 2;
        } else {
            break;
        }
    }
    cursor->at = at;
    return i;
}

static bool read_plain_tokens(batch_reader *reader, size_t count, uint32_t *tokens) {
    size_t i = 0;
    while (i < count) {
        i += read_common_tokens(&reader->cursor, tokens + i, count - i);
        if (i < count && !read_token(reader, &tokens[i++])) return false;
    }
    return true;
}

static bool begins_array(const msgpack_cursor *cursor) {
    return msgpack_left(cursor) > 0 && ((*cursor->at & 0xF0) == 0x90 || *cursor->at == 0xDC || *cursor->at == 0xDD);
}

static bool read_tokens(batch_reader *reader, kvevents_event *event) {
    size_t count = 0;
    if (!read_array(reader, reader->tokens_left, &count)) return false;
    reader->tokens_usable = true;
    reader->token_items = count;
    event->has &= ~(uint32_t)KVEVENTS_HAS_PAIRS;
    event->tokens = NULL;
    event->token_count = 0;
    if (count == 0) return true;
    bool pairs = begins_array(&reader->cursor);
    uint32_t *tokens = kvevents__batch_take(reader, count + pairs, sizeof *tokens);
    if (tokens == NULL) return false;
    if (!(pairs ? read_pairs(reader, count, tokens) : read_plain_tokens(reader, count, tokens))) return false;
    event->tokens = tokens;
    event->token_count = count + pairs;
    if (pairs) event->has |= KVEVENTS_HAS_PAIRS;
    return true;
}

/* ---- what is read to be checked ---- */

static bool check_item(batch_reader *reader, unsigned depth) {
    const uint8_t *start = reader->cursor.at;
    msgpack_head head = {0};
    if (!kvevents__batch_head(reader, &head)) return false;
    if (head.type == MSGPACK_TEXT && !kvevents__utf8(msgpack_bytes(&head)))
        return kvevents__batch_fault(reader, KVEVENTS_EINVALID, start);
    kvcore_status status = kvevents__msgpack_skip_rest(&reader->cursor, &head, depth);
    return status == KVCORE_OK || kvevents__batch_fault(reader, status, reader->cursor.at);
}

/* The extra keys of one block: nil, or items of any kind; a multimodal item is an array. */
static bool check_keys_of_block(batch_reader *reader) {
    const uint8_t *start = reader->cursor.at;
    msgpack_head head = {0};
    if (!kvevents__batch_head(reader, &head)) return false;
    if (head.type == MSGPACK_NIL) return true;
    if (head.type != MSGPACK_ARRAY) return kvevents__batch_fault(reader, KVEVENTS_EFIELD, start);
    for (uint64_t i = 0; i < head.value; i++)
        if (!check_item(reader, DEPTH_OF_FIELDS + 2)) return false;
    return true;
}

static bool read_extra_keys(batch_reader *reader, kvevents_event *event) {
    const uint8_t *start = reader->cursor.at;
    msgpack_head head = {0};
    event->extra_keys = (kvcore_bytes){NULL, 0};
    if (!kvevents__batch_head(reader, &head)) return false;
    if (head.type == MSGPACK_NIL) return true;
    if (head.type != MSGPACK_ARRAY) return kvevents__batch_fault(reader, KVEVENTS_EFIELD, start);
    for (uint64_t i = 0; i < head.value; i++)
        if (!check_keys_of_block(reader)) return false;
    event->extra_keys = (kvcore_bytes){start, (size_t)(reader->cursor.at - start)};
    return true;
}

static bool check_numbers(batch_reader *reader) {
    size_t count = 0;
    if (!read_array(reader, SIZE_MAX, &count)) return false;
    for (size_t i = 0; i < count; i++) {
        const uint8_t *start = reader->cursor.at;
        msgpack_head head = {0};
        if (!kvevents__batch_head(reader, &head)) return false;
        if (head.type != MSGPACK_UNSIGNED && head.type != MSGPACK_NEGATIVE)
            return kvevents__batch_fault(reader, KVEVENTS_EFIELD, start);
    }
    return true;
}

static bool check_lookahead(batch_reader *reader) {
    if (msgpack_left(&reader->cursor) > 0 && *reader->cursor.at == 0xC0) {
        reader->cursor.at++;
        return true;
    }
    size_t count = 0;
    if (!read_array(reader, SIZE_MAX, &count)) return false;
    for (size_t i = 0; i < count; i++)
        if (!check_numbers(reader)) return false;
    return true;
}

/* ---- the LoRA name, where SGLang had the salt for a while ---- */

static bool read_metadata(batch_reader *reader, uint64_t pairs, kvevents_event *event) {
    for (uint64_t i = 0; i < pairs; i++) {
        msgpack_head key;
        if (!kvevents__batch_head(reader, &key)) return false;
        kvcore_status status = kvevents__msgpack_skip_rest(&reader->cursor, &key, DEPTH_OF_FIELDS + 1);
        if (status != KVCORE_OK) return kvevents__batch_fault(reader, status, reader->cursor.at);
        bool salt = key.type == MSGPACK_TEXT && MSGPACK_IS(msgpack_bytes(&key), "cache_salt");
        if (!(salt ? read_name(reader, &event->salt) : kvevents__batch_skip(reader, DEPTH_OF_FIELDS + 1))) return false;
    }
    return true;
}

static bool read_lora_name(batch_reader *reader, bool in_array, kvevents_event *event) {
    msgpack_cursor start = reader->cursor;
    msgpack_head head = {0};
    if (!kvevents__batch_head(reader, &head)) return false;
    event->lora_name = (kvcore_bytes){NULL, 0};
    if (in_array && head.type == MSGPACK_MAP) return read_metadata(reader, head.value, event);
    reader->cursor = start;
    return read_name(reader, &event->lora_name);
}

bool kvevents__field_read(batch_reader *reader, unsigned field, bool in_array, kvevents_event *event) {
    bool there;
    switch (field) {
    case FIELD_BLOCK_HASHES: return read_hashes(reader, event);
    case FIELD_PARENT: return read_parent(reader, event);
    case FIELD_TOKEN_IDS: return read_tokens(reader, event);
    case FIELD_BLOCK_SIZE: return read_number(reader, true, &event->block_size, &there);
    case FIELD_LORA_ID: return read_optional(reader, KVEVENTS_HAS_LORA_ID, &event->lora_id, event);
    case FIELD_MEDIUM: return read_name(reader, &event->medium);
    case FIELD_LORA_NAME: return read_lora_name(reader, in_array, event);
    case FIELD_EXTRA_KEYS: return read_extra_keys(reader, event);
    case FIELD_GROUP: return read_optional(reader, KVEVENTS_HAS_GROUP, &event->group, event);
    case FIELD_SPEC_KIND: return read_text(reader, &event->spec_kind);
    case FIELD_WINDOW: return read_optional(reader, KVEVENTS_HAS_WINDOW, &event->window, event);
    case FIELD_LOCALITY: return read_text(reader, &event->locality);
    case FIELD_OWNERSHIP: return read_text(reader, &event->ownership);
    case FIELD_SESSION: return read_text(reader, &event->session);
    case FIELD_LOOKAHEAD: return check_lookahead(reader);
    case FIELD_SALT: return read_name(reader, &event->salt);
    default: return kvevents__batch_skip(reader, DEPTH_OF_FIELDS);
    }
}
