/* A store in memory: for tests, and as the simplest backend there is. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

typedef struct thing {
    struct thing *next; /* ascending by key */
    uint8_t *bytes;
    size_t size_bytes, key_bytes, taken_bytes;
    uint64_t modified_ns;
    char key[];
} thing;

enum { BUCKETS = 256 };

typedef struct memory {
    kvcore_allocator allocator;
    pthread_mutex_t lock;
    uint64_t max_bytes, used_bytes;
    thing *buckets[BUCKETS];
} memory;

static thing **find(memory *self, const char *key, size_t key_bytes) {
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < key_bytes; i++) hash = (hash ^ (uint8_t)key[i]) * 16777619u;
    thing **at = &self->buckets[hash % BUCKETS];
    while (*at != NULL && ((*at)->key_bytes != key_bytes || memcmp((*at)->key, key, key_bytes) != 0)) at = &(*at)->next;
    return at;
}

static void drop(memory *self, thing **at) {
    thing *gone = *at;
    *at = gone->next;
    self->used_bytes -= gone->size_bytes;
    kvcore_free(&self->allocator, gone, gone->taken_bytes, 1, _Alignof(thing));
}

static void get(memory *self, kvstore_transfer *transfer) {
    const thing *found = *find(self, transfer->key, transfer->key_bytes);
    transfer->outcome = found == NULL ? KVSTORE_MISS : KVSTORE_HIT;
    if (found == NULL) return;
    uint64_t size = found->size_bytes, payload = size - transfer->trailer_bytes;
    if (size < transfer->trailer_bytes || payload > transfer->payload_bytes) {
        transfer->outcome = KVSTORE_DAMAGED;
        transfer->status = KVFORMAT_ELENGTH;
        return;
    }
    const uint8_t *from = found->bytes;
    uint64_t left = payload;
    for (uint32_t i = 0; i < transfer->span_count && left > 0; i++) {
        size_t part = transfer->spans[i].size_bytes < left ? transfer->spans[i].size_bytes : (size_t)left;
        if (part > 0) memcpy(transfer->spans[i].bytes, from, part);
        from += part;
        left -= part;
    }
    if (transfer->trailer_bytes > 0) memcpy(transfer->trailer, found->bytes + payload, transfer->trailer_bytes);
    transfer->object_payload_bytes = payload;
    transfer->disk_bytes = size;
}

static void put(memory *self, kvstore_transfer *transfer) {
    thing **at = find(self, transfer->key, transfer->key_bytes);
    uint64_t size = transfer->payload_bytes + transfer->trailer_bytes;
    if (*at != NULL && transfer->create_only) {
        transfer->outcome = KVSTORE_EXISTS;
        transfer->disk_bytes = (*at)->size_bytes;
        return;
    }
    transfer->outcome = KVSTORE_NO_ROOM;
    transfer->status = KVCORE_ENOSPACE;
    if (self->used_bytes + size > self->max_bytes) return;
    size_t taken = sizeof(thing) + transfer->key_bytes + (size_t)size;
    thing *made = kvcore_alloc(&self->allocator, taken, 1, _Alignof(thing));
    if (made == NULL) return;
    *made = (thing){.size_bytes = (size_t)size,
                    .key_bytes = transfer->key_bytes,
                    .taken_bytes = taken,
                    .modified_ns = kvstore_clock_ns(NULL),
                    .bytes = (uint8_t *)made + sizeof *made + transfer->key_bytes};
    memcpy(made->key, transfer->key, transfer->key_bytes);
    uint8_t *to = made->bytes;
    for (uint32_t i = 0; i < transfer->span_count; to += transfer->spans[i++].size_bytes)
        if (transfer->spans[i].size_bytes > 0) memcpy(to, transfer->spans[i].bytes, transfer->spans[i].size_bytes);
    if (transfer->trailer_bytes > 0) memcpy(to, transfer->trailer, transfer->trailer_bytes);
    if (*at != NULL) drop(self, at);
    made->next = *at;
    *at = made;
    self->used_bytes += size;
    transfer->outcome = KVSTORE_STORED;
    transfer->status = KVCORE_OK;
    transfer->disk_bytes = size;
}

