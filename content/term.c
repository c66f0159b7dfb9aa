#include <kvcontent/term.h>

#include "term_node.h"

enum { REFUSED_OTP26 = 1 << KVCONTENT_TERM_OTP26, REFUSED_OTP25 = 1 << KVCONTENT_TERM_OTP25, MOST_SORTED_KEYS = 32 };

kvcore_status kvcontent_terms_create(const kvcore_allocator *allocator, kvcontent_terms **terms) {
    if (terms == NULL) return KVCORE_EINVAL;
    kvcore_allocator from = allocator != NULL ? *allocator : kvcore_allocator_libc();
    kvcontent_terms *made = kvcore_alloc(&from, 1, sizeof *made, _Alignof(kvcontent_terms));
    if (made == NULL) return KVCORE_ENOMEM;
    *made = (kvcontent_terms){.allocator = from};
    *terms = made;
    return KVCORE_OK;
}

void kvcontent_terms_destroy(kvcontent_terms *terms) {
    if (terms == NULL) return;
    kvcore_allocator from = terms->allocator;
    kvcore_free(&from, terms->nodes, terms->node_capacity, sizeof *terms->nodes, _Alignof(term_node));
    kvcore_free(&from, terms->children, terms->child_capacity, sizeof *terms->children, _Alignof(uint32_t));
    kvcore_free(&from, terms->bytes, terms->byte_capacity, 1, 1);
    kvcore_free(&from, terms->frames, terms->frame_capacity, sizeof *terms->frames, _Alignof(term_frame));
    kvcore_free(&from, terms, 1, sizeof *terms, _Alignof(kvcontent_terms));
}

void kvcontent_terms_clear(kvcontent_terms *terms) {
    if (terms != NULL) term_go_back(terms, (term_mark){0});
}

/* Room for `more` elements after the `count` there are; what is there keeps its place in a new array. */
static kvcore_status grow(kvcontent_terms *terms, void **array, size_t count, size_t *capacity, size_t more,
                          size_t size_bytes, size_t align_bytes) {
    size_t needed, room = *capacity > 0 ? *capacity : 64;
    if (__builtin_add_overflow(count, more, &needed)) return KVCORE_ENOMEM;
    if (needed <= *capacity && *array != NULL) return KVCORE_OK; /* there is always an array to point into */
    while (room < needed)
        if (__builtin_mul_overflow(room, (size_t)2, &room)) return KVCORE_ENOMEM;
    void *larger = kvcore_alloc(&terms->allocator, room, size_bytes, align_bytes);
    if (larger == NULL) return KVCORE_ENOMEM;
    if (count > 0) memcpy(larger, *array, count * size_bytes);
    kvcore_free(&terms->allocator, *array, *capacity, size_bytes, align_bytes);
    *array = larger;
    *capacity = room;
    return KVCORE_OK;
}

static kvcore_status reserve_children(kvcontent_terms *terms, size_t more) {
    return grow(terms, (void **)&terms->children, terms->child_count, &terms->child_capacity, more, sizeof(uint32_t),
                _Alignof(uint32_t));
}

/* The last step of making a term: a node over the bytes or children that stand at its start already. */
static kvcore_status add_node(kvcontent_terms *terms, const term_node *node, kvcontent_term *term) {
    if (terms->node_count >= UINT32_MAX - 1) return KVCORE_EOVERFLOW;
    if (node->size_utf8 == UINT64_MAX || node->size_latin1 == UINT64_MAX) return KVCORE_EOVERFLOW;
    kvcore_status status = grow(terms, (void **)&terms->nodes, terms->node_count, &terms->node_capacity, 1,
                                sizeof(term_node), _Alignof(term_node));
    if (status == KVCORE_OK)
        status = grow(terms, (void **)&terms->frames, 0, &terms->frame_capacity, (size_t)node->depth + 1,
                      sizeof(term_frame), _Alignof(term_frame));
    if (status != KVCORE_OK) return status;
    terms->nodes[terms->node_count++] = *node;
    term->number = (uint32_t)terms->node_count;
    return KVCORE_OK;
}

static kvcore_status add_leaf(kvcontent_terms *terms, term_node *node, const void *bytes, size_t size_bytes,
                              kvcontent_term *term) {
    kvcore_status status =
        grow(terms, (void **)&terms->bytes, terms->byte_count, &terms->byte_capacity, size_bytes, 1, 1);
    if (status != KVCORE_OK) return status;
    node->start = terms->byte_count;
    node->count = (uint32_t)size_bytes;
    status = add_node(terms, node, term);
    if (status != KVCORE_OK) return status;
    if (size_bytes > 0) memcpy(terms->bytes + terms->byte_count, bytes, size_bytes);
    terms->byte_count += size_bytes;
    return KVCORE_OK;
}

