/* One cache, step by step. Each cached block that nobody holds stands in one list: that of the least recently used, or, if a
 * request of the known queue wants it, that of the request that wants it first. What a request wants is one run of its
 * chain; its list has the deepest block at the old end. */
#include <stdbool.h>

#include <kvcore/config.h>

#include "bits.h"
#include "trace.h"

kvanswers_replay_config kvanswers_replay_config_init(void) {
    return (kvanswers_replay_config)KVANSWERS_REPLAY_CONFIG_INIT;
}

enum { ABSENT = 1, CACHED = 2, REUSED = 4, REFUSED = 8, SEEN = 16 };

typedef struct replay_block {
    uint32_t older, younger;
    uint32_t wanted; /* by this request, which is known; NO_NODE: by none that is */
    uint8_t flags;
} replay_block;

typedef struct replay_list {
    uint32_t oldest, youngest;
} replay_list;

typedef struct replay {
    const kvanswers_trace *trace;
    kvanswers_replay_config config;
    replay_block *blocks;
    uint32_t *chain, *other; /* of the request that is served, and of the one that becomes known */
    uint32_t *next;          /* of each reference, the request that asks for the block next */
    replay_list lru, *lists; /* by request */
    bit_set waiting;         /* requests whose list is not empty */
    uint64_t cached;
    kvanswers_replay_counts counts;
} replay;

static void replay_close(replay *r) {
    const kvanswers_trace *t = r->trace;
    array_delete(&t->allocator, r->blocks, t->node_count, sizeof *r->blocks);
    array_delete(&t->allocator, r->chain, t->longest, sizeof *r->chain);
    array_delete(&t->allocator, r->other, t->longest, sizeof *r->other);
    array_delete(&t->allocator, r->next, (size_t)t->references, sizeof *r->next);
    array_delete(&t->allocator, r->lists, t->request_count, sizeof *r->lists);
    bits_close(&r->waiting, &t->allocator);
}

/* The requests from behind: who asks for each block next. */
static void find_next(replay *r) {
    const kvanswers_trace *t = r->trace;
    size_t at = (size_t)t->references;
    for (size_t i = 0; i < t->node_count; i++) r->blocks[i].wanted = NO_NODE;
    for (size_t request = t->request_count; request-- > 0;) {
        uint32_t length = kvanswers__trace_chain(t, request, r->chain);
        at -= length;
        for (uint32_t i = 0; i < length; i++) {
            r->next[at + i] = r->blocks[r->chain[i]].wanted;
            r->blocks[r->chain[i]].wanted = (uint32_t)request;
        }
    }
}

static kvcore_status open_queue(replay *r) {
    const kvanswers_trace *t = r->trace;
    r->next = array_new(&t->allocator, (size_t)t->references, sizeof *r->next);
    r->lists = array_new(&t->allocator, t->request_count, sizeof *r->lists);
    if (r->next == NULL || r->lists == NULL) return KVCORE_ENOMEM;
    for (size_t i = 0; i < t->request_count; i++) r->lists[i] = (replay_list){NO_NODE, NO_NODE};
    find_next(r);
    return bits_open(&r->waiting, &t->allocator, t->request_count + 1);
}

static kvcore_status replay_open(replay *r, const kvanswers_trace *t) {
    r->trace = t;
    r->blocks = array_new(&t->allocator, t->node_count, sizeof *r->blocks);
    r->chain = array_new(&t->allocator, t->longest, sizeof *r->chain);
    r->other = array_new(&t->allocator, t->longest, sizeof *r->other);
    r->lru = (replay_list){NO_NODE, NO_NODE};
    kvcore_status status = r->blocks == NULL || r->chain == NULL || r->other == NULL ? KVCORE_ENOMEM : KVCORE_OK;
    if (status == KVCORE_OK && r->config.known_requests != 0) status = open_queue(r);
    if (status != KVCORE_OK) {
        replay_close(r);
        return status;
    }
    for (size_t i = 0; i < t->node_count; i++) r->blocks[i] = (replay_block){0, 0, NO_NODE, ABSENT};
    return KVCORE_OK;
}

/* ---- lists ---- */

static replay_list *list_of(replay *r, uint32_t wanted) { return wanted == NO_NODE ? &r->lru : &r->lists[wanted]; }

static void put(replay *r, uint32_t node, uint32_t wanted) {
    replay_list *list = list_of(r, wanted);
    if (wanted != NO_NODE && list->oldest == NO_NODE) bits_set(&r->waiting, wanted);
    replay_block *block = &r->blocks[node];
    block->wanted = wanted;
    block->older = list->youngest;
    block->younger = NO_NODE;
    *(list->youngest == NO_NODE ? &list->oldest : &r->blocks[list->youngest].younger) = node;
    list->youngest = node;
}

static void take(replay *r, uint32_t node) {
    replay_block *block = &r->blocks[node];
    replay_list *list = list_of(r, block->wanted);
    *(block->older == NO_NODE ? &list->oldest : &r->blocks[block->older].younger) = block->younger;
    *(block->younger == NO_NODE ? &list->youngest : &r->blocks[block->younger].older) = block->older;
    if (block->wanted != NO_NODE && list->oldest == NO_NODE) bits_clear(&r->waiting, block->wanted);
}

