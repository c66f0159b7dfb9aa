/* The external term format. Lengths are big-endian, magnitudes little-endian. */
#include <kvcontent/term.h>

#include "term_node.h"

enum {
    TAG_VERSION = 131,
    TAG_FLOAT = 70,
    TAG_BITS = 77,
    TAG_SMALL_INTEGER = 97,
    TAG_INTEGER = 98,
    TAG_LATIN1_ATOM = 100,
    TAG_SMALL_TUPLE = 104,
    TAG_LARGE_TUPLE = 105,
    TAG_NIL = 106,
    TAG_BYTE_LIST = 107,
    TAG_LIST = 108,
    TAG_BINARY = 109,
    TAG_SMALL_BIG = 110,
    TAG_LARGE_BIG = 111,
    TAG_FUNCTION = 113,
    TAG_MAP = 116,
    TAG_ATOM = 118,
    TAG_SMALL_ATOM = 119
};

/* Where the bytes go: into memory that is large enough, or through a buffer into a hash. */
typedef struct sink {
    uint8_t *begin, *at, *end;
    kvcore_sha256_hasher *hasher; /* NULL: memory */
    kvcore_status status;
    bool latin1_atoms;
} sink;

static void flush(sink *to) {
    if (to->hasher != NULL && to->status == KVCORE_OK)
        to->status = kvcore_sha256_add(to->hasher, (kvcore_bytes){to->begin, (size_t)(to->at - to->begin)});
    to->at = to->begin;
}

static void put(sink *to, const void *bytes, size_t size_bytes) {
    if (size_bytes > (size_t)(to->end - to->at)) {
        flush(to);
        if (size_bytes > (size_t)(to->end - to->at)) { /* larger than the buffer: straight on */
            if (to->status == KVCORE_OK) to->status = kvcore_sha256_add(to->hasher, (kvcore_bytes){bytes, size_bytes});
            return;
        }
    }
    if (size_bytes > 0) memcpy(to->at, bytes, size_bytes);
    to->at += size_bytes;
}

static void put_byte(sink *to, unsigned value) {
    uint8_t byte = (uint8_t)value;
    put(to, &byte, 1);
}

static void put_tag16(sink *to, unsigned tag, unsigned value) {
    uint8_t bytes[3] = {(uint8_t)tag};
    kvcore_store_be16(bytes + 1, (uint16_t)value);
    put(to, bytes, sizeof bytes);
}

static void put_tag32(sink *to, unsigned tag, uint32_t value) {
    uint8_t bytes[5] = {(uint8_t)tag};
    kvcore_store_be32(bytes + 1, value);
    put(to, bytes, sizeof bytes);
}

static void put_integer(sink *to, const kvcontent_terms *terms, const term_node *node) {
    const uint8_t *magnitude = term_bytes(terms, node);
    if (node->size_utf8 == 2) {
        put_byte(to, TAG_SMALL_INTEGER);
        put_byte(to, node->count == 0 ? 0 : magnitude[0]);
    } else if (node->size_utf8 == 5) { /* a bignum of 5 bytes would have 2, and 2 always fit here */
        uint32_t value = 0;
        for (size_t i = 0; i < node->count; i++) value |= (uint32_t)magnitude[i] << 8 * i;
        put_tag32(to, TAG_INTEGER, node->negative ? 0 - value : value);
    } else {
        if (node->count <= 255) {
            put_byte(to, TAG_SMALL_BIG);
            put_byte(to, node->count);
        } else {
            put_tag32(to, TAG_LARGE_BIG, node->count);
        }
        put_byte(to, node->negative);
        put(to, magnitude, node->count);
    }
}

static void put_atom(sink *to, const kvcontent_terms *terms, const term_node *node) {
    const uint8_t *text = term_bytes(terms, node);
    if (to->latin1_atoms && node->latin1) {
        put_tag16(to, TAG_LATIN1_ATOM, node->characters);
        for (size_t i = 0; i < node->count; i++) {
            bool two = text[i] >= 0x80; /* U+0080 … U+00FF */
            put_byte(to, two ? (text[i] & 3u) << 6 | (text[i + 1] & 0x3Fu) : text[i]);
            i += two;
        }
        return;
    }
    if (node->count <= 255) {
        put_byte(to, TAG_SMALL_ATOM);
        put_byte(to, node->count);
    } else {
        put_tag16(to, TAG_ATOM, node->count);
    }
    put(to, text, node->count);
}

static void put_bits(sink *to, const kvcontent_terms *terms, const term_node *node) {
    put_tag32(to, node->last_bits == 8 ? TAG_BINARY : TAG_BITS, node->count);
    if (node->last_bits != 8) put_byte(to, node->last_bits);
    put(to, term_bytes(terms, node), node->count);
}

