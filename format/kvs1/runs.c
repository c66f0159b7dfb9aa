/* KVS1: the names of a file in few sorted runs. */
#include "runs.h"

enum { FEW_COMMITS = 16 };

kvcore_status kvformat__kvs1_runs_begin(kvs1_runs *runs, size_t commits, const kvcore_allocator *from) {
    *runs = (kvs1_runs){.merge = commits > FEW_COMMITS};
    if (commits == 0) return KVCORE_OK;
    runs->runs = kvcore_alloc(from, commits, sizeof *runs->runs, _Alignof(kvs1_run));
    if (runs->runs == NULL) return KVCORE_ENOMEM;
    runs->room = commits;
    return KVCORE_OK;
}

static void drop_run(const kvs1_run *run, const kvcore_allocator *from) {
    if (run->entries == NULL) return; /* its keys are the file's */
    kvcore_free(from, (void *)(uintptr_t)run->keys, run->room, KVS1_KEY_BYTES, 1);
    kvcore_free(from, (void *)(uintptr_t)run->entries, run->room, sizeof *run->entries, _Alignof(uint64_t));
}

void kvformat__kvs1_runs_drop(kvs1_runs *runs, const kvcore_allocator *from) {
    for (size_t i = 0; i < runs->count; i++) drop_run(&runs->runs[i], from);
    kvcore_free(from, runs->runs, runs->room, sizeof *runs->runs, _Alignof(kvs1_run));
    *runs = (kvs1_runs){.merge = false};
}

/* Both in order; of a name in both the newer. Returns how many. */
static size_t merge_into(uint8_t *keys, uint64_t *entries, const kvs1_run *older, const kvs1_run *newer) {
    size_t count = 0, o = 0, n = 0;
    while (o < older->count || n < newer->count) {
        const uint8_t *old_key = older->keys + o * KVS1_KEY_BYTES, *new_key = newer->keys + n * KVS1_KEY_BYTES;
        int order = o == older->count ? 1 : n == newer->count ? -1 : memcmp(old_key, new_key, KVS1_KEY_BYTES);
        memcpy(keys + count * KVS1_KEY_BYTES, order < 0 ? old_key : new_key, KVS1_KEY_BYTES);
        entries[count++] = order < 0 ? kvs1_run_entry(older, o) : kvs1_run_entry(newer, n);
        o += order <= 0;
        n += order >= 0;
    }
    return count;
}

static kvcore_status merge(const kvs1_run *older, const kvs1_run *newer, kvs1_run *merged,
                           const kvcore_allocator *from) {
    size_t room;
    if (__builtin_add_overflow(older->count, newer->count, &room)) return KVCORE_ENOMEM;
    uint8_t *keys = kvcore_alloc(from, room, KVS1_KEY_BYTES, 1);
    uint64_t *entries = kvcore_alloc(from, room, sizeof *entries, _Alignof(uint64_t));
    if (keys == NULL || entries == NULL) {
        if (keys != NULL) kvcore_free(from, keys, room, KVS1_KEY_BYTES, 1);
        if (entries != NULL) kvcore_free(from, entries, room, sizeof *entries, _Alignof(uint64_t));
        return KVCORE_ENOMEM;
    }
    size_t count = merge_into(keys, entries, older, newer);
    *merged = (kvs1_run){.keys = keys, .entries = entries, .count = count, .room = room};
    return KVCORE_OK;
}

kvcore_status kvformat__kvs1_runs_add(kvs1_runs *runs, const kvs1_run *commit, const kvcore_allocator *from) {
    runs->runs[runs->count++] = *commit;
    while (runs->merge && runs->count > 1) {
        kvs1_run *newer = &runs->runs[runs->count - 1], *older = newer - 1, merged;
        if (older->count / 2 >= newer->count) break;
        kvcore_status status = merge(older, newer, &merged, from);
        if (status != KVCORE_OK) return status;
        drop_run(older, from);
        drop_run(newer, from);
        *older = merged;
        runs->count--;
    }
    return KVCORE_OK;
}
