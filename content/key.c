#include <kvcontent/key.h>

#include "term_node.h"

kvcore_status kvcontent_payload_key(kvcontent_terms *terms, kvcontent_term payload, kvcontent_term_profile profile,
                                    kvcore_hash256 *key) {
    return kvcontent__term_sha256(terms, payload, profile, key);
}

kvcore_status kvcontent_blob_key(kvcontent_terms *terms, kvcontent_term step_key, kvcontent_term key_name,
                                 kvcontent_term_profile profile, kvcore_hash256 *key) {
    if (terms == NULL || key == NULL) return KVCORE_EINVAL;
    term_mark mark = term_mark_of(terms);
    const kvcontent_term elements[] = {step_key, key_name};
    kvcontent_term pair;
    kvcore_status status = kvcontent_term_tuple(terms, elements, 2, &pair);
    if (status == KVCORE_OK) status = kvcontent__term_sha256(terms, pair, profile, key);
    term_go_back(terms, mark);
    return status;
}

/* The key of {ref, _, key}; 0 for every other term. */
static uint32_t referenced_key(const kvcontent_terms *terms, kvcontent_term payload) {
    const term_node *node = term_at(terms, payload.number);
    if (node->kind != NODE_TUPLE || node->count != 3) return 0;
    const uint32_t *elements = terms->children + node->start;
    const term_node *first = term_at(terms, elements[0]);
    if (first->kind != NODE_ATOM || first->count != 3 || memcmp(term_bytes(terms, first), "ref", 3) != 0) return 0;
    return elements[2];
}

kvcore_status kvcontent_parameter_key(kvcontent_terms *terms, kvcontent_term payload, kvcontent_term_profile profile,
                                      kvcontent_term *key) {
    if (terms == NULL || key == NULL || !term_known(terms, payload)) return KVCORE_EINVAL;
    uint32_t referenced = referenced_key(terms, payload);
    if (referenced != 0) {
        key->number = referenced;
        return KVCORE_OK;
    }
    kvcore_hash256 hash;
    kvcore_status status = kvcontent__term_sha256(terms, payload, profile, &hash);
    if (status == KVCORE_OK) status = kvcontent_term_binary(terms, (kvcore_bytes){hash.bytes, sizeof hash.bytes}, key);
    return status;
}

static kvcore_status refuse(kvcore_error *error, kvcore_status status, size_t index, const char *what) {
    return kvcore_fail(error, &(kvcore_error){.code = status, .index = index}, "%s: %s", what,
                       kvcore_status_text(status));
}

/* ETF({module, name, arity, environment}) as a binary. */
static kvcore_status function_binary(kvcontent_terms *terms, const kvcontent_step_function *function,
                                     kvcontent_term_profile profile, kvcontent_term *binary) {
    kvcontent_term elements[] = {function->module, function->name, {0}, function->environment}, tuple;
    kvcore_status status = kvcontent_term_integer(terms, function->arity, &elements[2]);
    if (status == KVCORE_OK) status = kvcontent_term_tuple(terms, elements, 4, &tuple);
    if (status != KVCORE_OK) return status;
    uint64_t size = 0;
    status = kvcontent_term_encode(terms, tuple, profile, NULL, 0, &size);
    if (status != KVCORE_EBUFFER) return status;
    if (size > UINT32_MAX) return KVCORE_EOVERFLOW;
    void *bytes = kvcore_alloc(&terms->allocator, (size_t)size, 1, 1);
    if (bytes == NULL) return KVCORE_ENOMEM;
    status = kvcontent_term_encode(terms, tuple, profile, bytes, (size_t)size, &size);
    if (status == KVCORE_OK) status = kvcontent_term_binary(terms, (kvcore_bytes){bytes, (size_t)size}, binary);
    kvcore_free(&terms->allocator, bytes, (size_t)size, 1, 1);
    return status;
}

static bool is_kind(const kvcontent_terms *terms, kvcontent_term term, node_kind kind) {
    return term_known(terms, term) && term_at(terms, term.number)->kind == kind;
}

