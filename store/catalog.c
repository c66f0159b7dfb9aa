#include "catalog.h"

#include <string.h>

#include <kvcore/sort.h>

enum { SLAB = 4096, SECTOR = 512, FIRST_SLOTS = 1024 };

void kvstore__catalog_make(kvstore_catalog *catalog, const kvcore_allocator *allocator, uint64_t seed) {
    *catalog = (kvstore_catalog){
        .allocator = *allocator, .seed = seed, .free = KVSTORE_NONE, .oldest = KVSTORE_NONE, .newest = KVSTORE_NONE};
}

void kvstore__catalog_end(kvstore_catalog *catalog) {
    for (size_t i = 0; i < catalog->slab_count; i++)
        kvcore_free(&catalog->allocator, catalog->slabs[i], SLAB, sizeof(kvstore_record), _Alignof(kvstore_record));
    kvcore_free(&catalog->allocator, catalog->slabs, catalog->slab_room, sizeof *catalog->slabs, _Alignof(void *));
    kvcore_free(&catalog->allocator, catalog->slots, catalog->slot_count, sizeof *catalog->slots, _Alignof(uint32_t));
}

kvstore_record *kvstore__catalog_record(const kvstore_catalog *catalog, uint32_t index) {
    return &catalog->slabs[index / SLAB][index % SLAB];
}

kvhash_plh kvstore__catalog_name(const kvstore_record *record) {
    return (kvhash_plh){(uint64_t)record->name[1] << 32 | record->name[0],
                        (uint64_t)record->name[3] << 32 | record->name[2]};
}

static size_t slot_of(const kvstore_catalog *catalog, uint16_t space, kvhash_plh name) {
    uint64_t mixed = (name.high ^ catalog->seed) * UINT64_C(0x9E3779B97F4A7C15);
    mixed = (mixed ^ mixed >> 32 ^ name.low) * UINT64_C(0xD6E8FEB86659FD93);
    mixed = (mixed ^ mixed >> 29 ^ space) * UINT64_C(0x9E3779B97F4A7C15);
    return (size_t)(mixed >> 32) & (catalog->slot_count - 1);
}

static bool is(const kvstore_record *record, uint16_t space, kvhash_plh name) {
    return record->name[0] == (uint32_t)name.high && record->name[2] == (uint32_t)name.low &&
           record->name[1] == (uint32_t)(name.high >> 32) && record->name[3] == (uint32_t)(name.low >> 32) &&
           record->space == space;
}

uint32_t kvstore__catalog_find(const kvstore_catalog *catalog, uint16_t space, kvhash_plh name) {
    if (catalog->slot_count == 0) return KVSTORE_NONE;
    for (size_t at = slot_of(catalog, space, name);; at = (at + 1) & (catalog->slot_count - 1)) {
        uint32_t slot = catalog->slots[at];
        if (slot == 0) return KVSTORE_NONE;
        if (is(kvstore__catalog_record(catalog, slot - 1), space, name)) return slot - 1;
    }
}

void kvstore__catalog_prefetch(const kvstore_catalog *catalog, uint16_t space, kvhash_plh name, bool record) {
    if (catalog->slot_count == 0) return;
    const uint32_t *slot = &catalog->slots[slot_of(catalog, space, name)];
    if (!record)
        __builtin_prefetch(slot);
    else if (*slot != 0)
        __builtin_prefetch(kvstore__catalog_record(catalog, *slot - 1));
}

static void place(kvstore_catalog *catalog, uint32_t index) {
    const kvstore_record *record = kvstore__catalog_record(catalog, index);
    size_t at = slot_of(catalog, record->space, kvstore__catalog_name(record));
    while (catalog->slots[at] != 0) at = (at + 1) & (catalog->slot_count - 1);
    catalog->slots[at] = index + 1;
}

