#include "table/table.h"

#include <kvcore/random.h>

/* Checking the readers touches one cache line per stripe; do it only when at least this many slots can be reclaimed. */
#define SETTLE_AT 256

/* ---- lists of slots ---- */

static const table_list empty_list = {TABLE_NONE, TABLE_NONE, 0};

static uint32_t *link_of(const table *t, uint32_t slot) {
    uint32_t within;
    unsigned chunk = table_chunk(t, slot, &within);
    return &t->links[chunk][within];
}

static void list_push(table *t, table_list *list, uint32_t slot) {
    *link_of(t, slot) = list->head;
    list->head = slot;
    if (list->tail == TABLE_NONE) list->tail = slot;
    list->count++;
}

static void list_splice(table *t, table_list *to, table_list *from) {
    if (from->count == 0) return;
    *link_of(t, from->tail) = to->head;
    if (to->tail == TABLE_NONE) to->tail = from->tail;
    to->head = from->head;
    to->count += from->count;
    *from = empty_list;
}

/* ---- memory ---- */

static size_t chunk_length(const table *t, unsigned chunk) {
    return chunk == 0 ? t->chunk_slots : (size_t)t->chunk_slots << (chunk - 1);
}

static kvcore_status add_chunk(table *t) {
    unsigned chunk = 0;
    while (chunk < TABLE_CHUNKS && t->chunks[chunk] != NULL) chunk++;
    if (chunk == TABLE_CHUNKS) return KVCORE_EOVERFLOW;
    size_t length = chunk_length(t, chunk);
    if (length > TABLE_SLOTS_MAX - t->slot_count) return KVCORE_EOVERFLOW;
    uint32_t *links = kvcore_alloc(&t->allocator, length, sizeof *links, _Alignof(uint32_t));
    char *slots = kvcore_alloc(&t->allocator, length, t->slot_bytes, 64);
    if (links == NULL || slots == NULL) {
        kvcore_free(&t->allocator, slots, length, t->slot_bytes, 64);
        kvcore_free(&t->allocator, links, length, sizeof *links, _Alignof(uint32_t));
        return KVCORE_ENOMEM;
    }
    t->chunks[chunk] = slots;
    t->links[chunk] = links;
    t->slot_count += length;
    return KVCORE_OK;
}

static size_t rows_bytes(size_t bucket_count) { return sizeof(table_rows) + bucket_count * sizeof(table_bucket); }

static table_rows *make_rows(const table *t, size_t records) {
    size_t bucket_count = records / TABLE_BUCKET_FILL + 2;
    if (bucket_count > UINT32_MAX || bucket_count > (SIZE_MAX - sizeof(table_rows)) / sizeof(table_bucket)) return NULL;
    table_rows *rows = kvcore_alloc(&t->allocator, 1, rows_bytes(bucket_count), 64);
    if (rows == NULL) return NULL;
    rows->next = NULL;
    rows->retired_in = 0;
    rows->bucket_count = bucket_count;
    for (size_t b = 0; b < bucket_count; b++) {
        for (int i = 0; i < 2; i++) atomic_init(&rows->buckets[b].tags[i], 0);
        for (int i = 0; i < TABLE_BUCKET_SLOTS; i++) atomic_init(&rows->buckets[b].slots[i], 0);
    }
    return rows;
}

static void free_rows(const table *t, table_rows *rows) {
    if (rows != NULL) kvcore_free(&t->allocator, rows, 1, rows_bytes(rows->bucket_count), 64);
}

/* Keys of one seed are the same in every process; without one nobody can know them. */
static kvcore_status make_key(uint64_t seed, mix_key *key) {
    if (seed == 0) return kvcore_random_fill(key, sizeof *key);
    key->a = (seed + 1) * UINT64_C(0x9E3779B97F4A7C15);
    key->b = (seed ^ key->a >> 32) * UINT64_C(0xD6E8FEB86659FD93);
    return KVCORE_OK;
}

kvcore_status kvradix__table_init(table *t, const kvradix_config *config, size_t slot_bytes,
                                  uint64_t (*hash_of)(mix_key key, const void *slot)) {
    size_t capacity = config->capacity;
    if (capacity > TABLE_SLOTS_MAX / 2) return KVCORE_EOVERFLOW;
    *t = (table){.allocator = config->allocator, .slot_bytes = slot_bytes, .hash_of = hash_of, .free = empty_list};
    if (make_key(config->hash_seed, &t->key) != KVCORE_OK) return KVCORE_EIO;
    for (int i = 0; i < 3; i++) t->retired[i] = empty_list;
    /* some more, so that a full table with records coming and going does not grow for those not reusable yet */
    t->chunk_slots = (uint32_t)(capacity + capacity / 32 + SETTLE_AT);
    epoch_init(&t->epochs);
    atomic_init(&t->count, 0);
    atomic_init(&t->rows, make_rows(t, t->chunk_slots));
    kvcore_status status = table_rows_now(t) == NULL ? KVCORE_ENOMEM : add_chunk(t);
    if (status != KVCORE_OK) kvradix__table_destroy(t);
    return status;
}