static void start(void *ctx, kvstore_transfer *transfer) {
    memory *self = ctx;
    pthread_mutex_lock(&self->lock);
    thing **at;
    transfer->attempts = 1;
    switch (transfer->request) {
    case KVSTORE_TRANSFER_GET: get(self, transfer); break;
    case KVSTORE_TRANSFER_PUT: put(self, transfer); break;
    case KVSTORE_TRANSFER_REMOVE:
        at = find(self, transfer->key, transfer->key_bytes);
        transfer->outcome = *at == NULL ? KVSTORE_MISS : KVSTORE_STORED;
        if (*at != NULL) drop(self, at);
        break;
    default:
        at = find(self, transfer->key, transfer->key_bytes);
        transfer->outcome = *at == NULL                                  ? KVSTORE_MISS
                            : transfer->request == KVSTORE_TRANSFER_HEAD ? KVSTORE_HIT
                                                                         : KVSTORE_EXISTS;
        break;
    }
    pthread_mutex_unlock(&self->lock);
}

/* All in one piece: the visitor may not come back for more. */
static kvcore_status list(void *ctx, const char *prefix, void **cursor, kvstore_backend_visit visit, void *visit_ctx,
                          kvcore_error *error) {
    memory *self = ctx;
    size_t length = strlen(prefix), count = 0;
    *cursor = NULL;
    pthread_mutex_lock(&self->lock);
    for (size_t i = 0; i < BUCKETS; i++)
        for (const thing *at = self->buckets[i]; at != NULL; at = at->next) count++;
    const thing **all = kvcore_alloc(&self->allocator, count + 1, sizeof *all, _Alignof(thing *));
    size_t filled = 0;
    for (size_t i = 0; all != NULL && i < BUCKETS; i++)
        for (const thing *at = self->buckets[i]; at != NULL; at = at->next) all[filled++] = at;
    pthread_mutex_unlock(&self->lock);
    if (all == NULL) return refuse_field(error, KVCORE_ENOMEM, 0, "no memory for a listing");
    /* Only the polling thread lists and removes, so what was found stays. */
    for (size_t i = 0; i < filled; i++) {
        bool within = all[i]->key_bytes >= length && memcmp(all[i]->key, prefix, length) == 0;
        if (within && !visit(visit_ctx, all[i]->key, all[i]->key_bytes, all[i]->size_bytes, all[i]->size_bytes,
                             all[i]->modified_ns))
            break;
    }
    kvcore_free(&self->allocator, all, count + 1, sizeof *all, _Alignof(thing *));
    return KVCORE_OK;
}

static void list_end(void *ctx, void *cursor) {
    (void)ctx;
    (void)cursor;
}

static void end(void *ctx) {
    memory *self = ctx;
    kvcore_allocator allocator = self->allocator;
    for (size_t i = 0; i < BUCKETS; i++)
        while (self->buckets[i] != NULL) drop(self, &self->buckets[i]);
    pthread_mutex_destroy(&self->lock);
    kvcore_free(&allocator, self, 1, sizeof *self, _Alignof(memory));
}

kvcore_status kvstore_open_memory(const kvstore_options *options, uint64_t max_bytes, kvstore **store,
                                  kvcore_error *error) {
    if (store == NULL) return refuse_field(error, KVCORE_EINVAL, 0, "store is NULL");
    kvcore_allocator allocator =
        options == NULL || options->allocator == NULL ? kvcore_allocator_libc() : *options->allocator;
    memory *self = kvcore_alloc(&allocator, 1, sizeof *self, _Alignof(memory));
    if (self == NULL) return refuse_field(error, KVCORE_ENOMEM, 0, "no memory for a store");
    memset(self, 0, sizeof *self);
    self->allocator = allocator;
    self->max_bytes = max_bytes == 0 ? UINT64_C(1) << 30 : max_bytes;
    pthread_mutex_init(&self->lock, NULL);
    kvstore_backend backend = KVSTORE_BACKEND_INIT;
    backend.ctx = self;
    backend.medium = "memory";
    backend.blocking = true;
    backend.start = start;
    backend.list = list;
    backend.list_end = list_end;
    backend.close = end;
    kvstore_limits limits = {.exclusive = true};
    return kvstore_open_backend(&backend, options, &limits, store, error);
}
