#include <kvstore/name.h>

#include <string.h>

#include <kvcore/text.h>

#include "refuse.h"

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

static void put_number(writer *to, uint64_t value) {
    char digits[20];
    size_t count = 0;
    do digits[sizeof digits - ++count] = (char)('0' + value % 10);
    while ((value /= 10) > 0);
    put(to, digits + sizeof digits - count, count);
}

static void put_hex(writer *to, const void *bytes, size_t size_bytes) {
    char text[64];
    kvcore_hex_encode(bytes, size_bytes, text);
    put(to, text, 2 * size_bytes);
}

static kvcore_status finish(writer *to, size_t *length) {
    *length = to->length;
    if (to->length >= to->capacity) return KVCORE_EBUFFER;
    to->text[to->length] = '\0';
    return KVCORE_OK;
}

static bool is_alphanumeric(char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* Where a segment breaks the rule, or its size when it does not. */
static size_t segment_fault(const char *text, size_t size_bytes, const char *also, size_t most) {
    for (size_t i = 0; i < size_bytes; i++) {
        if (i >= most) return i;
        if (is_alphanumeric(text[i])) continue;
        if (i == 0 || strchr(also, text[i]) == NULL || text[i] == '\0') return i;
        if (text[i] == '.' && text[i - 1] == '.') return i;
    }
    return size_bytes;
}

static bool is_segment(kvcore_bytes text) {
    return text.size_bytes > 0 &&
           segment_fault(text.data, text.size_bytes, "._-", KVSTORE_TENANT_MAX_BYTES) == text.size_bytes;
}

kvcore_status kvstore_prefix_check(kvcore_bytes prefix, kvcore_error *error) {
    const char *text = prefix.data;
    if (text == NULL && prefix.size_bytes > 0) return refuse_field(error, KVCORE_EINVAL, 0, "prefix is NULL");
    if (prefix.size_bytes > KVSTORE_PREFIX_MAX_BYTES)
        return refuse_at(error, KVCORE_ECONFIG, 0, KVSTORE_PREFIX_MAX_BYTES, prefix.size_bytes, "prefix");
    for (size_t start = 0; start < prefix.size_bytes;) {
        const char *slash = memchr(text + start, '/', prefix.size_bytes - start);
        size_t length = slash == NULL ? prefix.size_bytes - start : (size_t)(slash - text) - start;
        size_t fault = segment_fault(text + start, length, "._-", KVSTORE_TENANT_MAX_BYTES);
        bool ends_in_slash = slash != NULL && start + length + 1 == prefix.size_bytes;
        if (length == 0 || fault != length || ends_in_slash)
            return refuse_at(error, KVCORE_ECONFIG, start + (ends_in_slash ? length : fault), 0, 0,
                             "prefix (segments of letters, digits, '.', '_', '-', joined by '/')");
        start += length + 1;
    }
    return KVCORE_OK;
}

kvcore_status kvstore_tenant_text_check(kvcore_bytes tenant, kvcore_error *error) {
    if (tenant.data == NULL && tenant.size_bytes > 0) return refuse_field(error, KVCORE_EINVAL, 0, "tenant is NULL");
    if (tenant.size_bytes == 0) return KVCORE_OK;
    size_t fault = segment_fault(tenant.data, tenant.size_bytes, "._-", KVSTORE_TENANT_MAX_BYTES);
    if (fault == tenant.size_bytes) return KVCORE_OK;
    return refuse_at(error, KVCORE_ECONFIG, fault, 0, ((const uint8_t *)tenant.data)[fault],
                     "tenant (1 to 63 letters, digits, '.', '_', '-', beginning with a letter or digit)");
}

static kvcore_bytes layout_text(const kvcore_layout_tag *tag) {
    const void *end = memchr(tag->bytes, '\0', sizeof tag->bytes);
    return (kvcore_bytes){tag->bytes, end == NULL ? sizeof tag->bytes : (size_t)((const uint8_t *)end - tag->bytes)};
}

static bool is_layout(const kvcore_layout_tag *tag) {
    kvcore_bytes text = layout_text(tag);
    for (size_t i = text.size_bytes; i < sizeof tag->bytes; i++)
        if (tag->bytes[i] != 0) return false;
    return segment_fault(text.data, text.size_bytes, "_-", sizeof tag->bytes) == text.size_bytes;
}

kvcore_status kvstore_identity_check(const kvstore_identity *identity, kvcore_error *error) {
    if (identity == NULL) return refuse_field(error, KVCORE_EINVAL, 0, "identity is NULL");
    kvcore_status status = kvstore_tenant_text_check(identity->tenant, error);
    if (status != KVCORE_OK) return status;
    if (!is_layout(&identity->layout))
        return refuse_field(error, KVCORE_ECONFIG, identity->layout.bytes[0],
                            "layout: a tag of letters, digits, '_' and '-' that begins with a letter or digit");
    if (identity->ranks == 0 || identity->rank >= identity->ranks)
        return refuse_field(error, KVCORE_ECONFIG, identity->rank,
                            "rank: it must be below ranks, and ranks at least 1");
    return KVCORE_OK;
}

unsigned kvstore_fan(kvhash_plh name) { return (unsigned)(kvhash_plh_sequence_hash(name) >> 56); }

static void put_space(writer *to, kvcore_bytes prefix, const kvstore_identity *of) {
    put_bytes(to, prefix);
    if (prefix.size_bytes > 0) put_text(to, "/");
    put_text(to, "v1/");
    if (of->tenant.size_bytes > 0)
        put_bytes(to, of->tenant);
    else
        put_text(to, "-");
    put_text(to, "/");
    put_hex(to, of->model.bytes, sizeof of->model.bytes);
    put_text(to, "/");
    kvcore_bytes layout = layout_text(&of->layout);
    if (layout.size_bytes > 0)
        put_bytes(to, layout);
    else
        put_text(to, "-");
    put_text(to, ".");
    put_number(to, of->block_tokens);
    put_text(to, "/");
    put_number(to, of->rank);
    put_text(to, "of");
    put_number(to, of->ranks);
    put_text(to, ".");
    put_number(to, of->group);
}

kvcore_status kvstore_space_key(kvcore_bytes prefix, const kvstore_identity *identity, char *text, size_t capacity,
                                size_t *length) {
    if (identity == NULL || length == NULL || (text == NULL && capacity > 0)) return KVCORE_EINVAL;
    writer to = {text, capacity, 0};
    put_space(&to, prefix, identity);
    return finish(&to, length);
}

kvcore_status kvstore_block_key(kvcore_bytes prefix, const kvstore_identity *identity, kvhash_plh name, char *text,
                                size_t capacity, size_t *length) {
    if (identity == NULL || length == NULL || (text == NULL && capacity > 0)) return KVCORE_EINVAL;
    writer to = {text, capacity, 0};
    uint8_t fan = (uint8_t)kvstore_fan(name), bytes[KVHASH_PLH_BYTES];
    put_space(&to, prefix, identity);
    put_text(&to, "/");
    put_hex(&to, &fan, 1);
    put_text(&to, "/");
    kvhash_plh_encode(name, bytes);
    put_hex(&to, bytes, sizeof bytes);
    return finish(&to, length);
}

/* The next segment of *rest, up to a slash or the end. */
static bool take_segment(kvcore_bytes *rest, kvcore_bytes *segment) {
    if (rest->data == NULL) return false;
    const char *text = rest->data, *slash = memchr(text, '/', rest->size_bytes);
    size_t length = slash == NULL ? rest->size_bytes : (size_t)(slash - text);
    *segment = (kvcore_bytes){text, length};
    *rest = slash == NULL ? (kvcore_bytes){NULL, 0} : (kvcore_bytes){slash + 1, rest->size_bytes - length - 1};
    return length > 0;
}

static bool split(kvcore_bytes *front, const char *at, kvcore_bytes *back) {
    const char *text = front->data;
    size_t length = strlen(at);
    for (size_t i = front->size_bytes; i-- > 0;)
        if (front->size_bytes - i >= length && memcmp(text + i, at, length) == 0) {
            *back = (kvcore_bytes){text + i + length, front->size_bytes - i - length};
            front->size_bytes = i;
            return true;
        }
    return false;
}

static bool parse_number(kvcore_bytes text, uint64_t most, uint64_t *value) {
    const char *digits = text.data;
    if (text.size_bytes == 0 || text.size_bytes > 10 || (digits[0] == '0' && text.size_bytes > 1)) return false;
    uint64_t sum = 0;
    for (size_t i = 0; i < text.size_bytes; i++) {
        if (digits[i] < '0' || digits[i] > '9') return false;
        sum = 10 * sum + (uint64_t)(digits[i] - '0');
    }
    *value = sum;
    return sum <= most;
}

static bool parse_lower_hex(kvcore_bytes text, void *bytes, size_t size_bytes) {
    if (text.size_bytes != 2 * size_bytes) return false;
    for (size_t i = 0; i < text.size_bytes; i++)
        if (((const char *)text.data)[i] >= 'A' && ((const char *)text.data)[i] <= 'F') return false;
    return kvcore_hex_decode(text.data, text.size_bytes, bytes) == KVCORE_OK;
}

static bool is_dash(kvcore_bytes text) { return text.size_bytes == 1 && *(const char *)text.data == '-'; }

static bool parse_layout(kvcore_bytes text, kvstore_identity *identity) {
    kvcore_bytes number;
    uint64_t tokens;
    if (!split(&text, ".", &number) || !parse_number(number, UINT32_MAX, &tokens)) return false;
    identity->block_tokens = (uint32_t)tokens;
    memset(&identity->layout, 0, sizeof identity->layout);
    if (is_dash(text)) return true;
    if (text.size_bytes == 0 || text.size_bytes > sizeof identity->layout.bytes) return false;
    memcpy(identity->layout.bytes, text.data, text.size_bytes);
    return layout_text(&identity->layout).size_bytes == text.size_bytes && is_layout(&identity->layout);
}

static bool parse_shard(kvcore_bytes rank, kvstore_identity *identity) {
    kvcore_bytes ranks, group;
    uint64_t numbers[3];
    if (!split(&rank, ".", &group) || !split(&rank, "of", &ranks)) return false;
    if (!parse_number(rank, UINT16_MAX, &numbers[0]) || !parse_number(ranks, UINT16_MAX, &numbers[1]) ||
        !parse_number(group, UINT16_MAX, &numbers[2]))
        return false;
    identity->rank = (uint16_t)numbers[0];
    identity->ranks = (uint16_t)numbers[1];
    identity->group = (uint16_t)numbers[2];
    return numbers[0] < numbers[1];
}

static bool parse_space(kvcore_bytes *rest, kvstore_identity *identity) {
    kvcore_bytes tenant, model, layout, shard;
    if (!take_segment(rest, &tenant) || !take_segment(rest, &model) || !take_segment(rest, &layout) ||
        !take_segment(rest, &shard))
        return false;
    if (is_dash(tenant))
        tenant.size_bytes = 0;
    else if (!is_segment(tenant))
        return false;
    identity->tenant = tenant;
    return parse_lower_hex(model, identity->model.bytes, sizeof identity->model.bytes) &&
           parse_layout(layout, identity) && parse_shard(shard, identity);
}

bool kvstore_space_path_parse(kvcore_bytes path, kvstore_identity *identity) {
    kvstore_identity found;
    if (path.data == NULL || identity == NULL || !parse_space(&path, &found) || path.data != NULL) return false;
    *identity = found;
    return true;
}

static bool take_front(kvcore_bytes *text, kvcore_bytes front) {
    if (text->data == NULL || text->size_bytes < front.size_bytes) return false;
    if (front.size_bytes > 0 && memcmp(text->data, front.data, front.size_bytes) != 0) return false;
    *text = (kvcore_bytes){(const char *)text->data + front.size_bytes, text->size_bytes - front.size_bytes};
    return true;
}

bool kvstore_block_key_parse(kvcore_bytes prefix, kvcore_bytes key, kvstore_identity *identity, kvhash_plh *name) {
    if (identity == NULL || name == NULL || !take_front(&key, prefix)) return false;
    if (!take_front(&key, kvcore_text(prefix.size_bytes > 0 ? "/v1/" : "v1/"))) return false;
    kvstore_identity found;
    kvcore_bytes fan, block;
    uint8_t fan_byte, bytes[KVHASH_PLH_BYTES];
    kvhash_plh plh;
    if (!parse_space(&key, &found) || !take_segment(&key, &fan) || !take_segment(&key, &block) || key.data != NULL)
        return false;
    if (!parse_lower_hex(fan, &fan_byte, 1) || !parse_lower_hex(block, bytes, sizeof bytes)) return false;
    if (kvhash_plh_decode(bytes, &plh) != KVCORE_OK || kvstore_fan(plh) != fan_byte) return false;
    *identity = found;
    *name = plh;
    return true;
}

kvcore_status kvstore_wombat_key(kvcore_bytes prefix, kvcore_bytes name_space, int kind, const kvcore_hash256 *hash,
                                 char *text, size_t capacity, size_t *length) {
    if (hash == NULL || length == NULL || (text == NULL && capacity > 0)) return KVCORE_EINVAL;
    if (kind != KVSTORE_WOMBAT_BLOCK && kind != KVSTORE_WOMBAT_RAW_TAIL) return KVCORE_EINVAL;
    if (prefix.size_bytes == 0) return KVCORE_ECONFIG;
    writer to = {text, capacity, 0};
    put_bytes(&to, prefix);
    put_text(&to, "/");
    put_bytes(&to, name_space);
    if (name_space.size_bytes > 0) put_text(&to, "/");
    put_text(&to, kind == KVSTORE_WOMBAT_BLOCK ? "wombatkv/v1/block/b3=" : "wombatkv/v1/sidecar/raw_tail/b3=");
    put_hex(&to, hash->bytes, sizeof hash->bytes);
    return finish(&to, length);
}

bool kvstore_wombat_key_parse(kvcore_bytes key, kvcore_hash256 *hash) {
    static const char marker[] = "/wombatkv/v1/block/b3=";
    const size_t length = sizeof marker - 1;
    const char *text = key.data;
    if (hash == NULL) return false;
    for (size_t i = 0; text != NULL && i + length <= key.size_bytes; i++) {
        if (memcmp(text + i, marker, length) != 0) continue;
        size_t digits = key.size_bytes - i - length;
        return digits == 64 && kvcore_hex_decode(text + i + length, digits, hash->bytes) == KVCORE_OK;
    }
    return false;
}

kvcore_status kvstore_dynamo_key(int32_t rank, kvhash_plh name, char *text, size_t capacity, size_t *length) {
    if (length == NULL || (text == NULL && capacity > 0)) return KVCORE_EINVAL;
    writer to = {text, capacity, 0};
    char display[KVHASH_PLH_TEXT_BYTES];
    if (rank >= 0) {
        put_number(&to, (uint64_t)rank);
        put_text(&to, "/");
    }
    put(&to, display, kvhash_plh_format(name, display));
    return finish(&to, length);
}

bool kvstore_dynamo_key_parse(kvcore_bytes key, int32_t *rank, kvhash_plh *name) {
    uint64_t number = 0;
    if (key.data == NULL || rank == NULL || name == NULL) return false;
    const char *slash = memchr(key.data, '/', key.size_bytes);
    if (slash != NULL) {
        size_t front = (size_t)(slash - (const char *)key.data);
        if (!parse_number((kvcore_bytes){key.data, front}, INT32_MAX, &number)) return false;
        key = (kvcore_bytes){slash + 1, key.size_bytes - front - 1};
    }
    kvhash_plh found;
    if (kvhash_plh_parse(key.data, key.size_bytes, &found) != KVCORE_OK) return false;
    *rank = slash == NULL ? -1 : (int32_t)number;
    *name = found;
    return true;
}