static uint64_t sum(uint64_t a, uint64_t b) { return a > UINT64_MAX - b ? UINT64_MAX : a + b; }

/* Adds a child to the sizes and depth of what holds it. */
static void count_child(const kvcontent_terms *terms, term_node *node, uint32_t number) {
    const term_node *child = term_at(terms, number);
    node->size_utf8 = sum(node->size_utf8, child->size_utf8);
    node->size_latin1 = sum(node->size_latin1, child->size_latin1);
    node->refused |= child->refused;
    node->has_atom |= child->has_atom;
    if (child->depth >= node->depth) node->depth = child->depth + 1;
}

static bool all_known(const kvcontent_terms *terms, const kvcontent_term *items, size_t count) {
    if (items == NULL && count > 0) return false;
    for (size_t i = 0; i < count; i++)
        if (!term_known(terms, items[i])) return false;
    return true;
}

/* The length of the UTF-8 sequence at `at` of `left` bytes, its code point in *character; 0 when it is none. */
static size_t utf8_step(const uint8_t *at, size_t left, uint32_t *character) {
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t length = at[0] < 0x80 ? 1 : at[0] >> 5 == 6 ? 2 : at[0] >> 4 == 14 ? 3 : at[0] >> 3 == 30 ? 4 : 0;
    if (length == 0 || length > left) return 0;
    uint32_t value = length == 1 ? at[0] : at[0] & (0x7Fu >> length);
    for (size_t i = 1; i < length; i++) {
        if (at[i] >> 6 != 2) return 0;
        value = value << 6 | (at[i] & 0x3F);
    }
    if (value < least[length] || value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF)) return 0;
    *character = value;
    return length;
}

kvcore_status kvcontent_term_atom(kvcontent_terms *terms, kvcore_bytes text, kvcontent_term *term) {
    if (terms == NULL || term == NULL || (text.data == NULL && text.size_bytes > 0)) return KVCORE_EINVAL;
    const uint8_t *from = text.data;
    size_t characters = 0;
    term_node node = {.kind = NODE_ATOM, .has_atom = true, .latin1 = true};
    for (size_t i = 0, length; i < text.size_bytes; i += length, characters++) {
        uint32_t character = 0;
        length = utf8_step(from + i, text.size_bytes - i, &character);
        if (length == 0) return KVCORE_EFORMAT;
        if (characters == 255) return KVCORE_EOVERFLOW;
        if (character > 0xFF) node.latin1 = false;
    }
    node.characters = (uint16_t)characters;
    node.size_utf8 = text.size_bytes + (text.size_bytes <= 255 ? 2 : 3);
    node.size_latin1 = node.latin1 ? characters + 3 : node.size_utf8;
    return add_leaf(terms, &node, text.data, text.size_bytes, term);
}