/* A leaf, or the front of what has children. Returns how many children follow. */
static uint64_t put_front(sink *to, const kvcontent_terms *terms, const term_node *node) {
    switch ((node_kind)node->kind) {
    case NODE_INTEGER: put_integer(to, terms, node); break;
    case NODE_FLOAT:
        put_byte(to, TAG_FLOAT);
        put(to, term_bytes(terms, node), node->count);
        break;
    case NODE_ATOM: put_atom(to, terms, node); break;
    case NODE_BITS: put_bits(to, terms, node); break;
    case NODE_NIL: put_byte(to, TAG_NIL); break;
    case NODE_FUNCTION: put_byte(to, TAG_FUNCTION); return 3;
    case NODE_TUPLE:
        if (node->count > 255) {
            put_tag32(to, TAG_LARGE_TUPLE, node->count);
        } else {
            put_byte(to, TAG_SMALL_TUPLE);
            put_byte(to, node->count);
        }
        return node->count;
    case NODE_MAP: put_tag32(to, TAG_MAP, node->count); return 2 * (uint64_t)node->count;
    case NODE_LIST:
        if (!node->byte_list) {
            put_tag32(to, TAG_LIST, node->count);
            return (uint64_t)node->count + node->improper;
        }
        put_tag16(to, TAG_BYTE_LIST, node->count);
        for (size_t i = 0; i < node->count; i++)
            put_byte(to, (unsigned)term_byte_value(terms, terms->children[node->start + i]));
        break;
    }
    return 0;
}

static void put_term(sink *to, kvcontent_terms *terms, uint32_t number) {
    size_t depth = 0;
    put_byte(to, TAG_VERSION);
    for (;;) {
        const term_node *node = term_at(terms, number);
        if (put_front(to, terms, node) > 0) terms->frames[depth++] = (term_frame){.a = number};
        for (;; depth--) { /* the next child of the innermost that has one left */
            if (depth == 0) return;
            term_frame *frame = &terms->frames[depth - 1];
            node = term_at(terms, frame->a);
            bool pairs = node->kind == NODE_MAP;
            size_t front = node->order_given ? 2 * (size_t)node->count : 0;
            if (frame->next < (pairs ? 2 : 1) * (uint64_t)node->count + node->improper) {
                number = terms->children[node->start + front + frame->next++];
                break;
            }
            if (node->kind == NODE_LIST && !node->improper) put_byte(to, TAG_NIL);
        }
        if (to->status != KVCORE_OK) return;
    }
}

static kvcore_status check(const kvcontent_terms *terms, kvcontent_term term, kvcontent_term_profile profile) {
    if (!term_known(terms, term) || (unsigned)profile > KVCONTENT_TERM_OTP25) return KVCORE_EINVAL;
    return term_at(terms, term.number)->refused >> profile & 1 ? KVCORE_ENOTSUP : KVCORE_OK;
}

kvcore_status kvcontent_term_encode(kvcontent_terms *terms, kvcontent_term term, kvcontent_term_profile profile,
                                    void *bytes, size_t capacity, uint64_t *size_bytes) {
    if (terms == NULL || size_bytes == NULL || (bytes == NULL && capacity > 0)) return KVCORE_EINVAL;
    kvcore_status status = check(terms, term, profile);
    if (status != KVCORE_OK) return status;
    const term_node *node = term_at(terms, term.number);
    bool latin1 = profile == KVCONTENT_TERM_OTP25;
    *size_bytes = 1 + (latin1 ? node->size_latin1 : node->size_utf8);
    if (*size_bytes > capacity) return KVCORE_EBUFFER;
    sink to = {.begin = bytes, .at = bytes, .end = (uint8_t *)bytes + capacity, .latin1_atoms = latin1};
    put_term(&to, terms, term.number);
    return KVCORE_OK;
}

kvcore_status kvcontent__term_sha256(kvcontent_terms *terms, kvcontent_term term, kvcontent_term_profile profile,
                                     kvcore_hash256 *hash) {
    if (terms == NULL || hash == NULL) return KVCORE_EINVAL;
    kvcore_status status = check(terms, term, profile);
    if (status != KVCORE_OK) return status;
    kvcore_sha256_hasher hasher;
    status = kvcore_sha256_begin(&hasher);
    if (status != KVCORE_OK) return status;
    uint8_t buffer[1024];
    sink to = {buffer, buffer, buffer + sizeof buffer, &hasher, KVCORE_OK, profile == KVCONTENT_TERM_OTP25};
    put_term(&to, terms, term.number);
    flush(&to);
    status = to.status == KVCORE_OK ? kvcore_sha256_end(&hasher, hash) : to.status;
    kvcore_sha256_drop(&hasher);
    return status;
}
