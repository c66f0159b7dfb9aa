#include <kvwombat/object_key.h>

#include <kvcore/sort.h>
#include <kvcore/text.h>
#include <kvwombat/block_key.h>

/* Text that grows into the caller's buffer and keeps counting past its end. */
typedef struct writer {
    char *text;
    size_t capacity;
    size_t length;
} writer;

static void put(writer *to, const void *text, size_t size_bytes) {
    size_t room = to->length < to->capacity ? to->capacity - to->length : 0;
    size_t fits = size_bytes < room ? size_bytes : room;
    if (fits > 0) memcpy(to->text + to->length, text, fits);
    to->length += size_bytes;
}

static void put_text(writer *to, const char *text) { put(to, text, strlen(text)); }
static void put_bytes(writer *to, kvcore_bytes bytes) { put(to, bytes.data, bytes.size_bytes); }

static void put_number(writer *to, uint64_t value, size_t least_digits) {
    char digits[20];
    size_t count = 0;
    do digits[sizeof digits - ++count] = (char)('0' + value % 10);
    while ((value /= 10) > 0);
    while (count < least_digits) digits[sizeof digits - ++count] = '0';
    put(to, digits + sizeof digits - count, count);
}

static kvcore_status finish(writer *to, size_t *length) {
    *length = to->length;
    if (to->length >= to->capacity) return KVCORE_EBUFFER;
    to->text[to->length] = '\0';
    return KVCORE_OK;
}

static void put_hash_key(const char *front, const kvcore_hash256 *hash, char *text) {
    if (hash == NULL || text == NULL) return;
    size_t length = strlen(front);
    memcpy(text, front, length);
    kvcore_hex_encode(hash->bytes, sizeof hash->bytes, text + length);
    text[length + 64] = '\0';
}

void kvwombat_block_object_key(const kvcore_hash256 *hash, char text[KVWOMBAT_BLOCK_OBJECT_KEY_BYTES]) {
    put_hash_key("wombatkv/v1/block/b3=", hash, text);
}

void kvwombat_sidecar_object_key(const kvcore_hash256 *hash, char text[KVWOMBAT_SIDECAR_OBJECT_KEY_BYTES]) {
    put_hash_key("wombatkv/v1/sidecar/raw_tail/b3=", hash, text);
}

kvcore_status kvwombat_wal_chunk_key(const kvwombat_wal_chunk *chunk, char *text, size_t capacity, size_t *length) {
    if (chunk == NULL || length == NULL || (text == NULL && capacity > 0)) return KVCORE_EINVAL;
    writer to = {text, capacity, 0};
    put_text(&to, "wal/");
    put_bytes(&to, chunk->tenant_id);
    put_text(&to, "/");
    put_bytes(&to, chunk->fingerprint);
    put_text(&to, "/");
    put_number(&to, chunk->epoch_ms, 1);
    put_text(&to, "/chunk-");
    put_bytes(&to, chunk->node);
    put_text(&to, "-");
    put_number(&to, chunk->seq, 1);
    put_text(&to, ".bin");
    return finish(&to, length);
}

kvcore_status kvwombat_wal_key(kvcore_bytes name_space, const kvwombat_wal_object *object, char *text, size_t capacity,
                               size_t *length) {
    if (object == NULL || length == NULL || (text == NULL && capacity > 0)) return KVCORE_EINVAL;
    writer to = {text, capacity, 0};
    put_bytes(&to, name_space);
    put_text(&to, "/");
    put_number(&to, object->epoch_ms, 20);
    put_text(&to, object->batch ? "/batch-" : "/chunk-");
    put_bytes(&to, object->node);
    put_text(&to, "-");
    put_number(&to, object->start_seq, 20);
    if (object->batch) {
        put_text(&to, "-");
        put_number(&to, object->end_seq, 20);
    }
    put_text(&to, ".bin");
    return finish(&to, length);
}

static bool take_front(kvcore_bytes *text, const char *front) {
    size_t length = strlen(front);
    if (text->size_bytes < length || memcmp(text->data, front, length) != 0) return false;
    *text = (kvcore_bytes){(const char *)text->data + length, text->size_bytes - length};
    return true;
}

static bool take_back(kvcore_bytes *text, const char *back) {
    size_t length = strlen(back);
    if (text->size_bytes < length || memcmp((const char *)text->data + text->size_bytes - length, back, length) != 0)
        return false;
    text->size_bytes -= length;
    return true;
}

/* Everything after the last `at` goes from text into *after; false when there is none. */
static bool split_last(kvcore_bytes *text, char at, kvcore_bytes *after) {
    const char *from = text->data;
    for (size_t i = text->size_bytes; i-- > 0;)
        if (from[i] == at) {
            *after = (kvcore_bytes){from + i + 1, text->size_bytes - i - 1};
            text->size_bytes = i;
            return true;
        }
    return false;
}