kvcore_status kvcontent_term_integer(kvcontent_terms *terms, int64_t value, kvcontent_term *term) {
    uint8_t magnitude[8];
    kvcore_store_le64(magnitude, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
    return kvcontent_term_big_integer(terms, value < 0, (kvcore_bytes){magnitude, sizeof magnitude}, term);
}

/* Does it fit INTEGER_EXT, −2^31 … 2^31 − 1? */
static bool fits_int32(bool negative, const uint8_t *magnitude, size_t size_bytes) {
    uint32_t value = 0;
    if (size_bytes > 4) return false;
    for (size_t i = 0; i < size_bytes; i++) value |= (uint32_t)magnitude[i] << 8 * i;
    return value <= UINT32_C(0x7FFFFFFF) + negative;
}

kvcore_status kvcontent_term_big_integer(kvcontent_terms *terms, bool negative, kvcore_bytes magnitude,
                                         kvcontent_term *term) {
    if (terms == NULL || term == NULL || (magnitude.data == NULL && magnitude.size_bytes > 0)) return KVCORE_EINVAL;
    const uint8_t *from = magnitude.data;
    size_t size = magnitude.size_bytes;
    while (size > 0 && from[size - 1] == 0) size--;
    if (size > UINT32_MAX) return KVCORE_EOVERFLOW;
    term_node node = {.kind = NODE_INTEGER, .negative = negative && size > 0};
    if (size <= 1 && !node.negative)
        node.size_utf8 = 2;
    else if (fits_int32(negative, from, size))
        node.size_utf8 = 5;
    else
        node.size_utf8 = size + (size <= 255 ? 3 : 6);
    node.size_latin1 = node.size_utf8;
    return add_leaf(terms, &node, from, size, term);
}

kvcore_status kvcontent_term_float(kvcontent_terms *terms, double value, kvcontent_term *term) {
    if (terms == NULL || term == NULL) return KVCORE_EINVAL;
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    if ((bits >> 52 & 0x7FF) == 0x7FF) return KVCORE_EINVAL;
    uint8_t bytes[8];
    kvcore_store_be64(bytes, bits);
    term_node node = {.kind = NODE_FLOAT, .size_utf8 = 9, .size_latin1 = 9};
    return add_leaf(terms, &node, bytes, sizeof bytes, term);
}

kvcore_status kvcontent_term_binary(kvcontent_terms *terms, kvcore_bytes bytes, kvcontent_term *term) {
    if (terms == NULL || term == NULL || (bytes.data == NULL && bytes.size_bytes > 0)) return KVCORE_EINVAL;
    if (bytes.size_bytes > UINT32_MAX) return KVCORE_EOVERFLOW;
    term_node node = {.kind = NODE_BITS, .last_bits = 8, .size_utf8 = 5 + (uint64_t)bytes.size_bytes};
    node.size_latin1 = node.size_utf8;
    return add_leaf(terms, &node, bytes.data, bytes.size_bytes, term);
}

kvcore_status kvcontent_term_bits(kvcontent_terms *terms, const void *bytes, uint64_t bit_count, kvcontent_term *term) {
    if (terms == NULL || term == NULL || (bytes == NULL && bit_count > 0)) return KVCORE_EINVAL;
    uint64_t size = bit_count / 8 + (bit_count % 8 != 0);
    if (size > UINT32_MAX) return KVCORE_EOVERFLOW;
    unsigned rest = bit_count % 8;
    if (rest == 0) return kvcontent_term_binary(terms, (kvcore_bytes){bytes, (size_t)size}, term);
    term_node node = {.kind = NODE_BITS, .last_bits = (uint8_t)rest, .size_utf8 = 6 + size, .size_latin1 = 6 + size};
    kvcore_status status = add_leaf(terms, &node, bytes, (size_t)size, term);
    if (status == KVCORE_OK) terms->bytes[terms->byte_count - 1] &= (uint8_t)(0xFF << (8 - rest));
    return status;
}

kvcore_status kvcontent_term_tuple(kvcontent_terms *terms, const kvcontent_term *elements, size_t count,
                                   kvcontent_term *term) {
    if (terms == NULL || term == NULL) return KVCORE_EINVAL;
    if (!all_known(terms, elements, count)) return KVCORE_EINVAL;
    if (count > UINT32_MAX) return KVCORE_EOVERFLOW;
    kvcore_status status = reserve_children(terms, count);
    if (status != KVCORE_OK) return status;
    term_node node = {.kind = NODE_TUPLE, .count = (uint32_t)count, .start = terms->child_count};
    node.size_utf8 = node.size_latin1 = count <= 255 ? 2 : 5;
    for (size_t i = 0; i < count; i++) {
        terms->children[terms->child_count + i] = elements[i].number;
        count_child(terms, &node, elements[i].number);
    }
    status = add_node(terms, &node, term);
    if (status == KVCORE_OK) terms->child_count += count;
    return status;
}

/* Sizes and byte-list form of a list whose children stand at the end already. */
static void measure_list(const kvcontent_terms *terms, term_node *node) {
    const uint32_t *children = terms->children + node->start;
    node->byte_list = !node->improper && node->count <= UINT16_MAX;
    for (size_t i = 0; i < (size_t)node->count + node->improper; i++) {
        count_child(terms, node, children[i]);
        if (node->byte_list && term_byte_value(terms, children[i]) < 0) node->byte_list = false;
    }
    uint64_t more = node->improper ? 5 : 6;
    node->size_utf8 = node->byte_list ? 3 + (uint64_t)node->count : sum(node->size_utf8, more);
    node->size_latin1 = node->byte_list ? node->size_utf8 : sum(node->size_latin1, more);
}

kvcore_status kvcontent_term_list(kvcontent_terms *terms, const kvcontent_term *elements, size_t count,
                                  kvcontent_term tail, kvcontent_term *term) {
    if (terms == NULL || term == NULL) return KVCORE_EINVAL;
    if (!all_known(terms, elements, count) || (tail.number != 0 && !term_known(terms, tail))) return KVCORE_EINVAL;
    if (count == 0 && tail.number != 0) {
        *term = tail;
        return KVCORE_OK;
    }
    if (count == 0) return add_node(terms, &(term_node){.kind = NODE_NIL, .size_utf8 = 1, .size_latin1 = 1}, term);

    /* a tail that is a list is continued: its children, and its own tail, are taken over */
    const uint32_t *more = NULL;
    size_t more_start = 0, more_count = 0, total;
    bool improper = false;
    if (tail.number != 0) {
        const term_node *node = term_at(terms, tail.number);
        if (node->kind == NODE_LIST) {
            improper = node->improper;
            more_start = node->start;
            more_count = (size_t)node->count + improper;
        } else if (node->kind != NODE_NIL) {
            improper = true;
            more = &tail.number;
            more_count = 1;
        }
    }
    if (__builtin_add_overflow(count, more_count, &total) || total - improper > UINT32_MAX) return KVCORE_EOVERFLOW;
    kvcore_status status = reserve_children(terms, total);
    if (status != KVCORE_OK) return status;
    uint32_t *children = terms->children + terms->child_count;
    for (size_t i = 0; i < count; i++) children[i] = elements[i].number;
    if (more_count > 0)
        memcpy(children + count, more != NULL ? more : terms->children + more_start, more_count * sizeof *children);
    term_node node = {
        .kind = NODE_LIST, .count = (uint32_t)(total - improper), .improper = improper, .start = terms->child_count};
    measure_list(terms, &node);
    status = add_node(terms, &node, term);
    if (status == KVCORE_OK) terms->child_count += total;
    return status;
}

/* Which profiles have no one form for a map with these keys, when its order was not given. */
static uint8_t refused_profiles(const kvcontent_terms *terms, const kvcontent_term *keys, size_t count) {
    if (count > MOST_SORTED_KEYS) return REFUSED_OTP25 | REFUSED_OTP26;
    size_t atoms = 0;
    for (size_t i = 0; i < count; i++) atoms += term_at(terms, keys[i].number)->has_atom;
    return atoms > 1 ? REFUSED_OTP26 : 0;
}

kvcore_status kvcontent_term_map(kvcontent_terms *terms, const kvcontent_term *keys, const kvcontent_term *values,
                                 size_t count, bool order_given, kvcontent_term *term) {
    if (terms == NULL || term == NULL) return KVCORE_EINVAL;
    if (!all_known(terms, keys, count) || !all_known(terms, values, count)) return KVCORE_EINVAL;
    if (count > UINT32_MAX / 8) return KVCORE_EOVERFLOW;
    kvcore_status status = reserve_children(terms, 5 * count); /* sorted pairs, given pairs, indices while sorting */
    if (status != KVCORE_OK) return status;
    uint32_t *sorted = terms->children + terms->child_count, *given = sorted + 2 * count, *order = given + 2 * count;
    kvcontent__term_sort_indices(terms, &(term_sorting){.items = keys, .exact = true}, (uint32_t)count, order);
    term_node node = {.kind = NODE_MAP, .count = (uint32_t)count, .order_given = order_given};
    node.start = terms->child_count;
    node.size_utf8 = node.size_latin1 = 5;
    if (!order_given) node.refused = refused_profiles(terms, keys, count);
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && kvcontent__term_order(terms, keys[order[i - 1]].number, keys[order[i]].number, true) == 0)
            return KVCORE_EINVAL;
        sorted[2 * i] = keys[order[i]].number;
        sorted[2 * i + 1] = values[order[i]].number;
        given[2 * i] = keys[i].number;
        given[2 * i + 1] = values[i].number;
        count_child(terms, &node, keys[i].number);
        count_child(terms, &node, values[i].number);
    }
    status = add_node(terms, &node, term);
    if (status == KVCORE_OK) terms->child_count += (order_given ? 4 : 2) * count;
    return status;
}

