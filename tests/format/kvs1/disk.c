#include "disk.h"

static kvcore_status refuse(kvcore_error *error) {
    return kvcore_fail(error, &(kvcore_error){.code = KVCORE_EIO}, "the disk is dead");
}

/* Counts a call; true when the disk dies in it. What the call was about may still reach the disk. */
static bool dies(disk *of) {
    if (++of->calls == of->die_at) of->dead = true;
    return of->dead;
}

static void remember(disk *of, uint64_t offset, size_t size, const uint8_t *bytes) {
    assert_true(of->unsynced_count < DISK_WRITES);
    disk_write *entry = &of->unsynced[of->unsynced_count++];
    *entry = (disk_write){offset, size, NULL};
    if (bytes == NULL) return;
    entry->bytes = malloc(size > 0 ? size : 1);
    memcpy(entry->bytes, bytes, size);
}

static kvcore_status disk_read(void *ctx, uint64_t offset, void *bytes, size_t size, kvcore_error *error) {
    const disk *of = ctx;
    if (offset + size > of->view_size) return refuse(error);
    memcpy(bytes, of->view + offset, size);
    return KVCORE_OK;
}

static kvcore_status disk_write_parts(void *ctx, uint64_t offset, const kvcore_bytes *parts, size_t count,
                                      kvcore_error *error) {
    disk *of = ctx;
    if (of->dead) return refuse(error);
    uint8_t whole[DISK_BYTES];
    size_t size = 0;
    for (size_t i = 0; i < count; i++) {
        assert_true(offset + size + parts[i].size_bytes <= DISK_BYTES);
        if (parts[i].size_bytes > 0) memcpy(whole + size, parts[i].data, parts[i].size_bytes);
        size += parts[i].size_bytes;
    }
    remember(of, offset, size, whole);
    if (dies(of)) return refuse(error);
    memcpy(of->view + offset, whole, size);
    if (offset + size > of->view_size) of->view_size = offset + size;
    return KVCORE_OK;
}

static void forget(disk *of) {
    for (size_t i = 0; i < of->unsynced_count; i++) free(of->unsynced[i].bytes);
    of->unsynced_count = 0;
}

/* All that was written since the last sync, onto what is there for sure. */
static void settle(disk *of) {
    for (size_t i = 0; i < of->unsynced_count; i++) {
        const disk_write *write = &of->unsynced[i];
        if (write->size == SIZE_MAX) {
            memset(of->durable + write->offset, 0, (size_t)(DISK_BYTES - write->offset));
            of->durable_size = write->offset;
            continue;
        }
        memcpy(of->durable + write->offset, write->bytes, write->size);
        if (write->offset + write->size > of->durable_size) of->durable_size = write->offset + write->size;
    }
    forget(of);
}

static kvcore_status disk_sync(void *ctx, kvcore_error *error) {
    disk *of = ctx;
    if (of->dead || dies(of)) return refuse(error);
    if (of->calls != of->fail_sync_at) {
        settle(of);
        return KVCORE_OK;
    }
    static uint8_t image[DISK_BYTES];
    of->durable_size = disk_crash(of, of->random, image);
    memcpy(of->durable, image, sizeof image);
    forget(of);
    return refuse(error);
}

static kvcore_status disk_truncate(void *ctx, uint64_t size, kvcore_error *error) {
    disk *of = ctx;
    if (of->dead) return refuse(error);
    remember(of, size, SIZE_MAX, NULL);
    if (dies(of)) return refuse(error);
    if (size < of->view_size) memset(of->view + size, 0, (size_t)(of->view_size - size));
    of->view_size = size;
    return KVCORE_OK;
}

static kvcore_status disk_size(void *ctx, uint64_t *size, kvcore_error *error) {
    (void)error;
    *size = ((const disk *)ctx)->view_size;
    return KVCORE_OK;
}

static void disk_close(void *ctx) { (void)ctx; }

kvs1_io disk_io(disk *of) {
    return (kvs1_io){of, disk_read, disk_write_parts, disk_sync, disk_truncate, disk_size, NULL, disk_close};
}

/* Some sectors of one write; the file grows to the last of them. */
static void apply(const disk_write *write, kvtest_random *random, uint8_t *image, uint64_t *size) {
    if (kvtest_below(random, 4) == 0) return;
    bool all = kvtest_below(random, 2) == 0;
    for (size_t at = 0; at < write->size;) {
        size_t step = DISK_SECTOR - (size_t)((write->offset + at) % DISK_SECTOR);
        if (step > write->size - at) step = write->size - at;
        if (all || kvtest_below(random, 2) == 0) {
            memcpy(image + write->offset + at, write->bytes + at, step);
            if (write->offset + at + step > *size) *size = write->offset + at + step;
        }
        at += step;
    }
}

size_t disk_crash(const disk *of, kvtest_random *random, uint8_t image[DISK_BYTES]) {
    uint64_t size = of->durable_size;
    memcpy(image, of->durable, DISK_BYTES);
    size_t order[DISK_WRITES], begin = 0;
    for (size_t i = 0; i < of->unsynced_count; i++) order[i] = i;
    for (size_t end = 0; end <= of->unsynced_count; end++) { /* runs of writes between truncations */
        bool cut = end < of->unsynced_count && of->unsynced[end].size == SIZE_MAX;
        if (end < of->unsynced_count && !cut) continue;
        for (size_t i = end; i-- > begin;) {
            size_t j = begin + (size_t)kvtest_below(random, i - begin + 1), moved = order[i];
            order[i] = order[j];
            order[j] = moved;
        }
        for (size_t i = begin; i < end; i++) apply(&of->unsynced[order[i]], random, image, &size);
        if (cut && kvtest_below(random, 2) == 0) {
            uint64_t to = of->unsynced[end].offset;
            if (to < size) memset(image + to, 0, (size_t)(size - to));
            size = to;
        }
        begin = end + 1;
    }
    return (size_t)size;
}

void disk_reset(disk *of, const uint8_t *image, size_t size) {
    forget(of);
    memset(of->view, 0, sizeof of->view);
    if (size > 0) memcpy(of->view, image, size);
    memcpy(of->durable, of->view, sizeof of->durable);
    of->view_size = of->durable_size = size;
    of->calls = of->die_at = of->fail_sync_at = 0;
    of->dead = false;
}
