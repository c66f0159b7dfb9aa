#include "recency.h"

#include "memory.h"

void kvanswers__recency_init(recency *r, const kvcore_allocator *allocator) {
    *r = (recency){.allocator = allocator_or_libc(allocator)};
}

void kvanswers__recency_clear(recency *r) {
    for (unsigned i = 0; i < RECENCY_PARTS; i++)
        array_free(&r->allocator, r->parts[i].places, r->parts[i].capacity, sizeof(recency_block));
    array_free(&r->allocator, r->left, r->left_capacity, sizeof *r->left);
    array_free(&r->allocator, r->runs, r->run_capacity, sizeof *r->runs);
    array_free(&r->allocator, r->found, r->found_capacity, sizeof *r->found);
    array_free(&r->allocator, r->keys, r->key_capacity, sizeof *r->keys);
    kvcore_allocator allocator = r->allocator;
    kvanswers__recency_init(r, &allocator);
}

/* ---- the table ---- */

/* One to one, so that equal keys are equal names. */
static inline uint64_t key_of(uint64_t name) {
    name = (name ^ name >> 32) * UINT64_C(0xD6E8FEB86659FD93);
    name = (name ^ name >> 32) * UINT64_C(0xD6E8FEB86659FD93);
    return name ^ name >> 32;
}

static inline unsigned part_of(uint64_t key) { return (unsigned)(key >> 58); }

static inline uint32_t home_of(const recency_part *part, uint64_t key) {
    return (uint32_t)((key >> 26 & UINT32_MAX) * part->capacity >> 32);
}

static inline uint32_t place_after(const recency_part *part, uint32_t at) {
    return at + 1 == part->capacity ? 0 : at + 1;
}

/* The block of this key, or the empty place for it. */
static inline recency_block *find(const recency_part *part, uint64_t key) {
    uint32_t at = home_of(part, key);
    while (part->places[at].last != 0 && part->places[at].key != key) at = place_after(part, at);
    return &part->places[at];
}

static uint32_t most_of(const recency_part *part) { return (uint32_t)(2 * (uint64_t)part->capacity / 3); }

static kvcore_status grow(const recency *r, recency_part *part, uint64_t count) {
    uint64_t capacity = part->capacity + part->capacity / 2 + 8;
    while (3 * count > 2 * capacity) capacity += capacity / 2;
    if (capacity > UINT32_MAX) return KVCORE_EOVERFLOW;
    recency_part grown = {array_new(&r->allocator, capacity, sizeof(recency_block)), (uint32_t)capacity, part->count};
    if (grown.places == NULL) return KVCORE_ENOMEM;
    for (uint32_t i = 0; i < part->capacity; i++)
        if (part->places[i].last != 0) *find(&grown, part->places[i].key) = part->places[i];
    array_free(&r->allocator, part->places, part->capacity, sizeof(recency_block));
    *part = grown;
    return KVCORE_OK;
}

/* A part grows before it is full, so that it is rarely looked at. */
static kvcore_status reserve_part(const recency *r, recency_part *part, uint32_t more) {
    uint32_t ahead = part->capacity / 16;
    if (part->count + (uint64_t)(more > ahead ? more : ahead) <= most_of(part)) return KVCORE_OK;
    return grow(r, part, (uint64_t)part->count + more);
}

/* Room for all these keys, as if none were known. */
static kvcore_status reserve_places(recency *r, const uint64_t *keys, size_t count) {
    if (count <= r->spare) return KVCORE_OK;
    uint32_t more[RECENCY_PARTS] = {0}, spare = UINT32_MAX;
    for (size_t i = 0; i < count; i++) more[part_of(keys[i])]++;
    for (unsigned i = 0; i < RECENCY_PARTS; i++) {
        recency_part *part = &r->parts[i];
        kvcore_status status = reserve_part(r, part, more[i]);
        if (status != KVCORE_OK) return status;
        uint32_t room = most_of(part) - part->count;
        if (room < spare) spare = room;
    }
    r->spare = spare;
    return KVCORE_OK;
}

/* ---- the tree ---- */

static inline uint32_t low_bit(uint32_t i) { return i & (0 - i); }

uint32_t kvanswers__recency_left(const recency *r, uint32_t request) {
    uint32_t sum = 0;
    for (uint32_t i = request; i > 0; i -= low_bit(i)) sum += r->left[i];
    return sum;
}

