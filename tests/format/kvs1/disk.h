/* A disk in memory, for the tests of KVS1: it counts calls, dies at one of them, and forgets or reorders what was not synced.
 * A sync that fails behaves as Linux does: what did not reach the disk stays visible, is taken for clean and never written. */
#ifndef KVS1_DISK_H
#define KVS1_DISK_H

#include "kvtest.h"

#include "../../../format/kvs1/layout.h"

enum { DISK_BYTES = 1 << 16, DISK_WRITES = 256, DISK_SECTOR = 128 };

typedef struct disk_write {
    uint64_t offset;
    size_t size; /* SIZE_MAX: a truncation to offset */
    uint8_t *bytes;
} disk_write;

typedef struct disk {
    uint8_t view[DISK_BYTES], durable[DISK_BYTES]; /* what programs see; what survives for sure */
    uint64_t view_size, durable_size;
    disk_write unsynced[DISK_WRITES];
    size_t unsynced_count;
    size_t calls, die_at;  /* writes, syncs, truncations so far; the one that fails, 0: none */
    size_t fail_sync_at;   /* the call whose sync fails while everything goes on, 0: none */
    kvtest_random *random; /* which writes of a failed sync reach the disk */
    bool dead;
} disk;

/* Closing it does nothing; its memory is the test's. */
kvs1_io disk_io(disk *of);
/* What is on the disk after a crash now: some sectors of some unsynced writes, in some order. Returns the size. */
size_t disk_crash(const disk *of, kvtest_random *random, uint8_t image[DISK_BYTES]);
/* A disk that holds this and nothing unsynced. Frees what it remembered. */
void disk_reset(disk *of, const uint8_t *image, size_t size);

#endif