static kvcore_status implementation_binary(kvcontent_terms *terms, const kvcontent_step *step,
                                           kvcontent_term_profile profile, kvcontent_term *binary,
                                           kvcore_error *error) {
    if (step->module.number == 0) {
        const kvcontent_step_function *function = &step->function;
        bool list = is_kind(terms, function->environment, NODE_NIL) ||
                    (is_kind(terms, function->environment, NODE_LIST) &&
                     !term_at(terms, function->environment.number)->improper);
        if (!is_kind(terms, function->module, NODE_ATOM) || !is_kind(terms, function->name, NODE_ATOM) ||
            function->arity != 2 || !list)
            return kvcore_fail(
                error,
                &(kvcore_error){
                    .code = KVCORE_EINVAL, .index = KVCORE_NO_INDEX, .expected = 2, .actual = function->arity},
                "a step is a module or a function of arity 2; this one has arity %u", function->arity);
        kvcore_status status = function_binary(terms, function, profile, binary);
        return status == KVCORE_OK ? status : refuse(error, status, KVCORE_NO_INDEX, "function");
    }
    if (!is_kind(terms, step->module, NODE_ATOM))
        return refuse(error, KVCORE_EINVAL, KVCORE_NO_INDEX, "module is not an atom");
    const term_node *atom = term_at(terms, step->module.number);
    char text[4 * 255];
    size_t size = atom->count;
    if (size > 0) memcpy(text, term_bytes(terms, atom), size); /* the builder's memory may move while it grows */
    kvcore_status status = kvcontent_term_binary(terms, (kvcore_bytes){text, size}, binary);
    return status == KVCORE_OK ? status : refuse(error, status, KVCORE_NO_INDEX, "module");
}

/* Room for one list in work: handles, what they are sorted by, and the order. */
typedef struct work {
    kvcontent_term *items, *sorted;
    uint32_t *order;
    size_t capacity;
} work;

static kvcore_status begin_work(kvcontent_terms *terms, size_t count, work *made) {
    *made = (work){.capacity = count > 0 ? count : 1};
    if (count > UINT32_MAX) return KVCORE_EOVERFLOW;
    made->items = kvcore_alloc(&terms->allocator, made->capacity, sizeof(kvcontent_term), _Alignof(kvcontent_term));
    made->sorted = kvcore_alloc(&terms->allocator, made->capacity, sizeof(kvcontent_term), _Alignof(kvcontent_term));
    made->order = kvcore_alloc(&terms->allocator, made->capacity, sizeof(uint32_t), _Alignof(uint32_t));
    return made->items != NULL && made->sorted != NULL && made->order != NULL ? KVCORE_OK : KVCORE_ENOMEM;
}

static void end_work(kvcontent_terms *terms, work *old) {
    kvcore_free(&terms->allocator, old->items, old->capacity, sizeof(kvcontent_term), _Alignof(kvcontent_term));
    kvcore_free(&terms->allocator, old->sorted, old->capacity, sizeof(kvcontent_term), _Alignof(kvcontent_term));
    kvcore_free(&terms->allocator, old->order, old->capacity, sizeof(uint32_t), _Alignof(uint32_t));
}

static kvcore_status check_inputs(const kvcontent_terms *terms, const kvcontent_step *step, kvcore_error *error) {
    for (size_t i = 0; i < step->input_count; i++)
        if (!term_known(terms, step->inputs[i].name) || !term_known(terms, step->inputs[i].payload) ||
            (step->input_keys != NULL && !term_known(terms, step->input_keys[i])))
            return refuse(error, KVCORE_EINVAL, i, "input without a name or a payload");
    return KVCORE_OK;
}

/* The list of parameter keys, sorted by name. */
static kvcore_status input_list(kvcontent_terms *terms, const kvcontent_step *step, kvcontent_term_profile profile,
                                work *at, kvcontent_term *list, kvcore_error *error) {
    kvcore_status status = check_inputs(terms, step, error);
    if (status != KVCORE_OK) return status;
    size_t count = step->input_count;
    for (size_t i = 0; i < count; i++) at->items[i] = step->inputs[i].name;
    kvcontent__term_sort_indices(terms, &(term_sorting){.items = at->items, .ties = step->input_keys}, (uint32_t)count,
                                 at->order);
    for (size_t i = 0; i < count; i++) {
        status = kvcontent_parameter_key(terms, step->inputs[at->order[i]].payload, profile, &at->sorted[i]);
        if (status != KVCORE_OK) return refuse(error, status, at->order[i], "input");
    }
    status = kvcontent_term_list(terms, at->sorted, count, (kvcontent_term){0}, list);
    return status == KVCORE_OK ? status : refuse(error, status, KVCORE_NO_INDEX, "inputs");
}