static void take(recency *r, uint32_t request, uint32_t count) {
    for (uint32_t i = request; i <= r->requests; i += low_bit(i)) {
        r->left[i] -= count;
        if (i > UINT32_MAX - low_bit(i)) return;
    }
}

/* A further request, the youngest, with so many blocks. */
static void append(recency *r, uint32_t count) {
    uint32_t request = ++r->requests, sum = count;
    for (uint32_t i = request - 1; i > request - low_bit(request); i -= low_bit(i)) sum += r->left[i];
    r->left[request] = sum;
}

/* ---- requests ---- */

kvcore_status kvanswers__recency_reserve(recency *r, const uint64_t *names, size_t count) {
    if (count >= UINT32_MAX - 1 - r->blocks || r->requests >= UINT32_MAX - 2) return KVCORE_EOVERFLOW;
    const kvcore_allocator *allocator = &r->allocator;
    kvcore_status status = array_reserve(allocator, &r->keys, &r->key_capacity, count, sizeof *r->keys);
    if (status == KVCORE_OK) status = array_reserve(allocator, &r->found, &r->found_capacity, count, sizeof *r->found);
    if (status == KVCORE_OK) status = array_reserve(allocator, &r->runs, &r->run_capacity, count, sizeof *r->runs);
    if (status == KVCORE_OK)
        status = array_reserve(allocator, &r->left, &r->left_capacity, (size_t)r->requests + 2, sizeof *r->left);
    if (status != KVCORE_OK) return status;
    for (size_t i = 0; i < count; i++) r->keys[i] = key_of(names[i]);
    return reserve_places(r, r->keys, count);
}

static inline void prefetch(const recency *r, uint64_t key) {
    const recency_part *part = &r->parts[part_of(key)];
    __builtin_prefetch(&part->places[home_of(part, key)], 1);
}

#define AHEAD 24

/* Find the block or put it in. `from` is the request that touched it last, 0 for a new one. */
static inline recency_block *touch(recency *r, uint64_t key, uint32_t *from) {
    recency_part *part = &r->parts[part_of(key)];
    recency_block *block = find(part, key);
    *from = block->last;
    if (block->last == 0) {
        *block = (recency_block){key, 0, RECENCY_NEVER};
        part->count++;
        r->blocks++;
    }
    block->last = r->requests + 1;
    return block;
}

/* Where the list ends for the request: before anything of it moved. */
static void place_runs(recency *r, uint32_t blocks_before) {
    for (size_t i = 0; i < r->run_count; i++) {
        kvanswers_run *run = &r->runs[i];
        run->distance = blocks_before - kvanswers__recency_left(r, run->before) + 1;
    }
    for (size_t i = 0; i < r->run_count; i++) take(r, r->runs[i].before, r->runs[i].count);
}

void kvanswers__recency_serve(recency *r, size_t count) {
    uint32_t before = r->blocks, now = r->requests + 1, previous = 0, again = 0;
    r->run_count = 0;
    for (size_t i = 0; i < count && i < AHEAD; i++) prefetch(r, r->keys[i]);
    for (size_t i = 0; i < count; i++) {
        uint32_t from;
        if (i + AHEAD < count) prefetch(r, r->keys[i + AHEAD]);
        r->found[i] = touch(r, r->keys[i], &from);
        if (from == now) again++; /* a name that the request has twice: no chain, no meaning */
        if (from != 0 && from != now) {
            if (from == previous)
                r->runs[r->run_count - 1].count++;
            else
                r->runs[r->run_count++] = (kvanswers_run){(uint32_t)i, 1, from, 0};
        }
        previous = from == now ? 0 : from;
    }
    r->spare -= r->spare < r->blocks - before ? r->spare : r->blocks - before;
    place_runs(r, before);
    append(r, (uint32_t)count - again);
}

size_t kvanswers__recency_bytes(const recency *r) {
    size_t bytes = r->left_capacity * sizeof *r->left + r->run_capacity * sizeof *r->runs +
                   r->found_capacity * sizeof *r->found + r->key_capacity * sizeof *r->keys;
    for (unsigned i = 0; i < RECENCY_PARTS; i++) bytes += r->parts[i].capacity * sizeof(recency_block);
    return bytes;
}