static void free_chunk(table *t, unsigned chunk) {
    kvcore_free(&t->allocator, t->chunks[chunk], chunk_length(t, chunk), t->slot_bytes, 64);
    kvcore_free(&t->allocator, t->links[chunk], chunk_length(t, chunk), sizeof(uint32_t), _Alignof(uint32_t));
    t->chunks[chunk] = NULL;
    t->links[chunk] = NULL;
}

void kvradix__table_destroy(table *t) {
    free_rows(t, table_rows_now(t));
    while (t->retired_rows != NULL) {
        table_rows *rows = t->retired_rows;
        t->retired_rows = rows->next;
        free_rows(t, rows);
    }
    for (unsigned chunk = 0; chunk < TABLE_CHUNKS && t->chunks[chunk] != NULL; chunk++) free_chunk(t, chunk);
}

size_t kvradix__table_memory_bytes(const table *t) {
    size_t bytes = rows_bytes(table_rows_now(t)->bucket_count) + t->slot_count * (t->slot_bytes + sizeof(uint32_t));
    for (const table_rows *rows = t->retired_rows; rows != NULL; rows = rows->next)
        bytes += rows_bytes(rows->bucket_count);
    return bytes;
}

/* ---- reuse ---- */

void kvradix__table_reclaim(table *t) {
    for (int step = 0; step < 2 && epoch_advance(&t->epochs); step++)
        list_splice(t, &t->free, &t->retired[(epoch_now(&t->epochs) + 1) % 3]); /* those of two epochs ago */
    for (table_rows **at = &t->retired_rows; *at != NULL;) {
        table_rows *rows = *at;
        if (rows->retired_in + 2 > epoch_now(&t->epochs)) {
            at = &rows->next;
        } else {
            *at = rows->next;
            free_rows(t, rows);
        }
    }
}

static void publish_rows(table *t, table_rows *rows) {
    table_rows *old = table_rows_now(t);
    atomic_store_explicit(&t->rows, rows, memory_order_release);
    old->retired_in = epoch_now(&t->epochs);
    old->next = t->retired_rows;
    t->retired_rows = old;
}

/* An empty table that grew is made as small as at first. Nothing is retired, so no reader can be looking at a slot. Without
 * memory for the small rows it stays as it is. */
static void shrink(table *t) {
    table_rows *rows = make_rows(t, t->chunk_slots);
    if (rows == NULL) return;
    publish_rows(t, rows);
    for (unsigned chunk = 1; chunk < TABLE_CHUNKS && t->chunks[chunk] != NULL; chunk++) free_chunk(t, chunk);
    t->slot_count = t->chunk_slots;
    t->fresh = 0;
    t->free = empty_list;
}

static size_t retired_count(const table *t) { return t->retired[0].count + t->retired[1].count + t->retired[2].count; }

static void retire(table *t, uint32_t slot) { list_push(t, &t->retired[epoch_now(&t->epochs) % 3], slot); }

void kvradix__table_settle(table *t) {
    bool empty = table_count(t) == 0 && t->slot_count > t->chunk_slots;
    if (retired_count(t) >= SETTLE_AT || t->retired_rows != NULL || empty) kvradix__table_reclaim(t);
    if (empty && retired_count(t) == 0) shrink(t);
}

static size_t idle(const table *t) { return t->free.count + (t->slot_count - t->fresh); }

/* ---- buckets; there is one writer, so a load and a store change a word ---- */

/* A place in a bucket. */
typedef struct place {
    table_bucket *bucket;
    unsigned i;
} place;

static void set_tag(place at, uint8_t tag) {
    _Atomic uint64_t *tags = &at.bucket->tags[at.i / 8];
    uint64_t old = atomic_load_explicit(tags, memory_order_relaxed);
    unsigned shift = 8 * (at.i % 8);
    atomic_store_explicit(tags, (old & ~(UINT64_C(0xFF) << shift)) | (uint64_t)tag << shift, memory_order_release);
}

static void set_slot(place at, uint32_t slot) {
    atomic_store_explicit(&at.bucket->slots[at.i], slot, memory_order_release);
}

static void add_spilled(table_bucket *bucket, uint64_t change) {
    uint64_t old = atomic_load_explicit(&bucket->tags[1], memory_order_relaxed);
    atomic_store_explicit(&bucket->tags[1], old + change, memory_order_release);
}

static size_t next_bucket(const table_rows *rows, size_t at) { return at + 1 == rows->bucket_count ? 0 : at + 1; }

