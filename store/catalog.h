/* What a store believes is there: name and space → size, last use. Private to store. Not safe by itself: the store locks it. */
#ifndef KVSTORE_CATALOG_H
#define KVSTORE_CATALOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <kvcore/allocator.h>
#include <kvhash/plh.h>

#define KVSTORE_NONE UINT32_MAX

enum { KVSTORE_PINNED = 1, KVSTORE_COLD = 2 /* taken from a scan, and never used here */ };

/* 36 bytes; with its share of the table at most 45. */
typedef struct kvstore_record {
    uint32_t name[4]; /* high, low: halves, low half first */
    uint32_t older;   /* towards the cold end */
    uint32_t newer;   /* also the list of free records */
    uint32_t sectors; /* of 512 bytes */
    uint32_t used_s;  /* wall clock: the last use that the object itself knows of */
    uint16_t space;
    uint8_t flags;
    uint8_t generation; /* of the scan that saw it last */
} kvstore_record;

typedef struct kvstore_catalog {
    kvcore_allocator allocator;
    kvstore_record **slabs;
    uint32_t *slots; /* index + 1; 0: empty */
    size_t slab_count, slab_room;
    size_t slot_count; /* power of two */
    uint64_t seed;
    uint64_t bytes; /* allocated, of all records */
    uint32_t count, used, free, oldest, newest;
} kvstore_catalog;

void kvstore__catalog_make(kvstore_catalog *catalog, const kvcore_allocator *allocator, uint64_t seed);
void kvstore__catalog_end(kvstore_catalog *catalog);
kvstore_record *kvstore__catalog_record(const kvstore_catalog *catalog, uint32_t index);
kvhash_plh kvstore__catalog_name(const kvstore_record *record);
uint32_t kvstore__catalog_find(const kvstore_catalog *catalog, uint16_t space, kvhash_plh name);
/* Fetch what finding it will read: its place in the table, or (a little later) the record that stands there. */
void kvstore__catalog_prefetch(const kvstore_catalog *catalog, uint16_t space, kvhash_plh name, bool record);
/* The record of a name, new at the warm end when there was none; KVSTORE_NONE without memory. */
uint32_t kvstore__catalog_insert(kvstore_catalog *catalog, uint16_t space, kvhash_plh name, bool *made);
void kvstore__catalog_resize(kvstore_catalog *catalog, uint32_t index, uint64_t disk_bytes);
void kvstore__catalog_remove(kvstore_catalog *catalog, uint32_t index);
void kvstore__catalog_warm(kvstore_catalog *catalog, uint32_t index);
/* Records that came from a scan go to the cold end, least recently used first; at one second the higher position first. */
bool kvstore__catalog_settle(kvstore_catalog *catalog);
uint64_t kvstore__catalog_memory(const kvstore_catalog *catalog);

#endif
