#include "trace.h"

#include "memory.h"

kvcore_status kvanswers_trace_create(const kvcore_allocator *given, kvanswers_trace **trace) {
    if (trace == NULL) return KVCORE_EINVAL;
    kvcore_allocator allocator = allocator_or_libc(given);
    *trace = array_new(&allocator, 1, sizeof **trace);
    if (*trace == NULL) return KVCORE_ENOMEM;
    (*trace)->allocator = allocator;
    return KVCORE_OK;
}

void kvanswers_trace_destroy(kvanswers_trace *t) {
    if (t == NULL) return;
    kvcore_allocator allocator = t->allocator;
    array_free(&allocator, t->nodes, t->node_capacity, sizeof *t->nodes);
    array_free(&allocator, t->requests, t->request_capacity, sizeof *t->requests);
    array_free(&allocator, t->table, t->table_size, sizeof *t->table);
    array_delete(&allocator, t, 1, sizeof *t);
}

/* Where the name is, or the empty place for it. */
static uint32_t *find(const kvanswers_trace *t, uint64_t name) {
    uint64_t mixed = (name ^ name >> 32) * UINT64_C(0xD6E8FEB86659FD93);
    size_t at = (size_t)(mixed ^ mixed >> 32) & (t->table_size - 1);
    while (t->table[at] != 0 && t->nodes[t->table[at] - 1].name != name) at = (at + 1) & (t->table_size - 1);
    return &t->table[at];
}

static kvcore_status grow_table(kvanswers_trace *t, size_t nodes) {
    size_t size = t->table_size != 0 ? t->table_size : 64;
    while (size / 2 < nodes) size *= 2;
    if (size == t->table_size) return KVCORE_OK;
    uint32_t *table = array_new(&t->allocator, size, sizeof *table);
    if (table == NULL) return KVCORE_ENOMEM;
    array_free(&t->allocator, t->table, t->table_size, sizeof *t->table);
    t->table = table;
    t->table_size = size;
    for (size_t i = 0; i < t->node_count; i++) *find(t, t->nodes[i].name) = (uint32_t)i + 1;
    return KVCORE_OK;
}

static kvcore_status reserve(kvanswers_trace *t, size_t more) {
    if (more >= UINT32_MAX - 1 - t->node_count || t->request_count >= UINT32_MAX - 2) return KVCORE_EOVERFLOW;
    kvcore_status status =
        array_reserve(&t->allocator, &t->nodes, &t->node_capacity, t->node_count + more, sizeof *t->nodes);
    if (status == KVCORE_OK)
        status =
            array_reserve(&t->allocator, &t->requests, &t->request_capacity, t->request_count + 1, sizeof *t->requests);
    return status == KVCORE_OK ? grow_table(t, t->node_count + more) : status;
}

/* How many leading names are known; *end is the last of them. KVCORE_EINVAL if one stands elsewhere. */
static kvcore_status known(const kvanswers_trace *t, const kvanswers_request *request, size_t *count, uint32_t *end) {
    *end = NO_NODE;
    for (*count = 0; *count < request->count; ++*count) {
        uint32_t node = *find(t, request->names[*count]);
        if (node == 0) return KVCORE_OK;
        if (t->nodes[node - 1].parent != *end) return KVCORE_EINVAL;
        *end = node - 1;
    }
    return KVCORE_OK;
}

static void forget_from(kvanswers_trace *t, size_t count) {
    while (t->node_count > count) *find(t, t->nodes[--t->node_count].name) = 0;
}

static kvcore_status add_nodes(kvanswers_trace *t, const kvanswers_request *request, size_t from, uint32_t *end) {
    size_t before = t->node_count;
    for (size_t i = from; i < request->count; i++) {
        uint32_t *place = find(t, request->names[i]);
        if (*place != 0) {
            forget_from(t, before);
            return KVCORE_EINVAL;
        }
        t->nodes[t->node_count] = (trace_node){request->names[i], *end, (uint32_t)i + 1};
        *end = (uint32_t)t->node_count++;
        *place = *end + 1;
    }
    return KVCORE_OK;
}

kvcore_status kvanswers_trace_add(kvanswers_trace *t, const kvanswers_request *request) {
    if (t == NULL || request == NULL || (request->names == NULL && request->count != 0)) return KVCORE_EINVAL;
    kvcore_status status = reserve(t, request->count);
    size_t from = 0;
    uint32_t end = NO_NODE;
    if (status == KVCORE_OK) status = known(t, request, &from, &end);
    if (status == KVCORE_OK) status = add_nodes(t, request, from, &end);
    if (status != KVCORE_OK) return status;
    t->requests[t->request_count++] = (trace_entry){end, request->last_block_tokens};
    t->references += request->count;
    if (request->count > t->longest) t->longest = (uint32_t)request->count;
    return KVCORE_OK;
}

kvanswers_trace_size kvanswers_trace_count(const kvanswers_trace *t) {
    if (t == NULL) return (kvanswers_trace_size){0};
    return (kvanswers_trace_size){t->request_count, t->references, t->node_count, t->longest};
}