/* Publish where there is room, from home on. There is room: rows are made for fewer than they hold. */
static void put(table_rows *rows, uint64_t hash, uint32_t slot) {
    for (size_t at = table_home(rows, hash);; at = next_bucket(rows, at)) {
        table_bucket *bucket = &rows->buckets[at];
        bool goes_on;
        unsigned empty = table_tagged(bucket, 0, &goes_on);
        if (empty != 0) {
            place free = {bucket, (unsigned)__builtin_ctz(empty)};
            set_slot(free, slot);
            set_tag(free, table_tag(hash));
            return;
        }
        add_spilled(bucket, TABLE_SPILLED_ONE);
    }
}

/* Where a published slot stands. The spilled counts of the buckets on the way change by `spilled`. */
static place locate(table_rows *rows, uint64_t hash, uint32_t slot, uint64_t spilled) {
    for (size_t at = table_home(rows, hash);; at = next_bucket(rows, at)) {
        table_bucket *bucket = &rows->buckets[at];
        bool goes_on;
        for (unsigned tagged = table_tagged(bucket, table_tag(hash), &goes_on); tagged != 0; tagged &= tagged - 1) {
            place found = {bucket, (unsigned)__builtin_ctz(tagged)};
            if (table_slot_in(bucket, found.i) == slot) return found;
        }
        if (spilled != 0) add_spilled(bucket, spilled);
    }
}

/* The next published slot of some rows, as kvradix__table_next(). */
static uint32_t next_in(const table_rows *rows, size_t *cursor) {
    for (; *cursor < rows->bucket_count * TABLE_BUCKET_SLOTS; ++*cursor) {
        const table_bucket *bucket = &rows->buckets[*cursor / TABLE_BUCKET_SLOTS];
        unsigned i = (unsigned)(*cursor % TABLE_BUCKET_SLOTS);
        uint64_t tags = atomic_load_explicit(&bucket->tags[i / 8], memory_order_relaxed);
        if ((tags >> (8 * (i % 8)) & 0xFF) != 0) return ++*cursor, table_slot_in(bucket, i);
    }
    return TABLE_NONE;
}

static kvcore_status grow_rows(table *t, size_t records) {
    table_rows *old = table_rows_now(t), *rows = make_rows(t, records);
    if (rows == NULL) return KVCORE_ENOMEM;
    size_t cursor = 0;
    for (uint32_t slot; (slot = next_in(old, &cursor)) != TABLE_NONE;)
        put(rows, t->hash_of(t->key, table_slot(t, slot)), slot);
    publish_rows(t, rows);
    return KVCORE_OK;
}

/* ---- what the indexes call ---- */

/* Records that the rows hold before they are made anew. */
static size_t row_room(const table *t) { return (table_rows_now(t)->bucket_count - 1) * TABLE_BUCKET_FILL; }

bool kvradix__table_has_room(const table *t, size_t records, size_t slots) {
    return slots <= idle(t) && records <= TABLE_SLOTS_MAX && table_count(t) + records <= row_room(t);
}

kvcore_status kvradix__table_reserve(table *t, size_t records, size_t slots) {
    if (records > TABLE_SLOTS_MAX || slots > TABLE_SLOTS_MAX) return KVCORE_EOVERFLOW;
    if (idle(t) < slots) kvradix__table_reclaim(t);
    while (idle(t) < slots) {
        kvcore_status status = add_chunk(t);
        if (status != KVCORE_OK) return status;
    }
    size_t need = table_count(t) + records, room = row_room(t);
    if (need <= room) return KVCORE_OK;
    return grow_rows(t, need > 2 * room ? need : 2 * room);
}

uint32_t kvradix__table_take(table *t) {
    if (t->free.count == 0) return (uint32_t)t->fresh++;
    uint32_t slot = t->free.head;
    t->free.head = *link_of(t, slot);
    if (--t->free.count == 0) t->free = empty_list;
    return slot;
}

void kvradix__table_publish(table *t, uint64_t hash, uint32_t slot) {
    put(table_rows_now(t), hash, slot);
    atomic_store_explicit(&t->count, table_count(t) + 1, memory_order_relaxed);
}

void kvradix__table_remove(table *t, uint64_t hash, uint32_t slot) {
    set_tag(locate(table_rows_now(t), hash, slot, -TABLE_SPILLED_ONE), 0);
    atomic_store_explicit(&t->count, table_count(t) - 1, memory_order_relaxed);
    retire(t, slot);
}

void kvradix__table_replace(table *t, uint64_t hash, uint32_t slot, uint32_t successor) {
    set_slot(locate(table_rows_now(t), hash, slot, 0), successor);
    retire(t, slot);
}

uint32_t kvradix__table_next(const table *t, size_t *cursor) { return next_in(table_rows_now(t), cursor); }
