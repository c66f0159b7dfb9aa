/* The two orders of terms, and sorting by them. */
#include <kvcontent/term.h>
#include <kvcore/bytes.h>
#include <kvcore/sort.h>

#include "term_node.h"

static int three_way(uint64_t a, uint64_t b) { return (a > b) - (a < b); }

/* Unsigned numbers, little-endian, without leading zeros. */
static int compare_magnitudes(const uint8_t *a, size_t a_bytes, const uint8_t *b, size_t b_bytes) {
    if (a_bytes != b_bytes) return a_bytes < b_bytes ? -1 : 1;
    for (size_t i = a_bytes; i-- > 0;)
        if (a[i] != b[i]) return a[i] < b[i] ? -1 : 1;
    return 0;
}

static int compare_integers(const kvcontent_terms *terms, const term_node *a, const term_node *b) {
    if (a->negative != b->negative) return a->negative ? -1 : 1;
    int order = compare_magnitudes(term_bytes(terms, a), a->count, term_bytes(terms, b), b->count);
    return a->negative ? -order : order;
}

/* |float| as an exact integer part, little-endian, and whether something is left behind the point. */
typedef struct parts_of_float {
    bool negative;
    bool fraction;
    size_t size_bytes;
    uint8_t magnitude[136]; /* 2^1024 needs 128; a shifted 64-bit store reaches further */
} parts_of_float;

static parts_of_float take_apart(const uint8_t bytes[8]) {
    uint64_t bits = kvcore_load_be64(bytes);
    int exponent = (int)(bits >> 52 & 0x7FF);
    uint64_t mantissa = bits & ((UINT64_C(1) << 52) - 1);
    if (exponent > 0)
        mantissa |= UINT64_C(1) << 52;
    else
        exponent = 1;
    exponent -= 1075; /* the value is mantissa · 2^exponent */
    parts_of_float parts = {.negative = bits >> 63 != 0};
    if (exponent < 0) {
        uint64_t whole = exponent > -64 ? mantissa >> -exponent : 0;
        parts.fraction = exponent > -64 ? (whole << -exponent) != mantissa : mantissa != 0;
        kvcore_store_le64(parts.magnitude, whole);
    } else {
        /* two steps, so that the mantissa (53 bits, at most 7 more) stays in one word */
        kvcore_store_le64(parts.magnitude + exponent / 8, mantissa << exponent % 8);
    }
    parts.size_bytes = sizeof parts.magnitude;
    while (parts.size_bytes > 0 && parts.magnitude[parts.size_bytes - 1] == 0) parts.size_bytes--;
    return parts;
}

/* By mathematical value, exact at any size. */
static int compare_integer_with_float(const kvcontent_terms *terms, const term_node *integer, const term_node *number) {
    parts_of_float parts = take_apart(term_bytes(terms, number));
    bool zero = parts.size_bytes == 0 && !parts.fraction;
    bool negative = parts.negative && !zero;
    if (integer->negative != negative) return integer->negative ? -1 : 1;
    int order = compare_magnitudes(term_bytes(terms, integer), integer->count, parts.magnitude, parts.size_bytes);
    if (order == 0 && parts.fraction) order = -1;
    return negative ? -order : order;
}

static int compare_floats(const kvcontent_terms *terms, const term_node *a, const term_node *b) {
    uint64_t bits[2] = {kvcore_load_be64(term_bytes(terms, a)), kvcore_load_be64(term_bytes(terms, b))};
    double left, right;
    memcpy(&left, &bits[0], sizeof left);
    memcpy(&right, &bits[1], sizeof right);
    return (left > right) - (left < right);
}

static int compare_numbers(const kvcontent_terms *terms, const term_node *a, const term_node *b, bool exact) {
    if (a->kind == b->kind)
        return a->kind == NODE_INTEGER ? compare_integers(terms, a, b) : compare_floats(terms, a, b);
    if (exact) return a->kind == NODE_INTEGER ? -1 : 1;
    return a->kind == NODE_INTEGER ? compare_integer_with_float(terms, a, b) : -compare_integer_with_float(terms, b, a);
}

static uint64_t bit_count(const term_node *bits) {
    return bits->count == 0 ? 0 : ((uint64_t)bits->count - 1) * 8 + bits->last_bits;
}

static int compare_bits(const kvcontent_terms *terms, const term_node *a, const term_node *b) {
    const uint8_t *left = term_bytes(terms, a), *right = term_bytes(terms, b);
    uint64_t a_bits = bit_count(a), b_bits = bit_count(b), common = a_bits < b_bits ? a_bits : b_bits;
    int order = common >= 8 ? memcmp(left, right, (size_t)(common / 8)) : 0;
    if (order == 0 && common % 8 != 0) {
        unsigned mask = 0xFF00u >> common % 8;
        order = (int)(left[common / 8] & mask) - (int)(right[common / 8] & mask);
    }
    return order != 0 ? order : three_way(a_bits, b_bits);
}

/* Integers and floats have one place in the standard order. */
static int place_of(const term_node *node) { return node->kind == NODE_FLOAT ? NODE_INTEGER : node->kind; }