/* Room for one record more in the table: it is at most 15/16 full, and half that after it has grown. */
static bool grow_slots(kvstore_catalog *catalog) {
    if (catalog->slot_count > 0 && catalog->count < catalog->slot_count - catalog->slot_count / 16) return true;
    size_t count = catalog->slot_count == 0 ? FIRST_SLOTS : 2 * catalog->slot_count;
    uint32_t *slots = kvcore_alloc(&catalog->allocator, count, sizeof *slots, _Alignof(uint32_t));
    if (slots == NULL) return false;
    memset(slots, 0, count * sizeof *slots);
    kvcore_free(&catalog->allocator, catalog->slots, catalog->slot_count, sizeof *slots, _Alignof(uint32_t));
    catalog->slots = slots;
    catalog->slot_count = count;
    for (uint32_t at = catalog->oldest; at != KVSTORE_NONE; at = kvstore__catalog_record(catalog, at)->newer)
        place(catalog, at);
    return true;
}

static bool grow_slabs(kvstore_catalog *catalog) {
    if (catalog->free != KVSTORE_NONE || catalog->used < catalog->slab_count * SLAB) return true;
    if (catalog->used > UINT32_MAX - 2 * SLAB) return false;
    if (catalog->slab_count == catalog->slab_room) {
        size_t room = catalog->slab_room == 0 ? 16 : 2 * catalog->slab_room;
        kvstore_record **slabs = kvcore_alloc(&catalog->allocator, room, sizeof *slabs, _Alignof(void *));
        if (slabs == NULL) return false;
        if (catalog->slab_count > 0) memcpy(slabs, catalog->slabs, catalog->slab_count * sizeof *slabs);
        kvcore_free(&catalog->allocator, catalog->slabs, catalog->slab_room, sizeof *slabs, _Alignof(void *));
        catalog->slabs = slabs;
        catalog->slab_room = room;
    }
    kvstore_record *slab = kvcore_alloc(&catalog->allocator, SLAB, sizeof *slab, _Alignof(kvstore_record));
    if (slab == NULL) return false;
    catalog->slabs[catalog->slab_count++] = slab;
    return true;
}

static void unlink_record(kvstore_catalog *catalog, kvstore_record *record) {
    if (record->older != KVSTORE_NONE)
        kvstore__catalog_record(catalog, record->older)->newer = record->newer;
    else
        catalog->oldest = record->newer;
    if (record->newer != KVSTORE_NONE)
        kvstore__catalog_record(catalog, record->newer)->older = record->older;
    else
        catalog->newest = record->older;
}

static void link_newest(kvstore_catalog *catalog, uint32_t index) {
    kvstore_record *record = kvstore__catalog_record(catalog, index);
    record->older = catalog->newest;
    record->newer = KVSTORE_NONE;
    if (catalog->newest != KVSTORE_NONE)
        kvstore__catalog_record(catalog, catalog->newest)->newer = index;
    else
        catalog->oldest = index;
    catalog->newest = index;
}

void kvstore__catalog_warm(kvstore_catalog *catalog, uint32_t index) {
    kvstore_record *record = kvstore__catalog_record(catalog, index);
    record->flags &= (uint8_t)~KVSTORE_COLD;
    if (catalog->newest == index) return;
    unlink_record(catalog, record);
    link_newest(catalog, index);
}

uint32_t kvstore__catalog_insert(kvstore_catalog *catalog, uint16_t space, kvhash_plh name, bool *made) {
    uint32_t index = kvstore__catalog_find(catalog, space, name);
    *made = false;
    if (index != KVSTORE_NONE) return index;
    if (!grow_slots(catalog) || !grow_slabs(catalog)) return KVSTORE_NONE;
    if (catalog->free != KVSTORE_NONE) {
        index = catalog->free;
        catalog->free = kvstore__catalog_record(catalog, index)->newer;
    } else {
        index = catalog->used++;
    }
    *kvstore__catalog_record(catalog, index) = (kvstore_record){
        .name = {(uint32_t)name.high, (uint32_t)(name.high >> 32), (uint32_t)name.low, (uint32_t)(name.low >> 32)},
        .space = space};
    link_newest(catalog, index);
    place(catalog, index);
    catalog->count++;
    *made = true;
    return index;
}

void kvstore__catalog_resize(kvstore_catalog *catalog, uint32_t index, uint64_t disk_bytes) {
    kvstore_record *record = kvstore__catalog_record(catalog, index);
    uint64_t sectors = disk_bytes / SECTOR + (disk_bytes % SECTOR > 0);
    if (sectors > UINT32_MAX) sectors = UINT32_MAX;
    catalog->bytes += (sectors - record->sectors) * SECTOR; /* wraps as it should when it shrinks */
    record->sectors = (uint32_t)sectors;
}

