#include "msgpack.h"

#include <string.h>

/* What a first byte says: the type, the bytes of the number behind it, and a number that the byte itself holds. */
typedef struct lead {
    msgpack_type type;
    unsigned width;
    uint64_t value;
} lead;

static lead lead_of_fixed(uint8_t byte) {
    if (byte < 0x80) return (lead){MSGPACK_UNSIGNED, 0, byte};
    if (byte < 0x90) return (lead){MSGPACK_MAP, 0, byte & 0x0F};
    if (byte < 0xA0) return (lead){MSGPACK_ARRAY, 0, byte & 0x0F};
    if (byte < 0xC0) return (lead){MSGPACK_TEXT, 0, byte & 0x1F};
    return (lead){MSGPACK_NEGATIVE, 0, (uint64_t)(int64_t)(int8_t)byte};
}

static lead lead_of(uint8_t byte) {
    if (byte < 0xC0 || byte >= 0xE0) return lead_of_fixed(byte);
    if (byte < 0xC4) return (lead){byte == 0xC0 ? MSGPACK_NIL : MSGPACK_BOOL, 0, byte & 1};
    if (byte < 0xC7) return (lead){MSGPACK_BIN, 1U << (byte - 0xC4), 0};
    if (byte < 0xCA) return (lead){MSGPACK_EXT, 1U << (byte - 0xC7), 0};
    if (byte < 0xCC) return (lead){MSGPACK_FLOAT, byte == 0xCA ? 4 : 8, 0};
    if (byte < 0xD0) return (lead){MSGPACK_UNSIGNED, 1U << (byte - 0xCC), 0};
    if (byte < 0xD4) return (lead){MSGPACK_NEGATIVE, 1U << (byte - 0xD0), 0};
    if (byte < 0xD9) return (lead){MSGPACK_EXT, 0, UINT64_C(1) << (byte - 0xD4)};
    if (byte < 0xDC) return (lead){MSGPACK_TEXT, 1U << (byte - 0xD9), 0};
    if (byte < 0xDE) return (lead){MSGPACK_ARRAY, 2U << (byte - 0xDC), 0};
    return (lead){MSGPACK_MAP, 2U << (byte - 0xDE), 0};
}

static uint64_t load(const uint8_t *from, unsigned width) {
    switch (width) {
    case 1: return from[0];
    case 2: return kvcore_load_be16(from);
    case 4: return kvcore_load_be32(from);
    default: return kvcore_load_be64(from);
    }
}

static uint64_t extend_sign(uint64_t value, unsigned width) {
    unsigned shift = 64 - 8 * width;
    return (uint64_t)((int64_t)(value << shift) >> shift);
}

static double real_of(uint64_t bits, unsigned width) {
    uint32_t narrow = (uint32_t)bits;
    float small;
    double real;
    memcpy(&small, &narrow, sizeof small);
    memcpy(&real, &bits, sizeof real);
    return width == 4 ? (double)small : real;
}

/* What a head promises has to be there: an item has one byte at least. */
static bool keeps_promise(const msgpack_head *head, size_t left) {
    switch (head->type) {
    case MSGPACK_TEXT:
    case MSGPACK_BIN:
    case MSGPACK_ARRAY: return head->value <= left;
    case MSGPACK_EXT: return head->value < left; /* and its type */
    case MSGPACK_MAP: return head->value <= left / 2;
    default: return true;
    }
}

static void set_number(msgpack_head *head, unsigned width) {
    if (head->type == MSGPACK_FLOAT) {
        head->real = real_of(head->value, width);
    } else if (head->type == MSGPACK_NEGATIVE) {
        if (width != 0) head->value = extend_sign(head->value, width);
        if ((int64_t)head->value >= 0) head->type = MSGPACK_UNSIGNED;
    }
}

kvcore_status kvevents__msgpack_head(msgpack_cursor *cursor, msgpack_head *head) {
    if (cursor->at == cursor->end) return KVCORE_ETRUNCATED;
    if (*cursor->at == 0xC1) return KVEVENTS_EINVALID;
    lead first = lead_of(*cursor->at);
    size_t left = msgpack_left(cursor) - 1;
    if (first.width > left) return KVCORE_ETRUNCATED;
    *head = (msgpack_head){first.type, first.width == 0 ? first.value : load(cursor->at + 1, first.width), 0, NULL};
    left -= first.width;
    if (!keeps_promise(head, left)) return KVCORE_ETRUNCATED;
    set_number(head, first.width);
    cursor->at += 1 + first.width;
    if (head->type == MSGPACK_EXT) cursor->at++;
    head->data = cursor->at;
    if (head->type == MSGPACK_TEXT || head->type == MSGPACK_BIN || head->type == MSGPACK_EXT) cursor->at += head->value;
    return KVCORE_OK;
}

static bool is_container(const msgpack_head *head) { return head->type == MSGPACK_ARRAY || head->type == MSGPACK_MAP; }

static uint64_t items_of(const msgpack_head *head) {
    return !is_container(head) ? 0 : head->type == MSGPACK_MAP ? 2 * head->value : head->value;
}

kvcore_status kvevents__msgpack_skip_rest(msgpack_cursor *cursor, const msgpack_head *head, unsigned depth) {
    uint64_t open[MSGPACK_DEPTH + 1];
    unsigned level = depth + is_container(head);
    if (level > MSGPACK_DEPTH) return KVEVENTS_EDEPTH;
    const unsigned base = level;
    open[level] = items_of(head);
    for (;;) {
        while (open[level] == 0) {
            if (level-- == base) return KVCORE_OK;
        }
        open[level]--;
        msgpack_head item;
        kvcore_status status = kvevents__msgpack_head(cursor, &item);
        if (status != KVCORE_OK) return status;
        if (!is_container(&item)) continue;
        if (++level > MSGPACK_DEPTH) return KVEVENTS_EDEPTH;
        open[level] = items_of(&item);
    }
}

kvcore_status kvevents__msgpack_skip(msgpack_cursor *cursor, unsigned depth) {
    msgpack_head head;
    kvcore_status status = kvevents__msgpack_head(cursor, &head);
    return status != KVCORE_OK || !is_container(&head) ? status : kvevents__msgpack_skip_rest(cursor, &head, depth);
}

/* ---- text ---- */

/* Bytes of the character that begins here, 0 for none. */
static size_t character(const uint8_t *at, size_t left) {
    if (at[0] < 0x80) return 1;
    size_t length = at[0] < 0xC2 ? 0 : at[0] < 0xE0 ? 2 : at[0] < 0xF0 ? 3 : at[0] < 0xF5 ? 4 : 0;
    if (length == 0 || length > left) return 0;
    for (size_t i = 1; i < length; i++)
        if ((at[i] & 0xC0) != 0x80) return 0;
    /* too long a form, a surrogate, past the last plane */
    uint8_t second = at[1];
    bool wrong = (at[0] == 0xE0 && second < 0xA0) || (at[0] == 0xED && second > 0x9F) ||
                 (at[0] == 0xF0 && second < 0x90) || (at[0] == 0xF4 && second > 0x8F);
    return wrong ? 0 : length;
}

bool kvevents__utf8(kvcore_bytes text) {
    const uint8_t *at = text.data;
    size_t left = text.size_bytes;
    while (left > 0) {
        size_t length = character(at, left);
        if (length == 0) return false;
        at += length;
        left -= length;
    }
    return true;
}