kvcore_status kvcontent_term_function(kvcontent_terms *terms, kvcontent_term module, kvcontent_term function,
                                      uint32_t arity, kvcontent_term *term) {
    if (terms == NULL || term == NULL) return KVCORE_EINVAL;
    if (!term_known(terms, module) || !term_known(terms, function) || arity > 255) return KVCORE_EINVAL;
    if (term_at(terms, module.number)->kind != NODE_ATOM || term_at(terms, function.number)->kind != NODE_ATOM)
        return KVCORE_EINVAL;
    kvcore_status status = reserve_children(terms, 3);
    if (status != KVCORE_OK) return status;
    term_mark mark = term_mark_of(terms);
    kvcontent_term number;
    status = kvcontent_term_integer(terms, arity, &number);
    if (status != KVCORE_OK) return status;
    term_node node = {.kind = NODE_FUNCTION, .count = 3, .start = terms->child_count, .size_utf8 = 1, .size_latin1 = 1};
    const uint32_t parts[] = {module.number, function.number, number.number};
    for (size_t i = 0; i < 3; i++) {
        terms->children[terms->child_count + i] = parts[i];
        count_child(terms, &node, parts[i]);
    }
    status = add_node(terms, &node, term);
    if (status == KVCORE_OK)
        terms->child_count += 3;
    else
        term_go_back(terms, mark);
    return status;
}