static void evict(replay *r) {
    uint32_t node = r->lru.oldest;
    if (node == NO_NODE) node = r->lists[bits_last(&r->waiting)].oldest;
    take(r, node);
    r->blocks[node].flags = (uint8_t)((r->blocks[node].flags & ~(CACHED | REUSED)) | ABSENT);
    r->cached--;
    r->counts.evictions++;
}

/* ---- one request ---- */

/* A request joins the known ones: what is cached and wanted by none before it becomes its own. */
static void make_known(replay *r, uint64_t request) {
    if (request >= r->trace->request_count) return;
    uint32_t length = kvanswers__trace_chain(r->trace, (size_t)request, r->other);
    for (uint32_t i = length; i-- > 0;) {
        const replay_block *block = &r->blocks[r->other[i]];
        if (!(block->flags & CACHED) || block->wanted != NO_NODE) continue;
        take(r, r->other[i]);
        put(r, r->other[i], (uint32_t)request);
    }
}

static uint32_t hold_hits(replay *r, uint32_t length) {
    uint32_t hits = 0;
    for (; hits < length && (r->blocks[r->chain[hits]].flags & CACHED); hits++) {
        replay_block *block = &r->blocks[r->chain[hits]];
        take(r, r->chain[hits]);
        r->counts.never_reused -= (block->flags & REUSED) == 0;
        block->flags |= REUSED;
    }
    return hits;
}

static void count_misses(replay *r, uint32_t from, uint32_t length, bool oversized) {
    for (uint32_t i = from; i < length; i++) {
        uint8_t *flags = &r->blocks[r->chain[i]].flags;
        if (!(*flags & SEEN))
            r->counts.compulsory++;
        else if (*flags & CACHED)
            r->counts.behind_a_gap++;
        else if (*flags & REFUSED)
            r->counts.refused++;
        else
            r->counts.evicted++;
        *flags = (uint8_t)((*flags & ~REFUSED) | SEEN | (oversized ? REFUSED : 0));
    }
}

static void put_in(replay *r, uint32_t from, uint32_t length) {
    while (r->config.capacity - r->cached < length - from) evict(r);
    for (uint32_t i = from; i < length; i++) {
        uint8_t *flags = &r->blocks[r->chain[i]].flags;
        *flags = (uint8_t)((*flags & ~ABSENT) | CACHED);
    }
    r->cached += length - from;
    r->counts.never_reused += length - from;
}

static void release(replay *r, size_t request, size_t reference, uint32_t count) {
    for (uint32_t i = count; i-- > 0;) {
        uint32_t next = r->next != NULL ? r->next[reference + i] : NO_NODE;
        bool is_known = next != NO_NODE && next - request <= r->config.known_requests;
        put(r, r->chain[i], is_known ? next : NO_NODE);
    }
}

static void count_hits(replay *r, size_t request, uint32_t hits, uint32_t length) {
    uint32_t whole = r->config.block_tokens, last = r->trace->requests[request].last_block_tokens;
    r->counts.references += length;
    r->counts.hits += hits;
    r->counts.hit_tokens += (uint64_t)hits * whole;
    if (hits == length && hits != 0 && last != 0 && last < whole) r->counts.hit_tokens -= whole - last;
}

static void serve(replay *r, size_t request, size_t reference) {
    if (r->config.known_requests != 0 && r->config.known_requests < r->trace->request_count)
        make_known(r, request + r->config.known_requests);
    uint32_t length = kvanswers__trace_chain(r->trace, request, r->chain);
    bool oversized = length > r->config.capacity;
    uint32_t hits = hold_hits(r, length);
    count_hits(r, request, hits, length);
    count_misses(r, hits, length, oversized);
    r->counts.oversized += oversized;
    if (oversized) r->counts.not_registered += length - hits;
    if (!oversized) put_in(r, hits, length);
    release(r, request, reference, oversized ? hits : length);
}

kvcore_status kvanswers_trace_replay(const kvanswers_trace *trace, const kvanswers_replay_config *given,
                                     kvanswers_replay_counts *counts, kvcore_error *error) {
    replay r = {.trace = trace};
    if (trace == NULL || counts == NULL) return kvcore_fail(error, &(kvcore_error){.code = KVCORE_EINVAL}, "NULL");
    kvcore_status status = kvcore_config_read(&r.config, sizeof r.config, given, error);
    if (status != KVCORE_OK) return status;
    if (r.config.capacity == 0)
        return kvcore_fail(error, &(kvcore_error){.code = KVCORE_ECONFIG, .index = KVCORE_NO_INDEX, .expected = 1},
                           "capacity must be at least 1 block");
    if (r.config.block_tokens == 0) r.config.block_tokens = 1;
    if (replay_open(&r, trace) != KVCORE_OK)
        return kvcore_fail(error, &(kvcore_error){.code = KVCORE_ENOMEM}, "out of memory");
    size_t reference = 0;
    for (size_t i = 0; i < trace->request_count; i++) {
        serve(&r, i, reference);
        reference += kvanswers__trace_length(trace, i);
    }
    replay_close(&r);
    *counts = r.counts;
    return KVCORE_OK;
}