/* The hole is filled by what stands behind it and may stand there. */
static void close_gap(kvstore_catalog *catalog, size_t hole) {
    size_t mask = catalog->slot_count - 1;
    for (size_t at = (hole + 1) & mask; catalog->slots[at] != 0; at = (at + 1) & mask) {
        const kvstore_record *record = kvstore__catalog_record(catalog, catalog->slots[at] - 1);
        size_t home = slot_of(catalog, record->space, kvstore__catalog_name(record));
        if (((at - home) & mask) < ((at - hole) & mask)) continue;
        catalog->slots[hole] = catalog->slots[at];
        hole = at;
    }
    catalog->slots[hole] = 0;
}

void kvstore__catalog_remove(kvstore_catalog *catalog, uint32_t index) {
    kvstore_record *record = kvstore__catalog_record(catalog, index);
    size_t at = slot_of(catalog, record->space, kvstore__catalog_name(record));
    while (catalog->slots[at] != index + 1) at = (at + 1) & (catalog->slot_count - 1);
    close_gap(catalog, at);
    catalog->bytes -= (uint64_t)record->sectors * SECTOR;
    unlink_record(catalog, record);
    record->newer = catalog->free;
    catalog->free = index;
    catalog->count--;
}

typedef struct cold_list {
    const kvstore_catalog *catalog;
    uint32_t *indices;
} cold_list;

static bool colder(void *ctx, size_t a, size_t b) {
    const cold_list *list = ctx;
    const kvstore_record *left = kvstore__catalog_record(list->catalog, list->indices[a]),
                         *right = kvstore__catalog_record(list->catalog, list->indices[b]);
    if (left->used_s != right->used_s) return left->used_s < right->used_s;
    return kvhash_plh_position(kvstore__catalog_name(left)) > kvhash_plh_position(kvstore__catalog_name(right));
}

static void swap_cold(void *ctx, size_t a, size_t b) {
    uint32_t *indices = ((const cold_list *)ctx)->indices, moved = indices[a];
    indices[a] = indices[b];
    indices[b] = moved;
}

bool kvstore__catalog_settle(kvstore_catalog *catalog) {
    size_t count = 0;
    for (uint32_t at = catalog->oldest; at != KVSTORE_NONE; at = kvstore__catalog_record(catalog, at)->newer)
        count += (kvstore__catalog_record(catalog, at)->flags & KVSTORE_COLD) != 0;
    if (count == 0) return true;
    uint32_t *indices = kvcore_alloc(&catalog->allocator, count, sizeof *indices, _Alignof(uint32_t));
    if (indices == NULL) return false;
    size_t filled = 0;
    for (uint32_t at = catalog->oldest; at != KVSTORE_NONE; at = kvstore__catalog_record(catalog, at)->newer)
        if (kvstore__catalog_record(catalog, at)->flags & KVSTORE_COLD) indices[filled++] = at;
    cold_list list = {catalog, indices};
    kvcore_sort(&(kvcore_sorting){&list, colder, swap_cold}, count);
    for (size_t i = count; i-- > 0;) { /* each in front of what was the oldest */
        kvstore_record *record = kvstore__catalog_record(catalog, indices[i]);
        record->flags &= (uint8_t)~KVSTORE_COLD;
        unlink_record(catalog, record);
        record->newer = catalog->oldest;
        record->older = KVSTORE_NONE;
        if (catalog->oldest != KVSTORE_NONE)
            kvstore__catalog_record(catalog, catalog->oldest)->older = indices[i];
        else
            catalog->newest = indices[i];
        catalog->oldest = indices[i];
    }
    kvcore_free(&catalog->allocator, indices, count, sizeof *indices, _Alignof(uint32_t));
    return true;
}

uint64_t kvstore__catalog_memory(const kvstore_catalog *catalog) {
    return (uint64_t)catalog->slab_count * SLAB * sizeof(kvstore_record) + catalog->slab_room * sizeof(void *) +
           catalog->slot_count * sizeof(uint32_t);
}