static bool parse_number(kvcore_bytes text, bool plus_allowed, uint64_t *value) {
    if (plus_allowed) take_front(&text, "+");
    if (text.size_bytes == 0) return false;
    uint64_t sum = 0;
    for (size_t i = 0; i < text.size_bytes; i++) {
        char digit = ((const char *)text.data)[i];
        if (digit < '0' || digit > '9' || __builtin_mul_overflow(sum, 10, &sum) ||
            __builtin_add_overflow(sum, (uint64_t)(digit - '0'), &sum))
            return false;
    }
    *value = sum;
    return true;
}

/* "chunk-<node>-<seq>.bin" or "batch-<node>-<start>-<end>.bin". */
static bool parse_file_name(kvcore_bytes name, kvwombat_wal_object *object) {
    kvcore_bytes start, end;
    if (!take_back(&name, ".bin")) return false;
    object->batch = take_front(&name, "batch-");
    if (!object->batch && !take_front(&name, "chunk-")) return false;
    if (object->batch && (!split_last(&name, '-', &end) || !parse_number(end, true, &object->end_seq))) return false;
    if (!split_last(&name, '-', &start) || !parse_number(start, true, &object->start_seq)) return false;
    if (!object->batch) object->end_seq = object->start_seq;
    object->node = name;
    return name.size_bytes > 0;
}

/* "chunk-<seq>.bin", the oldest shape. */
static bool parse_nameless(kvcore_bytes name, kvwombat_wal_object *object) {
    *object = (kvwombat_wal_object){.node = kvcore_text("node-local")};
    if (!take_front(&name, "chunk-") || !take_back(&name, ".bin")) return false;
    if (!parse_number(name, true, &object->start_seq)) return false;
    object->end_seq = object->start_seq;
    return true;
}

bool kvwombat_wal_key_parse(kvcore_bytes name_space, kvcore_bytes key, kvwombat_wal_object *object) {
    if (object == NULL || key.data == NULL) return false;
    if (key.size_bytes <= name_space.size_bytes) return false;
    if (name_space.size_bytes > 0 && memcmp(key.data, name_space.data, name_space.size_bytes) != 0) return false;
    kvcore_bytes tail = {(const char *)key.data + name_space.size_bytes, key.size_bytes - name_space.size_bytes};
    if (!take_front(&tail, "/")) return false;

    kvwombat_wal_object parsed = {0};
    const char *slash = memchr(tail.data, '/', tail.size_bytes);
    if (slash != NULL) {
        size_t front = (size_t)(slash - (const char *)tail.data);
        kvcore_bytes name = {slash + 1, tail.size_bytes - front - 1};
        if (!parse_number((kvcore_bytes){tail.data, front}, false, &parsed.epoch_ms) || !parse_file_name(name, &parsed))
            return false;
    } else {
        if (!parse_file_name(tail, &parsed) && !parse_nameless(tail, &parsed)) return false;
        parsed.legacy = true;
    }
    *object = parsed;
    return true;
}

typedef struct key_list {
    kvcore_bytes name_space;
    kvcore_bytes *keys;
} key_list;

static bool replayed_before(void *ctx, size_t a, size_t b) {
    const key_list *list = ctx;
    kvwombat_wal_object left, right;
    bool left_known = kvwombat_wal_key_parse(list->name_space, list->keys[a], &left);
    bool right_known = kvwombat_wal_key_parse(list->name_space, list->keys[b], &right);
    if (left_known != right_known) return left_known;
    if (left_known && left.start_seq != right.start_seq) return left.start_seq < right.start_seq;
    return kvcore_bytes_compare(list->keys[a], list->keys[b]) < 0;
}

static void swap_keys(void *ctx, size_t a, size_t b) {
    kvcore_bytes *keys = ((const key_list *)ctx)->keys, moved = keys[a];
    keys[a] = keys[b];
    keys[b] = moved;
}

/* Equal keys are equal texts, so their order does not matter. */
void kvwombat_wal_keys_sort(kvcore_bytes name_space, kvcore_bytes *keys, size_t count) {
    if (keys == NULL) return;
    key_list list = {name_space, keys};
    kvcore_sort(&(kvcore_sorting){&list, replayed_before, swap_keys}, count);
}

kvcore_status kvwombat_wal_node_id(kvcore_bytes node, char *text, size_t capacity, size_t *length) {
    if (length == NULL || (text == NULL && capacity > 0)) return KVCORE_EINVAL;
    writer to = {text, capacity, 0};
    const unsigned char *from = node.data;
    for (size_t i = 0; i < node.size_bytes; i++) {
        unsigned char c = from[i];
        bool kept = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        bool continues = (c & 0xC0) == 0x80; /* of a character whose first byte was counted */
        if (kept)
            put(&to, &c, 1);
        else if (!continues)
            put_text(&to, "-");
    }
    if (to.length == 0) put_text(&to, "node-local");
    return finish(&to, length);
}