/* What can be said without looking at children; 0 when nothing differs so far. */
static int compare_shallow(const kvcontent_terms *terms, const term_node *a, const term_node *b, bool exact) {
    if (place_of(a) != place_of(b)) return place_of(a) - place_of(b);
    switch ((node_kind)a->kind) {
    case NODE_INTEGER:
    case NODE_FLOAT: return compare_numbers(terms, a, b, exact);
    case NODE_ATOM:
        return kvcore_bytes_compare((kvcore_bytes){term_bytes(terms, a), a->count},
                                    (kvcore_bytes){term_bytes(terms, b), b->count});
    case NODE_BITS: return compare_bits(terms, a, b);
    case NODE_TUPLE:
    case NODE_MAP: return three_way(a->count, b->count);
    case NODE_FUNCTION:
    case NODE_NIL:
    case NODE_LIST: break;
    }
    return 0;
}

/* The next two children to compare; false at the end. *order is set when a missing child decides. */
static bool next_pair(const kvcontent_terms *terms, term_frame *frame, uint32_t *a, uint32_t *b, bool *exact,
                      int *order) {
    const term_node *left = term_at(terms, frame->a), *right = term_at(terms, frame->b);
    const uint32_t *from = terms->children + left->start, *with = terms->children + right->start;
    uint64_t at = frame->next++;
    *exact = frame->exact;
    if (left->kind == NODE_MAP) { /* all keys first, then all values */
        if (at >= 2 * (uint64_t)left->count) return false;
        bool key = at < left->count;
        size_t place = key ? 2 * (size_t)at : 2 * (size_t)(at - left->count) + 1;
        *exact = frame->exact || key;
        *a = from[place], *b = with[place];
        return true;
    }
    if (left->kind == NODE_LIST) {
        bool left_ends = at >= left->count, right_ends = at >= right->count;
        if (left_ends != right_ends || (left_ends && left->improper != right->improper)) {
            /* a tail against more elements, or against []: decided by kind, as no tail is a list */
            int left_place = !left_ends ? NODE_LIST : left->improper ? place_of(term_at(terms, from[at])) : NODE_NIL;
            int right_place = !right_ends ? NODE_LIST : right->improper ? place_of(term_at(terms, with[at])) : NODE_NIL;
            *order = left_place - right_place;
            return false;
        }
        if (at >= (uint64_t)left->count + left->improper) return false;
    } else if (at >= left->count) {
        return false;
    }
    *a = from[at], *b = with[at];
    return true;
}

int kvcontent__term_order(kvcontent_terms *terms, uint32_t a, uint32_t b, bool exact) {
    size_t depth = 0;
    for (;;) {
        /* look at a and b; if they are equal so far and have children, go into them */
        if (a != b) {
            const term_node *left = term_at(terms, a);
            int order = compare_shallow(terms, left, term_at(terms, b), exact);
            if (order != 0) return order;
            if (left->depth > 0) terms->frames[depth++] = (term_frame){a, b, 0, exact};
        }
        int order = 0;
        while (depth > 0 && !next_pair(terms, &terms->frames[depth - 1], &a, &b, &exact, &order)) {
            if (order != 0) return order;
            depth--;
        }
        if (depth == 0) return 0;
    }
}

static kvcore_status compare(kvcontent_terms *terms, kvcontent_term a, kvcontent_term b, bool exact, int *order) {
    if (terms == NULL || order == NULL) return KVCORE_EINVAL;
    if (!term_known(terms, a) || !term_known(terms, b)) return KVCORE_EINVAL;
    *order = kvcontent__term_order(terms, a.number, b.number, exact);
    return KVCORE_OK;
}

kvcore_status kvcontent_term_compare(kvcontent_terms *terms, kvcontent_term a, kvcontent_term b, int *order) {
    return compare(terms, a, b, false, order);
}

kvcore_status kvcontent_term_compare_exact(kvcontent_terms *terms, kvcontent_term a, kvcontent_term b, int *order) {
    return compare(terms, a, b, true, order);
}

typedef struct index_list {
    kvcontent_terms *terms;
    const term_sorting *by;
    uint32_t *order;
} index_list;

static bool comes_before(void *ctx, size_t a, size_t b) {
    const index_list *list = ctx;
    const term_sorting *by = list->by;
    uint32_t left = list->order[a], right = list->order[b];
    int order = kvcontent__term_order(list->terms, by->items[left].number, by->items[right].number, by->exact);
    if (order == 0 && by->ties != NULL)
        order = kvcontent__term_order(list->terms, by->ties[left].number, by->ties[right].number, true);
    return order != 0 ? order < 0 : left < right;
}

static void swap_indices(void *ctx, size_t a, size_t b) {
    uint32_t *order = ((const index_list *)ctx)->order, moved = order[a];
    order[a] = order[b];
    order[b] = moved;
}

void kvcontent__term_sort_indices(kvcontent_terms *terms, const term_sorting *by, uint32_t count, uint32_t *order) {
    for (uint32_t i = 0; i < count; i++) order[i] = i;
    index_list list = {terms, by, order};
    kvcore_sort(&(kvcore_sorting){&list, comes_before, swap_indices}, count);
}

kvcore_status kvcontent_term_sort(kvcontent_terms *terms, const kvcontent_term *items, uint32_t count,
                                  uint32_t *order) {
    if (terms == NULL || (count > 0 && (items == NULL || order == NULL))) return KVCORE_EINVAL;
    for (uint32_t i = 0; i < count; i++)
        if (!term_known(terms, items[i])) return KVCORE_EINVAL;
    kvcontent__term_sort_indices(terms, &(term_sorting){.items = items}, count, order);
    return KVCORE_OK;
}
