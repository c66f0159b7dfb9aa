/* The kept trace: a tree of blocks, and of each request the block it ends with. Private to answers. */
#ifndef ANSWERS_TRACE_H
#define ANSWERS_TRACE_H

#include <kvanswers/trace.h>

#define NO_NODE UINT32_MAX

typedef struct trace_node {
    uint64_t name;
    uint32_t parent; /* NO_NODE: begins a chain */
    uint32_t depth;  /* blocks of the chain, this one too */
} trace_node;

typedef struct trace_entry {
    uint32_t end; /* the last block, or NO_NODE */
    uint32_t last_block_tokens;
} trace_entry;

struct kvanswers_trace {
    kvcore_allocator allocator;
    trace_node *nodes;
    size_t node_count, node_capacity;
    trace_entry *requests;
    size_t request_count, request_capacity;
    uint32_t *table;   /* node + 1 by name; 0: empty */
    size_t table_size; /* a power of two, at least twice the nodes */
    uint64_t references;
    uint32_t longest;
};

static inline uint32_t kvanswers__trace_length(const kvanswers_trace *t, size_t request) {
    uint32_t end = t->requests[request].end;
    return end == NO_NODE ? 0 : t->nodes[end].depth;
}

/* The blocks of a request, front first; gives how many. `chain` has room for the longest. */
static inline uint32_t kvanswers__trace_chain(const kvanswers_trace *t, size_t request, uint32_t *chain) {
    uint32_t length = kvanswers__trace_length(t, request);
    uint32_t node = t->requests[request].end;
    for (uint32_t i = length; i > 0; i--, node = t->nodes[node].parent) chain[i - 1] = node;
    return length;
}

#endif