static bool chosen(kvcontent_terms *terms, const kvcontent_step *step, kvcontent_term key) {
    for (size_t i = 0; i < step->cache_key_count; i++)
        if (kvcontent__term_order(terms, step->cache_keys[i].number, key.number, true) == 0) return true;
    return false;
}

/* The list of chosen options as pairs, sorted by key and value. */
static kvcore_status option_list(kvcontent_terms *terms, const kvcontent_step *step, work *at, kvcontent_term *list,
                                 kvcore_error *error) {
    for (size_t i = 0; i < step->cache_key_count; i++)
        if (!term_known(terms, step->cache_keys[i])) return refuse(error, KVCORE_EINVAL, i, "cache key");
    size_t count = 0;
    for (size_t i = 0; i < step->option_count; i++) {
        const kvcontent_term pair[] = {step->options[i].key, step->options[i].value};
        if (!term_known(terms, pair[0]) || !term_known(terms, pair[1]))
            return refuse(error, KVCORE_EINVAL, i, "option without a key or a value");
        if (!chosen(terms, step, pair[0])) continue;
        kvcore_status status = kvcontent_term_tuple(terms, pair, 2, &at->items[count++]);
        if (status != KVCORE_OK) return refuse(error, status, i, "option");
    }
    kvcontent__term_sort_indices(terms, &(term_sorting){.items = at->items}, (uint32_t)count, at->order);
    for (size_t i = 0; i < count; i++) at->sorted[i] = at->items[at->order[i]];
    kvcore_status status = kvcontent_term_list(terms, at->sorted, count, (kvcontent_term){0}, list);
    return status == KVCORE_OK ? status : refuse(error, status, KVCORE_NO_INDEX, "options");
}

static kvcore_status build_step(kvcontent_terms *terms, const kvcontent_step *step, kvcontent_term_profile profile,
                                kvcontent_term *term, kvcore_error *error) {
    work at;
    size_t most = step->input_count > step->option_count ? step->input_count : step->option_count;
    kvcore_status status = begin_work(terms, most, &at);
    if (status != KVCORE_OK) refuse(error, status, KVCORE_NO_INDEX, "step");
    kvcontent_term parts[3] = {{0}};
    if (status == KVCORE_OK) status = implementation_binary(terms, step, profile, &parts[0], error);
    if (status == KVCORE_OK) status = input_list(terms, step, profile, &at, &parts[1], error);
    if (status == KVCORE_OK) status = option_list(terms, step, &at, &parts[2], error);
    if (status == KVCORE_OK) {
        status = kvcontent_term_tuple(terms, parts, 3, term);
        if (status != KVCORE_OK) refuse(error, status, KVCORE_NO_INDEX, "step");
    }
    end_work(terms, &at);
    return status;
}

kvcore_status kvcontent_step_term(kvcontent_terms *terms, const kvcontent_step *step, kvcontent_term_profile profile,
                                  kvcontent_term *term, kvcore_error *error) {
    if (terms == NULL || step == NULL || term == NULL)
        return refuse(error, KVCORE_EINVAL, KVCORE_NO_INDEX, "terms, step or output is NULL");
    if ((unsigned)profile > KVCONTENT_TERM_OTP25) return refuse(error, KVCORE_EINVAL, KVCORE_NO_INDEX, "profile");
    term_mark mark = term_mark_of(terms);
    kvcore_status status = build_step(terms, step, profile, term, error);
    if (status != KVCORE_OK) term_go_back(terms, mark);
    return status;
}

kvcore_status kvcontent_step_key(kvcontent_terms *terms, const kvcontent_step *step, kvcontent_term_profile profile,
                                 kvcore_hash256 *key, kvcore_error *error) {
    if (terms == NULL || step == NULL || key == NULL)
        return refuse(error, KVCORE_EINVAL, KVCORE_NO_INDEX, "terms, step or output is NULL");
    term_mark mark = term_mark_of(terms);
    kvcontent_term term = {0};
    kvcore_status status = kvcontent_step_term(terms, step, profile, &term, error);
    if (status != KVCORE_OK) return status;
    status = kvcontent__term_sha256(terms, term, profile, key);
    term_go_back(terms, mark);
    return status == KVCORE_OK ? status : refuse(error, status, KVCORE_NO_INDEX, "step");
}
