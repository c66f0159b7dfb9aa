/* How a builder keeps its terms. Private to content.
 *
 * Words: a *node* is one term; its *children* are node numbers in one common array; its *bytes* lie in another. Numbers start
 * at 1. Children are always made before what holds them, so there are no cycles. */
#ifndef KVCONTENT_TERM_NODE_H
#define KVCONTENT_TERM_NODE_H

#include <kvcontent/term.h>
#include <kvcore/digest.h>

/* In the standard order; integers and floats share the first place. */
typedef enum node_kind {
    NODE_INTEGER,  /* bytes: magnitude, little-endian, no leading zeros */
    NODE_FLOAT,    /* bytes: IEEE 754, big-endian */
    NODE_ATOM,     /* bytes: UTF-8 */
    NODE_FUNCTION, /* children: module, function, arity */
    NODE_TUPLE,    /* children: elements */
    NODE_MAP, /* children: key, value, … in exact key order; then, if order_given, all of them again in that order */
    NODE_NIL,
    NODE_LIST, /* children: elements, then the tail if improper */
    NODE_BITS  /* bytes: rounded up, unused low bits 0 */
} node_kind;

typedef struct term_node {
    uint8_t kind;
    bool negative;        /* integer */
    bool byte_list;       /* list: proper, 1 to 65535 integers of 0 … 255 */
    bool improper;        /* list */
    bool order_given;     /* map */
    bool has_atom;        /* it is one, or there is one in it */
    uint8_t last_bits;    /* bits: used bits of the last byte, 1 … 8 */
    uint8_t refused;      /* 1 << profile: a profile that has no one form for it or for something in it */
    uint16_t characters;  /* atom */
    bool latin1;          /* atom: no character past U+00FF */
    uint32_t count;       /* bytes; or elements; or pairs */
    uint32_t depth;       /* 0 for a leaf, else 1 + the deepest child's */
    size_t start;         /* into bytes or children */
    uint64_t size_utf8;   /* encoded, without the 131 */
    uint64_t size_latin1; /* the same under OTP25 */
} term_node;

/* A place in a term that is being walked: a and b in step (only a when encoding). */
typedef struct term_frame {
    uint32_t a, b;
    uint64_t next;
    bool exact;
} term_frame;

struct kvcontent_terms {
    kvcore_allocator allocator;
    term_node *nodes;
    size_t node_count, node_capacity;
    uint32_t *children;
    size_t child_count, child_capacity;
    uint8_t *bytes;
    size_t byte_count, byte_capacity;
    term_frame *frames; /* one more than the deepest node asks for: walking never allocates */
    size_t frame_capacity;
};

/* What a builder held at some moment, to go back to. */
typedef struct term_mark {
    size_t node_count, child_count, byte_count;
} term_mark;

static inline term_mark term_mark_of(const kvcontent_terms *terms) {
    return (term_mark){terms->node_count, terms->child_count, terms->byte_count};
}

static inline void term_go_back(kvcontent_terms *terms, term_mark mark) {
    terms->node_count = mark.node_count;
    terms->child_count = mark.child_count;
    terms->byte_count = mark.byte_count;
}

static inline bool term_known(const kvcontent_terms *terms, kvcontent_term term) {
    return term.number != 0 && term.number <= terms->node_count;
}

static inline const term_node *term_at(const kvcontent_terms *terms, uint32_t number) {
    return &terms->nodes[number - 1];
}

static inline const uint8_t *term_bytes(const kvcontent_terms *terms, const term_node *node) {
    return terms->bytes + node->start;
}

/* The value of an integer of 0 … 255, or −1 for every other term. */
static inline int term_byte_value(const kvcontent_terms *terms, uint32_t number) {
    const term_node *node = term_at(terms, number);
    if (node->kind != NODE_INTEGER || node->negative || node->count > 1) return -1;
    return node->count == 0 ? 0 : *term_bytes(terms, node);
}

/* Negative, 0 or positive. Both are known. Needs frames for the shallower one. */
int kvcontent__term_order(kvcontent_terms *terms, uint32_t a, uint32_t b, bool exact);

/* A stable ascending heap sort of indices by items in standard order; ties by `ties` in exact order if not NULL. With
 * `exact`, items in exact order. */
typedef struct term_sorting {
    const kvcontent_term *items;
    const kvcontent_term *ties;
    bool exact;
} term_sorting;
void kvcontent__term_sort_indices(kvcontent_terms *terms, const term_sorting *by, uint32_t count, uint32_t *order);

/* SHA-256 of the external form, never allocating but for OpenSSL's context. */
KVCORE_NODISCARD kvcore_status kvcontent__term_sha256(kvcontent_terms *terms, kvcontent_term term,
                                                      kvcontent_term_profile profile, kvcore_hash256 *hash);

#endif
