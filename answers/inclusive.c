/* A host tier that is written through: it sees the misses of the device only, so it has a list of its own. A Fenwick tree over
 * its touches, renumbered when they are used up, gives the place of each block in it. */
#include "memory.h"
#include "recency.h"
#include "trace.h"

typedef struct host_tier {
    const kvanswers_trace *trace;
    recency device;
    uint32_t *tree;  /* of the touches, from 1: 1 for the last one of a block */
    uint32_t *block; /* node + 1 that was touched then; 0: it was touched again */
    uint32_t *touch; /* of each node; 0: never */
    uint32_t size, now, live;
    uint64_t *found; /* hits by the least host that has them */
    uint32_t *chain;
    uint64_t *names;
} host_tier;

static void host_close(host_tier *h) {
    const kvanswers_trace *t = h->trace;
    const kvcore_allocator *allocator = &t->allocator;
    kvanswers__recency_clear(&h->device);
    array_delete(allocator, h->tree, (size_t)h->size + 1, sizeof *h->tree);
    array_delete(allocator, h->block, (size_t)h->size + 1, sizeof *h->block);
    array_delete(allocator, h->touch, t->node_count, sizeof *h->touch);
    array_delete(allocator, h->found, t->node_count + 1, sizeof *h->found);
    array_delete(allocator, h->chain, t->longest, sizeof *h->chain);
    array_delete(allocator, h->names, t->longest, sizeof *h->names);
}

static kvcore_status host_open(host_tier *h, const kvanswers_trace *t) {
    const kvcore_allocator *allocator = &t->allocator;
    uint64_t size = 2 * (uint64_t)t->node_count + t->longest + 1;
    *h = (host_tier){.trace = t, .size = size < UINT32_MAX - 1 ? (uint32_t)size : UINT32_MAX - 1};
    kvanswers__recency_init(&h->device, allocator);
    h->tree = array_new(allocator, (size_t)h->size + 1, sizeof *h->tree);
    h->block = array_new(allocator, (size_t)h->size + 1, sizeof *h->block);
    h->touch = array_new(allocator, t->node_count, sizeof *h->touch);
    h->found = array_new(allocator, t->node_count + 1, sizeof *h->found);
    h->chain = array_new(allocator, t->longest, sizeof *h->chain);
    h->names = array_new(allocator, t->longest, sizeof *h->names);
    if (h->tree != NULL && h->block != NULL && h->touch != NULL && h->found != NULL && h->chain != NULL &&
        h->names != NULL)
        return KVCORE_OK;
    host_close(h);
    return KVCORE_ENOMEM;
}

static uint32_t low_bit(uint32_t i) { return i & (0 - i); }

static void add(host_tier *h, uint32_t touch, uint32_t one) {
    for (uint64_t i = touch; i <= h->size; i += low_bit((uint32_t)i)) h->tree[i] += one;
}

static uint32_t up_to(const host_tier *h, uint32_t touch) {
    uint32_t sum = 0;
    for (uint32_t i = touch; i > 0; i -= low_bit(i)) sum += h->tree[i];
    return sum;
}

/* The touches that count become 1, 2, … in order. */
static void renumber(host_tier *h) {
    uint32_t used = h->now;
    h->now = 0;
    memset(h->tree, 0, ((size_t)h->size + 1) * sizeof *h->tree);
    for (uint32_t i = 1; i <= used; i++) {
        uint32_t block = h->block[i];
        h->block[i] = 0;
        if (block == 0) continue;
        h->block[++h->now] = block;
        h->touch[block - 1] = h->now;
        add(h, h->now, 1);
    }
}

static void touch(host_tier *h, uint32_t node) {
    uint32_t before = h->touch[node];
    if (before != 0) {
        add(h, before, UINT32_MAX); /* −1 */
        h->block[before] = 0;
    }
    h->live += before == 0;
    h->touch[node] = ++h->now;
    h->block[h->now] = node + 1;
    add(h, h->now, 1);
}

static void serve_misses(host_tier *h, const uint32_t *chain, uint32_t count) {
    uint32_t furthest = 0;
    for (uint32_t i = 0; i < count && h->touch[chain[i]] != 0; i++) {
        uint32_t place = h->live - up_to(h, h->touch[chain[i]]) + 1;
        if (place > furthest) furthest = place;
        h->found[furthest]++;
    }
    if (h->size - h->now < count) renumber(h);
    for (uint32_t i = count; i-- > 0;) touch(h, chain[i]);
}

/* Blocks that the device has: those at distances up to its capacity, which lead the request. */
static uint32_t device_hits(const recency *device, uint64_t capacity) {
    uint64_t hits = 0;
    for (size_t i = 0; i < device->run_count; i++) {
        const kvanswers_run *run = &device->runs[i];
        if (run->distance > capacity) continue;
        uint64_t within = capacity - run->distance + 1;
        hits += within < run->count ? within : run->count;
    }
    return (uint32_t)hits;
}

static kvcore_status serve(host_tier *h, size_t request, uint64_t device, uint64_t *hits) {
    uint32_t length = kvanswers__trace_chain(h->trace, request, h->chain);
    for (uint32_t i = 0; i < length; i++) h->names[i] = h->chain[i];
    kvcore_status status = kvanswers__recency_reserve(&h->device, h->names, length);
    if (status != KVCORE_OK) return status;
    kvanswers__recency_serve(&h->device, length);
    uint32_t found = device_hits(&h->device, device);
    *hits += found;
    serve_misses(h, h->chain + found, length - found);
    return KVCORE_OK;
}

static kvcore_status out_of_memory(kvcore_error *error) {
    return kvcore_fail(error, &(kvcore_error){.code = KVCORE_ENOMEM}, "out of memory");
}

kvcore_status kvanswers_trace_inclusive(const kvanswers_trace *t, uint64_t device, const uint64_t *hosts, size_t count,
                                        uint64_t *device_found, uint64_t *host_found, kvcore_error *error) {
    if (t == NULL || device_found == NULL || (count != 0 && (hosts == NULL || host_found == NULL)))
        return kvcore_fail(error, &(kvcore_error){.code = KVCORE_EINVAL}, "NULL");
    if (device < t->longest)
        return kvcore_fail(error, &(kvcore_error){.code = KVCORE_EINVAL, .expected = t->longest, .actual = device},
                           "a device of %llu blocks is less than the longest request, of %u",
                           (unsigned long long)device, t->longest);
    host_tier h;
    if (host_open(&h, t) != KVCORE_OK) return out_of_memory(error);
    uint64_t hits = 0;
    kvcore_status status = KVCORE_OK;
    for (size_t i = 0; i < t->request_count && status == KVCORE_OK; i++) status = serve(&h, i, device, &hits);
    if (status == KVCORE_OK) {
        *device_found = hits;
        for (size_t i = 1; i <= t->node_count; i++) h.found[i] += h.found[i - 1];
        for (size_t i = 0; i < count; i++) host_found[i] = h.found[hosts[i] < t->node_count ? hosts[i] : t->node_count];
    }
    host_close(&h);
    return status == KVCORE_OK ? KVCORE_OK : out_of_memory(error);
}
